"""MEXC's orders with a trigger: plan orders, and take-profit and stop-loss of a position.

Both wait at the venue and turn into market orders at the last price; other kinds of price and limit
orders behind a trigger are refused. A plan lives for 24 hours or 7 days. A take-profit and a
stop-loss that were placed together end together.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.command import IOC, STOP_MARKET, TAKE_PROFIT_MARKET
from aggressor.sim.local.orders import LocalOrder, Refused, Ticket
from aggressor.venues.mexc.server_forms import (
    CROSS,
    MARKET_TYPES,
    PLAN_HOURS,
    PLANS_MAX,
    find_plan,
    order_id,
    plan_form,
    plan_id,
    plan_state,
    position_id,
    raw,
)
from aggressor.venues.mexc.server_market import Params, done, lane_of, number_in, page
from aggressor.venues.mexc.server_orders import (
    MANY_MAX,
    direction,
    lane_named,
    open_type,
    refuse,
    size_in,
    whole,
)
from aggressor.venues.served.answering import fires_at_once, own_id, steps_in, waiting_type
from aggressor.venues.served.dialect import MS, CodeError, House, Reply

_LATEST = 1
_HOUR_NS = 3_600_000_000_000
_STOP_BASE = 357_000_000
_PAIRS_KEPT = 1000
_MARKET = "5"


class Pair(msgspec.Struct):
    """A take-profit and a stop-loss of one position; 0 for the one that is not set."""

    id: int
    lane: int
    kind: int  # 1 of the long, 2 of the short
    loss: int  # numbers of the orders
    profit: int


def _trigger(house: House, params: Params, name: str, lane: int) -> int:
    one = house.exchange.instruments[lane]
    trigger = steps_in(params.get(name), one.ticks)
    if trigger is None:
        raise CodeError(3004, "Trigger price error")
    return trigger


def _waiting(house: House) -> None:
    if len(house.exchange.open_orders(waiting=True)) >= PLANS_MAX:
        raise refuse(Refused(report.TOO_MANY_ORDERS))


def _enter(house: House, ticket: Ticket) -> LocalOrder:
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        raise refuse(placed)
    return placed


# -- plan orders -----------------------------------------------------------------------------------


def place(house: House, params: Params) -> Any:
    """Place a plan order; answer its id."""
    lane = lane_of(house, params)
    number = house.exchange.by_symbol[lane.instrument.symbol]
    side, leg, reduces = direction(house, params)
    if whole(params, "orderType") not in MARKET_TYPES:
        raise CodeError(2029, "Only market orders are served behind a trigger here")
    if whole(params, "trend") != _LATEST:
        raise CodeError(3001, "Only the latest price triggers here")
    rises = {1: True, 2: False}.get(whole(params, "triggerType") or 0)
    if rises is None:
        raise CodeError(3002, "Trigger type error")
    cycle = whole(params, "executeCycle")
    if cycle not in PLAN_HOURS:
        raise CodeError(3003, "Execution cycle error")
    trigger = _trigger(house, params, "triggerPrice", number)
    if fires_at_once(lane, rises, trigger):
        raise CodeError(3004, "Trigger price error")
    _waiting(house)
    said = {
        "side": str(whole(params, "side")),
        "type": _MARKET,
        "open": str(open_type(house, number, params)),
        "cycle": str(cycle),
    }
    ticket = Ticket(
        lane=number,
        side=side,
        size=size_in(lane, params),
        client_id=own_id(house),
        type=waiting_type(rises, side),
        tif=IOC,
        trigger=trigger,
        reduce_only=reduces,
        leg=leg,
        said=said,
    )
    return plan_id(_enter(house, ticket))


def _listed(params: Params) -> list[dict[str, Any]]:
    items = params.get("", [])
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise CodeError(600, "Parameter error!")
    if not items or len(items) > MANY_MAX:
        raise CodeError(2013, "The number of orders exceeds the limit")
    return items


def cancel(house: House, params: Params) -> Reply:
    """Cancel up to 50 plan orders; refused as a whole where one is not there or ended."""
    found = [find_plan(house, one.get("orderId")) for one in _listed(params)]
    living = [one for one in found if one is not None and one.lives and not one.became]
    if len(living) < len(found):
        raise CodeError(2040 if None in found else 2041, "The plan order cannot be cancelled")
    for one in living:
        house.exchange.cancel(one.number)
    return done()


def cancel_all(house: House, params: Params) -> Reply:
    """Cancel the plan orders of an instrument, or of all."""
    lane = lane_named(house, params)
    for one in house.exchange.open_orders(lane, waiting=True):
        if "pair" not in one.ticket.said:
            house.exchange.cancel(one.number)
    return done()


def change(house: House, params: Params) -> Reply:
    """Give a plan order another trigger price."""
    order = find_plan(house, params.get("orderId"))
    if order is None or not order.lives:
        raise CodeError(2040, "order not exist")
    return _moved(house, order, _trigger(house, params, "triggerPrice", order.lane))


def _moved(house: House, order: LocalOrder, trigger: int) -> Reply:
    rises = (order.ticket.side > 0) == (order.ticket.type == STOP_MARKET)
    if fires_at_once(house.exchange.board.lanes[order.lane], rises, trigger):
        raise CodeError(3004, "Trigger price error")
    moved = house.exchange.amend(order.number, order.size, trigger)
    if isinstance(moved, Refused):
        raise refuse(moved)
    return done()


def plans(house: House, params: Params) -> Any:
    """Answer plan orders in the states that are asked for, the newest first."""
    lane = lane_named(house, params)
    states = {int(one) for one in str(params.get("states", "")).split(",") if one.isdigit()}
    start = number_in(params, "start_time", 0, 1 << 50) * MS
    end = number_in(params, "end_time", 1 << 50, 1 << 50) * MS
    found = [
        one
        for one in reversed(house.exchange.orders.values())
        if one.waits and "pair" not in one.ticket.said
        if lane in (None, one.lane) and start <= one.created <= end
        if not states or plan_state(one) in states
    ]
    return [plan_form(house, one) for one in page(params, found)]


def lapse(house: House) -> None:
    """End the plan orders whose time is over."""
    now = house.exchange.now
    for one in house.exchange.open_orders(waiting=True):
        hours = PLAN_HOURS.get(int(one.ticket.said.get("cycle", 0)))
        if hours is not None and now - one.created >= hours * _HOUR_NS and not one.became:
            house.exchange.cancel(one.number)


# -- take-profit and stop-loss of a position -------------------------------------------------------


def _pairs(house: House) -> dict[int, Pair]:
    return house.notes.setdefault("pairs", {})


def _position(house: House, params: Params) -> tuple[int, int, int]:
    """Return instrument, leg and kind of the position that is named; raise CodeError."""
    wanted = whole(params, "positionId")
    for k in range(len(house.exchange.instruments)):
        for leg, lots, _ in house.exchange.account.held(k):
            kind = 1 if lots > 0 else 2
            if lots and position_id(k, kind) == wanted:
                return k, leg, kind
    raise CodeError(2009, "Position is nonexistent or closed")


def place_pair(house: House, params: Params) -> Any:
    """Place a take-profit, a stop-loss or both for a position; answer their one id."""
    lane, leg, kind = _position(house, params)
    size = size_in(house.exchange.board.lanes[lane], params)
    if size > abs(house.exchange.account.positions[lane][leg].lots):
        raise CodeError(2008, "Position insufficient")
    prices = {
        name: _trigger(house, params, name, lane)
        for name in ("stopLossPrice", "takeProfitPrice")
        if params.get(name) not in (None, 0, "0", "")
    }
    if not prices:
        raise CodeError(5001, "Take-profit and stop-loss price are missing")
    for name in ("lossTrend", "profitTrend"):
        if whole(params, name) not in (None, _LATEST):
            raise CodeError(3001, "Only the latest price triggers here")
    _waiting(house)
    side = -1 if kind == 1 else 1
    types = {"stopLossPrice": STOP_MARKET, "takeProfitPrice": TAKE_PROFIT_MARKET}
    for name, trigger in prices.items():
        rises = (side > 0) == (types[name] == STOP_MARKET)
        if fires_at_once(house.exchange.board.lanes[lane], rises, trigger):
            raise CodeError(5002, "The trigger price is on the wrong side of the price")
    pair = _new_pair(house, lane, kind)
    for name, trigger in prices.items():
        said = {"side": str(4 if kind == 1 else 2), "type": _MARKET, "open": str(CROSS)}
        ticket = Ticket(
            lane=lane,
            side=side,
            size=size,
            client_id=own_id(house),
            type=types[name],
            tif=IOC,
            trigger=trigger,
            reduce_only=True,
            leg=leg,
            said=said | {"pair": str(pair.id)},
        )
        number = _enter(house, ticket).number
        if name == "stopLossPrice":
            pair.loss = number
        else:
            pair.profit = number
    return pair.id


def _new_pair(house: House, lane: int, kind: int) -> Pair:
    """Return one more pair; forget those of which neither order is remembered any more."""
    kept = _pairs(house)
    pair = Pair(max(kept, default=_STOP_BASE) + 1, lane, kind, 0, 0)
    if len(kept) >= _PAIRS_KEPT:
        for one in [one for one in kept.values() if not _orders(house, one)]:
            del kept[one.id]
    kept[pair.id] = pair
    return pair


def _orders(house: House, pair: Pair) -> list[LocalOrder]:
    found = (house.exchange.find(number) for number in (pair.loss, pair.profit) if number)
    return [one for one in found if one is not None]


def end_pair(house: House, order: LocalOrder) -> None:
    """End the other half of a pair, one of which has triggered or ended."""
    pair = _pairs(house).get(int(order.ticket.said.get("pair", 0)))
    if pair is None or (order.lives and not order.became):
        return
    for one in _orders(house, pair):
        if one.lives and not one.became and one.number != order.number:
            house.exchange.cancel(one.number)


def pair_form(house: House, pair: Pair) -> dict[str, Any]:
    """Return a take-profit and stop-loss order."""
    one = house.exchange.instruments[pair.lane]
    orders = _orders(house, pair)
    fired = next((x for x in orders if x.became), None)
    living = any(x.lives for x in orders) and fired is None
    by_number = {x.number: x for x in orders}
    prices = {
        name: raw(one.price_text(by_number[number].trigger)) if number in by_number else 0
        for name, number in (("stopLossPrice", pair.loss), ("takeProfitPrice", pair.profit))
    }
    size = raw(one.size_text(orders[0].size)) if orders else 0
    side = 0 if fired is None else (2 if fired.number == pair.loss else 1)
    return {
        "id": pair.id,
        "orderId": 0,
        "symbol": one.symbol,
        "positionId": str(position_id(pair.lane, pair.kind)),
        "lossTrend": 1,
        "profitTrend": 1,
        **prices,
        "state": 1 if living else (3 if fired else 2),
        "triggerSide": side,
        "positionType": pair.kind,
        "vol": size,
        "realityVol": 0 if fired is None else raw(one.size_text(fired.filled)),
        "placeOrderId": 0 if fired is None else order_id(fired),
        "errorCode": 0,
        "version": 1,
        "isFinished": 0 if living else 1,
        "priceProtect": 0,
        "createTime": orders[0].created // MS if orders else 0,
        "updateTime": max((x.updated for x in orders), default=0) // MS,
    }


def pair_of(house: House, order: LocalOrder) -> dict[str, Any] | None:
    """Return the form of the pair that an order belongs to."""
    pair = _pairs(house).get(int(order.ticket.said.get("pair", 0)))
    return None if pair is None else pair_form(house, pair)


def _cancel_pairs(house: House, keep: Callable[[Pair], bool]) -> None:
    for pair in _pairs(house).values():
        if keep(pair):
            for one in _orders(house, pair):
                if one.lives and not one.became:
                    house.exchange.cancel(one.number)


def cancel_pairs(house: House, params: Params) -> Reply:
    """Cancel up to 50 take-profit and stop-loss orders."""
    ids = [whole(one, "stopPlanOrderId") for one in _listed(params)]
    if any(one not in _pairs(house) for one in ids):
        raise CodeError(2040, "order not exist")
    _cancel_pairs(house, lambda pair: pair.id in ids)
    return done()


def cancel_all_pairs(house: House, params: Params) -> Reply:
    """Cancel those of a position, of an instrument, or all."""
    lane, wanted = lane_named(house, params), whole(params, "positionId")
    _cancel_pairs(
        house,
        lambda pair: (
            lane in (None, pair.lane) and wanted in (None, position_id(pair.lane, pair.kind))
        ),
    )
    return done()


def change_pair(house: House, params: Params) -> Reply:
    """Give a take-profit or stop-loss another price."""
    pair = _pairs(house).get(whole(params, "stopPlanOrderId") or 0)
    if pair is None:
        raise CodeError(2040, "order not exist")
    for name, number in (("stopLossPrice", pair.loss), ("takeProfitPrice", pair.profit)):
        order = house.exchange.find(number) if number else None
        if params.get(name) and order is not None and order.lives:
            _moved(house, order, _trigger(house, params, name, pair.lane))
    return done()


def pairs(house: House, params: Params) -> Any:
    """Answer take-profit and stop-loss orders, the newest first."""
    lane = lane_named(house, params)
    finished = {"0": 0, "1": 1}.get(str(params.get("is_finished", "")))
    forms = [pair_form(house, one) for one in reversed(_pairs(house).values())]
    symbol = None if lane is None else house.exchange.instruments[lane].symbol
    rows = [
        one
        for one in forms
        if symbol in (None, one["symbol"]) and finished in (None, one["isFinished"])
    ]
    return page(params, rows)


def open_pairs(house: House, params: Params) -> Any:
    """Answer those that wait."""
    return pairs(house, {**params, "is_finished": "0", "page_size": "100"})
