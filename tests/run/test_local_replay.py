"""A store or a recording played as a venue's market: clients hear what was recorded, all of it."""

import asyncio
import gzip
from pathlib import Path

import pytest

from aggressor.market.book import book_state, run_book
from aggressor.run.imports.importing import import_files
from aggressor.run.local.local_venue import markets_of
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import ASK, BID, LAST, TRADE, Events
from aggressor.store.reader import Store
from aggressor.venues.dialects import dialect_named
from tests.recordings import recording
from tests.run.venue_stage import KEY, MONEY, Ear, hearing, until
from tests.wire_samples import Market

BTC = "binance-usdm:BTCUSDT"


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a recording of two minutes of a made-up market."""
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "btc.gz"
    file.write_bytes(gzip.compress(b"".join(Market(seed=3).lines(900))))
    return file


def prints_of(rows: Events) -> list[tuple[int, int, int]]:
    """Return price, lots and side of each print; what is split by kind of liquidity is joined."""
    told: list[tuple[int, int, int]] = []
    lots = 0
    for row in rows[rows["kind"] == TRADE]:
        lots += int(row["size"])
        if row["flags"] & LAST:
            told.append((int(row["price"]), lots, int(row["side"])))
            lots = 0
    return told


def book_of(rows: Events) -> tuple[dict[int, int], dict[int, int]]:
    book = book_state(1)
    assert run_book(rows, 0, rows.size, book) == rows.size
    found: dict[int, dict[int, int]] = {BID: {}, ASK: {}}
    for level in book.levels[book.levels["lots"] > 0]:
        found[int(level["side"])][int(level["price"])] = int(level["lots"])
    return found[BID], found[ASK]


async def heard(server: VenueServer, speed: float, seconds: float) -> Ear:
    """Follow the venue until its market has ended; return what was heard."""
    await server.start()
    try:
        async with hearing(server) as ear:
            await until(lambda: ear.line.live)
            server.exchange.pace(speed)  # nothing is missed however long it took to get here
            await until(lambda: server.exchange.paced.over, seconds)
            await asyncio.sleep(1.0)
            assert ear.line.counts.bad == 0, ear.line.counts.example
            return ear
    finally:
        await server.stop()


def played(
    name: str, path: Path, instruments: list[str], folder: Path, speed: float = 1.0
) -> VenueServer:
    dialect = dialect_named(name)
    traded, feeds = markets_of(dialect, path, instruments, 1, folder)
    return VenueServer(dialect, traded, feeds, credentials=KEY, speed=speed, deposit=1000 * MONEY)


@pytest.mark.parametrize(
    ("name", "instruments"), [("binance-usdm", []), ("bybit-linear", [BTC]), ("mexc", [BTC])]
)
def test_a_store_is_heard_to_its_end_in_every_dialect(
    name: str, instruments: list[str], sample: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    import_files([sample], "binance-usdm", store)
    rows = Store(store).source(BTC).read_all()
    server = played(name, store, instruments, tmp_path / "unused")
    ear = asyncio.run(heard(server, 12.0, 60.0))
    lane = server.exchange.board.lanes[0]
    assert (lane.bids, lane.asks) == book_of(rows)
    assert ear.book() == (lane.bids, lane.asks)
    assert ear.line.decoder.counts_of("BTCUSDT")["gaps"] == 0
    recorded, told = prints_of(rows), prints_of(ear.rows)
    assert len(told) > len(recorded) // 2  # it may have begun to listen a little late
    assert told == recorded[-len(told) :]


def test_a_recording_is_played_as_it_is(sample: Path, tmp_path: Path) -> None:
    server = played("binance-usdm", sample, [], tmp_path / "own", 100.0)
    one = server.exchange.instruments[0]
    assert (one.venue, one.symbol) == ("binance-usdm", "BTCUSDT")
    server.exchange.advance(server.exchange.now + 3_000_000_000)
    rows = Store(tmp_path / "own").source(BTC).read_all()
    lane = server.exchange.board.lanes[0]
    assert server.exchange.paced.over
    assert (lane.bids, lane.asks) == book_of(rows)
    assert [(x.price, x.lots, x.side) for x in lane.trades] == prints_of(rows)[-1000:]


def test_what_cannot_be_played_is_said(sample: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    import_files([sample], "binance-usdm", store)
    with pytest.raises(ConfigError, match="name it"):
        markets_of(dialect_named("mexc"), store, [], 1, tmp_path / "x")
    with pytest.raises(ConfigError, match="one venue"):
        markets_of(dialect_named("mexc"), sample, [BTC, "mexc:BTC_USDT"], 1, tmp_path / "x")
    with pytest.raises(ConfigError, match="--replay"):
        markets_of(dialect_named("mexc"), None, [BTC], 1, tmp_path / "x")


@pytest.mark.recording
def test_a_real_recording_is_heard_as_it_was(tmp_path: Path) -> None:
    file = recording("binance-coinm/btcusd_perp_20240808.gz")
    server = played("binance-coinm", file, [], tmp_path / "own")
    ear = asyncio.run(heard(server, 60.0, 90.0))
    lane = server.exchange.board.lanes[0]
    for side, book in zip((BID, ASK), ear.book(), strict=True):  # a picture holds 1000 levels
        best = sorted(book, reverse=side == BID)[:500]
        assert lane.levels(side, 500) == [(price, book[price]) for price in best]
    assert ear.line.decoder.counts_of("BTCUSD_PERP")["gaps"] == 0
    rows = Store(tmp_path / "own").source("binance-coinm:BTCUSD_PERP").read_all()
    recorded, told = prints_of(rows), prints_of(ear.rows)
    assert len(told) > 100
    assert told == recorded[-len(told) :]
