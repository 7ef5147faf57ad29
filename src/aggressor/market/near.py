"""Lots near the touch, read straight from the dense window: less than a nanosecond a tick.

`next_price` finds the next level anywhere; near the touch most ticks hold lots, and the window
keeps them side by side (`shown`), so reading every tick in turn is many times cheaper. So a walk of
at most DENSE ticks inside the window steps tick by tick (`dense`), any other from level to level.
Both see the same levels in the same order.

Prices are mirrored keys, `key = -side * price`: the best is the smallest on both sides.
"""

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import next_key, row_of
from aggressor.market.ladder import key_lots
from aggressor.market.levels import NO_KEY, BookState

Truth = bool | np.bool_

DENSE = 4096  # ticks
NEAR_TICKS = 512  # for walks that end after a number of levels
BLOCK = 16  # ticks counted at a time
PARTS_OF_ONE = 1_000_000  # reaches are in hundredths of a basis point


@kernel_inline
def is_dense(book: BookState, row: Int, last: Int) -> bool:
    """Whether the walk from the best of a ladder to the key `last` steps tick by tick."""
    ladder = book.sides[row]
    return bool(last - ladder["best"] <= DENSE and last < ladder["low"] + book.window.shape[1])


@kernel_inline
def walk_lots(book: BookState, row: Int, key: Int, dense: Truth) -> Int:
    """Return the lots at a key of a walk; a `dense` one lies in the window."""
    if dense:
        return book.shown[np.uint64(row), np.uint64(key & (book.shown.shape[1] - 1))]
    return key_lots(book, row, key)


@kernel_inline
def following_key(book: BookState, row: Int, key: Int, dense: Truth) -> Int:
    """Return the next key of a walk."""
    return key + 1 if dense else next_key(book, row, key)


@kernel
def lots_near(book: BookState, k: Int, side: Int, reach: Int, levels_max: Int) -> tuple[Int, Int]:
    """Return (lots within `reach` of the ladder's mid, 1 if the ladder ended inside).

    `reach` is in hundredths of a basis point. Within it means |2 price - mid2| 10^6 <= |mid2| reach
    (R1.3). A walk from level to level ends after `levels_max` of them, as one that ended inside.
    """
    row = row_of(k, side)
    best, opposite = book.sides[row]["best"], book.sides[row ^ 1]["best"]
    if best == NO_KEY or opposite == NO_KEY:
        return 0, 1
    mid2 = best - opposite  # in keys of this side: the other side's keys are negated
    last = (mid2 + abs(mid2) * reach // PARTS_OF_ONE) >> 1
    if is_dense(book, row, last):
        return range_lots(book, row, best, last), _ends(book, row, last)
    lots, levels = np.int64(0), 0
    key = best
    while key <= last:
        if levels == levels_max:
            return lots, 1
        lots += key_lots(book, row, key)
        levels += 1
        key = next_key(book, row, key)
    return lots, _ends(book, row, last)


@kernel_inline
def _ends(book: BookState, row: Int, last: Int) -> int:
    """Return 1 if no level of a ladder stands at the key `last` or beyond."""
    return 1 if next_key(book, row, last - 1) == NO_KEY else 0


@kernel_inline
def near_end(book: BookState, row: Int) -> Int:
    """Return the key up to which a walk from the best of a ladder should step tick by tick."""
    ladder = book.sides[row]
    return min(ladder["best"] + NEAR_TICKS, ladder["low"] + book.window.shape[1]) - 1


@kernel
def range_lots(book: BookState, row: Int, first: Int, last: Int) -> Int:
    """Return the lots at all keys of a ladder from `first` to `last`, both included."""
    line, width = np.uint64(row), book.shown.shape[1]
    low, lots = book.sides[line]["low"], np.int64(0)
    if low <= first and last < low + width:
        start, stop = first & (width - 1), (first & (width - 1)) + max(last + 1 - first, 0)
        for place in range(start, min(stop, width)):
            lots += book.shown[line, np.uint64(place)]
        for place in range(0, stop - width):  # the window is a ring
            lots += book.shown[line, np.uint64(place)]
    else:
        for key in range(first, last + 1):
            lots += key_lots(book, row, key)
    return lots


@kernel
def best_levels_lots(book: BookState, row: Int, ticks: Int, levels_max: Int) -> Int:
    """Return the lots of the first `ticks` ticks of a ladder, its best the first.

    At most `levels_max` levels are counted.
    """
    best = book.sides[row]["best"]
    lots, levels = np.int64(0), np.int64(0)
    if best == NO_KEY:
        return lots
    key, last, near = best, best + ticks - 1, near_end(book, row)
    if ticks <= levels_max and last <= near:
        return range_lots(book, row, best, last)
    line, mask = np.uint64(row), book.shown.shape[1] - 1
    while key + BLOCK - 1 <= min(last, near) and (key & mask) <= mask + 1 - BLOCK:
        some, count = np.int64(0), np.int64(0)
        for place in range(key & mask, (key & mask) + BLOCK):
            some += book.shown[line, np.uint64(place)]
            count += np.int64(book.shown[line, np.uint64(place)] > 0)
        if levels + count > levels_max:
            break
        lots, levels, key = lots + some, levels + count, key + BLOCK
    while key <= last and levels < levels_max:
        here = walk_lots(book, row, key, key <= near)
        lots += here
        levels += np.int64(here > 0)
        key = following_key(book, row, key, key <= near)
    return lots
