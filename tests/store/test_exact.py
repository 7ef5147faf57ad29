"""Columns of decimal text against `decimal` itself."""

from decimal import Decimal
from math import gcd

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.store.importers.exact import (
    NOTHING,
    CellError,
    floor_of_column,
    moments_of,
    seconds_of,
    step_of_column,
    steps_of_column,
    times_of,
)

STEPS = (Decimal("0.1"), Decimal("0.001"), Decimal("0.5"), Decimal("25"), Decimal("0.00000001"))


def written(value: Decimal, how: int) -> str:
    """A number as files write it: plain, with zeros, with an exponent."""
    plain = f"{value:f}"
    return (plain, plain + ("00" if "." in plain else ".00"), f"{value.normalize():E}")[how]


@settings(max_examples=60)
@given(
    st.sampled_from(STEPS),
    st.lists(st.tuples(st.integers(-(10**6), 10**8), st.integers(0, 2)), min_size=1, max_size=40),
)
def test_steps_are_exact_however_a_number_is_written(
    step: Decimal, numbers: list[tuple[int, int]]
) -> None:
    texts = [written(step * number, how) for number, how in numbers] + [""]
    found = steps_of_column(pa.array(texts), step)
    assert found.tolist() == [number for number, _ in numbers] + [NOTHING]
    sliced = steps_of_column(pa.array(["x", *texts]).slice(1), step)
    assert (sliced == found).all()
    inferred = step_of_column(pa.array(texts))
    units = gcd(*(number for number, _ in numbers))
    assert inferred == (step * units if units else None)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30), st.data())
def test_what_is_off_the_grid_is_named_by_its_row(numbers: list[int], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(numbers) - 1))
    texts = [f"{number}.{'0' if i != row else '05'}" for i, number in enumerate(numbers)]
    with pytest.raises(CellError) as trouble:
        steps_of_column(pa.array(texts), Decimal("0.1"))
    assert (trouble.value.row, trouble.value.text) == (row, texts[row])


@pytest.mark.parametrize("text", ["abc", " 5", "nan", "inf", "1,5", "0x10", "--1"])
def test_what_is_no_number_is_said(text: str) -> None:
    with pytest.raises(CellError, match="is not a number"):
        steps_of_column(pa.array(["1", "2", text, "4"]), Decimal(1))
    with pytest.raises(CellError):
        step_of_column(pa.array([text]))


def test_what_64_bits_cannot_hold_is_an_error_and_never_wraps() -> None:
    with pytest.raises(CellError, match="64 bits"):
        steps_of_column(pa.array(["1", "99999999999999999999"]), Decimal("0.1"))


def test_values_off_any_grid_are_rounded_down_and_only_where_asked() -> None:
    values = pa.array(["0.00999999999999999", "12.3456", "", "-0.5"])
    assert floor_of_column(values, Decimal("0.01")).tolist() == [0, 1234, NOTHING, -50]


def test_times_are_told_by_their_magnitude_and_kept_exactly() -> None:
    ms, us, ns = "1704067200123", "1704067200123456", "1704067200123456789"
    assert times_of(pa.array([ms, us, ns])).tolist() == [
        1704067200123000000,
        1704067200123456000,
        1704067200123456789,
    ]
    assert seconds_of(pa.array(["1704067200.1234", "1704067200"])).tolist() == [
        1704067200123400000,
        1704067200000000000,
    ]
    assert moments_of(pa.array(["2024-01-01 00:05:00"])).tolist() == [1704067500000000000]
    for wrong in ("0", "-5", "1.5"):
        with pytest.raises(CellError):
            times_of(pa.array([ms, wrong]))
    with pytest.raises(CellError) as trouble:
        moments_of(pa.array(["2024-01-01 00:05:00", "yesterday"]))
    assert trouble.value.row == 1
    assert times_of(pa.array([ms])).dtype == np.int64
