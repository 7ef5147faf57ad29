"""Which kind of table a file is, told by its header or, without one, by its columns.

A file that is no table of rows is left to those who read lines (`source`). Two kinds of Tardis
file have the same header, trades and liquidations: there the file's name decides, or --format.
Which instrument a file is of, where it does not say so itself, stands in the name that Binance
gives it, or is given (--symbol).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from aggressor.schema.errors import ConfigError, MessageError
from aggressor.store.importers import binance_archive, bybit_archive, tardis
from aggressor.store.importers.archive import ArchiveText, is_zip
from aggressor.store.importers.blocks import Format
from aggressor.store.importers.csv_feed import CsvFeed
from aggressor.store.importers.feed import Feed
from aggressor.store.importers.hft_feed import HftFeed, is_hft
from aggressor.store.importers.stamped import (
    BYBIT_BOOK,
    DEPTH_HEADER,
    BybitBookFile,
    DepthCsvFile,
    StampedFile,
)
from aggressor.store.importers.tables import is_table
from aggressor.store.importers.text import TextFile

HFTBACKTEST = "hftbacktest"
_ALL = (*tardis.FORMATS, *binance_archive.FORMATS, *bybit_archive.FORMATS)
FORMATS: dict[str, Format] = {form.name: form for form in _ALL}
NAMES = (*FORMATS, HFTBACKTEST)

_HEAD_BYTES = 64 * 1024
_LINE = re.compile(rb"\s*(\d+:? +)?[\[{]|\d+(\.\d+)?: |\w+://|configuration: ")
_SYMBOL = re.compile(
    r"([^-/\\]+)-(?:aggTrades|trades|bookTicker|liquidationSnapshot|metrics)-\d{4}"
)


def stamped_files(paths: Sequence[Path]) -> tuple[list[StampedFile], list[Path]]:
    """Return the archives of messages among some files, and the other files.

    Binance's snapshots and changes of one symbol are one archive. Raises StoreError (absent).
    """
    found: list[StampedFile] = []
    depth: dict[bytes, list[Path]] = {}
    rest: list[Path] = []
    for path in paths:
        head = b"" if is_table(path) or (is_zip(path) and is_hft(path)) else _head_of(path)
        if head.startswith(BYBIT_BOOK):
            found.append(BybitBookFile([path]))
        elif head.startswith(DEPTH_HEADER):
            line = head.split(b"\n", 2)[1:2]
            depth.setdefault(line[0].split(b",")[0] if line else b"", []).append(path)
        else:
            rest.append(path)
    return [*found, *(DepthCsvFile(own) for own in depth.values())], rest


def _head_of(path: Path) -> bytes:
    text = ArchiveText(path) if is_zip(path) else TextFile(path)
    return text.head(_HEAD_BYTES)


def feed_of(path: Path, wanted: str | None = None, symbol: str | None = None) -> Feed | None:
    """Return a reader of a file of rows; None for a recording of messages.

    `wanted` is a name of NAMES. Raises StoreError (absent), MessageError (not what was wanted, or a
    table of unknown columns), ConfigError (no symbol is known).
    """
    if wanted is not None and wanted not in NAMES:
        raise ConfigError(f"There is no format {wanted!r} - use one of: {', '.join(NAMES)}.")
    zipped = is_zip(path)
    if wanted == HFTBACKTEST or (zipped and is_hft(path)):
        if not zipped or wanted not in (None, HFTBACKTEST):
            raise MessageError(f"{path} is not a file of {wanted}: leave --format out.")
        if symbol is None:
            raise ConfigError(f"{path} does not say which instrument it is of: give --symbol.")
        return HftFeed(path, symbol)
    if is_table(path):
        return None
    head = _head_of(path)
    if not head.strip() and not zipped:
        return None
    if not head.strip():
        raise MessageError(f"{path} is empty: there is nothing to import. Download it again.")
    if wanted is None and _LINE.match(head):
        return None
    first = head.split(b"\n", 1)[0].decode(errors="replace").strip()
    fields = [one.strip() for one in first.split(",")]
    if wanted is None and len(fields) < 4:
        return None
    form, names, has_header = _form_of(path, fields, wanted)
    own = symbol or _symbol_in(path)
    if not form.symbol and own is None:
        raise ConfigError(
            f"{path} does not say which instrument it is of, nor does its name: give --symbol."
        )
    return CsvFeed(path, form, names, has_header, own or "")


def _form_of(
    path: Path, fields: list[str], wanted: str | None
) -> tuple[Format, tuple[str, ...], bool]:
    """Return the format, the columns, and whether the first line names them."""
    forms = _ALL if wanted is None else (FORMATS[wanted],)
    if fields[0][:1].isdigit():
        for form in forms:
            names = form.bare(fields) if form.bare is not None else None
            if names is not None:
                return form, names, False
        if wanted is None and len(fields) == 12:
            raise MessageError(f"{path} {binance_archive.KLINES_REFUSED}")
        raise MessageError(
            f"{path} has no header, and its first line has {len(fields)} fields "
            f"({','.join(fields)[:80]!r}) that are those of no format known here: put the names of "
            "its columns into a first line, or say what it is with --format."
        )
    fitting = [form for form in forms if set(form.header) <= set(fields)]
    if not fitting:
        raise _unknown(path, fields, forms)
    form = fitting[0]
    if wanted is None and form.name == "tardis-trades" and "liquidations" in path.name:
        form = FORMATS["tardis-liquidations"]
    return form, tuple(fields), True


def _unknown(path: Path, fields: list[str], forms: tuple[Format, ...]) -> MessageError:
    """Return what is wrong with a header that is of no known format."""
    if set(binance_archive.BOOK_DEPTH) <= set(fields):
        return MessageError(f"{path} {binance_archive.BOOK_DEPTH_REFUSED}")
    if set(binance_archive.KLINES) <= set(fields):
        return MessageError(f"{path} {binance_archive.KLINES_REFUSED}")
    nearest = max(forms, key=lambda form: len(set(form.header) & set(fields)) / len(form.header))
    missing = [name for name in nearest.header if name not in fields]
    return MessageError(
        f"{path} is of no format known here: its columns are {', '.join(fields)[:200]}. The "
        f"nearest is {nearest.name}, which also needs {', '.join(missing[:8])}. Is its header "
        "cut off or renamed? Formats: " + ", ".join(NAMES) + "."
    )


def _symbol_in(path: Path) -> str | None:
    found = _SYMBOL.match(path.name)
    return found[1] if found else None
