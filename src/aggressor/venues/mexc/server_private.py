"""MEXC's private pushes: what a socket that logged in is told of the account.

Everything, or what `personal.filter` asks for. Nothing is told on login: who comes asks over REST.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggressor.schema import report
from aggressor.schema.instrument import Instrument
from aggressor.sim.local.orders import AccountNews, LocalOrder, OrderNews, PrivateNews
from aggressor.venues.mexc.server_forms import (
    asset_form,
    fill_form,
    money,
    order_form,
    plan_form,
    position_form,
    position_id,
    raw,
)
from aggressor.venues.mexc.server_stops import end_pair, pair_of
from aggressor.venues.served.dialect import Channel, Frame, House

FILTERS = (
    "order",
    "order.deal",
    "position",
    "plan.order",
    "stop.order",
    "stop.planorder",
    "risk.limit",
    "adl.level",
    "asset",
)
ALL = "personal"
_PAID_KEPT = 1000
_MS = 1_000_000


def chosen(param: dict[str, Any]) -> set[str] | None:
    """Return the topics of a filter message, None if it cannot be read."""
    filters = param.get("filters", [])
    if not isinstance(filters, list):
        return None
    topics: set[str] = set()
    for one in filters:
        name = one.get("filter") if isinstance(one, dict) else None
        if name not in FILTERS:
            return None
        rules = one.get("rules") or []
        topics |= {f"{name}@{symbol}" for symbol in rules} or {f"{name}@"}
    return topics or {ALL}


def wrap(channel: Channel, frame: Frame) -> bytes:
    """Return a frame as this client gets it, b"" if it did not ask for it."""
    name, private, _ = frame.topic.partition("@")
    if not private or not channel.topics.isdisjoint((ALL, frame.topic, f"{name}@")):
        return frame.payload
    return b""


def _push(house: House, name: str, symbol: str, data: dict[str, Any]) -> Frame:
    form = {"channel": f"push.personal.{name}", "data": data, "ts": house.now_ms}
    return Frame(f"{name}@{symbol}", msgspec.json.encode(form))


def tell_private(house: House, news: PrivateNews) -> Sequence[Frame]:
    """Return the pushes of a piece of news."""
    if isinstance(news, AccountNews):
        return _account_frames(house, news)
    order = news.order
    symbol = house.exchange.instruments[order.lane].symbol
    frames = []
    if news.fill is not None:
        form = fill_form(house, news.fill)
        form["isTaker"] = form.pop("taker")
        more = {"isSelf": False, "externalOid": order.ticket.client_id}
        more["reduceOnly"] = order.ticket.reduce_only
        frames.append(_push(house, "order.deal", symbol, form | more))
    if order.waits and news.fill is None:
        frames.append(_waiting_frame(house, news, symbol))
        end_pair(house, order)
    if not order.waits or order.became:
        frames.append(order_frame(house, order))
    return frames


def _waiting_frame(house: House, news: OrderNews, symbol: str) -> Frame:
    pair = pair_of(house, news.order)
    if pair is not None:
        return _push(house, "stop.planorder", symbol, pair)
    return _push(house, "plan.order", symbol, plan_form(house, news.order))


def order_frame(house: House, order: LocalOrder) -> Frame:
    """Return the push of a plain order as it stands."""
    one = house.exchange.instruments[order.lane]
    told: dict[int, int] = house.notes.setdefault("versions", {})
    told[order.number] = told.get(order.number, 0) + 1
    left = order.leaves if order.lives else 0
    more = {"remainVol": raw(one.size_text(left)), "version": told[order.number]}
    if order.state in (report.FILL, report.CANCELED, report.EXPIRED, report.REJECTED):
        del told[order.number]
    return _push(house, "order", one.symbol, order_form(house, order) | more)


def _account_frames(house: House, news: AccountNews) -> Sequence[Frame]:
    one = house.exchange.instruments[news.lane]
    before: dict[tuple[int, int], int] = house.notes.setdefault("held", {})
    frames = []
    for leg, lots, _ in news.held:
        key = (news.lane, leg)
        kinds = [1 if held > 0 else 2 for held in (before.get(key, 0), lots) if held]
        for kind in dict.fromkeys(kinds):
            form = position_form(house, news.lane, leg, kind)
            if lots and kind != kinds[-1]:
                form |= {"state": 3, "holdVol": 0}
            frames.append(_push(house, "position", one.symbol, form))
        before[key] = lots
        if lots and news.paid:
            _note_paid(house, one, news, lots)
    form = asset_form(house, one.settle)
    names = ("currency", "availableBalance", "frozenBalance", "positionMargin", "bonus")
    frames.append(_push(house, "asset", "", {name: form[name] for name in names}))
    return frames


def _note_paid(house: House, one: Instrument, news: AccountNews, lots: int) -> None:
    """Keep what was paid as funding; of a hedged account the whole stands with each leg."""
    paid = house.notes.setdefault("paid", [])
    price = house.exchange.price(news.lane) or 0
    kind = 1 if lots > 0 else 2
    row = {
        "lane": news.lane,
        "id": len(paid) + 1,
        "symbol": one.symbol,
        "positionType": kind,
        "positionId": position_id(news.lane, kind),
        "positionValue": money(round(one.notional(price, abs(lots)))),
        "funding": money(-news.paid),
        "rate": money(house.exchange.board.lanes[news.lane].rate),
        "settleTime": news.ts // _MS,
    }
    paid.append(row)
    del paid[:-_PAID_KEPT]
