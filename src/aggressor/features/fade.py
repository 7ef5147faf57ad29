"""Delta fade: buying (or selling) that was extreme a moment ago and is dying at the extreme (R3.4).

At each timer the signed volume of the last w, d(t), is sampled. With P the largest d over the
last T, an up-move is fading when all hold:

    P >= Q.99 of |d| over the baseline      d(t) <= rho * P
    the peak is at most F old               the price is within 2 effective ticks of its high over T

The down side is the same rule on -d and the low. The baseline ends before anything the peak looked
at: (t - T - w - B, t - T - w]. Where it is unknown and all else holds the answer is FADE_UNKNOWN,
never "no"; where another condition fails the answer is no whatever the baseline would say.

The price is that of the last trade, its extremes those of the trades since the last sample and over
T. d itself comes from `delta.window_delta` (exact, ages by ts_recv), passed in by the caller.
A baseline knows a value to 1/64 (a bucket): the peak reaches its quantile from the same bucket on.
Units: lots, ticks, ns of ts_recv.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import (
    UNKNOWN,
    BaselineSpec,
    BaselineState,
    add_sample,
    baseline_state,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.parameters import HOUR_NS, MICRO, PERP, SECOND_NS, parameter_rows
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.state import State

BASELINE_SLICES = 240  # of 15 s: the baseline is known soon after the 60 s it must cover
SAMPLES = 1024  # kept per lane: T of 60 s at 100 ms and more; a power of two

FADE_UNKNOWN = 0
FADE_NO = 1
FADE_YES = 2

FADE_NAMES = {FADE_UNKNOWN: "unknown", FADE_NO: "no", FADE_YES: "yes"}

FADE_SAMPLE = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("delta", "<i8"),  # lots: d at this time
        ("high", "<i8"),  # ticks of the trades since the sample before; NO_PRICE without any
        ("low", "<i8"),
    ]
)

# One per lane and direction: index 0 is fading-up (buyers), 1 fading-down (sellers).
FADE_SIDE = np.dtype(
    [
        ("peak", "<i8"),  # lots: largest d x direction over T
        ("peak_ns", "<i8"),  # when it was last reached
        ("current", "<i8"),  # lots: d x direction now; over `peak` it is the ratio
        ("extreme", "<i8"),  # ticks: the high (low) over T; NO_PRICE without trades
        ("peak_at", "<i8"),  # numbers of the newest samples that hold these two
        ("extreme_at", "<i8"),
        ("fading", "<i8"),  # FADE_UNKNOWN, FADE_NO or FADE_YES
    ]
)

FADE_HEAD = np.dtype(
    [
        ("samples", "<i8"),
        ("last", "<i8"),  # ticks of the last trade; NO_PRICE before the first
        ("high", "<i8"),  # since the last sample
        ("low", "<i8"),
        ("threshold", "<i8"),  # lots: the quantile the peak is held against
        ("maturity", "<i8"),  # of the baseline: UNKNOWN, YOUNG or READY
        ("read_slice", "<i8"),  # the baseline's slice when these two were read
        ("first", "<i8"),  # number of the first sample of T
    ]
)


class FadeParameters(msgspec.Struct, frozen=True, kw_only=True):
    """When a delta counts as fading."""

    window_ns: int = SECOND_NS  # w
    peak_ns: int = 10 * SECOND_NS  # T
    fresh_ns: int = 3 * SECOND_NS  # F
    ratio_ppm: int = 300_000  # rho
    quantile_ppm: int = 990_000
    near_ticks: int = 2  # effective ticks from the extreme


FADE_PROFILES = {
    PERP: FadeParameters(),
    MICRO: FadeParameters(
        window_ns=10 * SECOND_NS, peak_ns=60 * SECOND_NS, fresh_ns=30 * SECOND_NS
    ),
}

FADE_ROW = np.dtype([(name, "<i8") for name in FadeParameters.__struct_fields__])


class FadeState(State, frozen=True):
    """Samples of d, the last verdict of both sides, and the baseline of |d|."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # FADE_HEAD, (lanes,)
    parameters: NDArray[Any]  # FADE_ROW, (lanes,)
    sides: NDArray[Any]  # FADE_SIDE, (lanes, 2)
    samples: NDArray[Any]  # FADE_SAMPLE, (lanes, SAMPLES), a ring
    baseline: BaselineState  # of |d|, one per lane


def fade_state(
    lanes: int, parameters: FadeParameters | Sequence[FadeParameters], baseline_ns: int = HOUR_NS
) -> FadeState:
    """Return the state of `lanes` instruments without samples."""
    head = np.zeros(lanes, FADE_HEAD)
    for name in ("last", "high", "low"):
        head[name] = NO_PRICE
    head["read_slice"] = NO_TIME
    rows = parameter_rows(FADE_ROW, lanes, parameters)
    sides = np.zeros((lanes, 2), FADE_SIDE)
    sides["peak_ns"] = NO_TIME
    sides["extreme"] = NO_PRICE
    sides["peak_at"] = sides["extreme_at"] = -1
    sides["fading"] = FADE_NO
    specs = [
        BaselineSpec(window_ns=baseline_ns, exclude_ns=int(row["window_ns"] + row["peak_ns"]))
        for row in rows
    ]
    samples = np.zeros((lanes, SAMPLES), FADE_SAMPLE)
    return FadeState(head, rows, sides, samples, baseline_state(specs, slices=BASELINE_SLICES))


@kernel_inline
def on_trade(fade: FadeState, k: Int, event: Any) -> None:
    """Follow the extremes of price between samples."""
    head = fade.head[k]
    price = np.int64(event["price"])
    head["last"] = price
    if head["high"] == NO_PRICE:
        head["high"] = head["low"] = price
    else:
        head["high"] = max(head["high"], price)
        head["low"] = min(head["low"], price)


@kernel
def sample(fade: FadeState, k: Int, now: Int, delta: Int, effective_tick: Int) -> None:
    """Take d(now) at a timer and judge both sides anew."""
    head, baseline = fade.head[k], fade.baseline
    row = fade.samples[k, head["samples"] & (SAMPLES - 1)]
    row["ts_recv"], row["delta"] = now, delta
    row["high"], row["low"] = head["high"], head["low"]
    head["samples"] += 1
    head["high"] = head["low"] = NO_PRICE
    add_sample(baseline, k, now, abs(delta))
    slice_now = baseline.head[k]["stop_slice"]
    if slice_now != head["read_slice"]:  # else the window holds what it held
        head["read_slice"] = slice_now
        head["maturity"] = maturity(baseline, k)
        head["threshold"] = quantile(baseline, k, fade.parameters[k]["quantile_ppm"])
    number = head["samples"] - 1
    first = max(head["first"], head["samples"] - SAMPLES)
    start_ns = now - fade.parameters[k]["peak_ns"]
    while first < number and fade.samples[k, first & (SAMPLES - 1)]["ts_recv"] <= start_ns:
        first += 1
    head["first"] = first
    for s in range(2):
        _move_peaks(fade, k, s)
    _judge(fade, k, 0, now, 1, delta, effective_tick)
    _judge(fade, k, 1, now, -1, delta, effective_tick)


@kernel_inline
def _move_peaks(fade: FadeState, k: Int, s: Int) -> None:
    """Let the newest sample into the peak and the extreme of a side; find again what has left T."""
    head, side, direction = fade.head[k], fade.sides[k, s], 1 - 2 * s
    number = head["samples"] - 1
    newest = fade.samples[k, number & (SAMPLES - 1)]
    lost = side["peak_at"] < head["first"]
    if lost or direction * newest["delta"] >= side["peak"]:
        side["peak"], side["peak_at"] = direction * newest["delta"], number
        side["peak_ns"] = newest["ts_recv"]
        if lost:
            _find_peak(fade, k, s)
    reached = newest["high"] if s == 0 else newest["low"]
    lost = side["extreme"] != NO_PRICE and side["extreme_at"] < head["first"]
    beyond = side["extreme"] == NO_PRICE or direction * (reached - side["extreme"]) >= 0
    if lost or (reached != NO_PRICE and beyond):
        side["extreme"], side["extreme_at"] = reached, number
        if lost:
            _find_extreme(fade, k, s)


@kernel
def _find_peak(fade: FadeState, k: Int, s: Int) -> None:
    """Look through T for the largest delta of a side, the newest of equal ones."""
    side, direction = fade.sides[k, s], 1 - 2 * s
    for number in range(side["peak_at"] - 1, fade.head[k]["first"] - 1, -1):
        row = fade.samples[k, number & (SAMPLES - 1)]
        if direction * row["delta"] > side["peak"]:
            side["peak"], side["peak_at"] = direction * row["delta"], number
            side["peak_ns"] = row["ts_recv"]


@kernel
def _find_extreme(fade: FadeState, k: Int, s: Int) -> None:
    """Look through T for the furthest price of a side, the newest of equal ones."""
    side, direction = fade.sides[k, s], 1 - 2 * s
    for number in range(side["extreme_at"] - 1, fade.head[k]["first"] - 1, -1):
        row = fade.samples[k, number & (SAMPLES - 1)]
        price = row["high"] if s == 0 else row["low"]
        if price == NO_PRICE:
            continue
        if side["extreme"] == NO_PRICE or direction * (price - side["extreme"]) > 0:
            side["extreme"], side["extreme_at"] = price, number


@kernel_inline
def _judge(
    fade: FadeState, k: Int, s: Int, now: Int, direction: Int, delta: Int, effective_tick: Int
) -> None:
    head, row, side = fade.head[k], fade.parameters[k], fade.sides[k, s]
    side["current"] = direction * delta
    fallen = side["peak"] > 0 and side["current"] * 1_000_000 <= row["ratio_ppm"] * side["peak"]
    fresh = now - side["peak_ns"] <= row["fresh_ns"]
    near = (
        side["extreme"] != NO_PRICE
        and direction * (side["extreme"] - head["last"]) <= row["near_ticks"] * effective_tick
    )
    if not (fallen and fresh and near):
        side["fading"] = FADE_NO
    elif head["maturity"] == UNKNOWN:
        side["fading"] = FADE_UNKNOWN
    elif bucket_of(side["peak"]) >= bucket_of(head["threshold"]):
        side["fading"] = FADE_YES
    else:
        side["fading"] = FADE_NO
