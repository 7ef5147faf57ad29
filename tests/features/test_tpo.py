"""TPO profiles: the worked example, the twin, bars and trades alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.bars import BAR
from aggressor.features.profile import ValueRule
from aggressor.features.tpo import PERIOD_NS, tpo_of_bars, tpo_of_trades, tpo_profile
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE, NOT_FLOW
from tests.features.test_footprint import MIDNIGHT, SECOND, trades
from tests.naive.session import naive_tpo

COUNTS = {110: 1, 109: 2, 108: 3, 107: 5, 106: 8, 105: 9, 104: 7, 103: 6, 102: 4, 101: 2, 100: 1}


def ranges_of(counts: dict[int, int]) -> list[tuple[int, int]]:
    """Low and high of each period: the n-th covers the rows that at least n periods touched."""
    rows = [[p for p, n in counts.items() if n >= i] for i in range(1, max(counts.values()) + 1)]
    return [(min(each), max(each)) for each in rows]


@pytest.mark.parametrize("step", [1, 2])
def test_t4_5b_value_area_of_a_tpo_count(step: int) -> None:
    low, high = (np.array(one) for one in zip(*ranges_of(COUNTS), strict=True))
    ts = MIDNIGHT + np.arange(low.size) * PERIOD_NS
    profile = tpo_profile(ts, low, high, rule=ValueRule(step=step))
    assert profile.counts.tolist() == [COUNTS[p] for p in range(100, 111)]
    assert (profile.first_price, profile.periods, int(profile.counts.sum())) == (100, 9, 48)
    assert (profile.poc, profile.val, profile.vah) == (105, 103, 107)


def test_bars_and_trades_give_the_same_profile() -> None:
    rows = [(100, 1, 1), (104, 1, -1, 90 * SECOND), (97, 2, 1, PERIOD_NS), (90, 1, 1, 9, NOT_FLOW)]
    bars = np.zeros(4, BAR)
    bars["open_ns"] = MIDNIGHT + np.array([0, 60, 120, 1800]) * SECOND
    bars["low"], bars["high"] = [100, 104, 104, 97], [100, 104, 104, 97]
    bars["volume"] = [1, 1, 0, 2]
    one, other = tpo_of_bars(bars), tpo_of_trades(trades(rows, MIDNIGHT))
    assert one.counts.tolist() == other.counts.tolist() == [1, 0, 0, 1, 1, 1, 1, 1]
    assert one[:2] == other[:2]
    assert one[3:] == other[3:]


def test_nothing_and_too_much() -> None:
    assert tpo_of_bars(np.zeros(3, BAR)).poc == NO_PRICE
    with pytest.raises(ConfigError, match="taller"):
        tpo_of_trades(trades([(0, 1, 1), (2**30, 1, 1)]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3 * PERIOD_NS), st.integers(-30, 30), st.integers(0, 9)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([1, 4]),
)
def test_twin(rows: list[tuple[int, int, int]], row_ticks: int) -> None:
    ranges = [(ts, low, low + height) for ts, low, height in rows]
    ts, low, high = (np.array(one, np.int64) for one in zip(*ranges, strict=True))
    profile = tpo_profile(ts, low, high, row_ticks)
    twin = naive_tpo(ranges, row_ticks, PERIOD_NS)
    first = profile.first_price // row_ticks
    assert {first + i: n for i, n in enumerate(profile.counts.tolist()) if n} == twin
