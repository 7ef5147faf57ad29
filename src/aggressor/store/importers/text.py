"""The text of a recording, whatever it is packed in, as far as it can be read.

gzip (also several members), zstd (also several frames) and plain text are told by their first
bytes, never by the file's name. A recording that was cut or damaged gives everything before the
damage; what is wrong with it then stands in `damage`. Memory does not grow with the length of the
file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

import zstandard
from zlib_ng import zlib_ng

from aggressor.schema.errors import StoreError

PIECE_BYTES = 256 * 1024  # read from the file at a time
_PLAIN_MAX = 4 * 1024 * 1024  # unpacked at a time: a small file may hold gigabytes
_FINE_BYTES = 16  # how close to the damage the last text is taken from
_GZIP = b"\x1f\x8b"
_DAMAGED: type[Exception] = cast(Any, zlib_ng.error)  # its stubs call the class an instance
_ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16)))


class _Unpacker(Protocol):
    """What zlib and zstandard decompression objects share."""

    eof: bool
    unused_data: bytes

    def decompress(self, packed: bytes, /) -> bytes: ...


class TextFile:
    """A recording as pieces of text; `damage` says after reading what could not be read.

    `bytes_read` counts the bytes of the file used so far: for progress. Raises StoreError if the
    file is absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = ""
        self.bytes_read = 0
        try:
            self.size_bytes = path.stat().st_size
            with path.open("rb") as file:
                self._mark = file.read(4)
        except OSError as trouble:
            raise StoreError(f"Cannot read the recording {path}: {trouble.strerror}.") from None

    def pieces(self) -> Iterator[bytes]:
        """Yield the text from its beginning."""
        self.damage, self.bytes_read = "", 0
        if self._mark.startswith(_GZIP):
            return self._unpacked("gzip", lambda: zlib_ng.decompressobj(wbits=31))
        if self._mark in _ZSTD:
            return self._unpacked("zstd", lambda: zstandard.ZstdDecompressor().decompressobj())
        return self._packed()

    def head(self, size_bytes: int) -> bytes:
        """Return about the first `size_bytes` of text, for telling what the recording is."""
        text = b""
        for piece in self.pieces():
            text += piece
            if len(text) >= size_bytes:
                break
        return text[:size_bytes]

    def _packed(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                self.bytes_read += len(piece)
                yield piece

    def _unpacked(self, name: str, unpacker: Any) -> Iterator[bytes]:
        """Yield the text of all members; each starts where the one before it ended."""
        stream = unpacker()
        fresh = True
        for piece in self._packed():
            packed = piece
            while packed:
                if stream.eof:
                    packed = packed.lstrip(b"\0")
                    stream, fresh = unpacker(), True
                    if not packed:
                        break
                    if not packed.startswith((_GZIP[:1], *(mark[:1] for mark in _ZSTD))):
                        self.damage = (
                            f"what stands behind the end of the {name} stream was not read"
                        )
                        return
                fresh = False
                before = stream.copy() if hasattr(stream, "copy") else None
                given = 0
                try:
                    for text in _plain(stream, packed):
                        given += len(text)
                        yield text
                except (_DAMAGED, zstandard.ZstdError):
                    if before is not None:
                        yield b"".join(_fine(before, packed))[given:]
                    self.damage = (
                        f"its {name} stream is damaged within {PIECE_BYTES} bytes before byte "
                        f"{self.bytes_read} of {self.size_bytes}; the text before that was read"
                    )
                    return
                packed = stream.unused_data
        if not stream.eof and not fresh:
            self.damage = (
                f"its {name} stream has no end: the file was cut; the text up to there was read"
            )


def _plain(stream: Any, packed: bytes) -> Iterator[bytes]:
    if not hasattr(stream, "copy"):  # zstandard's has no limit; its pieces are small
        yield stream.decompress(packed)
        return
    yield stream.decompress(packed, _PLAIN_MAX)
    while stream.unconsumed_tail and not stream.eof:
        yield stream.decompress(stream.unconsumed_tail, _PLAIN_MAX)


def _fine(stream: Any, packed: bytes) -> Iterator[bytes]:
    """Yield what a stream gives when it is fed so little that only the damage itself is lost."""
    try:
        for at in range(0, len(packed), _FINE_BYTES):
            yield stream.decompress(packed[at : at + _FINE_BYTES])
    except _DAMAGED:
        return
