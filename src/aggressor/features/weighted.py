"""Distance-weighted imbalance of a book in one walk per side: what is near counts more (R1.5).

    exponential        weights exp(-d / L), d whole effective ticks from the side's own best
    pressure           weights 1 / delta, delta ticks from the mid, at least 1/2
    pressure_squared   weights 1 / delta^2
    bp_0_1 ... 5_10    lots between two distances from the mid, in basis points

The pressures take in the grid prices within `reach` effective ticks of the own best. With an
effective tick of one tick these are the plain definitions; on a book of small ticks prefer the
buckets in basis points, whose bounds are compared in integers: |2p - mid2| x 10^4 <= |mid2| x bp.

`read_weighted` is called on request (at most ten times a second), not per event: it walks all
levels within the furthest bound, at most levels_max. `complete` counts the buckets, nearest first,
that the walk covered; the others are truncated: what they hold is a lower bound. The ladder alone
is read, and the validity gate (R0.4) is the caller's. Separate measures, each with its own walk,
are in `depth` and `imbalance`.

    sides    (lanes, 2)     WEIGHTED_SIDE, index 0 bid, 1 ask
    weights  (n,)           of the exponential, made outside: kernels hold no exponential function
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.depth import ladder_mid2
from aggressor.features.imbalance import exponential_weights, signed_ratio
from aggressor.features.parameters import MICRO, PERP
from aggressor.kernel import Int, kernel
from aggressor.market.book import BookState, best_price, lots_at, next_price
from aggressor.schema.event import NO_PRICE
from aggressor.state import State

BP_BOUNDS = (1, 2, 5, 10)
_BOUNDS = np.array(BP_BOUNDS, np.int64)
BUCKETS = len(BP_BOUNDS)
MEASURES = (
    "exponential",
    "pressure",
    "pressure_squared",
    "bp_0_1",
    "bp_1_2",
    "bp_2_5",
    "bp_5_10",
)

LENGTHS = {PERP: 2.0, MICRO: 3.0}  # L in effective ticks
REACH = 5  # effective ticks
LEVELS_MAX = 1024

WEIGHTED_SIDE = np.dtype(
    [
        ("exponential", "<f8"),  # lots
        ("pressure", "<f8"),  # lots per tick
        ("pressure_squared", "<f8"),  # lots per tick^2
        ("lots", "<i8", (BUCKETS,)),  # of each bucket
        ("complete", "<i8"),  # buckets that were covered, nearest first
    ]
)


class WeightedState(State, frozen=True):
    """The sums of both sides as last read; see the module text for shapes."""

    sides: NDArray[Any]
    weights: NDArray[np.float64]


def weighted_state(lanes: int, length: float = LENGTHS[PERP]) -> WeightedState:
    """Return the state of `lanes` instruments, not read yet; `length` is L in effective ticks."""
    return WeightedState(np.zeros((lanes, 2), WEIGHTED_SIDE), exponential_weights(length))


@kernel
def read_weighted(
    state: WeightedState, book: BookState, k: Int, effective_tick: Int, reach: Int, levels_max: Int
) -> bool:
    """Read both sides of lane `k`; all zero, and False, where a side of the book is empty."""
    mid2 = ladder_mid2(book, k)
    known = bool(mid2 != NO_PRICE and effective_tick > 0)
    for s in range(2):
        found = state.sides[k, s]
        found["exponential"] = found["pressure"] = found["pressure_squared"] = 0.0
        lots, side = found["lots"], 1 - 2 * s
        for j in range(BUCKETS):
            lots[j] = 0
        found["complete"] = 0
        if not known:
            continue
        best = price = best_price(book, k, side)
        furthest2 = abs(mid2) * _BOUNDS[BUCKETS - 1] // 10_000  # half ticks from the mid
        span = effective_tick * max(reach, state.weights.size)
        beyond2 = np.int64(0)
        bucket = 0
        for _ in range(levels_max):
            away2, distance = side * (mid2 - 2 * price), side * (best - price)
            beyond2 = away2
            if away2 > furthest2 and distance >= span:
                break
            here = lots_at(book, k, side, price)
            weight = distance // effective_tick
            if weight < state.weights.size:
                found["exponential"] += state.weights[weight] * here
            if weight < reach:
                nearness = 2.0 / max(away2, 1)
                found["pressure"] += nearness * here
                found["pressure_squared"] += nearness * nearness * here
            while bucket < BUCKETS and away2 > abs(mid2) * _BOUNDS[bucket] // 10_000:
                bucket += 1
            if bucket < BUCKETS:
                lots[bucket] += here
            price = next_price(book, k, side, price)
            if price == NO_PRICE:
                beyond2 = away2 + 2  # the first tick of which nothing is known
                break
            beyond2 = side * (mid2 - 2 * price)
        for j in range(BUCKETS):
            if beyond2 > abs(mid2) * _BOUNDS[j] // 10_000:
                found["complete"] = j + 1
    return known


@kernel
def weighted_imbalances(state: WeightedState, k: Int, out: NDArray[np.float64]) -> Int:
    """Write the signed ratio of each of MEASURES to `out`, nan where both sides have nothing.

    Returns how many buckets, nearest first, are complete on both sides.
    """
    bid, ask = state.sides[k, 0], state.sides[k, 1]
    out[0] = signed_ratio(bid["exponential"], ask["exponential"])
    out[1] = signed_ratio(bid["pressure"], ask["pressure"])
    out[2] = signed_ratio(bid["pressure_squared"], ask["pressure_squared"])
    bid_lots, ask_lots = bid["lots"], ask["lots"]
    for j in range(BUCKETS):
        out[3 + j] = signed_ratio(bid_lots[j] + 0.0, ask_lots[j] + 0.0)
    return min(bid["complete"], ask["complete"])
