"""Locations and naked points of control: worked sessions, the twin, splits, nearest of a kind."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import locations as module
from aggressor.features.locations import (
    HVN_EDGE,
    HVN_PEAK,
    LVN_VALLEY,
    NAKED_POC,
    NODE_ROWS,
    PRIOR_EXTREME,
    PRIOR_VALUE_EDGE,
    VALUE_EDGE,
    LocationsState,
    locations_state,
    naked_pocs,
    nearest_location,
    run_locations,
)
from aggressor.features.session import SessionSpec, SessionState, make_room, session_state
from aggressor.schema.event import NO_PRICE, NOT_FLOW, TIMER, TRADE, empty_events
from tests.features.test_footprint import MIDNIGHT, SECOND, trades
from tests.naive.session import DAY, naive_naked, naive_sessions

ALL = -1


def run(
    events: Any, row_ticks: int = 1, cuts: tuple[int, ...] = ()
) -> tuple[LocationsState, SessionState]:
    state, session = locations_state(1), session_state([SessionSpec(row_ticks)], rows=8)
    for first, stop in pairwise([0, *sorted(cut % (events.size + 1) for cut in cuts), events.size]):
        at = first
        while at < stop:
            at = run_locations(events, at, stop, state, session)
            if at < stop:
                session = make_room(session, 0, int(events[at]["price"]))
    return state, session


def timer(ts: int) -> Any:
    event = empty_events(1)
    event["kind"], event["ts_recv"] = TIMER, ts
    return event


def listed(state: LocationsState, kind: int) -> list[tuple[int, int]]:
    rows = state.locations[0, : int(state.head[0]["locations"])]
    return [(int(one["low"]), int(one["high"])) for one in rows if one["kind"] == kind]


def naked(state: LocationsState) -> list[int]:
    return naked_pocs(state, 0)["low"].tolist()


DAY_1 = [(100, 9, 1), (104, 3, 1, SECOND), (98, 2, -1, 2 * SECOND)]


def test_a_poc_stays_naked_until_its_first_print() -> None:
    tape = [*DAY_1, (103, 5, 1, DAY), (101, 5, 1, DAY + 1)]
    state, _ = run(trades(tape))
    assert naked(state) == [100]
    tape.append((99, 5, 1, DAY + 2))  # jumped over: nothing printed at 100
    assert naked(run(trades(tape))[0]) == [100]
    tape += [(100, 1, -1, DAY + 3, NOT_FLOW)]
    assert naked(run(trades(tape))[0]) == [100]
    tape += [(100, 1, -1, DAY + 4)]
    state, _ = run(trades(tape))
    assert naked(state) == []
    assert state.naked[0, 0]["killed_ns"] == MIDNIGHT + 10 * SECOND + DAY + 4


def test_the_print_that_opens_a_session_may_kill() -> None:
    assert naked(run(trades([*DAY_1, (100, 1, 1, DAY)]))[0]) == []
    assert naked(run(trades([*DAY_1, (101, 1, 1, DAY)]), row_ticks=5)[0]) == []  # row 100 to 104


def test_what_is_listed_of_a_lane() -> None:
    second = [(110, 50, 1, DAY), (111, 5, 1, DAY + 1), (113, 2, 1, DAY + 2)]
    events = np.concatenate([trades([*DAY_1, *second]), timer(MIDNIGHT + DAY + 60 * SECOND)])
    state, _ = run(events)
    assert listed(state, VALUE_EDGE) == [(110, 110), (110, 110)]
    assert listed(state, PRIOR_EXTREME) == [(98, 98), (104, 104)]
    assert listed(state, PRIOR_VALUE_EDGE) == [(98, 98), (100, 100)]
    assert listed(state, HVN_PEAK) == [(110, 110)]
    assert listed(state, HVN_EDGE) == [(110, 110), (112, 112)]
    assert listed(state, LVN_VALLEY) == []
    assert state.head[0]["listed_ns"] == MIDNIGHT + DAY + 60 * SECOND


def test_they_are_listed_once_a_minute() -> None:
    parts = [trades([(100, 5, 1)]), timer(MIDNIGHT + 60 * SECOND)]
    parts += [trades([(120, 50, 1)], MIDNIGHT + 61 * SECOND), timer(MIDNIGHT + 119 * SECOND)]
    state, _ = run(np.concatenate(parts))
    assert listed(state, VALUE_EDGE) == [(100, 100)] * 2
    state, _ = run(np.concatenate([*parts, timer(MIDNIGHT + 120 * SECOND)]))
    assert listed(state, VALUE_EDGE) == [(120, 120)] * 2


def test_nothing_is_listed_before_the_first_print() -> None:
    state, _ = run(timer(MIDNIGHT))
    assert state.head[0]["locations"] == 0
    assert nearest_location(state, 0, 100, 1, ALL, 0)[:2] == (0, NO_PRICE)


def test_fine_rows_are_merged_on_a_grid_of_prices() -> None:
    wide = [(1000 + i, 10, 1) for i in range(0, 4 * NODE_ROWS, 3)]
    peak = [(2000 + i, 900, 1) for i in range(16)]
    state, _ = run(np.concatenate([trades(wide), trades(peak), timer(MIDNIGHT + 60 * SECOND)]))
    ((low, high),) = listed(state, HVN_PEAK)
    assert (low % 4, high - low) == (0, 3)  # 2,046 rows in 512
    assert 2000 <= low <= high <= 2015


def test_nearest_of_the_kinds_asked_for() -> None:
    tape = [*DAY_1, (110, 50, 1, DAY), (114, 5, 1, DAY + 2)]
    minute = timer(MIDNIGHT + DAY + 60 * SECOND)
    state, _ = run(np.concatenate([trades(tape), minute]))
    extremes = 1 << PRIOR_EXTREME
    assert nearest_location(state, 0, 106, 1, extremes, 0) == (PRIOR_EXTREME, 104, 104, 2)
    assert nearest_location(state, 0, 101, 1, extremes, 0) == (PRIOR_EXTREME, 104, 104, 3)
    assert nearest_location(state, 0, 101, -1, extremes, 0) == (PRIOR_EXTREME, 98, 98, 3)
    assert nearest_location(state, 0, 97, 1, 1 << NAKED_POC, 0) == (NAKED_POC, 100, 100, 3)
    killed = MIDNIGHT + DAY + 90 * SECOND
    state, _ = run(np.concatenate([trades(tape), minute, trades([(100, 1, 1)], killed)]))
    assert nearest_location(state, 0, 97, 1, 1 << NAKED_POC, killed)[0] == NAKED_POC
    assert nearest_location(state, 0, 97, 1, 1 << NAKED_POC, killed + 1)[0] == 0


tapes = st.lists(
    st.tuples(
        st.integers(-12, 12),
        st.integers(1, 9),
        st.sampled_from([-1, 1]),
        st.sampled_from([1, SECOND, DAY // 3, DAY]),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(tapes, st.sampled_from([1, 3]), st.lists(st.integers(0, 100), max_size=4))
def test_naked_twin_and_split(rows: list[Any], row_ticks: int, cuts: list[int]) -> None:
    at, placed = 0, []
    for price, size, side, pause in rows:
        at += pause
        placed.append((price, size, side, at))
    events = trades(placed, MIDNIGHT)
    state, _ = run(events, row_ticks, tuple(cuts))
    whole, _ = run(events, row_ticks)
    np.testing.assert_array_equal(state.naked, whole.naked)
    sessions = naive_sessions(events, DAY)
    twin = naive_naked(sessions, row_ticks)
    kept = {one.start for one in sessions[:-1][-module.SUMMARIES :]}
    found = {int(one["start_ns"]): int(one["low"]) for one in naked_pocs(state, 0)}
    assert found == {start: low for start, low in twin.items() if start in kept}


@settings(max_examples=30, deadline=None)
@given(tapes)
def test_mirror_of_naked(rows: list[Any]) -> None:
    at, placed = 0, []
    for i, (price, size, side, pause) in enumerate(rows):
        at += pause
        placed.append((price, 100 * size + i, side, at))  # no ties
    events = trades(placed, MIDNIGHT)
    mirrored = events.copy()
    mirrored["price"] = -1 - events["price"]
    one, _ = run(events, 4)
    other, _ = run(mirrored, 4)
    assert [-1 - high for high in naked_pocs(other, 0)["high"]] == naked(one)
    assert (events["kind"] == TRADE).all()


def test_a_lane_keeps_its_own() -> None:
    events = trades([*DAY_1, (103, 5, 1, DAY)])
    events["instrument"] = 1
    state, session = locations_state(2), session_state([SessionSpec()] * 2)
    assert run_locations(events, 0, events.size, state, session) == events.size
    assert naked_pocs(state, 1)["low"].tolist() == [100]
    assert naked_pocs(state, 0).size == 0
    assert nearest_location(state, 0, 100, 1, ALL, 0)[0] == 0
    assert nearest_location(state, 1, 100, 1, ALL, 0)[3] == pytest.approx(0)
