"""The top of one book and the sums of its tape, row by row: what an order could know at any time.

One pass over events of one instrument (lane 0) through the book and nothing else. A row is written
whenever the fused top or the tape may have changed; what was known at a moment is the last row
before it. `Tops` holds the rows of a whole tape, to look back and forth in; `mids_at` reads the
mids at given times out of batches that are then forgotten, so a tape of days costs no memory.

A mid is only known while the book is valid and not older than `STALE_NS`.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel
from aggressor.market.book import BookState, book_state, grow_book, has_room, on_book_event
from aggressor.schema.event import (
    CLEAR,
    LAST,
    LEVEL,
    NO_PRICE,
    NO_TIME,
    NOT_FLOW,
    QUOTE,
    TRADE,
    Events,
)
from aggressor.state import State

STALE_NS = 2_000_000_000

TOP = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("book_ns", "<i8"),  # of the last change of the book
        ("bought", "<i8"),  # lots, running sums by aggressor
        ("sold", "<i8"),
        ("traded", "<i8"),  # lots of all prints that are flow
        ("trades", "<i8"),
        ("value", "<i8"),  # sum of price x lots of them
        ("mid2_seconds", "<f8"),  # sum of (bid + ask) x seconds while the book was known
        ("known_seconds", "<f8"),
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("bid", "<i4"),
        ("ask", "<i4"),
        ("last", "<i4"),  # price of the last print, NO_PRICE before the first
        ("valid", "<i4"),
    ]
)

Rows = NDArray[Any]  # dtype TOP


class TopState(State, frozen=True):
    """The book, the running row, and the rows of the batch in hand."""

    head: NDArray[Any]  # one i8: rows written
    now: NDArray[Any]  # TOP, (1,)
    rows: NDArray[Any]  # TOP
    book: BookState


@kernel
def run_tops(events: Events, start: Int, stop: Int, state: TopState) -> Int:
    """Use events[start:stop]; return the index of the first not used, for want of room in the
    book."""
    book, now = state.book, state.now[0]
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        if kind == TRADE:
            if event["flags"] & NOT_FLOW == 0:
                now["bought"] += event["size"] * np.int64(event["side"] > 0)
                now["sold"] += event["size"] * np.int64(event["side"] < 0)
                now["traded"] += event["size"]
                now["trades"] += 1
                now["value"] += event["price"] * event["size"]
                now["last"] = event["price"]
                _write(state, event["ts_recv"])
        elif kind in (LEVEL, CLEAR, QUOTE):
            if not has_room(book, 0):
                return i
            on_book_event(book, 0, event)
            now["book_ns"] = event["ts_recv"]
            if event["flags"] & LAST:
                _write(state, event["ts_recv"])
    return stop


@kernel
def _write(state: TopState, ts_recv: Int) -> None:
    """Write the running row; of one time the last stands."""
    head, now, top = state.head, state.now[0], state.book.head[0]
    if now["valid"] != 0:
        seconds = (ts_recv - now["ts_recv"]) * 1e-9
        now["mid2_seconds"] += (now["bid"] + now["ask"]) * seconds
        now["known_seconds"] += seconds
    now["ts_recv"] = ts_recv
    now["bid"], now["ask"] = top["bid"], top["ask"]
    now["bid_lots"], now["ask_lots"] = top["bid_lots"], top["ask_lots"]
    now["valid"] = top["valid"]
    if head[0] == 0 or state.rows[head[0] - 1]["ts_recv"] != ts_recv:
        head[0] += 1
    state.rows[head[0] - 1] = state.now[0]


class TopReader:
    """Turns batches of events into rows."""

    def __init__(self) -> None:
        now = np.zeros(1, TOP)
        now["last"] = NO_PRICE
        self._state = TopState(np.zeros(1, np.int64), now, np.zeros(0, TOP), book_state(1))

    @property
    def book(self) -> BookState:
        """The book as it stands."""
        return self._state.book

    @property
    def book_ns(self) -> int:
        """When the book last changed, ts_recv."""
        return int(self._state.now[0]["book_ns"])

    def add(self, events: Events) -> Rows:
        """Use a batch; return its rows."""
        state = self._state.replace(head=np.zeros(1, np.int64), rows=np.zeros(events.size + 1, TOP))
        done = 0
        while (done := int(run_tops(events, done, events.size, state))) < events.size:
            state = state.replace(book=grow_book(state.book))
        self._state = state
        return state.rows[: int(state.head[0])]


class Tops:
    """All rows of a tape. Prices ticks; what is not known is None."""

    def __init__(self, events: Events) -> None:
        self.rows: Rows = TopReader().add(events).copy()
        self.times: NDArray[np.int64] = np.ascontiguousarray(self.rows["ts_recv"])

    def at(self, ts_ns: int, *, before: bool = False) -> Any:
        """Return the last row known at a time (`before`: strictly earlier), None without one."""
        i = int(np.searchsorted(self.times, ts_ns, side="left" if before else "right"))
        return self.rows[i - 1] if i else None

    def mid2(self, ts_ns: int) -> int | None:
        """Return bid + ask at a time; None where the book is not known or the tape is over."""
        if not self.times.size or ts_ns > self.times[-1]:
            return None
        return mid2_of(self.at(ts_ns), ts_ns)


def mid2_of(row: Any, ts_ns: int) -> int | None:
    """Return bid + ask of a row as seen at a time, None where the book is not known."""
    if row is None or not row["valid"] or ts_ns - int(row["book_ns"]) > STALE_NS:
        return None
    return int(row["bid"]) + int(row["ask"])


class Interval(NamedTuple):
    """What a market did while an order worked. Lots of all prints that are flow; prices ticks."""

    lots: int
    vwap: float | None  # of its prints
    twap: float | None  # of its mids


def interval_of(first: Any, last: Any) -> Interval | None:
    """Return what happened between two rows; None where one is not known."""
    if first is None or last is None:
        return None
    lots = int(last["traded"] - first["traded"])
    seconds = float(last["known_seconds"] - first["known_seconds"])
    vwap = int(last["value"] - first["value"]) / lots if lots > 0 else None
    twap = None
    if seconds > 0.0:
        twap = float(last["mid2_seconds"] - first["mid2_seconds"]) / seconds / 2
    return Interval(lots, vwap, twap)


def rows_at(
    batches: Iterable[Events], times: Iterable[int], end_ns: int = NO_TIME
) -> dict[int, Any]:
    """Return the row of TOP known at each time, from one pass over a tape.

    None before the tape begins and behind its end: that of its last row, or `end_ns` where it was
    listened to for longer.
    """
    wanted = sorted(set(times))
    found: dict[int, Any] = dict.fromkeys(wanted)
    reader, last, done = TopReader(), None, 0
    for events in batches:
        rows = reader.add(events)
        if not rows.size:
            continue
        until = int(rows["ts_recv"][-1])
        while done < len(wanted) and wanted[done] < until:
            i = int(np.searchsorted(rows["ts_recv"], wanted[done], side="right"))
            found[wanted[done]] = rows[i - 1].copy() if i else last
            done += 1
        last = rows[-1].copy()
        if done == len(wanted):
            break
    if last is not None:
        end = max(int(last["ts_recv"]), end_ns)
        found.update({ts_ns: last for ts_ns in wanted[done:] if ts_ns <= end})
    return found


def mids_at(batches: Iterable[Events], times: Iterable[int]) -> dict[int, int | None]:
    """Return bid + ask (half ticks, exactly) at each time, from one pass over a tape.

    None before the tape begins, behind its end, and while the book is not known.
    """
    return {ts_ns: mid2_of(row, ts_ns) for ts_ns, row in rows_at(batches, times).items()}
