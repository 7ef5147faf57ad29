"""REPORT: what the exchange tells us of our own orders, one record of 64 bytes.

`ts_recv` is when we learn of it, `ts_venue` when it happened there. Money (`fee`) is int64 in 1e-8
of the settlement currency; a positive fee is paid, a negative one received.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

REPORT = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("ts_venue", "<i8"),
        ("order", "<i8"),  # our id, made before sending
        ("size", "<i8"),  # lots: of this fill; of the whole order in an ACK
        ("leaves", "<i8"),  # lots still working after this report
        ("fee", "<i8"),  # 1e-8 of the settlement currency, of this fill
        ("price", "<i4"),  # ticks: of this fill; of the order in an ACK
        ("reason", "<u2"),  # why: a Reason code
        ("kind", "u1"),
        ("side", "i1"),
        ("flags", "u1"),
        ("instrument", "u1"),
        ("reserved", "u1", (6,)),
    ]
)

Reports = NDArray[Any]  # dtype REPORT, shape (n,)

ACK = 1
FILL = 2
CANCELED = 3
REJECTED = 4
EXPIRED = 5  # the remainder of an IOC or market order
AMENDED = 6
AMEND_REJECTED = 7
CANCEL_REJECTED = 8
FUNDED = 9  # funding paid (fee > 0) or received
LIQUIDATED = 10
TRIGGERED = 11  # a stop became a market order

REPORT_NAMES = {
    ACK: "ack",
    FILL: "fill",
    CANCELED: "canceled",
    REJECTED: "rejected",
    EXPIRED: "expired",
    AMENDED: "amended",
    AMEND_REJECTED: "amend rejected",
    CANCEL_REJECTED: "cancel rejected",
    FUNDED: "funded",
    LIQUIDATED: "liquidated",
    TRIGGERED: "triggered",
}

MAKER = 1
REDUCE_ONLY = 2
CORRECTED = 4  # learnt by asking the venue, not told by its stream

NO_REASON = 0
WOULD_CROSS = 1  # a post-only order met the other side
UNKNOWN_ORDER = 2  # filled, cancelled or never there
REDUCE_ONLY_EMPTY = 3  # nothing left to reduce
NO_LIQUIDITY = 4  # nothing to trade against
BAD_FIELD = 5  # price, size or kind the venue refuses
SELF_TRADE = 6  # would have met our own order
TOO_MANY_ORDERS = 7
NO_BOOK = 8  # the venue's book is not known here
NO_MARGIN = 9  # the account cannot carry it
PRICE_BAND = 10  # further from the venue's fair price than it allows
FORBIDDEN = 11  # the key, the account or the instrument may not do this
RATE_LIMIT = 12  # the venue takes no more for now, and the order cannot wait
NEVER_ARRIVED = 13  # its answer was lost, and the venue does not know it
NOT_LISTENING = 14  # nothing new is sent while the account's stream is away

REASON_NAMES = {
    NO_REASON: "",
    WOULD_CROSS: "post-only would cross",
    UNKNOWN_ORDER: "unknown order",
    REDUCE_ONLY_EMPTY: "nothing to reduce",
    NO_LIQUIDITY: "no liquidity",
    BAD_FIELD: "field refused",
    SELF_TRADE: "would trade with itself",
    TOO_MANY_ORDERS: "too many orders",
    NO_BOOK: "no book",
    NO_MARGIN: "not enough margin",
    PRICE_BAND: "price outside the band",
    FORBIDDEN: "not allowed",
    RATE_LIMIT: "too many requests",
    NEVER_ARRIVED: "never arrived",
    NOT_LISTENING: "account stream away",
}


def empty_reports(count: int) -> Reports:
    """Return `count` zeroed REPORT records."""
    return np.zeros(count, REPORT)
