"""BingX's signed side beside placing: orders, fills, positions, money, settings, stream keys."""

from typing import Any

from aggressor.schema import report
from aggressor.sim.local.orders import Refused
from aggressor.venues.bingx.server_account import chosen, refuse
from aggressor.venues.bingx.server_forms import (
    LEVERAGE_MAX,
    MAINTENANCE,
    balance_form,
    fill_form,
    order_form,
    order_id,
    past_fill_form,
    position_form,
)
from aggressor.venues.bingx.server_market import Params, bad, lane_of, whole
from aggressor.venues.bingx.server_private import config_frame
from aggressor.venues.served.answering import busy, cannot_switch, listen_key, rate_text
from aggressor.venues.served.dialect import MS, CodeError, House

_KEY_NS = 3600 * 1_000_000_000
_SIDES = ("LONG", "SHORT", "BOTH")
_MARGINS = {"CROSSED": False, "ISOLATED": True, "SEPARATE_ISOLATED": True}
_LARGEST = "1000000000"


def _lane_number(house: House, params: Params) -> int:
    return house.exchange.by_symbol[lane_of(house, params).instrument.symbol]


def _asked(house: House, params: Params) -> int | None:
    return _lane_number(house, params) if params.get("symbol") else None


def query_order(house: House, params: Params) -> Any:
    """Answer one order, living or ended."""
    lane_of(house, params)
    order = chosen(house, params)
    if order is None:
        raise refuse(Refused(report.UNKNOWN_ORDER))
    return {"order": order_form(house, order)}


def query_open_order(house: House, params: Params) -> Any:
    """Answer one order that lives."""
    lane_of(house, params)
    order = chosen(house, params)
    if order is None or not order.lives:
        raise refuse(Refused(report.UNKNOWN_ORDER))
    return {"order": order_form(house, order)}


def open_orders(house: House, params: Params) -> Any:
    """Answer the living orders, stops among them."""
    lane, wanted = _asked(house, params), params.get("type", "")
    found = [
        one
        for one in house.exchange.living.values()
        if (lane is None or one.lane == lane) and wanted in ("", one.ticket.said["type"])
    ]
    return {"orders": [order_form(house, one) for one in found]}


def all_orders(house: House, params: Params) -> Any:
    """Answer all orders, newest first."""
    lane = _asked(house, params)
    found = [one for one in house.exchange.orders.values() if lane is None or one.lane == lane]
    if params.get("orderId", "").isdigit():
        found = [one for one in found if order_id(one.number) >= int(params["orderId"])]
    first, last = whole(params, "startTime", 0, 2**62), whole(params, "endTime", 2**62, 2**62)
    found = [one for one in found if first <= one.created // 10**6 <= last]
    most = whole(params, "limit", 500, 1000)
    return {"orders": [order_form(house, one) for one in reversed(found[-most:])]}


def _fills(house: House, params: Params) -> list[Any]:
    lane = _asked(house, params)
    first, last = whole(params, "startTs", 0, 2**62), whole(params, "endTs", 2**62, 2**62)
    if not params.get("startTs") or not params.get("endTs"):
        raise bad("startTs", "startTs and endTs are required")
    return [one for one in house.exchange.fills_of(lane, first * MS) if one.ts // MS <= last]


def fill_history(house: House, params: Params) -> Any:
    """Answer our fills, a page of them, newest first."""
    found = _fills(house, params)[::-1]
    size = whole(params, "pageSize", 50, 1000)
    begin = (whole(params, "pageIndex", 1, 10**6) - 1) * size
    rows = [fill_form(house, one) for one in found[begin : begin + size]]
    return {"fill_history_orders": rows or None, "total": len(found)}


def all_fills(house: House, params: Params) -> Any:
    """Answer our fills, newest first; sizes are base coins, a contract is one coin."""
    if params.get("tradingUnit", "COIN") not in ("COIN", "CONT"):
        raise bad("tradingUnit", "must be COIN or CONT")
    return {"fill_orders": [past_fill_form(house, one) for one in _fills(house, params)[::-1]]}


def no_orders(house: House, params: Params) -> Any:
    """Answer that nothing was liquidated."""
    return {"orders": []}


def positions(house: House, params: Params) -> Any:
    """Answer the positions that are held."""
    exchange = house.exchange
    asked = _asked(house, params)
    lanes = range(len(exchange.instruments)) if asked is None else (asked,)
    return [
        position_form(house, lane, leg)
        for lane in lanes
        for leg, lots, _ in exchange.account.held(lane)
        if lots
    ]


def balances(house: House, params: Params) -> Any:
    """Answer what the account holds."""
    return [balance_form(house, asset) for asset in house.exchange.account.wallets]


def fees(house: House, params: Params) -> Any:
    """Answer the account's fees."""
    costs = house.exchange.costs
    return {
        "commission": {
            "takerCommissionRate": float(rate_text(costs.taker_bp)),
            "makerCommissionRate": float(rate_text(costs.maker_bp)),
        }
    }


def tiers(house: House, params: Params) -> Any:
    """Answer the margin tiers: there is one."""
    return [
        {
            "tier": "Tier 1",
            "symbol": lane_of(house, params).instrument.symbol,
            "minPositionVal": "0",
            "maxPositionVal": _LARGEST,
            "maintMarginRatio": MAINTENANCE,
            "maintAmount": "0.000000",
        }
    ]


def rights(house: House, params: Params) -> Any:
    """Answer what the key may do: read and trade, never withdraw."""
    return {
        "apiKey": house.credentials.key,
        "permissions": [2, 3],
        "ipAddresses": ["127.0.0.1"],
        "note": "local",
    }


# -- settings --------------------------------------------------------------------------------------


def leverage(house: House, params: Params) -> Any:
    """Answer the leverage of a contract."""
    number = _lane_number(house, params)
    now = house.exchange.account.leverage[number]
    return {
        "symbol": params["symbol"],
        "longLeverage": now,
        "shortLeverage": now,
        "maxLongLeverage": LEVERAGE_MAX,
        "maxShortLeverage": LEVERAGE_MAX,
        "availableLongVol": "0",
        "availableShortVol": "0",
    }


def set_leverage(house: House, params: Params) -> Any:
    """Set the leverage of a contract; both sides are the same here."""
    number = _lane_number(house, params)
    if params.get("side") not in _SIDES:
        raise bad("side", "must be LONG, SHORT or BOTH")
    if (params["side"] == "BOTH") == house.exchange.account.hedge:
        raise bad("side", "does not fit the position mode")
    wanted = whole(params, "leverage", 0, 2**31)
    if not 1 <= wanted <= LEVERAGE_MAX:
        raise CodeError(101414, f"the maximum leverage is {LEVERAGE_MAX}")
    house.exchange.account.leverage[number] = wanted
    house.notes.setdefault("late", []).append(config_frame(house, number))
    return {"leverage": wanted, "symbol": params["symbol"]}


def margin_type(house: House, params: Params) -> Any:
    """Answer whether a contract's margin is isolated."""
    isolated = house.exchange.account.isolated[_lane_number(house, params)]
    return {"marginType": "ISOLATED" if isolated else "CROSSED"}


def set_margin_type(house: House, params: Params) -> Any:
    """Choose isolated or cross margin; what is isolated is carried as if it were cross."""
    number, exchange = _lane_number(house, params), house.exchange
    isolated = _MARGINS.get(params.get("marginType", ""))
    if isolated is None:
        raise bad("marginType", f"must be one of {', '.join(_MARGINS)}")
    if isolated != exchange.account.isolated[number]:
        if busy(house, number):
            raise bad("marginType", "cannot be changed with positions or open orders")
        exchange.account.isolated[number] = isolated
        house.notes.setdefault("late", []).append(config_frame(house, number))
    return {}


def position_mode(house: House, params: Params) -> Any:
    """Answer whether there are two positions."""
    return {"dualSidePosition": "true" if house.exchange.account.hedge else "false"}


def set_position_mode(house: House, params: Params) -> Any:
    """Choose one position or two."""
    hedge = {"true": True, "false": False}.get(params.get("dualSidePosition", "").lower())
    if hedge is None:
        raise bad("dualSidePosition", "must be true or false")
    if hedge != house.exchange.account.hedge:
        if cannot_switch(house) != report.NO_REASON:
            raise CodeError(104103, "there are positions or open orders")
        house.exchange.account.hedge = hedge
    return {"dualSidePosition": "true" if hedge else "false"}


# -- keys of the private stream --------------------------------------------------------------------


def new_key(house: House, params: Params) -> Any:
    """Return the account's key, a new one where there is none; it lives for an hour."""
    return {"listenKey": listen_key(house, _KEY_NS)}


def keep_key(house: House, params: Params) -> Any:
    """Let a key live for another hour; None: there is no such key."""
    key = params.get("listenKey", "")
    if house.listen_keys.get(key, 0) <= house.exchange.now:
        return None
    return {"listenKey": listen_key(house, _KEY_NS)}


def end_key(house: House, params: Params) -> Any:
    """End a key; None: there is no such key."""
    key = params.get("listenKey", "")
    if house.listen_keys.get(key, 0) <= house.exchange.now:
        return None
    house.listen_keys[key] = house.exchange.now
    return {}
