"""What pulls the kill switch by itself (R8.7), each with the level it pulls it to.

    losses      a loss limit was reached
    rejects     more than a share of what we sent within the window was rejected
    data        the book was not to be believed for so long while something was held
    mismatch    the venue holds another position than we do, for so long
    latency     the 99th percentile of our latencies is above the bound
    heartbeat   the engine has not moved for so long (told by a watchdog)
    clock       a clock is further off than the bound
    exception   something failed that nobody expected

Those of rejects and data are read off reports and market alone, so a replay pulls them at the same
place. The others are told by whoever runs the engine. A rejected post-only order says that the
price moved and is not counted (R8.4). Nothing here pulls: a `Finding` says what should be pulled.
"""

from collections import deque
from typing import NamedTuple

import msgspec

from aggressor.execution.halt import HaltLevel
from aggressor.schema import report

_MS = 1_000_000
_SECOND_NS = 1_000 * _MS


class TriggerRule(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and levels; times in ns, shares in basis points."""

    losses_level: HaltLevel = HaltLevel.NO_ENTRIES
    reject_share_bp: int = 2_000
    reject_least: int = 10  # answers within the window, below which no share is judged
    reject_window_ns: int = 60 * _SECOND_NS
    reject_level: HaltLevel = HaltLevel.NO_ENTRIES
    data_ns: int = 5 * _SECOND_NS
    data_level: HaltLevel = HaltLevel.FLATTEN
    mismatch_lots: int = 1  # more than so many
    mismatch_ns: int = 2 * _SECOND_NS
    mismatch_level: HaltLevel = HaltLevel.CANCEL
    latency_ns: int = 2 * _SECOND_NS
    latency_least: int = 100  # samples below which no percentile is judged
    latency_level: HaltLevel = HaltLevel.NO_ENTRIES
    heartbeat_ns: int = 5 * _SECOND_NS
    heartbeat_level: HaltLevel = HaltLevel.FLATTEN
    clock_ns: int = 100 * _MS
    clock_level: HaltLevel = HaltLevel.NO_ENTRIES
    exception_level: HaltLevel = HaltLevel.CANCEL


class Finding(NamedTuple):
    """What should be pulled, and why."""

    level: HaltLevel
    reason: str


_LATENCIES_KEPT = 1_000


class Triggers:
    """The watched facts of one account."""

    def __init__(self, rule: TriggerRule | None = None) -> None:
        self.rule = rule or TriggerRule()
        self._answers: deque[tuple[int, bool]] = deque()
        self._rejected = 0
        self._lost_since: dict[int, int] = {}
        self._apart_since: dict[int, int] = {}
        self._latencies: deque[int] = deque(maxlen=_LATENCIES_KEPT)

    def losses(self, tripped: str | None) -> Finding | None:
        """Take why no new risk may be taken, if so."""
        return Finding(self.rule.losses_level, tripped) if tripped else None

    def answered(self, kind: int, reason: int, ts_ns: int) -> Finding | None:
        """Count one answer to an order; post-only orders that would have crossed are left out."""
        if kind not in (report.ACK, report.REJECTED) or reason == report.WOULD_CROSS:
            return None
        rule, rejected = self.rule, kind == report.REJECTED
        self._answers.append((ts_ns, rejected))
        self._rejected += rejected
        while self._answers[0][0] <= ts_ns - rule.reject_window_ns:
            self._rejected -= self._answers.popleft()[1]
        count = len(self._answers)
        if count < rule.reject_least or self._rejected * 10_000 <= rule.reject_share_bp * count:
            return None
        return Finding(rule.reject_level, f"{self._rejected} of {count} orders were rejected")

    def data(self, instrument: int, good: bool, held: int, ts_ns: int) -> Finding | None:
        """Take whether a book is to be believed, and the lots held there."""
        if good or not held:
            self._lost_since.pop(instrument, None)
            return None
        since = self._lost_since.setdefault(instrument, ts_ns)
        if ts_ns - since <= self.rule.data_ns:
            return None
        seconds = (ts_ns - since) / _SECOND_NS
        return Finding(self.rule.data_level, f"no market data for {seconds:.1f} s with a position")

    def position(self, instrument: int, ours: int, theirs: int, ts_ns: int) -> Finding | None:
        """Take a position as we and as the venue have it, lots."""
        if abs(ours - theirs) <= self.rule.mismatch_lots:
            self._apart_since.pop(instrument, None)
            return None
        since = self._apart_since.setdefault(instrument, ts_ns)
        if ts_ns - since <= self.rule.mismatch_ns:
            return None
        return Finding(
            self.rule.mismatch_level, f"we hold {ours} lots, the venue says {theirs}: reconcile"
        )

    def latency(self, latency_ns: int) -> Finding | None:
        """Take one latency, from an event to the commands that came of it."""
        self._latencies.append(latency_ns)
        count = len(self._latencies)
        if latency_ns <= self.rule.latency_ns or count < self.rule.latency_least:
            return None
        slow = sorted(self._latencies)[(99 * count - 1) // 100]
        if slow <= self.rule.latency_ns:
            return None
        return Finding(self.rule.latency_level, f"latency p99 is {slow / _SECOND_NS:.2f} s")

    def heartbeat(self, silent_ns: int) -> Finding | None:
        """Take how long the engine has not moved."""
        if silent_ns <= self.rule.heartbeat_ns:
            return None
        seconds = silent_ns / _SECOND_NS
        return Finding(self.rule.heartbeat_level, f"the engine stood still for {seconds:.1f} s")

    def clock(self, offset_ns: int) -> Finding | None:
        """Take how far a clock is off."""
        if abs(offset_ns) <= self.rule.clock_ns:
            return None
        return Finding(self.rule.clock_level, f"a clock is off by {offset_ns / _MS:+.1f} ms")

    def exception(self, words: str) -> Finding:
        """Take what failed unexpectedly."""
        return Finding(self.rule.exception_level, f"unexpected: {words}")
