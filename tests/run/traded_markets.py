"""Markets in which every strategy of the table trades, gates asked, and how they are played.

Two made markets of fourteen minutes, on the grids of BTC and of ETH at 60,000 and 6,000, with
labelled scenarios; the strategies' own numbers are opened as a TOML file may do it, and nothing is
ungated. Over a socket a market of fourteen minutes is played in less: for the local venue and for
paper alike the clock is `WARP` times as fast.
"""

import time
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from aggressor.run.assemble import Settings
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.sim.synthetic.market import SyntheticFeed, record
from aggressor.sim.synthetic.presets import demo_config
from aggressor.venues.dialects import dialect_named
from aggressor.wire import clock

MARKET_S = 840.0
VENUE = "binance-usdm"
BTC = dialect_named(VENUE).example
ETH = msgspec.structs.replace(BTC, symbol="ETHUSDT", base="ETH", tick=Decimal("0.01"))
SEEDS = {BTC.symbol: 24, ETH.symbol: 129}
START_TICKS = 600_000
_OPEN: dict[str, Any] = {
    "trade_young": True,
    "spread_multiple": 1_000.0,
    "sizing": {"depth_bp": 1_000_000, "volume_bp": 1_000_000},
}
RULES: dict[str, dict[str, Any]] = {
    "exhaustion_scalp": {**_OPEN, "trade_in_watch": True},
    "push_through_continuation": {
        **_OPEN,
        "wall_age_ns": 0,
        "late_sigmas": 1e6,
        "next_wall_effective": 0.0,
        "cost_share": 1_000.0,
        "reward": 0.0,
    },
    "liquidity_trap": {
        **_OPEN,
        "life_ns": 0,
        "attract_share": 0.0,
        "test_share": 0.0,
        "depth_share": 1_000.0,
        "traded_share": 1.0,
        "pulled_share": 0.0,
    },
}


def settings_of(*strategies: str) -> Settings:
    """Return the settings of a run of these strategies on every instrument."""
    rule = RULES[strategies[0]] if len(strategies) == 1 else {n: RULES[n] for n in strategies}
    return Settings(
        strategy=",".join(strategies),
        profile="micro",
        maker_bp=0.0,
        taker_bp=0.0,
        equity=1_000_000.0,
        rule=rule,
    )


def feed_of(one: Instrument) -> SyntheticFeed:
    """Return the market of an instrument, as a local venue plays it."""
    return SyntheticFeed(_config(one), MARKET_S)


@cache
def market_of(symbol: str) -> Events:
    """Return the events of a market; the caller does not write to them."""
    events = record(_config(BTC if symbol == BTC.symbol else ETH), MARKET_S).events
    events.setflags(write=False)
    return events


def _config(one: Instrument) -> Any:
    return msgspec.structs.replace(
        demo_config(SEEDS[one.symbol]),
        start_price=START_TICKS,
        tick_money=int(one.tick * 10**8),
    )


def warp(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the wall clock of this process run so many times as fast, from now."""
    began = time.time_ns()
    faster = SimpleNamespace(time_ns=lambda: began + (time.time_ns() - began) * times)
    monkeypatch.setattr(clock, "time", faster)
