"""The market layer as one state: book, ledger, tape and health, moved by one event at a time.

`on_event` is the whole layer in order: first what has waited too long is settled (at the event's
ts_recv), then the event changes the book and the ledger, then the tape, then health judges. The
batch kernel stops before an event for which an array has no room, having used nothing of it;
Python calls `grow_market` and goes on, so the result never depends on the first sizes.
"""

from typing import Any

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.linking import prefetch
from aggressor.market import book as books
from aggressor.market.book import (
    BookState,
    book_state,
    clear_book,
    end_message,
    grow_book,
    note_quote,
)
from aggressor.market.health import (
    HealthState,
    health_state,
    on_depth_seen,
    on_quote_seen,
    on_timer,
    on_trade_seen,
)
from aggressor.market.ledger import (
    TOLERANCE_NS,
    LedgerState,
    close_lane,
    expire,
    expire_lane,
    grow_ring,
    grow_slots,
    ledger_state,
    on_level,
    on_trade,
    ring_has_room,
)
from aggressor.market.tape import TapeState, on_print, tape_state
from aggressor.schema.event import (
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    QUOTE,
    STALE,
    TIMER,
    TRADE,
    Events,
)
from aggressor.state import State

AHEAD = 6  # rows: about what a wait for memory takes


class MarketState(State, frozen=True):
    """What the market of every instrument is now."""

    book: BookState
    ledger: LedgerState
    tape: TapeState
    health: HealthState


def market_state(
    lanes: int,
    window: int = 32768,
    levels: int = 8192,
    tolerance_ns: int = TOLERANCE_NS,
    ring: int = 1024,
) -> MarketState:
    """Return the empty market of `lanes` instruments; see `book_state` and `ledger_state`."""
    return MarketState(
        book_state(lanes, window, levels),
        ledger_state(lanes, levels, tolerance_ns, ring),
        tape_state(lanes),
        health_state(lanes),
    )


def grow_market(market: MarketState) -> MarketState:
    """Return the same market with twice of whatever is exhausted; slots keep their numbers."""
    book, ledger = market.book, market.ledger
    if book.links["free"][0] == 0:
        book = grow_book(book)
        ledger = grow_slots(ledger, book.levels.size)
    if np.any(ledger.head["next"] - ledger.head["first"] >= ledger.ring.shape[1]):
        ledger = grow_ring(ledger)
    assert book is not market.book or ledger is not market.ledger, "nothing is exhausted"
    return market.replace(book=book, ledger=ledger)


@kernel_inline
def has_room(market: MarketState, event: Any) -> bool:
    """Return whether `on_event` can take this event; if not, nothing may be done before growing."""
    kind = event["kind"]
    if kind != LEVEL and kind != TRADE:
        return True
    k = np.int64(event["instrument"])
    if k >= market.book.head.size:
        return True
    return books.has_room(market.book, k) and ring_has_room(market.ledger, k)


@kernel_inline
def look_ahead(market: MarketState, events: Events, i: Int, stop: Int) -> None:
    """Have the level that a later row or trade will touch brought into the cache.

    A level stands in the pool and in the ledger, which are too large to stay near: without this
    many rows wait for memory, twice. Nothing is read that changes a result.
    """
    if i + AHEAD >= stop:
        return
    event = events[np.uint64(i + AHEAD)]
    kind, k = event["kind"], np.int64(event["instrument"])
    if (kind != LEVEL and kind != TRADE) or k >= market.book.head.size:
        return
    side = np.int64(event["side"]) if kind == LEVEL else -np.int64(event["side"])
    row, window = books.row_of(k, side), market.book.window
    place = books.key_of(side, event["price"]) & (window.shape[1] - 1)
    slot = np.int64(window[np.uint64(row), np.uint64(place)])
    prefetch(market.ledger.slots, slot, 0)
    prefetch(market.book.levels, slot, 0)


@kernel_inline
def on_event(market: MarketState, event: Any) -> Int:
    """Move the market by one event; return the slot of the level it touched, NO_SLOT if none."""
    book, ledger = market.book, market.ledger
    kind = event["kind"]
    k = np.int64(event["instrument"])
    now = event["ts_recv"]
    slot = np.int64(0)
    if kind == TIMER:
        expire(book, ledger, now)
        on_timer(market.health, book, now)
        return slot
    if k >= book.head.size:
        return slot
    flags = event["flags"]
    if kind == LEVEL:
        if flags & STALE:
            return slot
        expire_lane(book, ledger, k, now)
        slot = on_level(book, ledger, k, event)
        if flags & (LAST | GAP):
            end_message(book, k, event)
            on_depth_seen(market.health, book, k, event)
    elif kind == TRADE:
        expire_lane(book, ledger, k, now)
        slot = on_trade(book, ledger, k, event)
        on_print(market.tape, k, event)
        on_trade_seen(market.health, k, event)
    elif kind == QUOTE:
        if flags & STALE:
            return slot
        note_quote(book, k, event)
        if flags & LAST:
            end_message(book, k, event)
            on_quote_seen(market.health, book, k, event)
    elif kind == CLEAR:
        expire_lane(book, ledger, k, now)
        close_lane(book, ledger, k)
        clear_book(book, k)
        if flags & (LAST | GAP):
            end_message(book, k, event)
        on_depth_seen(market.health, book, k, event)
    return slot


@kernel
def run_market(events: Events, start: Int, stop: Int, market: MarketState) -> Int:
    """Move the market by events[start:stop].

    Returns the index of the first event not used: stop, or the first for which there is no room.
    """
    for i in range(start, stop):
        event = events[i]
        if not has_room(market, event):
            return i
        look_ahead(market, events, i, stop)
        on_event(market, event)
    return stop


def advance(events: Events, market: MarketState) -> MarketState:
    """Move the market by all of `events`, growing it as needed; return it."""
    done = 0
    while (done := run_market(events, done, events.size, market)) < events.size:
        market = grow_market(market)
    return market
