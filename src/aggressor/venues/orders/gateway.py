"""From COMMANDs to requests, from answers and updates to REPORTs: all decisions, no socket.

Whoever holds the sockets says what happened (`take`, `answered`, `failed`, `hear`, `told` ...) and
when, and asks `due` what is to be done. Nothing here waits, and no clock is read.

- An order is sent once. After an answer that leaves open what was done it is asked for
  (`venues.doubts`). What was certainly not applied (throttled, a clock that was refused) may be
  sent again under the same id: a placing for as long as `patience_ns`, what reduces until it is in.
- What leaves first, and what does not leave at all, is `venues.departures`' business; the venue's
  limits are `venues.budget`'s.
- New risk is not sent while the account's stream is away: nobody would hear of it.
- At most one placing, one amendment and one cancel of an order are under way; a cancel waits for
  the answer to the placing, for requests may overtake each other.
- Where a venue does not amend, the order is cancelled and what is left is placed anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from aggressor.schema import report
from aggressor.schema.command import (
    AMEND,
    CANCEL,
    CANCEL_ALL,
    PLACE,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
    Commands,
)
from aggressor.schema.event import NO_TIME
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import Reports, empty_reports
from aggressor.venues.budget import Budget
from aggressor.venues.orders.departures import Departures, GatewayRules, Send
from aggressor.venues.orders.doubts import AskFills, AskOrder, Doubts, gone
from aggressor.venues.orders.hearing import Hearing
from aggressor.venues.orders.tracked import Request, Stage, Tracked, Word, new_tracked
from aggressor.venues.trading import Answer, Call, Terms, TradingVenue, Update, Verdict

_MS = 1_000_000
_SECOND_NS = 1_000_000_000
_STOPS = (STOP_MARKET, TAKE_PROFIT_MARKET)
_BAD_CLOCKS_MAX = 3
_LEAST_WAIT_NS = 20 * _MS


class AskClock(NamedTuple):
    """Measure the venue's clock anew: a signature was refused."""


@dataclass(slots=True, eq=False)
class Sweep:
    """One call of a cancel-all, sent until it is done: it does the same twice."""

    instrument: int
    call: Call
    not_before_ns: int = 0
    flying: bool = False
    tries: int = 0  # that were not answered


Action: TypeAlias = Send | Sweep | AskOrder | AskFills | AskClock


class Gateway:
    """All orders of one account at one venue."""

    def __init__(
        self,
        side: TradingVenue,
        instruments: Sequence[Instrument],
        terms: Terms,
        rules: GatewayRules | None = None,
    ) -> None:
        self.side = side
        self.rules = rules or GatewayRules()
        self.hearing = Hearing(side, instruments)
        self.doubts = Doubts(side, self.hearing, self.rules.asks)
        self.budget = Budget(side.limits)
        self.terms = terms
        self.listening = False  # the account's stream is there, and we are level with it
        self.tradable: dict[int, bool] = {}  # by instrument; True where nothing is known
        self.departures = Departures(
            side, self.hearing, self.doubts, self.budget, terms, self.rules
        )
        self._sweeps: list[Sweep] = []
        self._clock_wanted = self._clock_asked = False

    # -- commands --------------------------------------------------------------------------------

    def take(self, commands: Commands, now: int) -> None:
        """Accept COMMANDs; what becomes of them comes as REPORTs."""
        for row in commands:
            kind = int(row["kind"])
            if kind == PLACE:
                self._place(row, now)
            elif kind == CANCEL_ALL:
                self._cancel_all(int(row["instrument"]), now)
            else:
                self._change(kind, row, now)

    def _place(self, row: Any, now: int) -> None:
        order = new_tracked(row, now)
        self.hearing.add(order)
        grid = self.hearing.instruments[order.instrument]
        if grid.inferred or not self.tradable.get(order.instrument, True):
            self.departures.drop(order, report.FORBIDDEN, now)

    def _change(self, kind: int, row: Any, now: int) -> None:
        order = self.hearing.orders.get(int(row["order"]))
        if order is None or order.over:
            self._no_such(kind, row, now)
            return
        if kind == CANCEL:
            if order.cancel is None or order.cancel.stage is Stage.DONE:
                order.cancel = Request(CANCEL, now, order.leg)
            order.cancel.unasked = False
            order.cancel.not_before_ns = 0
            if order.place.stage is Stage.QUEUED:
                self.hearing.end(order, report.CANCELED, report.NO_REASON, now)
            return
        assert order.amend is None or order.amend.stage is Stage.DONE, (
            f"order {order.id} is being amended"
        )
        order.amend = Request(
            AMEND,
            now,
            order.leg,
            size=int(row["size"]),
            price=int(row["price"]),
            trigger=int(row["trigger"]),
        )

    def _no_such(self, kind: int, row: Any, now: int) -> None:
        """Answer a change of an order that is over or not ours."""
        line = empty_reports(1)[0]
        line["kind"] = report.CANCEL_REJECTED if kind == CANCEL else report.AMEND_REJECTED
        for name in ("order", "side", "instrument", "price", "size"):
            line[name] = row[name]
        line["ts_recv"], line["ts_venue"] = now, NO_TIME
        line["reason"] = report.UNKNOWN_ORDER
        self.hearing.reports.append(line)

    def _cancel_all(self, instrument: int, now: int) -> None:
        for order in list(self.hearing.active.values()):
            if order.instrument != instrument:
                continue
            if order.place.stage is Stage.QUEUED:
                self.hearing.end(order, report.CANCELED, report.NO_REASON, now)
            elif order.cancel is None or order.cancel.stage is Stage.DONE:
                order.cancel = Request(CANCEL, now, order.leg)
                order.cancel.not_before_ns = now + self.rules.asks.confirm_ns  # if it must be
                order.cancel.unasked = True
        grid = self.hearing.instruments[instrument]
        for call in self.side.cancel_all(grid):
            self._sweep(instrument, call)

    def _sweep(self, instrument: int, call: Call) -> None:
        """Ask for a cancel-all; one that waits to be sent again is sent now instead."""
        for one in self._sweeps:
            if one.call == call and not one.flying:
                one.not_before_ns = one.tries = 0
                return
        self._sweeps.append(Sweep(instrument, call))

    # -- what is to be done ----------------------------------------------------------------------

    def due(self, now: int) -> list[Action]:
        """Return what is to be done now, the most urgent first; call it often."""
        if self._clock_wanted:
            if self._clock_asked:
                return []
            self._clock_asked = True
            return [AskClock()]
        for order in self.hearing.active.values():
            self._tell_refusal(order, now)
        actions: list[Action] = [*self._due_sweeps(now)]
        actions += self.departures.due(now, listening=self.listening)
        actions += self.doubts.due(now)
        actions += self.doubts.due_fills(now)
        return actions

    def _due_sweeps(self, now: int) -> list[Sweep]:
        ready = []
        for sweep in self._sweeps:
            call = sweep.call
            if sweep.flying or sweep.not_before_ns > now:
                continue
            if self.budget.take(call.group, call.weight, now, urgent=True, also=call.also):
                sweep.flying = True
                ready.append(sweep)
        return ready

    # -- answers ---------------------------------------------------------------------------------

    def answered(
        self, order: Tracked, request: Request, answer: Answer, now: int, status: int = 200
    ) -> None:
        """Take the answer to one request."""
        verdict = answer.verdict
        if verdict is Verdict.BAD_CLOCK:
            request.bad_clocks += 1
            self._clock_wanted = True
            if request.bad_clocks > _BAD_CLOCKS_MAX:
                self.hearing.alert("the venue refuses our clock again and again: set it right")
                self._refused(order, request, report.FORBIDDEN, now)
            else:
                self._held(order, request, 0, now)
        elif verdict is Verdict.THROTTLED:
            wait = max(answer.wait_ns, _LEAST_WAIT_NS)
            self._pause(request.kind, order, status, now + wait, answer.text)
            self._held(order, request, now + wait, now)
        elif verdict is Verdict.UNKNOWN:
            self.failed(order, request, now)
        elif verdict is Verdict.REFUSED:
            self._refused(order, request, answer.reason, now)
            if request.kind == PLACE and answer.text:
                self.hearing.alert(f"the venue refused order {order.id}: {answer.text}")
        else:
            if request.can(Word.TAKE):
                request.move(Word.TAKE)
            if request.kind == PLACE:
                name = answer.venue_id
                self.hearing.name(order, request.leg, name, now, asked=False)
            if request.stage is Stage.TAKEN:
                self.doubts.confirm(order, now)

    def failed(self, order: Tracked, request: Request, now: int) -> None:
        """No answer came, or one that leaves open what was done."""
        if request.can(Word.DOUBT):
            request.move(Word.DOUBT)
            request.sent_ns = now  # until now it may have been on its way out
        if request.stage is Stage.DOUBTED:
            self.doubts.doubt(order, now)

    def _held(self, order: Tracked, request: Request, until: int, now: int) -> None:
        """It was certainly not applied: it may be sent again, if that is still wanted."""
        if request.can(Word.HOLD):
            request.move(Word.HOLD)
        if request.stage is not Stage.QUEUED:
            return
        request.not_before_ns = until
        late = until > request.wanted_ns + self.rules.patience_ns
        if not late or order.reduces or order.type in _STOPS:
            return
        if request.kind == PLACE:
            self.departures.drop(order, report.RATE_LIMIT, now)
        elif request.kind == AMEND:
            self.departures.refuse_amend(order, request, report.RATE_LIMIT, now)

    def _pause(self, kind: int, order: Tracked, status: int, until: int, text: str) -> None:
        """Stay away: from everything when the address is shut out, else from such calls."""
        if status in self.side.shut_out:
            self.budget.pause("", until)
            self.hearing.alert(f"the venue shuts us out: {text}")
            return
        if status != 429:
            return  # this request alone
        grid = self.hearing.instruments[order.instrument]
        call = (
            self.departures.cancel_call(order)
            if kind == CANCEL
            else self.side.place(order.wire_row(PLACE), grid, self.terms)
        )
        if call is not None:
            self.budget.pause(call.group, until)

    def _refused(self, order: Tracked, request: Request, reason: int, now: int) -> None:
        if not request.can(Word.REFUSE) or request.stage is Stage.DONE:
            return  # the stream has told what it did
        if request.kind == PLACE:
            request.move(Word.REFUSE)
            self.hearing.end(order, gone(order), reason, now)
            return
        if request.kind == CANCEL and order.place.stage is not Stage.DONE:
            # whether the order is there is not known yet: it is still to be cancelled
            if request.can(Word.HOLD):
                request.move(Word.HOLD)
            request.not_before_ns = now + self.rules.asks.first_ns
            return
        if request.kind == CANCEL:
            request.move(Word.REFUSE)
            request.refusal = -1 if request.unasked else reason
            self._tell_refusal(order, now)
        else:
            self.departures.refuse_amend(order, request, reason, now)
        if reason == report.UNKNOWN_ORDER and not order.over:
            order.inquiry.checking = True  # it is over: how, the stream tells or we ask
            self.doubts.confirm(order, now)

    def _tell_refusal(self, order: Tracked, now: int) -> None:
        """Say that a cancel was refused; behind the answer to an amendment that is under way.

        Else the order would rest again by all that was reported, and the amendment be unheard of.
        """
        cancel, amend = order.cancel, order.amend
        if cancel is None or cancel.refusal < 0 or order.over:
            return
        if amend is None or amend.stage is Stage.DONE:
            self.hearing.tell(order, report.CANCEL_REJECTED, now, reason=cancel.refusal)
            cancel.refusal = -1

    def swept(self, sweep: Sweep, answer: Answer | None, now: int, status: int = 200) -> None:
        """Take the answer to a cancel-all; None: there was none, so it is sent again."""
        sweep.flying = False
        if answer is not None and answer.verdict in (Verdict.ACCEPTED, Verdict.REFUSED):
            self._sweeps.remove(sweep)
            if answer.verdict is Verdict.REFUSED:
                self.hearing.alert(f"cancelling all was refused: {answer.text}")
            return
        if answer is not None and answer.verdict is Verdict.BAD_CLOCK:
            self._clock_wanted = True
        wait = answer.wait_ns if answer is not None else 0
        asks = self.rules.asks  # ever slower: it weighs as much as many cancels
        slower = min(asks.first_ns << min(sweep.tries, 20), asks.longest_ns)
        sweep.tries += 1
        sweep.not_before_ns = now + max(wait, slower)
        if status in self.side.shut_out:
            self.budget.pause("", sweep.not_before_ns)

    def clock_known(self) -> None:
        """The venue's clock was measured: what waited for it may leave."""
        self._clock_wanted = self._clock_asked = False

    def clock_silent(self) -> None:
        """It could not be measured: ask again."""
        self._clock_asked = False

    # -- the stream ------------------------------------------------------------------------------

    def hear(self, updates: Sequence[Update], now: int) -> None:
        """Take updates of the private stream."""
        self.hearing.hear(updates, now)
        for order in self.hearing.revived:
            self.hearing.alert(f"order {order.id} was not there and lives now: it is cancelled")
            grid = self.hearing.instruments[order.instrument]
            call = self.side.cancel(order.wire_row(CANCEL), grid, self.terms)
            if call is not None:
                self._sweep(order.instrument, call)
        self.hearing.revived.clear()

    # -- what came of it -------------------------------------------------------------------------

    def drain(self) -> Reports:
        """Return the REPORTs made since the last call, in order of `ts_recv`."""
        rows = self.hearing.reports
        out = empty_reports(len(rows))
        for i, row in enumerate(rows):
            out[i] = row
        rows.clear()
        return out

    @property
    def in_flight(self) -> list[int]:
        """The orders for which an answer is awaited, or in doubt."""
        return [
            one.id
            for one in self.hearing.active.values()
            if any(r is not None and r.open for r in (one.place, one.amend, one.cancel))
        ]

    @property
    def settled(self) -> bool:
        """Whether no fill can be under way that we do not have."""
        return not any(one.missing or one.end_kind for one in self.hearing.active.values())

    @property
    def certain(self) -> bool:
        """Whether of no order it is being asked what became of it, and no fill is missing."""
        return self.settled and not any(
            one.inquiry.checking
            or any(
                r is not None and r.stage is Stage.DOUBTED
                for r in (one.place, one.amend, one.cancel)
            )
            for one in self.hearing.active.values()
        )

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way, waits to be sent, or is in doubt."""
        waiting = any(
            r is not None and (r.stage is not Stage.DONE or r.refusal >= 0)
            for one in self.hearing.active.values()
            for r in (one.place, one.amend, one.cancel)
        )
        return not waiting and self.settled and not self._sweeps and not self._clock_wanted
