"""Bybit's streams become the exact rows: the documents' samples, and the life of a book."""

import numpy as np
import pytest

from aggressor.market.book import book_state, run_book
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
    LIQUIDATION,
    MARK,
    NOT_FLOW,
    QUOTE,
    RPI,
    SELL,
    SNAPSHOT,
    STALE,
    STATUS,
    TRADE,
    Events,
    Status,
    empty_events,
)
from aggressor.venues.session import ControlKind, Link, State
from aggressor.venues.venue import MarketDecoder
from tests.venues import bybit_samples as samples
from tests.venues.bybit_samples import (
    LINEAR,
    MS,
    RECV,
    T0,
    book,
    decode,
    decoder,
    instrument,
    quote,
    rows,
    snapshot,
    ticker,
    trades,
)

SECOND = 1_000_000_000


def test_the_documents_snapshot_is_a_clear_and_its_levels() -> None:
    ts = 1_672_304_484_976 * MS
    assert rows(decode(decoder(), samples.BOOK_SNAPSHOT)) == [
        (RECV, ts, 0, 0, CLEAR, 0, 0, 0),
        (RECV, ts, 6, 164_935, LEVEL, BID, SNAPSHOT, 0),
        (RECV, ts, 100, 164_930, LEVEL, BID, SNAPSHOT, 0),
        (RECV, ts, 29, 166_110, LEVEL, ASK, SNAPSHOT | LAST, 0),
    ]


def test_the_documents_delta_says_absolute_sizes() -> None:
    one = decoder()
    decode(one, book(177_400_506, bids=[("30245.4", "1")], asks=[("30248.7", "1")], delta=False))
    ts = 1_687_940_967_464 * MS
    assert rows(decode(one, samples.BOOK_DELTA)) == [
        (RECV, ts, 30_028, 302_472, LEVEL, BID, 0, 0),
        (RECV, ts, 0, 302_454, LEVEL, BID, 0, 0),
        (RECV, ts, 0, 302_487, LEVEL, ASK, LAST, 0),
    ]


def test_a_book_without_the_matching_time_has_that_of_publication() -> None:
    old = samples.BOOK_SNAPSHOT.replace(b',"cts":1672304484976', b"")
    assert set(decode(decoder(), old)["ts_venue"]) == {1_672_304_484_978 * MS}


def test_the_documents_trade() -> None:
    assert rows(decode(decoder(), samples.TRADE)) == [
        (RECV, 1_672_304_486_865 * MS, 1, 165_785, TRADE, BUY, LAST, 0)
    ]


def test_a_block_trade_is_no_flow_and_an_rpi_fill_takes_nothing_from_the_book() -> None:
    one = decoder()
    assert [row[6] for row in rows(decode(one, trades("a", BT=True)))] == [NOT_FLOW | LAST]
    assert [row[6] for row in rows(decode(one, trades("b", RPI=True)))] == [RPI | LAST]
    assert [row[5] for row in rows(decode(one, trades("c", side="Buy")))] == [BUY]
    assert [row[5] for row in rows(decode(one, trades("d")))] == [SELL]


def test_trades_of_one_message_keep_their_order_and_come_once() -> None:
    one = decoder()
    assert len(decode(one, trades("a", "b", "c"))) == 3
    assert len(decode(one, trades("b", "c", "d"))) == 1
    assert one.counts["trades_dropped"] == 2


def test_recent_trades_fill_what_a_lost_connection_missed_oldest_first() -> None:
    one = decoder()
    told = decode(one, samples.RECENT_TRADES, symbol="BTCUSDT")
    assert [(row[1], row[3], row[5], row[6]) for row in rows(told)] == [
        (1_672_052_955_758 * MS, 166_184, BUY, RPI | STALE | LAST),
        (1_672_052_955_759 * MS, 166_185, SELL, NOT_FLOW | STALE | LAST),
    ]
    assert len(decode(one, trades("b2", "c3"))) == 1  # `i` is the answer's execId


def test_the_documents_ticker() -> None:
    ts = 1_760_325_052_630 * MS
    assert rows(decode(decoder(), samples.TICKER)) == [
        (RECV, ts, 6_666_660_000_000, 666_666, MARK, 0, LAST, 0),
        (RECV, ts, -500_000, 1_760_342_400_000 // 60_000, FUNDING, 0, LAST, 0),
        (RECV, ts, 246_186_860, 0, INTEREST, 0, LAST, 0),  # half of both sides
    ]


def test_a_ticker_delta_says_only_what_changed() -> None:
    one = decoder()
    settles = T0 + 3_600_000
    decode(
        one, ticker("snapshot", markPrice="100", fundingRate="0.1", nextFundingTime=str(settles))
    )
    assert [row[4] for row in rows(decode(one, ticker(bid1Price="100.0", bid1Size="1")))] == []
    assert one.ignored == {"ticker without news": 1}
    assert [row[2:5] for row in rows(decode(one, ticker(markPrice="100.07")))] == [
        (10_007_000_000, 1000, MARK)
    ]
    assert [row[2:5] for row in rows(decode(one, ticker(fundingRate="-0.0002")))] == [
        (-20_000, settles // 60_000, FUNDING)
    ]
    later = settles + 28_800_000
    assert [row[2:5] for row in rows(decode(one, ticker(nextFundingTime=str(later))))] == [
        (-20_000, later // 60_000, FUNDING)
    ]


def test_open_interest_counts_one_side() -> None:
    one = decoder()
    both = ticker(openInterest="59891.732", singleOpenInterest="29945.866")
    assert [row[2] for row in rows(decode(one, both))] == [29_945_866]
    assert [row[2] for row in rows(decode(one, ticker(openInterest="59891.733")))] == [29_945_866]


def test_a_delivery_contract_has_no_funding() -> None:
    told = ticker("snapshot", markPrice="100", fundingRate="", nextFundingTime="0")
    assert [row[4] for row in rows(decode(decoder(), told))] == [MARK]


@pytest.mark.parametrize(
    ("phase", "status"),
    [
        ("NotStarted", Status.HALTED),
        ("CallAuction", Status.AUCTION),
        ("CallAuctionNoCancel", Status.AUCTION),
        ("CrossMatching", Status.AUCTION),
        ("ContinuousTrading", Status.TRADING),
        ("Finished", Status.CLOSED),
    ],
)
def test_the_phases_before_listing(phase: str, status: Status) -> None:
    told = rows(decode(decoder(), ticker(curPreListingPhase=phase)))
    assert [(row[4], row[2]) for row in told] == [(STATUS, status)]


def test_the_side_of_a_liquidation_is_the_orders() -> None:
    rose = instrument("ROSEUSDT", "0.00001", "1")
    short_died = rows(decode(decoder(rose), samples.LIQUIDATION))
    assert short_died == [(RECV, 1_739_502_302_929 * MS, 20_000, 4_499, LIQUIDATION, BUY, LAST, 0)]
    long_died = samples.LIQUIDATION.replace(b'"Sell"', b'"Buy"')
    assert [row[5] for row in rows(decode(decoder(rose), long_died))] == [SELL]


def test_a_bankruptcy_price_may_lie_between_ticks() -> None:
    rose = instrument("ROSEUSDT", "0.0001", "1")
    assert [row[3] for row in rows(decode(decoder(rose), samples.LIQUIDATION))] == [449]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (samples.KLINE, "kline"),
        (book(9, depth="full"), "full book"),
        (book(9, depth="rpi"), "book with RPI"),
        (quote(9, 9).replace(b'"snapshot"', b'"delta"'), "level 1 as changes"),
        (b'{"topic":"priceLimit.BTCUSDT","data":{}}', "priceLimit"),
        (b'{"topic":"adlAlert.USDT","data":{}}', "adlAlert"),
        (b'{"topic":"liquidation.BTCUSDT","data":{}}', "liquidation"),
        (b'{"topic":"news.BTCUSDT","data":{}}', "other topic"),
        (samples.SUBSCRIBED, "control"),
        (samples.PONG, "control"),
        (samples.REST_BOOK, "answer"),
    ],
)
def test_what_is_understood_and_not_needed_is_counted(message: bytes, name: str) -> None:
    one = decoder()
    assert rows(decode(one, message)) == []
    assert one.ignored == {name: 1}


def test_a_quote_of_one_side_is_none() -> None:
    one = decoder()
    empty = quote(9, 9).replace(b'"b":[["100.0","1"]]', b'"b":[]')
    assert rows(decode(one, empty)) == []
    assert one.ignored == {"quote of one side": 1}


def test_keys_may_stand_in_any_order() -> None:
    turned = (
        b'{"cts":1672304484976,"data":{"seq":7961638724,"u":18521288,"a":[["16611.00","0.029"]],'
        b'"b":[["16493.50","0.006"],["16493.00","0.100"]],"s":"BTCUSDT"},"ts":1672304484978,'
        b'"type":"snapshot","topic":"orderbook.50.BTCUSDT"}'
    )
    spaced = samples.BOOK_SNAPSHOT.replace(b":", b" : ", 1).replace(b",", b" , ")
    expected = rows(decode(decoder(), samples.BOOK_SNAPSHOT))
    assert rows(decode(decoder(), turned)) == expected
    assert rows(decode(decoder(), spaced)) == expected


def test_new_fields_of_the_venue_break_nothing() -> None:
    more = samples.TRADE.replace(b'"L":', b'"new":{"deep":[1,null]},"L":')
    assert rows(decode(decoder(), more)) == rows(decode(decoder(), samples.TRADE))
    deep = samples.BOOK_SNAPSHOT.replace(b'["16611.00","0.029"]', b'["16611.00","0.029","7",{}]')
    assert rows(decode(decoder(), deep)) == rows(decode(decoder(), samples.BOOK_SNAPSHOT))


@pytest.mark.parametrize("field", [b'"s"', b'"u"', b'"seq"', b'"b"', b'"a"', b'"type"', b'"ts"'])
def test_a_missing_field_of_a_book_is_a_message_error(field: bytes) -> None:
    with pytest.raises(MessageError, match="left out"):
        decode(decoder(), samples.BOOK_SNAPSHOT.replace(field, b'"x"', 1))


@pytest.mark.parametrize("field", [b'"T"', b'"s"', b'"S"', b'"v"', b'"p"', b'"i"'])
def test_a_missing_field_of_a_trade_is_a_message_error(field: bytes) -> None:
    with pytest.raises(MessageError, match="left out"):
        decode(decoder(), samples.TRADE.replace(field, b'"x"', 1))


def test_a_refused_answer_is_a_message_error_that_names_the_code() -> None:
    with pytest.raises(MessageError, match="10006"):
        decode(decoder(), samples.answer({}, 10006, "Too many visits!"), symbol="BTCUSDT")


def test_other_symbols_are_counted() -> None:
    one = decoder()
    assert rows(decode(one, book(3, delta=False, symbol="ETHUSDT"))) == []
    assert one.unknown == {"ETHUSDT": 1}


# ---- the life of a book ----


def _verdicts(one: MarketDecoder, *messages: bytes) -> list[list[tuple[int, int]]]:
    return [[(row[4], row[6]) for row in rows(decode(one, message))] for message in messages]


def test_deltas_before_the_first_snapshot_are_of_no_use() -> None:
    one = decoder()
    assert rows(decode(one, book(9, bids=[("100.0", "1")]))) == []
    assert one.wanted() == ["BTCUSDT"]
    decode(one, snapshot(10))
    assert one.wanted() == []


def test_a_hole_in_the_ids_clears_the_book_until_a_snapshot() -> None:
    one = decoder()
    told = _verdicts(
        one,
        snapshot(10),
        book(11, bids=[("100.0", "5")]),
        book(13, bids=[("100.0", "6")]),
        book(14, bids=[("100.0", "7")]),
        snapshot(30),
        book(31, bids=[("100.0", "8")]),
    )
    assert told[1] == [(LEVEL, LAST)]
    assert told[2] == [(CLEAR, GAP | LAST)]
    assert told[3] == []
    assert told[4][0] == (CLEAR, 0)
    assert told[5] == [(LEVEL, LAST)]
    assert (one.counts["gaps"], one.counts["snapshots"]) == (1, 2)


def test_old_and_repeated_ids_are_dropped() -> None:
    one = decoder()
    decode(one, snapshot(10))
    told = _verdicts(
        one,
        book(10, bids=[("100.0", "9")]),
        book(9, bids=[("100.0", "9")]),
        book(11, bids=[("100.0", "5")]),
        book(11, bids=[("100.0", "9")]),
        book(12, bids=[("100.0", "6")]),
    )
    assert told == [[], [], [(LEVEL, LAST)], [], [(LEVEL, LAST)]]
    assert one.counts["gaps"] == 0


def test_a_snapshot_at_any_time_replaces_everything_even_with_a_lower_id() -> None:
    one = decoder()
    decode(one, snapshot(10))
    assert _verdicts(one, snapshot(500))[0][0] == (CLEAR, 0)
    assert _verdicts(one, book(501, bids=[("100.0", "5")])) == [[(LEVEL, LAST)]]
    assert _verdicts(one, snapshot(7))[0][0] == (CLEAR, 0)
    assert _verdicts(one, book(8, bids=[("100.0", "5")])) == [[(LEVEL, LAST)]]


def test_id_one_is_a_restart_of_the_service_whatever_the_message_is_called() -> None:
    one = decoder()
    decode(one, snapshot(10))
    restarted = decode(one, book(1, bids=[("90.0", "1")], asks=[("90.1", "1")]))
    assert [row[4] for row in rows(restarted)] == [CLEAR, LEVEL, LEVEL]
    assert _verdicts(one, book(2, bids=[("90.0", "5")])) == [[(LEVEL, LAST)]]


def test_a_lost_connection_clears_the_book_and_its_ids() -> None:
    one = decoder()
    decode(one, snapshot(10))
    out = empty_events(4)
    assert one.interrupt(RECV, out) == 1
    assert rows(out[:1]) == [(RECV, T0 * MS, 0, 0, CLEAR, 0, GAP | LAST, 0)]
    assert one.wanted() == ["BTCUSDT"]
    assert _verdicts(one, book(11, bids=[("100.0", "5")])) == [[]]
    assert _verdicts(one, snapshot(3))[0][0] == (CLEAR, 0)


def _book_of(events: Events) -> np.ndarray:
    state = book_state(1)
    assert run_book(events, 0, len(events), state) == len(events)
    return state.head[0]


def test_removing_an_unknown_level_is_nothing_and_a_crossed_book_is_flagged() -> None:
    one = decoder()
    seen = [decode(one, snapshot(10)), decode(one, book(11, bids=[("98.0", "0")]))]
    head = _book_of(np.concatenate(seen))
    assert (head["valid"], head["crossed"], head["bid"], head["ask"]) == (1, 0, 1000, 1001)
    seen.append(decode(one, book(12, bids=[("100.2", "1")])))
    head = _book_of(np.concatenate(seen))
    assert (head["valid"], head["crossed"]) == (0, 1)


def test_a_quote_newer_than_the_book_stands_until_the_book_has_passed_it() -> None:
    one = decoder()
    decode(one, snapshot(10, seq=1000))
    fresh = rows(decode(one, quote(5, 1005, ("100.1", "7"), ("100.2", "2"))))
    ts = T0 * MS
    assert fresh == [
        (RECV, ts, 7_000, 1001, QUOTE, BID, 0, 0),
        (RECV, ts, 2_000, 1002, QUOTE, ASK, LAST, 0),
    ]
    older = rows(decode(one, book(11, asks=[("100.3", "1")], seq=1003)))
    assert [row[4] for row in older] == [LEVEL, QUOTE, QUOTE]  # the touch does not step back
    newer = rows(decode(one, book(12, asks=[("100.3", "2")], seq=1005)))
    assert [row[4] for row in newer] == [LEVEL]


def test_a_quote_that_is_not_newer_is_left_out() -> None:
    one = decoder()
    assert rows(decode(one, quote(4, 999))) == []  # there is no book yet
    decode(one, snapshot(10, seq=1000))
    assert rows(decode(one, quote(4, 1000))) == []
    assert len(decode(one, quote(5, 1001))) == 2
    assert rows(decode(one, quote(5, 1001))) == []  # sent again after 3 s of rest
    assert one.counts["quotes_stale"] == 3


@pytest.mark.parametrize("cut", range(1, 11))
def test_two_decoders_joined_by_a_state_say_what_one_says(cut: int) -> None:
    stream = [
        snapshot(10),
        book(11, bids=[("100.0", "5")]),
        trades("a", "b"),
        ticker(fundingRate="0.0001", nextFundingTime=str(T0 + 60_000_000)),
        book(12, asks=[("100.1", "0"), ("100.2", "1")]),
        trades("b", "c"),
        quote(5, 12_500),
        book(13, bids=[("99.8", "1")], seq=12_400),
        ticker(fundingRate="0.0002"),
        book(14, bids=[("100.1", "5")]),
        book(16, bids=[("100.1", "6")]),
    ]
    whole = decoder()
    expected = [row for message in stream for row in rows(decode(whole, message))]
    first, second = decoder(), decoder()
    told = [row for message in stream[:cut] for row in rows(decode(first, message))]
    second.resume(first.state())
    told += [row for message in stream[cut:] for row in rows(decode(second, message))]
    assert told == expected


# ---- the connection ----


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        (samples.SUBSCRIBED, ControlKind.ACK, ""),
        (samples.SUBSCRIBED.replace(b"subscribe", b"unsubscribe"), ControlKind.ACK, ""),
        (samples.REFUSED, ControlKind.REFUSED, "Invalid symbol :[BTCUSDX]"),
        (samples.PONG, ControlKind.PONG, ""),
        (samples.PRIVATE_PONG, ControlKind.PONG, ""),
        (samples.TRADE_PONG, ControlKind.PONG, ""),
        (samples.LOGGED_IN, ControlKind.LOGGED_IN, ""),
        (samples.TRADE_LOGGED_IN, ControlKind.LOGGED_IN, "OK"),
        (samples.LOGIN_TWICE, ControlKind.LOGGED_IN, "Repeat auth"),
        (samples.LOGIN_REFUSED, ControlKind.REFUSED, "Params Error"),
        (samples.LOGIN_BAD_KEY, ControlKind.REFUSED, "Invalid apikey"),
        (b'{"op":"goodbye","success":true}', ControlKind.OTHER, ""),
    ],
)
def test_words_about_the_connection(message: bytes, kind: ControlKind, text: str) -> None:
    word = LINEAR.control(message)
    assert word is not None
    assert (word.kind, word.text if kind is not ControlKind.PONG else "") == (kind, text)


@pytest.mark.parametrize(
    "message", [*samples.MARKET_SAMPLES, b"", b"x", b"[1]", b'{"op":', b"\xff"]
)
def test_data_is_no_word_about_the_connection(message: bytes) -> None:
    assert LINEAR.control(message) is None
    assert LINEAR.control(samples.private("order", samples.ORDER_ROW)) is None


def test_the_streams_of_two_instruments_are_one_message_on_the_categorys_address() -> None:
    (one,) = LINEAR.subscribe([instrument(), instrument("ETHUSDT")])
    assert one.address == "wss://stream.bybit.com/v5/public/linear"
    assert one.messages == (
        b'{"req_id":"s1","op":"subscribe","args":["orderbook.200.BTCUSDT","orderbook.1.BTCUSDT",'
        b'"publicTrade.BTCUSDT","tickers.BTCUSDT","allLiquidation.BTCUSDT","orderbook.200.ETHUSDT",'
        b'"orderbook.1.ETHUSDT","publicTrade.ETHUSDT","tickers.ETHUSDT","allLiquidation.ETHUSDT"]}',
    )
    assert {expected.kind for expected in one.expected} == {LEVEL, QUOTE, MARK, TRADE}
    (other,) = samples.INVERSE.subscribe([samples.BTCUSD])
    assert other.address == "wss://stream.bybit.com/v5/public/inverse"


def test_a_connection_carries_no_more_topics_than_the_venue_takes() -> None:
    many = [instrument(f"COIN{number:03d}USDT") for number in range(400)]
    connections = LINEAR.subscribe(many)
    assert len(connections) > 1
    told = b"".join(message for one in connections for message in one.messages)
    assert all(told.count(f'"tickers.{one.symbol}"'.encode()) == 1 for one in many)
    for one in connections:
        assert sum(len(message) for message in one.messages) <= 21_000
        assert one.messages[0].startswith(b'{"req_id":"s1"')


def test_the_book_is_asked_for_again_by_leaving_its_stream_and_coming_back() -> None:
    assert LINEAR.resubscribe is not None
    assert LINEAR.resubscribe(instrument()) == (
        b'{"req_id":"r1","op":"unsubscribe","args":["orderbook.200.BTCUSDT"]}',
        b'{"req_id":"r2","op":"subscribe","args":["orderbook.200.BTCUSDT"]}',
    )


def test_a_connection_pings_every_20_s_and_is_given_up_after_two_missing_pongs() -> None:
    (one,) = LINEAR.subscribe([instrument()])
    link = Link(LINEAR.link, one.messages, books=True, lanes={0: "BTCUSDT"}, expected=one.expected)
    link.opened(0)
    assert link.due(0).send == one.messages
    word = LINEAR.control(samples.SUBSCRIBED)
    assert word is not None
    link.received(word, SECOND)
    assert link.state is State.ALIGNING
    assert link.due(20 * SECOND).send == (b'{"req_id":"1","op":"ping"}',)
    pong = LINEAR.control(samples.PONG)
    assert pong is not None
    link.received(pong, 20 * SECOND)
    assert link.due(40 * SECOND).send == (b'{"req_id":"2","op":"ping"}',)
    link.due(60 * SECOND)
    assert link.due(71 * SECOND).close == "nothing was received for 50 s"
