"""Which strategies run on which instruments of a run.

    NAME[@venue:SYMBOL][,NAME[@venue:SYMBOL] ...]

A name without a place runs on every instrument. `NAME` is one of the table, or a class of one's own
(`path/to/file.py:ClassName`), whose orders may also go to the other instruments of the run. Several
may share an instrument: the desk has one trade on it at a time, and they are asked in this order.

Parameters of one strategy stand as they are; those of several stand in a table of each one's name
(the class, of one's own), beside `ungated`, which is for all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aggressor.run.own_strategy import is_own
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument

SHARED = ("ungated",)


class Assigned(NamedTuple):
    """A strategy's name on a lane, with its parameters."""

    lane: int
    name: str
    rule: Mapping[str, Any]


def assigned(
    text: str, rule: Mapping[str, Any], instruments: Sequence[Instrument]
) -> list[Assigned]:
    """Read what runs where, in the order in which they are asked.

    Raises ConfigError for an instrument that is not traded, a strategy that is named twice on one,
    and parameters of one that does not run.
    """
    wanted: list[tuple[int, str]] = []
    for part in (one.strip() for one in text.split(",")):
        name, places = _placed(part, instruments)
        if not name:
            raise ConfigError(f"{text!r} names no strategy: write NAME or NAME@venue:SYMBOL.")
        for lane in places:
            if (lane, name) in wanted:
                raise ConfigError(f"{name} is named twice on {instruments[lane].id}.")
            wanted.append((lane, name))
    names = list(dict.fromkeys(name for _, name in wanted))
    rules = {names[0]: rule} if len(names) == 1 else _rules(names, rule)
    return [Assigned(lane, name, _own(name, rules[name])) for lane, name in wanted]


def short_name(name: str) -> str:
    """Return what a strategy is called: the class, of one's own."""
    return name.rpartition(":")[2] if is_own(name) else name


def _placed(part: str, instruments: Sequence[Instrument]) -> tuple[str, Sequence[int]]:
    name, at, where = part.rpartition("@")
    if not at or "/" in where or ".py" in where:  # the "@" of a folder
        return part, range(len(instruments))
    places = [k for k, one in enumerate(instruments) if one.id == where]
    if not places:
        traded = ", ".join(one.id for one in instruments)
        raise ConfigError(f"{name} is to run on {where}, which is not traded: {traded} is.")
    return name, places


def _rules(names: Sequence[str], rule: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    shorts = [short_name(name) for name in names]
    for key in rule:
        if key not in (*shorts, *SHARED):
            allowed = ", ".join(f"[{one}]" for one in shorts)
            raise ConfigError(
                f"{key} is no parameter of several strategies: give each its table, {allowed}."
            )
    shared = {key: rule[key] for key in SHARED if key in rule}
    rules: dict[str, Mapping[str, Any]] = {}
    for name, short in zip(names, shorts, strict=True):
        own = rule.get(short, {})
        if not isinstance(own, Mapping):
            raise ConfigError(f"{short} is a strategy: its parameters stand in a table [{short}].")
        rules[name] = {**own, **shared}
    return rules


def _own(name: str, rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a strategy's parameters: one of one's own is not told what is of the whole run."""
    return {k: v for k, v in rule.items() if k not in SHARED} if is_own(name) else rule
