"""Binance's WebSocket API for orders: the REST calls by other names, signed over sorted parameters.

Document: Websocket API General Info; read 2026-05-28. Only HMAC keys sign here, each request on
its own; `session.logon` is for another kind of key and is refused.
"""

import hmac
from collections.abc import Callable
from typing import Any

import msgspec

from aggressor.venues.binance import server_market as market
from aggressor.venues.binance import server_orders as orders
from aggressor.venues.binance import server_private as private
from aggressor.venues.binance import server_questions as questions
from aggressor.venues.binance.server_market import Params
from aggressor.venues.binance.signing import signature
from aggressor.venues.served.dialect import Channel, CodeError, House

ROUTE = "api"
_WINDOW_MS = 5000

_METHODS: dict[str, Callable[[House, Params], Any]] = {
    "order.place": orders.place,
    "order.modify": orders.amend,
    "order.cancel": orders.cancel,
    "order.status": questions.query_order,
    "algoOrder.place": orders.place_algo,
    "algoOrder.cancel": orders.cancel_algo,
    "account.position": questions.positions,
    "v2/account.position": questions.positions,
    "account.balance": questions.balances,
    "v2/account.balance": questions.balances,
    "account.status": questions.account,
    "v2/account.status": questions.account,
}
_KEYED: dict[str, Callable[[House, Params], Any]] = {
    "userDataStream.start": private.new_listen_key,
    "userDataStream.ping": private.keep_listen_key,
    "userDataStream.stop": private.end_listen_key,
}
_OPEN = {
    "depth": market.depth,
    "ticker.price": market.price_ticker,
    "ticker.book": market.book_ticker,
    "ping": market.ping,
    "time": market.time,
}


class _Request(msgspec.Struct, frozen=True):
    method: str
    id: int | str | None = None
    params: dict[str, Any] = {}


_request = msgspec.json.Decoder(_Request)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def heard(house: House, channel: Channel, message: bytes) -> tuple[bytes, ...]:
    """Answer one request."""
    try:
        request = _request.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        words = {"code": -1135, "msg": "Invalid JSON."}
        return (msgspec.json.encode({"id": None, "status": 400, "error": words}),)
    params = {name: _text(value) for name, value in request.params.items()}
    answer: dict[str, Any] = {"id": request.id, "status": 200}
    try:
        answer["result"] = _result(house, request.method, params)
    except CodeError as fault:
        answer |= {"status": fault.status, "error": {"code": fault.code, "msg": fault.words}}
    if params.get("returnRateLimits") != "false":
        answer["rateLimits"] = [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": house.usage.limits["weight"][0],
                "count": house.usage.used("weight", house.now),
            }
        ]
    return (msgspec.json.encode(answer),)


def _result(house: House, method: str, params: Params) -> Any:
    if method in _OPEN:
        return msgspec.Raw(_OPEN[method](house, params).body)
    call = _METHODS.get(method) or _KEYED.get(method)
    if call is None:
        raise CodeError(-1101, f"Unknown method '{method}'.")
    if params.get("apiKey") != house.credentials.key:
        raise CodeError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    if method in _METHODS:
        _check(house, params)
        house.usage.take("weight", 1, house.now)
        if method in ("order.place", "order.modify", "algoOrder.place"):
            if not house.usage.take("orders10", 1, house.now):
                raise CodeError(-1015, "Too many new orders.", 429)
    return call(house, params)


def _check(house: House, params: Params) -> None:
    theirs = params.get("signature", "")
    signed = sorted((name, value) for name, value in params.items() if name != "signature")
    text = "&".join(f"{name}={value}" for name, value in signed)
    if not hmac.compare_digest(theirs.lower(), signature(house.credentials.secret, text)):
        raise CodeError(-1022, "Signature for this request is not valid.")
    sent = market.whole(params, "timestamp", 0)
    if not -1000 < house.now_ms - sent <= market.whole(params, "recvWindow", _WINDOW_MS):
        raise CodeError(-1021, "Timestamp for this request is outside of the recvWindow.")
