"""The footprint of a store: the JSON document, spans, and the Parquet file."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from aggressor.run.studies.footprint import footprint, footprint_parquet
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.store.making import make_store
from tests.features.test_footprint import MIDNIGHT, SECOND, trades
from tests.store.stores import an_instrument

MINUTE = 60 * SECOND
ROWS = [
    (600_001, 5, 1, 0),
    (600_004, 2, -1, 20 * SECOND),
    (600_001, 7, -1, 70 * SECOND),
    (600_003, 1, 1, 75 * SECOND),
    (600_003, 1, 0, 200 * SECOND),
]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))
    events = trades(ROWS, MIDNIGHT + 10 * SECOND)
    # A recording host whose clock is a second behind.
    events["ts_recv"] -= SECOND
    make_store(tmp_path / "store", {an_instrument(): events})
    return tmp_path / "store"


def test_the_document_is_exact_decimal_text(store):
    document = footprint(store, "binance-usdm:BTCUSDT", "1m")
    assert document["instrument"] == "binance-usdm:BTCUSDT"
    assert document["bars"][0] == {
        "open_ns": MIDNIGHT,
        "open": "60000.1",
        "high": "60000.4",
        "low": "60000.1",
        "close": "60000.4",
        "volume": "0.007",
        "delta": "0.003",
        "min_delta": "0.000",
        "max_delta": "0.005",
        "cvd": "0.003",
        "trades": 2,
        "poc": "60000.1",
        "vah": "60000.1",
        "val": "60000.1",
        "vwap": "60000.1857143",
        "quality": "partial",
        "cells": [
            {"price": "60000.1", "sold": "0.000", "bought": "0.005"},
            {"price": "60000.4", "sold": "0.002", "bought": "0.000"},
        ],
    }
    assert [bar["quality"] for bar in document["bars"]] == ["partial", "stale", "stale", "stale"]
    assert document["bars"][2]["poc"] is None
    assert document["bars"][3]["cells"][0]["unknown"] == "0.001"


@pytest.mark.parametrize("bar", ["1m", "2t", "0.004v"])
def test_a_span_gives_the_bars_of_the_whole(store, bar):
    whole = footprint(store, "binance-usdm:BTCUSDT", bar)["bars"]
    start, stop = MIDNIGHT + MINUTE, MIDNIGHT + 3 * MINUTE
    part = footprint(store, "binance-usdm:BTCUSDT", bar, start, stop)["bars"]
    assert part == [one for one in whole if start <= one["open_ns"] < stop]
    assert part


def test_the_parquet_file_holds_the_same(store, tmp_path):
    file = tmp_path / "bars.parquet"
    written = footprint_parquet(store, "binance-usdm:BTCUSDT", "1m", file)
    bars = footprint(store, "binance-usdm:BTCUSDT", "1m")["bars"]
    table = pq.read_table(file)
    assert written == table.num_rows == len(bars)
    assert table["high_text"].to_pylist() == [bar["high"] for bar in bars]
    assert table["poc_text"].to_pylist() == [bar["poc"] for bar in bars]
    assert table["delta_text"].to_pylist() == [bar["delta"] for bar in bars]
    assert [len(cells) for cells in table["cell_price"].to_pylist()] == [
        len(bar["cells"]) for bar in bars
    ]
    sums = np.array([sum(cells) for cells in table["cell_sold"].to_pylist()])
    assert (sums == [2, 7, 0, 0]).all()
    assert [path.name for path in Path(tmp_path).glob("*.part")] == []


def test_what_cannot_be_is_said(store, tmp_path):
    with pytest.raises(StoreError, match="not in the store"):
        footprint(store, "binance-usdm:ETHUSDT", "1m")
    with pytest.raises(ConfigError, match="cannot be used"):
        footprint(store, "binance-usdm:BTCUSDT", "1 minute")
    with pytest.raises(StoreError, match="no trades"):
        footprint_parquet(
            store, "binance-usdm:BTCUSDT", "1m", tmp_path / "x", MIDNIGHT + 10**6 * SECOND
        )
    with pytest.raises(StoreError, match="another place"):
        footprint_parquet(store, "binance-usdm:BTCUSDT", "1m", tmp_path / "absent" / "x.parquet")
