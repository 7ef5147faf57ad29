"""Memory that no two accesses share: what is said to LLVM, and that nothing else changes by it."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
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


ROOMS = ("market", "features", "detectors", "context", "engine")
ROOT = Path(aliasing.__file__).parent


def kernels() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every kernel of the pipeline's rooms, with its file."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(one, ast.FunctionDef) and any(
                    isinstance(mark, ast.Name) and mark.id in ("kernel", "kernel_inline")
                    for mark in one.decorator_list
                ):
                    yield path.name, one


def arrays_of(function: ast.FunctionDef) -> set[str]:
    """Return the names to which a kernel gives an array of a state as it is."""
    pairs = [
        (target, value)
        for one in ast.walk(function)
        if isinstance(one, ast.Assign)
        for target, value in (
            zip(one.targets[0].elts, one.value.elts, strict=True)
            if isinstance(one.targets[0], ast.Tuple) and isinstance(one.value, ast.Tuple)
            else [(one.targets[0], one.value)]
        )
    ]
    return {
        target.id
        for target, value in pairs
        if isinstance(target, ast.Name) and isinstance(value, ast.Attribute)
    }


def test_no_kernel_sees_an_array_in_two_ways() -> None:
    """A field of all records at once, and a view, would be memory of a second name."""
    seen, found = 0, []
    for file, one in kernels():
        seen += 1
        arrays = arrays_of(one)
        for part in ast.walk(one):
            if isinstance(part, ast.Attribute) and part.attr in ("view", "T", "reshape", "ravel"):
                found.append(f"{file}:{part.lineno} {ast.unparse(part)}")
            if not isinstance(part, ast.Subscript) or not isinstance(part.slice, ast.Constant):
                continue
            whole = part.value
            named = isinstance(whole, ast.Name) and whole.id in arrays
            cut = isinstance(whole, ast.Subscript) and isinstance(whole.slice, ast.Slice)
            if isinstance(part.slice.value, str) and (
                isinstance(whole, ast.Attribute) or named or cut
            ):
                found.append(f"{file}:{part.lineno} {ast.unparse(part)}")
    assert seen > 500
    assert not found, "index the record first, then its field: " + ", ".join(found)
