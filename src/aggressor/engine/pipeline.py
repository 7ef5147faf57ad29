"""The pipeline: everything that is computed from the market, in one visible order, event by event.

    market     book, ledger, tape, health
    trades     bars with footprint, zones, auctions, session, windows, taker orders with their
               sizes and speed, VPIN, impact, run
    messages   pressure at the touch, flow over ten levels, bars that venue time has ended
    bars       zones, auctions, swings, divergence, bias (`closed_bars`)
    TIMERs     volatility and effective tick, the scene, walls, fade, then the detectors judge
               (`timers`)

Beyond the market, bars and yardsticks only what is asked for is computed (`asked`): a bit in the
head, looked at before each group of parts.

`advance` stops after the first event that is a decision point: a SIGNAL that calls for one, a bar
closed, or (only while something of ours is at stake) a TIMER. It stops *before* an event for which
an array has no room; Python calls `make_room` and goes on, so the result never depends on first
sizes or on where batches were cut.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aggressor.context import interest as interests
from aggressor.detectors import absorption as absorptions
from aggressor.detectors import cascade as cascades
from aggressor.detectors import exhaustion as exhaustions
from aggressor.detectors import iceberg as icebergs
from aggressor.detectors import pull as pulls
from aggressor.detectors import push_through as push_throughs
from aggressor.detectors import stacking as stacks
from aggressor.detectors import stop_run as stop_runs
from aggressor.detectors import vacuum as vacuums
from aggressor.detectors.outbox import is_filling
from aggressor.engine.asked import DEPTH, FLOW, PROFILE, SIGNALS
from aggressor.engine.closed_bars import on_bars
from aggressor.engine.parts import Pipeline, new_parts
from aggressor.engine.timers import on_order, on_timer, set_touch
from aggressor.features import auction as auctions
from aggressor.features import delta as windows
from aggressor.features import depth_flow as depth_flows
from aggressor.features import fade as fades
from aggressor.features import footprint as footprints
from aggressor.features import forced as forced_flow
from aggressor.features import impact as impacts
from aggressor.features import locations as places
from aggressor.features import prints as takers
from aggressor.features import resilience as resiliences
from aggressor.features import session as sessions
from aggressor.features import vpin as vpins
from aggressor.features.delta import WindowState, grow_window
from aggressor.features.pressure import on_top
from aggressor.features.series import BarSeries, FootprintState
from aggressor.features.session import SessionState
from aggressor.features.watch import ICEBERG_MARK, PULL_MARK, grow_watch
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.linking import address_of, by_address
from aggressor.market import composite as composites
from aggressor.market import state as markets
from aggressor.market.contract import on_statement
from aggressor.market.state import MarketState, grow_market
from aggressor.schema.event import (
    CLEAR,
    GAP,
    INTEREST,
    LAST,
    LEVEL,
    LIQUIDATION,
    MARK,
    NOT_FLOW,
    QUOTE,
    TIMER,
    TRADE,
    Events,
    empty_events,
)
from aggressor.schema.instrument import Instrument

_call_timer = by_address(on_timer)

RAN_OUT = 0  # of events
DECIDE_SIGNAL = 1
DECIDE_BAR = 2
DECIDE_TIMER = 4
NEEDS_ROOM = 8


def new_pipeline(
    instruments: Sequence[Instrument], bars: Sequence[BarSeries], **options: Any
) -> Pipeline:
    """Return a pipeline ready to advance; arguments and options as those of `parts.new_parts`."""
    return linked(new_parts(instruments, bars, **options))


def linked(pipe: Pipeline) -> Pipeline:
    """Compile what is compiled apart, or load it, and write the addresses down; return `pipe`."""
    pipe.head["timer_entry"] = address_of(on_timer, pipe, 0)
    pipe.head["run_entry"] = address_of(run, empty_events(0), 0, 0, pipe)
    return pipe


def advance(events: Events, start: int, stop: int, pipe: Pipeline) -> tuple[int, int]:
    """Use events[start:stop] up to and including the first decision point.

    Returns (index of the first event not used, why it stopped): RAN_OUT, NEEDS_ROOM, or DECIDE
    bits.
    """
    run(events, start, stop, pipe)
    head = pipe.head[0]
    return int(head["cursor"]), int(head["reason"])


@kernel
def run(events: Events, start: Int, stop: Int, pipe: Pipeline) -> None:
    """Do the work of `advance`; what it returns stands in the head, as `cursor` and `reason`."""
    head = pipe.head[0]
    lanes = pipe.market.book.head.size
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        k = np.int64(event["instrument"])
        if kind != TIMER and k >= lanes:
            continue
        if not _has_room(pipe, k, event):
            head["cursor"], head["reason"] = i, NEEDS_ROOM
            return
        markets.look_ahead(pipe.market, events, i, stop)
        slot = markets.on_event(pipe.market, event)
        watched = kind == LEVEL and pipe.watch.marks[np.uint64(slot)] != 0
        head["now"] = event["ts_recv"]
        head["events"] += 1
        if kind != TIMER:
            head["venue_now"] = event["ts_venue"]
        if kind == LEVEL and (event["flags"] & LAST) == 0 and not watched:
            continue  # most events: the market alone has changed
        calls = pipe.outbox.head[0]["calls"]
        closed = head["closed_bars"]
        if watched:
            _on_watched(pipe, k, slot, event)
        if kind == TRADE:
            _on_trade(pipe, k, slot, event)
        elif kind == TIMER:
            _call_timer(head["timer_entry"], pipe, event["ts_recv"])
        elif (event["flags"] & LAST) != 0 or kind == CLEAR:
            _on_message(pipe, k, event)
        if kind != LEVEL and kind != TIMER:
            on_statement(pipe.contract, k, event)
        reason = RAN_OUT
        if pipe.outbox.head[0]["calls"] != calls or is_filling(pipe.outbox):
            reason |= DECIDE_SIGNAL
        if head["closed_bars"] != closed:
            reason |= DECIDE_BAR
        if kind == TIMER and head["timers_decide"] != 0:
            reason |= DECIDE_TIMER
        if reason != RAN_OUT:
            head["cursor"], head["reason"] = i + 1, reason
            return
    head["cursor"], head["reason"] = stop, RAN_OUT


@kernel_inline
def _has_room(pipe: Pipeline, k: Int, event: Any) -> bool:
    """Whether every array can take this event."""
    kind = event["kind"]
    if kind == TIMER or (kind == LEVEL and (event["flags"] & LAST) == 0):
        return markets.has_room(pipe.market, event)
    return _has_room_beside(pipe, k, event)


@kernel
def _has_room_beside(pipe: Pipeline, k: Int, event: Any) -> bool:
    """Whether the market, and for trades and ends of messages everything else, has room."""
    if not markets.has_room(pipe.market, event):
        return False
    count = pipe.head[0]["bars_per_lane"]
    if event["kind"] == TRADE:
        now = event["ts_recv"]
        for series in range(k * count, (k + 1) * count):
            footprints.look_ahead(pipe.footprint, series, event)
        profiled = (pipe.head[0]["asked"] & PROFILE) != 0
        if profiled:
            sessions.look_ahead(pipe.session, k, event)
        if not windows.window_has_room(pipe.window, 2 * k, now):
            return False
        if not windows.window_has_room(pipe.window, 2 * k + 1, now):
            return False
        if profiled and not sessions.has_room(pipe.session, k, event):
            return False
    for series in range(k * count, (k + 1) * count):
        if not footprints.has_room(pipe.footprint, series, event):
            return False
    return True


@kernel
def _on_trade(pipe: Pipeline, k: Int, slot: Int, event: Any) -> None:
    """Carry one print through bars, windows, taker orders and the run."""
    count = pipe.head[0]["bars_per_lane"]
    for series in range(k * count, (k + 1) * count):
        before = pipe.footprint.head[series]["closed"]
        footprints.on_trade(pipe.footprint, series, event)
        _note_closed(pipe, k, series, before, event["ts_recv"])
    asked = pipe.head[0]["asked"]
    pipe.scenes[k]["venue_now"] = event["ts_venue"]
    composites.on_trade(pipe.composite, k, event)
    if (event["flags"] & (NOT_FLOW | GAP)) != 0:
        interests.on_odd_trade(pipe.interest, k, event)
    if (event["flags"] & NOT_FLOW) != 0:
        return
    if asked & SIGNALS:
        stacks.on_trade(pipe.stacking, pipe.zones, pipe.outbox, k, event)
    now, side, size = event["ts_recv"], np.int64(event["side"]), event["size"]
    if asked & PROFILE:
        auctions.on_trade(pipe.auction, k, np.int64(event["price"]), event["ts_venue"])
        sessions.on_trade(pipe.session, k, event)
        places.on_trade(pipe.locations, pipe.session, k, event)
    windows.add_print(pipe.window, 2 * k, now, side, size)
    windows.add_print(pipe.window, 2 * k + 1, now, side, size)
    if asked & FLOW:
        if takers.on_trade(pipe.prints, k, event):
            on_order(pipe, k, now)
        vpins.on_trade(pipe.vpin, k, event)
        impacts.on_trade(pipe.impact, k, event)
        fades.on_trade(pipe.fade, k, event)
        forced_flow.on_trade(pipe.forced, k, event)
    if asked & SIGNALS:
        _show_trade(pipe, k, slot, event)


@kernel_inline
def _show_trade(pipe: Pipeline, k: Int, slot: Int, event: Any) -> None:
    """Show a print to the detectors."""
    scenes, ledger, watch = pipe.scenes, pipe.market.ledger, pipe.watch
    exhaustions.on_flow(pipe.exhaustion, k, event)
    absorptions.on_trade(pipe.absorption, k, event)
    icebergs.on_trade(pipe.iceberg, watch, ledger, scenes, pipe.outbox, k, slot, event)
    pulls.on_trade(pipe.pull, watch, ledger, k, slot, event)
    vacuums.on_trade(pipe.vacuum, k, event)
    push_throughs.on_trade(pipe.push_through, ledger, pipe.prints, k, event)
    stop_runs.on_trade(pipe.stop_run, k, event)


@kernel
def _on_watched(pipe: Pipeline, k: Int, slot: Int, event: Any) -> None:
    """Show a row of a level to the detectors that follow it."""
    watch, ledger = pipe.watch, pipe.market.ledger
    marks = watch.marks[np.uint64(slot)]
    if marks & ICEBERG_MARK:
        icebergs.on_level(pipe.iceberg, watch, ledger, pipe.scenes, pipe.outbox, k, slot, event)
    if marks & PULL_MARK:
        pulls.on_level(pipe.pull, watch, ledger, k, slot, event)


@kernel
def _on_message(pipe: Pipeline, k: Int, event: Any) -> None:
    """After the end of a book message: the touch, the ranks, and bars that venue time has ended."""
    kind, asked = event["kind"], pipe.head[0]["asked"]
    book = pipe.market.book
    if kind in (LEVEL, QUOTE, CLEAR):
        on_top(pipe.pressure, book, k, event)
    if kind == LIQUIDATION:
        if asked & FLOW:
            forced_flow.on_liquidation(pipe.forced, k, event)
    elif kind in (MARK, INTEREST) and asked & SIGNALS:
        cascades.on_statement(pipe.cascade, k, event)
        if kind == INTEREST:
            interests.on_interest(pipe.interest, k, event)
    if kind in (LEVEL, CLEAR) and (event["flags"] & LAST) != 0 and asked & DEPTH:
        depth_flows.on_depth(pipe.depth_flow, book, k)
        if kind == LEVEL:
            resiliences.on_depth(pipe.resilience, k, event)
    if kind in (LEVEL, QUOTE, CLEAR):
        _on_touch(pipe, k, event)
    count = pipe.head[0]["bars_per_lane"]
    for series in range(k * count, (k + 1) * count):
        before = pipe.footprint.head[series]["closed"]
        footprints.on_clock(pipe.footprint, series, event)
        _note_closed(pipe, k, series, before, event["ts_recv"])


@kernel
def _on_touch(pipe: Pipeline, k: Int, event: Any) -> None:
    """Set the touch in the scene, and show it to the detectors that follow it."""
    scenes, now = pipe.scenes, event["ts_recv"]
    scenes[k]["venue_now"] = event["ts_venue"]
    set_touch(pipe, k)
    if (pipe.head[0]["asked"] & SIGNALS) == 0:
        return
    absorptions.on_top(pipe.absorption, scenes, k, now)
    icebergs.on_top(pipe.iceberg, pipe.watch, scenes, pipe.outbox, k, now)
    pulls.on_message(
        pipe.pull,
        pipe.watch,
        pipe.market.book,
        pipe.walls,
        pipe.near_depth,
        scenes,
        pipe.outbox,
        k,
        now,
    )


@kernel_inline
def _note_closed(pipe: Pipeline, k: Int, series: Int, before: Int, now: Int) -> None:
    """Count the bars that an event has closed, and read those of the lane's first series."""
    closed = pipe.footprint.head[series]["closed"]
    if closed != before:
        pipe.head[0]["closed_bars"] += closed - before
        if pipe.head[0]["asked"] & FLOW:
            forced_flow.close_bars(pipe.forced, pipe.footprint, series)
        if series == k * pipe.head[0]["bars_per_lane"]:
            on_bars(pipe, k, series, before, now)


def make_room(pipe: Pipeline, event: Any) -> Pipeline:
    """Return a pipeline that can take `event`; closed bars must have been drained before."""
    k = int(event["instrument"])
    if not market_has_room(pipe.market, event):
        market = grow_market(pipe.market)
        return pipe.replace(market=market, watch=grow_watch(pipe.watch, market.book.levels.size))
    if event["kind"] == TRADE:
        if not window_room(pipe.window, k, int(event["ts_recv"])):
            return pipe.replace(window=grow_window(pipe.window))
        if pipe.head[0]["asked"] & PROFILE and not session_has_room(pipe.session, k, event):
            price = int(event["price"])
            return pipe.replace(session=sessions.make_room(pipe.session, k, price))
    count = int(pipe.head[0]["bars_per_lane"])
    footprint = pipe.footprint  # rows may also be moved where they are
    for series in range(k * count, (k + 1) * count):
        if not series_has_room(footprint, series, event):
            footprint = footprints.make_room_for(footprint, series, event)
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
def session_has_room(session: SessionState, k: Int, event: Any) -> bool:
    """Ask `session.has_room` from Python."""
    return sessions.has_room(session, k, event)


@kernel
def series_has_room(footprint: FootprintState, series: Int, event: Any) -> bool:
    """Ask `footprint.has_room` from Python."""
    return footprints.has_room(footprint, series, event)
