"""Resilience: the worked example, the twin, what is no shock, mirror, split and causality."""

from itertools import pairwise
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.prints import PrintsParameters, prints_state
from aggressor.features.resilience import (
    AT_ONCE,
    BOOK_LOST,
    CENSORED,
    LEFT_MIN,
    OVERTAKEN,
    RECOVERED,
    ResilienceParameters,
    ResilienceState,
    resilience_state,
    run_resilience,
)
from aggressor.market.book import book_state
from aggressor.schema.event import LAST, LEVEL, NO_TIME, TRADE, Events, empty_events
from tests.features.books import START_NS, snapshot_events
from tests.features.test_pressure import lost, timer
from tests.naive import resilience as naive

STEP = 100_000_000
QUIET = 660  # timers: more than a minute
BIDS = {1000: 50, 999: 50}
ASKS = {1001: 30, 1002: 30, 1003: 40}
SHOCK_NS = START_NS + QUIET * STEP
SECOND_NS = 1_000_000_000
PARAMETERS = ResilienceParameters(every_ns=STEP, censor_ns=3 * SECOND_NS, window_ns=24 * SECOND_NS)


def trades(side: int, fills: list[tuple[int, int]], ts: int) -> Events:
    events = empty_events(len(fills))
    events["kind"], events["side"] = TRADE, side
    events["ts_recv"] = events["ts_venue"] = ts
    events["price"], events["size"] = np.array(fills).T
    return events


def levels(rows: list[tuple[int, int, int]], ts: int) -> Events:
    events = empty_events(len(rows))
    events["kind"] = LEVEL
    events["ts_recv"] = events["ts_venue"] = ts
    events["side"], events["price"], events["size"] = np.array(rows).T
    events[-1]["flags"] = LAST
    return events


def quiet() -> list[Events]:
    """A minute of the same book: the usual depth of both sides is 100 lots."""
    ticks = [timer(START_NS + i * STEP) for i in range(1, QUIET)]
    return [snapshot_events(BIDS, ASKS), *ticks]


def swept(ts: int = SHOCK_NS) -> list[Events]:
    """A buyer takes 60 of the 100 lots offered within five ticks."""
    gone = levels([(-1, 1001, 0), (-1, 1002, 0)], ts + 2)
    return [trades(1, [(1001, 30), (1002, 30)], ts), gone]


def mirrored(events: Events) -> Events:
    other = events.copy()
    priced = np.isin(other["kind"], (LEVEL, TRADE))
    other["price"][priced] *= -1
    other["side"][priced] *= -1
    return other


def run(parts: list[Events], cuts: tuple[int, ...] = (), tick: int = 1) -> ResilienceState:
    events = np.concatenate(parts)
    book, prints = book_state(1, window=64, levels=256), prints_state(1, PrintsParameters())
    state = resilience_state(1, PARAMETERS)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_resilience(events, start, stop, book, prints, state, tick) == stop
    return state


def episodes(state: ResilienceState, s: int = 1) -> Any:
    return state.ended[0, s, : state.sides[0, s]["ended"]]


def test_t1_7_resilience() -> None:
    at = SHOCK_NS + 3
    back = levels([(-1, 1002, 30)], at + 1)
    whole = levels([(-1, 1001, 30)], at + 2_000_000_001)
    parts = [*quiet(), *swept(), timer(at), back, timer(at + 2_000_000_000)]
    state = run(parts)
    hit = state.sides[0, 1]
    shock = hit["open"]
    assert (shock["usual"], shock["after"], shock["swept"]) == (100, 40, 60)
    assert (shock["touch_before"], shock["touch_after"]) == (1001, 1003)
    assert hit["sum_ty"] / hit["sum_tt"] == pytest.approx(0.346574, abs=5e-7)
    assert log(2) / 2 == pytest.approx(0.346574, abs=5e-7)
    later = [whole, timer(at + 2_100_000_000), timer(at + 2_300_000_000)]
    (found,) = episodes(run([*parts, *later]))
    assert found["end"] == RECOVERED
    assert found["half_ns"] == 2_000_000_003
    assert found["most_ns"] == 2_100_000_003
    assert found["samples"] == 3


def path(depths: list[int]) -> tuple[list[Events], list[tuple[int, int]]]:
    """A shock, then looks at these depths: the nearest level left carries all of it."""
    parts, looks = [*quiet(), *swept()], []
    for i, depth in enumerate(depths):
        ts = SHOCK_NS + (i + 1) * STEP
        parts += [levels([(-1, 1003, depth)], ts - 1), timer(ts)]
        looks.append((ts, depth))
    return parts, looks


depth_paths = st.lists(st.sampled_from([1, 30, 39, 55, 69, 70, 85, 94, 95, 99, 120]), max_size=32)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), depth_paths)
def test_twin(first: int, rest: list[int]) -> None:
    parts, looks = path([first, *rest])
    state = run(parts)
    expected = naive.recovery(
        looks, SHOCK_NS, 100, PARAMETERS.hold_ns, PARAMETERS.censor_ns, LEFT_MIN
    )
    found = episodes(state)
    if expected is None:
        assert found.size == 0
        return
    assert found.size == 1
    episode = found[0]
    names = {RECOVERED: "recovered", CENSORED: "censored", AT_ONCE: "at once"}
    assert names[int(episode["end"])] == expected.end
    taus = [None if tau == NO_TIME else int(tau) for tau in episode[["half_ns", "most_ns"]]]
    assert taus == [expected.half_ns, expected.most_ns]
    assert episode["rate"] == pytest.approx(expected.rate, rel=1e-9, abs=1e-12)


def test_exponential_recovery_gives_its_rate_back() -> None:
    depths = [round(100_000 - 60_000 * np.exp(-1.5 * 0.1 * i)) for i in range(30)]
    big = {price: 1000 * lots for price, lots in ASKS.items()}
    parts = [snapshot_events(BIDS, big), *quiet()[1:]]
    parts += [trades(1, [(1001, 30_000), (1002, 30_000)], SHOCK_NS)]
    parts += [levels([(-1, 1001, 0), (-1, 1002, 0)], SHOCK_NS + 2)]
    for i, depth in enumerate(depths):
        ts = SHOCK_NS + (i + 1) * STEP
        parts += [levels([(-1, 1003, depth)], ts - 1), timer(ts)]
    (found,) = episodes(run(parts))
    assert found["usual"] == pytest.approx(100_000, rel=1 / 128)
    assert found["rate"] == pytest.approx(1.5, rel=0.03)
    assert found["half_ns"] == pytest.approx(1e9 * log(2) / 1.5 + STEP, abs=1.1 * STEP)


def test_a_book_that_is_whole_at_the_first_look_recovered_at_once() -> None:
    parts, _ = path([100])
    (found,) = episodes(run(parts))
    assert found["end"] == AT_ONCE
    assert (found["half_ns"], found["most_ns"], found["rate"]) == (STEP, STEP, 0)


def test_nothing_comes_back_is_censored_not_recovered() -> None:
    parts, _ = path([40] * 31)
    (found,) = episodes(run(parts))
    assert found["end"] == CENSORED
    assert (found["half_ns"], found["most_ns"]) == (NO_TIME, NO_TIME)
    assert found["rate"] == 0


def test_a_second_shock_overtakes_and_keeps_what_was_usual() -> None:
    parts, _ = path([40, 45])
    ts = SHOCK_NS + 2 * STEP + 10
    parts += [levels([(-1, 1004, 40)], ts), trades(1, [(1003, 45), (1004, 5)], ts + 1)]
    parts += [levels([(-1, 1003, 0), (-1, 1004, 35)], ts + 2), timer(SHOCK_NS + 3 * STEP)]
    state = run(parts)
    (found,) = episodes(state)
    assert found["end"] == OVERTAKEN
    assert state.sides[0, 1]["open"]["usual"] == 100
    assert state.sides[0, 1]["open"]["after"] == 35


def test_a_lost_book_ends_the_episode() -> None:
    parts, _ = path([40, 45])
    parts += [lost(SHOCK_NS + 2 * STEP + 1), timer(SHOCK_NS + 3 * STEP)]
    (found,) = episodes(run(parts))
    assert found["end"] == BOOK_LOST


@pytest.mark.parametrize(
    "fills",
    [
        pytest.param([(1001, 60)], id="one level, however large"),
        pytest.param([(1001, 10), (1002, 5)], id="a small sweep that leaves the touch near"),
    ],
)
def test_what_is_no_shock(fills: list[tuple[int, int]]) -> None:
    touch = levels([(-1, 1001, 5)], SHOCK_NS + 2)
    state = run([*quiet(), trades(1, fills, SHOCK_NS), touch, timer(SHOCK_NS + STEP)])
    assert episodes(state).size == 0
    assert state.sides[0, 1]["phase"] == 0


def test_a_small_sweep_that_moves_the_touch_far_is_a_shock() -> None:
    thin = {1001: 1, 1002: 1, 1003: 98}
    parts = [snapshot_events(BIDS, thin), *quiet()[1:]]
    parts += [trades(1, [(1001, 1), (1002, 1)], SHOCK_NS)]
    parts += [levels([(-1, 1001, 0), (-1, 1002, 0)], SHOCK_NS + 2), timer(SHOCK_NS + STEP)]
    shock = run(parts).sides[0, 1]["open"]
    assert (shock["swept"], shock["touch_before"], shock["touch_after"]) == (2, 1001, 1003)


def test_the_first_look_waits_for_a_depth_message_after_the_sweep() -> None:
    sweep, gone = swept()
    state = run([*quiet(), sweep, timer(SHOCK_NS + STEP)])
    # Nothing newer has come from the venue, so the order may still grow.
    assert state.sides[0, 1]["phase"] == 0
    gone["ts_recv"] = SHOCK_NS + STEP + 1
    state = run([*quiet(), sweep, timer(SHOCK_NS + STEP), gone, timer(SHOCK_NS + 2 * STEP)])
    shock = state.sides[0, 1]["open"]
    assert (shock["after"], shock["after_ns"]) == (40, SHOCK_NS + 2 * STEP)


def test_without_a_usual_depth_or_an_effective_tick_nothing_is_judged() -> None:
    young = [snapshot_events(BIDS, ASKS), timer(START_NS + 1), *swept(START_NS + 5)]
    state = run([*young, timer(START_NS + STEP)])
    assert (state.sides[0, 1]["undecided"], state.sides[0, 1]["ended"]) == (1, 0)
    state = run([*quiet(), *swept(), timer(SHOCK_NS + STEP)], tick=0)
    assert (state.sides[0, 1]["undecided"], state.sides[0, 1]["phase"]) == (1, 0)


@settings(max_examples=15, deadline=None)
@given(depth_paths, st.lists(st.integers(0, 2000), max_size=5))
def test_mirror_and_split(depths: list[int], cuts: list[int]) -> None:
    parts, _ = path([40, *depths])
    state, cut = run(parts), run(parts, cuts=tuple(cuts))
    for mine, theirs in ((state.ended, cut.ended), (state.sides, cut.sides)):
        np.testing.assert_array_equal(mine, theirs)
    other = run([mirrored(part) for part in parts])
    assert state.sides[0, 1]["ended"] == other.sides[0, 0]["ended"]
    for mine, theirs in zip(episodes(state, 1), episodes(other, 0), strict=True):
        for name in mine.dtype.names:
            sign = -1 if name.startswith("touch") else 1
            assert mine[name] == sign * theirs[name]


@settings(max_examples=15, deadline=None)
@given(depth_paths, depth_paths, st.integers(0, 20))
def test_what_comes_later_never_changes_an_ended_episode(
    depths: list[int], others: list[int], kept: int
) -> None:
    one, _ = path([40, *depths[:kept], *depths[kept:]])
    two, _ = path([40, *depths[:kept], *others])
    until = SHOCK_NS + (1 + len(depths[:kept])) * STEP
    early = [
        [e.tobytes() for e in episodes(run(parts)) if e["end_ns"] <= until] for parts in (one, two)
    ]
    assert early[0] == early[1]
