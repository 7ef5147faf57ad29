"""What we ask of a WEEX account: COMMANDs and questions to unsigned calls.

- The venue keeps long and short apart: an order that opens names the position of its own side, one
  that reduces the position of the other. There is no reduceOnly, and no mode to set.
- A client id is needed: 1 to 36 of letters, digits and . : / _ -
- There is no amendment, no batch of new orders, no dead man's switch.
- Stops and take profits are "algo orders" with calls of their own. What triggers them is not to be
  chosen; the documents name the last price as the default.
- One order can only be asked for by the venue's id. By ours it is looked for among the open orders
  and then in the history, of plain orders and of algo orders.

Documents: www.weex.com/api-doc/contract, Transaction_API and Account_API, version 3; read
2026-11-22.
"""

from typing import Any

import msgspec

from aggressor.schema.command import (
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import REDUCE_ONLY
from aggressor.venues.trading import Call, Terms, order_of, short_id

PREFIX = "ag"
LIMITS = {
    "order": (300, 60_000_000_000),
    "weight": (400, 10_000_000_000),  # of 500 an address: market data has the rest
}

_API = "/capi/v3"
_ACCOUNT = f"{_API}/account"
_TIFS = {GTC: "GTC", IOC: "IOC", FOK: "FOK", POST_ONLY: "POST_ONLY"}
_TRIGGERED = {STOP_MARKET: "STOP_MARKET", TAKE_PROFIT_MARKET: "TAKE_PROFIT_MARKET"}
_ROWS_MAX = "100"


def client_id(order: int) -> str:
    """Return our order id in the venue's letters."""
    return short_id(PREFIX, order)


def order_id(text: str) -> int | None:
    """Return the order id that `client_id` wrote, None if it is not ours."""
    return order_of(PREFIX, text)


def _get(path: str, *query: tuple[str, str], weight: int = 1) -> Call:
    return Call("GET", path, query, weight=weight, group="weight")


def place(command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that places an order."""
    kind = int(command["type"])
    buys = command["side"] > 0
    opens = not command["flags"] & REDUCE_ONLY
    fields = {
        "symbol": instrument.symbol,
        "side": "BUY" if buys else "SELL",
        "positionSide": "LONG" if buys == opens else "SHORT",
    }
    size = instrument.size_text(int(command["size"]))
    name = client_id(int(command["order"]))
    if kind in _TRIGGERED:
        fields |= {"type": _TRIGGERED[kind], "quantity": size}
        fields |= {"triggerPrice": instrument.price_text(int(command["trigger"]))}
        fields |= {"clientAlgoId": name}
    elif kind == LIMIT:
        fields |= {"type": "LIMIT", "timeInForce": _TIFS[int(command["tif"])], "quantity": size}
        fields |= {"price": instrument.price_text(int(command["price"]))}
        fields |= {"newClientOrderId": name}
    else:
        assert kind == MARKET, f"an order of type {kind} is not known"
        fields |= {"type": "MARKET", "quantity": size, "newClientOrderId": name}
    path = f"{_API}/algoOrder" if kind in _TRIGGERED else f"{_API}/order"
    body = msgspec.json.encode(fields)
    return Call("POST", path, body=body, group="order", also=("weight", 5))


def cancel(command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that cancels an order by our id; its type says which of the two calls."""
    name = "algoOrder" if command["type"] in _TRIGGERED else "order"
    query = (("origClientOrderId", client_id(int(command["order"]))),)
    return Call("DELETE", f"{_API}/{name}", query, weight=3, group="weight")


def cancel_all(instrument: Instrument) -> tuple[Call, ...]:
    """Return the calls that cancel all orders of an instrument, plain ones and stops."""
    query = (("symbol", instrument.symbol),)
    return tuple(
        Call("DELETE", f"{_API}/{name}", query, weight=10, group="weight")
        for name in ("allOpenOrders", "algoOpenOrders")
    )


def order(instrument: Instrument, client: str, venue_id: str, since_ms: int) -> tuple[Call, ...]:
    """Return the questions for one order; without the venue's id it is looked for in lists."""
    fields = [("symbol", instrument.symbol)]
    if since_ms:
        fields.append(("startTime", str(since_ms)))
    fields.append(("limit", _ROWS_MAX))
    lists = (
        _get(f"{_API}/openOrders", *fields, weight=2),
        _get(f"{_API}/openAlgoOrders", *fields, weight=3),
        _get(f"{_API}/order/history", *fields, weight=10),
        _get(f"{_API}/allAlgoOrders", *fields, weight=10),
    )
    if not venue_id:
        return lists
    return (_get(f"{_API}/order", ("orderId", venue_id), weight=2), lists[1], lists[3])


def open_orders(instrument: Instrument) -> tuple[Call, ...]:
    """Return the questions for the working orders, plain ones and stops."""
    fields = (("symbol", instrument.symbol), ("limit", _ROWS_MAX))
    return (
        _get(f"{_API}/openOrders", *fields, weight=2),
        _get(f"{_API}/openAlgoOrders", *fields, weight=3),
    )


def fills(instrument: Instrument, since_ms: int) -> Call:
    """Return the question for fills from a time on."""
    return _get(
        f"{_API}/userTrades",
        ("symbol", instrument.symbol),
        ("startTime", str(since_ms)),
        ("limit", _ROWS_MAX),
        weight=5,
    )


def positions(instrument: Instrument | None) -> Call:
    """Return the question for the positions of one instrument, or of all."""
    if instrument is None:
        return _get(f"{_ACCOUNT}/position/allPosition", weight=10)
    return _get(f"{_ACCOUNT}/position/singlePosition", ("symbol", instrument.symbol), weight=2)


def balances() -> Call:
    """Return the question for what the account holds."""
    return _get(f"{_ACCOUNT}/balance", weight=5)


def rights() -> Call:
    """Return the question for what the account may do."""
    return _get(f"{_ACCOUNT}/accountConfig")


def fees(instrument: Instrument) -> Call:
    """Return the question for the account's own fees."""
    return _get(f"{_ACCOUNT}/commissionRate", ("symbol", instrument.symbol))


def set_leverage(instrument: Instrument, terms: Terms) -> tuple[Call, ...]:
    """Return the call that sets the leverage of both positions."""
    if terms.isolated:
        both = {"isolatedLongLeverage": terms.leverage, "isolatedShortLeverage": terms.leverage}
        fields = {"symbol": instrument.symbol, "marginType": "ISOLATED"} | both
    else:
        fields = {"symbol": instrument.symbol, "marginType": "CROSSED"}
        fields |= {"crossLeverage": terms.leverage}
    body = msgspec.json.encode(fields)
    return (Call("POST", f"{_ACCOUNT}/leverage", body=body, weight=20, group="weight"),)


def set_margin(instrument: Instrument, terms: Terms) -> Call:
    """Return the call that isolates the instrument's margin or shares it."""
    margin = "ISOLATED" if terms.isolated else "CROSSED"
    body = msgspec.json.encode({"symbol": instrument.symbol, "marginType": margin})
    return Call("POST", f"{_ACCOUNT}/marginType", body=body, weight=50, group="weight")
