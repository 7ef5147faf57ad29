"""The examples run as they stand, offline, and stay short."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def test_there_are_three():
    assert [one.name for one in EXAMPLES] == [
        "does_flow_move_price.py",
        "own_strategy.py",
        "what_happened.py",
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.stem)
def test_an_example_runs(example, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path))
    runpy.run_path(str(example), run_name="__main__")
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) >= 3
    assert "nan" not in printed


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.stem)
def test_an_example_is_a_short_notebook(example):
    lines = example.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 60
    assert sum(line.lstrip().startswith("# %%") for line in lines) >= 4
