"""Silence: for how long nothing is said of a book before it counts as stale (R0.4).

A book that nobody changes is not spoken of: on a thin market half a minute without a message is
usual, on a liquid one two seconds are an outage. So two things make a book stale:

    asked and not answered    a trade came, newer by ts_venue than the depth, and no book message
                              behind it for `stale_limit_ns`: what is taken changes a book
    silent beyond what is     no book message for longer than max(`stale_limit_ns`, SILENCES x the
    usual                     usual silence)

The usual silence is sum g^2 / sum g over the intervals g between book messages in the last one to
two windows of WINDOW_S: the mean length of the silence that a moment lies in. The median of the
intervals (R6.5) is not it: messages come in bursts, and most intervals are those within a burst. An
interval counts up to the limit in force, so that an outage does not teach that outages are usual;
what ends with a snapshot or a gap was no silence of the market and teaches nothing. For the first
KNOWN_S the limit is `stale_limit_ns`.

All ages are of ts_recv. Shape: (lanes,), one SILENCE a lane.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_TIME, NOT_FLOW, RPI

SILENCES = 5.0
WINDOW_S = 600.0
KNOWN_S = 60.0

SILENCE = np.dtype(
    [
        ("limit_ns", "<i8"),  # silence of the book allowed, as of the last TIMER
        ("usual_ns", "<i8"),  # the usual silence; 0: not known
        ("first_ns", "<i8"),  # ts_recv of the first book message and of the last; NO_TIME none
        ("message_ns", "<i8"),
        ("asked_ns", "<i8"),  # of the first trade that no book message has answered; NO_TIME none
        ("lengths", "<f8"),  # seconds: sum of the intervals of this window,
        ("squares", "<f8"),  # of their squares,
        ("lengths_before", "<f8"),  # and those of the window before
        ("squares_before", "<f8"),
    ]
)


def silences(lanes: int, limit_ns: int) -> NDArray[Any]:
    """Return the silences of lanes of which nothing has been said; `limit_ns` is the least."""
    rows = np.zeros(lanes, SILENCE)
    rows["limit_ns"] = limit_ns
    for name in ("first_ns", "message_ns", "asked_ns"):
        rows[name] = NO_TIME
    return rows


@kernel_inline
def ask(rows: NDArray[Any], k: Int, event: Any, depth_venue_ns: Int) -> None:
    """Take a TRADE: where the depth known is older, the book is to say something.

    What is not taken from the public book asks for nothing.
    """
    here = rows[np.uint64(k)]
    if here["asked_ns"] == NO_TIME and event["ts_venue"] > depth_venue_ns:
        if event["flags"] & (RPI | NOT_FLOW) == 0:
            here["asked_ns"] = event["ts_recv"]


@kernel_inline
def answer(rows: NDArray[Any], k: Int, now: Int, resumed: bool) -> None:
    """Take the end of a book message; `resumed`: of a snapshot, or behind a gap."""
    here = rows[np.uint64(k)]
    here["asked_ns"] = NO_TIME
    if here["first_ns"] == NO_TIME:
        here["first_ns"] = now
    elif not resumed:
        length = 1e-9 * min(now - here["message_ns"], here["limit_ns"])
        here["lengths"] += length
        here["squares"] += length * length
    here["message_ns"] = now


@kernel
def set_limit(rows: NDArray[Any], k: Int, least_ns: Int, now: Int) -> None:
    """Set the silence allowed on lane `k`, at a TIMER."""
    here = rows[k]
    lengths = here["lengths"] + here["lengths_before"]
    if lengths > 0.0 and now - here["first_ns"] >= 1e9 * KNOWN_S:
        usual = (here["squares"] + here["squares_before"]) / lengths
        here["usual_ns"] = np.int64(1e9 * usual)
        here["limit_ns"] = max(np.int64(least_ns), np.int64(1e9 * SILENCES * usual))
    if here["lengths"] >= WINDOW_S:
        here["lengths_before"], here["squares_before"] = here["lengths"], here["squares"]
        here["lengths"] = here["squares"] = 0.0


@kernel_inline
def is_unanswered(rows: NDArray[Any], k: Int, limit_ns: Int, now: Int) -> bool:
    """Return whether a trade has waited for its book message for longer than `limit_ns`."""
    asked_ns = rows[k]["asked_ns"]
    return bool(limit_ns > 0 and asked_ns != NO_TIME and now - asked_ns > limit_ns)
