"""Binance futures' own side: the router, signatures, limits and sockets of USD-M and COIN-M.

Every request is signed over the bytes as they came: query and body put one behind the other, less
the signature. A key's clock may be 5000 ms behind (or `recvWindow`) and 1000 ms ahead. Limits are
counted in fixed windows and told in headers; a client that goes on beyond them is banned (418).
"""

import hmac
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.binance import server_api
from aggressor.venues.binance import server_history as history
from aggressor.venues.binance import server_market as market
from aggressor.venues.binance import server_orders as orders
from aggressor.venues.binance import server_private as private
from aggressor.venues.binance import server_questions as questions
from aggressor.venues.binance import server_settings as settings
from aggressor.venues.binance.server_market import Params
from aggressor.venues.binance.signing import signature
from aggressor.venues.served.answering import ended_keys
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

_MESSAGES_PER_SECOND = 10
_STREAMS_MAX = 1024
_STRIKES = 10
_WINDOW_MS = 5000
_AHEAD_MS = 1000
_PING_S = 180.0
_SIGNATURE = re.compile(r"&?signature=[^&]*")
_KEY_LENGTH = 40  # what is longer in the place of a stream's name is a listen key

LIMITS = {
    "weight": (2400, 60 * SECOND_NS),
    "orders": (1200, 60 * SECOND_NS),
    "orders10": (300, 10 * SECOND_NS),
}

Handler = Callable[[House, Params], Any]


class Call(NamedTuple):
    """One row of the router."""

    handler: Handler
    signed: bool = True
    key: bool = True
    weight: int = 1
    orders: int = 0


def _open(handler: Handler, weight: int = 1) -> Call:
    return Call(handler, signed=False, key=False, weight=weight)


_PUBLIC: dict[tuple[str, str], Call] = {
    ("GET", "v1/ping"): _open(market.ping),
    ("GET", "v1/time"): _open(market.time),
    ("GET", "v1/exchangeInfo"): _open(market.exchange_info),
    ("GET", "v1/depth"): _open(market.depth, 20),
    ("GET", "v1/trades"): _open(market.trades, 5),
    ("GET", "v1/historicalTrades"): _open(market.trades, 20),
    ("GET", "v1/aggTrades"): _open(market.agg_trades, 20),
    ("GET", "v1/openInterest"): _open(market.open_interest),
    ("GET", "v1/premiumIndex"): _open(market.premium_index),
    ("GET", "v1/ticker/bookTicker"): _open(market.book_ticker, 2),
    ("GET", "v1/ticker/price"): _open(market.price_ticker),
    ("GET", "v2/ticker/price"): _open(market.price_ticker),
    ("GET", "v1/ticker/24hr"): _open(history.day_ticker),
    ("GET", "v1/klines"): _open(history.klines, 5),
    ("GET", "v1/markPriceKlines"): _open(history.mark_klines, 5),
    ("GET", "v1/indexPriceKlines"): _open(history.mark_klines, 5),
    ("GET", "v1/fundingRate"): _open(history.funding_rates),
    ("GET", "v1/fundingInfo"): _open(history.funding_info),
}
_KEYED: dict[tuple[str, str], Call] = {
    (method, "v1/listenKey"): Call(market.answered(handler), signed=False)
    for method, handler in (
        ("POST", private.new_listen_key),
        ("PUT", private.keep_listen_key),
        ("DELETE", private.end_listen_key),
    )
}


def _signed(handler: Handler, weight: int = 1, orders: int = 0) -> Call:
    return Call(market.answered(handler), weight=weight, orders=orders)


_SIGNED: dict[tuple[str, str], Call] = {
    ("POST", "v1/order"): _signed(orders.place, 0, 1),
    ("POST", "v1/order/test"): _signed(orders.try_place, 0, 1),
    ("PUT", "v1/order"): _signed(orders.amend, 0, 1),
    ("DELETE", "v1/order"): _signed(orders.cancel),
    ("GET", "v1/order"): _signed(questions.query_order),
    ("POST", "v1/batchOrders"): _signed(orders.place_many, 5, 5),
    ("PUT", "v1/batchOrders"): _signed(orders.amend_many, 5, 5),
    ("DELETE", "v1/batchOrders"): _signed(orders.cancel_many),
    ("DELETE", "v1/allOpenOrders"): _signed(orders.cancel_all),
    ("POST", "v1/countdownCancelAll"): _signed(orders.count_down, 10),
    ("GET", "v1/openOrder"): _signed(questions.query_open_order),
    ("GET", "v1/openOrders"): _signed(questions.open_orders),
    ("GET", "v1/allOrders"): _signed(questions.all_orders, 5),
    ("GET", "v1/userTrades"): _signed(questions.user_trades, 5),
    ("POST", "v1/algoOrder"): _signed(orders.place_algo, 0, 1),
    ("DELETE", "v1/algoOrder"): _signed(orders.cancel_algo),
    ("GET", "v1/algoOrder"): _signed(questions.query_algo),
    ("DELETE", "v1/algoOpenOrders"): _signed(orders.cancel_all_algo),
    ("GET", "v1/openAlgoOrders"): _signed(questions.open_algos),
    ("GET", "v1/allAlgoOrders"): _signed(questions.all_algos, 5),
    **{("GET", f"v{n}/positionRisk"): _signed(questions.positions, 5) for n in (1, 2, 3)},
    **{("GET", f"v{n}/balance"): _signed(questions.balances, 5) for n in (1, 2, 3)},
    **{("GET", f"v{n}/account"): _signed(questions.account, 5) for n in (1, 2, 3)},
    **{("GET", f"v{n}/leverageBracket"): _signed(questions.brackets) for n in (1, 2)},
    ("POST", "v1/leverage"): _signed(settings.set_leverage),
    ("POST", "v1/marginType"): _signed(settings.set_margin),
    ("GET", "v1/positionSide/dual"): _signed(settings.position_mode, 30),
    ("POST", "v1/positionSide/dual"): _signed(settings.set_mode),
    ("GET", "v1/symbolConfig"): _signed(settings.symbol_config, 5),
    ("GET", "v1/accountConfig"): _signed(settings.account_config, 5),
    ("GET", "v1/commissionRate"): _signed(questions.fees, 20),
}
_ROUTES = _PUBLIC | _KEYED | _SIGNED
_RIGHTS = ("GET", "/sapi/v1/account/apiRestrictions")


def serve(api: str, house: House, ask: Ask) -> Reply:
    """Answer a request; `api` is "/fapi" or "/dapi"."""
    call = _ROUTES.get((ask.method, ask.path.removeprefix(f"{api}/")))
    if (ask.method, ask.path) == _RIGHTS:
        call = _signed(questions.rights)
    elif call is None or not ask.path.startswith(f"{api}/"):
        return _headed(house, Reply(404, b'{"code":-5000,"msg":"Path not found, method invalid"}'))
    try:
        _count(house, call)
        body = ask.body.decode("utf-8", "replace")
        query = dict(parse_qsl(ask.query, keep_blank_values=True))
        params = dict(parse_qsl(body, keep_blank_values=True)) | query
        if call.key:
            _check_key(house, ask)
        if call.signed:
            _check_signature(house, ask.query, body, params)
        return _headed(house, call.handler(house, params))
    except CodeError as fault:
        return _headed(house, _fault(fault))


def _fault(fault: CodeError) -> Reply:
    return Reply(fault.status, msgspec.json.encode({"code": fault.code, "msg": fault.words}))


def _headed(house: House, reply: Reply) -> Reply:
    usage, now = house.usage, house.now
    return reply._replace(
        headers={
            "X-MBX-USED-WEIGHT-1M": str(usage.used("weight", now)),
            "X-MBX-ORDER-COUNT-10S": str(usage.used("orders10", now)),
            "X-MBX-ORDER-COUNT-1M": str(usage.used("orders", now)),
        }
        | dict(reply.headers)
    )


def _count(house: House, call: Call) -> None:
    """Count a request against the limits; raise CodeError."""
    usage, now = house.usage, house.now
    if not usage.take("weight", call.weight, now):
        house.strikes += 1
        until = house.now_ms + 1000 * usage.wait_s("weight", now)
        if house.strikes > _STRIKES:
            words = f"Way too many requests; IP banned until {until}."
            raise CodeError(-1003, words, 418)
        raise CodeError(-1003, "Too many requests; current limit is 2400 requests per minute.", 429)
    house.strikes = 0
    if call.orders:
        within = usage.take("orders", 1, now)
        if not usage.take("orders10", call.orders, now) or not within:
            raise CodeError(
                -1015, "Too many new orders; current limit is 300 orders per 10 SECOND.", 429
            )


def _check_key(house: House, ask: Ask) -> None:
    key = ask.headers.get("x-mbx-apikey", "")
    if not key:
        raise CodeError(-2014, "API-key format invalid.", 401)
    if key != house.credentials.key:
        raise CodeError(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _check_signature(house: House, query: str, body: str, params: Params) -> None:
    theirs = params.get("signature", "")
    if not theirs:
        raise market.missing("signature")
    text = _SIGNATURE.sub("", query) + _SIGNATURE.sub("", body)
    ours = signature(house.credentials.secret, text)
    if not hmac.compare_digest(theirs.lower(), ours):
        raise CodeError(-1022, "Signature for this request is not valid.")
    sent = market.whole(params, "timestamp", -1)
    if sent < 0:
        raise market.missing("timestamp")
    window = market.whole(params, "recvWindow", _WINDOW_MS, 0, 60_000)
    now = house.now_ms
    if sent >= now + _AHEAD_MS:
        raise CodeError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - sent > window:
        raise CodeError(-1021, "Timestamp for this request is outside of the recvWindow.")


def outage(house: House, kind: str) -> Reply:
    """Answer what an overloaded or closed door answers."""
    if kind == "418":
        until = house.now_ms + 2000
        fault = CodeError(-1003, f"Way too many requests; IP banned until {until}.", 418)
        return _fault(fault)._replace(headers={"Retry-After": "2"})
    if kind == "429":
        reply = _fault(CodeError(-1003, "Too many requests.", 429))
        return reply._replace(headers={"Retry-After": "1"})
    words = "Service Unavailable."
    if kind == "503?":
        words = "Unknown error, please check your request or try again later."
    return Reply(503, msgspec.json.encode({"code": -1000, "msg": words}))


# -- sockets ---------------------------------------------------------------------------------------


def connect(routed: bool, house: House, ask: Ask) -> Channel | Reply:
    """Open a socket of streams or of the account."""
    parts = [unquote(part) for part in ask.path.strip("/").split("/") if part]
    route = parts.pop(0) if parts and parts[0] in ("public", "market", "private") else ""
    if parts and parts[0] in ("ws-fapi", "ws-dapi"):
        return Channel(server_api.ROUTE)
    if not parts or parts[0] not in ("ws", "stream"):
        return Reply(404, b"")
    combined = parts.pop(0) == "stream"
    fields = parse_qsl(ask.query)
    names = [name for value in parts for name in value.split("/")]
    names += [one for field, value in fields if field == "streams" for one in value.split("/")]
    keys = [value for field, value in fields if field == "listenKey"]
    keys += [name for name in names if "@" not in name and len(name) >= _KEY_LENGTH]
    if routed and not route:
        route = "public"
    channel = Channel(route if routed else "", combined=combined)
    if keys:
        if house.listen_keys.get(keys[0], 0) <= house.exchange.now:
            return Reply(400, b"")
        channel.private = keys[0]
    channel.topics.update(name for name in names if "@" in name or name.startswith("!"))
    return channel


def greet(house: House, channel: Channel) -> Sequence[bytes]:
    """Say nothing: Binance greets nobody."""
    return ()


class _Order(msgspec.Struct, frozen=True):
    method: str
    id: int | str | None = None
    params: list[Any] = []


_order = msgspec.json.Decoder(_Order)


def heard(house: House, channel: Channel, message: bytes) -> Sequence[bytes]:
    """Take a message of a client and answer it."""
    if channel.route == server_api.ROUTE:
        return server_api.heard(house, channel, message)
    if channel.too_fast(house.exchange.now, _MESSAGES_PER_SECOND):
        channel.over = "too many messages"
        return ()
    try:
        order = _order.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return (b'{"code":3,"msg":"Invalid JSON: expected value"}',)
    names = [one for one in order.params if isinstance(one, str)]
    answer: Any = None
    if order.method == "SUBSCRIBE" and order.params:
        if len(channel.topics) + len(names) > _STREAMS_MAX:
            channel.over = "too many streams"
            return ()
        channel.topics.update(names)
    elif order.method == "UNSUBSCRIBE" and order.params:
        channel.topics.difference_update(names)
    elif order.method == "LIST_SUBSCRIPTIONS":
        answer = sorted(channel.topics)
    elif order.method == "GET_PROPERTY":
        answer = channel.combined
    elif order.method == "SET_PROPERTY" and len(order.params) == 2:
        channel.combined = bool(order.params[1])
    else:
        words = f"Invalid request: unknown method {order.method}"
        return (msgspec.json.encode({"error": {"code": 2, "msg": words}, "id": order.id}),)
    return (msgspec.json.encode({"result": answer, "id": order.id}),)


def wrap(channel: Channel, frame: Frame) -> bytes:
    """Return a frame as this client gets it, b"" if its route does not carry the stream."""
    if frame.topic and channel.route and market.route_of(frame.topic) != channel.route:
        return b""
    if not channel.combined:
        return frame.payload
    return b'{"stream":"%s","data":%s}' % (frame.topic.encode(), frame.payload)


def tick(house: House) -> Sequence[Frame]:
    """Do what is due by the clock: dead men's orders, keys that end."""
    now = house.exchange.now
    for lane in [lane for lane, at in house.dead_man.items() if at <= now]:
        del house.dead_man[lane]
        house.exchange.cancel_all(lane, waiting=False)
    frames = []
    for key in ended_keys(house):
        body = {"e": "listenKeyExpired", "E": house.now_ms, "listenKey": key}
        frames.append(Frame("", msgspec.json.encode(body)))
    return frames


def _dialect(venue: str, api: str, routed: bool, example: Instrument) -> Dialect:
    return Dialect(
        venue=venue,
        example=example,
        limits=LIMITS,
        serve=partial(serve, api),
        connect=partial(connect, routed),
        greet=greet,
        heard=heard,
        tell=market.tell,
        tell_private=private.tell_private,
        wrap=wrap,
        outage=outage,
        tick=tick,
        ping_s=_PING_S,
    )


USDM = _dialect(
    "binance-usdm",
    "/fapi",
    True,
    Instrument(
        venue="binance-usdm",
        symbol="BTCUSDT",
        kind=ContractKind.LINEAR,
        tick=Decimal("0.1"),
        lot=Decimal("0.001"),
        base="BTC",
        quote="USDT",
        settle="USDT",
    ),
)
COINM = _dialect(
    "binance-coinm",
    "/dapi",
    False,
    Instrument(
        venue="binance-coinm",
        symbol="BTCUSD_PERP",
        kind=ContractKind.INVERSE,
        tick=Decimal("0.1"),
        lot=Decimal(1),
        multiplier=Decimal(100),
        base="BTC",
        quote="USD",
        settle="BTC",
    ),
)
