"""Delta fade: the worked example, the twin, three-valued verdicts, mirror and scale."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import fade as module
from aggressor.features.baseline import UNKNOWN, YOUNG
from aggressor.features.fade import (
    FADE_NAMES,
    FADE_NO,
    FADE_PROFILES,
    FADE_UNKNOWN,
    FADE_YES,
    FadeState,
    fade_state,
)
from aggressor.features.parameters import MILLISECOND_NS, SECOND_NS
from aggressor.kernel import kernel
from aggressor.schema.event import TRADE, Events, empty_events
from tests.naive import fade as naive
from tests.naive.fade import Rule, Sample

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100 * MILLISECOND_NS
PERP = FADE_PROFILES["perp"]
WARM_STEPS = 1400  # 140 s: beyond the 60 s and 200 samples the baseline asks for, and its exclusion
QUIET_STEPS = 105  # more than T: no peak is left, and the baseline has not seen the quiet yet


@kernel
def _sample(fade: FadeState, now: int, delta: int, effective_tick: int) -> None:
    module.sample(fade, 0, now, delta, effective_tick)


@kernel
def _trades(fade: FadeState, events: Events) -> None:
    for i in range(events.size):
        module.on_trade(fade, 0, events[i])


def feed(fade: FadeState, samples: list[Sample], tick: int = 1) -> list[tuple[str, str]]:
    verdicts = []
    for one in samples:
        events = empty_events(len(one.prices))
        events["kind"], events["price"] = TRADE, one.prices
        _trades(fade, events)
        _sample(fade, one.ts, one.delta, tick)
        up, down = (FADE_NAMES[int(value)] for value in fade.sides[0]["fading"])
        verdicts.append((up, down))
    return verdicts


def warmed(delta: int = 3) -> tuple[FadeState, int]:
    """A lane whose baseline of |d| is `delta` all along, then quiet; and the next timer."""
    fade = fade_state(1, PERP)
    ts = START_NS
    for i in range(WARM_STEPS):
        quiet = i >= WARM_STEPS - QUIET_STEPS
        _sample(fade, ts, 0 if quiet else delta * (-1) ** i, 1)
        ts += STEP_NS
    return fade, ts


def series(deltas: list[int], ts: int, step: int = STEP_NS, price: int = 100) -> list[Sample]:
    return [Sample(ts + i * step, delta, (price,)) for i, delta in enumerate(deltas)]


T3_4 = [5, 12, 30, 55, 80, 70, 40, 18, 6]


def test_t3_4_fires_at_index_7() -> None:
    fade, ts = warmed()
    verdicts = feed(fade, series(T3_4, ts))
    assert [up for up, _ in verdicts].index("yes") == 7
    side: Any = fade.sides[0, 0]
    assert (side["peak"], side["peak_ns"]) == (80, ts + 4 * STEP_NS)
    ratios = [delta / 80 for delta in T3_4[5:8]]
    assert ratios == [0.875, 0.5, 0.225]
    assert side["current"] == 6
    assert fade.head[0]["threshold"] == 3
    assert fade.head[0]["maturity"] == YOUNG


def test_the_mirrored_run_fades_down() -> None:
    fade, ts = warmed()
    verdicts = feed(fade, series([-delta for delta in T3_4], ts))
    assert [down for _, down in verdicts].index("yes") == 7
    assert all(up != "yes" for up, _ in verdicts)


def test_without_a_baseline_the_answer_is_unknown_not_no() -> None:
    fade = fade_state(1, PERP)
    verdicts = feed(fade, series(T3_4, START_NS))
    assert fade.head[0]["maturity"] == UNKNOWN
    assert [up for up, _ in verdicts] == ["no"] * 7 + ["unknown"] * 2


def test_an_ordinary_peak_is_no_fade() -> None:
    fade, ts = warmed(delta=100)
    assert all(up == "no" for up, _ in feed(fade, series(T3_4, ts)))


@pytest.mark.parametrize(
    ("last_price", "late_ns", "expected"),
    [
        (98, 0, FADE_YES),
        (97, 0, FADE_NO),
        (100, 2 * SECOND_NS, FADE_YES),
        (100, 4 * SECOND_NS, FADE_NO),
    ],
)
def test_a_fade_is_fresh_and_at_the_extreme(last_price: int, late_ns: int, expected: int) -> None:
    fade, ts = warmed()
    feed(fade, series(T3_4[:7], ts))
    end = ts + 7 * STEP_NS + late_ns
    feed(fade, [Sample(end, 18, (last_price,))])
    assert fade.sides[0, 0]["fading"] == expected


def test_the_distance_is_in_effective_ticks() -> None:
    fade, ts = warmed()
    feed(fade, series(T3_4[:7], ts), tick=5)
    feed(fade, [Sample(ts + 7 * STEP_NS, 18, (90,))], tick=5)
    assert fade.sides[0, 0]["fading"] == FADE_YES


def test_the_baseline_ends_before_the_window_under_test() -> None:
    fade, ts = warmed()
    feed(fade, series([10**6] * 100, ts))
    assert fade.head[0]["threshold"] == 3


def sample_lists() -> st.SearchStrategy[list[Sample]]:
    row = st.tuples(
        st.sampled_from([1, 1, 1, 5, 40]),
        st.one_of(st.integers(-20, 20), st.integers(-(10**12), 10**12)),
        st.lists(st.integers(95, 105), max_size=3).map(tuple),
    )

    def build(rows: list[tuple[int, int, tuple[int, ...]]]) -> list[Sample]:
        ts, samples = START_NS, []
        for steps, delta, prices in rows:
            ts += steps * STEP_NS
            samples.append(Sample(ts, delta, prices))
        return samples

    return st.lists(row, max_size=50).map(build)


@settings(max_examples=60, deadline=None)
@given(sample_lists(), st.integers(1, 3))
def test_twin_before_the_baseline(samples: list[Sample], tick: int) -> None:
    rule = Rule(PERP.window_ns, PERP.peak_ns, PERP.fresh_ns, (3, 10), PERP.near_ticks, tick)
    verdicts = feed(fade_state(1, PERP), samples, tick)
    assert verdicts == naive.verdicts(samples, rule, None)


@settings(max_examples=20, deadline=None)
@given(sample_lists())
def test_twin_with_a_baseline(samples: list[Sample]) -> None:
    samples = [one for one in samples if one.ts < START_NS + 10 * SECOND_NS]
    fade, ts = warmed(delta=7)
    shifted = [Sample(one.ts - START_NS + ts, one.delta, one.prices) for one in samples]
    rule = Rule(PERP.window_ns, PERP.peak_ns, PERP.fresh_ns, (3, 10), PERP.near_ticks, 1)
    assert feed(fade, shifted) == naive.verdicts(shifted, rule, 7)


@settings(max_examples=40, deadline=None)
@given(sample_lists(), st.integers(2, 9))
def test_mirror_and_scale(samples: list[Sample], scale: int) -> None:
    fade = fade_state(1, PERP)
    verdicts = feed(fade, samples)
    mirrored = [
        Sample(one.ts, -one.delta, tuple(-price for price in one.prices)) for one in samples
    ]
    assert [(up, down) for down, up in feed(fade_state(1, PERP), mirrored)] == verdicts
    scaled = [Sample(one.ts, one.delta * scale, one.prices) for one in samples]
    assert feed(fade_state(1, PERP), scaled) == verdicts
    assert FADE_UNKNOWN == 0
    assert np.all(fade.samples["ts_recv"] >= 0)
