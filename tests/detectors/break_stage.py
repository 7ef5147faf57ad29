"""A stage for breaks and forced flow: the parts of the pipeline they read, driven in its order.

Tapes are written in steps of 100 ms, each ended by a TIMER; events of a step are a millisecond
apart, venue time is 4 ms before receive time. The scene's yardsticks (effective tick, ATR,
deviation) are set by hand, its touch comes from the book.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from aggressor.detectors import cascade, push_through, stop_run, trapped
from aggressor.detectors.breaks import BreaksState, breaks_state
from aggressor.detectors.cascade import CascadeState, cascade_state
from aggressor.detectors.outbox import Outbox, drain, new_outbox
from aggressor.detectors.push_through import PushThroughState, push_through_state
from aggressor.detectors.scene import new_scenes
from aggressor.detectors.stop_run import StopRunState, stop_run_state
from aggressor.detectors.trapped import TrappedState, trapped_state
from aggressor.features import delta, fade, forced, prints, walls
from aggressor.features.delta import WindowState, window_state
from aggressor.features.fade import FADE_PROFILES, FadeState, fade_state
from aggressor.features.forced import FORCED_PROFILES, UNPUBLISHED, ForcedState, forced_state
from aggressor.features.prints import PrintsParameters, PrintsState, prints_state
from aggressor.features.wall_records import WallParameters, WallsState, walls_state
from aggressor.kernel import kernel
from aggressor.market.contract import ContractState, contract_state, on_statement
from aggressor.market.state import MarketState, market_state, on_event
from aggressor.schema.event import (
    CLEAR,
    EVENT,
    GAP,
    INTEREST,
    LAST,
    LEVEL,
    LIQUIDATION,
    MARK,
    NO_INSTRUMENT,
    NO_PRICE,
    QUOTE,
    SNAPSHOT,
    TIMER,
    TRADE,
    Events,
)
from aggressor.schema.signal import SIGNAL
from aggressor.state import State

MS = 1_000_000
STEP_NS = 100 * MS
START_NS = 1_700_000_040_000_000_000  # the beginning of a minute
BID, ASK = 1000, 1001


class Stage(State, frozen=True):
    scenes: Any
    market: MarketState
    contract: ContractState
    window: WindowState
    prints: PrintsState
    fade: FadeState
    walls: WallsState
    forced: ForcedState
    breaks: BreaksState
    push: PushThroughState
    stop: StopRunState
    trapped: TrappedState
    cascade: CascadeState
    outbox: Outbox


def stage(
    publication: int = UNPUBLISHED,
    sigma_minute: float = 10.0,
    tick: int = 1,
    orders_min: int = 50,
    young: int = 0,
    levels: list[tuple[int, int]] | None = None,
) -> Stage:
    """Everything on one lane; `levels` are (price, kind) to watch for stop runs."""
    scenes = new_scenes(1)
    scenes["effective_tick"], scenes["sigma_minute"], scenes["young"] = tick, sigma_minute, young
    stop = stop_run_state(1, stop_run.StopRunParameters())
    push = push_through_state(1, push_through.PushThroughParameters())
    push.bursts.head["samples_min"], push.bursts.head["unknown_ns"] = orders_min, 1_000 * MS
    walls_seen = walls_state(1, WallParameters())
    walls_seen.sizes.head["samples_min"], walls_seen.sizes.head["unknown_ns"] = 1, 1_000 * MS
    for i, (price, kind) in enumerate(levels or []):
        stop.levels[0, i] = (price, kind, START_NS)
    return Stage(
        scenes=scenes,
        market=market_state(1, window=1024, levels=512, tolerance_ns=250 * MS),
        contract=contract_state(1),
        window=window_state([1_000 * MS]),
        prints=prints_state(1, PrintsParameters(orders_min=orders_min, unknown_ns=1_000 * MS)),
        fade=fade_state(1, FADE_PROFILES["perp"]),
        walls=walls_seen,
        forced=forced_state(1, FORCED_PROFILES["perp"], publication),
        breaks=breaks_state(1),
        push=push,
        stop=stop,
        trapped=trapped_state(1, trapped.TrappedParameters()),
        cascade=cascade_state(1, cascade.CascadeParameters()),
        outbox=new_outbox(),
    )


@kernel
def run_stage(events: Events, start: int, stop: int, s: Stage) -> int:
    """Use events[start:stop] in the order of the pipeline; return where the outbox filled up."""
    for i in range(start, stop):
        event = events[i]
        on_event(s.market, event)
        if event["kind"] == TIMER:
            _judge(s, event["ts_recv"])
            if s.outbox.head[0]["written"] - s.outbox.head[0]["read"] > 128:
                return i + 1
        else:
            _take(s, event)
    return stop


@kernel
def _take(s: Stage, event: Any) -> None:
    kind = event["kind"]
    s.scenes[0]["venue_now"] = event["ts_venue"]
    if kind == TRADE:
        delta.add_print(s.window, 0, event["ts_recv"], event["side"], event["size"])
        prints.on_trade(s.prints, 0, event)
        fade.on_trade(s.fade, 0, event)
        forced.on_trade(s.forced, 0, event)
        push_through.on_trade(s.push, s.market.ledger, s.prints, 0, event)
        stop_run.on_trade(s.stop, 0, event)
    elif kind == LIQUIDATION:
        forced.on_liquidation(s.forced, 0, event)
    elif kind in (MARK, INTEREST):
        on_statement(s.contract, 0, event)
        cascade.on_statement(s.cascade, 0, event)


@kernel
def _judge(s: Stage, now: int) -> None:
    scene, book = s.scenes[0], s.market.book.head[0]
    scene["now"], scene["valid"] = now, book["valid"]
    scene["bid"], scene["ask"] = book["bid"], book["ask"]
    scene["mid2"] = np.int64(book["bid"]) + np.int64(book["ask"])
    tick = max(scene["effective_tick"], 1)
    prints.settle(s.prints, 0, now)
    fade.sample(s.fade, 0, now, delta.window_delta(s.window, 0, now), tick)
    walls.sample(s.walls, s.market.book, s.market.ledger, 0, now, tick)
    forced.sample(s.forced, 0, now)
    push_through.judge(
        s.push, s.scenes, s.walls, s.market.book, s.market.ledger, s.prints, s.breaks, s.outbox, 0
    )
    stop_run.judge(s.stop, s.scenes, s.prints, s.contract, s.breaks, s.outbox, 0)
    trapped.judge(s.trapped, s.scenes, s.fade, s.breaks, s.outbox, 0)
    cascade.judge(
        s.cascade, s.scenes, s.forced, s.market.tape, s.prints, s.market.book, 0.0, s.outbox, 0
    )


def signals_of(
    events: Events, state: Stage, kind: int | None = None, cuts: tuple[int, ...] = ()
) -> Any:
    """Run a tape, cut anywhere; return its SIGNAL rows in order, of one kind if asked."""
    found = [np.zeros(0, SIGNAL)]
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        while start < stop:
            start = run_stage(events, start, stop, state)
            found.append(drain(state.outbox))
    rows = np.concatenate(found)
    return rows if kind is None else rows[rows["kind"] == kind]


class Tape:
    """Writes a tape step by step."""

    def __init__(self, levels: int = 30, lots: int = 20) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.step = self.part = 0
        self.add(CLEAR, 0, NO_PRICE, 0, 0)
        for i in range(levels):
            self.add(LEVEL, 1, BID - i, lots, SNAPSHOT)
            self.add(LEVEL, -1, ASK + i, lots, SNAPSHOT | (LAST if i == levels - 1 else 0))

    def add(self, kind: int, side: int, price: int, size: int, flags: int = LAST) -> None:
        ts = START_NS + self.step * STEP_NS + min(self.part, 98) * MS + MS
        self.rows.append((ts, ts - 4 * MS, size, price, kind, side, flags, 0))
        self.part += flags & LAST

    def trade(self, price: int, lots: int, side: int) -> None:
        self.add(TRADE, side, price, lots)

    def level(self, side: int, price: int, lots: int) -> None:
        self.add(LEVEL, side, price, lots)

    def liquidation(self, price: int, lots: int, side: int) -> None:
        self.add(LIQUIDATION, side, price, lots)

    def mark(self, price: int) -> None:
        self.add(MARK, 0, price, price)

    def interest(self, lots: int) -> None:
        self.add(INTEREST, 0, NO_PRICE, lots)

    def lose_book(self) -> None:
        self.add(CLEAR, 0, NO_PRICE, 0, GAP | LAST)

    def tick(self, steps: int = 1) -> None:
        for _ in range(steps):
            self.step += 1
            self.part = 0
            ts = START_NS + self.step * STEP_NS
            self.rows.append((ts, ts, STEP_NS, NO_PRICE, TIMER, 0, LAST, NO_INSTRUMENT))

    def move_touch(self, bid: int, ask: int, old_bid: int, old_ask: int, lots: int = 20) -> None:
        """Move the touch as one message: what lay between is taken away or put there."""
        rows = [(1, price, 0) for price in range(bid + 1, old_bid + 1)]
        rows += [(-1, price, 0) for price in range(old_ask, ask)]
        rows += [(1, price, lots) for price in range(old_bid + 1, bid + 1)]
        rows += [(-1, price, lots) for price in range(ask, old_ask)]
        for n, (side, price, size) in enumerate(rows):
            self.add(LEVEL, side, price, size, LAST if n == len(rows) - 1 else 0)

    def events(self, mirror: bool = False) -> Events:
        events = np.array(self.rows, EVENT)
        return mirrored(events) if mirror else events


def mirrored(events: Events) -> Events:
    """Return the tape with prices negated and sides swapped."""
    other = events.copy()
    priced = (other["price"] != NO_PRICE) & np.isin(
        other["kind"], (TRADE, LEVEL, QUOTE, LIQUIDATION, MARK)
    )
    other["price"][priced] *= -1
    other["side"] *= -1
    return other


def mirror_rows(rows: Any, prices: tuple[str, ...], signed: tuple[str, ...], names: Any) -> Any:
    """Return SIGNAL rows as the mirrored market would have given them."""
    turned = rows.copy()
    turned["side"] *= -1
    turned["direction"] *= -1
    turned["low"], turned["high"] = -rows["high"], -rows["low"]
    for name in prices + signed:
        turned["evidence"][:, names.index(name)] *= -1
    turned["evidence"] += 0.0  # no negative zeros
    return turned


def assert_same(rows: Any, other: Any, names: tuple[str, ...] = SIGNAL.names or ()) -> None:
    for field in names:
        np.testing.assert_array_equal(rows[field], other[field], field)
