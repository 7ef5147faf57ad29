"""What is not known of our orders, and the questions that settle it.

A question is asked when an answer was lost, when the stream does not tell what an answer promised,
when the venue counts fills that we have not heard of, and after a reconnect. It is repeated, ever
slower, until one of three things is so:

    found    the order is there, or was: what it says is heard like the stream
    absent   it was not found twice, the second time later than anything sent then could still take
             effect (`TradingVenue.settles_ns`): it never arrived
    unknown  the venue does not answer: a person is told, and the question goes on

No answer ever leads to sending an order again.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from aggressor.schema import report
from aggressor.schema.command import STOP_MARKET, TAKE_PROFIT_MARKET
from aggressor.schema.report import NEVER_ARRIVED, UNKNOWN_ORDER
from aggressor.venues.orders.hearing import Hearing, in_turn
from aggressor.venues.orders.tracked import NEVER, Request, Stage, Tracked, Word
from aggressor.venues.trading import Call, FillUpdate, OrderUpdate, TradingVenue

_MS = 1_000_000
_SECOND_NS = 1_000_000_000
_STOPS = (STOP_MARKET, TAKE_PROFIT_MARKET)
_MISSES_OF_A_KNOWN_ORDER = 3
_FILLS_MARGIN_NS = 10 * _SECOND_NS
_ORDERS_MARGIN_NS = 120 * _SECOND_NS  # a clock that was measured anew moves what was before
_WEEK_NS = 7 * 86_400 * _SECOND_NS - 60 * _SECOND_NS


class AskRules(msgspec.Struct, frozen=True, kw_only=True):
    """How patiently is asked."""

    confirm_ns: int = 1 * _SECOND_NS  # how long the stream may take behind an answer
    first_ns: int = 150 * _MS  # from a doubt to the first question
    longest_ns: int = 4 * _SECOND_NS  # between two questions
    alert_ns: int = 20 * _SECOND_NS  # a doubt of so long is told to a person


class AskOrder(NamedTuple):
    """Ask for one order: the calls of `TradingVenue.order` in turn, until one finds it."""

    order: Tracked
    since_ns: int  # before which it was not placed, by our clock; 0 is not known


class AskFills(NamedTuple):
    """Ask for the fills of an instrument since a time of our clock, ns; all pages."""

    instrument: int
    since_ns: int


class Doubts:
    """The questions about orders that are due, and what their answers mean."""

    def __init__(self, side: TradingVenue, hearing: Hearing, rules: AskRules) -> None:
        self.rules = rules
        self._side = side
        self._hearing = hearing
        self._asking_fills: set[int] = set()
        self._fill_tries: dict[int, int] = {}

    # -- orders ----------------------------------------------------------------------------------

    def confirm(self, order: Tracked, now: int) -> None:
        """Ask later, if the stream has not told by then."""
        if not order.over:
            order.inquiry.soon(now + self.rules.confirm_ns, now)

    def doubt(self, order: Tracked, now: int) -> None:
        """Ask soon: what became of a request is not known."""
        if not order.over:
            order.inquiry.soon(now + self.rules.first_ns, now)

    def due(self, now: int) -> list[AskOrder]:
        """Return the questions about orders that are due now."""
        asks = []
        for order in self._hearing.active.values():
            inquiry = order.inquiry
            if inquiry.at_ns > now or inquiry.asking:
                continue
            if order.place.stage is Stage.QUEUED or not self._open(order):
                inquiry.over()
                continue
            inquiry.asking, inquiry.at_ns = True, NEVER
            wanted = order.place.wanted_ns
            asks.append(AskOrder(order, max(wanted - _ORDERS_MARGIN_NS, 0)))
        return asks

    def calls(self, order: Tracked, since_ms: int) -> Sequence[Call]:
        """Return the questions for an order that was not placed before `since_ms`, its clock."""
        grid = self._hearing.instruments[order.instrument]
        ours = self._side.client_id(order.wire_number)
        return self._side.order(grid, ours, order.venue_id, since_ms)

    @staticmethod
    def _open(order: Tracked) -> bool:
        """Whether there is anything to ask for."""
        changes = (order.amend, order.cancel)
        return (
            order.place.open
            or order.inquiry.checking
            or any(one is not None and one.open for one in changes)
        )

    def told(
        self,
        order: Tracked,
        leg: int,
        found: Sequence[OrderUpdate],
        asked: int,
        now: int,
        *,
        whole: bool = True,
    ) -> None:
        """Take the answers to a question asked at `asked`: what they list, ours or not.

        Where it does not list the order, it is not there; unless the answer is not the `whole`.
        """
        inquiry = order.inquiry
        inquiry.asking = False
        if order.over or leg != order.leg:
            return
        inquiry.tries += 1
        ours = [one for one in found if self._is(order, one, asked, now)]
        if ours:
            inquiry.misses = 0
            inquiry.checking = False
            self._hearing.hear(ours, now, asked=True)
            if order.triggered and not order.end_kind and not order.over:
                inquiry.checking = True  # it is a market order now: its end must come
            if not order.over and leg == order.leg:
                self._lives(order, asked, now)
        elif whole:
            inquiry.misses += 1
            self._absent(order, asked, now)
        if not order.over and self._open(order):
            self._again(order, now)

    def _is(self, order: Tracked, one: OrderUpdate, asked: int, now: int) -> bool:
        """Whether an update is of this order; one without our id by all that it says."""
        hearing = self._hearing
        if hearing.find_order(one) == (order, order.leg):
            return True
        if one.client_id or order.venue_id or order.type not in _STOPS:
            return False
        if not self._alike(order, one) or self._has_rival(order):
            return False
        if one.kind != report.ACK and not self._settled(order.place, asked):
            return False  # an earlier run's, perhaps: ours would stand before it, once it is there
        hearing.name(order, order.leg, one.born_of or one.venue_id, now, asked=True)
        return True

    def _alike(self, order: Tracked, one: OrderUpdate) -> bool:
        """Whether an order that nobody has claimed says of itself what we sent."""
        grid = self._hearing.instruments[order.instrument]
        return (
            one.symbol == grid.symbol
            and one.side == order.side
            and one.trigger != ""
            and grid.ticks(one.trigger) == order.trigger
            and grid.lots(one.size) == order.leg_size
            and not any(self._hearing.is_named(name) for name in (one.venue_id, one.born_of))
        )

    def _has_rival(self, order: Tracked) -> bool:
        """Whether the answer to another order may still claim what looks like this one."""
        terms = (order.instrument, order.side, order.type, order.trigger, order.leg_size)
        return any(
            one is not order
            and one.place.stage is Stage.SENT
            and (one.instrument, one.side, one.type, one.trigger, one.leg_size) == terms
            for one in self._hearing.active.values()
        )

    def _lives(self, order: Tracked, asked: int, now: int) -> None:
        """The order was found: so a cancel or an amendment in doubt has not been applied."""
        for request in (order.cancel, order.amend):
            if request is None or request.stage not in (Stage.TAKEN, Stage.DOUBTED):
                continue
            if request.replaced or asked <= request.sent_ns or order.end_kind:
                continue
            if request.can(Word.HOLD):
                request.move(Word.HOLD)  # a cancel: once more
            elif self._settled(request, asked):
                request.move(Word.MISS)
                self._hearing.tell(
                    order, report.AMEND_REJECTED, now, reason=NEVER_ARRIVED, asked=True
                )
                self._hearing.settle(order, now, asked=True)

    def _absent(self, order: Tracked, asked: int, now: int) -> None:
        """The order was not found: never there, not there yet, or no longer kept."""
        place, misses = order.place, order.inquiry.misses
        if place.stage in (Stage.TAKEN, Stage.DOUBTED):
            if misses >= 2 and self._settled(place, asked):
                place.move(Word.MISS)
                order.missed = True
                self._hearing.alert(f"order {order.id} never arrived at the venue")
                self._hearing.end(order, gone(order), NEVER_ARRIVED, now, asked=True)
        elif misses >= _MISSES_OF_A_KNOWN_ORDER and not order.end_kind:
            self._hearing.alert(f"the venue no longer knows order {order.id}")
            order.end_kind, order.end_reason = report.CANCELED, UNKNOWN_ORDER
            order.unsure = True  # it may have filled
            order.fills_at_ns = now

    def _settled(self, request: Request, asked: int) -> bool:
        return asked - request.sent_ns >= self._side.settles_ns

    def _again(self, order: Tracked, now: int) -> None:
        """Ask again, ever slower; tell a person when it has been long."""
        inquiry, rules = order.inquiry, self.rules
        wait = min(rules.first_ns << min(inquiry.tries, 20), rules.longest_ns)
        inquiry.soon(now + wait, now)
        if now - inquiry.since_ns > rules.alert_ns and not inquiry.alerted:
            inquiry.alerted = True
            self._hearing.alert(
                f"what became of order {order.id} is not known: asked {inquiry.tries} times"
            )

    # -- fills -----------------------------------------------------------------------------------

    def due_fills(self, now: int) -> list[AskFills]:
        """Return the questions for missing fills that are due now, one an instrument."""
        since: dict[int, int] = {}
        for order in self._hearing.active.values():
            k = order.instrument
            if order.fills_at_ns <= now and k not in self._asking_fills:
                since[k] = min(since.get(k, order.since_ns), order.since_ns)
        self._asking_fills.update(since)
        oldest = now - _WEEK_NS
        return [AskFills(k, max(at - _FILLS_MARGIN_NS, oldest)) for k, at in since.items()]

    def filled(self, instrument: int, found: list[FillUpdate], asked: int, now: int) -> None:
        """Take the fills of an instrument, asked for at `asked`."""
        self._asking_fills.discard(instrument)
        self._hearing.hear(in_turn(found), now, asked=True)
        for order in [one for one in self._hearing.active.values() if one.instrument == instrument]:
            if order.fills_at_ns > asked:
                continue
            order.unsure = False
            order.fills_at_ns = NEVER
            self._hearing.settle(order, now, asked=True)
        self._fills_again(instrument, now, failed=False)

    def fills_silent(self, instrument: int, now: int) -> None:
        """The question for fills was not answered."""
        self._asking_fills.discard(instrument)
        self._fills_again(instrument, now, failed=True)

    def _fills_again(self, instrument: int, now: int, *, failed: bool) -> None:
        """Put off the next question for what is still missing."""
        missing = [
            one
            for one in self._hearing.active.values()
            if one.instrument == instrument and (one.missing or one.fills_at_ns <= now)
        ]
        if not missing:
            self._fill_tries[instrument] = 0
            return
        tries = self._fill_tries[instrument] = self._fill_tries.get(instrument, 0) + 1
        wait = min(self.rules.first_ns << min(tries, 20), self.rules.longest_ns)
        for order in missing:
            order.fills_at_ns = now + wait
        if tries == 10:
            why = "does not answer" if failed else "does not tell them"
            self._hearing.alert(f"fills of order {missing[0].id} are missing: the venue {why}")


def gone(order: Tracked) -> int:
    """Return how an order that is not there ended: refused, or cancelled if it once was."""
    return report.CANCELED if order.filled or order.leg else report.REJECTED
