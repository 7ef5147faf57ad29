"""Gates: what must hold before a trade, each PASS, REFUSE or UNKNOWN, with its value (R7.0).

"Not known" is a third answer and never silently a yes or a no. What it does depends on where we
stand:

* in backtest and paper the trade passes and the gate is recorded as one that would have refused, so
  that history accrues and can be split by it afterwards;
* live it refuses;
* the configuration may say otherwise, gate by gate.

A REFUSE refuses everywhere. The cost gate (R7.0, R10.2) works the same way: a hit rate not yet
measured is UNKNOWN. Its rule: with target T, stop S and cost C in ticks a trade breaks even at a
hit rate of p* = (S + C) / (T + S); it is admitted when p* is not above the lower end of the 90 %
Wilson interval of the rate measured for this setup.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import isnan, sqrt
from typing import NamedTuple

from aggressor.engine.reading import Measure, Ripeness

Z_90 = 1.6448536269514722  # two-sided 90 %
Z_95 = 1.959963984540054


class Mode(StrEnum):
    """Where the orders go."""

    BACKTEST = "backtest"
    PAPER = "paper"
    LIVE = "live"


class Answer(StrEnum):
    """What a gate says."""

    PASS = "pass"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


class Gate(NamedTuple):
    """One gate, answered: the value it looked at and the bound it was held against."""

    name: str
    answer: Answer
    value: float | str | None
    bound: float | str | None


class Verdict(NamedTuple):
    """All gates together: admitted or not, which refused, which unknown ones were let pass."""

    admitted: bool
    refused: tuple[str, ...]
    would_refuse: tuple[str, ...]


def verdict(gates: Iterable[Gate], mode: Mode, unknown: Mapping[str, str]) -> Verdict:
    """Weigh answered gates; `unknown` maps a gate's name to "pass" or "refuse" for its UNKNOWN."""
    refused: list[str] = []
    would: list[str] = []
    for gate in gates:
        if gate.answer is Answer.REFUSE:
            refused.append(gate.name)
        elif gate.answer is Answer.UNKNOWN:
            does = unknown.get(gate.name, "refuse" if mode is Mode.LIVE else "pass")
            assert does in ("pass", "refuse"), f"{gate.name}: unknown does {does!r}"
            (would if does == "pass" else refused).append(gate.name)
    return Verdict(not refused, tuple(refused), tuple(would))


def at_least(name: str, value: float | None, bound: float | None) -> Gate:
    """Pass when value >= bound; unknown when either is not known (None or NaN)."""
    if value is None or bound is None or isnan(value) or isnan(bound):
        return Gate(name, Answer.UNKNOWN, value, bound)
    return Gate(name, Answer.PASS if value >= bound else Answer.REFUSE, value, bound)


def at_most(name: str, value: float | None, bound: float | None) -> Gate:
    """Pass when value <= bound; unknown when either is not known (None or NaN)."""
    if value is None or bound is None or isnan(value) or isnan(bound):
        return Gate(name, Answer.UNKNOWN, value, bound)
    return Gate(name, Answer.PASS if value <= bound else Answer.REFUSE, value, bound)


def less_than(name: str, value: float | None, bound: float | None) -> Gate:
    """Pass when value < bound; unknown when either is not known (None or NaN)."""
    if value is None or bound is None or isnan(value) or isnan(bound):
        return Gate(name, Answer.UNKNOWN, value, bound)
    return Gate(name, Answer.PASS if value < bound else Answer.REFUSE, value, bound)


def holds(name: str, value: bool | None, bound: str) -> Gate:
    """Pass when true, refuse when false, unknown when None; `bound` says in words what is asked."""
    if value is None:
        return Gate(name, Answer.UNKNOWN, None, bound)
    return Gate(name, Answer.PASS if value else Answer.REFUSE, str(value).lower(), bound)


def is_not(name: str, value: str | int | None, forbidden: tuple[str | int, ...]) -> Gate:
    """Pass when the value is known and none of the forbidden ones."""
    bound = "not " + " or ".join(str(f) for f in forbidden)
    if value is None:
        return Gate(name, Answer.UNKNOWN, None, bound)
    return Gate(name, Answer.REFUSE if value in forbidden else Answer.PASS, str(value), bound)


def trusted(measure: Measure, *, young_too: bool) -> float | None:
    """Return a value whose baseline is ripe, or young if we are told to trade on those (R0.3)."""
    ripe = measure.state is Ripeness.RIPE or (young_too and measure.state is Ripeness.YOUNG)
    return measure.value if ripe else None


def times(factor: float, value: float | None) -> float | None:
    """Return factor x value, None when the value is not known."""
    return None if value is None else factor * value


def break_even(target: float, stop: float, cost: float) -> float:
    """Return p* = (S + C) / (T + S), all in ticks; 1 or more can never pay."""
    assert target + stop > 0
    return (stop + cost) / (target + stop)


def wilson(hits: int, trials: int, z: float) -> tuple[float, float]:
    """Return the Wilson interval of a rate (R10.2); `trials` above zero."""
    assert 0 <= hits <= trials
    assert trials > 0
    rate, zz = hits / trials, z * z
    centre = (rate + zz / (2 * trials)) / (1 + zz / trials)
    half = z * sqrt(rate * (1 - rate) / trials + zz / (4 * trials * trials)) / (1 + zz / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


class HitRecord(NamedTuple):
    """Outcomes of one setup: how many reached the target first."""

    hits: int = 0
    trials: int = 0

    def with_one(self, hit: bool) -> "HitRecord":
        """Return the record with one more outcome."""
        return HitRecord(self.hits + hit, self.trials + 1)


NO_HISTORY = HitRecord()


def cost_gate(
    target: float, stop: float, cost: float | None, record: HitRecord, trials_min: int
) -> Gate:
    """Answer the cost gate; UNKNOWN while the cost is, or fewer than `trials_min` outcomes."""
    name = "cost"
    if cost is None:
        return Gate(name, Answer.UNKNOWN, None, None)
    needed = break_even(target, stop, cost)
    if needed >= 1:  # no hit rate can carry it
        return Gate(name, Answer.REFUSE, needed, 1.0)
    if record.trials < max(1, trials_min):
        return Gate(name, Answer.UNKNOWN, needed, None)
    return at_most(name, needed, wilson(record.hits, record.trials, Z_90)[0])
