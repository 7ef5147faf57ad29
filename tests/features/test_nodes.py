"""Nodes and composites: worked profiles, the twin, mirror, sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.bars import TIME, BarSpec
from aggressor.features.footprint_batch import feed
from aggressor.features.nodes import (
    HVN,
    LVN,
    NODE,
    PROMINENCE,
    composite_profile,
    find_nodes,
    gaussian_weights,
    profile_nodes,
    session_profiles,
)
from aggressor.features.profile import VolumeProfile, volume_profile
from aggressor.features.series import CELL, BarSeries, footprint_state
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE
from tests.features.test_footprint import MIDNIGHT, SECOND, trades
from tests.naive.session import naive_highs, naive_lows, naive_smooth

WEIGHTS = gaussian_weights()


def profile_of(volume: list[int], first: int = 100, row_ticks: int = 1) -> VolumeProfile:
    cells = np.zeros(len(volume), CELL)
    cells["price"] = first + row_ticks * np.arange(len(volume))
    cells["bought"] = volume
    return volume_profile(cells, row_ticks)


def search(volume: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return (nodes, smoothed volumes)."""
    found, smooth = np.zeros(len(volume), NODE), np.zeros(len(volume))
    count = find_nodes(np.array(volume, np.int64), len(volume), WEIGHTS, smooth, found)
    return found[:count], smooth


def hump(centre: int, height: int, rows: int = 60) -> np.ndarray:
    return np.round(height * np.exp(-0.5 * ((np.arange(rows) - centre) / 4) ** 2)).astype(int)


def test_the_weights_are_a_gaussian_of_two_rows() -> None:
    assert WEIGHTS[0] + 2 * WEIGHTS[1:].sum() == pytest.approx(1)
    assert WEIGHTS[2] / WEIGHTS[0] == pytest.approx(np.exp(-0.5))


def test_two_humps_are_two_nodes_with_a_valley() -> None:
    low, valley, high = profile_nodes(profile_of((hump(15, 1000) + hump(42, 700)).tolist()))
    assert [low.kind, valley.kind, high.kind] == [HVN, LVN, HVN]
    assert (low.low, low.high, high.low, high.high) == (115, 115, 142, 142)
    assert 124 <= valley.low <= valley.high <= 134
    assert (low.edge_low, low.edge_high) == (110, 120)  # half of a Gaussian of sigma sqrt(20)
    assert low.volume == pytest.approx(1000 * 4 / np.sqrt(20), rel=0.01)


def test_a_hump_of_less_than_a_fifth_is_none() -> None:
    assert len(profile_nodes(profile_of((hump(15, 1000) + hump(42, 190)).tolist()))) == 1
    assert len(profile_nodes(profile_of((hump(15, 1000) + hump(42, 210)).tolist()))) == 3


def test_a_shallow_valley_is_no_low_volume_node() -> None:
    shallow = (hump(20, 1000) + hump(32, 1000)).tolist()
    assert [one.kind for one in profile_nodes(profile_of(shallow))] == [HVN, HVN]


def test_rows_of_many_ticks_and_plateaus() -> None:
    (one,) = profile_nodes(profile_of([7, 7], first=90, row_ticks=5))
    assert (one.low, one.high, one.edge_low, one.edge_high) == (90, 99, 90, 99)
    assert profile_nodes(profile_of([0, 0])) == []
    assert profile_nodes(profile_of([])) == []


volumes = st.lists(st.integers(0, 40) | st.sampled_from([0, 0, 500]), min_size=1, max_size=70)


@settings(max_examples=150, deadline=None)
@given(volumes)
def test_twin(volume: list[int]) -> None:
    found, smooth = search(volume)
    twin = naive_smooth(volume, WEIGHTS.tolist())
    assert smooth.tolist() == twin
    highs = naive_highs(twin, PROMINENCE)
    spans = {
        kind: [(int(n["low"]), int(n["high"])) for n in found if n["kind"] == kind]
        for kind in (HVN, LVN)
    }
    assert spans == {HVN: highs, LVN: naive_lows(twin, highs)}
    assert found["low"].tolist() == sorted(found["low"].tolist())
    for one in found[found["kind"] == HVN]:
        assert one["edge_low"] <= one["low"] <= one["high"] <= one["edge_high"]
        assert (smooth[one["edge_low"] : one["edge_high"] + 1] > 0.5 * one["volume"]).all()


@settings(max_examples=80, deadline=None)
@given(volumes)
def test_mirror(volume: list[int]) -> None:
    (found, _), (mirrored, _) = search(volume), search(volume[::-1])
    last = len(volume) - 1
    assert found.size == mirrored.size
    for one, other in zip(found, mirrored[::-1], strict=True):
        assert one["kind"] == other["kind"]
        assert (one["low"], one["high"]) == (last - other["high"], last - other["low"])
        assert one["edge_low"] == last - other["edge_high"]
        assert one["volume"] == other["volume"]


def test_a_composite_is_the_sum() -> None:
    parts = [profile_of([1, 2, 3], 100), profile_of([], 0), profile_of([10, 20], 102)]
    both = composite_profile(parts)
    assert (both.first_price, both.volume.tolist(), both.total) == (100, [1, 2, 13, 20], 36)
    assert both.delta.tolist() == [1, 2, 13, 20]
    assert (both.poc, both.val, both.vah) == (103, 101, 103)  # a whole pair
    assert composite_profile([profile_of([], 0)]).poc == NO_PRICE
    with pytest.raises(ConfigError, match="one row height"):
        composite_profile([profile_of([1]), profile_of([1], 0, 2)])
    with pytest.raises(ConfigError, match="taller"):
        composite_profile([profile_of([1], 0), profile_of([1], 2**30)])


def test_a_composite_of_sessions_is_made_of_bars() -> None:
    first, day = 86_400 * SECOND - 90 * SECOND, 86_400 * SECOND
    rows = [(100, 4, 1), (101, 2, -1, 70 * SECOND), (103, 5, 1, 95 * SECOND), (90, 1, 1, 2 * day)]
    series = BarSeries(0, BarSpec(TIME, 60 * SECOND, "1m"))
    state = footprint_state([series], bars=1 << 13)
    _, (closed,) = feed(state, 0, trades(rows, MIDNIGHT + first))
    sessions = session_profiles(closed, 1)
    assert [start for start, _ in sessions] == [MIDNIGHT, MIDNIGHT + day, MIDNIGHT + 2 * day]
    assert [one.volume.tolist() for _, one in sessions] == [[4, 2], [5], []]
    both = composite_profile([one for _, one in sessions])
    assert both.volume.tolist() == [4, 2, 0, 5]
    assert both.delta.tolist() == [4, -2, 0, 5]
