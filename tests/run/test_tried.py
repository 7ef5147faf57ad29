"""Every variant is written down once and judged among all: kept, torn, unwritable, listed."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.run.assemble import Settings
from aggressor.run.backtests.judging import judge, null_market
from aggressor.run.backtests.market_source import Source, stored
from aggressor.run.backtests.tried import list_trials, note, others, trials
from aggressor.schema.errors import StoreError
from aggressor.store.layout import Layout
from aggressor.store.making import make_store
from aggressor.study.trials import Outcome
from tests.properties.tapes import instruments, market
from tests.run.command_line import Command, run

__all__ = ["run"]  # a fixture of another module

NAME = instruments()[0].id
GOOD = Outcome(trades=400, sharpe=0.25, skew=0.0, kurtosis=3.0, p=1 / 1001)
POOR = Outcome(trades=400, sharpe=-0.02, skew=0.0, kurtosis=3.0, p=0.6)
TRAP = Settings(
    strategy="liquidity_trap", profile="micro", equity=10_000_000.0, rule={"ungated": True}
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_store(tmp_path / "store", {instruments()[0]: market(1, 16.0)})
    return tmp_path / "store"


def source_of(root: Path, **span: Any) -> Source:
    return stored(root, NAME, **span)


def with_stop(ticks: int) -> Settings:
    return msgspec.structs.replace(TRAP, rule={"ungated": True, "stop_ticks": ticks})


def test_a_variant_counts_once_however_often_it_is_tried(root: Path) -> None:
    source = source_of(root)
    assert trials(root) == []
    assert note(source, TRAP, POOR) == ""
    assert note(source, with_stop(3), GOOD) == ""
    renamed = msgspec.structs.replace(TRAP, params="another_name.toml")
    assert note(source, renamed, GOOD) == ""
    assert [one.outcome for one in trials(root)] == [GOOD, GOOD]
    assert note(source_of(root, start="2020-01-01"), TRAP, POOR) == ""
    assert len(trials(root)) == 3
    assert others(source, TRAP) == [GOOD, POOR]


def test_a_made_market_keeps_no_record() -> None:
    source = null_market("poisson", 1, 0.01)
    assert note(source, TRAP, GOOD) == ""
    assert others(source, TRAP) == []


def test_a_torn_line_is_passed_over_and_the_next_begins_anew(root: Path) -> None:
    source = source_of(root)
    note(source, TRAP, POOR)
    path = Layout(root).trials
    with path.open("ab") as file:
        file.write(path.read_bytes()[:40])
    assert len(trials(root)) == 1
    note(source, with_stop(3), GOOD)
    assert [one.outcome for one in trials(root)] == [POOR, GOOD]


def test_what_cannot_be_written_down_is_said(root: Path) -> None:
    Layout(root).trials.mkdir()
    assert "Cannot write" in note(source_of(root), TRAP, GOOD)
    with pytest.raises(StoreError, match="Cannot read"):
        trials(root)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_may_not_be_written_hides_no_result(root: Path) -> None:
    root.chmod(0o555)
    try:
        assert "permission is denied" in note(source_of(root), TRAP, GOOD)
    finally:
        root.chmod(0o755)


def test_a_backtest_with_a_placebo_is_judged_among_the_others(root: Path, run: Command) -> None:
    source = source_of(root)
    for ticks in range(1, 5):
        note(source, with_stop(ticks), POOR)
    found = judge(source, TRAP, draws=2, seed=1)
    assert found["tried"]["variants"] == 5
    assert found["not_noted"] == ""
    assert judge(source, TRAP, draws=2, seed=1) == found
    listed = list_trials(root)
    assert listed["variants"] == 5
    assert listed["trials"][-1]["outcome"] == found["outcome"]
    assert listed["trials"][-1]["tried"] == found["tried"]

    code, out, err = run("trials", root, "--json")
    assert (code, json.loads(out), err) == (0, listed, "")
    _, shown, _ = run("trials", root)
    assert "5 variants tried" in shown
    assert "liquidity_trap" in shown
    assert "stop_ticks 4" in shown


def test_nothing_tried_says_how_to(root: Path, run: Command) -> None:
    assert "--placebo" in run("trials", root)[1]
