"""How fast we speak and how often we repeat ourselves: checks 8 and 9 of R8.7.

Messages are counted in a sliding window as long as the venue's; new risk may use `share_bp` of its
limit, the rest is kept for cancels and for what reduces risk. Entries are counted by parent, so
re-pricing one entry is not a repetition, and a strategy that fires at one side again and again is.
"""

from collections import deque
from typing import NamedTuple

import msgspec

from aggressor.execution.intent import Request


class PaceRule(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on messages and repeats."""

    messages_max: int = 300
    window_ns: int = 10_000_000_000
    share_bp: int = 8_000  # of messages_max, for new risk
    entries_max: int = 5  # per strategy, instrument and side
    entries_window_ns: int = 60_000_000_000


class _Entry(NamedTuple):
    ts_ns: int
    parent: int


class Pace:
    """What was sent within the windows."""

    def __init__(self, rule: PaceRule | None = None) -> None:
        self.rule = rule or PaceRule()
        self._messages: deque[int] = deque()
        self._entries: dict[tuple[int, int, int], deque[_Entry]] = {}

    def note(self, request: Request, ts_ns: int) -> None:
        """Count a message that was sent."""
        self._messages.append(ts_ns)
        if request.new_risk:
            entries = self._recent(request, ts_ns)
            if all(e.parent != request.parent for e in entries):
                entries.append(_Entry(ts_ns, request.parent))

    def room(self, ts_ns: int, *, reserve: bool) -> int:
        """Return how many messages may still be sent now, keeping the reserve if asked."""
        while self._messages and self._messages[0] <= ts_ns - self.rule.window_ns:
            self._messages.popleft()
        allowed = self.rule.messages_max
        if reserve:
            allowed = allowed * self.rule.share_bp // 10_000
        return allowed - len(self._messages)

    def repeats(self, request: Request, ts_ns: int) -> bool:
        """Return whether `request` would be one new entry too many."""
        entries = self._recent(request, ts_ns)
        if any(e.parent == request.parent for e in entries):
            return False
        return len(entries) >= self.rule.entries_max

    def _recent(self, request: Request, ts_ns: int) -> deque[_Entry]:
        key = (request.strategy, request.instrument, request.side)
        entries = self._entries.setdefault(key, deque())
        while entries and entries[0].ts_ns <= ts_ns - self.rule.entries_window_ns:
            entries.popleft()
        return entries
