"""MEXC's streams read into parts; what to subscribe to and what to ask for.

What the venue leaves to its clients, and what is done here:

- A book is changes from the start and a fetched picture (`market.align`: REST_SNAPSHOT, CONTIGUOUS
  over begin and end). The picture lags the stream and is asked for again until it meets it. The
  venue's list of recent changes (`depth_commits`) is not used to bridge a gap: a new picture is.
- Acknowledgements name the method, not the symbol, and an unknown method is not answered at all:
  they are counted.
- Prints carried no id before 2026: of those the n-th of equal ones is told from the others by its
  place in the connection. Behind a lost one the last 100 are asked for. What the venue marks as a
  trade with oneself is a print like any other.
- The ticker tells mark price, open interest and the funding rate once a second; when it settles is
  asked for, and told when it changes. Best quotes come without sizes and are not used. There is no
  public stream of forced orders.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from urllib.parse import quote

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, LEVEL, MARK, NO_TIME, SELL, TRADE
from aggressor.schema.instrument import Instrument
from aggressor.venues.decoding.parts import (
    BookPart,
    FundingPart,
    InterestPart,
    MarkPart,
    Part,
    TradePart,
    Unused,
)
from aggressor.venues.mexc.messages import (
    Answer,
    Deal,
    DealFrame,
    DepthFrame,
    FundingFrame,
    PriceFrame,
    RestBook,
    RestFunding,
    TickerFrame,
)
from aggressor.venues.session import SECOND_NS, Control, ControlKind, Expected, LinkRules
from aggressor.venues.text.numerals import text_of
from aggressor.venues.venue import Poll, Request, Subscription

MS = 1_000_000

METHODS = ("sub.depth", "sub.deal", "sub.ticker", "sub.funding.rate")
INSTRUMENTS_MAX = 30  # of one connection: 150 subscriptions have been seen to work

_PUSH = b'"push.'
_MARKET = b'{"symbol":'  # as a rule
_TAIL_BYTES = 80
_ANSWER_BYTES_MAX = 1024
_SNAPSHOT_LEVELS = 1000
_PAST_MAX = 100
_FUNDING_EVERY_NS = 60 * SECOND_NS
_SIDES = {1: BUY, 2: SELL}

EXPECTED = (
    Expected(LEVEL, 30 * SECOND_NS),
    Expected(MARK, 10 * SECOND_NS),
    Expected(TRADE, 600 * SECOND_NS),
)

_depth = msgspec.json.Decoder(DepthFrame)
_deals = msgspec.json.Decoder(DealFrame)
_past = msgspec.json.Decoder(list[Deal])
_ticker = msgspec.json.Decoder(TickerFrame)
_price = msgspec.json.Decoder(PriceFrame)
_funding = msgspec.json.Decoder(FundingFrame)
_answer = msgspec.json.Decoder(Answer)
_rest_book = msgspec.json.Decoder(RestBook)
_rest_funding = msgspec.json.Decoder(RestFunding)


class _Notice(msgspec.Struct, frozen=True):
    """{"channel":"rs.sub.deal","data":"success","ts":1790134590000}."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


_notice = msgspec.json.Decoder(_Notice)


def _ping(number: int) -> bytes:
    return b'{"method":"ping"}'


LINK = LinkRules(
    ping=_ping,
    ping_every_ns=15 * SECOND_NS,  # the venue cuts after 60 s without one
    silence_ns=40 * SECOND_NS,
    messages_per_second=10,
)


def read(message: bytes, symbol: str) -> Sequence[Part]:
    """Return what an unpacked frame says, or the answer to a question about `symbol`."""
    at = message.rfind(_PUSH, -_TAIL_BYTES)  # the channel stands at the end, as a rule
    if at < 0:
        at = message.find(_PUSH)
    if at < 0:
        return _read_answer(message, symbol)
    at += len(_PUSH)
    name = message[at : message.find(b'"', at)]
    reader = _READERS.get(name)
    return (Unused(name.decode()),) if reader is None else reader(message)


def _read_depth(message: bytes) -> Sequence[Part]:
    frame = _depth.decode(message)
    book = frame.data
    last = book.version if book.end is None else book.end
    first = last if book.begin is None else book.begin
    ts_venue = (book.cts or frame.ts) * MS
    bids, asks = memoryview(book.bids), memoryview(book.asks)
    return (BookPart(frame.symbol, ts_venue, False, bids, asks, last, first),)


def _read_deals(message: bytes) -> Sequence[Part]:
    frame = _deals.decode(message)
    data = frame.data
    symbol = frame.symbol
    return [_trade(symbol, one) for one in (data if isinstance(data, list) else (data,))]


def _trade(symbol: str, deal: Deal) -> TradePart:
    price, size = text_of(deal.p), text_of(deal.v)
    side = _SIDES.get(deal.T)
    if side is None:
        raise ValueError(f"a side of {deal.T} is not documented")
    if deal.i:
        return TradePart(symbol, deal.t * MS, price, size, side, 0, str(deal.i))
    key = f"{deal.t}:{price}:{size}:{deal.T}"
    return TradePart(symbol, deal.t * MS, price, size, side, 0, key, True)


def _read_ticker(message: bytes) -> Sequence[Part]:
    frame = _ticker.decode(message)
    symbol, body = frame.symbol, frame.data
    at = body.timestamp * MS if body.timestamp else NO_TIME
    parts: list[Part] = []
    if mark := text_of(body.fair_price):
        parts.append(MarkPart(symbol, at, mark))
    if size := text_of(body.hold_vol):
        parts.append(InterestPart(symbol, at, size))
    if rate := text_of(body.funding_rate):
        parts.append(FundingPart(symbol, at, rate))
    return parts


def _read_mark(message: bytes) -> Sequence[Part]:
    frame = _price.decode(message)
    return (MarkPart(frame.symbol, frame.ts * MS, text_of(frame.data.price)),)


def _read_funding(message: bytes) -> Sequence[Part]:
    frame = _funding.decode(message)
    settles = frame.data.settles * MS if frame.data.settles else NO_TIME
    return (FundingPart(frame.symbol, frame.ts * MS, text_of(frame.data.rate), settles),)


_READERS: dict[bytes, Callable[[bytes], Sequence[Part]]] = {
    b"depth": _read_depth,
    b"deal": _read_deals,
    b"ticker": _read_ticker,
    b"fair.price": _read_mark,
    b"funding.rate": _read_funding,
}


def _read_answer(message: bytes, symbol: str) -> Sequence[Part]:
    """Return what an answer says: prints, a picture of the book or the funding of `symbol`."""
    answer = _answer.decode(message)
    if not symbol:
        return (Unused(_notice.decode(message).channel or "answer"),)
    if not answer.success:
        raise MessageError(
            f"MEXC refused a question about {symbol}: {answer.code} {answer.message or answer.msg}"
            " - see its list of codes; nothing was taken from the answer."
        )
    data = bytes(answer.data)
    if data.startswith(b"[{"):
        past = _past.decode(data)[::-1]  # newest first, as the venue sends them
        return [_trade(symbol, one) for one in sorted(past, key=attrgetter("t"))]
    if b'"nextSettleTime"' in data:
        funding = _rest_funding.decode(data)
        at = funding.timestamp * MS if funding.timestamp else NO_TIME
        settles = funding.settles * MS if funding.settles else NO_TIME
        return (FundingPart(symbol, at, text_of(funding.rate), settles),)
    book = _rest_book.decode(data)
    time = book.cts or book.timestamp
    bids, asks = memoryview(book.bids), memoryview(book.asks)
    return (BookPart(symbol, time * MS if time else NO_TIME, True, bids, asks, book.version),)


def control(message: bytes) -> Control | None:
    """Return what a message about the connection says, None for market or account."""
    if message.startswith(_MARKET) or len(message) > _ANSWER_BYTES_MAX or _PUSH in message:
        return None
    try:
        notice = _notice.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    channel = notice.channel
    text = bytes(notice.data).decode(errors="replace").strip('"')
    if channel == "pong":
        return Control(ControlKind.PONG)
    if channel == "rs.error":
        return Control(ControlKind.REFUSED, text)
    if channel == "rs.login":
        good = text == "success"
        return Control(ControlKind.LOGGED_IN if good else ControlKind.REFUSED, text)
    if channel.startswith(("rs.sub.", "rs.personal.")):
        return Control(ControlKind.ACK, channel)
    return Control(ControlKind.OTHER, channel) if channel.startswith("rs.") else None


def subscribe(address: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the connections that carry these instruments."""
    return [
        Subscription(
            address,
            tuple(
                _order(method, one)
                for one in instruments[begin : begin + INSTRUMENTS_MAX]
                for method in METHODS
            ),
            True,
            EXPECTED,
        )
        for begin in range(0, len(instruments), INSTRUMENTS_MAX)
    ]


def _order(method: str, instrument: Instrument) -> bytes:
    return msgspec.json.encode({"method": method, "param": {"symbol": instrument.symbol}})


def snapshot_request(host: str, instrument: Instrument) -> Request:
    """Return the request for a picture of the book."""
    path = f"/api/v1/contract/depth/{quote(instrument.symbol)}"
    return Request("GET", f"{host}{path}?limit={_SNAPSHOT_LEVELS}", 1)


def trades_request(host: str, instrument: Instrument) -> Request:
    """Return the question for the last 100 prints: what a lost connection did not bring."""
    path = f"/api/v1/contract/deals/{quote(instrument.symbol)}"
    return Request("GET", f"{host}{path}?limit={_PAST_MAX}", 1)


def polls(host: str, instrument: Instrument) -> Sequence[Poll]:
    """Return the question for the time at which funding settles."""
    request = Request("GET", f"{host}/api/v1/contract/funding_rate/{quote(instrument.symbol)}", 1)
    return (Poll(request, _FUNDING_EVERY_NS, instrument.symbol),)
