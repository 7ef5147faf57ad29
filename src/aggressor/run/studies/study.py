"""`aggressor study`: what the literature claims of order flow, held against one recording (R11).

Each figure comes with its interval and what it rests on; where the recording does not suffice the
answer is "not shown" and the reason. What is measured is of the recording's minutes or days and of
no others.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import CHUNK_ROWS, Study
from aggressor.run.studies.tape import taker_orders
from aggressor.schema.errors import StoreError
from aggressor.schema.event import Events
from aggressor.study.pressure import HORIZONS_S, study_levels, study_pressure
from aggressor.study.readings import read_all
from aggressor.study.signs import study_signs

PICTURES = (
    "The book is known from whole pictures only: flow that came and went between two of them is "
    "missing, so these figures must not be held against those of a feed of deltas."
)
SHORT = "One recording of {minutes:.1f} minutes: the intervals say nothing of other hours."
_SHORT_NS = 24 * 3_600_000_000_000
_PICTURE_SHARE = 0.5


def study(
    store: Path | str,
    instrument: str,
    what: str = "all",
    *,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    profile: str = "perp",
    progress: Step = silent,
) -> dict[str, Any]:
    """Return what a span shows and what it does not. Raises StoreError where it holds nothing."""
    asked = Study(store, instrument, start_ns=start_ns, stop_ns=stop_ns, profile=profile)
    covered = asked.covered_ns
    if covered is None:
        raise StoreError(f"Nothing of {instrument} was received in that span.")
    minutes = (covered[1] - covered[0]) / 60e9
    found: dict[str, Any] = {
        "instrument": instrument,
        "from_ns": covered[0],
        "to_ns": covered[1],
        "notes": [] if covered[1] - covered[0] > _SHORT_NS else [SHORT.format(minutes=minutes)],
    }
    if what in ("ofi", "all"):
        readings = read_all(_batches(asked, progress))
        rows = readings.rows[readings.rows["ts_recv"] >= asked.start_ns]
        if readings.picture_share > _PICTURE_SHARE:
            found["notes"].append(PICTURES)
        found["pressure"] = [study_pressure(rows, horizon) for horizon in HORIZONS_S]
        found["levels"] = [study_levels(rows, horizon) for horizon in HORIZONS_S]
    if what in ("signs", "all"):
        found["signs"] = study_signs(_sides(asked, progress))
    return msgspec.to_builtins(found)


def _batches(asked: Study, progress: Step) -> Iterator[Events]:
    feed = asked.replay()
    while (events := feed.poll(CHUNK_ROWS)).size:
        yield events
        progress("reading the book", None)


def _sides(asked: Study, progress: Step) -> NDArray[Any]:
    """Return the side of every taker order of the span, in order."""
    sides = [rows["side"].copy() for rows in taker_orders(asked, progress)]
    return np.concatenate(sides) if sides else np.zeros(0, np.int8)
