"""Windowed delta against a sum over the tape, whatever the cuts and however small the rings."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.delta import grow_window, read_window, run_window, window_state
from aggressor.schema.event import LEVEL, NOT_FLOW, TRADE, empty_events


def tape(rows):
    events = empty_events(len(rows))
    now = 1000
    for event, (gap, size, side, kind, flags) in zip(events, rows, strict=True):
        now += gap
        event["ts_recv"], event["size"], event["side"] = now, size, side
        event["kind"], event["flags"] = kind, flags
    return events


ROWS = st.tuples(
    st.sampled_from([0, 1, 9, 10, 11, 50]),
    st.integers(1, 20),
    st.sampled_from([-1, 0, 1]),
    st.sampled_from([TRADE, TRADE, LEVEL]),
    st.sampled_from([0, 0, 0, NOT_FLOW]),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=40), st.integers(0, 12), st.integers(0, 40))
def test_window_is_a_sum_over_the_tape(rows, wait, cut):
    events = tape(rows)
    window = window_state([10, 25], capacity=2)
    for first, stop in ((0, min(cut, events.size)), (min(cut, events.size), events.size)):
        for series in (0, 1):
            at = first
            while (at := run_window(events, at, stop, window, series, 0)) < stop:
                window = grow_window(window)
    now = int(events[-1]["ts_recv"]) + wait
    for series, span in ((0, 10), (1, 25)):
        flow = (events["kind"] == TRADE) & (events["flags"] & NOT_FLOW == 0)
        inside = events[flow & (events["ts_recv"] > now - span)]
        expected = (int((inside["size"] * inside["side"]).sum()), int(inside["size"].sum()))
        assert read_window(window, series, now) == expected


def test_t3_4_the_window_of_one_slot_gives_back_the_series():
    flow = np.array([5, 12, 30, 55, 80, 70, 40, 18, 6])
    events = tape([(1, size, 1, TRADE, 0) for size in flow])
    window = window_state([1])
    seen = []
    for k in range(events.size):
        run_window(events, k, k + 1, window, 0, 0)
        seen.append(read_window(window, 0, int(events[k]["ts_recv"]))[0])
    assert seen == flow.tolist()
