"""Markets released as time goes on, on one axis: history and synthetic markets side by side.

`MarketClock` ties the venue's clock, which is the caller's, to market time: the venue's clock runs
on, market time runs `speed` times as fast from the first row of the history. Whatever a client is
told carries the venue's clock, so that a client whose clock is right finds the venue's right too;
at another speed than 1 the market is told faster, never at other prices or in another order.
"""

from collections.abc import Sequence

import numpy as np

from aggressor.engine.ports import Feed
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import (
    LAST,
    NO_INSTRUMENT,
    NO_PRICE,
    NO_TIME,
    TIMER,
    Events,
    empty_events,
)

_CHUNK = 16_384


class MarketClock:
    """Market time and the venue's clock, both ns since the epoch."""

    def __init__(
        self,
        venue_ns: int,
        market_ns: int,
        speed: float = 1.0,
        before: "MarketClock | None" = None,
    ) -> None:
        """`before` holds for what was earlier, so that no time changes once it was told."""
        if not 0.01 <= speed <= 10_000:
            raise ConfigError(f"The speed must be within 0.01 and 10000, not {speed}.")
        self.speed = speed
        self._venue_ns = venue_ns
        self._market_ns = market_ns
        self._before = before

    def market(self, venue_ns: int) -> int:
        """Return the market time at a time of the venue's clock."""
        if self._before is not None and venue_ns < self._venue_ns:
            return self._before.market(venue_ns)
        return self._market_ns + int((venue_ns - self._venue_ns) * self.speed)

    def venue(self, market_ns: int) -> int:
        """Return the venue's clock at a market time; NO_TIME stays what it is."""
        if market_ns == NO_TIME:
            return NO_TIME
        if self._before is not None and market_ns < self._market_ns:
            return self._before.venue(market_ns)
        return self._venue_ns + int((market_ns - self._market_ns) / self.speed)


class PacedFeed:
    """Several feeds as one, released up to a moment; feed k becomes EVENT.instrument k.

    Behind the rows of every release stands a TIMER, 1 ns later: the simulated venue takes what was
    sent at that moment only when something later is known.
    """

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._feeds = tuple(feeds)
        self._waiting = [empty_events(0) for _ in feeds]
        self._over = [False for _ in feeds]
        self._ready = empty_events(0)
        self.released_ns = NO_TIME

    @property
    def first_ns(self) -> int:
        """The time of the first row; raise ConfigError where there is none."""
        for k in range(len(self._feeds)):
            self._fill(k)
        times = [int(rows[0]["ts_recv"]) for rows in self._waiting if rows.size]
        if not times:
            raise ConfigError("There is no row to play - choose another span or instrument.")
        return min(times)

    @property
    def over(self) -> bool:
        """Whether every feed has come to its end and all of it is released."""
        return all(self._over) and not any(rows.size for rows in self._waiting)

    def release(self, until_ns: int) -> None:
        """Make everything up to `until_ns` ready, which is later than the last time."""
        assert until_ns > self.released_ns, "time goes on"
        taken = [self._ready]
        for k in range(len(self._feeds)):
            self._fill(k)
            while self._waiting[k].size:
                rows = self._waiting[k]
                count = int(np.searchsorted(rows["ts_recv"], until_ns, side="right"))
                taken.append(rows[:count])
                self._waiting[k] = rows[count:]
                if count < rows.size:
                    break
                self._fill(k)
        rows = np.concatenate(taken) if len(taken) > 1 else taken[0]
        if len(self._feeds) > 1:
            rows = rows[np.argsort(rows["ts_recv"], kind="stable")]
        timer = empty_events(1)
        timer["ts_recv"] = timer["ts_venue"] = until_ns + 1
        timer["kind"], timer["flags"] = TIMER, LAST
        timer["price"], timer["instrument"] = NO_PRICE, NO_INSTRUMENT
        self._ready = np.concatenate((rows, timer))
        self.released_ns = until_ns + 1

    def poll(self, limit: int) -> Events:
        """Return up to `limit` rows that are ready."""
        rows, self._ready = self._ready[:limit], self._ready[limit:]
        return rows

    def _fill(self, k: int) -> None:
        while not self._waiting[k].size and not self._over[k]:
            rows = self._feeds[k].poll(_CHUNK)
            self._over[k] = rows.size == 0
            rows = rows[rows["kind"] != TIMER].copy()
            rows["instrument"] = k
            self._waiting[k] = rows
