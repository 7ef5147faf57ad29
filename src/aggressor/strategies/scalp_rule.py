"""The numbers of the exhaustion scalp (R7.0, R7.1), for liquid perpetuals and thin micros.

Distances called effective are in effective ticks e (R0.5); times in ns; shares are of what their
comment says. They are starting points to be calibrated by event rate (R10.6), never by profit.
"""

import msgspec

from aggressor.execution.sizing import SizingRule
from aggressor.strategies.gates import Mode

_MS = 1_000_000
_S = 1_000 * _MS


class ScalpRule(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set; the defaults are those of a liquid BTC or ETH perpetual."""

    mode: Mode = Mode.BACKTEST
    unknown: dict[str, str] = {}  # gate -> "pass" | "refuse", where it is not known
    trade_young: bool = False  # take young baselines for known
    trade_in_watch: bool = False  # enter and stay while a cascade is only watched for
    sizing: SizingRule = SizingRule()

    run_effective: float = 10.0  # least run, in e
    run_atr: float = 1.0  # least run, in ATR of one minute
    run_costs: float = 3.0  # least run, in round-trip costs
    run_delta_share: float = 0.30  # of the run's volume

    fade: float = 0.30  # d(t) at or below this share of its peak: the run has stalled
    revive: float = 0.70  # at or above: it has not
    fade_window_ns: int = 1 * _S  # w of d(t)
    still_ns: int = 2 * _S  # no new extreme for so long
    wall_near_effective: float = 1.0  # a new wall beneath: from here
    wall_far_effective: float = 5.0  # to here below the best
    wall_new_ns: int = 1 * _S  # and not older
    lift_share: float = 0.50  # of the run's rate of lifting
    held_effective: float = 2.0  # absorption or iceberg within so much of the extreme
    lean_spreads: float = 0.10  # weighted mid so much of the spread beneath the mid
    turn_spreads: float = 0.20  # and so much: the price turns, cross

    wait_ns: int = 3 * _S  # post-only at the best
    repeg_ns: int = 200 * _MS
    chase_effective: float = 3.0
    cap_effective: float = 1.0
    beyond_effective: float = 1.0  # a new extreme so far beyond invalidates

    stop_effective: float = 2.0
    stop_run: float = 0.25
    slip_effective: float = 1.0  # expected beyond the stop
    first_target_run: float = 0.382
    second_target_run: float = 0.50
    time_ns: int = 60 * _S
    early_share: float = 0.50  # d(t) back at this share of the run's peak: leave

    signal_age_ns: int = 250 * _MS
    spread_multiple: float = 2.0  # of the median spread
    funding_ns: int = 60 * _S  # not so near to funding
    outcomes_min: int = 30  # below, the hit rate counts as unknown
    thin_share_bp: int = 5_000  # of the size, in a thin market


PERPETUAL = ScalpRule()
MICRO = ScalpRule(
    fade_window_ns=10 * _S,
    still_ns=20 * _S,
    wall_new_ns=10 * _S,
    wait_ns=20 * _S,
    repeg_ns=1 * _S,
    time_ns=300 * _S,
    signal_age_ns=1 * _S,
)
RULES = {"perp": PERPETUAL, "micro": MICRO}
