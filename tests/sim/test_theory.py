"""Waiting times (T8.5), queue races (11.A), first quotes (11.D), schedules (11.H)."""

import math
from itertools import pairwise

import numpy as np
import pytest

from aggressor.sim.theory import (
    fill_probability,
    first_quotes,
    mean_wait,
    resilient_schedule,
    rise_probability,
    rise_probability_limit,
)
from aggressor.study.estimates import least_squares


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


@pytest.mark.parametrize(
    ("bid", "ask", "chance"),
    [
        (1, 1, 0.5),
        (2, 1, 0.697653),
        (3, 1, 0.790611),
        (5, 1, 0.872874),
        (5, 2, 0.756022),
        (10, 3, 0.814007),
        (1, 5, 0.127126),
    ],
)
def test_11_a_which_queue_empties_first(bid, ask, chance):
    assert rise_probability(bid, ask) == pytest.approx(chance, abs=6e-7)


def test_11_a_solves_the_race_it_is_the_answer_to():
    # One of four equally likely changes, then the same question: and at the ends it is answered.
    chance = np.zeros((9, 9))
    chance[1:, 0] = 1.0
    for bid in range(1, 9):
        chance[bid, 1:] = [rise_probability(bid, ask) for ask in range(1, 9)]
    inner = chance[1:-1, 1:-1]
    around = chance[2:, 1:-1] + chance[:-2, 1:-1] + chance[1:-1, 2:] + chance[1:-1, :-2]
    assert np.abs(inner - around / 4).max() < 1e-9
    assert np.abs(inner + inner.T - 1).max() < 1e-9


def test_11_a_by_monte_carlo():
    rng = np.random.default_rng(5)
    paths = 20_000
    queues = np.tile([[3], [1]], paths)
    for _ in range(2500):
        alive = (queues > 0).all(axis=0)
        steps = rng.integers(0, 4, paths)
        queues += alive * np.array(
            [(steps == 0) * 1 - (steps == 1), (steps == 2) * 1 - (steps == 3)]
        )
    decided = (queues == 0).any(axis=0)
    risen = (queues[1] == 0)[decided].mean()
    assert decided.mean() > 0.97
    assert risen == pytest.approx(0.790611, abs=0.015)


@pytest.mark.parametrize(
    ("correlation", "chance"), [(0.0, 0.795167), (-0.5, 0.768369), (-0.9, 0.753219)]
)
def test_11_a_long_queues(correlation, chance):
    assert rise_probability_limit(3, 1, correlation) == pytest.approx(chance, abs=6e-7)
    assert rise_probability_limit(300, 100, correlation) == pytest.approx(chance, abs=6e-7)


def test_11_a_the_limits_meet():
    assert rise_probability_limit(3, 1, -1 + 1e-9) == pytest.approx(0.75, abs=1e-6)
    assert rise_probability(60, 20) == pytest.approx(rise_probability_limit(3, 1), abs=1e-3)
    assert rise_probability_limit(2, 2, 0.3) == 0.5


def test_11_d_glosten_milgrom_first_quotes():
    assert first_quotes(0.5, 0.3) == pytest.approx((0.35, 0.65))
    bid, ask = first_quotes(0.3, 0.4)
    rng = np.random.default_rng(6)
    value = rng.random(400_000) < 0.3
    knows = rng.random(value.size) < 0.4
    buys = np.where(knows, value, rng.random(value.size) < 0.5)
    assert value[buys].mean() == pytest.approx(ask, abs=0.004)
    assert value[~buys].mean() == pytest.approx(bid, abs=0.004)
    earned = np.where(buys, ask - value, value - bid)
    assert abs(earned.mean()) < 3.5 * earned.std() / value.size**0.5  # nothing, on the whole


def test_11_d_the_value_regressed_on_the_side_of_the_trade_is_half_the_spread():
    rng = np.random.default_rng(7)
    value = rng.random(200_000) < 0.5
    buys = np.where(rng.random(value.size) < 0.3, value, rng.random(value.size) < 0.5)
    fit = least_squares(np.where(buys, 1.0, -1.0), value.astype(float))
    assert 2 * fit.slope == pytest.approx(0.3, abs=0.01)  # the spread is the informed share


def test_11_h_obizhaeva_wang():
    sizes = resilient_schedule(100.0, 2.0, 1.0, 801)
    assert sizes[0] == pytest.approx(25.0, abs=0.05)
    assert sizes[-1] == pytest.approx(25.0, abs=0.05)
    assert sizes[1:-1].sum() == pytest.approx(50.0, abs=0.1)
    assert np.ptp(sizes[1:-1]) < 1e-9
    assert sizes.sum() == pytest.approx(100.0)


@pytest.mark.parametrize(("resilience", "horizon_s"), [(0.5, 3.0), (5.0, 0.4), (20.0, 1.0)])
def test_11_h_no_other_schedule_is_cheaper(resilience, horizon_s):
    sizes = resilient_schedule(100.0, resilience, horizon_s, 41)
    assert sizes[0] == pytest.approx(sizes[-1])
    assert sizes[0] > 2 * sizes[1:-1].max()

    def cost(schedule):
        state = total = 0.0  # the price moved so far, as a book that refills would show it
        for lots in schedule:
            total += lots * (state + 0.5 * lots)
            state = (state + lots) * math.exp(-resilience * horizon_s / 40)
        return total

    rng = np.random.default_rng(8)
    best = cost(sizes)
    assert best < cost(np.full(41, 100 / 41))
    for _ in range(50):
        other = sizes + rng.normal(size=41)
        assert best < cost(other * 100 / other.sum()) + 1e-9
