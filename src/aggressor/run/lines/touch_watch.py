"""Books that go wrong though no id says so: seen by a touch that stays crossed.

Where a venue's ids skip (BingX), a change that was lost leaves no gap. What it leaves is a level
that should be gone, and sooner or later the other side trades through it: best bid at or above best
ask. For a moment that may be; for longer no market stands so, and the book is to be given up.
"""

from collections.abc import Sequence

from aggressor.market.book import book_state, grow_book, run_book
from aggressor.schema.event import Events

CROSSED_NS = 2_000_000_000
_WINDOW = 1024


class TouchWatch:
    """The books of a line, only to see whether they are crossed."""

    def __init__(self, lanes: Sequence[int]) -> None:
        """`lanes`: the numbers that EVENT.instrument holds."""
        self._lanes = tuple(lanes)
        self._book = book_state(max(lanes, default=0) + 1, window=_WINDOW)
        self._since: dict[int, int] = {}

    def take(self, rows: Events) -> None:
        """Apply rows, and note where a touch begins or ceases to be crossed."""
        at = 0
        while at < rows.size:
            at = run_book(rows, at, rows.size, self._book)
            if at < rows.size:
                self._book = grow_book(self._book)
        for k in self._lanes:
            if not self._book.head[k]["crossed"]:
                self._since.pop(k, None)
            elif k not in self._since and rows.size:
                self._since[k] = int(rows[-1]["ts_recv"])

    def crossed(self, now: int) -> list[int]:
        """Return the lanes whose touch has been crossed for too long."""
        return [k for k, since in self._since.items() if now - since >= CROSSED_NS]
