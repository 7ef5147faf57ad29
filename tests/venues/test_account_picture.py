"""Pictures of an account that keeps long and short apart, against books that net them."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.account.books import Books
from aggressor.account.position import Position
from aggressor.account.reconcile import Held
from aggressor.schema.instrument import ContractKind, money_round
from aggressor.venues.orders.hearing import Hearing, in_turn
from aggressor.venues.orders.picture import held, money
from aggressor.venues.trading import BalanceUpdate, FillUpdate, PositionUpdate
from tests.venues.toy_account import GRID, SYMBOL, toy_side

UNIT = 10**8
INVERSE = msgspec.structs.replace(GRID, kind=ContractKind.INVERSE, multiplier=Decimal(100))


def leg(size: int, entry: str, which: int) -> PositionUpdate:
    return PositionUpdate(SYMBOL, str(size), entry, leg=which)


def account(*legs: PositionUpdate, grid: object = GRID) -> Hearing:
    hearing = Hearing(toy_side(), [GRID if grid is GRID else INVERSE])
    hearing.hear(legs, 0)
    return hearing


def test_one_position_is_held_as_it_stands_and_the_wallet_is_the_money() -> None:
    one = PositionUpdate(SYMBOL, "-3", "100.5")
    hearing = account(one)
    assert held(hearing, [one]) == {0: Held(-3, Fraction(201, 2))}
    books = Books([GRID])
    assert money(hearing, [one], [BalanceUpdate("USD", "7.5", "")], books) == {"USD": 750_000_000}
    assert held(hearing, []) == {0: Held(0)}


def test_two_legs_are_their_net_with_the_entry_of_the_larger_one() -> None:
    legs = [leg(5, "100", 1), leg(-2, "110", -1)]
    assert held(account(*legs), legs) == {0: Held(3, Fraction(100))}


def test_what_two_legs_earned_against_each_other_is_realised_in_books_that_net() -> None:
    books = Books([GRID])
    for side, price in ((1, 100), (-1, 110)):
        books.fill(0, side, price, 2, 0, 0)
    assert books.cash("USD") == 20 * UNIT
    legs = [leg(2, "100", 1), leg(-2, "110", -1)]
    wallet = [BalanceUpdate("USD", "0", "")]
    assert money(account(*legs), legs, wallet, books) == {"USD": 20 * UNIT}
    short = [BalanceUpdate("USD", "-5", "")]  # and what is missing is still seen
    assert money(account(*legs), legs, short, books) == {"USD": 15 * UNIT}


def test_fills_heard_in_another_order_are_no_difference_of_money() -> None:
    books = Books([GRID])
    for side, price in ((1, 100), (1, 100), (1, 120), (-1, 110)):  # the venue: the last two turned
        books.fill(0, side, price, 1, 0, 0)
    one = PositionUpdate(SYMBOL, "2", "110")
    hearing = account(one)
    assert books.cash("USD") == 333_333_333  # the venue has realised 10, and its entry is higher
    assert money(hearing, [one], [BalanceUpdate("USD", "10", "")], books) == {"USD": 333_333_333}
    assert money(hearing, [one], [BalanceUpdate("USD", "9", "")], books) == {"USD": 233_333_333}


def test_asked_fills_are_put_in_turn() -> None:
    new, old = (FillUpdate(SYMBOL, "", "v", str(x), 1, "1", "1", "", "", None, x) for x in (9, 4))
    assert in_turn([new, old]) == [old, new]


def test_a_leg_without_an_entry_is_not_guessed_at() -> None:
    legs = [leg(2, "", 1), leg(-1, "110", -1)]
    books = Books([GRID])
    books.fill(0, 1, 100, 1, 0, 0)
    assert money(account(*legs), legs, [BalanceUpdate("USD", "1", "")], books) == {"USD": UNIT}


trades = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.booleans(), st.integers(90, 110), st.integers(1, 9)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(trades, st.booleans())
@pytest.mark.parametrize("kind", ["linear", "inverse"])
def test_netted_money_is_the_same_whichever_leg_was_traded(
    kind: str, orders: list[tuple[int, bool, int, int]], last_flat: bool
) -> None:
    grid = GRID if kind == "linear" else INVERSE
    legs = {1: Position(kind == "inverse"), -1: Position(kind == "inverse")}
    books, wallet = Books([grid]), 0
    for side, closes, price, lots in orders:
        which = -side if closes and abs(legs[-side].lots) >= lots else side
        closed, entry = legs[which].fill(side, price, lots, 0)
        if closed:
            assert entry is not None
            wallet += money_round(grid.profit(closed, entry, price))
        books.fill(0, side, price, lots, 0, 0)
    told = [
        PositionUpdate(SYMBOL, str(one.lots), f"{float(one.average):.12f}", leg=which)
        for which, one in legs.items()
        if one.average is not None
    ]
    hearing = account(*told, grid=grid)
    hearing.positions.setdefault((0, 1), leg(0, "", 1))
    text = str(Decimal(wallet) / UNIT)
    currency = books.currency(0)
    assert money(hearing, told, [BalanceUpdate(currency, text, "")], books) == {
        currency: books.cash(currency)
    }
