"""Many were tried, one is shown: what is left of a result when every variant counts (R10.4).

    Sharpe ratio    SR = mean / deviation of the trades' results, one period = one trade
    PSR(SR*)        Phi((SR - SR*) sqrt(T - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2))
    by luck         SR* = sqrt(V[SR_n]) ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))), g = 0.5772...:
                    what the best of N variants that earn nothing is expected to reach
    deflated        DSR = PSR(SR*)
    track record    least T at which PSR reaches a level
    Benjamini-Hochberg at q: the k smallest p are kept, k the largest with p_(k) <= k q / m

N is the number of variants tried; they resemble each other, so fewer are independent, and DSR errs
on the strict side. Kurtosis is that of a normal distribution at 3. Sources: Benjamini and Hochberg
1995; Bailey and Lopez de Prado 2012, 2014.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import msgspec
import numpy as np

from aggressor.study.estimates import Floats

FALSE_SHARE = 0.01  # q of the verdict R10.7
DEFLATED_MIN = 0.95
TRADES_MIN = 10  # fewer have no Sharpe ratio worth the name
_NORMAL = NormalDist()
_EULER = 0.5772156649015329


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one variant came to; None: not known."""

    trades: int
    sharpe: float | None = None  # a trade
    skew: float | None = None
    kurtosis: float | None = None
    p: float | None = None  # of its placebo


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an outcome among all variants that were tried, itself included."""

    variants: int
    stands: bool | None  # its p, by Benjamini-Hochberg at FALSE_SHARE; None: it has none
    by_luck: float | None  # the Sharpe ratio that the best of as many would reach
    deflated: float | None  # chance that the true one is above that


def outcome_of(net: Floats, p: float | None) -> Outcome:
    """Return the outcome of trades, (n,) in any unit; without a ratio below TRADES_MIN."""
    n = int(net.size)
    deviation = float(net.std(ddof=1)) if n >= TRADES_MIN else 0.0
    if deviation == 0.0:
        return Outcome(trades=n, p=p)
    spread = (net - net.mean()) / net.std()
    return Outcome(
        trades=n,
        sharpe=float(net.mean()) / deviation,
        skew=float((spread**3).mean()),
        kurtosis=float((spread**4).mean()),
        p=p,
    )


def corrected(own: Outcome, others: Sequence[Outcome]) -> Correction:
    """Hold an outcome against the other variants that were tried on the same market."""
    every = [own, *others]
    ps = [one.p for one in every if one.p is not None]
    ratios = [one.sharpe for one in every if one.sharpe is not None]
    stands = None
    if own.p is not None:
        stands = benjamini_hochberg(ps, FALSE_SHARE)[0]
    if own.sharpe is None or own.skew is None or own.kurtosis is None:
        return Correction(variants=len(every), stands=stands, by_luck=None, deflated=None)
    variance = float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 0.0
    by_luck = math.sqrt(variance) * expected_best(len(every))
    deflated = probability_above(by_luck, own.sharpe, own.trades, own.skew, own.kurtosis)
    return Correction(variants=len(every), stands=stands, by_luck=by_luck, deflated=deflated)


def benjamini_hochberg(ps: Sequence[float], q: float) -> list[bool]:
    """Return which hypotheses are rejected so that a share of about `q` of them is so falsely."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    kept = 0
    for k, i in enumerate(order, start=1):
        if ps[i] <= k * q / len(ps):
            kept = k
    rejected = set(order[:kept])
    return [i in rejected for i in range(len(ps))]


def probability_above(
    target: float, sharpe: float, periods: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Return PSR: how probable it is that the true ratio a period lies above `target`."""
    assert periods > 1
    deviation = math.sqrt(_excess(sharpe, skew, kurtosis) / (periods - 1))
    return _NORMAL.cdf((sharpe - target) / deviation)


def expected_best(variants: int) -> float:
    """Return about the expected largest of N standard normals; 0 for one."""
    assert variants > 0
    if variants == 1:
        return 0.0
    return (1 - _EULER) * _NORMAL.inv_cdf(1 - 1 / variants) + _EULER * _NORMAL.inv_cdf(
        1 - 1 / (variants * math.e)
    )


def least_periods(
    target: float, sharpe: float, skew: float = 0.0, kurtosis: float = 3.0, level: float = 0.95
) -> float:
    """Return the track record, in periods, at which PSR(target) reaches `level`; inf if never."""
    if sharpe <= target:
        return math.inf
    steps = _NORMAL.inv_cdf(level) / (sharpe - target)
    return 1 + _excess(sharpe, skew, kurtosis) * steps**2


def _excess(sharpe: float, skew: float, kurtosis: float) -> float:
    """Return the variance of a ratio's estimate, times the periods."""
    return 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
