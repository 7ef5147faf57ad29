import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.event import EVENT, TIMER, TRADE, Events
from aggressor.store.merge import ArraySource, Merge
from aggressor.store.replay import Replay, replay_of
from tests.naive.merge import merged, with_timers

times = st.lists(st.integers(0, 60), max_size=40).map(sorted)
lanes = st.lists(times, min_size=1, max_size=4)


def rows_at(ts_recv: list[int], lane: int = 0) -> Events:
    events = np.zeros(len(ts_recv), EVENT)
    events["ts_recv"] = ts_recv
    events["size"] = 1000 * lane + np.arange(len(ts_recv))
    events["kind"] = TRADE
    return events


def drained(feed: Replay, limit: int) -> Events:
    chunks = [np.zeros(0, EVENT)]
    while len(rows := feed.poll(limit)):
        assert len(rows) <= limit
        chunks.append(rows)
    assert len(feed.poll(limit)) == 0
    return np.concatenate(chunks)


@settings(max_examples=60, deadline=None)
@given(lanes, st.integers(1, 9), st.integers(1, 50))
def test_merge_equals_the_twin_for_any_chunk_size(
    every: list[list[int]], chunk_rows: int, limit: int
) -> None:
    events = [rows_at(ts_recv, k) for k, ts_recv in enumerate(every)]
    merge = Merge([ArraySource(rows) for rows in events], chunk_rows)
    chunks = [np.zeros(0, EVENT)]
    while len(rows := merge.read(limit)):
        chunks.append(rows)
    assert np.concatenate(chunks).tobytes() == merged(events).tobytes()


@settings(max_examples=60, deadline=None)
@given(lanes, st.integers(1, 9), st.integers(1, 50), st.integers(1, 25))
def test_replay_equals_the_twin_for_any_chunk_size(
    every: list[list[int]], chunk_rows: int, limit: int, timer_ns: int
) -> None:
    events = [rows_at(ts_recv, k) for k, ts_recv in enumerate(every)]
    replay = Replay([ArraySource(rows) for rows in events], timer_ns, chunk_rows)
    assert drained(replay, limit).tobytes() == with_timers(merged(events), timer_ns).tobytes()


def test_without_a_period_there_are_no_timers() -> None:
    out = drained(replay_of([rows_at([5, 10**10])], timer_ns=0), 7)
    assert out["ts_recv"].tolist() == [5, 10**10]


def test_the_timer_grid_is_global() -> None:
    out = drained(replay_of([rows_at([250, 500])], timer_ns=100), 64)
    assert out["ts_recv"][out["kind"] == TIMER].tolist() == [300, 400, 500]
    assert out["kind"].tolist() == [TRADE, TIMER, TIMER, TIMER, TRADE]


def test_a_source_is_not_written_to() -> None:
    events = rows_at([1, 2, 3])
    events["instrument"] = 9
    events.flags.writeable = False
    assert drained(replay_of([events], timer_ns=0), 2)["instrument"].tolist() == [0, 0, 0]
    assert events["instrument"].tolist() == [9, 9, 9]
