"""Live runs against a local venue in this process, with a strategy that trades all the time."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.run.accounts.account import LIVE_JOURNAL
from aggressor.run.accounts.guard import Guard
from aggressor.run.accounts.live import LivePlan, LiveRun, live
from aggressor.run.accounts.rules import LimitsTable, ProtectionTable, TierTable, VenueTable
from aggressor.run.assemble import Settings
from aggressor.run.lines.keys import Found
from aggressor.run.local.venue_server import VenueServer
from tests.run.paper_stage import BUSY, FREE
from tests.run.venue_stage import KEY, serving

VENUE = "binance-usdm"
MAX = Decimal(1_000_000)
BOUNDED = msgspec.structs.replace(
    FREE,
    venue=VenueTable(leverage=5, request_s=1.5, picture_s=2),
    protection=ProtectionTable(unprotected_ms_max=2_000),
    default=LimitsTable(
        collar_bp=500, cross_bp_max=500, exit_cross_bp_max=2_000, allow_inferred=False,
        order_size_max=MAX, position_size_max=MAX, stop_multiple=0, funding_window_s=0,
        margin_tiers=(TierTable(initial=Decimal("0.01"), maintenance=Decimal("0.005")),),
    ),
)  # fmt: skip
JOURNAL = LIVE_JOURNAL


def limits_text(**triggers: Any) -> str:
    """Return limits for a run of the command line."""
    lines = [
        "[default]", "allow_inferred = false", "order_size_max = 1000000",
        "position_size_max = 1000000", "[venue]", "leverage = 5", "[triggers]",
    ]  # fmt: skip
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in triggers.items())]) + "\n"


def our_keys(_: str) -> Found:
    return Found(KEY, "the test")


def live_plan(server: VenueServer, store: Path, seconds: float | None, **changes: Any) -> LivePlan:
    name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
    settings = Settings(strategy=BUSY, profile="micro")
    plan = LivePlan([name], settings, BOUNDED, store, seconds, server.document["rest"])
    return plan._replace(**{"watchdog": False, **changes})


class Unwatched(Guard):
    """A guard whose watchdog is always there."""

    async def watched(self) -> None:
        self._trading = True
        self._heart.beat()

    def missing(self) -> str:
        return ""


def caught(patch: pytest.MonkeyPatch) -> list[LiveRun]:
    """Return a list that live runs are added to when they have begun."""
    runs: list[LiveRun] = []
    begin = LiveRun.begin

    async def began(self: LiveRun) -> None:
        await begin(self)
        runs.append(self)

    patch.setattr(LiveRun, "begin", began)
    return runs


def traded(
    store: Path,
    seconds: float,
    *,
    venue: str = VENUE,
    seed: int = 1,
    speed: float = 4.0,
    meanwhile: Callable[[VenueServer], Any] | None = None,
    **changes: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """Trade on a local venue; return result, looks, notices."""
    looks: list[dict[str, Any]] = []
    notices: list[str] = []

    async def play() -> dict[str, Any]:
        async with serving(venue, seed=seed, speed=speed) as server:
            side = asyncio.ensure_future(meanwhile(server)) if meanwhile is not None else None
            result = await live(
                live_plan(server, store, seconds, **changes),
                show=looks.append, notice=notices.append, keys=our_keys,
            )  # fmt: skip
            if side is not None:
                await side
            return result

    return asyncio.run(play()), looks, notices
