"""The numbers of the liquidity trap (R7.3)."""

from typing import Annotated

from aggressor.schema.settings import about
from aggressor.strategies.rule import MS, SECOND, StrategyRule


class TrapRule(StrategyRule, frozen=True, kw_only=True):
    """Everything that can be set; the defaults are those of a liquid BTC or ETH perpetual."""

    signal_age_ns: Annotated[int, about("oldest signal that is acted on", "ns")] = 100 * MS
    near_effective: Annotated[float, about("the bait appeared so far off, from", "e")] = 1.0
    far_effective: Annotated[float, about("to", "e")] = 10.0
    life_ns: Annotated[int, about("least life of the bait", "ns")] = 1 * SECOND
    attract_ns: Annotated[int, about("after it appeared", "ns")] = 5 * SECOND
    attract_share: Annotated[float, about("bought then, at least", "of taker volume")] = 0.55
    attract_effective: Annotated[float, about("or the mid drifted towards buyers", "e")] = 1.0
    test_ns: Annotated[int, about("before it was pulled", "ns")] = 3 * SECOND
    test_share: Annotated[float, about("sold then, at least", "of taker volume")] = 0.60
    reach_effective: Annotated[float, about("best price came so near to it", "e")] = 3.0
    pulled_share: Annotated[float, about("least cancelled", "of peak")] = 0.80
    traded_share: Annotated[float, about("most traded", "of peak")] = 0.20
    others_max: Annotated[int, about("a book-wide pull: so many other walls gone", "walls")] = 3

    back_share: Annotated[float, about("the bait is back", "of peak")] = 0.70
    back_ns: Annotated[int, about("within", "ns")] = 250 * MS
    depth_share: Annotated[float, about("depth that leaves no vacuum", "of its median")] = 0.80
    cap_effective: Annotated[float, about("the entry's limit, beyond the best", "e")] = 2.0
    stop_effective: Annotated[float, about("the stop, beyond the best before the pull", "e")] = 2.0
    gap_effective: Annotated[float, about("a gap behind the best is a vacuum from", "e")] = 3.0
    target_multiple: Annotated[float, about("the target where nothing is nearer", "R")] = 2.0
    bias_share_bp: Annotated[int, about("of the size, against the bias", "bp")] = 5_000
    time_ns: Annotated[int, about("time stop", "ns")] = 30 * SECOND


PERPETUAL = TrapRule()
MICRO = TrapRule(
    signal_age_ns=500 * MS,
    life_ns=5 * SECOND,
    attract_ns=30 * SECOND,
    test_ns=20 * SECOND,
    time_ns=180 * SECOND,
)
RULES = {"perp": PERPETUAL, "micro": MICRO}
