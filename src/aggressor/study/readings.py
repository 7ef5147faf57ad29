"""Running sums of book and tape, read at every TIMER: what a study of flow and price rests on.

One pass over events of one instrument through the same pieces as the pipeline (R1.9, R1.10), and
nothing else of it: the fused top's OFI, the flow of ten ranks of the depth ladder, lots bought and
sold. A window is the difference of two readings, so every horizon comes out of one pass.

A book that is only known from pictures (whole snapshots, no deltas between them) has its OFI too,
but another one: what came and went between two pictures is not in it. `pictures` counts the
messages of that kind, so that whoever reads the figures can be told.

Prints that are no flow (insurance fund, ADL) or have no aggressor are left out.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features import depth_flow as ranks
from aggressor.features import pressure as tops
from aggressor.features.depth_flow import RANKS, DepthFlowState, depth_flow_state
from aggressor.features.pressure import PressureState, pressure_state
from aggressor.kernel import Int, kernel
from aggressor.market.book import BookState, book_state, grow_book, has_room, on_book_event
from aggressor.schema.event import (
    CLEAR,
    LAST,
    LEVEL,
    NOT_FLOW,
    QUOTE,
    SNAPSHOT,
    TIMER,
    TRADE,
    Events,
)
from aggressor.state import State

READING = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("known", "<i8"),  # 1: the top is known
        ("mid2", "<i8"),  # half ticks
        ("ofi", "<i8"),  # lots, from here on: running sums
        ("queues", "<i8"),  # lots of both queues, after each change of the top
        ("changes", "<i8"),
        ("breaks", "<i8"),
        ("bought", "<i8"),
        ("sold", "<i8"),
        ("depth", "<i8"),  # lots on all ranks, after each depth message that changed one
        ("depth_changes", "<i8"),
        ("depth_breaks", "<i8"),
        ("thin", "<i8"),
        ("flow", "<i8", (RANKS,)),
    ]
)

COUNTS = np.dtype(
    [
        ("rows", "<i8"),  # of `readings`
        ("bought", "<i8"),
        ("sold", "<i8"),
        ("messages", "<i8"),  # depth messages
        ("pictures", "<i8"),  # of these, whole pictures told as what changed since the last one
    ]
)


class ReadingState(State, frozen=True):
    """The market of one lane as far as readings need it, and the readings of the batch in hand."""

    head: NDArray[Any]  # COUNTS, (1,)
    readings: NDArray[Any]  # READING
    book: BookState
    pressure: PressureState
    depth: DepthFlowState


def reading_state(rows: int) -> ReadingState:
    """Return a state that has seen nothing, with room for `rows` readings a batch."""
    return ReadingState(
        head=np.zeros(1, COUNTS),
        readings=np.zeros(rows, READING),
        book=book_state(1),
        pressure=pressure_state(1),
        depth=depth_flow_state(1),
    )


@kernel
def run_readings(events: Events, start: Int, stop: Int, state: ReadingState) -> Int:
    """Use events[start:stop], one reading for each TIMER among them.

    Returns the index of the first event not used: stop, or the first whose level has no room in the
    book, so that the caller can grow it and call again.
    """
    head, book = state.head[0], state.book
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        if kind == TIMER:
            _read(state, event["ts_recv"])
        elif kind == TRADE:
            if event["flags"] & NOT_FLOW == 0:
                head["bought"] += event["size"] * np.int64(event["side"] > 0)
                head["sold"] += event["size"] * np.int64(event["side"] < 0)
        elif kind in (LEVEL, CLEAR, QUOTE):
            if not has_room(book, 0):
                return i
            on_book_event(book, 0, event)
            if event["flags"] & LAST:
                tops.on_top(state.pressure, book, 0, event)
                if kind != QUOTE:
                    before = state.depth.head[0]
                    follows = before["known"] == 1 and before["clears"] == book.head[0]["clears"]
                    ranks.on_depth(state.depth, book, 0)
                    head["messages"] += 1
                    head["pictures"] += follows and event["flags"] & SNAPSHOT != 0
    return stop


@kernel
def _read(state: ReadingState, now: Int) -> None:
    """Write one reading."""
    head, top, depth = state.head[0], state.pressure.head[0], state.depth.head[0]
    row = state.readings[head["rows"]]
    row["ts_recv"] = now
    row["known"], row["mid2"] = top["known"], top["mid2"]
    row["ofi"], row["queues"] = top["ofi"], top["queues"]
    row["changes"], row["breaks"] = top["changes"], top["breaks"]
    row["bought"], row["sold"] = head["bought"], head["sold"]
    row["depth"], row["depth_changes"] = depth["depth"], depth["changes"]
    row["depth_breaks"], row["thin"] = depth["breaks"], depth["thin"]
    flow = row["flow"]
    for m in range(RANKS):
        flow[m] = state.depth.flow[0, m]
    head["rows"] += 1


class Readings:
    """Collects readings from batches of events with TIMERs, of one instrument in lane 0."""

    def __init__(self) -> None:
        self._state = reading_state(0)
        self._kept: list[NDArray[Any]] = []

    def add(self, events: Events) -> None:
        """Use a batch; where batches are cut makes no difference."""
        timers = int((events["kind"] == TIMER).sum())
        state = self._state.replace(readings=np.zeros(timers, READING))
        state.head[0]["rows"] = 0
        done = 0
        while (done := int(run_readings(events, done, events.size, state))) < events.size:
            state = state.replace(book=grow_book(state.book))
        self._kept.append(state.readings)
        self._state = state

    @property
    def rows(self) -> NDArray[Any]:
        """All readings so far, READING in order of time."""
        return np.concatenate(self._kept) if self._kept else np.zeros(0, READING)

    @property
    def picture_share(self) -> float:
        """Share of the depth messages that are pictures following others; nan without any."""
        head = self._state.head[0]
        return float(head["pictures"] / head["messages"]) if head["messages"] else np.nan


def read_all(batches: Iterable[Events]) -> Readings:
    """Return the readings of all batches."""
    readings = Readings()
    for events in batches:
        readings.add(events)
    return readings
