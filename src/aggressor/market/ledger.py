"""The ledger: for every level, was a decrease traded or pulled, and was an increase added or
refilled?

A depth feed shows sizes, the tape shows trades, neither shows cancels. Between two displayed sizes
q0 -> q1 with traded volume V at the level, `net = q1 - q0 + V`: what is positive was added, what
is negative was pulled; both are lower bounds. Trades and book rows arrive in either order, so for
a tolerance (ts_recv) each side waits for the other:

* *ghost*: a decrease called pulled for now; a trade within the tolerance makes it traded, oldest
first;
* *pend*: a trade that no book row has shown yet; the next row of the level takes it into V. If
none comes in time the level
  was replenished: traded and added grow alike, and the part above the displayed lots is `hidden`,
  the rest `refilled`.

Both wait in one ring per lane, in the order of time. What was used early is only counted per slot
(`ghost_used`, `pend_used`): because use is oldest first, an expiring entry is void by as much as
was used. A level that goes to 0 lingers, dormant, until its last entry expires, so that a level
consumed and refilled within the tolerance stays one episode.

Invariant, for every level after every event: `lots == start_lots + added - pulled - traded`, where
pulled is final and provisional (ghost) together and traded leaves out pend. `hidden` and
`refilled` are disjoint parts of `added`.

SNAPSHOT rows start a ledger at the lots they show, and CLEAR ends all of the lane (pend becomes
`unresolved`). Outside a synced book nothing is attributed. NOT_FLOW, RPI and sideless trades never
are. With `view_levels` > 0 (a feed of the best n levels) the deepest level leaving or entering a
full view is neither pulled nor added. Source: R1.11, R1.12.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.linking import prefetch
from aggressor.market.book import (
    BookState,
    ensure_slot,
    key_of,
    next_key,
    release_slot,
    row_of,
)
from aggressor.market.ladder import write_key
from aggressor.market.levels import NO_KEY, NO_SLOT
from aggressor.schema.event import NOT_FLOW, RPI, SNAPSHOT
from aggressor.state import State, zeros_by_line

GHOST = 1
PEND = 2
AHEAD = 8  # entries: a level is sent for so long before it is settled
TOLERANCE_NS = 50_000_000  # for a raw feed; a feed conflated to 100 ms wants 250 ms

LEDGER_HEAD = np.dtype(
    [
        ("tolerance_ns", "<i8"),
        ("view_levels", "<i8"),  # levels a side that the feed shows; 0: all
        ("first", "<i8"),  # ring: entries first .. next - 1 are live
        ("next", "<i8"),
        ("unattributed", "<i8"),  # lots of trades that belong to no level
    ]
)

# The order is that of use: the first 64 bytes, one line of the cache, are what an ordinary row or
# trade touches.
LEDGER_SLOT = np.dtype(
    [
        ("lots", "<i8"),  # displayed
        ("added", "<i8"),
        ("pulled", "<i8"),  # final and provisional
        ("ghost", "<i8"),  # the provisional part of pulled
        ("pend", "<i8"),  # trades not yet seen in the book
        ("traded", "<i8"),  # without pend
        ("peak", "<i8"),  # largest displayed lots
        ("episode", "<i4"),  # counts the ledgers this slot has had
        ("waiting", "<i2"),  # ring entries of this slot
        ("open", "u1"),
        ("reserved", "u1"),
        ("hidden", "<i8"),  # part of added: traded, and never displayed
        ("refilled", "<i8"),  # part of added: traded, and displayed as if nothing had been
        ("start_lots", "<i8"),
        ("first_seen_ns", "<i8"),  # ts_recv
        ("ghost_used", "<i8"),  # of entries still in the ring: what trades took of them
        ("pend_used", "<i8"),  # of entries still in the ring: what rows took of them
        ("spare", "<i8", (2,)),
    ]
)

LEDGER_SIDE = np.dtype(
    [
        ("added", "<i8"),
        ("pulled", "<i8"),
        ("traded", "<i8"),
        ("hidden", "<i8"),
        ("refilled", "<i8"),
        ("unresolved", "<i8"),  # pend of ledgers closed before its time was up
    ]
)

WAITING = np.dtype(
    [("ts_recv", "<i8"), ("lots", "<i8"), ("slot", "<i4"), ("kind", "u1"), ("reserved", "u1", (3,))]
)


class LedgerState(State, frozen=True):
    """The ledgers of all levels: `slots` by level slot, `sides` by 2 * lane + (0 bid, 1 ask)."""

    head: NDArray[Any]
    sides: NDArray[Any]
    slots: NDArray[Any]
    ring: NDArray[Any]


def ledger_state(
    lanes: int, levels: int = 8192, tolerance_ns: int = TOLERANCE_NS, ring: int = 1024
) -> LedgerState:
    """Return empty ledgers for a book of `lanes` and `levels`; `ring` (2^n) may wait per lane."""
    assert ring & (ring - 1) == 0
    head = np.zeros(lanes, LEDGER_HEAD)
    head["tolerance_ns"] = tolerance_ns
    return LedgerState(
        head=head,
        sides=np.zeros(2 * lanes, LEDGER_SIDE),
        slots=zeros_by_line(levels, LEDGER_SLOT),
        ring=np.zeros((lanes, ring), WAITING),
    )


def grow_slots(ledger: LedgerState, levels: int) -> LedgerState:
    """Return the same ledgers for a book that now has `levels` slots."""
    slots = zeros_by_line(levels, LEDGER_SLOT)
    slots[: ledger.slots.size] = ledger.slots
    return ledger.replace(slots=slots)


def grow_ring(ledger: LedgerState) -> LedgerState:
    """Return the same ledgers with twice the ring."""
    lanes, size = ledger.ring.shape
    ring = np.zeros((lanes, 2 * size), WAITING)
    for k in range(lanes):
        live = np.arange(ledger.head[k]["first"], ledger.head[k]["next"])
        ring[k, live & (2 * size - 1)] = ledger.ring[k, live & (size - 1)]
    return ledger.replace(ring=ring)


@kernel_inline
def ring_has_room(ledger: LedgerState, k: Int) -> bool:
    """Return whether lane `k` can note one more waiting amount: one event needs at most one."""
    head = ledger.head[np.uint64(k)]
    return head["next"] - head["first"] < ledger.ring.shape[1]


@kernel_inline
def wait(ledger: LedgerState, k: Int, now: Int, slot: Int, lots: Int, kind: Int) -> None:
    """Let an amount wait for its counterpart; there must be room."""
    note(ledger, k, now, slot, lots, kind, 1)


@kernel_inline
def note(
    ledger: LedgerState, k: Int, now: Int, slot: Int, lots: Int, kind: Int, waits: Int
) -> None:
    """Write an amount behind what waits; it is one of them if `waits` is 1, nothing if 0."""
    head = ledger.head[np.uint64(k)]
    position = head["next"]
    entry = ledger.ring[np.uint64(k), np.uint64(position & (ledger.ring.shape[1] - 1))]
    entry["ts_recv"] = now
    entry["lots"] = lots
    entry["slot"] = slot
    entry["kind"] = kind
    head["next"] = position + waits
    ledger.slots[np.uint64(slot)]["waiting"] += waits


@kernel_inline
def start_slot(ledger: LedgerState, slot: Int, lots: Int, start: Int, now: Int) -> None:
    """Begin a ledger at `start` of the `lots` displayed; what waits of the last one is void."""
    here = ledger.slots[np.uint64(slot)]
    if here["waiting"] > 0:
        here["ghost_used"] += here["ghost"]
        here["pend_used"] += here["pend"]
    else:
        here["ghost_used"] = 0
        here["pend_used"] = 0
    here["lots"] = lots
    here["start_lots"] = start
    here["added"] = lots - start
    here["pulled"] = 0
    here["ghost"] = 0
    here["pend"] = 0
    here["traded"] = 0
    here["hidden"] = 0
    here["refilled"] = 0
    here["peak"] = lots
    here["first_seen_ns"] = now
    here["episode"] += 1
    here["open"] = 1


@kernel_inline
def on_level(book: BookState, ledger: LedgerState, k: Int, event: Any) -> Int:
    """Apply a LEVEL row to the book and settle its ledger; call `expire_lane` first.

    Returns the slot, dormant when the level has gone, or NO_SLOT when an unknown level was removed.
    """
    side = np.int64(event["side"])
    row = row_of(k, side)
    key = key_of(side, event["price"])
    lots = np.int64(event["size"])
    slot = write_key(book, row, key, lots, True)
    if slot == NO_SLOT:
        return slot
    here = ledger.slots[np.uint64(slot)]
    total = ledger.sides[np.uint64(row)]
    now = event["ts_recv"]
    synced = book.head[np.uint64(k)]["synced"] != 0 and event["flags"] & SNAPSHOT == 0
    if not synced or ledger.head[np.uint64(k)]["view_levels"] > 0:
        if begins(book, ledger, row, key, slot, lots, synced, now):
            if lots == 0:
                wait(ledger, k, now, slot, 0, GHOST)
            return slot
    if here["open"] == 0:
        start_slot(ledger, slot, 0, 0, now)
    net = lots - here["lots"]
    pend = here["pend"]
    if pend > 0:
        hidden = max(pend - here["lots"], 0)
        here["hidden"] += hidden
        total["hidden"] += hidden
        here["traded"] += pend
        total["traded"] += pend
        here["pend_used"] += pend
        here["pend"] = 0
        net += pend
    # Whether a level grows or shrinks is a coin toss: both are booked, and one of them is nothing.
    added, pulled = max(net, 0), max(-net, 0)
    here["lots"] = lots
    here["peak"] = max(here["peak"], lots)  # lots that shrink are below it
    here["added"] += added
    total["added"] += added
    here["pulled"] += pulled
    here["ghost"] += pulled
    total["pulled"] += pulled
    note(ledger, k, now, slot, pulled, GHOST, np.int64((net < 0) | (lots == 0)))
    return slot


@kernel
def begins(
    book: BookState,
    ledger: LedgerState,
    row: Int,
    key: Int,
    slot: Int,
    lots: Int,
    synced: bool,
    now: Int,
) -> bool:
    """Start a ledger at the lots of a row that tells of no change; return whether it is one."""
    here = ledger.slots[np.uint64(slot)]
    if not synced:
        start_slot(ledger, slot, lots, lots, now)
        return True
    view = ledger.head[np.uint64(row >> 1)]["view_levels"]
    was = here["lots"] if here["open"] != 0 else 0
    if view > 0 and (was == 0) != (lots == 0):
        full = book.sides[np.uint64(row)]["levels"] >= view - (lots == 0)
        if full and next_key(book, row, key) == NO_KEY:
            start_slot(ledger, slot, lots, lots, now)
            return True
    return False


@kernel_inline
def on_trade(book: BookState, ledger: LedgerState, k: Int, event: Any) -> Int:
    """Give a trade to the level it met; call `expire_lane` first.

    Returns the level's slot, or NO_SLOT when the trade belongs to no level.
    """
    aggressor = np.int64(event["side"])
    lots = np.int64(event["size"])
    synced = book.head[np.uint64(k)]["synced"] != 0
    if aggressor == 0 or lots <= 0 or not synced or event["flags"] & (RPI | NOT_FLOW):
        ledger.head[np.uint64(k)]["unattributed"] += lots
        return NO_SLOT
    slot = ensure_slot(book, k, -aggressor, event["price"])
    here = ledger.slots[np.uint64(slot)]
    now = event["ts_recv"]
    if here["open"] == 0:
        start_slot(ledger, slot, 0, 0, now)
    used = min(lots, here["ghost"])
    if used > 0:
        total = ledger.sides[np.uint64(row_of(k, -aggressor))]
        here["ghost"] -= used
        here["ghost_used"] += used
        here["pulled"] -= used
        here["traded"] += used
        total["pulled"] -= used
        total["traded"] += used
    if lots > used:
        here["pend"] += lots - used
        wait(ledger, k, now, slot, lots - used, PEND)
    return slot


@kernel_inline
def expire_lane(book: BookState, ledger: LedgerState, k: Int, now: Int) -> None:
    """Settle what lane `k` has waited for longer than its tolerance at `now` (ts_recv)."""
    head = ledger.head[np.uint64(k)]
    first = head["first"]
    if first != head["next"]:
        position = np.uint64(first & (ledger.ring.shape[1] - 1))
        if ledger.ring[np.uint64(k), position]["ts_recv"] < now - head["tolerance_ns"]:
            settle(book, ledger, np.int64(k), now)


@kernel
def expire(book: BookState, ledger: LedgerState, now: Int) -> None:
    """Settle what every lane has waited for too long; for TIMER events."""
    for k in range(ledger.head.size):
        expire_lane(book, ledger, k, now)


@kernel
def settle(book: BookState, ledger: LedgerState, k: Int, now: Int) -> None:
    """Make final every entry of lane `k` older than its tolerance."""
    head = ledger.head[np.uint64(k)]
    mask = ledger.ring.shape[1] - 1
    limit = now - head["tolerance_ns"]
    first, stop = head["first"], head["next"]
    while first != stop:
        entry = ledger.ring[np.uint64(k), np.uint64(first & mask)]
        if entry["ts_recv"] >= limit:
            break
        later = ledger.ring[np.uint64(k), np.uint64((first + AHEAD) & mask)]
        prefetch(ledger.slots, np.int64(later["slot"]), 0)
        prefetch(ledger.slots, np.int64(later["slot"]), 1)
        prefetch(book.levels, np.int64(later["slot"]), 0)
        first += 1
        slot = np.int64(entry["slot"])
        here = ledger.slots[np.uint64(slot)]
        here["waiting"] -= 1
        if entry["kind"] == GHOST:
            used = min(entry["lots"], here["ghost_used"])
            here["ghost_used"] -= used
            here["ghost"] -= entry["lots"] - used
        else:
            used = min(entry["lots"], here["pend_used"])
            here["pend_used"] -= used
            if entry["lots"] > used:
                replenish(book, ledger, slot, entry["lots"] - used)
        if here["waiting"] == 0 and here["lots"] == 0:
            here["open"] = 0
            release_slot(book, slot)
    head["first"] = first


@kernel
def replenish(book: BookState, ledger: LedgerState, slot: Int, lots: Int) -> None:
    """Book a trade that no row has shown: as much was added as was traded."""
    level = book.levels[np.uint64(slot)]
    here = ledger.slots[np.uint64(slot)]
    total = ledger.sides[np.uint64(row_of(level["instrument"], level["side"]))]
    hidden = max(lots - here["lots"], 0)
    here["pend"] -= lots
    here["traded"] += lots
    here["added"] += lots
    here["hidden"] += hidden
    here["refilled"] += lots - hidden
    total["traded"] += lots
    total["added"] += lots
    total["hidden"] += hidden
    total["refilled"] += lots - hidden


@kernel
def close_lane(book: BookState, ledger: LedgerState, k: Int) -> None:
    """End every ledger of lane `k`, before its book is cleared."""
    for slot in range(1, book.levels.size):
        level = book.levels[slot]
        here = ledger.slots[slot]
        if level["place"] != 0 and level["instrument"] == k:
            total = ledger.sides[np.uint64(row_of(k, level["side"]))]
            total["unresolved"] += here["pend"]
            here["pend"] = 0
            here["ghost"] = 0
            here["waiting"] = 0
            here["open"] = 0
    head = ledger.head[np.uint64(k)]
    head["first"] = head["next"]
