"""Binance's market payloads as they come over the wire; no logic.

Source of every form: the Derivatives and Spot API documents, `developers.binance.com/docs`, pages
named below, read 2026-05-28; changes up to 2026-08-19 from the SDK's change log. Samples are
constructed in the documents' shape. Prices and sizes are decimal strings; times are ms since 1970
(spot streams may be asked for us). Fields that came later have a default, so a recording of any
year decodes.

    2025-12-31  aggTrade: nq (size without RPI fills)
    2026-06-30  st (1 USD-M, 2 COIN-M) on streams; ps (pair) on depth, bookTicker, forceOrder
"""

import msgspec

Level = tuple[str, str]


class DepthUpdate(msgspec.Struct, frozen=True):
    """Diff of the book. derivatives: Diff-Book-Depth-Streams; spot: no T, no pu.

    {"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","ps":"BTCUSDT","st":1,
     "U":157,"u":160,"pu":149,"b":[["9168.80","10"]],"a":[["9168.90","0"]]}
    spot: {"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,
     "b":[["0.0024","10"]],"a":[["0.0026","100"]]}
    """

    e: str
    E: int
    s: str
    U: int
    u: int
    b: list[Level]
    a: list[Level]
    T: int | None = None
    pu: int | None = None
    ps: str = ""
    st: int = 0


class DepthSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """GET /fapi/v1/depth, /dapi/v1/depth (names its symbol), /api/v3/depth (no times).

    {"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,"bids":[["4.0","431"]],
     "asks":[["4.2","12"]]}
    """

    last_update_id: int = msgspec.field(name="lastUpdateId")
    bids: list[Level]
    asks: list[Level]
    E: int | None = None
    T: int | None = None
    symbol: str = ""
    pair: str = ""


class AggTrade(msgspec.Struct, frozen=True, kw_only=True):
    """Fills of one taker at one price within 100 ms. derivatives: Aggregate-Trade-Streams.

    {"e":"aggTrade","E":1767225600123,"s":"BTCUSDT","st":1,"a":5933014,"p":"64089.2","q":"0.120",
     "nq":"0.100","f":100,"l":105,"T":1767225600085,"m":true}
    """

    e: str
    E: int
    s: str
    a: int
    p: str
    q: str
    f: int
    last: int = msgspec.field(name="l")
    T: int
    m: bool  # the buyer was the maker: the aggressor sold
    nq: str = ""
    st: int = 0


class Trade(msgspec.Struct, frozen=True):
    """One fill. Undocumented on derivatives, where X tells orders from ADL and the fund.

    {"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,"p":"61800.30",
     "q":"0.006","X":"MARKET","m":false}
    spot: {"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",
     "T":1672515782136,"m":true,"M":true}
    """

    e: str
    E: int
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool
    X: str = "MARKET"


class BookTicker(msgspec.Struct, frozen=True):
    """The best of both sides. derivatives: Individual-Symbol-Book-Ticker-Streams.

    {"e":"bookTicker","u":400900217,"E":1568014460893,"T":1568014460891,"s":"BNBUSDT","ps":"BNBUSDT",
     "st":1,"b":"25.35","B":"31.2","a":"25.36","A":"40.6"}
    spot: {"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"40.66"}
    """

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str
    e: str = "bookTicker"
    E: int | None = None
    T: int | None = None
    ps: str = ""
    st: int = 0


class ForceOrderBody(msgspec.Struct, frozen=True):
    """The liquidation order itself; `S` SELL closes a long. 2026 puts `ps`, `st` here."""

    s: str
    S: str
    q: str
    p: str
    ap: str
    T: int
    X: str = ""
    filled_last: str = msgspec.field(default="", name="l")
    z: str = ""
    ps: str = ""
    st: int = 0


class ForceOrder(msgspec.Struct, frozen=True):
    """A liquidation, at most one per symbol and second. derivatives: Liquidation-Order-Streams.

    {"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC",
     "q":"0.014","p":"9910","ap":"9910","X":"FILLED","l":"0.014","z":"0.014","T":1568014460893,
     "ps":"BTCUSDT","st":1}}
    """

    e: str
    E: int
    o: ForceOrderBody
    st: int = 0


class MarkPrice(msgspec.Struct, frozen=True):
    """Mark price and funding. derivatives: Mark-Price-Stream; delivery contracts have r empty, T 0.

    {"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15","ap":"11794.15",
     "i":"11784.62","P":"11784.25","r":"0.00038167","T":1562306400000,"st":1}
    """

    e: str
    E: int
    s: str
    p: str
    r: str = ""
    T: int = 0
    st: int = 0


class ContractInfo(msgspec.Struct, frozen=True):
    """A change of a contract. derivatives: Contract-Info-Stream.

    {"e":"contractInfo","E":1669647330375,"s":"IOTAUSDT","ct":"PERPETUAL","dt":4133404800000,
     "ot":1569398400000,"cs":"TRADING","st":1}
    """

    e: str
    E: int
    s: str
    cs: str
    st: int = 0


class OpenInterest(msgspec.Struct, frozen=True, kw_only=True):
    """GET /fapi/v1/openInterest (size units), /dapi/v1/openInterest (contracts).

    {"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}
    """

    open_interest: str = msgspec.field(name="openInterest")
    symbol: str
    time: int = 0


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a symbol; of PRICE_FILTER tickSize counts, of LOT_SIZE stepSize."""

    filter_type: str = msgspec.field(name="filterType")
    tick_size: str = msgspec.field(default="", name="tickSize")
    step_size: str = msgspec.field(default="", name="stepSize")


class SymbolInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol of exchangeInfo; `contractSize` is COIN-M's, `marginAsset` derivatives'.

    {"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING",
     "baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,
     "filters":[{"filterType":"PRICE_FILTER","minPrice":"556.80","tickSize":"0.10"},
      {"filterType":"LOT_SIZE","minQty":"0.001","stepSize":"0.001"}]}
    """

    symbol: str
    base_asset: str = msgspec.field(name="baseAsset")
    quote_asset: str = msgspec.field(name="quoteAsset")
    filters: list[Filter]
    margin_asset: str = msgspec.field(default="", name="marginAsset")
    contract_size: int | float | str | None = msgspec.field(default=None, name="contractSize")
    status: str = ""
    contract_status: str = msgspec.field(default="", name="contractStatus")


class ExchangeInfo(msgspec.Struct, frozen=True):
    """GET /fapi/v1/exchangeInfo, /dapi/v1/exchangeInfo, /api/v3/exchangeInfo.

    {"timezone":"UTC","serverTime":1565613908500,"symbols":[]}
    """

    symbols: list[SymbolInfo]
