"""An order-by-order book (L3): first in, first out at each price, with the truth written down.

Every order has an id, so that what the market layer can only infer (was a decrease traded or
cancelled, how many lots stand ahead) is known here. Levels lie in a circular array indexed by
`price & LEVEL_MASK`; a price holds one side at a time, because the book never crosses. Orders lie
in a pool and are linked into their level in order of arrival; those of the background are also
listed as ACTIVE, so that one of them can be picked in O(1) to be cancelled.

Invariants: best bid < best ask; each side holds at least one order (the last can be neither taken
nor cancelled; `flow.top_up` adds far ones); a level's lots are the sum of its orders' lots.

    market   Market   one synthetic market, written in place
    out      Output   what it publishes: events, L3 log, labels; the caller keeps room

Prices are ticks, sizes lots, times ns. Source of the flow on top: R11.I.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel, kernel_inline
from aggressor.schema.event import BID, LAST, TRADE
from aggressor.sim.synthetic.chance import FEED, exponential
from aggressor.sim.synthetic.typed import Whole, typed
from aggressor.state import State

LEVELS = 1 << 14  # far wider than any live book: orders rest within `reach` and die within seconds
LEVEL_MASK = LEVELS - 1
ORDERS_MAX = 1 << 15  # arrivals are turned away when so many rest
HELD_MAX = 64  # orders that one scenario may rest at a time
NO_ORDER = -1
MINUTES = 16  # closed minutes kept; a power of two
NO_SWING = 0
OCTAVES = 2  # of ticks behind the touch, from 4 on, in which sizes of levels are told apart
SIZES_MAX = 1 << 12  # lots of a level that are told apart; larger ones count as the largest

ACTIVE = 0  # slots of the background's live orders
FREE = 1  # stack of free slots
DIRTY = 2  # prices changed since the last depth message
HELD = 3  # slots of the running scenario's orders
HELD_ID = 4  # and their ids, which tell a slot that was used again
DECK = 5  # scenarios still to be drawn
LISTS = 6

ARRIVAL_CURVE = 0  # cumulative share of limit arrivals by distance
CANCEL_CURVE = 1  # cancel rate by distance over the largest one
GROWTH_CURVE = 2  # exp(x) for x from -4 to 4

SIZE_DRAWS = 0
LENGTH_DRAWS = 1

BACKGROUND = typed(0)
SCENARIO_OWNER = typed(1)

# Constants that are passed to kernels are typed: Numba would compile once for each Python literal.
NONE = typed(0)
TRADE_KIND = typed(TRADE)
END = typed(LAST)

ADD = typed(1)
FILL = typed(2)
CANCEL = typed(3)

TRADE_STREAM = typed(0)
DEPTH_STREAM = typed(1)

LEVEL_QUEUE = np.dtype(
    [
        ("lots", "<i8"),
        ("published", "<i8"),  # side x lots as last published
        ("first", "<i4"),
        ("last", "<i4"),
        ("orders", "<i4"),
        ("side", "i1"),
        ("dirty", "u1"),
        ("reserved", "<u2"),
    ]
)
ORDER = np.dtype(
    [
        ("id", "<i8"),  # 0: the slot is free
        ("lots", "<i8"),
        ("price", "<i4"),
        ("next", "<i4"),
        ("previous", "<i4"),
        ("listed", "<i4"),  # place in `active`; NO_ORDER when not of the background
        ("side", "<i4"),
        ("owner", "<i4"),
    ]
)
L3_ROW = np.dtype(
    [
        ("ts_venue", "<i8"),
        ("order", "<i8"),
        ("lots", "<i8"),  # added, filled or cancelled by this row
        ("price", "<i4"),
        ("action", "u1"),  # ADD, FILL, CANCEL
        ("side", "i1"),  # of the resting order
        ("owner", "u1"),
        ("reserved", "u1"),
    ]
)
MARKET_HEAD = np.dtype(
    [
        (name, "<i8")
        for name in [
            "now",
            "pulse_at",
            "taken_at",
            "bid",
            "ask",
            "bid_orders",
            "ask_orders",
            "free",
            "listed",
            "dirty",
            "next_id",
            "added",
            "taken",
            "cancelled",
            "fills",
            "bid_quoted",
            "bid_quoted_lots",
            "ask_quoted",
            "ask_quoted_lots",
            "interest",
            "volume",  # lots taken, and what of them buyers took less what sellers did
            "delta",
            "thin_side",  # whose makers are thin, 0 both
            "thin_price",  # makers of the other side do not follow the price beyond it
            "minute_high",  # of the trades of the running minute, by venue time
            "minute_low",
            "minutes",  # closed so far
            "minute_changes",  # of the mid from minute to minute, and their squares
            "minute_delta",  # delta and volume when the last minute closed
            "minute_volume",
            "flow_minutes",  # minutes in which anything traded, and below what they tell
            "swing_high",  # last confirmed swing that no trade has passed since; NO_SWING
            "swing_low",
            "metaorder_side",
            "metaorder_left",
            "published",
            "trade_recv",
            "depth_recv",
        ]
    ]
    + [
        (name, "<f8")
        for name in [
            "activity",
            "burst",
            "log_activity",
            "mood",
            "pressure",
            "typical",
            "mark",
            "middle",
            "variance",
            "minute_middle",
            "minute_squares",
            "flow_squares",  # sum over closed minutes of delta squared over volume
            "thin_add",
            "thin_cancel",
        ]
    ]
)


class Market(State, frozen=True):
    """The whole state of one synthetic market."""

    head: NDArray[Any]  # (1,) MARKET_HEAD
    params: NDArray[Any]  # (1,) config.PARAMS
    chance: NDArray[Any]  # (STREAMS,) uint64
    levels: NDArray[Any]  # (LEVELS,) LEVEL_QUEUE
    orders: NDArray[Any]  # (ORDERS_MAX,) ORDER
    lists: NDArray[Any]  # (LISTS, ORDERS_MAX) int64, the lists named below
    curves: NDArray[Any]  # (3, curve length) float64, the tables named below
    draws: NDArray[Any]  # (2, 65536) int64, quantiles of order size in lots, of metaorder length
    scenario: NDArray[Any]  # (1,) stage.SCENARIO_STATE
    requests: NDArray[Any]  # (REQUESTS_MAX,) stage.REQUEST
    minutes: NDArray[Any]  # (MINUTES, 2) int64, high and low of closed minutes, a ring
    sizes: NDArray[Any]  # (OCTAVES, SIZES_MAX) int64, how often a level held so many


class Output(State, frozen=True):
    """What a market publishes, in arrays of the caller."""

    head: NDArray[Any]  # (3,) int64: rows used of events, log, labels
    events: NDArray[Any]  # (n,) EVENT
    log: NDArray[Any]  # (m,) L3_ROW; (0,) when no log is wanted
    labels: NDArray[Any]  # (k,) labels.LABEL_ROW


@kernel_inline
def best(market: Market, side: Whole) -> Whole:
    """Return the best price of a side of the book."""
    head = market.head[0]
    return head["bid"] if side == BID else head["ask"]


@kernel_inline
def orders_of(market: Market, side: Whole) -> Whole:
    """Return how many orders rest on a side."""
    head = market.head[0]
    return head["bid_orders"] if side == BID else head["ask_orders"]


@kernel_inline
def lots_at(market: Market, side: Whole, price: Whole) -> Whole:
    """Return the lots of a side that rest at a price."""
    level = market.levels[price & LEVEL_MASK]
    return level["lots"] if level["side"] == side else np.int64(0)


@kernel_inline
def received_at(market: Market, stream: Whole) -> Whole:
    """Return the ts_recv of a message sent now: latency, jitter, never before its forerunner."""
    params = market.params[0]
    delay = params["latency_ns"] + params["jitter_ns"] * exponential(market.chance, FEED)
    head = market.head[0]
    stamp = head["now"] + np.int64(delay)
    if stream == TRADE_STREAM:
        stamp = max(stamp, head["trade_recv"])
        head["trade_recv"] = stamp
    else:
        stamp = max(stamp, head["depth_recv"])
        head["depth_recv"] = stamp
    return stamp


@kernel_inline
def write_event(
    market: Market,
    out: Output,
    ts_recv: Whole,
    kind: Whole,
    side: Whole,
    price: Whole,
    size: Whole,
    flags: Whole,
) -> None:
    """Append one EVENT that happens now; the caller has made sure of room."""
    row = out.events[out.head[0]]
    row["ts_recv"] = ts_recv
    row["ts_venue"] = market.head[0]["now"]
    row["size"] = size
    row["price"] = price
    row["kind"] = kind
    row["side"] = side
    row["flags"] = flags
    row["instrument"] = market.params[0]["instrument"]
    out.head[0] += 1


@kernel_inline
def write_log(market: Market, out: Output, slot: Whole, action: Whole, lots: Whole) -> None:
    """Append one row of truth about the order in `slot`, when a log is kept."""
    if out.log.size == 0:
        return
    order = market.orders[slot]
    row = out.log[out.head[1]]
    row["ts_venue"] = market.head[0]["now"]
    row["order"] = order["id"]
    row["lots"] = lots
    row["price"] = order["price"]
    row["action"] = action
    row["side"] = order["side"]
    row["owner"] = order["owner"]
    out.head[1] += 1


@kernel_inline
def touch_level(market: Market, price: Whole) -> None:
    """Remember that a level differs from what was published."""
    level = market.levels[price & LEVEL_MASK]
    if level["dirty"] == 0:
        level["dirty"] = 1
        head = market.head[0]
        market.lists[DIRTY, head["dirty"]] = price
        head["dirty"] += 1


@kernel_inline
def list_order(market: Market, slot: Whole) -> None:
    """Put an order among those that the background may cancel."""
    head = market.head[0]
    market.orders[slot]["listed"] = head["listed"]
    market.lists[ACTIVE, head["listed"]] = slot
    head["listed"] += 1


@kernel_inline
def unlist_order(market: Market, slot: Whole) -> None:
    """Take an order off that list; the last of the list takes its place."""
    head = market.head[0]
    place = market.orders[slot]["listed"]
    if place < 0:
        return
    head["listed"] -= 1
    moved = market.lists[ACTIVE, head["listed"]]
    market.lists[ACTIVE, place] = moved
    market.orders[moved]["listed"] = place
    market.orders[slot]["listed"] = NO_ORDER


@kernel
def add_order(
    market: Market, out: Output, side: Whole, price: Whole, lots: Whole, owner: Whole
) -> Whole:
    """Rest an order that does not cross; return its slot, or NO_ORDER when it was turned away."""
    head = market.head[0]
    if head["free"] == 0 or lots <= 0 or price < 1:
        return NO_ORDER
    head["free"] -= 1
    slot = market.lists[FREE, head["free"]]
    level = market.levels[price & LEVEL_MASK]
    order = market.orders[slot]
    order["id"] = head["next_id"]
    head["next_id"] += 1
    order["lots"] = lots
    order["price"] = price
    order["side"] = side
    order["owner"] = owner
    order["next"] = NO_ORDER
    order["listed"] = NO_ORDER
    if level["orders"] == 0:
        order["previous"] = NO_ORDER
        level["first"] = slot
        level["side"] = side
    else:
        order["previous"] = level["last"]
        market.orders[level["last"]]["next"] = slot
    level["last"] = slot
    level["orders"] += 1
    level["lots"] += lots
    if side == BID:
        head["bid_orders"] += 1
        head["bid"] = max(head["bid"], price)
    else:
        head["ask_orders"] += 1
        head["ask"] = min(head["ask"], price)
    if owner == BACKGROUND:
        list_order(market, slot)
    touch_level(market, price)
    write_log(market, out, slot, ADD, lots)
    return slot


@kernel
def remove_order(market: Market, slot: Whole) -> None:
    """Unlink an order and, where it was the last of the touch, find the next best price."""
    head = market.head[0]
    order = market.orders[slot]
    price = np.int64(order["price"])
    side = np.int64(order["side"])
    level = market.levels[price & LEVEL_MASK]
    if order["previous"] == NO_ORDER:
        level["first"] = order["next"]
    else:
        market.orders[order["previous"]]["next"] = order["next"]
    if order["next"] == NO_ORDER:
        level["last"] = order["previous"]
    else:
        market.orders[order["next"]]["previous"] = order["previous"]
    level["orders"] -= 1
    level["lots"] -= order["lots"]
    unlist_order(market, slot)
    order["id"] = 0
    market.lists[FREE, head["free"]] = slot
    head["free"] += 1
    touch_level(market, price)
    if side == BID:
        head["bid_orders"] -= 1
    else:
        head["ask_orders"] -= 1
    if level["orders"] == 0 and price == best(market, side):
        price -= side
        while market.levels[price & LEVEL_MASK]["orders"] == 0:
            price -= side
        if side == BID:
            head["bid"] = price
        else:
            head["ask"] = price


@kernel
def cancel_order(market: Market, out: Output, slot: Whole) -> Whole:
    """Cancel the order in `slot`; return the lots cancelled, 0 when it is the last of its side."""
    order = market.orders[slot]
    if orders_of(market, order["side"]) <= 1:
        return np.int64(0)
    lots = np.int64(order["lots"])
    write_log(market, out, slot, CANCEL, lots)
    remove_order(market, slot)
    market.head[0]["cancelled"] += 1
    return lots


@kernel
def take(market: Market, out: Output, side: Whole, lots: Whole, limit: Whole) -> Whole:
    """Trade as an aggressor at `limit` or better, one TRADE row a fill; return the lots filled."""
    head = market.head[0]
    book_side = -side
    price = best(market, book_side)
    if lots <= 0 or side * (limit - price) < 0 or orders_of(market, book_side) <= 1:
        return np.int64(0)
    if head["now"] <= head["taken_at"]:
        head["now"] = head["taken_at"] + 1
    head["taken_at"] = head["now"]
    head["taken"] += 1
    ts_recv = received_at(market, TRADE_STREAM)
    left = lots
    while left > 0 and side * (limit - price) >= 0 and orders_of(market, book_side) > 1:
        level = market.levels[price & LEVEL_MASK]
        slot = np.int64(level["first"])
        order = market.orders[slot]
        fill = min(left, np.int64(order["lots"]))
        write_event(market, out, ts_recv, TRADE_KIND, side, price, fill, END)
        write_log(market, out, slot, FILL, fill)
        head["fills"] += 1
        head["volume"] += fill
        head["delta"] += side * fill
        head["minute_high"] = max(head["minute_high"], price)
        head["minute_low"] = min(head["minute_low"], price)
        scenario = market.scenario[0]
        if price == scenario["price"] and book_side == scenario["side"]:
            scenario["met"] += fill
        scenario["reach"] = max(scenario["reach"], scenario["side"] * price)
        left -= fill
        order["lots"] -= fill
        level["lots"] -= fill
        touch_level(market, price)
        if order["lots"] == 0:
            remove_order(market, slot)
        price = best(market, book_side)
    head["pressure"] += side * market.params[0]["pressure_step"] * (1.0 - side * head["pressure"])
    return lots - left
