"""Bybit's messages as its documents show them, and makers of more in the same shape."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from aggressor.schema.event import Events, empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.table import venue_named
from aggressor.venues.venue import NEEDS_ROOM, MarketDecoder

T0 = 1_786_310_819_000  # ms: 2026-08-09
RECV = 1_786_310_819_100_000_000
MS = 1_000_000

LINEAR = venue_named("bybit-linear")
INVERSE = venue_named("bybit-inverse")

BOOK_SNAPSHOT = (
    b'{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{"s":"BTCUSDT",'
    b'"b":[["16493.50","0.006"],["16493.00","0.100"]],"a":[["16611.00","0.029"]],"u":18521288,'
    b'"seq":7961638724},"cts":1672304484976}'
)
BOOK_DELTA = (
    b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT",'
    b'"b":[["30247.20","30.028"],["30245.40","0"]],"a":[["30248.70","0"]],"u":177400507,'
    b'"seq":66544703342},"cts":1687940967464}'
)
TRADE = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{'
    b'"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick",'
    b'"i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"RPI":false,"seq":1783284617}]}'
)
TICKER = (
    b'{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT",'
    b'"tickDirection":"MinusTick","price24hPcnt":"-0.158315","lastPrice":"66666.60",'
    b'"prevPrice24h":"79206.20","highPrice24h":"79266.30","lowPrice24h":"65076.90",'
    b'"prevPrice1h":"66666.60","markPrice":"66666.60","indexPrice":"115418.19",'
    b'"openInterest":"492373.72","openInterestValue":"32824881841.75",'
    b'"turnover24h":"4936790807.6521","volume24h":"73191.3870","fundingIntervalHour":"8",'
    b'"fundingCap":"0.005","nextFundingTime":"1760342400000","fundingRate":"-0.005",'
    b'"bid1Price":"66666.60","bid1Size":"23789.165","ask1Price":"66666.70",'
    b'"ask1Size":"23775.469","preOpenPrice":"","preQty":"","curPreListingPhase":""},'
    b'"cs":9532239429,"ts":1760325052630}'
)
LIQUIDATION = (
    b'{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":1739502303204,"data":[{'
    b'"T":1739502302929,"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}]}'
)
KLINE = (
    b'{"topic":"kline.5.BTCUSDT","data":[{"start":1672324800000,"end":1672325099999,"interval":"5",'
    b'"open":"16649.5","close":"16677","high":"16677","low":"16608","volume":"2.081",'
    b'"turnover":"34666.4005","confirm":false,"timestamp":1672324988882}],"ts":1672324988882,'
    b'"type":"snapshot"}'
)
RECENT_TRADES = (
    b'{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":['
    b'{"execId":"b2","symbol":"BTCUSDT","price":"16618.5","size":"0.012","side":"Sell",'
    b'"time":"1672052955759","isBlockTrade":true,"isRPITrade":false,"seq":"124"},'
    b'{"execId":"a1","symbol":"BTCUSDT","price":"16618.4","size":"0.010","side":"Buy",'
    b'"time":"1672052955758","isBlockTrade":false,"isRPITrade":true,"seq":"123"}]},'
    b'"retExtInfo":{},"time":1672053054358}'
)
REST_BOOK = (
    b'{"retCode":0,"retMsg":"OK","result":{"s":"BTCUSDT","a":[["65557.7","16.606"]],'
    b'"b":[["65485.47","47.081772"]],"ts":1716863719031,"u":230704,"seq":1432604333,'
    b'"cts":1716863718905},"retExtInfo":{},"time":1716863719382}'
)
MARKET_SAMPLES = (
    BOOK_SNAPSHOT,
    BOOK_DELTA,
    TRADE,
    TICKER,
    LIQUIDATION,
    KLINE,
    RECENT_TRADES,
    REST_BOOK,
)

SUBSCRIBED = (
    b'{"success":true,"ret_msg":"","conn_id":"2324d924-aa4d-45b0-a858-7b8be29ab52b",'
    b'"req_id":"s1","op":"subscribe"}'
)
REFUSED = (
    b'{"success":false,"ret_msg":"Invalid symbol :[BTCUSDX]","conn_id":"2324d924",'
    b'"req_id":"s1","op":"subscribe"}'
)
PONG = b'{"success":true,"ret_msg":"pong","conn_id":"0970","req_id":"","op":"ping"}'
PRIVATE_PONG = b'{"req_id":"p1","op":"pong","args":["1675418560633"],"conn_id":"cfcb"}'
TRADE_PONG = b'{"retCode":0,"retMsg":"OK","op":"pong","data":["1711002002529"],"connId":"cnt5"}'
LOGGED_IN = b'{"success":true,"ret_msg":"","op":"auth","conn_id":"cejreaspqfh3sjdnldmg-p"}'
TRADE_LOGGED_IN = b'{"retCode":0,"retMsg":"OK","op":"auth","connId":"cnt5leec0hvan15eukcg-2t"}'
LOGIN_REFUSED = b'{"success":false,"ret_msg":"Params Error","op":"auth","conn_id":"c"}'
LOGIN_BAD_KEY = (
    b'{"op":"auth","success":false,"retCode":10003,"retMsg":"Invalid apikey","connId":"c"}'
)
LOGIN_TWICE = b'{"retCode":20001,"retMsg":"Repeat auth","op":"auth","connId":"cnt5"}'

INSTRUMENT_ROW: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "contractType": "LinearPerpetual",
    "status": "Trading",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "launchTime": "1585526400000",
    "deliveryTime": "0",
    "deliveryFeeRate": "",
    "priceScale": "2",
    "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
    "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
    "lotSizeFilter": {
        "maxOrderQty": "1190.000",
        "minOrderQty": "0.001",
        "qtyStep": "0.001",
        "postOnlyMaxOrderQty": "1190.000",
        "maxMktOrderQty": "500.000",
        "minNotionalValue": "5",
    },
    "unifiedMarginTrade": True,
    "fundingInterval": 480,
    "settleCoin": "USDT",
    "copyTrading": "both",
    "upperFundingRate": "0.00375",
    "lowerFundingRate": "-0.00375",
    "isPreListing": False,
    "preListingInfo": None,
    "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
}

ORDER_ROW: dict[str, Any] = {
    "orderId": "fd4300ae-7847-404e-b947-b46980a4d140",
    "orderLinkId": "ag5",
    "symbol": "BTCUSDT",
    "price": "64000.00",
    "qty": "0.100",
    "side": "Buy",
    "positionIdx": 0,
    "orderStatus": "New",
    "cancelType": "UNKNOWN",
    "rejectReason": "EC_NoError",
    "avgPrice": "0",
    "leavesQty": "0.100",
    "leavesValue": "6400",
    "cumExecQty": "0.000",
    "cumExecValue": "0",
    "cumExecFee": "0",
    "timeInForce": "GTC",
    "orderType": "Limit",
    "stopOrderType": "UNKNOWN",
    "triggerPrice": "0.00",
    "takeProfit": "",
    "stopLoss": "",
    "triggerDirection": 0,
    "triggerBy": "UNKNOWN",
    "reduceOnly": False,
    "closeOnTrigger": False,
    "smpType": "None",
    "createdTime": "1684738540559",
    "updatedTime": "1684738540561",
}
FILL_ROW: dict[str, Any] = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "closedSize": "0.5",
    "execFee": "26.3725275",
    "execId": "0ab1bdf7-4219-438b-b30a-32ec863018f7",
    "execPrice": "95900.1",
    "execQty": "0.5",
    "execType": "Trade",
    "execValue": "47950.05",
    "feeRate": "0.00055",
    "markPrice": "95901.48",
    "leavesQty": "0",
    "orderId": "9aac161b-8ed6-450d-9cab-c5cc67c21784",
    "orderLinkId": "",
    "orderPrice": "94942.5",
    "orderQty": "0.5",
    "orderType": "Market",
    "stopOrderType": "UNKNOWN",
    "side": "Sell",
    "execTime": "1746270400353",
    "isMaker": False,
    "seq": 140612148849382,
    "execPnl": "0.05",
    "createType": "CreateByUser",
    "feeCurrency": "USDT",
}
POSITION_ROW: dict[str, Any] = {
    "positionIdx": 0,
    "riskId": 1,
    "riskLimitValue": "150",
    "symbol": "BTCUSD",
    "side": "Sell",
    "size": "300",
    "avgPrice": "27464.50441675",
    "positionValue": "0.01092319",
    "tradeMode": 0,
    "positionStatus": "Normal",
    "leverage": "10",
    "markPrice": "28224.50",
    "liqPrice": "",
    "bustPrice": "999999.00",
    "seq": 5723621632,
    "isReduceOnly": False,
    "updatedTime": "1697673600012",
}
WALLET_ROW: dict[str, Any] = {
    "totalEquity": "10262.91335023",
    "accountIMRate": "0",
    "totalAvailableBalance": "9556.6056555",
    "accountType": "UNIFIED",
    "coin": [
        {
            "coin": "USDT",
            "equity": "10226.20575506",
            "walletBalance": "9647.75537647",
            "totalOrderIM": "0",
            "totalPositionIM": "127.8573161",
            "locked": "0",
            "bonus": "0",
        },
        {
            "coin": "BTC",
            "equity": "0.001",
            "walletBalance": "0.00102964",
            "totalOrderIM": "",
            "totalPositionIM": "",
            "locked": "0",
            "bonus": "0",
        },
    ],
}


def instrument(symbol: str = "BTCUSDT", tick: str = "0.1", lot: str = "0.001") -> Instrument:
    return Instrument(
        venue="bybit-linear",
        symbol=symbol,
        kind=ContractKind.LINEAR,
        tick=Decimal(tick),
        lot=Decimal(lot),
        base="BTC",
        quote="USDT",
        settle="USDT",
    )


BTCUSD = Instrument(
    venue="bybit-inverse",
    symbol="BTCUSD",
    kind=ContractKind.INVERSE,
    tick=Decimal("0.1"),
    lot=Decimal(1),
    base="BTC",
    quote="USD",
    settle="BTC",
)


def decoder(*instruments: Instrument) -> MarketDecoder:
    table = instruments or (instrument(),)
    return LINEAR.market_decoder([(one, k) for k, one in enumerate(table)])


def decode(one: MarketDecoder, message: bytes, ts_recv: int = RECV, symbol: str = "") -> Events:
    out = empty_events(one.room(message))
    count = one.decode(message, ts_recv, out, symbol)
    assert count != NEEDS_ROOM
    return out[:count].copy()


def rows(events: Events) -> list[tuple[int, ...]]:
    return [tuple(int(value) for value in row) for row in events.tolist()]


def encode(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def book(
    u: int,
    *,
    bids: Sequence[tuple[str, str]] = (),
    asks: Sequence[tuple[str, str]] = (),
    seq: int = 0,
    delta: bool = True,
    depth: int | str = 200,
    symbol: str = "BTCUSDT",
    **more: Any,
) -> bytes:
    body = {
        "s": symbol,
        "b": [list(one) for one in bids],
        "a": [list(one) for one in asks],
        "u": u,
        "seq": seq or 1000 * u,
    }
    return encode(
        {
            "topic": f"orderbook.{depth}.{symbol}",
            "type": "delta" if delta else "snapshot",
            "ts": T0 + 2,
            "data": body | more,
            "cts": T0,
        }
    )


def snapshot(
    u: int = 10,
    *,
    bids: Sequence[tuple[str, str]] = (("100.0", "1.000"), ("99.9", "2.000")),
    asks: Sequence[tuple[str, str]] = (("100.1", "3.000"),),
    seq: int = 0,
) -> bytes:
    return book(u, bids=bids, asks=asks, seq=seq, delta=False)


def quote(
    u: int, seq: int, bid: tuple[str, str] = ("100.0", "1"), ask: tuple[str, str] = ("100.1", "3")
) -> bytes:
    """Return a message of level 1, whose `ts` stands before its `type`."""
    body = {"s": "BTCUSDT", "b": [list(bid)], "a": [list(ask)], "u": u, "seq": seq}
    head = {"topic": "orderbook.1.BTCUSDT", "ts": T0 + 1, "type": "snapshot"}
    return encode(head | {"data": body, "cts": T0})


def trades(*ids: str, side: str = "Sell", **more: Any) -> bytes:
    body = [
        {"T": T0, "s": "BTCUSDT", "S": side, "v": "0.004", "p": "100.1", "L": "MinusTick", "i": one}
        | {"BT": False, "RPI": False, "seq": 7}
        | more
        for one in ids
    ]
    return encode({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": T0 + 1, "data": body})


def ticker(kind: str = "delta", ms: int = T0, **fields: str) -> bytes:
    data = {"symbol": "BTCUSDT"} | fields
    return encode({"topic": "tickers.BTCUSDT", "type": kind, "data": data, "cs": 9, "ts": ms})


def answer(result: object, code: int = 0, text: str = "OK", ms: int = T0, **more: Any) -> bytes:
    body = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": ms}
    return encode(body | more)


def private(topic: str, *data: dict[str, Any]) -> bytes:
    return encode({"id": "5923240c6880ab", "topic": topic, "creationTime": T0, "data": list(data)})
