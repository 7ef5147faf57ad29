"""Flow by size of taker order: delta, volume, count and CVD per size bucket (R2.5, R3.5).

A taker order (not a print) falls into a bucket when it closes. Buckets are cut either by notional,
at fixed edges of the quote currency, or, where notional says little (micro contracts), by the
instrument's own quantiles of order size. A value at an edge belongs to the bucket above it; above a
quantile means larger than it. While its own quantiles are not known (R0.3) an order is UNSORTED:
counted, in no bucket.

Every bucket is summed over two rolling windows and over the session (00:00 UTC of ts_venue): the
session's delta is the bucket's CVD. Windows move in whole slices of a second of ts_recv: at `now`
they hold (now - w, now] with the far end rounded up to a whole second. An order counts from the
moment it closed, for that is when its size is known. Unknown sides count in volume, not in delta.

    head      (lanes,)                  SIZES_HEAD
    edges     (lanes, EDGES)            int64: tick lots or lots; NEVER where there is no edge
    slices    (lanes, SLICES, ROWS)     FLOW of one second each: a ring
    windows   (lanes, WINDOWS, ROWS)    FLOW: running sums of the slices in the window
    session   (lanes, ROWS)             FLOW since 00:00 UTC

Rows are the buckets, smallest orders first, and UNSORTED last. Invariants: the rows of a window or
session sum to all taker orders in it, to the lot; nothing is rescanned.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features import prints as takers
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
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
    profile_of,
)
from aggressor.features.prints import ORDERS, PrintsState, tick_lots
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import BAD_CLOCK, NO_TIME, TIMER, TRADE, Events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.state import State

BY_NOTIONAL = 0  # price x lots against the edges
BY_LOTS = 1  # lots against the edges: inverse contracts, whose size is in quote currency
BY_QUANTILES = 2  # lots against own quantiles

EDGES = 4
UNSORTED = EDGES + 1
ROWS = EDGES + 2
WINDOWS = 2
SHORT, LONG = 0, 1
SLICES = 512  # a power of two, above the slices of the longest window
NEVER = 2**62  # an edge that nothing reaches

NO_DIVERGENCE = 0  # otherwise the sign of the large orders' delta
UNDECIDED = 2  # the buckets or the window are not known yet

_DAY_NS = 24 * HOUR_NS
_BASELINE_SLICES = 120  # of 30 s each

FLOW = np.dtype([("delta", "<i8"), ("volume", "<i8"), ("orders", "<i8")])  # lots, lots, count

SIZES_HEAD = np.dtype(
    [
        ("slice", "<i8"),  # number of the slice under way; NO_TIME before the first
        ("slice_end_ns", "<i8"),  # its last ns of ts_recv
        ("first_slice", "<i8"),
        ("day_end_ns", "<i8"),  # of ts_venue
        ("read_slice", "<i8"),  # the baseline's slice when the quantiles were last read
        ("maturity", "<i8"),  # of the edges
        ("bucket", "<i8"),  # of the last order
    ]
)


class SizesParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Where buckets are cut, and which of them are called small and large."""

    cut: int = BY_NOTIONAL
    edges: tuple[int, int, int, int] = (1_000, 10_000, 100_000, 1_000_000)  # quote, or ppm
    short_ns: int = MINUTE_NS
    long_ns: int = 5 * MINUTE_NS
    small_last: int = 1  # buckets up to this one are small
    large_first: int = 3  # buckets from this one on are large
    share_ppm: int = 200_000  # |delta| / volume that both sides of a divergence must reach
    orders_min: int = 200  # for the quantiles, as the next two
    unknown_ns: int = MINUTE_NS
    young_ns: int = 10 * MINUTE_NS


SIZES_PROFILES = {
    PERP: SizesParameters(),
    MICRO: SizesParameters(
        cut=BY_QUANTILES, edges=(500_000, 900_000, 990_000, 0), small_last=0, large_first=2
    ),
}

SIZES_ROW = np.dtype(
    [
        (name, "<i8", (EDGES,)) if name == "edges" else (name, "<i8")
        for name in SizesParameters.__struct_fields__
    ]
)


class SizesState(State, frozen=True):
    """The size buckets of every lane; see the module text."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]
    parameters: NDArray[Any]  # SIZES_ROW, (lanes,)
    edges: NDArray[np.int64]
    slices: NDArray[Any]
    windows: NDArray[Any]
    session: NDArray[Any]
    baseline: BaselineState  # lots of closed orders, one per lane; fed where cut by quantiles


def steps_of_notional(instrument: Instrument, quote: int | Fraction) -> tuple[int, int]:
    """Return the least (price x lots, lots) worth at least `quote`; one of them is 0: unused.

    Linear and spot contracts are valued by ticks x lots, inverse ones by lots alone.
    """
    lot = Fraction(instrument.lot) * Fraction(instrument.multiplier)
    if instrument.kind is ContractKind.INVERSE:
        return 0, -int(-Fraction(quote) / lot // 1)
    return -int(-Fraction(quote) / (lot * Fraction(instrument.tick)) // 1), 0


def sizes_parameters(instrument: Instrument, profile: str) -> SizesParameters:
    """Return a profile's parameters with notional edges in the steps of this instrument."""
    chosen = profile_of(SIZES_PROFILES, profile)
    if chosen.cut == BY_QUANTILES:
        return chosen
    steps = [steps_of_notional(instrument, edge) for edge in chosen.edges]
    inverse = instrument.kind is ContractKind.INVERSE
    return msgspec.structs.replace(
        chosen,
        cut=BY_LOTS if inverse else BY_NOTIONAL,
        edges=tuple(lots if inverse else ticks for ticks, lots in steps),
    )


def sizes_state(lanes: int, parameters: SizesParameters | Sequence[SizesParameters]) -> SizesState:
    """Return empty buckets; edges by notional are in steps already (see `sizes_parameters`)."""
    rows = parameter_rows(SIZES_ROW, lanes, parameters)
    assert (rows["long_ns"] < SLICES * SECOND_NS).all()
    assert (rows["short_ns"] <= rows["long_ns"]).all()
    head = np.zeros(lanes, SIZES_HEAD)
    head["slice"] = head["slice_end_ns"] = head["day_end_ns"] = head["read_slice"] = NO_TIME
    head["maturity"] = np.where(rows["cut"] == BY_QUANTILES, UNKNOWN, READY)
    edges = np.where(rows["cut"][:, None] == BY_QUANTILES, NEVER, rows["edges"])
    specs = [
        BaselineSpec(
            window_ns=HOUR_NS,
            samples_min=int(row["orders_min"]),
            unknown_ns=int(row["unknown_ns"]),
            young_ns=int(row["young_ns"]),
        )
        for row in rows
    ]
    return SizesState(
        head,
        rows,
        np.ascontiguousarray(edges, np.int64),
        np.zeros((lanes, SLICES, ROWS), FLOW),
        np.zeros((lanes, WINDOWS, ROWS), FLOW),
        np.zeros((lanes, ROWS), FLOW),
        baseline_state(specs, slices=_BASELINE_SLICES),
    )


@kernel_inline
def on_order(sizes: SizesState, k: Int, order: Any, now: Int) -> None:
    """Count a taker order of lane `k` that closed at `now`."""
    advance_windows(sizes, k, now)
    head, row = sizes.head[k], sizes.parameters[k]
    if row["cut"] == BY_QUANTILES:
        _read_edges(sizes, k, now)
    bucket = np.int64(UNSORTED)
    lots = order["lots"]
    if head["maturity"] != UNKNOWN:
        value = abs(tick_lots(order)) if row["cut"] == BY_NOTIONAL else lots
        bucket = np.int64(0)
        for edge in range(EDGES):
            bucket += np.int64(value >= sizes.edges[k, edge])
    head["bucket"] = bucket
    if order["ts_venue"] >= head["day_end_ns"] and (order["flags"] & BAD_CLOCK) == 0:
        head["day_end_ns"] = (order["ts_venue"] // _DAY_NS + 1) * _DAY_NS
        _empty(sizes.session[k])
    signed = np.int64(order["side"]) * lots
    _count(sizes.slices[k, head["slice"] & (SLICES - 1), bucket], signed, lots)
    _count(sizes.session[k, bucket], signed, lots)
    for window in range(WINDOWS):
        _count(sizes.windows[k, window, bucket], signed, lots)
    if row["cut"] == BY_QUANTILES:
        add_sample(sizes.baseline, k, now, lots)


@kernel_inline
def _count(flow: Any, signed: Int, lots: Int) -> None:
    flow["delta"] += signed
    flow["volume"] += lots
    flow["orders"] += 1


@kernel_inline
def _empty(flows: Any) -> None:
    for one in range(ROWS):
        flows[one]["delta"] = flows[one]["volume"] = flows[one]["orders"] = 0


@kernel_inline
def _read_edges(sizes: SizesState, k: Int, now: Int) -> None:
    """Read the quantiles again when the baseline has moved by a slice; strictly past orders."""
    advance(sizes.baseline, k, now)
    head = sizes.head[k]
    slice_now = sizes.baseline.head[k]["stop_slice"]
    if slice_now != head["read_slice"]:
        head["read_slice"] = slice_now
        head["maturity"] = maturity(sizes.baseline, k)
        if head["maturity"] != UNKNOWN:
            for edge in range(EDGES):
                ppm = sizes.parameters[k]["edges"][edge]
                if ppm > 0:
                    sizes.edges[k, edge] = quantile(sizes.baseline, k, ppm) + 1


@kernel_inline
def advance_windows(sizes: SizesState, k: Int, now: Int) -> None:
    """Let the slices that are too old at `now` leave the windows; a comparison within a second."""
    if now > sizes.head[k]["slice_end_ns"]:
        _roll(sizes, k, now)


@kernel
def _roll(sizes: SizesState, k: Int, now: Int) -> None:
    head, row = sizes.head[k], sizes.parameters[k]
    which = (now - 1) // SECOND_NS
    if head["slice"] == NO_TIME:
        head["first_slice"] = which
        head["slice"] = which
    kept = row["short_ns"] // SECOND_NS, row["long_ns"] // SECOND_NS
    # Beyond one turn of the ring everything has left, and more steps would change nothing.
    step = max(head["slice"], which - 2 * SLICES)
    while step < which:
        step += 1
        for window in range(WINDOWS):
            gone = (step - kept[window]) & (SLICES - 1)
            for bucket in range(ROWS):
                flow, leaving = sizes.windows[k, window, bucket], sizes.slices[k, gone, bucket]
                flow["delta"] -= leaving["delta"]
                flow["volume"] -= leaving["volume"]
                flow["orders"] -= leaving["orders"]
        _empty(sizes.slices[k, step & (SLICES - 1)])
    head["slice"] = which
    head["slice_end_ns"] = (which + 1) * SECOND_NS


@kernel_inline
def divergence(sizes: SizesState, k: Int, window: Int) -> int:
    """Say whether small and large orders push opposite ways in a window (R2.5).

    Returns the sign of the large orders' delta when the small ones' is opposite and both are at
    least `share_ppm` of their volume, NO_DIVERGENCE, or UNDECIDED while buckets are unknown or the
    window has not been seen whole.
    """
    head, row = sizes.head[k], sizes.parameters[k]
    span_ns = row["long_ns"] if window == LONG else row["short_ns"]
    seen = head["slice"] - head["first_slice"]
    if head["maturity"] == UNKNOWN or head["slice"] == NO_TIME or seen * SECOND_NS < span_ns:
        return UNDECIDED
    small_delta, small_volume = np.int64(0), np.int64(0)
    large_delta, large_volume = np.int64(0), np.int64(0)
    for bucket in range(EDGES + 1):
        flow = sizes.windows[k, window, bucket]
        if bucket <= row["small_last"]:
            small_delta += flow["delta"]
            small_volume += flow["volume"]
        elif bucket >= row["large_first"]:
            large_delta += flow["delta"]
            large_volume += flow["volume"]
    opposite = (small_delta > 0 and large_delta < 0) or (small_delta < 0 and large_delta > 0)
    share = float(row["share_ppm"])
    small_enough = 1e6 * float(abs(small_delta)) >= share * float(small_volume)
    large_enough = 1e6 * float(abs(large_delta)) >= share * float(large_volume)
    if opposite and small_enough and large_enough:
        return 1 if large_delta > 0 else -1
    return NO_DIVERGENCE


@kernel
def run_sizes(events: Events, start: Int, stop: Int, prints: PrintsState, sizes: SizesState) -> Int:
    """Bring taker orders and their buckets forward over events[start:stop]; return stop."""
    for i in range(start, stop):
        event = events[i]
        now = event["ts_recv"]
        first, end = np.int64(event["instrument"]), np.int64(event["instrument"]) + 1
        if event["kind"] == TIMER:
            first, end = np.int64(0), sizes.head.size
        elif event["kind"] != TRADE:
            continue
        for k in range(first, end):
            if event["kind"] == TIMER:
                closed = takers.settle(prints, k, now)
                advance_windows(sizes, k, now)
            else:
                closed = takers.on_trade(prints, k, event)
            if closed:
                last = (prints.head[k]["orders"] - 1) & (ORDERS - 1)
                on_order(sizes, k, prints.orders[k, last], now)
    return stop


@kernel
def read_divergence(sizes: SizesState, k: Int, window: Int) -> int:
    """Ask `divergence` from Python."""
    return divergence(sizes, k, window)
