"""Walls as signals from dicts of levels: which stand at each TIMER, and what is told of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.naive.walls import walls

Levels = dict[int, int]


@dataclass(frozen=True)
class Rule:
    reach: int
    z_min: float
    ratio_min: float
    age: int
    look: int  # between two looks for new walls


class Look(NamedTuple):
    """One TIMER: the levels of both sides, and since when each of them stands without a break."""

    ts: int
    levels: dict[int, Levels]
    since: dict[int, dict[int, int]]


class Row(NamedTuple):
    ts: int
    side: int
    price: int
    phase: str
    failed: str
    lots: int
    peak: int


@dataclass
class Wall:
    since: int
    lots: int
    peak: int
    standing: bool = True
    told: bool = False


@dataclass
class Follower:
    rule: Rule
    listed: dict[tuple[int, int], Wall] = field(default_factory=dict)
    looked: int | None = None
    rows: list[Row] = field(default_factory=list)

    def end(self, key: tuple[int, int], ts: int, why: str, lots: int | None = None) -> None:
        wall = self.listed.pop(key)
        if wall.told:
            shown = wall.lots if lots is None else lots
            self.rows.append(Row(ts, *key, "expired", why, shown, wall.peak))

    def take(self, now: Look) -> None:
        if not (now.levels[1] and now.levels[-1]):
            for key in list(self.listed):
                self.end(key, now.ts, "book lost")
            return
        for key in list(self.listed):
            self.follow(key, now)
        if self.looked is None or now.ts - self.looked >= self.rule.look:
            self.looked = now.ts
            self.look(now)
        for (side, price), wall in self.listed.items():
            if not wall.told and wall.standing and now.ts - wall.since >= self.rule.age:
                wall.told = True
                self.rows.append(Row(now.ts, side, price, "confirmed", "", wall.lots, wall.peak))

    def follow(self, key: tuple[int, int], now: Look) -> None:
        side, price = key
        wall, lots = self.listed[key], now.levels[side].get(price, 0)
        if lots == 0 or now.since[side][price] != wall.since:
            self.end(key, now.ts, "level gone", 0)
        elif 2 * lots < wall.peak:
            self.end(key, now.ts, "size fell below half of its peak", lots)
        else:
            wall.lots, wall.peak = lots, max(wall.peak, lots)

    def look(self, now: Look) -> None:
        rule = self.rule
        for wall in self.listed.values():
            wall.standing = False
        for side in (1, -1):
            large = walls(now.levels[side], side, rule.reach, rule.z_min, rule.ratio_min)
            for price in large:
                lots = now.levels[side][price]
                new = Wall(now.since[side][price], lots, lots)
                self.listed.setdefault((side, price), new).standing = True


def signals(looks: Sequence[Look], rule: Rule) -> list[Row]:
    """Return what is told, TIMER by TIMER."""
    follower = Follower(rule)
    for look in looks:
        follower.take(look)
    return follower.rows
