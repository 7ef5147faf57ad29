"""Compiled quickly or as Numba does it by itself: kernels that do the same."""

import gc
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba.core import ir
from numba.core.caching import NullCache
from numba.core.compiler import Compiler
from numba.core.types import functions
from numpy.typing import NDArray

from aggressor import linking
from aggressor.compiling import quickly
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.state import State

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled"
)

LEVEL = np.dtype([("price", "<i4"), ("lots", "<i8"), ("side", "i1")])


class Shelf(State, frozen=True):
    head: NDArray[np.float64]
    levels: NDArray[Any]


def fresh() -> Any:
    """Return a kernel, with pieces of its own, that nothing has compiled yet."""

    @kernel_inline
    def distance(shelf: Shelf, i: int, price: int) -> int:
        level = shelf.levels[np.uint64(i)]
        return max(price - level["price"], 0) * np.int64(level["side"])

    @kernel
    def nearest(shelf: Shelf, price: int) -> tuple[int, float]:
        best, weight = -1, 0.0
        for i in range(shelf.levels.size):
            far = distance(shelf, i, price)
            if far > 0 and (best < 0 or far < best):
                best = far
                weight = np.sqrt(shelf.levels[i]["lots"] / far) if far != 3 else -1.5
        return best, weight

    @kernel
    def walk(shelf: Shelf, start: int, stop: int) -> Int:
        total = 0
        while start < stop:
            best, weight = nearest(shelf, start)
            shelf.head[0] += weight
            total += best % 7 if best >= 0 else np.int64(1 << 3)
            start += 1
        return total

    made: Any = walk
    made.dispatcher._cache = NullCache()
    return made


def shelf() -> Shelf:
    levels = np.zeros(5, LEVEL)
    levels["price"], levels["lots"], levels["side"] = (9, 4, 6, 2, 8), (1, 2, 3, 4, 5), 1
    return Shelf(np.zeros(1), levels)


def machine_code(function: Any) -> str:
    """Return the assembly of a kernel without the numbers that Numba gives each function."""
    function(shelf(), 0, 12)
    (compiled,) = function.overloads.values()
    return re.sub(r"B\d+v\d+|v\d+B", "", compiled.library.get_asm_str())


def plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kernels be compiled by Numba's own passes, and by nothing that is quicker."""

    def compile_extra(compiler: Any, func: Any) -> Any:
        return Compiler.compile_extra(compiler, func)

    for one in (linking.PieceCompiler, linking.EntryCompiler):
        choose: Callable[[Any], Any] = one.define_pipelines

        def define_pipelines(compiler: Any, choose: Callable[[Any], Any] = choose) -> Any:
            choose(compiler)
            return Compiler.define_pipelines(compiler)

        monkeypatch.setattr(one, "define_pipelines", define_pipelines)
    monkeypatch.setattr(linking._KernelCompiler, "compile_extra", compile_extra)


def operations(function: Any) -> list[str]:
    """Return the floating point, multiply, divide and call operations of a kernel, in no order.

    In which order LLVM is handed blocks is chance, and with it go jumps and registers.
    """
    kept = ("mul", "div", "sqrt", "call", "cvt")
    words = [line.split()[0] for line in machine_code(function).splitlines() if line.split()]
    return sorted(word for word in words if any(one in word for one in kept))


def test_kernels_do_what_those_of_numbas_own_passes_do(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, fast = fresh(), shelf()
    done, found = operations(quick), quick(fast, 0, 12)
    plainly(monkeypatch)
    plain, slow = fresh(), shelf()
    assert done, "there is something to compare"
    assert set(done) == set(operations(plain))
    assert found == plain(slow, 0, 12)
    assert fast.head[0] == slow.head[0] != 0.0


def test_numba_is_put_back_as_it_was() -> None:
    before = functions.BaseFunction.get_call_type, ir.Inst._rec_list_vars, gc.get_threshold()
    with quickly(), quickly():
        assert functions.BaseFunction.get_call_type is not before[0]
        assert gc.get_threshold() != before[2]
    after = functions.BaseFunction.get_call_type, ir.Inst._rec_list_vars, gc.get_threshold()
    assert before == after


def test_a_kernel_is_nothing_to_numba_before_it_is_asked_for() -> None:
    @kernel
    def one(values: NDArray[np.int64]) -> int:
        return values[0]

    held: Any = one
    assert "dispatcher" not in vars(held)
    assert held.__name__ == "one"
    assert held.py_func(np.array([3])) == 3
    assert held(np.array([4])) == 4
    assert "dispatcher" in vars(held)
