"""The markets of one process as they happen, as a Feed: rows in order, with TIMERs among them.

TIMERs stand where a replay of the same rows would put them: at every point of the global grid, in
front of all rows of that time or later. Rows are stamped by one clock as they arrive, so a point
that has passed on that clock can be written although nothing came: no row will be earlier.
"""

import numpy as np

from aggressor.run.lines.backlog import Backlog
from aggressor.schema.event import LAST, NO_INSTRUMENT, NO_PRICE, TIMER, Events, empty_events
from aggressor.store.replay import TIMER_NS, add_timers
from aggressor.wire.clock import Clock

_NONE = empty_events(0)


class LiveFeed:
    """A Feed over a backlog that lines fill."""

    def __init__(self, backlog: Backlog, clock: Clock, timer_ns: int = TIMER_NS) -> None:
        self._backlog = backlog
        self._clock = clock
        self._timer_ns = timer_ns
        self._next = np.zeros(1, np.int64)
        self._out = empty_events(1024)
        self._rest: Events = _NONE
        self._first = 0

    def poll(self, limit: int) -> Events:
        """Return up to `limit` rows that are there now; never waits."""
        out = self._room(limit)
        used = 0
        now = self._clock.now()  # before the backlog is read: rows that come later are later
        while used < limit:
            if self._first == self._rest.size:
                self._rest, self._first = self._backlog.take(limit - used), 0
                if not self._rest.size:
                    break
            self._first, more = add_timers(
                self._rest, self._first, self._timer_ns, self._next, out[used:]
            )
            used += more
        following = int(self._next[0])
        while used < limit and following and following <= now and self._idle:
            timer = out[used]
            timer["ts_recv"] = timer["ts_venue"] = following
            timer["size"] = self._timer_ns
            timer["price"] = NO_PRICE
            timer["kind"] = TIMER
            timer["flags"] = LAST
            timer["instrument"] = NO_INSTRUMENT
            following += self._timer_ns
            used += 1
        self._next[0] = following
        return out[:used].copy()

    @property
    def due_ns(self) -> int:
        """Local time of the next TIMER, ns; 0 while no row has come."""
        return int(self._next[0])

    def _room(self, limit: int) -> Events:
        """Return where rows are put together: kept, for a poll usually finds a handful of them."""
        if self._out.size < limit:
            self._out = empty_events(limit)
        return self._out[:limit]

    @property
    def _idle(self) -> bool:
        return self._first == self._rest.size and not self._backlog.rows
