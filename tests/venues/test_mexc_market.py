"""MEXC's streams: every form to its rows, the rules of its book, its controls, any bytes."""

import gzip

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
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
    STALE,
    TRADE,
    empty_events,
)
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.session import SECOND_NS, ControlKind, Link, State
from aggressor.venues.table import venue_named
from tests.venues.mexc_samples import BTC, DOGE, MS, T_MS, T_NS, answer, depth, picture, push

MEXC = venue_named("mexc")
NOW = T_NS + 20 * MS
Row = tuple[int, ...]


def decoder() -> PartsDecoder:
    made = MEXC.market_decoder([(BTC, 3), (DOGE, 5)])
    assert isinstance(made, PartsDecoder)
    return made


def rows(one: PartsDecoder, message: bytes, symbol: str = "") -> list[Row]:
    """Rows as (kind, side, price, size, flags, instrument)."""
    out = empty_events(one.room(message))
    count = one.decode(message, NOW, out, symbol)
    names = ("kind", "side", "price", "size", "flags", "instrument")
    assert np.all(out[:count]["ts_recv"] == NOW)
    return [tuple(int(row[name]) for name in names) for row in out[:count]]


def aligned(version: int = 10) -> PartsDecoder:
    """A decoder whose book stands at `version`."""
    one = decoder()
    rows(one, picture(version), "BTC_USDT")
    return one


def test_a_book_from_its_picture_and_a_merged_change_with_unordered_levels() -> None:
    one = decoder()
    assert rows(one, picture(10), "BTC_USDT") == [
        (CLEAR, 0, 0, 0, 0, 3),
        (LEVEL, BID, 999, 5, SNAPSHOT, 3),
        (LEVEL, ASK, 1001, 7, SNAPSHOT | LAST, 3),
    ]
    change = depth(11, 14, bids="[[99.5,8,4],[99.900000,0,0],[9.97E+1,25.000000000,58]]")
    assert rows(one, change) == [
        (LEVEL, BID, 995, 8, 0, 3),
        (LEVEL, BID, 999, 0, 0, 3),
        (LEVEL, BID, 997, 25, LAST, 3),
    ]
    out = empty_events(99)
    one.decode(depth(None, 15, asks="[[100.2,1,1]]"), NOW, out)
    assert out[0]["ts_venue"] == T_NS
    assert one.wanted() == ["DOGE_USDT"]


def test_changes_wait_for_a_picture_that_meets_them() -> None:
    one = decoder()
    assert rows(one, depth(21, 23, bids="[[99.0,1,1]]")) == []
    assert rows(one, depth(24, 24, bids="[[99.0,2,1]]")) == []
    assert rows(one, picture(19), "BTC_USDT") == []  # ends before the oldest begins
    assert "BTC_USDT" in one.wanted()
    found = rows(one, picture(22), "BTC_USDT")
    assert [row[3] for row in found if row[2] == 990] == [1, 2]
    assert one.wanted() == ["DOGE_USDT"]
    assert one.counts_of("BTC_USDT")["snapshots_too_old"] == 1


@pytest.mark.parametrize(
    ("begin", "end", "kinds"),
    [
        (11, 12, [LEVEL]),
        (None, 11, [LEVEL]),
        (9, 12, [LEVEL]),  # overlaps: sizes are absolute
        (8, 10, []),  # older
        (None, 9, []),
        (12, 13, [CLEAR]),  # 11 is missing
        (None, 12, [CLEAR]),
    ],
)
def test_the_chain_of_ids(begin: int | None, end: int, kinds: list[int]) -> None:
    one = aligned(10)
    found = rows(one, depth(begin, end, bids="[[99.0,1,1]]"))
    assert [row[0] for row in found] == kinds
    assert ("BTC_USDT" in one.wanted()) == (kinds == [CLEAR])
    if kinds == [CLEAR]:
        assert found[0][4] == GAP | LAST


def test_a_change_behind_a_gap_is_used_once_a_picture_meets_it() -> None:
    one = aligned(10)
    rows(one, depth(15, 16, bids="[[98.0,4,1]]"))
    found = rows(one, picture(14), "BTC_USDT")
    assert (LEVEL, BID, 980, 4, LAST, 3) in found
    assert rows(one, depth(17, 17, bids="[[98.0,0,0]]"))[0][3] == 0


def test_deals_as_a_list_and_alone_with_ids_and_without() -> None:
    one = decoder()
    listed = push(
        "deal",
        f'[{{"p":80489,"v":11,"T":1,"O":3,"M":1,"t":{T_MS},"i":"16270106116","cts":"{T_MS}"}},'
        f'{{"p":80488.5,"v":2,"T":2,"O":3,"M":2,"t":{T_MS + 1},"i":"16270106117"}}]',
    )
    assert rows(one, listed) == [
        (TRADE, BUY, 804_890, 11, LAST, 3),
        (TRADE, SELL, 804_885, 2, LAST, 3),
    ]
    assert rows(one, listed) == []  # the same ids
    alone = push("deal", '{"p":0.00981,"v":2040,"T":1,"O":3,"M":2,"t":5}', "DOGE_USDT")
    assert rows(one, alone) == [(TRADE, BUY, 981, 2040, LAST, 5)]
    assert len(rows(one, alone)) == 1  # an equal one of the same connection
    one.interrupt(NOW, empty_events(9))
    assert rows(one, alone) == []  # the new connection repeats it
    small = push("deal", '{"p":9.81E-3,"v":2040.0,"T":2,"t":6}', "DOGE_USDT")
    assert rows(one, small) == [(TRADE, SELL, 981, 2040, GAP | LAST, 5)]  # what came between?
    assert one.counts["trade_gaps"] == 1


@pytest.mark.parametrize("named", [True, False])
def test_deals_that_were_asked_for_are_written_late_and_once(named: bool) -> None:
    def deal(at: int) -> str:
        name = f',"i":"{at}"' if named else ""
        return f'{{"p":80489,"v":{at},"T":1,"O":3,"M":2,"t":{T_MS + at}{name}}}'

    one = decoder()
    rows(one, push("deal", f"[{deal(1)},{deal(2)}]"))
    one.interrupt(NOW, empty_events(9))
    data = ",".join(deal(at) for at in (5, 4, 3, 2, 1))
    answer = f'{{"success":true,"code":0,"data":[{data}]}}'.encode()
    late = LAST | STALE
    assert [row[3:5] for row in rows(one, answer, BTC.symbol)] == [(3, late), (4, late), (5, late)]
    assert rows(one, push("deal", f"[{deal(5)}]")) == []
    assert [row[3] for row in rows(one, push("deal", f"[{deal(6)}]"))] == [6]


def test_the_ticker_tells_mark_interest_and_funding() -> None:
    one = decoder()
    rate = push(
        "funding.rate",
        f'{{"symbol":"BTC_USDT","rate":0.000081,"nextSettleTime":{T_MS + 3_600_000}}}',
    )
    minute = (T_MS + 3_600_000) // 60_000
    assert rows(one, rate) == [(FUNDING, 0, minute, 8100, LAST, 3)]
    ticker = push(
        "ticker",
        '{"symbol":"BTC_USDT","lastPrice":4377.18,"bid1":4377.16,"fairPrice":4377.217,'
        f'"fundingRate":-1.2E-5,"holdVol":92415393,"riseFallRates":{{"r":1}},"timestamp":{T_MS}}}',
    )
    assert rows(one, ticker) == [
        (MARK, 0, 43_772, 437_721_700_000, LAST, 3),
        (INTEREST, 0, 0, 92_415_393, LAST, 3),
        (FUNDING, 0, minute, -1200, LAST, 3),
    ]
    fair = push("fair.price", '{"symbol":"BTC_USDT","price":75986}')
    assert rows(one, fair) == [(MARK, 0, 759_860, 7_598_600_000_000, LAST, 3)]


def test_funding_by_question() -> None:
    text = answer(
        '{"symbol":"BTC_USDT","fundingRate":-0.000489,"collectCycle":8,'
        f'"nextSettleTime":{T_MS + 60_000},"timestamp":{T_MS}}}'
    )
    minute = (T_MS + 60_000) // 60_000
    assert rows(decoder(), text, "BTC_USDT") == [(FUNDING, 0, minute, -48_900, LAST, 3)]


def test_what_is_understood_and_not_used() -> None:
    one = decoder()
    for message in (
        push("depth.full", '{"asks":[],"bids":[],"version":5}'),
        push("index.price", '{"price":1}'),
        push("personal.asset", "{}"),
        b'{"channel":"pong","data":1,"ts":1}',
        b'{"channel":"rs.sub.deal","data":"success","ts":1}',
    ):
        assert rows(one, message) == []
    assert one.counts["ignored"] == 5
    assert rows(one, push("deal", '{"p":1,"v":1,"T":1,"t":5}', "OTHER_USDT")) == []
    assert one.unknown == {"OTHER_USDT": 1}


@pytest.mark.parametrize(
    ("message", "symbol"),
    [
        (b'{"success":false,"code":1001,"message":"Contract does not exist!"}', "BTC_USDT"),
        (b'{"success":true,"code":0,"data":[]}', "BTC_USDT"),
        (push("deal", '{"p":1,"v":1,"T":3,"t":5}'), ""),
        (push("deal", '{"p":50000.11,"v":1,"T":1,"t":5}'), ""),
        (push("deal", '{"p":null,"v":1,"T":1,"t":5}'), ""),
        (push("depth", '{"asks":[[1,"x",1]],"bids":[],"version":11}'), ""),
        (push("depth", '{"asks":[[100.15,1,1]],"bids":[],"version":11}'), ""),
        (push("depth", '{"asks":[],"bids":[]}'), ""),
        (push("ticker", '{"fairPrice":1e999999}'), ""),
        (b'{"x":"push.deal","y":' + b"[" * 100_000, ""),
        (b"not json", ""),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(message: bytes, symbol: str) -> None:
    one = aligned(10)
    before = one.state()
    with pytest.raises(MessageError):
        rows(one, message, symbol)
    assert one.state() == before
    assert len(rows(one, depth(11, 11, bids="[[99.0,1,1]]"))) == 1


SEEDS = [
    depth(11, 14, bids="[[99.5,8,4],[99.9,0,0]]", asks="[[100.5,1,1]]"),
    depth(None, 11, asks="[[1E+2,1,1]]"),
    picture(12),
    push("deal", '[{"p":80489,"v":11,"T":1,"O":3,"M":1,"t":5,"i":"16"}]'),
    push("ticker", '{"fairPrice":4377.217,"fundingRate":-1.2E-5,"holdVol":9,"timestamp":5}'),
]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    at=st.integers(0, 400),
    put=st.binary(max_size=4) | st.sampled_from([b"null", b"[[[", b"1e400", b'"', b"9" * 40]),
    cut=st.integers(0, 3),
    symbol=st.sampled_from(["", "BTC_USDT"]),
)
def test_any_bytes_give_rows_or_a_message_error(
    seed: bytes, at: int, put: bytes, cut: int, symbol: str
) -> None:
    at %= len(seed) + 1
    one = aligned(10)
    for message in (seed[:at] + put + seed[at + cut :], seed[:at], put):
        out = empty_events(one.room(message))
        try:
            count = one.decode(message, NOW, out, symbol)
        except MessageError:
            continue
        assert 0 <= count <= out.size
        MEXC.control(message)


def test_a_state_joins_two_decoders_without_a_gap() -> None:
    first = aligned(10)
    stream = [depth(n, n, bids=f"[[9{n % 10}.0,{n},1]]") for n in range(11, 21)]
    whole = [row for message in stream for row in rows(first, message)]
    one = aligned(10)
    head = [row for message in stream[:4] for row in rows(one, message)]
    two = decoder()
    two.resume(msgspec.json.decode(msgspec.json.encode(one.state())))
    tail = [row for message in stream[4:] for row in rows(two, message)]
    assert head + tail == whole


def test_a_lost_connection_clears_books_and_waits_again() -> None:
    one = aligned(10)
    out = empty_events(9)
    assert one.interrupt(NOW, out) == 1
    assert (out[0]["kind"], out[0]["flags"], out[0]["instrument"]) == (CLEAR, GAP | LAST, 3)
    assert rows(one, depth(5, 6, bids="[[99.0,1,1]]")) == []  # ids may begin anew
    assert rows(one, picture(5), "BTC_USDT")[-1][:4] == (LEVEL, BID, 990, 1)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b'{"channel":"pong","data":1790134590000,"ts":1790134590000}', ControlKind.PONG),
        (b'{"channel":"rs.sub.deal","data":"success","ts":1790134590000}', ControlKind.ACK),
        (b'{"channel":"rs.personal.filter","data":"success","ts":1}', ControlKind.ACK),
        (b'{"channel":"rs.unsub.deal","data":"success","ts":1}', ControlKind.OTHER),
        (b'{"channel":"rs.login","data":"success","ts":1}', ControlKind.LOGGED_IN),
        (b'{"channel":"rs.login","data":"failed","ts":1}', ControlKind.REFUSED),
        (
            b'{"channel":"rs.error","data":"Contract [NOPE_USDT] not exists","ts":1}',
            ControlKind.REFUSED,
        ),
    ],
)
def test_messages_about_the_connection(message: bytes, kind: ControlKind) -> None:
    found = MEXC.control(message)
    assert found is not None
    assert found.kind is kind
    assert kind is not ControlKind.REFUSED or found.text


def test_market_data_is_not_about_the_connection() -> None:
    for message in (*SEEDS, b"", b"{", b"[1]", push("personal.order", "{}")):
        assert MEXC.control(message) is None
    assert MEXC.control(b'{"channel":"x"}') is None


def test_what_is_subscribed_and_how_it_is_kept() -> None:
    (one,) = MEXC.subscribe([BTC])
    assert one.address == "wss://contract.mexc.com/edge"
    assert [msgspec.json.decode(message)["method"] for message in one.messages] == [
        "sub.depth",
        "sub.deal",
        "sub.ticker",
        "sub.funding.rate",
    ]
    assert msgspec.json.decode(one.messages[0])["param"] == {"symbol": "BTC_USDT"}
    assert len(MEXC.subscribe([BTC] * 70)) == 3
    assert {expected.kind for expected in one.expected} == {LEVEL, MARK, TRADE}
    link = Link(MEXC.link, one.messages, books=True)
    link.opened(0)
    assert len(link.due(0).send) == 4
    ack = MEXC.control(b'{"channel":"rs.sub.deal","data":"success","ts":1}')
    assert ack is not None
    for _ in one.messages:
        link.received(ack, SECOND_NS)
    assert link.state is State.ALIGNING
    assert link.due(15 * SECOND_NS).send == (b'{"method":"ping"}',)


def test_packed_frames_are_unpacked() -> None:
    frame = depth(11, 11)
    assert MEXC.unpack(gzip.compress(frame)) == frame
    assert MEXC.unpack(frame) == frame


def test_requests() -> None:
    assert MEXC.snapshot_request is not None
    assert MEXC.snapshot_request(BTC).url == (
        "https://api.mexc.com/api/v1/contract/depth/BTC_USDT?limit=1000"
    )
    assert MEXC.trades_request is not None
    assert MEXC.trades_request(BTC).url.endswith("/contract/deals/BTC_USDT?limit=100")
    assert MEXC.polls is not None
    (poll,) = MEXC.polls(BTC)
    assert poll.request.url.endswith("/contract/funding_rate/BTC_USDT")
    assert poll.symbol == "BTC_USDT"
