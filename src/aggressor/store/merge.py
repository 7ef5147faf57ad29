"""Several instruments in one order: a k-way merge by `ts_recv` that rewrites the lane index.

The merge is stable: at equal `ts_recv` the lower lane goes first, and rows of one lane keep their
order, so the rows of one venue message are never torn apart. Every source is read in bounded
chunks; the result does not depend on their size.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel
from aggressor.schema.event import EVENT, Events, empty_events

CHUNK_ROWS = (
    65_536  # 2 MiB of rows a lane: large enough to forget the calls, small enough for the cache
)


class EventSource(Protocol):
    """Rows of one instrument in order of `ts_recv`."""

    def read(self, limit: int) -> Events:
        """Return up to `limit` next rows, not to be written to; an empty array at the end."""
        ...


class ArraySource:
    """Rows that are already in memory (a synthetic market, a test), as an EventSource."""

    def __init__(self, events: Events) -> None:
        assert events.dtype == EVENT
        self._events = events
        self._next = 0

    def read(self, limit: int) -> Events:
        """Return up to `limit` next rows."""
        rows = self._events[self._next : self._next + limit]
        self._next += len(rows)
        return rows


@kernel
def merge_lanes(
    chunks: Events, starts: NDArray[np.int64], stops: NDArray[np.int64], out: Events, used: int
) -> int:
    """Move rows in order of (ts_recv, lane) from chunks[k, starts[k]:stops[k]] to out[used:].

    chunks (lanes, rows) EVENT; starts, stops (lanes,) int64, starts written in place; out (n,)
    EVENT. A lane that has given its last row must be refilled before more can be taken: the kernel
    returns at once. Returns the rows used of `out`. A lane that was empty on entry has ended.
    """
    lanes = starts.size
    while used < out.size:
        best = -1
        best_ns = np.int64(0)
        for k in range(lanes):
            if starts[k] < stops[k]:
                ts_recv = chunks[k, starts[k]]["ts_recv"]
                if best < 0 or ts_recv < best_ns:
                    best = k
                    best_ns = ts_recv
        if best < 0:
            break
        limit_ns = np.int64(2**63 - 1)
        tie_wins = True
        for k in range(lanes):
            if k != best and starts[k] < stops[k]:
                ts_recv = chunks[k, starts[k]]["ts_recv"]
                if ts_recv < limit_ns:
                    limit_ns = ts_recv
                    tie_wins = best < k
        i = starts[best]
        stop = min(stops[best], i + out.size - used)
        while i < stop:
            ts_recv = chunks[best, i]["ts_recv"]
            if ts_recv > limit_ns or (ts_recv == limit_ns and not tie_wins):
                break
            out[used] = chunks[best, i]
            out[used]["instrument"] = best
            used += 1
            i += 1
        starts[best] = i
        if i == stops[best]:
            break
    return used


class Merge:
    """The rows of several sources in one order; source k becomes lane k. Itself an EventSource."""

    def __init__(self, sources: Sequence[EventSource], chunk_rows: int = CHUNK_ROWS) -> None:
        assert 0 < len(sources) < 255
        assert chunk_rows > 0
        self._sources = list(sources)
        self._chunk_rows = chunk_rows
        self._chunks = np.zeros((len(sources), chunk_rows), EVENT)
        self._starts = np.zeros(len(sources), np.int64)
        self._stops = np.zeros(len(sources), np.int64)
        self._ended = [False] * len(sources)

    def read(self, limit: int) -> Events:
        """Return up to `limit` next rows in a fresh array; fewer only at the end."""
        if len(self._sources) == 1:
            rows = self._sources[0].read(limit).copy()
            rows["instrument"] = 0
            return rows
        out = empty_events(limit)
        used = 0
        while used < limit:
            self._refill()
            if all(self._ended):
                break
            used = merge_lanes(self._chunks, self._starts, self._stops, out, used)
        return out[:used]

    def _refill(self) -> None:
        for lane, source in enumerate(self._sources):
            if self._starts[lane] < self._stops[lane] or self._ended[lane]:
                continue
            rows = source.read(self._chunk_rows)
            self._chunks[lane, : len(rows)] = rows
            self._starts[lane] = 0
            self._stops[lane] = len(rows)
            self._ended[lane] = len(rows) == 0
