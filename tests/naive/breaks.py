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
    refractory: int
    reach: int  # a break that went further is given up at once


def ended_breaks(
    stream: Sequence[Trade | Timer], levels: Sequence[tuple[int, int]], rule: Rule
) -> list[tuple[int, int, int, int, int, bool]]:
    """Return (direction, level, extreme, lots, away, failed) of breaks in order of their end."""
    ended: list[tuple[int, int, int, int, int, bool]] = []
    open_breaks: dict[int, Break | None] = {1: None, -1: None}
    resting: dict[int, tuple[int, int]] = {1: (-1, 0), -1: (-1, 0)}
    armed: dict[int, int | None] = {1: None, -1: None}
    last: int | None = None
    for one in stream:
        for direction in (1, -1):
            if isinstance(one, Trade):
                _on_trade(one, direction, open_breaks, armed, rule)
            elif (broken := open_breaks[direction]) is not None:
                elapsed = one.ts - broken.start
                back = broken.returned is not None
                prices = [direction * x.price for x in broken.beyond(rule.window)]
                far = max(prices) - direction * broken.level > rule.reach
                if (back and elapsed > rule.burst + rule.settle) or (
                    not back and (far or elapsed > rule.window)
                ):
                    broken.failed = back
                    ended.append(broken.summary(rule.window))
                    open_breaks[direction] = None
                    resting[direction] = (one.ts + rule.refractory, broken.level)
            if isinstance(one, Timer) and open_breaks[direction] is None and last is not None:
                kinds = UP_KINDS if direction > 0 else DOWN_KINDS
                until, rested = resting[direction]
                above = [
                    direction * price
                    for price, kind in levels
                    if kind in kinds
                    and direction * price + rule.tick > direction * last
                    and not (one.ts < until and abs(price - rested) <= rule.tick)
                ]
                armed[direction] = direction * min(above) if above else None
        if isinstance(one, Trade):
            last = one.price
    return ended


def _on_trade(
    one: Trade,
    direction: int,
    open_breaks: dict[int, Break | None],
    armed: dict[int, int | None],
    rule: Rule,
) -> None:
    broken, level = open_breaks[direction], armed[direction]
    if broken is None and level is not None:
        if direction * (one.price - level) >= rule.tick:
            broken = open_breaks[direction] = Break(direction, level, one.ts)
            armed[direction] = None
    if broken is not None:
        broken.trades.append(one)
        inside = direction * (one.price - broken.level) <= -rule.tick
        outside = direction * (one.price - broken.level) >= rule.tick
        elapsed = one.ts - broken.start
        if outside and elapsed <= rule.burst:
            broken.returned = None
        if inside and broken.returned is None and elapsed <= rule.window:
            broken.returned = one.ts
