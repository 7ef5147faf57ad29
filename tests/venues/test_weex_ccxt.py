"""The same call signed by ccxt, byte for byte: method, URL, body, headers.

Two differences are named and nothing else: ccxt writes the members of a body in another sequence
(they are compared as they are, then signed by ccxt in ours), and names no program in its headers.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from aggressor.schema import command as commands
from aggressor.schema import report
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Call, Terms, TradingVenue
from tests.venues.ccxt_peer import CREDENTIALS, NOW_MS, asked, client, signed
from tests.venues.test_weex_trading import order
from tests.venues.weex_samples import BTC, contract

SYMBOL = "BTC/USDT:USDT"
OURS = {"clientOrderId": "ag2n9c"}
KEY = msgspec.structs.replace(CREDENTIALS, passphrase="phrase")
TERMS = Terms(hedge=True, leverage=20)
ALONE = Terms(hedge=True, isolated=True, leverage=7)


def side() -> TradingVenue:
    made = venue_named("weex").trading
    assert made is not None
    return made


WEEX = side()


@pytest.fixture(scope="module")
def ccxt() -> Any:
    rows = [contract("BTCUSDT")]
    return client("weex", rows, password="phrase", options={"defaultType": "swap"})


def limit(exchange: Any, trade: str, **params: Any) -> Any:
    return exchange.create_order(SYMBOL, "limit", trade, 0.0011, 30000.5, params | OURS)


def market(exchange: Any, trade: str, **params: Any) -> Any:
    return exchange.create_order(SYMBOL, "market", trade, 0.0011, None, params | OURS)


BID = {"size": 11, "price": 300_005}
STOP = {"type": commands.STOP_MARKET, "trigger": 295_005, "size": 11, "side": -1}
CLOSE = {"flags": report.REDUCE_ONLY}
SWAP = {"type": "swap"}

SAME: list[tuple[str, Callable[[], Call], Callable[[Any], Any]]] = [
    (
        "limit",
        lambda: WEEX.place(order(**BID), BTC, TERMS),
        lambda x: limit(x, "buy", timeInForce="GTC"),
    ),
    (
        "post only",
        lambda: WEEX.place(order(**BID, side=-1, tif=commands.POST_ONLY), BTC, TERMS),
        lambda x: limit(x, "sell", timeInForce="POST_ONLY"),
    ),
    (
        "market",
        lambda: WEEX.place(order(type=commands.MARKET, size=11), BTC, TERMS),
        lambda x: market(x, "buy"),
    ),
    (
        "stop",
        lambda: WEEX.place(order(**STOP, **CLOSE), BTC, TERMS),
        lambda x: market(x, "sell", stopLossPrice=29500.5),
    ),
    (
        "take profit",
        lambda: WEEX.place(
            order(**STOP | {"type": commands.TAKE_PROFIT_MARKET}, **CLOSE), BTC, TERMS
        ),
        lambda x: market(x, "sell", takeProfitPrice=29500.5),
    ),
    (
        "stop that opens",
        lambda: WEEX.place(order(**STOP), BTC, TERMS),
        lambda x: market(x, "sell", triggerPrice=29500.5),
    ),
    (
        "cancel",
        lambda: WEEX.cancel(order(), BTC, TERMS),
        lambda x: x.cancel_order("", SYMBOL, dict(OURS)),
    ),
    (
        "cancel a stop",
        lambda: WEEX.cancel(order(**STOP), BTC, TERMS),
        lambda x: x.cancel_order("", SYMBOL, OURS | {"trigger": True}),
    ),
    ("cancel all", lambda: WEEX.cancel_all(BTC)[0], lambda x: x.cancel_all_orders(SYMBOL)),
    (
        "cancel all stops",
        lambda: WEEX.cancel_all(BTC)[1],
        lambda x: x.cancel_all_orders(SYMBOL, {"trigger": True}),
    ),
    (
        "one order",
        lambda: WEEX.order(BTC, "", "702345678901234567", 0)[0],
        lambda x: x.fetch_order("702345678901234567", SYMBOL),
    ),
    (
        "open orders",
        lambda: WEEX.open_orders(BTC)[0],
        lambda x: x.fetch_open_orders(SYMBOL, None, 100),
    ),
    (
        "open stops",
        lambda: WEEX.open_orders(BTC)[1],
        lambda x: x.fetch_open_orders(SYMBOL, None, 100, {"trigger": True}),
    ),
    ("fills", lambda: WEEX.fills(BTC, 5), lambda x: x.fetch_my_trades(SYMBOL, 5, 100)),
    ("positions", lambda: WEEX.positions(None), lambda x: x.fetch_positions()),
    ("position", lambda: WEEX.positions(BTC), lambda x: x.fetch_position(SYMBOL)),
    ("balances", lambda: WEEX.balances(), lambda x: x.fetch_balance(dict(SWAP))),
    ("fees", lambda: _present(WEEX.fees)(BTC), lambda x: x.fetch_trading_fee(SYMBOL)),
    (
        "leverage",
        lambda: WEEX.set_leverage(BTC, TERMS)[0],
        lambda x: x.set_leverage(20, SYMBOL, {"marginMode": "cross"}),
    ),
    (
        "leverage of isolated positions",
        lambda: WEEX.set_leverage(BTC, ALONE)[0],
        lambda x: x.set_leverage(7, SYMBOL, {"marginMode": "isolated"}),
    ),
    (
        "margin type",
        lambda: _present(WEEX.set_margin)(BTC, ALONE),
        lambda x: x.set_margin_mode("isolated", SYMBOL),
    ),
    (
        "account",
        lambda: _present(WEEX.rights)(),
        lambda x: x.contractPrivateGetCapiV3AccountAccountConfig(),
    ),
]


def _present(value: Any) -> Any:
    assert value is not None
    return value


@pytest.mark.parametrize(("name", "ours", "theirs"), SAME, ids=[name for name, *_ in SAME])
def test_the_same_bytes(
    ccxt: Any, name: str, ours: Callable[[], Call], theirs: Callable[[Any], Any]
) -> None:
    call, they = ours(), asked(ccxt, theirs)
    if call.body:
        sent = msgspec.json.decode(call.body)
        assert they.params == sent, name
        they = they._replace(params=sent)
    wanted = signed(ccxt, they)
    got = WEEX.sign(call, KEY, NOW_MS, WEEX.host)
    assert (got.method, got.url) == (wanted["method"], wanted["url"])
    assert got.body == (wanted["body"] or "").encode()
    more = {"User-Agent": got.headers["User-Agent"], "Content-Type": "application/json"}
    assert wanted["headers"] | more == got.headers


def test_the_close_at_market_differs_by_a_field_the_venue_does_not_have(ccxt: Any) -> None:
    they = asked(ccxt, lambda x: market(x, "sell", reduceOnly=True))
    call = WEEX.place(order(type=commands.MARKET, size=11, side=-1, **CLOSE), BTC, TERMS)
    assert they.params == msgspec.json.decode(call.body) | {"reduceOnly": True}
