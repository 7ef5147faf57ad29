"""Binance's instruments: from exchangeInfo, or inferred from a recording that came without it.

An inferred grid is the greatest common divisor of all prices (sizes) seen: the coarsest grid that
holds them, never finer than the true one. A later recording may show a price between its steps;
decoding it then stops with an error that says so. Inferred instruments carry `inferred=True`: good
for study, not for orders.
"""

from decimal import Decimal

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel, kernel_inline
from aggressor.market.align import NONE, REST_SNAPSHOT, align_state
from aggressor.schema.errors import MessageError
from aggressor.schema.event import INSTRUMENTS_MAX
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.schema.units import PARSED, parse_units
from aggressor.venues.binance.fields import ASKS, BIDS, SYMBOL, find_fields, letter
from aggressor.venues.binance.lines import line_stop, read_local_time
from aggressor.venues.binance.messages import ExchangeInfo, SymbolInfo
from aggressor.venues.binance.tables import Tables, add_symbol, empty_tables, find_lane
from aggressor.venues.text.quick import Int, Text
from aggressor.venues.text.scan import (
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE_MARK,
    string_stop,
    unquoted,
)

_DECIMALS = 8  # Binance writes no more
_USED = 0
_NEW_SYMBOL = 1

_info = msgspec.json.Decoder(ExchangeInfo)

_s, _b, _B, _a, _A, _p, _q = (letter(key) for key in "sbBaApq")


def instruments_from_exchange_info(
    venue: str, kind: ContractKind, text: bytes, valid_from_ns: int
) -> list[Instrument]:
    """Return every instrument of an exchangeInfo answer that has a grid; raise MessageError."""
    try:
        symbols = _info.decode(text).symbols
    except (msgspec.DecodeError, UnicodeDecodeError) as trouble:
        raise MessageError(
            f"The answer is not {venue}'s exchangeInfo ({trouble}) - fetch it again, or check "
            "that it is of this venue."
        ) from None
    found = (_instrument(venue, kind, symbol, valid_from_ns) for symbol in symbols)
    return [instrument for instrument in found if instrument is not None]


def _instrument(
    venue: str, kind: ContractKind, symbol: SymbolInfo, valid_from_ns: int
) -> Instrument | None:
    steps = {rule.filter_type: rule.tick_size or rule.step_size for rule in symbol.filters}
    tick = Decimal(steps.get("PRICE_FILTER") or 0)
    lot = Decimal(steps.get("LOT_SIZE") or 0)
    if tick <= 0 or lot <= 0:
        return None
    multiplier = Decimal(1)
    if kind is ContractKind.INVERSE:
        multiplier = (
            _contract_size(symbol.symbol)
            if symbol.contract_size is None
            else Decimal(str(symbol.contract_size))
        )
    return Instrument(
        venue=venue,
        symbol=symbol.symbol,
        kind=kind,
        tick=tick.normalize(),
        lot=lot.normalize(),
        multiplier=multiplier,
        base=symbol.base_asset,
        quote=symbol.quote_asset,
        settle=symbol.margin_asset or symbol.quote_asset,
        valid_from_ns=valid_from_ns,
    )


def _contract_size(symbol: str) -> Decimal:
    """Return what a COIN-M contract is worth in USD where the venue has not said it."""
    return Decimal(100 if symbol.startswith("BTCUSD") else 10)


@kernel
def _divisor(one: Int, other: Int) -> Int:
    """Return the greatest common divisor; of 0 and x it is x."""
    while other != 0:
        one, other = other, one % other
    return one


@kernel_inline
def _take(
    text: Text, start: Int, stop: Int, divisors: NDArray[np.int64], k: Int, column: Int
) -> None:
    """Take one number into the divisor of lane k; one too large for 8 decimals is passed over."""
    units, code = parse_units(text, start, stop, _DECIMALS)
    if code != PARSED or units == 0:
        return
    so_far = divisors[k, column]
    if so_far == 0 or units % so_far != 0:
        divisors[k, column] = _divisor(units, so_far)


@kernel
def _take_place(
    text: Text, tables: Tables, place: Int, divisors: NDArray[np.int64], k: Int, column: Int
) -> None:
    """Take what stands at a place: one number, or a list of levels with both."""
    start, stop = tables.spans[0, place], tables.spans[1, place]
    if start < 0:
        return
    if text[start] != OPEN_LIST:
        begin, end = unquoted(text, start, stop)
        _take(text, begin, end, divisors, k, column)
        return
    part = 0
    i = start
    while i < stop:
        byte = text[i]
        if byte == OPEN_LIST:
            part = 0
        elif byte == QUOTE_MARK:
            end = string_stop(text, i, stop)
            if part < 2:
                _take(text, i + 1, end - 1, divisors, k, part)
            part += 1
            i = end - 1
        i += 1


@kernel
def _survey(
    text: Text, start: Int, stop: Int, tables: Tables, divisors: NDArray[np.int64], hint: Int
) -> tuple[Int, Int]:
    """Take all numbers of the lines in text[start:stop]: (position, _USED or _NEW_SYMBOL)."""
    i = start
    while i < stop:
        begin = i
        if text[i] != OPEN_OBJECT:
            _, begin = read_local_time(text, i, stop)
        end = -1
        if begin >= 0:
            end = find_fields(text, begin, stop, tables.spans)
        if end >= 0:
            k = hint
            place = SYMBOL if tables.spans[0, _s] < 0 else _s
            if tables.spans[0, place] >= 0:
                k = find_lane(text, tables, place)
                if k < 0:
                    return i, _NEW_SYMBOL
            if k >= 0:
                for column in range(2):
                    _take_place(text, tables, _q if column else _p, divisors, k, column)
                    _take_place(text, tables, _B if column else _b, divisors, k, column)
                    _take_place(text, tables, _A if column else _a, divisors, k, column)
                _take_place(text, tables, BIDS, divisors, k, 0)
                _take_place(text, tables, ASKS, divisors, k, 0)
        i = line_stop(text, i if end < 0 else end, stop) + 1
    return i, _USED


def infer_instruments(
    venue: str,
    kind: ContractKind,
    text: NDArray[np.uint8],
    valid_from_ns: int,
    symbol: str = "",
) -> list[Instrument]:
    """Return an inferred instrument for every symbol in a text of lines `[<time> ]<json>`.

    `symbol` is what an answer that names none is about; without it, such answers are passed over.
    """
    tables = empty_tables((), align_state(INSTRUMENTS_MAX, REST_SNAPSHOT, NONE))
    divisors = np.zeros((INSTRUMENTS_MAX, 2), np.int64)
    symbols: list[str] = []
    if symbol:
        add_symbol(tables, 0, symbol)
        symbols.append(symbol)
    at, hint = 0, 0 if symbol else -1
    while True:
        at, code = _survey(text, at, text.size, tables, divisors, hint)
        if code == _USED or len(symbols) == INSTRUMENTS_MAX:
            break
        place = SYMBOL if tables.spans[0, _s] < 0 else _s
        name = bytes(text[slice(*tables.spans[:, place])]).strip(b'"').decode(errors="replace")
        add_symbol(tables, len(symbols), name)
        symbols.append(name)
    return [
        _inferred(venue, kind, name, divisors[k], valid_from_ns)
        for k, name in enumerate(symbols)
        if divisors[k].all()
    ]


def _step_of(units: int) -> Decimal:
    """Return a divisor as a grid step."""
    return Decimal(int(units)).scaleb(-_DECIMALS).normalize()


def _inferred(
    venue: str, kind: ContractKind, symbol: str, divisors: NDArray[np.int64], valid_from_ns: int
) -> Instrument:
    inverse = kind is ContractKind.INVERSE
    base, quote = currencies(symbol)
    return Instrument(
        venue=venue,
        symbol=symbol,
        kind=kind,
        tick=_step_of(divisors[0]),
        lot=_step_of(divisors[1]),
        multiplier=_contract_size(symbol) if inverse else Decimal(1),
        base=base,
        quote=quote,
        settle=base if inverse else quote,
        valid_from_ns=valid_from_ns,
        inferred=True,
    )


def currencies(symbol: str) -> tuple[str, str]:
    """Return base and quote as a symbol's ending tells them, "" where it does not."""
    pair = symbol.split("_", 1)[0]
    for quote in ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "BTC", "ETH", "BNB", "EUR"):
        if pair.endswith(quote) and len(pair) > len(quote):
            return pair[: -len(quote)], quote
    return "", ""
