import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import BookState, book_state, grow_book
from aggressor.run.imports.tally import (
    RECENT,
    TOP,
    WINDOW_NS,
    Tally,
    harvest,
    recent,
    restore_recent,
    tally_events,
    tally_state,
)
from aggressor.schema.event import (
    BAD_CLOCK,
    CLEAR,
    EVENT,
    GAP,
    LAST,
    LEVEL,
    NO_TIME,
    QUOTE,
    SNAPSHOT,
    TRADE,
    Events,
)
from aggressor.venues.venue import CHECK, CHECK_DEPTH, CHECK_QUOTE, Checks
from tests.naive.tally import tallied


def random_market(seed: int, messages: int = 60) -> tuple[Events, Checks]:
    """Rows and checks of two lanes: depth, snapshots, gaps, trades, quotes under any id."""
    random = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    checks: list[tuple[Any, ...]] = []
    ids = [0, 0]
    now = int(random.integers(0, 10**12))
    for _ in range(messages):
        now += int(random.integers(0, WINDOW_NS // 4))
        k = int(random.integers(0, 2))
        venue = now + int(random.integers(-(10**9), 10**9))
        what = random.choice(
            ["depth", "depth", "quote", "quote", "trade", "snapshot", "gap", "odd"]
        )
        if what in ("depth", "snapshot"):
            ids[k] += int(random.integers(1, 3))
            flags = SNAPSHOT if what == "snapshot" else 0
            if flags:
                rows.append((now, venue, 0, 0, CLEAR, 0, SNAPSHOT, k))
            for last in [0] * int(random.integers(0, 5)) + [LAST]:
                side = int(random.choice([-1, 1]))
                price = int(100 - side * random.integers(-1, 6))
                size = int(random.integers(0, 4))
                rows.append((now, venue, size, price, LEVEL, side, flags | last, k))
            if not flags:
                checks.append((len(rows) - 1, ids[k], 0, 0, 0, 0, CHECK_DEPTH, k))
        elif what == "quote":
            u = ids[k] + int(random.integers(0, 3))
            bid, ask, lots = 100, 101, int(random.integers(1, 3))
            checks.append((len(rows), u, lots, lots, bid, ask, CHECK_QUOTE, k))
            for side, price, last in ((1, bid, 0), (-1, ask, LAST)):
                rows.append((now, venue, lots, price, QUOTE, side, last, k))
            ids[k] = u
        elif what == "gap":
            rows.append((now, venue, 0, 0, CLEAR, 0, GAP | LAST, k))
        else:
            flags = LAST | (BAD_CLOCK if what == "odd" else int(random.choice([0, GAP])))
            rows.append((now, NO_TIME if what == "odd" else venue, 3, 100, TRADE, 1, flags, k))
    events = np.array(rows, EVENT)
    found = np.zeros(len(checks), CHECK)
    for i, check in enumerate(checks):
        fields = ("row", "u", "bid_lots", "ask_lots", "bid", "ask", "kind", "instrument")
        for name, value in zip(fields, check, strict=True):
            found[i][name] = value
    return events, found


def run(
    events: Events, checks: Checks, tally: Tally, book: BookState, start: int, stop: int, check: int
) -> tuple[BookState, int]:
    while True:
        start, check = tally_events(events, start, stop, checks, check, len(checks), tally, book)
        if start == stop:
            return book, check
        book = grow_book(book)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 400), max_size=4))
def test_counts_equal_the_twin_however_rows_are_cut(seed: int, cuts: list[int]) -> None:
    events, checks = random_market(seed)
    tally, book, check = tally_state(2), book_state(2, window=64, levels=4), 0
    edges = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    for start, stop in itertools.pairwise(edges):
        book, check = run(events, checks, tally, book, start, stop, check)
    assert check == len(checks)
    for k in range(2):
        rows = [(n, row) for n, row in enumerate(events) if row["instrument"] == k]
        quality, offset = harvest(tally, k)
        found = {name: getattr(quality, name) for name in quality.__struct_fields__}
        expected = tallied(rows, [c for c in checks if c["instrument"] == k], WINDOW_NS)
        assert {**found, "offset": offset} == expected


def test_a_harvest_starts_again_but_keeps_the_streams() -> None:
    events, checks = random_market(5)
    tally, book = tally_state(2), book_state(2)
    run(events, checks, tally, book, 0, len(events), 0)
    depths = int(tally.head[0]["depths"])
    first, _ = harvest(tally, 0)
    assert first.events > 0
    second, offset = harvest(tally, 0)
    assert (second.events, second.trades, offset) == (0, 0, None)
    assert int(tally.head[0]["depths"]) == depths > 0


@pytest.mark.parametrize("quote_first", [True, False])
def test_a_pair_is_found_across_files(quote_first: bool) -> None:
    depth = (0, 7, 0, 0, 0, 0, CHECK_DEPTH, 0)
    quote = (0, 7, 2, 3, 100, 101, CHECK_QUOTE, 0)
    before = tally = tally_state(1)
    book = book_state(1)
    for check in (quote, depth) if quote_first else (depth, quote):
        events = np.zeros(0, EVENT)
        if check is depth:
            events = np.array(
                [
                    (1, 1, 2, 100, LEVEL, 1, SNAPSHOT, 0),
                    (1, 1, 3, 101, LEVEL, -1, SNAPSHOT | LAST, 0),
                ],
                EVENT,
            )
        checks = np.zeros(1, CHECK)
        checks[0] = (*check, np.zeros(6, np.uint8))
        checks[0]["row"] = max(len(events) - 1, 0)
        book, used = run(events, checks, tally, book, 0, len(events), 0)
        assert used == 1
        quotes, depths = recent(tally, 0)
        assert len(quotes) + len(depths) > 0
        before, tally = tally, tally_state(1)
        restore_recent(tally, 0, quotes, depths)
    late = "" if quote_first else "late_"
    assert before.head[0][late + "quote_checks"] == 1
    assert before.head[0][late + "quote_agreements"] == 1


def test_the_rings_forget_the_oldest() -> None:
    tally, book = tally_state(1), book_state(1)
    checks = np.zeros(RECENT + 10, CHECK)
    checks["u"] = np.arange(RECENT + 10)
    checks["kind"] = CHECK_QUOTE
    run(np.zeros(0, EVENT), checks, tally, book, 0, 0, 0)
    quotes, depths = recent(tally, 0)
    assert quotes["u"].tolist() == list(range(10, RECENT + 10))
    assert depths.dtype == TOP
    assert len(depths) == 0
