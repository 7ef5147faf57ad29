"""Where detectors put their SIGNAL records, and how a score is made (R5.0).

The outbox is a ring of SIGNAL rows shared by all detectors of an engine. A row that calls for a
decision (`call`) stops the pipeline at its event; others, such as walls, wait to be read with the
next decision, or until half the ring is full. `written` and `calls` only grow.

A score is the mean over the numeric conditions of min(1, value / (2 x threshold)), inverted for
"at most" conditions: 0.5 exactly at the thresholds, 1 at twice them. Conditions are hard gates;
the score only ranks.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.signal import CONFIRMED, SIGNAL, Signals
from aggressor.state import State

OUTBOX_SIZE = 256  # an event writes a handful at most

OUTBOX_HEAD = np.dtype([("written", "<i8"), ("read", "<i8"), ("calls", "<i8")])


class Outbox(State, frozen=True):
    """SIGNAL rows not yet read."""

    head: NDArray[Any]  # OUTBOX_HEAD, (1,)
    ring: Signals  # SIGNAL, (OUTBOX_SIZE,)


def new_outbox() -> Outbox:
    """Return an empty outbox."""
    return Outbox(np.zeros(1, OUTBOX_HEAD), np.zeros(OUTBOX_SIZE, SIGNAL))


def drain(outbox: Outbox) -> Signals:
    """Return a copy of the signals written since the last drain, oldest first."""
    head = outbox.head[0]
    first, last = int(head["read"]), int(head["written"])
    assert last - first <= OUTBOX_SIZE, "signals were overwritten before they were read"
    head["read"] = last
    return outbox.ring[np.arange(first, last) % OUTBOX_SIZE].copy()


def params_hash(params: Mapping[str, Any]) -> int:
    """Return 64 bits that name a set of thresholds."""
    text = ",".join(f"{name}={params[name]!r}" for name in sorted(params))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


@kernel_inline
def next_row(outbox: Outbox) -> int:
    """Take the next free row, zero its evidence, and return its index in the ring."""
    row = outbox.head[0]["written"] % OUTBOX_SIZE
    outbox.head[0]["written"] += 1
    evidence = outbox.ring[row]["evidence"]
    for j in range(evidence.size):
        evidence[j] = 0.0
    return row


@kernel
def put(
    outbox: Outbox,
    k: Int,
    kind: Int,
    phase: Int,
    failed: Int,
    side: Int,
    direction: Int,
    low: Int,
    high: Int,
    episode: Int,
    ts_armed: Int,
    ts_confirmed: Int,
    now: Int,
    params: np.uint64,
    provisional: Int,
    score: float,
) -> int:
    """Write a SIGNAL row but for its evidence, and return its index; it calls for nothing."""
    row = next_row(outbox)
    signal = outbox.ring[row]
    signal["instrument"] = k
    signal["kind"] = kind
    signal["phase"] = phase
    signal["failed"] = failed
    signal["side"] = side
    signal["direction"] = direction
    signal["low"] = low
    signal["high"] = high
    signal["episode"] = episode
    signal["ts_armed"] = ts_armed
    signal["ts_confirmed"] = ts_confirmed
    signal["ts_known"] = now
    signal["params"] = params
    signal["provisional"] = provisional
    signal["score"] = score
    return row


@kernel
def post(
    outbox: Outbox,
    k: Int,
    kind: Int,
    phase: Int,
    failed: Int,
    side: Int,
    direction: Int,
    low: Int,
    high: Int,
    episode: Int,
    ts_armed: Int,
    ts_confirmed: Int,
    now: Int,
    params: np.uint64,
    provisional: Int,
    score: float,
) -> int:
    """Do as `put`; what is confirmed calls for a decision, a near-miss is read with the next."""
    if phase == CONFIRMED:
        call(outbox)
    return put(
        outbox, k, kind, phase, failed, side, direction, low, high, episode, ts_armed,
        ts_confirmed, now, params, provisional, score,
    )  # fmt: skip


@kernel_inline
def call(outbox: Outbox) -> None:
    """Ask for a decision at this event."""
    outbox.head[0]["calls"] += 1


@kernel_inline
def is_filling(outbox: Outbox) -> bool:
    """Return whether rows should be read before many more are written."""
    head = outbox.head[0]
    return head["written"] - head["read"] >= OUTBOX_SIZE // 2


@kernel_inline
def at_least(value: float, threshold: float) -> float:
    """Score one condition `value >= threshold`."""
    if threshold <= 0.0:
        return 1.0
    return min(1.0, 0.5 * value / threshold)


@kernel_inline
def at_most(value: float, threshold: float) -> float:
    """Score one condition `value <= threshold`."""
    if value <= 0.0:
        return 1.0
    return min(1.0, 0.5 * threshold / value)
