"""BingX frames and answers built after its documents and probes; one for each form there is."""

from decimal import Decimal

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument

BTC = Instrument(
    venue="bingx",
    symbol="BTC-USDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal("0.0001"),
    base="BTC",
    quote="USDT",
    settle="USDT",
)
ETH = msgspec.structs.replace(BTC, symbol="ETH-USDT", lot=Decimal("0.01"), base="ETH")

TIME = 1_790_127_586_998


def frame(topic: str, data: object, **more: object) -> bytes:
    return msgspec.json.encode({"code": 0, "dataType": topic} | more | {"data": data})


def answer(data: object, code: int = 0, msg: str = "") -> bytes:
    return msgspec.json.encode({"code": code, "msg": msg, "data": data})


def book(action: str, number: int, bids=(), asks=(), symbol: str = "BTC-USDT") -> bytes:
    sides = {"bids": [list(one) for one in bids], "asks": [list(one) for one in asks]}
    data = {"action": action, "lastUpdateId": number, "time": TIME} | sides
    return frame(f"{symbol}@incrDepth", data)


def prints(*rows: tuple[int, str, str, bool], symbol: str = "BTC-USDT") -> bytes:
    """Prints of (ms behind TIME, price, size, buyer was maker), in the order of the wire."""
    data = [{"q": q, "p": p, "T": TIME + T, "m": m, "s": symbol} for T, p, q, m in rows]
    return frame(f"{symbol}@trade", data)


ALL = book(
    "all",
    857550006,
    bids=[("86378.8", "1.2042"), ("86377.5", "0.0003")],
    asks=[("86379.4", "0.5110"), ("86378.9", "0.3300")],
)
UPDATE = book("update", 857550007, bids=[("86378.8", "0.0000")], asks=[("86379.1", "0.0100")])
TRADES = prints(
    (3, "86378.9", "0.0421", False), (1, "86378.8", "1.0000", True), (0, "86378.9", "0.1", False)
)
DEPTH20 = frame(
    "ETH-USDT@depth20@500ms",
    {"bids": [["1890.1", "2.3"]], "asks": [["1890.9", "1.1"], ["1890.2", "0.4"]]},
    ts=1743241563651,
)
DEPTH_ALL = frame(
    "all@depth5@500ms",
    {"symbol": "ETH-USDT", "bids": [["1890.1", "2.3"]], "asks": [["1890.2", "0.4"]]},
    ts=1743241563651,
)
MARK = frame(
    "BTC-USDT@markPrice",
    {"e": "markPriceUpdate", "E": 1702719000000, "s": "BTC-USDT", "p": "42216.45"},
)
BOOK_TICKER = frame(
    "BTC-USDT@bookTicker",
    {
        "e": "bookTicker",
        "u": 309869207,
        "E": 1714650946618,
        "T": 1714650946596,
        "s": "BTC-USDT",
        "b": "42211.1",
        "B": "3.1",
        "a": "42211.2",
        "A": "1.7",
    },
)
LAST_PRICE = frame(
    "BTC-USDT@lastPrice", {"e": "lastPriceUpdate", "E": 1, "s": "BTC-USDT", "c": "42216.4"}
)
TICKER = frame("BTC-USDT@ticker", {"e": "24hTicker", "E": 1, "s": "BTC-USDT", "c": "42216.4"})
KLINE = frame(
    "BTC-USDT@kline_1m",
    [{"c": "1.0", "o": "1.0", "h": "1.0", "l": "1.0", "v": "3.0", "T": 1702719300000}],
    s="BTC-USDT",
)
ACK = b'{"id":"e745","code":0,"msg":"","dataType":"","data":null}'
ACK_2025 = b'{"code":0,"id":"b6ed","msg":"SUCCESS","timestamp":1759225965363}'
REFUSAL = b'{"id":"0fff","code":80015,"msg":"dataType not support","dataType":"","data":null}'
REFUSAL_ACCOUNT = b'{"code":80014,"msg":"invalid params","data":null}'
PREMIUM = answer(
    {
        "symbol": "BTC-USDT",
        "markPrice": "42216.4",
        "indexPrice": "42219.9",
        "lastFundingRate": "0.00025100",
        "nextFundingTime": 1702742400000,
        "fundingIntervalHours": 8,
        "updateTime": 1702739000000,
    }
)
PREMIUM_OLD = answer(
    {
        "symbol": "BTC-USDT",
        "markPrice": "42216.4",
        "indexPrice": "42219.9",
        "lastFundingRate": "-0.00010000",
        "nextFundingTime": 1702742400000,
    }
)
INTEREST = answer({"openInterest": "3289641547.10", "symbol": "BTC-USDT", "time": 1672026617364})
PAST = answer(
    [
        {
            "time": TIME + 3,
            "isBuyerMaker": False,
            "price": "86378.9",
            "qty": "0.0421",
            "quoteQty": "3636.55",
        },
        {
            "time": TIME + 3,
            "isBuyerMaker": False,
            "price": "86378.9",
            "qty": "0.0421",
            "quoteQty": "3636.55",
        },
        {
            "time": TIME + 1,
            "isBuyerMaker": True,
            "price": "86378.8",
            "qty": "1",
            "quoteQty": "86378.80",
        },
    ]
)
CONTRACTS = answer(
    [
        {
            "contractId": "100",
            "symbol": "BTC-USDT",
            "size": "0.0001",
            "quantityPrecision": 4,
            "pricePrecision": 1,
            "feeRate": 0.0005,
            "makerFeeRate": 0.0002,
            "takerFeeRate": 0.0005,
            "tradeMinLimit": 0,
            "tradeMinQuantity": 0.0001,
            "tradeMinUSDT": 2,
            "maxLongLeverage": 125,
            "maxShortLeverage": 125,
            "currency": "USDT",
            "asset": "BTC",
            "status": 1,
            "apiStateOpen": "true",
            "apiStateClose": "true",
        },
        {
            "symbol": "1000PEPE-USDC",
            "quantityPrecision": "0",
            "pricePrecision": "7",
            "makerFeeRate": "0.0002",
            "takerFeeRate": "0.0005",
            "currency": "USDC",
            "asset": "1000PEPE",
            "status": "1",
        },
        {
            "symbol": "NCSKTSLA2USD-USDT",
            "quantityPrecision": 2,
            "pricePrecision": 2,
            "currency": "USDT",
            "asset": "NCSKTSLA2USD",
            "status": 1,
        },
    ]
)
TIERS = answer(
    [
        {
            "tier": "Tier 2",
            "symbol": "BTC-USDT",
            "minPositionVal": "150000",
            "maxPositionVal": "900000",
            "maintMarginRatio": "0.004000",
            "maintAmount": "30.000000",
        },
        {
            "tier": "Tier 1",
            "symbol": "BTC-USDT",
            "minPositionVal": "0",
            "maxPositionVal": "150000",
            "maintMarginRatio": "0.003800",
            "maintAmount": "0.000000",
        },
    ]
)
KLINES = answer(
    [
        {
            "open": "30.2",
            "close": "30.3",
            "high": "30.4",
            "low": "30.1",
            "volume": "5.00009",
            "time": 1702717320000,
        },
        {
            "open": "30.1",
            "close": "30.2",
            "high": "30.2",
            "low": "30.0",
            "volume": "63.5",
            "time": 1702717260000,
        },
        {
            "open": "30.0",
            "close": "30.1",
            "high": "30.5",
            "low": "29.9",
            "volume": "1.00019",
            "time": 1702717200000,
        },
    ]
)
KLINES_LISTS = answer(
    [
        [1702717320000, "30.2", "30.4", "30.1", "30.3", "5.00009", 1702717379999],
        [1702717260000, 30.1, 30.2, 30.0, 30.2, 63.5, 1702717319999],
        [1702717200000, "30.0", "30.5", "29.9", "30.1", "1.00019", 1702717259999],
    ]
)
SERVER_TIME = answer({"serverTime": TIME})

FRAMES = (
    ALL,
    UPDATE,
    TRADES,
    DEPTH20,
    DEPTH_ALL,
    MARK,
    BOOK_TICKER,
    LAST_PRICE,
    TICKER,
    KLINE,
    ACK,
    REFUSAL,
    PREMIUM,
    INTEREST,
    PAST,
    b"Ping",
)
