"""Every trigger of the kill switch, injected into a live run: what it pulls, to which level."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.live import LiveRun, live
from aggressor.run.accounts.rules import Rules
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.sim.local.orders import Refused
from aggressor.store.journal_reader import JournalReader, Runs
from tests.run.account_stage import BOUNDED, JOURNAL, VENUE, Unwatched, caught, live_plan, our_keys
from tests.run.live_stage import by_hand
from tests.run.paper_stage import Busy, make_busy
from tests.run.venue_stage import away, serving, until

Inject = Callable[[VenueServer, LiveRun], None]


@pytest.fixture(autouse=True)
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)
    monkeypatch.setattr(live_runs, "Guard", Unwatched)


def rules(**tables: dict[str, Any]) -> Rules:
    """Return the rules of these tests, with fields of some tables changed."""
    changed = {
        name: msgspec.structs.replace(getattr(BOUNDED, name), **fields)
        for name, fields in tables.items()
    }
    return msgspec.structs.replace(BOUNDED, **changed)


def another_hand(server: VenueServer, run: LiveRun) -> None:
    by_hand(server, "somebody", type=c.MARKET, tif=c.IOC)


def slow(server: VenueServer, run: LiveRun) -> None:
    run.account.trading.unjudged.extend([10_000_000_000] * 200)


def refuses(server: VenueServer, run: LiveRun) -> None:
    server.exchange.place = lambda ticket: Refused(report.FORBIDDEN)  # type: ignore


def gone(server: VenueServer, run: LiveRun) -> None:
    away(server)


def fails(server: VenueServer, run: LiveRun) -> None:
    def raising(self: Busy, view: Any) -> Any:
        raise ValueError("a mistake of the strategy")

    Busy.decide = raising  # type: ignore[method-assign]


def nothing(server: VenueServer, run: LiveRun) -> None:
    """The rules alone do it."""


def pulled(
    tmp_path: Path, wanted: Rules, inject: Inject, *, holding: bool, skew_s: float = 0.0
) -> tuple[int, str, Exception | None]:
    """Let a run go on until its switch is pulled; return the level, the reason, what it raised."""

    async def play() -> Exception | None:
        async with serving(VENUE, speed=6.0) as server:
            server.house.skew_ns = int(skew_s * 1e9)
            plan = live_plan(server, tmp_path, None, rules=wanted)
            looks: list[Any] = []
            task = asyncio.ensure_future(
                live(plan, show=looks.append, notice=lambda _: None, keys=our_keys)
            )

            def ready() -> bool:
                held = bool(runs) and runs[0].account.desk.position(0).lots != 0
                return task.done() or (bool(looks) and (held or not holding))

            try:
                await until(ready, 60.0)
                inject(server, runs[0])
                switch = runs[0].account.halt
                await until(lambda: task.done() or (switch.level > 0 and inject is not fails), 60.0)
            finally:
                if not task.done():
                    task.cancel()
                (end,) = await asyncio.gather(task, return_exceptions=True)
            return end if isinstance(end, ValueError) else None

    with pytest.MonkeyPatch.context() as patch:
        runs = caught(patch)
        patch.setattr(Busy, "decide", Busy.decide)
        raised = asyncio.run(play())
    reader = JournalReader(tmp_path / JOURNAL)
    _, level, reason = reader.halts(Runs(1, 1))[0]
    reader.close()
    return level, reason, raised


@pytest.mark.parametrize(
    ("tables", "inject", "holding", "level", "words"),
    [
        ({"account": {"losses_in_a_row_max": 1}}, nothing, False, 1, "losses in a row"),
        ({"triggers": {"reject_share_bp": 2_000}}, refuses, False, 1, "orders were rejected"),
        ({"triggers": {"data_loss_s": 0.5}}, gone, True, 3, "no market data"),
        ({}, another_hand, False, 2, "the venue"),
        ({"triggers": {"latency_p99_ms": 2_000}}, slow, False, 1, "latency p99"),
        ({}, fails, False, 2, "a mistake of the strategy"),
    ],
    ids=["losses", "rejects", "data", "mismatch", "latency", "exception"],
)
def test_a_trigger_pulls_the_switch_to_its_level(
    tmp_path: Path,
    tables: dict[str, Any],
    inject: Inject,
    holding: bool,
    level: int,
    words: str,
) -> None:
    found, reason, raised = pulled(tmp_path, rules(**tables), inject, holding=holding)
    assert found == level
    assert words in reason
    assert (raised is not None) == (inject is fails)


def test_a_clock_that_is_off_pulls_it_before_anything_is_sent(tmp_path: Path) -> None:
    wanted = rules(triggers={"clock_ms": 100})
    level, reason, _ = pulled(tmp_path, wanted, nothing, holding=False, skew_s=5.0)
    assert level == 1
    assert "clock" in reason
