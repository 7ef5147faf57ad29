"""Bybit's public questions: instruments in pages, candles, margin tiers, prints, the clock.

Sizes are base coins on linear contracts and USD on inverse ones, so both have multiplier 1: an
inverse contract is worth 1 USD. There are no micro contracts: smallness is a small `qtyStep`.
Documents: see messages.py.

Candles: the newest of an answer is still open, so one more is asked for than wanted, and only those
are kept whose end lies before the answer's own time. Their prices and volumes are rounded down to
the present grid: they may be older than it.

Margin tiers: the documents' own sample says rates in per cent, other sources fractions (UNSURE),
so a tier is held against itself: initial margin is 1 / leverage at most.
"""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar
from urllib.parse import quote, unquote

import msgspec
import numpy as np

from aggressor.schema.candle import CANDLE, Candles, checked_candles, empty_candles
from aggressor.schema.errors import AggressorError, ConfigError, MessageError
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.bybit.messages import (
    Answer,
    Contract,
    Contracts,
    Kline,
    Klines,
    RiskTier,
    RiskTiers,
    ServerTime,
)
from aggressor.venues.margin import MarginTier
from aggressor.venues.venue import Request

REST = "https://api.bybit.com"
KINDS = {"linear": ContractKind.LINEAR, "inverse": ContractKind.INVERSE}

_PAGE = 1000
_RECENT = 1000
_CANDLES_MAX = 1000
_MS = 1_000_000
_PERCENT = 50  # initial margin x leverage: about 1 as fractions, about 100 in per cent
_MINUTE = 60
_INTERVALS = {minutes * _MINUTE: str(minutes) for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360)}
_INTERVALS |= {12 * 60 * _MINUTE: "720", 24 * 60 * _MINUTE: "D"}
SPANS_S = {name: span_s for span_s, name in _INTERVALS.items()}

Result = TypeVar("Result")

_answer = msgspec.json.Decoder(Answer)


def result_of(body: bytes, form: type[Result]) -> tuple[Result, int]:
    """Return the result of an answer and the venue's time in ms; raise MessageError."""
    try:
        answer = _answer.decode(body)
        if answer.ret_code != 0:
            raise MessageError(
                f"Bybit refused a question: {answer.ret_code} {answer.ret_msg!r} - "
                "docs/venues/bybit.md says what the code means and how to mend it."
            )
        return msgspec.json.decode(answer.result, type=form), answer.time
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        shown = body[:120].decode(errors="replace")
        raise MessageError(
            f"An answer of Bybit is not what it documents ({trouble}): {shown} - ask again; if it "
            "stays so, the venue has changed its form."
        ) from None


def _checked(read: Callable[[], Result]) -> Result:
    """Return what is read; a number that is none becomes a MessageError."""
    try:
        return read()
    except AggressorError:
        raise
    except (ValueError, ArithmeticError) as trouble:
        raise MessageError(
            f"An answer of Bybit holds a number that is none ({trouble!r}) - ask again; if it "
            "stays so, the venue has changed its form."
        ) from None


def ask(path: str, category: str, instrument: Instrument | None = None, more: str = "") -> Request:
    """Return a public question about a category, or about one instrument of it."""
    symbol = "" if instrument is None else f"&symbol={quote(instrument.symbol)}"
    return Request("GET", f"{REST}/v5/market/{path}?category={category}{symbol}{more}", 1)


def definitions_request(category: str, cursor: str = "") -> Request:
    """Return the question for the list of instruments, or its next page."""
    page = f"&cursor={quote(unquote(cursor), safe='')}" if cursor else ""
    return ask("instruments-info", category, more=f"&limit={_PAGE}{page}")


def definitions_next(category: str, body: bytes) -> Request | None:
    """Return the question for the next page, None behind the last."""
    contracts, _ = result_of(body, Contracts)
    cursor = contracts.next_page_cursor
    return definitions_request(category, cursor) if cursor and contracts.rows else None


def instruments(venue: str, category: str, body: bytes, valid_from_ns: int) -> list[Instrument]:
    """Return every instrument of a page that has a grid; raise MessageError."""
    contracts, _ = result_of(body, Contracts)
    found = (_instrument(venue, category, one, valid_from_ns) for one in contracts.rows)
    return _checked(lambda: [one for one in found if one is not None])


def _instrument(venue: str, category: str, one: Contract, valid_from_ns: int) -> Instrument | None:
    tick = Decimal(one.price_filter.tick_size or 0)
    lot = Decimal(one.lot_size_filter.qty_step or 0)
    of_category = one.contract_type.lower().startswith(category)  # LinearPerpetual, InverseFutures
    if not of_category or tick <= 0 or lot <= 0:
        return None
    return Instrument(
        venue=venue,
        symbol=one.symbol,
        kind=KINDS[category],
        tick=tick.normalize(),
        lot=lot.normalize(),
        base=one.base_coin,
        quote=one.quote_coin,
        settle=one.settle_coin,
        valid_from_ns=valid_from_ns,
    )


def trades_request(category: str, instrument: Instrument) -> Request:
    """Return the question for the last 1000 prints."""
    return ask("recent-trade", category, instrument, f"&limit={_RECENT}")


def clock_request() -> Request:
    """Return the question for the venue's clock."""
    return Request("GET", f"{REST}/v5/market/time", 1)


def read_clock(body: bytes) -> int:
    """Return the venue's time in ns since the epoch; raise MessageError."""
    time, _ = result_of(body, ServerTime)
    return _checked(lambda: int(time.time_nano))


def candles_request(category: str, instrument: Instrument, span_s: int, count: int) -> Request:
    """Return the question for the last closed candles of so many seconds; raise ConfigError."""
    interval = _INTERVALS.get(span_s)
    if interval is None:
        known = ", ".join(map(str, _INTERVALS))
        raise ConfigError(f"Bybit has no candles of {span_s} s - use one of: {known}.")
    limit = min(count + 1, _CANDLES_MAX)
    return ask("kline", category, instrument, f"&interval={interval}&limit={limit}")


def read_candles(body: bytes, instrument: Instrument) -> Candles:
    """Return the closed candles of an answer, oldest first; raise MessageError."""
    klines, now_ms = result_of(body, Klines)
    rows = klines.rows[::-1]
    opens = _checked(lambda: [int(row.start) for row in rows])
    if len(opens) < 2:
        return empty_candles(0)  # alone, nobody can say how long it lasts
    span_ms = min(later - earlier for earlier, later in pairwise(opens))
    if span_ms <= 0:
        raise MessageError(
            f"The candles of {instrument.id} are not in order of time - ask for them again."
        )
    closed = [row for row, start in zip(rows, opens, strict=True) if start + span_ms <= now_ms]
    read = [_checked(lambda row=row: _candle(row, instrument)) for row in closed]
    return _checked(lambda: checked_candles(np.array(read, CANDLE), span_ms * _MS))


def _candle(row: Kline, instrument: Instrument) -> tuple[int, ...]:
    """Return the fields of a CANDLE."""
    texts = (row.open, row.high, row.low, row.close)
    prices = [int(Decimal(one) // instrument.tick) for one in texts]
    return int(row.start) * _MS, int(Decimal(row.volume) // instrument.lot), *prices


def margin_request(category: str, instrument: Instrument) -> Request:
    """Return the question for an instrument's margin tiers."""
    return ask("risk-limit", category, instrument)


def read_margin(body: bytes) -> list[MarginTier]:
    """Return margin tiers, the smallest first; raise MessageError."""
    tiers, _ = result_of(body, RiskTiers)
    found = _checked(lambda: [_tier(one) for one in tiers.rows])
    return sorted(found, key=lambda tier: (tier.symbol, tier.value_max or 0))


def _tier(one: RiskTier) -> MarginTier:
    initial, leverage = Decimal(one.initial_margin), Decimal(one.max_leverage)
    part = Decimal("0.01") if initial * leverage > _PERCENT else Decimal(1)
    return MarginTier(
        symbol=one.symbol,
        value_max=Decimal(one.risk_limit_value),
        size_max=None,
        initial=initial * part,
        maintenance=Decimal(one.maintenance_margin) * part,
        deduction=Decimal(one.mm_deduction or 0),
        leverage_max=leverage,
    )
