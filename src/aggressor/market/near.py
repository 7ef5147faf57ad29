"""Lots near the touch, read straight from the dense window: a few nanoseconds a tick.

`next_price` finds the next level anywhere; near the touch most ticks hold lots, and reading every
tick of the window in turn is many times cheaper. So a walk of at most DENSE ticks inside the window
steps tick by tick (`dense`), any other from level to level. Both see the same levels in the same
order.

Prices are mirrored keys, `key = -side * price`: the best is the smallest on both sides.
"""

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import next_key, row_of
from aggressor.market.levels import NO_KEY, BookState, find_far

DENSE = 4096  # ticks
PARTS_OF_ONE = 1_000_000  # reaches are in hundredths of a basis point


@kernel_inline
def is_dense(book: BookState, row: Int, last: Int) -> bool:
    """Whether the walk from the best of a ladder to the key `last` steps tick by tick."""
    ladder = book.sides[row]
    return bool(last - ladder["best"] <= DENSE and last < ladder["low"] + book.window.shape[1])


@kernel_inline
def key_lots(book: BookState, row: Int, key: Int, dense: bool) -> Int:
    """Return the lots at a key; a `dense` one lies in the window, any other holds a level."""
    if dense or 0 <= key - book.sides[row]["low"] < book.window.shape[1]:
        slot = book.window[row, key & (book.window.shape[1] - 1)]
        return np.int64(book.levels[slot]["lots"])
    return far_lots(book, row, key)


@kernel
def far_lots(book: BookState, row: Int, key: Int) -> Int:
    """Return the lots at a key outside the window."""
    slot = find_far(book, row, key)
    return np.int64(book.levels[slot]["lots"])


@kernel_inline
def following_key(book: BookState, row: Int, key: Int, dense: bool) -> Int:
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
    dense = is_dense(book, row, last)
    lots, levels = 0, 0
    key = best
    while key <= last:
        if not dense and levels == levels_max:
            return lots, 1
        lots += key_lots(book, row, key, dense)
        levels += 1
        key = following_key(book, row, key, dense)
    beyond = next_key(book, row, last - 1)
    return lots, 1 if beyond == NO_KEY else 0
