"""Importing recordings into a store: which files, in which order, and what came of it.

Files of rows (`row_import`) and recordings of messages take different ways into the same store.

Files are imported in order of their first receive time, each committed on its own; a file that the
store already holds (by content) is passed over and reported as before. Files of one instrument that
follow each other join without a gap, in one command or in several. Tables of one market (pictures
of the book, trades) are one recording and belong into one command. Of a command that was killed,
the files already committed stay, the rest is removed by the next import.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aggressor.run.imports import row_import as rows
from aggressor.run.imports.fitting import check_venue
from aggressor.run.imports.grids import Given, choose, given_grid, stated_in, survey
from aggressor.run.imports.ingest import Ingest
from aggressor.run.progress import Step, silent
from aggressor.schema.errors import MessageError, StoreError
from aggressor.schema.event import INSTRUMENTS_MAX
from aggressor.schema.instrument import Instrument
from aggressor.store.catalog import (
    Catalog,
    Source,
    load_catalog,
    remove_leftovers,
    save_catalog,
    summary_of,
)
from aggressor.store.files import locked
from aggressor.store.importers.feed import RowRecording
from aggressor.store.importers.source import Recording, open_recording, together
from aggressor.store.importers.tables import NOTE, TableFile
from aggressor.store.layout import Layout
from aggressor.venues.table import venue_named
from aggressor.venues.venue import Venue

CLOCK_METHOD = (
    "ts_recv - ts_venue of the fastest message in every 10 s, median over the recording; "
    "network time counted as 0; negative: the recording host's clock is behind the venue's"
)


def import_files(
    files: list[Path],
    venue: str,
    store: Path,
    *,
    tick: str | None = None,
    lot: str | None = None,
    multiplier: str | None = None,
    form: str | None = None,
    symbol: str | None = None,
    kind: str | None = None,
    progress: Step | None = None,
) -> dict[str, Any]:
    """Import recordings; return the report: one entry per instrument in them, and one per file.

    `form`, `symbol` and `kind` say of files of rows what they do not say themselves. Raises
    StoreError (disk, lock, overlap), MessageError (no recording, wrong venue), ConfigError
    (numbers, names).
    """
    step = progress or silent
    feeds, messages = rows.feeds_of(list(dict.fromkeys(files)), venue, form, symbol)
    market = venue_named(venue) if messages else rows.market_of(venue, kind)
    wanted = _Command(market, Layout(store), given_grid(tick, lot, multiplier), step)
    tables = rows.look_at(feeds, step)
    row_named = [(_source_id(one.paths), one) for one in tables]
    named = [(_source_id(paths), paths) for paths in together(messages)]
    recordings = dict(reversed(named))
    sources = {path: source_id for source_id, paths in named for path in paths}
    sources |= {path: source_id for source_id, one in row_named for path in one.paths}
    with locked(wanted.layout.lock):
        wanted.catalog = load_catalog(wanted.layout, absent_is_empty=True)
        remove_leftovers(wanted.layout, wanted.catalog)
        new = {
            source_id: paths
            for source_id, paths in recordings.items()
            if not wanted.held(paths[0], source_id)
        }
        wanted.bring_in(new)
        wanted.bring_in_rows(dict(reversed(row_named)))
    report = wanted.report(sources)
    if not report["instruments"]:
        names = ", ".join(str(path) for path in files)
        raise MessageError(f"There is nothing to import: {names} holds no messages of {venue}.")
    return report


class _Command:
    """One import command: the files that are new to the store, and what came of each."""

    def __init__(self, venue: Venue, layout: Layout, given: Given, step: Step) -> None:
        self.venue = venue
        self.layout = layout
        self.given = given
        self.step = step
        self.catalog = Catalog()
        self.empty: set[str] = set()
        self.examples: dict[str, list[str]] = {}
        self.counts: dict[str, dict[str, int]] = {}
        self.notes: dict[str, str] = {}

    def held(self, path: Path, source_id: str) -> bool:
        """Return whether the store holds this content; raise StoreError if as another venue's."""
        source = self.catalog.source(source_id)
        if source is not None and source.venue != self.venue.name:
            raise StoreError(
                f"{path} is in the store {self.layout.root} as a recording of {source.venue}: "
                f"use --venue {source.venue}, or another store."
            )
        return source is not None

    def bring_in(self, new: dict[str, tuple[Path, ...]]) -> None:
        """Import files in order of time; begin again if an inferred grid proves too coarse."""
        recordings = {source_id: open_recording(*paths) for source_id, paths in new.items()}
        first = {source_id: one.first_ns() for source_id, one in recordings.items()}
        self.empty = {source_id for source_id, first_ns in first.items() if first_ns is None}
        order = sorted((ns, source_id) for source_id, ns in first.items() if ns is not None)
        names = [source_id for _, source_id in order]
        for whole in (False, True):
            self.step("survey" if not whole else "survey of the whole recordings", None)
            found = survey(self.venue, [recordings[name] for name in names], whole)
            done: list[str] = []
            coarse = None
            for name, inferred in zip(names, found, strict=True):
                coarse = self._bring_in_one(name, recordings[name], inferred, whole)
                if coarse is not None:
                    break
                done.append(name)
            if coarse is None:
                return
            for name in done:
                self.catalog.forget(name)
            save_catalog(self.layout, self.catalog)
            remove_leftovers(self.layout, self.catalog)
        raise StoreError(coarse or "")

    def bring_in_rows(self, recordings: dict[str, RowRecording]) -> None:
        """Import recordings of rows in order of time, each committed on its own."""
        joint = rows.joint_steps(list(recordings.values()))
        ordered = sorted(
            ((one.first_ns, name) for name, one in recordings.items() if one.first_ns is not None)
        )
        for _, name in ordered:
            one = recordings[name]
            if self.held(one.paths[0], name):
                continue
            market = rows.market_of(self.venue.name, self.venue.kind.value)
            definitions = rows.definitions_of(one, market, joint, self.given, self.catalog)
            rows.refuse_finer(one, definitions, self.given)
            ingest = rows.RowIngest(
                *(self.layout, self.catalog, market, one, name, definitions, True, self.given)
            )
            label = " + ".join(path.name for path in one.paths)
            try:
                ingest.run(self.step, label)
                source, parts = ingest.commit(label, one.size_bytes)
            except BaseException:
                ingest.abandon()
                raise
            self.catalog.add(source, parts)
            save_catalog(self.layout, self.catalog)
            self.counts[name] = {}
            self.notes[name] = rows.notes_of(one)

    def _bring_in_one(
        self, source_id: str, recording: Recording, inferred: list[Instrument], whole: bool
    ) -> str | None:
        """Import and commit one recording; say what is wrong if an inferred grid is too coarse."""
        path = recording.file.path
        check_venue(self.venue, recording, inferred)
        stated = stated_in(self.venue, recording)
        definitions = choose(inferred, stated, self.given, self.catalog)
        if len(definitions) >= INSTRUMENTS_MAX:
            raise MessageError(
                f"{path} holds {len(definitions)} instruments; one import takes at most "
                f"{INSTRUMENTS_MAX - 1}: split it by symbol."
            )
        if not definitions:
            self.empty.add(source_id)
            return None
        one = Ingest(
            self.layout,
            self.catalog,
            self.venue,
            recording,
            source_id,
            definitions,
            whole,
            self.given,
        )
        self.step(f"import {path.name}", 0.0)
        try:
            if not one.run(self.step, path.name):
                one.abandon()
                return (
                    f"{path} holds a value off the grid that {one.off_grid} has in the store: "
                    "import all its recordings in one command into a new store, or give --tick "
                    "and --lot."
                )
            source, parts = one.commit(_name_of(recording), recording.file.size_bytes)
        except BaseException:
            one.abandon()
            raise
        self.catalog.add(source, parts)
        save_catalog(self.layout, self.catalog)
        self.examples[source_id] = one.examples
        self.counts[source_id] = one.decoder.counts
        if isinstance(recording, TableFile):
            self.notes[source_id] = NOTE
        return None

    def report(self, sources: dict[Path, str]) -> dict[str, Any]:
        """Return what the store now holds of the named files."""
        held = [
            one for name in dict.fromkeys(sources.values()) if (one := self.catalog.source(name))
        ]
        instruments = sorted({name for source in held for name in source.instruments})
        return {
            "instruments": [self._of_instrument(name, held) for name in instruments],
            "files": [self._of_file(path, name) for path, name in sources.items()],
            "clock_offset_method": CLOCK_METHOD,
        }

    def _of_instrument(self, instrument: str, held: list[Source]) -> dict[str, Any]:
        names = {source.id for source in held}
        parts = [part for part in self.catalog.parts_of(instrument) if part.source in names]
        total = summary_of(parts)
        quality = total.quality
        grid = self.catalog.instruments[instrument][parts[-1].definition]
        offset = total.clock_offset_ns
        return {
            "instrument": instrument,
            "events": quality.events,
            "trades": quality.trades,
            "level_changes": quality.level_changes,
            "gaps": quality.gaps,
            "crossed": quality.crossed,
            "quote_checks": quality.quote_checks,
            "quote_agreements": quality.quote_agreements,
            "first_ts_ns": total.first_ns,
            "last_ts_ns": total.last_ns,
            "clock_offset_ms": None if offset is None else offset / 1e6,
            "snapshot_levels": quality.snapshot_levels,
            "quotes": quality.quotes,
            "late_quote_checks": quality.late_quote_checks,
            "late_quote_agreements": quality.late_quote_agreements,
            "trade_gaps": quality.trade_gaps,
            "tick": f"{grid.tick:f}",
            "lot": f"{grid.lot:f}",
            "multiplier": f"{grid.multiplier:f}",
            "inferred": grid.inferred,
        }

    def _of_file(self, path: Path, source_id: str) -> dict[str, Any]:
        source = self.catalog.source(source_id)
        if source is None:
            return {"file": str(path), "source": source_id, "note": "it holds no messages"}
        return {
            "file": str(path),
            "source": source_id,
            "already_held": source_id not in self.counts,
            "note": self.notes.get(source_id, ""),
            "lines": source.lines,
            "skipped": source.skipped,
            "examples": self.examples.get(source_id, []),
            "damage": source.damage,
            "receive_times": source.receive_times,
            "decoder": self.counts.get(source_id, {}),
        }


def _name_of(recording: Recording) -> str:
    paths = recording.paths if isinstance(recording, TableFile) else [recording.file.path]
    return " + ".join(path.name for path in paths)


def _source_id(paths: Sequence[Path]) -> str:
    """Return the name of a recording by its content; that of several files is that of their sum."""
    digests = []
    for path in paths:
        try:
            with path.open("rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest()[:16])
        except OSError as trouble:
            raise StoreError(f"Cannot read the recording {path}: {trouble.strerror}.") from None
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()[:16]
