"""Flow by size bucket, recounted from the whole list of closed taker orders at every question."""

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86_400 * 10**9
SECOND = 10**9


@dataclass(frozen=True)
class Closed:
    known: int  # ts_recv of the event that closed it
    ts_venue: int
    value: int  # lots or notional steps: what the edges cut
    lots: int
    side: int


Flow = tuple[int, int, int]  # delta, volume, orders


def bucket(value: int, edges: Sequence[int]) -> int:
    return sum(value >= edge for edge in edges)


def flows(orders: Sequence[Closed], edges: Sequence[int]) -> list[Flow]:
    """Return (delta, volume, count) of every bucket."""
    out = []
    for which in range(len(edges) + 1):
        inside = [one for one in orders if bucket(one.value, edges) == which]
        delta = sum(one.side * one.lots for one in inside)
        out.append((delta, sum(one.lots for one in inside), len(inside)))
    return out


def window(orders: Sequence[Closed], now: int, span: int) -> list[Closed]:
    """Return the orders of the span that ends with the whole second under way at `now`."""
    end = -(-now // SECOND) * SECOND
    return [one for one in orders if end - span < one.known <= now]


def session(orders: Sequence[Closed]) -> list[Closed]:
    """Return the orders since the last order that began a later day than all before it."""
    day, kept = -1, []
    for one in orders:
        if one.ts_venue // DAY > day:
            day, kept = one.ts_venue // DAY, []
        kept.append(one)
    return kept
