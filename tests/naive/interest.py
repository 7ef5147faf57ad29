"""Regimes of open interest from plain lists: samples (venue time, traded, mid2), stamps."""

from itertools import pairwise
from typing import NamedTuple

SECOND_NS = 10**9


class Sample(NamedTuple):
    venue_ns: int
    traded: int
    mid2: int | None
    now: int


class Stamp(NamedTuple):
    venue_ns: int
    recv_ns: int
    lots: int


def name_of(price: float, price_step: float, share: float, share_step: float) -> str:
    up, down = price >= price_step, price <= -price_step
    more, less = share >= share_step, share <= -share_step
    if up and more:
        return "long build-up"
    if up and less:
        return "short covering"
    if down and more:
        return "short build-up"
    if down and less:
        return "long unwinding"
    return "neutral"


def kept(stamps: list[Stamp]) -> list[Stamp]:
    """Stamps at least 5 s after the last one that was kept."""
    found: list[Stamp] = []
    for stamp in stamps:
        if not found or stamp.venue_ns >= found[-1].venue_ns + 5 * SECOND_NS:
            found.append(stamp)
    return found


def mid_at(samples: list[Sample], venue_ns: int) -> int | None:
    before = [s for s in samples if s.venue_ns <= venue_ns]
    return before[-1].mid2 if before else None


def most_traded(samples: list[Sample], a: Stamp, b: Stamp) -> int | None:
    before = [s for s in samples if s.venue_ns <= a.venue_ns - SECOND_NS]
    after = [s for s in samples if s.venue_ns >= b.venue_ns + SECOND_NS]
    if not before or not after:
        return None
    return after[0].traded - before[-1].traded


def violations(samples: list[Sample], stamps: list[Stamp]) -> tuple[int, int]:
    """(checks, violations) of |dOI| <= volume between neighbouring stamps."""
    checks = wrong = 0
    for a, b in pairwise(stamps):
        bound = most_traded(samples, a, b)
        if bound is not None:
            checks += 1
            wrong += abs(b.lots - a.lots) > bound
    return checks, wrong


def regime(
    samples: list[Sample], stamps: list[Stamp], span_ns: int, share_step: float, atr: float
) -> str:
    """The regime that ends with the last stamp."""
    last = stamps[-1]
    far = [s for s in stamps if s.venue_ns <= last.venue_ns - span_ns]
    if not far or 2 * (last.venue_ns - span_ns - far[-1].venue_ns) > span_ns:
        return "unknown"
    first = far[-1]
    bound = most_traded(samples, first, last)
    if bound is not None and abs(last.lots - first.lots) > bound:
        return "unknown"
    start, end = mid_at(samples, first.venue_ns), mid_at(samples, last.venue_ns)
    if start is None or end is None or first.lots <= 0 or atr <= 0:
        return "unknown"
    share = (last.lots - first.lots) / first.lots
    return name_of((end - start) / 2, 0.25 * atr, share, share_step)
