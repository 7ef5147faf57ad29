"""Breaks of a level, as one detector hands them to another without knowing it (R5.6, R5.7, R5.9).

Whoever follows a break (stop run, push-through) writes one record when it has ended: what was
traded beyond the level in the direction of the break, and whether price came back. Trapped
traders are read from the failed ones; the volumes of all of them, failed or not, say what is
usual.

    head   (L,)           written so far; what is usually traded in a span, and its length
    ring   (L, BREAKS)    BREAK, record n at n & (BREAKS - 1)

Units: ticks, lots, ns.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.state import State

BREAKS = 64  # kept per lane; a power of two

FROM_STOP_RUN = 1
FROM_PUSH_THROUGH = 2
SOURCE_NAMES = {FROM_STOP_RUN: "stop run", FROM_PUSH_THROUGH: "push-through"}

BREAK = np.dtype(
    [
        ("source", "<i8"),
        ("direction", "<i8"),  # +1 upward
        ("level", "<i8"),  # ticks: X
        ("extreme", "<i8"),  # ticks: furthest price traded
        ("lots", "<i8"),  # executed beyond X by aggressors of the break's direction
        ("away_tick_lots", "<i8"),  # sum of distance from X x lots of these
        ("effective_tick", "<i8"),  # frozen at the break
        ("ts_venue", "<i8"),  # of the break
        ("start_ns", "<i8"),  # ts_recv of the break
        (
            "back_ns",
            "<i8",
        ),  # ts_recv when price was back inside; of a held one when it was given up
        ("failed", "<i8"),  # 1: price came back inside by one effective tick
        ("young", "<i8"),
        ("usual_lots", "<i8"),  # of a span; strictly before the break where it says so; 0 unknown
    ]
)


BREAKS_HEAD = np.dtype(
    [
        ("written", "<i8"),
        ("usual_lots", "<i8"),  # median over an hour of what a span trades; 0: not known
        ("span_ns", "<i8"),
    ]
)


class BreaksState(State, frozen=True):
    """The last ended breaks of every lane."""

    head: NDArray[Any]  # BREAKS_HEAD, (L,)
    ring: NDArray[Any]  # BREAK, (L, BREAKS)


def breaks_state(lanes: int) -> BreaksState:
    """Return the state of `lanes` instruments without breaks."""
    return BreaksState(np.zeros(lanes, BREAKS_HEAD), np.zeros((lanes, BREAKS), BREAK))


@kernel
def add_break(
    breaks: BreaksState, k: Int, source: Int, failed: Int, back_ns: Int, broken: Any
) -> None:
    """Write the end of a break, `broken` being its BREAK record as far as it was followed."""
    head = breaks.head[k]
    broken["source"], broken["failed"], broken["back_ns"] = source, failed, back_ns
    if broken["usual_lots"] == 0:
        broken["usual_lots"] = head["usual_lots"]
    breaks.ring[k, head["written"] & (BREAKS - 1)] = broken
    head["written"] += 1


@kernel_inline
def extend_break(broken: Any, event: Any) -> Int:
    """Count a TRADE into a break; return how far beyond the level it was, in ticks."""
    direction = broken["direction"]
    beyond = direction * (np.int64(event["price"]) - broken["level"])
    if beyond > 0:
        if direction * (np.int64(event["price"]) - broken["extreme"]) > 0:
            broken["extreme"] = event["price"]
        if event["side"] == direction:
            broken["lots"] += event["size"]
            broken["away_tick_lots"] += beyond * event["size"]
    return beyond
