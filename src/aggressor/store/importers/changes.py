"""Pictures of a book as what changed since the last one: LEVEL rows with SNAPSHOT, no CLEAR.

A picture that replaced the book whole would break every measure that compares two states of it. So
the first picture stands as it came, and of each that follows within GAP_NS of the one before only
the levels that differ remain; those no longer shown are removed. The rows keep SNAPSHOT: a ledger
starts anew at what they show and attributes nothing (R1.11), and whoever reads flow out of them can
tell that it is flow between pictures. After a longer silence, or a gap, the next picture is whole
again.

Invariant: the book after the last row of a picture is the picture.
"""

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import CLEAR, GAP, LAST, SNAPSHOT, Events, empty_events

GAP_NS = 2_000_000_000  # the limit behind which a book counts as stale


class Changes:
    """Turns the pictures among the rows of a recording into changes."""

    def __init__(self) -> None:
        self._keys: dict[int, NDArray[np.int64]] = {}  # by lane: 2 x price + side, ascending
        self._lots: dict[int, NDArray[np.int64]] = {}
        self._last_ns: dict[int, int] = {}

    def of(self, events: Events) -> Events:
        """Return rows with pictures as changes; every picture is whole inside `events`."""
        starts = np.flatnonzero(events["kind"] == CLEAR)
        if not starts.size:
            return events
        ends = np.flatnonzero(events["flags"] & LAST)
        parts, done = [], 0
        for start in starts.tolist():
            stop = int(ends[np.searchsorted(ends, start)]) + 1
            parts += [events[done:start], self._picture(events[start:stop])]
            done = stop
        return np.concatenate([*parts, events[done:]])

    def _picture(self, rows: Events) -> Events:
        lane, now = int(rows["instrument"][0]), int(rows["ts_recv"][0])
        if rows["flags"][0] & GAP:
            self._keys.pop(lane, None)
            return rows
        levels = rows[1:]
        keys = 2 * levels["price"].astype(np.int64) + (levels["side"] > 0)
        order = np.argsort(keys)
        keys, lots = keys[order], levels["size"][order]
        before, before_lots = self._keys.get(lane), self._lots.get(lane)
        self._keys[lane], self._lots[lane] = keys, lots
        fresh = now - self._last_ns.get(lane, now) <= GAP_NS
        self._last_ns[lane] = now
        if before is None or before_lots is None or not fresh:
            return rows
        place = np.minimum(np.searchsorted(before, keys), before.size - 1)
        same = (before[place] == keys) & (before_lots[place] == lots)
        gone = before[~np.isin(before, keys, assume_unique=True)]
        out = empty_events(gone.size + int((~same).sum()))
        if not out.size:
            return out
        out[gone.size :] = levels[order[~same]]
        removed = out[: gone.size]
        removed[:] = levels[0]
        removed["price"], removed["side"] = gone >> 1, np.where(gone & 1, 1, -1)
        removed["size"] = 0
        out["flags"] = (out["flags"] | SNAPSHOT) & ~np.uint8(LAST)
        out["flags"][-1] |= LAST
        return out
