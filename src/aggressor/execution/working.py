"""Working a parent order: from the market to what to ask next, and from approval to COMMAND (R8.4).

`Entry` is the life of one parent order: the entry of a trade, or an order worked by itself. It
holds at most one live order at a time, so its lots can never be bought twice: another price of
another kind first cancels what works and waits for the venue's word. What should stand is said by
its plan (`plans`, `slicing`, `choosing`: one small state machine a policy); here is what all have
in common: placing, amending, cancelling, lost answers, an unknown book, refusals, the count of it
all.

An answer that has not come for `answer_ns` is not waited for: the order is cancelled, which is
legal from any state, and the venue's word on the cancel is awaited. A book not known for `stale_ns`
takes what rests out of it. Both are off where a strategy says nothing (0).

R8.4 also asks that the new place in the queue be better; being at the best again is taken as better
than standing behind it. Nothing here knows of risk: every request is checked.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, Protocol

import msgspec

from aggressor.account.blotter import Blotter, Order
from aggressor.account.lifecycle import Move, State, can
from aggressor.execution.intent import Approved, Placement, Refused, Request
from aggressor.execution.quotes import Market
from aggressor.schema import command
from aggressor.schema.command import COMMAND
from aggressor.schema.report import REDUCE_ONLY

PASSING = frozenset({3, 8, 11})  # checks that may pass a moment later: data, throttle, ratio
RETRY_NS = 100_000_000  # after such a refusal


_UNUSED = (0,) * COMMAND["reserved"].shape[0]


def command_of(approved: Approved, ts_ns: int) -> dict[str, Any]:
    """Return an approved request as the fields of a COMMAND, in the record's order."""
    request = approved.request
    return {
        "ts_send": ts_ns,
        "order": request.order,
        "parent": request.parent,
        "size": request.size,
        "price": request.price,
        "trigger": request.trigger,
        "kind": request.kind,
        "type": request.type,
        "tif": request.tif,
        "side": request.side,
        "flags": REDUCE_ONLY if request.reduce_only else 0,
        "instrument": request.instrument,
        "strategy": request.strategy,
        "reserved": _UNUSED,
    }


def own_best(market: Market, side: int) -> int:
    """Return the best price on the side of the book where an order of `side` rests, ticks."""
    return market.bid if side > 0 else market.ask


def crossing_price(market: Market, side: int, cap_ticks: int) -> int:
    """Return the limit of a marketable order: opposite best plus the cap, ticks."""
    return (market.ask if side > 0 else market.bid) + side * cap_ticks


def cap_ticks(user_ticks: int, slip_bp: int, price: int) -> int:
    """Return min(user cap, floor(slip bp x price)) in ticks (R8.4)."""
    return min(user_ticks, slip_bp * abs(price) // 10_000)


def cancel_request(blotter: Blotter, order_id: int, *, urgent: bool = True) -> Request | None:
    """Return the cancel of a live order, or None when it is over or already asked.

    A cancel that is not urgent is one that only a better place asks for (check 11).
    """
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
        urgent=urgent,
    )


class Want(NamedTuple):
    """The order that should stand now: so many lots still to fill, at this price."""

    price: int
    lots: int
    tif: int


class Stay(Enum):
    """The other answers of a plan."""

    KEEP = 1  # what stands, or nothing where nothing does
    NOTHING = 2  # no order should stand


class Plan(Protocol):
    """A policy of R8.4 as a small state machine over one parent order."""

    def want(self, entry: "Entry", market: Market) -> "Want | Stay":
        """Say what should stand now; may end the order by `entry.stop`. Called at most once a
        decision, with a live order or without."""
        ...


class Counts(NamedTuple):
    """What an order has asked and been told, so far."""

    orders: int = 0
    reprices: int = 0
    cancels: int = 0
    rejected: int = 0  # by the venue
    refused: int = 0  # by our own checks
    lost: int = 0  # answers that did not come in time


class EntryMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What an `Entry` must know to be ended by another process; prices ticks, sizes lots, times ns.

    What its plan had in mind is not told: what is left is given up.
    """

    placement: Placement
    filled: int
    orders: tuple[int, ...]
    stop_reason: str
    ended: bool
    counts: Counts
    since_ns: int
    changed_ns: int
    switching: bool


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
        plan: Plan,
        ts_ns: int,
        reduce_only: bool = False,
    ) -> None:
        assert lots > 0
        assert side in (1, -1)
        self.parent = parent
        self.instrument = instrument
        self.strategy = strategy
        self.side = side
        self.lots = lots
        self.placement = placement
        self.plan = plan
        self.reduce_only = reduce_only
        self.filled = 0
        self.orders: list[int] = []
        self.stop_reason = ""
        self.ended = False
        self.counts = Counts()
        self.since_ns = ts_ns  # when this placement began
        self.changed_ns = ts_ns  # when the last order or amend of it was asked
        self._blotter = blotter
        self._asked_ns = ts_ns
        self._known_ns = ts_ns  # the book, last
        self._retry_ns = 0
        self._switching = False
        self._rejected = 0  # the last order that was counted as rejected

    def memory(self) -> EntryMemory:
        """Return what another process must know."""
        return EntryMemory(
            placement=self.placement,
            filled=self.filled,
            orders=tuple(self.orders),
            stop_reason=self.stop_reason,
            ended=self.ended,
            counts=self.counts,
            since_ns=self.since_ns,
            changed_ns=self.changed_ns,
            switching=self._switching,
        )

    def recall(self, memory: EntryMemory) -> None:
        """Take up what another process knew."""
        self.placement = memory.placement
        self.filled = memory.filled
        self.orders = list(memory.orders)
        self.stop_reason = memory.stop_reason
        self.ended = memory.ended
        self.counts = memory.counts
        self.since_ns = memory.since_ns
        self.changed_ns = memory.changed_ns
        self._switching = memory.switching

    @property
    def left(self) -> int:
        """Lots not filled yet."""
        return self.lots - self.filled

    @property
    def reprices(self) -> int:
        """Amends asked so far."""
        return self.counts.reprices

    @property
    def live(self) -> Order | None:
        """The order that may still fill."""
        order = self.last
        return None if order is None or order.ended else order

    @property
    def last(self) -> Order | None:
        """The newest order if it was sent, over or not."""
        return self._blotter.get(self.orders[-1]) if self.orders else None

    def minds(self, order: int) -> bool:
        """Whether an order is the one that it works with."""
        return bool(self.orders) and self.orders[-1] == order

    def replace(self, placement: Placement, plan: Plan, ts_ns: int) -> None:
        """Work what is left in another way, as soon as the venue has let go of what works now."""
        if self.ended or self.stop_reason:
            return
        self.placement = placement
        self.plan = plan
        self.since_ns = ts_ns
        self._switching = True

    def stop(self, reason: str) -> None:
        """Give up what is left; what fills on the way still counts."""
        if not self.ended and not self.stop_reason:
            self.stop_reason = reason

    def sent(self, request: Request) -> None:
        """Count what left."""
        n = self.counts
        if request.kind == command.PLACE:
            self.counts = n._replace(orders=n.orders + 1)
        elif request.kind == command.AMEND:
            self.counts = n._replace(reprices=n.reprices + 1)
        else:
            self.counts = n._replace(cancels=n.cancels + 1)

    def refused(self, request: Request, answer: Refused, now_ns: int) -> None:
        """Take a refusal: what may pass by itself is tried again, anything else ends the order."""
        self.counts = self.counts._replace(refused=self.counts.refused + 1)
        if self.orders and self.orders[-1] not in self._blotter:
            self.orders.pop()  # never sent
        passes = self.placement.answer_ns and answer.check in PASSING
        if passes or request.kind == command.CANCEL:
            self._retry_ns = now_ns + RETRY_NS
        else:
            self.stop(f"refused: {answer.reason}")

    def step(self, market: Market, next_id: Callable[[], int]) -> Request | None:
        """Return what to ask now, at most one request; sets `ended` when nothing more can fill."""
        if self.ended:
            return None
        if market.valid:
            self._known_ns = market.now_ns
        order = self.live
        if order is not None:
            return self._tend(order, market)
        self._switching = False
        self._count_end()
        if self.left <= 0:
            self.stop("filled")
        elif self.counts.orders >= self.placement.places_max and not self.stop_reason:
            rejected = self.last is not None and self.last.state is State.REJECTED
            self.stop("rejected too often" if rejected else "too many orders")
        waits = market.now_ns < self._retry_ns
        want = Stay.NOTHING if self.stop_reason or waits else self.plan.want(self, market)
        if self.stop_reason:
            self.ended = True
            return None
        if isinstance(want, Stay):
            return None
        return self._place(want, market, next_id)

    def _tend(self, order: Order, market: Market) -> Request | None:
        """Return what to ask about the order that works."""
        if self.stop_reason or self._switching or self._unseen(order, market):
            return self._cancel(order, market, urgent=True)
        want = self.plan.want(self, market)
        if self.stop_reason or want is Stay.NOTHING:
            return self._cancel(order, market)
        if isinstance(want, Stay) or not order.resting or market.now_ns < self._retry_ns:
            return None
        if want.tif != order.tif:
            return self._cancel(order, market)
        if (want.price, want.lots) == (order.price, order.leaves):
            return None
        self.changed_ns = self._asked_ns = market.now_ns
        return self._request(
            command.AMEND, order.id, order.tif, want.price, order.filled + want.lots
        )

    def _unseen(self, order: Order, market: Market) -> bool:
        """Return whether an answer or the book has been missing for too long."""
        rule, now = self.placement, market.now_ns
        if rule.answer_ns and order.in_flight and now - self._asked_ns >= rule.answer_ns:
            if can(order.state, Move.ASK_CANCEL):
                self.counts = self.counts._replace(lost=self.counts.lost + 1)
            return True
        return bool(rule.stale_ns and now - self._known_ns >= rule.stale_ns)

    def _cancel(self, order: Order, market: Market, urgent: bool = False) -> Request | None:
        asked = cancel_request(self._blotter, order.id, urgent=urgent)
        if asked is not None and market.now_ns < self._retry_ns:
            return None
        if asked is not None:
            self._asked_ns = market.now_ns
        return asked

    def _place(self, want: Want, market: Market, next_id: Callable[[], int]) -> Request:
        assert 0 < want.lots <= self.left, "an order never asks for more than is left"
        self.changed_ns = self._asked_ns = market.now_ns
        order = next_id()
        self.orders.append(order)
        return self._request(command.PLACE, order, want.tif, want.price, want.lots)

    def _request(self, kind: int, order: int, tif: int, price: int, size: int) -> Request:
        return Request(
            kind=kind,
            order=order,
            parent=self.parent,
            instrument=self.instrument,
            strategy=self.strategy,
            side=self.side,
            tif=tif,
            price=price,
            size=size,
            reduce_only=self.reduce_only,
        )

    def _count_end(self) -> None:
        """Count a rejection once; what the venue rejects is not asked again at once."""
        last = self.last
        if last is not None and last.state is State.REJECTED and last.id != self._rejected:
            self._rejected = last.id
            self.counts = self.counts._replace(rejected=self.counts.rejected + 1)
