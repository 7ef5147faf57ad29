"""One side of a book: a dense circular window around the best level, and everything beyond it.

Written in key space (`key = -side * price`, best = smallest), so bids and asks share every line. A
key inside [low, low + W) stands at index `key & (W - 1)` of its row; when the best level wanders
off, the window moves: what leaves it goes to the far table, what enters it comes back, and no
level is ever dropped. Finding the next level reads at most one word of each bitmap tier twice,
however wide the gap. When the window holds no level any more the nearest far level is sought in
the far list (linear, rare) and the window moves to it.

All kernels take the row `2 * instrument + (0 bid, 1 ask)` as int64; slots are int64, NO_SLOT for
none.
"""

import numpy as np

from aggressor.bits import lowest_bit
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.levels import (
    NEAR,
    NO_KEY,
    NO_SLOT,
    BookState,
    find_far,
    free_slot,
    link_far,
    take_slot,
    unlink_far,
)

_ONE = np.uint64(1)
_SIX = np.uint64(6)
_63 = np.uint64(63)


@kernel_inline
def set_bit(book: BookState, row: Int, position: np.uint64) -> None:
    """Note that a position of the window holds lots."""
    line = np.uint64(row)
    width = book.window.shape[1]
    blocks = np.uint64(width >> 6)
    roof = blocks + np.uint64((width + 4095) >> 12)
    word = position >> _SIX
    block = word >> _SIX
    before = book.bits[line, word]
    book.bits[line, word] = before | (_ONE << (position & _63))
    if before == 0:
        book.bits[line, blocks + block] |= _ONE << (word & _63)
        book.bits[line, roof] |= _ONE << block


@kernel_inline
def clear_bit(book: BookState, row: Int, position: np.uint64) -> None:
    """Note that a position of the window holds no lots any more."""
    line = np.uint64(row)
    width = book.window.shape[1]
    blocks = np.uint64(width >> 6)
    roof = blocks + np.uint64((width + 4095) >> 12)
    word = position >> _SIX
    block = word >> _SIX
    left = book.bits[line, word] & ~(_ONE << (position & _63))
    book.bits[line, word] = left
    if left == 0:
        left = book.bits[line, blocks + block] & ~(_ONE << (word & _63))
        book.bits[line, blocks + block] = left
        if left == 0:
            book.bits[line, roof] &= ~(_ONE << block)


@kernel_inline
def next_position(book: BookState, row: Int, start: Int) -> Int:
    """Return the first window position >= `start` that holds lots, or -1; `start` is below W."""
    line = np.uint64(row)
    width = book.window.shape[1]
    words = np.uint64(width >> 6)
    blocks = np.uint64((width + 4095) >> 12)
    word = np.uint64(start) >> _SIX
    found = book.bits[line, word] >> (np.uint64(start) & _63)
    if found != 0:
        return start + np.int64(lowest_bit(found))
    word += _ONE
    block = word >> _SIX
    if word < words:
        found = book.bits[line, words + block] >> (word & _63)
        if found != 0:
            word += lowest_bit(found)
            return np.int64((word << _SIX) + lowest_bit(book.bits[line, word]))
        block += _ONE
        if block < blocks:
            found = book.bits[line, words + blocks] >> block
            if found != 0:
                block += lowest_bit(found)
                word = (block << _SIX) + lowest_bit(book.bits[line, words + block])
                return np.int64((word << _SIX) + lowest_bit(book.bits[line, word]))
    return -1


@kernel_inline
def next_near(book: BookState, row: Int, key: Int) -> Int:
    """Return the smallest key > `key` with lots inside the window, or NO_KEY; key >= low - 1."""
    width = book.window.shape[1]
    first = key + 1
    left = book.sides[np.uint64(row)]["low"] + width - first
    if left <= 0:
        return NO_KEY
    start = first & (width - 1)
    position = next_position(book, row, start)
    if position >= 0:
        distance = position - start
    else:
        position = next_position(book, row, 0)
        if position < 0:
            return NO_KEY
        distance = width - start + position
    return first + distance if distance < left else NO_KEY


@kernel
def next_far(book: BookState, row: Int, key: Int) -> Int:
    """Return the smallest key > `key` with lots in the far list, or NO_KEY."""
    best = NO_KEY
    slot = np.int64(book.sides[np.uint64(row)]["far"])
    while slot != NO_SLOT:
        level = book.levels[np.uint64(slot)]
        here = -np.int64(level["side"]) * np.int64(level["price"])
        if here > key and here < best and level["lots"] > 0:
            best = here
        slot = np.int64(book.links[np.uint64(slot)]["after"])
    return best


@kernel
def recentre(book: BookState, row: Int, key: Int) -> None:
    """Move the window of ladder `row` so that `key` stands a quarter from its low end."""
    width = book.window.shape[1]
    mask = width - 1
    ladder = book.sides[np.uint64(row)]
    low = ladder["low"]
    fresh = key - (width >> 2)
    shift = fresh - low
    if shift >= width or shift <= -width:
        first, last = low, low + width
    elif shift > 0:
        first, last = low, fresh
    else:
        first, last = fresh + width, low + width
    for leaving in range(first, last):
        position = np.uint64(leaving & mask)
        slot = np.int64(book.window[np.uint64(row), position])
        if slot != NO_SLOT:
            book.window[np.uint64(row), position] = NO_SLOT
            if book.shown[np.uint64(row), position] > 0:
                book.shown[np.uint64(row), position] = 0
                clear_bit(book, row, position)
            link_far(book, row, leaving, slot)
    ladder["low"] = fresh
    slot = np.int64(ladder["far"])
    while slot != NO_SLOT:
        after = np.int64(book.links[np.uint64(slot)]["after"])
        level = book.levels[np.uint64(slot)]
        here = -np.int64(level["side"]) * np.int64(level["price"])
        if fresh <= here < fresh + width:
            unlink_far(book, row, here, slot)
            position = np.uint64(here & mask)
            book.window[np.uint64(row), position] = slot
            level["place"] = NEAR
            if level["lots"] > 0:
                book.shown[np.uint64(row), position] = level["lots"]
                set_bit(book, row, position)
        slot = after


@kernel
def seek_best(book: BookState, row: Int) -> None:
    """Find the new best level of ladder `row` after the best one has gone, and follow it."""
    width = book.window.shape[1]
    ladder = book.sides[np.uint64(row)]
    best = next_near(book, row, ladder["best"])
    if best == NO_KEY:
        best = next_far(book, row, ladder["best"])
    ladder["best"] = best
    if best != NO_KEY and best - ladder["low"] > width - (width >> 2):
        recentre(book, row, best)


@kernel_inline
def find_key(book: BookState, row: Int, key: Int) -> Int:
    """Return the slot of a key wherever it stands, dormant or not; NO_SLOT when there is none."""
    width = book.window.shape[1]
    offset = key - book.sides[np.uint64(row)]["low"]
    if 0 <= offset < width:
        return np.int64(book.window[np.uint64(row), np.uint64(key & (width - 1))])
    return find_far(book, row, key)


@kernel_inline
def key_lots(book: BookState, row: Int, key: Int) -> Int:
    """Return the lots at a key wherever it stands; 0 when there is no level."""
    width = book.shown.shape[1]
    if 0 <= key - book.sides[np.uint64(row)]["low"] < width:
        return book.shown[np.uint64(row), np.uint64(key & (width - 1))]
    return far_lots(book, row, key)


@kernel
def far_lots(book: BookState, row: Int, key: Int) -> Int:
    """Return the lots at a key outside the window."""
    return np.int64(book.levels[np.uint64(find_far(book, row, key))]["lots"])


@kernel_inline
def write_near(book: BookState, row: Int, key: Int, lots: Int, keep: bool) -> Int:
    """Set the lots of a key inside the window; return its slot, NO_SLOT when none is left there.

    A level that ends is released, or left dormant with `keep`.
    """
    line = np.uint64(row)
    position = np.uint64(key & (book.window.shape[1] - 1))
    slot = np.int64(book.window[line, position])
    ladder = book.sides[line]
    was = book.shown[line, position]
    if lots > 0:
        if slot == NO_SLOT:
            slot = take_slot(book, row, key if row & 1 else -key)
            book.levels[np.uint64(slot)]["place"] = NEAR
            book.window[line, position] = slot
        book.levels[np.uint64(slot)]["lots"] = book.shown[line, position] = lots
        if was == 0:
            set_bit(book, row, position)
            ladder["levels"] += 1
            if key < ladder["best"]:
                ladder["best"] = key
        return slot
    if was > 0:
        clear_bit(book, row, position)
        ladder["levels"] -= 1
        book.levels[np.uint64(slot)]["lots"] = book.shown[line, position] = 0
        if not keep:
            book.window[line, position] = NO_SLOT
            free_slot(book, slot)
            slot = NO_SLOT
        if key == ladder["best"]:
            seek_best(book, row)
    return slot


@kernel
def write_far(book: BookState, row: Int, key: Int, lots: Int, keep: bool) -> Int:
    """Set the lots of a key outside the window; return as `write_near` does."""
    ladder = book.sides[np.uint64(row)]
    if lots > 0 and key < ladder["best"]:
        recentre(book, row, key)
        return write_near(book, row, key, lots, keep)
    slot = find_far(book, row, key)
    if slot == NO_SLOT:
        if lots == 0:
            return NO_SLOT
        slot = take_slot(book, row, key if row & 1 else -key)
        link_far(book, row, key, slot)
    level = book.levels[np.uint64(slot)]
    ladder["levels"] += np.int64(lots > 0) - np.int64(level["lots"] > 0)
    level["lots"] = lots
    if lots == 0 and not keep:
        unlink_far(book, row, key, slot)
        free_slot(book, slot)
        return NO_SLOT
    return slot


@kernel_inline
def write_key(book: BookState, row: Int, key: Int, lots: Int, keep: bool) -> Int:
    """Set the lots of a key wherever it stands; there must be room for a new level."""
    offset = key - book.sides[np.uint64(row)]["low"]
    if 0 <= offset < book.window.shape[1]:
        return write_near(book, row, key, lots, keep)
    return write_far(book, row, key, lots, keep)


@kernel_inline
def drop_key(book: BookState, row: Int, key: Int, slot: Int) -> None:
    """Release the dormant slot of a key."""
    if book.levels[np.uint64(slot)]["place"] == NEAR:
        book.window[np.uint64(row), np.uint64(key & (book.window.shape[1] - 1))] = NO_SLOT
    else:
        unlink_far(book, row, key, slot)
    free_slot(book, slot)


@kernel
def clear_ladder(book: BookState, row: Int) -> None:
    """Release every slot of ladder `row`, dormant ones included."""
    line = np.uint64(row)
    ladder = book.sides[line]
    for position in range(book.window.shape[1]):
        slot = np.int64(book.window[line, np.uint64(position)])
        if slot != NO_SLOT:
            book.window[line, np.uint64(position)] = NO_SLOT
            book.shown[line, np.uint64(position)] = 0
            free_slot(book, slot)
    for word in range(book.bits.shape[1]):
        book.bits[line, np.uint64(word)] = np.uint64(0)
    slot = np.int64(ladder["far"])
    while slot != NO_SLOT:
        level = book.levels[np.uint64(slot)]
        unlink_far(book, row, -np.int64(level["side"]) * np.int64(level["price"]), slot)
        free_slot(book, slot)
        slot = np.int64(ladder["far"])
    ladder["best"] = NO_KEY
    ladder["levels"] = 0
