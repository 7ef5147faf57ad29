"""The desk: between strategies and exchange; everything that leaves goes through its checks.

    report(row)        a REPORT: blotter, books, the trade it belongs to
    decide(intents)    what a strategy wants at this decision point
    work(market)       what time and price ask for: re-pegs, expiries, protection, halts
    drain()            the COMMANDs that came of it, in order

One trade per instrument, or one parent order worked by itself: no averaging down and nothing in the
opposite direction (R7.0). Orders that say so (`Intent.beside`: a person's) stand beside each other.
Halted to flatten, the desk also closes a position that belongs to no trade: marketable,
reduce-only, its cap wider at each attempt, never a market order. The desk has no clock;
`market.now_ns` is the time. Money and positions are those of the reports alone.

An order that no trade has a use for (an earlier process left it, or two stand for one) is
cancelled. What the venue has and we have not is entered by name (`enter`).
The way of a request has one gate, `_send`: checks, then the blotter's note, then the command.
Entries that were refused end; children that were refused are the bracket's business.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from aggressor.account.blotter import Applied, Blotter
from aggressor.account.books import Books
from aggressor.account.position import Position
from aggressor.account.reconcile import Correction, What
from aggressor.execution.desk_terms import DeskMemory, DeskRule, Witness
from aggressor.execution.flattening import Flattening
from aggressor.execution.halt import Halt, HaltLevel
from aggressor.execution.intent import Action, Intent, Policy, Refused, Request
from aggressor.execution.limits import Scene, book_trouble, check
from aggressor.execution.losses import Losses
from aggressor.execution.margin import Rates
from aggressor.execution.outside import Outside
from aggressor.execution.pace import Pace
from aggressor.execution.parent import Account, Parent
from aggressor.execution.parents import Parents
from aggressor.execution.quotes import Market
from aggressor.execution.trade import Trade
from aggressor.execution.triggers import Finding, Triggers
from aggressor.execution.working import cancel_request, command_of
from aggressor.schema import report
from aggressor.schema.command import Commands, empty_commands
from aggressor.schema.event import NO_INSTRUMENT
from aggressor.schema.instrument import Instrument

_NOTHING_SENT = empty_commands(0)
REFUSALS_KEPT = 1000  # the count goes on; a runaway strategy must not fill the memory


class Desk:
    """Orders, trades, positions and money of one account."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        rule: DeskRule | None = None,
        first_id: int = 1,
        *,
        apart: bool = False,
    ) -> None:
        """`apart`: money at one venue is not at another (`account.books`)."""
        self.rule = rule or DeskRule()
        self.instruments = tuple(instruments)
        self.blotter = Blotter(first_id)
        self.books = Books(instruments, apart=apart)
        self.halt = Halt()
        self.losses = Losses(self.rule.losses)
        self.pace = Pace(self.rule.pace)
        self.triggers = Triggers(self.rule.triggers) if self.rule.triggers else None
        self.witness: Witness | None = None
        self.winding_down = ""  # why no new risk is taken from now on, without a halt
        self.refusals: deque[Refused] = deque(maxlen=REFUSALS_KEPT)
        self.refused_total = 0
        self.accounts: list[Account] = []  # of every order worked to its end, oldest first
        self.unclaimed_lots = 0  # filled lots that belong to no trade of ours
        self.outside = Outside()  # set by who runs the venue's line
        self.tiers: dict[int, Sequence[Rates]] = {}  # by instrument, where the venue stated them
        self._trades: dict[int, Trade] = {}
        self._parents = Parents()
        self._flattenings = Flattening(self.rule.bracket)
        self._orphans: set[int] = set()  # parents of trades that an earlier process began
        self._closed: dict[int, list[Trade]] = {}
        self._shown: dict[int, int] = {}  # of the closed ones, how many a strategy has seen
        self._mids2: dict[int, int] = {}  # twice the price of a mark: a mid may be half a tick
        # Of each instrument, how the orders stood when the last look found none without an owner.
        self._tidy: dict[int, tuple[int, tuple[Trade | Parent, ...]]] = {}
        self._strays_ns: dict[int, int] = {}  # when orders without an owner are looked at again
        self._out: list[tuple[Any, ...]] = []

    def trade(self, instrument: int) -> Trade | None:
        """Return the trade under way on an instrument."""
        return self._trades.get(instrument)

    def parent(self, instrument: int) -> Parent | None:
        """Return the oldest order that is worked by itself on an instrument."""
        return next(iter(self._parents.of(instrument)), None)

    def parents(self, instrument: int) -> Sequence[Parent]:
        """Return the orders that are worked by themselves on an instrument, oldest first."""
        return self._parents.of(instrument)

    def owner(self, instrument: int, number: int) -> Trade | Parent | None:
        """Return the trade or the order of this number; None: it is not under way."""
        trade = self._trades.get(instrument)
        if trade is not None and trade.parent == number:
            return trade
        return self._parents.find(instrument, number)

    def worked(self, instrument: int) -> Sequence[Parent]:
        """Return the orders worked by themselves that have ended, oldest first."""
        return self._parents.ended(instrument)

    def closed(self, instrument: int) -> Sequence[Trade]:
        """Return trades that ended since `forget_closed`."""
        return self._closed.get(instrument, ())

    def forget_closed(self, instrument: int) -> None:
        """Drop the ended trades that stood there when the strategy last decided."""
        shown = self._shown.pop(instrument, 0)
        if shown:
            del self._closed[instrument][:shown]

    def position(self, instrument: int) -> Position:
        """Return the position of an instrument."""
        return self.books.positions[instrument]

    def equity(self, instrument: int) -> int:
        """Return marked equity in an instrument's settlement currency, 1e-8, at the last mids."""
        return self.books.equity(self.books.currency(instrument), self._mids2, 2)

    def open_profit(self, instrument: int) -> int:
        """Return what the position would earn if closed at the last mid, 1e-8."""
        mid2 = self._mids2.get(instrument)
        return 0 if mid2 is None else self.books.open_profit(instrument, mid2, 2)

    def report(self, row: Any, market: Market) -> None:
        """Take one REPORT row; `market` is that of the row's instrument."""
        kind = int(row["kind"])
        self._mark(market)
        if kind == report.FUNDED:
            self.books.funding(int(row["instrument"]), int(row["fee"]))
            return
        if kind == report.LIQUIDATED:
            self.halt.pull(HaltLevel.FLATTEN, "the venue liquidated us", market.now_ns)
            self._liquidated(row)
            return
        if self.triggers is not None:
            self.pull(
                self.triggers.answered(kind, int(row["reason"]), market.now_ns), market.now_ns
            )
        applied, realised = self._apply(row)
        order = applied.order
        if order is None or not applied.lots:
            return
        price, fee = int(row["price"]), int(row["fee"])
        self.pace.filled(order.instrument, market.now_ns)
        trade = self.owner(order.instrument, order.parent)
        if trade is None:
            self.unclaimed_lots += applied.lots
            return
        trade.realised += realised
        maker = bool(int(row["flags"]) & report.MAKER)
        trade.report(applied, price, maker, fee, int(row["ts_recv"]))

    def _apply(self, row: Any) -> tuple[Applied, int]:
        """Take a REPORT row to the blotter and the books; return what it did and realised."""
        applied = self.blotter.apply(row)
        order, price = applied.order, int(row["price"])
        if order is None or not applied.lots:
            return applied, 0
        fee, ts_recv = int(row["fee"]), int(row["ts_recv"])
        realised = self.books.fill(order.instrument, order.side, price, applied.lots, fee, ts_recv)
        self._mids2.setdefault(order.instrument, 2 * price)
        return applied, realised

    def _liquidated(self, row: Any) -> None:
        """Book what the venue closed; a word without lots is news alone."""
        k, price, lots, fee = (int(row[name]) for name in ("instrument", "price", "size", "fee"))
        if not lots:
            return
        realised = self.books.fill(k, int(row["side"]), price, lots, fee, int(row["ts_recv"]))
        self._mids2.setdefault(k, 2 * price)
        trade = self._trades.get(k)
        if trade is None:
            self.unclaimed_lots += lots
            return
        trade.realised += realised
        trade.fees += fee
        trade.moved(self.position(k).lots)

    def relive(self, row: Any, *, sent: bool) -> None:
        """Take a COMMAND that was sent, or a REPORT that was heard, by an earlier process.

        Orders and money follow; trades, losses and halts are recalled from its memory.
        """
        if sent:
            self.blotter.sent(row)
        elif int(row["kind"]) == report.FUNDED:
            self.books.funding(int(row["instrument"]), int(row["fee"]))
        elif int(row["kind"]) == report.LIQUIDATED:
            self._liquidated(row)
        else:
            applied, _ = self._apply(row)
            if applied.order is not None and applied.lots:
                self._mids2[applied.order.instrument] = 2 * int(row["price"])

    def pull(self, finding: Finding | None, ts_ns: int) -> bool:
        """Pull the halt if something was found; return whether that changed anything."""
        return finding is not None and self.halt.pull(finding.level, finding.reason, ts_ns)

    def wind_down(self, reason: str) -> None:
        """Take no new risk from now on and give up unfilled entries; what is held stays protected.

        Unlike a halt it does not outlive the process.
        """
        self.winding_down = reason

    def enter(self, one: Correction) -> bool:
        """Enter what the venue has and we have not; False: it needs a price and there is none.

        By the difference, not the value: reports that are under way still count.
        """
        change, k = one.theirs - one.ours, one.instrument
        if one.what in (What.OPENING_MONEY, What.MONEY):
            enter = self.books.correct if one.what is What.MONEY else self.books.deposit
            enter(one.currency, change)
        elif one.what is What.FILL:
            side = 1 if change > 0 else -1
            self.books.fill(k, side, one.price, abs(change), one.fee, one.ts_ns)
            self.unclaimed_lots += abs(change)
            self._mids2.setdefault(k, 2 * one.price)
        elif one.what in (What.POSITION, What.OPENING_POSITION):
            mid2 = 2 * one.price or self._mids2.get(k)
            if mid2 is None:
                return False
            price = _half(mid2)
            position = self.position(k)
            position.correct(position.lots + change, price, one.ts_ns)
            self._mids2.setdefault(k, mid2)
        if k in self._trades:
            self._trades[k].moved(self.position(k).lots)
        return True

    def mark(self, instrument: int) -> int | None:
        """Return the last mid in whole ticks, None before any price is known."""
        return round(_half(self._mids2[instrument])) if instrument in self._mids2 else None

    def memory(self) -> DeskMemory:
        """Return what another process must know to go on."""
        return DeskMemory(
            trades=tuple(one.memory() for one in self._trades.values()),
            parents=tuple(one.memory() for one in self._parents),
            losses=self.losses.memory(),
            pace=self.pace.memory(),
            halt=self.halt.memory(),
            positions=tuple(one.memory() for one in self.books.positions),
            unclaimed_lots=self.unclaimed_lots,
            refused_total=self.refused_total,
        )

    def recall(self, memory: DeskMemory) -> None:
        """Go on from what another process knew, behind the rows that it lived through.

        The trades of that process keep their protection and are closed when `orphan_ns` old: no
        strategy knows any more why it entered. What of them was not filled is given up.
        """
        for one in memory.trades:
            trade = Trade(one.intent, self.blotter, self.rule.bracket, None, one.began_ns)
            trade.recall(one)
            self._trades[trade.instrument] = trade
            self._orphans.add(trade.parent)
        for one in memory.parents:
            self._parents.add(Parent.recalled(one, self.blotter))
            self._orphans.add(one.intent.parent)
        for position, held in zip(self.books.positions, memory.positions, strict=True):
            position.recall(held)  # corrections are not among the rows that were lived through
        self.losses.recall(memory.losses)
        self.pace.recall(memory.pace)
        self.halt.recall(memory.halt)
        self.unclaimed_lots = memory.unclaimed_lots
        self.refused_total = memory.refused_total

    def decide(self, intents: Iterable[Intent], market: Market) -> None:
        """Take what a strategy wants on the instrument of `market`."""
        if market.instrument in self._closed:
            self._shown[market.instrument] = len(self._closed[market.instrument])
        for intent in intents:
            self._tidy.pop(market.instrument, None)
            assert intent.instrument == market.instrument, "an intent is for the view it came from"
            trade = self.owner(intent.instrument, intent.parent)
            if self.witness is not None:
                self.witness.intent(intent, market.now_ns)
            if intent.action in (Action.ENTER, Action.WORK):
                self._enter(intent, market)
            elif trade is None:
                self._refuse(intent, 2, "there is no such trade under way", market.now_ns)
            elif intent.action is Action.EXIT:
                trade.close(intent.reason)
            elif intent.action is Action.CANCEL:
                trade.entry.stop(intent.reason)
            elif intent.action is Action.PROTECT:
                assert intent.protection is not None, "a protection says where its stop is"
                if isinstance(trade, Parent):
                    why = "an order worked by itself has no stop"
                    self._refuse(intent, 2, why, market.now_ns)
                elif not trade.bracket.protect(intent.protection):
                    self._refuse(intent, 2, "a stop only comes nearer", market.now_ns)
            else:
                trade.replace(intent, market.now_ns)

    def work(self, market: Market) -> None:
        """Do what time, price, reports and the halt ask for on one instrument."""
        self._mark(market)
        instrument = market.instrument
        if market.valid and self.books.funded(self.books.currency(instrument)):
            currency = self.books.currency(instrument)
            self.losses.equity(self.equity(instrument), market.now_ns, currency)
        if self.triggers is not None:
            self._watch(self.triggers, market)
        owners = self._owners(instrument) or self._flattening(market)
        self._cancel_strays(owners, market)
        for one in owners:
            self._step(one, market)

    def _owners(self, instrument: int) -> tuple[Trade | Parent, ...]:
        """Return all that is under way on an instrument."""
        trade = self._trades.get(instrument)
        return self._parents.of(instrument) if trade is None else (trade,)

    def _step(self, trade: Trade | Parent, market: Market) -> None:
        """Do what one trade or order asks for, and what the halt asks of it."""
        flattens = isinstance(trade, Parent) and trade.closes
        if self.halt.level >= HaltLevel.FLATTEN and not flattens:
            trade.close(f"halt: {self.halt.reason}")
        elif self.halt.level >= HaltLevel.CANCEL and not flattens:
            trade.entry.stop(f"halt: {self.halt.reason}")
        if self.winding_down and not flattens:
            trade.entry.stop(self.winding_down)
        if trade.parent in self._orphans:
            trade.entry.stop("the process was restarted")
            if market.now_ns - trade.began_ns > self.rule.orphan_ns:
                trade.close("the process that knew why it entered is gone")
        requests = trade.step(market, self.blotter.next_id)
        if requests:
            self._tidy.pop(market.instrument, None)  # who minds which order may be another
        for request in requests:
            self._send(request, trade, market)
        if trade.done:
            self._ended(trade, market)

    def _cancel_strays(self, owners: Sequence[Trade | Parent], market: Market) -> None:
        """Cancel orders that nobody has a use for."""
        k = market.instrument
        seen = (self.blotter.changes, tuple(owners))
        if self._tidy.get(k) == seen:
            return
        strays = [
            one
            for one in self.blotter.open_orders(k)
            if not any(own.parent == one.parent and own.minds(one.id) for own in owners)
        ]
        if not strays:
            self._tidy[k] = seen
        if not strays or market.now_ns < self._strays_ns.get(k, 0):
            return
        self._strays_ns[k] = market.now_ns + self.rule.bracket.retry_ns
        for asked in (cancel_request(self.blotter, one.id) for one in strays):
            if asked is not None:
                self._send(asked, None, market)

    def _ended(self, trade: Trade | Parent, market: Market) -> None:
        trade.ended_ns = market.now_ns
        self.accounts.append(trade.account())
        if isinstance(trade, Parent):
            self._parents.end(trade)
            return
        del self._trades[trade.instrument]
        if trade.parent not in self._orphans:
            self._closed.setdefault(trade.instrument, []).append(trade)
        if trade.fills:
            self.losses.closed(trade.net, trade.stopped, market.now_ns)

    def _flattening(self, market: Market) -> tuple[Parent, ...]:
        """Return the order that closes what belongs to no trade, while halted to flatten."""
        k, rule = market.instrument, self.rule.bracket
        held = self.position(k).lots
        if self.halt.level < HaltLevel.FLATTEN or not held or not market.valid:
            return ()
        before = self._parents.ended(k)
        if before and market.now_ns - before[-1].began_ns < rule.retry_ns:
            return ()
        intent = self._flattenings.next(market, held, f"halt: {self.halt.reason}")
        return (self._parents.add(Parent(intent, self.blotter, market, market.now_ns)),)

    def drain(self) -> Commands:
        """Return the commands made since the last call, in order."""
        if not self._out:
            return _NOTHING_SENT
        out = empty_commands(len(self._out))
        for i, row in enumerate(self._out):
            out[i] = row
        self._out.clear()
        return out

    def _enter(self, intent: Intent, market: Market) -> None:
        alone = intent.action is Action.WORK
        owners = self._owners(intent.instrument)
        beside = alone and intent.beside and all(one.intent.beside for one in owners)
        if self.winding_down and not intent.reduce_only:
            self._refuse(intent, 1, self.winding_down, market.now_ns)
        elif owners and not beside:
            self._refuse(intent, 6, "a trade is under way on this instrument", market.now_ns)
        elif self.position(intent.instrument).lots and not alone:
            self._refuse(intent, 6, "a position is held that belongs to no trade", market.now_ns)
        elif intent.lots <= 0 or intent.side not in (1, -1):
            self._refuse(intent, 2, "an entry has a side and a size above zero", market.now_ns)
        elif intent.placement is None or (intent.protection is None and not alone):
            self._refuse(intent, 2, "an entry has a placement and a protection", market.now_ns)
        elif intent.placement.policy is Policy.CHOOSE and intent.placement.choice is None:
            self._refuse(intent, 2, "cross-or-wait needs a model of fills", market.now_ns)
        elif alone:
            self._parents.add(Parent(intent, self.blotter, market, market.now_ns))
        else:
            self._trades[intent.instrument] = Trade(
                intent, self.blotter, self.rule.bracket, market, market.now_ns
            )

    def _refuse(self, intent: Intent, number: int, reason: str, now_ns: int) -> None:
        k, parent = intent.instrument, intent.parent
        self._record(
            Refused(check=number, reason=reason, ts_ns=now_ns, instrument=k, parent=parent)
        )

    def _watch(self, triggers: Triggers, market: Market) -> None:
        """Pull the halt where losses or the market ask for it."""
        k, now = market.instrument, market.now_ns
        self.pull(triggers.losses(self.losses.tripped(now)), now)
        limits = self.rule.limits.get(k, self.rule.default)
        good = book_trouble(market, limits) is None
        self.pull(triggers.data(k, good, self.position(k).lots, now), now)

    def _record(self, refused: Refused) -> None:
        self.refusals.append(refused)
        if self.witness is not None:
            self.witness.refused(refused)
        self.refused_total += 1

    def _send(self, request: Request, trade: Trade | Parent | None, market: Market) -> None:
        """Check and send a request; `trade` is whose it is, None: nobody's any more."""
        answer = check(request, self.scene(market, trade))
        if isinstance(answer, Refused):
            self._record(answer)
            if trade is not None:
                trade.refused(request, answer, market.now_ns)
            return
        if trade is not None:
            trade.sent(request, market)
        row = command_of(answer, market.now_ns)
        self.blotter.sent(row)
        self.pace.note(request, market.now_ns)
        self._out.append(tuple(row.values()))
        if self.witness is not None:
            leg = "stray" if trade is None else trade.leg_of(request.order)
            self.witness.sent(request.order, leg)

    def scene(self, market: Market, trade: Trade | Parent | None = None) -> Scene:
        """Return what the checks may know now; `trade` is whose request is checked."""
        k = market.instrument
        stop = trade.bracket.protection.stop if isinstance(trade, Trade) else None
        currency = self.books.currency(k)
        return Scene(
            market=market,
            instrument=self.instruments[k],
            limits=self.rule.limits.get(k, self.rule.default),
            position=self.position(k).lots,
            orders=tuple(self.blotter.open_orders(k)),
            halt=self.halt,
            losses=self.losses,
            pace=self.pace,
            known=self.blotter.used,
            equity=self.equity(k) if self.books.funded(currency) else None,
            tiers=self.tiers.get(k, ()),
            stop=stop,
            outside=self.outside,
        )

    def _mark(self, market: Market) -> None:
        """Keep the price at which a position would be marked: the mid, exactly."""
        if market.instrument != NO_INSTRUMENT and market.valid:
            self._mids2[market.instrument] = market.bid + market.ask


def _half(mid2: int) -> int | Fraction:
    return Fraction(mid2, 2) if mid2 & 1 else mid2 // 2
