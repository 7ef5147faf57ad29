"""The flow picture: resting depth over time with trades and signals, and the CVD below.

Depth is grey (darker: more), so that blue and orange stay free for who was aggressive and what a
signal argues for. A divergence is drawn between its two swings, in price and in CVD alike.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.reading import Signal
from aggressor.reports.pictures import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    days_of,
    matplotlib,
    new_figure,
    price_axis,
    quiet_frame,
    save_figure,
    time_axis,
)
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import CONFIRMED, DIVERGENCE, SIGNAL_NAMES

_MARK_SIZES = ((60, 12.0), (300, 6.0), (1 << 62, 4.0))  # up to so many of a kind: points
_MARKERS = "oDs^v<>PXph*8d"
_DOT_MAX = 420.0  # area of the largest trade, square points


class Flow(NamedTuple):
    """Book, trades and signals of a span, ready to be drawn. Prices ticks, sizes lots."""

    instrument: Instrument
    times: NDArray[np.int64]  # (n,) ns of ts_recv
    bid: NDArray[np.float64]  # (n,) nan while not known
    ask: NDArray[np.float64]
    cvd: NDArray[np.float64]
    depth: NDArray[np.float32]  # (rows, n) resting lots, row 0 lowest; nan while not known
    low: int  # ticks, of row 0
    row_ticks: int
    orders: NDArray[Any]  # TAKER_ORDER, the largest
    signals: Sequence[Signal]  # the best scored, in order of time
    counted: dict[int, int]  # signals of each kind, those not drawn included


def draw_flow(flow: Flow, file: Path | str, form: str) -> None:
    """Draw the flow picture of a span."""
    one = flow.instrument
    figure = new_figure(
        f"Order flow of {one.id}: depth, trades, signals",
        f"grey: resting size in rows of {Decimal(flow.row_ticks) * one.tick}; dots: the "
        f"{flow.orders.size} largest taker orders, blue bought, orange sold. Signals: blue argues "
        "up or is about the bid, orange down or the ask; hollow: near-miss. Times of receipt.",
    )
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.4, 1])
    tick, lot = float(one.tick), float(one.lot)
    draw_resting(figure, upper, flow.times, flow.depth, flow.low * tick, flow.row_ticks * tick, lot)
    times = days_of(flow.times)
    for line, colour in _price_lines(flow):
        upper.step(times, line * tick, color=colour, linewidth=1.1, where="post")
    _draw_orders(upper, flow, tick)
    handles = _draw_signals(upper, flow, tick)
    if handles:
        upper.legend(handles=handles, loc="upper left", ncols=3, fontsize=9)
    price_axis(upper)
    upper.spines[["top", "left"]].set_visible(False)
    lower.step(times, flow.cvd * lot, color=INK, linewidth=1.4, where="post")
    lower.set_ylabel("CVD")
    lower.yaxis.tick_right()
    lower.yaxis.set_label_position("right")
    quiet_frame(lower)
    _draw_divergences(upper, lower, flow, tick, lot)
    lower.set_xlim(float(times[0]), float(times[-1]))
    time_axis(lower)
    save_figure(figure, file, form)


def _price_lines(flow: Flow) -> list[tuple[NDArray[np.float64], str]]:
    """Return bid and ask, or the mid where the two would lie on each other."""
    spread = flow.ask - flow.bid
    known = spread[np.isfinite(spread)]
    if known.size and np.median(known) > 0.004 * flow.depth.shape[0] * flow.row_ticks:
        return [(flow.bid, BLUE), (flow.ask, ORANGE)]
    return [(0.5 * (flow.bid + flow.ask), INK)]


def draw_resting(
    figure: Any,
    axes: Any,
    times: NDArray[np.int64],
    depth: NDArray[np.float32],
    low: float,
    row: float,
    lot: float,
) -> None:
    """Draw what rests, grey, with its scale, and set the axis of prices to its rows.

    `depth` (rows, n) lots at `times` (n,) ns, nan while not known; `low` and `row` are prices.
    """
    shown = np.sqrt(depth * lot)
    known = shown[np.isfinite(shown) & (shown > 0)]
    top = float(np.quantile(known, 0.99)) if known.size else 1.0
    high = low + depth.shape[0] * row
    days = days_of(times)
    colours = _greys()
    image = axes.imshow(
        shown,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=colours,
        vmin=0.0,
        vmax=top,
        extent=(float(days[0]), float(days[-1]), low, high),
    )
    axes.set_ylim(low, high)
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.02, aspect=40, extend="max")
    marks = np.linspace(0, top, 5)
    bar.set_ticks(marks.tolist(), labels=[f"{mark * mark:.3g}" for mark in marks])
    bar.set_label("resting per row")


def _greys() -> Any:
    """Return white to mid grey: marks stay readable on the darkest; no book is a pale yellow."""
    colours = matplotlib("colors").LinearSegmentedColormap.from_list(
        "depth", ["#FFFFFF", "#6E6E6E"]
    )
    return colours.with_extremes(bad="#FFF3D0", over="#4A4A4A")


def _draw_orders(axes: Any, flow: Flow, tick: float) -> None:
    """Draw the largest taker orders as dots, area by size."""
    orders = flow.orders[np.argsort(-flow.orders["lots"], kind="stable")]
    if orders.size == 0:
        return
    areas = np.maximum(4.0, _DOT_MAX * orders["lots"] / orders["lots"].max())
    for side, colour in ((1, BLUE), (-1, ORANGE), (0, GREY)):
        own = orders["side"] == side
        axes.scatter(
            days_of(orders["ts_recv"][own]),
            orders["last"][own] * tick,
            s=areas[own],
            color=colour,
            alpha=0.6,
            edgecolors="white",
            linewidths=0.5,
        )


def _draw_signals(axes: Any, flow: Flow, tick: float) -> list[Any]:
    """Draw the best signals of each kind; return what the legend says of them."""
    lines = matplotlib("lines")
    handles = []
    for kind, count in sorted(flow.counted.items(), key=lambda one: -one[1]):  # the rare on top
        own = [signal for signal in flow.signals if signal.kind == kind]
        points = next(size for most, size in _MARK_SIZES if len(own) <= most)
        marker = _MARKERS[kind % len(_MARKERS)]
        for one in own:
            if one.low == NO_PRICE or one.high == NO_PRICE:
                continue
            colour = _colour(one.direction or one.side)
            place = float(days_of(one.ts_known))
            axes.plot([place, place], [one.low * tick, one.high * tick], color=colour, linewidth=2)
            axes.plot(
                [place],
                [0.5 * (one.low + one.high) * tick],
                marker=marker,
                markersize=points,
                linestyle="",
                alpha=0.85,
                markerfacecolor=colour if one.phase == CONFIRMED else "none",
                markeredgecolor="white" if one.phase == CONFIRMED else colour,
                markeredgewidth=0.1 * points,
                zorder=4,
            )
        name = SIGNAL_NAMES[kind].replace("_", " ")
        text = f"{name}: {count}" if len(own) == count else f"{name}: best {len(own)} of {count}"
        handles.append(
            lines.Line2D([], [], marker=marker, linestyle="", color=GREY, markersize=8, label=text)
        )
    return handles


def _draw_divergences(upper: Any, lower: Any, flow: Flow, tick: float, lot: float) -> None:
    """Draw each divergence between its two swings, in both panels."""
    needed = ("price_before", "price", "cvd_before", "cvd", "seconds_apart")
    for one in flow.signals:
        told = one.evidence
        if one.kind != DIVERGENCE or one.phase != CONFIRMED or any(n not in told for n in needed):
            continue
        colour = _colour(one.direction or one.side)
        stop = one.ts_armed + one.ts_known - one.ts_confirmed  # the swing, by the clock of receipt
        ends = days_of(np.array([stop - int(told["seconds_apart"] * 1e9), stop]))
        for axes, names, unit in (
            (upper, ("price_before", "price"), tick),
            (lower, ("cvd_before", "cvd"), lot),
        ):
            axes.plot(ends, [told[name] * unit for name in names], color=colour, linewidth=2.2)


def _colour(side: int) -> str:
    return BLUE if side > 0 else ORANGE if side < 0 else INK
