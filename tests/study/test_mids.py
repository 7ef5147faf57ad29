"""Mids by the venue's clock: a row for each message that moved the mid, and for no other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema.event import CLEAR, GAP, LAST, LEVEL, QUOTE, SNAPSHOT, Events, empty_events
from aggressor.study.mids import mid_changes


def events_of(rows: list[tuple[int, int, int, int, int, int]]) -> Events:
    """Rows of (kind, instrument, side, price, size, flags), a millisecond apart."""
    events = empty_events(len(rows))
    for name, column in zip(
        ("kind", "instrument", "side", "price", "size", "flags"),
        zip(*rows, strict=True),
        strict=True,
    ):
        events[name] = column
    events["ts_venue"] = np.arange(len(rows)) * 1_000_000
    events["ts_recv"] = events["ts_venue"] + 7
    return events


def a_book(k: int, bid: int, ask: int) -> list[tuple[int, int, int, int, int, int]]:
    return [
        (CLEAR, k, 0, 0, 0, 0),
        (LEVEL, k, 1, bid, 5, SNAPSHOT),
        (LEVEL, k, -1, ask, 5, SNAPSHOT | LAST),
    ]


def naive(events: Events) -> list[tuple[int, int, int]]:
    """The same from a dict of levels, quotes beside it, for books that never cross."""
    levels: dict[tuple[int, int], dict[int, int]] = {}
    quotes: dict[tuple[int, int], int] = {}
    synced: dict[int, bool] = {}
    last: dict[int, int] = {}
    found = []
    for event in events:
        k, side = int(event["instrument"]), int(event["side"])
        price, size, flags = int(event["price"]), int(event["size"]), int(event["flags"])
        if event["kind"] == CLEAR:
            levels[k, 1], levels[k, -1], synced[k] = {}, {}, False
            quotes = {place: price for place, price in quotes.items() if place[0] != k}
        elif event["kind"] == LEVEL:
            side_levels = levels.setdefault((k, side), {})
            side_levels.pop(price, None)
            if size:
                side_levels[price] = size
            if flags & LAST:
                quotes = {place: price for place, price in quotes.items() if place[0] != k}
                synced[k] = synced.get(k, False) or bool(flags & SNAPSHOT)
        else:
            quotes[k, side] = price
        bids, asks = levels.get((k, 1), {}), levels.get((k, -1), {})
        if not flags & LAST or not (bids and asks and synced.get(k)):
            continue
        bid, ask = quotes.get((k, 1), max(bids)), quotes.get((k, -1), min(asks))
        if bid >= ask or max(bids) >= min(asks):
            continue
        if last.get(k) != bid + ask:
            last[k] = bid + ask
            found.append((int(event["ts_venue"]), bid + ask, k))
    return found


def rows_of(events: Events, cut: int) -> list[tuple[int, int, int]]:
    batches = [events[at : at + cut] for at in range(0, events.size, cut)]
    return [tuple(row) for row in mid_changes(batches, 2).tolist()]


def test_only_a_message_that_moves_the_mid_is_a_row() -> None:
    rows = [
        *a_book(0, 99, 101),
        (LEVEL, 0, 1, 99, 8, LAST),  # a size only
        (LEVEL, 0, 1, 100, 1, LAST),  # a new best bid
        (QUOTE, 0, 1, 100, 1, 0),
        (QUOTE, 0, -1, 102, 1, LAST),  # the best ask has gone, the depth does not know it yet
        (CLEAR, 0, 0, 0, 0, GAP | LAST),  # no mid while the book is not known
        *a_book(0, 100, 104),
    ]
    assert rows_of(events_of(rows), 100) == [
        (2_000_000, 200, 0),
        (4_000_000, 201, 0),
        (6_000_000, 202, 0),
        (10_000_000, 204, 0),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([LEVEL, LEVEL, LEVEL, QUOTE]),
            st.integers(0, 1),
            st.sampled_from([1, -1]),
            st.integers(0, 6),
            st.integers(1, 3),
        ),
        max_size=60,
    ),
    st.integers(1, 20),
)
def test_kernel_and_twin_agree_however_batches_are_cut(drawn, cut) -> None:
    rows = [*a_book(0, 90, 110), *a_book(1, 90, 110)]
    for kind, k, side, depth, size in drawn:
        price = 100 - side * (1 + depth)
        rows.append((kind, k, side, price, size, LAST))
    events = events_of(rows)
    assert rows_of(events, cut) == naive(events)
