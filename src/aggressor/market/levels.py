"""The book's memory: a pool of level slots, and the arrays that say where each slot stands.

A price level is a *slot* of one pool shared by all instruments. It keeps its slot from the moment
it appears until it is released, so whoever keeps more about a level (ledger, detectors) indexes
arrays of their own by slot. A slot stands either in the dense window of its side or in the far
table; moving between them moves the 4-byte slot number, never the record. A slot may be *dormant*:
kept with 0 lots because somebody still needs it; it is then no part of the book.

Each side of an instrument is one ladder, a *row*: `row = 2 * instrument + (0 bid, 1 ask)`. Ladders
live in mirrored key space, `key = -side * price`, so that the best level is the smallest key on
both sides and all code is written once.

    sides   (2 * lanes,)        LADDER       where the window stands, the best key, the far list
    window  (2 * lanes, W)      int32        slot of key, at index key & (W - 1); 0 none
    shown   (2 * lanes, W)      int64        lots of key, at the same index
    bits    (2 * lanes, words)  uint64       which positions hold lots: 64-way tiers, finest first
    levels  (slots,)            LEVEL_SLOT   slot 0 is nobody and always holds 0 lots
    links   (slots,)            LINK         free stack, hash chains, far lists; row 0's `free`
    counts

Invariants: the best level of a side, if any, stands in its window; every key inside the window
stands there, every other in the far table; `shown` repeats the lots of the window's slots, so that
levels side by side are read side by side, and `bits` mirrors `lots > 0` of them; a slot is free, or
stands in exactly one place.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import INSTRUMENTS_MAX, NO_PRICE, NO_TIME
from aggressor.state import State

NO_SLOT = 0
NO_KEY = 2**62  # best key of an empty side, and the answer of a search that found nothing

FREE = 0  # `place` of a slot
NEAR = 1
FAR = 2

BOOK_HEAD = np.dtype(
    [
        ("bid", "<i4"),  # ticks: the fused top (depth, or a newer quote); NO_PRICE when empty
        ("ask", "<i4"),
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("depth_bid", "<i4"),  # ticks: the top of the depth ladder alone
        ("depth_ask", "<i4"),
        ("depth_bid_lots", "<i8"),
        ("depth_ask_lots", "<i8"),
        ("quote_bid", "<i4"),  # ticks of quotes newer than the depth; NO_PRICE none
        ("quote_ask", "<i4"),
        ("quote_bid_lots", "<i8"),
        ("quote_ask_lots", "<i8"),
        ("ts_recv", "<i8"),  # of the last book message; NO_TIME before the first
        ("ts_venue", "<i8"),
        ("top_ts_recv", "<i8"),  # of the last change of the fused top
        ("bid_levels", "<i8"),
        ("ask_levels", "<i8"),
        ("messages", "<i8"),  # depth and quote messages ended
        ("crossings", "<i8"),  # times the book became crossed
        ("clears", "<i8"),
        ("valid", "u1"),  # snapshot seen, no gap, not crossed, both sides present
        ("synced", "u1"),  # snapshot seen and no gap since
        ("crossed", "u1"),
        ("gap", "u1"),
        ("quoted", "u1"),  # the fused top comes from a quote
        ("reserved", "u1", (3,)),
    ]
)

LADDER = np.dtype(
    [
        ("low", "<i8"),  # first key of the window
        ("best", "<i8"),  # smallest key with lots; NO_KEY when the side is empty
        ("levels", "<i8"),  # levels with lots, far ones included
        ("far", "<i4"),  # first slot of the far list; NO_SLOT when there is none
        ("far_levels", "<i4"),  # slots in the far list, dormant ones included
    ]
)

LEVEL_SLOT = np.dtype(
    [
        ("lots", "<i8"),  # 0: dormant or free
        ("price", "<i4"),  # ticks
        ("side", "i1"),
        ("instrument", "u1"),
        ("place", "u1"),  # FREE, NEAR, FAR
        ("reserved", "u1"),
    ]
)

LINK = np.dtype(
    [
        ("free", "<i4"),  # entry of the stack of free slots; of row 0: how many there are
        ("bucket", "<i4"),  # first slot of the hash bucket with this number
        ("chain", "<i4"),  # next slot of the same bucket
        ("before", "<i4"),  # neighbours in the far list of the same ladder
        ("after", "<i4"),
    ]
)


class BookState(State, frozen=True):
    """The books of all instruments of one engine."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]
    sides: NDArray[Any]
    window: NDArray[np.int32]
    shown: NDArray[np.int64]
    bits: NDArray[np.uint64]
    levels: NDArray[Any]
    links: NDArray[Any]


def book_state(lanes: int, window: int = 32768, levels: int = 8192) -> BookState:
    """Return empty books for `lanes` instruments.

    `window` keys a side are held densely (a power of two, 64 to 262144); `levels` is the first
    size of the pool shared by all lanes (a power of two), which `grow_book` doubles.
    """
    assert 0 < lanes <= INSTRUMENTS_MAX
    assert 64 <= window <= 64**3
    assert levels >= 2
    assert window & (window - 1) == 0
    assert levels & (levels - 1) == 0
    head = np.zeros(lanes, BOOK_HEAD)
    for name in ("bid", "ask", "depth_bid", "depth_ask", "quote_bid", "quote_ask"):
        head[name] = NO_PRICE
    for name in ("ts_recv", "ts_venue", "top_ts_recv"):
        head[name] = NO_TIME
    sides = np.zeros(2 * lanes, LADDER)
    sides["best"] = NO_KEY
    links = np.zeros(levels, LINK)
    links["free"][1:] = np.arange(levels - 1, 0, -1)
    links["free"][0] = levels - 1
    words = (window >> 6) + ((window + 4095) >> 12) + 1
    return BookState(
        head=head,
        sides=sides,
        window=np.zeros((2 * lanes, window), np.int32),
        shown=np.zeros((2 * lanes, window), np.int64),
        bits=np.zeros((2 * lanes, words), np.uint64),
        levels=np.zeros(levels, LEVEL_SLOT),
        links=links,
    )


def grow_book(book: BookState) -> BookState:
    """Return the same books with twice the slots; every slot keeps its number."""
    old = book.levels.size
    levels = np.zeros(2 * old, LEVEL_SLOT)
    levels[:old] = book.levels
    links = np.zeros(2 * old, LINK)
    links[:old] = book.links
    free = int(links["free"][0])
    links["free"][free + 1 : free + 1 + old] = np.arange(2 * old - 1, old - 1, -1)
    links["free"][0] = free + old
    grown = book.replace(levels=levels, links=links)
    hash_again(grown)
    return grown


@kernel_inline
def has_room(book: BookState, k: Int) -> bool:
    """Return whether one more level can appear on lane `k`: one event needs at most one slot."""
    return book.links[np.uint64(0)]["free"] > 0


@kernel_inline
def take_slot(book: BookState, row: Int, price: Int) -> Int:
    """Return a free slot, now a level of 0 lots at `price` of ladder `row`; there must be room."""
    top = book.links[np.uint64(0)]["free"]
    slot = book.links[np.uint64(top)]["free"]
    book.links[np.uint64(0)]["free"] = top - 1
    level = book.levels[np.uint64(slot)]
    level["lots"] = 0
    level["price"] = price
    level["side"] = 1 - 2 * (row & 1)
    level["instrument"] = row >> 1
    return np.int64(slot)


@kernel_inline
def free_slot(book: BookState, slot: Int) -> None:
    """Give back a slot that stands nowhere any more."""
    level = book.levels[np.uint64(slot)]
    level["lots"] = 0
    level["place"] = FREE
    top = book.links[np.uint64(0)]["free"] + 1
    book.links[np.uint64(0)]["free"] = top
    book.links[np.uint64(top)]["free"] = slot


@kernel_inline
def bucket_of(book: BookState, row: Int, key: Int) -> np.uint64:
    """Return the hash bucket of a key of ladder `row`."""
    mixed = ((key + row * 40503) & 0xFFFFFFFF) * 1481765933
    return np.uint64((mixed >> 20) & (book.links.size - 1))


@kernel_inline
def find_far(book: BookState, row: Int, key: Int) -> Int:
    """Return the slot of a key in the far table, or NO_SLOT."""
    slot = np.int64(book.links[bucket_of(book, row, key)]["bucket"])
    while slot != NO_SLOT:
        level = book.levels[np.uint64(slot)]
        side = np.int64(level["side"])
        if (
            -side * np.int64(level["price"]) == key
            and 2 * np.int64(level["instrument"]) + (side < 0) == row
        ):
            return slot
        slot = np.int64(book.links[np.uint64(slot)]["chain"])
    return NO_SLOT


@kernel
def link_far(book: BookState, row: Int, key: Int, slot: Int) -> None:
    """Put a slot into the far table and the far list of ladder `row`."""
    bucket = book.links[bucket_of(book, row, key)]
    link = book.links[np.uint64(slot)]
    ladder = book.sides[np.uint64(row)]
    link["chain"] = bucket["bucket"]
    bucket["bucket"] = slot
    first = ladder["far"]
    link["before"] = NO_SLOT
    link["after"] = first
    if first != NO_SLOT:
        book.links[np.uint64(first)]["before"] = slot
    ladder["far"] = slot
    ladder["far_levels"] += 1
    book.levels[np.uint64(slot)]["place"] = FAR


@kernel
def unlink_far(book: BookState, row: Int, key: Int, slot: Int) -> None:
    """Take a slot out of the far table and the far list of ladder `row`."""
    link = book.links[np.uint64(slot)]
    bucket = book.links[bucket_of(book, row, key)]
    if bucket["bucket"] == slot:
        bucket["bucket"] = link["chain"]
    else:
        other = bucket["bucket"]
        while book.links[np.uint64(other)]["chain"] != slot:
            other = book.links[np.uint64(other)]["chain"]
        book.links[np.uint64(other)]["chain"] = link["chain"]
    ladder = book.sides[np.uint64(row)]
    if link["before"] != NO_SLOT:
        book.links[np.uint64(link["before"])]["after"] = link["after"]
    else:
        ladder["far"] = link["after"]
    if link["after"] != NO_SLOT:
        book.links[np.uint64(link["after"])]["before"] = link["before"]
    ladder["far_levels"] -= 1


@kernel
def hash_again(book: BookState) -> None:
    """Rebuild every bucket and chain after the pool has changed its size."""
    for i in range(book.links.size):
        book.links[i]["bucket"] = NO_SLOT
    for slot in range(1, book.levels.size):
        level = book.levels[slot]
        if level["place"] == FAR:
            side = np.int64(level["side"])
            row = 2 * np.int64(level["instrument"]) + (side < 0)
            bucket = book.links[bucket_of(book, row, -side * np.int64(level["price"]))]
            book.links[slot]["chain"] = bucket["bucket"]
            bucket["bucket"] = slot
