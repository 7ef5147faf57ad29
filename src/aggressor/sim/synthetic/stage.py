"""What every scenario does to the book: rest orders, send takers, cancel, and be written down.

A scenario acts only on pulses and only through orders, so its fills and cancels are as true as
the background's. It does not touch the book itself: it appends requests, which `perform` carries
out in their order on the same pulse (one place that trades, and little code to compile). What
came of them a scenario reads on its next pulse. Its resting orders are held apart: the background
never cancels them. When it ends they are left to the background, which cancels them at random
like any other.

    market.scenario   (1,)              SCENARIO_STATE of the one scenario that runs
    market.requests   (REQUESTS_MAX,)   REQUEST, those of this pulse
"""

import numpy as np

from aggressor.kernel import kernel
from aggressor.schema.event import INTEREST, LIQUIDATION
from aggressor.sim.synthetic.book import (
    BACKGROUND,
    DECK,
    END,
    HELD,
    HELD_ID,
    NONE,
    SCENARIO_OWNER,
    TRADE_STREAM,
    Market,
    Output,
    add_order,
    best,
    cancel_order,
    list_order,
    received_at,
    take,
    write_event,
)
from aggressor.sim.synthetic.chance import SCENARIO, below, between, exponential
from aggressor.sim.synthetic.labels import PUSH_THROUGH, VACUUM, WALL_PULL
from aggressor.sim.synthetic.typed import Whole, typed

IDLE = -1
HELD_MAX = typed(256)
REQUESTS_MAX = 64
ALL = typed(1 << 40)  # lots: as much as there is

REST = typed(1)  # rest `lots` at `price`; what crosses trades at once
HIT = typed(2)  # take `lots` at `price` or better
LIQUIDATE = typed(3)  # the same as a forced order that the venue tells of
CANCEL_NEWEST = typed(4)  # cancel up to `lots` of the held orders
TELL_INTEREST = typed(5)  # publish the open interest
FINISH = typed(6)  # write the label: `side` of the pattern, `price` its direction
GIVE_UP = typed(7)  # the market did not let it come about: a label that says so, if it began

_MS = 1_000_000
_PASS_NS = 1_000_000_000
_FAR = 1 << 40
_INTEREST = typed(INTEREST)
_LIQUIDATION = typed(LIQUIDATION)

REQUEST = np.dtype([("lots", "<i8"), ("price", "<i8"), ("side", "<i8"), ("action", "<i8")])
SCENARIO_STATE = np.dtype(
    [
        (name, "<i8")
        for name in [
            "kind",
            "side",
            "difficulty",
            "phase",
            "started",
            "phase_at",
            "next_at",
            "begin_at",
            "deck",
            "cards",
            "held",
            "requests",
            "price",
            "extreme",
            "lots",
            "left",
            "count",
            "placed",
            "cancelled",
            "injected",
            "filled",
            "key_at",
            "refill_at",
            "length",
            "interest",
            "peak",
            "mark",  # free for the scenario
            "base",
            "met",  # lots traded at its price, on its side, whoever rested them
            "reach",  # side x the price furthest in its direction that traded since it was drawn
            "low",
            "high",
        ]
    ]
    + [("seconds", "<f8"), ("usual", "<f8")]  # what a scenario is held against, free for it
)


@kernel
def after(market: Market, low_ms: float, high_ms: float) -> Whole:
    """Return a time between `low_ms` and `high_ms` from this pulse."""
    wait = between(market.chance, SCENARIO, low_ms, high_ms) * _MS
    return market.head[0]["pulse_at"] + np.int64(wait)


@kernel
def since(market: Market, begin: Whole) -> float:
    """Return the seconds from `begin` to this pulse."""
    return (market.head[0]["pulse_at"] - begin) * 1e-9


@kernel
def next_phase(market: Market) -> None:
    """Begin the phase that follows, now."""
    state = market.scenario[0]
    state["phase"] += 1
    state["phase_at"] = market.head[0]["pulse_at"]


@kernel
def scaled(market: Market, factor: float) -> Whole:
    """Return `factor` typical levels in lots, at least one lot."""
    return max(np.int64(1), np.int64(factor * market.head[0]["typical"]))


@kernel
def request(market: Market, action: Whole, side: Whole, price: Whole, lots: Whole) -> None:
    """Ask for something to be done on this pulse; beyond REQUESTS_MAX it is forgotten."""
    state = market.scenario[0]
    if state["requests"] < REQUESTS_MAX:
        row = market.requests[state["requests"]]
        row["action"] = action
        row["side"] = side
        row["price"] = price
        row["lots"] = lots
        state["requests"] += 1


@kernel
def held_lots(market: Market) -> Whole:
    """Return the lots still resting of what the scenario placed; forget orders that are gone."""
    state = market.scenario[0]
    kept = np.int64(0)
    lots = np.int64(0)
    for i in range(state["held"]):
        slot = market.lists[HELD, i]
        if market.orders[slot]["id"] == market.lists[HELD_ID, i]:
            market.lists[HELD, kept] = slot
            market.lists[HELD_ID, kept] = market.lists[HELD_ID, i]
            kept += 1
            lots += np.int64(market.orders[slot]["lots"])
    state["held"] = kept
    return lots


@kernel
def hold(market: Market, slot: Whole) -> None:
    """Keep an order that the scenario has just rested."""
    state = market.scenario[0]
    market.lists[HELD, state["held"]] = slot
    market.lists[HELD_ID, state["held"]] = market.orders[slot]["id"]
    state["held"] += 1
    state["placed"] += market.orders[slot]["lots"]


@kernel
def finish(market: Market, out: Output, side: Whole, direction: Whole) -> None:
    """Write the label, then let go."""
    state = market.scenario[0]
    resting = held_lots(market)
    row = out.labels[out.head[2]]
    out.head[2] += 1
    row["kind"] = state["kind"]
    row["side"] = side
    row["direction"] = direction
    row["difficulty"] = state["difficulty"]
    row["start_ns"] = state["started"]
    row["stop_ns"] = market.head[0]["pulse_at"]
    row["key_ns"] = state["key_at"]
    row["low"] = state["low"]
    row["high"] = state["high"]
    row["peak_lots"] = state["peak"]
    row["traded_lots"] = state["placed"] - state["cancelled"] - resting
    if state["kind"] in (WALL_PULL, PUSH_THROUGH, VACUUM):
        row["traded_lots"] = state["left"]
    row["cancelled_lots"] = state["cancelled"]
    row["injected_lots"] = state["injected"]
    row["count"] = state["count"]
    let_go(market)


@kernel
def give_up(market: Market, out: Output) -> None:
    """Write a label without a key time over what was traded through, where anything was done."""
    state = market.scenario[0]
    head = market.head[0]
    if state["phase"] == 0:
        let_go(market)
        return
    state["low"] = min(state["price"], head["bid"])
    state["high"] = max(state["price"], head["ask"])
    if state["extreme"] > 0:
        state["low"] = min(state["low"], state["extreme"])
        state["high"] = max(state["high"], state["extreme"])
    state["key_at"] = 0
    direction = -state["side"] if state["kind"] == VACUUM else state["side"]
    finish(market, out, NONE, direction)


@kernel
def let_go(market: Market) -> None:
    """Leave what rests to the background, undo what was thinned, set the time of the next one."""
    state = market.scenario[0]
    params = market.params[0]
    head = market.head[0]
    head["thin_side"] = 0
    head["thin_add"] = 1.0
    head["thin_cancel"] = 1.0
    held_lots(market)
    for i in range(state["held"]):
        slot = market.lists[HELD, i]
        market.orders[slot]["owner"] = BACKGROUND
        list_order(market, slot)
    state["held"] = 0
    pause = params["gap_min_ns"] + params["gap_ns"] * exponential(market.chance, SCENARIO)
    if state["phase"] == 0:
        pause = 0.0 + _PASS_NS  # nothing was done yet
    state["begin_at"] = market.head[0]["pulse_at"] + np.int64(pause)
    state["kind"] = IDLE


@kernel
def draw_card(market: Market) -> None:
    """Begin the next scenario of the deck, which is taken up anew whenever it runs out."""
    state = market.scenario[0]
    if state["cards"] == 0:
        state["cards"] = state["deck"]
    place = below(market.chance, SCENARIO, state["cards"])
    state["cards"] -= 1
    card = market.lists[DECK, place]
    market.lists[DECK, place] = market.lists[DECK, state["cards"]]
    market.lists[DECK, state["cards"]] = card
    state["kind"] = card // 2
    state["side"] = 1 if card % 2 == 1 else -1
    choices = market.params[0]["difficulties"]
    pick = below(market.chance, SCENARIO, 3)
    while (choices >> pick) & 1 == 0:
        pick = (pick + 1) % 3
    state["difficulty"] = pick
    state["placed"] = 0
    state["cancelled"] = 0
    state["injected"] = 0
    state["key_at"] = 0
    state["refill_at"] = 0
    state["peak"] = 0
    state["count"] = 0
    state["left"] = 0
    state["next_at"] = 0
    state["mark"] = 0
    state["base"] = 0
    state["extreme"] = 0
    state["met"] = 0
    state["reach"] = -_FAR
    state["price"] = market.head[0]["bid"]
    state["started"] = market.head[0]["pulse_at"]
    state["phase"] = 0
    state["phase_at"] = market.head[0]["pulse_at"]


@kernel
def trade_or_rest(market: Market, out: Output, wish: np.void) -> None:
    """Carry out a REST, HIT or LIQUIDATE."""
    state = market.scenario[0]
    action = wish["action"]
    side = wish["side"]
    price = wish["price"]
    filled = take(market, out, side, wish["lots"], price)
    if action == REST:
        if state["held"] >= HELD_MAX:
            held_lots(market)
        if state["held"] < HELD_MAX and side * (best(market, -side) - price) > 0:
            slot = add_order(market, out, side, price, wish["lots"] - filled, SCENARIO_OWNER)
            if slot >= 0:
                hold(market, slot)
        return
    state["injected"] += filled
    state["filled"] = filled
    if action == LIQUIDATE and filled > 0:
        now = market.head[0]["now"]
        interval = market.params[0]["liquidation_ns"]
        state["count"] += 1
        state["key_at"] = now
        state["extreme"] = price
        if now >= state["refill_at"]:
            state["refill_at"] = now + interval
            ts_recv = received_at(market, TRADE_STREAM)
            write_event(market, out, ts_recv, _LIQUIDATION, side, price, filled, END)


@kernel
def perform(market: Market, out: Output) -> None:
    """Carry out the requests of this pulse in their order."""
    state = market.scenario[0]
    for i in range(state["requests"]):
        wish = market.requests[i]
        action = wish["action"]
        if action == CANCEL_NEWEST:
            held_lots(market)
            for _ in range(min(wish["lots"], state["held"])):
                state["held"] -= 1
                slot = market.lists[HELD, state["held"]]
                state["cancelled"] += cancel_order(market, out, slot)
        elif action == TELL_INTEREST:
            ts_recv = received_at(market, TRADE_STREAM)
            interest = market.head[0]["interest"]
            write_event(market, out, ts_recv, _INTEREST, NONE, NONE, interest, END)
        elif action == FINISH:
            finish(market, out, wish["side"], wish["price"])
        elif action == GIVE_UP:
            give_up(market, out)
        else:
            trade_or_rest(market, out, wish)
    state["requests"] = 0
