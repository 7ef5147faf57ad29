"""Lead and lag of two quote series, by the estimator of Hayashi and Yoshida.

Two series change at their own, irregular times. For a lag l added to A's clock, the covariance is
the sum of dA_i dB_j over all pairs of changes whose intervals (t_before, t] overlap: nothing is
resampled, so nothing is smeared. Divided by the root of both sums of squares it is the curve
rho(l); a peak at l > 0 means that A's moves come l earlier than B's: A leads. The lead-lag ratio
is the sum of rho^2 over l > 0 over that over l < 0.

Give venue times: receive times would measure the two lines. Clocks of two venues agree only to a
bound, and a lag inside the bound is meaningless: then no leader is named, and the reason is.

Times int64 ns, not decreasing; values float64 in each series' own unit (log mid, or ticks).
Sources: R6.4; Hayashi & Yoshida 2005; Huth & Abergel 2014.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aggressor.kernel import Int, kernel

CHANGES_MIN = 200  # of each series


class Leader(IntEnum):
    """Who moves first."""

    NONE = 0  # not to be said
    A = 1
    B = 2


class LeadLag(NamedTuple):
    """The curve and what may be said of it."""

    lags_ns: NDArray[np.int64]
    curve: NDArray[np.float64]  # rho at each lag, within -1..1 up to estimation noise
    peak_ns: int  # the lag of the largest |rho|
    peak: float
    ratio: float  # above 1: A leads; nan where there is nothing on either side
    bound_ns: int  # what the two clocks may differ by
    changes: tuple[int, int]
    leader: Leader
    reason: str  # why no leader is named; "" where one is


class Changes(NamedTuple):
    """A quote series reduced to its changes; the first row is the value it started from."""

    times: NDArray[np.int64]  # ns, strictly increasing
    values: NDArray[np.float64]
    late: int  # rows left out because their time went back


def quote_changes(times: NDArray[np.int64], values: ArrayLike) -> Changes:
    """Return the changes of a series, rows in order of arrival.

    Of rows with one time the last counts; a row whose time goes back is left out and counted.
    """
    given = np.asarray(values, np.float64)
    latest = np.maximum.accumulate(times) if times.size else times
    kept = times >= latest
    times, given = times[kept], given[kept]
    if times.size:
        final = np.append(times[1:] != times[:-1], True)
        times, given = times[final], given[final]
        moved = np.append(True, given[1:] != given[:-1])
        times, given = times[moved], given[moved]
    return Changes(np.ascontiguousarray(times), np.ascontiguousarray(given), int((~kept).sum()))


def lead_lag(
    a: Changes,
    b: Changes,
    lags_ns: NDArray[np.int64],
    bound_ns: int,
    changes_min: int = CHANGES_MIN,
) -> LeadLag:
    """Return the curve over `lags_ns` (ascending) and the leader, if one may be named.

    `bound_ns` is what the two venues' clocks may differ by, from whoever measured them.
    """
    assert bound_ns >= 0, "a bound is not negative"
    assert lags_ns.size > 0, "at least one lag"
    lags_ns = np.ascontiguousarray(lags_ns, np.int64)
    curve = np.zeros(lags_ns.size)
    norm = float(np.sqrt(np.sum(np.diff(a.values) ** 2) * np.sum(np.diff(b.values) ** 2)))
    run_covariance(a.times, a.values, b.times, b.values, lags_ns, curve)
    curve = curve / norm if norm > 0.0 else np.full(lags_ns.size, np.nan)
    counts = (max(a.times.size - 1, 0), max(b.times.size - 1, 0))
    if norm == 0.0:
        nothing = "one of the series never changed"
        return LeadLag(lags_ns, curve, 0, np.nan, np.nan, bound_ns, counts, Leader.NONE, nothing)
    top = int(np.argmax(np.abs(curve)))
    peak_ns = int(lags_ns[top])
    ahead = float(np.sum(curve[lags_ns > 0] ** 2))
    behind = float(np.sum(curve[lags_ns < 0] ** 2))
    ratio = ahead / behind if behind > 0.0 else (np.inf if ahead > 0.0 else np.nan)
    reason = _doubt(lags_ns, top, bound_ns, counts, changes_min)
    leader = Leader.NONE if reason else (Leader.A if peak_ns > 0 else Leader.B)
    peak = float(curve[top])
    return LeadLag(lags_ns, curve, peak_ns, peak, ratio, bound_ns, counts, leader, reason)


def _doubt(
    lags_ns: NDArray[np.int64], top: int, bound_ns: int, counts: tuple[int, int], changes_min: int
) -> str:
    """Return why no leader may be named; "" where one may."""
    if min(counts) < changes_min:
        return f"{min(counts)} changes, fewer than {changes_min}"
    if abs(int(lags_ns[top])) <= bound_ns:
        return f"the peak lies within the clocks' bound of {bound_ns / 1e6:g} ms"
    if lags_ns.size > 1 and top in (0, lags_ns.size - 1):
        return "the curve has no peak inside the lags looked at"
    return ""


@kernel
def run_covariance(
    times_a: NDArray[np.int64],
    values_a: NDArray[np.float64],
    times_b: NDArray[np.int64],
    values_b: NDArray[np.float64],
    lags: NDArray[np.int64],
    out: NDArray[np.float64],
) -> Int:
    """Write the Hayashi-Yoshida sum for every lag; one pass over both series a lag.

    The changes of B that overlap one change of A follow each other, so their sum is the difference
    of two values of B.
    """
    for n in range(lags.size):
        lag = lags[n]
        total = 0.0
        first = np.int64(0)  # changes of B that end at or before A's interval begins
        last = np.int64(0)  # changes of B that begin before A's interval ends
        for i in range(1, times_a.size):
            start, end = times_a[i - 1] + lag, times_a[i] + lag
            while first + 1 < times_b.size and times_b[first + 1] <= start:
                first += 1
            while last + 1 < times_b.size and times_b[last] < end:
                last += 1
            if last > first:
                total += (values_a[i] - values_a[i - 1]) * (values_b[last] - values_b[first])
        out[n] = total
    return lags.size
