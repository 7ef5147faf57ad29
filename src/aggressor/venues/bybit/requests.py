"""Our COMMANDs and questions as Bybit's requests; unsigned, nothing is sent here.

Fields stand in one fixed order, because the venue signs bodies byte for byte. What is the venue's
default is not sent: GTC, one-way position, last price as the trigger's price.

A STOP_MARKET or TAKE_PROFIT_MARKET is a conditional order: it rests at the venue without holding
margin, under our own id (at most 10 an instrument), and becomes a market order when the last price
rises to (1) or falls to (2) its trigger. An order is named by our id, which the venue takes once
and for ever. An amend gives the new whole size.

Margin mode is one for the whole account and position mode one for all USDT contracts. Inverse
perpetuals have no hedge mode. Documents: B:order/*, B:position/*, B:account/*.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import msgspec

from aggressor.schema.command import (
    FOK,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BUY
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import REDUCE_ONLY
from aggressor.venues.bybit.account_messages import Page
from aggressor.venues.bybit.instruments import result_of
from aggressor.venues.trading import Call, Terms, order_of, short_id

PREFIX = "ag"
BATCH_MAX = 10  # one page of the documents says 20, another 10

_SECOND_NS = 1_000_000_000
LIMITS = {
    "create": (10, _SECOND_NS),
    "amend": (10, _SECOND_NS),
    "cancel": (10, _SECOND_NS),
    "cancel all": (10, _SECOND_NS),
    "batch": (10, _SECOND_NS),  # counted by the order
    "orders": (50, _SECOND_NS),
    "history": (50, _SECOND_NS),
    "fills": (50, _SECOND_NS),
    "positions": (50, _SECOND_NS),
    "balances": (50, _SECOND_NS),
    "rights": (10, _SECOND_NS),
    "fees": (5, _SECOND_NS),
    "settings": (10, _SECOND_NS),
    "dead man": (5, _SECOND_NS),
}

_TIFS = {IOC: "IOC", FOK: "FOK", POST_ONLY: "PostOnly"}
_TRIGGERED = (STOP_MARKET, TAKE_PROFIT_MARKET)
_RISES, _FALLS = 1, 2
_ONE_WAY, _LONG, _SHORT = 0, 1, 2
_DEAD_MAN_S = (3, 300)
_ORDERS_PAGE, _FILLS_PAGE, _POSITIONS_PAGE = 50, 100, 200
_SETTLED_IN = ("USDT", "USDC")  # the linear contracts, asked for one after the other


def client_id(order: int) -> str:
    """Return the venue's orderLinkId of an order of ours."""
    return short_id(PREFIX, order)


def order_id(text: str) -> int | None:
    """Return our order's id, None where another program made the order."""
    return order_of(PREFIX, text)


def place(category: str, command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the request that places one order."""
    return _post("/v5/order/create", _order(category, command, instrument, terms), "create")


def place_many(
    category: str, commands: Sequence[Any], instrument: Instrument, terms: Terms
) -> Call:
    """Return the request that places up to 10 orders; each has an answer of its own."""
    assert 0 < len(commands) <= BATCH_MAX, "too many orders for one request"
    orders = [_order("", command, instrument, terms) for command in commands]
    fields = {"category": category, "request": orders}
    return _post("/v5/order/create-batch", fields, "batch", len(orders))


def _order(category: str, command: Any, instrument: Instrument, terms: Terms) -> dict[str, Any]:
    kind, side = int(command["type"]), int(command["side"])
    limit = kind == LIMIT
    assert limit or kind in (MARKET, *_TRIGGERED), "an order type that is not known here"
    reduces = bool(int(command["flags"]) & REDUCE_ONLY)
    fields: dict[str, Any] = {
        "symbol": instrument.symbol,
        "side": "Buy" if side == BUY else "Sell",
        "orderType": "Limit" if limit else "Market",
    }
    if limit and int(command["tif"]) in _TIFS:
        fields["timeInForce"] = _TIFS[int(command["tif"])]
    fields["orderLinkId"] = client_id(int(command["order"]))
    if limit:
        fields["price"] = instrument.price_text(int(command["price"]))
    if category:
        fields["category"] = category
    fields["qty"] = instrument.size_text(int(command["size"]))
    if kind in _TRIGGERED:
        fields["triggerDirection"] = _RISES if (side == BUY) == (kind == STOP_MARKET) else _FALLS
        fields["triggerPrice"] = instrument.price_text(int(command["trigger"]))
    if reduces:
        fields["reduceOnly"] = True
    if terms.hedge:
        fields["positionIdx"] = _LONG if (side == BUY) != reduces else _SHORT
    return fields


def amend(category: str, command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the request that changes an order to a new whole size and a new price or trigger."""
    fields = _named(category, command, instrument)
    fields["qty"] = instrument.size_text(int(command["size"]))
    if int(command["type"]) in _TRIGGERED:
        fields["triggerPrice"] = instrument.price_text(int(command["trigger"]))
    else:
        fields["price"] = instrument.price_text(int(command["price"]))
    return _post("/v5/order/amend", fields, "amend")


def cancel(category: str, command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the request that cancels one order, resting or conditional."""
    return _post("/v5/order/cancel", _named(category, command, instrument), "cancel")


def _named(category: str, command: Any, instrument: Instrument) -> dict[str, Any]:
    """Return what names an order of ours."""
    name = client_id(int(command["order"]))
    return {"symbol": instrument.symbol, "orderLinkId": name, "category": category}


def cancel_all(category: str, instrument: Instrument) -> Sequence[Call]:
    """Return the one request that cancels resting and conditional orders alike, 500 at most."""
    fields = {"symbol": instrument.symbol, "category": category}
    return (_post("/v5/order/cancel-all", fields, "cancel all"),)


def order(
    category: str, instrument: Instrument, client: str, venue_id: str, since_ms: int
) -> Sequence[Call]:
    """Return the questions for one order: the venue's memory, then its history."""
    name = ("orderId", venue_id) if venue_id else ("orderLinkId", client)
    query = (("symbol", instrument.symbol), name, ("category", category))
    return (
        _get("/v5/order/realtime", query, "orders"),
        _get("/v5/order/history", query, "history"),
    )


def open_orders(category: str, instrument: Instrument) -> Sequence[Call]:
    """Return the question for open orders, conditional ones too; it has pages."""
    query = (("symbol", instrument.symbol), ("category", category), ("limit", str(_ORDERS_PAGE)))
    return (_get("/v5/order/realtime", query, "orders"),)


def fills(category: str, instrument: Instrument, since_ms: int) -> Call:
    """Return the question for our fills of 7 days from `since_ms`, newest first; it has pages."""
    query = (
        ("symbol", instrument.symbol),
        ("category", category),
        ("limit", str(_FILLS_PAGE)),
        ("startTime", str(since_ms)),
    )
    return _get("/v5/execution/list", query, "fills")


def positions(category: str, instrument: Instrument | None) -> Call:
    """Return the question for one position, or for all of a category; the latter has pages."""
    query: tuple[tuple[str, str], ...] = ()
    if instrument is not None:
        query = (("symbol", instrument.symbol),)
    elif category == "linear":
        query = (("settleCoin", _SETTLED_IN[0]),)
    query += (("limit", str(_POSITIONS_PAGE)), ("category", category))
    return _get("/v5/position/list", query, "positions")


def balances() -> Call:
    """Return the question for what the unified account holds."""
    return _get("/v5/account/wallet-balance", (("accountType", "UNIFIED"),), "balances")


def rights() -> Call:
    """Return the question for what the key may do."""
    return _get("/v5/user/query-api", (), "rights")


def fees(category: str, instrument: Instrument) -> Call:
    """Return the question for the account's own fee rates."""
    query = (("symbol", instrument.symbol), ("category", category))
    return _get("/v5/account/fee-rate", query, "fees")


def next_page(call: Call, body: bytes) -> Call | None:
    """Return the question for the rest of an answer, None behind its end; raise MessageError.

    A page that is not full is the last, though the venue names a cursor on it. Behind the last of
    all linear positions in USDT come those in USDC.
    """
    page, _ = result_of(body, Page)
    query = dict(call.query)
    if page.next_page_cursor and len(page.rows) >= int(query.get("limit", "1")):
        query["cursor"] = unquote(page.next_page_cursor)  # it comes encoded; signing encodes again
        return call._replace(query=tuple(query.items()))
    if query.get("settleCoin") == _SETTLED_IN[0]:
        query.pop("cursor", None)
        query["settleCoin"] = _SETTLED_IN[1]
        return call._replace(query=tuple(query.items()))
    return None


def set_leverage(category: str, instrument: Instrument, terms: Terms) -> Sequence[Call]:
    """Return the request that sets the leverage of both sides."""
    leverage = str(terms.leverage)
    fields = {
        "symbol": instrument.symbol,
        "buyLeverage": leverage,
        "sellLeverage": leverage,
        "category": category,
    }
    return (_post("/v5/position/set-leverage", fields, "settings"),)


def set_margin(instrument: Instrument, terms: Terms) -> Call:
    """Return the request that sets the margin mode, of the whole account."""
    mode = "ISOLATED_MARGIN" if terms.isolated else "REGULAR_MARGIN"
    return _post("/v5/account/set-margin-mode", {"setMarginMode": mode}, "settings")


def set_mode(terms: Terms) -> Call:
    """Return the request that sets the position mode, of all USDT contracts."""
    fields = {"mode": 3 if terms.hedge else 0, "coin": "USDT", "category": "linear"}
    return _post("/v5/position/switch-mode", fields, "settings")


def dead_man(instrument: Instrument, after_ms: int) -> Call:
    """Return the request that sets how long the private stream may be gone; raise ConfigError.

    No countdown: the venue cancels all derivatives' orders when every private connection that is
    subscribed to `dcp.future` has been dead for so long. The venue must have enabled it for the
    account, takes 10 s to obey, and has no request to end it.
    """
    seconds = -(-after_ms // 1000)
    least, most = _DEAD_MAN_S
    if not least <= seconds <= most:
        raise ConfigError(
            f"Bybit cancels on disconnection after {least} to {most} s, not after {after_ms} ms - "
            "choose a time in between; to end the protection, ask the venue."
        )
    fields = {"timeWindow": seconds, "product": "DERIVATIVES"}
    return _post("/v5/order/disconnected-cancel-all", fields, "dead man")


def _post(path: str, fields: dict[str, Any], group: str, weight: int = 1) -> Call:
    return Call("POST", path, (), msgspec.json.encode(fields), weight, group)


def _get(path: str, query: tuple[tuple[str, str], ...], group: str) -> Call:
    return Call("GET", path, query, group=group)
