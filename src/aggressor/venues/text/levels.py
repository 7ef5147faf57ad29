"""Numbers in JSON, and lists of price levels, read in place as steps of a grid.

The shortest way first: what is written as venues write it ("price","size" in quote marks, few
digits) is read at once (`text.quick`); then without quote marks; then with all care, which also
says what is wrong. What comes of it is the same. As in `text.scan` a negative position is
`~offset` of the trouble, and nothing depends on a byte at or behind `stop`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel, kernel_inline
from aggressor.schema.event import PRICE_MAX, Events
from aggressor.schema.units import NOT_PLAIN, OFF_GRID, PARSED, TOO_LARGE, parse_steps
from aggressor.venues.text.quick import (
    QUICK_BYTES,
    QUICK_DIGITS,
    WORD,
    Int,
    Text,
    brackets_of,
    first_of,
    quick_number,
    word_at,
)
from aggressor.venues.text.scan import (
    CLOSE_LIST,
    COMMA,
    OPEN_LIST,
    QUOTE_MARK,
    bare_stop,
    skip_space,
    value_stop,
)

_LEVEL_BYTES = 9  # the shortest level: ["1","2"]
_BARE_BYTES = 7  # the shortest level without quote marks that is read here: [1,2,3]
_PLAIN_BYTES_MAX = 18  # so many digits never overflow an int64
_PLAIN_UNITS_MAX = 10**17
_NONE, _ONE, _TWO, _THREE = (np.uint64(n) for n in range(4))

MALFORMED = 8  # beside the codes of schema.units

GRID = np.dtype(
    [
        ("price_step", "<i8"),
        ("size_step", "<i8"),
        ("price_digits", "<i4"),
        ("size_digits", "<i4"),
    ]
)

Grids = NDArray[Any]  # a dtype that has the fields of GRID, shape (lanes,)


@kernel_inline
def plain_number(text: Text, i: Int, stop: Int, digits: Int) -> tuple[Int, Int]:
    """Read digits and at most one point from i on, at `digits` decimals: (position behind, units).

    The position is -1 for what is not as short and simple as that; `parse_steps` then says why.
    """
    begin = i
    stop = min(stop, i + _PLAIN_BYTES_MAX)
    units = np.int64(0)
    while i < stop:
        digit = np.int64(text[np.uint64(i)]) ^ 48  # of no other byte is this less than 10
        if digit >= 10:
            break
        units = units * 10 + digit
        i += 1
    missing = digits
    if i < stop and text[i] == 46:
        i += 1
        while i < stop and missing > 0:
            digit = np.int64(text[np.uint64(i)]) ^ 48
            if digit >= 10:
                break
            units = units * 10 + digit
            missing -= 1
            i += 1
        while i < stop and text[np.uint64(i)] == 48:
            i += 1
    if i == begin or text[begin] == 46:
        return -1, np.int64(0)
    while missing > 0:
        if units >= _PLAIN_UNITS_MAX:
            return -1, np.int64(0)
        units *= 10
        missing -= 1
    return i, units


@kernel_inline
def _quoted_number(text: Text, i: Int, stop: Int, digits: Int, step: Int) -> tuple[Int, Int, Int]:
    """Read the number in quote marks at i: (position behind it, steps, PARSED or why not)."""
    i = skip_space(text, i, stop)
    if i >= stop:
        return i, np.int64(0), MALFORMED
    if text[i] != QUOTE_MARK:
        return _bare_number(text, i, stop, digits, step)
    end, units = plain_number(text, i + 1, stop, digits)
    if end >= 0 and end < stop and text[end] == QUOTE_MARK:
        if step == 1:
            return end + 1, units, PARSED
        steps = units // step
        if steps * step == units:
            return end + 1, steps, PARSED
    return _other_number(text, i, stop, digits, step)


@kernel
def _bare_number(text: Text, i: Int, stop: Int, digits: Int, step: Int) -> tuple[Int, Int, Int]:
    """Read the number without quote marks at i, as `_quoted_number`."""
    end, units = plain_number(text, i, stop, digits)
    if end >= 0 and end < stop and (text[end] == COMMA or text[end] == CLOSE_LIST):
        steps = units // step
        if steps * step == units:
            return end, steps, PARSED
        return i, np.int64(0), OFF_GRID
    end = bare_stop(text, i, stop)
    if end < 0:
        return i, np.int64(0), MALFORMED
    steps, code = parse_steps(text, i, end, digits, step)
    if code != PARSED:
        return i, np.int64(0), NOT_PLAIN if _has_exponent(text, i, end) else code
    return end, steps, PARSED


@kernel
def _has_exponent(text: Text, i: Int, stop: Int) -> bool:
    """Say whether a number is written with one: its digits alone do not tell what it is."""
    while i < stop:
        if text[i] | 32 == 101:
            return True
        i += 1
    return False


@kernel
def _other_number(text: Text, i: Int, stop: Int, digits: Int, step: Int) -> tuple[Int, Int, Int]:
    """Read what stands in the quote marks at i with all care, as `_quoted_number`."""
    end = i + 1
    while end < stop and text[end] != QUOTE_MARK:
        end += 1
    if end >= stop:
        return i, np.int64(0), MALFORMED
    steps, code = parse_steps(text, i + 1, end, digits, step)
    if code != PARSED:
        return i, np.int64(0), NOT_PLAIN if _has_exponent(text, i + 1, end) else code
    return end + 1, steps, PARSED


@kernel_inline
def _bracket(text: Text, i: Int, stop: Int, byte: Int) -> Int:
    """Return the position behind `byte`, which must be the next that is not blank, or ~offset."""
    i = skip_space(text, i, stop)
    if i < stop and text[i] == byte:
        return i + 1
    return ~i


@kernel_inline
def _short_level(text: Text, i: Int, stop: Int, grids: Grids, k: Int) -> tuple[Int, Int, Int]:
    """Read ["price","size"] without a blank at i: (position behind or -1, price, size).

    Bytes behind `stop` may be looked at where the text has them; a level that needs one of them
    is none.
    """
    none = np.int64(0)
    at = np.uint64(i)
    grid = grids[k]
    decimals, places = np.int64(grid["price_digits"]), np.int64(grid["size_digits"])
    if i + QUICK_BYTES > text.size or decimals > QUICK_DIGITS or places > QUICK_DIGITS:
        return -1, none, none
    if text[at] != OPEN_LIST or text[at + _ONE] != QUOTE_MARK:
        return -1, none, none
    at, price = quick_number(text, at + _TWO, decimals)
    if at == _NONE or text[at] != QUOTE_MARK or text[at + _ONE] != COMMA:
        return -1, none, none
    if text[at + _TWO] != QUOTE_MARK:
        return -1, none, none
    at, size = quick_number(text, at + _THREE, places)
    if at == _NONE or text[at] != QUOTE_MARK or text[at + _ONE] != CLOSE_LIST:
        return -1, none, none
    end = np.int64(at) + 2
    price_step, size_step = grid["price_step"], grid["size_step"]
    if price_step != 1 or size_step != 1:
        units, parts = price, size
        price, size = units // price_step, parts // size_step
        if price * price_step != units or size * size_step != parts:
            return -1, none, none
    if end > stop or price > PRICE_MAX:
        return -1, none, none
    return end, price, size


@kernel
def _bare_level(text: Text, i: Int, stop: Int, grids: Grids, k: Int) -> tuple[Int, Int, Int]:
    """Read [price,size] or [price,size,count] without a blank at i, as `_short_level`."""
    none = np.int64(0)
    begin = i
    if text[i] != OPEN_LIST:
        return -1, none, none
    i, price = plain_number(text, i + 1, stop, np.int64(grids[k]["price_digits"]))
    if i < 0 or i >= stop or text[i] != COMMA:
        return -1, none, none
    i, size = plain_number(text, i + 1, stop, np.int64(grids[k]["size_digits"]))
    if i < 0:
        return -1, none, none
    if i < stop and text[i] == COMMA:
        i += 1
        while i < stop and text[i] >= 48 and text[i] <= 57:
            i += 1
    if i >= stop or text[i] != CLOSE_LIST or text[i - 1] == COMMA or i + 1 - begin < _BARE_BYTES:
        return -1, none, none
    step = grids[k]["price_step"]
    if step != 1:
        units = price
        price = units // step
        if price * step != units:
            return -1, none, none
    step = grids[k]["size_step"]
    if step != 1:
        units = size
        size = units // step
        if size * step != units:
            return -1, none, none
    if price > PRICE_MAX:
        return -1, none, none
    return i + 1, price, size


@kernel
def _any_level(text: Text, i: Int, stop: Int, grids: Grids, k: Int) -> tuple[Int, Int, Int, Int]:
    """Read any level at i: (position behind or of the trouble, price, size, PARSED or not)."""
    none = np.int64(0)
    begin = i
    i = _bracket(text, i, stop, OPEN_LIST)
    if i < 0:
        return ~i, none, none, MALFORMED
    digits, step = np.int64(grids[k]["price_digits"]), grids[k]["price_step"]
    i, price, code = _quoted_number(text, i, stop, digits, step)
    if code == PARSED and price > PRICE_MAX:
        code = TOO_LARGE
    if code != PARSED:
        return i, none, none, code
    i = _bracket(text, i, stop, COMMA)
    if i < 0:
        return ~i, none, none, MALFORMED
    digits, step = np.int64(grids[k]["size_digits"]), grids[k]["size_step"]
    i, size, code = _quoted_number(text, i, stop, digits, step)
    if code != PARSED:
        return i, none, none, code
    i = _level_stop(text, i, stop)
    if i < 0:
        return ~i, none, none, MALFORMED
    if i - begin < _BARE_BYTES:
        return begin, none, none, NOT_PLAIN
    return i, price, size, PARSED


@kernel
def read_levels(
    text: Text, start: Int, stop: Int, grids: Grids, k: Int, stamp: Events, out: Events, row: Int
) -> tuple[Int, Int, Int]:
    """Read a list of levels [["price","size", ...], ...] into out[row:], each a copy of stamp[0].

    Prices and sizes become steps of grids[k]; anything behind the size is skipped. Levels at price
    0 are left out. Numbers may stand without quote marks; a level shorter than 8 bytes with its
    comma is NOT_PLAIN. The caller made sure that `out` has a row for every 8 bytes of the list.
    Returns (row behind the last, PARSED or why not, offset of the trouble).
    """
    i = _bracket(text, start, stop, OPEN_LIST)
    if i < 0:
        return row, MALFORMED, ~i
    j = _bracket(text, i, stop, CLOSE_LIST)
    if j >= 0:
        return row, PARSED, j
    while True:
        end, price, size = _short_level(text, i, stop, grids, k)
        if end < 0 and i < stop:
            end, price, size = _bare_level(text, i, stop, grids, k)
        if end < 0:
            end, price, size, code = _any_level(text, i, stop, grids, k)
            if code != PARSED:
                return row, code, end
        i = end
        if price > 0:
            out[row] = stamp[0]
            out[row]["price"] = price
            out[row]["size"] = size
            row += 1
        if i < stop and text[i] == COMMA:
            i += 1
            continue
        j = _bracket(text, i, stop, COMMA)
        if j < 0:
            break
        i = j
    i = _bracket(text, i, stop, CLOSE_LIST)
    if i < 0:
        return row, MALFORMED, ~i
    return row, PARSED, i


@kernel_inline
def levels_stop(text: Text, i: Int, stop: Int) -> Int:
    """Return the position behind the list of levels that opens at i, or ~offset.

    It only looks for the two closing brackets, far cheaper than `value_stop`, and leaps over what
    no level is shorter than; `read_levels` must then end where this says.
    """
    i = skip_space(text, i + 1, stop)
    if i < stop and text[i] == CLOSE_LIST:
        return i + 1
    i += _LEVEL_BYTES - 1
    while i < stop:
        if i + WORD <= stop:
            closing = brackets_of(word_at(text, i))
            i += WORD if closing == 0 else first_of(closing)
            if closing == 0:
                continue
        if text[i] == CLOSE_LIST:
            i += 1
            if i < stop and text[i] == COMMA:
                i += _LEVEL_BYTES
                continue
            i = skip_space(text, i, stop)
            if i < stop and text[i] == CLOSE_LIST:
                return i + 1
        i += 1
    return ~stop


@kernel_inline
def _level_stop(text: Text, i: Int, stop: Int) -> Int:
    """Return the position behind one level, stepping over what follows its size, or ~offset."""
    while True:
        i = skip_space(text, i, stop)
        if i >= stop:
            return ~stop
        if text[i] == CLOSE_LIST:
            return i + 1
        if text[i] != COMMA:
            return ~i
        i = value_stop(text, skip_space(text, i + 1, stop), stop)
        if i < 0:
            return i
