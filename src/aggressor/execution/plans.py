"""Plans of one order at a time: join, peg, cross, capped (R8.4).

    JOIN    post-only at the own best. When the best moves away (ours is no longer best) it is
            amended to the new best, not more often than `repeg_ns` and not beyond `chase_ticks` of
            the first price; further than that it is cancelled. A rejection because it would cross
            says that the price moved: it is put again at the best of that moment. After `wait_ns`
            it is cancelled.
    PEG     the same, and at the end of time or chase what is left may be crossed (`cross_at_end`),
            for `finish_ns` at most.
    CROSS   one immediate-or-cancel limit at the opposite best plus the cap. What is left is not
            sent again: whoever asked looks anew.
    CAPPED  the same, again for what is left at the prices of then, every `repeg_ns`, until
            `wait_ns` is over. Never a market order.

No order stands at a price worse than `limit`: a passive one then rests at it, behind the best; a
crossing one waits for the market to come. One that is `fixed` rests at its limit and nowhere else,
also inside the spread: what a person means by a limit order.
"""

from aggressor.execution.intent import Placement
from aggressor.execution.quotes import Market
from aggressor.execution.working import Entry, Stay, Want, crossing_price, own_best
from aggressor.schema import command
from aggressor.schema.event import NO_PRICE


def bounded(price: int, side: int, limit: int) -> int:
    """Return `price`, or the limit where that is better."""
    if limit == NO_PRICE:
        return price
    return min(price, limit) if side > 0 else max(price, limit)


def crossing(entry: Entry, market: Market, lots: int) -> Want | Stay:
    """Return an immediate-or-cancel limit within cap and limit, or NOTHING where none can fill."""
    rule, side = entry.placement, entry.side
    if not market.valid or lots <= 0:
        return Stay.NOTHING
    price = bounded(crossing_price(market, side, rule.cap_ticks), side, rule.limit)
    if side * (price - crossing_price(market, side, 0)) < 0:
        return Stay.NOTHING  # the market is beyond the limit
    return Want(price, lots, command.IOC)


class Passive:
    """A post-only order that follows the own best: what JOIN, PEG and the slicing plans rest."""

    def __init__(self, *, chases: bool = True) -> None:
        self.first_price: int | None = None
        self.ran_away = False
        self._bound = chases  # by `chase_ticks`; a schedule goes with the market

    def want(self, entry: Entry, market: Market, lots: int) -> Want | Stay:
        """Return where `lots` should rest; sets `ran_away` when that is beyond the chase."""
        order = entry.live
        if order is not None and order.tif != command.POST_ONLY:
            return Stay.KEEP
        if lots <= 0:
            return Stay.NOTHING
        if not market.valid:
            return Stay.KEEP
        soon = market.now_ns - entry.changed_ns < entry.placement.repeg_ns
        rule = entry.placement
        price = bounded(own_best(market, entry.side), entry.side, rule.limit)
        if rule.fixed and rule.limit != NO_PRICE:
            price = rule.limit
        if order is None:
            if soon and self.first_price is not None:
                return Stay.NOTHING
            return self._at(price, lots, entry)
        if not order.resting:
            return Stay.KEEP
        behind = entry.side * (price - order.price)
        if lots < order.leaves:  # keeps its place on most venues
            return self._at(order.price, lots, entry)
        grown = lots >= 2 * order.leaves  # it loses its place: not for less
        if soon or (behind < 1 and not grown):
            return Stay.KEEP
        return self._at(price if behind >= 1 else order.price, lots, entry)

    def _at(self, price: int, lots: int, entry: Entry) -> Want | Stay:
        if self.first_price is None:
            self.first_price = price
        gone = entry.side * (price - self.first_price)
        if self._bound and gone > entry.placement.chase_ticks:
            self.ran_away = True
            return Stay.NOTHING
        return Want(price, lots, command.POST_ONLY)


class Finish:
    """The end of an order: what is left is crossed for a while, or given up."""

    def __init__(self) -> None:
        self.since_ns: int | None = None
        self._tried: int | None = None
        self._why = ""

    def want(self, entry: Entry, market: Market, why: str) -> Want | Stay:
        """Return what to do now that the order is over because of `why`; ends it at last."""
        rule = entry.placement
        if self.since_ns is None:
            self.since_ns, self._why = market.now_ns, why
        if entry.live is not None:
            return Stay.KEEP if entry.live.tif == command.IOC else self._leave(entry)
        over = market.now_ns - self.since_ns >= rule.finish_ns
        if not rule.cross_at_end or over:
            return self._leave(entry)
        if self._tried is not None and market.now_ns - self._tried < rule.repeg_ns:
            return Stay.NOTHING
        want = crossing(entry, market, entry.left)
        if isinstance(want, Want):
            self._tried = market.now_ns
        return want

    def _leave(self, entry: Entry) -> Stay:
        if not entry.placement.cross_at_end or entry.live is None:
            entry.stop(self._why)
        return Stay.NOTHING


class Join:
    """JOIN and PEG of the module text."""

    def __init__(self) -> None:
        self._passive = Passive()
        self._finish = Finish()

    def want(self, entry: Entry, market: Market) -> Want | Stay:
        """See `Plan`."""
        if self._finish.since_ns is None:
            if market.now_ns - entry.since_ns < entry.placement.wait_ns:
                want = self._passive.want(entry, market, entry.left)
                if not self._passive.ran_away:
                    return want
            why = "price ran away" if self._passive.ran_away else "not filled in time"
            return self._finish.want(entry, market, why)
        return self._finish.want(entry, market, "")


class Cross:
    """CROSS of the module text."""

    def __init__(self) -> None:
        self._before: int | None = None  # orders of an earlier placement
        self._beyond = False

    def want(self, entry: Entry, market: Market) -> Want | Stay:
        """See `Plan`."""
        if entry.live is not None:
            return Stay.KEEP
        if self._before is None:
            self._before = len(entry.orders)
        if len(entry.orders) > self._before:
            entry.stop("not filled within the cap")
            return Stay.NOTHING
        want = crossing(entry, market, entry.left)
        if want is Stay.NOTHING and market.valid:
            if self._beyond:
                entry.stop("the market is beyond the limit")
            self._beyond = True  # whoever asked may look anew before it is given up
        return want


class Capped:
    """CAPPED of the module text."""

    def __init__(self) -> None:
        self._tried: int | None = None

    def want(self, entry: Entry, market: Market) -> Want | Stay:
        """See `Plan`."""
        if entry.live is not None:
            return Stay.KEEP
        if market.now_ns - entry.since_ns >= entry.placement.wait_ns and self._tried is not None:
            entry.stop("not filled within the cap")
            return Stay.NOTHING
        if self._tried is not None and market.now_ns - self._tried < entry.placement.repeg_ns:
            return Stay.NOTHING
        want = crossing(entry, market, entry.left)
        if isinstance(want, Want):
            self._tried = market.now_ns
        elif market.now_ns - entry.since_ns >= entry.placement.wait_ns:
            entry.stop("not filled within the cap")
        return want


def jitter(seed: int, index: int) -> float:
    """Return a number in [0, 1) that looks like chance and is the same every time.

    The core has no chance of its own: this is one round of SplitMix64 over both numbers.
    """
    mask = 2**64 - 1
    z = (seed * 0x9E3779B97F4A7C15 + (index + 1) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return ((z ^ (z >> 31)) >> 11) / 2**53


def spread_around(seed: int, index: int, share_bp: int) -> float:
    """Return a factor in [1 - share, 1 + share)."""
    return 1.0 + (2.0 * jitter(seed, index) - 1.0) * share_bp / 10_000


def time_left(entry: Entry, market: Market, rule: Placement) -> int:
    """Return the ns until the order's time is over, 0 where it is."""
    return max(0, rule.wait_ns - (market.now_ns - entry.since_ns))
