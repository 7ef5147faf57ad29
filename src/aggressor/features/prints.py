"""Taker orders out of prints: sweeps, and which of them are large.

One order that eats several levels prints once per resting order or level. Consecutive prints are
merged back into one taker order (R2.2) when the side is the same, the venue time lies within the
gap of the first print, and the price never moves back against the aggressor. Where the venue
already merged prints (BATCHED) the result is an upper bound on the order's size, and the order
says so. Prints without an aggressor stand alone with side 0; NOT_FLOW prints are no taker orders.

An order is open until a print does not fit, or until `settle` finds its last print older than the
patience: so that the last order before a silence is known too. It can be judged while it is still
open: `size_class` compares with the quantiles of the orders closed before it (R2.3), which are
therefore strictly past.

Conservation: lots and signed lots of all orders, the open one included, are those of the prints.
Units: ticks, lots, ns; the gap on ts_venue, the patience and all ages on ts_recv.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import NO_VALUE, READY, UNKNOWN, YOUNG
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MILLISECOND_NS,
    MINUTE_NS,
    PERP,
    parameter_rows,
)
from aggressor.features.upper import (
    UpperState,
    add_upper,
    upper_count,
    upper_quantile,
    upper_state,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import BAD_CLOCK, BATCHED, NO_TIME, NOT_FLOW, RPI, TIMER, TRADE, Events
from aggressor.state import State

ORDERS = 1024  # the open order and the last closed ones, kept per lane; a power of two

SIZE_UNKNOWN = 0  # too few orders before this one
SIZE_ORDINARY = 1
SIZE_LARGE = 2
SIZE_HUGE = 3

SIZE_NAMES = {
    SIZE_UNKNOWN: "unknown",
    SIZE_ORDINARY: "ordinary",
    SIZE_LARGE: "large",
    SIZE_HUGE: "huge",
}

TAKER_ORDER = np.dtype(
    [
        ("ts_venue", "<i8"),  # of the first print
        ("ts_recv", "<i8"),  # of the first print
        ("ts_last", "<i8"),  # ts_recv of the last print
        ("lots", "<i8"),
        ("away_tick_lots", "<i8"),  # sum of distance from the first price x lots
        ("first", "<i4"),  # ticks
        ("last", "<i4"),  # ticks
        ("prints", "<i4"),
        ("side", "i1"),
        ("flags", "u1"),  # BATCHED, RPI, BAD_CLOCK of any of its prints
        ("size_class", "u1"),
        ("open", "u1"),
    ],
    align=True,
)

PRINTS_HEAD = np.dtype(
    [
        ("orders", "<i8"),  # closed so far
        ("large_above", "<i8"),  # lots; NO_VALUE while unknown
        ("huge_above", "<i8"),
        ("first_ns", "<i8"),  # of the first closed order
        ("maturity", "<i8"),  # of the baseline: UNKNOWN, YOUNG or READY
    ]
)


class PrintsParameters(msgspec.Struct, frozen=True, kw_only=True):
    """How prints are merged and sizes judged."""

    gap_ns: int = 0  # span of one order's venue stamps; 0 where matching events share one stamp
    patience_ns: int = 250 * MILLISECOND_NS
    large_ppm: int = 990_000  # quantile of order sizes, in parts per million
    huge_ppm: int = 999_000
    orders_min: int = 200  # fewer closed orders: unknown
    unknown_ns: int = MINUTE_NS  # less history: unknown
    young_ns: int = 10 * MINUTE_NS
    floor_tick_lots: int = 0  # notional floor as price x lots (100 000 / 5 000 USD, by instrument)
    floor_lots: int = 0  # the same where size is in quote currency (inverse contracts)


PRINTS_PROFILES = {
    PERP: PrintsParameters(gap_ns=MILLISECOND_NS),
    MICRO: PrintsParameters(gap_ns=0),
}
_KEPT_FLAGS = BATCHED | RPI | BAD_CLOCK
BASELINE_ORDERS = 2000
BASELINE_NS = HOUR_NS

PRINTS_ROW = np.dtype([(name, "<i8") for name in PrintsParameters.__struct_fields__])


class PrintsState(State, frozen=True):
    """The open order of every lane, its closed orders and the sizes it is judged by."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # PRINTS_HEAD, (lanes,)
    parameters: NDArray[Any]  # PRINTS_ROW, (lanes,)
    orders: NDArray[Any]  # TAKER_ORDER, (lanes, ORDERS): a ring; the open one at place `orders`
    sizes: UpperState  # lots of the last closed orders, one series per lane


def prints_state(
    lanes: int, parameters: PrintsParameters | Sequence[PrintsParameters]
) -> PrintsState:
    """Return the state of `lanes` instruments that have not traded yet."""
    head = np.zeros(lanes, PRINTS_HEAD)
    head["large_above"] = head["huge_above"] = NO_VALUE
    head["first_ns"] = NO_TIME
    return PrintsState(
        head,
        parameter_rows(PRINTS_ROW, lanes, parameters),
        np.zeros((lanes, ORDERS), TAKER_ORDER),
        upper_state([BASELINE_NS] * lanes, BASELINE_ORDERS),
    )


@kernel_inline
def current_order(prints: PrintsState, k: Int) -> Any:
    """Return the record of the open order of lane `k`; its `open` is 0 while there is none."""
    return prints.orders[
        np.uint64(k), np.uint64(prints.head[np.uint64(k)]["orders"] & (ORDERS - 1))
    ]


@kernel_inline
def on_trade(prints: PrintsState, k: Int, event: Any) -> bool:
    """Add a TRADE to the open order or start the next; say whether an order was closed by it."""
    flags = event["flags"]
    if flags & NOT_FLOW:
        return False
    order = current_order(prints, k)
    side, price, lots = event["side"], event["price"], event["size"]
    elapsed = event["ts_venue"] - order["ts_venue"]
    onward = (np.int64(price) - np.int64(order["last"])) * side >= 0
    in_time = 0 <= elapsed <= prints.parameters[np.uint64(k)]["gap_ns"]
    opened = order["open"] == 1
    if opened and side != 0 and side == order["side"] and in_time and onward:
        order["lots"] += lots
        order["away_tick_lots"] += abs(np.int64(price) - np.int64(order["first"])) * lots
        order["prints"] += 1
        order["flags"] |= flags & _KEPT_FLAGS
        order["last"], order["ts_last"] = price, event["ts_recv"]
        return False
    if opened:
        _close(prints, k)
    following = current_order(prints, k)
    following["ts_venue"], following["ts_recv"] = event["ts_venue"], event["ts_recv"]
    following["ts_last"] = event["ts_recv"]
    following["lots"], following["away_tick_lots"], following["prints"] = lots, 0, 1
    following["first"], following["last"], following["side"] = price, price, side
    following["flags"] = flags & _KEPT_FLAGS
    following["size_class"], following["open"] = SIZE_UNKNOWN, 1
    return opened


@kernel_inline
def _close(prints: PrintsState, k: Int) -> None:
    head, order = prints.head[np.uint64(k)], current_order(prints, k)
    order["size_class"] = size_class(prints, k, order["lots"], tick_lots(order))
    order["open"] = 0
    head["orders"] += 1
    if head["first_ns"] == NO_TIME:
        head["first_ns"] = order["ts_recv"]
    prints.orders[np.uint64(k), np.uint64(head["orders"] & (ORDERS - 1))]["open"] = 0
    if order["side"] != 0:
        moved = add_upper(prints.sizes, k, order["ts_recv"], order["lots"])
        if moved or head["maturity"] != READY:
            _read_sizes(prints, k, order["ts_recv"])


@kernel
def _read_sizes(prints: PrintsState, k: Int, now: Int) -> None:
    head, row = prints.head[k], prints.parameters[k]
    head["large_above"] = upper_quantile(prints.sizes, k, row["large_ppm"])
    head["huge_above"] = upper_quantile(prints.sizes, k, row["huge_ppm"])
    covered = now - head["first_ns"]
    if upper_count(prints.sizes, k) < row["orders_min"] or covered < row["unknown_ns"]:
        head["maturity"] = UNKNOWN
    else:
        head["maturity"] = YOUNG if covered < row["young_ns"] else READY


@kernel_inline
def tick_lots(order: Any) -> Int:
    """Return the order's sum of price x lots: over `lots` it is the VWAP in ticks."""
    return np.int64(order["first"]) * order["lots"] + order["side"] * order["away_tick_lots"]


@kernel_inline
def levels(order: Any) -> Int:
    """Return how many grid levels the order reached over; 2 or more is a sweep."""
    return abs(np.int64(order["last"]) - np.int64(order["first"])) + 1


@kernel_inline
def size_class(prints: PrintsState, k: Int, lots: Int, value: Int) -> int:
    """Judge an order of `lots` worth `value` (price x lots) by the orders before it (R2.3)."""
    head, row = prints.head[np.uint64(k)], prints.parameters[np.uint64(k)]
    if head["maturity"] == UNKNOWN:
        return SIZE_UNKNOWN
    floored = lots < row["floor_lots"] or abs(value) < row["floor_tick_lots"]
    if lots <= head["large_above"] or floored:
        return SIZE_ORDINARY
    return SIZE_HUGE if lots > head["huge_above"] else SIZE_LARGE


@kernel_inline
def settle(prints: PrintsState, k: Int, now: Int) -> bool:
    """Close the open order if its last print is older than the patience; say whether it was."""
    order = current_order(prints, k)
    overdue = now - order["ts_last"] > prints.parameters[k]["patience_ns"]
    if order["open"] == 1 and overdue:
        _close(prints, k)
        return True
    return False


@kernel
def run_prints(events: Events, start: Int, stop: Int, prints: PrintsState) -> Int:
    """Bring taker orders forward over events[start:stop]; return stop."""
    for i in range(start, stop):
        event = events[i]
        if event["kind"] == TRADE:
            on_trade(prints, event["instrument"], event)
        elif event["kind"] == TIMER:
            for k in range(prints.head.shape[0]):
                settle(prints, k, event["ts_recv"])
    return stop
