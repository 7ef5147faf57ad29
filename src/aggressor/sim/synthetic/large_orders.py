"""Pulls and push-throughs that nobody injected: what became of the background's large levels.

The background cancels its orders at random and takes what is there, and now and then that is a
pattern in every word of its definition. Whoever tells of it is right, so it is written down as a
label that asks for nothing (it has no key time) but explains:

    withdrawal   R5.4: a level behind the touch; price comes nearer by NEAR_TICKS, to within
                 NEAR_TICKS; FALLEN of its peak is gone, most of it cancelled within PULL_NS, hardly
                 any of it traded: by one order or by several, whose intent nobody can observe
    consumption  R5.6: an order is eaten to the end, most of it within STROKE_NS

Level and order are of SIZE typical levels or more: by itself a wall in every sense of R1.6, and no
larger than the walls of hard scenarios. All is read from the L3 log and the published quotes,
order by order, never from what detectors see. A label lasts from the first cancel or fill that
counts to the last: who tells of it must tell of this price, then or shortly after.

Memory: the quotes, what is large, and up to _BATCH rows of the log.
"""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import QUOTE, Events
from aggressor.sim.synthetic.book import ADD, BACKGROUND, CANCEL, FILL, L3_ROW
from aggressor.sim.synthetic.labels import Label

WITHDRAWAL = "withdrawal"
CONSUMPTION = "consumption"
SIZE = 5.0  # typical levels
NEAR_TICKS = 3
PULL_NS = 1_000_000_000
STROKE_NS = 1_000_000_000
FALLEN = 0.8  # of the peak of a withdrawn level
_TOUCHED = 0.05  # of it, traded at most
_EATEN = 0.7  # of a consumed order, within a stroke (R5.0)
_BATCH = 1 << 15


class _Order:
    """One large order: when and where it rested, and what became of it."""

    def __init__(self, row: Any) -> None:
        self.start_ns, self.side = int(row["ts_venue"]), int(row["side"])
        self.price, self.lots = int(row["price"]), int(row["lots"])
        self.fills: list[tuple[int, int]] = []
        self.cancelled = False

    @property
    def traded(self) -> int:
        return sum(lots for _, lots in self.fills)


class _Level:
    """A level since it became large: its peak, what traded, and the cancels of the last moment."""

    def __init__(self, start_ns: int, side: int, price: int) -> None:
        self.start_ns, self.side, self.price = start_ns, side, price
        self.pulled_ns = self.stop_ns = 0
        self.peak = self.traded = self.cancelled = 0
        self._cancels: deque[tuple[int, int]] = deque()

    def follow(self, ts: int, action: int, lots: int, left: int, is_background: bool) -> bool:
        """Take one row of it, after which `left` rest; tell whether it has fallen."""
        self.peak = max(self.peak, left)
        if action == FILL:
            self.traded += lots
        elif action == CANCEL and is_background:
            self._cancels.append((ts, lots))
        if left > (1 - FALLEN) * self.peak:
            return False
        while self._cancels and self._cancels[0][0] <= ts - PULL_NS:
            self._cancels.popleft()
        self.cancelled = sum(one for _, one in self._cancels)
        self.pulled_ns = self._cancels[0][0] if self._cancels else ts
        self.stop_ns = ts
        return True


class LargeOrders:
    """Gathers large orders, large levels and the touch chunk by chunk; `labels` at the end."""

    def __init__(self) -> None:
        self._orders: dict[int, _Order] = {}
        self._standing: dict[int, _Level] = {}
        self._fallen: list[_Level] = []
        self._lots: dict[int, int] = {}  # of every level by 2 x price + (1 for a bid)
        self._waiting: list[tuple[NDArray[Any], float]] = []
        nothing = np.zeros((2, 0), np.int64)
        self._touch: dict[int, list[NDArray[Any]]] = {1: [nothing], -1: [nothing]}

    def take(self, events: Events, log: NDArray[Any], typical: float) -> None:
        """Take what was published and what happened since the last call, both in order."""
        quotes = events[events["kind"] == QUOTE]
        for side in (1, -1):
            rows = quotes[quotes["side"] == side]
            self._touch[side].append(np.stack([rows["ts_venue"], rows["price"].astype(np.int64)]))
        self._waiting.append((log, typical))
        if sum(rows.size for rows, _ in self._waiting) >= _BATCH:
            self._read()

    def labels(self) -> list[Label]:
        """Return withdrawals and consumptions, in order of their end."""
        self._read()
        found: list[Label] = []
        self._touch = {side: [np.concatenate(best, axis=1)] for side, best in self._touch.items()}
        for level in self._fallen:
            whole = level.cancelled >= FALLEN * level.peak
            if not whole or level.traded > _TOUCHED * level.peak:
                continue
            least = self._approach(level)
            if least is not None:
                found.append(_withdrawal(level, least))
        for order in self._orders.values():
            if order.cancelled or order.traded < order.lots:
                continue
            stop = order.fills[-1][0]
            strokes = [(at, lots) for at, lots in order.fills if at > stop - STROKE_NS]
            stroke = sum(lots for _, lots in strokes)
            if stroke >= _EATEN * order.lots:
                found.append(_consumption(order, strokes[0][0], stop, stroke))
        return sorted(found, key=lambda label: label.stop_ns)

    def _read(self) -> None:
        log = np.concatenate([np.zeros(0, L3_ROW), *(rows for rows, _ in self._waiting)])
        sizes = [np.full(rows.size, SIZE * typical) for rows, typical in self._waiting]
        least = np.concatenate([np.zeros(0), *sizes])
        self._waiting.clear()
        if log.size == 0:
            return
        self._read_orders(log, least)
        self._read_levels(log, least)

    def _read_orders(self, log: NDArray[Any], least: NDArray[np.float64]) -> None:
        large = (log["action"] == ADD) & (log["owner"] == BACKGROUND) & (log["lots"] >= least)
        for row in log[large]:
            self._orders[int(row["order"])] = _Order(row)
        known = np.fromiter(self._orders, np.int64, len(self._orders))
        for row in log[np.isin(log["order"], known) & (log["action"] != ADD)]:
            order = self._orders[int(row["order"])]
            if row["action"] == FILL:
                order.fills.append((int(row["ts_venue"]), int(row["lots"])))
            else:
                order.cancelled = True

    def _read_levels(self, log: NDArray[Any], least: NDArray[np.float64]) -> None:
        """Sum the lots of every level row by row, and follow those that are large."""
        key = 2 * log["price"].astype(np.int64) + (log["side"] > 0)
        place = np.argsort(key, kind="stable")
        rows, key, least = log[place], key[place], least[place]
        signed = np.where(rows["action"] == ADD, 1, -1) * rows["lots"].astype(np.int64)
        names, first = np.unique(key, return_index=True)
        total = np.cumsum(signed)
        before = np.append(0, total)[first] - [self._lots.get(int(name), 0) for name in names]
        left = total - np.repeat(before, np.diff(np.append(first, key.size)))
        last = left[np.append(first[1:], key.size) - 1]
        self._lots.update(zip(names.tolist(), last.tolist(), strict=True))
        chosen = np.isin(key, [*self._standing, *np.unique(key[left >= least]).tolist()])
        columns = [rows[chosen][field].tolist() for field in ("ts_venue", "action", "lots")]
        is_background = (rows["owner"][chosen] == BACKGROUND).tolist()
        sums = key[chosen].tolist(), left[chosen].tolist(), (left >= least)[chosen].tolist()
        for name, rest, is_large, ts, action, lots, own in zip(
            *sums, *columns, is_background, strict=True
        ):
            level = self._standing.get(name)
            if level is None:
                if not is_large:
                    continue
                level = self._standing[name] = _Level(ts, 1 if name & 1 else -1, name >> 1)
            if level.follow(ts, action, lots, rest, own):
                self._fallen.append(self._standing.pop(name))

    def _approach(self, level: _Level) -> int | None:
        """Return how near the touch was after it had come nearer; None where it did not."""
        times, best = self._touch[level.side][0]
        first = max(int(np.searchsorted(times, level.start_ns, "right")) - 1, 0)
        last = int(np.searchsorted(times, level.stop_ns, "right"))
        away = level.side * (best[first:last] - level.price)
        away = away[away >= 0]
        if away.size == 0 or away.min() > NEAR_TICKS:
            return None
        came = np.max(np.maximum.accumulate(away) - away)
        return int(away.min()) if came >= NEAR_TICKS else None


def _withdrawal(level: _Level, least: int) -> Label:
    return Label(
        kind=WITHDRAWAL,
        side=level.side,
        direction=-level.side,
        difficulty="",
        start_ns=level.pulled_ns,
        stop_ns=level.stop_ns,
        key_ns=0,
        low=level.price,
        high=level.price,
        peak_lots=level.peak,
        traded_lots=level.traded,
        cancelled_lots=level.cancelled,
        injected_lots=0,
        count=least,
    )


def _consumption(order: _Order, start_ns: int, stop_ns: int, stroke: int) -> Label:
    return Label(
        kind=CONSUMPTION,
        side=order.side,
        direction=-order.side,
        difficulty="",
        start_ns=start_ns,
        stop_ns=stop_ns,
        key_ns=0,
        low=order.price,
        high=order.price,
        peak_lots=order.lots,
        traded_lots=order.traded,
        cancelled_lots=0,
        injected_lots=0,
        count=stroke,
    )
