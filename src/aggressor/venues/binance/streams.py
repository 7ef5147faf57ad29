"""What to ask of Binance for order flow: addresses, streams, REST requests; no sockets.

The streams are the diff of the book (100 ms), the best of both sides, the trades, and on
derivatives liquidations and mark price. Since 2026-04-23 derivatives' streams are routed: depth and
bookTicker under `/public`, the rest under `/market`; on the wrong route a stream is acknowledged
and stays silent. Spot has one path. Documents: developers.binance.com/docs, Websocket Market
Streams; read 2026-05-28.
"""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from aggressor.schema.instrument import Instrument
from aggressor.venues.venue import Poll, Request, Subscription

_PUBLIC = ("depth@100ms", "bookTicker")
_MARKET = ("aggTrade", "forceOrder", "markPrice@1s")
_SPOT = ("depth@100ms", "bookTicker", "trade")
_STREAMS_PER_MESSAGE = 200  # well below the 1024 of a connection, and short enough for one frame

_SNAPSHOT_LEVELS = 1000
_INTEREST_EVERY_NS = 5_000_000_000


def _subscription(address: str, streams: Sequence[str]) -> Subscription:
    messages = []
    for number, begin in enumerate(range(0, len(streams), _STREAMS_PER_MESSAGE), start=1):
        part = streams[begin : begin + _STREAMS_PER_MESSAGE]
        order = {"method": "SUBSCRIBE", "params": part, "id": number}
        messages.append(msgspec.json.encode(order))
    return Subscription(address, tuple(messages))


def _names(instruments: Sequence[Instrument], kinds: Sequence[str]) -> list[str]:
    return [f"{one.symbol.lower()}@{kind}" for one in instruments for kind in kinds]


def subscribe_derivatives(host: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the two connections of a derivatives market, books and prints."""
    return [
        _subscription(f"{host}/public/stream", _names(instruments, _PUBLIC)),
        _subscription(f"{host}/market/stream", _names(instruments, _MARKET)),
    ]


def subscribe_spot(host: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the one connection of the spot market."""
    return [_subscription(f"{host}/stream", _names(instruments, _SPOT))]


def get(host: str, path: str, instrument: Instrument, weight: int, more: str = "") -> Request:
    """Return a request about one instrument; symbols may hold characters that need encoding."""
    return Request("GET", f"{host}{path}?symbol={quote(instrument.symbol)}{more}", weight)


def interest_poll(host: str, path: str, instrument: Instrument) -> tuple[Poll, ...]:
    """Return the question for open interest, which no stream tells."""
    return (Poll(get(host, path, instrument, 1), _INTEREST_EVERY_NS, instrument.symbol),)


def snapshot_request(host: str, path: str, instrument: Instrument, weight: int = 20) -> Request:
    """Return the request for a snapshot of 1000 levels a side."""
    return get(host, path, instrument, weight, f"&limit={_SNAPSHOT_LEVELS}")
