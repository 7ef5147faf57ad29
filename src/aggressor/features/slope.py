"""Slope and elasticity of the book: how much stands behind each tick of price (R1.7).

Of the first N occupied levels of a side, with C the cumulative size and delta the distance from
the mid of the ladder in ticks:

    slope       sum of delta x C / sum of delta^2      lots per tick, a line through the origin
    elasticity  (1/N) { v_1 / |p_1/M - 1| + sum over t of (v_(t+1)/v_t - 1) / |p_(t+1)/p_t - 1| }
                with v = ln C (Naes & Skjeltorp); nan unless C >= 2 and no price is 0

Read from the ladder on request, not per event. `truncated`: the side has fewer than N levels; both
figures are then those of the levels there are. A mirrored book has the same figures on swapped
sides, bit by bit. Bias: an elasticity falls with the number of decimals of the size unit (its
logarithm is of lots), so compare one instrument with itself. Source: Naes & Skjeltorp 2006.
"""

from math import log
from typing import NamedTuple

import numpy as np

from aggressor.features.depth import ladder_mid2
from aggressor.features.imbalance import signed_ratio
from aggressor.kernel import Int, kernel
from aggressor.market.book import BookState, best_price, lots_at, next_price
from aggressor.schema.event import ASK, BID, NO_PRICE

LEVELS = 5  # read per side unless told otherwise


class SideSlope(NamedTuple):
    """One side; slope and elasticity are nan where a side of the book is empty."""

    slope: float  # lots per tick
    elasticity: float
    levels: Int  # that were there
    truncated: bool | np.bool_


class BookSlope(NamedTuple):
    """Both sides and their asymmetry, + where more stands per tick on the bid side."""

    bid: SideSlope
    ask: SideSlope
    asymmetry: float


@kernel
def side_slope(book: BookState, k: Int, side: Int, levels: Int) -> SideSlope:
    """Return slope and elasticity of the first `levels` occupied levels of a side."""
    mid2 = ladder_mid2(book, k)
    price = best_price(book, k, side)
    if mid2 == NO_PRICE:
        return SideSlope(np.nan, np.nan, np.int64(0), True)
    lots = np.int64(0)
    rises = squares = steps = size = 0.0
    before = np.int64(0)
    seen = np.int64(0)
    while seen < levels and price != NO_PRICE:
        lots += lots_at(book, k, side, price)
        away2 = float(side * (mid2 - 2 * price))
        rises += away2 * float(lots)
        squares += away2 * away2
        v = log(float(lots))
        if seen == 0:
            steps += v * float(abs(mid2)) / away2
        elif before == 0 or size <= 0.0:
            steps = np.nan
        else:
            steps += (v / size - 1.0) * float(abs(before)) / float(side * (before - price))
        size, before = v, price
        seen += 1
        price = next_price(book, k, side, price)
    if mid2 == 0 or size <= 0.0:
        steps = np.nan
    return SideSlope(2.0 * rises / squares, steps / float(seen), seen, seen < levels)


@kernel
def book_slope(book: BookState, k: Int, levels: Int) -> BookSlope:
    """Return both sides of lane `k` over `levels` levels; the validity gate is the caller's."""
    bid = side_slope(book, k, BID, levels)
    ask = side_slope(book, k, ASK, levels)
    return BookSlope(bid, ask, signed_ratio(bid.slope, ask.slope))
