"""WEEX's streams: every form to its rows, the rules of its book, its controls, any bytes."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggressor.schema.errors import MessageError
from aggressor.schema.event import (
    ASK,
    BID,
    BUY,
    CLEAR,
    FUNDING,
    GAP,
    INTEREST,
    LAST,
    LEVEL,
    MARK,
    SELL,
    SNAPSHOT,
    STATUS,
    TRADE,
    Status,
    empty_events,
)
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.session import ControlKind
from aggressor.venues.table import venue_named
from tests.recordings import recording
from tests.venues import weex_samples as samples
from tests.venues.weex_samples import BTC, ETH, TIME, depth, prints

WEEX = venue_named("weex")
NOW = 1_790_127_600_000_000_000
MS = 1_000_000
Row = tuple[int, int, int, int, int, int]
GONE = (CLEAR, 0, 0, 0, GAP | LAST, 3)


def decoder() -> PartsDecoder:
    made = WEEX.market_decoder([(BTC, 3), (ETH, 5)])
    assert isinstance(made, PartsDecoder)
    return made


def decoded(one: PartsDecoder, message: bytes, symbol: str = "") -> list[Row]:
    """Rows as (kind, side, price, size, flags, instrument)."""
    out = empty_events(one.room(message))
    count = one.decode(message, NOW, out, symbol)
    names = ("kind", "side", "price", "size", "flags", "instrument")
    assert np.all(out[:count]["ts_recv"] == NOW)
    return [tuple(int(row[name]) for name in names) for row in out[:count]]


def venue_times(one: PartsDecoder, message: bytes, symbol: str = "") -> list[int]:
    out = empty_events(one.room(message))
    return [int(t) for t in out[: one.decode(message, NOW, out, symbol)]["ts_venue"]]


def test_a_picture_and_a_change_of_the_book() -> None:
    one = decoder()
    assert decoded(one, samples.SNAPSHOT) == [
        (CLEAR, 0, 0, 0, 0, 3),
        (LEVEL, BID, 863788, 12040, SNAPSHOT, 3),
        (LEVEL, ASK, 863789, 3300, SNAPSHOT | LAST, 3),
    ]
    assert decoded(one, samples.CHANGE) == [
        (LEVEL, BID, 863788, 0, 0, 3),
        (LEVEL, BID, 863787, 5000, LAST, 3),
    ]
    assert venue_times(one, depth(16938207561, 16938207562, asks=[("1.0", "1")])) == [TIME * MS]


def test_a_contract_that_is_closed_says_so() -> None:
    assert decoded(decoder(), samples.DELISTED) == [
        (CLEAR, 0, 0, 0, LAST, 3),
        (STATUS, 0, 0, Status.CLOSED, LAST, 3),
    ]


def test_prints_are_written_in_order_of_time_and_once() -> None:
    one = decoder()
    assert decoded(one, samples.TRADES) == [
        (TRADE, SELL, 863788, 15000, LAST, 3),
        (TRADE, SELL, 863787, 1000, LAST, 3),
        (TRADE, BUY, 863789, 252, LAST, 3),
    ]
    one.interrupt(NOW, empty_events(4))
    assert decoded(one, samples.RECENT) == [(TRADE, BUY, 863790, 2000, LAST, 3)]
    assert one.counts["trade_gaps"] == 0  # it goes on from a print that is known
    assert decoded(one, samples.TRADES) == []
    assert one.counts["trades_dropped"] == 4
    one.interrupt(NOW, empty_events(4))
    assert decoded(one, prints((8, "f", "1.0", "1", True)))[0][4] == GAP | LAST
    assert venue_times(one, prints((9, "e", "1.0", "1", True))) == [(TIME + 9) * MS]


def test_prints_that_were_asked_for_are_written_late_and_once() -> None:
    one = decoder()
    decoded(one, prints((8, "a", "1.0", "1", True)))
    one.interrupt(NOW, empty_events(4))
    past = [
        {"id": name, "price": "1.5", "qty": "1", "quoteQty": "1", "time": TIME + at,
         "isBuyerMaker": False, "isBestMatch": True}
        for at, name in ((10, "c"), (8, "a"), (9, "b"), (3, "before"))
    ]  # fmt: skip
    answer = json.dumps(past).encode()
    assert venue_times(one, answer, BTC.symbol) == [(TIME + 9) * MS, (TIME + 10) * MS]
    assert decoded(one, prints((10, "c", "1.5", "1", True))) == []
    assert decoded(one, answer, BTC.symbol) == []
    assert one.counts["trades_late"] == 2
    assert WEEX.trades_request is not None
    asked = WEEX.trades_request(BTC)
    assert asked.url.endswith(f"/capi/v3/market/trades?symbol={BTC.symbol}&limit=1000")
    assert asked.weight == 5


def test_the_mark_price_of_the_ticker() -> None:
    assert decoded(decoder(), samples.TICKER) == [(MARK, 0, 866608, 8666085000000, LAST, 3)]


def test_funding_is_the_forecast_and_open_interest_is_in_coins() -> None:
    one = decoder()
    settles = 1764510000 // 60
    assert decoded(one, samples.PREMIUM, "BTCUSDT") == [(FUNDING, 0, settles, 25000, LAST, 3)]
    assert decoded(one, samples.INTEREST, "BTCUSDT") == [(INTEREST, 0, 0, 1283456700, LAST, 3)]
    assert venue_times(one, samples.INTEREST, "BTCUSDT") == [1764505777345 * MS]
    with pytest.raises(MessageError, match="-1121 'Invalid symbol'"):
        decoded(one, samples.ERROR, "BTCUSDT")


def test_what_is_not_needed_is_counted_by_name() -> None:
    one = decoder()
    for message in (
        samples.KLINE,
        samples.KLINE_SNAPSHOT,
        samples.GREETING,
        samples.PING,
        samples.PONG,
        samples.ACK,
        samples.REFUSAL,
    ):
        assert decoded(one, message) == []
    assert one.ignored == {
        "kline": 1,
        "klineSnapshot": 1,
        "greeting": 1,
        "ping": 1,
        "pong": 1,
        "ack": 1,
        "refused": 1,
    }
    assert decoded(one, depth(1, 2, snapshot=True, symbol="NOUSDT")) == []
    assert one.unknown == {"NOUSDT": 1}


BOOK_RULES = [
    ("nothing before a picture", [(4, 5, False)], [0]),
    ("U is the previous u", [(1, 5, True), (5, 9, False), (9, 10, False)], [3, 1, 1]),
    ("u + 1 is a gap", [(1, 5, True), (6, 9, False), (9, 10, False)], [3, -1, 0]),
    ("an overlap is a gap", [(1, 5, True), (5, 9, False), (8, 12, False)], [3, 1, -1]),
    ("a stale repeat", [(1, 5, True), (5, 9, False), (5, 9, False), (9, 11, False)], [3, 1, 0, 1]),
    ("a picture mends it", [(1, 5, True), (7, 9, False), (9, 12, True), (12, 13, False)], None),
    ("ids begin anew", [(1, 50, True), (1, 5, True), (5, 6, False)], [3, 3, 1]),
]


@pytest.mark.parametrize(("name", "steps", "wanted"), BOOK_RULES, ids=str)
def test_the_rules_of_the_book(
    name: str, steps: list[tuple[int, int, bool]], wanted: list[int] | None
) -> None:
    """Rows of each message; -1 is one CLEAR that says GAP."""
    one, got = decoder(), []
    for first, last, snapshot in steps:
        asks = [("11.0", "1")] if snapshot else []
        rows = decoded(one, depth(first, last, [("10.0", "1")], asks, snapshot=snapshot))
        got.append(-1 if rows == [GONE] else len(rows))
    assert got == (wanted or [3, -1, 3, 1]), name


def test_levels_that_leave_the_window_are_removed() -> None:
    one = decoder()
    bids = [(f"{20_000 - i}.0", "1") for i in range(200)]
    decoded(one, depth(1, 5, bids, [("20001.0", "1")], snapshot=True))
    assert decoded(one, depth(5, 6, [("20000.5", "2")])) == [
        (LEVEL, BID, 200005, 20000, 0, 3),
        (LEVEL, BID, 198010, 0, LAST, 3),
    ]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (samples.CHANGE.replace(b'"u":16938207561,', b""), "missing required field `u`"),
        (samples.CHANGE.replace(b'"s":"BTCUSDT"', b'"s":5'), "str"),
        (samples.TRADES.replace(b'"m":true', b'"m":1'), "bool"),
        (samples.TRADES.replace(b'"q":"1.5"', b'"q":"1.50001"'), "whole number of steps"),
        (samples.TICKER.replace(b'"m":"86660.85"', b'"m":"NaN"'), "not a number of a market"),
        (samples.CHANGE.replace(b"86378.7", b"86378.75"), "not on the grid"),
        (b"not json", "malformed"),
        (b"", "truncated"),
        (b"{}", "neither market data"),
        (b"[]", "object"),
    ],
)
def test_what_is_not_documented_is_refused_and_changes_nothing(message: bytes, why: str) -> None:
    one = decoder()
    decoded(one, samples.SNAPSHOT)
    before = one.state()
    with pytest.raises(MessageError, match=why):
        decoded(one, message)
    assert one.state() == before


CONTROLS = [
    (samples.GREETING, ControlKind.GREETING, b""),
    (samples.PING, ControlKind.PING, b'{"method":"PONG","id":1}'),
    (samples.PING_PRIVATE, ControlKind.PING, b'{"method":"PONG","id":1}'),
    (samples.PONG, ControlKind.PONG, b""),
    (samples.ACK, ControlKind.ACK, b""),
    (b'{"id":"7","result":true}', ControlKind.ACK, b""),
    (samples.REFUSAL, ControlKind.REFUSED, b""),
    (b'{"event":"maintenance"}', ControlKind.OTHER, b""),
]


@pytest.mark.parametrize(("message", "kind", "reply"), CONTROLS)
def test_controls(message: bytes, kind: ControlKind, reply: bytes) -> None:
    said = WEEX.control(message)
    assert said is not None
    assert (said.kind, said.reply) == (kind, reply)
    if kind is ControlKind.REFUSED:
        assert said.text == "101: INVALID_ARGUMENT: invalid symbol : cmt_nopeusdt"


def test_what_is_no_control() -> None:
    for message in (samples.SNAPSHOT, samples.TRADES, b"[]", b"\xff", b"{", b"", b"{}", b"Ping"):
        assert WEEX.control(message) is None
    spaced = json.dumps(json.loads(samples.TRADES)).encode()
    assert WEEX.control(spaced) is None
    assert len(decoded(decoder(), spaced)) == 3


def test_subscriptions_ask_for_an_instrument_in_one_order() -> None:
    (link,) = WEEX.subscribe([BTC, ETH])
    assert link.address == "wss://ws-contract.weex.com/v3/ws/public"
    assert [msgspec.json.decode(one) for one in link.messages] == [
        {
            "method": "SUBSCRIBE",
            "params": [f"{symbol}@depth200", f"{symbol}@trade", f"{symbol}@ticker"],
            "id": number,
        }
        for number, symbol in ((1, "BTCUSDT"), (2, "ETHUSDT"))
    ]
    assert {one.kind for one in link.expected} == {LEVEL, TRADE, MARK}
    many = [msgspec.structs.replace(BTC, symbol=f"S{i}USDT") for i in range(70)]
    assert [len(one.messages) for one in WEEX.subscribe(many)] == [33, 33, 4]
    assert WEEX.resubscribe is not None
    assert [msgspec.json.decode(one)["method"] for one in WEEX.resubscribe(BTC)] == [
        "UNSUBSCRIBE",
        "SUBSCRIBE",
    ]
    assert WEEX.polls is not None
    assert [poll.request.url.split("/v3/")[1] for poll in WEEX.polls(BTC)] == [
        "market/openInterest?symbol=BTCUSDT",
        "market/premiumIndex?symbol=BTCUSDT",
    ]


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 60), seed=st.integers(0, 2**32))
def test_a_recording_cut_anywhere_gives_the_same_rows(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    wide = [(f"{1000 - i}.0", "1") for i in range(199)]
    stream, number = [depth(1, 9, wide, [("1001.0", "1")], snapshot=True)], 9
    for i in range(60):
        if rng.random() < 0.6:
            step = int(rng.integers(1, 5)) + int(rng.random() < 0.05)
            bids = [(f"{rng.integers(700, 1000)}.0", str(rng.integers(3))) for _ in range(4)]
            stream.append(depth(number, number + step, bids))
            number += step - int(rng.random() < 0.03)
        else:
            stream.append(prints((int(rng.integers(3)), f"n{i // 2}", "4.0", "1", True)))
    whole, one, two = decoder(), decoder(), decoder()
    wanted = [decoded(whole, message) for message in stream]
    got = [decoded(one, message) for message in stream[:cut]]
    two.resume(json.loads(json.dumps(one.state())))
    got += [decoded(two, message) for message in stream[cut:]]
    assert got == wanted


@settings(max_examples=400, deadline=None)
@given(
    seed=st.integers(0, len(samples.FRAMES) - 1),
    edits=st.lists(
        st.tuples(st.integers(0, 10_000), st.binary(max_size=3), st.booleans()), max_size=4
    ),
    symbol=st.sampled_from(["", "BTCUSDT"]),
    cut=st.integers(0, 300),
)
@example(seed=0, edits=[(4, b"\xff", True)], symbol="", cut=300)
def test_any_bytes_are_rows_or_a_message_error(
    seed: int, edits: list[tuple[int, bytes, bool]], symbol: str, cut: int
) -> None:
    message = samples.FRAMES[seed]
    for at, piece, instead in edits:
        at %= len(message) + 1
        message = message[:at] + piece + message[at + (len(piece) if instead else 0) :]
    if cut < 50:
        message = message[: max(len(message) - cut, 0)]
    one = decoder()
    decoded(one, samples.SNAPSHOT)
    WEEX.control(message)
    try:
        rows = decoded(one, message, symbol)
    except MessageError:
        return
    assert all(row[5] in (3, 5) for row in rows)


noise = st.binary(max_size=300).filter(
    lambda message: b'":' not in message and message.strip() != b"[]"
)


@settings(max_examples=200, deadline=None)
@given(message=noise, symbol=st.sampled_from(["", "BTCUSDT"]))
@example(message=b"{}", symbol="BTCUSDT")
def test_noise_is_a_message_error(message: bytes, symbol: str) -> None:
    assert WEEX.control(message) is None
    with pytest.raises(MessageError):
        decoded(decoder(), message, symbol)


@pytest.mark.recording
def test_single_frames_of_the_wire() -> None:
    lines = recording("fixtures/live_frames.jsonl").read_bytes().splitlines()
    found = [msgspec.json.decode(line) for line in lines if b'"venue": "weex"' in line]
    one, kinds = decoder(), []
    for line in found:
        text = line["frame"].encode()
        if line["dir"] == "send":
            continue
        said = WEEX.control(text)
        rows = decoded(one, text)
        kinds.append((line["channel"], None if said is None else said.kind.name, len(rows)))
    assert kinds == [
        ("control", "GREETING", 0),
        ("control", "ACK", 0),
        ("depth200", None, 4),
        ("depth200", None, 6),
        ("depth200", None, 5),
        ("ping", "PING", 0),
        ("control", "REFUSED", 0),
        ("ticker", None, 1),
        ("trade", None, 2),
    ]
    assert one.counts["gaps"] == 0
