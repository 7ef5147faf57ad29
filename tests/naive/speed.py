"""Tape speed from the whole list of order times, weighing every slice of the past anew."""

import math
from collections.abc import Sequence

SLICE = 100_000_000


def slice_of(ts: int) -> int:
    return (ts - 1) // SLICE


def window_count(times: Sequence[int], now: int, kept: int) -> int:
    """Return the orders of the last `kept` slices, the one under way included."""
    return sum(slice_of(now) - kept < slice_of(ts) for ts in times)


def usual_count(times: Sequence[int], first: int, now: int, kept: int, half_life: int) -> float:
    """Return the faded mean count of `kept` slices, over all whole slices behind the window."""
    last = slice_of(now) - kept
    counts = dict.fromkeys(range(first + 1, last + 1), 0)
    for ts in times:
        if slice_of(ts) in counts:
            counts[slice_of(ts)] += 1
    weights = {which: 0.5 ** ((last - which) * SLICE / half_life) for which in counts}
    faded = math.fsum(weights[which] * count for which, count in counts.items())
    return kept * faded / math.fsum(weights.values())


def score(orders: int, usual: float) -> tuple[float, float]:
    """Return ratio and Poisson z."""
    return orders / usual, (orders - usual) / math.sqrt(usual)
