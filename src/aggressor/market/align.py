"""Alignment of book snapshots and deltas: sequence numbers in, verdicts out.

A book is only true if every delta since a full picture has been applied, in order, once. Every
venue says so with other numbers, so the machine has two settings, both values:

    policy   NATIVE         the stream opens with a snapshot; another replaces all (Bybit, WEEX)
             SNAPSHOT_ONLY  every message is a whole book
             REST_SNAPSHOT  deltas flow at once and wait for a fetched snapshot (Binance, MEXC)
    chain    PREVIOUS_LINK  previous == last seen        (Binance futures: `pu`; ids are not dense)
             CONTIGUOUS     first <= last seen + 1       (Binance spot, MEXC, Bybit)
             TOUCHING       first == last seen           (WEEX)
             SKIPPING       snapshot + 1, then any newer id; one that is not newer is a gap
                            (BingX: ids skip without loss, messages out of order are a fault)
             NONE           any newer id

A delta carries `first` and `last` (U and u; equal where the venue has one id) and `previous` (pu,
else NO_ID). Verdicts, and what the caller does:

    APPLY    use it. After a snapshot's APPLY the deltas that waited are offered again in order.
    DROP     a duplicate, a replay, older than the snapshot, or a delta nobody can use: forget it.
    BUFFER   keep the message until a snapshot comes.
    GAP      something is missing: the book is unknown, ask for a snapshot; with REST_SNAPSHOT keep
             this delta as the first that waits.
    TOO_OLD  the snapshot ends before the oldest waiting delta begins: ask again, go on waiting.

Binance's rule to the letter: drop u < id, the first used delta has U <= id <= u (spot: U <= id + 1
<= u), then the chain. Two continuations that the letter leaves out are accepted because the chain
proves them: pu == id, and a delta linked to one that the snapshot already holds (nothing happened
between, ids of a quiet symbol).

A snapshot that arrives while a REST_SNAPSHOT book is aligned is dropped unless it is newer than the
last delta: the chain already proves the book, which moreover knows levels deeper than a snapshot
shows. A newer one is applied: it is how a recording starts again after a pause. Ids that start anew
(a new connection of some venues) need `restart`, else everything below the old ids counts as a
replay.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel, kernel_inline

NATIVE = 1
SNAPSHOT_ONLY = 2
REST_SNAPSHOT = 3

PREVIOUS_LINK = 1
CONTIGUOUS = 2
TOUCHING = 3
NONE = 4
SKIPPING = 5

APPLY = 1
DROP = 2
BUFFER = 3
GAP = 4
TOO_OLD = 5

VERDICT_NAMES = {APPLY: "apply", DROP: "drop", BUFFER: "buffer", GAP: "gap", TOO_OLD: "too old"}

WAITING = 0  # no book: a snapshot is needed
ANCHORED = 1  # a snapshot stands, no delta has followed it yet
ALIGNED = 2  # the chain runs

NO_ID = -1  # sentinel: the venue gave no such id, or none was seen yet

ALIGN = np.dtype(
    [
        ("last", "<i8"),  # the book is as of this id
        ("seen", "<i8"),  # id of the newest delta met since the last restart, used or not
        ("oldest", "<i8"),  # first id of the oldest waiting delta of an unbroken chain
        ("oldest_previous", "<i8"),
        ("waiting", "<i8"),  # deltas the caller keeps
        ("applied", "<i8"),  # from here on: counters
        ("dropped", "<i8"),
        ("buffered", "<i8"),
        ("gaps", "<i8"),
        ("snapshots", "<i8"),
        ("snapshots_dropped", "<i8"),
        ("snapshots_too_old", "<i8"),
        ("skips", "<i8"),  # jumps that SKIPPING allows
        ("policy", "u1"),
        ("chain", "u1"),
        ("phase", "u1"),
        ("reserved", "u1", (5,)),
    ]
)

Alignment = NDArray[Any]  # dtype ALIGN, shape (lanes,)


def align_state(lanes: int, policy: int, chain: int) -> Alignment:
    """Return the alignment of `lanes` instruments, all waiting for a snapshot."""
    align = np.zeros(lanes, ALIGN)
    align["policy"] = policy
    align["chain"] = chain
    align["last"] = align["seen"] = NO_ID
    align["oldest"] = align["oldest_previous"] = NO_ID
    return align


@kernel_inline
def restart(align: Alignment, k: int) -> None:
    """Forget book and ids of lane k, as after a lost connection; the caller drops what waited."""
    head = align[k]
    head["phase"] = WAITING
    head["last"] = NO_ID
    head["seen"] = NO_ID
    head["oldest"] = NO_ID
    head["oldest_previous"] = NO_ID
    head["waiting"] = 0


@kernel_inline
def _links(chain: int, seen: int, first: int, previous: int) -> bool:
    """Say whether a newer delta continues directly behind id `seen`."""
    if chain == PREVIOUS_LINK:
        return previous == seen
    if chain == CONTIGUOUS:
        return first <= seen + 1
    if chain == TOUCHING:
        return first == seen
    return True


@kernel_inline
def _follows(chain: int, snapshot: int, first: int, previous: int) -> bool:
    """Say whether a delta that ends behind `snapshot` leaves nothing out between the two."""
    if chain == PREVIOUS_LINK:
        return first <= snapshot or previous == snapshot
    if chain == CONTIGUOUS:
        return first <= snapshot + 1
    if chain == TOUCHING:
        return first <= snapshot
    if chain == SKIPPING:
        return first == snapshot + 1
    return True


@kernel_inline
def on_delta(align: Alignment, k: int, first: int, last: int, previous: int) -> int:
    """Judge one delta of lane k: APPLY, DROP, BUFFER or GAP."""
    head = align[k]
    seen = head["seen"]
    chain = head["chain"]
    if last <= seen:
        if chain == SKIPPING and head["phase"] != WAITING:
            return _lose(align, k, first, previous)
        head["dropped"] += 1
        return DROP
    linked = seen != NO_ID and _links(chain, seen, first, previous)
    if chain == SKIPPING and head["phase"] == ANCHORED:
        linked = False  # the first must follow the snapshot itself
    head["seen"] = last
    if head["phase"] == WAITING:
        return _keep(align, k, first, previous, linked)
    if head["phase"] == ANCHORED and not linked:
        linked = _follows(chain, head["last"], first, previous)
    if head["phase"] == ANCHORED:
        if last < head["last"] or (last == head["last"] and chain != PREVIOUS_LINK):
            head["dropped"] += 1
            return DROP
    if linked:
        if chain == SKIPPING and first > seen + 1:
            head["skips"] += 1
        head["phase"] = ALIGNED
        head["last"] = last
        head["applied"] += 1
        return APPLY
    return _lose(align, k, first, previous)


@kernel_inline
def _lose(align: Alignment, k: int, first: int, previous: int) -> int:
    """Give up the book of lane k; the delta in hand is the first that may wait."""
    head = align[k]
    head["phase"] = WAITING
    head["gaps"] += 1
    head["waiting"] = 0
    _keep(align, k, first, previous, False)
    return GAP


@kernel_inline
def _keep(align: Alignment, k: int, first: int, previous: int, linked: bool) -> int:
    """Count a delta that waits; a break among those that wait makes the ones before it useless."""
    head = align[k]
    if head["policy"] != REST_SNAPSHOT:
        head["dropped"] += 1
        return DROP
    if head["waiting"] == 0 or not linked:
        head["oldest"] = first
        head["oldest_previous"] = previous
    head["waiting"] += 1
    head["buffered"] += 1
    return BUFFER


@kernel_inline
def on_snapshot(align: Alignment, k: int, last: int) -> int:
    """Judge a full picture of lane k as of id `last`: APPLY, DROP or TOO_OLD."""
    head = align[k]
    policy = head["policy"]
    aligned = head["phase"] != WAITING
    if policy != NATIVE and aligned and last != NO_ID and last <= head["last"]:
        head["snapshots_dropped"] += 1
        return DROP
    if policy == REST_SNAPSHOT:
        if head["waiting"] > 0:
            if not _follows(head["chain"], last, head["oldest"], head["oldest_previous"]):
                head["snapshots_too_old"] += 1
                return TOO_OLD
        if not aligned:
            head["seen"] = NO_ID
        head["phase"] = ANCHORED
    else:
        head["seen"] = last
        head["phase"] = ANCHORED if head["chain"] == SKIPPING else ALIGNED
    head["last"] = last
    head["waiting"] = 0
    head["snapshots"] += 1
    return APPLY


@kernel
def judge(
    align: Alignment,
    k: int,
    steps: NDArray[np.int64],
    verdicts: NDArray[np.int64],
) -> None:
    """Judge messages: steps (n, 3) of first, last, previous; a snapshot has first == NO_ID."""
    for i in range(steps.shape[0]):
        if steps[i, 0] == NO_ID:
            verdicts[i] = on_snapshot(align, k, steps[i, 1])
        else:
            verdicts[i] = on_delta(align, k, steps[i, 0], steps[i, 1], steps[i, 2])
