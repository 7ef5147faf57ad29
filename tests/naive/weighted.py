"""Distance-weighted sums of one side from dicts of levels, exact but for the exponential."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from tests.naive.depth import Levels, best_first, depth_bp


class Side(NamedTuple):
    exponential: float
    pressure: Fraction
    pressure_squared: Fraction
    lots: list[int]
    complete: int


def side_of(
    bids: Levels, asks: Levels, side: int, length: float, tick: int, reach: int, bounds: list[int]
) -> Side:
    mid = Fraction(max(bids) + min(asks), 2)
    levels = best_first(bids if side > 0 else asks, side)
    best = levels[0][0]
    near = [(p, q) for p, q in levels if side * (best - p) < reach * tick]
    depths = [depth_bp(bids, asks, side, Fraction(bound)) for bound in bounds]
    sums = [0, *(lots for lots, _, _ in depths)]
    return Side(
        sum(q * math.exp(-(side * (best - p) // tick) / length) for p, q in levels),
        sum((q / abs(p - mid) for p, q in near), Fraction(0)),
        sum((q / abs(p - mid) ** 2 for p, q in near), Fraction(0)),
        [far - close for close, far in pairwise(sums)],
        sum(not truncated for _, _, truncated in depths),
    )
