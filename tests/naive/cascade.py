"""Liquidation cascades over plain lists: readings by summing anew at every timer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Rule:
    window: int
    minute: int
    calm: int
    refractory: int
    reach: int
    depths_min: int
    sigma: Fraction
    published: bool


@dataclass
class Timer:
    """What is known at one timer: all flow so far, the mid, open interest and depth."""

    ts: int
    trades: Sequence[tuple[int, int, int]]  # ts, price, lots
    orders: Sequence[tuple[int, int, int, int]]  # ts, price, lots, side
    mid2: int
    interest: int  # 0 unknown
    mark: int  # 0 unknown
    depth: dict[int, int] = field(default_factory=dict)  # side -> lots within reach


@dataclass
class Reading:
    share: Fraction | None = None
    one_sided: Fraction | None = None
    forced_side: int = 0
    change: Fraction | None = None
    velocity: Fraction | None = None
    depth: Fraction | None = None
    basis: Fraction | None = None
    direction: int = 0

    @property
    def signs(self) -> int:
        signs = self.share is not None and self.share >= Fraction(5, 100)
        signs += self.change is not None and -self.change >= Fraction(25, 10_000)
        signs += self.velocity is not None and self.velocity >= 3
        signs += self.basis is not None and abs(self.basis) >= Fraction(10, 10_000)
        signs += self.depth is not None and self.depth <= Fraction(4, 10)
        return signs

    @property
    def forced(self) -> bool:
        sided = self.one_sided is not None and self.one_sided >= Fraction(8, 10)
        stream = self.share is not None and self.share >= Fraction(15, 100)
        fell = self.change is not None and -self.change >= Fraction(5, 1000)
        return (stream and sided and self.forced_side == self.direction) or fell

    @property
    def cascading(self) -> bool:
        fast = self.velocity is not None and self.velocity >= 5
        return fast and self.depth is not None and self.depth <= Fraction(1, 2) and self.forced


def sign(value: int) -> int:
    return (value > 0) - (value < 0)


def read(timers: Sequence[Timer], rule: Rule) -> Reading:
    """Read all but the depth at the last timer."""
    now, reading = timers[-1], Reading()
    before = [one for one in timers if one.ts <= now.ts - rule.window]
    start = before[-1].ts if before else timers[0].ts
    traded = sum(abs(price) * lots for ts, price, lots in now.trades if ts > start)
    forced = {
        side: sum(
            abs(price) * lots for ts, price, lots, of in now.orders if ts > start and of == side
        )
        for side in (1, -1)
    }
    total = forced[1] + forced[-1]
    reading.forced_side = sign(forced[1] - forced[-1])
    if rule.published:
        reading.share = Fraction(total, max(traded, total, 1))
        reading.one_sided = Fraction(max(forced.values()), total) if total else None
    if before:
        move2 = now.mid2 - before[-1].mid2
        reading.velocity = Fraction(abs(move2), 2) / rule.sigma
        reading.direction = sign(move2)
    reading.direction = reading.direction or reading.forced_side
    ago = [one for one in timers if one.ts <= now.ts - rule.minute]
    if ago and ago[-1].interest > 0 and now.interest > 0:
        reading.change = Fraction(now.interest - ago[-1].interest, ago[-1].interest)
    if now.mark and now.trades:
        reading.basis = Fraction(now.trades[-1][1] - now.mark, abs(now.mark))
    return reading


def lower_median(values: Sequence[int]) -> int:
    return sorted(values)[math.ceil(len(values) / 2) - 1]


def rows(timers: Sequence[Timer], rule: Rule) -> list[tuple[int, str, int]]:
    """Return (ts, what, direction) of every row."""
    told: list[tuple[int, str, int]] = []
    phase, direction, quiet, quiet_until, calm_interest = "", 0, -1, -1, 0
    kept: dict[int, list[int]] = {1: [], -1: []}
    medians: dict[int, int] = {}
    depth: Fraction | None = None
    second = -1
    for i, timer in enumerate(timers):
        reading = read(timers[: i + 1], rule)
        due = timer.ts // 10**9 != second
        if due or phase:
            sides = [side for side in medians if side != reading.direction and medians[side] > 0]
            ratios = [Fraction(timer.depth[side], medians[side]) for side in sides]
            depth = min(ratios) if ratios else None
        if due:
            second = timer.ts // 10**9
            for side in (1, -1):
                kept[side].append(timer.depth[side])
                if len(kept[side]) >= rule.depths_min:
                    medians[side] = lower_median(kept[side][-60:])
        reading.depth = depth
        if not phase:
            if reading.signs < 2 or timer.ts < quiet_until:
                continue
            phase, direction, quiet = "watch", reading.direction, -1
            told.append((timer.ts, "watch", direction))
        if phase == "cascade":
            calm = (
                (reading.share is None or reading.share < Fraction(5, 100))
                and (reading.velocity is None or reading.velocity < 1)
                and (reading.depth is None or reading.depth >= Fraction(1, 2))
            )
            if calm and quiet >= 0:
                calm = abs(timer.interest - calm_interest) * 2000 <= calm_interest
            if not calm:
                quiet = -1
            elif quiet < 0:
                quiet, calm_interest = timer.ts, timer.interest
            elif timer.ts - quiet >= rule.calm:
                told.append((timer.ts, "resolved", direction))
                phase, quiet_until = "", timer.ts + rule.refractory
            continue
        direction = reading.direction
        if reading.cascading:
            phase, quiet = "cascade", -1
            told.append((timer.ts, "cascade", direction))
        elif reading.signs >= 2:
            quiet = -1
        elif quiet < 0:
            quiet = timer.ts
        elif timer.ts - quiet >= rule.window:
            told.append((timer.ts, "expired", direction))
            phase = ""  # only a confirmed one is rested after (R5.0)
    return told
