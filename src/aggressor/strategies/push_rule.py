"""The numbers of the push-through continuation (R7.2)."""

from typing import Annotated

from aggressor.schema.settings import about
from aggressor.strategies.rule import MS, SECOND, StrategyRule


class PushRule(StrategyRule, frozen=True, kw_only=True):
    """Everything that can be set; the defaults are those of a liquid BTC or ETH perpetual."""

    wall_age_ns: Annotated[int, about("least age of the wall", "ns")] = 2 * SECOND
    traded_share: Annotated[float, about("least f_T of the wall", "of what stood")] = 0.5
    cancelled_share: Annotated[float, about("most f_C of the wall", "of what stood")] = 0.3
    next_wall_effective: Annotated[float, about("no wall ahead within", "e")] = 4.0
    cost_share: Annotated[float, about("most cost to trade", "of the target")] = 1 / 3
    late_sigmas: Annotated[float, about("velocity at which it is too late", "sigma of 1 s")] = 8.0
    late_ns: Annotated[int, about("over which velocity is taken", "ns")] = 1 * SECOND
    reward: Annotated[float, about("least target", "R")] = 1.2

    cap_effective: Annotated[float, about("the entry's limit, beyond L", "e")] = 2.0
    retest_ns: Annotated[int, about("rest at L for so long if nothing filled", "ns")] = 2 * SECOND
    repeg_ns: Annotated[int, about("least time between two amends", "ns")] = 200 * MS
    stop_effective: Annotated[float, about("the stop, behind L", "e")] = 2.0
    target_multiple: Annotated[float, about("the target where no wall is nearer", "R")] = 2.0
    secure_multiple: Annotated[float, about("gain at which the stop goes to entry", "R")] = 1.0
    hold_ns: Annotated[int, about("best price at L or beyond within", "ns")] = 2 * SECOND
    put_back_share: Annotated[float, about("a wall put back at L or before", "of its peak")] = 0.5
    time_ns: Annotated[int, about("time stop below that gain", "ns")] = 20 * SECOND
    range_ns: Annotated[int, about("over which the range is taken", "ns")] = 10 * SECOND
    range_share: Annotated[float, about("it consolidates", "of the break's range")] = 0.30


PERPETUAL = PushRule()
MICRO = PushRule(
    wall_age_ns=20 * SECOND,
    retest_ns=10 * SECOND,
    repeg_ns=1 * SECOND,
    hold_ns=20 * SECOND,
    time_ns=180 * SECOND,
    signal_age_ns=1 * SECOND,
)
RULES = {"perp": PERPETUAL, "micro": MICRO}
