"""Order-flow imbalance of the best ten levels: multi-level OFI and integrated OFI (R1.10).

Component m is e_n of R1.9 for the m-th best *occupied* level of both sides. Ranks move with the
touch: a new best level shifts all of them, as intended. In key space (key = -side x price, the best
is the smallest) both sides read the same,

    e of a side = [key <= before] lots - [key >= before] lots before,    e = e of bid - e of ask

and a rank without a level counts as 0 lots infinitely far away. The depth ladder alone is read,
after the last row of each depth message: nothing is done per LEVEL row. Running sums are kept, so
the flow of a window is the difference of two readings; `mark` keeps readings at timers.

A transition across a gap, a resync or a crossed book is not counted; `breaks` counts them. `thin`
counts the changes during which a side had fewer than RANKS levels: there the flow is truncated.

Normalised flow is in units of the mean size of a level: each component over the average, over the
window's changes and all ranks, of (bid lots + ask lots) / 2. Integrated flow is its product with
weights fitted earlier (see `linear_fit`), nan inside the time they were fitted on.

    head   (lanes,)            DEPTH_FLOW_HEAD
    keys   (lanes, 2, RANKS)   int64, side index 0 bid, 1 ask; NO_KEY where there is no level
    lots   (lanes, 2, RANKS)   int64
    flow   (lanes, RANKS)      int64 lots, running sums of e
    marks  (lanes, MARKS)      DEPTH_FLOW_MARK, a ring

Bias: depth messages of 100 ms lose offsetting events, and rank 1 is not the OFI of quotes; never
mix feeds. Sources: Xu, Gould & Howison 2019; Cont, Cucuringu & Zhang 2023.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from aggressor.bits import lowest_bit
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, has_room, next_key, on_book_event
from aggressor.market.ladder import key_lots
from aggressor.market.levels import NO_KEY
from aggressor.schema.event import CLEAR, LAST, LEVEL, NO_TIME, QUOTE, TIMER, Events
from aggressor.state import State

RANKS = 10
MARKS = 1024  # readings kept per lane: 102 s of 100 ms timers; a power of two

DEPTH_FLOW_HEAD = np.dtype(
    [
        ("depth", "<i8"),  # lots: running sum over changes of the lots on all ranks, both sides
        ("changes", "<i8"),  # messages that changed a rank and are in `flow`
        ("thin", "<i8"),  # of these, with fewer than RANKS levels on a side
        ("breaks", "<i8"),  # times the book was lost or restarted
        ("clears", "<i8"),  # the book's own count of clears when it was last read
        ("marks", "<i8"),  # readings taken
        ("known", "<i8"),
    ]
)

DEPTH_FLOW_MARK = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("depth", "<i8"),
        ("changes", "<i8"),
        ("thin", "<i8"),
        ("breaks", "<i8"),
        ("flow", "<i8", (RANKS,)),
    ]
)

FLOW_WEIGHTS = np.dtype([("until_ns", "<i8"), ("known", "<i8"), ("weights", "<f8", (RANKS,))])


class DepthFlowState(State, frozen=True):
    """The ranks of every lane as last seen, the flow through them, and its readings."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]
    keys: NDArray[np.int64]
    lots: NDArray[np.int64]
    flow: NDArray[np.int64]
    marks: NDArray[Any]
    weights: NDArray[Any]  # FLOW_WEIGHTS, (lanes,): of integrated flow


def depth_flow_state(lanes: int) -> DepthFlowState:
    """Return the state of `lanes` instruments whose books are not known yet."""
    return DepthFlowState(
        head=np.zeros(lanes, DEPTH_FLOW_HEAD),
        keys=np.full((lanes, 2, RANKS), NO_KEY, np.int64),
        lots=np.zeros((lanes, 2, RANKS), np.int64),
        flow=np.zeros((lanes, RANKS), np.int64),
        marks=np.zeros((lanes, MARKS), DEPTH_FLOW_MARK),
        weights=np.zeros(lanes, FLOW_WEIGHTS),
    )


@kernel_inline
def on_depth(state: DepthFlowState, book: BookState, k: Int) -> None:
    """Compare the ranks of lane `k` with those before; call after the LAST row of a message."""
    head, top = state.head[np.uint64(k)], book.head[np.uint64(k)]
    if top["valid"] == 0:
        head["breaks"] += head["known"]
        head["known"] = 0
        return
    whole = np.int64(head["known"] == 1 and head["clears"] == top["clears"])
    bid_depth, bid_changed, bid_thin = _read_ranks(state, book, np.int64(k), 0, whole)
    ask_depth, ask_changed, ask_thin = _read_ranks(state, book, np.int64(k), 1, -whole)
    if whole == 0:
        head["breaks"] += head["known"]
        head["known"], head["clears"] = 1, top["clears"]
    elif (bid_changed | ask_changed) != 0:
        head["depth"] += bid_depth + ask_depth
        head["changes"] += 1
        head["thin"] += bid_thin | ask_thin


@kernel
def _read_ranks(
    state: DepthFlowState, book: BookState, k: Int, s: Int, sign: Int
) -> tuple[Int, Int, Int]:
    """Read the ranks of a side and add `sign` times their e to the flow.

    Returns (lots on all ranks, 0 if none of them changed, 1 if there are fewer).
    """
    row, lane, line, side = 2 * k + s, np.uint64(k), np.uint64(2 * k + s), np.uint64(s)
    width = book.window.shape[1]
    end = book.sides[line]["low"] + width
    key = first = book.sides[line]["best"]
    word = np.uint64(0)  # the levels from `first` on that share its word of the bitmap
    if key != NO_KEY:
        place = np.uint64(key & (width - 1))
        word = book.bits[line, place >> np.uint64(6)] >> (place & np.uint64(63))
    depth = np.int64(0)
    changed = np.int64(0)
    for m in range(RANKS):
        rank = np.uint64(m)
        lots = np.int64(0)
        if key < end:
            lots = book.shown[line, np.uint64(key & (width - 1))]
        elif key != NO_KEY:
            lots = key_lots(book, row, key)
        before, lots_before = state.keys[lane, side, rank], state.lots[lane, side, rank]
        # No branch here: whether a rank changed is a coin toss, and a missed guess costs more.
        changed |= (key ^ before) | (lots ^ lots_before)
        state.flow[lane, rank] += sign * ((key <= before) * lots - (key >= before) * lots_before)
        state.keys[lane, side, rank], state.lots[lane, side, rank] = key, lots
        depth += lots
        if key == NO_KEY:
            continue
        word &= word - np.uint64(1)
        if word != 0 and first + np.int64(lowest_bit(word)) < end:
            key = first + np.int64(lowest_bit(word))
        else:
            key = first = next_key(book, row, key)
            word = np.uint64(1)
            if key < end:
                place = np.uint64(key & (width - 1))
                word = book.bits[line, place >> np.uint64(6)] >> (place & np.uint64(63))
    thin = np.int64(state.keys[lane, side, np.uint64(RANKS - 1)] == NO_KEY)
    return depth, changed, thin


@kernel_inline
def mark(state: DepthFlowState, k: Int, ts_recv: Int) -> None:
    """Keep a reading of the running sums of lane `k` at a timer."""
    head = state.head[k]
    row = state.marks[k, head["marks"] & (MARKS - 1)]
    row["ts_recv"], row["depth"], row["changes"] = ts_recv, head["depth"], head["changes"]
    row["thin"], row["breaks"] = head["thin"], head["breaks"]
    flow = row["flow"]
    for m in range(RANKS):
        flow[m] = state.flow[k, m]
    head["marks"] += 1


@kernel_inline
def mark_before(state: DepthFlowState, k: Int, start_ns: Int) -> Int:
    """Return the place of the last reading at or before `start_ns`; -1 where none is kept."""
    newest = state.head[k]["marks"] - 1
    oldest = max(newest - MARKS + 1, 0)
    low, high = oldest, newest + 1
    while low < high:
        middle = (low + high) >> 1
        if state.marks[k, middle & (MARKS - 1)]["ts_recv"] <= start_ns:
            low = middle + 1
        else:
            high = middle
    return (low - 1) & (MARKS - 1) if low > oldest else np.int64(-1)


@kernel
def flow_window(
    state: DepthFlowState, k: Int, start_ns: Int, out: NDArray[np.float64]
) -> tuple[Int, Int, Int, float]:
    """Write the normalised flow of lane `k` from the last reading at or before `start_ns` to `out`.

    `out` (RANKS,) is in level sizes, nan where nothing changed. Returns (start of the window,
    changes, breaks, mean lots of a level); the start is NO_TIME when readings do not go so far
    back. Times the mean size of a level, `out` is the flow in lots.
    """
    at = mark_before(state, k, start_ns)
    for m in range(RANKS):
        out[m] = np.nan
    if at < 0:
        return np.int64(NO_TIME), np.int64(0), np.int64(0), np.nan
    head, since = state.head[k], state.marks[k, at]
    changes = head["changes"] - since["changes"]
    breaks = head["breaks"] - since["breaks"]
    depth = head["depth"] - since["depth"]
    size = np.nan
    if depth > 0:
        size = depth / (2.0 * RANKS * changes)
        flow = since["flow"]
        for m in range(RANKS):
            out[m] = (state.flow[k, m] - flow[m]) / size
    return np.int64(since["ts_recv"]), changes, breaks, size


@kernel
def integrated_flow(
    state: DepthFlowState, k: Int, start_ns: Int, scratch: NDArray[np.float64]
) -> float:
    """Return the weighted sum of the normalised flow since `start_ns`, in level sizes.

    nan without weights, where the window spans a loss of the book or nothing changed, and while
    it begins inside the time the weights were fitted on. `scratch` (RANKS,) receives the
    normalised flow.
    """
    row = state.weights[k]
    since, changes, breaks, _ = flow_window(state, k, start_ns, scratch)
    if row["known"] == 0 or changes == 0 or breaks > 0 or since < row["until_ns"]:
        return np.nan
    total = 0.0
    weights = row["weights"]
    for m in range(RANKS):
        total += weights[m] * scratch[m]
    return total


def set_weights(state: DepthFlowState, k: int, weights: NDArray[np.float64], until_ns: int) -> None:
    """Give lane `k` the weights (RANKS,) of its integrated flow, fitted on times to `until_ns`."""
    assert weights.shape == (RANKS,)
    state.weights[k]["weights"] = weights
    state.weights[k]["until_ns"], state.weights[k]["known"] = until_ns, 1


@kernel
def run_depth_flow(
    events: Events, start: Int, stop: Int, book: BookState, state: DepthFlowState
) -> Int:
    """Bring book and flow forward over events[start:stop]; readings at TIMERs.

    Returns the index of the first event not used: stop, or the first whose level has no room in
    the book, so that the caller can grow it and call again.
    """
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        if kind == TIMER:
            for lane in range(state.head.size):
                mark(state, lane, event["ts_recv"])
        elif kind in (LEVEL, CLEAR, QUOTE):
            k = np.int64(event["instrument"])
            if not has_room(book, k):
                return i
            on_book_event(book, k, event)
            if kind != QUOTE and event["flags"] & LAST:
                on_depth(state, book, k)
    return stop
