"""Numbers of parts: text to steps of a grid, quickly where it is plain, exactly always.

Raises UnitError for what is no number of a market, so that a decoder can put back what the message
had taught it.
"""

from decimal import Decimal

from aggressor.schema.errors import UnitError
from aggressor.schema.event import PRICE_MAX
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import Grid

_PLAIN_DIGITS = 18
_TENS = tuple(10**digits for digits in range(_PLAIN_DIGITS + 1))
_EXPONENT_MAX = 40  # as in schema.units: larger numbers are not even worth writing out
_SHOWN = 120


def plain_steps(text: str, grid: Grid) -> int | None:
    """Return digits with at most one point as grid steps, None for all that needs more care."""
    whole, _, decimals = text.partition(".")
    missing = grid.digits - len(decimals)
    if missing < 0:
        if decimals[missing:].strip("0"):
            return None
        decimals, missing = decimals[:missing], 0
    digits = whole + decimals
    if len(digits) > _PLAIN_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    steps, rest = divmod(int(digits) * _TENS[missing], grid.step)
    return None if rest else steps


def ticks_of(text: str, instrument: Instrument, grid: Grid) -> int:
    """Return a price in ticks; `grid` is that of the instrument's prices."""
    steps = plain_steps(text, grid)
    return instrument.ticks(text) if steps is None else steps


def lots_of(text: str, instrument: Instrument, grid: Grid) -> int:
    """Return a size in lots; `grid` is that of the instrument's sizes."""
    steps = plain_steps(text, grid)
    return instrument.lots(text) if steps is None else steps


def fitting(price: int, size: int) -> None:
    """Raise UnitError for a price or a size that no EVENT can hold."""
    if not -PRICE_MAX <= price <= PRICE_MAX or abs(size) >= 2**63:
        raise UnitError("a number is too large for its field")


def number(text: str) -> Decimal:
    """Return a text as a number; raise UnitError, or InvalidOperation for no number at all."""
    return bounded(Decimal(text))


def bounded(number: Decimal) -> Decimal:
    """Return a number that can be written out; raise UnitError for the others."""
    if not number.is_finite() or abs(number.adjusted()) > _EXPONENT_MAX:
        raise UnitError(f"{str(number)[:_SHOWN]} is not a number of a market")
    return number
