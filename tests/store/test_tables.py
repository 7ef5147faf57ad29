"""Recordings in Parquet: pictures as changes, trades beside them, and what is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aggressor.market.state import grow_market, market_state, run_market
from aggressor.run.imports.importing import import_files
from aggressor.schema.errors import MessageError, StoreError
from aggressor.schema.event import CLEAR, LAST, LEVEL, SNAPSHOT, TRADE, Events
from aggressor.store.importers.tables import NOTE
from aggressor.store.reader import Store
from tests.recordings import recording
from tests.store.picture_tables import START_MS, write_pictures, write_trades

ID = "binance-usdm:BTCUSDT"
BIDS = [(100.0, 1.0), (99.9, 2.0), (99.5, 3.0)]
ASKS = [(100.1, 1.5), (100.2, 0.001), (100.9, 8.0)]
PICTURES = [
    (0, 10, BIDS, ASKS),
    (116, 11, [(100.0, 0.4), *BIDS[1:]], ASKS),
    (232, 11, [(100.0, 0.4), *BIDS[1:]], ASKS),  # seq repeats: nothing changed
    (348, 15, [(99.9, 2.0), (99.5, 3.0), (99.4, 1.0)], [(100.0, 5.0), *ASKS]),
]
TRADES = [(116, 7, 100.0, 0.6, "sell"), (300, 8, 100.0, 0.4, "sell"), (301, 10, 100.1, 8e-3, "buy")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


def imported(tmp_path: Path, pictures=PICTURES, trades=TRADES) -> tuple[dict, Events]:
    files = [write_pictures(tmp_path / "book.parquet", pictures)]
    files.append(write_trades(tmp_path / "trades.parquet", trades))
    report = import_files(files, "binance-usdm", tmp_path / "store")
    return report, stored(tmp_path / "store")


def stored(folder: Path, instrument: str = ID) -> Events:
    source = Store(folder).source(instrument)
    parts = []
    while (rows := source.read(1 << 20)).size:
        parts.append(rows)
    return np.concatenate(parts)


def shown(events: Events) -> list[dict[tuple[int, int], int]]:
    """The book behind each depth message, by side and ticks."""
    book: dict[tuple[int, int], int] = {}
    found = []
    for event in events:
        if event["kind"] == CLEAR:
            book.clear()
        if event["kind"] == LEVEL:
            key = (int(event["side"]), int(event["price"]))
            book[key] = int(event["size"])
            if event["size"] == 0:
                del book[key]
            if event["flags"] & LAST:
                found.append(dict(book))
    return found


def in_steps(bids, asks) -> dict[tuple[int, int], int]:
    return {
        (side, round(price * 10)): round(size * 1000)
        for side, levels in ((1, bids), (-1, asks))
        for price, size in levels
    }


def test_the_book_behind_every_picture_is_the_picture(tmp_path):
    report, events = imported(tmp_path)
    different = (PICTURES[0], PICTURES[1], PICTURES[3])
    assert shown(events) == [in_steps(bids, asks) for _, _, bids, asks in different]
    levels = events[events["kind"] == LEVEL]
    assert (levels["flags"] & SNAPSHOT).all()
    assert (events["kind"] == CLEAR).sum() == 1
    assert levels.size == 6 + 1 + 3  # the first whole; one size; one bid gone, one new, one ask
    assert (np.diff(events["ts_recv"]) >= 0).all()
    (one,) = report["instruments"]
    assert (one["tick"], one["lot"]) == ("0.1", "0.001")
    assert (one["level_changes"], one["snapshot_levels"]) == (0, 10)
    assert (one["trades"], one["trade_gaps"]) == (3, 1)
    assert {file["note"] for file in report["files"]} == {NOTE}


def test_times_sides_and_order_are_those_of_the_tables(tmp_path):
    _, events = imported(tmp_path)
    trades = events[events["kind"] == TRADE]
    assert trades["side"].tolist() == [-1, -1, 1]
    assert trades["size"].tolist() == [600, 400, 8]
    assert trades["ts_recv"].tolist() == [(START_MS + ms) * 10**6 for ms in (116, 300, 301)]
    assert (trades["ts_recv"] - trades["ts_venue"] == 100 * 10**6).all()
    at = np.flatnonzero(events["ts_recv"] == (START_MS + 116) * 10**6)
    assert events["kind"][at].tolist() == [TRADE, LEVEL]


def test_nothing_is_ever_called_pulled(tmp_path):
    _, events = imported(tmp_path)
    market, done = market_state(1), 0
    while (done := run_market(events, done, events.size, market)) < events.size:
        market = grow_market(market)
    assert market.ledger.sides["pulled"].tolist() == [0, 0]
    assert market.book.head[0]["valid"] == 1


def test_behind_a_long_silence_the_book_begins_anew(tmp_path):
    late = [*PICTURES, (348 + 2001, 20, BIDS, ASKS), (348 + 2100, 21, BIDS[:2], ASKS)]
    _, events = imported(tmp_path, late)
    assert (events["kind"] == CLEAR).sum() == 2
    assert shown(events)[-2:] == [in_steps(BIDS, ASKS), in_steps(BIDS[:2], ASKS)]


def test_the_same_tables_again_change_nothing_and_one_hour_follows_another(tmp_path):
    before = imported(tmp_path)[1]
    files = [tmp_path / "trades.parquet", tmp_path / "book.parquet"]
    again = import_files(files, "binance-usdm", tmp_path / "store")
    assert all(file["already_held"] for file in again["files"])
    next_hour = write_pictures(tmp_path / "next.parquet", [(5000, 30, BIDS, ASKS)])
    import_files([next_hour], "binance-usdm", tmp_path / "store")
    events = stored(tmp_path / "store")
    assert (events[: before.size] == before).all()
    assert events.size == before.size + 7


def test_trades_that_come_later_than_their_book_are_refused(tmp_path):
    book = write_pictures(tmp_path / "book.parquet", PICTURES)
    import_files([book], "binance-usdm", tmp_path / "store")
    trades = write_trades(tmp_path / "trades.parquet", TRADES)
    with pytest.raises(StoreError, match="overlaps"):
        import_files([trades], "binance-usdm", tmp_path / "store")


def test_tables_of_two_markets_are_two_recordings(tmp_path):
    fut = write_pictures(tmp_path / "fut.parquet", PICTURES)
    spot = write_pictures(tmp_path / "spot.parquet", PICTURES, market="spot")
    with pytest.raises(MessageError, match="use --venue binance-spot"):
        import_files([fut, spot], "binance-usdm", tmp_path / "one")
    import_files([spot], "binance-spot", tmp_path / "two")
    import_files([fut], "binance-usdm", tmp_path / "two")
    assert len(Store(tmp_path / "two").catalog.instruments) == 2


def test_a_trade_without_a_side_is_counted_not_guessed(tmp_path):
    report, _ = imported(tmp_path, trades=[*TRADES, (302, 11, 100.1, 1.0, "")])
    assert report["files"][0]["skipped"] == {"a trade without buy or sell": 1}


def test_what_cannot_be_held_exactly_is_refused(tmp_path):
    with pytest.raises(MessageError, match="more than eight decimals"):
        imported(tmp_path, [(0, 1, [(100.0, 1 / 3)], ASKS)])


@pytest.mark.parametrize("content", [{"a": [1]}, {"ts_ms": [1], "price": [1.0]}])
def test_a_table_without_the_columns_is_no_recording(tmp_path, content):
    pq.write_table(pa.table(content), tmp_path / "a.parquet")
    with pytest.raises(MessageError, match="needs the columns"):
        import_files([tmp_path / "a.parquet"], "binance-usdm", tmp_path / "store")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(MessageError, match="not a Parquet file that can be read"):
        import_files([tmp_path / "b.parquet"], "binance-usdm", tmp_path / "store")


def test_a_market_that_is_not_known_is_named(tmp_path):
    strange = write_pictures(tmp_path / "a.parquet", PICTURES, market="option")
    with pytest.raises(MessageError, match="Binance option"):
        import_files([strange], "binance-usdm", tmp_path / "store")


@pytest.mark.recording
@pytest.mark.parametrize(
    ("market", "venue", "trades", "gaps"),
    [("fut", "binance-usdm", 11_947, 19), ("spot", "binance-spot", 10_215, 0)],
)
def test_recorded_pictures(tmp_path, market, venue, trades, gaps):
    names = (f"{kind}_btc_{market}_2026-02-16_04.parquet" for kind in ("lobdeep", "trades"))
    files = [recording(f"snapshots/{name}") for name in names]
    report = import_files(files, venue, tmp_path / "store")
    (one,) = report["instruments"]
    assert (one["trades"], one["trade_gaps"], one["crossed"], one["gaps"]) == (trades, gaps, 0, 0)
    assert one["level_changes"] == 0
    events = stored(tmp_path / "store", f"{venue}:BTCUSDT")
    assert (events["kind"] == CLEAR).sum() == 1
    last = pq.read_table(files[0]).slice(2558, 1).to_pylist()[0]
    tick, lot = float(one["tick"]), float(one["lot"])
    wanted = {
        (side, round(price / tick)): round(size / lot)
        for side, name in ((1, "bids"), (-1, "asks"))
        for price, size in zip(last[f"{name}_px"], last[f"{name}_qty"], strict=True)
    }
    assert shown(events)[-1] == wanted
