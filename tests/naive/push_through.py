"""One aged ask wall, bought, filled up and withdrawn step by step until it is gone, by hand."""

from fractions import Fraction
from typing import NamedTuple

STEP_MS = 100
BURST_MS = 250
TOLERANCE_MS = 250
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


class Wall:
    """The lots of a wall by who put them up when; what others put up and took away has passed."""

    def __init__(self, start: int) -> None:
        self.start = self.own = self.shown = self.peak = start
        self.later = self.added = self.cancelled = self.traded = self.passed = self.grown = 0
        self.ghosts: list[list[int]] = []  # ms, lots that a print may still explain

    def add(self, lots: int) -> None:
        self.added += lots
        self.later += lots
        self.shown += lots
        self.grown += max(self.shown - self.peak, 0)
        self.peak = max(self.peak, self.shown)

    def cancel(self, now: int, lots: int) -> None:
        self.ghosts.append([now, lots])
        passed = min(self.later, lots)  # those who came last leave first
        self.later -= passed
        self.added -= passed
        self.grown = min(self.grown, self.added)
        self.passed += passed
        self.own -= lots - passed
        self.cancelled += lots - passed
        self.shown -= lots

    def buy(self, now: int, lots: int) -> None:
        """A print goes to what left just before it (R1.11), the row after it shows the rest."""
        left = lots
        for ghost in self.ghosts:
            used = min(left, ghost[1]) if now - ghost[0] <= TOLERANCE_MS else 0
            ghost[1] -= used
            left -= used
            self.take_back(used)
        self.traded += lots
        from_own = min(self.own, lots)
        self.own -= from_own
        self.later -= lots - from_own
        self.shown -= left
        if lots > left:
            self.cancel(now, lots - left)

    def take_back(self, lots: int) -> None:
        """Lots that were not cancelled after all stand again before they are bought."""
        cancelled = min(lots, self.cancelled)
        self.cancelled -= cancelled
        self.own += cancelled
        self.passed -= lots - cancelled
        self.added += lots - cancelled
        self.later += lots - cancelled

    def settle(self) -> None:
        if self.own == 0:  # the older lots are gone: those that came later are the wall
            self.own, self.later = self.later, 0


def verdict(start: int, acts: list[Act], usual: Usual) -> Verdict | None:
    """Return what is said of a wall that the last act takes to 0; None: it was simply pulled."""
    wall = Wall(start)
    buys: list[tuple[int, int]] = []
    now = 0
    for act in acts:
        now += act.steps * STEP_MS
        if act.what == "buy":
            buys.append((now, act.lots))
            wall.buy(now, act.lots)
        elif act.what == "add":
            wall.add(act.lots)
        else:
            wall.cancel(now, act.lots)
        wall.settle()
    assert wall.shown == 0
    stood = max(start + wall.added, 1)
    shares = Fraction(wall.traded, stood), Fraction(wall.cancelled, stood)
    burst, order, stroke = strokes(buys)
    refilled = max(wall.added - wall.grown, 0)  # growth beyond the peak refills nothing
    failed = missing(shares, refilled, wall.traded, wall.peak, (burst, order, stroke), usual)
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
