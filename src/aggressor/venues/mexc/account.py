"""MEXC's answers about the account, and its private stream, in the words of `venues.trading`.

Order states: 1 just received, 2 resting, 3 filled, 4 cancelled, 5 invalid. An order that could not
rest (IOC, FOK, market) and is "cancelled" has expired; a post-only order that would cross ends in 4
or 5, which is not documented: 5 is taken to say so. States of an order with a trigger: 1 waits, 2
cancelled, 3 executed, 4 and 5 failed; TRIGGERED carries the id of the order that it became.

A position names its leg even where the account nets: then there is one at a time. The stream tells
of an asset only what is free; it does not tell funding.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from aggressor.schema import report
from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, NO_TIME, SELL
from aggressor.venues.margin import Fees
from aggressor.venues.mexc import account_messages as form
from aggressor.venues.mexc.instruments import API_FEES, data_of
from aggressor.venues.mexc.requests import PAGE
from aggressor.venues.text.numerals import number_of, text_of
from aggressor.venues.trading import (
    BalanceUpdate,
    Call,
    FillUpdate,
    OrderUpdate,
    PositionUpdate,
    Update,
)

_Form = TypeVar("_Form")

_MS = 1_000_000
_PERSONAL = "push.personal."

_STATES = {1: report.ACK, 2: report.ACK, 3: report.FILL, 4: report.CANCELED, 5: report.REJECTED}
_PLAN_STATES = {
    1: report.ACK,
    2: report.CANCELED,
    3: report.TRIGGERED,
    4: report.EXPIRED,
    5: report.REJECTED,
}
_DIED_OF = {
    1: report.BAD_FIELD,
    2: report.NO_MARGIN,
    3: report.REDUCE_ONLY_EMPTY,
    4: report.REDUCE_ONLY_EMPTY,
    5: report.PRICE_BAND,
    6: report.PRICE_BAND,
    7: report.NO_MARGIN,
}
_SIDES = {1: BUY, 2: BUY, 3: SELL, 4: SELL}
_LEGS = {1: 1, 2: -1}
_POST_ONLY = 2
_TAKES = (3, 4, 5, 6)  # IOC, FOK, market: cannot rest
_CANCELED, _INVALID = 4, 5


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    """Some lists come in a page."""

    result_list: msgspec.Raw


_raw = msgspec.json.Decoder(msgspec.Raw)
_page = msgspec.json.Decoder(_Page)
_push = msgspec.json.Decoder(form.Push)
_order = msgspec.json.Decoder(form.Order)
_orders = msgspec.json.Decoder(list[form.Order])
_plan = msgspec.json.Decoder(form.Plan)
_plans = msgspec.json.Decoder(list[form.Plan])
_fill = msgspec.json.Decoder(form.Fill)
_fills = msgspec.json.Decoder(list[form.Fill])
_position = msgspec.json.Decoder(form.Position)
_positions = msgspec.json.Decoder(list[form.Position])
_asset = msgspec.json.Decoder(form.Asset)
_assets = msgspec.json.Decoder(list[form.Asset])
_fee_rate = msgspec.json.Decoder(form.FeeRate)


def _as(decoder: "msgspec.json.Decoder[_Form]", data: bytes, what: str) -> _Form:
    """Decode a part of a message; raise MessageError."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
        shown = data[:120].decode(errors="replace")
        raise MessageError(
            f"MEXC's answer is not {what} ({trouble}): {shown} - mend the request, or ask again."
        ) from None


def _data(text: bytes, what: str) -> bytes:
    """Return the data of an answer, or the list of its page; raise MessageError."""
    data = bytes(data_of(text, _raw, what))
    return bytes(_as(_page, data, what).result_list) if b'"resultList"' in data[:400] else data


def _of(table: dict[int, int], key: int, what: str) -> int:
    found = table.get(key)
    if found is None:
        raise MessageError(
            f"MEXC names {what} {key}, which it does not document - ask for the order again."
        )
    return found


def _nanoseconds(ms: int | str | None) -> int:
    """Return a time in ns; NO_TIME for none."""
    return ms * _MS if isinstance(ms, int) and ms > 0 else NO_TIME


def _price(raw: msgspec.Raw) -> str:
    """Return a price, "" for the zeros that stand where there is none."""
    text = text_of(raw)
    return text if text and number_of(text) != 0 else ""


def _id(value: int | str | None) -> str:
    """Return an id, "" for the zero that stands where there is none."""
    return "" if value in (None, 0, "0") else str(value)


def read_orders(text: bytes) -> list[OrderUpdate]:
    """Read one order or many, plain or with a trigger; raise MessageError."""
    data = _data(text, "of orders")
    if data in (b"", b"null", b"[]"):
        return []
    many = data[:1] == b"["
    if b'"triggerPrice"' in data:
        plans = _as(_plans, data, "of orders") if many else [_as(_plan, data, "of an order")]
        return [_plan_update(one) for one in plans]
    orders = _as(_orders, data, "of orders") if many else [_as(_order, data, "of an order")]
    return [_order_update(one) for one in orders]


def _order_update(one: form.Order) -> OrderUpdate:
    kind = _of(_STATES, one.state, "an order's state")
    reason = _DIED_OF.get(one.error_code, report.NO_REASON)
    filled = text_of(one.deal_vol) or "0"
    if one.state == _CANCELED and one.order_type in _TAKES:
        kind, reason = report.EXPIRED, reason or report.NO_LIQUIDITY
    elif one.state == _INVALID and one.order_type == _POST_ONLY:
        reason = reason or report.WOULD_CROSS
    return OrderUpdate(
        symbol=one.symbol,
        client_id=one.external_oid or "",
        venue_id=str(one.order_id),
        kind=kind,
        side=_of(_SIDES, one.side, "a side"),
        price=_price(one.price),
        size=text_of(one.vol),
        filled=filled,
        ts_venue=_nanoseconds(one.update_time),
        reason=reason,
        reduce_only=bool(one.reduce_only) or one.side in (2, 4),
        text=f"error {one.error_code}" if one.error_code else "",
    )


def _plan_update(one: form.Plan) -> OrderUpdate:
    return OrderUpdate(
        symbol=one.symbol,
        client_id="",
        venue_id=_id(one.order_id) or str(one.id),
        kind=_of(_PLAN_STATES, one.state, "the state of an order with a trigger"),
        side=_of(_SIDES, one.side, "a side"),
        price=_price(one.price),
        size=text_of(one.vol),
        filled="0",
        ts_venue=_nanoseconds(one.update_time),
        trigger=_price(one.trigger_price),
        reason=_DIED_OF.get(one.error_code, report.NO_REASON),
        reduce_only=bool(one.reduce_only) or one.side in (2, 4),
        text=f"plan {one.id}",
        born_of=str(one.id),
    )


def read_fills(text: bytes) -> list[FillUpdate]:
    """Read our fills, oldest first; raise MessageError."""
    fills = [_fill_update(one) for one in _as(_fills, _data(text, "of fills"), "of fills")]
    return sorted(fills, key=lambda one: one.ts_venue)


def _fill_update(one: form.Fill) -> FillUpdate:
    taker = one.is_taker if one.is_taker is not None else one.taker
    return FillUpdate(
        symbol=one.symbol,
        client_id=one.external_oid or "",
        venue_id=str(one.order_id),
        trade_id=str(one.id),
        side=_of(_SIDES, one.side, "a side"),
        price=text_of(one.price),
        size=text_of(one.vol),
        fee=text_of(one.fee),
        fee_asset=one.fee_currency,
        maker=taker is False,
        ts_venue=_nanoseconds(one.timestamp),
    )


def next_page(call: Call, text: bytes) -> Call | None:
    """Return the question for the next page of a list, None if that was the last."""
    query = dict(call.query)
    if "page_num" not in query:
        return None
    listed = _as(msgspec.json.Decoder(list[msgspec.Raw]), _data(text, "a list"), "a list")
    if len(listed) < PAGE:
        return None
    query["page_num"] = str(int(query["page_num"]) + 1)
    return call._replace(query=tuple(query.items()))


def read_positions(text: bytes) -> list[PositionUpdate]:
    """Read positions; raise MessageError."""
    data = _data(text, "of positions")
    return [_position_update(one, NO_TIME) for one in _as(_positions, data, "of positions")]


def _position_update(one: form.Position, at: int) -> PositionUpdate:
    leg = _of(_LEGS, one.position_type, "a position's side")
    size = text_of(one.hold_vol)
    updated = _nanoseconds(one.update_time)
    return PositionUpdate(
        symbol=one.symbol,
        size=f"-{size}" if leg < 0 and number_of(size) != 0 else size,
        entry=text_of(one.hold_avg_price),
        liquidation=_price(one.liquidate_price),
        leverage=text_of(one.leverage),
        isolated=one.open_type == 1,
        ts_venue=at if updated == NO_TIME else updated,
        leg=leg,
    )


def read_balances(text: bytes) -> list[BalanceUpdate]:
    """Read balances; raise MessageError."""
    data = _data(text, "of balances")
    return [_balance(one, NO_TIME) for one in _as(_assets, data, "of balances")]


def _balance(one: form.Asset, at: int) -> BalanceUpdate:
    equity, profit = text_of(one.equity), text_of(one.unrealized)
    wallet = format(number_of(equity) - number_of(profit or "0"), "f") if equity else ""
    return BalanceUpdate(one.currency, wallet, text_of(one.available_balance), at)


def read_fees(text: bytes) -> list[Fees]:
    """Read the account's fees, or those of API orders where they are higher; MessageError.

    Whether the venue states the rates of the web here is not documented.
    """
    one = data_of(text, _fee_rate, "of fees")
    maker = number_of(text_of(one.real_maker_fee) or text_of(one.maker_fee))
    taker = number_of(text_of(one.real_taker_fee) or text_of(one.taker_fee))
    return [Fees("", max(maker, API_FEES.maker), max(taker, API_FEES.taker))]


def decode_private(message: bytes) -> Sequence[Update]:
    """Read a message of the private stream; () for what says nothing new; raise MessageError."""
    push = _as(_push, message, "a message of the private stream")
    if not push.channel.startswith(_PERSONAL):
        return ()
    reader = _PUSHES.get(push.channel[len(_PERSONAL) :])
    return () if reader is None else reader(bytes(push.data), _nanoseconds(push.ts))


def _pushed_order(data: bytes, at: int) -> Sequence[Update]:
    one = _as(_order, data, "an order")
    return () if one.state == 1 else (_order_update(one),)


def _pushed_plan(data: bytes, at: int) -> Sequence[Update]:
    return (_plan_update(_as(_plan, data, "an order with a trigger")),)


def _pushed_fill(data: bytes, at: int) -> Sequence[Update]:
    return (_fill_update(_as(_fill, data, "a fill")),)


def _pushed_position(data: bytes, at: int) -> Sequence[Update]:
    return (_position_update(_as(_position, data, "a position"), at),)


def _pushed_asset(data: bytes, at: int) -> Sequence[Update]:
    return (_balance(_as(_asset, data, "a balance"), at),)


_PUSHES: dict[str, Callable[[bytes, int], Sequence[Update]]] = {
    "order": _pushed_order,
    "plan.order": _pushed_plan,
    "order.deal": _pushed_fill,
    "position": _pushed_position,
    "asset": _pushed_asset,
}
