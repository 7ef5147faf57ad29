"""Funding: worked examples, causality of crowding, and what is said when nothing is known."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.context.funding import (
    CROWDED_LONG,
    CROWDED_SHORT,
    DAY_NS,
    HOUR_NS,
    NOT_CROWDED,
    Settled,
    annualised,
    crowding,
    funding_now,
    funding_rate,
    payment,
    weighted_premium,
)
from aggressor.schema.event import NO_TIME
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.costs import funding_fee

NOW = 1_700_000_000 * 10**9

PERP = Instrument(
    venue="test",
    symbol="BTCUSDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
)
INVERSE = Instrument(
    venue="test",
    symbol="BTCUSD",
    kind=ContractKind.INVERSE,
    tick=Decimal("0.1"),
    lot=Decimal(1),
    multiplier=Decimal(100),
)


def eight_hourly(rates: list[int]) -> list[Settled]:
    """Rates settled every 8 h, the last one 8 h before NOW."""
    count = len(rates)
    return [Settled(NOW - (count - i) * 8 * HOUR_NS, rate) for i, rate in enumerate(rates)]


@pytest.mark.parametrize(
    ("premium", "rate"), [(30_000, 10_000), (100_000, 50_000), (-80_000, -30_000)]
)
def test_t6_2_rate_from_the_premium(premium: int, rate: int) -> None:
    assert funding_rate(premium) == rate


def test_t6_2_payment() -> None:
    assert payment(PERP, 60_000 * 10**8, 10_000, 500) == 3 * 10**8
    assert payment(PERP, 60_000 * 10**8, 10_000, -500) == -3 * 10**8
    assert payment(PERP, 60_000 * 10**8, -10_000, 500) == -3 * 10**8


def test_an_inverse_position_pays_in_its_base() -> None:
    # 600 contracts of 100 USD at 60,000 are one BTC
    assert payment(INVERSE, 60_000 * 10**8, 10_000, 600) == 10_000


@given(st.integers(1, 10**13), st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_the_simulator_charges_this_payment_rounded_against_us(
    mark: int, rate: int, position: int
) -> None:
    exact = payment(PERP, mark, rate, position)
    assert 0 <= funding_fee(PERP, mark, rate, position) - exact < 1


def test_caps_come_last() -> None:
    assert funding_rate(100_000, cap=37_500) == 37_500
    assert funding_rate(-200_000, floor=-37_500) == -37_500


@given(st.fractions(-(10**6), 10**6))
def test_the_rate_stays_within_the_clamp_of_the_premium(premium: Fraction) -> None:
    rate = funding_rate(premium)
    assert abs(rate - premium) <= 50_000
    assert -funding_rate(-premium, interest=-10_000) == rate


def test_the_premium_is_weighted_by_time_and_unknown_before_the_first() -> None:
    assert weighted_premium([0, 30], [100, 400], 0, 60) == 250
    assert weighted_premium([0, 30], [100, 400], 20, 40) == 250
    assert weighted_premium([10], [100], 0, 60) is None
    assert weighted_premium([], [], 0, 60) is None


def test_annualised() -> None:
    assert annualised(10_000, 8 * HOUR_NS) == Fraction(1095, 10_000)
    assert annualised(10_000, HOUR_NS) == 8 * annualised(10_000, 8 * HOUR_NS)


def test_crowded_beyond_the_quantiles_of_thirty_days() -> None:
    history = eight_hourly(list(range(1, 101)))  # the last 90 count: 11 .. 100
    assert crowding(97, history, NOW).side == CROWDED_LONG
    found = crowding(96, history, NOW)
    assert (found.side, found.low, found.high, found.settled) == (NOT_CROWDED, 15, 96, 90)
    assert crowding(14, history, NOW).side == CROWDED_SHORT
    assert not found.young
    assert crowding(96, history[50:], NOW).young


def test_a_short_past_is_no_answer() -> None:
    found = crowding(10**6, eight_hourly([1] * 29), NOW)
    assert found.side is None
    assert found.reason == "29 settled rates, fewer than 30"


def test_rates_settled_later_are_not_known_yet() -> None:
    history = eight_hourly(list(range(1, 101)))
    later = [*history, Settled(NOW, 10**6), Settled(NOW + DAY_NS, 10**6)]
    assert crowding(50, later, NOW) == crowding(50, history, NOW)


def test_what_is_known_at_one_time() -> None:
    history = eight_hourly([100] * 90)
    found = funding_now(10_000, NOW + 90 * 10**9, NOW, 8 * HOUR_NS, history)
    assert (found.rate, found.seconds, found.crowding.side) == (10_000, 90, CROWDED_LONG)
    assert found.annualised == Fraction(1095, 10_000)
    passed = funding_now(10_000, NOW, NOW, 8 * HOUR_NS, history)
    assert passed.rate is None
    assert "passed" in passed.reason
    silent = funding_now(0, NO_TIME, NOW)
    assert (silent.rate, silent.crowding.side) == (None, None)
    assert silent.reason == "no rate was stated"
