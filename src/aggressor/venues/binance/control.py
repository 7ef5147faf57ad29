"""What Binance says of a connection itself: answers to SUBSCRIBE, errors, the end of a listen key.

Binance sends its own ping frames (every 3 min) and wants no message of ours. A connection without
trading would be silent for as long, so we ask for a property of the connection now and then: the
answer shows within seconds that it lives. Its ids begin at PING_ID, so that it is never taken for
the answer to a subscription.

Documents: Websocket Market Streams, "Live Subscribing/Unsubscribing to streams"; read 2026-05-28.
Whether an error stands under "error" with an id beside it is not documented for derivatives: both
forms are understood.
"""

import msgspec

from aggressor.venues.session import SECOND_NS, Control, ControlKind, LinkRules

PING_ID = 1_000_000_000
_ANSWER_BYTES_MAX = 4096  # a longer message is market data

_STREAM = b'{"stream"'
_EVENT = b'{"e":'
_EXPIRED = b'{"e":"listenKeyExpired"'


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    msg: str = ""


class _Answer(msgspec.Struct, frozen=True):
    """{"result":null,"id":1}, {"code":2,"msg":"Invalid request"}, {"error":{...},"id":1}."""

    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    error: _Error | None = None
    e: str = ""
    u: int | None = None
    last: int | None = msgspec.field(default=None, name="lastUpdateId")


_decode = msgspec.json.Decoder(_Answer).decode


def control(message: bytes) -> Control | None:
    """Read a message about the connection; None: it is market data, or of the account."""
    if message[:9] == _STREAM or len(message) > _ANSWER_BYTES_MAX:
        return None
    if message[:5] == _EVENT:
        if message.startswith(_EXPIRED):
            return Control(ControlKind.ENDED, "the listen key has expired")
        return None
    try:
        answer = _decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    error = answer.error or (_Error(answer.code, answer.msg) if answer.code is not None else None)
    if isinstance(answer.id, int) and answer.id >= PING_ID:
        return Control(ControlKind.PONG)
    if error is not None:
        return Control(ControlKind.REFUSED, f"{error.code}: {error.msg}")
    if answer.e == "listenKeyExpired":
        return Control(ControlKind.ENDED, "the listen key has expired")
    if answer.id is None or answer.e or answer.u is not None or answer.last is not None:
        return None
    return Control(ControlKind.ACK)


def ping(number: int) -> bytes:
    """Return a question that every connection answers: whether its messages are enveloped."""
    return msgspec.json.encode(
        {"method": "GET_PROPERTY", "params": ["combined"], "id": PING_ID + number}
    )


LINK = LinkRules(
    ping=ping,
    ping_every_ns=20 * SECOND_NS,
    silence_ns=60 * SECOND_NS,
    lifetime_ns=24 * 3600 * SECOND_NS,
    messages_per_second=5,  # of 10 that it takes, pings and pongs counted
)

PRIVATE_LINK = LinkRules(  # nothing is asked: an account may be quiet for hours
    silence_ns=400 * SECOND_NS,  # two of the venue's pings missed
    lifetime_ns=24 * 3600 * SECOND_NS,
    messages_per_second=5,
)
