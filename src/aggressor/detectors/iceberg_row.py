"""The SIGNAL row of an iceberg: what it needs, its evidence and its score; see `iceberg`."""

from typing import Any

import numpy as np

from aggressor.detectors.iceberg_records import REFILLS, IcebergState
from aggressor.detectors.outbox import Outbox, at_least, at_most, post
from aggressor.features.baseline import (
    UNKNOWN,
    advance,
    covered_ns,
    maturity,
    quantile,
    sample_count,
)
from aggressor.features.parameters import HOUR_NS, MINUTE_NS
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.signal import BEFORE_TOLERANCE, FIRM, ICEBERG, YOUNG_BASELINE

EVIDENCE = (
    "traded",  # lots, with trades that no book row has shown yet
    "start_lots",
    "max_lots",  # largest displayed
    "traded_per_max",
    "refills",
    "peak_estimate",  # lots: median of the peaks after refills
    "hidden_executed",  # traded beyond what was displayed at the start
    "hidden",  # lots that the ledger saw trade and never displayed
    "added",
    "cancelled",
    "cancelled_share",
    "refill_latency_seconds",  # median from fall to refill
    "age_seconds",  # since the first trade
    "lots",  # displayed now
    "refill_1_age_seconds",  # the last refills, newest first
    "refill_1_lots",
    "refill_2_age_seconds",
    "refill_2_lots",
    "refill_3_age_seconds",
    "refill_3_lots",
    "refill_4_age_seconds",
    "refill_4_lots",
)
CONDITIONS = (
    "",
    "refills",
    "traded over displayed",
    "cancelled share",
    "refill in time",
    "touch near the level",
    "valid book",
    "followed to the end",
    "more than usual",
)
NO_REFILLS = 1
NO_VOLUME = 2
CANCELLED = 3
NOT_REFILLED = 4
TOUCH_LEFT = 5
BOOK_LOST = 6
CROWDED_OUT = 7
USUAL = 8


@kernel
def median_of(values: Any, count: Int) -> int:
    """Return the lower median of the first `count` values, by rank; there are a handful."""
    for i in range(count):
        below, equal = 0, 0
        for j in range(count):
            below += values[j] < values[i]
            equal += values[j] == values[i]
        if below <= (count - 1) // 2 < below + equal:
            return values[i]
    return 0


@kernel_inline
def cancelled_share(level: Any) -> float:
    """Return C / (start + added), R1.12."""
    return level["pulled"] / max(np.int64(1), level["start_lots"] + level["added"])


@kernel_inline
def missing(row: Any, level: Any) -> int:
    """Return the first condition that a level does not meet, 0 when it is an iceberg."""
    if level["refills"] < row["refills_min"]:
        return NO_REFILLS
    if level["traded"] < row["volume_ratio"] * level["max_lots"]:
        return NO_VOLUME
    return CANCELLED if cancelled_share(level) > row["cancelled_share"] else 0


@kernel
def is_usual(state: IcebergState, k: Int, s: Int, i: Int, now: Int) -> bool:
    """Return whether chance refills levels to that much volume more often than is bearable.

    Beyond their Q.9 the volumes of levels refilled by chance fall off as an exponential whose scale
    is (Q.9 - Q.5) / ln 5. So many of them as met R5.3 in the last hour, unconfirmed, would do so
    again: above Q.9 + scale x ln(their rate / bearable rate) the bearable rate is left. While too
    few are known, V must at least be more than all but one in a hundred levels display: refills of
    a level that holds next to nothing hide nothing.
    """
    row, volumes = state.parameters[k], state.volumes
    advance(volumes, 2 * k, now)
    advance(volumes, 2 * k + 1, now)
    if sample_count(volumes, 2 * k) < max(row["volumes_min"], np.int64(1)):
        advance(state.shown, k, now)
        displayed = quantile(state.shown, k, row["shown_ppm"])
        known = maturity(state.shown, k) != UNKNOWN
        return bool(known and state.levels[k, s, i]["traded"] <= displayed)
    middle = quantile(volumes, 2 * k, 500_000)
    high = quantile(volumes, 2 * k, 900_000)
    covered = max(float(covered_ns(volumes, 2 * k)), float(MINUTE_NS))
    rate = max(sample_count(volumes, 2 * k + 1), np.int64(1)) * HOUR_NS / covered
    folds = max(0.0, np.log(rate / row["alarms_an_hour"]))
    usual = high + max(high - middle, np.int64(1)) * folds / np.log(5.0)
    return bool(state.levels[k, s, i]["traded"] <= usual)


@kernel
def write_row(
    state: IcebergState,
    outbox: Outbox,
    scenes: Any,
    k: Int,
    s: Int,
    i: Int,
    now: Int,
    venue: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Write one SIGNAL row with its evidence."""
    row, level, side = state.parameters[k], state.levels[k, s, i], 1 - 2 * s
    ratio = level["traded"] / max(np.int64(1), level["max_lots"])
    share = cancelled_share(level)
    score = at_least(level["refills"], row["refills_min"]) + at_least(ratio, row["volume_ratio"])
    score += at_most(share, row["cancelled_share"])
    known = sample_count(state.volumes, 2 * k) >= row["volumes_min"]
    provisional = np.int64(BEFORE_TOLERANCE if level["waiting"] > 0 else FIRM)
    if scenes[k]["young"] != 0 or not known:
        provisional = np.int64(YOUNG_BASELINE)
    at = post(
        outbox, k, ICEBERG, phase, failed, side, side, level["price"], level["price"],
        level["episode"], level["ts_armed"], venue, now, state.head[k]["hash"], provisional,
        score / 3.0,
    )  # fmt: skip
    kept = min(level["refills"], REFILLS)
    seen = outbox.ring[at]["evidence"]
    seen[0], seen[1], seen[2] = level["traded"], level["start_lots"], level["max_lots"]
    seen[3], seen[4] = ratio, level["refills"]
    seen[5] = median_of(level["refill_peak"], kept)
    seen[6], seen[7] = max(level["traded"] - level["start_lots"], 0), level["hidden"]
    seen[8], seen[9], seen[10] = level["added"], level["pulled"], share
    seen[11] = median_of(level["latency_ns"], kept) / 1e9
    seen[12], seen[13] = (now - level["opened_ns"]) / 1e9, level["lots"]
    for back in range(min(kept, 4)):
        j = (level["refills"] - 1 - back) & (REFILLS - 1)
        seen[14 + 2 * back] = (now - level["refill_ns"][j]) / 1e9
        seen[15 + 2 * back] = level["refill_lots"][j]
