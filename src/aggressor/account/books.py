"""The books: double entry in integers, in 1e-8 of each settlement currency.

Every fact is an entry of postings that sum to zero, so the books sum to zero after every entry:

    deposit   CASH + a                       CAPITAL - a
    fill      CASH + r                       REALISED - R      ROUNDING R - r
    fee       CASH - f                       FEES + f
    funding   CASH - f                       FUNDING + f
    correct   CASH + a                       CORRECTIONS - a

`r` is the profit of this one fill rounded to money, which is what a venue pays out; `R` is what
brings REALISED to the rounded sum of the *exact* profits. ROUNDING therefore shows what
fill-by-fill rounding has cost, and REALISED is never more than half a unit away from the truth
within one position. Income stands as a negative balance (it is owed to capital), as in any set of
books.

A position is not money: it stands beside the books as lots with an exact average entry. Marked
equity = CASH + rounded open profit; `identity` says that it equals what was put in plus everything
earned and paid (R9.5).
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from fractions import Fraction
from typing import NamedTuple

from aggressor.account.position import Position
from aggressor.schema.instrument import ContractKind, Instrument, money_round

_EXACT_MAX = 10**30


class Heading(IntEnum):
    """Accounts of one settlement currency; all but CASH and CAPITAL also by instrument."""

    CASH = 1
    CAPITAL = 2
    REALISED = 3
    FEES = 4
    FUNDING = 5
    ROUNDING = 6
    CORRECTIONS = 7  # what the venue has and we cannot explain; of the account, not an instrument


class Posting(NamedTuple):
    """One line of an entry: an amount in 1e-8 of `currency`, + debit."""

    heading: Heading
    instrument: int  # NO_INSTRUMENT_HELD for cash and capital
    amount: int


NO_INSTRUMENT_HELD = -1


def currencies_of(instruments: Sequence[Instrument], *, apart: bool) -> list[str]:
    """Return what each instrument settles in; `apart`: USDT@VENUE where several venues share it."""
    names = [one.settle or _unsaid(one) for one in instruments]
    if not apart:
        return names
    venues = {
        name: {i.venue for i, n in zip(instruments, names, strict=True) if n == name}
        for name in names
    }
    return [
        f"{name}@{one.venue}" if len(venues[name]) > 1 else name
        for one, name in zip(instruments, names, strict=True)
    ]


def _unsaid(one: Instrument) -> str:
    return one.base if one.kind is ContractKind.INVERSE else one.quote


class Books:
    """Cash, income and positions of one account; `instruments` in the engine's order."""

    def __init__(self, instruments: Sequence[Instrument], *, apart: bool = False) -> None:
        """`apart`: currencies that several venues settle in are held by venue."""
        self.instruments = tuple(instruments)
        self._currencies = tuple(currencies_of(self.instruments, apart=apart))
        self.positions = [Position(i.kind is ContractKind.INVERSE) for i in self.instruments]
        self.entries = 0
        self._balances: dict[tuple[str, Heading, int], int] = {}
        self._cash: dict[str, int] = {}  # the balance of CASH by currency: read at every decision
        self._residues = [Fraction(0)] * len(self.instruments)

    def currency(self, instrument: int) -> str:
        """Return the settlement currency of an instrument (its quote where none is stated)."""
        return self._currencies[instrument]

    def deposit(self, currency: str, amount: int) -> None:
        """Put in (or, negative, take out) an amount in 1e-8."""
        self._enter(
            currency,
            Posting(Heading.CASH, NO_INSTRUMENT_HELD, amount),
            Posting(Heading.CAPITAL, NO_INSTRUMENT_HELD, -amount),
        )

    def correct(self, currency: str, amount: int) -> None:
        """Enter a difference between the venue's cash and ours (theirs less ours, 1e-8)."""
        self._enter(
            currency,
            Posting(Heading.CASH, NO_INSTRUMENT_HELD, amount),
            Posting(Heading.CORRECTIONS, NO_INSTRUMENT_HELD, -amount),
        )

    def fill(self, instrument: int, side: int, price: int, lots: int, fee: int, ts_ns: int) -> int:
        """Book a fill and its fee; return the profit it realised (1e-8, before the fee)."""
        position = self.positions[instrument]
        closed, entry = position.fill(side, price, lots, ts_ns)
        currency = self.currency(instrument)
        paid = 0
        if closed:
            assert entry is not None
            exact = self.instruments[instrument].profit(closed, entry, price)
            paid = money_round(exact)
            owed = exact + self._residues[instrument]
            booked = money_round(owed)
            flat = position.lots == 0 or position.lots * closed < 0
            residue = Fraction(0) if flat else owed - booked
            self._residues[instrument] = residue.limit_denominator(_EXACT_MAX)
            self._enter(
                currency,
                Posting(Heading.CASH, NO_INSTRUMENT_HELD, paid),
                Posting(Heading.REALISED, instrument, -booked),
                Posting(Heading.ROUNDING, instrument, booked - paid),
            )
        self.charge(instrument, fee)
        return paid

    def funding(self, instrument: int, amount: int) -> None:
        """Book funding: positive is paid, negative received, 1e-8."""
        self._pay(Heading.FUNDING, instrument, amount)

    def charge(self, instrument: int, amount: int) -> None:
        """Book a fee that comes with no fill, 1e-8."""
        if amount:
            self._pay(Heading.FEES, instrument, amount)

    def _pay(self, heading: Heading, instrument: int, amount: int) -> None:
        self._enter(
            self.currency(instrument),
            Posting(Heading.CASH, NO_INSTRUMENT_HELD, -amount),
            Posting(heading, instrument, amount),
        )

    def _enter(self, currency: str, *postings: Posting) -> None:
        assert sum(p.amount for p in postings) == 0, "an entry must sum to zero"
        for posting in postings:
            key = (currency, posting.heading, posting.instrument)
            self._balances[key] = self._balances.get(key, 0) + posting.amount
            if posting.heading is Heading.CASH:
                self._cash[currency] = self._balances[key]
        self.entries += 1

    def balance(self, currency: str, heading: Heading, instrument: int | None = None) -> int:
        """Return the balance of an account, of one instrument or (None) of all together, 1e-8."""
        return sum(
            amount
            for (owner, account, held), amount in self._balances.items()
            if owner == currency and account is heading and instrument in (None, held)
        )

    def funded(self, currency: str) -> bool:
        """Return whether anything was ever put in: without it, equity is not known."""
        return (currency, Heading.CAPITAL, NO_INSTRUMENT_HELD) in self._balances

    def cash(self, currency: str) -> int:
        """Return settled cash, 1e-8."""
        return self._cash.get(currency, 0)

    def total(self, currency: str) -> int:
        """Return the sum of all accounts of a currency: zero, or there is a fault."""
        return sum(a for (owner, _, _), a in self._balances.items() if owner == currency)

    def open_profit(self, instrument: int, mark: int | Fraction, parts: int = 1) -> int:
        """Return what the position would earn if closed at `mark` / `parts` ticks, 1e-8."""
        position = self.positions[instrument]
        if position.average is None:
            return 0
        known = self.instruments[instrument]
        return known.money_profit(position.lots, position.average, mark, parts)

    def equity(self, currency: str, marks: Mapping[int, int | Fraction], parts: int = 1) -> int:
        """Return cash plus open profit at `marks` (instrument -> 1 / `parts` ticks), 1e-8.

        A position without a mark is an error of the caller, not worth zero.
        """
        total = self.cash(currency)
        for i, position in enumerate(self.positions):
            if position.lots and self._currencies[i] == currency:
                assert i in marks, (
                    f"{self.instruments[i].id}: a position is open, its mark is missing"
                )
                total += self.open_profit(i, marks[i], parts)
        return total

    def identity(self, currency: str) -> bool:
        """Return whether the books sum to zero and cash is what was put in and earned (R9.5)."""
        earned = -sum(
            self.balance(currency, heading)
            for heading in Heading
            if heading not in (Heading.CASH, Heading.CAPITAL)
        )
        put_in = -self.balance(currency, Heading.CAPITAL)
        return self.total(currency) == 0 and self.cash(currency) == put_in + earned
