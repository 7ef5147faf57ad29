"""Binance's signed side: orders, fills, positions, balances, fees and rights that are asked for."""

from typing import Any

from aggressor.venues.binance.server_forms import (
    LEVERAGE_MAX,
    MAINTENANCE,
    ORDER_BASE,
    algo_form,
    asset_form,
    fill_form,
    order_form,
    position_form,
)
from aggressor.venues.binance.server_market import Params, lane_of, whole
from aggressor.venues.binance.server_orders import chosen
from aggressor.venues.served.answering import rate_text
from aggressor.venues.served.dialect import MS, CodeError, House


def lane_number(house: House, params: Params) -> int | None:
    """Return the instrument that is asked for, None for all; raise CodeError."""
    if not params.get("symbol"):
        return None
    return house.exchange.by_symbol[lane_of(house, params).instrument.symbol]


def query_order(house: House, params: Params) -> Any:
    """Answer one plain order."""
    lane_of(house, params)
    order = chosen(house, params, algo=False)
    if order is None:
        raise CodeError(-2013, "Order does not exist.")
    return order_form(house, order, asked=True)


def query_open_order(house: House, params: Params) -> Any:
    """Answer one plain order if it lives."""
    order = chosen(house, params, algo=False)
    if order is None or not order.lives:
        raise CodeError(-2013, "Order does not exist.")
    return order_form(house, order, asked=True)


def query_algo(house: House, params: Params) -> Any:
    """Answer one order with a trigger."""
    order = chosen(house, params, algo=True)
    if order is None:
        raise CodeError(-2013, "Order does not exist.")
    return algo_form(house, order)


def open_orders(house: House, params: Params) -> Any:
    """Answer the living plain orders."""
    found = house.exchange.open_orders(lane_number(house, params))
    return [order_form(house, one, asked=True) for one in found]


def open_algos(house: House, params: Params) -> Any:
    """Answer the living orders with a trigger."""
    found = house.exchange.open_orders(lane_number(house, params), waiting=True)
    return [algo_form(house, one) for one in found]


def all_orders(house: House, params: Params) -> Any:
    """Answer the last plain orders, those that triggered ones became among them."""
    lane = lane_number(house, params)
    found = [
        one
        for one in house.exchange.orders.values()
        if one.lane == lane and (not one.waits or one.became) and one.number not in house.hidden
    ]
    kept = found[-whole(params, "limit", 500, 1, 1000) :]
    return [order_form(house, one, asked=True) for one in kept]


def all_algos(house: House, params: Params) -> Any:
    """Answer the last orders with a trigger."""
    lane = lane_number(house, params)
    found = [one for one in house.exchange.orders.values() if one.waits and one.lane == lane]
    return [algo_form(house, one) for one in found[-whole(params, "limit", 500, 1, 1000) :]]


def user_trades(house: House, params: Params) -> Any:
    """Answer our fills, oldest first."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    since = whole(params, "startTime", 0) * MS
    first = whole(params, "fromId", 0)
    fills = [one for one in house.exchange.fills_of(lane, since) if one.number >= first]
    limit = whole(params, "limit", 500, 1, 1000)
    if params.get("orderId", "").isdigit():
        order = house.exchange.find(int(params["orderId"]) - ORDER_BASE)
        fills = [one for one in fills if order is not None and one.order == order.number]
    forward = first or since
    return [fill_form(house, one) for one in (fills[:limit] if forward else fills[-limit:])]


def positions(house: House, params: Params) -> Any:
    """Answer positions; those of v3 only where there is one, or an order."""
    exchange = house.exchange
    asked = lane_number(house, params)
    lanes = range(len(exchange.instruments)) if asked is None else (asked,)
    forms = []
    for lane in lanes:
        busy = exchange.account.net(lane) or exchange.open_orders(lane)
        for leg, lots, _ in exchange.account.held(lane):
            if busy or lots:
                forms.append(position_form(house, lane, leg))
    return forms


def balances(house: House, params: Params) -> Any:
    """Answer what is held."""
    return [asset_form(house, asset) for asset in house.exchange.account.wallets]


def account(house: House, params: Params) -> Any:
    """Answer balances and positions."""
    exchange = house.exchange
    assets = balances(house, params)
    every = [
        position_form(house, lane, leg)
        for lane in range(len(exchange.instruments))
        for leg, _, _ in exchange.account.held(lane)
    ]
    first = assets[0]
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "totalInitialMargin": first["initialMargin"],
        "totalMaintMargin": "0",
        "totalWalletBalance": first["walletBalance"],
        "totalUnrealizedProfit": first["unrealizedProfit"],
        "totalMarginBalance": first["marginBalance"],
        "totalCrossWalletBalance": first["walletBalance"],
        "availableBalance": first["availableBalance"],
        "maxWithdrawAmount": first["availableBalance"],
        "assets": assets,
        "positions": every,
    }


def brackets(house: House, params: Params) -> Any:
    """Answer margin tiers: there is one."""
    linear = house.exchange.instruments[0].kind == "linear"
    cap = (
        {"notionalCap": 50_000_000, "notionalFloor": 0}
        if linear
        else {"qtyCap": 50_000, "qtyFloor": 0}
    )
    tier = {"bracket": 1, "initialLeverage": LEVERAGE_MAX, "maintMarginRatio": float(MAINTENANCE)}
    forms = [
        {"symbol": one.symbol, "notionalCoef": 1.0, "brackets": [tier | cap | {"cum": 0.0}]}
        for one in house.exchange.instruments
    ]
    asked = lane_number(house, params)
    return forms if asked is None else forms[asked]


def fees(house: House, params: Params) -> Any:
    """Answer the account's fees."""
    costs = house.exchange.costs
    return {
        "symbol": lane_of(house, params).instrument.symbol,
        "makerCommissionRate": rate_text(costs.maker_bp),
        "takerCommissionRate": rate_text(costs.taker_bp),
    }


def rights(house: House, params: Params) -> Any:
    """Answer what the key may do."""
    return {
        "ipRestrict": True,
        "createTime": 1623840271000,
        "enableReading": True,
        "enableFutures": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
    }
