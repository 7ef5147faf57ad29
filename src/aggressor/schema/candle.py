"""CANDLE: a closed bar of time as venues publish it, one record of 32 bytes.

It holds less than a BAR and comes from elsewhere: from a venue's history, to give slow measures the
past they need before the first event of a run. Prices are ticks, volume lots, `open_ns` venue time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import ConfigError

CANDLE = np.dtype(
    [
        ("open_ns", "<i8"),
        ("volume", "<i8"),
        ("open", "<i4"),
        ("high", "<i4"),
        ("low", "<i4"),
        ("close", "<i4"),
    ]
)

Candles = NDArray[Any]  # dtype CANDLE, shape (n,)


def empty_candles(count: int) -> Candles:
    """Return `count` zeroed CANDLE records."""
    return np.zeros(count, CANDLE)


def checked_candles(candles: Candles, span_ns: int) -> Candles:
    """Return the candles; raise ConfigError unless they are closed bars of `span_ns` in order."""
    opens = candles["open_ns"]
    if np.any(opens % span_ns != 0):
        wrong = int(np.argmax(opens % span_ns != 0))
        raise _bad_candle(wrong, f"it does not open on a multiple of {span_ns // 10**9} s")
    if np.any(np.diff(opens) <= 0):
        wrong = int(np.argmax(np.diff(opens) <= 0)) + 1
        raise _bad_candle(wrong, "it is not later than the one before")
    top = np.maximum(candles["open"], candles["close"])
    bottom = np.minimum(candles["open"], candles["close"])
    odd = (candles["high"] < top) | (candles["low"] > bottom) | (candles["volume"] < 0)
    if np.any(odd):
        raise _bad_candle(int(np.argmax(odd)), "its prices or its volume cannot be")
    return candles


def _bad_candle(index: int, why: str) -> ConfigError:
    return ConfigError(
        f"Candle {index} cannot be used: {why}. Give closed candles of one instrument in ticks and "
        "lots, oldest first."
    )
