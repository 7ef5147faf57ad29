"""Stop run (R5.7): price breaks a watched extreme, small orders rush in, and it comes back.

    IDLE -> ARMED       a trade one effective tick e or more beyond X, a reference extreme: the
                        last confirmed swing, the prior session's high or low, or a round number
    ARMED -> CONFIRMED  all of: the break reached at most max(5 e, ATR / 2) beyond X; in the burst
                        of 3 s after it volume >= 3 x the median of such spans, delta in its
                        direction, and the share of small taker orders up by half; price back
                        inside X by e or more within 60 s; while the burst lasts a return counts
                        only if price is not beyond X by e again
    ARMED -> REJECTED   price stayed outside for that window, or one of the others failed, or the
                        book became invalid; `failed` names the first that did. A break that went
                        too far is rejected at once, and one whose burst is over without the volume
                        then; what becomes of it is followed all the same

Both directions run through one code path, on direction x price. The levels to watch are filled in
by the caller (`levels`, kind NO_LEVEL where unused); a HIGH is broken upwards, a LOW downwards, a
round number both ways, and a level counts from `since_ns`. The break is seen at the trade, the
verdict is given at TIMERs and waits for the end of the burst. A small order is one of at most the
median size of the last hour, its usual share that of the middle one of the hour's minutes (a burst
of small orders lifts a few of them). A level is broken once: its stops are gone; a round number may
be again after the refractory period. Several breaks of a direction are followed side by side; of
those that one return confirms, what overlaps a zone confirmed within the refractory period is
counted in `repeats` and not said. Open interest
flat or lower speaks for stops and is evidence, not a gate. Where e is not known nothing is watched;
where a baseline is not, `undecided` counts the breaks that could not be judged. Evidence that is
not known is nan.

Every ended break is written to `breaks` (R5.9), whatever the verdict, with the usual volume of a
burst; it failed when price came back within the window.

Shapes: lanes L, directions 2 (0 up, 1 down), breaks OPEN. Units: ticks, lots, ns; windows age by
ts_recv.
"""

from typing import Any

import numpy as np

from aggressor.detectors.breaks import (
    FROM_STOP_RUN,
    BreaksState,
    add_break,
    extend_break,
)
from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.detectors.scene import Scenes
from aggressor.detectors.stop_records import (
    IDLE,
    LEVEL_KINDS,
    LEVELS,
    MARKS,
    MINUTES,
    NEVER,
    NO_LEVEL,
    OPEN,
    PROFILES,
    ROUND_NUMBER,
    SESSION_HIGH,
    SESSION_LOW,
    SPENT,
    SWING_HIGH,
    SWING_LOW,
    StopRunParameters,
    StopRunState,
    stop_run_state,
)
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    add_sample,
    advance,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.parameters import MINUTE_NS, SECOND_NS
from aggressor.features.prints import ORDERS, PrintsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.contract import ContractState
from aggressor.schema.event import NO_TIME
from aggressor.schema.signal import (
    ARMED,
    CONFIRMED,
    FIRM,
    REJECTED,
    STOP_RUN,
    YOUNG_BASELINE,
)

__all__ = [
    "CONDITIONS",
    "EVIDENCE",
    "LEVEL_KINDS",
    "PROFILES",
    "ROUND_NUMBER",
    "SESSION_HIGH",
    "SESSION_LOW",
    "SWING_HIGH",
    "SWING_LOW",
    "StopRunParameters",
    "StopRunState",
    "judge",
    "on_trade",
    "stop_run_state",
]

EVIDENCE = (
    "level",  # ticks: X
    "level_kind",
    "extreme",  # ticks
    "overshoot_ticks",
    "overshoot_limit_ticks",
    "burst_volume",  # lots
    "burst_median",  # lots
    "burst_ratio",
    "burst_delta",  # lots, signed
    "burst_orders",
    "small_share",
    "small_share_usual",
    "small_share_ratio",
    "return_seconds",  # nan: not back
    "interest_change",  # share of open interest, break to verdict; nan unknown
    "trapped_lots",
    "effective_tick",
    "level_age_seconds",
)
CONDITIONS = (
    "",
    "overshoot within reach",
    "burst volume",
    "delta in break direction",
    "small-order share",
    "back inside in time",
    "valid book",
)
SHARES_MIN = 5  # minutes; with fewer the usual share is that of all orders

TOO_FAR, NO_VOLUME, NO_DELTA, NO_SMALL, NOT_BACK, BOOK_LOST = range(1, 7)


@kernel_inline
def on_trade(state: StopRunState, k: Int, event: Any) -> None:
    """Take one TRADE of chosen flow: follow open breaks, see new ones."""
    head = state.head[np.uint64(k)]
    price = np.int64(event["price"])
    head["volume"] += event["size"]
    for j in range(2):
        if head["open"][j] > 0:
            _extend_all(state, k, j, event)
        if (1 - 2 * j) * price >= state.watch[np.uint64(k), np.uint64(j)]:
            _arm(state, k, j, event)
    head["last"] = price
    head["traded"] = 1


@kernel
def _extend_all(state: StopRunState, k: Int, j: Int, event: Any) -> None:
    """Count a trade into the open breaks of a direction."""
    for i in range(OPEN):
        if state.episodes[k, j, i]["phase"] != IDLE:
            _extend(state, k, j, i, event)


@kernel
def _extend(state: StopRunState, k: Int, j: Int, i: Int, event: Any) -> None:
    """Count a trade into an open break; note the return of price."""
    episode, broken, row = state.episodes[k, j, i], state.broken[k, j, i], state.params[k]
    elapsed = event["ts_recv"] - broken["start_ns"]
    if elapsed <= row["burst_ns"]:
        episode["volume"] += event["size"]
        episode["delta"] += np.int64(event["side"]) * event["size"]
    back = episode["returned_ns"] != NO_TIME
    if elapsed > row["return_ns"] or (back and elapsed > row["burst_ns"]):
        return
    beyond = extend_break(broken, event)
    if beyond >= broken["effective_tick"]:
        episode["returned_ns"] = NO_TIME
    elif beyond <= -broken["effective_tick"] and not back:
        episode["returned_ns"] = event["ts_recv"]


@kernel
def _arm(state: StopRunState, k: Int, j: Int, event: Any) -> None:
    """Open an episode on each level that a trade has broken, the nearest first."""
    head, direction = state.head[k], 1 - 2 * j
    while direction * event["price"] >= state.watch[k, j]:
        free = -1
        for i in range(OPEN):
            if state.episodes[k, j, i]["phase"] == IDLE:
                free = i
                break
        if free < 0:
            head["crowded"] += 1
            state.watch[k, j] = NEVER
            return
        _begin(state, k, j, free, event)
        state.watch[k, j] = _next_watch(state, k, j, event["ts_recv"])


@kernel
def _begin(state: StopRunState, k: Int, j: Int, i: Int, event: Any) -> None:
    """Open an episode on the level that is watched."""
    head, row, direction = state.head[k], state.params[k], 1 - 2 * j
    episode, broken = state.episodes[k, j, i], state.broken[k, j, i]
    tick = head["effective_tick"]
    level = direction * (state.watch[k, j] - tick)
    for n in range(LEVELS):
        one = state.levels[k, n]
        if one["kind"] != NO_LEVEL and one["since_ns"] <= event["ts_recv"]:
            if one["price"] != level:
                continue
            if one["kind"] == ROUND_NUMBER or (one["kind"] & 1) == (1 - j):
                episode["kind"], episode["since_ns"] = one["kind"], one["since_ns"]
    head["episodes"] += 1
    head["open"][j] += 1
    episode["episode"], episode["phase"], episode["told"] = head["episodes"], ARMED, 0
    episode["returned_ns"], episode["reach"] = NO_TIME, head["reach"]
    episode["volume"] = episode["delta"] = episode["orders"] = episode["small"] = 0
    episode["interest"] = head["interest"]
    spans, sizes = maturity(state.usual, 2 * k), maturity(state.usual, 2 * k + 1)
    enough = head["orders"] >= row["orders_min"]
    episode["known"] = 1 if spans != UNKNOWN and sizes != UNKNOWN and enough else 0
    episode["median"] = quantile(state.usual, 2 * k, 500_000)
    episode["usual_share"] = usual_share(state, k)
    broken["direction"], broken["level"], broken["extreme"] = direction, level, level
    broken["lots"] = broken["away_tick_lots"] = 0
    broken["usual_lots"] = max(episode["median"], 1) if spans != UNKNOWN else 0
    broken["effective_tick"] = tick
    broken["ts_venue"], broken["start_ns"] = event["ts_venue"], event["ts_recv"]
    ripe = spans == READY and sizes == READY and head["young"] == 0
    broken["young"] = 0 if ripe else 1
    _extend(state, k, j, i, event)


@kernel
def usual_share(state: StopRunState, k: Int) -> float:
    """Return the share of small orders in the middle one of the last hour's minutes."""
    head, shares, count = state.head[k], state.shares, 0
    for minute in range(max(head["minute"] - 60, 0), head["minute"]):
        here = state.minutes[k, minute & (MINUTES - 1)]
        if here["orders"] >= state.params[k]["minute_orders_min"]:
            shares[count] = here["small"] / here["orders"]
            count += 1
    for i in range(count):
        below, equal = 0, 0
        for n in range(count):
            below += np.int64(shares[n] < shares[i])
            equal += np.int64(shares[n] == shares[i])
        if count >= SHARES_MIN and below <= (count - 1) // 2 < below + equal:
            return shares[i]
    return head["small"] / max(head["orders"], 1)


@kernel
def judge(
    state: StopRunState,
    scenes: Scenes,
    prints: PrintsState,
    contract: ContractState,
    breaks: BreaksState,
    outbox: Outbox,
    k: Int,
) -> None:
    """Judge lane `k` at a TIMER, after taker orders were settled and the scene was written."""
    scene, head, row = scenes[k], state.head[k], state.params[k]
    now, tick = scene["now"], scene["effective_tick"]
    if _count_orders(state, prints, k, now):
        breaks.head[k]["span_ns"] = row["burst_ns"]
        if maturity(state.usual, 2 * k) != UNKNOWN:
            breaks.head[k]["usual_lots"] = max(quantile(state.usual, 2 * k, 500_000), 1)
    _mark_volume(state, k, now)
    head["effective_tick"], head["young"] = tick, scene["young"]
    head["reach"] = max(
        float(row["reach_effective_ticks"] * tick), row["reach_atr"] * scene["atr_ticks"]
    )
    head["interest"] = contract.head[k]["interest"]
    known = tick > 0 and scene["valid"] == 1 and head["traded"] == 1
    for j in range(2):
        if head["open"][j] > 0:
            for i in range(OPEN):
                if state.episodes[k, j, i]["phase"] != IDLE:
                    _follow(state, scenes, breaks, outbox, k, j, i)
        state.watch[k, j] = _next_watch(state, k, j, now) if known else np.int64(NEVER)


@kernel
def _follow(
    state: StopRunState,
    scenes: Scenes,
    breaks: BreaksState,
    outbox: Outbox,
    k: Int,
    j: Int,
    i: Int,
) -> None:
    """Give the verdict on an open break when it is due, and end it when it is over."""
    scene, row = scenes[k], state.params[k]
    episode, broken, now = state.episodes[k, j, i], state.broken[k, j, i], scenes[k]["now"]
    elapsed = now - broken["start_ns"]
    back = episode["returned_ns"] != NO_TIME
    over = elapsed > row["burst_ns"] + row["settle_ns"]
    if scene["valid"] == 0:
        _write(state, scenes, outbox, k, j, i, REJECTED, BOOK_LOST)
        _close(state, k, j, i, now)
    elif back and over:
        _decide(state, scenes, outbox, k, j, i)
        add_break(breaks, k, FROM_STOP_RUN, 1, episode["returned_ns"], broken)
        _close(state, k, j, i, now)
    elif not back and elapsed > row["return_ns"]:
        _write(state, scenes, outbox, k, j, i, REJECTED, NOT_BACK)
        add_break(breaks, k, FROM_STOP_RUN, 0, now, broken)
        _close(state, k, j, i, now)
    elif not back:
        far = (1 - 2 * j) * (broken["extreme"] - broken["level"]) > episode["reach"]
        quiet = episode["volume"] < row["volume_ratio"] * max(episode["median"], 1)
        if far or (over and quiet and episode["known"] == 1):
            _write(state, scenes, outbox, k, j, i, REJECTED, TOO_FAR if far else NO_VOLUME)


@kernel
def _next_watch(state: StopRunState, k: Int, j: Int, now: Int) -> Int:
    """Return direction x price at which the nearest unbroken level breaks; NEVER without one."""
    direction, head = 1 - 2 * j, state.head[k]
    tick, last = head["effective_tick"], direction * head["last"]
    nearest = np.int64(NEVER)
    for i in range(LEVELS):
        level = state.levels[k, i]
        kind = level["kind"]
        if kind == NO_LEVEL or level["since_ns"] > now:
            continue
        if kind != ROUND_NUMBER and (kind & 1) != (1 - j):
            continue
        breaks_at = direction * level["price"] + tick
        if last < breaks_at < nearest and not _is_spent(state, k, j, level, now):
            nearest = breaks_at
    return nearest


@kernel
def _is_spent(state: StopRunState, k: Int, j: Int, level: Any, now: Int) -> bool:
    """Return whether a level is being followed, or was broken: its stops are gone."""
    for i in range(OPEN):
        if state.episodes[k, j, i]["phase"] != IDLE:
            if state.broken[k, j, i]["level"] == level["price"]:
                return True
    for i in range(min(state.head[k]["spent"], SPENT)):
        row = state.spent[k, i]
        if row["price"] == level["price"] and row["since_ns"] == level["since_ns"]:
            if row["direction"] == 1 - 2 * j and now < row["until_ns"]:
                return True
    return False


@kernel
def _count_orders(state: StopRunState, prints: PrintsState, k: Int, now: Int) -> bool:
    """Count the taker orders closed since the last TIMER: small ones, by minute and by burst.

    Return whether a second has begun.
    """
    head = state.head[k]
    minute = now // MINUTE_NS
    if minute != head["minute"]:
        _roll_minutes(state, k, minute)
    closed = prints.head[k]["orders"]
    here = state.minutes[k, minute & (MINUTES - 1)]
    for n in range(max(head["orders_read"], closed - ORDERS + 1), closed):
        order = prints.orders[k, n & (ORDERS - 1)]
        small = 1 if bucket_of(order["lots"]) <= head["small_bucket"] else 0
        if head["open"][0] + head["open"][1] > 0:
            _count_order(state, k, order, small)
        if head["small_bucket"] >= 0:
            here["orders"] += 1
            here["small"] += small
            head["orders"] += 1
            head["small"] += small
        add_sample(state.usual, 2 * k + 1, order["ts_last"], order["lots"])
    head["orders_read"] = closed
    second = now // SECOND_NS
    if second == head["second"]:
        return False
    head["second"] = second
    advance(state.usual, 2 * k + 1, now)
    if maturity(state.usual, 2 * k + 1) != UNKNOWN:
        small_ppm = state.params[k]["small_ppm"]
        head["small_bucket"] = bucket_of(quantile(state.usual, 2 * k + 1, small_ppm))
    return True


@kernel
def _count_order(state: StopRunState, k: Int, order: Any, small: Int) -> None:
    """Count a taker order into the bursts of the open breaks."""
    for j in range(2):
        for i in range(OPEN):
            episode, start = state.episodes[k, j, i], state.broken[k, j, i]["start_ns"]
            if episode["phase"] != IDLE and order["ts_last"] >= start:
                if order["ts_recv"] <= start + state.params[k]["burst_ns"]:
                    episode["orders"] += 1
                    episode["small"] += small


@kernel
def _roll_minutes(state: StopRunState, k: Int, minute: Int) -> None:
    """Begin a minute of order counts; those an hour old leave."""
    head = state.head[k]
    for n in range(max(head["minute"] + 1, minute - MINUTES + 1), minute + 1):
        state.minutes[k, n & (MINUTES - 1)]["orders"] = 0
        state.minutes[k, n & (MINUTES - 1)]["small"] = 0
    head["minute"], head["orders"], head["small"] = minute, 0, 0
    for n in range(max(minute - 60, 0), minute + 1):
        head["orders"] += state.minutes[k, n & (MINUTES - 1)]["orders"]
        head["small"] += state.minutes[k, n & (MINUTES - 1)]["small"]


@kernel_inline
def _mark_volume(state: StopRunState, k: Int, now: Int) -> None:
    """Mark the volume traded so far; that of the last burst span joins what is usual."""
    head = state.head[k]
    newest, start = head["marks"], now - state.params[k]["burst_ns"]
    mark = state.marks[k, newest & (MARKS - 1)]
    mark["ts_recv"], mark["volume"] = now, head["volume"]
    head["marks"] = newest + 1
    first = max(head["burst_first"], newest + 1 - MARKS)
    while first < newest and state.marks[k, (first + 1) & (MARKS - 1)]["ts_recv"] <= start:
        first += 1
    head["burst_first"] = first
    since = state.marks[k, first & (MARKS - 1)]
    if since["ts_recv"] <= start:
        add_sample(state.usual, 2 * k, now, head["volume"] - since["volume"])
    else:
        advance(state.usual, 2 * k, now)


@kernel
def _decide(state: StopRunState, scenes: Scenes, outbox: Outbox, k: Int, j: Int, i: Int) -> None:
    """Give the verdict on a break that price has come back from."""
    head, row, now = state.head[k], state.params[k], scenes[k]["now"]
    episode, broken = state.episodes[k, j, i], state.broken[k, j, i]
    direction = broken["direction"]
    low, high = min(broken["level"], broken["extreme"]), max(broken["level"], broken["extreme"])
    failed = np.int64(0)
    if direction * (broken["extreme"] - broken["level"]) > episode["reach"]:
        failed = np.int64(TOO_FAR)
    elif episode["known"] == 0:
        head["undecided"] += 1
        return
    elif episode["volume"] < row["volume_ratio"] * max(episode["median"], 1):
        failed = np.int64(NO_VOLUME)
    elif direction * episode["delta"] <= 0:
        failed = np.int64(NO_DELTA)
    elif episode["small"] < row["small_ratio"] * episode["usual_share"] * max(episode["orders"], 1):
        failed = np.int64(NO_SMALL)
    elif now < head["quiet_until"][j]:
        if low <= head["quiet_high"][j] and high >= head["quiet_low"][j]:
            head["repeats"] += 1
            return
    if failed == 0 and episode["told"] == 0:
        head["quiet_until"][j] = now + row["refractory_ns"]
        head["quiet_low"][j], head["quiet_high"][j] = low, high
    _write(state, scenes, outbox, k, j, i, REJECTED if failed != 0 else CONFIRMED, failed)


@kernel
def _close(state: StopRunState, k: Int, j: Int, i: Int, now: Int) -> None:
    """End an episode; its level is spent, a round number for the refractory period."""
    head, episode = state.head[k], state.episodes[k, j, i]
    spent = state.spent[k, head["spent"] & (SPENT - 1)]
    head["spent"] += 1
    head["open"][j] -= 1
    spent["price"], spent["direction"] = state.broken[k, j, i]["level"], 1 - 2 * j
    spent["since_ns"] = episode["since_ns"]
    spent["until_ns"] = NEVER
    if episode["kind"] == ROUND_NUMBER:
        spent["until_ns"] = now + state.params[k]["refractory_ns"]
    episode["phase"] = IDLE


@kernel
def _write(
    state: StopRunState,
    scenes: Scenes,
    outbox: Outbox,
    k: Int,
    j: Int,
    i: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write the verdict on a break with its evidence, once."""
    head, row, scene = state.head[k], state.params[k], scenes[k]
    episode, broken, now = state.episodes[k, j, i], state.broken[k, j, i], scenes[k]["now"]
    if episode["told"] == 1:
        return
    episode["told"] = 1
    direction, level, extreme = broken["direction"], broken["level"], broken["extreme"]
    overshoot = float(direction * (extreme - level))
    known = episode["known"] == 1
    median = float(episode["median"]) if known else np.nan
    ratio = episode["volume"] / max(episode["median"], 1) if known else np.nan
    share = episode["small"] / max(episode["orders"], 1)
    usual = episode["usual_share"] if known else np.nan
    lift = share / usual if usual > 0.0 else np.nan
    back = np.nan
    if episode["returned_ns"] != NO_TIME:
        back = (episode["returned_ns"] - broken["start_ns"]) / 1e9
    score = at_most(overshoot, episode["reach"])
    if known:
        score += at_least(ratio, row["volume_ratio"])
        score += at_least(share, row["small_ratio"] * usual)
    if back == back:
        score += at_most(back, row["return_ns"] / 1e9)
    at = post(
        outbox, k, STOP_RUN, phase, failed, direction, -direction, min(level, extreme),
        max(level, extreme), episode["episode"], broken["ts_venue"], scene["venue_now"], now,
        head["hash"], YOUNG_BASELINE if broken["young"] == 1 else FIRM, 0.25 * score,
    )  # fmt: skip
    change = np.nan
    if episode["interest"] > 0 and head["interest"] > 0:
        change = (head["interest"] - episode["interest"]) / episode["interest"]
    evidence = outbox.ring[at]["evidence"]
    evidence[0], evidence[1], evidence[2] = level, episode["kind"], extreme
    evidence[3], evidence[4] = overshoot, episode["reach"]
    evidence[5], evidence[6], evidence[7] = episode["volume"], median, ratio
    evidence[8], evidence[9], evidence[10] = episode["delta"], episode["orders"], share
    evidence[11], evidence[12], evidence[13] = usual, lift, back
    evidence[14], evidence[15] = change, broken["lots"]
    evidence[16] = broken["effective_tick"]
    evidence[17] = (broken["start_ns"] - episode["since_ns"]) / 1e9
