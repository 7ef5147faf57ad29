"""Strategies by name: the one line a new strategy adds here makes it known to every command."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from aggressor.engine.ports import Strategy
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.strategies.exhaustion_scalp import ExhaustionScalp
from aggressor.strategies.gates import Mode
from aggressor.strategies.scalp_rule import RULES, ScalpRule


def _exhaustion_scalp(
    instrument: Instrument, lane: int, profile: str, mode: Mode, changes: Mapping[str, Any]
) -> ExhaustionScalp:
    unknown = set(changes) - set(ScalpRule.__struct_fields__)
    if unknown:
        raise ConfigError(f"{ExhaustionScalp.name} has no rule {', '.join(sorted(unknown))}.")
    rule = msgspec.structs.replace(RULES[profile], mode=mode, **changes)
    return ExhaustionScalp(instrument, lane, rule)


Maker = Callable[[Instrument, int, str, Mode, Mapping[str, Any]], Strategy]
"""Makes a strategy for one instrument on a lane, with the defaults of a profile, in a mode; changes
to the defaults by name."""

STRATEGIES: dict[str, Maker] = {ExhaustionScalp.name: _exhaustion_scalp}


def strategy_named(name: str) -> Maker:
    """Return how a strategy is made; raise ConfigError if there is none of that name."""
    if name not in STRATEGIES:
        raise ConfigError(f"There is no strategy {name!r}; there is {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]
