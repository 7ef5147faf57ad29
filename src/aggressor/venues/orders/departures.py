"""Which requests about orders leave now, and in which order.

Cancels leave first, then what reduces, then amendments and new orders; all within the venue's
limits. What may not leave waits; an opening order that waited for too long is refused with the
reason, for the market it was meant for is gone. Several new orders of one instrument leave in one
request where the venue takes that.
"""

from typing import NamedTuple

import msgspec

from aggressor.schema import report
from aggressor.schema.command import (
    AMEND,
    CANCEL,
    LIMIT,
    MARKET,
    PLACE,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.venues.budget import Budget
from aggressor.venues.orders.doubts import AskRules, Doubts, gone
from aggressor.venues.orders.hearing import Hearing
from aggressor.venues.orders.tracked import Request, Stage, Tracked, Word
from aggressor.venues.trading import Call, Terms, TradingVenue

_SECOND_NS = 1_000_000_000
_STOPS = (STOP_MARKET, TAKE_PROFIT_MARKET)


class GatewayRules(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are treated."""

    patience_ns: int = 1 * _SECOND_NS  # an order that could not leave for so long is refused
    doubts_max: int = 10  # with so many orders in doubt no new risk leaves
    asks: AskRules = AskRules()


class Send(NamedTuple):
    """Send this call: it is about these requests, answered one by one if it is a batch."""

    call: Call
    items: tuple[tuple[Tracked, Request], ...]
    batch: bool = False


class Departures:
    """What waits to be sent."""

    def __init__(
        self,
        side: TradingVenue,
        hearing: Hearing,
        doubts: Doubts,
        budget: Budget,
        terms: Terms,
        rules: GatewayRules,
    ) -> None:
        self.sent = 0  # requests
        self._side = side
        self._hearing = hearing
        self._doubts = doubts
        self._budget = budget
        self._terms = terms
        self._rules = rules

    def due(self, now: int, *, listening: bool) -> list[Send]:
        """Return what leaves now.

        While nobody listens to the account no new risk does; nor while so many orders are in doubt
        that asking for them takes what the venue allows, for then more of them would never end.
        """
        sends: list[Send] = []
        active = sorted(self._hearing.active.values(), key=lambda one: not one.reduces)
        for order in active:
            self._due_cancel(order, now, sends)
        for order in active:
            self._due_amend(order, now, sends)
        self._due_places(active, now, sends, listening)
        return sends

    def _due_cancel(self, order: Tracked, now: int, sends: list[Send]) -> None:
        request = order.cancel
        if request is None or request.stage is not Stage.QUEUED or request.not_before_ns > now:
            return
        if order.place.stage in (Stage.QUEUED, Stage.SENT) or order.end_kind:
            return
        call = self.cancel_call(order)
        if call is None:  # the venue's id is needed, and not known yet
            request.not_before_ns = now + self._rules.asks.first_ns
            self._doubts.doubt(order, now)
            order.inquiry.checking = True
            return
        self._send(call, order, request, now, sends, urgent=True)

    def cancel_call(self, order: Tracked) -> Call | None:
        """Return the call that cancels a leg; None: the venue's id is needed and not known."""
        grid = self._hearing.instruments[order.instrument]
        row = order.wire_row(CANCEL)
        call = self._side.cancel(row, grid, self._terms)
        if call is None and self._side.cancel_theirs is not None and order.venue_id:
            call = self._side.cancel_theirs(row, grid, order.venue_id)
        return call

    def _due_amend(self, order: Tracked, now: int, sends: list[Send]) -> None:
        request = order.amend
        if request is None or request.stage is not Stage.QUEUED or request.not_before_ns > now:
            return
        if order.place.stage is not Stage.DONE or order.end_kind or not order.leg_seen:
            return
        if order.cancel is not None and order.cancel.stage is not Stage.DONE:
            return  # it will be gone
        call = self._amend_call(order)
        request.by_cancel = call is None
        if call is None:
            call = self.cancel_call(order)
        if call is None:
            self.refuse_amend(order, request, report.BAD_FIELD, now)
        elif not self._send(call, order, request, now, sends, urgent=order.reduces):
            if self.too_old(request, order, call.group, now):
                self.refuse_amend(order, request, report.RATE_LIMIT, now)

    def _amend_call(self, order: Tracked) -> Call | None:
        if self._side.amend is None:
            return None
        grid = self._hearing.instruments[order.instrument]
        return self._side.amend(order.wire_row(AMEND), grid, self._terms)

    def _due_places(
        self, active: list[Tracked], now: int, sends: list[Send], listening: bool
    ) -> None:
        """Send what waits to be placed; several of one instrument in one request."""
        together: dict[int, list[Tracked]] = {}
        doubted = sum(one.place.stage is Stage.DOUBTED for one in active)
        for order in active:
            request = order.place
            if request.stage is not Stage.QUEUED or request.not_before_ns > now:
                continue
            if not listening and not order.reduces:
                self.drop(order, report.NOT_LISTENING, now)
            elif doubted >= self._rules.doubts_max and not order.reduces:
                if self.too_old(request, order, "", now):
                    self.drop(order, report.RATE_LIMIT, now)
            elif order.type in (LIMIT, MARKET) and self._side.place_many is not None:
                together.setdefault(order.instrument, []).append(order)
            else:
                self._place_one(order, now, sends)
        for orders in together.values():
            most = self._side.many_max
            for first in range(0, len(orders), most):
                self._place_some(orders[first : first + most], now, sends)

    def _place_some(self, orders: list[Tracked], now: int, sends: list[Send]) -> None:
        many = self._side.place_many
        if len(orders) == 1 or many is None:
            for order in orders:
                self._place_one(order, now, sends)
            return
        grid = self._hearing.instruments[orders[0].instrument]
        call = many([one.wire_row(PLACE) for one in orders], grid, self._terms)
        urgent = all(one.reduces for one in orders)
        if not self._budget.take(call.group, call.weight, now, urgent=urgent, also=call.also):
            for order in orders:
                self._place_one(order, now, sends)
            return
        for order in orders:
            self._leaves(order.place, now)
        sends.append(Send(call, tuple((one, one.place) for one in orders), batch=True))

    def _place_one(self, order: Tracked, now: int, sends: list[Send]) -> None:
        grid = self._hearing.instruments[order.instrument]
        call = self._side.place(order.wire_row(PLACE), grid, self._terms)
        if not self._send(call, order, order.place, now, sends, urgent=order.reduces):
            if self.too_old(order.place, order, call.group, now):
                self.drop(order, report.RATE_LIMIT, now)

    def _send(
        self,
        call: Call,
        order: Tracked,
        request: Request,
        now: int,
        sends: list[Send],
        *,
        urgent: bool,
    ) -> bool:
        if not self._budget.take(call.group, call.weight, now, urgent=urgent, also=call.also):
            return False
        self._leaves(request, now)
        sends.append(Send(call, ((order, request),)))
        return True

    def _leaves(self, request: Request, now: int) -> None:
        request.move(Word.SEND)
        request.sent_ns = now
        request.sends += 1
        self.sent += 1

    def too_old(self, request: Request, order: Tracked, group: str, now: int) -> bool:
        """Whether an order that may not leave now is refused rather than kept waiting."""
        if order.reduces or order.type in _STOPS:
            return False
        until = request.wanted_ns + self._rules.patience_ns
        return now > until or self._budget.paused_until(group) > until

    def drop(self, order: Tracked, reason: int, now: int) -> None:
        """Refuse an order that has not left."""
        order.place.move(Word.REFUSE)
        self._hearing.end(order, gone(order), reason, now)

    def refuse_amend(self, order: Tracked, request: Request, reason: int, now: int) -> None:
        """Refuse an amendment."""
        request.move(Word.REFUSE)
        self._hearing.tell(order, report.AMEND_REJECTED, now, reason=reason)
        self._hearing.settle(order, now)
