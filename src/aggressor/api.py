"""Order flow as Arrow tables, for notebooks and studies: `aggressor.open` and what it gives.

Tables hold exact integers: prices in ticks, sizes in lots, times in nanoseconds; each column names
its unit in its metadata, and the table says what a tick and a lot are. `in_units` turns them into
prices, sizes and timestamps. Polars (`pl.from_arrow`), pandas (`table.to_pandas()`) and DuckDB
(`FROM table`) read them as they are. Columns of `features` are read by the one kernel that screens
and live runs read too.

Spans are receive times for signals, features, trades and books, and venue times for bars and
profiles, as everywhere in Aggressor.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aggressor.detectors.thresholds import UNCHANGED, Changes, changes_in, read_thresholds
from aggressor.engine.columns import COLUMNS, column_indices, empty_row, read_columns
from aggressor.engine.levels import book_levels
from aggressor.features.bars import BAR
from aggressor.features.prints import TAKER_ORDER
from aggressor.features.series import CELL, ClosedBars
from aggressor.features.table import bars_table
from aggressor.reports.moments import moment_ns, period_ns
from aggressor.run.parquet import with_units
from aggressor.run.studies.bars import open_bars
from aggressor.run.studies.composite import composite_table
from aggressor.run.studies.ladder import book_moment, book_table
from aggressor.run.studies.profile import profile_table, span_profile
from aggressor.run.studies.signals import signal_rows, signals_table
from aggressor.run.studies.studying import CHUNK_ROWS, Study
from aggressor.run.studies.tape import taker_orders, tape_table
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BATCHED, NOT_FLOW, RPI, TRADE, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import empty_signals

When = str | int | datetime | None
"""ISO 8601 (UTC where no zone is given), ns since the epoch, a datetime, or None: no bound."""

_BAR_UNITS = {
    **dict.fromkeys(("open_ns", "close_ns", "known_ns"), "ns"),
    **dict.fromkeys(("open", "high", "low", "close", "poc", "val", "vah"), "ticks"),
    **dict.fromkeys(("vwap", "sigma", "cell_price"), "ticks"),
    **dict.fromkeys(("volume", "delta", "delta_min", "delta_max", "cvd", "unknown"), "lots"),
    **dict.fromkeys(("cell_sold", "cell_bought", "cell_unknown"), "lots"),
}
_TRADE_UNITS = {"recv_ns": "ns", "venue_ns": "ns", "price": "ticks", "size": "lots"}


def open(
    store: Path | str,
    instrument: str,
    *,
    start: When = None,
    stop: When = None,
    profile: str = "perp",
    thresholds: Path | str | Changes | None = None,
) -> "Day":
    """Open one instrument of a store for reading, all of it or [start, stop).

    `profile` chooses the defaults of the measures: "perp" or "micro"; `thresholds` changes those of
    the detectors: a TOML file (`aggressor calibrate` writes one), or detector -> field -> value.
    Raises StoreError for what the store does not hold, ConfigError for thresholds that cannot be.
    """
    if thresholds is None or isinstance(thresholds, Path | str):
        changes: Changes = read_thresholds(thresholds, profile)
    else:
        changes = changes_in(thresholds)
    return Day(store, instrument, start, stop, profile, changes)


def composite(
    store: Path | str,
    instruments: Sequence[str],
    every: str = "1s",
    *,
    start: When = None,
    stop: When = None,
    profile: str = "perp",
) -> pa.Table:
    """Return venues of one underlying as one book and tape, sampled on a grid of receive time.

    Sizes in base units, prices in quote currency, null: not known. Columns of the group, then of
    each instrument under its name; `out` is 0 while it is live, else why it is left out, as bits of
    `aggressor.market.composite_records.OUT_NAMES`. Raises ConfigError where the instruments are not
    of one underlying, StoreError for what the store does not hold.
    """
    return composite_table(
        store,
        instruments,
        period_ns(every),
        start_ns=_ns(start),
        stop_ns=_ns(stop),
        profile=profile,
    )


class Day:
    """One instrument of a store; any length of time, not only a day."""

    def __init__(
        self,
        store: Path | str,
        instrument: str,
        start: When,
        stop: When,
        profile: str,
        thresholds: Changes = UNCHANGED,
    ) -> None:
        self.store = Path(store)
        self.profile = profile
        self.thresholds = thresholds
        self._span = _ns(start), _ns(stop)
        self._id = instrument
        self.instrument: Instrument = self._study(None, None).definition

    def __repr__(self) -> str:
        return f"<Day of {self._id} in {self.store}>"

    def footprint(
        self, bar: str = "1m", *, row_ticks: int = 1, start: When = None, stop: When = None
    ) -> pa.Table:
        """Return bars, one row each, with their cells as lists; the open one last."""
        bars = open_bars(self.store, self._id, bar, *self._between(start, stop), row_ticks)
        none = ClosedBars(np.zeros(0, BAR), np.zeros(0, CELL))
        parts = [bars_table(one, bars.instrument) for one in (none, *bars.batches)]
        table = pa.concat_tables(parts).combine_chunks()
        return _told(table, _BAR_UNITS, bars.instrument)

    def profile_rows(
        self, *, row_ticks: int | None = None, start: When = None, stop: When = None
    ) -> pa.Table:
        """Return what was sold and bought at each price, lowest first."""
        return profile_table(
            span_profile(self.store, self._id, *self._between(start, stop), row_ticks)
        )

    def signals(
        self,
        kind: str | None = None,
        *,
        near_misses: bool = False,
        start: When = None,
        stop: When = None,
    ) -> pa.Table:
        """Return what the detectors said, in the order in which it became known."""
        study = self._study(start, stop)
        batches = [empty_signals(0), *signal_rows(study, kind, near_misses)]
        return signals_table(np.concatenate(batches), self.instrument)

    def features(
        self,
        names: Sequence[str] | None = None,
        every: str = "1s",
        *,
        start: When = None,
        stop: When = None,
    ) -> pa.Table:
        """Return measures sampled on a grid of receive time, a column each; null: not known.

        `every` is a whole number of 100 ms, as "100ms", "5s", "1m". Without names every column
        there is; `aggressor.engine.columns.COLUMNS` says what each is.
        """
        indices = column_indices(names or [one.name for one in COLUMNS])
        study, row = self._study(start, stop), empty_row()
        times: list[int] = []
        rows: list[NDArray[np.float64]] = []
        for moment in study.moments(period_ns(every)):
            if not moment.last:
                read_columns(moment.pipe, study.lane, moment.now_ns, row)
                times.append(moment.now_ns)
                rows.append(row[indices])
        values = np.array(rows).reshape(len(times), len(indices))
        columns: dict[str, Any] = {"recv_ns": np.array(times, np.int64)}
        for place, index in enumerate(indices):
            columns[COLUMNS[index].name] = pa.array(values[:, place], from_pandas=True)
        units = {"recv_ns": "ns", **{COLUMNS[index].name: COLUMNS[index].unit for index in indices}}
        return _told(pa.table(columns), units, self.instrument)

    def trades(self, *, start: When = None, stop: When = None) -> pa.Table:
        """Return the prints as received, with the aggressor's side."""
        study = self._study(start, stop)
        source = study.store.source(self._id, study.start_ns, study.stop_ns)
        kept = [empty_events(0)]
        while (rows := source.read(CHUNK_ROWS)).size:
            kept.append(rows[rows["kind"] == TRADE])
        rows = np.concatenate(kept)
        table = pa.table(
            {
                "recv_ns": rows["ts_recv"],
                "venue_ns": rows["ts_venue"],
                "side": rows["side"],
                "price": rows["price"],
                "size": rows["size"],
                "batched": (rows["flags"] & BATCHED) != 0,
                "rpi": (rows["flags"] & RPI) != 0,
                "is_flow": (rows["flags"] & NOT_FLOW) == 0,
            }
        )
        return _told(table, _TRADE_UNITS, self.instrument)

    def taker_orders(self, *, start: When = None, stop: When = None) -> pa.Table:
        """Return prints merged back into the orders that were sent, with their size classes."""
        study = self._study(start, stop)
        rows = [tape_table(one, self.instrument) for one in taker_orders(study)]
        empty = tape_table(np.zeros(0, TAKER_ORDER), self.instrument)
        return pa.concat_tables([empty, *rows])

    def book(self, at: When, levels: int = 20) -> pa.Table:
        """Return the book after all that was received up to `at`, with the ledger of each level."""
        at_ns = _ns(at)
        if at_ns is None:
            raise ConfigError("A book stands at a moment: say which.")
        one, moment = book_moment(self.store, self._id, at_ns, self.profile)
        return book_table(book_levels(moment.pipe, 0, levels), one)

    def _between(self, start: When, stop: When) -> tuple[int | None, int | None]:
        first, last = _ns(start), _ns(stop)
        return (
            self._span[0] if first is None else first,
            self._span[1] if last is None else last,
        )

    def _study(self, start: When, stop: When) -> Study:
        first, last = self._between(start, stop)
        return Study(
            self.store,
            self._id,
            start_ns=first,
            stop_ns=last,
            profile=self.profile,
            thresholds=self.thresholds,
        )


def in_units(table: pa.Table) -> pa.Table:
    """Return a table with prices and sizes instead of ticks and lots, and timestamps instead of ns.

    Prices and sizes become float64, each the nearest to the exact one. Raises ConfigError for a
    table that does not say what a tick and a lot are.
    """
    told = table.schema.metadata or {}
    if b"tick" not in told or b"lot" not in told:
        raise ConfigError("This table does not say what a tick and a lot are: it is not ours.")
    scales = {
        "ticks": (Fraction(told[b"tick"].decode()), "price"),
        "lots": (Fraction(told[b"lot"].decode()), "size"),
    }
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        if unit in scales:
            scale, unit = scales[unit]
            column = _scaled(column, scale)
        elif unit == "ns":
            column, unit = column.cast(pa.timestamp("ns", "UTC")), "UTC"
        columns.append(column)
        metadata = {"unit": unit} if unit else None
        fields.append(pa.field(field.name, column.type, metadata=metadata))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=told))


def _scaled(column: pa.ChunkedArray, scale: Fraction) -> pa.ChunkedArray:
    """Return numbers, or lists of numbers, times `scale`."""
    above, below = float(scale.numerator), float(scale.denominator)
    chunks = []
    for chunk in column.chunks:
        if pa.types.is_list(chunk.type):
            values = chunk.values.to_numpy(zero_copy_only=False) * above / below
            chunks.append(pa.ListArray.from_arrays(chunk.offsets, pa.array(values)))
        else:
            values = chunk.cast(pa.float64()).to_numpy(zero_copy_only=False) * above / below
            chunks.append(pa.array(values, from_pandas=True))
    empty = pa.list_(pa.float64()) if pa.types.is_list(column.type) else pa.float64()
    return pa.chunked_array(chunks, type=empty)


def _told(table: pa.Table, units: dict[str, str], instrument: Instrument) -> pa.Table:
    return table.cast(with_units(table.schema, units, instrument))


def _ns(when: When) -> int | None:
    if isinstance(when, datetime):
        moment = when if when.tzinfo else when.replace(tzinfo=UTC)
        return moment_ns(moment.isoformat())
    return moment_ns(when) if isinstance(when, str) else when
