"""`aggressor footprint`: bars and their price cells out of a store, as JSON or Parquet.

Numbers leave as exact decimal strings; a VWAP is a quotient and is rounded half even to six
decimals more than the tick has. Bars of a span are the same bars as without it (see `bars`).
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from aggressor.features.bars import QUALITY_NAMES
from aggressor.features.table import Footprint, bars_table, one_by_one
from aggressor.run.parquet import write_parquet
from aggressor.run.studies.bars import open_bars
from aggressor.schema.instrument import Instrument

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
    bars = open_bars(store_dir, instrument, bar, start, stop, row_ticks)
    return footprint_document(bars.instrument, one_by_one(bars.batches))


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
    bars = open_bars(store_dir, instrument, bar, start, stop, row_ticks)
    tables = (bars_table(closed, bars.instrument, decimals=True) for closed in bars.batches)
    return write_parquet(file, tables)


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
