"""The bracket: a stop and targets for what has been filled so far (R8.8).

It is written as what *should* stand at the venue, compared with what does, whenever anything
changed:

    stop       all that is held: one reduce-only stop-market on the last price, resident at the
               venue
    target i   its part of what was filled, less what it has filled; post-only limit, reduce-only
    exit       all that is held, while closing: marketable reduce-only limit, immediate or cancel,
               its cap wider at each attempt; never a market order

so a partial fill, a child's fill, a lost race or a restart all lead to the same comparison. The
stop is resized and moved by amendment and leaves only when nothing is held, so protection is never
taken away to be renewed; it moves towards the market only (`protect`). All children are
reduce-only, so two of them filling at once cannot turn the position; should a venue do it all the
same, what was turned is closed like any other position.

A venue that does not know a child which lives here has probably filled it, and the report is on its
way: nothing more is asked of that order for `retry_ns`, and a stop in such doubt protects nothing;
if no report comes within `unprotected_ns_max`, that is an error like any missing protection. A
stop or an exit of an earlier process that nobody has found yet (`Order.unsure`) is not waited for:
another takes its place at once, under an id of its own, and the desk cancels the first where it
turns up (both are reduce-only, so the two can close no more than is held).

States: PENDING (nothing filled) -> PARTIAL (some) -> ACTIVE (entry complete or over) -> CLOSING (an
exit was asked for) -> DONE (flat, no child alive, entry over). ERROR: for more than
`unprotected_ns_max` less was protected by an acknowledged stop than was held, or the stop was
refused: the position is flattened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from aggressor.account.blotter import Blotter, Order
from aggressor.execution.intent import Protection, Request
from aggressor.execution.quotes import Market
from aggressor.execution.working import cancel_request, crossing_price, own_best
from aggressor.schema import command
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.report import REDUCE_ONLY_EMPTY


class BracketState(StrEnum):
    """Where a bracket stands."""

    PENDING = "pending"
    PARTIAL = "partial"
    ACTIVE = "active"
    CLOSING = "closing"
    DONE = "done"
    ERROR = "error"


class BracketRule(msgspec.Struct, frozen=True, kw_only=True):
    """Times in ns. The cap of an exit is the larger of its ticks and its basis points of price."""

    unprotected_ns_max: int = 1_000_000_000
    retry_ns: int = 200_000_000  # between two tries of a child that was rejected or not filled
    exit_cap_ticks: int = 10
    exit_cap_bp: int = 2
    exit_widenings_max: int = 8  # the cap grows by itself at each attempt, up to so often


@dataclass(slots=True)
class Leg:
    """One child: all the orders that have stood for it, and what they filled."""

    name: str
    price: int = NO_PRICE
    orders: list[int] = field(default_factory=list)
    filled: int = 0
    last_try_ns: int = -(2**62)


class BracketMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What a `Bracket` must know to go on in another process; sizes lots, times ns."""

    protection: Protection  # as it is now: a stop may have come nearer
    legs: tuple[Leg, ...]  # stop, targets, exit
    entered: int
    exited: int
    entry_over: bool
    closing: str
    error: str
    bare_since: int | None
    dismissed: int


def shares(filled: int, parts: Sequence[int]) -> list[int]:
    """Split `filled` lots over the parts so that a larger `filled` never shrinks a part."""
    total, done, before, out = sum(parts), 0, 0, []
    for part in parts:
        done += part
        upto = filled * done // total
        out.append(upto - before)
        before = upto
    return out


class Bracket:
    """Protection of one parent."""

    def __init__(
        self,
        blotter: Blotter,
        rule: BracketRule,
        protection: Protection,
        *,
        parent: int,
        instrument: int,
        strategy: int,
        side: int,
    ) -> None:
        self.parent = parent
        self.instrument = instrument
        self.strategy = strategy
        self.side = side  # of the entry
        self.protection = protection
        self.stop = Leg("stop")
        self.targets = [Leg(f"target {i + 1}", t.price) for i, t in enumerate(protection.targets)]
        self.exit = Leg("exit")
        self.entered = 0
        self.exited = 0
        self.entry_over = False
        self.closing = ""
        self.error = ""
        self._blotter = blotter
        self._rule = rule
        self._bare_since: int | None = None
        self._settled = -1  # the blotter's changes when all stood as it should, -1: look anew
        self._dismissed = 0  # the stop we ourselves cancelled when nothing was held

    @property
    def held(self) -> int:
        """Lots of this parent that are still held; negative if a race turned the position."""
        return self.entered - self.exited

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All children: stop, targets, exit."""
        return (self.stop, *self.targets, self.exit)

    def memory(self) -> BracketMemory:
        """Return what another process must know to go on."""
        return BracketMemory(
            protection=self.protection,
            legs=self.legs,
            entered=self.entered,
            exited=self.exited,
            entry_over=self.entry_over,
            closing=self.closing,
            error=self.error,
            bare_since=self._bare_since,
            dismissed=self._dismissed,
        )

    def recall(self, memory: BracketMemory) -> None:
        """Go on from what another process knew."""
        self.protection = memory.protection
        self.stop, *self.targets, self.exit = memory.legs
        self.entered = memory.entered
        self.exited = memory.exited
        self.entry_over = memory.entry_over
        self.closing = memory.closing
        self.error = memory.error
        self._settled = -1
        self._bare_since = memory.bare_since
        self._dismissed = memory.dismissed

    @property
    def done(self) -> bool:
        """Whether nothing is held, no child is alive and the entry is over."""
        flat = self.entry_over and self.entered == self.exited
        return flat and all(self._live(leg) is None for leg in self.legs)

    @property
    def state(self) -> BracketState:
        """The state that the facts amount to."""
        if self.done:
            return BracketState.DONE
        if self.error:
            return BracketState.ERROR
        if self.closing:
            return BracketState.CLOSING
        if self.entered == 0:
            return BracketState.PENDING
        return BracketState.ACTIVE if self.entry_over else BracketState.PARTIAL

    def entry_filled(self, lots: int) -> None:
        """Note lots of the parent that were filled."""
        self.entered += lots
        self._settled = -1

    def child_filled(self, order: Order, lots: int) -> Leg:
        """Note lots that a child filled; return which."""
        leg = next(x for x in self.legs if order.id in x.orders)
        leg.filled += lots
        self._settled = -1
        self.exited += lots if order.side != self.side else -lots  # - : closes what a race turned
        return leg

    def protect(self, protection: Protection) -> bool:
        """Take another protection; return whether it was taken.

        While nothing has been filled it may be any; then only the stop counts, and it may only come
        nearer.
        """
        self._settled = -1
        if self.entered == 0:
            self.protection = protection
            targets = enumerate(protection.targets, 1)
            self.targets = [Leg(f"target {i}", one.price) for i, one in targets]
            return True
        nearer = self.side * (protection.stop - self.protection.stop)
        if nearer > 0:
            self.protection = Protection(stop=protection.stop, targets=self.protection.targets)
        return nearer >= 0

    def close(self, reason: str) -> None:
        """Ask for the exit of all that is held; the first reason stands."""
        assert reason
        self.closing = self.closing or reason
        self._settled = -1

    def taken(self, lots: int) -> None:
        """Note lots of the parent that another hand has closed."""
        self.exited += lots
        self._settled = -1

    def minds(self, order: int) -> bool:
        """Whether an order is the one that stands for a leg now."""
        return order in [leg.orders[-1] for leg in self.legs if leg.orders]

    def refused(self, order: int, reason: str) -> None:
        """Take a refusal: of a new stop it is an error, anything else is tried again later."""
        new = order not in self._blotter
        if new and order in self.stop.orders and self.held > 0:
            self._fail(f"stop refused: {reason}")

    def step(self, market: Market, next_id: Callable[[], int]) -> list[Request]:
        """Return what to ask now, protection first."""
        if (self.entered == 0 and self.exited == 0) or self._settled == self._blotter.changes:
            return []
        closing = bool(self.closing or self.error or self.held < 0)
        wanted = shares(self.entered, [t.share for t in self.protection.targets])
        asked = [self._stop_request(market, next_id)]
        for leg, part in zip(self.targets, wanted, strict=True):
            size = 0 if closing else min(part - leg.filled, self.held)
            asked.append(self._target_request(leg, max(0, size), market, next_id))
        if closing and self.held:
            asked.append(self._exit_request(market, next_id))
        requests = [request for request in asked if request is not None]
        if not requests and not closing and self.held:
            self._settle(wanted)
        return requests

    def _settle(self, wanted: Sequence[int]) -> None:
        """Note that everything stands as it should, if it does: until an order changes, or what is
        wanted, no look at it can find anything else."""
        legs = [(self.stop, self.held)]
        legs += [
            (leg, min(part - leg.filled, self.held))
            for leg, part in zip(self.targets, wanted, strict=True)
        ]
        for leg, size in legs:
            order = self._live(leg)
            if order is None:
                if size > 0:
                    return
            elif (
                not order.resting
                or not order.acknowledged
                or order.leaves != size
                or order.unsure
                or order.triggered
                or order.doubted_ns != NO_TIME
            ):
                return
        stop = self._live(self.stop)
        if stop is not None and stop.trigger == self.protection.stop:
            self._settled = self._blotter.changes

    def watch(self, now_ns: int) -> None:
        """Notice missing protection; to be called before `step`."""
        if self.held <= 0:
            self._bare_since = None
            return
        if self._settled == self._blotter.changes:
            return
        last = self._last(self.stop)
        sure = last is not None and not last.ended and last.acknowledged
        sure = sure and last is not None and last.doubted_ns == NO_TIME and not last.unsure
        covered = last.leaves if last is not None and sure else 0
        if covered >= self.held:
            self._bare_since = None
        elif self._bare_since is None:
            self._bare_since = now_ns
        elif now_ns - self._bare_since > self._rule.unprotected_ns_max:
            self._fail("protection was missing")
        if last is None or not last.ended or last.id == self._dismissed:
            return
        if last.reason != REDUCE_ONLY_EMPTY:
            self._fail(
                f"the stop is gone ({last.state.name.lower()}) and {self.held} lots are held"
            )

    def _stop_request(self, market: Market, next_id: Callable[[], int]) -> Request | None:
        order = self._live(self.stop)
        if order is None or order.unsure:
            if self.held <= 0 or self.error or self._too_soon(self.stop, market.now_ns):
                return None
            return self._place(
                self.stop,
                market,
                next_id(),
                size=self.held,
                type=command.STOP_MARKET,
                tif=command.GTC,
                trigger=self.protection.stop,
            )
        if self._doubted(order, market.now_ns):
            return None
        if self.held <= 0:
            self._dismissed = order.id
            return cancel_request(self._blotter, order.id)
        trigger = self.protection.stop
        if order.trigger != trigger and self._too_soon(self.stop, market.now_ns):
            trigger = order.trigger  # it was just asked for: its size cannot wait, its place can
        asked = self._resize(order, self.held, trigger)
        if asked is not None and trigger != order.trigger:
            self.stop.last_try_ns = market.now_ns
        return asked

    def _target_request(
        self, leg: Leg, size: int, market: Market, next_id: Callable[[], int]
    ) -> Request | None:
        order = self._live(leg)
        if order is not None:
            if self._doubted(order, market.now_ns):
                return None
            if size == 0:
                return cancel_request(self._blotter, order.id)
            return self._resize(order, size, order.trigger)
        if size == 0 or not market.valid or self._too_soon(leg, market.now_ns):
            return None
        best = own_best(market, -self.side)
        price = max(leg.price, best) if self.side > 0 else min(leg.price, best)
        return self._place(
            leg,
            market,
            next_id(),
            size=size,
            type=command.LIMIT,
            tif=command.POST_ONLY,
            price=price,
        )

    def _exit_request(self, market: Market, next_id: Callable[[], int]) -> Request | None:
        before = self._live(self.exit)
        if (before is not None and not before.unsure) or not market.valid:
            return None
        if self._too_soon(self.exit, market.now_ns):
            return None
        side = -self.side if self.held > 0 else self.side
        rule = self._rule
        tries = min(len(self.exit.orders), rule.exit_widenings_max)
        cap = max(rule.exit_cap_ticks, rule.exit_cap_bp * abs(market.bid) // 10_000)
        return self._place(
            self.exit,
            market,
            next_id(),
            size=abs(self.held),
            type=command.LIMIT,
            tif=command.IOC,
            price=crossing_price(market, side, cap * (1 + tries)),
            side=side,
        )

    def _place(
        self,
        leg: Leg,
        market: Market,
        order: int,
        *,
        size: int,
        type: int,
        tif: int,
        price: int = NO_PRICE,
        trigger: int = NO_PRICE,
        side: int = 0,
    ) -> Request:
        leg.orders.append(order)
        leg.last_try_ns = market.now_ns
        return Request(
            kind=command.PLACE,
            order=order,
            parent=self.parent,
            instrument=self.instrument,
            strategy=self.strategy,
            side=side or -self.side,
            type=type,
            tif=tif,
            price=price,
            trigger=trigger,
            size=size,
            reduce_only=True,
        )

    def _resize(self, order: Order, leaves: int, trigger: int) -> Request | None:
        same = order.leaves == leaves and order.trigger == trigger
        if same or not order.resting or order.triggered:
            return None
        return Request(
            kind=command.AMEND,
            order=order.id,
            parent=self.parent,
            instrument=self.instrument,
            strategy=self.strategy,
            side=order.side,
            type=order.type,
            tif=order.tif,
            price=order.price,
            trigger=trigger,
            size=order.filled + leaves,
            reduce_only=True,
        )

    def _live(self, leg: Leg) -> Order | None:
        order = self._last(leg)
        return None if order is None or order.ended else order

    def _last(self, leg: Leg) -> Order | None:
        """Return the newest order of a leg if it was sent, over or not."""
        return self._blotter.get(leg.orders[-1]) if leg.orders else None

    def _doubted(self, order: Order, now_ns: int) -> bool:
        """Return whether the venue has just said that it does not know an order."""
        return order.doubted_ns != NO_TIME and now_ns - order.ts_last < self._rule.retry_ns

    def _too_soon(self, leg: Leg, now_ns: int) -> bool:
        return now_ns - leg.last_try_ns < self._rule.retry_ns

    def _fail(self, reason: str) -> None:
        self.error = self.error or reason
        self._settled = -1
