"""Working an entry: from the market to what to ask next, and from approval to COMMAND (R8.4).

`Entry` is the life of one parent order. It holds at most one live order at a time, so its lots can
never be bought twice: another placement first cancels what works and waits for the venue's word.

    JOIN    post-only at the own best. When the best moves away (ours is no longer best) it is
            amended to the new best, not more often than `repeg_ns` and not beyond `chase_ticks` of
            the first price; further than that it is cancelled. A rejection because it would cross
            says that the price moved: it is put again at the best of that moment. After `wait_ns`
            it is cancelled.
    CROSS   one immediate-or-cancel limit at the opposite best plus the cap. What is left is not
            sent again: the strategy looks anew.

Either way no price is worse than `limit`, where there is one.

R8.4 also asks that the new place in the queue be better; being at the best again is taken as better
than standing behind it, no queue is estimated here. Nothing here knows of risk: every request is
checked.
"""

from collections.abc import Callable
from typing import Any

from aggressor.account.blotter import Blotter
from aggressor.account.lifecycle import Move, can
from aggressor.execution.intent import Approved, Placement, Policy, Request
from aggressor.execution.quotes import Market
from aggressor.schema import command
from aggressor.schema.event import NO_PRICE
from aggressor.schema.report import REDUCE_ONLY

PLACES_MAX = 20  # orders one entry may place: a post-only may be rejected again and again


def write_command(approved: Approved, ts_ns: int, row: Any) -> None:
    """Write an approved request into a COMMAND record."""
    request = approved.request
    row["ts_send"] = ts_ns
    row["kind"] = request.kind
    row["order"] = request.order
    row["parent"] = request.parent
    row["instrument"] = request.instrument
    row["strategy"] = request.strategy
    row["side"] = request.side
    row["type"] = request.type
    row["tif"] = request.tif
    row["price"] = request.price
    row["trigger"] = request.trigger
    row["size"] = request.size
    row["flags"] = REDUCE_ONLY if request.reduce_only else 0


def own_best(market: Market, side: int) -> int:
    """Return the best price on the side of the book where an order of `side` rests, ticks."""
    return market.bid if side > 0 else market.ask


def crossing_price(market: Market, side: int, cap_ticks: int) -> int:
    """Return the limit of a marketable order: opposite best plus the cap, ticks."""
    return (market.ask if side > 0 else market.bid) + side * cap_ticks


def cap_ticks(user_ticks: int, slip_bp: int, price: int) -> int:
    """Return min(user cap, floor(slip bp x price)) in ticks (R8.4)."""
    return min(user_ticks, slip_bp * abs(price) // 10_000)


def cancel_request(blotter: Blotter, order_id: int) -> Request | None:
    """Return the cancel of a live order, or None when it is over or already asked."""
    order = blotter[order_id]
    if order.ended or not can(order.state, Move.ASK_CANCEL):
        return None
    return Request(
        kind=command.CANCEL,
        order=order.id,
        parent=order.parent,
        instrument=order.instrument,
        strategy=order.strategy,
        side=order.side,
        type=order.type,
    )


class Entry:
    """The unfilled part of one parent order."""

    def __init__(
        self,
        blotter: Blotter,
        *,
        parent: int,
        instrument: int,
        strategy: int,
        side: int,
        lots: int,
        placement: Placement,
        ts_ns: int,
    ) -> None:
        assert lots > 0
        assert side in (1, -1)
        self.parent = parent
        self.instrument = instrument
        self.strategy = strategy
        self.side = side
        self.lots = lots
        self.placement = placement
        self.filled = 0
        self.orders: list[int] = []
        self.stop_reason = ""
        self.ended = False
        self.reprices = 0
        self._blotter = blotter
        self._since_ns = ts_ns
        self._first_price: int | None = None
        self._last_change_ns = ts_ns
        self._crossed = False
        self._switching = False

    def replace(self, placement: Placement, ts_ns: int) -> None:
        """Work what is left in another way, as soon as the venue has let go of what works now."""
        if self.ended or self.stop_reason:
            return
        self.placement = placement
        self._since_ns = ts_ns
        self._first_price = None
        self._crossed = False
        self._switching = True

    def stop(self, reason: str) -> None:
        """Give up what is left; what fills on the way still counts."""
        if not self.ended and not self.stop_reason:
            self.stop_reason = reason

    def refused(self, reason: str) -> None:
        """Take a refusal of one of our requests: an entry that may not be placed is given up."""
        self.stop(f"refused: {reason}")

    def step(self, market: Market, next_id: Callable[[], int]) -> Request | None:
        """Return what to ask now, at most one request; sets `ended` when nothing more can fill."""
        if self.ended:
            return None
        live = self._live()
        if live:
            if self.stop_reason or self._switching or self._expired(market):
                return cancel_request(self._blotter, live)
            return self._repeg(market, live)
        self._switching = False
        self._expired(market)
        if self.filled >= self.lots:
            self.stop("filled")
        elif self._crossed:
            self.stop("not filled within the cap")
        elif len(self.orders) >= PLACES_MAX:
            self.stop("rejected too often")
        if self.stop_reason:
            self.ended = True
            return None
        return self._place(market, next_id)

    def _live(self) -> int:
        last = self.orders[-1] if self.orders else 0
        return last if last in self._blotter and not self._blotter[last].ended else 0

    def _expired(self, market: Market) -> bool:
        wait = self.placement.wait_ns
        if self.placement.policy is Policy.JOIN and market.now_ns - self._since_ns >= wait:
            self.stop("not filled in time")
        return bool(self.stop_reason)

    def _place(self, market: Market, next_id: Callable[[], int]) -> Request | None:
        join = self.placement.policy is Policy.JOIN
        again = join and self._first_price is not None
        if not market.valid or (
            again and market.now_ns - self._last_change_ns < self.placement.repeg_ns
        ):
            return None
        if join:
            price, tif = self._bounded(own_best(market, self.side)), command.POST_ONLY
        else:
            cross = crossing_price(market, self.side, self.placement.cap_ticks)
            price, tif = self._bounded(cross), command.IOC
            self._crossed = True
        if self._first_price is None:
            self._first_price = price
        if join and self._too_far(price):
            return None
        self._last_change_ns = market.now_ns
        order = next_id()
        self.orders.append(order)
        return Request(
            kind=command.PLACE,
            order=order,
            parent=self.parent,
            instrument=self.instrument,
            strategy=self.strategy,
            side=self.side,
            tif=tif,
            price=price,
            size=self.lots - self.filled,
        )

    def _repeg(self, market: Market, live: int) -> Request | None:
        order = self._blotter[live]
        if self.placement.policy is not Policy.JOIN or not order.resting or not market.valid:
            return None
        best = self._bounded(own_best(market, self.side))
        behind = self.side * (best - order.price)
        if behind < 1 or market.now_ns - self._last_change_ns < self.placement.repeg_ns:
            return None
        if self._too_far(best):
            return cancel_request(self._blotter, live)
        self._last_change_ns = market.now_ns
        self.reprices += 1
        return Request(
            kind=command.AMEND,
            order=order.id,
            parent=self.parent,
            instrument=self.instrument,
            strategy=self.strategy,
            side=self.side,
            tif=order.tif,
            price=best,
            trigger=NO_PRICE,
            size=order.size,
        )

    def _bounded(self, price: int) -> int:
        limit = self.placement.limit
        return price if limit == NO_PRICE else self.side * min(self.side * price, self.side * limit)

    def _too_far(self, price: int) -> bool:
        first = self._first_price if self._first_price is not None else price
        if self.side * (price - first) > self.placement.chase_ticks:
            self.stop("price ran away")
            return True
        return False
