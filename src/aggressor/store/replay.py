"""History as a Feed: rows in order of `ts_recv`, with a TIMER at every point of a global grid.

A TIMER stands at k x timer_ns of `ts_recv` for every such point between the first and the last row,
in front of all rows of that time or later: whoever samples on TIMERs sees what was known before the
point. The grid is global (k counts from the epoch), so two replays of overlapping history sample at
the same moments, and the result never depends on how much is asked for at a time.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.ports import Feed
from aggressor.kernel import kernel
from aggressor.schema.event import (
    LAST,
    NO_INSTRUMENT,
    NO_PRICE,
    NO_TIME,
    TIMER,
    Events,
    empty_events,
)
from aggressor.store.merge import CHUNK_ROWS, ArraySource, EventSource, Merge

TIMER_NS = 100_000_000


@kernel
def add_timers(
    events: Events, first: int, timer_ns: int, next_timer: NDArray[np.int64], out: Events
) -> tuple[int, int]:
    """Copy events[first:] to `out` with a TIMER before the first row at or behind each grid point.

    events (n,) EVENT in order; out (m,) EVENT; next_timer (1,) int64 ns: the next grid point, 0
    before the first row, written in place. Returns (index of the first event not copied, rows of
    `out` used).
    """
    used = 0
    i = first
    following = next_timer[0]
    while i < events.size and used < out.size:
        ts_recv = events[i]["ts_recv"]
        if following == 0:
            following = -(-ts_recv // timer_ns) * timer_ns
        if following <= ts_recv:
            timer = out[used]
            timer["ts_recv"] = following
            timer["ts_venue"] = following
            timer["size"] = timer_ns
            timer["price"] = NO_PRICE
            timer["kind"] = TIMER
            timer["side"] = 0
            timer["flags"] = LAST
            timer["instrument"] = NO_INSTRUMENT
            following += timer_ns
        else:
            out[used] = events[i]
            i += 1
        used += 1
    next_timer[0] = following
    return i, used


class Replay:
    """A Feed of several sources; source k becomes instrument k. `timer_ns` 0 adds no TIMERs."""

    def __init__(
        self,
        sources: Sequence[EventSource],
        timer_ns: int = TIMER_NS,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        assert timer_ns >= 0
        self._merged = Merge(sources, chunk_rows)
        self._timer_ns = timer_ns
        self._chunk_rows = chunk_rows
        self._chunk = empty_events(0)
        self._next = 0
        self._next_timer = np.zeros(1, np.int64)

    def poll(self, limit: int) -> Events:
        """Return up to `limit` next rows in the caller's own array; an empty one at the end."""
        if self._timer_ns == 0:
            return self._merged.read(limit)
        out = empty_events(limit)
        used = 0
        while used < limit:
            if self._next == len(self._chunk):
                self._chunk = self._merged.read(self._chunk_rows)
                self._next = 0
                if len(self._chunk) == 0:
                    break
            self._next, added = add_timers(
                self._chunk, self._next, self._timer_ns, self._next_timer, out[used:]
            )
            used += added
        return out[:used]


def replay_of(events: Sequence[Events], timer_ns: int = TIMER_NS) -> Replay:
    """Return a Replay of arrays in memory, one per instrument."""
    return Replay([ArraySource(rows) for rows in events], timer_ns)


class Lasting:
    """A Feed whose TIMERs go on behind its last row, up to `until_ns`: nothing more came."""

    def __init__(self, feed: Feed, until_ns: int, timer_ns: int = TIMER_NS) -> None:
        self._feed = feed
        self._until_ns = until_ns
        self._timer_ns = timer_ns
        self._last_ns = NO_TIME

    def poll(self, limit: int) -> Events:
        """Return up to `limit` next rows."""
        rows = self._feed.poll(limit)
        if rows.size:
            self._last_ns = int(rows[-1]["ts_recv"])
            return rows
        if self._last_ns == NO_TIME:
            return rows
        first = self._last_ns // self._timer_ns + 1
        count = max(0, min(limit, self._until_ns // self._timer_ns + 1 - first))
        rows = empty_events(count)
        rows["ts_recv"] = rows["ts_venue"] = (first + np.arange(count)) * self._timer_ns
        rows["size"], rows["price"], rows["kind"] = self._timer_ns, NO_PRICE, TIMER
        rows["flags"], rows["instrument"] = LAST, NO_INSTRUMENT
        if count:
            self._last_ns = int(rows[-1]["ts_recv"])
        return rows
