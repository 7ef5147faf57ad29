"""Liquidity vacuum (R5.5): the depth of a side is withdrawn, not traded, and the touch is thin.

For each side by itself, held against the rolling median of its near depth:

    ARMED      depth / median <= 0.2, and within the window before it was still >= 0.6 of it
    CONFIRMED  of the loss from when the depth was last there >= 70 % was cancelled, when it armed
               or, where not yet, at a lower depth; the prices where it stood are as empty as the
               touch (<= 0.2 of the median); the spread is >= 2 x its median, or the gap
               behind the best price >= 3 e and above its own Q.95 of the last hour; the depth is
               below its Q.005 of that hour; all that at every TIMER for `hold_ns`
    EXPIRED    not within the window, or the depth was back before (a near-miss)

A confirmation lets go of nothing: its row is provisional while the tape may still explain the loss.
Further rows of the same episode: CONFIRMED once more when the ledger's tolerance has passed, or
REJECTED when trades stamped before the loss came after it and explain it; EXPIRED when the depth
has been back at 0.6 of its median (of then or of now) for 2 s, or REJECTED when the book was lost.
A side whose near-miss has ended does not arm again before its depth was back.

`direction` is where price would fall into: against the side, 0 when both sides are thin.
Cancelled is what is gone from the prices where the depth stood and was not traded, net of what was
put up there again; its share is of that and of the loss. A touch that jumps ahead of its book loses
sight of depth that still stands. The loss is one of what is usual (T5.5): where more stood, a wall
for one, what was too much may go without the side being emptied. What was traded is the ledger's of
the whole side: nearly all trades are at the touch. The hour leaves out confirmed episodes; while it
is not known a thin side is not judged (`undecided`).

Judged at TIMERs after `near_depth.sample`. Records: `vacuum_records`. Ages on ts_recv. Units:
ticks, lots, ns.
"""

from typing import Any

import numpy as np

from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.detectors.vacuum_records import (
    BACK,
    BOOK_LOST,
    EARLY,
    IDLE,
    NARROW,
    RESTING,
    STANDING,
    TRADED,
    USUAL,
    VacuumState,
)
from aggressor.detectors.vacuum_records import CONDITIONS as CONDITIONS
from aggressor.detectors.vacuum_records import EVIDENCE as EVIDENCE
from aggressor.detectors.vacuum_records import PROFILES as PROFILES
from aggressor.detectors.vacuum_records import VacuumParameters as VacuumParameters
from aggressor.detectors.vacuum_records import vacuum_state as vacuum_state
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    BaselineState,
    add_sample,
    advance,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.near_depth import REACH_MAX, SAMPLES, NearDepthState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, next_price
from aggressor.market.ledger import LedgerState
from aggressor.market.near import range_lots
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.signal import (
    ARMED,
    BEFORE_TOLERANCE,
    CONFIRMED,
    EXPIRED,
    FIRM,
    REJECTED,
    VACUUM,
    YOUNG_BASELINE,
)


@kernel_inline
def is_active(state: VacuumState, k: Int) -> bool:
    """Return whether a confirmed vacuum of either side has not ended yet."""
    return state.sides[k, 0]["phase"] == CONFIRMED or state.sides[k, 1]["phase"] == CONFIRMED


@kernel_inline
def on_trade(state: VacuumState, k: Int, event: Any) -> None:
    """Take one TRADE: one that happened before a confirmed loss was part of it."""
    if state.head[k]["early"] > 0 and event["side"] != 0:
        episode = state.sides[k, np.int64(event["side"] > 0)]
        if episode["phase"] == EARLY and event["ts_venue"] <= episode["ts_loss"]:
            episode["traded"] += event["size"]


@kernel
def judge(
    state: VacuumState,
    near: NearDepthState,
    book: BookState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
) -> None:
    """Judge both sides of lane `k` at a TIMER."""
    head, row, scene, depths = state.head[k], state.parameters[k], scenes[k], near.head[k]
    newest = near.samples[k, (depths["samples"] - 1) & (SAMPLES - 1)]
    if depths["known"] == 1:
        bests = state.bests[k, (depths["samples"] - 1) & (SAMPLES - 1)]
        bests[0], bests[1] = book.sides[2 * k]["best"], book.sides[2 * k + 1]["best"]
        if head["joined_ns"] == NO_TIME or scene["now"] - head["joined_ns"] >= row["every_ns"]:
            head["joined_ns"] = scene["now"]
            _join(state, near, book, scenes, k)
    for s in range(2):
        episode = state.sides[k, s]
        phase = episode["phase"]
        if scene["valid"] == 0 or depths["known"] == 0:
            if phase != IDLE and phase != RESTING:
                _end(state, near, scenes, outbox, k, s, REJECTED, BOOK_LOST)
            episode["phase"] = IDLE
            continue
        lots, usual = newest["lots"][s], depths["usual"][s]
        if phase == ARMED:
            _confirm(state, near, book, scenes, outbox, k, s)
        elif phase in (EARLY, CONFIRMED):
            _follow(state, near, ledger, scenes, outbox, k, s)
        elif depths["maturity"] == UNKNOWN or usual <= 0:
            spread = scene["ask"] - scene["bid"]
            wide = spread >= row["spread_ratio"] * scene["spread_median"]
            head["undecided"] += np.int64(scene["spread_median"] > 0 and wide)
        elif lots > row["thin_ratio"] * usual:
            if phase == RESTING and lots >= row["back_ratio"] * usual:
                episode["phase"] = IDLE
        elif phase == IDLE and scene["now"] >= episode["quiet_until"]:
            _arm(state, near, book, scenes, outbox, k, s)


@kernel
def _join(state: VacuumState, near: NearDepthState, book: BookState, scenes: Any, k: Int) -> None:
    """Let depth and gap of this TIMER join the last hour."""
    scene, depths = scenes[k], near.head[k]
    newest = near.samples[k, (depths["samples"] - 1) & (SAMPLES - 1)]
    for s in range(2):
        n = 2 * k + s
        advance(state.depths, n, scene["now"])
        advance(state.gaps, n, scene["now"])
        if state.sides[k, s]["phase"] not in (EARLY, CONFIRMED):
            add_sample(state.depths, n, scene["now"], newest["lots"][s])
            add_sample(state.gaps, n, scene["now"], _gap(book, scenes, k, s, depths["reach_ticks"]))


@kernel
def _gap(book: BookState, scenes: Any, k: Int, s: Int, reach: Int) -> Int:
    """Return the ticks from the best price of a side to the next, `reach` at most."""
    best = scenes[k]["bid"] if s == 0 else scenes[k]["ask"]
    behind = next_price(book, k, 1 - 2 * s, best)
    return reach if behind == NO_PRICE else min((1 - 2 * s) * (best - behind), reach)


@kernel
def _usual(base: BaselineState, n: Int, ppm: Int) -> Int:
    """Return a quantile of the last hour, -1 where it is not known."""
    return quantile(base, n, ppm) if maturity(base, n) != UNKNOWN else np.int64(-1)


@kernel
def _still_there(book: BookState, row: Int, first: Int, ticks: Int) -> Int:
    """Return the lots that stand now on the `ticks` keys of a ladder from `first` on."""
    ladder = book.sides[row]
    stop = min(first + min(ticks, REACH_MAX), ladder["low"] + book.window.shape[1])
    first = max(first, ladder["best"])
    return range_lots(book, row, first, stop - 1) if first < stop else np.int64(0)


@kernel
def _arm(
    state: VacuumState,
    near: NearDepthState,
    book: BookState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    s: Int,
) -> None:
    """Arm a thin side whose depth was there within the window."""
    row, scene, depths = state.parameters[k], scenes[k], near.head[k]
    newest, start_ns = depths["samples"] - 1, scene["now"] - row["window_ns"]
    at, most, usual = np.int64(-1), np.int64(0), depths["usual"][s]
    for n in range(newest - 1, max(depths["since"], newest - SAMPLES + 1) - 1, -1):
        old = near.samples[k, n & (SAMPLES - 1)]
        if old["ts"] < start_ns:
            break
        if old["lots"][s] >= row["back_ratio"] * usual:
            at, most = n, old["lots"][s]
            break
    if at < 0:
        return
    if maturity(state.depths, 2 * k + s) == UNKNOWN:  # how thin is unusual here is not known
        state.head[k]["undecided"] += 1
        state.sides[k, s]["phase"] = RESTING
        return
    episode, start = state.sides[k, s], near.samples[k, at & (SAMPLES - 1)]
    state.head[k]["episodes"] += 1
    episode["phase"], episode["episode"] = ARMED, state.head[k]["episodes"]
    episode["armed_ns"], episode["ts_armed"] = scene["now"], scene["venue_now"]
    episode["loss"] = episode["left"] = episode["traded"] = 0
    episode["before_ns"], episode["stood"], episode["usual"] = start["ts"], most, usual
    episode["before"] = min(most, usual)  # more than usual is no loss when it goes
    episode["best_before"] = state.bests[k, at & (SAMPLES - 1)][s]
    episode["traded_before"] = start["traded"][s]
    episode["effective_tick"] = scene["effective_tick"]
    episode["young"] = np.int64(depths["maturity"] != READY or scene["young"] != 0)
    episode["lowest"] = 1.0
    episode["held_ns"] = NO_TIME
    episode["back_ns"] = NO_TIME
    _confirm(state, near, book, scenes, outbox, k, s)


@kernel_inline
def _share(episode: Any) -> float:
    """Return which part of the loss was cancelled: of what left those prices, and of the loss.

    A touch that moves ahead of its book loses sight of depth, which nobody took away.
    """
    gone = max(episode["left"], episode["loss"], np.int64(1))
    return max(episode["left"] - episode["traded"], 0) / gone


@kernel
def _confirm(
    state: VacuumState,
    near: NearDepthState,
    book: BookState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    s: Int,
) -> None:
    """Measure an armed side; confirm it, or let its time run out."""
    row, scene, episode, n = state.parameters[k], scenes[k], state.sides[k, s], 2 * k + s
    last = near.samples[k, (near.head[k]["samples"] - 1) & (SAMPLES - 1)]
    reach = near.head[k]["reach_ticks"]
    episode["depth"] = last["lots"][s]
    still = _still_there(book, n, episode["best_before"], reach)
    episode["standing"] = still / episode["usual"]
    lower = episode["before"] - episode["depth"] > episode["loss"]
    if lower and _share(episode) < row["cancelled_share"]:  # what trades later is no part of it
        episode["loss"] = episode["before"] - episode["depth"]
        episode["left"] = max(episode["before"] - still, 0)
        episode["traded"] = last["traded"][s] - episode["traded_before"]
        episode["ts_loss"] = scene["venue_now"]
    ratio = episode["depth"] / episode["usual"]
    episode["lowest"] = min(episode["lowest"], ratio)
    episode["gap"] = _gap(book, scenes, k, s, reach)
    spread = scene["ask"] - scene["bid"]
    wide = scene["spread_median"] > 0 and spread >= row["spread_ratio"] * scene["spread_median"]
    torn = episode["gap"] >= row["gap_ticks"] * episode["effective_tick"]
    wide = wide or (torn and episode["gap"] > _usual(state.gaps, n, row["gap_ppm"]))
    withdrawn = _share(episode) >= row["cancelled_share"]
    low = _usual(state.depths, n, row["low_ppm"])
    thin = bucket_of(episode["depth"]) < bucket_of(low)
    empty = episode["standing"] <= row["thin_ratio"]
    whole = ratio <= row["thin_ratio"] and withdrawn and empty and wide and thin
    if not whole:
        episode["held_ns"] = NO_TIME
    elif episode["held_ns"] == NO_TIME:
        episode["held_ns"] = scene["now"]
    if whole and scene["now"] - episode["held_ns"] >= row["hold_ns"]:
        episode["phase"], episode["confirmed_ns"] = EARLY, scene["now"]
        state.head[k]["early"] += 1
        _write(state, near, scenes, outbox, k, s, CONFIRMED, 0, BEFORE_TOLERANCE)
    elif ratio >= row["back_ratio"] or scene["now"] - episode["armed_ns"] >= row["window_ns"]:
        failed = np.int64(USUAL if wide else NARROW)
        if not empty:
            failed = np.int64(STANDING)
        if ratio > row["thin_ratio"]:
            failed = np.int64(BACK)
        if not withdrawn:
            failed = np.int64(TRADED)
        _end(state, near, scenes, outbox, k, s, EXPIRED, failed)
        if ratio < row["back_ratio"]:
            episode["phase"] = RESTING


@kernel
def _follow(
    state: VacuumState,
    near: NearDepthState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    s: Int,
) -> None:
    """Carry a confirmed episode on: was the loss traded after all, and is the depth back?"""
    row, scene, episode = state.parameters[k], scenes[k], state.sides[k, s]
    now, depths = scene["now"], near.head[k]
    lots = near.samples[k, (depths["samples"] - 1) & (SAMPLES - 1)]["lots"][s]
    episode["lowest"] = min(episode["lowest"], lots / episode["usual"])
    if episode["phase"] == EARLY:
        if now - episode["confirmed_ns"] > ledger.head[k]["tolerance_ns"]:
            if _share(episode) < row["cancelled_share"]:
                _end(state, near, scenes, outbox, k, s, REJECTED, TRADED)
                episode["phase"] = RESTING
                return
            episode["phase"] = CONFIRMED
            state.head[k]["early"] -= 1
            _write(state, near, scenes, outbox, k, s, CONFIRMED, 0, FIRM)
    usual = episode["usual"]  # frozen, but what is usual by now is enough
    if depths["maturity"] != UNKNOWN and depths["usual"][s] > 0:
        usual = min(usual, depths["usual"][s])
    if lots < row["back_ratio"] * usual:
        episode["back_ns"] = NO_TIME
    elif episode["back_ns"] == NO_TIME:
        episode["back_ns"] = now
    elif now - episode["back_ns"] >= row["back_ns"] and episode["phase"] == CONFIRMED:
        _end(state, near, scenes, outbox, k, s, EXPIRED, BACK)


@kernel
def _end(
    state: VacuumState,
    near: NearDepthState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    s: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write the end of an episode and rest."""
    episode = state.sides[k, s]
    if episode["phase"] == EARLY:
        state.head[k]["early"] -= 1
    _write(state, near, scenes, outbox, k, s, phase, failed, FIRM)
    if episode["phase"] == EARLY or episode["phase"] == CONFIRMED:
        episode["quiet_until"] = scenes[k]["now"] + state.parameters[k]["refractory_ns"]
    episode["phase"] = IDLE


@kernel
def _write(
    state: VacuumState,
    near: NearDepthState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    s: Int,
    phase: Int,
    failed: Int,
    provisional: Int,
) -> None:
    """Write one SIGNAL row: what was measured at confirmation, and how thin it got since."""
    row, scene, episode, side = state.parameters[k], scenes[k], state.sides[k, s], 1 - 2 * s
    depths = near.head[k]
    last = near.samples[k, (depths["samples"] - 1) & (SAMPLES - 1)]
    ratio, share = episode["depth"] / episode["usual"], _share(episode)
    other = last["lots"][1 - s] / max(np.int64(1), depths["usual"][1 - s])
    spread, median = 0, scene["spread_median"]
    if scene["valid"] == 1:
        spread = scene["ask"] - scene["bid"]
    width = at_least(episode["gap"], row["gap_ticks"] * episode["effective_tick"])
    if median > 0:
        width = max(width, at_least(spread, row["spread_ratio"] * median))
    score = at_most(ratio, row["thin_ratio"]) + at_least(share, row["cancelled_share"]) + width
    direction = 0 if other <= row["thin_ratio"] else -side
    best = scene["bid"] if s == 0 else scene["ask"]
    if episode["young"] == 1:
        provisional = np.int64(YOUNG_BASELINE)
    at = post(
        outbox, k, VACUUM, phase, failed, side, direction, best, best, episode["episode"],
        episode["ts_armed"], scene["venue_now"], scene["now"], state.head[k]["hash"], provisional,
        score / 3.0,
    )  # fmt: skip
    seen = outbox.ring[at]["evidence"]
    seen[0], seen[1], seen[2], seen[3] = (
        ratio,
        episode["depth"],
        episode["usual"],
        episode["stood"],
    )
    seen[4], seen[5] = episode["loss"], episode["traded"]
    seen[6], seen[7] = max(episode["left"] - episode["traded"], 0), share
    seen[8] = episode["left"]
    seen[10], seen[11], seen[12] = spread, median, episode["gap"]
    seen[13], seen[14] = other, episode["lowest"]
    seen[15] = (episode["armed_ns"] - episode["before_ns"]) / 1e9
    seen[16] = (scene["now"] - episode["armed_ns"]) / 1e9
    seen[17], seen[18] = depths["reach_ticks"], episode["effective_tick"]
    seen[9] = _usual(state.gaps, 2 * k + s, row["gap_ppm"])
    seen[19] = _usual(state.depths, 2 * k + s, row["low_ppm"])
    seen[20] = episode["standing"]
