"""The bias seeded by files of candles: what is used, what is left out, and what is refused."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggressor.context.bias import BULLISH, bias_state, read_bias, seed_bias
from aggressor.run.imports.importing import import_files
from aggressor.run.studies.candles import HOUR_NS, hours_of, seed
from aggressor.run.studies.footprint import footprint_parquet
from aggressor.schema.candle import Candles, empty_candles
from aggressor.schema.errors import AggressorError
from aggressor.schema.instrument import ContractKind, Instrument
from tests.made import command
from tests.run.archive_samples import START_MS, agg_trades, tape, zipped

BTC = "binance-usdm:BTCUSDT"
NOON_MS = START_MS + 36 * 3_600_000  # Tuesday noon: the week's first hour is 36 hours back
HEAD = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)
ONE = Instrument(
    venue="binance-usdm",
    symbol="BTCUSDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


def klines(
    first_ms: int, count: int, span_ms: int = 3_600_000, header: bool = False, unit: int = 1
) -> str:
    """Klines that rise by 10 an hour with a range of 20; `unit` 1000 for us."""
    rows = []
    for i in range(count):
        at = first_ms + i * span_ms
        rise = Decimal(at - START_MS) / 360_000
        open_ = (42_000 + rise).quantize(Decimal("0.1"))
        close = (open_ + Decimal(span_ms) / 360_000).quantize(Decimal("0.1"))
        stop = (at + span_ms) * unit - 1
        rows.append(
            f"{at * unit},{open_},{close + 5},{open_ - 5},{close},12.3456,{stop},1,1,1,1,0\n"
        )
    return (HEAD if header else "") + "".join(rows)


def noon_store(root: Path) -> Path:
    """A store of prints from Tuesday noon on."""
    prints = [one._replace(ms=one.ms - START_MS + NOON_MS) for one in tape(400)]
    file = zipped(root / "BTCUSDT-aggTrades-2024-01-02.zip", agg_trades(prints))
    import_files([file], "binance-usdm", root / "store")
    return root / "store"


def candle_rows(hours: int, first_ms: int) -> Candles:
    """What `klines` says, straight from its formula."""
    out = empty_candles(hours)
    for i, row in enumerate(out):
        at = first_ms + i * 3_600_000
        row["open_ns"] = at * 10**6
        row["open"] = 420_000 + (at - START_MS) // 36_000
        row["close"] = row["open"] + 100
        row["high"], row["low"], row["volume"] = row["close"] + 50, row["open"] - 50, 12345
    return out


@pytest.mark.parametrize("pack", ["zip", "plain"])
@pytest.mark.parametrize(("header", "unit"), [(False, 1), (True, 1), (False, 1000)])
def test_klines_are_read_exactly(tmp_path: Path, pack: str, header: bool, unit: int) -> None:
    text = klines(START_MS, 30, header=header, unit=unit)
    file = tmp_path / "k.csv"
    if pack == "zip":
        file = zipped(tmp_path / "k.zip", text)
    else:
        file.write_text(text)
    assert (hours_of([file], ONE) == candle_rows(30, START_MS)).all()


def test_shorter_bars_make_whole_hours_and_only_those(tmp_path: Path) -> None:
    lines = klines(START_MS, 60 * 4, 60_000).splitlines(keepends=True)
    del lines[130]  # of the third hour
    file = tmp_path / "m.csv"
    file.write_text("".join(lines))
    found = hours_of([file], ONE)
    assert ((found["open_ns"] // HOUR_NS) % 24).tolist() == [0, 1, 3]
    expected = candle_rows(4, START_MS)[[0, 1, 3]]
    assert (np.abs(found["close"] - expected["close"]) <= 1).all()  # minutes round their tenths
    assert (found["open"] == expected["open"]).all()
    assert (found["volume"] == 60 * 12345).all()


def test_the_bias_is_that_of_the_same_candles_and_never_of_later_ones(tmp_path: Path) -> None:
    first = NOON_MS - 300 * 3_600_000
    file = tmp_path / "k.csv"
    file.write_text(klines(first, 310))
    bias, same = bias_state(1), bias_state(1)
    seeded = seed(bias, 0, [file], ONE, NOON_MS * 10**6 + 5)
    assert (seeded.hours, seeded.missing_hours, seeded.later) == (300, 0, 10)
    assert seeded.last_open_ns == (NOON_MS - 3_600_000) * 10**6
    seed_bias(same, 0, candle_rows(300, first))
    assert read_bias(bias, 0) == read_bias(same, 0)
    assert read_bias(bias, 0).bias == BULLISH
    early = bias_state(1)
    assert seed(early, 0, [file], ONE, (NOON_MS - 1) * 10**6).hours == 299
    late = seed(bias_state(1), 0, [file], ONE, (NOON_MS + 12 * 3_600_000) * 10**6)
    assert (late.hours, late.missing_hours) == (310, 2)
    none = seed(bias_state(1), 0, [file], ONE, first * 10**6)
    assert none == (0, None, None, 0, 310)


def test_several_files_are_one_past_and_overlap_where_they_agree(tmp_path: Path) -> None:
    files = []
    for n, (start, count) in enumerate(((0, 30), (25, 30), (55, 10))):
        files.append(tmp_path / f"{n}.csv")
        files[-1].write_text(klines(START_MS + start * 3_600_000, count))
    assert (hours_of(files[::-1], ONE) == candle_rows(65, START_MS)).all()
    files[1].write_text(klines(START_MS + 25 * 3_600_000, 30).replace(",12.3456,", ",99,"))
    with pytest.raises(AggressorError, match="different things of the same hour"):
        hours_of(files, ONE)


def test_commands_take_candles_and_say_what_they_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = noon_store(tmp_path)
    file = zipped(tmp_path / "BTCUSDT-1h.zip", klines(NOON_MS - 300 * 3_600_000, 302))
    words = ("context", store, "--instrument", BTC)
    bare = _document(capsys, *words)
    given = _document(capsys, *words, "--candles", file)
    assert "candles" not in bare
    assert given["candles"]["hours"] == 300
    assert given["candles"]["later"] == 2
    values = [
        {one["name"]: one["value"] for one in found["context"] if one["topic"] == "bias"}
        for found in (bare, given)
    ]
    assert values[0] == {"4 h bars": None, "1 h bars": None}
    assert values[1] == {"4 h bars": "bullish", "1 h bars": "bullish"}
    found = _document(capsys, "signals", store, "--instrument", BTC, "--candles", file)
    assert found["candles"]["missing_hours"] == 0
    run = _document(capsys, "backtest", store, "--instrument", BTC, "--candles", file)
    assert run["parameters"]["candles"]["hours"] == 300
    bars = tmp_path / "b.parquet"
    footprint_parquet(store, BTC, "1m", bars)
    code, _, err = command(capsys, *words, "--candles", bars, "--candles", tmp_path / "none")
    assert code == 1
    assert "Cannot read" in err


def _document(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    code, out, err = command(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_our_own_bars_serve_as_candles(tmp_path: Path) -> None:
    prints = [one._replace(ms=START_MS + 1000 + n * 37_000) for n, one in enumerate(tape(500))]
    file = zipped(tmp_path / "BTCUSDT-aggTrades-2024-01-01.zip", agg_trades(prints))
    import_files([file], "binance-usdm", tmp_path / "store")
    found = []
    for bar in ("1h", "5m"):
        footprint_parquet(tmp_path / "store", BTC, bar, tmp_path / f"{bar}.parquet")
        found.append(hours_of([tmp_path / f"{bar}.parquet"], ONE))
    assert found[0].size == 4  # the first and the last of six hours are only partly there
    for hour in found[0]:
        own = [one for one in prints if one.ms // 3_600_000 == hour["open_ns"] // HOUR_NS]
        prices = [int(one.price * 10) for one in own]
        assert hour["open"] == prices[0]
        assert hour["close"] == prices[-1]
        assert (hour["high"], hour["low"]) == (max(prices), min(prices))
        assert hour["volume"] == sum(int(one.size * 1000) for one in own)
    assert (found[1][np.isin(found[1]["open_ns"], found[0]["open_ns"])] == found[0]).all()
    other = Instrument(
        venue="binance-usdm",
        symbol="ETHUSDT",
        kind=ContractKind.LINEAR,
        tick=Decimal("0.1"),
        lot=Decimal("0.001"),
    )
    with pytest.raises(AggressorError, match="holds bars of binance-usdm:BTCUSDT"):
        hours_of([tmp_path / "1h.parquet"], other)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (klines(START_MS, 3, 4 * 3_600_000), "bars of 14400 s"),
        (klines(START_MS, 3).replace("42000.0", "42000.05"), "not a whole number of steps of 0.1"),
        (klines(START_MS, 3).replace("12.3456", "much"), "is not a number"),
        (klines(START_MS, 3).replace("42015.0", "41000.0"), "cannot be"),
        (klines(START_MS, 3)[:-40], "fields where 12 were expected"),
        ("a,b,c\n1,2,3\n", "holds no klines"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "k.csv"
    file.write_text(text)
    with pytest.raises(AggressorError, match=said):
        hours_of([file], ONE)


def test_a_cut_zip_of_candles_is_said(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "k.zip", klines(START_MS, 300)).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AggressorError, match="download it again"):
        hours_of([tmp_path / "cut.zip"], ONE)
