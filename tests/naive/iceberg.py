"""Refills of one level by hand: it is never empty, and every trade is shown by the next row."""

from typing import NamedTuple

TAU_MS = 300
TIMER_MS = 100
QUIET_MS = 5000


class Row(NamedTuple):
    ms: int
    phase: str
    failed: str
    traded: int
    refills: int
    cancelled: int


class Level:
    def __init__(self, ms: int, lots: int) -> None:
        self.opened, self.start, self.shown = ms, lots, lots
        self.most = self.peak = lots
        self.traded = self.added = self.cancelled = self.unseen = 0
        self.cycle_traded = self.cycle_cancelled = 0
        self.peaks: list[int] = []
        self.fallen: int | None = None
        self.fallen_first = 0
        self.low_added = self.low_cancelled = 0  # while it was low, and no refill
        self.counted = True  # the refill that `peak` follows
        self.stage = ""

    def missing(self) -> str:
        if len(self.peaks) < 3:
            return "refills"
        if self.traded < 3 * self.most:
            return "traded over displayed"
        too_much = self.cancelled > 0.2 * (self.start + self.added)
        return "cancelled share" if too_much else ""

    def show(self, ms: int, lots: int) -> None:
        net = lots - self.shown + self.unseen
        eaten, self.unseen = self.unseen > 0, 0
        self.added += max(net, 0)
        self.cancelled += max(-net, 0)
        self.cycle_cancelled += max(-net, 0)
        before, self.shown = self.shown, lots
        self.most = max(self.most, lots)
        if self.fallen is None:
            self.peak = max(self.peak, lots)
            if self.peaks and self.counted:
                self.peaks[-1] = max(self.peaks[-1], lots)
            if 2 * lots <= self.peak:
                self.fallen, self.low_added, self.low_cancelled = ms, 0, 0
                self.fallen_first = ms
            return
        self.low_cancelled += max(-net, 0)
        known = sorted(self.peaks[-8:])
        usual = known[(len(known) - 1) // 2] if known else self.peak
        if lots < 0.8 * usual:
            if not known and lots > 0.5 * usual:
                self.fallen = None
                self.begin_anew(lots)
                return
            if not self.stage and ms - self.fallen_first > TAU_MS and lots > before:
                self.fallen, self.peaks = None, []
                self.begin_anew(lots)
                return
            self.low_added += max(net, 0)
            if eaten:
                self.fallen = ms
            return
        self.cycle_cancelled -= min(self.low_cancelled, self.low_added)
        in_time = ms - self.fallen <= TAU_MS
        self.fallen, self.peak = None, lots
        left = self.cycle_traded + self.cycle_cancelled
        by_trades = self.cycle_traded > 0 and self.cycle_traded >= 0.8 * left
        self.counted = in_time and by_trades
        if self.counted:
            self.peaks.append(lots)
        if not in_time:
            self.begin_anew(lots)
        elif by_trades:
            self.cycle_traded = self.cycle_cancelled = 0

    def begin_anew(self, lots: int) -> None:
        self.peak, self.cycle_traded, self.cycle_cancelled = lots, 0, 0
        if not self.peaks:  # nothing has been refilled yet: the episode begins here
            self.start = self.most = lots
            self.traded = self.added = self.cancelled = 0


def icebergs(steps: list[tuple[int, str, int]], start_lots: int, end_ms: int) -> list[Row]:
    """`steps`: (ms, "trade" or "show", lots) of the level; TIMERs are in front of steps."""
    found: list[Row] = []
    shown, level, quiet = start_lots, None, -1
    timeline = [(ms, 1, what, lots) for ms, what, lots in steps]
    timeline += [(ms, 0, "timer", 0) for ms in range(TIMER_MS, end_ms + 1, TIMER_MS)]
    for ms, _, what, lots in sorted(timeline, key=lambda step: step[:2]):
        if what == "trade" and level is None and ms >= quiet and shown > 0:
            level = Level(ms, shown)
        if what == "show":
            shown = lots
        if level is None:
            continue
        if what == "trade":
            level.traded += lots
            level.cycle_traded += lots
            level.unseen += lots
        elif what == "show":
            level.show(ms, lots)
        elif level.fallen is not None and ms - level.fallen > 5 * TAU_MS:
            if level.stage:
                failed = "refill in time"
                if level.stage == "armed":
                    failed = level.missing() or "refills"
                found.append(row(ms, "expired", failed, level))
            if level.stage == "confirmed":
                quiet = ms + QUIET_MS
            level = None
            continue
        if level.stage != "confirmed" and len(level.peaks) >= 2:
            level.stage = "armed"
            if not level.missing():
                level.stage = "confirmed"
                found.append(row(ms, "confirmed", "", level))
    return found


def row(ms: int, phase: str, failed: str, level: Level) -> Row:
    return Row(ms, phase, failed, level.traded, len(level.peaks), level.cancelled)
