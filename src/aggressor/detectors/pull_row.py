"""The SIGNAL row of a spoof-like pull: its evidence and its score; see `pull`."""

from typing import Any

import numpy as np

from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.detectors.pull_records import PullState
from aggressor.features.baseline import READY
from aggressor.kernel import Int, kernel
from aggressor.schema.signal import PULL, YOUNG_BASELINE

EVIDENCE = (
    "peak",
    "z",
    "ratio",
    "level_age_seconds",  # of the level, at the fall
    "lifetime_seconds",  # of the wall
    "start_distance_ticks",
    "min_distance_ticks",
    "traded",
    "cancelled",
    "cancelled_share",
    "fill_ratio",
    "pull_seconds",
    "induced_delta",  # lots in the wall's direction after it appeared, less before
    "opposite_before",  # lots executed on the other side of the book
    "opposite_after",
    "repeats",  # this one included
    "layers",
    "others_gone",
    "depth_loss_share",  # of all other near depth
    "effective_tick",
    "repeats_by_chance",  # probability of so many; 1 while not known
    "usual_size",  # the quantile of levels as far off that its peak must exceed
)


@kernel
def write_row(
    state: PullState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    j: Int,
    now: Int,
    phase: Int,
    failed: Int,
    provisional: Int,
) -> None:
    """Write one SIGNAL row with its evidence."""
    head, row, scene, track = state.head[k], state.parameters[k], scenes[k], state.tracks[k, j]
    side, peak = track["side"], max(np.int64(1), track["peak"])
    share, fill = track["cancelled"] / peak, track["traded"] / peak
    opposite = head["bought"] if side > 0 else head["sold"]
    after = opposite - track["opposite_start"]
    reach = row["near_ticks"] * track["effective_tick"]
    approach = max(
        at_most(track["min_distance"], reach), at_least(track["repeats"], row["repeats_min"])
    )
    score = at_least(share, row["cancelled_share"]) + at_most(fill, row["fill_ratio"]) + approach
    score /= 3.0
    if 10 * (track["opposite_before"] + after) >= peak:
        score += 0.1 * (1.0 - score)
    if track["layers"] >= row["layers_min"]:
        score += 0.1 * (1.0 - score)
    if track["maturity"] != READY or track["young"] != 0:
        provisional = np.int64(YOUNG_BASELINE)
    at = post(
        outbox, k, PULL, phase, failed, side, -side, track["price"], track["price"],
        track["episode"], track["ts_armed"], scene["venue_now"], now, head["hash"], provisional,
        score,
    )  # fmt: skip
    seen = outbox.ring[at]["evidence"]
    seen[0], seen[1], seen[2] = track["peak"], track["z"], track["ratio"]
    seen[3] = (track["fallen_ns"] - track["first_seen_ns"]) / 1e9
    seen[4] = (track["fallen_ns"] - track["since_ns"]) / 1e9
    seen[5], seen[6] = track["start_distance"], track["min_distance"]
    seen[7], seen[8], seen[9], seen[10] = track["traded"], track["cancelled"], share, fill
    seen[11] = track["pull_ns"] / 1e9
    usual = track["before_delta"] * (track["after_ns"] / row["flow_ns"])
    seen[12] = side * (track["after_delta"] - usual)
    seen[13], seen[14], seen[15] = track["opposite_before"], after, track["repeats"]
    seen[16], seen[17], seen[18] = track["layers"], track["others"], track["depth_loss"]
    seen[19], seen[20] = track["effective_tick"], track["by_chance"]
    seen[21] = track["usual"]
