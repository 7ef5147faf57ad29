"""SIGNAL: what a detector says, with its evidence, one record of 256 bytes.

A signal is written at every end of an episode: confirmed, or a near-miss (rejected, expired) that
keeps the name of the condition that failed. `ts_armed` and `ts_confirmed` are venue times,
`ts_known` the receive time of the event that made it known; nothing later than `ts_known` went
into it. The meaning of `evidence[j]` is named per kind by the detector's `EVIDENCE` tuple, that of
`failed` by its `CONDITIONS` tuple.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

EVIDENCE_MAX = 22

SIGNAL = np.dtype(
    [
        ("ts_armed", "<i8"),
        ("ts_confirmed", "<i8"),
        ("ts_known", "<i8"),
        ("params", "<u8"),  # hash of the detector's parameters
        ("episode", "<i8"),  # counts up per detector and instrument
        ("score", "<f8"),  # 0.5 exactly at the thresholds, 1 at twice them
        ("low", "<i4"),  # ticks: the zone
        ("high", "<i4"),
        ("kind", "u1"),
        ("phase", "u1"),
        ("side", "i1"),  # +1: about the bid side or buyers
        ("direction", "i1"),  # what it argues for; 0 nothing
        ("provisional", "u1"),  # 0, or why it is provisional
        ("failed", "u1"),  # index into CONDITIONS of a near-miss
        ("instrument", "u1"),
        ("reserved", "u1", (17,)),
        ("evidence", "<f8", (EVIDENCE_MAX,)),
    ]
)

Signals = NDArray[Any]  # dtype SIGNAL, shape (n,)

EXHAUSTION = 1
WALL = 2
ABSORPTION = 3
ICEBERG = 4
PULL = 5
VACUUM = 6
PUSH_THROUGH = 7
STOP_RUN = 8
CASCADE = 9
TRAPPED = 10
DIVERGENCE = 11
STACKING = 12

SIGNAL_NAMES = {
    EXHAUSTION: "exhaustion",
    WALL: "wall",
    ABSORPTION: "absorption",
    ICEBERG: "iceberg",
    PULL: "pull",
    VACUUM: "vacuum",
    PUSH_THROUGH: "push_through",
    STOP_RUN: "stop_run",
    CASCADE: "cascade",
    TRAPPED: "trapped",
    DIVERGENCE: "divergence",
    STACKING: "stacking",
}

ARMED = 1
CONFIRMED = 2
REJECTED = 3
EXPIRED = 4

PHASE_NAMES = {ARMED: "armed", CONFIRMED: "confirmed", REJECTED: "rejected", EXPIRED: "expired"}

FIRM = 0
YOUNG_BASELINE = 1
BEFORE_TOLERANCE = 2  # the ledger may still re-label what it rests on
DATA_GAP = 3

PROVISIONAL_NAMES = {
    FIRM: "",
    YOUNG_BASELINE: "young baseline",
    BEFORE_TOLERANCE: "attribution not final",
    DATA_GAP: "data",
}


def empty_signals(count: int) -> Signals:
    """Return `count` zeroed SIGNAL records."""
    return np.zeros(count, SIGNAL)
