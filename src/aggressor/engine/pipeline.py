"""The pipeline: everything that is computed from the market, in one visible order, event by event.

    market     book, ledger, tape, health
    features   bars with footprint, delta windows, pressure at the touch, taker orders
    at TIMER   volatility and effective tick, walls, delta fade
    detectors  exhaustion

`advance` stops after the first event that is a decision point: a SIGNAL that calls for one, a bar
closed, or (only while something of ours is at stake) a TIMER. It stops *before* an event for which
an array has no room; Python calls `make_room` and goes on, so the result never depends on first
sizes or on where batches were cut.

Every lane has the same `bars_per_lane` bar series; series of lane k are k * bars_per_lane + j,
series 0 of each lane is the one-minute bar. Window series are 2 k (the fade's window w) and 2 k +
1 (one minute).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors import exhaustion as exhaustions
from aggressor.detectors.exhaustion import ExhaustionState, exhaustion_state
from aggressor.detectors.outbox import Outbox, is_filling, new_outbox
from aggressor.detectors.wall import WallSignals, announce, wall_signals
from aggressor.features import delta as windows
from aggressor.features import fade as fades
from aggressor.features import footprint as footprints
from aggressor.features import prints as takers
from aggressor.features import volatility as volatilities
from aggressor.features import walls as wall_lists
from aggressor.features.baseline import READY, UNKNOWN
from aggressor.features.delta import WindowState, grow_window, window_state
from aggressor.features.fade import FADE_PROFILES, FadeState, fade_state
from aggressor.features.parameters import profile_of
from aggressor.features.pressure import PressureState, mark, on_top, pressure_state
from aggressor.features.prints import PRINTS_PROFILES, PrintsState, prints_state
from aggressor.features.series import BarSeries, FootprintState, footprint_state
from aggressor.features.volatility import VOLATILITY_PROFILES, VolatilityState, volatility_state
from aggressor.features.wall_records import WALL_PROFILES, WallParameters, WallsState, walls_state
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market import state as markets
from aggressor.market.contract import ContractState, contract_state, on_statement
from aggressor.market.state import MarketState, grow_market, market_state
from aggressor.schema.event import CLEAR, LAST, LEVEL, NOT_FLOW, QUOTE, TIMER, TRADE, Events
from aggressor.schema.instrument import Instrument
from aggressor.state import State

MINUTE_NS = 60_000_000_000

RAN_OUT = 0  # of events
DECIDE_SIGNAL = 1
DECIDE_BAR = 2
DECIDE_TIMER = 4
NEEDS_ROOM = 8

PIPELINE_HEAD = np.dtype(
    [
        ("now", "<i8"),  # ts_recv of the last event used
        ("venue_now", "<i8"),  # ts_venue of the last market event used
        ("events", "<i8"),
        ("timers_decide", "<i8"),  # 1 while something of ours is at stake
        ("bars_per_lane", "<i8"),
        ("closed_bars", "<i8"),
    ]
)


class Pipeline(State, frozen=True):
    """All state of one engine, one part per layer."""

    head: NDArray[Any]  # PIPELINE_HEAD, (1,)
    market: MarketState
    contract: ContractState
    footprint: FootprintState
    window: WindowState
    pressure: PressureState
    prints: PrintsState
    fade: FadeState
    volatility: VolatilityState
    walls: WallsState
    wall_signals: WallSignals
    exhaustion: ExhaustionState
    outbox: Outbox


def new_pipeline(
    instruments: Sequence[Instrument],
    bars: Sequence[BarSeries],
    *,
    profile: str = "perp",
    cost_ticks: float = 0.0,
    timer_ns: int = 100_000_000,
    tolerance_ns: int = 250_000_000,
) -> Pipeline:
    """Return the pipeline of `instruments`; `bars` holds the same number of series per lane, lane
    by lane.

    `profile` is "perp" or "micro"; `cost_ticks` the round-trip cost the run of R7.1 is held
    against.
    """
    lanes = len(instruments)
    assert len(bars) % lanes == 0, "every lane has the same number of bar series"
    head = np.zeros(1, PIPELINE_HEAD)
    head["bars_per_lane"] = len(bars) // lanes
    fade_parameters = profile_of(FADE_PROFILES, profile)
    walls = [wall_parameters(one, profile) for one in instruments]
    return Pipeline(
        head=head,
        market=market_state(lanes, tolerance_ns=tolerance_ns),
        contract=contract_state(lanes),
        footprint=footprint_state(bars),
        window=window_state([fade_parameters.window_ns, MINUTE_NS] * lanes),
        pressure=pressure_state(lanes),
        prints=prints_state(lanes, profile_of(PRINTS_PROFILES, profile)),
        fade=fade_state(lanes, fade_parameters),
        volatility=volatility_state(lanes, profile_of(VOLATILITY_PROFILES, profile)),
        walls=walls_state(lanes, walls),
        wall_signals=wall_signals(walls),
        exhaustion=exhaustion_state(lanes, exhaustions.PROFILES[profile], cost_ticks, timer_ns),
        outbox=new_outbox(),
    )


def wall_parameters(instrument: Instrument, profile: str) -> WallParameters:
    """Return the wall thresholds of an instrument, with its round prices in ticks."""
    ticks = 10 / instrument.tick
    tens = int(ticks) if ticks == int(ticks) else 0
    return msgspec.structs.replace(
        profile_of(WALL_PROFILES, profile), tens_ticks=tens, hundreds_ticks=10 * tens
    )


@kernel
def advance(events: Events, start: Int, stop: Int, pipe: Pipeline) -> tuple[Int, int]:
    """Use events[start:stop] up to and including the first decision point.

    Returns (index of the first event not used, why it stopped): RAN_OUT, NEEDS_ROOM, or DECIDE
    bits.
    """
    head = pipe.head[0]
    lanes = pipe.market.book.head.size
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        k = np.int64(event["instrument"])
        if kind != TIMER and k >= lanes:
            continue
        if not _has_room(pipe, k, event):
            return i, NEEDS_ROOM
        calls = pipe.outbox.head[0]["calls"]
        closed = head["closed_bars"]
        markets.on_event(pipe.market, event)
        if kind == TRADE:
            _on_trade(pipe, k, event)
        elif kind == TIMER:
            _on_timer(pipe, event["ts_recv"])
        elif (event["flags"] & LAST) != 0 or kind == CLEAR:
            _on_message(pipe, k, event)
        if kind != LEVEL:
            on_statement(pipe.contract, k, event)
        head["now"] = event["ts_recv"]
        if kind != TIMER:
            head["venue_now"] = event["ts_venue"]
        head["events"] += 1
        reason = RAN_OUT
        if pipe.outbox.head[0]["calls"] != calls or is_filling(pipe.outbox):
            reason |= DECIDE_SIGNAL
        if head["closed_bars"] != closed:
            reason |= DECIDE_BAR
        if kind == TIMER and head["timers_decide"] != 0:
            reason |= DECIDE_TIMER
        if reason != RAN_OUT:
            return i + 1, reason
    return stop, RAN_OUT


@kernel_inline
def _has_room(pipe: Pipeline, k: Int, event: Any) -> bool:
    """Whether every array can take this event."""
    kind = event["kind"]
    if kind == TIMER or (kind == LEVEL and (event["flags"] & LAST) == 0):
        return markets.has_room(pipe.market, event)
    if not markets.has_room(pipe.market, event):
        return False
    if kind == TRADE:
        now = event["ts_recv"]
        if not windows.window_has_room(pipe.window, 2 * k, now):
            return False
        if not windows.window_has_room(pipe.window, 2 * k + 1, now):
            return False
    count = pipe.head[0]["bars_per_lane"]
    for series in range(k * count, (k + 1) * count):
        if not footprints.has_room(pipe.footprint, series, event):
            return False
    return True


@kernel_inline
def _on_trade(pipe: Pipeline, k: Int, event: Any) -> None:
    """Carry one print through bars, windows, taker orders and the run."""
    count = pipe.head[0]["bars_per_lane"]
    for series in range(k * count, (k + 1) * count):
        before = pipe.footprint.head[series]["closed"]
        footprints.on_trade(pipe.footprint, series, event)
        pipe.head[0]["closed_bars"] += pipe.footprint.head[series]["closed"] - before
    if (event["flags"] & NOT_FLOW) != 0:
        return
    now, side, size = event["ts_recv"], np.int64(event["side"]), event["size"]
    windows.add_print(pipe.window, 2 * k, now, side, size)
    windows.add_print(pipe.window, 2 * k + 1, now, side, size)
    takers.on_trade(pipe.prints, k, event)
    fades.on_trade(pipe.fade, k, event)
    exhaustions.on_flow(pipe.exhaustion, k, event)


@kernel_inline
def _on_message(pipe: Pipeline, k: Int, event: Any) -> None:
    """After the end of a book message: the touch, and bars that venue time has ended."""
    kind = event["kind"]
    if kind in (LEVEL, QUOTE, CLEAR):
        on_top(pipe.pressure, pipe.market.book, k, event)
    count = pipe.head[0]["bars_per_lane"]
    for series in range(k * count, (k + 1) * count):
        before = pipe.footprint.head[series]["closed"]
        footprints.on_clock(pipe.footprint, series, event)
        pipe.head[0]["closed_bars"] += pipe.footprint.head[series]["closed"] - before


@kernel
def _on_timer(pipe: Pipeline, now: Int) -> None:
    """Sample what is sampled, then judge; one lane after the other."""
    for k in range(pipe.market.book.head.size):
        book = pipe.market.book.head[k]
        valid = book["valid"] != 0
        mark(pipe.pressure, k, now)
        takers.settle(pipe.prints, k, now)
        mid2 = np.int64(book["bid"]) + np.int64(book["ask"])
        spread = np.int64(book["ask"]) - np.int64(book["bid"])
        volatilities.sample(pipe.volatility, k, now, valid, mid2, spread)
        volatility = pipe.volatility.head[k]
        tick = volatility["effective_tick"]
        delta = windows.window_delta(pipe.window, 2 * k, now)
        fades.sample(pipe.fade, k, now, delta, tick)
        wall_lists.sample(pipe.walls, pipe.market.book, pipe.market.ledger, k, now, tick)
        announce(pipe.wall_signals, pipe.walls, pipe.outbox, k, now, pipe.head[0]["venue_now"])
        known = tick if volatility["effective_maturity"] != UNKNOWN else np.int64(0)
        atr = 0.5 * volatility["atr2"] if volatility["atr_maturity"] != UNKNOWN else -1.0
        young = volatility["effective_maturity"] != READY or volatility["atr_maturity"] != READY
        exhaustions.judge(pipe.exhaustion, pipe.outbox, pipe.fade, k, now, valid, known, atr, young)


def make_room(pipe: Pipeline, event: Any) -> Pipeline:
    """Return a pipeline that can take `event`; closed bars must have been drained before."""
    k = int(event["instrument"])
    if not market_has_room(pipe.market, event):
        return pipe.replace(market=grow_market(pipe.market))
    if event["kind"] == TRADE and not window_room(pipe.window, k, int(event["ts_recv"])):
        return pipe.replace(window=grow_window(pipe.window))
    count = int(pipe.head[0]["bars_per_lane"])
    footprint, mended = pipe.footprint, False  # rows may also be moved where they are
    for series in range(k * count, (k + 1) * count):
        if not series_has_room(footprint, series, event):
            footprint, mended = footprints.make_room_for(footprint, series, event), True
    assert mended, "every part has room"
    return pipe.replace(footprint=footprint)


@kernel
def market_has_room(market: MarketState, event: Any) -> bool:
    """Ask `market.state.has_room` from Python."""
    return markets.has_room(market, event)


@kernel
def window_room(window: WindowState, k: Int, now: Int) -> bool:
    """Ask both windows of a lane from Python."""
    return windows.window_has_room(window, 2 * k, now) and windows.window_has_room(
        window, 2 * k + 1, now
    )


@kernel
def series_has_room(footprint: FootprintState, series: Int, event: Any) -> bool:
    """Ask `footprint.has_room` from Python."""
    return footprints.has_room(footprint, series, event)
