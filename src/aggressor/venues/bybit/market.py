"""Bybit's market streams: what a message says, what to subscribe to, and the connection's words.

The book is `orderbook.200` (deltas every 100 ms behind a snapshot, ids `u` without a hole; another
snapshot, or `u` 1 after a restart of the service, begins anew) and `orderbook.1` (the best levels
every 10 ms) as quotes; both carry `seq`, the engine's one count, by which they are fused. Two
depths of one symbol count `u` apart: a recording must hold one of them besides level 1.

    publicTrade     S is the aggressor; block trades (BT) are NOT_FLOW, fills against hidden retail
                    quotes are RPI: they take nothing from the book
    allLiquidation  S is the side of the *position*: Buy is a long that died, so its order sells.
                    The price is the bankruptcy price, not that of a fill
    tickers         a delta says only what changed: mark price, funding rate and time, interest

Sizes are base coins on linear and USD on inverse contracts. Times are of the matching engine where
the message has them (cts, T), else of publication. Documents: see messages.py.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from aggressor.market.align import NO_ID
from aggressor.schema.errors import MessageError
from aggressor.schema.event import (
    BUY,
    LEVEL,
    MARK,
    NO_TIME,
    NOT_FLOW,
    QUOTE,
    RPI,
    SELL,
    TRADE,
    Status,
)
from aggressor.schema.instrument import Instrument
from aggressor.venues.bybit.messages import (
    Answer,
    Book,
    ControlMessage,
    Liquidations,
    RecentTrades,
    Ticker,
    Top,
    Topic,
    Trades,
)
from aggressor.venues.decoding.parts import (
    BookPart,
    FundingPart,
    InterestPart,
    LiquidationPart,
    MarkPart,
    Part,
    QuotePart,
    StatusPart,
    TradePart,
    Unused,
)
from aggressor.venues.session import SECOND_NS, Control, ControlKind, Expected, LinkRules
from aggressor.venues.venue import Subscription

STREAMS = "wss://stream.bybit.com/v5/public"
DEPTH = "orderbook.200"
TOPICS = (DEPTH, "orderbook.1", "publicTrade", "tickers", "allLiquidation")

_ALREADY_LOGGED_IN = 20001

_ARGS_MAX = 20_000  # characters on one connection: the venue takes 21,000
_INSTRUMENTS_PER_MESSAGE = 10  # one bad name refuses its whole message
_MS = 1_000_000
_HEAD = b'{"topic":"'
_BOOK = _HEAD + b"orderbook."
_UNUSED = frozenset({"kline", "priceLimit", "insurance", "adlAlert", "system", "liquidation"})
_SIDES = {"Buy": BUY, "Sell": SELL}
_PHASES = {
    "NotStarted": Status.HALTED,
    "CallAuction": Status.AUCTION,
    "CallAuctionNoCancel": Status.AUCTION,
    "CrossMatching": Status.AUCTION,
    "ContinuousTrading": Status.TRADING,
    "Finished": Status.CLOSED,
}
_EXPECTED = (
    Expected(LEVEL, 60 * SECOND_NS),
    Expected(QUOTE, 60 * SECOND_NS),
    Expected(MARK, 60 * SECOND_NS),
    Expected(TRADE, 600 * SECOND_NS),  # a thin market may be silent for minutes
)

_topic = msgspec.json.Decoder(Topic)
_book = msgspec.json.Decoder(Book)
_top = msgspec.json.Decoder(Top)
_trades = msgspec.json.Decoder(Trades)
_ticker = msgspec.json.Decoder(Ticker)
_liquidations = msgspec.json.Decoder(Liquidations)
_control = msgspec.json.Decoder(ControlMessage)
_answer = msgspec.json.Decoder(Answer)
_recent = msgspec.json.Decoder(RecentTrades)


def read(message: bytes, symbol: str) -> Sequence[Part]:
    """Return what a stream's message or an answer says; raise MessageError or msgspec's errors."""
    if message.startswith(_BOOK):  # most messages: the short way
        depth = message[len(_BOOK) : message.find(b".", len(_BOOK))]
        if depth.isdigit():
            return _level_one(message) if depth == b"1" else _levels(message)
    topic = _topic.decode(message).topic
    if not topic:
        return _no_stream(message)
    kind, _, rest = topic.partition(".")
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(message, rest)
    return (Unused(kind if kind in _UNUSED else "other topic"),)


def _orderbook(message: bytes, rest: str) -> Sequence[Part]:
    """Read a book of any depth but those that need another way: full, or with RPI."""
    depth, _, _ = rest.partition(".")
    if depth == "1":
        return _level_one(message)
    if depth.isdigit():
        return _levels(message)
    return (Unused("book with RPI" if depth == "rpi" else "full book"),)


def _levels(message: bytes) -> Sequence[Part]:
    book = _book.decode(message)
    body = book.data
    ts_venue = (book.cts or book.ts) * _MS
    snapshot = body.u == 1 or book.type == "snapshot"
    sides = (bytes(body.b), bytes(body.a))
    return (BookPart(body.s, ts_venue, snapshot, *sides, body.u, body.u, NO_ID, body.seq),)


def _level_one(message: bytes) -> Sequence[Part]:
    top = _top.decode(message)
    body = top.data
    if top.type == "delta":
        return (Unused("level 1 as changes"),)
    if not body.b or not body.a:
        return (Unused("quote of one side"),)
    bid, ask = body.b[0], body.a[0]
    sides = (bid.price, bid.size, ask.price, ask.size)
    return (QuotePart(body.s, (top.cts or top.ts) * _MS, *sides, body.seq),)


def _public_trade(message: bytes, rest: str) -> Sequence[Part]:
    return [
        TradePart(one.s, one.T * _MS, one.p, one.v, _SIDES[one.S], _flags(one.BT, one.RPI), one.i)
        for one in _trades.decode(message).data
    ]


def _flags(block: bool, rpi: bool) -> int:
    return (NOT_FLOW if block else 0) | (RPI if rpi else 0)


def _tickers(message: bytes, rest: str) -> Sequence[Part]:
    ticker = _ticker.decode(message)
    one, ts_venue = ticker.data, ticker.ts * _MS
    parts: list[Part] = []
    if one.mark_price:
        parts.append(MarkPart(one.symbol, ts_venue, one.mark_price))
    settles = int(one.next_funding_time or 0)
    if one.funding_rate or settles:
        settles_ns = settles * _MS if settles else NO_TIME
        parts.append(FundingPart(one.symbol, ts_venue, one.funding_rate, settles_ns))
    if one.single_open_interest:
        parts.append(InterestPart(one.symbol, ts_venue, one.single_open_interest))
    elif one.open_interest:
        parts.append(InterestPart(one.symbol, ts_venue, _half(one.open_interest)))
    phase = _PHASES.get(one.cur_pre_listing_phase)
    if phase is not None:
        parts.append(StatusPart(one.symbol, ts_venue, phase))
    return parts or (Unused("ticker without news"),)


def _half(size: str) -> str:
    """Return half of a size, exactly: before 2026-06 the venue said only the sum of both sides."""
    return str(Decimal(size) / 2)


def _all_liquidation(message: bytes, rest: str) -> Sequence[Part]:
    return [
        LiquidationPart(one.s, one.T * _MS, one.p, one.v, -_SIDES[one.S])
        for one in _liquidations.decode(message).data
    ]


_READERS: dict[str, Callable[[bytes, str], Sequence[Part]]] = {
    "orderbook": _orderbook,
    "publicTrade": _public_trade,
    "tickers": _tickers,
    "allLiquidation": _all_liquidation,
}


def _no_stream(message: bytes) -> Sequence[Part]:
    """Read what names no topic: an answer to a request, or a word about the connection."""
    if control(message) is not None:
        return (Unused("control"),)
    answer = _answer.decode(message)
    if answer.ret_code != 0:
        raise MessageError(
            f"Bybit refused a request ({answer.ret_code}: {answer.ret_msg}) - look the code up in "
            "docs/venues/bybit.md; there is no market data in it."
        )
    try:
        trades = _recent.decode(answer.result).rows
    except msgspec.ValidationError:
        return (Unused("answer"),)
    return [
        TradePart(
            symbol=one.symbol,
            ts_venue=int(one.time) * _MS,
            price=one.price,
            size=one.size,
            side=_SIDES[one.side],
            flags=_flags(one.is_block_trade, one.is_rpi_trade),
            key=one.exec_id,
        )
        for one in reversed(trades)
    ]


def control(message: bytes) -> Control | None:
    """Return what a message says of the connection, None for data of any stream."""
    if message.startswith((_HEAD, b'{"id":"')):
        return None
    try:
        word = _control.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if word.topic or not word.op:
        return None
    text = word.ret_msg_old or word.ret_msg
    good = word.success is not False and word.ret_code in (0, _ALREADY_LOGGED_IN)
    if word.op == "pong" or (word.op == "ping" and good):
        return Control(ControlKind.PONG)
    if word.op == "auth":
        return Control(ControlKind.LOGGED_IN if good else ControlKind.REFUSED, text)
    if word.op in ("subscribe", "unsubscribe"):
        return Control(ControlKind.ACK if good else ControlKind.REFUSED, text)
    return Control(ControlKind.OTHER, text)


def ping(number: int) -> bytes:
    """Return our n-th ping: the venue wants one every 20 s, in words, not as a frame."""
    return msgspec.json.encode({"req_id": str(number), "op": "ping"})


LINK = LinkRules(
    ping=ping,
    ping_every_ns=20 * SECOND_NS,
    silence_ns=50 * SECOND_NS,  # two pongs missing
)


def subscribe(category: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the connections of one category: each takes so many characters of topics."""
    found: list[Subscription] = []
    batch: list[list[str]] = []
    used = 0
    for instrument in instruments:
        topics = [f"{topic}.{instrument.symbol}" for topic in TOPICS]
        length = sum(len(topic) + 3 for topic in topics)
        if used + length > _ARGS_MAX:
            found.append(_subscription(category, batch))
            batch, used = [], 0
        batch.append(topics)
        used += length
    if batch:
        found.append(_subscription(category, batch))
    return found


def _subscription(category: str, batch: Sequence[Sequence[str]]) -> Subscription:
    messages = []
    for begin in range(0, len(batch), _INSTRUMENTS_PER_MESSAGE):
        part = batch[begin : begin + _INSTRUMENTS_PER_MESSAGE]
        topics = [topic for some in part for topic in some]
        messages.append(order("subscribe", topics, f"s{len(messages) + 1}"))
    return Subscription(f"{STREAMS}/{category}", tuple(messages), expected=_EXPECTED)


def order(op: str, topics: Sequence[str], number: str) -> bytes:
    """Return a message that subscribes or unsubscribes; it is acknowledged under `number`."""
    return msgspec.json.encode({"req_id": number, "op": op, "args": topics})


def resubscribe(instrument: Instrument) -> tuple[bytes, ...]:
    """Return what makes the venue send the book anew: leave the stream, and come back."""
    topic = [f"{DEPTH}.{instrument.symbol}"]
    return order("unsubscribe", topic, "r1"), order("subscribe", topic, "r2")
