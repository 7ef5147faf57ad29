"""The session's volume profile and VWAP, print by print, and what earlier sessions left behind.

While a session runs its volume stands in dense rows of `row_ticks` ticks, sold and bought apart. A
session starts at 00:00 UTC of ts_venue, or every `span_ns` from there (8 h: funding periods); it is
closed by the first print of a later one, which writes a SUMMARY into a ring and empties the rows.
Point of control and value area are read from the rows when asked for (`measure`), not at each
print.

The VWAP is that of `vwap`, anchored at the session. The week's (Monday 00:00 UTC) is made of the
moments of its closed sessions, pooled at each close, and those of the session in hand: one update a
print serves both anchors. Bands stand at mean +- k sigma.

Trades that nobody chose to make are left out. One with a bad clock counts but never starts a
session; a late one counts in the session in hand. Python makes room: a print outside the rows is
refused by `has_room`, `make_room` then recentres or grows them.

    head       (lanes,)         SESSION_HEAD; a row's price is its lowest tick
    rows       (lanes, W, 2)    int64 lots, sold and bought; zero outside the session's range
    volumes    (lanes, W)       int64 lots, with those of unknown side
    summaries  (lanes, 32)      SUMMARY, ring; the n-th closed session at n & 31
    vwap       2 x lanes        index 2 k the session, 2 k + 1 the closed sessions of the week

Invariants: volumes sum to the session's volume; the result does not depend on first sizes or on
where batches were cut. Bias: ties are broken upwards as R4.5 has it, so a mirrored tape may have
another value area where two groups of rows weigh the same. Source: R4.5, R4.6, R4.7.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.features import vwap as vwaps
from aggressor.features.bars import DAY_NS
from aggressor.features.parameters import HOUR_NS
from aggressor.features.profile import (
    ValueRule,
    VolumeProfile,
    control_row,
    share_of,
    value_rows,
)
from aggressor.features.series import ROW_TICKS_MAX, ROWS_MAX, SPAN_MAX
from aggressor.features.vwap import VwapState, vwap_state
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.linking import prefetch
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BAD_CLOCK, GAP, NO_PRICE, NO_TIME, NOT_FLOW, TRADE, Events
from aggressor.state import State

FUNDING_NS = 8 * HOUR_NS
SUMMARIES = 32  # kept per lane; a power of two
WEEK_NS = 7 * DAY_NS
_MONDAY_NS = 4 * DAY_NS  # 1970-01-05
BANDS = (1.0, 2.0, 3.0)  # sigmas

SESSION_HEAD = np.dtype(
    [
        ("row_ticks", "<i8"),
        ("magic", "<u8"),  # row = (distance x magic) >> shift
        ("shift", "<u8"),
        ("span_ns", "<i8"),
        ("share_ppm", "<i8"),
        ("value_step", "<i8"),
        ("both_on_tie", "<i8"),
        ("start_ns", "<i8"),
        ("end_ns", "<i8"),  # exclusive; NO_TIME before the first session
        ("week_end_ns", "<i8"),
        ("week_since_ns", "<i8"),  # ts_venue of the first print of the week
        ("closed", "<i8"),  # sessions
        ("origin", "<i8"),  # ticks: price of row 0
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("volume", "<i8"),
        ("trades", "<i8"),
        ("whole", "<i8"),  # 1: seen from its start, without a hole in the trade ids
        ("poc", "<i8"),  # ticks, when last measured; NO_PRICE before
        ("val", "<i8"),
        ("vah", "<i8"),
    ]
)

SUMMARY = np.dtype(
    [
        ("start_ns", "<i8"),
        ("end_ns", "<i8"),
        ("known_ns", "<i8"),  # ts_recv of the print that closed it
        ("volume", "<i8"),
        ("sold", "<i8"),
        ("bought", "<i8"),
        ("trades", "<i8"),
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("poc", "<i8"),  # ticks: lowest of its row, as the next two
        ("val", "<i8"),
        ("vah", "<i8"),
        ("row_ticks", "<i8"),
        ("whole", "<i8"),
        ("vwap", "<f8"),  # ticks
        ("sigma", "<f8"),
    ]
)


class SessionSpec(NamedTuple):
    """How one lane's sessions are cut and its value area grown."""

    row_ticks: int = 1
    span_ns: int = DAY_NS  # divides a day
    rule: ValueRule = ValueRule()


class SessionState(State, frozen=True):
    """The running session of every lane; see the module text for shapes."""

    head: NDArray[Any]
    rows: NDArray[np.int64]
    volumes: NDArray[np.int64]
    summaries: NDArray[Any]
    vwap: VwapState


def session_state(specs: Sequence[SessionSpec], rows: int = 4096) -> SessionState:
    """Return the state of lanes that have not traded; raise ConfigError on a bad row or span."""
    lanes = len(specs)
    head = np.zeros(lanes, SESSION_HEAD)
    for record, spec in zip(head, specs, strict=True):
        if not 1 <= spec.row_ticks <= ROW_TICKS_MAX:
            raise ConfigError(f"Rows of {spec.row_ticks} ticks: choose 1 to {ROW_TICKS_MAX}.")
        if spec.span_ns <= 0 or DAY_NS % spec.span_ns != 0:
            raise ConfigError(
                f"Sessions of {spec.span_ns} ns do not divide a day: choose 24 h, 8 h."
            )
        bits = (spec.row_ticks - 1).bit_length()
        record["row_ticks"] = spec.row_ticks
        record["magic"] = (1 << (31 + bits)) // spec.row_ticks + 1
        record["shift"] = 31 + bits
        record["span_ns"] = spec.span_ns
        record["share_ppm"] = spec.rule.share_ppm
        record["value_step"] = spec.rule.step
        record["both_on_tie"] = spec.rule.both_on_tie
    for name in ("start_ns", "end_ns", "week_end_ns", "week_since_ns"):
        head[name] = NO_TIME
    for name in ("open", "high", "low", "close", "poc", "val", "vah"):
        head[name] = NO_PRICE
    return SessionState(
        head,
        np.zeros((lanes, rows, 2), np.int64),
        np.zeros((lanes, rows), np.int64),
        np.zeros((lanes, SUMMARIES), SUMMARY),
        vwap_state(2 * lanes),
    )


@kernel_inline
def has_room(state: SessionState, k: Int, event: Any) -> bool:
    """Whether a TRADE can be used now; if not, Python must `make_room` first."""
    head = state.head[k]
    distance = np.int64(event["price"]) - head["origin"]
    if 0 <= distance < state.volumes.shape[1] * head["row_ticks"]:
        return True
    flags = event["flags"]
    starts = event["ts_venue"] >= head["end_ns"] and flags & BAD_CLOCK == 0
    return starts or head["end_ns"] == NO_TIME or flags & NOT_FLOW != 0 or event["size"] <= 0


@kernel_inline
def look_ahead(state: SessionState, k: Int, event: Any) -> None:
    """Have the row of a TRADE that will be used brought into the cache; no result changes."""
    head, rows = state.head[k], state.volumes.shape[1]
    row = np.int64((np.uint64(event["price"] - head["origin"]) * head["magic"]) >> head["shift"])
    prefetch(state.volumes, k * rows + row, 0)
    prefetch(state.rows, 2 * (k * rows + row), 0)


@kernel_inline
def on_trade(state: SessionState, k: Int, event: Any) -> None:
    """Use one TRADE of lane `k`; `has_room` must have said yes."""
    head = state.head[k]
    flags, size = event["flags"], event["size"]
    if flags & NOT_FLOW or size <= 0:
        return
    if event["ts_venue"] >= head["end_ns"] and flags & BAD_CLOCK == 0:
        _begin(state, k, event["ts_venue"], event["ts_recv"], np.int64(event["price"]))
    elif head["end_ns"] == NO_TIME:
        return
    price = np.int64(event["price"])
    head["high"] = max(head["high"], price)
    head["low"] = min(head["low"], price)
    head["close"] = price
    head["volume"] += size
    head["trades"] += 1
    if flags & GAP:
        head["whole"] = 0
    row = (np.uint64(price - head["origin"]) * head["magic"]) >> head["shift"]
    lane = np.uint64(k)
    state.volumes[lane, row] += size
    if event["side"] != 0:
        state.rows[lane, row, np.uint64(event["side"] > 0)] += size
    vwaps.on_trade(state.vwap, 2 * k, event)


@kernel
def _begin(state: SessionState, k: Int, ts_venue: Int, now: Int, price: Int) -> None:
    """Close the session in hand, if there is one, and open that of `ts_venue`."""
    head = state.head[k]
    span = head["span_ns"]
    start = ts_venue // span * span
    if head["end_ns"] != NO_TIME:
        _close(state, k, now)
    week = state.vwap.head[2 * k + 1]
    if ts_venue >= head["week_end_ns"]:
        head["week_end_ns"] = (ts_venue - _MONDAY_NS) // WEEK_NS * WEEK_NS + _MONDAY_NS + WEEK_NS
        head["week_since_ns"] = ts_venue
        week["volume"] = 0
        week["mean"] = 0.0
        week["scatter"] = 0.0
    head["whole"] = 1 if start == head["end_ns"] else 0
    head["start_ns"] = start
    head["end_ns"] = start + span
    head["origin"] = (price // head["row_ticks"] - state.volumes.shape[1] // 2) * head["row_ticks"]
    head["open"] = price
    head["high"] = price
    head["low"] = price
    head["volume"] = 0
    head["trades"] = 0
    head["poc"] = NO_PRICE
    head["val"] = NO_PRICE
    head["vah"] = NO_PRICE
    anchor = state.vwap.head[2 * k]
    anchor["day_end_ns"] = head["end_ns"]  # sessions are cut here, not by `vwap`
    anchor["volume"] = 0
    anchor["mean"] = 0.0
    anchor["scatter"] = 0.0


@kernel
def _close(state: SessionState, k: Int, now: Int) -> None:
    """Write the summary of the session in hand, pool its VWAP into the week, empty its rows."""
    head = state.head[k]
    measure(state, k)
    summary = state.summaries[k, head["closed"] & (SUMMARIES - 1)]
    sold, bought = np.int64(0), np.int64(0)
    first = (head["low"] - head["origin"]) // head["row_ticks"]
    last = (head["high"] - head["origin"]) // head["row_ticks"]
    for row in range(first, last + 1):
        sold += state.rows[k, row, 0]
        bought += state.rows[k, row, 1]
        state.rows[k, row, 0] = 0
        state.rows[k, row, 1] = 0
        state.volumes[k, row] = 0
    summary["start_ns"] = head["start_ns"]
    summary["end_ns"] = head["end_ns"]
    summary["known_ns"] = now
    summary["volume"] = head["volume"]
    summary["sold"] = sold
    summary["bought"] = bought
    summary["trades"] = head["trades"]
    summary["open"] = head["open"]
    summary["high"] = head["high"]
    summary["low"] = head["low"]
    summary["close"] = head["close"]
    summary["poc"] = head["poc"]
    summary["val"] = head["val"]
    summary["vah"] = head["vah"]
    summary["row_ticks"] = head["row_ticks"]
    summary["whole"] = head["whole"]
    summary["vwap"] = vwaps.session_vwap(state.vwap, 2 * k)
    summary["sigma"] = vwaps.session_sigma(state.vwap, 2 * k)
    volume, mean, scatter = week_moments(state, k)
    week = state.vwap.head[2 * k + 1]
    week["volume"] = volume
    week["mean"] = mean
    week["scatter"] = scatter
    head["closed"] += 1


@kernel
def week_moments(state: SessionState, k: Int) -> tuple[Int, float, float]:
    """Return (lots, mean in ticks, scatter in ticks^2 x lots) since the week's anchor.

    The week counts from its first print seen, `week_since_ns`. Source: Chan, Golub & LeVeque 1979.
    """
    week = state.vwap.head[2 * k + 1]
    session = state.vwap.head[2 * k]
    volume = week["volume"] + session["volume"]
    if week["volume"] == 0 or session["volume"] == 0:
        return volume, week["mean"] + session["mean"], week["scatter"] + session["scatter"]
    away = session["mean"] - week["mean"]
    share = float(session["volume"]) / float(volume)
    scatter = week["scatter"] + session["scatter"]
    scatter += away * away * share * float(week["volume"])
    return volume, week["mean"] + away * share, scatter


@kernel
def measure(state: SessionState, k: Int) -> None:
    """Write point of control and value area of the session in hand to the head."""
    head = state.head[k]
    if head["end_ns"] == NO_TIME:
        return
    origin, step = head["origin"], head["row_ticks"]
    first = (head["low"] - origin) // step
    last = (head["high"] - origin) // step
    volume = state.volumes[k]
    control = control_row(volume, first, last)
    need = share_of(head["volume"], head["share_ppm"])
    low, high = value_rows(
        volume, first, last, control, need, head["value_step"], head["both_on_tie"]
    )
    head["poc"] = origin + control * step
    head["val"] = origin + low * step
    head["vah"] = origin + high * step


@kernel
def run_session(events: Events, start: Int, stop: Int, state: SessionState) -> Int:
    """Use the trades of events[start:stop]; return the first not used: stop, or no room."""
    for i in range(start, stop):
        event = events[i]
        if event["kind"] == TRADE:
            k = np.int64(event["instrument"])
            if not has_room(state, k, event):
                return i
            on_trade(state, k, event)
    return stop


def make_room(state: SessionState, k: int, price: int) -> SessionState:
    """Return a state in which a print of the session in hand at `price` has its row.

    Raises ConfigError where the rows are too thin for the session's range.
    """
    head = state.head[k]
    step = int(head["row_ticks"])
    low = min(int(head["low"]), price) // step
    high = max(int(head["high"]), price) // step
    rows, wanted = state.volumes.shape[1], 2 * (high - low + 1)
    grown = max(rows, 1 << (wanted - 1).bit_length())
    if grown > ROWS_MAX or grown * step > SPAN_MAX:
        raise ConfigError(
            f"A session spans {high - low + 1} rows of {step} ticks: make its rows taller."
        )
    if grown > rows:
        wider = np.zeros((state.head.size, grown, 2), np.int64)
        wider[:, :rows] = state.rows
        totals = np.zeros((state.head.size, grown), np.int64)
        totals[:, :rows] = state.volumes
        state = state.replace(rows=wider, volumes=totals)
    first, last = _range_of(head)
    origin = (low + high) // 2 - grown // 2
    at = int(head["low"]) // step - origin
    for table in (state.rows, state.volumes):
        kept = table[k, first : last + 1].copy()
        table[k] = 0
        table[k, at : at + last + 1 - first] = kept
    head["origin"] = origin * step
    return state


def feed(state: SessionState, events: Events) -> SessionState:
    """Use a batch of events of any size, with room made where it is needed."""
    at = run_session(events, 0, events.size, state)
    while at < events.size:
        state = make_room(state, int(events[at]["instrument"]), int(events[at]["price"]))
        at = run_session(events, at, events.size, state)
    return state


def session_profile(state: SessionState, k: int) -> VolumeProfile:
    """Return a copy of the profile of the session in hand; empty before the first print."""
    head = state.head[k]
    step = int(head["row_ticks"])
    if head["end_ns"] == NO_TIME:
        none = np.zeros(0, np.int64)
        return VolumeProfile(NO_PRICE, step, none, none, 0, NO_PRICE, NO_PRICE, NO_PRICE)
    measure(state, k)
    first, last = _range_of(head)
    rows = state.rows[k, first : last + 1]
    return VolumeProfile(
        int(head["origin"]) + first * step,
        step,
        state.volumes[k, first : last + 1].copy(),
        rows[:, 1] - rows[:, 0],
        int(head["volume"]),
        int(head["poc"]),
        int(head["val"]),
        int(head["vah"]),
    )


def summaries(state: SessionState, k: int) -> NDArray[Any]:
    """Return the SUMMARY records still kept of lane `k`, oldest first."""
    closed = int(state.head[k]["closed"])
    return state.summaries[k, np.arange(max(0, closed - SUMMARIES), closed) & (SUMMARIES - 1)]


def bands(mean: float, sigma: float, multiples: Sequence[float] = BANDS) -> list[float]:
    """Return mean - k sigma and mean + k sigma for every k, in rising order, ticks."""
    return sorted(mean + sign * k * sigma for k in multiples for sign in (-1, 1))


def week_vwap(state: SessionState, k: int) -> tuple[float, float]:
    """Return (VWAP, sigma) since the week's anchor, ticks; nan when nothing traded."""
    volume, mean, scatter = week_moments(state, k)
    if volume == 0:
        return np.nan, np.nan
    return float(mean), sqrt(scatter / volume)


def _range_of(head: Any) -> tuple[int, int]:
    """Return the first and last row that the session in hand has used."""
    step = int(head["row_ticks"])
    origin = int(head["origin"])
    return (int(head["low"]) - origin) // step, (int(head["high"]) - origin) // step
