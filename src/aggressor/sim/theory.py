"""Closed form of the time a resting order waits in a first-in-first-out queue (R8.5).

`ahead` unit orders stand before ours. Market orders of unit size arrive at `rate` per second, each
order ahead cancels at `cancel_rate` per second, ours never. The wait is a sum of exponentials with
rates `rate + k * cancel_rate`, k = ahead ... 0. With x = (1 - e^(-cancel_rate t)) / cancel_rate (or
t itself when nobody cancels) the chance to be still waiting is

    e^(-rate t) * sum for j = 0..ahead of  x^j * prod for i < j of (rate + i cancel_rate) / (i + 1)

a sum of positive terms, taken through logarithms, so long queues lose no digits; the Poisson tail
for cancel_rate = 0.
"""

import math


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
