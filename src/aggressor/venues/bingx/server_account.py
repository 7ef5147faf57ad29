"""BingX's signed side: orders, questions, settings, and the private stream.

Taken means accepted for matching: a post-only order that would cross is taken, and cancelled on the
stream a moment later. Client ids are kept in lower case and never used twice. Stops and take
profits belong to a position; what opens one is a TRIGGER_MARKET. Not served: orders with a limit
behind a trigger, trailing ones, and stops attached to an order.
"""

import re
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.command import (
    GTC,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.schema.event import NO_PRICE
from aggressor.sim.local.board import Lane
from aggressor.sim.local.orders import DUPLICATE, LocalOrder, Refused, Ticket
from aggressor.venues.bingx.server_forms import (
    LEGS,
    MIN_NOTIONAL,
    TIFS,
    number_of,
    order_form,
    order_id,
    placed_form,
    position_id,
)
from aggressor.venues.bingx.server_market import Params, bad, lane_of, whole
from aggressor.venues.bingx.server_private import order_frame
from aggressor.venues.served.answering import (
    below_value,
    closing_ticket,
    ended_late,
    fires_at_once,
    outside_band,
    own_id,
    steps_in,
    waiting_type,
)
from aggressor.venues.served.dialect import SECOND_NS, CodeError, House

_CLIENT_ID = re.compile(r"\S{1,40}")
_BAND = Fraction(5, 100)
_TYPES = {"LIMIT": LIMIT, "MARKET": MARKET}
_STOPS = {"STOP_MARKET": STOP_MARKET, "TAKE_PROFIT_MARKET": TAKE_PROFIT_MARKET}
_TRIGGER = "TRIGGER_MARKET"
_NOT_SERVED = ("STOP", "TAKE_PROFIT", "TRIGGER_LIMIT", "TRAILING_STOP_MARKET", "TRAILING_TP_SL")
_MANY_MAX = 5
_CANCELS_MAX = 10
_DEAD_MAN_S = (10, 120)
_ALL = -1  # the dead man's switch is the whole account's

_REFUSALS = {
    report.NO_MARGIN: (101204, "Insufficient margin"),
    report.REDUCE_ONLY_EMPTY: (101205, "No position to close"),
    report.TOO_MANY_ORDERS: (101419, "The number of open orders has reached the upper limit"),
    report.UNKNOWN_ORDER: (109421, "order not exist"),
    report.WOULD_CROSS: (101215, "The post only order would be filled immediately"),
    report.NO_BOOK: (109500, "The current system is busy, please try again later"),
}


def refuse(refused: Refused) -> CodeError:
    """Return a refusal in BingX's words."""
    if refused.words == DUPLICATE:
        return CodeError(101481, "The clientOrderID already exists")
    return CodeError(*_REFUSALS.get(refused.reason, (109400, "Invalid parameters")))


# -- what a client wrote ---------------------------------------------------------------------------


def _leg(house: House, params: Params) -> int:
    hedge = house.exchange.account.hedge
    leg = LEGS.get(params.get("positionSide", "LONG" if hedge else "BOTH"))
    if leg is None or (leg != 0) != hedge:
        allowed = "LONG or SHORT" if hedge else "BOTH"
        raise bad("positionSide", f"in this position mode it can only be {allowed}")
    return leg


def _ticks(lane: Lane, params: Params, name: str) -> int:
    ticks = steps_in(params.get(name, ""), lane.instrument.ticks)
    if ticks is None:
        raise bad(name, "this field must be a price on the contract's precision")
    return ticks


def _size(house: House, lane: Lane, params: Params, number: int, leg: int, side: int) -> int:
    """Return how many lots a request is about; raise CodeError."""
    one = lane.instrument
    if params.get("closePosition", "").lower() == "true":
        held = house.exchange.account.positions[number][leg].lots
        if held * side >= 0:
            raise refuse(Refused(report.REDUCE_ONLY_EMPTY))
        return abs(held)
    if params.get("quoteOrderQty") and not params.get("quantity"):
        fair = house.exchange.price(number)
        money = steps_in(params["quoteOrderQty"], lambda x: int(x * 10**8))
        if money is None or not fair:
            raise bad("quoteOrderQty", "this field must be an amount")
        lots = int(money / one.notional(fair, 1))
    else:
        lots = steps_in(params.get("quantity", ""), one.lots) or 0
    if not lots:
        raise CodeError(
            110422, "the quantity is below the minimum, or off the contract's precision"
        )
    return lots


def _client_id(params: Params) -> str:
    """Return the id that a client gives its order, as it is kept; "" none."""
    text = params.get("clientOrderId") or params.get("clientOrderID", "")
    if text and not _CLIENT_ID.fullmatch(text):
        raise bad("clientOrderId", "its length must be 1 to 40")
    return text.lower()


def _kind(lane: Lane, params: Params, name: str, side: int) -> tuple[int, int]:
    """Return the type of an order and its trigger; raise CodeError."""
    if name in _TYPES:
        return _TYPES[name], NO_PRICE
    if name not in _STOPS and name != _TRIGGER:
        words = "is not served here" if name in _NOT_SERVED else "is not supported"
        raise bad("type", f"{name} {words}")
    trigger = _ticks(lane, params, "stopPrice")
    last = lane.last_price()
    rises = last is None or trigger > last
    if name in _STOPS:
        kind = _STOPS[name]
        if fires_at_once(lane, (side > 0) == (kind == STOP_MARKET), trigger):
            raise bad("stopPrice", "the order would be triggered immediately")
        return kind, trigger
    return waiting_type(rises, side), trigger


def _ticket(house: House, params: Params) -> Ticket:
    """Read an order; raise CodeError."""
    lane = lane_of(house, params)
    number = house.exchange.by_symbol[lane.instrument.symbol]
    side = {"BUY": 1, "SELL": -1}.get(params.get("side", ""))
    if side is None:
        raise bad("side", "must be BUY or SELL")
    leg, name = _leg(house, params), params.get("type", "")
    if params.get("stopLoss") or params.get("takeProfit"):
        raise bad("stopLoss", "orders with attached stops are not served here")
    kind, trigger = _kind(lane, params, name, side)
    reduces = params.get("reduceOnly", "").lower() == "true"
    if reduces and leg:
        raise bad("reduceOnly", "is not accepted in hedge mode")
    price, tif = NO_PRICE, IOC if kind == MARKET else GTC
    if kind == LIMIT:
        price = _ticks(lane, params, "price")
        chosen = TIFS.get(params.get("timeInForce") or "GTC")
        if chosen is None:
            raise bad("timeInForce", "must be GTC, IOC, FOK or PostOnly")
        tif = chosen
    client = _client_id(params)
    closes = name in _STOPS or (leg != 0 and leg != side)
    ticket = Ticket(
        lane=number, side=side, size=_size(house, lane, params, number, leg, side),
        client_id=client or own_id(house), type=kind, tif=tif, price=price, trigger=trigger,
        reduce_only=reduces or closes, leg=leg,
        said={"type": name, "client": client, "working": params.get("workingType", "MARK_PRICE")},
    )  # fmt: skip
    _check(house, ticket, name)
    return ticket


def _check(house: House, ticket: Ticket, name: str) -> None:
    """Hold an order against positions, the band of prices and the least value."""
    held = house.exchange.account.positions[ticket.lane][ticket.leg].lots
    if name in _STOPS and held * ticket.side >= 0:
        raise refuse(Refused(report.REDUCE_ONLY_EMPTY))
    if outside_band(ticket, house.exchange.price(ticket.lane), _BAND):
        raise CodeError(101211, "The order price is outside the allowed range")
    if below_value(house, ticket, MIN_NOTIONAL):
        raise CodeError(
            110425,
            "Please ensure that the minimum nominal value of the order placed must be greater "
            f"than {MIN_NOTIONAL}u",
        )
    client = ticket.said["client"]
    if client and house.exchange.find(client_id=client) is not None:
        raise refuse(Refused(report.BAD_FIELD, DUPLICATE))


def chosen(house: House, params: Params, prefix: str = "") -> LocalOrder | None:
    """Return the order that a request names; raise CodeError if it names none."""
    names = ("orderId", "clientOrderId", "clientOrderID")
    if prefix:
        names = tuple(prefix + one[0].upper() + one[1:] for one in names)
    theirs, ours = params.get(names[0], ""), params.get(names[1]) or params.get(names[2], "")
    if not theirs and not ours:
        raise bad(names[0], "orderId or clientOrderId is required")
    if theirs:
        number = number_of(theirs)
        return None if number is None else house.exchange.find(number)
    return house.exchange.find(client_id=ours.lower())


# -- orders ----------------------------------------------------------------------------------------


def _placed(house: House, ticket: Ticket) -> dict[str, Any]:
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        late = placed.reason in (report.WOULD_CROSS, report.SELF_TRADE)
        if not late or ticket.tif != POST_ONLY:
            raise refuse(placed)
        placed = ended_late(house, ticket, report.CANCELED, placed.reason)
        frame = order_frame(house, placed, report.CANCELED, placed.updated)
        house.notes.setdefault("late", []).append(frame)
    return placed_form(house.exchange.instruments[ticket.lane], placed)


def place(house: House, params: Params) -> Any:
    """Place an order."""
    return {"order": _placed(house, _ticket(house, params))}


def try_place(house: House, params: Params) -> Any:
    """Check an order and forget it."""
    ticket = _ticket(house, params)
    order = LocalOrder(
        number=0, ticket=ticket, size=ticket.size, price=ticket.price, trigger=ticket.trigger
    )
    return {"order": placed_form(house.exchange.instruments[ticket.lane], order)}


def _plain(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def place_many(house: House, params: Params) -> Any:
    """Place up to five orders; only those that were taken are told."""
    try:
        items = msgspec.json.decode(params.get("batchOrders", ""), type=list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise bad("batchOrders", "must be a list of orders") from None
    if not 0 < len(items) <= _MANY_MAX:
        raise bad("batchOrders", f"must hold 1 to {_MANY_MAX} orders")
    taken: list[dict[str, Any]] = []
    first: CodeError | None = None
    for item in items:
        try:
            fields = {name: _plain(value) for name, value in item.items()}
            taken.append(_placed(house, _ticket(house, fields)))
        except CodeError as fault:
            first = first or fault
    if first is not None and not taken:
        raise first
    return {"orders": taken}


def _cancelled(house: House, order: LocalOrder | None) -> dict[str, Any]:
    if order is not None and order.state == report.FILL:
        raise CodeError(109422, "the order is already filled")
    done = Refused(report.UNKNOWN_ORDER) if order is None else house.exchange.cancel(order.number)
    if isinstance(done, Refused):
        raise refuse(done)
    return order_form(house, done)


def cancel(house: House, params: Params) -> Any:
    """Cancel an order."""
    lane_of(house, params)
    return {"order": _cancelled(house, chosen(house, params))}


def cancel_many(house: House, params: Params) -> Any:
    """Cancel up to ten orders by either id."""
    lane_of(house, params)
    done: list[Any] = []
    failed: list[Any] = []
    names = (("orderIdList", "orderId"), ("clientOrderIdList", "clientOrderId"))
    for name, field in (*names, ("clientOrderIDList", "clientOrderId")):
        try:
            ids = msgspec.json.decode(params.get(name) or "[]", type=list[Any])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise bad(name, "must be a list") from None
        for one in ids[:_CANCELS_MAX]:
            try:
                done.append(_cancelled(house, chosen(house, {field: str(one)})))
            except CodeError as fault:
                failed.append({field: one, "errorCode": fault.code, "errorMessage": fault.words})
    return {"success": done, "failed": failed or None}


def cancel_all(house: House, params: Params) -> Any:
    """Cancel all orders: of an instrument or all, of a type or all."""
    lane = None
    if params.get("symbol"):
        lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    wanted = params.get("type", "")
    chosen = [
        one
        for one in house.exchange.living.values()
        if (lane is None or one.lane == lane) and wanted in ("", one.ticket.said["type"])
    ]
    done = [house.exchange.cancel(one.number) for one in chosen]
    return {
        "success": [order_form(house, one) for one in done if isinstance(one, LocalOrder)],
        "failed": None,
    }


def dead_man(house: House, params: Params) -> Any:
    """Cancel all orders of the account in so many seconds, unless asked again."""
    least, most = _DEAD_MAN_S
    house.dead_man.pop(_ALL, None)
    if params.get("type") == "CLOSE":
        return {"triggerTime": 0, "status": "CLOSED", "note": "All orders stay"}
    seconds = whole(params, "timeOut", 0, 2**31)
    if params.get("type") != "ACTIVATE" or not least <= seconds <= most:
        raise bad("timeOut", f"must be {least} to {most}")
    house.dead_man[_ALL] = house.exchange.now + seconds * SECOND_NS
    trigger = house.now_ms + seconds * 1000
    return {"triggerTime": trigger, "status": "ACTIVATED", "note": "All orders will be cancelled"}


def amend(house: House, params: Params) -> Any:
    """Give a working order another size; its price stays."""
    lane = lane_of(house, params)
    order = chosen(house, params)
    if order is None or not order.lives:
        raise refuse(Refused(report.UNKNOWN_ORDER))
    size = steps_in(params.get("quantity", ""), lane.instrument.lots)
    if size is None or size <= order.filled:
        raise bad("quantity", "must be above what is filled, on the contract's precision")
    price = order.trigger if order.waits else order.price
    done = house.exchange.amend(order.number, size, price)
    if isinstance(done, Refused):
        raise refuse(done)
    return placed_form(lane.instrument, done)


def cancel_replace(house: House, params: Params) -> Any:
    """Cancel an order and place another; the first stops the second where that is wanted."""
    mode = params.get("cancelReplaceMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise bad("cancelReplaceMode", "must be STOP_ON_FAILURE or ALLOW_FAILURE")
    order = chosen(house, params, "cancel")
    ticket = _ticket(house, params)
    form: dict[str, Any] = {"cancelResult": "true", "cancelMsg": "", "cancelResponse": {}}
    form |= {"replaceResult": "", "replaceMsg": "", "newOrderResponse": None}
    try:
        form["cancelResponse"] = _cancelled(house, order)
    except CodeError as fault:
        form |= {"cancelResult": "false", "cancelMsg": fault.words}
        if mode == "STOP_ON_FAILURE":
            return form
    try:
        form |= {"newOrderResponse": _placed(house, ticket), "replaceResult": "true"}
    except CodeError as fault:
        form |= {"replaceResult": "false", "replaceMsg": fault.words}
    return form


def close_all(house: House, params: Params) -> Any:
    """Close all positions of a contract, or all, at the market."""
    asked = lane_of(house, params).instrument.symbol if params.get("symbol") else ""
    done = []
    for lane, one in enumerate(house.exchange.instruments):
        for leg, lots, _ in house.exchange.account.held(lane):
            if lots and asked in ("", one.symbol):
                done.append(order_id(_closed(house, lane, leg, lots)))
    return {"success": done, "failed": None}


def close_one(house: House, params: Params) -> Any:
    """Close a position by its id."""
    asked = params.get("positionId", "")
    for lane in range(len(house.exchange.instruments)):
        for leg, lots, _ in house.exchange.account.held(lane):
            if lots and str(position_id(lane, leg)) == asked:
                number = _closed(house, lane, leg, lots)
                return {"orderId": order_id(number), "positionId": asked}
    raise refuse(Refused(report.REDUCE_ONLY_EMPTY))


def _closed(house: House, lane: int, leg: int, lots: int) -> int:
    said = {"type": "MARKET", "client": "", "working": ""}
    ticket = closing_ticket(house, lane, leg, lots, said)
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        raise refuse(placed)
    return placed.number
