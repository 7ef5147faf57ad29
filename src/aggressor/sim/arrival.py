"""What a command does when it reaches the venue: place, amend, cancel, and stops that have been
triggered.

The order in question is written into the last record of `orders`, the *draft*. What is to trade is
said by the return value, and the loop calls `trade` and `join`: the kernels stay flat, which keeps
compiling them short.

Everything is judged at match time: crossing, reduce-only, our own opposite orders, whether the
order still stands.

* A taking order walks the displayed book from the fused top; lots we took before are not there
  twice. A triggered stop trades no better than the print that triggered it, whatever a book not yet
  updated still shows.
* It stops before our own resting order on the other side; the rest expires with SELF_TRADE.
* MARKET, IOC: the rest expires. FOK: all or nothing. A limit order's rest joins the queue at its
  price.
* AMEND gives a new whole size and price (a stop: a new trigger). Less size at the same price keeps
  the place, anything else joins anew; a size already filled cancels the rest.
* A stop whose trigger the last print has already reached is triggered on arrival; so is a take
  profit, whose trigger lies on the other side.
* An order that needs the book is refused with NO_BOOK while the book is not valid.
"""

from typing import Any

import numpy as np

from aggressor.kernel import Int, kernel
from aggressor.market.book import lots_at, next_price
from aggressor.schema.command import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    FOK,
    GTC,
    LIMIT,
    PLACE,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.schema.event import NO_INSTRUMENT, NO_PRICE, PRICE_MAX
from aggressor.schema.report import REDUCE_ONLY
from aggressor.sim.codes import (
    ACK,
    AMEND_REJECTED,
    AMENDED,
    BAD_FIELD,
    CANCEL_REJECTED,
    CANCELED,
    EXPIRED,
    FILL,
    NO_BOOK,
    NO_LIQUIDITY,
    NO_MARGIN,
    NONE,
    REDUCE_ONLY_EMPTY,
    REJECTED,
    SELF_TRADE,
    TOO_MANY_ORDERS,
    UNKNOWN_ORDER,
    WOULD_CROSS,
)
from aggressor.sim.matching import available, first_level, trigger
from aggressor.sim.state import (
    RESTING,
    STOPPED,
    TRIGGERED,
    WALK_LEVELS_MAX,
    SimState,
    add_position,
    find_order,
    heading,
    reducible,
    refresh_bounds,
    remove_order,
    report,
)
from aggressor.sim.taken import left_at, take_at


@kernel
def on_command(sim: SimState, now: Int) -> bool:
    """Let the earliest command on its way reach the venue at `now`; return whether its draft is to
    trade."""
    clock = sim.clock[0]
    command = sim.flying[clock["first_flying"] & (sim.flying.size - 1)]
    clock["first_flying"] += 1
    clock["flying"] -= 1
    clock["entered"] -= 1
    clock["venue_ns"] = now
    kind = command["kind"]
    draft(sim, command)
    if kind == PLACE:
        return place(sim, now)
    if kind == AMEND:
        return amend(sim, now)
    if kind == CANCEL:
        i = find_order(sim, np.int64(command["order"]))
        if i >= 0:
            cancel(sim, i, now)
        else:
            refuse(sim, CANCEL_REJECTED, UNKNOWN_ORDER, now)
    elif kind == CANCEL_ALL:
        i = np.int64(0)
        while i < clock["orders"]:
            k = sim.orders[i]["instrument"]
            if k == command["instrument"] or command["instrument"] == NO_INSTRUMENT:
                cancel(sim, i, now)
            else:
                i += 1
    else:
        refuse(sim, REJECTED, BAD_FIELD, now)
    return False


@kernel
def draft(sim: SimState, command: Any) -> None:
    """Write the command's order into the last record, where it is judged."""
    order = sim.orders[sim.orders.size - 1]
    order["order"] = command["order"]
    order["size"] = command["size"]
    order["filled"] = 0
    order["price"] = command["price"]
    order["trigger"] = command["trigger"]
    order["bound"] = NO_PRICE
    order["type"] = command["type"]
    order["tif"] = command["tif"]
    order["side"] = command["side"]
    order["flags"] = command["flags"] & REDUCE_ONLY
    order["instrument"] = command["instrument"]
    order["state"] = STOPPED if command["type"] >= STOP_MARKET else RESTING


@kernel
def refuse(sim: SimState, kind: Int, reason: Int, now: Int) -> None:
    """Report that the drafted command is refused."""
    order = sim.orders[sim.orders.size - 1]
    report(sim, order, kind, now, np.int64(order["price"]), order["size"], NONE, reason, NONE)


@kernel
def cancel(sim: SimState, i: Int, now: Int) -> None:
    """Cancel our order `i`."""
    order = sim.orders[i]
    leaves = order["size"] - order["filled"]
    report(sim, order, CANCELED, now, np.int64(order["price"]), leaves, NONE, NONE, NONE)
    remove_order(sim, i)


@kernel
def place(sim: SimState, now: Int) -> bool:
    """Accept or refuse the drafted order; return whether it is to trade."""
    order = sim.orders[sim.orders.size - 1]
    reason = malformed(sim, order)
    if reason == 0:
        reason = refused(sim, order)
    if reason != 0:
        refuse(sim, REJECTED, reason, now)
        return False
    size = order["size"]
    report(sim, order, ACK, now, np.int64(order["price"]), size, size, NONE, NONE)
    if order["type"] >= STOP_MARKET:
        wait(sim, now)
        return False
    return True


@kernel
def wait(sim: SimState, now: Int) -> None:
    """Let the drafted stop stand, triggered at once when the last print has reached it."""
    order = sim.orders[sim.orders.size - 1]
    last = np.int64(sim.head[np.int64(order["instrument"])]["last"])
    if last != NO_PRICE and (last - order["trigger"]) * heading(order) >= 0:
        trigger(sim, order, np.int64(NO_PRICE), now)
    stand(sim)


@kernel
def malformed(sim: SimState, order: Any) -> Int:
    """Return why the drafted order makes no sense, 0 when it does."""
    limit = order["type"] == LIMIT
    bad = np.int64(order["instrument"]) >= sim.head.size or order["size"] <= 0
    bad = bad or (order["side"] != 1 and order["side"] != -1)
    bad = bad or not GTC <= order["tif"] <= POST_ONLY
    bad = bad or not LIMIT <= order["type"] <= TAKE_PROFIT_MARKET
    bad = bad or (limit and order["price"] == NO_PRICE)
    bad = bad or (order["tif"] == POST_ONLY and not limit)
    bad = bad or (order["type"] >= STOP_MARKET and order["trigger"] == NO_PRICE)
    if bad or find_order(sim, order["order"]) >= 0:
        return BAD_FIELD
    stays = order["type"] >= STOP_MARKET or (limit and order["tif"] in (GTC, POST_ONLY))
    if stays and sim.clock[0]["orders"] >= sim.orders.size - 1:
        return TOO_MANY_ORDERS
    return NONE


@kernel
def refused(sim: SimState, order: Any) -> Int:
    """Return why the market of this moment refuses the drafted order, 0 when it does not."""
    k = np.int64(order["instrument"])
    top = sim.book.head[k]
    if order["type"] < STOP_MARKET and top["valid"] == 0:
        return NO_BOOK
    if reducible(sim, order) == 0:
        return REDUCE_ONLY_EMPTY
    if sim.clock[0]["broke"] != 0 and order["flags"] & REDUCE_ONLY == 0:
        return NO_MARGIN
    if order["tif"] == POST_ONLY:
        side = np.int64(order["side"])
        price = np.int64(order["price"])
        if (price - np.int64(top["ask"] if side > 0 else top["bid"])) * side >= 0:
            return WOULD_CROSS
        if (price - own_best(sim, k, -side)) * side >= 0:
            return SELF_TRADE
    return NONE


@kernel
def own_best(sim: SimState, k: Int, side: Int) -> Int:
    """Return the best price of our own resting orders on a side; far beyond any price if none."""
    head = sim.head[k]
    return np.int64(head["bid_high"] if side > 0 else head["ask_low"])


@kernel
def limit_of(order: Any) -> Int:
    """Return the worst price an order accepts."""
    if order["type"] == LIMIT:
        return np.int64(order["price"])
    return np.int64(PRICE_MAX - 1) if order["side"] > 0 else np.int64(NO_PRICE + 2)


@kernel
def trade(sim: SimState, now: Int) -> bool:
    """Take what the drafted order may take; return whether a rest of it is to join the queue."""
    order = sim.orders[sim.orders.size - 1]
    k, side = np.int64(order["instrument"]), np.int64(order["side"])
    limit = limit_of(order)
    own = own_best(sim, k, -side)
    blocked = (limit - own) * side >= 0
    reach = own - side if blocked else limit
    reason = SELF_TRADE if blocked else NO_LIQUIDITY
    price = np.int64(order["price"])
    if order["tif"] == FOK and not room_for(sim, order, reach):
        leaves = order["size"] - order["filled"]
        report(sim, order, EXPIRED, now, price, leaves, NONE, reason, NONE)
        return False
    walk(sim, order, reach, now, FILL)
    leaves = order["size"] - order["filled"]
    if leaves == 0:
        return False
    if reducible(sim, order) == 0:
        reason = REDUCE_ONLY_EMPTY
    elif not blocked and order["type"] == LIMIT and order["tif"] in (GTC, POST_ONLY):
        if available(sim, k, -side, limit, np.int64(NO_PRICE), np.int64(1)) == 0:
            return True
    report(sim, order, EXPIRED, now, price, leaves, NONE, reason, NONE)
    return False


@kernel
def room_for(sim: SimState, order: Any, limit: Int) -> bool:
    """Return whether all that a taking order may trade is to be had at `limit` or better."""
    k, side = np.int64(order["instrument"]), np.int64(order["side"])
    wanted = reducible(sim, order)
    return bool(available(sim, k, -side, limit, np.int64(order["bound"]), wanted) >= wanted)


@kernel
def walk(sim: SimState, order: Any, limit: Int, now: Int, kind: Int) -> None:
    """Fill a taking order level by level against the displayed book, no worse than `limit`.

    `kind` is that of the reports: FILL, or LIQUIDATED."""
    k, side = np.int64(order["instrument"]), np.int64(order["side"])
    price, shown = first_level(sim, k, -side, np.int64(order["bound"]))
    for _ in range(WALK_LEVELS_MAX):
        if price == NO_PRICE or (price - limit) * side > 0:
            return
        wanted = reducible(sim, order)
        if wanted == 0:
            return
        lots = min(wanted, left_at(sim, k, -side, price, shown))
        if lots > 0:
            if not take_at(sim, k, -side, price, shown, lots):
                return
            order["filled"] += lots
            add_position(sim, k, lots * side)
            leaves = order["size"] - order["filled"]
            report(sim, order, kind, now, price, lots, leaves, NONE, NONE)
        price = next_price(sim.book, k, -side, price)
        shown = lots_at(sim.book, k, -side, price)


@kernel
def join(sim: SimState) -> None:
    """Let the drafted limit order rest behind everything displayed at its price."""
    order = sim.orders[sim.orders.size - 1]
    k, side = np.int64(order["instrument"]), np.int64(order["side"])
    price = np.int64(order["price"])
    top = sim.book.head[k]
    best, best_lots = np.int64(top["ask"]), top["ask_lots"]
    if side > 0:
        best, best_lots = np.int64(top["bid"]), top["bid_lots"]
    order["shown"] = lots_at(sim.book, k, side, price)
    order["traded"] = 0
    if price == best:
        order["front"] = float(best_lots)
    elif (price - best) * side > 0:
        order["front"] = 0.0
    else:
        order["front"] = float(order["shown"])
    stand(sim)


@kernel
def stand(sim: SimState) -> None:
    """Put the drafted order behind all others."""
    clock = sim.clock[0]
    order = sim.orders[sim.orders.size - 1]
    sim.orders[clock["orders"]] = order
    clock["orders"] += 1
    refresh_bounds(sim, np.int64(order["instrument"]))


@kernel
def amend(sim: SimState, now: Int) -> bool:
    """Give a standing order the drafted size and price (a stop: trigger); return whether it is to
    trade."""
    new = sim.orders[sim.orders.size - 1]
    i = find_order(sim, new["order"])
    if i < 0:
        refuse(sim, AMEND_REJECTED, UNKNOWN_ORDER, now)
        return False
    order = sim.orders[i]
    stop = order["type"] >= STOP_MARKET
    size, price, filled = new["size"], np.int64(new["price"]), order["filled"]
    if size <= 0 or (new["trigger"] if stop else new["price"]) == NO_PRICE:
        refuse(sim, AMEND_REJECTED, BAD_FIELD, now)
    elif size <= filled:
        cancel(sim, i, now)
    elif not stop and price == order["price"] and size <= order["size"]:
        order["size"] = size
        report(sim, order, AMENDED, now, price, size, size - filled, NONE, NONE)
    else:
        return replace(sim, i, now)
    return False


@kernel
def replace(sim: SimState, i: Int, now: Int) -> bool:
    """Take order `i` out and draft it anew with its new size and price; return whether it is to
    trade."""
    new = sim.orders[sim.orders.size - 1]
    size, price, trigger_price = new["size"], new["price"], new["trigger"]
    sim.orders[sim.orders.size - 1] = sim.orders[i]
    new["size"] = size
    stop = new["type"] >= STOP_MARKET
    if stop:
        new["trigger"] = trigger_price
    else:
        new["price"] = price
        reason = refused(sim, new)
        if reason != 0:
            refuse(sim, AMEND_REJECTED, reason, now)
            return False
    remove_order(sim, i)
    leaves = size - new["filled"]
    report(sim, new, AMENDED, now, np.int64(new["price"]), size, leaves, NONE, NONE)
    if stop:
        wait(sim, now)
    return not stop


@kernel
def draft_triggered(sim: SimState, now: Int) -> bool:
    """Draft the first triggered stop as a market order; return whether it is to trade."""
    i = np.int64(0)
    while sim.orders[i]["state"] != TRIGGERED:
        i += 1
    sim.orders[sim.orders.size - 1] = sim.orders[i]
    order = sim.orders[sim.orders.size - 1]
    remove_order(sim, i)
    if sim.book.head[np.int64(order["instrument"])]["valid"] != 0:
        return True
    size = order["size"]
    report(sim, order, EXPIRED, now, np.int64(order["price"]), size, NONE, NO_BOOK, NONE)
    return False
