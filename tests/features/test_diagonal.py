"""Diagonal imbalances and stacks of one bar: worked examples, classes, twin, mirror."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.features.diagonal import (
    NONE,
    OPPOSED,
    SHORT,
    STACKS_SIDE,
    TOO_FEW,
    TOO_SMALL,
    UNOPPOSED,
    ZONE,
    DiagonalParameters,
    bar_diagonals,
    bar_stacks,
    find_stacks,
)
from aggressor.features.series import CELL
from tests.features.test_footprint import F1
from tests.naive.baseline import nearest_rank
from tests.naive.diagonal import naive_imbalances, naive_stacks

FIXED_10 = DiagonalParameters(minimum_lots=10)
KINDS = {None: NONE, "short": SHORT, "opposed": OPPOSED, "unopposed": UNOPPOSED}
CHANGES = {"too few": TOO_FEW, "too small": TOO_SMALL}
# price: (sold, bought); the middle rows hold bought / sold below of 45/12, 36/10 and 30/8
T4_3B = {200: (12, 1), 201: (10, 45), 202: (8, 36), 203: (40, 30), 204: (1, 1)}


def cells_of(rows):
    """{price: (sold, bought[, unknown])} -> CELL records, lowest first."""
    cells = np.zeros(len(rows), CELL)
    for cell, price in zip(cells, sorted(rows), strict=True):
        sold, bought, *unknown = rows[price]
        cell["price"], cell["sold"], cell["bought"] = price, sold, bought
        cell["unknown"] = unknown[0] if unknown else 0
    return cells


def mirrored(rows):
    return {-price: (bought, sold, *rest) for price, (sold, bought, *rest) in rows.items()}


def imbalances(rows, side, parameters=FIXED_10, **options):
    found = bar_diagonals(cells_of(rows), side, parameters, **options)
    return {int(row["price"]): int(row["kind"]) for row in found if row["kind"] >= OPPOSED}


def test_t4_3a_one_buy_imbalance_in_f1():
    assert imbalances(F1, 1) == {104: OPPOSED}
    assert imbalances(F1, -1) == {}
    rows = {int(row["price"]): row for row in bar_diagonals(cells_of(F1), 1, FIXED_10)}
    assert rows[104]["ratio"] == pytest.approx(30 / 9)
    assert (rows[105]["ratio"], rows[105]["kind"]) == (3.0, SHORT)  # 12 - 4 is below 10
    assert rows[99]["kind"] == NONE  # nothing below it to be held against
    assert imbalances(mirrored(F1), -1) == {-104: OPPOSED}


def test_t4_3b_three_rows_are_a_stack():
    (stack,) = bar_stacks(cells_of(T4_3B), FIXED_10)
    assert (stack["low"], stack["high"], stack["rows"], stack["side"]) == (201, 203, 3, 1)
    assert (stack["lots"], stack["opposite"], stack["unopposed"]) == (111, 30, 0)
    assert stack["ratio_min"] == pytest.approx(3.6)
    assert stack["ratio_mean"] == pytest.approx((3.75 + 3.6 + 3.75) / 3)
    assert stack["difference"] == 22
    (other,) = bar_stacks(cells_of(mirrored(T4_3B)), FIXED_10)
    assert (other["low"], other["high"], other["side"]) == (-203, -201, -1)


@pytest.mark.parametrize(("lots", "opposite", "ratio"), [(84, 20, 4.2), (15, 1, 15), (243, 51, 4)])
def test_t4_3c_the_published_illustration_at_400_percent(lots, opposite, ratio):
    rows = {10: (opposite, 1), 11: (1, lots)}
    four = DiagonalParameters(ratio=4.0, minimum_lots=1)
    assert imbalances(rows, 1, four) == {11: OPPOSED}
    upper = bar_diagonals(cells_of(rows), 1, four)[1]
    assert int(100 * upper["ratio"] + 0.5) == {84: 420, 15: 1500, 243: 476}[lots]
    assert upper["ratio"] >= ratio


def test_a_cell_without_lots_is_a_class_of_its_own():
    rows = {10: (0, 5), 11: (7, 20), 13: (4, 20), 14: (9, 9)}
    assert imbalances(rows, 1) == {11: UNOPPOSED, 13: UNOPPOSED}  # 12 did not trade
    never = DiagonalParameters(minimum_lots=10, zero_as_one=False)
    assert imbalances(rows, 1, never) == {}
    low = DiagonalParameters(minimum_lots=1)
    assert imbalances({10: (0, 2), 11: (0, 2)}, 1, low) == {}  # 2 against one lot is twice
    assert imbalances({10: (0, 2), 11: (0, 3)}, 1, low) == {11: UNOPPOSED}


def test_border_rows_are_evaluated_where_asked_for():
    with_border = DiagonalParameters(minimum_lots=10, border_rows=True)
    rows = {10: (3, 20), 11: (5, 5)}
    assert imbalances(rows, 1) == {}
    assert imbalances(rows, 1, with_border) == {10: UNOPPOSED}
    assert imbalances(mirrored(rows), -1, with_border) == {-10: UNOPPOSED}


def test_a_gap_parts_a_stack():
    rows = {10: (1, 1), 11: (1, 20), 12: (1, 20), 14: (1, 20), 15: (1, 20), 16: (30, 1)}
    assert imbalances(rows, 1) == {11: OPPOSED, 12: OPPOSED, 14: UNOPPOSED, 15: OPPOSED}
    assert bar_stacks(cells_of(rows), FIXED_10).size == 0


def test_rows_are_merged_from_the_end_where_reading_begins():
    rows = {10: (6, 1), 11: (4, 1), 12: (1, 30), 13: (0, 30), 14: (9, 9)}
    (first, second, third) = bar_diagonals(cells_of(rows), 1, FIXED_10, height=2)
    assert [int(row["price"]) for row in (first, second, third)] == [10, 12, 14]
    assert (second["lots"], second["opposite"], second["kind"]) == (60, 10, OPPOSED)
    sells = bar_diagonals(cells_of(rows), -1, FIXED_10, height=2)
    assert [int(row["price"]) for row in sells] == [9, 11, 13]
    assert [int(row["lots"]) for row in sells] == [6, 5, 9]


def test_without_a_minimum_the_rows_of_the_bar_give_it():
    adaptive = DiagonalParameters()
    volumes = [sold + bought for sold, bought in F1.values()]
    needed = nearest_rank(volumes, 750_000)
    assert needed == 54
    assert imbalances(F1, 1, adaptive) == {}
    loud = {**F1, 106: (0, 200)}
    assert imbalances(loud, 1, adaptive) == {106: UNOPPOSED}


def test_a_near_miss_is_told_only_where_there_is_no_stack():
    rows = bar_diagonals(cells_of(T4_3B), 1, FIXED_10)
    found = np.zeros(STACKS_SIDE, ZONE)
    assert [int(x) for x in find_stacks(rows, rows.size, 1, 1, 4, found)] == [1, 0]
    assert (found[0]["change"], found[0]["rows"]) == (TOO_FEW, 3)
    large = bar_diagonals(cells_of(T4_3B), 1, FIXED_10, minimum=24)
    assert [int(x) for x in find_stacks(large, large.size, 1, 1, 3, found)] == [1, 0]
    assert (found[0]["change"], found[0]["rows"], found[0]["difference"]) == (TOO_SMALL, 3, 22)
    assert bar_stacks(cells_of(T4_3B), FIXED_10, minimum=24).size == 0


def test_more_stacks_than_are_kept_are_counted():
    pattern = {}
    for i in range(STACKS_SIDE + 1):
        at = 10 * i
        pattern |= {at: (1, 1), at + 1: (1, 20), at + 2: (1, 20), at + 3: (50, 20), at + 4: (1, 1)}
    rows = bar_diagonals(cells_of(pattern), 1, FIXED_10)
    found = np.zeros(STACKS_SIDE, ZONE)
    written, more = find_stacks(rows, rows.size, 1, 1, 3, found)
    assert (int(written), int(more)) == (STACKS_SIDE - 1, 2)


LOTS = st.sampled_from([0, 0, 1, 1, 2, 3, 9, 10, 30])
BARS = st.dictionaries(
    st.integers(-12, 12), st.tuples(LOTS, LOTS, st.sampled_from([0, 0, 0, 5])), min_size=1
).filter(lambda rows: all(sum(lots) for lots in rows.values()))
RULES = st.builds(
    DiagonalParameters,
    ratio=st.sampled_from([1.5, 3.0]),
    minimum_lots=st.sampled_from([1, 2, 8]),
    zero_as_one=st.booleans(),
    border_rows=st.booleans(),
    rows_min=st.sampled_from([2, 3]),
)


@given(BARS, RULES, st.sampled_from([1, -1]), st.sampled_from([1, 2, 5]))
def test_kernel_is_its_twin(rows, rule, side, height):
    found = bar_diagonals(cells_of(rows), side, rule, height=height)
    first, judged = naive_imbalances(rows, side, rule, rule.minimum_lots, height)
    assert len(found) == len(judged)
    for row in found[::side]:
        lots, opposite, volume, kind = judged[int(row["index"])]
        assert (row["lots"], row["opposite"], row["volume"]) == (lots, opposite, volume)
        assert row["kind"] == KINDS[kind]
        key = first + int(row["index"]) * height
        assert row["price"] == (key if side > 0 else -(key + height - 1))
    read = found[::side].copy()
    zones = np.zeros(STACKS_SIDE, ZONE)
    count, _ = find_stacks(read, read.size, side, height, rule.rows_min, zones)
    names = ("low", "high", "rows", "lots", "opposite", "unopposed")
    told = [tuple(int(zone[name]) for name in names) for zone in zones[: int(count)]]
    expected = naive_stacks(rows, side, rule, rule.minimum_lots, height)
    assert told == [one[1:] for one in expected][: STACKS_SIDE - 1]
    changes = [int(zone["change"]) for zone in zones[: int(count)]]
    assert changes == [CHANGES.get(one[0], 1) for one in expected][: STACKS_SIDE - 1]


@given(BARS, RULES, st.sampled_from([1, 3]))
def test_mirror(rows, rule, height):
    stacks = bar_stacks(cells_of(rows), rule, height=height)
    others = bar_stacks(cells_of(mirrored(rows)), rule, height=height)

    def seen(zones, sign):
        names = ("rows", "lots", "opposite", "difference", "ratio_min", "ratio_mean", "unopposed")
        ends = ("low", "high") if sign > 0 else ("high", "low")
        return sorted(
            (sign * zone["side"], *(sign * zone[end] for end in ends), *zone[list(names)].tolist())
            for zone in zones
        )

    assert seen(stacks, 1) == seen(others, -1)
