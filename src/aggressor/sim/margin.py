"""The account as the simulated venue sees it: its money, its margin, and when that is gone.

Everything stands at the venue's own time: a fill counts from its match, not from when we hear of
it. After each report, and at each MARK row while something is held,

    equity       cash + open profit of every position at its mark
    needed       sum of maintenance margins at the marks, by tier

and where equity <= needed the account is liquidated (R8.9: equity = maintenance). Margin is shared
by all instruments that settle in one currency (cross); with one instrument that is the isolated
case with the whole wallet assigned. The position that needs most margin is closed first, against
the book but no worse than its bankruptcy price, where the whole wallet is gone; what the book does
not take there the venue takes over. The price is rounded to the tick that leaves the smaller rest,
so cash never falls below zero; the venue's charge is a share of the value closed, at most what is
left. Source: R8.9, R9.5.

An instrument whose mark price was never told, or whose tiers nobody states, is not judged, nor what
shares its money: what is not known liquidates nobody.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.account.books import Books
from aggressor.execution.margin import (
    Rates,
    bankruptcy_price,
    cross_wallet,
    maintenance_margin,
)
from aggressor.schema import report
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import PRICE_MAX
from aggressor.schema.instrument import ContractKind, Instrument

_BP = Decimal(10_000)
_MONEY = 10**8


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """One tier of margin (`execution.margin.Rates`): rates are shares of value."""

    maintenance: Decimal
    initial: Decimal = Decimal(0)
    deduction: Decimal = Decimal(0)
    value_max: Decimal | None = None
    size_max: Decimal | None = None


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """What the account begins with and what the venue asks: money 1e-8 by settlement currency."""

    deposits: Mapping[str, int]
    tiers: Sequence[Rates] = ()  # of every instrument that has none of its own
    own_tiers: Mapping[int, Sequence[Rates]] = {}  # by number of the instrument
    charge_bp: Decimal = Decimal(0)  # of the value liquidated

    def __post_init__(self) -> None:
        """Refuse what would never or always liquidate."""
        stated = [self.tiers, *self.own_tiers.values()]
        if not any(stated) or not all(0 < one.maintenance < 1 for rows in stated for one in rows):
            raise ConfigError("A maintenance margin must be above 0 and below the whole value.")
        if not 0 <= self.charge_bp < _BP:
            raise ConfigError("The charge of a liquidation must be from 0 to the whole value.")


class VenueAccount:
    """See the module text."""

    def __init__(self, instruments: Sequence[Instrument], margin: Margin) -> None:
        self.books = Books(instruments)
        self._margin = margin
        self._charge = Fraction(margin.charge_bp / _BP)
        for currency, amount in margin.deposits.items():
            self.books.deposit(currency, amount)

    def reinstate(self, books: Books) -> None:
        """Hold the money and the positions of an account that goes on."""
        for currency in {books.currency(k) for k in range(len(books.positions))}:
            self.books.deposit(currency, books.cash(currency) - self.books.cash(currency))
        for mine, theirs in zip(self.books.positions, books.positions, strict=True):
            mine.recall(theirs.memory())

    def take(self, row: Any) -> None:
        """Book one REPORT as it is made; what a liquidation costs is written into it."""
        kind, k = int(row["kind"]), int(row["instrument"])
        if kind == report.FUNDED:
            self.books.funding(k, int(row["fee"]))
            return
        if kind not in (report.FILL, report.LIQUIDATED):
            return
        side, price, lots = int(row["side"]), int(row["price"]), int(row["size"])
        self.books.fill(k, side, price, lots, int(row["fee"]), int(row["ts_venue"]))
        if kind == report.LIQUIDATED:
            value = self.books.instruments[k].notional(price, lots)
            left = max(0, self.books.cash(self.books.currency(k)))
            row["fee"] = min(math.ceil(abs(value) * self._charge), left)
            self.books.charge(k, int(row["fee"]))

    def short(self, marks: Sequence[int]) -> int | None:
        """Return the instrument to liquidate first, None while there is margin enough.

        `marks` (lanes,) prices in 1e-8, 0 where none is known.
        """
        for currency in sorted({self.books.currency(k) for k in self._held()}):
            held = [k for k in self._held() if self.books.currency(k) == currency]
            if not all(marks[k] and self._tiers(k) for k in held):
                continue
            at = {k: self._ticks(k, marks[k]) for k in held}
            needed = {k: self._needed(k, at[k]) for k in held}
            if self.books.equity(currency, at) <= sum(needed.values()):
                return max(held, key=lambda k: (needed[k], -k))
        return None

    def last_price(self, k: int, marks: Sequence[int]) -> int:
        """Return the worst price in ticks at which instrument `k` may be closed: bankruptcy."""
        currency, position = self.books.currency(k), self.books.positions[k]
        assert position.average is not None, "nothing is held"
        others = [j for j in self._held() if j != k and self.books.currency(j) == currency]
        profit = sum(self.books.open_profit(j, self._ticks(j, marks[j])) for j in others)
        wallet = cross_wallet(self.books.cash(currency), profit, 0)
        known = self.books.instruments[k]
        price = bankruptcy_price(known, position.lots, position.average, wallet)
        if price is None:  # the wallet is below nothing at any price: the nearest there is
            return PRICE_MAX - 1 if known.kind is ContractKind.INVERSE else 1
        return math.ceil(price) if position.lots > 0 else math.floor(price)

    def _held(self) -> list[int]:
        return [k for k, one in enumerate(self.books.positions) if one.lots]

    def _ticks(self, k: int, mark: int) -> Fraction:
        return Fraction(mark, _MONEY) / Fraction(self.books.instruments[k].tick)

    def _tiers(self, k: int) -> Sequence[Rates]:
        return self._margin.own_tiers.get(k, self._margin.tiers)

    def _needed(self, k: int, ticks: Fraction) -> Fraction:
        known, lots = self.books.instruments[k], self.books.positions[k].lots
        return maintenance_margin(known, lots, ticks, self._tiers(k))
