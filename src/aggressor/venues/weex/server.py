"""WEEX's own side: the router, signatures, weights and the two sockets of contracts.

What is signed is time, method, path, query and body as they came; the private socket is signed in
the headers of its handshake. Weights are counted in windows of ten seconds, orders by the minute;
who goes beyond is banned for ten seconds. Sockets may have any path that ends as the venue's does,
because a well-known client wants the word "contract" in it.
"""

import hmac
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.costs import Costs
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
from aggressor.venues.weex import server_market as market
from aggressor.venues.weex import server_orders as orders
from aggressor.venues.weex import server_private as private
from aggressor.venues.weex import server_questions as questions
from aggressor.venues.weex import server_streams as streams
from aggressor.venues.weex.server_market import Params
from aggressor.venues.weex.signing import signature_of

_WINDOW_MS = 30_000
_BAN_NS = 10 * SECOND_NS
_IDLE_NS = 60 * SECOND_NS
_MINUTE_NS = 60 * SECOND_NS
_PINGS_MAX = 10
_REFUSED_MAX = 6
_PUBLIC_PATH, _PRIVATE_PATH = "/v3/ws/public", "/v3/ws/private"
_BANNED = "banned until"

LIMITS = {"weight": (500, 10 * SECOND_NS), "orders": (300, _MINUTE_NS)}

Handler = Callable[[House, Params], Any]


class Call(NamedTuple):
    """One row of the router."""

    handler: Handler
    weight: int = 1
    signed: bool = False
    orders: int = 0


_API = "/capi/v3"

_PUBLIC: dict[tuple[str, str], Call] = {
    ("GET", f"{_API}/market/{name}"): Call(handler, weight)
    for name, handler, weight in (
        ("time", market.time, 1),
        ("exchangeInfo", market.exchange_info, 1),
        ("apiTradingSymbols", market.tradable, 5),
        ("depth", market.depth, 1),
        ("trades", market.trades, 5),
        ("klines", market.klines, 1),
        ("historyKlines", market.history_klines, 5),
        ("ticker/24hr", market.tickers, 40),
        ("ticker/bookTicker", market.book_tickers, 1),
        ("symbolPrice", market.symbol_price, 1),
        ("openInterest", market.open_interest, 2),
        ("premiumIndex", market.premium_index, 1),
        ("fundingRate", market.funding_rates, 5),
    )
} | {
    ("GET", "/api/v3/exchangeInfo"): Call(market.no_symbols),
    ("GET", "/api/v3/coins"): Call(market.no_coins),
}


def _signed(handler: Handler, weight: int, orders: int = 0) -> Call:
    return Call(handler, weight, True, orders)


_SIGNED: dict[tuple[str, str], Call] = {
    ("POST", f"{_API}/order"): _signed(orders.place, 5, 1),
    ("DELETE", f"{_API}/order"): _signed(orders.cancel, 3),
    ("GET", f"{_API}/order"): _signed(questions.query_order, 2),
    ("POST", f"{_API}/batchOrders"): _signed(orders.no_batch, 10),
    ("DELETE", f"{_API}/batchOrders"): _signed(orders.cancel_many, 10),
    ("DELETE", f"{_API}/allOpenOrders"): _signed(orders.cancel_all, 10),
    ("POST", f"{_API}/closePositions"): _signed(orders.close_positions, 50),
    ("POST", f"{_API}/algoOrder"): _signed(orders.place_algo, 5, 1),
    ("DELETE", f"{_API}/algoOrder"): _signed(orders.cancel_algo, 3),
    ("DELETE", f"{_API}/algoOpenOrders"): _signed(orders.cancel_all_algo, 10),
    ("GET", f"{_API}/openOrders"): _signed(questions.open_orders, 2),
    ("GET", f"{_API}/openAlgoOrders"): _signed(questions.open_algos, 3),
    ("GET", f"{_API}/order/history"): _signed(questions.order_history, 10),
    ("GET", f"{_API}/allAlgoOrders"): _signed(questions.algo_history, 10),
    ("GET", f"{_API}/userTrades"): _signed(questions.fills, 5),
    ("GET", f"{_API}/account/balance"): _signed(questions.balances, 5),
    ("GET", f"{_API}/account/position/allPosition"): _signed(questions.positions, 10),
    ("GET", f"{_API}/account/position/singlePosition"): _signed(questions.position_of_one, 2),
    ("GET", f"{_API}/account/accountConfig"): _signed(questions.account_config, 1),
    ("GET", f"{_API}/account/symbolConfig"): _signed(questions.symbol_config, 1),
    ("GET", f"{_API}/account/commissionRate"): _signed(questions.fees, 1),
    ("POST", f"{_API}/account/leverage"): _signed(questions.set_leverage, 20),
    ("POST", f"{_API}/account/marginType"): _signed(questions.set_margin_type, 50),
}
_ROUTES = _PUBLIC | _SIGNED


def serve(house: House, ask: Ask) -> Reply:
    """Answer a request."""
    call = _ROUTES.get((ask.method, ask.path))
    if call is None:
        return Reply(404, b'{"code":404,"msg":"Not Found"}')
    try:
        _count(house, call)
        if call.signed:
            _check(house, ask)
        result = call.handler(house, _params(ask))
        reply = Reply(200, msgspec.json.encode(result))
    except CodeError as fault:
        reply = _refusal(fault)
    used = house.usage.used("weight", house.now)
    left = max(0, house.usage.limits["weight"][0] - used)
    return reply._replace(
        headers={"x-used-weight-10s": str(used), "x-remaining-weight-10s": str(left)}
    )


def _refusal(fault: CodeError) -> Reply:
    body = msgspec.json.encode({"code": fault.code, "msg": fault.words})
    return Reply(fault.status, body)


def _params(ask: Ask) -> Params:
    """Return the query, and the fields of a body of JSON; raise CodeError."""
    params: Params = dict(parse_qsl(ask.query, keep_blank_values=True))
    if not ask.body:
        return params
    if "json" not in ask.headers.get("content-type", ""):
        raise CodeError(-1045, "Invalid Content-Type, please use application/json.")
    try:
        return params | msgspec.json.decode(ask.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CodeError(-1135, "Invalid JSON request.") from None


def _count(house: House, call: Call) -> None:
    """Count a request against the limits; raise CodeError."""
    now = house.now
    banned = now < house.notes.get(_BANNED, 0)
    within = not banned and house.usage.take("weight", call.weight, now)
    if within and call.orders:
        within = house.usage.take("orders", call.orders, now)
    if not within:
        if not banned:
            house.notes[_BANNED] = now + _BAN_NS
        raise CodeError(429, "Too many requests", 429)


def _check(house: House, ask: Ask) -> None:
    """Check key, time and signature of a request; raise CodeError."""
    path = f"{ask.path}?{ask.query}" if ask.query else ask.path
    _check_headers(house, ask, f"{ask.method}{path}{ask.body.decode('utf-8', 'replace')}")


def _check_headers(house: House, ask: Ask, text: str) -> None:
    """Check the headers that sign `text`; raise CodeError."""
    names = ("access-key", "access-sign", "access-timestamp", "access-passphrase")
    key, theirs, stamp, passphrase = (ask.headers.get(name, "") for name in names)
    for value, code, name in ((key, -1040, "KEY"), (theirs, -1041, "SIGN"), (stamp, -1042, "TIME")):
        if not value:
            raise CodeError(code, f"ACCESS_{name} header is required.", 401)
    if not stamp.isdigit():
        raise CodeError(-1043, "Invalid ACCESS_TIMESTAMP.", 401)
    if key != house.credentials.key:
        raise CodeError(-1044, "Invalid ACCESS_KEY.", 401)
    if abs(house.now_ms - int(stamp)) > _WINDOW_MS:
        raise CodeError(-1046, "Request timestamp expired.", 401)
    if passphrase != house.credentials.passphrase:
        raise CodeError(-1049, "API key or passphrase incorrect.", 401)
    ours = signature_of(f"{stamp}{text}", house.credentials.secret)
    if not hmac.compare_digest(theirs, ours):
        raise CodeError(-1047, "API authentication failed.", 401)


def outage(house: House, kind: str) -> Reply:
    """Answer what an overloaded or closed door answers; the venue bans with 429 too."""
    if kind in ("429", "418"):
        return _refusal(CodeError(429, "Too many requests", 429))
    if kind == "503?":
        return _refusal(CodeError(-1054, "System error, please retry later."))
    return Reply(503, b"Service Unavailable", {"Content-Type": "text/plain"})


# -- sockets ---------------------------------------------------------------------------------------


def connect(house: House, ask: Ask) -> Channel | Reply:
    """Open a socket of streams, or of the account where its handshake is signed."""
    path = ask.path.rstrip("/")
    if path.endswith(_PUBLIC_PATH):
        channel = Channel()
    elif path.endswith(_PRIVATE_PATH):
        try:
            _check_headers(house, ask, _PRIVATE_PATH)
        except CodeError as fault:
            return _refusal(fault)
        channel = Channel(private=house.credentials.key)
    else:
        return Reply(404, b"")
    channel.opened = channel.pinged = house.exchange.now
    return channel


def greet(house: House, channel: Channel) -> Sequence[bytes]:
    """Say that the socket is open."""
    form = {"cid": f"local-{house.now:x}", "event": "connected", "time": str(house.now_ms)}
    return (msgspec.json.encode(form),)


def beat(house: House, channel: Channel) -> Sequence[bytes]:
    """Ping on the half of each minute who follows something, end who follows nothing."""
    now = house.exchange.now
    if not channel.topics:
        if now - channel.opened > _IDLE_NS:
            channel.over = "nothing was subscribed to"
        return ()
    half = _MINUTE_NS // 2
    if (now + half) // _MINUTE_NS == (channel.pinged + half) // _MINUTE_NS:
        return ()
    channel.pinged = now
    channel.unanswered += 1
    if channel.unanswered > _PINGS_MAX:
        channel.over = "no PONG"
        return ()
    kind = "type" if channel.private else "event"
    return (msgspec.json.encode({kind: "ping", "time": str(house.now_ms)}),)


class _Order(msgspec.Struct, frozen=True):
    method: str = ""
    id: int | str | None = None
    params: list[str] = []


_order = msgspec.json.Decoder(_Order)


def heard(house: House, channel: Channel, message: bytes) -> Sequence[bytes]:
    """Take a message of a client and answer it."""
    try:
        order = _order.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _refused(channel, None, "INVALID_ARGUMENT: invalid message")
    if order.method == "PONG":
        channel.unanswered = 0
        return (msgspec.json.encode({"id": order.id, "method": "PONG"}),)
    if order.method == "PING":
        return (_done(order),)
    if order.method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return _refused(channel, order.id, f"INVALID_ARGUMENT: invalid method : {order.method}")
    names = [one if channel.private else streams.named(one) for one in order.params]
    for name in names:
        why = _refusal_of(house, channel, name)
        if why:
            return _refused(channel, order.id, why)
    if order.method == "UNSUBSCRIBE":
        channel.topics.difference_update(names)
        return (_done(order),)
    new = [name for name in names if name not in channel.topics]
    channel.topics.update(new)
    if channel.private:
        return (_done(order),)
    first = [frame.payload for name in new for frame in streams.opening(house, name)]
    return (*first, _done(order))  # pictures may come before the acknowledgement: here they do


def _refusal_of(house: House, channel: Channel, name: str) -> str:
    if not channel.private:
        return streams.refusal_of(house, name)
    return "" if name in private.CHANNELS else f"INVALID_ARGUMENT: invalid event : {name}"


def _done(order: _Order) -> bytes:
    return msgspec.json.encode({"result": True, "id": order.id})


def _refused(channel: Channel, number: int | str | None, words: str) -> tuple[bytes, ...]:
    channel.refused += 1
    if channel.refused > _REFUSED_MAX:
        channel.over = "Unrecognized message sent multiple times"
    return (msgspec.json.encode({"result": False, "id": number, "msg": words}),)


def wrap(channel: Channel, frame: Frame) -> bytes:
    """Return a frame as this client gets it, b"" if it did not ask for it."""
    return frame.payload if frame.topic in channel.topics else b""


def tick(house: House) -> Sequence[Frame]:
    """Return what is told late: orders refused after they were accepted."""
    return house.notes.pop("late", ())


WEEX = Dialect(
    venue="weex",
    example=Instrument(
        venue="weex",
        symbol="BTCUSDT",
        kind=ContractKind.LINEAR,
        tick=Decimal("0.1"),
        lot=Decimal("0.0001"),
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
    wrap=wrap,
    outage=outage,
    tick=tick,
    paced=streams.paced,
    beat=beat,
    costs=Costs(maker_bp=Decimal(2), taker_bp=Decimal(8)),
    hedge=True,
)
