"""Liquidity vacuum (R5.5): the depth of a side is withdrawn, not traded, and the touch is thin.

For each side by itself, held against the rolling median of its near depth:

    ARMED      depth / median <= 0.2, and within the window before it was still >= 0.6 of it
    CONFIRMED  of the loss since the depth was last there >= 70 % was cancelled, both of all that
               left and of the loss itself; the spread is >= 2 x its median or the gap behind the
               best price is >= 3 e; the depth is below its Q.01 of the last hour; all that at
               every TIMER for `hold_ns`
    EXPIRED    not within the window (a near-miss)

A confirmation lets go of nothing: its row is provisional while the tape may still explain the loss.
Further rows of the same episode: CONFIRMED once more when the ledger's tolerance has passed, or
REJECTED when trades stamped before the loss came after it and explain it; EXPIRED when the depth
has been back at 0.6 of its median (of then or of now) for 2 s, or REJECTED when the book was lost.
A side whose near-miss has ended does not arm again before its depth was back.

`direction` is where price would fall into: against the side, 0 when both sides are thin. The
depth lost to trades is the ledger's traded lots of the side: nearly all trades are at the touch.
Losses are net, `pulled` and `added` are the side's gross sums. A touch that jumps ahead of its
book loses sight of depth that nobody cancelled: `pulled` tells the two apart. The hour leaves out
confirmed episodes.

    sides   (L, 2)   EPISODE, side index 0 bid, 1 ask

Judged at TIMERs after `near_depth.sample`. Ages on ts_recv. Units: ticks, lots, ns.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import Outbox, at_least, at_most, params_hash, post
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    BaselineSpec,
    BaselineState,
    add_sample,
    advance,
    baseline_state,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.near_depth import SAMPLES, NearDepthState
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MILLISECOND_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, next_price
from aggressor.market.ledger import LedgerState
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
from aggressor.state import State

EVIDENCE = (
    "depth_ratio",
    "depth",  # lots within reach
    "depth_median",
    "depth_before",
    "loss",
    "traded",
    "cancelled",  # loss that was not traded
    "cancelled_share",
    "pulled",  # gross, of the whole side
    "added",
    "spread_ticks",
    "spread_median_ticks",
    "gap_ticks",  # behind the best price; the reach where no level is in it
    "other_ratio",  # depth ratio of the other side
    "lowest_ratio",
    "fall_seconds",
    "age_seconds",
    "reach_ticks",
    "effective_tick",
)
CONDITIONS = (
    "",
    "cancelled share of the loss",
    "wide spread or gap",
    "thin depth",
    "valid book",
    "thinner than usual",
)
TRADED = 1
NARROW = 2
BACK = 3
BOOK_LOST = 4
USUAL = 5

IDLE = 0
EARLY = 5  # confirmed while trades may still come
RESTING = 6  # ended as a near-miss, still thin


class VacuumParameters(msgspec.Struct, frozen=True, kw_only=True):
    """When a side counts as a vacuum."""

    window_ns: int = SECOND_NS
    thin_ratio: float = 0.2
    back_ratio: float = 0.6
    back_ns: int = 2 * SECOND_NS
    cancelled_share: float = 0.7
    spread_ratio: float = 2.0
    gap_ticks: int = 3  # effective ticks
    low_ppm: int = 10_000  # depth is below this quantile of the last hour
    every_ns: int = SECOND_NS  # between two depths for it
    hold_ns: int = 0  # that all conditions hold, at every TIMER, before it is confirmed
    refractory_ns: int = 5 * SECOND_NS


PROFILES = {
    PERP: VacuumParameters(),
    MICRO: VacuumParameters(
        window_ns=10 * SECOND_NS, refractory_ns=30 * SECOND_NS, hold_ns=500 * MILLISECOND_NS
    ),
}

PARAMETERS_ROW = np.dtype(
    [
        (name, "<f8" if kind is float else "<i8")
        for name, kind in VacuumParameters.__annotations__.items()
    ]
)

HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("early", "<i8"),
        ("joined_ns", "<i8"),  # when depths last joined their baseline
        ("hash", "<u8"),
    ]
)

EPISODE = np.dtype(
    [
        ("phase", "<i8"),
        ("episode", "<i8"),
        ("armed_ns", "<i8"),
        ("ts_armed", "<i8"),
        ("ts_loss", "<i8"),  # venue time at confirmation
        ("confirmed_ns", "<i8"),
        ("back_ns", "<i8"),  # since when the depth is back; NO_TIME: it is not
        ("quiet_until", "<i8"),
        ("held_ns", "<i8"),  # since when all conditions hold; NO_TIME: they do not
        ("before_ns", "<i8"),
        ("before", "<i8"),  # lots
        ("traded_before", "<i8"),
        ("pulled_before", "<i8"),
        ("added_before", "<i8"),
        ("depth", "<i8"),  # frozen at confirmation, like all below
        ("loss", "<i8"),
        ("traded", "<i8"),  # grows by late trades
        ("pulled", "<i8"),  # gross; falls by them
        ("usual", "<i8"),
        ("gap", "<i8"),
        ("effective_tick", "<i8"),
        ("young", "<i8"),
        ("lowest", "<f8"),
    ]
)


class VacuumState(State, frozen=True):
    """One episode per lane and side."""

    head: NDArray[Any]  # HEAD, (L,)
    parameters: NDArray[Any]  # PARAMETERS_ROW, (L,)
    sides: NDArray[Any]  # EPISODE, (L, 2)
    depths: BaselineState  # lots of a side over the last hour, index 2 k + side


def vacuum_state(
    lanes: int, parameters: VacuumParameters | Sequence[VacuumParameters]
) -> VacuumState:
    """Return the state of `lanes` instruments without a vacuum."""
    each = [parameters] * lanes if isinstance(parameters, VacuumParameters) else list(parameters)
    head = np.zeros(lanes, HEAD)
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in each]
    sides = np.zeros((lanes, 2), EPISODE)
    sides["quiet_until"] = sides["back_ns"] = NO_TIME
    head["joined_ns"] = NO_TIME
    specs = [BaselineSpec(HOUR_NS, one.window_ns) for one in each for _ in range(2)]
    return VacuumState(
        head, parameter_rows(PARAMETERS_ROW, lanes, each), sides, baseline_state(specs)
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
            episode["pulled"] -= event["size"]


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
    due = head["joined_ns"] == NO_TIME or scene["now"] - head["joined_ns"] >= row["every_ns"]
    if due and depths["known"] == 1:
        head["joined_ns"] = scene["now"]
        for s in range(2):
            advance(state.depths, 2 * k + s, scene["now"])
            if state.sides[k, s]["phase"] not in (EARLY, CONFIRMED):
                add_sample(state.depths, 2 * k + s, scene["now"], newest["lots"][s])
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
    episode, start = state.sides[k, s], near.samples[k, at & (SAMPLES - 1)]
    state.head[k]["episodes"] += 1
    episode["phase"], episode["episode"] = ARMED, state.head[k]["episodes"]
    episode["armed_ns"], episode["ts_armed"] = scene["now"], scene["venue_now"]
    episode["before_ns"], episode["before"], episode["usual"] = start["ts"], most, usual
    episode["traded_before"], episode["pulled_before"] = start["traded"][s], start["pulled"][s]
    episode["added_before"] = start["added"][s]
    episode["effective_tick"] = scene["effective_tick"]
    episode["young"] = np.int64(depths["maturity"] != READY or scene["young"] != 0)
    episode["lowest"] = 1.0
    episode["held_ns"] = NO_TIME
    episode["back_ns"] = NO_TIME
    _confirm(state, near, book, scenes, outbox, k, s)


@kernel_inline
def _share(episode: Any) -> float:
    """Return which part of the loss was cancelled: of all that left, and of the loss itself.

    A touch that moves ahead of its book loses sight of depth, which nobody took away.
    """
    gone = max(episode["pulled"] + episode["traded"], episode["loss"], np.int64(1))
    return max(episode["pulled"], 0) / gone


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
    row, scene, episode, side = state.parameters[k], scenes[k], state.sides[k, s], 1 - 2 * s
    last = near.samples[k, (near.head[k]["samples"] - 1) & (SAMPLES - 1)]
    episode["depth"] = last["lots"][s]
    episode["loss"] = episode["before"] - episode["depth"]
    episode["traded"] = last["traded"][s] - episode["traded_before"]
    episode["pulled"] = last["pulled"][s] - episode["pulled_before"]
    ratio = episode["depth"] / episode["usual"]
    episode["lowest"] = min(episode["lowest"], ratio)
    best = scene["bid"] if s == 0 else scene["ask"]
    behind = next_price(book, k, side, best)
    reach = near.head[k]["reach_ticks"]
    episode["gap"] = reach if behind == NO_PRICE else min(side * (best - behind), reach)
    spread = scene["ask"] - scene["bid"]
    wide = scene["spread_median"] > 0 and spread >= row["spread_ratio"] * scene["spread_median"]
    wide = wide or episode["gap"] >= row["gap_ticks"] * episode["effective_tick"]
    withdrawn = _share(episode) >= row["cancelled_share"]
    n = 2 * k + s
    thin = maturity(state.depths, n) == UNKNOWN
    if not thin:
        low = quantile(state.depths, n, row["low_ppm"])
        thin = bucket_of(episode["depth"]) < bucket_of(low)
    whole = ratio <= row["thin_ratio"] and withdrawn and wide and thin
    if not whole:
        episode["held_ns"] = NO_TIME
    elif episode["held_ns"] == NO_TIME:
        episode["held_ns"] = scene["now"]
    if whole and scene["now"] - episode["held_ns"] >= row["hold_ns"]:
        episode["phase"], episode["confirmed_ns"] = EARLY, scene["now"]
        episode["ts_loss"] = scene["venue_now"]
        state.head[k]["early"] += 1
        _write(state, near, scenes, outbox, k, s, CONFIRMED, 0, BEFORE_TOLERANCE)
    elif scene["now"] - episode["armed_ns"] >= row["window_ns"]:
        failed = TRADED if not withdrawn else (NARROW if not wide else BACK)
        if withdrawn and wide and ratio <= row["thin_ratio"]:
            failed = np.int64(USUAL)
        _end(state, near, scenes, outbox, k, s, EXPIRED, failed)
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
        episode["before"],
    )
    seen[4], seen[5] = episode["loss"], episode["traded"]
    seen[6], seen[7] = max(episode["loss"] - episode["traded"], 0), share
    seen[8] = episode["pulled"]
    seen[9] = last["added"][s] - episode["added_before"]
    seen[10], seen[11], seen[12] = spread, median, episode["gap"]
    seen[13], seen[14] = other, episode["lowest"]
    seen[15] = (episode["armed_ns"] - episode["before_ns"]) / 1e9
    seen[16] = (scene["now"] - episode["armed_ns"]) / 1e9
    seen[17], seen[18] = depths["reach_ticks"], episode["effective_tick"]
