"""Scenarios about one side giving or withholding: absorption at a price, a vacuum.

Written once for a side `s` (+1 bid), sized in typical levels and, where a detector compares with
what usually trades, in seconds of the market's own flow. Source of the shapes: R5.1, R5.5.
"""

from typing import Any

import numpy as np

from aggressor.kernel import kernel
from aggressor.sim.synthetic.book import NONE, Market, best, lots_at
from aggressor.sim.synthetic.chance import SCENARIO, between
from aggressor.sim.synthetic.flow import pace
from aggressor.sim.synthetic.stage import (
    FINISH,
    GIVE_UP,
    HIT,
    REST,
    after,
    held_lots,
    next_phase,
    request,
    scaled,
    since,
)
from aggressor.sim.synthetic.typed import Whole

_SHOWN_LEVELS: Any = np.array([8.0, 7.0, 6.0])  # that rest in the zone of an absorption
_ATTACK_S: Any = np.array([45.0, 30.0, 20.0])  # of the market's flow, sold into it
_ATTACK_LAST_S = 30.0
_ATTACK_MAX_S = 60.0
_FILL_UP = 0.75  # of the displayed lots: it never looks eaten, as an iceberg does
_BOUNCE_TICKS = 4
_BOUNCE_S = 4.0
_DEPTH_TICKS = 10  # from the touch of a side: what a vacuum is measured over
_LEFT: Any = np.array([0.1, 0.13, 0.16])  # of the depth before
_CANCELS: Any = np.array([8.0, 5.0, 3.5])  # a second and order, while makers leave
_THIN_ADD: Any = np.array([0.0, 0.01, 0.02])
_THIN = 0.2  # of the depth before: as long as a vacuum lasts (R5.5)
_EMPTY_S: Any = np.array([3.0, 2.0, 1.2])  # that a vacuum lasts once it is there
_USUAL = 0.8  # of the usual depth must be there, or nothing can be withdrawn
_LEAVE_MAX_S = 9.0
_LONE = 0.2  # typical levels that are left on a tick
_FEW = 3  # such ticks, and their distance
_GAP = 5
_TORN_GAP = 4  # ticks to the next level behind a torn touch, or
_TORN_SPREAD = 3
_GIVE_WAY = 4  # ticks at most that the lone order left at the touch yields


@kernel
def absorption_step(market: Market) -> None:
    """Sell far more than usual into a bid that is filled up and never gives way; then recover."""
    state = market.scenario[0]
    side = state["side"]
    hard = state["difficulty"]
    if state["phase"] == 0:
        state["price"] = best(market, side)
        state["low"] = min(state["price"], state["price"] + side)
        state["high"] = max(state["price"], state["price"] + side)
        state["lots"] = scaled(market, _SHOWN_LEVELS[hard])
        state["peak"] = state["lots"]
        state["left"] = np.int64(_ATTACK_S[hard] * market.params[0]["flow"])
        state["left"] = max(state["left"], 4 * state["lots"])
        state["next_at"] = after(market, 500.0, 1500.0)
        request(market, REST, side, state["price"], state["lots"])
        next_phase(market)
        return
    price = state["price"]
    if state["phase"] == 1:
        resting = held_lots(market)
        if resting < _FILL_UP * state["lots"]:
            request(market, REST, side, price, state["lots"] - resting)
            state["count"] += 1
        if since(market, state["started"]) > _ATTACK_MAX_S:
            request(market, GIVE_UP, NONE, NONE, NONE)
        elif state["injected"] >= state["left"]:
            state["key_at"] = market.head[0]["pulse_at"]
            next_phase(market)
        elif market.head[0]["pulse_at"] >= state["next_at"]:
            state["next_at"] = after(market, 80.0, 240.0)
            part = state["left"] * 0.16 / _ATTACK_LAST_S
            part *= between(market.chance, SCENARIO, 0.5, 1.5)
            lots = max(np.int64(1), min(np.int64(part), np.int64(0.4 * state["lots"])))
            above = best(market, side)
            while side * (above - price) > 0:
                lots += lots_at(market, side, above)
                above -= side
            request(market, HIT, -side, price, lots)
    else:
        if held_lots(market) < _FILL_UP * state["lots"]:
            request(market, REST, side, price, scaled(market, 1.0))
        if market.head[0]["pulse_at"] >= state["next_at"]:
            state["next_at"] = after(market, 100.0, 300.0)
            part = scaled(market, between(market.chance, SCENARIO, 0.5, 1.5))
            if side * (price + side * _BOUNCE_TICKS - best(market, -side)) >= 0:
                request(market, HIT, side, price + side * _BOUNCE_TICKS, part)
        if since(market, state["phase_at"]) > _BOUNCE_S:
            request(market, FINISH, side, side, NONE)


@kernel
def near_depth(market: Market, side: Whole) -> Whole:
    """Return the lots of a side within _DEPTH_TICKS of its touch."""
    touch = best(market, side)
    lots = np.int64(0)
    for i in range(_DEPTH_TICKS):
        lots += lots_at(market, side, touch - side * i)
    return lots


@kernel
def is_torn(market: Market, side: Whole) -> bool:
    """Tell whether the spread is wide or the next level is far behind the touch (R5.5)."""
    touch = best(market, side)
    gap = np.int64(1)
    while gap < _DEPTH_TICKS and lots_at(market, side, touch - side * gap) == 0:
        gap += 1
    return bool(gap >= _TORN_GAP or side * (best(market, -side) - touch) >= _TORN_SPREAD)


@kernel
def taken_from(market: Market, side: Whole) -> Whole:
    """Return the lots that takers have taken from a side so far."""
    head = market.head[0]
    return (head["volume"] - side * head["delta"]) // 2


@kernel
def keep_few(market: Market, touch: Whole) -> None:
    """Keep a lone order where the touch may fall to, few behind it: one taker is no landslide."""
    side = market.scenario[0]["side"]
    lone = scaled(market, _LONE)
    if side * (touch - best(market, -side)) >= 0:
        request(market, HIT, side, touch, scaled(market, 3.0))
    if side * (touch - best(market, side)) >= _TORN_GAP:  # what rests behind it leaves it torn
        request(market, REST, side, touch, lone)
    for i in range(1, _FEW):
        at = market.scenario[0]["price"] - side * (_GIVE_WAY + _GAP * i)
        if lots_at(market, side, at) == 0 and side * (best(market, -side) - at) > 0:
            request(market, REST, side, at, lone)


@kernel
def vacuum_step(market: Market) -> None:
    """Let the makers of one side cancel and stay away, so that its depth is gone untraded."""
    state = market.scenario[0]
    head = market.head[0]
    side = state["side"]
    hard = state["difficulty"]
    touch = best(market, side)
    if state["phase"] == 0:
        state["peak"] = max(np.int64(1), near_depth(market, side))
        if state["peak"] < _USUAL * _DEPTH_TICKS * head["typical"]:
            request(market, GIVE_UP, NONE, NONE, NONE)
            return
        state["price"] = touch
        state["low"] = state["high"] = touch
        state["base"] = taken_from(market, side)
        head["thin_side"] = side
        head["thin_price"] = touch - side * _GIVE_WAY
        next_phase(market)
    state["low"] = min(state["low"], touch)
    state["high"] = max(state["high"], touch)
    if state["phase"] == 3:
        if since(market, state["phase_at"]) > 1.0:
            request(market, FINISH, side, -side, NONE)
        return
    at = state["price"] - side * min(_GIVE_WAY, np.int64(2.0 * since(market, state["started"])))
    keep_few(market, at)
    head["thin_add"] = _THIN_ADD[hard]
    head["thin_cancel"] = max(
        1.0, _CANCELS[hard] / (market.params[0]["cancel_rate"] * pace(market))
    )
    left = near_depth(market, side)
    torn = is_torn(market, side)
    if state["phase"] == 1:
        state["count"] = 100 * left // state["peak"]
        if since(market, state["started"]) > _LEAVE_MAX_S:
            request(market, GIVE_UP, NONE, NONE, NONE)
        elif left <= _LEFT[hard] * state["peak"] and torn:
            state["key_at"] = head["pulse_at"]
            state["left"] = taken_from(market, side) - state["base"]
            next_phase(market)
    elif left > _THIN * state["peak"] or not torn:  # not yet, or somebody filled it
        state["phase"] = 1
    elif since(market, state["phase_at"]) > _EMPTY_S[hard]:
        head["thin_side"] = 0
        head["thin_add"] = 1.0
        head["thin_cancel"] = 1.0
        next_phase(market)
