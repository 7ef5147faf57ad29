"""Signals held against labels: which scenarios a detector found, and what it said of nothing.

What counts is the first CONFIRMED row of an episode (later rows of the same episode upgrade or
resolve it), from the end of the warm-up on. A signal *meets* a label when

    kind       it is the kind that the label's kind calls for (DETECTOR_OF)
    direction  it argues for what the label argues for (see `argued`); where it argues for nothing,
               its side is the label's
    zone       its zone, widened by `tolerance_ticks`, overlaps the label's
    time       it was confirmed from the label's start to `grace_ns` after its stop

In order of confirmation each signal then is one of:

    found      it meets a label that nothing met before: each label is found at most once
    repeat     it meets labels, but all were found before: neither found nor false
    explained  it meets no label, but overlaps in time and zone a label that holds its pattern by
               construction (PART_OF: an iceberg that is eaten *is* absorption, the makers beyond a
               swing who fill their ticks up while they are run over are icebergs, a run ends in
               stacked imbalances and rows bought up one after the other are a run, what a run gives
               back is one the other way, large orders that a scenario leaves are cancelled, and
               some of the background's are, once price came near, or are eaten; rows that it lets
               rest are eaten, makers who hold an extreme are icebergs, between the swings that are
               wanted lie others, who buys up a row for a minute meets it filled up again and
               again, takers who then stop lead price to a wall that is to be pulled and through
               the void), or a scenario of its own kind that did not come about; for one
               that leads the price all the while (STEERED) time is enough
    false      anything else; counted once, for its own detector, whatever else it overlaps

Labels that the market did not let come about (`labels.came_about`) are not asked for. Precision is
found / (found + false), recall found / injected; both with Wilson intervals. Delay is from the
label's key time, when its pattern is complete, to when the signal was known; below 0 is before.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from aggressor.schema.signal import (
    ABSORPTION,
    CASCADE,
    CONFIRMED,
    DIVERGENCE,
    EXHAUSTION,
    ICEBERG,
    PULL,
    PUSH_THROUGH,
    SIGNAL_NAMES,
    STACKING,
    STOP_RUN,
    TRAPPED,
    VACUUM,
    Signals,
)
from aggressor.sim.synthetic.labels import Label, came_about
from aggressor.sim.synthetic.large_orders import CONSUMPTION, WITHDRAWAL
from aggressor.sim.synthetic.spent_runs import SPENT_RUN

DETECTOR_OF = {
    "absorption": ABSORPTION,
    "exhaustion": EXHAUSTION,
    "iceberg": ICEBERG,
    "wall_pull": PULL,
    "vacuum": VACUUM,
    "push_through": PUSH_THROUGH,
    "stop_run": STOP_RUN,
    "cascade": CASCADE,
    "trapped": TRAPPED,
    "divergence": DIVERGENCE,
    "stacking": STACKING,
}
AGAINST = ("exhaustion", "stop_run", "trapped", "divergence", SPENT_RUN)  # their direction
NATURAL = (WITHDRAWAL, CONSUMPTION, SPENT_RUN)  # of the background; they explain their own side
PART_OF = {
    ABSORPTION: ("iceberg", "exhaustion", "stop_run", "trapped", "divergence", "stacking"),
    ICEBERG: ("absorption", "exhaustion", "stop_run", "trapped", "divergence", "stacking"),
    EXHAUSTION: (
        "stop_run",
        "trapped",
        "cascade",
        "divergence",
        "stacking",
        "exhaustion",
        "wall_pull",
        SPENT_RUN,
    ),
    STACKING: (
        "exhaustion",
        "cascade",
        "push_through",
        "wall_pull",
        "vacuum",
        "stop_run",
        "trapped",
        "divergence",
    ),
    VACUUM: ("cascade",),
    PUSH_THROUGH: ("stacking", "divergence", "exhaustion", "cascade", CONSUMPTION),
    PULL: (WITHDRAWAL,),
    STOP_RUN: ("trapped", "exhaustion", "divergence"),
    TRAPPED: ("stop_run", "exhaustion", "divergence"),
    DIVERGENCE: ("divergence",),
}
STEERED = (
    "divergence",
    "stop_run",
    "trapped",
    "cascade",
)  # every price from start to stop is theirs
RESTED = (ABSORPTION, ICEBERG, PUSH_THROUGH, PULL)  # are of lots that rest
BRIEF = {
    WITHDRAWAL: 3_000_000_000,
    CONSUMPTION: 3_000_000_000,
    SPENT_RUN: 0,
}  # the grace of what explains for a moment only
GRACE_NS = 30_000_000_000  # the longest that a confirmation may take after all has happened (R5.1)
TOLERANCE_TICKS = 3
Z95 = 1.959963984540054


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the signals and labels of one detector."""

    injected: int = 0
    found: int = 0
    false: int = 0
    repeats: int = 0
    explained: int = 0
    delays_ns: tuple[int, ...] = ()

    def plus(self, other: "Score") -> "Score":
        """Return both together."""
        return Score(
            injected=self.injected + other.injected,
            found=self.found + other.found,
            false=self.false + other.false,
            repeats=self.repeats + other.repeats,
            explained=self.explained + other.explained,
            delays_ns=self.delays_ns + other.delays_ns,
        )

    @property
    def precision(self) -> float | None:
        """Return found / (found + false), None when nothing was said."""
        said = self.found + self.false
        return self.found / said if said else None

    @property
    def recall(self) -> float | None:
        """Return found / injected, None when nothing was injected."""
        return self.found / self.injected if self.injected else None

    @property
    def delay_ms_p50(self) -> float | None:
        """Return the median delay in ms, None when nothing was found."""
        return float(np.median(self.delays_ns)) / 1e6 if self.delays_ns else None


def wilson(hits: int, trials: int, z: float = Z95) -> tuple[float, float] | None:
    """Return the Wilson interval of a rate (R10.2), None without trials."""
    if trials == 0:
        return None
    share = hits / trials
    spread = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / spread
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2)) / spread
    return max(0.0, centre - half), min(1.0, centre + half)


def argued(label: Label) -> int:
    """Return what a detector of this label should argue for: +1 up, -1 down."""
    return -label.direction if label.kind in AGAINST else label.direction


def first_confirmed(signals: Signals, since_ns: int) -> Signals:
    """Return the first CONFIRMED row of each episode, in order of confirmation, from `since_ns`."""
    rows = signals[signals["phase"] == CONFIRMED]
    rows = rows[np.argsort(rows["ts_known"], kind="stable")]
    keys = np.stack([rows["instrument"], rows["kind"], rows["episode"]]).astype(np.int64)
    _, first = np.unique(keys, axis=1, return_index=True)
    rows = rows[np.sort(first)]
    return rows[rows["ts_confirmed"] >= since_ns]


def overlaps(signal: Any, label: Label, grace_ns: int, tolerance_ticks: int) -> bool:
    """Tell whether a SIGNAL row and a label share time and zone; of a single price, that price."""
    if label.kind in (WITHDRAWAL, CONSUMPTION):
        tolerance_ticks = 0
    below = int(signal["high"]) + tolerance_ticks < label.low
    above = int(signal["low"]) - tolerance_ticks > label.high
    return _in_time(signal, label, grace_ns) and not below and not above


def _in_time(signal: Any, label: Label, grace_ns: int) -> bool:
    """Tell whether a SIGNAL row was confirmed during a scenario or its grace."""
    grace_ns = BRIEF.get(label.kind, grace_ns)
    return bool(label.start_ns <= signal["ts_confirmed"] <= label.stop_ns + grace_ns)


def agrees(signal: Any, label: Label) -> bool:
    """Tell whether a SIGNAL row is of the kind, and speaks of the side, that the label asks for."""
    if DETECTOR_OF.get(label.kind) != signal["kind"]:
        return False
    if signal["direction"] != 0:
        return bool(signal["direction"] == argued(label))
    return bool(signal["side"] == (label.side or label.direction))


def score_signals(
    signals: Signals,
    labels: Sequence[Label],
    *,
    since_ns: int = 0,
    grace_ns: int = GRACE_NS,
    tolerance_ticks: int = TOLERANCE_TICKS,
) -> dict[int, Score]:
    """Return the Score of each detector over one tape; see the module text for the rules."""
    asked = [came_about(label) for label in labels]
    found: set[int] = set()
    tally = {
        kind: {"found": 0, "false": 0, "repeats": 0, "explained": 0}
        for kind in DETECTOR_OF.values()
    }
    delays: dict[int, list[int]] = {kind: [] for kind in tally}
    for signal in first_confirmed(signals, since_ns):
        kind = int(signal["kind"])
        if kind not in tally:
            continue
        near, around = [], []
        for k, one in enumerate(labels):
            if overlaps(signal, one, grace_ns, tolerance_ticks):
                near.append(k)
            elif one.kind in STEERED and _in_time(signal, one, grace_ns):
                around.append(k)
        met = [k for k in near if asked[k] and agrees(signal, labels[k])]
        fresh = [k for k in met if k not in found]
        if fresh:
            found.add(fresh[0])
            tally[kind]["found"] += 1
            delays[kind].append(int(signal["ts_known"]) - labels[fresh[0]].key_ns)
        elif met:
            tally[kind]["repeats"] += 1
        elif any(_explains(labels[k], asked[k], signal) for k in near + around):
            tally[kind]["explained"] += 1
        else:
            tally[kind]["false"] += 1
    injected = [
        DETECTOR_OF[one.kind] for one, is_asked in zip(labels, asked, strict=True) if is_asked
    ]
    return {
        kind: Score(injected=injected.count(kind), delays_ns=tuple(delays[kind]), **counts)
        for kind, counts in tally.items()
    }


def _explains(label: Label, is_asked: bool, signal: Any) -> bool:
    """Tell whether the scenario of a label accounts for a signal that it does not ask for."""
    if not is_asked and agrees(signal, label):
        return True
    if label.kind in NATURAL and signal["direction"] != argued(label):
        return False
    if label.kind == "wall_pull" and signal["kind"] == EXHAUSTION:
        return bool(signal["side"] == -label.side)  # of a run to the wall, none away from it
    if label.kind == "stacking" and label.traded_lots == 0 and signal["kind"] in RESTED:
        return False  # none of its own rested, to be eaten and filled up: on the martingale
    return label.kind in PART_OF.get(int(signal["kind"]), ())


def alarms(signals: Signals, since_ns: int) -> dict[int, int]:
    """Return how often each detector confirmed anything, on a tape in which there is nothing."""
    kinds = first_confirmed(signals, since_ns)["kind"]
    return {kind: int(np.count_nonzero(kinds == kind)) for kind in DETECTOR_OF.values()}


def detector_name(kind: int) -> str:
    """Return the name of a detector."""
    return SIGNAL_NAMES[kind]
