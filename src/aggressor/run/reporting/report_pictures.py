"""The pictures of a run's page, drawn from its journal and its market."""

import numpy as np
from numpy.typing import NDArray

from aggressor.reports.run_page import Picture
from aggressor.reports.run_pictures import (
    Mark,
    Stage,
    Trip,
    equity_figure,
    fills_figure,
    markout_figure,
    slippage_figure,
    sweep_figure,
)
from aggressor.run.progress import Step, silent
from aggressor.run.reporting.report import Reported, markout_curve
from aggressor.run.studies.pictures import ROWS_MAX
from aggressor.run.studies.profile import row_height
from aggressor.study.depth_rows import depth_at
from aggressor.study.results import average_entry
from aggressor.study.tca import mean_of
from aggressor.study.tops import mid2_of


def pictures_of(told: Reported, step: Step = silent) -> list[Picture]:
    """Return the pictures of the page, drawn; raise ConfigError without matplotlib."""
    course, found = told.course, list[Picture]()
    for name in course.profit:
        unit = name or "settlement currency"
        drawn = equity_figure(
            course.times, course.profit[name], course.drawdown(name), course.gross[name], unit
        )
        words = f"Net profit, drawdown and the value held, {unit}, marked at the mid."
        found.append(Picture.of(f"Equity in {unit}", words, drawn, "svg", wide=True))
    found.append(
        Picture.of(
            "Markouts",
            "Where the mid stood behind each fill, against its price; 95 % intervals.",
            markout_figure(markout_curve(told.look)),
            "svg",
        )
    )
    slips: dict[str, list[float]] = {}
    for cost in told.costs:
        if cost.slippage_bp is not None:
            slips.setdefault(cost.account.policy, []).append(cost.slippage_bp)
    every = mean_of([value for own in slips.values() for value in own])
    words = "Average fill against the mid at the first send, by order; outer values at the rim."
    found.append(Picture.of("Slippage", words, slippage_figure(slips, every), "svg"))
    if told.sweep is not None:
        words = "Net of a trade as orders and answers travel longer."
        drawn = sweep_figure(told.sweep["rows"])
        found.append(Picture.of("Latency", words, drawn, "svg"))
    for k, one in enumerate(told.look.instruments):
        step(f"drawing {one.id}", None)
        found += _fills_of(told, k)
    return found


def _fills_of(told: Reported, k: int) -> list[Picture]:
    """Return the pictures of a lane's fills; none where nothing of it is known."""
    one, zoom = told.look.instruments[k], told.look.zooms[k]
    found: list[Picture] = []
    for times, which in ((told.look.grid, "all of the run"), (zoom, "its busiest stretch")):
        stage = None if times is None else _stage(told, k, times)
        if stage is None:
            continue
        first, last = int(stage.times[0]), int(stage.times[-1])
        marks = [
            Mark(fill.ts_recv, fill.price, side, fill.maker, opens)
            for lane, side, fill, opens in told.look.fills()
            if lane == k and first <= fill.ts_recv <= last
        ]
        trips = [
            Trip(
                done.account.fills[0].ts_recv,
                done.ended_ns,
                float(average_entry(done.account, one)),
                sum(fill.price * fill.lots for fill in done.account.exits) / done.account.filled,
                done.net_bp,
            )
            for done in told.look.results()
            if done.account.instrument == k and first <= done.ended_ns <= last
        ]
        words = (
            f"{which.capitalize()}: {len(marks)} fills. Grey: resting size in rows of "
            f"{stage.row_ticks * one.tick}. Black: the mid. Lines join a trade's entry and exit: "
            "blue earned, orange lost, after fees. Times of receipt, UTC."
        )
        drawn = fills_figure(stage, marks, trips)
        found.append(Picture.of(f"Fills on {one.id}", words, drawn, "png", wide=True))
    return found


def _stage(told: Reported, k: int, times: NDArray[np.int64]) -> Stage | None:
    """Return the market of a lane at some times; None where nothing of it is known."""
    rows = [told.look.row(k, ts) for ts in times.tolist()]
    known = [mid2_of(row, ts) is not None for row, ts in zip(rows, times.tolist(), strict=True)]
    bid, ask = (
        np.array(
            [float(row[side]) if is_known else np.nan
             for row, is_known in zip(rows, known, strict=True)]
        )
        for side in ("bid", "ask")
    )  # fmt: skip
    if not any(known):
        return None
    first, last = int(times[0]), int(times[-1])
    prices = [
        fill.price
        for lane, _, fill, _ in told.look.fills()
        if lane == k and first <= fill.ts_recv <= last
    ]
    low = int(min([np.nanmin(bid), *prices]))
    high = int(max([np.nanmax(ask), *prices]))
    margin = max(5, (high - low) // 8)
    height = row_height(high - low + 1 + 2 * margin, ROWS_MAX)
    low = (low - margin) // height * height
    count = (high + margin - low) // height + 1
    depth = depth_at(told.market.batches(k), times, low, height, count)
    return Stage(told.look.instruments[k], times, bid, ask, depth, low, height)
