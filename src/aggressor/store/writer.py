"""EVENT rows -> Parquet partitions, one file per source, instrument and UTC day of `ts_recv`.

Columns are those of EVENT without `instrument` (that is a lane of an engine, not a property of
history; the instrument is the folder and the file's own metadata). Measured best of six: zstd 3,
DELTA_BINARY_PACKED on the two times, dictionaries on the rest: about 5 bytes an event. Row groups
hold ROW_GROUP rows, so memory does not grow with the length of a day, and the bytes never depend on
how the rows were batched.

Files grow in the staging folder; `finish` flushes them to the disk, `publish` renames them into
place, `abandon` removes them. Nothing outside staging exists before `publish`.
"""

import json
import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aggressor.schema.event import EVENT, EVENT_VERSION, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.files import put_in_place, storing
from aggressor.store.layout import DAY_NS, Layout, day_ends, day_of

ROW_GROUP = 1_000_000
WAITING_ROWS_MAX = (
    8_000_000  # over all open parts: 256 MB of rows, whatever the number of instruments
)
_FIRST_ROWS = 65_536  # room of a part; it doubles
_BLOCK_ROWS = 4096  # so many rows stay in the cache from their first column to their last
_FLUSHES_MAX = 2  # row groups on their way to the disk at one time
_METADATA = b"aggressor"

COLUMNS = tuple(name for name in EVENT.names or () if name != "instrument")
_TIMES = ("ts_recv", "ts_venue")
_ARROW = {"<i8": pa.int64(), "<i4": pa.int32(), "|u1": pa.uint8(), "|i1": pa.int8()}
_SPLIT = ("price", "size")  # too many values for a dictionary: one pays twice, and is dropped
_ENCODING: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": [name for name in COLUMNS if name not in _TIMES + _SPLIT],
    "column_encoding": {
        **dict.fromkeys(_TIMES, "DELTA_BINARY_PACKED"),
        **dict.fromkeys(_SPLIT, "BYTE_STREAM_SPLIT"),
    },
}
SCHEMA = pa.schema([(name, _ARROW[EVENT[name].str]) for name in COLUMNS])


Columns = dict[str, np.ndarray[Any, Any]]


def _empty_columns(rows: int) -> Columns:
    """Return room for rows, a column beside the other: that is how they are written."""
    return {name: np.empty(rows, EVENT[name]) for name in COLUMNS}


class WrittenPart(NamedTuple):
    """One finished Parquet file: its final path, what is in it, and its size."""

    instrument: Instrument
    path: Path
    day: str
    rows: int
    first_ns: int
    last_ns: int
    size_bytes: int


def instrument_metadata(instrument: Instrument) -> dict[bytes, bytes]:
    """Return the file metadata that lets a part be read without its catalog."""
    text = json.dumps(
        {
            "version": EVENT_VERSION,
            "instrument": instrument.id,
            "kind": instrument.kind.value,
            "tick": str(instrument.tick),
            "lot": str(instrument.lot),
            "multiplier": str(instrument.multiplier),
            "inferred": instrument.inferred,
        },
        sort_keys=True,
        ensure_ascii=False,
    )
    return {_METADATA: text.encode()}


class _Part:
    """One open Parquet file and the rows that wait for its next row group."""

    def __init__(self, instrument: Instrument, aside: Path, final: Path, first_ns: int) -> None:
        self.instrument = instrument
        self.aside = aside
        self.final = final
        self.day_index = first_ns // DAY_NS
        self.first_ns = self.last_ns = first_ns
        self.rows = self.waiting_rows = 0
        self.columns = _empty_columns(_FIRST_ROWS)
        self.schema = SCHEMA.with_metadata(instrument_metadata(instrument))
        self.parquet: pq.ParquetWriter | None = None

    def add(self, events: Events) -> None:
        """Keep rows until they are written."""
        first, stop = self.waiting_rows, self.waiting_rows + len(events)
        size = len(self.columns["ts_recv"])
        if stop > size:
            grown = _empty_columns(max(2 * size, stop))
            for name, column in self.columns.items():
                grown[name][:first] = column[:first]
            self.columns = grown
        for at in range(0, len(events), _BLOCK_ROWS):
            block = events[at : at + _BLOCK_ROWS]
            for name, column in self.columns.items():
                column[first + at : first + at + len(block)] = block[name]
        self.waiting_rows = stop

    def take(self, rows: int) -> Columns:
        """Remove and return the first `rows` waiting rows."""
        taken, stop = self.columns, self.waiting_rows
        self.waiting_rows = stop - rows
        self.columns = _empty_columns(max(len(taken["ts_recv"]), _FIRST_ROWS))
        for name, column in self.columns.items():
            column[: stop - rows] = taken[name][rows:stop]
        return {name: column[:rows] for name, column in taken.items()}

    def write(self, columns: Columns) -> None:
        """Append one row group; opens the file on the first."""
        with storing(self.final):
            if self.parquet is None:
                self.aside.parent.mkdir(parents=True, exist_ok=True)
                self.parquet = pq.ParquetWriter(self.aside, self.schema, **_ENCODING)
            arrays = [pa.array(columns[name]) for name in COLUMNS]
            table = pa.Table.from_arrays(arrays, schema=self.schema)
            self.parquet.write_table(table, row_group_size=ROW_GROUP)

    def close(self) -> None:
        """End the file and wait until it is on the disk."""
        with storing(self.final):
            if self.parquet is not None:
                self.parquet.close()
            handle = os.open(self.aside, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


class PartitionWriter:
    """Writes the events of one source; raises StoreError if the disk refuses.

    `instruments` maps the EVENT's instrument index to what it stands for. Row groups are encoded in
    a thread beside the caller.
    """

    def __init__(
        self,
        layout: Layout,
        source: str,
        instruments: Mapping[int, Instrument],
        row_group: int = ROW_GROUP,
    ) -> None:
        self._layout = layout
        self._source = source
        self._instruments = instruments
        self._row_group = row_group
        self._open: dict[int, _Part] = {}
        self._closed: list[_Part] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="parquet")
        self._flushes: list[Future[None]] = []

    def add(self, events: Events) -> None:
        """Append rows, each instrument's in order of `ts_recv`; the array may be reused."""
        lanes = events["instrument"]
        if len(events) == 0:
            return
        if (lanes == lanes[0]).all():
            self._add_lane(int(lanes[0]), events)
        else:
            order = np.argsort(lanes, kind="stable")
            ends = np.flatnonzero(np.diff(lanes[order])) + 1
            for rows in np.split(order, ends):
                self._add_lane(int(lanes[rows[0]]), events[rows])
        while sum(part.waiting_rows for part in self._open.values()) > WAITING_ROWS_MAX:
            fullest = max(self._open.values(), key=lambda part: part.waiting_rows)
            self._flush(fullest, fullest.waiting_rows)

    def finish(self) -> list[WrittenPart]:
        """End every part and flush it to the disk, still in staging; return them by name."""
        for lane in sorted(self._open):
            self._close(self._open[lane])
        self._open.clear()
        self._wait(0)
        self._thread.shutdown()
        return sorted(
            (
                WrittenPart(
                    part.instrument,
                    part.final,
                    day_of(part.first_ns),
                    part.rows,
                    part.first_ns,
                    part.last_ns,
                    part.aside.stat().st_size,
                )
                for part in self._closed
            ),
            key=lambda part: part.path,
        )

    def publish(self) -> None:
        """Rename every finished part into place."""
        for part in self._closed:
            with storing(part.final):
                put_in_place(part.aside, part.final)

    def abandon(self) -> None:
        """Stop and remove what was written aside."""
        self._thread.shutdown(cancel_futures=True)
        for part in [*self._open.values(), *self._closed]:
            part.aside.unlink(missing_ok=True)

    def _add_lane(self, lane: int, events: Events) -> None:
        for rows in np.split(events, day_ends(events["ts_recv"])[:-1]):
            part = self._part(lane, int(rows["ts_recv"][0]))
            assert int(rows["ts_recv"][0]) >= part.last_ns, "events are not in order of ts_recv"
            part.last_ns = int(rows["ts_recv"][-1])
            part.rows += len(rows)
            part.add(rows)
            while part.waiting_rows >= self._row_group:
                self._flush(part, self._row_group)

    def _part(self, lane: int, ts_ns: int) -> _Part:
        part = self._open.get(lane)
        if part is not None and part.day_index == ts_ns // DAY_NS:
            return part
        if part is not None:
            self._close(part)
        instrument = self._instruments[lane]
        final = self._layout.part(instrument.venue, instrument.symbol, ts_ns, self._source)
        aside = self._layout.staging / self._layout.relative(final).replace("/", "!")
        self._open[lane] = part = _Part(instrument, aside, final, ts_ns)
        return part

    def _flush(self, part: _Part, rows: int) -> None:
        events = part.take(rows)
        self._flushes.append(self._thread.submit(part.write, events))
        self._wait(_FLUSHES_MAX)

    def _close(self, part: _Part) -> None:
        if part.waiting_rows:
            self._flush(part, part.waiting_rows)
        self._flushes.append(self._thread.submit(part.close))
        self._closed.append(part)

    def _wait(self, allowed: int) -> None:
        while len(self._flushes) > allowed:
            self._flushes.pop(0).result()
