"""Locations: where price is worth watching, one list a lane, and points of control still naked.

Once a minute each lane's locations are listed anew from the session's profile: value-area edges,
nodes and their edges, highs, lows and value areas of closed sessions. A detector asks for the
nearest of the kinds it cares for (`nearest_location`).

A *naked* point of control is that of a closed session whose row has not been printed at since
(R4.6). A print is compared with the two nearest only.

Nodes are searched in at most NODE_ROWS rows: the session's rows merged by the least power of two
that fits, on a grid fixed in price, so that the work is bounded and fine rows do not make noise
into nodes.

    head       (lanes,)                LOCATIONS_HEAD
    locations  (lanes, LOCATIONS_MAX)  LOCATION
    naked      (lanes, 32)             NAKED, ring by closed session
    volume     (NODE_ROWS,)            int64 lots: merged rows of the lane under work
    smooth     (NODE_ROWS,)            float64
    weights    (RADIUS + 1,)           float64
    found      (NODES_MAX,)            NODE, of the lane under work

Units: ticks, both ends included; lots. Source: R4.6, R5.10.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features import session as sessions
from aggressor.features.nodes import HVN, NODE, find_nodes, gaussian_weights
from aggressor.features.parameters import MINUTE_NS
from aggressor.features.session import SUMMARIES, SessionState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE, NO_TIME, NOT_FLOW, TRADE, Events
from aggressor.state import State

NODE_ROWS = 512
NODES_MAX = 64
PRIOR_SESSIONS = 3  # whose extremes and value areas are listed
LOCATIONS_MAX = 2 + 4 * PRIOR_SESSIONS + 3 * NODES_MAX
NEVER_NS = 2**63 - 1
_FAR = 2**62  # beyond any price

VALUE_EDGE = 1  # of the session in hand
NAKED_POC = 2
HVN_EDGE = 3
PRIOR_EXTREME = 4  # high or low of a closed session
PRIOR_VALUE_EDGE = 5
WALL_LOCATION = 6  # a wall of the book: kept in `walls`, never listed here
HVN_PEAK = 7
LVN_VALLEY = 8

LOCATION_NAMES = {
    0: "",
    VALUE_EDGE: "value-area edge",
    NAKED_POC: "naked POC",
    HVN_EDGE: "HVN edge",
    PRIOR_EXTREME: "prior extreme",
    PRIOR_VALUE_EDGE: "prior value-area edge",
    WALL_LOCATION: "wall",
    HVN_PEAK: "HVN",
    LVN_VALLEY: "LVN",
}

LOCATIONS_HEAD = np.dtype(
    [
        ("minute", "<i8"),  # of the last listing
        ("listed_ns", "<i8"),  # ts_recv of it; NO_TIME before the first
        ("locations", "<i8"),
        ("sessions", "<i8"),  # closed sessions whose point of control was taken
        ("below", "<i8"),  # ticks: top of the nearest naked row below the last print
        ("above", "<i8"),  # ticks: bottom of the nearest above
        ("unlisted", "<i8"),  # nodes of the last listing that found no place
    ]
)
LOCATION = np.dtype([("low", "<i8"), ("high", "<i8"), ("kind", "<i8")])
NAKED = np.dtype(
    [
        ("low", "<i8"),
        ("high", "<i8"),
        ("start_ns", "<i8"),  # of its session
        ("killed_ns", "<i8"),  # ts_venue of the first print there; NEVER_NS while naked
        ("whole", "<i8"),  # its session was seen whole
    ]
)


class LocationsState(State, frozen=True):
    """The locations of every lane; see the module text for shapes."""

    head: NDArray[Any]
    volume: NDArray[np.int64]
    smooth: NDArray[np.float64]
    weights: NDArray[np.float64]
    found: NDArray[Any]
    locations: NDArray[Any]
    naked: NDArray[Any]


def locations_state(lanes: int) -> LocationsState:
    """Return the state of lanes of which nothing is known."""
    head = np.zeros(lanes, LOCATIONS_HEAD)
    head["minute"] = -1
    head["listed_ns"] = NO_TIME
    head["below"] = -_FAR
    head["above"] = _FAR
    naked = np.zeros((lanes, SUMMARIES), NAKED)
    return LocationsState(
        head,
        np.zeros(NODE_ROWS, np.int64),
        np.zeros(NODE_ROWS, np.float64),
        gaussian_weights(),
        np.zeros(NODES_MAX, NODE),
        np.zeros((lanes, LOCATIONS_MAX), LOCATION),
        naked,
    )


@kernel_inline
def on_trade(state: LocationsState, session: SessionState, k: Int, event: Any) -> None:
    """See whether a print kills a naked point of control; call it after the session took it."""
    if event["flags"] & NOT_FLOW or event["size"] <= 0:
        return
    head = state.head[k]
    price = np.int64(event["price"])
    if head["sessions"] != session.head[k]["closed"]:
        _take_sessions(state, session, k)
    if price <= head["below"] or price >= head["above"]:
        _touch(state, k, price, event["ts_venue"])


@kernel
def _take_sessions(state: LocationsState, session: SessionState, k: Int) -> None:
    """Take the points of control of sessions that have closed; the print in hand checks all."""
    head = state.head[k]
    closed = session.head[k]["closed"]
    for n in range(max(head["sessions"], closed - SUMMARIES), closed):
        summary = session.summaries[k, n & (SUMMARIES - 1)]
        naked = state.naked[k, n & (SUMMARIES - 1)]
        naked["low"] = summary["poc"]
        naked["high"] = summary["poc"] + summary["row_ticks"] - 1
        naked["start_ns"] = summary["start_ns"]
        naked["killed_ns"] = NEVER_NS
        naked["whole"] = summary["whole"]
    head["sessions"] = closed
    head["below"] = _FAR


@kernel
def _touch(state: LocationsState, k: Int, price: Int, ts_venue: Int) -> None:
    """Kill what stands at `price` and note the nearest that stay naked."""
    head = state.head[k]
    below, above = np.int64(-_FAR), np.int64(_FAR)
    for n in range(min(head["sessions"], SUMMARIES)):
        naked = state.naked[k, n]
        if naked["killed_ns"] != NEVER_NS:
            continue
        if naked["low"] <= price <= naked["high"]:
            naked["killed_ns"] = ts_venue
        elif naked["high"] < price:
            below = max(below, naked["high"])
        else:
            above = min(above, naked["low"])
    head["below"] = below
    head["above"] = above


@kernel_inline
def refresh(state: LocationsState, session: SessionState, k: Int, now: Int) -> None:
    """List the locations of lane `k` anew at the first TIMER of every minute."""
    if now // MINUTE_NS != state.head[k]["minute"]:
        state.head[k]["minute"] = now // MINUTE_NS
        _list_locations(state, session, k, now)


@kernel
def _list_locations(state: LocationsState, session: SessionState, k: Int, now: Int) -> None:
    trading = session.head[k]
    if trading["end_ns"] == NO_TIME:
        return
    sessions.measure(session, k)
    head = state.head[k]
    head["listed_ns"] = now
    step = trading["row_ticks"]
    lowest, shift, rows = _merge_rows(state, session, k)
    count = find_nodes(state.volume, rows, state.weights, state.smooth, state.found)
    head["unlisted"] = max(count - NODES_MAX, 0)
    at = _add(state, k, 0, VALUE_EDGE, trading["val"], trading["val"])
    top = trading["vah"] + step - 1
    at = _add(state, k, at, VALUE_EDGE, top, top)
    closed = trading["closed"]
    for n in range(max(0, closed - PRIOR_SESSIONS), closed):
        summary = session.summaries[k, n & (SUMMARIES - 1)]
        top = summary["vah"] + summary["row_ticks"] - 1
        at = _add(state, k, at, PRIOR_EXTREME, summary["low"], summary["low"])
        at = _add(state, k, at, PRIOR_EXTREME, summary["high"], summary["high"])
        at = _add(state, k, at, PRIOR_VALUE_EDGE, summary["val"], summary["val"])
        at = _add(state, k, at, PRIOR_VALUE_EDGE, top, top)
    for n in range(min(count, NODES_MAX)):
        node = state.found[n]
        low = ((lowest + node["low"]) << shift) * step
        high = ((lowest + node["high"] + 1) << shift) * step - 1
        kind = HVN_PEAK if node["kind"] == HVN else LVN_VALLEY
        at = _add(state, k, at, kind, low, high)
        if node["kind"] == HVN:
            low = ((lowest + node["edge_low"]) << shift) * step
            high = ((lowest + node["edge_high"] + 1) << shift) * step - 1
            at = _add(state, k, at, HVN_EDGE, low, low)
            at = _add(state, k, at, HVN_EDGE, high, high)
    head["locations"] = at


@kernel_inline
def _add(state: LocationsState, k: Int, at: Int, kind: Int, low: Int, high: Int) -> Int:
    """Write one location and return the next place; there is room for all that can be found."""
    location = state.locations[k, at]
    location["kind"] = kind
    location["low"] = low
    location["high"] = high
    return at + 1


@kernel_inline
def _merge_rows(state: LocationsState, session: SessionState, k: Int) -> tuple[Int, Int, Int]:
    """Sum the session's rows by 2^shift; return (first merged row since price 0, shift, rows)."""
    trading = session.head[k]
    step = trading["row_ticks"]
    origin = trading["origin"] // step
    first, last = trading["low"] // step, trading["high"] // step
    shift = np.int64(0)
    while (last >> shift) - (first >> shift) >= NODE_ROWS:
        shift += 1
    lowest = first >> shift
    rows = (last >> shift) - lowest + 1
    for row in range(rows):  # one merged row is a run of the session's
        start, stop = (lowest + row) << shift, ((lowest + row + 1) << shift) - 1
        lots = np.int64(0)
        for one in range(max(start, first) - origin, min(stop, last) - origin + 1):
            lots += session.volumes[k, one]
        state.volume[row] = lots
    return lowest, shift, rows


@kernel
def nearest_location(
    state: LocationsState, k: Int, price: Int, side: Int, kinds: Int, since_ns: Int
) -> tuple[Int, Int, Int, Int]:
    """Return (kind, low, high, ticks away) of the location nearest to `price`; kind 0: there is
    none.

    `kinds` has bit 1 << kind set for every kind wanted. A naked point of control counts that was
    still naked at `since_ns` (ts_venue). Of two equally near the lower kind counts, then the one
    further up for side +1, further down for side -1.
    """
    best = (np.int64(0), np.int64(NO_PRICE), np.int64(NO_PRICE), np.int64(_FAR))
    head = state.head[k]
    listed = head["locations"]
    total = listed + min(head["sessions"], SUMMARIES)
    for n in range(total):
        kind, low, high = np.int64(NAKED_POC), np.int64(0), np.int64(0)
        if n < listed:
            location = state.locations[k, n]
            kind, low, high = location["kind"], location["low"], location["high"]
        else:
            naked = state.naked[k, n - listed]
            low, high = naked["low"], naked["high"]
            if naked["killed_ns"] < since_ns:
                continue
        if (kinds >> kind) & 1 == 0:
            continue
        away = max(low - price, price - high, np.int64(0))
        nearer = away < best[3] or (away == best[3] and kind < best[0])
        beyond = away == best[3] and kind == best[0] and side * (low + high - best[1] - best[2]) > 0
        if nearer or beyond:
            best = (kind, low, high, away)
    return best


@kernel
def run_locations(
    events: Events, start: Int, stop: Int, state: LocationsState, session: SessionState
) -> Int:
    """Use the trades of events[start:stop]; return the first not used: stop, or no room."""
    for i in range(start, stop):
        event = events[i]
        if event["kind"] == TRADE:
            k = np.int64(event["instrument"])
            if not sessions.has_room(session, k, event):
                return i
            sessions.on_trade(session, k, event)
            on_trade(state, session, k, event)
        else:
            for k in range(state.head.size):
                refresh(state, session, k, event["ts_recv"])
    return stop


def naked_pocs(state: LocationsState, k: int) -> NDArray[Any]:
    """Return the NAKED records of lane `k` that are still naked, oldest session first."""
    naked = state.naked[k, : min(int(state.head[k]["sessions"]), SUMMARIES)]
    alive = naked[naked["killed_ns"] == NEVER_NS]
    return alive[np.argsort(alive["start_ns"], kind="stable")]
