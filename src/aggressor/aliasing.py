"""Which accesses cannot touch the same memory, said to LLVM (type-based alias analysis).

Numba says nothing of it, so behind each store LLVM takes every field and element that was read for
changed, and reads it again. Here each load and store of a scalar is given a name, and memory of one
name is none of another:

    field of a record      the size of the record, the place of the field
    element of an array    its dtype; arrays inside of records are such arrays

Invariants of the rooms of the pipeline, on which this rests: an array is memory of its own, seen as
one dtype by a kernel; fields of a dtype do not overlap; an array inside of a record is only read
and written as an array. What copies whole records has no name, and may touch anything. Kernels of
other rooms (they read text as bytes and as words) are left alone.
"""

import re
from typing import Any

from llvmlite import ir as llvm
from numba.core import base, cgutils, types
from numba.np import arrayobj

PIPELINE_ROOMS = re.compile(r"_ZN9aggressor\d+(market|features|detectors|context|engine)\d")
_SCALARS = (types.Integer, types.Float, types.Boolean)

_load_item = arrayobj.load_item
_store_item = arrayobj.store_item
_record_member = cgutils.get_record_member
_unpack_value = base.BaseContext.unpack_value
_pack_value = base.BaseContext.pack_value


def _named_member(builder: Any, record: Any, offset: int, kind: Any) -> Any:
    """Return the pointer to a field of a record, as `cgutils.get_record_member`, with its name."""
    member = _record_member(builder, record, offset, kind)
    member.memory = f"{record.type.pointee} {offset}"
    return member


def _named_item(array: Any, place: Any) -> None:
    if isinstance(array.dtype, _SCALARS):
        place.memory = f"{array.dtype}"


def _load_named_item(context: Any, builder: Any, array: Any, place: Any) -> Any:
    """Load an element of an array, as `arrayobj.load_item`."""
    _named_item(array, place)
    return _load_item(context, builder, array, place)


def _store_named_item(context: Any, builder: Any, array: Any, value: Any, place: Any) -> Any:
    """Store an element of an array, as `arrayobj.store_item`."""
    _named_item(array, place)
    return _store_item(context, builder, array, value, place)


def _load_named(context: Any, builder: Any, kind: Any, place: Any, align: Any = None) -> Any:
    """Load what a pointer points to, as `BaseContext.unpack_value`, and say which memory it is."""
    name = _name_of(builder, kind, place)
    if not name:
        return _unpack_value(context, builder, kind, place, align)
    loaded = builder.load(place, align=align)
    loaded.set_metadata("tbaa", _tag(builder.module, name))
    return context.data_model_manager[kind].from_data(builder, loaded)


def _store_named(
    context: Any, builder: Any, kind: Any, value: Any, place: Any, align: Any = None
) -> None:
    """Store where a pointer points to, as `BaseContext.pack_value`, and say which memory it is."""
    name = _name_of(builder, kind, place)
    if not name:
        _pack_value(context, builder, kind, value, place, align)
        return
    kept = context.data_model_manager[kind].as_data(builder, value)
    stored = builder.store(kept, place, align=align)
    stored.set_metadata("tbaa", _tag(builder.module, name))


def _name_of(builder: Any, kind: Any, place: Any) -> str:
    """Return the name of the memory that a pointer points to; empty where nothing is said."""
    if not isinstance(kind, _SCALARS) or not PIPELINE_ROOMS.match(builder.function.name):
        return ""
    return str(getattr(place, "memory", ""))


def _tag(module: Any, name: str) -> Any:
    """Return the metadata of an access to the memory of a name."""
    tags: dict[str, Any] = module.__dict__.setdefault("memories", {})
    if name not in tags:
        root = module.add_metadata([llvm.MetaDataString(module, "aggressor")])
        node = module.add_metadata([llvm.MetaDataString(module, name), root])
        tags[name] = module.add_metadata([node, node, llvm.Constant(llvm.IntType(64), 0)])
    return tags[name]


CHANGED = (
    (arrayobj, "load_item", _load_named_item),
    (arrayobj, "store_item", _store_named_item),
    (cgutils, "get_record_member", _named_member),
    (base.BaseContext, "unpack_value", _load_named),
    (base.BaseContext, "pack_value", _store_named),
)
"""What is put in place while a kernel is compiled: where, its name, and what stands there then."""
