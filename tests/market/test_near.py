"""Lots near the touch equal the plain sum over levels, in the window and beyond it."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import BookState, book_state, run_book
from aggressor.market.near import best_levels_lots, lots_near, range_lots
from tests.features.books import B0_ASKS, B0_BIDS, snapshot_events
from tests.naive import depth as naive

sides = st.dictionaries(st.integers(0, 300), st.integers(1, 10**9), min_size=1, max_size=30)


def book_of(bids: dict[int, int], asks: dict[int, int]) -> BookState:
    book = book_state(1, window=64, levels=256)
    events = snapshot_events(bids, asks)
    assert run_book(events, 0, events.size, book) == events.size
    return book


def near(bids: dict[int, int], asks: dict[int, int], side: int, reach: int) -> tuple[int, int]:
    lots, ended = lots_near(book_of(bids, asks), 0, side, reach, 1000)
    return int(lots), int(ended)


def test_t1_3_within_basis_points() -> None:
    assert [near(B0_BIDS, B0_ASKS, side, 1500)[0] for side in (1, -1)] == [50, 25]
    assert [near(B0_BIDS, B0_ASKS, side, 2500)[0] for side in (1, -1)] == [75, 65]


def test_an_empty_side_has_no_depth() -> None:
    assert near(B0_BIDS, {}, 1, 1500) == (0, 1)


@settings(max_examples=60)
@given(sides, sides, st.sampled_from([1000, 60_000, 5_000_000, -2000]), st.integers(0, 40_000))
def test_twin(below: dict[int, int], above: dict[int, int], centre: int, reach: int) -> None:
    bids = {centre - distance: lots for distance, lots in below.items()}
    asks = {centre + 1 + distance: lots for distance, lots in above.items()}
    for side in (1, -1):
        lots, _, truncated = naive.depth_bp(bids, asks, side, Fraction(reach, 100))
        assert near(bids, asks, side, reach) == (lots, int(truncated))


@settings(max_examples=60)
@given(sides, st.integers(0, 320), st.integers(-1, 100), st.integers(0, 120), st.integers(0, 40))
def test_sums_over_ticks_and_over_levels(
    levels: dict[int, int], first: int, span: int, ticks: int, count: int
) -> None:
    asks = {1000 + away: lots for away, lots in levels.items()}
    bids = {-price: lots for price, lots in asks.items()}  # the same keys on both sides
    book = book_of(bids, asks)
    inside = sum(asks.get(key, 0) for key in range(1000 + first, 1000 + first + span + 1))
    reached = [key for key in sorted(asks) if key < min(asks) + ticks][:count]
    for row in range(2):
        assert range_lots(book, row, 1000 + first, 1000 + first + span) == inside
        assert best_levels_lots(book, row, ticks, count) == sum(asks[key] for key in reached)
