"""In which range each threshold makes sense, and which of them are not for setting.

The range follows from the name of a threshold, but where the arrays of a detector bound it
(`LIMITS`): a window longer than its ring would be cut in silence.
"""

from aggressor.detectors import cascade_records, iceberg_records, pull_records
from aggressor.detectors.divergence import BARS_KEPT
from aggressor.features.baseline import PPM
from aggressor.features.near_depth import SAMPLES
from aggressor.features.parameters import HOUR_NS, MILLISECOND_NS, SECOND_NS

Number = int | float

TIMER_NS = 100 * MILLISECOND_NS  # one sample of a ring
WEEK_NS = 7 * 24 * HOUR_NS

FIXED = {  # not to be set: they belong to a feature's window or to the instrument
    "cascade": ("window_ns", "minute_ns"),
    "wall": ("tens_ticks", "hundreds_ticks"),
}

LIMITS: dict[tuple[str, str], tuple[Number, Number]] = {
    ("exhaustion", "run_window_ns"): (SECOND_NS, HOUR_NS),
    ("exhaustion", "auction_ns"): (0, HOUR_NS),
    ("absorption", "window_ns"): (SECOND_NS, 1_000 * TIMER_NS),
    ("absorption", "zone_ticks"): (1, 100),
    ("iceberg", "refills_min"): (1, iceberg_records.REFILLS),
    ("pull", "flow_ns"): (TIMER_NS, (pull_records.FLOWS - 12) * TIMER_NS),
    ("pull", "repeats_min"): (1, pull_records.PAST),
    ("vacuum", "window_ns"): (TIMER_NS, (SAMPLES - 6) * TIMER_NS),
    ("vacuum", "hold_ns"): (0, HOUR_NS),
    ("push_through", "burst_ns"): (MILLISECOND_NS, 10 * SECOND_NS),
    ("stop_run", "burst_ns"): (TIMER_NS, 100 * SECOND_NS),
    ("stop_run", "settle_ns"): (0, 60 * SECOND_NS),
    ("trapped", "breaks_min"): (1, 200),
    ("trapped", "breaks_ripe"): (1, 200),
    ("cascade", "depths_min"): (1, cascade_records.DEPTHS - 4),
    ("divergence", "bars_min"): (1, BARS_KEPT - 1),
    ("divergence", "bars_max"): (1, BARS_KEPT - 1),
    ("divergence", "chance_ppm"): (0, PPM - 1),
    ("stacking", "minimum_lots"): (0, 2**53),
    ("stacking", "rows_min"): (2, 64),
}

ORDERED = (  # of one detector: the first may not be above the second
    ("exhaustion", "fade_ratio", "strong_ratio"),
    ("pull", "life_min_ns", "life_max_ns"),
    ("vacuum", "thin_ratio", "back_ratio"),
    ("divergence", "bars_min", "bars_max"),
    ("trapped", "breaks_min", "breaks_ripe"),
)


def limits_of(detector: str, name: str, value: Number) -> tuple[Number, Number]:
    """Return the least and the most that a threshold may be; `value` tells its type."""
    if (detector, name) in LIMITS:
        return LIMITS[detector, name]
    if name == "refractory_ns":
        return 0, WEEK_NS
    if name.endswith("_ns"):
        return MILLISECOND_NS, WEEK_NS
    if name.endswith("_ppm"):
        return 1, PPM - 1
    if name.endswith("_share"):
        return 0.0, 1.0
    return (1, 10_000) if isinstance(value, int) else (0.0, 1_000.0)
