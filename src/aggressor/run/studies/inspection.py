"""What a store holds, for a person to judge: coverage, gaps and quality per instrument and day.

`quality` is the worst that is true of the rows:

    clean       nothing below
    no book     level changes, but never a snapshot to apply them to
    gaps        messages or trades are missing inside
    disagrees   the venue's quote differed from the book at the same update id
    crossed     the book had its best bid at or above its best ask

`covered` is the share of the UTC day between first and last row of each recording, `book_known` the
share of that time in which the book was known.
"""

from pathlib import Path
from typing import Any

from aggressor.store.catalog import Catalog, Part, Quality, load_catalog, summary_of
from aggressor.store.layout import DAY_NS, Layout


def inspect_store(root: Path) -> dict[str, Any]:
    """Return what the store at `root` holds; raise StoreError if there is none."""
    catalog = load_catalog(Layout(root))
    return {
        "store": str(root),
        "instruments": [
            _of_instrument(catalog, name)
            for name in sorted({part.instrument for part in catalog.parts})
        ],
        "files": [
            {
                "file": source.name,
                "source": source.id,
                "venue": source.venue,
                "first_ts_ns": source.first_ns,
                "last_ts_ns": source.last_ns,
                "lines": source.lines,
                "skipped": source.skipped,
                "damage": source.damage,
                "receive_times": source.receive_times,
            }
            for source in catalog.sources
        ],
    }


def _of_instrument(catalog: Catalog, name: str) -> dict[str, Any]:
    parts = catalog.parts_of(name)
    grid = catalog.instruments[name][parts[-1].definition]
    days = sorted({part.day for part in parts})
    return {
        "instrument": name,
        "tick": f"{grid.tick:f}",
        "lot": f"{grid.lot:f}",
        "multiplier": f"{grid.multiplier:f}",
        "inferred": grid.inferred,
        "definitions": len(catalog.instruments[name]),
        **_of_parts(parts),
        "days": [
            {"day": day, **_of_parts([part for part in parts if part.day == day])} for day in days
        ],
    }


def _of_parts(parts: list[Part]) -> dict[str, Any]:
    total = summary_of(parts)
    recorded_ns = sum(part.last_ns - part.first_ns for part in parts)
    days = len({part.day for part in parts})
    offset = total.clock_offset_ns
    return {
        "quality": quality_of(total.quality),
        "covered": round(recorded_ns / (days * DAY_NS), 6),
        "book_known": round(total.quality.book_ns / recorded_ns, 6) if recorded_ns else 0.0,
        "first_ts_ns": total.first_ns,
        "last_ts_ns": total.last_ns,
        **{
            name: getattr(total.quality, name)
            for name in Quality.__struct_fields__
            if name != "book_ns"
        },
        "clock_offset_ms": None if offset is None else offset / 1e6,
        "size_bytes": sum(part.size_bytes for part in parts),
    }


def quality_of(counts: Quality) -> str:
    """Return the worst that is true of some rows, in one or two words."""
    if counts.crossed:
        return "crossed"
    checks = counts.quote_checks + counts.late_quote_checks
    if counts.quote_agreements + counts.late_quote_agreements < checks:
        return "disagrees"
    if counts.gaps or counts.trade_gaps:
        return "gaps"
    if counts.level_changes and not counts.book_ns:
        return "no book"
    return "clean"
