"""When the venue sees the market and our commands, and when we see its reports (R9.1).

Everything is told in the clock of the receiver. Local time of event i is its `ts_recv`. Its venue
time is

* constant feed latency F: `ts_recv - F`;
* recorded: the running maximum of `ts_venue + clock offset`, never later than `ts_recv`. Rows whose
  ts_venue is no match (TIMER, BAD_CLOCK) stand at `ts_recv - F`.

Both are non-decreasing along the tape, so two cursors walk one array. A command sent at t reaches
the venue at t + O, its report is known at venue time + R. O and R are constant, or interpolated by
time in a table of recorded round trips. Commands travel on one connection and reports on another:
none overtakes the one before it.

Load (`work_ns` > 0): every market row takes the venue so much time, one after the other, so that it
is busy until B <- max(B, time of the row) + work. A command that arrives at t is matched at
max(t, B), and what is reported at t leaves at max(t, B) + R: latency grows with the rate of rows,
and without bound while they come faster than they are worked off (the recursion of Lindley 1952,
with one server and a constant time of service). It follows from the rows alone.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel_inline
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BAD_CLOCK, TIMER

_MS = 1_000_000
LATENCY_NS_MAX = 3_600_000_000_000  # an hour: beyond it a setting is a mistake of units

ROUND_TRIP = np.dtype(
    [
        ("ts", "<i8"),  # ns: local time of the sending
        ("order", "<i8"),  # ns from sending to matching
        ("response", "<i8"),  # ns from matching to our knowing
    ]
)

RoundTrips = NDArray[Any]  # dtype ROUND_TRIP, shape (n,), ts ascending


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """The three latencies in ns; the defaults are those of a host near the venue.

    `recorded` takes feed latency from the tape's own times, with `offset_ns` added to the venue's
    clock; `work_ns` is what one market row costs the venue.
    """

    feed_ns: int = 5 * _MS
    order_ns: int = 20 * _MS
    response_ns: int = 20 * _MS
    recorded: bool = False
    offset_ns: int = 0
    work_ns: int = 0

    def __post_init__(self) -> None:
        """Refuse latencies below zero or beyond an hour."""
        for name in ("feed_ns", "order_ns", "response_ns", "work_ns"):
            if not 0 <= getattr(self, name) <= LATENCY_NS_MAX:
                raise ConfigError(
                    f"{name} must be within 0 and an hour, not {getattr(self, name)}."
                )


def round_trips(trips: RoundTrips | None) -> RoundTrips:
    """Return a checked table of round trips, empty for none; raise ConfigError."""
    if trips is None:
        return np.zeros(0, ROUND_TRIP)
    if trips.dtype != ROUND_TRIP or trips.ndim != 1:
        raise ConfigError("Recorded round trips must be a one-dimensional ROUND_TRIP array.")
    if np.any(np.diff(trips["ts"]) <= 0):
        raise ConfigError("Recorded round trips must be in strictly ascending order of ts.")
    for name in ("order", "response"):
        if trips.size and not 0 <= trips[name].min() <= trips[name].max() <= LATENCY_NS_MAX:
            raise ConfigError(f"A recorded {name} latency is below 0 or beyond an hour.")
    return np.ascontiguousarray(trips)


@kernel_inline
def feed_time(clock: Any, event: Any) -> Int:
    """Return the venue time of the event at the venue's cursor, in ns of the local clock."""
    if clock["recorded"] == 0:
        return event["ts_recv"] - clock["feed_ns"]
    if event["kind"] == TIMER or event["flags"] & BAD_CLOCK:
        seen = event["ts_recv"] - clock["feed_ns"]
    else:
        seen = event["ts_venue"] + clock["offset_ns"]
    return min(max(seen, clock["recorded_ns"]), event["ts_recv"])


@kernel_inline
def order_delay(clock: Any, trips: RoundTrips, now: Int) -> Int:
    """Return the ns from sending at local time `now` to matching."""
    if trips.size == 0:
        return clock["order_ns"]
    i = trip_before(trips, now)
    first = trips[i]
    last = trips[min(i + 1, trips.size - 1)]
    return first["order"] + blend(first["ts"], last["ts"], now, last["order"] - first["order"])


@kernel_inline
def response_delay(clock: Any, trips: RoundTrips, now: Int) -> Int:
    """Return the ns from matching at venue time `now` to our knowing."""
    if trips.size == 0:
        return clock["response_ns"]
    i = trip_before(trips, now)
    first = trips[i]
    last = trips[min(i + 1, trips.size - 1)]
    return first["response"] + blend(
        first["ts"], last["ts"], now, last["response"] - first["response"]
    )


@kernel_inline
def trip_before(trips: RoundTrips, now: Int) -> Int:
    """Return the row of the last round trip at or before `now`, 0 when there is none."""
    low = np.int64(0)
    high = np.int64(trips.size)
    while high - low > 1:
        middle = (low + high) >> 1
        if trips[middle]["ts"] <= now:
            low = middle
        else:
            high = middle
    return low


@kernel_inline
def blend(first: Int, last: Int, now: Int, rise: Int) -> Int:
    """Return the part of `rise` reached at `now` between two times; flat outside them."""
    if now <= first or last <= first:
        return np.int64(0)
    share = min(float(now - first) / float(last - first), 1.0)
    return np.int64(share * float(rise))
