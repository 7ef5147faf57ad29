"""COMMAND: what we do, one record of 64 bytes.

`order` is our own id, made before sending, so that every send can be repeated without doubling.
Side is that of the order (+1 buy, -1 sell). An AMEND replaces price and size of a working order
and keeps its id; a CANCEL needs only `order`, `instrument` and `type`: venues keep stops apart.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

COMMAND = np.dtype(
    [
        ("ts_send", "<i8"),  # local time of the decision
        ("order", "<i8"),
        ("parent", "<i8"),  # the intent it serves: an id of ours, 0 none
        ("size", "<i8"),  # lots
        ("price", "<i4"),  # ticks; NO_PRICE for a market order
        ("trigger", "<i4"),  # ticks of a stop's trigger; NO_PRICE none
        ("kind", "u1"),
        ("type", "u1"),
        ("tif", "u1"),
        ("side", "i1"),
        ("flags", "u1"),  # REDUCE_ONLY of the report's flags
        ("instrument", "u1"),
        ("strategy", "u1"),
        ("reserved", "u1", (17,)),
    ]
)

Commands = NDArray[Any]  # dtype COMMAND, shape (n,)

PLACE = 1
AMEND = 2
CANCEL = 3
CANCEL_ALL = 4

COMMAND_NAMES = {PLACE: "place", AMEND: "amend", CANCEL: "cancel", CANCEL_ALL: "cancel all"}

LIMIT = 1
MARKET = 2
STOP_MARKET = 3  # rests at the venue, becomes a market order when a trade prints at or through it
TAKE_PROFIT_MARKET = 4  # the same with the trigger on the other side: for a sell above the market

GTC = 1
IOC = 2
FOK = 3
POST_ONLY = 4

TYPE_NAMES = {
    LIMIT: "limit",
    MARKET: "market",
    STOP_MARKET: "stop market",
    TAKE_PROFIT_MARKET: "take profit market",
}
TIF_NAMES = {GTC: "gtc", IOC: "ioc", FOK: "fok", POST_ONLY: "post only"}


def empty_commands(count: int) -> Commands:
    """Return `count` zeroed COMMAND records."""
    return np.zeros(count, COMMAND)
