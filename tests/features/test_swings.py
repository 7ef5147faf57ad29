"""Swings and the bar form: worked examples, the twin, when they are known, mirror."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.bars import BAR, FULL, INFERRED, PARTIAL
from aggressor.features.swings import (
    BEARISH,
    BULLISH,
    HIGHS,
    LOWS,
    NEITHER,
    UNDECIDED,
    VOLUME_BARS,
    WINDOW,
    SwingsState,
    run_swings,
    swings_of,
    swings_state,
)
from tests.naive.swings import naive_bar_form, naive_swings

MINUTE = 60 * 10**9
START = 1_723_161_600 * 10**9

T3_3_HIGHS = [100, 102, 105, 103, 101, 102, 104, 107, 104, 102]
T3_3_CVD = [10, 30, 60, 50, 40, 45, 50, 48, 40, 35]


def bars_of(highs: list[int], deltas: list[int], lows: list[int] | None = None) -> Any:
    """One-minute bars; without lows they fall so that no low is a swing."""
    bars = np.zeros(len(highs), BAR)
    bars["high"] = highs
    bars["low"] = lows if lows is not None else 50 - np.arange(len(highs))
    bars["delta"] = deltas
    bars["cvd"] = np.cumsum(deltas)
    bars["volume"] = 100
    bars["open_ns"] = START + np.arange(len(highs)) * MINUTE
    bars["close_ns"] = bars["open_ns"] + MINUTE
    bars["known_ns"] = bars["close_ns"] + 5
    return bars


def t3_3() -> Any:
    return bars_of(T3_3_HIGHS, np.diff(T3_3_CVD, prepend=0).tolist())


def run(bars: Any, order: int = 2, tick: int = 1) -> SwingsState:
    state = swings_state([order])
    run_swings(bars, state, 0, tick)
    return state


def test_t3_3_swings_are_known_k_bars_later() -> None:
    bars = t3_3()
    state = run(bars)
    one, other = swings_of(state, 0, HIGHS)
    assert (one["bar"], one["price"], one["cvd"]) == (2, 105, 60)
    assert (other["bar"], other["price"], other["cvd"]) == (7, 107, 48)
    assert other["turnover"] - one["turnover"] == 10 + 10 + 5 + 5 + 2
    assert other["confirmed_ns"] == bars["close_ns"][9]
    assert other["close_ns"] == bars["close_ns"][7]
    assert other["known_ns"] == bars["known_ns"][7]
    assert swings_of(run(bars[:9]), 0, HIGHS)["bar"].tolist() == [2]
    assert swings_of(run(bars[:4]), 0, HIGHS).size == 0
    assert swings_of(state, 0, LOWS).size == 0


def test_equal_highs_are_one_swing_the_first() -> None:
    highs = [1, 2, 5, 5, 5, 2, 1, 1, 1]
    assert swings_of(run(bars_of(highs, [0] * 9)), 0, HIGHS)["bar"].tolist() == [2]


def test_a_swing_later_exceeded_is_not_taken_back() -> None:
    highs = [1, 2, 5, 4, 3, 9, 8, 7]
    assert swings_of(run(bars_of(highs, [0] * 8)), 0, HIGHS)["price"].tolist() == [5, 9]


def test_cvd_goes_on_at_midnight_and_doubts_are_counted() -> None:
    bars = t3_3()
    bars["cvd"][4:] -= 40  # the day's CVD began anew
    bars["quality"] = [PARTIAL, FULL, FULL, PARTIAL, INFERRED, FULL, FULL, PARTIAL, FULL, PARTIAL]
    one, other = swings_of(run(bars), 0, HIGHS)
    assert other["cvd"] - one["cvd"] == -12
    assert (one["doubts"], other["doubts"]) == (1, 3)


def test_t3_3_bar_form() -> None:
    bars = bars_of([0] * 26, [0] * 26)
    bars["open"], bars["close"] = 100, 100
    for at, close, delta in ((21, 102, -10), (22, 102, -9), (23, 101, -50), (24, 98, 10)):
        bars["close"][at], bars["delta"][at] = close, delta
    bars["volume"][25], bars["close"][25], bars["delta"][25] = 99, 105, -90
    found = [int(run(bars[: i + 1], tick=2).head[0]["bar_form"]) for i in range(19, 26)]
    assert found == [UNDECIDED, NEITHER, BEARISH, NEITHER, NEITHER, BULLISH, NEITHER]
    assert run(bars, tick=0).head[0]["bar_form"] == UNDECIDED


small = st.integers(-4, 4)
tapes = st.lists(
    st.tuples(small, st.integers(0, 3), st.integers(-9, 9), small, small, st.integers(1, 20)),
    min_size=1,
    max_size=90,
)


def bars_from(rows: list[Any]) -> Any:
    low = [one[0] for one in rows]
    bars = bars_of([a + b for a, b, *_ in rows], [one[2] for one in rows], low)
    bars["open"], bars["close"], bars["volume"] = np.array([one[3:] for one in rows]).T
    return bars


@settings(max_examples=80, deadline=None)
@given(tapes, st.sampled_from([1, 2, 5]), st.integers(0, 90))
def test_twin_split_and_bar_form(rows: list[Any], order: int, cut: int) -> None:
    bars = bars_from(rows)
    state = swings_state([3, order])  # the other track stays untouched
    for part in (bars[:cut], bars[cut:]):
        run_swings(np.ascontiguousarray(part), state, 1, 2)
    assert state.head[0]["bars"] == 0
    cvd = np.cumsum(bars["delta"]).tolist()
    for kind, sign, levels in ((HIGHS, 1, bars["high"]), (LOWS, -1, bars["low"])):
        twin = naive_swings((sign * levels.astype(int)).tolist(), cvd, order)
        found = swings_of(state, 1, kind)
        assert state.head[1]["counts"][kind] == len(twin)
        expected = [(one.bar, sign * one.price, one.cvd) for one in twin[-len(found) :]]
        assert [(s["bar"], s["price"], s["cvd"]) for s in found] == (expected if twin else [])
        assert all(s["bar_form"] == naive_bar_form(bars, s["bar"], 2) for s in found)
    assert state.head[1]["bar_form"] == naive_bar_form(bars, len(bars) - 1, 2)


@settings(max_examples=40, deadline=None)
@given(tapes)
def test_mirror(rows: list[Any]) -> None:
    bars = bars_from(rows)
    mirrored = bars.copy()
    for name, other in (("high", "low"), ("low", "high"), ("open", "open"), ("close", "close")):
        mirrored[name] = -bars[other]
    mirrored["delta"], mirrored["cvd"] = -bars["delta"], -bars["cvd"]
    one, other = run(bars), run(mirrored)
    for kind in (HIGHS, LOWS):
        here, there = swings_of(one, 0, kind), swings_of(other, 0, 1 - kind)
        assert here["price"].tolist() == (-there["price"]).tolist()
        assert here["cvd"].tolist() == (-there["cvd"]).tolist()
        assert here["turnover"].tolist() == there["turnover"].tolist()
    form = int(one.head[0]["bar_form"])
    assert other.head[0]["bar_form"] == (form if form == UNDECIDED else -form)


def test_long_tapes_wrap_around() -> None:
    count = 3 * WINDOW + VOLUME_BARS
    bars = bars_of([10 * (i % 4 == 2) for i in range(count)], [1] * count)
    state = run(bars, order=1)
    assert swings_of(state, 0, HIGHS)["bar"][-1] == max(range(2, count - 1, 4))
    with pytest.raises(AssertionError, match="orders"):
        swings_state([WINDOW])
