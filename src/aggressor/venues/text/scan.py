"""JSON read in place: where the members of an object stand. Numbers and levels: `text.levels`.

Kernels over a text of bytes, text[start:stop]; nothing is copied and nothing outside is read. A
walk over an object asks `next_key` for one member after the other, in whatever order the venue
sends them, and either steps into the value or over it (`value_stop`). What stands inside a value
that is stepped over is checked for strings and brackets that match, no more.

Positions are byte offsets into `text`. A function that can fail returns `~offset` (a negative
number) for malformed input found at `offset`. A line feed is never white space here: recordings
hold one message a line, and a cut line must not swallow the next. Invariant: nothing depends on a
byte at or behind `stop`.
"""

import numpy as np

from aggressor.kernel import kernel, kernel_inline
from aggressor.venues.text.quick import Int, Text

QUOTE_MARK = 34
COMMA = 44
COLON = 58
BACKSLASH = 92
OPEN_LIST = 91
CLOSE_LIST = 93
OPEN_OBJECT = 123
CLOSE_OBJECT = 125

_SPACE = 32
_NESTING_MAX = 60  # one bit of an int64 for each open bracket
_DIGITS_MAX = 19
_INT_MAX = np.int64(2**63 - 1)

_IN_STRING = np.zeros(256, np.bool_)  # bytes that say nothing but themselves
_IN_STRING[_SPACE:] = True
_IN_STRING[[QUOTE_MARK, BACKSLASH]] = False
_IN_BARE = np.zeros(256, np.bool_)
_IN_BARE[list(b"+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True


@kernel_inline
def skip_space(text: Text, i: Int, stop: Int) -> Int:
    """Return the first position from i on that holds no blank, tab or carriage return."""
    while i < stop and (text[i] == 32 or text[i] == 9 or text[i] == 13):
        i += 1
    return i


@kernel_inline
def string_stop(text: Text, i: Int, stop: Int) -> Int:
    """Return the position behind the closing mark of the string that opens at i, or ~offset."""
    i += 1
    while i < stop:
        byte = text[np.uint64(i)]
        if _IN_STRING[byte]:
            i += 1
            continue
        if byte == QUOTE_MARK:
            return i + 1
        if byte < _SPACE:
            return ~i
        i += 2  # a backslash, and what it stands before
    return ~stop


@kernel
def _nested_stop(text: Text, i: Int, stop: Int) -> Int:
    """Return the position behind the bracket that closes the one at i, or ~offset."""
    kinds = np.int64(0)
    depth = 0
    while i < stop:
        byte = text[i]
        i += 1
        if byte == QUOTE_MARK:
            i = string_stop(text, i - 1, stop)
            if i < 0:
                return i
        elif byte in (OPEN_LIST, OPEN_OBJECT):
            if depth == _NESTING_MAX:
                return ~(i - 1)
            kinds = (kinds << 1) | (byte >> 5 & 1)
            depth += 1
        elif byte in (CLOSE_LIST, CLOSE_OBJECT):
            if (kinds & 1) != (byte >> 5 & 1):
                return ~(i - 1)
            kinds = kinds >> 1
            depth -= 1
            if depth == 0:
                return i
        elif byte < _SPACE and byte != 9 and byte != 13:
            return ~(i - 1)
    return ~stop


@kernel_inline
def bare_stop(text: Text, i: Int, stop: Int) -> Int:
    """Return the position behind a number, true, false or null at i, or ~offset."""
    begin = i
    while i < stop and _IN_BARE[text[np.uint64(i)]]:
        i += 1
    if i in (begin, stop):
        return ~i
    byte = text[begin]
    if byte == 45 or 48 <= byte <= 57:
        return i
    length = i - begin
    if byte == 116 and length == 4 and text[begin + 1] == 114 and text[begin + 3] == 101:
        return i  # true
    if byte == 102 and length == 5 and text[begin + 1] == 97 and text[begin + 4] == 101:
        return i  # false
    if byte == 110 and length == 4 and text[begin + 1] == 117 and text[begin + 3] == 108:
        return i  # null
    return ~begin


@kernel
def value_stop(text: Text, i: Int, stop: Int) -> Int:
    """Return the position behind the value that begins at i, of any kind, or ~offset."""
    if i >= stop:
        return ~stop
    byte = text[i]
    if byte == QUOTE_MARK:
        return string_stop(text, i, stop)
    if byte in (OPEN_LIST, OPEN_OBJECT):
        return _nested_stop(text, i, stop)
    return bare_stop(text, i, stop)


@kernel_inline
def next_key(text: Text, i: Int, stop: Int) -> tuple[Int, Int]:
    """Read the key at i: (position behind its closing mark or ~offset, begin of its value).

    The key itself stands between the first quote mark at i and the position returned.
    """
    if i >= stop or text[i] != QUOTE_MARK:
        return ~i, i
    key_stop = string_stop(text, i, stop)
    if key_stop < 0:
        return key_stop, i
    j = skip_space(text, key_stop, stop)
    if j >= stop or text[j] != COLON:
        return ~j, i
    return key_stop, skip_space(text, j + 1, stop)


@kernel_inline
def unquoted(text: Text, start: Int, stop: Int) -> tuple[Int, Int]:
    """Return where the characters of a value stand: inside its quote marks if it has some."""
    if stop - start >= 2 and text[start] == QUOTE_MARK:
        return start + 1, stop - 1
    return start, stop


@kernel
def read_int(text: Text, start: Int, stop: Int) -> tuple[Int, bool]:
    """Read a whole number that fits 64 bits, bare or in quote marks: (value, if it is one)."""
    i, end = unquoted(text, start, stop)
    negative = i < end and text[i] == 45
    if negative:
        i += 1
    if i >= end or end - i > _DIGITS_MAX:
        return np.int64(0), False
    value = np.int64(0)
    while i < end:
        byte = text[i]
        if byte < 48 or byte > 57 or value >= _INT_MAX // 10:
            return np.int64(0), False
        value = value * 10 + np.int64(byte - 48)
        i += 1
    return (-value if negative else value), True


@kernel_inline
def matches(text: Text, start: Int, stop: Int, word: Text) -> bool:
    """Say whether text[start:stop] is exactly `word`."""
    if stop - start != word.size:
        return False
    j = 0
    while j < word.size and text[start + j] == word[j]:
        j += 1
    return j == word.size


@kernel_inline
def hash_bytes(text: Text, start: Int, stop: Int) -> Int:
    """Return the 32-bit FNV-1a hash of text[start:stop]."""
    value = np.int64(2_166_136_261)
    for i in range(start, stop):
        value = ((value ^ np.int64(text[i])) * 16_777_619) & 0xFFFF_FFFF
    return value
