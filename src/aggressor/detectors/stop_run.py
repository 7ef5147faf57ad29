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
from aggressor.detectors.outbox import Outbox
from aggressor.detectors.scene import Scenes
from aggressor.detectors.stop_records import (
    IDLE,
    LEVEL_KINDS,
    LEVELS,
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
from aggressor.detectors.stop_row import CONDITIONS, EVIDENCE, write_row
from aggressor.detectors.stop_usual import count_orders, mark_volume, usual_share
from aggressor.features.baseline import READY, UNKNOWN, maturity, quantile
from aggressor.features.prints import PrintsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.contract import ContractState
from aggressor.schema.event import NO_TIME
from aggressor.schema.signal import ARMED, CONFIRMED, REJECTED

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
    if count_orders(state, prints, k, now):
        breaks.head[k]["span_ns"] = row["burst_ns"]
        if maturity(state.usual, 2 * k) != UNKNOWN:
            breaks.head[k]["usual_lots"] = max(quantile(state.usual, 2 * k, 500_000), 1)
    mark_volume(state, k, now)
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
        write_row(state, scenes, outbox, k, j, i, REJECTED, BOOK_LOST)
        _close(state, k, j, i, now)
    elif back and over:
        _decide(state, scenes, outbox, k, j, i)
        add_break(breaks, k, FROM_STOP_RUN, 1, episode["returned_ns"], broken)
        _close(state, k, j, i, now)
    elif not back and elapsed > row["return_ns"]:
        write_row(state, scenes, outbox, k, j, i, REJECTED, NOT_BACK)
        add_break(breaks, k, FROM_STOP_RUN, 0, now, broken)
        _close(state, k, j, i, now)
    elif not back:
        far = (1 - 2 * j) * (broken["extreme"] - broken["level"]) > episode["reach"]
        quiet = episode["volume"] < row["volume_ratio"] * max(episode["median"], 1)
        if far or (over and quiet and episode["known"] == 1):
            write_row(state, scenes, outbox, k, j, i, REJECTED, TOO_FAR if far else NO_VOLUME)


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
    write_row(state, scenes, outbox, k, j, i, REJECTED if failed != 0 else CONFIRMED, failed)


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
