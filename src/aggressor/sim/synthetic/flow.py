"""The background: limit orders, takers and cancels as a birth-death process in continuous time.

Between two pulses of the grid all rates but the number of orders are constant, so the next event
is an exponential time away and what it is follows from the shares of the rates: exact, not
stepped. Cancels are drawn at the largest rate per order and thinned by the distance of the order
drawn.

Bursts, slow activity and thin depth multiply rates. Bursts and activity multiply *all* of them:
they bend time and leave the book's stationary shape alone. Pressure (recent signed taker volume)
moves limit orders to the side being hit, as liquidity providers do, which takes the trend out of
long memory (R11.C gives signs an autocorrelation that prices do not show).

Source: R11.I, Cont, Stoikov and Talreja 2010; R11.C; Bouchaud et al. 2018.
"""

import numpy as np

from aggressor.kernel import kernel, kernel_inline
from aggressor.schema.event import ASK, BID
from aggressor.sim.synthetic.book import (
    ACTIVE,
    ARRIVAL_CURVE,
    BACKGROUND,
    CANCEL_CURVE,
    GROWTH_CURVE,
    LENGTH_DRAWS,
    LEVEL_MASK,
    SIZE_DRAWS,
    Market,
    Output,
    add_order,
    best,
    cancel_order,
    orders_of,
    take,
)
from aggressor.sim.synthetic.chance import (
    FLOW,
    SIGNS,
    SLOW,
    below,
    exponential,
    gaussian,
    uniform,
)
from aggressor.sim.synthetic.level_sizes import count_sizes
from aggressor.sim.synthetic.typed import Whole

NO_LIMIT = 1 << 30  # ticks beyond any price
RESERVE_ORDERS = 4  # a side with fewer is filled up at the far end of its reach
BURST_MAX = 20.0
_SECOND_NS = 1_000_000_000
_TYPICAL_LEVELS = 10
_VARIANCE_PULL = 0.01  # a second: the variance of one-second changes is that of minutes
_MARK_PULL = 5e-11  # of the distance to the mid, per ns: the mark follows within 20 s


@kernel_inline
def pace(market: Market) -> float:
    """Return by how much all rates are multiplied now."""
    head = market.head[0]
    return head["activity"] * (1.0 + head["burst"])


@kernel_inline
def arrival_distance(market: Market) -> Whole:
    """Draw the distance in ticks of a limit order from the opposite best, 1 to reach."""
    u = uniform(market.chance, FLOW)
    low = np.int64(0)
    high = market.params[0]["reach"] - 1
    while low < high:
        middle = (low + high) // 2
        if market.curves[ARRIVAL_CURVE, middle] <= u:
            low = middle + 1
        else:
            high = middle
    return low + 1


@kernel_inline
def order_size(market: Market) -> Whole:
    """Draw an order size in lots."""
    return market.draws[SIZE_DRAWS, below(market.chance, FLOW, market.draws.shape[1])]


@kernel_inline
def taker_side(market: Market) -> Whole:
    """Draw the sign of the next background taker: of the running metaorder, or of the slow tilt."""
    head = market.head[0]
    params = market.params[0]
    if uniform(market.chance, SIGNS) < params["metaorder_share"]:
        if head["metaorder_left"] == 0:
            place = below(market.chance, SIGNS, market.draws.shape[1])
            head["metaorder_left"] = market.draws[LENGTH_DRAWS, place]
            head["metaorder_side"] = 1 if uniform(market.chance, SIGNS) < 0.5 else -1
        head["metaorder_left"] -= 1
        return head["metaorder_side"]
    tilt = min(0.9, max(-0.9, params["drift"] * head["mood"]))
    return np.int64(1) if uniform(market.chance, SIGNS) < 0.5 + 0.5 * tilt else np.int64(-1)


@kernel
def background_limit(market: Market, out: Output) -> None:
    """Add one limit order."""
    head = market.head[0]
    bid_share = 0.5 - 0.5 * market.params[0]["refill"] * head["pressure"]
    side = BID if uniform(market.chance, FLOW) < bid_share else ASK
    if side == head["thin_side"] and uniform(market.chance, FLOW) >= head["thin_add"]:
        return
    opposite = best(market, -side)
    if head["thin_side"] == -side:
        opposite = side * min(side * opposite, side * head["thin_price"])
    price = opposite - side * arrival_distance(market)
    if add_order(market, out, side, price, order_size(market), BACKGROUND) >= 0:
        head["added"] += 1


@kernel
def background_taker(market: Market, out: Output) -> None:
    """Send one market order; it excites all rates and moves the open interest by chance."""
    head = market.head[0]
    side = taker_side(market)
    filled = take(market, out, side, order_size(market), side * NO_LIMIT)
    opening = below(market.chance, SIGNS, 3) - 1
    head["interest"] += opening * filled
    jump = market.params[0]["burst_jump"] / head["activity"]
    head["burst"] = min(BURST_MAX, head["burst"] + jump)


@kernel
def background_cancel(market: Market, out: Output) -> None:
    """Draw one order of the background and cancel it at the rate of its distance."""
    head = market.head[0]
    slot = market.lists[ACTIVE, below(market.chance, FLOW, head["listed"])]
    order = market.orders[slot]
    side = np.int64(order["side"])
    distance = side * (best(market, -side) - order["price"])
    distance = min(distance, market.params[0]["reach"] + 1)
    share = market.curves[CANCEL_CURVE, distance - 1]
    if head["thin_side"] == -side:
        share /= head["thin_cancel"]
    if uniform(market.chance, FLOW) < share:
        cancel_order(market, out, slot)


@kernel
def top_up(market: Market, out: Output) -> None:
    """Keep both sides from running empty: a far order joins where few are left."""
    params = market.params[0]
    for side in (BID, ASK):
        if orders_of(market, side) < RESERVE_ORDERS:
            price = best(market, -side) - side * params["reach"]
            add_order(market, out, side, price, params["unit_lots"], BACKGROUND)


@kernel
def flow_step(market: Market, out: Output, until: Whole) -> bool:
    """Move to the next background event, or to `until` when it comes first; tell which it was."""
    head = market.head[0]
    params = market.params[0]
    quick = pace(market)
    takers = params["taker_rate"] * quick
    limits = params["arrival_rate"] * quick
    if head["thin_side"] == 0:
        limits *= head["thin_add"]
    cancels = params["cancel_rate"] * quick * head["thin_cancel"] * head["listed"]
    total = takers + limits + cancels
    wait = 1.0 + exponential(market.chance, FLOW) / total * _SECOND_NS
    if head["now"] + wait >= until:
        head["now"] = max(head["now"], until)
        return False
    head["now"] += np.int64(wait)
    choice = uniform(market.chance, FLOW) * total
    if choice < cancels:
        background_cancel(market, out)
    elif choice < cancels + limits:
        background_limit(market, out)
    else:
        background_taker(market, out)
    top_up(market, out)
    return True


@kernel
def measure_typical(market: Market) -> None:
    """Follow the mean lots of a level near the touch: what scenarios are sized against."""
    head = market.head[0]
    lots = 0.0
    levels = 0
    for k in range(_TYPICAL_LEVELS):
        for price in (head["bid"] - k, head["ask"] + k):
            level = market.levels[price & LEVEL_MASK]
            if level["lots"] > 0:
                lots += level["lots"]
                levels += 1
    mean = lots / max(levels, 1)
    head["typical"] = mean if head["typical"] == 0.0 else 0.98 * head["typical"] + 0.02 * mean


@kernel
def slow_step(market: Market, busy: Whole) -> None:
    """Let slow rates move on by one pulse; once a second also activity, tilt and typical size."""
    head = market.head[0]
    params = market.params[0]
    head["burst"] *= params["burst_decay"]
    head["pressure"] *= params["pressure_decay"]
    middle = 0.5 * (head["bid"] + head["ask"])
    head["mark"] += _MARK_PULL * params["pulse_ns"] * (middle - head["mark"])
    if (head["pulse_at"] - params["start_ns"]) % _SECOND_NS >= params["pulse_ns"]:
        return
    if not busy:
        measure_typical(market)
        count_sizes(market)
        moved = middle - head["middle"]
        head["variance"] += _VARIANCE_PULL * (moved * moved - head["variance"])
    head["middle"] = middle
    if params["volatility"] > 0.0:
        decay = params["volatility_decay"]
        noise = np.sqrt(1.0 - decay * decay) * gaussian(market.chance, SLOW)
        head["log_activity"] = decay * head["log_activity"] + noise
        exponent = params["volatility"] * (head["log_activity"] - 0.5 * params["volatility"])
        place = min(1024, max(0, np.int64((exponent + 4.0) * 128.0)))
        head["activity"] = market.curves[GROWTH_CURVE, place]
    if params["drift"] > 0.0:
        decay = params["drift_decay"]
        noise = np.sqrt(1.0 - decay * decay) * gaussian(market.chance, SLOW)
        head["mood"] = decay * head["mood"] + noise
