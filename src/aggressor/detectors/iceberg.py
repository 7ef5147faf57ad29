"""Icebergs (R5.3): a level that is eaten and stands again, over and over, beyond what it showed.

A depth feed does not tell a venue's own iceberg from a slicer or from many people: everything is
replenishment here. An episode follows one level from the first trade that hits it:

    fall     displayed size at or below half of its peak
    refill   back at 80 % of the median peak after refills (before the first: of the peak shown),
             within tau_r of the fall, and at least 80 % of what left since the refill before was
             traded. Where the tape comes after the book, the refill counts once it has come; what
             trades after a refill did not cause the fall before it (`iceberg_level`)
    ARMED    at the refill before the last one needed
    CONFIRMED  refills >= 3, traded V >= 3 x the largest displayed size, cancelled share
             C / (start + added) <= 0.2, and V is above what chance leaves behind at refilled
             levels more than once in four hours, by those of the last hour: see `is_usual`

A confirmed episode goes on while it is refilled; its end is a second row of the same number,
EXPIRED (or REJECTED when the book was lost), with the totals and why it ended. An armed one that
ends is a near-miss. An episode ends when a fall is not refilled within 5 tau_r; when the touch
stays 2 e ahead of the level, or stays 2 e behind it for more than tau_r (others may quote there
when price returns: that is no iceberg); when the book is lost; when its place is needed.

A refill between two book rows is inferred where the tape took the level to half of its peak and
the next row, within tau_r, shows it full. Before the first refill a level that comes back above
half of its peak begins anew with what it shows: others stood there too.

Bias: a refill to exactly what was shown leaves no row and is not seen until the next one. A level
is known again by price when its slot has been given away between fall and refill, at the next
TIMER or trade; the refill then has the time at which the ledger first saw the level.

Records and shapes: `iceberg_records`. Ages on ts_recv. Units: ticks, lots, ns.
"""

from typing import Any

import numpy as np

from aggressor.detectors.iceberg_level import (
    COUNTED,
    FULL,
    WAITING,
    follow,
    read_level,
    see_unseen,
    take_late,
)
from aggressor.detectors.iceberg_records import FAR_OFF, LEVELS, IcebergState
from aggressor.detectors.iceberg_records import PROFILES as PROFILES
from aggressor.detectors.iceberg_row import (
    BOOK_LOST,
    CROWDED_OUT,
    NOT_REFILLED,
    TOUCH_LEFT,
    USUAL,
    is_usual,
    missing,
    write_row,
)
from aggressor.detectors.iceberg_row import CONDITIONS as CONDITIONS
from aggressor.detectors.iceberg_row import EVIDENCE as EVIDENCE
from aggressor.detectors.outbox import Outbox
from aggressor.features.baseline import add_sample
from aggressor.features.watch import ICEBERG_MARK, WatchState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.linking import prefetch
from aggressor.market.book import NO_SLOT, BookState, find_slot
from aggressor.market.ledger import LedgerState
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.signal import (
    ARMED,
    CONFIRMED,
    EXPIRED,
    REJECTED,
)


@kernel_inline
def on_trade(
    state: IcebergState,
    watch: WatchState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    slot: Int,
    event: Any,
) -> None:
    """Take a TRADE that the ledger gave to the level in `slot` (NO_SLOT: to none)."""
    if slot != NO_SLOT:
        _hit(state, watch, ledger, scenes, outbox, k, slot, event)


@kernel
def _hit(
    state: IcebergState,
    watch: WatchState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    slot: Int,
    event: Any,
) -> None:
    now, price = event["ts_recv"], np.int64(event["price"])
    s = np.int64(event["side"] > 0)
    at = -1
    for i in range(LEVELS):
        if state.prices[k, s, i] == price:
            at = i
    if at < 0:
        at = _open(state, watch, ledger, scenes, outbox, k, s, slot, event)
        if at < 0:
            return
    elif state.slots[k, s, at] != slot:
        _find_again(state, watch, ledger, k, s, at, slot)
    else:
        take_late(state, ledger, k, s, at, now)
    level = state.levels[k, s, at]
    if level["stage"] == 0:
        state.hits[k, s, at] = now
    if level["shown_hit_ns"] == NO_TIME:
        level["shown_hit_ns"] = now
    _decide(state, outbox, scenes, k, s, at, now, event["ts_venue"])


@kernel
def _open(
    state: IcebergState,
    watch: WatchState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    s: Int,
    slot: Int,
    event: Any,
) -> int:
    """Follow the level just hit; return its place, -1 where it cannot be followed."""
    head, scene, here = state.head[k], scenes[k], ledger.slots[slot]
    now, price, lots = event["ts_recv"], np.int64(event["price"]), event["size"]
    if scene["valid"] == 0:
        return -1
    if scene["effective_tick"] == 0:
        head["undecided"] += 1
        return -1
    if now < head["quiet_until"][s]:
        if abs(price - head["quiet_price"][s]) < head["quiet_ticks"][s]:
            return -1
    used = lots - min(lots, here["pend"])  # the book showed this much of the trade before the tape
    start = min(here["lots"] + used, here["peak"])
    if start <= 0:
        return -1
    at, oldest = -1, np.int64(FAR_OFF)
    for i in range(LEVELS):
        if state.prices[k, s, i] == NO_PRICE:
            at = i
            break
        if state.hits[k, s, i] < oldest:
            at, oldest = i, state.hits[k, s, i]
    if at < 0:
        head["crowded"] += 1
        return -1
    if state.prices[k, s, at] != NO_PRICE:
        _end(state, watch, outbox, scenes, k, s, at, now, EXPIRED, CROWDED_OUT)
    level = state.levels[k, s, at]
    level["phase"], level["stage"], level["refills"], level["pending"] = FULL, 0, 0, COUNTED
    level["price"], level["effective_tick"] = price, scene["effective_tick"]
    level["opened_ns"], level["start_lots"] = now, start
    level["max_lots"] = level["peak"] = start
    level["traded"], level["pulled"], level["added"], level["hidden"] = 0, 0, 0, 0
    level["base_traded"], level["base_pulled"] = 0, 0
    level["shown_lots"], level["shown_traded"], level["shown_hit_ns"] = start, 0, now
    level["met"] = level["shown_hidden"] = 0
    head["live"] += 1
    leaves = (1 - 2 * s) * price + state.parameters[k]["away_ticks"] * level["effective_tick"]
    head["trigger"][s] = min(head["trigger"][s], leaves)
    state.leaves[k, s, at], state.ahead[k, s, at] = leaves, NO_TIME
    state.hits[k, s, at] = now
    state.prices[k, s, at], state.low[k, s, at] = price, NO_TIME
    state.slots[k, s, at] = slot
    watch.marks[slot] |= np.uint8(ICEBERG_MARK)
    level["ledger_episode"] = here["episode"]
    level["seen_traded"] = here["traded"] + here["pend"] - lots
    level["seen_pulled"], level["seen_added"] = here["pulled"], here["added"]
    level["seen_hidden"] = here["hidden"]
    follow(state, ledger, k, s, at, now)
    return at


@kernel
def _find_again(
    state: IcebergState, watch: WatchState, ledger: LedgerState, k: Int, s: Int, i: Int, slot: Int
) -> None:
    """Follow a level in the slot it has now: it stood again before anything traded there."""
    level, here = state.levels[k, s, i], ledger.slots[slot]
    state.slots[k, s, i] = slot
    level["shown_lots"], level["shown_hit_ns"] = FAR_OFF, NO_TIME
    watch.marks[slot] |= np.uint8(ICEBERG_MARK)
    level["ledger_episode"] = here["episode"]
    traded = here["traded"] + here["pend"]
    level["seen_traded"], level["seen_pulled"] = traded, 0
    level["seen_added"], level["seen_hidden"] = 0, 0
    follow(state, ledger, k, s, i, max(here["first_seen_ns"], state.low[k, s, i]))
    level["traded"] += traded


@kernel
def on_level(
    state: IcebergState,
    watch: WatchState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    slot: Int,
    event: Any,
) -> None:
    """Take a LEVEL row of a marked slot."""
    s = np.int64(event["side"] < 0)
    for i in range(LEVELS):
        if state.slots[k, s, i] == slot and state.prices[k, s, i] == event["price"]:
            level, lots = state.levels[k, s, i], event["size"]
            fresh = level["traded"] != level["shown_traded"]
            quiet = level["stage"] == 0 and level["phase"] == FULL and not fresh
            quiet = quiet and level["pending"] != WAITING
            if quiet and lots <= level["peak"]:
                if lots > state.parameters[k]["fall_share"] * level["peak"]:
                    level["shown_lots"] = lots
                    return  # nothing to note: the ledger keeps the sums until they are needed
            see_unseen(state, ledger, k, s, i, event["ts_recv"])
            follow(state, ledger, k, s, i, event["ts_recv"])
            level["shown_lots"], level["shown_traded"] = lots, level["traded"]
            level["shown_hit_ns"], level["shown_hidden"] = NO_TIME, level["hidden"]
            _decide(state, outbox, scenes, k, s, i, event["ts_recv"], event["ts_venue"])
            return
    watch.marks[slot] &= np.uint8(0xFF ^ ICEBERG_MARK)


@kernel
def _decide(
    state: IcebergState, outbox: Outbox, scenes: Any, k: Int, s: Int, i: Int, now: Int, venue: Int
) -> None:
    """Arm or confirm a followed level."""
    row, level = state.parameters[k], state.levels[k, s, i]
    if level["stage"] == CONFIRMED or level["refills"] < row["refills_min"] - 1:
        return
    if level["stage"] == 0:
        state.head[k]["episodes"] += 1
        level["episode"] = state.head[k]["episodes"]
        level["stage"], level["ts_armed"] = ARMED, venue
        state.hits[k, s, i] = FAR_OFF
    if missing(row, level) != 0:
        return
    level["met"] = 1
    if not is_usual(state, k, s, i, now):
        level["stage"] = CONFIRMED
        head = state.head[k]
        head["quiet_price"][s], head["quiet_ticks"][s] = level["price"], level["effective_tick"]
        write_row(state, outbox, scenes, k, s, i, now, venue, CONFIRMED, 0)


@kernel_inline
def on_top(
    state: IcebergState, watch: WatchState, scenes: Any, outbox: Outbox, k: Int, now: Int
) -> None:
    """After a book message: end what the touch has left behind."""
    head, scene = state.head[np.uint64(k)], scenes[np.uint64(k)]
    if head["live"] > 0:
        above = scene["bid"] >= head["trigger"][0] or -scene["ask"] >= head["trigger"][1]
        if above or head["ahead"] > 0 or scene["valid"] == 0:
            _leave_behind(state, watch, scenes, outbox, k, now)


@kernel
def _leave_behind(
    state: IcebergState, watch: WatchState, scenes: Any, outbox: Outbox, k: Int, now: Int
) -> None:
    """End every level that the touch stays far ahead of, or all when the book is lost."""
    scene, away_ns = scenes[k], state.parameters[k]["away_ns"]
    state.head[k]["ahead"] = 0
    for s in range(2):
        height = scene["bid"] if s == 0 else -scene["ask"]
        trigger = np.int64(FAR_OFF)
        for i in range(LEVELS):
            if state.prices[k, s, i] == NO_PRICE:
                continue
            leaves = state.leaves[k, s, i]
            if scene["valid"] == 0:
                _end(state, watch, outbox, scenes, k, s, i, now, REJECTED, BOOK_LOST)
                continue
            if height < leaves:
                state.ahead[k, s, i] = NO_TIME
            elif state.ahead[k, s, i] == NO_TIME:
                state.ahead[k, s, i] = now
            elif now - state.ahead[k, s, i] >= away_ns:
                _end(state, watch, outbox, scenes, k, s, i, now, EXPIRED, TOUCH_LEFT)
                continue
            state.head[k]["ahead"] += np.int64(height >= leaves)
            trigger = min(trigger, leaves)
        state.head[k]["trigger"][s] = trigger


@kernel
def judge(
    state: IcebergState,
    watch: WatchState,
    book: BookState,
    ledger: LedgerState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
) -> None:
    """At a TIMER: find fallen levels again, end what was not refilled or lost its book."""
    row, scene = state.parameters[k], scenes[k]
    now = scene["now"]
    on_top(state, watch, scenes, outbox, k, now)
    if state.head[k]["live"] == 0:
        return
    for s in range(2):  # they lie apart: asked for together, they are waited for once
        for i in range(LEVELS):
            if state.low[k, s, i] != NO_TIME:
                for line in range(2):
                    prefetch(ledger.slots, state.slots[k, s, i], line)
                    prefetch(state.levels, (2 * k + s) * LEVELS + i, line)
    for s in range(2):
        for i in range(LEVELS):
            if state.low[k, s, i] == NO_TIME:
                continue
            slot = find_slot(book, k, 1 - 2 * s, state.prices[k, s, i])
            again = False
            if slot != NO_SLOT and slot != state.slots[k, s, i]:
                _find_again(state, watch, ledger, k, s, i, slot)
                again = True
            elif slot != NO_SLOT:
                read_level(state, ledger, k, s, i)
            else:
                state.slots[k, s, i] = NO_SLOT
            if again or state.hits[k, s, i] == FAR_OFF:  # armed: what is usual may have changed
                _decide(state, outbox, scenes, k, s, i, now, scene["venue_now"])
            fallen, level = state.low[k, s, i], state.levels[k, s, i]
            if fallen == NO_TIME or now - fallen <= row["refill_ns"]:
                continue
            best = scene["bid"] if s == 0 else scene["ask"]
            behind = (1 - 2 * s) * (level["price"] - best)
            left = behind >= row["away_ticks"] * level["effective_tick"]
            if now - fallen > row["patience"] * row["refill_ns"]:
                _end(state, watch, outbox, scenes, k, s, i, now, EXPIRED, NOT_REFILLED)
            elif left:
                _end(state, watch, outbox, scenes, k, s, i, now, EXPIRED, TOUCH_LEFT)


@kernel
def _end(
    state: IcebergState,
    watch: WatchState,
    outbox: Outbox,
    scenes: Any,
    k: Int,
    s: Int,
    i: Int,
    now: Int,
    phase: Int,
    failed: Int,
) -> None:
    """Stop following a level, with a row if it was armed or confirmed."""
    head, level = state.head[k], state.levels[k, s, i]
    if level["stage"] != 0:
        if level["stage"] == ARMED and failed == NOT_REFILLED:
            failed = missing(state.parameters[k], level)
            if failed == 0:
                failed = np.int64(USUAL)
        write_row(state, outbox, scenes, k, s, i, now, scenes[k]["venue_now"], phase, failed)
    if level["stage"] == CONFIRMED:
        head["quiet_until"][s] = now + state.parameters[k]["refractory_ns"]
    else:
        add_sample(state.shown, k, now, level["max_lots"])
        if level["refills"] >= 2:
            add_sample(state.volumes, 2 * k, now, level["traded"])
            if level["met"] == 1:
                add_sample(state.volumes, 2 * k + 1, now, level["traded"])
    if state.slots[k, s, i] != NO_SLOT:
        watch.marks[state.slots[k, s, i]] &= np.uint8(0xFF ^ ICEBERG_MARK)
    state.slots[k, s, i] = NO_SLOT
    state.prices[k, s, i], state.low[k, s, i] = NO_PRICE, NO_TIME
    level["phase"], level["stage"] = 0, 0
    head["live"] -= 1
