"""MEXC's plain orders: placed, replaced, cancelled.

What a client wrote is checked, then the matching decides. A post-only order that would cross is
accepted and told as invalid (5) on the stream. An `externalOid` that was used before answers the id
of that order and places nothing: so the venue documents it for batches; for a single order, where
it is silent, the same is done.
"""

from fractions import Fraction
from typing import Any

from aggressor.schema import report
from aggressor.schema.command import IOC, LIMIT, MARKET
from aggressor.schema.event import NO_PRICE
from aggressor.sim.local.board import Lane
from aggressor.sim.local.orders import LocalOrder, Refused, Ticket
from aggressor.venues.mexc.server_forms import (
    BAND,
    CROSS,
    HEDGED,
    ISOLATED,
    LEVERAGE_MAX,
    LIMIT_TYPES,
    MARKET_TYPES,
    NETTING,
    ORDERS_MAX,
    SIDES,
    VOL_MAX,
    find_plain,
    order_id,
)
from aggressor.venues.mexc.server_market import Params, done, lane_of
from aggressor.venues.served.answering import ended_late, own_id, steps_in
from aggressor.venues.served.dialect import CodeError, House, Reply

MANY_MAX = 50
_OID_MAX = 32
NOT_THERE, _TOO_LATE = (2040, "order not exist"), (2041, "order state cannot be cancelled")
_REFUSALS = {
    report.NO_MARGIN: (2005, "Balance insufficient"),
    report.REDUCE_ONLY_EMPTY: (2009, "Position is nonexistent or closed"),
    report.TOO_MANY_ORDERS: (2036, "The number of orders exceeds the maximum limit"),
    report.UNKNOWN_ORDER: NOT_THERE,
    report.NO_BOOK: (500, "Internal error"),
}


def refuse(refused: Refused) -> CodeError:
    """Return a refusal in MEXC's words."""
    return CodeError(*_REFUSALS.get(refused.reason, (600, "Parameter error!")))


# -- what a client wrote ---------------------------------------------------------------------------


def whole(params: Params, name: str) -> int | None:
    """Return a whole number, also where it is written as 3.0 or "3"; None if it is none."""
    return steps_in(params.get(name), int)


def direction(house: House, params: Params) -> tuple[int, int, bool]:
    """Return side, leg and whether it only reduces; raise CodeError."""
    known = SIDES.get(whole(params, "side") or 0)
    if known is None:
        raise CodeError(2001, "Order side error")
    side, leg = known
    closes = side != leg
    hedge = house.exchange.account.hedge
    mode = whole(params, "positionMode")
    if mode is not None and mode != (HEDGED if hedge else NETTING):
        raise CodeError(2022, "Position type error")
    if hedge:
        return side, leg, closes
    return side, 0, closes or bool(params.get("reduceOnly"))


def size_in(lane: Lane, params: Params) -> int:
    """Return the lots of an order; raise CodeError."""
    lots = steps_in(params.get("vol"), lane.instrument.lots)
    if lots is None:
        raise CodeError(2011, "Order quantity error")
    if lots > VOL_MAX:
        raise CodeError(2028, "The order quantity exceeds the maximum")
    return lots


def open_type(house: House, number: int, params: Params) -> int:
    """Return isolated or cross, as the position already is; raise CodeError."""
    account = house.exchange.account
    chosen = whole(params, "openType")
    if chosen not in (ISOLATED, CROSS):
        raise CodeError(2002, "Opening type error")
    isolated = chosen == ISOLATED
    leverage = whole(params, "leverage") or account.leverage[number]
    if isolated and not (params.get("leverage") and leverage <= LEVERAGE_MAX):
        raise CodeError(2006, "Leverage ratio error")
    busy = any(one.lane == number for one in house.exchange.living.values())
    if account.net(number) or busy:
        if isolated != account.isolated[number]:
            raise CodeError(2027, "Only one of cross and isolated is possible at a time")
    elif isolated:
        account.leverage[number] = leverage
    account.isolated[number] = isolated
    return chosen


def _price(house: House, lane: Lane, params: Params, side: int) -> int:
    """Return the ticks of a limit price within the band; raise CodeError."""
    one = lane.instrument
    price = steps_in(params.get("price"), one.ticks)
    if price is None:
        written = steps_in(params.get("price"), lambda number: int(number * 10**12))
        raise CodeError(*((2015, "Price precision error") if written else (2007, "Price error")))
    fair = house.exchange.price(house.exchange.by_symbol[one.symbol])
    if fair is not None and side > 0 and price > Fraction(fair) * (1 + BAND):
        raise CodeError(2003, "The price of buy order exceeds the limit")
    if fair is not None and side < 0 and price < Fraction(fair) * (1 - BAND):
        raise CodeError(2004, "The price of sell order is below the limit")
    return price


def _ticket(house: House, params: Params) -> Ticket:
    lane = lane_of(house, params)
    number = house.exchange.by_symbol[lane.instrument.symbol]
    side, leg, reduces = direction(house, params)
    name = whole(params, "type") or 0
    if name not in LIMIT_TYPES and name not in MARKET_TYPES:
        raise CodeError(2029, "Order type error")
    if params.get("stopLossPrice") or params.get("takeProfitPrice"):
        raise CodeError(5003, "Attached take-profit and stop-loss are not served here")
    limit = name in LIMIT_TYPES
    oid = str(params.get("externalOid") or "") or own_id(house)
    if len(oid) > _OID_MAX:
        raise CodeError(2030, "The external order id is too long")
    if len(house.exchange.open_orders(number)) >= ORDERS_MAX:
        raise refuse(Refused(report.TOO_MANY_ORDERS))
    price = _price(house, lane, params, side) if limit else NO_PRICE
    opened = open_type(house, number, params)
    return Ticket(
        lane=number,
        side=side,
        size=size_in(lane, params),
        client_id=oid,
        type=LIMIT if limit else MARKET,
        tif=LIMIT_TYPES.get(name, IOC),
        price=price,
        reduce_only=reduces,
        leg=leg,
        said={
            "side": str(whole(params, "side")),
            "type": str(name),
            "open": str(opened),
        },
    )


# -- orders ----------------------------------------------------------------------------------------


def _placed(house: House, params: Params) -> LocalOrder:
    oid = str(params.get("externalOid") or "")
    before = house.exchange.find(client_id=oid) if oid else None
    if before is not None:
        return before
    return enter(house, _ticket(house, params))


def enter(house: House, ticket: Ticket) -> LocalOrder:
    """Place an order; one that would cross though it must not is told as invalid later on."""
    placed = house.exchange.place(ticket)
    if not isinstance(placed, Refused):
        return placed
    if placed.reason not in (report.WOULD_CROSS, report.SELF_TRADE):
        raise refuse(placed)
    order = ended_late(house, ticket, report.REJECTED, placed.reason)
    house.notes.setdefault("late", []).append(order)
    return order


def create(house: House, params: Params) -> Any:
    """Place an order."""
    return {"orderId": order_id(_placed(house, params)), "ts": house.now_ms}


def submit(house: House, params: Params) -> Any:
    """Place an order, as the older call answers."""
    return order_id(_placed(house, params))


def _each(params: Params, most_code: int) -> list[Any]:
    """Return the items of a body that is a list; raise CodeError."""
    items = params.get("", [])
    if not isinstance(items, list) or not items:
        raise CodeError(600, "Parameter error!")
    if len(items) > MANY_MAX:
        raise CodeError(most_code, "The number of orders exceeds the limit")
    return items


def submit_batch(house: House, params: Params) -> Any:
    """Place up to 50 orders, each on its own."""
    rows = []
    for item in _each(params, 2014):
        row: dict[str, Any] = {"externalOid": item.get("externalOid", "")}
        try:
            placed = order_id(_placed(house, item))
            rows.append(row | {"orderId": placed, "errorCode": 0, "errorMsg": "success"})
        except CodeError as fault:
            row |= {"orderId": 0, "errorCode": fault.code, "errorMsg": fault.words}
            rows.append(row)
    return rows


def _ended(house: House, order: LocalOrder | None, theirs: Any = 0) -> dict[str, Any]:
    """Cancel an order; return what became of it."""
    shown = theirs if order is None else order_id(order)
    why = (0, "success")
    if order is None:
        why = NOT_THERE
    elif not order.lives or isinstance(house.exchange.cancel(order.number), Refused):
        why = _TOO_LATE
    return {"orderId": shown, "errorCode": why[0], "errorMsg": why[1]}


def cancel(house: House, params: Params) -> Any:
    """Cancel up to 50 orders by the venue's ids."""
    return [_ended(house, find_plain(house, one), one) for one in _each(params, 2013)]


def named_external(house: House, params: Params) -> LocalOrder | None:
    """Return the order that a client's id names; raise CodeError."""
    number = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    found = house.exchange.find(client_id=str(params.get("externalOid", "")))
    return found if found is not None and found.lane == number else None


def cancel_external(house: House, params: Params) -> Any:
    """Cancel by the client's id: one, or a list as documented too."""
    if isinstance(params.get(""), list):
        return cancel_many_external(house, params)
    return _ended(house, named_external(house, params))


def cancel_many_external(house: House, params: Params) -> Any:
    """Cancel up to 50 orders by the client's ids."""
    return [_ended(house, named_external(house, one)) for one in _each(params, 2013)]


def lane_named(house: House, params: Params) -> int | None:
    """Return the instrument that a request may name, None for all; raise CodeError."""
    if not params.get("symbol"):
        return None
    return house.exchange.by_symbol[lane_of(house, params).instrument.symbol]


def cancel_all(house: House, params: Params) -> Reply:
    """Cancel the plain orders of an instrument, or of all."""
    house.exchange.cancel_all(lane_named(house, params), waiting=False)
    return done()


def _replaced(house: House, order: LocalOrder | None, price: int, size: int) -> Any:
    """Cancel an order and place another in its stead: answer the new id."""
    if order is None or order.ticket.type != LIMIT:
        raise CodeError(*NOT_THERE)
    if isinstance(house.exchange.cancel(order.number), Refused):
        raise CodeError(*_TOO_LATE)
    before = order.ticket
    ticket = Ticket(
        lane=before.lane,
        side=before.side,
        size=size,
        client_id=before.client_id,
        type=LIMIT,
        tif=before.tif,
        price=price,
        reduce_only=before.reduce_only,
        leg=before.leg,
        said=before.said,
    )
    return order_id(enter(house, ticket))


def change_limit(house: House, params: Params) -> Any:
    """Give a limit order another price and quantity: a new order, the old one ends."""
    order = find_plain(house, params.get("orderId"))
    if order is None:
        raise CodeError(*NOT_THERE)
    lane = house.exchange.board.lanes[order.lane]
    price = _price(house, lane, params, order.ticket.side)
    return _replaced(house, order, price, size_in(lane, params))


def chase_limit(house: House, params: Params) -> Any:
    """Move a limit order to the best price of its side."""
    order = find_plain(house, params.get("orderId"))
    if order is None:
        raise CodeError(*NOT_THERE)
    lane = house.exchange.board.lanes[order.lane]
    best = lane.levels(order.ticket.side, 1)
    return _replaced(house, order, best[0][0] if best else order.price, order.leaves)
