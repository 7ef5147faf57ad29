"""Does book pressure move the price, and do more levels say more? (R11 rows 1, 2 and 5)

    ofi       change of the mid on OFI of the fused top, and on trade imbalance (bought - sold),
              over the same windows: R2 of each, their difference, slope; and whether the slope
              falls as 1 / depth (log slope on log depth over stretches of SPAN_WINDOWS windows)
    levels    change of the mid on the flow of the first 1 ... 10 ranks of the depth ladder (ridge)
              and on integrated OFI (first principal component), out of sample: each of FOLDS
              stretches behind the first half is judged by what was fitted on all before it

Windows are whole, of equal length, on the grid of ts_recv, and do not overlap; one in which the
book was lost is left out. Flow and price are of the *same* window: nothing here is a forecast.
Units: ticks and lots. Sources: Cont, Kukanov & Stoikov 2014; Xu, Gould & Howison 2019; Cont,
Cucuringu & Zhang 2023; Silantyev 2019.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.depth_flow import RANKS
from aggressor.features.linear_fit import ROWS_MIN, first_component, fit_ridge, predict
from aggressor.study.estimates import (
    Estimate,
    Floats,
    bootstrap,
    least_squares,
    not_shown,
    slope_estimate,
)

WINDOWS_MIN = 20  # fewer: not shown; below a hundred or so the intervals are rough
SPAN_WINDOWS = 30
SPANS_MIN = 8
FOLDS = 4
HORIZONS_S = (1, 10)
_NS = 1_000_000_000


class Windows(NamedTuple):
    """Whole windows of one length, n of them."""

    moves: Floats  # (n,) ticks, of the mid
    ofi: Floats  # (n,) lots
    trades: Floats  # (n,) lots, bought - sold
    queues: Floats  # (n,) lots, mean of (bid + ask) / 2 over the changes of the top; nan without
    flows: Floats  # (n, RANKS) in mean level sizes; nan where the depth ladder is not known
    left_out: int  # windows in which the top was lost or not known


class PressureStudy(msgspec.Struct, frozen=True, kw_only=True):
    """OFI against trade imbalance at one horizon."""

    horizon_s: int
    windows: int
    left_out: int
    r2_ofi: Estimate
    r2_trades: Estimate
    difference: Estimate  # R2 of OFI - R2 of trade imbalance
    slope: Estimate  # ticks per lot of OFI
    slope_in_depths: Estimate  # the same times twice the mean queue: 1 in the stylised book
    depth_exponent: Estimate  # of the slope: -1 in the stylised book
    better: str  # "ofi", "trades" or "not shown"


class LevelStudy(msgspec.Struct, frozen=True, kw_only=True):
    """More levels against the best one at one horizon, out of sample."""

    horizon_s: int
    fitted: int  # windows before the first that is judged
    judged: int
    r2_levels: list[float | None]  # of ranks 1, 1-2, ... 1-10
    r2_integrated: Estimate
    gain_levels: Estimate  # R2 of all ranks - R2 of the best
    gain_integrated: Estimate
    levels_help: str  # "yes", "no" or "not shown"
    integrated_helps: str


def windows_of(readings: NDArray[Any], horizon_s: int) -> Windows:
    """Cut READING rows into windows of `horizon_s` on the grid of ts_recv."""
    period = horizon_s * _NS
    rows = readings[readings["ts_recv"] % period == 0]
    before, after = rows[:-1], rows[1:]
    joined = after["ts_recv"] - before["ts_recv"] == period
    known = (before["known"] == 1) & (after["known"] == 1) & (before["breaks"] == after["breaks"])
    before, after = before[joined & known], after[joined & known]

    def grown(name: str) -> Floats:
        return (after[name] - before[name]).astype(float)

    with np.errstate(invalid="ignore", divide="ignore"):
        queues = grown("queues") / (2.0 * grown("changes"))
        sizes = grown("depth") / (2.0 * RANKS * grown("depth_changes"))
        flows = grown("flow") / sizes[:, None]
    flows[grown("depth_changes") == 0.0] = 0.0
    flows[grown("depth_breaks") > 0.0] = np.nan
    return Windows(
        moves=grown("mid2") / 2.0,
        ofi=grown("ofi"),
        trades=grown("bought") - grown("sold"),
        queues=queues,
        flows=flows,
        left_out=int(rows.size - 1 - before.size) if rows.size else 0,
    )


def study_pressure(readings: NDArray[Any], horizon_s: int) -> PressureStudy:
    """Hold OFI against trade imbalance over windows of `horizon_s`."""
    seen = windows_of(readings, horizon_s)
    n = seen.moves.size
    told = {"horizon_s": horizon_s, "windows": n, "left_out": seen.left_out}
    if n < WINDOWS_MIN or not seen.moves.any():
        why = f"{n} whole windows, at least {WINDOWS_MIN} are needed"
        nothing = not_shown(why if n < WINDOWS_MIN else "the mid never moved", n)
        names = ("r2_ofi", "r2_trades", "difference", "slope", "slope_in_depths", "depth_exponent")
        return PressureStudy(**told, **dict.fromkeys(names, nothing), better="not shown")
    ofi, trades, difference = bootstrap(
        _products(seen.ofi, seen.trades, seen.moves), _two_r2_and_difference
    )
    slope = slope_estimate(least_squares(seen.ofi, seen.moves), n)
    known = np.isfinite(seen.queues)
    queues = 2.0 * float(seen.queues[known].mean()) if known.any() else np.nan
    return PressureStudy(
        **told,
        r2_ofi=ofi,
        r2_trades=trades,
        difference=difference,
        slope=slope,
        slope_in_depths=_scaled(slope, queues),
        depth_exponent=_depth_exponent(seen),
        better={1: "ofi", -1: "trades", 0: "not shown"}[difference.side],
    )


def _products(x: Floats, z: Floats, y: Floats) -> Floats:
    """Return rows whose sums give R2 of y on x and of y on z."""
    x, z, y = (one - one.mean() for one in (x, z, y))
    return np.column_stack([np.ones(x.size), x, z, y, x * x, z * z, y * y, x * y, z * y])


def _two_r2_and_difference(sums: Floats) -> Floats:
    n, x, z, y, xx, zz, yy, xy, zy = sums.T
    first = (xy - x * y / n) ** 2 / ((xx - x * x / n) * (yy - y * y / n))
    second = (zy - z * y / n) ** 2 / ((zz - z * z / n) * (yy - y * y / n))
    return np.column_stack([first, second, first - second])


def _scaled(one: Estimate, factor: float) -> Estimate:
    if one.value is None or one.low is None or one.high is None or not np.isfinite(factor):
        return not_shown(one.why or "the queues are not known", one.n)
    return Estimate(value=one.value * factor, low=one.low * factor, high=one.high * factor, n=one.n)


def _depth_exponent(seen: Windows) -> Estimate:
    """Regress log slope on log depth over stretches of the recording."""
    slopes, depths = [], []
    for first in range(0, seen.moves.size - SPAN_WINDOWS + 1, SPAN_WINDOWS):
        part = slice(first, first + SPAN_WINDOWS)
        queues = seen.queues[part]
        if not np.isfinite(queues).any():
            continue
        slopes.append(least_squares(seen.ofi[part], seen.moves[part]).slope)
        depths.append(float(np.nanmean(queues)))
    steps, sizes = np.array(slopes), np.array(depths)
    usable = np.isfinite(steps) & (steps > 0.0)
    if usable.sum() < SPANS_MIN:
        why = f"{int(usable.sum())} stretches of {SPAN_WINDOWS} windows, {SPANS_MIN} are needed"
        return not_shown(why, int(usable.sum()))
    fit = least_squares(np.log(sizes[usable]), np.log(steps[usable]))
    return slope_estimate(fit, int(usable.sum()))


def study_levels(readings: NDArray[Any], horizon_s: int) -> LevelStudy:
    """Hold more levels and integrated OFI against the best level, out of sample."""
    seen = windows_of(readings, horizon_s)
    whole = np.isfinite(seen.flows).all(axis=1)
    x, y = seen.flows[whole], seen.moves[whole]
    fitted = min(max(ROWS_MIN, y.size // 2), y.size)
    judged = y.size - fitted
    told: dict[str, Any] = {"horizon_s": horizon_s, "fitted": fitted, "judged": judged}
    if judged < WINDOWS_MIN or not x.any() or not y.any():
        why = f"{y.size} whole windows, at least {ROWS_MIN + WINDOWS_MIN} are needed"
        if judged >= WINDOWS_MIN:
            why = "the book or the mid never moved"
        nothing = dict.fromkeys(
            ("r2_integrated", "gain_levels", "gain_integrated"), not_shown(why, y.size)
        )
        none: list[float | None] = [None] * RANKS
        return LevelStudy(
            **told,
            **nothing,
            r2_levels=none,
            levels_help="not shown",
            integrated_helps="not shown",
        )
    errors = _errors_ahead(x, y, fitted)
    *levels, integrated, more, whole_sum = bootstrap(errors, _r2_ahead)
    words = {1: "yes", -1: "no", 0: "not shown"}
    return LevelStudy(
        **told,
        r2_levels=[one.value for one in levels],
        r2_integrated=integrated,
        gain_levels=more,
        gain_integrated=whole_sum,
        levels_help=words[more.side],
        integrated_helps=words[whole_sum.side],
    )


def _errors_ahead(x: Floats, y: Floats, fitted: int) -> Floats:
    """Return squared errors of the judged windows: of each rank count, of integrated, of the mean.

    (judged, RANKS + 2). Every stretch is judged by fits on all that came before it.
    """
    edges = np.linspace(fitted, y.size, FOLDS + 1).round().astype(int)
    errors = np.zeros((y.size - fitted, RANKS + 2))
    for first, last in pairwise(edges):
        past, ahead = slice(0, first), slice(first, last)
        rows = errors[first - fitted : last - fitted]
        mean = float(y[past].mean())
        rows[:, RANKS + 1] = (y[ahead] - mean) ** 2
        for columns in range(1, RANKS + 1):
            ridge = fit_ridge(x[past, :columns], y[past])
            assert ridge is not None, "there are ROWS_MIN rows"
            rows[:, columns - 1] = (y[ahead] - predict(ridge, x[ahead, :columns])) ** 2
        component = first_component(x[past])
        predicted = np.full(last - first, mean)
        if component is not None:
            fit = least_squares(x[past] @ component.weights, y[past])
            predicted = fit.intercept + fit.slope * (x[ahead] @ component.weights)
        rows[:, RANKS] = (y[ahead] - predicted) ** 2
    return errors


def _r2_ahead(sums: Floats) -> Floats:
    """Return R2 of each rank count and of integrated flow, then both gains."""
    r2 = 1.0 - sums[:, : RANKS + 1] / sums[:, RANKS + 1 :]
    best, every, integrated = r2[:, 0], r2[:, RANKS - 1], r2[:, RANKS]
    return np.column_stack([r2, every - best, integrated - best])
