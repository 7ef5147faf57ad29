"""One position: net lots, exact average entry, and how far price went with it and against it.

The average is a `Fraction` of ticks: the volume-weighted mean for linear contracts, the harmonic
one for inverse, where value is lots / price (R1.8). Reducing never changes it; crossing through
zero starts a new one at the price of the fill. Numerators and denominators are kept below
`_EXACT_MAX`; a position that is added to and reduced thousands of times without ever being flat is
then rounded in the thirtieth digit, which no integer of money can see.

Excursions (R7.4) are whole ticks away from the average entry: MAE is what went worst, MFE what went
best.
"""

from dataclasses import dataclass
from fractions import Fraction

import msgspec

_EXACT_MAX = 10**30


class PositionMemory(msgspec.Struct, frozen=True, kw_only=True):
    """A position as another process held it; the exact average as text: digits beyond 64 bits."""

    lots: int
    average: tuple[str, str] | None  # numerator, denominator
    opened_ns: int
    highest: int
    lowest: int


@dataclass(slots=True)
class Position:
    """Net lots (+ long) of one instrument; `average` is None when flat."""

    inverse: bool = False
    lots: int = 0
    average: Fraction | None = None
    opened_ns: int = 0
    highest: int = 0  # ticks, extremes seen since it was opened
    lowest: int = 0

    def fill(self, side: int, price: int, lots: int, ts_ns: int) -> tuple[int, Fraction | None]:
        """Add a fill of `lots` (> 0); return (signed lots closed, average they closed against).

        The closed lots carry the sign of the position that shrank; (0, None) when nothing was
        closed.
        """
        assert side in (1, -1)
        assert lots > 0
        closed, entry = 0, None
        opened = lots
        if self.lots * side < 0:
            size = min(lots, abs(self.lots))
            closed, entry = -side * size, self.average
            self.lots += side * size
            opened = lots - size
            if self.lots == 0:
                self.average = None
        if opened:
            self._open(side, price, opened, ts_ns)
        return closed, entry

    def _open(self, side: int, price: int, lots: int, ts_ns: int) -> None:
        held = abs(self.lots)
        if self.average is None:
            self.average = Fraction(price)
            self.opened_ns = ts_ns
            self.highest = self.lowest = price
        elif self.inverse:
            value = Fraction(held) / self.average + Fraction(lots, price)
            self.average = Fraction(held + lots) / value
        else:
            self.average = (self.average * held + price * lots) / (held + lots)
        if self.average.denominator > _EXACT_MAX:
            self.average = self.average.limit_denominator(_EXACT_MAX)
        self.lots += side * lots
        self.see(price, price)

    def memory(self) -> PositionMemory:
        """Return what another process must know to go on."""
        average = self.average
        return PositionMemory(
            lots=self.lots,
            average=None if average is None else (str(average.numerator), str(average.denominator)),
            opened_ns=self.opened_ns,
            highest=self.highest,
            lowest=self.lowest,
        )

    def recall(self, memory: PositionMemory) -> None:
        """Hold what another process held."""
        self.lots = memory.lots
        self.average = None if memory.average is None else Fraction(*map(int, memory.average))
        self.opened_ns = memory.opened_ns
        self.highest, self.lowest = memory.highest, memory.lowest

    def correct(self, lots: int, price: int | Fraction, ts_ns: int) -> None:
        """Hold what the venue says; where the side changes the average begins anew at `price`."""
        if lots == 0:
            self.average = None
        elif lots * self.lots <= 0:
            self.average = Fraction(price)
            self.opened_ns = ts_ns
            self.highest = self.lowest = round(self.average)
        self.lots = lots

    def see(self, low: int, high: int) -> None:
        """Note the range of prices since the last call; ignored when flat."""
        if self.lots:
            self.lowest = min(self.lowest, low)
            self.highest = max(self.highest, high)

    @property
    def mae_ticks(self) -> Fraction:
        """Largest excursion against the position, ticks, never negative; 0 when flat."""
        if self.average is None:
            return Fraction(0)
        worst = self.average - self.lowest if self.lots > 0 else self.highest - self.average
        return max(worst, Fraction(0))

    @property
    def mfe_ticks(self) -> Fraction:
        """Largest excursion in favour of the position, ticks, never negative; 0 when flat."""
        if self.average is None:
            return Fraction(0)
        best = self.highest - self.average if self.lots > 0 else self.average - self.lowest
        return max(best, Fraction(0))
