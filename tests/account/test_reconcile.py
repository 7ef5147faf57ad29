"""The venue's truth against ours: what is believed, what is put right, and what it is called."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from aggressor.account.reconcile import Correction, Held, Reconciler, What
from aggressor.schema import report
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.schema.report import empty_reports

GRID = Instrument(
    venue="toy", symbol="ABC", kind=ContractKind.LINEAR, tick=Decimal(1), lot=Decimal(1),
    base="A", quote="USD", settle="USD",
)  # fmt: skip


def fill(side: int, lots: int, price: int, fee: int = 0) -> Any:
    row = empty_reports(1)[0]
    row["kind"], row["side"], row["size"], row["price"] = report.FILL, side, lots, price
    row["fee"] = fee
    return row


def opened(lots: int = 0, cash: int = 1000) -> Reconciler:
    ours = Reconciler([GRID])
    ours.compare({0: Held(lots, Fraction(100) if lots else None)}, {"USD": cash}, 1)
    ours.corrections.clear()
    return ours


def test_what_the_account_holds_when_we_come_is_its_opening() -> None:
    ours = Reconciler([GRID])
    found = ours.compare({0: Held(-7, Fraction(201, 2))}, {"USD": 500}, 9)
    assert [one.what for one in found] == [What.OPENING_POSITION, What.OPENING_MONEY]
    assert (found[0].ours, found[0].theirs, found[0].ts_ns) == (0, -7, 9)
    assert ours.books.positions[0].lots == -7
    assert ours.books.positions[0].average == Fraction(201, 2)
    assert ours.books.cash("USD") == 500
    assert ours.books.identity("USD")
    assert not ours.pending


def test_a_difference_is_believed_only_when_it_is_seen_again_and_nothing_moved() -> None:
    ours = opened()
    assert ours.compare({0: Held(5)}, {"USD": 900}, 2) == []
    assert ours.pending
    ours.take(fill(1, 3, 100))  # something moved: the pictures do not compare
    assert ours.compare({0: Held(8)}, {"USD": 900}, 3) == []
    found = ours.compare({0: Held(8, Fraction(99))}, {"USD": 900}, 4)
    assert found == [
        Correction(What.POSITION, 4, 0, "", 0, 3, 8, 99),
        Correction(What.MONEY, 4, -1, "USD", 0, 1000, 900),
    ]
    assert list(ours.corrections) == found
    assert ours.compare({0: Held(8)}, {"USD": 900}, 5) == []
    assert not ours.pending
    assert ours.books.identity("USD")


def test_a_difference_that_goes_away_or_changes_is_no_difference() -> None:
    ours = opened(lots=4)
    ours.compare({0: Held(5)}, {}, 2)
    assert ours.compare({0: Held(4)}, {}, 3) == []
    ours.compare({0: Held(5)}, {}, 4)
    assert ours.compare({0: Held(6)}, {}, 5) == []
    assert ours.compare({0: Held(6)}, {}, 6)[0].theirs == 6


def test_fills_fees_and_funding_keep_ours_level_without_a_correction() -> None:
    ours = opened()
    ours.take(fill(1, 10, 100, fee=50))
    ours.take(fill(-1, 10, 101, fee=50))
    paid = empty_reports(1)[0]
    paid["kind"], paid["fee"] = report.FUNDED, 25
    ours.take(paid)
    money = 1000 + 10 * 100_000_000 - 125
    assert ours.compare({0: Held(0)}, {"USD": money}, 2) == []
    assert not ours.pending
