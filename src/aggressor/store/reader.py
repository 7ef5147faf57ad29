"""Reading a store: bounded chunks of EVENT rows of one instrument, from one time to another.

The first reading of a part decodes its Parquet once into a file of EVENT rows in the user's cache
folder; later readings map that file into memory and copy nothing. Such a file is keyed by the
identity of its part (path, size, time of change) and by the record version, so a replaced part is
never confused with its former self; the cache is kept below CACHE_BYTES_MAX by dropping what was
used longest ago, and may be deleted at any time. Where it cannot be written (full disk, read-only
home), rows come straight from the Parquet, row group by row group: slower, same rows.

Rows are in order of `ts_recv`; `instrument` is 0 until a merge gives them their lanes.
"""

import hashlib
import os
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import platformdirs
import pyarrow.parquet as pq
from numpy.lib import format as npy

from aggressor.schema.errors import StoreError
from aggressor.schema.event import EVENT, EVENT_VERSION, NO_TIME, Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.store.catalog import Catalog, Part, load_catalog
from aggressor.store.layout import Layout, split_id
from aggressor.store.replay import TIMER_NS, Replay
from aggressor.store.writer import COLUMNS

CACHE_BYTES_MAX = 32 * 1024**3  # 1 G events; decoding again costs 26 ns an event


def cache_folder() -> Path:
    """Return where decoded parts are kept: $AGGRESSOR_CACHE, else the user's cache folder."""
    chosen = os.environ.get("AGGRESSOR_CACHE")
    root = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("aggressor"))
    return root / "events"


class Store:
    """A store opened for reading. It sees the catalog as it was when it was opened."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.catalog: Catalog = load_catalog(self.layout)

    @property
    def instruments(self) -> list[str]:
        """The instruments that have rows here, as venue:SYMBOL."""
        return sorted({part.instrument for part in self.catalog.parts})

    def parts(
        self, instrument: str, start_ns: int = NO_TIME, stop_ns: int = 2**63 - 1
    ) -> list[Part]:
        """Return the parts with rows in [start_ns, stop_ns); raise StoreError if it is unknown."""
        split_id(instrument)
        every = self.catalog.parts_of(instrument)
        if not every:
            held = ", ".join(self.instruments) or "nothing"
            raise StoreError(
                f"{instrument} is not in the store {self.layout.root}: it holds {held}."
            )
        return [part for part in every if part.last_ns >= start_ns and part.first_ns < stop_ns]

    def definition(
        self, instrument: str, start_ns: int = NO_TIME, stop_ns: int = 2**63 - 1
    ) -> Instrument:
        """Return the grid in a span of time; raise StoreError where it changes in between."""
        parts = self.parts(instrument, start_ns, stop_ns) or self.catalog.parts_of(instrument)
        numbers = {part.definition for part in parts}
        if len(numbers) > 1:
            change_ns = next(p.first_ns for p in parts if p.definition != parts[0].definition)
            raise StoreError(
                f"The grid of {instrument} changes at {change_ns} ns: read one side of that "
                "moment at a time (--from, --to)."
            )
        return self.catalog.instruments[instrument][numbers.pop()]

    def source(
        self, instrument: str, start_ns: int = NO_TIME, stop_ns: int = 2**63 - 1
    ) -> "History":
        """Return an EventSource of the rows with start_ns <= ts_recv < stop_ns."""
        self.definition(instrument, start_ns, stop_ns)
        paths = [self.layout.root / part.path for part in self.parts(instrument, start_ns, stop_ns)]
        return History(paths, start_ns, stop_ns)

    def replay(
        self,
        instruments: list[str],
        start_ns: int = NO_TIME,
        stop_ns: int = 2**63 - 1,
        timer_ns: int = TIMER_NS,
    ) -> Replay:
        """Return a Feed of several instruments; the k-th becomes EVENT.instrument k."""
        return Replay([self.source(one, start_ns, stop_ns) for one in instruments], timer_ns)


class History:
    """The rows of one instrument over several parts: an EventSource of bounded memory."""

    def __init__(
        self, paths: list[Path], start_ns: int = NO_TIME, stop_ns: int = 2**63 - 1
    ) -> None:
        self._blocks = (block for path in paths for block in _blocks(path, start_ns, stop_ns))
        self._block = empty_events(0)
        self._next = 0

    def read(self, limit: int) -> Events:
        """Return up to `limit` next rows, a read-only view; an empty array at the end."""
        while self._next == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return empty_events(0)
            self._block, self._next = block, 0
        rows = self._block[self._next : self._next + limit]
        self._next += len(rows)
        return rows

    def read_all(self) -> Events:
        """Return all rows that are left as one array: for short spans."""
        chunks = [empty_events(0)]
        while len(rows := self.read(2**62)):
            chunks.append(rows)
        return np.concatenate(chunks)


def _blocks(path: Path, start_ns: int, stop_ns: int) -> Iterator[Events]:
    """Yield the rows of one part within a span: one mapped block, or its row groups."""
    mapped = decoded(path)
    for rows in _row_groups(path) if mapped is None else [mapped]:
        first = bisect_left(range(len(rows)), start_ns, key=lambda i: int(rows[i]["ts_recv"]))
        last = bisect_left(range(len(rows)), stop_ns, key=lambda i: int(rows[i]["ts_recv"]))
        if first < last:
            yield rows[first:last]


def decoded(path: Path) -> Events | None:
    """Return a part's rows mapped into memory, decoding it first; None if that cannot be kept.

    Raises StoreError if the part is absent or damaged.
    """
    try:
        state = path.stat()
    except OSError as trouble:
        raise StoreError(
            f"Cannot read {path}: {trouble.strerror}. Import its recording again."
        ) from None
    identity = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}|{EVENT_VERSION}"
    kept = cache_folder() / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.npy"
    try:
        if not kept.exists():
            _decode_into(path, kept)
        os.utime(kept)
        rows = np.load(kept, mmap_mode="r")
    except StoreError:
        raise
    except (OSError, ValueError):
        return None
    return rows if rows.dtype == EVENT else None


def _decode_into(path: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    rows = _parquet(path).metadata.num_rows
    _drop_oldest(kept.parent, rows * EVENT.itemsize)
    aside = kept.with_suffix(f".{os.getpid()}.partial")
    try:
        with aside.open("wb") as file:
            header = {"descr": EVENT.descr, "fortran_order": False, "shape": (rows,)}
            npy.write_array_header_1_0(file, header)
            for events in _row_groups(path):
                file.write(events.view(np.uint8).data)
        os.replace(aside, kept)
    finally:
        aside.unlink(missing_ok=True)


def _drop_oldest(folder: Path, coming_bytes: int) -> None:
    entries = sorted((e.stat().st_mtime_ns, e.stat().st_size, e.path) for e in os.scandir(folder))
    excess = sum(size for _, size, _ in entries) + coming_bytes - CACHE_BYTES_MAX
    for _, size, name in entries:
        if excess <= 0:
            return
        Path(name).unlink(missing_ok=True)
        excess -= size


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, ValueError) as trouble:
        raise StoreError(
            f"{path} is damaged ({str(trouble).splitlines()[0]}): "
            "import its recording into a new store."
        ) from None


def _row_groups(path: Path) -> Iterator[Events]:
    """Yield the rows of each row group of a part."""
    parquet = _parquet(path)
    for number in range(parquet.metadata.num_row_groups):
        try:
            table = parquet.read_row_group(number, columns=list(COLUMNS))
        except (OSError, ValueError) as trouble:
            raise StoreError(
                f"{path} is damaged ({str(trouble).splitlines()[0]}): "
                "import its recording into a new store."
            ) from None
        events = empty_events(table.num_rows)
        for name in COLUMNS:
            events[name] = table[name].to_numpy()
        yield events
