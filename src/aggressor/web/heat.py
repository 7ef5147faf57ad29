"""HEAT and BOOK: what rests around the touch, column by column, and the ladder of this moment.

A column covers a range of prices around the middle, at least REACH_TICKS and REACH_BP to either
side, that stays where it is until the middle has wandered half way to an end of it. A KEY column
names every price that holds something; the others those that changed, so a column costs what
happened, not what stands. Keys come every KEYS columns, whenever the range moves, and behind
everything that was lost.
"""

import numpy as np

from aggressor.engine.flows import FLOW_NAMES, FlowReader
from aggressor.engine.levels import book_levels
from aggressor.engine.parts import Pipeline
from aggressor.schema.event import BID, NO_PRICE
from aggressor.web.protocol import BROKEN, KEY, VALID, Kind, frame

REACH_TICKS = 300
REACH_BP = 30
REACH_MAX = 8_000  # ticks: bounds the work of a column
KEYS = 64
BOOK_LEVELS = 150


class Heat:
    """The columns of one lane."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self._reader = FlowReader(lane)
        self._low = self._high = NO_PRICE
        self._columns = 0
        self._clears = -1
        self._began = False

    def column(self, pipe: Pipeline, now_ns: int) -> bytearray | None:
        """Return the column of a TIMER; None before there has been a book."""
        head = pipe.market.book.head[self.lane]
        bid, ask = int(head["bid"]), int(head["ask"])
        moved = self._cover(bid, ask)
        if self._low == NO_PRICE:
            return None
        broken = not self._began or int(head["clears"]) != self._clears
        key = moved or broken or self._columns % KEYS == 0
        self._began, self._clears = True, int(head["clears"])
        self._columns += 1
        look = self._reader
        look.look(pipe, self._low, self._high, whole=key)
        flags = (KEY if key else 0) | (VALID if head["valid"] else 0) | (BROKEN if broken else 0)
        flows = look.flows[:0] if broken else look.flows
        return frame(
            Kind.HEAT,
            self.lane,
            now_ns,
            [
                np.array([self._low, self._high, bid, ask], np.int32),
                look.prices,
                look.lots,
                flows["price"],
                flows["side"],
                *(flows[name].astype(np.float64) for name in FLOW_NAMES),
            ],
            count=look.prices.size,
            aux=flows.size,
            flags=flags,
        )

    def _cover(self, bid: int, ask: int) -> bool:
        """Let the range hold the touch; return whether it had to move."""
        if bid == NO_PRICE or ask == NO_PRICE:
            return False
        middle = (bid + ask) // 2
        reach = min(REACH_MAX, max(REACH_TICKS, abs(middle) * REACH_BP // 10_000))
        if self._low != NO_PRICE and 2 * abs(middle - (self._low + self._high) // 2) <= reach:
            return False
        self._low, self._high = middle - reach, middle + reach
        return True


def book_frame(pipe: Pipeline, k: int, now_ns: int) -> bytearray:
    """Return the ladder of this moment, with what the session traded at each row's price."""
    head = pipe.market.book.head[k]
    rows = book_levels(pipe, k, BOOK_LEVELS)
    session = pipe.session.head[k]
    traded = np.zeros((rows.size, 2))
    if session["volume"] > 0:
        places = (rows["price"] - session["origin"]) // session["row_ticks"]
        inside = (places >= 0) & (places < pipe.session.rows.shape[1])
        traded[inside] = pipe.session.rows[k, places[inside]]
    return frame(
        Kind.BOOK,
        k,
        now_ns,
        [
            rows["price"].astype(np.int32),
            *(
                rows[name].astype(np.float64)
                for name in ("lots", "added", "pulled", "traded", "hidden")
            ),
            np.ascontiguousarray(traded[:, 1]),
            np.ascontiguousarray(traded[:, 0]),
        ],
        count=rows.size,
        aux=int((rows["side"] == BID).sum()),
        flags=VALID if head["valid"] else 0,
    )


def profile_frame(pipe: Pipeline, k: int, now_ns: int) -> bytearray | None:
    """Return the session's volume in rows as the session keeps them; None before its first print.

    What a screen joins into taller rows is its own affair: the ladder needs each price.
    """
    head = pipe.session.head[k]
    if head["volume"] <= 0:
        return None
    step, origin = int(head["row_ticks"]), int(head["origin"])
    first = (int(head["low"]) - origin) // step
    stop = (int(head["high"]) - origin) // step + 1
    held = first + np.flatnonzero(pipe.session.volumes[k, first:stop])
    sold, bought = (pipe.session.rows[k, held, side].astype(np.float64) for side in (0, 1))
    return frame(
        Kind.PROFILE,
        k,
        now_ns,
        [(origin + held * step).astype(np.int32), bought, sold],
        count=held.size,
        aux=step,
    )
