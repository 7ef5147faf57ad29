"""MEXC's contracts, margin tiers, candles and clock.

Sizes are numbers of contracts everywhere; `contractSize` base coins each are the multiplier. The
tick is `priceUnit`, not what `priceScale` suggests. Contracts that settle in coins are left out.
Those that take no orders by API can be followed all the same: `read_tradable` says which do.

API orders have fees of their own, above those that the list of contracts shows: since 2026-06-01
0.06 % maker and 0.08 % taker (announcements of March 2026).
"""

from decimal import Decimal
from typing import TypeVar
from urllib.parse import quote

import msgspec

from aggressor.schema.candle import Candles, empty_candles
from aggressor.schema.errors import ConfigError, MessageError, UnitError
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.margin import Fees, MarginTier
from aggressor.venues.mexc.messages import Answer, Columns, Contract
from aggressor.venues.text.numerals import number_of, text_of
from aggressor.venues.venue import Request

API_FEES = Fees("", Decimal("0.0006"), Decimal("0.0008"))

TIERS_MAX = 1000
_SECOND_NS = 1_000_000_000
_INTERVALS = {
    60: "Min1",
    300: "Min5",
    900: "Min15",
    1800: "Min30",
    3600: "Min60",
    14_400: "Hour4",
    28_800: "Hour8",
}

_Form = TypeVar("_Form")

_answer = msgspec.json.Decoder(Answer)
_contracts = msgspec.json.Decoder(list[Contract] | Contract)
_columns = msgspec.json.Decoder(Columns)
_number = msgspec.json.Decoder(int)


def data_of(text: bytes, decoder: "msgspec.json.Decoder[_Form]", what: str) -> _Form:
    """Return the data of an answer that succeeded; raise MessageError for any other."""
    try:
        answer = _answer.decode(text)
        if answer.success:
            return decoder.decode(bytes(answer.data))
        trouble = f"{answer.code} {answer.message or answer.msg}"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        trouble = str(error)
    shown = text[:120].decode(errors="replace")
    raise MessageError(
        f"MEXC's answer is not {what} ({trouble}): {shown} - mend the request, or ask again."
    )


def _listed(text: bytes, what: str) -> list[Contract]:
    found = data_of(text, _contracts, what)
    return found if isinstance(found, list) else [found]


def instruments_of(text: bytes, valid_from_ns: int) -> list[Instrument]:
    """Return every linear contract of a list that has a grid; raise MessageError."""
    found = (_instrument(one, valid_from_ns) for one in _listed(text, "its list of contracts"))
    return [one for one in found if one is not None]


def _instrument(contract: Contract, valid_from_ns: int) -> Instrument | None:
    steps = [
        number_of(text_of(raw) or "0")
        for raw in (contract.price_unit, contract.vol_unit, contract.contract_size)
    ]
    if min(steps) <= 0 or contract.settle_coin != contract.quote_coin:
        return None
    tick, lot, size = (step.normalize() for step in steps)
    return Instrument(
        venue="mexc",
        symbol=contract.symbol,
        kind=ContractKind.LINEAR,
        tick=tick,
        lot=lot,
        multiplier=size,
        base=contract.base_coin,
        quote=contract.quote_coin,
        settle=contract.settle_coin,
        valid_from_ns=valid_from_ns,
    )


def read_tradable(text: bytes) -> frozenset[str]:
    """Return the symbols that take orders by API now; raise MessageError."""
    listed = _listed(text, "its list of contracts")
    return frozenset(one.symbol for one in listed if one.api_allowed and one.state == 0)


def margin_request(host: str, instrument: Instrument) -> Request:
    """Return the question for a contract's margin tiers."""
    return Request("GET", f"{host}/api/v1/contract/detail?symbol={quote(instrument.symbol)}", 1)


def read_margin(text: bytes) -> list[MarginTier]:
    """Return the tiers of each contract of an answer, the smallest first; raise MessageError.

    Each takes the whole position at its own rates. Tiers rise in equal steps, or are listed.
    """
    return [tier for one in _listed(text, "of contracts") for tier in _tiers(one)]


def _tiers(one: Contract) -> list[MarginTier]:
    leverage_max = number_of(text_of(one.max_leverage) or "1")
    if one.risk_limit_custom:
        steps = [
            tuple(number_of(text_of(raw)) for raw in (tier.max_vol, tier.mmr, tier.imr))
            for tier in one.risk_limit_custom
        ]
    else:
        most, more, mmr, mmr_step, imr, imr_step = (
            number_of(text_of(raw) or "0")
            for raw in (
                one.risk_base_vol,
                one.risk_incr_vol,
                one.maintenance_margin_rate,
                one.risk_incr_mmr,
                one.initial_margin_rate,
                one.risk_incr_imr,
            )
        )
        levels = range(min(max(one.risk_level_limit, 1), TIERS_MAX))
        steps = [(most + n * more, mmr + n * mmr_step, imr + n * imr_step) for n in levels]
    if any(initial <= 0 for _, _, initial in steps):
        raise MessageError(f"MEXC states no initial margin of {one.symbol} - ask again.")
    return [
        MarginTier(
            symbol=one.symbol,
            value_max=None,
            size_max=size,
            initial=initial,
            maintenance=maintenance,
            leverage_max=min(1 / initial, leverage_max),
        )
        for size, maintenance, initial in steps
    ]


def candles_request(host: str, instrument: Instrument, span_s: int, count: int) -> Request:
    """Return the request for the last candles of `span_s`: up to 2000, however many are wanted.

    Days are left out: where they begin is not documented.
    """
    interval = _INTERVALS.get(span_s)
    if interval is None:
        spans = ", ".join(map(str, _INTERVALS))
        raise ConfigError(f"MEXC has no candles of {span_s} s that are used - use one of {spans}.")
    path = f"/api/v1/contract/kline/{quote(instrument.symbol)}"
    return Request("GET", f"{host}{path}?interval={interval}", 1)


def candles_of(text: bytes, instrument: Instrument) -> Candles:
    """Return the closed candles of an answer, oldest first; raise MessageError.

    The last one may still run and is left out, as is what is older than a price off the grid.
    """
    columns = data_of(text, _columns, "of candles")
    prices = (columns.open, columns.high, columns.low, columns.close)
    rows = list(zip(columns.time, columns.vol, *prices, strict=False))[:-1]
    candles = empty_candles(len(rows))
    used = len(rows)
    for time, volume, *four in reversed(rows):
        try:
            lots = instrument.lots(text_of(volume))
            ticks = [instrument.ticks(text_of(price)) for price in four]
            candles[used - 1] = (time * _SECOND_NS, lots, *ticks)
        except (UnitError, OverflowError):
            break
        used -= 1
    return candles[used:]


def clock_of(text: bytes) -> int:
    """Return the venue's time in ns; raise MessageError."""
    return data_of(text, _number, "its clock") * 1_000_000
