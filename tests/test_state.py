"""A state is one pointer to a kernel: what it reads there is what the arrays hold."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel
from aggressor.state import State, zeros_by_line

ROW = np.dtype([("lots", "<i8"), ("side", "i1")])


class Inner(State, frozen=True):
    head: NDArray[Any]
    grid: NDArray[np.float64]


class Outer(State, frozen=True):
    before: NDArray[np.int64]
    inner: Inner
    after: NDArray[np.uint8]


def outer(rows: int = 3) -> Outer:
    head = np.zeros(rows, ROW)
    head["lots"] = np.arange(rows) * 10
    return Outer(
        np.array([7], np.int64),
        Inner(head, np.arange(12, dtype=np.float64).reshape(3, 4)),
        np.array([200, 5], np.uint8),
    )


@kernel
def read(state: Outer, i: Int, j: Int) -> tuple[Int, Int, float, Int, Int, Int]:
    """Read one thing of every field, and the shapes."""
    inner = state.inner
    return (
        state.before[0],
        inner.head[i]["lots"],
        inner.grid[i, j],
        state.after[1],
        inner.grid.shape[0] * 100 + inner.grid.shape[1],
        inner.head.size,
    )


@kernel
def write(inner: Inner, i: Int) -> Int:
    """Write through the pointer; a view and a loop over it work as on any array."""
    inner.head[i]["lots"] = 99
    row = inner.grid[i]
    total = 0.0
    for j in range(row.size):
        total += row[j]
        row[j] = 0.0
    return np.int64(total)


@kernel
def nested(state: Outer, i: Int) -> Int:
    """Hand a state within a state to another kernel."""
    return write(state.inner, i)


def test_every_field_is_read_where_it_stands() -> None:
    assert read(outer(), 2, 3) == (7, 20, 11.0, 5, 304, 3)


def test_what_a_kernel_writes_stands_in_the_arrays() -> None:
    state = outer()
    assert nested(state, 1) == 4 + 5 + 6 + 7
    assert state.inner.head["lots"].tolist() == [0, 99, 20]
    assert state.inner.grid[1].tolist() == [0.0] * 4
    assert state.inner.grid[2].tolist() == [8.0, 9.0, 10.0, 11.0]


def test_replaced_arrays_are_read_anew() -> None:
    state = outer()
    grown = state.replace(inner=state.inner.replace(head=outer(5).inner.head))
    assert read(grown, 2, 3)[5] == 5
    assert read(state, 2, 3)[5] == 3


def test_fields_come_in_order() -> None:
    state = outer()
    before, inner, after = state
    assert before is state.before
    assert inner is state.inner
    assert after is state.after


@pytest.mark.parametrize("field", [np.arange(12).reshape(3, 4).T, [1, 2], 5])
def test_what_a_block_cannot_hold_is_refused(field: Any) -> None:
    with pytest.raises(TypeError, match=r"Outer\.before must be a contiguous array or a State"):
        outer().replace(before=field)


@pytest.mark.parametrize("count", [1, 7, 100_000])
def test_records_of_a_line_begin_at_a_line(count: int) -> None:
    kind = np.dtype([("lots", "<i8", (16,))])
    records = zeros_by_line(count, kind)
    assert records.shape == (count,)
    assert records.flags.c_contiguous
    assert records.flags.writeable
    assert records.ctypes.data % 64 == 0
    assert not records["lots"].any()
