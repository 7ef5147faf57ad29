"""Footprints outside the kernels: bars from any chunks of events, and the same as a table.

`footprint_batches` streams: it takes EVENT chunks in order of ts_recv, of any size, and gives
closed bars as they come, the bar still open at the end last and flagged partial. Memory does not
grow with the length of the tape. Tables hold exact integers (ticks, lots, ns); decimal strings are
added where asked.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aggressor.features.bars import QUALITY_NAMES
from aggressor.features.footprint_batch import feed
from aggressor.features.series import BarSeries, ClosedBars, footprint_state, open_bar
from aggressor.schema.event import NO_PRICE, NO_TIME, Events
from aggressor.schema.instrument import Instrument

NEVER_NS = 2**63 - 1
CHUNK_EVENTS = 65_536  # 2 MB: a chunk stays in the cache between its two readings

_PRICES = ("open", "high", "low", "close", "poc", "val", "vah")
_SIZES = ("volume", "delta", "delta_min", "delta_max", "cvd", "unknown")
_COUNTS = ("open_ns", "close_ns", "known_ns", "trades", "excluded", "vwap", "sigma")


class Footprint(NamedTuple):
    """One bar and its cells."""

    bar: Any  # BAR record
    cells: NDArray[Any]  # (n,) CELL, lowest price first


def footprint_batches(
    chunks: Iterable[Events],
    series: BarSeries,
    start_ns: int = NO_TIME,
    stop_ns: int = NEVER_NS,
) -> Iterator[ClosedBars]:
    """Yield the bars with start_ns <= open_ns < stop_ns in batches, the open one last.

    `chunks` are read no further than needed. Raises ConfigError where rows or bars are too small.
    """
    state = footprint_state([series])
    known_ns = NO_TIME
    for chunk in chunks:
        for first in range(0, chunk.size, CHUNK_EVENTS):
            # A copy is writable and in the cache; kernels are compiled for writable arrays.
            events = chunk[first : first + CHUNK_EVENTS].copy()
            known_ns = int(events[-1]["ts_recv"])
            state, batches = feed(state, 0, events)
            for closed in batches:
                if (kept := _between(closed, start_ns, stop_ns)).bars.size:
                    yield kept
            head = state.head[0]
            if head["trades"] > 0 and head["open_ns"] >= stop_ns:
                return
    unfinished = _between(open_bar(state, 0, known_ns), start_ns, stop_ns)
    if unfinished.bars.size:
        yield unfinished


def _between(closed: ClosedBars, start_ns: int, stop_ns: int) -> ClosedBars:
    wanted = (closed.bars["open_ns"] >= start_ns) & (closed.bars["open_ns"] < stop_ns)
    return ClosedBars(closed.bars[wanted], closed.cells)


def footprint_bars(
    chunks: Iterable[Events],
    series: BarSeries,
    start_ns: int = NO_TIME,
    stop_ns: int = NEVER_NS,
) -> Iterator[Footprint]:
    """Yield bars one by one with their cells, as `footprint_batches` does."""
    return one_by_one(footprint_batches(chunks, series, start_ns, stop_ns))


def one_by_one(batches: Iterable[ClosedBars]) -> Iterator[Footprint]:
    """Yield the bars of batches, each with its own cells."""
    for closed in batches:
        for bar in closed.bars:
            at = int(bar["first_cell"])
            yield Footprint(bar, closed.cells[at : at + int(bar["cells"])])


def bars_table(closed: ClosedBars, instrument: Instrument, decimals: bool = False) -> pa.Table:
    """Return bars as a table: integers in ticks, lots and ns, cells as lists of the same.

    `decimals` adds columns named `..._text` with exact decimal strings of prices and sizes.
    Prices of a bar without trades that have no meaning (poc, val, vah) are null.
    """
    bars, cells = closed
    columns: dict[str, Any] = {"instrument": pa.array([instrument.id] * bars.size, pa.string())}
    for name in _COUNTS:
        columns[name] = pa.array(bars[name])
    for name in _PRICES:
        columns[name] = pa.array(bars[name], mask=bars[name] == NO_PRICE)
    for name in _SIZES:
        columns[name] = pa.array(bars[name])
    columns["quality"] = pa.array([QUALITY_NAMES[int(q)] for q in bars["quality"]], pa.string())
    columns["reasons"] = pa.array(bars["reasons"])
    if decimals:
        for names, text in ((_PRICES, instrument.price_text), (_SIZES, instrument.size_text)):
            for name in names:
                columns[f"{name}_text"] = _texts(bars[name], text)
    index = _cell_index(bars)
    offsets = pa.array(np.concatenate(([0], np.cumsum(bars["cells"]))).astype(np.int32))
    for name in ("price", "trades", "sold", "bought", "unknown"):
        values = pa.array(cells[name][index])
        columns[f"cell_{name}"] = pa.ListArray.from_arrays(offsets, values)
    return pa.table(columns)


def _texts(values: NDArray[Any], text: Any) -> pa.Array:
    shown = [None if value == NO_PRICE else text(int(value)) for value in values]
    return pa.array(shown, pa.string())


def _cell_index(bars: NDArray[Any]) -> NDArray[np.int64]:
    """Return where the cells of these bars stand, bar after bar."""
    counts = bars["cells"].astype(np.int64)
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(bars["first_cell"] - before, counts)
