"""Liquidation cascade (R5.8): forced orders push price, price forces more orders.

    IDLE -> WATCH       any two of: forced share of what traded >= 5 %, open interest down by
                        0.25 %, velocity >= 3, |basis| >= 10 bp, depth ratio <= 0.4
    WATCH -> CASCADE    velocity >= 5 and depth ratio <= 0.5 and one *leg* of forced flow:
      1 stream          forced share >= 15 % with one-sidedness >= 0.8, in the move's direction
      2 interest        open interest down by 0.5 %
      3 inferred        no stream: interest fell by >= 0.3 of the lots traded, >= 3 sweeps of two
                        levels or more in a row on the move's side, last trade beyond the mark
      4 censored        the stream fires at its limit and open interest is not known: one-sided by
                        >= 0.8 and basis >= 10 bp in the move's direction
    CASCADE -> RESOLVED for 10 s: forced share < 5 %, velocity < 1, depth ratio >= 0.5, open
                        interest within 0.05 % of where the calm began
    WATCH -> EXPIRED    fewer than two signs for a window; `failed` names what a cascade lacked

All rows of an episode carry one number and their `stage`: 1 WATCH (phase ARMED), 2 CASCADE
(CONFIRMED), 3 RESOLVED (EXPIRED with nothing failed). An invalid book ends it (REJECTED).

Forced lots come from `features/forced` over its short window w, as do traded lots. Where the venue
publishes one order a second they are lower bounds: enough is enough, but too little proves
nothing. It counts as *censored* when orders came in >= 0.8 of the window's seconds. Velocity is
|mid change over w| / deviation of one-minute changes (that of the ATR where more than half of the
seconds have no change, and so no robust deviation); depth is that of the side eaten, its first
`reach` e, over its median of the last minute; open interest is the change over a minute, by the
venue's own readings, never carried further than `interest_stale_ns`; basis is last trade over mark.
What is not known is nan, never met and never failed; legs 3 and 4 rest on inference, their rows are
provisional (DATA_GAP). `undecided` counts TIMERs of a watch in which a leg held but velocity or
depth was not known. Rising open interest (new positions) never makes legs 2 to 4.

The zone is the path of the mid over w. `side` is that of the forced orders (+1: shorts bought
back), the direction of the move.

Shapes: lanes L, book sides 2. Judged at TIMERs.
"""

from typing import Any

import numpy as np

from aggressor.detectors.cascade_records import (
    DEPTHS,
    IDLE,
    LEVELS_MAX,
    MARKS,
    PROFILES,
    CascadeParameters,
    CascadeState,
    cascade_state,
)
from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.detectors.scene import Scenes
from aggressor.features.forced import (
    LONG,
    ONE_PER_SECOND,
    ORDERS,
    SHORT,
    UNPUBLISHED,
    VALUE,
    VALUE_BOUGHT,
    VALUE_SOLD,
    VOLUME,
    ForcedState,
)
from aggressor.features.parameters import SECOND_NS
from aggressor.features.prints import ORDERS as ORDERS_KEPT
from aggressor.features.prints import PrintsState, levels
from aggressor.features.ranks import select
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState
from aggressor.market.near import best_levels_lots
from aggressor.market.tape import TapeState
from aggressor.schema.event import INTEREST, MARK, NO_PRICE, NO_TIME
from aggressor.schema.signal import (
    ARMED,
    CASCADE,
    CONFIRMED,
    DATA_GAP,
    EXPIRED,
    FIRM,
    REJECTED,
    YOUNG_BASELINE,
)

__all__ = [
    "CONDITIONS",
    "EVIDENCE",
    "PROFILES",
    "CascadeParameters",
    "CascadeState",
    "cascade_state",
    "judge",
    "on_statement",
]

EVIDENCE = (
    "stage",  # 1 watch, 2 cascade, 3 resolved
    "publication",  # of forced orders: 0 none, 1 complete, 2 one per second (lower bounds)
    "censored",
    "forced_orders",  # over w
    "forced_share",  # of the value traded over w; nan without a stream
    "forced_share_minute",
    "one_sided",
    "forced_side",  # of the larger part
    "interest_change",  # over a minute, as a share; nan unknown
    "interest_fall_per_volume",
    "velocity",
    "depth_ratio",
    "basis_bp",
    "beyond_mark_ticks",  # of the last trade, in the direction of the move
    "sweeps_in_a_row",
    "move_ticks",  # of the mid over w
    "leg",  # bits: 1 stream, 2 interest, 4 inferred, 8 censored
    "velocity_peak",
    "peak_seconds",  # from the start of the watch
    "seconds",  # since the start of the watch
    "signs",  # of WATCH that hold
    "funding_rate",  # as last stated, share; 0 also where none was
)
CONDITIONS = ("", "velocity", "depth ratio", "forced flow", "valid book")
SLOW, DEEP, CHOSEN, BOOK_LOST = range(1, 5)

RANGE_SIGMAS = 1.596  # mean range of a Brownian path over its deviation: (8 / pi) ** 0.5
STAGE_WATCH, STAGE_CASCADE, STAGE_RESOLVED = 1, 2, 3
LEG_STREAM, LEG_INTEREST, LEG_INFERRED, LEG_CENSORED = 1, 2, 4, 8


@kernel_inline
def on_statement(state: CascadeState, k: Int, event: Any) -> None:
    """Take one MARK or INTEREST row; other kinds pass."""
    head = state.head[k]
    if event["kind"] == MARK:
        head["mark"], head["mark_ns"] = event["price"], event["ts_recv"]
    elif event["kind"] == INTEREST:
        head["interest"], head["interest_ns"] = event["size"], event["ts_recv"]


@kernel
def judge(
    state: CascadeState,
    scenes: Scenes,
    forced: ForcedState,
    tape: TapeState,
    prints: PrintsState,
    book: BookState,
    rate: float,
    outbox: Outbox,
    k: Int,
) -> None:
    """Judge lane `k` at a TIMER, after `forced.sample`; `rate` is the funding rate, evidence."""
    scene, head, row, reading = scenes[k], state.head[k], state.params[k], state.reading[k]
    now = scene["now"]
    _mark(state, scenes, k)
    _count_sweeps(state, prints, k, now)
    if scene["valid"] == 0:
        if head["phase"] != IDLE:
            _write(state, scenes, forced, rate, outbox, k, REJECTED, BOOK_LOST)
            head["phase"] = IDLE
        return
    _read_flow(state, scenes, forced, tape, k)
    _read_depth(state, scenes, book, k)
    signs = _signs(reading, row)
    if head["phase"] == IDLE:
        if signs < 2 or now < head["quiet_until"]:
            return
        head["episodes"] += 1
        head["episode"], head["phase"] = head["episodes"], STAGE_WATCH
        head["ts_armed"], head["armed_ns"] = scene["venue_now"], now
        head["direction"], head["peak"], head["quiet_ns"] = reading["direction"], 0.0, NO_TIME
        head["peak_ns"] = now
        _write(state, scenes, forced, rate, outbox, k, ARMED, 0)
    if reading["velocity"] > head["peak"]:
        head["peak"], head["peak_ns"] = reading["velocity"], now
    if head["phase"] == STAGE_CASCADE:
        _await_calm(state, scenes, forced, rate, outbox, k)
        return
    head["direction"] = reading["direction"]
    fast, thin = reading["velocity"] >= row["velocity"], reading["depth"] <= row["depth"]
    if fast and thin and reading["leg"] != 0:
        head["phase"], head["quiet_ns"] = STAGE_CASCADE, NO_TIME
        _write(state, scenes, forced, rate, outbox, k, CONFIRMED, 0)
        return
    unknown = reading["velocity"] != reading["velocity"] or reading["depth"] != reading["depth"]
    if unknown and reading["leg"] != 0:
        head["undecided"] += 1
    if signs >= 2:
        head["quiet_ns"] = NO_TIME
    elif head["quiet_ns"] == NO_TIME:
        head["quiet_ns"] = now
    elif now - head["quiet_ns"] >= row["window_ns"]:
        failed = SLOW if head["peak"] < row["velocity"] else (CHOSEN if thin else DEEP)
        _write(state, scenes, forced, rate, outbox, k, EXPIRED, failed)
        head["phase"] = IDLE


@kernel
def _await_calm(
    state: CascadeState, scenes: Scenes, forced: ForcedState, rate: float, outbox: Outbox, k: Int
) -> None:
    """End a cascade when all that is known has been calm for long enough."""
    head, row, reading, now = state.head[k], state.params[k], state.reading[k], scenes[k]["now"]
    calm = (
        not reading["share"] >= row["watch_share"]
        and not reading["velocity"] >= row["calm_velocity"]
        and not reading["depth"] < row["depth"]
    )
    if calm and head["quiet_ns"] != NO_TIME:
        calm = abs(head["interest"] - head["calm_interest"]) <= (
            row["calm_interest"] * head["calm_interest"]
        )
    if not calm:
        head["quiet_ns"] = NO_TIME
    elif head["quiet_ns"] == NO_TIME:
        head["quiet_ns"], head["calm_interest"] = now, head["interest"]
    elif now - head["quiet_ns"] >= row["calm_ns"]:
        head["phase"], head["quiet_until"] = STAGE_RESOLVED, now + row["refractory_ns"]
        _write(state, scenes, forced, rate, outbox, k, EXPIRED, 0)
        head["phase"] = IDLE


@kernel
def _mark(state: CascadeState, scenes: Scenes, k: Int) -> None:
    """Keep mid and interest of this TIMER, and move the starts of the windows."""
    scene, head, row = scenes[k], state.head[k], state.params[k]
    now, newest = scene["now"], head["marks"]
    point = state.points[k, newest & (MARKS - 1)]
    point["ts_recv"] = now
    point["mid2"] = scene["mid2"] if scene["valid"] == 1 else np.int64(NO_PRICE)
    fresh = head["interest_ns"] != NO_TIME and now - head["interest_ns"] <= row["interest_stale_ns"]
    point["interest"] = head["interest"] if fresh else 0
    head["marks"] = newest + 1
    first = max(head["window_first"], newest + 1 - MARKS)
    start = now - row["window_ns"]
    while first < newest and state.points[k, (first + 1) & (MARKS - 1)]["ts_recv"] <= start:
        first += 1
    head["window_first"] = first
    first = max(head["minute_first"], newest + 1 - MARKS)
    start = now - row["minute_ns"]
    while first < newest and state.points[k, (first + 1) & (MARKS - 1)]["ts_recv"] <= start:
        first += 1
    head["minute_first"] = first


@kernel_inline
def _count_sweeps(state: CascadeState, prints: PrintsState, k: Int, now: Int) -> None:
    """Count sweeps in a row on one side among the taker orders closed since the last TIMER."""
    head, closed = state.head[k], prints.head[k]["orders"]
    for n in range(max(head["orders_read"], closed - ORDERS_KEPT + 1), closed):
        order = prints.orders[k, n & (ORDERS_KEPT - 1)]
        if order["side"] != 0 and levels(order) >= 2:
            head["sweeps"] = head["sweeps"] + 1 if order["side"] == head["sweep_side"] else 1
            head["sweep_side"], head["sweep_ns"] = order["side"], order["ts_last"]
    head["orders_read"] = closed
    if head["sweeps"] > 0 and now - head["sweep_ns"] > state.params[k]["window_ns"]:
        head["sweeps"] = 0


@kernel
def _read_flow(
    state: CascadeState, scenes: Scenes, forced: ForcedState, tape: TapeState, k: Int
) -> None:
    """Read forced share, move, open interest and basis; nan where not known."""
    scene, head, row, reading = scenes[k], state.head[k], state.params[k], state.reading[k]
    now, flow = scene["now"], forced.sums[k, SHORT]
    bought, sold = flow[VALUE_BOUGHT], flow[VALUE_SOLD]
    reading["share"] = reading["share_minute"] = reading["one_sided"] = np.nan
    reading["forced_side"] = (bought > sold) - np.int64(sold > bought)
    reading["censored"] = 0
    if forced.head[k]["publication"] != UNPUBLISHED:
        slow = forced.sums[k, LONG]
        reading["share"] = (bought + sold) / max(flow[VALUE], bought + sold, 1)
        total = slow[VALUE_BOUGHT] + slow[VALUE_SOLD]
        reading["share_minute"] = total / max(slow[VALUE], total, 1)
        if bought + sold > 0:
            reading["one_sided"] = max(bought, sold) / (bought + sold)
        limit = row["censored_share"] * row["window_ns"] / SECOND_NS
        if forced.head[k]["publication"] == ONE_PER_SECOND and flow[ORDERS] >= limit:
            reading["censored"] = 1
    since = state.points[k, head["window_first"] & (MARKS - 1)]
    reading["velocity"], reading["move"], move2 = np.nan, np.nan, np.int64(0)
    if since["mid2"] != NO_PRICE and since["ts_recv"] <= now - row["window_ns"]:
        move2 = scene["mid2"] - since["mid2"]
        reading["move"] = 0.5 * move2
        if scene["sigma_minute"] > 0.0:
            reading["velocity"] = abs(0.5 * move2) / scene["sigma_minute"]
        elif scene["atr_ticks"] > 0.0:
            reading["velocity"] = abs(0.5 * move2) * RANGE_SIGMAS / scene["atr_ticks"]
    direction = (move2 > 0) - np.int64(move2 < 0)
    reading["direction"] = direction if direction != 0 else reading["forced_side"]
    along = head["sweep_side"] == reading["direction"]
    reading["sweeps"] = head["sweeps"] if along else 0
    before = state.points[k, head["minute_first"] & (MARKS - 1)]
    current = state.points[k, (head["marks"] - 1) & (MARKS - 1)]["interest"]
    reading["change"] = reading["fall_per_volume"] = np.nan
    if before["ts_recv"] <= now - row["minute_ns"] and before["interest"] > 0 and current > 0:
        fall = before["interest"] - current
        reading["change"] = -fall / before["interest"]
        if fall <= forced.sums[k, LONG, VOLUME]:  # else the readings cover another time
            reading["fall_per_volume"] = fall / max(forced.sums[k, LONG, VOLUME], 1)
    last = np.int64(tape.head[k]["price"])
    reading["basis"] = reading["beyond"] = np.nan
    fresh = head["mark_ns"] != NO_TIME and now - head["mark_ns"] <= row["mark_stale_ns"]
    if fresh and last != NO_PRICE and head["mark"] != 0:
        reading["basis"] = 1e4 * (last - head["mark"]) / abs(head["mark"])
        reading["beyond"] = reading["direction"] * (last - head["mark"])


@kernel
def _read_depth(state: CascadeState, scenes: Scenes, book: BookState, k: Int) -> None:
    """Read the depth of the side eaten against its median, once a second or while watching."""
    scene, head, row, reading = scenes[k], state.head[k], state.params[k], state.reading[k]
    second, tick = scene["now"] // SECOND_NS, scene["effective_tick"]
    if tick == 0:
        reading["depth"] = np.nan
        return
    due = second != head["second"]
    if not due and head["phase"] == IDLE:
        return
    head["second"] = second
    thin = np.nan
    for s in range(2):
        side = 1 - 2 * s
        lots = best_levels_lots(book, 2 * k + s, row["reach"] * tick, LEVELS_MAX)
        median = state.medians[k, s]
        if median > 0 and reading["direction"] != side:
            ratio = lots / median
            if thin != thin or ratio < thin:
                thin = ratio
        if due:
            state.depths[k, s, head["depths"] & (DEPTHS - 1)] = lots
    reading["depth"] = thin
    if due:
        head["depths"] += 1
        count = min(head["depths"], 60)
        for s in range(2):
            for n in range(count):
                at = (head["depths"] - 1 - n) & (DEPTHS - 1)
                state.scratch[n] = state.depths[k, s, at]
            if count >= row["depths_min"]:
                state.medians[k, s] = select(state.scratch, count, (count - 1) // 2)


@kernel
def _signs(reading: Any, row: Any) -> Int:
    """Count the signs of WATCH and find the legs of CASCADE among the readings."""
    signs = np.int64(reading["share"] >= row["watch_share"])
    signs += np.int64(-reading["change"] >= row["watch_fall"])
    signs += np.int64(reading["velocity"] >= row["watch_velocity"])
    signs += np.int64(abs(reading["basis"]) >= row["watch_basis_bp"])
    signs += np.int64(reading["depth"] <= row["watch_depth"])
    direction, leg = reading["direction"], 0
    sided = reading["one_sided"] >= row["one_sided"] and reading["forced_side"] == direction
    if sided and reading["share"] >= row["share"]:
        leg |= LEG_STREAM
    if -reading["change"] >= row["fall"]:
        leg |= LEG_INTEREST
    if reading["fall_per_volume"] >= row["fall_per_volume"] and reading["beyond"] > 0:
        if reading["share"] != reading["share"] and reading["sweeps"] >= row["sweeps_min"]:
            leg |= LEG_INFERRED
    unknown = reading["change"] != reading["change"]
    if reading["censored"] == 1 and sided and unknown:
        if direction * reading["basis"] >= row["watch_basis_bp"]:
            leg |= LEG_CENSORED
    reading["signs"], reading["leg"] = signs, leg
    return signs


@kernel
def _write(
    state: CascadeState,
    scenes: Scenes,
    forced: ForcedState,
    rate: float,
    outbox: Outbox,
    k: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write one row of the episode with its evidence."""
    scene, head, row, reading = scenes[k], state.head[k], state.params[k], state.reading[k]
    now, stage, mid = scene["now"], head["phase"], scene["mid2"]
    flow = at_least(-reading["change"], row["fall"]) if reading["change"] < 0.0 else 0.0
    if reading["share"] == reading["share"]:
        flow = max(flow, at_least(reading["share"], row["share"]))
    score = 0.0
    if reading["velocity"] == reading["velocity"]:
        score += at_least(reading["velocity"], row["velocity"])
    if reading["depth"] == reading["depth"]:
        score += at_most(reading["depth"], row["depth"])
    provisional = YOUNG_BASELINE if scene["young"] == 1 else FIRM
    if provisional == FIRM and reading["leg"] & (LEG_STREAM | LEG_INTEREST) == 0:
        provisional = DATA_GAP if stage == STAGE_CASCADE else FIRM
    argues = head["direction"] if stage == STAGE_CASCADE and phase == CONFIRMED else 0
    since = mid  # where the move of the window began, in half ticks
    if reading["move"] == reading["move"]:
        since = mid - np.int64(2.0 * reading["move"])
    low, high = min(mid, since), max(mid, since)
    at = post(
        outbox, k, CASCADE, phase, failed, head["direction"], argues, low >> 1, (high + 1) >> 1,
        head["episode"], head["ts_armed"], scene["venue_now"], now, head["hash"], provisional,
        (score + flow) / 3.0,
    )  # fmt: skip
    evidence = outbox.ring[at]["evidence"]
    evidence[0], evidence[1] = stage, forced.head[k]["publication"]
    evidence[2], evidence[3] = reading["censored"], forced.sums[k, SHORT, ORDERS]
    evidence[4], evidence[5] = reading["share"], reading["share_minute"]
    evidence[6], evidence[7] = reading["one_sided"], reading["forced_side"]
    evidence[8], evidence[9] = reading["change"], reading["fall_per_volume"]
    evidence[10], evidence[11] = reading["velocity"], reading["depth"]
    evidence[12], evidence[13] = reading["basis"], reading["beyond"]
    evidence[14], evidence[15], evidence[16] = reading["sweeps"], reading["move"], reading["leg"]
    evidence[17], evidence[18] = head["peak"], (head["peak_ns"] - head["armed_ns"]) / 1e9
    evidence[19], evidence[20] = (now - head["armed_ns"]) / 1e9, reading["signs"]
    evidence[21] = rate
