"""How Bybit v5 writes instruments, orders, fills, positions and money: the venue's side."""

from fractions import Fraction
from typing import Any

from aggressor.schema import report
from aggressor.schema.command import (
    FOK,
    GTC,
    IOC,
    LIMIT,
    POST_ONLY,
    STOP_MARKET,
)
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import ContractKind, Instrument, money_text
from aggressor.schema.units import grid_of
from aggressor.sim.local.orders import LocalFill, LocalOrder
from aggressor.venues.served.answering import fills_of, money_of, paid_average, rate_text
from aggressor.venues.served.dialect import MS, House

TIFS = {"GTC": GTC, "IOC": IOC, "FOK": FOK, "PostOnly": POST_ONLY}
TIF_NAMES = {number: name for name, number in TIFS.items()}
LEG_NUMBERS = {0: 0, 1: 1, -1: 2}
LEGS = {number: leg for leg, number in LEG_NUMBERS.items()}
MIN_NOTIONAL = 5
LEVERAGE_MAX = 100

_ORDER_ID = "a0000000-0000-4000-8000-{:012x}"
_FILL_ID = "f0000000-0000-4000-8000-{:012x}"
_TRADE_ID = "b0000000-0000-4000-8{:03x}-{:012x}"


def category(house: House) -> str:
    """Return the one category that is traded here."""
    kind = house.exchange.instruments[0].kind
    return "linear" if kind is ContractKind.LINEAR else "inverse"


def order_id(number: int) -> str:
    """Return the venue's id of an order."""
    return _ORDER_ID.format(number)


def number_of(text: str) -> int | None:
    """Return the order that an id names."""
    try:
        number = int(text.rpartition("-")[2], 16)
    except ValueError:
        return None
    return number if order_id(number) == text else None


def trade_id(lane: int, number: int) -> str:
    """Return the id of a print."""
    return _TRADE_ID.format(lane, number)


def side_name(side: int) -> str:
    """Return the side in Bybit's words."""
    return "Buy" if side > 0 else "Sell"


def state(order: LocalOrder) -> str:
    """Return how an order stands."""
    if order.lives:
        if order.waits and not order.became:
            return "Untriggered"
        if order.state == report.TRIGGERED and not order.filled:
            return "Triggered"
        return "PartiallyFilled" if order.filled else "New"
    if order.waits and not order.became:
        return "Deactivated"
    return {report.FILL: "Filled", report.REJECTED: "Rejected"}.get(order.state, "Cancelled")


def _words(order: LocalOrder) -> tuple[str, str]:
    """Return why an order ended: rejectReason, cancelType."""
    if order.lives or order.state == report.FILL:
        return "EC_NoError", "UNKNOWN"
    return {
        report.NO_LIQUIDITY: ("EC_NoImmediateQtyToFill", "UNKNOWN"),
        report.WOULD_CROSS: ("EC_PostOnlyWillTakeLiquidity", "UNKNOWN"),
        report.SELF_TRADE: ("EC_BySelfMatch", "CancelBySmp"),
        report.REDUCE_ONLY_EMPTY: ("EC_NoError", "CancelByReduceOnly"),
    }.get(
        order.reason, ("EC_PerCancelRequest", order.ticket.said.get("cancelType", "CancelByUser"))
    )


def order_form(house: House, order: LocalOrder) -> dict[str, Any]:
    """Return an order."""
    one, ticket = house.exchange.instruments[order.lane], order.ticket
    limit = ticket.type == LIMIT
    rejected, cancelled = _words(order)
    value = one.notional(Fraction(order.paid, order.filled), order.filled) if order.filled else 0
    rises = (ticket.side > 0) == (ticket.type == STOP_MARKET)
    created, updated = str(order.created // MS), str(order.updated // MS)
    return {
        "category": category(house),
        "orderId": order_id(order.number),
        "orderLinkId": ticket.client_id,
        "symbol": one.symbol,
        "price": "0" if order.price == NO_PRICE else one.price_text(order.price),
        "qty": one.size_text(order.size),
        "side": side_name(ticket.side),
        "positionIdx": LEG_NUMBERS[ticket.leg],
        "orderStatus": state(order),
        "createType": "CreateByUser",
        "cancelType": cancelled,
        "rejectReason": rejected,
        "avgPrice": paid_average(one, order),
        "leavesQty": one.size_text(order.leaves),
        "leavesValue": "0",
        "cumExecQty": one.size_text(order.filled),
        "cumExecValue": money_text(round(value)),
        "cumExecFee": money_text(sum(fill.fee for fill in fills_of(house, order))),
        "timeInForce": TIF_NAMES[ticket.tif] if limit else "IOC",
        "orderType": "Limit" if limit else "Market",
        "stopOrderType": "Stop" if order.waits else "UNKNOWN",
        "orderIv": "",
        "triggerPrice": one.price_text(order.trigger) if order.waits else "",
        "triggerDirection": (1 if rises else 2) if order.waits else 0,
        "triggerBy": "LastPrice" if order.waits else "UNKNOWN",
        "takeProfit": "",
        "stopLoss": "",
        "reduceOnly": ticket.reduce_only,
        "closeOnTrigger": False,
        "smpType": "None",
        "feeCurrency": one.settle,
        "createdTime": created,
        "updatedTime": updated,
    }


def fill_form(house: House, fill: LocalFill) -> dict[str, Any]:
    """Return one of our fills."""
    one = house.exchange.instruments[fill.lane]
    order = house.exchange.find(fill.order)
    costs = house.exchange.costs
    limit = order is not None and order.ticket.type == LIMIT
    return {
        "category": category(house),
        "symbol": one.symbol,
        "orderId": order_id(fill.order),
        "orderLinkId": order.ticket.client_id if order else "",
        "side": side_name(fill.side),
        "orderPrice": one.price_text(order.price) if order and limit else "0",
        "orderQty": one.size_text(order.size) if order else "",
        "leavesQty": one.size_text(order.leaves) if order else "0",
        "orderType": "Limit" if limit else "Market",
        "stopOrderType": "Stop" if order and order.waits else "UNKNOWN",
        "createType": "CreateByUser",
        "execFee": money_text(fill.fee),
        "execId": _FILL_ID.format(fill.number),
        "execPrice": one.price_text(fill.price),
        "execQty": one.size_text(fill.lots),
        "execType": "Trade",
        "execValue": money_text(round(one.notional(fill.price, fill.lots))),
        "execTime": str(fill.ts // MS),
        "execPnl": money_text(fill.realised),
        "feeRate": rate_text(costs.maker_bp if fill.maker else costs.taker_bp),
        "feeCurrency": one.settle,
        "isMaker": fill.maker,
        "closedSize": "",
        "seq": fill.number,
    }


def position_form(house: House, lane: int, leg: int) -> dict[str, Any]:
    """Return one position, a flat one too."""
    exchange = house.exchange
    one, account = exchange.instruments[lane], exchange.account
    price, held = exchange.price(lane), account.positions[lane][leg].lots
    value = one.notional(price, abs(held)) if held and price is not None else Fraction(0)
    mark = Fraction(0) if price is None else Fraction(price) * Fraction(one.tick)
    entry = account.entry(lane, leg)
    initial = money_text(round(value / account.leverage[lane]))
    profit = money_text(account.profit(lane, leg, price))
    return {
        "category": category(house),
        "positionIdx": LEG_NUMBERS[leg],
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": one.symbol,
        "side": side_name(held) if held else "",
        "size": one.size_text(abs(held)),
        "avgPrice": entry,
        "entryPrice": entry,
        "positionValue": money_text(round(value)),
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 0,
        "leverage": str(account.leverage[lane]),
        "positionBalance": initial,
        "markPrice": money_of(mark),
        "liqPrice": "",
        "bustPrice": "",
        "positionMM": "0",
        "positionIM": initial,
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "unrealisedPnl": profit,
        "curRealisedPnl": "0",
        "cumRealisedPnl": "0",
        "seq": house.exchange.board.lanes[lane].version,
        "isReduceOnly": False,
        "createdTime": str(house.now_ms),
        "updatedTime": str(house.now_ms),
    }


def wallet_form(house: House) -> dict[str, Any]:
    """Return the unified account."""
    exchange = house.exchange
    prices = exchange.prices()
    coins = []
    for asset, wallet in exchange.account.wallets.items():
        equity = exchange.account.equity(asset, prices)
        coins.append(
            {
                "coin": asset,
                "equity": money_text(equity),
                "usdValue": money_text(equity),
                "walletBalance": money_text(wallet),
                "free": "",
                "locked": "0",
                "bonus": "0",
                "borrowAmount": "0",
                "totalOrderIM": "0",
                "totalPositionIM": money_text(equity - exchange.free(asset)),
                "totalPositionMM": "0",
                "unrealisedPnl": money_text(equity - wallet),
                "cumRealisedPnl": money_text(exchange.account.realised),
                "availableToWithdraw": "",
                "marginCollateral": True,
                "collateralSwitch": True,
            }
        )
    first = coins[0]
    return {
        "accountType": "UNIFIED",
        "totalEquity": first["equity"],
        "totalWalletBalance": first["walletBalance"],
        "totalMarginBalance": first["equity"],
        "totalAvailableBalance": money_text(exchange.free(first["coin"])),
        "totalPerpUPL": first["unrealisedPnl"],
        "totalInitialMargin": first["totalPositionIM"],
        "totalMaintenanceMargin": "0",
        "accountIMRate": "0",
        "accountMMRate": "0",
        "accountLTV": "0",
        "coin": coins,
    }


def symbol_form(one: Instrument) -> dict[str, Any]:
    """Return an instrument."""
    linear = one.kind is ContractKind.LINEAR
    step, tick = one.size_text(1), one.price_text(1)
    most = one.size_text(1_000_000_000)
    return {
        "symbol": one.symbol,
        "contractType": "LinearPerpetual" if linear else "InversePerpetual",
        "status": "Trading",
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(grid_of(one.tick).digits),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": f"{LEVERAGE_MAX}.00",
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": tick,
            "maxPrice": one.price_text(2_000_000_000),
            "tickSize": tick,
        },
        "lotSizeFilter": {
            "maxOrderQty": most,
            "minOrderQty": step,
            "qtyStep": step,
            "postOnlyMaxOrderQty": most,
            "maxMktOrderQty": most,
            "minNotionalValue": str(MIN_NOTIONAL),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": one.settle,
        "copyTrading": "none",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
    }
