"""What is said on standard error while kernels compile."""

import sys

import pytest
from numba.core import event

from aggressor.features.ranks import median_and_deviation
from aggressor.run.progress import progress

SAID = "compiling kernels on first use"


def compile_event() -> None:
    with event.trigger_event("numba:compile", data={"dispatcher": median_and_deviation}):
        pass


def test_a_file_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as step:
        compile_event()
        compile_event()
        step("working", 0.5)
    compile_event()
    assert capsys.readouterr().err.count(SAID) == 1


def test_nothing_is_said_when_quiet_or_when_nothing_compiles(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress(quiet=True):
        compile_event()
    with progress() as step:
        step("working", 0.5)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_terminal_sees_the_kernel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress() as step:
        step("working", 0.5)
        compile_event()
    shown = capsys.readouterr().err
    assert "features.ranks.median_and_deviation" in shown
    assert SAID not in shown
