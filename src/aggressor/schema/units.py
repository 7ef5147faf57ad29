"""Decimal text to integer steps and back, exactly.

A grid step (tick or lot) is written as `step x 10^-digits` with integers: 0.05 is 5 x 10^-2. Text
is read as an integer at `digits` decimals and divided by `step`; whatever does not divide is an
error, never a rounding. The kernel reads plain digits with at most one point; exponents, signs and
anything longer than int64 go to the slow path, which is `decimal.Decimal` and raises with the
reason.
"""

from decimal import Context, Decimal, InvalidOperation
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.errors import UnitError

PARSED = 0
NOT_PLAIN = 1  # exponent, sign, empty or stray byte: let the slow path look
OFF_GRID = 2  # a non-zero digit finer than the grid, or not a whole number of steps
TOO_LARGE = 3  # beyond int64

_EXACT = Context(prec=60)
_DIGITS_MAX = 18
_EXPONENT_MAX = 40  # beyond any int64 on any grid; larger numbers are not even worth writing out
_STEPS_MAX = 2**63 - 1
_PLAIN_MAX = np.int64(9 * 10**17)


class Grid(NamedTuple):
    """A step of `step x 10^-digits`."""

    digits: int
    step: int


@cache
def grid_of(step: Decimal) -> Grid:
    """Return the grid of a step; raise UnitError where 64 bits cannot hold it."""
    _, digits, exponent = step.normalize(_EXACT).as_tuple()
    mantissa = int("".join(map(str, digits)))
    assert isinstance(exponent, int)
    if exponent > 0:
        mantissa, exponent = mantissa * 10**exponent, 0
    if -exponent > _DIGITS_MAX or mantissa <= 0:
        raise UnitError(f"A grid step of {step} cannot be used: at most {_DIGITS_MAX} decimals.")
    return Grid(-exponent, mantissa)


def steps_of(value: str | Decimal, step: Decimal) -> int:
    """Return `value` as a whole number of `step`s; raise UnitError if it is not one."""
    try:
        number = value if isinstance(value, Decimal) else Decimal(value)
    except InvalidOperation:
        raise UnitError(f"{value!r} is not a decimal number.") from None
    if not number.is_finite():
        raise UnitError(f"{value!r} is not a finite number.")
    if number == 0:
        return 0
    if number.adjusted() > _EXPONENT_MAX:
        raise UnitError(f"{value!r} is far too large: it does not fit 64 bits.")
    grid = grid_of(step)
    try:
        scaled = number.scaleb(grid.digits, _EXACT)
        units = int(scaled.to_integral_exact())
    except InvalidOperation:
        raise UnitError(f"{value!r} has more digits than can be kept exactly.") from None
    if scaled != units or units % grid.step:
        raise UnitError(
            f"{value} is not a whole number of steps of {step}; "
            "the instrument's grid is wrong or has changed."
        )
    steps = units // grid.step
    if abs(steps) > _STEPS_MAX:
        raise UnitError(f"{value} is {steps} steps of {step}, which does not fit 64 bits.")
    return steps


def decimal_text(steps: int, step: Decimal) -> str:
    """Return `steps x step` as an exact plain decimal string with the step's own decimals."""
    grid = grid_of(step)
    units = int(steps) * grid.step
    if grid.digits == 0:
        return str(units)
    sign = "-" if units < 0 else ""
    text = str(abs(units)).rjust(grid.digits + 1, "0")
    return f"{sign}{text[: -grid.digits]}.{text[-grid.digits :]}"


@kernel_inline
def parse_units(text: NDArray[np.uint8], start: Int, stop: Int, digits: Int) -> tuple[Int, Int]:
    """Read text[start:stop] as an integer at `digits` decimals: (value, PARSED or why not)."""
    value = np.int64(0)
    seen = 0
    decimals = -1
    i = start
    while i < stop:
        byte = text[i]
        if byte == 46:
            if decimals >= 0:
                return np.int64(0), NOT_PLAIN
            decimals = 0
        elif 48 <= byte <= 57:
            digit = np.int64(byte - 48)
            if decimals >= digits:
                if digit != 0:
                    return np.int64(0), OFF_GRID
            else:
                if value >= _PLAIN_MAX // 10:
                    return np.int64(0), TOO_LARGE
                value = value * 10 + digit
                if decimals >= 0:
                    decimals += 1
            seen += 1
        else:
            return np.int64(0), NOT_PLAIN
        i += 1
    if seen == 0:
        return np.int64(0), NOT_PLAIN
    missing = digits - max(decimals, 0)
    while missing > 0:
        if value >= _PLAIN_MAX // 10:
            return np.int64(0), TOO_LARGE
        value *= 10
        missing -= 1
    return value, PARSED


@kernel_inline
def parse_steps(
    text: NDArray[np.uint8], start: Int, stop: Int, digits: Int, step: Int
) -> tuple[Int, Int]:
    """Read text[start:stop] as a whole number of grid steps: (steps, PARSED or why not)."""
    units, code = parse_units(text, start, stop, digits)
    if code != PARSED or step == 1:
        return units, code
    steps = units // step
    if steps * step != units:
        return np.int64(0), OFF_GRID
    return steps, PARSED


@kernel
def parse_text(text: NDArray[np.uint8], digits: Int, step: Int) -> tuple[Int, Int]:
    """Read the whole of `text` as grid steps: the kernel's path for a single value."""
    return parse_steps(text, 0, text.size, digits, step)
