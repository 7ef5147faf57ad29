"""Counts of imported rows and quote checks, with dicts and whole lists."""

from typing import Any

from aggressor.schema.event import (
    BAD_CLOCK,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_TIME,
    QUOTE,
    SNAPSHOT,
    TRADE,
)
from aggressor.venues.venue import CHECK_DEPTH

Top = tuple[int, int, int, int]


def tallied(rows: list[Any], checks: list[Any], window_ns: int) -> dict[str, Any]:
    """Return the counts of one lane's rows, given with the checks that stand at them by row number.

    rows: (number, row) of this lane; checks: CHECK records of this lane.
    """
    counts: dict[str, Any] = dict.fromkeys(
        ("trades", "level_changes", "snapshot_levels", "quotes", "gaps", "trade_gaps", "crossed"), 0
    )
    book: dict[int, dict[int, int]] = {1: {}, -1: {}}
    synced = False
    book_ns = longest = 0
    last: int | None = None
    delays: dict[int, int] = {}
    tops: list[tuple[int, Top]] = []
    ends = {int(c["row"]): int(c["u"]) for c in checks if c["kind"] == CHECK_DEPTH}
    for number, row in rows:
        kind, flags, ts_recv = int(row["kind"]), int(row["flags"]), int(row["ts_recv"])
        if last is not None:
            longest = max(longest, ts_recv - last)
            book_ns += ts_recv - last if synced else 0
        last = ts_recv
        counts["trades"] += kind == TRADE
        counts["trade_gaps"] += kind == TRADE and bool(flags & GAP)
        counts["level_changes"] += kind == LEVEL and not flags & SNAPSHOT
        counts["snapshot_levels"] += kind == LEVEL and bool(flags & SNAPSHOT)
        counts["quotes"] += kind == QUOTE and bool(flags & LAST)
        counts["gaps"] += kind == CLEAR and bool(flags & GAP)
        if flags & LAST and not flags & (SNAPSHOT | BAD_CLOCK) and row["ts_venue"] != NO_TIME:
            delay = ts_recv - int(row["ts_venue"])
            window = ts_recv // window_ns
            delays[window] = min(delays.get(window, delay), delay)
        if kind == LEVEL:
            side, price = int(row["side"]), int(row["price"])
            book[side].pop(price, None)
            if row["size"]:
                book[side][price] = int(row["size"])
            if flags & LAST and flags & SNAPSHOT:
                synced = True
        elif kind == CLEAR:
            book = {1: {}, -1: {}}
            synced = False
        if number in ends:
            top = top_of(book)
            tops.append((ends[number], top))
            counts["crossed"] += bool(book[1] and book[-1] and top[0] >= top[1])
    quotes = [
        (n, int(c["u"]), (int(c["bid"]), int(c["ask"]), int(c["bid_lots"]), int(c["ask_lots"])))
        for n, c in enumerate(checks)
        if c["kind"] != CHECK_DEPTH
    ]
    depths = [
        (n, u, top)
        for n, (u, top) in zip(
            (n for n, c in enumerate(checks) if c["kind"] == CHECK_DEPTH), tops, strict=True
        )
    ]
    early = [(q, d) for n, u, q in quotes for m, v, d in depths if u == v and n < m]
    late = [(q, d) for n, u, q in quotes for m, v, d in depths if u == v and n > m]
    counts["events"] = len(rows)
    counts["book_ns"], counts["longest_silence_ns"] = book_ns, longest
    counts["quote_checks"], counts["late_quote_checks"] = len(early), len(late)
    counts["quote_agreements"] = sum(q == d for q, d in early)
    counts["late_quote_agreements"] = sum(q == d for q, d in late)
    found = sorted(delays.values())
    counts["offset"] = found[(len(found) - 1) // 2] if found else None
    return counts


def top_of(book: dict[int, dict[int, int]]) -> Top:
    """Return (bid, ask, bid lots, ask lots), with the sentinel of an empty side."""
    bid = max(book[1], default=-(2**31))
    ask = min(book[-1], default=-(2**31))
    return bid, ask, book[1].get(bid, 0), book[-1].get(ask, 0)
