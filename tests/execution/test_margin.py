"""Liquidation and bankruptcy prices: T8.9, tiers, isolated and cross, and equity held against
them."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.execution.margin import (
    bankruptcy_price,
    cross_wallet,
    entry_value_liquidation,
    initial_margin,
    liquidation_price,
    maintenance_margin,
    price_at,
    tier_of,
)
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.margin import MarginTier

ONE = 10**8
LINEAR = Instrument(
    venue="v", symbol="L", kind=ContractKind.LINEAR, tick=Decimal("0.1"), lot=Decimal("0.001"),
    base="BTC", quote="USDT", settle="USDT",
)  # fmt: skip
INVERSE = Instrument(
    venue="v", symbol="I", kind=ContractKind.INVERSE, tick=Decimal("0.1"), lot=Decimal(1),
    multiplier=Decimal(1), base="BTC", quote="USD", settle="BTC",
)  # fmt: skip


def flat(maintenance: str, initial: str = "0.01") -> tuple[MarginTier, ...]:
    return (MarginTier("", None, None, Decimal(initial), Decimal(maintenance)),)


def quote(price: Fraction | None) -> float:
    assert price is not None
    return round(float(price) / 10, 4)


@pytest.mark.parametrize(("lots", "price"), [(1000, 45_180.7229), (-1000, 54_780.8765)])
def test_t8_9_linear(lots: int, price: float) -> None:
    found = liquidation_price(LINEAR, lots, 500_000, 5_000 * ONE, flat("0.004"))
    assert quote(found) == price


def test_t8_9_linear_bankruptcy() -> None:
    assert quote(bankruptcy_price(LINEAR, 1000, 500_000, 5_000 * ONE)) == 45_000


@pytest.mark.parametrize(
    ("lots", "liquidation", "bankruptcy", "by_entry_value"),
    [
        (60_000, 45_681.8182, 45_454.5455, 45_662.1005),
        (-60_000, 55_277.7778, 55_555.5556, 55_248.6188),
    ],
)
def test_t8_9_inverse(
    lots: int, liquidation: float, bankruptcy: float, by_entry_value: float
) -> None:
    wallet = 12 * ONE // 100
    assert quote(liquidation_price(INVERSE, lots, 500_000, wallet, flat("0.005"))) == liquidation
    assert quote(bankruptcy_price(INVERSE, lots, 500_000, wallet)) == bankruptcy
    bybit = entry_value_liquidation(INVERSE, lots, 500_000, wallet, Fraction(5, 1000))
    assert quote(bybit) == by_entry_value


@pytest.mark.parametrize(
    ("leverage", "distance"),
    [(10, 9.6386), (20, 4.6185), (50, 1.6064), (100, 0.6024), (125, 0.4016)],
)
def test_t8_9_distance_of_a_long_by_leverage(leverage: int, distance: float) -> None:
    wallet = 50_000 * ONE // leverage
    found = liquidation_price(LINEAR, 1000, 500_000, wallet, flat("0.004"))
    assert found is not None
    assert round(100 * float(1 - found / 500_000), 4) == distance


TIERS = (
    MarginTier("", Decimal(50_000), None, Decimal("0.008"), Decimal("0.004")),
    MarginTier("", Decimal(250_000), None, Decimal("0.01"), Decimal("0.005"), Decimal(50)),
    MarginTier("", None, None, Decimal("0.02"), Decimal("0.01"), Decimal(1300)),
)


def test_the_tier_is_that_of_the_price_of_liquidation() -> None:
    """A short of 1 BTC opened in the first tier is liquidated in the second."""
    found = liquidation_price(LINEAR, -1000, 490_000, 5_000 * ONE, TIERS)
    assert found == price_at(LINEAR, -1000, 490_000, 5_000 * ONE, Fraction(5, 1000), Fraction(50))
    assert found is not None
    assert tier_of(LINEAR, -1000, found, TIERS) is TIERS[1]


@given(
    kind=st.sampled_from((LINEAR, INVERSE)),
    lots=st.integers(1, 20_000),
    side=st.sampled_from((1, -1)),
    entry=st.integers(200_000, 900_000),
    leverage=st.integers(1, 50),
)
def test_equity_is_the_maintenance_margin_at_the_price_of_liquidation(
    kind: Instrument, lots: int, side: int, entry: int, leverage: int
) -> None:
    tiers = TIERS if kind is LINEAR else flat("0.005")
    wallet = int(abs(kind.notional(entry, lots)) / leverage)
    found = liquidation_price(kind, side * lots, entry, wallet, tiers)
    if found is None:
        assert leverage <= 2
        return
    equity = wallet + kind.profit(side * lots, entry, found)
    assert equity == maintenance_margin(kind, side * lots, found, tiers)
    empty = bankruptcy_price(kind, side * lots, entry, wallet)
    assert empty is None or side * (found - empty) >= 0
    if empty is not None:
        assert wallet + kind.profit(side * lots, entry, empty) == 0


def test_a_size_tier_counts_size_and_the_last_tier_holds_beyond_all() -> None:
    by_size = (
        MarginTier("", None, Decimal(1), Decimal("0.01"), Decimal("0.005")),
        MarginTier("", None, Decimal(5), Decimal("0.02"), Decimal("0.01")),
    )
    assert tier_of(LINEAR, 1000, Fraction(500_000), by_size) is by_size[0]
    assert tier_of(LINEAR, -1001, Fraction(500_000), by_size) is by_size[1]
    assert tier_of(LINEAR, 9000, Fraction(500_000), by_size) is by_size[1]
    assert initial_margin(LINEAR, 1001, 500_000, by_size) == 1001 * ONE


def test_a_long_of_no_leverage_is_never_liquidated() -> None:
    assert liquidation_price(LINEAR, 1000, 500_000, 60_000 * ONE, flat("0.004")) is None
    assert liquidation_price(INVERSE, -1000, 500_000, ONE, flat("0.004")) is None


def test_cross_margin_gives_the_position_what_the_others_leave() -> None:
    wallet = cross_wallet(6_000 * ONE, -700 * ONE, 300 * ONE)
    assert wallet == 5_000 * ONE
    assert quote(liquidation_price(LINEAR, 1000, 500_000, wallet, flat("0.004"))) == 45_180.7229


def test_nothing_held_needs_nothing() -> None:
    assert maintenance_margin(LINEAR, 0, 500_000, TIERS) == 0
    assert initial_margin(LINEAR, 0, 500_000, TIERS) == 0
