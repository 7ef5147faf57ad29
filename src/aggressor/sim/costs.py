"""What trading costs: fees per fill and funding, exact, in 1e-8 of the settlement currency.

A rate is in basis points of the fill's value (`Instrument.notional`), negative for a rebate; a
per-contract fee is money per lot, either way. Amounts are computed as fractions and rounded *up*,
that is against us, to the next 1e-8: a fee never comes out smaller and a rebate never larger than
the exact amount. Source: R9.5.
"""

import math
from decimal import Decimal
from fractions import Fraction

import msgspec

from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument, money_ratio, money_round

_PER_BP = Fraction(1, 10_000)
_MONEY_PER_ONE = 100_000_000


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Fee rates of one instrument; `contract` is in settlement currency per lot."""

    maker_bp: Decimal = Decimal(2)
    taker_bp: Decimal = Decimal(5)
    contract: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse rates that are not finite numbers."""
        for name in ("maker_bp", "taker_bp", "contract"):
            if not getattr(self, name).is_finite():
                raise ConfigError(f"The cost {name} must be a finite number.")


class Charges:
    """The costs of one instrument, with what is the same for every fill worked out once."""

    def __init__(self, costs: Costs, instrument: Instrument) -> None:
        self._instrument = instrument
        self._maker = Fraction(costs.maker_bp) * _PER_BP
        self._taker = Fraction(costs.taker_bp) * _PER_BP
        self._lot = Fraction(costs.contract) * _MONEY_PER_ONE

    def fill(self, price: int, lots: int, *, maker: bool) -> int:
        """Return the fee of a fill in 1e-8 of settlement, rounded up; negative: we are paid."""
        fee = self._instrument.notional(price, lots) * (self._maker if maker else self._taker)
        if self._lot:
            fee += self._lot * lots
        return money_ratio(-(-fee.numerator // fee.denominator), 1)


def fill_fee(costs: Costs, instrument: Instrument, price: int, lots: int, *, maker: bool) -> int:
    """Return the fee of one fill, as `Charges.fill`."""
    return Charges(costs, instrument).fill(price, lots, maker=maker)


def funding_fee(instrument: Instrument, mark: int, rate: int, position: int) -> int:
    """Return what a position pays at a funding stamp, in 1e-8 of settlement, rounded up.

    `mark` price and funding `rate` are in 1e-8, `position` in lots, + long: longs pay a positive
    rate.
    """
    ticks = Fraction(mark, _MONEY_PER_ONE) / Fraction(instrument.tick)
    due = instrument.notional(ticks, position) * Fraction(rate, _MONEY_PER_ONE)
    return money_round(Fraction(math.ceil(due)))
