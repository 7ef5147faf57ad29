"""Binance's public past: candles, the last 24 hours, and funding that was paid.

Candles of mark and index price are those of the mark price told since the start; where none is
kept, there are none. COIN-M counts volumes in contracts and values in coins.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.schema.instrument import ContractKind, money_text
from aggressor.sim.local.board import Lane
from aggressor.sim.local.minutes import Minutes
from aggressor.venues.binance.candles import CANDLES_MAX, SPANS_S
from aggressor.venues.binance.server_market import Params, lane_of, okay, whole
from aggressor.venues.served.answering import money_of
from aggressor.venues.served.dialect import CodeError, House, Reply
from aggressor.venues.served.past import chosen, last_span

_DAY_MS = 86_400_000
_FUNDING_MAX = 1000
_HOURS = 8


def klines(house: House, params: Params) -> Reply:
    """Answer candles of prints; the last one still runs."""
    lane = lane_of(house, params)
    minutes = house.exchange.minutes[house.exchange.by_symbol[lane.instrument.symbol]]
    one = lane.instrument
    return okay(_rows(params, minutes, one.price_text, one.size_text))


def mark_klines(house: House, params: Params) -> Reply:
    """Answer candles of the mark price, which is the index too; nothing trades at it."""
    pairs = {one.symbol.partition("_")[0]: one.symbol for one in house.exchange.instruments}
    named = params.get("symbol") or pairs.get(params.get("pair", ""), "")
    lane = lane_of(house, {"symbol": named})
    marks = house.exchange.marks[house.exchange.by_symbol[lane.instrument.symbol]]
    return okay(_rows(params, marks, money_text, lambda _: "0"))


def _rows(
    params: Params,
    minutes: Minutes,
    price_text: Callable[[int], str],
    size_text: Callable[[int], str],
) -> list[list[Any]]:
    span_s = SPANS_S.get(params.get("interval", ""))
    if span_s is None:
        raise CodeError(-1120, "Invalid interval.")
    limit = whole(params, "limit", 500, 1, CANDLES_MAX)
    start, end = whole(params, "startTime", 0), whole(params, "endTime", 1 << 60)
    rows = chosen(minutes, span_s, start, end, limit, first=bool(params.get("startTime")))
    return [
        [
            one.start_s * 1000,
            *(price_text(price) for price in (one.open, one.high, one.low, one.close)),
            size_text(one.lots),
            (one.start_s + span_s) * 1000 - 1,
            money_text(one.value),
            one.prints,
            size_text(one.bought),
            money_text(one.bought_value),
            "0",
        ]
        for one in rows
    ]


def day_ticker(house: House, params: Params) -> Reply:
    """Answer the last 24 hours: of one instrument, or all."""
    lanes = [lane_of(house, params)] if params.get("symbol") else house.exchange.board.lanes
    forms = [_day(house, lane) for lane in lanes]
    linear = lanes[0].instrument.kind is ContractKind.LINEAR
    return okay(forms[0] if params.get("symbol") and linear else forms)


def _day(house: House, lane: Lane) -> dict[str, Any]:
    one = lane.instrument
    last = lane.last_price() or 0
    day = last_span(house, lane)
    linear = one.kind is ContractKind.LINEAR
    average = "0"
    if day.lots:
        average = money_of(Fraction(day.paid, day.lots) * Fraction(one.tick))
    kept = lane.trades
    form: dict[str, Any] = {
        "symbol": one.symbol,
        "priceChange": one.price_text(day.close - day.open),
        "priceChangePercent": f"{100 * (day.close - day.open) / day.open if day.open else 0:.3f}",
        "weightedAvgPrice": average,
        "lastPrice": one.price_text(last),
        "lastQty": one.size_text(kept[-1].lots if kept else 0),
        "openPrice": one.price_text(day.open),
        "highPrice": one.price_text(day.high),
        "lowPrice": one.price_text(day.low),
        "volume": one.size_text(day.lots),
        "quoteVolume" if linear else "baseVolume": money_text(day.value),
        "openTime": house.now_ms - _DAY_MS,
        "closeTime": house.now_ms,
        "firstId": kept[-1].number - day.prints + 1 if kept else -1,
        "lastId": kept[-1].number if kept else -1,
        "count": day.prints,
    }
    return form if linear else form | {"pair": one.symbol.partition("_")[0]}


def funding_rates(house: House, params: Params) -> Reply:
    """Answer funding that was paid, oldest first: of one instrument, or all."""
    lanes = [lane_of(house, params)] if params.get("symbol") else house.exchange.board.lanes
    limit = whole(params, "limit", 100, 1, _FUNDING_MAX)
    start, end = whole(params, "startTime", 0), whole(params, "endTime", 1 << 60)
    rows = [
        {
            "symbol": lane.instrument.symbol,
            "fundingTime": at,
            "fundingRate": money_text(one.rate),
            "markPrice": money_text(one.mark),
        }
        for lane in lanes
        for one in lane.settled
        if start <= (at := house.ms(one.ts)) <= end
    ]
    rows.sort(key=lambda row: row["fundingTime"])
    return okay(rows[:limit] if params.get("startTime") else rows[-limit:])


def funding_info(house: House, params: Params) -> Reply:
    """Answer how often and within what funding is paid."""
    rows = [
        {
            "symbol": one.symbol,
            "adjustedFundingRateCap": "0.02",
            "adjustedFundingRateFloor": "-0.02",
            "fundingIntervalHours": _HOURS,
            "disclaimer": False,
            "updateTime": None,
        }
        for one in house.exchange.instruments
    ]
    return Reply(200, msgspec.json.encode(rows))
