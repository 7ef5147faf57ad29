"""The ledger with a list of waiting amounts for every level: aggressor.market.ledger's twin."""

from dataclasses import dataclass, field
from typing import Any

from aggressor.schema.event import CLEAR, LEVEL, NOT_FLOW, RPI, SNAPSHOT, STALE, TIMER, TRADE
from tests.naive.book import NaiveBook

GHOST = "ghost"
PEND = "pend"


@dataclass
class Wait:
    since: int
    kind: str
    lots: int
    level: "Level"


@dataclass
class Level:
    at: tuple[int, int]
    start: int = 0
    lots: int = 0
    added: int = 0
    pulled: int = 0
    traded: int = 0
    hidden: int = 0
    refilled: int = 0
    peak: int = 0
    first_seen: int = 0
    waits: list[Wait] = field(default_factory=list)

    def waiting(self, kind: str) -> int:
        return sum(wait.lots for wait in self.waits if wait.kind == kind)


class NaiveLedger:
    """One instrument's levels by (side, price), and the amounts that wait, in order of time."""

    def __init__(self, tolerance_ns: int) -> None:
        self.tolerance = tolerance_ns
        self.book = NaiveBook()
        self.levels: dict[tuple[int, int], Level] = {}
        self.queue: list[Wait] = []
        self.unattributed = 0
        self.unresolved = {1: 0, -1: 0}

    def on_event(self, event: Any) -> None:
        kind, flags, now = int(event["kind"]), int(event["flags"]), int(event["ts_recv"])
        if kind in (LEVEL, TRADE, CLEAR, TIMER) and not (kind == LEVEL and flags & STALE):
            self.expire(now)
        if kind == LEVEL and not flags & STALE:
            self.on_level(event)
        elif kind == TRADE:
            self.on_trade(event)
        elif kind == CLEAR:
            for (side, _), level in self.levels.items():
                self.unresolved[side] += level.waiting(PEND)
            self.levels.clear()
            self.queue.clear()
        self.book.on_event(event)

    def wait(self, level: Level, now: int, kind: str, lots: int) -> None:
        wait = Wait(now, kind, lots, level)
        level.waits.append(wait)
        self.queue.append(wait)

    def expire(self, now: int) -> None:
        while self.queue and now - self.queue[0].since > self.tolerance:
            wait = self.queue.pop(0)
            level = wait.level
            level.waits.remove(wait)
            if wait.kind == PEND:
                level.traded += wait.lots
                level.added += wait.lots
                hidden = max(0, wait.lots - level.lots)
                level.hidden += hidden
                level.refilled += wait.lots - hidden
            if not level.waits and level.lots == 0:
                del self.levels[level.at]

    def on_level(self, event: Any) -> None:
        at = (int(event["side"]), int(event["price"]))
        lots, now = int(event["size"]), int(event["ts_recv"])
        level = self.levels.get(at)
        if level is None and lots == 0:
            return
        if not self.book.synced or event["flags"] & SNAPSHOT:
            waits = level.waits if level else []
            level = self.levels[at] = Level(at, lots, lots, peak=lots, first_seen=now, waits=waits)
            for wait in waits:
                wait.lots, wait.level = 0, level
            if lots == 0:
                self.wait(level, now, GHOST, 0)
            return
        if level is None:
            level = self.levels[at] = Level(at, first_seen=now)
        volume = 0
        for wait in level.waits:
            if wait.kind == PEND:
                volume += wait.lots
                wait.lots = 0
        net = lots - level.lots + volume
        level.hidden += max(0, volume - level.lots)
        level.traded += volume
        level.lots = lots
        if net >= 0:
            level.added += net
            level.peak = max(level.peak, lots)
        else:
            level.pulled -= net
        if net < 0 or lots == 0:
            self.wait(level, now, GHOST, max(0, -net))

    def on_trade(self, event: Any) -> None:
        side, lots, now = int(event["side"]), int(event["size"]), int(event["ts_recv"])
        if side == 0 or not self.book.synced or event["flags"] & (RPI | NOT_FLOW):
            self.unattributed += lots
            return
        at = (-side, int(event["price"]))
        level = self.levels.setdefault(at, Level(at, first_seen=now))
        for wait in level.waits:
            if wait.kind == GHOST:
                used = min(lots, wait.lots)
                wait.lots -= used
                lots -= used
                level.pulled -= used
                level.traded += used
        if lots:
            self.wait(level, now, PEND, lots)
