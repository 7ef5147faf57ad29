"""Whole recordings: counts known from outside, joined without a gap, equal to the slow decoder."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import zstandard

from aggressor.schema import event as ev
from aggressor.schema.event import empty_events
from aggressor.schema.instrument import Instrument
from aggressor.venues.table import venue_named
from aggressor.venues.venue import (
    CHECK_DEPTH,
    CHECK_QUOTE,
    DONE,
    FULL,
    MarketDecoder,
    empty_checks,
    joint_grid,
)
from tests.naive.binance import NaiveDecoder
from tests.recordings import recording
from tests.venues.wire import decode

pytestmark = pytest.mark.recording


def text_of(path: Path) -> np.ndarray:
    return np.frombuffer(bytearray(gzip.decompress(path.read_bytes())), np.uint8)


def decode_all(one: MarketDecoder, text: np.ndarray, room: int = 1 << 17) -> np.ndarray:
    """Return all rows of a text, through an `out` that must be emptied often."""
    out, parts, at = empty_events(room), [], 0
    while True:
        got = one.decode_lines(text, at, text.size, out)
        parts.append(out[: got.rows].copy())
        at = got.stop
        if got.reason == DONE:
            assert at == text.size
            return np.concatenate(parts)
        assert got.reason == FULL, one.trouble


def decoder_for(venue: str, text: np.ndarray, symbol: str = "") -> tuple[MarketDecoder, Instrument]:
    """Return a decoder over the one instrument inferred from the text."""
    (instrument,) = venue_named(venue).infer(text, 0, symbol)
    return venue_named(venue).market_decoder([(instrument, 0)]), instrument


def counts_of(events: np.ndarray) -> tuple[int, int, int, int]:
    kinds, shots = events["kind"], (events["flags"] & ev.SNAPSHOT) != 0
    level = kinds == ev.LEVEL
    return (
        int(np.sum(level & ~shots)),
        int(np.sum(level & shots)),
        int(np.sum(kinds == ev.TRADE)),
        int(np.sum((events["flags"] & ev.GAP) != 0)),
    )


FILES = [
    (
        "binance-usdm",
        ["btcusdt_20240808.gz"],
        "BTCUSDT",
        "0.1",
        "0.001",
        (443_262, 2000, 21_313, 0),
    ),
    (
        "binance-usdm",
        ["ethusdt_20240808.gz"],
        "ETHUSDT",
        "0.01",
        "0.001",
        (428_411, 2000, 14_076, 0),
    ),
    (
        "binance-usdm",
        ["btcusdt_20220811.dat.gz"],
        "BTCUSDT",
        "0.1",
        "0.001",
        (20_623, 2000, 1326, 0),
    ),
    (
        "binance-coinm",
        ["btcusd_perp_20240808.gz", "btcusd_perp_20240809.gz"],
        "BTCUSD_PERP",
        "0.1",
        "1",
        (659_405, 2000, 5235, 0),
    ),
    (
        "binance-spot",
        ["btcusdt_20240808.gz", "btcusdt_20240809.gz"],
        "BTCUSDT",
        "0.01",
        "0.000001",
        (298_094, 2000, 19_904, 0),
    ),
    (
        "binance-spot",
        ["nexousdt_20240723.dat.gz", "nexousdt_20240724.dat.gz", "nexousdt_20240725.dat.gz"],
        "NEXOUSDT",
        "0.001",
        "0.01",
        (200_963, 1123, 18_817, 0),
    ),
]


@pytest.mark.parametrize(("venue", "names", "symbol", "tick", "lot", "expected"), FILES, ids=str)
def test_files_join_without_a_gap(
    venue: str, names: list[str], symbol: str, tick: str, lot: str, expected: tuple[int, ...]
) -> None:
    state, instrument, parts = None, None, []
    for name in names:
        text = text_of(recording(f"{venue}/{name}"))
        if instrument is None:
            one, instrument = decoder_for(venue, text, symbol)
        else:
            one = venue_named(venue).market_decoder([(instrument, 0)])
        if state is not None:
            one.resume(json.loads(json.dumps(state)))
        parts.append(decode_all(one, text))
        state = one.state()
        assert one.counts["gaps"] == 0
    assert instrument is not None
    assert (str(instrument.tick), str(instrument.lot), instrument.inferred) == (tick, lot, True)
    events = np.concatenate(parts)
    assert counts_of(events) == expected
    assert all(np.diff(events["ts_recv"]) >= 0)


@pytest.mark.parametrize(
    ("venue", "name", "lines"),
    [
        ("binance-usdm", "btcusdt_20240808.gz", 20_000),
        ("binance-usdm", "btcusdt_20220811.dat.gz", 2000),
        ("binance-coinm", "ethusd_perp_20240808.gz", 10_000),
        ("binance-spot", "ethusdt_20240808.gz", 10_000),
    ],
)
def test_the_slow_decoder_gives_the_same_rows(venue: str, name: str, lines: int) -> None:
    whole = gzip.decompress(recording(f"{venue}/{name}").read_bytes()).split(b"\n")[:lines]
    text = np.frombuffer(bytearray(b"\n".join(whole)), np.uint8)
    one, instrument = decoder_for(venue, text)
    slow = NaiveDecoder([instrument], futures=venue != "binance-spot")
    expected: list[tuple[int, ...]] = []
    for line in whole:
        if line:
            at, message = line.split(b" ", 1)
            expected += slow.decode(message, int(at) * (1000 if len(at) == 16 else 1))
    got = decode_all(one, text, 1 << 14)
    assert got.tolist() == expected


def test_one_by_one_gives_what_the_bulk_gives() -> None:
    raw = gzip.decompress(recording("binance-usdm/btcusdt_20240808.gz").read_bytes())
    lines = raw.split(b"\n")[:4000]
    text = np.frombuffer(bytearray(b"\n".join(lines)), np.uint8)
    one, instrument = decoder_for("binance-usdm", text)
    live = venue_named("binance-usdm").market_decoder([(instrument, 0)])
    parts = [decode(live, line.split(b" ", 1)[1], int(line.split(b" ", 1)[0])) for line in lines]
    assert np.array_equal(np.concatenate(parts), decode_all(one, text))


def test_the_book_shows_the_quote_of_the_same_update() -> None:
    """The book rebuilt from snapshot and diffs equals bookTicker at every shared update id."""
    text = text_of(recording("binance-usdm/btcusdt_20240808.gz"))
    one, _ = decoder_for("binance-usdm", text)
    out, checks = empty_events(1 << 20), empty_checks(1 << 17)
    got = one.decode_lines(text, 0, text.size, out, 0, checks)
    assert got.reason == DONE
    checks = checks[: got.checks]
    quotes = {int(one["u"]): one for one in checks if one["kind"] == CHECK_QUOTE}
    sides: dict[int, dict[int, int]] = {1: {}, -1: {}}
    row, agreed = 0, 0
    for check in checks[checks["kind"] == CHECK_DEPTH]:
        for event in out[row : check["row"] + 1]:
            if event["kind"] == ev.LEVEL:
                side, price = sides[int(event["side"])], int(event["price"])
                side[price] = int(event["size"])
                if not side[price]:
                    del side[price]
        row = int(check["row"]) + 1
        quote = quotes.get(int(check["u"]))
        if quote is not None:
            bid, ask = max(sides[1]), min(sides[-1])
            assert (bid, ask) == (quote["bid"], quote["ask"])
            assert sides[1][bid] == quote["bid_lots"]
            assert sides[-1][ask] == quote["ask_lots"]
            agreed += 1
    assert agreed >= 503


def session(name: str) -> list[dict]:
    raw = recording(f"sessions/{name}").read_bytes()
    lines = zstandard.ZstdDecompressor().stream_reader(raw).read().decode().splitlines()
    return sorted(map(json.loads, lines), key=lambda one: one.get("ts", 0))


@pytest.mark.parametrize(
    ("venue", "name", "books"),
    [
        ("binance-usdm", "binance_usdm_20210722.jsonl.zst", 4),
        ("binance-coinm", "binance_coinm_20210722.jsonl.zst", 10),
        ("binance-spot", "binance_spot_20211012.jsonl.zst", 4),
    ],
)
def test_sessions_align_every_book(venue: str, name: str, books: int) -> None:
    records = session(name)
    (info,) = [one["data"] for one in records if "exchangeInfo" in one.get("url", "")]
    shots = [one for one in records if "/depth?" in one.get("url", "")]
    asked = [one["url"].split("symbol=")[1].split("&")[0] for one in shots]
    grid = {one.symbol: one for one in venue_named(venue).instruments(info.encode(), 0)}
    texts = ["\n".join(one["data"] for one in records if one["t"] == "recv")]
    for text, symbol in [
        (texts[0], ""),
        *((one["data"], a) for one, a in zip(shots, asked, strict=True)),
    ]:
        data = np.frombuffer(bytearray(text.encode()), np.uint8)
        for seen in venue_named(venue).infer(data, 0, symbol):
            grid[seen.symbol] = joint_grid(grid[seen.symbol], seen)
    one = venue_named(venue).market_decoder([(grid[name], k) for k, name in enumerate(asked)])
    parts = []
    for record in records:
        symbol = ""
        if record["t"] == "http" and "/depth?" in record["url"]:
            symbol = record["url"].split("symbol=")[1].split("&")[0]
        elif record["t"] != "recv":
            continue
        parts.append(decode(one, record["data"].encode(), int(record["ts"] * 1e9), symbol))
    events = np.concatenate(parts)
    assert one.wanted() == []
    assert (one.counts["gaps"], one.counts["snapshots"]) == (0, books)
    assert one.counts["trade_gaps"] == 0
    assert np.sum(events["kind"] == ev.TRADE) > 0
    assert one.unknown == {}
    assert set(one.ignored) == {"kline"}


def test_single_frames_of_2026() -> None:
    frames = [
        json.loads(one) for one in recording("fixtures/live_frames.jsonl").read_text().splitlines()
    ]
    kinds = []
    for frame in frames:
        if frame["venue"] != "binance_usdm":
            continue
        message = frame["frame"].encode()
        body = json.loads(message).get("data", json.loads(message))
        symbol = body.get("s") or body["o"]["s"]
        venue = venue_named("binance-usdm")
        grid = Decimal("0.10" if symbol == "BTCUSDT" else "0.00001"), Decimal("0.001")
        instrument = Instrument(
            venue=venue.name, symbol=symbol, kind=venue.kind, tick=grid[0], lot=grid[1]
        )
        one = venue.market_decoder([(instrument, 3)])
        rows = decode(one, message)
        assert set(rows["instrument"]) == {3}
        kinds.append(frame["channel"])
    assert sorted(set(kinds)) == ["aggTrade", "bookTicker", "forceOrder"]


def book_after(events: np.ndarray) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return bids and asks as (price, size), best first."""
    sides: dict[int, dict[int, int]] = {1: {}, -1: {}}
    for event in events:
        if event["kind"] == ev.CLEAR:
            sides = {1: {}, -1: {}}
        elif event["kind"] == ev.LEVEL:
            sides[int(event["side"])][int(event["price"])] = int(event["size"])
    bids = sorted(((price, size) for price, size in sides[1].items() if size), reverse=True)
    return bids, sorted((price, size) for price, size in sides[-1].items() if size)


def test_a_second_snapshot_in_mid_stream_equals_the_running_book() -> None:
    """ETHBTC 2020: an hour of spot diffs at one second, then a snapshot again."""
    shots, deltas = [], []
    for hour in ("09-00-00", "10-00-00"):
        folder = f"binance-spot-1s/ETHBTC/2020-11-01T{hour}"
        shots.append(recording(f"{folder}_snapshot.json").read_bytes())
        packed = recording(f"{folder}_update.json.zst").read_bytes()
        whole = json.loads(zstandard.ZstdDecompressor().stream_reader(packed).read())
        deltas.append([json.dumps(one).encode() for one in whole])
    venue = venue_named("binance-spot")
    ethbtc = Instrument(
        venue=venue.name,
        symbol="ETHBTC",
        kind=venue.kind,
        tick=Decimal("0.000001"),
        lot=Decimal("0.001"),
    )
    running, again = (venue.market_decoder([(ethbtc, 0)]) for _ in range(2))
    first = [shots[0], *deltas[0]]
    one = [decode(running, message, at) for at, message in enumerate(first + deltas[1])]
    two = [decode(again, message, at) for at, message in enumerate([*first, shots[1], *deltas[1]])]
    assert (running.counts["gaps"], again.counts["gaps"]) == (0, 0)
    assert running.counts["snapshots"] == 1
    assert again.counts["snapshots"] == 2
    for stop in (len(first) + 2, len(first) + len(deltas[1])):
        bids, asks = book_after(np.concatenate(one[:stop]))
        bids_again, asks_again = book_after(np.concatenate(two[: stop + 1]))
        assert bids[:500] == bids_again[:500]
        assert asks[:500] == asks_again[:500]
    old = decode(again, shots[0], 0)
    assert (len(old), again.counts["snapshots_dropped"]) == (0, 1)
