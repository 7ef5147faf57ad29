"""Progress of long work, on standard error, so that nothing long ever looks like a hang.

Runs report through a plain callable `Step`; where nobody watches it does nothing.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Step = Callable[[str, float | None], None]
"""Called with what is being done now and the share done, 0 to 1, or None when it is not known."""


def silent(doing: str, share: float | None = None) -> None:
    """Report to nobody."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Step]:
    """Yield a Step that draws one live line per piece of work, or nothing when quiet."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def step(doing: str, share: float | None = None) -> None:
            if doing not in tasks:
                for task in tasks.values():
                    bars.update(task, completed=1.0, total=1.0)  # type: ignore[arg-type]
                tasks[doing] = bars.add_task(doing, total=None if share is None else 1.0)
            if share is not None:
                bars.update(tasks[doing], completed=share, total=1.0)  # type: ignore[arg-type]

        yield step
