"""What is read from closed bars: those of each lane's first series, in the event that closed them.

The caller sees to it that they have not been drained yet: a closed bar is a decision point, and
bars are drained by what stands behind the decision.
"""

import numpy as np

from aggressor.context import bias as biases
from aggressor.detectors import divergence as divergences
from aggressor.detectors import stacking as stacks
from aggressor.detectors.stop_records import (
    NO_LEVEL,
    ROUND_NUMBER,
    SESSION_HIGH,
    SWING_HIGH,
)
from aggressor.engine.asked import PROFILE, SIGNALS
from aggressor.engine.parts import Pipeline
from aggressor.features import auction as auctions
from aggressor.features import swings as swing_tracks
from aggressor.features.session import SUMMARIES
from aggressor.features.swings import SWINGS
from aggressor.kernel import Int, kernel
from aggressor.schema.event import NO_TIME

SWINGS_WATCHED = 4  # of each kind
ROUND_ATRS = 10.0


@kernel
def on_bars(pipe: Pipeline, k: Int, series: Int, before: Int, now: Int) -> None:
    """Read bars `before` to the last closed of `series`, the first of lane `k`."""
    footprint, scenes = pipe.footprint, pipe.scenes
    tick = scenes[k]["effective_tick"]
    head, asked = footprint.head[series], pipe.head[0]["asked"]
    if asked & SIGNALS:
        stacks.on_bars(pipe.stacking, pipe.zones, footprint, pipe.outbox, scenes, k, series)
    if (asked & PROFILE) == 0:
        return
    for number in range(before, head["closed"]):
        bar = footprint.bars[series, number & (footprint.bars.shape[1] - 1)]
        auctions.read_bar(pipe.auction, k, bar, footprint.cells[series], head["row_ticks"], tick)
        biases.on_bar(pipe.bias, k, bar)
        divergences.read_bar(pipe.divergence, k, bar)
        found = swing_tracks.on_bar(pipe.swings, 2 * k, bar, tick)
        swing_tracks.on_bar(pipe.swings, 2 * k + 1, bar, tick)
        if found != 0 and asked & SIGNALS:
            divergences.judge(
                pipe.divergence,
                pipe.outbox,
                pipe.swings,
                pipe.locations,
                pipe.walls,
                scenes,
                k,
                2 * k,
                found,
                now,
            )
    _set_levels(pipe, k)


@kernel
def _set_levels(pipe: Pipeline, k: Int) -> None:
    """Name the extremes whose break may be a stop run: swings of order 5, the last session's ends,
    and the round prices around the touch: multiples of 100 in quote currency or of the least power
    of ten above, ten ATR apart or more, for what is crossed every few minutes is no extreme."""
    levels, swings, session = pipe.stop_run.levels[k], pipe.swings, pipe.session
    used = np.int64(0)
    for s in range(2):
        count = swings.head[2 * k + 1]["counts"][s]
        for back in range(1, min(count, np.int64(SWINGS_WATCHED)) + 1):
            swing = swings.swings[2 * k + 1, s, (count - back) & (SWINGS - 1)]
            levels[used]["price"] = swing["price"]
            levels[used]["kind"] = SWING_HIGH + s
            levels[used]["since_ns"] = swing["confirmed_ns"]
            used += 1
    closed = session.head[k]["closed"]
    if closed > 0:
        last = session.summaries[k, (closed - 1) & (SUMMARIES - 1)]
        for s in range(2):
            levels[used]["price"] = last["high"] if s == 0 else last["low"]
            levels[used]["kind"] = SESSION_HIGH + s
            levels[used]["since_ns"] = last["known_ns"]
            used += 1
    hundreds = pipe.walls.parameters[k]["hundreds_ticks"]
    scene = pipe.scenes[k]
    apart = ROUND_ATRS * scene["atr_ticks"]
    if hundreds > 0 and scene["valid"] == 1 and apart > 0.0:
        while hundreds < apart:
            hundreds *= 10
        for s in range(2):
            near = scene["bid"] // hundreds if s == 0 else -(-scene["ask"] // hundreds)
            levels[used]["price"] = near * hundreds
            levels[used]["kind"] = ROUND_NUMBER
            levels[used]["since_ns"] = NO_TIME
            used += 1
    for i in range(used, levels.size):
        levels[i]["kind"] = NO_LEVEL
