"""Health: every doubt comes when it should and goes when it should."""

import numpy as np
import pytest

from aggressor.market.health import (
    FAULT_CLOCK,
    FAULT_CROSSED,
    FAULT_DEPTH_SILENT,
    FAULT_GAP,
    FAULT_NO_BOOK,
    FAULT_ONE_SIDED,
    FAULT_QUOTES_SILENT,
    FAULT_STALE,
    FAULT_TRADES_SILENT,
    fault_names,
)
from aggressor.market.state import MarketState, advance, market_state
from aggressor.schema.event import (
    ASK,
    BAD_CLOCK,
    BID,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_TIME,
    NOT_FLOW,
    QUOTE,
    RPI,
    TIMER,
    TRADE,
    Events,
)
from tests.market.streams import MS, Row, events_of, snapshot


def timer(ms: int) -> Row:
    return (ms, TIMER, 0, 0, 100, 0)


@pytest.fixture
def state() -> MarketState:
    return market_state(1, 64, 64)


def faults(rows: list[Row] | Events, state: MarketState) -> int:
    advance(events_of(rows) if isinstance(rows, list) else rows, state)
    return int(state.health.head[0]["faults"])


def test_book_faults_follow_the_book(state: MarketState) -> None:
    assert faults([], state) == FAULT_NO_BOOK | FAULT_ONE_SIDED
    assert faults(snapshot(1, {100: 5}, {101: 5}), state) == 0
    assert faults([(2, LEVEL, BID, 101, 1, LAST)], state) == FAULT_CROSSED
    assert faults([(3, LEVEL, BID, 101, 2, LAST)], state) == FAULT_CROSSED
    assert state.health.head[0]["crossed_since_ns"] == 2 * MS
    assert faults([(4, LEVEL, BID, 101, 0, LAST)], state) == 0
    assert state.health.head[0]["crossed_since_ns"] == NO_TIME
    assert faults([(5, LEVEL, ASK, 101, 0, LAST)], state) == FAULT_ONE_SIDED
    gap = [(6, CLEAR, 0, 0, 0, GAP | LAST)]
    assert faults(gap, state) == FAULT_GAP | FAULT_NO_BOOK | FAULT_ONE_SIDED
    assert faults(snapshot(7, {100: 5}, {101: 5}), state) == 0


def test_stale_until_the_next_book_message(state: MarketState) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    assert faults([timer(2001)], state) == 0
    assert faults([(2002, TRADE, 1, 101, 1, LAST), timer(2002)], state) == FAULT_STALE
    assert faults([(2003, LEVEL, BID, 100, 6, LAST)], state) == 0


def quotes(times_ms: list[int]) -> list[Row]:
    """A quote message at each time, with a TIMER behind it."""
    return [
        row
        for ms in times_ms
        for row in ((ms, QUOTE, BID, 100, 5, 0), (ms, QUOTE, ASK, 101, 5, LAST), timer(ms))
    ]


def test_a_book_that_is_usually_silent_is_stale_later(state: MarketState) -> None:
    """Bursts of three messages 100 ms apart, then 7.8 s of silence: the usual silence is 7.6 s."""
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    burst = [start + part for start in range(1000, 400_000, 8000) for part in (0, 100, 200)]
    assert burst[-1] == 393_200
    faults(quotes(burst), state)
    usual_ms = (7.8**2 + 2 * 0.1**2) / 8.0 * 1000
    limit_ms = state.health.silences[0]["limit_ns"] / MS
    assert 0.9 * 5 * usual_ms < limit_ms < 5 * usual_ms  # learned from short ones
    assert faults([timer(393_200 + int(limit_ms))], state) == 0
    assert faults([timer(393_201 + int(limit_ms))], state) == FAULT_STALE
    assert faults(quotes([450_000]), state) == 0


def test_a_lively_book_is_stale_after_two_seconds(state: MarketState) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    faults(quotes(list(range(1000, 200_001, 100))), state)
    assert faults([timer(202_000)], state) == 0
    assert faults([timer(202_001)], state) == FAULT_STALE


def test_a_trade_that_no_book_answers_makes_it_stale_however_silent(state: MarketState) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    silences = state.health.silences[0]
    faults(quotes(list(range(1000, 400_000, 8000))), state)
    assert silences["limit_ns"] > 30_000 * MS
    assert faults([timer(396_000), (396_001, TRADE, 1, 101, 1, LAST)], state) == 0
    assert faults([timer(398_001)], state) == 0
    assert faults([timer(398_002)], state) == FAULT_STALE
    assert faults([(398_003, LEVEL, BID, 100, 6, LAST), timer(405_000)], state) == 0


def test_a_trade_that_the_depth_already_shows_asks_for_nothing(state: MarketState) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    faults(quotes(list(range(1000, 400_000, 8000))), state)
    faults([(396_001, LEVEL, ASK, 101, 4, LAST)], state)
    shown = events_of([(396_040, TRADE, 1, 101, 1, LAST)])
    shown["ts_venue"] = 396_000 * MS
    assert faults(shown, state) == 0
    assert faults([timer(405_000)], state) == 0


@pytest.mark.parametrize("flag", [RPI, NOT_FLOW])
def test_what_is_not_taken_from_the_book_asks_for_nothing(state: MarketState, flag: int) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    faults(quotes(list(range(1000, 400_000, 8000))), state)
    assert faults([(396_001, TRADE, 1, 101, 1, LAST | flag), timer(405_000)], state) == 0


def test_an_outage_does_not_teach_that_outages_are_usual(state: MarketState) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    faults(quotes(list(range(1000, 200_001, 100))), state)
    faults(quotes([800_000]), state)  # ten minutes of nothing
    assert state.health.silences[0]["limit_ns"] == 2_000 * MS
    faults(snapshot(1_500_000, {100: 5}, {101: 5}), state)
    faults(quotes([1_500_100]), state)
    assert state.health.silences[0]["limit_ns"] == 2_000 * MS


def test_what_was_usual_long_ago_is_forgotten(state: MarketState) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    faults(quotes(list(range(1000, 700_000, 8000))), state)
    faults(quotes(list(range(700_000, 2_000_001, 100))), state)
    assert state.health.silences[0]["limit_ns"] == 2_000 * MS


def test_silence_is_judged_only_where_subscribed(state: MarketState) -> None:
    head = state.health.head[0]
    head["trade_limit_ns"], head["depth_limit_ns"], head["quote_limit_ns"] = 100 * MS, 900 * MS, 0
    rows = snapshot(1, {100: 5}, {101: 5})
    assert faults([timer(0), *rows, timer(100)], state) == 0
    assert faults([timer(101)], state) == FAULT_TRADES_SILENT
    assert faults([(150, TRADE, 1, 101, 1, LAST), timer(200)], state) == 0
    assert faults([timer(902)], state) == FAULT_TRADES_SILENT | FAULT_DEPTH_SILENT
    head["trade_limit_ns"], head["depth_limit_ns"], head["quote_limit_ns"] = 0, 0, 50 * MS
    assert faults([timer(903)], state) == FAULT_QUOTES_SILENT
    quote = [(904, QUOTE, BID, 100, 5, 0), (904, QUOTE, ASK, 101, 5, LAST)]
    assert faults([*quote, timer(910)], state) == 0


def trades(times: list[tuple[int, int]], flags: int = LAST) -> Events:
    events = events_of([(recv, TRADE, 1, 101, 1, flags) for recv, _ in times])
    events["ts_venue"] = np.array([venue for _, venue in times]) * MS
    return events


def test_a_constant_offset_of_the_host_is_no_fault(state: MarketState) -> None:
    faults(snapshot(1, {100: 5}, {101: 5}), state)
    late = market_state(1, 64, 64)
    events = trades([(1000 + i, 2270 + i) for i in range(50)])
    assert faults(events, late) & FAULT_CLOCK == 0


@pytest.mark.parametrize("venue", [1600, 400])
def test_a_jump_of_venue_time_either_way_is_a_fault_for_a_while(
    state: MarketState, venue: int
) -> None:
    assert faults(trades([(1000, 990), (1010, 1000)]), state) & FAULT_CLOCK == 0
    assert faults(trades([(1020, venue)]), state) & FAULT_CLOCK
    assert faults(trades([(1030, 1020)]), state) & FAULT_CLOCK
    assert state.health.head[0]["bad_clocks"] == 1
    assert faults([timer(61_020)], state) & FAULT_CLOCK
    assert faults([timer(61_021)], state) & FAULT_CLOCK == 0


def test_a_flagged_event_counts(state: MarketState) -> None:
    assert faults(trades([(1000, 990)], LAST | BAD_CLOCK), state) & FAULT_CLOCK
    assert state.health.head[0]["bad_clocks"] == 1


def test_clocks_that_were_set_are_believed_after_a_whole_window(state: MarketState) -> None:
    faults(trades([(0, 0), (1000, 1000)]), state)
    ahead = [(ms, ms + 3000) for ms in range(60_000, 200_000, 1000)]
    faults(trades(ahead), state)
    seen = int(state.health.head[0]["bad_clocks"])
    assert 60 <= seen <= 121
    assert faults(trades([(200_000, 203_000)]), state) & FAULT_CLOCK == FAULT_CLOCK
    assert state.health.head[0]["bad_clocks"] == seen
    assert faults([timer(260_000)], state) & FAULT_CLOCK == 0


def test_names() -> None:
    assert fault_names(FAULT_GAP | FAULT_STALE) == ("gap", "stale")
