"""Fees and funding to the last 1e-8, rounded against us."""

from decimal import Decimal

import pytest

from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.costs import Costs, fill_fee, funding_fee

BTC = Instrument(
    venue="v", symbol="BTCUSDT", kind=ContractKind.LINEAR, tick=Decimal("0.1"), lot=Decimal("0.001")
)
COIN = Instrument(
    venue="v",
    symbol="BTCUSD_PERP",
    kind=ContractKind.INVERSE,
    tick=Decimal("0.1"),
    lot=Decimal(1),
    multiplier=Decimal(100),
)


def test_linear_fees():
    costs = Costs(maker_bp=Decimal("-0.5"), taker_bp=Decimal(5))
    # 0.01 BTC at 60 000.0 is 600 USDT: 5 bp are 0.30 USDT, half a bp of rebate 0.03
    assert fill_fee(costs, BTC, 600_000, 10, maker=False) == 30_000_000
    assert fill_fee(costs, BTC, 600_000, 10, maker=True) == -3_000_000


def test_inverse_fees_round_against_us():
    # 100 USD at 30 000 are 1/300 BTC; 5 bp of it are 166.66.. in 1e-8
    assert fill_fee(Costs(), COIN, 300_000, 1, maker=False) == 167
    rebate = Costs(maker_bp=Decimal(-5))
    assert fill_fee(rebate, COIN, 300_000, 1, maker=True) == -166


def test_fees_per_contract():
    costs = Costs(maker_bp=Decimal(0), taker_bp=Decimal(0), contract=Decimal("1.25"))
    assert fill_fee(costs, BTC, 600_000, 3, maker=True) == 375_000_000


def test_funding():
    mark = 60_000 * 100_000_000
    # 1 BTC long at 0.01 %: pays 6 USDT; the short receives them
    assert funding_fee(BTC, mark, 10_000, 1000) == 600_000_000
    assert funding_fee(BTC, mark, 10_000, -1000) == -600_000_000
    assert funding_fee(BTC, mark, -10_000, 1000) == -600_000_000
    # the mark is exact, not rounded to ticks: 1 lot at 1e-8 above 60 000
    assert funding_fee(BTC, mark + 1, 10_000, 1) == 600_001


def test_a_rate_must_be_a_number():
    with pytest.raises(ConfigError):
        Costs(maker_bp=Decimal("nan"))
