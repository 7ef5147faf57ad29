"""What is usual where stops are run (R5.7): volume in a burst's span, share of small orders.

Taker orders are counted by minute, and a small one is of at most the median size of the last hour;
the usual share is that of the middle one of the hour's minutes, for a burst of small orders lifts a
few of them. The volume traded is marked at every TIMER: what is traded in so long as a burst lasts
joins a baseline of an hour. See `stop_run`. Ages on ts_recv. Units: lots, ns.
"""

from typing import Any

import numpy as np

from aggressor.detectors.stop_records import IDLE, MARKS, MINUTES, OPEN, StopRunState
from aggressor.features.baseline import (
    UNKNOWN,
    add_sample,
    advance,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.parameters import MINUTE_NS, SECOND_NS
from aggressor.features.prints import ORDERS, PrintsState
from aggressor.kernel import Int, kernel, kernel_inline

SHARES_MIN = 5  # minutes; with fewer the usual share is that of all orders


@kernel
def usual_share(state: StopRunState, k: Int) -> float:
    """Return the share of small orders in the middle one of the last hour's minutes."""
    head, shares, count = state.head[k], state.shares, 0
    for minute in range(max(head["minute"] - 60, 0), head["minute"]):
        here = state.minutes[k, minute & (MINUTES - 1)]
        if here["orders"] >= state.params[k]["minute_orders_min"]:
            shares[count] = here["small"] / here["orders"]
            count += 1
    for i in range(count):
        below, equal = 0, 0
        for n in range(count):
            below += np.int64(shares[n] < shares[i])
            equal += np.int64(shares[n] == shares[i])
        if count >= SHARES_MIN and below <= (count - 1) // 2 < below + equal:
            return shares[i]
    return head["small"] / max(head["orders"], 1)


@kernel
def count_orders(state: StopRunState, prints: PrintsState, k: Int, now: Int) -> bool:
    """Count the taker orders closed since the last TIMER: small ones, by minute and by burst.

    Return whether a second has begun.
    """
    head = state.head[k]
    minute = now // MINUTE_NS
    if minute != head["minute"]:
        _roll_minutes(state, k, minute)
    closed = prints.head[k]["orders"]
    here = state.minutes[k, minute & (MINUTES - 1)]
    for n in range(max(head["orders_read"], closed - ORDERS + 1), closed):
        order = prints.orders[k, n & (ORDERS - 1)]
        small = 1 if bucket_of(order["lots"]) <= head["small_bucket"] else 0
        if head["open"][0] + head["open"][1] > 0:
            _count_order(state, k, order, small)
        if head["small_bucket"] >= 0:
            here["orders"] += 1
            here["small"] += small
            head["orders"] += 1
            head["small"] += small
        add_sample(state.usual, 2 * k + 1, order["ts_last"], order["lots"])
    head["orders_read"] = closed
    second = now // SECOND_NS
    if second == head["second"]:
        return False
    head["second"] = second
    advance(state.usual, 2 * k + 1, now)
    if maturity(state.usual, 2 * k + 1) != UNKNOWN:
        small_ppm = state.params[k]["small_ppm"]
        head["small_bucket"] = bucket_of(quantile(state.usual, 2 * k + 1, small_ppm))
    return True


@kernel
def _count_order(state: StopRunState, k: Int, order: Any, small: Int) -> None:
    """Count a taker order into the bursts of the open breaks."""
    for j in range(2):
        for i in range(OPEN):
            episode, start = state.episodes[k, j, i], state.broken[k, j, i]["start_ns"]
            if episode["phase"] != IDLE and order["ts_last"] >= start:
                if order["ts_recv"] <= start + state.params[k]["burst_ns"]:
                    episode["orders"] += 1
                    episode["small"] += small


@kernel
def _roll_minutes(state: StopRunState, k: Int, minute: Int) -> None:
    """Begin a minute of order counts; those an hour old leave."""
    head = state.head[k]
    for n in range(max(head["minute"] + 1, minute - MINUTES + 1), minute + 1):
        state.minutes[k, n & (MINUTES - 1)]["orders"] = 0
        state.minutes[k, n & (MINUTES - 1)]["small"] = 0
    head["minute"], head["orders"], head["small"] = minute, 0, 0
    for n in range(max(minute - 60, 0), minute + 1):
        head["orders"] += state.minutes[k, n & (MINUTES - 1)]["orders"]
        head["small"] += state.minutes[k, n & (MINUTES - 1)]["small"]


@kernel_inline
def mark_volume(state: StopRunState, k: Int, now: Int) -> None:
    """Mark the volume traded so far; that of the last burst span joins what is usual."""
    head = state.head[k]
    newest, start = head["marks"], now - state.params[k]["burst_ns"]
    mark = state.marks[k, newest & (MARKS - 1)]
    mark["ts_recv"], mark["volume"] = now, head["volume"]
    head["marks"] = newest + 1
    first = max(head["burst_first"], newest + 1 - MARKS)
    while first < newest and state.marks[k, (first + 1) & (MARKS - 1)]["ts_recv"] <= start:
        first += 1
    head["burst_first"] = first
    since = state.marks[k, first & (MARKS - 1)]
    if since["ts_recv"] <= start:
        add_sample(state.usual, 2 * k, now, head["volume"] - since["volume"])
    else:
        advance(state.usual, 2 * k, now)
