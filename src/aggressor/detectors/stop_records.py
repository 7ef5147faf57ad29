"""What stop runs are kept as: records, parameters and the arrays of their state; see `stop_run`.

Directions are indexed 0 up, 1 down. Units: ticks, lots, ns of ts_recv.
"""

from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.breaks import BREAK
from aggressor.detectors.outbox import params_hash
from aggressor.features.baseline import BaselineSpec, BaselineState, baseline_state
from aggressor.features.parameters import HOUR_NS, MICRO, PERP, SECOND_NS, parameter_rows
from aggressor.schema.event import NO_TIME
from aggressor.state import State

NO_LEVEL = 0
SWING_HIGH, SWING_LOW = 1, 2
SESSION_HIGH, SESSION_LOW = 3, 4
ROUND_NUMBER = 5
LEVEL_KINDS = {
    SWING_HIGH: "swing high",
    SWING_LOW: "swing low",
    SESSION_HIGH: "session high",
    SESSION_LOW: "session low",
    ROUND_NUMBER: "round number",
}
LEVELS = 16  # watched per lane
OPEN = 8  # breaks followed at a time, per lane and direction
SPENT = 16  # broken levels remembered per lane; a power of two
MARKS = 1024  # volume marks kept per lane; a power of two
MINUTES = 64  # a power of two above the 60 of the baseline
NEVER = 2**62

IDLE = 0

LEVEL = np.dtype([("price", "<i8"), ("kind", "<i8"), ("since_ns", "<i8")])


class StopRunParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of R5.7."""

    burst_ns: int = 3 * SECOND_NS
    return_ns: int = 60 * SECOND_NS
    refractory_ns: int = 5 * SECOND_NS
    settle_ns: int = 300_000_000  # after the burst, until its last taker order is closed
    reach_effective_ticks: int = 5
    reach_atr: float = 0.5
    volume_ratio: float = 3.0
    small_ratio: float = 1.5
    small_ppm: int = 500_000  # quantile of order sizes that still is small
    orders_min: int = 200  # fewer counted orders have no usual share
    minute_orders_min: int = 10  # of a minute whose share counts


PROFILES = {
    PERP: StopRunParameters(),
    MICRO: StopRunParameters(
        burst_ns=30 * SECOND_NS, return_ns=300 * SECOND_NS, refractory_ns=30 * SECOND_NS
    ),
}
_FLOATS = ("reach_atr", "volume_ratio", "small_ratio")
ROW = np.dtype(
    [(name, "<f8" if name in _FLOATS else "<i8") for name in StopRunParameters.__struct_fields__]
)

HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("hash", "<u8"),
        ("volume", "<i8"),  # lots traded so far
        ("last", "<i8"),  # ticks of the last trade
        ("traded", "<i8"),  # 1 once there was one
        ("marks", "<i8"),
        ("burst_first", "<i8"),  # number of the mark the burst window starts at
        ("orders_read", "<i8"),
        ("orders", "<i8"),  # taker orders of the last hour, by whole minutes
        ("small", "<i8"),
        ("minute", "<i8"),
        ("second", "<i8"),  # in which the small size was read
        ("small_bucket", "<i8"),  # sizes up to this bucket are small; -1 unknown
        ("effective_tick", "<i8"),  # as of the last TIMER, as all below
        ("reach", "<f8"),  # ticks
        ("young", "<i8"),
        ("interest", "<i8"),  # lots; 0 not known
        ("open", "<i8", (2,)),  # breaks followed, by direction
        ("spent", "<i8"),  # levels broken so far
        ("crowded", "<i8"),  # breaks for which there was no place
        ("repeats", "<i8"),  # confirmations of a zone that rests
        ("quiet_until", "<i8", (2,)),  # after a confirmation, and its zone
        ("quiet_low", "<i8", (2,)),
        ("quiet_high", "<i8", (2,)),
    ]
)
SPENT_ROW = np.dtype(
    [("price", "<i8"), ("direction", "<i8"), ("since_ns", "<i8"), ("until_ns", "<i8")]
)
MARK = np.dtype([("ts_recv", "<i8"), ("volume", "<i8")])
MINUTE = np.dtype([("orders", "<i8"), ("small", "<i8")])
EPISODE = np.dtype(
    [
        ("phase", "<i8"),
        ("told", "<i8"),  # 1: its row was written; the break is followed on
        ("episode", "<i8"),
        ("kind", "<i8"),
        ("since_ns", "<i8"),
        ("returned_ns", "<i8"),  # NO_TIME: not yet
        ("reach", "<f8"),
        ("volume", "<i8"),  # of the burst
        ("delta", "<i8"),
        ("orders", "<i8"),
        ("small", "<i8"),
        ("median", "<i8"),
        ("usual_share", "<f8"),  # below 0 unknown
        ("known", "<i8"),  # 1: both baselines are
        ("interest", "<i8"),
    ]
)


class StopRunState(State, frozen=True):
    """The levels watched, the breaks followed in both directions, and what is usual."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # HEAD, (L,)
    params: NDArray[Any]  # ROW, (L,)
    levels: NDArray[Any]  # LEVEL, (L, LEVELS): filled in by the caller
    watch: NDArray[np.int64]  # (L, 2): direction x price that breaks the next level; NEVER
    spent: NDArray[Any]  # SPENT_ROW, (L, SPENT): levels that were broken, a ring
    episodes: NDArray[Any]  # EPISODE, (L, 2, OPEN)
    broken: NDArray[Any]  # BREAK, (L, 2, OPEN)
    marks: NDArray[Any]  # MARK, (L, MARKS), a ring
    minutes: NDArray[Any]  # MINUTE, (L, MINUTES), a ring
    shares: NDArray[np.float64]  # (MINUTES,): scratch
    usual: BaselineState  # 2 k: lots per burst span, 2 k + 1: lots of taker orders


def stop_run_state(lanes: int, parameters: StopRunParameters) -> StopRunState:
    """Return the state of `lanes` instruments that watch nothing yet."""
    head = np.zeros(lanes, HEAD)
    head["hash"] = params_hash(msgspec.structs.asdict(parameters))
    head["small_bucket"] = head["minute"] = head["second"] = -1
    head["quiet_until"] = NO_TIME
    watch = np.full((lanes, 2), NEVER, np.int64)
    spent = np.zeros((lanes, SPENT), SPENT_ROW)
    spent["until_ns"] = NO_TIME
    return StopRunState(
        head=head,
        params=parameter_rows(ROW, lanes, parameters),
        levels=np.zeros((lanes, LEVELS), LEVEL),
        watch=watch,
        spent=spent,
        episodes=np.zeros((lanes, 2, OPEN), EPISODE),
        broken=np.zeros((lanes, 2, OPEN), BREAK),
        marks=np.zeros((lanes, MARKS), MARK),
        minutes=np.zeros((lanes, MINUTES), MINUTE),
        shares=np.zeros(MINUTES),
        usual=baseline_state([BaselineSpec(window_ns=HOUR_NS)] * (2 * lanes), slices=240),
    )
