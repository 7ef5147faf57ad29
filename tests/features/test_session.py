"""The session's profile and VWAP: worked examples, the twin, splits, growth, mirror, anchors."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import session as module
from aggressor.features.profile import ValueRule
from aggressor.features.session import (
    FUNDING_NS,
    SessionSpec,
    SessionState,
    bands,
    feed,
    session_profile,
    session_state,
    summaries,
    week_vwap,
)
from aggressor.features.vwap import session_sigma, session_vwap
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BAD_CLOCK, GAP, NO_PRICE, NOT_FLOW
from tests.features.test_footprint import F1, MIDNIGHT, SECOND, trades
from tests.naive.session import DAY, WEEK, moments, naive_sessions

HOUR = 3600 * SECOND
PLAIN = SessionSpec()


def prints_of(rows: dict[int, tuple[int, int]]) -> list[tuple[int, ...]]:
    return [
        (p, lots, s)
        for p, two in rows.items()
        for lots, s in zip(two, (-1, 1), strict=True)
        if lots
    ]


def run(
    events: Any, spec: SessionSpec = PLAIN, rows: int = 64, cuts: tuple[int, ...] = ()
) -> SessionState:
    state = session_state([spec], rows=rows)
    for first, stop in pairwise([0, *sorted(cut % (events.size + 1) for cut in cuts), events.size]):
        state = feed(state, events[first:stop])
    return state


def test_t4_5a_value_area_of_the_session() -> None:
    profile = session_profile(run(trades(prints_of(F1))), 0)
    assert (profile.poc, profile.val, profile.vah) == (102, 100, 104)
    assert (profile.first_price, profile.total, int(profile.delta.sum())) == (99, 297, 71)
    assert profile.volume.tolist() == [18, 50, 49, 80, 54, 34, 12]
    assert profile.delta.tolist() == [b - s for _, (s, b) in sorted(F1.items())]


def test_t4_7_session_vwap_and_bands() -> None:
    state = run(trades(prints_of(F1)))
    mean, sigma = session_vwap(state.vwap, 0), session_sigma(state.vwap, 0)
    assert mean == pytest.approx(101.848485, abs=5e-7)
    assert sigma == pytest.approx(1.537611, abs=5e-7)
    around = bands(mean, sigma)
    assert len(around) == 6
    assert around[2:4] == [pytest.approx(100.310874, abs=1e-6), pytest.approx(103.386096, abs=1e-6)]
    assert week_vwap(state, 0) == (pytest.approx(mean), pytest.approx(sigma))


def test_a_tie_adds_the_upper_pair_or_both() -> None:
    rows = {100 + i: (lots, 0) for i, lots in enumerate([5, 5, 20, 5, 5])}
    for rule, found in (
        (ValueRule(600_000), (102, 104)),
        (ValueRule(600_000, 2, True), (100, 104)),
    ):
        profile = session_profile(run(trades(prints_of(rows)), SessionSpec(rule=rule)), 0)
        assert (profile.val, profile.vah) == found


def test_nothing_traded() -> None:
    state = session_state([SessionSpec(row_ticks=5)])
    assert session_profile(state, 0).poc == NO_PRICE
    assert math.isnan(week_vwap(state, 0)[0])
    assert summaries(state, 0).size == 0
    assert run(trades([(100, 1, 1, 0, BAD_CLOCK)])).head[0]["volume"] == 0


def test_a_session_leaves_a_summary() -> None:
    rows = [(100, 4, 1), (103, 2, -1, SECOND), (101, 3, 1, DAY - HOUR), (7, 1, 0, DAY)]
    state = run(trades(rows, MIDNIGHT + HOUR // 2), SessionSpec(span_ns=DAY))
    (one,) = summaries(state, 0)
    assert (one["start_ns"], one["end_ns"]) == (MIDNIGHT, MIDNIGHT + DAY)
    assert one["known_ns"] == MIDNIGHT + DAY + HOUR // 2
    assert (one["open"], one["high"], one["low"], one["close"]) == (100, 103, 100, 101)
    assert (one["volume"], one["sold"], one["bought"], one["trades"]) == (9, 2, 7, 3)
    assert (one["poc"], one["val"], one["vah"]) == (100, 100, 102)  # a whole pair
    assert one["vwap"] == pytest.approx((400 + 206 + 303) / 9)
    assert one["whole"] == 0  # its start was not seen
    assert session_profile(state, 0).volume.tolist() == [1]
    assert state.head[0]["whole"] == 1


def test_a_session_is_whole_when_nothing_is_missing() -> None:
    rows = [(100, 1, 1), (100, 1, 1, DAY), (100, 1, 1, DAY + 5, GAP), (100, 1, 1, 2 * DAY)]
    rows += [(100, 1, 1, 3 * DAY), (100, 1, 1, 5 * DAY), (100, 1, 1, 6 * DAY)]
    assert summaries(run(trades(rows)), 0)["whole"].tolist() == [0, 0, 1, 1, 0]


def test_funding_periods() -> None:
    rows = [(100, 1, 1), (101, 1, 1, FUNDING_NS), (102, 1, 1, 2 * FUNDING_NS)]
    found = summaries(run(trades(rows, MIDNIGHT), SessionSpec(span_ns=FUNDING_NS)), 0)
    assert found["start_ns"].tolist() == [MIDNIGHT, MIDNIGHT + FUNDING_NS]
    with pytest.raises(ConfigError, match="divide a day"):
        session_state([SessionSpec(span_ns=7 * HOUR)])
    with pytest.raises(ConfigError, match="Rows of 0"):
        session_state([SessionSpec(row_ticks=0)])


def test_a_session_too_wide_for_its_rows() -> None:
    with pytest.raises(ConfigError, match="taller"):
        run(trades([(0, 1, 1), (2**30, 1, 1)]))


def test_only_summaries_of_the_last_sessions_are_kept() -> None:
    count = module.SUMMARIES + 5
    found = summaries(run(trades([(i, 1, 1, i * DAY) for i in range(count)])), 0)
    assert found["open"].tolist() == list(range(count - 1 - module.SUMMARIES, count - 1))


tapes = st.lists(
    st.tuples(
        st.integers(-60, 60),
        st.integers(0, 9),
        st.sampled_from([-1, 0, 1]),
        st.integers(0, 5 * HOUR),
        st.sampled_from([0, 0, 0, 0, NOT_FLOW, BAD_CLOCK]),
    ),
    min_size=1,
    max_size=60,
)


def tape_of(rows: list[tuple[int, ...]], scale: int = 1) -> Any:
    at, placed = 0, []
    for price, size, side, pause, flags in rows:
        at += pause
        placed.append((price * scale, size, side, at, flags))
    return trades(placed, MIDNIGHT)


@settings(max_examples=40, deadline=None)
@given(
    tapes,
    st.sampled_from([DAY, FUNDING_NS]),
    st.sampled_from([1, 3, 7]),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.lists(st.integers(0, 100), max_size=4),
)
def test_twin_and_split(
    rows: list[Any], span: int, row_ticks: int, step: int, both: bool, cuts: list[int]
) -> None:
    events = tape_of(rows, 3)
    spec = SessionSpec(row_ticks, span, ValueRule(step=step, both_on_tie=both))
    state = run(events, spec, rows=4, cuts=tuple(cuts))
    wide = run(events, spec, rows=1024)
    np.testing.assert_array_equal(state.summaries, wide.summaries)
    twins = naive_sessions(events, span)
    closed = summaries(state, 0)
    assert len(closed) == max(0, len(twins) - 1)
    for one, twin in zip(closed, twins, strict=False):
        prices = [price for price, _, _ in twin.prints]
        assert (one["open"], one["close"]) == (prices[0], prices[-1])
        assert (one["low"], one["high"]) == (min(prices), max(prices))
        assert (one["poc"], one["val"], one["vah"]) == twin.area(row_ticks, step, both)
        mean, variance = moments(twin.prints)
        assert one["vwap"] == pytest.approx(float(mean), abs=1e-9)
        assert one["sigma"] == pytest.approx(math.sqrt(variance), abs=1e-6)
    if not twins:
        return
    profile = session_profile(state, 0)
    lots, delta = twins[-1].rows(row_ticks), twins[-1].delta(row_ticks)
    for i, (volume, flow) in enumerate(zip(profile.volume, profile.delta, strict=True)):
        row = profile.first_price // row_ticks + i
        assert (volume, flow) == (lots.get(row, 0), delta.get(row, 0))
    assert (profile.poc, profile.val, profile.vah) == twins[-1].area(row_ticks, step, both)
    monday = MIDNIGHT - 4 * DAY  # 2024-08-09 is a Friday
    last = twins[-1].start
    since = monday + (last - monday) // WEEK * WEEK
    prints = [one for twin in twins if twin.start >= since for one in twin.prints]
    mean, variance = moments(prints)
    assert week_vwap(state, 0)[0] == pytest.approx(float(mean), abs=1e-9)
    assert week_vwap(state, 0)[1] == pytest.approx(math.sqrt(variance), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(tapes, st.integers(0, 60))
def test_causality(rows: list[Any], keep: int) -> None:
    events = tape_of(rows)
    other = events.copy()
    other["price"][keep:] += 17
    closed, changed = (
        {int(one["known_ns"]): one for one in summaries(run(tape), 0)} for tape in (events, other)
    )
    for known, one in closed.items():
        if known <= int(events["ts_recv"][min(keep, events.size) - 1]) and keep > 0:
            assert changed[known] == one


@settings(max_examples=30, deadline=None)
@given(tapes)
def test_mirror(rows: list[Any]) -> None:
    events = tape_of(rows)
    mirrored = events.copy()
    mirrored["price"], mirrored["side"] = -1 - events["price"], -events["side"]
    spec = SessionSpec(5)
    one, other = session_profile(run(events, spec), 0), session_profile(run(mirrored, spec), 0)
    assert one.volume.tolist() == other.volume.tolist()[::-1]
    assert one.delta.tolist() == (-other.delta).tolist()[::-1]
