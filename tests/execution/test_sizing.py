"""Sizes by R7.0 (T7.0b) and the margin bound against R8.9 (T8.9)."""

from decimal import Decimal
from fractions import Fraction

import pytest

from aggressor.execution.sizing import SizingRule, loss_per_lot, margin_size, risk_size, size_of
from aggressor.schema.instrument import ContractKind, Instrument

MICRO = Instrument(
    venue="v", symbol="MBT", kind=ContractKind.LINEAR, tick=Decimal(5), lot=Decimal(1),
    multiplier=Decimal("0.1"),
)  # fmt: skip
PERPETUAL = Instrument(
    venue="v", symbol="BTCUSDT", kind=ContractKind.LINEAR, tick=Decimal("0.1"),
    lot=Decimal("0.001"),
)  # fmt: skip
INVERSE = Instrument(
    venue="v", symbol="BTCUSD", kind=ContractKind.INVERSE, tick=Decimal("0.1"), lot=Decimal(1),
)  # fmt: skip
MONEY = 10**8


def test_t7_0b_micro() -> None:
    """Equity 10 000, f 0.25 %, stop 6 + slip 1 ticks of 0.50, fees 2: 25 / 5.5 -> 4."""
    loss = loss_per_lot(MICRO, 1, 12_000, 6, 1, Fraction(0)) + 2 * MONEY
    assert loss == Fraction(55, 10) * MONEY
    assert risk_size(10_000 * MONEY, 25, loss) == 4


@pytest.mark.parametrize("side", [1, -1])
def test_t7_0b_perpetual(side: int) -> None:
    """Stop 45 + slip 6 USD, 5 bp a side at 60 000: 25 / 111 = 0.225 BTC."""
    loss = loss_per_lot(PERPETUAL, side, 600_000, 450, 60, Fraction(10))
    assert loss * 1000 == 111 * MONEY
    assert risk_size(10_000 * MONEY, 25, loss) == 225


def test_an_inverse_lot_loses_in_coin() -> None:
    loss = loss_per_lot(INVERSE, 1, 500_000, 10_000, 0, Fraction(0))
    assert loss == (Fraction(1, 49_000) - Fraction(1, 50_000)) * MONEY


@pytest.mark.parametrize(
    ("side", "liquidation"), [(1, Decimal("45180.7229")), (-1, Decimal("54780.8765"))]
)
def test_margin_bound_is_t8_9_linear(side: int, liquidation: Decimal) -> None:
    """1 BTC at 50 000 with 5 000 is liquidated there: that distance just allows 1 BTC."""
    distance = abs(liquidation - 50_000)
    inside, outside = int(distance * 10), int(distance * 10) + 2
    m = Fraction(4, 1000)
    assert margin_size(PERPETUAL, side, 500_000, inside, 5_000 * MONEY, m) == 1000
    assert margin_size(PERPETUAL, side, 500_000, outside, 5_000 * MONEY, m) == 999


@pytest.mark.parametrize(
    ("side", "liquidation"), [(1, Decimal("45681.8182")), (-1, Decimal("55277.7778"))]
)
def test_margin_bound_is_t8_9_inverse(side: int, liquidation: Decimal) -> None:
    """60 000 USD at 50 000 with 0.12 BTC and m 0.5 %."""
    distance = int(abs(liquidation - 50_000) * 10)
    m = Fraction(5, 1000)
    assert margin_size(INVERSE, side, 500_000, distance, 12_000_000, m) in (60_000, 60_001)
    assert margin_size(INVERSE, side, 500_000, distance + 2, 12_000_000, m) < 60_000


def sized(**fields: object) -> tuple[int, str, tuple[str, ...]]:
    known = {
        "side": 1, "entry": 600_000, "stop_ticks": 450, "slip_ticks": 60, "fee_bp": Fraction(10),
        "equity": 10_000 * MONEY, "exit_depth": 10**6, "volume_1m": 10**6,
    }  # fmt: skip
    return size_of(SizingRule(), PERPETUAL, **{**known, **fields})  # pyright: ignore[reportArgumentType] a table of fields


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (225, "risk", ())),
        ({"exit_depth": 1000}, (50, "depth", ())),
        ({"volume_1m": 1000}, (100, "volume", ())),
        ({"exit_depth": None, "volume_1m": None}, (225, "risk", ("depth", "volume"))),
        ({"share": Fraction(1, 2)}, (112, "risk", ())),
        ({"equity": 0}, (0, "risk", ())),
        ({"equity": -5 * MONEY}, (0, "risk", ())),
        ({"exit_depth": 0}, (0, "depth", ())),
    ],
)
def test_the_smallest_bound_decides(
    fields: dict[str, object], expected: tuple[int, str, tuple[str, ...]]
) -> None:
    assert sized(**fields) == expected


def test_margin_bounds_a_tight_stop() -> None:
    lots, bound, _ = sized(stop_ticks=1, slip_ticks=0, fee_bp=Fraction(0))
    assert bound == "margin"
    assert lots == margin_size(PERPETUAL, 1, 600_000, 3, 10_000 * MONEY, Fraction(1, 100))
