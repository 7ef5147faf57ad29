"""Baselines: what is usual. Streaming quantiles over a sliding window in bounded memory.

A baseline counts integers in log-linear buckets: exact up to 127, then 64 buckets per power of two,
so that a value is known to better than 1/64 (a quantile returns the middle of its bucket, off by at
most 1/128). Counts are kept per slice of time in a ring, with their sum over the slices that are in
the window, and in groups of 64 so that a quantile is two short scans. Nothing is random and nothing
is allocated; the same samples give the same answer however they were batched.

The window at `now` is (now - exclude - window, now - exclude], both ends rounded down to the slice
grid: it never holds anything of the span under test (R0.3). Until it has `samples_min` samples and
covers `unknown_ns` a baseline is UNKNOWN, until it covers `young_ns` YOUNG, then READY. The time
covered counts from the first sample, or from the end of a silence that emptied the window.

    head     (n,)              BASELINE_HEAD
    slices   (n, R, buckets)   uint32, counts by slice; R slices in a ring
    used     (n, R, words)     uint64, which groups of a slice hold counts
    counts   (n, buckets)      int64, of the window
    groups   (n, buckets/64)   int64, of the window

An unsigned state counts |value|; a signed one mirrors the buckets about zero. `recent` gives exact
nearest ranks of the last few values. Source: R0.3, R2.3; HdrHistogram for the buckets.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.bits import bit_width, lowest_bit
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_TIME
from aggressor.state import State

UNKNOWN, YOUNG, READY = 0, 1, 2
MATURITY_NAMES = {UNKNOWN: "unknown", YOUNG: "young", READY: "ready"}
NO_VALUE = -(2**63)  # a quantile of nothing
PPM = 1_000_000

_BITS = 6  # buckets per power of two: 64
_STEPS = 1 << _BITS
_BITS_MAX = 48  # larger values count as the largest
_VALUE_MAX = (1 << _BITS_MAX) - 1
_HALF = (_BITS_MAX - _BITS - 1) * _STEPS + 2 * _STEPS  # buckets of one sign
_NEVER_NS = 2**63 - 1

# The order is that of use: what a sample touches comes first.
BASELINE_HEAD = np.dtype(
    [
        ("slice", "<i8"),  # of the last sample: a division saved
        ("slice_end_ns", "<i8"),  # its last ns
        ("roll_ns", "<i8"),  # from when on the window moves; never before the first sample
        ("stop_slice", "<i8"),  # slices before this are in the window
        ("slice_ns", "<i8"),
        ("exclude_ns", "<i8"),
        ("kept", "<i8"),  # slices in a full window
        ("samples_min", "<i8"),
        ("unknown_ns", "<i8"),
        ("young_ns", "<i8"),
        ("since_slice", "<i8"),  # first slice wholly seen; NO_TIME before the first sample
        ("samples", "<i8"),
    ]
)


class BaselineSpec(NamedTuple):
    """One baseline: how long it looks back, and what it leaves out."""

    window_ns: int
    exclude_ns: int = 0  # the span under test
    samples_min: int = 200
    unknown_ns: int = 60_000_000_000
    young_ns: int = 600_000_000_000


class BaselineState(State, frozen=True):
    """All baselines; see the module text for shapes."""

    head: NDArray[Any]
    slices: NDArray[np.uint32]
    used: NDArray[np.uint64]
    counts: NDArray[np.int64]
    groups: NDArray[np.int64]


def baseline_state(
    specs: Sequence[BaselineSpec], signed: bool = False, slices: int = 32
) -> BaselineState:
    """Return empty baselines whose windows are cut into `slices` each."""
    head = np.zeros(len(specs), BASELINE_HEAD)
    ring = 0
    for record, spec in zip(head, specs, strict=True):
        slice_ns = max(spec.window_ns // slices, 1)
        record["slice_ns"] = slice_ns
        record["exclude_ns"] = spec.exclude_ns
        record["kept"] = slices
        record["samples_min"] = spec.samples_min
        record["unknown_ns"] = spec.unknown_ns
        record["young_ns"] = spec.young_ns
        record["since_slice"] = NO_TIME
        record["stop_slice"] = NO_TIME
        record["slice_end_ns"] = NO_TIME
        record["roll_ns"] = _NEVER_NS
        ring = max(ring, slices + -(-spec.exclude_ns // slice_ns) + 2)
    ring = 1 << (ring - 1).bit_length()
    buckets = 2 * _HALF if signed else _HALF
    count = len(specs)
    return BaselineState(
        head,
        np.zeros((count, ring, buckets), np.uint32),
        np.zeros((count, ring, (buckets // _STEPS + 63) // 64), np.uint64),
        np.zeros((count, buckets), np.int64),
        np.zeros((count, buckets // _STEPS), np.int64),
    )


@kernel_inline
def bucket_of(value: Int) -> Int:
    """Return the bucket of a value from 0 to 2^48 - 1."""
    shift = np.int64(bit_width(value >> (_BITS + 1)))
    return shift * _STEPS + (value >> shift)


@kernel_inline
def bucket_middle(bucket: Int) -> Int:
    """Return the middle value of a bucket, rounded down."""
    if bucket < 2 * _STEPS:
        return np.int64(bucket)
    shift = bucket // _STEPS - 1
    low = (bucket - shift * _STEPS) << shift
    return low + (np.int64(1) << shift) // 2


@kernel_inline
def _slot_of(signed: bool, value: Int) -> Int:
    bounded = min(max(value, -_VALUE_MAX), _VALUE_MAX)
    if not signed:
        return bucket_of(abs(bounded))
    return _HALF + bucket_of(bounded) if bounded >= 0 else _HALF - bucket_of(-bounded)


@kernel_inline
def _shift_slice(state: BaselineState, n: Int, which: Int, sign: Int) -> None:
    """Add a slice's counts to the window (+1), or take them away (-1) and empty the slice."""
    row = which & (state.slices.shape[1] - 1)
    total = np.int64(0)
    for word in range(state.used.shape[2]):
        groups = state.used[n, row, word]
        if sign < 0:
            state.used[n, row, word] = np.uint64(0)
        while groups != 0:
            group = 64 * word + np.int64(lowest_bit(groups))
            groups &= groups - np.uint64(1)
            added = np.int64(0)
            for bucket in range(group * _STEPS, (group + 1) * _STEPS):
                count = np.int64(state.slices[n, row, bucket])
                state.counts[n, bucket] += sign * count
                added += count
            state.groups[n, group] += sign * added
            total += added
            if sign < 0:
                for bucket in range(group * _STEPS, (group + 1) * _STEPS):
                    state.slices[n, row, bucket] = 0
    state.head[n]["samples"] += sign * total


@kernel_inline
def _clear(state: BaselineState, n: Int) -> None:
    state.slices[n, :, :] = 0
    state.used[n, :, :] = 0
    state.counts[n, :] = 0
    state.groups[n, :] = 0
    state.head[n]["samples"] = 0


@kernel
def _roll(state: BaselineState, n: Int, now: Int) -> None:
    """Move the window's end up to `now`."""
    head = state.head[n]
    kept = head["kept"]
    stop = (now - head["exclude_ns"]) // head["slice_ns"]
    head["roll_ns"] = (stop + 1) * head["slice_ns"] + head["exclude_ns"]
    if stop - head["stop_slice"] >= state.slices.shape[1] + kept:
        _clear(state, n)
        head["stop_slice"] = stop
        head["since_slice"] = stop
        return
    while head["stop_slice"] < stop:
        which = head["stop_slice"]
        _shift_slice(state, n, which - kept, -1)
        _shift_slice(state, n, which, 1)
        head["stop_slice"] = which + 1


@kernel_inline
def advance(state: BaselineState, n: Int, now: Int) -> None:
    """Move the window of baseline `n` up to `now`; time never goes back."""
    if now >= state.head[n]["roll_ns"]:
        _roll(state, n, now)


@kernel_inline
def add_sample(state: BaselineState, n: Int, now: Int, value: Int) -> None:
    """Count one value at `now`; it enters the window when its slice is past the excluded span."""
    count_value(state, n, open_slice(state, n, now), value)


@kernel
def add_samples(
    state: BaselineState, n: Int, now: Int, values: NDArray[np.int64], first: Int, stop: Int
) -> None:
    """Count values[first:stop], all at `now`."""
    if first < stop:
        row = open_slice(state, n, now)
        for i in range(first, stop):
            count_value(state, n, row, values[i])


@kernel_inline
def open_slice(state: BaselineState, n: Int, now: Int) -> np.uint64:
    """Return the place of the slice that takes a sample at `now`, the window moved up to it."""
    head = state.head[n]
    # A slice is (j L, (j + 1) L], as windows are; one that has closed takes no more samples.
    if now > head["slice_end_ns"] or now <= head["slice_end_ns"] - head["slice_ns"]:
        _find_slice(state, n, now)
    advance(state, n, now)
    return np.uint64(max(head["slice"], head["stop_slice"]) & (state.slices.shape[1] - 1))


@kernel_inline
def count_value(state: BaselineState, n: Int, row: np.uint64, value: Int) -> None:
    """Count one value in the slice that `open_slice` has found."""
    bucket = np.uint64(_slot_of(state.slices.shape[2] > _HALF, value))
    series, group = np.uint64(n), bucket >> np.uint64(_BITS)
    state.slices[series, row, bucket] += np.uint32(1)
    state.used[series, row, group >> np.uint64(6)] |= np.uint64(1) << (group & np.uint64(63))


@kernel
def _find_slice(state: BaselineState, n: Int, now: Int) -> None:
    """Note the slice of a sample; the first of all begins the window."""
    head = state.head[n]
    head["slice"] = (now - 1) // head["slice_ns"]
    head["slice_end_ns"] = (head["slice"] + 1) * head["slice_ns"]
    if head["since_slice"] == NO_TIME:
        head["since_slice"] = head["slice"] + 1
        head["stop_slice"] = (now - head["exclude_ns"]) // head["slice_ns"]
        head["roll_ns"] = (head["stop_slice"] + 1) * head["slice_ns"] + head["exclude_ns"]


@kernel_inline
def quantile(state: BaselineState, n: Int, ppm: Int) -> Int:
    """Return the nearest-rank quantile, `ppm` in parts per million; NO_VALUE of an empty window."""
    samples = state.head[n]["samples"]
    if samples == 0:
        return np.int64(NO_VALUE)
    rank = max((samples * ppm + PPM - 1) // PPM, 1)
    group = np.int64(0)
    seen = np.int64(0)
    while seen + state.groups[n, group] < rank:
        seen += state.groups[n, group]
        group += 1
    bucket = group * _STEPS
    while seen + state.counts[n, bucket] < rank:
        seen += state.counts[n, bucket]
        bucket += 1
    if state.slices.shape[2] == _HALF:
        return bucket_middle(bucket)
    if bucket >= _HALF:
        return bucket_middle(bucket - _HALF)
    return -bucket_middle(_HALF - bucket)


@kernel_inline
def sample_count(state: BaselineState, n: Int) -> Int:
    """Return how many samples the window holds."""
    return state.head[n]["samples"]


@kernel_inline
def covered_ns(state: BaselineState, n: Int) -> Int:
    """Return the time observed so far, whole slices, up to the window's end."""
    head = state.head[n]
    if head["since_slice"] == NO_TIME:
        return np.int64(0)
    return max(head["stop_slice"] - head["since_slice"], 0) * head["slice_ns"]


@kernel_inline
def maturity(state: BaselineState, n: Int) -> Int:
    """Return UNKNOWN, YOUNG or READY."""
    head = state.head[n]
    covered = covered_ns(state, n)
    if head["samples"] < head["samples_min"] or covered < head["unknown_ns"]:
        return UNKNOWN
    return READY if covered >= head["young_ns"] else YOUNG


@kernel
def run_samples(
    ts: NDArray[np.int64], values: NDArray[np.int64], state: BaselineState, n: Int
) -> Int:
    """Count values[i] at ts[i], in time order; return how many."""
    for i in range(ts.size):
        add_sample(state, n, ts[i], values[i])
    return ts.size


@kernel
def read_baseline(state: BaselineState, n: Int, now: Int, ppm: Int) -> tuple[Int, Int, Int, Int]:
    """Return (quantile, samples, covered ns, maturity) at `now` to a caller outside kernels."""
    advance(state, n, now)
    found = quantile(state, n, ppm)
    return found, sample_count(state, n), covered_ns(state, n), maturity(state, n)
