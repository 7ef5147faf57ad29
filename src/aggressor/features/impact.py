"""What flow costs: Kyle's lambda, Hasbrouck's bar form, Amihud's ratio and Roll's spread (R3.7).

Time is cut into windows of 1 s and 10 s on the grid of ts_recv. Each whole window with a known top
at both ends and at every timer between gives one row; the last 30 minutes of rows are summed:

    Kyle        dmid = lambda x + e           x signed volume, lots; dmid in ticks; no intercept
    Hasbrouck   d log mid = h y + e           y = sum of side x sqrt(notional)
    Amihud      mean of |d log mid| / notional over windows that traded
    Roll        2 sqrt(-cov(dp_t, dp_t-1))    dp between prints, ticks; undefined if cov >= 0

Slopes come with R2 (uncentred, as there is no intercept) and t (n - 1 degrees of freedom). A window
that may not count is a row of zeros, so that the rows of 30 minutes always stand in the ring's last
30 minutes, and sums move by one row in, one row out. They are added up anew each time the ring
comes round, so rounding never gathers.

A moment's lambda is endogenous (prices move flow too) and falls with depth: a yardstick, not a law.

    head      (lanes,)                    IMPACT_HEAD
    series    (lanes, WINDOWS)            IMPACT
    rows      (lanes, WINDOWS, ROWS, Q)   float64: what the sums are made of, a ring
    sums      (lanes, WINDOWS, Q)         float64: of the rows in the ring

Units: ticks and lots; notional in quote currency where the parameters say what a tick lot is worth.
Invariant: a row holds nothing of outside its window. Source: Kyle 1985; Hasbrouck 1991, 2009;
Amihud 2002; Roll 1984.
"""

from collections.abc import Sequence
from math import log, sqrt
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import READY, UNKNOWN, YOUNG
from aggressor.features.parameters import MICRO, MINUTE_NS, PERP, SECOND_NS, parameter_rows
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, has_room, on_book_event
from aggressor.schema.event import CLEAR, LEVEL, NO_TIME, NOT_FLOW, QUOTE, TIMER, TRADE, Events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.state import State

WINDOWS = 2
SHORT, LONG = 0, 1
ROWS = 2048  # rows kept per series at most
NOT_KNOWN = -1.0  # of `impact`, which is above 0 where known

# What a row holds: each is a product that a sum needs.
_COUNT, _XX, _XY, _YY = 0, 1, 2, 3
_LOGS, _RR, _RY, _LL = 4, 5, 6, 7
_TRADED, _ILLIQUID = 8, 9
_PAIRS, _PRODUCT, _FIRST, _SECOND = 10, 11, 12, 13
QUANTITIES = 14

IMPACT_HEAD = np.dtype(
    [
        ("flow", "<i8"),  # running sums over prints: signed lots
        ("root_flow", "<f8"),  # side x sqrt(notional)
        ("notional", "<f8"),
        ("pairs", "<i8"),  # of consecutive price changes
        ("product", "<f8"),
        ("first_changes", "<f8"),
        ("second_changes", "<f8"),
        ("price", "<i8"),  # ticks, of the last print
        ("change", "<i8"),  # ticks, of the last print from the one before
        ("prints", "<i8"),  # up to 2: what `price` and `change` may be used for
        ("impact", "<f8"),  # ticks per lot, for the scene; NOT_KNOWN
        ("impact_maturity", "<i8"),
    ]
)

_RUNNING = ("flow", "root_flow", "notional", "pairs", "product", "first_changes", "second_changes")

IMPACT = np.dtype(
    [
        ("window_ns", "<i8"),
        ("kept", "<i8"),  # rows in the rolling span
        ("end_ns", "<i8"),  # of the window under way; NO_TIME before the first
        ("begun", "<i8"),  # 1: the top was known at its beginning and ever since
        ("mid2", "<i8"),  # half ticks, at its beginning
        ("windows", "<i8"),  # ever, whether they count or not
        ("lambda", "<f8"),  # ticks per lot; nan while not known, as all below
        ("lambda_r2", "<f8"),
        ("lambda_t", "<f8"),
        ("hasbrouck", "<f8"),  # log mid per square root of quote currency
        ("hasbrouck_r2", "<f8"),
        ("hasbrouck_t", "<f8"),
        ("amihud", "<f8"),  # per quote currency
        ("roll_ticks", "<f8"),
        ("maturity", "<i8"),
        *((name, "<f8") for name in _RUNNING),  # the running sums at its beginning
    ]
)


class ImpactParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Windows, span, and what a print is worth."""

    short_ns: int = SECOND_NS
    long_ns: int = 10 * SECOND_NS
    span_ns: int = 30 * MINUTE_NS
    rows_min: int = 200  # or a third of the span's rows, if that is less
    young_ns: int = 10 * MINUTE_NS
    t_min: float = 2.0  # a lambda below this many deviations is not handed to the scene
    tick_lot_value: float = 1.0  # quote currency, linear and spot
    lot_value: float = 0.0  # quote currency, inverse


IMPACT_PROFILES = {PERP: ImpactParameters(), MICRO: ImpactParameters()}

_FLOATS = ("t_min", "tick_lot_value", "lot_value")
IMPACT_ROW = np.dtype(
    [(name, "<f8" if name in _FLOATS else "<i8") for name in ImpactParameters.__struct_fields__]
)


class ImpactState(State, frozen=True):
    """The impact measures of every lane; see the module text."""

    head: NDArray[Any]
    parameters: NDArray[Any]  # IMPACT_ROW, (lanes,)
    series: NDArray[Any]
    rows: NDArray[np.float64]
    sums: NDArray[np.float64]


def impact_parameters(instrument: Instrument, parameters: ImpactParameters) -> ImpactParameters:
    """Return the parameters with the value of this instrument's prints."""
    lot = float(instrument.lot * instrument.multiplier)
    inverse = instrument.kind is ContractKind.INVERSE
    return msgspec.structs.replace(
        parameters,
        tick_lot_value=0.0 if inverse else lot * float(instrument.tick),
        lot_value=lot if inverse else 0.0,
    )


def impact_state(
    lanes: int, parameters: ImpactParameters | Sequence[ImpactParameters]
) -> ImpactState:
    """Return the state of `lanes` instruments of which nothing is known."""
    chosen = parameter_rows(IMPACT_ROW, lanes, parameters)
    head = np.zeros(lanes, IMPACT_HEAD)
    head["impact"] = NOT_KNOWN
    series = np.zeros((lanes, WINDOWS), IMPACT)
    series["window_ns"] = np.stack([chosen["short_ns"], chosen["long_ns"]], axis=1)
    series["kept"] = chosen["span_ns"][:, None] // series["window_ns"]
    assert (series["kept"] <= ROWS).all(), "the span fits the ring"
    assert (series["kept"] >= 3).all(), "a slope takes three rows"
    series["end_ns"] = NO_TIME
    for name in ("lambda", "hasbrouck"):
        for suffix in ("", "_r2", "_t"):
            series[name + suffix] = np.nan
    series["amihud"] = series["roll_ticks"] = np.nan
    return ImpactState(
        head,
        chosen,
        series,
        np.zeros((lanes, WINDOWS, ROWS, QUANTITIES)),
        np.zeros((lanes, WINDOWS, QUANTITIES)),
    )


@kernel_inline
def on_trade(impact: ImpactState, k: Int, event: Any) -> None:
    """Add one TRADE of lane `k` to the running sums."""
    head, row = impact.head[k], impact.parameters[k]
    price, side, lots = np.int64(event["price"]), np.int64(event["side"]), event["size"]
    value = row["lot_value"] + row["tick_lot_value"] * float(abs(price))
    notional = float(lots) * value
    head["flow"] += side * lots
    head["root_flow"] += float(side) * sqrt(notional)
    head["notional"] += notional
    change = price - head["price"]
    if head["prints"] == 2:
        head["pairs"] += 1
        head["product"] += float(change) * float(head["change"])
        head["first_changes"] += float(head["change"])
        head["second_changes"] += float(change)
    head["change"] = change
    head["price"] = price
    head["prints"] = min(head["prints"] + 1, 2)


@kernel_inline
def sample(impact: ImpactState, k: Int, now: Int, known: bool, mid2: Int) -> None:
    """Take the top of lane `k` at a timer; `known` is False while the book is not valid."""
    for window in range(WINDOWS):
        one = impact.series[k, window]
        if not known:
            one["begun"] = 0
        if now >= one["end_ns"]:
            _end_window(impact, k, window, now, known, mid2)


@kernel
def _end_window(impact: ImpactState, k: Int, window: Int, now: Int, known: bool, mid2: Int) -> None:
    """End the window under way, put its row into the ring, and begin the next."""
    head, one = impact.head[k], impact.series[k, window]
    span = one["window_ns"]
    if one["end_ns"] != NO_TIME:
        late = (now - one["end_ns"]) // span  # whole windows without a timer
        counts = one["begun"] == 1 and now - one["end_ns"] < span // 2
        _push(impact, k, window, counts, mid2)
        for _ in range(min(late, one["kept"])):
            _push(impact, k, window, False, mid2)
        _read(impact, k, window)
    one["end_ns"] = (now // span + 1) * span
    one["begun"] = np.int64(known)
    one["mid2"] = mid2
    one["flow"], one["root_flow"] = float(head["flow"]), head["root_flow"]
    one["notional"], one["pairs"] = head["notional"], float(head["pairs"])
    one["product"] = head["product"]
    one["first_changes"], one["second_changes"] = head["first_changes"], head["second_changes"]


@kernel
def _push(impact: ImpactState, k: Int, window: Int, counts: bool, mid2: Int) -> None:
    """Put the row of the window under way into the ring, or zeros, and move the sums."""
    head, one = impact.head[k], impact.series[k, window]
    kept = one["kept"]
    row, sums = impact.rows[k, window, one["windows"] % kept], impact.sums[k, window]
    for q in range(QUANTITIES):
        sums[q] -= row[q]
        row[q] = 0.0
    if counts:
        x = float(head["flow"]) - one["flow"]
        y = 0.5 * float(mid2 - one["mid2"])
        row[_COUNT], row[_XX], row[_XY], row[_YY] = 1.0, x * x, x * y, y * y
        if mid2 > 0 and one["mid2"] > 0:
            moved = log(float(mid2) / float(one["mid2"]))
            root = head["root_flow"] - one["root_flow"]
            notional = head["notional"] - one["notional"]
            row[_LOGS], row[_RR], row[_RY] = 1.0, root * root, root * moved
            row[_LL] = moved * moved
            if notional > 0.0:
                row[_TRADED], row[_ILLIQUID] = 1.0, abs(moved) / notional
        row[_PAIRS] = float(head["pairs"]) - one["pairs"]
        row[_PRODUCT] = head["product"] - one["product"]
        row[_FIRST] = head["first_changes"] - one["first_changes"]
        row[_SECOND] = head["second_changes"] - one["second_changes"]
    one["windows"] += 1
    if one["windows"] % kept == 0:
        for q in range(QUANTITIES):
            sums[q] = 0.0
            for at in range(kept):
                sums[q] += impact.rows[k, window, at, q]
    else:
        for q in range(QUANTITIES):
            sums[q] += row[q]


@kernel
def _read(impact: ImpactState, k: Int, window: Int) -> None:
    """Read the measures off the sums."""
    head, one, sums = impact.head[k], impact.series[k, window], impact.sums[k, window]
    least = min(impact.parameters[k]["rows_min"], one["kept"] // 3)
    one["maturity"] = UNKNOWN
    if sums[_COUNT] >= float(least):
        young = sums[_COUNT] * float(one["window_ns"]) < float(impact.parameters[k]["young_ns"])
        one["maturity"] = YOUNG if young else READY
    known = one["maturity"] != UNKNOWN
    slope, r2, t = _fit(known, sums[_COUNT], sums[_XX], sums[_XY], sums[_YY])
    one["lambda"], one["lambda_r2"], one["lambda_t"] = slope, r2, t
    if window == SHORT:
        firm = known and slope > 0.0 and t >= impact.parameters[k]["t_min"]
        head["impact"] = slope if firm else NOT_KNOWN
        head["impact_maturity"] = one["maturity"] if firm else UNKNOWN
    slope, r2, t = _fit(known, sums[_LOGS], sums[_RR], sums[_RY], sums[_LL])
    one["hasbrouck"], one["hasbrouck_r2"], one["hasbrouck_t"] = slope, r2, t
    one["amihud"] = one["roll_ticks"] = np.nan
    if known and sums[_TRADED] > 0.0:
        one["amihud"] = sums[_ILLIQUID] / sums[_TRADED]
    if known and sums[_PAIRS] > 0.0:
        pairs = sums[_PAIRS]
        covariance = sums[_PRODUCT] / pairs - (sums[_FIRST] / pairs) * (sums[_SECOND] / pairs)
        if covariance < 0.0:
            one["roll_ticks"] = 2.0 * sqrt(-covariance)


@kernel
def _fit(known: bool, n: float, xx: float, xy: float, yy: float) -> tuple[float, float, float]:
    """Return slope, R2 and t of y on x through the origin from their sums; nan where undefined."""
    if not known or n < 2.0 or xx <= 0.0:
        return np.nan, np.nan, np.nan
    slope = xy / xx
    if yy <= 0.0:
        return slope, np.nan, np.nan
    residual = max(yy - slope * xy, 0.0)
    if residual == 0.0:
        return slope, 1.0, np.inf if slope > 0.0 else -np.inf
    return slope, 1.0 - residual / yy, slope / sqrt(residual / ((n - 1.0) * xx))


class TradeResponse(NamedTuple):
    """What an unforeseen trade does to the mid, by trades since (structural form)."""

    effects: NDArray[Any]  # float64 (lags + 1,) of the sign now and of those before
    cumulative: NDArray[Any]  # float64 (horizon + 1,) change of the mid after a buy
    permanent: float  # its last value


def trade_response(
    changes: NDArray[Any], signs: NDArray[Any], lags: int = 5, horizon: int = 100
) -> TradeResponse:
    """Return the response of the mid to a trade by Hasbrouck's VAR, fitted by least squares.

        r_t = sum_i a_i r_t-i  +  b_0 s_t + sum_i b_i s_t-i  +  u_t
        s_t = sum_i c_i r_t-i  +  sum_i d_i s_t-i  +  v_t          i = 1 .. lags

    `changes` (n,) are changes of the mid around each trade, in any unit, `signs` (n,) its side. The
    response is that to v = 1 at one trade, nothing before it and u = 0. Source: Hasbrouck 1991.
    """
    r, s = np.asarray(changes, np.float64), np.asarray(signs, np.float64)
    assert r.shape == s.shape, "one sign for each change"
    assert r.size > 4 * lags + 2, "more trades than coefficients"
    past = [one[lags - i : r.size - i] for one in (r, s) for i in range(1, lags + 1)]
    before = np.stack(past, axis=1)
    of_change = np.linalg.lstsq(np.column_stack([before, s[lags:]]), r[lags:], rcond=None)[0]
    of_sign = np.linalg.lstsq(before, s[lags:], rcond=None)[0]
    path = np.zeros((2, lags + horizon + 1))  # r and s, after `lags` trades of nothing
    for at in range(lags, lags + horizon + 1):
        behind = path[:, at - lags : at][:, ::-1].ravel()
        path[1, at] = 1.0 if at == lags else of_sign @ behind
        path[0, at] = of_change[:-1] @ behind + of_change[-1] * path[1, at]
    cumulative = np.cumsum(path[0, lags:])
    effects = np.concatenate([of_change[-1:], of_change[lags:-1]])
    return TradeResponse(effects, cumulative, float(cumulative[-1]))


@kernel
def run_impact(events: Events, start: Int, stop: Int, book: BookState, impact: ImpactState) -> Int:
    """Bring book and impact forward over events[start:stop].

    Returns the index of the first event not used: stop, or the first whose level has no room in the
    book, so that the caller can grow it and call again.
    """
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        k = np.int64(event["instrument"])
        if kind == TIMER:
            for lane in range(impact.head.size):
                top = book.head[lane]
                mid2 = np.int64(top["bid"]) + np.int64(top["ask"])
                sample(impact, lane, event["ts_recv"], top["valid"] != 0, mid2)
        elif kind == TRADE:
            if (event["flags"] & NOT_FLOW) == 0:
                on_trade(impact, k, event)
        elif kind in (LEVEL, CLEAR, QUOTE):
            if not has_room(book, k):
                return i
            on_book_event(book, k, event)
    return stop
