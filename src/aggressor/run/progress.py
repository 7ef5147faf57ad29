"""Progress of long work, on standard error, so that nothing long ever looks like a hang.

Runs report through a plain callable `Step`; where nobody watches it does nothing. Kernels that are
not in the cache compile on their first use, which takes a while: that is shown as it happens on a
terminal, and said once where standard error is a file.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Step = Callable[[str, float | None], None]
"""Called with what is being done now and the share done, 0 to 1, or None when it is not known."""

COMPILE_SECONDS = 300  # of everything, with an empty cache, on a slow machine
COMPILING = f"compiling kernels on first use, up to {COMPILE_SECONDS} s; `make warm` does it ahead"


def silent(doing: str, share: float | None = None) -> None:
    """Report to nobody."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Step]:
    """Yield a Step that draws one live line per piece of work, or nothing when quiet."""
    if quiet:
        yield silent
        return
    if not sys.stderr.isatty():
        with compiling(_say_once()):
            yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def step(doing: str, share: float | None = None) -> None:
            if doing not in tasks:
                for task in tasks.values():
                    bars.update(task, completed=1.0, total=1.0)
                tasks[doing] = bars.add_task(doing, total=None if share is None else 1.0)
            if share is not None:
                bars.update(tasks[doing], completed=share, total=1.0)

        live: list[Any] = []

        def show(count: int, name: str) -> None:
            if not live:
                live.append(bars.add_task("", total=None))
            bars.update(live[0], description=f"compiling kernels ({count}): {name}")

        with compiling(show):
            yield step


def _say_once() -> Callable[[int, str], None]:
    def say(count: int, name: str) -> None:
        if count == 1:
            print(COMPILING, file=sys.stderr, flush=True)

    return say


@contextmanager
def compiling(show: Callable[[int, str], None]) -> Iterator[None]:
    """Call `show` with the number and the name of each kernel of this package being compiled."""
    from numba.core import event

    class Listener(event.Listener):
        count = 0

        def on_start(self, event: Any) -> None:
            function = event.data["dispatcher"].py_func
            if function.__module__.startswith("aggressor."):
                self.count += 1
                module = function.__module__.removeprefix("aggressor.")
                show(self.count, f"{module}.{function.__name__}")

        def on_end(self, event: Any) -> None:
            pass

    listener = Listener()
    event.register("numba:compile", listener)
    try:
        yield
    finally:
        event.unregister("numba:compile", listener)
