"""What is wrong with a file is said before anything is written: what, where, and how to mend it."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from aggressor.run.imports.importing import import_files
from aggressor.schema.errors import AggressorError
from tests.recordings import recording
from tests.run.archive_samples import (
    START_MS,
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

NAME = "BTCUSDT-aggTrades-2024-01-01"
GOOD = agg_trades(tape(300))


def refused(root: Path, *files: Path, venue: str = "binance-usdm", **more: Any) -> str:
    """Import files that cannot be; return what is said. Nothing is left behind."""
    with pytest.raises(AggressorError) as trouble:
        import_files(list(files), venue, root, **more)
    assert not list(root.rglob("*.parquet"))
    assert not (root / "catalog.json").exists()
    text = str(trouble.value)
    assert str(files[0].parent) in text
    return text


def line_of(text: str, number: int, change: dict[int, str]) -> str:
    """Return a CSV with fields of one line (counted from 1) changed."""
    lines = text.splitlines()
    fields = lines[number - 1].split(",")
    for column, value in change.items():
        fields[column] = value
    lines[number - 1] = ",".join(fields)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({1: "42000.0x"}, "price '42000.0x' is not a number"),
        ({2: "nan"}, "quantity 'nan' is not a number"),
        ({5: "soon"}, "transact_time 'soon' is not a number"),
        ({5: str(START_MS - 5000)}, "its transact_time is"),
        ({6: "maybe"}, "'maybe' is not yes or no"),
    ],
)
@pytest.mark.parametrize("number", [2, 150, 301])
def test_a_wrong_field_is_named_by_its_line(
    tmp_path: Path, change: dict[int, str], said: str, number: int
) -> None:
    if said.startswith("its") and number == 2:
        number = 3  # the first line has none before it
    file = tmp_path / f"{NAME}.csv"
    file.write_text(line_of(GOOD, number, change))
    text = refused(tmp_path / "s", file)
    assert f"line {number}" in text
    assert said in text


def test_a_value_off_a_given_grid_is_an_error_and_not_rounded(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.csv"
    file.write_text(line_of(GOOD, 77, {1: "42000.05"}))
    text = refused(tmp_path / "s", file, tick="0.1", lot="0.001")
    assert "line 77" in text
    assert "'42000.05' is not a whole number of steps of 0.1" in text
    assert "--tick" in text


def test_a_value_off_the_stores_grid_is_an_error(tmp_path: Path) -> None:
    first = zipped(tmp_path / f"{NAME}.zip", GOOD)
    later = [one._replace(ms=one.ms + 86_400_000) for one in tape(20)]
    fine = agg_trades(
        [*later[:-1], later[-1]._replace(price=later[-1].price + later[-1].price / 4)]
    )
    import_files([first], "binance-usdm", tmp_path / "s")
    second = zipped(tmp_path / "BTCUSDT-aggTrades-2024-01-02.zip", fine)
    with pytest.raises(AggressorError, match="off the grid that binance-usdm:BTCUSDT has"):
        import_files([second], "binance-usdm", tmp_path / "s")


def test_a_line_of_too_few_fields_is_named(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.csv"
    file.write_text(GOOD[: len(GOOD) - 30])
    text = refused(tmp_path / "s", file)
    assert "line 301" in text
    assert "fields where 7 were expected" in text
    assert "download it again" in text


@pytest.mark.parametrize("part", [0.2, 0.7, 0.99])
def test_a_cut_archive_imports_nothing(tmp_path: Path, part: float) -> None:
    whole = zipped(tmp_path / "whole.zip", GOOD).read_bytes()
    cut = tmp_path / f"{NAME}.zip"
    cut.write_bytes(whole[: int(len(whole) * part)])
    assert "download it again" in refused(tmp_path / "s", cut)
    packed = gzipped(tmp_path / "x.csv.gz", tardis_trades(tape(3000))).read_bytes()
    cut = tmp_path / "trades.csv.gz"
    cut.write_bytes(packed[: int(len(packed) * part)])
    assert "download it again" in refused(tmp_path / "s", cut)


def test_a_header_that_is_missing_or_wrong_is_explained(tmp_path: Path) -> None:
    bare = tmp_path / "trades.csv"
    bare.write_text(tardis_trades(tape(5)).split("\n", 1)[1])
    text = refused(tmp_path / "s", bare)
    assert "also needs" in text or "no header" in text
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(tardis_trades(tape(5)).replace("amount", "volume"))
    text = refused(tmp_path / "s", renamed)
    assert "nearest is tardis-trades, which also needs amount" in text
    unnamed = tmp_path / "odd.csv"
    unnamed.write_text("1,2,3,4,5\n")
    assert "--format" in refused(tmp_path / "s", unnamed)


def test_what_says_no_symbol_asks_for_one(tmp_path: Path) -> None:
    file = tmp_path / "prints.csv"
    file.write_text(GOOD)
    assert "give --symbol" in refused(tmp_path / "s", file)
    report = import_files([file], "binance-usdm", tmp_path / "s", symbol="BTCUSDT")
    assert report["instruments"][0]["instrument"] == "binance-usdm:BTCUSDT"


def test_empty_files_are_said(tmp_path: Path) -> None:
    assert "empty" in refused(tmp_path / "s", zipped(tmp_path / f"{NAME}.zip", ""))
    (tmp_path / "e.csv").write_bytes(b"")
    assert "nothing to import" in refused(tmp_path / "s", tmp_path / "e.csv")
    header = tmp_path / f"{NAME}.csv"
    header.write_text(GOOD.split("\n", 1)[0] + "\n")
    assert "nothing to import" in refused(tmp_path / "s", header)


def test_bands_of_depth_are_no_book_and_candles_no_prints(tmp_path: Path) -> None:
    bands = zipped(
        tmp_path / "BTCUSDT-bookDepth-2024-01-01.zip",
        "timestamp,percentage,depth,notional\n2024-01-01 00:00:07,-5,1000.5,4.2e7\n",
    )
    text = refused(tmp_path / "s", bands)
    assert "no book" in text
    assert "polars" in text
    row = "1704067200000,42000.1,42010,41990,42005,12.5,1704070799999,1,1,1,1,0\n"
    head = (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
        "taker_buy_quote_volume,ignore\n"
    )
    for text in (row, head + row):
        candles = zipped(tmp_path / "BTCUSDT-1h-2024-01-01.zip", text)
        assert "--candles" in refused(tmp_path / "s", candles)


def test_another_venues_file_names_its_venue(tmp_path: Path) -> None:
    agg = zipped(tmp_path / f"{NAME}.zip", GOOD)
    assert "--venue binance-usdm" in refused(tmp_path / "s", agg, venue="binance-spot")
    coin = zipped(tmp_path / "BTCUSD_PERP-aggTrades-2024-01-01.zip", GOOD)
    assert "--venue binance-coinm" in refused(tmp_path / "s", coin)
    bybit = gzipped(tmp_path / "BTCUSD2024-01-01.csv.gz", bybit_trades(tape(9), "BTCUSD"))
    assert "--venue bybit-inverse" in refused(tmp_path / "s", bybit, venue="bybit-linear")
    tardis = gzipped(tmp_path / "t.csv.gz", tardis_trades(tape(9), "binance"))
    assert "--venue binance-spot" in refused(tmp_path / "s", tardis)
    other = gzipped(tmp_path / "o.csv.gz", tardis_trades(tape(9), "okex-swap", "BTC-USDT-SWAP"))
    assert "--venue okex-swap" in refused(tmp_path / "s", other)


def test_times_that_go_back_are_an_error(tmp_path: Path) -> None:
    lines = tardis_trades(tape(50)).splitlines()
    lines[20], lines[40] = lines[40], lines[20]
    file = tmp_path / "trades.csv"
    file.write_text("\n".join(lines) + "\n")
    text = refused(tmp_path / "s", file)
    assert "line 22" in text
    assert "sort them by local_timestamp" in text


def test_the_same_told_twice_is_refused(tmp_path: Path) -> None:
    agg = zipped(tmp_path / f"{NAME}.zip", GOOD)
    every = zipped(tmp_path / "BTCUSDT-trades-2024-01-01.zip", trades(tape(300)))
    assert "import one of them" in refused(tmp_path / "s", agg, every)
    import_files([agg], "binance-usdm", tmp_path / "s")
    with pytest.raises(AggressorError, match="overlaps"):
        import_files([every], "binance-usdm", tmp_path / "s")


def test_files_with_and_without_receive_times_are_not_mixed(tmp_path: Path) -> None:
    agg = zipped(tmp_path / f"{NAME}.zip", GOOD)
    book = gzipped(tmp_path / "book.csv.gz", tardis_book(a_book(30)))
    assert "receive times" in refused(tmp_path / "s", agg, book)


def test_changes_without_a_picture_make_no_book(tmp_path: Path) -> None:
    book = gzipped(tmp_path / "book.csv.gz", tardis_book(a_book(30)[1:]))
    prints = gzipped(tmp_path / "trades.csv.gz", tardis_trades(tape(30)))
    report = import_files([book, prints], "binance-usdm", tmp_path / "s")
    (found,) = report["instruments"]
    assert (found["level_changes"], found["trades"]) == (0, 30)
    assert report["files"][0]["skipped"]["a change of a book of which no picture came before"] > 0


def test_a_swollen_zip_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / f"{NAME}.zip"
    line = GOOD.splitlines()[-1].encode() + b"\n"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(f"{NAME}.csv", "w") as file,
    ):
        file.write(GOOD.encode())
        for _ in range(1500):
            file.write(line * 2000)
    assert "MiB of lines of the same transact_time" in refused(tmp_path / "s", bomb)


def test_an_unknown_venue_needs_its_kind_and_a_known_one_has_its_own(tmp_path: Path) -> None:
    file = gzipped(tmp_path / "t.csv.gz", tardis_trades(tape(9), "okex-swap", "X-Y"))
    with pytest.raises(AggressorError, match="--kind linear, inverse or spot"):
        import_files([file], "okex-swap", tmp_path / "s")
    report = import_files([file], "okex-swap", tmp_path / "s", kind="linear")
    assert report["instruments"][0]["instrument"] == "okex-swap:X-Y"
    with pytest.raises(AggressorError, match="leave --kind out"):
        import_files([file], "binance-usdm", tmp_path / "t", kind="spot")


@pytest.mark.recording
def test_a_recording_of_two_markets_of_one_venue_is_refused(tmp_path: Path) -> None:
    file = recording("sessions/bybit_v5_20260809.jsonl.zst")  # linear and spot, names alike
    text = refused(tmp_path / "s", file, venue="bybit-linear")
    assert "must hold one of them only" in text
