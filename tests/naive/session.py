"""Sessions, nodes and naked points of control from plain lists."""

from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from typing import Any

from aggressor.schema.event import BAD_CLOCK, NOT_FLOW, TRADE
from tests.naive.footprint import naive_poc, naive_value_area

DAY = 86_400 * 10**9
WEEK = 7 * DAY


class NaiveSession:
    """One session: its prints, in order."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.prints: list[tuple[int, int, int]] = []  # price, lots, side

    def rows(self, row_ticks: int) -> dict[int, int]:
        volume: dict[int, int] = defaultdict(int)
        for price, lots, _ in self.prints:
            volume[price // row_ticks] += lots
        return dict(volume)

    def delta(self, row_ticks: int) -> dict[int, int]:
        volume: dict[int, int] = defaultdict(int)
        for price, lots, side in self.prints:
            volume[price // row_ticks] += side * lots
        return dict(volume)

    def area(self, row_ticks: int, step: int, both: bool) -> tuple[int, int, int]:
        """Point of control, VAL, VAH as lowest ticks of rows."""
        rows = self.rows(row_ticks)
        low, high, _, _ = naive_value_area(rows, Fraction(7, 10), step, both)
        return naive_poc(rows) * row_ticks, low * row_ticks, high * row_ticks


def moments(prints: list[tuple[int, int, int]]) -> tuple[Fraction, Fraction]:
    """Volume-weighted mean and variance."""
    total = sum(lots for _, lots, _ in prints)
    mean = Fraction(sum(price * lots for price, lots, _ in prints), total)
    return mean, sum(lots * (price - mean) ** 2 for price, lots, _ in prints) / Fraction(total)


def naive_sessions(events: Any, span: int) -> list[NaiveSession]:
    """Cut trades into sessions, the one in hand last."""
    found: list[NaiveSession] = []
    for event in events:
        if event["kind"] != TRADE or event["flags"] & NOT_FLOW or event["size"] <= 0:
            continue
        good = not event["flags"] & BAD_CLOCK
        ts = int(event["ts_venue"])
        if good and (not found or ts >= found[-1].start + span):
            found.append(NaiveSession(ts // span * span))
        if found:
            found[-1].prints.append((int(event["price"]), int(event["size"]), int(event["side"])))
    return found


def naive_naked(sessions: list[NaiveSession], row_ticks: int) -> dict[int, int]:
    """{start of session: lowest tick of its row} of the points of control not printed at since."""
    naked = {}
    for i, session in enumerate(sessions[:-1]):
        row = naive_poc(session.rows(row_ticks))
        later = [price // row_ticks for other in sessions[i + 1 :] for price, _, _ in other.prints]
        if row not in later:
            naked[session.start] = row * row_ticks
    return naked


def naive_smooth(volume: list[int], weights: list[float]) -> list[float]:
    """Smooth, adding each pair of rows at one distance first."""
    reach = len(weights) - 1
    padded = [0] * reach + volume + [0] * reach
    smooth = []
    for i in range(reach, reach + len(volume)):
        total = weights[0] * padded[i]
        for d in range(1, reach + 1):
            total += weights[d] * (padded[i - d] + padded[i + d])
        smooth.append(total)
    return smooth


def naive_highs(smooth: list[float], share: float) -> list[tuple[int, int]]:
    """Spans of rows that stand out by `share` of the maximum, by walking from every row."""
    needed = share * max(smooth, default=0.0)
    if needed <= 0:
        return []
    rows = []
    for i, here in enumerate(smooth):
        bases = []
        for step in (-1, 1):
            lowest, j = here, i + step
            while 0 <= j < len(smooth) and smooth[j] <= here:
                lowest = min(lowest, smooth[j])
                j += step
            bases.append(lowest if 0 <= j < len(smooth) else 0.0)
        if all(here - base >= needed for base in bases):
            rows.append(i)
    spans: list[tuple[int, int]] = []
    for i in rows:
        if spans and smooth[i] - min(smooth[spans[-1][1] : i + 1]) < needed:
            spans[-1] = (spans[-1][0], i)
        else:
            spans.append((i, i))
    return spans


def naive_lows(smooth: list[float], highs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of the lowest rows between neighbours, where low enough."""
    found = []
    for one, other in pairwise(highs):
        between = range(one[1] + 1, other[0])
        lowest = min(smooth[i] for i in between)
        if lowest <= 0.5 * min(smooth[one[0]], smooth[other[0]]):
            rows = [i for i in between if smooth[i] == lowest]
            found.append((rows[0], rows[-1]))
    return found


def naive_tpo(ranges: list[tuple[int, int, int]], row_ticks: int, period: int) -> dict[int, int]:
    """{row: periods} from (ts, low, high)."""
    periods: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for ts, low, high in ranges:
        periods[ts // period].append((low, high))
    count: dict[int, int] = defaultdict(int)
    for each in periods.values():
        low = min(one for one, _ in each) // row_ticks
        high = max(one for _, one in each) // row_ticks
        for row in range(low, high + 1):
            count[row] += 1
    return dict(count)
