"""Every trigger of the kill switch (R8.7), injected: just below its bound, and above it."""

from typing import Any

import pytest

from aggressor.execution.bracket import BracketState
from aggressor.execution.desk import DeskMemory
from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Action
from aggressor.execution.losses import LossRule
from aggressor.execution.triggers import Finding, TriggerRule, Triggers
from aggressor.schema import command, report
from tests.account.rows import told
from tests.execution.stage import MS, SECOND, START, Stage

LEVELS = [HaltLevel.NO_ENTRIES, HaltLevel.CANCEL, HaltLevel.FLATTEN, HaltLevel.DISCONNECT]


def answers(triggers: Triggers, good: int, bad: int, reason: int = report.BAD_FIELD) -> Any:
    found: Finding | None = None
    for i in range(good):
        found = triggers.answered(report.ACK, 0, START + i) or found
    for i in range(bad):
        found = triggers.answered(report.REJECTED, reason, START + good + i) or found
    return found


def test_rejects() -> None:
    assert answers(Triggers(), 40, 10) is None  # a fifth is not more than a fifth
    found = answers(Triggers(), 40, 11)
    assert found is not None
    assert (found.level, found.reason) == (HaltLevel.NO_ENTRIES, "11 of 51 orders were rejected")


def test_few_answers_and_post_only_say_nothing() -> None:
    assert answers(Triggers(), 0, 9) is None
    assert answers(Triggers(), 0, 10) is not None
    assert answers(Triggers(), 0, 50, report.WOULD_CROSS) is None


def test_rejects_are_forgotten_with_their_window() -> None:
    triggers = Triggers()
    assert answers(triggers, 0, 9) is None
    later = START + 61 * SECOND
    assert triggers.answered(report.REJECTED, report.BAD_FIELD, later) is None


def test_data_loss_counts_only_with_a_position_and_only_without_a_break() -> None:
    triggers = Triggers()
    assert triggers.data(0, False, 0, START) is None
    assert triggers.data(0, False, 0, START + 9 * SECOND) is None
    assert triggers.data(0, False, 3, START + 10 * SECOND) is None
    assert triggers.data(0, False, 3, START + 15 * SECOND) is None
    assert triggers.data(0, True, 3, START + 15 * SECOND + 1) is None
    assert triggers.data(0, False, 3, START + 16 * SECOND) is None
    assert triggers.data(0, False, 3, START + 21 * SECOND) is None
    found = triggers.data(0, False, 3, START + 21 * SECOND + 1)
    assert found is not None
    assert found.level is HaltLevel.FLATTEN


def test_a_position_that_differs_for_long() -> None:
    triggers = Triggers()
    assert triggers.position(0, 10, 12, START) is None
    assert triggers.position(0, 10, 11, START + SECOND) is None  # one lot is none
    assert triggers.position(0, 10, 12, START + 2 * SECOND) is None
    assert triggers.position(0, 10, 12, START + 4 * SECOND) is None
    assert triggers.position(0, 10, 12, START + 4 * SECOND + 1) == Finding(
        HaltLevel.CANCEL, "we hold 10 lots, the venue says 12: reconcile"
    )


def test_latency() -> None:
    triggers = Triggers()
    assert all(triggers.latency(MS) is None for _ in range(97))
    assert triggers.latency(3 * SECOND) is None  # too few to tell
    assert triggers.latency(3 * SECOND) is None
    found = triggers.latency(3 * SECOND)
    assert found is not None
    assert found.reason == "latency p99 is 3.00 s"


@pytest.mark.parametrize(
    ("method", "bound", "level"),
    [("heartbeat", 5 * SECOND, HaltLevel.FLATTEN), ("clock", 100 * MS, HaltLevel.NO_ENTRIES)],
)
def test_heartbeat_and_clock(method: str, bound: int, level: HaltLevel) -> None:
    triggers = Triggers()
    assert getattr(triggers, method)(bound) is None
    assert getattr(triggers, method)(bound + 1).level is level


def test_an_exception_always_pulls() -> None:
    assert Triggers().exception("KeyError: 3") == Finding(
        HaltLevel.CANCEL, "unexpected: KeyError: 3"
    )


def pulled(level: HaltLevel, **rule: Any) -> Stage:
    """Return a stage with a position, an entry that still works, and a halt."""
    stage = Stage(**rule)
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stage.desk.halt.pull(level, "a test", stage.market.now_ns)
    return stage


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_does_no_more_than_it_says(level: HaltLevel) -> None:
    stage = pulled(level)
    before = len(stage.sent)
    stage.turn(after_ns=SECOND)
    for _ in range(3):
        stage.turn(after_ns=SECOND)
    legs = {leg for leg, *_ in stage.working()}
    sent = stage.sent[before:]
    opening = [row for row in sent if row["kind"] == command.PLACE and not row["flags"]]
    assert not opening
    if level is HaltLevel.NO_ENTRIES:
        assert "stop" in legs
        assert stage.venue.position == -4
    elif level is HaltLevel.CANCEL:
        assert "entry" not in legs
        assert "stop" in legs
        assert stage.venue.position == -4
    elif level is HaltLevel.FLATTEN:
        assert stage.venue.position == 0
        assert legs == set()
    else:
        assert not sent  # nothing at all is sent any more
        assert {"entry", "stop"} <= legs


def test_a_loss_limit_latches_over_midnight_when_triggers_are_on() -> None:
    stage = Stage(losses=LossRule(consecutive_max=1), triggers=TriggerRule())
    stage.desk.losses.closed(-1, stopped=False, ts_ns=stage.market.now_ns)
    stage.turn(after_ns=MS)
    assert stage.desk.halt.level is HaltLevel.OPEN  # no day has begun yet
    stage.desk.losses.closed(-1, stopped=False, ts_ns=stage.market.now_ns)
    stage.turn(after_ns=MS)
    assert stage.desk.halt.level is HaltLevel.NO_ENTRIES
    stage.turn(after_ns=86_400 * SECOND)
    assert stage.desk.halt.level is HaltLevel.NO_ENTRIES
    stage.desk.halt.reset("seen to", stage.market.now_ns)
    stage.turn(after_ns=MS)
    assert stage.desk.halt.level is HaltLevel.OPEN


def test_the_desk_pulls_on_lost_data_and_closes_when_it_is_back() -> None:
    stage = Stage(triggers=TriggerRule())
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stage.market.valid = False
    stage.turn(after_ns=5 * SECOND)
    stage.turn(after_ns=5 * SECOND + 1)
    assert stage.desk.halt.level is HaltLevel.FLATTEN
    assert stage.venue.position == -10  # not into the dark
    stage.market.valid = True
    stage.turn(after_ns=SECOND)
    assert stage.venue.position == 0


def test_without_a_rule_nothing_is_pulled() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stage.market.valid = False
    for _ in range(4):
        stage.turn(after_ns=5 * SECOND)
    assert stage.desk.halt.level is HaltLevel.OPEN


def test_winding_down_gives_up_entries_and_keeps_protection() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stage.desk.wind_down("the end")
    stage.turn(after_ns=SECOND)
    assert [leg for leg, *_ in stage.working()] == ["stop", "target 1"]
    stage.want(Action.EXIT)
    stage.turn(after_ns=SECOND)
    assert stage.venue.position == 0
    stage.enter(parent=2)
    assert stage.desk.refusals[-1].reason == "the end"


def test_a_desk_goes_on_from_its_memory_and_rows() -> None:
    import msgspec

    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    rows: list[tuple[Any, bool]] = []
    other = Stage()
    for row in stage.sent:
        rows.append((row, True))
    memory = msgspec.json.decode(msgspec.json.encode(stage.desk.memory()), type=DeskMemory)
    for row, sent in rows:
        if row["kind"] == command.PLACE:
            other.desk.relive(row, sent=sent)
            order = stage.desk.blotter[int(row["order"])]
            size = order.size
            ack = told(report.ACK, order.id, size=size, leaves=size, ts_recv=START)
            other.desk.relive(ack, sent=False)
    other.desk.recall(memory)
    trade, again = stage.desk.trade(0), other.desk.trade(0)
    assert trade is not None
    assert again is not None
    assert again.memory() == trade.memory()
    assert again.state is trade.state is BracketState.PARTIAL
    assert other.desk.position(0) == stage.desk.position(0)
    assert other.desk.memory() == stage.desk.memory()
    assert [again.leg_of(one.id) for one in other.desk.blotter.open_orders()] == [
        trade.leg_of(one.id) for one in stage.desk.blotter.open_orders()
    ]
