"""How BingX writes contracts, orders, fills, positions and money: the venue's side.

Sizes are base coins everywhere; a commission that is paid is negative; an order that rests is
PENDING in answers and NEW on the stream, one that is cancelled CANCELLED and CANCELED.
"""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

from aggressor.schema import report
from aggressor.schema.command import FOK, GTC, IOC, LIMIT, POST_ONLY
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument, money_text
from aggressor.schema.units import grid_of
from aggressor.sim.costs import Costs
from aggressor.sim.local.board import Lane
from aggressor.sim.local.minutes import Candle
from aggressor.sim.local.orders import LocalFill, LocalOrder
from aggressor.venues.served.answering import fills_of, mark_of, money_of, paid_average, rate_text
from aggressor.venues.served.dialect import MS, House

TIFS = {"GTC": GTC, "IOC": IOC, "FOK": FOK, "PostOnly": POST_ONLY}
TIF_NAMES = {number: name for name, number in TIFS.items()}
LEGS = {"BOTH": 0, "LONG": 1, "SHORT": -1}
LEG_NAMES = {leg: name for name, leg in LEGS.items()}
MIN_NOTIONAL = 2
LEVERAGE_MAX = 125
MAINTENANCE = "0.004000"

_ORDER_BASE = 1_990_000_000_000_000_000
_POSITION_BASE = 1_790_000_000_000_000_000
_SHANGHAI = timezone(timedelta(hours=8))


def order_id(number: int) -> int:
    """Return the venue's id of an order: beyond 2^53."""
    return _ORDER_BASE + number


def number_of(text: str) -> int | None:
    """Return the order that an id names."""
    return int(text) - _ORDER_BASE if text.isdigit() else None


def position_id(lane: int, leg: int) -> int:
    """Return the id of a position."""
    return _POSITION_BASE + 4 * lane + leg + 1


def side_name(side: int) -> str:
    """Return the side in BingX's words."""
    return "BUY" if side > 0 else "SELL"


def price_text(one: Instrument, ticks: int) -> str:
    """Return a price, "0" for none."""
    return "0" if ticks == NO_PRICE else one.price_text(ticks)


def paid_text(one: Instrument, paid: int) -> str:
    """Return a sum of ticks x lots in the quote currency."""
    return money_of(paid * Fraction(one.tick) * Fraction(one.lot) * Fraction(one.multiplier))


def interest_text(lane: Lane) -> str:
    """Return open interest by its value."""
    one = lane.instrument
    ticks = Fraction(mark_of(lane), 10**8) / Fraction(one.tick)
    return money_text(round(one.notional(ticks, lane.interest)))


def contract_form(one: Instrument, costs: Costs) -> dict[str, Any]:
    """Return a contract; its numbers are bare."""
    maker, taker = (float(rate_text(rate)) for rate in (costs.maker_bp, costs.taker_bp))
    return {
        "contractId": "100",
        "symbol": one.symbol,
        "size": "0",
        "quantityPrecision": grid_of(one.lot).digits,
        "pricePrecision": grid_of(one.tick).digits,
        "feeRate": taker,
        "makerFeeRate": maker,
        "takerFeeRate": taker,
        "tradeMinLimit": 0,
        "tradeMinQuantity": float(one.lot),
        "tradeMinUSDT": MIN_NOTIONAL,
        "maxLongLeverage": LEVERAGE_MAX,
        "maxShortLeverage": LEVERAGE_MAX,
        "currency": one.settle,
        "asset": one.base,
        "status": 1,
        "apiStateOpen": "true",
        "apiStateClose": "true",
        "ensureTrigger": True,
        "triggerFeeRate": "0",
        "displayName": one.symbol,
    }


def candle_form(one: Instrument, candle: Candle) -> dict[str, Any]:
    """Return a candle."""
    return {
        "open": one.price_text(candle.open),
        "close": one.price_text(candle.close),
        "high": one.price_text(candle.high),
        "low": one.price_text(candle.low),
        "volume": one.size_text(candle.lots),
        "time": candle.start_s * 1000,
    }


def state(order: LocalOrder, *, stream: bool = False) -> str:
    """Return how an order stands, in the words of answers or of the stream."""
    if order.lives:
        if order.state == report.TRIGGERED and not order.filled:
            return "TRIGGERED"
        if order.filled:
            return "PARTIALLY_FILLED"
        return "NEW" if stream or order.waits else "PENDING"
    if order.state == report.CANCELED:
        return "CANCELED" if stream else "CANCELLED"
    return {report.FILL: "FILLED", report.EXPIRED: "EXPIRED"}.get(order.state, "FAILED")


def type_name(order: LocalOrder) -> str:
    """Return the type that the client asked for."""
    return order.ticket.said["type"]


def placed_form(one: Instrument, order: LocalOrder) -> dict[str, Any]:
    """Return what the answer to a new order says of it."""
    ticket = order.ticket
    return {
        "symbol": one.symbol,
        "orderId": order_id(order.number),
        "orderID": str(order_id(order.number)),
        "side": side_name(ticket.side),
        "positionSide": LEG_NAMES[ticket.leg],
        "type": type_name(order),
        "clientOrderID": ticket.said["client"],
        "clientOrderId": ticket.said["client"],
        "quantity": one.size_text(order.size),
        "price": price_text(one, order.price),
        "stopPrice": price_text(one, order.trigger),
        "timeInForce": TIF_NAMES[ticket.tif] if ticket.type == LIMIT else "",
        "workingType": ticket.said.get("working", ""),
        "reduceOnly": ticket.reduce_only,
    }


def order_form(house: House, order: LocalOrder) -> dict[str, Any]:
    """Return an order as questions answer it."""
    one, ticket = house.exchange.instruments[order.lane], order.ticket
    fills = fills_of(house, order)
    return {
        "symbol": one.symbol,
        "orderId": order_id(order.number),
        "side": side_name(ticket.side),
        "positionSide": LEG_NAMES[ticket.leg],
        "type": type_name(order),
        "origQty": one.size_text(order.size),
        "price": price_text(one, order.price),
        "executedQty": one.size_text(order.filled),
        "avgPrice": paid_average(one, order) or "0",
        "cumQuote": paid_text(one, order.paid),
        "stopPrice": price_text(one, order.trigger) if order.waits else "",
        "profit": money_text(sum(x.realised for x in fills)),
        "commission": money_text(-sum(x.fee for x in fills)),
        "status": state(order),
        "time": order.created // MS,
        "updateTime": order.updated // MS,
        "clientOrderId": ticket.said["client"],
        "leverage": f"{house.exchange.account.leverage[order.lane]}X",
        "takeProfit": {},
        "stopLoss": {},
        "advanceAttr": 0,
        "positionID": 0,
        "orderType": "",
        "workingType": ticket.said.get("working", ""),
        "postOnly": ticket.tif == POST_ONLY and ticket.type == LIMIT,
        "reduceOnly": ticket.reduce_only,
        "onlyOnePosition": ticket.leg == 0,
    }


def fill_form(house: House, fill: LocalFill) -> dict[str, Any]:
    """Return a fill as `fillHistory` answers it; times are Shanghai's."""
    one = house.exchange.instruments[fill.lane]
    at = datetime.fromtimestamp(fill.ts // MS / 1000, _SHANGHAI)
    return {
        "symbol": one.symbol,
        "qty": one.size_text(fill.lots),
        "price": one.price_text(fill.price),
        "quoteQty": paid_text(one, fill.price * fill.lots),
        "commission": money_text(-fill.fee),
        "commissionAsset": one.settle,
        "orderId": str(order_id(fill.order)),
        "tradeId": str(fill.number),
        "filledTime": f"{at:%Y-%m-%dT%H:%M:%S}.{fill.ts // MS % 1000:03d}+0800",
        "side": side_name(fill.side),
        "positionSide": LEG_NAMES[fill.leg],
        "role": "maker" if fill.maker else "taker",
        "realisedPNL": money_text(fill.realised),
    }


def past_fill_form(house: House, fill: LocalFill) -> dict[str, Any]:
    """Return a fill as `allFillOrders` answers it: `volume` is its size, `amount` its value."""
    form = fill_form(house, fill)
    order = house.exchange.find(fill.order)
    at = datetime.fromtimestamp(fill.ts // MS / 1000, UTC)
    return {
        "filledTm": f"{at:%Y-%m-%dT%H:%M:%S}.{fill.ts // MS % 1000:03d}Z",
        "volume": form["qty"],
        "price": form["price"],
        "amount": form["quoteQty"],
        "commission": form["commission"],
        "currency": form["commissionAsset"],
        "orderId": form["orderId"],
        "tradeId": form["tradeId"],
        "liquidatedPrice": "0",
        "liquidatedMarginRatio": "0",
        "filledTime": form["filledTime"],
        "clientOrderID": order.ticket.said["client"] if order is not None else "",
        "symbol": form["symbol"],
        "side": form["side"],
        "positionSide": form["positionSide"],
    }


def position_form(house: House, lane: int, leg: int) -> dict[str, Any]:
    """Return a position: its amount has no sign, its side says whether it is long."""
    exchange = house.exchange
    one, account = exchange.instruments[lane], exchange.account
    held, price = account.positions[lane][leg].lots, exchange.price(lane)
    value = one.notional(price, abs(held)) if held and price is not None else Fraction(0)
    margin = money_text(round(value / account.leverage[lane]))
    size = one.size_text(abs(held))
    return {
        "positionId": str(position_id(lane, leg)),
        "symbol": one.symbol,
        "currency": one.settle,
        "positionAmt": size,
        "availableAmt": size,
        "positionSide": "LONG" if held > 0 else "SHORT",
        "isolated": account.isolated[lane],
        "avgPrice": account.entry(lane, leg),
        "initialMargin": margin,
        "margin": margin,
        "leverage": account.leverage[lane],
        "unrealizedProfit": money_text(account.profit(lane, leg, price)),
        "realisedProfit": "0",
        "liquidationPrice": 0,
        "pnlRatio": "0",
        "maxMarginReduction": "0",
        "riskRate": "0",
        "markPrice": money_of((price or 0) * Fraction(one.tick)),
        "positionValue": money_text(round(value)),
        "onlyOnePosition": leg == 0,
        "updateTime": house.now_ms,
    }


def balance_form(house: House, asset: str) -> dict[str, Any]:
    """Return what the account holds of an asset."""
    exchange = house.exchange
    wallet = exchange.account.wallets[asset]
    equity = exchange.account.equity(asset, exchange.prices())
    free = exchange.free(asset)
    return {
        "userId": "1",
        "asset": asset,
        "balance": money_text(wallet),
        "equity": money_text(equity),
        "unrealizedProfit": money_text(equity - wallet),
        "realisedProfit": money_text(exchange.account.realised),
        "availableMargin": money_text(free),
        "usedMargin": money_text(max(0, equity - free)),
        "freezedMargin": "0",
        "shortUid": "1",
    }
