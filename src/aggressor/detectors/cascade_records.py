"""What cascades are kept as: records, parameters and the arrays of their state; see `cascade`.

Units: ticks, lots, ns of ts_recv; shares, not per cent.
"""

from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import params_hash
from aggressor.features.parameters import MICRO, PERP, SECOND_NS, parameter_rows
from aggressor.schema.event import NO_TIME
from aggressor.state import State

IDLE = 0
MARKS = 1024  # of mid and interest kept per lane; a power of two
DEPTHS = 64  # one a second, at least the minute of the median; a power of two
LEVELS_MAX = 64  # occupied levels a side looked at for its depth


class CascadeParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of R5.8; shares, not per cent."""

    window_ns: int = 10 * SECOND_NS  # w: the short window of features/forced
    minute_ns: int = 60 * SECOND_NS
    calm_ns: int = 10 * SECOND_NS
    refractory_ns: int = 5 * SECOND_NS
    mark_stale_ns: int = 10 * SECOND_NS
    interest_stale_ns: int = 90 * SECOND_NS
    reach: int = 20  # effective ticks of depth
    depths_min: int = 30  # seconds of depth known before there is a median
    sweeps_min: int = 3
    watch_share: float = 0.05
    watch_fall: float = 0.0025
    watch_velocity: float = 3.0
    watch_basis_bp: float = 10.0
    watch_depth: float = 0.4
    share: float = 0.15
    one_sided: float = 0.8
    fall: float = 0.005
    fall_per_volume: float = 0.3
    velocity: float = 5.0
    depth: float = 0.5
    calm_velocity: float = 1.0
    calm_interest: float = 0.0005
    censored_share: float = 0.8  # of the window's seconds


PROFILES = {
    PERP: CascadeParameters(),
    MICRO: CascadeParameters(window_ns=30 * SECOND_NS, refractory_ns=30 * SECOND_NS, reach=10),
}
ROW = np.dtype(
    [
        (name, "<f8" if isinstance(default, float) else "<i8")
        for name, default in msgspec.structs.asdict(CascadeParameters()).items()
    ]
)
HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("hash", "<u8"),
        ("mark", "<i8"),  # ticks
        ("mark_ns", "<i8"),
        ("interest", "<i8"),  # lots
        ("interest_ns", "<i8"),
        ("marks", "<i8"),
        ("window_first", "<i8"),  # number of the mark a window starts at
        ("minute_first", "<i8"),
        ("orders_read", "<i8"),
        ("sweep_side", "<i8"),
        ("sweeps", "<i8"),  # in a row on that side
        ("sweep_ns", "<i8"),
        ("second", "<i8"),
        ("depths", "<i8"),  # seconds of depth taken
        ("phase", "<i8"),
        ("episode", "<i8"),
        ("direction", "<i8"),
        ("ts_armed", "<i8"),
        ("armed_ns", "<i8"),
        ("quiet_ns", "<i8"),  # since when fewer than two signs held, or all is calm; NO_TIME
        ("quiet_until", "<i8"),
        ("calm_interest", "<i8"),
        ("peak", "<f8"),
        ("peak_ns", "<i8"),
    ]
)
POINT = np.dtype([("ts_recv", "<i8"), ("mid2", "<i8"), ("interest", "<i8")])  # NO_PRICE, 0 unknown
READING = np.dtype(
    [
        (name, "<f8")
        for name in (
            "share", "share_minute", "one_sided", "change", "fall_per_volume", "velocity",
            "depth", "basis", "beyond", "move",
        )
    ]
    + [(name, "<i8") for name in ("direction", "forced_side", "censored", "sweeps", "signs", "leg")]
)  # fmt: skip


class CascadeState(State, frozen=True):
    """One episode per lane, its last readings, and the short past they are held against."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # HEAD, (L,)
    params: NDArray[Any]  # ROW, (L,)
    reading: NDArray[Any]  # READING, (L,), as of the last TIMER; nan unknown
    points: NDArray[Any]  # POINT, (L, MARKS), a ring
    depths: NDArray[np.int64]  # (L, 2, DEPTHS) lots, rings
    medians: NDArray[np.int64]  # (L, 2) lots; -1 unknown
    scratch: NDArray[np.int64]  # (DEPTHS,)


def cascade_state(lanes: int, parameters: CascadeParameters) -> CascadeState:
    """Return the state of `lanes` instruments of which nothing is known yet."""
    head = np.zeros(lanes, HEAD)
    head["hash"] = params_hash(msgspec.structs.asdict(parameters))
    for name in ("mark_ns", "interest_ns", "sweep_ns", "quiet_ns", "quiet_until"):
        head[name] = NO_TIME
    return CascadeState(
        head=head,
        params=parameter_rows(ROW, lanes, parameters),
        reading=np.zeros(lanes, READING),
        points=np.zeros((lanes, MARKS), POINT),
        depths=np.zeros((lanes, 2, DEPTHS), np.int64),
        medians=np.full((lanes, 2), -1, np.int64),
        scratch=np.zeros(DEPTHS, np.int64),
    )
