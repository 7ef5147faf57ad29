"""Binance's public side: answers about the market, and the frames of its streams.

One axis of ids is shared by depth and bookTicker, as at the venue: `U` of a change is its
predecessor's `u` + 1, `pu` that `u`. A stream on the wrong route is acknowledged and silent.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from aggressor.schema.event import ASK, BID
from aggressor.schema.instrument import ContractKind, money_text
from aggressor.sim.local.board import (
    BookNews,
    Lane,
    LiquidationNews,
    MarketNews,
    MarkNews,
    QuoteNews,
    TradeNews,
)
from aggressor.venues.binance.server_forms import symbol_form
from aggressor.venues.served.answering import best, mark_of, stamp
from aggressor.venues.served.dialect import CodeError, Frame, House, Reply
from aggressor.venues.served.told import level_texts

Params = dict[str, str]

_encode = msgspec.json.encode
_SPEEDS = ("depth", "depth@100ms", "depth@500ms", "depth@0ms")
_DEPTHS = (5, 10, 20)
_LIMITS = {"weight": 2400, "orders": 1200, "orders10": 300}


def okay(body: Any) -> Reply:
    """Return an answer of JSON."""
    return Reply(200, _encode(body))


def answered(call: Callable[[House, Params], Any]) -> Callable[[House, Params], Reply]:
    """Return a handler that answers with what `call` returns."""
    return lambda house, params: okay(call(house, params))


def lane_of(house: House, params: Params) -> Lane:
    """Return the instrument that a request names; raise CodeError."""
    symbol = params.get("symbol", "")
    if not symbol:
        raise missing("symbol")
    lane = house.lane(symbol)
    if lane is None:
        raise CodeError(-1121, "Invalid symbol.")
    return house.exchange.board.lanes[lane]


def missing(name: str) -> CodeError:
    """Return the refusal of a request that lacks a parameter."""
    return CodeError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def whole(params: Params, name: str, default: int, least: int = 0, most: int = 2**62) -> int:
    """Return a whole number of a request; raise CodeError."""
    text = params.get(name, "")
    if not text:
        return default
    if not text.lstrip("-").isdigit() or not least <= int(text) <= most:
        raise CodeError(-1130, f"Data sent for parameter '{name}' is not valid.")
    return int(text)


def ping(house: House, params: Params) -> Reply:
    """Answer that the venue is there."""
    return okay({})


def time(house: House, params: Params) -> Reply:
    """Answer the venue's time."""
    return okay({"serverTime": house.now_ms})


def exchange_info(house: House, params: Params) -> Reply:
    """Answer limits, assets and instruments."""
    ones = house.exchange.instruments
    return okay(
        {
            "timezone": "UTC",
            "serverTime": house.now_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": [
                _rate("REQUEST_WEIGHT", "MINUTE", 1, _LIMITS["weight"]),
                _rate("ORDERS", "MINUTE", 1, _LIMITS["orders"]),
                _rate("ORDERS", "SECOND", 10, _LIMITS["orders10"]),
            ],
            "exchangeFilters": [],
            "assets": [
                {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
                for asset in sorted({one.settle for one in ones})
            ],
            "symbols": [symbol_form(one) for one in ones],
        }
    )


def _rate(kind: str, interval: str, count: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


def depth(house: House, params: Params) -> Reply:
    """Answer the book as of the last change told."""
    lane = lane_of(house, params)
    limit = whole(params, "limit", 500)
    if limit not in (5, 10, 20, 50, 100, 500, 1000):
        raise CodeError(-4021, f"{limit} is not valid depth limit.")
    form: dict[str, Any] = {
        "lastUpdateId": lane.book_version,
        "E": house.now_ms,
        "T": house.ms(lane.ts),
        "bids": level_texts(lane, lane.levels(BID, limit)),
        "asks": level_texts(lane, lane.levels(ASK, limit)),
    }
    if lane.instrument.kind is ContractKind.INVERSE:
        form |= {"symbol": lane.instrument.symbol, "pair": lane.instrument.symbol.partition("_")[0]}
    return okay(form)


def trades(house: House, params: Params) -> Reply:
    """Answer the last prints."""
    lane = lane_of(house, params)
    one = lane.instrument
    kept = list(lane.trades)[-whole(params, "limit", 500, 1, 1000) :]
    return okay(
        [
            {
                "id": news.number,
                "price": one.price_text(news.price),
                "qty": one.size_text(news.lots),
                "quoteQty": money_text(round(one.notional(news.price, news.lots))),
                "time": stamp(house, news),
                "isBuyerMaker": news.side < 0,
                "isRPITrade": not news.plain_lots,
            }
            for news in kept
        ]
    )


def agg_trades(house: House, params: Params) -> Reply:
    """Answer the last aggregated prints."""
    lane = lane_of(house, params)
    kept = [news for news in lane.trades if news.flow]
    limit, first = whole(params, "limit", 500, 1, 1000), whole(params, "fromId", -1)
    if first >= 0:
        kept = [news for news in kept if news.number >= first][:limit]
    kept = kept[-limit:]
    forms = [_agg_trade(house, lane, news) for news in kept]
    names = ("a", "p", "q", "nq", "f", "l", "T", "m")
    return okay([{name: form[name] for name in names} for form in forms])


def open_interest(house: House, params: Params) -> Reply:
    """Answer open interest."""
    lane = lane_of(house, params)
    return okay(
        {
            "symbol": lane.instrument.symbol,
            "openInterest": lane.instrument.size_text(lane.interest),
            "time": house.now_ms,
        }
    )


def premium_index(house: House, params: Params) -> Reply:
    """Answer mark price and funding: of one instrument, or all."""
    lanes = [lane_of(house, params)] if params.get("symbol") else house.exchange.board.lanes
    forms = [
        {
            "symbol": lane.instrument.symbol,
            "pair": lane.instrument.symbol.partition("_")[0],
            "markPrice": money_text(mark_of(lane)),
            "indexPrice": money_text(mark_of(lane)),
            "estimatedSettlePrice": money_text(mark_of(lane)),
            "lastFundingRate": money_text(lane.rate),
            "interestRate": "0.00010000",
            "nextFundingTime": house.ms(lane.settles) if lane.settles else 0,
            "time": house.now_ms,
        }
        for lane in lanes
    ]
    linear = lanes[0].instrument.kind is ContractKind.LINEAR
    return okay(forms[0] if params.get("symbol") and linear else forms)


def book_ticker(house: House, params: Params) -> Reply:
    """Answer the best of both sides: of one instrument, or all."""
    lanes = [lane_of(house, params)] if params.get("symbol") else house.exchange.board.lanes
    forms = []
    for lane in lanes:
        top = best(lane, "0")
        forms.append(
            {
                "lastUpdateId": lane.book_version,
                "symbol": lane.instrument.symbol,
                "bidPrice": top.bid,
                "bidQty": top.bid_size,
                "askPrice": top.ask,
                "askQty": top.ask_size,
                "time": house.now_ms,
            }
        )
    return okay(forms[0] if params.get("symbol") else forms)


def price_ticker(house: House, params: Params) -> Reply:
    """Answer the last price: of one instrument, or all."""
    lanes = [lane_of(house, params)] if params.get("symbol") else house.exchange.board.lanes
    forms = [
        {
            "symbol": lane.instrument.symbol,
            "price": lane.instrument.price_text(lane.last_price() or 0),
            "time": house.now_ms,
        }
        for lane in lanes
    ]
    return okay(forms[0] if params.get("symbol") else forms)


# -- streams ---------------------------------------------------------------------------------------


def route_of(topic: str) -> str:
    """Return the route under which USD-M serves a stream."""
    kind = topic.partition("@")[2] or topic.lstrip("!")
    public = ("depth", "bookTicker", "rpiDepth", "trade")
    return "public" if kind.startswith(public) else "market"


def tell(house: House, news: MarketNews, wanted: frozenset[str]) -> Sequence[Frame]:
    """Return the frames of a piece of news that somebody wants."""
    lane = house.exchange.board.lanes[news.lane]
    name = lane.instrument.symbol.lower()
    if isinstance(news, BookNews):
        return _book_frames(house, lane, news, name, wanted)
    if isinstance(news, TradeNews):
        return _trade_frames(house, lane, news, name, wanted)
    if isinstance(news, QuoteNews):
        return _framed((f"{name}@bookTicker", "!bookTicker"), wanted, _ticker, house, lane, news)
    if isinstance(news, MarkNews):
        topics = (f"{name}@markPrice", f"{name}@markPrice@1s")
        return _framed(topics, wanted, _mark_price, house, lane, news)
    if isinstance(news, LiquidationNews):
        topics = (f"{name}@forceOrder", "!forceOrder@arr")
        return _framed(topics, wanted, _force_order, house, lane, news)
    return ()


def _framed(
    topics: Sequence[str], wanted: frozenset[str], form: Any, house: House, lane: Lane, news: Any
) -> Sequence[Frame]:
    asked = [topic for topic in topics if topic in wanted]
    if not asked:
        return ()
    payload = _encode(form(house, lane, news))
    return [Frame(topic, payload) for topic in asked]


def _stamped(house: House, lane: Lane, kind: str, ts: int) -> dict[str, Any]:
    symbol = lane.instrument.symbol
    market = 1 if lane.instrument.kind is ContractKind.LINEAR else 2
    return {"e": kind, "E": house.now_ms, "T": house.ms(ts), "s": symbol, "st": market}


def _book_frames(
    house: House, lane: Lane, news: BookNews, name: str, wanted: frozenset[str]
) -> Sequence[Frame]:
    frames = []
    topics = [topic for kind in _SPEEDS if (topic := f"{name}@{kind}") in wanted]
    ids = {"U": news.previous + 1, "u": news.version, "pu": news.previous}
    pair = {"ps": lane.instrument.symbol.partition("_")[0]}
    head = _stamped(house, lane, "depthUpdate", news.ts) | pair | ids
    if topics:
        sides = {"b": level_texts(lane, news.bids), "a": level_texts(lane, news.asks)}
        payload = _encode(head | sides)
        frames += [Frame(topic, payload) for topic in topics]
    for count in _DEPTHS:
        topics = [f"{name}@depth{count}{speed}" for speed in ("", "@100ms", "@500ms")]
        topics = [topic for topic in topics if topic in wanted]
        if topics:
            bids, asks = lane.levels(BID, count), lane.levels(ASK, count)
            payload = _encode(head | {"b": level_texts(lane, bids), "a": level_texts(lane, asks)})
            frames += [Frame(topic, payload) for topic in topics]
    return frames


def _trade_frames(
    house: House, lane: Lane, news: TradeNews, name: str, wanted: frozenset[str]
) -> Sequence[Frame]:
    frames: list[Frame] = []
    if news.flow:
        frames += _framed((f"{name}@aggTrade",), wanted, _agg_trade, house, lane, news)
    frames += _framed((f"{name}@trade",), wanted, _single_trade, house, lane, news)
    return frames


def _agg_trade(house: House, lane: Lane, news: TradeNews) -> dict[str, Any]:
    one = lane.instrument
    return _stamped(house, lane, "aggTrade", news.ts) | {
        "T": stamp(house, news),
        "a": news.number,
        "p": one.price_text(news.price),
        "q": one.size_text(news.lots),
        "nq": one.size_text(news.plain_lots),
        "f": news.number,
        "l": news.number,
        "m": news.side < 0,
    }


def _single_trade(house: House, lane: Lane, news: TradeNews) -> dict[str, Any]:
    one = lane.instrument
    return _stamped(house, lane, "trade", news.ts) | {
        "T": stamp(house, news),
        "t": news.number,
        "p": one.price_text(news.price),
        "q": one.size_text(news.lots),
        "X": "MARKET" if news.flow else "NA",
        "m": news.side < 0,
    }


def _ticker(house: House, lane: Lane, news: QuoteNews) -> dict[str, Any]:
    one = lane.instrument
    return _stamped(house, lane, "bookTicker", news.ts) | {
        "u": news.version,
        "ps": one.symbol.partition("_")[0],
        "b": one.price_text(news.bid),
        "B": one.size_text(news.bid_lots),
        "a": one.price_text(news.ask),
        "A": one.size_text(news.ask_lots),
    }


def _mark_price(house: House, lane: Lane, news: MarkNews) -> dict[str, Any]:
    mark = money_text(news.price)
    return {
        "e": "markPriceUpdate",
        "E": house.ms(news.ts),
        "s": lane.instrument.symbol,
        "p": mark,
        "ap": mark,
        "i": mark,
        "P": mark,
        "r": money_text(lane.rate),
        "T": house.ms(lane.settles) if lane.settles else 0,
        "st": 1 if lane.instrument.kind is ContractKind.LINEAR else 2,
    }


def _force_order(house: House, lane: Lane, news: LiquidationNews) -> dict[str, Any]:
    one = lane.instrument
    price, size = one.price_text(news.price), one.size_text(news.lots)
    at = house.ms(news.ts)
    return {
        "e": "forceOrder",
        "E": house.now_ms,
        "o": {
            "s": one.symbol,
            "S": "BUY" if news.side > 0 else "SELL",
            "o": "LIMIT",
            "f": "IOC",
            "q": size,
            "p": price,
            "ap": price,
            "X": "FILLED",
            "l": size,
            "z": size,
            "T": at,
            "ps": one.symbol.partition("_")[0],
            "st": 1 if one.kind is ContractKind.LINEAR else 2,
        },
    }
