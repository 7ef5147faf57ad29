"""What was lost, and when that is enough: check 13 of R8.7 with the numbers of R7.0.

A day is a UTC day of `ts_recv`. Whatever trips stays tripped until the next day begins; open trades
go on to their exits. Equity is marked, so a loss that is still open counts towards the day and the
drawdown. Money of several currencies is held apart: each has its own start of the day and its own
highest; losses in a row and stops are of the whole account.
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
    day_start: dict[str, int] | int  # by currency; one number: of an account of one currency
    peak: dict[str, int] | int
    stops: tuple[int, ...]
    tripped: str


class Losses:
    """The record of one account."""

    def __init__(self, rule: LossRule | None = None) -> None:
        self.rule = rule or LossRule()
        self.consecutive = 0
        self._day = -1
        self._day_start: dict[str, int] = {}  # of the first currency that comes, where it is ""
        self._peak: dict[str, int] = {}
        self._stops: deque[int] = deque()
        self._tripped = ""

    def memory(self) -> LossesMemory:
        """Return what another process must know to go on."""
        return LossesMemory(
            consecutive=self.consecutive,
            day=self._day,
            day_start=dict(self._day_start),
            peak=dict(self._peak),
            stops=tuple(self._stops),
            tripped=self._tripped,
        )

    def recall(self, memory: LossesMemory) -> None:
        """Go on from what another process knew."""
        self.consecutive = memory.consecutive
        self._day = memory.day
        self._day_start = _by_currency(memory.day_start)
        self._peak = _by_currency(memory.peak)
        self._stops = deque(memory.stops)
        self._tripped = memory.tripped

    def equity(self, equity: int, ts_ns: int, currency: str = "") -> None:
        """Note marked equity of a currency in 1e-8."""
        self._turn_day(ts_ns)
        start = _first(self._day_start, currency, equity)
        peak = self._peak[currency] = max(_first(self._peak, currency, equity), equity)
        if (start - equity) * 10_000 >= self.rule.day_bp * start > 0:
            self._trip(f"the day has lost {self.rule.day_bp} bp of equity")
        if (peak - equity) * 10_000 >= self.rule.drawdown_bp * peak > 0:
            self._trip(f"equity is {self.rule.drawdown_bp} bp below its highest")

    def day_start(self, currency: str) -> int:
        """Return the equity of a currency at the day's start, 1e-8; 0 before it was noted."""
        return self._day_start.get(currency, self._day_start.get("", 0))

    def peak(self, currency: str) -> int:
        """Return the highest equity of a currency, 1e-8; 0 before it was noted."""
        return self._peak.get(currency, self._peak.get("", 0))

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

    def _turn_day(self, ts_ns: int) -> None:
        day = ts_ns // _DAY_NS
        if day <= self._day:
            return
        self._day, self._tripped = day, ""
        self._day_start.clear()
        self.consecutive = 0
        self._stops.clear()

    def _trip(self, reason: str) -> None:
        if not self._tripped:
            self._tripped = reason


def _first(known: dict[str, int], currency: str, equity: int) -> int:
    """Return what is known of a currency; what was known of none in particular is its."""
    if currency not in known:
        known[currency] = known.pop("", equity)
    return known[currency]


def _by_currency(known: dict[str, int] | int) -> dict[str, int]:
    return {"": known} if isinstance(known, int) else dict(known)
