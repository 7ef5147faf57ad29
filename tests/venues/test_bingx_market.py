"""BingX's streams: every form to its rows, the rules of its book, its controls, any bytes."""

import gzip
import json

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggressor.schema.errors import MessageError
from aggressor.schema.event import (
    ASK,
    BAD_CLOCK,
    BID,
    BUY,
    CLEAR,
    FUNDING,
    GAP,
    LAST,
    LEVEL,
    MARK,
    NO_TIME,
    SELL,
    SNAPSHOT,
    STALE,
    TRADE,
    empty_events,
)
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.session import ControlKind
from aggressor.venues.table import venue_named
from tests.recordings import recording
from tests.venues import bingx_samples as samples
from tests.venues.bingx_samples import BTC, ETH, TIME, book, prints

BINGX = venue_named("bingx")
NOW = 1_790_127_600_000_000_000
MS = 1_000_000
Row = tuple[int, int, int, int, int, int]


def decoder() -> PartsDecoder:
    made = BINGX.market_decoder([(BTC, 3), (ETH, 5)])
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
    assert decoded(one, samples.ALL) == [
        (CLEAR, 0, 0, 0, 0, 3),
        (LEVEL, BID, 863788, 12042, SNAPSHOT, 3),
        (LEVEL, BID, 863775, 3, SNAPSHOT, 3),
        (LEVEL, ASK, 863794, 5110, SNAPSHOT, 3),
        (LEVEL, ASK, 863789, 3300, SNAPSHOT | LAST, 3),
    ]
    assert decoded(one, samples.UPDATE) == [
        (LEVEL, BID, 863788, 0, 0, 3),
        (LEVEL, ASK, 863791, 100, LAST, 3),
    ]
    assert venue_times(one, book("update", 857550009, asks=[("1.0", "1")])) == [TIME * MS]
    assert one.counts["skips"] == 1


def test_prints_come_newest_first_and_are_written_in_their_order() -> None:
    one = decoder()
    assert decoded(one, samples.TRADES) == [
        (TRADE, BUY, 863789, 1000, LAST, 3),
        (TRADE, SELL, 863788, 10000, LAST, 3),
        (TRADE, BUY, 863789, 421, LAST, 3),
    ]
    assert venue_times(one, prints((9, "1.0", "1", True))) == [(TIME + 9) * MS]


def test_prints_of_one_time_keep_the_order_of_the_venue() -> None:
    newest_first = prints((1, "4.0", "1", True), (1, "3.0", "1", True), (0, "2.0", "1", True))
    oldest_first = prints((0, "2.0", "1", True), (1, "3.0", "1", True), (1, "4.0", "1", True))
    for message in (newest_first, oldest_first):
        assert [row[2] for row in decoded(decoder(), message)] == [20, 30, 40]


def test_equal_prints_all_count_and_a_new_connection_repeats_none() -> None:
    one = decoder()
    twice = prints((1, "4.0", "1.0", True), (1, "4.0", "1.0000", True))
    assert [len(decoded(one, twice)), len(decoded(one, twice))] == [2, 2]
    one.interrupt(NOW, empty_events(4))
    assert [len(decoded(one, twice)), len(decoded(one, twice)), len(decoded(one, twice))] == [
        0,
        0,
        2,
    ]


def test_an_answer_brings_only_the_prints_that_a_lost_connection_did_not() -> None:
    one = decoder()
    decoded(one, samples.TRADES)
    one.interrupt(NOW, empty_events(4))
    assert decoded(one, samples.PAST, "BTC-USDT") == [(TRADE, BUY, 863789, 421, STALE | LAST, 3)]
    assert decoded(one, prints((3, "86378.9", "0.0421", False))) == []


def test_mark_prices_and_whole_books() -> None:
    one = decoder()
    assert decoded(one, samples.MARK) == [(MARK, 0, 422164, 4221645000000, LAST, 3)]
    for message, levels in ((samples.DEPTH20, 3), (samples.DEPTH_ALL, 2)):
        rows = decoded(one, message)
        assert [row[0] for row in rows] == [CLEAR] + [LEVEL] * levels
        assert rows[1] == (LEVEL, BID, 18901, 230, SNAPSHOT, 5)
        assert rows[-1] == (LEVEL, ASK, 18902, 40, SNAPSHOT | LAST, 5)


def test_a_change_behind_a_book_without_an_id_is_a_gap() -> None:
    one = decoder()
    decoded(one, samples.DEPTH20)
    after = decoded(one, book("update", 7, bids=[("1.0", "1")], symbol="ETH-USDT"))
    assert after == [(CLEAR, 0, 0, 0, GAP | LAST, 5)]


def test_funding_from_answers_old_and_new() -> None:
    one = decoder()
    settles = 1702742400 // 60
    assert decoded(one, samples.PREMIUM, "BTC-USDT") == [(FUNDING, 0, settles, 25100, LAST, 3)]
    assert venue_times(one, samples.PREMIUM, "BTC-USDT") == [1702739000000 * MS]
    assert decoded(one, samples.PREMIUM_OLD, "BTC-USDT") == [
        (FUNDING, 0, settles, -10000, LAST | BAD_CLOCK, 3)
    ]
    assert venue_times(one, samples.PREMIUM_OLD, "BTC-USDT") == [NO_TIME]
    listed = samples.answer([msgspec.json.decode(samples.PREMIUM)["data"]] * 2)
    assert len(decoded(one, listed, "BTC-USDT")) == 2
    with pytest.raises(MessageError, match="100410"):
        decoded(one, samples.answer(None, 100410, "too fast"), "BTC-USDT")


def test_what_is_not_needed_is_counted_by_name() -> None:
    one = decoder()
    for message in (
        samples.BOOK_TICKER,
        samples.LAST_PRICE,
        samples.TICKER,
        samples.KLINE,
        samples.ACK,
        samples.ACK_2025,
        samples.REFUSAL,
        b"Ping",
    ):
        assert decoded(one, message) == []
    assert decoded(one, samples.INTEREST, "BTC-USDT") == []
    assert one.ignored == {
        "bookTicker": 1,
        "lastPrice": 1,
        "ticker": 1,
        "kline_1m": 1,
        "acknowledgement": 2,
        "refusal 80015": 1,
        "Ping": 1,
        "openInterest": 1,
    }
    assert decoded(one, prints((0, "1.0", "1", True), symbol="NO-USDT")) == []
    assert one.unknown == {"NO-USDT": 1}


BOOK_RULES = [
    ("nothing before a picture", [("update", 5)], [0]),
    ("the first follows the picture", [("all", 5), ("update", 6), ("update", 15)], [3, 1, 1]),
    ("the first does not", [("all", 5), ("update", 7), ("update", 8), ("all", 9)], [3, -1, 0, 3]),
    ("a repeat", [("all", 5), ("update", 6), ("update", 6), ("update", 7)], [3, 1, -1, 0]),
    ("out of order", [("all", 5), ("update", 6), ("update", 9), ("update", 8)], [3, 1, 1, -1]),
    ("ids begin anew", [("all", 50), ("all", 5), ("update", 6)], [3, 3, 1]),
]


@pytest.mark.parametrize(("name", "steps", "wanted"), BOOK_RULES, ids=str)
def test_the_rules_of_the_book(name: str, steps: list[tuple[str, int]], wanted: list[int]) -> None:
    """Rows of each message; -1 is one CLEAR that says GAP."""
    one, got = decoder(), []
    for action, number in steps:
        asks = [("11.0", "1")] if action == "all" else []
        rows = decoded(one, book(action, number, bids=[("10.0", "1")], asks=asks))
        got.append(-1 if rows == [(CLEAR, 0, 0, 0, GAP | LAST, 3)] else len(rows))
    assert got == wanted, name
    assert one.wanted() == (["ETH-USDT"] if got[-1] > 0 else ["BTC-USDT", "ETH-USDT"])


def test_a_lost_connection_and_a_book_given_up_wait_for_a_picture() -> None:
    one = decoder()
    decoded(one, samples.ALL)
    out = empty_events(4)
    assert one.interrupt(NOW, out) == 1
    assert (out[0]["kind"], out[0]["flags"]) == (CLEAR, GAP | LAST)
    assert decoded(one, samples.UPDATE) == []
    decoded(one, samples.ALL)
    assert one.distrust("BTC-USDT", NOW, out) == 1


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (book("never", 5), "never"),
        (samples.ALL.replace(b'"lastUpdateId":857550006,', b""), "lastUpdateId"),
        (samples.TRADES.replace(b'"m":true', b'"m":"true"'), "bool"),
        (samples.TRADES.replace(b'"q":"0.0421"', b'"q":"0.04211"'), "whole number of steps"),
        (samples.MARK.replace(b'"42216.45"', b"42216.45"), "str"),
        (b"not json", "malformed"),
        (b"", "truncated"),
        (b'{"code":0,"dataType":"', "truncated"),
    ],
)
def test_what_is_not_documented_is_refused_and_changes_nothing(message: bytes, why: str) -> None:
    one = decoder()
    decoded(one, samples.ALL)
    before = one.state()
    with pytest.raises(MessageError, match=why):
        decoded(one, message)
    assert one.state() == before


def test_controls() -> None:
    ping = BINGX.control(b"Ping")
    assert ping is not None
    assert (ping.kind, ping.reply) == (ControlKind.PING, b"Pong")
    for message in (samples.ACK, samples.ACK_2025):
        ack = BINGX.control(message)
        assert ack is not None
        assert ack.kind is ControlKind.ACK
    for message in (samples.REFUSAL, samples.REFUSAL_ACCOUNT):
        refused = BINGX.control(message)
        assert refused is not None
        assert refused.kind is ControlKind.REFUSED
        assert "8001" in refused.text
    ended = BINGX.control(b'{"e":"listenKeyExpired","E":1676964520421,"listenKey":"x"}')
    assert ended is not None
    assert ended.kind is ControlKind.ENDED
    for message in (samples.ALL, samples.TRADES, samples.MARK, b"[]", b"\xff", b"{", b""):
        assert BINGX.control(message) is None
    spaced = json.dumps(json.loads(samples.MARK)).encode()
    assert BINGX.control(spaced) is None
    assert len(decoded(decoder(), spaced)) == 1
    assert BINGX.control(b'{"e":"ORDER_TRADE_UPDATE","E":1,"o":{}}') is None


def test_frames_are_unpacked() -> None:
    assert BINGX.unpack(gzip.compress(samples.ALL)) == samples.ALL
    assert BINGX.unpack(b"Ping") == b"Ping"


def test_subscriptions_name_each_topic_once_and_fit_a_connection() -> None:
    (link,) = BINGX.subscribe([BTC, ETH])
    assert link.address == "wss://open-api-swap.bingx.com/swap-market"
    assert [msgspec.json.decode(one)["dataType"] for one in link.messages] == [
        "BTC-USDT@trade",
        "BTC-USDT@incrDepth",
        "BTC-USDT@markPrice",
        "ETH-USDT@trade",
        "ETH-USDT@incrDepth",
        "ETH-USDT@markPrice",
    ]
    assert link.messages[0] == (
        b'{"id":"BTC-USDT@trade","reqType":"sub","dataType":"BTC-USDT@trade"}'
    )
    assert {one.kind for one in link.expected} == {LEVEL, TRADE, MARK}
    many = [msgspec.structs.replace(BTC, symbol=f"S{i}-USDT") for i in range(150)]
    assert [len(one.messages) for one in BINGX.subscribe(many)] == [198, 198, 54]
    assert BINGX.resubscribe is not None
    assert [msgspec.json.decode(one)["reqType"] for one in BINGX.resubscribe(BTC)] == [
        "unsub",
        "sub",
    ]
    assert BINGX.polls is not None
    (poll,) = BINGX.polls(BTC)
    assert poll.request.url.endswith("/openApi/swap/v2/quote/premiumIndex?symbol=BTC-USDT")
    assert BINGX.snapshot_request is None


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 60), seed=st.integers(0, 2**32))
def test_a_recording_cut_anywhere_gives_the_same_rows(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stream, number = [samples.ALL], 857550006
    for _ in range(60):
        number += int(rng.integers(1, 3))
        if rng.random() < 0.5:
            stream.append(book("update", number, bids=[("10.0", str(rng.integers(9)))]))
        else:
            ms = int(rng.integers(3))
            stream.append(prints((ms, "4.0", "1", True), (0, "4.0", "1", True)))
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
    symbol=st.sampled_from(["", "BTC-USDT"]),
    cut=st.integers(0, 300),
)
@example(seed=0, edits=[(0, b"\x1f\x8b", True)], symbol="", cut=300)
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
    decoded(one, samples.ALL)
    BINGX.control(message)
    try:
        plain = BINGX.unpack(message)
        rows = decoded(one, plain, symbol)
    except MessageError:
        return
    assert all(row[5] in (3, 5) for row in rows)


@settings(max_examples=200, deadline=None)
@given(
    message=st.binary(max_size=300).filter(
        lambda message: message != b"Ping" and b'":' not in message
    ),
    symbol=st.sampled_from(["", "BTC-USDT"]),
)
@example(message=b"{}", symbol="")
@example(message=b'{"e":"ORDER_TRADE_UPDATE"}', symbol="")
def test_noise_is_a_message_error(message: bytes, symbol: str) -> None:
    assert BINGX.control(message) is None
    with pytest.raises(MessageError):
        decoded(decoder(), BINGX.unpack(message), symbol)


@pytest.mark.recording
def test_single_frames_of_the_wire() -> None:
    lines = recording("fixtures/live_frames.jsonl").read_bytes().splitlines()
    found = [msgspec.json.decode(line) for line in lines if b'"venue": "bingx"' in line]
    one, kinds = decoder(), []
    for line in found:
        text = line["frame"].encode()
        said = BINGX.control(text)
        if line["dir"] == "send":
            continue
        rows = decoded(one, text)
        kinds.append((line["channel"], None if said is None else said.kind.name, len(rows)))
    assert kinds == [
        ("control", "ACK", 0),
        ("incrDepth", None, 7),
        ("incrDepth", None, 6),
        ("control", "REFUSED", 0),
        ("markPrice", None, 1),
        ("bookTicker", None, 0),
        ("ping", "PING", 0),
    ]
    sent = [msgspec.json.decode(x["frame"]) for x in found if x["dir"] == "send"]
    ours = [msgspec.json.decode(one) for one in BINGX.subscribe([BTC])[0].messages]
    assert sent[0] | {"id": "BTC-USDT@incrDepth"} in ours


@pytest.mark.recording
def test_a_minute_of_the_wire() -> None:
    """631 frames: each is understood, and the best levels are never crossed."""
    path = recording("fixtures/bingx_ws_responses.json.gz")
    kept = msgspec.json.decode(gzip.decompress(path.read_bytes()))["responses"]
    one, rows, crossed = decoder(), 0, 0
    controls: dict[str, int] = {}
    for kind in ("ticker", "kline", "depth", "subscription", "ping_pong"):
        for frame in kept[kind]:
            data = frame["parsed_data"]
            text = b"Ping" if data is None else msgspec.json.encode(data)
            said = BINGX.control(text)
            if said is not None:
                controls[said.kind.name] = controls.get(said.kind.name, 0) + 1
            got = decoded(one, text)
            rows += len(got)
            if kind == "depth":
                bids = [row[2] for row in got if row[1] == BID]
                asks = [row[2] for row in got if row[1] == ASK]
                crossed += max(bids) >= min(asks)
                assert (len(bids), len(asks)) == (20, 20)
    assert controls == {"ACK": 5, "PING": 12}
    assert one.ignored == {"ticker": 120, "kline_1m": 193, "acknowledgement": 5, "Ping": 12}
    assert (one.counts["snapshots"], rows, crossed) == (301, 301 * 41, 0)
