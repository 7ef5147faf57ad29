"""Text looked at without a look at bounds: numbers, and closing brackets eight bytes at a time.

A *word* is eight bytes of text as one uint64, the first byte lowest, so the compiler reads it at
once; what is asked of each of its bytes is asked of all eight in a few instructions. Callers make
sure that what is read may be. No step overflows: results are the same with the JIT off.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel_inline

Text = NDArray[np.uint8]
Int: TypeAlias = Any  # int in Python, int64 in a kernel
Word: TypeAlias = Any  # uint64

WORD = 8  # bytes
QUICK_DIGITS = 8
QUICK_BYTES = 64  # a level of two numbers of 8 digits, a point, 8 decimals and 8 zeros more
POINT = 46

_POWERS = 10 ** np.arange(QUICK_DIGITS + 1)

_TOP = np.uint64(0x8080808080808080)
_REST = np.uint64(0x7F7F7F7F7F7F7F7F)
_BRACKETS = np.uint64(0x5D5D5D5D5D5D5D5D)
_ODD = np.uint64(0xFF00FF00FF00FF00)
_ODD_PAIR = np.uint64(0xFFFF0000FFFF0000)
_HIGH = np.uint64(0xFFFFFFFF00000000)
_NONE, _ONE, _TWO, _THREE, _FOUR = (np.uint64(n) for n in range(5))
_EIGHT = np.uint64(8)
_B8, _B16, _B24, _B32, _B40, _B48, _B56 = (np.uint64(8 * n) for n in range(1, 8))


@kernel_inline
def word_at(text: Text, i: Int) -> Word:
    """Return the eight bytes text[i:i + 8]."""
    at = np.uint64(i)
    low = np.uint64(text[at]) | np.uint64(text[at + _ONE]) << _B8
    low |= np.uint64(text[at + _TWO]) << _B16 | np.uint64(text[at + _THREE]) << _B24
    at += _FOUR
    high = np.uint64(text[at]) << _B32 | np.uint64(text[at + _ONE]) << _B40
    high |= np.uint64(text[at + _TWO]) << _B48 | np.uint64(text[at + _THREE]) << _B56
    return low | high


@kernel_inline
def brackets_of(word: Word) -> Word:
    """Return the top bit of each byte that is a closing square bracket."""
    other = word ^ _BRACKETS
    return ~(((other & _REST) + _REST) | other) & _TOP


@kernel_inline
def first_of(bits: Word) -> Int:
    """Return the number of the first byte whose top bit is set; one must be."""
    first = bits ^ (bits & (bits - _ONE))
    place = np.int64((first & _HIGH) != _NONE) * 4
    place += np.int64((first & _ODD_PAIR) != _NONE) * 2
    return place + np.int64((first & _ODD) != _NONE)


@kernel_inline
def quick_number(text: Text, at: np.uint64, digits: Int) -> tuple[np.uint64, Int]:
    """Read digits and at most one point from `at` on, at `digits` decimals: (behind, units).

    It looks at no bounds, which is what makes it quick: `QUICK_BYTES` may be read, and `digits`
    is `QUICK_DIGITS` at most. The position is 0 where no digit stands. Of a longer number the
    position is somewhere inside; what is expected behind it is then not there.
    """
    begin = at
    limit = at + _EIGHT
    units = np.int64(0)
    digit = np.int64(text[at]) ^ 48  # of no other byte is this less than 10
    while digit < 10 and at < limit:
        units = units * 10 + digit
        at += _ONE
        digit = np.int64(text[at]) ^ 48
    if at == begin:
        return _NONE, units
    missing = digits
    if digit == POINT ^ 48:
        at += _ONE
        digit = np.int64(text[at]) ^ 48
        while digit < 10 and missing > 0:
            units = units * 10 + digit
            missing -= 1
            at += _ONE
            digit = np.int64(text[at]) ^ 48
        limit = at + _EIGHT
        while digit == 0 and at < limit:
            at += _ONE
            digit = np.int64(text[at]) ^ 48
    return at, units * _POWERS[np.uint64(missing)]
