"""What kernels work on: named arrays, and states within states, handed over as one pointer.

A `State` is a frozen struct of NumPy arrays and of other states. Numba would take a tuple of them
apart into every data pointer, shape and stride at each call, from Python and between kernels, and
would compile all of those words into every kernel on the way. So a state keeps its words in one
*block* of memory, written once when the state is made, and a kernel receives the block's address:

    array of n dimensions    data pointer, then n lengths
    state within             its own words, in place

A block is never written again, and kernels are told so: what they read of it they may keep for as
long as they run. An array is grown by making a new state (`replace`), whose block is new. Where all
lengths but the first are the same for every instance (`fixed_rows`), they are part of the type, and
a place in the array is found without reading them.

Invariants: every array is C-contiguous; a block lives as long as its state, and so does every
array that it names. With the JIT off a state is just what it looks like.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import msgspec
import numba
import numpy as np
from numba.core import cgutils, types
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, models, register_model, unbox
from numba.np import arrayobj
from numba.np.numpy_support import as_dtype
from numpy.typing import NDArray

_WORD = 8  # bytes
_LINE = 64  # bytes of a line of the cache


_array_types: dict[tuple[Any, ...], Any] = {}


def _type_of(array: np.ndarray[Any, Any]) -> Any:
    """Return Numba's type of a contiguous array; it takes records apart once a layout."""
    key = array.dtype, array.ndim, array.flags.writeable, array.flags.aligned
    known = _array_types.get(key)
    if known is None:
        known = _array_types[key] = numba.typeof(array)
    return known


class State(msgspec.Struct, frozen=True, dict=True, eq=False):
    """Arrays and states that belong together; a subclass names them as annotated fields.

    `fixed_rows` says that the lengths of its own arrays, the first of each left out, are constants
    of their module: kernels are compiled for these lengths.
    """

    fixed_rows: ClassVar[bool] = False
    _block: ClassVar[Any]  # set on each instance
    _address: ClassVar[int]
    _numba_type_: ClassVar[Any]

    def __post_init__(self) -> None:
        """Write the block. Raises TypeError for a field that a block cannot hold."""
        words: list[int] = []
        fields: list[tuple[str, Any, tuple[int, ...]]] = []
        for name in self.__struct_fields__:
            field = getattr(self, name)
            if isinstance(field, State):
                fields.append((name, field._numba_type_, ()))
                words += field._block.tolist()
            elif isinstance(field, np.ndarray) and field.flags.c_contiguous:
                fields.append((name, _type_of(field), field.shape[1:] if self.fixed_rows else ()))
                words += [field.ctypes.data, *field.shape]
            else:
                what = f"{type(self).__name__}.{name}"
                raise TypeError(f"{what} must be a contiguous array or a State, not {field!r}")
        block = np.array(words, np.int64)
        keep = msgspec.structs.force_setattr
        keep(self, "_block", block)
        keep(self, "_address", block.ctypes.data)
        keep(self, "_numba_type_", _StateType(type(self).__name__, tuple(fields)))

    def __iter__(self) -> Iterator[Any]:
        """Yield the fields in order."""
        return iter(msgspec.structs.astuple(self))

    def replace(self, **fields: Any) -> Self:
        """Return the same state with other fields."""
        return msgspec.structs.replace(self, **fields)


class _StateType(types.Type):
    """The address of the block of a state with these fields: name, type, lengths that are known."""

    def __init__(self, name: str, fields: tuple[tuple[str, Any, tuple[int, ...]], ...]) -> None:
        self.fields = {one: kind for one, kind, _ in fields}
        self.lengths = {one: lengths for one, _, lengths in fields}
        self.offsets: dict[str, int] = {}
        size = 0
        for field, kind, _ in fields:
            self.offsets[field] = size
            size += kind.size if isinstance(kind, _StateType) else _WORD * (1 + kind.ndim)
        self.size = size
        digest = hashlib.sha256(
            repr([(one, str(kind), known) for one, kind, known in fields]).encode()
        )
        super().__init__(f"{name}_{digest.hexdigest()[:12]}")


def zeros_by_line(count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `count` records of zeros, the first at the beginning of a line of the cache.

    Records of one line, or of two, then never reach into a further one.
    """
    memory = np.zeros(count * dtype.itemsize + _LINE, np.uint8)
    first = -memory.ctypes.data % _LINE
    return memory[first : first + count * dtype.itemsize].view(dtype)


register_model(_StateType)(models.OpaqueModel)


@infer_getattr
class _StateFields(AttributeTemplate):
    key = _StateType

    def generic_resolve(self, state: _StateType, attr: str) -> Any:
        return state.fields.get(attr)


@lower_getattr_generic(_StateType)
def _lower_field(context: Any, builder: Any, state: _StateType, block: Any, attr: str) -> Any:
    """Read a field out of the block; of an array only what is asked for is really loaded."""
    field = state.fields[attr]
    place = cgutils.pointer_add(builder, block, state.offsets[attr])
    if isinstance(field, _StateType):
        return place
    words = builder.bitcast(place, cgutils.intp_t.as_pointer())

    def word(index: int) -> Any:
        value = builder.load(cgutils.gep_inbounds(builder, words, index))
        value.set_metadata("invariant.load", builder.module.add_metadata([]))
        return value

    array = context.make_array(field)(context, builder)
    data = builder.inttoptr(word(0), array.data.type)
    known = state.lengths[attr]
    shape = [word(1 + axis) for axis in range(field.ndim - len(known))]
    shape += [context.get_constant(types.intp, length) for length in known]
    itemsize = context.get_constant(types.intp, as_dtype(field.dtype).itemsize)
    strides, stride = [], itemsize
    for length in reversed(shape):
        strides.insert(0, stride)
        stride = builder.mul(stride, length)
    arrayobj.populate_array(
        array, data=data, shape=shape, strides=strides, itemsize=itemsize, meminfo=None
    )
    return array._getvalue()


@unbox(_StateType)
def _unbox_state(typ: _StateType, value: Any, c: Any) -> Any:
    """Take the address of the block out of the state."""
    address = c.pyapi.object_getattr_string(value, "_address")
    pointer = c.pyapi.long_as_voidptr(address)
    c.pyapi.decref(address)
    return NativeValue(pointer)
