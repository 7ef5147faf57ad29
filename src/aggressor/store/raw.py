"""Raw capture: messages as they were received, in frames that can be lost one at a time.

A capture is a row of independent zstd frames of about 256 KiB of records; a frame ends before the
record that would not fit. Record: u32 length, i64 receive time in ns, u16 channel, then the
message, little endian, no padding. In front of each frame stands a zstd *skippable* frame (ordinary
zstd tools pass over it) that says how many bytes and records follow, which record of the file is
the first, their times, and the CRC-32 of the plain text up to every 64 KiB of it. A closed capture
ends with such a header that announces nothing.

So a cut or a flipped bit costs at most the tail of one frame: blocks before the damage are checked
against the CRCs and kept, the next header is found behind it, and the record numbers tell exactly
how many records are missing. A damaged header costs nothing: the frame behind it carries its own
checksum.
"""

import json
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from aggressor.kernel import kernel
from aggressor.schema.errors import MessageError, StoreError
from aggressor.store.files import storing

FRAME_BYTES = 256 * 1024  # 64 KiB halves the reading speed, 1 MiB loses more when damaged
CHECK_BYTES = 64 * 1024  # a block ends here, so that damage behind it does not reach before it
LEVEL = 1  # of this text smaller by 7 % than 3, and faster by a fifth
MESSAGE_MAX = 64 * 1024 * 1024  # the largest exchangeInfo today is 20 MB

STREAM = 0  # a message of a stream, exactly as received
RESPONSE = 1  # an answer to a request: a JSON string with the address, a line feed, the body

_RECORD = struct.Struct("<IqH")
_SKIPPABLE = 0x184D2A5A
_SHELL = struct.Struct("<II")
_HEADER = struct.Struct("<4sHHqIIIqq")
_MARK = b"AGRF"
_VERSION = 1
_FRAME_MAGIC = b"\x28\xb5\x2f\xfd"
_HEADER_MAGIC = struct.pack("<I", _SKIPPABLE)


class Header(NamedTuple):
    """What the skippable frame in front of a data frame says."""

    first_record: int  # counted from the start of the file
    records: int
    packed_bytes: int
    plain_bytes: int
    first_ns: int
    last_ns: int
    checks: tuple[int, ...]  # CRC-32 of the plain text up to every CHECK_BYTES and to the end
    size: int  # of the whole skippable frame


class Loss(NamedTuple):
    """A damaged place: where it is, how many records it cost (-1: cannot be known), and why."""

    offset: int
    records: int
    reason: str


class Message(NamedTuple):
    """One record: receive time in ns since the epoch, channel, bytes as received."""

    ts_recv: int
    channel: int
    text: bytes


def response_text(address: str, body: bytes) -> bytes:
    """Return the record text of an answer to a request."""
    return json.dumps(address, ensure_ascii=False).encode() + b"\n" + body


@kernel
def pack_records(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    times: NDArray[np.int64],
    channels: NDArray[np.uint16],
    first: int,
    out: NDArray[np.uint8],
    used: int,
) -> tuple[int, int]:
    """Copy messages text[starts[i]:stops[i]] from i = `first` on as records into out[used:].

    text (n,) uint8; starts, stops (m,) int64 offsets; times (m,) int64 ns; channels (m,) uint16;
    out (k,) uint8. Returns (index of the first message that did not fit, bytes used).
    """
    i = first
    while i < starts.size:
        length = stops[i] - starts[i]
        if used + 14 + length > out.size:
            break
        at = np.uint64(used)  # unsigned places need no check for a negative index
        word = np.uint64(length)
        for j in range(np.uint64(4)):
            out[at + j] = np.uint8((word >> (np.uint64(8) * j)) & np.uint64(255))
        word = np.uint64(times[i])
        at += np.uint64(4)
        for j in range(np.uint64(8)):
            out[at + j] = np.uint8((word >> (np.uint64(8) * j)) & np.uint64(255))
        at += np.uint64(8)
        out[at] = np.uint8(channels[i] & 255)
        out[at + np.uint64(1)] = np.uint8(channels[i] >> 8)
        at += np.uint64(2)
        start = np.uint64(starts[i])
        for j in range(np.uint64(length)):
            out[at + j] = text[start + j]
        used += 14 + length
        i += 1
    return i, used


class RawWriter:
    """Writes one capture file; raises StoreError if the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0  # in frames already written
        self._compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._frame = np.zeros(FRAME_BYTES, np.uint8)
        self._used = 0
        self._waiting = 0
        self._first_ns = 0
        self._last_ns = 0
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb", buffering=0)

    def add(self, ts_recv: int, text: bytes, channel: int = STREAM) -> None:
        """Append one message of any size up to MESSAGE_MAX."""
        if len(text) > MESSAGE_MAX:
            raise MessageError(f"A message of {len(text)} bytes is longer than {MESSAGE_MAX}.")
        record = _RECORD.pack(len(text), ts_recv, channel) + text
        if self._used + len(record) > FRAME_BYTES:
            self.flush()
        self._count(1, ts_recv, ts_recv)
        if len(record) > FRAME_BYTES:
            self._write_frame(record)
            return
        self._frame[self._used : self._used + len(record)] = np.frombuffer(record, np.uint8)
        self._used += len(record)

    def add_many(
        self,
        text: NDArray[np.uint8],
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        times: NDArray[np.int64],
        channels: NDArray[np.uint16],
    ) -> None:
        """Append messages text[starts[i]:stops[i]] with their receive times and channels."""
        done = 0
        while done < starts.size:
            upto, used = pack_records(
                text, starts, stops, times, channels, done, self._frame, self._used
            )
            if upto > done:
                self._used = used
                self._count(upto - done, int(times[done]), int(times[upto - 1]))
                done = upto
            elif self._used:
                self.flush()
            else:
                message = text[starts[done] : stops[done]].tobytes()
                self.add(int(times[done]), message, int(channels[done]))
                done += 1

    def flush(self, sync: bool = False) -> None:
        """End the frame in hand; with `sync`, also wait until it is on the disk."""
        if self._used:
            self._write_frame(self._frame[: self._used].tobytes())
        if sync:
            with storing(self.path):
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write what is left and the closing header, and wait until it is on the disk."""
        if self._file.closed:
            return
        try:
            self.flush()
            self._write(_header_bytes(self.records, 0, 0, b"", self._last_ns, self._last_ns))
            with storing(self.path):
                os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close the file without ending it: what was written stays readable."""
        self._file.close()

    def _count(self, records: int, first_ns: int, last_ns: int) -> None:
        if self._waiting == 0:
            self._first_ns = first_ns
        self._waiting += records
        self._last_ns = last_ns

    def _write_frame(self, plain: bytes) -> None:
        stream = self._compressor.compressobj(size=len(plain))
        pieces: list[bytes] = []
        for at in range(0, len(plain), CHECK_BYTES):
            pieces.append(stream.compress(memoryview(plain)[at : at + CHECK_BYTES]))
            pieces.append(stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        pieces.append(stream.flush())
        packed = b"".join(pieces)
        header = _header_bytes(
            self.records, self._waiting, len(packed), plain, self._first_ns, self._last_ns
        )
        self._write(header + packed)
        self.records += self._waiting
        self._waiting = 0
        self._used = 0

    def _write(self, content: bytes) -> None:
        with storing(self.path):
            rest = memoryview(content)
            while rest:
                rest = rest[self._file.write(rest) :]


def _header_bytes(
    first_record: int, records: int, packed_bytes: int, plain: bytes, first_ns: int, last_ns: int
) -> bytes:
    checks: list[int] = []
    check = 0
    for at in range(0, len(plain), CHECK_BYTES):
        check = zlib_ng.crc32(memoryview(plain)[at : at + CHECK_BYTES], check)
        checks.append(check)
    body = _HEADER.pack(
        _MARK,
        _VERSION,
        len(checks),
        first_record,
        records,
        packed_bytes,
        len(plain),
        first_ns,
        last_ns,
    ) + struct.pack(f"<{len(checks)}I", *checks)
    body += struct.pack("<I", zlib_ng.crc32(body))
    return _SHELL.pack(_SKIPPABLE, len(body)) + body


def read_header(content: memoryview, offset: int) -> Header | None:
    """Return the header at `offset`, or None where there is no whole and undamaged one."""
    start = offset + _SHELL.size
    if len(content) < start + _HEADER.size + 4:
        return None
    magic, length = _SHELL.unpack_from(content, offset)
    mark, version, count, *fields = _HEADER.unpack_from(content, start)
    if (magic, mark, version) != (_SKIPPABLE, _MARK, _VERSION):
        return None
    if length != _HEADER.size + 4 * count + 4 or len(content) < start + length:
        return None
    *checks, check = struct.unpack_from(f"<{count + 1}I", content, start + _HEADER.size)
    if check != zlib_ng.crc32(content[start : start + length - 4]):
        return None
    return Header(*fields, checks=tuple(checks), size=_SHELL.size + length)


class RawReader:
    """Reads a capture, however damaged: iterate over it for Messages; then see `losses`.

    `closed` tells after reading whether the capture was ended properly; without that, a cut exactly
    between two frames cannot be seen, and messages may be missing at the end. Raises StoreError if
    the file is absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.losses: list[Loss] = []
        self.closed = False
        self.records = 0

    def __iter__(self) -> Iterator[Message]:
        """Yield every message that can be read, in the order they were written."""
        for plain in self.frames():
            at = 0
            while at + _RECORD.size <= len(plain):
                length, ts_recv, channel = _RECORD.unpack_from(plain, at)
                at += _RECORD.size
                if at + length > len(plain):
                    break
                yield Message(ts_recv, channel, plain[at : at + length])
                at += length

    def frames(self) -> Iterator[bytes]:
        """Yield the plain text of every frame, cut back to whole records where it is damaged."""
        self.losses, self.closed, self.records = [], False, 0
        content = _mapped(self.path)
        offset = 0
        while offset < len(content):
            header = read_header(content, offset)
            if header is None:
                offset = yield from self._without_header(content, offset)
                continue
            self._note_missing(offset, header.first_record)
            if header.packed_bytes == 0:
                self.closed = True
                offset += header.size
                continue
            offset = yield from self._with_header(content, offset, header)

    def _with_header(self, content: memoryview, offset: int, header: Header) -> Iterator[bytes]:
        start = offset + header.size
        packed = content[start : start + header.packed_bytes]
        plain = _checked_prefix(_unpack(packed), header)
        whole = len(plain) == header.plain_bytes
        records, plain = whole_records(plain)
        self.records = header.first_record + header.records
        if records < header.records or not whole:
            cut = len(packed) < header.packed_bytes
            reason = "the file ends inside this frame" if cut else "this frame is damaged"
            self.losses.append(Loss(offset, header.records - records, reason))
        yield plain
        return start + len(packed) if whole else _next_header(content, start)

    def _without_header(self, content: memoryview, offset: int) -> Iterator[bytes]:
        upto = _next_header(content, offset + 1)
        at = _find(content, _FRAME_MAGIC, offset, upto)
        plain = _unpack_whole(content[at:upto]) if at < upto else None
        if plain is None:
            records = -1 if upto == len(content) else 0  # the next header tells how many
            self.losses.append(Loss(offset, records, "nothing readable stands here"))
        else:
            records, plain = whole_records(plain)
            self.records += records
            self.losses.append(Loss(offset, 0, "a frame header is damaged; its frame is whole"))
            yield plain
        return upto

    def _note_missing(self, offset: int, first_record: int) -> None:
        missing = first_record - self.records
        if missing > 0:
            self.losses.append(Loss(offset, missing, "records are missing before this frame"))
        self.records = first_record


def _mapped(path: Path) -> memoryview:
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as trouble:
        raise StoreError(f"Cannot read the capture {path}: {trouble.strerror}.") from None


def whole_records(plain: bytes) -> tuple[int, bytes]:
    """Return how many whole records `plain` starts with, and their bytes."""
    records = at = 0
    while at + _RECORD.size <= len(plain):
        end = at + _RECORD.size + _RECORD.unpack_from(plain, at)[0]
        if end > len(plain):
            break
        records, at = records + 1, end
    return records, plain[:at]


def _unpack(packed: memoryview) -> bytes:
    """Return the plain text of a frame as far as it can be had: unchecked."""
    stream = zstandard.ZstdDecompressor().decompressobj()
    try:
        return zstandard.ZstdDecompressor().decompress(packed)
    except (zstandard.ZstdError, MemoryError):
        pass
    pieces: list[bytes] = []
    step = max(64, len(packed) // 4096)
    try:
        for at in range(0, len(packed), step):
            pieces.append(stream.decompress(packed[at : at + step]))
    except zstandard.ZstdError:
        pass
    return b"".join(pieces)


def _unpack_whole(packed: memoryview) -> bytes | None:
    """Return the plain text of a frame whose own checksum says it is whole, else None."""
    stream = zstandard.ZstdDecompressor().decompressobj()
    try:
        plain = stream.decompress(packed)
    except zstandard.ZstdError:
        return None
    return plain if stream.eof else None


def _checked_prefix(plain: bytes, header: Header) -> bytes:
    """Return the longest prefix of `plain` that the header's CRCs vouch for."""
    good = check = 0
    for number, expected in enumerate(header.checks):
        upto = min((number + 1) * CHECK_BYTES, header.plain_bytes)
        if len(plain) < upto:
            break
        check = zlib_ng.crc32(memoryview(plain)[good:upto], check)
        if check != expected:
            break
        good = upto
    return plain[:good]


def _next_header(content: memoryview, offset: int) -> int:
    """Return where the next undamaged header starts at or behind `offset`, or the end."""
    at = offset
    while (at := _find(content, _HEADER_MAGIC, at, len(content))) < len(content):
        if read_header(content, at) is not None:
            return at
        at += 1
    return len(content)


def _find(content: memoryview, pattern: bytes, start: int, stop: int) -> int:
    """Return the first place of `pattern` in content[start:stop], or `stop`."""
    overlap = len(pattern) - 1
    for at in range(start, stop, FRAME_BYTES):
        found = bytes(content[at : min(at + FRAME_BYTES + overlap, stop)]).find(pattern)
        if found >= 0:
            return at + found
    return stop
