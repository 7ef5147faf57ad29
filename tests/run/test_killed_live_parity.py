"""A live run that was killed, and the one behind it that ended, replay to the same COMMANDs.

The first is a process of its own that dies by SIGKILL; what it had not written to the disk is lost.
The second takes over its orders and position and what the venue did meanwhile.
"""

import asyncio
import signal
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.live import LivePlan, live
from aggressor.run.accounts.parity import parity
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema.command import PLACE
from aggressor.store.journal_reader import JournalReader
from aggressor.strategies import table
from tests.run.account_stage import BOUNDED, JOURNAL, Unwatched, live_plan, our_keys
from tests.run.crash_live import FORKS, Bidden, Truth, arm
from tests.run.paper_stage import BUSY, SETTINGS, Busy, KnownBusy, make_busy
from tests.run.venue_stage import serving, until

SPEED = 4.0
ORDERS = 12  # at the venue, before it is killed
SECONDS = 10.0  # of the run behind it
AFTER = 9  # turns that sent something, before it kills itself


@pytest.fixture(autouse=True)
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)
    monkeypatch.setattr(live_runs, "Guard", Unwatched)


def runner(store: Path, at: str, name: str, point: str) -> None:
    """Be the process that is killed."""
    sys.stderr = (store / "runner.log").open("a", buffering=1)
    table.STRATEGIES[BUSY] = KnownBusy(Busy, {})
    live_runs.Guard = Unwatched  # type: ignore[misc]
    Bidden.go = True
    arm(point, AFTER)
    plan = LivePlan([name], SETTINGS, BOUNDED, store, None, at, watchdog=False)
    asyncio.run(live(plan, show=lambda _: None, notice=lambda _: None, keys=our_keys))


async def killed(server: VenueServer, store: Path, point: str) -> BaseProcess:
    """Let a runner trade until it kills itself at `point`, or is killed after some orders."""
    truth = Truth(server)
    name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
    process = FORKS.Process(target=runner, args=(store, server.document["rest"], name, point))
    process.start()
    try:
        await until(lambda: len(truth.sent) >= ORDERS or not process.is_alive(), 120.0)
        if point != "anywhere":
            await until(lambda: not process.is_alive(), 60.0)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
    return process


def kill_and_go_on(store: Path, venue: str, point: str) -> dict[str, Any]:
    """Return the result of the run that ended."""

    async def play() -> dict[str, Any]:
        async with serving(venue, speed=SPEED) as server:
            process = await killed(server, store, point)
            assert process.exitcode == -signal.SIGKILL, (store / "runner.log").read_text()
            return await live(
                live_plan(server, store, SECONDS),
                show=lambda _: None, notice=lambda _: None, keys=our_keys,
            )  # fmt: skip

    return asyncio.run(play())


@pytest.mark.parametrize(
    ("venue", "point"),
    [
        ("binance-usdm", "anywhere"),
        ("binance-usdm", "between journal and send"),
        ("bybit-linear", "between send and answer"),
    ],
)
def test_both_replay(tmp_path: Path, venue: str, point: str) -> None:
    result = kill_and_go_on(tmp_path, venue, point)
    reader = JournalReader(tmp_path / JOURNAL)
    first, second = reader.runs()
    sent = [reader.commands(one.run) for one in (first, second)]
    reader.close()
    assert first.ended is None
    placed = [int((rows["kind"] == PLACE).sum()) for rows in sent]
    assert min(placed) > 0, placed
    for limit in (65_536, 7):
        found = parity(tmp_path, run=1, limit=limit)
        assert found["first_difference"] is None, found
        assert found["same"]
        assert not found["complete"]
        assert found["commands"] > 0
        assert found["commands"] + found["beyond"] == sent[0].size
        found = parity(tmp_path, run=2, limit=limit)
        assert found["first_difference"] is None, found
        assert found["same"]
        assert found["complete"]
        assert found["beyond"] == 0
        assert found["commands"] == sent[1].size
        assert found["events"] == result["events"]
