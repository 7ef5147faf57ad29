"""Liquidity regime: is there as much to trade against as is usual at this hour (R6.3).

Once a second three measures are held against their own past, each on its bad side only: depth
within 5 bp of the mid (both sides, lots), spread (ticks), and the cost of taking the strategy's
size (hundredths of a tick from the mid, the dearer of buying and selling). Spread and cost stand in
ticks, since in bp a spread of one tick would move with the price.

    NORMAL   none beyond its 0.9 quantile (0.1 for depth)
    THIN     one beyond
    VACUUM   two beyond their 0.98 quantile (0.02), or the vacuum of R5.5 is active

The past is the same hour of the week over the last 4 weeks, one sample a minute, from 200 samples
on (exact nearest ranks, read once an hour). Until then it is the last 24 h, one sample a second (a
`baseline`: 3-minute slices, buckets of 1/64), young until ten minutes. While neither exists the
regime is unknown, with the reason. A ladder too short for the size has a cost beyond any other.

    minutes  (lanes, 65536)   MINUTE ring by minute since the epoch
    days     3 baselines a lane: depth, spread, cost

Times are ns of ts_recv, on the TIMER grid.
"""

from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    BaselineSpec,
    BaselineState,
    add_sample,
    advance,
    baseline_state,
    bucket_middle,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.depth import cost_to_trade
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.features.ranks import select
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState
from aggressor.market.near import lots_near
from aggressor.schema.event import ASK, BID, BUY, NO_TIME, SELL
from aggressor.state import State

UNKNOWN_LIQUIDITY = -1
NORMAL, THIN, VACUUM = 0, 1, 2
LIQUIDITY_NAMES = {
    UNKNOWN_LIQUIDITY: "unknown",
    NORMAL: "normal",
    THIN: "thin",
    VACUUM: "vacuum",
}
SIZE_FACTORS = {NORMAL: 1.0, THIN: 0.5, VACUUM: 0.0}

KNOWN, NO_BOOK, NO_PAST = 0, 1, 2
LIQUIDITY_REASONS = {
    KNOWN: "",
    NO_BOOK: "no valid book",
    NO_PAST: "neither four weeks of this hour nor a last day to compare with",
}

NO_BASIS, SAME_HOUR, LAST_DAY = 0, 1, 2
BASIS_NAMES = {NO_BASIS: "", SAME_HOUR: "same hour of the week", LAST_DAY: "last 24 h"}

DEPTH, SPREAD, COST = 0, 1, 2
MEASURES = 3
MINUTES = 65536  # at least 4 weeks of minutes; a power of two
WEEKS = 4
WEEK_MINUTES = 7 * 24 * 60
HOUR_MINUTES = 60
COST_MAX = 1 << 40  # of a size that the ladder cannot fill
DAY_SLICES = 480
_DAY_NS = 24 * HOUR_NS

LIQUIDITY_HEAD = np.dtype(
    [
        ("regime", "<i8"),
        ("why", "<i8"),  # a LIQUIDITY_REASONS key
        ("basis", "<i8"),
        ("young", "<i8"),  # 1: the last day covers less than ten minutes
        ("beyond", "<i8"),  # measures beyond the outer tenth
        ("far_beyond", "<i8"),  # beyond the outer fiftieth
        ("judged", "<i8"),  # measures: 3, or 2 without a size
        ("next_ns", "<i8"),
        ("known_ns", "<i8"),
        ("minute", "<i8"),  # of the last sample in the ring
        ("hour", "<i8"),  # whose same-hour quantiles stand in `limits`
        ("hour_samples", "<i8"),
        ("truncated", "<i8"),  # 1: the ladder ended inside the 5 bp
        ("values", "<i8", (MEASURES,)),  # the last sample
    ]
)

MINUTE = np.dtype([("minute", "<i8"), ("values", "<i8", (MEASURES,))])


class LiquidityParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, and how much past it takes."""

    size_lots: int = 0  # the strategy's; 0: cost is not judged
    reach: int = 500  # hundredths of a bp
    levels_max: int = 1024  # a side
    inverse: int = 0  # 1: size is in quote currency
    sample_ns: int = SECOND_NS
    samples_min: int = 200


LIQUIDITY_PROFILES = {PERP: LiquidityParameters(), MICRO: LiquidityParameters(levels_max=128)}

_PARAMETERS = np.dtype([(name, "<i8") for name in LiquidityParameters.__struct_fields__])


class LiquidityState(State, frozen=True):
    """The regime of every lane and the past it is held against."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # LIQUIDITY_HEAD, (lanes,)
    parameters: NDArray[Any]  # (lanes,)
    limits: NDArray[np.int64]  # (lanes, 3, 2) of this hour: beyond, far beyond
    minutes: NDArray[Any]  # MINUTE, (lanes, MINUTES), a ring
    scratch: NDArray[np.int64]  # (WEEKS * HOUR_MINUTES,) for selection
    days: BaselineState  # (3 a lane)


class Liquidity(NamedTuple):
    """The regime of one lane in words."""

    regime: int
    reason: str
    basis: str
    young: bool
    factor: float | None  # of a strategy's size; None not known
    depth_lots: int
    spread_ticks: int
    cost_ticks: float | None  # None: not judged, or the ladder cannot fill the size


def liquidity_state(
    lanes: int, parameters: LiquidityParameters | list[LiquidityParameters] | None = None
) -> LiquidityState:
    """Return the state of `lanes` instruments without a past."""
    head = np.zeros(lanes, LIQUIDITY_HEAD)
    head["regime"], head["why"] = UNKNOWN_LIQUIDITY, NO_PAST
    head["next_ns"] = head["known_ns"] = NO_TIME
    head["minute"] = head["hour"] = -1
    minutes = np.zeros((lanes, MINUTES), MINUTE)
    minutes["minute"] = -1
    rows = parameter_rows(_PARAMETERS, lanes, parameters or LIQUIDITY_PROFILES[PERP])
    day = BaselineSpec(window_ns=_DAY_NS)
    return LiquidityState(
        head=head,
        parameters=rows,
        limits=np.zeros((lanes, MEASURES, 2), np.int64),
        minutes=minutes,
        scratch=np.zeros(WEEKS * HOUR_MINUTES, np.int64),
        days=baseline_state([day] * (MEASURES * lanes), slices=DAY_SLICES),
    )


def seed_liquidity(liquidity: LiquidityState, k: int, minutes: NDArray[Any]) -> None:
    """Put MINUTE records of earlier runs (`past_of`) into lane `k`'s ring; the newest stay."""
    for row in minutes:
        place = liquidity.minutes[k, int(row["minute"]) % MINUTES]
        if place["minute"] < row["minute"]:
            liquidity.minutes[k, int(row["minute"]) % MINUTES] = row
    liquidity.head[k]["hour"] = -1


def past_of(liquidity: LiquidityState, k: int) -> NDArray[Any]:
    """Return the MINUTE records of lane `k`, oldest first, to be kept for a later run."""
    rows = liquidity.minutes[k]
    rows = rows[rows["minute"] >= 0]
    return rows[np.argsort(rows["minute"])]


def read_liquidity(liquidity: LiquidityState, k: int) -> Liquidity:
    """Return the regime of lane `k` with the reason where it is not known."""
    head = liquidity.head[k]
    cost = int(head["values"][COST])
    regime = int(head["regime"])
    judged = head["judged"] == MEASURES and cost < COST_MAX
    return Liquidity(
        regime,
        LIQUIDITY_REASONS[int(head["why"])],
        BASIS_NAMES[int(head["basis"])],
        bool(head["young"]),
        SIZE_FACTORS.get(regime),
        int(head["values"][DEPTH]),
        int(head["values"][SPREAD]),
        cost / 100 if judged else None,
    )


@kernel_inline
def sample(
    liquidity: LiquidityState, book: BookState, k: Int, now: Int, vacuum_active: Int
) -> None:
    """At a TIMER: once a second measure and judge lane `k`; `vacuum_active` 1: R5.5 is.

    A vacuum that begins is judged at once.
    """
    head = liquidity.head[k]
    if now >= head["next_ns"] or (vacuum_active != 0 and head["regime"] != VACUUM):
        take_sample(liquidity, book, k, now, vacuum_active)


@kernel
def take_sample(
    liquidity: LiquidityState, book: BookState, k: Int, now: Int, vacuum_active: Int
) -> None:
    """Measure, judge against what came before, then let the sample join the past."""
    head, row = liquidity.head[k], liquidity.parameters[k]
    due = now >= head["next_ns"]
    head["regime"], head["known_ns"] = UNKNOWN_LIQUIDITY, now
    head["judged"] = MEASURES if row["size_lots"] > 0 else MEASURES - 1
    if due:
        head["next_ns"] = now - now % row["sample_ns"] + row["sample_ns"]
    if book.head[k]["valid"] == 0:
        head["why"] = NO_BOOK
        return
    _measure(liquidity, book, k)
    _read_hour(liquidity, k, (now - 1) // HOUR_NS)
    _judge(liquidity, k, now)
    if vacuum_active != 0:
        head["regime"], head["why"] = VACUUM, KNOWN
    if not due:
        return
    for measure in range(head["judged"]):
        add_sample(liquidity.days, MEASURES * k + measure, now, head["values"][measure])
    minute = (now - 1) // MINUTE_NS
    if minute != head["minute"]:
        head["minute"] = minute
        place = liquidity.minutes[k, minute & (MINUTES - 1)]
        place["minute"] = minute
        for measure in range(MEASURES):
            place["values"][measure] = head["values"][measure]


@kernel
def _measure(liquidity: LiquidityState, book: BookState, k: Int) -> None:
    """Read the three measures from the ladder."""
    head, row, top = liquidity.head[k], liquidity.parameters[k], book.head[k]
    values = head["values"]
    bids, bids_end = lots_near(book, k, BID, row["reach"], row["levels_max"])
    asks, asks_end = lots_near(book, k, ASK, row["reach"], row["levels_max"])
    values[DEPTH] = bids + asks
    head["truncated"] = bids_end | asks_end
    values[SPREAD] = np.int64(top["ask"]) - np.int64(top["bid"])
    values[COST] = 0
    lots = row["size_lots"]
    if lots > 0:
        inverse = row["inverse"] != 0
        for side in (BUY, SELL):
            cost = cost_to_trade(book, k, side, lots, inverse, row["levels_max"])
            parts = np.int64(COST_MAX)
            if cost.unfilled == 0:
                parts = np.int64(np.rint(100.0 * cost.mid_ticks))
            values[COST] = max(values[COST], parts)


@kernel
def _read_hour(liquidity: LiquidityState, k: Int, hour: Int) -> None:
    """On entering an hour, read the limits of the same hour in the weeks before."""
    head = liquidity.head[k]
    if hour == head["hour"]:
        return
    head["hour"] = hour
    for measure in range(MEASURES):
        count = np.int64(0)
        for week in range(1, WEEKS + 1):
            first = hour * HOUR_MINUTES - week * WEEK_MINUTES
            for minute in range(first, first + HOUR_MINUTES):
                place = liquidity.minutes[k, minute & (MINUTES - 1)]
                if place["minute"] == minute:
                    # depth is bad when low: its negative is bad when high, as the others are
                    value = place["values"][measure]
                    liquidity.scratch[count] = -value if measure == DEPTH else value
                    count += 1
        head["hour_samples"] = count
        if count < liquidity.parameters[k]["samples_min"]:
            return
        for which in range(2):
            ppm = 900_000 if which == 0 else 980_000
            if measure == DEPTH:  # nearest rank of 0.1 and 0.02, counted from the other end
                rank = count - max((count * (1_000_000 - ppm) + 999_999) // 1_000_000, 1)
            else:
                rank = (count * ppm + 999_999) // 1_000_000 - 1
            liquidity.limits[k, measure, which] = select(liquidity.scratch, count, rank)


@kernel
def _judge(liquidity: LiquidityState, k: Int, now: Int) -> None:
    """Count the measures that are beyond their quantiles, and name the regime."""
    head = liquidity.head[k]
    by_hour = head["hour_samples"] >= liquidity.parameters[k]["samples_min"]
    head["basis"] = SAME_HOUR if by_hour else LAST_DAY
    head["young"] = head["beyond"] = head["far_beyond"] = 0
    for measure in range(head["judged"]):
        n = MEASURES * k + measure
        sign = -1 if measure == DEPTH else 1
        value = sign * head["values"][measure]
        near, far = liquidity.limits[k, measure, 0], liquidity.limits[k, measure, 1]
        if not by_hour:
            advance(liquidity.days, n, now)
            ripeness = maturity(liquidity.days, n)
            if ripeness == UNKNOWN:
                head["why"], head["basis"] = NO_PAST, NO_BASIS
                return
            head["young"] = max(head["young"], np.int64(ripeness != READY))
            near_ppm = 100_000 if measure == DEPTH else 900_000
            far_ppm = 20_000 if measure == DEPTH else 980_000
            near = sign * quantile(liquidity.days, n, near_ppm)
            far = sign * quantile(liquidity.days, n, far_ppm)
            value = sign * bucket_middle(bucket_of(sign * value))  # as coarse as the quantiles
        head["beyond"] += np.int64(value > near)
        head["far_beyond"] += np.int64(value > far)
    head["why"] = KNOWN
    head["regime"] = NORMAL if head["beyond"] == 0 else THIN
    if head["far_beyond"] >= 2:
        head["regime"] = VACUUM
