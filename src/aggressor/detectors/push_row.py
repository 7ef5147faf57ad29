"""The SIGNAL row of a push-through: its score and its evidence; see `push_through`."""

import numpy as np

from aggressor.detectors.depletion import CANCELLED_MAX, TRADED_MIN
from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.detectors.push_reading import refill_ratio
from aggressor.detectors.push_records import (
    AFTER,
    FELL_BACK,
    HOLD,
    STAGE_CLEAR,
    STAGE_FAILED,
    STAGE_HELD,
    PushThroughState,
)
from aggressor.detectors.scene import Scenes
from aggressor.features.baseline import READY
from aggressor.kernel import Int, kernel
from aggressor.schema.event import NO_TIME
from aggressor.schema.signal import (
    BEFORE_TOLERANCE,
    CONFIRMED,
    FIRM,
    PUSH_THROUGH,
    YOUNG_BASELINE,
)


@kernel
def write_row(
    state: PushThroughState,
    scenes: Scenes,
    outbox: Outbox,
    k: Int,
    j: Int,
    i: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write one row of an episode with its evidence."""
    head, scene = state.head[k], scenes[k]
    episode, broken, now = state.episodes[k, j, i], state.broken[k, j, i], scenes[k]["now"]
    direction, level = broken["direction"], broken["level"]
    stood = max(episode["start"] + episode["added"], 1)
    traded, cancelled = episode["traded"] / stood, episode["cancelled"] / stood
    refill = refill_ratio(episode)
    score = at_least(traded, TRADED_MIN) + at_most(cancelled, CANCELLED_MAX)
    score += max(
        at_least(episode["burst"], max(episode["needed"], 1)),
        at_least(episode["order"], max(episode["large"], 1)),
    )
    score += at_least(episode["traded"], max(episode["size"], 1))
    provisional = FIRM if episode["open_lots"] == 0 else BEFORE_TOLERANCE
    if broken["young"] == 1 or episode["maturity"] != READY:
        provisional = YOUNG_BASELINE
    at = post(
        outbox, k, PUSH_THROUGH, phase, failed, direction, direction, level, level,
        episode["episode"], episode["armed_venue_ns"], scene["venue_now"], now, head["hash"],
        provisional, 0.25 * score,
    )  # fmt: skip
    stage = 0
    if episode["phase"] >= HOLD:
        stage = STAGE_HELD if phase == CONFIRMED and episode["phase"] == AFTER else STAGE_CLEAR
        stage = STAGE_FAILED if failed == FELL_BACK else stage
    evidence = outbox.ring[at]["evidence"]
    evidence[0], evidence[1], evidence[2] = level, episode["peak"], episode["start"]
    evidence[3], evidence[4] = episode["traded"], episode["cancelled"]
    evidence[5], evidence[6], evidence[7] = episode["large"], traded, cancelled
    evidence[8], evidence[9], evidence[10] = refill, episode["burst"], episode["needed"]
    evidence[11], evidence[12] = episode["order"], episode["stroke"]
    if episode["consume_ns"] != NO_TIME and episode["gone_ns"] != NO_TIME:
        evidence[13] = (episode["gone_ns"] - episode["consume_ns"]) / 1e9
    evidence[14], evidence[15] = stage, episode["early"]
    evidence[16] = np.nan
    if scene["valid"] == 1:
        evidence[16] = scene["bid"] if direction > 0 else scene["ask"]
    evidence[17] = (now - episode["clear_ns"]) / 1e9 if episode["clear_ns"] != NO_TIME else np.nan
    evidence[18], evidence[19] = broken["lots"], broken["effective_tick"]
    evidence[20] = episode["maturity"]
    evidence[21] = episode["size"] if episode["size"] >= 0 else np.nan
