"""Records of liquidity vacuums: parameters, one episode a side, and what is usual there.

    sides    (L, 2)           EPISODE, side index 0 bid, 1 ask
    bests    (L, SAMPLES, 2)  a ring beside that of `near_depth`

Rules: `vacuum`. Units: ticks, lots, ns of ts_recv.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import params_hash
from aggressor.features.baseline import BaselineSpec, BaselineState, baseline_state
from aggressor.features.near_depth import SAMPLES
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MILLISECOND_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.schema.event import NO_TIME
from aggressor.state import State

EVIDENCE = (
    "depth_ratio",
    "depth",  # lots within reach
    "depth_median",
    "depth_before",  # lots within reach when they were last there
    "loss",  # of that, or of the median where that is less
    "traded",
    "cancelled",  # gone from the prices of before, and not traded
    "cancelled_share",
    "left",  # gone from the prices of before
    "gap_usual_ticks",  # the quantile the gap is held against; -1 unknown
    "spread_ticks",
    "spread_median_ticks",
    "gap_ticks",  # behind the best price; the reach where no level is in it
    "other_ratio",  # depth ratio of the other side
    "lowest_ratio",
    "fall_seconds",
    "age_seconds",
    "reach_ticks",
    "effective_tick",
    "depth_usual",  # the quantile of depths it is held against; -1 unknown
    "standing_ratio",  # what stands at the prices of before, over the median
)
CONDITIONS = (
    "",
    "cancelled share of the loss",
    "wide spread or gap",
    "thin depth",
    "valid book",
    "thinner than usual",
    "gone from where it stood",
)
TRADED = 1
NARROW = 2
BACK = 3
BOOK_LOST = 4
USUAL = 5
STANDING = 6

IDLE = 0
EARLY = 5  # confirmed while trades may still come
RESTING = 6  # ended as a near-miss, still thin


class VacuumParameters(msgspec.Struct, frozen=True, kw_only=True):
    """When a side counts as a vacuum."""

    window_ns: int = SECOND_NS
    thin_ratio: float = 0.2
    back_ratio: float = 0.6
    back_ns: int = 2 * SECOND_NS
    cancelled_share: float = 0.7
    spread_ratio: float = 2.0
    gap_ticks: int = 3  # effective ticks
    gap_ppm: int = 950_000  # and above this quantile of the last hour
    low_ppm: int = 5_000  # depth is below this quantile of the last hour
    every_ns: int = SECOND_NS  # between two samples for them
    hold_ns: int = 0  # that all conditions hold, at every TIMER, before it is confirmed
    refractory_ns: int = 5 * SECOND_NS


PROFILES = {
    PERP: VacuumParameters(),
    MICRO: VacuumParameters(
        window_ns=10 * SECOND_NS, refractory_ns=30 * SECOND_NS, hold_ns=500 * MILLISECOND_NS
    ),
}

PARAMETERS_ROW = np.dtype(
    [
        (name, "<f8" if kind is float else "<i8")
        for name, kind in VacuumParameters.__annotations__.items()
    ]
)

HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("early", "<i8"),
        ("joined_ns", "<i8"),  # when depths last joined their baseline
        ("hash", "<u8"),
    ]
)

EPISODE = np.dtype(
    [
        ("phase", "<i8"),
        ("episode", "<i8"),
        ("armed_ns", "<i8"),
        ("ts_armed", "<i8"),
        ("ts_loss", "<i8"),  # venue time of the lowest depth
        ("confirmed_ns", "<i8"),
        ("back_ns", "<i8"),  # since when the depth is back; NO_TIME: it is not
        ("quiet_until", "<i8"),
        ("held_ns", "<i8"),  # since when all conditions hold; NO_TIME: they do not
        ("before_ns", "<i8"),
        ("stood", "<i8"),  # lots
        ("before", "<i8"),  # of these no more than is usual
        ("best_before", "<i8"),  # key from which on that depth stood
        ("traded_before", "<i8"),
        ("depth", "<i8"),  # frozen at confirmation, like all below
        ("loss", "<i8"),  # to the lowest depth, and so are `left` and `traded`
        ("left", "<i8"),  # lots that are gone from the prices of before
        ("traded", "<i8"),  # grows by late trades
        ("usual", "<i8"),
        ("gap", "<i8"),
        ("effective_tick", "<i8"),
        ("young", "<i8"),
        ("lowest", "<f8"),
        ("standing", "<f8"),  # at the prices of before, over the median
    ]
)


class VacuumState(State, frozen=True):
    """One episode per lane and side."""

    head: NDArray[Any]  # HEAD, (L,)
    parameters: NDArray[Any]  # PARAMETERS_ROW, (L,)
    sides: NDArray[Any]  # EPISODE, (L, 2)
    bests: NDArray[np.int64]  # (L, SAMPLES, 2) keys: the bests at the samples of near depth
    depths: BaselineState  # lots of a side over the last hour, index 2 k + side
    gaps: BaselineState  # ticks behind its best, the same


def vacuum_state(
    lanes: int, parameters: VacuumParameters | Sequence[VacuumParameters]
) -> VacuumState:
    """Return the state of `lanes` instruments without a vacuum."""
    each = [parameters] * lanes if isinstance(parameters, VacuumParameters) else list(parameters)
    head = np.zeros(lanes, HEAD)
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in each]
    sides = np.zeros((lanes, 2), EPISODE)
    sides["quiet_until"] = sides["back_ns"] = NO_TIME
    head["joined_ns"] = NO_TIME
    specs = [BaselineSpec(HOUR_NS, one.window_ns) for one in each for _ in range(2)]
    return VacuumState(
        head,
        parameter_rows(PARAMETERS_ROW, lanes, each),
        sides,
        np.zeros((lanes, SAMPLES, 2), np.int64),
        baseline_state(specs),
        baseline_state(specs),
    )
