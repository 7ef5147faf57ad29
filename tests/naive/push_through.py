"""One aged ask wall, bought, filled up and withdrawn step by step until it is gone, by hand."""

from fractions import Fraction
from typing import NamedTuple

STEP_MS = 100
BURST_MS = 250
TOLERANCE_STEPS = 3  # 250 ms on the TIMERs' grid, and more than that


class Act(NamedTuple):
    """What happens to the wall in one step: `bought` is answered by a book row at once."""

    steps: int  # since the act before
    what: str  # "buy", "add" or "cancel"
    lots: int


class Usual(NamedTuple):
    """What a clear is held against, in lots."""

    order: int
    burst: int
    size: int


class Verdict(NamedTuple):
    steps: int  # after the first act
    phase: str
    failed: str
    traded: Fraction
    cancelled: Fraction
    burst: int
    order: int
    stroke: int


def verdict(start: int, acts: list[Act], usual: Usual) -> Verdict | None:
    """Return what is said of a wall that the last act takes to 0; None: it was simply pulled."""
    own, later = start, 0
    added = cancelled = traded = 0
    shown = peak = start
    buys: list[tuple[int, int]] = []
    now = 0
    for act in acts:
        now += act.steps * STEP_MS
        if act.what == "buy":
            traded += act.lots
            buys.append((now, act.lots))
            from_own = min(own, act.lots)
            own -= from_own
            later -= act.lots - from_own
            shown -= act.lots
        elif act.what == "add":
            added += act.lots
            later += act.lots
            shown += act.lots
        else:
            passed = min(later, act.lots)  # those who came last leave first
            later -= passed
            added -= passed
            own -= act.lots - passed
            cancelled += act.lots - passed
            shown -= act.lots
        if own == 0:
            own, later = later, 0
        peak = max(peak, shown)
    assert shown == 0
    stood = max(start + added, 1)
    shares = Fraction(traded, stood), Fraction(cancelled, stood)
    burst, order, stroke = strokes(buys)
    failed = missing(shares, added, traded, peak, (burst, order, stroke), usual)
    if failed is None:
        return None
    waits = 1 + (TOLERANCE_STEPS if failed else 0)
    phase = "rejected" if failed else "confirmed"
    return Verdict(now // STEP_MS + waits, phase, failed, *shares, burst, order, stroke)


def strokes(buys: list[tuple[int, int]]) -> tuple[int, int, int]:
    """Return lots of the last 250 ms, the largest order and all lots of the last stroke."""
    if not buys:
        return 0, 0, 0
    last = buys[-1][0]
    burst = sum(lots for at, lots in buys if at > last - BURST_MS)
    stroke: list[int] = []
    before = None
    for at, lots in buys:
        if before is not None and at - before >= BURST_MS:
            stroke = []
        stroke.append(lots)
        before = at
    return burst, max(stroke), sum(stroke)


def missing(
    shares: tuple[Fraction, Fraction],
    added: int,
    traded: int,
    peak: int,
    last: tuple[int, int, int],
    usual: Usual,
) -> str | None:
    refill = Fraction(added, traded) if traded > 0 else Fraction(0)
    burst, order, stroke = last
    if shares[0] <= Fraction(1, 5) and shares[1] >= Fraction(4, 5):
        return None
    if shares[0] < Fraction(7, 10):
        return "traded share"
    if shares[1] > Fraction(3, 10):
        return "cancelled share"
    if refill >= Fraction(1, 2):
        return "refill ratio"
    if traded < usual.size:
        return "eaten more than levels hold"
    if stroke < Fraction(1, 5) * peak or (order < usual.order and burst < usual.burst):
        return "clearing burst"
    return ""
