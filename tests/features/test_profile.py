"""Point of control, value area and session VWAP: worked examples and twins."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.profile import SHARE_PPM, ValueRule, profile_rows, volume_profile
from aggressor.features.series import CELL
from aggressor.features.vwap import run_vwap, session_sigma, session_vwap, vwap_state
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BAD_CLOCK, NO_PRICE, NOT_FLOW, TRADE, empty_events
from tests.features.test_footprint import F1, MIDNIGHT, SECOND, trades
from tests.naive.footprint import naive_poc, naive_value_area

TPO = [1, 2, 4, 6, 7, 9, 8, 5, 3, 2, 1]  # rows 100 to 110


def cells_of(rows):
    cells = np.zeros(len(rows), CELL)
    for cell, (price, (sold, bought)) in zip(cells, rows.items(), strict=True):
        cell["price"], cell["sold"], cell["bought"] = price, sold, bought
    return cells


def test_t4_5a_value_area_of_f1():
    profile = volume_profile(cells_of(F1), 1)
    assert (profile.poc, profile.val, profile.vah) == (102, 100, 104)
    assert (profile.total, int(profile.delta.sum())) == (297, 71)


@pytest.mark.parametrize("step", [1, 2])
def test_t4_5b_value_area_of_a_tpo_count(step):
    count = np.array(TPO, np.int64)
    found = profile_rows(count, count.sum(), SHARE_PPM, step, 0)
    assert tuple(100 + int(row) for row in found) == (105, 103, 107)


def test_a_tie_adds_the_upper_pair_or_both():
    count = np.array([5, 5, 20, 5, 5], np.int64)
    assert profile_rows(count, 40, 600_000, 2, 0) == (2, 2, 4)
    assert profile_rows(count, 40, 600_000, 2, 1) == (2, 0, 4)


def test_a_profile_of_nothing_and_one_too_fine():
    empty = volume_profile(cells_of({}), 1)
    assert (empty.total, empty.poc, empty.vah) == (0, NO_PRICE, NO_PRICE)
    with pytest.raises(ConfigError, match="taller"):
        volume_profile(cells_of({0: (1, 0), 2**30: (1, 0)}), 1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=25).filter(any),
    st.sampled_from([0.5, 0.7, 0.9, 1.0]),
    st.sampled_from([1, 2, 3]),
    st.booleans(),
)
def test_profile_is_its_twin(lots, share, step, both):
    rows = dict(enumerate(lots))
    cells = cells_of({price: (lots_here, 0) for price, lots_here in rows.items()})
    rule = ValueRule(round(share * 10**6), step, both)
    profile = volume_profile(cells, 1, rule)
    low, high, before, held = naive_value_area(rows, Fraction(str(share)), step, both)
    assert (profile.poc, profile.val, profile.vah) == (naive_poc(rows), low, high)
    assert held >= Fraction(str(share)) * profile.total
    assert low == high or before < Fraction(str(share)) * profile.total


def session(events):
    vwap = vwap_state(1)
    assert run_vwap(events, 0, events.size, vwap) == events.size
    return session_vwap(vwap, 0), session_sigma(vwap, 0)


def test_t4_7_session_vwap_of_f1():
    rows = [(p, lots, s) for p, two in F1.items() for lots, s in zip(two, (-1, 1), strict=True)]
    mean, sigma = session(trades([row for row in rows if row[1]]))
    assert mean == pytest.approx(101.848485, abs=5e-7)
    assert sigma == pytest.approx(1.537611, abs=5e-7)
    assert mean + sigma == pytest.approx(103.386096, abs=5e-7)
    assert mean - sigma == pytest.approx(100.310874, abs=5e-7)


def test_a_session_begins_at_midnight_and_leaves_out_what_is_no_flow():
    rows = [(900, 5, 1), (100, 1, 1, 40 * SECOND), (102, 1, 1, 41 * SECOND)]
    rows.append((999, 9, 1, 42 * SECOND, NOT_FLOW))
    rows.append((104, 1, 1, 200_000 * SECOND, BAD_CLOCK))
    mean, sigma = session(trades(rows, MIDNIGHT - 30 * SECOND))
    assert mean == pytest.approx(102)
    assert sigma == pytest.approx(math.sqrt(8 / 3))
    nothing = vwap_state(1)
    assert math.isnan(session_vwap(nothing, 0))
    assert math.isnan(session_sigma(nothing, 0))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(10**6, 10**6 + 50), st.integers(1, 10**6)), min_size=1))
def test_session_vwap_keeps_its_digits(prints):
    events = empty_events(len(prints))
    events["price"], events["size"] = zip(*prints, strict=True)
    events["kind"], events["ts_venue"] = TRADE, MIDNIGHT
    mean, sigma = session(events)
    total = sum(size for _, size in prints)
    exact = Fraction(sum(price * size for price, size in prints), total)
    variance = sum(size * (price - exact) ** 2 for price, size in prints) / total
    assert mean == pytest.approx(float(exact), rel=1e-14)
    assert sigma == pytest.approx(math.sqrt(variance), rel=1e-7, abs=1e-6)
