"""Pulls and push-throughs that nobody injected: what became of the background's large levels.

The background cancels its orders at random and takes what is there, and now and then that is a
pattern in every word of its definition. Whoever tells of it is right, so it is written down as a
label that asks for nothing (it has no key time) but explains:

    withdrawal   R5.4: a level behind the touch; price comes nearer by NEAR_TICKS, to within
                 NEAR_TICKS; FALLEN of its peak is gone, most of it cancelled within PULL_NS, hardly
                 any of it traded: by one order or by several, whose intent nobody can observe.
                 It had shown half of its peak (R1.6: less is another wall) for LIFE_NS or longer;
                 its peak and what traded are those of the last LIFE_NS: what it was some time
                 before is another wall's affair
    consumption  R5.6, R5.0: a level loses FALLEN of its peak, of which most is eaten within
                 STROKE_NS, by one order that rested or by several; or one order is eaten to the end

Level and order are of SIZE typical levels or more: by itself a wall in every sense of R1.6, and no
larger than the walls of hard scenarios. All is read from the L3 log and the published quotes,
order by order, never from what detectors see. A label lasts from the first cancel or fill that
counts to the last: who tells of it must tell of this price, then or shortly after.

Memory: the quotes, the rows of what is large, and up to _BATCH rows of the log.
"""

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import QUOTE, Events
from aggressor.sim.synthetic.book import ADD, BACKGROUND, CANCEL, FILL, L3_ROW
from aggressor.sim.synthetic.labels import Label

WITHDRAWAL = "withdrawal"
CONSUMPTION = "consumption"
SIZE = 5.0  # typical levels
NEAR_TICKS = 3
PULL_NS = 2_000_000_000  # tau_p of R5.4 for a thin contract
STROKE_NS = 1_000_000_000
FALLEN = 0.8  # of the peak of a withdrawn level
LIFE_NS = 2_000_000_000  # the least life of a wall: what it is is read over so long (R5.4)
_TOUCHED = 0.05  # of it, traded at most
_STANDS, _FALLEN, _SMALL = "stands", "fallen", "small"
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
    """A level since it became half as large: what it showed, and what left it."""

    def __init__(self, side: int, price: int) -> None:
        self.side, self.price = side, price
        self.start_ns = self.pulled_ns = self.struck_ns = self.stop_ns = 0
        self.peak = self.traded = self.cancelled = self.struck = 0
        self._is_large = False
        self._most = 0
        self._changes: list[_Change] = []

    def follow(self, change: "_Change") -> str:
        """Take one row of it; tell whether it stands, has fallen, or is large no more."""
        self._most = max(self._most, change.left)
        self._changes.append(change)
        if change.left > (1 - FALLEN) * self._most:
            return _STANDS
        since = change.ts - LIFE_NS
        first = bisect_right(self._changes, since, key=lambda one: one.ts)
        recent = self._changes[max(first - 1, 0) :]  # of LIFE_NS, and the last before
        self.peak = max(one.left for one in recent)
        if change.left > (1 - FALLEN) * self.peak:
            return _STANDS if any(one.is_half for one in recent) else _SMALL
        self._is_large = any(one.is_large for one in recent)
        self.start_ns, self.stop_ns = self._begun(), change.ts
        self.traded = sum(one.traded for one in recent if one.ts > since)
        pulled = [one for one in recent if one.cancelled and one.ts > change.ts - PULL_NS]
        self.cancelled = sum(one.cancelled for one in pulled)
        self.pulled_ns = pulled[0].ts if pulled else change.ts
        strokes = [one for one in recent if one.eaten and one.ts > change.ts - STROKE_NS]
        self.struck = sum(one.eaten for one in strokes)
        self.struck_ns = strokes[0].ts if strokes else change.ts
        return _FALLEN

    def _begun(self) -> int:
        """Return since when it had shown half of its peak, without a break, when it was largest."""
        last = max(n for n, one in enumerate(self._changes) if one.left == self.peak)
        start = self._changes[last].ts
        for one in reversed(self._changes[:last]):
            if 2 * one.left < self.peak:
                break
            start = one.ts
        return start

    @property
    def was_pulled(self) -> bool:
        """Tell whether it was a wall for long enough, and was cancelled rather than traded."""
        aged = self.stop_ns - self.start_ns >= LIFE_NS
        whole = self.cancelled >= FALLEN * self.peak
        return self._is_large and aged and whole and self.traded <= _TOUCHED * self.peak

    @property
    def was_eaten(self) -> bool:
        """Tell whether takers brought it down, most of it at one stroke."""
        return self._is_large and self.struck >= _EATEN * self.peak


class _Change(NamedTuple):
    """What one row of the log did to a level, in lots, and what was left."""

    ts: int
    left: int
    traded: int
    eaten: int  # of the background's orders, by takers
    cancelled: int  # of the background's orders
    is_large: bool
    is_half: bool  # as large


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
            least = self._approach(level) if level.was_pulled else None
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
        told = {(one.side, one.low, one.stop_ns) for one in found if one.kind == CONSUMPTION}
        for level in self._fallen:
            if level.was_eaten and (level.side, level.price, level.stop_ns) not in told:
                found.append(_eaten(level))
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
        half = left >= least / 2
        chosen = np.isin(key, [*self._standing, *np.unique(key[half]).tolist()])
        columns = [rows[chosen][field].tolist() for field in ("ts_venue", "action", "lots")]
        is_background = (rows["owner"][chosen] == BACKGROUND).tolist()
        large = (left >= least)[chosen].tolist()
        sums = key[chosen].tolist(), left[chosen].tolist(), large, half[chosen].tolist()
        for name, rest, is_large, is_half, ts, action, lots, own in zip(
            *sums, *columns, is_background, strict=True
        ):
            level = self._standing.get(name)
            if level is None:
                if not is_half:
                    continue
                level = self._standing[name] = _Level(1 if name & 1 else -1, name >> 1)
            traded = lots if action == FILL else 0
            cancelled = lots if action == CANCEL and own else 0
            eaten = traded if own else 0
            state = level.follow(_Change(ts, rest, traded, eaten, cancelled, is_large, is_half))
            if state != _STANDS:
                del self._standing[name]
            if state == _FALLEN and (level.was_pulled or level.was_eaten):
                self._fallen.append(level)

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


def _label(
    kind: str,
    of: _Level | _Order,
    span_ns: tuple[int, int],
    *,
    peak: int,
    count: int,
    cancelled: int = 0,
) -> Label:
    """Return a label that asks for nothing: it has no key time."""
    start_ns, stop_ns = span_ns
    return Label(
        kind=kind,
        side=of.side,
        direction=-of.side,
        difficulty="",
        start_ns=start_ns,
        stop_ns=stop_ns,
        key_ns=0,
        low=of.price,
        high=of.price,
        peak_lots=peak,
        traded_lots=of.traded,
        cancelled_lots=cancelled,
        injected_lots=0,
        count=count,
    )


def _withdrawal(level: _Level, least: int) -> Label:
    span_ns = level.pulled_ns, level.stop_ns
    return _label(
        WITHDRAWAL, level, span_ns, peak=level.peak, count=least, cancelled=level.cancelled
    )


def _consumption(order: _Order, start_ns: int, stop_ns: int, stroke: int) -> Label:
    return _label(CONSUMPTION, order, (start_ns, stop_ns), peak=order.lots, count=stroke)


def _eaten(level: _Level) -> Label:
    span_ns = level.struck_ns, level.stop_ns
    return _label(CONSUMPTION, level, span_ns, peak=level.peak, count=level.struck)
