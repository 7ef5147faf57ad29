"""`aggressor strategies`: what each strategy trades, needs, asks, and can be told."""

from typing import Any

import msgspec

from aggressor.schema.settings import parameters_of
from aggressor.strategies.entry_gates import MARKET_GATES, PLAN_GATES
from aggressor.strategies.table import STRATEGIES, strategy_named


def list_strategies(name: str | None = None) -> dict[str, Any]:
    """Return the document of the command: all strategies, or the one named.

    Raises ConfigError for a name that there is not.
    """
    names = list(STRATEGIES) if name is None else [name]
    return {
        "strategies": [_described(one) for one in names],
        "common_gates": {**MARKET_GATES, **PLAN_GATES},
        "own": "a class with decide(view), as --strategy path/to/file.py:ClassName",
    }


def _described(name: str) -> dict[str, Any]:
    known = strategy_named(name)
    profiles = {
        profile: {one.name: one.default for one in parameters_of(rule)}
        for profile, rule in known.rules.items()
    }
    first = next(iter(known.rules.values()))
    about = msgspec.to_builtins(known.strategy.description)
    hidden = [] if known.strategy.against else ["bias"]
    return {
        "name": name,
        **about,
        "leaves_out": hidden,
        "parameters": [
            {
                "name": one.name,
                "unit": one.unit,
                "meaning": one.meaning,
                **{profile: values[one.name] for profile, values in profiles.items()},
            }
            for one in parameters_of(first)
        ],
    }
