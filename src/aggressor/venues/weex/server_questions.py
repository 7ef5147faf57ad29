"""WEEX's signed side beside placing: orders, fills, positions, balances, fees, settings."""

from collections.abc import Callable, Iterable
from typing import Any

from aggressor.sim.local.orders import LocalOrder
from aggressor.venues.served.answering import busy, rate_text, steps_in
from aggressor.venues.served.dialect import MS, CodeError, House
from aggressor.venues.weex.server_forms import (
    LEVERAGE_MAX,
    algo_form,
    balance_form,
    fill_form,
    number_of,
    order_form,
    position_form,
)
from aggressor.venues.weex.server_market import Params, lane_number, lane_of, whole
from aggressor.venues.weex.server_private import ASKED

_ROWS_MAX = 100
_LATEST_MS = 2**62
_MARGINS = {"CROSSED": False, "ISOLATED": True}
_LEVERAGES = ("crossLeverage", "isolatedLongLeverage", "isolatedShortLeverage")


def query_order(house: House, params: Params) -> Any:
    """Answer one plain order, by the venue's id alone."""
    text = str(params.get("orderId", ""))
    if not text:
        raise CodeError(-1141, "Parameter 'orderId' cannot be empty.")
    number = number_of(text, algo=False)
    order = None if number is None else house.exchange.find(number)
    if order is None or (order.waits and not order.became):
        raise CodeError(-3200, "Order does not exist.")
    return order_form(house, order)


def _page(
    house: House,
    params: Params,
    orders: Iterable[LocalOrder],
    form: Callable[[House, LocalOrder], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return the orders that a request asks for, newest first."""
    lane = lane_number(house, params)
    begin, end = whole(params, "startTime", 0), whole(params, "endTime", _LATEST_MS)
    if begin > end:
        raise CodeError(-1171, "startTime cannot be greater than endTime.")
    found = [
        form(house, one)
        for one in orders
        if (lane is None or one.lane == lane) and begin <= one.created // MS <= end
    ]
    return found[::-1][: whole(params, "limit", _ROWS_MAX, _ROWS_MAX)]


def open_orders(house: House, params: Params) -> Any:
    """Answer the living plain orders."""
    return _page(house, params, house.exchange.open_orders(), order_form)


def open_algos(house: House, params: Params) -> Any:
    """Answer the orders that wait for their triggers."""
    return _page(house, params, house.exchange.open_orders(waiting=True), algo_form)


def order_history(house: House, params: Params) -> Any:
    """Answer plain orders that have ended, and what triggered ones became."""
    kept = house.exchange.orders.values()
    ended = (one for one in kept if not one.lives and (not one.waits or one.became))
    return _page(house, params, ended, order_form)


def algo_history(house: House, params: Params) -> Any:
    """Answer orders with triggers that have ended."""
    kept = house.exchange.orders.values()
    ended = (one for one in kept if one.waits and (not one.lives or one.became))
    return {"orders": _page(house, params, ended, algo_form), "hasMore": False}


def fills(house: House, params: Params) -> Any:
    """Answer our fills, newest first."""
    lane = lane_number(house, params)
    begin, end = whole(params, "startTime", 0), whole(params, "endTime", _LATEST_MS)
    rows = [
        fill_form(house, one)
        for one in house.exchange.fills_of(lane, begin * MS)
        if one.ts // MS <= end
    ]
    if params.get("orderId"):
        rows = [one for one in rows if str(one["orderId"]) == str(params["orderId"])]
    return rows[::-1][: whole(params, "limit", _ROWS_MAX, _ROWS_MAX)]


def positions(house: House, params: Params) -> Any:
    """Answer the positions that are held: of a contract, or all."""
    exchange, asked = house.exchange, lane_number(house, params)
    return [
        position_form(house, lane, leg)
        for lane in range(len(exchange.instruments))
        for leg, lots, _ in exchange.account.held(lane)
        if lots and asked in (None, lane)
    ]


def position_of_one(house: House, params: Params) -> Any:
    """Answer the positions of a contract that must be named."""
    lane_of(house, params)
    return positions(house, params)


def balances(house: House, params: Params) -> Any:
    """Answer what the account holds."""
    house.notes[ASKED] = True
    return [balance_form(house, asset) for asset in house.exchange.account.wallets]


def account_config(house: House, params: Params) -> Any:
    """Answer what the account may do."""
    return {
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": True,
        "updateTime": house.now_ms,
    }


def fees(house: House, params: Params) -> Any:
    """Answer the account's fees of a contract."""
    costs = house.exchange.costs
    return {
        "symbol": lane_of(house, params).instrument.symbol,
        "makerCommissionRate": rate_text(costs.maker_bp),
        "takerCommissionRate": rate_text(costs.taker_bp),
    }


# -- settings --------------------------------------------------------------------------------------


def _config(house: House, lane: int) -> dict[str, Any]:
    account = house.exchange.account
    leverage = str(account.leverage[lane])
    return {
        "symbol": house.exchange.instruments[lane].symbol,
        "marginType": "ISOLATED" if account.isolated[lane] else "CROSSED",
        "separatedType": "SEPARATED",
        **dict.fromkeys(_LEVERAGES, leverage),
    }


def symbol_config(house: House, params: Params) -> Any:
    """Answer margin type and leverage: of a contract, or all."""
    asked = lane_number(house, params)
    lanes = range(len(house.exchange.instruments))
    return [_config(house, lane) for lane in lanes if asked in (None, lane)]


def set_leverage(house: House, params: Params) -> Any:
    """Set the leverage of a contract; one number holds for both positions and margins here."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    said = {params[name] for name in _LEVERAGES if params.get(name)}
    if len(said) != 1:
        raise CodeError(-1128, "One leverage for both positions is needed here.")
    leverage = steps_in(said.pop(), int)
    if leverage is None:
        raise CodeError(-1142, "Parameter 'leverage' is invalid.")
    if leverage > LEVERAGE_MAX:
        raise CodeError(-3313, "Leverage exceeds maximum limit.")
    house.exchange.account.leverage[lane] = leverage
    return _config(house, lane)


def set_margin_type(house: House, params: Params) -> Any:
    """Choose isolated or cross margin; what is isolated is carried as if it were cross."""
    lane, exchange = (
        house.exchange.by_symbol[lane_of(house, params).instrument.symbol],
        house.exchange,
    )
    isolated = _MARGINS.get(str(params.get("marginType", "")))
    if isolated is None:
        raise CodeError(-1142, "Parameter 'marginType' is invalid.")
    if isolated != exchange.account.isolated[lane]:
        if busy(house, lane):
            raise CodeError(-1054, "FAILED_PRECONDITION: there are positions or open orders")
        exchange.account.isolated[lane] = isolated
    return {"code": "200", "msg": "success", "requestTime": house.now_ms}
