"""Orders that an earlier process left, as its journal has them: held again, each asked for.

What was on the wire when it ended is in doubt here, in the same words as after a lost answer
(`venues.doubts`): a placing that nobody acknowledged, an amendment, a cancel, a leg that replaces.
So nothing is sent twice, and what the venue did with it comes as the REPORT that was missed. Fills
that the journal has are known by venue time, price and size, and are not told again.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from aggressor.account.blotter import Order
from aggressor.account.lifecycle import State
from aggressor.schema.command import AMEND, CANCEL, PLACE
from aggressor.venues.orders.gateway import Gateway
from aggressor.venues.orders.tracked import Request, Tracked, Word, new_tracked


class Leg(NamedTuple):
    """The last leg of an order that was placed anew, as it was noted before it left."""

    number: int
    base: int  # lots that the legs before had filled
    noted_ns: int


NO_LEG = Leg(0, 0, 0)


class Left(NamedTuple):
    """One order that was not over: as the blotter has it, what was asked, and its last leg."""

    order: Order
    asked: Mapping[int, Any]  # the last COMMAND of each kind
    leg: Leg = NO_LEG


def hold(gateway: Gateway, left: Left, now: int) -> Tracked:
    """Hold an order again and ask for it."""
    order, leg = left.order, left.leg
    fresh = leg.number > 0 and leg.noted_ns > order.ts_last  # nobody has told of this leg
    tracked = _tracked(left, fresh)
    place = tracked.place
    place.move(Word.SEND)
    place.sent_ns = now  # not before: it may have been on the wire when the process ended
    place.move(Word.TELL if order.acknowledged and not fresh else Word.DOUBT)
    asked = left.asked.get(AMEND)
    if asked is not None and (order.state is State.PENDING_AMEND or fresh):
        tracked.amend = _amendment(gateway, tracked, asked, now)
        tracked.amend.replaced = fresh
    if order.state is State.PENDING_CANCEL:
        tracked.cancel = _doubted(CANCEL, left.asked[CANCEL], tracked.leg, now)
    tracked.inquiry.checking = True
    gateway.hearing.add(tracked)
    gateway.doubts.doubt(tracked, now)
    return tracked


def _tracked(left: Left, fresh: bool) -> Tracked:
    """Return an order with the terms that stood, or those of a leg nobody has told of."""
    order, leg = left.order, left.leg
    row = left.asked[PLACE].copy()
    terms = left.asked[AMEND] if fresh else None
    row["size"] = order.size if terms is None else terms["size"]
    row["price"] = order.price if terms is None else terms["price"]
    row["trigger"] = order.trigger if terms is None else terms["trigger"]
    tracked = new_tracked(row, int(row["ts_send"]))
    tracked.leg, tracked.leg_base = leg.number, leg.base
    tracked.leg_size = tracked.size - leg.base
    tracked.filled = order.filled
    tracked.leg_filled = tracked.leg_told = order.filled - leg.base
    tracked.leaves_told = order.leaves
    tracked.acked = order.acknowledged
    tracked.leg_seen = order.acknowledged and not fresh
    tracked.triggered = order.triggered
    tracked.place.leg = leg.number
    tracked.recalled = Counter(order.fill_marks)
    return tracked


def _amendment(gateway: Gateway, tracked: Tracked, asked: Any, now: int) -> Request:
    request = _doubted(AMEND, asked, tracked.leg, now)
    request.size, request.price = int(asked["size"]), int(asked["price"])
    request.trigger = int(asked["trigger"])
    side, grid = gateway.side, gateway.hearing.instruments[tracked.instrument]
    native = side.amend is not None and side.amend(asked, grid, gateway.terms) is not None
    request.by_cancel = not native
    return request


def _doubted(kind: int, asked: Any, leg: int, now: int) -> Request:
    request = Request(kind, int(asked["ts_send"]), leg)
    request.move(Word.SEND)
    request.sent_ns = now
    request.move(Word.DOUBT)
    return request
