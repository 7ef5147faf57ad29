"""The checks before every order, in one table, in order of evaluation (R8.7).

`check` takes a request and the scene it would enter, and returns `Approved` or `Refused` with the
number of the check and the reason. It has no side effects; the desk notes what was sent.

Each check says for whom it stands: orders that could open or grow a position (NEW_RISK),
reduce-only orders (REDUCING), cancels (CANCELS). What reduces risk passes a halt (but the last
level, at which nothing is sent), stale data and loss limits: those are the moments to reduce.
Numbers are those of R8.7.

Check 3 asks for a book that the market layer believes (`Market.valid`: not stale either by R0.4,
which holds silence against what is usual in that market) and that is not older than
`book_age_ns_max`, however usual that may be. The kill switch asks the same (`book_trouble`).

Check 11 is the rule against what would look like spoofing on our own flow: messages a fill, no
moving away from the market before `rest_ns_min` unless risk is shed, and no resting order beside a
much larger one of ours on the other side. Check 12 knows the venue's tiers where they were stated;
an equity that is not known refuses only where `margin_required`. Check 14 knows what `outside`
was told.

Worst case of a position: every resting order that is not reduce-only, on the same side, fills
whole.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from aggressor.account.blotter import Order
from aggressor.account.lifecycle import State
from aggressor.execution.halt import Halt, HaltLevel
from aggressor.execution.intent import Approved, Refused, Request
from aggressor.execution.losses import Losses
from aggressor.execution.margin import Rates, initial_margin, liquidation_price
from aggressor.execution.outside import Outside
from aggressor.execution.pace import Pace
from aggressor.execution.quotes import Market
from aggressor.schema import command
from aggressor.schema.event import NO_PRICE, PRICE_MAX
from aggressor.schema.instrument import Instrument


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds for one instrument; lots, ticks, ns, basis points, money in 1e-8."""

    enabled: bool = True
    allow_inferred: bool = True  # trading on a grid read off a recording: never live
    price_min: int = 1
    notional_min: int = 0
    book_age_ns_max: int = 60_000_000_000  # of any book, however silent it usually is
    collar_bp: int = 50
    cross_bp_max: int = 10  # of a marketable entry, beyond the opposite best
    exit_cross_bp_max: int = 100  # of a marketable exit
    order_lots_max: int = 10**9
    order_notional_max: int = 10**18
    position_lots_max: int = 10**9
    open_orders_max: int = 10
    open_orders_reserve: int = 4  # of them kept for what reduces risk
    open_notional_max: int = 2 * 10**18
    rest_ns_min: int = 500_000_000
    layer_multiple: int = 5  # no order beside one of ours, so much larger, on the other side
    leverage_max: int = 5  # of the worst case's value to equity
    stop_multiple: int = 3  # liquidation at least so many stop distances away
    margin_required: bool = False  # refuse while equity is not known: always when live
    clock_offset_ns_max: int = 100_000_000
    clock_required: bool = False  # refuse while it is not measured: always when live
    funding_window_ns: int = 60_000_000_000  # no new risk so shortly before funding settles


class Scene(NamedTuple):
    """Everything the checks may know at this moment."""

    market: Market
    instrument: Instrument
    limits: Limits
    position: int  # lots, + long
    orders: Sequence[Order]  # of this instrument, not over
    halt: Halt
    losses: Losses
    pace: Pace
    known: Callable[[int], bool]  # whether an order id was used before
    equity: int | None = None  # 1e-8 of settlement, marked; None: not known
    tiers: Sequence[Rates] = ()  # of margin, empty: not known
    stop: int | None = None  # trigger of what protects the position, ticks
    outside: Outside = Outside()


NEW_RISK = 1
REDUCING = 2
CANCELS = 4
ORDERS = NEW_RISK | REDUCING
ALL = ORDERS | CANCELS

Finding = str | None  # why not, or None: passes


def _engine_open(request: Request, scene: Scene) -> Finding:
    if scene.halt.level >= HaltLevel.DISCONNECT:
        return f"disconnected: {scene.halt.reason}"
    if not request.new_risk:
        return None
    if scene.halt.level > HaltLevel.OPEN:
        return f"halted: {scene.halt.reason}"
    if not scene.limits.enabled:
        return "the instrument is switched off"
    if scene.instrument.inferred and not scene.limits.allow_inferred:
        return "the grid of prices and sizes is inferred, not stated by the venue"
    return None


def _fields_sane(request: Request, scene: Scene) -> Finding:
    if request.side not in (1, -1):
        return f"side {request.side} is neither buy nor sell"
    if request.size <= 0:
        return f"size {request.size} is not above zero"
    if request.type == command.STOP_MARKET:
        if request.trigger == NO_PRICE or not request.reduce_only:
            return "a stop needs a trigger and must be reduce-only"
    elif request.type != command.LIMIT:
        return "only limit orders and stops are sent, never a market order"
    elif not scene.limits.price_min <= request.price <= PRICE_MAX:
        return f"price {request.price} is outside the range of prices"
    if request.reduce_only and scene.position * request.side >= 0:
        return "a reduce-only order must stand against a position"
    if request.new_risk and _notional(request, scene) < scene.limits.notional_min:
        return "below the smallest value the venue takes"
    return None


def book_trouble(market: Market, limits: Limits) -> str | None:
    """Return why no new risk may rest on a book; None: it is fresh and whole."""
    if not market.valid:
        return "the book is not valid"
    if market.book_age_ns > limits.book_age_ns_max:
        return f"the book is {market.book_age_ns} ns old, more than {limits.book_age_ns_max}"
    return None


def _data_fresh(_: Request, scene: Scene) -> Finding:
    return book_trouble(scene.market, scene.limits)


def _collar(request: Request, scene: Scene) -> Finding:
    market, limits = scene.market, scene.limits
    if request.type == command.STOP_MARKET or not market.valid:
        return None if request.reduce_only else "no book to hold the price against"
    opposite = market.ask if request.side > 0 else market.bid
    beyond = request.side * (request.price - opposite)
    bound = limits.exit_cross_bp_max if request.reduce_only else limits.cross_bp_max
    if beyond * 10_000 > bound * abs(opposite):
        return f"{beyond} ticks beyond the opposite best is more than {bound} bp"
    if request.reduce_only:
        return None
    mid2 = market.bid + market.ask
    if abs(2 * request.price - mid2) * 10_000 > limits.collar_bp * abs(mid2):
        return f"more than {limits.collar_bp} bp from the mid"
    last = market.last_price
    if last is not None and abs(request.price - last) * 10_000 > limits.collar_bp * abs(last):
        return f"more than {limits.collar_bp} bp from the last price"
    return None


def _order_size(request: Request, scene: Scene) -> Finding:
    if request.size > scene.limits.order_lots_max:
        return f"{request.size} lots are more than {scene.limits.order_lots_max}"
    if _notional(request, scene) > scene.limits.order_notional_max:
        return "the order's value is above the largest allowed"
    return None


def _position_size(request: Request, scene: Scene) -> Finding:
    worst = request.side * scene.position + _resting(request, scene)
    worst += request.size - _filled(request, scene)
    if worst > scene.limits.position_lots_max:
        return f"a worst case of {worst} lots is more than {scene.limits.position_lots_max}"
    return None


def _open_orders(request: Request, scene: Scene) -> Finding:
    limits = scene.limits
    if request.kind == command.PLACE:
        room = limits.open_orders_max - (limits.open_orders_reserve if request.new_risk else 0)
        if len(scene.orders) >= room:
            return f"{len(scene.orders)} orders are open, {room} are allowed"
    if not request.new_risk:
        return None
    open_value = _notional(request, scene) + sum(
        scene.instrument.whole_notional(o.price, o.leaves)
        for o in scene.orders
        if o.price != NO_PRICE and not o.reduce_only and o.id != request.order
    )
    if open_value > limits.open_notional_max:
        return "the value of all open orders is above the largest allowed"
    return None


def _throttle(request: Request, scene: Scene) -> Finding:
    now = scene.market.now_ns
    if scene.pace.room(now, reserve=request.new_risk) <= 0:
        return "too many messages within the venue's window"
    return None


def _repeated(request: Request, scene: Scene) -> Finding:
    if request.kind == command.PLACE and scene.known(request.order):
        return f"order id {request.order} was already used"
    if request.new_risk and scene.pace.repeats(request, scene.market.now_ns):
        return "the same strategy has entered this side too often within the window"
    return None


def _self_match(request: Request, scene: Scene) -> Finding:
    if request.type == command.STOP_MARKET:
        return None
    for order in scene.orders:
        if order.side == request.side or order.price == NO_PRICE:
            continue
        if request.side * (request.price - order.price) < 0:
            continue
        if order.state is not State.PENDING_CANCEL:
            return f"would meet our own order {order.id}"
    return None


def _own_flow(request: Request, scene: Scene) -> Finding:
    """Check 11: what would look like spoofing if it were somebody else's."""
    now, limits = scene.market.now_ns, scene.limits
    if request.kind != command.PLACE and not request.reduce_only and not request.urgent:
        order = next((o for o in scene.orders if o.id == request.order), None)
        if order is not None and _withdraws(request, order) and _rests(order, now, limits):
            return f"order {order.id} has not rested for {limits.rest_ns_min} ns"
    if not request.new_risk:
        return None
    said, filled = scene.pace.ratio(request.instrument, now)
    rule = scene.pace.rule
    if said >= rule.ratio_from and said > rule.ratio_max * max(filled, 1):
        return f"{said} messages for {filled} fills are more than {rule.ratio_max} to one"
    across = sum(
        o.leaves
        for o in scene.orders
        if o.side == -request.side and not o.reduce_only and o.type == command.LIMIT
    )
    if across > limits.layer_multiple * request.size:
        return f"{across} lots of ours rest on the other side"
    return None


def _withdraws(request: Request, order: Order) -> bool:
    """Return whether a request takes an order, or a part of it, away from the market."""
    if order.reduce_only or order.type != command.LIMIT:
        return False
    if request.kind == command.CANCEL:
        return True
    return request.side * (request.price - order.price) < 0 or request.size < order.size


def _rests(order: Order, now_ns: int, limits: Limits) -> bool:
    """Return whether an order rests for less than the least time; before it does, it shows
    nothing."""
    return order.acknowledged and now_ns - order.ts_ack < limits.rest_ns_min


def _margin(request: Request, scene: Scene) -> Finding:
    limits, one = scene.limits, scene.instrument
    if scene.equity is None:
        return "equity is not known" if limits.margin_required else None
    if scene.equity <= 0:
        return "there is no equity"
    lots = request.side * scene.position + _resting(request, scene)
    lots += request.size - _filled(request, scene)
    if lots <= 0:
        return None
    value = abs(one.notional(request.price, lots))
    if value > limits.leverage_max * scene.equity:
        return f"a worst case of {lots} lots is more than {limits.leverage_max} times equity"
    if not scene.tiers:
        return "the venue's margin tiers are not known" if limits.margin_required else None
    if initial_margin(one, lots, request.price, scene.tiers) > scene.equity:
        return "initial margin of the worst case is more than equity"
    if scene.stop is None:
        return None
    signed = request.side * lots
    price = liquidation_price(one, signed, request.price, scene.equity, scene.tiers)
    distance = abs(request.price - scene.stop)
    if price is not None and abs(request.price - price) < limits.stop_multiple * distance:
        return f"liquidation would be less than {limits.stop_multiple} stop distances away"
    return None


def _outside(_: Request, scene: Scene) -> Finding:
    told, limits = scene.outside, scene.limits
    if told.maintenance:
        return f"maintenance: {told.maintenance}"
    if told.clock_offset_ns is None:
        return "the clock has not been compared with the venue's" if limits.clock_required else None
    if abs(told.clock_offset_ns) > limits.clock_offset_ns_max:
        return f"the clock is {told.clock_offset_ns} ns off the venue's"
    return None


def _fee_window(_: Request, scene: Scene) -> Finding:
    window = scene.limits.funding_window_ns
    left = scene.market.funding_in_ns if window else None
    if left is not None and 0 <= left < window:
        return f"funding settles in {left} ns"
    return None


def _losses(_: Request, scene: Scene) -> Finding:
    return scene.losses.tripped(scene.market.now_ns)


class Check(NamedTuple):
    """One line of the table."""

    number: int
    name: str
    applies: int
    finding: Callable[[Request, Scene], Finding]


CHECKS = (
    Check(1, "engine open", ALL, _engine_open),
    Check(2, "fields sane", ORDERS, _fields_sane),
    Check(3, "market data fresh", NEW_RISK, _data_fresh),
    Check(4, "price collar", ORDERS, _collar),
    Check(5, "order size", NEW_RISK, _order_size),
    Check(6, "position, worst case", NEW_RISK, _position_size),
    Check(7, "open orders", ORDERS, _open_orders),
    Check(8, "message throttle", ALL, _throttle),
    Check(9, "repeated execution", ORDERS, _repeated),
    Check(10, "self-match", ORDERS, _self_match),
    Check(11, "own flow", ALL, _own_flow),
    Check(12, "margin", NEW_RISK, _margin),
    Check(13, "loss limits", NEW_RISK, _losses),
    Check(14, "maintenance and clock", NEW_RISK, _outside),
    Check(14, "fee window", NEW_RISK, _fee_window),
)


_CHECKS_OF = {
    kind: tuple(one for one in CHECKS if one.applies & kind)
    for kind in (NEW_RISK, REDUCING, CANCELS)
}


def check(request: Request, scene: Scene) -> Approved | Refused:
    """Return the request approved, or the first check that refuses it."""
    kind = CANCELS if request.kind == command.CANCEL else NEW_RISK if request.new_risk else REDUCING
    for line in _CHECKS_OF[kind]:
        reason = line.finding(request, scene)
        if reason is not None:
            return Refused(
                check=line.number,
                reason=reason,
                ts_ns=scene.market.now_ns,
                instrument=request.instrument,
                parent=request.parent,
                request=request,
            )
    return Approved(request)


def _notional(request: Request, scene: Scene) -> int:
    return scene.instrument.whole_notional(request.price, request.size)


def _resting(request: Request, scene: Scene) -> int:
    return sum(
        o.leaves
        for o in scene.orders
        if o.side == request.side and not o.reduce_only and o.id != request.order
    )


def _filled(request: Request, scene: Scene) -> int:
    """Return what an amended order has already filled: that part stands in the position."""
    return sum(o.filled for o in scene.orders if o.id == request.order)
