"""The book: what rests where, and its top, from LEVEL, CLEAR and QUOTE rows.

Sizes of LEVEL rows are absolute; 0 removes, and removing an unknown level is normal. The book is
read after the row with LAST: only then are the tops, `crossed` and `valid` refreshed. Two tops are
kept: that of the depth ladder alone, and the
*fused* one, which follows QUOTE rows (newer than the depth) until the next depth message ends. A
row flagged STALE changes nothing. CLEAR forgets the book; it is valid again after a snapshot's
LAST row. A GAP makes it invalid until then.

    price   int32 ticks in records, int64 in arguments      lots   int64      ts   int64 ns
    k       lane: the event's instrument                     side   +1 bid, -1 ask

A level event needs at most one slot: the batch kernel stops before an event it has no room for,
Python calls `grow_book` and goes on. Source: R0.4 (validity), R0.8 (inputs).
"""

from typing import Any

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.ladder import (
    clear_ladder,
    drop_key,
    find_key,
    key_lots,
    next_far,
    next_near,
    write_key,
)
from aggressor.market.levels import (
    BOOK_HEAD,
    LEVEL_SLOT,
    NEAR,
    NO_KEY,
    NO_SLOT,
    BookState,
    book_state,
    grow_book,
    has_room,
    link_far,
    take_slot,
)
from aggressor.schema.event import (
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_PRICE,
    QUOTE,
    SNAPSHOT,
    STALE,
    Events,
)

__all__ = [
    "BOOK_HEAD",
    "LEVEL_SLOT",
    "NO_SLOT",
    "BookState",
    "best_price",
    "book_state",
    "clear_book",
    "end_message",
    "ensure_slot",
    "find_slot",
    "grow_book",
    "has_room",
    "lots_at",
    "next_price",
    "on_book_event",
    "read_top",
    "release_slot",
    "run_book",
    "set_level",
]


@kernel_inline
def row_of(k: Int, side: Int) -> Int:
    """Return the ladder of a lane's side."""
    return 2 * np.int64(k) + np.int64(side < 0)


@kernel_inline
def key_of(side: Int, price: Int) -> Int:
    """Return the mirrored key of a price; its own inverse."""
    return -np.int64(side) * np.int64(price)


@kernel_inline
def set_level(book: BookState, k: Int, side: Int, price: Int, lots: Int) -> Int:
    """Set the lots resting at a price; 0 removes and releases the level.

    Returns the slot of the level, NO_SLOT when none is left or none was free (see `has_room`).
    """
    if not has_room(book, k):
        if lots > 0 and find_slot(book, k, side, price) == NO_SLOT:
            return NO_SLOT
    return write_key(book, row_of(k, side), key_of(side, price), np.int64(lots), False)


@kernel_inline
def find_slot(book: BookState, k: Int, side: Int, price: Int) -> Int:
    """Return the slot standing at a price, dormant or not; NO_SLOT when there is none."""
    return find_key(book, row_of(k, side), key_of(side, price))


@kernel_inline
def lots_at(book: BookState, k: Int, side: Int, price: Int) -> Int:
    """Return the lots resting at a price; 0 when there is no level."""
    return key_lots(book, row_of(k, side), key_of(side, price))


@kernel_inline
def ensure_slot(book: BookState, k: Int, side: Int, price: Int) -> Int:
    """Return the slot standing at a price, a new dormant one if need be; NO_SLOT without room."""
    slot = find_slot(book, k, side, price)
    if slot == NO_SLOT and has_room(book, k):
        slot = add_dormant(book, row_of(k, side), key_of(side, price))
    return slot


@kernel
def add_dormant(book: BookState, row: Int, key: Int) -> Int:
    """Stand a new slot of 0 lots at a key where there is none; there must be room."""
    slot = take_slot(book, row, key if row & 1 else -key)
    width = book.window.shape[1]
    if 0 <= key - book.sides[np.uint64(row)]["low"] < width:
        book.window[np.uint64(row), np.uint64(key & (width - 1))] = slot
        book.levels[np.uint64(slot)]["place"] = NEAR
    else:
        link_far(book, row, key, slot)
    return slot


@kernel_inline
def release_slot(book: BookState, slot: Int) -> None:
    """Free a dormant slot; one that holds lots stays."""
    level = book.levels[np.uint64(slot)]
    if slot != NO_SLOT and level["lots"] == 0:
        side = np.int64(level["side"])
        drop_key(book, row_of(level["instrument"], side), key_of(side, level["price"]), slot)


@kernel_inline
def best_price(book: BookState, k: Int, side: Int) -> Int:
    """Return the best price of the depth ladder in ticks, NO_PRICE when the side is empty."""
    best = book.sides[np.uint64(row_of(k, side))]["best"]
    return key_of(side, best) if best != NO_KEY else np.int64(NO_PRICE)


@kernel_inline
def next_price(book: BookState, k: Int, side: Int, price: Int) -> Int:
    """Return the next price with lots strictly further from the touch, NO_PRICE if none."""
    found = next_key(book, row_of(k, side), key_of(side, price))
    return key_of(side, found) if found != NO_KEY else np.int64(NO_PRICE)


@kernel
def next_key(book: BookState, row: Int, key: Int) -> Int:
    """Return the smallest key > `key` with lots, near or far, or NO_KEY."""
    ladder = book.sides[np.uint64(row)]
    if key < ladder["best"]:
        return ladder["best"]
    found = next_near(book, row, key)
    return found if found != NO_KEY else next_far(book, row, key)


@kernel
def clear_book(book: BookState, k: Int) -> None:
    """Forget everything that lane `k` knows of its book; it is invalid until a snapshot."""
    clear_ladder(book, 2 * k)
    clear_ladder(book, 2 * k + 1)
    head = book.head[np.uint64(k)]
    head["bid"] = NO_PRICE
    head["ask"] = NO_PRICE
    head["bid_lots"] = 0
    head["ask_lots"] = 0
    head["depth_bid"] = NO_PRICE
    head["depth_ask"] = NO_PRICE
    head["depth_bid_lots"] = 0
    head["depth_ask_lots"] = 0
    head["quote_bid"] = NO_PRICE
    head["quote_ask"] = NO_PRICE
    head["bid_levels"] = 0
    head["ask_levels"] = 0
    head["clears"] += 1
    head["synced"] = 0
    head["valid"] = 0
    head["crossed"] = 0
    head["quoted"] = 0


@kernel_inline
def on_book_event(book: BookState, k: Int, event: Any) -> None:
    """Apply one LEVEL, CLEAR or QUOTE row; levels that end are released at once."""
    kind = event["kind"]
    flags = event["flags"]
    if flags & STALE:
        return
    if kind == LEVEL:
        side = np.int64(event["side"])
        key = key_of(side, event["price"])
        write_key(book, row_of(k, side), key, np.int64(event["size"]), False)
    elif kind == CLEAR:
        clear_book(book, np.int64(k))
    elif kind == QUOTE:
        note_quote(book, k, event)
    else:
        return
    if flags & (LAST | GAP):
        end_message(book, k, event)


@kernel_inline
def note_quote(book: BookState, k: Int, event: Any) -> None:
    """Keep one side of a quote until the message ends."""
    head = book.head[np.uint64(k)]
    if event["side"] > 0:
        head["quote_bid"] = event["price"]
        head["quote_bid_lots"] = event["size"]
    else:
        head["quote_ask"] = event["price"]
        head["quote_ask_lots"] = event["size"]


@kernel_inline
def end_message(book: BookState, k: Int, event: Any) -> None:
    """Close a book message: note gap and snapshot, and after LAST refresh the tops and `valid`."""
    head = book.head[np.uint64(k)]
    flags = event["flags"]
    if flags & GAP:
        head["gap"] = 1
        head["synced"] = 0
        head["valid"] = 0
    if flags & LAST:
        if event["kind"] != QUOTE:
            if flags & SNAPSHOT:
                head["gap"] = 0
                head["synced"] = 1
            refresh_depth(book, np.int64(k))
        head["ts_recv"] = event["ts_recv"]
        head["ts_venue"] = event["ts_venue"]
        head["messages"] += 1
        refresh_top(book, np.int64(k), event["ts_recv"])


@kernel_inline
def refresh_depth(book: BookState, k: Int) -> None:
    """Read the top of both ladders; quotes older than this depth are forgotten."""
    head = book.head[np.uint64(k)]
    bid = book.sides[np.uint64(2 * k)]
    ask = book.sides[np.uint64(2 * k + 1)]
    head["depth_bid"] = NO_PRICE if bid["best"] == NO_KEY else -bid["best"]
    head["depth_ask"] = NO_PRICE if ask["best"] == NO_KEY else ask["best"]
    head["depth_bid_lots"] = best_lots(book, 2 * k)
    head["depth_ask_lots"] = best_lots(book, 2 * k + 1)
    head["bid_levels"] = bid["levels"]
    head["ask_levels"] = ask["levels"]
    head["quote_bid"] = NO_PRICE
    head["quote_ask"] = NO_PRICE


@kernel_inline
def best_lots(book: BookState, row: Int) -> Int:
    """Return the lots of the best level of a ladder; 0 when it is empty."""
    best = book.sides[np.uint64(row)]["best"]
    if best == NO_KEY:
        return np.int64(0)
    return np.int64(book.shown[np.uint64(row), np.uint64(best & (book.shown.shape[1] - 1))])


@kernel_inline
def refresh_top(book: BookState, k: Int, now: Int) -> None:
    """Fuse depth and quotes into one top, and judge it; a quote of 0 lots empties its side."""
    head = book.head[np.uint64(k)]
    bid, bid_lots = np.int64(head["depth_bid"]), head["depth_bid_lots"]
    ask, ask_lots = np.int64(head["depth_ask"]), head["depth_ask_lots"]
    quoted = 0
    if head["quote_bid"] != NO_PRICE:
        bid, bid_lots, quoted = np.int64(head["quote_bid"]), head["quote_bid_lots"], 1
        if bid_lots == 0:
            bid = np.int64(NO_PRICE)
    if head["quote_ask"] != NO_PRICE:
        ask, ask_lots, quoted = np.int64(head["quote_ask"]), head["quote_ask_lots"], 1
        if ask_lots == 0:
            ask = np.int64(NO_PRICE)
    if (
        bid != head["bid"]
        or ask != head["ask"]
        or bid_lots != head["bid_lots"]
        or ask_lots != head["ask_lots"]
    ):
        head["top_ts_recv"] = now
        head["bid"] = bid
        head["ask"] = ask
        head["bid_lots"] = bid_lots
        head["ask_lots"] = ask_lots
    head["quoted"] = quoted
    both = bid != NO_PRICE and ask != NO_PRICE
    deep = head["depth_bid"] != NO_PRICE and head["depth_ask"] != NO_PRICE
    crossed = (both and bid >= ask) or (deep and head["depth_bid"] >= head["depth_ask"])
    if crossed and head["crossed"] == 0:
        head["crossings"] += 1
    head["crossed"] = 1 if crossed else 0
    head["valid"] = 1 if both and deep and not crossed and head["synced"] != 0 else 0


@kernel
def read_top(book: BookState, k: Int) -> tuple[Int, Int, Int, Int]:
    """Return (bid, its lots, ask, its lots) of the fused top to a caller outside kernels."""
    head = book.head[np.uint64(k)]
    return np.int64(head["bid"]), head["bid_lots"], np.int64(head["ask"]), head["ask_lots"]


@kernel
def run_book(events: Events, start: Int, stop: Int, book: BookState) -> Int:
    """Apply the book rows of events[start:stop]; other kinds pass.

    Returns the index of the first event not used: stop, or a LEVEL without room in the pool.
    """
    lanes = book.head.size
    for i in range(start, stop):
        event = events[i]
        k = np.int64(event["instrument"])
        if k < lanes:
            if event["kind"] == LEVEL and not has_room(book, k):
                return i
            on_book_event(book, k, event)
    return stop
