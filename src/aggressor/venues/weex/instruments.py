"""WEEX's contracts, fees, candles and clock, read from its answers.

Sizes are base coins everywhere; `contractVal` is only the step of sizes and no multiplier. Of what
is listed the API takes orders only for some (`apiTradingSymbols`): the rest can be watched.
Contracts on shares and goods (TRADIFI_PERPETUAL) and those not settled in the quote currency are
left out. Margin tiers are not published.
"""

from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from aggressor.schema.candle import Candles
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.margin import Fees
from aggressor.venues.text.candle_rows import closed_candles
from aggressor.venues.venue import Request
from aggressor.venues.weex.messages import Contract, Listing, Refusal, ServerTime

MS = 1_000_000
CANDLES_MAX = 1_000
SPANS = {
    60: "1m",
    300: "5m",
    900: "15m",
    1_800: "30m",
    3_600: "1h",
    14_400: "4h",
    43_200: "12h",
    86_400: "1d",
}

_DIGITS_MAX = 18
_ROW = 6  # start, open, high, low, close, volume; the order of the rest is not known
_SUCCESS = "200"

Wanted = TypeVar("Wanted")


def read_body(body: bytes, wanted: type[Wanted], what: str) -> Wanted:
    """Return what an answer holds; raise MessageError where WEEX refused, or it is another."""
    return _read(body, wanted, what)


def read_list(body: bytes, of: type[Wanted], what: str) -> list[Wanted]:
    """Return the rows of an answer; raise MessageError."""
    return _read(body, list[of], what)


def _read(body: bytes, wanted: Any, what: str) -> Any:
    try:
        if body.lstrip().startswith(b"{"):
            said = msgspec.json.decode(body, type=Refusal)
            if said.code is not None and str(said.code) != _SUCCESS:
                raise MessageError(
                    f"WEEX refused the question for its {what}: {said.code} {said.msg!r} - see its "
                    "list of codes, then ask again."
                )
        return msgspec.json.decode(body, type=wanted, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, ArithmeticError) as trouble:
        if isinstance(trouble, MessageError):
            raise
        raise MessageError(
            f"The answer is not WEEX's {what} ({trouble}) - fetch it again, or check that it is of "
            "this venue."
        ) from None


def _contracts(body: bytes) -> list[Contract]:
    rows = read_body(body, Listing, "exchangeInfo").symbols
    return [
        one
        for one in rows
        if one.forward_contract_flag
        and one.contract_type == "PERPETUAL"
        and one.margin_asset == one.quote_asset
    ]


def instruments_of(body: bytes, valid_from_ns: int) -> list[Instrument]:
    """Return every crypto contract of the answer; raise MessageError."""
    found = []
    for one in _contracts(body):
        if not (0 <= one.price_precision <= _DIGITS_MAX >= one.quantity_precision >= 0):
            raise MessageError(
                f"WEEX says {one.price_precision} and {one.quantity_precision} decimals for "
                f"{one.symbol} - fetch its contracts again; nothing was taken."
            )
        found.append(
            Instrument(
                venue="weex",
                symbol=one.symbol,
                kind=ContractKind.LINEAR,
                tick=Decimal(1).scaleb(-one.price_precision),
                lot=Decimal(1).scaleb(-one.quantity_precision),
                base=one.base_asset,
                quote=one.quote_asset,
                settle=one.margin_asset,
                valid_from_ns=valid_from_ns,
            )
        )
    return found


def fees_of(body: bytes) -> list[Fees]:
    """Return the fees that the list of contracts states, before any discount of the account."""
    return [
        Fees(one.symbol, one.maker_fee_rate, one.taker_fee_rate)
        for one in _contracts(body)
        if one.maker_fee_rate is not None and one.taker_fee_rate is not None
    ]


def tradable_of(body: bytes) -> frozenset[str]:
    """Return the symbols for which the API takes orders."""
    return frozenset(read_list(body, str, "symbols that take orders"))


def candles_request(host: str, instrument: Instrument, span_s: int, count: int) -> Request:
    """Return the question for `count` closed candles of `span_s` seconds; raise ConfigError."""
    span = SPANS.get(span_s)
    if span is None:
        raise ConfigError(
            f"WEEX has no candles of {span_s} s - take one of {', '.join(map(str, SPANS))}."
        )
    if not 0 < count < CANDLES_MAX:
        raise ConfigError(f"WEEX gives 1 to {CANDLES_MAX - 1} closed candles, not {count}.")
    symbol = quote(instrument.symbol)
    path = f"/capi/v3/market/klines?symbol={symbol}&interval={span}&limit={count + 1}"
    return Request("GET", f"{host}{path}", 1)


def candles_of(body: bytes, instrument: Instrument) -> Candles:
    """Return the closed candles of an answer, oldest first; raise MessageError."""
    rows = read_list(body, list[Decimal], "candles")
    return closed_candles([one[:_ROW] for one in rows], instrument)


def clock_of(body: bytes) -> int:
    """Return the venue's time in ns; raise MessageError."""
    return read_body(body, ServerTime, "time").server_time * MS
