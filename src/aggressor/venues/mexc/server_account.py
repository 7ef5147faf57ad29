"""MEXC's questions about orders, fills, positions and money, and the account's settings."""

from collections.abc import Callable
from typing import Any

from aggressor.schema.command import IOC, MARKET
from aggressor.sim.local.orders import LocalOrder, Ticket
from aggressor.venues.mexc.server_forms import (
    CROSS,
    HEDGED,
    ISOLATED,
    LEVERAGE_MAX,
    NETTING,
    asset_form,
    fill_form,
    find_plain,
    order_form,
    position_form,
    position_id,
    raw,
    state,
)
from aggressor.venues.mexc.server_market import Params, done, lane_of, number_in, page
from aggressor.venues.mexc.server_orders import (
    MANY_MAX,
    NOT_THERE,
    enter,
    lane_named,
    named_external,
    whole,
)
from aggressor.venues.served.answering import cannot_switch, own_id, rate_text
from aggressor.venues.served.dialect import MS, CodeError, House, Reply

# -- questions -------------------------------------------------------------------------------------


def _newest(house: House, params: Params, keep: Callable[[LocalOrder], bool]) -> list[Any]:
    """Return a page of plain orders and those born of triggers, the newest first."""
    found = [
        one
        for one in reversed(house.exchange.orders.values())
        if (one.became or not one.waits) and keep(one)
    ]
    return [order_form(house, one) for one in page(params, found)]


def get_order(house: House, params: Params) -> Any:
    """Answer one order."""
    found = find_plain(house, params.get("order_id"))
    if found is None:
        raise CodeError(*NOT_THERE)
    return order_form(house, found)


def get_external(house: House, params: Params) -> Any:
    """Answer one order by the client's id."""
    found = named_external(house, params)
    if found is None:
        raise CodeError(*NOT_THERE)
    return order_form(house, found)


def get_many(house: House, params: Params) -> Any:
    """Answer up to 50 orders."""
    ids = [one for one in str(params.get("order_ids", "")).split(",") if one]
    if len(ids) > MANY_MAX:
        raise CodeError(2034, "The number of orders exceeds the limit")
    found = (find_plain(house, one) for one in ids)
    return [order_form(house, one) for one in found if one is not None]


def open_orders(house: House, params: Params) -> Any:
    """Answer the living orders."""
    lane = lane_named(house, params)
    return _newest(house, params, lambda one: one.lives and lane in (None, one.lane))


def history_orders(house: House, params: Params) -> Any:
    """Answer orders in the states that are asked for; else those that have ended."""
    lane = lane_named(house, params)
    states = {int(one) for one in str(params.get("states", "")).split(",") if one.isdigit()}
    wanted = states or {3, 4, 5}
    return _newest(house, params, lambda one: state(one) in wanted and lane in (None, one.lane))


def open_count(house: House, params: Params) -> Any:
    """Answer how many orders live."""
    plain = len(house.exchange.open_orders())
    waiting = len(house.exchange.open_orders(waiting=True))
    return {
        "sumCount": plain + waiting,
        "limitOrderCount": plain,
        "stopOrderCount": 0,
        "planOrderCount": waiting,
        "trackOrderCount": 0,
    }


def order_deals(house: House, params: Params) -> Any:
    """Answer our fills, newest first."""
    lane = lane_named(house, params)
    since = number_in(params, "start_time", 0, 1 << 50) * MS
    until = number_in(params, "end_time", 1 << 50, 1 << 50) * MS
    fills = [one for one in house.exchange.fills_of(lane, since) if one.ts // MS <= until // MS]
    return [fill_form(house, one) for one in page(params, fills[::-1])]


def deal_details(house: House, params: Params) -> Any:
    """Answer the fills of one order."""
    found = find_plain(house, params.get("order_id"))
    if found is None:
        raise CodeError(*NOT_THERE)
    return [fill_form(house, one) for one in house.exchange.fills if one.order == found.number]


def positions(house: House, params: Params) -> Any:
    """Answer the open positions."""
    lane = lane_named(house, params)
    return [
        position_form(house, k, leg, 1 if lots > 0 else 2)
        for k in range(len(house.exchange.instruments))
        if lane in (None, k)
        for leg, lots, _ in house.exchange.account.held(k)
        if lots
    ]


def close_all(house: House, params: Params) -> Any:
    """Close every position at the market."""
    exchange = house.exchange
    for k in range(len(exchange.instruments)):
        for leg, lots, _ in exchange.account.held(k):
            if not lots:
                continue
            closes = 4 if lots > 0 else 2
            said = {"side": str(closes), "type": "5", "open": str(CROSS)}
            ticket = Ticket(
                lane=k,
                side=-1 if lots > 0 else 1,
                size=abs(lots),
                client_id=own_id(house),
                type=MARKET,
                tif=IOC,
                reduce_only=True,
                leg=leg,
                said=said,
            )
            enter(house, ticket)
    return []


def assets(house: House, params: Params) -> Any:
    """Answer what is held of every currency."""
    return [asset_form(house, one) for one in house.exchange.account.wallets]


def asset(house: House, params: Params) -> Any:
    """Answer what is held of one currency."""
    name = str(params.get("currency", ""))
    if name not in house.exchange.account.wallets:
        raise CodeError(4001, "Currency is not supported")
    return asset_form(house, name)


def fee_rate(house: House, params: Params) -> Any:
    """Answer the account's fees."""
    costs = house.exchange.costs
    maker, taker = raw(rate_text(costs.maker_bp)), raw(rate_text(costs.taker_bp))
    return {
        "level": 0,
        "dealAmount": 0,
        "walletBalance": 0,
        "makerFee": maker,
        "takerFee": taker,
        "realMakerFee": maker,
        "realTakerFee": taker,
        "makerFeeDiscount": 1,
        "takerFeeDiscount": 1,
    }


def funding_records(house: House, params: Params) -> Any:
    """Answer what was paid or received as funding, newest first; received is above 0."""
    lane = lane_named(house, params)
    paid = [one for one in house.notes.get("paid", ()) if lane in (None, one["lane"])]
    rows = [{name: one[name] for name in one if name != "lane"} for one in reversed(paid)]
    size = number_in(params, "page_size", 20, 100)
    return {
        "pageSize": size,
        "totalCount": len(rows),
        "totalPage": -(-len(rows) // size),
        "currentPage": number_in(params, "page_num", 1, 1 << 30),
        "resultList": page(params, rows),
    }


# -- settings --------------------------------------------------------------------------------------


def leverage(house: House, params: Params) -> Any:
    """Answer the leverage of the long and of the short, which are the same here."""
    number = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    account = house.exchange.account
    return [
        {
            "positionType": kind,
            "openType": ISOLATED if account.isolated[number] else CROSS,
            "level": 1,
            "imr": 0.002,
            "mmr": 0.001,
            "leverage": account.leverage[number],
        }
        for kind in (1, 2)
    ]


def change_leverage(house: House, params: Params) -> Reply:
    """Set the leverage of an instrument, of both legs, by a position or by its name."""
    wanted = whole(params, "leverage")
    if wanted is None or wanted > LEVERAGE_MAX:
        raise CodeError(2006, "Leverage ratio error")
    account = house.exchange.account
    if params.get("positionId"):
        lanes = range(len(house.exchange.instruments))
        chosen = [k for k in lanes for kind in (1, 2) if _names(params, k, kind)]
        if not chosen:
            raise CodeError(2009, "Position is nonexistent or closed")
        account.leverage[chosen[0]] = wanted
        return done()
    account.leverage[house.exchange.by_symbol[lane_of(house, params).instrument.symbol]] = wanted
    return done()


def _names(params: Params, lane: int, kind: int) -> bool:
    return whole(params, "positionId") == position_id(lane, kind)


def position_mode(house: House, params: Params) -> Any:
    """Answer whether the account holds longs and shorts apart."""
    return HEDGED if house.exchange.account.hedge else NETTING


def change_mode(house: House, params: Params) -> Reply:
    """Choose one position or two."""
    mode = whole(params, "positionMode")
    if mode not in (HEDGED, NETTING):
        raise CodeError(2022, "Position type error")
    hedge = mode == HEDGED
    if hedge != house.exchange.account.hedge and cannot_switch(house):
        raise CodeError(2019, "There are open orders or positions")
    house.exchange.account.hedge = hedge
    return done()
