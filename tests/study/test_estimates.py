import numpy as np
import pytest

from aggressor.study.estimates import (
    GROUPS,
    Estimate,
    bootstrap,
    jackknife,
    least_squares,
    slope_estimate,
)


def persistent(chance: np.random.Generator, n: int, memory: float) -> np.ndarray:
    out = chance.normal(size=n)
    for i in range(1, n):
        out[i] = memory * out[i - 1] + (1 - memory**2) ** 0.5 * out[i]
    return out


def test_a_line_through_three_points() -> None:
    fit = least_squares(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
    assert (fit.slope, fit.intercept, fit.r2) == pytest.approx((2.0, 1.0, 1.0))
    assert fit.error == pytest.approx(0.0, abs=1e-12)


def test_the_error_is_that_of_newey_and_west_written_out() -> None:
    chance = np.random.default_rng(1)
    x, y = persistent(chance, 250, 0.6), persistent(chance, 250, 0.6)
    fit = least_squares(x, y)
    left = y - fit.intercept - fit.slope * x
    centred = x - x.mean()
    lags = 4  # 4 (250/100)^(2/9) = 4.9
    total = 0.0
    for i in range(250):
        for j in range(250):
            weight = max(0.0, 1 - abs(i - j) / (lags + 1))
            total += weight * centred[i] * left[i] * centred[j] * left[j]
    assert fit.error == pytest.approx((total * 250 / 248) ** 0.5 / (centred @ centred))
    assert fit.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    chance = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        x = persistent(chance, 300, 0.5)
        found = slope_estimate(least_squares(x, 2.0 * x + persistent(chance, 300, 0.5)), 300)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 2.0 <= found.high
    assert 0.88 <= held / 300 <= 0.985


def test_bootstrap_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    chance = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        x = persistent(chance, 300, 0.3)
        (found,) = bootstrap(
            np.column_stack([np.ones(300), x]), lambda sums: sums[:, 1:] / sums[:, :1]
        )
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.0 <= found.high
    assert 0.84 <= held / 100 <= 1.0


def test_bootstrap_is_the_same_every_time_and_says_when_nothing_varies() -> None:
    rows = np.random.default_rng(4).normal(size=(90, 2)) + 3.0

    def ratio(sums: np.ndarray) -> np.ndarray:
        return sums[:, :1] / sums[:, 1:]

    assert bootstrap(rows, ratio) == bootstrap(rows, ratio)
    (nothing,) = bootstrap(np.zeros((90, 2)), ratio)
    assert (nothing.value, nothing.why) == (None, "nothing varies")


def test_a_jackknife_of_means_is_the_error_of_the_mean() -> None:
    parts = np.random.default_rng(5).normal(size=GROUPS)
    left_out = (parts.sum() - parts) / (GROUPS - 1)
    found = jackknife(parts.mean(), left_out, GROUPS)
    assert found.high is not None
    assert found.value is not None
    error = parts.std(ddof=1) / GROUPS**0.5
    assert found.high - found.value == pytest.approx(2.262157 * error)


def test_the_side_of_an_interval() -> None:
    assert Estimate(value=1.0, low=0.1, high=2.0).side == 1
    assert Estimate(value=-1.0, low=-2.0, high=-0.1).side == -1
    assert Estimate(value=1.0, low=-0.1, high=2.0).side == 0
    assert Estimate(why="nothing").side == 0
