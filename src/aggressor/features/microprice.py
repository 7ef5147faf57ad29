"""Micro-price: the mid plus what queue imbalance and spread say about where it will go (R1.2).

A state x of the touch is an imbalance bucket and a spread bucket. Every change of the top is one
observation x -> x', counted by what the mid did:

    stay  (lanes, X, X)   mid unchanged                 X = spreads x buckets, imbalance fastest
    jumps (lanes, X, 4)   by K = -1, -1/2, +1/2, +1 ticks, larger ones clipped
    moved (lanes, X, X)   mid changed

`fit_micro_price` adds every observation's mirror image (bucket reversed, jump negated), makes Q,
R1, R2 of them and solves

    g1 = (I - Q)^-1 R1 K        B = (I - Q)^-1 R2        G* = sum over j of B^j g1

on the antisymmetric half, where the sum is a finite solution as long as the spectral radius of B
there is below 1 (on constants B always has the eigenvalue 1). So G*(mirror x) = -G*(x) exactly.

Equal queues lie on the edge of two buckets when their number is even: such a state counts half in
each, and its adjustment is the mean of both. Each observation therefore weighs WEIGHT = 4.

Out of sample by construction: a table knows the receive time its counts ended at, and a top that
is not newer has no micro-price. Units: ticks, lots, ns of ts_recv. Source: Stoikov 2018.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.features.pressure import PressureState, on_top
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, has_room, on_book_event
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import CLEAR, LAST, LEVEL, NO_TIME, QUOTE, Events
from aggressor.state import State

BUCKETS = 10  # of bid / (bid + ask)
SPREADS = 4  # 1, 2, 3, 4 ticks and wider
JUMPS = np.array([-1.0, -0.5, 0.5, 1.0])  # ticks
WEIGHT = 4  # of one observation in the counts
CHANGES_MIN = 100_000  # fewer changes of the top: no fit
STATE_MIN = 30  # observations from a state, mirror images included; fewer: not known
RADIUS_MAX = 1.0 - 1e-6

MICRO_HEAD = np.dtype(
    [
        ("buckets", "<i8"),
        ("spreads", "<i8"),
        ("low", "<i8"),  # state of the last top; `high` differs where the queues are equal
        ("high", "<i8"),
        ("mid2", "<i8"),  # half ticks
        ("breaks", "<i8"),  # the pressure's own count when the top was last read
        ("changes", "<i8"),  # the same
        ("observations", "<i8"),
        ("ts_recv", "<i8"),  # of the last observation
        ("known", "<i8"),
    ]
)

MICRO_TABLE_HEAD = np.dtype(
    [
        ("until_ns", "<i8"),  # ts_recv of the last observation that went into it
        ("observations", "<i8"),
        ("radius", "<f8"),  # spectral radius of B on the antisymmetric half
    ]
)


class MicroCounts(State, frozen=True):
    """What followed each state of the touch, by lane; see the module text for shapes."""

    head: NDArray[Any]
    stay: NDArray[np.int64]
    jumps: NDArray[np.int64]
    moved: NDArray[np.int64]


class MicroTable(State, frozen=True):
    """The adjustment G* of every state, ready to be looked up."""

    head: NDArray[Any]  # MICRO_TABLE_HEAD, (lanes,)
    adjustment: NDArray[np.float64]  # (lanes, spreads, buckets) ticks; nan where not known


class Solution(NamedTuple):
    """G* of all states and what it was made of."""

    first: NDArray[np.floating[Any]]  # g1, ticks
    carry: NDArray[np.floating[Any]]  # B
    adjustment: NDArray[np.float64]  # G*, ticks
    radius: float  # of B on the antisymmetric half


class MicroFit(NamedTuple):
    """A table, or None and the reason."""

    table: MicroTable | None
    reason: str
    observations: int
    radius: float  # nan where it did not come so far


def micro_counts(lanes: int, buckets: int = BUCKETS, spreads: int = SPREADS) -> MicroCounts:
    """Return empty counts of `lanes` instruments."""
    assert buckets >= 2
    assert spreads >= 1
    head = np.zeros(lanes, MICRO_HEAD)
    head["buckets"], head["spreads"], head["ts_recv"] = buckets, spreads, NO_TIME
    states = buckets * spreads
    square = (lanes, states, states)
    return MicroCounts(
        head,
        np.zeros(square, np.int64),
        np.zeros((lanes, states, JUMPS.size), np.int64),
        np.zeros(square, np.int64),
    )


def unknown_table(lanes: int, buckets: int = BUCKETS, spreads: int = SPREADS) -> MicroTable:
    """Return a table that knows nothing: every micro-price is nan."""
    head = np.zeros(lanes, MICRO_TABLE_HEAD)
    head["until_ns"] = NO_TIME
    return MicroTable(head, np.full((lanes, spreads, buckets), np.nan))


@kernel_inline
def buckets_of(bid_lots: Int, ask_lots: Int, buckets: Int) -> tuple[Int, Int]:
    """Return the imbalance bucket twice, or the two around the middle where both queues are equal.

    Mirror images fall into mirrored buckets: edges belong to the bucket nearer the middle.
    """
    if bid_lots == ask_lots:
        return (buckets - 1) // 2, buckets // 2
    if bid_lots < ask_lots:
        bucket = bid_lots * buckets // (bid_lots + ask_lots)
    else:
        bucket = buckets - 1 - ask_lots * buckets // (bid_lots + ask_lots)
    return bucket, bucket


@kernel_inline
def count_change(counts: MicroCounts, pressure: PressureState, k: Int) -> None:
    """Count how the top of lane `k` got from its last state to this one; call after `on_top`."""
    top, head = pressure.head[k], counts.head[k]
    if top["known"] == 0:
        head["known"] = 0
        return
    whole = head["known"] == 1 and head["breaks"] == top["breaks"]
    if whole and head["changes"] == top["changes"]:
        return
    base = (min(top["spread"], head["spreads"]) - 1) * head["buckets"]
    low, high = buckets_of(top["bid_lots"], top["ask_lots"], head["buckets"])
    low, high = base + low, base + high
    if whole:
        change2 = top["mid2"] - head["mid2"]
        before_low, before_high = head["low"], head["high"]
        if change2 == 0:
            counts.stay[k, before_low, low] += 1
            counts.stay[k, before_low, high] += 1
            counts.stay[k, before_high, low] += 1
            counts.stay[k, before_high, high] += 1
        else:
            counts.moved[k, before_low, low] += 1
            counts.moved[k, before_low, high] += 1
            counts.moved[k, before_high, low] += 1
            counts.moved[k, before_high, high] += 1
            jump = max(change2, -2) + 2 if change2 < 0 else min(change2, 2) + 1
            counts.jumps[k, before_low, jump] += 2
            counts.jumps[k, before_high, jump] += 2
        head["observations"] += 1
        head["ts_recv"] = top["ts_recv"]
    head["low"], head["high"], head["mid2"] = low, high, top["mid2"]
    head["breaks"], head["changes"] = top["breaks"], top["changes"]
    head["known"] = 1


@kernel_inline
def micro_price(table: MicroTable, pressure: PressureState, k: Int) -> float:
    """Return the micro-price in ticks; nan while top or state are not known, and in sample."""
    top = pressure.head[k]
    if top["known"] == 0 or top["ts_recv"] <= table.head[k]["until_ns"]:
        return np.nan
    row = min(top["spread"], table.adjustment.shape[1]) - 1
    buckets = table.adjustment.shape[2]
    low, high = buckets_of(top["bid_lots"], top["ask_lots"], buckets)
    away = table.adjustment[k, row, low] + table.adjustment[k, row, high]
    return 0.5 * (top["mid2"] + away)


@kernel
def run_micro_counts(
    events: Events,
    start: Int,
    stop: Int,
    book: BookState,
    pressure: PressureState,
    counts: MicroCounts,
) -> Int:
    """Bring book, pressure and counts forward over events[start:stop].

    Returns the index of the first event not used: stop, or the first whose level has no room in
    the book, so that the caller can grow it and call again.
    """
    for i in range(start, stop):
        event = events[i]
        if event["kind"] in (LEVEL, CLEAR, QUOTE):
            k = np.int64(event["instrument"])
            if not has_room(book, k):
                return i
            on_book_event(book, k, event)
            if event["flags"] & LAST:
                on_top(pressure, book, k, event)
                count_change(counts, pressure, k)
    return stop


@kernel
def read_micro_price(table: MicroTable, pressure: PressureState, k: Int) -> float:
    """Return `micro_price` to a caller outside kernels."""
    return micro_price(table, pressure, k)


def mirror_states(buckets: int, spreads: int) -> NDArray[np.int64]:
    """Return the mirror image of every state: the same spread, the imbalance reversed."""
    states = np.arange(buckets * spreads)
    return states // buckets * buckets + buckets - 1 - states % buckets


def solve_micro_price(
    stay: NDArray[np.float64],
    jumps: NDArray[np.float64],
    moved: NDArray[np.float64],
    values: NDArray[np.float64],
    mirror: NDArray[np.int64],
) -> Solution | str:
    """Return G* from Q (n, n), R1 (n, len(values)) and R2 (n, n), all symmetrised, or why not.

    `values` is K in ticks, `mirror` the mirror image of every state. A row of zeros is a state
    that is not known: what enters it adds no more.
    """
    size = mirror.size
    if _radius(stay) > RADIUS_MAX:
        return "the mid never moves from some states"
    first = np.linalg.solve(np.eye(size) - stay, jumps @ values)
    carry = np.linalg.solve(np.eye(size) - stay, moved)
    half = np.flatnonzero(np.arange(size) < mirror)
    odd = carry[np.ix_(half, half)] - carry[np.ix_(half, mirror[half])]
    radius = _radius(odd)
    if radius > RADIUS_MAX:
        return f"the sum of B^j g1 does not converge (spectral radius {radius:.6f})"
    adjustment = np.zeros(size)
    adjustment[half] = np.linalg.solve(np.eye(half.size) - odd, first[half])
    adjustment[mirror[half]] = -adjustment[half]
    return Solution(first, carry, adjustment, radius)


def _radius(matrix: NDArray[np.float64]) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max(initial=0.0))


def fit_micro_price(
    counts: MicroCounts, k: int, changes_min: int = CHANGES_MIN, state_min: int = STATE_MIN
) -> MicroFit:
    """Return the table of lane `k` as a table of one lane, or None and the reason."""
    head = counts.head[k]
    buckets, spreads = int(head["buckets"]), int(head["spreads"])
    seen = int(head["observations"])
    if seen < changes_min:
        return MicroFit(None, f"{seen} changes of the top, {changes_min} needed", seen, np.nan)
    mirror = mirror_states(buckets, spreads)
    stay = counts.stay[k] + counts.stay[k][mirror][:, mirror]
    moved = counts.moved[k] + counts.moved[k][mirror][:, mirror]
    jumps = counts.jumps[k] + counts.jumps[k][mirror][:, ::-1]
    total = stay.sum(axis=1) + jumps.sum(axis=1)
    known = total >= max(state_min, 1) * WEIGHT
    share = np.where(known, 1.0 / np.maximum(total, 1), 0.0)[:, None]
    solved = solve_micro_price(stay * share, jumps * share, moved * share, JUMPS, mirror)
    if isinstance(solved, str):
        return MicroFit(None, solved, seen, np.nan)
    table = unknown_table(1, buckets, spreads)
    table.head["until_ns"], table.head["observations"] = head["ts_recv"], seen
    table.head["radius"] = solved.radius
    table.adjustment[0] = np.where(known, solved.adjustment, np.nan).reshape(spreads, buckets)
    return MicroFit(table, "", seen, solved.radius)


def save_table(path: Path, table: MicroTable) -> None:
    """Write a table as one plain .npy array of records."""
    field = ("adjustment", "<f8", table.adjustment.shape[1:])
    rows = np.zeros(table.head.size, np.dtype([*MICRO_TABLE_HEAD.descr, field]))
    for name in MICRO_TABLE_HEAD.names or ():
        rows[name] = table.head[name]
    rows["adjustment"] = table.adjustment
    with path.open("wb") as file:
        np.save(file, rows, allow_pickle=False)


def load_table(path: Path) -> MicroTable:
    """Read a table; raises StoreError where there is none, ConfigError where it is not one."""
    try:
        with path.open("rb") as file:
            rows: NDArray[Any] = np.load(file, allow_pickle=False)
    except (OSError, EOFError) as trouble:
        raise StoreError(f"Cannot read the micro-price table {path}: {trouble}.") from None
    except ValueError:
        rows = np.zeros(0)
    names = rows.dtype.names or ()
    if names != (*(MICRO_TABLE_HEAD.names or ()), "adjustment") or rows["adjustment"].ndim != 3:
        raise ConfigError(f"{path} is not a micro-price table; fit it again.")
    head = np.zeros(rows.size, MICRO_TABLE_HEAD)
    for name in MICRO_TABLE_HEAD.names or ():
        head[name] = rows[name]
    return MicroTable(head, np.ascontiguousarray(rows["adjustment"], np.float64))
