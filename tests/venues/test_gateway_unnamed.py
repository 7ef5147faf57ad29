"""Orders with a trigger that do not carry our id: known by their terms, and by what they became."""

from typing import Any

from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.schema.event import NO_PRICE
from aggressor.venues.orders.departures import Send
from aggressor.venues.orders.tracked import Stage
from aggressor.venues.trading import Answer, FillUpdate, OrderUpdate, Verdict
from tests.venues.test_gateway import MS, Desk
from tests.venues.toy_account import SETTLES_NS, SYMBOL


def _plan(kind: int = report.ACK, name: str = "p1", became: str = "", size: int = 10) -> Any:
    """Return what a venue tells of an order with a trigger: without our id."""
    return OrderUpdate(
        SYMBOL, "", became or name, kind, 1, "", str(size), "0", 0, trigger="120", born_of=name
    )


def _doubted_stop(desk: Desk) -> Any:
    desk.fates = ["lost"]
    number = desk.command(c.PLACE, type=c.STOP_MARKET, price=NO_PRICE, trigger=120)
    desk.turn()
    order = desk.gateway.hearing.orders[number]
    assert order.place.stage is Stage.DOUBTED
    return order


def test_a_lost_stop_that_waits_is_known_by_its_terms_at_once() -> None:
    desk = Desk()
    order = _doubted_stop(desk)
    now = desk.now + 10 * MS
    desk.gateway.doubts.told(order, 0, [_plan(size=11), _plan()], desk.now, now)
    assert (order.acked, order.venue_id) == (True, "p1")


def test_one_that_waits_no_longer_is_taken_for_ours_only_when_ours_would_be_there() -> None:
    desk = Desk()
    order = _doubted_stop(desk)
    fired = _plan(report.TRIGGERED, became="m7")
    early = desk.now + SETTLES_NS - 100 * MS
    desk.gateway.doubts.told(order, 0, [fired], early, early)
    assert (order.acked, order.venue_id) == (False, "")
    late = desk.now + SETTLES_NS
    desk.gateway.doubts.told(order, 0, [fired], late, late)
    assert (order.acked, order.triggered) == (True, True)
    assert order.venue_ids == ["p1", "m7"]


def test_what_the_answer_to_another_stop_may_claim_is_nobodys_yet() -> None:
    desk = Desk()
    order = _doubted_stop(desk)
    desk.command(c.PLACE, type=c.STOP_MARKET, price=NO_PRICE, trigger=120)
    (send,) = [one for one in desk.gateway.due(desk.now) if isinstance(one, Send)]
    desk.gateway.doubts.told(order, 0, [_plan()], desk.now, desk.now)
    assert order.venue_id == ""
    (other, request), theirs = send.items[0], Answer(Verdict.ACCEPTED, venue_id="p1")
    desk.gateway.answered(other, request, theirs, desk.now)
    desk.gateway.doubts.told(order, 0, [_plan(), _plan(name="p2")], desk.now, desk.now)
    assert (other.venue_id, order.venue_id) == ("p1", "p2")


def test_fills_under_an_id_of_the_venues_own_wait_for_what_the_trigger_became() -> None:
    desk = Desk()
    number = desk.command(c.PLACE, type=c.STOP_MARKET, price=NO_PRICE, trigger=120)
    desk.until_quiet()
    order = desk.gateway.hearing.orders[number]
    for _ in range(2):  # by the stream and, asked for, once more
        desk.hear(FillUpdate(SYMBOL, "_m_95bc", "m7", "t1", 1, "121", "10", "0", "USD", False, 5))
    assert desk.blotter[number].filled == 0
    desk.hear(_plan(report.TRIGGERED, order.venue_id, "m7"))
    assert desk.blotter[number].filled == 10
    assert desk.gateway.hearing.strangers == 0
