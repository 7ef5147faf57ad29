"""The watchdog: a hung, a dead and a failed runner; what it leaves alone; when it bows out."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.account.reconcile import What
from aggressor.execution.halt import HaltLevel
from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.flatten import Closer
from aggressor.run.accounts.guard import ORDERS, Watch
from aggressor.run.accounts.heartbeat import Field, Heartbeat, RunnerState, WatchdogState, born
from aggressor.run.accounts.live import live
from aggressor.run.accounts.watchdog import orders_of, watchdog
from aggressor.run.lines.line import Wires
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.schema.errors import ConfigError
from aggressor.store.journal_reader import JournalReader, Runs
from aggressor.store.layout import Layout
from aggressor.venues.table import venue_named
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Rest
from tests.run.account_stage import JOURNAL, Unwatched, live_plan, our_keys
from tests.run.live_stage import by_hand
from tests.run.paper_stage import make_busy
from tests.run.venue_stage import serving, until
from tests.run.watchdog_stage import FORKS, SILENT_S, be

ACTS_S = 10.0  # a busy machine; how long it takes on an idle one is measured apart


async def ended(server: VenueServer, store: Path, end: str, level: int) -> dict[str, Any]:
    """Let a runner come to its end; return when, and when the venue was as it should be."""
    name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(
        target=be, args=(theirs, store, server.document["rest"], name, end, level)
    )
    process.start()
    theirs.close()
    try:
        await until(lambda: ours.poll() or not process.is_alive(), 120.0)
        assert ours.poll(), (store / "runner.log").read_text()[-2000:]
        found: dict[str, Any] = ours.recv()
        assert found["position"] > 0
        heart = Heartbeat(Layout(store).live)
        await until(lambda: heart[Field.WATCHDOG_STATE] == WatchdogState.DONE, 60.0)
        heart.close()
        await asyncio.to_thread(process.join, 20.0)
        found["alive"] = process.is_alive()
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
    return found


@pytest.mark.parametrize(
    ("venue", "end"),
    [
        ("binance-usdm", "hang"),
        ("bybit-linear", "hang"),
        ("bingx", "hang"),
        ("weex", "hang"),
        ("mexc", "hang"),
        ("binance-usdm", "die"),
    ],
)
def test_what_a_hung_or_dead_runner_holds_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, venue: str, end: str
) -> None:
    flat: list[float] = []

    async def play() -> tuple[dict[str, Any], dict[str, Any]]:
        async with serving(venue) as server:

            async def watch() -> None:
                account = server.exchange.account
                await until(lambda: account.net(0) != 0, 150.0)
                await until(lambda: account.net(0) == 0, 150.0)
                flat.append(time.monotonic())

            side = asyncio.ensure_future(watch())
            found = await ended(server, tmp_path, end, 3)
            await side
            assert not server.exchange.living
            # what comes next stands latched, agrees with the venue and opens nothing
            make_busy(monkeypatch)
            monkeypatch.setattr(live_runs, "Guard", Unwatched)
            plan = live_plan(server, tmp_path, 3.0)
            following = await live(plan, show=lambda _: None, notice=lambda _: None, keys=our_keys)
            return found, following

    found, following = asyncio.run(play())
    assert not found["alive"]
    took = flat[0] - found["at"]
    print(f"flat {took:.2f} s behind the end, {took - SILENT_S:.2f} s behind the silence allowed")
    assert took < SILENT_S + ACTS_S
    assert following["halt"] == "flatten"
    assert "watchdog: no heartbeat" in following["halt_reason"]
    assert following["instruments"][0]["position"].strip("0.") == ""
    assert following["working"] == []
    reader = JournalReader(tmp_path / JOURNAL)
    sent = reader.commands(following["run"])
    whats = [one.what for one in reader.corrections(Runs(2, 2))]
    reader.close()
    assert all(row["flags"] & report.REDUCE_ONLY or row["kind"] == c.CANCEL for row in sent)
    assert whats[0] is What.POSITION  # what the watchdog did, by its name


def test_a_run_that_fails_asks_for_its_own_level(tmp_path: Path) -> None:
    async def play() -> None:
        async with serving("binance-usdm") as server:
            found = await ended(server, tmp_path, "raise", 3)
            assert server.exchange.account.net(0) == found["position"]  # level 2: it is kept
            waiting = [one.ticket for one in server.exchange.living.values()]
            assert any(one.trigger is not None for one in waiting)  # with its stop

    asyncio.run(play())
    log = (Layout(tmp_path).live / "watchdog.log").read_text()
    assert "the run has failed: acts at level 2" in log


def orders(server: VenueServer, **changes: Any) -> Watch:
    name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
    return Watch(
        **{
            "names": (name,), "at": server.document["rest"], "silent_ns": 500_000_000, "level": 3,
            "leverage": 20, "isolated": False, "cap_ticks": 10, "cap_bp": 2, "widenings_max": 8,
            "retry_ns": 200_000_000, "request_s": 2.0,
        }
        | changes
    )  # fmt: skip


@pytest.mark.parametrize("name", ["binance-usdm", "bybit-linear", "bingx", "weex", "mexc"])
def test_entries_are_cancelled_and_what_protects_stays(name: str) -> None:
    async def play() -> None:
        async with serving(name) as server, Rest() as rest:
            side = venue_named(name).trading
            assert side is not None
            bid = max(server.exchange.board.lanes[0].bids)
            by_hand(server, side.client_id(1), type=c.MARKET, tif=c.IOC)
            by_hand(server, side.client_id(1000), price=bid - 500)
            by_hand(server, "somebody-else", price=bid - 510)
            stop = by_hand(
                server, side.client_id(1001), type=c.STOP_MARKET, side=-1, trigger=bid - 600,
                flags=report.REDUCE_ONLY,
            )  # fmt: skip
            held = server.exchange.account.net(0)
            assert held
            wires = Wires(rest, Clock(), lambda _: None, server.document["rest"])
            async with await Closer.opened(orders(server), wires, our_keys) as closer:
                assert await closer.cancel_entries() == 1
                names = {one.ticket.client_id for one in server.exchange.living.values()}
                assert names == {"somebody-else", stop}
                assert server.exchange.account.net(0) == held
                await until(lambda: closer.best(0, -1) is not None, 20.0)
                assert await closer.flatten()
                assert server.exchange.account.net(0) == 0
                names = {one.ticket.client_id for one in server.exchange.living.values()}
                assert names == {"somebody-else"}

    asyncio.run(play())


async def watched(server: VenueServer, store: Path, state: RunnerState) -> dict[str, Any]:
    """Let a watchdog look at a runner that is in a state and says nothing."""
    folder = Layout(store).live
    with Heartbeat(folder) as heart:
        heart.begin()
        heart[Field.RUNNER] = 2**22 + 1  # no such process
        heart.beat(state)
        (folder / ORDERS).write_bytes(msgspec.json.encode(orders(server)))
        return await asyncio.wait_for(watchdog(store, say=lambda _: None, keys=our_keys), 60.0)


def test_where_a_run_has_ended_it_does_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with serving("binance-usdm") as server:
            by_hand(server, "x", type=c.MARKET, tif=c.IOC)
            held = server.exchange.account.net(0)
            result = await watched(server, tmp_path, RunnerState.ENDED)
            assert result["level"] == 0
            assert server.exchange.account.net(0) == held != 0

    asyncio.run(play())


def test_without_a_journal_it_acts_all_the_same(tmp_path: Path) -> None:
    async def play() -> None:
        async with serving("binance-usdm") as server:
            by_hand(server, "x", type=c.MARKET, tif=c.IOC)
            result = await watched(server, tmp_path, RunnerState.TRADING)
            assert result["flat"]
            assert server.exchange.account.net(0) == 0
            assert not (tmp_path / JOURNAL).exists()

    asyncio.run(play())


def test_there_must_be_something_to_watch(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to watch"):
        orders_of(tmp_path)


def test_a_heartbeat_is_seen_by_another(tmp_path: Path) -> None:
    with Heartbeat(tmp_path) as one, Heartbeat(tmp_path) as other:
        one.begin()
        assert other[Field.RUNNER] == os.getpid()
        assert other[Field.RUNNER_BORN] == born(os.getpid())
        assert not one.watched
        other.look()
        assert one.watched
        one.end(RunnerState.FAILED, HaltLevel.CANCEL)
        assert (other[Field.STATE], other[Field.LEVEL]) == (RunnerState.FAILED, 2)
        other.look(WatchdogState.ACTING)
        assert not one.watched
