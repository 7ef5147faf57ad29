"""Importing the real recordings: known counts, joins, and books that agree with the venue."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from aggressor.run.imports.importing import import_files
from aggressor.schema.event import LEVEL, SNAPSHOT, TRADE
from aggressor.store.raw import RawReader
from aggressor.store.reader import Store
from tests.recordings import recording

pytestmark = pytest.mark.recording

DAYS = ("20240808", "20240809")
NEXO = ("20240723", "20240724", "20240725")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


def imported(root: Path, venue: str, *names: str) -> dict[str, dict[str, Any]]:
    report = import_files([recording(f"{name}") for name in names], venue, root)
    for file in report["files"]:
        assert (file["skipped"], file["damage"]) == ({}, ""), file
    return {one["instrument"]: one for one in report["instruments"]}


def check(one: dict[str, Any], quote_checks: int, trades: int | None = None) -> None:
    assert (one["gaps"], one["trade_gaps"], one["crossed"]) == (0, 0, 0)
    assert one["quote_agreements"] == one["quote_checks"] == quote_checks
    assert one["late_quote_agreements"] == one["late_quote_checks"]
    if trades is not None:
        assert one["trades"] == trades


def test_btcusdt(tmp_path: Path) -> None:
    one = imported(tmp_path, "binance-usdm", "binance-usdm/btcusdt_20240808.gz")
    found = one["binance-usdm:BTCUSDT"]
    check(found, 503, 21_313)
    assert found["level_changes"] == 443_262
    assert (found["tick"], found["lot"], found["inferred"]) == ("0.1", "0.001", True)
    assert found["clock_offset_ms"] == pytest.approx(-1270, abs=3)
    store = Store(tmp_path)
    rows = store.source("binance-usdm:BTCUSDT").read_all()
    assert len(rows) == found["events"]
    changes = (rows["kind"] == LEVEL) & (rows["flags"] & SNAPSHOT == 0)
    assert changes.sum() == 443_262
    pattern = str(tmp_path / "events" / "**" / "*.parquet")
    sums = "count(*), sum(size::hugeint), sum(price::hugeint), sum((kind = 1)::int)"
    own = (
        len(rows),
        int(rows["size"].sum()),
        int(rows["price"].astype(np.int64).sum()),
        int((rows["kind"] == TRADE).sum()),
    )
    query = f"select {sums} from read_parquet('{pattern}', hive_partitioning=true)"
    assert duckdb.sql(f"{query} where symbol = 'BTCUSDT'").fetchall() == [own]
    frame = pl.scan_parquet(tmp_path / "events", hive_partitioning=True).select(
        pl.len(),
        pl.col("size").sum(),
        pl.col("price").cast(pl.Int64).sum(),
        (pl.col("kind") == TRADE).sum().alias("trades"),
    )
    assert frame.collect().row(0) == own
    (capture,) = (tmp_path / "raw").rglob("*.zst")
    reader = RawReader(capture)
    assert sum(1 for _ in reader) == 93_954
    assert reader.closed


def test_ethusdt_and_the_short_one(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        "binance-usdm",
        "binance-usdm/ethusdt_20240808.gz",
        "binance-usdm/btcusdt_20220811.dat.gz",
    )
    check(found["binance-usdm:ETHUSDT"], 471, 14_076)
    check(found["binance-usdm:BTCUSDT"], 0, 1_326)


def test_coin_margined_days_join(tmp_path: Path) -> None:
    names = [f"binance-coinm/{pair}_perp_{day}.gz" for pair in ("btcusd", "ethusd") for day in DAYS]
    found = imported(tmp_path / "one", "binance-coinm", *names)
    check(found["binance-coinm:BTCUSD_PERP"], 1_885, 5_235)
    check(found["binance-coinm:ETHUSD_PERP"], 2_278, 3_595)
    assert found["binance-coinm:BTCUSD_PERP"]["multiplier"] == "100"
    for name in names:
        imported(tmp_path / "each", "binance-coinm", name)
    contents = [
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "one", tmp_path / "each")
    ]
    assert contents[0] == contents[1]


def test_spot_days_join(tmp_path: Path) -> None:
    names = [f"binance-spot/{pair}usdt_{day}.gz" for pair in ("btc", "eth") for day in DAYS]
    found = imported(tmp_path, "binance-spot", *names)
    check(found["binance-spot:BTCUSDT"], 1_072, 19_904)
    check(found["binance-spot:ETHUSDT"], 1_056, 14_515)


def test_a_thin_market_over_34_hours(tmp_path: Path) -> None:
    names = [f"binance-spot/nexousdt_{day}.dat.gz" for day in NEXO]
    found = imported(tmp_path, "binance-spot", *names)["binance-spot:NEXOUSDT"]
    check(found, 17_335, 18_817)


@pytest.mark.parametrize(
    ("venue", "name", "symbols"),
    [
        ("binance-usdm", "binance_usdm_20210722", 4),
        ("binance-coinm", "binance_coinm_20210722", 10),
        ("binance-spot", "binance_spot_20211012", 4),
    ],
)
def test_sessions_of_2021(tmp_path: Path, venue: str, name: str, symbols: int) -> None:
    found = imported(tmp_path, venue, f"sessions/{name}.jsonl.zst")
    assert len(found) == symbols
    for one in found.values():
        check(one, one["quote_checks"])
        assert one["snapshot_levels"] > 0
    if venue == "binance-usdm":
        sushi = found["binance-usdm:SUSHIUSDT"]
        assert (sushi["tick"], sushi["inferred"]) == ("0.001", False)
        assert Decimal(found["binance-usdm:CTKUSDT"]["tick"]) == Decimal("0.00001")
        assert found["binance-usdm:CTKUSDT"]["inferred"]
