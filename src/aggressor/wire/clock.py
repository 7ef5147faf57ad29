"""The only wall clock, and how far a venue's clock is from it.

`Clock.now` never runs backwards, whatever is done to the machine's clock: what was received later
gets no earlier time. A venue's clock is measured by asking for its time: its answer lies somewhere
between our sending and our receiving, so the shortest of the recent round trips bounds the offset
best. Offsets are stated beside times and never applied to them.
"""

import time
from collections import deque
from typing import NamedTuple

SAMPLES = 16


class Clock:
    """Time since the epoch in ns, never earlier than before."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        """Return the time in ns."""
        self._last = max(self._last, time.time_ns())
        return self._last


class Offset(NamedTuple):
    """A venue's clock minus ours, in ns: it lies within `within_ns` of `offset_ns`."""

    offset_ns: int
    within_ns: int


class VenueClock:
    """What is known of one venue's clock."""

    def __init__(self) -> None:
        self._samples: deque[Offset] = deque(maxlen=SAMPLES)

    def add(self, sent_ns: int, venue_ns: int, received_ns: int) -> None:
        """Take one answer of the venue, asked for at `sent_ns` and here at `received_ns`."""
        middle = (sent_ns + received_ns) // 2
        self._samples.append(Offset(venue_ns - middle, (received_ns - sent_ns + 1) // 2))

    def put(self, offset: Offset) -> None:
        """Take a measurement that was made elsewhere."""
        self._samples.append(offset)

    def forget(self) -> None:
        """Drop the measurements: the venue's clock, or ours, has jumped."""
        self._samples.clear()

    @property
    def offset(self) -> Offset | None:
        """The best of the recent measurements, None before the first."""
        return min(self._samples, key=lambda one: one.within_ns, default=None)

    def venue_ms(self, now_ns: int) -> int:
        """Return the venue's time in ms at our time `now_ns`; ours where nothing was measured."""
        best = self.offset
        return (now_ns + (best.offset_ns if best else 0)) // 1_000_000
