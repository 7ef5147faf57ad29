"""Footprint: the volume sold and bought in every price row of every bar, exactly, as prints arrive.

`on_trade` and `on_clock` use one event in the pipeline; `run_footprint` is the batch form: it keeps
the open bar in registers while events are plain and hands everything irregular (the first print of
a bar, one that closes or splits it, a new day, a hole, an unknown side, a price outside the
scratch) to the same careful path. Both forms add with the same `take`.

An event is used whole or not at all. Where `has_room` says no, Python drains the rings and calls
`make_room` (`feed` does both). The state and its shapes: `series`; the closing rules:
`closing`; the quality of a bar: `bars`.

Invariants: cells sum to their bar's volume; deltas of bars sum to the change of CVD; the result
does not depend on where batches were cut. Source: R3.1, R3.2, R4.1, R4.2.
"""

from typing import Any

import numpy as np

from aggressor.features.bars import (
    CLOCK,
    DOLLAR,
    EMPTY_MAX,
    GAP_AT_EDGE,
    GAP_INSIDE,
    LATE,
    NEVER_NS,
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
    step_of,
)
from aggressor.features.series import (
    ClosedBars,
    FootprintState,
    add_to_row,
    close_bar,
    drain,
    make_room,
    row_of,
    span_of,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.linking import prefetch
from aggressor.schema.event import BAD_CLOCK, GAP, LAST, LEVEL, NOT_FLOW, STALE, TRADE, Events


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
def _use_irregular(state: FootprintState, series: Int, event: Any) -> None:
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
def _is_plain(state: FootprintState, head: Any, event: Any) -> bool:
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


RUN_MAX = 256  # trades between two looks at the same memory: 8 kB of events


@kernel_inline
def _is_idle(head: Any, event: Any) -> bool:
    """Whether an event that is no trade only shows that the feed lives."""
    return (
        head["started"] != 0
        and event["ts_recv"] <= head["quiet_ns"]
        and (head["kind"] != TIME or event["ts_venue"] - head["grace_ns"] < head["end_ns"])
    )


@kernel_inline
def _use_plain(state: FootprintState, series: Int, event: Any) -> None:
    """Use a trade that only adds to the open bar and its rows."""
    state.head[series]["quiet_ns"] = event["ts_recv"] + state.head[series]["silence_ns"]
    price, side = np.int64(event["price"]), np.int64(event["side"])
    _add_piece(state, series, price, event["size"], side, event["ts_venue"])


@kernel_inline
def on_trade(state: FootprintState, series: Int, event: Any) -> None:
    """Use one TRADE of the series' instrument; `has_room` must have said yes."""
    head = state.head[series]
    if _is_plain(state, head, event):
        _use_plain(state, series, event)
    else:
        _use_irregular(state, series, event)


@kernel_inline
def on_clock(state: FootprintState, series: Int, event: Any) -> None:
    """Use any other event of the instrument, never a TIMER; `has_room` must have said yes."""
    head = state.head[series]
    if _is_idle(head, event):
        head["quiet_ns"] = event["ts_recv"] + head["silence_ns"]
    else:
        _use_irregular(state, series, event)


@kernel
def _has_room_for(state: FootprintState, series: Int, event: Any) -> bool:
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
        if _is_plain(state, head, event):
            return True
    elif _is_idle(head, event):
        return True
    return _has_room_for(state, series, event)


@kernel_inline
def on_event(state: FootprintState, series: Int, event: Any) -> None:
    """Use any event; those of other instruments change nothing."""
    if event["instrument"] == state.head[series]["lane"]:
        if event["kind"] == TRADE:
            on_trade(state, series, event)
        else:
            on_clock(state, series, event)


@kernel_inline
def _heard_stop(events: Events, start: Int, stop: Int, quiet_ns: Int) -> Int:
    """Return a stop so near that no silence can lie before it; ts_recv never falls."""
    while stop > start and events[stop - 1]["ts_recv"] > quiet_ns:
        stop = start + (stop - start) // 2
    return stop


@kernel_inline
def _add_rows(
    events: Events, start: Int, stop: Int, state: FootprintState, series: Int, counted: bool
) -> tuple[Int, Int]:
    """Add the run of plain trades at `start` to the rows; return its end and the measure there.

    `counted` is a constant: the loop for time bars is compiled without a measure.
    """
    head = state.head[series]
    rows, origin, magic, shift = state.rows, head["origin"], head["magic"], head["shift"]
    lane, early, edge, span = head["lane"], head["early_ns"], head["edge_ns"], span_of(state, head)
    kind, limit, measure = head["kind"], head["limit"], head["measure"]
    i = start
    while i < stop:
        event = events[np.uint64(i)]
        distance = np.int64(event["price"]) - origin
        if event["instrument"] != lane or not is_plain_trade(event, early, edge):
            break
        if not 0 <= distance < span:
            break
        if counted:
            after = measure + step_of(kind, np.int64(event["price"]), event["size"])
            if after >= limit:
                break
            measure = after
        row = (np.uint64(distance) * magic) >> shift
        add_to_row(rows, series, row, np.int64(event["side"]), event["size"])
        i += 1
    return i, measure


@kernel_inline
def _add_measures(
    events: Events, start: Int, stop: Int, state: FootprintState, series: Int, measure: Int
) -> None:
    """Add the same run to the open bar: two short loops stay in registers, one would spill."""
    head = state.head[series]
    bar = load_bar(head)
    for i in range(start, stop):
        event = events[np.uint64(i)]
        bar = take(bar, np.int64(event["price"]), event["size"], np.int64(event["side"]))
    last = events[stop - 1]
    store_bar(head, bar, np.int64(last["price"]), last["ts_venue"], stop - start)
    head["measure"] = measure
    head["quiet_ns"] = last["ts_recv"] + head["silence_ns"]


@kernel_inline
def _pass_messages(
    events: Events, start: Int, stop: Int, state: FootprintState, series: Int
) -> Int:
    """Use the events from `start` to the next trade; return its place, or the first without room.

    Of a book message only its last row is looked at: all of them carry its times.
    """
    head = state.head[series]
    lane, quiet_ns, silence_ns = head["lane"], head["quiet_ns"], head["silence_ns"]
    idle_ns = NEVER_NS if head["kind"] != TIME else head["end_ns"] + head["grace_ns"]
    i = start
    while i < stop:
        event = events[np.uint64(i)]
        kind = event["kind"]
        if kind == TRADE:
            break
        inside = kind == LEVEL and (event["flags"] & LAST) == 0
        if not inside and event["instrument"] == lane:
            recv_ns = event["ts_recv"]
            if head["started"] != 0 and recv_ns <= quiet_ns and event["ts_venue"] < idle_ns:
                quiet_ns = recv_ns + silence_ns
            else:
                head["quiet_ns"] = quiet_ns
                if not _has_room_for(state, series, event):
                    return i
                _use_irregular(state, series, event)
                quiet_ns = head["quiet_ns"]
                if head["kind"] == TIME:
                    idle_ns = head["end_ns"] + head["grace_ns"]
        i += 1
    head["quiet_ns"] = quiet_ns
    return i


@kernel
def run_footprint(events: Events, start: Int, stop: Int, state: FootprintState, series: Int) -> Int:
    """Use events[start:stop] in one series; return the first not used: stop, or no room."""
    head = state.head[series]
    i = start
    while i < stop:
        if events[np.uint64(i)]["kind"] != TRADE:  # rows of the book outnumber the trades
            i = _pass_messages(events, i, stop, state, series)
            if i < stop and events[np.uint64(i)]["kind"] != TRADE:
                return i
            continue
        near = _heard_stop(events, i, min(stop, i + RUN_MAX), head["quiet_ns"])
        plain, measure = i, np.int64(0)
        if head["kind"] == TIME:
            plain, measure = _add_rows(events, i, near, state, series, False)
        elif head["kind"] <= DOLLAR:
            plain, measure = _add_rows(events, i, near, state, series, True)
        if plain > i:
            _add_measures(events, i, plain, state, series, measure)
            i = plain
            continue
        event = events[i]
        if event["instrument"] == head["lane"]:
            if head["kind"] > DOLLAR and _is_plain(state, head, event):
                _use_plain(state, series, event)
            elif _has_room_for(state, series, event):
                _use_irregular(state, series, event)
            else:
                return i
        i += 1
    return i


def feed(
    state: FootprintState, series: int, events: Events
) -> tuple[FootprintState, list[ClosedBars]]:
    """Use a batch of events of any size; return the state and what closed, oldest first."""
    closed = []
    at = 0
    while at < events.size:
        at = run_footprint(events, at, events.size, state, series)
        closed.append(drain(state, series))
        if at < events.size:
            state = make_room_for(state, series, events[at])
    return state, closed


def make_room_for(state: FootprintState, series: int, event: Any) -> FootprintState:
    """Return a state that can use `event`; `drain` it first. Raises as `make_room` does."""
    state = make_room(state, series, int(event["price"]), False)
    while not _has_room_for(state, series, event):
        state = make_room(state, series, int(event["price"]), True)
    return state
