"""Multi-level flow: the worked example, the twin, splits, mirror, gaps, windows and weights."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.depth_flow import (
    MARKS,
    RANKS,
    DepthFlowState,
    depth_flow_state,
    flow_window,
    integrated_flow,
    run_depth_flow,
    set_weights,
)
from aggressor.market.book import BookState, book_state
from aggressor.schema.event import LAST, LEVEL, NO_TIME, Events, empty_events
from tests.features.books import B0_ASKS, B0_BIDS, START_NS, snapshot_events
from tests.features.test_pressure import lost, quote, timer
from tests.naive import depth_flow as naive
from tests.naive.depth import Levels
from tests.naive.depth_flow import Picture
from tests.naive.pressure import Top


def change(before: Picture, after: Picture, ts: int) -> Events:
    """Return the depth message that leads from one picture to the next."""
    rows = []
    for side, old, new in zip((1, -1), before, after, strict=True):
        prices = sorted(old.keys() | new.keys())
        rows += [(side, p, new.get(p, 0)) for p in prices if old.get(p, 0) != new.get(p, 0)]
    events = empty_events(max(len(rows), 1))
    events["kind"], events["ts_recv"], events["ts_venue"] = LEVEL, ts, ts
    columns = np.array(rows or [(1, 1, 0)]).T
    events["side"], events["price"], events["size"] = columns
    events[-1]["flags"] = LAST
    return events


def run(*parts: Events, cuts: tuple[int, ...] = ()) -> tuple[BookState, DepthFlowState]:
    events = np.concatenate(parts)
    book, state = book_state(1, window=64, levels=1024), depth_flow_state(1)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_depth_flow(events, start, stop, book, state) == stop
    return book, state


def window(state: DepthFlowState, start_ns: int) -> tuple[Any, list[float]]:
    out = np.zeros(RANKS)
    found = flow_window(state, 0, start_ns, out)
    return found, out.tolist()


def test_t1_10_multi_level_flow() -> None:
    before = {1000: 30, 999: 20}, {1001: 10, 1002: 15}
    after = {1001: 8, 1000: 30}, {1002: 15, 1003: 40}
    _, state = run(snapshot_events(*before), change(before, after, START_NS + 1))
    assert state.flow[0].tolist() == [18, 45] + [0] * (RANKS - 2)
    head = state.head[0]
    assert (head["changes"], head["thin"], head["depth"]) == (1, 1, 8 + 30 + 15 + 40)


sides = st.dictionaries(st.integers(0, 90), st.integers(1, 10**9), min_size=1, max_size=16)
pictures = st.builds(
    lambda bid, bids, asks: (
        {bid - d: q for d, q in bids.items()},
        {bid + 1 + d: q for d, q in asks.items()},
    ),
    st.integers(-3, 3).map(lambda step: 1000 + 20 * step),
    sides,
    sides,
)
streams = st.lists(st.one_of(pictures, st.none(), st.just("timer")), max_size=12)


def mirrored(picture: Picture) -> Picture:
    bids, asks = picture
    return {-p: q for p, q in asks.items()}, {-p: q for p, q in bids.items()}


def events_of(stream: list[Any], sign: int = 1) -> list[Events]:
    parts, ts = [timer(START_NS)], START_NS
    now: Any = None
    for item in stream:
        ts += 10
        if item == "timer":
            parts.append(timer(ts))
        elif item is None:
            parts.append(lost(ts))
            now = None
        else:
            picture: Picture = mirrored(item) if sign < 0 else item
            if now is None:
                parts.append(snapshot_events(picture[0], picture[1], ts))
            else:
                parts.append(change(now, picture, ts))
            now = picture
    return [*parts, timer(ts + 10)]


@settings(max_examples=80, deadline=None)
@given(streams)
def test_twin(stream: list[Any]) -> None:
    _, state = run(*events_of(stream))
    expected = naive.window([item for item in stream if item != "timer"], RANKS)
    head = state.head[0]
    assert state.flow[0].tolist() == expected.lots
    assert (head["depth"], head["changes"]) == (expected.depth, expected.changes)
    assert head["thin"] == expected.thin
    (since, changes, _, _), normalised = window(state, START_NS)
    assert (since, changes) == (START_NS, expected.changes)
    if expected.changes:
        assert normalised == pytest.approx([float(e) for e in expected.normalised()], rel=1e-12)
    else:
        assert np.isnan(normalised).all()


@settings(max_examples=40, deadline=None)
@given(streams, st.lists(st.integers(0, 500), max_size=6))
def test_split(stream: list[Any], cuts: list[int]) -> None:
    parts = events_of(stream)
    _, state = run(*parts)
    _, other = run(*parts, cuts=tuple(cuts))
    for mine, theirs in zip(state, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=40, deadline=None)
@given(streams)
def test_mirror(stream: list[Any]) -> None:
    _, state = run(*events_of(stream))
    _, other = run(*events_of(stream, sign=-1))
    np.testing.assert_array_equal(state.flow, -other.flow)
    np.testing.assert_array_equal(state.head, other.head)
    np.testing.assert_array_equal(state.keys, other.keys[:, ::-1])


def test_a_transition_across_a_loss_is_not_counted_but_noted() -> None:
    far = {900: 5}, {901: 7}
    moved = {900: 6}, {901: 7}
    _, state = run(
        timer(5),
        snapshot_events(B0_BIDS, B0_ASKS, 10),
        lost(20),
        snapshot_events(*far, 30),
        change(far, moved, 40),
    )
    (since, changes, breaks, _), _ = window(state, 5)
    assert (since, changes, breaks) == (5, 1, 1)
    assert state.flow[0].tolist() == [1] + [0] * (RANKS - 1)


def test_quotes_do_not_touch_the_flow_of_depth() -> None:
    _, state = run(snapshot_events(B0_BIDS, B0_ASKS, 10), quote(Top(1000, 3, 1001, 4), 20))
    assert not state.flow.any()
    assert state.head[0]["changes"] == 0


def test_a_change_beyond_the_ranks_is_no_change() -> None:
    deep: Levels = {1000 - d: 5 for d in range(30)}
    before = deep, {1001 + d: 5 for d in range(30)}
    after = {**deep, 1000 - RANKS: 9}, before[1]
    _, state = run(snapshot_events(*before), change(before, after, START_NS + 1))
    assert (state.head[0]["changes"], state.head[0]["thin"]) == (0, 0)


def test_old_readings_make_room_for_new_ones() -> None:
    _, state = run(*(timer(ts) for ts in range(1, MARKS + 11)))
    assert window(state, 10)[0][0] == NO_TIME
    assert window(state, 11)[0][0] == 11
    assert window(state, 10**6)[0][0] == MARKS + 10


def test_integrated_flow_is_only_told_out_of_sample() -> None:
    before, after = (B0_BIDS, B0_ASKS), ({**B0_BIDS, 1000: 50}, {**B0_ASKS, 1002: 5})
    _, state = run(snapshot_events(*before, 5), timer(10), change(before, after, 20))
    scratch = np.zeros(RANKS)
    assert np.isnan(integrated_flow(state, 0, 10, scratch))
    weights = np.full(RANKS, 1.0 / RANKS)
    set_weights(state, 0, weights, until_ns=10)
    size = (120 + 90) / (2 * RANKS)
    assert integrated_flow(state, 0, 10, scratch) == pytest.approx((20 + 10) / size / RANKS)
    set_weights(state, 0, weights, until_ns=11)
    assert np.isnan(integrated_flow(state, 0, 10, scratch))
