"""Venue and pipeline in step over one tape, back to Python only where something is to be decided.

One compiled loop holds both cursors: the venue takes what it may by the look-ahead rule of `loop`,
the pipeline takes the events of the window that opens, and so on. With nothing of ours at the venue
the pipeline runs alone and the venue catches up when the next command arrives. The same two halves,
called one at a time from Python, are `SimExchange.poll` and `Engine.step`; a test holds both to the
same commands.
"""

import numpy as np

from aggressor.engine.parts import Pipeline
from aggressor.engine.pipeline import NEEDS_ROOM, RAN_OUT, run
from aggressor.kernel import Int, kernel
from aggressor.linking import by_address
from aggressor.schema.event import Events
from aggressor.sim.loop import END, MORE, NO_ROOM, STARVED, open_window, quiet, release_until
from aggressor.sim.state import NEVER, SimState, next_due

_call_run = by_address(run)

TAPE_ENDED = 0  # every event of events[:stop] has been handed out, and no report is due
DECIDE = 1
REPORT_DUE = 2
PIPELINE_ROOM = 3
VENUE_STOPPED = 4  # the status of `advance_venue` comes with it


@kernel
def drive(
    events: Events, start: Int, stop: Int, sim: SimState, pipe: Pipeline, ending: Int
) -> tuple[Int, Int, Int]:
    """Go on from local event `start` to the next decision, due report, or the end of events[:stop].

    Returns (index of the next local event, why it stopped, status of the venue).
    """
    cursor = np.int64(start)
    while True:
        if cursor >= stop and ending != END:
            return cursor, TAPE_ENDED, 0
        alone = quiet(sim)
        until = np.int64(NEVER)
        last = np.int64(stop)
        if not alone:
            local_ns = np.int64(NEVER)
            if cursor < stop:
                local_ns = np.int64(events[cursor]["ts_recv"])
            status, last = open_window(events, cursor, stop, sim, ending)
            if status >= NO_ROOM or (status == STARVED and ending == MORE):
                return cursor, VENUE_STOPPED, status
            until = np.int64(release_until(sim, local_ns))
        head = pipe.head[0]
        _call_run(head["run_entry"], events, cursor, last, pipe)
        cursor, reason = head["cursor"], head["reason"]
        if reason == NEEDS_ROOM:
            return cursor, PIPELINE_ROOM, 0
        if reason != RAN_OUT:
            return cursor, DECIDE, 0
        due = next_due(sim)
        if not alone and due <= until and due < NEVER and (cursor < stop or ending == END):
            return cursor, REPORT_DUE, 0
        if cursor >= stop:
            return cursor, TAPE_ENDED, 0
