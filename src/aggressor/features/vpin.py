"""VPIN: how one-sided the flow is, measured in volume time (R3.6).

Volume is cut into buckets of V lots, a print that crosses the boundary is split, and

    VPIN = sum over the last n buckets of |bought - sold|  /  sum of their volume

V is a share (1/50) of an average day: given, or learned from the first hour and then from whole
days (UTC, ts_venue). Buckets keep the V they were begun with. Two variants fill their own buckets:

    FLAGGED   the venue's aggressor; a print without one is volume of no side
    BULK      whole one-minute bars, bought share Phi(dp / sigma), the normal distribution of the
              bar's price change over the deviation of the changes before it (BVC)

`share` is VPIN's place among its own values of the last month (empirical CDF, at most the last
MONTH of them, strictly past). It is a description of the regime, no more: with the exact sides it
behaves oppositely to the bulk variant, and neither adds to volume and volatility (Andersen &
Bondarenko 2014).

    head      (lanes,)               VPIN_HEAD
    series    (lanes, VARIANTS)      VPIN_SERIES
    buckets   (lanes, VARIANTS, n)   VPIN_BUCKET: a ring
    changes   (lanes, CHANGES)       int64 ticks, changes of bars: a ring
    month     2 per lane             VPIN in PPM

Invariants: volume and signed volume of buckets, closed and open, are those of what was poured in
since V is known; 0 <= VPIN <= 1. Source: Easley, Lopez de Prado & O'Hara 2011, 2012.
"""

from collections.abc import Sequence
from math import erf, sqrt
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import PPM
from aggressor.features.parameters import HOUR_NS, MICRO, MINUTE_NS, PERP, parameter_rows
from aggressor.features.recent import RecentState, add_recent, expire_recent, recent_state
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import BAD_CLOCK, NO_TIME, NOT_FLOW, TRADE, Events
from aggressor.state import State

VARIANTS = 2
FLAGGED, BULK = 0, 1
BUCKETS = 256  # kept per series at most; a power of two
CHANGES = 256  # bar changes kept per lane at most; a power of two
MONTH = 2048  # values of VPIN kept for its distribution

_DAY_NS = 24 * HOUR_NS
_MONTH_NS = 30 * _DAY_NS
_ROOT_HALF = sqrt(0.5)

VPIN_HEAD = np.dtype(
    [
        ("bucket_lots", "<i8"),  # V; 0 while not known
        ("first_ns", "<i8"),  # ts_venue of the first print
        ("seen_lots", "<i8"),  # since then, while V is being learned
        ("day", "<i8"),  # UTC day under way
        ("day_lots", "<i8"),
        ("day_whole", "<i8"),  # 1: seen from its beginning
        ("days", "<i8"),  # whole days in the mean
        ("mean_day_lots", "<f8"),
        ("day_end_ns", "<i8"),
        ("bar_end_ns", "<i8"),  # of the bar under way, ts_venue
        ("bar_lots", "<i8"),
        ("bar_close", "<i8"),  # ticks
        ("closed_close", "<i8"),  # ticks, of the bar before
        ("bars", "<i8"),  # closed so far
        ("changes", "<i8"),  # ever put into the ring
        ("change_sum", "<i8"),  # ticks, of those in the window
        ("change_squares", "<i8"),
    ]
)

VPIN_SERIES = np.dtype(
    [
        ("lots", "<i8"),  # in the open bucket
        ("room", "<i8"),  # V of the open bucket; 0 before the first
        ("net", "<f8"),  # bought - sold in the open bucket
        ("closed", "<i8"),  # buckets closed so far
        ("imbalance", "<f8"),  # sums over the last n
        ("volume", "<f8"),
        ("vpin", "<f8"),  # nan before n buckets have closed
        ("share", "<f8"),  # nan before `values_min` values
    ]
)

VPIN_BUCKET = np.dtype([("lots", "<i8"), ("net", "<f8")])


class VpinParameters(msgspec.Struct, frozen=True, kw_only=True):
    """How volume is cut."""

    bucket_lots: int = 0  # V; 0: learn it
    buckets_per_day: int = 50
    buckets: int = 50  # n
    learn_ns: int = HOUR_NS
    bar_ns: int = MINUTE_NS
    changes: int = 240  # bars in sigma, without the one in hand
    changes_min: int = 20
    values_min: int = 200  # for the distribution


VPIN_PROFILES = {PERP: VpinParameters(), MICRO: VpinParameters()}

VPIN_ROW = np.dtype([(name, "<i8") for name in VpinParameters.__struct_fields__])


class VpinState(State, frozen=True):
    """Volume buckets of every lane; see the module text."""

    head: NDArray[Any]
    parameters: NDArray[Any]  # VPIN_ROW, (lanes,)
    series: NDArray[Any]
    buckets: NDArray[Any]
    changes: NDArray[np.int64]
    month: RecentState


def vpin_state(lanes: int, parameters: VpinParameters | Sequence[VpinParameters]) -> VpinState:
    """Return the state of `lanes` instruments that have not traded yet."""
    rows = parameter_rows(VPIN_ROW, lanes, parameters)
    assert (rows["buckets"] <= BUCKETS).all()
    assert (rows["changes"] <= CHANGES).all()
    assert (rows["changes_min"] >= 2).all(), "a deviation takes two changes"
    head = np.zeros(lanes, VPIN_HEAD)
    head["bucket_lots"] = rows["bucket_lots"]
    for name in ("first_ns", "day", "day_end_ns", "bar_end_ns"):
        head[name] = NO_TIME
    series = np.zeros((lanes, VARIANTS), VPIN_SERIES)
    series["vpin"] = series["share"] = np.nan
    return VpinState(
        head,
        rows,
        series,
        np.zeros((lanes, VARIANTS, BUCKETS), VPIN_BUCKET),
        np.zeros((lanes, CHANGES), np.int64),
        recent_state([_MONTH_NS] * (VARIANTS * lanes), MONTH),
    )


@kernel_inline
def normal_net(z: float) -> float:
    """Return bought less sold per lot, 2 Phi(z) - 1, at a price change of z deviations."""
    return erf(z * _ROOT_HALF)


@kernel_inline
def on_trade(vpin: VpinState, k: Int, event: Any) -> None:
    """Pour one TRADE into the buckets of lane `k`."""
    head, row = vpin.head[k], vpin.parameters[k]
    lots, now = event["size"], event["ts_recv"]
    if (event["flags"] & BAD_CLOCK) == 0:
        ts_venue = event["ts_venue"]
        if head["bucket_lots"] == 0 or ts_venue >= head["day_end_ns"]:
            _learn(vpin, k, ts_venue)
        if ts_venue >= head["bar_end_ns"]:
            if head["bar_lots"] > 0:
                _close_bar(vpin, k, now)
            head["bar_end_ns"] = (ts_venue // row["bar_ns"] + 1) * row["bar_ns"]
    head["seen_lots"] += lots
    head["day_lots"] += lots
    head["bar_lots"] += lots
    head["bar_close"] = event["price"]
    if head["bucket_lots"] > 0:
        _pour(vpin, k, FLAGGED, lots, float(event["side"]), now)


@kernel
def _learn(vpin: VpinState, k: Int, ts_venue: Int) -> None:
    """Set V from the first stretch of time, then from every whole day (a mean of at most 30)."""
    head, row = vpin.head[k], vpin.parameters[k]
    if head["first_ns"] == NO_TIME:
        head["first_ns"] = ts_venue
    day = ts_venue // _DAY_NS
    per_day = float(row["buckets_per_day"])
    if day > head["day"]:
        if head["day_whole"] == 1 and day == head["day"] + 1 and row["bucket_lots"] == 0:
            head["days"] = min(head["days"] + 1, 30)
            step = float(head["day_lots"]) - head["mean_day_lots"]
            head["mean_day_lots"] += step / float(head["days"])
            head["bucket_lots"] = max(np.int64(head["mean_day_lots"] / per_day), 1)
        head["day_whole"] = np.int64(day == head["day"] + 1)
        head["day"] = day
        head["day_end_ns"] = (day + 1) * _DAY_NS
        head["day_lots"] = 0
    elapsed = ts_venue - head["first_ns"]
    if head["bucket_lots"] == 0 and elapsed >= row["learn_ns"]:
        a_day = float(head["seen_lots"]) * (float(_DAY_NS) / float(elapsed))
        head["bucket_lots"] = max(np.int64(a_day / per_day), 1)


@kernel
def _close_bar(vpin: VpinState, k: Int, now: Int) -> None:
    """Class the volume of a whole bar by its price change, then let the change into sigma."""
    head, row = vpin.head[k], vpin.parameters[k]
    change = head["bar_close"] - head["closed_close"]
    kept = min(head["changes"], row["changes"])
    if kept >= row["changes_min"] and head["bucket_lots"] > 0:
        mean = float(head["change_sum"]) / float(kept)
        spread = float(head["change_squares"]) - mean * float(head["change_sum"])
        deviation = sqrt(max(spread, 0.0) / float(kept - 1))
        net = float(np.sign(change))
        if deviation > 0.0:
            net = normal_net(float(change) / deviation)
        _pour(vpin, k, BULK, head["bar_lots"], net, now)
    if head["bars"] > 0:
        if kept == row["changes"]:
            gone = vpin.changes[k, (head["changes"] - kept) & (CHANGES - 1)]
            head["change_sum"] -= gone
            head["change_squares"] -= gone * gone
        vpin.changes[k, head["changes"] & (CHANGES - 1)] = change
        head["change_sum"] += change
        head["change_squares"] += change * change
        head["changes"] += 1
    head["closed_close"] = head["bar_close"]
    head["bars"] += 1
    head["bar_lots"] = 0


@kernel_inline
def _pour(vpin: VpinState, k: Int, variant: Int, lots: Int, net: float, now: Int) -> None:
    """Fill buckets with `lots` whose every lot is `net` bought less sold."""
    one = vpin.series[k, variant]
    if one["room"] == 0:
        one["room"] = vpin.head[k]["bucket_lots"]
    rest, count = np.int64(lots), vpin.parameters[k]["buckets"]
    # A print of very many buckets: its first takes what would only be pushed out by the rest.
    if rest >= one["room"] - one["lots"]:
        room = vpin.head[k]["bucket_lots"]
        whole = (rest + one["lots"] - one["room"]) // room
        if whole > count:
            one["room"] += (whole - count) * room
    while rest >= one["room"] - one["lots"]:
        part = one["room"] - one["lots"]
        one["lots"] += part
        one["net"] += net * float(part)
        rest -= part
        _close_bucket(vpin, k, variant, now)
    one["lots"] += rest
    one["net"] += net * float(rest)


@kernel
def _close_bucket(vpin: VpinState, k: Int, variant: Int, now: Int) -> None:
    one, count = vpin.series[k, variant], vpin.parameters[k]["buckets"]
    row = vpin.buckets[k, variant, one["closed"] & (BUCKETS - 1)]
    row["lots"], row["net"] = one["lots"], one["net"]
    one["closed"] += 1
    one["lots"], one["net"], one["room"] = 0, 0.0, vpin.head[k]["bucket_lots"]
    if one["closed"] < count:
        return
    # Summed anew: a bucket closes rarely, and what is summed anew does not drift.
    imbalance, volume = 0.0, np.int64(0)
    for back in range(1, count + 1):
        bucket = vpin.buckets[k, variant, (one["closed"] - back) & (BUCKETS - 1)]
        imbalance += abs(bucket["net"])
        volume += bucket["lots"]
    one["imbalance"], one["volume"] = imbalance, float(volume)
    one["vpin"] = min(imbalance / float(volume), 1.0)
    n = VARIANTS * k + variant
    value = np.int64(round(one["vpin"] * PPM))
    expire_recent(vpin.month, n, now)
    one["share"] = np.nan
    total = vpin.month.head[n]["count"]
    if total >= vpin.parameters[k]["values_min"]:
        one["share"] = float(_count_up_to(vpin.month, n, value)) / float(total)
    add_recent(vpin.month, n, now, value)


@kernel_inline
def _count_up_to(recent: RecentState, n: Int, value: Int) -> Int:
    """Return how many of the kept values are at most `value`."""
    low, high = np.int64(0), recent.head[n]["count"]
    while low < high:
        middle = (low + high) >> 1
        if recent.ordered[n, middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def run_vpin(events: Events, start: Int, stop: Int, vpin: VpinState) -> Int:
    """Pour the trades of events[start:stop]; return stop."""
    for i in range(start, stop):
        event = events[i]
        if event["kind"] == TRADE and (event["flags"] & NOT_FLOW) == 0:
            on_trade(vpin, np.int64(event["instrument"]), event)
    return stop
