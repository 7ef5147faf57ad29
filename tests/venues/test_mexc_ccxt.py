"""Our requests against ccxt's own, at the same time and for the same wish.

Where the venue takes a query, the bytes are the same. A body of JSON is compared by what it says:
ccxt writes a number of contracts as 3.0, we as the venue does, and we also say the position mode;
its own bodies give, under our signature, its own signature.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from aggressor.schema.command import (
    CANCEL,
    FOK,
    GTC,
    IOC,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.venues.mexc.signing import signature
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Call, Signed, Terms
from tests.venues.binance_samples import command
from tests.venues.ccxt_peer import CREDENTIALS, NOW_MS, exchange, sent
from tests.venues.mexc_samples import BTC, CONTRACT

NAME = "BTC/USDT:USDT"
PRICE = 500_001


@pytest.fixture
def theirs() -> Any:
    answers = {
        "contract/detail": {"success": True, "code": 0, "data": [CONTRACT]},
        "exchangeInfo": {"symbols": []},
        "capital/config/getall": [],
        "defaultSymbols": {"data": []},
    }
    return exchange("mexc", answers, defaultType="swap", fetchMarkets={"types": {"spot": False}})


def ours(call: Call | None) -> Signed:
    trading = venue_named("mexc").trading
    assert trading is not None
    assert call is not None
    return trading.sign(call, CREDENTIALS, NOW_MS, trading.host)


def check(call: Call | None, one: Any, theirs: Callable[[], Any], ours_alone: dict) -> None:
    """Compare where it goes, what it says, and how ccxt signed what it sent."""
    mine, other = ours(call), sent(one, theirs)
    assert (mine.method, mine.url) == (other.method, other.url)
    assert other.headers["Signature"] == signature(
        CREDENTIALS, NOW_MS, other.body.decode() or other.url.partition("?")[2]
    )
    if not other.body:
        assert mine.headers.items() <= other.headers.items()
        return
    said, expected = msgspec.json.decode(mine.body), msgspec.json.decode(other.body)
    assert mine.headers["Signature"] == signature(CREDENTIALS, NOW_MS, mine.body.decode())
    assert said == (expected | ours_alone if isinstance(expected, dict) else expected)


def place(row: Any, terms: Terms) -> Call:
    trading = venue_named("mexc").trading
    assert trading is not None
    return trading.place(row, BTC, terms)


@pytest.mark.parametrize(
    ("tif", "type", "params"),
    [(GTC, "limit", {}), (POST_ONLY, "limit", {"postOnly": True}), (IOC, 3, {}), (FOK, 4, {})],
)
@pytest.mark.parametrize("side", [1, -1])
def test_limit_orders(theirs: Any, tif: int, type: Any, params: dict, side: int) -> None:
    wish = {"clientOrderId": "ag7"} | params
    check(
        place(command(side=side, size=3, price=PRICE, tif=tif), Terms()),
        theirs,
        lambda: theirs.create_order(NAME, type, "buy" if side > 0 else "sell", 3, 50000.1, wish),
        {"positionMode": 2},
    )


def test_a_market_order_and_an_isolated_one(theirs: Any) -> None:
    row = command(size=3, type=2)
    check(
        place(row, Terms()),
        theirs,
        lambda: theirs.create_order(NAME, 5, "buy", 3, None, {"externalOid": "ag7"}),
        {"positionMode": 2},
    )
    check(
        place(command(size=3, price=PRICE), Terms(isolated=True, leverage=7)),
        theirs,
        lambda: theirs.create_order(
            NAME,
            "limit",
            "buy",
            3,
            50000.1,
            {"externalOid": "ag7", "marginMode": "isolated", "leverage": 7},
        ),
        {"positionMode": 2},
    )


@pytest.mark.parametrize("side", [1, -1])
def test_a_hedged_account(theirs: Any, side: int) -> None:
    check(
        place(command(side=side, size=3, price=PRICE), Terms(hedge=True)),
        theirs,
        lambda: theirs.create_order(
            NAME,
            "limit",
            "buy" if side > 0 else "sell",
            3,
            50000.1,
            {"externalOid": "ag7", "hedged": True},
        ),
        {},
    )


@pytest.mark.parametrize(
    ("kind", "side", "direction"), [(STOP_MARKET, -1, 2), (TAKE_PROFIT_MARKET, -1, 1)]
)
def test_orders_with_a_trigger(theirs: Any, kind: int, side: int, direction: int) -> None:
    call = place(command(side=side, size=3, type=kind, trigger=PRICE), Terms(leverage=20))
    other = sent(
        theirs,
        lambda: theirs.create_order(
            NAME,
            "market",
            "sell",
            3,
            None,
            {
                "triggerPrice": 50000.1,
                "triggerType": direction,
                "executeCycle": 2,
                "leverage": 20,
            },
        ),
    )
    mine = ours(call)
    assert (mine.method, mine.url) == (other.method, other.url)
    expected = msgspec.json.decode(other.body)
    expected["triggerPrice"] = float(expected["triggerPrice"])  # it sends a string
    del expected["type"]  # of plain orders
    assert msgspec.json.decode(mine.body) == expected | {"positionMode": 2}


def test_cancels_and_questions(theirs: Any) -> None:
    trading = venue_named("mexc").trading
    assert trading is not None
    assert trading.cancel_theirs is not None
    row = command(kind=CANCEL)
    check(
        trading.cancel_theirs(row, BTC, "55"),
        theirs,
        lambda: theirs.cancel_order("55", NAME),
        {},
    )
    stop = command(kind=CANCEL, type=STOP_MARKET)
    check(
        trading.cancel_theirs(stop, BTC, "55"),
        theirs,
        lambda: theirs.cancel_order("55", NAME, {"trigger": True}),
        {},
    )
    plain, plans = trading.cancel_all(BTC)
    check(plain, theirs, lambda: theirs.cancel_all_orders(NAME), {})
    method = {"method": "contractPrivatePostPlanorderCancelAll"}
    other = sent(theirs, lambda: theirs.cancel_all_orders(NAME, method))
    assert ours(plans).url == other.url
    by_theirs, _ = trading.order(BTC, "", "55", 0)
    check(
        by_theirs, theirs, lambda: theirs.contractPrivateGetOrderGetOrderId({"order_id": "55"}), {}
    )
    check(trading.balances(), theirs, theirs.fetch_balance, {})
    check(trading.positions(None), theirs, theirs.fetch_positions, {})
    check(
        trading.positions(BTC),
        theirs,
        lambda: theirs.contractPrivateGetPositionOpenPositions({"symbol": "BTC_USDT"}),
        {},
    )
    lists = {"symbol": "BTC_USDT", "page_num": 1, "page_size": 100}
    open_plain, open_plans = trading.open_orders(BTC)
    check(open_plain, theirs, lambda: theirs.fetch_open_orders(NAME, None, None, lists), {})
    check(
        open_plans,
        theirs,
        lambda: theirs.contractPrivateGetPlanorderListOrders(lists | {"states": "1"}),
        {},
    )
    check(
        trading.fills(BTC, 5),
        theirs,
        lambda: theirs.contractPrivateGetOrderListOrderDeals(lists | {"start_time": 5}),
        {},
    )


def test_settings(theirs: Any) -> None:
    trading = venue_named("mexc").trading
    assert trading is not None
    for call, leg in zip(trading.set_leverage(BTC, Terms(leverage=9)), (1, 2), strict=True):
        wish = {"openType": 2, "positionType": leg}
        check(call, theirs, lambda wish=wish: theirs.set_leverage(9, NAME, wish), {})
    assert trading.set_mode is not None
    check(trading.set_mode(Terms(hedge=True)), theirs, lambda: theirs.set_position_mode(True), {})
