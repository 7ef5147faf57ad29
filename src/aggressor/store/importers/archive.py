"""The text of an archive file, strictly: zip, gzip, zstd or plain, whole or an error.

A recording of one's own that was cut is still worth what stands before the cut (`text`). An archive
that somebody publishes can be had again, so a cut or damaged one is refused, with what is wrong and
where. What a file is packed in is told by its first bytes. A zip holds one file of text. Text is
read piece by piece, and a file that unpacks to far more than any market data does is refused before
it fills the disk.
"""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from aggressor.schema.errors import MessageError, StoreError
from aggressor.store.importers.text import PIECE_BYTES, TextFile

UNPACKED_TIMES_MAX = 200  # market data as text unpacks to 5 to 40 times its size
_UNPACKED_FREE = 64 * 1024 * 1024  # a ratio means nothing below this
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_ENCRYPTED = 1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


def is_zip(path: Path) -> bool:
    """Return whether a file begins as a zip does; raise StoreError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (_ZIP, _EMPTY_ZIP)
    except OSError as trouble:
        raise StoreError(f"Cannot read the file {path}: {trouble.strerror}.") from None


def zip_members(path: Path) -> list[str]:
    """Return the names of the files in a zip; raise MessageError if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [one.filename for one in archive.infolist() if not one.is_dir()]
    except _DAMAGED as trouble:
        raise _damaged(path, str(trouble)) from None


class ArchiveText:
    """The text of one archive file; `bytes_read` counts packed bytes used so far, for progress."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes_read = 0
        self.is_zip = is_zip(path)
        self.size_bytes = path.stat().st_size

    def pieces(self) -> Iterator[bytes]:
        """Yield the text from its beginning; raise MessageError where it cannot be read."""
        self.bytes_read = given = 0
        for piece in self._zipped() if self.is_zip else self._streamed():
            given += len(piece)
            packed = max(self.bytes_read, 1)
            if given > _UNPACKED_FREE and given > UNPACKED_TIMES_MAX * packed:
                raise MessageError(
                    f"{self.path} unpacks to more than {UNPACKED_TIMES_MAX} times its size "
                    f"({given} bytes from {packed}): no market data does that. Unpack it yourself "
                    "if it is to be trusted, and import the text."
                )
            yield piece

    def head(self, size_bytes: int) -> bytes:
        """Return about the first `size_bytes` of text, for telling what the file is."""
        text = b""
        for piece in self.pieces():
            text += piece
            if len(text) >= size_bytes:
                break
        return text[:size_bytes]

    def _streamed(self) -> Iterator[bytes]:
        stream = TextFile(self.path)
        for piece in stream.pieces():
            self.bytes_read = stream.bytes_read
            yield piece
        if stream.damage:
            raise _damaged(self.path, stream.damage)

    def _zipped(self) -> Iterator[bytes]:
        names = zip_members(self.path)
        if len(names) != 1:
            inside = ", ".join(names[:3]) or "nothing"
            raise MessageError(
                f"{self.path} must hold one file and holds {len(names)} ({inside}): unpack it and "
                "name the files themselves."
            )
        try:
            with zipfile.ZipFile(self.path) as archive:
                member = archive.getinfo(names[0])
                if member.flag_bits & _ENCRYPTED:
                    raise MessageError(f"{self.path} is locked with a password: unpack it first.")
                with archive.open(member) as file:
                    while piece := file.read(PIECE_BYTES):
                        place = archive.fp.tell() if archive.fp is not None else 0
                        self.bytes_read = min(max(place, 1), self.size_bytes)
                        yield piece
        except _DAMAGED as trouble:
            raise _damaged(self.path, str(trouble)) from None


def _damaged(path: Path, what: str) -> MessageError:
    return MessageError(
        f"{path} is cut or damaged ({what or 'it ends too early'}): download it again; nothing of "
        "it was imported."
    )
