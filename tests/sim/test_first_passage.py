"""The Cont-Stoikov-Talreja tables of 11.I: linear solve, and Monte Carlo through the queue
kernels."""

import math

import numpy as np
import pytest

from tests.naive.first_passage import LAM, MU, THETA, fill_before_move, up_probability
from tests.sim.fifo import BOLD, CAUTIOUS, EXACT, drift, race

UP = [
    [0.500, 0.335, 0.259, 0.216, 0.188],
    [0.665, 0.500, 0.407, 0.348, 0.307],
    [0.741, 0.593, 0.500, 0.437, 0.391],
    [0.784, 0.652, 0.563, 0.500, 0.452],
    [0.812, 0.693, 0.609, 0.548, 0.500],
]
FILL = {
    1: [0.503, 0.698, 0.794, 0.848, 0.882],
    2: [0.359, 0.551, 0.664, 0.737, 0.787],
    3: [0.291, 0.465, 0.578, 0.656, 0.713],
    5: [0.224, 0.369, 0.472, 0.548, 0.607],
}
RATES = np.array([LAM, MU, THETA])


def test_up_probability_by_linear_solve():
    assert np.abs(up_probability()[1:6, 1:6] - np.array(UP)).max() < 0.0006


def test_fill_before_the_ask_empties_by_linear_solve():
    found = fill_before_move()
    for position, row in FILL.items():
        assert np.abs(found[position, 1:6] - np.array(row)).max() < 0.0006


def test_up_probability_by_monte_carlo():
    rng = np.random.default_rng(3)
    paths = 30_000
    for bid, ask in ((1, 1), (3, 1), (2, 4)):
        n, a = np.full(paths, bid), np.full(paths, ask)
        alive = np.ones(paths, bool)
        while alive.any():
            edges = np.cumsum(
                [np.full(paths, LAM), np.full(paths, LAM), MU + THETA * n, MU + THETA * a], 0
            )
            draw = rng.random(paths) * edges[-1]
            n += alive * ((draw < edges[0]).astype(int) - ((draw >= edges[1]) & (draw < edges[2])))
            a += alive * (((draw >= edges[0]) & (draw < edges[1])).astype(int) - (draw >= edges[2]))
            alive &= (n > 0) & (a > 0)
        exact = UP[bid - 1][ask - 1]
        assert abs(np.mean(a == 0) - exact) < 4.5 * math.sqrt(exact * (1 - exact) / paths) + 0.001


@pytest.mark.parametrize("position", sorted(FILL))
def test_fill_before_the_ask_empties_through_the_queue_kernels(position):
    paths = 30_000
    for ask, exact in enumerate(FILL[position], start=1):
        wins = np.zeros(4, np.int64)
        truth, fronts, fills = race(
            7 * ask + position,
            paths,
            position - 1,
            ask,
            RATES,
            np.zeros(4),
            np.zeros(4, np.int64),
            wins,
        )
        assert fronts == 0
        assert fills == 0
        assert wins[EXACT] == truth
        assert wins[CAUTIOUS] <= truth <= wins[BOLD]
        assert abs(truth / paths - exact) < 4.5 * math.sqrt(exact * (1 - exact) / paths) + 0.001


def test_power_one_is_unbiased_under_uniform_cancels():
    gaps = np.zeros(60_000)
    drift(5, 30, 20, 25, np.zeros(4), np.zeros(4, np.int64), gaps)
    assert gaps.std() > 0.5
    assert abs(gaps.mean()) < 4.5 * gaps.std() / math.sqrt(gaps.size)
