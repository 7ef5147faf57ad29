"""The desk: refusals as values, halts, money, what cannot be doubled."""

import pytest

from aggressor.execution.halt import Halt, HaltLevel
from aggressor.execution.intent import Action, Protection
from aggressor.execution.limits import Limits
from aggressor.execution.losses import LossRule
from aggressor.schema import command, report
from aggressor.schema.event import NO_PRICE
from tests.account.rows import fill, told
from tests.execution.stage import CONTRACT, MS, SECOND, START, Stage


def refused(stage: Stage) -> list[int]:
    return [r.check for r in stage.desk.refusals]


def test_one_trade_at_a_time() -> None:
    stage = Stage()
    stage.enter()
    stage.enter(parent=2)
    assert refused(stage) == [6]
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stage.enter(parent=3)
    assert refused(stage) == [6, 6]
    assert len([r for r in stage.sent if not r["flags"]]) == 1


@pytest.mark.parametrize(
    "wrong", [{"lots": 0}, {"lots": -1}, {"side": 0}, {"placement": None}, {"protection": None}]
)
def test_an_entry_that_says_too_little_is_refused(wrong: dict[str, object]) -> None:
    stage = Stage()
    stage.enter(**{"stop": 1, "targets": (), **wrong} if "side" in wrong else wrong)
    assert refused(stage) == [2]
    assert not stage.sent


def test_a_refused_entry_ends_with_its_reason() -> None:
    stage = Stage(default=Limits(order_lots_max=9))
    stage.enter()
    assert refused(stage) == [5]
    stage.turn(100 * MS)
    (trade,) = stage.desk.closed(0)
    assert trade.exit_reason.startswith("refused: 10 lots")
    assert not stage.sent


def test_asking_of_a_trade_that_is_not_there() -> None:
    stage = Stage()
    stage.want(Action.EXIT)
    stage.enter()
    stage.want(Action.CANCEL, parent=99)
    assert refused(stage) == [2, 2]
    assert stage.desk.trade(0) is not None


def test_the_halt_is_a_latch() -> None:
    halt = Halt()
    assert halt.pull(HaltLevel.CANCEL, "data lost", 1)
    assert not halt.pull(HaltLevel.NO_ENTRIES, "later and lower", 2)
    assert (halt.level, halt.reason) == (HaltLevel.CANCEL, "data lost")
    assert halt.pull(HaltLevel.FLATTEN, "worse", 3)
    halt.reset("looked at it", 4)
    assert halt.level is HaltLevel.OPEN
    assert [p.ts_ns for p in halt.history] == [1, 3, 4]


@pytest.mark.parametrize("level", [HaltLevel.NO_ENTRIES, HaltLevel.CANCEL, HaltLevel.FLATTEN])
def test_after_a_halt_only_what_reduces(level: HaltLevel) -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stage.desk.halt.pull(level, "test", stage.market.now_ns)
    before = len(stage.sent)
    stage.market.bid += 1
    stage.market.ask += 1
    stage.turn(300 * MS)
    stage.turn(3 * SECOND)
    stage.enter(parent=2)
    after = stage.sent[before:]
    assert all(r["kind"] == command.CANCEL or r["flags"] & report.REDUCE_ONLY for r in after)
    if level is HaltLevel.FLATTEN:
        assert stage.venue.position == 0
        assert stage.desk.closed(0)[0].exit_reason == "halt: test"
    else:
        assert stage.venue.position == -4
        assert ("stop", 1, 4, 1015) in stage.working()


def test_a_liquidation_halts() -> None:
    stage = Stage()
    stage.desk.report(told(report.LIQUIDATED, 0), stage.market)
    assert stage.desk.halt.level is HaltLevel.FLATTEN


def test_what_the_venue_liquidates_is_booked_and_ends_the_trade() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    held = stage.desk.position(0).lots
    assert held != 0
    cash = stage.desk.books.cash(stage.desk.books.currency(0))
    entry = stage.desk.position(0).average
    assert entry is not None
    side = -1 if held > 0 else 1
    lots = abs(held)
    row = told(report.LIQUIDATED, 0, side=side, size=lots, price=1000, fee=7, instrument=0)
    stage.desk.report(row, stage.market)
    profit = int((1000 - entry) * held) * 10**8
    assert stage.desk.position(0).lots == 0
    assert stage.desk.books.cash(stage.desk.books.currency(0)) == cash + profit - 7
    assert stage.desk.books.identity(stage.desk.books.currency(0))
    trade = stage.desk.trade(0)
    assert trade is not None
    assert trade.held == 0
    assert trade.net == profit - trade.fees


def test_losses_switch_entries_off_for_the_day() -> None:
    stage = Stage(losses=LossRule(consecutive_max=1, day_bp=10_000, drawdown_bp=10_000))
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stage.venue.fill(stage.order("stop"), 10, 1015)
    stage.turn()
    stage.enter(parent=2)
    assert refused(stage) == [13]


def test_money_is_that_of_the_reports() -> None:
    stage = Stage()
    stage.enter(side=1)
    stage.venue.fill(stage.order("entry"), 10)
    stage.hear()
    stage.market.bid, stage.market.ask = 1013, 1015
    stage.turn()
    assert stage.desk.equity(0) == (10**6 + 10 * 4) * 10**8  # marked at the mid, 1014
    row = told(report.FUNDED, 0, fee=7 * 10**8)
    stage.desk.report(row, stage.market)
    assert stage.desk.equity(0) == (10**6 + 40 - 7) * 10**8
    assert stage.desk.books.identity("USD")


def test_repeated_reports_change_nothing() -> None:
    stage = Stage()
    stage.enter()
    order = stage.order("entry")
    row = fill(order, 4, 6, 1011, ts_venue=77)
    for _ in range(3):
        stage.desk.report(row, stage.market)
    assert stage.desk.position(0).lots == -4
    trade = stage.desk.trade(0)
    assert trade is not None
    assert (trade.bracket.entered, trade.held) == (4, 4)


def test_reports_about_nobody_change_nothing() -> None:
    stage = Stage()
    stage.desk.report(fill(12345, 4, 6), stage.market)
    assert stage.desk.blotter.strangers == 1
    assert stage.desk.position(0).lots == 0


def test_commands_carry_what_the_record_asks() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    entry, stop, target = stage.sent[:3]
    assert (entry["ts_send"], entry["parent"], entry["strategy"]) == (START, 1, 1)
    assert entry["trigger"] == NO_PRICE
    assert (stop["type"], stop["trigger"], stop["price"]) == (command.STOP_MARKET, 1015, NO_PRICE)
    assert (target["tif"], target["price"]) == (command.POST_ONLY, 1006)
    assert len({int(r["order"]) for r in (entry, stop, target)}) == 3


def test_closed_trades_are_kept_until_read() -> None:
    stage = Stage()
    stage.enter()
    stage.want(Action.CANCEL)
    assert len(stage.desk.closed(0)) == 1
    stage.desk.forget_closed(0)
    assert len(stage.desk.closed(0)) == 1  # no strategy has decided since
    stage.desk.decide([], stage.market)
    stage.desk.forget_closed(0)
    assert list(stage.desk.closed(0)) == []


def test_a_trade_measures_itself() -> None:
    stage = Stage()
    stage.enter(protection=Protection(stop=1020, targets=()))
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    for price in (1014, 1003, 1008):
        stage.market.last_price = price
        stage.turn(SECOND)
    stage.want(Action.EXIT, reason="time")
    (trade,) = stage.desk.closed(0)
    assert trade.excursions() == (3, 8)
    assert (trade.entry_price, trade.exit_price) == (1011, 1011)
    assert trade.entry_stamps() == (START, START)
    assert trade.ended_ns == stage.market.now_ns
    assert trade.net == 0
    assert CONTRACT.id == "v:X"
