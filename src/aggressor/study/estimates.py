"""An estimate with its interval, or the reason why there is none.

Three ways to an interval of 95 %, for samples in order of time that depend on their neighbours:

    Newey-West       slopes of a least squares fit; Bartlett weights, 4 (n/100)^(2/9) lags
    block bootstrap  whatever is a function of sums over rows (R2, differences of R2): circular
                     blocks of n^(1/3) rows, at least 5, percentiles of DRAWS draws from one seed
    block jackknife  whatever is a function of means over stretches of time: GROUPS stretches, each
                     left out once, Student's t

The last two are too narrow where memory is longer than a block or a stretch: order signs are such
a case, and a recording of minutes says little of hours. Plain NumPy, seeded: the same rows give the
same interval. Sources: Newey & West 1987, 1994; Kuensch 1989; Politis & Romano 1992.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

DRAWS = 2000
GROUPS = 10
BLOCK_MIN = 5
NORMAL = 1.959964  # 97.5 % quantile
STUDENT_9 = 2.262157  # the same of Student's t with GROUPS - 1 degrees of freedom
_SEED = 20_140_101
_AT_ONCE = 200_000  # block starts drawn at one time


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its 95 % interval, or the reason why it is not shown."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0  # what it rests on
    why: str = ""

    @property
    def side(self) -> int:
        """+1 where the whole interval lies above 0, -1 below; 0: neither, or not known."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0.0) - int(self.high < 0.0)


class Fit(NamedTuple):
    """Least squares of y on one column: slope, its standard error, intercept, R2."""

    slope: float
    error: float
    intercept: float
    r2: float


def not_shown(why: str, n: int = 0) -> Estimate:
    """Return an estimate that does not exist, with the reason."""
    return Estimate(n=n, why=why)


def least_squares(x: Floats, y: Floats) -> Fit:
    """Fit y = intercept + slope x, all (n,); the error of the slope is that of Newey and West.

    nan where x does not vary.
    """
    centred = x - x.mean()
    spread = float(centred @ centred)
    if spread <= 0.0:
        return Fit(np.nan, np.nan, np.nan, np.nan)
    slope = float(centred @ y) / spread
    intercept = float(y.mean() - slope * x.mean())
    left = y - intercept - slope * x
    total = float(((y - y.mean()) ** 2).sum())
    scores = centred * left
    long_run = float(scores @ scores)
    lags = int(4.0 * (x.size / 100.0) ** (2.0 / 9.0))
    for lag in range(1, min(lags, x.size - 1) + 1):
        long_run += 2.0 * (1.0 - lag / (lags + 1.0)) * float(scores[lag:] @ scores[:-lag])
    error = float(np.sqrt(max(long_run, 0.0) * x.size / max(x.size - 2, 1))) / spread
    r2 = 1.0 - float(left @ left) / total if total > 0.0 else np.nan
    return Fit(slope, error, intercept, r2)


def slope_estimate(fit: Fit, n: int) -> Estimate:
    """Return the slope of a fit with its interval."""
    if not np.isfinite(fit.slope):
        return not_shown("what should explain does not vary", n)
    reach = NORMAL * fit.error
    return Estimate(value=fit.slope, low=fit.slope - reach, high=fit.slope + reach, n=n)


def bootstrap(
    rows: Floats, statistics: Callable[[Floats], Floats], block_rows: int = 0
) -> list[Estimate]:
    """Return each statistic of the sums over rows (n, columns), with block bootstrap intervals.

    Blocks of `block_rows`, 0: those of the module text. `statistics` maps sums (draws, columns) to
    values (draws, k), every draw by itself; sums of a draw are scaled to n rows.
    """
    n = rows.shape[0]
    length = min(block_rows or max(round(n ** (1.0 / 3.0)), BLOCK_MIN), n)
    count = -(-n // length)
    twice = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(np.vstack([rows, rows]), 0)])
    blocks = (twice[length : length + n] - twice[:n]) * (n / (count * length))
    chance = np.random.default_rng(_SEED)
    drawn = []
    step = max(1, _AT_ONCE // count)
    for first in range(0, DRAWS, step):
        starts = chance.integers(0, n, (min(step, DRAWS - first), count))
        drawn.append(blocks[starts].sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = statistics(rows.sum(axis=0)[None, :])[0]
        ways = statistics(np.concatenate(drawn)).T
    return [_between(float(value), one, n) for value, one in zip(values, ways, strict=True)]


def _between(value: float, drawn: Floats, n: int) -> Estimate:
    """Return a value with the percentiles of its draws; a draw in which nothing varies is none."""
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not drawn.size:
        return not_shown("nothing varies", n)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value=value, low=float(low), high=float(high), n=n)


def jackknife(value: float, left_out: Floats, n: int) -> Estimate:
    """Return `value` with the interval that the values (GROUPS,), one stretch left out, imply."""
    if not (np.isfinite(value) and np.isfinite(left_out).all()):
        return not_shown("one stretch of the recording carries it all", n)
    spread = float(((left_out - left_out.mean()) ** 2).sum())
    reach = STUDENT_9 * float(np.sqrt(spread * (left_out.size - 1) / left_out.size))
    return Estimate(value=float(value), low=float(value) - reach, high=float(value) + reach, n=n)
