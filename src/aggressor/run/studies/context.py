"""`aggressor context`: what is known of the surroundings at the end of a span, or why it is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from aggressor.engine.facts import facts_of
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import Study, candles_of
from aggressor.schema.errors import StoreError
from aggressor.schema.event import NO_TIME


def context(
    store: Path | str,
    instrument: str,
    *,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    profile: str = "perp",
    candles: Sequence[Path] = (),
    progress: Step = silent,
) -> dict[str, Any]:
    """Return what is known at the end of the span. Raises StoreError where nothing was received."""
    study = Study(
        store,
        instrument,
        start_ns=start_ns,
        stop_ns=stop_ns,
        profile=profile,
        candles=candles,
    )
    *_, moment = study.moments(progress=progress)
    if moment.now_ns == NO_TIME:
        raise StoreError(f"Nothing of {instrument} was received in that span.")
    facts = facts_of(moment.pipe, study.lane, study.definition, moment.now_ns)
    return {
        "instrument": instrument,
        "at_ns": moment.now_ns,
        "context": [msgspec.to_builtins(one) for one in facts],
        **candles_of(study),
    }
