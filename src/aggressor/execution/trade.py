"""One trade from intent to flat: the entry, its protection, and what it cost.

The two state machines know nothing of each other; here they meet. The first lot that leaves ends
the entry (no averaging, no adding behind an exit), and the end of the entry completes the bracket.
What is measured is what R7.4 wants to know afterwards: prices meant and had, times, excursions, why
it ended.

Prices ticks, sizes lots, times ns, money 1e-8. `entry_value` and `exit_value` are sums of price x
lots.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import msgspec

from aggressor.account.blotter import Applied, Blotter
from aggressor.execution.bracket import Bracket, BracketMemory, BracketRule, BracketState
from aggressor.execution.choosing import plan_of
from aggressor.execution.intent import Intent, Refused, Request
from aggressor.execution.parent import Account, Course, PartFill
from aggressor.execution.quotes import Market
from aggressor.execution.working import Entry, EntryMemory
from aggressor.schema import command
from aggressor.schema.event import NO_TIME


class Fill(NamedTuple):
    """One fill of a trade; `leg` is "entry", "stop", "target 1" ... or "exit"."""

    ts_recv: int
    leg: str
    side: int
    price: int
    lots: int
    maker: bool
    fee: int


class TradeMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What a `Trade` must know to go on in another process."""

    intent: Intent
    began_ns: int
    fills: tuple[Fill, ...]
    realised: int
    fees: int
    lowest: int | None
    highest: int | None
    entry: EntryMemory
    bracket: BracketMemory


class Trade:
    """One parent order with its protection."""

    def __init__(
        self,
        intent: Intent,
        blotter: Blotter,
        rule: BracketRule,
        market: Market | None,
        now_ns: int,
    ) -> None:
        """`market` is None where nobody remembers what it was."""
        assert intent.placement is not None, "an entry says how it is placed"
        assert intent.protection is not None, "an entry says how it is protected"
        self.intent = intent
        self.parent = intent.parent
        self.instrument = intent.instrument
        self.strategy = intent.strategy
        self.side = intent.side
        self.began_ns = now_ns
        self.ended_ns: int | None = None
        self.fills: list[Fill] = []
        self.realised = 0
        self.fees = 0
        self.lowest: int | None = None  # prints seen while anything was held
        self.highest: int | None = None
        self._blotter = blotter
        self._course = Course(market, now_ns)
        self._entry_ended_ns: int | None = None
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
        )
        self.bracket = Bracket(
            blotter,
            rule,
            intent.protection,
            parent=intent.parent,
            instrument=intent.instrument,
            strategy=intent.strategy,
            side=intent.side,
        )

    def memory(self) -> TradeMemory:
        """Return what another process must know to go on."""
        return TradeMemory(
            intent=self.intent,
            began_ns=self.began_ns,
            fills=tuple(self.fills),
            realised=self.realised,
            fees=self.fees,
            lowest=self.lowest,
            highest=self.highest,
            entry=self.entry.memory(),
            bracket=self.bracket.memory(),
        )

    def recall(self, memory: TradeMemory) -> None:
        """Go on from what another process knew of the trade of this intent."""
        assert memory.intent.parent == self.parent, "the memory of another trade"
        self.fills = list(memory.fills)
        self.realised = memory.realised
        self.fees = memory.fees
        self.lowest = memory.lowest
        self.highest = memory.highest
        self.entry.recall(memory.entry)
        self.bracket.recall(memory.bracket)

    def leg_of(self, order: int) -> str:
        """Return what an order is for: "entry", "stop", "target 1" ... or "exit"; "" not its."""
        if order in self.entry.orders:
            return "entry"
        return next((one.name for one in self.bracket.legs if order in one.orders), "")

    @property
    def state(self) -> BracketState:
        """Where the trade stands."""
        return self.bracket.state

    @property
    def held(self) -> int:
        """Lots held for this trade, never signed by side."""
        return self.bracket.held

    @property
    def done(self) -> bool:
        """True when nothing is held and nothing of it can fill any more."""
        return self.bracket.done

    @property
    def net(self) -> int:
        """Realised profit less fees, 1e-8."""
        return self.realised - self.fees

    @property
    def exit_reason(self) -> str:
        """Why it ended: what asked for the exit, or the leg that made it flat."""
        if self.bracket.entered == 0:
            return self.entry.stop_reason
        if self.bracket.error:
            return f"error: {self.bracket.error}"
        if self.bracket.closing:
            return self.bracket.closing
        last = next((f.leg for f in reversed(self.fills) if f.leg != "entry"), "")
        return last

    @property
    def stopped(self) -> bool:
        """True when its stop filled anything."""
        return self.bracket.stop.filled > 0

    @property
    def entry_price(self) -> Fraction | None:
        """Average price of the entry's fills, arithmetic, ticks."""
        return self._average("entry", inside=True)

    @property
    def exit_price(self) -> Fraction | None:
        """Average price of all exits, arithmetic, ticks."""
        return self._average("entry", inside=False)

    @property
    def entered_ns(self) -> int | None:
        """When we learned of the first fill."""
        return self.fills[0].ts_recv if self.fills else None

    def account(self) -> Account:
        """Return what its entry did so far, with the fills that closed it again."""
        ended = self._entry_ended_ns
        return self._course.account(self.entry, self._blotter, ended, self.entry.stop_reason)

    def entry_stamps(self) -> tuple[int | None, int | None]:
        """Return (sent, acknowledged) of the entry's first order; None where that never was."""
        sent = [o for o in self.entry.orders if o in self._blotter]
        if not sent:
            return None, None
        first = self._blotter[sent[0]]
        return first.ts_send, None if first.ts_ack == NO_TIME else first.ts_ack

    def excursions(self) -> tuple[Fraction, Fraction]:
        """Return (MAE, MFE) in ticks from the entry's average; zeros when nothing was filled."""
        entry = self.entry_price
        if entry is None or self.lowest is None or self.highest is None:
            return Fraction(0), Fraction(0)
        below, above = max(entry - self.lowest, Fraction(0)), max(self.highest - entry, Fraction(0))
        return (below, above) if self.side > 0 else (above, below)

    def see(self, price: int) -> None:
        """Note a price that traded; counts while something is held."""
        if self.held:
            self.lowest = price if self.lowest is None else min(self.lowest, price)
            self.highest = price if self.highest is None else max(self.highest, price)

    def report(self, applied: Applied, price: int, maker: bool, fee: int, ts_recv: int) -> None:
        """Take what a report did to one of its orders; `price` and `fee` are those of a fill."""
        order, lots = applied.order, applied.lots
        assert order is not None
        if not lots:
            return
        if order.id in self.entry.orders:
            self.entry.filled += lots
            self.bracket.entry_filled(lots)
            leg = "entry"
        else:
            leg = self.bracket.child_filled(order, lots).name
            self.entry.stop("the exit has begun")
        self.fills.append(Fill(ts_recv, leg, order.side, price, lots, maker, fee))
        part = PartFill(ts_recv, price, lots, maker, fee)
        (self._course.fills if leg == "entry" else self._course.exits).append(part)
        self.fees += fee
        self.see(price)

    def minds(self, order: int) -> bool:
        """Whether an order is one that this trade still has a use for."""
        return self.entry.minds(order) or self.bracket.minds(order)

    def moved(self, lots: int) -> None:
        """Learn that the account holds `lots` (signed) after another hand was at it."""
        away = self.held - max(0, self.side * lots)
        if away > 0:
            self.bracket.taken(away)
            self.entry.stop("another hand has closed a part")

    def replace(self, intent: Intent, now_ns: int) -> None:
        """Work what is left in another way, and protect it so where nothing has been filled."""
        assert intent.placement is not None, "a replacement says how it is placed"
        if intent.protection is not None and self.bracket.entered == 0:
            self.bracket.protect(intent.protection)
        self.entry.replace(intent.placement, plan_of(intent.placement), now_ns)

    def close(self, reason: str) -> None:
        """Give up the rest of the entry and close what is held."""
        self.entry.stop(reason)
        self.bracket.close(reason)

    def step(self, market: Market, next_id: Callable[[], int]) -> list[Request]:
        """Return what to ask now: cancels of the entry, protection, then the entry."""
        self.bracket.watch(market.now_ns)
        if market.last_price is not None:
            self.see(market.last_price)
        if self.bracket.closing or self.bracket.error:
            self.entry.stop(self.bracket.closing or self.bracket.error)
        asked = self.entry.step(market, next_id)
        if self._entry_ended_ns is None:
            self._course.see(market)
            self._entry_ended_ns = market.now_ns if self.entry.ended else None
        self.bracket.entry_over = self.entry.ended
        requests = self.bracket.step(market, next_id)
        if asked is not None:
            first = asked.kind == command.CANCEL  # else an exit would meet our own entry
            requests.insert(0 if first else len(requests), asked)
        if self.done and self.ended_ns is None:
            self.ended_ns = market.now_ns
        return requests

    def sent(self, request: Request, market: Market) -> None:
        """Note that one of its requests left."""
        if request.order in self.entry.orders:
            self.entry.sent(request)
            self._course.sent(market)

    def refused(self, request: Request, answer: Refused, now_ns: int) -> None:
        """Take a refusal of one of its requests."""
        if request.order in self.entry.orders:
            self.entry.refused(request, answer, now_ns)
        else:
            self.bracket.refused(request.order, answer.reason)

    def _average(self, leg: str, *, inside: bool) -> Fraction | None:
        fills = [f for f in self.fills if (f.leg == leg) is inside]
        lots = sum(f.lots for f in fills)
        return Fraction(sum(f.price * f.lots for f in fills), lots) if lots else None
