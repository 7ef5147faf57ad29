"""Bybit's signed side: orders, settings, and the private streams (questions: `server_questions`).

An accepted order is accepted for processing: a post-only order that would cross is answered OK and
then told as Rejected on the stream.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from aggressor.schema import report
from aggressor.schema.command import GTC, IOC, LIMIT, MARKET
from aggressor.schema.event import NO_PRICE
from aggressor.sim.local.board import Lane
from aggressor.sim.local.orders import (
    DUPLICATE,
    AccountNews,
    LocalOrder,
    PrivateNews,
    Refused,
    Ticket,
)
from aggressor.venues.bybit.server_forms import (
    LEGS,
    LEVERAGE_MAX,
    MIN_NOTIONAL,
    TIFS,
    fill_form,
    number_of,
    order_form,
    order_id,
    position_form,
    wallet_form,
)
from aggressor.venues.bybit.server_market import Params, lane_of, ours
from aggressor.venues.served.answering import (
    below_value,
    cannot_switch,
    ended_late,
    fires_at_once,
    own_id,
    steps_in,
    waiting_type,
)
from aggressor.venues.served.dialect import MS, CodeError, Frame, House

_REFUSALS = {
    report.NO_MARGIN: (110007, "ab not enough for new order"),
    report.REDUCE_ONLY_EMPTY: (
        110017,
        "current position is zero, cannot fix reduce-only order qty",
    ),
    report.TOO_MANY_ORDERS: (110020, "more than 500 active orders"),
    report.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    report.NO_BOOK: (10016, "internal server error"),
}


def refuse(refused: Refused) -> CodeError:
    """Return a refusal in Bybit's words."""
    if refused.words == DUPLICATE:
        return CodeError(110072, "OrderLinkedID is duplicate")
    return CodeError(*_REFUSALS.get(refused.reason, (10001, "params error")))


# -- what a client wrote ---------------------------------------------------------------------------


def _steps(text: Any, steps: Callable[[Decimal], int], name: str) -> int:
    found = steps_in(text, steps)
    if found is None:
        raise CodeError(10001, f"params error: {name} invalid")
    return found


def _ticket(house: House, params: Params) -> Ticket:
    lane = lane_of(house, params)
    one = lane.instrument
    side = {"Buy": 1, "Sell": -1}.get(params.get("side", ""))
    if side is None:
        raise CodeError(10001, "Side invalid")
    leg = LEGS.get(int(params.get("positionIdx", 0)), 0)
    if (leg != 0) != house.exchange.account.hedge:
        raise CodeError(10001, "position idx not match position mode")
    name = params.get("orderType")
    if name not in ("Limit", "Market"):
        raise CodeError(10001, "OrderType invalid")
    kind, tif = (LIMIT, GTC) if name == "Limit" else (MARKET, IOC)
    price = trigger = NO_PRICE
    if kind == LIMIT:
        price = _steps(params.get("price"), one.ticks, "price")
        tif = TIFS.get(params.get("timeInForce", "GTC"), GTC)
    if params.get("triggerPrice"):
        if kind == LIMIT:
            raise CodeError(10001, "conditional limit orders are not served here")
        trigger = _steps(params["triggerPrice"], one.ticks, "triggerPrice")
        kind = _conditional(lane, trigger, side, params.get("triggerDirection"))
    ours_id = str(params.get("orderLinkId", "")) or own_id(house)
    if len(ours_id) > 45:
        raise CodeError(10001, "orderLinkId too long")
    ticket = Ticket(
        lane=house.exchange.by_symbol[one.symbol],
        side=side,
        size=_steps(params.get("qty"), one.lots, "qty"),
        client_id=ours_id,
        type=kind,
        tif=tif,
        price=price,
        trigger=trigger,
        reduce_only=bool(params.get("reduceOnly", False)) or (leg != 0 and leg != side),
        leg=leg,
    )
    if below_value(house, ticket, MIN_NOTIONAL):
        raise CodeError(110094, "Order does not meet minimum order value 5USDT")
    return ticket


def _conditional(lane: Lane, trigger: int, side: int, direction: Any) -> int:
    if direction not in (1, 2, "1", "2"):
        raise CodeError(10001, "triggerDirection invalid")
    rises = int(direction) == 1
    if fires_at_once(lane, rises, trigger):
        code = 110092 if rises else 110093
        raise CodeError(code, "expect the trigger on the other side of the price")
    return waiting_type(rises, side)


def chosen(house: House, params: Params) -> LocalOrder | None:
    """Return the order that a request names by either id."""
    theirs, mine = str(params.get("orderId", "")), str(params.get("orderLinkId", ""))
    if theirs:
        number = number_of(theirs)
        return None if number is None else house.exchange.find(number)
    if not mine:
        raise CodeError(10001, "params error: orderId or orderLinkId is required")
    return house.exchange.find(client_id=mine)


# -- orders ----------------------------------------------------------------------------------------


def create(house: House, params: Params) -> Any:
    """Place an order."""
    ticket = _ticket(house, params)
    if house.exchange.find(client_id=ticket.client_id) is not None:
        raise CodeError(110072, "OrderLinkedID is duplicate")
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        if placed.reason not in (report.WOULD_CROSS, report.SELF_TRADE):
            raise refuse(placed)
        placed = _rejected(house, ticket, placed.reason)
    return _named(placed)


def _rejected(house: House, ticket: Ticket, reason: int) -> LocalOrder:
    """Return an order that is refused only after it was accepted; the stream tells it."""
    order = ended_late(house, ticket, report.REJECTED, reason)
    house.notes.setdefault("late", []).append(_frame(house, "order", [order_form(house, order)]))
    return order


def _named(order: LocalOrder) -> dict[str, str]:
    return {"orderId": order_id(order.number), "orderLinkId": order.ticket.client_id}


def amend(house: House, params: Params) -> Any:
    """Change an order's whole size and its price or trigger."""
    one = lane_of(house, params).instrument
    order = chosen(house, params)
    if order is None or not order.lives:
        raise refuse(Refused(report.UNKNOWN_ORDER))
    size = _steps(params["qty"], one.lots, "qty") if params.get("qty") else order.size
    if size <= order.filled:
        raise CodeError(110064, "order quantity less than cumExecQty")
    name = "triggerPrice" if order.waits else "price"
    price = order.trigger if order.waits else order.price
    if params.get(name):
        price = _steps(params[name], one.ticks, name)
    done = house.exchange.amend(order.number, size, price)
    if isinstance(done, Refused):
        if done.reason == report.WOULD_CROSS:
            return _named(_ended(house, order))
        raise refuse(done)
    return _named(done)


def cancel(house: House, params: Params) -> Any:
    """Cancel an order."""
    lane_of(house, params)
    order = chosen(house, params)
    if order is None:
        raise refuse(Refused(report.UNKNOWN_ORDER))
    return _named(_ended(house, order))


def _ended(house: House, order: LocalOrder) -> LocalOrder:
    done = house.exchange.cancel(order.number)
    if isinstance(done, Refused):
        raise refuse(done)
    return done


def cancel_all(house: House, params: Params) -> Any:
    """Cancel all orders of an instrument, or of the category."""
    lane = None
    if params.get("symbol"):
        lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    elif not ours(house, params):
        return {"list": [], "success": "1"}
    waiting = {"Order": False, "StopOrder": True}.get(params.get("orderFilter", ""))
    done = house.exchange.cancel_all(lane, waiting)
    return {"list": [_named(one) for one in done], "success": "1"}


class Batch(NamedTuple):
    """Answers of a batch, item by item."""

    rows: list[dict[str, Any]]
    codes: list[dict[str, Any]]


def batch(call: Callable[[House, Params], Any]) -> Callable[[House, Params], Batch]:
    """Return a handler that does each item of a batch on its own."""

    def do(house: House, params: Params) -> Batch:
        rows: list[dict[str, Any]] = []
        codes: list[dict[str, Any]] = []
        for item in params.get("request", [])[:20]:
            row = {"category": params.get("category"), "symbol": item.get("symbol", "")}
            try:
                rows.append(row | call(house, {**item, "category": params.get("category", "")}))
                codes.append({"code": 0, "msg": "OK"})
            except CodeError as fault:
                rows.append(row | {"orderId": "", "orderLinkId": item.get("orderLinkId", "")})
                codes.append({"code": fault.code, "msg": fault.words})
        return Batch(rows, codes)

    return do


# -- settings --------------------------------------------------------------------------------------


def set_leverage(house: House, params: Params) -> Any:
    """Set the leverage of an instrument; both sides are the same here."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    leverage = _steps(params.get("buyLeverage"), int, "buyLeverage")
    if leverage > LEVERAGE_MAX or params.get("buyLeverage") != params.get("sellLeverage"):
        raise CodeError(10001, "buy leverage invalid")
    if leverage == house.exchange.account.leverage[lane]:
        raise CodeError(110043, "leverage not modified")
    house.exchange.account.leverage[lane] = leverage
    return {}


def set_margin_mode(house: House, params: Params) -> Any:
    """Choose isolated or cross margin; what is isolated is carried as if it were cross."""
    mode = params.get("setMarginMode")
    if mode not in ("ISOLATED_MARGIN", "REGULAR_MARGIN"):
        raise CodeError(10001, "setMarginMode invalid")
    isolated = mode == "ISOLATED_MARGIN"
    house.exchange.account.isolated = [isolated for _ in house.exchange.instruments]
    return {"reasons": []}


def switch_mode(house: House, params: Params) -> Any:
    """Choose one position or two."""
    hedge = {0: False, 3: True, "0": False, "3": True}.get(params.get("mode", ""))
    account = house.exchange.account
    if hedge is None:
        raise CodeError(10001, "mode invalid")
    if hedge == account.hedge:
        raise CodeError(110025, "Position mode is not modified")
    why = cannot_switch(house)
    if why == report.TOO_MANY_ORDERS:
        raise CodeError(
            110028, "You have existing open orders, so position mode cannot be switched"
        )
    if why:
        raise CodeError(
            110024, "You have an existing position, so position mode cannot be switched"
        )
    account.hedge = hedge
    return {}


# -- the private streams ---------------------------------------------------------------------------


def _frame(house: House, topic: str, rows: list[Any]) -> Frame:
    house.notes["messages"] = house.notes.get("messages", 0) + 1
    number = str(house.notes["messages"])
    body = {"id": number, "topic": topic, "creationTime": house.now_ms, "data": rows}
    return Frame(topic, msgspec.json.encode(body))


def tell_private(house: House, news: PrivateNews) -> Sequence[Frame]:
    """Return the messages of the private streams."""
    if isinstance(news, AccountNews):
        rows = [position_form(house, news.lane, leg) for leg, _, _ in news.held]
        frames = [_frame(house, "position", rows), _frame(house, "wallet", [wallet_form(house)])]
        if news.paid:
            frames.insert(0, _frame(house, "execution", [_funding(house, news)]))
        return frames
    frames = []
    if news.fill is not None:
        frames.append(_frame(house, "execution", [fill_form(house, news.fill)]))
    frames.append(_frame(house, "order", [order_form(house, news.order)]))
    return frames


def _funding(house: House, news: AccountNews) -> dict[str, Any]:
    one = house.exchange.instruments[news.lane]
    lots = sum(lots for _, lots, _ in news.held)
    return {
        "category": "linear" if one.kind == "linear" else "inverse",
        "symbol": one.symbol,
        "orderId": "",
        "orderLinkId": "",
        "side": "Buy" if lots > 0 else "Sell",
        "execFee": f"{Decimal(news.paid).scaleb(-8):f}",
        "execId": f"funding-{news.ts}",
        "execPrice": "0",
        "execQty": one.size_text(abs(lots)),
        "execType": "Funding",
        "execTime": str(news.ts // MS),
        "isMaker": False,
        "feeCurrency": one.settle,
    }
