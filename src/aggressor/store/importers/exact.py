"""Columns of decimal text as exact integers: steps of a grid, units of 1e-8, times in ns.

Arrow reads decimal text as 128-bit decimals without any rounding; the low word of each is the
integer at the scale asked for. What does not divide is an error that names the row.

    values   (n,) Arrow strings, "" where nothing is said
    results  (n,) int64, NOTHING where nothing is said
"""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aggressor.schema.units import grid_of

NOTHING = -(2**63)

Ints = NDArray[np.int64]

_DIGITS = 38
_SCALES = (8, 12, 18)
_MS_MAX = 100_000_000_000_000  # ms up to the year 5138; us from 1973 on
_US_MAX = 100_000_000_000_000_000


class CellError(Exception):
    """A value that cannot be used: its row in the column, its text, and why."""

    def __init__(self, row: int, text: str, why: str) -> None:
        super().__init__(f"{text!r} {why}")
        self.row = row
        self.text = text
        self.why = why


def arrow(name: str, *arguments: Any) -> Any:
    """Return what one of Arrow's functions makes of columns; Python values are taken as such."""
    columns = (pa.scalar(one) if isinstance(one, str) else one for one in arguments)
    return pc.call_function(name, list(columns))


def steps_of_column(values: Any, step: Decimal) -> Ints:
    """Return a column as whole numbers of `step`; raise CellError for the first that is not one."""
    grid = grid_of(step)
    units, said = units_of_column(values, grid.digits, f"is not a whole number of steps of {step}")
    steps = units // grid.step
    wrong = steps * grid.step != units
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CellError(row, values[row].as_py(), f"is not a whole number of steps of {step}")
    steps[~said] = NOTHING
    return steps


def floor_of_column(values: Any, step: Decimal) -> Ints:
    """Return a column as whole numbers of `step`, rounded down: for what is no order's price."""
    units, said = units_of_column(values, 12, "", cut=True)
    grid = grid_of(step)
    floored = units // (grid.step * 10 ** (12 - grid.digits)) if grid.digits <= 12 else units
    floored[~said] = NOTHING
    return floored


def units_of_column(
    values: Any, digits: int, why: str, *, cut: bool = False
) -> tuple[Ints, NDArray[np.bool_]]:
    """Return a column as integers at `digits` decimals, and where something is said.

    More decimals are cut off with `cut`, else they raise CellError with `why`.
    """
    said = np.asarray(arrow("not_equal", values, ""))
    filled = values if said.all() else arrow("if_else", pa.array(said), values, "0")
    kind = pa.decimal128(_DIGITS, digits)
    try:
        if cut:
            decimals = pc.cast(pc.cast(filled, pa.decimal128(_DIGITS, 18)), kind, safe=False)
        else:
            decimals = pc.cast(filled, kind)
    except pa.ArrowException:
        raise _first_bad(filled, kind, why) from None
    low, high = _words(decimals)
    wrong = high != low >> 63
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CellError(row, filled[row].as_py(), "does not fit 64 bits on this grid")
    return low.copy(), said


def step_of_column(values: Any) -> Decimal | None:
    """Return the greatest step of which every value is a multiple; None if all are 0 or blank."""
    if not len(values):
        return None
    for scale in _SCALES:
        try:
            units, _ = units_of_column(values, scale, "has more than 18 decimals")
        except CellError as bad:
            if scale == _SCALES[-1] or not _is_number(bad.text):
                raise
            continue
        divisor = int(np.gcd.reduce(units))
        return Decimal(divisor).scaleb(-scale) if divisor else None
    return None


def whole_numbers(values: Any) -> Ints:
    """Return a column of whole numbers, NOTHING where blank; raise CellError."""
    units, said = units_of_column(values, 0, "is not a whole number")
    units[~said] = NOTHING
    return units


def times_of(values: Any) -> Ints:
    """Return times in ms, us or ns since the epoch, told by their magnitude, as ns."""
    numbers = whole_numbers(values)
    wrong = numbers <= 0
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CellError(row, values[row].as_py(), "is not a time")
    times = np.where(numbers < _US_MAX, numbers * 1000, numbers)
    return np.where(numbers < _MS_MAX, numbers * 1_000_000, times)


def seconds_of(values: Any) -> Ints:
    """Return times in seconds with a fraction as ns, exactly."""
    units, _ = units_of_column(values, 9, "is not a time in seconds")
    return units


def moments_of(values: Any) -> Ints:
    """Return times written as `YYYY-MM-DD HH:MM:SS`, UTC, as ns."""
    try:
        moments = pc.call_function(
            "strptime", [values], pc.StrptimeOptions("%Y-%m-%d %H:%M:%S", "ns")
        )
    except pa.ArrowException:
        row = next(i for i, one in enumerate(values) if not _is_moment(one.as_py()))
        raise CellError(row, values[row].as_py(), "is not a time YYYY-MM-DD HH:MM:SS") from None
    return np.asarray(moments.cast(pa.int64()))


def _is_moment(text: str) -> bool:
    try:
        np.datetime64(text.replace(" ", "T"), "s")
    except ValueError:
        return False
    return len(text) == 19


def _is_number(text: str) -> bool:
    try:
        return text == text.strip() and Decimal(text).is_finite()
    except ArithmeticError:
        return False


def _first_bad(values: Any, kind: Any, why: str) -> CellError:
    """Return what is wrong with the first value that does not fit."""
    low, high = 0, len(values)
    while high - low > 1:  # the first half that fails holds the first failure
        middle = (low + high) // 2
        try:
            pc.cast(values.slice(low, middle - low), kind)
            low = middle
        except pa.ArrowException:
            high = middle
    text = values[low].as_py()
    return CellError(low, text, why if _is_number(text) else "is not a number")


def _words(decimals: Any) -> tuple[Ints, Ints]:
    """Return the low and high words of 128-bit decimals."""
    if isinstance(decimals, pa.ChunkedArray):
        decimals = decimals.combine_chunks()
    words = np.frombuffer(decimals.buffers()[1], np.int64).reshape(-1, 2)
    words = words[decimals.offset : decimals.offset + len(decimals)]
    return words[:, 0], words[:, 1]
