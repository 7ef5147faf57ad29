"""The loop that runs a synthetic market: background events between pulses, everything else on them.

On a pulse, in this order: slow rates move, the scenario acts, quotes follow, and what is due by
the clock is published. The loop stops before a step for which the output might lack room and can
be called again: where it was cut changes nothing.
"""

from aggressor.kernel import Int, kernel
from aggressor.sim.synthetic.bar_shapes import divergence_step, stacking_step
from aggressor.sim.synthetic.book import Market, Output
from aggressor.sim.synthetic.breaks import break_step
from aggressor.sim.synthetic.flow import flow_step, slow_step, top_up
from aggressor.sim.synthetic.holds import absorption_step, vacuum_step
from aggressor.sim.synthetic.labels import (
    ABSORPTION,
    CASCADE,
    DIVERGENCE,
    EXHAUSTION,
    ICEBERG,
    PUSH_THROUGH,
    STACKING,
    STOP_RUN,
    TRAPPED,
    VACUUM,
    WALL_PULL,
)
from aggressor.sim.synthetic.levels import iceberg_step, push_through_step, wall_pull_step
from aggressor.sim.synthetic.minutes import close_minute, starts_minute
from aggressor.sim.synthetic.publish import publish_clockwork, publish_depth, publish_quote
from aggressor.sim.synthetic.runs import cascade_step, exhaustion_step
from aggressor.sim.synthetic.stage import IDLE, draw_card, perform

_STEP_ROWS = 512  # rows a step may write beyond the orders and levels it can touch


@kernel
def decide(market: Market) -> None:
    """Let the running scenario ask for what it wants, or begin one when its time has come."""
    state = market.scenario[0]
    if state["kind"] == IDLE:
        if state["deck"] == 0 or market.head[0]["pulse_at"] < state["begin_at"]:
            return
        draw_card(market)
    kind = state["kind"]
    if kind == ICEBERG:
        iceberg_step(market)
    elif kind == WALL_PULL:
        wall_pull_step(market)
    elif kind == PUSH_THROUGH:
        push_through_step(market)
    elif kind == EXHAUSTION:
        exhaustion_step(market)
    elif kind == CASCADE:
        cascade_step(market)
    elif kind == ABSORPTION:
        absorption_step(market)
    elif kind == VACUUM:
        vacuum_step(market)
    elif kind in (STOP_RUN, TRAPPED):
        break_step(market)
    elif kind == DIVERGENCE:
        divergence_step(market)
    elif kind == STACKING:
        stacking_step(market)


@kernel
def has_room(market: Market, out: Output) -> bool:
    """Tell whether the output holds whatever one step can write."""
    head = market.head[0]
    orders = head["bid_orders"] + head["ask_orders"]
    rows = 4 * (orders + head["dirty"]) + _STEP_ROWS
    if out.events.size - out.head[0] < rows or out.labels.size - out.head[2] < 2:
        return False
    return out.log.size == 0 or out.log.size - out.head[1] >= rows


@kernel
def run_market(market: Market, until: Int, out: Output) -> bool:
    """Run up to the pulse at venue time `until`; return False when it stopped for lack of room."""
    head = market.head[0]
    params = market.params[0]
    each_change = params["depth_ns"] == 0
    quotes = params["quotes"] != 0
    while head["pulse_at"] < until:
        if not has_room(market, out):
            return False
        stop = head["pulse_at"] + params["pulse_ns"]
        on_pulse = not flow_step(market, out, stop)
        if on_pulse:
            head["pulse_at"] = stop
            if starts_minute(market):
                close_minute(market)
            slow_step(market, market.scenario[0]["kind"] != IDLE)
            decide(market)
            perform(market, out)
            top_up(market, out)
        if each_change:
            publish_depth(market, out)
        if quotes:
            publish_quote(market, out)
        if on_pulse:
            publish_clockwork(market, out)
    return True
