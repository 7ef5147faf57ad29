"""A span of a store as an hftbacktest npz, so that its simulator can run what we recorded.

The book at the beginning of the span comes first, as a picture. Then levels, prints and cleared
books; best quotes, mark prices, interest, funding and liquidations have no place in that format and
are left out, counted. Times, prices and sizes are the store's own, and every row keeps its flags in
`ival`, so importing the file again gives the same rows.

hftbacktest wants receipt never before the event: where the recorder's clock was behind, all receive
times are moved by the same amount, which is reported; the store is not touched. A row that is out
of order at the venue's or at our side stands twice, once for each, as hftbacktest's own converters
do. Rows are held in memory: about 120 bytes a row of the span, as hftbacktest itself does.
"""

import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from aggressor.market.book import BookState, book_state, grow_book, run_book
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import Study
from aggressor.schema.errors import StoreError
from aggressor.schema.event import (
    CLEAR,
    KIND_NAMES,
    LEVEL,
    SNAPSHOT,
    TRADE,
    Events,
    empty_events,
)
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import grid_of
from aggressor.store.importers.hft_format import (
    BUY,
    DATA,
    DEPTH,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH,
    HFT_EVENT,
    LOCAL,
    MARK,
    SELL,
)
from aggressor.store.importers.hft_format import TRADE as HFT_TRADE
from aggressor.store.state import book_rows

_READ_ROWS = 262_144


def export_hftbacktest(
    store: Path,
    instrument: str,
    file: Path,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    progress: Step = silent,
) -> dict[str, Any]:
    """Write a span of a store as an hftbacktest npz; return what was written and what was not.

    Raises StoreError (no such instrument, nothing in the span, the disk).
    """
    study = Study(store, instrument, start_ns=start_ns, stop_ns=stop_ns)
    definition = study.definition
    progress("read", None)
    rows, left_out = _rows(study)
    if not len(rows):
        raise StoreError(
            f"{instrument} has no level and no print in that span: nothing was written to {file}."
        )
    shift_ns = max(0, -int((rows["ts_recv"] - rows["ts_venue"]).min()))
    progress("write", None)
    written = _write(file, rows, definition, shift_ns)
    return {
        "instrument": instrument,
        "file": str(file),
        "format": "hftbacktest 2",
        "events": len(rows),
        "rows": written,
        "left_out": {name: count for name, count in sorted(left_out.items()) if count},
        "local_ts_shift_ns": shift_ns,
        "tick_size": f"{definition.tick:f}",
        "lot_size": f"{definition.lot:f}",
        "first_ts_ns": int(rows["ts_recv"][0]),
        "last_ts_ns": int(rows["ts_recv"][-1]),
    }


def _rows(study: Study) -> tuple[Events, Counter[str]]:
    """Return the rows to write, the opening book first, and how many of which kind are left out."""
    start = study.start_ns
    book = book_state(1)
    parts: list[Events] = []
    left_out: Counter[str] = Counter()
    opened = False
    source = study.store.source(study.definition.id, study.read_from_ns, study.stop_ns)
    while len(rows := source.read(_READ_ROWS)):
        rows = np.array(rows)
        rows["instrument"] = 0
        first = int(np.searchsorted(rows["ts_recv"], start, "left"))
        book = _after(book, rows[:first])
        rows = rows[first:]
        if not len(rows):
            continue
        if not opened:
            opened = True
            parts.append(_opening(book, rows[0]))
        kept = np.isin(rows["kind"], (LEVEL, TRADE, CLEAR))
        for kind, count in zip(*np.unique(rows["kind"][~kept], return_counts=True), strict=True):
            left_out[KIND_NAMES[int(kind)]] += int(count)
        parts.append(rows[kept])
    return np.concatenate([empty_events(0), *parts]), left_out


def _after(book: BookState, rows: Events) -> BookState:
    done = 0
    while (done := run_book(rows, done, len(rows), book)) < len(rows):
        book = grow_book(book)
    return book


def _opening(book: BookState, first: Any) -> Events:
    """Return the known book as a picture at the time of the first row; nothing if it is unknown."""
    if not book.head[0]["synced"]:
        return empty_events(0)
    levels = book_rows(book.levels, 0)
    out = empty_events(len(levels) + 1)
    out[1:] = levels
    out["kind"][0] = CLEAR
    out["ts_recv"], out["ts_venue"] = first["ts_recv"], first["ts_venue"]
    return out


def _write(file: Path, rows: Events, instrument: Instrument, shift_ns: int) -> int:
    """Write the npz, whole or not at all; return its rows."""
    order, sides = both_orders(rows["ts_venue"], rows["ts_recv"])
    part = file.with_name(file.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            member = zipfile.ZipInfo(f"{DATA}.npy")
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as out:
                descr = npy.dtype_to_descr(HFT_EVENT)
                header = {"descr": descr, "fortran_order": False, "shape": (len(order),)}
                npy.write_array_header_1_0(out, header)
                for at in range(0, len(order), _READ_ROWS):
                    chosen = rows[order[at : at + _READ_ROWS]]
                    made = hft_rows(chosen, instrument, shift_ns)
                    made["ev"] |= sides[at : at + _READ_ROWS]
                    out.write(made.tobytes())
        part.replace(file)
    except OSError as trouble:
        raise StoreError(f"Cannot write {file}: {trouble}. Choose another place.") from None
    finally:
        part.unlink(missing_ok=True)
    return len(order)


def hft_rows(rows: Events, instrument: Instrument, shift_ns: int) -> Any:
    """Return LEVEL, TRADE and CLEAR rows as hftbacktest's, without their EXCH and LOCAL bits."""
    out = np.zeros(len(rows), HFT_EVENT)
    level, trade, clear = (rows["kind"] == kind for kind in (LEVEL, TRADE, CLEAR))
    picture = level & (rows["flags"] & SNAPSHOT != 0) & (rows["size"] > 0)
    kinds = np.select(
        [picture, level, trade, clear], [DEPTH_SNAPSHOT, DEPTH, HFT_TRADE, DEPTH_CLEAR]
    )
    out["ev"] = kinds
    out["ev"] |= np.where(rows["side"] > 0, BUY, 0).astype(np.uint64)
    out["ev"] |= np.where(rows["side"] < 0, SELL, 0).astype(np.uint64)
    out["exch_ts"], out["local_ts"] = rows["ts_venue"], rows["ts_recv"] + shift_ns
    for name, column, step in (("px", "price", instrument.tick), ("qty", "size", instrument.lot)):
        grid = grid_of(step)
        units = np.where(clear, 0, rows[column]).astype(np.int64) * grid.step
        out[name] = units / 10.0**grid.digits
    out["ival"] = MARK | rows["flags"].astype(np.int64)
    return out


def both_orders(
    ts_venue: NDArray[np.int64], ts_recv: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the rows in an order in which both times ascend, and at whose side each counts.

    Rows stand in order of receipt. One that the venue made before a row that came before it counts
    twice: at its place in the order of the venue for the venue, and of receipt for us.

    Returns (m,) int64 places of rows, and (m,) uint64 EXCH, LOCAL or both.
    """
    count = len(ts_recv)
    venue_order = np.argsort(ts_venue, kind="stable")
    latest = np.maximum.accumulate(ts_venue)
    earliest = np.minimum.accumulate(ts_venue[::-1])[::-1]
    straight = (ts_venue == latest) & (ts_venue == earliest)
    place = np.empty(count, np.int64)
    place[venue_order] = np.arange(count)
    straight &= place == np.arange(count)
    ours = np.flatnonzero(~straight)
    theirs = venue_order[~straight[venue_order]]
    rows = np.concatenate((np.flatnonzero(straight), theirs, ours))
    sides = np.repeat(
        np.array([EXCH | LOCAL, EXCH, LOCAL], np.uint64),
        [count - len(ours), len(theirs), len(ours)],
    )
    # a straight row splits both orders at the same place, so the pieces between them keep apart
    at = np.concatenate((np.flatnonzero(straight), place[theirs], ours))
    order = np.lexsort((sides, at))
    return rows[order], sides[order]
