"""Slope and elasticity of one side from a dict of levels, with fractions where they are exact."""

import math
from fractions import Fraction
from itertools import accumulate, pairwise

from tests.naive.depth import Levels, best_first


def mid_of(bids: Levels, asks: Levels) -> Fraction:
    return Fraction(max(bids) + min(asks), 2)


def slope(bids: Levels, asks: Levels, side: int, count: int) -> Fraction:
    mid = mid_of(bids, asks)
    levels = best_first(bids if side > 0 else asks, side)[:count]
    sizes = accumulate(lots for _, lots in levels)
    away = [abs(price - mid) for price, _ in levels]
    rises = sum((d * c for d, c in zip(away, sizes, strict=True)), Fraction(0))
    return rises / sum((d * d for d in away), Fraction(0))


def elasticity(bids: Levels, asks: Levels, side: int, count: int) -> float:
    """Return nan where a cumulative size is 1 lot or a price is 0."""
    mid = mid_of(bids, asks)
    levels = best_first(bids if side > 0 else asks, side)[:count]
    prices = [price for price, _ in levels]
    v = [math.log(c) for c in accumulate(lots for _, lots in levels)]
    if mid == 0 or v[0] == 0 or 0 in prices[:-1]:
        return math.nan
    total = v[0] / float(abs(prices[0] / mid - 1))
    for (p, q), (one, other) in zip(pairwise(prices), pairwise(v), strict=True):
        total += (other / one - 1) / float(abs(Fraction(q, p) - 1))
    return total / len(levels)
