"""What Numba does for each kernel, and only that, and no answer sought twice.

Most of a compilation is Python: Numba tries a dozen templates for every `+` it meets, asks every
instruction for its variables at each of thirty passes, and lets the garbage collector walk all of
it. Kernels are many, small and alike, so this is done here while one of them is compiled:

* the type of a builtin call is looked up once for each set of argument types (and once for each
  way of inlining, which a helper that Numba compiles on the way inherits);
* sizes of LLVM types are asked of LLVM once;
* the variables of an instruction are listed without a new list at every level;
* one manager runs the passes over all functions of a module;
* garbage is collected rarely;
* in the rooms of the pipeline an index counts from the front: Numba lets one below zero count from
  the end, which takes a test at every access and keeps loops from being done several elements at a
  time;
* passes for what no kernel has are left out: closures, comprehensions, `with`, array expressions,
  loops over tuples, functions inlined before they are typed, the text of an annotated source.

Invariants: no kernel of these rooms has an index below zero (`NUMBA_BOUNDSCHECK=1` tells of one);
but for that the machine code does what that of Numba's own passes does; a test compares. Numba is
put back as it was behind the outermost compilation.
"""

import gc
import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from numba.core import base, codegen, compiler_machinery, ir, typed_passes, types, untyped_passes
from numba.core.targetconfig import ConfigStack
from numba.core.types import functions
from numba.np import arrayobj

_PASSES: tuple[tuple[Any, str], ...] = (
    (untyped_passes.TranslateByteCode, "analyzing bytecode"),
    (untyped_passes.FixupArgs, "fix up args"),
    (untyped_passes.IRProcessing, "processing IR"),
    (untyped_passes.RewriteSemanticConstants, "rewrite semantic constants"),
    (untyped_passes.DeadBranchPrune, "dead branch pruning"),
    (untyped_passes.GenericRewrites, "rewrites before typing"),
    (untyped_passes.ReconstructSSA, "ssa"),
    (untyped_passes.DeadBranchPrune, "dead branch pruning"),
    (typed_passes.NopythonTypeInference, "typing"),
    (typed_passes.PreLowerStripPhis, "remove phi nodes"),
    (typed_passes.InlineOverloads, "inline overloaded functions"),
    (typed_passes.NoPythonSupportedFeatureValidation, "ensure that features are valid"),
    (typed_passes.IRLegalization, "ensure that IR is legal"),
    (typed_passes.NativeLowering, "lowering"),
    (typed_passes.NoPythonBackend, "machine code"),
)

_COLLECT = (100_000, 50, 50)  # objects and younger collections between two collections

_Signatures = dict[tuple[Any, ...], tuple[Any, Any]]

_signatures: _Signatures = {}
_sizes: dict[str, int] = {}
_depth = 0

_FROM_THE_FRONT = re.compile(r"_ZN9aggressor\d+(market|features|detectors|context|engine)\d")

_fix_index = arrayobj.fix_integer_index
_find_signature = functions.BaseFunction.get_call_type
_find_size = base.BaseContext.get_abi_sizeof
_NO_VARIABLES = (ir.Loc, str, int, float, type(None))


def kernel_passes(name: str) -> Any:
    """Return the passes that take a kernel from byte code to its library."""
    passes = compiler_machinery.PassManager(name)
    for one, what in _PASSES:
        passes.add_pass(one, what)
    passes.finalize()
    return passes


@contextmanager
def quickly() -> Generator[None]:
    """Let Numba compile within as the module says; the compiler's lock must be held."""
    global _depth
    _depth += 1
    if _depth > 1:
        try:
            yield
        finally:
            _depth -= 1
        return
    changed = (
        (functions.BaseFunction, "get_call_type", _call_type),
        (base.BaseContext, "get_abi_sizeof", _abi_size),
        (ir.Inst, "_rec_list_vars", _variables),
        (codegen.CPUCodeLibrary, "_optimize_functions", _optimize_functions),
        (arrayobj, "fix_integer_index", _index_from_the_front),
    )
    before = [getattr(where, name) for where, name, _ in changed]
    collect = gc.get_threshold()
    for where, name, quick in changed:
        setattr(where, name, quick)
    if collect[0]:
        gc.set_threshold(*_COLLECT)
    try:
        yield
    finally:
        gc.set_threshold(*collect)
        for (where, name, _), old in zip(changed, before, strict=True):
            setattr(where, name, old)
        _depth -= 1


def _call_type(function: Any, context: Any, args: Any, kws: Any) -> Any:
    """Return the signature of a builtin for these types, as `BaseFunction.get_call_type`."""
    flags = ConfigStack.top_or_none()
    key = (
        id(function),
        flags is not None and flags.forceinline,
        *(one._code for one in args),
        *((name, one._code) for name, one in kws.items()),
    )
    known = _signatures.get(key)
    if known is None:
        signature = _find_signature(function, context, args, kws)
        known = _signatures[key] = signature, (function, args, kws)  # so that ids and codes stay
    return known[0]


def _abi_size(context: Any, kind: Any) -> int:
    """Return the size of an LLVM type in bytes, as `BaseContext.get_abi_sizeof`."""
    name = str(kind)
    size = _sizes.get(name)
    if size is None:
        size = _sizes[name] = _find_size(context, kind)
    return size


def _index_from_the_front(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
    """Return an index as a word, as `fix_integer_index` does of one that is not below zero."""
    if not _FROM_THE_FRONT.match(builder.function.name):
        return _fix_index(context, builder, kind, index, size)
    return context.cast(builder, index, kind, types.intp if kind.signed else types.uintp)


def _variables(instruction: Any, value: Any) -> list[Any]:
    """Return the variables in a value of an instruction, as `ir.Inst._rec_list_vars`."""
    found: list[Any] = []
    _collect_variables(value, found)
    return found


def _collect_variables(value: Any, found: list[Any]) -> None:
    if isinstance(value, ir.Var):
        found.append(value)
    elif isinstance(value, _NO_VARIABLES):
        return
    elif isinstance(value, ir.Inst):
        found += value.list_vars()
    elif isinstance(value, (list, tuple)):
        for one in value:
            _collect_variables(one, found)
    elif isinstance(value, dict):
        for one in value.values():
            _collect_variables(one, found)


def _optimize_functions(library: Any, module: Any) -> None:
    """Run the passes of a function over all of a module, as `_optimize_functions` of a library."""
    module.data_layout = library._codegen._data_layout
    manager, builder = library._codegen._function_pass_manager()
    for function in module.functions:
        manager.run(function, builder)
