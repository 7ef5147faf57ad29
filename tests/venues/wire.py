"""Constructed Binance messages, in the shape of each year's documents."""

from decimal import Decimal

import msgspec

from aggressor.schema.event import Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.venues.table import venue_named
from aggressor.venues.venue import NEEDS_ROOM, MarketDecoder

T0 = 1_767_225_600_000  # ms: 2026-01-01
RECV = 1_767_225_600_100_000_000


def instrument(venue: str, symbol: str, tick: str = "0.10", lot: str = "0.001") -> Instrument:
    kind = venue_named(venue).kind
    return Instrument(venue=venue, symbol=symbol, kind=kind, tick=Decimal(tick), lot=Decimal(lot))


def decoder(venue: str = "binance-usdm", *symbols: str) -> MarketDecoder:
    names = symbols or ("BTCUSDT",)
    return venue_named(venue).market_decoder(
        [(instrument(venue, name), k) for k, name in enumerate(names)]
    )


def combined(body: dict, stream: str = "btcusdt@x") -> bytes:
    return msgspec.json.encode({"stream": stream, "data": body})


def raw(body: dict) -> bytes:
    return msgspec.json.encode(body)


def depth(first: int, last: int, previous: int | None, *, bids=(), asks=(), ms: int = T0, **more):
    body = {"e": "depthUpdate", "E": ms + 1, "T": ms, "s": "BTCUSDT", "U": first, "u": last}
    if previous is None:
        del body["T"]
    else:
        body["pu"] = previous
    return body | {"b": [list(one) for one in bids], "a": [list(one) for one in asks]} | more


def snapshot(last: int, bids=(("100.0", "1"),), asks=(("100.1", "2"),), **more) -> dict:
    sides = {"bids": [list(one) for one in bids], "asks": [list(one) for one in asks]}
    return {"lastUpdateId": last, "E": T0 + 1, "T": T0} | sides | more


def ticker(u: int, bid="100.0", bids="1.500", ask="100.1", asks="2.500", **more) -> dict:
    body = {"e": "bookTicker", "u": u, "s": "BTCUSDT", "b": bid, "B": bids, "a": ask, "A": asks}
    return body | {"T": T0, "E": T0 + 1} | more


def trade(number: int, price: str = "100.1", size: str = "0.006", **more) -> dict:
    body = {"e": "trade", "E": T0 + 1, "T": T0, "s": "BTCUSDT", "t": number, "p": price}
    return body | {"q": size, "X": "MARKET", "m": False} | more


def agg_trade(number: int, price: str = "100.1", size: str = "0.120", **more) -> dict:
    body = {"e": "aggTrade", "E": T0 + 38, "s": "BTCUSDT", "a": number, "p": price, "q": size}
    return body | {"f": 100, "l": 105, "T": T0, "m": True} | more


def decode(one: MarketDecoder, message: bytes, ts_recv: int = RECV, symbol: str = "") -> Events:
    """Return the rows of one message, making room as the decoder asks for it."""
    out = empty_events(64)
    count = one.decode(message, ts_recv, out, symbol)
    if count == NEEDS_ROOM:
        out = empty_events(max(64, one.room(message)))
        count = one.decode(message, ts_recv, out, symbol)
    assert count >= 0
    return out[:count].copy()


def rows(events: Events) -> list[tuple[int, ...]]:
    """Return rows as tuples, for comparing."""
    return [tuple(int(value) for value in row) for row in events.tolist()]
