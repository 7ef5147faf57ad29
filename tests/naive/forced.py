"""Organic and forced flow over plain lists."""

from collections.abc import Sequence
from dataclasses import dataclass

DAY_NS = 24 * 3600 * 10**9


@dataclass(frozen=True)
class Flow:
    """A trade, or a forced order."""

    forced: bool
    ts_recv: int
    ts_venue: int
    price: int
    lots: int
    side: int


def sums(flows: Sequence[Flow]) -> tuple[int, ...]:
    """Return volume, delta, value, bought, sold, value bought, value sold, orders."""
    trades = [one for one in flows if not one.forced]
    orders = [one for one in flows if one.forced]
    bought = [one for one in orders if one.side > 0]
    sold = [one for one in orders if one.side < 0]
    return (
        sum(one.lots for one in trades),
        sum(one.side * one.lots for one in trades),
        sum(abs(one.price) * one.lots for one in trades),
        sum(one.lots for one in bought),
        sum(one.lots for one in sold),
        sum(abs(one.price) * one.lots for one in bought),
        sum(abs(one.price) * one.lots for one in sold),
        len(orders),
    )


def session(flows: Sequence[Flow]) -> list[Flow]:
    """Return what came since the first event of the newest UTC day."""
    start, newest = 0, -1
    for i, one in enumerate(flows):
        if one.ts_venue // DAY_NS > newest:
            start, newest = i, one.ts_venue // DAY_NS
    return list(flows[start:])


def by_bar(flows: Sequence[Flow], bars: Sequence[tuple[int, int, int]]) -> list[tuple[int, ...]]:
    """Return (bought, sold, late bought, late sold) of time bars (open, end, known)."""
    rows = []
    waiting = [one for one in flows if one.forced]
    for start, end, known in bars:
        row = [0, 0, 0, 0]
        while waiting and waiting[0].ts_recv <= known and waiting[0].ts_venue < end:
            one = waiting.pop(0)
            late = one.ts_venue < start
            row[2 * late + (one.side < 0)] += one.lots
        rows.append(tuple(row))
    return rows
