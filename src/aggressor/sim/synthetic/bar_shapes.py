"""Scenarios about bars of one minute: a one-sided bar that stacks imbalances, a CVD divergence.

Stacking: right after a minute has begun the price is bought up row by row, and kept there until
the minute ends, so that each row has buyers and the one below it hardly any sellers. Divergence:
over eleven minutes the price makes a swing, falls back, and makes a slightly higher one, while
passive buyers take more from sellers than buyers take, so that the CVD is lower at the second; a
wall stands behind it, which makes it a location.
Written once for a direction `d` (+1 up). Source of the shapes: R4.3, R3.3 (b), R5.10.
"""

from typing import Any

import numpy as np

from aggressor.kernel import kernel
from aggressor.sim.synthetic.book import MINUTES, NONE, Market, best, lots_at
from aggressor.sim.synthetic.minutes import MINUTE_NS, is_swing, starts_minute, usual_flow
from aggressor.sim.synthetic.runs import minute_sigma
from aggressor.sim.synthetic.stage import (
    FINISH,
    GIVE_UP,
    HIT,
    REST,
    after,
    next_phase,
    request,
    scaled,
    since,
)
from aggressor.sim.synthetic.typed import Whole, typed

_ROWS: Any = np.array([9, 8, 7])
_ROW_FLOW: Any = np.array([0.14, 0.11, 0.09])  # minutes of the market's flow bought in each row
_ROW_LEVELS: Any = np.array([8.0, 6.0, 5.0])  # at least so many typical levels
_TAKERS = 4  # at a time: none of them stands out by its size
_CLIMB_S: Any = np.array([8.0, 12.0, 16.0])
_SWING_SIGMAS: Any = np.array([1.6, 1.3, 1.0])  # of one minute's mid change, least _SWING_TICKS
_SWING_TICKS: Any = np.array([28.0, 24.0, 20.0])
_SWING_TICKS_MAX = 90.0
_HIGHER_TICKS = 2
_GIVEN_UP: Any = np.array([0.3, 0.2, 0.12])  # of the volume since the first swing: CVD lost
_FIRST_SWING = (0.0, 0.2, 0.35, 0.47, 0.6, 1.0, 0.7, 0.5, 0.33, 0.2, 0.08)
_SECOND_SWING = (0.05, 0.1, 0.3, 0.5, 0.62, 0.75, 1.0, 0.65, 0.45, 0.3, 0.2, 0.1)
_PATH: Any = np.array(_FIRST_SWING + _SECOND_SWING)  # height at each half minute, in swings
_BEYOND_CHANCE: Any = np.array([3.0, 2.5, 2.0])  # deviations of the flow of such a volume
_GIVEN_UP_LEAST = 0.8  # of what was to be given up: else it is of another difficulty
_SWING_BARS = typed(2)
_FIRST_CLOSED = typed(3)
_SECOND_CLOSED = typed(9)
_WALL_AT = typed(7)  # minutes: then a wall is put behind where the second swing will be
_WALL_LEVELS: Any = np.array([18.0, 15.0, 12.0])
_KNOWN = typed(11)  # minutes from the start until the second swing is confirmed


@kernel
def climb(market: Market) -> None:
    """Buy the rows up to where the climb should be by now, each with its share of lots."""
    state = market.scenario[0]
    direction = state["side"]
    share = since(market, state["phase_at"]) / _CLIMB_S[state["difficulty"]]
    row = min(state["length"], 1 + np.int64(share * state["length"]))
    while state["left"] < row:
        state["left"] += 1
        at = state["price"] + direction * state["left"]
        request(market, REST, -direction, at, state["lots"])
    limit = state["price"] + direction * row
    if direction * (limit - best(market, -direction)) >= 0:
        for _ in range(_TAKERS):
            request(market, HIT, direction, limit, state["lots"] // (4 * _TAKERS) + 1)
    state["extreme"] = limit


@kernel
def keep_up(market: Market, top: Whole) -> None:
    """Keep the price from falling back through the rows below `top`."""
    state = market.scenario[0]
    direction = state["side"]
    stand = scaled(market, 5.0)
    for i in range(2):
        at = top - direction * i
        if (
            lots_at(market, direction, at) < stand
            and direction * (best(market, -direction) - at) > 0
        ):
            request(market, REST, direction, at, stand)
    if direction * (top - best(market, -direction)) >= 0:
        request(market, HIT, direction, top, scaled(market, 3.0))


@kernel
def stacking_step(market: Market) -> None:
    """Wait for a minute, climb on buying alone, stand there until the minute is over."""
    state = market.scenario[0]
    hard = state["difficulty"]
    now = market.head[0]["pulse_at"]
    direction = state["side"]
    if state["phase"] == 0:
        if starts_minute(market):
            state["started"] = now
            state["next_at"] = after(market, 200.0, 1500.0)
            next_phase(market)
        return
    over = now // MINUTE_NS != state["started"] // MINUTE_NS
    if state["phase"] == 1:
        if now >= state["next_at"]:
            state["price"] = best(market, -direction)
            state["extreme"] = state["price"]
            state["length"] = _ROWS[hard]
            flow = np.int64(60.0 * _ROW_FLOW[hard] * market.params[0]["flow"])
            state["lots"] = max(scaled(market, _ROW_LEVELS[hard]), flow)
            next_phase(market)
    elif state["phase"] == 2:
        if now >= state["next_at"]:
            state["next_at"] = after(market, 80.0, 200.0)
            climb(market)
        keep_up(market, state["extreme"] - 2 * direction)
        top = state["price"] + direction * state["length"]
        if direction * (best(market, -direction) - top) >= 0 and state["left"] == state["length"]:
            state["peak"] = state["injected"]
            next_phase(market)
    elif now >= state["next_at"]:
        state["next_at"] = after(market, 20.0, 60.0)
        keep_up(market, state["price"] + direction * (state["length"] - 1))
    if over:
        state["key_at"] = now
        state["count"] = state["length"]
        state["low"] = min(state["price"] + direction, state["price"] + direction * state["length"])
        state["high"] = max(
            state["price"] + direction, state["price"] + direction * state["length"]
        )
        state["injected"] = state["peak"]
        action = FINISH if state["peak"] > 0 else GIVE_UP
        request(market, action, NONE, direction, NONE)


@kernel
def path_price(market: Market) -> Whole:
    """Return where the divergence wants the price now."""
    state = market.scenario[0]
    place = since(market, state["phase_at"]) / 30.0
    knot = min(np.int64(place), np.int64(_PATH.size - 2))
    share = min(1.0, place - knot)
    height = _PATH[knot] + share * (_PATH[knot + 1] - _PATH[knot])
    length = state["length"]
    if state["extreme"] != 0 and knot >= 11:
        reach = state["side"] * (state["extreme"] - state["price"]) + _HIGHER_TICKS
        if knot >= 15:
            length = reach
    return state["price"] + state["side"] * np.int64(np.round(height * length))


@kernel
def steer(market: Market, goal: Whole) -> None:
    """Bring the touches to both sides of `goal`, and let makers stand there."""
    for side in (1, -1):
        at = goal + side  # nothing on the other side of the goal is left standing
        if side * (best(market, -side) - goal) < 0:
            request(market, HIT, np.int64(side), goal, scaled(market, 6.0))
        if side * (best(market, side) - at) < 0 and lots_at(market, np.int64(-side), at) == 0:
            request(market, REST, np.int64(-side), at, scaled(market, 2.0))


@kernel
def keep_wall(market: Market) -> None:
    """Keep a wall behind where the second swing is to be, also while it is eaten."""
    state = market.scenario[0]
    direction = state["side"]
    at = state["extreme"] + direction * (_HIGHER_TICKS + 2)
    wanted = scaled(market, _WALL_LEVELS[state["difficulty"]])
    missing = wanted - lots_at(market, -direction, at)
    if missing > wanted // 4 and direction * (at - best(market, direction)) > 0:
        request(market, REST, -direction, at, missing)


@kernel
def given_up(market: Market, traded: Whole) -> float:
    """Return the CVD to be lost over `traded` lots: a share of them, and more than by chance."""
    hard = market.scenario[0]["difficulty"]
    chance = _BEYOND_CHANCE[hard] * market.scenario[0]["usual"] * np.sqrt(1.0 * traded)
    return max(_GIVEN_UP[hard] * traded, chance)


@kernel
def diverges(market: Market) -> bool:
    """Tell whether the market let two swings come about, none between them, and CVD be lower."""
    state = market.scenario[0]
    direction = state["side"]
    last = _KNOWN - 1
    for minute in range(2, _KNOWN - 2):
        wanted = minute in (_FIRST_CLOSED - 1, _SECOND_CLOSED - 1)
        if is_swing(market, direction, last - minute, _SWING_BARS) != wanted:
            return False
    return bool(state["peak"] >= _GIVEN_UP_LEAST * given_up(market, state["lots"]))


@kernel
def divergence_step(market: Market) -> None:
    """Lead the price along two swings, and let sellers be absorbed between them."""
    state = market.scenario[0]
    head = market.head[0]
    now = head["pulse_at"]
    direction = state["side"]
    hard = state["difficulty"]
    if state["phase"] == 0:
        if starts_minute(market):
            state["started"] = now
            middle = (head["bid"] + head["ask"]) // 2
            state["price"] = middle
            length = max(_SWING_TICKS[hard], _SWING_SIGMAS[hard] * minute_sigma(market))
            state["length"] = np.int64(min(_SWING_TICKS_MAX, length))
            next_phase(market)
        return
    minute = (now - state["started"]) // MINUTE_NS
    if starts_minute(market) and minute == _FIRST_CLOSED:
        state["mark"] = head["delta"]
        state["base"] = head["volume"]
        state["usual"] = usual_flow(market)
        row = market.minutes[(head["minutes"] - 1) & (MINUTES - 1)]
        state["extreme"] = row[0] if direction > 0 else row[1]
    if starts_minute(market) and minute == _SECOND_CLOSED:
        state["count"] = minute - _FIRST_CLOSED
        state["peak"] = direction * (state["mark"] - head["delta"])
        state["lots"] = head["volume"] - state["base"]
        row = market.minutes[(head["minutes"] - 1) & (MINUTES - 1)]
        second = row[0] if direction > 0 else row[1]
        state["low"] = min(state["extreme"], second)
        state["high"] = max(state["extreme"], second)
    if minute >= _KNOWN:
        state["key_at"] = now
        action = FINISH if diverges(market) else GIVE_UP
        request(market, action, NONE, direction, NONE)
        return
    if now < state["next_at"]:
        return
    state["next_at"] = after(market, 60.0, 140.0)
    goal = path_price(market)
    steer(market, goal)
    if minute >= _WALL_AT:
        keep_wall(market)
    if state["extreme"] != 0 and state["count"] == 0:
        traded = head["volume"] - state["base"]
        wanted = state["mark"] - direction * np.int64(given_up(market, traded))
        short = direction * (head["delta"] - wanted)
        if short > 0 and minute < _SECOND_CLOSED:
            part = min(short, scaled(market, 1.5))
            request(market, REST, direction, goal - direction, part + scaled(market, 1.0))
            request(market, HIT, -direction, goal - direction, part)
