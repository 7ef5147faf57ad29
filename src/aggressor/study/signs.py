"""How long does the side of taker orders remember? (R11 row 8)

The signs are those of taker orders after prints were merged back (R2.2), in order, counted by
order and not by time. Two measures of a memory that falls as lag^-gamma:

    gamma    least squares of log autocorrelation on log lag, over lags 1, 2, ... (about ten a
             decade) up to the last before the autocorrelation's interval first reaches 0
    hurst    detrended fluctuation analysis (DFA-1) of the summed signs, over boxes of n / 100 to
             n / 10 orders; gamma = 2 - 2 H where the memory is long, H = 0.5 where there is none

Small boxes are left out of the second because a short memory fills them: metaorders of ten orders
look as persistent in boxes of sixteen as those without end. Long memory is shown where H lies above
one half in that largest decade *and* the autocorrelation is told from none as far as lag LONG_LAG;
a few thousand orders seldom show it.

Bias: the first fit ends where nothing can be told from noise, so a short recording says little of
long lags; merging prints takes some memory out, prints not merged (an order that its own venue
splits into many stamps) put some in. Intervals are block jackknife: stretches of the recording that
are themselves linked by the memory in question, so they are too narrow. Sources: Lillo & Farmer
2004; Bouchaud et al. 2018; Peng et al. 1994.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.study.estimates import GROUPS, Estimate, Floats, jackknife, not_shown

ORDERS_MIN = 1000
LAG_MAX = 1000
LAGS_MIN = 5  # fewer lags that are told from noise: no slope
LONG_LAG = 30
BOX_MIN = 16
BOXES = 16  # box sizes


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """The autocorrelation at one lag."""

    lag: int
    acf: Estimate


class SignStudy(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of taker signs."""

    orders: int
    bought_share: float | None
    lags: list[Lag]
    last_lag: int  # of the fit
    gamma: Estimate
    hurst: Estimate
    gamma_from_hurst: Estimate
    long_memory: str  # "yes" or "not shown"


def study_signs(sides: NDArray[Any]) -> SignStudy:
    """Measure the memory of sides (n,), +1 and -1 in order; zeros are left out."""
    signs = sides[sides != 0].astype(float)
    n = signs.size
    share = float((signs > 0).mean()) if n else None
    if n < ORDERS_MIN or share in (0.0, 1.0):
        why = f"{n} taker orders, at least {ORDERS_MIN} are needed"
        nothing = not_shown(why if n < ORDERS_MIN else "all on one side", n)
        return SignStudy(
            orders=n,
            bought_share=share,
            lags=[],
            last_lag=0,
            gamma=nothing,
            hurst=nothing,
            gamma_from_hurst=nothing,
            long_memory="not shown",
        )
    lags = spaced(1, min(LAG_MAX, n // GROUPS))
    whole, left_out = _autocorrelations(signs, lags)
    memory = [jackknife(float(whole[i]), left_out[:, i], n) for i in range(lags.size)]
    used = next((i for i, one in enumerate(memory) if one.side <= 0), lags.size)
    last_lag = int(lags[used - 1]) if used else 0
    hurst = _hurst(signs)
    return SignStudy(
        orders=n,
        bought_share=share,
        lags=[Lag(lag=int(lag), acf=one) for lag, one in zip(lags, memory, strict=True)],
        last_lag=last_lag,
        gamma=_gamma(lags[:used], whole[:used], left_out[:, :used], n),
        hurst=hurst,
        gamma_from_hurst=_gamma_of(hurst),
        long_memory="yes" if last_lag >= LONG_LAG and _above_half(hurst) else "not shown",
    )


def spaced(first: int, last: int, per_decade: int = 10) -> NDArray[np.int64]:
    """Return whole numbers from `first` to `last`, evenly spaced in the logarithm."""
    count = max(2, round(per_decade * np.log10(last / first)) + 1)
    return np.unique(np.geomspace(first, last, count).round().astype(np.int64))


def _autocorrelations(signs: Floats, lags: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return autocorrelations (lags,), and (GROUPS, lags) with each stretch left out once.

    A pair belongs to the stretch in which it begins.
    """
    centred = signs - signs.mean()
    edges = np.linspace(0, signs.size, GROUPS + 1).astype(int)[:-1]
    squares = np.add.reduceat(centred * centred, edges)
    sizes = np.diff(np.append(edges, signs.size))
    whole, parts = np.zeros(lags.size), np.zeros((GROUPS, lags.size))
    for i, lag in enumerate(lags):
        products = np.zeros(signs.size)
        products[: signs.size - lag] = centred[lag:] * centred[:-lag]
        sums = np.add.reduceat(products, edges)
        pairs = sizes.astype(float)
        pairs[-1] -= lag
        variance = (squares.sum() - squares) / (signs.size - sizes)
        parts[:, i] = (sums.sum() - sums) / (pairs.sum() - pairs) / variance
        whole[i] = sums.sum() / pairs.sum() / (squares.sum() / signs.size)
    return whole, parts


def _gamma(lags: NDArray[np.int64], whole: Floats, left_out: Floats, n: int) -> Estimate:
    if lags.size < LAGS_MIN:
        last = int(lags[-1]) if lags.size else 0
        return not_shown(f"the memory is lost in the noise behind lag {last}", n)
    if (left_out <= 0.0).any():
        return not_shown("one stretch of the recording carries the memory", n)
    return jackknife(-_slope(lags, whole), np.array([-_slope(lags, one) for one in left_out]), n)


def _slope(x: NDArray[Any], y: Floats) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _hurst(signs: Floats) -> Estimate:
    """Return the exponent of the fluctuation (DFA-1): the slope of log F on log box size."""
    n = signs.size
    profile = np.cumsum(signs - signs.mean())
    largest = n // GROUPS
    sizes = np.unique(np.geomspace(max(BOX_MIN, largest // 10), largest, BOXES).round().astype(int))
    whole, parts = np.zeros(sizes.size), np.zeros((GROUPS, sizes.size))
    for i, size in enumerate(sizes):
        squares = box_squares(profile, int(size))
        stretch = (np.arange(squares.size) * size + size // 2) * GROUPS // n
        sums = np.bincount(stretch, squares, GROUPS)[:GROUPS]
        counts = np.bincount(stretch, minlength=GROUPS)[:GROUPS]
        whole[i] = squares.mean()
        parts[:, i] = (sums.sum() - sums) / (counts.sum() - counts)
    return jackknife(
        0.5 * _slope(sizes, whole), np.array([0.5 * _slope(sizes, one) for one in parts]), n
    )


def box_squares(profile: Floats, size: int) -> Floats:
    """Return the mean squared distance of a profile (n,) from a line, in each whole box."""
    count = profile.size // size
    boxes = profile[: count * size].reshape(count, size)
    x = np.arange(size) - (size - 1) / 2.0
    slopes = boxes @ x / (x @ x)
    left = boxes - boxes.mean(axis=1, keepdims=True) - slopes[:, None] * x
    return (left * left).mean(axis=1)


def _gamma_of(hurst: Estimate) -> Estimate:
    if hurst.value is None or hurst.low is None or hurst.high is None:
        return hurst
    return Estimate(
        value=2.0 - 2.0 * hurst.value,
        low=2.0 - 2.0 * hurst.high,
        high=2.0 - 2.0 * hurst.low,
        n=hurst.n,
    )


def _above_half(hurst: Estimate) -> bool:
    return hurst.low is not None and hurst.low > 0.5
