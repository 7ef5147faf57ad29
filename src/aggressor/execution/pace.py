"""How fast we speak and how often we repeat ourselves: checks 8 and 9 of R8.7.

Messages are counted in a sliding window as long as the venue's; new risk may use `share_bp` of its
limit, the rest is kept for cancels and for what reduces risk. Entries are counted by parent, so
re-pricing one entry is not a repetition, and a strategy that fires at one side again and again is.

For check 11 messages and fills are also counted by instrument over `ratio_window_ns`.
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
    ratio_max: int = 50  # messages a fill
    ratio_from: int = 200  # messages before the ratio is judged
    ratio_window_ns: int = 3_600_000_000_000


class _Entry(NamedTuple):
    ts_ns: int
    parent: int


class PaceMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What `Pace` must know to go on in another process: (strategy, instrument, side, entries)."""

    messages: tuple[int, ...]
    entries: tuple[tuple[int, int, int, tuple[_Entry, ...]], ...]


class Pace:
    """What was sent within the windows."""

    def __init__(self, rule: PaceRule | None = None) -> None:
        self.rule = rule or PaceRule()
        self._messages: deque[int] = deque()
        self._entries: dict[tuple[int, int, int], deque[_Entry]] = {}
        self._said: dict[int, deque[int]] = {}  # by instrument
        self._fills: dict[int, deque[int]] = {}

    def memory(self) -> PaceMemory:
        """Return what another process must know to go on."""
        return PaceMemory(
            messages=tuple(self._messages),
            entries=tuple((*key, tuple(found)) for key, found in self._entries.items() if found),
        )

    def recall(self, memory: PaceMemory) -> None:
        """Go on from what another process knew."""
        self._messages = deque(memory.messages)
        self._entries = {
            (strategy, instrument, side): deque(found)
            for strategy, instrument, side, found in memory.entries
        }

    def note(self, request: Request, ts_ns: int) -> None:
        """Count a message that was sent."""
        self._messages.append(ts_ns)
        self._said.setdefault(request.instrument, deque()).append(ts_ns)
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

    def filled(self, instrument: int, ts_ns: int) -> None:
        """Count a fill."""
        self._fills.setdefault(instrument, deque()).append(ts_ns)

    def ratio(self, instrument: int, ts_ns: int) -> tuple[int, int]:
        """Return (messages, fills) of an instrument within the window of the ratio."""
        since = ts_ns - self.rule.ratio_window_ns
        counts: list[int] = []
        for times in (self._said.get(instrument), self._fills.get(instrument)):
            while times and times[0] <= since:
                times.popleft()
            counts.append(len(times) if times else 0)
        return counts[0], counts[1]

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
