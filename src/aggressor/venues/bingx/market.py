"""BingX's streams read into parts; what to subscribe to and what to ask for.

What the venue leaves to its clients, and what is done here:

- The book is `incrDepth`: a picture (`all`), then changes whose ids skip without loss; the first
  change must follow the picture directly (`market.align`, SKIPPING). There is no checksum.
- Prints have no id and come newest first. Equal prints of a connection all count; those that a new
  connection repeats do not (`parts.TradePart.alike`).
- `bookTicker` may be minutes old and has no number on the book's axis: it is never fused.
- Open interest is documented in base coins and shown in amounts that cannot be coins (BTC-USDT
  3,289,641,547): its unit is not known, so it is not taken.
- The best levels as whole books (`depth20@500ms`) read as pictures without an id: enough for a
  recording that holds nothing else. A change that follows one is a gap.
- There is no public stream of forced orders, funding or index.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from urllib.parse import quote

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, LEVEL, MARK, NO_TIME, SELL, TRADE
from aggressor.schema.instrument import Instrument
from aggressor.venues.bingx.messages import (
    Answer,
    DepthFrame,
    Frame,
    IncrDepthFrame,
    MarkFrame,
    PastTrade,
    PremiumIndex,
    Reply,
    TradeFrame,
)
from aggressor.venues.decoding.parts import BookPart, FundingPart, MarkPart, Part, TradePart, Unused
from aggressor.venues.session import SECOND_NS, Control, ControlKind, Expected, LinkRules
from aggressor.venues.venue import Poll, Request, Subscription

MS = 1_000_000

TOPICS = ("trade", "incrDepth", "markPrice")
TOPICS_MAX = 200  # of one connection
LINK = LinkRules(
    silence_ns=20 * SECOND_NS,  # the venue pings every 5 s
    messages_per_second=5,  # below the ten that it bears
)
EXPECTED = (
    Expected(LEVEL, 60 * SECOND_NS),  # quiet symbols have been silent for 20 s
    Expected(MARK, 20 * SECOND_NS),
    Expected(TRADE, 900 * SECOND_NS),
)

_FUNDING_EVERY_NS = 60 * SECOND_NS
_DATA = b'{"code":0,"dataType":"'
_DATA_BYTES = len(_DATA)

_trades = msgspec.json.Decoder(TradeFrame)
_changes = msgspec.json.Decoder(IncrDepthFrame)
_books = msgspec.json.Decoder(DepthFrame)
_marks = msgspec.json.Decoder(MarkFrame)
_frame = msgspec.json.Decoder(Frame)
_reply = msgspec.json.Decoder(Reply)
_answer = msgspec.json.Decoder(Answer)
_past = msgspec.json.Decoder(list[PastTrade])
_premium = msgspec.json.Decoder(PremiumIndex)
_premiums = msgspec.json.Decoder(list[PremiumIndex])


def read(message: bytes, symbol: str) -> Sequence[Part]:
    """Return what an unpacked frame says, or the answer to a question about `symbol`."""
    if message.startswith(_DATA):
        topic = message[_DATA_BYTES : message.find(b'"', _DATA_BYTES)]
    elif message == b"Ping":
        return (Unused("Ping"),)
    else:
        topic = _frame.decode(message).data_type.encode()
    name, _, channel = topic.partition(b"@")
    reader = _READERS.get(channel)
    if reader is not None:
        return reader(message, name.decode())
    if channel.startswith(b"depth"):
        return _read_book(message, name.decode())
    if channel:
        return (Unused(channel.decode()),)
    if symbol:
        return _read_answer(message, symbol)
    code = _frame.decode(message).code
    if code is None:
        raise ValueError("neither a topic nor a code")
    return (Unused("acknowledgement" if code == 0 else f"refusal {code}"),)


def _read_trades(message: bytes, symbol: str) -> list[TradePart]:
    """Return prints in the order in which they happened; equal times keep the venue's order."""
    trades = _trades.decode(message).data
    if len(trades) > 1:
        if trades[0].T >= trades[-1].T:
            trades.reverse()  # newest first, as the venue sends them
        trades.sort(key=attrgetter("T"))
    return [
        TradePart(
            symbol,
            one.T * MS,
            one.p,
            one.q,
            SELL if one.m else BUY,
            0,
            _key_of(one.T, one.p, one.q, one.m),
            True,
        )
        for one in trades
    ]


def _key_of(time: int, price: str, size: str, maker: bool) -> str:
    """Return what all equal prints share, however many decimals are written."""
    if "." in price:
        price = price.rstrip("0").rstrip(".")
    if "." in size:
        size = size.rstrip("0").rstrip(".")
    return f"{time}:{price}:{size}:{maker:d}"


def _read_change(message: bytes, symbol: str) -> tuple[BookPart]:
    book = _changes.decode(message).data
    snapshot = book.action == "all"
    if not snapshot and book.action != "update":
        raise ValueError(f"an action {book.action!r} of the book is not documented")
    number = book.last_update_id
    bids, asks = memoryview(book.bids), memoryview(book.asks)
    return (BookPart(symbol, book.time * MS, snapshot, bids, asks, number, number),)


def _read_book(message: bytes, symbol: str) -> tuple[BookPart]:
    frame = _books.decode(message)
    book = frame.data
    bids, asks = memoryview(book.bids), memoryview(book.asks)
    return (BookPart(book.symbol or symbol, frame.ts * MS, True, bids, asks),)


def _read_mark(message: bytes, symbol: str) -> tuple[MarkPart]:
    mark = _marks.decode(message).data
    return (MarkPart(symbol, mark.E * MS, mark.p),)


_READERS: dict[bytes, Callable[[bytes, str], Sequence[Part]]] = {
    b"trade": _read_trades,
    b"incrDepth": _read_change,
    b"markPrice": _read_mark,
}


def _read_answer(message: bytes, symbol: str) -> Sequence[Part]:
    """Return what an answer about funding or prints says; of open interest nothing is taken."""
    answer = _answer.decode(message)
    if answer.code != 0:
        raise MessageError(
            f"BingX refused a question with {answer.code} {answer.msg!r} - see its list of codes; "
            "nothing was taken from the answer."
        )
    data = bytes(answer.data)
    if data[:1] != b"[":
        return (_funding_of(_premium.decode(data)),)
    if b'"isBuyerMaker"' in data:
        return _read_past(_past.decode(data), symbol)
    return [_funding_of(one) for one in _premiums.decode(data)]


def _read_past(trades: list[PastTrade], symbol: str) -> list[TradePart]:
    """Return the prints of an answer, oldest first."""
    if len(trades) > 1:
        if trades[0].time >= trades[-1].time:
            trades.reverse()
        trades.sort(key=attrgetter("time"))
    return [
        TradePart(
            symbol,
            one.time * MS,
            one.price,
            one.qty,
            SELL if one.is_buyer_maker else BUY,
            0,
            _key_of(one.time, one.price, one.qty, one.is_buyer_maker),
            True,
        )
        for one in trades
    ]


def _funding_of(row: PremiumIndex) -> Part:
    if not row.last_funding_rate:
        return Unused("openInterest" if row.open_interest else "answer")
    time = row.update_time * MS if row.update_time else NO_TIME
    settles = row.next_funding_time * MS if row.next_funding_time else NO_TIME
    return FundingPart(row.symbol, time, row.last_funding_rate, settles)


def control(message: bytes) -> Control | None:
    """Return what a message about the connection says, None for market data."""
    if message.startswith(_DATA) and message[_DATA_BYTES : _DATA_BYTES + 1] != b'"':
        return None
    if message == b"Ping":
        return Control(ControlKind.PING, reply=b"Pong")
    try:
        reply = _reply.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if reply.e == "listenKeyExpired":
        return Control(ControlKind.ENDED, "the key of the private stream expired")
    if reply.code is None or reply.data_type:
        return None
    if reply.code == 0:
        return Control(ControlKind.ACK, reply.id) if reply.id else None
    return Control(ControlKind.REFUSED, f"{reply.id}: {reply.code} {reply.msg}")


def subscribe(host: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the connections that carry these instruments: books, prints and mark prices."""
    each = TOPICS_MAX // len(TOPICS)
    return [
        Subscription(
            host,
            tuple(
                _order("sub", f"{one.symbol}@{topic}")
                for one in instruments[begin : begin + each]
                for topic in TOPICS
            ),
            True,
            EXPECTED,
        )
        for begin in range(0, len(instruments), each)
    ]


def resubscribe(instrument: Instrument) -> tuple[bytes, ...]:
    """Return what asks for a new picture of one book: its stream ended and begun anew."""
    topic = f"{instrument.symbol}@incrDepth"
    return _order("unsub", topic), _order("sub", topic)


def _order(what: str, topic: str) -> bytes:
    """Return one subscription; its id is the topic, so that a refusal names it."""
    return msgspec.json.encode({"id": topic, "reqType": what, "dataType": topic})


def trades_request(host: str, instrument: Instrument) -> Request:
    """Return the question for the last prints: what a lost connection did not bring."""
    symbol = quote(instrument.symbol)
    return Request("GET", f"{host}/openApi/swap/v2/quote/trades?symbol={symbol}&limit=500", 1)


def polls(host: str, instrument: Instrument) -> tuple[Poll, ...]:
    """Return the question for funding, which no stream tells."""
    url = f"{host}/openApi/swap/v2/quote/premiumIndex?symbol={quote(instrument.symbol)}"
    return (Poll(Request("GET", url, 1), _FUNDING_EVERY_NS, instrument.symbol),)
