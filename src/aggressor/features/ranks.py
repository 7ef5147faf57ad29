"""Order statistics by selection: median and MAD of a scratch array, in place, without sorting it.

Medians of an even count are midpoints, so a mirrored (negated) sample has the mirrored median and
the same deviation. Values are int64 below 2^61; results are float64, exact for values below 2^52.
"""

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline

MAD_TO_SIGMA = 1.4826  # of a normal distribution


@kernel
def select(values: NDArray[np.int64], count: Int, rank: Int) -> int:
    """Return the value of 0-based `rank` of values[:count] in order (Hoare); reorders them."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@kernel
def median_and_deviation(values: NDArray[np.int64], count: Int) -> tuple[float, float]:
    """Return the median of values[:count] and their median distance from it; overwrites them."""
    centre2 = _twice_the_median(values, count)
    for i in range(count):
        values[i] = abs(2 * values[i] - centre2)
    return 0.5 * centre2, 0.25 * _twice_the_median(values, count)


@kernel_inline
def _twice_the_median(values: NDArray[np.int64], count: Int) -> int:
    low = select(values, count, (count - 1) // 2)
    if count % 2 == 1:
        return 2 * low
    high = values[count // 2]  # all behind the selected rank are at least as large
    for i in range(count // 2 + 1, count):
        high = min(high, values[i])
    return low + high
