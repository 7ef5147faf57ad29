"""Our COMMANDs and questions as calls of Binance futures; `api` is "/fapi" (USD-M) or "/dapi".

Since 2025-12-09 orders that wait for a trigger are a service of their own (`algoOrder`), on COIN-M
since 2026-06-30: they have other ids, other paths, cannot be amended, and `allOpenOrders` leaves
them. They trigger on the last price (the default of `workingType`), as our simulator does.

In a hedged account an order names its leg instead of saying that it reduces: one that buys opens
the long or, if it is to reduce, closes the short.

Documents: Trade REST API (New Order, Modify Order, Cancel Order, New Algo Order ...), Account REST
API; read 2026-05-28, changes up to 2026-08-19.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

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
from aggressor.venues.trading import Call, ListenKey, Terms, short_id

PREFIX = "ag"
WEIGHT = "weight"  # of an address, both markets together
ORDERS = "orders"  # of an account, both markets together
MANY_MAX = 5
FILLS_MAX = 1000

_TIFS = {GTC: "GTC", IOC: "IOC", FOK: "FOK", POST_ONLY: "GTX"}
_STOPS = {STOP_MARKET: "STOP_MARKET", TAKE_PROFIT_MARKET: "TAKE_PROFIT_MARKET"}
_KEEP_EVERY_NS = 30 * 60 * 1_000_000_000  # a key lives for an hour

Query: TypeAlias = tuple[tuple[str, str], ...]


def client_id(order: int) -> str:
    """Return our id of an order as the venue is told it."""
    return short_id(PREFIX, order)


def _side(command: Any) -> str:
    return "BUY" if command["side"] > 0 else "SELL"


def _leg(command: Any, terms: Terms) -> Query:
    """Say which position an order is about, or that it only reduces."""
    reduces = bool(command["flags"] & REDUCE_ONLY)
    if terms.hedge:
        return (("positionSide", "LONG" if (command["side"] > 0) != reduces else "SHORT"),)
    return (("reduceOnly", "true"),) if reduces else ()


def _plain(command: Any, instrument: Instrument, terms: Terms) -> Query:
    """Return the fields of a limit or market order."""
    kind = int(command["type"])
    assert kind in (LIMIT, MARKET), "orders with a trigger go to another service"
    fields = [
        ("symbol", instrument.symbol),
        ("side", _side(command)),
        ("newClientOrderId", client_id(int(command["order"]))),
        ("newOrderRespType", "RESULT"),
        ("type", "LIMIT" if kind == LIMIT else "MARKET"),
        ("quantity", instrument.size_text(int(command["size"]))),
    ]
    if kind == LIMIT:
        fields.append(("price", instrument.price_text(int(command["price"]))))
        fields.append(("timeInForce", _TIFS[int(command["tif"])]))
    return (*fields, *_leg(command, terms))


def place(api: str, command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that places an order."""
    stop = _STOPS.get(int(command["type"]))
    if stop is None:
        return Call("POST", f"{api}/v1/order", _plain(command, instrument, terms), group=ORDERS)
    fields = (
        ("symbol", instrument.symbol),
        ("side", _side(command)),
        ("clientAlgoId", client_id(int(command["order"]))),
        ("newOrderRespType", "RESULT"),
        ("type", stop),
        ("quantity", instrument.size_text(int(command["size"]))),
        ("triggerPrice", instrument.price_text(int(command["trigger"]))),
        *_leg(command, terms),
        ("algoType", "CONDITIONAL"),
    )
    return Call("POST", f"{api}/v1/algoOrder", fields, group=ORDERS)


def place_many(api: str, commands: Sequence[Any], instrument: Instrument, terms: Terms) -> Call:
    """Return the call that places up to MANY_MAX plain orders; each is answered on its own."""
    assert 0 < len(commands) <= MANY_MAX
    orders = [dict(_plain(command, instrument, terms)) for command in commands]
    text = msgspec.json.encode(orders).decode()
    query = (("batchOrders", text),)
    return Call("POST", f"{api}/v1/batchOrders", query, weight=len(commands), group=ORDERS)


def amend(api: str, command: Any, instrument: Instrument, terms: Terms) -> Call | None:
    """Return the call that gives a limit order a new whole size and price; None for another."""
    if int(command["type"]) != LIMIT:
        return None
    fields = (
        ("symbol", instrument.symbol),
        ("side", _side(command)),
        ("quantity", instrument.size_text(int(command["size"]))),
        ("price", instrument.price_text(int(command["price"]))),
        ("origClientOrderId", client_id(int(command["order"]))),
    )
    return Call("PUT", f"{api}/v1/order", fields, group=ORDERS)


def cancel(api: str, command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that cancels an order."""
    ours = client_id(int(command["order"]))
    symbol = ("symbol", instrument.symbol)
    if int(command["type"]) in _STOPS:
        return Call("DELETE", f"{api}/v1/algoOrder", (symbol, ("clientAlgoId", ours)), group=WEIGHT)
    query = (symbol, ("origClientOrderId", ours))
    return Call("DELETE", f"{api}/v1/order", query, group=WEIGHT)


def cancel_all(api: str, instrument: Instrument) -> Sequence[Call]:
    """Return the calls that cancel every order of an instrument, those with a trigger too."""
    query = (("symbol", instrument.symbol),)
    return (
        Call("DELETE", f"{api}/v1/allOpenOrders", query, group=WEIGHT),
        Call("DELETE", f"{api}/v1/algoOpenOrders", query, group=WEIGHT),
    )


def order(
    api: str, instrument: Instrument, ours: str, theirs: str, since_ms: int
) -> Sequence[Call]:
    """Return the questions for one order: in the book, then among those with a trigger.

    In the book the venue's id is the better one: ours is unique among living orders only, and an
    order that was triggered may have lost it.
    """
    plain = ("orderId", theirs) if theirs else ("origClientOrderId", ours)
    algo = ("clientAlgoId", ours) if ours else ("algoId", theirs)
    symbol = ("symbol", instrument.symbol)
    return (
        Call("GET", f"{api}/v1/order", (symbol, plain), group=WEIGHT),
        Call("GET", f"{api}/v1/algoOrder", (symbol, algo), group=WEIGHT),
    )


def open_orders(api: str, instrument: Instrument) -> Sequence[Call]:
    """Return the questions for all orders of an instrument that live."""
    query = (("symbol", instrument.symbol),)
    return (
        Call("GET", f"{api}/v1/openOrders", query, group=WEIGHT),
        Call("GET", f"{api}/v1/openAlgoOrders", query, group=WEIGHT),
    )


def fills(api: str, instrument: Instrument, since_ms: int) -> Call:
    """Return the question for our fills; the venue looks no further than 7 days at once."""
    query = (
        ("symbol", instrument.symbol),
        ("startTime", str(since_ms)),
        ("limit", str(FILLS_MAX)),
    )
    return Call("GET", f"{api}/v1/userTrades", query, weight=5, group=WEIGHT)


def positions(api: str, instrument: Instrument | None) -> Call:
    """Return the question for positions: of one instrument, or all."""
    if api == "/fapi":
        query = (("symbol", instrument.symbol),) if instrument else ()
        return Call("GET", "/fapi/v3/positionRisk", query, weight=5, group=WEIGHT)
    query = (("pair", instrument.symbol.split("_", 1)[0]),) if instrument else ()
    return Call("GET", "/dapi/v1/positionRisk", query, group=WEIGHT)


def balances(api: str) -> Call:
    """Return the question for what the account holds."""
    version = "v3" if api == "/fapi" else "v1"
    return Call("GET", f"{api}/{version}/balance", weight=5, group=WEIGHT)


def rights() -> Call:
    """Return the question for what the key may do; the spot host answers it."""
    return Call("GET", "/sapi/v1/account/apiRestrictions", group=WEIGHT)


def fees(api: str, instrument: Instrument) -> Call:
    """Return the question for the account's fees."""
    query = (("symbol", instrument.symbol),)
    return Call("GET", f"{api}/v1/commissionRate", query, weight=20, group=WEIGHT)


def margin(api: str, instrument: Instrument) -> Call:
    """Return the question for an instrument's margin tiers."""
    version = "v1" if api == "/fapi" else "v2"
    query = (("symbol", instrument.symbol),)
    return Call("GET", f"{api}/{version}/leverageBracket", query, group=WEIGHT)


def set_leverage(api: str, instrument: Instrument, terms: Terms) -> Sequence[Call]:
    """Return the call that sets the leverage."""
    query = (("symbol", instrument.symbol), ("leverage", str(terms.leverage)))
    return (Call("POST", f"{api}/v1/leverage", query, group=WEIGHT),)


def set_margin(api: str, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that chooses isolated or cross margin."""
    kind = "ISOLATED" if terms.isolated else "CROSSED"
    query = (("symbol", instrument.symbol), ("marginType", kind))
    return Call("POST", f"{api}/v1/marginType", query, group=WEIGHT)


def set_mode(api: str, terms: Terms) -> Call:
    """Return the call that chooses one position or two; it holds for both futures markets."""
    query = (("dualSidePosition", "true" if terms.hedge else "false"),)
    return Call("POST", f"{api}/v1/positionSide/dual", query, group=WEIGHT)


def dead_man(api: str, instrument: Instrument, after_ms: int) -> Call:
    """Return the call after which all is cancelled in so many ms unless it comes again; 0 never.

    Whether orders with a trigger are cancelled too is not documented: count on their staying.
    """
    query = (("symbol", instrument.symbol), ("countdownTime", str(after_ms)))
    return Call("POST", f"{api}/v1/countdownCancelAll", query, weight=10, group=WEIGHT)


def listen_key(api: str, read: Callable[[bytes], str]) -> ListenKey:
    """Return how the key of the private stream is had and kept; `read` takes it from an answer."""
    path = f"{api}/v1/listenKey"

    def keep(key: str) -> Call:
        """Keep the one key that the account has."""
        return Call("PUT", path, group=WEIGHT, signed=False)

    create = Call("POST", path, group=WEIGHT, signed=False)
    return ListenKey(create=create, keep=keep, every_ns=_KEEP_EVERY_NS, read=read)
