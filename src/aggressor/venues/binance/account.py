"""Binance's answers about the account in the words of `venues.trading` and `venues.margin`.

An order with a trigger, once triggered, lives on as a plain order with another id: TRIGGERED
carries that id.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from aggressor.schema import report
from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, NO_TIME, SELL
from aggressor.venues.binance import account_messages as form
from aggressor.venues.binance.requests import FILLS_MAX
from aggressor.venues.margin import Fees, MarginTier
from aggressor.venues.trading import (
    BalanceUpdate,
    Call,
    FillUpdate,
    KeyRights,
    OrderUpdate,
    PositionUpdate,
)

_Form = TypeVar("_Form")

_MS = 1_000_000

KINDS = {
    "NEW": report.ACK,
    "PARTIALLY_FILLED": report.ACK,
    "PENDING_CANCEL": report.ACK,
    "NEW_INSURANCE": report.ACK,
    "NEW_ADL": report.ACK,
    "FILLED": report.FILL,
    "CANCELED": report.CANCELED,
    "REJECTED": report.REJECTED,
    "EXPIRED": report.EXPIRED,
    "EXPIRED_IN_MATCH": report.EXPIRED,
}
ALGO_KINDS = {
    "NEW": report.ACK,
    "TRIGGERING": report.ACK,
    "TRIGGERED": report.TRIGGERED,
    "FINISHED": report.TRIGGERED,
    "CANCELED": report.CANCELED,
    "REJECTED": report.REJECTED,
    "EXPIRED": report.EXPIRED,
}
LEGS = {"LONG": 1, "SHORT": -1}

_orders = msgspec.json.Decoder(form.Order | list[form.Order])
_fills = msgspec.json.Decoder(list[form.Fill])
_positions = msgspec.json.Decoder(list[form.Position])
_balances = msgspec.json.Decoder(list[form.Balance])
_rights = msgspec.json.Decoder(form.Restrictions)
_fees = msgspec.json.Decoder(form.CommissionRate)
_listen_key = msgspec.json.Decoder(form.ListenKey)
_brackets = msgspec.json.Decoder(form.Brackets | list[form.Brackets])


def read_as(decode: Callable[[bytes], _Form], text: bytes, what: str) -> _Form:
    """Decode an answer; raise MessageError with the venue's words if it is another."""
    try:
        return decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
        shown = text[:120].decode(errors="replace")
        raise MessageError(
            f"Binance's answer is not {what} ({trouble}): {shown} - mend the request, or ask again."
        ) from None


def side_of(text: str) -> int:
    """Return the side of an order; raise MessageError."""
    if text == "BUY":
        return BUY
    if text == "SELL":
        return SELL
    raise MessageError(f"Binance names a side {text!r} that it does not document - see its log.")


def kind_of(kinds: dict[str, int], status: str) -> int:
    """Return what a status means; raise MessageError for one that is not documented."""
    kind = kinds.get(status)
    if kind is None:
        raise MessageError(
            f"Binance names an order status {status!r} that it does not document - ask for the "
            "order again."
        )
    return kind


def nanoseconds(ms: int) -> int:
    """Return a time in ns; 0 is none."""
    return ms * _MS if ms > 0 else NO_TIME


def price_of(text: str) -> str:
    """Return a price, "" for the zeros that stand where there is none."""
    return text if text.strip("0.") else ""


def not_zero(text: str) -> bool:
    """Say whether a number differs from 0."""
    return bool(text.strip("-0."))


def read_orders(text: bytes) -> list[OrderUpdate]:
    """Read one order or many, plain or with a trigger; raise MessageError."""
    orders = read_as(_orders.decode, text, "of orders")
    return [_order(one) for one in (orders if isinstance(orders, list) else [orders])]


def _order(one: form.Order) -> OrderUpdate:
    if one.algo_id != "":
        return _algo_order(one)
    if one.order_id == "" or not one.orig_qty:
        raise MessageError("Binance's answer is of an order without an id or size - ask again.")
    in_match = one.status == "EXPIRED_IN_MATCH"
    return OrderUpdate(
        symbol=one.symbol,
        client_id=one.client_order_id,
        venue_id=str(one.order_id),
        kind=kind_of(KINDS, one.status),
        side=side_of(one.side),
        price=price_of(one.price),
        size=one.orig_qty,
        filled=one.executed_qty,
        ts_venue=nanoseconds(one.update_time or one.time),
        trigger=price_of(one.stop_price),
        reason=report.SELF_TRADE if in_match else report.NO_REASON,
        reduce_only=one.reduce_only,
    )


def _algo_order(one: form.Order) -> OrderUpdate:
    became = str(one.actual_order_id)
    return OrderUpdate(
        symbol=one.symbol,
        client_id=one.client_algo_id,
        venue_id=became or str(one.algo_id),
        kind=kind_of(ALGO_KINDS, one.algo_status),
        side=side_of(one.side),
        price=price_of(one.price),
        size=one.quantity,
        filled=one.actual_qty or "0",
        ts_venue=nanoseconds(one.update_time),
        trigger=price_of(one.trigger_price),
        reduce_only=one.reduce_only,
    )


def read_fills(text: bytes) -> list[FillUpdate]:
    """Read our fills, oldest first; raise MessageError."""
    return [
        FillUpdate(
            symbol=one.symbol,
            client_id="",
            venue_id=str(one.order_id),
            trade_id=str(one.id),
            side=side_of(one.side),
            price=one.price,
            size=one.qty,
            fee=one.commission,
            fee_asset=one.commission_asset,
            maker=one.maker,
            ts_venue=nanoseconds(one.time),
        )
        for one in read_as(_fills.decode, text, "of fills")
    ]


def read_listen_key(text: bytes) -> str:
    """Read the key of a private stream; raise MessageError."""
    return read_as(_listen_key.decode, text, "of a listen key").listen_key


def next_page(call: Call, text: bytes) -> Call | None:
    """Return the question for the fills behind a full answer, None if that was all."""
    if not call.path.endswith("/userTrades"):
        return None
    fills = read_as(_fills.decode, text, "of fills")
    if len(fills) < FILLS_MAX:
        return None
    kept = [one for one in call.query if one[0] not in ("startTime", "fromId")]
    return call._replace(query=(*kept, ("fromId", str(fills[-1].id + 1))))


def read_positions(text: bytes) -> list[PositionUpdate]:
    """Read positions; raise MessageError."""
    return [
        PositionUpdate(
            symbol=one.symbol,
            size=one.position_amt,
            entry=one.entry_price,
            liquidation=price_of(one.liquidation_price),
            leverage=one.leverage,
            isolated=one.margin_type == "isolated" or not_zero(one.isolated_margin),
            ts_venue=nanoseconds(one.update_time),
            leg=LEGS.get(one.position_side, 0),
        )
        for one in read_as(_positions.decode, text, "of positions")
    ]


def read_balances(text: bytes) -> list[BalanceUpdate]:
    """Read balances; raise MessageError."""
    return [
        BalanceUpdate(one.asset, one.balance, one.available_balance, nanoseconds(one.update_time))
        for one in read_as(_balances.decode, text, "of balances")
    ]


def read_rights(text: bytes) -> KeyRights:
    """Read what the key may do; raise MessageError."""
    one = read_as(_rights.decode, text, "of a key's permissions")
    return KeyRights(one.enable_futures, one.enable_withdrawals, one.ip_restrict)


def read_fees(text: bytes) -> list[Fees]:
    """Read the account's fees of one symbol; raise MessageError."""
    one = read_as(_fees.decode, text, "of fees")
    maker, taker = _decimal(one.maker_commission_rate), _decimal(one.taker_commission_rate)
    return [Fees(one.symbol, maker, taker)]


def read_margin(text: bytes) -> list[MarginTier]:
    """Read margin tiers, by symbol, the smallest first; raise MessageError."""
    found = read_as(_brackets.decode, text, "of margin tiers")
    return [
        _tier(one.symbol, bracket)
        for one in (found if isinstance(found, list) else [found])
        for bracket in one.brackets
    ]


def _tier(symbol: str, bracket: form.Bracket) -> MarginTier:
    leverage = _decimal(bracket.leverage)
    cap = bracket.notional_cap or bracket.qty_cap
    if leverage <= 0:
        raise MessageError(
            f"Binance states a margin tier of {symbol} without leverage - ask again."
        )
    return MarginTier(
        symbol=symbol,
        value_max=_decimal(cap) if cap else None,
        size_max=None,
        initial=1 / leverage,
        maintenance=_decimal(bracket.maintenance),
        deduction=_decimal(bracket.deduction),
        leverage_max=leverage,
    )


def _decimal(text: str | msgspec.Raw) -> Decimal:
    """Return a number of an answer, in quote marks or not; raise MessageError."""
    plain = text if isinstance(text, str) else bytes(text).decode(errors="replace").strip('"')
    try:
        number = Decimal(plain)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite():
        raise MessageError(f"Binance states {plain!r} where a number belongs - ask again.")
    return number
