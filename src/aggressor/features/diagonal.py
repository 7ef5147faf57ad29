"""Diagonal imbalances in the price rows of one bar, and stacks of them (R4.3).

Who lifts an offer at p trades against who would have hit the bid one row below, so a row's buys are
held against the sells of the row *below*, and its sells against the buys of the row *above*:

    lots >= ratio x opposite     and     lots - opposite >= minimum

An opposite cell without lots counts as one lot (`zero_as_one`) or never makes an imbalance; such
rows are a class of their own, UNOPPOSED. The row at the end of the bar that has no partner is not
evaluated unless `border_rows` asks for it (its partner then holds nothing). A stack is at least
`rows_min` adjacent imbalances of one side.

Both sides run through one path: rows are read from the end of the bar where the side's first
partner lies, upwards for buys and downwards for sells, and are `height` ticks high counted from
that end. So a mirrored bar gives mirrored stacks for every height. A row between two others in
which nothing traded holds nothing; it parts a stack.

The kernels work on the CELL records of a closed bar where they stand in their ring;
`bar_diagonals` and `bar_stacks` do the same for one bar's cells, for reports. Prices ticks, sizes
lots. Source: R4.3.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import PPM
from aggressor.features.parameters import HOUR_NS, MICRO, PERP, SECOND_NS, parameter_rows
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import BUY, SELL

NONE, SHORT, OPPOSED, UNOPPOSED = 0, 1, 2, 3  # SHORT: the ratio holds, the difference is too small
STACKED, TOO_FEW, TOO_SMALL = 1, 2, 3
STACKS_SIDE = 8  # of one bar; the last of them is where a near-miss waits

ROW = np.dtype(
    [
        ("index", "<i8"),  # rows from the end where reading begins
        ("price", "<i8"),  # lowest tick
        ("lots", "<i8"),  # of the side
        ("facing", "<i8"),  # of the other side in this row
        ("opposite", "<i8"),  # of the other side in the partner row
        ("volume", "<i8"),
        ("ratio", "<f8"),  # lots / opposite as counted; 0 where there is none
        ("kind", "<i8"),
    ]
)
ZONE = np.dtype(
    [
        ("low", "<i8"),  # lowest tick of its lowest row
        ("high", "<i8"),  # highest tick of its highest row
        ("side", "<i8"),
        ("change", "<i8"),  # what was found, or what became of it (`zones`)
        ("rows", "<i8"),
        ("lots", "<i8"),
        ("opposite", "<i8"),
        ("difference", "<i8"),  # the smallest lots - opposite of its rows, as counted
        ("unopposed", "<i8"),  # rows
        ("ratio_min", "<f8"),
        ("ratio_mean", "<f8"),
        ("minimum", "<i8"),  # lots, as used
        ("maturity", "<i8"),  # of the minimum
        ("height", "<i8"),  # ticks of a row
        ("state", "<i8"),
        ("left", "<i8"),  # 1: price has been outside since
        ("episode", "<i8"),
        ("young", "<i8"),  # 1: the minimum or the height of rows rests on a young baseline
        ("known_ns", "<i8"),  # ts_recv when it was formed
        ("price", "<i8"),  # that changed it: of a trade, or a bar's close
        ("changed_ns", "<i8"),  # venue time of that
        ("retested_ns", "<i8"),  # venue time, NO_TIME until then
        ("open_ns", "<i8"),  # of its bar
        ("close_ns", "<i8"),
        ("bar", "<i8"),  # number of its bar in the series
        ("bar_close", "<i8"),
        ("bar_volume", "<i8"),
        ("bar_delta", "<i8"),
        ("bar_quality", "<i8"),
    ]
)
DIAGONAL_ROW = np.dtype(
    [
        ("ratio", "<f8"),
        ("minimum_lots", "<i8"),
        ("minimum_ppm", "<i8"),
        ("zero_as_one", "<i8"),
        ("border_rows", "<i8"),
        ("rows_min", "<i8"),
        ("row_effective_ticks", "<f8"),
        ("baseline_ns", "<i8"),
        ("refractory_ns", "<i8"),
    ]
)


class DiagonalParameters(msgspec.Struct, frozen=True):
    """Thresholds of diagonal imbalances, stacks and their zones."""

    ratio: float = 3.0
    minimum_lots: int = 0  # a fixed minimum; 0: the quantile below
    minimum_ppm: int = 750_000  # of the volume of the instrument's recent rows
    zero_as_one: bool = True
    border_rows: bool = False
    rows_min: int = 3
    row_effective_ticks: float = 1.0  # height of a row; 0: the rows of the bars as they are
    baseline_ns: int = HOUR_NS
    refractory_ns: int = 5 * SECOND_NS  # no second zone over a fresh one of the same side


DIAGONAL_PROFILES = {
    PERP: DiagonalParameters(),
    MICRO: DiagonalParameters(refractory_ns=30 * SECOND_NS),
}


@kernel
def read_rows(
    cells: Any,
    first: Int,
    count: Int,
    side: Int,
    row_ticks: Int,
    height: Int,
    rule: Any,
    minimum: Int,
    rows: Any,
) -> Int:
    """Write the rows of a bar as `side` (+1 buys) reads them; return how many.

    The bar's cells are `count` from `first` on in the ring `cells`. Rows beyond the length of
    `rows` are not read.
    """
    used = 0
    anchor, index = np.int64(0), np.int64(-1)
    ends = np.int64(0)  # ticks from the anchor, of the row in hand
    at = (first if side > 0 else first + count - 1) % cells.size
    for i in range(count):
        cell = cells[at]
        near = np.int64(cell["price"]) + (0 if side > 0 else row_ticks - 1)
        if i == 0:
            anchor = near
        away = side * (near - anchor)
        if away >= ends:
            if used == rows.size:
                break
            # Cells lie in order, mostly without a hole: the next row, and seldom a division.
            index = index + 1 if away < ends + height else away // height
            ends = (index + 1) * height
            row = rows[used]
            used += 1
            row["index"] = index
            row["price"] = anchor + side * index * height - (0 if side > 0 else height - 1)
            row["lots"] = row["facing"] = row["volume"] = 0
        row = rows[used - 1]
        at = at + side
        if at == cells.size or at < 0:
            at = np.int64(0) if side > 0 else np.int64(cells.size - 1)
        bought, sold = cell["bought"], cell["sold"]
        row["lots"] += bought if side > 0 else sold
        row["facing"] += sold if side > 0 else bought
        row["volume"] += bought + sold + cell["unknown"]
    for j in range(used):
        row = rows[j]
        row["opposite"] = 0
        if j > 0 and rows[j - 1]["index"] == row["index"] - 1:
            row["opposite"] = rows[j - 1]["facing"]
        _judge_row(row, j > 0 or rule["border_rows"] != 0, rule, minimum)
    return used


@kernel_inline
def _judge_row(row: Any, has_partner: bool, rule: Any, minimum: Int) -> None:
    lots, counted = row["lots"], max(row["opposite"], 1)
    row["kind"] = NONE
    row["ratio"] = float(lots) / float(counted)
    if not has_partner or lots == 0 or (row["opposite"] == 0 and rule["zero_as_one"] == 0):
        row["ratio"] = 0.0
    elif row["ratio"] >= rule["ratio"]:
        row["kind"] = OPPOSED if row["opposite"] > 0 else UNOPPOSED
        if lots - counted < minimum:
            row["kind"] = SHORT


@kernel
def find_stacks(
    rows: Any, used: Int, side: Int, height: Int, rows_min: Int, found: Any
) -> tuple[Int, Int]:
    """Write the stacks among `rows`, or else the nearest miss; return how many, and how many more.

    A near-miss is one row too few, or enough rows of which some differ too little; of several the
    one with most lots. `found` has STACKS_SIDE places.
    """
    places = STACKS_SIDE - 1
    waiting = found[places]
    waiting["change"] = waiting["lots"] = 0
    written = np.int64(0)
    for level in (OPPOSED, SHORT):
        length = np.int64(0)
        for j in range(used + 1):
            fits = j < used and rows[j]["kind"] >= level
            if length > 0 and (not fits or rows[j]["index"] != rows[j - 1]["index"] + 1):
                enough = length >= rows_min
                if enough and level == OPPOSED:
                    if written < places:
                        _measure(rows, j - length, j, side, height, STACKED, found[written])
                    written += 1
                elif enough or (length == rows_min - 1 and level == OPPOSED):
                    lots = np.int64(0)
                    for i in range(j - length, j):
                        lots += rows[i]["lots"]
                    if lots > waiting["lots"]:
                        why = TOO_SMALL if enough else TOO_FEW
                        _measure(rows, j - length, j, side, height, why, waiting)
                length = np.int64(0)
            if fits:
                length += 1
        if written > 0:
            return min(written, places), max(written - places, 0)
    if waiting["change"] != 0:
        found[0] = waiting
        written = np.int64(1)
    return written, np.int64(0)


@kernel
def _measure(
    rows: Any, start: Int, stop: Int, side: Int, height: Int, change: Int, zone: Any
) -> None:
    """Write the rows from `start` to before `stop` as one zone."""
    zone["side"], zone["change"], zone["height"] = side, change, height
    zone["rows"] = stop - start
    zone["lots"] = zone["opposite"] = zone["unopposed"] = 0
    zone["ratio_min"], zone["ratio_mean"] = rows[start]["ratio"], 0.0
    zone["difference"] = rows[start]["lots"]
    for j in range(start, stop):
        row = rows[j]
        zone["lots"] += row["lots"]
        zone["opposite"] += row["opposite"]
        zone["unopposed"] += np.int64(row["opposite"] == 0)
        zone["ratio_min"] = min(zone["ratio_min"], row["ratio"])
        zone["ratio_mean"] += row["ratio"] / float(stop - start)
        zone["difference"] = min(zone["difference"], row["lots"] - max(row["opposite"], 1))
    low, high = rows[start]["price"], rows[stop - 1]["price"]
    zone["low"], zone["high"] = min(low, high), max(low, high) + height - 1


def bar_diagonals(
    cells: NDArray[Any],
    side: int,
    parameters: DiagonalParameters,
    *,
    row_ticks: int = 1,
    height: int = 0,
    minimum: int | None = None,
) -> NDArray[Any]:
    """Return the ROWs of one bar with their imbalances of one side, lowest price first.

    `height` 0 takes the bar's own rows. Without a `minimum` it is `minimum_lots`, or the quantile
    of the rows of this bar alone.
    """
    assert side in (BUY, SELL)
    rule = parameter_rows(DIAGONAL_ROW, 1, parameters)[0]
    rows = np.zeros(max(cells.size, 1), ROW)
    tall = height or row_ticks
    own = cells.copy()  # whole and writable, as kernels are compiled for
    needed = parameters.minimum_lots if minimum is None else minimum
    used = int(read_rows(own, 0, own.size, side, row_ticks, tall, rule, needed, rows))
    if minimum is None and parameters.minimum_lots == 0 and used > 0:
        rank = max(-(-used * parameters.minimum_ppm // PPM), 1)
        needed = int(np.sort(rows["volume"][:used])[rank - 1])
        read_rows(own, 0, own.size, side, row_ticks, tall, rule, needed, rows)
    return rows[:used] if side > 0 else rows[:used][::-1]


def bar_stacks(
    cells: NDArray[Any],
    parameters: DiagonalParameters,
    *,
    row_ticks: int = 1,
    height: int = 0,
    minimum: int | None = None,
) -> NDArray[Any]:
    """Return the stacks of one bar as ZONEs, buys before sells; arguments as `bar_diagonals`."""
    stacks = []
    for side in (BUY, SELL):
        rows = bar_diagonals(
            cells, side, parameters, row_ticks=row_ticks, height=height, minimum=minimum
        )[::side].copy()
        found = np.zeros(STACKS_SIDE, ZONE)
        tall = height or row_ticks
        count, _ = find_stacks(rows, rows.size, side, tall, parameters.rows_min, found)
        stacks.append(found[: int(count)][found["change"][: int(count)] == STACKED])
    return np.concatenate(stacks)
