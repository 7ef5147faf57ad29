"""Tapes the properties are held against: minutes of synthetic market, made once per seed."""

from functools import cache

import numpy as np

from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.sim.synthetic.presets import demo_instrument, demo_market

SEEDS = (1, 2, 3)
TRADED = 18  # in this market every strategy of the table, ungated, trades within 14 minutes
MINUTES = 4.0


@cache
def market(seed: int, minutes: float = MINUTES) -> Events:
    """Return the demo's market of a seed; the caller does not write to it."""
    _, events, _ = demo_market(seed, minutes)
    events.setflags(write=False)
    return events


def instruments(count: int = 1) -> list[Instrument]:
    return [demo_instrument()] * count


def within(events: Events, seconds: float) -> Events:
    """Return the first seconds of a tape, cut where no message is cut."""
    stop = int(events["ts_recv"][0]) + round(seconds * 1e9)
    return events[: int(np.searchsorted(events["ts_recv"], stop, side="right"))]
