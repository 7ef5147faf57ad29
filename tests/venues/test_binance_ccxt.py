"""Our requests against ccxt's own, byte for byte, at the same time and for the same wish."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

import msgspec
import pytest

from aggressor.schema.command import (
    AMEND,
    CANCEL,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.binance.signing import RECV_WINDOW_MS
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Call, Terms, TradingVenue
from tests.venues.binance_samples import command
from tests.venues.ccxt_peer import CREDENTIALS, NOW_MS, exchange, sent


def symbol_info(symbol: str, tick: str, lot: str, **more: object) -> dict[str, Any]:
    rules = [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "4529764", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "1000", "stepSize": lot},
        {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": "120", "stepSize": lot},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ]
    types = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
    return {
        "symbol": symbol,
        "pair": symbol.split("_")[0],
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "contractStatus": "TRADING",
        "baseAsset": "BTC",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "underlyingType": "COIN",
        "filters": rules,
        "orderTypes": types,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    } | more


USDM = symbol_info("BTCUSDT", "0.1", "0.001", quoteAsset="USDT", marginAsset="USDT")
COINM = symbol_info("BTCUSD_PERP", "0.1", "1", quoteAsset="USD", marginAsset="BTC")

BTCUSDT = Instrument(
    venue="binance-usdm",
    symbol="BTCUSDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
)
BTCUSD = Instrument(
    venue="binance-coinm",
    symbol="BTCUSD_PERP",
    kind=ContractKind.INVERSE,
    tick=Decimal("0.1"),
    lot=Decimal(1),
    multiplier=Decimal(100),
)


class Side:
    """One market: ccxt's name of it, and ours."""

    def __init__(self, name: str) -> None:
        coin = name == "binance-coinm"
        info = COINM | {"contractSize": 100} if coin else USDM
        self.ccxt = exchange(
            "binancecoinm" if coin else "binanceusdm",
            {"exchangeInfo": {"symbols": [info]}},
            recvWindow=RECV_WINDOW_MS,
            fetchCurrencies=False,
            fetchMargins=False,
        )
        self.name = "BTC/USD:BTC" if coin else "BTC/USDT:USDT"
        self.instrument = BTCUSD if coin else BTCUSDT
        self.amount = 3.0 if coin else 0.013
        self.size = 3 if coin else 13
        trading = venue_named(name).trading
        assert trading is not None
        self.ours: TradingVenue = trading

    def check(self, call: Call | None, theirs: Callable[[], Any]) -> None:
        """Compare what goes over the wire."""
        assert call is not None
        signed = self.ours.sign(call, CREDENTIALS, NOW_MS, self.ours.host)
        other = sent(self.ccxt, theirs)
        assert (signed.method, signed.url, signed.body) == (other.method, other.url, other.body)
        assert signed.headers.items() <= other.headers.items()


@pytest.fixture(params=["binance-usdm", "binance-coinm"])
def market(request: pytest.FixtureRequest) -> Side:
    return Side(request.param)


PRICE = 500_001  # ticks: 50000.1


@pytest.mark.parametrize(
    ("fields", "type", "params"),
    [
        ({"price": PRICE}, "limit", {}),
        ({"price": PRICE, "tif": GTC}, "limit", {"reduceOnly": True}),
        ({"price": PRICE, "tif": POST_ONLY}, "limit", {"postOnly": True}),
        ({"price": PRICE, "tif": POST_ONLY}, "limit", {"postOnly": True, "reduceOnly": True}),
        ({"price": PRICE, "tif": IOC}, "limit", {"timeInForce": "IOC"}),
        ({"price": PRICE, "tif": FOK}, "limit", {"timeInForce": "FOK"}),
        ({"type": MARKET}, "market", {}),
        ({"type": MARKET}, "market", {"reduceOnly": True}),
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_a_placed_order(market: Side, fields: dict, type: str, params: dict, side: int) -> None:
    row = command(
        side=side, size=market.size, reduce_only=params.get("reduceOnly", False), **fields
    )
    price = 50000.1 if type == "limit" else None
    market.check(
        market.ours.place(row, market.instrument, Terms()),
        lambda: market.ccxt.create_order(
            market.name,
            type,
            "buy" if side > 0 else "sell",
            market.amount,
            price,
            params | {"clientOrderId": "ag7"},
        ),
    )


@pytest.mark.parametrize(
    ("kind", "word"), [(STOP_MARKET, "stopLossPrice"), (TAKE_PROFIT_MARKET, "takeProfitPrice")]
)
@pytest.mark.parametrize("reduces", [False, True])
def test_an_order_that_waits_for_a_trigger(
    market: Side, kind: int, word: str, reduces: bool
) -> None:
    row = command(type=kind, side=-1, size=market.size, trigger=PRICE, reduce_only=reduces)
    params = {word: 50000.1, "clientAlgoId": "ag7"} | ({"reduceOnly": True} if reduces else {})
    call = market.ours.place(row, market.instrument, Terms())
    theirs = sent(
        market.ccxt,
        lambda: market.ccxt.create_order(
            market.name, "market", "sell", market.amount, None, params
        ),
    )
    signed = market.ours.sign(call, CREDENTIALS, NOW_MS, market.ours.host)
    assert (signed.method, signed.url) == (theirs.method, theirs.url)

    def fields(body: bytes) -> set[str]:
        return set(body.decode().split("&")[:-1])  # the signature is of another order of fields

    assert fields(signed.body) == fields(theirs.body) - {f"{word}=50000.1"}


@pytest.mark.parametrize(("side", "reduces"), [(1, False), (-1, False), (1, True), (-1, True)])
def test_orders_of_a_hedged_account(market: Side, side: int, reduces: bool) -> None:
    row = command(side=side, size=market.size, price=PRICE, reduce_only=reduces)
    params = {"clientOrderId": "ag7", "hedged": True} | ({"reduceOnly": True} if reduces else {})
    market.check(
        market.ours.place(row, market.instrument, Terms(hedge=True)),
        lambda: market.ccxt.create_order(
            market.name, "limit", "buy" if side > 0 else "sell", market.amount, 50000.1, params
        ),
    )


def test_an_amended_order_names_the_same_fields(market: Side) -> None:
    row = command(kind=AMEND, size=market.size, price=PRICE)
    call = market.ours.amend
    assert call is not None
    made = call(row, market.instrument, Terms())
    assert made is not None
    signed = market.ours.sign(made, CREDENTIALS, NOW_MS, market.ours.host)
    theirs = sent(
        market.ccxt,
        lambda: market.ccxt.edit_order(
            "5", market.name, "limit", "buy", market.amount, 50000.1, {"clientOrderId": "ag7"}
        ),
    )
    names = [one.split("=")[0] for one in signed.body.decode().split("&")]
    others = [one.split("=")[0] for one in theirs.body.decode().split("&")]
    assert set(others) - set(names) <= {"orderId", "clientOrderId"}
    assert (signed.method, signed.url) == (theirs.method, theirs.url)


def test_cancels(market: Side) -> None:
    one, ours, wish = market.instrument, market.ours, {"clientOrderId": "ag7"}
    market.check(
        ours.cancel(command(kind=CANCEL, type=LIMIT), one, Terms()),
        lambda: market.ccxt.cancel_order("", market.name, wish),
    )
    plain, algo = ours.cancel_all(one)
    market.check(plain, lambda: market.ccxt.cancel_all_orders(market.name))
    market.check(algo, lambda: market.ccxt.cancel_all_orders(market.name, {"trigger": True}))
    call = ours.cancel(command(kind=CANCEL, type=STOP_MARKET), one, Terms())
    market.check(
        call,
        lambda: market.ccxt.cancel_order("", market.name, {"trigger": True, "clientAlgoId": "ag7"}),
    )


def test_a_batch_of_orders(market: Side) -> None:
    rows = [command(7, size=market.size, price=PRICE), command(8, size=market.size, price=PRICE)]
    assert market.ours.place_many is not None
    call = market.ours.place_many(rows, market.instrument, Terms())
    signed = market.ours.sign(call, CREDENTIALS, NOW_MS, market.ours.host)
    orders = [
        {
            "symbol": market.name,
            "type": "limit",
            "side": "buy",
            "amount": market.amount,
            "price": 50000.1,
            "params": {"clientOrderId": f"ag{number}"},
        }
        for number in (7, 8)
    ]
    theirs = sent(market.ccxt, lambda: market.ccxt.create_orders(orders))
    assert (signed.method, signed.url) == (theirs.method, theirs.url)
    ours_text, their_text = unquote_plus(signed.body.decode()), theirs.body.decode()
    assert _batch(ours_text) == _batch(their_text)


def _batch(text: str) -> Any:
    return msgspec.json.decode(text.split("batchOrders=")[1].split("&")[0])


def test_questions(market: Side) -> None:
    one, ours, ccxt = market.instrument, market.ours, market.ccxt
    plain, algo = ours.open_orders(one)
    market.check(plain, lambda: ccxt.fetch_open_orders(market.name))
    market.check(algo, lambda: ccxt.fetch_open_orders(market.name, None, None, {"trigger": True}))
    by_ours, _ = ours.order(one, "ag7", "", 0)
    market.check(by_ours, lambda: ccxt.fetch_order("", market.name, {"clientOrderId": "ag7"}))
    by_theirs, _ = ours.order(one, "", "55", 0)
    market.check(by_theirs, lambda: ccxt.fetch_order("55", market.name))
    market.check(
        ours.fills(one, NOW_MS - 1000),
        lambda: ccxt.fetch_my_trades(market.name, NOW_MS - 1000, 1000),
    )
    assert ours.fees is not None
    market.check(ours.fees(one), lambda: ccxt.fetch_trading_fee(market.name))


def test_settings(market: Side) -> None:
    one, ours, ccxt = market.instrument, market.ours, market.ccxt
    (leverage,) = ours.set_leverage(one, Terms(leverage=7))
    market.check(leverage, lambda: ccxt.set_leverage(7, market.name))
    assert ours.set_margin is not None
    assert ours.set_mode is not None
    isolated = ours.set_margin(one, Terms(isolated=True))
    market.check(isolated, lambda: ccxt.set_margin_mode("isolated", market.name))
    cross = ours.set_margin(one, Terms())
    market.check(cross, lambda: ccxt.set_margin_mode("cross", market.name))
    market.check(ours.set_mode(Terms(hedge=True)), lambda: ccxt.set_position_mode(True))


def test_the_account(market: Side) -> None:
    api = "fapi" if market.instrument is BTCUSDT else "dapi"
    ours, ccxt = market.ours, market.ccxt
    version = "V3" if api == "fapi" else ""
    balance = getattr(ccxt, f"{api}Private{version}GetBalance")
    market.check(ours.balances(), balance)
    risk = getattr(ccxt, f"{api}Private{version}GetPositionRisk")
    market.check(ours.positions(None), risk)
    assert ours.rights is not None
    market.check(ours.rights(), ccxt.sapiGetAccountApiRestrictions)
    assert ours.dead_man is not None
    countdown = getattr(ccxt, f"{api}PrivatePostCountdownCancelAll")
    symbol = market.instrument.symbol
    market.check(
        ours.dead_man(market.instrument, 5000),
        lambda: countdown({"symbol": symbol, "countdownTime": 5000}),
    )
    assert ours.listen_key is not None
    create = getattr(ccxt, f"{api}PrivatePostListenKey")
    market.check(ours.listen_key.create, create)
    keep = getattr(ccxt, f"{api}PrivatePutListenKey")
    market.check(ours.listen_key.keep("k"), keep)
