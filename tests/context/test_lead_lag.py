"""Lead and lag: the worked example, the definition, and when no leader may be named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.context.lead_lag import Changes, Leader, lead_lag, quote_changes
from tests.naive import lead_lag as naive

SECOND_NS = 10**9
MS = 10**6


def changes_of(times: list[float], values: list[float]) -> Changes:
    return Changes(
        np.array([round(t * SECOND_NS) for t in times], np.int64), np.array(values, np.float64), 0
    )


A = changes_of([0, 1, 3, 4, 6], [0, 1, 0, 2, 2])
B = changes_of([0, 1.5, 3.5, 4.5, 6.5], [0, 1, 0, 2, 2])
LAGS = np.array([-500, 0, 500, 1000], np.int64) * MS


def test_t6_4b_the_curve_peaks_where_a_leads_by_half_a_second() -> None:
    found = lead_lag(A, B, LAGS, bound_ns=50 * MS, changes_min=4)
    np.testing.assert_allclose(found.curve, [-1 / 6, 0.5, 1.0, 0.5], atol=1e-12)
    assert (found.peak_ns, found.peak) == (500 * MS, pytest.approx(1.0))
    assert found.leader is Leader.A
    assert found.reason == ""
    assert found.ratio == pytest.approx((1 + 0.25) / (1 / 36))


def test_the_mirror_of_leading_is_following() -> None:
    found = lead_lag(B, A, -LAGS[::-1], bound_ns=50 * MS, changes_min=4)
    assert (found.peak_ns, found.leader) == (-500 * MS, Leader.B)


def test_no_leader_inside_the_bound_of_the_clocks() -> None:
    found = lead_lag(A, B, LAGS, bound_ns=500 * MS, changes_min=4)
    assert found.peak_ns == 500 * MS
    assert found.leader is Leader.NONE
    assert "within the clocks' bound of 500 ms" in found.reason


def test_no_leader_from_few_changes_or_at_the_edge_of_the_lags() -> None:
    assert "4 changes, fewer than 200" in lead_lag(A, B, LAGS, 0).reason
    edge = lead_lag(A, B, LAGS[:3], 0, changes_min=4)
    assert edge.leader is Leader.NONE
    assert "no peak inside" in edge.reason


def test_a_series_that_stands_still_has_no_curve() -> None:
    still = changes_of([0, 1, 2], [5, 5, 5])
    found = lead_lag(A, still, LAGS, 0, changes_min=0)
    assert np.isnan(found.curve).all()
    assert found.leader is Leader.NONE
    assert found.reason


def test_two_walks_with_one_driver_show_the_lag_that_was_put_in() -> None:
    chance = np.random.default_rng(5)
    steps = chance.normal(size=4000)
    path = np.cumsum(steps)
    times = np.cumsum(chance.integers(1, 40, 4000)) * MS
    seen = np.sort(chance.choice(4000, 2500, replace=False))
    a = Changes(times.astype(np.int64), path, 0)
    b = Changes((times[seen] + 120 * MS).astype(np.int64), path[seen], 0)
    lags = np.arange(-300, 301, 20, dtype=np.int64) * MS
    found = lead_lag(a, b, lags, bound_ns=50 * MS)
    assert (found.peak_ns, found.leader) == (120 * MS, Leader.A)
    assert found.ratio > 1
    unrelated = Changes(a.times, np.cumsum(chance.normal(size=4000)), 0)
    assert abs(lead_lag(unrelated, b, lags, 0).peak) < 0.15


def test_quote_changes_keeps_the_last_of_a_time_and_leaves_out_what_goes_back() -> None:
    times = np.array([10, 10, 20, 15, 30, 40], np.int64)
    found = quote_changes(times, [1, 2, 2, 9, 3, 4])
    assert found.times.tolist() == [10, 30, 40]
    assert found.values.tolist() == [2, 3, 4]
    assert found.late == 1
    assert quote_changes(np.zeros(0, np.int64), []).times.size == 0


series = st.lists(st.tuples(st.integers(1, 5), st.integers(-3, 3)), min_size=1, max_size=25).map(
    lambda steps: Changes(
        np.cumsum([gap for gap, _ in steps]).astype(np.int64),
        np.cumsum([move for _, move in steps]).astype(np.float64),
        0,
    )
)


@settings(max_examples=60)
@given(series, series, st.lists(st.integers(-20, 20), min_size=1, max_size=7, unique=True))
def test_twin(a: Changes, b: Changes, lags: list[int]) -> None:
    found = lead_lag(a, b, np.array(sorted(lags), np.int64), 0, changes_min=0)
    norm = np.sqrt(np.sum(np.diff(a.values) ** 2) * np.sum(np.diff(b.values) ** 2))
    if norm == 0:
        assert np.isnan(found.curve).all()
        return
    for lag, rho in zip(sorted(lags), found.curve, strict=True):
        exact = naive.covariance(
            a.times.tolist(), a.values.tolist(), b.times.tolist(), b.values.tolist(), lag
        )
        assert rho * norm == pytest.approx(exact, abs=1e-9)
