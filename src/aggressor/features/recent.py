"""Exact statistics of few values: the last n in order, a fading mean, a robust z-score.

`RecentState` keeps the last values twice, in order of arrival and in order of size, so that a
nearest rank is one read (R0.3: Q_a = x of rank ceil(a n), counted from 1). Values older than its
window are dropped. Read it *before* adding the value under test: a baseline is strictly past
(R2.3).

    head     (n,)      RECENT_HEAD
    values   (n, C)    int64 ring in order of arrival
    times    (n, C)    int64 ns ring
    ordered  (n, C)    int64, ascending; the first `count` are in use

A fading mean has the weight of the past 2^(-dt / half-life) on irregular times. The robust z is (x
- median) / (1.4826 MAD), both nearest rank, the MAD floored at max(1 lot, 0.05 |median|). Source:
R0.3, R2.3.
"""

from collections.abc import Sequence
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import NO_VALUE, PPM
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.state import State

NO_LIMIT_NS = 2**62
MAD_SCALE = 1.4826
MAD_SHARE = 0.05
_LN2 = log(2.0)

RECENT_HEAD = np.dtype(
    [
        ("window_ns", "<i8"),
        ("first", "<i8"),  # place of the oldest in the rings
        ("count", "<i8"),
    ]
)


class RecentState(State, frozen=True):
    """The last values of every series."""

    head: NDArray[Any]
    values: NDArray[np.int64]
    times: NDArray[np.int64]
    ordered: NDArray[np.int64]


def recent_state(windows_ns: Sequence[int], capacity: int) -> RecentState:
    """Return empty series, one per window; each holds the last `capacity` values."""
    head = np.zeros(len(windows_ns), RECENT_HEAD)
    head["window_ns"] = windows_ns
    shape = (len(windows_ns), capacity)
    return RecentState(head, *(np.zeros(shape, np.int64) for _ in range(3)))


@kernel_inline
def _rank_of(ordered: NDArray[np.int64], count: Int, value: Int) -> Int:
    """Return how many of the first `count` values are below `value`."""
    low = np.int64(0)
    high = np.int64(count)
    while low < high:
        middle = (low + high) >> 1
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel_inline
def _drop_oldest(recent: RecentState, n: Int) -> None:
    head = recent.head[n]
    ordered = recent.ordered[n]
    at = _rank_of(ordered, head["count"], recent.values[n, head["first"]])
    for i in range(at, head["count"] - 1):
        ordered[i] = ordered[i + 1]
    head["count"] -= 1
    head["first"] += 1
    if head["first"] == recent.values.shape[1]:
        head["first"] = 0


@kernel_inline
def expire_recent(recent: RecentState, n: Int, now: Int) -> None:
    """Drop the values at or before now - window."""
    head = recent.head[n]
    oldest = now - head["window_ns"]
    while head["count"] > 0 and recent.times[n, head["first"]] <= oldest:
        _drop_oldest(recent, n)


@kernel_inline
def add_recent(recent: RecentState, n: Int, now: Int, value: Int) -> None:
    """Add one value; the oldest goes when there is no more place."""
    expire_recent(recent, n, now)
    head = recent.head[n]
    capacity = recent.values.shape[1]
    if head["count"] == capacity:
        _drop_oldest(recent, n)
    ordered = recent.ordered[n]
    at = _rank_of(ordered, head["count"], value)
    i = head["count"]
    while i > at:
        ordered[i] = ordered[i - 1]
        i -= 1
    ordered[at] = value
    place = head["first"] + head["count"]
    if place >= capacity:
        place -= capacity
    recent.values[n, place] = value
    recent.times[n, place] = now
    head["count"] += 1


@kernel_inline
def recent_quantile(recent: RecentState, n: Int, ppm: Int) -> Int:
    """Return the exact nearest-rank quantile, parts per million; NO_VALUE of nothing."""
    count = recent.head[n]["count"]
    if count == 0:
        return np.int64(NO_VALUE)
    rank = max((count * ppm + PPM - 1) // PPM, 1)
    return recent.ordered[n, rank - 1]


@kernel_inline
def recent_count(recent: RecentState, n: Int) -> Int:
    """Return how many values are kept."""
    return recent.head[n]["count"]


@kernel_inline
def fading_weight(elapsed_ns: Int, half_life_ns: Int) -> float:
    """Return the weight of the past after `elapsed_ns`: 2^(-elapsed / half-life)."""
    return exp(-_LN2 * float(max(elapsed_ns, 0)) / float(half_life_ns))


@kernel_inline
def fading_mean(mean: float, sample: float, weight: float) -> float:
    """Return the mean after one more sample, the past weighing `weight`."""
    return weight * mean + (1.0 - weight) * sample


@kernel_inline
def _sort(values: NDArray[Any], count: Int) -> None:
    """Sort the first `count` values in place; meant for tens of them."""
    for i in range(1, count):
        value = values[i]
        j = i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@kernel_inline
def robust_z(values: NDArray[np.int64], count: Int, scratch: NDArray[np.int64], x: Int) -> float:
    """Return the distance of `x` from the first `count` values in robust deviations, or nan."""
    if count == 0:
        return np.nan
    for i in range(count):
        scratch[i] = values[i]
    _sort(scratch, count)
    median = scratch[(count + 1) // 2 - 1]
    for i in range(count):
        scratch[i] = abs(values[i] - median)
    _sort(scratch, count)
    floor = max(1.0, MAD_SHARE * float(abs(median)))
    return float(x - median) / (MAD_SCALE * max(float(scratch[(count + 1) // 2 - 1]), floor))


@kernel
def run_recent(
    ts: NDArray[np.int64],
    values: NDArray[np.int64],
    recent: RecentState,
    n: Int,
    ppm: Int,
    out: Any,
) -> Int:
    """Write the quantile before each value to out[i], then add it; return how many."""
    for i in range(ts.size):
        expire_recent(recent, n, ts[i])
        out[i] = recent_quantile(recent, n, ppm)
        add_recent(recent, n, ts[i], values[i])
    return ts.size


@kernel
def robust_z_of(values: NDArray[np.int64], scratch: NDArray[np.int64], x: Int) -> float:
    """Return the robust z of `x` among all `values`, to a caller outside kernels."""
    return robust_z(values, values.size, scratch, x)


@kernel
def fading_mean_of(ts: NDArray[np.int64], samples: NDArray[np.float64], half_life_ns: Int) -> float:
    """Return the fading mean of samples at times `ts`, begun with the first."""
    mean = samples[0]
    for i in range(1, ts.size):
        mean = fading_mean(mean, samples[i], fading_weight(ts[i] - ts[i - 1], half_life_ns))
    return mean
