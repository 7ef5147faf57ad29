"""Bybit's public side: answers about the market, and the frames of its streams.

A book is told by depth: whoever subscribes gets a snapshot, then the changes of the best N levels,
levels that leave them as removals; each depth of a symbol counts its own `u`, one by one. `seq` is
one axis for books and best levels.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from aggressor.schema.event import ASK, BID
from aggressor.schema.instrument import money_text
from aggressor.sim.local.board import (
    BookNews,
    FundingNews,
    InterestNews,
    Lane,
    Levels,
    LiquidationNews,
    MarketNews,
    MarkNews,
    QuoteNews,
    TradeNews,
)
from aggressor.venues.bybit.server_forms import category, side_name, symbol_form, trade_id
from aggressor.venues.served.answering import best, stamp
from aggressor.venues.served.dialect import CodeError, Frame, House, Reply
from aggressor.venues.served.past import last_span
from aggressor.venues.served.told import forget, level_texts, moved, opened

Params = dict[str, Any]

DEPTHS = (1, 50, 200, 1000)
_FIRST_U = 1000
_HOUR_S = 3600
_encode = msgspec.json.encode


def answer(
    house: House, result: Any, code: int | str = 0, words: str = "OK", more: Any = None
) -> Reply:
    """Return an answer in Bybit's envelope."""
    form = {"retCode": code, "retMsg": words, "result": result, "retExtInfo": more or {}}
    return Reply(200, _encode(form | {"time": house.now_ms}))


def lane_of(house: House, params: Params) -> Lane:
    """Return the instrument that a request names; raise CodeError."""
    lane = house.lane(str(params.get("symbol", "")))
    if lane is None or not ours(house, params):
        raise CodeError(10001, "params error: symbol invalid")
    return house.exchange.board.lanes[lane]


def ours(house: House, params: Params) -> bool:
    """Say whether a request is about the category that is traded here."""
    asked = params.get("category", "")
    if asked not in ("linear", "inverse", "spot", "option"):
        raise CodeError(10001, "params error: category invalid")
    return asked == category(house)


def _limit(params: Params, default: int, most: int) -> int:
    text = str(params.get("limit", ""))
    return min(int(text), most) if text.isdigit() and int(text) else default


def time(house: House, params: Params) -> Any:
    """Answer the venue's time."""
    return {"timeSecond": str(house.now // 10**9), "timeNano": str(house.now)}


def instruments_info(house: House, params: Params) -> Any:
    """Answer the instruments."""
    found = []
    if ours(house, params) and params.get("status", "Trading") == "Trading":
        wanted = params.get("symbol", "")
        found = [symbol_form(x) for x in house.exchange.instruments if wanted in ("", x.symbol)]
    return {"category": params["category"], "list": found, "nextPageCursor": ""}


def orderbook(house: House, params: Params) -> Any:
    """Answer the book; its `u` belongs to the deepest stream."""
    lane = lane_of(house, params)
    limit = _limit(params, 25, 1000)
    return {
        "s": lane.instrument.symbol,
        "b": level_texts(lane, lane.levels(BID, limit)),
        "a": level_texts(lane, lane.levels(ASK, limit)),
        "ts": house.now_ms,
        "u": lane.number,
        "seq": lane.book_version,
        "cts": house.ms(lane.ts),
    }


def recent_trade(house: House, params: Params) -> Any:
    """Answer the last prints, newest first."""
    lane = lane_of(house, params)
    one, number = lane.instrument, house.exchange.by_symbol[lane.instrument.symbol]
    kept = list(lane.trades)[-_limit(params, 500, 1000) :]
    rows = [
        {
            "execId": trade_id(number, news.number),
            "symbol": one.symbol,
            "price": one.price_text(news.price),
            "size": one.size_text(news.lots),
            "side": side_name(news.side),
            "time": str(stamp(house, news)),
            "isBlockTrade": not news.flow,
            "isRPITrade": not news.plain_lots,
            "seq": str(news.number),
        }
        for news in reversed(kept)
    ]
    return {"category": category(house), "list": rows}


def ticker_form(house: House, lane: Lane) -> dict[str, Any]:
    """Return all that a ticker says."""
    one = lane.instrument
    last = lane.last_price()
    text = "" if last is None else one.price_text(last)
    day = last_span(house, lane)
    mark = money_text(lane.mark) if lane.mark else text
    top = best(lane)
    return {
        "symbol": one.symbol,
        "lastPrice": text,
        "prevPrice24h": one.price_text(day.open),
        "price24hPcnt": f"{(day.close - day.open) / day.open if day.open else 0:.4f}",
        "highPrice24h": one.price_text(day.high),
        "lowPrice24h": one.price_text(day.low),
        "prevPrice1h": one.price_text(last_span(house, lane, _HOUR_S).open),
        "markPrice": mark,
        "indexPrice": mark,
        "turnover24h": money_text(day.value),
        "volume24h": one.size_text(day.lots),
        "bid1Price": top.bid,
        "bid1Size": top.bid_size,
        "ask1Price": top.ask,
        "ask1Size": top.ask_size,
        **_funding(house, lane),
        **_interest(lane),
    }


def _funding(house: House, lane: Lane) -> dict[str, str]:
    if not lane.settles:
        return {"fundingRate": "", "nextFundingTime": ""}
    return {
        "fundingRate": money_text(lane.rate),
        "nextFundingTime": str(house.ms(lane.settles)),
        "fundingIntervalHour": "8",
    }


def _interest(lane: Lane) -> dict[str, str]:
    one = lane.instrument
    both, single = one.size_text(2 * lane.interest), one.size_text(lane.interest)
    return {"openInterest": both, "singleOpenInterest": single} if lane.interest else {}


def tickers(house: House, params: Params) -> Any:
    """Answer mark, funding, interest and best levels: of one instrument, or all."""
    lanes = house.exchange.board.lanes if ours(house, params) else []
    wanted = params.get("symbol", "")
    found = [ticker_form(house, x) for x in lanes if wanted in ("", x.instrument.symbol)]
    return {"category": params["category"], "list": found}


def open_interest(house: House, params: Params) -> Any:
    """Answer open interest as it stands."""
    lane = lane_of(house, params)
    size = lane.instrument.size_text(2 * lane.interest)
    row = {"openInterest": size, "timestamp": str(house.now_ms)}
    return {
        "symbol": lane.instrument.symbol,
        "category": category(house),
        "list": [row],
        "nextPageCursor": "",
    }


def risk_limit(house: House, params: Params) -> Any:
    """Answer the margin tiers: there is one."""
    found = house.exchange.instruments if ours(house, params) else ()
    rows = [
        {
            "id": 1,
            "symbol": one.symbol,
            "riskLimitValue": "2000000",
            "maintenanceMargin": "0.005",
            "initialMargin": "0.01",
            "isLowestRisk": 1,
            "maxLeverage": "100.00",
            "mmDeduction": "",
        }
        for one in found
        if params.get("symbol", one.symbol) == one.symbol
    ]
    return {"category": params["category"], "list": rows, "nextPageCursor": ""}


# -- streams ---------------------------------------------------------------------------------------


def known(house: House, topic: str) -> bool:
    """Say whether a public topic exists here."""
    parts = topic.split(".")
    if parts[0] == "orderbook":
        if len(parts) != 3 or not parts[1].isdigit() or int(parts[1]) not in DEPTHS:
            return False
    elif parts[0] not in ("publicTrade", "tickers", "allLiquidation") or len(parts) != 2:
        return False
    return house.lane(parts[-1]) is not None


def opening(house: House, topic: str) -> Sequence[Frame]:
    """Return what a subscriber of a topic gets first."""
    kind, _, rest = topic.partition(".")
    lane = house.exchange.board.lanes[house.lane(topic.rpartition(".")[2]) or 0]
    if kind == "tickers":
        data = {"topic": topic, "type": "snapshot", "data": ticker_form(house, lane)}
        return (Frame(topic, _encode(data | {"cs": lane.version, "ts": house.now_ms})),)
    if kind != "orderbook":
        return ()
    depth = int(rest.partition(".")[0])
    view = opened(house, lane, topic, depth, _FIRST_U)
    sides = (list(view.bids.items()), list(view.asks.items()))
    return (_book_frame(house, lane, topic, "snapshot", view.number, view.version, *sides),)


def _book_frame(
    house: House,
    lane: Lane,
    topic: str,
    kind: str,
    u: int,
    seq: int,
    bids: Levels,
    asks: Levels,
) -> Frame:
    sides = {"b": level_texts(lane, bids), "a": level_texts(lane, asks)}
    body = {"s": lane.instrument.symbol, **sides, "u": u, "seq": seq}
    head = {"topic": topic, "type": kind, "ts": house.now_ms, "data": body}
    return Frame(topic, _encode(head | {"cts": house.ms(lane.ts)}))


def tell(house: House, news: MarketNews, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the frames of a piece of news that somebody wants."""
    lane = house.exchange.board.lanes[news.lane]
    name = lane.instrument.symbol
    if isinstance(news, BookNews):
        return _book_frames(house, lane, news, name, wanted)
    if isinstance(news, QuoteNews):
        return _quote_frames(house, lane, news, f"orderbook.1.{name}", wanted)
    if isinstance(news, TradeNews):
        return _trade_frames(house, lane, news, f"publicTrade.{name}", wanted)
    if isinstance(news, LiquidationNews):
        return _liquidation_frames(house, lane, news, f"allLiquidation.{name}", wanted)
    topic = f"tickers.{name}"
    if topic not in wanted:
        return ()
    said: dict[str, str] = {}
    if isinstance(news, MarkNews):
        said = {"markPrice": money_text(news.price), "indexPrice": money_text(news.price)}
    elif isinstance(news, FundingNews):
        said = _funding(house, lane)
    elif isinstance(news, InterestNews):
        said = _interest(lane)
    if not said:
        return ()
    data = {"topic": topic, "type": "delta", "data": {"symbol": name, **said}}
    return (Frame(topic, _encode(data | {"cs": lane.version, "ts": house.ms(news.ts)})),)


def _book_frames(
    house: House, lane: Lane, news: BookNews, name: str, wanted: frozenset[str]
) -> Sequence[Frame]:
    """Return the changes of every depth that somebody follows; the others are forgotten."""
    frames = []
    for depth in DEPTHS[1:]:
        topic = f"orderbook.{depth}.{name}"
        if topic not in wanted:
            forget(house, topic)
            continue
        change = moved(house, lane, topic, depth)
        if change is not None:
            u, seq = change.now.number, change.now.version
            frames.append(
                _book_frame(house, lane, topic, "delta", u, seq, change.bids, change.asks)
            )
    return frames


def _quote_frames(
    house: House, lane: Lane, news: QuoteNews, topic: str, wanted: frozenset[str]
) -> Sequence[Frame]:
    if topic not in wanted:
        return ()
    sides = ([(news.bid, news.bid_lots)], [(news.ask, news.ask_lots)])
    u = news.version
    return (_book_frame(house, lane, topic, "snapshot", u, news.version, *sides),)


def _trade_frames(
    house: House, lane: Lane, news: TradeNews, topic: str, wanted: frozenset[str]
) -> Sequence[Frame]:
    if topic not in wanted:
        return ()
    one = lane.instrument
    row = {
        "T": stamp(house, news),
        "s": one.symbol,
        "S": side_name(news.side),
        "v": one.size_text(news.lots),
        "p": one.price_text(news.price),
        "L": "ZeroPlusTick",
        "i": trade_id(news.lane, news.number),
        "BT": not news.flow,
        "RPI": not news.plain_lots,
        "seq": lane.version,
    }
    form = {"topic": topic, "type": "snapshot", "ts": house.now_ms, "data": [row]}
    return (Frame(topic, _encode(form)),)


def _liquidation_frames(
    house: House, lane: Lane, news: LiquidationNews, topic: str, wanted: frozenset[str]
) -> Sequence[Frame]:
    if topic not in wanted:
        return ()
    one = lane.instrument
    row = {
        "T": house.ms(news.ts),
        "s": one.symbol,
        "S": side_name(-news.side),  # of the position that died
        "v": one.size_text(news.lots),
        "p": one.price_text(news.price),
    }
    form = {"topic": topic, "type": "snapshot", "ts": house.now_ms, "data": [row]}
    return (Frame(topic, _encode(form)),)
