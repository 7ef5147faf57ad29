"""Pulls and push-throughs that nobody injected: what became of large orders of the background.

The background cancels its orders at random and takes what is there, and now and then that is a
pattern in every word of its definition. Whoever tells of it is right, so it is written down as a
label that asks for nothing (it has no key time) but explains:

    withdrawal   R5.4: an order behind the touch; price comes nearer by NEAR_TICKS, to within
                 NEAR_TICKS; it is cancelled, hardly touched
    consumption  R5.6: an order is eaten to the end, most of it within STROKE_NS

The order is of SIZE typical levels or more: by itself a wall in every sense of R1.6, and no larger
than the walls of hard scenarios. All is read from the L3 log and the published quotes, never from
what detectors see: several orders at a level that leave it one by one are neither.

Only such orders are kept, so memory is bounded by how many there are, and by the quotes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import QUOTE, Events
from aggressor.sim.synthetic.book import ADD, BACKGROUND, CANCEL, FILL
from aggressor.sim.synthetic.labels import Label

WITHDRAWAL = "withdrawal"
CONSUMPTION = "consumption"
SIZE = 5.0  # typical levels
NEAR_TICKS = 3
STROKE_NS = 1_000_000_000
_TOUCHED = 0.05  # of a withdrawn order, traded at most
_EATEN = 0.7  # of a consumed one, within a stroke (R5.0)


class _Order:
    """One large order: when and where it rested, and what became of it."""

    def __init__(self, row: Any) -> None:
        self.start_ns, self.side = int(row["ts_venue"]), int(row["side"])
        self.price, self.lots = int(row["price"]), int(row["lots"])
        self.fills: list[tuple[int, int]] = []
        self.cancelled_ns: int | None = None  # by the background

    @property
    def traded(self) -> int:
        return sum(lots for _, lots in self.fills)


class LargeOrders:
    """Gathers large orders and the touch chunk by chunk; `labels` at the end."""

    def __init__(self) -> None:
        self._orders: dict[int, _Order] = {}
        self._touch: dict[int, list[NDArray[Any]]] = {1: [], -1: []}

    def take(self, events: Events, log: NDArray[Any], typical: float) -> None:
        """Take what was published and what happened since the last call, both in order."""
        quotes = events[events["kind"] == QUOTE]
        for side in (1, -1):
            rows = quotes[quotes["side"] == side]
            self._touch[side].append(np.stack([rows["ts_venue"], rows["price"].astype(np.int64)]))
        large = (log["action"] == ADD) & (log["owner"] == BACKGROUND)
        for row in log[large & (log["lots"] >= SIZE * typical)]:
            self._orders[int(row["order"])] = _Order(row)
        known = np.fromiter(self._orders, np.int64, len(self._orders))
        for row in log[np.isin(log["order"], known) & (log["action"] != ADD)]:
            order = self._orders[int(row["order"])]
            if row["action"] == FILL:
                order.fills.append((int(row["ts_venue"]), int(row["lots"])))
            elif row["action"] == CANCEL:
                order.cancelled_ns = int(row["ts_venue"])

    def labels(self) -> list[Label]:
        """Return withdrawals and consumptions, in order of their end."""
        found: list[Label] = []
        for order in self._orders.values():
            if order.cancelled_ns is not None:
                least = self._approach(order, order.cancelled_ns)
                if least is not None and order.traded <= _TOUCHED * order.lots:
                    found.append(_label(WITHDRAWAL, order, order.cancelled_ns, least))
            elif order.traded == order.lots:
                stop = order.fills[-1][0]
                stroke = sum(lots for at, lots in order.fills if at > stop - STROKE_NS)
                if stroke >= _EATEN * order.lots:
                    found.append(_label(CONSUMPTION, order, stop, stroke))
        return sorted(found, key=lambda label: label.stop_ns)

    def _approach(self, order: _Order, stop: int) -> int | None:
        """Return how near the touch was after it had come nearer; None where it did not."""
        times, best = np.concatenate(self._touch[order.side], axis=1)
        first = max(int(np.searchsorted(times, order.start_ns, "right")) - 1, 0)
        last = int(np.searchsorted(times, stop, "right"))
        away = order.side * (best[first:last] - order.price)
        away = away[away >= 0]
        if away.size == 0 or away.min() > NEAR_TICKS:
            return None
        came = np.max(np.maximum.accumulate(away) - away)
        return int(away.min()) if came >= NEAR_TICKS else None


def _label(kind: str, order: _Order, stop: int, count: int) -> Label:
    return Label(
        kind=kind,
        side=order.side,
        direction=-order.side,
        difficulty="",
        start_ns=order.start_ns,
        stop_ns=stop,
        key_ns=0,
        low=order.price,
        high=order.price,
        peak_lots=order.lots,
        traded_lots=order.traded,
        cancelled_lots=order.lots - order.traded,
        injected_lots=0,
        count=count,
    )
