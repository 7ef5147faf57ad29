"""The footprint chart: what was sold and bought at each price of each bar, delta and CVD below."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import QUALITY_NAMES
from aggressor.features.series import ClosedBars
from aggressor.reports.moments import moment_text
from aggressor.reports.pictures import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    matplotlib,
    new_figure,
    price_axis,
    quiet_frame,
    save_figure,
    short_size,
)
from aggressor.schema.instrument import Instrument

BARS_MAX = 36
LARGE_BARS = 7
NUMBERED_BARS = 12  # more are shaded instead
ROWS_NUMBERED = 46
ROWS_SHADED = 90
_HALF = 0.36  # of a bar's width, for either side of a cell
_SPINE = -0.44  # where the bar's own candle stands


def draw_footprint(
    instrument: Instrument,
    closed: ClosedBars,
    row_ticks: int,
    bar: str,
    file: Path | str,
    form: str,
) -> None:
    """Draw bars with their cells, oldest at the left; rows are `row_ticks` tall.

    `closed` holds at most BARS_MAX bars that traded.
    """
    bars, cells = closed
    tick, lot = float(instrument.tick), float(instrument.lot)
    numbered = bars.size <= NUMBERED_BARS and _rows(cells, row_ticks) <= ROWS_NUMBERED
    points = 0.0 if not numbered else 9.0 if bars.size <= LARGE_BARS else 7.5
    how = "length and number" if numbered else "depth of colour"
    figure = new_figure(
        f"Footprint of {instrument.id}, bars of {bar}, rows of "
        f"{Decimal(row_ticks) * instrument.tick} ({row_ticks} ticks)",
        f"left of a bar sold, right bought, by the aggressor; {how}: size. Black frame: point of "
        "control. Grey line: value area. Thick line at the left: open to close.",
    )
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=[7, 1.2, 1.1])
    largest = max(int(cells["sold"].max()), int(cells["bought"].max()), 1)
    for x, one in enumerate(bars):
        at = int(one["first_cell"])
        own = cells[at : at + int(one["cells"])]
        _draw_cells(upper, x, own, row_ticks, tick, lot, largest, points)
        _draw_bar(upper, x, one, row_ticks, tick)
    low, high = cells["price"].min() * tick, (cells["price"].max() + row_ticks) * tick
    margin = 0.02 * (high - low)
    upper.set_ylim(low - margin, high + margin)
    upper.set_xlim(-0.6, max(bars.size, 4) - 0.4)
    price_axis(upper)
    quiet_frame(upper)
    _draw_delta(middle, bars, lot)
    _draw_cvd(lower, bars, lot)
    _label_bars(lower, bars)
    save_figure(figure, file, form)


def _rows(cells: NDArray[Any], row_ticks: int) -> int:
    return (int(cells["price"].max()) - int(cells["price"].min())) // row_ticks + 1


def _draw_cells(
    axes: Any,
    x: int,
    cells: NDArray[Any],
    row_ticks: int,
    tick: float,
    lot: float,
    largest: int,
    points: float,
) -> None:
    """Draw one bar's cells with numbers of this size, or shaded where it is 0."""
    bottoms = cells["price"] * tick
    height = row_ticks * tick
    for name, sign, colour in (("sold", -1, ORANGE), ("bought", 1, BLUE)):
        shares = cells[name] / largest
        if not points:
            strength = np.where(shares > 0, 0.06 + 0.94 * np.sqrt(shares), 0.0)
            shades = matplotlib("colors").to_rgba_array(colour).repeat(cells.size, 0)
            shades[:, 3] = strength
            axes.barh(bottoms, sign * _HALF, height, left=x, align="edge", color=shades)
            continue
        lengths = sign * _HALF * shares
        axes.barh(
            bottoms, lengths, height, left=x, align="edge", color=colour, alpha=0.45, linewidth=0
        )
        for bottom, lots in zip(bottoms, cells[name], strict=True):
            if lots:
                axes.text(
                    x + sign * 0.02,
                    bottom + height / 2,
                    short_size(lots * lot),
                    ha="right" if sign < 0 else "left",
                    va="center",
                    fontsize=points,
                    color=INK,
                    clip_on=True,
                )


def _draw_bar(axes: Any, x: int, bar: Any, row_ticks: int, tick: float) -> None:
    """Draw the candle, the value area and the frame of the point of control."""
    rises = bar["close"] >= bar["open"]
    spine = x + _SPINE
    axes.plot([spine, spine], [bar["low"] * tick, bar["high"] * tick], color=GREY, linewidth=1)
    axes.plot(
        [spine, spine],
        [bar["open"] * tick, bar["close"] * tick],
        color=BLUE if rises else ORANGE,
        linewidth=5,
        solid_capstyle="butt",
    )
    top = (bar["vah"] + row_ticks) * tick
    axes.plot([x + 0.42, x + 0.42], [bar["val"] * tick, top], color=GREY, linewidth=2.5, alpha=0.6)
    axes.add_patch(
        matplotlib("patches").Rectangle(
            (x - _HALF, bar["poc"] * tick),
            2 * _HALF,
            row_ticks * tick,
            fill=False,
            edgecolor="black",
            linewidth=1.2,
        )
    )


def _draw_delta(axes: Any, bars: NDArray[Any], lot: float) -> None:
    delta, places = bars["delta"] * lot, np.arange(bars.size)
    colours = [BLUE if one >= 0 else ORANGE for one in delta]
    axes.bar(places, delta, 0.7, color=colours, alpha=0.75)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_ylabel("delta")
    quiet_frame(axes)
    axes.margins(y=0.4)
    if bars.size <= BARS_MAX // 2:
        for x, one in zip(places, delta, strict=True):
            axes.annotate(
                f"{one:+.4g}",
                (x, one),
                (0, 3 if one >= 0 else -3),
                textcoords="offset points",
                ha="center",
                va="bottom" if one >= 0 else "top",
                fontsize=8,
            )


def _draw_cvd(axes: Any, bars: NDArray[Any], lot: float) -> None:
    axes.plot(
        np.arange(bars.size), bars["cvd"] * lot, color=INK, marker="o", markersize=3, linewidth=1.2
    )
    axes.set_ylabel("CVD")
    axes.margins(y=0.2)
    quiet_frame(axes)


def _label_bars(axes: Any, bars: NDArray[Any]) -> None:
    """Write the opening time below each bar that has room, and mark data that is not full."""
    step = max(1, -(-bars.size // 14))
    places = range(0, bars.size, step)
    same_day = (
        moment_text(int(bars[0]["open_ns"]))[:10] == moment_text(int(bars[-1]["open_ns"]))[:10]
    )
    first, last = (11, 19) if same_day else (5, 16)
    labels = []
    for at in places:
        quality = QUALITY_NAMES[int(bars[at]["quality"])]
        text = moment_text(int(bars[at]["open_ns"]))[first:last]
        labels.append(text if quality == "full" else f"{text}\n{quality}")
    axes.set_xticks(list(places), labels)
    day = moment_text(int(bars[0]["open_ns"]))[:10]
    axes.set_xlabel(f"opening of the bar, UTC{', ' + day if same_day else ''}", loc="right")
    axes.grid(axis="x", color=FAINT)
