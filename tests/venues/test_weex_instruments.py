"""WEEX's contracts, fees, candles, clock, and the symbols that take orders."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.candle import checked_candles
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import ContractKind
from aggressor.venues.table import venue_named
from aggressor.venues.weex.instruments import fees_of
from tests.venues import weex_samples as samples
from tests.venues.weex_samples import BTC

WEEX = venue_named("weex")


def test_contracts_state_decimals_and_sizes_are_base_coins() -> None:
    btc, pepe = WEEX.instruments(samples.LISTING, 77)
    assert btc.id == "weex:BTCUSDT"
    assert (btc.kind, btc.tick, btc.lot) == (
        ContractKind.LINEAR,
        Decimal("0.1"),
        Decimal("0.0001"),
    )
    assert (btc.multiplier, btc.base, btc.quote, btc.settle) == (1, "BTC", "USDT", "USDT")
    assert (btc.valid_from_ns, btc.inferred) == (77, False)
    assert (pepe.symbol, pepe.tick, pepe.lot) == ("1000PEPEUSDT", Decimal("1E-7"), 1)


def test_fees_and_what_takes_orders() -> None:
    rates = (Decimal("0.0002"), Decimal("0.0008"))
    assert fees_of(samples.LISTING) == [("BTCUSDT", *rates), ("1000PEPEUSDT", *rates)]
    assert WEEX.read_tradable is not None
    assert WEEX.tradable_request is not None
    assert WEEX.read_tradable(samples.TRADABLE) == {"BTCUSDT", "ETHUSDT"}
    assert WEEX.tradable_request().url.endswith("/capi/v3/market/apiTradingSymbols")


def test_candles_are_closed_and_oldest_first() -> None:
    assert WEEX.read_candles is not None
    candles = checked_candles(WEEX.read_candles(samples.KLINES, BTC), 60_000_000_000)
    assert candles.tolist() == [
        (1764505680000000000, 15000, 300, 305, 299, 301),
        (1764505740000000000, 256781, 301, 304, 300, 302),
    ]
    assert WEEX.candles_request is not None
    asked = WEEX.candles_request(BTC, 14_400, 500)
    assert asked.url == (
        "https://api-contract.weex.com/capi/v3/market/klines?symbol=BTCUSDT&interval=4h&limit=501"
    )
    with pytest.raises(ConfigError, match="180 s - take one of 60, 300"):
        WEEX.candles_request(BTC, 180, 5)
    for count in (0, 1_000):
        with pytest.raises(ConfigError, match="1 to 999"):
            WEEX.candles_request(BTC, 60, count)


def test_the_clock_and_the_listing() -> None:
    assert WEEX.read_clock is not None
    assert WEEX.clock_request is not None
    assert WEEX.read_clock(samples.SERVER_TIME) == samples.TIME * 1_000_000
    assert WEEX.clock_request().url == "https://api-contract.weex.com/capi/v3/market/time"
    assert WEEX.definitions_request().url.endswith("/capi/v3/market/exchangeInfo")
    assert WEEX.snapshot_request is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (samples.ERROR, "refused.*-1121"),
        (b"<html>", "not WEEX's exchangeInfo"),
        (samples.raw({"symbols": [{"symbol": "X"}]}), "pricePrecision"),
        (
            samples.raw({"symbols": [samples.contract("XUSDT", quantityPrecision=-1)]}),
            "1 and -1 decimals",
        ),
    ],
)
def test_what_is_no_listing(body: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        WEEX.instruments(body, 0)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(
        [samples.LISTING, samples.KLINES, samples.TRADABLE, samples.SERVER_TIME, b""]
    ),
    at=st.integers(0, 2_000),
    piece=st.binary(max_size=4) | st.sampled_from([b"9" * 30, b"1e999", b"NaN", b"null", b"-"]),
    instead=st.booleans(),
)
def test_any_bytes_are_read_or_refused(seed: bytes, at: int, piece: bytes, instead: bool) -> None:
    at %= len(seed) + 1
    body = seed[:at] + piece + seed[at + (len(piece) if instead else 0) :]
    assert WEEX.read_candles is not None
    assert WEEX.read_clock is not None
    assert WEEX.read_tradable is not None
    for read in (
        lambda: WEEX.instruments(body, 0),
        lambda: fees_of(body),
        lambda: WEEX.read_candles(body, BTC),
        lambda: WEEX.read_clock(body),
        lambda: WEEX.read_tradable(body),
    ):
        try:
            read()
        except MessageError:
            continue
