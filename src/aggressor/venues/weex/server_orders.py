"""WEEX's signed side: orders, with and without triggers.

Every order names the position it is for: on its side it opens, on the other it reduces. There is no
amendment and no batch of new orders. Where the venue's refusals are not known: too little margin, a
client id that was used before and a busy system are -1054, told apart by words; a position too
small is `success` false; a post-only order that would cross is taken and cancelled on the stream.
"""

import re
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
from aggressor.venues.served.answering import (
    closing_ticket,
    ended_late,
    fires_at_once,
    outside_band,
    steps_in,
)
from aggressor.venues.served.dialect import CodeError, House
from aggressor.venues.weex.server_forms import (
    BAND,
    LARGEST_SIZE,
    LEGS,
    TIFS,
    algo_id,
    number_of,
    order_id,
    position_id,
)
from aggressor.venues.weex.server_market import Params, lane_number, lane_of
from aggressor.venues.weex.server_private import order_frame

_CLIENT_ID = re.compile(r"[A-Za-z0-9.:/_-]{1,36}")
_TYPES = {"LIMIT": LIMIT, "MARKET": MARKET}
_ALGOS = {"STOP_MARKET": STOP_MARKET, "TAKE_PROFIT_MARKET": TAKE_PROFIT_MARKET}
_ATTACHED = ("tpTriggerPrice", "slTriggerPrice", "presetTakeProfitPrice", "presetStopLossPrice")
_NOT_FOUND = "FAILED_ORDER_NOT_FOUND"
_SYSTEM = -1054

_REFUSALS = {
    report.NO_MARGIN: (_SYSTEM, "FAILED_PRECONDITION: available amount not enough"),
    report.TOO_MANY_ORDERS: (_SYSTEM, "FAILED_PRECONDITION: too many open orders"),
    report.NO_BOOK: (_SYSTEM, "System error, please retry later."),
}


class RefusalError(Exception):
    """An order or cancel that is answered, with `success` false."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def _refuse(refused: Refused) -> Exception:
    """Return a refusal in WEEX's words."""
    if refused.words == DUPLICATE:
        return CodeError(_SYSTEM, "FAILED_PRECONDITION: duplicate client order id")
    if refused.reason == report.REDUCE_ONLY_EMPTY:
        return RefusalError(str(_SYSTEM), "FAILED_PRECONDITION: position size exceeded")
    if refused.reason == report.UNKNOWN_ORDER:
        return RefusalError(_NOT_FOUND, _NOT_FOUND)
    return CodeError(*_REFUSALS.get(refused.reason, (-1142, "Parameter is invalid.")))


# -- what a client wrote ---------------------------------------------------------------------------


def _named(params: Params, name: str) -> str:
    text = str(params.get(name, ""))
    if not text:
        raise CodeError(-1141, f"Parameter '{name}' cannot be empty.")
    return text


def _ticks(lane: Lane, params: Params, name: str) -> int:
    ticks = steps_in(_named(params, name), lane.instrument.ticks)
    if ticks is None:
        raise CodeError(-1160, f"Decimal precision error: {name}.")
    return ticks


def _ticket(house: House, params: Params, kinds: dict[str, int], id_name: str) -> Ticket:
    """Read an order; raise CodeError."""
    lane = lane_of(house, params)
    one = lane.instrument
    side = {"BUY": 1, "SELL": -1}.get(_named(params, "side"))
    leg = LEGS.get(_named(params, "positionSide"))
    if side is None or leg is None:
        raise CodeError(-1117, "Invalid side.")
    name = _named(params, "type")
    kind = kinds.get(name)
    if kind is None:
        raise CodeError(-1116, f"Invalid order type: {name}.")
    if any(params.get(field) for field in _ATTACHED):
        raise CodeError(-1128, "Orders with attached stops are not served here.")
    price = trigger = NO_PRICE
    tif = IOC if kind == MARKET else GTC
    if kind == LIMIT:
        price = _ticks(lane, params, "price")
        chosen = TIFS.get(str(params.get("timeInForce") or "GTC"))
        if chosen is None:
            raise CodeError(-1115, "Invalid timeInForce.")
        tif = chosen
    elif kind != MARKET:
        trigger = _ticks(lane, params, "triggerPrice")
        if fires_at_once(lane, (side > 0) == (kind == STOP_MARKET), trigger):
            raise CodeError(-1142, "Parameter 'triggerPrice' is invalid: it is reached already.")
    client = _named(params, id_name)
    if not _CLIENT_ID.fullmatch(client):
        raise CodeError(-1180, "client_oid length must not exceed 36, without special characters.")
    ticket = Ticket(
        lane=house.exchange.by_symbol[one.symbol], side=side, size=_size(lane, params),
        client_id=client, type=kind, tif=tif, price=price, trigger=trigger,
        reduce_only=side != leg, leg=leg, said={"type": name},
    )  # fmt: skip
    if outside_band(ticket, house.exchange.price(ticket.lane), BAND):
        raise CodeError(-1142, "Parameter 'price' is outside of the allowed range.")
    if house.exchange.find(client_id=client) is not None:
        raise _refuse(Refused(report.BAD_FIELD, DUPLICATE))
    return ticket


def _size(lane: Lane, params: Params) -> int:
    lots = steps_in(_named(params, "quantity"), lane.instrument.lots)
    if lots is None:
        raise CodeError(-1160, "Decimal precision error: quantity.")
    if lots * lane.instrument.lot > LARGEST_SIZE:
        raise CodeError(-3007, "Maximum contract order quantity exceeded.")
    return lots


def _chosen(house: House, params: Params, *, algo: bool) -> LocalOrder | None:
    """Return the order that a request names; raise CodeError if it names none."""
    theirs = str(params.get("orderId") or (algo and params.get("algoId")) or "")
    ours = str(params.get("origClientOrderId") or (algo and params.get("clientAlgoId")) or "")
    if not theirs and not ours:
        raise CodeError(-1141, "Parameter 'orderId' cannot be empty.")
    if theirs:
        number = number_of(theirs, algo=algo)
        found = None if number is None else house.exchange.find(number)
    else:
        found = house.exchange.find(client_id=ours)
    if found is None:
        return None
    return found if found.waits == algo or (found.became and not algo) else None


# -- orders ----------------------------------------------------------------------------------------


def _result(number: int, client: str, name: str, why: RefusalError | None = None) -> dict[str, Any]:
    return {
        "orderId": str(number),
        name: client,
        "success": why is None,
        "errorCode": "" if why is None else why.code,
        "errorMessage": "" if why is None else why.words,
    }


def _placed(house: House, ticket: Ticket) -> LocalOrder:
    """Place an order; raise CodeError or RefusalError."""
    placed = house.exchange.place(ticket)
    if isinstance(placed, LocalOrder):
        return placed
    late = placed.reason in (report.WOULD_CROSS, report.SELF_TRADE)
    if not late or ticket.tif != POST_ONLY:
        raise _refuse(placed)
    ended = ended_late(house, ticket, report.CANCELED, placed.reason)
    house.notes.setdefault("late", []).append(order_frame(house, ended))
    return ended


def place(house: House, params: Params) -> Any:
    """Place a plain order."""
    ticket = _ticket(house, params, _TYPES, "newClientOrderId")
    try:
        return _result(order_id(_placed(house, ticket)), ticket.client_id, "clientOrderId")
    except RefusalError as why:
        return _result(0, ticket.client_id, "clientOrderId", why)


def place_algo(house: House, params: Params) -> Any:
    """Place an order with a trigger."""
    ticket = _ticket(house, params, _ALGOS, "clientAlgoId")
    try:
        placed = _placed(house, ticket)
    except RefusalError as why:
        return _result(0, ticket.client_id, "clientAlgoId", why)
    return _result(algo_id(placed), ticket.client_id, "clientAlgoId")


def no_batch(house: House, params: Params) -> Any:
    """Refuse a batch: the venue has none."""
    raise CodeError(-1150, "Request method 'POST' not supported")


def _cancelled(house: House, params: Params, *, algo: bool) -> dict[str, Any]:
    order = _chosen(house, params, algo=algo)
    done = Refused(report.UNKNOWN_ORDER) if order is None else house.exchange.cancel(order.number)
    named = str(params.get("orderId") or params.get("algoId") or "0")
    client = str(params.get("origClientOrderId") or params.get("clientAlgoId") or "")
    if isinstance(done, Refused):
        why = RefusalError(_NOT_FOUND, _NOT_FOUND)
        return _result(int(named) if named.isdigit() else 0, client, "origClientOrderId", why)
    number = algo_id(done) if algo else order_id(done)
    return _result(number, done.ticket.client_id, "origClientOrderId")


def cancel(house: House, params: Params) -> Any:
    """Cancel a plain order by either id."""
    return _cancelled(house, params, algo=False)


def cancel_algo(house: House, params: Params) -> Any:
    """Cancel an order with a trigger by either id."""
    return _cancelled(house, params, algo=True)


def cancel_many(house: House, params: Params) -> Any:
    """Cancel orders by either id, each answered on its own."""
    answers = []
    names = (("orderIdList", "orderId"), ("origClientOrderIdList", "origClientOrderId"))
    for name, field in names:
        try:
            ids = msgspec.convert(params.get(name) or [], list[int | str])
        except msgspec.ValidationError:
            raise CodeError(-1142, f"Parameter '{name}' is invalid.") from None
        answers += [_cancelled(house, {field: str(one)}, algo=False) for one in ids]
    return {"orderList": answers}


def _cancel_all(house: House, params: Params, *, algo: bool) -> Any:
    done = house.exchange.cancel_all(lane_number(house, params), waiting=algo)
    return [
        _result(algo_id(one) if algo else order_id(one), one.ticket.client_id, "origClientOrderId")
        for one in done
    ]


def cancel_all(house: House, params: Params) -> Any:
    """Cancel every plain order of a contract, or of all."""
    return _cancel_all(house, params, algo=False)


def cancel_all_algo(house: House, params: Params) -> Any:
    """Cancel every order with a trigger of a contract, or of all."""
    return _cancel_all(house, params, algo=True)


def close_positions(house: House, params: Params) -> Any:
    """Close positions at the market: of a contract, by id, or all."""
    asked, wanted = lane_number(house, params), str(params.get("positionId", ""))
    answers = []
    for lane in range(len(house.exchange.instruments)):
        for leg, lots, _ in house.exchange.account.held(lane):
            number = position_id(lane, leg)
            if not lots or asked not in (None, lane) or wanted not in ("", str(number)):
                continue
            ticket = closing_ticket(house, lane, leg, lots, {"type": "MARKET"})
            placed = house.exchange.place(ticket)
            good = isinstance(placed, LocalOrder)
            answers.append(
                {
                    "positionId": number,
                    "success": good,
                    "successOrderId": order_id(placed) if isinstance(placed, LocalOrder) else 0,
                    "errorMessage": "" if good else "FAILED_PRECONDITION",
                }
            )
    return answers
