"""Segments of a recorder -> Parquet, raw captures and catalog of the store.

A segment is decoded by the code that decoded it live, message by message, so its rows are those
that were seen; a run that trades began knowing nothing of what was recorded before, and so does its
segment. It is imported like any other recording (`ingest`) and removed when the catalog
names it; killed at any moment, the next compaction finds it again and does what was left to do.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aggressor.run.imports.grids import Given
from aggressor.run.imports.ingest import EVENT_ROWS, Ingest
from aggressor.run.progress import Step, silent
from aggressor.schema.errors import AggressorError, StoreError
from aggressor.schema.event import NO_TIME
from aggressor.store.catalog import load_catalog, remove_leftovers, save_catalog
from aggressor.store.files import locked, storing
from aggressor.store.layout import Layout
from aggressor.store.raw import RESPONSE, STREAM, Message
from aggressor.store.segments import INSTRUMENTS, LOST, RUN_BEGAN, SegmentFile, answer_of, venue_of
from aggressor.venues.table import venue_named
from aggressor.venues.venue import NEEDS_ROOM


def compact_segments(store: Path, keep: Sequence[Path] = (), step: Step = silent) -> dict[str, Any]:
    """Import every segment of a store but those in `keep`; return what came of each.

    Raises StoreError (disk, lock). A segment that cannot be decoded is kept, and its entry says
    why.
    """
    layout = Layout(store)
    report = []
    for path in sorted(layout.live.glob("*.zst")):
        if path in keep:
            continue
        with locked(layout.lock):
            report.append(_compact(layout, path, step))
    return {"segments": report}


def _compact(layout: Layout, path: Path, step: Step) -> dict[str, Any]:
    """Import one segment and remove it."""
    venue = venue_named(venue_of(path))
    catalog = load_catalog(layout, absent_is_empty=True)
    remove_leftovers(layout, catalog)
    source_id = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    entry: dict[str, Any] = {"segment": path.name, "source": source_id, "rows": 0, "messages": 0}
    if catalog.source(source_id) is None:
        recording = SegmentFile(path)
        if not recording.instruments or recording.is_empty:
            _remove(path)
            return entry | {"note": "it holds no messages"}
        one = SegmentIngest(
            layout, catalog, venue, recording, source_id, recording.instruments, True, Given()
        )
        try:
            one.run(step, path.name)
            source, parts = one.commit(path.name, path.stat().st_size)
        except BaseException:
            one.abandon()
            raise
        catalog.add(source, parts)
        save_catalog(layout, catalog)
        entry |= {
            "rows": sum(part.rows for part in parts),
            "messages": source.lines,
            "skipped": source.skipped,
            "damage": source.damage,
            "examples": one.examples,
        }
    _remove(path)
    return entry


def _remove(path: Path) -> None:
    with storing(path):
        path.unlink()


class SegmentIngest(Ingest):
    """The import of a segment: as it was decoded live."""

    def run(self, step: Step, name: str) -> bool:
        """Decode the segment; what is not understood is counted, as it was live."""
        recording = self._recording
        assert isinstance(recording, SegmentFile), "it is made with one"
        rows = 0
        for message in recording.messages():
            if self._first_ns == NO_TIME:
                self._begin(message.ts_recv)
            self._last_ns = max(self._last_ns, message.ts_recv)
            self._captures.add_record(message)
            rows = self._take(message, rows)
            self.lines += 1
        self._apply(self._out[:rows], self._checks[:0])
        self.skipped.update(recording.skipped)
        return True

    def _take(self, message: Message, rows: int) -> int:
        """Decode one record behind out[:rows]; return the rows now filled."""
        while True:
            try:
                written = self._decode_record(message, rows)
            except AggressorError as trouble:
                self.skipped["not understood"] += 1
                if len(self.examples) < 3:
                    self.examples.append(str(trouble))
                return rows
            if written != NEEDS_ROOM:
                return rows + written
            if rows == 0:
                raise StoreError(
                    f"A message of {len(message.text)} bytes needs more than {EVENT_ROWS} rows; "
                    "the segment was kept as it is."
                )
            self._apply(self._out[:rows], self._checks[:0])
            rows = 0

    def _decode_record(self, message: Message, rows: int) -> int:
        out = self._out[rows:]
        if message.channel == LOST:
            rows = self.decoder.interrupt(message.ts_recv, out)
            if rows != NEEDS_ROOM and message.text == RUN_BEGAN.encode():
                self.decoder = self._new_decoder()
            return rows
        if message.channel == RESPONSE:
            address, body = answer_of(message)
            if address == INSTRUMENTS:
                return 0
            symbol = address.rpartition("#")[2]
            return self.decoder.decode(body, message.ts_recv, out, symbol)
        assert message.channel == STREAM, f"channel {message.channel}"
        text = self._venue.unpack(message.text)
        if self._venue.control(text) is not None:
            return 0
        return self.decoder.decode(text, message.ts_recv, out)
