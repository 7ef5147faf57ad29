"""The SIGNAL row of a stop run: its evidence and its score; see `stop_run`."""

import numpy as np

from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.detectors.scene import Scenes
from aggressor.detectors.stop_records import StopRunState
from aggressor.kernel import Int, kernel
from aggressor.schema.event import NO_TIME
from aggressor.schema.signal import FIRM, STOP_RUN, YOUNG_BASELINE

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


@kernel
def write_row(
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
