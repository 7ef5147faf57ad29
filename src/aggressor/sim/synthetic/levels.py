"""Scenarios about one level: an iceberg that refills, a wall that is pulled, a wall pushed through.

Each is a state machine that acts on pulses, is written once for a side `s` (+1 bid) and so
mirrors itself. Sizes are counted in typical levels, and difficulty scales them against the
background: index 0 easy, 1 medium, 2 hard. Source of the shapes: R5.0, R5.3, R5.4, R5.6.
"""

from typing import Any

import numpy as np

from aggressor.kernel import kernel
from aggressor.sim.synthetic.book import NONE, SIZE_DRAWS, Market, best, lots_at
from aggressor.sim.synthetic.chance import SCENARIO, below, between
from aggressor.sim.synthetic.level_sizes import WALL_FAR, WALL_NEAR, large_level
from aggressor.sim.synthetic.stage import (
    ALL,
    CANCEL_NEWEST,
    FINISH,
    GIVE_UP,
    HELD_MAX,
    HIT,
    REST,
    after,
    held_lots,
    next_phase,
    request,
    scaled,
    since,
)
from aggressor.sim.synthetic.typed import Whole, typed

_ICEBERG_LEVELS: Any = np.array([4.0, 2.5, 1.5])
_ICEBERG_REFILLS: Any = np.array([10, 8, 8])  # V is to pass 3 x all that is shown there
_ICEBERG_DELAY_MS: Any = np.array([100.0, 180.0, 280.0])
_ICEBERG_S = 60.0
_AWAY_TICKS = 2  # a touch so far off ends an episode (R5.3)
_WALL_LEVELS: Any = np.array([15.0, 10.0, 7.0])
_WALL_LARGE: Any = np.array([2.0, 1.5, 1.2])  # of the largest level in a hundred where it rests
_WALL_SLICES: Any = np.array([1, 2, 4])
_WALL_S = 40.0
_NEAR_TICKS = 3  # a wall is pulled when the touch has come so near
_SLICE_MS = 100.0
_PUSHED_LEVELS: Any = np.array([12.0, 8.0, 5.0])
_PUSHED_SLICES = typed(3)
_SWEEP: Any = np.array([2.0, 1.5, 1.2])  # of a large order: what clears a wall is one (R5.6)
_LARGE = 0.99  # of all orders are smaller
_DEPLETED = 0.2  # of its peak: what is left then clears nothing (R5.0)
_PUSH_S = 60.0
_ONE = typed(1)


@kernel
def iceberg_step(market: Market) -> None:
    """Show a small order at the touch, refill it each time it is eaten, and send those who eat."""
    state = market.scenario[0]
    now = market.head[0]["pulse_at"]
    side = state["side"]
    hard = state["difficulty"]
    if state["phase"] == 0:
        state["price"] = best(market, side)
        state["low"] = state["price"]
        state["high"] = state["price"]
        state["lots"] = scaled(market, _ICEBERG_LEVELS[hard])
        state["peak"] = state["lots"]
        state["left"] = state["lots"] * _ICEBERG_REFILLS[hard]
        state["next_at"] = after(market, 100.0, 400.0)
        request(market, REST, side, state["price"], state["lots"])
        next_phase(market)
        return
    resting = held_lots(market)
    state["peak"] = max(state["peak"], lots_at(market, side, state["price"]))
    if since(market, state["started"]) > _ICEBERG_S or (resting == 0 and state["left"] == 0):
        request(market, CANCEL_NEWEST, side, NONE, HELD_MAX)
        request(market, FINISH, side, side, NONE)
        return
    if resting == 0:
        if state["refill_at"] == 0:
            state["refill_at"] = after(market, 20.0, _ICEBERG_DELAY_MS[hard])
        elif now >= state["refill_at"]:  # who came past the price meanwhile is met there
            shown = np.int64(state["lots"] * between(market.chance, SCENARIO, 0.9, 1.1))
            shown = max(np.int64(1), min(shown, state["left"]))
            state["left"] -= shown
            state["refill_at"] = 0
            state["count"] += 1
            if state["key_at"] == 0:
                state["key_at"] = now
            request(market, REST, side, state["price"], shown)
    away = side * (best(market, side) - state["price"])
    if away >= _AWAY_TICKS:  # they who sell into it sell into what stands in front of it
        request(market, HIT, -side, state["price"] + side * _AWAY_TICKS, ALL)
    if now >= state["next_at"]:
        size = state["lots"] * between(market.chance, SCENARIO, 0.5, 1.2) * (1 + max(0, away))
        request(market, HIT, -side, state["price"], max(np.int64(1), np.int64(size)))
        state["next_at"] = after(market, 150.0, 600.0)


@kernel
def wall_begin(market: Market, slices: Whole) -> None:
    """Rest the lots of `state` at its price in equal slices."""
    state = market.scenario[0]
    left = state["lots"]
    for i in range(slices):
        part = left // (slices - i)
        left -= part
        request(market, REST, state["side"], state["price"], part)
    state["peak"] = state["lots"]
    state["low"] = state["price"]
    state["high"] = state["price"]


@kernel
def wall_pull_step(market: Market) -> None:
    """Rest a wall off the touch, draw the price to it, cancel it, and run on through the void."""
    state = market.scenario[0]
    now = market.head[0]["pulse_at"]
    side = state["side"]
    hard = state["difficulty"]
    if state["phase"] == 0:
        off = WALL_NEAR + below(market.chance, SCENARIO, WALL_FAR - WALL_NEAR + 1)
        state["price"] = best(market, side) - side * off
        least = np.int64(_WALL_LARGE[hard] * large_level(market))
        state["lots"] = max(scaled(market, _WALL_LEVELS[hard]), least)
        state["count"] = 1 << 20
        wall_begin(market, _WALL_SLICES[hard])
        state["next_at"] = after(market, 500.0, 1500.0)
        next_phase(market)
        return
    distance = side * (best(market, side) - state["price"])
    if state["phase"] <= 2:
        state["count"] = min(state["count"], distance)
    if state["phase"] <= 3:  # others rest there too: a wall is what the level shows
        state["peak"] = max(state["peak"], lots_at(market, side, state["price"]))
        state["left"] = state["met"]
    if state["phase"] == 1:
        if now >= state["next_at"]:
            part = scaled(market, between(market.chance, SCENARIO, 0.3, 1.2))
            request(market, HIT, -side, state["price"] + side * _NEAR_TICKS, part)
            state["next_at"] = after(market, 60.0, 220.0)
        if (
            since(market, state["started"]) > market.params[0]["wall_age_s"]
            and distance <= _NEAR_TICKS
        ):
            state["next_at"] = after(market, 100.0, 700.0)
            next_phase(market)
        elif since(market, state["started"]) > _WALL_S:
            next_phase(market)
    elif state["phase"] == 2 and (now >= state["next_at"] or distance <= 1):
        state["key_at"] = now
        request(market, CANCEL_NEWEST, side, NONE, _ONE)
        state["next_at"] = after(market, 10.0, _SLICE_MS)
        next_phase(market)
    elif state["phase"] == 3 and now >= state["next_at"]:
        if held_lots(market) == 0:
            next_phase(market)
        request(market, CANCEL_NEWEST, side, NONE, _ONE)
        state["next_at"] = after(market, 10.0, _SLICE_MS)
    elif state["phase"] == 4:
        if now >= state["next_at"]:
            part = scaled(market, between(market.chance, SCENARIO, 1.0, 3.0))
            request(market, HIT, -side, state["price"] - 3 * side, part)
            state["next_at"] = after(market, 80.0, 250.0)
        if since(market, state["phase_at"]) > 2.0:
            request(market, FINISH, side, -side, NONE)


@kernel
def large_order(market: Market) -> Whole:
    """Return the lots that one in a hundred of the market's taker orders reaches (Q.99)."""
    sizes = market.draws[SIZE_DRAWS]
    return np.int64(sizes[np.int64((1.0 - _LARGE) * sizes.size)])  # largest first


@kernel
def push_through_step(market: Market) -> None:
    """Rest a wall near the touch, eat it, clear it with one sweep, and hold the price beyond."""
    state = market.scenario[0]
    now = market.head[0]["pulse_at"]
    side = state["side"]
    if state["phase"] == 0:
        state["price"] = best(market, side) - side * (1 + below(market.chance, SCENARIO, 2))
        hard = state["difficulty"]
        least = np.int64(_SWEEP[hard] * large_order(market) / market.params[0]["sweep_share"])
        state["lots"] = max(scaled(market, _PUSHED_LEVELS[hard]), least)
        wall_begin(market, _PUSHED_SLICES)
        age_ns = np.int64(market.params[0]["wall_age_s"] * 1e9)
        state["next_at"] = max(after(market, 1000.0, 2000.0), now + age_ns)
        next_phase(market)
        return
    if now < state["next_at"]:
        return
    price = state["price"]
    beyond = price - side
    if state["phase"] <= 2:  # a wall is what the level shows, and what trades there
        state["peak"] = max(state["peak"], lots_at(market, side, price))
    if state["phase"] == 1:
        state["next_at"] = after(market, 80.0, 250.0)
        left = held_lots(market) - np.int64(market.params[0]["sweep_share"] * state["lots"])
        if left > 0:
            part = np.int64(state["lots"] * between(market.chance, SCENARIO, 0.04, 0.12))
            request(market, HIT, -side, price, min(max(np.int64(1), part), left))
        if left <= 0 or since(market, state["started"]) > _PUSH_S:
            next_phase(market)
    elif state["phase"] == 2 and lots_at(market, side, price) <= _DEPLETED * state["peak"]:
        request(market, GIVE_UP, NONE, NONE, NONE)  # others were first
    elif state["phase"] == 2:
        ahead = np.int64(0)
        level = best(market, side)
        while side * (level - price) >= 0:
            ahead += lots_at(market, side, level)
            level -= side
        ahead += max(np.int64(1), (lots_at(market, side, beyond) * 3) // 4)
        state["key_at"] = now
        request(market, HIT, -side, beyond - side, ahead)
        state["next_at"] = now + 1
        next_phase(market)
    elif state["phase"] == 3:
        state["count"] = state["filled"]
        state["left"] = state["met"]
        if state["filled"] < large_order(market):
            request(market, GIVE_UP, NONE, NONE, NONE)
            return
        request(market, REST, -side, price, scaled(market, 3.0))
        request(market, REST, -side, price + side, scaled(market, 3.0))
        next_phase(market)
    else:
        state["next_at"] = after(market, 20.0, 100.0)
        if side * (best(market, side) - price) >= 0:
            request(market, HIT, -side, price, scaled(market, 4.0))
        if side * (best(market, -side) - price) > 0:
            request(market, REST, -side, price, scaled(market, 2.0))
        if since(market, state["phase_at"]) > 4.0:
            request(market, FINISH, side, -side, NONE)
