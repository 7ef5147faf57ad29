"""Footprints of many events at once: `footprint` for a batch, as files and studies have them.

The open bar is kept in registers while events are plain; everything irregular goes the careful path
that single events go. Both forms add with the same `take`, and end in the same state wherever a
batch was cut. Where there is no room Python drains the rings and makes some (`feed` does both).
"""

import numpy as np

from aggressor.features.bars import (
    DOLLAR,
    NEVER_NS,
    TIME,
    is_plain_trade,
    load_bar,
    store_bar,
    take,
)
from aggressor.features.closing import step_of
from aggressor.features.footprint import (
    has_room_for,
    is_plain,
    make_room_for,
    use_irregular,
    use_plain,
)
from aggressor.features.series import (
    ClosedBars,
    FootprintState,
    add_to_row,
    drain,
    span_of,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import LAST, LEVEL, TRADE, Events

RUN_MAX = 256  # trades between two looks at the same memory: 8 kB of events


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
                if not has_room_for(state, series, event):
                    return i
                use_irregular(state, series, event)
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
            if head["kind"] > DOLLAR and is_plain(state, head, event):
                use_plain(state, series, event)
            elif has_room_for(state, series, event):
                use_irregular(state, series, event)
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
