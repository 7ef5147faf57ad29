"""Health: which doubts stand about an instrument's market right now, as bits of one field.

    FAULT_NO_BOOK        no snapshot yet, or none since a CLEAR
    FAULT_GAP            messages are missing since
    FAULT_CROSSED        best bid >= best ask after a LAST
    FAULT_ONE_SIDED      a side is empty
    FAULT_STALE          no book message where there should have been one (`silence`)
    FAULT_CLOCK          venue times are not to be believed
    FAULT_TRADES_SILENT  subscribed, and none for longer than its limit; also _DEPTH_, _QUOTES_

`faults == 0` is the validity gate of R0.4. Book bits change with the book's messages; stale,
silent and clock are judged at TIMER events, and stale also ends with the next book message. All
ages are of ts_recv.

The clock is judged by the delay ts_recv - ts_venue of trades and depth deltas against the smallest
delay of the last one to two clock windows, because the recording host's clock may itself be
seconds off: a delay smaller than that by more than the limit puts ts_venue in the future; a
ts_venue that falls behind its stream's latest by more than the limit ran backwards. An event that
arrives flagged BAD_CLOCK counts as such, and bad delays teach nothing, unless a whole window held
only bad ones: then the clocks were set, and the window's smallest delay is the new measure.
Source: R0.4, R6.5.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState
from aggressor.market.silence import answer, ask, is_unanswered, set_limit, silences
from aggressor.schema.event import BAD_CLOCK, GAP, LEVEL, NO_PRICE, NO_TIME, SNAPSHOT
from aggressor.state import State

FAULT_NO_BOOK = 1
FAULT_GAP = 2
FAULT_CROSSED = 4
FAULT_ONE_SIDED = 8
FAULT_STALE = 16
FAULT_CLOCK = 32
FAULT_TRADES_SILENT = 64
FAULT_DEPTH_SILENT = 128
FAULT_QUOTES_SILENT = 256

FAULT_NAMES = {
    FAULT_NO_BOOK: "no book",
    FAULT_GAP: "gap",
    FAULT_CROSSED: "crossed",
    FAULT_ONE_SIDED: "one side empty",
    FAULT_STALE: "stale",
    FAULT_CLOCK: "bad clock",
    FAULT_TRADES_SILENT: "trades silent",
    FAULT_DEPTH_SILENT: "depth silent",
    FAULT_QUOTES_SILENT: "quotes silent",
}

_BOOK = FAULT_NO_BOOK | FAULT_GAP | FAULT_CROSSED | FAULT_ONE_SIDED
_TIMED = FAULT_STALE | FAULT_CLOCK | FAULT_TRADES_SILENT | FAULT_DEPTH_SILENT | FAULT_QUOTES_SILENT
_NO_DELAY = 2**62

HEALTH_HEAD = np.dtype(
    [
        ("faults", "<i8"),
        ("crossed_since_ns", "<i8"),  # ts_recv; NO_TIME when not crossed
        ("start_ns", "<i8"),  # ts_recv of the lane's first event or TIMER
        ("trade_ns", "<i8"),  # ts_recv of the last of each kind of stream; NO_TIME none
        ("depth_ns", "<i8"),
        ("quote_ns", "<i8"),
        ("trade_limit_ns", "<i8"),  # silence allowed; 0: not subscribed
        ("depth_limit_ns", "<i8"),
        ("quote_limit_ns", "<i8"),
        ("stale_limit_ns", "<i8"),  # the least of silence that makes a book stale; 0: none does
        ("clock_limit_ns", "<i8"),
        ("clock_window_ns", "<i8"),
        ("window_end_ns", "<i8"),  # ts_recv at which the running clock window ends
        ("delay", "<i8"),  # ns: smallest good delay of this window
        ("delay_before", "<i8"),  # ns: that of the window before
        ("delay_bad", "<i8"),  # ns: smallest bad delay of this window
        ("trade_venue_ns", "<i8"),  # latest believable ts_venue of each stream
        ("depth_venue_ns", "<i8"),
        ("bad_clock_ns", "<i8"),  # ts_recv of the last event with a bad clock; NO_TIME none
        ("bad_clocks", "<i8"),  # events with a bad clock
    ]
)


class HealthState(State, frozen=True):
    """The health of all instruments of one engine."""

    head: NDArray[Any]  # HEALTH_HEAD, (L,)
    silences: NDArray[Any]  # SILENCE, (L,)


def health_state(
    lanes: int,
    stale_limit_ns: int = 2_000_000_000,
    clock_limit_ns: int = 500_000_000,
    clock_window_ns: int = 60_000_000_000,
) -> HealthState:
    """Return the health of `lanes` instruments of which nothing is known yet.

    Silence is judged only for streams whose `*_limit_ns` in `head` is set above 0.
    """
    head = np.zeros(lanes, HEALTH_HEAD)
    head["faults"] = FAULT_NO_BOOK | FAULT_ONE_SIDED
    head["stale_limit_ns"] = stale_limit_ns
    head["clock_limit_ns"] = clock_limit_ns
    head["clock_window_ns"] = clock_window_ns
    for name in ("crossed_since_ns", "start_ns", "trade_ns", "depth_ns", "quote_ns"):
        head[name] = NO_TIME
    for name in ("trade_venue_ns", "depth_venue_ns", "window_end_ns", "bad_clock_ns"):
        head[name] = NO_TIME
    for name in ("delay", "delay_before", "delay_bad"):
        head[name] = _NO_DELAY
    return HealthState(head, silences(lanes, stale_limit_ns))


def fault_names(faults: int) -> tuple[str, ...]:
    """Return the names of the bits set in `faults`."""
    return tuple(name for bit, name in FAULT_NAMES.items() if faults & bit)


@kernel_inline
def on_trade_seen(health: HealthState, k: Int, event: Any) -> None:
    """Note that the trade stream lives, and judge the clock."""
    here = health.head[np.uint64(k)]
    here["trade_ns"] = event["ts_recv"]
    ask(health.silences, k, event, here["depth_venue_ns"])
    if is_believable(health, k, event, here["trade_venue_ns"]):
        here["trade_venue_ns"] = max(here["trade_venue_ns"], event["ts_venue"])


@kernel_inline
def on_depth_seen(health: HealthState, book: BookState, k: Int, event: Any) -> None:
    """Note that the depth stream lives, after the end of its message; judge book and clock.

    The clock is judged by deltas only: a snapshot may be asked for apart from the stream.
    """
    here = health.head[np.uint64(k)]
    here["depth_ns"] = event["ts_recv"]
    resumed = event["kind"] != LEVEL or event["flags"] & (SNAPSHOT | GAP) != 0
    answer(health.silences, k, event["ts_recv"], resumed)
    judge_book(health, book, k, event["ts_recv"])
    if event["kind"] == LEVEL and event["flags"] & SNAPSHOT == 0:
        if is_believable(health, k, event, here["depth_venue_ns"]):
            here["depth_venue_ns"] = max(here["depth_venue_ns"], event["ts_venue"])


@kernel_inline
def on_quote_seen(health: HealthState, book: BookState, k: Int, event: Any) -> None:
    """Note that the quote stream lives, after the end of its message; judge the book."""
    health.head[np.uint64(k)]["quote_ns"] = event["ts_recv"]
    answer(health.silences, k, event["ts_recv"], False)
    judge_book(health, book, k, event["ts_recv"])


@kernel_inline
def judge_book(health: HealthState, book: BookState, k: Int, now: Int) -> None:
    """Set the bits that follow from the book's own state."""
    here = health.head[np.uint64(k)]
    head = book.head[np.uint64(k)]
    faults = np.int64(0)
    if head["synced"] == 0:
        faults |= FAULT_NO_BOOK
    if head["gap"] != 0:
        faults |= FAULT_GAP
    if head["crossed"] != 0:
        faults |= FAULT_CROSSED
    if (
        head["bid"] == NO_PRICE
        or head["ask"] == NO_PRICE
        or head["depth_bid"] == NO_PRICE
        or head["depth_ask"] == NO_PRICE
    ):
        faults |= FAULT_ONE_SIDED
    here["faults"] = (here["faults"] & ~(_BOOK | FAULT_STALE)) | faults
    if head["crossed"] == 0:
        here["crossed_since_ns"] = NO_TIME
    elif here["crossed_since_ns"] == NO_TIME:
        here["crossed_since_ns"] = now


@kernel_inline
def is_believable(health: HealthState, k: Int, event: Any, latest: Int) -> bool:
    """Judge ts_venue by the running delay and by the stream's latest one, and learn from it."""
    here = health.head[np.uint64(k)]
    now = event["ts_recv"]
    delay = now - event["ts_venue"]
    if now >= here["window_end_ns"]:
        turn_window(health, k, now)
    least = min(here["delay"], here["delay_before"])
    limit = here["clock_limit_ns"]
    ahead = least != _NO_DELAY and delay < least - limit
    behind = latest != NO_TIME and event["ts_venue"] < latest - limit
    if ahead or behind or event["flags"] & BAD_CLOCK:
        here["bad_clocks"] += 1
        here["bad_clock_ns"] = now
        here["faults"] |= FAULT_CLOCK
        here["delay_bad"] = min(here["delay_bad"], delay)
        return False
    here["delay"] = min(here["delay"], delay)
    return True


@kernel
def turn_window(health: HealthState, k: Int, now: Int) -> None:
    """Begin a clock window; after one of bad delays only, the clocks were set: learn anew."""
    here = health.head[np.uint64(k)]
    if here["delay"] == _NO_DELAY:
        here["delay_before"] = here["delay_bad"]
        here["trade_venue_ns"] = NO_TIME
        here["depth_venue_ns"] = NO_TIME
    else:
        here["delay_before"] = here["delay"]
    here["delay"] = _NO_DELAY
    here["delay_bad"] = _NO_DELAY
    here["window_end_ns"] = now + here["clock_window_ns"]


@kernel_inline
def on_timer(health: HealthState, book: BookState, now: Int) -> None:
    """Judge what only passing time can show, for every lane; `now` is the TIMER's ts_recv."""
    for k in range(health.head.size):
        here = health.head[k]
        if here["start_ns"] == NO_TIME:
            here["start_ns"] = now
        faults = here["faults"] & ~_TIMED
        book_ns, least_ns = book.head[k]["ts_recv"], here["stale_limit_ns"]
        set_limit(health.silences, k, least_ns, now)
        limit_ns = health.silences[k]["limit_ns"] if least_ns > 0 else 0
        if is_silent(book_ns, here["start_ns"], limit_ns, now):
            faults |= FAULT_STALE
        if is_unanswered(health.silences, k, least_ns, now):
            faults |= FAULT_STALE
        if here["bad_clock_ns"] != NO_TIME:
            if now - here["bad_clock_ns"] <= here["clock_window_ns"]:
                faults |= FAULT_CLOCK
        if is_silent(here["trade_ns"], here["start_ns"], here["trade_limit_ns"], now):
            faults |= FAULT_TRADES_SILENT
        if is_silent(here["depth_ns"], here["start_ns"], here["depth_limit_ns"], now):
            faults |= FAULT_DEPTH_SILENT
        if is_silent(here["quote_ns"], here["start_ns"], here["quote_limit_ns"], now):
            faults |= FAULT_QUOTES_SILENT
        here["faults"] = faults


@kernel_inline
def is_silent(last: Int, start: Int, limit: Int, now: Int) -> bool:
    """Return whether nothing came since `last`, or ever since `start`, for too long."""
    return bool(limit > 0 and now - (start if last == NO_TIME else last) > limit)
