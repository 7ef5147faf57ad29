"""Counts of imported rows: what they are, how good they are, and whether the book is right.

One pass over the rows of a source, beside the book they build. For every lane: rows by kind, gaps,
crossed books, time with a known book, the longest silence, and the receive delay of the fastest
message in every WINDOW_NS. A venue's quote with update id u must equal the top of the book built
from depth messages alone after the message that ended at u: a merge-join on u of two streams in
which either may come first, with the last RECENT entries of both kept per lane, so chunks may be
cut anywhere.

Clock offset: the median over the windows of the smallest ts_recv - ts_venue in each. The smallest
delay of a window is that of a message that met no queue; its network time (a few ms at most) counts
as 0. Negative: the recording host's clock is behind the venue's by at least that much. Times are
never altered because of it.

    tally.head   (lanes,)          TALLY
    depths       (lanes, RECENT)   TOP      tops after the last depth messages, a ring
    quotes       (lanes, RECENT)   TOP      the last quotes, a ring
    delays       (lanes, WINDOWS)  int64    ns, the smallest of each finished window
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, has_room, on_book_event
from aggressor.schema.event import (
    BAD_CLOCK,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_PRICE,
    NO_TIME,
    QUOTE,
    SNAPSHOT,
    TRADE,
    Events,
)
from aggressor.state import State
from aggressor.store.catalog import Quality
from aggressor.venues.venue import CHECK_QUOTE, Checks

RECENT = 4096  # quotes run ahead of the depth by a few hundred at most
WINDOW_NS = 10_000_000_000
WINDOWS = 8_704  # of one UTC day, and some
NO_DELAY = 2**63 - 1

TALLY = np.dtype(
    [
        ("events", "<i8"),
        ("trades", "<i8"),
        ("level_changes", "<i8"),
        ("snapshot_levels", "<i8"),
        ("quotes", "<i8"),
        ("gaps", "<i8"),
        ("trade_gaps", "<i8"),
        ("crossed", "<i8"),
        ("quote_checks", "<i8"),
        ("quote_agreements", "<i8"),
        ("late_quote_checks", "<i8"),
        ("late_quote_agreements", "<i8"),
        ("book_ns", "<i8"),
        ("longest_silence_ns", "<i8"),
        ("last_ns", "<i8"),  # ts_recv of the last row; NO_TIME before the first
        ("window", "<i8"),  # number of the window in hand
        ("delay", "<i8"),  # smallest delay in it; NO_DELAY none yet
        ("windows", "<i8"),  # finished ones
        ("depths", "<i8"),  # entries ever put into the rings
        ("quotes_seen", "<i8"),
    ]
)

TOP = np.dtype(
    [("u", "<i8"), ("bid_lots", "<i8"), ("ask_lots", "<i8"), ("bid", "<i4"), ("ask", "<i4")]
)

_KEPT = ("depths", "quotes_seen")  # what goes on over the end of a day
_EMPTY = {"last_ns": NO_TIME, "delay": NO_DELAY}


class Tally(State, frozen=True):
    """The counts of all lanes of one import."""

    head: NDArray[Any]
    depths: NDArray[Any]
    quotes: NDArray[Any]
    delays: NDArray[np.int64]


def tally_state(lanes: int) -> Tally:
    """Return counts of nothing."""
    tally = Tally(
        np.zeros(lanes, TALLY),
        np.zeros((lanes, RECENT), TOP),
        np.zeros((lanes, RECENT), TOP),
        np.zeros((lanes, WINDOWS), np.int64),
    )
    for name, value in _EMPTY.items():
        tally.head[name] = value
    return tally


@kernel_inline
def lane_of(row: Any) -> Any:
    """Return the lane of an EVENT or CHECK as a signed number."""
    return np.int64(row["instrument"])


@kernel_inline
def count_row(tally: Tally, k: Int, event: Any, synced: Any) -> None:
    """Count one row by its kind, and the time since the row before it."""
    head = tally.head[k]
    kind = event["kind"]
    flags = event["flags"]
    ts_recv = event["ts_recv"]
    head["events"] += 1
    if head["last_ns"] != NO_TIME:
        passed_ns = ts_recv - head["last_ns"]
        if passed_ns > head["longest_silence_ns"]:
            head["longest_silence_ns"] = passed_ns
        if synced:
            head["book_ns"] += passed_ns
    head["last_ns"] = ts_recv
    if kind == LEVEL:
        if flags & SNAPSHOT:
            head["snapshot_levels"] += 1
        else:
            head["level_changes"] += 1
    elif kind == TRADE:
        head["trades"] += 1
        if flags & GAP:
            head["trade_gaps"] += 1
    elif kind == QUOTE:
        if flags & LAST:
            head["quotes"] += 1
    elif kind == CLEAR and flags & GAP:
        head["gaps"] += 1
    if flags & LAST and not flags & (SNAPSHOT | BAD_CLOCK) and event["ts_venue"] != NO_TIME:
        note_delay(tally, k, ts_recv, ts_recv - event["ts_venue"])


@kernel_inline
def note_delay(tally: Tally, k: Int, ts_recv: Int, delay_ns: Int) -> None:
    """Keep the smallest delay of each window."""
    head = tally.head[k]
    window = ts_recv // WINDOW_NS
    if window != head["window"]:
        end_window(tally, k)
        head["window"] = window
    if delay_ns < head["delay"]:
        head["delay"] = delay_ns


@kernel_inline
def end_window(tally: Tally, k: Int) -> None:
    """Put the smallest delay of the window in hand among the finished ones."""
    head = tally.head[k]
    if head["delay"] != NO_DELAY and head["windows"] < WINDOWS:
        tally.delays[k, head["windows"]] = head["delay"]
        head["windows"] += 1
    head["delay"] = NO_DELAY


@kernel_inline
def agrees(quote: Any, depth: Any) -> Any:
    """Return whether a quote equals the top after the depth message of its update id."""
    return (
        quote["bid"] == depth["bid"]
        and quote["ask"] == depth["ask"]
        and quote["bid_lots"] == depth["bid_lots"]
        and quote["ask_lots"] == depth["ask_lots"]
    )


@kernel_inline
def on_quote(tally: Tally, k: Int, check: Any) -> None:
    """Keep a quote, and compare it with the depth message of its id if that came before."""
    head = tally.head[k]
    place = head["quotes_seen"] & (RECENT - 1)
    quote = tally.quotes[k, place]
    quote["u"] = check["u"]
    quote["bid"] = check["bid"]
    quote["ask"] = check["ask"]
    quote["bid_lots"] = check["bid_lots"]
    quote["ask_lots"] = check["ask_lots"]
    head["quotes_seen"] += 1
    for back in range(1, min(head["depths"], RECENT) + 1):
        depth = tally.depths[k, (head["depths"] - back) & (RECENT - 1)]
        if depth["u"] == check["u"]:
            head["late_quote_checks"] += 1
            if agrees(quote, depth):
                head["late_quote_agreements"] += 1
        if depth["u"] <= check["u"]:
            break


@kernel_inline
def on_depth(tally: Tally, k: Int, u: Int, book: BookState) -> None:
    """Keep the top after a depth message, and compare it with the quotes of its id so far."""
    head = tally.head[k]
    top = book.head[k]
    depth = tally.depths[k, head["depths"] & (RECENT - 1)]
    depth["u"] = u
    depth["bid"] = top["depth_bid"]
    depth["ask"] = top["depth_ask"]
    depth["bid_lots"] = top["depth_bid_lots"]
    depth["ask_lots"] = top["depth_ask_lots"]
    head["depths"] += 1
    if depth["bid"] != NO_PRICE and depth["ask"] != NO_PRICE and depth["bid"] >= depth["ask"]:
        head["crossed"] += 1
    for back in range(1, min(head["quotes_seen"], RECENT) + 1):
        quote = tally.quotes[k, (head["quotes_seen"] - back) & (RECENT - 1)]
        if quote["u"] == u:
            head["quote_checks"] += 1
            if agrees(quote, depth):
                head["quote_agreements"] += 1
        if quote["u"] < u:
            break


@kernel
def tally_events(
    events: Events,
    start: Int,
    stop: Int,
    checks: Checks,
    first_check: Int,
    checks_stop: Int,
    tally: Tally,
    book: BookState,
) -> tuple[Int, Int]:
    """Apply events[start:stop] to the book and count them, with checks[first_check:checks_stop].

    A check's `row` counts in `events`. Returns (index of the first event not used: `stop`, or one
    the book has no room for; index of the first check not used).
    """
    check = first_check
    for i in range(start, stop):
        while check < checks_stop and checks[check]["row"] <= i:
            if checks[check]["kind"] != CHECK_QUOTE:
                break
            on_quote(tally, lane_of(checks[check]), checks[check])
            check += 1
        event = events[i]
        k = lane_of(event)
        if event["kind"] == LEVEL and not has_room(book, k):
            return i, check
        count_row(tally, k, event, book.head[k]["synced"])
        on_book_event(book, k, event)
        if check < checks_stop and checks[check]["row"] == i:
            on_depth(tally, k, checks[check]["u"], book)
            check += 1
    while check < checks_stop and checks[check]["row"] <= stop:
        if checks[check]["kind"] != CHECK_QUOTE:
            break
        on_quote(tally, lane_of(checks[check]), checks[check])
        check += 1
    return stop, check


def harvest(tally: Tally, lane: int) -> tuple[Quality, int | None]:
    """Return a lane's counts and clock offset in ns since the last harvest, and start again."""
    head = tally.head[lane]
    if head["delay"] != NO_DELAY and head["windows"] < WINDOWS:
        tally.delays[lane, head["windows"]] = head["delay"]
        head["windows"] += 1
    quality = Quality(**{name: int(head[name]) for name in Quality.__struct_fields__})
    delays = np.sort(tally.delays[lane, : int(head["windows"])])
    offset = int(delays[(len(delays) - 1) // 2]) if len(delays) else None
    for name in TALLY.names or ():
        if name not in _KEPT:
            head[name] = _EMPTY.get(name, 0)
    return quality, offset


def recent(tally: Tally, lane: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the quotes and the depth tops that a later depth message or quote may still match."""
    quotes = _unrolled(tally.quotes[lane], int(tally.head[lane]["quotes_seen"]))
    depths = _unrolled(tally.depths[lane], int(tally.head[lane]["depths"]))
    last_quote = int(quotes["u"][-1]) if len(quotes) else -1
    last_depth = int(depths["u"][-1]) if len(depths) else -1
    return quotes[quotes["u"] >= last_depth], depths[depths["u"] >= last_quote]


def restore_recent(tally: Tally, lane: int, quotes: NDArray[Any], depths: NDArray[Any]) -> None:
    """Go on from what `recent` returned for this lane."""
    tally.quotes[lane, : len(quotes)] = quotes
    tally.depths[lane, : len(depths)] = depths
    tally.head[lane]["quotes_seen"] = len(quotes)
    tally.head[lane]["depths"] = len(depths)


def _unrolled(ring: NDArray[Any], count: int) -> NDArray[Any]:
    return np.roll(ring, -(count % RECENT)) if count > RECENT else ring[:count]
