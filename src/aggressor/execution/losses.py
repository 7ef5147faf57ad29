"""What was lost, and when that is enough: check 13 of R8.7 with the numbers of R7.0.

A day is a UTC day of `ts_recv`. Whatever trips stays tripped until the next day begins; open trades
go on to their exits. Equity is marked, so a loss that is still open counts towards the day and the
drawdown.
"""

from collections import deque

import msgspec

_DAY_NS = 86_400_000_000_000


class LossRule(msgspec.Struct, frozen=True, kw_only=True):
    """Shares in basis points of equity."""

    day_bp: int = 100  # of equity at the day's start
    drawdown_bp: int = 500  # of the highest equity seen
    consecutive_max: int = 5
    stops_max: int = 3
    stops_window_ns: int = 600_000_000_000


class LossesMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What `Losses` must know to go on in another process; money 1e-8, times ns."""

    consecutive: int
    day: int
    day_start: int
    peak: int
    stops: tuple[int, ...]
    tripped: str


class Losses:
    """The record of one account in one settlement currency."""

    def __init__(self, rule: LossRule | None = None) -> None:
        self.rule = rule or LossRule()
        self.consecutive = 0
        self._day = -1
        self._day_start = 0
        self._peak = 0
        self._stops: deque[int] = deque()
        self._tripped = ""

    def memory(self) -> LossesMemory:
        """Return what another process must know to go on."""
        return LossesMemory(
            consecutive=self.consecutive,
            day=self._day,
            day_start=self._day_start,
            peak=self._peak,
            stops=tuple(self._stops),
            tripped=self._tripped,
        )

    def recall(self, memory: LossesMemory) -> None:
        """Go on from what another process knew."""
        self.consecutive = memory.consecutive
        self._day, self._day_start = memory.day, memory.day_start
        self._peak = memory.peak
        self._stops = deque(memory.stops)
        self._tripped = memory.tripped

    def equity(self, equity: int, ts_ns: int) -> None:
        """Note marked equity in 1e-8."""
        self._turn_day(ts_ns, equity)
        self._peak = max(self._peak, equity)
        if (self._day_start - equity) * 10_000 >= self.rule.day_bp * self._day_start > 0:
            self._trip(f"the day has lost {self.rule.day_bp} bp of equity")
        if (self._peak - equity) * 10_000 >= self.rule.drawdown_bp * self._peak > 0:
            self._trip(f"equity is {self.rule.drawdown_bp} bp below its highest")

    def closed(self, net: int, stopped: bool, ts_ns: int) -> None:
        """Note a finished trade: its profit after costs in 1e-8, and whether its stop was hit."""
        self.consecutive = self.consecutive + 1 if net < 0 else 0
        if self.consecutive >= self.rule.consecutive_max:
            self._trip(f"{self.consecutive} losses in a row")
        if stopped:
            self._stops.append(ts_ns)
            while self._stops[0] <= ts_ns - self.rule.stops_window_ns:
                self._stops.popleft()
            if len(self._stops) >= self.rule.stops_max:
                self._trip(f"{len(self._stops)} stops within the window")

    def tripped(self, ts_ns: int) -> str | None:
        """Return why no new risk may be taken, or None."""
        if ts_ns // _DAY_NS > self._day:
            return None
        return self._tripped or None

    def _turn_day(self, ts_ns: int, equity: int) -> None:
        day = ts_ns // _DAY_NS
        if day <= self._day:
            return
        self._day, self._day_start, self._tripped = day, equity, ""
        self.consecutive = 0
        self._stops.clear()
        self._peak = max(self._peak, equity)

    def _trip(self, reason: str) -> None:
        if not self._tripped:
            self._tripped = reason
