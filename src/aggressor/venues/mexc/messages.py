"""MEXC's market payloads as they come over the wire; no logic.

Source of every form: www.mexc.com/api-docs/futures (market-endpoints, websocket-api), and frames
received in 2025-2026; read November 2026. Samples are constructed in that shape. Numbers are bare,
now and then with an exponent; sizes are numbers of contracts; times are ms since 1970. The order of
members varies.

    2025-04-09  depth is merged by default: begin, end
    2025-08-21  deals come as a list
    2026-06-18  cts (time of the matching engine) in depth; in 2026 also i (id) in deals
"""

import msgspec

NOTHING = msgspec.Raw(b"")


class DepthChange(msgspec.Struct, frozen=True):
    """Changes of a book; `version` is `end`, a message that is not merged has neither."""

    asks: msgspec.Raw
    bids: msgspec.Raw
    version: int
    begin: int | None = None
    end: int | None = None
    cts: int | None = None


class DepthFrame(msgspec.Struct, frozen=True):
    """push.depth.

    {"symbol":"DOGE_USDT","data":{"cts":1790134589990,"asks":[[0.07975,1203,4]],
     "bids":[[0.07969,0,0]],"begin":8752807948,"end":8752808003,"version":8752808003},
     "channel":"push.depth","ts":1790134590000}
    """

    symbol: str
    data: DepthChange
    ts: int


class Deal(msgspec.Struct, frozen=True):
    """One print: `T` 1 the aggressor bought, 2 sold; `M` is said to be a trade with oneself."""

    p: msgspec.Raw
    v: msgspec.Raw
    T: int
    t: int
    i: int | str = ""


class DealFrame(msgspec.Struct, frozen=True):
    """push.deal: a list since 2025-08-21, one before.

    {"symbol":"BTC_USDT","data":[{"p":91847.4,"v":49,"T":2,"O":3,"M":2,"t":1763645012047,
     "i":"16005949540"}],"channel":"push.deal","ts":1763645012047}
    """

    symbol: str
    data: list[Deal] | Deal


class TickerBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is used of a ticker."""

    fair_price: msgspec.Raw = NOTHING
    funding_rate: msgspec.Raw = NOTHING
    hold_vol: msgspec.Raw = NOTHING  # open interest, contracts
    timestamp: int = 0


class TickerFrame(msgspec.Struct, frozen=True):
    """push.ticker.

    {"channel":"push.ticker","data":{"symbol":"BTC_USDT","lastPrice":6865.5,"bid1":6865,
     "ask1":6866.5,"holdVol":2284742,"indexPrice":6861.6,"fairPrice":6867.4,"fundingRate":0.0008,
     "timestamp":1587442022003},"symbol":"BTC_USDT","ts":1587442022003}
    """

    symbol: str
    data: TickerBody


class PriceBody(msgspec.Struct, frozen=True):
    """One price."""

    price: msgspec.Raw


class PriceFrame(msgspec.Struct, frozen=True):
    """push.fair.price.

    {"symbol":"BTC_USDT","data":{"symbol":"BTC_USDT","price":75986},"channel":"push.fair.price",
     "ts":1789498540821}
    """

    symbol: str
    data: PriceBody
    ts: int


class FundingBody(msgspec.Struct, frozen=True):
    """The running rate, and when it settles."""

    rate: msgspec.Raw
    settles: int = msgspec.field(default=0, name="nextSettleTime")


class FundingFrame(msgspec.Struct, frozen=True):
    """push.funding.rate.

    {"symbol":"BTC_USDT","data":{"symbol":"BTC_USDT","rate":0.000081,
     "nextSettleTime":1789516800000},"channel":"push.funding.rate","ts":1789498561049}
    """

    symbol: str
    data: FundingBody
    ts: int


class Answer(msgspec.Struct, frozen=True):
    """The envelope of every REST answer.

    {"success":true,"code":0,"data":1790134590000}
    {"success":false,"code":1001,"message":"Contract does not exist!"}
    """

    code: int | str = 0
    success: bool = False
    message: str = ""
    msg: str = ""
    data: msgspec.Raw = NOTHING


class RestBook(msgspec.Struct, frozen=True):
    """Data of GET contract/depth/{symbol}.

    {"asks":[[3968.5,121,3]],"bids":[[3968.0,5,1]],"version":96801927,"timestamp":1587442022003,
     "cts":1587442021990}
    """

    asks: msgspec.Raw
    bids: msgspec.Raw
    version: int
    timestamp: int = 0
    cts: int = 0


class RestFunding(msgspec.Struct, frozen=True, kw_only=True):
    """Data of GET contract/funding_rate/{symbol}.

    {"symbol":"BTC_USDT","fundingRate":-0.000489,"maxFundingRate":0.001,"minFundingRate":-0.001,
     "collectCycle":8,"nextSettleTime":1609833600000,"timestamp":1609829807577}
    """

    rate: msgspec.Raw = msgspec.field(name="fundingRate")
    settles: int = msgspec.field(default=0, name="nextSettleTime")
    timestamp: int = 0


class CustomTier(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One tier of a contract whose tiers do not rise in equal steps."""

    max_vol: msgspec.Raw
    mmr: msgspec.Raw
    imr: msgspec.Raw


class Contract(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One contract of GET contract/detail; fees in it are those of the web.

    {"symbol":"BTC_USDT","baseCoin":"BTC","quoteCoin":"USDT","settleCoin":"USDT",
     "contractSize":0.0001,"maxLeverage":500,"priceScale":1,"priceUnit":0.1,"volUnit":1,"minVol":1,
     "maxVol":1000000,"takerFeeRate":0.0002,"makerFeeRate":0,"maintenanceMarginRate":0.004,
     "initialMarginRate":0.008,"riskBaseVol":10000,"riskIncrVol":200000,"riskIncrMmr":0.004,
     "riskIncrImr":0.004,"riskLevelLimit":5,"state":0,"apiAllowed":true}
    """

    symbol: str
    base_coin: str = ""
    quote_coin: str = ""
    settle_coin: str = ""
    contract_size: msgspec.Raw = NOTHING
    price_unit: msgspec.Raw = NOTHING
    vol_unit: msgspec.Raw = NOTHING
    state: int = 0
    api_allowed: bool = False
    max_leverage: msgspec.Raw = NOTHING
    maintenance_margin_rate: msgspec.Raw = NOTHING
    initial_margin_rate: msgspec.Raw = NOTHING
    risk_base_vol: msgspec.Raw = NOTHING
    risk_incr_vol: msgspec.Raw = NOTHING
    risk_incr_mmr: msgspec.Raw = NOTHING
    risk_incr_imr: msgspec.Raw = NOTHING
    risk_level_limit: int = 1
    risk_limit_custom: list[CustomTier] | None = None


class Columns(msgspec.Struct, frozen=True):
    """Data of GET contract/kline/{symbol}: columns; times are s.

    {"time":[1587442020],"open":[6885.5],"high":[6910.5],"low":[6885],"close":[6894.5],
     "vol":[1611754],"amount":[233.740269343644737245]}
    """

    time: list[int]
    open: list[msgspec.Raw]
    high: list[msgspec.Raw]
    low: list[msgspec.Raw]
    close: list[msgspec.Raw]
    vol: list[msgspec.Raw]
