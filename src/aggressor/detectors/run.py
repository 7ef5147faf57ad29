"""The run (R7.1): how far, how fast and with how much one-sided aggression price has moved of late.

Samples are taken at each TIMER and cover the run window; prints are kept so that the rows of a run
can be counted when they are asked for. Both directions are read through one path: direction x
price, direction x size.

A run goes from P0 to the most extreme price P1 after it. It is sought at four lengths, run window
/ 8 to the whole of it, as the largest move within that length, and its delta is compared with
Q0.99 of |delta| over windows of the same length: so a short sharp run is not drowned in the drift
before it. The baseline is that of the last 24 hours once it is ready, before that of the last
hour. While it covers fewer than 100 windows of a length side by side its Q0.99 is no more than
the largest of a few, however often they were read: beyond Q0.9 the tail is then drawn as an
exponential whose scale Q0.5 and Q0.9 tell, and the larger of the two counts.

Shapes: lanes L, samples S and prints N (powers of two; S timers cover the run window). Prices
ticks, sizes lots, ages on ts_recv.
"""

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import (
    READY,
    BaselineSpec,
    BaselineState,
    add_sample,
    advance,
    baseline_state,
    covered_ns,
    maturity,
    quantile,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE, PRICE_MAX
from aggressor.state import State

LENGTHS = 4  # windows of run_window / 8, / 4, / 2, / 1
ROWS_MAX = 1024
HOUR_NS = 3_600_000_000_000
HOUR_SLICES = 240  # of 15 s: known soon
DAY_NS = 24 * HOUR_NS
DAY_SLICES = 96
Q99_PPM = 990_000
TAIL_PPM = 900_000  # from here on the tail of few windows is drawn, not read
MIDDLE_PPM = 500_000
WINDOWS_MIN = 100  # that do not overlap: a hundredth of fewer is no window
_FOLDS = log(10.0) / log(5.0)  # exponential: from Q.5 to Q.9 a fifth is left, to Q.99 a tenth

SAMPLE = np.dtype(
    [("ts", "<i8"), ("low", "<i8"), ("high", "<i8"), ("delta", "<i8"), ("volume", "<i8")]
)
PRINT = np.dtype([("ts", "<i8"), ("size", "<i8"), ("price", "<i4"), ("side", "<i4")])
RUN_HEAD = np.dtype(
    [
        ("samples", "<i8"),
        ("prints", "<i8"),
        ("low", "<i8"),  # of the running sample
        ("high", "<i8"),
        ("delta", "<i8"),  # since the beginning
        ("volume", "<i8"),
        ("window_ns", "<i8"),
        ("highs", "<i8", (2,)),  # of the queue of highs: first and next place
        ("lows", "<i8", (2,)),
        ("behind", "<i8", (LENGTHS,)),  # samples at or before now - length, for each length
    ]
)
RUN = np.dtype(
    [
        ("found", "<i8"),
        ("start", "<i8"),  # P0
        ("extreme", "<i8"),  # P1
        ("start_ts", "<i8"),  # receive time of the sample that holds P0
        ("extreme_ts", "<i8"),
        ("delta", "<i8"),  # direction x signed volume from P0 to P1
        ("volume", "<i8"),
        ("start_delta", "<i8"),  # running sums at P0: the run's own are differences
        ("start_volume", "<i8"),
    ]
)


class RunState(State, frozen=True):
    """Samples, prints and baselines of each lane."""

    head: NDArray[Any]  # RUN_HEAD, (L,)
    samples: NDArray[Any]  # SAMPLE, (L, S): a ring
    extremes: NDArray[
        np.int64
    ]  # (L, 2, S) sample numbers: highs falling, lows rising to the newest
    prints: NDArray[Any]  # PRINT, (L, N)
    found: NDArray[Any]  # RUN, (L, 2): answer of `find_run`, up then down
    rows: NDArray[np.int64]  # lots, (ROWS_MAX,): scratch
    hours: BaselineState  # |delta| per length over an hour, index lane x LENGTHS + length
    days: BaselineState  # the same over 24 hours, used as soon as it is ready


def run_state(
    lanes: int, window_ns: int, timer_ns: int = 100_000_000, prints: int = 32_768
) -> RunState:
    """Allocate; `prints` (a power of two) bounds how far the rows of a run can be counted back."""
    assert prints & (prints - 1) == 0
    lengths = [window_ns >> (LENGTHS - 1 - j) for j in range(LENGTHS)]
    each = [length for _ in range(lanes) for length in lengths]
    kept = 1 << int(window_ns // timer_ns + 1).bit_length()
    state = RunState(
        np.zeros(lanes, RUN_HEAD),
        np.zeros((lanes, kept), SAMPLE),
        np.zeros((lanes, 2, kept), np.int64),
        np.zeros((lanes, prints), PRINT),
        np.zeros((lanes, 2), RUN),
        np.zeros(ROWS_MAX, np.int64),
        baseline_state([BaselineSpec(HOUR_NS, n) for n in each], slices=HOUR_SLICES),
        baseline_state([BaselineSpec(DAY_NS, n) for n in each], slices=DAY_SLICES),
    )
    state.head["low"] = PRICE_MAX
    state.head["high"] = NO_PRICE
    state.head["window_ns"] = window_ns
    return state


@kernel_inline
def add_run_print(state: RunState, k: Int, ts_recv: Int, price: Int, size: Int, side: Int) -> None:
    """Take one print of flow into the running sample and the ring of prints."""
    head = state.head[k]
    head["low"] = min(head["low"], np.int64(price))
    head["high"] = max(head["high"], np.int64(price))
    head["delta"] += side * size
    head["volume"] += size
    row = state.prints[k, head["prints"] & (state.prints.shape[1] - 1)]
    row["ts"] = ts_recv
    row["size"] = size
    row["price"] = price
    row["side"] = side
    head["prints"] += 1


@kernel
def close_sample(state: RunState, k: Int, now: Int) -> None:
    """Close the running sample at a TIMER and feed the baselines."""
    head = state.head[k]
    number = head["samples"]
    mask = state.samples.shape[1] - 1
    sample = state.samples[k, number & mask]
    sample["ts"] = now
    sample["low"] = head["low"]
    sample["high"] = head["high"]
    sample["delta"] = head["delta"]
    sample["volume"] = head["volume"]
    head["samples"] += 1
    if head["high"] != NO_PRICE:
        _keep_extreme(state, k, 0, head["highs"], number, head["high"])
        _keep_extreme(state, k, 1, head["lows"], number, -head["low"])
    head["low"] = PRICE_MAX
    head["high"] = NO_PRICE
    for j in range(LENGTHS):
        behind = max(head["behind"][j], number + 1 - state.samples.shape[1])
        limit = now - length_ns(state, k, j)
        while behind <= number and state.samples[k, behind & mask]["ts"] <= limit:
            behind += 1
        head["behind"][j] = behind
        oldest = max(np.int64(0), number + 1 - state.samples.shape[1])
        if behind > oldest:
            delta = head["delta"] - state.samples[k, (behind - 1) & mask]["delta"]
            add_sample(state.hours, k * LENGTHS + j, now, delta)
            add_sample(state.days, k * LENGTHS + j, now, delta)


@kernel
def _keep_extreme(state: RunState, k: Int, which: Int, ends: Any, number: Int, value: Int) -> None:
    """Put a sample behind the queue of highs (0) or of negated lows (1), and drop what it beats."""
    mask = state.samples.shape[1] - 1
    while ends[1] > ends[0]:
        last = state.samples[k, state.extremes[k, which, (ends[1] - 1) & mask] & mask]
        kept = last["high"] if which == 0 else -last["low"]
        if kept > value:
            break
        ends[1] -= 1
    state.extremes[k, which, ends[1] & mask] = number
    ends[1] += 1


@kernel
def window_range(state: RunState, k: Int, now: Int) -> Int:
    """Return the high less the low of the run window: no run of any length is longer."""
    head = state.head[k]
    mask = state.samples.shape[1] - 1
    oldest = head["samples"] - state.samples.shape[1]
    found = np.int64(0)
    for which in range(2):
        ends = head["highs"] if which == 0 else head["lows"]
        while ends[1] > ends[0]:
            number = state.extremes[k, which, ends[0] & mask]
            if (
                number >= oldest
                and now - state.samples[k, number & mask]["ts"] <= head["window_ns"]
            ):
                break
            ends[0] += 1
        if ends[1] == ends[0]:
            return np.int64(0)
        sample = state.samples[k, state.extremes[k, which, ends[0] & mask] & mask]
        found += sample["high"] if which == 0 else -sample["low"]
    return found


@kernel
def find_run(state: RunState, k: Int, direction: Int, now: Int, window_ns: Int) -> None:
    """Write the largest move in `direction` of the last `window_ns` into `found[k, 0 up | 1 down]`.

    P0 lies in a sample strictly before that of P1, so an order inside one sample is never guessed.
    """
    head = state.head[k]
    kept, mask = state.samples.shape[1], state.samples.shape[1] - 1
    newest = head["samples"] - 1
    run = state.found[k, 0 if direction > 0 else 1]
    run["found"] = 0
    top = np.int64(NO_PRICE)
    top_slot = np.int64(-1)
    best = np.int64(0)
    for back in range(min(head["samples"], kept)):
        slot = (newest - back) & mask
        sample = state.samples[k, slot]
        if now - sample["ts"] > window_ns:
            break
        if sample["high"] == NO_PRICE:
            continue
        low = sample["low"] if direction > 0 else -sample["high"]
        high = sample["high"] if direction > 0 else -sample["low"]
        if top_slot >= 0 and top - low > best:
            best = top - low
            extreme = state.samples[k, top_slot]
            run["found"] = 1
            run["start"] = direction * low
            run["extreme"] = direction * top
            run["start_ts"] = sample["ts"]
            run["extreme_ts"] = extreme["ts"]
            run["delta"] = direction * (extreme["delta"] - sample["delta"])
            run["volume"] = extreme["volume"] - sample["volume"]
            run["start_delta"] = sample["delta"]
            run["start_volume"] = sample["volume"]
        if high > top:
            top = high
            top_slot = slot


@kernel_inline
def length_ns(state: RunState, k: Int, n: Int) -> Int:
    """Return the n-th length, shortest first: run window / 8, / 4, / 2, / 1."""
    return state.head[k]["window_ns"] >> (LENGTHS - 1 - n)


@kernel
def delta_quantile(state: RunState, k: Int, now: Int, n: Int) -> tuple[Int, Int]:
    """Return (Q0.99 of |delta| over windows of the n-th length, maturity of that baseline)."""
    at, length = k * LENGTHS + n, length_ns(state, k, n)
    advance(state.days, at, now)
    if maturity(state.days, at) == READY:
        windows = min(covered_ns(state.days, at), DAY_NS) // length
        return extreme_of(state.days, at, windows), READY
    advance(state.hours, at, now)
    windows = min(covered_ns(state.hours, at), HOUR_NS) // length
    return extreme_of(state.hours, at, windows), maturity(state.hours, at)


@kernel
def extreme_of(base: BaselineState, at: Int, windows: Int) -> Int:
    """Return Q0.99 of a baseline that holds so many windows side by side."""
    read = quantile(base, at, Q99_PPM)
    if windows >= WINDOWS_MIN:
        return read
    high = quantile(base, at, TAIL_PPM)
    drawn = high + np.int64(_FOLDS * (high - quantile(base, at, MIDDLE_PPM)))
    return max(read, drawn)


@kernel
def count_rows(
    state: RunState, k: Int, direction: Int, since_ts: Int, extreme: Int, row_ticks: Int
) -> tuple[Int, Int, Int, Int, Int, bool]:
    """Count what aggressors of `direction` took per row since `since_ts`, rows from the extreme
    inwards.

    Returns (row 1, row 2, row 3, largest row, lots traded against the run at the extreme price,
    truncated).
    """
    rows = state.rows
    for r in range(ROWS_MAX):
        rows[r] = 0
    kept = state.prints.shape[1]
    written = state.head[k]["prints"]
    against = np.int64(0)
    truncated = written > kept
    for back in range(min(written, kept)):
        row = state.prints[k, (written - 1 - back) & (kept - 1)]
        if row["ts"] <= since_ts:
            truncated = False
            break
        inside = direction * (extreme - row["price"])
        if row["side"] == direction:
            if 0 <= inside < ROWS_MAX * row_ticks:
                rows[inside // row_ticks] += row["size"]
        elif row["side"] == -direction and inside == 0:
            against += row["size"]
    largest = np.int64(0)
    for r in range(ROWS_MAX):
        largest = max(largest, rows[r])
    return rows[0], rows[1], rows[2], largest, against, truncated
