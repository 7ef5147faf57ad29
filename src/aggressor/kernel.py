"""The one way to compile a kernel, and where its machine code is kept.

Kernels are free functions over arrays and records, compiled ahead of their first loop and kept
on disk between processes. Three choices are made here and nowhere else:

* no fastmath (results are the same on every machine and with the JIT off), NumPy error model
  (a division by zero gives inf or nan and costs no branch), the GIL released;
* the cache folder of a kernel is named by the package version and a hash of the source of its
  module *and of every module of this package that it imports, directly or not*. Numba alone
  watches only the kernel's own file and would run stale machine code after an edit elsewhere;
* `kernel_inline` marks the small per-event pieces that must vanish into the loop that calls them.

Invariant: the folder is decided before a kernel is built, so an edited source never meets old code.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from aggressor._version import VERSION

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
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or not _source_path(name).is_file():
            continue
        seen.add(name)
        for parent, names in _IMPORT.findall(_source(name)):
            waiting.append(parent)
            waiting.extend(f"{parent}.{part.strip()}" for part in names.split(","))
    return frozenset(seen)


def _source_path(module: str) -> Path:
    path = _PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _source(module: str) -> str:
    return _source_path(module).read_text(encoding="utf-8")


@cache
def _cache_folder(module: str) -> str:
    digest = hashlib.sha256(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    for name in sorted(_imported_modules(module)):
        digest.update(_source(name).encode())
    return str(_cache_root() / f"{VERSION}-{digest.hexdigest()[:16]}")


def kernel(function: Function) -> Function:
    """Compile `function` on its first call; later processes load it from the cache."""
    return _compile(function, forceinline=False)


def kernel_inline(function: Function) -> Function:
    """Compile `function` so that it disappears into every kernel that calls it."""
    return _compile(function, forceinline=True)


def _compile(function: Function, *, forceinline: bool) -> Function:
    import numba

    module = function.__module__
    if module.startswith("aggressor."):
        numba.config.CACHE_DIR = _cache_folder(module.removeprefix("aggressor."))
    elif not numba.config.CACHE_DIR:
        numba.config.CACHE_DIR = str(_cache_root() / f"{VERSION}-outside")
    # Kernels own no memory, so they need no reference counts: without them a call that passes a state
    # of many arrays costs nothing, and a kernel that allocates by mistake does not compile.
    options: dict[str, Any] = {
        "cache": True,
        "nogil": True,
        "error_model": "numpy",
        "_nrt": False,
    }
    if forceinline:
        options["forceinline"] = True
    compiled = numba.njit(**options)(function)
    if isinstance(compiled, numba.core.dispatcher.Dispatcher):
        _take_one_integer_type(compiled)
    return compiled


def _take_one_integer_type(compiled: Any) -> None:
    """Make calls from other kernels pass int64 for every smaller integer and for constants.

    Numba gives each constant a type of its own and each field its width, and would compile the
    callee once for each of them.
    """
    from numba.core import types

    find = compiled.get_call_template

    def widened(argument: Any) -> Any:
        plain = types.unliteral(argument)
        small = isinstance(plain, types.Integer) and plain.bitwidth < 64
        return types.int64 if small else plain

    def get_call_template(arguments: Any, named: Any) -> Any:
        return find(
            tuple(widened(one) for one in arguments),
            {name: widened(one) for name, one in named.items()},
        )

    compiled.get_call_template = get_call_template
