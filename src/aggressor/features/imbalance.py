"""Imbalance of the book over several levels: which side is heavier, and how near (R1.5).

Results are pairs to divide, not ratios: sums of both sides, from which `signed_ratio` makes a
number in [-1, 1] with + bid heavy. Where both sums are 0 the ratio is undefined (nan). On books
with small ticks use the buckets in basis points; a count of ticks says little there.

Weights by distance come as an array made once outside (`exponential_weights`), so the kernel holds
no transcendental function and gives the same bits everywhere. Units: sizes in lots, distances in
ticks. The ladder alone is read, as in `depth`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from aggressor.features.depth import depth_bp, depth_ticks, ladder_mid2
from aggressor.kernel import Int, kernel_inline
from aggressor.market.book import BookState, best_price, lots_at, next_price
from aggressor.schema.event import ASK, BID, NO_PRICE

_WEIGHT_MIN = 1e-6  # a level that weighs less does not count


def exponential_weights(length_ticks: float) -> NDArray[np.float64]:
    """Return weights exp(-d / length) for d = 0, 1, ... ticks from the best, while they count."""
    reach = math.ceil(-length_ticks * math.log(_WEIGHT_MIN))
    return np.array([math.exp(-distance / length_ticks) for distance in range(reach)])


@kernel_inline
def signed_ratio(bid: float | Int, ask: float | Int) -> float:
    """Return (bid - ask) / (bid + ask), nan where both are 0."""
    total = bid + ask
    if total <= 0:
        return np.nan
    return (bid - ask) / total


@kernel_inline
def top_imbalance(
    book: BookState, k: Int, ticks: Int, levels_max: Int
) -> tuple[Int, Int, bool | np.bool_]:
    """Return the lots of both sides over `ticks` grid levels, and whether one is truncated."""
    bid = depth_ticks(book, k, BID, ticks, levels_max)
    ask = depth_ticks(book, k, ASK, ticks, levels_max)
    return bid.lots, ask.lots, bid.truncated or ask.truncated


@kernel_inline
def bucket_imbalance(
    book: BookState, k: Int, near: Int, far: Int, levels_max: Int
) -> tuple[Int, Int, bool | np.bool_]:
    """Return the lots of both sides between `near` and `far` hundredths of a bp from the mid."""
    bid = depth_bp(book, k, BID, far, levels_max)
    ask = depth_bp(book, k, ASK, far, levels_max)
    bid_lots, ask_lots = bid.lots, ask.lots
    if near > 0:
        bid_lots -= depth_bp(book, k, BID, near, levels_max).lots
        ask_lots -= depth_bp(book, k, ASK, near, levels_max).lots
    return bid_lots, ask_lots, bid.truncated or ask.truncated


@kernel_inline
def weighted_depth(
    book: BookState, k: Int, side: Int, weights: NDArray[np.float64], levels_max: Int
) -> float:
    """Return the sum of lots x weights[ticks from own best] over one side."""
    total = 0.0
    best = price = best_price(book, k, side)
    for _ in range(levels_max):
        distance = side * (best - price)
        if price == NO_PRICE or distance >= weights.size:
            break
        total += weights[distance] * lots_at(book, k, side, price)
        price = next_price(book, k, side, price)
    return total


@kernel_inline
def book_pressure(book: BookState, k: Int, side: Int, ticks: Int, levels_max: Int) -> float:
    """Return the sum of lots / distance from the mid over the first `ticks` grid levels of a side.

    The distance is at least half a tick; 0 where a side of the book is empty.
    """
    total = 0.0
    mid2 = ladder_mid2(book, k)
    if mid2 == NO_PRICE:
        return total
    best = price = best_price(book, k, side)
    for _ in range(levels_max):
        if price == NO_PRICE or side * (best - price) >= ticks:
            break
        half_ticks = max(side * (mid2 - 2 * price), 1)
        total += 2.0 * lots_at(book, k, side, price) / half_ticks
        price = next_price(book, k, side, price)
    return total
