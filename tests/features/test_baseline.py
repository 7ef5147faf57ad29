"""Baselines and small exact statistics against their twins and the worked examples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.baseline import (
    NO_VALUE,
    READY,
    UNKNOWN,
    YOUNG,
    BaselineSpec,
    baseline_state,
    read_baseline,
    run_samples,
)
from aggressor.features.recent import (
    NO_LIMIT_NS,
    fading_mean_of,
    recent_state,
    robust_z_of,
    run_recent,
)
from tests.naive.baseline import naive_recent, naive_robust_z, naive_window, nearest_rank

SECOND = 10**9
PPM = 1_000_000
VALUES = st.one_of(st.integers(0, 127), st.integers(0, 10**6), st.integers(0, 2**48 - 1))
SIGNED = st.one_of(VALUES, VALUES.map(lambda value: -value))
GAPS = st.sampled_from([0, 0, 1, 3, 10, 29, 100, 1000, 100_000])
QUANTILES = st.sampled_from([1, 100_000, 500_000, 700_000, 990_000, 1_000_000])


def arrays(pairs, start=10**6):
    times, now = [], start
    for gap, _ in pairs:
        now += gap
        times.append(now)
    return np.array(times, np.int64), np.array([value for _, value in pairs], np.int64)


def assert_close(found, exact):
    assert abs(found - exact) <= abs(exact) / 64
    if abs(exact) < 128:
        assert found == exact


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(GAPS, SIGNED), min_size=1, max_size=60),
    QUANTILES,
    st.sampled_from([0, 7, 40]),
    st.booleans(),
    st.integers(0, 300),
    st.integers(0, 60),
)
def test_quantile_is_its_twin_however_the_batches_are_cut(pairs, ppm, exclude, signed, wait, cut):
    ts, values = arrays(pairs)
    state = baseline_state([BaselineSpec(80, exclude)], signed=signed, slices=8)
    run_samples(ts[:cut], values[:cut], state, 0)
    run_samples(ts[cut:], values[cut:], state, 0)
    now = int(ts[-1]) + wait
    found, count, _, _ = read_baseline(state, 0, now, ppm)
    kept = values if signed else np.abs(values)
    samples = list(zip(ts.tolist(), kept.tolist(), strict=True))
    inside = naive_window(samples, now, 10, 8, exclude)
    assert count == len(inside)
    if inside:
        assert_close(found, nearest_rank(inside, ppm))
    else:
        assert found == NO_VALUE


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 10**5, 2**40, 2**48 - 1])
def test_a_value_is_known_to_a_sixty_fourth(value):
    state = baseline_state([BaselineSpec(100)], signed=True, slices=4)
    for n in (value, -value):
        run_samples(np.array([30], np.int64), np.array([n], np.int64), state, 0)
    low, _, _, _ = read_baseline(state, 0, 100, 1)
    high, _, _, _ = read_baseline(state, 0, 100, PPM)
    assert low == -high
    assert_close(high, value)


def test_nothing_of_the_excluded_span_is_ever_in_the_window():
    state = baseline_state([BaselineSpec(1000, exclude_ns=100)], slices=10)
    ts = np.arange(1, 3001, dtype=np.int64)
    run_samples(ts, ts, state, 0)
    highest, count, _, _ = read_baseline(state, 0, 3000, PPM)
    assert count == 1000
    assert highest <= 2900 * 65 / 64
    lowest, _, _, _ = read_baseline(state, 0, 3000, 1)
    assert abs(lowest - 1901) <= 1901 / 64


def test_maturity_needs_samples_and_time_and_is_lost_in_a_silence():
    spec = BaselineSpec(1800 * SECOND)
    state = baseline_state([spec], slices=1800)
    ts = np.arange(1, 701, dtype=np.int64) * SECOND
    seen = []
    for k in range(ts.size):
        run_samples(ts[k : k + 1], ts[k : k + 1], state, 0)
        seen.append(read_baseline(state, 0, int(ts[k]), PPM)[3])
    assert seen[198:203] == [UNKNOWN, UNKNOWN, YOUNG, YOUNG, YOUNG]
    assert seen[598:603] == [YOUNG, YOUNG, READY, READY, READY]
    later = 10**5 * SECOND
    run_samples(np.full(300, later), np.full(300, 5), state, 0)
    assert read_baseline(state, 0, later + 30 * SECOND, PPM)[3] == UNKNOWN
    assert read_baseline(state, 0, later + 90 * SECOND, PPM)[3] == YOUNG


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(GAPS, SIGNED), min_size=1, max_size=40),
    QUANTILES,
    st.integers(1, 12),
    st.sampled_from([50, NO_LIMIT_NS]),
)
def test_recent_ranks_are_exact(pairs, ppm, capacity, window):
    ts, values = arrays(pairs)
    recent = recent_state([window], capacity)
    out = np.zeros(ts.size, np.int64)
    run_recent(ts, values, recent, 0, ppm, out)
    for k in range(ts.size):
        before = list(zip(ts[:k].tolist(), values[:k].tolist(), strict=True))
        expected = nearest_rank(naive_recent(before, ts[k], window, capacity), ppm)
        assert out[k] == (NO_VALUE if expected is None else expected)


@pytest.mark.parametrize(("count", "rank"), [(100, 99), (200, 198)])
def test_t2_3_large_print_thresholds(count, rank):
    recent = recent_state([NO_LIMIT_NS], 2000)
    values = np.append(np.arange(count, 0, -1), 0)
    out = np.zeros(count + 1, np.int64)
    run_recent(np.arange(count + 1), values, recent, 0, 990_000, out)
    assert out[count] == rank


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20), st.integers(-2000, 2000))
@settings(max_examples=40, deadline=None)
def test_robust_z_is_its_twin(values, x):
    array = np.array(values, np.int64)
    assert robust_z_of(array, np.zeros_like(array), x) == pytest.approx(naive_robust_z(values, x))


def test_robust_z_of_nothing_is_nan():
    none = np.zeros(0, np.int64)
    assert math.isnan(robust_z_of(none, none, 3))


def test_the_past_halves_with_every_half_life():
    ts = np.array([0, 300, 300], np.int64) * SECOND
    found = fading_mean_of(ts, np.array([8.0, 0.0, 100.0]), 300 * SECOND)
    assert found == pytest.approx(4.0)
