"""Footprint: the volume sold and bought in every price row of every bar, exactly, as prints arrive.

`on_trade` and `on_clock` use one event in the pipeline; everything irregular (the first print of
a bar, one that closes or splits it, a new day, a hole, an unknown side, a price outside the
scratch) takes a careful path of its own. Many events at once: `footprint_batch`.

An event is used whole or not at all. Where `has_room` says no, Python drains the rings and calls
`make_room_for`. The state and its shapes: `series`; the closing rules: `closing`; the quality of a
bar: `bars`.

Invariants: cells sum to their bar's volume; deltas of bars sum to the change of CVD; the result
does not depend on where batches were cut. Source: R3.1, R3.2, R4.1, R4.2.
"""

from typing import Any

import numpy as np

from aggressor.features.bars import (
    CLOCK,
    EMPTY_MAX,
    GAP_AT_EDGE,
    GAP_INSIDE,
    LATE,
    SILENT,
    STARTS_INSIDE,
    TIME,
    UNKNOWN_SIDE,
    is_plain_trade,
    load_bar,
    roll_day,
    start_bar,
    store_bar,
    take,
)
from aggressor.features.closing import (
    closes_at_most,
    closes_first,
    count_print,
    is_complete,
    piece_of,
    set_threshold,
    settle_close,
    stays_open,
)
from aggressor.features.series import (
    FootprintState,
    add_to_row,
    close_bar,
    make_room,
    row_of,
    span_of,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.linking import prefetch
from aggressor.schema.event import BAD_CLOCK, GAP, NOT_FLOW, STALE, TRADE


@kernel_inline
def _close_until(state: FootprintState, series: Int, now_ns: Int, known_ns: Int) -> None:
    """Close the time bars that end at `now_ns` or before."""
    head = state.head[series]
    closed = 0
    while head["end_ns"] <= now_ns:
        if closed > EMPTY_MAX:
            head["open_ns"] = now_ns // head["span_ns"] * head["span_ns"]
            head["early_ns"] = head["open_ns"]
            head["end_ns"] = head["open_ns"] + head["span_ns"]
            head["reasons"] |= GAP_AT_EDGE
            break
        close_bar(state, series, known_ns)
        closed += 1


@kernel_inline
def _hear(head: Any, event: Any) -> None:
    """Note an event: where the recording begins, and whether a silence ends here."""
    if event["flags"] & BAD_CLOCK == 0:
        head["seen_ns"] = min(head["seen_ns"], event["ts_venue"])
    if event["ts_recv"] > head["quiet_ns"] and (head["kind"] == TIME or head["trades"] > 0):
        head["reasons"] |= SILENT
        head["carry"] |= SILENT
    head["quiet_ns"] = event["ts_recv"] + head["silence_ns"]


@kernel_inline
def _begin(head: Any, ts_venue: Int) -> None:
    """Open the first bar of a series."""
    head["started"] = 1
    head["reasons"] = 0
    set_threshold(head)
    if head["kind"] == TIME:
        head["open_ns"] = ts_venue // head["span_ns"] * head["span_ns"]
        head["early_ns"] = head["open_ns"]
        head["end_ns"] = head["open_ns"] + head["span_ns"]
        if head["seen_ns"] >= head["open_ns"]:
            head["reasons"] = STARTS_INSIDE


@kernel_inline
def _note_hole(head: Any, ts_venue: Int, price: Int) -> None:
    """Mark the bars that a hole in the trade ids touches, before the trade behind it is used."""
    if closes_first(head, price) or (head["kind"] == TIME and ts_venue >= head["end_ns"]):
        head["reasons"] |= GAP_AT_EDGE
        head["carry"] |= GAP_AT_EDGE
    elif head["trades"] > 0:
        head["reasons"] |= GAP_INSIDE
    elif head["kind"] == TIME:
        head["reasons"] |= GAP_AT_EDGE


@kernel_inline
def _add_piece(
    state: FootprintState, series: Int, price: Int, size: Int, side: Int, ts: Int
) -> None:
    """Put a print, or the part of it that this bar takes, into the open bar."""
    head = state.head[series]
    if head["trades"] == 0:
        start_bar(head, price, ts)
        rows = state.rows.shape[1]
        step = head["row_ticks"]
        head["origin"] = (price // step - rows // 2) * step
    count_print(head, price, size, side)
    head["edge_ns"] = min(head["end_ns"], head["day_end_ns"])
    store_bar(head, take(load_bar(head), price, size, side), price, ts, 1)
    add_to_row(state.rows, series, row_of(head, price), side, size)


@kernel
def use_irregular(state: FootprintState, series: Int, event: Any) -> None:
    """Use any event of the instrument with care: one may open, close, split or mark bars."""
    head = state.head[series]
    _hear(head, event)
    if event["kind"] != TRADE or event["flags"] & NOT_FLOW or event["size"] <= 0:
        head["excluded"] += np.int64(event["kind"] == TRADE)
        if head["kind"] == TIME and head["started"] and event["flags"] & BAD_CLOCK == 0:
            now = event["ts_venue"] - head["grace_ns"]
            _close_until(state, series, now, event["ts_recv"])
    else:
        marks = _place(state, series, event)
        _split(state, series, event, marks)
    head["carry"] = 0


@kernel_inline
def _place(state: FootprintState, series: Int, event: Any) -> Int:
    """Close what a trade's time closes; return the reasons it gives to the bars it touches."""
    head = state.head[series]
    ts = event["ts_venue"]
    flags = np.int64(event["flags"])
    if head["started"] == 0:
        _begin(head, ts)
    if flags & GAP:
        _note_hole(head, ts, np.int64(event["price"]))
    marks = np.int64(0)
    if flags & BAD_CLOCK:
        marks |= CLOCK
    else:
        if head["kind"] == TIME:
            _close_until(state, series, ts, event["ts_recv"])
            if ts < head["open_ns"]:
                marks |= LATE
        roll_day(head, ts)
    if flags & STALE:
        marks |= SILENT
    if event["side"] == 0:
        marks |= UNKNOWN_SIDE
    return marks


@kernel_inline
def _split(state: FootprintState, series: Int, event: Any, marks: Int) -> None:
    """Put a trade into the open bar, and into the next ones where it completes bars."""
    head = state.head[series]
    price = np.int64(event["price"])
    side = np.int64(event["side"])
    left = event["size"]
    if closes_first(head, price):
        close_bar(state, series, event["ts_recv"])
    while left > 0:
        piece = piece_of(head["kind"], head["limit"] - head["measure"], price, left)
        _add_piece(state, series, price, piece, side, event["ts_venue"])
        if side == 0:
            head["unknown"] += piece
        head["reasons"] |= marks
        left -= piece
        while is_complete(head, price):
            settle_close(head, price)
            close_bar(state, series, event["ts_recv"])


@kernel_inline
def is_plain(state: FootprintState, head: Any, event: Any) -> bool:
    """Whether a trade only adds to the open bar and its rows."""
    if not is_plain_trade(event, head["early_ns"], head["edge_ns"]):
        return False
    price = np.int64(event["price"])
    span = state.rows.shape[1] * head["row_ticks"]
    return (
        event["ts_recv"] <= head["quiet_ns"]
        and 0 <= price - head["origin"] < span
        and stays_open(head, price, event["size"], np.int64(event["side"]))
    )


@kernel_inline
def _is_idle(head: Any, event: Any) -> bool:
    """Whether an event that is no trade only shows that the feed lives."""
    return (
        head["started"] != 0
        and event["ts_recv"] <= head["quiet_ns"]
        and (head["kind"] != TIME or event["ts_venue"] - head["grace_ns"] < head["end_ns"])
    )


@kernel_inline
def use_plain(state: FootprintState, series: Int, event: Any) -> None:
    """Use a trade that only adds to the open bar and its rows."""
    state.head[series]["quiet_ns"] = event["ts_recv"] + state.head[series]["silence_ns"]
    price, side = np.int64(event["price"]), np.int64(event["side"])
    _add_piece(state, series, price, event["size"], side, event["ts_venue"])


@kernel_inline
def on_trade(state: FootprintState, series: Int, event: Any) -> None:
    """Use one TRADE of the series' instrument; `has_room` must have said yes."""
    head = state.head[series]
    if is_plain(state, head, event):
        use_plain(state, series, event)
    else:
        use_irregular(state, series, event)


@kernel_inline
def on_clock(state: FootprintState, series: Int, event: Any) -> None:
    """Use any other event of the instrument, never a TIMER; `has_room` must have said yes."""
    head = state.head[series]
    if _is_idle(head, event):
        head["quiet_ns"] = event["ts_recv"] + head["silence_ns"]
    else:
        use_irregular(state, series, event)


@kernel
def has_room_for(state: FootprintState, series: Int, event: Any) -> bool:
    """Whether an irregular event can be used whole: bars, cells and rows."""
    head = state.head[series]
    price = np.int64(event["price"])
    flow = event["kind"] == TRADE and event["flags"] & NOT_FLOW == 0 and event["size"] > 0
    closes = np.int64(0)
    if head["kind"] == TIME:
        now = event["ts_venue"] - (0 if flow else head["grace_ns"])
        if head["started"] and event["flags"] & BAD_CLOCK == 0 and now >= head["end_ns"]:
            closes = min((now - head["end_ns"]) // head["span_ns"], EMPTY_MAX) + 1
    elif flow:
        closes = closes_at_most(head, price, event["size"])
    low, high = head["low"], head["high"]
    opens = closes_first(head, price) or (head["kind"] == TIME and closes > 0)
    if flow and head["trades"] > 0 and not opens:
        low, high = min(low, price), max(high, price)
        if not (low - head["origin"] >= 0 and high - head["origin"] < span_of(state, head)):
            return False
    needed = closes + 1
    if head["trades"] > 0:
        needed += row_of(head, high) - row_of(head, low) + 1
    free_bars = state.bars.shape[1] - (head["closed"] - head["drained"])
    free_cells = state.cells.shape[1] - (head["cells_written"] - head["cells_drained"])
    return closes == 0 or (closes <= free_bars and needed <= free_cells)


@kernel_inline
def look_ahead(state: FootprintState, series: Int, event: Any) -> None:
    """Have the row of a TRADE that will be used brought into the cache; no result changes."""
    rows, columns = state.rows.shape[1], state.rows.shape[2]
    row = row_of(state.head[series], np.int64(event["price"]))
    prefetch(state.rows, (series * rows + row) * columns, 0)


@kernel_inline
def has_room(state: FootprintState, series: Int, event: Any) -> bool:
    """Whether an event can be used now; if not, Python must `drain` and `make_room` first."""
    head = state.head[series]
    if event["instrument"] != head["lane"]:
        return True
    if event["kind"] == TRADE:
        if is_plain(state, head, event):
            return True
    elif _is_idle(head, event):
        return True
    return has_room_for(state, series, event)


@kernel_inline
def on_event(state: FootprintState, series: Int, event: Any) -> None:
    """Use any event; those of other instruments change nothing."""
    if event["instrument"] == state.head[series]["lane"]:
        if event["kind"] == TRADE:
            on_trade(state, series, event)
        else:
            on_clock(state, series, event)


def make_room_for(state: FootprintState, series: int, event: Any) -> FootprintState:
    """Return a state that can use `event`; `drain` it first. Raises as `make_room` does."""
    state = make_room(state, series, int(event["price"]), False)
    while not has_room_for(state, series, event):
        state = make_room(state, series, int(event["price"]), True)
    return state
