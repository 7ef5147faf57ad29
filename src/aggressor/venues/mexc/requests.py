"""Our COMMANDs and questions as calls of MEXC's contract API.

Sizes are contracts. A side names a leg: 1 opens the long, 2 closes the short, 3 opens the short, 4
closes the long. An account that nets buys with 1, sells with 3, and says `reduceOnly`, as the venue
documents it (another client, ccxt, sends 2 and 4 then: not verified against each other).
`positionMode` is always said, so that an account in the other mode refuses instead of guessing.

What differs from other venues:

- An order with a trigger (`planorder`) does not carry our id. It is cancelled by the venue's, and
  after an unknown outcome it is looked for by side, size and trigger, also among those that wait
  no longer. It lives for 7 days at most: who needs it for longer places it anew.
- A changed order is a new one with another id inside the venue, so nothing is amended: cancel, then
  place.
- There is no timer that cancels all.

Document: account-and-trading-endpoints; read November 2026.
"""

from collections.abc import Sequence
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
from aggressor.venues.trading import Call, Terms, short_id

PREFIX = "ag"
ORDERS = "orders"
MANY = "many"
PRIVATE = "private"
MANY_MAX = 50
PAGE = 100

_TYPES = {GTC: 1, POST_ONLY: 2, IOC: 3, FOK: 4}
_MARKET_TYPE = 5
_STOPS = (STOP_MARKET, TAKE_PROFIT_MARKET)
_AT_OR_ABOVE, _AT_OR_BELOW = 1, 2
_SEVEN_DAYS = 2
_LAST_PRICE = 1
_ISOLATED, _CROSS = 1, 2
_HEDGED, _NETTING = 1, 2
_API = "/api/v1/private"
_UNTRIGGERED, _ANY_STATE = "1", "1,2,3,4,5"


def client_id(order: int) -> str:
    """Return our id of an order as the venue is told it."""
    return short_id(PREFIX, order)


def _number(text: str) -> msgspec.Raw:
    """Return a number as it is to stand in JSON, digit for digit."""
    return msgspec.Raw(text.encode())


def _post(path: str, body: object, group: str = PRIVATE) -> Call:
    return Call("POST", f"{_API}/{path}", body=msgspec.json.encode(body), group=group)


def _get(path: str, *query: tuple[str, str]) -> Call:
    return Call("GET", f"{_API}/{path}", query, group=PRIVATE)


def _side(command: Any, terms: Terms) -> int:
    buys = command["side"] > 0
    if terms.hedge and command["flags"] & REDUCE_ONLY:
        return 2 if buys else 4
    return 1 if buys else 3


def _order(command: Any, instrument: Instrument, terms: Terms) -> dict[str, object]:
    """Return what all orders say."""
    order: dict[str, object] = {
        "symbol": instrument.symbol,
        "vol": _number(instrument.size_text(int(command["size"]))),
        "side": _side(command, terms),
        "openType": _ISOLATED if terms.isolated else _CROSS,
        "positionMode": _HEDGED if terms.hedge else _NETTING,
    }
    if not terms.hedge and command["flags"] & REDUCE_ONLY:
        order["reduceOnly"] = True
    return order


def _plain(command: Any, instrument: Instrument, terms: Terms) -> dict[str, object]:
    """Return a limit or market order."""
    kind = int(command["type"])
    assert kind in (LIMIT, MARKET), "orders with a trigger go to another service"
    order = _order(command, instrument, terms)
    order["type"] = _TYPES[int(command["tif"])] if kind == LIMIT else _MARKET_TYPE
    if kind == LIMIT:
        order["price"] = _number(instrument.price_text(int(command["price"])))
    if terms.isolated:
        order["leverage"] = terms.leverage
    order["externalOid"] = client_id(int(command["order"]))
    return order


def place(command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that places an order."""
    kind = int(command["type"])
    if kind not in _STOPS:
        return _post("order/create", _plain(command, instrument, terms), ORDERS)
    above = (command["side"] > 0) == (kind == STOP_MARKET)
    order = _order(command, instrument, terms) | {
        "leverage": terms.leverage,
        "triggerPrice": _number(instrument.price_text(int(command["trigger"]))),
        "triggerType": _AT_OR_ABOVE if above else _AT_OR_BELOW,
        "executeCycle": _SEVEN_DAYS,
        "orderType": _MARKET_TYPE,
        "trend": _LAST_PRICE,
    }
    return _post("planorder/place", order, ORDERS)


def place_many(commands: Sequence[Any], instrument: Instrument, terms: Terms) -> Call:
    """Return the call that places up to MANY_MAX plain orders; each is answered on its own."""
    assert 0 < len(commands) <= MANY_MAX
    orders = [_plain(command, instrument, terms) for command in commands]
    return _post("order/submit_batch", orders, MANY)


def cancel(command: Any, instrument: Instrument, terms: Terms) -> Call | None:
    """Return the call that cancels an order by our id; None for one with a trigger."""
    if int(command["type"]) in _STOPS:
        return None
    ours = client_id(int(command["order"]))
    body = {"symbol": instrument.symbol, "externalOid": ours}
    return _post("order/cancel_with_external", body)


def cancel_theirs(command: Any, instrument: Instrument, theirs: str) -> Call:
    """Return the call that cancels an order by the venue's id."""
    if int(command["type"]) in _STOPS:
        return _post("planorder/cancel", [{"symbol": instrument.symbol, "orderId": theirs}])
    return _post("order/cancel", [theirs])


def cancel_all(instrument: Instrument) -> Sequence[Call]:
    """Return the calls that cancel every order of an instrument, those with a trigger too."""
    body = {"symbol": instrument.symbol}
    return _post("order/cancel_all", body), _post("planorder/cancel_all", body)


def _plans(instrument: Instrument, states: str, since_ms: int) -> Call:
    since = (("start_time", str(since_ms)),) if since_ms else ()
    return _get(
        "planorder/list/orders",
        ("symbol", instrument.symbol),
        ("states", states),
        *since,
        ("page_num", "1"),
        ("page_size", str(PAGE)),
    )


def order(instrument: Instrument, ours: str, theirs: str, since_ms: int) -> Sequence[Call]:
    """Return the questions for one order, then for those with a trigger, one of which it may be.

    Those too that wait no longer: only there the venue tells what a triggered one became.
    """
    by_theirs = _get(f"order/get/{theirs}")
    by_ours = _get(f"order/external/{instrument.symbol}/{ours}")
    return (by_theirs if theirs else by_ours), _plans(instrument, _ANY_STATE, since_ms)


def open_orders(instrument: Instrument) -> Sequence[Call]:
    """Return the questions for all orders of an instrument that live."""
    plain = _get(
        "order/list/open_orders",
        ("symbol", instrument.symbol),
        ("page_num", "1"),
        ("page_size", str(PAGE)),
    )
    return plain, _plans(instrument, _UNTRIGGERED, 0)


def fills(instrument: Instrument, since_ms: int) -> Call:
    """Return the question for our fills."""
    return _get(
        "order/list/order_deals",
        ("symbol", instrument.symbol),
        ("start_time", str(since_ms)),
        ("page_num", "1"),
        ("page_size", str(PAGE)),
    )


def positions(instrument: Instrument | None) -> Call:
    """Return the question for positions: of one instrument, or all."""
    query = (("symbol", instrument.symbol),) if instrument else ()
    return _get("position/open_positions", *query)


def balances() -> Call:
    """Return the question for what the account holds."""
    return _get("account/assets")


def fees(instrument: Instrument) -> Call:
    """Return the question for the account's fees."""
    return _get("account/tiered_fee_rate/v2", ("symbol", instrument.symbol))


def set_leverage(instrument: Instrument, terms: Terms) -> Sequence[Call]:
    """Return the calls that set the leverage of the long and of the short."""
    return tuple(
        _post(
            "position/change_leverage",
            {
                "leverage": terms.leverage,
                "openType": _ISOLATED if terms.isolated else _CROSS,
                "symbol": instrument.symbol,
                "positionType": leg,
            },
        )
        for leg in (1, 2)
    )


def set_mode(terms: Terms) -> Call:
    """Return the call that chooses one position or two."""
    mode = _HEDGED if terms.hedge else _NETTING
    return _post("position/change_position_mode", {"positionMode": mode})
