import os
import shutil
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.errors import StoreError
from aggressor.schema.event import EVENT, Events
from aggressor.store import reader, writer
from aggressor.store.layout import DAY_NS, Layout
from aggressor.store.making import make_store
from aggressor.store.reader import Store, cache_folder
from aggressor.store.writer import COLUMNS, PartitionWriter
from tests.store.stores import an_instrument, some_events

START_NS = 19_943 * DAY_NS + 23 * 3600 * 10**9  # an hour before midnight UTC
HOUR_NS = 3600 * 10**9


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def events() -> Events:
    return some_events(5000, START_NS, HOUR_NS // 1500)


@pytest.fixture
def store(tmp_path: Path, events: Events) -> Store:
    make_store(tmp_path / "s", {an_instrument(): events})
    return Store(tmp_path / "s")


def read_in_chunks(store: Store, limit: int, start_ns: int, stop_ns: int) -> Events:
    source = store.source("binance-usdm:BTCUSDT", start_ns, stop_ns)
    chunks = [np.zeros(0, EVENT)]
    while len(rows := source.read(limit)):
        assert len(rows) <= limit
        chunks.append(rows)
    return np.concatenate(chunks)


def test_rows_come_back_over_days(store: Store, events: Events) -> None:
    assert len(store.parts("binance-usdm:BTCUSDT")) == 2
    assert store.source("binance-usdm:BTCUSDT").read_all().tobytes() == events.tobytes()
    assert store.definition("binance-usdm:BTCUSDT") == an_instrument()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6000), st.integers(-100, 5100), st.integers(-100, 5100))
def test_spans_and_chunk_sizes(
    tmp_path_factory: pytest.TempPathFactory, limit: int, start: int, stop: int
) -> None:
    events = some_events(5000, START_NS, HOUR_NS // 1500)
    root = tmp_path_factory.getbasetemp() / "spans"
    if not root.exists():
        make_store(root, {an_instrument(): events})
    times = events["ts_recv"]
    start_ns = int(times[min(max(start, 0), 4999)]) + (start < 0) * -5 + (start > 4999) * 5
    stop_ns = int(times[min(max(stop, 0), 4999)]) + (stop > 4999) * 5
    expected = events[(times >= start_ns) & (times < stop_ns)]
    assert read_in_chunks(Store(root), limit, start_ns, stop_ns).tobytes() == expected.tobytes()


def test_without_a_cache_the_rows_are_the_same(
    store: Store, events: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "file"))
    assert store.source("binance-usdm:BTCUSDT").read_all().tobytes() == events.tobytes()


def test_the_second_reading_maps_what_the_first_decoded(
    store: Store, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.source("binance-usdm:BTCUSDT").read_all()
    kept = sorted(cache_folder().iterdir())
    assert len(kept) == 2
    monkeypatch.setattr(reader, "_parquet", None)
    rows = store.source("binance-usdm:BTCUSDT").read(10)
    assert isinstance(rows, np.memmap)
    assert rows.tobytes() == events[:10].tobytes()


def test_a_damaged_cache_is_not_believed(store: Store, events: Events) -> None:
    store.source("binance-usdm:BTCUSDT").read_all()
    for kept in cache_folder().iterdir():
        kept.write_bytes(kept.read_bytes()[:1000])
    assert store.source("binance-usdm:BTCUSDT").read_all().tobytes() == events.tobytes()


def test_the_cache_stays_below_its_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "CACHE_BYTES_MAX", 4000 * EVENT.itemsize)
    store.source("binance-usdm:BTCUSDT").read_all()
    kept = list(cache_folder().iterdir())
    assert sum(path.stat().st_size for path in kept) <= 4000 * EVENT.itemsize + 1000
    assert len(kept) == 1


def test_a_replaced_part_is_not_read_from_the_old_cache(tmp_path: Path, events: Events) -> None:
    root = make_store(tmp_path / "s", {an_instrument(): events}, source="0" * 16)
    Store(root).source("binance-usdm:BTCUSDT").read_all()
    changed = events.copy()
    changed["price"] = 7
    shutil.rmtree(root)
    make_store(root, {an_instrument(): changed}, source="0" * 16)
    back = Store(tmp_path / "s").source("binance-usdm:BTCUSDT").read_all()
    assert back.tobytes() == changed.tobytes()


def test_an_unknown_instrument_says_what_is_there(store: Store) -> None:
    with pytest.raises(StoreError, match="it holds binance-usdm:BTCUSDT"):
        store.source("binance-usdm:ETHUSDT")


def test_a_folder_without_a_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="aggressor import"):
        Store(tmp_path / "nothing")


def test_a_damaged_part_is_a_store_error(store: Store) -> None:
    part = store.layout.root / store.parts("binance-usdm:BTCUSDT")[0].path
    part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(StoreError, match="damaged"):
        store.source("binance-usdm:BTCUSDT").read_all()
    part.unlink()
    with pytest.raises(StoreError, match="Cannot read"):
        store.source("binance-usdm:BTCUSDT").read_all()


def test_a_changed_grid_is_not_read_across(tmp_path: Path, events: Events) -> None:
    store = Store(make_store(tmp_path / "s", {an_instrument(): events}))
    store.catalog.define(an_instrument(tick="0.05"))
    store.catalog.parts[1].definition = 1
    with pytest.raises(StoreError, match="grid of binance-usdm:BTCUSDT changes"):
        store.source("binance-usdm:BTCUSDT")
    border_ns = store.catalog.parts[1].first_ns
    assert (
        store.definition("binance-usdm:BTCUSDT", border_ns).tick == an_instrument("B", "0.05").tick
    )
    assert len(store.source("binance-usdm:BTCUSDT", stop_ns=border_ns).read_all()) == (
        store.catalog.parts[0].rows
    )


def test_duckdb_and_polars_read_the_same_rows(tmp_path: Path, events: Events) -> None:
    other = some_events(700, START_NS, HOUR_NS // 200, seed=2)
    lanes = {an_instrument(): events, an_instrument("币安人生USDT"): other}
    layout = Layout(make_store(tmp_path / "s", lanes))
    pattern = str(layout.events / "**" / "*.parquet")
    rows = duckdb.sql(
        "select symbol, count(*), sum(price::hugeint), sum(size::hugeint), min(ts_recv), "
        f"count(distinct date) from read_parquet('{pattern}', hive_partitioning=true) "
        "where venue = 'binance-usdm' group by symbol order by symbol"
    ).fetchall()
    expected = [
        (
            instrument.symbol,
            len(own),
            int(own["price"].astype(object).sum()),
            int(own["size"].astype(object).sum()),
            int(own["ts_recv"][0]),
            2,
        )
        for instrument, own in lanes.items()
    ]
    assert rows == expected
    frame = pl.scan_parquet(layout.events, hive_partitioning=True)
    found = (
        frame.group_by("symbol")
        .agg(
            pl.len(),
            pl.col("price").cast(pl.Int128).sum(),
            pl.col("size").cast(pl.Int128).sum().alias("lots"),
            pl.col("ts_recv").min(),
            pl.col("date").n_unique(),
        )
        .sort("symbol")
        .collect()
    )
    assert found.rows() == expected


def test_columns_and_encodings(store: Store) -> None:
    part = store.layout.root / store.parts("binance-usdm:BTCUSDT")[0].path
    parquet = pq.ParquetFile(part)
    assert tuple(parquet.schema_arrow.names) == COLUMNS
    group = parquet.metadata.row_group(0)
    assert "DELTA_BINARY_PACKED" in group.column(0).encodings
    assert group.column(0).compression == "ZSTD"
    assert b'"tick": "0.1"' in parquet.schema_arrow.metadata[b"aggressor"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 3000), max_size=5))
def test_batches_do_not_change_the_files(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    root = tmp_path_factory.mktemp("batches")
    events = some_events(3000, START_NS, HOUR_NS // 900)
    events["instrument"] = np.arange(3000) % 3
    definitions = {lane: an_instrument(f"S{lane}") for lane in range(3)}
    texts = []
    for folder, edges in (("a", [0, 3000]), ("b", sorted({0, 3000, *cuts}))):
        own = PartitionWriter(Layout(root / folder), "1" * 16, definitions, row_group=200)
        for start, stop in pairwise(edges):
            own.add(events[start:stop])
        written = own.finish()
        own.publish()
        texts.append([(p.path.relative_to(root / folder), p.path.read_bytes()) for p in written])
        assert pq.ParquetFile(written[0].path).metadata.row_group(0).num_rows == 200
    assert texts[0] == texts[1]


def test_memory_is_bounded_over_many_instruments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WAITING_ROWS_MAX", 500)
    events = some_events(3000, START_NS, HOUR_NS // 3000)
    events["instrument"] = np.arange(3000) % 30
    own = PartitionWriter(
        Layout(tmp_path), "1" * 16, {lane: an_instrument(f"S{lane}") for lane in range(30)}
    )
    for start in range(0, 3000, 100):
        own.add(events[start : start + 100])
        assert sum(part.waiting_rows for part in own._open.values()) <= 500
    written = own.finish()
    own.publish()
    assert sum(pq.ParquetFile(one.path).metadata.num_rows for one in written) == 3000


def test_an_abandoned_writer_leaves_nothing(tmp_path: Path, events: Events) -> None:
    own = PartitionWriter(Layout(tmp_path), "1" * 16, {0: an_instrument()}, row_group=300)
    own.add(events)
    own.abandon()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_refusing_disk_is_a_store_error(
    tmp_path: Path, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    own = PartitionWriter(Layout(tmp_path), "1" * 16, {0: an_instrument()})
    own.add(events)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        own.finish()
    own.abandon()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
