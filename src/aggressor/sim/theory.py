"""What theory says of markets simple enough to be solved: oracles for the simulator and its tests.

The time a resting order waits in a first-in-first-out queue (R8.5): `ahead` unit orders stand
before ours. Market orders of unit size arrive at `rate` per second, each order ahead cancels at
`cancel_rate` per second, ours never. The wait is a sum of exponentials with rates
`rate + k * cancel_rate`, k = ahead ... 0. With x = (1 - e^(-cancel_rate t)) / cancel_rate (or t
itself when nobody cancels) the chance to be still waiting is

    e^(-rate t) * sum for j = 0..ahead of  x^j * prod for i < j of (rate + i cancel_rate) / (i + 1)

a sum of positive terms, taken through logarithms, so long queues lose no digits; the Poisson tail
for cancel_rate = 0.

Which of two queues empties first (R11.A: Cont & de Larrard 2013; Avellaneda, Reed & Stoikov 2011),
the first quotes of a market maker among the informed (R11.D: Glosten & Milgrom 1985), and the
cheapest way through a book that refills (R11.H: Obizhaeva & Wang 2013).
"""

import math

import numpy as np
from numpy.typing import NDArray


def fill_probability(ahead: int, rate: float, cancel_rate: float, t: float) -> float:
    """Return the probability that an order with `ahead` unit orders before it fills by `t` s."""
    assert min(ahead, cancel_rate, t) >= 0 < rate
    x = -math.expm1(-cancel_rate * t) / cancel_rate if cancel_rate > 0.0 else t
    if x == 0.0:
        return 0.0
    log_term = -rate * t
    terms = [math.exp(log_term)]
    for j in range(ahead):
        log_term += math.log((rate + j * cancel_rate) / (j + 1) * x)
        terms.append(math.exp(log_term))
    return max(1.0 - math.fsum(terms), 0.0)


def mean_wait(ahead: int, rate: float, cancel_rate: float) -> float:
    """Return the expected seconds until an order with `ahead` unit orders before it fills."""
    assert min(ahead, cancel_rate) >= 0 < rate
    return math.fsum(1.0 / (rate + k * cancel_rate) for k in range(ahead + 1))


def rise_probability(bid: int, ask: int) -> float:
    """Return the chance that the ask queue empties before the bid, both of unit orders (R11.A).

    Each queue grows and shrinks at one rate, the same for both. The integral of Cont and de
    Larrard over [0, pi], by Gauss's rule.
    """
    assert min(bid, ask) >= 1
    nodes, weights = np.polynomial.legendre.leggauss(64 + 4 * (bid + ask))
    t = 0.5 * math.pi * (nodes + 1.0)
    rise = 2.0 - np.cos(t)
    decay = (rise - np.sqrt(rise * rise - 1.0)) ** ask
    return 0.5 * float(weights @ (decay * np.sin(bid * t) / np.tan(0.5 * t)))


def rise_probability_limit(bid: float, ask: float, correlation: float = 0.0) -> float:
    """Return the same for long queues whose changes have a correlation in (-1, 1)."""
    assert min(bid, ask) > 0.0
    assert -1.0 < correlation < 1.0
    c = math.sqrt((1.0 + correlation) / (1.0 - correlation))
    return 0.5 - math.atan(c * (ask - bid) / (ask + bid)) / (2.0 * math.atan(c))


def first_quotes(prior: float, informed: float) -> tuple[float, float]:
    """Return the zero-profit (bid, ask) for the first trade in a value of 0 or 1 (R11.D).

    `prior` is the chance of 1; of the takers a share `informed` knows the value, the others buy or
    sell by a coin. Each quote is the mean of the value given the trade that meets it.
    """
    assert 0.0 < prior < 1.0
    assert 0.0 <= informed < 1.0
    right, wrong = 0.5 * (1.0 + informed), 0.5 * (1.0 - informed)
    ask = prior * right / (prior * right + (1.0 - prior) * wrong)
    bid = prior * wrong / (prior * wrong + (1.0 - prior) * right)
    return bid, ask


def resilient_schedule(
    lots: float, resilience: float, horizon_s: float, trades: int
) -> NDArray[np.float64]:
    """Return the cheapest (trades,) sizes at even times over a horizon in a resilient book (R11.H).

    A trade moves the price in proportion to its size, and what it moved comes back at rate
    `resilience` per second, so the cost is a quadratic form of the sizes: it is minimised under
    the sum `lots`, not looked up. As trades become many the schedule nears that of Obizhaeva and
    Wang: a block at both ends of lots / (resilience x horizon + 2), an even rate between.
    """
    assert trades >= 2
    times = np.linspace(0.0, horizon_s, trades)
    cost = np.exp(-resilience * np.abs(times[:, None] - times))
    shape = np.linalg.solve(cost, np.ones(trades))
    return lots * shape / shape.sum()
