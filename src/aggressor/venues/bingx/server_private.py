"""BingX's private stream: its key in the address is enough, everything comes at once."""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.instrument import money_text
from aggressor.sim.local.orders import AccountNews, LocalFill, LocalOrder, PrivateNews
from aggressor.venues.bingx.server_forms import (
    LEG_NAMES,
    LEVERAGE_MAX,
    order_id,
    price_text,
    side_name,
    state,
    type_name,
)
from aggressor.venues.served.answering import paid_average
from aggressor.venues.served.dialect import MS, Frame, House

_WHAT = {
    report.ACK: "NEW",
    report.AMENDED: "NEW",
    report.TRIGGERED: "NEW",
    report.FILL: "TRADE",
    report.CANCELED: "CANCELED",
    report.EXPIRED: "EXPIRED",
}


def tell_private(house: House, news: PrivateNews) -> Sequence[Frame]:
    """Return the messages of the private stream."""
    if isinstance(news, AccountNews):
        return (_account_frame(house, news),)
    return (order_frame(house, news.order, news.kind, news.ts, news.fill),)


def order_frame(
    house: House, order: LocalOrder, kind: int, ts: int, fill: LocalFill | None = None
) -> Frame:
    """Return what happened to an order; `kind` is of `schema.report`."""
    one, ticket = house.exchange.instruments[order.lane], order.ticket
    body = {
        "s": one.symbol,
        "c": ticket.said["client"],
        "i": str(order_id(order.number)),
        "S": side_name(ticket.side),
        "o": type_name(order),
        "q": one.size_text(order.size),
        "p": price_text(one, order.price),
        "sp": price_text(one, order.trigger),
        "ap": paid_average(one, order) or "0",
        "x": _WHAT.get(kind, "EXPIRED"),
        "X": state(order, stream=True),
        "N": one.settle,
        "n": money_text(-fill.fee) if fill else "0",
        "T": ts // MS if fill else 0,
        "wt": ticket.said.get("working", ""),
        "ps": LEG_NAMES[ticket.leg],
        "rp": money_text(fill.realised) if fill else "0",
        "z": one.size_text(order.filled),
        "l": one.size_text(fill.lots) if fill else "0",
        "L": one.price_text(fill.price) if fill else "0",
        "ro": ticket.reduce_only,
    }
    return _event(house, ts, {"e": "ORDER_TRADE_UPDATE", "o": body})


def _account_frame(house: House, news: AccountNews) -> Frame:
    exchange = house.exchange
    one, price = exchange.instruments[news.lane], exchange.price(news.lane)
    wallet = money_text(news.wallet)
    margin = "isolated" if exchange.account.isolated[news.lane] else "cross"
    body: dict[str, Any] = {
        "m": "FUNDING_FEE" if news.paid else "ORDER",
        "B": [{"a": one.settle, "wb": wallet, "cw": wallet, "bc": money_text(-news.paid)}],
        "P": [],
    }
    if not news.paid:  # funding of a shared margin tells the wallet alone
        body["P"] = [
            {
                "s": one.symbol,
                "pa": one.size_text(lots if leg == 0 else abs(lots)),
                "ep": entry,
                "up": money_text(exchange.account.profit(news.lane, leg, price)),
                "mt": margin,
                "iw": "0",
                "ps": LEG_NAMES[leg],
            }
            for leg, lots, entry in news.held
        ]
    return _event(house, news.ts, {"e": "ACCOUNT_UPDATE", "a": body})


def config_frame(house: House, lane: int, event: str = "ACCOUNT_CONFIG_UPDATE") -> Frame:
    """Return the settings of an instrument, as told when they change and between times."""
    account = house.exchange.account
    body = {
        "s": house.exchange.instruments[lane].symbol,
        "l": min(account.leverage[lane], LEVERAGE_MAX),
        "S": min(account.leverage[lane], LEVERAGE_MAX),
        "mt": "isolated" if account.isolated[lane] else "cross",
    }
    return Frame("", msgspec.json.encode({"e": event, "E": house.now_ms, "ac": body}))


def key_ended_frame(house: House, key: str) -> Frame:
    """Return the news that a key of the stream has ended."""
    body = {"e": "listenKeyExpired", "E": house.now_ms, "listenKey": key}
    return Frame("", msgspec.json.encode(body))


def _event(house: House, ts: int, body: dict[str, Any]) -> Frame:
    head = {"e": body["e"], "E": house.now_ms, "T": ts // MS}
    return Frame("", msgspec.json.encode(head | body))
