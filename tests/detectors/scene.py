"""Small tapes written by hand: a standing book, prints, TIMERs every 100 ms; and their mirror.

Times are in steps of 100 ms from START_NS; everything of step n is received a millisecond before
the TIMER that ends it, in the order it was written. Venue time is 4 ms before receive time.
"""

from decimal import Decimal
from typing import Any

import numpy as np

from aggressor.detectors.outbox import drain
from aggressor.engine.parts import Pipeline
from aggressor.engine.pipeline import NEEDS_ROOM, RAN_OUT, advance, make_room, new_pipeline
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.features.series import drain as drain_bars
from aggressor.schema.event import (
    CLEAR,
    EVENT,
    GAP,
    LAST,
    LEVEL,
    NO_INSTRUMENT,
    NO_PRICE,
    SNAPSHOT,
    TIMER,
    TRADE,
    Events,
)
from aggressor.schema.instrument import ContractKind, Instrument

STEP_NS = 100_000_000
MS = 1_000_000
START_NS = 1_700_000_040_000_000_000  # the beginning of a minute
FEED_NS = 4 * MS
BID, ASK = 1000, 1001

CONTRACT = Instrument(
    venue="test", symbol="X", kind=ContractKind.LINEAR, tick=Decimal(3), lot=Decimal(1),
    quote="USD", settle="USD",
)  # fmt: skip


class Scene:
    """Writes a tape step by step."""

    def __init__(self, levels: int = 12, lots: int = 20, beats: bool = True) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.prints: list[tuple[int, int, int, int]] = []  # receive time, price, lots, side
        self.step = 0
        self.beats = beats  # the depth stream says each second that it lives
        self.snapshot(levels, lots)

    @property
    def timer_ns(self) -> int:
        """The TIMER that ends the step under way."""
        return START_NS + (self.step + 1) * STEP_NS

    def _add(self, kind: int, side: int, price: int, size: int, flags: int) -> None:
        ts = self.timer_ns - MS
        self.rows.append((ts, ts - FEED_NS, size, price, kind, side, flags, 0))

    def snapshot(self, levels: int = 12, lots: int = 20) -> None:
        self.whole = True
        self._add(CLEAR, 0, NO_PRICE, 0, 0)
        for i in range(levels):
            self._add(LEVEL, 1, BID - i, lots, SNAPSHOT)
            self._add(LEVEL, -1, ASK + i, lots, SNAPSHOT | (LAST if i == levels - 1 else 0))

    def level(self, side: int, price: int, lots: int) -> None:
        self._add(LEVEL, side, price, lots, LAST)

    def lose_book(self) -> None:
        self.whole = False
        self._add(CLEAR, 0, NO_PRICE, 0, GAP | LAST)

    def trade(self, price: int, lots: int, side: int) -> None:
        self.prints.append((self.timer_ns - MS, price, lots, side))
        self._add(TRADE, side, price, lots, LAST)

    def tick(self, steps: int = 1) -> None:
        for _ in range(steps):
            if self.beats and self.whole and self.step % 10 == 0:
                self.level(1, BID - 500, 0)  # nothing changes
            ts = self.timer_ns
            self.rows.append((ts, ts, STEP_NS, NO_PRICE, TIMER, 0, LAST, NO_INSTRUMENT))
            self.step += 1

    def warm(self, seconds: int = 300, lots: int = 3) -> None:
        """Three buys, three sells, and so on: baselines become known, and know hardly any delta."""
        for i in range(10 * seconds):
            side = 1 - 2 * (i // 3 % 2)
            self.trade(ASK if side > 0 else BID, lots, side)
            self.tick()

    def events(self, mirror: bool = False) -> Events:
        events = np.array(self.rows, EVENT)
        return mirrored(events) if mirror else events


def mirrored(events: Events) -> Events:
    """Return the tape with prices negated and sides swapped."""
    other = events.copy()
    known = other["price"] != NO_PRICE
    known &= np.isin(other["kind"], (TRADE, LEVEL, 4, 5, 6))
    other["price"][known] *= -1
    other["side"] *= -1
    marks = other["kind"] == 6
    other["size"][marks] *= -1
    return other


def pipeline_of(cost_ticks: float = 0.0, profile: str = "perp") -> Pipeline:
    series = [BarSeries(0, bar_spec("1m", CONTRACT))]
    return new_pipeline([CONTRACT], series, profile=profile, cost_ticks=cost_ticks)


def signals_of(events: Events, pipe: Pipeline) -> Any:
    """Run a tape to its end; return every SIGNAL in the order it was written."""
    found = []
    start = 0
    while start < events.size:
        start, reason = advance(events, start, events.size, pipe)
        if reason == NEEDS_ROOM:
            drain_bars(pipe.footprint, 0)
            pipe = make_room(pipe, events[start])
        elif reason != RAN_OUT:
            found.append(drain(pipe.outbox))
            drain_bars(pipe.footprint, 0)
    found.append(drain(pipe.outbox))  # those that called for no decision
    return np.concatenate(found)
