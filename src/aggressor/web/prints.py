"""PRINTS, ORDERS and FORCED: the tape, taker orders and forced orders since the last look.

Each is a ring of the pipeline, read from where the last look ended. A ring that went round in
between is read from its oldest row; that happens only where somebody looks less often than the ring
is long.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.parts import Pipeline
from aggressor.features.prints import ORDERS
from aggressor.schema.event import BAD_CLOCK, BATCHED, NOT_FLOW, RPI
from aggressor.web.protocol import Kind, frame

_FLAGS = ((NOT_FLOW, 1), (RPI, 2), (BATCHED, 4), (BAD_CLOCK, 8))
_NS_MS = 1e6


class Prints:
    """The tape of one lane."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self._prints = 0
        self._orders = 0
        self._forced = 0

    def frames(self, pipe: Pipeline, now_ns: int) -> list[bytearray]:
        """Return a frame of each kind of which there is something new."""
        return [
            one
            for one in (
                self._new_prints(pipe, now_ns),
                self._new_orders(pipe, now_ns),
                self._new_forced(pipe, now_ns),
            )
            if one is not None
        ]

    def _new_prints(self, pipe: Pipeline, now_ns: int) -> bytearray | None:
        tape, k = pipe.market.tape, self.lane
        stop = int(tape.head[k]["prints"])
        rows = _between(tape.ring[k], self._prints, stop)
        self._prints = stop
        return self._frame(Kind.PRINTS, now_ns, rows, _shown_flags(rows["flags"]), rows["size"])

    def _new_forced(self, pipe: Pipeline, now_ns: int) -> bytearray | None:
        forced, k = pipe.forced, self.lane
        stop = int(forced.head[k]["orders"])
        rows = _between(forced.liquidations[k], self._forced, stop)
        self._forced = stop
        return self._frame(Kind.FORCED, now_ns, rows, np.zeros(rows.size, np.uint8), rows["lots"])

    def _frame(self, kind: Kind, now_ns: int, rows: Any, flags: Any, lots: Any) -> bytearray | None:
        if not rows.size:
            return None
        return frame(
            kind,
            self.lane,
            now_ns,
            [
                rows["ts_recv"] / _NS_MS,
                rows["ts_venue"] / _NS_MS,
                rows["price"].astype(np.int32),
                rows["side"].astype(np.int8),
                flags,
                lots.astype(np.float64),
            ],
            count=rows.size,
        )

    def _new_orders(self, pipe: Pipeline, now_ns: int) -> bytearray | None:
        k = self.lane
        stop = int(pipe.prints.head[k]["orders"])
        first = max(self._orders, stop - ORDERS + 1)  # the ring holds the open one too
        rows = _between(pipe.prints.orders[k], first, stop)
        self._orders = stop
        if not rows.size:
            return None
        return frame(
            Kind.ORDERS,
            k,
            now_ns,
            [
                rows["ts_recv"] / _NS_MS,
                rows["ts_last"] / _NS_MS,
                rows["first"],
                rows["last"],
                rows["prints"],
                rows["side"],
                rows["size_class"],
                _shown_flags(rows["flags"]),
                rows["lots"].astype(np.float64),
            ],
            count=rows.size,
        )


def _between(ring: NDArray[Any], first: int, stop: int) -> NDArray[Any]:
    """Return the rows numbered `first` to before `stop` that a ring still has."""
    first = max(first, stop - ring.size)
    return ring[np.arange(first, stop) % ring.size]


def _shown_flags(flags: Any) -> NDArray[np.uint8]:
    shown = np.zeros(flags.size, np.uint8)
    for bit, as_shown in _FLAGS:
        shown[(flags & bit) != 0] |= as_shown
    return shown
