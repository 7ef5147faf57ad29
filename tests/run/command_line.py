"""A command line run in this process, for tests of commands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aggressor.cli import main

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run a command line in this process; return (exit code, standard output, standard error)."""
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))

    def command(*arguments: object) -> tuple[int, str, str]:
        code = 0
        try:
            main([str(one) for one in arguments])
        except SystemExit as ending:
            code = int(ending.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command
