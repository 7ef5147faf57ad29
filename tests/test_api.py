"""`aggressor.open`: Arrow tables with units, the same numbers as the commands."""

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import aggressor as ag
from aggressor.engine.columns import COLUMNS
from aggressor.run.studies.footprint import footprint
from aggressor.run.studies.signals import signals
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import TRADE
from tests.made import cached_beside, made


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


@pytest.fixture
def day():
    return ag.open(made().store, made().id, profile="micro")


def test_importing_the_package_brings_nothing_along():
    code = "import sys; old = set(sys.modules); import aggressor; print(*sys.modules.keys() - old)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    brought = {name for name in run.stdout.split() if not name.startswith("aggressor")}
    assert not {name.partition(".")[0] for name in brought} & {"numpy", "numba", "pyarrow"}
    assert "aggressor.api" not in run.stdout


def test_unknown_names_are_unknown():
    with pytest.raises(AttributeError, match="nothing"):
        _ = ag.nothing  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="not in the store"):
        ag.open(made().store, "binance-usdm:BTCUSDT")
    assert ag.Day.__name__ == "Day"


def test_bars_are_those_of_the_command(day):
    table = day.footprint("1m")
    document = footprint(made().store, made().id, "1m")["bars"]
    text = made().instrument.price_text
    assert table.num_rows == len(document)
    assert [text(row) for row in table["high"].to_pylist()] == [one["high"] for one in document]
    assert [len(row) for row in table["cell_price"].to_pylist()] == [
        len(one["cells"]) for one in document
    ]
    assert table.schema.field("cvd").metadata == {b"unit": b"lots"}
    late = day.footprint("1m", start=int(made().events["ts_recv"][-1]) + 10**12)
    assert (late.num_rows, late.schema) == (0, table.schema)


def test_signals_are_those_of_the_command(day):
    table = day.signals(near_misses=True)
    found = signals(made().store, made().id, near_misses=True, profile="micro")
    assert table.num_rows == len(found["signals"]) + len(found["near_misses"])
    assert day.signals("wall").num_rows == sum(s["kind"] == "wall" for s in found["signals"])
    none = day.signals(stop=int(made().events["ts_recv"][0]) + 10**9)
    assert (none.num_rows, none.schema) == (0, table.schema)


def test_features_are_columns_on_a_grid(day):
    table = day.features(["mid", "cvd", "delta_1m"], every="500ms")
    times = table["recv_ns"].to_numpy()
    assert (times % 500_000_000 == 0).all()
    assert set(np.diff(times)) == {500_000_000}
    assert table.column_names == ["recv_ns", "mid", "cvd", "delta_1m"]
    assert table["delta_1m"].null_count > 0
    assert table["mid"].null_count == 0
    every = day.features(every="1m")
    assert every.column_names == ["recv_ns", *(one.name for one in COLUMNS)]
    assert every.schema.field("spread").metadata == {b"unit": b"ticks"}
    both = dict(zip(times.tolist(), table["cvd"].to_pylist(), strict=True))
    minutes = zip(every["recv_ns"].to_pylist(), every["cvd"].to_pylist(), strict=True)
    assert all(both[time] == value for time, value in minutes)


def test_a_span_of_features_is_a_part_of_the_whole(day):
    start = datetime.fromtimestamp(made().middle_ns // 10**9, UTC)
    whole = day.features(["mid", "ofi_10s", "atr_1m"], every="1s")
    part = day.features(["mid", "ofi_10s", "atr_1m"], every="1s", start=start)
    assert part.num_rows > 10
    assert part.equals(whole.slice(whole.num_rows - part.num_rows))
    bounded = ag.open(made().store, made().id, profile="micro", start=start.isoformat())
    assert bounded.features(["mid", "ofi_10s", "atr_1m"], every="1s").equals(part)


def test_trades_orders_profile_and_book(day):
    rows = made().events[made().events["kind"] == TRADE]
    trades = day.trades()
    for name, field in (("recv_ns", "ts_recv"), ("price", "price"), ("size", "size")):
        assert (trades[name].to_numpy() == rows[field]).all()
    assert sum(day.taker_orders()["lots"].to_pylist()) == rows["size"].sum()
    assert sum(day.profile_rows(row_ticks=1)["volume"].to_pylist()) == rows["size"].sum()
    book = day.book(made().middle_ns, levels=5)
    assert book.num_rows == 10
    assert book["side"].to_pylist() == [1] * 5 + [-1] * 5
    with pytest.raises(ConfigError, match="say which"):
        day.book(None)


def test_units_become_prices_sizes_and_times(day):
    bars = day.footprint("1m")
    told = ag.in_units(bars)
    tick, lot = float(made().instrument.tick), float(made().instrument.lot)
    assert told["high"].to_pylist() == [ticks * tick for ticks in bars["high"].to_pylist()]
    assert told["volume"].to_pylist() == [lots / (1 / lot) for lots in bars["volume"].to_pylist()]
    cells = zip(bars["cell_price"].to_pylist(), told["cell_price"].to_pylist(), strict=True)
    assert all([price * tick for price in own] == shown for own, shown in cells)
    assert told.schema.field("open_ns").type == pa.timestamp("ns", "UTC")
    assert told.schema.field("high").metadata == {b"unit": b"price"}
    frame = pl.from_arrow(told)
    assert isinstance(frame, pl.DataFrame)
    assert frame.height == bars.num_rows
    with pytest.raises(ConfigError, match="not ours"):
        ag.in_units(pa.table({"x": [1]}))


@pytest.mark.parametrize("every", ["1", "0s", "50ms", "1 s"])
def test_a_period_that_cannot_be_is_answered(day, every):
    with pytest.raises(ConfigError, match=r"100ms|multiple of 100 ms"):
        day.features(["mid"], every=every)
