"""Values a View hands out: measures that know how ripe they are, walls, bars, signals by name.

What is not known is None, or a `Measure` that says so: "no" and "not known" are two answers (R0.3).
Prices ticks, sizes lots, times ns.
"""

from collections.abc import Mapping
from copy import deepcopy
from enum import IntEnum
from typing import Any, NamedTuple

from numpy.typing import NDArray

from aggressor.detectors import (
    absorption,
    cascade,
    divergence,
    exhaustion,
    iceberg,
    pull,
    push_records,
    stacking,
    stop_run,
    trapped,
    vacuum,
    wall,
)
from aggressor.schema.signal import (
    ABSORPTION,
    CASCADE,
    DIVERGENCE,
    EXHAUSTION,
    ICEBERG,
    PHASE_NAMES,
    PROVISIONAL_NAMES,
    PULL,
    PUSH_THROUGH,
    SIGNAL_NAMES,
    STACKING,
    STOP_RUN,
    TRAPPED,
    VACUUM,
    WALL,
    Signals,
)


class Columns:
    """The fields of an array of records, each as a function from place to a plain number.

    A record's own field costs three times as much to read: at every decision some forty are. One
    is looked up when it is first asked for.
    """

    def __init__(self, records: NDArray[Any]) -> None:
        self._records = records

    def __getattr__(self, name: str) -> Any:
        """Return what reads the field of that name."""
        if name.startswith("_"):
            raise AttributeError(name)
        found = self._records[name].item
        self.__dict__[name] = found
        return found

    def __deepcopy__(self, memo: dict[int, Any]) -> "Columns":
        """Return the fields of the copied records: what was looked up reads the ones before."""
        return Columns(deepcopy(self._records, memo))


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


class GoneWall(NamedTuple):
    """A wall that no longer stands."""

    price: int
    peak: int  # lots
    side: int  # +1 bid, -1 ask
    age_ns: int  # of its level, by the ledger, when it ended
    ended_ns: int


class Flow(NamedTuple):
    """What traded in a span of receive time; prices None where nothing did."""

    bought: int  # lots, by aggressors
    sold: int
    low: int | None
    high: int | None
    last: int | None

    @property
    def delta(self) -> int:
        """Lots bought less lots sold."""
        return self.bought - self.sold


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


_DETECTORS: Mapping[int, Any] = {
    EXHAUSTION: exhaustion,
    WALL: wall,
    DIVERGENCE: divergence,
    STACKING: stacking,
    ABSORPTION: absorption,
    ICEBERG: iceberg,
    PULL: pull,
    VACUUM: vacuum,
    PUSH_THROUGH: push_records,
    STOP_RUN: stop_run,
    TRAPPED: trapped,
    CASCADE: cascade,
}
EVIDENCE_NAMES: Mapping[int, tuple[str, ...]] = {n: d.EVIDENCE for n, d in _DETECTORS.items()}
CONDITION_NAMES: Mapping[int, tuple[str, ...]] = {n: d.CONDITIONS for n, d in _DETECTORS.items()}


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
        return said(self.kind, self.phase, self.failed, self.provisional)


def said(kind: int, phase: int, failed: str, provisional: int) -> str:
    """Return in words what a signal says: kind, phase, why."""
    text = f"{SIGNAL_NAMES[kind]} {PHASE_NAMES[phase]}"
    if failed:
        text += f" ({failed})"
    if provisional:
        text += f", provisional: {PROVISIONAL_NAMES[provisional]}"
    return text


_ROW_FIELDS = [name for name in Signal._fields if name not in ("failed", "evidence")]


def read_signals(rows: Signals) -> list[Signal]:
    """Return SIGNAL rows (n,) with their evidence and their failed condition by name."""
    fields = [rows[name].tolist() for name in _ROW_FIELDS]
    return [
        Signal(
            **dict(zip(_ROW_FIELDS, values, strict=True)),
            failed=CONDITION_NAMES[values[0]][failed],
            evidence=dict(zip(EVIDENCE_NAMES[values[0]], evidence, strict=False)),
        )
        for *values, failed, evidence in zip(
            *fields, rows["failed"].tolist(), rows["evidence"].tolist(), strict=True
        )
    ]


def count_signals(counts: Mapping[tuple[int, int, int, int], int]) -> dict[str, int]:
    """Return how many signals said each thing, most frequent first, from `Journal.said`."""
    words = {
        said(kind, phase, CONDITION_NAMES[kind][failed], provisional): count
        for (kind, phase, failed, provisional), count in sorted(counts.items())
    }
    return dict(sorted(words.items(), key=lambda one: -one[1]))
