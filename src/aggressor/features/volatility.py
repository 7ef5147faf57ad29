"""Volatility of the mid and the effective tick: the yardstick for every distance called "ticks".

Sampled at timers from the fused top (R0.5):

    sigma   1.4826 x MAD of one-second changes of the mid over 1 h, in half ticks; exact
    spread  median spread over 1 h in ticks; samples lie on the timer grid, so the median is by time
    e       max(1, ceil(spread / 2), ceil(sigma / 2)) in ticks: the effective tick
    ATR     mean true range of the last 14 one-minute bars of the mid, in half ticks

All four are read anew once a minute. A detector keeps the e its episode began with, so that one
run is measured with one yardstick. ATR takes the mid, not the trades, so
that the bounce between bid and ask is not in it; its minutes lie on the ts_recv grid, a minute
without a sample ends the chain of true ranges.

A change is only taken between two samples one second apart with a known top at both. Each part is
unknown, young or ready by R0.3; e is as ripe as its greener part, and is 1 while both are unknown.
Units: ticks, half ticks where said, ns of ts_recv.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    YOUNG,
    BaselineSpec,
    BaselineState,
    add_sample,
    advance,
    baseline_state,
    maturity,
    quantile,
)
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.features.ranks import MAD_TO_SIGMA, median_and_deviation
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_TIME
from aggressor.state import State

CHANGES = 4096  # one-second changes kept per lane, at least an hour of them; a power of two
SPREAD_SLICES = 240  # of 15 s: the median is known soon after the 60 s it must cover
MINUTES = 2048  # one-minute changes kept per lane, the last DAY of them used; a power of two
DAY = 1440
MINUTES_MIN = 30  # fewer do not make a deviation
RANGES = 16  # true ranges kept per lane; a power of two

VOLATILITY_HEAD = np.dtype(
    [
        ("second_ns", "<i8"),  # of the last one-second sample; NO_TIME without a known top then
        ("second_mid2", "<i8"),
        ("oldest", "<i8"),  # ring counters of the changes in the window
        ("newest", "<i8"),
        ("first_ns", "<i8"),  # of the first change ever
        ("sigma2", "<f8"),  # half ticks per square root of a second
        ("sigma_maturity", "<i8"),
        ("spread_median", "<i8"),  # ticks
        ("spread_maturity", "<i8"),
        ("effective_tick", "<i8"),  # ticks
        ("effective_maturity", "<i8"),
        ("read_minute", "<i8"),  # the minute these were read in
        ("minute", "<i8"),  # of the bar under way
        ("high2", "<i8"),  # half ticks
        ("low2", "<i8"),
        ("close2", "<i8"),
        ("before2", "<i8"),  # the close of the bar before
        ("chained", "<i8"),  # 1: `before2` belongs to the minute before
        ("whole", "<i8"),  # 1: the minute was seen from its beginning
        ("ranges", "<i8"),  # true ranges made
        ("minutes", "<i8"),  # one-minute changes of the mid ever taken
        ("minute_sum", "<i8"),  # half ticks, of those kept
        ("minute_squares", "<f8"),
        ("atr2", "<f8"),  # half ticks
        ("atr_maturity", "<i8"),
    ]
)


class VolatilityParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Windows and ripeness of the volatility measures."""

    window_ns: int = HOUR_NS
    second_ns: int = SECOND_NS  # between two samples of the mid
    atr_minutes: int = 14
    samples_min: int = 200
    unknown_ns: int = MINUTE_NS
    young_ns: int = 10 * MINUTE_NS


VOLATILITY_PROFILES = {PERP: VolatilityParameters(), MICRO: VolatilityParameters()}

VOLATILITY_ROW = np.dtype([(name, "<i8") for name in VolatilityParameters.__struct_fields__])

_CHANGE = np.dtype([("ts_recv", "<i8"), ("change2", "<i8")])


class VolatilityState(State, frozen=True):
    """Samples of the mid and the spread, and the measures last read from them."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # VOLATILITY_HEAD, (lanes,)
    parameters: NDArray[Any]  # VOLATILITY_ROW, (lanes,)
    changes: NDArray[Any]  # (lanes, CHANGES) ts_recv, half ticks: a ring
    ranges: NDArray[np.int64]  # (lanes, RANGES) half ticks: a ring
    minutes: NDArray[np.int64]  # (lanes, MINUTES) half ticks: a ring
    scratch: NDArray[np.int64]  # (CHANGES,) for selection
    spreads: BaselineState  # ticks, one per lane


def volatility_state(
    lanes: int, parameters: VolatilityParameters | Sequence[VolatilityParameters]
) -> VolatilityState:
    """Return the state of `lanes` instruments without samples: an effective tick of 1."""
    head = np.zeros(lanes, VOLATILITY_HEAD)
    head["second_ns"] = head["first_ns"] = NO_TIME
    head["read_minute"] = head["minute"] = -1
    head["effective_tick"] = 1
    rows = parameter_rows(VOLATILITY_ROW, lanes, parameters)
    assert (rows["window_ns"] // rows["second_ns"] <= CHANGES).all()
    assert (rows["atr_minutes"] <= RANGES).all()
    return VolatilityState(
        head=head,
        parameters=rows,
        changes=np.zeros((lanes, CHANGES), _CHANGE),
        ranges=np.zeros((lanes, RANGES), np.int64),
        minutes=np.zeros((lanes, MINUTES), np.int64),
        scratch=np.zeros(CHANGES, np.int64),
        spreads=baseline_state(
            [BaselineSpec(window_ns=int(row["window_ns"])) for row in rows], slices=SPREAD_SLICES
        ),
    )


@kernel
def sample(
    volatility: VolatilityState, k: Int, now: Int, known: bool, mid2: Int, spread: Int
) -> None:
    """Take the fused top of lane `k` at a timer; `known` is False while the book is not valid."""
    minute = now // MINUTE_NS
    head = volatility.head[k]
    if minute != head["minute"]:
        _close_minute(volatility, k, minute)
    if known:
        add_sample(volatility.spreads, k, now, spread)
        _extend_minute(head, mid2)
    _sample_second(volatility, k, now, known, mid2)
    if minute != head["read_minute"]:
        head["read_minute"] = minute
        _read(volatility, k, now)


@kernel_inline
def _sample_second(volatility: VolatilityState, k: Int, now: Int, known: bool, mid2: Int) -> None:
    head, second_ns = volatility.head[k], volatility.parameters[k]["second_ns"]
    elapsed = now // second_ns - head["second_ns"] // second_ns
    if not known:
        head["second_ns"] = NO_TIME
        return
    if head["second_ns"] != NO_TIME and elapsed == 0:
        return
    if head["second_ns"] != NO_TIME and elapsed == 1:
        row = volatility.changes[k, head["newest"] & (CHANGES - 1)]
        row["ts_recv"], row["change2"] = now, mid2 - head["second_mid2"]
        head["newest"] += 1
        if head["first_ns"] == NO_TIME:
            head["first_ns"] = now
    head["second_ns"], head["second_mid2"] = now, mid2


@kernel_inline
def _extend_minute(head: Any, mid2: Int) -> None:
    if head["high2"] < head["low2"]:
        head["high2"] = head["low2"] = mid2
    else:
        head["high2"] = max(head["high2"], mid2)
        head["low2"] = min(head["low2"], mid2)
    head["close2"] = mid2


@kernel_inline
def _close_minute(volatility: VolatilityState, k: Int, minute: Int) -> None:
    """End the bar under way; its true range counts unless the lane's first minute began inside."""
    head = volatility.head[k]
    filled = head["high2"] >= head["low2"] and head["minute"] >= 0
    if filled and head["whole"] == 1:
        high2, low2 = head["high2"], head["low2"]
        if head["chained"] == 1:
            _keep_minute(volatility, k, head["close2"] - head["before2"])
            high2, low2 = max(high2, head["before2"]), min(low2, head["before2"])
        volatility.ranges[k, head["ranges"] & (RANGES - 1)] = high2 - low2
        head["ranges"] += 1
    followed = minute == head["minute"] + 1
    head["chained"] = np.int64(filled and followed)
    head["whole"] = np.int64(followed)
    head["before2"] = head["close2"]
    head["minute"] = minute
    head["high2"], head["low2"] = 0, 1  # empty: the high lies below the low


@kernel
def _keep_minute(volatility: VolatilityState, k: Int, change2: Int) -> None:
    head = volatility.head[k]
    ring = volatility.minutes
    if head["minutes"] >= DAY:
        oldest = ring[k, (head["minutes"] - DAY) & (MINUTES - 1)]
        head["minute_sum"] -= oldest
        head["minute_squares"] -= float(oldest) * float(oldest)
    ring[k, head["minutes"] & (MINUTES - 1)] = change2
    head["minutes"] += 1
    head["minute_sum"] += change2
    head["minute_squares"] += float(change2) * float(change2)


@kernel
def minute_deviation(volatility: VolatilityState, k: Int) -> float:
    """Return the deviation of one-minute changes of the mid over 24 h, in ticks (R5.8).

    Before half an hour of them it is that of one second, scaled by the root of 60; -1 while that is
    not known either.
    """
    head = volatility.head[k]
    count = min(head["minutes"], np.int64(DAY))
    if count >= MINUTES_MIN:
        mean = head["minute_sum"] / count
        return 0.5 * np.sqrt(max(head["minute_squares"] / count - mean * mean, 0.0))
    if head["sigma_maturity"] == UNKNOWN:
        return -1.0
    return 0.5 * np.sqrt(60.0) * head["sigma2"]


@kernel_inline
def _read(volatility: VolatilityState, k: Int, now: Int) -> None:
    head, row = volatility.head[k], volatility.parameters[k]
    advance(volatility.spreads, k, now)
    head["spread_maturity"] = maturity(volatility.spreads, k)
    if head["spread_maturity"] != UNKNOWN:
        head["spread_median"] = quantile(volatility.spreads, k, 500_000)
    _read_sigma(volatility, k, now)
    used = min(head["ranges"], row["atr_minutes"])
    total = np.int64(0)
    for back in range(1, used + 1):
        total += volatility.ranges[k, (head["ranges"] - back) & (RANGES - 1)]
    if used > 0:
        head["atr2"] = total / used
        head["atr_maturity"] = READY if used * MINUTE_NS >= row["young_ns"] else YOUNG
    _read_effective_tick(head)


@kernel_inline
def _read_sigma(volatility: VolatilityState, k: Int, now: Int) -> None:
    head, row = volatility.head[k], volatility.parameters[k]
    start_ns = now - row["window_ns"]
    oldest = max(head["oldest"], head["newest"] - CHANGES)
    while oldest < head["newest"]:
        if volatility.changes[k, oldest & (CHANGES - 1)]["ts_recv"] > start_ns:
            break
        oldest += 1
    head["oldest"] = oldest
    count = head["newest"] - oldest
    covered = now - head["first_ns"] if head["first_ns"] != NO_TIME else np.int64(0)
    if count < row["samples_min"] or covered < row["unknown_ns"]:
        head["sigma_maturity"] = UNKNOWN
        return
    head["sigma_maturity"] = READY if covered >= row["young_ns"] else YOUNG
    scratch = volatility.scratch
    for i in range(count):
        scratch[i] = volatility.changes[k, (oldest + i) & (CHANGES - 1)]["change2"]
    head["sigma2"] = MAD_TO_SIGMA * median_and_deviation(scratch, count)[1]


@kernel_inline
def _read_effective_tick(head: Any) -> None:
    tick = np.int64(1)
    if head["spread_maturity"] != UNKNOWN:
        tick = max(tick, (head["spread_median"] + 1) // 2)
    if head["sigma_maturity"] != UNKNOWN:
        tick = max(tick, np.int64(np.ceil(0.25 * head["sigma2"])))  # half of it, from half ticks
    head["effective_tick"] = tick
    head["effective_maturity"] = min(head["spread_maturity"], head["sigma_maturity"])
