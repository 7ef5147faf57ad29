"""The bias of R6.6 from whole lists of closed bars, recomputed from the start every time."""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

HOUR_NS = 3600 * 10**9
MONDAY_NS = 96 * HOUR_NS
WEEK_NS = 168 * HOUR_NS


class Hour(NamedTuple):
    open_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class Votes(NamedTuple):
    slope: int
    structure: int
    vwap: int
    ema: float
    atr: float


def chain(hours: list[Hour]) -> list[Hour]:
    """The hours since the last one that was missing."""
    start = 0
    for i in range(1, len(hours)):
        if hours[i].open_ns != hours[i - 1].open_ns + HOUR_NS:
            start = i
    return hours[start:]


def slow_bars(hours: list[Hour]) -> list[Hour]:
    """Four hours each on the UTC grid, whole ones only."""
    bars = []
    for i, first in enumerate(hours):
        four = hours[i : i + 4]
        if first.open_ns % (4 * HOUR_NS) == 0 and len(four) == 4:
            high, low = max(h.high for h in four), min(h.low for h in four)
            volume = sum(h.volume for h in four)
            bars.append(Hour(first.open_ns, first.open, high, low, four[-1].close, volume))
    return bars


def ema(bars: list[Hour]) -> float:
    value = float(bars[0].close)
    for bar in bars[1:]:
        value += 2 / 21 * (bar.close - value)
    return value


def atr(bars: list[Hour]) -> float:
    ranges = [bars[0].high - bars[0].low]
    for before, bar in pairwise(bars):
        ranges.append(max(bar.high, before.close) - min(bar.low, before.close))
    last = ranges[-14:]
    return sum(last) / len(last)


def swings(values: list[int]) -> list[int]:
    """Swing highs: above the two before, not below the two after."""
    found = []
    for i in range(2, len(values) - 2):
        before, after = values[i - 2 : i], values[i + 1 : i + 3]
        if all(values[i] > v for v in before) and all(values[i] >= v for v in after):
            found.append(values[i])
    return found


def week_vwap(hours: list[Hour]) -> Fraction | None:
    """Since Monday; None where its first hour was not seen, or nothing traded."""
    monday = (hours[-1].open_ns - MONDAY_NS) // WEEK_NS * WEEK_NS + MONDAY_NS
    week = [h for h in hours if h.open_ns >= monday]
    volume = sum(h.volume for h in week)
    if week[0].open_ns != monday or volume == 0:
        return None
    return (
        sum((Fraction(h.high + h.low + h.close, 3) * h.volume for h in week), Fraction()) / volume
    )


def sign(value: float, threshold: float) -> int:
    return (value > threshold) - (value < -threshold)


def votes(hours: list[Hour], bars: list[Hour]) -> Votes | None:
    vwap = week_vwap(hours)
    if vwap is None:
        return None
    level, spread = ema(bars), atr(bars)
    rise = level - ema(bars[:-3]) if len(bars) > 3 else float("nan")
    slope = rise / (3 * spread) if spread > 0 else 0.0
    highs = swings([b.high for b in bars])[-2:]
    lows = [-v for v in swings([-b.low for b in bars])[-2:]]
    structure = 0
    if len(highs) == 2 and len(lows) == 2:
        up = (highs[1] > highs[0]) - (highs[1] < highs[0])
        down = (lows[1] > lows[0]) - (lows[1] < lows[0])
        structure = up if up == down else 0
    side = sign(float(bars[-1].close - vwap), 0.1 * spread)
    return Votes(sign(slope, 0.05), structure, side, level, spread)


def bias_of(hours: list[Hour], bars: list[Hour], warm_up: int) -> int | None:
    if len(bars) < warm_up:
        return None
    cast = votes(hours, bars)
    if cast is None:
        return None
    total = cast.slope + cast.structure + cast.vwap
    return (total >= 2) - (total <= -2)
