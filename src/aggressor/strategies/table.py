"""Strategies by name: the one line a new strategy adds here makes it known to every command."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from aggressor.engine.ports import Strategy
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.schema.settings import changed
from aggressor.strategies import push_rule, scalp_rule, trap_rule
from aggressor.strategies.exhaustion_scalp import ExhaustionScalp
from aggressor.strategies.gates import Mode
from aggressor.strategies.liquidity_trap import LiquidityTrap
from aggressor.strategies.push_through_continuation import PushThroughContinuation
from aggressor.strategies.rule import StrategyRule


class Known(NamedTuple):
    """A strategy, and its numbers by profile."""

    strategy: type[Any]
    rules: Mapping[str, StrategyRule]

    def make(
        self,
        instrument: Instrument,
        lane: int,
        profile: str,
        mode: Mode,
        changes: Mapping[str, Any],
        where: str = "",
    ) -> Strategy:
        """Return the strategy for one instrument on a lane, with a profile's defaults changed.

        Raises ConfigError for a change that is not known, naming `where` it stands.
        """
        name = self.strategy.name
        rule = changed(self.rules[profile], changes, where or name)
        for gate, does in rule.unknown.items():
            if does not in ("pass", "refuse"):
                raise ConfigError(f"{where or name}: unknown.{gate} is pass or refuse, not {does}.")
        if rule.ungated and mode is not Mode.BACKTEST:
            raise ConfigError(f"{where or name}: ungated is for backtests; {mode} asks its gates.")
        return self.strategy(instrument, lane, msgspec.structs.replace(rule, mode=mode))


STRATEGIES: dict[str, Known] = {
    one.strategy.name: one
    for one in (
        Known(ExhaustionScalp, scalp_rule.RULES),
        Known(PushThroughContinuation, push_rule.RULES),
        Known(LiquidityTrap, trap_rule.RULES),
    )
}


def strategy_named(name: str) -> Known:
    """Return a strategy; raise ConfigError if there is none of that name."""
    if name not in STRATEGIES:
        raise ConfigError(
            f"There is no strategy {name!r}; there is {', '.join(STRATEGIES)}, or your own as "
            "path/to/file.py:ClassName."
        )
    return STRATEGIES[name]
