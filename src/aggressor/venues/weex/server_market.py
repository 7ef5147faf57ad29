"""WEEX's public answers: contracts, books, prints, figures, candles.

`lastUpdateId` of the book is the streams' counter. Prints have the ids of the stream: both are
UUIDs where samples show them, and whether they are the same is not documented.
"""

from typing import Any

from aggressor.schema.event import ASK, BID
from aggressor.schema.instrument import money_text
from aggressor.sim.local.board import Lane
from aggressor.venues.served.answering import best, mark_of, stamp
from aggressor.venues.served.dialect import CodeError, House
from aggressor.venues.served.past import chosen, last_span
from aggressor.venues.served.told import level_texts
from aggressor.venues.weex.instruments import SPANS
from aggressor.venues.weex.server_forms import candle_row, contract_form, print_id

Params = dict[str, Any]

FIRST_U = 16_938_000_000
CANDLES = {name: seconds for seconds, name in SPANS.items()} | {"1w": 604_800}

_DEPTHS = (15, 200)
_ROWS_MAX = 1000
_HISTORY_MAX = 100
_CYCLE_MINUTES = 480
_DAY_MS = 86_400_000
_LATEST_MS = 2**62


def lane_of(house: House, params: Params) -> Lane:
    """Return the instrument that a request names; raise CodeError."""
    symbol = str(params.get("symbol", ""))
    if not symbol:
        raise CodeError(-1141, "Parameter 'symbol' cannot be empty.")
    lane = house.lane(symbol)
    if lane is None:
        raise CodeError(-1121, "Invalid symbol.")
    return house.exchange.board.lanes[lane]


def lane_number(house: House, params: Params) -> int | None:
    """Return the number of the instrument that a request may name; raise CodeError."""
    if not params.get("symbol"):
        return None
    return house.exchange.by_symbol[lane_of(house, params).instrument.symbol]


def whole(params: Params, name: str, default: int, most: int = _LATEST_MS) -> int:
    """Return a whole number of a request, at most `most`; raise CodeError."""
    text = str(params.get(name, ""))
    if not text:
        return default
    if not text.isdigit():
        raise CodeError(-1142, f"Parameter '{name}' is invalid.")
    return min(int(text), most)


def _lanes(house: House, params: Params) -> list[Lane]:
    return [lane_of(house, params)] if params.get("symbol") else house.exchange.board.lanes


def time(house: House, params: Params) -> Any:
    """Answer the venue's time."""
    return {"serverTime": house.now_ms}


def exchange_info(house: House, params: Params) -> Any:
    """Answer assets, limits and contracts."""
    costs, wallets = house.exchange.costs, house.exchange.account.wallets
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 10, "limit": 500},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 300},
    ]
    return {
        "assets": [{"asset": one, "marginAvailable": True} for one in wallets],
        "rateLimits": limits,
        "symbols": [contract_form(lane.instrument, costs) for lane in _lanes(house, params)],
    }


def no_symbols(house: House, params: Params) -> Any:
    """Answer that no spot market is served."""
    return {"timezone": "UTC", "serverTime": house.now_ms, "symbols": []}


def no_coins(house: House, params: Params) -> Any:
    """Answer that no coin can be moved."""
    return []


def tradable(house: House, params: Params) -> Any:
    """Answer which contracts take orders: all of them."""
    return [one.symbol for one in house.exchange.instruments]


def depth(house: House, params: Params) -> Any:
    """Answer the book."""
    lane = lane_of(house, params)
    limit = whole(params, "limit", _DEPTHS[0])
    if limit not in _DEPTHS:
        raise CodeError(-1142, "Parameter 'limit' is invalid: 15 or 200.")
    return {
        "bids": level_texts(lane, lane.levels(BID, limit)),
        "asks": level_texts(lane, lane.levels(ASK, limit)),
        "lastUpdateId": FIRST_U + lane.book_version,
    }


def trades(house: House, params: Params) -> Any:
    """Answer the last prints, oldest first."""
    lane = lane_of(house, params)
    one, kept = lane.instrument, list(lane.trades)[-whole(params, "limit", 100, _ROWS_MAX) :]
    return [
        {
            "id": print_id(news.lane, news.number),
            "time": stamp(house, news),
            "price": one.price_text(news.price),
            "qty": one.size_text(news.lots),
            "quoteQty": money_text(round(one.notional(news.price, news.lots))),
            "isBestMatch": True,
            "isBuyerMaker": news.side < 0,
        }
        for news in kept
    ]


def _candles(house: House, params: Params, *, dated: bool) -> Any:
    lane = lane_of(house, params)
    span_s = CANDLES.get(str(params.get("interval", "")))
    if span_s is None:
        raise CodeError(-1142, "Parameter 'interval' is invalid.")
    begin, end = whole(params, "startTime", 0), whole(params, "endTime", _LATEST_MS)
    if begin > end:
        raise CodeError(-1171, "startTime cannot be greater than endTime.")
    most = _HISTORY_MAX if dated else _ROWS_MAX
    minutes = house.exchange.minutes[house.exchange.by_symbol[lane.instrument.symbol]]
    limit = whole(params, "limit", 100, most)
    first = dated and bool(params.get("startTime"))
    rows = chosen(minutes, span_s, begin, end, limit, first=first)
    return [candle_row(lane.instrument, one, span_s) for one in rows]


def klines(house: House, params: Params) -> Any:
    """Answer the last candles, oldest first; the newest is still running."""
    return _candles(house, {**params, "startTime": "", "endTime": ""}, dated=False)


def history_klines(house: House, params: Params) -> Any:
    """Answer candles of a span, oldest first."""
    return _candles(house, params, dated=True)


def tickers(house: House, params: Params) -> Any:
    """Answer the figures of a day: of one contract, or all."""
    return [ticker_form(house, lane) for lane in _lanes(house, params)]


def ticker_form(house: House, lane: Lane) -> dict[str, Any]:
    """Return the figures of a day; the change is a share."""
    one, day = lane.instrument, last_span(house, lane)
    change = (day.close - day.open) / day.open if day.open else 0.0
    mark = money_text(mark_of(lane))
    return {
        "symbol": one.symbol,
        "priceChange": one.price_text(day.close - day.open),
        "priceChangePercent": f"{change:.6f}",
        "lastPrice": one.price_text(day.close),
        "openPrice": one.price_text(day.open),
        "highPrice": one.price_text(day.high),
        "lowPrice": one.price_text(day.low),
        "volume": one.size_text(day.lots),
        "quoteVolume": money_text(day.value),
        "markPrice": mark,
        "indexPrice": mark,
        "openTime": house.now_ms - _DAY_MS,
        "closeTime": house.now_ms,
        "count": day.prints,
    }


def book_tickers(house: House, params: Params) -> Any:
    """Answer the best of both sides: of one contract, or all."""
    forms = []
    for lane in _lanes(house, params):
        top = best(lane, "0")
        forms.append(
            {
                "symbol": lane.instrument.symbol,
                "bidPrice": top.bid,
                "bidQty": top.bid_size,
                "askPrice": top.ask,
                "askQty": top.ask_size,
                "time": house.now_ms,
            }
        )
    return forms


def symbol_price(house: House, params: Params) -> Any:
    """Answer mark or index price; here they are the same."""
    if params.get("priceType", "INDEX") not in ("MARK", "INDEX"):
        raise CodeError(-1142, "Parameter 'priceType' is invalid.")
    lane = lane_of(house, params)
    price = money_text(mark_of(lane))
    return {"symbol": lane.instrument.symbol, "price": price, "time": house.now_ms}


def open_interest(house: House, params: Params) -> Any:
    """Answer open interest in base coins."""
    lane = lane_of(house, params)
    return {
        "symbol": lane.instrument.symbol,
        "openInterest": lane.instrument.size_text(lane.interest),
        "time": house.now_ms,
    }


def premium_index(house: House, params: Params) -> Any:
    """Answer mark price and funding; the forecast is what will be settled next."""
    return [
        {
            "symbol": lane.instrument.symbol,
            "markPrice": money_text(mark_of(lane)),
            "indexPrice": money_text(mark_of(lane)),
            "lastFundingRate": money_text(lane.settled[-1].rate if lane.settled else 0),
            "forecastFundingRate": money_text(lane.rate),
            "interestRate": "0.0001",
            "nextFundingTime": house.ms(lane.settles) if lane.settles else 0,
            "time": house.now_ms,
            "collectCycle": _CYCLE_MINUTES,
        }
        for lane in _lanes(house, params)
    ]


def funding_rates(house: House, params: Params) -> Any:
    """Answer the funding that was paid, newest first."""
    lane = lane_of(house, params)
    begin, end = whole(params, "startTime", 0), whole(params, "endTime", _LATEST_MS)
    rows = [
        {
            "symbol": lane.instrument.symbol,
            "fundingRate": money_text(one.rate),
            "fundingTime": house.ms(one.ts),
        }
        for one in reversed(lane.settled)
    ]
    kept = [one for one in rows if begin <= one["fundingTime"] <= end]
    return kept[: whole(params, "limit", 100, _ROWS_MAX)]
