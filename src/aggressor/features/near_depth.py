"""Depth near the touch at TIMERs, and what is usual: the median of the last minute (R1.7, R5.5).

At each TIMER the lots of a side within `reach` effective ticks of its own best are summed. Every
`every_ns` such a depth joins a rolling median, once it is older than `exclude_ns`: the span under
test is never part of what it is held against (R0.3). The ledger's running sums of the side are
kept with each sample, so that a loss between two samples can be told by its causes.

    samples   (L, SAMPLES)   NEAR_SAMPLE, a ring
    usual     RecentState    series 2 k + (0 bid, 1 ask), exact nearest rank

Limits: reach follows the effective tick, which is read once a minute; when it changes, so does
the depth. At most REACH_MAX ticks are summed. Units: lots, ticks, ns of ts_recv.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import READY, UNKNOWN, YOUNG
from aggressor.features.parameters import (
    MICRO,
    MILLISECOND_NS,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.features.recent import RecentState, add_recent, recent_quantile, recent_state
from aggressor.kernel import Int, kernel
from aggressor.market.book import BookState
from aggressor.market.ledger import LedgerState
from aggressor.market.levels import NO_KEY
from aggressor.market.near import range_lots
from aggressor.schema.event import NO_TIME
from aggressor.state import State

SAMPLES = 256  # 10 s at 100 ms and more; a power of two
REACH_MAX = 512  # ticks: bounds the work of a timer
USUAL_MAX = 256  # depths the median is taken of


class NearDepthParameters(msgspec.Struct, frozen=True, kw_only=True):
    """How far depth is summed, and over what its median is taken."""

    reach: int = 10  # effective ticks, the best included
    window_ns: int = MINUTE_NS
    exclude_ns: int = SECOND_NS
    every_ns: int = 300 * MILLISECOND_NS  # 200 depths a minute
    samples_min: int = 200
    young_ns: int = 10 * MINUTE_NS


NEAR_DEPTH_PROFILES = {
    PERP: NearDepthParameters(),
    MICRO: NearDepthParameters(exclude_ns=10 * SECOND_NS),
}

PARAMETERS_ROW = np.dtype([(name, "<i8") for name in NearDepthParameters.__struct_fields__])

HEAD = np.dtype(
    [
        ("known", "<i8"),  # 1: the last TIMER saw a valid book
        ("samples", "<i8"),
        ("since", "<i8"),  # number of the first sample of the book that stands
        ("joined", "<i8"),  # samples that have been offered to the medians
        ("joined_ns", "<i8"),  # when one last joined
        ("first_ns", "<i8"),  # of the first that joined
        ("reach_ticks", "<i8"),
        ("maturity", "<i8"),  # of the medians
        ("usual", "<i8", (2,)),  # lots; 0 while unknown
    ]
)

NEAR_SAMPLE = np.dtype(
    [
        ("ts", "<i8"),
        ("lots", "<i8", (2,)),
        ("traded", "<i8", (2,)),  # the ledger's running sums of the side
        ("pulled", "<i8", (2,)),
        ("added", "<i8", (2,)),
    ]
)


class NearDepthState(State, frozen=True):
    """Depth of every lane and side, and its rolling median."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # HEAD, (L,)
    parameters: NDArray[Any]  # PARAMETERS_ROW, (L,)
    samples: NDArray[Any]  # NEAR_SAMPLE, (L, SAMPLES)
    usual: RecentState


def near_depth_state(
    lanes: int, parameters: NearDepthParameters | Sequence[NearDepthParameters]
) -> NearDepthState:
    """Return the state of `lanes` instruments without samples."""
    rows = parameter_rows(PARAMETERS_ROW, lanes, parameters)
    head = np.zeros(lanes, HEAD)
    head["first_ns"] = head["joined_ns"] = NO_TIME
    windows = [int(row["window_ns"]) for row in rows for _ in range(2)]
    return NearDepthState(
        head, rows, np.zeros((lanes, SAMPLES), NEAR_SAMPLE), recent_state(windows, USUAL_MAX)
    )


@kernel
def lots_within(book: BookState, row: Int, ticks: Int) -> Int:
    """Sum the lots of ladder `row` from its best price over `ticks` grid levels."""
    ladder, width = book.sides[row], book.window.shape[1]
    best = ladder["best"]
    if best == NO_KEY:
        return np.int64(0)
    end = min(best + min(ticks, REACH_MAX), ladder["low"] + width)
    return range_lots(book, row, best, end - 1)


@kernel
def sample(
    near: NearDepthState,
    book: BookState,
    ledger: LedgerState,
    k: Int,
    now: Int,
    valid: bool,
    effective_tick: Int,
) -> None:
    """Sample lane `k` at a TIMER; an `effective_tick` of 0 means not known."""
    head, parameters = near.head[k], near.parameters[k]
    if not valid or effective_tick == 0:
        head["known"] = 0
        head["since"] = head["joined"] = head["samples"]
        return
    head["known"] = 1
    head["reach_ticks"] = parameters["reach"] * effective_tick
    row = near.samples[k, head["samples"] & (SAMPLES - 1)]
    row["ts"] = now
    for s in range(2):
        total = ledger.sides[2 * k + s]
        row["lots"][s] = lots_within(book, 2 * k + s, head["reach_ticks"])
        row["traded"][s], row["pulled"][s] = total["traded"], total["pulled"]
        row["added"][s] = total["added"]
    head["samples"] += 1
    head["joined"] = max(head["joined"], head["samples"] - SAMPLES)
    while head["joined"] < head["samples"]:
        old = near.samples[k, head["joined"] & (SAMPLES - 1)]
        if old["ts"] > now - parameters["exclude_ns"]:
            break
        head["joined"] += 1
        if head["joined_ns"] == NO_TIME or old["ts"] - head["joined_ns"] >= parameters["every_ns"]:
            _join(near, k, old)


@kernel
def _join(near: NearDepthState, k: Int, old: Any) -> None:
    """Let a sample join the medians and read them anew."""
    head, parameters = near.head[k], near.parameters[k]
    for s in range(2):
        add_recent(near.usual, 2 * k + s, old["ts"], old["lots"][s])
    count = near.usual.head[2 * k]["count"]
    if head["first_ns"] == NO_TIME or count == 1:
        head["first_ns"] = old["ts"]
    head["joined_ns"] = old["ts"]
    head["maturity"] = UNKNOWN
    head["usual"][0] = head["usual"][1] = 0
    if count >= parameters["samples_min"]:
        ripe = old["ts"] - head["first_ns"] >= parameters["young_ns"]
        head["maturity"] = READY if ripe else YOUNG
        for s in range(2):
            head["usual"][s] = recent_quantile(near.usual, 2 * k + s, 500_000)
