"""Binance's account payloads, constructed in the shape of its documents."""

import msgspec

from aggressor.schema.command import GTC, LIMIT, PLACE, empty_commands
from aggressor.schema.event import NO_PRICE
from aggressor.schema.report import REDUCE_ONLY

T_MS = 1_767_225_600_000
T_NS = T_MS * 1_000_000

ORDER = {
    "orderId": 22542179,
    "symbol": "BTCUSDT",
    "status": "NEW",
    "clientOrderId": "ag7",
    "price": "50000.00",
    "origQty": "0.010",
    "executedQty": "0.000",
    "cumQty": "0.000",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "reduceOnly": False,
    "closePosition": False,
    "side": "BUY",
    "positionSide": "BOTH",
    "stopPrice": "0.00",
    "workingType": "CONTRACT_PRICE",
    "priceProtect": False,
    "origType": "LIMIT",
    "priceMatch": "NONE",
    "selfTradePreventionMode": "EXPIRE_MAKER",
    "goodTillDate": 0,
    "updateTime": T_MS,
}

ALGO = {
    "algoId": 2146760,
    "clientAlgoId": "ag9",
    "algoType": "CONDITIONAL",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "positionSide": "BOTH",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "algoStatus": "NEW",
    "triggerPrice": "40000",
    "price": "0",
    "icebergQuantity": None,
    "workingType": "CONTRACT_PRICE",
    "closePosition": False,
    "reduceOnly": True,
    "createTime": T_MS - 5,
    "updateTime": T_MS,
    "triggerTime": 0,
    "goodTillDate": 0,
}


def order_event(x: str, X: str, **more: object) -> bytes:
    """Return an ORDER_TRADE_UPDATE."""
    body = {
        "s": "BTCUSDT",
        "c": "ag7",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.002",
        "p": "7100.5",
        "ap": "0",
        "sp": "0",
        "x": x,
        "X": X,
        "i": 8886774,
        "l": "0",
        "z": "0",
        "L": "0",
        "T": T_MS,
        "t": 0,
        "b": "0",
        "a": "0",
        "m": False,
        "R": False,
        "wt": "CONTRACT_PRICE",
        "ot": "LIMIT",
        "ps": "BOTH",
        "cp": False,
        "pP": False,
        "si": 0,
        "ss": 0,
        "rp": "0",
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    event = {"e": "ORDER_TRADE_UPDATE", "E": T_MS + 1, "T": T_MS, "o": body | more}
    return msgspec.json.encode(event)


def algo_event(X: str, **more: object) -> bytes:
    """Return an ALGO_UPDATE."""
    body = {
        "caid": "ag9",
        "aid": 2148719,
        "at": "CONDITIONAL",
        "o": "STOP_MARKET",
        "s": "BTCUSDT",
        "S": "SELL",
        "ps": "BOTH",
        "f": "GTC",
        "q": "0.01",
        "X": X,
        "ai": "",
        "ap": "0.00000",
        "aq": "0.00000",
        "act": "0",
        "tp": "40000",
        "p": "0",
        "V": "EXPIRE_MAKER",
        "wt": "CONTRACT_PRICE",
        "pm": "NONE",
        "cp": False,
        "pP": False,
        "R": True,
        "tt": 0,
        "gtd": 0,
        "rm": "",
    }
    return msgspec.json.encode({"e": "ALGO_UPDATE", "T": T_MS, "E": T_MS, "o": body | more})


def account_event(reason: str, balances: list, positions: list, **more: object) -> bytes:
    """Return an ACCOUNT_UPDATE."""
    body = {"m": reason, "B": balances, "P": positions} | more
    return msgspec.json.encode({"e": "ACCOUNT_UPDATE", "E": T_MS, "T": T_MS, "a": body})


def command(
    order: int = 7,
    *,
    side: int = 1,
    size: int = 1,
    price: int = NO_PRICE,
    trigger: int = NO_PRICE,
    type: int = LIMIT,
    tif: int = GTC,
    reduce_only: bool = False,
    kind: int = PLACE,
):
    """Return one COMMAND record."""
    row = empty_commands(1)[0]
    row["kind"], row["order"], row["side"], row["size"] = kind, order, side, size
    row["price"], row["trigger"], row["type"], row["tif"] = price, trigger, type, tif
    row["flags"] = REDUCE_ONLY if reduce_only else 0
    return row
