"""Walls as signals (R1.6): one record when a wall has come of age, one when it has ended.

`features/walls` finds and follows the walls; here each becomes an episode. CONFIRMED says that a
level far larger than its neighbours stands and has stood long enough; EXPIRED says that it is gone
and, in `failed`, how. A wall alone argues for nothing: `direction` is 0. Walls listed on a
baseline that is not known are provisional.

Shapes: lanes L, sides 2 (0 bid, 1 ask), walls W. Judged at TIMER events, after `walls.sample`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import Outbox, at_least, params_hash, put
from aggressor.features.baseline import READY
from aggressor.features.wall_records import WALLS, WallParameters, WallsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.signal import CONFIRMED, EXPIRED, FIRM, WALL, YOUNG_BASELINE
from aggressor.state import State

EVIDENCE = (
    "price",
    "lots",
    "peak",
    "z",
    "ratio",
    "distance_ticks",
    "age_seconds",
    "round_kind",
    "baseline_maturity",
)
CONDITIONS = ("", "size fell below half of its peak", "level gone", "book lost")

HEAD = np.dtype([("episodes", "<i8"), ("ended_read", "<i8"), ("hash", "<u8")])
ANNOUNCED = np.dtype(
    [
        ("listed_ns", "<i8"),
        ("slot", "<i8"),
        ("ts_armed", "<i8"),  # venue time when it was listed
        ("episode", "<i8"),  # 0 until it is announced
    ]
)


class WallSignals(State, frozen=True):
    """Which walls stand, and which of them have been announced."""

    head: NDArray[Any]  # HEAD, (L,)
    announced: NDArray[Any]  # ANNOUNCED, (L, 2, W)


def wall_signals(parameters: Sequence[WallParameters]) -> WallSignals:
    """Return the state of instruments without announced walls; one set of thresholds each."""
    lanes = len(parameters)
    head = np.zeros(lanes, HEAD)
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in parameters]
    return WallSignals(head, np.zeros((lanes, 2, WALLS), ANNOUNCED))


@kernel
def announce(
    state: WallSignals, walls: WallsState, outbox: Outbox, k: Int, now: Int, venue_now: Int
) -> None:
    """Write the walls of lane `k` that have come of age or ended since the last call."""
    head = state.head[k]
    ended = walls.head[k]["ended"]
    ring = walls.ended.shape[1]
    first = max(head["ended_read"], ended - ring)
    for n in range(first, ended):
        wall = walls.ended[k, n % ring]
        s = 0 if wall["side"] > 0 else 1
        for i in range(WALLS):
            note = state.announced[k, s, i]
            if note["episode"] > 0 and _same(note, wall):
                _write(state, walls, outbox, k, wall, note, now, venue_now, EXPIRED)
                note["episode"] = 0
    head["ended_read"] = ended
    for s in range(2):
        live = walls.head[k]["live"][s]
        for i in range(WALLS):
            if (live >> i) & 1 == 0:
                continue
            wall = walls.walls[k, s, i]
            note = state.announced[k, s, i]
            if not _same(note, wall):
                note["listed_ns"] = wall["listed_ns"]
                note["slot"] = wall["slot"]
                note["ts_armed"] = venue_now
                note["episode"] = 0
            if note["episode"] == 0 and wall["aged"] == 1 and wall["standing"] == 1:
                head["episodes"] += 1
                note["episode"] = head["episodes"]
                _write(state, walls, outbox, k, wall, note, now, venue_now, CONFIRMED)


@kernel_inline
def _same(note: Any, wall: Any) -> bool:
    return note["listed_ns"] == wall["listed_ns"] and note["slot"] == wall["slot"]


@kernel
def _write(
    state: WallSignals,
    walls: WallsState,
    outbox: Outbox,
    k: Int,
    wall: Any,
    note: Any,
    now: Int,
    venue_now: Int,
    phase: Int,
) -> None:
    row = walls.parameters[k]
    price = wall["price"]
    at = put(
        outbox,
        k,
        WALL,
        phase,
        wall["end"] if phase == EXPIRED else 0,
        wall["side"],
        0,
        price,
        price,
        note["episode"],
        note["ts_armed"],
        venue_now,
        now,
        state.head[k]["hash"],
        FIRM if wall["maturity"] == READY else YOUNG_BASELINE,
        0.5 * (at_least(wall["z"], row["z_min"]) + at_least(wall["ratio"], row["ratio_min"])),
    )
    evidence = outbox.ring[at]["evidence"]
    evidence[0] = wall["price"]
    evidence[1] = wall["lots"]
    evidence[2] = wall["peak"]
    evidence[3] = wall["z"]
    evidence[4] = wall["ratio"]
    evidence[5] = wall["distance"]
    evidence[6] = (now - wall["first_seen_ns"]) / 1e9
    evidence[7] = wall["kind"]
    evidence[8] = wall["maturity"]
