"""The market with the detectors that stand on the ledger, and tapes written by hand for them.

The scene is set by the test and stands still, but for the touch, which follows the book. Times of
a `Tape` are milliseconds of ts_recv; venue time is the same less what the row says it was late.
TIMERs lie on the 100 ms grid, in front of every row of that time or later.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from aggressor.detectors import absorption, iceberg, pull, vacuum
from aggressor.detectors.absorption_records import AbsorptionState, absorption_state
from aggressor.detectors.iceberg_records import IcebergState, iceberg_state
from aggressor.detectors.outbox import Outbox, drain, new_outbox
from aggressor.detectors.pull_records import PullState, pull_state
from aggressor.detectors.scene import new_scenes
from aggressor.detectors.vacuum import VacuumState, vacuum_state
from aggressor.features import near_depth, walls
from aggressor.features.near_depth import NEAR_DEPTH_PROFILES, NearDepthState, near_depth_state
from aggressor.features.wall_records import WALL_PROFILES, WallsState, walls_state
from aggressor.features.watch import ICEBERG_MARK, PULL_MARK, WatchState, watch_state
from aggressor.kernel import kernel
from aggressor.market import state as markets
from aggressor.market.state import MarketState, market_state
from aggressor.schema.event import (
    CLEAR,
    EVENT,
    GAP,
    LAST,
    LEVEL,
    NO_INSTRUMENT,
    NO_PRICE,
    QUOTE,
    SNAPSHOT,
    TIMER,
    TRADE,
    Events,
)
from aggressor.state import State

MS = 1_000_000
TIMER_MS = 100
START_NS = 1_700_000_040_000_000_000
CENTRE2 = 2001  # bid 1000 and ask 1001 are mirror images


class Bench(State, frozen=True):
    """One lane, everything that these detectors need."""

    scenes: Any
    market: MarketState
    watch: WatchState
    near: NearDepthState
    walls: WallsState
    absorption: AbsorptionState
    iceberg: IcebergState
    pull: PullState
    vacuum: VacuumState
    outbox: Outbox


def bench(profile: str = "perp", tolerance_ms: int = 50, e: int = 1, **scene: Any) -> Bench:
    scenes = new_scenes(1)
    scenes["effective_tick"], scenes["spread_median"] = e, 1
    scenes["impact"], scenes["atr_ticks"] = 0.05, 1.0
    for name, value in scene.items():
        scenes[name] = value
    return Bench(
        scenes,
        market_state(1, window=1024, levels=1024, tolerance_ns=tolerance_ms * MS),
        watch_state(1024),
        near_depth_state(1, NEAR_DEPTH_PROFILES[profile]),
        walls_state(1, WALL_PROFILES[profile]),
        absorption_state(1, absorption.PROFILES[profile]),
        iceberg_state(1, iceberg.PROFILES[profile]),
        pull_state(1, pull.PROFILES[profile]),
        vacuum_state(1, vacuum.PROFILES[profile]),
        new_outbox(),
    )


@kernel
def drive(events: Events, start: int, stop: int, b: Bench) -> int:
    """Do what the pipeline does; stop once signals are waiting."""
    scene = b.scenes[0]
    book, ledger, out = b.market.book, b.market.ledger, b.outbox
    for i in range(start, stop):
        event = events[i]
        kind, now = event["kind"], event["ts_recv"]
        slot = markets.on_event(b.market, event)
        scene["now"] = now
        if kind != TIMER:
            scene["venue_now"] = event["ts_venue"]
        if kind == TRADE:
            absorption.on_trade(b.absorption, 0, event)
            iceberg.on_trade(b.iceberg, b.watch, ledger, b.scenes, out, 0, slot, event)
            pull.on_trade(b.pull, b.watch, ledger, 0, slot, event)
            vacuum.on_trade(b.vacuum, 0, event)
        if kind == LEVEL:
            marks = b.watch.marks[slot]
            if marks & ICEBERG_MARK:
                iceberg.on_level(b.iceberg, b.watch, ledger, b.scenes, out, 0, slot, event)
            if marks & PULL_MARK:
                pull.on_level(b.pull, b.watch, ledger, 0, slot, event)
        if kind == CLEAR or (kind in (LEVEL, QUOTE) and event["flags"] & LAST):
            top = book.head[0]
            scene["valid"] = top["valid"]
            scene["bid"], scene["ask"] = top["bid"], top["ask"]
            scene["bid_lots"], scene["ask_lots"] = top["bid_lots"], top["ask_lots"]
            scene["mid2"] = np.int64(top["bid"]) + np.int64(top["ask"])
            absorption.on_top(b.absorption, b.scenes, 0, now)
            iceberg.on_top(b.iceberg, b.watch, b.scenes, out, 0, now)
            pull.on_message(b.pull, b.watch, book, b.walls, b.near, b.scenes, out, 0, now)
        if kind == TIMER:
            valid = scene["valid"] == 1
            tick = scene["effective_tick"]
            near_depth.sample(b.near, book, ledger, 0, now, valid, tick)
            walls.sample(b.walls, book, ledger, 0, now, max(tick, 1))
            absorption.judge(b.absorption, book, ledger, b.scenes, out, 0)
            iceberg.judge(b.iceberg, b.watch, book, ledger, b.scenes, out, 0)
            pull.judge(b.pull, b.watch, book, ledger, b.walls, b.near, b.scenes, out, 0)
            vacuum.judge(b.vacuum, b.near, book, ledger, b.scenes, out, 0)
        if out.head[0]["written"] - out.head[0]["read"] > 64:
            return i + 1
    return stop


def run(events: Events, b: Bench, cuts: tuple[int, ...] = ()) -> Any:
    """Return every SIGNAL row of a tape."""
    found = []
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for first, last in pairwise(edges):
        while first < last:
            first = drive(events, first, last, b)
            found.append(drain(b.outbox))
    return np.concatenate(found)


class Tape:
    """Rows by millisecond; levels of one call are one message."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.now = 0

    def at(self, ms: int) -> "Tape":
        """Go on at a time; what is written next is received then."""
        assert ms >= self.now
        self.now = ms
        return self

    def later(self, ms: int) -> "Tape":
        return self.at(self.now + ms)

    def _add(self, kind: int, side: int, price: int, size: int, flags: int, late: int = 0) -> None:
        ts = START_NS + self.now * MS
        self.rows.append((ts, ts - late * MS, size, price, kind, side, flags, 0))

    def snapshot(self, bids: dict[int, int], asks: dict[int, int]) -> "Tape":
        self._add(CLEAR, 0, NO_PRICE, 0, 0)
        rows = [(1, p, q) for p, q in bids.items()] + [(-1, p, q) for p, q in asks.items()]
        for n, (side, price, lots) in enumerate(rows):
            self._add(LEVEL, side, price, lots, SNAPSHOT | LAST * (n == len(rows) - 1))
        return self

    def level(self, *levels: tuple[int, int, int]) -> "Tape":
        for n, (side, price, lots) in enumerate(levels):
            self._add(LEVEL, side, price, lots, LAST * (n == len(levels) - 1))
        return self

    def quote(self, bid: int, ask: int) -> "Tape":
        self._add(QUOTE, 1, bid, 10, 0)
        self._add(QUOTE, -1, ask, 10, LAST)
        return self

    def trade(self, side: int, price: int, lots: int, late: int = 0) -> "Tape":
        self._add(TRADE, side, price, lots, LAST, late)
        return self

    def lose(self) -> "Tape":
        self._add(CLEAR, 0, NO_PRICE, 0, GAP | LAST)
        return self

    def events(self, mirror: bool = False) -> Events:
        """Return the rows with their TIMERs, up to the last one due."""
        merged: list[tuple[int, ...]] = []
        step = TIMER_MS * MS
        due = START_NS + step
        end = START_NS + self.now * MS
        for row in [*self.rows, (end + 1,)]:
            while due <= row[0]:
                merged.append((due, due, step, NO_PRICE, TIMER, 0, LAST, NO_INSTRUMENT))
                due += step
            if len(row) > 1:
                merged.append(row)
        events = np.array(merged, EVENT)
        if mirror:
            turned = np.isin(events["kind"], (TRADE, LEVEL, QUOTE))
            events["price"][turned] = CENTRE2 - events["price"][turned]
            events["side"] *= -1
        return events


def of_kind(rows: Any, kind: int) -> Any:
    return rows[rows["kind"] == kind]


def assert_mirrored(rows: Any, others: Any, signed: tuple[int, ...]) -> None:
    """`signed` are the places of evidence that change sign in a mirror."""
    assert rows.size == others.size
    for name in rows.dtype.names:
        if name in ("side", "direction"):
            np.testing.assert_array_equal(rows[name], -others[name])
        elif name == "low":
            np.testing.assert_array_equal(rows["low"], CENTRE2 - others["high"])
        elif name == "evidence":
            turned = others["evidence"].copy()
            turned[:, list(signed)] *= -1
            np.testing.assert_array_equal(rows["evidence"], turned)
        elif name not in ("high", "reserved"):
            np.testing.assert_array_equal(rows[name], others[name])
