"""Compile every kernel now, with progress, so that no later command waits for it.

Kernels compile on their first call for the types they are called with. This runs the whole path
once on a few seconds of the synthetic market, and the parts that only other commands use, each
under its own name.
"""

import time
from typing import Any

from aggressor.run.progress import Step


def warm_kernels(progress: Step) -> dict[str, Any]:
    """Compile what is not in the cache; return how many parts there are and the seconds it took."""
    began = time.perf_counter()
    for number, (name, compile_part) in enumerate(_PARTS):
        progress(f"compiling {name}", number / len(_PARTS))
        compile_part()
    progress("compiling", 1.0)
    return {"kernels": len(_PARTS), "seconds": time.perf_counter() - began}
