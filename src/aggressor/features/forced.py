"""Forced or chosen: flow split into what was liquidated and what somebody decided (R5.8).

A forced order trades like any other, so the tape holds it already; the venue's liquidation stream
says of some lots that they were forced. With the side of the liquidation *order* (+1 buys: a short
died, -1 sells: a long died)

    forced delta  = lots bought by force - lots sold by force
    organic delta = delta - forced delta

over a short and a long window of ts_recv (10 s and 60 s), since 00:00 UTC, and per bar. Beside
every split stands the venue's publication limit: COMPLETE; ONE_PER_SECOND (at most one order a
second and symbol is published, so the forced lots are a lower bound); UNPUBLISHED. In the last
case forced and organic delta are UNKNOWN, never 0.

Running totals are marked at every TIMER; a window is the difference to the last mark at or before
its start, so it holds what was processed after that TIMER; `since_ns` names the mark, later than
the start only while the tape is younger than the window. A forced order belongs to the bar its
ts_venue lies in; one that comes after its bar has closed is counted as late in the next, so that
lots are conserved. NOT_FLOW trades are left out by the caller.

    totals   (L, C)          int64, C = len(COLUMNS), since the start
    sums     (L, 3, C)       the same over SHORT, LONG and SESSION, as of the last TIMER
    split    (L, 3, 2)       forced and organic delta of these, lots or UNKNOWN
    bars     (S, BARS)       FORCED_BAR ring, S bar series; bar n at n & (BARS - 1)

Units: lots, ticks x lots, ns.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import TIME
from aggressor.features.baseline import NO_VALUE
from aggressor.features.parameters import HOUR_NS, MICRO, PERP, SECOND_NS, parameter_rows
from aggressor.features.series import FootprintState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_TIME
from aggressor.state import State

UNPUBLISHED = 0  # the venue, or the recording, has no stream of forced orders
COMPLETE = 1
ONE_PER_SECOND = 2  # what is published is a lower bound

PUBLICATION_NAMES = {
    UNPUBLISHED: "none",
    COMPLETE: "complete",
    ONE_PER_SECOND: "one per second",
}
UNKNOWN = NO_VALUE  # lots of a split that nobody can know

VOLUME, DELTA, VALUE, BOUGHT, SOLD, VALUE_BOUGHT, VALUE_SOLD, ORDERS = range(8)
COLUMNS = (
    "volume",  # lots traded
    "delta",  # lots, signed by the aggressor
    "value",  # sum of |price| x lots traded
    "bought",  # lots of forced buy orders
    "sold",  # lots of forced sell orders
    "value_bought",
    "value_sold",
    "orders",  # forced orders published
)
SHORT, LONG, SESSION = 0, 1, 2
FORCED_DELTA, ORGANIC_DELTA = 0, 1

MARKS = 1024  # kept per lane: 100 s at a TIMER every 100 ms; a power of two
LIQUIDATIONS = 4096  # newest forced orders kept per lane; a power of two
BARS = 1024  # newest bars kept per series; a power of two
_DAY_NS = 24 * HOUR_NS

FORCED_HEAD = np.dtype(
    [
        ("publication", "<i8"),
        ("marks", "<i8"),  # made so far
        ("orders", "<i8"),  # forced orders seen so far
        ("day_end_ns", "<i8"),  # venue time; NO_TIME before the first event
    ]
)

LIQUIDATED = np.dtype(
    [
        ("ts_venue", "<i8"),
        ("ts_recv", "<i8"),
        ("lots", "<i8"),
        ("price", "<i8"),  # ticks
        ("side", "<i8"),  # of the order
    ]
)

FORCED_BAR = np.dtype(
    [
        ("open_ns", "<i8"),
        ("bought", "<i8"),  # lots of forced orders of this bar
        ("sold", "<i8"),
        ("late_bought", "<i8"),  # of bars already closed, published during this one
        ("late_sold", "<i8"),
        ("orders", "<i8"),
        ("forced_delta", "<i8"),  # or UNKNOWN
        ("organic_delta", "<i8"),
        ("publication", "<i8"),
    ]
)

FORCED_SERIES = np.dtype([("bars", "<i8"), ("orders", "<i8")])  # read so far


class ForcedParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The windows of the running sums."""

    short_ns: int = 10 * SECOND_NS
    long_ns: int = 60 * SECOND_NS


FORCED_PROFILES = {
    PERP: ForcedParameters(),
    MICRO: ForcedParameters(short_ns=30 * SECOND_NS),
}

FORCED_ROW = np.dtype([(name, "<i8") for name in ForcedParameters.__struct_fields__])


class ForcedState(State, frozen=True):
    """Traded and forced lots of every lane, running and by bar; see the module text."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # FORCED_HEAD, (L,)
    parameters: NDArray[Any]  # FORCED_ROW, (L,)
    totals: NDArray[np.int64]  # (L, C)
    before: NDArray[np.int64]  # (L, C): totals when the session began
    sums: NDArray[np.int64]  # (L, 3, C)
    split: NDArray[np.int64]  # (L, 3, 2)
    since_ns: NDArray[np.int64]  # (L, 3): ts_recv, of SESSION ts_venue; NO_TIME before the first
    first: NDArray[np.int64]  # (L, 2): number of the mark a window starts at
    marks: NDArray[np.int64]  # (L, MARKS, C), a ring
    marks_ns: NDArray[np.int64]  # (L, MARKS)
    liquidations: NDArray[Any]  # LIQUIDATED, (L, LIQUIDATIONS), a ring
    series: NDArray[Any]  # FORCED_SERIES, (S,)
    bars: NDArray[Any]  # FORCED_BAR, (S, BARS), rings


def forced_state(
    lanes: int,
    parameters: ForcedParameters | Sequence[ForcedParameters],
    publication: int | Sequence[int] = UNPUBLISHED,
    series: int = 0,
) -> ForcedState:
    """Return the state of `lanes` instruments and `series` bar series that saw nothing yet."""
    head = np.zeros(lanes, FORCED_HEAD)
    head["publication"] = publication
    head["day_end_ns"] = NO_TIME
    count = len(COLUMNS)
    return ForcedState(
        head=head,
        parameters=parameter_rows(FORCED_ROW, lanes, parameters),
        totals=np.zeros((lanes, count), np.int64),
        before=np.zeros((lanes, count), np.int64),
        sums=np.zeros((lanes, 3, count), np.int64),
        split=np.full((lanes, 3, 2), UNKNOWN, np.int64),
        since_ns=np.full((lanes, 3), NO_TIME, np.int64),
        first=np.zeros((lanes, 2), np.int64),
        marks=np.zeros((lanes, MARKS, count), np.int64),
        marks_ns=np.zeros((lanes, MARKS), np.int64),
        liquidations=np.zeros((lanes, LIQUIDATIONS), LIQUIDATED),
        series=np.zeros(series, FORCED_SERIES),
        bars=np.zeros((series, BARS), FORCED_BAR),
    )


@kernel_inline
def on_trade(forced: ForcedState, k: Int, event: Any) -> None:
    """Count one TRADE of chosen or forced flow (not NOT_FLOW)."""
    if event["ts_venue"] >= forced.head[np.uint64(k)]["day_end_ns"]:
        _begin_session(forced, k, event["ts_venue"])
    total, lots = forced.totals[np.uint64(k)], event["size"]
    total[VOLUME] += lots
    total[DELTA] += np.int64(event["side"]) * lots
    total[VALUE] += abs(np.int64(event["price"])) * lots


@kernel
def on_liquidation(forced: ForcedState, k: Int, event: Any) -> None:
    """Count one LIQUIDATION; its side is that of the order."""
    head = forced.head[k]
    if event["ts_venue"] >= head["day_end_ns"]:
        _begin_session(forced, k, event["ts_venue"])
    total, lots, price = forced.totals[k], event["size"], np.int64(event["price"])
    bought = event["side"] > 0
    total[BOUGHT if bought else SOLD] += lots
    total[VALUE_BOUGHT if bought else VALUE_SOLD] += abs(price) * lots
    total[ORDERS] += 1
    row = forced.liquidations[k, head["orders"] & (LIQUIDATIONS - 1)]
    row["ts_venue"], row["ts_recv"] = event["ts_venue"], event["ts_recv"]
    row["lots"], row["price"], row["side"] = lots, price, event["side"]
    head["orders"] += 1


@kernel
def _begin_session(forced: ForcedState, k: Int, ts_venue: Int) -> None:
    """Begin the UTC day that a venue time lies in."""
    for column in range(forced.totals.shape[1]):
        forced.before[k, column] = forced.totals[k, column]
    forced.head[k]["day_end_ns"] = (ts_venue // _DAY_NS + 1) * _DAY_NS
    forced.since_ns[k, SESSION] = ts_venue


@kernel
def sample(forced: ForcedState, k: Int, now: Int) -> None:
    """Mark the totals of lane `k` at a TIMER and read all its windows anew."""
    head, row, columns = forced.head[k], forced.parameters[k], forced.totals.shape[1]
    newest = head["marks"]
    head["marks"] = newest + 1
    place = newest & (MARKS - 1)
    forced.marks_ns[k, place] = now
    for column in range(columns):
        total = forced.totals[k, column]
        forced.marks[k, place, column] = total
        forced.sums[k, SESSION, column] = total - forced.before[k, column]
    for w in range(2):
        start = now - (row["short_ns"] if w == SHORT else row["long_ns"])
        first = max(forced.first[k, w], newest + 1 - MARKS)
        while first < newest and forced.marks_ns[k, (first + 1) & (MARKS - 1)] <= start:
            first += 1
        forced.first[k, w] = first
        place = first & (MARKS - 1)
        forced.since_ns[k, w] = forced.marks_ns[k, place]
        for column in range(columns):
            forced.sums[k, w, column] = forced.totals[k, column] - forced.marks[k, place, column]
    if head["publication"] != UNPUBLISHED:
        for w in range(3):
            one = forced.sums[k, w]
            forced.split[k, w, FORCED_DELTA] = one[BOUGHT] - one[SOLD]
            forced.split[k, w, ORGANIC_DELTA] = one[DELTA] - one[BOUGHT] + one[SOLD]


@kernel
def close_bars(forced: ForcedState, footprint: FootprintState, series: Int) -> None:
    """Split the bars of a series that have closed since the last call, before they are drained."""
    bars, seen = footprint.head[series], forced.series[series]
    k, timed = bars["lane"], bars["kind"] == TIME
    head, mask = forced.head[k], footprint.bars.shape[1] - 1
    for n in range(seen["bars"], bars["closed"]):
        bar, row = footprint.bars[series, n & mask], forced.bars[series, n & (BARS - 1)]
        row["open_ns"], row["publication"] = bar["open_ns"], head["publication"]
        row["bought"] = row["sold"] = row["late_bought"] = row["late_sold"] = row["orders"] = 0
        end = bar["close_ns"] if timed else bar["close_ns"] + 1
        at = max(seen["orders"], head["orders"] - LIQUIDATIONS)
        while at < head["orders"]:
            order = forced.liquidations[k, at & (LIQUIDATIONS - 1)]
            if order["ts_venue"] >= end:
                break
            at += 1
            row["orders"] += 1
            lots, late = order["lots"], order["ts_venue"] < bar["open_ns"]
            if order["side"] > 0:
                row["bought"] += 0 if late else lots
                row["late_bought"] += lots if late else 0
            else:
                row["sold"] += 0 if late else lots
                row["late_sold"] += lots if late else 0
        seen["orders"] = at
        known = head["publication"] != UNPUBLISHED
        delta = row["bought"] - row["sold"]
        row["forced_delta"] = delta if known else np.int64(UNKNOWN)
        row["organic_delta"] = bar["delta"] - delta if known else np.int64(UNKNOWN)
    seen["bars"] = bars["closed"]
