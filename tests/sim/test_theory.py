"""Closed form of the waiting time (T8.5), against Monte Carlo on a FIFO queue."""

import math
from itertools import pairwise

import numpy as np
import pytest

from aggressor.sim.theory import fill_probability, mean_wait


def test_t8_5():
    assert fill_probability(5, 2.0, 0.0, 4.0) == pytest.approx(0.808764, abs=5e-7)
    assert fill_probability(5, 2.0, 0.5, 4.0) == pytest.approx(0.976016, abs=5e-7)
    assert mean_wait(5, 2.0, 0.5) == pytest.approx(1.991270, abs=5e-7)


def test_nobody_cancels_is_the_poisson_tail():
    mass = sum(math.exp(-6.0) * 6.0**j / math.factorial(j) for j in range(8))
    assert fill_probability(7, 1.5, 0.0, 4.0) == pytest.approx(1.0 - mass, abs=1e-12)
    assert fill_probability(7, 1.5, 1e-9, 4.0) == pytest.approx(1.0 - mass, abs=1e-7)


def test_long_queues_keep_their_digits():
    values = [fill_probability(400, 3.0, 0.2, t) for t in range(0, 60, 4)]
    assert values[0] == pytest.approx(0.0, abs=1e-12)
    assert fill_probability(1000, 10.0, 0.0, 100.0) == pytest.approx(0.4916, abs=1e-3)
    assert all(0.0 <= a <= b + 1e-12 <= 1.0 + 2e-12 for a, b in pairwise(values))


@pytest.mark.parametrize(("ahead", "cancel_rate"), [(0, 0.3), (5, 0.0), (5, 0.5), (12, 0.4)])
def test_monte_carlo_of_a_fifo_queue(ahead, cancel_rate):
    rng = np.random.default_rng(11)
    paths, rate, t = 40_000, 2.0, 2.5
    wait = np.zeros(paths)
    for k in range(ahead, -1, -1):  # the next to leave is served, or one of the k ahead cancels
        wait += rng.exponential(1.0 / (rate + k * cancel_rate), paths)
    found = float(np.mean(wait <= t))
    exact = fill_probability(ahead, rate, cancel_rate, t)
    assert abs(found - exact) < 4.5 * math.sqrt(exact * (1 - exact) / paths) + 1e-9
    assert wait.mean() == pytest.approx(mean_wait(ahead, rate, cancel_rate), rel=0.03)
