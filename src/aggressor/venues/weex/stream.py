"""WEEX's private stream read into updates of our account.

A fill carries no price, only its value: the price is value / size where that ends within 18
decimals, and is not said otherwise. The venue writes values with six decimals; where a tick times a
size is finer than that it rounds, and the price comes out by as much too high or too low (at most
half a millionth of the quote currency for the whole fill). Questions answer the price itself.

The channel `account` is not subscribed: what its amounts mean is not documented. Funding shows only
as a sum over a position's life, which no single message can tell apart.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact, localcontext

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.schema.event import NO_TIME
from aggressor.venues.session import SECOND_NS, LinkRules
from aggressor.venues.text.numerals import number_of, text_of
from aggressor.venues.trading import (
    Credentials,
    FillUpdate,
    OrderUpdate,
    PositionUpdate,
    PrivateLink,
    Update,
)
from aggressor.venues.weex.answers import (
    order_kind,
    position_of,
    price_of,
    reduces,
    side_of,
    time_of,
)
from aggressor.venues.weex.instruments import MS
from aggressor.venues.weex.replies import FillPush, OrderPush, Position, Push
from aggressor.venues.weex.signing import AGENT, access_headers

CHANNELS = ("orders", "fill", "positions")

_PATH = "/v3/ws/private"  # what is signed, wherever the stream is served
_RULES = LinkRules(silence_ns=150 * SECOND_NS)  # the venue pings each minute
_NO_REASON = "UNKNOWN_ORDER_CANCEL_REASON"
_DECIMALS_MAX = 18
_EXACT = Context(prec=40)

_push = msgspec.json.Decoder(Push)
_orders = msgspec.json.Decoder(list[OrderPush])
_fills = msgspec.json.Decoder(list[FillPush])
_positions = msgspec.json.Decoder(list[Position])


def private(address: str, credentials: Credentials, now_ms: int, key: str) -> PrivateLink:
    """Return the private stream: signed in the headers of its handshake, there is no login."""
    headers = {"User-Agent": AGENT}
    headers |= access_headers(credentials, now_ms, f"{now_ms}{_PATH}")
    order = {"method": "SUBSCRIBE", "params": CHANNELS, "id": 1}
    return PrivateLink(address, headers, b"", (msgspec.json.encode(order),), _RULES)


def decode_private(message: bytes) -> Sequence[Update]:
    """Return what a message says of the account, () for nothing; raise MessageError."""
    if not message.startswith(b"{"):
        return ()
    try:
        push = _push.decode(message)
        if push.e == "orders":
            return [_order(one, push.E) for one in _orders.decode(push.d)]
        if push.e == "fill":
            return [_fill(one, push.E) for one in _fills.decode(push.d)]
        if push.e == "positions":
            return [_position(one, push.E) for one in _positions.decode(push.d)]
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, ArithmeticError) as trouble:
        if isinstance(trouble, MessageError):
            raise
        raise MessageError(
            f"A message of the account is not what WEEX documents ({trouble}): "
            f"{message[:120].decode(errors='replace')} - it was left out; ask for orders and "
            "positions."
        ) from None
    return ()


def _later(said: int, pushed_ms: int) -> int:
    """Return the venue's time of a row, that of its message where the row has none."""
    return said if said != NO_TIME else pushed_ms * MS or NO_TIME


def _order(one: OrderPush, pushed_ms: int) -> OrderUpdate:
    side = side_of(one.order_side)
    return OrderUpdate(
        symbol=one.symbol,
        client_id=one.client_order_id or "",
        venue_id=text_of(one.id),
        kind=order_kind(one.status),
        side=side,
        price=price_of(one.price),
        size=text_of(one.size),
        filled=text_of(one.cum_fill_size) or "0",
        ts_venue=_later(time_of(one.updated_time), pushed_ms),
        trigger=price_of(one.trigger_price),
        reduce_only=reduces(side, one.position_side, one.reduce_only),
        text="" if one.cancel_reason == _NO_REASON else one.cancel_reason,
    )


def _fill(one: FillPush, pushed_ms: int) -> FillUpdate:
    size = text_of(one.fill_size)
    return FillUpdate(
        symbol=one.symbol,
        client_id="",
        venue_id=text_of(one.order_id),
        trade_id=text_of(one.id),
        side=side_of(one.order_side),
        price=price_by_value(number_of(text_of(one.fill_value)), number_of(size)),
        size=size,
        fee=text_of(one.fill_fee),
        fee_asset=one.coin,
        maker={"MAKER": True, "TAKER": False}.get(one.direction),
        ts_venue=_later(time_of(one.created_time), pushed_ms),
    )


def price_by_value(value: Decimal, size: Decimal) -> str:
    """Return value / size if that is a decimal of at most 18 places, else ""."""
    if size <= 0 or value <= 0:
        return ""
    with localcontext(_EXACT) as context:
        context.traps[Inexact] = True
        try:
            price = (value / size).normalize()
        except Inexact:
            return ""
    exponent = price.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > _DECIMALS_MAX:
        return ""
    return f"{price:f}"


def _position(one: Position, pushed_ms: int) -> PositionUpdate:
    position = position_of(one)
    return position._replace(ts_venue=_later(position.ts_venue, pushed_ms))
