"""A market let through slice by slice: to its next TIMER, or so many rows, and no further.

Whoever looks at every TIMER needs the engine to stand there. Where a batch is cut changes nothing
(the split invariance), so the feed is cut: an exchange over `Slices` finds nothing new until the
next slice is let. A replay's time is a bound on what may be let.
"""

import numpy as np

from aggressor.engine.ports import Feed
from aggressor.schema.event import TIMER, Events, empty_events

_CHUNK = 4_096
_NONE = empty_events(0)
NEVER_NS = 2**63 - 1


class Slices:
    """See the module text. `live`: an empty poll of the feed is not its end."""

    def __init__(self, feed: Feed, *, live: bool = False) -> None:
        self.ended = False
        self.rows = 0  # let so far
        self.read = 0  # of the feed so far
        self.last_ns = 0  # receive time and kind of the last row that was let
        self.ends_with = 0
        self._feed = feed
        self._live = live
        self._rest = _NONE  # read, and not yet let
        self._let = _NONE

    @property
    def next_ns(self) -> int | None:
        """Receive time of the next row; None where none is there."""
        self._fill()
        return int(self._rest[0]["ts_recv"]) if self._rest.size else None

    def let(self, until_ns: int = NEVER_NS, rows: int = NEVER_NS) -> bool:
        """Let the rows up to the next TIMER, at most so many and none behind `until_ns`.

        Returns whether there were any; what was let before must have been polled.
        """
        assert not self._let.size, "a slice is let when the one before is used"
        self._fill()
        if not self._rest.size:
            return False
        timers = np.flatnonzero(self._rest["kind"] == TIMER)
        stop = int(timers[0]) + 1 if timers.size else self._rest.size
        until = int(np.searchsorted(self._rest["ts_recv"], until_ns, side="right"))
        stop = min(stop, until, rows)
        self._let, self._rest = self._rest[:stop], self._rest[stop:]
        self.rows += stop
        if stop:
            self.last_ns = int(self._let[-1]["ts_recv"])
            self.ends_with = int(self._let[-1]["kind"])
        return stop > 0

    def poll(self, limit: int) -> Events:
        """Return up to `limit` rows of what was let."""
        given, self._let = self._let[:limit], self._let[limit:]
        return given

    def resume(self, feed: Feed) -> None:
        """Go on with a feed that was begun again; what was read before is passed over."""
        left = self.read
        while left > 0:
            rows = feed.poll(min(_CHUNK, left)).size
            assert rows, "a feed that was begun again holds what it held"
            left -= rows
        self._feed = feed

    @property
    def feed(self) -> Feed:
        """What is cut."""
        return self._feed

    def _fill(self) -> None:
        if not self._rest.size and not self.ended:
            self._rest = self._feed.poll(_CHUNK)
            self.read += self._rest.size
            self.ended = not self._rest.size and not self._live
