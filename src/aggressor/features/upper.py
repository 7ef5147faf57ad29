"""Exact high quantiles of the last n values at a few nanoseconds a value (R0.3, R2.3).

A high nearest rank only needs the largest few values. They are kept sorted (LARGEST of them); a
value below the smallest of them touches nothing, a value that leaves the window is taken out if
it is among them. When too few are left to answer, they are gathered again from the ring, which is
rare: their number moves up and down by chance alone. For quantiles deep in the sample use
`recent`.

    head      (n,)            UPPER_HEAD
    values    (n, C)          int64, a ring in order of arrival; C a power of two
    times     (n, C)          int64 ns
    largest   (n, LARGEST)    int64, ascending; the first `top` are in use

Invariant: largest[:top] are the `top` largest values of the window, with repetition.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import NO_VALUE, PPM
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.state import State

LARGEST = 64  # Q.99 of 2000 values needs 21 of them

UPPER_HEAD = np.dtype(
    [
        ("window_ns", "<i8"),
        ("limit", "<i8"),  # values in the window at most
        ("oldest", "<i8"),  # ring counters: values oldest .. newest - 1 are in the window
        ("newest", "<i8"),
        ("top", "<i8"),
    ]
)


class UpperState(State, frozen=True):
    """The last values of every series and the largest of them."""

    head: NDArray[Any]
    values: NDArray[np.int64]
    times: NDArray[np.int64]
    largest: NDArray[np.int64]


def upper_state(windows_ns: Sequence[int], limit: int) -> UpperState:
    """Return empty series, one per window; each holds at most the last `limit` values."""
    head = np.zeros(len(windows_ns), UPPER_HEAD)
    head["window_ns"] = windows_ns
    head["limit"] = limit
    shape = (len(windows_ns), 1 << (limit - 1).bit_length())
    largest = np.zeros((len(windows_ns), LARGEST), np.int64)
    return UpperState(head, np.zeros(shape, np.int64), np.zeros(shape, np.int64), largest)


@kernel_inline
def add_upper(upper: UpperState, n: Int, now: Int, value: Int) -> bool:
    """Add one value; the too old leave. Say whether a high quantile may have moved."""
    head, mask = upper.head[n], upper.values.shape[1] - 1
    oldest, newest, top = head["oldest"], head["newest"], head["top"]
    moved = newest - oldest < head["limit"]
    if newest > oldest and not moved:
        gone = upper.values[n, np.uint64(oldest & mask)]
        head["oldest"] = oldest + 1
        if top > 0 and gone >= upper.largest[n, 0]:
            _take_out(upper, n, gone)
            moved = True
    if head["oldest"] < newest:
        if upper.times[n, np.uint64(head["oldest"] & mask)] <= now - head["window_ns"]:
            _expire(upper, n, now)
            moved = True
    top = head["top"]
    whole = top == newest - head["oldest"]
    upper.values[n, np.uint64(newest & mask)] = value
    upper.times[n, np.uint64(newest & mask)] = now
    head["newest"] = newest + 1
    if (whole and top < LARGEST) or (top > 0 and value > upper.largest[n, 0]):
        _put_in(upper, n, value)
        moved = True
    return moved


@kernel
def _expire(upper: UpperState, n: Int, now: Int) -> None:
    """Drop the values at or before now - window."""
    head, mask = upper.head[n], upper.values.shape[1] - 1
    while head["oldest"] < head["newest"]:
        if upper.times[n, head["oldest"] & mask] > now - head["window_ns"]:
            break
        gone = upper.values[n, head["oldest"] & mask]
        head["oldest"] += 1
        if head["top"] > 0 and gone >= upper.largest[n, 0]:
            _take_out(upper, n, gone)


@kernel_inline
def upper_count(upper: UpperState, n: Int) -> int:
    """Return how many values the window holds."""
    return upper.head[n]["newest"] - upper.head[n]["oldest"]


@kernel_inline
def upper_quantile(upper: UpperState, n: Int, ppm: Int) -> int:
    """Return the exact nearest-rank quantile, `ppm` in parts per million.

    NO_VALUE of an empty window, and where more than LARGEST values lie above the rank.
    """
    head = upper.head[n]
    count = head["newest"] - head["oldest"]
    above = count - max((count * ppm + PPM - 1) // PPM, 1)
    if count == 0 or above >= LARGEST:
        return NO_VALUE
    if above >= head["top"]:
        _gather(upper, n)
    return upper.largest[n, head["top"] - 1 - above]


@kernel
def _put_in(upper: UpperState, n: Int, value: Int) -> None:
    """Put a value in its place; the smallest goes when there are LARGEST already."""
    head, largest = upper.head[n], upper.largest
    top = head["top"]
    if top == LARGEST:
        place = 0
        while place + 1 < top and largest[n, place + 1] < value:
            largest[n, place] = largest[n, place + 1]
            place += 1
        largest[n, place] = value
        return
    place = top
    while place > 0 and largest[n, place - 1] > value:
        largest[n, place] = largest[n, place - 1]
        place -= 1
    largest[n, place] = value
    head["top"] = top + 1


@kernel
def _take_out(upper: UpperState, n: Int, value: Int) -> None:
    """Take out one of a value that is among the largest."""
    head, largest = upper.head[n], upper.largest
    place = head["top"] - 1
    while largest[n, place] != value:
        place -= 1
    for i in range(place, head["top"] - 1):
        largest[n, i] = largest[n, i + 1]
    head["top"] -= 1


@kernel
def _gather(upper: UpperState, n: Int) -> None:
    """Find the largest values of the window again."""
    head, mask = upper.head[n], upper.values.shape[1] - 1
    head["top"] = 0
    for i in range(head["oldest"], head["newest"]):
        value = upper.values[n, i & mask]
        if head["top"] < LARGEST or value > upper.largest[n, 0]:
            _put_in(upper, n, value)
