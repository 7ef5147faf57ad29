"""One parent order worked by itself, and the account of what it did (R8.3).

Nothing protects it: whoever asks for it says what is to become of the position. It is an `Entry`
with memory: what the market was when it was decided and when its first order left, every fill, what
was asked, refused, rejected and lost, how long answers took, why it ended. The account is complete
at any moment, also when it ended with nothing filled.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from aggressor.account.blotter import Applied, Blotter
from aggressor.execution.choosing import Choose, plan_of
from aggressor.execution.intent import Intent, Policy, Refused, Request
from aggressor.execution.quotes import Market
from aggressor.execution.working import Counts, Entry, EntryMemory
from aggressor.schema.event import NO_TIME


class PartFill(NamedTuple):
    """One fill. Prices ticks, lots, times ns, fee 1e-8 of settlement."""

    ts_recv: int
    price: int
    lots: int
    maker: bool
    fee: int


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What a parent order did. `mid2` is bid + ask in ticks, None while the book was not known."""

    parent: int
    instrument: int
    strategy: int
    policy: str
    side: int
    lots: int
    filled: int
    decided_ns: int
    sent_ns: int | None  # its first order
    ended_ns: int | None  # None while it works
    decision_mid2: int | None
    arrival_mid2: int | None
    arrival_spread: int | None  # ticks
    arrival_depth: tuple[int, int] | None  # lots at (bid, ask)
    volume: int  # lots others traded while it was worked
    fills: tuple[PartFill, ...]
    exits: tuple[PartFill, ...]  # of a trade: what closed it again
    fees: int  # 1e-8 of settlement, of `fills`
    counts: Counts
    send_to_ack_ns: tuple[int, ...]  # of every order that was acknowledged
    ack_to_fill_ns: tuple[int, ...]  # of every order that filled, to its first fill
    expected_bp: float | None  # of arrival mid, where the policy weighed it
    reason: str  # why it ended; empty while it works

    @property
    def maker_lots(self) -> int:
        """Lots filled as maker."""
        return sum(fill.lots for fill in self.fills if fill.maker)


class ParentMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What a `Parent` must know to be ended by another process."""

    intent: Intent
    entry: EntryMemory
    began_ns: int


class Course:
    """What the account of one order needs besides its entry."""

    def __init__(self, market: Market | None, began_ns: int) -> None:
        """`market` is None where nobody remembers what it was."""
        self.began_ns = began_ns
        self.fills: list[PartFill] = []
        self.exits: list[PartFill] = []
        self.fees = 0
        self._decision_mid2: int | None = None
        if market is not None and market.valid:
            self._decision_mid2 = market.bid + market.ask
        self._arrival: tuple[int, int, int, int, int] | None = None  # ns, bid, ask, their lots
        self._volume = 0
        self._volume_start = None if market is None else sum(market.traded_lots)

    def sent(self, market: Market) -> None:
        """Note that an order left: the first is the arrival."""
        if self._arrival is None:
            self._arrival = (
                market.now_ns, market.bid, market.ask, market.bid_lots, market.ask_lots,
            )  # fmt: skip

    def see(self, market: Market) -> None:
        """Note what others have traded while the order works."""
        if self._volume_start is not None:
            self._volume = sum(market.traded_lots) - self._volume_start

    def account(self, entry: Entry, blotter: Blotter, ended_ns: int | None, reason: str) -> Account:
        """Return what an order did so far."""
        arrival = self._arrival
        orders = [blotter[o] for o in entry.orders if o in blotter]
        acked = [o for o in orders if o.acknowledged]
        filled = [o for o in acked if o.ts_first_fill != NO_TIME]
        weighed = entry.plan.first if isinstance(entry.plan, Choose) else None
        return Account(
            parent=entry.parent,
            instrument=entry.instrument,
            strategy=entry.strategy,
            policy=entry.placement.policy.value,
            side=entry.side,
            lots=entry.lots,
            filled=entry.filled,
            decided_ns=self.began_ns,
            sent_ns=arrival[0] if arrival else None,
            ended_ns=ended_ns,
            decision_mid2=self._decision_mid2,
            arrival_mid2=arrival[1] + arrival[2] if arrival else None,
            arrival_spread=arrival[2] - arrival[1] if arrival else None,
            arrival_depth=(arrival[3], arrival[4]) if arrival else None,
            volume=self._volume,
            fills=tuple(self.fills),
            exits=tuple(self.exits),
            fees=sum(fill.fee for fill in self.fills),
            counts=entry.counts,
            send_to_ack_ns=tuple(o.ts_ack - o.ts_send for o in acked),
            ack_to_fill_ns=tuple(max(0, o.ts_first_fill - o.ts_ack) for o in filled),
            expected_bp=min(weighed.costs) if weighed is not None else None,
            reason=reason,
        )


class Parent:
    """See the module text."""

    def __init__(
        self, intent: Intent, blotter: Blotter, market: Market | None, now_ns: int
    ) -> None:
        """`market` is None where nobody remembers what it was."""
        assert intent.placement is not None, "an order says how it is placed"
        self.intent = intent
        self.parent = intent.parent
        self.instrument = intent.instrument
        self.strategy = intent.strategy
        self.side = intent.side
        self.began_ns = now_ns
        self.ended_ns: int | None = None
        self.realised = 0
        self._blotter = blotter
        self._course = Course(market, now_ns)
        self.entry = Entry(
            blotter,
            parent=intent.parent,
            instrument=intent.instrument,
            strategy=intent.strategy,
            side=intent.side,
            lots=intent.lots,
            placement=intent.placement,
            plan=plan_of(intent.placement),
            ts_ns=now_ns,
            reduce_only=intent.reduce_only,
        )

    def memory(self) -> ParentMemory:
        """Return what another process must know."""
        return ParentMemory(intent=self.intent, entry=self.entry.memory(), began_ns=self.began_ns)

    @classmethod
    def recalled(cls, memory: ParentMemory, blotter: Blotter) -> "Parent":
        """Return the order of another process; what its market was, nobody remembers."""
        one = cls(memory.intent, blotter, None, memory.began_ns)
        one.entry.recall(memory.entry)
        return one

    @property
    def closes(self) -> bool:
        """Whether it takes what is held out of the market at once: what a halt itself would ask."""
        at_once = self.entry.placement.policy in (Policy.CROSS, Policy.CAPPED)
        return self.intent.reduce_only and at_once

    def leg_of(self, order: int) -> str:
        """Return what an order is for."""
        assert order in self.entry.orders, "an order of another parent"
        return "order"

    @property
    def done(self) -> bool:
        """True when nothing of it can fill any more."""
        return self.entry.ended

    def report(self, applied: Applied, price: int, maker: bool, fee: int, ts_recv: int) -> None:
        """Take what a report did to one of its orders."""
        if applied.lots:
            self.entry.filled += applied.lots
            self._course.fills.append(PartFill(ts_recv, price, applied.lots, maker, fee))

    def minds(self, order: int) -> bool:
        """Whether an order is the one that it works with."""
        return self.entry.minds(order)

    def moved(self, lots: int) -> None:
        """Learn that the account holds `lots` after another hand was at it: not its business."""

    def replace(self, intent: Intent, now_ns: int) -> None:
        """Work what is left in another way."""
        assert intent.placement is not None, "a replacement says how it is placed"
        self.entry.replace(intent.placement, plan_of(intent.placement), now_ns)

    def close(self, reason: str) -> None:
        """Give up what is left."""
        self.entry.stop(reason)

    def step(self, market: Market, next_id: Callable[[], int]) -> list[Request]:
        """Return what to ask now."""
        asked = self.entry.step(market, next_id)
        if self.ended_ns is None:
            self._course.see(market)
        if self.done and self.ended_ns is None:
            self.ended_ns = market.now_ns
        return [asked] if asked is not None else []

    def sent(self, request: Request, market: Market) -> None:
        """Note that one of its requests left."""
        self.entry.sent(request)
        self._course.sent(market)

    def refused(self, request: Request, answer: Refused, now_ns: int) -> None:
        """Take a refusal of one of its requests."""
        assert request.parent == self.parent
        self.entry.refused(request, answer, now_ns)

    def account(self) -> Account:
        """Return what it did so far."""
        reason = self.entry.stop_reason if self.done else ""
        return self._course.account(self.entry, self._blotter, self.ended_ns, reason)
