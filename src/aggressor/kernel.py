"""The one way to compile a kernel, and where its machine code is kept.

Kernels are free functions over arrays and records, compiled ahead of their first loop and kept
on disk between processes. Four choices are made here and nowhere else:

* no fastmath (results are the same on every machine and with the JIT off), NumPy error model
  (a division by zero gives inf or nan and costs no branch), the GIL released;
* the cache folder of a kernel is named by the package version and a hash of the source of its
  module *and of every module of this package that it imports, directly or not*. Numba alone
  watches only the kernel's own file and would run stale machine code after an edit elsewhere
  (what is in the folder: `keeping`);
* `kernel_inline` marks the small per-event pieces that must vanish into the loop that calls them;
  a plain `kernel` called by another is a real call: what is rare stays out of the hot loop;
* how kernels are linked to each other: see `linking`.

Invariant: the folder is decided before a kernel is built, so an edited source never meets old code.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import platformdirs

from aggressor._version import VERSION

Int = int | np.signedinteger[Any]
"""An integer in a kernel, compiled or not."""

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = Path(__file__).parent
_IMPORT = re.compile(r"^from aggressor\.([\w.]+) import \(?([^)\n]*)", re.MULTILINE)


@cache
def _cache_root() -> Path:
    """Return a writable folder for machine code, the user's cache where possible."""
    chosen = os.environ.get("AGGRESSOR_KERNEL_CACHE")
    root = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("aggressor")) / "kernels"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError:
        return Path(tempfile.mkdtemp(prefix="aggressor-kernels-"))


@cache
def _imported_modules(module: str) -> frozenset[str]:
    """Return the modules of this package whose source `module` can reach, itself included."""
    seen: set[str] = set()
    waiting = [module, "linking", "state"]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_named_modules(name) - seen)
    return frozenset(seen)


@cache
def _named_modules(module: str) -> frozenset[str]:
    """Return the modules of this package that a module's own source imports."""
    named: set[str] = set()
    for parent, names in _IMPORT.findall(_source(module)):
        parts = (f"{parent}.{part.split(' as ')[0].strip()}" for part in names.split(","))
        named.update((parent, *parts))
    return frozenset(named & _all_modules())


@cache
def _all_modules() -> frozenset[str]:
    """Return the names of all modules and packages in this one."""
    paths = (path.relative_to(_PACKAGE).with_suffix("").parts for path in _PACKAGE.rglob("*.py"))
    names = (".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in paths)
    return frozenset(name for name in names if name)


def _source_path(module: str) -> Path:
    path = _PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _source(module: str) -> str:
    return _source_path(module).read_text(encoding="utf-8")


@cache
def _cache_folder(module: str) -> str:
    """Return the folder of a module's kernels; one outside this package may reach all of it."""
    modules = _imported_modules(module) if module else _all_modules()
    digest = hashlib.sha256(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    for name in sorted(modules):
        digest.update(_source(name).encode())
    return str(_cache_root() / f"{VERSION}-{digest.hexdigest()[:16]}")


def kernel(function: Function) -> Function:
    """Compile `function` on its first call; later processes load it from the cache."""
    return _compile(function, forceinline=False)


def kernel_inline(function: Function) -> Function:
    """Compile `function` so that it disappears into every kernel that calls it."""
    return _compile(function, forceinline=True)


def entry(function: Function, *arguments: Any) -> Function:
    """Return the machine code of a kernel for arguments of the types of these.

    Calling it leaves out Numba's look at each argument, which costs more than a small message
    takes to decode. The caller answers for the types: others are not noticed. The kernel is called
    once with these arguments.
    """
    function(*arguments)
    return compiled_for(function, *arguments)


def compiled_for(function: Function, *arguments: Any) -> Function:
    """Return what `entry` does, without a call: the kernel is compiled if it was not."""
    dispatcher: Any = function
    if not hasattr(dispatcher, "overloads"):
        return function  # the JIT is off
    signature = tuple(dispatcher.typeof_pyval(argument) for argument in arguments)
    if signature not in dispatcher.overloads:
        dispatcher.compile(signature)
    return dispatcher.overloads[signature].entry_point


def _compile(function: Function, *, forceinline: bool) -> Function:
    numba: Any = import_module("numba")  # here, not above: it takes a third of a second
    if numba.config.DISABLE_JIT:
        return function

    from aggressor.linking import Kernel

    kept: Any = Kernel(function, lambda: _dispatcher(function, forceinline))
    return kept


def _dispatcher(function: Callable[..., Any], forceinline: bool) -> Any:
    """Return what Numba makes of a kernel; its code is made at the first call."""
    import numba

    from aggressor.keeping import EntryCache
    from aggressor.linking import EntryCompiler, call_as_piece

    # Kernels own no memory, so they need no reference counts: without them a call that passes a
    # state of many arrays costs nothing, and a kernel that allocates by mistake does not compile.
    # Each option is stated: Numba lets what is not stated be inherited from the calling kernel.
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "_nrt": False,
        "forceinline": forceinline,
        "no_cfunc_wrapper": True,
        "pipeline_class": EntryCompiler,
    }
    made: Any = numba.njit(**options)(function)
    package, _, module = function.__module__.partition(".")
    inside = module if package == "aggressor" else ""
    made._cache = EntryCache(function, lambda: _cache_folder(inside))
    call_as_piece(made)
    return made
