"""The same call signed by ccxt, byte for byte: method, URL, headers.

Two differences are named and nothing else: ccxt writes clientOrderID where BingX documents
clientOrderId (it is renamed before ccxt signs), and adds a header that names the program.
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from aggressor.schema import command as commands
from aggressor.schema import report
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Call, Terms, TradingVenue
from tests.venues.bingx_samples import BTC, CONTRACTS
from tests.venues.ccxt_peer import CREDENTIALS, NOW_MS, asked, client, signed
from tests.venues.test_bingx_trading import order

SYMBOL = "BTC/USDT:USDT"
RENAMED = {"clientOrderID": "clientOrderId"}
OURS = {"clientOrderId": "ag2n9c"}
ONE_WAY, HEDGE = Terms(leverage=7), Terms(hedge=True, leverage=7)


def side() -> TradingVenue:
    made = venue_named("bingx").trading
    assert made is not None
    return made


BINGX = side()


@pytest.fixture(scope="module")
def ccxt() -> Any:
    rows = msgspec.json.decode(CONTRACTS)["data"][:1]
    return client("bingx", rows, options={"defaultType": "swap"})


def limit(exchange: Any, **params: Any) -> Any:
    return exchange.create_order(SYMBOL, "limit", "buy", 0.0011, 30000.5, params | OURS)


def market(exchange: Any, trade: str, **params: Any) -> Any:
    return exchange.create_order(SYMBOL, "market", trade, 0.0011, None, params | OURS)


BID = {"size": 11, "price": 300_005}
STOP = {"type": commands.STOP_MARKET, "trigger": 295_005, "size": 11, "side": -1}
CLOSE = {"flags": report.REDUCE_ONLY}
LAST = {"workingType": "CONTRACT_PRICE"}

SAME: list[tuple[str, Callable[[], Call], Callable[[Any], Any]]] = [
    (
        "limit",
        lambda: BINGX.place(order(**BID), BTC, ONE_WAY),
        lambda x: limit(x, timeInForce="GTC"),
    ),
    (
        "ioc",
        lambda: BINGX.place(order(**BID, tif=commands.IOC), BTC, ONE_WAY),
        lambda x: limit(x, timeInForce="IOC"),
    ),
    (
        "fok",
        lambda: BINGX.place(order(**BID, tif=commands.FOK), BTC, ONE_WAY),
        lambda x: limit(x, timeInForce="FOK"),
    ),
    (
        "post only",
        lambda: BINGX.place(order(**BID, tif=commands.POST_ONLY), BTC, HEDGE),
        lambda x: limit(x, postOnly=True, hedged=True),
    ),
    (
        "close at market, one position",
        lambda: BINGX.place(order(type=commands.MARKET, size=11, side=-1, **CLOSE), BTC, ONE_WAY),
        lambda x: market(x, "sell", reduceOnly=True),
    ),
    (
        "close at market, two positions",
        lambda: BINGX.place(order(type=commands.MARKET, size=11, side=-1, **CLOSE), BTC, HEDGE),
        lambda x: market(x, "sell", reduceOnly=True, hedged=True),
    ),
    (
        "stop",
        lambda: BINGX.place(order(**STOP, **CLOSE), BTC, ONE_WAY),
        lambda x: market(x, "sell", stopLossPrice=29500.5, reduceOnly=True, **LAST),
    ),
    (
        "take profit",
        lambda: BINGX.place(
            order(**STOP | {"type": commands.TAKE_PROFIT_MARKET}, **CLOSE), BTC, HEDGE
        ),
        lambda x: market(x, "sell", takeProfitPrice=29500.5, hedged=True, **LAST),
    ),
    (
        "stop that opens",
        lambda: BINGX.place(order(**STOP), BTC, ONE_WAY),
        lambda x: market(x, "sell", triggerPrice=29500.5, **LAST),
    ),
    (
        "cancel",
        lambda: BINGX.cancel(order(), BTC, ONE_WAY),
        lambda x: x.cancel_order("", SYMBOL, dict(OURS)),
    ),
    (
        "cancel all",
        lambda: BINGX.cancel_all(BTC)[0],
        lambda x: x.cancel_all_orders(SYMBOL),
    ),
    (
        "dead man",
        lambda: _present(BINGX.dead_man)(BTC, 30_000),
        lambda x: x.cancel_all_orders_after(30_000, {"type": "swap"}),
    ),
    (
        "dead man off",
        lambda: _present(BINGX.dead_man)(BTC, 0),
        lambda x: x.cancel_all_orders_after(0, {"type": "swap"}),
    ),
    (
        "one order",
        lambda: BINGX.order(BTC, "", "1736012449498123500", 0)[0],
        lambda x: x.fetch_order("1736012449498123500", SYMBOL),
    ),
    ("open orders", lambda: BINGX.open_orders(BTC)[0], lambda x: x.fetch_open_orders(SYMBOL)),
    ("positions", lambda: BINGX.positions(None), lambda x: x.fetch_positions()),
    (
        "balances",
        lambda: BINGX.balances(),
        lambda x: x.fetch_balance({"type": "swap"}),
    ),
    ("fees", lambda: _present(BINGX.fees)(BTC), lambda x: x.fetch_trading_fee(SYMBOL)),
    (
        "margin tiers",
        lambda: _present(BINGX.margin)(BTC),
        lambda x: x.fetch_market_leverage_tiers(SYMBOL),
    ),
    (
        "leverage",
        lambda: BINGX.set_leverage(BTC, ONE_WAY)[0],
        lambda x: x.set_leverage(7, SYMBOL, {"side": "BOTH"}),
    ),
    (
        "leverage of the short",
        lambda: BINGX.set_leverage(BTC, HEDGE)[1],
        lambda x: x.set_leverage(7, SYMBOL, {"side": "SHORT"}),
    ),
    (
        "margin type",
        lambda: _present(BINGX.set_margin)(BTC, Terms(isolated=True)),
        lambda x: x.set_margin_mode("isolated", SYMBOL),
    ),
    (
        "position mode",
        lambda: _present(BINGX.set_mode)(HEDGE),
        lambda x: x.set_position_mode(True),
    ),
    (
        "key of the stream",
        lambda: _present(BINGX.listen_key).create,
        lambda x: x.userAuthPrivatePostUserDataStream(),
    ),
    (
        "key kept",
        lambda: _present(BINGX.listen_key).keep("abc"),
        lambda x: x.userAuthPrivatePutUserDataStream({"listenKey": "abc"}),
    ),
    (
        "rights",
        lambda: _present(BINGX.rights)(),
        lambda x: x.accountV1PrivateGetAccountApiPermissions(),
    ),
]


def _present(value: Any) -> Any:
    assert value is not None
    return value


@pytest.mark.parametrize(("name", "ours", "theirs"), SAME, ids=[name for name, *_ in SAME])
def test_the_same_bytes(
    ccxt: Any, name: str, ours: Callable[[], Call], theirs: Callable[[Any], Any]
) -> None:
    wanted = signed(ccxt, asked(ccxt, theirs), RENAMED)
    got = BINGX.sign(ours(), CREDENTIALS, NOW_MS, BINGX.host)
    assert (got.method, got.url) == (wanted["method"], wanted["url"]), name
    assert wanted["headers"] == got.headers | {"X-SOURCE-KEY": "CCXT"}
    assert not wanted["body"]


def test_a_batch_says_the_same(ccxt: Any) -> None:
    """ccxt writes the members of an order in another sequence: the orders are compared."""
    rows = [
        {
            "symbol": SYMBOL,
            "type": "limit",
            "side": "buy",
            "amount": 0.0011,
            "price": 30000.5,
            "params": {"timeInForce": "GTC", **OURS},
        }
    ]
    theirs = asked(ccxt, lambda x: x.create_orders(rows))
    wanted = [
        {RENAMED.get(name, name): value for name, value in one.items()}
        for one in json.loads(theirs.params["batchOrders"])
    ]
    call = _present(BINGX.place_many)([order(**BID)], BTC, ONE_WAY)
    assert json.loads(dict(call.query)["batchOrders"]) == wanted
    theirs.params["batchOrders"] = dict(call.query)["batchOrders"]
    got = BINGX.sign(call, CREDENTIALS, NOW_MS, BINGX.host)
    assert got.url == signed(ccxt, theirs)["url"]


def test_a_replacement_says_the_same(ccxt: Any) -> None:
    """ccxt cancels by the venue's id, we by ours."""
    theirs = asked(
        ccxt,
        lambda x: x.edit_order(
            "17", SYMBOL, "limit", "buy", 0.0011, 30000.5, {"timeInForce": "GTC", **OURS}
        ),
    )
    theirs.params["cancelClientOrderId"] = "agz"
    del theirs.params["cancelOrderId"]
    got = BINGX.sign(
        _present(BINGX.replace)(order(**BID), 35, BTC, ONE_WAY),
        CREDENTIALS,
        NOW_MS,
        BINGX.host,
    )
    assert got.url == signed(ccxt, theirs, RENAMED)["url"]
