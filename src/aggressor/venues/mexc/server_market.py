"""MEXC's public questions: the market as its REST side tells it.

Answers come in one envelope, refusals with HTTP 200 and a code. A book fetched lags the stream, as
the venue's does: it is a copy, renewed when it is older than `COPY_NS` of the market. Its version
is the number of changes since the start, which the stream chains (`server_streams`).
"""

from collections import deque
from typing import Any, NamedTuple

import msgspec

from aggressor.schema.event import ASK, BID
from aggressor.sim.local.board import BookNews, Lane, Levels, TradeNews
from aggressor.sim.local.minutes import Candle, Minutes
from aggressor.venues.mexc.server_forms import BAND, contract_form, money, price_of, raw
from aggressor.venues.served.answering import mark_of, stamp
from aggressor.venues.served.dialect import MS, CodeError, House, Reply
from aggressor.venues.served.past import chosen, last_span

Params = dict[str, Any]

COPY_NS = 200 * MS
CHANGES_KEPT = 2000
_BOOK_LEVELS = 1500
_DEALS_MAX = 100
_KLINES_MAX = 2000
_HOURS = 8

SPANS_S = {
    "Min1": 60,
    "Min5": 300,
    "Min15": 900,
    "Min30": 1800,
    "Min60": 3600,
    "Hour4": 14_400,
    "Hour8": 28_800,
    "Day1": 86_400,
}
_encode = msgspec.json.encode


class Change(NamedTuple):
    """A change of a book, under its number."""

    version: int
    bids: Levels
    asks: Levels


class Copy(NamedTuple):
    """A book as fetched, and when it was copied (venue's clock, ns)."""

    at: int
    version: int
    bids: Levels
    asks: Levels
    cts_ms: int


def answer(data: Any) -> Reply:
    """Return an answer in MEXC's envelope."""
    return Reply(200, _encode({"success": True, "code": 0, "data": data}))


def done() -> Reply:
    """Return the answer that says nothing more than that it was done."""
    return Reply(200, b'{"success":true,"code":0}')


def refusal(fault: CodeError) -> Reply:
    """Return a refusal in MEXC's envelope."""
    form = {"success": False, "code": fault.code, "message": fault.words}
    return Reply(200, _encode(form))


def lane_of(house: House, params: Params) -> Lane:
    """Return the instrument that a request names, in either case; raise CodeError."""
    lane = house.lane(str(params.get("symbol", "")).upper())
    if lane is None:
        raise CodeError(1001, "Contract does not exist!")
    return house.exchange.board.lanes[lane]


def number_in(params: Params, name: str, default: int, most: int) -> int:
    """Return a whole number of a query, `default` where it is none."""
    text = str(params.get(name, ""))
    return min(int(text), most) if text.isdigit() and int(text) else default


def page(params: Params, rows: list[Any], default: int = 20, most: int = 100) -> list[Any]:
    """Return the page of rows that is asked for."""
    size = number_in(params, "page_size", default, most)
    first = (number_in(params, "page_num", 1, 1 << 30) - 1) * size
    return rows[first : first + size]


def ping(house: House, params: Params) -> Any:
    """Answer the venue's time."""
    return house.now_ms


def detail(house: House, params: Params) -> Any:
    """Answer one contract, or all in a list."""
    costs = house.exchange.costs
    if params.get("symbol"):
        return contract_form(lane_of(house, params).instrument, costs)
    return [contract_form(one, costs) for one in house.exchange.instruments]


def levels(lane: Lane, side: Levels) -> list[tuple[msgspec.Raw, msgspec.Raw, int]]:
    """Return price, contracts and a number of orders (1: it is not known) of each level."""
    one = lane.instrument
    return [
        (raw(one.price_text(price)), raw(one.size_text(lots)), int(lots > 0))
        for price, lots in side
    ]


def note_change(house: House, news: BookNews) -> None:
    """Keep a change for those who ask for the last ones."""
    kept = house.notes.setdefault("changes", {})
    if news.lane not in kept:
        kept[news.lane] = deque(maxlen=CHANGES_KEPT)
    kept[news.lane].append(Change(news.number, news.bids, news.asks))


def depth(house: House, params: Params) -> Any:
    """Answer a copy of the book."""
    lane = lane_of(house, params)
    number = house.exchange.by_symbol[lane.instrument.symbol]
    copies = house.notes.setdefault("copies", {})
    now = house.exchange.now
    pace = max(1.0, house.exchange.clock.speed)
    if number not in copies or (now - copies[number].at) * pace >= COPY_NS:
        sides = (lane.levels(BID, _BOOK_LEVELS), lane.levels(ASK, _BOOK_LEVELS))
        copies[number] = Copy(now, lane.number, *sides, house.ms(lane.ts))
    copy: Copy = copies[number]
    limit = number_in(params, "limit", _BOOK_LEVELS, _BOOK_LEVELS)
    return {
        "asks": levels(lane, copy.asks[:limit]),
        "bids": levels(lane, copy.bids[:limit]),
        "version": copy.version,
        "timestamp": house.now_ms,
        "cts": copy.cts_ms,
    }


def depth_commits(house: House, params: Params) -> Any:
    """Answer the last changes of the book, newest first, as the wire has them."""
    lane = lane_of(house, params)
    number = house.exchange.by_symbol[lane.instrument.symbol]
    kept = list(house.notes.get("changes", {}).get(number, ()))
    chosen = kept[-number_in(params, "limit", 100, CHANGES_KEPT) :]
    return [
        {
            "asks": levels(lane, one.asks),
            "bids": levels(lane, one.bids),
            "version": one.version,
        }
        for one in reversed(chosen)
    ]


def deal_form(house: House, lane: Lane, news: TradeNews) -> dict[str, Any]:
    """Return one print; whether it opened or closed is not known: 3, unchanged."""
    one = lane.instrument
    return {
        "p": raw(one.price_text(news.price)),
        "v": raw(one.size_text(news.lots)),
        "T": 1 if news.side > 0 else 2,
        "O": 3,
        "M": 2,
        "t": stamp(house, news),
        "i": str(news.number),
    }


def deals(house: House, params: Params) -> Any:
    """Answer the last prints, newest first."""
    lane = lane_of(house, params)
    kept = list(lane.trades)[-number_in(params, "limit", _DEALS_MAX, _DEALS_MAX) :]
    return [deal_form(house, lane, news) for news in reversed(kept)]


def fair(lane: Lane) -> msgspec.Raw:
    """Return the fair price; where no mark is told, the last price stands in."""
    return money(mark_of(lane))


def ticker_form(house: House, lane: Lane) -> dict[str, Any]:
    """Return all that a ticker says."""
    one = lane.instrument
    number = house.exchange.by_symbol[one.symbol]
    last = lane.last_price() or 0
    day = last_span(house, lane)
    first, high, low = day.open, day.high, day.low
    mark = house.exchange.price(number) or 0
    bids, asks = lane.levels(BID, 1), lane.levels(ASK, 1)
    price = fair(lane)
    return {
        "symbol": one.symbol,
        "lastPrice": raw(one.price_text(last)),
        "bid1": raw(one.price_text(bids[0][0] if bids else 0)),
        "ask1": raw(one.price_text(asks[0][0] if asks else 0)),
        "volume24": raw(one.size_text(day.lots)),
        "amount24": money(day.value),
        "holdVol": raw(one.size_text(lane.interest)),
        "lower24Price": raw(one.price_text(low)),
        "high24Price": raw(one.price_text(high)),
        "riseFallRate": raw(f"{(last - first) / first if first else 0:.4f}"),
        "riseFallValue": raw(one.price_text(last - first)),
        "indexPrice": price,
        "fairPrice": price,
        "fundingRate": money(lane.rate),
        "maxBidPrice": price_of(one, mark * (1 + BAND)),
        "minAskPrice": price_of(one, mark * (1 - BAND)),
        "timestamp": house.now_ms,
    }


def ticker(house: House, params: Params) -> Any:
    """Answer the ticker of one contract, or all in a list."""
    if params.get("symbol"):
        return ticker_form(house, lane_of(house, params))
    return [ticker_form(house, lane) for lane in house.exchange.board.lanes]


def _funding(house: House, lane: Lane) -> dict[str, Any]:
    return {
        "symbol": lane.instrument.symbol,
        "fundingRate": money(lane.rate),
        "maxFundingRate": 0.018,
        "minFundingRate": -0.018,
        "collectCycle": _HOURS,
        "nextSettleTime": house.ms(lane.settles) if lane.settles else 0,
        "timestamp": house.now_ms,
    }


def funding_rate(house: House, params: Params) -> Any:
    """Answer the running rate and when it settles."""
    return _funding(house, lane_of(house, params))


def funding_rates(house: House, params: Params) -> Any:
    """Answer the running rates of all contracts."""
    lanes = house.exchange.board.lanes
    return [_funding(house, one) | {"idxPrice": fair(one), "fairPrice": fair(one)} for one in lanes]


def funding_history(house: House, params: Params) -> Any:
    """Answer the rates that were paid, newest first."""
    lane = lane_of(house, params)
    rows = [
        {
            "symbol": lane.instrument.symbol,
            "fundingRate": money(one.rate),
            "settleTime": house.ms(one.ts),
            "collectCycle": _HOURS,
        }
        for one in reversed(lane.settled)
    ]
    size = number_in(params, "page_size", 20, 1000)
    return {
        "pageSize": size,
        "totalCount": len(rows),
        "totalPage": -(-len(rows) // size),
        "currentPage": number_in(params, "page_num", 1, 1 << 30),
        "resultList": page(params, rows, most=1000),
    }


def index_price(house: House, params: Params) -> Any:
    """Answer the index, which is the fair price here."""
    lane = lane_of(house, params)
    price, symbol = fair(lane), lane.instrument.symbol
    return {"symbol": symbol, "indexPrice": price, "timestamp": house.now_ms}


def fair_price(house: House, params: Params) -> Any:
    """Answer the fair price."""
    lane = lane_of(house, params)
    price, symbol = fair(lane), lane.instrument.symbol
    return {"symbol": symbol, "fairPrice": price, "timestamp": house.now_ms}


def _columns(params: Params, minutes: Minutes) -> list[Candle]:
    span_s = SPANS_S.get(str(params.get("interval", "Min1")))
    if span_s is None:
        raise CodeError(600, "Parameter error!")
    start = number_in(params, "start", 0, 1 << 40)
    end = number_in(params, "end", 1 << 40, 1 << 40)
    return chosen(minutes, span_s, 1000 * start, 1000 * end, _KLINES_MAX, first=start > 0)


def kline(house: House, params: Params) -> Any:
    """Answer candles in columns; the last one still runs."""
    lane = lane_of(house, params)
    one = lane.instrument
    rows = _columns(params, house.exchange.minutes[house.exchange.by_symbol[one.symbol]])
    prices = {
        name: [raw(one.price_text(getattr(row, name))) for row in rows]
        for name in ("open", "close", "high", "low")
    }
    return {
        "time": [row.start_s for row in rows],
        **prices,
        "vol": [raw(one.size_text(row.lots)) for row in rows],
        "amount": [money(row.value) for row in rows],
    }


def fair_kline(house: House, params: Params) -> Any:
    """Answer candles of the fair price, which is the index too; nothing trades at it."""
    lane = lane_of(house, params)
    number = house.exchange.by_symbol[lane.instrument.symbol]
    rows = _columns(params, house.exchange.marks[number])
    names = ("open", "close", "high", "low")
    prices = {name: [money(getattr(row, name)) for row in rows] for name in names}
    nothing = [0 for _ in rows]
    return {"time": [row.start_s for row in rows], **prices, "vol": nothing, "amount": nothing}


def risk_reverse(house: House, params: Params) -> Any:
    """Answer the insurance fund: there is none."""
    rows = house.exchange.instruments
    return [
        {"symbol": one.symbol, "currency": one.settle, "available": 0, "timestamp": house.now_ms}
        for one in rows
    ]


def spot_info(house: House, params: Params) -> Reply:
    """Answer the list of spot pairs, which clients load too: there are none."""
    form = {"timezone": "CST", "serverTime": house.now_ms, "rateLimits": [], "symbols": []}
    return Reply(200, _encode(form))


def spot_time(house: House, params: Params) -> Reply:
    """Answer the spot side's time."""
    return Reply(200, _encode({"serverTime": house.now_ms}))


def spot_coins(house: House, params: Params) -> Reply:
    """Answer that no coin can be moved."""
    return Reply(200, b"[]")
