"""A screen that is drawn again and again on standard error, and words of notice above it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aggressor.reports.moments import moment_text
from aggressor.wire.clock import Clock


class LiveScreen:
    """Where a running command shows what it sees."""

    def __init__(self, draw: Callable[[Any], Any], console: Any, live: Any) -> None:
        self._draw = draw
        self._console = console
        self._live = live
        self._clock = Clock()

    def show(self, look: Any) -> None:
        """Draw the screen anew."""
        if self._live is not None:
            self._live.update(self._draw(look))

    def say(self, words: str) -> None:
        """Show words of notice, with the time."""
        self._console.print(
            f"{moment_text(self._clock.now())[11:19]} {words}", highlight=False, markup=False
        )


@contextmanager
def live_screen(draw: Callable[[Any], Any], *, quiet: bool) -> Iterator[LiveScreen]:
    """Yield a screen that `draw` makes; without a terminal, or quiet, only words are shown."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if quiet or not sys.stderr.isatty():
        yield LiveScreen(draw, console, None)
        return
    with Live(console=console, refresh_per_second=4, screen=False, transient=True) as live:
        yield LiveScreen(draw, console, live)
