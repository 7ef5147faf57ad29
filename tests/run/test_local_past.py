"""What local venues tell of the past, against a slow and obvious reading of the prints."""

import itertools
import json
from collections import defaultdict
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from aggressor.run.local.local_venue import SYNTHETIC_LEAD_S, synthetic_feed
from aggressor.schema.event import FUNDING, LAST, MARK, empty_events
from aggressor.schema.instrument import ContractKind
from aggressor.sim.local.board import Board, Settled, TradeNews
from aggressor.sim.local.exchange import LocalExchange
from aggressor.sim.local.minutes import Minutes
from aggressor.venues.dialects import DIALECTS
from aggressor.venues.served.dialect import Ask, House
from aggressor.venues.table import venue_named
from tests.run.venue_stage import KEY, MONEY

NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
FUNDING_PATHS = {
    "binance-usdm": ("/fapi/v1/fundingRate", "symbol=BTCUSDT"),
    "binance-coinm": ("/dapi/v1/fundingRate", "symbol=BTCUSD_PERP"),
    "bybit-linear": ("/v5/market/funding/history", "category=linear&symbol=BTCUSDT"),
    "bybit-inverse": ("/v5/market/funding/history", "category=inverse&symbol=BTCUSD"),
    "mexc": ("/api/v1/contract/funding_rate/history", "symbol=BTC_USDT"),
}
TICKERS = {
    "binance-usdm": ("/fapi/v1/ticker/24hr", "symbol=BTCUSDT"),
    "binance-coinm": ("/dapi/v1/ticker/24hr", "symbol=BTCUSD_PERP"),
    "bybit-linear": ("/v5/market/tickers", "category=linear&symbol=BTCUSDT"),
    "bybit-inverse": ("/v5/market/tickers", "category=inverse&symbol=BTCUSD"),
    "mexc": ("/api/v1/contract/ticker", "symbol=BTC_USDT"),
}
# high, low, volume, value
NAMES = {
    "binance-usdm": ("highPrice", "lowPrice", "volume", "quoteVolume"),
    "binance-coinm": ("highPrice", "lowPrice", "volume", "baseVolume"),
    "bybit-linear": ("highPrice24h", "lowPrice24h", "volume24h", "turnover24h"),
    "bybit-inverse": ("highPrice24h", "lowPrice24h", "volume24h", "turnover24h"),
    "mexc": ("high24Price", "lower24Price", "volume24", "amount24"),
}


class Played:
    """A venue whose market has run for some minutes, and all its prints."""

    def __init__(self, name: str) -> None:
        self.dialect = DIALECTS[name]
        one = self.dialect.example
        exchange = LocalExchange(
            [one],
            [synthetic_feed(one, 7)],
            now=NOW,
            speed=3.0,
            lead_ns=int(SYNTHETIC_LEAD_S * SECOND),
            deposit=1000 * MONEY,
        )
        self.house = House(exchange, KEY, self.dialect.limits)
        self.prints: list[tuple[int, TradeNews]] = []
        for second in range(300):
            exchange.advance(NOW + second * SECOND)
            for news in exchange.drain():
                if isinstance(news, TradeNews) and news.flow:
                    self.prints.append((exchange.clock.venue(news.ts), news))

    def get(self, path: str, query: str) -> Any:
        reply = self.dialect.serve(self.house, Ask("GET", path, query, {}, b""))
        assert reply.status == 200, reply.body
        return reply.body


@cache
def market_of(name: str) -> Played:
    return Played(name)


def rows_in(found: Any) -> Any:
    """Return the list within an answer, whatever it is called."""
    while isinstance(found, dict):
        named = ("list", "resultList", "result", "data")
        inner = next((found[name] for name in named if name in found), None)
        if inner is None:
            return found
        found = inner
    return found


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_candles_are_what_the_prints_say(name: str) -> None:
    played = market_of(name)
    one = played.dialect.example
    minutes: dict[int, list[TradeNews]] = defaultdict(list)
    for at, news in played.prints:
        minutes[at // MINUTE].append(news)
    assert len(minutes) >= 5
    venue = venue_named(name)
    assert venue.candles_request is not None
    assert venue.read_candles is not None
    parts = urlsplit(venue.candles_request(one, 60, 3).url)
    found = venue.read_candles(played.get(parts.path, parts.query), one)
    assert len(found) >= 3
    last = played.house.exchange.now // MINUTE
    for row in found[-3:]:
        held = minutes[int(row["open_ns"]) // MINUTE]
        prices = [news.price for news in held]
        told = [int(row[x]) for x in ("open", "high", "low", "close", "volume")]
        assert int(row["open_ns"]) // MINUTE < last
        lots = sum(news.lots for news in held)
        assert told == [prices[0], max(prices), min(prices), prices[-1], lots]


@pytest.mark.parametrize("name", sorted(TICKERS))
def test_the_last_day_is_what_the_prints_say(name: str) -> None:
    played = market_of(name)
    one = played.dialect.example
    ticker = rows_in(json.loads(played.get(*TICKERS[name])))
    ticker = ticker[0] if isinstance(ticker, list) else ticker
    high, low, volume, value = (ticker[x] for x in NAMES[name])
    prices = [news.price for _, news in played.prints]
    assert (one.ticks(str(high)), one.ticks(str(low))) == (max(prices), min(prices))
    assert one.lots(str(volume)) == sum(news.lots for _, news in played.prints)
    worth = sum(one.notional(news.price, news.lots) for _, news in played.prints) / 10**8
    assert float(value) == pytest.approx(float(worth), rel=1e-7)  # each is rounded to 1e-8
    assert (float(value) < 1000) is (one.kind is ContractKind.INVERSE)


@pytest.mark.parametrize("name", sorted(FUNDING_PATHS))
def test_funding_that_was_paid_is_told(name: str) -> None:
    dialect = DIALECTS[name]
    exchange = LocalExchange([dialect.example], [synthetic_feed(dialect.example, 7)], now=NOW)
    house = House(exchange, KEY, dialect.limits)
    market = exchange.clock.market(NOW)
    paid = [Settled(market - k * MINUTE, 1000 * k, 60_000 * MONEY) for k in (3, 2, 1)]
    exchange.board.lanes[0].settled.extend(paid)
    path, query = FUNDING_PATHS[name]
    body = dialect.serve(house, Ask("GET", path, query, {}, b"")).body
    rows = rows_in(json.loads(body))
    told = sorted(
        (int(at), round(float(row["fundingRate"]) * 10**8))
        for row in rows
        for key, at in row.items()
        if key in ("fundingTime", "fundingRateTimestamp", "settleTime")
    )
    assert told == [(NOW // 10**6 - k * 60_000, 1000 * k) for k in (3, 2, 1)]


def test_funding_is_settled_when_its_time_has_passed_and_another_is_told() -> None:
    rows = empty_events(6)
    rows["flags"] = LAST
    start = 1000 * MINUTE
    told = [  # second, kind, minute or 0, rate or mark
        (0, FUNDING, 1001, 100),
        (30, FUNDING, 1001, 200),
        (59, MARK, 0, 60 * MONEY),
        (61, FUNDING, 1009, 300),  # what was told last of 1001 was paid
        (90, FUNDING, 1017, 400),  # moved before it was paid
        (91, FUNDING, 1017, 500),
    ]
    for row, (second, kind, minute, size) in zip(rows, told, strict=True):
        row["ts_recv"] = row["ts_venue"] = start + second * SECOND
        row["kind"], row["price"], row["size"] = kind, minute, size
    board = Board([DIALECTS["mexc"].example])
    board.take(rows)
    assert list(board.lanes[0].settled) == [Settled(1001 * MINUTE, 200, 60 * MONEY)]


def test_minutes_join_into_spans_and_are_flat_where_nothing_was_printed() -> None:
    minutes, chance = Minutes(), np.random.default_rng(5)
    held: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    at = 1_000_000 * MINUTE
    for _ in range(200):
        at += int(chance.integers(0, 150 * SECOND))
        price, lots, side = int(chance.integers(90, 110)), int(chance.integers(1, 9)), 1
        side = int(chance.choice([1, -1]))
        minutes.add(at, price, lots, side, price * lots)
        held[at // (5 * MINUTE)].append((price, lots, side))
    spans = minutes.spans(300, 1000)
    assert [b.start_s - a.start_s for a, b in itertools.pairwise(spans)] == [300] * (len(spans) - 1)
    close = None
    for one in spans:
        inside = held.get(one.start_s // 300, [])
        if not inside:
            assert (one.open, one.close, one.lots, one.prints) == (close, close, 0, 0)
            continue
        prices = [price for price, _, _ in inside]
        assert (one.high, one.low) == (max(prices), min(prices))
        assert (one.open, one.close) == (prices[0], prices[-1])
        assert (one.lots, one.prints) == (sum(lots for _, lots, _ in inside), len(inside))
        assert one.value == one.paid == sum(price * lots for price, lots, _ in inside)
        assert one.bought == sum(lots for _, lots, side in inside if side > 0)
        assert one.bought_value == one.bought_paid
        close = one.close
    assert minutes.day(at).prints <= 200  # pyright: ignore[reportOptionalMemberAccess]
