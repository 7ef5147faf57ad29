"""Binance's clock and its candles: what a run needs of the venue before its first event.

A candle answer ends with the bar that still runs and says nothing of the venue's time, so the last
one is always left out: one closed bar may be lost, an open one is never taken for closed. Prices
from before a change of the tick may be off today's grid: what is older than such a bar is left out,
so that what remains is exact and without a hole.

Documents: Kline/Candlestick Data, Check Server Time (all three markets); read 2026-05-28.
"""

from typing import Any

import msgspec

from aggressor.schema.candle import Candles, empty_candles
from aggressor.schema.errors import ConfigError, MessageError, UnitError
from aggressor.schema.instrument import Instrument
from aggressor.venues.binance.streams import get
from aggressor.venues.venue import Request

CANDLES_MAX = 1500  # of derivatives

_INTERVALS = {
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1800: "30m",
    3600: "1h",
    7200: "2h",
    14_400: "4h",
    21_600: "6h",
    28_800: "8h",
    43_200: "12h",
    86_400: "1d",
}
SPANS_S = {name: span_s for span_s, name in _INTERVALS.items()}
_WEIGHTS = ((100, 1), (500, 2), (1001, 5))  # below so many candles

_MS = 1_000_000


class _Time(msgspec.Struct, frozen=True):
    """{"serverTime":1499827319559}."""

    server_time: int = msgspec.field(name="serverTime")


_time = msgspec.json.Decoder(_Time)
_klines = msgspec.json.Decoder(list[list[Any]])


def candles_request(
    host: str, path: str, most: int, instrument: Instrument, span_s: int, count: int
) -> Request:
    """Return the request for the last `count` closed candles of `span_s`; at most `most` - 1."""
    interval = _INTERVALS.get(span_s)
    if interval is None:
        spans = ", ".join(map(str, _INTERVALS))
        raise ConfigError(f"Binance has no candles of {span_s} s - use one of {spans}.")
    limit = min(count + 1, most)
    weight = next((weight for below, weight in _WEIGHTS if limit < below), 10)
    return get(host, path, instrument, weight, f"&interval={interval}&limit={limit}")


def read_candles(text: bytes, instrument: Instrument) -> Candles:
    """Return the closed candles of an answer, oldest first; raise MessageError."""
    try:
        lines = _klines.decode(text)[:-1]
        rows = [(int(line[0]) * _MS, line[5], line[1], line[2], line[3], line[4]) for line in lines]
    except (msgspec.MsgspecError, ValueError, TypeError, IndexError, RecursionError) as trouble:
        raise MessageError(
            f"The answer is not Binance's candles ({trouble}): {text[:80]!r} - ask again."
        ) from None
    candles = empty_candles(len(rows))
    used = len(rows)
    for row in reversed(rows):
        try:
            prices = [instrument.ticks(str(price)) for price in row[2:]]
            candles[used - 1] = (row[0], instrument.lots(str(row[1])), *prices)
        except (UnitError, OverflowError):
            break
        used -= 1
    return candles[used:]


def read_clock(text: bytes) -> int:
    """Return the venue's time in ns; raise MessageError."""
    try:
        return _time.decode(text).server_time * _MS
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
        raise MessageError(
            f"The answer is not Binance's clock ({trouble}): {text[:80]!r} - ask again."
        ) from None
