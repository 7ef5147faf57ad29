"""Binance's signed side: orders, questions, settings, and the private stream.

What the matching says becomes Binance's codes; what a client wrote is checked in Binance's order:
what is missing, then the grid, then the value, then the margin.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.command import FOK, GTC, IOC, LIMIT, MARKET, POST_ONLY
from aggressor.schema.errors import UnitError
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument, money_text
from aggressor.schema.units import grid_of
from aggressor.sim.local.orders import (
    DUPLICATE,
    AccountNews,
    LocalOrder,
    OrderNews,
    PrivateNews,
    Refused,
    Ticket,
)
from aggressor.venues.binance.server_forms import (
    ALGO_BASE,
    LEG_NAMES,
    LEGS,
    LEVERAGE_MAX,
    MAINTENANCE,
    MIN_NOTIONAL,
    ORDER_BASE,
    STOPS,
    TIF_NAMES,
    TIFS,
    TYPE_NAMES,
    TYPES,
    algo_form,
    algo_state,
    asset_form,
    average_text,
    fill_form,
    order_form,
    order_id,
    position_form,
    price_text,
    side_name,
    status,
)
from aggressor.venues.binance.server_market import Params, lane_of, missing, okay, whole
from aggressor.venues.dialect import MS, CodeError, Frame, House, Reply
from aggressor.venues.served import (
    below_value,
    cannot_switch,
    fires_at_once,
    listen_key,
    outside_band,
    own_id,
    rate_text,
)

_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_BAND = Fraction(5, 100)
_KEY_NS = 3600 * 1_000_000_000

_WORDS = {
    report.NO_MARGIN: (-2019, "Margin is insufficient."),
    report.REDUCE_ONLY_EMPTY: (-2022, "ReduceOnly Order is rejected."),
    report.WOULD_CROSS: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    report.SELF_TRADE: (-5022, "The Post Only order would meet an order of this account."),
    report.TOO_MANY_ORDERS: (-2025, "Reach max open order limit."),
    report.NO_BOOK: (-1008, "Server is currently overloaded with other requests."),
    report.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    report.BAD_FIELD: (-1102, "A mandatory parameter was malformed."),
}


def refuse(refused: Refused) -> CodeError:
    """Return a refusal in Binance's words."""
    if refused.words == DUPLICATE:
        return CodeError(-4116, "ClientOrderId is duplicated.")
    code, words = _WORDS.get(refused.reason, (-2010, "NEW_ORDER_REJECTED"))
    return CodeError(code, words, 503 if code == -1008 else 400)


# -- what a client wrote ---------------------------------------------------------------------------


def _ticks(one: Instrument, params: Params, name: str) -> int:
    text = params.get(name, "")
    if not text:
        raise missing(name)
    number = _number(text, name)
    if number <= 0:
        raise CodeError(-4001, "Price less than 0.")
    if -int(number.normalize().as_tuple().exponent) > grid_of(one.tick).digits:
        raise CodeError(-1111, "Precision is over the maximum defined for this asset.")
    try:
        return one.ticks(number)
    except UnitError:
        raise CodeError(-4014, "Price not increased by tick size.") from None


def _lots(one: Instrument, params: Params) -> int:
    text = params.get("quantity", "")
    if not text:
        raise missing("quantity")
    number = _number(text, "quantity")
    if number <= 0:
        raise CodeError(-4003, "Quantity less than or equal to zero.")
    if -int(number.normalize().as_tuple().exponent) > grid_of(one.lot).digits:
        raise CodeError(-1111, "Precision is over the maximum defined for this asset.")
    try:
        lots = one.lots(number)
    except UnitError:
        raise CodeError(-4023, "Qty not increased by step size.") from None
    if lots > 1_000_000_000:
        raise CodeError(-4005, "Quantity greater than max quantity.")
    return lots


def _number(text: str, name: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite():
        raise missing(name)
    return number


def _side(params: Params) -> int:
    side = {"BUY": 1, "SELL": -1}.get(params.get("side", ""))
    if side is None:
        raise missing("side") if not params.get("side") else CodeError(-1117, "Invalid side.")
    return side


def _leg(house: House, params: Params) -> int:
    name = params.get("positionSide", "BOTH")
    leg = LEGS.get(name)
    if leg is None or (leg != 0) != house.exchange.account.hedge:
        raise CodeError(-4061, "Order's position side does not match user's setting.")
    return leg


def _ticket(house: House, params: Params, kinds: dict[str, int], id_name: str) -> Ticket:
    """Read an order; raise CodeError."""
    lane = lane_of(house, params)
    one = lane.instrument
    number = house.exchange.by_symbol[one.symbol]
    side, leg = _side(params), _leg(house, params)
    name = params.get("type", "")
    if not name:
        raise missing("type")
    kind = kinds.get(name)
    if kind is None:
        if name in STOPS or name in ("STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET"):
            raise CodeError(
                -4120,
                "Order type not supported for this endpoint. Please use the Algo "
                "Order API endpoints instead.",
            )
        raise CodeError(-1116, "Invalid orderType.")
    ours = params.get(id_name) or own_id(house)
    if not _CLIENT_ID.fullmatch(ours):
        raise CodeError(-4015, "Client order id is not valid.")
    reduces = params.get("reduceOnly", "false").lower() == "true"
    if reduces and leg:
        raise CodeError(-1106, "Parameter 'reduceonly' sent when not required.")
    size, price, trigger, tif = _lots(one, params), NO_PRICE, NO_PRICE, GTC
    if kind == LIMIT:
        price = _ticks(one, params, "price")
        tif = _tif(params)
    elif kind == MARKET:
        tif = IOC
    else:
        trigger = _ticks(one, params, "triggerPrice")
    closes = bool(leg) and (side > 0) != (leg > 0)
    ticket = Ticket(
        lane=number, side=side, size=size, client_id=ours, type=kind, tif=tif, price=price,
        trigger=trigger, reduce_only=reduces or closes, leg=leg,
    )  # fmt: skip
    _check_value(house, ticket)
    return ticket


def _tif(params: Params) -> int:
    if not params.get("timeInForce"):
        raise missing("timeInForce")
    tif = TIFS.get(params["timeInForce"])
    if tif is None:
        raise CodeError(-1115, "Invalid timeInForce.")
    return tif


def _check_value(house: House, ticket: Ticket) -> None:
    """Hold an order against the smallest value and the band of prices."""
    fair = house.exchange.price(ticket.lane)
    if outside_band(ticket, fair, _BAND):
        if ticket.side > 0:
            raise CodeError(-4016, "Limit price can't be higher than the band allows.")
        raise CodeError(-4024, "Limit price can't be lower than the band allows.")
    if below_value(house, ticket, MIN_NOTIONAL):
        raise CodeError(
            -4164,
            f"Order's notional must be no smaller than {MIN_NOTIONAL} (unless you choose reduce "
            "only).",
        )


# -- orders ----------------------------------------------------------------------------------------


def place(house: House, params: Params) -> Any:
    """Place a plain order; raise CodeError."""
    ticket = _ticket(house, params, TYPES, "newClientOrderId")
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        raise refuse(placed)
    if ticket.tif == FOK and placed.state == report.EXPIRED:
        house.hidden.add(placed.number)
        raise CodeError(
            -5021,
            "Due to the order could not be filled immediately, the FOK order has "
            "been rejected. The order will not be recorded in the order history",
        )
    form = order_form(house, placed)
    if params.get("newOrderRespType", "ACK") == "ACK" and ticket.type == MARKET:
        form |= {"status": "NEW", "executedQty": "0", "cumQty": "0"}
    return form


def try_place(house: House, params: Params) -> Any:
    """Check an order and forget it."""
    _ticket(house, params, TYPES, "newClientOrderId")
    return {}


def place_algo(house: House, params: Params) -> Any:
    """Place an order with a trigger; raise CodeError."""
    if params.get("algoType") != "CONDITIONAL":
        raise missing("algoType")
    ticket = _ticket(house, params, STOPS, "clientAlgoId")
    rises = (ticket.side > 0) == (ticket.type == STOPS["STOP_MARKET"])
    if fires_at_once(house.exchange.board.lanes[ticket.lane], rises, ticket.trigger):
        raise CodeError(-2021, "Order would immediately trigger.")
    placed = house.exchange.place(ticket)
    if isinstance(placed, Refused):
        raise refuse(placed)
    return algo_form(house, placed)


def _chosen(house: House, params: Params, *, algo: bool) -> LocalOrder | None:
    """Return the order that a request names; raise CodeError if it names none."""
    names = ("algoId", "clientAlgoId") if algo else ("orderId", "origClientOrderId")
    theirs, ours = params.get(names[0], ""), params.get(names[1], "")
    if not theirs and not ours:
        raise missing(names[0])
    found = None
    if theirs.isdigit():
        found = house.exchange.find(int(theirs) - (ALGO_BASE if algo else ORDER_BASE))
    if found is None and ours:
        found = house.exchange.find(client_id=ours)
    if found is None or found.number in house.hidden:
        return None
    return found if found.waits == algo or (found.became and not algo) else None


def cancel(house: House, params: Params) -> Any:
    """Cancel a plain order; raise CodeError."""
    lane_of(house, params)
    return order_form(house, _cancelled(house, _chosen(house, params, algo=False)))


def cancel_algo(house: House, params: Params) -> Any:
    """Cancel an order with a trigger; raise CodeError."""
    done = _cancelled(house, _chosen(house, params, algo=True))
    return {
        "algoId": ALGO_BASE + done.number,
        "clientAlgoId": done.ticket.client_id,
        "code": "200",
        "msg": "success",
    }


def _cancelled(house: House, order: LocalOrder | None) -> LocalOrder:
    done = Refused(report.UNKNOWN_ORDER) if order is None else house.exchange.cancel(order.number)
    if isinstance(done, Refused):
        raise refuse(done)
    return done


def amend(house: House, params: Params) -> Any:
    """Give a limit order a new size and price; raise CodeError."""
    lane = lane_of(house, params)
    order = _chosen(house, params, algo=False)
    if order is None or not order.lives:
        raise CodeError(-2013, "Order does not exist.")
    if order.ticket.type != LIMIT:
        raise CodeError(-5025, "Only limit order is supported.")
    size, price = _lots(lane.instrument, params), _ticks(lane.instrument, params, "price")
    if _side(params) != order.ticket.side:
        raise CodeError(-1117, "Invalid side.")
    if (size, price) == (order.size, order.price):
        raise CodeError(-5027, "No need to modify the order.")
    done = house.exchange.amend(order.number, size, price)
    if isinstance(done, Refused):
        if done.reason == report.WOULD_CROSS and order.ticket.tif == POST_ONLY:
            return order_form(house, _cancelled(house, order))  # as the venue does
        raise refuse(done)
    return order_form(house, done)


def cancel_all(house: House, params: Params) -> Any:
    """Cancel every plain order of an instrument."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    house.exchange.cancel_all(lane, waiting=False)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def cancel_all_algo(house: House, params: Params) -> Any:
    """Cancel every order with a trigger of an instrument."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    house.exchange.cancel_all(lane, waiting=True)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def _each(
    house: House, params: Params, name: str, call: Callable[[House, Params], Any], most: int
) -> Any:
    """Do the items of a batch, each answered on its own."""
    try:
        items = msgspec.json.decode(params.get(name, ""), type=list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise missing(name) from None
    if not 0 < len(items) <= most:
        raise CodeError(-4082, "Invalid number of batch orders.")
    answers = []
    for item in items:
        try:
            answers.append(call(house, {key: _plain(value) for key, value in item.items()}))
        except CodeError as fault:
            answers.append({"code": fault.code, "msg": fault.words})
    return answers


def _plain(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def place_many(house: House, params: Params) -> Any:
    """Place up to five orders."""
    return _each(house, params, "batchOrders", place, 5)


def amend_many(house: House, params: Params) -> Any:
    """Amend up to five orders."""
    return _each(house, params, "batchOrders", amend, 5)


def cancel_many(house: House, params: Params) -> Any:
    """Cancel up to ten orders by either id."""
    lower = {name.lower(): value for name, value in params.items()}
    answers = []
    for name, field in (("orderidlist", "orderId"), ("origclientorderidlist", "origClientOrderId")):
        for item in msgspec.json.decode(lower.get(name, "[]"), type=list[Any])[:10]:
            try:
                one = {"symbol": params.get("symbol", ""), field: _plain(item)}
                answers.append(cancel(house, one))
            except CodeError as fault:
                answers.append({"code": fault.code, "msg": fault.words})
    return answers


def count_down(house: House, params: Params) -> Any:
    """Cancel all in so many ms unless asked again; 0: never."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    after = whole(params, "countdownTime", -1)
    if after < 0:
        raise missing("countdownTime")
    house.dead_man.pop(lane, None)
    if after:
        house.dead_man[lane] = house.exchange.now + after * MS
    return {"symbol": params["symbol"], "countdownTime": str(after)}


# -- questions -------------------------------------------------------------------------------------


def _lane_number(house: House, params: Params) -> int | None:
    if not params.get("symbol"):
        return None
    return house.exchange.by_symbol[lane_of(house, params).instrument.symbol]


def query_order(house: House, params: Params) -> Any:
    """Answer one plain order."""
    lane_of(house, params)
    order = _chosen(house, params, algo=False)
    if order is None:
        raise CodeError(-2013, "Order does not exist.")
    return order_form(house, order, asked=True)


def query_open_order(house: House, params: Params) -> Any:
    """Answer one plain order if it lives."""
    order = _chosen(house, params, algo=False)
    if order is None or not order.lives:
        raise CodeError(-2013, "Order does not exist.")
    return order_form(house, order, asked=True)


def query_algo(house: House, params: Params) -> Any:
    """Answer one order with a trigger."""
    order = _chosen(house, params, algo=True)
    if order is None:
        raise CodeError(-2013, "Order does not exist.")
    return algo_form(house, order)


def open_orders(house: House, params: Params) -> Any:
    """Answer the living plain orders."""
    found = house.exchange.open_orders(_lane_number(house, params))
    return [order_form(house, one, asked=True) for one in found]


def open_algos(house: House, params: Params) -> Any:
    """Answer the living orders with a trigger."""
    found = house.exchange.open_orders(_lane_number(house, params), waiting=True)
    return [algo_form(house, one) for one in found]


def all_orders(house: House, params: Params) -> Any:
    """Answer the last plain orders, those that triggered ones became among them."""
    lane = _lane_number(house, params)
    found = [
        one
        for one in house.exchange.orders.values()
        if one.lane == lane and (not one.waits or one.became) and one.number not in house.hidden
    ]
    kept = found[-whole(params, "limit", 500, 1, 1000) :]
    return [order_form(house, one, asked=True) for one in kept]


def all_algos(house: House, params: Params) -> Any:
    """Answer the last orders with a trigger."""
    lane = _lane_number(house, params)
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
    asked = _lane_number(house, params)
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
    asked = _lane_number(house, params)
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


# -- settings --------------------------------------------------------------------------------------


def set_leverage(house: House, params: Params) -> Any:
    """Set the leverage of an instrument."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    leverage = whole(params, "leverage", 0)
    if not 1 <= leverage <= LEVERAGE_MAX:
        raise CodeError(-4028, f"Leverage {leverage} is not valid")
    house.exchange.account.leverage[lane] = leverage
    return {"leverage": leverage, "maxNotionalValue": "1000000000", "symbol": params["symbol"]}


def set_margin(house: House, params: Params) -> Any:
    """Choose isolated or cross margin; what is isolated is carried as if it were cross."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    isolated = {"ISOLATED": True, "CROSSED": False}.get(params.get("marginType", ""))
    if isolated is None:
        raise missing("marginType")
    exchange = house.exchange
    if exchange.account.isolated[lane] == isolated:
        raise CodeError(-4046, "No need to change margin type.")
    if exchange.open_orders(lane):
        raise CodeError(-4047, "Margin type cannot be changed if there exists open orders.")
    if exchange.account.net(lane):
        raise CodeError(-4048, "Margin type cannot be changed if there exists position.")
    exchange.account.isolated[lane] = isolated
    return {"code": 200, "msg": "success"}


def position_mode(house: House, params: Params) -> Any:
    """Answer whether there are two positions."""
    return {"dualSidePosition": house.exchange.account.hedge}


def set_mode(house: House, params: Params) -> Any:
    """Choose one position or two."""
    hedge = {"true": True, "false": False}.get(params.get("dualSidePosition", "").lower())
    if hedge is None:
        raise missing("dualSidePosition")
    exchange = house.exchange
    if hedge == exchange.account.hedge:
        raise CodeError(-4059, "No need to change position side.")
    why = cannot_switch(house)
    if why == report.TOO_MANY_ORDERS:
        raise CodeError(-4067, "Position side cannot be changed if there exists open orders.")
    if why:
        raise CodeError(-4068, "Position side cannot be changed if there exists position.")
    exchange.account.hedge = hedge
    return {"code": 200, "msg": "success"}


def symbol_config(house: House, params: Params) -> Any:
    """Answer leverage and margin type."""
    exchange = house.exchange
    asked = _lane_number(house, params)
    lanes = range(len(exchange.instruments)) if asked is None else (asked,)
    return [
        {
            "symbol": exchange.instruments[lane].symbol,
            "marginType": "ISOLATED" if exchange.account.isolated[lane] else "CROSSED",
            "isAutoAddMargin": False,
            "leverage": exchange.account.leverage[lane],
            "maxNotionalValue": "1000000000",
        }
        for lane in lanes
    ]


def account_config(house: House, params: Params) -> Any:
    """Answer the account's settings."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": house.exchange.account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


# -- the private stream ----------------------------------------------------------------------------


def new_listen_key(house: House, params: Params) -> Any:
    """Return the account's key, a new one where there is none, and let it live for an hour."""
    return {"listenKey": listen_key(house, _KEY_NS)}


def keep_listen_key(house: House, params: Params) -> Any:
    """Let the key live for another hour; raise CodeError."""
    if not any(until > house.exchange.now for until in house.listen_keys.values()):
        raise CodeError(-1125, "This listenKey does not exist.")
    return new_listen_key(house, params)


def end_listen_key(house: House, params: Params) -> Any:
    """End the key."""
    for key in house.listen_keys:
        house.listen_keys[key] = house.exchange.now
    return {}


_WHAT = {
    report.ACK: "NEW",
    report.FILL: "TRADE",
    report.CANCELED: "CANCELED",
    report.EXPIRED: "EXPIRED",
    report.AMENDED: "AMENDMENT",
}
_WHY = {
    report.SELF_TRADE: "1",
    report.NO_LIQUIDITY: "2",
    report.REDUCE_ONLY_EMPTY: "4",
}


def tell_private(house: House, news: PrivateNews) -> Sequence[Frame]:
    """Return the messages of the private stream."""
    if isinstance(news, AccountNews):
        return (_account_frame(house, news),)
    order = news.order
    if order.number in house.hidden:
        return ()
    if news.kind == report.TRIGGERED:
        return (_algo_frame(house, news), _order_frame(house, news._replace(kind=report.ACK)))
    if order.waits and not order.became:
        return (_algo_frame(house, news),)
    if news.fill is not None:
        frames = [_lite_frame(house, news), _order_frame(house, news)]
    else:
        frames = [_order_frame(house, news)]
    if order.waits and not order.lives:
        frames.append(_algo_frame(house, news))
    return frames


def _order_frame(house: House, news: OrderNews) -> Frame:
    order, fill = news.order, news.fill
    ticket = order.ticket
    one = house.exchange.instruments[order.lane]
    what = _WHAT[news.kind]
    kind = "MARKET" if order.waits else TYPE_NAMES[ticket.type]
    body: dict[str, Any] = {
        "s": one.symbol,
        "c": ticket.client_id,
        "S": side_name(ticket.side),
        "o": kind,
        "f": TIF_NAMES[GTC if kind == "MARKET" else ticket.tif],
        "q": one.size_text(order.size),
        "p": price_text(one, order.price),
        "ap": average_text(one, order),
        "sp": "0",
        "x": what,
        "X": "NEW" if news.kind == report.ACK else status(order),
        "i": order_id(order),
        "l": one.size_text(fill.lots) if fill else "0",
        "z": one.size_text(order.filled),
        "L": one.price_text(fill.price) if fill else "0",
        "n": money_text(fill.fee) if fill else "0",
        "N": one.settle,
        "T": news.ts // MS,
        "t": fill.number if fill else 0,
        "b": "0",
        "a": "0",
        "m": fill.maker if fill else False,
        "R": ticket.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": TYPE_NAMES[ticket.type],
        "ps": LEG_NAMES[ticket.leg],
        "cp": False,
        "pP": False,
        "si": 0,
        "ss": 0,
        "rp": money_text(fill.realised) if fill else "0",
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": _WHY.get(order.reason, "0") if news.kind == report.EXPIRED else "0",
    }
    return _event(house, news.ts, {"e": "ORDER_TRADE_UPDATE", "o": body})


def _lite_frame(house: House, news: OrderNews) -> Frame:
    order, fill = news.order, news.fill
    assert fill is not None, "told of fills only"
    one = house.exchange.instruments[order.lane]
    body = {
        "e": "TRADE_LITE",
        "s": one.symbol,
        "q": one.size_text(order.size),
        "p": price_text(one, order.price),
        "m": fill.maker,
        "c": order.ticket.client_id,
        "S": side_name(fill.side),
        "L": one.price_text(fill.price),
        "l": one.size_text(fill.lots),
        "t": fill.number,
        "i": order_id(order),
    }
    return _event(house, news.ts, body)


def _algo_frame(house: House, news: OrderNews) -> Frame:
    order = news.order
    form = algo_form(house, order)
    body = {
        "caid": order.ticket.client_id,
        "aid": form["algoId"],
        "at": "CONDITIONAL",
        "o": form["orderType"],
        "s": form["symbol"],
        "S": form["side"],
        "ps": form["positionSide"],
        "f": "GTC",
        "q": form["quantity"],
        "X": "TRIGGERED" if news.kind == report.TRIGGERED else algo_state(order),
        "ai": form["actualOrderId"],
        "ap": form["actualPrice"],
        "aq": form["actualQty"],
        "act": "MARKET",
        "tp": form["triggerPrice"],
        "p": "0",
        "V": "EXPIRE_MAKER",
        "wt": "CONTRACT_PRICE",
        "pm": "NONE",
        "cp": False,
        "pP": False,
        "R": form["reduceOnly"],
        "tt": form["triggerTime"],
        "gtd": 0,
        "rm": "",
    }
    return _event(house, news.ts, {"e": "ALGO_UPDATE", "o": body})


def _account_frame(house: House, news: AccountNews) -> Frame:
    exchange = house.exchange
    one = exchange.instruments[news.lane]
    wallet = money_text(news.wallet)
    changed = money_text(-news.paid) if news.paid else "0"
    body: dict[str, Any] = {
        "m": "FUNDING_FEE" if news.paid else "ORDER",
        "B": [{"a": one.settle, "wb": wallet, "cw": wallet, "bc": changed}],
        "P": [],
    }
    if news.paid:
        body["S"] = one.symbol
    else:
        price = exchange.price(news.lane)
        body["P"] = [
            {
                "s": one.symbol,
                "pa": one.size_text(lots),
                "ep": entry,
                "bep": entry,
                "cr": "0",
                "up": money_text(exchange.account.profit(news.lane, leg, price)),
                "mt": "isolated" if exchange.account.isolated[news.lane] else "cross",
                "iw": "0",
                "ps": LEG_NAMES[leg],
            }
            for leg, lots, entry in news.held
        ]
    return _event(house, news.ts, {"e": "ACCOUNT_UPDATE", "a": body})


def _event(house: House, ts: int, body: dict[str, Any]) -> Frame:
    head = {"e": body["e"], "E": house.now_ms, "T": ts // MS}
    return Frame("", msgspec.json.encode(head | body))


def answered(call: Callable[[House, Params], Any]) -> Callable[[House, Params], Reply]:
    """Return a handler that answers with what `call` returns."""
    return lambda house, params: okay(call(house, params))
