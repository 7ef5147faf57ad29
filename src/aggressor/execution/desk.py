"""The desk: between strategies and exchange; everything that leaves goes through its checks.

    report(row)        a REPORT: blotter, books, the trade it belongs to
    decide(intents)    what a strategy wants at this decision point
    work(market)       what time and price ask for: re-pegs, expiries, protection, halts
    drain()            the COMMANDs that came of it, in order

One trade per instrument, or one parent order worked by itself: no averaging down and nothing in the
opposite direction (R7.0). Halted to flatten, the desk also closes a position that belongs to no
trade: marketable, reduce-only, its cap wider at each attempt, never a market order. The desk has no
clock; `market.now_ns` is the time. Money and positions are those of the reports alone.

The way of a request has one gate, `_send`: checks, then the blotter's note, then the command.
Entries that were refused end; children that were refused are the bracket's business.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.account.blotter import Blotter
from aggressor.account.books import Books
from aggressor.account.position import Position
from aggressor.execution.bracket import BracketRule
from aggressor.execution.halt import Halt, HaltLevel
from aggressor.execution.intent import Action, Intent, Placement, Policy, Refused, Request
from aggressor.execution.limits import Limits, Scene, check
from aggressor.execution.losses import Losses, LossRule
from aggressor.execution.margin import Rates
from aggressor.execution.outside import Outside
from aggressor.execution.pace import Pace, PaceRule
from aggressor.execution.parent import Parent
from aggressor.execution.quotes import Market
from aggressor.execution.trade import Trade
from aggressor.execution.working import write_command
from aggressor.schema import report
from aggressor.schema.command import Commands, empty_commands
from aggressor.schema.event import NO_INSTRUMENT
from aggressor.schema.instrument import Instrument

REFUSALS_KEPT = 1000  # the count goes on; a runaway strategy must not fill the memory


class DeskRule(msgspec.Struct, frozen=True, kw_only=True):
    """All bounds of one account; `limits` by instrument index, `default` for the others."""

    default: Limits = Limits()
    limits: dict[int, Limits] = {}
    bracket: BracketRule = BracketRule()
    losses: LossRule = LossRule()
    pace: PaceRule = PaceRule()


class Desk:
    """Orders, trades, positions and money of one account."""

    def __init__(
        self, instruments: Sequence[Instrument], rule: DeskRule | None = None, first_id: int = 1
    ) -> None:
        self.rule = rule or DeskRule()
        self.instruments = tuple(instruments)
        self.blotter = Blotter(first_id)
        self.books = Books(instruments)
        self.halt = Halt()
        self.losses = Losses(self.rule.losses)
        self.pace = Pace(self.rule.pace)
        self.refusals: deque[Refused] = deque(maxlen=REFUSALS_KEPT)
        self.refused_total = 0
        self.unclaimed_lots = 0  # filled lots that belong to no trade of ours
        self.outside = Outside()  # set by who runs the venue's line
        self.tiers: dict[int, Sequence[Rates]] = {}  # by instrument, where the venue stated them
        self._trades: dict[int, Trade] = {}
        self._parents: dict[int, Parent] = {}
        self._worked: dict[int, list[Parent]] = {}
        self._flattenings: dict[int, int] = {}
        self._closed: dict[int, list[Trade]] = {}
        self._shown: dict[int, int] = {}  # of the closed ones, how many a strategy has seen
        self._marks: dict[int, int | Fraction] = {}
        self._out: list[Any] = []

    def trade(self, instrument: int) -> Trade | None:
        """Return the trade under way on an instrument."""
        return self._trades.get(instrument)

    def parent(self, instrument: int) -> Parent | None:
        """Return the order that is worked by itself on an instrument."""
        return self._parents.get(instrument)

    def worked(self, instrument: int) -> Sequence[Parent]:
        """Return the orders worked by themselves that have ended, oldest first."""
        return self._worked.get(instrument, ())

    def closed(self, instrument: int) -> Sequence[Trade]:
        """Return trades that ended since `forget_closed`."""
        return self._closed.get(instrument, ())

    def forget_closed(self, instrument: int) -> None:
        """Drop the ended trades that stood there when the strategy last decided."""
        del self._closed.get(instrument, [])[: self._shown.pop(instrument, 0)]

    def position(self, instrument: int) -> Position:
        """Return the position of an instrument."""
        return self.books.positions[instrument]

    def equity(self, instrument: int) -> int:
        """Return marked equity in an instrument's settlement currency, 1e-8, at the last mids."""
        return self.books.equity(self.books.currency(instrument), self._marks)

    def report(self, row: Any, market: Market) -> None:
        """Take one REPORT row; `market` is that of the row's instrument."""
        kind = int(row["kind"])
        self._mark(market)
        if kind == report.FUNDED:
            self.books.funding(int(row["instrument"]), int(row["fee"]))
            return
        if kind == report.LIQUIDATED:
            self.halt.pull(HaltLevel.FLATTEN, "the venue liquidated us", market.now_ns)
        applied = self.blotter.apply(row)
        order = applied.order
        if order is None or not applied.lots:
            return
        price, fee = int(row["price"]), int(row["fee"])
        realised = self.books.fill(
            order.instrument, order.side, price, applied.lots, fee, int(row["ts_recv"])
        )
        self._marks.setdefault(order.instrument, price)
        self.pace.filled(order.instrument, market.now_ns)
        trade = self._trades.get(order.instrument) or self._parents.get(order.instrument)
        if trade is None or trade.parent != order.parent:
            self.unclaimed_lots += applied.lots
            return
        trade.realised += realised
        maker = bool(int(row["flags"]) & report.MAKER)
        trade.report(applied, price, maker, fee, int(row["ts_recv"]))

    def decide(self, intents: Iterable[Intent], market: Market) -> None:
        """Take what a strategy wants on the instrument of `market`."""
        self._shown[market.instrument] = len(self.closed(market.instrument))
        for intent in intents:
            assert intent.instrument == market.instrument, "an intent is for the view it came from"
            k = intent.instrument
            trade = self._trades.get(k) or self._parents.get(k)
            if intent.action in (Action.ENTER, Action.WORK):
                self._enter(intent, trade, market)
            elif trade is None or trade.parent != intent.parent:
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
        if market.valid:
            self.losses.equity(self.equity(instrument), market.now_ns)
        trade = self._trades.get(instrument) or self._parents.get(instrument)
        if trade is None:
            trade = self._flattening(market)
        if trade is None:
            return
        flattens = isinstance(trade, Parent) and trade.intent.reduce_only
        if self.halt.level >= HaltLevel.FLATTEN and not flattens:
            trade.close(f"halt: {self.halt.reason}")
        elif self.halt.level >= HaltLevel.CANCEL and not flattens:
            trade.entry.stop(f"halt: {self.halt.reason}")
        for request in trade.step(market, self.blotter.next_id):
            self._send(request, trade, market)
        if trade.done:
            self._ended(trade, market)

    def _ended(self, trade: Trade | Parent, market: Market) -> None:
        trade.ended_ns = market.now_ns
        if isinstance(trade, Parent):
            del self._parents[trade.instrument]
            self._worked.setdefault(trade.instrument, []).append(trade)
            return
        del self._trades[trade.instrument]
        self._closed.setdefault(trade.instrument, []).append(trade)
        if trade.fills:
            self.losses.closed(trade.net, trade.stopped, market.now_ns)

    def _flattening(self, market: Market) -> Parent | None:
        """Return an order that closes what belongs to no trade, while halted to flatten."""
        k, rule = market.instrument, self.rule.bracket
        held = self.position(k).lots
        if self.halt.level < HaltLevel.FLATTEN or not held or not market.valid:
            return None
        before = self._worked.get(k, ())
        if before and market.now_ns - before[-1].began_ns < rule.retry_ns:
            return None
        tries = self._flattenings.get(k, 0)
        self._flattenings[k] = tries + 1
        cap = max(rule.exit_cap_ticks, rule.exit_cap_bp * abs(market.bid) // 10_000)
        intent = Intent(
            action=Action.WORK,
            instrument=k,
            strategy=0,
            parent=-1 - tries,  # no strategy's: those are above zero
            side=-1 if held > 0 else 1,
            lots=abs(held),
            placement=Placement(
                policy=Policy.CROSS, cap_ticks=cap * (1 + min(tries, rule.exit_widenings_max))
            ),
            reduce_only=True,
            reason=f"halt: {self.halt.reason}",
        )
        self._parents[k] = Parent(intent, self.blotter, market)
        return self._parents[k]

    def drain(self) -> Commands:
        """Return the commands made since the last call, in order."""
        out = empty_commands(len(self._out))
        for i, row in enumerate(self._out):
            out[i] = row
        self._out.clear()
        return out

    def _enter(self, intent: Intent, trade: Trade | Parent | None, market: Market) -> None:
        alone = intent.action is Action.WORK
        if trade is not None:
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
            self._parents[intent.instrument] = Parent(intent, self.blotter, market)
        else:
            self._trades[intent.instrument] = Trade(
                intent, self.blotter, self.rule.bracket, market.now_ns
            )

    def _refuse(self, intent: Intent, number: int, reason: str, now_ns: int) -> None:
        self._record(
            Refused(
                check=number,
                reason=reason,
                ts_ns=now_ns,
                instrument=intent.instrument,
                parent=intent.parent,
            )
        )

    def _record(self, refused: Refused) -> None:
        self.refusals.append(refused)
        self.refused_total += 1

    def _send(self, request: Request, trade: Trade | Parent, market: Market) -> None:
        answer = check(request, self.scene(market, trade))
        if isinstance(answer, Refused):
            self._record(answer)
            trade.refused(request, answer, market.now_ns)
            return
        trade.sent(request, market)
        row = empty_commands(1)[0]
        write_command(answer, market.now_ns, row)
        self.blotter.sent(row)
        self.pace.note(request, market.now_ns)
        self._out.append(row)

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
            self._marks[market.instrument] = Fraction(market.bid + market.ask, 2)
