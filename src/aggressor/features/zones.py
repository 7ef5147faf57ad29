"""Zones of stacked imbalances (R4.3): formed at a bar's close, fresh, then retested, then broken.

`read_bar` takes every closed bar of one series, in order: zones beyond which it closed are broken,
then its own stacks become zones. `touch` takes the price of a trade; a zone is *retested* when it
trades again after price has been outside of it. Between two prices, `quiet_low` and `quiet_high`,
nothing can happen, so a trade costs two comparisons.

What happened is left in `changes`, as copies of the zones, for the one who called: stacks formed,
near-misses of the bar (at most one a side), retests, breaks, and zones that newer ones took the
place of. A stack beyond which its own bar closed never becomes a zone.

The smallest difference that counts is Q0.75 of the volume of recent rows of the instrument, of both
sides' readings, the bar in hand excluded (or fixed lots). While it or the height of rows (effective
ticks, R0.5) is not known, and where a bar's data has holes, nothing is judged and `undecided`
counts it.

    head     (lanes,)         ZONES_HEAD
    zones    (lanes, ZONES)   ZONE ring, of every state
    changes  (CHANGES,)       ZONE, of the last call; which lane is the caller's to know

Prices ticks, sizes lots. Source: R4.3.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import INFERRED
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    BaselineSpec,
    BaselineState,
    advance,
    baseline_state,
    count_value,
    maturity,
    open_slice,
    quantile,
)
from aggressor.features.diagonal import (
    DIAGONAL_ROW,
    ROW,
    STACKED,
    STACKS_SIDE,
    ZONE,
    DiagonalParameters,
    find_stacks,
    read_rows,
)
from aggressor.features.parameters import parameter_rows
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE, NO_TIME, PRICE_MAX
from aggressor.state import State

ZONES = 64  # kept per lane
ROWS = 8192  # rows of one bar that are read; of a height worth the name there are tens
CHANGES = 128  # a bar: every zone broken, STACKS_SIDE formed a side, as many pushed out
SLICES = 240  # of the baseline: 15 s in an hour, so it is known soon

GONE, FRESH, RETESTED = 0, 1, 2  # states; STACKED, TOO_FEW and TOO_SMALL are changes too
WRONG_CLOSE, RETEST, BROKEN, PUSHED_OUT = 4, 5, 6, 7

ZONES_HEAD = np.dtype(
    [
        ("formed", "<i8"),
        ("episodes", "<i8"),  # zones and near-misses
        ("undecided", "<i8"),  # bars not judged
        ("repeated", "<i8"),  # stacks over a zone just formed
        ("unlisted", "<i8"),  # stacks and rows beyond what is kept of one bar
        ("changes", "<i8"),  # left by the last call
        ("quiet_low", "<i8"),  # a trade strictly between these touches nothing
        ("quiet_high", "<i8"),
    ]
)


class ZonesState(State, frozen=True):
    """All lanes; see the module text for shapes."""

    head: NDArray[Any]
    parameters: NDArray[Any]  # DIAGONAL_ROW, (lanes,)
    zones: NDArray[Any]
    changes: NDArray[Any]
    rows: NDArray[Any]  # ROW, (ROWS,): scratch
    found: NDArray[Any]  # ZONE, (STACKS_SIDE,): scratch
    volumes: BaselineState  # lots of rows, one a lane


def zones_state(
    lanes: int, parameters: DiagonalParameters | Sequence[DiagonalParameters]
) -> ZonesState:
    """Return lanes without zones."""
    rules = parameter_rows(DIAGONAL_ROW, lanes, parameters)
    head = np.zeros(lanes, ZONES_HEAD)
    head["quiet_low"], head["quiet_high"] = NO_PRICE - 1, PRICE_MAX + 1
    specs = [BaselineSpec(int(rule["baseline_ns"])) for rule in rules]
    return ZonesState(
        head,
        rules,
        np.zeros((lanes, ZONES), ZONE),
        np.zeros(CHANGES, ZONE),
        np.zeros(ROWS, ROW),
        np.zeros(STACKS_SIDE, ZONE),
        baseline_state(specs, slices=SLICES),
    )


@kernel
def read_bar(
    state: ZonesState,
    k: Int,
    number: Int,
    bar: Any,
    cells: Any,
    row_ticks: Int,
    effective_tick: Int,
    young: Int,
) -> None:
    """Take the closed bar `number` of lane `k`; `cells` is the ring its cells are in.

    An `effective_tick` of 0 is not known; `young` says that it is.
    """
    head, rule, now = state.head[k], state.parameters[k], np.int64(bar["known_ns"])
    head["changes"] = 0
    if bar["volume"] == 0:
        return
    _break_zones(state, k, bar)
    height = np.int64(row_ticks)
    if rule["row_effective_ticks"] > 0.0:
        height = np.int64(np.ceil(rule["row_effective_ticks"] * effective_tick / row_ticks))
        height *= row_ticks
    if bar["quality"] > INFERRED or height == 0:
        head["undecided"] += 1
        _watch(state, k, np.int64(bar["close"]))
        return
    advance(state.volumes, k, now)
    minimum, ripe = np.int64(rule["minimum_lots"]), np.int64(READY)
    if minimum == 0:
        minimum, ripe = quantile(state.volumes, k, rule["minimum_ppm"]), maturity(state.volumes, k)
    head["undecided"] += np.int64(ripe == UNKNOWN)
    first, count = bar["first_cell"], np.int64(bar["cells"])
    for s in range(2):
        side = 1 - 2 * s
        used = read_rows(cells, first, count, side, row_ticks, height, rule, minimum, state.rows)
        head["unlisted"] += np.int64(used == ROWS)
        if used > 0:
            here = open_slice(state.volumes, k, now)
            for j in range(used):
                count_value(state.volumes, k, here, state.rows[j]["volume"])
        if ripe == UNKNOWN:
            continue
        stacks, more = find_stacks(state.rows, used, side, height, rule["rows_min"], state.found)
        head["unlisted"] += more
        for i in range(stacks):
            zone = state.found[i]
            zone["minimum"], zone["maturity"], zone["bar"] = minimum, ripe, number
            zone["young"] = np.int64(ripe != READY)
            if rule["row_effective_ticks"] > 0.0:
                zone["young"] |= young
            _take_stack(state, k, bar, zone)
    _watch(state, k, np.int64(bar["close"]))


@kernel
def _take_stack(state: ZonesState, k: Int, bar: Any, zone: Any) -> None:
    """Complete what was found in a bar, note it, and keep it when it is a zone."""
    head, close = state.head[k], np.int64(bar["close"])
    zone["known_ns"], zone["retested_ns"] = bar["known_ns"], NO_TIME
    zone["open_ns"], zone["close_ns"] = bar["open_ns"], bar["close_ns"]
    zone["changed_ns"], zone["price"] = bar["close_ns"], close
    zone["bar_close"], zone["bar_volume"] = close, bar["volume"]
    zone["bar_delta"], zone["bar_quality"] = bar["delta"], bar["quality"]
    zone["left"] = np.int64(close < zone["low"] or close > zone["high"])
    zone["state"] = GONE
    if zone["change"] == STACKED:
        for j in range(ZONES):
            other = state.zones[k, j]
            over = other["low"] <= zone["high"] and zone["low"] <= other["high"]
            young = zone["known_ns"] - other["known_ns"] < state.parameters[k]["refractory_ns"]
            if other["state"] != GONE and other["side"] == zone["side"] and over and young:
                head["repeated"] += 1
                return
        if _is_beyond(zone, close):
            zone["change"] = WRONG_CLOSE
    head["episodes"] += 1
    zone["episode"] = head["episodes"]
    if zone["change"] == STACKED:
        zone["state"] = FRESH
        place = state.zones[k, head["formed"] % ZONES]
        head["formed"] += 1
        if place["state"] != GONE:
            place["change"], place["price"] = PUSHED_OUT, close
            place["changed_ns"] = bar["close_ns"]
            _note(state, k, place)
        state.zones[k, (head["formed"] - 1) % ZONES] = zone
    _note(state, k, zone)


@kernel_inline
def _note(state: ZonesState, k: Int, zone: Any) -> None:
    """Leave a copy of a zone for the caller."""
    state.changes[state.head[k]["changes"]] = zone
    state.head[k]["changes"] += 1


@kernel_inline
def _is_beyond(zone: Any, price: Int) -> bool:
    """Whether a price lies on the far side of a zone: below one of buys, above one of sells."""
    return price < zone["low"] if zone["side"] > 0 else price > zone["high"]


@kernel
def _break_zones(state: ZonesState, k: Int, bar: Any) -> None:
    """End the zones beyond which a bar closed."""
    close = np.int64(bar["close"])
    for j in range(ZONES):
        zone = state.zones[k, j]
        if zone["state"] != GONE and _is_beyond(zone, close):
            zone["state"], zone["change"], zone["price"] = GONE, BROKEN, close
            zone["changed_ns"] = bar["close_ns"]
            _note(state, k, zone)


@kernel
def _watch(state: ZonesState, k: Int, price: Int) -> None:
    """Find the nearest prices around `price` at which a trade enters or leaves a fresh zone."""
    low, high = np.int64(NO_PRICE - 1), np.int64(PRICE_MAX + 1)
    for j in range(ZONES):
        zone = state.zones[k, j]
        if zone["state"] != FRESH:
            continue
        if price > zone["high"]:
            low = max(low, zone["high"])
        elif price < zone["low"]:
            high = min(high, zone["low"])
        else:
            low, high = max(low, zone["low"] - 1), min(high, zone["high"] + 1)
    state.head[k]["quiet_low"], state.head[k]["quiet_high"] = low, high


@kernel
def touch(state: ZonesState, k: Int, price: Int, ts_venue: Int) -> None:
    """Take a trade that is not quiet: zones are left, or trade again."""
    state.head[k]["changes"] = 0
    for j in range(ZONES):
        zone = state.zones[k, j]
        if zone["state"] != FRESH:
            continue
        if price < zone["low"] or price > zone["high"]:
            zone["left"] = 1
        elif zone["left"] == 1:
            zone["state"], zone["change"], zone["price"] = RETESTED, RETEST, price
            zone["changed_ns"] = zone["retested_ns"] = ts_venue
            _note(state, k, zone)
    _watch(state, k, price)
