"""VWAP and its bands: of a bar, from moments about its open, and of a session, by West's update.

Both avoid the sum of v x p^2 on raw prices, which loses the variance to cancellation. A bar keeps
the exact integer sum of (p - open) x v and the sum of (p - open)^2 x v; a session keeps a running
mean and the scatter about it (West 1979, the weighted form of Welford's update). The variance is
that of the population, weighted by volume; bands stand at mean +- k sigma.

A session starts at 00:00 UTC of ts_venue. Trades that nobody chose to make are left out; a trade
with a bad clock counts but never starts a session, and a late one counts in the session in hand.

    head   (lanes,)   VWAP_HEAD: lots, ticks, ticks^2 x lots

Source: R4.7.
"""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import DAY_NS
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import BAD_CLOCK, NO_TIME, NOT_FLOW, TRADE, Events
from aggressor.state import State

VWAP_HEAD = np.dtype(
    [
        ("day_end_ns", "<i8"),
        ("volume", "<i8"),  # lots since the anchor
        ("mean", "<f8"),  # ticks
        ("scatter", "<f8"),  # sum of size x (price - mean)^2
    ]
)


class VwapState(State, frozen=True):
    """The session's VWAP of every lane."""

    head: NDArray[Any]


def vwap_state(lanes: int) -> VwapState:
    """Return the state of `lanes` instruments that have not traded."""
    head = np.zeros(lanes, VWAP_HEAD)
    head["day_end_ns"] = NO_TIME
    return VwapState(head)


@kernel_inline
def bar_moments(open_price: Int, volume: Int, moment: Int, square: float) -> tuple[float, float]:
    """Return (VWAP, sigma) in ticks from sums about the open; (open, 0) when nothing traded."""
    if volume <= 0:
        return float(open_price), 0.0
    mean = moment / volume
    return open_price + mean, sqrt(max(square / volume - mean * mean, 0.0))


@kernel_inline
def on_trade(vwap: VwapState, k: Int, event: Any) -> None:
    """Add one TRADE to the session of lane `k`."""
    head = vwap.head[k]
    size = event["size"]
    if event["flags"] & NOT_FLOW or size <= 0:
        return
    if event["ts_venue"] >= head["day_end_ns"] and event["flags"] & BAD_CLOCK == 0:
        head["day_end_ns"] = (event["ts_venue"] // DAY_NS + 1) * DAY_NS
        head["volume"] = 0
        head["mean"] = 0.0
        head["scatter"] = 0.0
    head["volume"] += size
    away = float(event["price"]) - head["mean"]
    head["mean"] += away * float(size) / float(head["volume"])
    head["scatter"] += float(size) * away * (float(event["price"]) - head["mean"])


@kernel_inline
def session_vwap(vwap: VwapState, k: Int) -> float:
    """Return the VWAP since the anchor, ticks; nan when nothing traded."""
    head = vwap.head[k]
    return head["mean"] if head["volume"] > 0 else np.nan


@kernel_inline
def session_sigma(vwap: VwapState, k: Int) -> float:
    """Return the standard deviation since the anchor, ticks; nan when nothing traded."""
    head = vwap.head[k]
    return sqrt(head["scatter"] / float(head["volume"])) if head["volume"] > 0 else np.nan


@kernel
def run_vwap(events: Events, start: Int, stop: Int, vwap: VwapState) -> Int:
    """Use the trades of events[start:stop] of every lane; return stop."""
    for i in range(start, stop):
        event = events[i]
        if event["kind"] == TRADE:
            on_trade(vwap, np.int64(event["instrument"]), event)
    return stop
