"""`aggressor footprint`: bars and their price cells out of a store, as JSON or Parquet.

Numbers leave as exact decimal strings; a VWAP is a quotient and is rounded half even to six
decimals more than the tick has. Bars of a span are the same bars as without it: time bars are
computed from 00:00 UTC before `start`, so that CVD has its anchor and a bar that began earlier is
known whole; bars counted by trades, volume or notional are computed from the beginning of the
recording.
"""

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aggressor.features.bars import DAY_NS, QUALITY_NAMES, TIME, bar_spec
from aggressor.features.series import BarSeries
from aggressor.features.table import (
    NEVER_NS,
    Footprint,
    bars_table,
    footprint_bars,
    footprint_batches,
)
from aggressor.schema.errors import StoreError
from aggressor.schema.event import NO_TIME, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.reader import Store

READ_ROWS = 65_536
CLOCK_MARGIN_NS = 3_600_000_000_000  # receive times may be off by the host's clock
VWAP_DECIMALS = 6  # beyond those of the tick
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def footprint(
    store_dir: Path | str,
    instrument: str,
    bar: str,
    start: int | None = None,
    stop: int | None = None,
    row_ticks: int = 1,
) -> dict[str, Any]:
    """Return the bars of one instrument that open in [start, stop), ns of venue time.

    Raises StoreError for what the store does not hold, ConfigError for a bar that cannot be.
    """
    definition, series, chunks = _opened(store_dir, instrument, bar, start, stop, row_ticks)
    span = _span(start, stop)
    return footprint_document(definition, footprint_bars(chunks, series, *span))


def footprint_parquet(
    store_dir: Path | str,
    instrument: str,
    bar: str,
    file: Path | str,
    start: int | None = None,
    stop: int | None = None,
    row_ticks: int = 1,
) -> int:
    """Write the same bars to a Parquet file, integers and decimal strings; return how many."""
    definition, series, chunks = _opened(store_dir, instrument, bar, start, stop, row_ticks)
    written = 0
    writer: pq.ParquetWriter | None = None
    part = Path(file).with_name(Path(file).name + ".part")
    try:
        for closed in footprint_batches(chunks, series, *_span(start, stop)):
            table = bars_table(closed, definition, decimals=True)
            writer = writer or _writer(part, table.schema)
            writer.write_table(table)
            written += table.num_rows
        if writer is None:
            raise StoreError(f"{instrument} has no trades in that span: nothing was written.")
        writer.close()
        part.replace(file)
    except OSError as trouble:
        part.unlink(missing_ok=True)
        if isinstance(trouble, StoreError):
            raise
        raise StoreError(f"Cannot write {file}: {trouble}. Choose another place.") from None
    return written


def _writer(part: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(part, schema, compression="zstd")


def footprint_document(instrument: Instrument, bars: Iterable[Footprint]) -> dict[str, Any]:
    """Return the JSON document of any bars of one instrument."""
    return {"instrument": instrument.id, "bars": [bar_document(instrument, one) for one in bars]}


def bar_document(instrument: Instrument, footprint: Footprint) -> dict[str, Any]:
    """Return one bar as decimal strings; what a bar without trades does not have is null."""
    bar, cells = footprint
    traded = bar["volume"] > 0
    return {
        "open_ns": int(bar["open_ns"]),
        **{
            name: instrument.price_text(int(bar[name])) for name in ("open", "high", "low", "close")
        },
        "volume": instrument.size_text(int(bar["volume"])),
        "delta": instrument.size_text(int(bar["delta"])),
        "min_delta": instrument.size_text(int(bar["delta_min"])),
        "max_delta": instrument.size_text(int(bar["delta_max"])),
        "cvd": instrument.size_text(int(bar["cvd"])),
        "trades": int(bar["trades"]),
        **{
            name: instrument.price_text(int(bar[name])) if traded else None
            for name in ("poc", "vah", "val")
        },
        "vwap": vwap_text(instrument, bar) if traded else None,
        "quality": QUALITY_NAMES[int(bar["quality"])],
        "cells": [_cell_document(instrument, cell) for cell in cells],
    }


def _cell_document(instrument: Instrument, cell: Any) -> dict[str, str]:
    shown = {
        "price": instrument.price_text(int(cell["price"])),
        "sold": instrument.size_text(int(cell["sold"])),
        "bought": instrument.size_text(int(cell["bought"])),
    }
    if cell["unknown"]:
        shown["unknown"] = instrument.size_text(int(cell["unknown"]))
    return shown


def vwap_text(instrument: Instrument, bar: Any) -> str:
    """Return the VWAP of a bar that traded, from its exact sums."""
    ticks = Fraction(int(bar["open"])) + Fraction(int(bar["moment"]), int(bar["volume"]))
    price = ticks * Fraction(instrument.tick)
    quotient = _EXACT.divide(Decimal(price.numerator), Decimal(price.denominator))
    step = Decimal(1).scaleb(-instrument.price_grid.digits - VWAP_DECIMALS)
    return f"{quotient.quantize(step, context=_EXACT):f}"


def _span(start: int | None, stop: int | None) -> tuple[int, int]:
    return NO_TIME if start is None else start, NEVER_NS if stop is None else stop


def _opened(
    store_dir: Path | str,
    instrument: str,
    bar: str,
    start: int | None,
    stop: int | None,
    row_ticks: int,
) -> tuple[Instrument, BarSeries, Iterator[Events]]:
    store = Store(Path(store_dir))
    read_from = NO_TIME
    definition = store.definition(instrument, *_span(start, stop))
    series = BarSeries(0, bar_spec(bar, definition), row_ticks)
    if start is not None and series.spec.kind == TIME:
        began = start // series.spec.limit * series.spec.limit
        read_from = began // DAY_NS * DAY_NS - CLOCK_MARGIN_NS
    return definition, series, _chunks(store, instrument, read_from)


def _chunks(store: Store, instrument: str, read_from: int) -> Iterator[Events]:
    source = store.source(instrument, read_from)
    while (rows := source.read(READ_ROWS)).size:
        yield rows
