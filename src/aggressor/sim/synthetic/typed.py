"""Whole numbers as kernels take them.

A Python constant that one kernel passes to another is a type of its own to Numba
(`Literal[int](3)`), and the callee is compiled once more for each. Constants made by `typed` are
plain int64 instead.
"""

from typing import TypeAlias, cast

import numpy as np

Whole: TypeAlias = int | np.int64


def typed(value: int) -> int:
    """Return `value` as an int64, under the type that annotations in kernels speak of."""
    return cast(int, np.int64(value))
