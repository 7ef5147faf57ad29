"""What to ask of Binance for order flow: addresses, streams, REST requests; no sockets.

The streams are the diff of the book (100 ms), the best of both sides, the trades, and on
derivatives liquidations and mark price. Since 2026-04-23 the streams of USD-M are routed: depth and
bookTicker under `/public`, the rest under `/market`; on the wrong route a stream is acknowledged
and stays silent, so each connection says what must come. COIN-M and spot have one path. Documents:
developers.binance.com/docs, Websocket Market Streams, Important WebSocket Change Notice; read
2026-05-28.
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from aggressor.schema.event import LEVEL, MARK, QUOTE, TRADE
from aggressor.schema.instrument import Instrument
from aggressor.venues.session import SECOND_NS, Expected
from aggressor.venues.venue import Poll, Request, Subscription

_PUBLIC = ("depth@100ms", "bookTicker")
_MARKET = ("aggTrade", "forceOrder", "markPrice@1s")
_SPOT = ("depth@100ms", "bookTicker", "trade")
_STREAMS_PER_MESSAGE = 200  # well below the 1024 of a connection, and short enough for one frame

_SNAPSHOT_LEVELS = 1000
_INTEREST_EVERY_NS = 5_000_000_000

_EXPECTED = {
    "depth@100ms": Expected(LEVEL, 10 * SECOND_NS),
    "bookTicker": Expected(QUOTE, 60 * SECOND_NS),
    "aggTrade": Expected(TRADE, 600 * SECOND_NS),
    "trade": Expected(TRADE, 600 * SECOND_NS),
    "markPrice@1s": Expected(MARK, 10 * SECOND_NS),
}
_EXPECTED_SPOT = {"depth@100ms": Expected(LEVEL, 60 * SECOND_NS)}  # thin pairs rest for longer


def _subscription(
    address: str,
    instruments: Sequence[Instrument],
    kinds: Sequence[str],
    limits: dict[str, Expected],
) -> Subscription:
    """Return one connection of all `kinds` of all instruments; `limits` of silence by kind."""
    streams = [f"{one.symbol.lower()}@{kind}" for one in instruments for kind in kinds]
    messages = []
    for number, begin in enumerate(range(0, len(streams), _STREAMS_PER_MESSAGE), start=1):
        part = streams[begin : begin + _STREAMS_PER_MESSAGE]
        order = {"method": "SUBSCRIBE", "params": part, "id": number}
        messages.append(msgspec.json.encode(order))
    expected = tuple(limits[kind] for kind in kinds if kind in limits)
    return Subscription(address, tuple(messages), kinds[0] == _PUBLIC[0], expected)


def subscribe_routed(host: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the two connections of USD-M, books and prints."""
    return [
        _subscription(f"{host}/public/stream", instruments, _PUBLIC, _EXPECTED),
        _subscription(f"{host}/market/stream", instruments, _MARKET, _EXPECTED),
    ]


def subscribe_derivatives(host: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the one connection of COIN-M."""
    return [_subscription(f"{host}/stream", instruments, _PUBLIC + _MARKET, _EXPECTED)]


def subscribe_spot(host: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the one connection of the spot market."""
    return [_subscription(f"{host}/stream", instruments, _SPOT, _EXPECTED | _EXPECTED_SPOT)]


def get(host: str, path: str, instrument: Instrument, weight: int, more: str = "") -> Request:
    """Return a request about one instrument; symbols may hold characters that need encoding."""
    return Request("GET", f"{host}{path}?symbol={quote(instrument.symbol)}{more}", weight)


def interest_poll(host: str, path: str, instrument: Instrument) -> tuple[Poll, ...]:
    """Return the question for open interest, which no stream tells."""
    return (Poll(get(host, path, instrument, 1), _INTEREST_EVERY_NS, instrument.symbol),)


def snapshot_request(host: str, path: str, instrument: Instrument, weight: int = 20) -> Request:
    """Return the request for a snapshot of 1000 levels a side."""
    return get(host, path, instrument, weight, f"&limit={_SNAPSHOT_LEVELS}")
