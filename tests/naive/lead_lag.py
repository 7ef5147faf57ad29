"""Hayashi-Yoshida by its definition: every pair of changes, every overlap."""

import math
from collections.abc import Sequence


def covariance(
    times_a: Sequence[int],
    values_a: Sequence[float],
    times_b: Sequence[int],
    values_b: Sequence[float],
    lag: int,
) -> float:
    terms = []
    for i in range(1, len(times_a)):
        for j in range(1, len(times_b)):
            start = max(times_a[i - 1] + lag, times_b[j - 1])
            end = min(times_a[i] + lag, times_b[j])
            if start < end:
                terms.append((values_a[i] - values_a[i - 1]) * (values_b[j] - values_b[j - 1]))
    return math.fsum(terms)
