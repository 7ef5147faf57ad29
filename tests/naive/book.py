"""The book as two dicts: the slow, obvious twin of aggressor.market.book."""

from typing import Any

from aggressor.schema.event import (
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_PRICE,
    NO_TIME,
    QUOTE,
    SNAPSHOT,
    STALE,
)


class NaiveBook:
    """One instrument's book: prices and lots by side (+1 bid, -1 ask)."""

    def __init__(self) -> None:
        self.depth: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.quote: dict[int, tuple[int, int]] = {}
        self.tops: dict[int, tuple[int, int]] = {1: (NO_PRICE, 0), -1: (NO_PRICE, 0)}
        self.fused = dict(self.tops)
        self.synced = self.gap = self.crossed = self.valid = False
        self.messages = self.crossings = self.clears = 0
        self.ts_recv = NO_TIME
        self.top_ts_recv = NO_TIME

    def best(self, side: int) -> tuple[int, int]:
        levels = self.depth[side]
        if not levels:
            return NO_PRICE, 0
        price = max(levels) if side > 0 else min(levels)
        return price, levels[price]

    def ladder(self, side: int) -> list[tuple[int, int]]:
        return sorted(self.depth[side].items(), reverse=side > 0)

    def clear(self) -> None:
        clears, messages, crossings, gap = self.clears, self.messages, self.crossings, self.gap
        times = self.ts_recv, self.top_ts_recv
        self.__init__()
        self.clears, self.messages, self.crossings, self.gap = clears + 1, messages, crossings, gap
        self.ts_recv, self.top_ts_recv = times

    def on_event(self, event: Any) -> None:
        kind, flags, side = int(event["kind"]), int(event["flags"]), int(event["side"])
        price, lots = int(event["price"]), int(event["size"])
        if kind not in (LEVEL, CLEAR, QUOTE) or flags & STALE:
            return
        if kind == CLEAR:
            self.clear()
        elif kind == QUOTE:
            self.quote[side] = (price, lots)
        elif lots:
            self.depth[side][price] = lots
        else:
            self.depth[side].pop(price, None)
        if flags & GAP:
            self.gap, self.synced, self.valid = True, False, False
        if flags & LAST:
            self.end(kind, flags, int(event["ts_recv"]))

    def end(self, kind: int, flags: int, now: int) -> None:
        if kind != QUOTE:
            if flags & SNAPSHOT:
                self.gap, self.synced = False, True
            self.tops = {1: self.best(1), -1: self.best(-1)}
            self.quote = {}
        self.messages += 1
        self.ts_recv = now
        before = self.fused
        self.fused = dict(self.tops)
        for side, (price, lots) in self.quote.items():
            self.fused[side] = (price if lots else NO_PRICE, lots)
        if self.fused != before:
            self.top_ts_recv = now
        crossed = False
        complete = True
        for tops in (self.tops, self.fused):
            bid, ask = tops[1][0], tops[-1][0]
            if NO_PRICE in (bid, ask):
                complete = False
            elif bid >= ask:
                crossed = True
        self.crossings += crossed and not self.crossed
        self.crossed = crossed
        self.valid = self.synced and complete and not crossed
