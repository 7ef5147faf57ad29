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
    value: int = 0  # of the lots, 1e-8 of settlement
    bought_value: int = 0

    def join(self, later: "Candle") -> None:
        """Take in the candle that follows; what was flat before it says nothing of its prices."""
        if later.prints:
            same = self if self.prints else later
            self.open = same.open
            self.high = max(same.high, later.high)
            self.low = min(same.low, later.low)
        self.close = later.close
        self.lots += later.lots
        self.paid += later.paid
        self.bought += later.bought
        self.bought_paid += later.bought_paid
        self.prints += later.prints
        self.value += later.value
        self.bought_value += later.bought_value


class Minutes:
    """The minutes of one instrument, the oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Candle] = deque(maxlen=_KEPT)

    def add(self, ts: int, price: int, lots: int, side: int, value: int = 0) -> None:
        """Take a print at `ts` of the venue's clock, in ns; one that is late counts as now.

        `value` is what the lots are worth, in 1e-8 of settlement.
        """
        start_s = ts // _MINUTE_NS * 60
        if not self._kept:
            self._kept.append(Candle(start_s, price, price, price, price))
        last = self._kept[-1]
        first_s = max(last.start_s + 60, start_s - _KEPT * 60)
        for flat_s in range(first_s, start_s, 60):
            self._kept.append(Candle(flat_s, *(last.close,) * 4))
        if start_s > last.start_s:
            self._kept.append(Candle(start_s, price, price, price, price))
        taken, worth = (lots, value) if side > 0 else (0, 0)
        sums = (lots, price * lots, taken, price * taken, 1, value, worth)
        print_alone = Candle(start_s, price, price, price, price, *sums)
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

    def day(self, now: int, span_s: int = _DAY_S) -> Candle | None:
        """Return what the last 24 hours, or `span_s`, before `now` (ns) hold; None for nothing."""
        found: Candle | None = None
        for one in self._kept:
            if one.start_s + 60 <= now // 10**9 - span_s:
                continue
            if found is None:
                found = msgspec.structs.replace(one)
            else:
                found.join(one)
        return found
