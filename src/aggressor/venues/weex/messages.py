"""WEEX's public payloads as it sends them: field names, types, one sample each.

Documents: www.weex.com/api-doc/contract (Websocket/public, Market_API), version 3, read 2026-11-22.
Keys differ by case alone (`U` and `u`, `E` and `e`). Numbers are strings in streams; in answers
they come bare or as strings. Unknown fields are passed over.
"""

from decimal import Decimal

import msgspec

EMPTY = msgspec.Raw(b"[]")


class Payload(msgspec.Struct, rename="camel", gc=False):
    """A payload whose fields are camelCase on the wire."""


class Head(msgspec.Struct, gc=False):
    """Any frame: market data has `e`, the rest is about the connection.

    {"cid":"a018","event":"connected","time":"1790134567942"}
    {"event":"ping","time":"1790134590000"}     {"type":"ping","time":"1776172740000"}
    {"result":true,"id":1}                      {"id":"5","method":"PONG"}
    {"result":false,"id":101,"msg":"INVALID_ARGUMENT: invalid symbol : cmt_nopeusdt"}
    """

    e: str = ""
    event: str = ""
    type: str = ""
    method: str = ""
    result: bool | None = None
    id: int | str = ""
    msg: str = ""


class Trade(msgspec.Struct, gc=False):
    """One print: `m` the buyer was the maker, `t` its name, `T` ms.

    {"T":1776104608298,"t":"41099265-7985-4f4c-af93-2cc3bc1cf13b","p":"2225.15","q":"0.02525",
     "v":"56.1850375","m":false}
    """

    T: int
    t: str
    p: str
    q: str
    m: bool


class TradeFrame(msgspec.Struct, gc=False):
    """SYM@trade: {"e":"trade","E":1776104608321,"s":"ETHUSDT","d":[...]}; also tradeSnapshot."""

    s: str
    d: list[Trade]


class PastTrade(Payload):
    """One print of an answer; its id is that of the stream.

    {"id":"875fba11-f8a1-42ad-915d-012ccb375e8a","price":"2114.77","qty":"0.01000",
     "quoteQty":"21.1477000","time":1775594995485,"isBuyerMaker":false,"isBestMatch":true}
    """

    id: str
    price: str
    qty: str
    time: int
    is_buyer_maker: bool


class DepthFrame(msgspec.Struct, gc=False):
    """SYM@depth200: a picture or a change; sizes are absolute, 0 removes; U is the previous u.

    {"e":"depth","E":1776098967972,"s":"BTCUSDT","U":16938207498,"u":16938207561,"l":200,
     "d":"CHANGED","b":[["86378.8","0"],["86378.7","0.5"]],"a":[]}
    """

    E: int
    s: str
    U: int
    u: int
    b: msgspec.Raw = EMPTY
    a: msgspec.Raw = EMPTY


class Ticker(msgspec.Struct, gc=False):
    """The mark price among a day's figures: {"c":"86645.2","m":"86660.8","i":"86690.4"}."""

    m: str


class TickerFrame(msgspec.Struct, gc=False):
    """SYM@ticker: {"e":"ticker","E":1790134568308,"s":"BTCUSDT","d":[{...}]}."""

    E: int
    s: str
    d: list[Ticker]


class Premium(Payload):
    """Funding of one symbol: the forecast is the rate that will be settled next.

    {"symbol":"BTCUSDT","markPrice":"69348.6","indexPrice":"69347.9","lastFundingRate":"0.00025",
     "forecastFundingRate":"0.00025","interestRate":"0.0001","nextFundingTime":1764510000000,
     "time":1764505777345,"collectCycle":480}
    """

    symbol: str
    forecast_funding_rate: str
    next_funding_time: int
    time: int


class Interest(Payload):
    """Open interest in base coins, and any other answer that is one object; `code` is an error.

    {"symbol":"BTCUSDT","openInterest":"128345.67","time":1764505777345}
    {"code":-1121,"msg":"Invalid symbol"}
    """

    symbol: str = ""
    open_interest: str = ""
    time: int = 0
    code: int | str | None = None
    msg: str = ""


class Contract(Payload):
    """One contract; sizes are base coins everywhere, `contractVal` is only their step.

    {"symbol":"BTCUSDT","baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT",
     "pricePrecision":1,"quantityPrecision":4,"contractVal":0.0001,"forwardContractFlag":true,
     "makerFeeRate":0.0002,"takerFeeRate":0.0008,"minOrderSize":0.0001}
    """

    symbol: str
    price_precision: int
    quantity_precision: int
    base_asset: str = ""
    quote_asset: str = ""
    margin_asset: str = ""
    forward_contract_flag: bool = True
    contract_type: str = "PERPETUAL"
    maker_fee_rate: Decimal | None = None
    taker_fee_rate: Decimal | None = None


class Listing(Payload):
    """{"assets":[...],"rateLimits":[...],"symbols":[...]}."""

    symbols: list[Contract]


class ServerTime(Payload):
    """{"serverTime":1764505777345}, ms."""

    server_time: int


class Refusal(Payload):
    """What an answer says when it is none: {"code":-1121,"msg":"..."}."""

    code: int | str | None = None
    msg: str = ""
