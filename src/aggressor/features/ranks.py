"""Order statistics by counting: median and MAD of a scratch array, in place, without sorting it.

Medians of an even count are midpoints, so a mirrored (negated) sample has the mirrored median and
the same deviation. Values are int64 below 2^61; results are float64, exact for values below 2^52.
"""

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline

MAD_TO_SIGMA = 1.4826  # of a normal distribution
_BEYOND = 2**62  # any value


@kernel
def select(values: NDArray[np.int64], count: Int, rank: Int) -> int:
    """Return the value of 0-based `rank` of values[:count] in order.

    The range of values is halved until one is left: counting has no branch to guess, and a
    processor counts several values at once.
    """
    low, high = values[0], values[0]
    for i in range(1, count):
        low, high = min(low, values[i]), max(high, values[i])
    while low < high:
        middle = (low + high) >> 1
        below = np.int64(0)
        for i in range(count):
            below += np.int64(values[i] <= middle)
        if below > rank:
            high = middle
        else:
            low = middle + 1
    return low


@kernel_inline
def _count_to(values: NDArray[np.int64], count: Int, limit: Int) -> Int:
    below = np.int64(0)
    for i in range(count):
        below += np.int64(values[i] <= limit)
    return below


@kernel
def select_near(values: NDArray[np.int64], count: Int, rank: Int, guess: Int) -> Int:
    """Return what `select` returns; the better the guess, the fewer times values are counted."""
    low = high = np.int64(guess)
    step = np.int64(abs(guess) >> 4) + 1
    if _count_to(values, count, guess) > rank:
        low -= step
        while _count_to(values, count, low) > rank:
            high = low
            step += step
            low -= step
        low += 1
    else:
        high += step
        while _count_to(values, count, high) <= rank:
            low = high
            step += step
            high += step
        low += 1
    while low < high:
        middle = (low + high) >> 1
        if _count_to(values, count, middle) > rank:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def median_and_deviation(values: NDArray[np.int64], count: Int) -> tuple[float, float]:
    """Return the median of values[:count] and their median distance from it; overwrites them."""
    middle = select(values, count, (count - 1) // 2)
    centre2 = _twice_the_median(values, count, middle)
    for i in range(count):
        values[i] = abs(2 * values[i] - centre2)
    middle = select(values, count, (count - 1) // 2)
    return 0.5 * centre2, 0.25 * _twice_the_median(values, count, middle)


@kernel
def median_and_deviation_near(
    values: NDArray[np.int64], count: Int, guesses: NDArray[np.int64]
) -> tuple[float, float]:
    """Return what `median_and_deviation` returns, sought from what was found last.

    `guesses` (2,) holds both medians that were selected and takes those of this call.
    """
    rank = (count - 1) // 2
    guesses[0] = select_near(values, count, rank, guesses[0])
    centre2 = _twice_the_median(values, count, guesses[0])
    for i in range(count):
        values[i] = abs(2 * values[i] - centre2)
    guesses[1] = select_near(values, count, rank, guesses[1])
    return 0.5 * centre2, 0.25 * _twice_the_median(values, count, guesses[1])


@kernel_inline
def _twice_the_median(values: NDArray[np.int64], count: Int, low: Int) -> Int:
    """Return twice the median of values[:count], of which `low` is the lower middle one."""
    if count % 2 == 1:
        return 2 * low
    below, high = np.int64(0), np.int64(_BEYOND)
    for i in range(count):
        below += np.int64(values[i] <= low)
        high = min(high, values[i] if values[i] > low else np.int64(_BEYOND))
    return 2 * low if below > count // 2 else low + high
