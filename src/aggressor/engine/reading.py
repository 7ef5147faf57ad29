"""Values a View hands out: measures that know how ripe they are, walls, bars, signals by name.

What is not known is None, or a `Measure` that says so: "no" and "not known" are two answers (R0.3).
Prices ticks, sizes lots, times ns.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from aggressor.detectors import exhaustion, wall
from aggressor.schema.signal import (
    EXHAUSTION,
    PHASE_NAMES,
    PROVISIONAL_NAMES,
    SIGNAL_NAMES,
    WALL,
)


class Ripeness(IntEnum):
    """How much history stands behind a measure (R0.3)."""

    UNKNOWN = 0  # below 200 samples or 60 s: the value is None
    YOUNG = 1  # below 10 minutes: a value, not to be traded on unless told to
    RIPE = 2


class Measure(NamedTuple):
    """A number with the ripeness of its baseline."""

    value: float | None
    state: Ripeness


UNKNOWN = Measure(None, Ripeness.UNKNOWN)


class Wall(NamedTuple):
    """A standing level that R1.6 calls a wall."""

    price: int
    size: int
    z: float
    age_ns: int  # since the level was first seen at wall size
    side: int  # +1 bid, -1 ask


class Bar(NamedTuple):
    """A bar that closed since the previous decision."""

    period_ns: int  # 0 for bars that are not cut by time
    open_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    delta: int


EVIDENCE_NAMES: Mapping[int, tuple[str, ...]] = {
    EXHAUSTION: exhaustion.EVIDENCE,
    WALL: wall.EVIDENCE,
}
CONDITION_NAMES: Mapping[int, tuple[str, ...]] = {
    EXHAUSTION: exhaustion.CONDITIONS,
    WALL: wall.CONDITIONS,
}


class Signal(NamedTuple):
    """One SIGNAL row in words."""

    kind: int
    phase: int
    direction: int
    side: int
    episode: int
    ts_armed: int
    ts_confirmed: int
    ts_known: int
    provisional: int
    score: float
    low: int
    high: int
    failed: str
    params: int
    instrument: int
    evidence: Mapping[str, float]

    def described(self) -> str:
        """Return one short line: kind, phase, why."""
        text = f"{SIGNAL_NAMES[self.kind]} {PHASE_NAMES[self.phase]}"
        if self.failed:
            text += f" ({self.failed})"
        if self.provisional:
            text += f", provisional: {PROVISIONAL_NAMES[self.provisional]}"
        return text


def read_signal(row: Any) -> Signal:
    """Return a SIGNAL row with its evidence and its failed condition by name."""
    kind = int(row["kind"])
    names = EVIDENCE_NAMES[kind]
    return Signal(
        kind=kind,
        phase=int(row["phase"]),
        direction=int(row["direction"]),
        side=int(row["side"]),
        episode=int(row["episode"]),
        ts_armed=int(row["ts_armed"]),
        ts_confirmed=int(row["ts_confirmed"]),
        ts_known=int(row["ts_known"]),
        provisional=int(row["provisional"]),
        score=float(row["score"]),
        low=int(row["low"]),
        high=int(row["high"]),
        failed=CONDITION_NAMES[kind][int(row["failed"])],
        params=int(row["params"]),
        instrument=int(row["instrument"]),
        evidence={name: float(row["evidence"][j]) for j, name in enumerate(names)},
    )
