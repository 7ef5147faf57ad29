"""Bybit's public past: candles, and funding that was paid; both newest first.

Candles of mark and index price are those of the mark price told since the start. Inverse contracts
count volumes in USD and turnover in coins.
"""

from typing import Any

from aggressor.schema.instrument import money_text
from aggressor.sim.local.minutes import Candle
from aggressor.venues.bybit.instruments import SPANS_S
from aggressor.venues.bybit.server_forms import category
from aggressor.venues.bybit.server_market import Params, lane_of
from aggressor.venues.served.dialect import CodeError, House
from aggressor.venues.served.past import chosen

_CANDLES_MAX = 1000
_FUNDING_MAX = 200


def _number(params: Params, name: str, default: int, most: int = 1 << 60) -> int:
    text = str(params.get(name, ""))
    if not text:
        return default
    if not text.isdigit():
        raise CodeError(10001, f"params error: {name} invalid")
    return min(int(text), most)


def _candles(house: House, params: Params, *, marks: bool) -> list[Candle]:
    span_s = SPANS_S.get(str(params.get("interval", "")))
    if span_s is None:
        raise CodeError(10001, "params error: interval invalid")
    number = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    minutes = house.exchange.marks[number] if marks else house.exchange.minutes[number]
    start, end = _number(params, "start", 0), _number(params, "end", 1 << 60)
    limit = _number(params, "limit", 200, _CANDLES_MAX)
    first = "start" in params and "end" not in params
    return chosen(minutes, span_s, start, end, max(1, limit), first=first)[::-1]


def _listed(house: House, params: Params, rows: list[list[str]]) -> dict[str, Any]:
    return {"symbol": params["symbol"], "category": category(house), "list": rows}


def kline(house: House, params: Params) -> Any:
    """Answer candles of prints; the newest one still runs."""
    one = lane_of(house, params).instrument
    rows = [
        [
            str(row.start_s * 1000),
            *(one.price_text(price) for price in (row.open, row.high, row.low, row.close)),
            one.size_text(row.lots),
            money_text(row.value),
        ]
        for row in _candles(house, params, marks=False)
    ]
    return _listed(house, params, rows)


def mark_kline(house: House, params: Params) -> Any:
    """Answer candles of the mark price, which is the index too."""
    lane_of(house, params)
    rows = [
        [
            str(row.start_s * 1000),
            *(money_text(price) for price in (row.open, row.high, row.low, row.close)),
        ]
        for row in _candles(house, params, marks=True)
    ]
    return _listed(house, params, rows)


def funding_history(house: House, params: Params) -> Any:
    """Answer funding that was paid."""
    lane = lane_of(house, params)
    start, end = _number(params, "startTime", 0), _number(params, "endTime", 1 << 60)
    limit = max(1, _number(params, "limit", _FUNDING_MAX, _FUNDING_MAX))
    rows = [
        {
            "symbol": lane.instrument.symbol,
            "fundingRate": money_text(one.rate),
            "fundingRateTimestamp": str(at),
        }
        for one in lane.settled
        if start <= (at := house.ms(one.ts)) <= end
    ]
    return {"category": category(house), "list": rows[-limit:][::-1]}
