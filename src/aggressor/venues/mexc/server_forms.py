"""How MEXC writes contracts, orders, fills, positions and money: the venue's side.

Numbers stand bare, digit for digit as they are here; sizes are numbers of contracts. An order with
a trigger has an id of its own, and the order it turns into another.
"""

from fractions import Fraction
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.command import FOK, GTC, IOC, POST_ONLY, STOP_MARKET
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument, money_text
from aggressor.schema.units import grid_of
from aggressor.sim.costs import Costs
from aggressor.sim.local.orders import LocalFill, LocalOrder
from aggressor.venues.served.answering import money_of, rate_text
from aggressor.venues.served.dialect import MS, House

LIMIT_TYPES = {1: GTC, 2: POST_ONLY, 3: IOC, 4: FOK}
MARKET_TYPES = (5, 6)
SIDES = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1)}  # -> side, leg of a hedged account
ISOLATED, CROSS = 1, 2
HEDGED, NETTING = 1, 2
LEVERAGE_MAX = 500
VOL_MAX = 1_000_000_000
BAND = Fraction(1, 10)  # of the fair price: bidLimitPriceRate, askLimitPriceRate
ORDERS_MAX, PLANS_MAX = 200, 50

_ORDER_BASE = 739_000_000_000_000_000
_PLAN_BASE = 265_000_000_000_000_000
_DEAL_BASE = 9_000_000_000
_POSITION_BASE = 1_397_000
_WAITS, _CANCELLED, _EXECUTED, _FAILED = 1, 2, 3, 5
PLAN_HOURS = {1: 24, 2: 168}
_REASONS = {report.NO_MARGIN: 2, report.REDUCE_ONLY_EMPTY: 3}


def raw(text: str) -> msgspec.Raw:
    """Return a number as it is to stand in JSON."""
    return msgspec.Raw(text.encode())


def money(amount: int) -> msgspec.Raw:
    """Return an amount of 1e-8 as a bare number."""
    return raw(money_text(amount))


def price_of(one: Instrument, ticks: Fraction) -> msgspec.Raw:
    """Return a price in ticks, on the grid or not, with 8 decimals at most."""
    return raw(money_of(ticks * Fraction(one.tick)))


def order_id(order: LocalOrder) -> str:
    """Return the id of a plain order, or of what one with a trigger became."""
    return str(_ORDER_BASE + (order.became or order.number))


def plan_id(order: LocalOrder) -> str:
    """Return the id of an order with a trigger."""
    return str(_PLAN_BASE + order.number)


def find_plain(house: House, theirs: Any) -> LocalOrder | None:
    """Return the plain order, or the one born of a trigger, that an id names."""
    found = _find(house, theirs, _ORDER_BASE)
    return found if found is not None and order_id(found) == str(theirs) and _told(found) else None


def find_plan(house: House, theirs: Any) -> LocalOrder | None:
    """Return the order with a trigger that an id names."""
    found = _find(house, theirs, _PLAN_BASE)
    return found if found is not None and found.waits and "pair" not in found.ticket.said else None


def _find(house: House, theirs: Any, base: int) -> LocalOrder | None:
    text = str(theirs)
    return house.exchange.find(int(text) - base) if text.isdigit() else None


def _told(order: LocalOrder) -> bool:
    return not order.waits or bool(order.became)


def position_id(lane: int, kind: int) -> int:
    """Return the id of a long (1) or short (2) of an instrument."""
    return _POSITION_BASE + 2 * lane + kind


def side_of(order: LocalOrder) -> int:
    """Return the side as it was said: 1 open long, 2 close short, 3 open short, 4 close long."""
    return int(order.ticket.said["side"])


def state(order: LocalOrder) -> int:
    """Return how a plain order stands."""
    if order.lives:
        return 2
    return {report.FILL: 3, report.REJECTED: 5}.get(order.state, 4)


def plan_state(order: LocalOrder) -> int:
    """Return how an order with a trigger stands."""
    if order.became:
        return _EXECUTED
    if order.lives:
        return _WAITS
    return _CANCELLED if order.state == report.CANCELED else _FAILED


def _fees(house: House, order: LocalOrder) -> tuple[int, int, int]:
    """Return what an order paid as taker and as maker, and what it earned."""
    fills = [one for one in house.exchange.fills if one.order == order.number]
    maker = sum(one.fee for one in fills if one.maker)
    return sum(one.fee for one in fills) - maker, maker, sum(one.realised for one in fills)


def order_form(house: House, order: LocalOrder) -> dict[str, Any]:
    """Return a plain order."""
    exchange = house.exchange
    one, ticket = exchange.instruments[order.lane], order.ticket
    average = Fraction(order.paid, order.filled) if order.filled else Fraction(0)
    asked = average if order.price == NO_PRICE else Fraction(order.price)
    taker, maker, earned = _fees(house, order)
    left = one.notional(asked, order.leaves) / exchange.account.leverage[order.lane]
    price = price_of(one, asked)
    return {
        "orderId": order_id(order),
        "symbol": one.symbol,
        "positionId": position_id(order.lane, position_kind(order)) if order.filled else 0,
        "price": price,
        "priceStr": bytes(price).decode(),
        "vol": raw(one.size_text(order.size)),
        "leverage": exchange.account.leverage[order.lane],
        "side": side_of(order),
        "category": 1,
        "orderType": int(ticket.said["type"]),
        "dealAvgPrice": price_of(one, average),
        "dealVol": raw(one.size_text(order.filled)),
        "orderMargin": money(0 if ticket.reduce_only else round(left)),
        "takerFee": money(taker),
        "makerFee": money(maker),
        "profit": money(earned),
        "feeCurrency": one.settle,
        "openType": int(ticket.said["open"]),
        "state": state(order),
        "externalOid": ticket.client_id,
        "errorCode": 0 if order.lives else _REASONS.get(order.reason, 0),
        "usedMargin": 0,
        "createTime": order.created // MS,
        "updateTime": order.updated // MS,
        "positionMode": HEDGED if ticket.leg else NETTING,
        "reduceOnly": ticket.reduce_only,
        "stopLossPrice": 0,
        "takeProfitPrice": 0,
    }


def position_kind(order: LocalOrder) -> int:
    """Return which position an order is about: 1 the long, 2 the short."""
    return 1 if side_of(order) in (1, 4) else 2


def plan_form(house: House, order: LocalOrder) -> dict[str, Any]:
    """Return an order with a trigger."""
    one, ticket = house.exchange.instruments[order.lane], order.ticket
    rises = (ticket.side > 0) == (ticket.type == STOP_MARKET)
    form = {
        "id": plan_id(order),
        "symbol": one.symbol,
        "leverage": house.exchange.account.leverage[order.lane],
        "side": side_of(order),
        "triggerPrice": raw(one.price_text(order.trigger)),
        "price": 0,
        "vol": raw(one.size_text(order.size)),
        "openType": int(ticket.said["open"]),
        "triggerType": 1 if rises else 2,
        "state": plan_state(order),
        "executeCycle": PLAN_HOURS[int(ticket.said["cycle"])],
        "trend": 1,
        "orderType": int(ticket.said["type"]),
        "errorCode": 0 if order.lives else _REASONS.get(order.reason, 0),
        "priceProtect": 0,
        "createTime": order.created // MS,
        "updateTime": order.updated // MS,
        "positionMode": HEDGED if ticket.leg else NETTING,
        "reduceOnly": ticket.reduce_only,
    }
    return form | {"orderId": order_id(order)} if order.became else form


def fill_form(house: House, fill: LocalFill) -> dict[str, Any]:
    """Return one of our fills; REST says `taker`, the stream `isTaker`."""
    one = house.exchange.instruments[fill.lane]
    order = house.exchange.find(fill.order)
    side = side_of(order) if order else (1 if fill.side > 0 else 3)
    return {
        "id": str(_DEAL_BASE + fill.number),
        "symbol": one.symbol,
        "side": side,
        "vol": raw(one.size_text(fill.lots)),
        "price": raw(one.price_text(fill.price)),
        "fee": money(fill.fee),
        "feeCurrency": one.settle,
        "profit": money(fill.realised),
        "category": 1,
        "orderId": order_id(order) if order else str(_ORDER_BASE + fill.order),
        "timestamp": fill.ts // MS,
        "positionMode": HEDGED if fill.leg else NETTING,
        "taker": not fill.maker,
    }


def position_form(house: House, lane: int, leg: int, kind: int) -> dict[str, Any]:
    """Return one position, a closed one too; `kind` is 1 for the long, 2 for the short."""
    exchange = house.exchange
    one, account = exchange.instruments[lane], exchange.account
    lots = abs(account.positions[lane][leg].lots)
    entry = raw(account.entry(lane, leg))
    price = exchange.price(lane)
    value = one.notional(price, lots) if lots and price is not None else Fraction(0)
    initial = money(round(value / account.leverage[lane]))
    return {
        "positionId": position_id(lane, kind),
        "symbol": one.symbol,
        "positionType": kind,
        "openType": ISOLATED if account.isolated[lane] else CROSS,
        "state": 1 if lots else 3,
        "holdVol": raw(one.size_text(lots)),
        "frozenVol": 0,
        "closeVol": 0,
        "holdAvgPrice": entry,
        "openAvgPrice": entry,
        "closeAvgPrice": 0,
        "liquidatePrice": 0,
        "oim": initial,
        "im": initial,
        "holdFee": 0,
        "realised": 0,
        "leverage": account.leverage[lane],
        "createTime": house.now_ms,
        "updateTime": house.now_ms,
        "autoAddIm": False,
    }


def asset_form(house: House, asset: str) -> dict[str, Any]:
    """Return what is held of a currency."""
    exchange = house.exchange
    prices = exchange.prices()
    wallet = exchange.account.wallets[asset]
    equity = exchange.account.equity(asset, prices)
    free = exchange.free(asset)
    held = exchange.account.margin(asset, prices, ())
    return {
        "currency": asset,
        "positionMargin": money(held),
        "availableBalance": money(free),
        "cashBalance": money(free),
        "frozenBalance": money(max(0, equity - free - held)),
        "equity": money(equity),
        "unrealized": money(equity - wallet),
        "bonus": 0,
    }


def contract_form(one: Instrument, costs: Costs) -> dict[str, Any]:
    """Return a contract; its fees are those of the account here, whatever the web's are."""
    return {
        "symbol": one.symbol,
        "displayName": f"{one.symbol} PERPETUAL",
        "displayNameEn": f"{one.symbol} PERPETUAL",
        "positionOpenType": 3,
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "settleCoin": one.settle,
        "contractSize": raw(f"{one.multiplier:f}"),
        "minLeverage": 1,
        "maxLeverage": LEVERAGE_MAX,
        "priceScale": grid_of(one.tick).digits,
        "volScale": grid_of(one.lot).digits,
        "amountScale": 4,
        "priceUnit": raw(one.price_text(1)),
        "volUnit": raw(one.size_text(1)),
        "minVol": raw(one.size_text(1)),
        "maxVol": raw(one.size_text(VOL_MAX)),
        "bidLimitPriceRate": 0.1,
        "askLimitPriceRate": 0.1,
        "takerFeeRate": raw(rate_text(costs.taker_bp)),
        "makerFeeRate": raw(rate_text(costs.maker_bp)),
        "maintenanceMarginRate": 0.001,
        "initialMarginRate": 0.002,
        "riskBaseVol": VOL_MAX,
        "riskIncrVol": 0,
        "riskIncrMmr": 0,
        "riskIncrImr": 0,
        "riskLevelLimit": 1,
        "indexOrigin": ["LOCAL"],
        "state": 0,
        "apiAllowed": True,
        "maxNumOrders": [ORDERS_MAX, PLANS_MAX],
        "futureType": 1,
    }
