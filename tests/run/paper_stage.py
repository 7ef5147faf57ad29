"""Paper runs against a local venue in this process, with a strategy that trades all the time."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from aggressor.engine.view import View
from aggressor.execution.intent import Intent
from aggressor.run.accounts.alerts import Alerts
from aggressor.run.accounts.paper import PaperPlan, paper
from aggressor.run.accounts.rules import AccountTable, LimitsTable, PaceTable, Rules, TriggersTable
from aggressor.run.assemble import Settings
from aggressor.run.local.venue_server import VenueServer
from aggressor.strategies import table
from tests.engine.trader import Trader
from tests.run.venue_stage import serving

VENUE = "binance-usdm"
BUSY = "busy"
FREE = Rules(
    account=AccountTable(
        day_loss_bp=10_000, drawdown_bp=10_000, losses_in_a_row_max=10**6, stops_max=10**6
    ),
    pace=PaceTable(messages_max=10**6, entries_max=10**6),
    triggers=TriggersTable(  # a machine under load is late, and its local venue with it
        latency_p99_ms=3_600_000, clock_ms=3_600_000, data_loss_s=3_600, reject_share_bp=10_000
    ),
    default=LimitsTable(
        collar_bp=500, cross_bp_max=500, exit_cross_bp_max=2_000, funding_window_s=0
    ),
)
SETTINGS = Settings(strategy=BUSY, profile="micro", equity=1_000_000.0)


class Busy(Trader):
    """Trades much, and goes on behind the trades of an earlier process."""

    waiting = True  # every TIMER is a decision point

    @property
    def code(self) -> int:
        return self.lane

    def count_from(self, made: int) -> None:
        self.parent = made

    def decide(self, view: View) -> Sequence[Intent]:
        return [one for _ in range(4) for one in super(Busy, self).decide(view)]


class KnownBusy(table.Known):
    def make(self, instrument: Any, lane: int, *_: Any) -> Any:
        return Busy(7, lane)


def make_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {**table.STRATEGIES, BUSY: KnownBusy(Busy, {})}
    monkeypatch.setattr(table, "STRATEGIES", made)


def plan_for(server: VenueServer, store: Path, seconds: float, **changes: Any) -> PaperPlan:
    name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
    plan = PaperPlan([name], SETTINGS, FREE, store, seconds, server.document["rest"])
    return plan._replace(**changes)


def papered(
    store: Path,
    seconds: float,
    *,
    venue: str = VENUE,
    seed: int = 1,
    speed: float = 8.0,
    meanwhile: Callable[[VenueServer], Any] | None = None,
    alerts: Alerts | None = None,
    **changes: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """Trade on a market that runs `speed` times as fast; return result, looks, notices."""
    looks: list[dict[str, Any]] = []
    notices: list[str] = []

    async def play() -> dict[str, Any]:
        async with serving(venue, seed=seed, speed=speed) as server:
            side = asyncio.ensure_future(meanwhile(server)) if meanwhile is not None else None
            result = await paper(
                plan_for(server, store, seconds, **changes),
                show=looks.append,
                notice=notices.append,
                alerts=alerts,
            )
            if side is not None:
                await side
            return result

    return asyncio.run(play()), looks, notices
