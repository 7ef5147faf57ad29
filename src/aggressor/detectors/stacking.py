"""Stacking (R4.3): stacked diagonal imbalances become a zone, which is retested or broken.

    bar close -> CONFIRMED  at least three adjacent rows of one side took `ratio` times what traded
                            diagonally against them, each by the minimum (`features/diagonal`)
    trade     -> CONFIRMED  the same episode, once: the zone traded again after price had left it
    bar close -> EXPIRED    the same episode: a bar closed beyond the zone, or newer zones took its
                            place in the ring
    bar close -> REJECTED   near-miss, at most one a bar and side: a row too few, differences below
                            the minimum, or the bar itself closed beyond its stack

`state` in the evidence tells the rows of an episode apart. An episode needs no armed phase: a stack
is there when its bar closes, or it is not. It stands on the tape alone, so an invalid book does not
end it. A minimum or an effective tick that is not known, or a bar with holes, is the third answer:
`undecided` of the zones' head. Zones of a bar with inferred data are provisional.

`side` +1: buyers lifted through the rows, the zone is below or around price and argues for a rise;
`direction` is the same, and the opposite of it once the zone is broken. `ts_armed` and
`ts_confirmed` of a stack are the ends of its bar; `ts_confirmed` of a retest is the trade's.

Called when bars of the one series of the lane have closed, then with every trade of chosen flow.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import Outbox, at_least, params_hash, post
from aggressor.features.bars import FULL
from aggressor.features.diagonal import TOO_FEW, TOO_SMALL, DiagonalParameters
from aggressor.features.series import FootprintState
from aggressor.features.zones import (
    BROKEN,
    PUSHED_OUT,
    WRONG_CLOSE,
    ZonesState,
    read_bar,
    touch,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.signal import (
    CONFIRMED,
    DATA_GAP,
    EXPIRED,
    FIRM,
    REJECTED,
    STACKING,
    YOUNG_BASELINE,
)
from aggressor.state import State

EVIDENCE = (
    "state",  # 1 fresh, 2 retested, 0 over or never formed
    "rows",
    "ratio_min",
    "ratio_mean",
    "lots",  # of the side, in the rows of the zone
    "opposite_lots",  # diagonally against them
    "difference_min",  # the smallest of the rows
    "minimum_lots",  # the smallest difference that counts, as used
    "minimum_maturity",
    "unopposed_rows",
    "row_ticks",
    "price",  # of the bar's close, or of the trade that tested the zone
    "age_seconds",  # since the zone was known
    "bar",  # number of its bar in the series
    "bar_seconds",
    "bar_close",
    "bar_volume",
    "bar_delta",
    "bar_quality",
)
CONDITIONS = (
    "",
    "enough adjacent rows",
    "difference at least the minimum",
    "bar closes on the right side of its stack",
    "no bar closes beyond the zone",
    "among the newest zones",
)
_FAILED_FIRST = 1 - TOO_FEW  # places of the near-misses in CONDITIONS, in their order
_FAILED_LATER = 4 - BROKEN
HEAD = np.dtype([("bars_read", "<i8"), ("hash", "<u8")])


class StackingState(State, frozen=True):
    """How far each lane has read its bars."""

    head: NDArray[Any]  # HEAD, (lanes,)


def stacking_state(parameters: Sequence[DiagonalParameters]) -> StackingState:
    """Return the state of lanes with these thresholds, one set each, the zones' own."""
    head = np.zeros(len(parameters), HEAD)
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in parameters]
    return StackingState(head)


@kernel
def on_bars(
    state: StackingState,
    zones: ZonesState,
    footprint: FootprintState,
    outbox: Outbox,
    scenes: Any,
    k: Int,
    series: Int,
) -> None:
    """Take the bars of `series` that closed since the last call, before they are drained."""
    head, bars, scene = state.head[k], footprint.bars[series], scenes[k]
    row_ticks, closed = footprint.head[series]["row_ticks"], footprint.head[series]["closed"]
    for number in range(head["bars_read"], closed):
        bar = bars[number & (bars.size - 1)]
        read_bar(
            zones,
            k,
            number,
            bar,
            footprint.cells[series],
            row_ticks,
            scene["effective_tick"],
            scene["young"],
        )
        _tell(state, zones, outbox, k, bar["known_ns"])
    head["bars_read"] = closed


@kernel_inline
def on_trade(state: StackingState, zones: ZonesState, outbox: Outbox, k: Int, event: Any) -> None:
    """Take one TRADE, behind the bars that it closed."""
    price, head = np.int64(event["price"]), zones.head[k]
    if not head["quiet_low"] < price < head["quiet_high"]:
        touch(zones, k, price, event["ts_venue"])
        _tell(state, zones, outbox, k, event["ts_recv"])


@kernel
def _tell(state: StackingState, zones: ZonesState, outbox: Outbox, k: Int, now: Int) -> None:
    """Write what the zones' last call left as SIGNAL rows."""
    rule = zones.parameters[k]
    for i in range(zones.head[k]["changes"]):
        zone = zones.changes[i]
        change, side = zone["change"], zone["side"]
        phase, failed = np.int64(CONFIRMED), np.int64(0)
        if change in (TOO_FEW, TOO_SMALL, WRONG_CLOSE):
            phase, failed = np.int64(REJECTED), _FAILED_FIRST + change
        elif change in (BROKEN, PUSHED_OUT):
            phase, failed = np.int64(EXPIRED), _FAILED_LATER + change
        score = at_least(zone["rows"], rule["rows_min"]) + at_least(
            zone["ratio_min"], rule["ratio"]
        )
        score += at_least(zone["difference"], zone["minimum"])
        provisional = np.int64(YOUNG_BASELINE if zone["young"] == 1 else FIRM)
        if zone["bar_quality"] != FULL:
            provisional = np.int64(DATA_GAP)
        row = post(
            outbox,
            k,
            STACKING,
            phase,
            failed,
            side,
            -side if change == BROKEN else side,
            zone["low"],
            zone["high"],
            zone["episode"],
            zone["open_ns"],
            zone["changed_ns"],
            now,
            state.head[k]["hash"],
            provisional,
            score / 3.0,
        )
        _fill(outbox.ring[row]["evidence"], zone, now)


@kernel_inline
def _fill(evidence: Any, zone: Any, now: Int) -> None:
    evidence[0] = zone["state"]
    evidence[1] = zone["rows"]
    evidence[2] = zone["ratio_min"]
    evidence[3] = zone["ratio_mean"]
    evidence[4] = zone["lots"]
    evidence[5] = zone["opposite"]
    evidence[6] = zone["difference"]
    evidence[7] = zone["minimum"]
    evidence[8] = zone["maturity"]
    evidence[9] = zone["unopposed"]
    evidence[10] = zone["height"]
    evidence[11] = zone["price"]
    evidence[12] = (now - zone["known_ns"]) / 1e9
    evidence[13] = zone["bar"]
    evidence[14] = (zone["close_ns"] - zone["open_ns"]) / 1e9
    evidence[15] = zone["bar_close"]
    evidence[16] = zone["bar_volume"]
    evidence[17] = zone["bar_delta"]
    evidence[18] = zone["bar_quality"]
