"""What was injected, when and where: the truth that detectors are scored against.

Times are the venue's. `direction` is where the pattern drives the price; `side` is the book side
that the pattern rests on (0: none). `injected_lots` are those of the scenario's own takers.

    kind          side  direction  low, high    key_ns         peak_lots        count
    iceberg       s     s          its price    first refill   most displayed   refills
    wall_pull     s     -s         its price    first cancel   most displayed   least ticks to touch
    push_through  s     -s         its price    clearing sweep of the wall      lots of the sweep
    exhaustion    0     of run     of the run   its end        taken by run     ticks given back
    cascade       0     of fall    of the fall  last forced    fall of the OI   forced orders
    absorption    s     s          its zone     end of attack  displayed        times filled up
    vacuum        s     -s         emptied      depth gone     depth before     % of it left
    stop_run      0     of break   X to extreme 2 inside X     lots beyond X    small orders
    trapped       0     of break   X to extreme 4 inside X     lots beyond X    ticks beyond X
    divergence    0     of swings  both swings  second's known CVD given up     bars between
    stacking      0     of flow    of its rows  end of the bar taken by it      rows

`traded_lots` and `cancelled_lots` tell what became of the lots that the scenario rested; what is
missing to all of them was left to the background at the end. The most displayed at the price of an
iceberg or a wall counts what others rested there, and what traded of a wall is all that traded
at its price until it was gone: that is what a level shows. What traded of a vacuum is what
takers took from its side until its depth was gone. A key time of 0 says that the
scenario was given up on the way, because the market went elsewhere: its zone is then what it went
through.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.sim.synthetic.config import DIFFICULTIES, SCENARIO_KINDS

ICEBERG = 0
WALL_PULL = 1
PUSH_THROUGH = 2
EXHAUSTION = 3
CASCADE = 4
ABSORPTION = 5
VACUUM = 6
STOP_RUN = 7
TRAPPED = 8
DIVERGENCE = 9
STACKING = 10

_NUMBERS = [
    "start_ns",
    "stop_ns",
    "key_ns",
    "low",
    "high",
    "peak_lots",
    "traded_lots",
    "cancelled_lots",
    "injected_lots",
    "count",
]
LABEL_ROW = np.dtype(
    [(name, "<i8") for name in _NUMBERS]
    + [
        ("kind", "u1"),
        ("side", "i1"),
        ("direction", "i1"),
        ("difficulty", "u1"),
        ("reserved", "<u4"),
    ]
)


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One injected scenario; lots, ticks and ns as in the table above."""

    kind: str
    side: int
    direction: int
    difficulty: str
    start_ns: int
    stop_ns: int
    key_ns: int
    low: int
    high: int
    peak_lots: int
    traded_lots: int
    cancelled_lots: int
    injected_lots: int
    count: int


def labels_of(rows: NDArray[Any]) -> list[Label]:
    """Return LABEL_ROW records, (n,), as Labels."""
    return [
        Label(
            kind=SCENARIO_KINDS[int(row["kind"])],
            difficulty=DIFFICULTIES[int(row["difficulty"])],
            side=int(row["side"]),
            direction=int(row["direction"]),
            **{name: int(row[name]) for name in _NUMBERS},
        )
        for row in rows
    ]


def came_about(label: Label) -> bool:
    """Tell whether the market let a scenario be what its kind means, by the truth of its orders.

    The background may eat a wall before it is pulled, or be first at a level that was to be swept:
    such a label asks nothing of a detector.
    """
    if label.key_ns == 0:
        return False  # given up on the way
    peak = label.peak_lots
    if label.kind == "iceberg":
        return label.count >= 3 and label.traded_lots >= 3 * peak
    if label.kind == "wall_pull":
        near = label.count <= 3
        return near and label.traded_lots <= 0.05 * peak and label.cancelled_lots >= 0.8 * peak
    if label.kind == "vacuum":
        lost = peak - peak * label.count // 100
        return label.traded_lots <= 0.3 * lost  # else it was eaten (R5.5)
    if label.kind == "push_through":
        return label.count > 0 and label.traded_lots >= 0.7 * peak
    if label.kind == "cascade":
        return label.count >= 3
    if label.kind == "exhaustion":
        return label.count > 0
    return True
