"""Our resting orders against what the market does (R9.3).

* A print strictly beyond our price fills us in full at our price: no order of ours survives a print
  beyond it.
* A print at our price by the opposite aggressor moves our front; only what it took beyond our front
  is ours, and own orders at one price share it in order of priority, so fills at a price never
  exceed the volume printed there.
* When everything that carries one venue time has been applied and the best opposite price stands at
  or through ours, we are filled in full, unless all we could meet is what we have taken before.
* RPI and NOT_FLOW prints never fill or trigger; a BATCHED print counts from its row.
* A waiting stop is triggered by a print at or through its trigger; a take profit by one that comes
  from the other side.

A fused top never leaves more ahead of us than it shows at our price, and nothing when it is worse
than our price. After CLEAR a front stays what it was: only a level seen again can lower it.
Reduce-only orders are clipped at match time, and cancelled when nothing is left to reduce.
"""

from typing import Any

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import lots_at, next_price
from aggressor.schema.event import CLEAR, LAST, LEVEL, NO_PRICE, NOT_FLOW, RPI, STALE, TRADE
from aggressor.sim.codes import CANCELED, FILL, MAKER, NONE, REDUCE_ONLY_EMPTY, TRIGGERED
from aggressor.sim.queue import front_after_level, lots_beyond
from aggressor.sim.state import (
    RESTING,
    STOPPED,
    UNKNOWN_LOTS,
    WALK_LEVELS_MAX,
    SimState,
    add_position,
    heading,
    reducible,
    refresh_bounds,
    remove_order,
    report,
)
from aggressor.sim.state import TRIGGERED as STOP_TRIGGERED
from aggressor.sim.taken import left_at, show_level

_NOT_OURS = RPI | NOT_FLOW | STALE


@kernel_inline
def on_row(sim: SimState, k: Int, event: Any, now: Int) -> None:
    """Let one row touch our orders of lane `k`; the venue's book is the caller's care."""
    head = sim.head[k]
    kind, flags = event["kind"], event["flags"]
    side, price, size = np.int64(event["side"]), np.int64(event["price"]), np.int64(event["size"])
    if kind == TRADE:
        if flags & _NOT_OURS:
            return
        head["last"] = price
        if head["resting"] > 0 and (price <= head["bid_high"] or price >= head["ask_low"]):
            match_print(sim, k, price, side, size, now)
        if head["stops"] > 0 and (price >= head["rise_to"] or price <= head["fall_to"]):
            trigger_stops(sim, k, price, now)
        return
    if kind == LEVEL:
        if head["resting"] > 0 and flags & STALE == 0:
            low = head["bid_low"] if side > 0 else head["ask_low"]
            high = head["bid_high"] if side > 0 else head["ask_high"]
            if low <= price <= high:
                requeue(sim, k, side, price, size)
        if sim.clock[0]["taken"] > 0 and flags & STALE == 0:
            show_level(sim, k, side, price, size)
    elif kind == CLEAR:
        unsee(sim, k)
    if head["resting"] > 0 and flags & LAST:
        sim.clock[0]["judge"] = k


@kernel
def match_print(sim: SimState, k: Int, price: Int, aggressor: Int, size: Int, now: Int) -> None:
    """Fill what a print of `size` lots at `price` reaches of our resting orders."""
    clock = sim.clock[0]
    left = size
    i = np.int64(0)
    while i < clock["orders"]:
        order = sim.orders[i]
        lots = np.int64(0)
        if order["instrument"] == k and order["state"] == RESTING:
            side = np.int64(order["side"])
            beyond = (np.int64(order["price"]) - price) * side
            if beyond > 0:
                lots = order["size"] - order["filled"]
            elif beyond == 0 and aggressor == -side:
                front = order["front"] - left
                order["traded"] += size
                order["front"] = max(front, 0.0)
                lots = min(lots_beyond(front), order["size"] - order["filled"])
                left -= lots
        i = fill_resting(sim, i, lots, now)


@kernel
def fill_resting(sim: SimState, i: Int, lots: Int, now: Int) -> Int:
    """Fill `lots` of resting order `i` at its price; return the index of the order to look at
    next."""
    if lots == 0:
        return i + 1
    order = sim.orders[i]
    k = np.int64(order["instrument"])
    price = np.int64(order["price"])
    lots = min(lots, reducible(sim, order))
    if lots > 0:
        order["filled"] += lots
        add_position(sim, k, lots * np.int64(order["side"]))
        leaves = order["size"] - order["filled"]
        report(sim, order, FILL, now, price, lots, leaves, NONE, MAKER)
    leaves = order["size"] - order["filled"]
    if leaves > 0:
        if reducible(sim, order) > 0:
            return i + 1
        report(sim, order, CANCELED, now, price, leaves, NONE, REDUCE_ONLY_EMPTY, NONE)
    remove_order(sim, i)
    return i


@kernel
def trigger_stops(sim: SimState, k: Int, price: Int, now: Int) -> None:
    """Turn the stops that a print reaches into market orders that trade next."""
    for i in range(sim.clock[0]["orders"]):
        order = sim.orders[i]
        if order["instrument"] != k or order["state"] != STOPPED:
            continue
        if (price - np.int64(order["trigger"])) * heading(order) >= 0:
            trigger(sim, order, price, now)
    refresh_bounds(sim, k)


@kernel
def trigger(sim: SimState, order: Any, bound: Int, now: Int) -> None:
    """Make a waiting stop a market order that trades no better than `bound` (NO_PRICE: no
    bound)."""
    order["state"] = STOP_TRIGGERED
    order["bound"] = bound
    sim.clock[0]["waiting"] += 1
    size = order["size"]
    report(sim, order, TRIGGERED, now, np.int64(order["trigger"]), size, size, NONE, NONE)


@kernel
def requeue(sim: SimState, k: Int, side: Int, price: Int, size: Int) -> None:
    """Move the fronts of our orders at a level whose displayed size is now `size`."""
    clock = sim.clock[0]
    for i in range(clock["orders"]):
        order = sim.orders[i]
        if (
            order["instrument"] == k
            and order["side"] == side
            and order["price"] == price
            and order["state"] == RESTING
        ):
            front = order["front"]
            before = order["shown"]
            if before == UNKNOWN_LOTS:
                order["front"] = min(front, float(size))
            else:
                order["front"] = front_after_level(
                    clock["model"], clock["power"], front, before, size, order["traded"]
                )
            order["shown"] = size
            order["traded"] = 0


@kernel
def unsee(sim: SimState, k: Int) -> None:
    """After a CLEAR: what our orders' levels show is unknown until each is seen again."""
    for i in range(sim.clock[0]["orders"]):
        order = sim.orders[i]
        if order["instrument"] == k:
            order["shown"] = UNKNOWN_LOTS
            order["traded"] = 0


@kernel
def judge_top(sim: SimState, k: Int, now: Int) -> None:
    """Fill our resting orders that the displayed opposite side has reached; trim the fronts by the
    top."""
    top = sim.book.head[k]
    if top["valid"] == 0:
        return
    head = sim.head[k]
    bid, ask = np.int64(top["bid"]), np.int64(top["ask"])
    if head["bid_high"] < bid and head["ask_low"] > ask:
        return
    i = np.int64(0)
    while i < sim.clock[0]["orders"]:
        order = sim.orders[i]
        lots = np.int64(0)
        if order["instrument"] == k and order["state"] == RESTING:
            price = np.int64(order["price"])
            side = np.int64(order["side"])
            best, best_lots, against = bid, top["bid_lots"], ask
            if side < 0:
                best, best_lots, against = ask, top["ask_lots"], bid
            crossed = (price - against) * side >= 0
            if crossed and available(sim, k, -side, price, np.int64(NO_PRICE), np.int64(1)) > 0:
                lots = order["size"] - order["filled"]
            elif price == best:
                order["front"] = min(order["front"], float(best_lots))
            elif (price - best) * side > 0:
                order["front"] = 0.0
        i = fill_resting(sim, i, lots, now)


@kernel
def available(sim: SimState, k: Int, side: Int, limit: Int, bound: Int, enough: Int) -> Int:
    """Return the displayed lots of `side` at `limit` or better not taken yet, counted until
    `enough`."""
    price, shown = first_level(sim, k, side, bound)
    found = np.int64(0)
    for _ in range(WALK_LEVELS_MAX):
        if price == NO_PRICE or (price - limit) * side < 0 or found >= enough:
            break
        found += left_at(sim, k, side, price, shown)
        price = next_price(sim.book, k, side, price)
        shown = lots_at(sim.book, k, side, price)
    return found


@kernel
def first_level(sim: SimState, k: Int, side: Int, bound: Int) -> tuple[Int, Int]:
    """Return price and displayed lots of the best level no better than `bound` (NO_PRICE: no
    bound)."""
    top = sim.book.head[k]
    price, shown = np.int64(top["ask"]), np.int64(top["ask_lots"])
    if side > 0:
        price, shown = np.int64(top["bid"]), np.int64(top["bid_lots"])
    if bound != NO_PRICE and (price - bound) * side > 0:
        price = next_price(sim.book, k, side, bound + side)
        shown = lots_at(sim.book, k, side, price)
    return price, shown
