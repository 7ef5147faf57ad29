"""A store out of events in memory: a synthetic market, or rows that another program has.

The result is a store like any other, but for the raw capture, which these events never had. Quality
is counted from the rows themselves; what only an importer sees (skipped lines, clock offsets) is
left out.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from aggressor.schema.errors import StoreError
from aggressor.schema.event import EVENT, GAP, LEVEL, QUOTE, SNAPSHOT, TIMER, TRADE, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.catalog import Catalog, Part, Quality, Source, save_catalog
from aggressor.store.layout import Layout
from aggressor.store.writer import PartitionWriter, WrittenPart


def make_store(
    root: Path | str,
    lanes: Mapping[Instrument, Events],
    name: str = "made",
    source: str | None = None,
) -> Path:
    """Write the events of some instruments, each in order of `ts_recv`, as a new store.

    TIMER rows are left out: replay makes its own. `source` is the identifier of what they came of,
    a digest of the rows where none is given. Returns `root`. Raises StoreError where a store stands
    already or there are no events.
    """
    layout = Layout(Path(root))
    if layout.catalog.exists():
        raise StoreError(f"{root} is a store already: choose another folder.")
    held = {one: rows[rows["kind"] != TIMER] for one, rows in lanes.items()}
    if not any(rows.size for rows in held.values()):
        raise StoreError("A store needs events: there are none.")
    source = source or _digest(held.values())
    writer = PartitionWriter(layout, source, dict(enumerate(held)))
    for lane, rows in enumerate(held.values()):
        placed = rows.copy()
        placed["instrument"] = lane
        writer.add(placed)
    enter_made(layout, source, name, writer.finish(), held)
    writer.publish()
    return layout.root


def _digest(lanes: Iterable[Events]) -> str:
    digest = hashlib.sha256()
    for rows in lanes:
        digest.update(np.ascontiguousarray(rows).view(np.uint8).data)
    return digest.hexdigest()[:16]


def enter_made(
    layout: Layout,
    source: str,
    name: str,
    written: Sequence[WrittenPart],
    held: Mapping[Instrument, Events] | None = None,
) -> int:
    """Write the catalog of a store whose only source was made; return its rows.

    Where the events are `held` their quality is counted, else only how many there are is said.
    """
    catalog = Catalog()
    parts = [
        _part(layout, catalog, source, one, held[one.instrument] if held else None)
        for one in written
    ]
    rows = sum(part.rows for part in parts)
    catalog.add(
        Source(
            id=source,
            venue=parts[0].instrument.partition(":")[0],
            name=name,
            size_bytes=rows * EVENT.itemsize,
            first_ns=min(part.first_ns for part in parts),
            last_ns=max(part.last_ns for part in parts),
            lines=rows,
            skipped={},
            damage="",
            captures=[],
            state="",
            instruments=sorted({part.instrument for part in parts}),
        ),
        parts,
    )
    save_catalog(layout, catalog)
    return rows


def _part(
    layout: Layout, catalog: Catalog, source: str, written: WrittenPart, rows: Events | None
) -> Part:
    part = Part(
        path=layout.relative(written.path),
        source=source,
        instrument=written.instrument.id,
        definition=catalog.define(written.instrument),
        day=written.day,
        rows=written.rows,
        size_bytes=written.size_bytes,
        first_ns=written.first_ns,
        last_ns=written.last_ns,
        quality=Quality(events=written.rows),
    )
    if rows is not None:
        first, last = np.searchsorted(rows["ts_recv"], [written.first_ns, written.last_ns + 1])
        part.quality = _quality(rows[first:last])
        part.clock_offset_ns = int((rows["ts_recv"] - rows["ts_venue"])[first:last].min())
    return part


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
