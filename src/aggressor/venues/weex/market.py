"""WEEX's streams read into parts; what to subscribe to and what to ask for.

What the venue leaves to its clients, and what is done here:

- The book is `depth200`: a picture, which may come before the acknowledgement, then changes that
  name the previous `u` as their `U` (`market.align`, TOUCHING). It holds 200 levels a side and
  does not always say what is pushed out: `venues.window` removes it. There is no checksum.
- A contract that is not listed any more is acknowledged and sends an empty picture with ids 0: an
  empty book, and the news that it is closed.
- Prints have names; those that a new connection repeats (`tradeSnapshot`), or that an answer names
  which is asked for behind a lost one, are known by them.
- The ticker brings the mark price several times a second. There is no row for the index.
- Funding and open interest are asked for; the rate that counts is the forecast, not the last one.
- There is no stream of best quotes or of forced orders.
"""

from collections.abc import Sequence
from operator import attrgetter
from urllib.parse import quote

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, LEVEL, MARK, SELL, TRADE, Status
from aggressor.schema.instrument import Instrument
from aggressor.venues.decoding.parts import (
    BookPart,
    FundingPart,
    InterestPart,
    MarkPart,
    Part,
    StatusPart,
    TradePart,
    Unused,
)
from aggressor.venues.session import SECOND_NS, Control, ControlKind, Expected, LinkRules
from aggressor.venues.venue import Poll, Request, Subscription
from aggressor.venues.weex.messages import (
    DepthFrame,
    Head,
    Interest,
    PastTrade,
    Premium,
    TickerFrame,
    TradeFrame,
)

MS = 1_000_000
WIDTH = 200  # levels a side

CHANNELS = ("depth200", "trade", "ticker")
CHANNELS_MAX = 100  # of one connection
LINK = LinkRules(silence_ns=90 * SECOND_NS, messages_per_second=5)  # the venue pings each minute
EXPECTED = (
    Expected(LEVEL, 60 * SECOND_NS),
    Expected(MARK, 30 * SECOND_NS),
    Expected(TRADE, 900 * SECOND_NS),
)

_INTEREST_EVERY_NS = 10 * SECOND_NS
_FUNDING_EVERY_NS = 60 * SECOND_NS
_PAST_MAX = 1000
_DATA = b'{"e":"'
_DATA_BYTES = len(_DATA)
_NO_SIDE = b"[]"
_PONG = b'{"method":"PONG","id":1}'

_head = msgspec.json.Decoder(Head)
_depth = msgspec.json.Decoder(DepthFrame)
_trades = msgspec.json.Decoder(TradeFrame)
_ticker = msgspec.json.Decoder(TickerFrame)
_premiums = msgspec.json.Decoder(list[Premium])
_past = msgspec.json.Decoder(list[PastTrade])
_interest = msgspec.json.Decoder(Interest)


def read(message: bytes, symbol: str) -> Sequence[Part]:
    """Return what a frame says, or the answer to a question about `symbol`."""
    if message.startswith(_DATA):
        event = message[_DATA_BYTES : message.find(b'"', _DATA_BYTES)].decode()
    elif symbol:
        return _read_answer(message, symbol)
    else:
        event = _head.decode(message).e
    if event in ("depth", "depthSnapshot"):
        return _read_depth(message, event == "depthSnapshot")
    if event in ("trade", "tradeSnapshot"):
        return _read_trades(message)
    if event == "ticker":
        frame = _ticker.decode(message)
        return [MarkPart(frame.s, frame.E * MS, one.m) for one in frame.d]
    if event:
        return (Unused(event),)
    said = control(message)
    if said is None:
        raise ValueError("neither market data nor about the connection")
    return (Unused(said.kind.name.lower()),)


def _read_depth(message: bytes, snapshot: bool) -> Sequence[Part]:
    frame = _depth.decode(message)
    time = frame.E * MS
    bids, asks = memoryview(frame.b), memoryview(frame.a)
    part = BookPart(frame.s, time, snapshot, bids, asks, frame.u, frame.U)
    if snapshot and frame.u == 0 and bids == _NO_SIDE == asks:
        return (part, StatusPart(frame.s, time, Status.CLOSED))
    return (part,)


def _read_trades(message: bytes) -> list[TradePart]:
    """Return prints in order of time; the venue sends them in none."""
    frame = _trades.decode(message)
    symbol, trades = frame.s, frame.d
    if len(trades) > 1:
        trades.sort(key=attrgetter("T"))
    return [
        TradePart(symbol, one.T * MS, one.p, one.q, SELL if one.m else BUY, 0, one.t)
        for one in trades
    ]


def _read_answer(message: bytes, symbol: str) -> Sequence[Part]:
    """Return what an answer about prints, funding or open interest says."""
    if message.lstrip().startswith(b"["):
        if b'"isBuyerMaker"' in message:
            return _read_past(_past.decode(message), symbol)
        return [
            FundingPart(
                one.symbol, one.time * MS, one.forecast_funding_rate, one.next_funding_time * MS
            )
            for one in _premiums.decode(message)
        ]
    one = _interest.decode(message)
    if one.code is not None:
        raise MessageError(
            f"WEEX refused a question with {one.code} {one.msg!r} - see its list of codes; nothing "
            "was taken from the answer."
        )
    if not one.open_interest:
        raise ValueError("neither funding nor open interest")
    return (InterestPart(one.symbol, one.time * MS, one.open_interest),)


def _read_past(trades: list[PastTrade], symbol: str) -> list[TradePart]:
    """Return the prints of an answer, oldest first: of one moment in the order they came in."""
    if trades and trades[0].time > trades[-1].time:
        trades.reverse()
    return [
        TradePart(
            symbol,
            one.time * MS,
            one.price,
            one.qty,
            SELL if one.is_buyer_maker else BUY,
            0,
            one.id,
        )
        for one in sorted(trades, key=attrgetter("time"))
    ]


def control(message: bytes) -> Control | None:
    """Return what a message about the connection says, None for market data."""
    if message.startswith(_DATA):
        return None
    try:
        head = _head.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if head.e:
        return None
    if "ping" in (head.event, head.type):
        return Control(ControlKind.PING, reply=_PONG)
    if head.event == "connected":
        return Control(ControlKind.GREETING)
    if head.method == "PONG":
        return Control(ControlKind.PONG)
    if head.result is None:
        return Control(ControlKind.OTHER, head.event) if head.event else None
    if head.result:
        return Control(ControlKind.ACK, str(head.id))
    return Control(ControlKind.REFUSED, f"{head.id}: {head.msg}")


def subscribe(address: str, instruments: Sequence[Instrument]) -> list[Subscription]:
    """Return the connections that carry these instruments, one order for each instrument."""
    each = CHANNELS_MAX // len(CHANNELS)
    return [
        Subscription(
            address,
            tuple(
                _order("SUBSCRIBE", [f"{one.symbol}@{channel}" for channel in CHANNELS], number)
                for number, one in enumerate(instruments[begin : begin + each], start=1)
            ),
            True,
            EXPECTED,
        )
        for begin in range(0, len(instruments), each)
    ]


def resubscribe(instrument: Instrument) -> tuple[bytes, ...]:
    """Return what asks for a new picture of one book: its stream ended and begun anew."""
    channels = [f"{instrument.symbol}@depth200"]
    return _order("UNSUBSCRIBE", channels, 1), _order("SUBSCRIBE", channels, 2)


def _order(method: str, channels: list[str], number: int) -> bytes:
    return msgspec.json.encode({"method": method, "params": channels, "id": number})


def trades_request(host: str, instrument: Instrument) -> Request:
    """Return the question for the last 1000 prints: what a lost connection did not bring."""
    symbol = quote(instrument.symbol)
    return Request("GET", f"{host}/capi/v3/market/trades?symbol={symbol}&limit={_PAST_MAX}", 5)


def polls(host: str, instrument: Instrument) -> tuple[Poll, ...]:
    """Return the questions for open interest and funding, which no stream tells."""
    symbol = quote(instrument.symbol)
    market = f"{host}/capi/v3/market"
    return (
        Poll(
            Request("GET", f"{market}/openInterest?symbol={symbol}", 2),
            _INTEREST_EVERY_NS,
            instrument.symbol,
        ),
        Poll(
            Request("GET", f"{market}/premiumIndex?symbol={symbol}", 1),
            _FUNDING_EVERY_NS,
            instrument.symbol,
        ),
    )
