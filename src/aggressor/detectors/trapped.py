"""Trapped traders (R5.9): who bought a break that failed now holds a loss, and must sell.

After a failed break of X upwards, V are the lots bought at prices above X while it lasted and A
their average price (mirror: sold below).

    IDLE -> ARMED       price came back inside X by one effective tick e within 60 s, and V >= Q.9
                        of what breaks usually take, and 3 x the median of what is usually traded
                        where that is known, all by the same time: V of a break that lasted longer
                        than a burst of R5.7 is counted for so long
    ARMED -> CONFIRMED  aggression turns against them (d(t) of R3.4 <= -Q.9 of |d|), or the mid is
                        more than 3 e inside X
    ARMED -> REJECTED   the mid is beyond the break's extreme again: nobody is trapped; or the book
                        became invalid
    ARMED -> EXPIRED    neither within the patience

Pain is V x (A - mid) in the direction of the break, lot-ticks. The breaks come from `breaks`, ended
by whoever followed them. What is usual are the last breaks of the lane, both directions, failed or
held, strictly before the one in hand; fewer than `breaks_min` of them give no answer
(`undecided`). One episode a lane and direction: a break that fails while one is open is not armed.
`side` is that of the trapped (+1 buyers), `direction` against it.

Shapes: lanes L, directions 2 (0 up, 1 down). Judged at TIMERs, after the detectors that end breaks.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.breaks import BREAK, BREAKS, BreaksState
from aggressor.detectors.outbox import Outbox, at_least, params_hash, post
from aggressor.detectors.scene import Scenes
from aggressor.features.baseline import READY, UNKNOWN, bucket_of, quantile
from aggressor.features.fade import FadeState
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.features.recent import (
    RecentState,
    add_recent,
    recent_count,
    recent_quantile,
    recent_state,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.signal import (
    ARMED,
    CONFIRMED,
    EXPIRED,
    FIRM,
    REJECTED,
    TRAPPED,
    YOUNG_BASELINE,
)
from aggressor.state import State

EVIDENCE = (
    "level",  # ticks: X
    "extreme",  # ticks
    "source",  # 1 stop run, 2 push-through
    "trapped_lots",  # V
    "trapped_quantile",  # Q.9 of V over the last breaks, for the time of a burst at most
    "breaks_known",
    "average_price",  # ticks: A
    "mid",  # ticks
    "pain_lot_ticks",
    "inside_ticks",  # of the mid, inside X
    "inside_threshold_ticks",
    "delta_against",  # lots: d(t) against the trapped
    "delta_quantile",  # nan: not known
    "reentry_seconds",  # from the break to the return
    "effective_tick",
)
CONDITIONS = (
    "",
    "aggression against them, or price well inside",
    "price inside the break",
    "valid book",
)
NO_PRESSURE, FREED, BOOK_LOST = range(1, 4)

IDLE = 0
KEPT = 256  # volumes of breaks
KEPT_NS = 7 * 24 * HOUR_NS


class TrappedParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of R5.9."""

    reentry_ns: int = 60 * SECOND_NS
    volume_ppm: int = 900_000
    delta_ppm: int = 900_000
    inside_effective_ticks: int = 3
    usual_ratio: int = 3  # V over what is usually traded meanwhile, by the burst span of R5.7
    breaks_min: int = 5  # breaks are rare: V then is the largest of so few
    breaks_ripe: int = 100  # below this the baseline is young
    patience_ns: int = 60 * SECOND_NS
    refractory_ns: int = 5 * SECOND_NS


PROFILES = {
    PERP: TrappedParameters(),
    MICRO: TrappedParameters(
        reentry_ns=300 * SECOND_NS, patience_ns=300 * SECOND_NS, refractory_ns=30 * SECOND_NS
    ),
}
ROW = np.dtype([(name, "<i8") for name in TrappedParameters.__struct_fields__])
HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("hash", "<u8"),
        ("breaks_read", "<i8"),
        ("skipped", "<i8"),  # failed breaks while an episode was open or its zone rested
    ]
)
EPISODE = np.dtype(
    [
        ("phase", "<i8"),
        ("episode", "<i8"),
        ("ts_armed", "<i8"),
        ("armed_ns", "<i8"),
        ("quantile", "<i8"),
        ("breaks", "<i8"),
        ("quiet_until", "<i8"),
    ]
)


class TrappedState(State, frozen=True):
    """One episode per lane and direction, and the volumes of the breaks before."""

    head: NDArray[Any]  # HEAD, (L,)
    params: NDArray[Any]  # ROW, (L,)
    episodes: NDArray[Any]  # EPISODE, (L, 2)
    broken: NDArray[Any]  # BREAK, (L, 2)
    volumes: RecentState  # lots beyond the level, for a burst's time, one series per lane


def trapped_state(lanes: int, parameters: TrappedParameters) -> TrappedState:
    """Return the state of `lanes` instruments that saw no break yet."""
    head = np.zeros(lanes, HEAD)
    head["hash"] = params_hash(msgspec.structs.asdict(parameters))
    return TrappedState(
        head,
        parameter_rows(ROW, lanes, parameters),
        np.zeros((lanes, 2), EPISODE),
        np.zeros((lanes, 2), BREAK),
        recent_state([KEPT_NS] * lanes, KEPT),
    )


@kernel
def judge(
    state: TrappedState,
    scenes: Scenes,
    fade: FadeState,
    breaks: BreaksState,
    outbox: Outbox,
    k: Int,
) -> None:
    """Judge lane `k` at a TIMER, after the delta was sampled and breaks were ended."""
    head, written = state.head[k], breaks.head[k]["written"]
    for n in range(max(head["breaks_read"], written - BREAKS), written):
        one = breaks.ring[k, n & (BREAKS - 1)]
        if one["failed"] == 1:
            _arm(state, scenes, breaks, k, one)
        add_recent(state.volumes, k, one["back_ns"], _lots_a_span(breaks, k, one))
    head["breaks_read"] = written
    for j in range(2):
        if state.episodes[k, j]["phase"] != IDLE:
            _follow(state, scenes, fade, outbox, k, j)


@kernel
def _lots_a_span(breaks: BreaksState, k: Int, one: Any) -> Int:
    """Return V of a break by the span of R5.7: a break that lasts takes more whatever it is."""
    span, lasted = breaks.head[k]["span_ns"], one["back_ns"] - one["start_ns"]
    if span <= 0 or lasted <= span:
        return np.int64(one["lots"])
    return np.int64(one["lots"] * (span / lasted))


@kernel
def _arm(state: TrappedState, scenes: Scenes, breaks: BreaksState, k: Int, one: Any) -> None:
    """Open an episode on a failed break that took unusually much."""
    head, row, scene = state.head[k], state.params[k], scenes[k]
    j = 0 if one["direction"] > 0 else 1
    episode = state.episodes[k, j]
    rate = _lots_a_span(breaks, k, one)
    if rate < row["usual_ratio"] * one["usual_lots"]:
        return
    if one["lots"] <= 0 or one["back_ns"] - one["start_ns"] > row["reentry_ns"]:
        return
    if scene["valid"] == 0:
        return
    known = recent_count(state.volumes, k)
    if known < row["breaks_min"]:
        head["undecided"] += 1
        return
    usual = recent_quantile(state.volumes, k, row["volume_ppm"])
    if rate < usual:
        return
    if episode["phase"] != IDLE or scene["now"] < episode["quiet_until"]:
        head["skipped"] += 1
        return
    head["episodes"] += 1
    episode["phase"], episode["episode"] = ARMED, head["episodes"]
    episode["ts_armed"], episode["armed_ns"] = scene["venue_now"], scene["now"]
    episode["quantile"], episode["breaks"] = usual, known
    state.broken[k, j] = one


@kernel
def _follow(
    state: TrappedState, scenes: Scenes, fade: FadeState, outbox: Outbox, k: Int, j: Int
) -> None:
    """Carry an armed episode to its end."""
    scene, row = scenes[k], state.params[k]
    episode, broken = state.episodes[k, j], state.broken[k, j]
    direction = broken["direction"]
    if scene["valid"] == 0:
        _write(state, scenes, fade, outbox, k, j, REJECTED, BOOK_LOST)
        return
    beyond2 = direction * scene["mid2"] - 2 * direction * broken["level"]  # half ticks beyond X
    against, usual = -fade.sides[k, j]["current"], np.int64(-1)
    if fade.head[k]["maturity"] != UNKNOWN:
        usual = quantile(fade.baseline, k, row["delta_ppm"])
    pressed = against > 0 and usual >= 0 and bucket_of(against) >= bucket_of(usual)
    if pressed or -beyond2 > 2 * row["inside_effective_ticks"] * broken["effective_tick"]:
        _write(state, scenes, fade, outbox, k, j, CONFIRMED, 0)
    elif beyond2 > 2 * direction * (broken["extreme"] - broken["level"]):
        _write(state, scenes, fade, outbox, k, j, REJECTED, FREED)
    elif scene["now"] - episode["armed_ns"] > row["patience_ns"]:
        _write(state, scenes, fade, outbox, k, j, EXPIRED, NO_PRESSURE)


@kernel_inline
def _is_young(episode: Any, broken: Any, row: Any, maturity: Int) -> bool:
    ripe = broken["young"] == 0 and maturity == READY
    return not (ripe and episode["breaks"] >= row["breaks_ripe"])


@kernel
def _write(
    state: TrappedState,
    scenes: Scenes,
    fade: FadeState,
    outbox: Outbox,
    k: Int,
    j: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write the end of an episode with its evidence, and rest."""
    head, row, scene = state.head[k], state.params[k], scenes[k]
    episode, broken = state.episodes[k, j], state.broken[k, j]
    direction, level, extreme = broken["direction"], broken["level"], broken["extreme"]
    lots, maturity = broken["lots"], fade.head[k]["maturity"]
    away = broken["away_tick_lots"] / lots
    mid = 0.5 * scene["mid2"] if scene["valid"] == 1 else np.nan
    beyond = direction * (mid - level)
    against = float(-fade.sides[k, j]["current"])
    usual = np.nan
    if maturity != UNKNOWN:
        usual = float(quantile(fade.baseline, k, row["delta_ppm"]))
    needed = float(row["inside_effective_ticks"] * broken["effective_tick"])
    turned = at_least(-beyond, needed) if scene["valid"] == 1 else 0.0
    if usual == usual and against > 0:
        turned = max(turned, at_least(against, usual))
    score = 0.5 * (at_least(lots, episode["quantile"]) + max(turned, 0.0))
    at = post(
        outbox, k, TRAPPED, phase, failed, direction, -direction, min(level, extreme),
        max(level, extreme), episode["episode"], episode["ts_armed"], scene["venue_now"],
        scene["now"], head["hash"],
        YOUNG_BASELINE if _is_young(episode, broken, row, maturity) else FIRM, score,
    )  # fmt: skip
    evidence = outbox.ring[at]["evidence"]
    evidence[0], evidence[1], evidence[2] = level, extreme, broken["source"]
    evidence[3], evidence[4], evidence[5] = lots, episode["quantile"], episode["breaks"]
    evidence[6], evidence[7] = level + direction * away, mid
    evidence[8], evidence[9], evidence[10] = lots * (away - beyond), -beyond, needed
    evidence[11], evidence[12] = against, usual
    evidence[13] = (broken["back_ns"] - broken["start_ns"]) / 1e9
    evidence[14] = broken["effective_tick"]
    episode["phase"] = IDLE
    if phase == CONFIRMED:
        episode["quiet_until"] = scene["now"] + row["refractory_ns"]
