"""How Binance futures writes instruments, orders, positions: the venue's side of the forms.

Documents as in `requests` and `account_messages`; sheet of the local venue: what clients read.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from aggressor.schema import report
from aggressor.schema.command import (
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import MONEY_UNIT, ContractKind, Instrument, money_text
from aggressor.schema.units import decimal_text, grid_of
from aggressor.sim.local.orders import LocalFill, LocalOrder
from aggressor.venues.served.dialect import MS, House

ORDER_BASE = 8_389_765_000_000  # larger than 2**31, as theirs
ALGO_BASE = 3_000_000_000

TIFS = {"GTC": GTC, "IOC": IOC, "FOK": FOK, "GTX": POST_ONLY, "GTD": GTC}
TIF_NAMES = {GTC: "GTC", IOC: "IOC", FOK: "FOK", POST_ONLY: "GTX"}
TYPES = {"LIMIT": LIMIT, "MARKET": MARKET}
STOPS = {"STOP_MARKET": STOP_MARKET, "TAKE_PROFIT_MARKET": TAKE_PROFIT_MARKET}
TYPE_NAMES = {number: name for name, number in (TYPES | STOPS).items()}
LEG_NAMES = {0: "BOTH", 1: "LONG", -1: "SHORT"}
LEGS = {name: leg for leg, name in LEG_NAMES.items()}

LEVERAGE_MAX = 125
MIN_NOTIONAL = "5"
MAINTENANCE = "0.004"

_STATES = {
    report.FILL: "FILLED",
    report.CANCELED: "CANCELED",
    report.EXPIRED: "EXPIRED",
    report.REJECTED: "REJECTED",
}


def price_text(instrument: Instrument, ticks: int) -> str:
    """Return a price, "0" where there is none."""
    return "0" if ticks == NO_PRICE else instrument.price_text(ticks)


def fraction_text(amount: Fraction) -> str:
    """Return a fraction with 8 decimals."""
    return decimal_text(round(amount * 10**8), MONEY_UNIT)


def status(order: LocalOrder) -> str:
    """Return how an order stands in Binance's words."""
    if order.lives:
        return "PARTIALLY_FILLED" if order.filled else "NEW"
    if order.state == report.EXPIRED and order.reason == report.SELF_TRADE:
        return "EXPIRED_IN_MATCH"
    return _STATES[order.state]


def order_id(order: LocalOrder) -> int:
    """Return the id of a plain order, or of the one that a triggered order became."""
    return ORDER_BASE + (order.became or order.number)


def average_text(instrument: Instrument, order: LocalOrder) -> str:
    """Return the average price of an order's fills."""
    if not order.filled:
        return "0"
    return fraction_text(Fraction(order.paid, order.filled) * Fraction(instrument.tick))


def side_name(side: int) -> str:
    """Return the side in Binance's words."""
    return "BUY" if side > 0 else "SELL"


def order_form(house: House, order: LocalOrder, *, asked: bool = False) -> dict[str, Any]:
    """Return a plain order; `asked`: as questions are answered, with what acks leave out."""
    one = house.exchange.instruments[order.lane]
    ticket = order.ticket
    kind = "MARKET" if order.waits else TYPE_NAMES[ticket.type]
    form: dict[str, Any] = {
        "orderId": order_id(order),
        "symbol": one.symbol,
        "status": status(order),
        "clientOrderId": ticket.client_id,
        "price": price_text(one, order.price),
        "origQty": one.size_text(order.size),
        "executedQty": one.size_text(order.filled),
        "cumQty": one.size_text(order.filled),
        "timeInForce": TIF_NAMES[GTC if kind == "MARKET" else ticket.tif],
        "type": kind,
        "reduceOnly": ticket.reduce_only,
        "closePosition": False,
        "side": side_name(ticket.side),
        "positionSide": LEG_NAMES[ticket.leg],
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": TYPE_NAMES[ticket.type],
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": order.updated // MS,
    }
    if asked:
        value = (
            one.notional(Fraction(order.paid, order.filled), order.filled) if order.filled else 0
        )
        form |= {
            "time": order.created // MS,
            "avgPrice": average_text(one, order),
            "cumQuote" if one.kind is ContractKind.LINEAR else "cumBase": money_text(round(value)),
        }
    return form


def algo_state(order: LocalOrder) -> str:
    """Return how an order with a trigger stands."""
    if order.became:
        return "TRIGGERED" if order.lives else "FINISHED"
    return {report.CANCELED: "CANCELED", report.EXPIRED: "EXPIRED"}.get(order.state, "NEW")


def algo_form(house: House, order: LocalOrder) -> dict[str, Any]:
    """Return an order with a trigger."""
    one = house.exchange.instruments[order.lane]
    ticket = order.ticket
    return {
        "algoId": ALGO_BASE + order.number,
        "clientAlgoId": ticket.client_id,
        "algoType": "CONDITIONAL",
        "orderType": TYPE_NAMES[ticket.type],
        "symbol": one.symbol,
        "side": side_name(ticket.side),
        "positionSide": LEG_NAMES[ticket.leg],
        "timeInForce": "GTC",
        "quantity": one.size_text(order.size),
        "algoStatus": algo_state(order),
        "actualOrderId": str(ORDER_BASE + order.became) if order.became else "",
        "actualPrice": average_text(one, order),
        "actualQty": one.size_text(order.filled),
        "triggerPrice": one.price_text(order.trigger),
        "price": "0",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": ticket.reduce_only,
        "createTime": order.created // MS,
        "updateTime": order.updated // MS,
        "triggerTime": order.updated // MS if order.became else 0,
        "goodTillDate": 0,
    }


def fill_form(house: House, fill: LocalFill) -> dict[str, Any]:
    """Return one of our fills."""
    one = house.exchange.instruments[fill.lane]
    order = house.exchange.find(fill.order)
    value = money_text(round(one.notional(fill.price, fill.lots)))
    linear = one.kind is ContractKind.LINEAR
    return {
        "symbol": one.symbol,
        "id": fill.number,
        "orderId": order_id(order) if order else ORDER_BASE + fill.order,
        "side": side_name(fill.side),
        "price": one.price_text(fill.price),
        "qty": one.size_text(fill.lots),
        "realizedPnl": money_text(fill.realised),
        "marginAsset": one.settle,
        "quoteQty" if linear else "baseQty": value,
        "commission": money_text(fill.fee),
        "commissionAsset": one.settle,
        "time": fill.ts // MS,
        "positionSide": LEG_NAMES[fill.leg],
        "maker": fill.maker,
        "buyer": fill.side > 0,
    }


def position_form(house: House, lane: int, leg: int) -> dict[str, Any]:
    """Return one position."""
    exchange = house.exchange
    one, account = exchange.instruments[lane], exchange.account
    price = exchange.price(lane)
    held = account.positions[lane][leg].lots
    mark = Fraction(0) if price is None else Fraction(price) * Fraction(one.tick)
    value = one.notional(price, held) if held and price is not None else Fraction(0)
    isolated = account.isolated[lane]
    initial = abs(value) / account.leverage[lane]
    entry = account.entry(lane, leg)
    return {
        "symbol": one.symbol,
        "positionSide": LEG_NAMES[leg],
        "positionAmt": one.size_text(held),
        "entryPrice": entry,
        "breakEvenPrice": entry,
        "markPrice": fraction_text(mark),
        "unRealizedProfit": money_text(account.profit(lane, leg, price)),
        "unrealizedProfit": money_text(account.profit(lane, leg, price)),
        "liquidationPrice": "0",
        "isolatedMargin": money_text(round(initial)) if isolated and held else "0",
        "isolatedWallet": money_text(round(initial)) if isolated and held else "0",
        "notional" if one.kind is ContractKind.LINEAR else "notionalValue": money_text(
            round(value)
        ),
        "marginAsset": one.settle,
        "marginType": "isolated" if isolated else "cross",
        "isolated": isolated,
        "leverage": str(account.leverage[lane]),
        "initialMargin": money_text(round(initial)),
        "positionInitialMargin": money_text(round(initial)),
        "openOrderInitialMargin": "0",
        "maintMargin": money_text(round(abs(value) * Fraction(MAINTENANCE))),
        "isAutoAddMargin": "false",
        "maxNotionalValue": "1000000000",
        "maxQty": "1000000",
        "bidNotional": "0",
        "askNotional": "0",
        "adl": 0,
        "updateTime": house.now_ms,
    }


def asset_form(house: House, asset: str) -> dict[str, Any]:
    """Return what is held of one asset, with every name under which it is asked for."""
    exchange = house.exchange
    wallet = exchange.account.wallets[asset]
    equity = exchange.account.equity(asset, exchange.prices())
    free = exchange.free(asset)
    return {
        "accountAlias": "local",
        "asset": asset,
        "balance": money_text(wallet),
        "walletBalance": money_text(wallet),
        "crossWalletBalance": money_text(wallet),
        "crossUnPnl": money_text(equity - wallet),
        "unrealizedProfit": money_text(equity - wallet),
        "marginBalance": money_text(equity),
        "initialMargin": money_text(equity - free),
        "maintMargin": "0",
        "positionInitialMargin": money_text(equity - free),
        "openOrderInitialMargin": "0",
        "availableBalance": money_text(free),
        "maxWithdrawAmount": money_text(free),
        "withdrawAvailable": money_text(free),
        "marginAvailable": True,
        "updateTime": house.now_ms,
    }


def symbol_form(one: Instrument) -> dict[str, Any]:
    """Return an instrument as exchangeInfo has it."""
    linear = one.kind is ContractKind.LINEAR
    price_digits = grid_of(one.tick).digits
    step = one.size_text(1)
    status_key = "status" if linear else "contractStatus"
    sizes = {"minQty": step, "maxQty": str(Decimal(step) * 1_000_000), "stepSize": step}
    form: dict[str, Any] = {
        "symbol": one.symbol,
        "pair": one.symbol.partition("_")[0],
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        status_key: "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": one.base,
        "quoteAsset": one.quote,
        "marginAsset": one.settle,
        "pricePrecision": price_digits,
        "quantityPrecision": grid_of(one.lot).digits,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": one.price_text(1),
                "maxPrice": one.price_text(2_000_000_000),
                "tickSize": one.price_text(1),
            },
            {"filterType": "LOT_SIZE", **sizes},
            {"filterType": "MARKET_LOT_SIZE", **sizes},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": "1.0500",
                "multiplierDown": "0.9500",
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }
    if linear:
        form["filters"].append({"filterType": "MIN_NOTIONAL", "notional": MIN_NOTIONAL})
    else:
        form["contractSize"] = int(one.multiplier)
    return form
