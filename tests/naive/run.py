"""The run from lists: every pair of samples, every print, nothing kept in rings."""

from math import log
from typing import NamedTuple

Print = tuple[int, int, int, int]  # receive time, price, lots, side


class Sample(NamedTuple):
    """What one TIMER closed: extremes since the TIMER before, sums since the beginning."""

    ts: int
    low: int | None
    high: int | None
    delta: int
    volume: int


class Run(NamedTuple):
    start: int
    extreme: int
    start_ts: int
    extreme_ts: int
    delta: int
    volume: int


def samples_of(prints: list[Print], timers: list[int]) -> list[Sample]:
    """Close one sample per timer; a print counts from the first timer at or after it."""
    out = []
    before = -(2**62)
    for ts in timers:
        own = [p for p in prints if before < p[0] <= ts]
        known = [p for p in prints if p[0] <= ts]
        prices = [price for _, price, _, _ in own]
        out.append(
            Sample(
                ts,
                min(prices, default=None),
                max(prices, default=None),
                sum(side * lots for _, _, lots, side in known),
                sum(lots for _, _, lots, _ in known),
            )
        )
        before = ts
    return out


def find_run(samples: list[Sample], direction: int, now: int, window_ns: int) -> Run | None:
    """Return the largest move from a sample to a later one; of equals the latest."""
    inside = [s for s in samples if now - s.ts <= window_ns and s.low is not None]
    best = None
    for i, first in enumerate(inside):
        for last in inside[i + 1 :]:
            start = first.low if direction > 0 else first.high
            extreme = last.high if direction > 0 else last.low
            assert start is not None
            assert extreme is not None
            length = direction * (extreme - start)
            key = (length, first.ts, last.ts)
            if length > 0 and (best is None or key > best[0]):
                best = (
                    key,
                    Run(
                        start,
                        extreme,
                        first.ts,
                        last.ts,
                        direction * (last.delta - first.delta),
                        last.volume - first.volume,
                    ),
                )
    return best[1] if best else None


def sample_before(samples: list[Sample], ts: int, kept: int) -> Sample | None:
    """Return the newest of the last `kept` samples at or before `ts`."""
    found = [s for s in samples[-kept:] if s.ts <= ts]
    return found[-1] if found else None


def extreme(values: list[int], windows: int) -> float:
    """Return Q0.99, or above Q0.9 an exponential tail where there are fewer than 100 windows."""
    ranked = sorted(values)
    q5, q9, q99 = (ranked[-(-len(ranked) * percent // 100) - 1] for percent in (50, 90, 99))
    if windows >= 100:
        return q99
    return max(q99, q9 + (q9 - q5) * log(10) / log(5))


class Rows(NamedTuple):
    top: tuple[int, int, int]
    largest: int
    against: int


def count_rows(
    prints: list[Print], direction: int, since_ts: int, extreme: int, row_ticks: int
) -> Rows:
    """Sum lots per row of `row_ticks` from the extreme inwards."""
    rows: dict[int, int] = {}
    against = 0
    for ts, price, lots, side in prints:
        inside = direction * (extreme - price)
        if ts <= since_ts:
            continue
        if side == direction and inside >= 0:
            rows[inside // row_ticks] = rows.get(inside // row_ticks, 0) + lots
        elif side == -direction and inside == 0:
            against += lots
    first = (rows.get(0, 0), rows.get(1, 0), rows.get(2, 0))
    return Rows(first, max(rows.values(), default=0), against)
