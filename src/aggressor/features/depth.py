"""Depth and the cost of trading through it: how much stands near, and what taking it costs.

Every function walks one side of the depth ladder outwards from its own best level, at most
`levels_max` occupied levels, and reads the ladder alone: levels and touch belong to one instant
even when a newer quote has moved the fused top. The validity gate (R0.4) is the caller's.

A result is `truncated` when the ladder ended, or the bound of levels was met, before the depth
asked for was covered: the true figure may then be larger. Prices are ticks, sizes lots, sums
exact integers; averages are taken as an offset from the touch, so they keep their digits at any
price and are mirror images of each other. Bounds in basis points are compared in integers.
Sources: R1.1 (notional mid), R1.3 (depth), R1.8 (cost to trade).
"""

from typing import NamedTuple

import numpy as np

from aggressor.kernel import Int, kernel_inline
from aggressor.market.book import BookState, best_price, lots_at, next_price
from aggressor.schema.event import ASK, BID, NO_PRICE

BP_PARTS = 100  # bounds are given in hundredths of a basis point
_PARTS_OF_ONE = 10_000 * BP_PARTS


class Depth(NamedTuple):
    """What stands on one side within a bound."""

    lots: Int
    tick_lots: Int  # sum of price x lots: the notional in the instrument's own steps
    truncated: bool | np.bool_


class Walk(NamedTuple):
    """A taker order walked through one side of the ladder; nothing is extrapolated."""

    filled: Int  # lots
    unfilled: Int  # lots that found no level
    away_tick_lots: Int  # sum of distance from the touch x lots
    parts: float  # sum of lots / price, for contracts whose size is in quote currency
    touch: Int  # ticks; NO_PRICE when the side is empty
    last: Int  # ticks: the worst price reached


class Cost(NamedTuple):
    """What a taker order pays; the taker's fee is not in it. All nan where nothing was filled."""

    vwap: float  # ticks
    touch_ticks: float  # worse than the best price, at least 0
    mid_ticks: float  # worse than the mid
    touch_bp: float  # of the mid
    mid_bp: float  # of the mid
    unfilled: Int  # lots


@kernel_inline
def ladder_mid2(book: BookState, k: Int) -> Int:
    """Return bid + ask of the depth ladder in half ticks; NO_PRICE where a side is empty."""
    bid, ask = best_price(book, k, BID), best_price(book, k, ASK)
    if bid == NO_PRICE or ask == NO_PRICE:
        return NO_PRICE
    return bid + ask


@kernel_inline
def depth_ticks(book: BookState, k: Int, side: Int, ticks: Int, levels_max: Int) -> Depth:
    """Sum the first `ticks` grid levels of a side: its best price and the `ticks - 1` behind it."""
    best = best_price(book, k, side)
    if best == NO_PRICE:
        return Depth(0, 0, True)
    return _depth_until(book, k, side, best - side * (ticks - 1), levels_max)


@kernel_inline
def depth_bp(book: BookState, k: Int, side: Int, reach: Int, levels_max: Int) -> Depth:
    """Sum the levels of a side within `reach` hundredths of a basis point of the mid."""
    mid2 = ladder_mid2(book, k)
    if mid2 == NO_PRICE:
        return Depth(0, 0, True)
    # |2 price - mid2| * 10^6 <= |mid2| * reach, as the furthest whole tick of this side
    half_ticks = abs(mid2) * reach // _PARTS_OF_ONE
    furthest = (side * mid2 - half_ticks + 1) >> 1
    return _depth_until(book, k, side, side * furthest, levels_max)


@kernel_inline
def _depth_until(book: BookState, k: Int, side: Int, bound: Int, levels_max: Int) -> Depth:
    lots = tick_lots = 0
    price = deepest = best_price(book, k, side)
    for _ in range(levels_max):
        if price == NO_PRICE or side * (price - bound) < 0:
            break
        here = lots_at(book, k, side, price)
        lots += here
        tick_lots += price * here
        deepest = price
        price = next_price(book, k, side, price)
    if price == NO_PRICE:
        return Depth(lots, tick_lots, deepest == NO_PRICE or side * (deepest - bound) > 0)
    return Depth(lots, tick_lots, side * (price - bound) >= 0)


@kernel_inline
def walk(book: BookState, k: Int, side: Int, lots: Int, levels_max: Int) -> Walk:
    """Take `lots` with aggressor `side` (BUY walks the asks upwards, SELL the bids downwards)."""
    resting = -side
    left = lots
    away = 0
    parts = 0.0
    touch = price = last = best_price(book, k, resting)
    for _ in range(levels_max):
        if price == NO_PRICE or left <= 0:
            break
        taken = min(left, lots_at(book, k, resting, price))
        left -= taken
        away += side * (price - touch) * taken
        if price != 0:
            parts += taken / price
        last = price
        price = next_price(book, k, resting, price)
    return Walk(lots - left, left, away, parts, touch, last)


@kernel_inline
def cost_to_trade(
    book: BookState, k: Int, side: Int, lots: Int, inverse: bool, levels_max: Int
) -> Cost:
    """Return the cost of taking `lots` at once against touch and mid (R1.8).

    Where `inverse`, size is in quote currency and the average price is the harmonic mean.
    """
    order = walk(book, k, side, lots, levels_max)
    mid2 = ladder_mid2(book, k)
    if order.filled <= 0 or mid2 == NO_PRICE:
        return Cost(np.nan, np.nan, np.nan, np.nan, np.nan, order.unfilled)
    if inverse:
        away = side * (order.filled / order.parts - order.touch)
    else:
        away = order.away_tick_lots / order.filled
    from_mid = away + 0.5 * (side * (2 * order.touch - mid2))
    scale = 2e4 / abs(mid2) if mid2 != 0 else np.nan
    return Cost(
        order.touch + side * away, away, from_mid, away * scale, from_mid * scale, order.unfilled
    )


@kernel_inline
def notional_mid(
    book: BookState, k: Int, lots: Int, inverse: bool, levels_max: Int
) -> tuple[float, bool | np.bool_]:
    """Return the mean of the prices of buying and selling `lots`, and whether both filled."""
    buy = cost_to_trade(book, k, 1, lots, inverse, levels_max)
    sell = cost_to_trade(book, k, -1, lots, inverse, levels_max)
    return 0.5 * (buy.vwap + sell.vwap), buy.unfilled == 0 and sell.unfilled == 0
