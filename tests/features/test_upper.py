"""Exact high quantiles of a ring against sorting the window."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import upper as module
from aggressor.features.baseline import NO_VALUE
from aggressor.features.upper import LARGEST, UpperState, upper_state
from aggressor.kernel import kernel
from tests.naive.prints import nearest_rank


@kernel
def _add(upper: UpperState, now: int, value: int) -> bool:
    return module.add_upper(upper, 0, now, value)


@kernel
def _quantile(upper: UpperState, ppm: int) -> int:
    return module.upper_quantile(upper, 0, ppm)


@kernel
def _count(upper: UpperState) -> int:
    return module.upper_count(upper, 0)


@pytest.mark.parametrize(("count", "expected"), [(100, 99), (200, 198)])
def test_t2_3_quantile(count: int, expected: int) -> None:
    upper = upper_state([10**6], 2000)
    for i in range(count):
        _add(upper, i, count - i)
    assert _quantile(upper, 990_000) == expected


def test_nothing_and_a_rank_too_deep_have_no_value() -> None:
    upper = upper_state([10**6], 2000)
    assert _quantile(upper, 990_000) == NO_VALUE
    for i in range(2 * LARGEST + 1):
        _add(upper, i, i)
    assert _quantile(upper, 500_000) == NO_VALUE


values = st.one_of(st.integers(0, 5), st.integers(0, 10**12))
streams = st.lists(st.tuples(st.integers(0, 30), values), min_size=1, max_size=400)


@settings(max_examples=60, deadline=None)
@given(streams, st.integers(1, 200), st.sampled_from([850_000, 990_000, 999_999, 1]))
def test_twin(stream: list[tuple[int, int]], limit: int, ppm: int) -> None:
    upper = upper_state([1000], limit)
    seen: list[tuple[int, int]] = []
    now = before = 0
    for step, value in stream:
        now += step
        seen.append((now, value))
        moved = _add(upper, now, value)
        window = [v for ts, v in seen[-limit:] if ts > now - 1000]
        assert _count(upper) == len(window)
        exact = nearest_rank(window, Fraction(ppm, 1_000_000))
        if sum(1 for v in sorted(window)[::-1] if v > exact) < LARGEST:
            found = _quantile(upper, ppm)
            assert found in (exact, NO_VALUE)
            if ppm >= 850_000:
                assert found == exact
                assert moved or found == before
                before = found
