"""`aggressor rates`: how often each detector speaks on a recording, held against R10.6's goal.

Thresholds are set by rate, never by profit: 5 to 50 events a day and instrument. Counted are
episodes with a CONFIRMED row, from the first on; one that was taken back later (REJECTED) counts as
it did when somebody could have acted on it. Beside them stand the near-misses by the condition that
failed: the one that fails most is the one whose threshold sets the rate.

The verdict is one of the interval (Poisson, 95 %; Breslow and Day 1987), not of the estimate: a
recording that is too short to tell, and any of less than LEAST_DAYS, says "not enough data".

    in      the whole interval lies in the goal          below, above   the whole of it does not
"""

from collections import Counter
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np

from aggressor.engine.reading import read_signals
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import Asked, Study, candles_of
from aggressor.schema.signal import (
    CONFIRMED,
    EXPIRED,
    PHASE_NAMES,
    REJECTED,
    SIGNAL_NAMES,
    WALL,
)
from aggressor.sim.synthetic.scoring import Z95
from aggressor.store.layout import DAY_NS

GOAL_A_DAY = (5.0, 50.0)
LEAST_DAYS = 0.75  # shorter, even silence proves nothing; and hours of a day are not alike
IN = "in"
UNKNOWN = "not enough data"
_SHOWN = 3  # conditions named of the near-misses


def rate_interval(count: int, days: float) -> tuple[float, float]:
    """Return the 95 % interval of a Poisson rate a day (Byar's approximation; exact to 0.02)."""
    low = count * (1 - 1 / (9 * count) - Z95 / (3 * sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + Z95 / (3 * sqrt(more))) ** 3
    return low / days, high / days


def verdict(low: float, high: float, goal: tuple[float, float] = GOAL_A_DAY) -> str:
    """Return where an interval of the rate a day lies: below, in or above the goal, or unknown."""
    if high < goal[0]:
        return "below"
    if low > goal[1]:
        return "above"
    return IN if low >= goal[0] and high <= goal[1] else UNKNOWN


class Heard(NamedTuple):
    """What the detectors said over a span, by kind of signal."""

    days: float
    firm: dict[int, dict[int, bool]]  # confirmed episode -> it was not provisional
    missed: dict[int, Counter[str]]  # condition that failed -> episodes

    def rate(self, kind: int, goal: tuple[float, float] = GOAL_A_DAY) -> dict[str, Any]:
        """Return count, rate a day, its interval and the verdict on it for one detector."""
        count, days = len(self.firm[kind]), self.days
        interval = rate_interval(count, days) if days > 0 else None
        return {
            "confirmed": count,
            "per_day": count / days if days > 0 else None,
            "per_day_interval": interval,
            "verdict": verdict(*interval, goal) if interval and days >= LEAST_DAYS else UNKNOWN,
        }


def listen(study: Study, progress: Step = silent) -> Heard:
    """Run a study and count what its detectors say."""
    firm: dict[int, dict[int, bool]] = {kind: {} for kind in SIGNAL_NAMES}
    missed: dict[int, Counter[str]] = {kind: Counter() for kind in SIGNAL_NAMES}
    for moment in study.moments(progress=progress):
        rows = moment.signals[np.isin(moment.signals["phase"], (CONFIRMED, REJECTED, EXPIRED))]
        for one in read_signals(rows):
            if one.phase == CONFIRMED:
                firm[one.kind].setdefault(one.episode, not one.provisional)
            elif one.episode not in firm[one.kind]:
                missed[one.kind][one.failed or PHASE_NAMES[one.phase]] += 1
    covered = study.covered_ns
    return Heard((covered[1] - covered[0]) / DAY_NS if covered else 0.0, firm, missed)


def rates(
    store: Path | str,
    instrument: str,
    *,
    progress: Step = silent,
    **asked: Unpack[Asked],
) -> dict[str, Any]:
    """Return the document of the command; WALL argues for nothing and has no goal."""
    study = Study(store, instrument, **asked)
    heard = listen(study, progress)
    return {
        "instrument": study.definition.id,
        "profile": study.profile,
        "hours": 24 * heard.days,
        "goal_per_day": list(GOAL_A_DAY),
        "detectors": [_row(heard, kind) for kind in SIGNAL_NAMES if kind != WALL],
    } | candles_of(study)


def _row(heard: Heard, kind: int) -> dict[str, Any]:
    """Return what is told of one detector."""
    firm, missed = heard.firm[kind], heard.missed[kind]
    return {
        "detector": SIGNAL_NAMES[kind],
        **heard.rate(kind),
        "provisional": len(firm) - sum(firm.values()),
        "near_misses": missed.total(),
        "failed": dict(missed.most_common(_SHOWN)),
    }
