"""The stylised book of R11.B as events: every level holds D lots, so flow moves the touch.

Each side is a height in lots: the best price is the last level it reaches, and below it every level
is full. Events of one lot add to it (limit orders) or take from it (cancels, market orders of the
other side). In a window the numbers of the three have the same variance, so that market orders make
up a third of the flow's; their means balance, so that the book does not run away.
"""

from collections.abc import Iterator

import numpy as np

from aggressor.schema.event import (
    CLEAR,
    LAST,
    LEVEL,
    SNAPSHOT,
    TIMER,
    TRADE,
    Events,
    empty_events,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
_BID, _SUM = 10_000, 30_000  # first bid; bid price + ask price where both heights are equal
_BELOW = 2_000  # levels of a side behind its best


class Stylised:
    """Windows of one second; `net` is the flow of each as drawn, `net_trades` the market orders."""

    def __init__(self, depth: int, windows: int, mean: int, seed: int) -> None:
        self.depth, self.windows, self.mean = depth, windows, mean
        self.chance = np.random.default_rng(seed)
        self.heights = np.array([_BID * depth - depth // 2] * 2)
        self.net = np.zeros(windows, np.int64)
        self.net_trades = np.zeros(windows, np.int64)

    def batches(self) -> Iterator[Events]:
        """Yield the snapshot, then each window behind its TIMER, and a last TIMER."""
        yield self._snapshot()
        for window in range(self.windows):
            yield self._timer(window)
            yield self._window(window)
        yield self._timer(self.windows)

    def _timer(self, window: int) -> Events:
        row = empty_events(1)
        row["kind"] = TIMER
        row["ts_recv"] = row["ts_venue"] = START + window * SECOND
        return row

    def _snapshot(self) -> Events:
        price = np.concatenate([np.arange(_BID - _BELOW, _BID + 1)] * 2)
        side = np.repeat([1, -1], price.size // 2)
        rows = empty_events(price.size + 1)
        rows["kind"] = LEVEL
        rows["kind"][0] = CLEAR
        rows["side"][1:] = side
        rows["price"][1:] = np.where(side > 0, price, _SUM - price)
        rows["size"][1:] = np.where(price == _BID, self.depth - self.depth // 2, self.depth)
        rows["flags"] = SNAPSHOT
        rows["flags"][-1] |= LAST
        rows["ts_recv"] = rows["ts_venue"] = START - SECOND
        return rows

    def _window(self, window: int) -> Events:
        sides, steps, market = [], [], []
        for side in (1, -1):
            counts = self.chance.poisson(self.mean, 2)
            limits = round(2 * self.mean + self.chance.normal() * self.mean**0.5)
            sides.append(np.full(limits + counts.sum(), side))
            steps.append(np.repeat([1, -1], [limits, counts.sum()]))
            market.append(np.arange(limits + counts.sum()) >= limits + counts[0])
            self.net[window] += side * (limits - counts.sum())
            self.net_trades[window] -= side * counts[1]
        order = self.chance.permutation(sum(one.size for one in sides))
        side, step, hit = (np.concatenate(one)[order] for one in (sides, steps, market))
        price, size = np.zeros(side.size, np.int64), np.zeros(side.size, np.int64)
        for row, one in enumerate((1, -1)):
            own = side == one
            after = self.heights[row] + np.cumsum(step[own])
            before = after - step[own]
            level = (np.maximum(before, after) - 1) // self.depth + 1
            price[own] = level if one > 0 else _SUM - level
            size[own] = after - (level - 1) * self.depth
            self.heights[row] = after[-1]
        rows = empty_events(side.size)
        rows["kind"], rows["side"], rows["price"], rows["size"] = LEVEL, side, price, size
        trades = empty_events(int(hit.sum()))
        trades["kind"], trades["side"], trades["price"] = TRADE, -side[hit], price[hit]
        trades["size"] = 1
        both = np.insert(rows, np.flatnonzero(hit), trades)
        both["flags"] = LAST
        offsets = np.linspace(1, SECOND - 1, both.size).astype(np.int64)
        both["ts_recv"] = both["ts_venue"] = START + window * SECOND + offsets
        return both
