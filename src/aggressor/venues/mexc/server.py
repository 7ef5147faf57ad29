"""MEXC's own side: the router, signatures, quotas and the one socket of its perpetual futures.

What is signed is checked over the bytes as they came: key, time, and the body or the query sorted
by name. Refusals come with HTTP 200 and a code. Every call has a quota of its own. One socket,
`/edge`, carries the market and, after `login`, the account; frames are text, never packed.
"""

import hmac
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.costs import Costs
from aggressor.venues.mexc import server_account as account
from aggressor.venues.mexc import server_market as market
from aggressor.venues.mexc import server_orders as orders
from aggressor.venues.mexc import server_private as private
from aggressor.venues.mexc import server_stops as stops
from aggressor.venues.mexc import server_streams as streams
from aggressor.venues.mexc.server_market import Params
from aggressor.venues.mexc.signing import signature
from aggressor.venues.served.dialect import (
    SECOND_NS,
    Ask,
    Channel,
    CodeError,
    Dialect,
    Frame,
    House,
    Reply,
)

_WINDOW_MS = 10_000
_WINDOW_MAX_MS = 60_000
_SILENCE_NS = 60 * SECOND_NS
_EDGE = "/edge"
_QUOTA_NS = 2 * SECOND_NS
_OFTEN = 20

Handler = Callable[[House, Params], Any]


class Call(NamedTuple):
    """One row of the router; `names` are the parts of the path behind its own."""

    handler: Handler
    names: tuple[str, ...] = ()
    most: int = _OFTEN  # in 2 s


_SYMBOL = ("symbol",)
_CONTRACT = "api/v1/contract"
_PUBLIC: dict[str, Call] = {
    f"{_CONTRACT}/ping": Call(market.ping),
    f"{_CONTRACT}/detail": Call(market.detail, most=10),
    f"{_CONTRACT}/detail/country": Call(market.detail, most=10),
    f"{_CONTRACT}/depth": Call(market.depth, _SYMBOL, 10),
    f"{_CONTRACT}/depth_commits": Call(market.depth_commits, ("symbol", "limit")),
    f"{_CONTRACT}/deals": Call(market.deals, _SYMBOL),
    f"{_CONTRACT}/ticker": Call(market.ticker, most=10),
    f"{_CONTRACT}/funding_rate": Call(market.funding_rates),
    f"{_CONTRACT}/funding_rate/history": Call(market.funding_history),
    f"{_CONTRACT}/index_price": Call(market.index_price, _SYMBOL),
    f"{_CONTRACT}/fair_price": Call(market.fair_price, _SYMBOL),
    f"{_CONTRACT}/kline": Call(market.kline, _SYMBOL),
    f"{_CONTRACT}/kline/index_price": Call(market.fair_kline, _SYMBOL),
    f"{_CONTRACT}/kline/fair_price": Call(market.fair_kline, _SYMBOL),
    f"{_CONTRACT}/risk_reverse": Call(market.risk_reverse),
    "api/v3/exchangeInfo": Call(market.spot_info),
    "api/v3/time": Call(market.spot_time),
    "api/v3/capital/config/getall": Call(market.spot_coins),
}
_FUNDING_OF = Call(market.funding_rate, _SYMBOL)

_PRIVATE: dict[tuple[str, str], Call] = {
    **{
        ("POST", name): Call(handler)
        for name, handler in (
            ("order/create", orders.create),
            ("order/submit", orders.submit),
            ("order/cancel", orders.cancel),
            ("order/cancel_with_external", orders.cancel_external),
            ("order/batch_cancel_with_external", orders.cancel_many_external),
            ("order/cancel_all", orders.cancel_all),
            ("order/change_limit_order", orders.change_limit),
            ("order/chase_limit_order", orders.chase_limit),
            ("order/open_order_total_count", account.open_count),
            ("position/change_leverage", account.change_leverage),
            ("position/change_position_mode", account.change_mode),
            ("position/close_all", account.close_all),
            ("planorder/place", stops.place),
            ("planorder/place/v2", stops.place),
            ("planorder/cancel", stops.cancel),
            ("planorder/cancel_all", stops.cancel_all),
            ("planorder/change_price", stops.change),
            ("stoporder/place", stops.place_pair),
            ("stoporder/cancel", stops.cancel_pairs),
            ("stoporder/cancel_all", stops.cancel_all_pairs),
            ("stoporder/change_plan_price", stops.change_pair),
        )
    },
    ("POST", "order/submit_batch"): Call(orders.submit_batch, most=1),
    **{
        ("GET", name): Call(handler)
        for name, handler in (
            ("order/batch_query", account.get_many),
            ("order/open_order_total_count", account.open_count),
            ("order/list/open_orders", account.open_orders),
            ("order/list/history_orders", account.history_orders),
            ("order/list/close_orders", account.history_orders),
            ("order/list/order_deals", account.order_deals),
            ("order/list/order_deals/v3", account.order_deals),
            ("planorder/list/orders", stops.plans),
            ("stoporder/list/orders", stops.pairs),
            ("stoporder/open_orders", stops.open_pairs),
            ("position/open_positions", account.positions),
            ("position/funding_records", account.funding_records),
            ("position/position_mode", account.position_mode),
            ("position/leverage", account.leverage),
            ("account/assets", account.assets),
            ("account/contract/fee_rate", account.fee_rate),
            ("account/tiered_fee_rate", account.fee_rate),
            ("account/tiered_fee_rate/v2", account.fee_rate),
        )
    },
    ("GET", "order/get"): Call(account.get_order, ("order_id",)),
    ("GET", "order/external"): Call(account.get_external, ("symbol", "externalOid")),
    ("GET", "order/deal_details"): Call(account.deal_details, ("order_id",)),
    ("GET", "account/asset"): Call(account.asset, ("currency",)),
}
_SIGNED = "api/v1/private"
_ROUTES: dict[tuple[str, str], Call] = {("GET", name): call for name, call in _PUBLIC.items()} | {
    (method, f"{_SIGNED}/{name}"): call for (method, name), call in _PRIVATE.items()
}

LIMITS = {f"{method} {name}": (call.most, _QUOTA_NS) for (method, name), call in _ROUTES.items()}


def _found(ask: Ask) -> tuple[str, Call, list[str]] | None:
    """Return the row of a request, its quota's name, and what stands behind its path."""
    parts = [unquote(part) for part in ask.path.split("/") if part]
    for cut in range(len(parts), 0, -1):
        name = "/".join(parts[:cut])
        call = _ROUTES.get((ask.method, name))
        rest = parts[cut:]
        if call is None:
            continue
        if name == f"{_CONTRACT}/funding_rate" and rest:
            call = _FUNDING_OF
        if len(rest) == len(call.names):
            return f"{ask.method} {name}", call, rest
    return None


def serve(house: House, ask: Ask) -> Reply:
    """Answer a request."""
    found = _found(ask)
    if found is None:
        return Reply(404, b'{"success":false,"code":404,"message":"Not Found"}')
    quota, call, rest = found
    try:
        if not house.usage.take(quota, 1, house.now):
            raise CodeError(510, "Excessive frequency of requests")
        if _SIGNED in quota:
            _check(house, ask)
        params = _params(ask) | dict(zip(call.names, rest, strict=True))
        result = call.handler(house, params)
    except CodeError as fault:
        return market.refusal(fault)
    return result if isinstance(result, Reply) else market.answer(result)


def _params(ask: Ask) -> Params:
    """Return what a request says; the list of a body that is one stands under ""."""
    if ask.method != "POST":
        return dict(parse_qsl(ask.query, keep_blank_values=True))
    try:
        body = msgspec.json.decode(ask.body or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise CodeError(600, "Parameter error!") from None
    if isinstance(body, list):
        return {"": body}
    if not isinstance(body, dict):
        raise CodeError(600, "Parameter error!")
    return body


def _check(house: House, ask: Ask) -> None:
    """Check key, time and signature; raise CodeError."""
    headers = ask.headers
    stamp, window = headers.get("request-time", ""), headers.get("recv-window", str(_WINDOW_MS))
    if headers.get("apikey", "") != house.credentials.key:
        raise CodeError(401, "No authority!")
    if not stamp.isdigit() or not window.isdigit():
        raise CodeError(600, "Parameter error!")
    text = ask.body.decode("utf-8", "replace")
    if ask.method != "POST":
        text = "&".join(sorted(part for part in ask.query.split("&") if part))
    sealed = signature(house.credentials, int(stamp), text)
    if not hmac.compare_digest(headers.get("signature", ""), sealed):
        raise CodeError(602, "Confirming signature failed!")
    if abs(house.now_ms - int(stamp)) > min(int(window), _WINDOW_MAX_MS):
        raise CodeError(513, "Invalid request, please check your request time")


def outage(house: House, kind: str) -> Reply:
    """Answer what an overloaded or closed door answers."""
    if kind == "429":
        fault = CodeError(510, "Excessive frequency of requests")
        return market.refusal(fault)._replace(status=429)
    if kind == "418":
        return Reply(403, b"<html>Access Denied</html>", {"Content-Type": "text/html"})
    if kind == "503?":
        return market.refusal(CodeError(500, "Internal error"))
    return Reply(503, b"Service Unavailable", {"Content-Type": "text/plain"})


# -- the socket ------------------------------------------------------------------------------------


def connect(house: House, ask: Ask) -> Channel | Reply:
    """Open the one kind of socket that there is."""
    if ask.path.rstrip("/") != _EDGE:
        return Reply(404, b"")
    channel = Channel()
    channel.pinged = house.exchange.now
    return channel


def greet(house: House, channel: Channel) -> Sequence[bytes]:
    """Say nothing."""
    return ()


def beat(house: House, channel: Channel) -> Sequence[bytes]:
    """End a socket whose client has not pinged for 60 s, whatever else it says."""
    if house.exchange.now - channel.pinged > _SILENCE_NS:
        channel.over = "no ping"
    return ()


class _Order(msgspec.Struct, frozen=True):
    method: str = ""
    param: dict[str, Any] = {}
    subscribe: bool = True


_order = msgspec.json.Decoder(_Order)


def heard(house: House, channel: Channel, message: bytes) -> Sequence[bytes]:
    """Take a message of a client and answer it; what is not known is not answered."""
    try:
        order = _order.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    method = order.method
    if method == "ping":
        channel.pinged = house.exchange.now
        return (_said(house, "pong", house.now_ms),)
    if method == "login":
        return (_logged_in(house, channel, order),)
    if method == "personal.filter":
        topics = private.chosen(order.param)
        if not channel.private or topics is None:
            return (_said(house, "rs.error", "Invalid filter"),)
        channel.topics = {one for one in channel.topics if not _personal(one)} | topics
        return (_said(house, "rs.personal.filter", "success"),)
    verb, _, name = method.partition(".")
    topic = streams.topic_of(house, name, order.param) if verb in ("sub", "unsub") else None
    if topic is None:
        return ()
    if not topic:
        words = f"Contract [{order.param.get('symbol', '')}] not exists"
        return (_said(house, "rs.error", words),)
    if verb == "sub":
        channel.topics.add(topic)
    else:
        channel.topics.discard(topic)
    return (_said(house, f"rs.{method}", "success"),)


def _personal(topic: str) -> bool:
    return topic == private.ALL or "@" in topic


def _said(house: House, channel: str, data: Any) -> bytes:
    return msgspec.json.encode({"channel": channel, "data": data, "ts": house.now_ms})


def _logged_in(house: House, channel: Channel, order: _Order) -> bytes:
    param = {name: str(value) for name, value in order.param.items()}
    stamp = param.get("reqTime", "")
    if param.get("apiKey") != house.credentials.key or not stamp.isdigit():
        return _said(house, "rs.error", "No authority!")
    sealed = signature(house.credentials, int(stamp), "")
    if not hmac.compare_digest(param.get("signature", ""), sealed):
        return _said(house, "rs.error", "Confirming signature failed!")
    if abs(house.now_ms - int(stamp)) > _WINDOW_MS:
        return _said(house, "rs.error", "Request expired")
    channel.private = house.credentials.key
    if order.subscribe:
        channel.topics.add(private.ALL)
    return _said(house, "rs.login", "success")


def tick(house: House) -> Sequence[Frame]:
    """Do what is due by the clock: plans that end, orders refused after they were accepted."""
    stops.lapse(house)
    return [private.order_frame(house, one) for one in house.notes.pop("late", ())]


MEXC = Dialect(
    venue="mexc",
    example=Instrument(
        venue="mexc",
        symbol="BTC_USDT",
        kind=ContractKind.LINEAR,
        tick=Decimal("0.1"),
        lot=Decimal(1),
        multiplier=Decimal("0.0001"),
        base="BTC",
        quote="USDT",
        settle="USDT",
    ),
    limits=LIMITS,
    serve=serve,
    connect=connect,
    greet=greet,
    heard=heard,
    tell=streams.tell,
    tell_private=private.tell_private,
    wrap=private.wrap,
    outage=outage,
    tick=tick,
    paced=streams.paced,
    beat=beat,
    costs=Costs(maker_bp=Decimal(6), taker_bp=Decimal(8)),
)
