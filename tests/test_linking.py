"""A kernel that stays an entry of its own is called by its address, and does what it does."""

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel
from aggressor.linking import address_of, by_address, prefetch
from aggressor.state import State


class Sums(State, frozen=True):
    lots: NDArray[np.int64]


@kernel
def add(sums: Sums, k: Int) -> None:
    sums.lots[k] += 5


@kernel
def add_all(values: NDArray[np.int64], start: Int, stop: Int, sums: Sums) -> None:
    for i in range(start, stop):
        sums.lots[1] += values[i]


_call_add = by_address(add)
_call_add_all = by_address(add_all)


@kernel
def drive(values: NDArray[np.int64], sums: Sums, one: Int, all_of: Int, turns: Int) -> Int:
    for i in range(turns):
        _call_add(one, sums, np.int32(i & 1))  # whole numbers arrive as int64
    _call_add_all(all_of, values, 1, values.size, sums)
    return sums.lots[1]


def test_what_is_called_by_its_address_changes_the_same_state() -> None:
    sums, values = Sums(np.zeros(2, np.int64)), np.array([100, 20, 3], np.int64)
    one, all_of = address_of(add, sums, 0), address_of(add_all, values, 0, 0, sums)
    assert drive(values, sums, one, all_of, 5) == 2 * 5 + 23
    assert sums.lots.tolist() == [15, 33]


def test_the_address_of_a_compiled_kernel_stays() -> None:
    sums = Sums(np.zeros(2, np.int64))
    assert address_of(add, sums, 0) == address_of(add, sums, 1)
    assert sums.lots.tolist() == [0, 0], "asking for an address runs nothing"


@kernel
def fetch_and_sum(values: NDArray[np.int64], sums: Sums) -> Int:
    for i in range(values.size):
        prefetch(values, i + 8, 0)  # beyond the end too: nothing is read
        prefetch(sums.lots, np.uint64(1), 1)
        sums.lots[0] += values[i]
    return sums.lots[0]


def test_asking_for_memory_changes_nothing() -> None:
    sums, values = Sums(np.zeros(2, np.int64)), np.arange(20, dtype=np.int64)
    assert fetch_and_sum(values, sums) == 190
    assert values.tolist() == list(range(20))
    assert sums.lots.tolist() == [190, 0]
