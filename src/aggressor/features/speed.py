"""Tape speed: taker orders in the last 1 s and 10 s against their own fading rate (R2.4).

    n       taker orders of the window (t - w, t]
    rate    orders per second before the window, a fading mean with half-life h (5 min)
    ratio   n / (rate w)
    z       (n - rate w) / sqrt(rate w): standard deviations, were orders a Poisson process

They are not: orders excite each other, so z is held against its own quantile of the last hour,
taken once a second and without the window under test, and not against the normal one. `fast` is the
verdict: 1 when z is above that quantile, 0 when not, UNDECIDED while the rate or the quantile is
not known (R0.3).

Orders are counted when they close, in slices of 100 ms of ts_recv. At a timer on that grid the
windows are exact; the rate sees an order as old as the end of its slice. The rate is the weighted
mean of all slices behind the window, 2^(-age / h) each, so it is unbiased from the beginning.

    head      (lanes,)            SPEED_HEAD
    slices    (lanes, SLICES)     int64, orders of one slice each: a ring
    series    (lanes, WINDOWS)    SPEED
    z_usual   2 per lane          baseline of z in hundredths

Invariant: no slice is read twice; a timer costs the same however many orders there were.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features import prints as takers
from aggressor.features.baseline import (
    UNKNOWN,
    YOUNG,
    BaselineSpec,
    BaselineState,
    add_sample,
    baseline_state,
    maturity,
    quantile,
)
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MILLISECOND_NS,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.features.prints import PrintsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_TIME, TIMER, TRADE, Events
from aggressor.state import State

WINDOWS = 2
SHORT, LONG = 0, 1
SLICE_NS = 100 * MILLISECOND_NS
SLICES = 128  # a power of two, above the slices of the longest window
UNDECIDED = 2

_Z_UNIT = 100.0  # z is sampled in hundredths
_BASELINE_SLICES = 120  # of 30 s each

SPEED_HEAD = np.dtype(
    [
        ("slice", "<i8"),  # number of the slice under way; NO_TIME before the first
        ("slice_end_ns", "<i8"),  # its last ns of ts_recv
        ("first_slice", "<i8"),
        ("fade", "<f8"),  # weight that a slice keeps of the one before
        ("sample_ns", "<i8"),  # when z is next sampled
    ]
)

SPEED = np.dtype(
    [
        ("window_ns", "<i8"),
        ("kept", "<i8"),  # slices of the window
        ("orders", "<i8"),  # in the window
        ("past_orders", "<i8"),  # that have left it
        ("past_slices", "<i8"),
        ("weighted", "<f8"),  # orders that have left, faded
        ("weight", "<f8"),  # of all slices that have left
        ("rate", "<f8"),  # orders per second
        ("ratio", "<f8"),  # nan while the rate is not known or 0
        ("z", "<f8"),  # as ratio
        ("z_high", "<f8"),  # the quantile that z is held against; nan while not known
        ("fast", "<i8"),
        ("maturity", "<i8"),  # of rate and quantile together
        ("usual_maturity", "<i8"),  # of the quantile
        ("read_slice", "<i8"),  # the baseline's slice when the quantile was last read
    ]
)


class SpeedParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Windows, fading and the quantile of speed."""

    short_ns: int = SECOND_NS
    long_ns: int = 10 * SECOND_NS
    half_life_ns: int = 5 * MINUTE_NS
    fast_ppm: int = 990_000
    orders_min: int = 200  # for the rate; the same number of z for the quantile
    unknown_ns: int = MINUTE_NS
    young_ns: int = 10 * MINUTE_NS


SPEED_PROFILES = {PERP: SpeedParameters(), MICRO: SpeedParameters()}

SPEED_ROW = np.dtype([(name, "<i8") for name in SpeedParameters.__struct_fields__])


class SpeedState(State, frozen=True):
    """The tape speed of every lane; see the module text."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]
    parameters: NDArray[Any]  # SPEED_ROW, (lanes,)
    slices: NDArray[np.int64]
    series: NDArray[Any]
    z_usual: BaselineState


def speed_state(lanes: int, parameters: SpeedParameters | Sequence[SpeedParameters]) -> SpeedState:
    """Return the state of `lanes` instruments that have not traded yet."""
    rows = parameter_rows(SPEED_ROW, lanes, parameters)
    head = np.zeros(lanes, SPEED_HEAD)
    head["slice"] = head["slice_end_ns"] = NO_TIME
    head["fade"] = 0.5 ** (SLICE_NS / rows["half_life_ns"])
    series = np.zeros((lanes, WINDOWS), SPEED)
    series["window_ns"] = np.stack([rows["short_ns"], rows["long_ns"]], axis=1)
    series["kept"] = series["window_ns"] // SLICE_NS
    assert (series["kept"] >= 1).all(), "a window is no shorter than a slice"
    assert (series["kept"] < SLICES).all(), "a window fits the ring"
    for name in ("ratio", "z", "z_high"):
        series[name] = np.nan
    series["fast"], series["read_slice"] = UNDECIDED, NO_TIME
    specs = [
        BaselineSpec(
            window_ns=HOUR_NS,
            exclude_ns=int(series[k, window]["window_ns"]),
            samples_min=int(rows[k]["orders_min"]),
            unknown_ns=int(rows[k]["unknown_ns"]),
            young_ns=int(rows[k]["young_ns"]),
        )
        for k in range(lanes)
        for window in range(WINDOWS)
    ]
    baseline = baseline_state(specs, signed=True, slices=_BASELINE_SLICES)
    return SpeedState(head, rows, np.zeros((lanes, SLICES), np.int64), series, baseline)


@kernel_inline
def on_order(speed: SpeedState, k: Int, now: Int) -> None:
    """Count a taker order of lane `k` that closed at `now`."""
    head = speed.head[k]
    if now > head["slice_end_ns"]:
        _roll(speed, k, now)
    speed.slices[k, head["slice"] & (SLICES - 1)] += 1
    for window in range(WINDOWS):
        speed.series[k, window]["orders"] += 1


@kernel
def _roll(speed: SpeedState, k: Int, now: Int) -> None:
    """Begin the slice of `now`; what leaves a window enters its rate."""
    head = speed.head[k]
    which, fade = (now - 1) // SLICE_NS, head["fade"]
    if head["slice"] == NO_TIME:
        head["slice"] = head["first_slice"] = which
    # After one turn of the ring every window is empty; the rest of a silence is one long step.
    steps = min(which - head["slice"], SLICES)
    silent = which - head["slice"] - steps
    for step in range(head["slice"] + 1, head["slice"] + steps + 1):
        for window in range(WINDOWS):
            one = speed.series[k, window]
            leaving = step - one["kept"]
            if leaving >= head["first_slice"]:
                gone = speed.slices[k, leaving & (SLICES - 1)]
                one["orders"] -= gone
                if leaving > head["first_slice"]:  # that one was not seen from its beginning
                    one["past_orders"] += gone
                    one["past_slices"] += 1
                    one["weighted"] = one["weighted"] * fade + float(gone)
                    one["weight"] = one["weight"] * fade + 1.0
        speed.slices[k, step & (SLICES - 1)] = 0
    if silent > 0:
        faded = fade ** float(silent)
        for window in range(WINDOWS):
            one = speed.series[k, window]
            one["past_slices"] += silent
            one["weighted"] *= faded
            one["weight"] = one["weight"] * faded + (1.0 - faded) / (1.0 - fade)
    head["slice"] = which
    head["slice_end_ns"] = (which + 1) * SLICE_NS


@kernel
def sample(speed: SpeedState, k: Int, now: Int) -> None:
    """Read both windows of lane `k` at a timer."""
    head, row = speed.head[k], speed.parameters[k]
    if now > head["slice_end_ns"]:
        _roll(speed, k, now)
    sampled = now >= head["sample_ns"]
    if sampled:
        head["sample_ns"] = (now // SECOND_NS + 1) * SECOND_NS
    for window in range(WINDOWS):
        one = speed.series[k, window]
        one["ratio"] = one["z"] = np.nan
        one["fast"] = UNDECIDED
        one["maturity"] = UNKNOWN
        covered = one["past_slices"] * SLICE_NS
        if one["past_orders"] < row["orders_min"] or covered < row["unknown_ns"]:
            continue
        usual = one["weighted"] / one["weight"] * float(one["kept"])
        one["rate"] = usual * (1e9 / float(one["window_ns"]))
        if usual <= 0.0:
            continue
        one["ratio"] = float(one["orders"]) / usual
        one["z"] = (float(one["orders"]) - usual) / sqrt(usual)
        if sampled:
            _sample_z(speed, k, window, now)
        if one["usual_maturity"] != UNKNOWN:
            one["fast"] = np.int64(one["z"] > one["z_high"])
            one["maturity"] = YOUNG if covered < row["young_ns"] else one["usual_maturity"]


@kernel_inline
def _sample_z(speed: SpeedState, k: Int, window: Int, now: Int) -> None:
    """Add z to what is usual; read its quantile again when the baseline has moved by a slice."""
    one, n = speed.series[k, window], WINDOWS * k + window
    add_sample(speed.z_usual, n, now, np.int64(round(one["z"] * _Z_UNIT)))
    slice_now = speed.z_usual.head[n]["stop_slice"]
    if slice_now != one["read_slice"]:
        one["read_slice"] = slice_now
        one["usual_maturity"] = maturity(speed.z_usual, n)
        if one["usual_maturity"] != UNKNOWN:
            high = quantile(speed.z_usual, n, speed.parameters[k]["fast_ppm"])
            one["z_high"] = float(high) / _Z_UNIT


@kernel
def run_speed(events: Events, start: Int, stop: Int, prints: PrintsState, speed: SpeedState) -> Int:
    """Bring taker orders and their speed forward over events[start:stop]; return stop."""
    for i in range(start, stop):
        event = events[i]
        now = event["ts_recv"]
        if event["kind"] == TRADE:
            k = np.int64(event["instrument"])
            if takers.on_trade(prints, k, event):
                on_order(speed, k, now)
        elif event["kind"] == TIMER:
            for k in range(speed.head.size):
                if takers.settle(prints, k, now):
                    on_order(speed, k, now)
                sample(speed, k, now)
    return stop
