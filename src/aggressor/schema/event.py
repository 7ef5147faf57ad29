"""EVENT: what the market does, one record of 32 bytes, the same on disk, in memory and in kernels.

Prices are integer ticks, sizes integer lots, times int64 nanoseconds since the epoch, UTC.
`ts_recv` is the order in which anything may be known; `ts_venue` is the venue's matching time;
neither is ever altered or merged with the other. Absence is a named sentinel, never 0 or NaN.

What `size` and `price` hold, by kind:

    TRADE         lots, ticks                     side = aggressor (+1 buy, -1 sell, 0 unknown)
    LEVEL         lots now resting (0 removes), ticks      side = +1 bid, -1 ask
    CLEAR         -                                        the book is unknown from here on
    QUOTE         lots, ticks of the best level            side = +1 bid, -1 ask; newer than the
    depth LIQUIDATION   lots, ticks                     side of the liquidation *order* (-1: a long
    died) MARK          mark price in 1e-8, mark price in ticks, rounded down FUNDING       rate in
    1e-8, minute since the epoch at which it settles INTEREST      open interest in lots, - STATUS
    a Status code, - TIMER         period in ns, -                 instrument = NO_INSTRUMENT;
    added by replay and feeds

LAST marks the end of one venue message. A book is only read after LAST.
"""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVENT = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("ts_venue", "<i8"),
        ("size", "<i8"),
        ("price", "<i4"),
        ("kind", "u1"),
        ("side", "i1"),
        ("flags", "u1"),
        ("instrument", "u1"),
    ]
)
EVENT_VERSION = 1

Events = NDArray[Any]  # dtype EVENT, shape (n,)

TRADE = 1
LEVEL = 2
CLEAR = 3
QUOTE = 4
LIQUIDATION = 5
MARK = 6
FUNDING = 7
INTEREST = 8
STATUS = 9
TIMER = 10

KIND_NAMES = {
    TRADE: "trade",
    LEVEL: "level",
    CLEAR: "clear",
    QUOTE: "quote",
    LIQUIDATION: "liquidation",
    MARK: "mark",
    FUNDING: "funding",
    INTEREST: "interest",
    STATUS: "status",
    TIMER: "timer",
}

LAST = 1  # end of one venue message
SNAPSHOT = 2  # part of a full picture of the book
GAP = 4  # messages are missing before this one
STALE = 8  # older than what is already known
BAD_CLOCK = 16  # ts_venue is not to be believed
BATCHED = 32  # the venue merged several fills into this print
RPI = 64  # never rested in the public book: volume, but not attributable
NOT_FLOW = 128  # insurance fund or ADL: nobody chose to trade

BUY = 1  # aggressor of a trade, side of an order
SELL = -1
BID = 1  # side of the book
ASK = -1

NO_INSTRUMENT = 255
INSTRUMENTS_MAX = 255
NO_PRICE = -(2**31)  # int32 sentinel: no such price
PRICE_MAX = 2**31 - 1
NO_TIME = -(2**63)  # int64 sentinel: has not happened


class Status(IntEnum):
    """What a venue says of an instrument's trading."""

    TRADING = 1
    HALTED = 2
    CLOSED = 3
    AUCTION = 4


def empty_events(count: int) -> Events:
    """Return `count` zeroed EVENT records."""
    return np.zeros(count, EVENT)
