"""BingX's contracts, fees, margin tiers, candles and clock, read from its answers.

Sizes are base coins everywhere (book, prints, orders, positions): the multiplier is 1, and the
contract's `size` is none. Contracts on goods, currencies, indices and shares (NCCO, NCFX, NCSI,
NCSK) are left out: they are no crypto futures and have hours of their own.
"""

from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from aggressor.schema.candle import Candles
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.bingx.messages import Answer, Contract, Kline, ServerTime, Tier
from aggressor.venues.margin import Fees, MarginTier
from aggressor.venues.text.candle_rows import closed_candles
from aggressor.venues.venue import Request

MS = 1_000_000
CANDLES_MAX = 1_440
SPANS = {
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1_800: "30m",
    3_600: "1h",
    7_200: "2h",
    14_400: "4h",
    21_600: "6h",
    28_800: "8h",
    43_200: "12h",
    86_400: "1d",
}

_DIGITS_MAX = 18
_TRADITIONAL = ("NCCO", "NCFX", "NCSI", "NCSK")

_ROW = 6

Wanted = TypeVar("Wanted")


def read_data(text: bytes, wanted: type[Wanted], what: str) -> Wanted:
    """Return the data of an answer; raise MessageError where BingX refused, or it is another."""
    return _read(text, wanted, what)


def read_list(text: bytes, of: type[Wanted], what: str) -> list[Wanted]:
    """Return the rows of an answer, none where it has null; raise MessageError."""
    return _read(text, list[of] | None, what) or []


def _read(text: bytes, wanted: Any, what: str) -> Any:
    try:
        answer = msgspec.json.decode(text, type=Answer)
        if answer.code != 0:
            raise MessageError(
                f"BingX refused the question for its {what}: {answer.code} {answer.msg!r} - see "
                "its list of codes, then ask again."
            )
        return msgspec.json.decode(answer.data, type=wanted, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, ArithmeticError) as trouble:
        if isinstance(trouble, MessageError):
            raise
        raise MessageError(
            f"The answer is not BingX's {what} ({trouble}) - fetch it again, or check that it is "
            "of this venue."
        ) from None


def instruments_of(text: bytes, valid_from_ns: int) -> list[Instrument]:
    """Return every crypto contract of the answer; raise MessageError."""
    found = []
    for one in _contracts(text):
        if not (0 <= one.price_precision <= _DIGITS_MAX >= one.quantity_precision >= 0):
            raise MessageError(
                f"BingX says {one.price_precision} and {one.quantity_precision} decimals for "
                f"{one.symbol} - fetch its contracts again; nothing was taken."
            )
        base, _, quote_name = one.symbol.rpartition("-")
        found.append(
            Instrument(
                venue="bingx",
                symbol=one.symbol,
                kind=ContractKind.LINEAR,
                tick=Decimal(1).scaleb(-one.price_precision),
                lot=Decimal(1).scaleb(-one.quantity_precision),
                base=one.asset or base,
                quote=quote_name,
                settle=one.currency or quote_name,
                valid_from_ns=valid_from_ns,
            )
        )
    return found


def _contracts(text: bytes) -> list[Contract]:
    rows = read_list(text, Contract, "contracts")
    return [one for one in rows if not one.symbol.startswith(_TRADITIONAL)]


def fees_of(text: bytes) -> list[Fees]:
    """Return the fees that the list of contracts states, before any discount of the account."""
    return [
        Fees(one.symbol, one.maker_fee_rate, one.taker_fee_rate)
        for one in _contracts(text)
        if one.maker_fee_rate is not None and one.taker_fee_rate is not None
    ]


def margin_of(text: bytes) -> list[MarginTier]:
    """Return the margin tiers of one contract, the smallest first; BingX says no initial rate."""
    tiers = read_list(text, Tier, "margin tiers")
    return [
        MarginTier(
            symbol=one.symbol,
            value_max=one.max_position_val,
            size_max=None,
            initial=Decimal(0),
            maintenance=one.maint_margin_ratio,
            deduction=one.maint_amount,
        )
        for one in sorted(tiers, key=lambda tier: tier.min_position_val)
    ]


def candles_request(host: str, instrument: Instrument, span_s: int, count: int) -> Request:
    """Return the question for `count` closed candles of `span_s` seconds; raise ConfigError."""
    span = SPANS.get(span_s)
    if span is None:
        raise ConfigError(
            f"BingX has no candles of {span_s} s - take one of {', '.join(map(str, SPANS))}."
        )
    if not 0 < count < CANDLES_MAX:
        raise ConfigError(f"BingX gives 1 to {CANDLES_MAX - 1} closed candles, not {count}.")
    path = "/openApi/swap/v3/quote/klines"
    symbol = quote(instrument.symbol)
    return Request("GET", f"{host}{path}?symbol={symbol}&interval={span}&limit={count + 1}", 1)


def candles_of(text: bytes, instrument: Instrument) -> Candles:
    """Return the closed candles of an answer, oldest first; raise MessageError."""
    data = bytes(read_data(text, msgspec.Raw, "candles"))
    try:
        rows = _rows(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        raise MessageError(
            f"The answer holds no candles ({trouble}) - ask for them again."
        ) from None
    return closed_candles(rows, instrument)


def _rows(data: bytes) -> list[list[Decimal]]:
    """Return candles as [start in ms, open, high, low, close, volume], whichever form they have."""
    if data[:2] != b"[{":
        lists = msgspec.json.decode(data, type=list[list[Decimal]], strict=False)
        return [one[:_ROW] for one in lists]
    named = msgspec.json.decode(data, type=list[Kline], strict=False)
    return [[one.time, one.open, one.high, one.low, one.close, one.volume] for one in named]


def clock_of(text: bytes) -> int:
    """Return the venue's time in ns; raise MessageError."""
    return read_data(text, ServerTime, "time").server_time * MS
