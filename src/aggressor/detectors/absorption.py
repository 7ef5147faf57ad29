"""Absorption (R5.1): aggressive flow runs into the best prices and they do not give way.

On each side one zone is followed: the best price and what lies within z behind it. It stays where
it is while the best price is inside; when the best has been below it for more than `hold_ns`, or
beyond it for more than `leave_ns`, the zone starts anew at the best price, with nothing counted.
For the bid side (the ask side is the same in side x price), with p the low end of the zone:

    ARMED      lots sold in the zone over w, V >= max(Q.99 of zone volume per w over an hour,
               2 x what the zone displayed at the start of w); and the fall that one-sided flow
               should have made, lambda N, >= `range_ratio` x the usual range of the mid in the
               time that it pressed, w / `range_part` at least
    CONFIRMED  within T: the best bid was never below p for more than `hold_ns`;
               impact ratio = fall of the mid / (lambda N) <= 0.25; and the sell rate of the last
               `rate_ns` <= half of the window's, or a trade 2 e or more above the zone
    REJECTED   best bid below p for longer (that is a push through), or the book was lost
    EXPIRED    T has passed; the record names the condition that was missing

N = min(V, lots sold less lots bought at any price since the moment of the window that makes it
most), the largest since arming: flow that the other side answers lot for lot presses on nobody, and
a mid that stands still says nothing where the flow should have moved it by no more than it wanders
anyway. That range is the ATR of a minute times the root of the time in minutes since N was least,
so that a long quiet stretch of the window does not hide the pressure after it. The mid moves
against the zone or not at all: a bounce is no impact. Lambda, e and the range are those at arming.
Where Q, lambda, e or the ATR is not known the answer is `undecided`. One row at the end of an
episode; after it the window starts anew, and when it was confirmed the side rests.

Everything is a difference of running sums, sampled at TIMERs: the window is exact on their grid.
`added` is net (what was added less what was cancelled, by the ledger's identity); `refilled` is the
ledger's for the whole side, nearly all of which is at the touch. RPI prints met nobody of the book
and are left out. Bias: a zone that has just started has little volume, and is in the baseline too.

Records and shapes: `absorption_records`. Ages on ts_recv. Units: ticks, lots, ns; heights are
side x ticks.
"""

from math import sqrt
from typing import Any

import numpy as np

from aggressor.detectors.absorption_records import PROFILES as PROFILES
from aggressor.detectors.absorption_records import SAMPLES, ZONE_TICKS_MAX, AbsorptionState
from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    add_sample,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.parameters import MINUTE_NS
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState
from aggressor.market.ledger import LedgerState
from aggressor.market.near import range_lots
from aggressor.schema.event import NO_TIME, RPI
from aggressor.schema.signal import (
    ABSORPTION,
    ARMED,
    CONFIRMED,
    EXPIRED,
    FIRM,
    REJECTED,
    YOUNG_BASELINE,
)

EVIDENCE = (
    "hit",  # lots taken in the zone
    "hit_quantile",  # Q.95 of zone volume per w
    "start_lots",  # displayed in the zone at the start of the window
    "peak_lots",
    "lots",  # displayed now
    "added",  # net of what was cancelled
    "refilled",  # the ledger's refilled and hidden lots of the side
    "delta",  # lots, signed as traded
    "mid_move_ticks",
    "expected_ticks",  # lambda x pressed
    "impact_ratio",
    "impact",  # lambda, ticks per lot
    "rate_ratio",  # of the last rate_ns to the window's
    "bounce_ticks",  # furthest trade beyond the zone since arming
    "window_seconds",  # from the start of the window to arming
    "armed_seconds",
    "zone_ticks",
    "effective_tick",
    "threshold_lots",
    "pressed",  # hit, or less: what one-sided flow there was
    "range_ticks",  # usual range of the mid while it was pressed
)
CONDITIONS = ("", "best price held", "impact ratio", "slower flow or bounce", "valid book")
PUSHED_THROUGH = 1
IMPACT = 2
STILL_SOLD = 3
BOOK_LOST = 4

IDLE = 0


@kernel_inline
def on_trade(state: AbsorptionState, k: Int, event: Any) -> None:
    """Take one TRADE of chosen flow."""
    aggressor, price = np.int64(event["side"]), np.int64(event["price"])
    if aggressor == 0 or event["flags"] & RPI:
        return
    zone = state.zones[np.uint64(k), np.uint64(aggressor > 0)]
    zone["taken"] += event["size"]
    if 0 <= -aggressor * price - zone["low"] < zone["ticks"]:
        zone["hit"] += event["size"]
    if state.head[np.uint64(k)]["armed"] > 0:
        for s in range(2):
            other = state.zones[k, s]
            above = (1 - 2 * s) * price - other["low"] - other["ticks"] + 1
            other["bounce"] = max(other["bounce"], above)


@kernel_inline
def on_top(state: AbsorptionState, scenes: Any, k: Int, now: Int) -> None:
    """Read the touch after a book message."""
    scene = scenes[k]
    if scene["valid"] == 1:
        for s in range(2):
            height = scene["bid"] if s == 0 else -scene["ask"]
            if height != state.zones[k, s]["best"]:
                _move_best(state, k, s, height, now)


@kernel
def _move_best(state: AbsorptionState, k: Int, s: Int, height: Int, now: Int) -> None:
    """Note since when the best price is out of its zone."""
    zone = state.zones[k, s]
    zone["best"] = height
    if height < zone["low"]:
        if zone["below_ns"] == NO_TIME:
            zone["below_ns"] = now
    else:
        if zone["below_ns"] != NO_TIME:
            if now - zone["below_ns"] > state.parameters[k]["hold_ns"]:
                zone["broken"] = 1
        zone["below_ns"] = NO_TIME
    if height < zone["low"] + zone["ticks"]:
        zone["above_ns"] = NO_TIME
    elif zone["above_ns"] == NO_TIME:
        zone["above_ns"] = now


@kernel
def judge(
    state: AbsorptionState,
    book: BookState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
) -> None:
    """Sample both zones of lane `k` at a TIMER and judge them."""
    head, row, scene = state.head[k], state.parameters[k], scenes[k]
    now = scene["now"]
    if scene["valid"] == 0:
        for s in range(2):
            if state.zones[k, s]["phase"] == ARMED:
                _end(state, scenes, outbox, k, s, REJECTED, BOOK_LOST)
            state.zones[k, s]["known"] = 0
        return
    on_top(state, scenes, k, now)
    for s in range(2):
        zone = state.zones[k, s]
        if zone["below_ns"] != NO_TIME and now - zone["below_ns"] > row["hold_ns"]:
            zone["broken"] = 1
        if zone["phase"] != ARMED:
            left = zone["above_ns"] != NO_TIME and now - zone["above_ns"] > row["leave_ns"]
            if zone["known"] == 0 or zone["broken"] == 1 or left:
                _place(state, scenes, k, s)
        _sample(state, book, ledger, k, s, now, scene["mid2"])
    head["samples"] += 1
    if state.zones[k, 0]["known"] == 0:
        head["undecided"] += 1
        return
    if head["baseline_ns"] == NO_TIME or now - head["baseline_ns"] >= row["every_ns"]:
        head["baseline_ns"] = now
        for s in range(2):
            add_sample(state.volumes, k, now, _window_hit(state, k, s))
        head["maturity"] = maturity(state.volumes, k)
        if head["maturity"] != UNKNOWN:
            head["quantile"] = quantile(state.volumes, k, row["quantile_ppm"])
    for s in range(2):
        if state.zones[k, s]["phase"] == ARMED:
            _follow(state, scenes, outbox, k, s)
        else:
            _look(state, scenes, outbox, k, s)


@kernel
def _place(state: AbsorptionState, scenes: Any, k: Int, s: Int) -> None:
    """Start the zone of a side anew at its best price."""
    zone, e = state.zones[k, s], scenes[k]["effective_tick"]
    zone["known"] = 1 if e > 0 else 0
    zone["effective_tick"] = e
    zone["ticks"] = min(state.parameters[k]["zone_ticks"] * e, np.int64(ZONE_TICKS_MAX))
    zone["low"] = zone["best"] - zone["ticks"] + 1
    zone["broken"] = 0
    zone["below_ns"] = zone["above_ns"] = NO_TIME
    zone["first"] = state.head[k]["samples"]


@kernel
def _sample(
    state: AbsorptionState,
    book: BookState,
    ledger: LedgerState,
    k: Int,
    s: Int,
    now: Int,
    mid2: Int,
) -> None:
    """Take one sample of a zone and move the start of its window."""
    zone, samples = state.zones[k, s], state.head[k]["samples"]
    total = ledger.sides[2 * k + s]
    lots = range_lots(book, 2 * k + s, 1 - zone["low"] - zone["ticks"], -zone["low"])
    row = state.samples[k, s, samples & (SAMPLES - 1)]
    row["ts"], row["hit"], row["taken"] = now, zone["hit"], zone["taken"]
    row["refilled"], row["displayed"] = total["refilled"] + total["hidden"], lots
    row["mid2"] = mid2
    first = max(zone["first"], samples - SAMPLES + 1)
    start_ns = now - state.parameters[k]["window_ns"]
    while first < samples and state.samples[k, s, (first + 1) & (SAMPLES - 1)]["ts"] <= start_ns:
        first += 1
    zone["first"] = first
    if zone["phase"] == ARMED:
        zone["peak"] = max(zone["peak"], lots)


@kernel_inline
def _window_hit(state: AbsorptionState, k: Int, s: Int) -> int:
    zone = state.zones[k, s]
    return zone["hit"] - state.samples[k, s, zone["first"] & (SAMPLES - 1)]["hit"]


@kernel_inline
def _look(state: AbsorptionState, scenes: Any, outbox: Outbox, k: Int, s: Int) -> None:
    """Arm a side whose zone has taken enough."""
    zone, row = state.zones[k, s], state.parameters[k]
    start = state.samples[k, s, zone["first"] & (SAMPLES - 1)]
    hit = zone["hit"] - start["hit"]
    if hit == 0 or hit < row["displayed_ratio"] * start["displayed"]:
        return
    if scenes[k]["now"] >= zone["quiet_until"]:
        _arm(state, scenes, outbox, k, s, hit)


@kernel
def _arm(state: AbsorptionState, scenes: Any, outbox: Outbox, k: Int, s: Int, hit: Int) -> None:
    head, scene, zone = state.head[k], scenes[k], state.zones[k, s]
    if head["maturity"] == UNKNOWN or scene["impact"] <= 0.0 or scene["atr_ticks"] < 0.0:
        head["undecided"] += 1
        return
    if bucket_of(hit) < bucket_of(head["quantile"]):  # a baseline tells sizes apart to 1/64
        return
    newest, at = head["samples"] - 1, zone["first"] & (SAMPLES - 1)
    start = state.samples[k, s, at]
    net = _net(state, k, s)
    lowest, since_ns = net, scene["now"]
    for n in range(zone["first"], newest + 1):
        m = n & (SAMPLES - 1)
        there = state.samples[k, s, m]["taken"] - state.samples[k, 1 - s, m]["taken"]
        if there < lowest:
            lowest, since_ns = there, state.samples[k, s, m]["ts"]
    pressed = min(hit, net - lowest)
    row = state.parameters[k]
    pressed_ns = max(scene["now"] - since_ns, row["window_ns"] // row["range_part"])
    usual = scene["atr_ticks"] * sqrt(pressed_ns / MINUTE_NS)
    if scene["impact"] * pressed < row["range_ratio"] * usual or pressed == 0:
        return
    zone["range"], zone["pressed"], zone["start_net"] = usual, pressed, lowest
    zone["start_ns"], zone["start_hit"] = start["ts"], start["hit"]
    zone["start_taken"], zone["start_refilled"] = start["taken"], start["refilled"]
    zone["start_lots"], zone["start_mid2"] = start["displayed"], start["mid2"]
    zone["start_other"] = state.samples[k, 1 - s, at]["taken"]
    zone["window_rate"] = (zone["taken"] - start["taken"]) / max(scene["now"] - start["ts"], 1)
    shown = state.parameters[k]["displayed_ratio"] * start["displayed"]
    zone["threshold"] = max(float(head["quantile"]), shown)
    zone["quantile"], zone["impact"] = head["quantile"], scene["impact"]
    zone["young"] = np.int64(head["maturity"] != READY or scene["young"] != 0)
    zone["peak"] = 0
    for n in range(zone["first"], newest + 1):
        zone["peak"] = max(zone["peak"], state.samples[k, s, n & (SAMPLES - 1)]["displayed"])
    zone["bounce"] = 0
    head["episodes"] += 1
    head["armed"] += 1
    zone["phase"], zone["episode"] = ARMED, head["episodes"]
    zone["armed_ns"], zone["ts_armed"] = scene["now"], scene["venue_now"]
    _follow(state, scenes, outbox, k, s)


@kernel_inline
def _net(state: AbsorptionState, k: Int, s: Int) -> Int:
    """Return lots taken on a side less those taken on the other, ever."""
    return state.zones[k, s]["taken"] - state.zones[k, 1 - s]["taken"]


@kernel
def _follow(state: AbsorptionState, scenes: Any, outbox: Outbox, k: Int, s: Int) -> None:
    """Carry an armed episode on."""
    zone, row, scene = state.zones[k, s], state.parameters[k], scenes[k]
    now = scene["now"]
    _measure(state, scenes, k, s)
    if zone["broken"] == 1:
        _end(state, scenes, outbox, k, s, REJECTED, PUSHED_THROUGH)
        return
    slower = now - zone["armed_ns"] >= row["rate_ns"] and zone["rate_seen"] <= row["rate_ratio"]
    bounced = zone["bounce"] >= row["bounce_ticks"] * zone["effective_tick"]
    if zone["impact_seen"] <= row["impact_ratio"] and (slower or bounced):
        _end(state, scenes, outbox, k, s, CONFIRMED, 0)
    elif now - zone["armed_ns"] > row["confirm_ns"]:
        failed = IMPACT if zone["impact_seen"] > row["impact_ratio"] else STILL_SOLD
        _end(state, scenes, outbox, k, s, EXPIRED, failed)


@kernel
def _measure(state: AbsorptionState, scenes: Any, k: Int, s: Int) -> None:
    """Write impact ratio and rate ratio of an armed episode as they are now."""
    zone, scene = state.zones[k, s], scenes[k]
    newest = state.head[k]["samples"] - 1
    zone["move"] = 0.5 * max((1 - 2 * s) * (zone["start_mid2"] - scene["mid2"]), 0)
    pressed = min(zone["hit"] - zone["start_hit"], _net(state, k, s) - zone["start_net"])
    zone["pressed"] = max(zone["pressed"], pressed)
    zone["impact_seen"] = zone["move"] / (zone["impact"] * zone["pressed"])
    n = newest
    since_ns = scene["now"] - state.parameters[k]["rate_ns"]
    while n > zone["first"] and state.samples[k, s, n & (SAMPLES - 1)]["ts"] > since_ns:
        n -= 1
    recent = state.samples[k, s, n & (SAMPLES - 1)]
    rate = (zone["taken"] - recent["taken"]) / max(scene["now"] - recent["ts"], 1)
    zone["rate_seen"] = rate / zone["window_rate"]


@kernel
def _end(
    state: AbsorptionState, scenes: Any, outbox: Outbox, k: Int, s: Int, phase: Int, failed: Int
) -> None:
    """Write the end of an episode; the window starts anew, a side that confirmed rests."""
    zone, row, scene, side = state.zones[k, s], state.parameters[k], scenes[k], 1 - 2 * s
    now, newest = scene["now"], state.head[k]["samples"] - 1
    last = state.samples[k, s, newest & (SAMPLES - 1)]
    hit, bounce = zone["hit"] - zone["start_hit"], max(zone["bounce"], 0)
    score = at_least(hit, zone["threshold"]) + at_most(zone["impact_seen"], row["impact_ratio"])
    score += max(
        at_most(zone["rate_seen"], row["rate_ratio"]),
        at_least(bounce, row["bounce_ticks"] * zone["effective_tick"]),
    )
    far, near = side * zone["low"], side * (zone["low"] + zone["ticks"] - 1)
    at = post(
        outbox, k, ABSORPTION, phase, failed, side, side, min(far, near), max(far, near),
        zone["episode"], zone["ts_armed"], scene["venue_now"], now, state.head[k]["hash"],
        np.int64(YOUNG_BASELINE if zone["young"] == 1 else FIRM), score / 3.0,
    )  # fmt: skip
    taken, other = zone["taken"] - zone["start_taken"], state.zones[k, 1 - s]["taken"]
    seen = outbox.ring[at]["evidence"]
    seen[0], seen[1], seen[2] = hit, zone["quantile"], zone["start_lots"]
    seen[3], seen[4] = zone["peak"], last["displayed"]
    seen[5] = last["displayed"] - zone["start_lots"] + hit
    seen[6] = last["refilled"] - zone["start_refilled"]
    seen[7] = side * (other - zone["start_other"] - taken)
    seen[8], seen[9] = 0.0 - side * zone["move"], zone["impact"] * zone["pressed"]
    seen[10], seen[11], seen[12] = zone["impact_seen"], zone["impact"], zone["rate_seen"]
    seen[13], seen[14] = bounce, (zone["armed_ns"] - zone["start_ns"]) / 1e9
    seen[15], seen[16] = (now - zone["armed_ns"]) / 1e9, zone["ticks"]
    seen[17], seen[18] = zone["effective_tick"], zone["threshold"]
    seen[19], seen[20] = zone["pressed"], zone["range"]
    state.head[k]["armed"] -= 1
    zone["phase"], zone["first"] = IDLE, newest
    if phase == CONFIRMED:
        zone["quiet_until"] = now + row["refractory_ns"]
