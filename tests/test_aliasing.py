"""Memory that no two accesses share: what is said to LLVM, and that nothing else changes by it."""

import os
import re
from typing import Any

import numpy as np
import pytest
from numba.core import base, cgutils
from numba.core.caching import NullCache
from numba.np import arrayobj
from numpy.typing import NDArray

from aggressor import aliasing
from aggressor.compiling import quickly
from aggressor.kernel import kernel
from aggressor.state import State

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled"
)

INNER = np.dtype([("lots", "<i8"), ("side", "i1")])
OUTER = np.dtype([("count", "<i8"), ("sums", "<i8", (2,)), ("newest", INNER), ("open", "u1")])


class Counts(State, frozen=True):
    heads: NDArray[Any]  # OUTER
    kept: NDArray[Any]  # INNER
    values: NDArray[np.int64]
    flags: NDArray[np.uint8]


def fresh() -> Any:
    """Return a kernel that nothing has compiled yet; it reads what it has just written."""

    @kernel
    def count(state: Counts) -> None:
        for i in range(state.values.size):
            head, value = state.heads[i % 2], state.values[i]
            head["count"] += 1
            sums = head["sums"]
            sums[i % 2] += value * head["count"]
            newest = head["newest"]
            newest["lots"], newest["side"] = sums[0] + head["count"], 1 - 2 * (i % 2)
            state.kept[i] = head["newest"]
            state.kept[i]["lots"] += newest["lots"] + state.kept[i]["side"]
            head["open"] = state.flags[i] ^ 1
            state.flags[i] = head["open"] + (head["sums"][1] > 9)
            state.values[i] = state.kept[i]["lots"] - newest["side"]

    made: Any = count
    made.dispatcher._cache = NullCache()
    return made


def counts() -> Counts:
    return Counts(
        np.zeros(2, OUTER), np.zeros(7, INNER), np.arange(7) * 3 - 5, np.arange(7, dtype=np.uint8)
    )


def run(function: Any) -> tuple[str, list[bytes]]:
    """Return the LLVM code of a kernel and what it leaves behind."""
    state = counts()
    function(state)
    (compiled,) = function.overloads.values()
    return compiled.library.get_llvm_str(), [one.tobytes() for one in state]


def test_named_memory_leaves_behind_what_unnamed_does(monkeypatch: pytest.MonkeyPatch) -> None:
    plain_code, plain = run(fresh())
    monkeypatch.setattr(aliasing, "PIPELINE_ROOMS", re.compile("_ZN"))
    named_code, named = run(fresh())
    state = counts()
    fresh().py_func(state)
    assert named == plain == [one.tobytes() for one in state]
    assert "!tbaa" not in plain_code, "other rooms are left alone"
    names = set(re.findall(r'!"(\[\d+ x i8\] \d+|u?int\d+)"', named_code))
    assert f"[{OUTER.itemsize} x i8] 0" in names
    assert f"[{INNER.itemsize} x i8] 8" in names
    assert {"int64", "uint8"} <= names


def test_numba_is_put_back_as_it_was() -> None:
    places = (
        (arrayobj, "load_item"),
        (arrayobj, "store_item"),
        (cgutils, "get_record_member"),
        (base.BaseContext, "unpack_value"),
        (base.BaseContext, "pack_value"),
    )
    before = [getattr(where, name) for where, name in places]
    with quickly():
        assert all(
            getattr(where, name) is not old
            for (where, name), old in zip(places, before, strict=True)
        )
    assert [getattr(where, name) for where, name in places] == before
