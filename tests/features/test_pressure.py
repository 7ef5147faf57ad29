"""The touch: worked examples, the twin, splits, mirror, bounds and additivity of OFI."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import pressure as module
from aggressor.features.pressure import PressureState, pressure_state, run_pressure
from aggressor.kernel import kernel
from aggressor.market.book import BookState, book_state
from aggressor.schema.event import (
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_TIME,
    QUOTE,
    TIMER,
    Events,
    empty_events,
)
from tests.features.books import B0_ASKS, B0_BIDS, START_NS, snapshot_events
from tests.naive import pressure as naive
from tests.naive.pressure import Top

T1_9 = [
    Top(1000, 30, 1001, 10),
    Top(1000, 35, 1001, 10),
    Top(1000, 35, 1001, 4),
    Top(1000, 35, 1002, 15),
    Top(1001, 8, 1002, 15),
    Top(1001, 8, 1002, 20),
    Top(1000, 35, 1002, 20),
]


@kernel
def _window(pressure: PressureState, start_ns: int) -> Any:
    window = module.flow_window(pressure, 0, start_ns)
    return window, module.normalised_flow(window)


@kernel
def _touch(pressure: PressureState) -> Any:
    return (
        module.queue_imbalance(pressure, 0),
        module.weighted_mid(pressure, 0),
        module.relative_spread_bp(pressure, 0),
    )


def quote(top: Top, ts: int) -> Events:
    events = empty_events(2)
    events["kind"], events["ts_recv"], events["ts_venue"] = QUOTE, ts, ts
    events["side"] = 1, -1
    events["price"] = top.bid, top.ask
    events["size"] = top.bid_lots, top.ask_lots
    events[1]["flags"] = LAST
    return events


def timer(ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["ts_recv"], events["ts_venue"] = TIMER, ts, ts
    return events


def lost(ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["flags"], events["ts_recv"] = CLEAR, GAP | LAST, ts
    return events


def run(*parts: Events, cuts: tuple[int, ...] = ()) -> tuple[BookState, PressureState]:
    events = np.concatenate(parts)
    book, pressure = book_state(1, window=64, levels=1024), pressure_state(1)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_pressure(events, start, stop, book, pressure) == stop
    return book, pressure


def around(top: Top, ts: int = START_NS) -> Events:
    """A snapshot whose touch is this top."""
    return snapshot_events({top.bid: top.bid_lots}, {top.ask: top.ask_lots}, ts)


def test_t1_1_and_t1_4_touch_of_b0() -> None:
    _, pressure = run(snapshot_events(B0_BIDS, B0_ASKS))
    head = pressure.head[0]
    assert (head["spread"], head["mid2"]) == (1, 2001)
    imbalance, weighted, spread_bp = _touch(pressure)
    assert imbalance == (20, 40)
    assert weighted == 1000.75
    assert spread_bp == pytest.approx(1 / 1000.5 * 1e4)


def test_t1_9_order_flow_imbalance() -> None:
    parts = [around(T1_9[0])]
    seen = []
    for i, top in enumerate(T1_9[1:]):
        parts.append(quote(top, START_NS + i + 1))
        seen.append(int(run(*parts)[1].head[0]["ofi"]))
    assert np.diff([0, *seen]).tolist() == [5, 6, 4, 8, -5, -8]
    assert seen[-1] == 10
    _, pressure = run(*parts)
    assert pressure.head[0]["mid2"] == 2002


def test_a_top_that_goes_back_and_forth_adds_nothing() -> None:
    newer = Top(1001, 8, 1002, 15)
    older_depth = empty_events(1)
    older_depth["kind"], older_depth["flags"], older_depth["side"] = LEVEL, LAST, 1
    older_depth["price"], older_depth["size"] = 990, 7
    _, pressure = run(around(T1_9[0]), quote(newer, 2), older_depth, quote(newer, 3))
    assert pressure.head[0]["ofi"] == naive.flow(T1_9[0], newer)


def test_the_transition_across_a_resync_is_skipped_and_counted() -> None:
    _, pressure = run(
        around(T1_9[0], 10), timer(20), lost(30), around(T1_9[3], 40), quote(T1_9[4], 50)
    )
    window, normalised = _window(pressure, 20)
    assert (window.ofi, window.changes, window.breaks) == (8, 1, 1)
    assert normalised == pytest.approx(8 / ((8 + 15) / 2))


def test_a_snapshot_without_a_loss_is_a_resync_too() -> None:
    _, pressure = run(around(T1_9[0], 10), around(T1_9[3], 40))
    assert (pressure.head[0]["ofi"], pressure.head[0]["breaks"]) == (0, 1)


def test_an_unknown_top_has_no_measures() -> None:
    _, pressure = run(around(T1_9[0]), lost(START_NS + 1))
    imbalance, weighted, spread_bp = _touch(pressure)
    assert imbalance == (0, 0)
    assert np.isnan(weighted)
    assert np.isnan(spread_bp)
    window, normalised = _window(pressure, START_NS)
    assert window.since_ns == NO_TIME
    assert np.isnan(normalised)


def test_old_readings_make_room_for_new_ones() -> None:
    parts = [around(T1_9[0], 0)]
    parts += [timer(ts) for ts in range(1, module.MARKS + 11)]
    _, pressure = run(*parts)
    assert _window(pressure, 10)[0].since_ns == NO_TIME
    assert _window(pressure, 11)[0].since_ns == 11
    assert _window(pressure, 10**6)[0].since_ns == module.MARKS + 10


tops = st.builds(
    lambda bid, spread, bid_lots, ask_lots: Top(bid, bid_lots, bid + spread, ask_lots),
    st.integers(-4, 4).map(lambda step: 1000 + step),
    st.integers(1, 3),
    st.integers(1, 10**9),
    st.integers(1, 10**9),
)
streams = st.lists(st.one_of(tops, st.none(), st.just("timer")), max_size=40)


def events_of(stream: list[Any], sign: int = 1, scale: int = 1) -> list[Events]:
    """Quotes over a deep snapshot, with losses and timers between; `sign` -1 mirrors."""
    parts, known, ts = [], False, START_NS
    for item in stream:
        ts += 10
        if item == "timer":
            parts.append(timer(ts))
        elif item is None:
            parts.append(lost(ts))
            known = False
        else:
            top = mirror_of(item) if sign < 0 else item
            top = Top(top.bid, top.bid_lots * scale, top.ask, top.ask_lots * scale)
            parts.append(quote(top, ts) if known else around(top, ts))
            known = True
    return [*parts, timer(ts + 10)]


def mirror_of(top: Top) -> Top:
    return Top(-top.ask, top.ask_lots, -top.bid, top.bid_lots)


@settings(max_examples=60, deadline=None)
@given(streams)
def test_twin(stream: list[Any]) -> None:
    _, pressure = run(*events_of(stream))
    head = pressure.head[0]
    seen = [item for item in stream if item != "timer"]
    assert (head["ofi"], head["queues"], head["changes"]) == naive.window(seen)
    if seen and seen[-1] is not None:
        top = seen[-1]
        _, weighted, _ = _touch(pressure)
        assert weighted == pytest.approx(float(top.weighted_mid), rel=1e-12)
        assert top.bid <= weighted <= top.ask
        assert head["spread"] == top.ask - top.bid


@settings(max_examples=40, deadline=None)
@given(streams, st.lists(st.integers(0, 500), max_size=6))
def test_split(stream: list[Any], cuts: list[int]) -> None:
    parts = events_of(stream)
    book, pressure = run(*parts)
    other_book, other = run(*parts, cuts=tuple(cuts))
    np.testing.assert_array_equal(pressure.head, other.head)
    np.testing.assert_array_equal(pressure.marks, other.marks)
    np.testing.assert_array_equal(book.head, other_book.head)


@settings(max_examples=40, deadline=None)
@given(streams, st.integers(2, 9))
def test_mirror_and_scale(stream: list[Any], scale: int) -> None:
    _, pressure = run(*events_of(stream))
    _, mirrored = run(*events_of(stream, sign=-1))
    _, scaled = run(*events_of(stream, scale=scale))
    assert mirrored.head[0]["ofi"] == -pressure.head[0]["ofi"]
    assert mirrored.head[0]["spread"] == pressure.head[0]["spread"]
    assert scaled.head[0]["ofi"] == scale * pressure.head[0]["ofi"]
    np.testing.assert_equal(-_touch(mirrored)[1], _touch(pressure)[1])
    np.testing.assert_equal(_touch(scaled)[1], _touch(pressure)[1])
    np.testing.assert_equal(
        _window(scaled, START_NS + 200)[1], _window(pressure, START_NS + 200)[1]
    )


@settings(max_examples=40, deadline=None)
@given(streams)
def test_ofi_of_sub_windows_adds_up(stream: list[Any]) -> None:
    _, pressure = run(timer(START_NS), *events_of(stream))
    count = int(pressure.head[0]["marks"])
    readings = pressure.marks[0, :count]
    steps = np.diff(readings["ofi"]).tolist()
    assert sum(steps) == _window(pressure, START_NS)[0].ofi == pressure.head[0]["ofi"]
    for i in range(count):
        since = int(readings[i]["ts_recv"])
        assert _window(pressure, since)[0].ofi == sum(steps[i:])
