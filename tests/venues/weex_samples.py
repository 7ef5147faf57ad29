"""WEEX frames and answers built after its documents and probes; one for each form there is."""

from decimal import Decimal

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument

BTC = Instrument(
    venue="weex",
    symbol="BTCUSDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal("0.0001"),
    base="BTC",
    quote="USDT",
    settle="USDT",
)
ETH = msgspec.structs.replace(
    BTC, symbol="ETHUSDT", tick=Decimal("0.01"), lot=Decimal("0.00001"), base="ETH"
)

TIME = 1_776_098_967_472


def raw(body: object) -> bytes:
    return msgspec.json.encode(body)


def depth(first: int, last: int, bids=(), asks=(), *, snapshot=False, symbol="BTCUSDT") -> bytes:
    head = {"e": "depthSnapshot" if snapshot else "depth", "E": TIME, "s": symbol}
    ids = {"U": first, "u": last, "l": 200, "d": "SNAPSHOT" if snapshot else "CHANGED"}
    return raw(head | ids | {"b": [list(x) for x in bids], "a": [list(x) for x in asks]})


def prints(*rows: tuple[int, str, str, str, bool], event: str = "trade") -> bytes:
    """Prints of (ms behind TIME, name, price, size, buyer was maker)."""
    data = [{"T": TIME + T, "t": t, "p": p, "q": q, "v": "1", "m": m} for T, t, p, q, m in rows]
    return raw({"e": event, "E": TIME, "s": "BTCUSDT", "d": data})


SNAPSHOT = depth(
    16938207383,
    16938207498,
    bids=[("86378.8", "1.204")],
    asks=[("86378.9", "0.33")],
    snapshot=True,
)
CHANGE = depth(16938207498, 16938207561, bids=[("86378.8", "0"), ("86378.7", "0.5")])
DELISTED = depth(0, 0, snapshot=True)
TRADES = prints(
    (2, "b", "86378.9", "0.0252", False),
    (0, "a", "86378.8", "1.5", True),
    (1, "c", "86378.7", "0.1", True),
)
RECENT = prints(
    (2, "b", "86378.9", "0.0252", False),
    (3, "d", "86379.0", "0.2", False),
    event="tradeSnapshot",
)
TICKER = raw(
    {
        "e": "ticker",
        "E": 1790134568308,
        "s": "BTCUSDT",
        "d": [
            {
                "p": "1067.6",
                "P": "0.012475",
                "w": "86029.22669334",
                "c": "86645.2",
                "o": "85577.6",
                "h": "86814.0",
                "l": "85079.9",
                "v": "27024.8956",
                "q": "2324930869.93625",
                "O": 1790047800000,
                "C": 1790134200000,
                "n": 465441,
                "m": "86660.85",
                "i": "86690.49875",
            }
        ],
    }
)
KLINE = raw({"e": "kline", "E": 1, "s": "BTCUSDT", "p": "LAST_PRICE", "d": [{"t": 1}]})
KLINE_SNAPSHOT = raw({"e": "klineSnapshot", "E": 1, "s": "BTCUSDT", "p": "LAST_PRICE", "d": []})
GREETING = b'{"cid":"a018","event":"connected","time":"1790134567942"}'
PING = b'{"event":"ping","time":"1790134590000"}'
PING_PRIVATE = b'{"type":"ping","time":"1776172740000"}'
PONG = b'{"id":"5","method":"PONG"}'
ACK = b'{"result":true,"id":1}'
REFUSAL = b'{"result":false,"id":101,"msg":"INVALID_ARGUMENT: invalid symbol : cmt_nopeusdt"}'
PREMIUM = raw(
    [
        {
            "symbol": "BTCUSDT",
            "markPrice": "69348.6",
            "indexPrice": "69347.9",
            "lastFundingRate": "0.00031",
            "forecastFundingRate": "0.00025",
            "interestRate": "0.0001",
            "nextFundingTime": 1764510000000,
            "time": 1764505777345,
            "collectCycle": 480,
        }
    ]
)
INTEREST = raw({"symbol": "BTCUSDT", "openInterest": "128345.67", "time": 1764505777345})
ERROR = raw({"code": -1121, "msg": "Invalid symbol"})


def contract(symbol: str, **more: object) -> dict:
    body = {
        "symbol": symbol,
        "baseAsset": symbol[:-4],
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 1,
        "quantityPrecision": 4,
        "baseAssetPrecision": 3,
        "quotePrecision": 8,
        "contractVal": 0.0001,
        "delivery": ["00:00:00", "08:00:00", "16:00:00"],
        "forwardContractFlag": True,
        "minLeverage": 1,
        "maxLeverage": 400,
        "buyLimitPriceRatio": 0.015,
        "sellLimitPriceRatio": 0.015,
        "makerFeeRate": 0.0002,
        "takerFeeRate": 0.0008,
        "minOrderSize": 0.0001,
        "maxOrderSize": 10000,
        "maxPositionSize": 20000000,
        "marketOpenLimitSize": 12000,
    }
    return body | more


LISTING = raw(
    {
        "assets": [{"asset": "BTC", "marginAvailable": False}],
        "rateLimits": [],
        "symbols": [
            contract("BTCUSDT"),
            contract("1000PEPEUSDT", pricePrecision=7, quantityPrecision=0, contractVal=1),
            contract("AAPLUSDT", contractType="TRADIFI_PERPETUAL"),
            contract("BTCUSDM", marginAsset="BTC", forwardContractFlag=False),
        ],
    }
)
TRADABLE = raw(["BTCUSDT", "ETHUSDT"])
KLINES = raw(
    [
        [1764505740000, "30.1", "30.4", "30.0", "30.2", "25.67819", 1, "2", 5, "12.3", "8.1"],
        [1764505800000, "30.2", "30.4", "30.1", "30.3", "5", 1, "2", 5, "12.3", "8.1"],
        [1764505680000, 30.0, 30.5, 29.9, 30.1, 1.5, 1, "2", 5, "12.3", "8.1"],
    ]
)
SERVER_TIME = raw({"serverTime": TIME})

FRAMES = (
    SNAPSHOT,
    CHANGE,
    DELISTED,
    TRADES,
    RECENT,
    TICKER,
    KLINE,
    GREETING,
    PING,
    ACK,
    REFUSAL,
    PREMIUM,
    INTEREST,
    ERROR,
)
