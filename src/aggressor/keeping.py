"""The machine code of kernels on disk: a file for each kernel and set of argument types.

A file is named by the kernel and a hash of all that decides its bytes beside the sources of this
package (they name the folder): argument types, processor, versions, the kernel's own file. It is
written aside, renamed into place and holds its own key, so processes may compile side by side, a
file cut short is as good as absent, and a package that was moved, copied or checked out anew meets
its own code again. Numba's cache numbers its files in an index that two processes can write over
each other, and knows a source by its path.
"""

import hashlib
import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps


class EntryCache:
    """The kept entries of one kernel, in the way that Numba's dispatcher asks for them."""

    def __init__(self, function: Callable[..., Any], folder: Callable[[], str]) -> None:
        self._function = function
        self._folder = folder

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the entry for a signature, None if it is not there."""
        path, key = self._place(signature, context.codegen())
        try:
            kept_key, reduced = pickle.loads(path.read_bytes())
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            return None
        return CompileResult._rebuild(context, *reduced) if kept_key == key else None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep an entry; on a full or read-only disk it is compiled again by the next process."""
        assert not compiled.library.has_dynamic_globals, "an entry holds an address of this process"
        path, key = self._place(signature, compiled.codegen)
        aside = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(dumps((key, compiled._reduce())))
            aside.replace(path)
        except OSError:
            with suppress(OSError):
                aside.unlink()

    @property
    def cache_path(self) -> str:
        """The folder, as Numba's statistics of a kernel name it."""
        return self._folder()

    def _place(self, signature: Any, codegen: Any) -> tuple[Path, str]:
        """Return the file of an entry, and what that file must say it is."""
        versions = (sys.implementation.cache_tag, numba.__version__, llvmlite.__version__)
        key = repr((versions, codegen.magic_tuple(), self._made_of, signature))
        function = self._function.__qualname__
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        return Path(self._folder(), f"{function.replace('<locals>', '')}-{digest}.kernel"), key

    @cached_property
    def _made_of(self) -> tuple[str, int, str]:
        """Which function it is: its module and line, and a hash of its file and what it encloses.

        The folder knows the sources of this package only, and one `def` may make many kernels.
        """
        code = self._function.__code__
        made_of = hashlib.sha256(Path(code.co_filename).read_bytes())
        for cell in self._function.__closure__ or ():
            made_of.update(dumps(cell.cell_contents))
        return self._function.__module__, code.co_firstlineno, made_of.hexdigest()
