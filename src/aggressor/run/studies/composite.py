"""`aggressor composite`: venues of one underlying side by side, and which of them moves first.

The composite itself is the pipeline's (R6.4, R6.5); here it is read once a second and at the end.
A venue that is left out is named with the reasons. Lead and lag are read from the changes of the
mids by the venues' clocks. What those clocks differ by is not known from a recording: the smallest
delays of two venues differ by clocks and lines together, so that difference, and never less than
the resolution of the stamps, is the bound within which no leader is named.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aggressor.context.lead_lag import Leader, lead_lag, quote_changes
from aggressor.market.composite_records import NO_GROUP, out_names
from aggressor.run.parquet import write_parquet
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import CHUNK_ROWS, Study
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.study.mids import mid_changes

SECOND_NS = 1_000_000_000
LAGS_NS = np.arange(-100, 101, dtype=np.int64) * 10_000_000
STAMP_NS = 1_000_000  # venues stamp whole milliseconds
NO_QUOTE = (
    "No tradable price: fees, transfers, latency and the basis stand between the venues. It says "
    "how much rests and trades near, and on which side."
)
_GROUP = ("mid", "bid_base", "ask_base", "live", "bought", "sold", "unknown", "cvd")
_LANE = ("mid", "basis", "deviation_bp", "bid_base", "ask_base", "left_out_base", "out")


def composite(
    store: Path | str,
    instruments: Sequence[str],
    *,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    profile: str = "perp",
    progress: Step = silent,
) -> dict[str, Any]:
    """Return the document of the command; raises ConfigError and StoreError as `opened`."""
    study = opened(store, instruments, start_ns, stop_ns, profile)
    live, seconds, moment = np.zeros(len(instruments), np.int64), 0, None
    for moment in study.moments(SECOND_NS, progress):
        if not moment.last:
            live += moment.pipe.composite.rows["out"] == 0
            seconds += 1
    assert moment is not None, "a study ends with a moment"
    state = moment.pipe.composite
    group, rows = state.groups[0], state.rows
    limits = state.parameters[0]
    return {
        "base": study.definition.base,
        "reference": study.definitions[int(group["reference"])].id,
        "at_ns": moment.now_ns,
        "seconds": seconds,
        "book": {
            "live": int(group["live"]),
            "mid": _number(group["mid"]),
            "reach_bp": float(limits["reach_bp"]),
            "bid_base": float(group["bid_base"]),
            "ask_base": float(group["ask_base"]),
            "truncated": bool(group["truncated"]),
        },
        "tape": {name: float(group[name]) for name in ("bought", "sold", "unknown", "cvd")}
        | {"prints": int(group["prints"])},
        "venues": [
            _venue(one, row, int(count), seconds)
            for one, row, count in zip(study.definitions, rows, live, strict=True)
        ],
        "lead_lag": lead_lags(study, progress),
        "notes": [NO_QUOTE],
    }


def opened(
    store: Path | str,
    instruments: Sequence[str],
    start_ns: int | None,
    stop_ns: int | None,
    profile: str,
) -> Study:
    """Open instruments of one underlying, the first of them first.

    Raises ConfigError where they are fewer than two, repeated or of several underlyings, and
    StoreError for what the store does not hold.
    """
    if len(instruments) < 2 or len(set(instruments)) < len(instruments):
        raise ConfigError("A composite is made of at least two different instruments: name them.")
    first, *beside = instruments
    study = Study(store, first, beside=beside, start_ns=start_ns, stop_ns=stop_ns, profile=profile)
    bases = {one.base for one in study.definitions}
    if len(bases) > 1 or "" in bases:
        said = ", ".join(f"{one.id} of {one.base or 'not known'}" for one in study.definitions)
        raise ConfigError(f"These are not of one underlying: {said}.")
    if study.covered_ns is None:
        raise StoreError("Nothing of these instruments was received in that span.")
    return study


def _venue(one: Instrument, row: Any, live: int, seconds: int) -> dict[str, Any]:
    assert row["group"] != NO_GROUP, "instruments of one underlying are in one group"
    return {
        "instrument": one.id,
        "live": int(row["out"]) == 0,
        "why": list(out_names(int(row["out"]))),
        "live_share": live / seconds if seconds else None,
        "exclusions": int(row["exclusions"]),
        "stale_after_ms": float(row["stale_ns"]) / 1e6,
        "mid": _number(row["mid"]),
        "basis": _number(row["basis"]),
        "deviation_bp": _number(row["deviation_bp"]),
        "bid_base": float(row["bid_base"]),
        "ask_base": float(row["ask_base"]),
        "left_out_base": float(row["left_out_base"]),
    }


def _number(value: Any) -> float | None:
    return float(value) if value == value else None


def lead_lags(study: Study, progress: Step = silent) -> list[dict[str, Any]]:
    """Return who moves first for each instrument beside the first one."""
    rows = mid_changes(_batches(study, progress), len(study.definitions))
    series = [quote_changes(*_series(rows, k)) for k in range(len(study.definitions))]
    delays = [_delay_ns(study, one.id) for one in study.definitions]
    first, found = study.definitions[0].id, []
    for other, one, delay in zip(study.definitions[1:], series[1:], delays[1:], strict=True):
        known = None if delay is None or delays[0] is None else abs(delays[0] - delay)
        bound = max(known or 0, STAMP_NS)
        curve = lead_lag(series[0], one, LAGS_NS, bound)
        leader = {Leader.A: first, Leader.B: other.id}.get(curve.leader)
        found.append(
            {
                "a": first,
                "b": other.id,
                "leader": None if known is None else leader,
                "why": "the delays of the venues are not known" if known is None else curve.reason,
                "peak_ms": curve.peak_ns / 1e6,
                "rho": _number(curve.peak),
                "ratio": _number(curve.ratio),
                "clock_bound_ms": None if known is None else bound / 1e6,
                "changes": list(curve.changes),
            }
        )
    return found


def _batches(study: Study, progress: Step) -> Iterator[Events]:
    feed = study.replay()
    while (events := feed.poll(CHUNK_ROWS)).size:
        yield events[events["ts_recv"] >= study.read_from_ns]
        progress("reading the quotes", None)


def _series(rows: NDArray[Any], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    own = rows[rows["lane"] == k]
    return own["ts_venue"].copy(), np.log(own["mid2"].astype(np.float64))


def _delay_ns(study: Study, instrument: str) -> int | None:
    """Return the smallest ts_recv - ts_venue that the store states of an instrument's parts."""
    parts = [part for part in study.parts if part.instrument == instrument]
    return min((p.clock_offset_ns for p in parts if p.clock_offset_ns is not None), default=None)


def composite_table(
    store: Path | str,
    instruments: Sequence[str],
    every_ns: int = SECOND_NS,
    *,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    profile: str = "perp",
    progress: Step = silent,
) -> pa.Table:
    """Return the composite sampled on a grid of receive time; null: not known.

    Columns of the group, then of every instrument under its name; `out` is 0 while it is live, else
    the bits of `market.composite_records.OUT_NAMES`. Sizes in base units, prices in quote currency.
    """
    study = opened(store, instruments, start_ns, stop_ns, profile)
    times: list[int] = []
    groups: list[NDArray[Any]] = []
    lanes: list[NDArray[Any]] = []
    for moment in study.moments(every_ns, progress):
        if not moment.last:
            state = moment.pipe.composite
            times.append(moment.now_ns)
            groups.append(state.groups[0].copy())
            lanes.append(state.rows.copy())
    columns: dict[str, Any] = {"recv_ns": np.array(times, np.int64)}
    for name in _GROUP:
        columns[name] = pa.array([one[name].item() for one in groups], from_pandas=True)
    for k, one in enumerate(study.definitions):
        for name in _LANE:
            values = [row[k][name].item() for row in lanes]
            columns[f"{one.id} {name}"] = pa.array(values, from_pandas=True)
    return pa.table(columns).replace_schema_metadata({"base": study.definition.base})


def composite_parquet(
    store: Path | str, instruments: Sequence[str], file: Path | str, **options: Any
) -> dict[str, Any]:
    """Write the sampled composite to a Parquet file; return what was written where."""
    rows = write_parquet(file, [composite_table(store, instruments, **options)])
    return {"instrument": " + ".join(instruments), "rows": rows, "parquet": str(file)}
