"""Multiple testing: T10.4, T10.4b, and what is left of a result among many."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.study.trials import (
    Outcome,
    benjamini_hochberg,
    corrected,
    expected_best,
    least_periods,
    outcome_of,
    probability_above,
)

DAYS = 250
PS = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_t10_4() -> None:
    ps = [0.03, 0.001, 0.2, 0.012, 0.014]
    assert benjamini_hochberg(ps, 0.05) == [True, True, False, True, True]
    assert sum(p <= 0.05 / len(ps) for p in ps) == 1  # Bonferroni


@pytest.mark.parametrize(
    ("variants", "skew", "kurtosis", "deflated"),
    [(100, -3.0, 10.0, 0.900397), (46, -3.0, 10.0, 0.950502), (88, 0.0, 3.0, 0.950491)],
)
def test_t10_4b_deflated(variants: int, skew: float, kurtosis: float, deflated: float) -> None:
    by_luck = math.sqrt(0.5 / DAYS) * expected_best(variants)
    if variants == 100:
        assert by_luck == pytest.approx(0.113172, abs=5e-7)
    found = probability_above(by_luck, 2.5 / math.sqrt(DAYS), 1250, skew, kurtosis)
    assert found == pytest.approx(deflated, abs=5e-7)


@pytest.mark.parametrize(
    ("periods", "skew", "kurtosis", "years"),
    [(250, 0, 3, 2.731), (52, 0, 3, 2.829), (12, 0, 3, 3.240), (12, -0.72, 5.78, 4.991)],
)
def test_t10_4b_track_record(periods: int, skew: float, kurtosis: float, years: float) -> None:
    unit = math.sqrt(periods)
    found = least_periods(1 / unit, 2 / unit, skew, kurtosis) / periods
    assert found == pytest.approx(years, abs=5e-4)


@pytest.mark.parametrize(
    ("variants", "best"), [(1, 0.0), (10, 1.5746), (45, 2.2356), (100, 2.5306), (1000, 3.2551)]
)
def test_t10_4b_expected_best(variants: int, best: float) -> None:
    assert expected_best(variants) == pytest.approx(best, abs=5e-5)


def test_t10_4b_five_years_of_nothing_reach_a_ratio_of_one() -> None:
    assert expected_best(45) / math.sqrt(4.998) == pytest.approx(1.0, abs=1e-4)


def test_no_record_is_long_enough_for_a_ratio_below_its_target() -> None:
    assert least_periods(0.1, 0.1) == math.inf


@settings(max_examples=100, deadline=None)
@given(PS, st.floats(0.001, 0.5))
def test_what_is_rejected_are_the_smallest_and_bonferroni_is_stricter(
    ps: list[float], q: float
) -> None:
    rejected = benjamini_hochberg(ps, q)
    inside = [p for p, yes in zip(ps, rejected, strict=True) if yes]
    outside = [p for p, yes in zip(ps, rejected, strict=True) if not yes]
    assert not inside or not outside or max(inside) <= min(outside)
    assert all(yes for p, yes in zip(ps, rejected, strict=True) if p <= q / len(ps))
    assert all(p <= q for p in inside)


def test_the_more_were_tried_the_less_one_shows() -> None:
    chance = np.random.default_rng(3)
    own = outcome_of(chance.normal(0.25, 1.0, 400), 1 / 1001)
    nothing = [outcome_of(chance.normal(0.0, 1.0, 400), 0.5) for _ in range(400)]
    alone = corrected(own, [])
    assert (alone.variants, alone.by_luck, alone.stands) == (1, 0.0, True)
    assert alone.deflated is not None
    assert alone.deflated > 0.99
    few, many = corrected(own, nothing[:5]), corrected(own, nothing)
    assert few.deflated is not None
    assert many.deflated is not None
    assert many.deflated < few.deflated < alone.deflated
    assert (few.stands, many.stands, many.variants) == (True, False, 401)


def test_a_normal_sample_has_its_shape() -> None:
    found = outcome_of(np.random.default_rng(1).normal(0.1, 2.0, 200_000), None)
    assert found.sharpe == pytest.approx(0.05, abs=0.01)
    assert found.skew == pytest.approx(0.0, abs=0.03)
    assert found.kurtosis == pytest.approx(3.0, abs=0.06)


@pytest.mark.parametrize("net", [np.zeros(0), np.arange(9.0), np.ones(50)])
def test_few_trades_or_all_alike_have_no_ratio(net: np.ndarray) -> None:
    own = outcome_of(net, None)
    assert own == Outcome(trades=net.size)
    left = corrected(own, [own])
    assert (left.variants, left.stands, left.by_luck, left.deflated) == (2, None, None, None)
