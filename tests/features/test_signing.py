"""Lee-Ready: the worked example, venue time, the twin, splits and mirror; a recorded tape."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.signing import (
    MIDS,
    SigningState,
    accuracy,
    run_signing,
    sign_print,
    signing_state,
)
from aggressor.kernel import kernel
from aggressor.market.book import book_state, grow_book
from aggressor.schema.event import CLEAR, GAP, LAST, QUOTE, TRADE, Events, empty_events
from tests.features.books import START_NS, snapshot_events
from tests.naive import signing as naive
from tests.recordings import recording
from tests.venues.test_binance_recordings import decode_all, decoder_for, text_of


@kernel
def _sign(signing: SigningState, ts_venue: int, price: int) -> Any:
    return sign_print(signing, 0, ts_venue, price)


def top(one: int, other: int, ts: int) -> Events:
    """A snapshot of one level a side: the lower price is the bid."""
    return snapshot_events({min(one, other): 5}, {max(one, other): 5}, ts)


def lost(ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["flags"] = CLEAR, GAP | LAST
    events["ts_recv"] = events["ts_venue"] = ts
    return events


def trade(price: int, side: int, ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["flags"], events["size"] = TRADE, LAST, 1
    events["price"], events["side"] = price, side
    events["ts_recv"] = events["ts_venue"] = ts
    return events


def run(events: Events, cuts: tuple[int, ...] = ()) -> SigningState:
    book, signing = book_state(1, window=64, levels=256), signing_state(1)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        while start < stop:
            start = run_signing(events, start, stop, book, signing)
            if start < stop:
                book = grow_book(book)
    return signing


def test_t2_6_lee_ready() -> None:
    signing = run(top(200, 202, START_NS))  # half units: 100|101 with ticks of 0.5
    prices = [201, 202, 201, 201, 200, 201]
    seen = [_sign(signing, START_NS + 1 + i, price) for i, price in enumerate(prices)]
    assert [side for side, _ in seen] == [0, 1, -1, -1, -1, 1]
    assert [by_mid for _, by_mid in seen] == [False, True, False, False, True, False]


def test_the_mid_is_that_of_the_venue_time_before_the_trade() -> None:
    events = np.concatenate([top(100, 101, START_NS), top(101, 102, START_NS + 50)])
    assert _sign(run(events), START_NS + 50, 101) == (1, True)  # the quote it left behind
    assert _sign(run(events), START_NS + 51, 101) == (-1, True)
    assert _sign(run(events), START_NS, 101) == (0, False)


def test_no_mid_after_a_gap_leaves_the_tick_test() -> None:
    events = np.concatenate([top(100, 101, START_NS), trade(100, -1, START_NS + 1)])
    signing = run(np.concatenate([events, lost(START_NS + 2)]))
    assert _sign(signing, START_NS + 3, 101) == (1, False)


def test_accuracy_counts_what_could_not_be_signed() -> None:
    parts = [top(100, 102, START_NS)]
    parts += [trade(101, 1, START_NS + 1), trade(102, 1, START_NS + 2)]
    parts += [trade(101, 1, START_NS + 3), trade(100, -1, START_NS + 4), trade(99, 0, START_NS + 5)]
    signing = run(np.concatenate(parts))
    assert signing.score[0].tolist() == (2, 0, 0, 1, 1)
    assert accuracy(signing, 0) == 0.5
    assert np.isnan(accuracy(signing_state(1), 0))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("top"), st.integers(95, 105), st.integers(1, 3), st.integers(0, 3)),
        st.tuples(st.just("trade"), st.integers(94, 107), st.sampled_from([1, -1]), st.just(0)),
        st.tuples(st.just("lost"), st.just(0), st.just(0), st.integers(0, 3)),
    ),
    max_size=40,
)


def events_of(rows: list[Any], sign: int = 1) -> tuple[Events, list[int]]:
    """Return the tape, and the naive side of every trade; `sign` -1 mirrors prices and sides."""
    parts, mids, prices, sides = [top(sign * 90, sign * 91, START_NS)], [], [], []
    mids.append((START_NS, sign * 181))
    for i, (what, price, other, late) in enumerate(rows):
        ts = START_NS + 10 * (i + 1)
        if what == "trade":
            prices.append(sign * price)
            sides.append(naive.sign(mids, prices, ts))
            parts.append(trade(sign * price, sign * other, ts))
        elif what == "top":
            message = top(sign * price, sign * (price + other), ts)
            message["ts_venue"] += 5 * late  # up to after the next trade
            parts.append(message)
            mids.append((ts + 5 * late, sign * (2 * price + other)))
        else:
            parts.append(lost(ts))
            mids.append((ts, None))
    return np.concatenate(parts), sides


@settings(max_examples=60)
@given(steps, st.lists(st.integers(0, 300), max_size=5))
def test_twin_split_and_mirror(rows: list[Any], cuts: list[int]) -> None:
    events, sides = events_of(rows)
    signing = run(events)
    told = events["side"][events["kind"] == TRADE].tolist()
    score = signing.score[0]
    right = sum(one == other for one, other in zip(sides, told, strict=True))
    assert score["quote_right"] + score["tick_right"] == right
    assert score["unsigned"] == sides.count(0)
    assert sum(score.tolist()) == len(sides)
    cut = run(events, tuple(cuts))
    for one, other in zip(signing, cut, strict=True):
        np.testing.assert_array_equal(one, other)
    mirrored, mirrored_sides = events_of(rows, -1)
    assert mirrored_sides == [-side for side in sides]
    np.testing.assert_array_equal(run(mirrored).score, signing.score)


def test_old_mids_make_room() -> None:
    events = empty_events(2 * (MIDS + 10))
    events["kind"], events["flags"], events["size"] = QUOTE, [0, LAST] * (MIDS + 10), 1
    events["side"] = [1, -1] * (MIDS + 10)
    at = np.repeat(np.arange(MIDS + 10), 2)
    events["ts_recv"] = events["ts_venue"] = START_NS + 1 + at
    events["price"] = 100 + at % 2 + (events["side"] < 0)
    signing = run(np.concatenate([top(100, 101, START_NS), events]))
    assert signing.head[0]["changes"] == MIDS + 10
    assert _sign(signing, START_NS + 5, 500) == (0, False)
    assert _sign(signing, START_NS + MIDS, 500) == (1, True)


@pytest.mark.recording
def test_a_flagged_recording_is_signed_rightly() -> None:
    text = text_of(recording("binance-usdm/btcusdt_20240808.gz"))
    decoder, _ = decoder_for("binance-usdm", text)
    signing = run(decode_all(decoder, text))
    score = signing.score[0]
    assert sum(score.tolist()) == 21_313
    assert accuracy(signing, 0) > 0.98
    assert score["quote_right"] > 0.98 * (score["quote_right"] + score["quote_wrong"])
