"""Decimal text and integer steps: exact both ways or an error, never a rounding."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema.errors import ConfigError, UnitError
from aggressor.schema.instrument import ContractKind, Instrument, money_round, money_text
from aggressor.schema.units import (
    NOT_PLAIN,
    OFF_GRID,
    PARSED,
    TOO_LARGE,
    decimal_text,
    grid_of,
    parse_text,
    steps_of,
)

STEPS = [Decimal(text) for text in ("0.1", "0.05", "0.25", "0.001", "1E-8", "1", "5", "10", "0.5")]


def parse(text: str, step: Decimal) -> tuple[int, int]:
    grid = grid_of(step)
    value, code = parse_text(np.frombuffer(text.encode(), np.uint8), grid.digits, grid.step)
    return int(value), int(code)


@given(st.sampled_from(STEPS), st.integers(0, 10**9))
def test_text_and_steps_round_trip(step: Decimal, steps: int) -> None:
    text = decimal_text(steps, step)
    assert Decimal(text) == steps * step
    assert steps_of(text, step) == steps
    assert parse(text, step) == (steps, PARSED)
    assert parse(text + ("0000" if "." in text else ".0000"), step) == (steps, PARSED)


@given(st.text(alphabet="0123456789.eE+-", max_size=24), st.sampled_from(STEPS))
def test_kernel_agrees_with_the_slow_path(text: str, step: Decimal) -> None:
    value, code = parse(text, step)
    try:
        exact = steps_of(text, step)
    except UnitError:
        assert code != PARSED
        return
    if code == PARSED:
        assert value == exact
    else:
        assert code in (NOT_PLAIN, TOO_LARGE)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1e5", NOT_PLAIN),
        ("", NOT_PLAIN),
        ("-1", NOT_PLAIN),
        ("1.2.3", NOT_PLAIN),
        ("NaN", NOT_PLAIN),
        ("61800.35", OFF_GRID),
        ("9" * 20, TOO_LARGE),
    ],
)
def test_kernel_refuses(text: str, code: int) -> None:
    assert parse(text, Decimal("0.1"))[1] == code


def test_step_that_is_no_power_of_ten() -> None:
    assert parse("1.35", Decimal("0.05")) == (27, PARSED)
    assert parse("1.36", Decimal("0.05")) == (0, OFF_GRID)


def test_errors_say_what_and_why() -> None:
    with pytest.raises(UnitError, match=r"61800\.35 is not a whole number of steps of 0\.1"):
        steps_of("61800.35", Decimal("0.1"))
    with pytest.raises(UnitError, match="does not fit 64 bits"):
        steps_of("1e30", Decimal("0.1"))
    with pytest.raises(UnitError, match="far too large"):
        steps_of("1E5000", Decimal("0.1"))
    with pytest.raises(UnitError, match="not a finite number"):
        steps_of("NaN", Decimal("0.1"))
    with pytest.raises(UnitError, match="at most 18 decimals"):
        grid_of(Decimal("1e-19"))


def test_exponent_form_takes_the_slow_path_exactly() -> None:
    assert steps_of("1e-3", Decimal("0.001")) == 1
    assert steps_of("6.18003E+4", Decimal("0.1")) == 618003


def make(kind: ContractKind, tick: str, lot: str, multiplier: str = "1") -> Instrument:
    return Instrument(
        venue="v",
        symbol="S",
        kind=kind,
        tick=Decimal(tick),
        lot=Decimal(lot),
        multiplier=Decimal(multiplier),
    )


def test_linear_value_and_profit_are_exact() -> None:
    linear = make(ContractKind.LINEAR, "0.1", "0.001")
    assert linear.notional(618003, 6) == Fraction(37080180000)
    assert linear.profit(-6, 618003, 618000) == Fraction(6 * 3 * 10_000)


def test_inverse_value_and_profit_are_exact() -> None:
    inverse = make(ContractKind.INVERSE, "0.1", "1", "100")
    assert inverse.notional(500_000, 5) == Fraction(1_000_000)  # 500 USD / 50,000 = 0.01 coin
    gain = inverse.profit(10, 500_000, 550_000)
    assert gain == Fraction(1000 * 10**8) * (Fraction(1, 50_000) - Fraction(1, 55_000))
    assert money_round(gain) == 181_818


def test_money_beyond_64_bits_is_refused() -> None:
    with pytest.raises(UnitError):
        money_round(Fraction(2**63))
    assert money_text(-150_000_000) == "-1.50000000"


def test_instrument_refuses_an_impossible_grid() -> None:
    with pytest.raises(ConfigError, match="tick must be above zero"):
        make(ContractKind.LINEAR, "0", "1")
