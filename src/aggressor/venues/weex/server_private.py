"""WEEX's private stream: `account`, `orders`, `positions` and `fill`, each to be subscribed to.

A fill carries its value and no price. `v` counts the messages of the account. Of two positions only
the one that changed is told, a closed one with size 0. The balance is pushed only after it was
asked for once: a well-known client fails on a push that comes before.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.command import LIMIT
from aggressor.schema.instrument import money_text
from aggressor.sim.local.orders import AccountNews, LocalFill, LocalOrder, PrivateNews
from aggressor.venues.served.answering import fills_of, rate_text
from aggressor.venues.served.dialect import MS, Frame, House
from aggressor.venues.weex.server_forms import (
    LEG_NAMES,
    TIF_NAMES,
    algo_id,
    algo_status,
    fill_form,
    order_id,
    position_form,
    position_id,
    price_text,
    reduces,
    side_name,
    status,
    value_text,
)

CHANNELS = ("account", "orders", "positions", "fill")
ASKED = "balance asked for"

_NO_REASON = "UNKNOWN_ORDER_CANCEL_REASON"


def tell_private(house: House, news: PrivateNews) -> Sequence[Frame]:
    """Return the messages of the private stream."""
    if isinstance(news, AccountNews):
        cause = "PositionFundingSettle" if news.paid else "OrderUpdate"
        return [*_position_frames(house, news, cause), *_account_frames(house, news, cause)]
    order, fill = news.order, news.fill
    frames = []
    if fill is not None:
        frames.append(_push(house, "fill", "OrderUpdate", _fill_row(house, fill)))
    if order.waits and (not order.became or news.kind == report.TRIGGERED):
        frames.append(order_frame(house, order, algo=True))
    if not order.waits or order.became:
        frames.append(order_frame(house, order))
    return frames


def _push(house: House, channel: str, cause: str, row: dict[str, Any]) -> Frame:
    house.notes["pushes"] = house.notes.get("pushes", 0) + 1
    head = {"e": channel, "E": house.now_ms, "v": house.notes["pushes"], "msgEvent": cause}
    return Frame(channel, msgspec.json.encode(head | {"d": [row]}))


def order_frame(house: House, order: LocalOrder, *, algo: bool = False) -> Frame:
    """Return how an order stands: with its trigger (`algo`), or the plain one."""
    one, ticket = house.exchange.instruments[order.lane], order.ticket
    exchange, limit = house.exchange, ticket.type == LIMIT
    fills = fills_of(house, order)
    row = {
        "id": str(algo_id(order) if algo else order_id(order)),
        "coin": one.settle,
        "symbol": one.symbol,
        "marginMode": "ISOLATED" if exchange.account.isolated[order.lane] else "CROSSED",
        "separatedMode": "SEPARATED",
        "positionSide": LEG_NAMES[ticket.leg],
        "orderSide": side_name(ticket.side),
        "price": price_text(one, order.price),
        "size": one.size_text(order.size),
        "clientOrderId": ticket.client_id if algo or not order.waits else "",
        "type": ticket.said["type"] if algo else ("LIMIT" if limit else "MARKET"),
        "timeInForce": TIF_NAMES[ticket.tif] if limit else "IOC",
        "reduceOnly": reduces(order),
        "triggerPrice": one.price_text(order.trigger) if algo else "0",
        "orderSource": "API",
        "leverage": str(exchange.account.leverage[order.lane]),
        "takerFeeRate": rate_text(exchange.costs.taker_bp),
        "makerFeeRate": rate_text(exchange.costs.maker_bp),
        "status": algo_status(order) if algo else status(order),
        "cancelReason": _NO_REASON,
        "latestFillPrice": one.price_text(fills[-1].price) if fills else "0",
        "cumFillSize": one.size_text(order.filled),
        "cumFillValue": value_text(one, order.paid),
        "cumFillFee": money_text(sum(x.fee for x in fills)),
        "cumRealizePnl": money_text(sum(x.realised for x in fills)),
        "createdTime": str(order.created // MS),
        "updatedTime": str(order.updated // MS),
    }
    return _push(house, "orders", "OrderUpdate", row)


def _fill_row(house: House, fill: LocalFill) -> dict[str, Any]:
    form = fill_form(house, fill)
    isolated = house.exchange.account.isolated[fill.lane]
    return {
        "id": str(form["id"]),
        "coin": form["commissionAsset"],
        "symbol": form["symbol"],
        "orderId": str(form["orderId"]),
        "marginMode": "ISOLATED" if isolated else "CROSSED",
        "separatedMode": "SEPARATED",
        "positionSide": form["positionSide"],
        "orderSide": form["side"],
        "fillSize": form["qty"],
        "fillValue": form["quoteQty"],
        "fillFee": form["commission"],
        "liquidateFee": "0",
        "realizePnl": form["realizedPnl"],
        "direction": "MAKER" if fill.maker else "TAKER",
        "createdTime": str(fill.ts // MS),
        "updatedTime": str(fill.ts // MS),
    }


def _position_frames(house: House, news: AccountNews, cause: str) -> list[Frame]:
    told: dict[tuple[int, int], tuple[int, str]] = house.notes.setdefault("held", {})
    frames = []
    for leg, lots, entry in news.held:
        same = told.get((news.lane, leg), (0, "0")) == (lots, entry)
        if same and not (news.paid and lots):
            continue
        told[news.lane, leg] = (lots, entry)
        form = position_form(house, news.lane, leg)
        row = {
            "id": str(position_id(news.lane, leg)),
            "coin": form["asset"],
            "symbol": form["symbol"],
            "side": form["side"],
            "marginMode": form["marginType"],
            "separatedMode": form["separatedMode"],
            "leverage": form["leverage"],
            "size": form["size"],
            "openValue": form["openValue"],
            "openFee": form["openFee"],
            "fundingFee": money_text(-news.paid),
            "isolatedMargin": form["isolatedMargin"],
            "updatedTime": str(news.ts // MS),
        }
        frames.append(_push(house, "positions", cause, row))
    return frames


def _account_frames(house: House, news: AccountNews, cause: str) -> list[Frame]:
    if ASKED not in house.notes:
        return []
    one = house.exchange.instruments[news.lane]
    row = {
        "coin": one.settle,
        "marginMode": "CROSSED",
        "crossSymbol": "0",
        "isolatedPositionId": "0",
        "amount": money_text(house.exchange.free(one.settle)),
        "pendingDepositAmount": "0",
        "pendingWithdrawAmount": "0",
        "legacyAmount": money_text(news.wallet),
        "updatedTime": str(news.ts // MS),
    }
    return [_push(house, "account", cause, row)]
