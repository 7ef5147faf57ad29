"""How WEEX writes contracts, orders, fills, positions and money: the venue's side.

Sizes are base coins everywhere. Long and short are always held apart. An order with a trigger has
an id of its own; what it becomes has another.
"""

from fractions import Fraction
from typing import Any

from aggressor.schema import report
from aggressor.schema.command import FOK, GTC, IOC, LIMIT, POST_ONLY
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument, money_text
from aggressor.schema.units import grid_of
from aggressor.sim.costs import Costs
from aggressor.sim.local.minutes import Candle
from aggressor.sim.local.orders import LocalFill, LocalOrder
from aggressor.venues.served.answering import money_of, paid_average, rate_text
from aggressor.venues.served.dialect import MS, House

TIFS = {"GTC": GTC, "IOC": IOC, "FOK": FOK, "POST_ONLY": POST_ONLY}
TIF_NAMES = {number: name for name, number in TIFS.items()}
LEGS = {"LONG": 1, "SHORT": -1}
LEG_NAMES = {leg: name for name, leg in LEGS.items()}
LEVERAGE_MAX = 400
LARGEST_SIZE = 1_000_000
BAND = Fraction(15, 1000)

_ORDER_BASE = 702_345_678_900_000_000
_ALGO_BASE = 812_345_678_900_000_000
_FILL_BASE = 801_234_567_800_000_000
_POSITION_BASE = 689_987_235_700_000_000
_PRINT_ID = "b0000000-0000-4000-8{:03x}-{:012x}"


def order_id(order: LocalOrder) -> int:
    """Return the id of a plain order, or of what an order with a trigger became."""
    return _ORDER_BASE + (order.became or order.number)


def algo_id(order: LocalOrder) -> int:
    """Return the id of an order with a trigger."""
    return _ALGO_BASE + order.number


def number_of(text: str, *, algo: bool) -> int | None:
    """Return the order that an id names."""
    return int(text) - (_ALGO_BASE if algo else _ORDER_BASE) if text.isdigit() else None


def fill_id(number: int) -> int:
    """Return the id of a fill."""
    return _FILL_BASE + number


def position_id(lane: int, leg: int) -> int:
    """Return the id of a position."""
    return _POSITION_BASE + 4 * lane + leg + 1


def print_id(lane: int, number: int) -> str:
    """Return the id of a print on the stream."""
    return _PRINT_ID.format(lane, number)


def side_name(side: int) -> str:
    """Return the side in WEEX's words."""
    return "BUY" if side > 0 else "SELL"


def price_text(one: Instrument, ticks: int) -> str:
    """Return a price, "0" for none."""
    return "0" if ticks == NO_PRICE else one.price_text(ticks)


def value_text(one: Instrument, paid: int) -> str:
    """Return a sum of ticks x lots in the quote currency."""
    return money_of(paid * Fraction(one.tick) * Fraction(one.lot) * Fraction(one.multiplier))


def contract_form(one: Instrument, costs: Costs) -> dict[str, Any]:
    """Return a contract; `contractVal` is only the step of its sizes."""
    step = float(one.lot)
    return {
        "symbol": one.symbol,
        "displaySymbol": one.symbol,
        "contractType": "PERPETUAL",
        "underlyingType": "COIN",
        "baseAsset": one.base,
        "quoteAsset": one.quote,
        "marginAsset": one.settle,
        "pricePrecision": grid_of(one.tick).digits,
        "quantityPrecision": grid_of(one.lot).digits,
        "baseAssetPrecision": grid_of(one.lot).digits,
        "quotePrecision": 8,
        "contractVal": step,
        "delivery": ["00:00:00", "08:00:00", "16:00:00"],
        "forwardContractFlag": True,
        "minLeverage": 1,
        "maxLeverage": LEVERAGE_MAX,
        "buyLimitPriceRatio": float(BAND),
        "sellLimitPriceRatio": float(BAND),
        "makerFeeRate": float(rate_text(costs.maker_bp)),
        "takerFeeRate": float(rate_text(costs.taker_bp)),
        "minOrderSize": step,
        "maxOrderSize": LARGEST_SIZE,
        "maxPositionSize": 20 * LARGEST_SIZE,
        "marketOpenLimitSize": LARGEST_SIZE,
    }


def candle_row(one: Instrument, candle: Candle, span_s: int) -> list[Any]:
    """Return a candle as an array of eleven."""
    return [
        candle.start_s * 1000,
        one.price_text(candle.open),
        one.price_text(candle.high),
        one.price_text(candle.low),
        one.price_text(candle.close),
        one.size_text(candle.lots),
        (candle.start_s + span_s) * 1000 - 1,
        money_text(candle.value),
        candle.prints,
        one.size_text(candle.bought),
        money_text(candle.bought_value),
    ]


def status(order: LocalOrder) -> str:
    """Return how a plain order stands."""
    if order.lives:
        return "PARTIALLY_FILLED" if order.filled else "NEW"
    ends = {report.FILL: "FILLED", report.EXPIRED: "EXPIRED", report.REJECTED: "REJECTED"}
    return ends.get(order.state, "CANCELED")


def algo_status(order: LocalOrder) -> str:
    """Return how an order with a trigger stands."""
    if order.became:
        return "TRIGGERED"
    return "UNTRIGGERED" if order.lives else status(order)


def reduces(order: LocalOrder) -> bool:
    """Say whether an order is against its position."""
    return order.ticket.side != order.ticket.leg


def order_form(house: House, order: LocalOrder) -> dict[str, Any]:
    """Return a plain order, or what an order with a trigger became."""
    one, ticket = house.exchange.instruments[order.lane], order.ticket
    limit = ticket.type == LIMIT
    return {
        "avgPrice": paid_average(one, order) or "0",
        "clientOrderId": "" if order.waits else ticket.client_id,
        "cumQuote": value_text(one, order.paid),
        "executedQty": one.size_text(order.filled),
        "orderId": order_id(order),
        "origQty": one.size_text(order.size),
        "price": price_text(one, order.price),
        "reduceOnly": reduces(order),
        "side": side_name(ticket.side),
        "positionSide": LEG_NAMES[ticket.leg],
        "status": status(order),
        "stopPrice": "0",
        "symbol": one.symbol,
        "time": order.created // MS,
        "timeInForce": TIF_NAMES[ticket.tif] if limit else "IOC",
        "type": "LIMIT" if limit else "MARKET",
        "updateTime": order.updated // MS,
        "workingType": "CONTRACT_PRICE",
    }


def algo_form(house: House, order: LocalOrder) -> dict[str, Any]:
    """Return an order with a trigger."""
    one, ticket = house.exchange.instruments[order.lane], order.ticket
    return {
        "algoId": algo_id(order),
        "clientAlgoId": ticket.client_id,
        "algoType": "CONDITIONAL",
        "orderType": ticket.said["type"],
        "symbol": one.symbol,
        "side": side_name(ticket.side),
        "positionSide": LEG_NAMES[ticket.leg],
        "timeInForce": "IOC",
        "quantity": one.size_text(order.size),
        "executedQty": one.size_text(order.filled),
        "algoStatus": algo_status(order),
        "actualOrderId": order_id(order) if order.became else None,
        "actualPrice": paid_average(one, order) or "0",
        "triggerPrice": one.price_text(order.trigger),
        "price": "0",
        "workingType": "CONTRACT_PRICE",
        "reduceOnly": reduces(order),
        "createTime": order.created // MS,
        "updateTime": order.updated // MS,
        "triggerTime": order.updated // MS if order.became else 0,
    }


def fill_form(house: House, fill: LocalFill) -> dict[str, Any]:
    """Return one of our fills."""
    one, order = house.exchange.instruments[fill.lane], house.exchange.find(fill.order)
    number = _ORDER_BASE + fill.order if order is None else order_id(order)
    return {
        "id": fill_id(fill.number),
        "orderId": number,
        "symbol": one.symbol,
        "buyer": fill.side > 0,
        "commission": money_text(fill.fee),
        "commissionAsset": one.settle,
        "maker": fill.maker,
        "price": one.price_text(fill.price),
        "qty": one.size_text(fill.lots),
        "quoteQty": value_text(one, fill.price * fill.lots),
        "realizedPnl": money_text(fill.realised),
        "side": side_name(fill.side),
        "positionSide": LEG_NAMES[fill.leg],
        "time": fill.ts // MS,
    }


def position_form(house: House, lane: int, leg: int) -> dict[str, Any]:
    """Return one of the two positions; its entry is openValue / size."""
    exchange = house.exchange
    one, account = exchange.instruments[lane], exchange.account
    position, price = account.positions[lane][leg], exchange.price(lane)
    held = abs(position.lots)
    value = one.notional(position.average, held) if held and position.average else Fraction(0)
    margin = money_text(round(value / account.leverage[lane]))
    isolated = account.isolated[lane]
    return {
        "id": position_id(lane, leg),
        "asset": one.settle,
        "symbol": one.symbol,
        "side": LEG_NAMES[leg],
        "marginType": "ISOLATED" if isolated else "CROSSED",
        "separatedMode": "SEPARATED",
        "separatedOpenOrderId": 0,
        "leverage": str(account.leverage[lane]),
        "size": one.size_text(held),
        "openValue": money_text(round(value)),
        "openFee": "0",
        "fundingFee": "0",
        "marginSize": margin,
        "isolatedMargin": margin if isolated else "0",
        "isAutoAppendIsolatedMargin": False,
        "unrealizePnl": money_text(account.profit(lane, leg, price)),
        "liquidatePrice": "0",
        "createdTime": position.opened_ns // MS,
        "updatedTime": house.now_ms,
    }


def balance_form(house: House, asset: str) -> dict[str, Any]:
    """Return what the account holds of an asset."""
    exchange = house.exchange
    wallet, free = exchange.account.wallets[asset], exchange.free(asset)
    equity = exchange.account.equity(asset, exchange.prices())
    return {
        "asset": asset,
        "balance": money_text(wallet),
        "availableBalance": money_text(free),
        "frozen": money_text(max(0, equity - free)),
        "unrealizePnl": money_text(equity - wallet),
    }
