"""What the venue has and we have not: entered by name, and nothing is left without an owner."""

import numpy as np

from aggressor.account.books import Heading
from aggressor.account.reconcile import Correction, What
from aggressor.execution.bracket import BracketState
from aggressor.schema import command, report
from aggressor.schema.command import empty_commands
from aggressor.schema.event import NO_PRICE
from tests.account.rows import told
from tests.execution.stage import MS, SECOND, Stage


def entered() -> Stage:
    """Return a stage that is short ten lots, with its stop and its target at the venue."""
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    assert [one[0] for one in stage.working()] == ["stop", "target 1"]
    return stage


def test_money_that_cannot_be_explained_has_an_account_of_its_own() -> None:
    stage = entered()
    books = stage.desk.books
    before = books.cash("USD")
    assert stage.desk.enter(Correction(What.MONEY, 1, -1, "USD", 0, before, before - 700))
    assert books.cash("USD") == before - 700
    assert books.balance("USD", Heading.CORRECTIONS) == 700
    assert books.balance("USD", Heading.CAPITAL) == -(10**6) * 10**8
    assert books.identity("USD")


def test_opening_money_is_put_in() -> None:
    stage = Stage()
    stage.desk.enter(Correction(What.OPENING_MONEY, 1, -1, "USD", 0, 0, 500))
    assert stage.desk.books.balance("USD", Heading.CAPITAL) == -(10**6) * 10**8 - 500
    assert stage.desk.books.balance("USD", Heading.CORRECTIONS) == 0


def test_a_late_fill_is_booked_with_its_fee_and_belongs_to_nobody() -> None:
    stage = entered()
    desk, cash = stage.desk, stage.desk.books.cash("USD")
    desk.enter(Correction(What.FILL, 1, 0, "", 7, 0, 4, 1000, fee=9))
    assert desk.position(0).lots == -6
    assert desk.unclaimed_lots == 4
    assert desk.books.cash("USD") == cash + 4 * 11 * 10**8 - 9
    trade = desk.trade(0)
    assert trade is not None
    assert trade.held == 6
    assert desk.books.identity("USD")


def test_what_another_hand_closes_leaves_the_trade() -> None:
    stage = entered()
    stage.venue.position = -3  # somebody bought seven by hand
    stage.desk.enter(Correction(What.POSITION, 1, 0, "", 0, -10, -3))
    stage.turn()
    trade = stage.desk.trade(0)
    assert trade is not None
    assert trade.held == 3
    assert ("stop", 1, 3, 1015) in stage.working()
    stage.venue.position = 0
    stage.desk.enter(Correction(What.POSITION, 1, 0, "", 0, -3, 0))
    stage.turn()
    assert not stage.venue.orders
    assert stage.desk.trade(0) is None
    (over,) = stage.desk.closed(0)
    assert over.state is BracketState.DONE


def test_a_difference_counts_beside_reports_that_are_under_way() -> None:
    stage = entered()
    stage.venue.fill(stage.order("target 1"), 4, 1006)  # told later
    stage.desk.enter(Correction(What.POSITION, 1, 0, "", 0, -6, -8))
    assert stage.desk.position(0).lots == -12
    stage.hear()
    assert stage.desk.position(0).lots == -8


def test_a_position_without_a_price_waits() -> None:
    stage = Stage()
    assert not stage.desk.enter(Correction(What.POSITION, 1, 0, "", 0, 0, 5))
    assert stage.desk.position(0).lots == 0
    assert stage.desk.enter(Correction(What.OPENING_POSITION, 1, 0, "", 0, 0, 5, 1001))
    assert stage.desk.position(0).lots == 5


def stray(stage: Stage, order: int = 900) -> None:
    row = empty_commands(1)[0]
    row["kind"], row["order"], row["side"], row["size"] = command.PLACE, order, -1, 5
    row["type"], row["price"], row["trigger"] = command.LIMIT, 1015, NO_PRICE
    stage.desk.blotter.sent(row)
    stage.venue.take(np.array([row]), stage.market)


def test_an_order_without_an_owner_is_cancelled() -> None:
    stage = entered()
    stray(stage)
    stage.turn()
    assert 900 not in stage.venue.orders
    assert [one[0] for one in stage.working()] == ["stop", "target 1"]


def test_and_where_no_trade_is_under_way() -> None:
    stage = Stage()
    stray(stage)
    stage.turn()
    assert not stage.venue.orders
    assert stage.desk.blotter[900].ended


def test_a_stray_that_cannot_be_cancelled_is_tried_again_but_not_all_the_time() -> None:
    stage = Stage()
    stray(stage)
    stage.hear()
    row = stage.venue.orders.pop(900)
    for _ in range(4):
        stage.turn(50 * MS)
    assert len(stage.sent) == 1
    stage.venue.orders[900] = row
    stage.turn(200 * MS)
    assert stage.desk.blotter[900].ended


def test_a_stop_nobody_has_found_is_not_waited_for() -> None:
    stage = entered()
    first = stage.order("stop")
    stage.desk.blotter.doubt(first)
    hidden = stage.venue.orders.pop(first)  # whether it is there nobody knows
    stage.turn(300 * MS)
    second = stage.order("stop")
    assert second != first
    assert ("stop", 1, 10, 1015) in stage.working()
    stage.turn(2 * SECOND)
    trade = stage.desk.trade(0)
    assert trade is not None
    assert not trade.bracket.error
    stage.venue.orders[first] = hidden  # it turns up
    stage.desk.report(told(report.ACK, first, size=10, leaves=10), stage.market)
    stage.turn(300 * MS)
    assert first not in stage.venue.orders
    assert ("stop", 1, 10, 1015) in stage.working()
    assert trade.held == 10


def test_a_stop_that_was_not_found_and_filled_all_the_same_counts() -> None:
    stage = entered()
    first = stage.order("stop")
    stage.desk.blotter.doubt(first)
    hidden = stage.venue.orders.pop(first)
    stage.turn(300 * MS)
    stage.venue.orders[first] = hidden
    stage.venue.fill(first, 10, 1016)
    stage.turn()
    assert stage.desk.trade(0) is None
    assert stage.desk.position(0).lots == 0
    assert not stage.venue.orders


def test_an_exit_nobody_has_found_is_not_waited_for() -> None:
    stage = entered()
    trade = stage.desk.trade(0)
    assert trade is not None
    trade.close("a test")
    stage.desk.work(stage.market)
    lost = stage.desk.drain()  # it never gets there
    (exit_order,) = [int(row["order"]) for row in lost if row["tif"] == command.IOC]
    stage.turn(1 * SECOND)
    assert stage.venue.position == -10
    stage.desk.blotter.doubt(exit_order)
    stage.turn(1 * SECOND)
    assert stage.venue.position == 0
    assert trade.held == 0
