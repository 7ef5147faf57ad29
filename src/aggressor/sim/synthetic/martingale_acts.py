"""Scenarios on the martingale null: only those that leave its mid alone.

The null is worth something because nothing predicts its mid, so what is injected must not move it.
Three patterns are made of orders alone and can be shown here in full:

    wall_pull   a wall is rested behind the touch and cancelled when the mid, by chance, has come
                near it
    vacuum      everything behind the touch of one side is cancelled for some seconds
    stacking    in one minute takers come far more often and nearly all from one side; the price
                goes where it goes, and the rows that it visits are one-sided

A detector may rightly find them, and must find nothing in what follows. The other kinds cannot be
injected honestly: their definitions speak of how the price answers to flow (absorption, push
through, exhaustion, cascade, divergence, breaks that fail), which here would mean to steer the
mid; and an iceberg needs a level that keeps its displayed size, while here both touches are drawn
anew after every event and last half a second.

    acts   (1,)   ACT   the running scenario, written in place
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel
from aggressor.sim.synthetic.chance import SCENARIO, below, between, exponential
from aggressor.sim.synthetic.config import SCENARIO_KINDS
from aggressor.sim.synthetic.labels import STACKING, VACUUM, WALL_PULL
from aggressor.sim.synthetic.typed import Whole

MARTINGALE_KINDS = ("wall_pull", "vacuum", "stacking")
IDLE = -1
_KINDS = len(SCENARIO_KINDS)
MINUTE_NS = 60_000_000_000

_WALL_LEVELS: Any = np.array([16.0, 11.0, 8.0])  # of the mean level
_WALL_AT = 6  # levels behind the touch
_NEAR = 3
_WALL_LEAST_NS = 3_000_000_000
_WALL_MOST_NS = 120_000_000_000
_EMPTY_S: Any = np.array([4.0, 2.5, 1.5])
_BOOST: Any = np.array([8.0, 6.0, 4.0])  # of the rate of takers
_ONE_SIDED: Any = np.array([0.98, 0.96, 0.94])
_ROWS_LEAST = 5

ACT = np.dtype(
    [
        (name, "<i8")
        for name in (
            "kind",
            "kinds",  # bit k: kind k may be drawn
            "difficulties",
            "side",
            "difficulty",
            "begin_at",
            "started",
            "until",
            "key_at",
            "price",
            "lots",
            "low",
            "high",
            "least",  # ticks between wall and touch
            "labels",
            "gap_ns",
        )
    ]
    + [("boost", "<f8"), ("tilt", "<f8")]  # of the takers: rate, share of buyers
)


@kernel
def begin_act(
    acts: NDArray[Any], chance: NDArray[Any], sizes: NDArray[Any], now: Whole, bid: Whole
) -> None:
    """Draw a scenario and set it up; stacking waits for a minute to begin."""
    act = acts[0]
    kind = below(chance, SCENARIO, _KINDS)
    while (act["kinds"] >> kind) & 1 == 0:
        kind = below(chance, SCENARIO, _KINDS)
    pick = below(chance, SCENARIO, 3)
    while (act["difficulties"] >> pick) & 1 == 0:
        pick = (pick + 1) % 3
    act["kind"], act["difficulty"] = kind, pick
    act["side"] = 2 * below(chance, SCENARIO, 2) - 1
    act["started"] = now
    act["key_at"] = act["lots"] = 0
    j = 0 if act["side"] > 0 else 1
    touch = bid + j
    act["price"] = act["low"] = act["high"] = touch
    if kind == WALL_PULL:
        mean = sizes.sum() / sizes.size
        act["lots"] = np.int64(_WALL_LEVELS[pick] * mean)
        act["price"] = act["low"] = act["high"] = touch - act["side"] * _WALL_AT
        act["least"] = _WALL_AT
        sizes[j, _WALL_AT] += act["lots"]
    elif kind == VACUUM:
        act["key_at"] = now
        act["lots"] = sizes[j].sum()
        act["until"] = now + np.int64(_EMPTY_S[pick] * 1e9)
    else:
        act["started"] = (now // MINUTE_NS + 1) * MINUTE_NS
        act["until"] = act["started"] + MINUTE_NS


@kernel
def end_act(
    acts: NDArray[Any], labels: NDArray[Any], chance: NDArray[Any], now: Whole, worth: bool
) -> None:
    """Write the label where the scenario came about, and set the time of the next."""
    act = acts[0]
    if worth:
        row = labels[act["labels"]]
        act["labels"] += 1
        rests = act["kind"] != STACKING
        row["kind"], row["difficulty"] = act["kind"], act["difficulty"]
        row["side"] = act["side"] if rests else 0
        row["direction"] = -act["side"] if rests else act["side"]
        row["start_ns"], row["stop_ns"], row["key_ns"] = act["started"], now, act["key_at"]
        row["low"], row["high"] = act["low"], act["high"]
        row["peak_lots"] = act["lots"]
        row["cancelled_lots"] = act["lots"] if rests else 0
        row["count"] = act["least"] if act["kind"] == WALL_PULL else act["high"] - act["low"] + 1
    act["kind"] = IDLE
    act["boost"] = 1.0
    act["tilt"] = 0.5
    wait = act["gap_ns"] * (
        between(chance, SCENARIO, 1.0, 1.2) + 0.5 * exponential(chance, SCENARIO)
    )
    act["begin_at"] = now + np.int64(wait)


@kernel
def act_step(
    acts: NDArray[Any],
    labels: NDArray[Any],
    chance: NDArray[Any],
    sizes: NDArray[Any],
    now: Whole,
    bid: Whole,
) -> None:
    """Carry the scenario on after an event, by changing `sizes` behind the touch."""
    act = acts[0]
    if act["kind"] == IDLE:
        if act["kinds"] != 0 and now >= act["begin_at"]:
            begin_act(acts, chance, sizes, now, bid)
        return
    j = 0 if act["side"] > 0 else 1
    touch = bid + j
    if act["kind"] == WALL_PULL:
        behind = act["side"] * (touch - act["price"])
        act["least"] = min(act["least"], behind)
        aged = now - act["started"] >= _WALL_LEAST_NS
        late = now - act["started"] > _WALL_MOST_NS
        if behind >= sizes.shape[1]:
            end_act(acts, labels, chance, now, False)  # it has left the book that is published
        elif behind <= 1 or late or (aged and behind <= _NEAR):
            if behind >= 0:
                sizes[j, behind] = max(0, sizes[j, behind] - act["lots"])
            act["key_at"] = now
            end_act(acts, labels, chance, now, bool(aged and 1 <= behind <= _NEAR))
    elif act["kind"] == VACUUM:
        act["low"] = min(act["low"], touch)
        act["high"] = max(act["high"], touch)
        over = now >= act["until"]
        for i in range(1, sizes.shape[1]):
            sizes[j, i] = (
                1 + below(chance, SCENARIO, 2 * act["lots"] // sizes.shape[1]) if over else 0
            )
        if over:
            end_act(acts, labels, chance, now, True)
    elif now >= act["until"]:
        act["key_at"] = act["until"]
        end_act(acts, labels, chance, now, bool(act["high"] - act["low"] + 1 >= _ROWS_LEAST))
    elif now >= act["started"]:
        row = bid + (1 if act["side"] > 0 else 0)  # where the takers of this minute trade
        if act["boost"] == 1.0:
            act["low"] = act["high"] = row
        act["low"], act["high"] = min(act["low"], row), max(act["high"], row)
        act["boost"] = _BOOST[act["difficulty"]]
        share = _ONE_SIDED[act["difficulty"]]
        act["tilt"] = share if act["side"] > 0 else 1.0 - share
