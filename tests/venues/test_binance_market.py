"""Binance messages of each year's shape to rows, and what is wrong with them."""

import numpy as np
import pytest

from aggressor.schema import event as ev
from aggressor.schema.errors import MessageError
from aggressor.schema.event import empty_events
from aggressor.venues.binance.market import MESSAGE_BYTES_MAX
from aggressor.venues.venue import BAD, DONE, FULL, NEEDS_ROOM
from tests.venues.wire import (
    RECV,
    T0,
    agg_trade,
    combined,
    decode,
    decoder,
    depth,
    raw,
    rows,
    snapshot,
    ticker,
    trade,
)

VENUE_NS = T0 * 1_000_000


def fields(events: np.ndarray) -> list[tuple[int, ...]]:
    names = ["kind", "side", "price", "size", "flags"]
    return [tuple(int(row[name]) for name in names) for row in events]


def test_a_trade_of_2024_is_one_row_with_both_times() -> None:
    got = decode(decoder(), combined(trade(5)))
    assert rows(got) == [(RECV, VENUE_NS, 6, 1001, ev.TRADE, ev.BUY, ev.LAST, 0)]


def test_an_agg_trade_of_2021_is_batched() -> None:
    got = decode(decoder(), combined(agg_trade(5)))
    assert fields(got) == [(ev.TRADE, ev.SELL, 1001, 120, ev.BATCHED | ev.LAST)]


def test_an_agg_trade_of_2026_splits_off_what_never_rested_in_the_book() -> None:
    got = decode(decoder(), combined(agg_trade(5, nq="0.100", st=1)))
    assert fields(got) == [
        (ev.TRADE, ev.SELL, 1001, 100, ev.BATCHED),
        (ev.TRADE, ev.SELL, 1001, 20, ev.BATCHED | ev.RPI | ev.LAST),
    ]
    only_rpi = decode(decoder(), combined(agg_trade(6, nq="0")))
    assert fields(only_rpi) == [(ev.TRADE, ev.SELL, 1001, 120, ev.BATCHED | ev.RPI | ev.LAST)]
    no_rpi = decode(decoder(), combined(agg_trade(7, nq="0.120")))
    assert fields(no_rpi) == [(ev.TRADE, ev.SELL, 1001, 120, ev.BATCHED | ev.LAST)]


def test_a_trade_of_the_insurance_fund_is_no_flow() -> None:
    got = decode(decoder(), combined(trade(5, X="INSURANCE_FUND")))
    assert fields(got) == [(ev.TRADE, ev.BUY, 1001, 6, ev.NOT_FLOW | ev.LAST)]


def test_trade_ids_show_gaps_and_repeats_and_zero_prices_are_left_out() -> None:
    one = decoder()
    assert len(decode(one, combined(trade(5)))) == 1
    assert len(decode(one, combined(trade(5)))) == 0
    assert len(decode(one, combined(trade(7, price="0", X="NA")))) == 0
    assert fields(decode(one, combined(trade(8))))[0][-1] == ev.GAP | ev.LAST
    assert fields(decode(one, combined(trade(9))))[0][-1] == ev.LAST
    counts = one.counts
    assert (counts["trades"], counts["trades_dropped"], counts["trades_zero"]) == (3, 1, 1)
    assert counts["trade_gaps"] == 1


def test_of_two_tapes_the_first_seen_is_used() -> None:
    one = decoder()
    assert len(decode(one, combined(agg_trade(5)))) == 1
    assert len(decode(one, combined(trade(900)))) == 0
    assert one.counts["trades_skipped"] == 1


def test_deltas_wait_for_the_snapshot_and_follow_it_at_its_time() -> None:
    one = decoder()
    assert one.wanted() == ["BTCUSDT"]
    assert len(decode(one, combined(depth(5, 8, 3, bids=[("99.9", "5")])), RECV)) == 0
    assert len(decode(one, combined(depth(10, 12, 8, bids=[("99.8", "0")], ms=T0 + 7)), RECV)) == 0
    got = decode(one, raw(snapshot(11)), RECV + 5)
    assert fields(got) == [
        (ev.CLEAR, 0, 0, 0, ev.SNAPSHOT),
        (ev.LEVEL, ev.BID, 1000, 1000, ev.SNAPSHOT),
        (ev.LEVEL, ev.ASK, 1001, 2000, ev.SNAPSHOT | ev.LAST),
        (ev.LEVEL, ev.BID, 998, 0, ev.LAST),
    ]
    assert set(got["ts_recv"]) == {RECV + 5}
    assert got[3]["ts_venue"] == (T0 + 7) * 1_000_000
    assert one.wanted() == []


def test_a_gap_clears_the_book_until_a_snapshot_newer_than_what_waits() -> None:
    one = decoder()
    decode(one, raw(snapshot(20)))
    assert len(decode(one, combined(depth(19, 22, 18, asks=[("100.2", "1")])))) == 1
    assert len(decode(one, combined(depth(19, 22, 18, asks=[("100.2", "1")])))) == 0
    gap = decode(one, combined(depth(30, 33, 29, asks=[("100.2", "3")])))
    assert fields(gap) == [(ev.CLEAR, 0, 0, 0, ev.GAP | ev.LAST)]
    assert len(decode(one, combined(ticker(34)))) == 0
    assert len(decode(one, raw(snapshot(25)))) == 0
    assert one.wanted() == ["BTCUSDT"]
    got = decode(one, raw(snapshot(31)))
    kinds = got["kind"].tolist()
    assert kinds == [ev.CLEAR, ev.LEVEL, ev.LEVEL, ev.QUOTE, ev.QUOTE, ev.LEVEL, ev.QUOTE, ev.QUOTE]
    assert (one.counts["gaps"], one.counts["snapshots_too_old"]) == (1, 1)


def test_a_quote_is_news_only_if_newer_than_the_book_and_is_repeated_behind_older_depth() -> None:
    one = decoder()
    decode(one, raw(snapshot(20)))
    assert len(decode(one, combined(ticker(20)))) == 0
    quote = decode(one, combined(ticker(25)))
    assert fields(quote) == [
        (ev.QUOTE, ev.BID, 1000, 1500, 0),
        (ev.QUOTE, ev.ASK, 1001, 2500, ev.LAST),
    ]
    behind = decode(one, combined(depth(19, 22, 18, bids=[("99.9", "5")])), RECV + 9)
    assert behind["kind"].tolist() == [ev.LEVEL, ev.QUOTE, ev.QUOTE]
    assert behind["flags"].tolist() == [ev.LAST, 0, ev.LAST]
    assert set(behind["ts_recv"]) == {RECV + 9}
    newer = decode(one, combined(depth(26, 28, 22, bids=[("99.9", "6")])))
    assert newer["kind"].tolist() == [ev.LEVEL]
    assert len(decode(one, combined(ticker(30, bid="0.0", bids="0")))) == 0
    assert one.counts["quotes_zero"] == 1


def test_spot_messages_state_less() -> None:
    one = decoder("binance-spot")
    book = snapshot(20)
    del book["E"], book["T"]
    first = decode(one, raw(book))
    assert set(first["ts_venue"]) == {ev.NO_TIME}
    assert all(first["flags"] & ev.BAD_CLOCK)
    delta = decode(one, combined(depth(21, 23, None, bids=[("99.9", "1")])))
    assert rows(delta) == [(RECV, (T0 + 1) * 10**6, 1000, 999, ev.LEVEL, ev.BID, ev.LAST, 0)]
    quote = ticker(25)
    del quote["e"], quote["E"], quote["T"]
    assert set(decode(one, combined(quote))["ts_venue"]) == {(T0 + 1) * 10**6}
    print_ = trade(7, M=True)
    del print_["X"]
    assert len(decode(one, combined(print_))) == 1
    with pytest.raises(MessageError, match="binance-usdm"):
        decode(one, combined(depth(24, 26, 23)))


def test_spot_times_may_be_microseconds() -> None:
    got = decode(decoder("binance-spot"), combined(trade(7, T=T0 * 1000 + 5, E=T0 * 1000 + 9)))
    assert got[0]["ts_venue"] == (T0 * 1000 + 5) * 1000


def test_coin_m_snapshots_name_their_symbol_and_2026_adds_pair_and_market() -> None:
    one = decoder("binance-coinm", "BTCUSD_PERP", "ETHUSD_PERP")
    got = decode(one, raw(snapshot(20, symbol="ETHUSD_PERP", pair="ETHUSD")))
    assert set(got["instrument"]) == {1}
    more = {"s": "ETHUSD_PERP", "ps": "ETHUSD", "st": 2}
    assert len(decode(one, combined(depth(19, 22, 18, bids=[("99.9", "1")], **more)))) == 1


def test_partial_depth_is_not_a_diff() -> None:
    one = decoder()
    decode(one, raw(snapshot(20)))
    partial = depth(19, 22, 18, bids=[("99.9", "1")])
    assert len(decode(one, combined(partial, "btcusdt@depth20@100ms"))) == 0
    assert len(decode(one, combined(partial, "btcusdt@depth@100ms"))) == 1
    spot = decoder("binance-spot")
    assert len(decode(spot, combined(snapshot(20), "btcusdt@depth20"))) == 0
    assert len(decode(spot, combined(snapshot(20), "BTCUSDT@snapshot"))) == 3


def test_a_snapshot_without_a_symbol_needs_one() -> None:
    one = decoder("binance-usdm", "BTCUSDT", "ETHUSDT")
    with pytest.raises(MessageError, match="names no symbol"):
        decode(one, raw(snapshot(20)))
    assert set(decode(one, raw(snapshot(20)), symbol="ETHUSDT")["instrument"]) == {1}
    with pytest.raises(MessageError, match="XRPUSDT"):
        decode(one, raw(snapshot(20)), symbol="XRPUSDT")


def test_symbols_outside_the_table_are_counted_and_non_ascii_ones_found() -> None:
    one = decoder("binance-usdm", "牛来USDT")
    assert len(decode(one, combined(trade(5)))) == 0
    assert one.unknown == {"BTCUSDT": 1}
    assert len(decode(one, combined(trade(5, s="牛来USDT")))) == 1
    assert one.lane_of("牛来USDT") == 0


def test_rare_kinds() -> None:
    one = decoder()
    order = {"s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "99.1"}
    order |= {"ap": "99.1234", "X": "FILLED", "l": "0.014", "z": "0.014", "T": T0}
    liquidation = {"e": "forceOrder", "E": T0 + 1, "o": order}
    assert fields(decode(one, raw(liquidation))) == [(ev.LIQUIDATION, ev.SELL, 991, 14, ev.LAST)]
    merged = {"e": "forceOrder", "E": T0 + 1, "o": order | {"s": "BTCUSD_PERP", "st": 2}}
    assert len(decode(one, combined(merged, "!forceOrder@arr"))) == 0
    mark = {"e": "markPriceUpdate", "E": T0, "s": "BTCUSDT", "p": "100.19", "r": "-0.0001"}
    assert fields(decode(one, raw(mark | {"T": T0 + 3_600_000}))) == [
        (ev.MARK, 0, 1001, 10_019_000_000, 0),
        (ev.FUNDING, 0, T0 // 60_000 + 60, -10_000, ev.LAST),
    ]
    assert fields(decode(one, raw(mark | {"T": 0, "r": ""})))[0][0] == ev.MARK
    interest = {"openInterest": "10659.509", "symbol": "BTCUSDT", "time": T0}
    assert fields(decode(one, raw(interest))) == [(ev.INTEREST, 0, 0, 10_659_509, ev.LAST)]
    halt = {"e": "contractInfo", "E": T0, "s": "BTCUSDT", "cs": "TRADING_HALT", "st": 1}
    assert fields(decode(one, raw(halt))) == [(ev.STATUS, 0, 0, int(ev.Status.HALTED), ev.LAST)]
    assert len(decode(one, raw({"e": "kline", "E": T0, "s": "BTCUSDT", "k": {}}))) == 0
    assert len(decode(one, raw({"result": None, "id": 1}))) == 0
    assert one.ignored == {"forceOrder of the other market": 1, "kline": 1, "answer": 1}
    with pytest.raises(MessageError, match="refused"):
        decode(one, raw({"code": 2, "msg": "Invalid request"}))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (combined(trade(5, price="100.15")), "BTCUSDT: 100.15 is not on the grid of tick 0.10"),
        (combined(trade(5, price="1e2")), "not a plain decimal"),
        (combined(trade(5, size="99999999999999999999")), "too large"),
        (combined(trade(5, price="999999999.0")), "too large"),
        (combined({**trade(5), "t": "x"}), "not a plain decimal"),
        (combined({k: v for k, v in trade(5).items() if k != "m"}), "'m' is missing"),
        (combined(depth(1, 2, 0, bids=[("100.15", "1")])), "tick"),
        (combined(depth(1, 2, 0))[:-9], "Not JSON at byte"),
        (b"[1,2]", "Not JSON"),
        (b'{"e":"forceOrder","o":5}', "not what Binance documents"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(message: bytes, words: str) -> None:
    one = decoder()
    before = one.state()
    with pytest.raises(MessageError, match=words):
        decode(one, message)
    assert one.state() == before
    assert len(decode(one, combined(trade(5)))) == 1


def test_white_space_key_order_and_line_feeds_do_not_matter() -> None:
    shuffled = (
        b"""{ "data": {"q" : "0.006", "m": false ,"p":"100.1",
        "X":"MARKET","new":{"x":[1,{"y":"}"}]},"t": 5,"s":"BTCUSDT","T":%d,"e":"trade"},
        "stream":"a\\"b" }"""
        % T0
    )
    assert rows(decode(decoder(), shuffled)) == rows(decode(decoder(), combined(trade(5))))


def test_room_is_asked_for_and_nothing_is_lost() -> None:
    one = decoder()
    levels = [(f"{100 + i}.0", "1") for i in range(50)]
    decode(one, combined(depth(10, 12, 8, bids=levels)))
    message = raw(snapshot(11, bids=levels))
    small = empty_events(40)
    assert one.decode(message, RECV, small) == NEEDS_ROOM
    out = empty_events(one.room(message))
    assert one.decode(message, RECV, out) == 1 + 50 + 1 + 50


def test_limits_of_length_and_of_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    one = decoder()
    with pytest.raises(MessageError, match="over the limit"):
        decode(one, b" " * (MESSAGE_BYTES_MAX + 1))
    assert len(decode(one, combined(trade(5)) + b" " * 100_000)) == 1
    monkeypatch.setattr("aggressor.venues.binance.market.WAITING_MAX", 3)
    for number in range(1, 7):
        decode(one, combined(depth(number, number, number - 1, bids=[("99.9", "5")])))
    assert len(decode(one, raw(snapshot(2)))) == 0
    assert one.counts["snapshots_too_old"] == 1
    assert len(decode(one, raw(snapshot(5)))) == 3 + 2


def test_a_lost_connection_clears_every_known_book() -> None:
    one = decoder("binance-usdm", "BTCUSDT", "ETHUSDT")
    decode(one, raw(snapshot(20)), symbol="BTCUSDT")
    out = empty_events(4)
    assert one.interrupt(RECV, out) == 1
    assert fields(out[:1]) == [(ev.CLEAR, 0, 0, 0, ev.GAP | ev.LAST)]
    assert one.wanted() == ["BTCUSDT", "ETHUSDT"]
    assert len(decode(one, combined(ticker(99)))) == 0


def test_state_joins_the_next_recording() -> None:
    messages = [
        raw(snapshot(20)),
        combined(depth(19, 22, 18, bids=[("99.9", "1")])),
        combined(ticker(24)),
        combined(trade(5)),
        combined(depth(23, 30, 22, bids=[("99.8", "1")])),
        combined(trade(6)),
        combined(depth(40, 44, 39, bids=[("99.8", "1")])),
        raw(snapshot(41)),
    ]
    whole = decoder()
    expected = [rows(decode(whole, message)) for message in messages]
    for cut in range(len(messages)):
        first, second = decoder(), decoder()
        got = [rows(decode(first, message)) for message in messages[:cut]]
        second.resume(first.state())
        got += [rows(decode(second, message)) for message in messages[cut:]]
        assert got == expected


LINES = [raw(snapshot(20)), combined(depth(19, 22, 18, bids=[("99.9", "1")])), combined(trade(5))]


def text_of(lines: list[bytes]) -> np.ndarray:
    return np.frombuffer(bytearray(b"\n".join(lines)), np.uint8)


@pytest.mark.parametrize("scale", [1, 1_000, 1_000_000])
def test_lines_carry_their_local_time_in_three_units(scale: int) -> None:
    at = RECV // scale
    text = text_of([b"%d %s" % (at, line) for line in LINES])
    out = empty_events(64)
    got = decoder().decode_lines(text, 0, text.size, out)
    assert got == (text.size, 5, 0, 3, DONE)
    assert set(out[:5]["ts_recv"]) == {at * scale}


def test_bad_lines_are_reported_and_skipped_and_a_cut_last_line_is_left() -> None:
    lines = [b"%d %s" % (RECV, line) for line in LINES]
    text = text_of([lines[0], b"noise", lines[1][:50], lines[1], b"", lines[2][:30]])
    one, out = decoder(), empty_events(64)
    first = one.decode_lines(text, 0, text.size, out)
    assert (first.reason, first.rows, first.lines) == (BAD, 3, 2)
    assert "local time" in str(one.trouble)
    second = one.decode_lines(text, first.stop, text.size, out, first.rows)
    assert second.reason == BAD
    assert "cut or damaged" in str(one.trouble)
    third = one.decode_lines(text, second.stop, text.size, out, second.rows)
    assert (third.reason, third.rows, third.stop) == (DONE, 4, text.size - 30)
    assert one.counts["lines_bad"] == 2


def test_lines_stop_when_room_runs_out_and_go_on() -> None:
    lines = [b"%d %s" % (RECV + i, combined(trade(5 + i))) for i in range(40)]
    text = text_of(lines)
    one, out, at, seen = decoder(), empty_events(16), 0, []
    while True:
        got = one.decode_lines(text, at, text.size, out)
        seen += out[: got.rows]["ts_recv"].tolist()
        at = got.stop
        if got.reason == DONE:
            break
        assert got.reason == FULL
        assert got.lines > 0
    assert seen == [RECV + i for i in range(40)]
