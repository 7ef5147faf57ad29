"""The pictures of a run: equity, markouts, slippage, fills on price and depth, the sweep.

Each returns a figure; what is not known leaves a gap in a line, and a picture without anything to
draw says so. Blue bought or above zero, orange sold or below, and every mark differs by shape too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.reports.flow_picture import draw_resting
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
    time_axis,
)
from aggressor.schema.instrument import Instrument

WIDE, HALF = (16.0, 5.6), (6.6, 4.3)
DRAWN_S = 60.0  # horizons behind it say more of the market than of the fill
Numbers = NDArray[np.floating[Any]]


class Mark(NamedTuple):
    """One fill to draw. Ticks, ns."""

    ts_ns: int
    price: int
    side: int
    maker: bool
    opens: bool


class Trip(NamedTuple):
    """A trade from its entry to its exit, to draw. Ticks, ns; `net` decides its colour."""

    start_ns: int
    stop_ns: int
    entry: float
    exit: float
    net: float


class Stage(NamedTuple):
    """The market behind the fills. Ticks, lots, ns; nan while not known."""

    instrument: Instrument
    times: NDArray[np.int64]  # (n,)
    bid: Numbers  # (n,)
    ask: Numbers
    depth: NDArray[np.float32]  # (rows, n)
    low: int  # ticks, of row 0
    row_ticks: int


def equity_figure(
    times: NDArray[np.int64], profit: Numbers, fall: Numbers, gross: Numbers, currency: str
) -> Any:
    """Draw profit, drawdown and exposure over time; all (n,), money in the currency."""
    figure = new_figure("", size=WIDE)
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=[2.6, 1, 1])
    days = days_of(times)
    upper.axhline(0.0, color=GREY, linewidth=0.8)
    upper.step(days, profit, color=INK, linewidth=1.4, where="post")
    upper.fill_between(days, 0, profit, where=profit > 0, step="post", color=BLUE, alpha=0.18)
    upper.fill_between(days, 0, profit, where=profit < 0, step="post", color=ORANGE, alpha=0.22)
    middle.fill_between(days, 0, -fall, step="post", color=ORANGE, alpha=0.55, linewidth=0)
    lower.fill_between(days, 0, gross, step="post", color=GREY, alpha=0.55, linewidth=0)
    for axes, label in ((upper, f"net profit, {currency}"), (middle, "drawdown"), (lower, "held")):
        axes.set_ylabel(label)
        axes.yaxis.tick_right()
        axes.yaxis.set_label_position("right")
        quiet_frame(axes)
    lower.set_xlim(float(days[0]), float(days[-1]))
    time_axis(lower)
    return figure


def markout_figure(curve: Sequence[Mapping[str, Any]]) -> Any:
    """Draw mean markouts with their 95 % intervals against the horizon."""
    figure = new_figure("", size=HALF)
    axes = figure.subplots()
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    shown = False
    for name, colour, marker in (("maker", BLUE, "o"), ("taker", ORANGE, "s")):
        near = [row for row in curve if row["horizon_s"] <= DRAWN_S]
        known = [row for row in near if row[name]["mean"] is not None]
        if not known:
            continue
        shown = True
        at = [row["horizon_s"] for row in known]
        mean = np.array([row[name]["mean"] for row in known])
        n = max(row[name]["n"] for row in known)
        axes.plot(at, mean, color=colour, marker=marker, markersize=4, label=f"{name}, {n} fills")
        bounded = [row for row in known if row[name]["low"] is not None]
        low, high = ([row[name][end] for row in bounded] for end in ("low", "high"))
        axes.fill_between([row["horizon_s"] for row in bounded], low, high, color=colour, alpha=0.2)
    if not shown:
        return _nothing(figure, axes, "No fill has a mid behind it.")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(matplotlib("ticker").FormatStrFormatter("%g"))
    axes.set_xlabel("seconds behind the fill", loc="left")
    axes.set_ylabel("mid less price, bp, + is good")
    axes.legend(loc="best", fontsize=9)
    quiet_frame(axes)
    return figure


def slippage_figure(values: Mapping[str, Sequence[float]], mean: Mapping[str, Any]) -> Any:
    """Draw how arrival slippage is spread, by policy, bp; the mean with its interval above."""
    figure = new_figure("", size=HALF)
    axes = figure.subplots()
    every = np.array([value for own in values.values() for value in own])
    if not every.size:
        return _nothing(figure, axes, "Nothing was filled.")
    low, high = np.percentile(every, [1, 99])
    reach = max(abs(low), abs(high), 0.05)
    edges = np.linspace(-reach, reach, 41)
    colours = matplotlib().colormaps["cividis"]
    names = sorted(values)
    axes.hist(
        [np.clip(values[name], -reach, reach) for name in names],
        bins=edges,
        stacked=True,
        color=[colours(0.15 + 0.7 * i / max(1, len(names) - 1)) for i in range(len(names))],
        label=[f"{name}, {len(values[name])}" for name in names],
        edgecolor="white",
        linewidth=0.4,
    )
    axes.axvline(0.0, color=GREY, linewidth=0.8)
    if mean["mean"] is not None:
        axes.axvline(mean["mean"], color=INK, linewidth=1.6, label=f"mean {mean['mean']:.2f} bp")
    if mean["low"] is not None:
        axes.axvspan(mean["low"], mean["high"], color=INK, alpha=0.12, linewidth=0)
    axes.set_xlabel("arrival slippage without fees, bp, + is paid", loc="left")
    axes.set_ylabel("orders")
    axes.legend(loc="best", fontsize=9)
    quiet_frame(axes)
    return figure


def fills_figure(stage: Stage, marks: Sequence[Mark], trips: Sequence[Trip]) -> Any:
    """Draw fills on the price and the depth: triangles up bought, down sold, hollow as maker."""
    one = stage.instrument
    tick, lot = float(one.tick), float(one.lot)
    figure = new_figure("", size=(16.0, 8.2))
    axes = figure.subplots()
    low, row = stage.low * tick, stage.row_ticks * tick
    draw_resting(figure, axes, stage.times, stage.depth, low, row, lot)
    days = days_of(stage.times)
    mid = 0.5 * (stage.bid + stage.ask)
    axes.step(days, mid * tick, color=INK, linewidth=0.8, where="post", alpha=0.7)
    for trip in trips:
        colour = BLUE if trip.net > 0 else ORANGE
        at = days_of(np.array([trip.start_ns, trip.stop_ns]))
        axes.plot(at, [trip.entry * tick, trip.exit * tick], color=colour, linewidth=1.3, zorder=3)
    for side, marker, colour in ((1, "^", BLUE), (-1, "v", ORANGE)):
        for maker in (False, True):
            own = [mark for mark in marks if mark.side == side and mark.maker == maker]
            if not own:
                continue
            word = f"{'bought' if side > 0 else 'sold'} as {'maker' if maker else 'taker'}"
            axes.scatter(
                days_of(np.array([mark.ts_ns for mark in own])),
                [mark.price * tick for mark in own],
                s=58 if len(marks) < 120 else 26,
                marker=marker,
                facecolors="white" if maker else colour,
                edgecolors=colour if maker else "white",
                linewidths=1.3 if maker else 0.5,
                zorder=5,
                label=f"{word}: {len(own)}",
            )
    if marks:
        axes.legend(loc="upper left", ncols=4, fontsize=9)
    price_axis(axes)
    axes.spines[["top", "left"]].set_visible(False)
    axes.set_xlim(float(days[0]), float(days[-1]))
    time_axis(axes)
    return figure


def sweep_figure(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Draw net profit of a trade against latency, with its intervals."""
    figure = new_figure("", size=HALF)
    axes = figure.subplots()
    known = [row for row in rows if row["net_bp"]["value"] is not None]
    if not known:
        return _nothing(figure, axes, "No trade was closed at any latency.")
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    at = [row["delay_ms"] for row in known]
    value = np.array([row["net_bp"]["value"] for row in known])
    axes.plot(at, value, color=INK, marker="o", markersize=5)
    bounded = [row for row in known if row["net_bp"]["low"] is not None]
    for row in bounded:
        ends = [row["net_bp"]["low"], row["net_bp"]["high"]]
        axes.plot([row["delay_ms"]] * 2, ends, color=INK, linewidth=1.4)
    axes.set_xlabel("order and response latency, ms", loc="left")
    axes.set_ylabel("net of a trade, bp, 95 %")
    quiet_frame(axes)
    return figure


def _nothing(figure: Any, axes: Any, words: str) -> Any:
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", va="center", color=GREY, fontsize=12)
    return figure
