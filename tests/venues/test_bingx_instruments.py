"""BingX's contracts, fees, tiers, candles and clock, from answers old and new."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.candle import checked_candles
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import ContractKind
from aggressor.venues.bingx.instruments import CANDLES_MAX, fees_of, margin_of
from aggressor.venues.table import venue_named
from tests.venues import bingx_samples as samples
from tests.venues.bingx_samples import BTC

BINGX = venue_named("bingx")


def test_contracts_state_decimals_and_sizes_are_base_coins() -> None:
    btc, pepe = BINGX.instruments(samples.CONTRACTS, 77)
    assert btc.id == "bingx:BTC-USDT"
    assert (btc.kind, btc.tick, btc.lot) == (
        ContractKind.LINEAR,
        Decimal("0.1"),
        Decimal("0.0001"),
    )
    assert (btc.multiplier, btc.base, btc.quote, btc.settle) == (1, "BTC", "USDT", "USDT")
    assert (btc.valid_from_ns, btc.inferred) == (77, False)
    assert (pepe.symbol, pepe.tick, pepe.lot) == ("1000PEPE-USDC", Decimal("1E-7"), 1)
    assert (pepe.base, pepe.settle) == ("1000PEPE", "USDC")


def test_fees_are_exact_in_either_form() -> None:
    rates = (Decimal("0.0002"), Decimal("0.0005"))
    assert fees_of(samples.CONTRACTS) == [("BTC-USDT", *rates), ("1000PEPE-USDC", *rates)]


def test_tiers_come_the_smallest_first_and_join_without_a_step() -> None:
    one, two = margin_of(samples.TIERS)
    assert (one.value_max, one.maintenance, one.deduction) == (150000, Decimal("0.0038"), 0)
    assert (two.value_max, two.maintenance, two.deduction) == (900000, Decimal("0.004"), 30)
    assert one.value_max is not None
    assert (two.maintenance - one.maintenance) * one.value_max == two.deduction


@pytest.mark.parametrize("text", [samples.KLINES, samples.KLINES_LISTS])
def test_candles_of_both_forms_are_closed_and_oldest_first(text: bytes) -> None:
    assert BINGX.read_candles is not None
    candles = checked_candles(BINGX.read_candles(text, BTC), 60_000_000_000)
    assert candles.tolist() == [
        (1702717200000000000, 10001, 300, 305, 299, 301),
        (1702717260000000000, 635000, 301, 302, 300, 302),
    ]


def test_candles_are_asked_for_with_one_more_that_still_runs() -> None:
    assert BINGX.candles_request is not None
    asked = BINGX.candles_request(BTC, 14_400, 500)
    assert asked.url == (
        "https://open-api.bingx.com/openApi/swap/v3/quote/klines"
        "?symbol=BTC-USDT&interval=4h&limit=501"
    )
    with pytest.raises(ConfigError, match="61 s - take one of 60, 180"):
        BINGX.candles_request(BTC, 61, 5)
    for count in (0, CANDLES_MAX):
        with pytest.raises(ConfigError, match="1 to 1439"):
            BINGX.candles_request(BTC, 60, count)


def test_the_clock_and_what_is_asked() -> None:
    assert BINGX.read_clock is not None
    assert BINGX.clock_request is not None
    assert BINGX.trades_request is not None
    assert BINGX.read_clock(samples.SERVER_TIME) == samples.TIME * 1_000_000
    rest = "https://open-api.bingx.com/openApi/swap/v2"
    assert BINGX.clock_request().url == f"{rest}/server/time"
    assert BINGX.definitions_request().url == f"{rest}/quote/contracts"
    assert BINGX.trades_request(BTC).url == f"{rest}/quote/trades?symbol=BTC-USDT&limit=500"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (samples.answer(None, 100410, "too fast"), "refused.*100410"),
        (b"<html>", "not BingX's contracts"),
        (samples.answer([{"symbol": "X-Y"}]), "quantityPrecision"),
        (
            samples.answer([{"symbol": "X-Y", "quantityPrecision": 99, "pricePrecision": 1}]),
            "1 and 99 decimals",
        ),
    ],
)
def test_what_is_no_list_of_contracts(text: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        BINGX.instruments(text, 0)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(
        [
            samples.CONTRACTS,
            samples.TIERS,
            samples.KLINES,
            samples.KLINES_LISTS,
            samples.SERVER_TIME,
            b"",
        ]
    ),
    at=st.integers(0, 2_000),
    piece=st.binary(max_size=4) | st.sampled_from([b"9" * 30, b"1e999", b"NaN", b"null", b"-"]),
    instead=st.booleans(),
)
def test_any_bytes_are_read_or_refused(seed: bytes, at: int, piece: bytes, instead: bool) -> None:
    at %= len(seed) + 1
    text = seed[:at] + piece + seed[at + (len(piece) if instead else 0) :]
    assert BINGX.read_candles is not None
    assert BINGX.read_clock is not None
    for read in (
        lambda: BINGX.instruments(text, 0),
        lambda: fees_of(text),
        lambda: margin_of(text),
        lambda: BINGX.read_candles(text, BTC),
        lambda: BINGX.read_clock(text),
    ):
        try:
            read()
        except MessageError:
            continue
