"""A message carried into a book in one call is a message decoded, and its rows applied."""

import numpy as np
import pytest

from aggressor.market.book import BookState, book_state, grow_book, read_top, run_book
from aggressor.schema.event import NO_PRICE, empty_events
from aggressor.venues.table import venue_named
from aggressor.venues.venue import NEEDS_ROOM
from tests.venues.wire import (
    RECV,
    combined,
    decoder,
    depth,
    instrument,
    raw,
    snapshot,
    ticker,
    trade,
)

BIDS = [["100.00", "1"], ["99.90", "2"], ["99.80", "3"]]
ASKS = [["100.10", "4"], ["100.20", "5"]]


def messages() -> list[bytes]:
    return [
        combined(depth(1, 5, 0, bids=BIDS, asks=ASKS)),  # waits for the snapshot
        combined(depth(6, 8, 5, bids=[["99.70", "7"]])),
        raw(snapshot(5, bids=BIDS, asks=ASKS)),
        combined(ticker(9)),
        combined(trade(5)),
        combined({"e": "kline", "E": 1, "s": "BTCUSDT"}),  # of no use here
        combined(depth(9, 12, 8, bids=[["100.00", "0"]], asks=[["100.00", "9"]])),
        combined(depth(20, 21, 19, bids=[["99.80", "0"]])),  # a gap
    ]


def step_by_step() -> tuple[bytes, list[tuple[int, ...]], BookState]:
    """Return rows, tops and book of two calls a message."""
    one, out, book = decoder(), empty_events(256), book_state(1, window=64)
    rows, tops = b"", []
    for message in messages():
        count = one.decode(message, RECV, out)
        assert run_book(out, 0, count, book) == count
        rows += out[:count].tobytes()
        tops.append(tuple(int(value) for value in read_top(book, 0)))
    return rows, tops, book


def test_following_is_decoding_and_applying() -> None:
    one, out, book = decoder(), empty_events(256), book_state(1, window=64)
    rows, tops = b"", []
    for message in messages():
        count, done, *top = one.follow(message, RECV, out, book)
        assert done == count
        rows += out[:count].tobytes()
        tops.append(tuple(int(value) for value in top))
    expected_rows, expected_tops, expected_book = step_by_step()
    assert (rows, tops) == (expected_rows, expected_tops)
    assert any(bid != NO_PRICE for bid, *_ in tops), "the book was there at some time"
    assert book.head.tobytes() == expected_book.head.tobytes()
    assert book.levels.tobytes() == expected_book.levels.tobytes()


def test_without_room_for_a_level_the_rest_is_told_and_can_go_on() -> None:
    one, out, book = decoder(), empty_events(256), book_state(1, window=64, levels=4)
    one.follow(combined(depth(1, 5, 0)), RECV, out, book)
    count, done, *_ = one.follow(raw(snapshot(5, bids=BIDS, asks=ASKS)), RECV, out, book)
    assert done == 4, "CLEAR and three levels"
    while done < count:
        book = grow_book(book)
        done = run_book(out, done, count, book)
    top = one.follow(combined(depth(6, 8, 5)), RECV, out, book)[2:]
    assert top == (1000, 1000, 1001, 4000)


def test_without_room_for_rows_nothing_happens() -> None:
    one, book = decoder(), book_state(1, window=64)
    assert one.follow(combined(trade(5)), RECV, empty_events(2), book)[0] == NEEDS_ROOM
    assert one.follow(combined(trade(5)), RECV, empty_events(64), book)[0] == 1
    assert book.head[0]["messages"] == 0


def test_the_top_is_that_of_the_instrument_the_message_is_about() -> None:
    instruments = [(instrument("binance-usdm", name), 1 - k) for k, name in enumerate("AB")]
    one = venue_named("binance-usdm").market_decoder(instruments)
    out, book = empty_events(256), book_state(2, window=64)
    for symbol, price in (("A", "100.00"), ("B", "200.00")):
        quote = ticker(9, s=symbol, b=price, a="300.00")
        top = one.follow(combined(quote), RECV, out, book)[2:]
        assert top[0] == round(float(price) * 10)
    assert book.head["bid"].tolist() == [2000, 1000]


def test_a_book_without_a_lane_for_each_instrument_is_a_mistake() -> None:
    one = decoder("binance-usdm", "A", "B")
    with pytest.raises(AssertionError, match="lane"):
        one.follow(combined(trade(5)), RECV, np.zeros(64, empty_events(0).dtype), book_state(1))
