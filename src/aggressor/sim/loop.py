"""Two cursors on one tape: how far the venue may run, and how far the local side may.

`events` is one EVENT array in order of ts_recv. The local side reads it at ts_recv, the venue at
`latency.feed_time`. What happens at the venue, in order of venue time: market rows, then (at equal
times) a funding stamp's successors and our commands, in order of arrival; triggered stops trade at
once; when all rows of one time are applied the top is judged.

Look-ahead rule. Let `local_ns` be the time of the next local event not handed out yet, and `due`
that of the earliest report under way. The next decision is taken at min(local_ns, due) or later,
and reaches the venue no earlier than order_ns_min after. So the venue takes its next happening if
and only if

    its time <= min(local_ns, due) + order_ns_min

checked anew after each report. Then no report can still appear before min(local_ns, due) +
order_ns_min + response_ns_min: up to there (inclusive) events and reports may be handed out in one
go. At equal local times events go before reports. A compiled strategy calls `advance_venue` with
the time of its next decision as `local_ns`, then drains reports due by then, then decides.

With nothing of ours at the venue (`quiet`) there is no need to call at all: the venue catches up in
one tight loop when the next command arrives.
"""

from typing import Any

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import has_room, on_book_event
from aggressor.schema.command import AMEND, CANCEL, GTC, LIMIT, PLACE
from aggressor.schema.event import LEVEL, NO_PRICE, QUOTE, TRADE, Events
from aggressor.sim.arrival import draft_triggered, join, on_command, trade
from aggressor.sim.funding import on_money_row, settle
from aggressor.sim.latency import feed_time, order_delay
from aggressor.sim.matching import judge_top, on_row
from aggressor.sim.state import NEVER, SimState, drop_report, next_due, report_room

__all__ = [
    "advance_venue",
    "drop_report",
    "next_due",
    "open_window",
    "quiet",
    "release_until",
    "row_after",
    "send_amend",
    "send_cancel",
    "send_place",
    "submit",
    "venue_rows",
]

REACHED = 0  # the venue has taken all it may
STARVED = 1  # the venue needs rows behind `stop`
NO_ROOM = 2  # the book's pool is full: `grow_book`, then call again
NO_REPORTS = 3  # the report ring is full: drain or grow it, then call again
UNSETTLED = 4  # the account's margin is to be looked at: settle it, then call again

MORE = 0  # rows behind `stop` exist, perhaps of the same venue time
PAUSE = 1  # a live feed: nothing behind `stop` yet, and its last message is whole
END = 2  # nothing will ever come behind `stop`


@kernel_inline
def quiet(sim: SimState) -> bool:
    """Return whether nothing of ours is at the venue or on its way, so that it may lag."""
    clock = sim.clock[0]
    return clock["orders"] + clock["flying"] + clock["reports"] + clock["held"] == 0


@kernel
def advance_venue(events: Events, stop: Int, sim: SimState, local_ns: Int, ending: Int) -> Int:
    """Let the venue take what it may before the local event at `local_ns` is handed out.

    Returns REACHED, or why it had to stop short: STARVED, NO_ROOM, NO_REPORTS, UNSETTLED (call
    again when mended).
    """
    clock = sim.clock[0]
    while True:
        if not report_room(sim):
            return NO_REPORTS
        if clock["unsettled"] + clock["marked"] > 0:
            return UNSETTLED
        if clock["waiting"] > 0:
            if draft_triggered(sim, clock["venue_ns"]):
                trade(sim, clock["venue_ns"])
            continue
        cursor = clock["cursor"]
        row_ns = np.int64(NEVER)
        if cursor < stop:
            row_ns = feed_time(clock, events[cursor])
        elif ending == MORE:
            return STARVED
        if clock["judge"] >= 0 and not (cursor < stop and requoted(sim, events[cursor], row_ns)):
            k = clock["judge"]
            clock["judge"] = -1
            judge_top(sim, k, clock["venue_ns"])
            continue
        if cursor >= stop and ending == PAUSE:
            return STARVED
        reach = min(local_ns, next_due(sim)) + clock["order_ns_min"]
        entering, arrival = arriving(sim)
        stamp = clock["settle_ns"] if cursor < stop else np.int64(NEVER)
        if min(min(row_ns, arrival), stamp) > reach or min(row_ns, arrival) == NEVER:
            return REACHED
        if stamp <= row_ns and stamp <= arrival:
            settle(sim)
        elif row_ns <= arrival:
            bound = min(min(reach, arrival), stamp - 1)
            if not venue_rows(events, stop, sim, bound):
                return NO_ROOM
        elif entering:
            enter(sim, arrival)
        elif on_command(sim, arrival) and trade(sim, arrival):
            join(sim)


@kernel_inline
def arriving(sim: SimState) -> tuple[Any, Int]:
    """Return (whether it enters, when) of the next command: it enters, then it is matched.

    None stands before one that entered earlier: what is busy frees itself no faster than time goes.
    """
    clock = sim.clock[0]
    if clock["flying"] == 0:
        return False, np.int64(NEVER)
    mask, first = sim.arrivals.size - 1, clock["first_flying"]
    matched = np.int64(NEVER)
    if clock["entered"] > 0:
        matched = np.int64(sim.arrivals[first & mask])
    if clock["entered"] == clock["flying"]:
        return False, matched
    comes = np.int64(sim.arrivals[(first + clock["entered"]) & mask])
    return comes <= matched, min(comes, matched)


@kernel_inline
def enter(sim: SimState, now: Int) -> None:
    """Let a command that has arrived wait until the venue is done with the rows before it."""
    clock = sim.clock[0]
    place = (clock["first_flying"] + clock["entered"]) & (sim.arrivals.size - 1)
    sim.arrivals[place] = max(now, clock["busy_ns"])
    clock["entered"] += 1


@kernel
def open_window(
    events: Events, start: Int, stop: Int, sim: SimState, ending: Int
) -> tuple[Int, Int]:
    """Advance the venue and return (status, end): the local side may take events[start:end] now.

    No report is known before the last of them is; after them hand out the reports due before
    events[end]. A
    caller that stops earlier, to decide, submits its commands and calls again from where it
    stopped.
    """
    local_ns = np.int64(NEVER)
    if start < stop:
        local_ns = events[start]["ts_recv"]
    status = advance_venue(events, stop, sim, local_ns, ending)
    if status >= NO_ROOM or (status == STARVED and ending == MORE):
        return status, start
    until = np.int64(NEVER)
    if not quiet(sim):
        until = min(release_until(sim, local_ns), next_due(sim))
    return status, row_after(events, start, stop, until)


@kernel
def row_after(events: Events, start: Int, stop: Int, local_ns: Int) -> Int:
    """Return the index of the first of events[start:stop] that is known later than `local_ns`."""
    i = start
    while i < stop and events[i]["ts_recv"] <= local_ns:
        i += 1
    return i


@kernel_inline
def requoted(sim: SimState, event: Any, row_ns: Int) -> bool:
    """Return whether the next row belongs to the top still to be judged: a quote re-stated at
    once."""
    clock = sim.clock[0]
    same = event["kind"] == QUOTE and event["instrument"] == clock["judge"]
    return same and row_ns == clock["recorded_ns"]


@kernel_inline
def venue_rows(events: Events, stop: Int, sim: SimState, bound: Int) -> bool:
    """Let the venue see market rows up to venue time `bound`, until one concerns us.

    Returns False, with the row unused, when the book has no room for it.
    """
    clock = sim.clock[0]
    i = clock["cursor"]
    lanes = sim.head.size
    reports = clock["reports"]
    work = clock["work_ns"]
    roomy = True
    while i < stop:
        event = events[i]
        now = feed_time(clock, event)
        if now > bound:
            break
        k = np.int64(event["instrument"])
        kind = event["kind"]
        if k < lanes:
            if kind == LEVEL and not has_room(sim.book, k):
                roomy = False
                break
            if kind <= QUOTE:
                if work > 0:
                    clock["busy_ns"] = max(clock["busy_ns"], now) + work
                if kind != TRADE:
                    on_book_event(sim.book, k, event)
                on_row(sim, k, event, now)
            else:
                on_money_row(sim, k, event, now)
        clock["recorded_ns"] = now
        i += 1
        if clock["judge"] >= 0 or clock["reports"] != reports or clock["waiting"] > 0:
            break
        if clock["marked"] > 0:
            break
    if i > clock["cursor"]:
        clock["venue_ns"] = max(clock["recorded_ns"], clock["venue_ns"])
    clock["cursor"] = i
    return roomy


@kernel_inline
def release_until(sim: SimState, local_ns: Int) -> Int:
    """Return the local time up to which, inclusive, nothing new can appear after
    `advance_venue`."""
    clock = sim.clock[0]
    first = min(local_ns, next_due(sim))
    return first + clock["order_ns_min"] + clock["response_ns_min"]


@kernel
def submit(sim: SimState, command: Any) -> bool:
    """Send a command at its ts_send; return False, unsent, when too many are on their way."""
    clock = sim.clock[0]
    if clock["flying"] >= sim.flying.size:
        return False
    sim.flying[(clock["first_flying"] + clock["flying"]) & (sim.flying.size - 1)] = command
    depart(sim, command["ts_send"])
    return True


@kernel_inline
def depart(sim: SimState, now: Int) -> None:
    """Put the command just written behind the others on their way."""
    clock = sim.clock[0]
    arrival = max(now + order_delay(clock, sim.trips, now), clock["sent_ns"])
    clock["sent_ns"] = arrival
    sim.arrivals[(clock["first_flying"] + clock["flying"]) & (sim.arrivals.size - 1)] = arrival
    clock["flying"] += 1


@kernel_inline
def blank(sim: SimState, now: Int, kind: Int, order: Int, k: Int) -> Any:
    """Return the next command of the ring with its first fields written; there must be room."""
    clock = sim.clock[0]
    command = sim.flying[(clock["first_flying"] + clock["flying"]) & (sim.flying.size - 1)]
    command["ts_send"] = now
    command["order"] = order
    command["parent"] = 0
    command["kind"] = kind
    command["type"] = LIMIT
    command["tif"] = GTC
    command["flags"] = 0
    command["instrument"] = k
    command["strategy"] = 0
    command["trigger"] = NO_PRICE
    return command


@kernel_inline
def send_place(
    sim: SimState, now: Int, order: Int, k: Int, side: Int, price: Int, size: Int, tif: Int
) -> bool:
    """Send a limit order at local time `now`; False when too many commands are on their way."""
    if sim.clock[0]["flying"] >= sim.flying.size:
        return False
    command = blank(sim, now, PLACE, order, k)
    command["side"] = side
    command["price"] = price
    command["size"] = size
    command["tif"] = tif
    depart(sim, now)
    return True


@kernel_inline
def send_amend(sim: SimState, now: Int, order: Int, k: Int, price: Int, size: Int) -> bool:
    """Send an order's new whole size and price; False when too many commands are on their way."""
    if sim.clock[0]["flying"] >= sim.flying.size:
        return False
    command = blank(sim, now, AMEND, order, k)
    command["price"] = price
    command["size"] = size
    depart(sim, now)
    return True


@kernel_inline
def send_cancel(sim: SimState, now: Int, order: Int, k: Int) -> bool:
    """Send a cancel; False when too many commands are on their way."""
    if sim.clock[0]["flying"] >= sim.flying.size:
        return False
    command = blank(sim, now, CANCEL, order, k)
    command["price"] = NO_PRICE
    command["size"] = 0
    depart(sim, now)
    return True
