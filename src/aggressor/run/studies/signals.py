"""`aggressor signals`: what the detectors said in a span of a store, and what they nearly said.

A signal is a confirmed row. A near-miss is an episode that ended otherwise; it names the condition
that failed. Rows that only say that an episode has begun are neither. Signals come in the order in
which they became known. Memory holds the rows that are shown, never the span.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pyarrow as pa

from aggressor.engine.reading import Signal, read_signals
from aggressor.run.parquet import with_units, write_parquet
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import Asked, Study, candles_of
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import (
    CONFIRMED,
    EXPIRED,
    PHASE_NAMES,
    REJECTED,
    SIGNAL_NAMES,
    Signals,
    empty_signals,
)

_UNITS = {"low": "ticks", "high": "ticks", "armed_ns": "ns", "confirmed_ns": "ns", "known_ns": "ns"}
_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("phase", pa.string()),
        ("failed", pa.string()),
        ("side", pa.int8()),
        ("direction", pa.int8()),
        ("armed_ns", pa.int64()),
        ("confirmed_ns", pa.int64()),
        ("known_ns", pa.int64()),
        ("low", pa.int32()),
        ("high", pa.int32()),
        ("low_text", pa.string()),
        ("high_text", pa.string()),
        ("score", pa.float64()),
        ("provisional", pa.bool_()),
        ("episode", pa.int64()),
        ("params", pa.string()),
        ("evidence", pa.map_(pa.string(), pa.float64())),
    ]
)


def kind_named(name: str | None) -> int | None:
    """Return the number of a detector, None for None; raise ConfigError for an unknown name."""
    if name is None:
        return None
    wanted = name.replace("-", "_")
    for kind, known in SIGNAL_NAMES.items():
        if known == wanted:
            return kind
    raise ConfigError(
        f"There is no detector {name!r}; there is {', '.join(SIGNAL_NAMES.values())}."
    )


def wanted_rows(rows: Signals, kind: int | None, near_misses: bool) -> Signals:
    """Return the rows that are signals, and near-misses where asked, of one kind or all."""
    phases = [CONFIRMED, REJECTED, EXPIRED] if near_misses else [CONFIRMED]
    chosen = np.isin(rows["phase"], phases)
    if kind is not None:
        chosen &= rows["kind"] == kind
    return rows[chosen]


def signal_rows(
    study: Study, kind: str | None = None, near_misses: bool = False, progress: Step = silent
) -> Iterator[Signals]:
    """Yield the SIGNAL rows of a study in batches, as they became known."""
    number = kind_named(kind)
    for moment in study.moments(progress=progress):
        rows = wanted_rows(moment.signals, number, near_misses)
        if rows.size:
            yield rows


def signals(
    store: Path | str,
    instrument: str,
    *,
    kind: str | None = None,
    near_misses: bool = False,
    progress: Step = silent,
    **asked: Unpack[Asked],
) -> dict[str, Any]:
    """Return the document of the command; `near_misses` is empty unless they are asked for."""
    study = Study(store, instrument, **asked)
    batches = list(signal_rows(study, kind, near_misses, progress))
    rows = np.concatenate(batches) if batches else empty_signals(0)
    return signals_document(study.definition, rows) | candles_of(study)


def signals_document(instrument: Instrument, rows: Signals) -> dict[str, Any]:
    """Return SIGNAL rows of one instrument as exact text and numbers."""
    read = read_signals(rows)
    return {
        "instrument": instrument.id,
        "signals": [_document(one, instrument) for one in read if one.phase == CONFIRMED],
        "near_misses": [
            {**_document(one, instrument), "failed": one.failed or PHASE_NAMES[one.phase]}
            for one in read
            if one.phase in (REJECTED, EXPIRED)
        ],
    }


def _document(one: Signal, instrument: Instrument) -> dict[str, Any]:
    return {
        "kind": SIGNAL_NAMES[one.kind],
        "side": one.side,
        "direction": one.direction,
        "armed_ns": _time(one.ts_armed),
        "confirmed_ns": _time(one.ts_confirmed),
        "known_ns": one.ts_known,
        "low": _price(one.low, instrument),
        "high": _price(one.high, instrument),
        "score": one.score,
        "provisional": bool(one.provisional),
        "evidence": dict(one.evidence),
    }


def _time(ns: int) -> int | None:
    return None if ns == NO_TIME else ns


def _price(ticks: int, instrument: Instrument) -> str | None:
    return None if ticks == NO_PRICE else instrument.price_text(ticks)


def signals_table(rows: Signals, instrument: Instrument) -> pa.Table:
    """Return SIGNAL rows as columns: integers in ticks and ns beside the exact prices as text."""
    read = read_signals(rows)
    columns = {
        "kind": [SIGNAL_NAMES[one.kind] for one in read],
        "phase": [PHASE_NAMES[one.phase] for one in read],
        "failed": [one.failed or None for one in read],
        "side": [one.side for one in read],
        "direction": [one.direction for one in read],
        "armed_ns": [_time(one.ts_armed) for one in read],
        "confirmed_ns": [_time(one.ts_confirmed) for one in read],
        "known_ns": [one.ts_known for one in read],
        "low": [None if one.low == NO_PRICE else one.low for one in read],
        "high": [None if one.high == NO_PRICE else one.high for one in read],
        "low_text": [_price(one.low, instrument) for one in read],
        "high_text": [_price(one.high, instrument) for one in read],
        "score": [one.score for one in read],
        "provisional": [bool(one.provisional) for one in read],
        "episode": [one.episode for one in read],
        "params": [f"{one.params:016x}" for one in read],
        "evidence": [list(one.evidence.items()) for one in read],
    }
    return pa.table(columns, schema=with_units(_SCHEMA, _UNITS, instrument))


def signals_parquet(
    store: Path | str,
    instrument: str,
    file: Path | str,
    *,
    kind: str | None = None,
    near_misses: bool = False,
    progress: Step = silent,
    **asked: Unpack[Asked],
) -> dict[str, Any]:
    """Write the same rows to a Parquet file as they come; return what was written where."""
    study = Study(store, instrument, **asked)
    first = [empty_signals(0)]  # a span without signals is a file without rows
    batches = (
        signals_table(rows, study.definition)
        for part in (first, signal_rows(study, kind, near_misses, progress))
        for rows in part
    )
    written = write_parquet(file, batches)
    return {"instrument": instrument, "signals": written, "parquet": str(file)} | candles_of(study)
