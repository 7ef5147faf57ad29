"""A venue of a few words, whole: what all venues share is tested on it, without any of them."""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import msgspec

from aggressor.market.align import CONTIGUOUS, REST_SNAPSHOT
from aggressor.schema.event import LEVEL
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.decoding.parts import BookPart, Part, TradePart, Unused
from aggressor.venues.session import Control, ControlKind, Expected, LinkRules
from aggressor.venues.venue import Request, Subscription, Venue, cannot_infer

SECOND_NS = 1_000_000_000
REST = "http://toy.invalid"
STREAMS = "ws://toy.invalid/stream"


class Message(msgspec.Struct):
    e: str
    s: str = ""
    t: int = 0
    u: int = 0
    first: int = 0
    b: msgspec.Raw = msgspec.Raw(b"[]")
    a: msgspec.Raw = msgspec.Raw(b"[]")
    p: str = ""
    q: str = ""
    side: int = 0
    key: str = ""


_decoder = msgspec.json.Decoder(Message)


def read(message: bytes, symbol: str) -> Sequence[Part]:
    one = _decoder.decode(message)
    if one.e in ("book", "snapshot"):
        return [
            BookPart(one.s or symbol, one.t, one.e == "snapshot", one.b, one.a, one.u, one.first)
        ]
    if one.e == "trade":
        return [TradePart(one.s, one.t, one.p, one.q, one.side, key=one.key)]
    return [Unused(one.e)]


def control(message: bytes) -> Control | None:
    if not message.startswith(b'{"control"'):
        return None
    word = json.loads(message)["control"]
    if word == "ping":
        return Control(ControlKind.PING, reply=b'{"control":"pong"}')
    return Control(ControlKind.ACK if word == "ok" else ControlKind.REFUSED, word)


def instrument(symbol: str = "ABC") -> Instrument:
    return Instrument(
        venue="toy",
        symbol=symbol,
        kind=ContractKind.LINEAR,
        tick=Decimal("0.1"),
        lot=Decimal("0.01"),
        base="ABC",
        quote="USD",
        settle="USD",
    )


def subscribe(instruments: Sequence[Instrument]) -> list[Subscription]:
    messages = tuple(f'{{"subscribe":"{one.symbol}"}}'.encode() for one in instruments)
    return [Subscription(STREAMS, messages, expected=(Expected(LEVEL, SECOND_NS),))]


def toy(rules: LinkRules | None = None) -> Venue:
    return Venue(
        name="toy",
        kind=ContractKind.LINEAR,
        policy=REST_SNAPSHOT,
        chain=CONTIGUOUS,
        rest=REST,
        streams=STREAMS,
        instruments=lambda body, valid_from_ns: [instrument(one) for one in json.loads(body)],
        infer=cannot_infer,
        market_decoder=partial(PartsDecoder, read=read, policy=REST_SNAPSHOT, chain=CONTIGUOUS),
        subscribe=subscribe,
        snapshot_request=lambda one: Request("GET", f"{REST}/snapshot?symbol={one.symbol}", 1),
        definitions_request=lambda: Request("GET", f"{REST}/instruments", 1),
        control=control,
        link=rules or LinkRules(messages_per_second=50),
    )
