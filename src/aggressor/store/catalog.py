"""What a store holds: sources, instruments with their grids, and parts with their quality.

The catalog is one JSON file, replaced atomically and last, so it never names a file that is not
whole. What stands in the folders without being named here (an import was killed) does not count;
the next import removes it. The text depends only on what was imported, not on when, how often, or
in how many commands.

A *source* is one imported file, known by its content: importing it again changes nothing. A *part*
is one Parquet file: one source, instrument and UTC day. Its counts describe the rows as written:

    level_changes    LEVEL rows that are not of a snapshot
    gaps             CLEAR rows with GAP: messages are missing before them
    trade_gaps       TRADE rows with GAP: trade ids are missing before them
    crossed          depth messages after which best bid >= best ask
    quote_checks     depth messages whose update id a quote before them also had
    quote_agreements of these, the ones equal to the top of the book built from depth alone
    late_...         the same for quotes that came behind the depth message of their id
    book_ns          time during which the book was known (a snapshot seen and no gap since)
    clock_offset_ns  ts_recv - ts_venue of the fastest messages; negative: host clock behind
"""

from pathlib import Path
from typing import NamedTuple

import msgspec

from aggressor.schema.errors import StoreError
from aggressor.schema.instrument import Instrument
from aggressor.store.files import replace_content, storing
from aggressor.store.layout import Layout

CATALOG_VERSION = 1

RECORDED = "recorded"  # by a recorder, when the message came
VENUE_TIMES = "the venue's"  # an archive without receive times: nothing of latency is known


class Quality(msgspec.Struct, kw_only=True):
    """Counts of one part, or sums over several."""

    events: int = 0
    trades: int = 0
    level_changes: int = 0
    snapshot_levels: int = 0
    quotes: int = 0
    gaps: int = 0
    trade_gaps: int = 0
    crossed: int = 0
    quote_checks: int = 0
    quote_agreements: int = 0
    late_quote_checks: int = 0
    late_quote_agreements: int = 0
    book_ns: int = 0
    longest_silence_ns: int = 0


class Part(msgspec.Struct, kw_only=True):
    """One Parquet file; `definition` counts into the instrument's definitions."""

    path: str
    source: str
    instrument: str
    definition: int
    day: str
    rows: int
    size_bytes: int
    first_ns: int
    last_ns: int
    quality: Quality
    clock_offset_ns: int | None = None


class Source(msgspec.Struct, kw_only=True):
    """One imported file: receive times, what was skipped and why, and its files in the store."""

    id: str
    venue: str
    name: str
    size_bytes: int
    first_ns: int
    last_ns: int
    lines: int
    skipped: dict[str, int]
    damage: str
    captures: list[str]
    state: str  # where decoding and the books stood at the end
    instruments: list[str]
    receive_times: str = RECORDED


class Catalog(msgspec.Struct, kw_only=True):
    """Everything in one store."""

    version: int = CATALOG_VERSION
    sources: list[Source] = []
    instruments: dict[str, list[Instrument]] = {}
    parts: list[Part] = []

    def source(self, source_id: str) -> Source | None:
        """Return the source with this content, if it was imported."""
        return next((source for source in self.sources if source.id == source_id), None)

    def parts_of(self, instrument: str, source_id: str | None = None) -> list[Part]:
        """Return an instrument's parts in order of time, of one source or of all."""
        return [
            part
            for part in self.parts
            if part.instrument == instrument and source_id in (None, part.source)
        ]

    def add(self, source: Source, parts: list[Part]) -> None:
        """Enter a source and its parts."""
        self.sources = sorted([*self.sources, source], key=lambda s: (s.first_ns, s.id))
        self.parts = sorted([*self.parts, *parts], key=lambda p: (p.instrument, p.first_ns, p.path))

    def forget(self, source_id: str) -> None:
        """Take a source and its parts out again; its files are then leftovers."""
        self.sources = [source for source in self.sources if source.id != source_id]
        self.parts = [part for part in self.parts if part.source != source_id]
        held = {part.instrument for part in self.parts}
        self.instruments = {one: known for one, known in self.instruments.items() if one in held}

    def define(self, instrument: Instrument) -> int:
        """Return the number of this definition among its instrument's, entering it if it is new.

        Definitions with the same kind, tick, lot and multiplier are one; what a venue stated
        replaces what was inferred.
        """
        known = self.instruments.setdefault(instrument.id, [])
        for number, definition in enumerate(known):
            if same_grid(definition, instrument):
                if definition.inferred and not instrument.inferred:
                    start_ns = definition.valid_from_ns
                    known[number] = msgspec.structs.replace(instrument, valid_from_ns=start_ns)
                return number
        known.append(instrument)
        return len(known) - 1

    def predecessor(self, instrument: str, first_ns: int) -> Source | None:
        """Return the last source of an instrument that ended by `first_ns`."""
        ends = [
            (self.parts_of(instrument, source.id)[-1].last_ns, source.id, source)
            for source in self.sources
            if instrument in source.instruments
        ]
        earlier = [end for end in ends if end[0] <= first_ns]
        return max(earlier)[2] if earlier else None

    def overlapping(self, instrument: str, first_ns: int, last_ns: int) -> Source | None:
        """Return a source that holds rows of an instrument between two receive times, if any."""
        for part in self.parts_of(instrument):
            if part.first_ns < last_ns and first_ns < part.last_ns:
                return self.source(part.source)
        return None

    def files(self) -> set[str]:
        """Return the paths of all files that count."""
        named = {part.path for part in self.parts}
        for source in self.sources:
            named.update([*source.captures, source.state])
        return named


class Summary(NamedTuple):
    """The parts of one instrument taken together."""

    quality: Quality
    first_ns: int
    last_ns: int
    clock_offset_ns: int | None


def same_grid(one: Instrument, other: Instrument) -> bool:
    """Return whether two definitions make the same ticks, lots and money."""
    return (one.id, one.kind, one.tick, one.lot, one.multiplier) == (
        other.id,
        other.kind,
        other.tick,
        other.lot,
        other.multiplier,
    )


def summary_of(parts: list[Part]) -> Summary:
    """Return the sums over `parts` (at least one, in order of time) and their median offset."""
    total = Quality()
    for part in parts:
        for name in Quality.__struct_fields__:
            if name != "longest_silence_ns":
                setattr(total, name, getattr(total, name) + getattr(part.quality, name))
    total.longest_silence_ns = max(part.quality.longest_silence_ns for part in parts)
    offsets = sorted(part.clock_offset_ns for part in parts if part.clock_offset_ns is not None)
    offset = offsets[(len(offsets) - 1) // 2] if offsets else None
    return Summary(total, parts[0].first_ns, parts[-1].last_ns, offset)


def load_catalog(layout: Layout, absent_is_empty: bool = False) -> Catalog:
    """Read the catalog; raise StoreError if it is absent, damaged or of a later version."""
    try:
        text = layout.catalog.read_bytes()
    except FileNotFoundError:
        if absent_is_empty:
            return Catalog()
        raise StoreError(
            f"There is no store at {layout.root}: make one with `aggressor import FILE... "
            f"--venue VENUE --store {layout.root}`."
        ) from None
    except OSError as trouble:
        raise StoreError(f"Cannot read {layout.catalog}: {trouble.strerror}.") from None
    try:
        catalog = msgspec.json.decode(text, type=Catalog)
    except msgspec.DecodeError as trouble:
        raise StoreError(
            f"{layout.catalog} is damaged ({trouble}): import the recordings into a new folder."
        ) from None
    if catalog.version > CATALOG_VERSION:
        raise StoreError(
            f"{layout.catalog} was written by a later version of aggressor: update aggressor."
        )
    return catalog


def save_catalog(layout: Layout, catalog: Catalog) -> None:
    """Replace the catalog on the disk in one step."""
    catalog.instruments = dict(sorted(catalog.instruments.items()))
    text = msgspec.json.format(msgspec.json.encode(catalog), indent=1)
    with storing(layout.catalog):
        replace_content(layout.catalog, text + b"\n")


def remove_leftovers(layout: Layout, catalog: Catalog) -> list[str]:
    """Remove what an interrupted import left behind; return the paths. Only while holding the lock.

    Only files that this module's writers name so are touched: everything in staging, and
    `.parquet`, `.zst` and `.state` files of the event, raw and state folders that the catalog does
    not name.
    """
    named = catalog.files()
    removed: list[str] = []
    with storing(layout.root):
        for folder in (layout.staging, layout.events, layout.raw, layout.states):
            for path in sorted(folder.rglob("*"), reverse=True):
                if path.is_dir():
                    _remove_if_empty(path)
                elif _is_leftover(layout, path, named):
                    path.unlink()
                    removed.append(layout.relative(path))
        layout.catalog.with_name(layout.catalog.name + ".partial").unlink(missing_ok=True)
    return removed


def _is_leftover(layout: Layout, path: Path, named: set[str]) -> bool:
    if layout.staging in path.parents:
        return True
    return path.suffix in {".parquet", ".zst", ".state"} and layout.relative(path) not in named


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
