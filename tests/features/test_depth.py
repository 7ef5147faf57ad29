"""Depth and cost to trade: the worked examples, the twin, and what must always hold."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import depth
from aggressor.kernel import kernel
from aggressor.market.book import BookState
from tests.features.books import B0_ASKS, B0_BIDS, b0, book_of
from tests.naive import depth as naive

DEEP = 100

Books = tuple[dict[int, int], dict[int, int]]


@kernel
def _depth_ticks(book: BookState, side: int, ticks: int, levels_max: int) -> Any:
    return depth.depth_ticks(book, 0, side, ticks, levels_max)


@kernel
def _depth_bp(book: BookState, side: int, reach: int, levels_max: int) -> Any:
    return depth.depth_bp(book, 0, side, reach, levels_max)


@kernel
def _cost(book: BookState, side: int, lots: int, inverse: bool) -> Any:
    return depth.cost_to_trade(book, 0, side, lots, inverse, DEEP)


@kernel
def _notional_mid(book: BookState, lots: int) -> Any:
    return depth.notional_mid(book, 0, lots, False, DEEP)


@st.composite
def books(draw: st.DrawFn) -> Books:
    """Sparse books with gaps, near and far levels, around any price of either sign."""
    centre = draw(st.sampled_from([1000, 60_000, 5_000_000, -2000, 40]))
    sides = st.dictionaries(st.integers(0, 120), st.integers(1, 10**9), min_size=1, max_size=12)
    bids = {centre - distance: lots for distance, lots in draw(sides).items()}
    asks = {centre + 1 + distance: lots for distance, lots in draw(sides).items()}
    return bids, asks


def test_t1_3_depth_within_ticks_and_basis_points() -> None:
    book = b0()
    assert [_depth_ticks(book, side, 3, DEEP).lots for side in (1, -1)] == [75, 65]
    assert [_depth_bp(book, side, 1500, DEEP).lots for side in (1, -1)] == [50, 25]
    assert [_depth_bp(book, side, 2500, DEEP).lots for side in (1, -1)] == [75, 65]
    notional = sum(price * lots for price, lots in B0_BIDS.items() if price >= 998)
    assert _depth_ticks(book, 1, 3, DEEP).tick_lots == notional


@pytest.mark.parametrize(
    ("ticks", "levels_max", "truncated"),
    [(3, DEEP, False), (5, DEEP, False), (6, DEEP, True), (3, 3, False), (3, 2, True)],
)
def test_depth_is_truncated_where_the_ladder_or_the_walk_ends_inside_the_bound(
    ticks: int, levels_max: int, truncated: bool
) -> None:
    assert _depth_ticks(b0(), 1, ticks, levels_max).truncated == truncated


@pytest.mark.parametrize(
    ("side", "lots", "vwap", "touch", "mid_bp", "unfilled"),
    [
        (1, 5, 1001.0, 0.0, 4.9975, 0),
        (1, 20, 1001.5, 0.5, 9.9950, 0),
        (1, 45, 1002.2222, 1.2222, 17.2136, 0),
        (1, 120, 1003.15, 2.15, 26.4868, 20),
        (-1, 45, 999.6667, 0.3333, 8.3292, 0),
    ],
)
def test_t1_8_cost_to_trade(
    side: int, lots: int, vwap: float, touch: float, mid_bp: float, unfilled: int
) -> None:
    cost = _cost(b0(), side, lots, False)
    assert cost.vwap == pytest.approx(vwap, abs=5e-5)
    assert cost.touch_ticks == pytest.approx(touch, abs=5e-5)
    assert cost.mid_ticks == pytest.approx(touch + 0.5, abs=5e-5)
    assert cost.mid_bp == pytest.approx(mid_bp, abs=5e-5)
    assert cost.unfilled == unfilled


def test_t1_1_notional_mid() -> None:
    assert _notional_mid(b0(), 20) == (1000.75, True)
    price, filled = _notional_mid(b0(), 120)
    assert not filled
    assert price == pytest.approx((1003.15 + 998.45) / 2)


def test_inverse_cost_is_the_harmonic_mean() -> None:
    cost = _cost(b0(), 1, 20, True)
    expected = naive.harmonic(B0_ASKS, 1, 20)
    assert expected is not None
    assert cost.vwap == pytest.approx(float(expected), rel=1e-12)
    assert cost.vwap < 1001.5


def test_nothing_to_trade_against_is_undefined_not_free() -> None:
    book = book_of(B0_BIDS, {})
    assert np.isnan(_cost(book, 1, 5, False).vwap)
    assert _cost(book, 1, 5, False).unfilled == 5
    assert _depth_bp(book, 1, 1500, DEEP) == (0, 0, True)
    assert _depth_ticks(book, -1, 3, DEEP) == (0, 0, True)


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(1, 200), st.integers(0, 40_000))
def test_twin_depth(sides: Books, ticks: int, reach: int) -> None:
    book = book_of(*sides)
    for side, levels in zip((1, -1), sides, strict=True):
        assert _depth_ticks(book, side, ticks, DEEP) == naive.depth_ticks(levels, side, ticks)
        expected = naive.depth_bp(*sides, side, Fraction(reach, depth.BP_PARTS))
        assert _depth_bp(book, side, reach, DEEP) == expected


@settings(max_examples=60, deadline=None)
@given(books(), st.integers(1, 10**10))
def test_twin_cost(sides: Books, lots: int) -> None:
    book = book_of(*sides)
    for side in (1, -1):
        levels = sides[1] if side > 0 else sides[0]
        filled, value = naive.walk(levels, side, lots)
        mid = Fraction(max(sides[0]) + min(sides[1]), 2)
        cost = _cost(book, side, lots, False)
        assert cost.unfilled == lots - filled
        assert cost.vwap == pytest.approx(float(value / filled), rel=1e-12)
        if mid != 0:
            exact = side * (value / filled - mid) / abs(mid) * 10_000
            assert cost.mid_bp == pytest.approx(float(exact), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(books(), st.lists(st.integers(1, 10**10), min_size=2, max_size=8))
def test_cost_never_falls_with_size(sides: Books, sizes: list[int]) -> None:
    book = book_of(*sides)
    for side in (1, -1):
        costs = [_cost(book, side, lots, False).touch_ticks for lots in sorted(sizes)]
        assert costs == sorted(costs)
        assert costs[0] >= 0


@settings(max_examples=40, deadline=None)
@given(books(), st.integers(1, 10**10), st.integers(1, 50))
def test_mirrored_book_has_mirrored_costs_and_the_same_depth(
    sides: Books, lots: int, ticks: int
) -> None:
    bids, asks = sides
    book = book_of(bids, asks)
    mirrored = book_of({-p: q for p, q in asks.items()}, {-p: q for p, q in bids.items()})
    for side in (1, -1):
        cost, other = _cost(book, side, lots, False), _cost(mirrored, -side, lots, False)
        # 0.0 is added because at a price of 0 the mirrored one is -0.0, the same number
        np.testing.assert_equal((cost.vwap + 0.0, *cost[1:]), (0.0 - other.vwap, *other[1:]))
        here, there = (
            _depth_ticks(book, side, ticks, DEEP),
            _depth_ticks(mirrored, -side, ticks, 99),
        )
        assert (here.lots, here.tick_lots) == (there.lots, -there.tick_lots)


@settings(max_examples=30, deadline=None)
@given(books(), st.integers(1, 10**9), st.integers(2, 7))
def test_scaled_sizes_cost_the_same(sides: Books, lots: int, scale: int) -> None:
    bids, asks = sides
    book = book_of(bids, asks)
    scaled = book_of(
        {p: q * scale for p, q in bids.items()}, {p: q * scale for p, q in asks.items()}
    )
    for side in (1, -1):
        cost, other = _cost(book, side, lots, False), _cost(scaled, side, lots * scale, False)
        assert cost.touch_ticks == other.touch_ticks
        assert cost.unfilled * scale == other.unfilled
