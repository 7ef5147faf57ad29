"""What is wrong with a Binance message, in words that say where and how to mend it."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import MessageError
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import OFF_GRID, TOO_LARGE
from aggressor.venues.binance.fields import FIELD_NAMES
from aggressor.venues.binance.tables import JSON_AT, MISSING, NO_NUMBER, OTHER_VENUE, WHERE, WHY

_SHOWN = 120


class _Named(msgspec.Struct, frozen=True):
    s: str = ""
    symbol: str = ""


class _Envelope(_Named, frozen=True):
    stream: str = ""
    data: _Named = _Named()


_envelope = msgspec.json.Decoder(_Envelope)


def stream_of(message: bytes) -> str:
    """Return the name of the stream a message came by, "" if it names none."""
    try:
        return _envelope.decode(message).stream
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def symbol_of(message: bytes) -> str:
    """Return the symbol a message names, "" if none."""
    try:
        envelope = _envelope.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return envelope.s or envelope.symbol or envelope.data.s or envelope.data.symbol


def shown(message: bytes) -> str:
    """Return the begin of a message as it may be printed."""
    return message[:_SHOWN].decode(errors="replace")


def oversized(length: int, most: int) -> MessageError:
    """Return the error for a message that is too long to be one."""
    return MessageError(
        f"A message of {length} bytes is over the limit of {most} - it is no market message; check "
        "the address or the recording."
    )


def nameless(message: bytes) -> MessageError:
    """Return the error for an answer that does not say which instrument it is about."""
    return MessageError(
        f"A snapshot names no symbol: {shown(message)} - pass `symbol`, or record it as "
        '{"stream":"SYMBOL@snapshot","data":...}.'
    )


def trouble_of(
    message: bytes, code: int, cursor: NDArray[np.int64], instrument: Instrument | None
) -> MessageError:
    """Return the error for what the kernel found; cursor[WHERE] is an offset into `message`."""
    where, why = int(cursor[WHERE]), int(cursor[WHY])
    if code == MISSING:
        name = FIELD_NAMES.get(why, "?")
        return MessageError(
            f"The field {name!r} is missing: {shown(message)} - the line can be skipped; if all "
            "lines lack it, the recording is of another venue."
        )
    if code == OTHER_VENUE:
        return MessageError(
            f"A depth message of another Binance market: {shown(message)} - futures depth carries "
            "`pu`, spot does not; decode with binance-usdm, binance-coinm or binance-spot."
        )
    if code == NO_NUMBER:
        return _number_trouble(message, where, why, instrument)
    if int(cursor[JSON_AT]) < 0:
        return MessageError(
            f"A line does not begin with a local time and a blank: {shown(message)} - lines are "
            "`<ns, us or ms since 1970> <json>`; the line can be skipped."
        )
    near = message[max(where - 20, 0) : where + 20].decode(errors="replace")
    return MessageError(
        f"Not JSON at byte {where} of {len(message)}, near {near!r}: {shown(message)} - the "
        "message was cut or damaged; the line can be skipped."
    )


def _number_trouble(
    message: bytes, where: int, why: int, instrument: Instrument | None
) -> MessageError:
    """Return the error for a number; names symbol, text and grid."""
    stop = where + 1
    while stop < len(message) and message[stop] not in b'",]}':
        stop += 1
    text = message[where:stop].decode(errors="replace").strip('"')
    name = instrument.symbol if instrument else "?"
    if why == OFF_GRID and instrument is not None:
        return MessageError(
            f"{name}: {text} is not on the grid of tick {instrument.tick} and lot {instrument.lot} "
            "- give the right --tick and --lot, or the exchangeInfo of that day."
        )
    reason = "is too large" if why == TOO_LARGE else "is not a plain decimal number"
    return MessageError(
        f"{name}: {text!r} at byte {where} {reason}: {shown(message)} - the line can be skipped."
    )
