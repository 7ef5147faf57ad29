"""Stores made of events in memory, for tests of reading."""

from decimal import Decimal
from pathlib import Path

import numpy as np

from aggressor.schema.event import EVENT, Events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.store.catalog import Catalog, Part, Quality, Source, save_catalog
from aggressor.store.layout import Layout
from aggressor.store.writer import PartitionWriter


def an_instrument(symbol: str = "BTCUSDT", tick: str = "0.1") -> Instrument:
    return Instrument(
        venue="binance-usdm",
        symbol=symbol,
        kind=ContractKind.LINEAR,
        tick=Decimal(tick),
        lot=Decimal("0.001"),
    )


def some_events(count: int, start_ns: int, step_ns: int, seed: int = 1) -> Events:
    """Rows of one lane, at irregular times from `start_ns` on, every field used."""
    random = np.random.default_rng(seed)
    events = np.zeros(count, EVENT)
    events["ts_recv"] = start_ns + np.cumsum(random.integers(0, 2 * step_ns + 1, count))
    events["ts_venue"] = events["ts_recv"] - random.integers(-(10**9), 10**9, count)
    events["size"] = random.integers(0, 2**62, count)
    events["price"] = random.integers(-(2**31), 2**31, count)
    events["kind"] = random.integers(1, 10, count)
    events["side"] = random.integers(-1, 2, count)
    events["flags"] = random.integers(0, 256, count)
    return events


def make_store(root: Path, lanes: dict[Instrument, Events], source: str = "0" * 16) -> Layout:
    """Write one source of several instruments and its catalog."""
    layout = Layout(root)
    definitions = dict(enumerate(lanes))
    writer = PartitionWriter(layout, source, definitions)
    for lane, events in enumerate(lanes.values()):
        rows = events.copy()
        rows["instrument"] = lane
        writer.add(rows)
    written = writer.finish()
    writer.publish()
    catalog = Catalog()
    parts = [
        Part(
            path=layout.relative(one.path),
            source=source,
            instrument=one.instrument.id,
            definition=catalog.define(one.instrument),
            day=one.day,
            rows=one.rows,
            size_bytes=one.size_bytes,
            first_ns=one.first_ns,
            last_ns=one.last_ns,
            quality=Quality(events=one.rows),
        )
        for one in written
    ]
    names = sorted({part.instrument for part in parts})
    first, last = min(p.first_ns for p in parts), max(p.last_ns for p in parts)
    catalog.add(
        Source(
            id=source,
            venue="binance-usdm",
            name="made",
            size_bytes=1,
            first_ns=first,
            last_ns=last,
            lines=1,
            skipped={},
            damage="",
            captures=[],
            state="",
            instruments=names,
        ),
        parts,
    )
    save_catalog(layout, catalog)
    return layout
