"""Rows between a socket and whoever takes them: bounded, and never shortened in silence.

A book can only be kept from every change since its last picture, so rows are never left out one by
one. When nobody takes them and the room is used up, everything that waits is dropped at once and
counted, and the feed then says that its books are unknown and aligns them anew.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from aggressor.schema.event import Events, empty_events

ROWS_MAX = 2_000_000  # 64 MB


class Backlog:
    """Event batches in order of arrival."""

    def __init__(self, rows_max: int = ROWS_MAX, woken: Callable[[], None] | None = None) -> None:
        """`woken` is called whenever rows have been put; it may take them at once."""
        self.rows = 0
        self.dropped = 0  # rows
        self.overflows = 0
        self._rows_max = rows_max
        self._batches: deque[Events] = deque()
        self.woken = woken

    def put(self, events: Events) -> bool:
        """Add rows; False when there was no room and everything that waited was dropped."""
        if self.rows + events.size > self._rows_max:
            self.dropped += self.rows + events.size
            self.overflows += 1
            self._batches.clear()
            self.rows = 0
            return False
        self._batches.append(events)
        self.rows += events.size
        if self.woken is not None:
            self.woken()
        return True

    def take(self, limit: int) -> Events:
        """Return up to `limit` of the oldest rows."""
        taken: list[Events] = []
        left = limit
        while left > 0 and self._batches:
            batch = self._batches.popleft()
            if batch.size > left:
                self._batches.appendleft(batch[left:])
                batch = batch[:left]
            taken.append(batch)
            left -= batch.size
        if not taken:
            return empty_events(0)
        self.rows -= limit - left
        return taken[0] if len(taken) == 1 else np.concatenate(taken)
