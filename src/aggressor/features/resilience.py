"""Resilience: how fast the depth of a side comes back after a sweep has taken it (R1.7).

Depth here is the lots of a side within `reach` effective ticks of the mid. It falls when a sweep
empties levels and the mid jumps away from the next ones, and comes back when they are refilled or
when the other side follows. A taker order over two levels or more is a *shock* of the side it hits
when

    it took  >= share of the usual depth      or      the touch moved by >= touch effective ticks

The usual depth D_inf is the median of past samples (never of those during an episode), D_0 the
depth at the first timer after a depth message at least as new as the sweep, by ts_venue. From then
on, at each timer:

    tau_x   first time after the sweep at which depth >= D_0 + x (D_inf - D_0), held for hold_ns
    rate    least squares of -ln((D_inf - D) / (D_inf - D_0)) on the time since D_0, 1/s

An episode ends when 0.9 has been held (RECOVERED), after censor_ns (CENSORED: the taus not reached
stay NO_TIME), by a further shock of the same side (OVERTAKEN: the next one keeps D_inf), or with
the book (BOOK_LOST). Where the first look finds D_0 >= D_inf it ends AT_ONCE and both taus are
upper bounds. Sweeps that cannot be judged because the usual depth or the effective tick is not
known are counted in `undecided`.

Bias: refills before the first look make D_0 too high and are not in the rate; the band follows the
effective tick, which is frozen during an episode but not over the median's window.

    head     (lanes,)               RESILIENCE_HEAD
    sides    (lanes, 2)             RESILIENCE_SIDE, index 0 bid, 1 ask: the side that was hit
    ended    (lanes, 2, ENDED)      RESILIENCE_EPISODE, rings
    usual    (2 lanes)              baselines of depth, lots

Units: ticks, lots, ns of ts_recv unless said otherwise. Source: R1.7; Obizhaeva & Wang 2013.
"""

from collections.abc import Sequence
from math import log
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import (
    UNKNOWN,
    BaselineSpec,
    BaselineState,
    add_sample,
    advance,
    baseline_state,
    maturity,
    quantile,
)
from aggressor.features.depth import ladder_mid2
from aggressor.features.parameters import (
    MICRO,
    MILLISECOND_NS,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.features.prints import ORDERS, PrintsState, on_trade, settle
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, best_price, has_room, on_book_event, row_of
from aggressor.market.near import best_levels_lots
from aggressor.schema.event import (
    CLEAR,
    LAST,
    LEVEL,
    NO_PRICE,
    NO_TIME,
    QUOTE,
    TIMER,
    TRADE,
    Events,
)
from aggressor.state import State

ENDED = 64  # episodes kept per lane and side; a power of two
LEFT_MIN = 0.05  # of the dent, in the logarithm: a depth at or above the usual one has none
_SLICES = 12
_HALF_PPM = 500_000

IDLE, WAITING, RECOVERING = 0, 1, 2

RECOVERED, AT_ONCE, CENSORED, OVERTAKEN, BOOK_LOST = 1, 2, 3, 4, 5
END_NAMES = {
    RECOVERED: "recovered",
    AT_ONCE: "recovered before the first look",
    CENSORED: "censored",
    OVERTAKEN: "overtaken by another shock",
    BOOK_LOST: "book lost",
}

RESILIENCE_EPISODE = np.dtype(
    [
        ("shock_ns", "<i8"),  # ts_recv of the sweep's last print
        ("shock_venue_ns", "<i8"),  # ts_venue of its first print
        ("swept", "<i8"),  # lots
        ("touch_before", "<i8"),  # ticks: the side's best at the timer before
        ("touch_after", "<i8"),  # at the first look
        ("usual", "<i8"),  # lots: D_inf
        ("after", "<i8"),  # lots: D_0
        ("after_ns", "<i8"),  # when D_0 was read
        ("half_ns", "<i8"),  # tau 0.5; NO_TIME not reached
        ("most_ns", "<i8"),  # tau 0.9
        ("rate", "<f8"),  # 1/s; 0 where nothing was left to measure
        ("samples", "<i8"),  # behind the rate
        ("effective_tick", "<i8"),  # ticks, frozen
        ("maturity", "<i8"),  # of D_inf: YOUNG or READY
        ("end", "<i8"),  # RECOVERED ...
        ("end_ns", "<i8"),
    ]
)

RESILIENCE_SIDE = np.dtype(
    [
        ("phase", "<i8"),
        ("touch", "<i8"),  # ticks: best at the last timer
        ("usual", "<i8"),  # lots: the median as last read
        ("usual_maturity", "<i8"),
        ("half_since_ns", "<i8"),  # depth has been enough since; NO_TIME it is not
        ("most_since_ns", "<i8"),
        ("sum_tt", "<f8"),  # s^2
        ("sum_ty", "<f8"),
        ("ended", "<i8"),  # episodes so far
        ("undecided", "<i8"),
        ("open", RESILIENCE_EPISODE),
    ]
)

RESILIENCE_HEAD = np.dtype(
    [
        ("order", "<i8"),  # taker orders before this one have been looked at
        ("depth_venue_ns", "<i8"),  # ts_venue of the last depth message
        ("sampled_ns", "<i8"),  # when the usual depth was last sampled
    ]
)


class ResilienceParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What a shock is and how long its recovery is watched."""

    reach: int = 5  # effective ticks from the mid
    levels_max: int = 64  # occupied levels read per side
    share_ppm: int = 300_000  # of the usual depth
    touch: int = 2  # effective ticks
    hold_ns: int = 200 * MILLISECOND_NS
    censor_ns: int = 30 * SECOND_NS
    every_ns: int = 500 * MILLISECOND_NS  # between samples of the usual depth
    window_ns: int = 2 * MINUTE_NS  # of its median


RESILIENCE_PROFILES = {
    PERP: ResilienceParameters(),
    MICRO: ResilienceParameters(
        censor_ns=120 * SECOND_NS, every_ns=2 * SECOND_NS, window_ns=10 * MINUTE_NS
    ),
}

RESILIENCE_ROW = np.dtype([(name, "<i8") for name in ResilienceParameters.__struct_fields__])


class ResilienceState(State, frozen=True):
    """Usual depth, open and ended episodes of every lane; see the module text for shapes."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]
    parameters: NDArray[Any]  # RESILIENCE_ROW, (lanes,)
    sides: NDArray[Any]
    ended: NDArray[Any]
    usual: BaselineState


def resilience_state(
    lanes: int, parameters: ResilienceParameters | Sequence[ResilienceParameters]
) -> ResilienceState:
    """Return the state of `lanes` instruments whose usual depth is not known."""
    head = np.zeros(lanes, RESILIENCE_HEAD)
    head["depth_venue_ns"] = head["sampled_ns"] = NO_TIME
    rows = parameter_rows(RESILIENCE_ROW, lanes, parameters)
    sides = np.zeros((lanes, 2), RESILIENCE_SIDE)
    sides["touch"] = NO_PRICE
    specs = [BaselineSpec(window_ns=int(row["window_ns"])) for row in rows for _ in range(2)]
    return ResilienceState(
        head=head,
        parameters=rows,
        sides=sides,
        ended=np.zeros((lanes, 2, ENDED), RESILIENCE_EPISODE),
        usual=baseline_state(specs, slices=_SLICES),
    )


@kernel_inline
def on_depth(state: ResilienceState, k: Int, event: Any) -> None:
    """Note the LAST row of a depth message."""
    state.head[k]["depth_venue_ns"] = event["ts_venue"]


@kernel_inline
def depth_near(book: BookState, k: Int, side: Int, ticks: Int, levels_max: Int) -> Int:
    """Return the lots of a side at most `ticks` ticks from the mid of the ladder."""
    mid2, best = ladder_mid2(book, k), best_price(book, k, side)
    if mid2 == NO_PRICE:
        return np.int64(0)
    inside = ticks - (side * (mid2 - 2 * best) + 1) // 2
    return best_levels_lots(book, row_of(k, side), inside + 1, levels_max)


@kernel
def judge(
    state: ResilienceState,
    book: BookState,
    prints: PrintsState,
    k: Int,
    now: Int,
    venue_now: Int,
    valid: bool,
    effective_tick: Int,
) -> None:
    """Look at lane `k` at a timer; `effective_tick` is 0 while it is not known."""
    head, row = state.head[k], state.parameters[k]
    if not valid:
        for s in range(2):
            if state.sides[k, s]["phase"] != IDLE:
                _end(state, k, s, now, BOOK_LOST)
            state.sides[k, s]["touch"] = NO_PRICE
        head["order"] = max(head["order"], prints.head[k]["orders"])
        return
    _find_shocks(state, prints, k, now, venue_now, effective_tick)
    due = head["sampled_ns"] == NO_TIME or now - head["sampled_ns"] >= row["every_ns"]
    for s in range(2):
        hit, side = state.sides[k, s], 1 - 2 * s
        if hit["phase"] != IDLE:
            ticks = row["reach"] * hit["open"]["effective_tick"]
            depth = depth_near(book, k, side, ticks, row["levels_max"])
            _follow(state, k, s, now, depth, best_price(book, k, side))
        elif due and effective_tick > 0:
            ticks = row["reach"] * effective_tick
            depth = depth_near(book, k, side, ticks, row["levels_max"])
            add_sample(state.usual, 2 * k + s, now, depth)
        if due:
            advance(state.usual, 2 * k + s, now)
            hit["usual_maturity"] = maturity(state.usual, 2 * k + s)
            hit["usual"] = quantile(state.usual, 2 * k + s, _HALF_PPM)
        hit["touch"] = best_price(book, k, side)
    if due:
        head["sampled_ns"] = now


@kernel
def _find_shocks(
    state: ResilienceState,
    prints: PrintsState,
    k: Int,
    now: Int,
    venue_now: Int,
    effective_tick: Int,
) -> None:
    """Look at the taker orders that are new; one that can no longer grow need not be closed."""
    head, row = state.head[k], state.parameters[k]
    closed = prints.head[k]["orders"]
    last = prints.orders[k, closed & (ORDERS - 1)]
    grown = last["open"] == 1 and venue_now - last["ts_venue"] > prints.parameters[k]["gap_ns"]
    stop = closed + np.int64(grown)
    for ordinal in range(max(head["order"], closed - ORDERS + 1), stop):
        order = prints.orders[k, ordinal & (ORDERS - 1)]
        if order["side"] == 0 or order["first"] == order["last"]:
            continue
        s = np.int64(order["side"] > 0)
        hit = state.sides[k, s]
        if effective_tick <= 0 or hit["usual_maturity"] == UNKNOWN or hit["touch"] == NO_PRICE:
            hit["undecided"] += 1
            continue
        large = order["lots"] * 1_000_000 >= row["share_ppm"] * hit["usual"]
        if hit["phase"] == WAITING and order["lots"] <= hit["open"]["swept"]:
            continue
        if hit["phase"] == RECOVERING and not large:
            continue
        _open(state, k, s, order, now, effective_tick)
    head["order"] = max(head["order"], stop)


@kernel
def _open(
    state: ResilienceState, k: Int, s: Int, order: Any, now: Int, effective_tick: Int
) -> None:
    """Start an episode; one under way is overtaken and hands on what was usual before it."""
    hit = state.sides[k, s]
    shock = hit["open"]
    usual, ripe, tick = hit["usual"], hit["usual_maturity"], np.int64(effective_tick)
    touch = hit["touch"]
    if hit["phase"] == RECOVERING:
        usual, ripe, tick = shock["usual"], shock["maturity"], shock["effective_tick"]
        _end(state, k, s, now, OVERTAKEN)
    elif hit["phase"] == WAITING:
        touch = shock["touch_before"]
    hit["phase"] = WAITING
    hit["half_since_ns"] = hit["most_since_ns"] = NO_TIME
    hit["sum_tt"] = hit["sum_ty"] = 0.0
    shock["shock_ns"], shock["shock_venue_ns"] = order["ts_last"], order["ts_venue"]
    shock["swept"], shock["touch_before"] = order["lots"], touch
    shock["usual"], shock["maturity"], shock["effective_tick"] = usual, ripe, tick
    shock["half_ns"] = shock["most_ns"] = NO_TIME
    shock["after"], shock["after_ns"], shock["touch_after"] = 0, NO_TIME, NO_PRICE
    shock["rate"], shock["samples"] = 0.0, 0


@kernel
def _follow(state: ResilienceState, k: Int, s: Int, now: Int, depth: Int, best: Int) -> None:
    """Take one look at the depth of a side during an episode."""
    hit, row = state.sides[k, s], state.parameters[k]
    shock = hit["open"]
    usual = shock["usual"]
    if hit["phase"] == WAITING:
        if state.head[k]["depth_venue_ns"] < shock["shock_venue_ns"]:
            if now - shock["shock_ns"] >= row["censor_ns"]:
                _end(state, k, s, now, CENSORED)
            return
        side = 1 - 2 * s
        moved = side * (shock["touch_before"] - best) >= row["touch"] * shock["effective_tick"]
        if not moved and shock["swept"] * 1_000_000 < row["share_ppm"] * usual:
            hit["phase"] = IDLE
            return
        hit["phase"] = RECOVERING
        shock["after"], shock["after_ns"], shock["touch_after"] = depth, now, best
        if depth >= usual:
            shock["half_ns"] = shock["most_ns"] = now - shock["shock_ns"]
            _end(state, k, s, now, AT_ONCE)
        return
    dent = float(usual - shock["after"])
    elapsed = 1e-9 * (now - shock["after_ns"])
    hit["sum_tt"] += elapsed * elapsed
    hit["sum_ty"] -= elapsed * log(max((usual - depth) / dent, LEFT_MIN))
    shock["samples"] += 1
    risen = depth - shock["after"]
    if 2 * risen < usual - shock["after"]:
        hit["half_since_ns"] = NO_TIME
    elif hit["half_since_ns"] == NO_TIME:
        hit["half_since_ns"] = now
    if 10 * risen < 9 * (usual - shock["after"]):
        hit["most_since_ns"] = NO_TIME
    elif hit["most_since_ns"] == NO_TIME:
        hit["most_since_ns"] = now
    held = now - row["hold_ns"]
    if shock["half_ns"] == NO_TIME and NO_TIME < hit["half_since_ns"] <= held:
        shock["half_ns"] = hit["half_since_ns"] - shock["shock_ns"]
    if NO_TIME < hit["most_since_ns"] <= held:
        shock["most_ns"] = hit["most_since_ns"] - shock["shock_ns"]
        _end(state, k, s, now, RECOVERED)
    elif now - shock["shock_ns"] >= row["censor_ns"]:
        _end(state, k, s, now, CENSORED)


@kernel
def _end(state: ResilienceState, k: Int, s: Int, now: Int, why: Int) -> None:
    """Write the episode of a side to its ring; one that never had its first look is no episode."""
    hit = state.sides[k, s]
    shock = hit["open"]
    hit["phase"] = IDLE
    if shock["after_ns"] == NO_TIME:
        return
    if hit["sum_tt"] > 0.0:
        shock["rate"] = hit["sum_ty"] / hit["sum_tt"]
    shock["end"], shock["end_ns"] = why, now
    state.ended[k, s, hit["ended"] & (ENDED - 1)] = shock
    hit["ended"] += 1


@kernel
def run_resilience(
    events: Events,
    start: Int,
    stop: Int,
    book: BookState,
    prints: PrintsState,
    state: ResilienceState,
    effective_tick: Int,
) -> Int:
    """Bring book, taker orders and resilience of lane 0 forward over events[start:stop].

    Returns the index of the first event not used: stop, or the first whose level has no room in
    the book, so that the caller can grow it and call again.
    """
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        if kind == TIMER:
            now, venue_now = event["ts_recv"], book.head[0]["ts_venue"]
            settle(prints, 0, now)
            valid = book.head[0]["valid"] != 0
            judge(state, book, prints, 0, now, venue_now, valid, effective_tick)
        elif kind == TRADE:
            on_trade(prints, 0, event)
        elif kind in (LEVEL, CLEAR, QUOTE):
            if not has_room(book, 0):
                return i
            on_book_event(book, 0, event)
            if kind == LEVEL and event["flags"] & LAST:
                on_depth(state, 0, event)
    return stop
