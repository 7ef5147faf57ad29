"""How kernels meet: every kernel is lowered once, and only what Python calls becomes machine code.

Left alone, Numba takes each function through all of LLVM by itself, writes its machine code and a
wrapper for Python, and repeats that inside every function that calls it, one level after the
other. Kernels are mostly called by kernels. So a kernel called by another is a *piece* here: typed
and lowered once per process, never optimised or run by itself. The kernel that Python calls is an
*entry*: it links the pieces it reaches, and LLVM sees the whole once.

An entry is whole in itself, and so is what the disk cache keeps of it. Pieces are not kept: they
own no object and raise nothing, so their environments are dropped at the link.

What is large and not called at every event may stay an entry of its own and be called by its
address (`by_address`): entries are compiled side by side, and no module grows beyond measure.
"""

from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any

from llvmlite import binding
from llvmlite import ir as llvm
from numba.core import cgutils, config, event, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult, Flags, compile_extra
from numba.core.typing.templates import make_concrete_template
from numba.extending import intrinsic

from aggressor.compiling import kernel_passes, quickly

_LINE_BYTES = llvm.Constant(llvm.IntType(64), 64)
_ENVIRONMENT = "_ZN08NumbaEnv"  # how Numba names a function's link to Python objects


class _PieceLibrary(JITCodeLibrary):
    """The LLVM code of one piece; what it calls stays a declaration."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None:
            for one in self._final_module.global_variables:
                if one.name.startswith(_ENVIRONMENT):
                    one.linkage = "linkonce_odr"  # so that it goes when nothing uses it
        return super()._get_module_for_linking()


class _EntryLibrary(JITCodeLibrary):
    """The machine code of an entry and of every piece it reaches."""

    def finalize(self) -> None:
        reached = dict.fromkeys(self._linking_libraries)
        waiting = list(reached)
        while waiting:
            library = waiting.pop()
            if isinstance(library, _PieceLibrary):
                fresh = [one for one in library._linking_libraries if one not in reached]
                reached.update(dict.fromkeys(fresh))
                waiting.extend(fresh)
        self._linking_libraries = list(reached)
        super().finalize()

    def _optimize_final_module(self) -> None:
        """Let LLVM know that nobody else calls the pieces: what none of its callers needs goes."""
        for one in self._final_module.functions:
            if not one.is_declaration and one.linkage == binding.Linkage.linkonce_odr:
                one.linkage = binding.Linkage.internal
        super()._optimize_final_module()

    def serialize_using_object_code(self) -> Any:
        """Return what the disk keeps: the machine code, and the names by which it is entered.

        Numba keeps the whole LLVM code as well, for functions that link this one. None does, and
        reading it takes longer than reading the machine code.
        """
        self._ensure_finalized()
        return self.name, "object", (self._get_compiled_object(), self._entered().as_bitcode())

    def _entered(self) -> Any:
        """Return a module that defines the names that Numba asks an entry for, and no code."""
        named: Any = llvm.Module(self.name)
        named.triple, named.data_layout = self._final_module.triple, self._codegen._data_layout
        for one in self._final_module.functions:
            if not one.is_declaration and one.linkage == binding.Linkage.external:
                stub = llvm.Function(named, llvm.FunctionType(llvm.VoidType(), ()), one.name)
                llvm.IRBuilder(stub.append_basic_block()).unreachable()
        return binding.parse_assembly(str(named))


class _KernelCompiler(Compiler):
    """Numba's compiler, with the passes that kernels need."""

    def compile_extra(self, func: Any) -> Any:
        """Compile a function, quickly."""
        with quickly():
            return super().compile_extra(func)


class PieceCompiler(_KernelCompiler):
    """Numba's compiler, into a piece."""

    def define_pipelines(self) -> Any:
        """Choose the library before the passes run."""
        state = self.state
        state.library = _PieceLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        return [kernel_passes("piece")]


class EntryCompiler(_KernelCompiler):
    """Numba's compiler, into an entry."""

    def define_pipelines(self) -> Any:
        """Choose the library before the passes run; its machine code can be kept on disk."""
        state = self.state
        state.library = _EntryLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return [kernel_passes("entry")]


class Kernel:
    """A kernel as Python holds it: what Numba needs for it is made when it is first asked for.

    Most kernels of a process are neither called by Python nor compiled, and what Numba makes of
    seven hundred functions takes a third of a second.
    """

    def __init__(self, function: Callable[..., Any], make: Callable[[], Any]) -> None:
        update_wrapper(self, function)
        self.py_func = function
        self._make = make

    @cached_property
    def dispatcher(self) -> Any:
        """Numba's own object, which chooses the machine code for the types of a call."""
        return self._make()

    @property
    def _numba_type_(self) -> Any:
        return self.dispatcher._numba_type_

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Run the kernel."""
        return self.dispatcher(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        """Return what the dispatcher has of that name."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.dispatcher, name)


def call_as_piece(entry: Any) -> None:
    """Let other kernels call the dispatcher `entry` as a piece."""
    pieces = _Pieces(entry)
    entry.get_call_template = pieces.call_template
    entry.get_overload = pieces.overload


class _Pieces:
    """One kernel as others call it: a piece for each set of argument types."""

    def __init__(self, entry: Any) -> None:
        self._entry = entry
        self._compiled: dict[tuple[Any, ...], tuple[object, CompileResult]] = {}

    def call_template(self, arguments: Any, named: Any) -> Any:
        """Answer Numba's question how the kernel is called with these types."""
        pysig, folded = self._entry.fold_argument_types(
            tuple(_widened(one) for one in arguments),
            {name: _widened(one) for name, one in named.items()},
        )
        name = self._entry.py_func.__name__
        template = make_concrete_template(
            f"CallTemplate({name})", key=name, signatures=[self._piece(tuple(folded))[1].signature]
        )
        return template, pysig, folded, {}

    def overload(self, arguments: Any) -> object:
        """Return the key under which the code for these types is known to Numba's lowering."""
        return self._piece(tuple(arguments))[0]

    def _piece(self, arguments: tuple[Any, ...]) -> tuple[object, CompileResult]:
        if arguments not in self._compiled:
            compiled = self._compile(arguments)
            key = object()
            self._entry.targetctx.insert_user_function(key, compiled.fndesc, [compiled.library])
            self._compiled[arguments] = key, compiled
        return self._compiled[arguments]

    def _compile(self, arguments: tuple[Any, ...]) -> CompileResult:
        entry = self._entry
        flags: Any = Flags()
        entry.targetdescr.options.parse_as_flags(flags, entry.targetoptions)
        flags.no_cpython_wrapper = True
        flags.no_cfunc_wrapper = True
        flags.no_compile = True
        details = {"dispatcher": entry, "args": arguments, "return_type": None}
        with event.trigger_event("numba:compile", data=details):
            return compile_extra(
                entry.typingctx,
                entry.targetctx,
                entry.py_func,
                args=arguments,
                return_type=None,
                flags=flags,
                locals={},
                pipeline_class=PieceCompiler,
            )


def _widened(argument: Any) -> Any:
    """Return int64 for smaller integers and the plain type of a constant.

    Numba gives each constant a type of its own and each field its width, and would compile the
    piece once for each of them.
    """
    plain: Any = types.unliteral(argument)
    is_small = plain in types.integer_domain and plain.bitwidth < 64
    return types.int64 if is_small else plain


@intrinsic
def _prefetch(_: Any, array: Any, index: Any, line: Any) -> Any:
    """Ask the processor to bring a line of an element into its cache; nothing else changes."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind, place, which = signature.args
        data = context.make_array(kind)(context, builder, values[0]).data
        at = context.cast(builder, values[1], place, types.intp)
        byte = llvm.IntType(8).as_pointer()
        further = builder.mul(context.cast(builder, values[2], which, types.intp), _LINE_BYTES)
        memory = builder.gep(builder.bitcast(builder.gep(data, [at]), byte), [further])
        flag = llvm.IntType(32)
        fetch = cgutils.get_or_insert_function(
            builder.module,
            llvm.FunctionType(llvm.VoidType(), [byte, flag, flag, flag]),
            "llvm.prefetch.p0",
        )
        builder.call(fetch, [memory, flag(1), flag(3), flag(1)])  # to be written, near, data
        return context.get_dummy_value()

    return types.none(array, index, line), generate


_fetching: Any = _prefetch
prefetch: Callable[[Any, Any, Any], None] = (
    (lambda *_: None) if getattr(config, "DISABLE_JIT", False) else _fetching
)
"""Ask in a kernel for a line of the memory of element `index` of an array, soon to be written.

Elements are counted through all axes, the lines of one from 0.
"""


def address_of(function: Any, *arguments: Any) -> int:
    """Return the address of a kernel compiled for arguments of these types; 0 with the JIT off."""
    if not hasattr(function, "overloads"):
        return 0
    signature = tuple(function.typeof_pyval(argument) for argument in arguments)
    function.compile(signature)
    compiled = function.overloads[signature]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)


def by_address(function: Callable[..., None]) -> Callable[..., None]:
    """Return what kernels call instead of `function`: with its address before its arguments.

    The function takes two or four arguments and returns nothing; whole numbers arrive as int64. The
    address is that of `address_of` for the same types: nothing can check it.
    """
    dispatcher: Any = function
    if not hasattr(dispatcher, "py_func"):
        return lambda _, *arguments: function(*arguments)  # the JIT is off
    if dispatcher.py_func.__code__.co_argcount == 2:

        @intrinsic
        def call_two(_: Any, address: Any, one: Any, two: Any) -> Any:
            return _call_of(one, two)

        return call_two

    @intrinsic
    def call_four(_: Any, address: Any, one: Any, two: Any, three: Any, four: Any) -> Any:
        return _call_of(one, two, three, four)

    return call_four


def _call_of(*given: Any) -> Any:
    """Return signature and code of a call by address with arguments of these types."""
    kinds = tuple(_widened(one) for one in given)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        arguments = [
            context.cast(builder, value, of, to)
            for value, of, to in zip(values[1:], signature.args[1:], kinds, strict=True)
        ]
        convention = context.call_conv
        kind = convention.get_function_type(types.none, kinds).as_pointer()
        target = builder.inttoptr(values[0], kind)
        convention.call_function(builder, target, types.none, kinds, arguments)
        return context.get_dummy_value()

    return types.none(types.int64, *kinds), generate
