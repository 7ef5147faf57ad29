"""Instrument: what is traded, on which grid, worth how much; valid from a time.

A changed tick, lot or multiplier is a new Instrument with a later `valid_from_ns`, so history
keeps the grid it was recorded on. Values that the venue did not state but that were read off a
recording carry `inferred=True`; nobody should send an order on an inferred grid.
"""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

import msgspec

from aggressor.schema.errors import ConfigError, UnitError
from aggressor.schema.units import Grid, decimal_text, grid_of, steps_of

MONEY_UNIT = Decimal("1e-8")
_MONEY_PER_ONE = 100_000_000


class ContractKind(StrEnum):
    """How price and size make money."""

    LINEAR = "linear"  # settles in the quote currency: value = price x size x multiplier
    INVERSE = "inverse"  # settles in the base currency: value = size x multiplier / price
    SPOT = "spot"  # as linear; nothing to fund or liquidate


class Instrument(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One tradable thing on one venue."""

    venue: str
    symbol: str
    kind: ContractKind
    tick: Decimal
    lot: Decimal
    multiplier: Decimal = Decimal(1)
    base: str = ""
    quote: str = ""
    settle: str = ""
    valid_from_ns: int = 0
    inferred: bool = False

    def __post_init__(self) -> None:
        """Refuse a grid that cannot be one."""
        for name in ("tick", "lot", "multiplier"):
            value = getattr(self, name)
            if not value.is_finite() or value <= 0:
                raise ConfigError(f"{self.id}: {name} must be above zero, not {value}.")

    @property
    def id(self) -> str:
        """The name used everywhere: `venue:SYMBOL`."""
        return f"{self.venue}:{self.symbol}"

    @cached_property
    def _lot_value(self) -> Fraction:
        """1e-8 of one lot of one unit of quote (linear) or at price 1 (inverse), exactly."""
        return Fraction(self.lot) * Fraction(self.multiplier) * _MONEY_PER_ONE

    @cached_property
    def _tick(self) -> Fraction:
        return Fraction(self.tick)

    @cached_property
    def _tick_value(self) -> Fraction:
        """1e-8 that one lot of a linear contract earns in one tick, exactly."""
        return self._lot_value * self._tick

    @cached_property
    def _tick_value_parts(self) -> tuple[int, int]:
        return self._tick_value.as_integer_ratio()

    @property
    def price_grid(self) -> Grid:
        """The grid of prices: its step is one tick."""
        return grid_of(self.tick)

    @property
    def size_grid(self) -> Grid:
        """The grid of sizes: its step is one lot."""
        return grid_of(self.lot)

    def ticks(self, price: str | Decimal) -> int:
        """Return a price as ticks; raise UnitError if it is off the grid."""
        return steps_of(price, self.tick)

    def lots(self, size: str | Decimal) -> int:
        """Return a size as lots; raise UnitError if it is off the grid."""
        return steps_of(size, self.lot)

    def price_text(self, ticks: int) -> str:
        """Return ticks as an exact decimal string in quote currency."""
        return decimal_text(ticks, self.tick)

    def size_text(self, lots: int) -> str:
        """Return lots as an exact decimal string in the venue's size unit."""
        return decimal_text(lots, self.lot)

    def notional(self, ticks: int | Fraction, lots: int) -> Fraction:
        """Return the value of `lots` at a price, exactly, in 1e-8 of the settlement currency."""
        if self.kind is ContractKind.INVERSE:
            if ticks == 0:
                raise UnitError(f"{self.id}: an inverse contract has no value at price 0.")
            return lots * self._lot_value / (ticks * self._tick)
        return lots * ticks * self._tick_value

    def profit(
        self, lots: int, entry_ticks: int | Fraction, exit_ticks: int | Fraction
    ) -> Fraction:
        """Return what `lots` (+ long) earn from entry to exit, exactly, in 1e-8 of settlement."""
        if self.kind is ContractKind.INVERSE:
            return self.notional(entry_ticks, lots) - self.notional(exit_ticks, lots)
        return lots * (exit_ticks - entry_ticks) * self._tick_value

    def whole_notional(self, ticks: int, lots: int) -> int:
        """Return the unsigned value of `lots` at a price in whole 1e-8, the rest cut off."""
        if self.kind is ContractKind.INVERSE:
            return int(abs(self.notional(ticks, lots)))
        top, bottom = self._tick_value_parts
        return abs(ticks * lots) * top // bottom

    def money_profit(
        self, lots: int, entry_ticks: int | Fraction, exit_ticks: int | Fraction, parts: int = 1
    ) -> int:
        """Return `profit` to `exit_ticks` / `parts`, rounded to money as `money_round` does.

        With `parts` 2 the exit is twice a mid: no fraction needs to be made of it.
        """
        if self.kind is ContractKind.INVERSE:
            return money_round(self.profit(lots, entry_ticks, Fraction(exit_ticks) / parts))
        top, bottom = self._tick_value_parts
        n, d = entry_ticks.numerator, entry_ticks.denominator
        m, c = exit_ticks.numerator, exit_ticks.denominator * parts
        return money_ratio(lots * (m * d - n * c) * top, c * d * bottom)


def money_round(amount: Fraction) -> int:
    """Round an exact amount in 1e-8 to an integer, half to even; raise UnitError beyond int64."""
    return money_ratio(amount.numerator, amount.denominator)


def money_ratio(top: int, bottom: int) -> int:
    """Round `top` / `bottom` (> 0) in 1e-8 as `money_round` does: a fraction need not be made."""
    rounded, rest = divmod(top, bottom)
    if 2 * rest > bottom or (2 * rest == bottom and rounded & 1):
        rounded += 1
    if not -(2**63) <= rounded < 2**63:
        raise UnitError(f"The amount {rounded} in 1e-8 does not fit 64 bits.")
    return rounded


def money_text(amount: int) -> str:
    """Return an amount in 1e-8 as an exact decimal string."""
    return decimal_text(amount, MONEY_UNIT)
