"""The chance that a passive order fills in time, and what waiting costs beside crossing (R8.4,
R8.5).

A parametric hazard, fitted on recordings by `study.fill_model` and evaluated here, with plain
arithmetic, wherever a policy asks:

    P(filled by t) = 1 - exp(-t^k exp(b . x)),   t in seconds

    x = 1
        ln(1 + front / mean print)      the queue ahead, in prints
        imbalance                       (own side - other side) / both, at the touch
        ln(spread in ticks)
        ln(1 + rate of the takers who could fill it / mean print), prints per second

k above 1 is a queue that must first be worked off. The covariance of b (of k fixed at its estimate)
is kept, so that a chance comes with the interval in which the fit leaves it: between orders of one
stretch of time these depend on each other, which the fit allows for, and on another day the market
may be another, which nothing in here knows.

`adverse_bp` is how far the mid goes against an order after a passive fill, `drift_bp` how far it
runs away while one is waited for in vain, both means of the fit's recording. Caveat of R8.5: most
fills happen as price trades through, and are adverse ones.
"""

import math
from typing import NamedTuple

import msgspec

FEATURES = ("one", "queue", "imbalance", "spread", "rate")
_LOG_MAX = 50.0


class FillModel(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted hazard; `beta` in the order of FEATURES, `covariance` its rows."""

    beta: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    shape: float = 1.0  # k
    adverse_bp: float = 0.0
    drift_bp: float = 0.0
    orders: int = 0  # it rests on
    filled: int = 0  # of them
    source: str = ""  # where they came from

    def __post_init__(self) -> None:
        """Refuse what is no fit."""
        size = len(FEATURES)
        assert len(self.beta) == len(self.covariance) == size
        assert all(len(row) == size for row in self.covariance)
        assert self.shape > 0.0


class Chance(NamedTuple):
    """A probability with the bounds at so many standard errors of its log hazard."""

    value: float
    low: float
    high: float


class Costs(NamedTuple):
    """Expected cost of both ways against the mid, in the same unit; + is paid."""

    wait: float
    cross: float


def features(
    front: float, mean_print: float, own_lots: float, other_lots: float, spread: float, rate: float
) -> tuple[float, ...]:
    """Return x of the module text; `rate` is lots per second of takers against this side."""
    unit = max(mean_print, 1e-9)
    both = own_lots + other_lots
    return (
        1.0,
        math.log1p(max(front, 0.0) / unit),
        (own_lots - other_lots) / both if both > 0 else 0.0,
        math.log(max(spread, 1.0)),
        math.log1p(max(rate, 0.0) / unit),
    )


def chance(model: FillModel, x: tuple[float, ...], seconds: float, errors: float = 1.0) -> Chance:
    """Return the chance of a fill within `seconds`, and its bounds at `errors` standard errors."""
    level = sum(b * v for b, v in zip(model.beta, x, strict=True))
    spread = sum(x[i] * x[j] * model.covariance[i][j] for i in range(len(x)) for j in range(len(x)))
    reach = errors * math.sqrt(max(spread, 0.0))

    def filled(log_hazard: float) -> float:
        if seconds <= 0.0:
            return 0.0
        grown = min(log_hazard + model.shape * math.log(seconds), _LOG_MAX)
        return -math.expm1(-math.exp(grown))

    return Chance(filled(level), filled(level - reach), filled(level + reach))


def cross_or_wait(
    fill: float,
    *,
    half_spread: float,
    maker_fee: float,
    taker_fee: float,
    adverse: float,
    drift: float,
) -> Costs:
    """Return the expected costs of R8.4, all in one unit (ticks or basis points). T8.4b."""
    crossing = half_spread + taker_fee
    waiting = fill * (-half_spread + maker_fee + adverse) + (1.0 - fill) * (drift + crossing)
    return Costs(waiting, crossing)
