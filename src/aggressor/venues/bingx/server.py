"""BingX's own side: the router, signatures, quotas and the one socket of perpetual swaps.

Refusals come with HTTP 200 and a code. A signature covers the parameters as raw text, in the order
in which they came or sorted. Every frame of the server is one gzip member; it says `Ping` every
five seconds and gives up who has not said `Pong` for six of them.
"""

import gzip
import hmac
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.bingx import server_account as account
from aggressor.venues.bingx import server_market as market
from aggressor.venues.bingx import server_private as private
from aggressor.venues.bingx import server_questions as questions
from aggressor.venues.bingx import server_streams as streams
from aggressor.venues.bingx.server_market import Params
from aggressor.venues.bingx.signing import signature_of
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

_PATH = "/swap-market"
_WINDOW_MS = 5000
_TOPICS_MAX = 200
_MESSAGES_PER_SECOND = 10
_PING_NS = 5 * SECOND_NS
_PINGS_MAX = 6

LIMITS = {
    "market": (500, 10 * SECOND_NS),
    "order": (10, SECOND_NS),
    "batch": (5, SECOND_NS),
    "cancel_all": (5, SECOND_NS),
    "amend": (5, SECOND_NS),
    "query": (30, SECOND_NS),
    "list": (10, SECOND_NS),
    "account": (10, SECOND_NS),
    "leverage": (5, SECOND_NS),
    "setting": (4, SECOND_NS),
}

Handler = Callable[[House, Params], Any]


class Call(NamedTuple):
    """One row of the router."""

    handler: Handler
    quota: str = "market"
    signed: bool = False
    bare: bool = False  # answered without the envelope


_API = "/openApi"
_QUOTE = f"{_API}/swap/v2/quote"
_TRADE = f"{_API}/swap/v2/trade"
_TRADE_1 = f"{_API}/swap/v1/trade"
_USER = f"{_API}/swap/v2/user"
_STREAM = f"{_API}/user/auth/userDataStream"

_PUBLIC: dict[tuple[str, str], Call] = {
    ("GET", path): Call(handler)
    for path, handler in (
        (f"{_API}/swap/v2/server/time", market.time),
        (f"{_QUOTE}/contracts", market.contracts),
        (f"{_QUOTE}/depth", market.depth),
        (f"{_QUOTE}/trades", market.trades),
        (f"{_API}/swap/v1/market/historicalTrades", market.past_trades),
        (f"{_QUOTE}/premiumIndex", market.premium_index),
        (f"{_QUOTE}/fundingRate", market.funding_rates),
        (f"{_QUOTE}/openInterest", market.open_interest),
        (f"{_QUOTE}/ticker", market.ticker),
        (f"{_QUOTE}/bookTicker", market.book_ticker),
        (f"{_API}/swap/v1/ticker/price", market.price),
        (f"{_API}/swap/v3/quote/klines", market.klines),
        (f"{_API}/cswap/v1/market/contracts", market.nothing),
        (f"{_API}/spot/v1/common/symbols", market.no_symbols),
    )
}


def _signed(handler: Handler, quota: str) -> Call:
    return Call(handler, quota, signed=True)


_SIGNED: dict[tuple[str, str], Call] = {
    ("POST", f"{_TRADE}/order"): _signed(account.place, "order"),
    ("POST", f"{_TRADE}/order/test"): _signed(account.try_place, "order"),
    ("DELETE", f"{_TRADE}/order"): _signed(account.cancel, "order"),
    ("GET", f"{_TRADE}/order"): _signed(questions.query_order, "query"),
    ("GET", f"{_TRADE}/openOrder"): _signed(questions.query_open_order, "query"),
    ("POST", f"{_TRADE}/batchOrders"): _signed(account.place_many, "batch"),
    ("DELETE", f"{_TRADE}/batchOrders"): _signed(account.cancel_many, "batch"),
    ("DELETE", f"{_TRADE}/allOpenOrders"): _signed(account.cancel_all, "cancel_all"),
    ("POST", f"{_TRADE}/cancelAllAfter"): _signed(account.dead_man, "setting"),
    ("POST", f"{_TRADE_1}/amend"): _signed(account.amend, "amend"),
    ("POST", f"{_TRADE_1}/cancelReplace"): _signed(account.cancel_replace, "amend"),
    ("POST", f"{_TRADE}/closeAllPositions"): _signed(account.close_all, "order"),
    ("POST", f"{_TRADE_1}/closePosition"): _signed(account.close_one, "order"),
    ("GET", f"{_TRADE}/openOrders"): _signed(questions.open_orders, "list"),
    ("GET", f"{_TRADE}/allOrders"): _signed(questions.all_orders, "list"),
    ("GET", f"{_TRADE_1}/fullOrder"): _signed(questions.all_orders, "list"),
    ("GET", f"{_TRADE}/forceOrders"): _signed(questions.no_orders, "list"),
    ("GET", f"{_TRADE}/allFillOrders"): _signed(questions.all_fills, "list"),
    ("GET", f"{_TRADE}/fillHistory"): _signed(questions.fill_history, "list"),
    ("GET", f"{_TRADE}/leverage"): _signed(questions.leverage, "leverage"),
    ("POST", f"{_TRADE}/leverage"): _signed(questions.set_leverage, "leverage"),
    ("GET", f"{_TRADE}/marginType"): _signed(questions.margin_type, "setting"),
    ("POST", f"{_TRADE}/marginType"): _signed(questions.set_margin_type, "setting"),
    ("GET", f"{_API}/swap/v1/positionSide/dual"): _signed(questions.position_mode, "setting"),
    ("POST", f"{_API}/swap/v1/positionSide/dual"): _signed(questions.set_position_mode, "setting"),
    ("GET", f"{_USER}/positions"): _signed(questions.positions, "account"),
    ("GET", f"{_API}/swap/v3/user/balance"): _signed(questions.balances, "account"),
    ("GET", f"{_USER}/commissionRate"): _signed(questions.fees, "account"),
    ("GET", f"{_API}/swap/v1/maintMarginRatio"): _signed(questions.tiers, "account"),
    ("GET", f"{_API}/v1/account/apiPermissions"): _signed(questions.rights, "account"),
    ("GET", f"{_API}/wallets/v1/capital/config/getall"): _signed(market.nothing, "account"),
    **{
        (method, _STREAM): Call(handler, "setting", signed=True, bare=True)
        for method, handler in (
            ("POST", questions.new_key),
            ("PUT", questions.keep_key),
            ("DELETE", questions.end_key),
        )
    },
}
_ROUTES = _PUBLIC | _SIGNED


def serve(house: House, ask: Ask) -> Reply:
    """Answer a request."""
    call = _ROUTES.get((ask.method, ask.path))
    if call is None:
        return _refusal(CodeError(100400, "this api is not exist"))
    headers: dict[str, str] = {}
    try:
        pairs = _pairs(ask)
        if call.signed:
            _check(house, ask, pairs)
        headers = _take(house, call.quota)
        params = dict(pairs)
        result = call.handler(house, params)
    except CodeError as fault:
        return _refusal(fault)._replace(headers=headers)
    if call.bare:
        return _bare(ask, result)._replace(headers=headers)
    form = {"code": 0, "msg": "", "data": result}
    return Reply(200, msgspec.json.encode(form), headers)


def _refusal(fault: CodeError) -> Reply:
    return Reply(200, msgspec.json.encode({"code": fault.code, "msg": fault.words, "data": {}}))


def _bare(ask: Ask, result: Any) -> Reply:
    """Answer about a key of the stream: only a new one is told."""
    if result is None:
        return Reply(404, b"")
    return Reply(200, msgspec.json.encode(result) if ask.method == "POST" else b"")


def _pairs(ask: Ask) -> list[tuple[str, str]]:
    """Return the parameters in the order in which they came: query, then a form or JSON."""
    pairs = parse_qsl(ask.query, keep_blank_values=True)
    if not ask.body:
        return pairs
    if not ask.body.lstrip().startswith(b"{"):
        body = ask.body.decode("utf-8", "replace")
        return pairs + parse_qsl(body, keep_blank_values=True)
    try:
        fields = msgspec.json.decode(ask.body, type=dict[str, str], strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise market.bad("body", "is no object of plain values") from None
    return pairs + list(fields.items())


def _take(house: House, quota: str) -> dict[str, str]:
    usage, now = house.usage, house.now
    within = usage.take(quota, 1, now)
    if not within:
        raise CodeError(100410, "rate limited: the frequency limit is exceeded")
    left = usage.limits[quota][0] - usage.used(quota, now)
    return {
        "X-RateLimit-Requests-Remain": str(left),
        "X-RateLimit-Requests-Expire": str(house.now_ms // 1000 + usage.wait_s(quota, now)),
    }


def _check(house: House, ask: Ask, pairs: list[tuple[str, str]]) -> None:
    """Check key, signature and time; raise CodeError."""
    key = ask.headers.get("x-bx-apikey", "")
    if key != house.credentials.key:
        raise CodeError(100413, "Incorrect apiKey")
    params = dict(pairs)
    theirs = params.get("signature", "")
    if not theirs:
        raise CodeError(100412, "Null signature")
    kept = [one for one in pairs if one[0] != "signature"]
    texts = ["&".join(f"{name}={value}" for name, value in ps) for ps in (kept, sorted(kept))]
    sealed = [signature_of(text, house.credentials.secret) for text in texts]
    if not any(hmac.compare_digest(theirs.lower(), one) for one in sealed):
        raise CodeError(100001, "Signature verification failed due to signature mismatch")
    sent, window = params.get("timestamp", ""), params.get("recvWindow", "")
    allowed = min(int(window), _WINDOW_MS) if window.isdigit() else _WINDOW_MS
    if not sent.isdigit() or abs(house.now_ms - int(sent)) > allowed:
        raise CodeError(100421, f"Null timestamp or timestamp mismatch: now {house.now_ms}")


def outage(house: House, kind: str) -> Reply:
    """Answer what an overloaded or closed door answers."""
    if kind in ("429", "418"):
        words = "rate limited" if kind == "429" else "the address is banned for five minutes"
        body = msgspec.json.encode({"code": 100410, "msg": words, "data": {}})
        return Reply(int(kind), body)
    if kind == "503?":
        return _refusal(CodeError(109500, "The current system is busy, please try again later"))
    return Reply(503, b"Service Unavailable", {"Content-Type": "text/plain"})


# -- the socket ------------------------------------------------------------------------------------


def connect(house: House, ask: Ask) -> Channel | Reply:
    """Open a socket of streams, of the account where the address holds its key."""
    if ask.path.rstrip("/") != _PATH:
        return Reply(404, b"")
    key = dict(parse_qsl(ask.query)).get("listenKey", "")
    if key and house.listen_keys.get(key, 0) <= house.exchange.now:
        return Reply(401, b"")
    channel = Channel(private=key)
    channel.opened = channel.pinged = house.exchange.now
    return channel


def greet(house: House, channel: Channel) -> Sequence[bytes]:
    """Say nothing."""
    return ()


def beat(house: House, channel: Channel) -> Sequence[bytes]:
    """Ping when it is time, and give up who does not answer; to owners tell a snapshot too."""
    now = house.exchange.now
    if now - channel.pinged < _PING_NS:
        return ()
    channel.pinged = now
    if channel.unanswered >= _PINGS_MAX:
        channel.over = "no Pong"
        return ()
    channel.unanswered += 1
    if not channel.private:
        return (b"Ping",)
    return (b"Ping", private.config_frame(house, 0, "SNAPSHOT").payload)


class _Order(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    req_type: str = ""
    data_type: str = ""


_order = msgspec.json.Decoder(_Order)


def heard(house: House, channel: Channel, message: bytes) -> Sequence[bytes]:
    """Take a message of a client and answer it; what is no subscription is passed over."""
    if message == b"Pong":
        channel.unanswered = 0
        return ()
    if channel.too_fast(house.exchange.now, _MESSAGES_PER_SECOND):
        channel.over = "too many messages"
        return ()
    try:
        order = _order.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    if order.req_type not in ("sub", "unsub"):
        return (_said(order, 80014, "Invalid parameters"),)
    name = order.data_type
    if not streams.known(house, name):
        return (_said(order, 80015, "dataType not support"),)
    if order.req_type == "unsub":
        channel.topics.discard(name)
        return (_said(order),)
    if name in channel.topics:
        return (_said(order),)
    if len(channel.topics) >= _TOPICS_MAX:
        return (_said(order, 80403, f"your topic num over max {_TOPICS_MAX}"),)
    channel.topics.add(name)
    return (_said(order), *(frame.payload for frame in streams.opening(house, name)))


def _said(order: _Order, code: int = 0, words: str = "") -> bytes:
    form = {"id": order.id, "code": code, "msg": words, "dataType": "", "data": None}
    return msgspec.json.encode(form)


def wrap(channel: Channel, frame: Frame) -> bytes:
    """Return a frame as this client gets it."""
    return frame.payload


def tick(house: House) -> Sequence[Frame]:
    """Do what is due by the clock, and return what is told late."""
    now = house.exchange.now
    for lane in [lane for lane, at in house.dead_man.items() if at <= now]:
        del house.dead_man[lane]
        house.exchange.cancel_all(None)
    ended = [private.key_ended_frame(house, key) for key in ended_keys(house)]
    return [*house.notes.pop("late", ()), *ended]


BINGX = Dialect(
    venue="bingx",
    example=Instrument(
        venue="bingx",
        symbol="BTC-USDT",
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
    packed=partial(gzip.compress, compresslevel=1, mtime=0),
)
