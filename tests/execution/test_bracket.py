"""The bracket: T8.8, resizing, and every race one can stage."""

import pytest

from aggressor.execution.bracket import BracketRule, BracketState, shares
from aggressor.execution.intent import Action, Protection, Target
from aggressor.execution.pace import PaceRule
from aggressor.schema import command, report
from tests.account.rows import told
from tests.execution.stage import MS, SECOND, Stage

S = BracketState


def state(stage: Stage) -> BracketState:
    trade = stage.desk.trade(0)
    return trade.state if trade is not None else S.DONE


def test_t8_8() -> None:
    """Parent 10: fill 4 -> 4/4; fill 6 -> 10/10; target fills 3 -> 7/7; stop fills 7 -> flat."""
    stage = Stage()
    stage.enter(side=1, stop=1005, targets=(Target(1014),))
    assert stage.working() == [("entry", 1, 10, 1010)]
    assert state(stage) is S.PENDING
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    assert ("stop", -1, 4, 1005) in stage.working()
    assert ("target 1", -1, 4, 1014) in stage.working()
    assert state(stage) is S.PARTIAL
    stage.venue.fill(stage.order("entry"), 6)
    stage.turn()
    assert stage.working() == [("stop", -1, 10, 1005), ("target 1", -1, 10, 1014)]
    assert state(stage) is S.ACTIVE
    stage.venue.fill(stage.order("target 1"), 3)
    stage.turn()
    assert stage.working() == [("stop", -1, 7, 1005), ("target 1", -1, 7, 1014)]
    stage.venue.fill(stage.order("stop"), 7, 1005, maker=False)
    stage.turn()
    assert stage.working() == []
    assert state(stage) is S.DONE
    (trade,) = stage.desk.closed(0)
    assert (trade.held, trade.exit_reason, trade.stopped) == (0, "stop", True)
    assert stage.desk.position(0).lots == stage.venue.position == 0
    assert trade.realised == (3 * 4 - 7 * 5) * 10**8
    assert stage.desk.books.identity("USD")


def test_a_stop_comes_nearer_and_never_leaves() -> None:
    stage = Stage()
    stage.enter(side=1, stop=1005, targets=(Target(1014),))
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stop = stage.order("stop")
    stage.turn(SECOND)
    stage.want(Action.PROTECT, protection=Protection(stop=1009, targets=(Target(1014),)))
    assert stage.working() == [("stop", -1, 10, 1009), ("target 1", -1, 10, 1014)]
    assert stage.order("stop") == stop
    stage.want(Action.PROTECT, protection=Protection(stop=1004, targets=(Target(1014),)))
    stage.turn(SECOND)
    assert stage.working() == [("stop", -1, 10, 1009), ("target 1", -1, 10, 1014)]
    assert stage.desk.refusals[-1].reason == "a stop only comes nearer"


def test_a_moved_stop_is_asked_for_again_but_not_at_once() -> None:
    """The venue refuses the first move: the old stop stands, and it is tried again later."""
    stage = Stage()
    stage.enter(side=1, stop=1005, targets=(Target(1014),))
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    amend = stage.venue._amend
    stage.venue._amend = lambda order, _: stage.venue._tell(report.AMEND_REJECTED, order.id)  # type: ignore[method-assign]
    stage.turn(SECOND)
    stage.want(Action.PROTECT, protection=Protection(stop=1009, targets=(Target(1014),)))
    assert ("stop", -1, 10, 1005) in stage.working()
    tried = len(stage.sent)
    stage.turn(50 * MS)
    assert len(stage.sent) == tried
    stage.venue._amend = amend  # type: ignore[method-assign]
    stage.turn(SECOND)
    assert ("stop", -1, 10, 1009) in stage.working()


def test_both_halves_of_a_split_target() -> None:
    stage = Stage()
    stage.enter(side=-1, targets=(Target(1007), Target(1005)))
    stage.venue.fill(stage.order("entry"), 3)
    stage.turn()
    assert ("target 1", 1, 1, 1007) in stage.working()
    assert ("target 2", 1, 2, 1005) in stage.working()
    stage.venue.fill(stage.order("entry"), 7)
    stage.turn()
    assert stage.working() == [
        ("stop", 1, 10, 1015), ("target 1", 1, 5, 1007), ("target 2", 1, 5, 1005),
    ]  # fmt: skip
    stage.venue.fill(stage.order("target 1"), 5)
    stage.turn()
    assert stage.working() == [("stop", 1, 5, 1015), ("target 2", 1, 5, 1005)]
    stage.venue.fill(stage.order("target 2"), 5)
    stage.turn()
    assert (state(stage), stage.desk.closed(0)[0].exit_reason) == (S.DONE, "target 2")


@pytest.mark.parametrize("parts", [(1,), (1, 1), (1, 2, 3)])
def test_shares_grow_and_add_up(parts: tuple[int, ...]) -> None:
    before = [0] * len(parts)
    for filled in range(40):
        now = shares(filled, parts)
        assert sum(now) == filled
        assert all(a <= b + 1 for a, b in zip(before, now, strict=True))
        before = now


def test_every_child_is_reduce_only_and_no_market_order_is_sent() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stage.want(Action.EXIT)
    children = [r for r in stage.sent if r["kind"] == command.PLACE][1:]
    assert len(children) == 3
    assert all(r["flags"] & report.REDUCE_ONLY for r in children)
    assert {int(r["type"]) for r in stage.sent} <= {0, command.LIMIT, command.STOP_MARKET}


def test_an_exit_part_way_ends_the_entry() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stage.venue.fill(stage.order("target 1"), 4)
    stage.turn()
    assert stage.working() == []
    assert state(stage) is S.DONE
    assert stage.desk.closed(0)[0].entry.stop_reason == "the exit has begun"


def test_the_entry_fills_while_its_cancel_is_under_way() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stage.venue.fill(stage.order("target 1"), 4)
    stage.venue.fill(stage.order("entry"), 6)  # before the venue hears of our cancel
    stage.turn()
    stage.turn(300 * MS)
    assert stage.desk.position(0).lots == stage.venue.position == -6
    assert ("stop", 1, 6, 1015) in stage.working()
    assert state(stage) is S.ACTIVE


def test_a_new_stop_after_the_old_one_was_dismissed() -> None:
    """Flat for a moment, the stop cancelled; then the last of the entry comes after all."""
    stage = Stage()
    stage.enter()
    entry = stage.order("entry")
    stage.venue.fill(entry, 4)
    stage.turn()
    held_back = stage.venue.orders.pop(entry)  # the venue has not yet seen our cancel
    stage.venue.fill(stage.order("target 1"), 4)
    stage.hear()
    stage.desk.work(stage.market)
    commands = stage.desk.drain()
    cancels = [int(r["order"]) for r in commands if r["kind"] == command.CANCEL]
    assert entry in cancels
    stage.venue.orders[entry] = held_back
    stage.venue.take([r for r in commands if r["order"] != entry], stage.market)
    stage.venue.fill(entry, 6)
    stage.turn()
    stage.turn(300 * MS)
    assert stage.venue.position == -6
    assert ("stop", 1, 6, 1015) in stage.working()
    assert state(stage) is not S.ERROR


def test_stop_and_target_fill_at_once() -> None:
    """Reduce-only keeps both from turning the position; ours agrees with the venue's."""
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stop, target = stage.order("stop"), stage.order("target 1")
    stage.venue.fill(target, 6)
    stage.venue.fill(stop, 10, 1015)
    stage.turn()
    assert stage.venue.position == stage.desk.position(0).lots == 0
    assert (stage.working(), state(stage)) == ([], S.DONE)


def test_a_position_that_was_turned_is_closed() -> None:
    """A venue without reduce-only: both children fill in full."""
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    for leg in ("stop", "target 1"):
        order = stage.venue.orders[stage.order(leg)]
        order.reduce_only = False
        stage.venue.fill(order.id, 10)
    assert stage.venue.position == 10
    stage.turn()
    assert stage.venue.position == stage.desk.position(0).lots == 0
    assert state(stage) is S.DONE


def test_a_rejected_stop_flattens() -> None:
    stage = Stage()
    stage.venue.on_place = lambda order: order.type != command.STOP_MARKET
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    assert stage.venue.position == 0
    assert stage.working() == []
    assert stage.desk.closed(0)[0].exit_reason.startswith("error: the stop is gone (rejected)")


def test_missing_protection_for_more_than_a_second_flattens() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn(answer=False)
    acks = list(stage.venue.out)  # the venue's answers are lost on the way
    stage.venue.out.clear()
    assert len(acks) == 2
    stage.turn(900 * MS)
    assert state(stage) is S.ACTIVE
    stage.turn(200 * MS)
    assert stage.venue.position == 0
    trade = stage.desk.trade(0) or stage.desk.closed(0)[0]
    assert trade.bracket.error == "protection was missing"


def test_closing_keeps_the_stop_until_flat_and_widens_the_cap() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    fills, stage.venue.fill = stage.venue.fill, lambda *_, **__: None  # nobody trades with us
    stage.want(Action.EXIT, reason="time")
    assert stage.working() == [("stop", 1, 10, 1015)]
    assert state(stage) is S.CLOSING
    for _ in range(3):
        stage.turn(200 * MS)
    exits = [int(r["price"]) for r in stage.sent if r["tif"] == command.IOC]
    assert exits == [1011 + 10 * n for n in (1, 2, 3, 4)]
    stage.venue.fill = fills
    stage.turn(200 * MS)
    assert (stage.venue.position, stage.working(), state(stage)) == (0, [], S.DONE)
    assert stage.desk.closed(0)[0].exit_reason == "time"


def test_a_target_that_would_cross_joins_the_best() -> None:
    stage = Stage()
    stage.enter(targets=(Target(1012),))  # price is through it already
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    assert ("target 1", 1, 10, 1010) in stage.working()


def test_an_amend_refused_is_tried_again() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stage.venue.fill(stage.order("entry"), 6)
    stage.hear()
    stage.desk.work(stage.market)
    for row in stage.desk.drain():
        if row["kind"] == command.AMEND:
            stage.venue.out.append(told(report.AMEND_REJECTED, int(row["order"])))
    stage.turn()
    assert stage.working() == [("stop", 1, 10, 1015), ("target 1", 1, 10, 1006)]


def test_the_entry_gives_up_and_the_rest_is_protected() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 2)
    stage.turn(3 * SECOND)
    assert state(stage) is S.ACTIVE
    assert stage.working() == [("stop", 1, 2, 1015), ("target 1", 1, 2, 1006)]


def test_the_cap_of_an_exit_is_never_tighter_than_its_basis_points() -> None:
    stage = Stage(bracket=BracketRule(exit_cap_ticks=1, exit_cap_bp=50))
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stage.want(Action.EXIT)
    assert [int(r["price"]) for r in stage.sent if r["tif"] == command.IOC] == [1011 + 5]


def test_a_resize_that_was_refused_is_not_yet_an_error() -> None:
    stage = Stage(pace=PaceRule(messages_max=4, share_bp=10_000))
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stage.venue.fill(stage.order("entry"), 1)  # three messages were sent: only the stop can grow
    stage.turn()
    assert stage.working()[1:] == [("stop", 1, 5, 1015), ("target 1", 1, 4, 1006)]
    stage.venue.fill(stage.order("entry"), 1)
    stage.turn()
    assert ("stop", 1, 5, 1015) in stage.working()  # not even that any more
    assert state(stage) is S.PARTIAL
    assert {r.check for r in stage.desk.refusals} == {8}


def test_a_stop_that_the_venue_does_not_know_has_probably_filled() -> None:
    """It is waited for; when it comes, smaller than what is held by now, the rest follows it."""
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    stop = stage.order("stop")
    gone = stage.venue.orders.pop(stop)  # it fires; its report is slow
    stage.venue.fill(stage.order("entry"), 6)
    before = len(stage.sent)
    stage.turn()
    asked = [r for r in stage.sent[before:] if r["order"] == stop]
    assert [int(r["kind"]) for r in asked] == [command.AMEND]
    assert stage.desk.blotter[stop].doubted_ns == stage.market.now_ns
    stage.turn(100 * MS)
    assert len([r for r in stage.sent[before:] if r["order"] == stop]) == 1
    stage.venue.orders[stop] = gone
    stage.venue.fill(stop, 4, 1015, maker=False)
    stage.turn(100 * MS)
    stage.turn(300 * MS)
    assert stage.venue.position == stage.desk.position(0).lots == 0
    (trade,) = stage.desk.closed(0)
    assert trade.bracket.stop.filled == 4
    assert trade.bracket.error == "the stop is gone (filled) and 6 lots are held"
    assert trade.bracket.exit.filled == 6


def test_a_stop_that_never_was_is_an_error_within_a_second() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 4)
    stage.turn()
    del stage.venue.orders[stage.order("stop")]
    stage.venue.fill(stage.order("entry"), 6)
    for _ in range(9):
        stage.turn(100 * MS)
    assert state(stage) is S.ACTIVE
    stage.turn(300 * MS)
    assert stage.venue.position == 0
    trade = stage.desk.trade(0) or stage.desk.closed(0)[0]
    assert trade.bracket.error == "protection was missing"


def test_the_stop_fires_while_a_target_fills_in_part() -> None:
    stage = Stage()
    stage.enter(targets=(Target(1007), Target(1005)))
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stop = stage.order("stop")
    stage.venue._tell(report.TRIGGERED, stop, leaves=10)
    stage.venue.fill(stage.order("target 1"), 3)
    before = len(stage.sent)
    stage.turn()
    assert not [r for r in stage.sent[before:] if r["order"] == stop]  # a market order by now
    stage.venue.fill(stop, 10, 1016, maker=False)
    assert stage.venue.position == 0  # reduce-only: seven
    stage.turn()
    assert (stage.working(), state(stage)) == ([], S.DONE)
    assert stage.desk.position(0).lots == 0


def test_the_amend_of_the_stop_is_lost_and_the_stop_fills() -> None:
    """Larger than what is held for a while: reduce-only keeps it from turning the position."""
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    stage.venue.fill(stage.order("target 1"), 3)
    stage.hear()
    stage.desk.work(stage.market)
    lost = stage.desk.drain()
    assert [int(r["kind"]) for r in lost] == [command.AMEND]
    stage.turn(SECOND)
    assert state(stage) is S.ACTIVE
    stage.venue.fill(stage.order("stop"), 10, 1015, maker=False)
    stage.turn()
    assert stage.venue.position == stage.desk.position(0).lots == 0
    assert stage.desk.closed(0)[0].stopped


def test_the_cancel_of_a_target_is_lost_while_closing() -> None:
    stage = Stage()
    stage.enter()
    stage.venue.fill(stage.order("entry"), 10)
    stage.turn()
    target = stage.order("target 1")
    held_back = stage.venue.orders.pop(target)
    tell = stage.venue._tell
    stage.venue._tell = lambda kind, order, **fields: (
        None if order == target else tell(kind, order, **fields)
    )
    stage.want(Action.EXIT, reason="time")
    stage.venue._tell = tell
    assert stage.venue.position == 0
    assert state(stage) is S.CLOSING  # the target may still be there: its end is awaited
    stage.venue.orders[target] = held_back
    stage.venue.fill(target, 10)
    assert stage.venue.position == 0  # reduce-only: nothing to reduce
    del stage.venue.orders[target]
    stage.venue._tell(report.CANCELED, target, reason=report.REDUCE_ONLY_EMPTY)
    stage.turn()
    assert state(stage) is S.DONE
