"""MEXC's public pushes: what a socket is told of the market.

A book comes merged, every 200 ms of the market: `begin` and `end` are the numbers of the first and
the last change in it, and there is never a picture. Who asks for `"compress":false` gets each
change by itself, with `version` alone. Topics are this side's own words, as `depth.BTC_USDT`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggressor.schema.event import ASK, BID
from aggressor.sim.local.board import (
    BookNews,
    FundingNews,
    Lane,
    MarketNews,
    MarkNews,
    TradeNews,
)
from aggressor.venues.mexc.server_forms import money, raw
from aggressor.venues.mexc.server_market import (
    SPANS_S,
    deal_form,
    fair,
    levels,
    note_change,
    ticker_form,
)
from aggressor.venues.served.dialect import MS, Frame, House
from aggressor.venues.served.told import due

MERGED_NS = 200 * MS
FULL_NS = 300 * MS
FULL_DEPTHS = (5, 10, 20)
_BY_SYMBOL = ("depth", "deal", "ticker", "funding.rate", "fair.price", "index.price")


def topic_of(house: House, name: str, param: dict[str, Any]) -> str | None:
    """Return the topic that a subscription names; "" for an unknown symbol, None: no such thing."""
    if name in ("tickers", "contract", "event.contract"):
        return name
    symbol = str(param.get("symbol", ""))
    known = house.lane(symbol) is not None
    if name == "depth" and param.get("compress") is False:
        return f"depth.each.{symbol}" if known else ""
    if name in _BY_SYMBOL:
        return f"{name}.{symbol}" if known else ""
    if name == "depth.full":
        limit = param.get("limit", 20)
        return f"depth.full.{limit}.{symbol}" if known and limit in FULL_DEPTHS else ""
    if name == "kline":
        interval = param.get("interval", "Min1")
        return f"kline.{interval}.{symbol}" if known and interval in SPANS_S else ""
    return None


def _push(house: House, topic: str, channel: str, symbol: str, data: Any) -> Frame:
    form = {"symbol": symbol, "data": data, "channel": f"push.{channel}", "ts": house.now_ms}
    return Frame(topic, msgspec.json.encode(form))


def tell(house: House, news: MarketNews, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the frames of a piece of news that somebody wants now; merged books wait."""
    lane = house.exchange.board.lanes[news.lane]
    if isinstance(news, BookNews):
        note_change(house, news)
        _merge(house, news, lane.instrument.symbol, wanted)
        return _each_change(house, lane, news, wanted)
    if isinstance(news, TradeNews):
        return _trade_frames(house, lane, news, wanted)
    if isinstance(news, MarkNews):
        return _mark_frames(house, lane, wanted)
    if isinstance(news, FundingNews):
        symbol = lane.instrument.symbol
        if (topic := f"funding.rate.{symbol}") in wanted:
            settles = house.ms(lane.settles)
            data = {"symbol": symbol, "rate": money(lane.rate), "nextSettleTime": settles}
            return (_push(house, topic, "funding.rate", symbol, data),)
    return ()


# -- books -----------------------------------------------------------------------------------------


class Merging(msgspec.Struct):
    """Changes of a book that wait to be told as one."""

    begin: int
    end: int
    bids: dict[int, int]
    asks: dict[int, int]


def _merge(house: House, news: BookNews, symbol: str, wanted: frozenset[str]) -> None:
    merging: dict[int, Merging] = house.notes.setdefault("merging", {})
    if f"depth.{symbol}" not in wanted:
        merging.pop(news.lane, None)
        return
    open_one = merging.get(news.lane)
    if open_one is None:
        merging[news.lane] = Merging(news.number, news.number, dict(news.bids), dict(news.asks))
        return
    open_one.end = news.number
    open_one.bids.update(news.bids)
    open_one.asks.update(news.asks)


def paced(house: House, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the books that are due by the clock: merged changes, and the best levels whole."""
    frames = []
    for number, lane in enumerate(house.exchange.board.lanes):
        symbol = lane.instrument.symbol
        topic = f"depth.{symbol}"
        merging = house.notes.get("merging", {})
        if number in merging and due(house, topic, MERGED_NS):
            frames.append(_merged_frame(house, lane, topic, merging.pop(number)))
        for limit in FULL_DEPTHS:
            topic = f"depth.full.{limit}.{symbol}"
            if topic in wanted and due(house, topic, FULL_NS):
                frames.append(_full_frame(house, lane, topic, limit))
    return frames


def _merged_frame(house: House, lane: Lane, topic: str, one: Merging) -> Frame:
    data = {
        "cts": house.ms(lane.ts),
        "asks": levels(lane, list(one.asks.items())),
        "bids": levels(lane, list(one.bids.items())),
        "begin": one.begin,
        "end": one.end,
        "version": one.end,
    }
    return _push(house, topic, "depth", lane.instrument.symbol, data)


def _each_change(
    house: House, lane: Lane, news: BookNews, wanted: frozenset[str]
) -> Sequence[Frame]:
    symbol = lane.instrument.symbol
    topic = f"depth.each.{symbol}"
    if topic not in wanted:
        return ()
    sides = {"asks": levels(lane, news.asks), "bids": levels(lane, news.bids)}
    data = {"cts": house.ms(news.ts), **sides, "version": news.number}
    return (_push(house, topic, "depth", symbol, data),)


def _full_frame(house: House, lane: Lane, topic: str, limit: int) -> Frame:
    data = {
        "asks": levels(lane, lane.levels(ASK, limit)),
        "bids": levels(lane, lane.levels(BID, limit)),
        "version": lane.number,
    }
    return _push(house, topic, "depth.full", lane.instrument.symbol, data)


# -- prints, prices --------------------------------------------------------------------------------


def _trade_frames(
    house: House, lane: Lane, news: TradeNews, wanted: frozenset[str]
) -> Sequence[Frame]:
    symbol = lane.instrument.symbol
    frames = []
    if (topic := f"deal.{symbol}") in wanted:
        frames.append(_push(house, topic, "deal", symbol, [deal_form(house, lane, news)]))
    for interval, span_s in SPANS_S.items():
        if (topic := f"kline.{interval}.{symbol}") in wanted:
            data = _kline(house, lane, news.lane, interval, span_s)
            frames.append(_push(house, topic, "kline", symbol, data))
    return frames


def _kline(house: House, lane: Lane, number: int, interval: str, span_s: int) -> dict[str, Any]:
    one = lane.instrument
    row = house.exchange.minutes[number].spans(span_s, 1)[-1]
    opened, close, high, low = (
        raw(one.price_text(price)) for price in (row.open, row.close, row.high, row.low)
    )
    return {
        "symbol": one.symbol,
        "interval": interval,
        "t": row.start_s,
        "o": opened,
        "c": close,
        "h": high,
        "l": low,
        "a": money(row.value),
        "q": raw(one.size_text(row.lots)),
        "ro": opened,
        "rc": close,
        "rh": high,
        "rl": low,
    }


def _mark_frames(house: House, lane: Lane, wanted: frozenset[str]) -> Sequence[Frame]:
    symbol = lane.instrument.symbol
    frames = []
    for name in ("fair.price", "index.price"):
        if (topic := f"{name}.{symbol}") in wanted:
            data: Any = {"symbol": symbol, "price": fair(lane)}
            frames.append(_push(house, topic, name, symbol, data))
    if (topic := f"ticker.{symbol}") in wanted:
        frames.append(_push(house, topic, "ticker", symbol, ticker_form(house, lane)))
    if "tickers" in wanted:
        data = [ticker_form(house, one) for one in house.exchange.board.lanes]
        frames.append(_push(house, "tickers", "tickers", symbol, data))
    return frames
