"""Exhaustion (R5.2 on the run of R7.1): a one-sided run whose aggression has died at its extreme.

    IDLE -> ARMED      a run: within the run window price moved >= R from P0 to a fresh extreme
                       P1, the delta of the run is >= Q0.99 of |delta| over windows of like
                       length, and is >= 30 % of its volume
    ARMED -> CONFIRMED the delta has faded (R3.4) and one of: no new extreme for `still_ns`; or, at
                       an extreme `auction_ns` old, rows that thin out towards it, or a finished
                       auction
    ARMED -> REJECTED  after the fade a new extreme was made with d(t) >= 0.7 of its peak; or the
                       book became invalid
    ARMED -> EXPIRED   neither happened within a patience after the last new extreme, or with a new
                       one it is a run no more: slow, two-sided, or of a delta that is usual for
                       as long a time; the record names what was missing

Both directions run through one code path: everything is read as direction x price and direction x
size, so a mirrored tape gives mirrored signals. An unknown baseline is a third answer, counted in
`undecided`, never a "no".

R = max(10 e, ATR of one minute, 3 x round-trip cost, `run_range` x the range that the ATR leaves
to chance in the time of the run, ATR sqrt(seconds / 60)). In the moment in which a price is first
bought nobody has sold there and little has been bought: a finished auction, and rows that thin out,
are such as stayed so. Ageing is on ts_recv;
`ts_armed` and `ts_confirmed` are venue times.

Thresholds, records and shapes: `exhaustion_records`. Judged at TIMER events.
"""

from math import sqrt
from typing import Any

import numpy as np

from aggressor.detectors.exhaustion_records import PERP as PERP
from aggressor.detectors.exhaustion_records import PROFILES as PROFILES
from aggressor.detectors.exhaustion_records import ExhaustionParams as ExhaustionParams
from aggressor.detectors.exhaustion_records import ExhaustionState
from aggressor.detectors.exhaustion_records import exhaustion_state as exhaustion_state
from aggressor.detectors.outbox import Outbox, at_least, at_most, call, put
from aggressor.detectors.run import (
    LENGTHS,
    add_run_print,
    close_sample,
    count_rows,
    delta_quantile,
    find_run,
    length_ns,
    window_range,
)
from aggressor.features.baseline import READY, UNKNOWN
from aggressor.features.fade import FADE_YES, FadeState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE
from aggressor.schema.signal import (
    ARMED,
    CONFIRMED,
    EXHAUSTION,
    EXPIRED,
    FIRM,
    REJECTED,
    YOUNG_BASELINE,
)

EVIDENCE = (
    "p0",  # ticks: where the run started
    "p1",  # ticks: its extreme
    "run_ticks",
    "run_seconds",
    "run_threshold_ticks",
    "run_delta",  # lots, signed as traded
    "run_volume",
    "run_delta_quantile",  # Q0.99 of |delta| over windows of like length
    "run_delta_share",
    "delta_peak",  # lots, unsigned: largest d(t) along the run
    "delta_now",
    "delta_ratio",
    "delta_peak_quantile",
    "top_row_1",  # lots taken at the extreme row, then one and two rows inside the run
    "top_row_2",
    "top_row_3",
    "largest_cell",
    "rows_thinning",
    "extreme_age_seconds",
    "auction_finished",
    "effective_tick",
    "prints_truncated",
)
CONDITIONS = (
    "",
    "delta fade",
    "thinning rows, stillness or finished auction",
    "no new extreme with strong delta",
    "valid book",
    "fast one-sided run",
)
NO_FADE = 1
NO_SECOND = 2
STRONG_EXTREME = 3
BOOK_LOST = 4
NO_RUN = 5

IDLE = 0


@kernel_inline
def on_flow(state: ExhaustionState, k: Int, event: Any) -> None:
    """Take one TRADE of chosen flow."""
    state.head[k]["last_ts_venue"] = event["ts_venue"]
    if event["side"] != 0:
        add_run_print(state.run, k, event["ts_recv"], event["price"], event["size"], event["side"])


@kernel
def judge(
    state: ExhaustionState,
    outbox: Outbox,
    fade: FadeState,
    k: Int,
    now: Int,
    book_valid: bool,
    effective_tick: Int,
    atr_ticks: float,
    young: bool,
) -> None:
    """Judge both directions of lane `k` at a TIMER.

    An `effective_tick` of 0 and an `atr_ticks` below 0 mean not known.
    """
    close_sample(state.run, k, now)
    for j in range(2):
        direction = 1 - 2 * j
        episode = state.episodes[k, j]
        if episode["phase"] == ARMED:
            _follow(state, outbox, fade, k, j, direction, now, book_valid)
        elif book_valid and now >= episode["quiet_until"]:
            _look_for_run(
                state, outbox, fade, k, j, direction, now, effective_tick, atr_ticks, young
            )


@kernel
def _look_for_run(
    state: ExhaustionState,
    outbox: Outbox,
    fade: FadeState,
    k: Int,
    j: Int,
    direction: Int,
    now: Int,
    effective_tick: Int,
    atr_ticks: float,
    young: bool,
) -> None:
    """Arm an episode when one of the lengths holds a fresh run; the shortest that does counts."""
    params = state.params[k]
    threshold = max(
        params["run_costs"] * params["cost_ticks"], params["run_effective_ticks"] * effective_tick
    )
    least = max(threshold, params["run_atr"] * atr_ticks)
    if window_range(state.run, k, now) < least:
        return
    chance = params["run_range"] * max(atr_ticks, 0.0)
    run = state.run.found[k, j]
    needed, ripeness = np.int64(0), np.int64(UNKNOWN)
    found = False
    for n in range(LENGTHS):
        find_run(state.run, k, direction, now, length_ns(state.run, k, n))
        length = direction * (run["extreme"] - run["start"])
        threshold = length_needed(least, chance, run["extreme_ts"] - run["start_ts"])
        if run["found"] == 0 or now - run["extreme_ts"] > params["fresh_ns"] or length < threshold:
            continue
        if run["delta"] < params["delta_share"] * run["volume"]:
            continue
        needed, ripeness = delta_quantile(state.run, k, now, n)
        if ripeness == UNKNOWN or effective_tick == 0:
            state.head[k]["undecided"] += 1
            return
        if run["delta"] >= needed:
            found = True
            break
    if not found:
        return
    episode = state.episodes[k, j]
    state.head[k]["episodes"] += 1
    episode["phase"] = ARMED
    episode["faded"] = 0
    episode["episode"] = state.head[k]["episodes"]
    episode["ts_armed"] = state.head[k]["last_ts_venue"]
    episode["start_ts"] = run["start_ts"]
    episode["extreme_ts"] = run["extreme_ts"]
    episode["start"] = run["start"]
    episode["extreme"] = run["extreme"]
    episode["effective_tick"] = effective_tick
    episode["young"] = 1 if young or ripeness != READY or atr_ticks < 0 else 0
    episode["delta"] = run["delta"]
    episode["volume"] = run["volume"]
    episode["start_delta"] = run["start_delta"]
    episode["start_volume"] = run["start_volume"]
    episode["quantile"] = needed
    episode["least"] = least
    episode["chance"] = chance
    episode["threshold"] = threshold
    _write(state, outbox, fade, k, j, direction, now, ARMED, 0)


@kernel
def _follow(
    state: ExhaustionState,
    outbox: Outbox,
    fade: FadeState,
    k: Int,
    j: Int,
    direction: Int,
    now: Int,
    book_valid: bool,
) -> None:
    """Carry an armed episode on: new extremes, the fade, and its end."""
    params = state.params[k]
    episode = state.episodes[k, j]
    side = fade.sides[k, j]
    if not book_valid:
        _end(state, outbox, fade, k, j, direction, now, REJECTED, BOOK_LOST)
        return
    sample = state.run.samples[
        k, (state.run.head[k]["samples"] - 1) & (state.run.samples.shape[1] - 1)
    ]
    if sample["high"] != NO_PRICE:
        reached = sample["high"] if direction > 0 else sample["low"]
        if direction * (reached - episode["extreme"]) > 0:
            if episode["faded"] == 1 and side["current"] >= params["strong_ratio"] * side["peak"]:
                _end(state, outbox, fade, k, j, direction, now, REJECTED, STRONG_EXTREME)
                return
            episode["extreme"] = reached
            episode["extreme_ts"] = now
            episode["delta"] = direction * (sample["delta"] - episode["start_delta"])
            episode["volume"] = sample["volume"] - episode["start_volume"]
            if not _is_run(state, k, j, direction, now):
                _end(state, outbox, fade, k, j, direction, now, EXPIRED, NO_RUN)
                return
    if side["fading"] == FADE_YES:
        episode["faded"] = 1
        if _second_condition(state, k, j, direction, now):
            _end(state, outbox, fade, k, j, direction, now, CONFIRMED, 0)
            return
    if now - episode["extreme_ts"] > params["patience_ns"]:
        failed = NO_SECOND if episode["faded"] == 1 else NO_FADE
        _end(state, outbox, fade, k, j, direction, now, EXPIRED, failed)


@kernel
def _is_run(state: ExhaustionState, k: Int, j: Int, direction: Int, now: Int) -> bool:
    """Return whether an episode is a run with its new extreme too, held against runs as long."""
    params, episode = state.params[k], state.episodes[k, j]
    seconds_ns = now - episode["start_ts"]
    episode["threshold"] = length_needed(episode["least"], episode["chance"], seconds_ns)
    if direction * (episode["extreme"] - episode["start"]) < episode["threshold"]:
        return False
    if seconds_ns > params["run_window_ns"]:
        return False
    n = np.int64(0)
    while length_ns(state.run, k, n) < seconds_ns:
        n += 1
    needed, ripeness = delta_quantile(state.run, k, now, n)
    if ripeness != UNKNOWN:
        episode["quantile"] = needed
    if ripeness != READY:
        episode["young"] = 1
    one_sided = episode["delta"] >= params["delta_share"] * episode["volume"]
    return bool(one_sided and episode["delta"] >= episode["quantile"])


@kernel_inline
def length_needed(least: float, chance: float, seconds_ns: Int) -> float:
    """Return the ticks that a run of this duration must have covered."""
    return max(least, chance * sqrt(max(seconds_ns, 0) / 6e10))


@kernel_inline
def _thinning(row_1: Int, row_2: Int, row_3: Int, largest: Int, share: float) -> bool:
    """Return whether aggressors took strictly less towards the extreme, and little at it."""
    return bool(row_1 < row_2 and row_2 < row_3 and row_1 <= share * largest)


@kernel_inline
def _second_condition(state: ExhaustionState, k: Int, j: Int, direction: Int, now: Int) -> bool:
    """Return whether rows thin out, the extreme is still, or its auction is finished."""
    params = state.params[k]
    episode = state.episodes[k, j]
    age_ns = now - episode["extreme_ts"]
    if age_ns >= params["still_ns"]:
        return True
    if age_ns < params["auction_ns"]:
        return False
    row_1, row_2, row_3, largest, against, truncated = count_rows(
        state.run, k, direction, episode["start_ts"], episode["extreme"], episode["effective_tick"]
    )
    if truncated:
        return False
    return against == 0 or _thinning(row_1, row_2, row_3, largest, params["top_row_share"])


@kernel_inline
def _end(
    state: ExhaustionState,
    outbox: Outbox,
    fade: FadeState,
    k: Int,
    j: Int,
    direction: Int,
    now: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write the end of an episode and rest, unless a new extreme ended it and the run goes on."""
    _write(state, outbox, fade, k, j, direction, now, phase, failed)
    state.episodes[k, j]["phase"] = IDLE
    if failed != STRONG_EXTREME and failed != NO_RUN:
        state.episodes[k, j]["quiet_until"] = now + state.params[k]["refractory_ns"]


@kernel
def _write(
    state: ExhaustionState,
    outbox: Outbox,
    fade: FadeState,
    k: Int,
    j: Int,
    direction: Int,
    now: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write one SIGNAL row with its evidence."""
    params = state.params[k]
    episode = state.episodes[k, j]
    side = fade.sides[k, j]
    row_1, row_2, row_3, largest, against, truncated = count_rows(
        state.run, k, direction, episode["start_ts"], episode["extreme"], episode["effective_tick"]
    )
    length = direction * (episode["extreme"] - episode["start"])
    share = episode["delta"] / max(np.int64(1), episode["volume"])
    ratio = side["current"] / max(np.int64(1), side["peak"])
    score = at_least(length, episode["threshold"]) + at_least(share, params["delta_share"])
    score += at_least(episode["delta"], episode["quantile"]) + at_most(ratio, params["fade_ratio"])
    young = episode["young"] == 1 or fade.head[k]["maturity"] != READY
    call(outbox)  # at every step: who trades follows the run from its arming
    at = put(
        outbox,
        k,
        EXHAUSTION,
        phase,
        failed,
        direction,
        -direction,
        min(episode["start"], episode["extreme"]),
        max(episode["start"], episode["extreme"]),
        episode["episode"],
        episode["ts_armed"],
        state.head[k]["last_ts_venue"],
        now,
        params["hash"],
        YOUNG_BASELINE if young else FIRM,
        score / 4.0,
    )
    evidence = outbox.ring[at]["evidence"]
    evidence[0] = episode["start"]
    evidence[1] = episode["extreme"]
    evidence[2] = length
    evidence[3] = (episode["extreme_ts"] - episode["start_ts"]) / 1e9
    evidence[4] = episode["threshold"]
    evidence[5] = direction * episode["delta"]
    evidence[6] = episode["volume"]
    evidence[7] = episode["quantile"]
    evidence[8] = share
    evidence[9] = side["peak"]
    evidence[10] = side["current"]
    evidence[11] = ratio
    evidence[12] = fade.head[k]["threshold"]
    evidence[13] = row_1
    evidence[14] = row_2
    evidence[15] = row_3
    evidence[16] = largest
    evidence[17] = 1.0 if _thinning(row_1, row_2, row_3, largest, params["top_row_share"]) else 0.0
    evidence[18] = (now - episode["extreme_ts"]) / 1e9
    evidence[19] = 1.0 if against == 0 else 0.0
    evidence[20] = episode["effective_tick"]
    evidence[21] = 1.0 if truncated else 0.0
