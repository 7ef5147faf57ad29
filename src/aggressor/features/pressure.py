"""Pressure at the touch: spread, mid, weighted mid, queue imbalance and order-flow imbalance.

The state follows the fused top of the book (depth joined with newer quotes) and keeps integers
only; ratios are derived when asked for. Two identities keep them exact and inside their bounds:

    rho = (bid_lots - ask_lots) / (bid_lots + ask_lots)          queue imbalance, R1.4
    W   = M + spread/2 * rho                                     weighted mid, R1.1

Order-flow imbalance (R1.9, Cont, Kukanov & Stoikov 2014) adds e_n at each change of the top. It
is a running sum, so a window's OFI is the difference of two readings; `mark` keeps readings at
timers. e_n is antisymmetric: a top that goes back and forth (an older depth message followed by
the repeated quote) adds nothing. A transition across a resync, a gap or a crossed book is never
counted; `breaks` counts them, so a window that spans one can be told from a whole one.

Units: prices in ticks, `mid2` in half ticks, sizes and OFI in lots, times in ns of ts_recv.
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, has_room, on_book_event
from aggressor.schema.event import CLEAR, LAST, LEVEL, NO_TIME, QUOTE, TIMER, Events
from aggressor.state import State

MARKS = 1024  # readings kept per lane: 102 s of 100 ms timers; a power of two

PRESSURE_HEAD = np.dtype(
    [
        ("bid", "<i8"),
        ("ask", "<i8"),
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("spread", "<i8"),  # ticks
        ("mid2", "<i8"),  # half ticks
        ("ofi", "<i8"),  # lots: running sum of e_n
        ("queues", "<i8"),  # lots: running sum of bid_lots + ask_lots after each change
        ("changes", "<i8"),  # changes of the top that are in `ofi`
        ("breaks", "<i8"),  # times the top was lost or restarted
        ("clears", "<i8"),  # the book's own count of clears when the top was last read
        ("ts_recv", "<i8"),  # of the last change
        ("marks", "<i8"),  # readings taken
        ("known", "u1"),
    ],
    align=True,
)

PRESSURE_MARK = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("ofi", "<i8"),
        ("queues", "<i8"),
        ("changes", "<i8"),
        ("breaks", "<i8"),
    ]
)


class PressureState(State, frozen=True):
    """The top of every lane and the readings of its running sums."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # PRESSURE_HEAD, (lanes,)
    marks: NDArray[Any]  # PRESSURE_MARK, (lanes, MARKS), a ring


class FlowWindow(NamedTuple):
    """The flow of one window; `since_ns` is NO_TIME when the readings do not reach back so far."""

    ofi: int  # lots
    queues: int  # lots, sum of both queues over the changes
    changes: int
    breaks: int  # above 0: part of the window is missing
    since_ns: int  # the reading the window really starts at


def pressure_state(lanes: int) -> PressureState:
    """Return the state of `lanes` instruments whose tops are not known yet."""
    head = np.zeros(lanes, PRESSURE_HEAD)
    head["ts_recv"] = NO_TIME
    return PressureState(head, np.zeros((lanes, MARKS), PRESSURE_MARK))


@kernel_inline
def on_top(pressure: PressureState, book: BookState, k: Int, event: Any) -> bool:
    """Read the fused top of lane `k` after the LAST row of a message; say whether it changed."""
    top = book.head[k]
    head = pressure.head[k]
    if top["valid"] == 0:
        if head["known"] == 1:
            head["known"] = 0
            head["breaks"] += 1
        return False
    bid, bid_lots = np.int64(top["bid"]), np.int64(top["bid_lots"])
    ask, ask_lots = np.int64(top["ask"]), np.int64(top["ask_lots"])
    clears = np.int64(top["clears"])
    if head["known"] == 1 and head["clears"] == clears:
        bid_before, bid_lots_before = head["bid"], head["bid_lots"]
        ask_before, ask_lots_before = head["ask"], head["ask_lots"]
        bid_same = bid == bid_before and bid_lots == bid_lots_before
        if bid_same and ask == ask_before and ask_lots == ask_lots_before:
            return False
        bid_flow = (bid >= bid_before) * bid_lots - (bid <= bid_before) * bid_lots_before
        ask_flow = (ask <= ask_before) * ask_lots - (ask >= ask_before) * ask_lots_before
        head["ofi"] += bid_flow - ask_flow
        head["queues"] += bid_lots + ask_lots
        head["changes"] += 1
    else:
        head["breaks"] += np.int64(head["known"])
        head["known"] = 1
        head["clears"] = clears
    head["bid"], head["bid_lots"] = bid, bid_lots
    head["ask"], head["ask_lots"] = ask, ask_lots
    head["spread"], head["mid2"] = ask - bid, ask + bid
    head["ts_recv"] = event["ts_recv"]
    return True


@kernel_inline
def mark(pressure: PressureState, k: Int, ts_recv: Int) -> None:
    """Keep a reading of the running sums of lane `k` at a timer."""
    head = pressure.head[k]
    row = pressure.marks[k, head["marks"] & (MARKS - 1)]
    row["ts_recv"] = ts_recv
    row["ofi"], row["queues"] = head["ofi"], head["queues"]
    row["changes"], row["breaks"] = head["changes"], head["breaks"]
    head["marks"] += 1


@kernel_inline
def flow_window(pressure: PressureState, k: Int, start_ns: Int) -> FlowWindow:
    """Return the flow after the last reading at or before `start_ns`, up to now."""
    head = pressure.head[k]
    newest = head["marks"] - 1
    oldest = max(newest - MARKS + 1, 0)
    low, high = oldest, newest + 1
    while low < high:
        middle = (low + high) >> 1
        if pressure.marks[k, middle & (MARKS - 1)]["ts_recv"] <= start_ns:
            low = middle + 1
        else:
            high = middle
    if low == oldest:
        return FlowWindow(0, 0, 0, 0, NO_TIME)
    row = pressure.marks[k, (low - 1) & (MARKS - 1)]
    return FlowWindow(
        head["ofi"] - row["ofi"],
        head["queues"] - row["queues"],
        head["changes"] - row["changes"],
        head["breaks"] - row["breaks"],
        row["ts_recv"],
    )


@kernel_inline
def normalised_flow(window: FlowWindow) -> float:
    """Return OFI in queues consumed: over the mean of (bid + ask) / 2; nan without a change."""
    if window.queues <= 0:
        return np.nan
    return 2.0 * window.ofi * window.changes / window.queues


@kernel_inline
def queue_imbalance(pressure: PressureState, k: Int) -> tuple[int, int]:
    """Return rho of the touch as (bid - ask, bid + ask) lots; (0, 0) while the top is not known."""
    head = pressure.head[k]
    if head["known"] == 0:
        return 0, 0
    return head["bid_lots"] - head["ask_lots"], head["bid_lots"] + head["ask_lots"]


@kernel_inline
def weighted_mid(pressure: PressureState, k: Int) -> float:
    """Return the weighted mid in ticks, within [bid, ask]; nan while the top is not known."""
    net, total = queue_imbalance(pressure, k)
    if total <= 0:
        return np.nan
    head = pressure.head[k]
    return 0.5 * head["mid2"] + 0.5 * head["spread"] * (net / total)


@kernel_inline
def relative_spread_bp(pressure: PressureState, k: Int) -> float:
    """Return the spread in bp of the mid; nan while the top is not known or the mid is 0."""
    head = pressure.head[k]
    if head["known"] == 0 or head["mid2"] == 0:
        return np.nan
    return 2e4 * head["spread"] / abs(head["mid2"])


@kernel
def run_pressure(
    events: Events, start: Int, stop: Int, book: BookState, pressure: PressureState
) -> Int:
    """Bring book and pressure forward over events[start:stop].

    Returns the index of the first event not used: stop, or the first whose level has no room in the
    book, so that the caller can grow it and call again.
    """
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        if kind == TIMER:
            for lane in range(pressure.head.size):
                mark(pressure, lane, event["ts_recv"])
        elif kind in (LEVEL, CLEAR, QUOTE):
            k = event["instrument"]
            if not has_room(book, k):
                return i
            on_book_event(book, k, event)
            if event["flags"] & LAST:
                on_top(pressure, book, k, event)
    return stop
