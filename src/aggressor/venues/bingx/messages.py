"""BingX's public payloads as it sends them, unpacked: field names, types, one sample each.

Documents: bingx-api.github.io/docs-v3 (Swap: Websocket Market Data, Market Data), read 2026-11-22;
what the wire does differently was probed in September 2026. Numbers are strings in streams and
either strings or bare in answers; both stay text. Unknown fields are passed over.
"""

from decimal import Decimal

import msgspec

from aggressor.venues.text.numerals import NOTHING


class Payload(msgspec.Struct, rename="camel", gc=False):
    """A payload whose fields are camelCase on the wire."""


class Frame(Payload):
    """Any frame of a stream: which topic, and the rest unread.

    {"code":0,"dataType":"BTC-USDT@lastPrice","data":{"e":"lastPriceUpdate", ...}}
    """

    data_type: str = ""
    code: int | None = None


class Reply(Payload):
    """The answer to a subscription, and every refusal; an event of an account has `e`.

    {"id":"e745","code":0,"msg":"","dataType":"","data":null}
    {"id":"0fff","code":80015,"msg":"dataType not support","dataType":"","data":null}
    """

    id: str = ""
    code: int | None = None
    msg: str = ""
    data_type: str = ""
    e: str = ""


class Trade(msgspec.Struct, gc=False):
    """One print: `m` the buyer was the maker, `T` ms. There is no id.

    {"q":"0.0421","p":"29023.5","T":1690221401344,"m":false,"s":"BTC-USDT"}
    """

    p: str
    q: str
    T: int
    m: bool


class TradeFrame(Payload):
    """SYM@trade: prints, newest first.

    {"code":0,"dataType":"BTC-USDT@trade","data":[{"q":"0.0421","p":"29023.5", ...}]}
    """

    data: list[Trade]


class IncrDepth(Payload):
    """A whole book (action "all") or a change of it ("update"); sizes are absolute, 0 removes.

    {"action":"update","lastUpdateId":857550007,"time":1790127586998,
     "bids":[["86378.8","0.0000"]],"asks":[["86379.1","0.0100"]]}
    """

    action: str
    last_update_id: int
    time: int
    bids: msgspec.Raw
    asks: msgspec.Raw


class IncrDepthFrame(Payload):
    """SYM@incrDepth: {"code":0,"dataType":"BTC-USDT@incrDepth","data":{"action":"all", ...}}."""

    data: IncrDepth


class Depth(Payload):
    """The best levels of a book, whole; asks have been seen worst first.

    {"bids":[["1890.1","2.3"]],"asks":[["1890.9","1.1"],["1890.2","0.4"]]}
    """

    bids: msgspec.Raw
    asks: msgspec.Raw
    symbol: str = ""  # where the topic is that of all symbols


class DepthFrame(Payload):
    """SYM@depth20@500ms: {"code":0,"dataType":"...","ts":1743241563651,"data":{"bids": ...}}."""

    data: Depth
    ts: int


class Mark(msgspec.Struct, gc=False):
    """A mark price: {"e":"markPriceUpdate","E":1702719000000,"s":"BTC-USDT","p":"42216.4"}."""

    E: int
    p: str


class MarkFrame(Payload):
    """SYM@markPrice: {"code":0,"dataType":"BTC-USDT@markPrice","data":{"e": ...}}."""

    data: Mark


class Answer(Payload):
    """Any REST answer: {"code":0,"msg":"","data":...}; with another code `data` says nothing."""

    code: int = 0
    msg: str = ""
    data: msgspec.Raw = NOTHING


class PastTrade(Payload):
    """One print of an answer.

    {"time":1702719269849,"isBuyerMaker":true,"price":"42214.0","qty":"0.0248","quoteQty":"1046.9"}
    """

    time: int
    is_buyer_maker: bool
    price: str
    qty: str


class PremiumIndex(Payload):
    """Mark, index and funding of one symbol; `lastFundingRate` is the running rate.

    {"symbol":"BTC-USDT","markPrice":"42216.4","indexPrice":"42219.9",
     "lastFundingRate":"0.00025100","nextFundingTime":1702742400000,"updateTime":1702739000000}
    """

    symbol: str
    last_funding_rate: str = ""
    next_funding_time: int = 0
    update_time: int = 0
    open_interest: str = ""  # in the answer about it, which has the same form


class Contract(Payload):
    """One contract; sizes are base coins everywhere, whatever `size` says.

    {"contractId":"100","symbol":"BTC-USDT","size":"0","quantityPrecision":4,"pricePrecision":1,
     "makerFeeRate":0.0002,"takerFeeRate":0.0005,"tradeMinQuantity":0.0001,"tradeMinUSDT":2,
     "currency":"USDT","asset":"BTC","status":1,"apiStateOpen":"true","apiStateClose":"true"}
    """

    symbol: str
    quantity_precision: int
    price_precision: int
    currency: str = ""
    asset: str = ""
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None


class Tier(Payload):
    """One margin tier, in the settlement currency.

    {"tier":"Tier 2","symbol":"BTC-USDT","minPositionVal":"150000","maxPositionVal":"900000",
     "maintMarginRatio":"0.004000","maintAmount":"30.000000"}
    """

    symbol: str
    min_position_val: Decimal
    max_position_val: Decimal
    maint_margin_ratio: Decimal
    maint_amount: Decimal


class Kline(msgspec.Struct, gc=False):
    """One candle of the form that has names; `time` is its start.

    {"open":"0.7034","close":"0.7065","high":"0.7081","low":"0.7033","volume":"635494.00",
     "time":1702717200000}
    """

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    time: Decimal


class ServerTime(Payload):
    """{"serverTime":1790127586998}, ms."""

    server_time: int
