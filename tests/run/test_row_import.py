"""Archives and other tools' files into a store, and out of it as a footprint."""

import json
import random
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggressor.market.book import book_state, run_book
from aggressor.run.imports.importing import import_files
from aggressor.run.studies.footprint import footprint
from aggressor.run.studies.inspection import inspect_store
from aggressor.schema.event import (
    BATCHED,
    CLEAR,
    FUNDING,
    GAP,
    INTEREST,
    LAST,
    LEVEL,
    LIQUIDATION,
    MARK,
    QUOTE,
    RPI,
    SNAPSHOT,
    TRADE,
    Events,
)
from aggressor.store.importers import csv_feed
from aggressor.store.raw import RawReader
from aggressor.store.reader import Store
from tests.recordings import recording
from tests.run.archive_samples import (
    START_MS,
    Print,
    a_book,
    agg_trades,
    bybit_trades,
    gzipped,
    tape,
    tardis_book,
    tardis_trades,
    trades,
    zipped,
)
from tests.wire_samples import Market

USDM = "binance-usdm"
BTC = "binance-usdm:BTCUSDT"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


def imported(root: Path, *files: Path, venue: str = USDM, **more: Any) -> dict[str, Any]:
    return import_files(list(files), venue, root, **more)


def rows_of(root: Path, instrument: str = BTC) -> Events:
    return Store(root).source(instrument).read_all()


def naive_footprint(prints: list[Print]) -> dict[int, dict[Decimal, list[Decimal]]]:
    """Sold and bought by price in each minute."""
    bars: dict[int, dict[Decimal, list[Decimal]]] = defaultdict(
        lambda: defaultdict(lambda: [Decimal(0), Decimal(0)])
    )
    for one in prints:
        bars[one.ms // 60_000][one.price][int(one.side > 0)] += one.size
    return bars


def assert_footprint(root: Path, instrument: str, prints: list[Print]) -> None:
    """Hold the bars of a store against a count with dicts."""
    expected = naive_footprint(prints)
    found = footprint(root, instrument, "1m")["bars"]
    traded = [bar for bar in found if bar["trades"]]
    assert len(traded) == len(expected) > 1
    for bar in traded:
        cells = expected[bar["open_ns"] // 60_000_000_000]
        assert {
            Decimal(cell["price"]): [Decimal(cell["sold"]), Decimal(cell["bought"])]
            for cell in bar["cells"]
            if Decimal(cell["sold"]) or Decimal(cell["bought"])
        } == dict(cells)
        delta = sum((bought - sold for sold, bought in cells.values()), Decimal(0))
        assert Decimal(bar["delta"]) == delta


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("pack", ["zip", "plain"])
def test_a_footprint_of_aggtrades_is_a_plain_count(tmp_path: Path, header: bool, pack: str) -> None:
    prints = tape(800)
    text = agg_trades(prints, header)
    if pack == "zip":
        file = zipped(tmp_path / "BTCUSDT-aggTrades-2024-01-01.zip", text)
    else:
        file = tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv"
        file.write_text(text)
    report = imported(tmp_path / "s", file)
    (found,) = report["instruments"]
    assert (found["instrument"], found["trades"]) == (BTC, len(prints))
    assert (found["tick"], found["lot"], found["inferred"]) == ("0.1", "0.001", True)
    assert found["clock_offset_ms"] is None
    assert report["files"][0]["receive_times"] == "the venue's"
    assert "no receive times" in report["files"][0]["note"]
    rows = rows_of(tmp_path / "s")
    assert (rows["flags"] == LAST | BATCHED).all()
    assert (rows["ts_recv"] == rows["ts_venue"]).all()
    assert_footprint(tmp_path / "s", BTC, prints)


def test_the_size_of_a_piece_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = tape(900, step_ms=40)
    file = tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv"
    file.write_text(agg_trades(prints))
    found = []
    for size in (200, 1000, 77_777, 4 << 20):
        monkeypatch.setattr(csv_feed, "_CHUNK_BYTES", size)
        monkeypatch.setattr("aggressor.store.importers.text.PIECE_BYTES", max(size // 3, 64))
        imported(tmp_path / str(size), file)
        found.append(rows_of(tmp_path / str(size)).tobytes())
    assert found[0]
    assert len(set(found)) == 1


def test_missing_ids_are_gaps_and_empty_rows_are_counted(tmp_path: Path) -> None:
    prints = tape(60)
    kept = prints[:20] + prints[25:]
    kept[7] = kept[7]._replace(size=Decimal("0.000"))
    for name, text in (("aggTrades", agg_trades(kept)), ("trades", trades(kept))):
        file = zipped(tmp_path / f"BTCUSDT-{name}-2024-01-01.zip", text)
        report = imported(tmp_path / name, file)
        assert report["instruments"][0]["trade_gaps"] == 1
        assert report["files"][0]["skipped"] == {"a row of size 0": 1}
        rows = rows_of(tmp_path / name)
        assert np.flatnonzero(rows["flags"] & GAP).tolist() == [19]  # one before it had no size
        assert bool((rows["flags"] & BATCHED).all()) is (name == "aggTrades")


def test_spot_archives_are_in_microseconds_and_told_apart(tmp_path: Path) -> None:
    prints = tape(50)
    file = zipped(
        tmp_path / "BTCUSDT-aggTrades-2025-01-01.zip", agg_trades(prints, header=False, spot=True)
    )
    report = imported(tmp_path / "s", file, venue="binance-spot")
    rows = rows_of(tmp_path / "s", "binance-spot:BTCUSDT")
    assert report["instruments"][0]["trades"] == 50
    assert rows["ts_venue"].tolist() == [one.ms * 1_000_000 for one in prints]


def test_tardis_files_of_one_day_are_one_recording(tmp_path: Path) -> None:
    prints, book = tape(200, step_ms=60), a_book(150, lost_at=100)
    first = gzipped(tmp_path / "a_trades.csv.gz", tardis_trades(prints))
    second = gzipped(tmp_path / "a_book.csv.gz", tardis_book(book))
    report = imported(tmp_path / "s", second, first)
    assert len({file["source"] for file in report["files"]}) == 1
    (found,) = report["instruments"]
    assert (found["trades"], found["gaps"], found["crossed"]) == (200, 1, 0)
    assert found["clock_offset_ms"] == pytest.approx(4, abs=1.1)
    rows = rows_of(tmp_path / "s")
    assert (np.diff(rows["ts_recv"]) >= 0).all()
    changes = [level for _, picture, levels in book if not picture for level in levels]
    assert found["level_changes"] == len(changes)
    assert found["snapshot_levels"] == sum(len(m[2]) for m in book if m[1])
    clears = rows[rows["kind"] == CLEAR]
    assert clears["flags"].tolist() == [0, GAP | LAST, 0]
    for at in np.unique(rows["ts_recv"]):  # prints before the book they took from
        kinds = rows["kind"][rows["ts_recv"] == at].tolist()
        assert kinds == sorted(kinds, key=lambda kind: kind != TRADE)
    assert_same_book(rows, book)
    again = imported(tmp_path / "s", first, second)
    assert all(file["already_held"] for file in again["files"])


def assert_same_book(rows: Events, messages: list[Any]) -> None:
    """Hold the book after all rows against a dict of the messages."""
    levels: dict[tuple[str, Decimal], Decimal] = {}
    for _, picture, changes in messages:
        if picture:
            levels.clear()
        for side, price, size in changes:
            levels[side, price] = size
    book = book_state(1)
    assert run_book(np.array(rows), 0, len(rows), book) == len(rows)
    own = book.levels[book.levels["lots"] > 0]
    assert {
        ("bid" if one["side"] > 0 else "ask", Decimal(int(one["price"])) / 10): Decimal(
            int(one["lots"])
        )
        / 1000
        for one in own
    } == {key: size for key, size in levels.items() if size}


def test_a_further_day_and_a_repetition_change_nothing_before(tmp_path: Path) -> None:
    day = [one._replace(ms=one.ms + 86_400_000, number=one.number + 9_000) for one in tape(300)]
    files = [
        zipped(tmp_path / "BTCUSDT-aggTrades-2024-01-01.zip", agg_trades(tape(300))),
        zipped(tmp_path / "BTCUSDT-aggTrades-2024-01-02.zip", agg_trades(day)),
    ]
    imported(tmp_path / "one", files[0])
    imported(tmp_path / "one", files[1])
    imported(tmp_path / "both", *reversed(files))
    contents = [
        {
            str(path.relative_to(tmp_path / root)): path.read_bytes()
            for path in sorted((tmp_path / root).rglob("*"))
            if path.is_file()
        }
        for root in ("one", "both")
    ]
    assert contents[0] == contents[1]
    imported(tmp_path / "both", files[0])
    assert contents[1]["catalog.json"] == (tmp_path / "both" / "catalog.json").read_bytes()


def test_rare_files_of_tardis_say_only_what_changed(tmp_path: Path) -> None:
    at = START_MS * 1000
    settles = at + 3_600_000_000
    both = "binance-futures,BTCUSDT"
    ticker = (
        "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,"
        "predicted_funding_rate,open_interest,last_price,index_price,mark_price\n"
        f"{both},{at},{at + 9},{settles},0.0001,,100.5,42000.1,42001.22,42000.12345678\n"
        f"{both},{at},{at + 10},{settles},0.0001,,100.5,42000.1,42001.22,42000.12345678\n"
        f"{both},{at},{at + 11},,,,,42000.1,42001.22,42000.2\n"
        f"{both},{at},{at + 12},{settles},-0.00005,,90.25,42000.1,42001.22,\n"
    )
    forced = (
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        f"{both},{at},{at + 20},,buy,42000.5,0.250\n"
    )
    prints = tape(5, step_ms=1)
    report = imported(
        tmp_path / "s",
        gzipped(tmp_path / "derivative_ticker.csv.gz", ticker),
        gzipped(tmp_path / "binance-futures_liquidations_2024-01-01_BTCUSDT.csv.gz", forced),
        gzipped(tmp_path / "trades.csv.gz", tardis_trades(prints)),
    )
    assert report["instruments"][0]["trades"] == 5
    rows = rows_of(tmp_path / "s")
    assert rows["size"][rows["kind"] == MARK].tolist() == [4200012345678, 4200020000000]
    assert rows["price"][rows["kind"] == MARK].tolist() == [420001, 420002]
    assert rows["size"][rows["kind"] == INTEREST].tolist() == [100500, 90250]
    funding = rows[rows["kind"] == FUNDING]
    assert funding["size"].tolist() == [10000, -5000]
    assert (funding["price"] == settles // 60_000_000).all()
    (liquidation,) = rows[rows["kind"] == LIQUIDATION]
    assert (liquidation["side"], liquidation["size"], liquidation["price"]) == (1, 250, 420005)


def test_quotes_stand_alone_and_give_way_to_a_book(tmp_path: Path) -> None:
    at = START_MS * 1000
    lines = (
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
        f"binance-futures,BTCUSDT,{at},{at + 5},1.5,42000.1,42000.0,2.25\n"
        f"binance-futures,BTCUSDT,{at},{at + 300_000},1.5,42000.1,,\n"
    )
    quotes = gzipped(tmp_path / "quotes.csv.gz", lines)
    report = imported(tmp_path / "s", quotes)
    assert report["files"][0]["skipped"] == {"a row without a price or a size": 1}
    rows = rows_of(tmp_path / "s")
    assert rows["kind"].tolist() == [QUOTE, QUOTE]
    assert (rows["side"].tolist(), rows["flags"].tolist()) == ([1, -1], [0, LAST])
    assert rows["price"].tolist() == [420_000, 420_001]
    book = gzipped(tmp_path / "book.csv.gz", tardis_book(a_book(20)))
    beside = imported(tmp_path / "t", quotes, book)
    assert beside["instruments"][0]["quotes"] == 0
    assert "quotes beside a book" in json.dumps(beside["files"][0]["skipped"])


def test_binance_quotes_metrics_and_forced_orders(tmp_path: Path) -> None:
    ms = START_MS
    ticker = (
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,"
        f"event_time\n1,42000.0,1.5,42000.1,2.0,{ms},{ms + 4}\n2,42000.1,1.5,42000.2,2.0,"
        f"{ms + 10},{ms + 15}\n"
    )
    metrics = (  # the archive's own lines are not in order, and some say 0
        "create_time,symbol,sum_open_interest,sum_open_interest_value,x\n"
        "2024-01-01 00:10:00,BTCUSDT,80000.1234,1,1\n"
        "2024-01-01 00:05:00,BTCUSDT,79000.5,1,1\n"
        "2024-01-01 00:00:00,BTCUSDT,0,1,1\n"
        "2024-01-01 23:55:00,BTCUSDT,79999,1,1\n"
    )
    order = f"{ms + 50},SELL,LIMIT,IOC,0.700,42100.5,42000.1,FILLED,0.100,0.700\n"
    forced = (
        "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
        f"last_fill_quantity,accumulated_fill_quantity\n{order}{order}"
        f"{ms + 5000},BUY,LIMIT,IOC,0.700,42100.5,42000.1,FILLED,0.100,0.700\n"
    )
    report = imported(
        tmp_path / "s",
        zipped(tmp_path / "BTCUSDT-bookTicker-2024-01-01.zip", ticker),
        zipped(tmp_path / "BTCUSDT-metrics-2024-01-01.zip", metrics),
        zipped(tmp_path / "BTCUSDT-liquidationSnapshot-2024-01-01.zip", forced),
        zipped(tmp_path / "BTCUSDT-aggTrades-2024-01-01.zip", agg_trades(tape(2000))),
    )
    assert report["instruments"][0]["quotes"] == 2
    rows = rows_of(tmp_path / "s")
    interest = rows[rows["kind"] == INTEREST]
    assert interest["size"].tolist() == [79000500, 80000123]
    stamps = np.array([300, 600]) * 10**9 + ms * 10**6
    assert (interest["ts_venue"] == stamps).all()
    assert (interest["ts_recv"] == stamps + 300 * 10**9).all()
    liquidation = rows[rows["kind"] == LIQUIDATION]
    assert liquidation["side"].tolist() == [-1, 1]
    assert (liquidation["size"] == 700).all()
    quote = rows[rows["kind"] == QUOTE]
    assert (quote["ts_recv"] - quote["ts_venue"]).tolist() == [4 * 10**6] * 2 + [5 * 10**6] * 2
    skipped: dict[str, int] = {}
    for file in report["files"]:
        skipped |= file["skipped"]
    assert skipped == {
        "a forced order told again": 1,
        "a row that is known only on the next day": 1,
        "an open interest of 0 or blank": 1,
    }


def test_bybit_prints_join_bybits_book(tmp_path: Path) -> None:
    random_ = random.Random(3)
    lines = []
    for u in range(1, 80):
        ts = START_MS + u * 100
        kind = "snapshot" if u == 1 else "delta"
        bids = [[f"{41999.9 - n / 10:.1f}", f"{random_.randrange(1, 9)}.500"] for n in range(3)]
        asks = [[f"{42000.1 + n / 10:.1f}", f"{random_.randrange(1, 9)}.125"] for n in range(3)]
        lines.append(
            json.dumps(
                {
                    "topic": "orderbook.500.BTCUSDT",
                    "type": kind,
                    "ts": ts,
                    "data": {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u * 10},
                    "cts": ts - 30,
                },
                separators=(",", ":"),
            )
        )
    book = zipped(tmp_path / "2024-01-01_BTCUSDT_ob500.data.zip", "\n".join(lines), "b.data")
    prints = tape(2000, step_ms=300)
    csv = gzipped(tmp_path / "BTCUSDT2024-01-01.csv.gz", bybit_trades(prints))
    report = imported(tmp_path / "s", book, csv, venue="bybit-linear")
    (found,) = report["instruments"]
    assert found["instrument"] == "bybit-linear:BTCUSDT"
    assert (found["gaps"], found["crossed"], found["trades"]) == (0, 0, 2000)
    assert (found["snapshot_levels"], found["level_changes"]) == (6, 78 * 6)
    rows = rows_of(tmp_path / "s", "bybit-linear:BTCUSDT")
    assert (np.diff(rows["ts_recv"]) >= 0).all()
    levels = rows[rows["kind"] == LEVEL]
    assert (levels["ts_recv"] - levels["ts_venue"] == 30 * 10**6).all()
    hidden = rows[(rows["kind"] == TRADE) & (rows["flags"] & RPI != 0)]
    assert len(hidden) == sum(one.number % 5 == 0 for one in prints)
    (capture,) = (tmp_path / "s" / "raw").rglob("*.zst")
    assert [m.text.decode() for m in RawReader(capture)] == lines
    assert_footprint(tmp_path / "s", "bybit-linear:BTCUSDT", prints)


def test_a_hole_in_bybits_ids_is_a_gap(tmp_path: Path) -> None:
    def line(u: int, kind: str) -> str:
        return (
            f'{{"topic":"orderbook.500.BTCUSDT","type":"{kind}","ts":{START_MS + u},"data":'
            f'{{"s":"BTCUSDT","b":[["9.5","1"]],"a":[["10","2"]],"u":{u},"seq":{u}}},'
            f'"cts":{START_MS + u}}}'
        )

    texts = [line(1, "snapshot"), line(2, "delta"), line(4, "delta"), line(5, "delta")]
    file = tmp_path / "x.data"
    file.write_text("\n".join(texts))
    report = imported(tmp_path / "s", file, venue="bybit-linear")
    assert report["instruments"][0]["gaps"] == 1


def test_what_tells_no_grid_asks_for_one(tmp_path: Path) -> None:
    metrics = zipped(
        tmp_path / "BTCUSDT-metrics-2024-01-01.zip",
        "create_time,symbol,sum_open_interest,v\n2024-01-01 00:05:00,BTCUSDT,79000.5,1\n",
    )
    with pytest.raises(ValueError, match="--tick and --lot"):
        imported(tmp_path / "s", metrics)
    report = imported(tmp_path / "s", metrics, tick="0.1", lot="0.001")
    assert report["instruments"][0]["inferred"] is False


@pytest.mark.recording
@pytest.mark.parametrize(
    ("name", "venue", "kind", "events"),
    [
        ("binance-futures_book_snapshot_25_BTCUSDT.csv", USDM, None, (64, 0)),
        ("deribit_incremental_book_L2_BTC-PERPETUAL.csv", "deribit", "inverse", (16, 0)),
        ("bitmex_trades_XBTUSD.csv", "bitmex", "inverse", (10, 10)),
        ("xrpusdt-ob500.data.zip", "bybit-linear", None, (3967, 0)),
    ],
)
def test_real_samples_import(
    tmp_path: Path, name: str, venue: str, kind: str | None, events: tuple[int, int]
) -> None:
    file = recording(f"fixtures/{name}")
    report = imported(tmp_path / "s", file, venue=venue, kind=kind)
    (found,) = report["instruments"]
    assert (found["events"], found["trades"]) == events
    assert (found["gaps"], found["crossed"]) == (0, 0)
    (held,) = inspect_store(tmp_path / "s")["instruments"]
    assert held["instrument"] == found["instrument"]
    assert imported(tmp_path / "s", file, venue=venue, kind=kind)["files"][0]["already_held"]
    if found["trades"]:
        bars = footprint(tmp_path / "s", found["instrument"], "1m")["bars"]
        total = sum(Decimal(one["volume"]) for one in bars)
        lines = file.read_text().splitlines()[1:]
        assert total == sum(Decimal(line.split(",")[-1]) for line in lines)


@pytest.mark.recording
def test_real_pictures_make_the_book_they_show(tmp_path: Path) -> None:
    file = recording("fixtures/binance-futures_book_snapshot_25_BTCUSDT.csv")
    imported(tmp_path / "s", file)
    rows = np.array(rows_of(tmp_path / "s"))
    book = book_state(1)
    assert run_book(rows, 0, len(rows), book) == len(rows)
    last = file.read_text().splitlines()[-1].split(",")
    head = file.read_text().splitlines()[0].split(",")
    line = dict(zip(head, last, strict=True))
    own = book.levels[book.levels["lots"] > 0]
    found = {(int(one["side"]), Decimal(int(one["price"])) / 100): int(one["lots"]) for one in own}
    expected = {
        (side, Decimal(line[f"{name}[{i}].price"])): int(
            Decimal(line[f"{name}[{i}].amount"]) * 1000
        )
        for name, side in (("bids", 1), ("asks", -1))
        for i in range(25)
    }
    assert found == expected
    assert (rows["flags"][rows["kind"] == LEVEL] & SNAPSHOT).all()


@pytest.mark.recording
def test_binances_own_depth_archive_chains_by_its_ids(tmp_path: Path) -> None:
    files = [recording(f"fixtures/btcusdt-depth-{part}.csv") for part in ("snap", "update")]
    report = imported(tmp_path / "s", *files)
    (found,) = report["instruments"]  # the two samples are ten minutes apart: no chain
    assert (found["snapshot_levels"], found["gaps"], found["level_changes"]) == (100, 1, 0)
    prints = files[1].read_text().splitlines()[1].split(",")
    assert re.fullmatch(r"\d{13}", prints[1])


@pytest.mark.recording
def test_a_raw_file_of_cryptofeed_gives_what_the_session_gives(tmp_path: Path) -> None:
    from aggressor.store.importers.text import TextFile

    session = recording("sessions/binance_usdm_20210722.jsonl.zst")
    out = ["configuration: {'binance_futures': {}}"]
    for line in b"".join(TextFile(session).pieces()).splitlines():
        record = json.loads(line)
        stamp = json.loads(line, parse_float=str).get("ts", "0")
        if record["t"] == "recv":
            out.append(f"{stamp}: {record['data']}")
        elif record["t"] == "http":
            out.append(f"{record['url']} -> {stamp}: {record['data']}")
        elif record["t"] in ("send", "connect"):
            arrow = "<-" if record["t"] == "send" else "<->"
            out.append(f"wss://fstream.binance.com/stream {arrow} {stamp}")
    raw = tmp_path / "BINANCE_FUTURES.ws.1.0"
    raw.write_text("\n".join(out) + "\n")
    one, other = imported(tmp_path / "a", session), imported(tmp_path / "b", raw)
    assert one["instruments"] == other["instruments"]
    assert len(one["instruments"]) == 4
    assert one["files"][0]["decoder"] == other["files"][0]["decoder"]
    for found in one["instruments"]:
        name = found["instrument"]
        assert (rows_of(tmp_path / "a", name) == rows_of(tmp_path / "b", name)).all()


def test_messages_may_follow_rows_and_begin_on_their_own(tmp_path: Path) -> None:
    market = Market(seed=2)
    lines = tmp_path / "own.lines"
    lines.write_bytes(b"".join(market.lines(300)))
    book = gzipped(tmp_path / "book.csv.gz", tardis_book(a_book(40)))
    imported(tmp_path / "s", book)
    report = imported(tmp_path / "s", lines)
    alone = imported(tmp_path / "t", lines)
    for name in ("events", "trades", "gaps", "level_changes"):
        assert report["instruments"][0][name] == alone["instruments"][0][name]
    assert rows_of(tmp_path / "s")["ts_recv"][0] < rows_of(tmp_path / "t")["ts_recv"][0]
