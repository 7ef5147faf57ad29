"""Venue and pipeline in step over one tape, back to Python only where something is to be decided.

One compiled loop holds both cursors: the venue takes what it may by the look-ahead rule of `loop`,
the pipeline takes the events that may be handed out, and so on. With nothing of ours at the venue
the pipeline runs alone and the venue catches up when the next command arrives. The same two
halves, called one at a time from Python, are `SimExchange.poll` and `Engine.step`; a test holds
both to the same commands.
"""

import numpy as np

from aggressor.engine.pipeline import NEEDS_ROOM, RAN_OUT, Pipeline, advance
from aggressor.kernel import kernel
from aggressor.schema.event import Events
from aggressor.sim.loop import REACHED, advance_venue, quiet, release_until
from aggressor.sim.state import NEVER, SimState, next_due

TAPE_ENDED = 0  # every event up to `stop` has been handed out
DECIDE = 1
REPORT_DUE = 2
PIPELINE_ROOM = 3
VENUE_STOPPED = 4  # see the code of `advance_venue` that comes with it


@kernel
def drive(
    events: Events, start: int, stop: int, sim: SimState, pipe: Pipeline, ending: int
) -> tuple[int, int, int]:
    """Go on from local event `start` to the next decision, due report, or end of events[:stop].

    Returns (local cursor, why it stopped, code of `advance_venue`).
    """
    cursor = start
    while True:
        local_ns = np.int64(NEVER)
        if cursor < stop:
            local_ns = events[cursor]["ts_recv"]
        until = np.int64(NEVER)
        due = np.int64(NEVER)
        if not quiet(sim):
            code = advance_venue(events, stop, sim, local_ns, ending)
            if code != REACHED:
                return cursor, VENUE_STOPPED, code
            until = release_until(sim, local_ns)
            due = next_due(sim)
        bound = min(until, due)
        last = stop if bound >= NEVER else first_after(events, cursor, stop, bound)
        cursor, reason = advance(events, cursor, last, pipe)
        if reason == NEEDS_ROOM:
            return cursor, PIPELINE_ROOM, REACHED
        if reason != RAN_OUT:
            return cursor, DECIDE, REACHED
        if due <= until and due < NEVER:
            return cursor, REPORT_DUE, REACHED
        if cursor >= stop and quiet(sim):
            return cursor, TAPE_ENDED, REACHED
        if cursor >= stop and until >= NEVER:
            return cursor, TAPE_ENDED, REACHED


@kernel
def first_after(events: Events, start: int, stop: int, bound: int) -> int:
    """Return the first index in [start, stop] whose event was received after `bound`."""
    step = 16
    low = start
    high = start
    while high < stop and events[high]["ts_recv"] <= bound:
        low = high
        high = min(high + step, stop)
        step *= 2
    while low < high:
        middle = (low + high) // 2
        if events[middle]["ts_recv"] <= bound:
            low = middle + 1
        else:
            high = middle
    return low
