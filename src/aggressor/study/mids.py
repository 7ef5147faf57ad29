"""When the mid changed, by the venue's clock: the quote series that lead and lag are read from.

Nothing is sampled: a row stands for each message of the book behind which the mid of its fused top
(depth, or a newer quote) is another one. While a book is not valid its instrument has no mid; the
first one behind the break is compared with the last before it.

    rows   (n,)   MID   in order of arrival; `ts_venue` of the message
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel
from aggressor.market.book import BookState, book_state, grow_book, has_room, on_book_event
from aggressor.schema.event import CLEAR, LAST, LEVEL, QUOTE, Events
from aggressor.state import State

MID = np.dtype([("ts_venue", "<i8"), ("mid2", "<i8"), ("lane", "<i8")])  # mid2 in half ticks


class MidState(State, frozen=True):
    """Books of all lanes, the last mid of each, and the rows of the batch in hand."""

    book: BookState
    last: NDArray[np.int64]  # (lanes,) half ticks; meaningless while `seen` is 0
    seen: NDArray[np.int64]  # (lanes,)
    rows: NDArray[Any]
    count: NDArray[np.int64]  # (1,) of `rows`


@kernel
def run_mids(events: Events, start: Int, stop: Int, state: MidState) -> Int:
    """Use events[start:stop]; return the first not used: stop, or a level without room."""
    book = state.book
    for i in range(start, stop):
        event = events[i]
        kind, k = event["kind"], np.int64(event["instrument"])
        if kind != LEVEL and kind != CLEAR and kind != QUOTE:
            continue
        if not has_room(book, k):
            return i
        on_book_event(book, k, event)
        head = book.head[k]
        if event["flags"] & LAST == 0 or head["valid"] == 0:
            continue
        mid2 = np.int64(head["bid"]) + np.int64(head["ask"])
        if state.seen[k] == 0 or mid2 != state.last[k]:
            row = state.rows[state.count[0]]
            row["ts_venue"] = event["ts_venue"]
            row["mid2"] = mid2
            row["lane"] = k
            state.count[0] += 1
            state.seen[k] = 1
            state.last[k] = mid2
    return stop


def mid_changes(batches: Iterable[Events], lanes: int) -> NDArray[Any]:
    """Return MID rows of events in order of receipt; their `instrument` is below `lanes`."""
    state = MidState(
        book_state(lanes),
        np.zeros(lanes, np.int64),
        np.zeros(lanes, np.int64),
        np.zeros(0, MID),
        np.zeros(1, np.int64),
    )
    found = [np.zeros(0, MID)]
    for events in batches:
        if state.rows.size < events.size:
            state = state.replace(rows=np.zeros(events.size, MID))
        state.count[0] = at = 0
        while (at := run_mids(events, at, events.size, state)) < events.size:
            state = state.replace(book=grow_book(state.book))
        found.append(state.rows[: state.count[0]].copy())
    return np.concatenate(found)
