"""A live run replays from its recording and its journal to the same COMMANDs, byte for byte."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.live import live
from aggressor.run.accounts.parity import parity
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema import command as c
from aggressor.store.journal import connect
from aggressor.store.journal_reader import JournalReader
from tests.run.account_stage import JOURNAL, VENUE, Unwatched, caught, live_plan, our_keys, traded
from tests.run.live_stage import by_hand
from tests.run.paper_stage import Busy, make_busy
from tests.run.venue_stage import serving, until


@pytest.fixture(autouse=True)
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)
    monkeypatch.setattr(live_runs, "Guard", Unwatched)


def same(store: Path, run: int, **more: Any) -> dict[str, Any]:
    found = parity(store, run=run, **more)
    assert found["mode"] == "live"
    assert found["first_difference"] is None, found
    assert found["same"]
    return found


@pytest.mark.parametrize("venue", ["binance-usdm", "bybit-linear"])
def test_a_run_and_the_one_behind_it_replay(tmp_path: Path, venue: str) -> None:
    """The second one begins with a position, orders and, by another hand, a correction."""
    results: list[dict[str, Any]] = []

    async def play() -> None:
        async with serving(venue, speed=6.0) as server:
            for number in range(2):
                plan = live_plan(server, tmp_path, 5.0)
                results.append(
                    await live(plan, show=lambda _: None, notice=lambda _: None, keys=our_keys)
                )
                by_hand(server, f"somebody{number}", type=c.MARKET, tif=c.IOC)

    asyncio.run(play())
    for number, result in enumerate(results, 1):
        for limit in (65_536, 7):
            found = same(tmp_path, number, limit=limit)
            assert found["complete"]
            assert found["beyond"] == 0
            assert found["events"] == result["events"]
    reader = JournalReader(tmp_path / JOURNAL)
    assert reader.commands(1).size > 5
    assert any(one.what.what.value == "position" for one in _corrections(reader, 2))
    reader.close()


def _corrections(reader: JournalReader, run: int) -> list[Any]:
    return [one for one in reader.happened(run) if hasattr(one.what, "ours")]


def test_a_run_that_failed_replays_up_to_its_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = caught(monkeypatch)

    def raising(self: Busy, view: Any) -> Any:
        raise ValueError("a mistake of the strategy")

    async def meanwhile(_: VenueServer) -> None:
        await until(lambda: bool(runs) and runs[0].account.assembly.engine.journal.placed > 6, 60.0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Busy, "decide", raising)
            await until(lambda: bool(runs[0].account.ended), 60.0)

    with pytest.raises(ValueError, match="a mistake"):
        traded(tmp_path, 30.0, meanwhile=meanwhile)
    found = same(tmp_path, 1)
    assert found["commands"] > 3
    assert not found["complete"]


def test_reports_without_a_place_are_said_not_to_replay(tmp_path: Path) -> None:
    traded(tmp_path, 4.0)
    line = connect(tmp_path / JOURNAL)
    line.execute("UPDATE reports SET events = NULL")
    line.close()
    with pytest.raises(Exception, match="where in the run its reports came"):
        parity(tmp_path)


def test_a_report_that_came_elsewhere_is_noticed(tmp_path: Path) -> None:
    traded(tmp_path, 5.0, venue=VENUE)
    line = connect(tmp_path / JOURNAL)
    line.execute("UPDATE reports SET events = events + 400 WHERE corrected = 0")
    line.close()
    assert not parity(tmp_path)["same"]
