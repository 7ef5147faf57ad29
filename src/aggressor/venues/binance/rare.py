"""Binance messages that come seldom, through msgspec: liquidations, marks, interest, status.

Each gives one or two rows. A LIQUIDATION carries size and price of the order (`q`, `p`): its price
is on the grid, the average fill `ap` is not. A message about a symbol of the other futures market
(`st`), as the merged streams of 2026 send them, is ignored. What is not used at all is named, so
that it can be counted.
"""

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

import msgspec

from aggressor.schema.errors import MessageError, UnitError
from aggressor.schema.event import (
    BUY,
    FUNDING,
    INTEREST,
    LIQUIDATION,
    MARK,
    PRICE_MAX,
    SELL,
    STATUS,
    Status,
)
from aggressor.schema.instrument import Instrument
from aggressor.venues.binance.messages import ContractInfo, ForceOrder, MarkPrice, OpenInterest
from aggressor.venues.binance.tables import nanoseconds
from aggressor.venues.text.numerals import number_of

_NS_PER_MINUTE = 60_000_000_000
_SIZE_MAX = 2**63 - 1
_EIGHT = Decimal("1e-8")

_STATUS = {"TRADING": Status.TRADING, "TRADING_HALT": Status.HALTED}


class Row(NamedTuple):
    """One EVENT without its receive time; the last of a message gets LAST."""

    kind: int
    ts_venue: int
    size: int
    price: int
    side: int


class Rare(NamedTuple):
    """What a message says: of which symbol, and its rows; or why it is ignored."""

    symbol: str
    rows: tuple[Row, ...]
    ignored: str


class _Head(msgspec.Struct, frozen=True):
    """What tells the kind of a message."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    e: str = ""
    open_interest: str = msgspec.field(default="", name="openInterest")
    result: msgspec.Raw = msgspec.Raw(b"")
    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    error: msgspec.Raw = msgspec.Raw(b"")


_head = msgspec.json.Decoder(_Head)
_force_order = msgspec.json.Decoder(ForceOrder)
_mark_price = msgspec.json.Decoder(MarkPrice)
_contract_info = msgspec.json.Decoder(ContractInfo)
_open_interest = msgspec.json.Decoder(OpenInterest)

Lookup = Callable[[str], Instrument | None]

_NOT_DOCUMENTED = (
    msgspec.DecodeError,
    UnicodeDecodeError,
    ArithmeticError,
    UnitError,
    RecursionError,
)


def _ignored(why: str) -> Rare:
    return Rare("", (), why)


def _steps_down(text: str, step: Decimal) -> int:
    """Return how many whole steps fit into a value the venue does not keep on the grid."""
    return int((number_of(text) / step).to_integral_value(ROUND_FLOOR))


def _stamp(value: int) -> int:
    """Return a time in ms, us or ns since 1970 as ns; raise UnitError for what is none."""
    if not 0 <= value < 2**63:
        raise UnitError(f"{value} is no time")
    return int(nanoseconds(value))


def read_rare(message: bytes, market: int, lookup: Lookup) -> Rare:
    """Read a message that the kernels left; raise MessageError if it is not one of Binance's.

    `market` is the venue's `st` (0 spot); `lookup` gives the instrument of a symbol.
    """
    try:
        head = _head.decode(message)
        if head.data and not head.e:
            message = bytes(head.data)
            if message[:1] == b"[":
                return _ignored(head.stream.lstrip("!") or "array")
            head = _head.decode(message)
        rare = _rows(head, message, market, lookup)
        if any(abs(row.price) > PRICE_MAX or abs(row.size) > _SIZE_MAX for row in rare.rows):
            raise UnitError("a number is too large")
        return rare
    except _NOT_DOCUMENTED as trouble:
        raise MessageError(
            f"A message is not what Binance documents ({trouble}): {_start(message)} - check that "
            "the recording is of this venue; the line can be skipped."
        ) from None


def _rows(head: _Head, message: bytes, market: int, lookup: Lookup) -> Rare:
    if head.error or (head.code is not None and head.msg):
        raise MessageError(
            f"Binance refused a request: {_start(message)} - mend the request; nothing was decoded."
        )
    if head.open_interest:
        return _interest(_open_interest.decode(message), lookup)
    if head.e == "forceOrder":
        return _liquidation(_force_order.decode(message), market, lookup)
    if head.e == "markPriceUpdate":
        return _mark(_mark_price.decode(message), market, lookup)
    if head.e == "contractInfo":
        return _status(_contract_info.decode(message), market, lookup)
    if head.e:
        return _ignored(head.e)
    if head.result or head.id is not None:
        return _ignored("answer")
    return _ignored("unnamed")


def _start(message: bytes) -> str:
    return message[:120].decode(errors="replace")


def _interest(answer: OpenInterest, lookup: Lookup) -> Rare:
    instrument = lookup(answer.symbol)
    if instrument is None:
        return Rare(answer.symbol, (), "")
    lots = _steps_down(answer.open_interest, instrument.lot)
    row = Row(INTEREST, _stamp(answer.time), lots, 0, 0)
    return Rare(answer.symbol, (row,), "")


def _liquidation(event: ForceOrder, market: int, lookup: Lookup) -> Rare:
    order = event.o
    if _elsewhere(event.st or order.st, market):
        return _ignored("forceOrder of the other market")
    instrument = lookup(order.s)
    if instrument is None:
        return Rare(order.s, (), "")
    side = BUY if order.S == "BUY" else SELL
    size, price = instrument.lots(order.q), instrument.ticks(order.p)
    return Rare(order.s, (Row(LIQUIDATION, _stamp(order.T), size, price, side),), "")


def _mark(event: MarkPrice, market: int, lookup: Lookup) -> Rare:
    if _elsewhere(event.st, market):
        return _ignored("markPriceUpdate of the other market")
    instrument = lookup(event.s)
    if instrument is None:
        return Rare(event.s, (), "")
    at = _stamp(event.E)
    price = _steps_down(event.p, instrument.tick)
    mark = Row(MARK, at, _steps_down(event.p, _EIGHT), price, 0)
    if not event.r or event.T == 0:
        return Rare(event.s, (mark,), "")
    minute = _stamp(event.T) // _NS_PER_MINUTE
    return Rare(event.s, (mark, Row(FUNDING, at, _steps_down(event.r, _EIGHT), minute, 0)), "")


def _status(event: ContractInfo, market: int, lookup: Lookup) -> Rare:
    if _elsewhere(event.st, market):
        return _ignored("contractInfo of the other market")
    if lookup(event.s) is None:
        return Rare(event.s, (), "")
    status = _STATUS.get(event.cs, Status.CLOSED)
    return Rare(event.s, (Row(STATUS, _stamp(event.E), int(status), 0, 0),), "")


def _elsewhere(stated: int, market: int) -> bool:
    return stated != 0 and stated != market
