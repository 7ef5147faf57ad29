"""Volatility: selection, sigma, ATR, the effective tick and its freezing, against plain twins."""

import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import volatility as module
from aggressor.features.baseline import READY, UNKNOWN, YOUNG
from aggressor.features.parameters import MINUTE_NS, SECOND_NS
from aggressor.features.ranks import (
    median_and_deviation,
    median_and_deviation_near,
    select,
    select_near,
)
from aggressor.features.volatility import (
    VolatilityParameters,
    VolatilityState,
    volatility_state,
)
from aggressor.kernel import kernel
from tests.naive import volatility as naive
from tests.naive.volatility import Sample

START_NS = 1_700_000_040_000_000_000 // MINUTE_NS * MINUTE_NS
EAGER = VolatilityParameters(samples_min=1, unknown_ns=0, young_ns=10 * MINUTE_NS)


@kernel
def _sample(volatility: VolatilityState, now: int, known: bool, mid2: int, spread: int) -> None:
    module.sample(volatility, 0, now, known, mid2, spread)


def feed(
    samples: list[Sample], parameters: VolatilityParameters = EAGER
) -> tuple[VolatilityState, Any]:
    volatility = volatility_state(1, parameters)
    add(volatility, samples)
    return volatility, volatility.head[0]


def add(volatility: VolatilityState, samples: list[Sample]) -> None:
    for one in samples:
        known = one.mid2 is not None
        _sample(volatility, one.ts, known, one.mid2 or 0, one.spread)


def steady(seconds: int, moves: list[int], spread: int = 1, start: int = START_NS) -> list[Sample]:
    """One sample a second whose mid moves by `moves`, again and again."""
    mid2, samples = 2000, []
    for i in range(seconds):
        samples.append(Sample(start + i * SECOND_NS, mid2, spread))
        mid2 += moves[i % len(moves)]
    return samples


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=60), st.integers(0, 59))
def test_selection_is_sorting_without_sorting(values: list[int], rank: int) -> None:
    rank %= len(values)
    assert select(np.array(values), len(values), rank) == sorted(values)[rank]
    median, deviation = median_and_deviation(np.array(values), len(values))
    assert median == statistics.median(values)
    assert deviation == statistics.median(abs(value - median) for value in values)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=60),
    st.integers(0, 59),
    st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 10**12)),
)
def test_a_guess_changes_no_selection(
    values: list[int], rank: int, guessed: tuple[int, int]
) -> None:
    rank %= len(values)
    assert select_near(np.array(values), len(values), rank, guessed[0]) == sorted(values)[rank]
    guesses = np.array(guessed)
    found = median_and_deviation_near(np.array(values), len(values), guesses)
    assert found == median_and_deviation(np.array(values), len(values))
    again = median_and_deviation_near(np.array(values), len(values), guesses)
    assert again == found, "what was found is the best guess"


def test_sigma_of_a_known_walk() -> None:
    samples = steady(301, [4, -4, 8, -8])
    _, head = feed(samples)
    assert head["sigma2"] == pytest.approx(1.4826 * 6)
    assert head["sigma2"] == pytest.approx(naive.sigma2(naive.changes(samples)))
    assert head["sigma_maturity"] == YOUNG
    assert head["effective_tick"] == 3  # ceil(8.8956 / 4)


def test_effective_tick_of_a_wide_spread() -> None:
    _, head = feed(steady(121, [0], spread=9), VolatilityParameters(samples_min=30))
    assert head["spread_maturity"] == UNKNOWN
    assert head["effective_tick"] == 1
    _, head = feed(steady(301, [0], spread=9), VolatilityParameters(samples_min=30))
    assert head["spread_median"] == 9
    assert head["effective_tick"] == 5
    assert head["effective_maturity"] == YOUNG


def test_nothing_is_known_before_its_time_and_all_is_ready_after_ten_minutes() -> None:
    parameters = VolatilityParameters()
    _, head = feed(steady(181, [1, -1]), parameters)
    assert head["sigma_maturity"] == UNKNOWN
    assert head["effective_maturity"] == UNKNOWN
    _, head = feed(steady(15 * 60 + 1, [1, -1]), parameters)
    assert head["sigma_maturity"] == head["effective_maturity"] == READY
    assert head["atr_maturity"] == READY


def test_the_effective_tick_follows_the_market_within_a_minute() -> None:
    volatility, head = feed(steady(301, [4, -4, 8, -8]))
    assert head["effective_tick"] == 3
    add(volatility, steady(1261, [41, -41], start=START_NS + 301 * SECOND_NS))
    assert head["effective_tick"] == naive.effective_tick(1, float(head["sigma2"])) > 10


def test_old_changes_leave_the_window() -> None:
    parameters = VolatilityParameters(samples_min=1, unknown_ns=0, window_ns=2 * MINUTE_NS)
    samples = steady(121, [40, -40])
    samples += steady(241, [2, -2], start=START_NS + 121 * SECOND_NS)
    _, head = feed(samples, parameters)
    assert head["sigma2"] == pytest.approx(1.4826 * 2)


def test_atr_is_the_mean_true_range_of_closed_minutes() -> None:
    samples = steady(60 * 4 + 1, [1, -1])
    samples[130] = Sample(samples[130].ts, 2011)
    _, head = feed(samples)
    ranges = naive.true_ranges(samples)
    assert ranges == [1, 11, 1]
    assert head["ranges"] == 3
    assert head["atr2"] == pytest.approx(np.mean(ranges))
    assert head["atr_maturity"] == YOUNG


def test_an_unknown_top_breaks_the_chain_of_changes() -> None:
    samples = [
        Sample(START_NS, 2000),
        Sample(START_NS + SECOND_NS, None),
        Sample(START_NS + 2 * SECOND_NS, 3000),
        Sample(START_NS + 3 * SECOND_NS, 3002),
    ]
    volatility, head = feed(samples)
    assert head["newest"] == 1
    assert volatility.changes[0, 0]["change2"] == 2


def walks() -> st.SearchStrategy[list[Sample]]:
    row = st.tuples(
        st.sampled_from([100, 100, 500, 1000, 1000, 3000, 61_000, 130_000]),
        st.one_of(st.integers(-50, 50), st.none()),
        st.integers(1, 40),
    )

    def build(rows: list[tuple[int, int | None, int]]) -> list[Sample]:
        ts, mid2, samples = START_NS, 2000, []
        for step_ms, move, spread in rows:
            ts += step_ms * 1_000_000
            mid2 += move or 0
            samples.append(Sample(ts, None if move is None else mid2, spread))
        return samples

    return st.lists(row, min_size=1, max_size=80).map(build)


@settings(max_examples=60, deadline=None)
@given(walks())
def test_twin(samples: list[Sample]) -> None:
    end = samples[-1].ts // MINUTE_NS * MINUTE_NS + MINUTE_NS
    samples = [*samples, Sample(end, None)]
    volatility, head = feed(samples, VolatilityParameters(samples_min=1, unknown_ns=0))
    changes = naive.changes(samples)
    kept = volatility.changes[0, : int(head["newest"])]["change2"].tolist()
    assert kept == changes
    ranges = naive.true_ranges(samples)
    assert head["ranges"] == len(ranges)
    if ranges:
        assert head["atr2"] == pytest.approx(np.mean(ranges[-14:]))
    if changes and samples[-1].ts - samples[0].ts < 60 * MINUTE_NS:
        assert head["sigma2"] == pytest.approx(naive.sigma2(changes))
        assert head["effective_tick"] == naive.effective_tick(
            int(head["spread_median"]) if head["spread_maturity"] else None, head["sigma2"]
        )


@settings(max_examples=30, deadline=None)
@given(walks())
def test_mirror(samples: list[Sample]) -> None:
    mirrored = [Sample(one.ts, one.mid2 and -one.mid2, one.spread) for one in samples]
    head, other = feed(samples)[1], feed(mirrored)[1]
    for name in ("sigma2", "atr2", "effective_tick", "spread_median", "ranges"):
        assert head[name] == other[name]
