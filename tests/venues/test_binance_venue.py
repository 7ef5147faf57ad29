"""The three Binance markets as values: instruments, inferred grids, subscriptions, requests."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import ContractKind
from aggressor.venues.table import VENUES, venue_named
from aggressor.venues.venue import joint_grid
from tests.venues.wire import combined, depth, instrument, raw, snapshot, ticker, trade


def exchange_info(symbol: str, tick: str, lot: str, **more: object) -> bytes:
    rules = [
        {"filterType": "PRICE_FILTER", "minPrice": "556.80", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "stepSize": lot},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
    ]
    body = {"symbol": symbol, "baseAsset": "BTC", "quoteAsset": "USDT", "filters": rules}
    return msgspec.json.encode({"timezone": "UTC", "symbols": [body | more]})


def test_usdm_instruments_take_tick_and_step_not_precision() -> None:
    text = exchange_info("BTCUSDT", "0.10", "0.001", marginAsset="USDT", pricePrecision=2)
    (one,) = venue_named("binance-usdm").instruments(text, 77)
    assert (one.id, one.kind, one.valid_from_ns) == (
        "binance-usdm:BTCUSDT",
        ContractKind.LINEAR,
        77,
    )
    assert (one.tick, one.lot, one.multiplier) == (Decimal("0.1"), Decimal("0.001"), 1)
    assert (one.base, one.quote, one.settle, one.inferred) == ("BTC", "USDT", "USDT", False)


def test_coin_m_instruments_are_inverse_and_state_their_contract() -> None:
    venue = venue_named("binance-coinm")
    text = exchange_info("BTCUSD_PERP", "0.1", "1", marginAsset="BTC", contractSize=100)
    (one,) = venue.instruments(text, 0)
    assert (one.kind, one.multiplier, one.settle) == (ContractKind.INVERSE, 100, "BTC")
    for symbol, multiplier in (("BTCUSD_210924", 100), ("ETHUSD_PERP", 10)):
        (one,) = venue.instruments(exchange_info(symbol, "0.1", "1"), 0)
        assert one.multiplier == multiplier


def test_what_has_no_grid_or_is_no_exchange_info() -> None:
    venue = venue_named("binance-spot")
    assert venue.instruments(exchange_info("OLDBTC", "0.00000000", "0.001"), 0) == []
    with pytest.raises(MessageError, match="exchangeInfo"):
        venue.instruments(b'{"code":-1}', 0)


def lines(*messages: bytes) -> np.ndarray:
    whole = b"".join(b"1767225600100000000 %s\n" % message for message in messages)
    return np.frombuffer(bytearray(whole), np.uint8)


def test_a_grid_is_the_greatest_common_divisor_of_what_was_seen() -> None:
    text = lines(
        combined(trade(5, price="100.10", size="0.006")),
        combined(depth(1, 2, 0, bids=[("100.50", "0.012")], asks=[("101.00", "0.000")])),
        combined(ticker(7, bid="100.10", bids="0.018", asks="0.024")),
        combined(trade(1, s="ETHBTC", p="0.00070", q="3")),
        b'{"broken',
        raw(snapshot(9, bids=[("0.07", "7.7")])),
    )
    btc, eth = venue_named("binance-usdm").infer(text, 5)
    assert (btc.symbol, btc.tick, btc.lot) == ("BTCUSDT", Decimal("0.1"), Decimal("0.006"))
    assert (eth.symbol, eth.tick, eth.lot) == ("ETHBTC", Decimal("0.0007"), Decimal(3))
    assert btc.inferred
    assert (btc.base, btc.quote, eth.base, eth.quote) == ("BTC", "USDT", "ETH", "BTC")
    (named, *_) = venue_named("binance-usdm").infer(text, 5, "BTCUSDT")
    assert (named.tick, named.lot) == (Decimal("0.01"), Decimal("0.002"))


def test_a_stated_grid_is_refined_by_orders_from_before_it() -> None:
    stated = instrument("binance-usdm", "BTCUSDT", "0.10", "1")
    seen = instrument("binance-usdm", "BTCUSDT", "0.25", "3")
    joint = joint_grid(stated, seen)
    assert (joint.tick, joint.lot, joint.inferred) == (Decimal("0.05"), Decimal(1), True)
    assert joint_grid(stated, instrument("binance-usdm", "BTCUSDT", "0.3", "2")) == stated


def test_derivatives_subscribe_on_two_routes_and_spot_on_one() -> None:
    both = [instrument("binance-usdm", name) for name in ("BTCUSDT", "牛来USDT")]
    public, market = venue_named("binance-usdm").subscribe(both)
    assert public.address == "wss://fstream.binance.com/public/stream"
    assert market.address == "wss://fstream.binance.com/market/stream"
    (order,) = public.messages
    assert msgspec.json.decode(order) == {
        "method": "SUBSCRIBE",
        "params": [
            "btcusdt@depth@100ms",
            "btcusdt@bookTicker",
            "牛来usdt@depth@100ms",
            "牛来usdt@bookTicker",
        ],
        "id": 1,
    }
    assert b"btcusdt@forceOrder" in market.messages[0]
    (spot,) = venue_named("binance-spot").subscribe(both[:1])
    assert b"btcusdt@trade" in spot.messages[0]
    many = [instrument("binance-usdm", f"S{i}USDT") for i in range(250)]
    assert [len(one.messages) for one in venue_named("binance-usdm").subscribe(many)] == [3, 4]


def test_requests_encode_symbols_and_know_their_weight() -> None:
    venue = venue_named("binance-usdm")
    one = instrument("binance-usdm", "牛来USDT")
    asked = venue.snapshot_request(one)
    assert asked.url == (
        "https://fapi.binance.com/fapi/v1/depth?symbol=%E7%89%9B%E6%9D%A5USDT&limit=1000"
    )
    assert (asked.method, asked.weight) == ("GET", 20)
    assert venue.polls is not None
    (interest,) = venue.polls(one)
    assert "/fapi/v1/openInterest?symbol=" in interest.request.url
    assert venue.definitions_request().url == "https://fapi.binance.com/fapi/v1/exchangeInfo"
    assert venue_named("binance-spot").polls is None


def test_the_table_knows_its_venues_by_name() -> None:
    assert all(name == venue.name for name, venue in VENUES.items())
    with pytest.raises(ConfigError, match="binance-usdm, binance-coinm, binance-spot"):
        venue_named("binance")
