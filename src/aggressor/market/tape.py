"""The tape: the last print, running totals, and the last 4096 prints of every instrument.

Every TRADE is kept in the ring as the event it was, flags and all. Totals and the last print leave
out NOT_FLOW (insurance fund, ADL: nobody chose to trade) but hold RPI and BATCHED prints, which
are volume. Sizes in lots, prices in ticks, side of the aggressor.

    head   (lanes,)         TAPE_HEAD
    ring   (lanes, prints)  EVENT      print number n stands at n & (prints - 1)
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel_inline
from aggressor.schema.event import EVENT, NO_PRICE, NO_TIME, NOT_FLOW, Events
from aggressor.state import State

PRINTS = 4096

TAPE_HEAD = np.dtype(
    [
        ("ts_recv", "<i8"),  # of the last print that is flow; NO_TIME before the first
        ("ts_venue", "<i8"),
        ("lots", "<i8"),
        ("price", "<i4"),  # ticks; NO_PRICE before the first
        ("side", "i1"),
        ("reserved", "u1", (3,)),
        ("bought", "<i8"),  # lots, by aggressor
        ("sold", "<i8"),
        ("unknown", "<i8"),
        ("trades", "<i8"),  # prints that are flow
        ("not_flow", "<i8"),  # prints that are not
        ("prints", "<i8"),  # both: the number of the next print in the ring
    ]
)


class TapeState(State, frozen=True):
    """The tapes of all instruments of one engine."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]
    ring: NDArray[Any]


def tape_state(lanes: int, prints: int = PRINTS) -> TapeState:
    """Return empty tapes that remember the last `prints` (a power of two)."""
    assert prints & (prints - 1) == 0
    head = np.zeros(lanes, TAPE_HEAD)
    head["ts_recv"] = NO_TIME
    head["ts_venue"] = NO_TIME
    head["price"] = NO_PRICE
    return TapeState(head, np.zeros((lanes, prints), EVENT))


def last_prints(tape: TapeState, k: int, count: int = PRINTS) -> Events:
    """Return a copy of the last `count` prints of lane `k`, oldest first (time and sales)."""
    stop = int(tape.head[k]["prints"])
    size = tape.ring.shape[1]
    numbers = np.arange(max(stop - min(count, size), 0), stop)
    return tape.ring[k, numbers & (size - 1)]


@kernel_inline
def on_print(tape: TapeState, k: Int, event: Any) -> None:
    """Write one TRADE on the tape."""
    head = tape.head[np.uint64(k)]
    number = head["prints"]
    tape.ring[np.uint64(k), np.uint64(number & (tape.ring.shape[1] - 1))] = event
    head["prints"] = number + 1
    if event["flags"] & NOT_FLOW:
        head["not_flow"] += 1
        return
    lots = event["size"]
    side = event["side"]
    head["ts_recv"] = event["ts_recv"]
    head["ts_venue"] = event["ts_venue"]
    head["lots"] = lots
    head["price"] = event["price"]
    head["side"] = side
    head["trades"] += 1
    if side > 0:
        head["bought"] += lots
    elif side < 0:
        head["sold"] += lots
    else:
        head["unknown"] += lots
