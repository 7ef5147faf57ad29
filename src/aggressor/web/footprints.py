"""BAR: footprint bars, closed ones with all they hold and the open one as it stands.

Rows of a bar are `row_ticks` high, chosen once for an instrument from its price (ROW_BP) so that a
bar can be read; the cells of the pipeline are summed into them, and point of control, value area,
imbalances and stacks are the features' own functions on these rows. An imbalance is held against
the rows of its own bar (R4.3); what the pipeline itself called a stack, by its hour's yardstick, is
in STATE as zones.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.parts import Pipeline
from aggressor.features import series as bar_series
from aggressor.features.auction import unfinished
from aggressor.features.bars import TIME
from aggressor.features.diagonal import OPPOSED, DiagonalParameters, bar_diagonals, bar_stacks
from aggressor.features.profile import profile_rows
from aggressor.features.series import CELL, ClosedBars
from aggressor.schema.event import BUY, SELL
from aggressor.web.protocol import OPEN, Kind, frame

ROW_BP = 0.3
_NICE = (1, 2, 5)
BUYS, SELLS, STACK_BUYS, STACK_SELLS, CONTROL, VALUE = 1, 2, 4, 8, 16, 32
_NS_MS = 1e6
FIELDS = (
    "open_ms", "close_ms", "open", "high", "low", "close", "volume", "delta", "delta_min",
    "delta_max", "cvd", "unknown", "trades", "vwap", "sigma", "poc", "val", "vah", "quality",
    "reasons", "unfinished_high", "unfinished_low", "excluded", "period_ms",
)  # fmt: skip
_AS_THEY_ARE = (*FIELDS[2:15], "quality", "reasons", "excluded")


def row_height(price: int) -> int:
    """Return the ticks of a row at a price: 1, 2 or 5 times a power of ten."""
    wanted = abs(price) * ROW_BP / 10_000
    power = 1
    while True:
        for step in _NICE:
            if step * power >= wanted:
                return step * power
        power *= 10


class Footprints:
    """The bars of one series, the first of a lane."""

    def __init__(self, lane: int, rules: DiagonalParameters) -> None:
        self.lane = lane
        self.row_ticks: int | None = None  # until the first price is known
        self.bars = 0  # closed
        self._rules = rules

    def closed(self, pipe: Pipeline, series: int, taken: ClosedBars) -> list[bytearray]:
        """Return the frames of bars that have closed."""
        made = []
        for bar in taken.bars:
            first = int(bar["first_cell"])
            cells = taken.cells[first : first + int(bar["cells"])]
            made.append(self._frame(pipe, series, bar, cells, 0))
            self.bars += 1
        return made

    def open(self, pipe: Pipeline, series: int, now_ns: int) -> bytearray | None:
        """Return the frame of the open bar; None before its first print, or before a decision."""
        head = pipe.footprint.head[series]
        if head["volume"] == 0 or head["closed"] != head["drained"]:
            return None
        taken = bar_series.open_bar(pipe.footprint, series, now_ns)
        return self._frame(pipe, series, taken.bars[0], taken.cells, OPEN)

    def _frame(
        self, pipe: Pipeline, series: int, bar: Any, cells: NDArray[Any], flags: int
    ) -> bytearray:
        if self.row_ticks is None and bar["volume"] > 0:
            self.row_ticks = row_height(int(bar["open"]))
        height = self.row_ticks or 1
        head = pipe.footprint.head[series]
        rows = merged(cells, height)
        values = {name: float(bar[name]) for name in _AS_THEY_ARE}
        values["open_ms"], values["close_ms"] = bar["open_ns"] / _NS_MS, bar["close_ns"] / _NS_MS
        values["period_ms"] = head["span_ns"] / _NS_MS if head["kind"] == TIME else 0.0
        for name in ("poc", "val", "vah", "unfinished_high", "unfinished_low"):
            values[name] = np.nan
        marks = np.zeros(rows.size, np.uint8)
        if rows.size:
            self._mark(rows, height, head, values, marks)
            ends = unfinished(cells, row_ticks=int(head["row_ticks"]))
            for name, answer in zip(("unfinished_high", "unfinished_low"), ends, strict=True):
                values[name] = np.nan if answer is None else float(answer)
        return frame(
            Kind.BAR,
            self.lane,
            int(bar["known_ns"]),
            [
                np.array([values[name] for name in FIELDS]),
                rows["price"].astype(np.int32),
                marks,
                *(rows[name].astype(np.float64) for name in ("bought", "sold", "unknown")),
            ],
            count=rows.size,
            aux=height,
            flags=flags,
        )

    def _mark(
        self, rows: Any, height: int, head: Any, values: dict[str, float], marks: Any
    ) -> None:
        """Write point of control, value area, imbalances and stacks of a bar's rows."""
        low = int(rows["price"][0])
        places = (rows["price"] - low) // height
        volume = np.zeros(int(places[-1]) + 1, np.int64)
        volume[places] = rows["bought"] + rows["sold"] + rows["unknown"]
        total, share = int(volume.sum()), int(head["share_ppm"])
        found = profile_rows(
            volume, total, share, int(head["value_step"]), int(head["both_on_tie"])
        )
        control, lowest, highest = (int(one) for one in found)
        for name, row in (("poc", control), ("val", lowest), ("vah", highest)):
            values[name] = float(low + row * height)
        marks[places == control] |= CONTROL
        marks[(places >= lowest) & (places <= highest)] |= VALUE
        for side, mark in ((BUY, BUYS), (SELL, SELLS)):
            judged = bar_diagonals(rows, side, self._rules, row_ticks=height)
            prices = judged["price"][judged["kind"] >= OPPOSED]
            marks[np.isin(rows["price"], prices)] |= mark
        for stack in bar_stacks(rows, self._rules, row_ticks=height):
            inside = (rows["price"] >= stack["low"]) & (rows["price"] <= stack["high"])
            marks[inside] |= STACK_BUYS if stack["side"] > 0 else STACK_SELLS


def merged(cells: NDArray[Any], height: int) -> NDArray[Any]:
    """Return cells summed into rows of `height` ticks on the global grid, lowest first."""
    if not cells.size:
        return np.zeros(0, CELL)
    lowest = cells["price"] // height * height
    prices, place = np.unique(lowest, return_inverse=True)
    rows = np.zeros(prices.size, CELL)
    rows["price"] = prices
    for name in ("trades", "sold", "bought", "unknown"):
        np.add.at(rows[name], place, cells[name])
    return rows
