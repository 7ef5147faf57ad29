"""What happens at a TIMER, lane by lane: sample, set the scene, then let the detectors judge.

Sampling in time happens here and nowhere else, so that a measure means the same whatever the rate
of messages. Quantiles and sorts are refreshed once a second or a minute by their owners, never at
every TIMER.
"""

import numpy as np

from aggressor.context import interest as interests
from aggressor.context import liquidity as liquidities
from aggressor.detectors import absorption as absorptions
from aggressor.detectors import cascade as cascades
from aggressor.detectors import exhaustion as exhaustions
from aggressor.detectors import iceberg as icebergs
from aggressor.detectors import pull as pulls
from aggressor.detectors import push_through as push_throughs
from aggressor.detectors import stop_run as stop_runs
from aggressor.detectors import trapped as trapped_traders
from aggressor.detectors import vacuum as vacuums
from aggressor.detectors.wall import announce
from aggressor.engine.asked import DEPTH, FLOW, PROFILE, SIGNALS
from aggressor.engine.parts import Pipeline
from aggressor.features import delta as windows
from aggressor.features import depth_flow as depth_flows
from aggressor.features import fade as fades
from aggressor.features import forced as forced_flow
from aggressor.features import impact as impacts
from aggressor.features import locations as places
from aggressor.features import near_depth as near_depths
from aggressor.features import prints as takers
from aggressor.features import resilience as resiliences
from aggressor.features import sizes as size_buckets
from aggressor.features import speed as speeds
from aggressor.features import volatility as volatilities
from aggressor.features import walls as wall_lists
from aggressor.features.baseline import READY, UNKNOWN
from aggressor.features.pressure import mark
from aggressor.features.prints import ORDERS
from aggressor.kernel import Int, kernel
from aggressor.market import composite as composites
from aggressor.market.health import FAULT_STALE


@kernel
def on_order(pipe: Pipeline, k: Int, now: Int) -> None:
    """Carry the taker order of lane `k` that has just closed into the measures of the tape."""
    last = (pipe.prints.head[k]["orders"] - 1) & (ORDERS - 1)
    size_buckets.on_order(pipe.sizes, k, pipe.prints.orders[k, last], now)
    speeds.on_order(pipe.speed, k, now)


@kernel
def on_timer(pipe: Pipeline, now: Int) -> None:
    """Sample what is sampled, then judge; one lane after the other."""
    for k in range(pipe.market.book.head.size):
        _sample(pipe, k, now)
        _judge(pipe, k, now)
    composites.on_timer(pipe.composite, pipe.market.book, pipe.market.health, pipe.contract, now)


@kernel
def _sample(pipe: Pipeline, k: Int, now: Int) -> None:
    """Take the readings of lane `k` and set its scene."""
    set_touch(pipe, k)
    scene, asked = pipe.scenes[k], pipe.head[0]["asked"]
    valid, mid2, spread = scene["valid"] == 1, scene["mid2"], scene["ask"] - scene["bid"]
    mark(pipe.pressure, k, now)
    if asked & DEPTH:
        depth_flows.mark(pipe.depth_flow, k, now)
    if asked & FLOW:
        if takers.settle(pipe.prints, k, now):
            on_order(pipe, k, now)
        size_buckets.advance_windows(pipe.sizes, k, now)
        speeds.sample(pipe.speed, k, now)
    volatilities.sample(pipe.volatility, k, now, valid, mid2, spread)
    if asked & FLOW:
        impacts.sample(pipe.impact, k, now, valid, mid2)
    _set_yardsticks(pipe, k, now)
    tick = pipe.volatility.head[k]["effective_tick"]
    if asked & FLOW:
        fades.sample(pipe.fade, k, now, windows.window_delta(pipe.window, 2 * k, now), tick)
    if asked & DEPTH:
        wall_lists.sample(pipe.walls, pipe.market.book, pipe.market.ledger, k, now, tick)
        near_depths.sample(
            pipe.near_depth,
            pipe.market.book,
            pipe.market.ledger,
            k,
            now,
            valid,
            pipe.scenes[k]["effective_tick"],
        )
    if asked & FLOW:
        forced_flow.sample(pipe.forced, k, now)
    if asked & PROFILE:
        places.refresh(pipe.locations, pipe.session, k, now)


@kernel
def set_touch(pipe: Pipeline, k: Int) -> None:
    """Write the touch of lane `k` into its scene; a stale book is as good as none."""
    scene, book = pipe.scenes[k], pipe.market.book.head[k]
    stale = (pipe.market.health.head[k]["faults"] & FAULT_STALE) != 0
    scene["valid"] = 1 if book["valid"] != 0 and not stale else 0
    scene["bid"], scene["ask"] = book["bid"], book["ask"]
    scene["bid_lots"], scene["ask_lots"] = book["bid_lots"], book["ask_lots"]
    scene["mid2"] = np.int64(book["bid"]) + np.int64(book["ask"])


@kernel
def _set_yardsticks(pipe: Pipeline, k: Int, now: Int) -> None:
    """Write what a detector measures with into the scene of lane `k`."""
    scene, volatility = pipe.scenes[k], pipe.volatility.head[k]
    scene["now"] = now
    tick_known = volatility["effective_maturity"] != UNKNOWN
    atr_known = volatility["atr_maturity"] != UNKNOWN
    scene["effective_tick"] = volatility["effective_tick"] if tick_known else 0
    scene["spread_median"] = (
        volatility["spread_median"] if volatility["spread_maturity"] != UNKNOWN else 0
    )
    scene["atr_ticks"] = 0.5 * volatility["atr2"] if atr_known else -1.0
    young = volatility["effective_maturity"] != READY or volatility["atr_maturity"] != READY
    scene["young"] = 1 if young else 0
    scene["sigma_second"] = (
        0.5 * volatility["sigma2"] if volatility["sigma_maturity"] != UNKNOWN else -1.0
    )
    scene["sigma_minute"] = volatilities.minute_deviation(pipe.volatility, k)
    scene["impact"] = pipe.impact.head[k]["impact"]


@kernel
def _judge(pipe: Pipeline, k: Int, now: Int) -> None:
    """Let every detector of lane `k` look at the scene."""
    scene, asked = pipe.scenes[k], pipe.head[0]["asked"]
    valid = scene["valid"] == 1
    if asked & SIGNALS:
        announce(pipe.wall_signals, pipe.walls, pipe.outbox, k, now, scene["venue_now"])
    if asked & DEPTH:
        resiliences.judge(
            pipe.resilience,
            pipe.market.book,
            pipe.prints,
            k,
            now,
            scene["venue_now"],
            valid,
            scene["effective_tick"],
        )
    if (asked & SIGNALS) == 0:
        return
    exhaustions.judge(
        pipe.exhaustion,
        pipe.outbox,
        pipe.fade,
        k,
        now,
        valid,
        scene["effective_tick"],
        scene["atr_ticks"],
        scene["young"] == 1,
    )
    book, ledger, watch = pipe.market.book, pipe.market.ledger, pipe.watch
    scenes, outbox = pipe.scenes, pipe.outbox
    near, walls = pipe.near_depth, pipe.walls
    absorptions.judge(pipe.absorption, book, ledger, scenes, outbox, k)
    icebergs.judge(pipe.iceberg, watch, book, ledger, scenes, outbox, k)
    pulls.judge(pipe.pull, watch, book, ledger, walls, near, scenes, outbox, k)
    vacuums.judge(pipe.vacuum, near, book, ledger, scenes, outbox, k)
    breaks, prints, tape = pipe.breaks, pipe.prints, pipe.market.tape
    push_throughs.judge(pipe.push_through, scenes, walls, book, ledger, prints, breaks, outbox, k)
    stop_runs.judge(pipe.stop_run, scenes, prints, pipe.contract, breaks, outbox, k)
    trapped_traders.judge(pipe.trapped, scenes, pipe.fade, breaks, outbox, k)
    rate = 1e-8 * pipe.contract.head[k]["rate"]
    cascades.judge(pipe.cascade, scenes, pipe.forced, tape, prints, book, rate, outbox, k)
    interests.sample(pipe.interest, pipe.market.book, pipe.market.tape, k, now, scene["atr_ticks"])
    hollow = vacuums.is_active(pipe.vacuum, k)
    liquidities.sample(pipe.liquidity, pipe.market.book, k, now, 1 if hollow else 0)
