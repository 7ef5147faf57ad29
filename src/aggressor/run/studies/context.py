"""`aggressor context`: what is known of the surroundings at the end of a span, or why it is not."""

from pathlib import Path
from typing import Any, Unpack

import msgspec
import pyarrow as pa

from aggressor.engine.facts import facts_of
from aggressor.run.parquet import write_parquet
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import Asked, Study, candles_of
from aggressor.schema.errors import StoreError
from aggressor.schema.event import NO_TIME


def context(
    store: Path | str,
    instrument: str,
    *,
    progress: Step = silent,
    **asked: Unpack[Asked],
) -> dict[str, Any]:
    """Return what is known at the end of the span. Raises StoreError where nothing was received."""
    study = Study(store, instrument, **asked)
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


def context_parquet(found: dict[str, Any], file: Path) -> dict[str, Any]:
    """Write the lines of `context` as rows: a number in `value`, words in `text`, else `why`.

    Raises StoreError where the file cannot be written.
    """
    rows = [
        {
            "at_ns": found["at_ns"],
            **{
                name: one[name] for name in ("topic", "name", "unit", "young", "age_seconds", "why")
            },
            "value": None if isinstance(one["value"], str | None) else float(one["value"]),
            "text": one["value"] if isinstance(one["value"], str) else None,
        }
        for one in found["context"]
    ]
    table = pa.Table.from_pylist(rows, _ROWS)
    return {
        "instrument": found["instrument"],
        "rows": write_parquet(file, [table]),
        "parquet": str(file),
    }


_SAME = ("topic", "name", "unit", "young", "age_seconds", "why")
_ROWS = pa.schema(
    [
        ("at_ns", pa.int64()),
        ("topic", pa.string()),
        ("name", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("unit", pa.string()),
        ("young", pa.bool_()),
        ("age_seconds", pa.float64()),
        ("why", pa.string()),
    ]
)
