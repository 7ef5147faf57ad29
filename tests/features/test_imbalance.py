"""Imbalance over levels: the worked examples, the twin, bounds and the mirror."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggressor.features import imbalance
from aggressor.kernel import kernel
from aggressor.market.book import BookState
from tests.features.books import b0, book_of
from tests.features.test_depth import Books, books
from tests.naive import depth as naive

DEEP = 100


@kernel
def _top(book: BookState, ticks: int) -> Any:
    return imbalance.top_imbalance(book, 0, ticks, DEEP)


@kernel
def _bucket(book: BookState, near: int, far: int) -> Any:
    return imbalance.bucket_imbalance(book, 0, near, far, DEEP)


@kernel
def _weighted(book: BookState, weights: NDArray[np.float64]) -> Any:
    bid = imbalance.weighted_depth(book, 0, 1, weights, DEEP)
    ask = imbalance.weighted_depth(book, 0, -1, weights, DEEP)
    return bid, ask, imbalance.signed_ratio(bid, ask)


@kernel
def _pressure(book: BookState, ticks: int) -> Any:
    bid = imbalance.book_pressure(book, 0, 1, ticks, DEEP)
    ask = imbalance.book_pressure(book, 0, -1, ticks, DEEP)
    return bid, ask, imbalance.signed_ratio(bid, ask)


@kernel
def _ratio(bid: float, ask: float) -> float:
    return imbalance.signed_ratio(bid, ask)


def test_t1_5_top_imbalance() -> None:
    assert _ratio(*_top(b0(), 3)[:2]) == pytest.approx(0.0714286, abs=5e-8)
    assert _top(b0(), 5) == (100, 100, False)
    assert _ratio(100, 100) == 0
    assert np.isnan(_ratio(0, 0))


def test_t1_5_exponential() -> None:
    bid, ask, ratio = _weighted(b0(), imbalance.exponential_weights(2.0))
    assert bid == pytest.approx(56.02790, abs=5e-6)
    assert ask == pytest.approx(40.30577, abs=5e-6)
    assert ratio == pytest.approx(0.163205, abs=5e-7)


def test_t1_5_pressure() -> None:
    bid, ask, ratio = _pressure(b0(), 5)
    assert bid == pytest.approx(89.84127, abs=5e-6)
    assert ask == pytest.approx(55.04762, abs=5e-6)
    assert ratio == pytest.approx(0.240140, abs=5e-7)


def test_buckets_in_basis_points_add_up() -> None:
    near, far, whole = _bucket(b0(), 0, 1500), _bucket(b0(), 1500, 2500), _bucket(b0(), 0, 2500)
    assert near[:2] == (50, 25)
    assert far[:2] == (25, 40)
    assert whole[:2] == (75, 65)


def test_one_empty_side_has_no_pressure() -> None:
    bid, ask, ratio = _pressure(book_of({1000: 5}, {}), 5)
    assert (bid, ask) == (0, 0)
    assert np.isnan(ratio)


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(1, 150))
def test_twin(sides: Books, ticks: int) -> None:
    bids, asks = sides
    book = book_of(bids, asks)
    expected = [naive.depth_ticks(levels, s, ticks) for s, levels in ((1, bids), (-1, asks))]
    assert _top(book, ticks)[:2] == (expected[0][0], expected[1][0])
    weighted = _weighted(book, imbalance.exponential_weights(20.0))
    pressed = _pressure(book, ticks)
    for s, (side, levels) in enumerate(((1, bids), (-1, asks))):
        exact = naive.exponential_depth(levels, side, 20.0)
        assert weighted[s] == pytest.approx(exact, rel=1e-9)
        exact = naive.book_pressure(bids, asks, side, ticks)
        assert pressed[s] == pytest.approx(exact, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(books(), st.integers(1, 150))
def test_bounds_and_mirror(sides: Books, ticks: int) -> None:
    bids, asks = sides
    weights = imbalance.exponential_weights(20.0)
    book = book_of(bids, asks)
    mirrored = book_of({-p: q for p, q in asks.items()}, {-p: q for p, q in bids.items()})
    for ratio, other in (
        (_weighted(book, weights)[2], _weighted(mirrored, weights)[2]),
        (_pressure(book, ticks)[2], _pressure(mirrored, ticks)[2]),
        (_ratio(*_top(book, ticks)[:2]), _ratio(*_top(mirrored, ticks)[:2])),
    ):
        assert -1 <= ratio <= 1
        assert ratio == -other
