"""Scenarios about a run of the price: exhaustion of a run, a cascade of forced orders.

Both follow a path: on each action everything up to the path's price is taken, so the move comes
about through trades whatever the background does. Written once for a direction `d` (+1 up).
Source of the shapes: R5.2, R5.8, R7.1.
"""

from typing import Any

import numpy as np

from aggressor.kernel import kernel, kernel_inline
from aggressor.sim.synthetic.book import NONE, Market, best, lots_at
from aggressor.sim.synthetic.chance import SCENARIO, between, uniform
from aggressor.sim.synthetic.minutes import usual_move
from aggressor.sim.synthetic.publish import is_due
from aggressor.sim.synthetic.stage import (
    ALL,
    FINISH,
    GIVE_UP,
    HIT,
    LIQUIDATE,
    REST,
    TELL_INTEREST,
    after,
    next_phase,
    request,
    scaled,
    since,
)
from aggressor.sim.synthetic.typed import Whole

_RUN_SIGMAS = 3.0  # of one minute's mid change, the least length of a medium run
_RUN_LENGTH: Any = np.array([1.3, 1.0, 0.7])
_RUN_FUEL: Any = np.array([7.0, 5.0, 3.5])  # typical levels that rest, and are eaten, in each row
_TOP_FUEL: Any = np.array([0.0, 0.0, 0.12, 0.35, 0.7])  # of it, by rows to the extreme
_STAND: Any = np.array([6.0, 5.0, 4.0])  # typical levels on either side of an extreme that holds
_STAND_TICKS = 1  # it holds so near its extreme
_SPENT_S = 60.0  # a run that others carry on for longer is not spent
_CASCADE_SIGMAS: Any = np.array([7.0, 5.5, 4.5])  # of one minute's mid change
_CASCADE_INTEREST: Any = np.array([0.012, 0.008, 0.0055])  # share of the open interest that closes
_CASCADE_TICKS_MAX = 200.0
_CASCADE_LEAST: Any = np.array([1.4, 1.2, 1.0])
_REQUOTE_TICKS = 2  # behind the fall: makers on its side follow it
_THIN_ADD = 0.35
_THIN_CANCEL = 4.0
_REST_S = 6.0
_TELL_NS = 1_000_000_000  # open interest is told so often in a cascade


@kernel_inline
def minute_sigma(market: Market) -> float:
    """Return the deviation of one minute's mid change in ticks, from the last minutes."""
    return np.sqrt(60.0 * max(0.5, market.head[0]["variance"]))


@kernel
def feed_rows(market: Market, row: Whole) -> None:
    """Rest the orders that the run will eat, up to `row` ticks from its start."""
    state = market.scenario[0]
    direction = state["side"]
    while state["left"] < min(row, state["length"]):
        state["left"] += 1
        to_top = state["length"] - state["left"]
        share = _TOP_FUEL[to_top] if to_top < _TOP_FUEL.size else 1.0
        if share > 0.0:
            lots = scaled(market, share * _RUN_FUEL[state["difficulty"]])
            request(market, REST, -direction, state["price"] + direction * state["left"], lots)


@kernel
def stay_at(market: Market, top: Whole) -> None:
    """Let makers on either side of an extreme hold the price there while aggression dies."""
    state = market.scenario[0]
    direction = state["side"]
    stand = scaled(market, _STAND[state["difficulty"]])
    floor = top - _STAND_TICKS * direction
    for i in range(_STAND_TICKS + 1):
        at = top + direction * i
        if (
            lots_at(market, -direction, at) < stand // 2
            and direction * (at - best(market, direction)) > 0
        ):
            request(market, REST, -direction, at, stand)
    if direction * (best(market, -direction) - floor) <= 0:
        request(market, HIT, direction, floor, scaled(market, 1.0))
    if lots_at(market, direction, floor) < stand // 2:
        request(market, REST, direction, floor, stand)


@kernel
def exhaustion_begin(market: Market) -> None:
    """Choose length and time of a run from the opposite touch."""
    state = market.scenario[0]
    direction = state["side"]
    state["price"] = best(market, -direction)
    state["low"] = state["price"]
    state["high"] = state["price"]
    sigma = max(minute_sigma(market), usual_move(market))  # of late, and since the start
    length = max(market.params[0]["run_ticks"], _RUN_SIGMAS * sigma)
    length *= _RUN_LENGTH[state["difficulty"]]
    state["length"] = max(np.int64(8), np.int64(length))
    state["seconds"] = between(market.chance, SCENARIO, 10.0, 16.0)
    next_phase(market)


@kernel
def exhaustion_step(market: Market) -> None:
    """Run up on extreme one-sided flow, let it fade without a new extreme, then give part back."""
    state = market.scenario[0]
    now = market.head[0]["pulse_at"]
    direction = state["side"]
    if state["phase"] == 0:
        exhaustion_begin(market)
    if now < state["next_at"]:
        return
    elapsed = since(market, state["phase_at"])
    top = state["price"] + direction * state["length"]
    if state["phase"] == 1:
        state["next_at"] = after(market, 50.0, 150.0)
        row = min(state["length"], np.int64(state["length"] * elapsed / state["seconds"]))
        feed_rows(market, row + 1)
        request(market, HIT, direction, state["price"] + direction * row, ALL)
        if direction * (best(market, -direction) - top) >= 0 or elapsed > state["seconds"] + 4.0:
            state["key_at"] = now
            state["low"] = min(state["price"], top)
            state["high"] = max(state["price"], top)
            state["peak"] = state["injected"]
            stay_at(market, top)
            state["seconds"] = between(market.chance, SCENARIO, 12.0, 15.0)
            next_phase(market)
    elif state["phase"] == 2:
        state["next_at"] = after(market, 80.0, 200.0)
        beyond = state["reach"] - direction * top
        if beyond > 0:  # others took it further: there is its extreme, and there it must hold
            state["length"] += beyond
            top += direction * beyond
            state["low"] = min(state["price"], top)
            state["high"] = max(state["price"], top)
            state["key_at"] = state["phase_at"] = now
            elapsed = 0.0
        stay_at(market, top)
        if since(market, state["started"]) > _SPENT_S:
            request(market, GIVE_UP, NONE, NONE, NONE)
            return
        if uniform(market.chance, SCENARIO) > elapsed:
            request(market, HIT, direction, top, scaled(market, 0.25))
        if elapsed > state["seconds"]:
            share = between(market.chance, SCENARIO, 0.4, 0.65)
            state["left"] = np.int64(share * state["length"])
            state["seconds"] = between(market.chance, SCENARIO, 8.0, 14.0)
            next_phase(market)
    else:
        state["next_at"] = after(market, 100.0, 300.0)
        row = min(state["left"], np.int64(state["left"] * elapsed / state["seconds"]))
        part = scaled(market, between(market.chance, SCENARIO, 2.0, 6.0))
        request(market, HIT, -direction, top - direction * row, part)
        if elapsed > state["seconds"]:
            state["count"] = direction * (top - best(market, direction))
            state["injected"] = state["peak"]
            request(market, FINISH, NONE, direction, NONE)


@kernel
def cascade_step(market: Market) -> None:
    """Thin the book, sweep it with forced orders while positions close, then let it rest."""
    state = market.scenario[0]
    head = market.head[0]
    now = head["pulse_at"]
    direction = state["side"]
    hard = state["difficulty"]
    if state["phase"] == 0:
        state["price"] = best(market, -direction)
        state["extreme"] = state["price"]
        length = _CASCADE_SIGMAS[hard] * minute_sigma(market)
        least = market.params[0]["fall_sigmas"] * usual_move(market) * _CASCADE_LEAST[hard]
        state["length"] = np.int64(max(min(_CASCADE_TICKS_MAX, length), least))
        state["seconds"] = between(market.chance, SCENARIO, 5.0, 8.0)
        state["interest"] = head["interest"]
        state["lots"] = np.int64(_CASCADE_INTEREST[hard] * head["interest"])
        head["thin_add"] = _THIN_ADD
        head["thin_cancel"] = _THIN_CANCEL
        next_phase(market)
    elapsed = since(market, state["phase_at"])
    if state["phase"] == 1:
        share = min(1.0, elapsed / state["seconds"])
        head["interest"] = state["interest"] - np.int64(state["lots"] * share)
        if now >= state["next_at"]:
            state["next_at"] = after(market, 150.0, 400.0)
            path = np.int64(state["length"] * share)
            limit = max(2, state["price"] + direction * path)
            request(market, LIQUIDATE, direction, limit, ALL)
            quote = limit - direction * _REQUOTE_TICKS
            request(market, REST, direction, quote, scaled(market, 0.5))
        if elapsed > state["seconds"]:
            state["low"] = min(state["price"], state["extreme"])
            state["high"] = max(state["price"], state["extreme"])
            state["peak"] = state["interest"] - head["interest"]
            head["thin_add"] = 1.0
            head["thin_cancel"] = 1.0
            next_phase(market)
    elif elapsed > _REST_S:
        request(market, FINISH, NONE, direction, NONE)
    if is_due(now, state["started"], _TELL_NS, market.params[0]["pulse_ns"]):
        request(market, TELL_INTEREST, NONE, NONE, NONE)
