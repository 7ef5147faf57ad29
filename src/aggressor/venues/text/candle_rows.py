"""Candles out of the rows of a venue's answer: closed ones, oldest first, in ticks and lots.

A row is [start in ms, open, high, low, close, volume] of exact decimals. The newest row is left
out: venues that answer so include the candle that still runs and do not say which it is. Prices
must be on the grid; the volume is rounded down to lots, which may have been finer once.
"""

from decimal import ROUND_FLOOR, Decimal

from aggressor.schema.candle import Candles, empty_candles
from aggressor.schema.errors import MessageError
from aggressor.schema.event import PRICE_MAX
from aggressor.schema.instrument import Instrument

_MS = 1_000_000
_PRICES = ("open", "high", "low", "close")


def closed_candles(rows: list[list[Decimal]], instrument: Instrument) -> Candles:
    """Return the candles of all rows but the newest; raise MessageError."""
    try:
        kept = sorted(rows)[:-1]
        candles = empty_candles(len(kept))
        for candle, (time, *prices, volume) in zip(candles, kept, strict=True):
            candle["open_ns"] = int(time) * _MS
            candle["volume"] = int((volume / instrument.lot).to_integral_value(ROUND_FLOOR))
            for name, price in zip(_PRICES, prices, strict=True):
                candle[name] = _fitting(instrument.ticks(price))
    except (ValueError, ArithmeticError) as trouble:
        raise MessageError(
            f"A candle of {instrument.id} cannot be used ({trouble}) - fetch its contract and the "
            "candles again."
        ) from None
    return candles


def _fitting(ticks: int) -> int:
    if abs(ticks) > PRICE_MAX:
        raise OverflowError(f"{ticks} ticks are too many")
    return ticks
