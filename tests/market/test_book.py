"""The book against its dict twin, and over growth, recentring, gaps, mirrors and far prices."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import (
    NO_SLOT,
    BookState,
    book_state,
    ensure_slot,
    find_slot,
    grow_book,
    lots_at,
    release_slot,
    run_book,
    set_level,
)
from aggressor.market.levels import FAR, FREE, NEAR
from aggressor.schema.event import (
    ASK,
    BID,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_PRICE,
    PRICE_MAX,
    QUOTE,
    SNAPSHOT,
    STALE,
    Events,
)
from tests.market.looks import book_look, ladder, mirrored_look, naive_look
from tests.market.streams import events_of, mirrored, random_events, snapshot, streams
from tests.naive.book import NaiveBook

B0 = snapshot(
    0,
    {1000: 30, 999: 20, 998: 25, 997: 15, 996: 10},
    {1001: 10, 1002: 15, 1003: 40, 1004: 20, 1005: 15},
)


def ran(events: Events, book: BookState) -> BookState:
    done = 0
    while (done := run_book(events, done, events.size, book)) < events.size:
        book = grow_book(book)
    return book


def sound(book: BookState) -> None:
    """Assert the invariants of the memory: every slot in exactly one place, bits as the lots."""
    standing = book.window[book.window != NO_SLOT]
    assert len(set(standing.tolist())) == standing.size
    assert (book.levels["place"][standing] == NEAR).all()
    places = book.levels["place"][1:]
    assert standing.size == (places == NEAR).sum()
    assert book.sides["far_levels"].sum() == (places == FAR).sum()
    free = book.links["free"][1 : 1 + book.links["free"][0]]
    assert sorted(free.tolist()) == (1 + np.flatnonzero(places == FREE)).tolist()
    width = book.window.shape[1]
    held = book.levels["lots"][book.window] > 0
    bits = np.unpackbits(
        book.bits[:, : width >> 6].copy().view(np.uint8), axis=1, bitorder="little"
    )
    assert (bits.astype(bool) == held).all()


def test_b0() -> None:
    look = book_look(ran(events_of(B0), book_state(1, 64)))
    assert (look["bid"], look["ask"], look["bid_lots"], look["ask_lots"]) == (1000, 1001, 30, 10)
    assert look["bids"] == [(1000, 30), (999, 20), (998, 25), (997, 15), (996, 10)]
    assert look["asks"] == [(1001, 10), (1002, 15), (1003, 40), (1004, 20), (1005, 15)]
    assert look["valid"] == 1


@settings(max_examples=60, deadline=None)
@given(streams(synced=False), st.sampled_from([64, 4096]))
def test_equals_the_twin_after_every_event(events: Events, window: int) -> None:
    book, twin = book_state(1, window, 256), NaiveBook()
    for i in range(events.size):
        assert run_book(events, i, i + 1, book) == i + 1
        twin.on_event(events[i])
        assert book_look(book) == naive_look(twin)
    sound(book)


@settings(max_examples=30, deadline=None)
@given(streams(), st.lists(st.integers(0, 100), max_size=5))
def test_any_cut_of_the_batch_gives_the_same_bytes(events: Events, cuts: list[int]) -> None:
    whole, parts = book_state(1, 64, 256), book_state(1, 64, 256)
    run_book(events, 0, events.size, whole)
    edges = [0, *sorted(min(cut, events.size) for cut in cuts), events.size]
    for start, stop in itertools.pairwise(edges):
        assert run_book(events, start, stop, parts) == stop
    for one, other in zip(whole, parts, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_window_and_first_size_change_nothing(seed: int) -> None:
    events = random_events(seed, 4000)
    twins = NaiveBook(), NaiveBook()
    for event in events:
        twins[event["instrument"]].on_event(event)
    for window, levels in ((64, 2), (512, 64), (32768, 8192)):
        book = ran(events, book_state(2, window, levels))
        sound(book)
        assert [book_look(book, k) for k in (0, 1)] == [naive_look(twin) for twin in twins]


@settings(max_examples=30, deadline=None)
@given(streams())
def test_mirror(events: Events) -> None:
    look = book_look(ran(events, book_state(1, 64, 256)))
    assert book_look(ran(mirrored(events), book_state(1, 64, 256))) == mirrored_look(look)


@settings(max_examples=30, deadline=None)
@given(streams())
def test_the_same_level_again_changes_nothing(events: Events) -> None:
    once = book_look(ran(events, book_state(1, 64, 256)))
    levels = events[events["kind"] == LEVEL]
    twice = np.repeat(events, np.where(events["kind"] == LEVEL, 2, 1))
    again = book_look(ran(twice, book_state(1, 64, 256)))
    assert again["messages"] - once["messages"] == (levels["flags"] & (LAST | STALE) == LAST).sum()
    assert again | {"messages": once["messages"]} == once


@settings(max_examples=30, deadline=None)
@given(streams(), streams())
def test_after_a_gap_and_a_snapshot_it_is_a_fresh_book(before: Events, after: Events) -> None:
    ms = int(before["ts_recv"][-1]) // 1_000_000
    gap = events_of([(ms, CLEAR, 0, 0, 0, GAP | LAST)])
    lost = ran(np.concatenate([before, gap]), book_state(1, 64, 256))
    assert (lost.head[0]["valid"], lost.head[0]["gap"]) == (0, 1)
    assert ladder(lost, 0, BID) == ladder(lost, 0, ASK) == []
    found = book_look(ran(after, lost))
    fresh = book_look(ran(after, book_state(1, 64, 256)))
    for name in ("messages", "crossings", "clears"):
        del found[name], fresh[name]
    assert found == fresh


def test_the_whole_int32_range_stands_on_both_sides() -> None:
    rows = [
        (1, LEVEL, BID, -PRICE_MAX, 1, 0),
        (1, LEVEL, ASK, PRICE_MAX, 2, 0),
        (1, LEVEL, BID, 0, 3, 0),
        (1, LEVEL, ASK, 1, 4, LAST),
        (2, LEVEL, BID, 0, 0, 0),
        (2, LEVEL, ASK, 1, 0, LAST),
    ]
    book = ran(events_of(rows), book_state(1, 64))
    assert (book.head[0]["depth_bid"], book.head[0]["depth_ask"]) == (-PRICE_MAX, PRICE_MAX)
    assert ladder(book, 0, BID) == [(-PRICE_MAX, 1)]
    assert ladder(book, 0, ASK) == [(PRICE_MAX, 2)]
    sound(book)


def test_quotes_are_the_top_until_the_next_depth_message() -> None:
    rows = [*B0, (1, QUOTE, BID, 999, 7, 0), (1, QUOTE, ASK, 1001, 4, LAST)]
    book = ran(events_of(rows), book_state(1, 64))
    head = book.head[0]
    assert (head["bid"], head["bid_lots"], head["ask_lots"], head["quoted"]) == (999, 7, 4, 1)
    assert (head["depth_bid"], head["depth_bid_lots"]) == (1000, 30)
    stale = [(2, QUOTE, BID, 990, 1, STALE), (2, QUOTE, ASK, 991, 1, STALE | LAST)]
    ran(events_of(stale), book)
    assert (head["bid"], head["top_ts_recv"]) == (999, 1_000_000)
    ran(events_of([(3, LEVEL, BID, 995, 1, LAST)]), book)
    assert (head["bid"], head["bid_lots"], head["quoted"], head["valid"]) == (1000, 30, 0, 1)


def test_crossed_empty_and_unsynced_books_are_invalid() -> None:
    book = ran(events_of(B0[1:-1]), book_state(1, 64))
    assert book.head[0]["valid"] == 0
    book = ran(events_of(B0), book_state(1, 64))
    ran(events_of([(1, LEVEL, BID, 1001, 1, 0)]), book)
    assert book.head[0]["crossed"] == 0
    ran(events_of([(1, LEVEL, BID, 1002, 1, LAST)]), book)
    assert (book.head[0]["valid"], book.head[0]["crossed"], book.head[0]["crossings"]) == (0, 1, 1)
    ran(events_of([(2, LEVEL, BID, 1001, 0, 0), (2, LEVEL, BID, 1002, 0, LAST)]), book)
    assert (book.head[0]["valid"], book.head[0]["crossed"]) == (1, 0)
    empty = events_of([(3, LEVEL, ASK, price, 0, LAST) for price in range(1001, 1006)])
    ran(empty, book)
    assert (book.head[0]["valid"], book.head[0]["ask"]) == (0, NO_PRICE)
    ran(events_of([(4, CLEAR, 0, 0, 0, SNAPSHOT | LAST)]), book)
    assert (book.head[0]["synced"], book.head[0]["valid"]) == (1, 0)


def test_no_room_stops_before_the_event() -> None:
    events = events_of([(1, LEVEL, BID, 1000 + i, 1, LAST) for i in range(6)])
    book = book_state(1, 64, 4)
    assert run_book(events, 0, 6, book) == 3
    assert book.head[0]["messages"] == 3
    assert run_book(events, 3, 6, grow_book(book)) == 6


def test_slots_are_stable_and_dormant_ones_no_part_of_the_book() -> None:
    book = book_state(1, 64, 4)
    slot = set_level(book, 0, BID, 10, 5)
    assert find_slot(book, 0, BID, 10) == slot
    far = ensure_slot(book, 0, BID, -9_000)
    assert far not in (NO_SLOT, slot)
    assert (lots_at(book, 0, BID, -9_000), ladder(book, 0, BID)) == (0, [(10, 5)])
    assert set_level(book, 0, BID, -9_000, 3) == far
    release_slot(book, far)
    assert lots_at(book, 0, BID, -9_000) == 3
    assert set_level(book, 0, ASK, 11, 1) != NO_SLOT
    assert set_level(book, 0, ASK, 12, 1) == NO_SLOT == ensure_slot(book, 0, ASK, 12)
    assert set_level(book, 0, BID, 10, 0) == NO_SLOT
    assert ladder(book, 0, BID) == [(-9_000, 3)]
    assert find_slot(book, 0, BID, -9_000) == far
    sound(book)
