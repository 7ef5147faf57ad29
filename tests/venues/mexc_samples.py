"""MEXC's messages, constructed in the shape of its documents and of frames it has sent."""

from decimal import Decimal
from typing import Any

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument

MS = 1_000_000
T_MS = 1_790_134_589_990
T_NS = T_MS * MS

CONTRACT: dict[str, Any] = {
    "symbol": "BTC_USDT",
    "displayNameEn": "BTC_USDT PERPETUAL",
    "positionOpenType": 3,
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "contractSize": 0.0001,
    "minLeverage": 1,
    "maxLeverage": 500,
    "priceScale": 1,
    "volScale": 0,
    "amountScale": 4,
    "priceUnit": 0.1,
    "volUnit": 1,
    "minVol": 1,
    "maxVol": 1000000,
    "bidLimitPriceRate": 0.1,
    "askLimitPriceRate": 0.1,
    "takerFeeRate": 0.0002,
    "makerFeeRate": 0,
    "maintenanceMarginRate": 0.004,
    "initialMarginRate": 0.008,
    "riskBaseVol": 10000,
    "riskIncrVol": 200000,
    "riskIncrMmr": 0.004,
    "riskIncrImr": 0.004,
    "riskLevelLimit": 5,
    "indexOrigin": ["BINANCE", "MEXC"],
    "state": 0,
    "apiAllowed": True,
    "maxNumOrders": [200, 50],
    "futureType": 1,
}

BTC = Instrument(
    venue="mexc",
    symbol="BTC_USDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal(1),
    multiplier=Decimal("0.0001"),
    base="BTC",
    quote="USDT",
    settle="USDT",
)
DOGE = msgspec.structs.replace(
    BTC, symbol="DOGE_USDT", tick=Decimal("0.00001"), multiplier=Decimal(100), base="DOGE"
)


def push(channel: str, data: str, symbol: str = "BTC_USDT", ts: int = T_MS + 10) -> bytes:
    """Return a frame; `data` is written as it is."""
    return (f'{{"symbol":"{symbol}","data":{data},"channel":"push.{channel}","ts":{ts}}}').encode()


def depth(
    begin: int | None,
    end: int,
    *,
    bids: str = "[]",
    asks: str = "[]",
    symbol: str = "BTC_USDT",
) -> bytes:
    """Return a change of the book: merged, or not where `begin` is None."""
    merged = "" if begin is None else f'"begin":{begin},"end":{end},'
    data = f'{{"cts":{T_MS},"asks":{asks},"bids":{bids},{merged}"version":{end}}}'
    return push("depth", data, symbol)


def picture(version: int, *, bids: str = "[[99.9,5,1]]", asks: str = "[[100.1,7,2]]") -> bytes:
    """Return the answer to the question for a book."""
    return answer(
        f'{{"asks":{asks},"bids":{bids},"version":{version},"timestamp":{T_MS},"cts":{T_MS - 5}}}'
    )


def answer(data: str) -> bytes:
    """Return a REST answer that succeeded."""
    return f'{{"success":true,"code":0,"data":{data}}}'.encode()


ORDER: dict[str, Any] = {
    "orderId": "102067003631907840",
    "symbol": "BTC_USDT",
    "positionId": 1397818,
    "price": 50000.1,
    "vol": 3,
    "leverage": 15,
    "side": 1,
    "category": 1,
    "orderType": 1,
    "dealAvgPrice": 0,
    "dealVol": 0,
    "orderMargin": 0,
    "usedMargin": 0,
    "takerFee": 0,
    "makerFee": 0,
    "profit": 0,
    "feeCurrency": "USDT",
    "openType": 1,
    "state": 2,
    "errorCode": 0,
    "externalOid": "ag7",
    "createTime": T_MS - 7,
    "updateTime": T_MS,
    "stopLossPrice": 0,
    "takeProfitPrice": 0,
}

PLAN: dict[str, Any] = {
    "id": 987654321,
    "symbol": "BTC_USDT",
    "leverage": 20,
    "side": 3,
    "triggerPrice": 46000.0,
    "price": 0,
    "vol": 5,
    "openType": 2,
    "triggerType": 2,
    "state": 1,
    "executeCycle": 2,
    "trend": 1,
    "errorCode": 0,
    "orderId": 0,
    "orderType": 5,
    "marketOrderLevel": 0,
    "positionMode": 2,
    "reduceOnly": True,
    "createTime": T_MS,
    "updateTime": T_MS,
}

FILL: dict[str, Any] = {
    "id": 987654321,
    "symbol": "BTC_USDT",
    "side": 1,
    "vol": 10,
    "price": 45000.5,
    "feeCurrency": "USDT",
    "fee": 0.225,
    "timestamp": T_MS,
    "profit": 0,
    "isTaker": True,
    "category": 1,
    "orderId": 123456789,
    "isSelf": False,
    "externalOid": "ag7",
    "positionMode": 1,
    "reduceOnly": False,
}

POSITION: dict[str, Any] = {
    "positionId": 1394650,
    "symbol": "BTC_USDT",
    "positionType": 2,
    "openType": 1,
    "state": 1,
    "holdVol": 4,
    "frozenVol": 0,
    "closeVol": 0,
    "holdAvgPrice": 1217.3,
    "openAvgPrice": 1217.3,
    "closeAvgPrice": 0,
    "liquidatePrice": 1211.2,
    "oim": 0.1290338,
    "im": 0.1290338,
    "holdFee": 0,
    "realised": -0.0073,
    "leverage": 100,
    "createTime": T_MS,
    "updateTime": T_MS,
    "autoAddIm": False,
}


def personal(channel: str, data: Any, ts: int = T_MS) -> bytes:
    """Return a message of the private stream."""
    return msgspec.json.encode({"channel": f"push.personal.{channel}", "data": data, "ts": ts})
