"""Where the members of a Binance message stand: one walk over its JSON, no copies.

Almost every key of Binance's streams is one letter, so a member's place is its letter; the few
longer keys take the places between `Z` and `a` and behind `z`. `find_fields` walks a message once,
in any order of keys, steps into the `data` of a combined stream's envelope, and leaves begin and
end of each value in `spans`:

    spans   (2, 64)   int64   [0, p] begin of the value of place p, -1 where absent; [1, p] its end

Members of the envelope and of its `data` share the places; Binance uses no key in both. Unknown
keys cost a step and are forgotten, so a new field of the venue breaks nothing.
"""

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel, kernel_inline
from aggressor.venues.text.levels import levels_stop
from aggressor.venues.text.quick import Int, Text
from aggressor.venues.text.scan import (
    CLOSE_OBJECT,
    COLON,
    COMMA,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE_MARK,
    matches,
    next_key,
    skip_space,
    string_stop,
    value_stop,
)

PLACES = 64
_FIRST = 65  # "A"


def letter(key: str) -> int:
    """Return the place of a key of one letter."""
    return ord(key) - _FIRST


SYMBOL = 26
STREAM = 27
OPEN_INTEREST = 28
PAIR_TYPE = 29  # "st": 1 USD-M, 2 COIN-M
CODE = 30
_ENVELOPE = 31  # "data" with an object: stepped into
PREVIOUS_U = 58
PLAIN_SIZE = 59  # "nq"
BIDS = 60
ASKS = 61
LAST_UPDATE_ID = 62
_OTHER = 63
_B = letter("b")
_A = letter("a")

FIELD_NAMES = {
    **{letter(key): key for key in "EeTsUubaBAptqXmSo"},
    SYMBOL: "symbol",
    STREAM: "stream",
    OPEN_INTEREST: "openInterest",
    PAIR_TYPE: "st",
    CODE: "code",
    PREVIOUS_U: "pu",
    PLAIN_SIZE: "nq",
    BIDS: "bids",
    ASKS: "asks",
    LAST_UPDATE_ID: "lastUpdateId",
}


def word(text: str) -> NDArray[np.uint8]:
    """Return a word as the bytes a kernel compares with."""
    return np.frombuffer(text.encode(), np.uint8)


_PU, _NQ, _ST = word("pu"), word("nq"), word("st")
_BIDS, _ASKS, _DATA, _CODE = word("bids"), word("asks"), word("data"), word("code")
_SYMBOL, _STREAM = word("symbol"), word("stream")
_LAST_UPDATE_ID, _OPEN_INTEREST = word("lastUpdateId"), word("openInterest")


@kernel_inline
def _place(text: Text, start: Int, stop: Int) -> Int:
    """Return the place of the key text[start:stop]."""
    length = stop - start
    if length == 1:
        byte = text[start]
        if 65 <= byte <= 90 or 97 <= byte <= 122:
            return np.int64(byte) - _FIRST
        return _OTHER
    place = _OTHER
    if length == 2:
        if matches(text, start, stop, _PU):
            place = PREVIOUS_U
        elif matches(text, start, stop, _NQ):
            place = PLAIN_SIZE
        elif matches(text, start, stop, _ST):
            place = PAIR_TYPE
    elif length == 4:
        if matches(text, start, stop, _BIDS):
            place = BIDS
        elif matches(text, start, stop, _ASKS):
            place = ASKS
        elif matches(text, start, stop, _DATA):
            place = _ENVELOPE
        elif matches(text, start, stop, _CODE):
            place = CODE
    elif length == 6:
        if matches(text, start, stop, _SYMBOL):
            place = SYMBOL
        elif matches(text, start, stop, _STREAM):
            place = STREAM
    elif length == 12:
        if matches(text, start, stop, _LAST_UPDATE_ID):
            place = LAST_UPDATE_ID
        elif matches(text, start, stop, _OPEN_INTEREST):
            place = OPEN_INTEREST
    return place


@kernel
def find_fields(text: Text, start: Int, stop: Int, spans: NDArray[np.int64]) -> Int:
    """Find the members of the object at start: position behind it, or ~offset if malformed."""
    for place in range(PLACES):
        spans[0, place] = -1
    i = skip_space(text, start, stop)
    if i >= stop or text[i] != OPEN_OBJECT:
        return ~i
    depth = 1
    i = skip_space(text, i + 1, stop)
    if i < stop and text[i] == CLOSE_OBJECT:
        return i + 1
    while True:
        if i + 4 < stop and text[i + 2] == QUOTE_MARK and text[i + 3] == COLON:
            key_stop, value = i + 3, skip_space(text, i + 4, stop)
            if text[i] != QUOTE_MARK or text[i + 1] < 35:
                return ~i
        else:
            key_stop, value = next_key(text, i, stop)
            if key_stop < 0:
                return key_stop
        place = _place(text, i + 1, key_stop - 1)
        if place == _ENVELOPE and depth == 1 and value < stop and text[value] == OPEN_OBJECT:
            i = skip_space(text, value + 1, stop)
            if i < stop and text[i] != CLOSE_OBJECT:
                depth = 2
                continue
            i = i + 1
        else:
            if value < stop and text[value] == QUOTE_MARK:
                i = string_stop(text, value, stop)
            elif place in (_B, _A, BIDS, ASKS) and value < stop and text[value] == OPEN_LIST:
                i = levels_stop(text, value, stop)
            else:
                i = value_stop(text, value, stop)
            if i < 0:
                return i
            spans[0, place] = value
            spans[1, place] = i
        i = skip_space(text, i, stop)
        while i < stop and text[i] == CLOSE_OBJECT:
            depth -= 1
            if depth == 0:
                return i + 1
            i = skip_space(text, i + 1, stop)
        if i >= stop or text[i] != COMMA:
            return ~i
        i = skip_space(text, i + 1, stop)
