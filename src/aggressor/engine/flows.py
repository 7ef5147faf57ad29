"""Flows: what rests at every price of a range, and what happened there since the last look.

The ledger keeps totals by level, and a level that has gone keeps its slot for the ledger's
tolerance after its last change. So whoever looks at least twice within the tolerance (each TIMER)
sees all of a level's ledger but its very end: a trade that no row of the book ever showed is booked
as replenished in the moment its level is released. It is known beforehand, though: it is what still
waits (`pend`) when the level was last seen. Hence nothing has to be logged as it happens.

    lots    (n,)       float64: + rests on the bid, - on the ask, 0 nothing, by price
    flows   (2, 4, n)  int64 lots by side (0 bid, 1 ask) and FLOW_NAMES, since the last look

Invariant: over looks at a range that holds every price, the flows of a side sum to the change of
the ledger's `sides`: added, pulled and hidden as they are, traded with what waits. Amounts may be
negative: pulled, where a later trade shows that it was none.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.parts import Pipeline
from aggressor.kernel import Int, kernel, kernel_inline

ADDED, PULLED, TRADED, HIDDEN = range(4)
FLOW_NAMES = ("added", "pulled", "traded", "hidden")

SEEN = np.dtype(
    [
        ("added", "<i8"),
        ("pulled", "<i8"),
        ("traded", "<i8"),  # with pend
        ("hidden", "<i8"),
        ("pend", "<i8"),
        ("episode", "<i4"),
        ("price", "<i4"),
        ("side", "i1"),
        ("live", "u1"),
        ("reserved", "u1", (6,)),
    ]
)


@kernel_inline
def _add(flows: NDArray[np.int64], side: Int, what: Int, at: Int, lots: Int) -> None:
    """Add lots at a place of the range; outside of it they are not shown."""
    if 0 <= at < flows.shape[2]:
        flows[np.uint64(side < 0), np.uint64(what), np.uint64(at)] += lots


@kernel_inline
def _forget(was: Any, low: Int, flows: NDArray[np.int64]) -> None:
    """End what was seen of a level: what waited there has been booked as replenished."""
    if was["live"] != 0 and was["pend"] > 0:
        at = np.int64(was["price"]) - low
        _add(flows, was["side"], ADDED, at, was["pend"])
        _add(flows, was["side"], HIDDEN, at, was["pend"])
    was["live"] = 0
    was["added"] = 0
    was["pulled"] = 0
    was["traded"] = 0
    was["hidden"] = 0
    was["pend"] = 0


@kernel
def read_flows(
    pipe: Pipeline,
    k: Int,
    low: Int,
    seen: NDArray[Any],
    lots: NDArray[np.float64],
    flows: NDArray[np.int64],
) -> None:
    """Write lots and flows of lane `k` for prices from `low` on; `seen` is SEEN by slot."""
    book, ledger = pipe.market.book, pipe.market.ledger
    lots[:] = 0.0
    for side in range(2):
        for what in range(4):
            for at in range(lots.size):
                flows[side, what, at] = 0
    for slot in range(1, book.levels.size):
        level, here, was = book.levels[slot], ledger.slots[slot], seen[slot]
        mine = level["place"] != 0 and level["instrument"] == k
        if not mine or here["open"] == 0:
            _forget(was, low, flows)
            if not mine:
                continue
        side, at = np.int64(level["side"]), np.int64(level["price"]) - low
        if 0 <= at < lots.size and level["lots"] != 0:
            lots[at] = side * level["lots"]
        if here["open"] == 0:
            continue
        if was["live"] == 0 or was["episode"] != here["episode"]:
            _forget(was, low, flows)
        traded = here["traded"] + here["pend"]
        _add(flows, side, ADDED, at, here["added"] - was["added"])
        _add(flows, side, PULLED, at, here["pulled"] - was["pulled"])
        _add(flows, side, TRADED, at, traded - was["traded"])
        _add(flows, side, HIDDEN, at, here["hidden"] - was["hidden"])
        was["live"] = 1
        was["episode"] = here["episode"]
        was["price"] = level["price"]
        was["side"] = side
        was["added"] = here["added"]
        was["pulled"] = here["pulled"]
        was["traded"] = traded
        was["hidden"] = here["hidden"]
        was["pend"] = here["pend"]


class FlowReader:
    """Looks at one lane again and again; see the module text."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.lots = np.zeros(0)
        self.flows = np.zeros((2, 4, 0), np.int64)
        self._seen = np.zeros(0, SEEN)

    def look(self, pipe: Pipeline, low: int, high: int) -> None:
        """Read `lots` and `flows` of the prices from `low` to `high`, both included."""
        count = high - low + 1
        if self.lots.size != count:
            self.lots = np.zeros(count)
            self.flows = np.zeros((2, 4, count), np.int64)
        slots = pipe.market.book.levels.size
        if self._seen.size < slots:
            grown = np.zeros(slots, SEEN)
            grown[: self._seen.size] = self._seen
            self._seen = grown
        read_flows(pipe, self.lane, low, self._seen, self.lots, self.flows)
