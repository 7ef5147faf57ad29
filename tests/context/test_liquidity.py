"""The liquidity regime: its past, its third answer, the twin, and splits."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.context import liquidity as module
from aggressor.context.liquidity import (
    BASIS_NAMES,
    COST,
    DEPTH,
    LAST_DAY,
    LIQUIDITY_NAMES,
    LIQUIDITY_REASONS,
    MINUTE,
    NO_BOOK,
    NO_PAST,
    SAME_HOUR,
    SIZE_FACTORS,
    SPREAD,
    LiquidityParameters,
    LiquidityState,
    liquidity_state,
    past_of,
    read_liquidity,
    seed_liquidity,
)
from aggressor.kernel import kernel
from aggressor.market.book import BookState
from tests.features.books import B0_ASKS, B0_BIDS, b0, book_of
from tests.naive import depth as naive_depth
from tests.naive import liquidity as naive

SECOND_NS = 10**9
MINUTE_NS, HOUR_NS, WEEK_NS = 60 * SECOND_NS, 3600 * SECOND_NS, 168 * 3600 * SECOND_NS
START_NS = 472_222 * HOUR_NS  # the beginning of an hour
WIDE = LiquidityParameters(size_lots=20, reach=2500)  # 25 bp: three ticks of B0


@kernel
def _sample(liquidity: LiquidityState, book: BookState, now: int, vacuum: int) -> None:
    module.sample(liquidity, book, 0, now, vacuum)


@kernel
def _run(liquidity: LiquidityState, book: BookState, start: int, seconds: int) -> None:
    """TIMERs every 100 ms."""
    for step in range(1, 10 * seconds + 1):
        module.sample(liquidity, book, 0, start + step * 100_000_000, 0)


def past(depth: int, spread: int, cost: int, minutes: int = 60, weeks: int = 4) -> Any:
    """The same hour of the last weeks; the values rise by one each minute from these."""
    rows = np.zeros(minutes * weeks, MINUTE)
    for i, row in enumerate(rows):
        week, minute = 1 + i // minutes, i % minutes
        row["minute"] = (START_NS - week * WEEK_NS) // MINUTE_NS + minute
        row["values"] = depth + minute, spread + minute, cost + minute
    return rows[np.argsort(rows["minute"])]


def judged(rows: Any, book: BookState | None = None, vacuum: int = 0) -> LiquidityState:
    liquidity = liquidity_state(1, WIDE)
    seed_liquidity(liquidity, 0, rows)
    _sample(liquidity, b0() if book is None else book, START_NS + SECOND_NS, vacuum)
    return liquidity


def test_the_three_measures_of_b0() -> None:
    liquidity = judged(past(0, 0, 0))
    values = liquidity.head[0]["values"]
    assert values[DEPTH] == 75 + 65  # T1.3
    assert values[SPREAD] == 1
    assert values[COST] == 100  # T1.8: buying 20 costs one tick from the mid


@pytest.mark.parametrize(
    ("depth", "spread", "cost", "expected"),
    [
        # ranks 24 and 5 from the bottom are 5 and 1 up, 216 and 236 from it 53 and 58 up
        (135, -52, 47, "normal"),  # all exactly at their quantiles
        (136, -52, 47, "thin"),  # depth below its Q.1
        (135, -53, 47, "thin"),
        (135, -52, 46, "thin"),
        (135, -58, 42, "thin"),  # one beyond Q.98 is thin
        (135, -58, 41, "vacuum"),
        (140, -58, 47, "vacuum"),
        (0, 100, 1000, "normal"),  # better than ever
    ],
)
def test_ranks_against_the_same_hour_of_four_weeks(
    depth: int, spread: int, cost: int, expected: str
) -> None:
    read = read_liquidity(judged(past(depth, spread, cost)), 0)
    assert LIQUIDITY_NAMES[read.regime] == expected
    assert read.basis == BASIS_NAMES[SAME_HOUR]
    assert read.factor == {"normal": 1.0, "thin": 0.5, "vacuum": 0.0}[expected]


def test_without_a_past_the_regime_is_unknown_and_says_why() -> None:
    read = read_liquidity(judged(past(0, 0, 0, minutes=49)), 0)  # 196 samples
    assert LIQUIDITY_NAMES[read.regime] == "unknown"
    assert read.reason == LIQUIDITY_REASONS[NO_PAST]
    assert read.factor is None
    assert read_liquidity(judged(past(0, 0, 0, minutes=50)), 0).basis == BASIS_NAMES[SAME_HOUR]


def test_the_last_day_stands_in_and_is_young_at_first() -> None:
    liquidity = liquidity_state(1, WIDE)
    _run(liquidity, b0(), START_NS, 350)
    assert read_liquidity(liquidity, 0).reason == LIQUIDITY_REASONS[NO_PAST]
    _run(liquidity, b0(), START_NS + 350 * SECOND_NS, 20)
    read = read_liquidity(liquidity, 0)
    assert (LIQUIDITY_NAMES[read.regime], read.basis) == ("normal", BASIS_NAMES[LAST_DAY])
    assert read.young
    _run(liquidity, b0(), START_NS + 370 * SECOND_NS, 550)
    assert not read_liquidity(liquidity, 0).young
    thin = book_of({1000: 3, 998: 2}, {1003: 1, 1004: 4})
    _sample(liquidity, thin, START_NS + 921 * SECOND_NS, 0)
    read = read_liquidity(liquidity, 0)
    assert LIQUIDITY_NAMES[read.regime] == "vacuum"
    assert read.cost_ticks is None  # the ladder cannot fill the size


def test_an_active_vacuum_is_one_at_once_and_an_invalid_book_is_unknown() -> None:
    liquidity = judged(past(0, 100, 1000), vacuum=1)
    assert LIQUIDITY_NAMES[read_liquidity(liquidity, 0).regime] == "vacuum"
    liquidity = judged(past(0, 100, 1000))
    _sample(liquidity, b0(), START_NS + SECOND_NS + 1, 1)
    assert LIQUIDITY_NAMES[read_liquidity(liquidity, 0).regime] == "vacuum"
    _sample(liquidity, b0(), START_NS + 2 * SECOND_NS, 0)
    assert LIQUIDITY_NAMES[read_liquidity(liquidity, 0).regime] == "normal"
    gone = b0()
    gone.head["valid"] = 0
    _sample(liquidity, gone, START_NS + 3 * SECOND_NS, 0)
    assert read_liquidity(liquidity, 0).reason == LIQUIDITY_REASONS[NO_BOOK]


def test_without_a_size_only_depth_and_spread_are_judged() -> None:
    liquidity = liquidity_state(1, LiquidityParameters(reach=2500))
    seed_liquidity(liquidity, 0, past(0, 100, -1000))
    _sample(liquidity, b0(), START_NS + SECOND_NS, 0)
    assert liquidity.head[0]["judged"] == 2
    assert read_liquidity(liquidity, 0).regime == module.NORMAL
    assert read_liquidity(liquidity, 0).cost_ticks is None


def test_the_past_can_be_kept_and_given_to_a_later_run() -> None:
    first = liquidity_state(1, WIDE)
    _run(first, b0(), START_NS, 130)
    rows = past_of(first, 0)
    assert rows["minute"].tolist() == [START_NS // MINUTE_NS + i for i in range(3)]
    second = liquidity_state(1, WIDE)
    seed_liquidity(second, 0, rows)
    np.testing.assert_array_equal(past_of(second, 0), rows)


def test_factors_are_those_of_the_reference() -> None:
    assert SIZE_FACTORS == {module.NORMAL: 1.0, module.THIN: 0.5, module.VACUUM: 0.0}


@st.composite
def histories(draw: st.DrawFn) -> Any:
    rows = past(0, 0, 0)
    for column, centre in ((DEPTH, 140), (SPREAD, 1), (COST, 100)):
        width = draw(st.sampled_from([1, 3, 40]))
        seed = draw(st.integers(0, 10_000))
        chance = np.random.default_rng(seed)
        shift = draw(st.integers(-width, width))
        drawn = centre + shift + chance.integers(-width, width + 1, rows.size)
        rows["values"][:, column] = drawn
    return rows[: draw(st.integers(150, 240))]


@settings(max_examples=60)
@given(histories())
def test_twin(rows: Any) -> None:
    read = read_liquidity(judged(rows), 0)
    depth = sum(naive_depth.depth_bp(B0_BIDS, B0_ASKS, s, Fraction(25))[0] for s in (1, -1))
    values = (depth, 1, 100)
    columns = [rows["values"][:, j].tolist() for j in range(3)]
    assert LIQUIDITY_NAMES[read.regime] == naive.regime(values, columns)


@settings(max_examples=20)
@given(st.integers(1, 400), st.integers(0, 400))
def test_the_cut_of_a_run_changes_nothing(seconds: int, cut: int) -> None:
    whole, parts = liquidity_state(1, WIDE), liquidity_state(1, WIDE)
    first = min(cut, seconds)
    _run(whole, b0(), START_NS, seconds)
    _run(parts, b0(), START_NS, first)
    _run(parts, b0(), START_NS + first * SECOND_NS, seconds - first)
    assert whole.head.tobytes() == parts.head.tobytes()
    assert whole.limits.tobytes() == parts.limits.tobytes()
    np.testing.assert_array_equal(past_of(whole, 0), past_of(parts, 0))
