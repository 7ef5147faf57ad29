"""The scene: what every detector may know of an instrument right now, one record a lane.

The pipeline writes it at every TIMER, before the detectors judge, and after every book message the
fields of the touch. Detectors read it instead of each other's states, so that they stay
independent, and so that a detector's kernel takes few arguments.

A field that is not known holds its sentinel (0 ticks, or below 0 where 0 is a value), never a
guess; `young` says that one of the baselines behind them has not seen ten minutes yet (R0.3).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import NO_PRICE, NO_TIME

SCENE = np.dtype(
    [
        ("now", "<i8"),  # ts_recv of the event in hand
        ("venue_now", "<i8"),  # ts_venue of the last market event
        ("valid", "<i8"),  # 1: the book is synced, two-sided, not crossed and not stale
        ("bid", "<i8"),  # ticks, fused top; NO_PRICE when empty
        ("ask", "<i8"),
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("mid2", "<i8"),  # half ticks
        ("effective_tick", "<i8"),  # ticks (R0.5); 0 not known
        ("spread_median", "<i8"),  # ticks over an hour; 0 not known
        ("young", "<i8"),  # 1: effective tick or ATR stand on less than ten minutes
        ("atr_ticks", "<f8"),  # of one minute; below 0 not known
        ("sigma_second", "<f8"),  # ticks: robust deviation of one-second mid changes; < 0 not known
        ("sigma_minute", "<f8"),  # ticks: deviation of one-minute mid changes; < 0 not known
        ("impact", "<f8"),  # Kyle's lambda (R3.7), ticks per lot; < 0 not known
        ("cost_ticks", "<f8"),  # round trip of fees and spread, set per run
    ]
)

Scenes = NDArray[Any]  # dtype SCENE, shape (lanes,)


def new_scenes(lanes: int, cost_ticks: float = 0.0) -> Scenes:
    """Return scenes of which nothing is known yet."""
    scenes = np.zeros(lanes, SCENE)
    scenes["now"] = scenes["venue_now"] = NO_TIME
    scenes["bid"] = scenes["ask"] = NO_PRICE
    for name in ("atr_ticks", "sigma_second", "sigma_minute", "impact"):
        scenes[name] = -1.0
    scenes["cost_ticks"] = cost_ticks
    return scenes
