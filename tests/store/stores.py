"""Instruments and events to fill stores with."""

from decimal import Decimal

import numpy as np

from aggressor.schema.event import EVENT, Events
from aggressor.schema.instrument import ContractKind, Instrument


def an_instrument(symbol: str = "BTCUSDT", tick: str = "0.1") -> Instrument:
    return Instrument(
        venue="binance-usdm",
        symbol=symbol,
        kind=ContractKind.LINEAR,
        tick=Decimal(tick),
        lot=Decimal("0.001"),
    )


def some_events(count: int, start_ns: int, step_ns: int, seed: int = 1) -> Events:
    """Rows of one lane, at irregular times from `start_ns` on, every field used."""
    random = np.random.default_rng(seed)
    events = np.zeros(count, EVENT)
    events["ts_recv"] = start_ns + np.cumsum(random.integers(0, 2 * step_ns + 1, count))
    events["ts_venue"] = events["ts_recv"] - random.integers(-(10**9), 10**9, count)
    events["size"] = random.integers(0, 2**62, count)
    events["price"] = random.integers(-(2**31), 2**31, count)
    events["kind"] = random.integers(1, 10, count)
    events["side"] = random.integers(-1, 2, count)
    events["flags"] = random.integers(0, 256, count)
    return events
