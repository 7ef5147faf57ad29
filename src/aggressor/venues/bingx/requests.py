"""What we ask of a BingX account: COMMANDs and questions to unsigned calls.

- An account holds one position that nets (positionSide BOTH, closing orders marked reduceOnly), or
  two (LONG and SHORT, closing orders name the position and reduceOnly is refused).
- STOP_MARKET and TAKE_PROFIT_MARKET belong to a position and never exceed it; a stop that opens one
  is a TRIGGER_MARKET. They are triggered by the last price (CONTRACT_PRICE), as a COMMAND says, not
  by the mark, which is the venue's default.
- An amendment changes the size alone (`resize`). Another price is a cancel and a new order, in one
  request that places only if the cancel was done (`replace`): the new order needs an id of its own.
- Client ids are lower-cased by the venue and unique for ever. It documents them for market and
  limit orders; they are sent with stops too, whose answers name the venue's id.
- The dead man's switch covers all orders of the account, 10 to 120 s ahead.

Document: bingx-api.github.io/docs-v3, Swap, Trades Endpoints and Account Endpoints; read
2026-11-22.
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
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import REDUCE_ONLY
from aggressor.venues.trading import Call, Terms, order_of, short_id

PREFIX = "ag"
MANY_MAX = 5
LIMITS = {
    "order": (10, 1_000_000_000),
    "batch": (5, 1_000_000_000),
    "cancel_all": (5, 1_000_000_000),
    "amend": (5, 1_000_000_000),
    "dead_man": (1, 1_000_000_000),
    "query": (30, 1_000_000_000),
    "list": (5, 1_000_000_000),
    "account": (5, 1_000_000_000),
    "leverage": (5, 1_000_000_000),
    "setting": (2, 1_000_000_000),
}

_TRADE = "/openApi/swap/v2/trade"
_TRADE_1 = "/openApi/swap/v1/trade"
_USER = "/openApi/swap/v2/user"
_STREAM = "/openApi/user/auth/userDataStream"
_TIFS = {GTC: "GTC", IOC: "IOC", FOK: "FOK", POST_ONLY: "PostOnly"}
_TRIGGERED = {STOP_MARKET: "STOP_MARKET", TAKE_PROFIT_MARKET: "TAKE_PROFIT_MARKET"}
_DEAD_MAN_S = (10, 120)
_WEEK_MS = 7 * 86_400_000
_NUMBERS = ("price", "stopPrice", "quantity")

Fields = list[tuple[str, str]]


def client_id(order: int) -> str:
    """Return our order id as BingX keeps it: lower case."""
    return short_id(PREFIX, order)


def order_id(text: str) -> int | None:
    """Return the order id that `client_id` wrote, None if it is not ours."""
    return order_of(PREFIX, text)


def _side(command: Any) -> str:
    return "BUY" if command["side"] > 0 else "SELL"


def _position(command: Any, terms: Terms) -> str:
    """Return which position an order is for."""
    if not terms.hedge:
        return "BOTH"
    opens = not command["flags"] & REDUCE_ONLY
    return "LONG" if (command["side"] > 0) == opens else "SHORT"


def _fields(command: Any, instrument: Instrument, terms: Terms) -> Fields:
    """Return the parameters of an order."""
    kind = int(command["type"])
    reduces = bool(command["flags"] & REDUCE_ONLY)
    fields = [("symbol", instrument.symbol), ("side", _side(command))]
    fields.append(("positionSide", _position(command, terms)))
    if kind == LIMIT:
        fields.append(("type", "LIMIT"))
        fields.append(("price", instrument.price_text(int(command["price"]))))
        fields.append(("timeInForce", _TIFS[int(command["tif"])]))
    elif kind == MARKET:
        fields.append(("type", "MARKET"))
    else:
        fields.append(("type", _TRIGGERED[kind] if reduces else "TRIGGER_MARKET"))
        fields.append(("stopPrice", instrument.price_text(int(command["trigger"]))))
        fields.append(("workingType", "CONTRACT_PRICE"))
    fields.append(("quantity", instrument.size_text(int(command["size"]))))
    if reduces and not terms.hedge:
        fields.append(("reduceOnly", "true"))
    fields.append(("clientOrderId", client_id(int(command["order"]))))
    return fields


def place(command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that places an order."""
    query = tuple(_fields(command, instrument, terms))
    return Call("POST", f"{_TRADE}/order", query, group="order")


def place_many(commands: Sequence[Any], instrument: Instrument, terms: Terms) -> Call:
    """Return the call that places up to five orders; each of them succeeds or fails by itself."""
    assert 0 < len(commands) <= MANY_MAX, f"a batch holds 1 to {MANY_MAX} orders"
    orders = [
        {
            name: msgspec.Raw(value.encode()) if name in _NUMBERS else value
            for name, value in _fields(command, instrument, terms)
        }
        for command in commands
    ]
    text = msgspec.json.encode(orders).decode()
    return Call("POST", f"{_TRADE}/batchOrders", (("batchOrders", text),), group="batch")


def resize(command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that gives a working order another size and leaves its price."""
    query = (
        ("symbol", instrument.symbol),
        ("clientOrderId", client_id(int(command["order"]))),
        ("quantity", instrument.size_text(int(command["size"]))),
    )
    return Call("POST", f"{_TRADE_1}/amend", query, group="amend")


def replace(command: Any, order: int, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that cancels `order` and, only if that was done, places the command."""
    assert order != command["order"], "the new order needs an id of its own"
    query = (
        *_fields(command, instrument, terms),
        ("cancelClientOrderId", client_id(order)),
        ("cancelReplaceMode", "STOP_ON_FAILURE"),
    )
    return Call("POST", f"{_TRADE_1}/cancelReplace", query, group="amend")


def cancel(command: Any, instrument: Instrument, terms: Terms) -> Call:
    """Return the call that cancels an order by our id."""
    query = (("symbol", instrument.symbol), ("clientOrderId", client_id(int(command["order"]))))
    return Call("DELETE", f"{_TRADE}/order", query, group="order")


def cancel_all(instrument: Instrument) -> tuple[Call, ...]:
    """Return the call that cancels all orders of an instrument, stops among them."""
    query = (("symbol", instrument.symbol),)
    return (Call("DELETE", f"{_TRADE}/allOpenOrders", query, group="cancel_all"),)


def dead_man(instrument: Instrument, within_ms: int) -> Call:
    """Return the call that lets the venue cancel all orders of the account; 0 stops that."""
    least, most = _DEAD_MAN_S
    seconds = -(-within_ms // 1_000)
    if within_ms and not least <= seconds <= most:
        raise ConfigError(f"BingX's dead man's switch takes {least} to {most} s, not {seconds}.")
    query = (("type", "ACTIVATE" if within_ms else "CLOSE"), ("timeOut", str(seconds)))
    return Call("POST", f"{_TRADE}/cancelAllAfter", query, group="dead_man")


def order(instrument: Instrument, client: str, venue_id: str, since_ms: int) -> tuple[Call, ...]:
    """Return the question for one order, by the venue's id where it is known."""
    by = ("orderId", venue_id) if venue_id else ("clientOrderId", client)
    return (Call("GET", f"{_TRADE}/order", (("symbol", instrument.symbol), by), group="query"),)


def open_orders(instrument: Instrument) -> tuple[Call, ...]:
    """Return the question for the working orders, stops among them."""
    query = (("symbol", instrument.symbol),)
    return (Call("GET", f"{_TRADE}/openOrders", query, group="list"),)


def fills(instrument: Instrument, since_ms: int) -> Call:
    """Return the question for fills from a time on; one answer spans at most seven days."""
    query = (
        ("symbol", instrument.symbol),
        ("startTs", str(since_ms)),
        ("endTs", str(since_ms + _WEEK_MS)),
        ("pageSize", "1000"),
    )
    return Call("GET", f"{_TRADE}/fillHistory", query, group="list")


def positions(instrument: Instrument | None) -> Call:
    """Return the question for the positions of one instrument, or of all."""
    query = () if instrument is None else (("symbol", instrument.symbol),)
    return Call("GET", f"{_USER}/positions", query, group="account")


def balances() -> Call:
    """Return the question for what the account holds."""
    return Call("GET", "/openApi/swap/v3/user/balance", group="account")


def fees(instrument: Instrument) -> Call:
    """Return the question for the account's own fees: they hold for all contracts."""
    return Call("GET", f"{_USER}/commissionRate", group="account")


def margin(instrument: Instrument) -> Call:
    """Return the question for the margin tiers, which only an account is told."""
    query = (("symbol", instrument.symbol),)
    return Call("GET", "/openApi/swap/v1/maintMarginRatio", query, group="account")


def rights() -> Call:
    """Return the question for what the key may do."""
    return Call("GET", "/openApi/v1/account/apiPermissions", group="setting")


def set_leverage(instrument: Instrument, terms: Terms) -> tuple[Call, ...]:
    """Return the calls that set the leverage, one for each position the account can hold."""
    return tuple(
        Call(
            "POST",
            f"{_TRADE}/leverage",
            (("symbol", instrument.symbol), ("side", side), ("leverage", str(terms.leverage))),
            group="leverage",
        )
        for side in (("LONG", "SHORT") if terms.hedge else ("BOTH",))
    )


def set_margin(instrument: Instrument, terms: Terms) -> Call:
    """Return the call that isolates the instrument's margin or shares it."""
    query = (
        ("symbol", instrument.symbol),
        ("marginType", "ISOLATED" if terms.isolated else "CROSSED"),
    )
    return Call("POST", f"{_TRADE}/marginType", query, group="setting")


def set_mode(terms: Terms) -> Call:
    """Return the call that makes the account hold one position or two; it must be flat."""
    query = (("dualSidePosition", "true" if terms.hedge else "false"),)
    return Call("POST", "/openApi/swap/v1/positionSide/dual", query, group="setting")


def create_key() -> Call:
    """Return the call for a key of the private stream; it lives for 60 minutes."""
    return Call("POST", _STREAM, group="setting")


def keep_key(key: str) -> Call:
    """Return the call that lets a key of the private stream live for another 60 minutes."""
    return Call("PUT", _STREAM, (("listenKey", key),), group="setting")
