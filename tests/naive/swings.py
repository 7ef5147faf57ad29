"""Swings and divergences from plain lists of bars."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Swing:
    bar: int
    price: int
    cvd: int


def naive_swings(levels: list[int], cvd: list[int], k: int) -> list[Swing]:
    """Swing highs of order k among `levels` (negate them for lows), from all neighbours."""
    found = []
    for i in range(k, len(levels) - k):
        before, after = levels[i - k : i], levels[i + 1 : i + k + 1]
        if all(levels[i] > one for one in before) and all(levels[i] >= one for one in after):
            found.append(Swing(i, levels[i], cvd[i]))
    return found


def naive_divergences(
    levels: list[int], deltas: list[int], k: int, tick: int, m: float = 1, share: float = 0.05
) -> list[tuple[int, int, str]]:
    """(bar before, bar, regular or hidden) of highs; negate levels and deltas for lows."""
    cvd = [sum(deltas[: i + 1]) for i in range(len(deltas))]
    swings = naive_swings(levels, cvd, k)
    found = []
    for one, other in pairwise(swings):
        between = deltas[one.bar + 1 : other.bar + 1]
        need = share * sum(abs(delta) for delta in between)
        if not 5 <= other.bar - one.bar <= 60 or not any(between):
            continue
        if other.price >= one.price + m * tick and other.cvd <= one.cvd - need:
            found.append((one.bar, other.bar, "regular"))
        if other.price <= one.price - m * tick and other.cvd >= one.cvd + need:
            found.append((one.bar, other.bar, "hidden"))
    return found


def naive_bar_form(bars: Any, i: int, tick: int) -> int:
    """-1 bearish, 1 bullish, 0 neither, 2 unknown."""
    before = sorted(int(bar["volume"]) for bar in bars[max(0, i - 60) : i])
    if tick <= 0 or len(before) < 20:
        return 2
    bar = bars[i]
    volume, delta = int(bar["volume"]), int(bar["delta"])
    move = int(bar["close"]) - int(bar["open"])
    if volume <= 0 or volume < before[(len(before) + 1) // 2 - 1]:
        return 0
    if move >= tick and delta <= -0.1 * volume:
        return -1
    if move <= -tick and delta >= 0.1 * volume:
        return 1
    return 0
