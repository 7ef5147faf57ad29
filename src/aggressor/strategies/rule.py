"""The numbers that every strategy has (R7.0).

A strategy's numbers are one frozen struct that inherits `StrategyRule`; each carries its meaning
and unit, and `aggressor strategies` prints them. Distances called effective are in effective ticks
e (R0.5); times in ns. They are starting points to be calibrated by event rate (R10.6), never by
profit.
"""

from typing import Annotated

import msgspec

from aggressor.execution.sizing import SizingRule
from aggressor.schema.settings import about
from aggressor.strategies.gates import Mode

MS = 1_000_000
SECOND = 1_000 * MS


class StrategyRule(msgspec.Struct, frozen=True, kw_only=True):
    """What all strategies can be told; `mode` says where the orders go and is not to be set."""

    mode: Mode = Mode.BACKTEST
    unknown: Annotated[
        dict[str, str], about("gate -> pass or refuse, where what it asks is not known")
    ] = {}
    ungated: Annotated[
        bool, about("enter although gates refuse, and record them; backtests only")
    ] = False
    trade_young: Annotated[bool, about("take young baselines for known")] = False
    sizing: SizingRule = SizingRule()
    signal_age_ns: Annotated[int, about("oldest signal that is acted on", "ns")] = 250 * MS
    spread_multiple: Annotated[float, about("widest spread", "medians of it")] = 2.0
    funding_ns: Annotated[int, about("no entry so near before funding", "ns")] = 60 * SECOND
    outcomes_min: Annotated[int, about("below, the hit rate counts as unknown", "trades")] = 30
    thin_share_bp: Annotated[int, about("of the size, in a thin market", "bp")] = 5_000
    slip_effective: Annotated[float, about("expected beyond the stop", "e")] = 1.0
