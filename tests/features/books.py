"""The reference book B0 and small books of any shape, built through the book's own kernels."""

import numpy as np

from aggressor.market.book import BookState, book_state, run_book
from aggressor.schema.event import CLEAR, LAST, LEVEL, SNAPSHOT, Events, empty_events

B0_BIDS = {1000: 30, 999: 20, 998: 25, 997: 15, 996: 10}
B0_ASKS = {1001: 10, 1002: 15, 1003: 40, 1004: 20, 1005: 15}

START_NS = 1_700_000_000_000_000_000


def snapshot_events(
    bids: dict[int, int], asks: dict[int, int], ts: int = START_NS, instrument: int = 0
) -> Events:
    """Return a full picture of the book as one message."""
    rows = [(0, 0, 0)]
    rows += [(1, price, lots) for price, lots in bids.items()]
    rows += [(-1, price, lots) for price, lots in asks.items()]
    events = empty_events(len(rows))
    events["ts_recv"] = events["ts_venue"] = ts
    events["side"], events["price"], events["size"] = np.array(rows).T
    events["kind"], events["flags"] = LEVEL, SNAPSHOT
    events["instrument"] = instrument
    events[0]["kind"], events[0]["flags"] = CLEAR, 0
    events[-1]["flags"] |= LAST
    return events


def book_of(bids: dict[int, int], asks: dict[int, int]) -> BookState:
    """Return a valid book with these levels on lane 0."""
    book = book_state(1, window=64, levels=256)
    events = snapshot_events(bids, asks)
    assert run_book(events, 0, events.size, book) == events.size
    return book


def b0() -> BookState:
    """Return the reference book of R0.6."""
    return book_of(B0_BIDS, B0_ASKS)
