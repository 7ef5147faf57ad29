"""What an exhaustion is judged with: thresholds, records and the arrays of its state; see
`exhaustion` for the meaning.

Shapes: lanes L, directions 2 (0 up, 1 down). Units: ticks, lots, ns.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import params_hash
from aggressor.detectors.run import RunState, run_state
from aggressor.state import State


class ExhaustionParams(NamedTuple):
    """Thresholds; `PERP` and `MICRO` are the two sets of defaults of R7.1."""

    run_window_ns: int
    run_effective_ticks: int
    run_atr: float
    run_costs: float
    run_range: float
    delta_share: float
    still_ns: int
    auction_ns: int
    fade_ratio: float
    strong_ratio: float
    top_row_share: float
    fresh_ns: int
    refractory_ns: int
    patience_ns: int  # after the last new extreme an episode that has not confirmed is over


PERP = ExhaustionParams(
    run_window_ns=30_000_000_000,
    run_effective_ticks=10,
    run_atr=1.0,
    run_costs=3.0,
    run_range=2.0,
    delta_share=0.30,
    still_ns=2_000_000_000,
    auction_ns=500_000_000,
    fade_ratio=0.30,
    strong_ratio=0.70,
    top_row_share=0.20,
    fresh_ns=1_000_000_000,
    refractory_ns=5_000_000_000,
    patience_ns=10_000_000_000,
)
MICRO = PERP._replace(
    run_window_ns=180_000_000_000,
    still_ns=20_000_000_000,
    auction_ns=5_000_000_000,
    refractory_ns=30_000_000_000,
    patience_ns=60_000_000_000,
)
PROFILES = {"perp": PERP, "micro": MICRO}

PARAMS = np.dtype(
    [
        ("run_window_ns", "<i8"),
        ("run_effective_ticks", "<i8"),
        ("run_atr", "<f8"),
        ("run_costs", "<f8"),
        ("run_range", "<f8"),
        ("delta_share", "<f8"),
        ("still_ns", "<i8"),
        ("auction_ns", "<i8"),
        ("fade_ratio", "<f8"),
        ("strong_ratio", "<f8"),
        ("top_row_share", "<f8"),
        ("fresh_ns", "<i8"),
        ("refractory_ns", "<i8"),
        ("patience_ns", "<i8"),
        ("hash", "<u8"),
        ("cost_ticks", "<f8"),  # round trip, set per run from fees and spread
    ]
)
HEAD = np.dtype([("undecided", "<i8"), ("episodes", "<i8"), ("last_ts_venue", "<i8")])
EPISODE = np.dtype(
    [
        ("phase", "<i8"),
        ("faded", "<i8"),
        ("episode", "<i8"),
        ("ts_armed", "<i8"),
        ("start_ts", "<i8"),
        ("extreme_ts", "<i8"),
        ("quiet_until", "<i8"),
        ("start", "<i8"),
        ("extreme", "<i8"),
        ("effective_tick", "<i8"),
        ("young", "<i8"),
        ("delta", "<i8"),
        ("volume", "<i8"),
        ("start_delta", "<i8"),
        ("start_volume", "<i8"),
        ("quantile", "<i8"),
        ("least", "<f8"),  # ticks: R whatever the time of the run
        ("chance", "<f8"),  # run_range x ATR, ticks, for a minute; 0 while that is not known
        ("threshold", "<f8"),
    ]
)


class ExhaustionState(State, frozen=True):
    """One episode per lane and direction, over the lane's run."""

    head: NDArray[Any]  # HEAD, (L,)
    params: NDArray[Any]  # PARAMS, (L,)
    episodes: NDArray[Any]  # EPISODE, (L, 2)
    run: RunState


def exhaustion_state(
    lanes: int, params: ExhaustionParams, cost_ticks: float, timer_ns: int = 100_000_000
) -> ExhaustionState:
    """Allocate for `lanes` instruments with the same thresholds."""
    rows = np.zeros(lanes, PARAMS)
    for name, value in params._asdict().items():
        rows[name] = value
    rows["cost_ticks"] = cost_ticks
    rows["hash"] = params_hash(params._asdict())
    return ExhaustionState(
        np.zeros(lanes, HEAD),
        rows,
        np.zeros((lanes, 2), EPISODE),
        run_state(lanes, params.run_window_ns, timer_ns),
    )
