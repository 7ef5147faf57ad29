"""What an instrument traded, minute by minute, on the venue's clock: candles and a day's figures.

A minute without a print is told flat, at the close before it, as venues tell it. Nothing is known
of the time before the first print; two days are kept.
"""

from collections import deque

import msgspec

_MINUTE_NS = 60_000_000_000
_KEPT = 2880
_DAY_S = 86_400


class Candle(msgspec.Struct):
    """What traded from `start_s` on (s since the epoch); prices in ticks."""

    start_s: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    paid: int = 0  # sum of ticks x lots
    bought: int = 0  # lots that buyers took
    bought_paid: int = 0
    prints: int = 0

    def join(self, later: "Candle") -> None:
        """Take in the candle that follows."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.lots += later.lots
        self.paid += later.paid
        self.bought += later.bought
        self.bought_paid += later.bought_paid
        self.prints += later.prints


class Minutes:
    """The minutes of one instrument, the oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Candle] = deque(maxlen=_KEPT)

    def add(self, ts: int, price: int, lots: int, side: int) -> None:
        """Take a print at `ts` of the venue's clock, in ns; one that is late counts as now."""
        start_s = ts // _MINUTE_NS * 60
        if not self._kept:
            self._kept.append(Candle(start_s, price, price, price, price))
        last = self._kept[-1]
        first_s = max(last.start_s + 60, start_s - _KEPT * 60)
        for flat_s in range(first_s, start_s, 60):
            self._kept.append(Candle(flat_s, *(last.close,) * 4))
        if start_s > last.start_s:
            self._kept.append(Candle(start_s, price, price, price, price))
        taken = lots if side > 0 else 0
        print_alone = Candle(
            start_s, price, price, price, price, lots, price * lots, taken, price * taken, 1
        )
        self._kept[-1].join(print_alone)

    def spans(self, span_s: int, most: int) -> list[Candle]:
        """Return the newest `most` candles of `span_s` seconds (whole minutes), oldest first."""
        found: list[Candle] = []
        for one in self._kept:
            start_s = one.start_s // span_s * span_s
            if found and found[-1].start_s == start_s:
                found[-1].join(one)
            else:
                found.append(msgspec.structs.replace(one, start_s=start_s))
        return found[-most:]

    def day(self, now: int) -> Candle | None:
        """Return what the last 24 hours before `now` (ns) hold, None before the first print."""
        found: Candle | None = None
        for one in self._kept:
            if one.start_s + 60 <= now // 10**9 - _DAY_S:
                continue
            if found is None:
                found = msgspec.structs.replace(one)
            else:
                found.join(one)
        return found
