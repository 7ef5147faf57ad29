"""WEEX's public streams: a book of the best 15 or 200 levels each 500 ms, prints, figures, candles.

`U` of a change is the `u` of the frame before it, a picture's too. Levels that better ones push out
of the window are told as removed here; the venue does not promise that.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from aggressor.schema.instrument import money_text
from aggressor.sim.local.board import Lane, Levels, MarketNews, MarkNews, TradeNews
from aggressor.venues.served.answering import stamp
from aggressor.venues.served.dialect import MS, Frame, House
from aggressor.venues.served.told import due, forget_others, level_texts, moved, opened
from aggressor.venues.weex.server_forms import candle_row, print_id
from aggressor.venues.weex.server_market import CANDLES, FIRST_U, ticker_form

_DEPTHS = {"depth15": 15, "depth200": 200}
_BOOK_NS = 500 * MS
_TICKER_NS = 300 * MS
_PAST_PRINTS = 50
_LAST_PRICE = "_LAST_PRICE"

_encode = msgspec.json.encode


class Topic(NamedTuple):
    """A channel taken apart; `depth` of books, `span_s` of candles."""

    symbol: str
    channel: str
    depth: int = 0
    span_s: int = 0


def named(text: str) -> str:
    """Return a channel as its frames name it: the symbol's case does not matter."""
    symbol, at, channel = text.partition("@")
    return f"{symbol.upper()}{at}{channel}"


@lru_cache(4096)
def topic_of(name: str) -> Topic | None:
    """Return what a channel asks for, None if there is no such one."""
    symbol, _, channel = name.partition("@")
    if channel in _DEPTHS:
        return Topic(symbol, channel, _DEPTHS[channel])
    if channel in ("trade", "ticker"):
        return Topic(symbol, channel)
    if channel.startswith("kline_") and channel.endswith(_LAST_PRICE):
        span_s = CANDLES.get(channel.removeprefix("kline_").removesuffix(_LAST_PRICE))
        return None if span_s is None else Topic(symbol, channel, 0, span_s)
    return None


def refusal_of(house: House, name: str) -> str:
    """Return why a channel cannot be followed, "" if it can."""
    symbol, _, channel = name.partition("@")
    if house.lane(symbol) is None:
        return f"INVALID_ARGUMENT: invalid symbol : {symbol}"
    if channel.startswith("depth") and channel not in _DEPTHS:
        return f"INVALID_ARGUMENT: invalid depth level : {channel.removeprefix('depth')}"
    if topic_of(name) is None:
        return f"INVALID_ARGUMENT: invalid event : {channel}"
    return ""


def opening(house: House, name: str) -> Sequence[Frame]:
    """Return what a new follower of a channel gets first."""
    topic = topic_of(name)
    assert topic is not None, "only channels that exist are followed"
    lane = house.exchange.board.lanes[house.lane(topic.symbol) or 0]
    if topic.depth:
        view = opened(house, lane, name, topic.depth)
        sides = (list(view.bids.items()), list(view.asks.items()))
        return (_book_frame(house, lane, topic, name, view.version - 1, view.version, *sides),)
    if topic.span_s:
        rows = house.exchange.minutes[house.lane(topic.symbol) or 0].spans(topic.span_s, 1)
        return [_candle_frame(house, lane, name, topic, "klineSnapshot", one) for one in rows]
    if topic.channel == "trade":
        rows = list(lane.trades)[-_PAST_PRINTS:]
        return (_trade_frame(house, lane, name, "tradeSnapshot", rows),)
    return (_ticker_frame(house, lane, name),)


def _head(house: House, lane: Lane, event: str) -> dict[str, Any]:
    return {"e": event, "E": house.now_ms, "s": lane.instrument.symbol}


def _book_frame(
    house: House,
    lane: Lane,
    topic: Topic,
    name: str,
    previous: int,
    version: int,
    bids: Levels,
    asks: Levels,
    kind: str = "SNAPSHOT",
) -> Frame:
    event = "depthSnapshot" if kind == "SNAPSHOT" else "depth"
    body = {"U": FIRST_U + previous, "u": FIRST_U + version, "l": topic.depth, "d": kind}
    sides = {"b": level_texts(lane, bids), "a": level_texts(lane, asks)}
    return Frame(name, _encode(_head(house, lane, event) | body | sides))


def paced(house: House, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the frames of books that are due."""
    frames = []
    forget_others(house, wanted)
    for name in wanted:
        topic = topic_of(name)
        if topic is None or not topic.depth:
            continue
        lane = house.exchange.board.lanes[house.lane(topic.symbol) or 0]
        change = moved(house, lane, name, topic.depth, _BOOK_NS)
        if change is not None:
            ids = (change.before.version, change.now.version)
            sides = (change.bids, change.asks)
            frames.append(_book_frame(house, lane, topic, name, *ids, *sides, "CHANGED"))
    return frames


def tell(house: House, news: MarketNews, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the frames of a piece of news that somebody wants; books have a pace of their own."""
    lane = house.exchange.board.lanes[news.lane]
    symbol = lane.instrument.symbol
    frames: list[Frame] = []
    if isinstance(news, TradeNews):
        stamp(house, news)
        if (name := f"{symbol}@trade") in wanted:
            frames.append(_trade_frame(house, lane, name, "trade", [news]))
        for name in wanted:
            topic = topic_of(name)
            if topic is not None and topic.span_s and topic.symbol == symbol:
                (candle,) = house.exchange.minutes[news.lane].spans(topic.span_s, 1)
                frames.append(_candle_frame(house, lane, name, topic, "kline", candle))
    name = f"{symbol}@ticker"
    if isinstance(news, MarkNews | TradeNews) and name in wanted and due(house, name, _TICKER_NS):
        frames.append(_ticker_frame(house, lane, name))
    return frames


def _trade_frame(
    house: House, lane: Lane, name: str, event: str, prints: Sequence[TradeNews]
) -> Frame:
    one = lane.instrument
    rows = [
        {
            "T": stamp(house, news),
            "t": print_id(news.lane, news.number),
            "p": one.price_text(news.price),
            "q": one.size_text(news.lots),
            "v": money_text(round(one.notional(news.price, news.lots))),
            "m": news.side < 0,
        }
        for news in prints
    ]
    return Frame(name, _encode(_head(house, lane, event) | {"d": rows}))


def _ticker_frame(house: House, lane: Lane, name: str) -> Frame:
    form = ticker_form(house, lane)
    row = {
        "p": form["priceChange"],
        "P": form["priceChangePercent"],
        "w": form["lastPrice"],
        "c": form["lastPrice"],
        "o": form["openPrice"],
        "h": form["highPrice"],
        "l": form["lowPrice"],
        "v": form["volume"],
        "q": form["quoteVolume"],
        "O": form["openTime"],
        "C": form["closeTime"],
        "n": form["count"],
        "m": form["markPrice"],
        "i": form["indexPrice"],
    }
    return Frame(name, _encode(_head(house, lane, "ticker") | {"d": [row]}))


def _candle_frame(
    house: House, lane: Lane, name: str, topic: Topic, event: str, candle: Any
) -> Frame:
    row = candle_row(lane.instrument, candle, topic.span_s)
    fields = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
    span = topic.channel.removeprefix("kline_").removesuffix(_LAST_PRICE)
    form = dict(zip(fields, row, strict=True)) | {"s": topic.symbol, "i": span}
    head = _head(house, lane, event) | {"p": _LAST_PRICE.strip("_")}
    return Frame(name, _encode(head | {"d": [form]}))
