"""Binance's signed side: orders placed, amended and cancelled, one and many, stops too.

What the matching says becomes Binance's codes; what a client wrote is checked in Binance's order:
what is missing, then the grid, then the value, then the margin.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.command import FOK, GTC, IOC, LIMIT, MARKET, POST_ONLY
from aggressor.schema.errors import UnitError
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import grid_of
from aggressor.sim.local.orders import DUPLICATE, LocalOrder, Refused, Ticket
from aggressor.venues.binance.server_forms import (
    ALGO_BASE,
    LEGS,
    MIN_NOTIONAL,
    ORDER_BASE,
    STOPS,
    TIFS,
    TYPES,
    algo_form,
    order_form,
)
from aggressor.venues.binance.server_market import Params, lane_of, missing, whole
from aggressor.venues.served.answering import below_value, fires_at_once, outside_band, own_id
from aggressor.venues.served.dialect import MS, CodeError, House

_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_BAND = Fraction(5, 100)

_WORDS = {
    report.NO_MARGIN: (-2019, "Margin is insufficient."),
    report.REDUCE_ONLY_EMPTY: (-2022, "ReduceOnly Order is rejected."),
    report.WOULD_CROSS: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    report.SELF_TRADE: (-5022, "The Post Only order would meet an order of this account."),
    report.TOO_MANY_ORDERS: (-2025, "Reach max open order limit."),
    report.NO_BOOK: (-1008, "Server is currently overloaded with other requests."),
    report.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    report.BAD_FIELD: (-1102, "A mandatory parameter was malformed."),
}


def refuse(refused: Refused) -> CodeError:
    """Return a refusal in Binance's words."""
    if refused.words == DUPLICATE:
        return CodeError(-4116, "ClientOrderId is duplicated.")
    code, words = _WORDS.get(refused.reason, (-2010, "NEW_ORDER_REJECTED"))
    return CodeError(code, words, 503 if code == -1008 else 400)


# -- what a client wrote ---------------------------------------------------------------------------


def _ticks(one: Instrument, params: Params, name: str) -> int:
    text = params.get(name, "")
    if not text:
        raise missing(name)
    number = _number(text, name)
    if number <= 0:
        raise CodeError(-4001, "Price less than 0.")
    if -int(number.normalize().as_tuple().exponent) > grid_of(one.tick).digits:
        raise CodeError(-1111, "Precision is over the maximum defined for this asset.")
    try:
        return one.ticks(number)
    except UnitError:
        raise CodeError(-4014, "Price not increased by tick size.") from None


def _lots(one: Instrument, params: Params) -> int:
    text = params.get("quantity", "")
    if not text:
        raise missing("quantity")
    number = _number(text, "quantity")
    if number <= 0:
        raise CodeError(-4003, "Quantity less than or equal to zero.")
    if -int(number.normalize().as_tuple().exponent) > grid_of(one.lot).digits:
        raise CodeError(-1111, "Precision is over the maximum defined for this asset.")
    try:
        lots = one.lots(number)
    except UnitError:
        raise CodeError(-4023, "Qty not increased by step size.") from None
    if lots > 1_000_000_000:
        raise CodeError(-4005, "Quantity greater than max quantity.")
    return lots


def _number(text: str, name: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite():
        raise missing(name)
    return number


def _side(params: Params) -> int:
    side = {"BUY": 1, "SELL": -1}.get(params.get("side", ""))
    if side is None:
        raise missing("side") if not params.get("side") else CodeError(-1117, "Invalid side.")
    return side


def _leg(house: House, params: Params) -> int:
    name = params.get("positionSide", "BOTH")
    leg = LEGS.get(name)
    if leg is None or (leg != 0) != house.exchange.account.hedge:
        raise CodeError(-4061, "Order's position side does not match user's setting.")
    return leg


def _ticket(house: House, params: Params, kinds: dict[str, int], id_name: str) -> Ticket:
    """Read an order; raise CodeError."""
    lane = lane_of(house, params)
    one = lane.instrument
    number = house.exchange.by_symbol[one.symbol]
    side, leg = _side(params), _leg(house, params)
    name = params.get("type", "")
    if not name:
        raise missing("type")
    kind = kinds.get(name)
    if kind is None:
        if name in STOPS or name in ("STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET"):
            raise CodeError(
                -4120,
                "Order type not supported for this endpoint. Please use the Algo "
                "Order API endpoints instead.",
            )
        raise CodeError(-1116, "Invalid orderType.")
    ours = params.get(id_name) or own_id(house)
    if not _CLIENT_ID.fullmatch(ours):
        raise CodeError(-4015, "Client order id is not valid.")
    reduces = params.get("reduceOnly", "false").lower() == "true"
    if reduces and leg:
        raise CodeError(-1106, "Parameter 'reduceonly' sent when not required.")
    size, price, trigger, tif = _lots(one, params), NO_PRICE, NO_PRICE, GTC
    if kind == LIMIT:
        price = _ticks(one, params, "price")
        tif = _tif(params)
    elif kind == MARKET:
        tif = IOC
    else:
        trigger = _ticks(one, params, "triggerPrice")
    closes = bool(leg) and (side > 0) != (leg > 0)
    ticket = Ticket(
        lane=number, side=side, size=size, client_id=ours, type=kind, tif=tif, price=price,
        trigger=trigger, reduce_only=reduces or closes, leg=leg,
    )  # fmt: skip
    _check_value(house, ticket)
    return ticket


def _tif(params: Params) -> int:
    if not params.get("timeInForce"):
        raise missing("timeInForce")
    tif = TIFS.get(params["timeInForce"])
    if tif is None:
        raise CodeError(-1115, "Invalid timeInForce.")
    return tif


def _check_value(house: House, ticket: Ticket) -> None:
    """Hold an order against the smallest value and the band of prices."""
    fair = house.exchange.price(ticket.lane)
    if outside_band(ticket, fair, _BAND):
        if ticket.side > 0:
            raise CodeError(-4016, "Limit price can't be higher than the band allows.")
        raise CodeError(-4024, "Limit price can't be lower than the band allows.")
    if below_value(house, ticket, MIN_NOTIONAL):
        raise CodeError(
            -4164,
            f"Order's notional must be no smaller than {MIN_NOTIONAL} (unless you choose reduce "
            "only).",
        )


# -- orders ----------------------------------------------------------------------------------------


def place(house: House, params: Params) -> Any:
    """Place a plain order; raise CodeError."""
    ticket = _ticket(house, params, TYPES, "newClientOrderId")
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        raise refuse(placed)
    if ticket.tif == FOK and placed.state == report.EXPIRED:
        house.hidden &= house.exchange.orders.keys()  # what is forgotten need not be hidden
        house.hidden.add(placed.number)
        raise CodeError(
            -5021,
            "Due to the order could not be filled immediately, the FOK order has "
            "been rejected. The order will not be recorded in the order history",
        )
    form = order_form(house, placed)
    if params.get("newOrderRespType", "ACK") == "ACK" and ticket.type == MARKET:
        form |= {"status": "NEW", "executedQty": "0", "cumQty": "0"}
    return form


def try_place(house: House, params: Params) -> Any:
    """Check an order and forget it."""
    _ticket(house, params, TYPES, "newClientOrderId")
    return {}


def place_algo(house: House, params: Params) -> Any:
    """Place an order with a trigger; raise CodeError."""
    if params.get("algoType") != "CONDITIONAL":
        raise missing("algoType")
    ticket = _ticket(house, params, STOPS, "clientAlgoId")
    rises = (ticket.side > 0) == (ticket.type == STOPS["STOP_MARKET"])
    if fires_at_once(house.exchange.board.lanes[ticket.lane], rises, ticket.trigger):
        raise CodeError(-2021, "Order would immediately trigger.")
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        raise refuse(placed)
    return algo_form(house, placed)


def chosen(house: House, params: Params, *, algo: bool) -> LocalOrder | None:
    """Return the order that a request names; raise CodeError if it names none."""
    names = ("algoId", "clientAlgoId") if algo else ("orderId", "origClientOrderId")
    theirs, ours = params.get(names[0], ""), params.get(names[1], "")
    if not theirs and not ours:
        raise missing(names[0])
    found = None
    if theirs.isdigit():
        found = house.exchange.find(int(theirs) - (ALGO_BASE if algo else ORDER_BASE))
    if found is None and ours:
        found = house.exchange.find(client_id=ours)
    if found is None or found.number in house.hidden:
        return None
    return found if found.waits == algo or (found.became and not algo) else None


def cancel(house: House, params: Params) -> Any:
    """Cancel a plain order; raise CodeError."""
    lane_of(house, params)
    return order_form(house, _cancelled(house, chosen(house, params, algo=False)))


def cancel_algo(house: House, params: Params) -> Any:
    """Cancel an order with a trigger; raise CodeError."""
    done = _cancelled(house, chosen(house, params, algo=True))
    return {
        "algoId": ALGO_BASE + done.number,
        "clientAlgoId": done.ticket.client_id,
        "code": "200",
        "msg": "success",
    }


def _cancelled(house: House, order: LocalOrder | None) -> LocalOrder:
    done = Refused(report.UNKNOWN_ORDER) if order is None else house.exchange.cancel(order.number)
    if isinstance(done, Refused):
        raise refuse(done)
    return done


def amend(house: House, params: Params) -> Any:
    """Give a limit order a new size and price; raise CodeError."""
    lane = lane_of(house, params)
    order = chosen(house, params, algo=False)
    if order is None or not order.lives:
        raise CodeError(-2013, "Order does not exist.")
    if order.ticket.type != LIMIT:
        raise CodeError(-5025, "Only limit order is supported.")
    size, price = _lots(lane.instrument, params), _ticks(lane.instrument, params, "price")
    if _side(params) != order.ticket.side:
        raise CodeError(-1117, "Invalid side.")
    if (size, price) == (order.size, order.price):
        raise CodeError(-5027, "No need to modify the order.")
    done = house.exchange.amend(order.number, size, price)
    if isinstance(done, Refused):
        if done.reason == report.WOULD_CROSS and order.ticket.tif == POST_ONLY:
            return order_form(house, _cancelled(house, order))  # as the venue does
        raise refuse(done)
    return order_form(house, done)


def cancel_all(house: House, params: Params) -> Any:
    """Cancel every plain order of an instrument."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    house.exchange.cancel_all(lane, waiting=False)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def cancel_all_algo(house: House, params: Params) -> Any:
    """Cancel every order with a trigger of an instrument."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    house.exchange.cancel_all(lane, waiting=True)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def _each(
    house: House, params: Params, name: str, call: Callable[[House, Params], Any], most: int
) -> Any:
    """Do the items of a batch, each answered on its own."""
    try:
        items = msgspec.json.decode(params.get(name, ""), type=list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise missing(name) from None
    if not 0 < len(items) <= most:
        raise CodeError(-4082, "Invalid number of batch orders.")
    answers = []
    for item in items:
        try:
            answers.append(call(house, {key: _plain(value) for key, value in item.items()}))
        except CodeError as fault:
            answers.append({"code": fault.code, "msg": fault.words})
    return answers


def _plain(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def place_many(house: House, params: Params) -> Any:
    """Place up to five orders."""
    return _each(house, params, "batchOrders", place, 5)


def amend_many(house: House, params: Params) -> Any:
    """Amend up to five orders."""
    return _each(house, params, "batchOrders", amend, 5)


def cancel_many(house: House, params: Params) -> Any:
    """Cancel up to ten orders by either id."""
    lower = {name.lower(): value for name, value in params.items()}
    answers = []
    for name, field in (("orderidlist", "orderId"), ("origclientorderidlist", "origClientOrderId")):
        for item in msgspec.json.decode(lower.get(name, "[]"), type=list[Any])[:10]:
            try:
                one = {"symbol": params.get("symbol", ""), field: _plain(item)}
                answers.append(cancel(house, one))
            except CodeError as fault:
                answers.append({"code": fault.code, "msg": fault.words})
    return answers


def count_down(house: House, params: Params) -> Any:
    """Cancel all in so many ms unless asked again; 0: never."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    after = whole(params, "countdownTime", -1)
    if after < 0:
        raise missing("countdownTime")
    house.dead_man.pop(lane, None)
    if after:
        house.dead_man[lane] = house.exchange.now + after * MS
    return {"symbol": params["symbol"], "countdownTime": str(after)}
