"""Liquidation price, bankruptcy price and initial margin, exact, with tiers (R8.9).

Linear contracts, side D, size Q in base units, entry E, wallet W, maintenance rate m, deduction c:

    LP = (W + c - D Q E) / (Q (m - D))

Inverse contracts, N face value, W and c in coin:

    LP = N (m + D) / (W + c + D N / E)

Both are where equity equals maintenance margin; bankruptcy is the same with m = c = 0. The tier
that holds is that of the position's value *at* LP, so it is iterated until both agree; where none
agrees (a step of the tiers lies across the price) the one liquidated first is taken. The trigger is
the mark price. Fees and funding reduce W.

*Isolated*: W is the margin assigned to the position. *Cross*: W is the wallet balance plus the open
profit of the other positions less what these need as maintenance (`cross_wallet`): the price at
which this one, moving alone, takes the account to liquidation.

A long of so little leverage that no price above 0 liquidates it has none: None. Prices come back in
ticks as exact fractions; money is 1e-8 of the settlement currency; rates are fractions.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from aggressor.schema.instrument import ContractKind, Instrument

_MONEY = 10**8


class Rates(Protocol):
    """One tier as a venue states it (`venues.margin.MarginTier` has these names)."""

    @property
    def value_max(self) -> Decimal | None:
        """Largest value in the settlement currency; None: no bound."""
        ...

    @property
    def size_max(self) -> Decimal | None:
        """Largest size in the venue's unit; None: no bound."""
        ...

    @property
    def initial(self) -> Decimal:
        """Smallest initial margin, a share of value."""
        ...

    @property
    def maintenance(self) -> Decimal:
        """Maintenance margin, a share of value."""
        ...

    @property
    def deduction(self) -> Decimal:
        """Taken off the maintenance margin, settlement currency."""
        ...


def tier_of(instrument: Instrument, lots: int, price: Fraction, tiers: Sequence[Rates]) -> Rates:
    """Return the tier that holds for so many lots at a price in ticks: the last where all are
    passed."""
    assert tiers, "no tier is known"
    value = abs(instrument.notional(price, lots)) / _MONEY
    size = Fraction(abs(lots)) * Fraction(instrument.lot)
    for tier in tiers:
        worth = tier.value_max is None or value <= Fraction(tier.value_max)
        if worth and (tier.size_max is None or size <= Fraction(tier.size_max)):
            return tier
    return tiers[-1]


def price_at(
    instrument: Instrument,
    lots: int,
    entry: int | Fraction,
    wallet: int,
    maintenance: Fraction = Fraction(0),
    deduction: Fraction = Fraction(0),
) -> Fraction | None:
    """Return the price in ticks at which `wallet` (1e-8) is down to its maintenance margin.

    With the defaults: to nothing, the bankruptcy price. `lots` signed, + long.
    """
    assert lots != 0
    side = 1 if lots > 0 else -1
    tick = Fraction(instrument.tick)
    size = abs(lots) * Fraction(instrument.lot) * Fraction(instrument.multiplier)
    at = Fraction(entry) * tick
    room = Fraction(wallet, _MONEY) + deduction
    if instrument.kind is ContractKind.INVERSE:
        bottom = room + side * size / at
        if bottom == 0:
            return None
        price = size * (maintenance + side) / bottom
        return None if price <= 0 else price / tick
    price = (room - side * size * at) / (size * (maintenance - side))
    return price / tick if price > 0 else None


def liquidation_price(
    instrument: Instrument,
    lots: int,
    entry: int | Fraction,
    wallet: int,
    tiers: Sequence[Rates],
) -> Fraction | None:
    """Return the mark price in ticks at which the position is liquidated; None: none above 0."""
    side = 1 if lots > 0 else -1
    found: list[Fraction] = []
    for tier in tiers:
        rate, off = Fraction(tier.maintenance), Fraction(tier.deduction)
        price = price_at(instrument, lots, entry, wallet, rate, off)
        if price is None:
            continue
        found.append(price)
        if tier_of(instrument, lots, price, tiers) is tier:
            return price
    return max(found, key=lambda price: side * price) if found else None


def bankruptcy_price(
    instrument: Instrument, lots: int, entry: int | Fraction, wallet: int
) -> Fraction | None:
    """Return the price in ticks at which the wallet is gone; None: none above 0."""
    return price_at(instrument, lots, entry, wallet)


def entry_value_liquidation(
    instrument: Instrument, lots: int, entry: int | Fraction, wallet: int, maintenance: Fraction
) -> Fraction:
    """Return the liquidation price where maintenance is charged on the value at entry.

    Inverse contracts as Bybit publishes them: N / (PV +- (IM - MM)), PV = N / E, + for a long.
    """
    assert instrument.kind is ContractKind.INVERSE
    side = 1 if lots > 0 else -1
    face = abs(lots) * Fraction(instrument.lot) * Fraction(instrument.multiplier)
    value = face / (Fraction(entry) * Fraction(instrument.tick))
    room = Fraction(wallet, _MONEY) - maintenance * value
    return face / (value + side * room) / Fraction(instrument.tick)


def maintenance_margin(
    instrument: Instrument, lots: int, price: int | Fraction, tiers: Sequence[Rates]
) -> Fraction:
    """Return what a position needs not to be liquidated at a mark in ticks, 1e-8."""
    if lots == 0:
        return Fraction(0)
    tier = tier_of(instrument, lots, Fraction(price), tiers)
    value = abs(instrument.notional(price, lots))
    return max(Fraction(0), value * Fraction(tier.maintenance) - Fraction(tier.deduction) * _MONEY)


def initial_margin(
    instrument: Instrument, lots: int, price: int | Fraction, tiers: Sequence[Rates]
) -> Fraction:
    """Return the least margin with which a position can be opened at a price in ticks, 1e-8."""
    if lots == 0:
        return Fraction(0)
    tier = tier_of(instrument, lots, Fraction(price), tiers)
    return abs(instrument.notional(price, lots)) * Fraction(tier.initial)


def cross_wallet(balance: int, others_profit: int, others_maintenance: int) -> int:
    """Return W of one position under cross margin; all 1e-8 of the settlement currency."""
    return balance + others_profit - others_maintenance
