"""The plan that weighs crossing against waiting, again and again (R8.4, R8.5), and the table of
plans.

At every decision, but not more often than `repeg_ns`, it compares

    wait    P_f (-h + maker fee + a) + (1 - P_f)(drift + h + taker fee)
    cross   h + taker fee + what walking the book costs beyond the touch

in basis points of the mid, for a wait of `horizon_ns` or what is left of the time. P_f is the fill
model's chance for the queue as it stands, lowered by `caution` standard errors: an order waits only
where waiting is cheaper even so. The queue ahead is counted as the simulator's most careful model
does: what was displayed when the order was put there, less what was printed against it, never more
than what is displayed.

While it waits it is a PEG. What it crosses it crosses with the cap and the limit; a part that does
not fill is weighed anew. When the time is over what is left is crossed, or given up.
"""

from typing import NamedTuple

from aggressor.execution.fill_chance import Costs, chance, cross_or_wait, features
from aggressor.execution.intent import Choice, Placement, Policy
from aggressor.execution.plans import (
    Capped,
    Cross,
    Finish,
    Join,
    Passive,
    crossing,
    time_left,
)
from aggressor.execution.quotes import Market
from aggressor.execution.slicing import Iceberg, Scheduled
from aggressor.execution.working import Entry, Plan, Stay, Want, own_best
from aggressor.schema import command


class Weighing(NamedTuple):
    """One comparison: costs in basis points, the chance it rests on."""

    costs: Costs
    fill: float
    fill_low: float


class Choose:
    """See the module text."""

    def __init__(self) -> None:
        self.last: Weighing | None = None
        self.first: Weighing | None = None
        self.crossings = 0
        self._passive = Passive(chases=False)
        self._finish = Finish()
        self._queue = Queue()
        self._cross_next = False
        self._asked_ns: int | None = None

    def want(self, entry: Entry, market: Market) -> Want | Stay:
        """See `Plan`."""
        rule = entry.placement
        assert rule.choice is not None, "cross-or-wait needs a fill model"
        self._queue.see(entry, market)
        if self._finish.since_ns is not None:
            return self._finish.want(entry, market, "")
        if market.now_ns - entry.since_ns >= rule.wait_ns:
            return self._finish.want(entry, market, "not filled in time")
        order = entry.live
        if order is not None and order.tif == command.IOC:
            return Stay.KEEP
        if market.valid and self._due(market, rule):
            self._weigh(entry, market, rule.choice)
        if self._cross_next:
            want = crossing(entry, market, entry.left)
            if isinstance(want, Want):
                if order is None:
                    self._cross_next = False
                    self.crossings += 1
                return want
        return self._passive.want(entry, market, entry.left)

    def _due(self, market: Market, rule: Placement) -> bool:
        return self._asked_ns is None or market.now_ns - self._asked_ns >= rule.repeg_ns

    def _weigh(self, entry: Entry, market: Market, choice: Choice) -> None:
        self._asked_ns = market.now_ns
        side, mid = entry.side, (market.bid + market.ask) / 2
        own, other = market.bid_lots, market.ask_lots
        if side < 0:
            own, other = other, own
        x = features(
            self._queue.front(entry, market) + entry.left - 1,  # of the last of our lots
            market.mean_print,
            own,
            other,
            market.ask - market.bid,
            market.taker_rates[1 if side > 0 else 0],  # sellers fill a buyer
        )
        left_ns = time_left(entry, market, entry.placement)
        seconds = min(choice.horizon_ns, left_ns) / 1e9
        odds = chance(choice.model, x, seconds, choice.caution)
        costs = cross_or_wait(
            odds.low,
            half_spread=(market.ask - market.bid) / 2 / mid * 1e4,
            maker_fee=choice.maker_bp,
            taker_fee=choice.taker_bp,
            adverse=choice.model.adverse_bp,
            drift=choice.model.drift_bp,
        )
        self.last = Weighing(costs, odds.value, odds.low)
        self.first = self.first or self.last
        self._cross_next = costs.cross + choice.margin_bp < costs.wait


class Queue:
    """The lots ahead of the order that rests, most carefully counted."""

    def __init__(self) -> None:
        self._order = 0
        self._price = 0
        self._front = 0.0
        self._taken = 0

    def see(self, entry: Entry, market: Market) -> None:
        """Take the market at a decision."""
        order, side = entry.live, entry.side
        bought, sold = market.traded_lots
        taken = sold if side > 0 else bought  # by those who could fill us
        shown = market.bid_lots if side > 0 else market.ask_lots
        if order is None or order.tif != command.POST_ONLY or not market.valid:
            self._order = 0
            return
        best = own_best(market, side)
        if (order.id, order.price) != (self._order, self._price):
            self._order, self._price = order.id, order.price
            self._front = float(shown) if best == order.price else 0.0
        elif best == order.price:
            self._front = max(0.0, min(self._front - (taken - self._taken), float(shown)))
        self._taken = taken

    def front(self, entry: Entry, market: Market) -> float:
        """Return the lots ahead: of the order that rests, or of one that would join now."""
        order = entry.live
        if order is not None and order.id == self._order:
            return self._front
        return float(market.bid_lots if entry.side > 0 else market.ask_lots)


def plan_of(placement: Placement) -> Plan:
    """Return a fresh plan for a placement."""
    policy = placement.policy
    if policy in (Policy.JOIN, Policy.PEG):
        return Join()
    if policy is Policy.CROSS:
        return Cross()
    if policy is Policy.CAPPED:
        return Capped()
    if policy is Policy.ICEBERG:
        return Iceberg()
    if policy is Policy.CHOOSE:
        return Choose()
    return Scheduled(policy)
