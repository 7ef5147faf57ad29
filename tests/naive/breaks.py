"""Breaks of levels over a plain list of trades and timers, direction by direction."""

from collections.abc import Sequence
from dataclasses import dataclass, field

UP_KINDS, DOWN_KINDS = (1, 3, 5), (2, 4, 5)


@dataclass
class Trade:
    ts: int
    price: int
    lots: int
    side: int


@dataclass
class Timer:
    ts: int


@dataclass
class Break:
    direction: int
    level: int
    start: int
    trades: list[Trade] = field(default_factory=list)
    returned: int | None = None
    failed: bool = False

    def beyond(self, window: int) -> list[Trade]:
        """Trades beyond the level until price was back or given up."""
        last = self.start + window if self.returned is None else self.returned
        return [
            one
            for one in self.trades
            if one.ts <= last and self.direction * (one.price - self.level) > 0
        ]

    def summary(self, window: int) -> tuple[int, int, int, int, int, bool]:
        taken = [one for one in self.beyond(window) if one.side == self.direction]
        away = sum(abs(one.price - self.level) * one.lots for one in taken)
        prices = [self.direction * one.price for one in self.beyond(window)]
        extreme = self.direction * max(prices)
        lots = sum(one.lots for one in taken)
        return self.direction, self.level, extreme, lots, away, self.failed


@dataclass(frozen=True)
class Rule:
    tick: int
    burst: int
    settle: int
    window: int
    refractory: int  # of a round number; other levels are broken once


@dataclass
class Side:
    """What is followed and watched in one direction."""

    open: list[Break] = field(default_factory=list)
    spent: dict[int, int] = field(default_factory=dict)  # level -> until when
    watched: int | None = None


FOREVER = 2**62


def ended_breaks(
    stream: Sequence[Trade | Timer], levels: Sequence[tuple[int, int]], rule: Rule
) -> list[tuple[int, int, int, int, int, bool]]:
    """Return (direction, level, extreme, lots, away, failed) of breaks in order of their end."""
    ended: list[tuple[int, int, int, int, int, bool]] = []
    sides = {1: Side(), -1: Side()}
    rounds = {price for price, kind in levels if kind == 5}
    last: int | None = None
    for one in stream:
        for direction, side in sides.items():
            if isinstance(one, Trade):
                for broken in side.open:
                    _extend(broken, one, rule)
                while (
                    side.watched is not None and direction * (one.price - side.watched) >= rule.tick
                ):
                    side.open.append(Break(direction, side.watched, one.ts))
                    _extend(side.open[-1], one, rule)
                    side.watched = _nearest(levels, direction, side, last, one.ts, rule)
                continue
            for broken in list(side.open):
                elapsed = one.ts - broken.start
                back = broken.returned is not None
                if elapsed > (rule.burst + rule.settle if back else rule.window):
                    broken.failed = back
                    ended.append(broken.summary(rule.window))
                    side.open.remove(broken)
                    until = one.ts + rule.refractory if broken.level in rounds else FOREVER
                    side.spent[broken.level] = until
            if last is not None:
                side.watched = _nearest(levels, direction, side, last, one.ts, rule)
        if isinstance(one, Trade):
            last = one.price
    return ended


def _nearest(
    levels: Sequence[tuple[int, int]],
    direction: int,
    side: Side,
    last: int | None,
    now: int,
    rule: Rule,
) -> int | None:
    kinds = UP_KINDS if direction > 0 else DOWN_KINDS
    followed = {broken.level for broken in side.open}
    ahead = [
        direction * price
        for price, kind in levels
        if kind in kinds
        and last is not None
        and direction * (price - last) + rule.tick > 0
        and price not in followed
        and now >= side.spent.get(price, 0)
    ]
    return direction * min(ahead) if ahead else None


def _extend(broken: Break, one: Trade, rule: Rule) -> None:
    elapsed = one.ts - broken.start
    inside = broken.direction * (one.price - broken.level) <= -rule.tick
    outside = broken.direction * (one.price - broken.level) >= rule.tick
    if elapsed > rule.window or (broken.returned is not None and elapsed > rule.burst):
        return
    broken.trades.append(one)
    if outside:
        broken.returned = None
    if inside and broken.returned is None:
        broken.returned = one.ts
