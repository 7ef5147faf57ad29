"""BingX's public streams: topics, books at their pace, prints, quotes, marks, figures.

A book's changes come every 200 ms (BTC and ETH; others 800 ms) with ids that skip now and then
although nothing is lost; the first change after a picture is always the picture's id + 1. Asks come
worst first.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from aggressor.schema.instrument import money_text
from aggressor.sim.local.board import Lane, MarketNews, MarkNews, QuoteNews, TradeNews
from aggressor.venues.bingx.server_forms import candle_form
from aggressor.venues.bingx.server_market import CANDLES, sides, ticker_form
from aggressor.venues.served.answering import stamp
from aggressor.venues.served.dialect import MS, Frame, House
from aggressor.venues.served.told import View, due, forget_others, moved, opened

_DEPTHS = (5, 10, 20, 50, 100)
_DEPTH_MAX = 1024
_FAST_MS, _SLOW_MS, _WHOLE_MS = 200, 800, 500
_FIRST_ID = 857_550_000
_TICKER_NS = 1_000_000_000
_CANDLE_FIELDS = (
    *(("c", "close"), ("o", "open"), ("h", "high")),
    *(("l", "low"), ("v", "volume"), ("T", "time")),
)

_encode = msgspec.json.encode


class Topic(NamedTuple):
    """A topic taken apart; `depth` and `every_ns` of those that tell books."""

    symbol: str
    channel: str
    depth: int = 0
    every_ns: int = 0


@lru_cache(4096)
def topic_of(name: str) -> Topic | None:
    """Return what a topic asks for, None if there is no such channel."""
    symbol, _, rest = name.partition("@")
    channel, _, pace = rest.partition("@")
    if channel == "incrDepth" and not pace:
        fast = symbol.startswith(("BTC-", "ETH-"))
        return Topic(symbol, channel, _DEPTH_MAX, (_FAST_MS if fast else _SLOW_MS) * MS)
    if channel.startswith("depth") and channel[5:] in map(str, _DEPTHS):
        every_ms = {"": _WHOLE_MS, "200ms": 200, "500ms": 500}.get(pace)
        return None if every_ms is None else Topic(symbol, channel, int(channel[5:]), every_ms * MS)
    if pace:
        return None
    if channel in ("trade", "bookTicker", "markPrice", "lastPrice", "ticker"):
        return Topic(symbol, channel)
    return Topic(symbol, channel) if channel.removeprefix("kline_") in CANDLES else None


def known(house: House, name: str) -> bool:
    """Say whether a topic exists here."""
    topic = topic_of(name)
    return topic is not None and house.lane(topic.symbol) is not None


def _frame(name: str, data: Any, **more: Any) -> Frame:
    return Frame(name, _encode({"code": 0, "dataType": name} | more | {"data": data}))


def _id(number: int) -> int:
    """Return the id of a book's n-th change: ids go up by 1, 3, 6 or 8."""
    return _FIRST_ID + number + 2 * (number // 3) + 5 * (number // 11)


def opening(house: House, name: str) -> Sequence[Frame]:
    """Return what a new follower of a topic gets first."""
    topic = topic_of(name)
    if topic is None or not topic.depth:
        return ()
    lane = house.exchange.board.lanes[house.lane(topic.symbol) or 0]
    view = opened(house, lane, name, topic.depth)
    if topic.channel != "incrDepth":
        return (_whole_frame(house, lane, name, view),)
    both = sides(lane, list(view.bids.items()), list(view.asks.items()))
    head = {"action": "all", "lastUpdateId": _id(view.number + 1) - 1, "time": house.now_ms}
    return (_frame(name, head | both),)


def _whole_frame(house: House, lane: Lane, name: str, view: View) -> Frame:
    both = sides(lane, list(view.bids.items()), list(view.asks.items()))
    return _frame(name, both, ts=house.now_ms)


def paced(house: House, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the frames of books that are due."""
    frames = []
    forget_others(house, wanted)
    for name in wanted:
        topic = topic_of(name)
        if topic is None or not topic.depth:
            continue
        lane = house.exchange.board.lanes[house.lane(topic.symbol) or 0]
        change = moved(house, lane, name, topic.depth, topic.every_ns)
        if change is None:
            continue
        if topic.channel != "incrDepth":
            frames.append(_whole_frame(house, lane, name, change.now))
            continue
        head = {"action": "update", "lastUpdateId": _id(change.now.number), "time": house.now_ms}
        frames.append(_frame(name, head | sides(lane, change.bids, change.asks)))
    return frames


def tell(house: House, news: MarketNews, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the frames of a piece of news that somebody wants; books have a pace of their own."""
    lane = house.exchange.board.lanes[news.lane]
    symbol = lane.instrument.symbol
    frames: list[Frame] = []
    if isinstance(news, TradeNews):
        frames += _trade_frames(house, lane, news, wanted)
    elif isinstance(news, MarkNews) and (name := f"{symbol}@markPrice") in wanted:
        data = {"e": "markPriceUpdate", "E": house.ms(news.ts), "s": symbol}
        frames.append(_frame(name, data | {"p": money_text(news.price)}))
    elif isinstance(news, QuoteNews) and (name := f"{symbol}@bookTicker") in wanted:
        frames.append(_frame(name, _quote_form(house, lane, news)))
    if (name := f"{symbol}@ticker") in wanted and due(house, name, _TICKER_NS):
        frames.append(_frame(name, _ticker_event(house, lane)))
    return frames


def _trade_frames(
    house: House, lane: Lane, news: TradeNews, wanted: frozenset[str]
) -> Sequence[Frame]:
    one, at = lane.instrument, stamp(house, news)
    price = one.price_text(news.price)
    frames = []
    if (name := f"{one.symbol}@trade") in wanted:
        row = {"q": one.size_text(news.lots), "p": price, "T": at, "m": news.side < 0}
        frames.append(_frame(name, [row | {"s": one.symbol}]))
    if (name := f"{one.symbol}@lastPrice") in wanted:
        row = {"e": "lastPriceUpdate", "E": at, "s": one.symbol, "c": price}
        frames.append(_frame(name, row))
    for span, seconds in CANDLES.items():
        if (name := f"{one.symbol}@kline_{span}") in wanted:
            (candle,) = house.exchange.minutes[news.lane].spans(seconds, 1)
            form = candle_form(one, candle)
            row = {short: form[field] for short, field in _CANDLE_FIELDS}
            frames.append(_frame(name, [row], s=one.symbol))
    return frames


def _quote_form(house: House, lane: Lane, news: QuoteNews) -> dict[str, Any]:
    one, at = lane.instrument, house.ms(news.ts)
    return {
        "e": "bookTicker",
        "u": news.version,
        "E": house.now_ms,
        "T": at,
        "s": one.symbol,
        "b": one.price_text(news.bid),
        "B": one.size_text(news.bid_lots),
        "a": one.price_text(news.ask),
        "A": one.size_text(news.ask_lots),
    }


def _ticker_event(house: House, lane: Lane) -> dict[str, Any]:
    form = ticker_form(house, lane)
    return {
        "e": "24hTicker",
        "E": house.now_ms,
        "s": form["symbol"],
        "p": form["priceChange"],
        "P": form["priceChangePercent"].rstrip("%"),
        "c": form["lastPrice"],
        "L": form["lastQty"],
        "h": form["highPrice"],
        "l": form["lowPrice"],
        "v": form["volume"],
        "q": form["quoteVolume"],
        "o": form["openPrice"],
        "O": form["openTime"],
        "C": form["closeTime"],
        "B": form["bidPrice"],
        "b": form["bidQty"],
        "A": form["askPrice"],
        "a": form["askQty"],
    }
