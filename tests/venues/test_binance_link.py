"""Binance's connections: what is no market data, how they are kept, what must come on them."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.event import INTEREST, LEVEL, MARK, QUOTE, TRADE
from aggressor.venues.binance.control import LINK, PING_ID, PRIVATE_LINK, control, ping
from aggressor.venues.session import SECOND_NS, ControlKind, Link, State
from aggressor.venues.table import venue_named
from tests.venues.wire import combined, depth, instrument, raw, snapshot, ticker, trade

ACK = b'{"result":null,"id":1}'


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (ACK, ControlKind.ACK),
        (b'{"id":"7","result":null}', ControlKind.ACK),
        (b'{"result":["btcusdt@aggTrade"],"id":3}', ControlKind.ACK),
        (b'{"result":true,"id":%d}' % (PING_ID + 4), ControlKind.PONG),
        (b'{"error":{"code":2,"msg":"no"},"id":%d}' % PING_ID, ControlKind.PONG),
        (b'{"code":2,"msg":"Invalid request: no such method"}', ControlKind.REFUSED),
        (b'{"code":0,"msg":"Unknown property","id":5}', ControlKind.REFUSED),
        (b'{"error":{"code":3,"msg":"Invalid JSON"},"id":1}', ControlKind.REFUSED),
        (b'{"e":"listenKeyExpired","E":1,"listenKey":"k"}', ControlKind.ENDED),
        (b'{ "listenKey":"k","e":"listenKeyExpired" }', ControlKind.ENDED),
    ],
)
def test_messages_about_the_connection(message: bytes, kind: ControlKind) -> None:
    found = control(message)
    assert found is not None
    assert found.kind is kind


@pytest.mark.parametrize(
    "message",
    [
        combined(depth(1, 2, 0)),
        raw(depth(1, 2, 0)),
        raw(ticker(5)),
        raw(snapshot(7)),
        combined(trade(1)),
        b'{"e":"ORDER_TRADE_UPDATE","o":{}}',
        b'{"id":5,"result":null',
        b"",
        b"[1]",
        b'{"x":' + b"[" * 2000,
    ],
)
def test_what_is_not_about_the_connection(message: bytes) -> None:
    assert control(message) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_about_the_connection_or_not(message: bytes) -> None:
    control(message)
    control(b'{"id":' + message)


def test_a_connection_is_asked_and_replaced_before_its_day_is_over() -> None:
    link = Link(LINK, [b"subscribe"], books=False)
    link.opened(0)
    assert link.due(0).send == (b"subscribe",)
    found = control(ACK)
    assert found is not None
    link.received(found, SECOND_NS)
    assert link.state is State.LIVE
    asked = link.due(21 * SECOND_NS).send
    assert msgspec.json.decode(asked[0])["method"] == "GET_PROPERTY"
    assert link.due(62 * SECOND_NS).close
    day = 24 * 3600 * SECOND_NS
    link.heard(day - 600 * SECOND_NS)
    assert not link.due(day - 600 * SECOND_NS).replace
    link.heard(day - 500 * SECOND_NS)
    assert link.due(day - 500 * SECOND_NS).replace


def test_our_messages_stay_below_the_venues_pace() -> None:
    link = Link(LINK, [b"%d" % number for number in range(30)])
    link.opened(0)
    sent = [len(link.due(at * SECOND_NS // 10).send) for at in range(20)]
    assert max(sum(sent[at : at + 10]) for at in range(11)) <= 9
    assert PRIVATE_LINK.silence_ns > 180 * SECOND_NS
    assert PRIVATE_LINK.ping is None


def test_a_stream_whose_key_expired_is_opened_anew() -> None:
    link = Link(PRIVATE_LINK, [])
    link.opened(0)
    assert link.state is State.LIVE
    ended = control(b'{"e":"listenKeyExpired","E":1}')
    assert ended is not None
    link.received(ended, 5)
    assert "expired" in link.due(6).close
    link.closed(7)
    link.opened(8)
    assert link.due(9).close == ""


def test_pings_have_ids_of_their_own() -> None:
    assert msgspec.json.decode(ping(3))["id"] == PING_ID + 3
    orders: list[Any] = []
    for venue in ("binance-usdm", "binance-coinm", "binance-spot"):
        for one in venue_named(venue).subscribe([instrument(venue, "A")]):
            orders.extend(msgspec.json.decode(message)["id"] for message in one.messages)
    assert max(orders) < PING_ID


def test_a_stream_on_a_wrong_route_is_named() -> None:
    public, market = venue_named("binance-usdm").subscribe([instrument("binance-usdm", "BTCUSDT")])
    assert {one.kind for one in public.expected} == {LEVEL, QUOTE}
    assert {one.kind for one in market.expected} == {TRADE, MARK}
    assert (public.books, market.books) == (True, False)
    link = Link(LINK, market.messages, lanes={0: "BTCUSDT"}, expected=market.expected)
    link.opened(0)
    link.due(0)
    found = control(ACK)
    assert found is not None
    link.received(found, 0)
    link.saw(0, TRADE, 9 * SECOND_NS)
    assert link.due(9 * SECOND_NS).alarms == ()
    (alarm,) = link.due(11 * SECOND_NS).alarms
    assert "BTCUSDT: marks" in alarm


def test_coin_m_and_spot_have_one_connection() -> None:
    for venue in ("binance-coinm", "binance-spot"):
        (one,) = venue_named(venue).subscribe([instrument(venue, "BTCUSD_PERP")])
        assert one.address.endswith(("dstream.binance.com/stream", "9443/stream"))
        assert one.books
        assert INTEREST not in {expected.kind for expected in one.expected}


def kline(open_ms: int, *prices: str, volume: str = "0.006") -> list[Any]:
    quote = ["1.0", 5, "1", "1", "0"]
    return [open_ms, *prices, volume, open_ms + 59_999, *quote]


def test_candles_are_closed_and_on_the_grid() -> None:
    venue, one = venue_named("binance-usdm"), instrument("binance-usdm", "BTCUSDT")
    assert venue.candles_request is not None
    assert venue.read_candles is not None
    asked = venue.candles_request(one, 14_400, 200)
    assert asked.url == (
        "https://fapi.binance.com/fapi/v1/klines?symbol=BTCUSDT&interval=4h&limit=201"
    )
    weights = [venue.candles_request(one, 60, count).weight for count in (98, 99, 999, 1499)]
    assert weights == [1, 2, 5, 10]
    assert venue.candles_request(one, 60, 5000).url.endswith("limit=1500")
    with pytest.raises(ConfigError, match="14400"):
        venue.candles_request(one, 61, 5)
    text = msgspec.json.encode(
        [
            kline(0, "100.05", "101", "99", "100"),  # from before a coarser tick
            kline(60_000, "100.0", "101.0", "99.5", "100.5"),
            kline(120_000, "100.5", "100.6", "100.4", "100.5", volume="0"),
            kline(180_000, "100.5", "100.5", "100.5", "100.5"),  # still open
        ]
    )
    candles = venue.read_candles(text, one)
    assert candles.tolist() == [
        (60_000_000_000, 6, 1000, 1010, 995, 1005),
        (120_000_000_000, 0, 1005, 1006, 1004, 1005),
    ]
    assert venue.read_candles(b"[]", one).size == 0
    for odd in (b"{}", b"[[]]", b'[["a"],[]]', b"[[1,2],[1]]", b"[" * 5000):
        if odd != b"[[]]":
            with pytest.raises(MessageError):
                venue.read_candles(odd, one)


def test_clock_and_limits() -> None:
    for name, path in (("binance-usdm", "/fapi/v1/time"), ("binance-spot", "/api/v3/time")):
        venue = venue_named(name)
        assert venue.clock_request is not None
        assert venue.read_clock is not None
        assert venue.clock_request().url.endswith(path)
        assert venue.read_clock(b'{"serverTime":1499827319559}') == 1_499_827_319_559_000_000
        with pytest.raises(MessageError):
            venue.read_clock(b'{"code":-1}')
    usdm = venue_named("binance-usdm")
    assert (usdm.rest_limit.weight, usdm.rest_limit.window_ns) == (2400, 60 * SECOND_NS)
    assert usdm.trading is not None
    weight, window = usdm.trading.limits["orders"]
    assert Decimal(weight) / window <= Decimal(1200) / (60 * SECOND_NS)
