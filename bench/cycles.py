"""A look at the processor's clock inside a kernel, for `parts`: which part the time since went to.

`laps` is an array of the run itself, handed over like any other state, so machine code that was
kept from another run writes nowhere else:

    laps[0]              the clock at the last look
    laps[part]           cycles of a part
    laps[PARTS + part]   looks that ended with it
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline

PARTS = 256
LOST, LOOK, ENGINE = 1, 2, 3  # parts: while another process ran, looks alone, what calls the others
PREEMPTED = 1 << 20  # cycles: no part takes so long, but another process may have run meanwhile


@intrinsic
def cycles(_: Any) -> Any:
    """Return the processor's count of cycles."""

    def generate(_context: Any, builder: Any, _signature: Any, _values: Any) -> Any:
        word = ir.IntType(64)
        clock = builder.module.declare_intrinsic(
            "llvm.readcyclecounter", (), ir.FunctionType(word, ())
        )
        return builder.call(clock, ())

    return types.int64(), generate


@kernel_inline
def look(laps: NDArray[np.int64], part: Int) -> None:
    """Add what has passed since the last look to a part."""
    spent = cycles() - laps[0]  # pyright: ignore[reportCallIssue]  (numba passes its own context)
    to = LOST if spent > PREEMPTED else part
    laps[to] += spent
    laps[PARTS + to] += 1
    laps[0] = cycles()  # pyright: ignore[reportCallIssue]


@kernel
def look_around(laps: NDArray[np.int64], count: Int) -> None:
    """Look in vain, to learn what a look costs."""
    for _ in range(count):
        look(laps, LOOK)
