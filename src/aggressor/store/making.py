"""A store out of events in memory: a synthetic market, or rows that another program has.

The result is a store like any other, but for the raw capture, which these events never had. Quality
is counted from the rows themselves; what only an importer sees (skipped lines, clock offsets) is
left out.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from aggressor.schema.errors import StoreError
from aggressor.schema.event import GAP, LEVEL, QUOTE, SNAPSHOT, TIMER, TRADE, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.catalog import Catalog, Part, Quality, Source, save_catalog
from aggressor.store.layout import Layout
from aggressor.store.writer import PartitionWriter, WrittenPart


def make_store(root: Path | str, lanes: Mapping[Instrument, Events], name: str = "made") -> Path:
    """Write the events of some instruments, each in order of `ts_recv`, as a new store.

    TIMER rows are left out: replay makes its own. Returns `root`. Raises StoreError where a store
    stands already or there are no events.
    """
    layout = Layout(Path(root))
    if layout.catalog.exists():
        raise StoreError(f"{root} is a store already: choose another folder.")
    held = {one: rows[rows["kind"] != TIMER] for one, rows in lanes.items()}
    if not any(rows.size for rows in held.values()):
        raise StoreError("A store needs events: there are none.")
    digest = hashlib.sha256()
    for rows in held.values():
        digest.update(np.ascontiguousarray(rows).view(np.uint8).data)
    source = digest.hexdigest()[:16]
    writer = PartitionWriter(layout, source, dict(enumerate(held)))
    for lane, rows in enumerate(held.values()):
        placed = rows.copy()
        placed["instrument"] = lane
        writer.add(placed)
    written = writer.finish()
    writer.publish()
    catalog = Catalog()
    parts = [_part(layout, catalog, source, one, held[one.instrument]) for one in written]
    catalog.add(_source(source, name, held, parts), parts)
    save_catalog(layout, catalog)
    return layout.root


def _part(
    layout: Layout, catalog: Catalog, source: str, written: WrittenPart, rows: Events
) -> Part:
    first, last = np.searchsorted(rows["ts_recv"], [written.first_ns, written.last_ns + 1])
    held = rows[first:last]
    return Part(
        path=layout.relative(written.path),
        source=source,
        instrument=written.instrument.id,
        definition=catalog.define(written.instrument),
        day=written.day,
        rows=written.rows,
        size_bytes=written.size_bytes,
        first_ns=written.first_ns,
        last_ns=written.last_ns,
        quality=_quality(held),
        clock_offset_ns=int((held["ts_recv"] - held["ts_venue"]).min()),
    )


def _quality(rows: Events) -> Quality:
    kinds, flags = rows["kind"], rows["flags"]
    snapshot = (flags & SNAPSHOT) != 0
    return Quality(
        events=rows.size,
        trades=int((kinds == TRADE).sum()),
        level_changes=int(((kinds == LEVEL) & ~snapshot).sum()),
        snapshot_levels=int(((kinds == LEVEL) & snapshot).sum()),
        quotes=int((kinds == QUOTE).sum()),
        gaps=int(((flags & GAP) != 0).sum()),
        book_ns=int(rows["ts_recv"][-1] - rows["ts_recv"][0]),
    )


def _source(source: str, name: str, held: Mapping[Instrument, Events], parts: list[Part]) -> Source:
    return Source(
        id=source,
        venue=parts[0].instrument.partition(":")[0],
        name=name,
        size_bytes=sum(rows.nbytes for rows in held.values()),
        first_ns=min(part.first_ns for part in parts),
        last_ns=max(part.last_ns for part in parts),
        lines=sum(rows.size for rows in held.values()),
        skipped={},
        damage="",
        captures=[],
        state="",
        instruments=sorted({part.instrument for part in parts}),
    )
