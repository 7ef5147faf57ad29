"""What the pictures show, gathered from a store: bounded by the picture, not by the span.

A picture has some hundreds of columns and rows. The book is sampled once a column, the largest
taker orders are kept, everything else is summed on the way.
"""

import heapq
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.columns import column_indices, empty_row, read_columns
from aggressor.engine.reading import read_signals
from aggressor.features.bars import BAR
from aggressor.features.prints import TAKER_ORDER
from aggressor.features.profile import volume_profile
from aggressor.features.series import ClosedBars
from aggressor.reports.flow_picture import Flow, draw_flow
from aggressor.reports.footprint_picture import (
    BARS_MAX,
    NUMBERED_BARS,
    ROWS_NUMBERED,
    ROWS_SHADED,
    draw_footprint,
)
from aggressor.reports.pictures import matplotlib
from aggressor.reports.profile_picture import draw_profile
from aggressor.run.progress import Step, silent
from aggressor.run.studies.bars import open_bars
from aggressor.run.studies.profile import merged_cells, row_height, span_profile
from aggressor.run.studies.signals import kind_named, wanted_rows
from aggressor.run.studies.studying import Asked, Study
from aggressor.run.studies.tape import taker_orders
from aggressor.schema.errors import StoreError
from aggressor.store.replay import TIMER_NS
from aggressor.study.depth_rows import depth_rows

COLUMNS_MAX = 1200
ROWS_MAX = 240
ORDERS_MAX = 300
SIGNALS_MAX = 2000  # kept for a picture: the best scored
_CLOCK_NS = 120 * 10**9

Pictures = Mapping[str, Path]
"""Files to be drawn by format, `png` or `svg`."""


def gather_flow(
    study: Study, kind: str | None = None, near_misses: bool = False, progress: Step = silent
) -> Flow:
    """Return what the picture of a span's signals shows. Raises StoreError for an empty span."""
    number = kind_named(kind)
    covered = study.covered_ns
    if covered is None:
        raise StoreError(f"Nothing of {study.definition.id} was received in that span.")
    low, row_ticks, rows = _price_rows(study)
    every_ns = max(1, -(-(covered[1] - covered[0]) // (COLUMNS_MAX * TIMER_NS))) * TIMER_NS
    wanted = column_indices(["bid", "ask", "cvd"])
    times: list[int] = []
    lines: list[NDArray[np.float64]] = []
    depth: list[NDArray[np.float32]] = []
    best: list[tuple[float, int, Any]] = []
    counted: dict[int, int] = {}
    row, ladder = empty_row(), np.zeros(rows)
    for moment in study.moments(every_ns, progress):
        if not moment.last:
            read_columns(moment.pipe, study.lane, moment.now_ns, row)
            depth_rows(moment.pipe.market.book, study.lane, low, row_ticks, ladder)
            times.append(moment.now_ns)
            lines.append(row[wanted])
            known = moment.pipe.market.book.head[study.lane]["valid"]
            depth.append(ladder.astype(np.float32) if known else np.full(rows, np.nan, np.float32))
        for one in wanted_rows(moment.signals, number, near_misses):
            counted[int(one["kind"])] = counted.get(int(one["kind"]), 0) + 1
            _keep(best, (float(one["score"]), sum(counted.values()), one.copy()), SIGNALS_MAX)
    if not times:
        raise StoreError("The span is shorter than one sample of the book: choose a longer one.")
    drawn = np.array([one for _, _, one in sorted(best, key=lambda each: each[1])])
    bid, ask, cvd = np.array(lines).T
    return Flow(
        instrument=study.definition,
        times=np.array(times),
        bid=bid,
        ask=ask,
        cvd=cvd,
        depth=np.array(depth).T,
        low=low,
        row_ticks=row_ticks,
        orders=_largest_orders(study),
        signals=read_signals(drawn) if drawn.size else [],
        counted=counted,
    )


def _keep(heap: list[Any], one: Any, count: int) -> None:
    """Keep the `count` largest."""
    if len(heap) < count:
        heapq.heappush(heap, one)
    else:
        heapq.heappushpop(heap, one)


def _largest_orders(study: Study) -> NDArray[Any]:
    kept: NDArray[Any] | None = None
    for rows in taker_orders(study):
        both = rows if kept is None else np.concatenate([kept, rows])
        kept = both[np.argsort(-both["lots"], kind="stable")[:ORDERS_MAX]]
    return kept if kept is not None else np.zeros(0, TAKER_ORDER)


def _price_rows(study: Study) -> tuple[int, int, int]:
    """Return (lowest tick, row height, rows) that show where the span traded and around it."""
    low, high = 2**31, -(2**31)
    first, last = study.covered_ns or (0, 0)
    span = first - _CLOCK_NS, last + _CLOCK_NS  # bars open in venue time
    bars = open_bars(study.store.layout.root, study.definition.id, "1m", *span)
    for closed in bars.batches:
        low = min(low, int(closed.bars["low"].min()))
        high = max(high, int(closed.bars["high"].max()))
    if low > high:
        raise StoreError(f"{study.definition.id} did not trade in that span: nothing to draw.")
    margin = max(5, (high - low) // 6)
    height = row_height(high - low + 1 + 2 * margin, ROWS_MAX)
    low = (low - margin) // height * height
    return low, height, (high + margin - low) // height + 1


def footprint_picture(
    store: Path | str,
    instrument: str,
    bar: str,
    pictures: Pictures,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    row_ticks: int = 1,
) -> dict[str, Any]:
    """Draw the last bars of a span that traded; rows are made taller where they would not fit.

    Raises StoreError where nothing traded, ConfigError without matplotlib.
    """
    matplotlib()
    opened = open_bars(store, instrument, bar, start_ns, stop_ns, row_ticks)
    bars, cells = np.zeros(0, BAR), list[NDArray[Any]]()
    for closed in opened.batches:
        traded = closed.bars[closed.bars["volume"] > 0][-BARS_MAX:]
        cells += [
            closed.cells[one["first_cell"] : one["first_cell"] + one["cells"]] for one in traded
        ]
        bars = np.concatenate([bars, traded])[-BARS_MAX:]
        cells = cells[-BARS_MAX:]
    if bars.size == 0:
        raise StoreError(f"{instrument} did not trade in that span: nothing to draw.")
    ticks = int(bars["high"].max()) - int(bars["low"].min()) + 1
    rows = ROWS_NUMBERED - 2 if bars.size <= NUMBERED_BARS else ROWS_SHADED
    height = row_ticks * row_height(-(-ticks // row_ticks), rows)
    if height != row_ticks:
        cells = [merged_cells(own, height) for own in cells]
        for one, own in zip(bars, cells, strict=True):
            held = volume_profile(own, height)
            one["poc"], one["val"], one["vah"] = held.poc, held.val, held.vah
    bars["cells"] = [own.size for own in cells]
    bars["first_cell"] = np.cumsum(bars["cells"]) - bars["cells"]
    shown = ClosedBars(bars, np.concatenate(cells))
    for form, file in pictures.items():
        draw_footprint(opened.instrument, shown, height, bar, file, form)
    return _drawn(instrument, pictures, bars=bars.size)


def profile_picture(
    store: Path | str,
    instrument: str,
    pictures: Pictures,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    row_ticks: int | None = None,
) -> dict[str, Any]:
    """Draw the profile of a span. Raises StoreError where nothing traded."""
    matplotlib()
    found = span_profile(store, instrument, start_ns, stop_ns, row_ticks)
    if found.profile.total == 0:
        raise StoreError(f"{instrument} did not trade in that span: nothing to draw.")
    traded = found.bars[found.bars["volume"] > 0]
    for form, file in pictures.items():
        draw_profile(found.instrument, traded, found.cells, found.profile, found.nodes, file, form)
    return _drawn(instrument, pictures, rows=found.cells.size)


def signals_picture(
    store: Path | str,
    instrument: str,
    pictures: Pictures,
    *,
    kind: str | None = None,
    near_misses: bool = False,
    progress: Step = silent,
    **asked: Unpack[Asked],
) -> dict[str, Any]:
    """Draw depth, trades, signals and CVD of a span. Raises StoreError where nothing traded."""
    matplotlib()
    study = Study(store, instrument, **asked)
    flow = gather_flow(study, kind, near_misses, progress)
    for form, file in pictures.items():
        draw_flow(flow, file, form)
    return _drawn(instrument, pictures, signals=sum(flow.counted.values()))


def _drawn(instrument: str, pictures: Pictures, **counts: int) -> dict[str, Any]:
    return {
        "instrument": instrument,
        **counts,
        "picture": ", ".join(str(file) for file in pictures.values()),
    }
