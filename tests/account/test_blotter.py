"""Orders by our own id: what is sent, what is told, what is told twice."""

import pytest

from aggressor.account import blotter as module
from aggressor.account.blotter import Blotter
from aggressor.account.lifecycle import IllegalMoveError, State
from aggressor.schema import command, report
from tests.account.rows import ask, fill, place, told


def started(size: int = 10) -> Blotter:
    blotter = Blotter()
    blotter.sent(place(blotter.next_id(), 1, size, 1000))
    blotter.apply(told(report.ACK, 1, size=size, leaves=size, price=1000, ts_recv=5))
    return blotter


def test_ids_are_made_before_sending_and_never_twice() -> None:
    blotter = Blotter(first_id=7)
    assert [blotter.next_id() for _ in range(3)] == [7, 8, 9]
    blotter.sent(place(7, 1, 1))
    with pytest.raises(AssertionError, match="already sent"):
        blotter.sent(place(7, 1, 1))


def test_a_life_in_numbers() -> None:
    blotter = started()
    order = blotter[1]
    assert (order.state, order.leaves, order.ts_ack) == (State.WORKING, 10, 5)
    applied = blotter.apply(fill(1, 4, 6, 1000, flags=report.MAKER, fee=3, ts_recv=8))
    assert (applied.lots, applied.changed) == (4, True)
    blotter.apply(fill(1, 6, 0, 999, fee=5, ts_recv=9, ts_venue=1))
    assert (order.state, order.filled, order.leaves) == (State.FILLED, 10, 0)
    assert (order.value, order.fee, order.maker_lots) == (4 * 1000 + 6 * 999, 8, 4)
    assert (order.ts_first_fill, order.ts_last) == (8, 9)
    assert list(blotter.open_orders()) == []
    assert blotter[1] is order


def test_a_repeated_fill_changes_nothing() -> None:
    blotter = started()
    row = fill(1, 4, 6, ts_venue=3)
    assert blotter.apply(row).lots == 4
    again = blotter.apply(row)
    assert (again.lots, again.changed, blotter.duplicates) == (0, False, 1)
    assert blotter[1].filled == 4
    assert blotter.apply(fill(1, 4, 2, ts_venue=3)).lots == 4  # same size and time, another fill
    last = fill(1, 2, 0, ts_venue=4)
    blotter.apply(last)
    assert blotter.apply(last).lots == 0  # also after its end
    assert blotter[1].filled == 10


def test_a_fill_repeated_after_an_amend_is_still_known() -> None:
    blotter = started()
    row = fill(1, 3, 7, ts_venue=3)
    blotter.apply(row)
    blotter.sent(ask(command.AMEND, 1, price=1001, size=13))
    blotter.apply(told(report.AMENDED, 1, leaves=10, price=1001))
    order = blotter[1]
    assert (order.size, order.leaves, order.price, order.state) == (13, 10, 1001, State.PARTIAL)
    assert blotter.apply(row).lots == 0
    assert (order.filled, order.leaves) == (3, 10)


def test_requests_under_way() -> None:
    blotter = started()
    assert list(blotter.in_flight()) == []
    blotter.sent(ask(command.AMEND, 1, price=1001, size=10))
    assert [o.id for o in blotter.in_flight()] == [1]
    with pytest.raises(IllegalMoveError):
        blotter.sent(ask(command.AMEND, 1, price=1002, size=10))
    blotter.sent(ask(command.CANCEL, 1))
    with pytest.raises(IllegalMoveError):
        blotter.sent(ask(command.CANCEL, 1))
    blotter.apply(told(report.CANCELED, 1, reason=report.NO_REASON))
    assert blotter[1].state is State.CANCELED
    assert blotter[1].leaves == 0


def test_a_stop_keeps_its_trigger_and_takes_the_asked_one_when_amended() -> None:
    blotter = Blotter()
    blotter.sent(place(1, -1, 5, type=command.STOP_MARKET, trigger=990))
    blotter.apply(told(report.ACK, 1, size=5, leaves=5))
    blotter.sent(ask(command.AMEND, 1, size=7, trigger=991))
    assert blotter[1].trigger == 990
    blotter.apply(told(report.AMENDED, 1, leaves=7))
    assert (blotter[1].trigger, blotter[1].size) == (991, 7)
    blotter.apply(told(report.TRIGGERED, 1, leaves=7))
    assert blotter[1].triggered


def test_what_is_not_ours_is_counted_and_set_aside() -> None:
    blotter = started()
    assert blotter.apply(fill(99, 4, 6)).order is None
    assert blotter.strangers == 1
    assert blotter.apply(told(report.FUNDED, 0)).order is None
    assert blotter.strangers == 1


def test_a_fill_after_the_end_raises() -> None:
    blotter = started()
    blotter.apply(told(report.CANCELED, 1))
    with pytest.raises(IllegalMoveError, match="CANCELED cannot FILL_PART"):
        blotter.apply(fill(1, 1, 9))


def test_ended_orders_are_kept_for_late_reports_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ENDED_MAX", 2)
    blotter = Blotter()
    for i in (1, 2, 3):
        blotter.sent(place(i, 1, 1))
        blotter.apply(told(report.REJECTED, i, reason=report.WOULD_CROSS))
    assert [i in blotter for i in (1, 2, 3)] == [False, True, True]
    assert blotter[3].reason == report.WOULD_CROSS


def test_open_orders_of_one_instrument() -> None:
    blotter = Blotter()
    blotter.sent(place(1, 1, 1, instrument=0))
    blotter.sent(place(2, 1, 1, instrument=4))
    assert [o.id for o in blotter.open_orders(4)] == [2]
    assert [o.id for o in blotter.open_orders()] == [1, 2]
