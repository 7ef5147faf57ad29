"""Bybit v5's market payloads as they come over the wire; no logic.

Source of every form: the v5 documents, `https://bybit-exchange.github.io/docs/v5/` ("B:"), pages
named below, as of 2026-07-24; where a sample is a recording of 2026-08-09 it says so. Prices and
sizes are decimal strings, times of streams ms since 1970 as integers, those of answers as strings.
What does not apply is "", rarely null. Keys stand in any order (level 1 of the book writes `ts`
before `type`, candles write `type` last). Fields that came later have a default.

    2024         orderbook: cts
    2025-03-20   orderbook.1: snapshots only
    2025         publicTrade: RPI, seq
    2026-06-11   tickers: singleOpenInterest
"""

from typing import Annotated, Literal, TypeAlias

import msgspec

Ms: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000)]
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Side: TypeAlias = Literal["Buy", "Sell"]
State: TypeAlias = Literal["snapshot", "delta"]


class Level(msgspec.Struct, frozen=True, array_like=True):
    """["16493.50","0.006"]: price and size."""

    price: str
    size: str


class Topic(msgspec.Struct, frozen=True):
    """What every market message begins with, and no other message has."""

    topic: str = ""


class BookBody(msgspec.Struct, frozen=True):
    """Levels as they stand in the message; `u` counts messages of one depth, `seq` the engine's."""

    s: str
    b: msgspec.Raw
    a: msgspec.Raw
    u: Id
    seq: Id


class Book(msgspec.Struct, frozen=True):
    """orderbook.{50|200|1000}.{symbol}. B:websocket/public/orderbook.

    {"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{"s":"BTCUSDT",
     "b":[["16493.50","0.006"],["16493.00","0.100"]],"a":[["16611.00","0.029"]],"u":18521288,
     "seq":7961638724},"cts":1672304484976}
    {"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT",
     "b":[["30247.20","30.028"],["30245.40","0"]],"a":[["30248.70","0"]],"u":177400507,
     "seq":66544703342},"cts":1687940967464}
    """

    type: State
    ts: Ms  # published
    data: BookBody
    cts: Ms = 0  # matched


class TopBody(msgspec.Struct, frozen=True):
    """The best levels; a side that is empty is []."""

    s: str
    b: list[Level]
    a: list[Level]
    u: Id
    seq: Id


class Top(msgspec.Struct, frozen=True):
    """orderbook.1.{symbol}: sent again with the same `u` every 3 s. B:websocket/public/orderbook.

    {"topic":"orderbook.1.BTCUSDT","ts":1672304484978,"type":"snapshot","data":{"s":"BTCUSDT",
     "b":[["16493.50","0.006"]],"a":[["16493.60","0.029"]],"u":18521288,"seq":7961638724},
     "cts":1672304484976}
    """

    type: State
    ts: Ms
    data: TopBody
    cts: Ms = 0


class TradeBody(msgspec.Struct, frozen=True):
    """One print; `S` is the aggressor. BT: a block trade; RPI: filled against a hidden quote."""

    T: Ms
    s: str
    S: Side
    v: str
    p: str
    i: str
    BT: bool = False
    RPI: bool = False
    seq: Id = 0


class Trades(msgspec.Struct, frozen=True):
    """publicTrade.{symbol}: up to 1024, oldest first. B:websocket/public/trade.

    {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,
     "s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick",
     "i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"RPI":false,"seq":1783284617}]}
    """

    data: list[TradeBody]


class TickerBody(msgspec.Struct, frozen=True, rename="camel"):
    """Of a snapshot all fields, of a delta those that changed; "" does not apply."""

    symbol: str
    mark_price: str = ""
    funding_rate: str = ""
    next_funding_time: str = ""
    open_interest: str = ""  # both sides counted
    single_open_interest: str = ""  # one side
    cur_pre_listing_phase: str = ""


class Ticker(msgspec.Struct, frozen=True):
    """tickers.{symbol}. B:websocket/public/ticker.

    {"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","lastPrice":"66666.60",
     "markPrice":"66666.60","indexPrice":"115418.19","openInterest":"492373.72",
     "nextFundingTime":"1760342400000","fundingRate":"-0.005","bid1Price":"66666.60",
     "preOpenPrice":"","preQty":"","curPreListingPhase":""},"cs":9532239429,"ts":1760325052630}
    recorded: {"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT",
     "bid1Price":"65114.20","bid1Size":"6.054","ask1Price":"65114.30","ask1Size":"10.486"},
     "cs":753843907770,"ts":1786310817883}
    """

    data: TickerBody
    ts: Ms


class LiquidationBody(msgspec.Struct, frozen=True):
    """A position taken over: `S` is the position's side, `p` its bankruptcy price."""

    T: Ms
    s: str
    S: Side
    v: str
    p: str


class Liquidations(msgspec.Struct, frozen=True):
    """allLiquidation.{symbol}: all of them, every 500 ms. B:websocket/public/all-liquidation.

    {"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":1739502303204,"data":[
     {"T":1739502302929,"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}]}
    """

    data: list[LiquidationBody]


class ControlMessage(msgspec.Struct, frozen=True, rename="camel"):
    """What is said of the connection; three sorts of sockets, three sorts of words. B:ws/connect.

    {"success":true,"ret_msg":"","conn_id":"2324d924-…","req_id":"s1","op":"subscribe"}
    {"success":true,"ret_msg":"pong","conn_id":"0970…","req_id":"","op":"ping"}
    private: {"req_id":"p1","op":"pong","args":["1675418560633"],"conn_id":"cfcb…"}
    trade: {"retCode":0,"retMsg":"OK","op":"auth","connId":"cnt5leec0hvan15eukcg-2t"}
    seen: {"op":"auth","success":false,"retCode":10003,"retMsg":"Invalid apikey","connId":"…"}
    """

    op: str = ""
    topic: str = ""
    success: bool | None = None
    ret_msg_old: str = msgspec.field(default="", name="ret_msg")
    ret_code: int = 0
    ret_msg: str = ""


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of every answer, HTTP 200 even for refusals. B:guide.

    {"retCode":0,"retMsg":"OK","result":{},"retExtInfo":{},"time":1672211918471}
    """

    ret_code: int
    ret_msg: str = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")
    ret_ext_info: msgspec.Raw = msgspec.Raw(b"{}")
    time: Ms = 0


class RecentTrade(msgspec.Struct, frozen=True, rename="camel"):
    """A print of an answer; `execId` is the stream's `i`."""

    exec_id: str
    symbol: str
    price: str
    size: str
    side: Side
    time: str
    is_block_trade: bool = False
    is_rpi_trade: bool = msgspec.field(default=False, name="isRPITrade")


class RecentTrades(msgspec.Struct, frozen=True):
    """GET /v5/market/recent-trade: newest first. B:market/recent-trade.

    {"category":"linear","list":[{"execId":"2100000000007764263","symbol":"BTCUSDT",
     "price":"16618.49","size":"0.012","side":"Buy","time":"1672052955758","isBlockTrade":false,
     "isRPITrade":false,"seq":"123456"}]}
    """

    rows: list[RecentTrade] = msgspec.field(name="list")


class PriceFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Of what prices must be."""

    tick_size: str = ""


class LotFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Of what sizes must be: base coin on linear, USD on inverse contracts."""

    qty_step: str = ""


class Contract(msgspec.Struct, frozen=True, rename="camel"):
    """One instrument."""

    symbol: str
    contract_type: str
    base_coin: str
    quote_coin: str
    settle_coin: str
    price_filter: PriceFilter
    lot_size_filter: LotFilter
    status: str = ""


class Contracts(msgspec.Struct, frozen=True, rename="camel"):
    """GET /v5/market/instruments-info, the `result`. B:market/instrument.

    {"category":"linear","list":[{"symbol":"BTCUSDT","contractType":"LinearPerpetual",
     "status":"Trading","baseCoin":"BTC","quoteCoin":"USDT","settleCoin":"USDT",
     "priceFilter":{"minPrice":"0.10","maxPrice":"1999999.80","tickSize":"0.10"},
     "lotSizeFilter":{"maxOrderQty":"1190.000","minOrderQty":"0.001","qtyStep":"0.001"},
     "fundingInterval":480}],"nextPageCursor":""}
    """

    rows: list[Contract] = msgspec.field(name="list")
    next_page_cursor: str | None = ""


class Kline(msgspec.Struct, frozen=True, array_like=True):
    """["1670608800000","17071","17073","17027","17055.5","268611","15.74462667"], with turnover."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class Klines(msgspec.Struct, frozen=True):
    """GET /v5/market/kline, the `result`: newest first, the first still open. B:market/kline.

    {"symbol":"BTCUSD","category":"inverse","list":[["1670608800000","17071","17073","17027",
     "17055.5","268611","15.74462667"]]}
    """

    rows: list[Kline] = msgspec.field(name="list")


class ServerTime(msgspec.Struct, frozen=True, rename="camel"):
    """GET /v5/market/time, the `result`. B:market/time.

    {"timeSecond":"1688639403","timeNano":"1688639403423213947"}
    """

    time_nano: str


class RiskTier(msgspec.Struct, frozen=True, rename="camel"):
    """One tier; rates are fractions or per cent, see `instruments.py`."""

    symbol: str
    risk_limit_value: str
    maintenance_margin: str
    initial_margin: str
    max_leverage: str
    mm_deduction: str = ""


class RiskTiers(msgspec.Struct, frozen=True):
    """GET /v5/market/risk-limit, the `result`. B:market/risk-limit.

    {"category":"inverse","list":[{"id":1,"symbol":"BTCUSD","riskLimitValue":"150",
     "maintenanceMargin":"0.5","initialMargin":"1","isLowestRisk":1,"maxLeverage":"100.00"}]}
    """

    rows: list[RiskTier] = msgspec.field(name="list")
