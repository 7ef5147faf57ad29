"""Parity: what went over a real socket into paper leads to the same COMMANDs when it is replayed
through the backtest's compiled loop, in batches, and one event at a time, byte for byte."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aggressor.run.accounts.paper import JOURNAL
from aggressor.run.accounts.parity import _Recorded, assembly_of, first_difference, parity
from aggressor.run.backtests.backtest import play
from aggressor.schema.command import AMEND, CANCEL, PLACE, Commands, empty_commands
from aggressor.schema.event import NO_TIME, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.sim.synthetic.presets import demo_instrument
from aggressor.store.journal_reader import JournalReader
from aggressor.store.reader import Store
from aggressor.store.replay import replay_of
from tests.run.paper_stage import make_busy, papered

SECONDS = 8.0


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    store = tmp_path_factory.mktemp("paper")
    with pytest.MonkeyPatch.context() as patch:
        make_busy(patch)
        result, _, _ = papered(store, SECONDS)
        yield store, result


def commands_of(store: Path, run: int = 1) -> Commands:
    reader = JournalReader(store / JOURNAL)
    found = reader.commands(run)
    reader.close()
    return found


def test_there_was_something_to_compare(ran: Any) -> None:
    store, result = ran
    kinds = commands_of(store)["kind"].tolist()
    assert result["fills"] > 3
    assert min(kinds.count(PLACE), kinds.count(CANCEL)) > 3
    assert AMEND in kinds
    assert result["dropped_rows"] == 0


@pytest.mark.parametrize("limit", [1, 7, 65_536])
def test_the_recording_leads_to_the_same_commands(ran: Any, limit: int) -> None:
    store, result = ran
    found = parity(store, limit=limit)
    assert found["first_difference"] is None
    assert found["same"]
    assert found["complete"]
    assert found["commands"] == found["commands_replayed"] == commands_of(store).size
    assert found["events"] == result["events"]


def test_so_does_the_backtest(ran: Any) -> None:
    store, _ = ran
    reader = JournalReader(store / JOURNAL)
    (run,) = reader.runs()
    (stop,) = reader.acts(run.run)
    assembly = assembly_of(run, reader)
    reader.close()
    instruments: list[Instrument] = list(assembly.engine.instruments)
    assert run.first_ns is not None
    feed = Store(store).replay([one.id for one in instruments], run.first_ns, 2**63 - 1)
    play(assembly, feed, instruments)
    sent = commands_of(store)
    sure = int((sent["ts_send"] < stop.ts_ns - 200_000_000).sum())
    assert sure > 20
    assert assembly.engine.journal.commands[:sure].tobytes() == sent[:sure].tobytes()


def test_a_killed_run_is_compared_as_far_as_its_recording_has_no_holes(
    ran: Any, tmp_path: Path
) -> None:
    """The next process recorded before it traded: its rows are none of the run that was killed."""
    store = tmp_path / "killed"
    shutil.copytree(ran[0], store)
    sent = commands_of(store)
    killed_ns = int(sent["ts_send"][sent.size // 2]) + 1
    line = sqlite3.connect(store / JOURNAL)
    line.execute("UPDATE runs SET ended = NULL, ended_ns = NULL")
    line.execute(
        "INSERT INTO runs (mode, began_ns, config, config_hash) SELECT mode, ?, config, '' "
        "FROM runs WHERE run = 1",
        (killed_ns,),
    )
    line.commit()
    line.close()
    found = parity(store, run=1)
    assert found["same"]
    assert not found["complete"]
    assert 3 < found["commands"] < sent.size
    assert found["commands"] + found["beyond"] == sent.size


def test_a_recording_has_no_holes_up_to_the_venue_that_ends_first() -> None:
    rows = empty_events(4)
    rows["ts_recv"] = [10, 20, 30, 50]
    rows["instrument"] = [0, 1, 2, 0]
    one = msgspec.structs.replace(demo_instrument(), venue="a")
    both = [one, msgspec.structs.replace(one, symbol="B"), demo_instrument()]
    recorded = _Recorded(replay_of([rows[rows["instrument"] == k] for k in range(3)], 0), both)
    assert recorded.whole_ns == NO_TIME
    while recorded.poll(2).size:
        pass
    assert recorded.whole_ns == 30


def test_a_difference_is_found_and_shown() -> None:
    ours = empty_commands(3)
    ours["order"] = [1, 2, 3]
    theirs = ours.copy()
    assert first_difference(ours, theirs) is None
    theirs["price"][1] = 5
    assert first_difference(ours, theirs) == 1
    assert first_difference(ours, ours[:2]) == 2


def test_a_changed_recording_is_noticed(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = ran
    replay = Store.replay

    class Shifted:
        def __init__(self, feed: Any) -> None:
            self._feed, self._seen = feed, 0

        def poll(self, limit: int) -> Any:
            rows = self._feed.poll(limit).copy()
            late = np.arange(self._seen, self._seen + rows.size) > 1500
            self._seen += rows.size
            rows["price"][late & (rows["kind"] <= 4) & (rows["price"] > 0)] += 1
            return rows

    monkeypatch.setattr(Store, "replay", lambda *a, **k: Shifted(replay(*a, **k)))
    found = parity(store)
    assert not found["same"]
    first = found["first_difference"]
    assert first["sent"] != first["replayed"]
