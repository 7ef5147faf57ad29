"""BingX's public answers: contracts, books, prints, figures, candles.

Asks come worst first, prints and candles newest first; prints have no ids.
"""

from typing import Any

from aggressor.schema.event import ASK, BID
from aggressor.schema.instrument import money_text
from aggressor.sim.local.board import Lane, Levels, TradeNews
from aggressor.venues.bingx.instruments import SPANS
from aggressor.venues.bingx.server_forms import candle_form, contract_form, interest_text, paid_text
from aggressor.venues.served.answering import best, mark_of, stamp
from aggressor.venues.served.dialect import CodeError, House
from aggressor.venues.served.past import chosen, last_span
from aggressor.venues.served.told import level_texts

Params = dict[str, str]

LIMITS = (5, 10, 20, 50, 100, 500, 1000)
CANDLES = {name: seconds for seconds, name in SPANS.items()} | {"3d": 259_200, "1w": 604_800}
_ROWS, _ROWS_MAX = 500, 1440
_DAY_MS = 86_400_000


def lane_of(house: House, params: Params) -> Lane:
    """Return the instrument that a request names; raise CodeError."""
    symbol = params.get("symbol", "")
    if not symbol:
        raise bad("symbol", "this field is required")
    lane = house.lane(symbol)
    if lane is None:
        raise CodeError(109425, f"{symbol} not exist, please verify it in api list")
    return house.exchange.board.lanes[lane]


def bad(name: str, words: str) -> CodeError:
    """Return the refusal of a parameter."""
    return CodeError(109400, f"Invalid parameters, err:{name}: {words}")


def whole(params: Params, name: str, default: int, most: int) -> int:
    """Return a whole number of a request, at most `most`; raise CodeError."""
    text = params.get(name, "")
    if not text:
        return default
    if not text.isdigit():
        raise bad(name, "this field must be a whole number")
    return min(int(text), most)


def _lanes(house: House, params: Params) -> list[Lane]:
    return [lane_of(house, params)] if params.get("symbol") else house.exchange.board.lanes


def time(house: House, params: Params) -> Any:
    """Answer the venue's time."""
    return {"serverTime": house.now_ms}


def contracts(house: House, params: Params) -> Any:
    """Answer the contracts."""
    costs = house.exchange.costs
    return [contract_form(lane.instrument, costs) for lane in _lanes(house, params)]


def nothing(house: House, params: Params) -> Any:
    """Answer an empty list: markets and coins that are not traded here."""
    return []


def no_symbols(house: House, params: Params) -> Any:
    """Answer that no spot market is served."""
    return {"symbols": []}


def sides(lane: Lane, bids: Levels, asks: Levels) -> dict[str, Any]:
    """Return both sides of a book or a change of it."""
    worst_first = sorted(asks, reverse=True)
    return {
        "bids": level_texts(lane, sorted(bids, reverse=True)),
        "asks": level_texts(lane, worst_first),
    }


def depth(house: House, params: Params) -> Any:
    """Answer the book; it has no id."""
    lane = lane_of(house, params)
    limit = whole(params, "limit", 20, 10**9)
    if limit not in LIMITS:
        raise bad("limit", f"must be one of {', '.join(map(str, LIMITS))}")
    both = sides(lane, lane.levels(BID, limit), lane.levels(ASK, limit))
    coins = {"bidsCoin": both["bids"], "asksCoin": both["asks"]}
    return {"T": house.now_ms} | both | coins


# -- prints ----------------------------------------------------------------------------------------


def trades(house: House, params: Params) -> Any:
    """Answer the last prints, newest first."""
    lane = lane_of(house, params)
    kept = list(lane.trades)[-whole(params, "limit", 500, 1000) :]
    stamped = [(stamp(house, news), news) for news in kept]
    return [_past_form(lane, at, news) for at, news in reversed(stamped)]


def past_trades(house: House, params: Params) -> Any:
    """Answer prints with ids, from one on or the last; newest first."""
    lane = lane_of(house, params)
    kept = [x for x in lane.trades if x.number >= whole(params, "fromId", 1, 2**62)]
    most = whole(params, "limit", 50, 100)
    kept = kept[:most] if params.get("fromId") else kept[-most:]
    stamped = [(stamp(house, news), news) for news in kept]
    return [_past_form(lane, at, x) | {"id": str(x.number)} for at, x in reversed(stamped)]


def _past_form(lane: Lane, at: int, news: TradeNews) -> dict[str, Any]:
    one = lane.instrument
    return {
        "time": at,
        "isBuyerMaker": news.side < 0,
        "price": one.price_text(news.price),
        "qty": one.size_text(news.lots),
        "quoteQty": money_text(round(one.notional(news.price, news.lots))),
    }


# -- figures ---------------------------------------------------------------------------------------


def premium_index(house: House, params: Params) -> Any:
    """Answer mark price and funding: of one contract, or all."""
    forms = [
        {
            "symbol": lane.instrument.symbol,
            "markPrice": money_text(mark_of(lane)),
            "indexPrice": money_text(mark_of(lane)),
            "lastFundingRate": money_text(lane.rate),
            "nextFundingTime": house.ms(lane.settles) if lane.settles else 0,
            "fundingIntervalHours": 8,
            "minFundingRate": "-0.02",
            "maxFundingRate": "0.02",
            "updateTime": house.now_ms,
        }
        for lane in _lanes(house, params)
    ]
    return forms[0] if params.get("symbol") else forms


def funding_rates(house: House, params: Params) -> Any:
    """Answer the funding that was paid, newest first."""
    first, last = whole(params, "startTime", 0, 2**62), whole(params, "endTime", 2**62, 2**62)
    rows = [
        {
            "symbol": lane.instrument.symbol,
            "fundingRate": money_text(one.rate),
            "fundingTime": house.ms(one.ts),
        }
        for lane in _lanes(house, params)
        for one in reversed(lane.settled)
    ]
    kept = [one for one in rows if first <= one["fundingTime"] <= last]
    return kept[: whole(params, "limit", 100, 1000)]


def open_interest(house: House, params: Params) -> Any:
    """Answer open interest by its value in the quote currency, as the venue's samples show it."""
    lane = lane_of(house, params)
    return {
        "openInterest": interest_text(lane),
        "symbol": lane.instrument.symbol,
        "time": house.now_ms,
    }


def ticker(house: House, params: Params) -> Any:
    """Answer the figures of a day: of one contract, or all."""
    forms = [ticker_form(house, lane) for lane in _lanes(house, params)]
    return forms[0] if params.get("symbol") else forms


def ticker_form(house: House, lane: Lane) -> dict[str, Any]:
    """Return the figures of a day."""
    one, day, top = lane.instrument, last_span(house, lane), best(lane, "0")
    change = 100 * (day.close - day.open) / day.open if day.open else 0.0
    return {
        "symbol": one.symbol,
        "priceChange": one.price_text(day.close - day.open),
        "priceChangePercent": f"{change:.2f}%",
        "lastPrice": one.price_text(day.close),
        "lastQty": one.size_text(lane.trades[-1].lots) if lane.trades else "0",
        "highPrice": one.price_text(day.high),
        "lowPrice": one.price_text(day.low),
        "volume": one.size_text(day.lots),
        "quoteVolume": paid_text(one, day.paid),
        "openPrice": one.price_text(day.open),
        "openTime": house.now_ms - _DAY_MS,
        "closeTime": house.now_ms,
        "askPrice": top.ask,
        "askQty": top.ask_size,
        "bidPrice": top.bid,
        "bidQty": top.bid_size,
    }


def price(house: House, params: Params) -> Any:
    """Answer the last price: of one contract, or all."""
    forms = [
        {
            "symbol": lane.instrument.symbol,
            "price": lane.instrument.price_text(lane.last_price() or 0),
            "time": house.now_ms,
        }
        for lane in _lanes(house, params)
    ]
    return forms[0] if params.get("symbol") else forms


def book_ticker(house: House, params: Params) -> Any:
    """Answer the best of both sides, as bare numbers."""
    lane = lane_of(house, params)
    top = best(lane, "0")
    return {
        "book_ticker": {
            "symbol": lane.instrument.symbol,
            "bid_price": float(top.bid),
            "bid_qty": float(top.bid_size),
            "ask_price": float(top.ask),
            "ask_qty": float(top.ask_size),
        }
    }


def klines(house: House, params: Params) -> Any:
    """Answer candles, newest first; the first of them is still running."""
    lane = lane_of(house, params)
    span_s = CANDLES.get(params.get("interval", ""))
    if span_s is None:
        raise bad("interval", "is not supported")
    minutes = house.exchange.minutes[house.exchange.by_symbol[lane.instrument.symbol]]
    begin, end = whole(params, "startTime", 0, 2**62), whole(params, "endTime", 2**62, 2**62)
    limit = whole(params, "limit", _ROWS, _ROWS_MAX)
    rows = chosen(minutes, span_s, begin, end, limit, first=bool(params.get("startTime")))
    return [candle_form(lane.instrument, one) for one in reversed(rows)]
