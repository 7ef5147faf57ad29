"""A slow Binance decoder for the eye: msgspec, Decimals and dicts, one message at a time.

It shares nothing with the compiled one but the forms of the messages and the codes of EVENT; rows
are tuples (ts_recv, ts_venue, size, price, kind, side, flags, instrument).
"""

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from aggressor.schema import event as ev
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import steps_of
from aggressor.venues.binance.messages import (
    AggTrade,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    Trade,
)

Row = tuple[int, ...]


@dataclass
class Lane:
    instrument: Instrument
    number: int
    book_u: int | None = None  # None: no book
    started: bool = False  # a delta has followed the snapshot
    last_seen: int | None = None
    waiting: list[DepthUpdate] = field(default_factory=list)
    depth_seen: bool = False
    quote: BookTicker | None = None
    quote_time: int = ev.NO_TIME
    clock: int = ev.NO_TIME
    tape: str = ""
    trade_id: int | None = None
    trade_gap: bool = False


class NaiveDecoder:
    """One market's messages to rows; `futures` chooses the chain."""

    def __init__(self, instruments: list[Instrument], futures: bool) -> None:
        self.futures = futures
        self.lanes = {one.symbol: Lane(one, k) for k, one in enumerate(instruments)}

    def decode(self, message: bytes, ts_recv: int, symbol: str = "") -> list[Row]:
        plain = msgspec.json.decode(message)
        body = plain.get("data", plain)
        kind = body.get("e", "")
        if "lastUpdateId" in body:
            snapshot = msgspec.convert(body, DepthSnapshot)
            name = snapshot.symbol or symbol or next(iter(self.lanes))
            return self.snapshot(self.lanes[name], snapshot, ts_recv)
        if body.get("s") not in self.lanes:
            return []
        lane = self.lanes[body["s"]]
        if kind == "depthUpdate":
            return self.delta(lane, msgspec.convert(body, DepthUpdate), ts_recv)
        if kind == "trade":
            trade = msgspec.convert(body, Trade)
            return self.trade(lane, "t", trade.t, trade.q, trade, ts_recv)
        if kind == "aggTrade":
            many = msgspec.convert(body, AggTrade)
            return self.trade(lane, "a", many.a, many.nq or many.q, many, ts_recv)
        if kind == "bookTicker" or {"u", "b", "B", "a", "A"} <= body.keys():
            return self.ticker(lane, msgspec.convert(body, BookTicker), ts_recv)
        return []

    def time(self, lane: Lane, *stated: int | None) -> int:
        for value in stated:
            if value is not None:
                lane.clock = value * (10**6 if value < 10**13 else 10**3)
                break
        return lane.clock

    def row(self, lane: Lane, ts_recv: int, ts_venue: int, *rest: int) -> Row:
        size, price, kind, side, flags = rest
        flags |= ev.BAD_CLOCK if ts_venue == ev.NO_TIME else 0
        return (ts_recv, ts_venue, size, price, kind, side, flags, lane.number)

    def levels(self, lane: Lane, one: DepthUpdate | DepthSnapshot) -> list[tuple[int, int, int]]:
        sides = (one.b, one.a) if isinstance(one, DepthUpdate) else (one.bids, one.asks)
        rows = []
        for side, levels in zip((ev.BID, ev.ASK), sides, strict=True):
            for price, size in levels:
                ticks = steps_of(Decimal(price), lane.instrument.tick)
                if ticks:
                    rows.append((steps_of(Decimal(size), lane.instrument.lot), ticks, side))
        return rows

    def snapshot(self, lane: Lane, one: DepthSnapshot, ts_recv: int) -> list[Row]:
        lane.depth_seen = True
        last = one.last_update_id
        if lane.book_u is not None and last <= lane.book_u:
            return []
        if lane.book_u is None and lane.waiting:
            oldest = lane.waiting[0]
            if self.futures:
                fits = last >= oldest.U or oldest.pu == last
            else:
                fits = last + 1 >= oldest.U
            if not fits:
                return []
        at = self.time(lane, one.T, one.E)
        rows = [self.row(lane, ts_recv, at, 0, 0, ev.CLEAR, 0, ev.SNAPSHOT)]
        for size, price, side in self.levels(lane, one):
            rows.append(self.row(lane, ts_recv, at, size, price, ev.LEVEL, side, ev.SNAPSHOT))
        rows[-1] = (*rows[-1][:6], rows[-1][6] | ev.LAST, rows[-1][7])
        if lane.book_u is None:
            lane.last_seen = None
        lane.book_u, lane.started = last, False
        rows += self.requote(lane, ts_recv)
        waiting, lane.waiting = lane.waiting, []
        for delta in waiting:
            rows += self.delta(lane, delta, ts_recv)
        return rows

    def delta(self, lane: Lane, one: DepthUpdate, ts_recv: int) -> list[Row]:
        lane.depth_seen = True
        at = self.time(lane, one.T, one.E)
        seen = lane.last_seen
        if seen is not None and one.u <= seen:
            return []
        lane.last_seen = one.u
        linked = seen is not None and (one.pu == seen if self.futures else seen + 1 >= one.U)
        if lane.book_u is None:
            lane.waiting = [*lane.waiting, one] if linked else [one]
            return []
        if not lane.started:
            if one.u < lane.book_u or (one.u == lane.book_u and not self.futures):
                return []
            if self.futures:
                linked = linked or lane.book_u >= one.U or one.pu == lane.book_u
            else:
                linked = linked or lane.book_u + 1 >= one.U
        if not linked:
            lane.book_u, lane.waiting = None, [one]
            return [self.row(lane, ts_recv, at, 0, 0, ev.CLEAR, 0, ev.GAP | ev.LAST)]
        lane.book_u, lane.started = one.u, True
        rows = [
            self.row(lane, ts_recv, at, size, price, ev.LEVEL, side, 0)
            for size, price, side in self.levels(lane, one)
        ]
        if not rows:
            return []
        rows[-1] = (*rows[-1][:6], rows[-1][6] | ev.LAST, rows[-1][7])
        return rows + self.requote(lane, ts_recv)

    def requote(self, lane: Lane, ts_recv: int) -> list[Row]:
        one = lane.quote
        if one is None or (lane.book_u is not None and one.u <= lane.book_u):
            return []
        tick, lot, at = lane.instrument.tick, lane.instrument.lot, lane.quote_time
        bid, ask = steps_of(one.b, tick), steps_of(one.a, tick)
        bids, asks = steps_of(one.B, lot), steps_of(one.A, lot)
        if 0 in (bid, ask, bids, asks):
            return []
        return [
            self.row(lane, ts_recv, at, bids, bid, ev.QUOTE, ev.BID, 0),
            self.row(lane, ts_recv, at, asks, ask, ev.QUOTE, ev.ASK, ev.LAST),
        ]

    def ticker(self, lane: Lane, one: BookTicker, ts_recv: int) -> list[Row]:
        if lane.quote is not None and one.u <= lane.quote.u:
            return []
        lane.quote, lane.quote_time = one, self.time(lane, one.T, one.E)
        if lane.depth_seen and lane.book_u is None:
            return []
        return self.requote(lane, ts_recv)

    def trade(
        self, lane: Lane, tape: str, number: int, plain: str, one: Trade | AggTrade, ts_recv: int
    ) -> list[Row]:
        lane.tape = lane.tape or tape
        if tape != lane.tape or (lane.trade_id is not None and number <= lane.trade_id):
            return []
        lane.trade_gap |= lane.trade_id is not None and number != lane.trade_id + 1
        lane.trade_id = number
        at = self.time(lane, one.T)
        price = steps_of(one.p, lane.instrument.tick)
        size = steps_of(one.q, lane.instrument.lot)
        if not price or not size:
            return []
        rested = min(steps_of(plain, lane.instrument.lot), size)
        flags = ev.BATCHED if tape == "a" else 0
        if isinstance(one, Trade) and one.X != "MARKET":
            flags |= ev.NOT_FLOW
        gap = ev.GAP if lane.trade_gap else 0
        lane.trade_gap = False
        side = ev.SELL if one.m else ev.BUY
        parts = [(rested, flags)] if rested else []
        if size > rested:
            parts.append((size - rested, flags | ev.RPI))
        rows = []
        for i, (lots, kind) in enumerate(parts):
            kind |= (gap if i == 0 else 0) | (ev.LAST if i == len(parts) - 1 else 0)
            rows.append(self.row(lane, ts_recv, at, lots, price, ev.TRADE, side, kind))
        return rows
