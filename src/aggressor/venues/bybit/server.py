"""Bybit v5's own side: the router, signatures, quotas and sockets of linear and inverse.

What is signed is checked over the bytes as they came: time, key, window, and the query or the body.
Business refusals come with HTTP 200 and a code; an address that asks too often gets 403.
"""

import hmac
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.bybit import server_account as account
from aggressor.venues.bybit import server_guard
from aggressor.venues.bybit import server_history as history
from aggressor.venues.bybit import server_market as market
from aggressor.venues.bybit import server_questions as questions
from aggressor.venues.bybit.server_market import Params
from aggressor.venues.bybit.signing import seal
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

_WINDOW_MS = 5000
_AHEAD_MS = 1000
_ARGS_MAX = 21_000
_PRIVATE = ("order", "execution", "position", "wallet", "dcp")
_PUBLIC_ROUTE, _PRIVATE_ROUTE, _TRADE_ROUTE = "public", "private", "trade"

LIMITS = {
    "address": (600, 5 * SECOND_NS),
    "orders": (10, SECOND_NS),
    "questions": (50, SECOND_NS),
    "guard": (5, SECOND_NS),
}

Handler = Callable[[House, Params], Any]


class Call(NamedTuple):
    """One row of the router."""

    handler: Handler
    quota: str = "questions"
    signed: bool = True


_MARKET = "/v5/market/"
_ROUTES: dict[tuple[str, str], Call] = {
    **{
        ("GET", f"{_MARKET}{name}"): Call(handler, "", signed=False)
        for name, handler in (
            ("time", market.time),
            ("instruments-info", market.instruments_info),
            ("orderbook", market.orderbook),
            ("recent-trade", market.recent_trade),
            ("tickers", market.tickers),
            ("open-interest", market.open_interest),
            ("risk-limit", market.risk_limit),
            ("kline", history.kline),
            ("mark-price-kline", history.mark_kline),
            ("index-price-kline", history.mark_kline),
            ("funding/history", history.funding_history),
        )
    },
    **{
        ("POST", f"/v5/order/{name}"): Call(handler, "orders")
        for name, handler in (
            ("create", account.create),
            ("amend", account.amend),
            ("cancel", account.cancel),
            ("cancel-all", account.cancel_all),
            ("create-batch", account.batch(account.create)),
            ("amend-batch", account.batch(account.amend)),
            ("cancel-batch", account.batch(account.cancel)),
        )
    },
    ("POST", "/v5/order/disconnected-cancel-all"): Call(server_guard.set_window, "guard"),
    ("GET", "/v5/order/realtime"): Call(questions.realtime),
    ("GET", "/v5/order/history"): Call(questions.history),
    ("GET", "/v5/execution/list"): Call(questions.executions),
    ("GET", "/v5/position/list"): Call(questions.positions),
    ("GET", "/v5/account/wallet-balance"): Call(questions.wallet),
    ("GET", "/v5/account/fee-rate"): Call(questions.fee_rate),
    ("GET", "/v5/account/info"): Call(questions.account_info),
    ("GET", "/v5/user/query-api"): Call(questions.query_api),
    ("GET", "/v5/asset/coin/query-info"): Call(questions.no_coins),
    ("POST", "/v5/position/set-leverage"): Call(account.set_leverage),
    ("POST", "/v5/position/switch-mode"): Call(account.switch_mode),
    ("POST", "/v5/account/set-margin-mode"): Call(account.set_margin_mode),
}


def serve(house: House, ask: Ask) -> Reply:
    """Answer a request."""
    call = _ROUTES.get((ask.method, ask.path))
    if call is None:
        return Reply(404, b"404 page not found")
    if not house.usage.take("address", 1, house.now):
        return Reply(403, b"access too frequent", {"Content-Type": "text/plain"})
    headers: dict[str, str] = {}
    try:
        params = _params(ask)
        if call.signed:
            _check(house, ask)
        if call.quota:
            headers = _take(house, call.quota)
        result = call.handler(house, params)
    except CodeError as fault:
        return market.answer(house, {}, fault.code, fault.words)._replace(headers=headers)
    if isinstance(result, account.Batch):
        more = {"list": result.codes}
        return market.answer(house, {"list": result.rows}, more=more)._replace(headers=headers)
    return market.answer(house, result)._replace(headers=headers)


def _params(ask: Ask) -> Params:
    if ask.method == "GET":
        return dict(parse_qsl(ask.query, keep_blank_values=True))
    try:
        return msgspec.json.decode(ask.body or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CodeError(10001, "Request parameter error.") from None


def _take(house: House, quota: str) -> dict[str, str]:
    within = house.usage.take(quota, 1, house.now)
    most = house.usage.limits[quota][0]
    left = max(0, most - house.usage.used(quota, house.now))
    if not within:
        raise CodeError(10006, "Too many visits!")
    return {
        "X-Bapi-Limit": str(most),
        "X-Bapi-Limit-Status": str(left),
        "X-Bapi-Limit-Reset-Timestamp": str(house.now_ms),
    }


def _check(house: House, ask: Ask) -> None:
    """Check key, time and signature; raise CodeError."""
    headers = ask.headers
    key, stamp = headers.get("x-bapi-api-key", ""), headers.get("x-bapi-timestamp", "")
    window = headers.get("x-bapi-recv-window", str(_WINDOW_MS))
    if key != house.credentials.key:
        raise CodeError(10003, "API key is invalid.")
    payload = ask.body if ask.method == "POST" else ask.query.encode()
    sealed = seal(house.credentials.secret, f"{stamp}{key}{window}".encode() + payload)
    if not hmac.compare_digest(headers.get("x-bapi-sign", ""), sealed):
        raise CodeError(10004, "error sign! origin_string does not match")
    if not stamp.isdigit() or not window.isdigit():
        raise CodeError(10001, "Request parameter error.")
    if not house.now_ms - int(window) <= int(stamp) < house.now_ms + _AHEAD_MS:
        raise CodeError(10002, "invalid request, please check your server timestamp or recv_window")


def outage(house: House, kind: str) -> Reply:
    """Answer what an overloaded or closed door answers."""
    if kind == "429":
        return market.answer(house, {}, 10006, "Too many visits!")
    if kind == "418":
        return Reply(403, b"access too frequent", {"Content-Type": "text/plain"})
    if kind == "503?":
        return market.answer(house, {}, 10016, "Internal System Error.")
    return Reply(503, b"Service Unavailable", {"Content-Type": "text/plain"})


# -- sockets ---------------------------------------------------------------------------------------


def connect(category: str, house: House, ask: Ask) -> Channel | Reply:
    """Open a socket of streams or of the account."""
    path = ask.path.rstrip("/")
    if path == f"/v5/public/{category}":
        return Channel(_PUBLIC_ROUTE)
    if path == "/v5/private":
        return Channel(_PRIVATE_ROUTE)
    if path == "/v5/trade":
        return Channel(_TRADE_ROUTE)
    return Reply(404, b"")


def greet(house: House, channel: Channel) -> Sequence[bytes]:
    """Say nothing."""
    return ()


class _Order(msgspec.Struct, frozen=True):
    op: str = ""
    req_id: int | str = ""
    request: int | str = msgspec.field(default="", name="reqId")
    args: list[Any] = []


_order = msgspec.json.Decoder(_Order)


def heard(house: House, channel: Channel, message: bytes) -> Sequence[bytes]:
    """Take a message of a client and answer it."""
    try:
        order = _order.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return (_said(house, channel, _Order(), False, "Params Error"),)
    if order.op == "ping":
        return (_pong(house, channel, order),)
    if order.op == "auth":
        words = _login(house, order.args)
        if not words:
            channel.private = house.credentials.key
        return (_said(house, channel, order, not words, words),)
    if channel.route == _TRADE_ROUTE:
        return (_traded(house, channel, order),)
    names = [one for one in order.args if isinstance(one, str)]
    if order.op == "unsubscribe":
        channel.topics.difference_update(names)
        return (_said(house, channel, order, True, ""),)
    if order.op != "subscribe":
        return (_said(house, channel, order, False, f"error:handler not found,op:{order.op}"),)
    return _subscribed(house, channel, order, names)


def _subscribed(
    house: House, channel: Channel, order: _Order, names: Sequence[str]
) -> Sequence[bytes]:
    private = channel.route == _PRIVATE_ROUTE
    for name in names:
        if private != (name.partition(".")[0] in _PRIVATE):
            words = f"error:handler not found,topic:{name}"
            return (_said(house, channel, order, False, words),)
        if private and not channel.private:
            words = f"error:topic:{name} needs auth first"
            return (_said(house, channel, order, False, words),)
        if not private and not market.known(house, name):
            return (_said(house, channel, order, False, f"Invalid symbol :[{name}]"),)
    channel.topics.update(names)
    if sum(len(one) for one in channel.topics) > _ARGS_MAX:
        channel.over = "too many topics"
    first = [
        frame.payload for name in names if not private for frame in market.opening(house, name)
    ]
    return (_said(house, channel, order, True, ""), *first)


def _said(house: House, channel: Channel, order: _Order, good: bool, words: str) -> bytes:
    if channel.route == _TRADE_ROUTE:
        form = {"retCode": 0 if good else 10004, "retMsg": words or "OK", "op": order.op}
        return msgspec.json.encode(form | {"connId": "local", "reqId": order.request})
    form = {"success": good, "ret_msg": words, "op": order.op, "conn_id": "local"}
    return msgspec.json.encode(form | {"req_id": order.req_id})


def _pong(house: House, channel: Channel, order: _Order) -> bytes:
    if channel.route == _PUBLIC_ROUTE:
        return _said(house, channel, order, True, "pong")
    now = [str(house.now_ms)]
    if channel.route == _TRADE_ROUTE:
        form: dict[str, Any] = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": now}
        return msgspec.json.encode(form | {"connId": "local"})
    form = {"req_id": order.req_id, "op": "pong", "args": now, "conn_id": "local"}
    return msgspec.json.encode(form)


def _login(house: House, args: Sequence[Any]) -> str:
    """Return why a login is refused, "" if it is not."""
    if len(args) < 3 or not str(args[1]).isdigit():
        return "Params Error"
    if args[0] != house.credentials.key:
        return "error:invalid apikey"
    if int(args[1]) <= house.now_ms:
        return "error:request expired"
    sealed = seal(house.credentials.secret, f"GET/realtime{args[1]}".encode())
    return "" if hmac.compare_digest(str(args[2]), sealed) else "error:invalid signature"


_TRADES: dict[str, Handler] = {
    "order.create": account.create,
    "order.amend": account.amend,
    "order.cancel": account.cancel,
}


def _traded(house: House, channel: Channel, order: _Order) -> bytes:
    call = _TRADES.get(order.op)
    form: dict[str, Any] = {"reqId": order.request, "op": order.op, "connId": "local"}
    try:
        if not channel.private:
            raise CodeError(10004, "not logged in")
        if call is None or not order.args or not isinstance(order.args[0], dict):
            raise CodeError(10404, "op or category not supported")
        _take(house, "orders")
        result = call(house, order.args[0])
        form |= {"retCode": 0, "retMsg": "OK", "data": result}
    except CodeError as fault:
        form |= {"retCode": fault.code, "retMsg": fault.words, "data": {}}
    return msgspec.json.encode(form)


def wrap(channel: Channel, frame: Frame) -> bytes:
    """Return a frame as this client gets it, b"" if it did not ask for it."""
    if channel.route == _PRIVATE_ROUTE:
        topic = frame.topic
        asked = any(one == topic or one.startswith(f"{topic}.") for one in channel.topics)
        return frame.payload if asked else b""
    return frame.payload if channel.route == _PUBLIC_ROUTE else b""


def tick(house: House) -> Sequence[Frame]:
    """Guard those who are away; return what is told late: orders refused behind their answer."""
    server_guard.guard(house)
    return house.notes.pop("late", ())


def _dialect(venue: str, category: str, example: Instrument) -> Dialect:
    return Dialect(
        venue=venue,
        example=example,
        limits=LIMITS,
        serve=serve,
        connect=partial(connect, category),
        greet=greet,
        heard=heard,
        tell=market.tell,
        tell_private=account.tell_private,
        wrap=wrap,
        outage=outage,
        tick=tick,
        beat=server_guard.beat,
    )


LINEAR = _dialect(
    "bybit-linear",
    "linear",
    Instrument(
        venue="bybit-linear",
        symbol="BTCUSDT",
        kind=ContractKind.LINEAR,
        tick=Decimal("0.1"),
        lot=Decimal("0.001"),
        base="BTC",
        quote="USDT",
        settle="USDT",
    ),
)
INVERSE = _dialect(
    "bybit-inverse",
    "inverse",
    Instrument(
        venue="bybit-inverse",
        symbol="BTCUSD",
        kind=ContractKind.INVERSE,
        tick=Decimal("0.1"),
        lot=Decimal(1),
        base="BTC",
        quote="USD",
        settle="BTC",
    ),
)
