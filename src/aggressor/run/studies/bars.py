"""Bars of a span out of a store, as every command that needs bars opens them.

Time bars are computed from 00:00 UTC before the span, so that CVD has its anchor and a bar that
began earlier is known whole; bars counted by content from the beginning of the recording.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aggressor.features.bars import DAY_NS, TIME, bar_spec
from aggressor.features.series import BarSeries, ClosedBars
from aggressor.features.table import NEVER_NS, footprint_batches
from aggressor.run.studies.studying import CHUNK_ROWS, CLOCK_MARGIN_NS
from aggressor.schema.event import NO_TIME, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.reader import Store


class Bars(NamedTuple):
    """Closed bars in batches, the bar still open at the end last, and what they are of."""

    instrument: Instrument
    batches: Iterator[ClosedBars]


def open_bars(
    store: Path | str,
    instrument: str,
    bar: str,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    row_ticks: int = 1,
) -> Bars:
    """Return the bars that open in [start, stop), ns of venue time.

    Raises StoreError for what the store does not hold, ConfigError for a bar that cannot be.
    """
    opened = Store(Path(store))
    span = NO_TIME if start_ns is None else start_ns, NEVER_NS if stop_ns is None else stop_ns
    definition = opened.definition(instrument, *span)
    series = BarSeries(0, bar_spec(bar, definition), row_ticks)
    read_from = NO_TIME
    if start_ns is not None and series.spec.kind == TIME:
        began = start_ns // series.spec.limit * series.spec.limit
        read_from = began // DAY_NS * DAY_NS - CLOCK_MARGIN_NS
    chunks = _chunks(opened, instrument, read_from)
    return Bars(definition, footprint_batches(chunks, series, *span))


def _chunks(store: Store, instrument: str, read_from: int) -> Iterator[Events]:
    source = store.source(instrument, read_from)
    while (rows := source.read(CHUNK_ROWS)).size:
        yield rows
