"""The profile picture: price over time beside volume by price, on one price axis."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.nodes import HVN, NODE_NAMES, Node
from aggressor.features.profile import VolumeProfile
from aggressor.reports.pictures import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    days_of,
    new_figure,
    price_axis,
    quiet_frame,
    save_figure,
    time_axis,
)
from aggressor.schema.instrument import Instrument

LABELLED_NODES = 12  # the largest; more would lie over each other


def draw_profile(
    instrument: Instrument,
    bars: NDArray[Any],
    cells: NDArray[Any],
    profile: VolumeProfile,
    nodes: list[Node],
    file: Path | str,
    form: str,
) -> None:
    """Draw one-minute BAR rows beside the CELL rows of their profile, which traded."""
    tick, lot = float(instrument.tick), float(instrument.lot)
    height = profile.row_ticks * tick
    figure = new_figure(
        f"Volume profile of {instrument.id}, rows of "
        f"{Decimal(profile.row_ticks) * instrument.tick} ({profile.row_ticks} ticks)",
        f"{profile.total * lot:,.6g} traded, delta {int(profile.delta.sum()) * lot:+,.6g}; "
        "orange sold, blue bought, by the aggressor; grey band: value area of 70 %",
    )
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1, 1])
    _draw_price(left, bars, tick)
    bottoms = cells["price"] * tick
    sold, bought = cells["sold"] * lot, cells["bought"] * lot
    unsided = cells["unknown"] * lot
    shared = {"height": height, "align": "edge", "linewidth": 0}
    right.barh(bottoms, sold, color=ORANGE, alpha=0.8, label="sold", **shared)
    right.barh(bottoms, bought, left=sold, color=BLUE, alpha=0.8, label="bought", **shared)
    if unsided.any():
        right.barh(bottoms, unsided, left=sold + bought, color=GREY, label="no side", **shared)
    for axes in (left, right):
        axes.axhspan(profile.val * tick, profile.vah * tick + height, color=GREY, alpha=0.10)
        axes.axhline(profile.poc * tick + height / 2, color="black", linewidth=1.2)
        quiet_frame(axes)
    _label_levels(right, profile, tick, height)
    _label_nodes(right, nodes, tick)
    right.set_xlim(0, float((sold + bought + unsided).max()) * 1.36)
    right.set_xlabel("size traded", loc="right")
    figure.legend(*right.get_legend_handles_labels(), loc="upper right", ncols=3)
    price_axis(left)
    left.tick_params(labelright=True)
    right.tick_params(left=False, right=False, labelleft=False, labelright=False)
    save_figure(figure, file, form)


def _draw_price(axes: Any, bars: NDArray[Any], tick: float) -> None:
    """Draw the range of every minute and the line of closes."""
    times = days_of(bars["open_ns"])
    width = float(days_of(60 * 10**9))
    ranges = (bars["high"] - bars["low"]) * tick
    colours = np.where(bars["close"] >= bars["open"], BLUE, ORANGE)
    axes.bar(
        times,
        np.maximum(ranges, tick),
        width * 0.8,
        bottom=bars["low"] * tick,
        align="edge",
        color=colours,
        alpha=0.45,
    )
    axes.plot(
        times + width, bars["close"] * tick, color=INK, linewidth=1.3, marker="o", markersize=3
    )
    axes.set_title("range and close of each minute", fontsize=10)
    axes.set_xlim(float(times[0]) - width * 0.3, float(times[-1]) + width * 1.3)
    time_axis(axes)


def _label_levels(axes: Any, profile: VolumeProfile, tick: float, height: float) -> None:
    places = (
        ("POC", profile.poc * tick + height / 2),
        ("VAH", profile.vah * tick + height),
        ("VAL", profile.val * tick),
    )
    for name, price in places:
        axes.annotate(
            f"{name} {price:.10g}",
            (0.995, price),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom" if name != "VAL" else "top",
            fontsize=10,
            fontweight="bold",
            color=INK,
        )


def _label_nodes(axes: Any, nodes: list[Node], tick: float) -> None:
    """Mark the largest high volume nodes and the deepest valleys between them."""
    high = sorted((one for one in nodes if one.kind == HVN), key=lambda one: -one.volume)
    low = sorted((one for one in nodes if one.kind != HVN), key=lambda one: one.volume)
    for node in [*high[: LABELLED_NODES // 2], *low[: LABELLED_NODES // 2]]:
        middle = 0.5 * (node.low + node.high + 1) * tick
        axes.plot(
            [0.80],
            [middle],
            marker="<",
            color=INK,
            markerfacecolor=INK if node.kind == HVN else "white",
            transform=axes.get_yaxis_transform(),
            markersize=7,
        )
        axes.annotate(
            NODE_NAMES[node.kind],
            (0.812, middle),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=INK,
        )
