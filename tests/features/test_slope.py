"""Slope and elasticity of the book: the worked example, the twin, mirror and what is undefined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.slope import LEVELS, book_slope
from tests.features.books import B0_ASKS, B0_BIDS, b0, book_of
from tests.features.test_depth import Books, books
from tests.naive import slope as naive


def test_t1_7_slope_and_elasticity() -> None:
    found = book_slope(b0(), 0, LEVELS)
    assert found.bid.slope == pytest.approx(25.27273, abs=5e-6)
    assert found.ask.slope == pytest.approx(23.09091, abs=5e-6)
    assert found.bid.elasticity == pytest.approx(1425.003, abs=5e-4)
    assert found.ask.elasticity == pytest.approx(1080.887, abs=5e-4)
    assert (found.bid.levels, found.bid.truncated) == (5, False)
    bid, ask = found.bid.slope, found.ask.slope
    assert found.asymmetry == pytest.approx((bid - ask) / (bid + ask))


def test_fewer_levels_than_asked_for_is_truncated() -> None:
    found = book_slope(b0(), 0, 6)
    assert (found.bid.levels, found.bid.truncated) == (5, True)
    assert found.bid.slope == book_slope(b0(), 0, 5).bid.slope
    assert book_slope(b0(), 0, 1).bid.slope == 30 / 0.5


def test_what_is_undefined_is_nan() -> None:
    empty = book_slope(book_of(B0_BIDS, {}), 0, LEVELS)
    assert np.isnan([empty.bid.slope, empty.ask.slope, empty.bid.elasticity]).all()
    assert np.isnan(empty.asymmetry)
    assert empty.bid.truncated
    single = book_slope(book_of({1000: 1, 999: 5}, B0_ASKS), 0, LEVELS)
    assert np.isnan(single.bid.elasticity)
    assert single.bid.slope > 0
    around_zero = book_of({-1: 9, -2: 9}, {0: 9, 1: 9})
    assert np.isnan(book_slope(around_zero, 0, LEVELS).ask.elasticity)


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(1, 15))
def test_twin_and_mirror(sides: Books, levels: int) -> None:
    bids, asks = sides
    found = book_slope(book_of(bids, asks), 0, levels)
    for side, mine in ((1, found.bid), (-1, found.ask)):
        there = min(levels, len(bids if side > 0 else asks))
        assert (mine.levels, mine.truncated) == (there, there < levels)
        exact = float(naive.slope(bids, asks, side, levels))
        assert mine.slope == pytest.approx(exact, rel=1e-12)
        expected = naive.elasticity(bids, asks, side, levels)
        assert mine.elasticity == pytest.approx(expected, rel=1e-7, nan_ok=True)
    assert -1 <= found.asymmetry <= 1
    flipped = book_of({-p: q for p, q in asks.items()}, {-p: q for p, q in bids.items()})
    other = book_slope(flipped, 0, levels)
    np.testing.assert_equal(tuple(found.bid), tuple(other.ask))
    np.testing.assert_equal(tuple(found.ask), tuple(other.bid))
    assert other.asymmetry == -found.asymmetry
