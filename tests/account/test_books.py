"""Positions and money: worked by hand, against a slow twin, and for any run of fills."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.account.books import Books, Heading, currencies_of
from aggressor.account.position import Position
from aggressor.schema.instrument import ContractKind, Instrument

LINEAR = Instrument(
    venue="v", symbol="L", kind=ContractKind.LINEAR, tick=Decimal("0.1"), lot=Decimal("0.001"),
    base="BTC", quote="USDT", settle="USDT",
)  # fmt: skip
INVERSE = Instrument(
    venue="v", symbol="I", kind=ContractKind.INVERSE, tick=Decimal("0.1"), lot=Decimal(1),
    multiplier=Decimal(100), base="BTC", quote="USD", settle="BTC",
)  # fmt: skip


def test_a_linear_round_trip_by_hand() -> None:
    books = Books([LINEAR])
    books.deposit("USDT", 10_000 * 10**8)
    books.fill(0, 1, 600_000, 500, 3 * 10**8, 1)  # buy 0.5 at 60 000, fee 3
    assert books.positions[0].average == 600_000
    assert books.equity("USDT", {0: 601_000}) == (10_000 - 3 + 50) * 10**8
    paid = books.fill(0, -1, 602_000, 500, 3 * 10**8, 2)  # sell at 60 200: + 100
    assert paid == 100 * 10**8
    assert books.cash("USDT") == (10_000 + 100 - 6) * 10**8
    assert books.balance("USDT", Heading.FEES) == 6 * 10**8
    assert books.balance("USDT", Heading.REALISED) == -100 * 10**8
    assert books.identity("USDT")


def test_an_inverse_short_by_hand() -> None:
    """R9.5: N (1/e - 1/x) in coin: short 10 contracts of 100 USD, 50 000 -> 40 000 earns 0.005."""
    books = Books([INVERSE])
    books.fill(0, -1, 500_000, 10, 0, 1)
    assert books.fill(0, 1, 400_000, 10, 0, 2) == 500_000
    assert books.cash("BTC") == 500_000
    assert books.positions[0].lots == 0


def test_funding_and_rebate() -> None:
    """T6.2: half a coin long at 60 000, rate 0.01 %, pays 3.00; a rebate is a negative fee."""
    books = Books([LINEAR])
    books.fill(0, 1, 600_000, 500, -(10**8), 1)
    books.funding(0, int(LINEAR.notional(600_000, 500)) // 10_000)
    assert books.balance("USDT", Heading.FUNDING, 0) == 3 * 10**8
    assert books.cash("USDT") == -2 * 10**8
    assert books.identity("USDT")


def test_crossing_zero_starts_a_new_average() -> None:
    position = Position()
    assert position.fill(1, 100, 4, 1) == (0, None)
    assert position.fill(1, 106, 2, 2) == (0, None)
    assert position.average == 102
    assert position.fill(-1, 110, 9, 3) == (6, Fraction(102))
    assert (position.lots, position.average, position.opened_ns) == (-3, 110, 3)


def test_an_inverse_average_is_harmonic() -> None:
    position = Position(inverse=True)
    position.fill(1, 100, 1, 1)
    position.fill(1, 300, 1, 1)
    assert position.average == 150


def test_excursions() -> None:
    position = Position()
    assert (position.mae_ticks, position.mfe_ticks) == (0, 0)
    position.fill(-1, 1011, 2, 1)
    position.see(1006, 1013)
    assert (position.mae_ticks, position.mfe_ticks) == (2, 5)
    position.fill(1, 1008, 2, 2)
    position.fill(1, 1008, 2, 2)
    position.see(1007, 1020)
    assert (position.mae_ticks, position.mfe_ticks) == (1, 12)


def test_rounding_shows_what_fill_by_fill_rounding_costs() -> None:
    """Three thirds of an inverse profit: each rounds by itself, the sum does not."""
    books = Books([INVERSE])
    books.fill(0, 1, 300_000, 3, 0, 1)
    for _ in range(3):
        books.fill(0, -1, 300_007, 1, 0, 2)
    exact = INVERSE.profit(3, 300_000, 300_007)
    assert -books.balance("BTC", Heading.REALISED) == round(exact)
    assert books.cash("BTC") == 3 * round(exact / 3)
    assert books.balance("BTC", Heading.ROUNDING) == round(exact) - 3 * round(exact / 3)
    assert books.total("BTC") == 0


def test_a_missing_mark_is_the_callers_fault() -> None:
    books = Books([LINEAR])
    books.fill(0, 1, 600_000, 1, 0, 1)
    with pytest.raises(AssertionError, match="mark is missing"):
        books.equity("USDT", {})


FILLS = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),
        st.sampled_from([1, -1]),
        st.integers(590_000, 610_000),
        st.integers(1, 50),
        st.integers(-1000, 1000),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(FILLS, st.integers(580_000, 620_000))
def test_books_balance_after_every_event(fills: list[tuple[int, ...]], mark: int) -> None:
    """The books sum to zero; equity is cash flows plus marked position, to a unit a fill (R9.5)."""
    books = Books([LINEAR, INVERSE])
    flows = [
        Fraction(0),
        Fraction(0),
    ]  # exact, by first principles: what each fill paid and received
    held = [0, 0]
    currencies = ("USDT", "BTC")
    for n, (k, side, price, lots, fee) in enumerate(fills, 1):
        books.fill(k, side, price, lots, fee, n)
        sign = -1 if k == 0 else 1  # an inverse contract bought is coin sold at 1 / price
        flows[k] += sign * side * books.instruments[k].notional(price, lots) - fee
        held[k] += side * lots
        for i, currency in enumerate(currencies):
            assert books.total(currency) == 0
            assert books.identity(currency)
            assert books.positions[i].lots == held[i]
            worth = -sign_of(i) * books.instruments[i].notional(mark, held[i])
            equity = books.equity(currency, {0: mark, 1: mark})
            assert abs(equity - (flows[i] + worth)) <= n
            residue = abs(books.balance(currency, Heading.ROUNDING))
            assert residue <= n


def sign_of(k: int) -> int:
    return -1 if k == 0 else 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(900, 1100), st.integers(1, 9))))
def test_position_equals_its_slow_twin(fills: list[tuple[int, int, int]]) -> None:
    position, lots, cost = Position(), 0, Fraction(0)
    for side, price, size in fills:
        position.fill(side, price, size, 0)
        for _ in range(size):  # one lot at a time
            if lots * side >= 0:
                cost += side * price
            else:
                cost -= cost / lots * -side
            lots += side
        assert position.lots == lots
        assert position.average == (None if lots == 0 else cost / lots)


def test_money_at_one_venue_is_not_at_another() -> None:
    there = msgspec.structs.replace(LINEAR, venue="w")
    names = [currencies_of([LINEAR, there, INVERSE], apart=apart) for apart in (False, True)]
    assert names == [["USDT", "USDT", "BTC"], ["USDT@v", "USDT@w", "BTC"]]
    assert currencies_of([LINEAR, LINEAR], apart=True) == ["USDT", "USDT"]
    books = Books([LINEAR, there], apart=True)
    books.deposit("USDT@w", 10**8)
    assert (books.cash("USDT@v"), books.cash("USDT@w")) == (0, 10**8)
    assert [books.currency(k) for k in (0, 1)] == ["USDT@v", "USDT@w"]
    assert not books.funded(books.currency(0))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(list(ContractKind)),
    st.integers(-500, 500).filter(bool),
    st.fractions(500, 2_000, max_denominator=999),
    st.integers(1_000, 4_000),
)
def test_profit_in_integers_is_that_of_fractions(
    kind: ContractKind, lots: int, entry: Fraction, mid2: int
) -> None:
    one = Instrument(
        venue="test",
        symbol="ODD",
        kind=kind,
        tick=Decimal("0.03"),
        lot=Decimal("0.00000007"),
        multiplier=Decimal("1.1"),
    )
    exact = one.profit(lots, entry, Fraction(mid2, 2))
    assert one.money_profit(lots, entry, mid2, 2) == round(exact)
    assert one.money_profit(lots, entry, Fraction(mid2, 2)) == round(exact)
    assert one.whole_notional(mid2, lots) == int(abs(one.notional(mid2, lots)))
