"""Distance-weighted imbalance: the worked example, the twin, buckets, bounds and the mirror."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.weighted import (
    BP_BOUNDS,
    LEVELS_MAX,
    MEASURES,
    REACH,
    read_weighted,
    weighted_imbalances,
    weighted_state,
)
from aggressor.market.book import BookState
from tests.features.books import B0_ASKS, B0_BIDS, b0, book_of
from tests.features.test_depth import Books, books
from tests.naive import weighted as naive


def read(
    book: BookState, tick: int = 1, reach: int = REACH, length: float = 2.0, most: int = LEVELS_MAX
) -> tuple[Any, dict[str, float], int]:
    state, out = weighted_state(1, length), np.zeros(len(MEASURES))
    known = read_weighted(state, book, 0, tick, reach, most)
    complete = int(weighted_imbalances(state, 0, out))
    assert known == bool(state.sides["exponential"].any())
    return state.sides[0], dict(zip(MEASURES, out.tolist(), strict=True)), complete


def test_t1_5_exponential_and_pressure() -> None:
    sides, ratios, _ = read(b0())
    assert sides["exponential"] == pytest.approx([56.02790, 40.30577], abs=5e-6)
    assert ratios["exponential"] == pytest.approx(0.163205, abs=5e-7)
    assert sides["pressure"] == pytest.approx([89.84127, 55.04762], abs=5e-6)
    assert ratios["pressure"] == pytest.approx(0.240140, abs=5e-7)
    squares = np.array([0.25, 2.25, 6.25, 12.25, 20.25])
    by_hand = [(np.array(list(side.values())) / squares).sum() for side in (B0_BIDS, B0_ASKS)]
    assert sides["pressure_squared"] == pytest.approx(by_hand)


def test_the_squared_pressure_looks_nearer_than_the_plain_one() -> None:
    _, ratios, _ = read(book_of({1000: 10, 996: 90}, {1001: 5, 1005: 200}))
    assert ratios["pressure_squared"] > 0 > ratios["pressure"]


def test_buckets_in_basis_points() -> None:
    # The mid is 100 000: one tick is a tenth of a basis point.
    bids = {99_999: 1, 99_990: 2, 99_989: 4, 99_980: 8, 99_950: 16, 99_900: 32, 99_899: 64}
    asks = {100_001: 1, 100_010: 3, 100_021: 5, 100_050: 7, 100_051: 9}
    sides, ratios, complete = read(book_of(bids, asks))
    assert sides["lots"].tolist() == [[3, 12, 16, 32], [4, 0, 12, 9]]
    assert sides["complete"].tolist() == [4, 3]
    assert complete == 3
    assert ratios["bp_1_2"] == 1
    assert ratios["bp_2_5"] == pytest.approx(4 / 28)


def test_what_the_walk_did_not_reach_is_not_complete() -> None:
    bids = {99_999 - 10 * i: 1 for i in range(30)}
    asks = {100_001 + 10 * i: 1 for i in range(30)}
    assert read(book_of(bids, asks))[2] == 4
    assert read(book_of(bids, asks), most=4)[2] == 2
    assert read(book_of(bids, asks), most=1)[2] == 1


def test_an_empty_bucket_and_an_empty_side_are_undefined() -> None:
    _, ratios, complete = read(book_of({99_999: 1, 99_000: 1}, {100_001: 1, 101_000: 1}))
    assert np.isnan([ratios["bp_1_2"], ratios["bp_2_5"], ratios["bp_5_10"]]).all()
    assert (ratios["bp_0_1"], complete) == (0, 4)
    _, ratios, complete = read(book_of(B0_BIDS, {}))
    assert np.isnan(list(ratios.values())).all()
    assert complete == 0
    assert np.isnan(list(read(book_of(B0_BIDS, B0_ASKS), tick=0)[1].values())).all()


@settings(max_examples=80, deadline=None)
@given(books(), st.sampled_from([1, 2, 5]), st.integers(1, 60), st.sampled_from([2.0, 20.0]))
def test_twin(sides: Books, tick: int, reach: int, length: float) -> None:
    found, _, complete = read(book_of(*sides), tick, reach, length)
    twins = [naive.side_of(*sides, side, length, tick, reach, list(BP_BOUNDS)) for side in (1, -1)]
    for mine, exact in zip(found, twins, strict=True):
        assert mine["exponential"] == pytest.approx(exact.exponential, rel=1e-9, abs=1e3)
        assert mine["pressure"] == pytest.approx(float(exact.pressure), rel=1e-9)
        assert mine["pressure_squared"] == pytest.approx(float(exact.pressure_squared), rel=1e-9)
        assert mine["lots"].tolist() == exact.lots
        assert mine["complete"] == exact.complete
    assert complete == min(exact.complete for exact in twins)


@settings(max_examples=40, deadline=None)
@given(books(), st.integers(2, 9))
def test_bounds_mirror_and_scale(sides: Books, scale: int) -> None:
    bids, asks = sides
    _, ratios, complete = read(book_of(bids, asks))
    flipped = book_of({-p: q for p, q in asks.items()}, {-p: q for p, q in bids.items()})
    _, other, same = read(flipped)
    times = book_of(*({p: q * scale for p, q in levels.items()} for levels in sides))
    _, scaled, _ = read(times)
    assert complete == same
    for name in MEASURES:
        assert ratios[name] == pytest.approx(-other[name], abs=0, nan_ok=True)
        assert ratios[name] == pytest.approx(scaled[name], rel=1e-9, abs=1e-12, nan_ok=True)
        assert np.isnan(ratios[name]) or -1 <= ratios[name] <= 1
