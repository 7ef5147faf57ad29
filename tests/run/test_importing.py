"""Importing made-up recordings: counts, joins, repeats, and what can be wrong with a file."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggressor.market.book import book_state, run_book
from aggressor.run.imports.importing import import_files
from aggressor.run.studies.inspection import inspect_store
from aggressor.schema.errors import AggressorError, ConfigError, MessageError, StoreError
from aggressor.schema.event import CLEAR, GAP, LEVEL, TRADE
from aggressor.store.raw import RawReader
from aggressor.store.reader import Store
from tests.wire_samples import STEP_NS, Market, session_lines

VENUE = "binance-usdm"
BTC = "binance-usdm:BTCUSDT"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


def recorded(path: Path, lines: list[bytes]) -> Path:
    content = b"".join(lines)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def imported(root: Path, *files: Path, venue: str = VENUE, **grid: str) -> dict[str, Any]:
    return import_files(list(files), venue, root, **grid)


def content_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("venue", ["binance-usdm", "binance-spot"])
def test_counts_are_those_of_the_market(tmp_path: Path, venue: str) -> None:
    market = Market(venue=venue, clock_ns=-1_269_500_000)
    lines = market.lines(400)
    report = imported(tmp_path / "s", recorded(tmp_path / "a.gz", lines), venue=venue)
    (found,) = report["instruments"]
    assert found["instrument"] == f"{venue}:BTCUSDT"
    assert found["trades"] == market.trades
    assert (found["gaps"], found["crossed"], found["trade_gaps"]) == (0, 0, 0)
    assert 0 < found["quote_agreements"] == found["quote_checks"] <= market.shared_ids
    assert (found["tick"], found["lot"], found["inferred"]) == ("0.1", "0.001", True)
    store = Store(tmp_path / "s")
    rows = store.source(found["instrument"]).read_all()
    assert len(rows) == found["events"]
    assert (rows["ts_recv"][[0, -1]] == [found["first_ts_ns"], found["last_ts_ns"]]).all()
    assert (rows["kind"] == TRADE).sum() == market.trades
    assert found["clock_offset_ms"] == pytest.approx(-1269.5 - STEP_NS / 8e6, abs=13)
    book = book_state(1)
    assert run_book(rows, 0, len(rows), book) == len(rows)
    bid, bid_lots, ask, ask_lots = market._best()
    head = book.head[0]
    assert (head["depth_bid"], head["depth_bid_lots"]) == (bid, bid_lots)
    assert (head["depth_ask"], head["depth_ask_lots"]) == (ask, ask_lots)
    (file,) = report["files"]
    assert (file["lines"], file["skipped"], file["damage"]) == (len(lines), {}, "")


def test_the_capture_holds_every_message(tmp_path: Path) -> None:
    lines = Market().lines(50)
    imported(tmp_path / "s", recorded(tmp_path / "a", lines))
    (path,) = (tmp_path / "s" / "raw").rglob("*.zst")
    reader = RawReader(path)
    assert [b"%d %s\n" % (m.ts_recv, m.text) for m in reader] == lines
    assert (reader.closed, reader.losses) == (True, [])


def test_files_join_in_one_command_and_in_two(tmp_path: Path) -> None:
    market = Market()
    first = recorded(tmp_path / "b.gz", market.lines(120))
    second = recorded(tmp_path / "a.gz", market.lines(120, snapshot_at=None))
    together = imported(tmp_path / "one", second, first)
    (found,) = together["instruments"]
    assert (found["gaps"], found["trade_gaps"]) == (0, 0)
    assert found["trades"] == market.trades
    imported(tmp_path / "two", first)
    imported(tmp_path / "two", second)
    assert content_of(tmp_path / "one") == content_of(tmp_path / "two")
    whole = recorded(tmp_path / "whole", [first, second] and _lines_of(first) + _lines_of(second))
    alone = imported(tmp_path / "three", whole)["instruments"][0]
    counts = ("events", "trades", "level_changes", "quote_checks", "quote_agreements")
    assert {name: found[name] for name in counts} == {name: alone[name] for name in counts}
    joined = Store(tmp_path / "one").source(BTC).read_all()
    assert joined.tobytes() == Store(tmp_path / "three").source(BTC).read_all().tobytes()


def _lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def test_importing_again_changes_nothing(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a.gz", Market().lines(60))
    first = imported(tmp_path / "s", file)
    before = content_of(tmp_path / "s")
    renamed = recorded(tmp_path / "renamed.gz", Market().lines(60))
    again = imported(tmp_path / "s", renamed, file)
    assert content_of(tmp_path / "s") == before
    assert again["instruments"] == first["instruments"]
    assert [one["already_held"] for one in again["files"]] == [True, True]


def test_a_missing_file_in_between_is_a_gap(tmp_path: Path) -> None:
    market = Market()
    files = []
    for n in range(3):
        lines = market.lines(40, snapshot_at=3 if n != 1 else None)
        files.append(recorded(tmp_path / f"{n}", lines))
    (found,) = imported(tmp_path / "s", files[0], files[2])["instruments"]
    assert (found["gaps"], found["trade_gaps"]) == (1, 1)
    rows = Store(tmp_path / "s").source(BTC).read_all()
    assert ((rows["kind"] == CLEAR) & (rows["flags"] & GAP != 0)).sum() == 1
    assert found["quote_agreements"] == found["quote_checks"] > 0


def test_several_instruments_in_one_file(tmp_path: Path) -> None:
    markets = [Market(symbol=name, seed=n) for n, name in enumerate(["BTCUSDT", "币安人生USDT"])]
    lines = [line for market in markets for line in market.lines(80, snapshot_at=None)]
    symbols = [b'"s":"BTCUSDT"', '"s":"币安人生USDT"'.encode()]
    lines.sort(key=lambda line: int(line.split(b" ", 1)[0]))
    report = imported(tmp_path / "s", recorded(tmp_path / "a", lines))
    assert [one["trades"] for one in report["instruments"]] == [m.trades for m in markets]
    store = Store(tmp_path / "s")
    assert store.instruments == [f"{VENUE}:BTCUSDT", f"{VENUE}:币安人生USDT"]
    feed = store.replay(store.instruments, timer_ns=0)
    rows = feed.poll(10**6)
    assert (np.diff(rows["ts_recv"]) >= 0).all()
    assert set(rows["instrument"]) == {0, 1}
    assert all(any(symbol in line for line in lines) for symbol in symbols)


def test_a_session_states_its_own_grid(tmp_path: Path) -> None:
    market = Market(tick=Decimal("0.01"))
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.005", "minPrice": "1", "maxPrice": "9"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "1", "maxQty": "9"},
    ]
    symbol = {
        "symbol": "BTCUSDT",
        "contractType": "PERPETUAL",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "filters": filters,
    }
    records = session_lines(
        market.lines(60), {"symbols": [symbol]}, "https://fapi.binance.com/fapi/v1"
    )
    (found,) = imported(tmp_path / "s", recorded(tmp_path / "a.jsonl", records))["instruments"]
    assert (found["tick"], found["lot"], found["inferred"]) == ("0.005", "0.001", False)
    assert found["trades"] == market.trades
    assert found["quote_agreements"] == found["quote_checks"] > 0
    rows = Store(tmp_path / "s").source(BTC).read_all()
    assert (rows["price"][rows["kind"] == LEVEL] % 2 == 0).all()


def test_a_given_grid_is_used_and_not_inferred(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a", Market().lines(20))
    (found,) = imported(tmp_path / "s", file, tick="0.05", lot="0.0001")["instruments"]
    assert (found["tick"], found["lot"], found["inferred"]) == ("0.05", "0.0001", False)


def test_prices_off_a_given_grid_are_an_error(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a", Market().lines(20))
    with pytest.raises(AggressorError, match=r"tick 0\.5"):
        imported(tmp_path / "s", file, tick="0.5", lot="0.001")
    assert not (tmp_path / "s" / "catalog.json").exists()


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan"])
def test_a_grid_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="--tick"):
        imported(tmp_path / "s", recorded(tmp_path / "a", Market().lines(5)), tick=text)


def test_a_finer_price_late_in_the_file_makes_the_grid_finer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aggressor.store.importers import lines as lines_module
    from aggressor.store.importers import text as text_module

    monkeypatch.setattr(lines_module, "CHUNK_BYTES", 30_000)
    monkeypatch.setattr(text_module, "PIECE_BYTES", 10_000)
    lines = Market().lines(300)
    late = lines[-20].replace(b'.0"', b'.05"').replace(b'.1"', b'.15"').replace(b'.2"', b'.25"')
    assert late != lines[-20]
    one = recorded(tmp_path / "a", [*lines[:-20], late, *lines[-19:]])
    (found,) = imported(tmp_path / "s", one)["instruments"]
    assert (found["tick"], found["inferred"], found["gaps"]) == ("0.05", True, 0)
    market = Market()
    first = recorded(tmp_path / "b", market.lines(60))
    second = recorded(
        tmp_path / "c",
        [line.replace(b'.1"', b'.15"') for line in market.lines(100, snapshot_at=None)],
    )
    together = imported(tmp_path / "t", first, second)["instruments"][0]
    assert (together["tick"], together["gaps"]) == ("0.05", 0)


def test_a_finer_price_in_a_later_command_says_how_to_mend_it(tmp_path: Path) -> None:
    market = Market()
    imported(tmp_path / "s", recorded(tmp_path / "a", market.lines(40)))
    before = content_of(tmp_path / "s")
    finer = [line.replace(b'.1"', b'.15"') for line in market.lines(40, snapshot_at=None)]
    with pytest.raises(StoreError, match="in one command"):
        imported(tmp_path / "s", recorded(tmp_path / "b", finer))
    assert content_of(tmp_path / "s") == before


def test_an_empty_file_is_reported_and_the_others_imported(tmp_path: Path) -> None:
    empty = recorded(tmp_path / "e.gz", [])
    file = recorded(tmp_path / "a.gz", Market().lines(20))
    report = imported(tmp_path / "s", empty, file)
    assert report["files"][0]["note"] == "it holds no messages"
    assert len(report["instruments"]) == 1
    with pytest.raises(MessageError, match="no messages"):
        imported(tmp_path / "t", empty)


def test_a_cut_gzip_is_imported_up_to_the_cut(tmp_path: Path) -> None:
    lines = Market().lines(300)
    packed = gzip.compress(b"".join(lines), mtime=0)
    (tmp_path / "a.gz").write_bytes(packed[: len(packed) * 2 // 3])
    report = imported(tmp_path / "s", tmp_path / "a.gz")
    (file,) = report["files"]
    assert "cut" in file["damage"]
    assert len(lines) // 2 < file["lines"] < len(lines)
    assert report["instruments"][0]["gaps"] == 0
    assert inspect_store(tmp_path / "s")["files"][0]["damage"] == file["damage"]


def test_a_line_cut_in_half_is_counted(tmp_path: Path) -> None:
    lines = Market().lines(100)
    quote = next(i for i, line in enumerate(lines) if i > 50 and b"bookTicker" in line)
    lines[quote] = lines[quote][:60] + b"\n"
    report = imported(tmp_path / "s", recorded(tmp_path / "a", lines))
    (file,) = report["files"]
    assert file["skipped"] == {"not understood": 1}
    assert len(file["examples"]) == 1
    assert report["instruments"][0]["gaps"] == 0
    tail = recorded(tmp_path / "b", [*Market(seed=3).lines(30), b'1723161999999999999 {"str'])
    assert imported(tmp_path / "t", tail)["files"][0]["lines"] > 30


@pytest.mark.parametrize(
    ("recorded_at", "given"),
    [("binance-spot", "binance-usdm"), ("binance-usdm", "binance-spot")],
)
def test_the_wrong_venue_is_named(tmp_path: Path, recorded_at: str, given: str) -> None:
    file = recorded(tmp_path / "a", Market(venue=recorded_at).lines(40))
    with pytest.raises(MessageError, match=f"--venue {recorded_at}"):
        imported(tmp_path / "s", file, venue=given)
    assert not (tmp_path / "s" / "catalog.json").exists()


def test_an_unknown_venue_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="binance-usdm"):
        imported(tmp_path / "s", recorded(tmp_path / "a", []), venue="mtgox")


def test_the_same_file_as_another_venue_is_refused(tmp_path: Path) -> None:
    file = recorded(tmp_path / "a", Market().lines(20))
    imported(tmp_path / "s", file)
    with pytest.raises(StoreError, match="--venue binance-usdm"):
        imported(tmp_path / "s", file, venue="binance-coinm")


def test_overlapping_recordings_are_refused(tmp_path: Path) -> None:
    lines = Market().lines(60)
    imported(tmp_path / "s", recorded(tmp_path / "a", lines[:100]))
    before = content_of(tmp_path / "s")
    with pytest.raises(StoreError, match="overlaps"):
        imported(tmp_path / "s", recorded(tmp_path / "b", lines[50:]))
    with pytest.raises(StoreError, match="overlaps"):
        imported(tmp_path / "s", recorded(tmp_path / "c", lines))
    assert content_of(tmp_path / "s") == before


def test_duplicated_messages_change_nothing(tmp_path: Path) -> None:
    lines = Market().lines(100)
    plain = imported(tmp_path / "s", recorded(tmp_path / "a", lines))["instruments"][0]
    twice = [line for line in lines for _ in range(2) if line]
    doubled = imported(tmp_path / "t", recorded(tmp_path / "b", twice))["instruments"][0]
    for name in ("trades", "level_changes", "gaps", "trade_gaps", "crossed"):
        assert doubled[name] == plain[name], name


def test_lines_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    lines = Market().lines(100)
    swapped = lines.copy()
    for i in range(10, len(lines) - 10, 7):
        swapped[i], swapped[i + 3] = swapped[i + 3], swapped[i]
    imported(tmp_path / "s", recorded(tmp_path / "a", lines))
    imported(tmp_path / "t", recorded(tmp_path / "b", swapped))
    rows = [Store(tmp_path / name).source(BTC).read_all().tobytes() for name in "st"]
    assert rows[0] == rows[1]


def test_messages_that_arrived_out_of_order_are_gaps(tmp_path: Path) -> None:
    lines = Market().lines(100)
    depth = [i for i, line in enumerate(lines) if b"depthUpdate" in line]
    i, j = depth[50], depth[51]
    texts = [lines[i].split(b" ", 1), lines[j].split(b" ", 1)]
    lines[i], lines[j] = texts[0][0] + b" " + texts[1][1], texts[1][0] + b" " + texts[0][1]
    (found,) = imported(tmp_path / "s", recorded(tmp_path / "a", lines))["instruments"]
    assert found["gaps"] >= 1
    assert found["crossed"] == 0
    assert inspect_store(tmp_path / "s")["instruments"][0]["quality"] == "gaps"


def test_inspection_tells_coverage_and_quality(tmp_path: Path) -> None:
    market = Market(now_ns=1_723_161_597_000_000_000)  # 3 s before midnight UTC
    report = imported(tmp_path / "s", recorded(tmp_path / "a", market.lines(300)))
    (seen,) = inspect_store(tmp_path / "s")["instruments"]
    assert seen["quality"] == "clean"
    assert [day["day"] for day in seen["days"]] == ["2024-08-08", "2024-08-09"]
    assert sum(day["events"] for day in seen["days"]) == report["instruments"][0]["events"]
    assert sum(day["trades"] for day in seen["days"]) == market.trades
    assert 0 < seen["covered"] < 0.001
    assert seen["days"][1]["book_known"] == 1.0
    assert json.loads(json.dumps(seen)) == seen


def test_a_symbol_that_appears_late_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aggressor.store.importers import lines as lines_module
    from aggressor.store.importers import text as text_module

    monkeypatch.setattr(lines_module, "CHUNK_BYTES", 30_000)
    monkeypatch.setattr(text_module, "PIECE_BYTES", 10_000)
    first = Market()
    lines = first.lines(200, snapshot_at=None)
    late = Market(symbol="ETHUSDT", seed=9, now_ns=first.now_ns)
    lines += late.lines(20, snapshot_at=None)
    report = imported(tmp_path / "s", recorded(tmp_path / "a", lines))
    assert [one["trades"] for one in report["instruments"]] == [first.trades, late.trades]


@pytest.mark.parametrize(
    ("symbol", "given", "right"),
    [
        ("BTCUSD_PERP", "binance-usdm", "binance-coinm"),
        ("BTCUSDT", "binance-coinm", "binance-usdm"),
    ],
)
def test_the_quote_currency_tells_futures_apart(
    tmp_path: Path, symbol: str, given: str, right: str
) -> None:
    file = recorded(tmp_path / "a", Market(symbol=symbol).lines(40))
    with pytest.raises(MessageError, match=f"--venue {right}"):
        imported(tmp_path / "s", file, venue=given)
