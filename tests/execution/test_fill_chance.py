"""The chance of a fill and the weighing of both ways: T8.4b, bounds, limits of the formula."""

import math

import pytest

from aggressor.execution.fill_chance import FEATURES, FillModel, chance, cross_or_wait, features

SIZE = len(FEATURES)
ZERO = ((0.0,) * SIZE,) * SIZE


@pytest.mark.parametrize(("adverse", "wait"), [(0.0, 0.70), (0.4, 0.94)])
def test_t8_4b(adverse: float, wait: float) -> None:
    costs = cross_or_wait(
        0.6, half_spread=0.5, maker_fee=0.2, taker_fee=0.5, adverse=adverse, drift=1.2
    )
    assert costs.wait == pytest.approx(wait)
    assert costs.cross == pytest.approx(1.0)


def test_a_constant_hazard_is_an_exponential_wait() -> None:
    model = FillModel(beta=(math.log(0.2), 0, 0, 0, 0), covariance=ZERO)
    x = features(0, 1, 5, 5, 1, 0)
    assert x == (1.0, 0.0, 0.0, 0.0, 0.0)
    for seconds in (0.0, 1.0, 7.0):
        assert chance(model, x, seconds).value == pytest.approx(1 - math.exp(-0.2 * seconds))


def test_bounds_enclose_and_grow_with_what_is_not_known() -> None:
    variance = tuple(tuple(0.25 if i == j else 0.0 for j in range(SIZE)) for i in range(SIZE))
    model = FillModel(beta=(-1.0, -0.5, -0.5, 0.0, 0.5), covariance=variance, shape=1.3)
    near = chance(model, features(3, 2, 10, 30, 1, 4), 5.0)
    far = chance(model, features(300, 2, 30, 10, 3, 4), 5.0)
    assert 0 < near.low < near.value < near.high < 1
    assert far.value < near.value
    assert chance(model, features(3, 2, 10, 30, 1, 4), 5.0, errors=2.0).low < near.low
    assert chance(model, features(3, 2, 10, 30, 1, 4), 1e30).value == 1.0


def test_features_never_leave_their_range() -> None:
    assert features(-1, 0, 0, 0, 0, -1) == (1.0, 0.0, 0.0, 0.0, 0.0)
    assert features(1, 1, 30, 10, math.e, 1) == pytest.approx((1, math.log(2), 0.5, 1, math.log(2)))
