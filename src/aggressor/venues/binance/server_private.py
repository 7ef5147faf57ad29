"""Binance's private stream: its keys, and what it tells of orders, fills and the account."""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.command import GTC
from aggressor.schema.instrument import money_text
from aggressor.sim.local.orders import AccountNews, OrderNews, PrivateNews
from aggressor.venues.binance.server_forms import (
    LEG_NAMES,
    TIF_NAMES,
    TYPE_NAMES,
    algo_form,
    algo_state,
    average_text,
    order_id,
    price_text,
    side_name,
    status,
)
from aggressor.venues.binance.server_market import Params
from aggressor.venues.served.answering import listen_key
from aggressor.venues.served.dialect import MS, CodeError, Frame, House

_KEY_NS = 3600 * 1_000_000_000


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
