"""Depth, imbalance and cost to trade over dicts of levels, with fractions and loops."""

import math
from fractions import Fraction

Levels = dict[int, int]


def best_first(levels: Levels, side: int) -> list[tuple[int, int]]:
    return sorted(levels.items(), key=lambda level: -side * level[0])


def depth_ticks(levels: Levels, side: int, ticks: int) -> tuple[int, int, bool]:
    ordered = best_first(levels, side)
    if not ordered:
        return 0, 0, True
    best = ordered[0][0]
    inside = [(p, q) for p, q in ordered if side * (best - p) <= ticks - 1]
    deepest = ordered[-1][0]
    return (
        sum(q for _, q in inside),
        sum(p * q for p, q in inside),
        side * (best - deepest) < ticks - 1,
    )


def depth_bp(bids: Levels, asks: Levels, side: int, bp: Fraction) -> tuple[int, int, bool]:
    if not bids or not asks:
        return 0, 0, True
    mid = Fraction(max(bids) + min(asks), 2)
    reach = abs(mid) * bp / 10_000
    levels = bids if side > 0 else asks
    inside = [(p, q) for p, q in levels.items() if abs(p - mid) <= reach]
    # Truncated: some whole tick inside the bound lies beyond the deepest level.
    deepest = best_first(levels, side)[-1][0]
    beyond = deepest - side
    truncated = abs(beyond - mid) <= reach
    return sum(q for _, q in inside), sum(p * q for p, q in inside), truncated


def walk(levels: Levels, side: int, lots: int) -> tuple[int, Fraction]:
    """Return lots filled and the sum of price x lots; `levels` are those the aggressor hits."""
    left, value = lots, Fraction(0)
    for price, there in best_first(levels, -side):
        taken = min(left, there)
        left -= taken
        value += price * taken
    return lots - left, value


def harmonic(levels: Levels, side: int, lots: int) -> Fraction | None:
    left, parts = lots, Fraction(0)
    for price, there in best_first(levels, -side):
        taken = min(left, there)
        left -= taken
        parts += Fraction(taken, price)
    return Fraction(lots - left) / parts if parts else None


def exponential_depth(levels: Levels, side: int, length: float) -> float:
    ordered = best_first(levels, side)
    return sum(q * math.exp(-side * (ordered[0][0] - p) / length) for p, q in ordered)


def book_pressure(bids: Levels, asks: Levels, side: int, ticks: int) -> float:
    mid = Fraction(max(bids) + min(asks), 2)
    levels = bids if side > 0 else asks
    best = best_first(levels, side)[0][0]
    return float(sum(q / abs(p - mid) for p, q in levels.items() if side * (best - p) <= ticks - 1))
