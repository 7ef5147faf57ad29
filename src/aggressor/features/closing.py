"""When a bar closes (R4.1), as pure arithmetic on the record of its series; input is prints.

    time        [k D, (k+1) D) UTC of ts_venue. It closes on the first trade of a later bar, or
                when any event of the instrument shows a venue time past its end plus a grace. Bars
                without a trade are emitted with volume 0 and OHLC = the last close, at most
                EMPTY_MAX in a row. A trade that comes for a bar already closed is counted in the
                open bar and marks it.
    ticks       N prints.
    volume      exactly V lots; the crossing print is split.
    dollar      the first whole lot that brings the notional to at least D closes the bar, the rest
                of the print opens the next one.
    range       a print that would make high - low > R closes the bar and opens the next; none is
                made up in a gap.
    renko       a brick of B ticks: at B beyond the last brick's close with the trend, at 2 B
                against it; open and close are the brick's, high and low also what was traded. A
                print that completes several bricks is in the first; the others hold no volume.
    delta       |bought - sold| >= limit.
    imbalance   |bought - sold| >= E[T] |E[b]|
    run         max(bought, sold) >= E[T] max(P, 1 - P), where P = (1 + E[b]) / 2

Delta, imbalance and run bars close behind the print that completes them, which is not split. Of
imbalance and run bars the items counted are prints (of any size), or lots: then a print is as many
items as it has lots. T is the number of items in a bar and b their mean side (unknown sides count
as 0); after each bar both expectations take it in with weight `fade`. Of the first E[b] only the
size is given, its sign is the first bar's, so that no side is preferred. Such thresholds are known
to explode or to collapse, so E[T] is kept within [0.2, 5] of its first value and |E[b]| of
imbalance bars is taken as 0.05 at least; `clamps` counts each time.

Source: R4.1; Lopez de Prado 2018, ch. 2.
"""

from math import ceil
from typing import Any

import numpy as np

from aggressor.features.bars import (
    DELTA,
    DOLLAR,
    IMBALANCE_TICKS,
    RANGE,
    RENKO,
    RUN_TICKS,
    TICKS,
    TIME,
    VOLUME,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE

ITEMS_LOW, ITEMS_HIGH = 0.2, 5.0  # bounds of E[T], times its first value
SIGN_MIN = 0.05
ROUNDING = 1e-12  # a threshold is a product of floats: 3.0000000000000004 prints are three


@kernel_inline
def step_of(kind: Int, price: Int, size: Int) -> Int:
    """Return what a print adds to the measure of its bar; size below SIZE_PLAIN."""
    if kind == TICKS:
        return np.int64(1)
    if kind == VOLUME:
        return size
    if kind == DOLLAR:
        return abs(price) * size
    return np.int64(0)


@kernel_inline
def piece_of(kind: Int, left: Int, price: Int, size: Int) -> Int:
    """Return the lots of a print that go into a bar which lacks `left` of its limit."""
    if kind == VOLUME:
        return min(size, left)
    if kind == DOLLAR and price != 0:
        each = abs(price)
        return min(size, (left + each - 1) // each)
    return size


@kernel_inline
def items_of(kind: Int, side: Int, size: Int) -> tuple[Int, Int]:
    """Return what a print adds to the items (bought, sold) of its bar."""
    items = np.int64(1) if kind in (IMBALANCE_TICKS, RUN_TICKS) else size
    return items * np.int64(side > 0), items * np.int64(side < 0)


@kernel_inline
def closes_first(head: Any, price: Int) -> bool:
    """Whether a print closes the open bar before it is counted."""
    if head["kind"] != RANGE or head["trades"] == 0:
        return False
    return max(head["high"], price) - min(head["low"], price) > head["limit"]


@kernel_inline
def stays_open(head: Any, price: Int, size: Int, side: Int) -> bool:
    """Whether the open bar, which has prints, takes one more whole and stays open."""
    kind = head["kind"]
    if kind == TIME:
        return True
    if kind <= DOLLAR:
        return head["measure"] + step_of(kind, price, size) < head["limit"]
    return _keeps_form(head, price, size, side)


@kernel
def _keeps_form(head: Any, price: Int, size: Int, side: Int) -> bool:
    """Whether a range, renko, delta, imbalance or run bar takes a print and stays open."""
    kind = head["kind"]
    if kind == RANGE:
        return max(head["high"], price) - min(head["low"], price) <= head["limit"]
    if kind == RENKO:
        return head["below"] < price < head["above"]
    bought, sold = items_of(kind, side, size)
    return _reached(kind, head["bought"] + bought, head["sold"] + sold) < head["limit"]


@kernel_inline
def _reached(kind: Int, bought: Int, sold: Int) -> Int:
    """Return what delta, imbalance and run bars hold against their limit."""
    return max(bought, sold) if kind >= RUN_TICKS else abs(bought - sold)


@kernel_inline
def count_print(head: Any, price: Int, size: Int, side: Int) -> None:
    """Count a print, or the piece of it in this bar, towards the bar's limit."""
    kind = head["kind"]
    if kind == TIME:
        return
    if kind <= DOLLAR:
        head["measure"] += step_of(kind, price, size)
    elif kind >= DELTA:
        bought, sold = items_of(kind, side, size)
        head["bought"] += bought
        head["sold"] += sold


@kernel_inline
def is_complete(head: Any, price: Int) -> bool:
    """Whether the print just counted completes the bar."""
    kind = head["kind"]
    if kind in (TIME, RANGE):
        return False
    if kind <= DOLLAR:
        return head["measure"] >= head["limit"]
    if kind == RENKO:
        return price >= head["above"] or price <= head["below"]
    return _reached(kind, head["bought"], head["sold"]) >= head["limit"]


@kernel_inline
def closes_at_most(head: Any, price: Int, size: Int) -> Int:
    """Return a bound on the bars that one print closes, of bars not cut by time."""
    kind = head["kind"]
    if kind == RENKO and head["open"] != NO_PRICE:
        return abs(price - head["open"]) // head["limit"] + 2
    if kind == TICKS or kind > DOLLAR:
        return np.int64(1)
    weight = float(abs(price)) if kind == DOLLAR else 1.0
    bound = (float(head["measure"]) + float(size) * weight) / float(head["limit"])
    return np.int64(min(bound, float(size))) + 2


@kernel
def settle_close(head: Any, price: Int) -> None:
    """Before a complete bar is closed: lay its brick, or learn from it what to expect of a bar."""
    if head["kind"] == RENKO:
        _lay_brick(head, price)
    elif head["kind"] >= IMBALANCE_TICKS:
        by_prints = head["kind"] in (IMBALANCE_TICKS, RUN_TICKS)
        items = float(head["trades"] if by_prints else head["volume"])
        sign = float(head["bought"] - head["sold"]) / items
        if head["closed"] == 0:  # at first only the size of E[b] is given
            head["sign"] *= np.sign(sign)
        expected = head["items"] + head["fade"] * (items - head["items"])
        head["items"] = min(
            max(expected, ITEMS_LOW * head["items_first"]), ITEMS_HIGH * head["items_first"]
        )
        head["clamps"] += np.int64(head["items"] != expected)
        head["sign"] += head["fade"] * (sign - head["sign"])
        set_threshold(head)


@kernel_inline
def set_threshold(head: Any) -> None:
    """Set the limit of the next imbalance or run bar from what is expected of it."""
    if head["kind"] < IMBALANCE_TICKS:
        return
    share = abs(head["sign"])
    if head["kind"] >= RUN_TICKS:
        share = 0.5 + 0.5 * share
    elif share < SIGN_MIN:
        share = SIGN_MIN
        head["clamps"] += 1
    head["threshold"] = head["items"] * share
    head["limit"] = max(np.int64(ceil(head["threshold"] * (1.0 - ROUNDING))), 1)


@kernel_inline
def _lay_brick(head: Any, price: Int) -> None:
    """Give the open bar the ends of the brick that `price` completes, and set the next ones."""
    size = head["limit"]
    direction = np.int64(1) if price >= head["above"] else np.int64(-1)
    end = head["above"] if direction > 0 else head["below"]
    shift = head["open"] - (end - direction * size)
    head["square"] += float(shift) * float(2 * head["moment"] + shift * head["volume"])
    head["moment"] += shift * head["volume"]
    head["open"] = end - direction * size
    head["close"] = end
    head["above"] = end + (size if direction > 0 else 2 * size)
    head["below"] = end - (2 * size if direction > 0 else size)
    if head["volume"] == 0:
        head["open_ns"] = head["last_ns"]
