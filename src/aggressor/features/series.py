"""Series of bars with their price cells: the state, its rings, and how a bar is written and closed.

One state holds any number of series. While a bar is open its rows stand in a dense scratch of W
rows x (sold, unknown, bought, prints), around the bar's first price; at the close they are written
as CELL records, lowest row first and without empty rows, into a ring beside the ring of BAR
records, with point of control and value area.

Python drains the rings and makes room: kernels return early, without having used the event, when
its price lies outside the scratch or when what it closes would overwrite records that were not
drained.

    head     (series,)        SERIES
    rows     (series, W, 4)   int64, lots and prints; zero outside the open bar; W a power of two
    volumes  (series, W)      int64, lots by row of the bar being closed
    bars     (series, B)      BAR ring, B a power of two
    cells    (series, C)      CELL ring, C a power of two

Invariants: the cells of a bar sum to its volume; no record is overwritten before it was drained.
Source: R4.1, R4.2, R4.5, R4.7.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import (
    BAR,
    ENDS_INSIDE,
    NEVER_NS,
    TIME,
    BarSpec,
    new_series,
    next_bar,
    quality_of,
    roll_day,
)
from aggressor.features.profile import ValueRule, control_row, share_of, value_rows
from aggressor.features.vwap import bar_moments
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE
from aggressor.state import State

ROW_TICKS_MAX = 1 << 16
ROWS_MAX = 1 << 20  # rows of one bar: 32 MB of scratch; more means rows far too thin
SPAN_MAX = 1 << 31  # ticks of one bar
BARS_MAX = 1 << 21  # bars closed by one event; more means bars far too small
GRACE_NS = 1_000_000_000
SILENCE_NS = 60_000_000_000
SOLD, UNSIDED, BOUGHT, PRINTS = 0, 1, 2, 3

CELL = np.dtype(
    [
        ("price", "<i4"),  # lowest tick of the row
        ("trades", "<i4"),
        ("sold", "<i8"),
        ("bought", "<i8"),
        ("unknown", "<i8"),
    ]
)


class FootprintState(State, frozen=True):
    """All series; see the module text for shapes and units."""

    head: NDArray[Any]
    rows: NDArray[np.int64]
    volumes: NDArray[np.int64]
    bars: NDArray[Any]
    cells: NDArray[Any]


class ClosedBars(NamedTuple):
    """Bars taken out of a state, oldest first, with their cells."""

    bars: NDArray[Any]  # (n,) BAR; first_cell counts within `cells`
    cells: NDArray[Any]  # (m,) CELL


class BarSeries(NamedTuple):
    """One lane cut into bars in one way."""

    lane: int
    spec: BarSpec
    row_ticks: int = 1
    rule: ValueRule = ValueRule()
    grace_ns: int = GRACE_NS
    silence_ns: int = SILENCE_NS


@kernel_inline
def row_of(head: Any, price: Int) -> Int:
    """Return the scratch row of a price inside the scratch."""
    distance = np.uint64(price - head["origin"])
    return np.int64((distance * head["magic"]) >> head["shift"])


@kernel_inline
def add_to_row(rows: NDArray[np.int64], series: Int, row: Int, side: Int, size: Int) -> None:
    """Add one print to its row of the scratch."""
    at, column = np.uint64(series), np.uint64(side + 1)
    rows[at, np.uint64(row), column] += size
    rows[at, np.uint64(row), np.uint64(PRINTS)] += 1


@kernel_inline
def span_of(state: FootprintState, head: Any) -> Int:
    """Return the ticks that the scratch of a series covers."""
    return state.rows.shape[1] * head["row_ticks"]


@kernel_inline
def _write_bar(state: FootprintState, series: Int, known_ns: Int, reasons: Int) -> Int:
    """Write the open bar and its cells behind those closed; return the number of cells."""
    head = state.head[series]
    volume = state.volumes[series]
    rows = state.rows[series]
    written = 0
    poc = np.int64(NO_PRICE)
    val = np.int64(NO_PRICE)
    vah = np.int64(NO_PRICE)
    if head["volume"] > 0:
        origin, step = head["origin"], head["row_ticks"]
        first = row_of(head, head["low"])
        last = row_of(head, head["high"])
        cells = state.cells[series]
        mask = cells.size - 1
        at = head["cells_written"]
        for row in range(first, last + 1):
            cell = cells[(at + written) & mask]
            sold, unknown, bought = rows[row, SOLD], rows[row, UNSIDED], rows[row, BOUGHT]
            volume[row] = sold + unknown + bought
            cell["price"] = origin + row * step
            cell["trades"] = rows[row, PRINTS]
            cell["sold"] = sold
            cell["bought"] = bought
            cell["unknown"] = unknown
            written += np.int64(volume[row] != 0)
        control = control_row(volume, first, last)
        need = share_of(head["volume"], head["share_ppm"])
        low, high = value_rows(
            volume, first, last, control, need, head["value_step"], head["both_on_tie"]
        )
        poc = origin + control * step
        val = origin + low * step
        vah = origin + high * step
    bars = state.bars[series]
    bar = bars[head["closed"] & (bars.size - 1)]
    _write_measures(head, bar, known_ns, reasons)
    bar["first_cell"] = head["cells_written"]
    bar["series"] = series
    bar["cells"] = written
    bar["poc"] = poc
    bar["val"] = val
    bar["vah"] = vah
    return written


@kernel_inline
def _write_measures(head: Any, bar: Any, known_ns: Int, reasons: Int) -> None:
    """Copy what does not depend on the rows."""
    timed = head["kind"] == TIME
    bar["open_ns"] = head["open_ns"]
    bar["close_ns"] = head["end_ns"] if timed else head["last_ns"]
    bar["known_ns"] = known_ns
    bar["volume"] = head["volume"]
    bar["delta"] = head["delta"]
    bar["delta_min"] = head["delta_min"]
    bar["delta_max"] = head["delta_max"]
    bar["cvd"] = head["cvd_before"] + head["delta"]
    bar["unknown"] = head["unknown"]
    bar["trades"] = head["trades"]
    bar["moment"] = head["moment"]
    vwap, sigma = bar_moments(head["open"], head["volume"], head["moment"], head["square"])
    bar["vwap"] = vwap
    bar["sigma"] = sigma
    bar["open"] = head["open"]
    # A brick may begin and end where nothing traded.
    bar["high"] = max(head["high"], head["open"], head["close"])
    bar["low"] = min(head["low"], head["open"], head["close"])
    bar["close"] = head["close"]
    bar["excluded"] = head["excluded"]
    bar["reasons"] = reasons
    bar["quality"] = quality_of(reasons)
    bar["instrument"] = head["lane"]


@kernel
def close_bar(state: FootprintState, series: Int, known_ns: Int) -> None:
    """Close the open bar and open the next."""
    head = state.head[series]
    if head["kind"] == TIME:
        roll_day(head, head["end_ns"] - 1)
    head["cells_written"] += _write_bar(state, series, known_ns, head["reasons"])
    head["closed"] += 1
    if head["volume"] > 0:
        last = row_of(head, head["high"])
        for row in range(row_of(head, head["low"]), last + 1):
            for column in range(4):
                state.rows[np.uint64(series), np.uint64(row), np.uint64(column)] = 0
    next_bar(head)


@kernel
def write_open(state: FootprintState, series: Int, known_ns: Int) -> Int:
    """Write the open bar behind the closed ones without closing it; return its number of cells."""
    return _write_bar(state, series, known_ns, state.head[series]["reasons"] | ENDS_INSIDE)


def footprint_state(
    series: Sequence[BarSeries], rows: int = 1024, bars: int = 1024, cells: int = 16384
) -> FootprintState:
    """Return the state of these series; the sizes are powers of two and grow when they must."""
    assert all(size & (size - 1) == 0 for size in (rows, bars, cells)), "powers of two"
    head = new_series(len(series))
    for record, one in zip(head, series, strict=True):
        if not 1 <= one.row_ticks <= ROW_TICKS_MAX:
            raise ConfigError(f"Rows of {one.row_ticks} ticks: choose 1 to {ROW_TICKS_MAX}.")
        bits = (one.row_ticks - 1).bit_length()
        record["lane"] = one.lane
        record["kind"] = one.spec.kind
        record["limit"] = one.spec.limit if one.spec.kind != TIME else NEVER_NS
        record["span_ns"] = one.spec.limit if one.spec.kind == TIME else NEVER_NS
        record["items"] = record["items_first"] = one.spec.limit
        record["sign"] = one.spec.sign
        record["fade"] = one.spec.fade
        record["row_ticks"] = one.row_ticks
        record["magic"] = (1 << (31 + bits)) // one.row_ticks + 1
        record["shift"] = 31 + bits
        record["grace_ns"] = one.grace_ns
        record["silence_ns"] = one.silence_ns
        record["share_ppm"] = one.rule.share_ppm
        record["value_step"] = one.rule.step
        record["both_on_tie"] = one.rule.both_on_tie
    count = len(series)
    return FootprintState(
        head,
        np.zeros((count, rows, 4), np.int64),
        np.zeros((count, rows), np.int64),
        np.zeros((count, bars), BAR),
        np.zeros((count, cells), CELL),
    )


def drain(state: FootprintState, series: int) -> ClosedBars:
    """Take the closed bars out of the rings, oldest first; `first_cell` counts within `cells`."""
    head = state.head[series]
    bars = _take_ring(state.bars[series], int(head["drained"]), int(head["closed"]))
    cells = _take_ring(state.cells[series], int(head["cells_drained"]), int(head["cells_written"]))
    bars["first_cell"] -= head["cells_drained"]
    head["drained"] = head["closed"]
    head["cells_drained"] = head["cells_written"]
    return ClosedBars(bars, cells)


def open_bar(state: FootprintState, series: int, known_ns: int) -> ClosedBars:
    """Return the open bar as it stands, flagged as not ended, or nothing; `drain` first."""
    head = state.head[series]
    if head["volume"] == 0:
        return ClosedBars(np.zeros(0, BAR), np.zeros(0, CELL))
    assert head["closed"] == head["drained"], "drain before reading the open bar"
    rows = int(head["high"] // head["row_ticks"] - head["low"] // head["row_ticks"]) + 2
    while state.cells.shape[1] < rows:
        state = state.replace(
            cells=_grown_rings(state.cells, state.head, "cells_drained", "cells_written")
        )
    first, closed = int(head["cells_written"]), int(head["closed"])
    count = int(write_open(state, series, known_ns))
    bars = _take_ring(state.bars[series], closed, closed + 1)
    bars["first_cell"] = 0
    return ClosedBars(bars, _take_ring(state.cells[series], first, first + count))


def make_room(state: FootprintState, series: int, price: int, cramped: bool) -> FootprintState:
    """Return a state in which a print at `price` fits the open bar's rows; `cramped` doubles the
    rings.

    Raises ConfigError where rows are too thin or bars too small for what came.
    """
    head = state.head[series]
    origin, span = int(head["origin"]), state.rows.shape[1] * int(head["row_ticks"])
    if head["trades"] > 0 and not 0 <= price - origin < span:
        state = _recentred(state, series, price)
    if cramped:
        if state.bars.shape[1] >= BARS_MAX:
            raise ConfigError(f"One event closes more than {BARS_MAX} bars: choose larger bars.")
        state = state.replace(
            bars=_grown_rings(state.bars, state.head, "drained", "closed"),
            cells=_grown_rings(state.cells, state.head, "cells_drained", "cells_written"),
        )
    return state


def _recentred(state: FootprintState, series: int, price: int) -> FootprintState:
    head = state.head[series]
    step = int(head["row_ticks"])
    low = min(int(head["low"]), price) // step
    high = max(int(head["high"]), price) // step
    rows, wanted = state.rows.shape[1], 2 * (high - low + 1)
    grown = max(rows, 1 << (wanted - 1).bit_length())
    if grown > ROWS_MAX or grown * step > SPAN_MAX:
        raise ConfigError(
            f"A bar spans {high - low + 1} rows of {step} ticks: make rows taller or bars shorter."
        )
    if grown > rows:
        wider = np.zeros((state.head.size, grown, 4), np.int64)
        wider[:, :rows] = state.rows
        state = state.replace(rows=wider, volumes=np.zeros((state.head.size, grown), np.int64))
    origin = (low + high) // 2 - grown // 2
    shift = int(head["origin"]) // step - origin
    first = int(head["low"]) // step - origin
    last = int(head["high"]) // step - origin
    kept = state.rows[series, first - shift : last + 1 - shift].copy()
    state.rows[series] = 0
    state.rows[series, first : last + 1] = kept
    head["origin"] = origin * step
    return state


def _take_ring(ring: NDArray[Any], first: int, stop: int) -> NDArray[Any]:
    """Return a copy of the records counted `first` to `stop`."""
    at, count = first & (ring.size - 1), stop - first
    if at + count <= ring.size:
        return ring[at : at + count].copy()
    taken = np.empty(count, ring.dtype)
    taken[: ring.size - at] = ring[at:]
    taken[ring.size - at :] = ring[: count - (ring.size - at)]
    return taken


def _grown_rings(rings: NDArray[Any], head: NDArray[Any], first: str, stop: str) -> NDArray[Any]:
    """Return rings of twice the size with the records not drained at their new places."""
    size = rings.shape[1]
    grown = np.zeros((rings.shape[0], 2 * size), rings.dtype)
    for k, record in enumerate(head):
        at = np.arange(int(record[first]), int(record[stop]))
        grown[k, at & (2 * size - 1)] = rings[k, at & (size - 1)]
    return grown
