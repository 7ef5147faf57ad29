"""Bybit's public answers: instruments in pages, candles, margin tiers, the clock."""

from decimal import Decimal
from typing import Any

import pytest

from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import ContractKind
from aggressor.venues.margin import MarginTier
from aggressor.venues.venue import Request
from tests.venues.bybit_samples import (
    BTCUSD,
    INSTRUMENT_ROW,
    INVERSE,
    LINEAR,
    MS,
    T0,
    answer,
    instrument,
)

HOST = "https://api.bybit.com/v5/market/"
HOUR_MS = 3_600_000


def _page(*rows: dict[str, Any], cursor: str | None = "") -> bytes:
    return answer({"category": "linear", "list": list(rows), "nextPageCursor": cursor})


def test_the_documents_instrument() -> None:
    (one,) = LINEAR.instruments(_page(INSTRUMENT_ROW), 7)
    assert (one.id, one.kind) == ("bybit-linear:BTCUSDT", ContractKind.LINEAR)
    assert (one.tick, one.lot, one.multiplier) == (Decimal("0.1"), Decimal("0.001"), 1)
    assert (one.base, one.quote, one.settle) == ("BTC", "USDT", "USDT")
    assert (one.valid_from_ns, one.inferred) == (7, False)


def test_an_inverse_contract_is_worth_one_dollar() -> None:
    row = INSTRUMENT_ROW | {
        "symbol": "BTCUSD",
        "contractType": "InversePerpetual",
        "quoteCoin": "USD",
        "settleCoin": "BTC",
        "lotSizeFilter": {"qtyStep": "1"},
    }
    (one,) = INVERSE.instruments(_page(row), 0)
    assert (one.kind, one.lot, one.settle) == (ContractKind.INVERSE, 1, "BTC")
    assert one.notional(one.ticks("50000"), 100) == 200_000  # 100 USD are 0.002 BTC
    assert LINEAR.instruments(_page(row), 0) == []


@pytest.mark.parametrize(
    ("symbol", "kind", "settle"),
    [
        ("BTC-26DEC25", "LinearFutures", "USDC"),
        ("BTCUSDT-26DEC25", "LinearFutures", "USDT"),
        ("BTCPERP", "LinearPerpetual", "USDC"),
    ],
)
def test_delivery_and_usdc_contracts_are_linear(symbol: str, kind: str, settle: str) -> None:
    row = INSTRUMENT_ROW | {"symbol": symbol, "contractType": kind, "settleCoin": settle}
    (one,) = LINEAR.instruments(_page(row), 0)
    assert (one.symbol, one.settle, one.kind) == (symbol, settle, ContractKind.LINEAR)


def test_a_contract_without_a_grid_is_left_out() -> None:
    bare = INSTRUMENT_ROW | {"priceFilter": {"tickSize": ""}}
    assert LINEAR.instruments(_page(bare, INSTRUMENT_ROW), 0)[0].symbol == "BTCUSDT"
    assert len(LINEAR.instruments(_page(bare), 0)) == 0


def test_the_list_has_pages() -> None:
    assert LINEAR.definitions_request() == Request(
        "GET", HOST + "instruments-info?category=linear&limit=1000", 1
    )
    assert LINEAR.definitions_next is not None
    assert LINEAR.definitions_next(_page(INSTRUMENT_ROW, cursor="first%3D0G%26last%3DZRX")) == (
        Request(
            "GET",
            HOST + "instruments-info?category=linear&limit=1000&cursor=first%3D0G%26last%3DZRX",
            1,
        )
    )
    assert LINEAR.definitions_next(_page(INSTRUMENT_ROW)) is None
    assert LINEAR.definitions_next(_page(INSTRUMENT_ROW, cursor=None)) is None
    assert LINEAR.definitions_next(_page(cursor="x")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"retCode":0}',
        answer({}, 10001, "params error"),
        answer({"list": [{"symbol": "X"}]}),
        _page(INSTRUMENT_ROW | {"priceFilter": {"tickSize": "cheap"}}),
        _page(INSTRUMENT_ROW | {"priceFilter": {"tickSize": "NaN"}}),
    ],
)
def test_what_is_no_list_of_instruments_is_a_message_error(body: bytes) -> None:
    with pytest.raises(MessageError, match="Bybit"):
        LINEAR.instruments(body, 0)


def _klines(*rows: tuple[int, str, str, str, str, str], now_ms: int) -> bytes:
    return answer(
        {"category": "linear", "list": [[str(row[0]), *row[1:], "99.5"] for row in rows]}, ms=now_ms
    )


def test_closed_candles_come_oldest_first() -> None:
    assert LINEAR.read_candles is not None
    start = T0 - T0 % HOUR_MS
    body = _klines(
        (start + HOUR_MS, "102", "103", "101.5", "102.5", "1.5"),  # still open
        (start, "101", "103", "100.4", "102", "2.001"),
        (start - HOUR_MS, "100", "102", "99.9", "101", "3"),
        now_ms=start + HOUR_MS + 1,
    )
    candles = LINEAR.read_candles(body, instrument())
    assert candles.tolist() == [
        ((start - HOUR_MS) * MS, 3000, 1000, 1020, 999, 1010),
        (start * MS, 2001, 1010, 1030, 1004, 1020),
    ]


def test_a_candle_alone_is_left_out_because_nobody_knows_when_it_closes() -> None:
    assert LINEAR.read_candles is not None
    body = _klines((T0, "1", "1", "1", "1", "1"), now_ms=T0 + HOUR_MS)
    assert len(LINEAR.read_candles(body, instrument())) == 0


def test_candles_older_than_the_grid_are_rounded_down() -> None:
    assert LINEAR.read_candles is not None
    start = T0 - T0 % HOUR_MS
    rows = [(start + i * HOUR_MS, "100.05", "100.19", "99.99", "100.1", "0.0015") for i in (1, 0)]
    (first, _) = LINEAR.read_candles(_klines(*rows, now_ms=start + 2 * HOUR_MS), instrument())
    assert first.tolist()[1:] == (1, 1000, 1001, 999, 1001)


@pytest.mark.parametrize("price", ["NaN", "1e30", "x", ""])
def test_a_candle_of_no_price_is_a_message_error(price: str) -> None:
    assert LINEAR.read_candles is not None
    rows = [(T0 + i * HOUR_MS, price, "1", "1", "1", "1") for i in (1, 0)]
    with pytest.raises(MessageError):
        LINEAR.read_candles(_klines(*rows, now_ms=T0 + 9 * HOUR_MS), instrument())


@pytest.mark.parametrize("start", [10**400, 10**30])
def test_a_candle_of_no_time_is_a_message_error(start: int) -> None:
    assert LINEAR.read_candles is not None
    rows = [(one, "1", "1", "1", "1", "1") for one in (start, T0)]
    with pytest.raises(MessageError):
        LINEAR.read_candles(_klines(*rows, now_ms=T0 + 9 * HOUR_MS), instrument())


def test_candles_are_asked_for_one_more_because_the_newest_is_open() -> None:
    assert LINEAR.candles_request is not None
    assert LINEAR.candles_request(instrument(), 3600, 200).url == (
        HOST + "kline?category=linear&symbol=BTCUSDT&interval=60&limit=201"
    )
    assert LINEAR.candles_request(instrument(), 86_400, 5000).url.endswith("interval=D&limit=1000")
    with pytest.raises(ConfigError, match="no candles of 7 s"):
        LINEAR.candles_request(instrument(), 7, 1)


def test_the_clock() -> None:
    assert LINEAR.clock_request is not None
    assert LINEAR.read_clock is not None
    assert LINEAR.clock_request().url == HOST + "time"
    body = answer({"timeSecond": "1688639403", "timeNano": "1688639403423213947"})
    assert LINEAR.read_clock(body) == 1_688_639_403_423_213_947
    with pytest.raises(MessageError):
        LINEAR.read_clock(answer({"timeSecond": "1", "timeNano": "soon"}))


def _tier(**more: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "symbol": "BTCUSDT",
        "riskLimitValue": "2000000",
        "maintenanceMargin": "0.005",
        "initialMargin": "0.01",
        "isLowestRisk": 1,
        "maxLeverage": "100.00",
        "mmDeduction": "",
    } | more


def test_margin_tiers_as_fractions_the_smallest_first() -> None:
    assert LINEAR.read_margin is not None
    assert LINEAR.margin_request is not None
    assert LINEAR.margin_request(instrument()).url == (
        HOST + "risk-limit?category=linear&symbol=BTCUSDT"
    )
    second = _tier(
        riskLimitValue="4000000",
        maintenanceMargin="0.0075",
        initialMargin="0.015",
        maxLeverage="66.67",
        mmDeduction="5000",
    )
    assert LINEAR.read_margin(answer({"category": "linear", "list": [second, _tier()]})) == [
        MarginTier(
            "BTCUSDT",
            Decimal(2_000_000),
            None,
            Decimal("0.01"),
            Decimal("0.005"),
            Decimal(0),
            Decimal(100),
        ),
        MarginTier(
            "BTCUSDT",
            Decimal(4_000_000),
            None,
            Decimal("0.015"),
            Decimal("0.0075"),
            Decimal(5000),
            Decimal("66.67"),
        ),
    ]


def test_margin_tiers_in_per_cent_are_told_by_their_leverage() -> None:
    assert INVERSE.read_margin is not None
    documents = _tier(
        symbol="BTCUSD", riskLimitValue="150", maintenanceMargin="0.5", initialMargin="1"
    )
    (tier,) = INVERSE.read_margin(answer({"category": "inverse", "list": [documents]}))
    assert (tier.initial, tier.maintenance) == (Decimal("0.01"), Decimal("0.005"))


def test_the_last_prints_are_asked_for_by_instrument() -> None:
    assert INVERSE.trades_request is not None
    assert INVERSE.trades_request(BTCUSD).url == (
        HOST + "recent-trade?category=inverse&symbol=BTCUSD&limit=1000"
    )


def test_a_book_is_not_asked_for_because_its_stream_opens_with_one() -> None:
    assert LINEAR.snapshot_request is None
