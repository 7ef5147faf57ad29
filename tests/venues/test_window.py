"""The window of a venue's best levels against a dictionary that is sorted anew each time."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.align import NATIVE, NONE
from aggressor.schema.event import CLEAR, GAP, LAST, LEVEL, empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.decoding.parts import BookPart, Part

WIDTH = 4
ONE = Instrument(venue="v", symbol="B", kind=ContractKind.LINEAR, tick=Decimal(1), lot=Decimal(1))
TWO = msgspec.structs.replace(ONE, symbol="C")
Levels = list[tuple[int, int]]


def read(message: bytes, symbol: str) -> list[Part]:
    """A message is [symbol, snapshot, id, bids, asks]."""
    name, snapshot, number, bids, asks = msgspec.json.decode(message)
    sides = [
        msgspec.json.encode([[str(price), str(size)] for price, size in side])
        for side in (bids, asks)
    ]
    return [BookPart(name, 5, snapshot, *sides, number, number)]


def decoder() -> PartsDecoder:
    pairs = [(ONE, 0), (TWO, 1)]
    return PartsDecoder(pairs, read=read, policy=NATIVE, chain=NONE, window=WIDTH)


def rows_of(one: PartsDecoder, *fields: object) -> np.ndarray:
    message = msgspec.json.encode(fields)
    out = empty_events(one.room(message))
    return out[: one.decode(message, 7, out)]


def applied(book: dict[tuple[int, int], int], rows: np.ndarray) -> None:
    """Apply rows as the book of the market layer does."""
    for row in rows:
        if row["kind"] == CLEAR:
            book.clear()
        elif row["size"]:
            book[int(row["side"]), int(row["price"])] = int(row["size"])
        else:
            book.pop((int(row["side"]), int(row["price"])), None)


levels = st.lists(st.tuples(st.integers(1, 25), st.integers(0, 3)), max_size=6)


@settings(max_examples=300, deadline=None)
@given(messages=st.lists(st.tuples(st.booleans(), levels, levels), min_size=1, max_size=12))
def test_the_window_holds_the_best_levels_and_no_others(
    messages: list[tuple[bool, Levels, Levels]],
) -> None:
    one = decoder()
    book: dict[tuple[int, int], int] = {}
    twin: dict[int, dict[int, int]] = {1: {}, -1: {}}
    for number, (snapshot, bids, asks) in enumerate([(True, [], []), *messages]):
        rows = rows_of(one, "B", snapshot, number, bids, asks)
        assert rows.size == 0 or (rows["flags"] & LAST).tolist() == [0] * (rows.size - 1) + [LAST]
        applied(book, rows)
        for side, changes in ((1, bids), (-1, asks)):
            if snapshot:
                twin[side] = {}
            twin[side].update(changes)
            held = sorted(
                (-side * price, price, size) for price, size in twin[side].items() if size
            )
            twin[side] = {price: size for _, price, size in held[:WIDTH]}
        wanted = {(side, price): size for side in (1, -1) for price, size in twin[side].items()}
        assert book == wanted


def test_a_level_pushed_out_is_removed_behind_the_message() -> None:
    one = decoder()
    rows_of(one, "B", True, 1, [[9, 1], [8, 1], [7, 1], [6, 1]], [[10, 1]])
    rows = rows_of(one, "B", False, 2, [[9, 0], [5, 2], [4, 2]], [[11, 1]])
    assert [tuple(row[["kind", "side", "price", "size", "flags"]]) for row in rows] == [
        (LEVEL, 1, 9, 0, 0),
        (LEVEL, 1, 5, 2, 0),
        (LEVEL, 1, 4, 2, 0),
        (LEVEL, -1, 11, 1, 0),
        (LEVEL, 1, 4, 0, LAST),
    ]


def test_more_levels_than_any_message_of_the_venue_holds() -> None:
    one, book = decoder(), {}
    many = [[price, 1] for price in range(1, 400)]
    for levels_ in (many, many[::-1]):
        applied(book, rows_of(one, "B", True, 1, levels_, levels_))
        assert sorted(book) == sorted(
            [(1, price) for price in (396, 397, 398, 399)] + [(-1, p) for p in (1, 2, 3, 4)]
        )


def test_lanes_are_apart_and_a_lost_book_leaves_nothing() -> None:
    one = decoder()
    rows_of(one, "B", True, 1, [[9, 1], [8, 1], [7, 1], [6, 1]], [])
    rows_of(one, "C", True, 1, [[9, 1]], [])
    assert rows_of(one, "C", False, 2, [[1, 1]], []).size == 1
    out = empty_events(8)
    assert one.interrupt(7, out) == 2
    assert out[0]["flags"] == GAP | LAST
    assert rows_of(one, "B", True, 1, [[5, 1]], []).size == 2
    assert rows_of(one, "B", False, 2, [[4, 1], [3, 1], [2, 1]], []).size == 3
    assert rows_of(one, "B", False, 3, [[1, 1]], []).size == 2


def test_a_state_carries_the_window() -> None:
    one, two = decoder(), decoder()
    rows_of(one, "B", True, 1, [[9, 1], [8, 1], [7, 1], [6, 1]], [[10, 1]])
    two.resume(one.state())
    assert rows_of(two, "B", False, 2, [[5, 1]], []).tolist() == (
        rows_of(one, "B", False, 2, [[5, 1]], []).tolist()
    )


@pytest.mark.parametrize("width", [0, WIDTH])
def test_room_is_enough_for_a_message_that_pushes_all_out(width: int) -> None:
    one = PartsDecoder([(ONE, 0)], read=read, policy=NATIVE, chain=NONE, window=width)
    rows_of(one, "B", True, 1, [[price, 1] for price in range(1, 5)], [])
    rows = rows_of(one, "B", False, 2, [[price, 1] for price in range(5, 9)], [])
    assert rows.size == (8 if width else 4)
