"""Holes in Binance's tape, and the prints that an answer brings for them.

Aggregated prints count up by one, so what a lost connection did not bring is known by its ids: a
hole runs from the first that is missing to the one that came instead. `GET aggTrades` with `fromId`
answers them for 24 hours. They are written as what they are, late: STALE, with the time of the
answer as ts_recv; each once. What an answer does not bring that runs beyond a hole, or ends, nobody
has any more: it is counted and the hole is closed.

Document: developers.binance.com, Compressed-Aggregate-Trades-List; read 2026-11-22.
"""

import msgspec
import numpy as np

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BATCHED, BUY, LAST, RPI, SELL, STALE, TRADE, Events
from aggressor.schema.instrument import Instrument
from aggressor.venues.binance.tables import HOLES, Tables, nanoseconds
from aggressor.venues.venue import NEEDS_ROOM, Request

PRINTS_MAX = 1000  # of one answer
WEIGHT = 20


class AskedPrint(msgspec.Struct, frozen=True):
    """GET aggTrades.

    [{"a":26129,"p":"0.01633102","q":"4.70443515","nq":"4.7","f":27781,"l":27781,
      "T":1498793709153,"m":true}]
    """

    a: int
    p: str
    q: str
    T: int
    m: bool
    nq: str = ""


_asked = msgspec.json.Decoder(list[AskedPrint])


def prints_request(host: str, path: str, instrument: Instrument, first: int) -> Request:
    """Return the question for the prints from an id on."""
    query = f"symbol={instrument.symbol}&fromId={first}&limit={PRINTS_MAX}"
    return Request("GET", f"{host}{path}?{query}", WEIGHT)


def first_hole(tables: Tables, k: int) -> int:
    """Return the place of the oldest hole of lane k that is open, -1 for none."""
    seen = int(tables.lanes[k]["holes"])
    for number in range(max(seen - HOLES, 0), seen):
        first, stop = tables.holes[k, number % HOLES]
        if first < stop:
            return number % HOLES
    return -1


def missing_print(tables: Tables, k: int) -> int | None:
    """Return the first id that is missing in lane k."""
    place = first_hole(tables, k)
    return None if place < 0 else int(tables.holes[k, place, 0])


def write_asked(
    message: bytes, ts_recv: int, tables: Tables, k: int, instrument: Instrument, out: Events
) -> int:
    """Write what an answer brings for the oldest hole of lane k; NEEDS_ROOM; raise MessageError."""
    try:
        asked = sorted(_asked.decode(message), key=lambda one: one.a)
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        raise MessageError(
            f"An answer about prints of {instrument.symbol} cannot be read ({trouble}): "
            f"{message[:120].decode(errors='replace')} - the prints stay missing."
        ) from None
    place = first_hole(tables, k)
    if place < 0:
        return 0
    if out.size < 2 * len(asked):
        return NEEDS_ROOM
    lane, hole = tables.lanes[k], tables.holes[k, place]
    first, stop, rows, late = int(hole[0]), int(hole[1]), 0, 0
    for one in asked:
        if first <= one.a < stop:
            lane["trades_lost"] += one.a - first
            first, late = one.a + 1, late + 1
            rows += _write(one, ts_recv, lane, instrument, out[rows:])
    lane["trades_late"] += late
    if len(asked) < PRINTS_MAX or asked[-1].a >= stop - 1:
        lane["trades_lost"] += stop - first
        first = stop
    hole[0] = first
    return rows


def _write(
    one: AskedPrint, ts_recv: int, lane: np.void, instrument: Instrument, out: Events
) -> int:
    """Write a print, in two rows where part of it never rested in the public book."""
    price, lots = instrument.ticks(one.p), instrument.lots(one.q)
    if price <= 0 or lots <= 0:
        return 0
    plain = instrument.lots(one.nq) if one.nq else lots
    side, number = (SELL if one.m else BUY), int(lane["instrument"])
    parts = [(size, flag) for size, flag in ((plain, 0), (lots - plain, RPI)) if size > 0]
    for i, (size, flag) in enumerate(parts):
        flags = BATCHED | STALE | flag | (LAST if i == len(parts) - 1 else 0)
        out[i] = (ts_recv, nanoseconds(one.T), size, price, TRADE, side, flags, number)
    return len(parts)
