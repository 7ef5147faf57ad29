"""The simulated venue's memory: our orders, commands on their way, reports on their way,
and its own book.

    head      (lanes,)       SIM_HEAD    position, last print, bounds of our own prices, funding:
                                         one per instrument
    clock     (1,)           SIM_CLOCK   cursors, latencies, queue model, counts of the arrays below
    orders    (capacity + 1) ORDER       our orders in order of priority; the last record is the
                                         order being judged
    flying    (2^n,)         COMMAND     ring of commands sent and not yet arrived, in order of
                                         arrival
    arrivals  (2^n,)         int64       their arrival at the venue, ns
    reports   (2^n,)         REPORT      ring of reports made and not yet handed out, in order of
                                         ts_recv
    taken     (2^n,)         TAKEN       displayed lots that our own taking has used up (see
                                         `taken.py`)
    trips     (n,)           ROUND_TRIP  recorded latencies; empty: constant
    book                     BookState   the venue's book; it never contains our own size

Prices are ticks, sizes lots, times ns of the local clock. `ts_venue` of a REPORT is on the venue's
clock.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, book_state
from aggressor.schema.command import COMMAND, STOP_MARKET, Commands
from aggressor.schema.event import INSTRUMENTS_MAX, NO_PRICE, NO_TIME
from aggressor.schema.report import REDUCE_ONLY, REPORT, Reports
from aggressor.sim.latency import Latency, RoundTrips, response_delay, round_trips
from aggressor.sim.queue import Queue
from aggressor.state import State

NEVER = 2**62  # ns: a time that does not come
WALK_LEVELS_MAX = 1024  # levels one order may walk: bounds the reports of one happening
UNKNOWN_LOTS = -1  # `shown` of an order whose level has not been seen since a resync

RESTING = 1
STOPPED = 2  # a stop or take profit that waits for its trigger
TRIGGERED = 3  # a stop about to trade

SIM_HEAD = np.dtype(
    [
        ("position", "<i8"),  # lots, + long
        ("mark", "<i8"),  # mark price in 1e-8; 0 before the first
        ("rate", "<i8"),  # funding rate in 1e-8
        ("settle_ns", "<i8"),  # next funding stamp, local clock; NEVER when none is known
        ("settled_ns", "<i8"),  # the last one done
        ("last", "<i4"),  # ticks of the last print; NO_PRICE before the first
        ("resting", "<i4"),  # our resting orders
        ("stops", "<i4"),  # our waiting stops and take profits
        ("bid_low", "<i4"),  # ticks: the range of our resting bids; low > high when there is none
        ("bid_high", "<i4"),
        ("ask_low", "<i4"),
        ("ask_high", "<i4"),
        ("rise_to", "<i4"),  # lowest trigger of those that wait for a rise
        ("fall_to", "<i4"),  # highest trigger of those that wait for a fall
        ("mark_ticks", "<i4"),
    ]
)

SIM_CLOCK = np.dtype(
    [
        ("cursor", "<i8"),  # index of the next event the venue sees
        ("venue_ns", "<i8"),  # venue time reached
        ("recorded_ns", "<i8"),  # venue time of the last event seen
        ("sent_ns", "<i8"),  # arrival of the last command sent
        ("due_ns", "<i8"),  # ts_recv of the last report made
        ("settle_ns", "<i8"),  # earliest funding stamp of any lane; NEVER
        ("feed_ns", "<i8"),
        ("offset_ns", "<i8"),
        ("order_ns", "<i8"),
        ("response_ns", "<i8"),
        ("order_ns_min", "<i8"),
        ("response_ns_min", "<i8"),
        ("power", "<f8"),
        ("model", "<i8"),
        ("orders", "<i8"),  # how many stand in `orders`
        ("first_flying", "<i8"),
        ("flying", "<i8"),
        ("first_report", "<i8"),
        ("reports", "<i8"),
        ("taken", "<i8"),
        ("held", "<i8"),  # lanes with a position
        ("waiting", "<i8"),  # triggered stops that have not traded yet
        ("judge", "<i8"),  # lane whose top has changed and is to be judged; -1 none
        ("recorded", "<i8"),
        ("work_ns", "<i8"),  # the venue's time that one market row takes; 0: none
        ("busy_ns", "<i8"),  # when it has done the work of all rows seen
        ("entered", "<i8"),  # of the flying commands, how many wait at the venue to be matched
        ("margin", "<i8"),  # 1 where the account's margin is watched (`liquidation`)
        ("unsettled", "<i8"),  # reports made since the account was last settled
        ("marked", "<i8"),  # 1 when a mark price has moved what is held since then
        ("broke", "<i8"),  # 1 once the account was liquidated
    ]
)

ORDER = np.dtype(
    [
        ("order", "<i8"),
        ("size", "<i8"),  # the whole order
        ("filled", "<i8"),
        ("shown", "<i8"),  # displayed lots of its level when last seen, or UNKNOWN_LOTS
        ("traded", "<i8"),  # printed there since
        ("front", "<f8"),  # lots ahead of us
        ("price", "<i4"),
        ("trigger", "<i4"),
        ("bound", "<i4"),  # a triggered stop trades no better than the print that triggered it
        ("type", "u1"),
        ("tif", "u1"),
        ("side", "i1"),
        ("flags", "u1"),
        ("instrument", "u1"),
        ("state", "u1"),
        ("reserved", "u1", (6,)),
    ]
)

TAKEN = np.dtype(
    [
        ("key", "<i8"),  # lane, side and price in one; 0 empty
        ("lots", "<i8"),
        ("shown", "<i8"),  # displayed lots when last seen
    ]
)


class SimState(State, frozen=True):
    """Everything the simulated venue knows."""

    head: NDArray[Any]
    clock: NDArray[Any]
    orders: NDArray[Any]
    flying: Commands
    arrivals: NDArray[np.int64]
    reports: Reports
    taken: NDArray[Any]
    trips: RoundTrips
    book: BookState


def sim_state(
    lanes: int,
    latency: Latency,
    queue: Queue,
    *,
    trips: RoundTrips | None = None,
    orders: int = 256,
    book: BookState | None = None,
) -> SimState:
    """Return a venue without orders for `lanes` instruments; at most `orders` of ours stand at
    once."""
    assert 0 < orders <= 65536
    head = np.zeros(lanes, SIM_HEAD)
    head["settle_ns"] = NEVER
    head["settled_ns"] = NO_TIME
    head["last"] = NO_PRICE
    clock = np.zeros(1, SIM_CLOCK)
    for name in ("venue_ns", "recorded_ns", "sent_ns", "due_ns", "busy_ns"):
        clock[name] = NO_TIME
    clock["settle_ns"] = NEVER
    clock["judge"] = -1
    for name in ("feed_ns", "offset_ns", "order_ns", "response_ns", "recorded", "work_ns"):
        clock[name] = getattr(latency, name)
    table = round_trips(trips)
    clock["order_ns_min"] = table["order"].min() if table.size else latency.order_ns
    clock["response_ns_min"] = table["response"].min() if table.size else latency.response_ns
    clock["model"], clock["power"] = queue.model, queue.power
    ring = 1 << max(9, (orders + 8).bit_length())
    state = SimState(
        head=head,
        clock=clock,
        orders=np.zeros(orders + 1, ORDER),
        flying=np.zeros(ring, COMMAND),
        arrivals=np.zeros(ring, np.int64),
        reports=np.zeros(4 * max(ring, WALK_LEVELS_MAX), REPORT),
        taken=np.zeros(8192, TAKEN),
        trips=table,
        book=book if book is not None else book_state(lanes),
    )
    for k in range(lanes):
        refresh_bounds(state, k)
    return state


@kernel_inline
def next_due(sim: SimState) -> Int:
    """Return when the earliest report is known locally, NEVER when none is under way."""
    clock = sim.clock[0]
    if clock["reports"] == 0:
        return np.int64(NEVER)
    line = sim.reports[clock["first_report"] & (sim.reports.size - 1)]
    return np.int64(line["ts_recv"])


@kernel_inline
def drop_report(sim: SimState) -> None:
    """Forget the earliest report: it has been handed out."""
    clock = sim.clock[0]
    clock["first_report"] += 1
    clock["reports"] -= 1


@kernel_inline
def report_room(sim: SimState) -> bool:
    """Return whether one more happening can make all its reports."""
    most = WALK_LEVELS_MAX + 2 * sim.orders.size + INSTRUMENTS_MAX
    return sim.reports.size - sim.clock[0]["reports"] > most


@kernel
def report(
    sim: SimState,
    order: Any,
    kind: Int,
    now: Int,
    price: Int,
    size: Int,
    leaves: Int,
    reason: Int,
    extra: Int,
) -> None:
    """Make a report on `order` at venue time `now`; `extra` flags join the order's own.

    That there is room (`report_room`) is the caller's care.
    """
    clock = sim.clock[0]
    done = max(now, clock["busy_ns"])
    due = max(done + response_delay(clock, sim.trips, now), clock["due_ns"])
    clock["due_ns"] = due
    clock["unsettled"] += clock["margin"]
    line = sim.reports[(clock["first_report"] + clock["reports"]) & (sim.reports.size - 1)]
    clock["reports"] += 1
    line["ts_recv"] = due
    line["ts_venue"] = now - clock["offset_ns"]
    line["order"] = order["order"]
    line["size"] = size
    line["leaves"] = leaves
    line["fee"] = 0
    line["price"] = price
    line["reason"] = reason
    line["kind"] = kind
    line["side"] = order["side"]
    line["flags"] = order["flags"] | extra
    line["instrument"] = order["instrument"]


@kernel_inline
def heading(order: Any) -> Int:
    """Return which way a price must go to trigger a waiting order: +1 up, -1 down."""
    side = np.int64(order["side"])
    return side if order["type"] == STOP_MARKET else -side


@kernel
def refresh_bounds(sim: SimState, k: Int) -> None:
    """Recompute the price ranges of our own orders of lane `k`, which spare most events a
    search."""
    head = sim.head[k]
    low, high = np.int64(-(2**31)), np.int64(2**31 - 1)
    bid_low, bid_high, ask_low, ask_high = high, low, high, low
    rise_to, fall_to = high, low
    resting, stops = 0, 0
    for i in range(sim.clock[0]["orders"]):
        order = sim.orders[i]
        if order["instrument"] != k:
            continue
        price = np.int64(order["price"])
        if order["state"] == RESTING:
            resting += 1
            if order["side"] > 0:
                bid_low, bid_high = min(bid_low, price), max(bid_high, price)
            else:
                ask_low, ask_high = min(ask_low, price), max(ask_high, price)
        elif order["state"] == STOPPED:
            stops += 1
            trigger = np.int64(order["trigger"])
            if heading(order) > 0:
                rise_to = min(rise_to, trigger)
            else:
                fall_to = max(fall_to, trigger)
    head["resting"], head["stops"] = resting, stops
    head["bid_low"], head["bid_high"] = bid_low, bid_high
    head["ask_low"], head["ask_high"] = ask_low, ask_high
    head["rise_to"], head["fall_to"] = rise_to, fall_to


@kernel
def remove_order(sim: SimState, i: Int) -> None:
    """Take order `i` out; the others keep their priority."""
    clock = sim.clock[0]
    k = np.int64(sim.orders[i]["instrument"])
    if sim.orders[i]["state"] == TRIGGERED:
        clock["waiting"] -= 1
    clock["orders"] -= 1
    for j in range(i, clock["orders"]):
        sim.orders[j] = sim.orders[j + 1]
    refresh_bounds(sim, k)


@kernel
def find_order(sim: SimState, order: Int) -> Int:
    """Return the index of one of our orders by id, -1 when it does not stand."""
    for i in range(sim.clock[0]["orders"]):
        if sim.orders[i]["order"] == order:
            return i
    return -1


@kernel
def add_position(sim: SimState, k: Int, lots: Int) -> None:
    """Change the position of lane `k` by signed lots."""
    head = sim.head[k]
    before = head["position"]
    head["position"] = before + lots
    sim.clock[0]["held"] += np.int64(head["position"] != 0) - np.int64(before != 0)


@kernel
def reducible(sim: SimState, order: Any) -> Int:
    """Return the lots an order may trade: all, or what a reduce-only one can still reduce."""
    leaves = order["size"] - order["filled"]
    if order["flags"] & REDUCE_ONLY == 0:
        return leaves
    against = -sim.head[np.int64(order["instrument"])]["position"] * order["side"]
    return max(min(leaves, against), np.int64(0))
