"""Flows: what rests at every price of a range, and what happened there since the last look.

The ledger keeps totals by level, and a level that has gone keeps its slot for the ledger's
tolerance after its last change. So whoever looks at least twice within the tolerance (each TIMER)
sees all of a level's ledger but its very end: a trade that no row of the book ever showed is booked
as replenished in the moment its level is released. It is known beforehand, though: it is what still
waits (`pend`) when the level was last seen. Hence nothing has to be logged as it happens.

A look says what changed: `prices` and `lots` (+ rests on the bid, - on the ask, 0 nothing) of the
prices whose size is another than at the last look, or of all that hold something where the whole is
asked for; and `flows`, a FLOW for every level at which something happened. Two of the same level
are possible (it went and came anew): they add up.

Invariant: over looks at a range that holds every price, the flows of a side sum to the change of
the ledger's `sides`: added, pulled and hidden as they are, traded with what waits. Amounts may be
negative: pulled, where a later trade shows that it was none.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.parts import Pipeline
from aggressor.kernel import Int, kernel, kernel_inline

FLOW = np.dtype(
    [
        ("added", "<i8"),  # lots since the last look, as the next three
        ("pulled", "<i8"),
        ("traded", "<i8"),
        ("hidden", "<i8"),
        ("price", "<i4"),
        ("side", "i1"),  # of the level
        ("reserved", "u1", (3,)),
    ]
)
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
def _put(
    flows: Any, used: Int, price: Int, side: Int, added: Int, pulled: Int, traded: Int,
    hidden: Int,
) -> Int:  # fmt: skip
    """Write what happened at a level, if anything did; return how many are written."""
    if added == 0 and pulled == 0 and traded == 0 and hidden == 0:
        return used
    row = flows[np.uint64(used)]
    row["price"] = price
    row["side"] = side
    row["added"] = added
    row["pulled"] = pulled
    row["traded"] = traded
    row["hidden"] = hidden
    return used + 1


@kernel_inline
def _forget(was: Any) -> None:
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
    whole: Int,
    seen: NDArray[Any],
    now: NDArray[np.float64],
    shown: NDArray[np.float64],
    prices: NDArray[np.int32],
    lots: NDArray[np.float64],
    flows: NDArray[Any],
) -> tuple[Int, Int]:
    """Look at lane `k` from the price `low` on; return how many prices and flows were written.

    `seen` (slots,) SEEN and `shown` (n,) by price are what the last look saw, written in place;
    `now` (n,) is scratch; `prices`, `lots` (n,) and `flows` (2 slots,) FLOW take the answer.
    """
    book, ledger = pipe.market.book, pipe.market.ledger
    now[:] = 0.0
    happened = np.int64(0)
    for slot in range(1, book.levels.size):
        level, was = book.levels[np.uint64(slot)], seen[np.uint64(slot)]
        mine = level["place"] != 0 and level["instrument"] == k
        if not mine and was["live"] == 0:
            continue
        here = ledger.slots[np.uint64(slot)]
        open_now = mine and here["open"] != 0
        if was["live"] != 0 and (not open_now or was["episode"] != here["episode"]):
            inside = 0 <= np.int64(was["price"]) - low < now.size
            if inside and was["pend"] > 0:  # it has been booked as replenished
                lost = np.int64(was["pend"])
                happened = _put(flows, happened, was["price"], was["side"], lost, 0, 0, lost)
            _forget(was)
        if not mine:
            continue
        side, at = np.int64(level["side"]), np.int64(level["price"]) - low
        inside = 0 <= at < now.size
        if inside and level["lots"] != 0:
            now[at] = side * level["lots"]
        if not open_now:
            continue
        traded = here["traded"] + here["pend"]
        if inside:
            happened = _put(
                flows, happened, level["price"], side, here["added"] - was["added"],
                here["pulled"] - was["pulled"], traded - was["traded"],
                here["hidden"] - was["hidden"],
            )  # fmt: skip
        was["live"] = 1
        was["episode"] = here["episode"]
        was["price"] = level["price"]
        was["side"] = side
        was["added"] = here["added"]
        was["pulled"] = here["pulled"]
        was["traded"] = traded
        was["hidden"] = here["hidden"]
        was["pend"] = here["pend"]
    changed = np.int64(0)
    for at in range(now.size):
        if now[at] != (0.0 if whole else shown[at]):
            prices[changed] = low + at
            lots[changed] = now[at]
            changed += 1
        shown[at] = now[at]
    return changed, happened


class FlowReader:
    """Looks at one lane again and again; see the module text."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.prices = np.zeros(0, np.int32)  # of the last look, as the next two
        self.lots = np.zeros(0)
        self.flows = np.zeros(0, FLOW)
        self._low = self._high = 0
        self._seen = np.zeros(0, SEEN)
        self._flows = np.zeros(0, FLOW)
        self._arrays: tuple[NDArray[Any], ...] = ()

    def look(self, pipe: Pipeline, low: int, high: int, *, whole: bool = False) -> None:
        """Look at the prices from `low` to `high`, both included; at another range as a whole."""
        count = high - low + 1
        if (low, high) != (self._low, self._high):
            self._low, self._high, whole = low, high, True
        if not self._arrays or self._arrays[0].size != count:
            self._arrays = (np.zeros(count), np.zeros(count), np.zeros(count, np.int32),
                            np.zeros(count))  # fmt: skip
        slots = pipe.market.book.levels.size
        if self._seen.size < slots:
            grown = np.zeros(slots, SEEN)
            grown[: self._seen.size] = self._seen
            self._seen, self._flows = grown, np.zeros(2 * slots, FLOW)
        now, shown, prices, lots = self._arrays
        changed, happened = read_flows(
            pipe, self.lane, low, int(whole), self._seen, now, shown, prices, lots, self._flows
        )
        self.prices, self.lots = prices[: int(changed)].copy(), lots[: int(changed)].copy()
        self.flows = self._flows[: int(happened)].copy()
