"""Bits of words, by the one instruction that the processor has for each question.

In plain Python where the JIT is off. Words are uint64, widths int64.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba.core import config, types
from numba.extending import intrinsic

_BOOL = llvm.IntType(1)
_WORD_BITS = 64


@intrinsic
def _lowest_bit(_: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        value = context.cast(builder, values[0], word, types.uint64)
        return builder.cttz(value, _BOOL(1))

    return types.uint64(word), generate


@intrinsic
def _bit_width(_: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        whole = context.cast(builder, values[0], value, types.int64)
        return builder.sub(whole.type(_WORD_BITS), builder.ctlz(whole, _BOOL(0)))

    return types.int64(value), generate


def _lowest_bit_plain(word: Any) -> np.uint64:
    whole = int(word)
    return np.uint64((whole & -whole).bit_length() - 1)


def _bit_width_plain(value: Any) -> int:
    return int(value).bit_length()


_plain = bool(getattr(config, "DISABLE_JIT", False))
_lowest: Any = _lowest_bit
_width: Any = _bit_width

lowest_bit: Callable[[Any], np.uint64] = _lowest_bit_plain if _plain else _lowest
"""Return the number of the lowest set bit of a word that is not 0."""

bit_width: Callable[[Any], int] = _bit_width_plain if _plain else _width
"""Return how many bits a whole number of 0 or more takes: 0 of 0, 3 of 5."""
