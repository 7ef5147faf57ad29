"""hftbacktest's npz: exported, run by hftbacktest itself, and imported back as the same rows."""

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import BookState, book_state, grow_book, lots_at, run_book
from aggressor.run.imports.importing import import_files
from aggressor.run.studies.exporting import both_orders, export_hftbacktest
from aggressor.schema.errors import AggressorError, StoreError
from aggressor.schema.event import CLEAR, GAP, LAST, LEVEL, SNAPSHOT, TRADE, Events
from aggressor.store.importers.hft_format import (
    BUY,
    DEPTH,
    DEPTH_BBO,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    EXCH,
    HFT_EVENT,
    LOCAL,
    SELL,
)
from aggressor.store.importers.hft_format import TRADE as HFT_TRADE
from aggressor.store.reader import Store
from tests.recordings import recording
from tests.wire_samples import Market

BTC = "binance-usdm:BTCUSDT"
ROOT = Path(__file__).parents[2]
NS = 1_704_067_200_000_000_000
BOTH = EXCH | LOCAL

RUN = """
import json, sys
import numpy as np
from numba import njit
from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.data.validation import validate_event_order
path, tick, lot, levels = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
validate_event_order(np.load(path)["data"])
asset = (
    BacktestAsset().data([path]).linear_asset(1.0).constant_order_latency(0, 0)
    .risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(0.0, 0.0)
    .tick_size(tick).lot_size(lot).last_trades_capacity(1000000)
)
hbt = HashMapMarketDepthBacktest([asset])
@njit
def run(hbt, out):
    while hbt.elapse(100_000_000) == 0:
        pass
    count, bought, sold = 0, 0, 0
    for trade in hbt.last_trades(0):
        count += 1
        if trade.ev & (1 << 29):
            bought += round(trade.qty / lot)
        else:
            sold += round(trade.qty / lot)
    depth = hbt.depth(0)
    for i in range(len(out)):
        out[i, 0] = depth.bid_qty_at_tick(depth.best_bid_tick - i) / lot
        out[i, 1] = depth.ask_qty_at_tick(depth.best_ask_tick + i) / lot
    return count, bought, sold, depth.best_bid_tick, depth.best_ask_tick
out = np.zeros((levels, 2))
found = run(hbt, out)
print(json.dumps([[int(one) for one in found], np.rint(out).astype(int).tolist()]))
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


def hftbacktest() -> str:
    """Return a Python that has hftbacktest, or skip."""
    own = os.environ.get("AGGRESSOR_HFTBACKTEST_PYTHON", str(ROOT / ".venv-bench/bin/python"))
    if not Path(own).exists():
        pytest.skip("hftbacktest is not here (set AGGRESSOR_HFTBACKTEST_PYTHON)")
    return own


def stored(root: Path, file: Path) -> Events:
    import_files([file], "binance-usdm", root)
    return kept(root)


def kept(root: Path) -> Events:
    """Return the rows of a store that an export keeps."""
    rows = np.array(Store(root).source(BTC).read_all())
    return rows[np.isin(rows["kind"], (LEVEL, TRADE, CLEAR))]


def book_after(rows: Events) -> BookState:
    """Return the book that some rows leave."""
    book, done = book_state(1), 0
    while (done := run_book(rows, done, len(rows), book)) < len(rows):
        book = grow_book(book)
    return book


def a_recording(path: Path, seed: int = 5, **more: Any) -> Path:
    path.write_bytes(b"".join(Market(seed=seed, **more).lines(1500)))
    return path


@pytest.mark.parametrize("clock_ns", [0, -1_269_500_000])
def test_exported_rows_come_back_the_same(tmp_path: Path, clock_ns: int) -> None:
    rows = stored(tmp_path / "a", a_recording(tmp_path / "a.lines", clock_ns=clock_ns))
    report = export_hftbacktest(tmp_path / "a", BTC, tmp_path / "x.npz")
    assert report["events"] == len(rows)
    shift = report["local_ts_shift_ns"]
    assert (shift > 0) is bool((rows["ts_recv"] < rows["ts_venue"]).any())
    import_files([tmp_path / "x.npz"], "binance-usdm", tmp_path / "b", symbol="BTCUSDT")
    back = kept(tmp_path / "b")
    back["ts_recv"] -= shift
    assert (back == rows).all()
    export_hftbacktest(tmp_path / "b", BTC, tmp_path / "y.npz")
    one, other = (np.load(tmp_path / f"{name}.npz")["data"] for name in "xy")
    assert (one == other).all()


@pytest.mark.recording
def test_hftbacktest_runs_what_was_exported(tmp_path: Path) -> None:
    python = hftbacktest()
    rows = stored(tmp_path / "s", recording("binance-usdm/btcusdt_20240808.gz"))
    export_hftbacktest(tmp_path / "s", BTC, tmp_path / "x.npz")
    done = subprocess.run(
        [python, "-c", RUN, str(tmp_path / "x.npz"), "0.1", "0.001", "200"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (count, bought, sold, bid, ask), levels = json.loads(done.stdout)
    trades = rows[rows["kind"] == TRADE]
    assert count == len(trades)
    assert bought == trades["size"][trades["side"] > 0].sum()
    assert sold == trades["size"][trades["side"] < 0].sum()
    book = book_after(rows)
    head = book.head[0]
    assert (bid, ask) == (head["depth_bid"], head["depth_ask"])
    for i, (bids, asks) in enumerate(levels):
        assert bids == lots_at(book, 0, 1, bid - i)
        assert asks == lots_at(book, 0, -1, ask + i)


def test_a_span_begins_with_the_book_as_it_was(tmp_path: Path) -> None:
    rows = stored(tmp_path / "s", a_recording(tmp_path / "a.lines"))
    middle = int(rows["ts_recv"][len(rows) // 2])
    export_hftbacktest(tmp_path / "s", BTC, tmp_path / "x.npz", middle)
    import_files([tmp_path / "x.npz"], "binance-usdm", tmp_path / "b", symbol="BTCUSDT")
    part = kept(tmp_path / "b")
    tail = rows[rows["ts_recv"] >= middle]
    assert part["kind"][0] == CLEAR
    assert len(part) > len(tail)
    assert (part["size"][-len(tail) :] == tail["size"]).all()
    books = []
    for one in (rows, part):
        book = book_after(one)
        own = book.levels[book.levels["lots"] > 0]
        books.append({(int(x["side"]), int(x["price"])): int(x["lots"]) for x in own})
    assert books[0] == books[1]
    with pytest.raises(StoreError, match="nothing was written"):
        export_hftbacktest(tmp_path / "s", BTC, tmp_path / "z.npz", int(rows["ts_recv"][-1]) + 1)
    assert not (tmp_path / "z.npz").exists()


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), max_size=40))
def test_both_sides_get_every_row_in_their_order(pairs: list[tuple[int, int]]) -> None:
    ts_recv = np.cumsum([step for _, step in pairs], dtype=np.int64)
    ts_venue = np.array([ts_recv[i] - back for i, (back, _) in enumerate(pairs)], np.int64)
    rows, sides = both_orders(ts_venue, ts_recv)
    local = rows[sides & np.uint64(LOCAL) != 0]
    venue = rows[sides & np.uint64(EXCH) != 0]
    assert local.tolist() == list(range(len(pairs)))
    assert venue.tolist() == np.argsort(ts_venue, kind="stable").tolist()


def npz(path: Path, *rows: tuple[int, int, int, float, float], kind: Any = HFT_EVENT) -> Path:
    data: Any = np.zeros(len(rows), kind)
    for one, (ev, exch, local, px, qty) in zip(data, rows, strict=True):
        one["ev"], one["exch_ts"], one["local_ts"] = ev, NS + exch, NS + local
        one["px"], one["qty"] = px, qty
    np.savez_compressed(path, data=data)
    return path


def test_a_file_of_others_means_what_it_says(tmp_path: Path) -> None:
    file = npz(
        tmp_path / "x.npz",
        (BOTH | DEPTH | BUY, 1, 2, 99.0, 1.0),  # of a book that is not known
        (BOTH | DEPTH_CLEAR | BUY, 3, 4, 99.0, 0.0),
        (BOTH | DEPTH_SNAPSHOT | BUY, 3, 4, 100.1, 0.3),
        (BOTH | DEPTH_CLEAR | SELL, 3, 4, 101.0, 0.0),
        (BOTH | DEPTH_SNAPSHOT | SELL, 3, 4, 100.2, 0.7),
        (EXCH | HFT_TRADE | BUY, 5, 8, 100.2, 0.1),
        (LOCAL | DEPTH | SELL, 6, 7, 100.2, 0.6),
        (LOCAL | HFT_TRADE | BUY, 5, 8, 100.2, 0.1),
        (EXCH | DEPTH | SELL, 6, 7, 100.2, 0.6),
        (BOTH | DEPTH_BBO | BUY, 7, 9, 100.1, 0.3),
        (BOTH | DEPTH_CLEAR, 9, 10, 0.0, 0.0),
        (BOTH | DEPTH | BUY, 10, 11, 100.1, 0.5),
        (BOTH | DEPTH_SNAPSHOT | BUY, 12, 13, 100.0, 0.2),
    )
    report = import_files([file], "binance-usdm", tmp_path / "s", symbol="BTCUSDT")
    assert report["files"][0]["skipped"] == {
        "a best quote of one side": 1,
        "a change of a book of which no picture came before": 2,
    }
    rows = Store(tmp_path / "s").source(BTC).read_all()
    assert report["instruments"][0]["tick"] == "0.1"
    told = [
        (int(r["kind"]), int(r["ts_recv"]) - NS, int(r["side"]), int(r["price"]), int(r["flags"]))
        for r in rows
    ]
    assert told == [
        (CLEAR, 4, 0, 0, 0),
        (LEVEL, 4, 1, 1001, SNAPSHOT),
        (LEVEL, 4, -1, 1002, SNAPSHOT | LAST),
        (LEVEL, 7, -1, 1002, LAST),
        (TRADE, 8, 1, 1002, LAST),
        (CLEAR, 10, 0, 0, GAP | LAST),
        (CLEAR, 13, 0, 0, 0),
        (LEVEL, 13, 1, 1000, SNAPSHOT | LAST),
    ]


@settings(max_examples=60)
@given(
    st.sampled_from(["0.1", "0.05", "0.00001", "25", "0.25"]),
    st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=30),
)
def test_floats_are_the_steps_they_were_made_of(step: str, ticks: list[int]) -> None:
    from aggressor.store.importers.hft_feed import HftFeed

    feed = HftFeed(Path("x.npz"), "X")
    values = np.array([float(Decimal(step) * one) for one in ticks])
    assert feed._steps(values, Decimal(step), "px").tolist() == ticks
    inferred = feed._step(values, "px")
    assert inferred is not None
    assert inferred % Decimal(step) == 0
    off = np.append(values, float(Decimal(step) * ticks[0] + Decimal(step) / 3))
    with pytest.raises(AggressorError, match="not a whole number of steps"):
        feed._steps(off, Decimal(step), "px")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(BOTH | 10 | BUY, 1, 2, 1.0, 1.0)], "single orders"),
        ([(BOTH | 7, 1, 2, 1.0, 1.0)], "of no kind"),
        ([(EXCH | DEPTH | BUY, 1, 2, 1.0, 1.0)], "correct_event_order"),
        ([(BOTH | DEPTH_SNAPSHOT, 1, 2, 1.0, 1.0)], "neither of the bid nor of the ask"),
        ([(BOTH | HFT_TRADE, 1, 9, 1.0, 1.0), (BOTH | HFT_TRADE, 2, 3, 1.0, 1.0)], "earlier"),
        ([(BOTH | HFT_TRADE, 1, -NS + 5, 1.0, 1.0)], "not a time in ns"),
        ([(BOTH | HFT_TRADE, 1, 2, float("nan"), 1.0)], "no grid"),
        ([(BOTH | HFT_TRADE, 1, 2, 0.1 + 0.2, 1.0)], "no grid"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, rows: list[Any], said: str) -> None:
    file = npz(tmp_path / "x.npz", *rows)
    with pytest.raises(AggressorError, match=said):
        import_files([file], "binance-usdm", tmp_path / "s", symbol="BTCUSDT")


def test_other_arrays_cut_files_and_no_symbol_are_said(tmp_path: Path) -> None:
    good = npz(tmp_path / "x.npz", (BOTH | HFT_TRADE | BUY, 1, 2, 1.5, 1.0))
    with pytest.raises(AggressorError, match="give --symbol"):
        import_files([good], "binance-usdm", tmp_path / "s")
    content = good.read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(AggressorError, match="cut or damaged"):
        import_files([tmp_path / "cut.npz"], "binance-usdm", tmp_path / "s", symbol="BTCUSDT")
    np.savez(tmp_path / "old.npz", data=np.zeros((3, 6)))
    with pytest.raises(AggressorError, match="migration2"):
        import_files([tmp_path / "old.npz"], "binance-usdm", tmp_path / "s", symbol="BTCUSDT")
    np.savez(tmp_path / "named.npz", other=np.zeros(3))
    with pytest.raises(AggressorError, match="is called data"):
        import_files([tmp_path / "named.npz"], "binance-usdm", tmp_path / "s", symbol="BTCUSDT")
