"""Linear fits: what they recover, and how they refuse."""

import numpy as np
import pytest

from aggressor.features.linear_fit import (
    PENALTIES,
    ROWS_MIN,
    first_component,
    fit_ridge,
    predict,
    whole_rows,
)


def draw(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_first_component_is_the_common_move() -> None:
    common = draw(1).normal(size=(4000, 1))
    x = common * np.array([1.0, 2.0, 3.0]) + 0.1 * draw(2).normal(size=(4000, 3))
    found = first_component(x)
    assert found is not None
    assert found.weights == pytest.approx([1 / 6, 2 / 6, 3 / 6], abs=0.01)
    assert np.abs(found.weights).sum() == pytest.approx(1)
    assert found.explained > 0.99
    other = first_component(-x)
    assert other is not None
    assert other.weights == pytest.approx(found.weights)


def test_the_component_of_two_known_columns() -> None:
    # Covariance [[2, 1], [1, 2]] has its first axis along (1, 1) with 3 of 4 parts of the variance.
    axis = np.repeat([[1.0, 1.0], [-1.0, -1.0]], 30, axis=0) * np.sqrt(3 / 2)
    cross = np.tile([[1.0, -1.0], [-1.0, 1.0]], (30, 1)) * np.sqrt(1 / 2)
    found = first_component(axis + cross)
    assert found is not None
    assert found.weights == pytest.approx([0.5, 0.5])
    assert found.explained == pytest.approx(0.75)


def test_ridge_without_penalty_is_least_squares() -> None:
    x = draw(3).normal(size=(300, 4)) * [1, 10, 0.1, 5]
    y = 0.5 + x @ [1.0, -2.0, 3.0, 0.25] + 0.1 * draw(4).normal(size=300)
    ridge = fit_ridge(x, y, penalties=[0.0])
    assert ridge is not None
    exact, *_ = np.linalg.lstsq(np.column_stack([np.ones(300), x]), y, rcond=None)
    assert [ridge.intercept, *ridge.coefficients] == pytest.approx(exact.tolist())
    assert np.var(y - predict(ridge, x)) < 0.01 * np.var(y)


def test_ridge_with_one_column_shrinks_by_the_penalty() -> None:
    x = np.tile([1.0, -1.0], 50)[:, None]
    ridge = fit_ridge(x, 3.0 * x[:, 0], penalties=[0.5])
    assert ridge is not None
    assert ridge.coefficients == pytest.approx([2.0])  # 3 / (1 + 0.5)


def test_noise_is_given_the_largest_penalty_and_collinear_columns_share() -> None:
    x = draw(5).normal(size=(400, 5))
    noise = fit_ridge(x, draw(6).normal(size=400))
    assert noise is not None
    assert noise.penalty >= PENALTIES[5]
    twins = np.repeat(draw(7).normal(size=(400, 1)), 2, axis=1)
    shared = fit_ridge(twins, 2.0 * twins[:, 0])
    assert shared is not None
    assert shared.coefficients == pytest.approx([1.0, 1.0], rel=1e-3)


def test_units_of_the_columns_do_not_matter() -> None:
    x = draw(8).normal(size=(200, 3))
    y = x @ [1.0, 0.5, 0.2] + draw(9).normal(size=200)
    one, other = fit_ridge(x, y), fit_ridge(x * [1, 1000, 0.01], y)
    assert one is not None
    assert other is not None
    assert one.penalty == other.penalty
    assert predict(one, x) == pytest.approx(predict(other, x * [1, 1000, 0.01]))


def test_too_little_is_refused_and_unknown_windows_are_left_out() -> None:
    x, y = draw(10).normal(size=(ROWS_MIN + 3, 2)), draw(11).normal(size=ROWS_MIN + 3)
    x[5, 1], y[7] = np.nan, np.nan
    assert whole_rows(x, y)[1].size == ROWS_MIN + 1
    assert fit_ridge(x, y) is not None
    assert fit_ridge(x[:-2], y[:-2]) is None
    assert first_component(x[: ROWS_MIN - 1]) is None
    assert first_component(np.zeros((ROWS_MIN, 2))) is None
