"""Our requests beside those of ccxt, which is in use: same endpoint, same signed bytes.

ccxt runs offline: its `fetch` is replaced, its clock stands still. Where ccxt asks the same in
another way (it names orders by the venue's id), its own parameter for ours is given. The numbers
have no zeros at their end: ccxt leaves these out, we write the grid's decimals.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from aggressor.schema.command import (
    AMEND,
    CANCEL,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
    empty_commands,
)
from aggressor.schema.event import BUY, NO_PRICE, SELL
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import REDUCE_ONLY
from aggressor.venues.trading import Call, Credentials, Signed, Terms, TradingVenue
from tests.venues.bybit_samples import BTCUSD, INSTRUMENT_ROW, INVERSE, LINEAR, answer, instrument
from tests.venues.ccxt_peer import ccxt_or_skip

KEY = Credentials("X" * 10, "Y" * 20)
NOW_MS = 1_658_384_314_791
SWAP, COIN = "BTC/USDT:USDT", "BTC/USD:BTC"
ROW = {
    "linear": INSTRUMENT_ROW,
    "inverse": INSTRUMENT_ROW
    | {
        "symbol": "BTCUSD",
        "contractType": "InversePerpetual",
        "quoteCoin": "USD",
        "settleCoin": "BTC",
        "lotSizeFilter": {"qtyStep": "1", "minOrderQty": "1", "maxOrderQty": "1000000"},
    },
}


class _Wire:
    """ccxt's bybit with a fetch that keeps what it is given and answers with nothing."""

    def __init__(self) -> None:
        ccxt = ccxt_or_skip()
        self.sent: list[Signed] = []
        self.exchange: Any = ccxt.bybit({"apiKey": KEY.key, "secret": KEY.secret})
        self.exchange.fetch = self._fetch
        self.exchange.nonce = lambda: NOW_MS
        self.exchange.options["fetchMarkets"] = {"types": ["linear", "inverse"]}
        self.exchange.options |= {
            "defaultType": "swap",
            "enableUnifiedMargin": False,
            "enableUnifiedAccount": True,
            "unifiedMarginStatus": 6,
        }
        self.exchange.has["fetchCurrencies"] = False
        self.exchange.load_markets()

    def _fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> dict[str, Any]:
        self.sent.append(Signed(method, url, dict(headers or {}), (body or "").encode()))
        category = "linear" if "category=linear" in url else "inverse"
        listed = "instruments-info" in url and "PreLaunch" not in url
        rows = [ROW[category]] if listed else []
        return json.loads(answer({"category": category, "list": rows, "nextPageCursor": ""}))

    def said(self, ask: Callable[[Any], Any]) -> Signed:
        """Return the last thing that goes out when ccxt is asked."""
        self.sent.clear()
        try:
            ask(self.exchange)
        except Exception:  # it may dislike an answer that is empty
            if not self.sent:
                raise
        return self.sent[-1]


@pytest.fixture(scope="module")
def wire() -> _Wire:
    return _Wire()


def _equal(call: Call | None, other: Signed, trading: TradingVenue) -> None:
    assert call is not None
    ours = trading.sign(call, KEY, NOW_MS, trading.host)
    assert (ours.method, ours.url, ours.body) == (other.method, other.url.rstrip("?"), other.body)
    named = {name: value for name, value in other.headers.items() if name.startswith("X-BAPI")}
    assert {name: ours.headers[name] for name in named} == named
    assert len(named) == 4


def _command(**fields: int) -> Any:
    record = empty_commands(1)
    record[0]["price"] = record[0]["trigger"] = NO_PRICE
    for name, value in ({"order": 5, "size": 123, "type": LIMIT, "side": BUY} | fields).items():
        record[0][name] = value
    return record[0]


def _linear() -> TradingVenue:
    assert LINEAR.trading is not None
    return LINEAR.trading


def _inverse() -> TradingVenue:
    assert INVERSE.trading is not None
    return INVERSE.trading


OURS = {"clientOrderId": "ag5"}
TWO_SIDES = {"hedged": True}
ORDERS: dict[str, tuple[dict[str, int], Terms, tuple[Any, ...]]] = {
    "limit": ({"price": 640_001}, Terms(), ("limit", "buy", 0.123, 64000.1, OURS)),
    "post only": (
        {"price": 640_001, "tif": POST_ONLY, "side": SELL},
        Terms(),
        ("limit", "sell", 0.123, 64000.1, OURS | {"postOnly": True}),
    ),
    "ioc": (
        {"price": 640_001, "tif": IOC},
        Terms(),
        ("limit", "buy", 0.123, 64000.1, OURS | {"timeInForce": "IOC"}),
    ),
    "market": ({"type": MARKET}, Terms(), ("market", "buy", 0.123, None, OURS)),
    "reduce only": (
        {"type": MARKET, "side": SELL, "flags": REDUCE_ONLY},
        Terms(),
        ("market", "sell", 0.123, None, OURS | {"reduceOnly": True}),
    ),
    "hedged": (
        {"price": 640_001, "side": SELL},
        Terms(hedge=True),
        ("limit", "sell", 0.123, 64000.1, OURS | TWO_SIDES),
    ),
    "hedged close": (
        {"price": 640_001, "side": SELL, "flags": REDUCE_ONLY},
        Terms(hedge=True),
        ("limit", "sell", 0.123, 64000.1, OURS | {"reduceOnly": True, "positionIdx": 1}),
    ),
    "stop": (
        {"type": STOP_MARKET, "side": SELL, "trigger": 600_001, "flags": REDUCE_ONLY},
        Terms(),
        ("market", "sell", 0.123, None, OURS | {"stopLossPrice": 60000.1}),
    ),
    "stop that opens": (
        {"type": STOP_MARKET, "trigger": 700_001},
        Terms(),
        ("market", "buy", 0.123, None, OURS | {"triggerPrice": 70000.1, "triggerDirection": "1"}),
    ),
    "take profit": (
        {"type": TAKE_PROFIT_MARKET, "side": SELL, "trigger": 700_001, "flags": REDUCE_ONLY},
        Terms(),
        ("market", "sell", 0.123, None, OURS | {"takeProfitPrice": 70000.1}),
    ),
}


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_orders(wire: _Wire, name: str) -> None:
    fields, terms, (kind, side, size, price, params) = ORDERS[name]
    other = wire.said(lambda ccxt: ccxt.create_order(SWAP, kind, side, size, price, params))
    _equal(_linear().place(_command(**fields), instrument(), terms), other, _linear())


def test_an_inverse_order(wire: _Wire) -> None:
    other = wire.said(lambda ccxt: ccxt.create_order(COIN, "limit", "buy", 300, 64000.1, OURS))
    call = _inverse().place(_command(price=640_001, size=300), BTCUSD, Terms())
    _equal(call, other, _inverse())


def test_a_batch(wire: _Wire) -> None:
    orders = [
        {"symbol": SWAP, "type": "limit", "side": "buy", "amount": 0.123, "price": 64000.1}
        | {"params": {"clientOrderId": f"ag{order}"}}
        for order in (5, 6)
    ]
    other = wire.said(lambda ccxt: ccxt.create_orders(orders))
    ours = [_command(price=640_001, order=order) for order in (5, 6)]
    trading = _linear()
    assert trading.place_many is not None
    _equal(trading.place_many(ours, instrument(), Terms()), other, trading)


def test_amends(wire: _Wire) -> None:
    trading = _linear()
    assert trading.amend is not None
    ours_by_name = {"orderLinkId": "ag5"}
    other = wire.said(
        lambda ccxt: ccxt.edit_order("", SWAP, "limit", "buy", 0.051, 64000.2, ours_by_name)
    )
    ours = trading.amend(_command(kind=AMEND, price=640_002, size=51), instrument(), Terms())
    _equal(ours, other, trading)


def test_cancels(wire: _Wire) -> None:
    trading = _linear()
    other = wire.said(lambda ccxt: ccxt.cancel_order(None, SWAP, {"orderLinkId": "ag5"}))
    ours = trading.cancel(_command(kind=CANCEL), instrument(), Terms())
    sent, expected = json.loads(ours.body), json.loads(other.body)
    assert (ours.path, sent) == ("/v5/order/cancel", expected)  # ccxt puts the id last
    (call,) = trading.cancel_all(instrument())
    _equal(call, wire.said(lambda ccxt: ccxt.cancel_all_orders(SWAP)), trading)


def test_the_dead_man(wire: _Wire) -> None:
    trading = _linear()
    assert trading.dead_man is not None
    other = wire.said(lambda ccxt: ccxt.cancel_all_orders_after(10_000))
    _equal(trading.dead_man(instrument(), 10_000), other, trading)


def test_settings(wire: _Wire) -> None:
    trading = _linear()
    assert trading.set_mode is not None
    assert trading.set_margin is not None
    (call,) = trading.set_leverage(instrument(), Terms(leverage=7))
    _equal(call, wire.said(lambda ccxt: ccxt.set_leverage(7, SWAP)), trading)
    hedged = trading.set_mode(Terms(hedge=True))
    _equal(hedged, wire.said(lambda ccxt: ccxt.set_position_mode(True)), trading)
    one_way = trading.set_mode(Terms())
    _equal(one_way, wire.said(lambda ccxt: ccxt.set_position_mode(False)), trading)
    for isolated, name in ((True, "isolated"), (False, "cross")):
        ours = trading.set_margin(instrument(), Terms(isolated=isolated))
        _equal(ours, wire.said(lambda ccxt, name=name: ccxt.set_margin_mode(name)), trading)


def _by_symbol(
    trading: TradingVenue, one: Instrument, symbol: str, wire: _Wire
) -> list[tuple[Call, Signed]]:
    assert trading.fees is not None
    asks: list[tuple[Call, Callable[[Any], Any]]] = [
        (trading.open_orders(one)[0], lambda ccxt: ccxt.fetch_open_orders(symbol, None, 50)),
        (trading.positions(one), lambda ccxt: ccxt.fetch_positions([symbol])),
        (trading.fees(one), lambda ccxt: ccxt.fetch_trading_fee(symbol)),
        (
            trading.order(one, "ag5", "fd43", 0)[0],
            lambda ccxt: ccxt.fetch_order("fd43", symbol, {"acknowledged": True}),
        ),
    ]
    return [(call, wire.said(ask)) for call, ask in asks]


def test_questions(wire: _Wire) -> None:
    for call, other in _by_symbol(_linear(), instrument(), SWAP, wire):
        _equal(call, other, _linear())
    for call, other in _by_symbol(_inverse(), BTCUSD, COIN, wire):
        _equal(call, other, _inverse())
    everything = wire.said(lambda ccxt: ccxt.fetch_positions())
    _equal(_linear().positions(None), everything, _linear())
    _equal(_linear().balances(), wire.said(lambda ccxt: ccxt.fetch_balance()), _linear())


def test_calls_that_ccxt_only_has_raw(wire: _Wire) -> None:
    trading = _linear()
    assert trading.rights is not None
    assert trading.next_page is not None
    rights = wire.said(lambda ccxt: ccxt.privateGetV5UserQueryApi())
    _equal(trading.rights(), rights, trading)
    history = trading.order(instrument(), "ag5", "", 0)[1]
    asked = dict(history.query)
    _equal(history, wire.said(lambda ccxt: ccxt.privateGetV5OrderHistory(asked)), trading)
    fills = trading.fills(instrument(), 1700)
    asked = dict(fills.query)
    _equal(fills, wire.said(lambda ccxt: ccxt.privateGetV5ExecutionList(asked)), trading)
    cursor = "132766%3A2%2C132766%3A2"
    page = trading.next_page(fills, answer({"list": [{}] * 100, "nextPageCursor": cursor}))
    asked = dict(fills.query) | {"cursor": cursor}
    _equal(page, wire.said(lambda ccxt: ccxt.privateGetV5ExecutionList(asked)), trading)


def test_public_questions(wire: _Wire) -> None:
    assert LINEAR.candles_request is not None
    assert LINEAR.clock_request is not None
    clock = wire.said(lambda ccxt: ccxt.fetch_time())
    assert (LINEAR.clock_request().url, "GET") == (clock.url, clock.method)
    asked = LINEAR.candles_request(instrument(), 3600, 199).url
    other = wire.said(lambda ccxt: ccxt.fetch_ohlcv(SWAP, "1h", None, 200)).url
    assert _parts(asked) == _parts(other)
    wire.exchange.markets = None
    wire.exchange.load_markets(True)
    listed = [_parts(signed.url) for signed in wire.sent if "instruments-info" in signed.url]
    assert _parts(LINEAR.definitions_request().url) in listed
    assert _parts(INVERSE.definitions_request().url) in listed


def _parts(url: str) -> tuple[str, set[str]]:
    path, _, query = url.partition("?")
    return path, set(query.split("&"))
