"""The fit of the chance of a fill: it finds what it was made from, and says what it does not
know."""

import numpy as np
import pytest

from aggressor.execution.fill_chance import FillModel, chance
from aggressor.study.fill_model import Waits, brier, fit_fills, predicted, reliability

BETA = np.array([-1.5, -0.6, -0.8, 0.0, 0.5])
WATCHED = 20.0


def made(seed: int, n: int, shape: float = 1.0) -> Waits:
    chance_of = np.random.default_rng(seed)
    x = np.column_stack(
        [
            np.ones(n), chance_of.uniform(0, 4, n), chance_of.uniform(-1, 1, n),
            chance_of.integers(0, 2, n) * np.log(2.0), chance_of.uniform(0, 2, n),
        ]
    )  # fmt: skip
    waits = (chance_of.exponential(1.0, n) / np.exp(x @ BETA)) ** (1.0 / shape)
    filled = waits < WATCHED
    seconds = np.minimum(waits, WATCHED)
    adverse = np.where(filled, 0.3, np.nan)
    return Waits(x, seconds, filled, adverse, np.where(filled, np.nan, 1.5))


@pytest.mark.parametrize("shape", [0.6, 1.0, 1.5])
def test_it_finds_the_hazard_it_was_made_from(shape: float) -> None:
    model = fit_fills(made(1, 6000, shape), "made")
    assert isinstance(model, FillModel)
    errors = [model.covariance[i][i] ** 0.5 for i in range(5)]
    assert model.shape == pytest.approx(shape, rel=0.08)
    for found, true, error in zip(model.beta, BETA, errors, strict=True):
        assert abs(found - true) < 4 * error + 0.15
    assert (model.adverse_bp, model.drift_bp) == pytest.approx((0.3, 1.5))


def test_its_errors_are_those_of_many_samples() -> None:
    fits = [fit_fills(made(seed, 1500)) for seed in range(40)]
    models = [m for m in fits if isinstance(m, FillModel)]
    spread = np.std([m.beta[1] for m in models])
    said = np.mean([m.covariance[1][1] ** 0.5 for m in models])
    assert said == pytest.approx(spread, rel=0.4)


def test_it_is_calibrated_on_orders_it_has_not_seen() -> None:
    model = fit_fills(made(1, 6000))
    assert isinstance(model, FillModel)
    held = reliability(model, made(2, 6000), 5.0)
    assert held.brier < 0.9 * held.base
    for row in held.deciles:
        assert row["predicted"] == pytest.approx(row["filled"], abs=0.06)
    x = made(2, 5).x
    by_hand = [chance(model, tuple(row), 5.0).value for row in x]
    assert predicted(model, x, 5.0) == pytest.approx(by_hand)


def test_t9_6() -> None:
    assert brier(np.array([0.8, 0.6, 0.3, 0.1]), np.array([1.0, 1, 0, 0])) == pytest.approx(0.075)


def test_too_few_orders_are_no_model() -> None:
    assert fit_fills(made(1, 60)) != ""
    found = fit_fills(made(1, 60))
    assert isinstance(found, str)
    assert "fewer than 50" in found
