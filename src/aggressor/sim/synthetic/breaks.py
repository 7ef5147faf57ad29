"""Scenarios about a swing that is broken and lost again: a stop run, traders trapped.

Both wait for a confirmed, unbroken swing X (five bars of one minute on either side) within reach,
drive the price to it gently, trade beyond it against makers who stand there, and come back inside.
They differ in who breaks it and in how it is lost. A stop run: a burst of small orders, a short
overshoot (where the market goes further beyond X than R5.7 allows it is given up), back at once.
Trapped: large orders that stay beyond X for a while, then selling through
X. Written once for a direction `d` (+1 up). Source of the shapes: R5.7, R5.9.
"""

from typing import Any

import numpy as np

from aggressor.kernel import kernel
from aggressor.sim.synthetic.book import NO_SWING, NONE, Market, best, lots_at
from aggressor.sim.synthetic.chance import SCENARIO, between, uniform
from aggressor.sim.synthetic.labels import STOP_RUN
from aggressor.sim.synthetic.minutes import drop_passed_swings
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

_REACH_SIGMAS = 3.0  # of one minute's mid change: a swing farther away is left alone
_APPROACH_S = 60.0
_APPROACH_MAX_S = 120.0
_BURST_FLOW: Any = np.array([110.0, 95.0, 85.0])  # seconds of the market's flow beyond X
_OVERSHOOT: Any = np.array([4, 3, 3])
_OVERSHOOT_MOST = 5.0  # ticks, or half of a minute's range (R5.7): beyond it is no stop run
_RANGE_SIGMAS = 1.596  # the mean range of a Brownian path over its deviation
_STAND = 2.0  # typical levels that makers show on each tick beyond X
_STOP_BURST_S: Any = np.array([8.0, 12.0, 16.0])
_TRAP_BURST_S: Any = np.array([12.0, 16.0, 20.0])
_SMALL_SHARE: Any = np.array([0.98, 0.96, 0.94])  # of the burst's orders are of the smallest kind
_FALL_TICKS: Any = np.array([6, 5, 4])  # inside X, where a trap ends
_BACK_TICKS = 3  # inside X, where a stop run ends
_BACK_MAX_S = 40.0
_OVER_S = 32.0  # after the break it is told for good: until then the price stays inside
_BOUGHT_LEAST = 0.6  # of the burst: else the market had left X behind by itself


@kernel
def break_begin(market: Market) -> None:
    """Choose a swing within reach, on the card's side where there is one."""
    state = market.scenario[0]
    head = market.head[0]
    reach = max(8.0, _REACH_SIGMAS * minute_sigma(market))
    chosen = NONE
    for direction in (-state["side"], state["side"]):
        swing = head["swing_high"] if direction > 0 else head["swing_low"]
        away = direction * (swing - best(market, -direction))
        if swing != NO_SWING and 1 <= away <= reach:
            chosen = np.int64(direction)
            state["price"] = swing
    if chosen == NONE:
        request(market, GIVE_UP, NONE, NONE, NONE)
        return
    state["side"] = chosen
    state["extreme"] = state["price"]
    state["base"] = best(market, -chosen)
    next_phase(market)


@kernel
def burst_begin(market: Market) -> None:
    """Size the burst by the market's flow: its mean, that so far, or that of now, the largest."""
    state = market.scenario[0]
    head = market.head[0]
    lasted = since(market, market.params[0]["start_ns"])
    flow = market.params[0]["flow"] * max(1.0, head["activity"])
    flow = max(flow, head["volume"] / max(lasted, 60.0))
    state["left"] = np.int64(_BURST_FLOW[state["difficulty"]] * flow)
    state["base"] = head["pulse_at"]
    next_phase(market)


@kernel
def approach(market: Market) -> None:
    """Walk towards X within a minute, with small orders."""
    state = market.scenario[0]
    direction = state["side"]
    state["next_at"] = after(market, 150.0, 400.0)
    share = min(1.0, since(market, state["phase_at"]) / _APPROACH_S)
    limit = state["base"] + np.int64(np.round((state["price"] - state["base"]) * share))
    if direction * (limit - best(market, -direction)) >= 0:
        request(market, HIT, direction, limit, scaled(market, 0.6))
    if direction * (limit - best(market, direction)) > 3:
        request(market, REST, direction, limit - 3 * direction, scaled(market, 1.0))


@kernel
def burst(market: Market) -> None:
    """Trade beyond X for this pulse, against makers who refill the ticks there."""
    state = market.scenario[0]
    hard = state["difficulty"]
    direction = state["side"]
    runs = state["kind"] == STOP_RUN
    over = _OVERSHOOT[hard]
    top = state["price"] + direction * over
    stand = scaled(market, _STAND)
    for i in range(1, over + 2):
        at = state["price"] + direction * i
        resting = lots_at(market, -direction, at)
        if resting < stand // 2 and direction * (at - best(market, direction)) > 0:
            request(market, REST, -direction, at, stand - resting)
    lasts = _STOP_BURST_S[hard] if runs else _TRAP_BURST_S[hard]
    due = state["left"] * min(1.0, since(market, state["phase_at"]) / lasts)
    unit = market.params[0]["unit_lots"]
    for _ in range(24):
        if state["mark"] >= due:
            return
        size = max(np.int64(1), np.int64(unit * between(market.chance, SCENARIO, 0.5, 1.0)))
        if not runs:
            size = scaled(market, between(market.chance, SCENARIO, 2.0, 4.0))
        elif uniform(market.chance, SCENARIO) > _SMALL_SHARE[hard]:
            size *= 5
        state["mark"] += size
        state["count"] += 1
        request(market, HIT, direction, top, size)


@kernel
def give_back(market: Market) -> None:
    """Sell back inside X; after a trap in size, after a stop run with little."""
    state = market.scenario[0]
    direction = state["side"]
    runs = state["kind"] == STOP_RUN
    inside = _BACK_TICKS if runs else _FALL_TICKS[state["difficulty"]]
    seconds = since(market, state["phase_at"])
    step = 2.0 * seconds if runs else 4.0 * seconds
    top = state["price"] + direction * _OVERSHOOT[state["difficulty"]]
    goal = state["price"] - direction * inside
    limit = top - direction * np.int64(step)
    if direction * (limit - goal) < 0:
        limit = goal
    if direction * (best(market, direction) - limit) >= 0:
        part = between(market.chance, SCENARIO, 2.0, 5.0) * (1.0 if runs else 3.0)
        request(market, HIT, -direction, limit, scaled(market, part))
        request(market, REST, -direction, limit + 2 * direction, scaled(market, 1.0))


@kernel
def stay_inside(market: Market) -> None:
    """Let makers stand inside X, so that what was lost stays lost until the break is over."""
    state = market.scenario[0]
    direction = state["side"]
    inside = _BACK_TICKS if state["kind"] == STOP_RUN else _FALL_TICKS[state["difficulty"]]
    stand = scaled(market, _STAND)
    for i in range(inside):
        at = state["price"] - direction * i
        resting = lots_at(market, -direction, at)
        if direction * (at - best(market, direction)) <= 0:
            request(market, HIT, -direction, at, stand)
        elif resting < stand // 2:
            request(market, REST, -direction, at, stand - resting)


@kernel
def went_too_far(market: Market) -> bool:
    """Note how far beyond X price has gone; tell whether it is too far for a stop run."""
    state, head = market.scenario[0], market.head[0]
    direction = state["side"]
    reached = head["minute_high"] if direction > 0 else head["minute_low"]
    if direction * (reached - state["extreme"]) > 0 and head["minute_high"] >= head["minute_low"]:
        state["extreme"] = reached
    if state["kind"] != STOP_RUN:
        return False
    most = max(_OVERSHOOT_MOST, 0.5 * _RANGE_SIGMAS * minute_sigma(market))
    return bool(direction * (state["extreme"] - state["price"]) > most)


@kernel
def break_step(market: Market) -> None:
    """Approach a swing, trade beyond it, come back inside."""
    state = market.scenario[0]
    head = market.head[0]
    now = head["pulse_at"]
    direction = state["side"]
    runs = state["kind"] == STOP_RUN
    if state["phase"] == 0:
        drop_passed_swings(market)
        break_begin(market)
        return
    reached = direction * (best(market, direction) - state["price"])
    if state["phase"] == 1:
        if now >= state["next_at"]:
            approach(market)
        traded = head["minute_high"] if direction > 0 else head["minute_low"]
        passed = direction * (traded - state["price"]) > 0  # the background was first
        if passed or (
            direction * (best(market, -direction) - state["price"]) > 0 and reached >= -2
        ):
            burst_begin(market)
        elif since(market, state["phase_at"]) > _APPROACH_MAX_S:
            request(market, GIVE_UP, NONE, NONE, NONE)
    elif state["phase"] == 2:
        burst(market)
        last = _STOP_BURST_S[state["difficulty"]] if runs else _TRAP_BURST_S[state["difficulty"]]
        if went_too_far(market):
            request(market, GIVE_UP, NONE, NONE, NONE)
        elif since(market, state["phase_at"]) > last:
            state["peak"] = state["injected"]
            head["interest"] -= state["injected"] // 4
            next_phase(market)
            if state["injected"] < _BOUGHT_LEAST * state["left"]:
                request(market, GIVE_UP, NONE, NONE, NONE)
    elif state["phase"] == 3:
        if now >= state["next_at"]:
            state["next_at"] = after(market, 100.0, 250.0)
            give_back(market)
        lost = -2 if runs else -4
        if went_too_far(market):
            request(market, GIVE_UP, NONE, NONE, NONE)
        elif state["key_at"] == 0 and reached <= lost:
            state["key_at"] = now
            next_phase(market)
        elif since(market, state["phase_at"]) > _BACK_MAX_S:
            request(market, GIVE_UP, NONE, NONE, NONE)
    else:
        if now >= state["next_at"]:
            state["next_at"] = after(market, 30.0, 80.0)
            stay_inside(market)
        if since(market, state["phase_at"]) > 3.0 and since(market, state["base"]) > _OVER_S:
            state["low"] = min(state["price"], state["extreme"])
            state["high"] = max(state["price"], state["extreme"])
            if not runs:
                state["count"] = direction * (state["extreme"] - state["price"])
            state["injected"] = state["peak"]
            request(market, FINISH, NONE, direction, NONE)
