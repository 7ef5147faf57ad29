"""The numbers of the exhaustion scalp (R7.1), for liquid perpetuals and thin micros."""

from typing import Annotated

from aggressor.schema.settings import about
from aggressor.strategies.rule import MS, SECOND, StrategyRule


class ScalpRule(StrategyRule, frozen=True, kw_only=True):
    """Everything that can be set; the defaults are those of a liquid BTC or ETH perpetual."""

    trade_in_watch: Annotated[bool, about("trade while a cascade is only watched for")] = False

    run_effective: Annotated[float, about("least run", "e")] = 10.0
    run_atr: Annotated[float, about("least run", "ATR")] = 1.0
    run_costs: Annotated[float, about("least run", "round trips")] = 3.0
    run_delta_share: Annotated[float, about("least delta of the run", "of the run's volume")] = 0.30
    fade: Annotated[float, about("d(t) at or below this: the run has stalled", "of peak")] = 0.30
    revive: Annotated[float, about("d(t) at or above this: it has not", "of peak")] = 0.70
    fade_window_ns: Annotated[int, about("window of d(t)", "ns")] = 1 * SECOND
    still_ns: Annotated[int, about("no new extreme for so long", "ns")] = 2 * SECOND
    wall_near_effective: Annotated[float, about("a new wall beneath, from here", "e")] = 1.0
    wall_far_effective: Annotated[float, about("to here", "e")] = 5.0
    wall_new_ns: Annotated[int, about("and not older", "ns")] = 1 * SECOND
    lift_share: Annotated[
        float, about("rate of lifting that has died down", "of the run's rate")
    ] = 0.50
    held_effective: Annotated[float, about("absorption so near to the extreme", "e")] = 2.0
    lean_spreads: Annotated[float, about("weighted mid so far beneath the mid", "spreads")] = 0.10
    turn_spreads: Annotated[float, about("and so far: the price turns, cross", "spreads")] = 0.20
    wait_ns: Annotated[int, about("post-only at the best for so long", "ns")] = 3 * SECOND
    repeg_ns: Annotated[int, about("least time between two amends", "ns")] = 200 * MS
    chase_effective: Annotated[float, about("never further from the first price", "e")] = 3.0
    cap_effective: Annotated[float, about("of the crossing order, beyond the best", "e")] = 1.0
    beyond_effective: Annotated[float, about("a new extreme so far beyond invalidates", "e")] = 1.0
    stop_effective: Annotated[float, about("least way of the stop beyond the extreme", "e")] = 2.0
    stop_run: Annotated[float, about("or so much", "of run")] = 0.25
    first_target_run: Annotated[float, about("first half, back from the extreme", "of run")] = 0.382
    second_target_run: Annotated[float, about("second half, or the VWAP", "of run")] = 0.50
    time_ns: Annotated[int, about("time stop", "ns")] = 60 * SECOND
    early_share: Annotated[
        float, about("d(t) back at this share of the run's peak: leave", "of peak")
    ] = 0.50


PERPETUAL = ScalpRule()
MICRO = ScalpRule(
    fade_window_ns=10 * SECOND,
    still_ns=20 * SECOND,
    wall_new_ns=10 * SECOND,
    wait_ns=20 * SECOND,
    repeg_ns=1 * SECOND,
    time_ns=300 * SECOND,
    signal_age_ns=1 * SECOND,
)
RULES = {"perp": PERPETUAL, "micro": MICRO}
