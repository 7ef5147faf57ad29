"""Frames: what the server of the desk sends, packed as `docs/DESK.md` has it (version 1).

A frame is a header of 32 bytes and a body: the arrays of a binary kind one behind the other, each
padded to a multiple of 8 bytes so that a browser lays typed arrays on the buffer, or JSON padded
with spaces. `number` and `epoch` are stamped by the hub that publishes it. Times of a frame are
milliseconds since the epoch as float64 (exact to 0.25 us), prices ticks, sizes lots.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import nan
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import NO_TIME

VERSION = 1
SUBPROTOCOL = "aggressor.desk.1"
WHOLE_DESK = 255  # the lane of a frame about no instrument in particular
HEADER = struct.Struct("<BBBBIIIIId")
_STAMP = struct.Struct("<II")
_STAMP_AT = 16
_NS_MS = 1e6

# flags
KEY = 1  # HEAT: names every price that holds something
VALID = 2  # HEAT, BOOK: the book is valid
BROKEN = 4  # HEAT: what happened since the column before is not known
OPEN = 1  # BAR: it is still open


class Kind(IntEnum):
    """What a frame holds."""

    HELLO = 1
    HEAT = 2
    BOOK = 3
    PRINTS = 4
    ORDERS = 5
    BAR = 6
    SIGNAL = 7
    STATE = 8
    CURVE = 9
    LABEL = 10
    ACCOUNT = 11
    ANSWER = 12
    MISSED = 13
    RESET = 14
    BYE = 15
    FORCED = 16
    CAUGHT_UP = 17
    PROFILE = 18
    REPORT = 19
    NOTICE = 20


@dataclass(frozen=True, slots=True)
class Head:
    """The header of a frame, read again."""

    version: int
    kind: Kind
    lane: int
    flags: int
    bytes: int
    count: int
    aux: int
    number: int
    epoch: int
    ts_ms: float


def milliseconds(ns: int) -> float:
    """Return a time in ns as a frame has it: ms, NaN where there is none."""
    return nan if ns == NO_TIME else ns / _NS_MS


def stated_ms(ns: int) -> float | None:
    """Return a time in ns as JSON has it: ms, None where there is none."""
    return None if ns == NO_TIME else ns / _NS_MS


def frame(
    kind: Kind,
    lane: int,
    ts_ns: int,
    arrays: Sequence[NDArray[Any]] = (),
    *,
    count: int = 0,
    aux: int = 0,
    flags: int = 0,
) -> bytearray:
    """Return a binary frame; arrays are little endian and of the types that the page names."""
    parts = [one.tobytes() for one in arrays]
    padded = [part + bytes(-len(part) % 8) for part in parts]
    return _framed(kind, lane, ts_ns, b"".join(padded), count, aux, flags)


def json_frame(kind: Kind, lane: int, ts_ns: int, content: Any, *, flags: int = 0) -> bytearray:
    """Return a JSON frame."""
    text = msgspec.json.encode(content)
    return _framed(kind, lane, ts_ns, text + b" " * (-len(text) % 8), len(text), 0, flags)


def _framed(
    kind: Kind, lane: int, ts_ns: int, body: bytes, count: int, aux: int, flags: int
) -> bytearray:
    size = HEADER.size + len(body)
    head = HEADER.pack(
        VERSION, kind, lane, flags, size, count, aux, 0, 0, milliseconds(ts_ns)
    )  # fmt: skip
    return bytearray(head + body)


def stamp(made: bytearray, number: int, epoch: int) -> None:
    """Write number and epoch into a frame."""
    _STAMP.pack_into(made, _STAMP_AT, number & 0xFFFFFFFF, epoch)


def number_of(made: bytearray) -> int:
    """Return the number that a frame was stamped with."""
    return _STAMP.unpack_from(made, _STAMP_AT)[0]


def read_head(buffer: bytes | bytearray | memoryview, at: int = 0) -> Head:
    """Return the header of the frame at an offset."""
    version, kind, *rest = HEADER.unpack_from(buffer, at)
    return Head(version, Kind(kind), *rest)


def read_frames(message: bytes) -> list[tuple[Head, bytes]]:
    """Return (header, body) of every frame of a message; the padding is still there."""
    found, at = [], 0
    while at < len(message):
        head = read_head(message, at)
        found.append((head, message[at + HEADER.size : at + head.bytes]))
        at += head.bytes
    return found


def read_json(head: Head, body: bytes) -> Any:
    """Return what a JSON frame says."""
    return msgspec.json.decode(body[: head.count])


def read_arrays(body: bytes, shapes: Sequence[tuple[str, int]]) -> list[NDArray[Any]]:
    """Return the arrays of a binary frame: (dtype, length) one by one."""
    arrays, at = [], 0
    for dtype, length in shapes:
        one = np.frombuffer(body, dtype, length, at)
        arrays.append(one)
        at += one.nbytes + -one.nbytes % 8
    return arrays
