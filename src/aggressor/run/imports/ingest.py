"""One recording into a store: capture, decoding, counts and Parquet in parallel, then a commit.

    reader thread    unpack the file, find lines and receive times
    this thread      decode, book and quote checks
    capture thread   raw frames, zstd
    parquet thread   row groups

Everything is written in the staging folder. The commit renames parts, capture and state into place
and replaces the catalog last, so a process killed at any moment leaves a store that does not name
what is not whole; the next import removes the rest. Nothing here depends on time or on the speed of
a thread: the same file gives the same bytes.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from aggressor.market.book import book_state, grow_book, run_book
from aggressor.run.imports.grids import Given, off_grid
from aggressor.run.imports.tally import (
    TOP,
    Tally,
    harvest,
    recent,
    restore_recent,
    tally_events,
    tally_state,
)
from aggressor.run.progress import Step
from aggressor.schema.errors import StoreError
from aggressor.schema.event import EVENT, NO_TIME, Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.store.captures import Captures
from aggressor.store.catalog import (
    RECORDED,
    VENUE_TIMES,
    Catalog,
    Part,
    Quality,
    Source,
    same_grid,
)
from aggressor.store.files import put_in_place, storing
from aggressor.store.importers.changes import Changes
from aggressor.store.importers.feed import RowRecording
from aggressor.store.importers.lines import Lines
from aggressor.store.importers.source import Recording
from aggressor.store.importers.tables import TableFile
from aggressor.store.layout import DAY_NS, Layout, day_ends, day_of
from aggressor.store.segments import SegmentFile
from aggressor.store.state import LaneEnd, SourceEnd, book_rows, read_end, write_end
from aggressor.store.writer import PartitionWriter
from aggressor.venues.venue import BAD, FULL, Checks, MarketDecoder, Venue, empty_checks

Item = TypeVar("Item")

EVENT_ROWS = 262_144  # decoded at a time: 8 MiB
CHECK_ROWS = 65_536
_CHUNKS_AHEAD = 2
_EXAMPLES = 3


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield `items` while a thread already makes the next ones."""
    iterator = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="reader") as thread:
        coming = deque(thread.submit(next, iterator, None) for _ in range(_CHUNKS_AHEAD))
        while (item := coming.popleft().result()) is not None:
            coming.append(thread.submit(next, iterator, None))
            yield item


class Ingest:
    """The import of one recording on given grids. `run` once, then `commit` or `abandon`."""

    def __init__(
        self,
        layout: Layout,
        catalog: Catalog,
        venue: Venue,
        recording: Recording | SegmentFile | RowRecording,
        source_id: str,
        definitions: list[Instrument],
        whole: bool,
        given: Given,
    ) -> None:
        """`whole`: grids were inferred from the whole recording, not from its beginning."""
        self.definitions = definitions
        self.skipped: Counter[str] = Counter()
        self.examples: list[str] = []
        self.lines = 0
        self.off_grid: str | None = None
        self._layout = layout
        self._catalog = catalog
        self._venue = venue
        self._recording = recording
        self._source_id = source_id
        self._whole = whole
        self._given = given
        self.decoder = self._new_decoder()
        self._book = book_state(len(definitions))
        self._tally: Tally = tally_state(len(definitions))
        self._writer = PartitionWriter(layout, source_id, dict(enumerate(definitions)))
        self._captures = Captures(layout, venue.name, source_id)
        self._changes = Changes() if isinstance(recording, TableFile) else None
        self._parts: dict[tuple[int, str], tuple[Quality, int | None]] = {}
        self._day = -1
        self._first_ns = self._last_ns = NO_TIME
        self._out = empty_events(EVENT_ROWS)
        self._checks: Checks = empty_checks(CHECK_ROWS)

    def run(self, step: Step, name: str) -> bool:
        """Read the recording; False if what was inferred does not hold it: see `off_grid`."""
        recording = self._recording
        assert not isinstance(recording, SegmentFile | RowRecording), "they have ways of their own"
        for lines in ahead(recording.chunks()):
            if self._first_ns == NO_TIME:
                self._begin(int(lines.times[0]))
            self._last_ns = int(lines.times[-1])
            self._captures.add(lines)
            if not self._decode(lines):
                return False
            file = recording.file
            step(f"import {name}", file.bytes_read / max(file.size_bytes, 1))
        self.skipped.update(recording.skipped)
        return True

    def _new_decoder(self) -> MarketDecoder:
        return self._venue.market_decoder(
            [(one, lane) for lane, one in enumerate(self.definitions)]
        )

    def commit(self, name: str, size_bytes: int) -> tuple[Source, list[Part]]:
        """Put everything into the store; return what the catalog now says of it."""
        self._harvest()
        written = self._writer.finish()
        self._captures.finish()
        lanes = {one.id: lane for lane, one in enumerate(self.definitions)}
        parts = []
        for one in written:
            quality, offset = self._parts[lanes[one.instrument.id], one.day]
            self._refuse_overlap(one.instrument.id, one.first_ns, one.last_ns)
            parts.append(
                Part(
                    path=self._layout.relative(one.path),
                    source=self._source_id,
                    instrument=one.instrument.id,
                    definition=self._catalog.define(one.instrument),
                    day=one.day,
                    rows=one.rows,
                    size_bytes=one.size_bytes,
                    first_ns=one.first_ns,
                    last_ns=one.last_ns,
                    quality=quality,
                    clock_offset_ns=offset,
                )
            )
        final = self._layout.state(self._source_id)
        aside = self._layout.staging / final.name
        write_end(aside, self._end())
        source = Source(
            id=self._source_id,
            venue=self._venue.name,
            name=name,
            size_bytes=size_bytes,
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            lines=self.lines,
            skipped={reason: count for reason, count in sorted(self.skipped.items()) if count},
            damage=self._recording.damage,
            captures=[self._layout.relative(path) for path in self._captures.finals],
            state=self._layout.relative(final),
            instruments=sorted({part.instrument for part in parts}),
            receive_times=(RECORDED if getattr(self._recording, "recorded", True) else VENUE_TIMES),
        )
        self._writer.publish()
        self._captures.publish()
        with storing(final):
            put_in_place(aside, final)
        return source, parts

    def abandon(self) -> None:
        """Remove everything that was written aside."""
        self._writer.abandon()
        self._captures.abandon()
        (self._layout.staging / self._layout.state(self._source_id).name).unlink(missing_ok=True)

    def _begin(self, first_ns: int) -> None:
        """Keep the definitions, and go on from where the files before this one ended."""
        self._first_ns = first_ns
        for ts_recv, body in getattr(self._recording, "definitions", []):
            self._captures.add_response(ts_recv, body)
        before: dict[str, tuple[Source, list[int]]] = {}
        for lane, one in enumerate(self.definitions):
            self._refuse_overlap(one.id, first_ns, first_ns + 1)
            source = self._catalog.predecessor(one.id, first_ns)
            if source is None:
                continue
            last = self._catalog.parts_of(one.id, source.id)[-1]
            if same_grid(self._catalog.instruments[one.id][last.definition], one):
                before.setdefault(source.id, (source, []))[1].append(lane)
        for source, lanes in sorted(before.values(), key=lambda entry: entry[0].last_ns):
            end = read_end(self._layout.root / source.state)
            if end.decoder:  # rows that came without messages join nothing
                self._resume(end, lanes)

    def _resume(self, end: SourceEnd, lanes: list[int]) -> None:
        self.decoder.resume(end.decoder)
        for lane in lanes:
            own = end.lanes[self.definitions[lane].symbol]
            rows = np.frombuffer(own.levels, EVENT).copy()
            rows["instrument"] = lane
            while (done := run_book(rows, 0, len(rows), self._book)) < len(rows):
                self._book = grow_book(self._book)
                rows = rows[done:]
            restore_recent(
                self._tally, lane, np.frombuffer(own.quotes, TOP), np.frombuffer(own.depths, TOP)
            )

    def _refuse_overlap(self, instrument: str, first_ns: int, last_ns: int) -> None:
        other = self._catalog.overlapping(instrument, first_ns, last_ns)
        if other is not None:
            raise StoreError(
                f"The store already holds {instrument} from {other.first_ns} to {other.last_ns} ns "
                f"(from {other.name}), and this recording overlaps it: import it "
                "into another store."
            )

    def _decode(self, lines: Lines) -> bool:
        """Decode one chunk; False if an inferred grid does not hold it."""
        at, rows, checks = 0, 0, 0
        stop = lines.text.size
        while at < stop:
            progress = self.decoder.decode_lines(
                lines.text, at, stop, self._out, rows, self._checks, checks
            )
            at, rows, checks = progress.stop, progress.rows, progress.checks
            self.lines += progress.lines
            if progress.reason == BAD and not self._skip(lines, at):
                return False
            if progress.reason == FULL:
                assert rows, "a line has no room in an empty array"
                self._apply(self._out[:rows], self._checks[:checks])
                rows = checks = 0
        self._apply(self._out[:rows], self._checks[:checks])
        return self._whole or not self.decoder.unknown

    def _skip(self, lines: Lines, at: int) -> bool:
        """Count a line that was not understood; False if an inferred grid is the reason."""
        number = int(np.searchsorted(lines.lines, at, "left")) - 1
        line = lines.text[int(lines.lines[number]) : int(lines.lines[number + 1])]
        trouble = self.decoder.trouble
        assert trouble is not None
        self.off_grid = off_grid(self._venue, line, self.definitions)
        if self.off_grid is not None and self._given == Given():
            return False
        if self.off_grid is not None:
            raise trouble
        self.skipped["not understood"] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(str(trouble))
        return True

    def _apply(self, events: Events, checks: Checks) -> None:
        """Count rows, check the book with them and hand them to the writer, day by day."""
        if self._changes is not None:
            events, checks = self._changes.of(events), checks[:0]  # tables have no quotes
        start = check = 0
        for end in day_ends(events["ts_recv"]):
            if end == start:
                continue
            day = int(events["ts_recv"][start]) // DAY_NS
            if day != self._day:
                self._harvest()
                self._day = day
            while start < end:
                start, check = tally_events(
                    events, start, end, checks, check, len(checks), self._tally, self._book
                )
                if start < end:
                    self._book = grow_book(self._book)
        self._writer.add(events)

    def _harvest(self) -> None:
        """Put the counts of the day in hand aside."""
        for lane in range(len(self.definitions)):
            if self._tally.head[lane]["events"]:
                quality, offset = harvest(self._tally, lane)
                recorded = getattr(self._recording, "recorded", True)
                self._parts[lane, day_of(self._day * DAY_NS)] = (
                    quality,
                    offset if recorded else None,
                )

    def _end(self) -> SourceEnd:
        lanes: dict[str, LaneEnd] = {}
        for lane, one in enumerate(self.definitions):
            synced = self._book.head[lane]["synced"]
            quotes, depths = recent(self._tally, lane)
            lanes[one.symbol] = LaneEnd(
                levels=book_rows(self._book.levels, lane).tobytes() if synced else b"",
                quotes=quotes.tobytes(),
                depths=depths.tobytes(),
            )
        return SourceEnd(decoder=self.decoder.state(), lanes=lanes)
