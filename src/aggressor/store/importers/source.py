"""What kind of recording a file is, told by how it begins; which files are one recording."""

from collections.abc import Sequence
from pathlib import Path

from aggressor.schema.errors import MessageError
from aggressor.store.importers.archive import is_zip
from aggressor.store.importers.cryptofeed import CryptofeedFile, is_cryptofeed
from aggressor.store.importers.lines import LineFile
from aggressor.store.importers.sessions import SessionFile
from aggressor.store.importers.tables import Market, TableFile, is_table, market_of
from aggressor.store.importers.text import TextFile

Recording = LineFile | SessionFile | TableFile

_HEAD_BYTES = 4096


def together(paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Return which files are one recording each: the tables of a market, every other file alone.

    Raises StoreError if one is absent, MessageError if a table is no recording.
    """
    markets: dict[Market, list[Path]] = {}
    found: list[tuple[Path, ...]] = []
    for path in paths:
        if is_table(path):
            markets.setdefault(market_of(path), []).append(path)
        else:
            found.append((path,))
    return [*found, *(tuple(own) for own in markets.values())]


def open_recording(path: Path, *others: Path) -> Recording:
    """Return a reader of the recording at `path`, and the `others` of tables that belong to it.

    Raises StoreError if it is absent, MessageError if it is none: messages without the local time
    at which they were received are refused, because every row of a store needs one and none is
    invented.
    """
    if is_table(path):
        return TableFile([path, *others])
    if is_zip(path):
        raise MessageError(
            f"{path} is not a recording: it is a zip that holds none of the archives known here "
            "(docs/IMPORT.md lists them). Unpack it, if it is a recording of messages."
        )
    head = TextFile(path).head(_HEAD_BYTES).lstrip()
    if is_cryptofeed(head):
        return CryptofeedFile(path)
    if head.startswith((b'{"t":', b'{"t" :')):
        return SessionFile(path)
    if head.startswith((b"{", b"[")):
        raise MessageError(
            f"{path} holds messages without the local time at which they were received, and none "
            "can be invented. A recording has lines `<local time in ms, us or ns> <json>`."
        )
    lines = head.split(b"\n")[:2]  # the first may be the rest of one that was cut
    if head and not any(line[:1].isdigit() for line in lines):
        raise MessageError(
            f"{path} is not a recording: it begins with {head[:20]!r}, where lines "
            "`<local time in ms, us or ns> <json>` or session records were expected."
        )
    return LineFile(path)
