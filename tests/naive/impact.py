"""Impact measures from plain lists of windows and prints."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

Print = tuple[int, int, int, int]  # ts, side, lots, price


@dataclass
class Window:
    mid2_before: int
    mid2_after: int
    prints: list[Print] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)  # consecutive price changes

    @property
    def flow(self) -> int:
        return sum(side * lots for _, side, lots, _ in self.prints)

    @property
    def moved(self) -> float:
        return math.log(self.mid2_after / self.mid2_before)


def fit(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float]:
    """Return slope through the origin, uncentred R2 and t."""
    slope = math.fsum(x * y for x, y in zip(xs, ys, strict=True)) / math.fsum(x * x for x in xs)
    residual = math.fsum((y - slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    error = math.sqrt(residual / (len(xs) - 1) / math.fsum(x * x for x in xs))
    return slope, 1 - residual / math.fsum(y * y for y in ys), slope / error


def kyle(windows: Sequence[Window]) -> tuple[float, float, float]:
    changes = [(one.mid2_after - one.mid2_before) / 2 for one in windows]
    return fit([one.flow for one in windows], changes)


def hasbrouck(windows: Sequence[Window], tick_lot: float) -> tuple[float, float, float]:
    roots = [
        sum(side * math.sqrt(lots * price * tick_lot) for _, side, lots, price in one.prints)
        for one in windows
    ]
    return fit(roots, [one.moved for one in windows])


def amihud(windows: Sequence[Window], tick_lot: float) -> float:
    ratios = [
        abs(one.moved) / sum(lots * price * tick_lot for _, _, lots, price in one.prints)
        for one in windows
        if one.prints
    ]
    return sum(ratios) / len(ratios)


def roll(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Return the spread, or None where the covariance is not negative."""
    before = sum(one for one, _ in pairs) / len(pairs)
    after = sum(other for _, other in pairs) / len(pairs)
    covariance = sum((a - before) * (b - after) for a, b in pairs) / len(pairs)
    return 2 * math.sqrt(-covariance) if covariance < 0 else None
