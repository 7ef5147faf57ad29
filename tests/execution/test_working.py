"""Working an entry (R8.4): joining, re-pegging, crossing, giving up."""

import pytest

from aggressor.execution.intent import Action, Placement, Policy
from aggressor.execution.working import cap_ticks, crossing_price
from aggressor.schema import command, report
from tests.execution.stage import MS, SECOND, Scene, Stage, entry

JOIN = Placement(policy=Policy.JOIN, wait_ns=3 * SECOND, repeg_ns=200 * MS, chase_ticks=3)


def kinds(stage: Stage) -> str:
    return " ".join(command.COMMAND_NAMES[int(r["kind"])] for r in stage.sent)


@pytest.mark.parametrize(("side", "price"), [(1, 1010), (-1, 1011)])
def test_joins_its_own_best_post_only(side: int, price: int) -> None:
    stage = Stage()
    stage.enter(side=side)
    (row,) = stage.sent
    assert (row["price"], row["tif"], row["size"]) == (price, command.POST_ONLY, 10)
    assert not row["flags"]


@pytest.mark.parametrize("side", [1, -1])
def test_follows_the_best_that_runs_away_but_not_at_once_and_not_beyond_the_chase(
    side: int,
) -> None:
    stage = Stage()
    stage.enter(side=side)
    first = 1010 if side > 0 else 1011

    def shift(ticks: int) -> None:
        stage.market.bid, stage.market.ask = 1010 + ticks * side, 1011 + ticks * side

    shift(1)
    stage.turn(100 * MS)
    assert kinds(stage) == "place"  # sooner than t_min
    stage.turn(100 * MS)
    assert kinds(stage) == "place amend"
    assert stage.sent[-1]["price"] == first + side
    shift(-2)
    stage.turn(400 * MS)
    assert kinds(stage) == "place amend"  # better than the best: nothing to gain
    shift(3)
    stage.turn(400 * MS)
    assert stage.sent[-1]["price"] == first + 3 * side
    shift(4)
    stage.turn(400 * MS)
    assert kinds(stage) == "place amend amend cancel"
    assert stage.desk.closed(0)[0].exit_reason == "price ran away"


def test_an_amend_keeps_the_whole_size_of_a_part_filled_order() -> None:
    stage = Stage()
    stage.enter(side=1)
    stage.venue.fill(stage.order("entry"), 3)
    stage.turn()
    stage.market.bid += 1
    stage.market.ask += 1
    stage.turn(300 * MS)
    amend = next(r for r in stage.sent if r["kind"] == command.AMEND)
    assert amend["size"] == 10
    assert ("entry", 1, 7, 1011) in stage.working()


def test_a_post_only_that_would_cross_is_put_again_at_the_new_best() -> None:
    stage = Stage()
    stage.venue.on_place = lambda order: False
    stage.enter()
    assert kinds(stage) == "place"
    stage.market.bid, stage.market.ask = 1013, 1014
    stage.venue.on_place = lambda order: True
    stage.turn(100 * MS)
    assert kinds(stage) == "place"
    stage.turn(100 * MS)
    assert [int(r["price"]) for r in stage.sent] == [1011, 1014]


def test_gives_up_after_too_many_rejections() -> None:
    stage = Stage()
    stage.venue.on_place = lambda order: False
    stage.enter(placement=Placement(policy=Policy.JOIN, wait_ns=60 * SECOND, chase_ticks=3))
    assert len(stage.sent) == JOIN.places_max
    assert stage.desk.closed(0)[0].exit_reason == "rejected too often"


def test_is_cancelled_when_its_time_is_over() -> None:
    stage = Stage()
    stage.enter()
    stage.turn(3 * SECOND - 1)
    assert kinds(stage) == "place"
    stage.turn(1)
    assert kinds(stage) == "place cancel"
    assert stage.desk.closed(0)[0].exit_reason == "not filled in time"


def test_crosses_with_a_cap_and_does_not_come_back_for_the_rest() -> None:
    stage = Stage()
    stage.enter(side=1, placement=Placement(policy=Policy.CROSS, cap_ticks=2))
    (row, *_rest) = stage.sent
    assert (row["price"], row["tif"]) == (1013, command.IOC)
    assert stage.venue.position == 10
    stage = Stage()
    stage.venue.fill = lambda *_, **__: None
    stage.enter(side=1, placement=Placement(policy=Policy.CROSS, cap_ticks=2))
    stage.turn(SECOND)
    assert kinds(stage) == "place"
    assert stage.desk.closed(0)[0].exit_reason == "not filled within the cap"


def test_a_replacement_waits_for_the_cancel_and_asks_only_for_the_rest() -> None:
    stage = Stage()
    stage.enter(side=1)
    stage.venue.fill(stage.order("entry"), 3)
    stage.turn()
    stage.want(Action.REPLACE, placement=Placement(policy=Policy.CROSS, cap_ticks=1))
    entries = [r for r in stage.sent if not r["flags"]]
    assert [int(r["kind"]) for r in entries] == [command.PLACE, command.CANCEL, command.PLACE]
    assert (entries[2]["size"], entries[2]["tif"]) == (7, command.IOC)
    assert stage.venue.position == 10


def test_the_cancel_of_a_replacement_races_a_fill() -> None:
    """The order fills while we cancel it: there is nothing left, and nothing more is sent."""
    stage = Stage()
    stage.enter(side=1)
    stage.venue.fill(stage.order("entry"), 10)
    stage.want(Action.REPLACE, placement=Placement(policy=Policy.CROSS, cap_ticks=1))
    assert stage.venue.position == 10


def test_a_cancel_by_the_strategy() -> None:
    stage = Stage()
    stage.enter()
    stage.want(Action.CANCEL, reason="the stall is over")
    assert stage.working() == []
    assert stage.desk.closed(0)[0].exit_reason == "the stall is over"


def test_nothing_is_placed_while_the_book_is_not_known() -> None:
    stage = Stage()
    stage.market.valid = False
    stage.enter()
    assert not stage.sent
    stage.market.valid = True
    stage.turn(100 * MS)
    assert kinds(stage) == "place"


def test_a_lost_acknowledgement_is_not_answered_with_a_second_order() -> None:
    stage = Stage()
    stage.desk.decide([entry()], stage.market)
    stage.turn(answer=False)
    stage.venue.out.clear()
    for _ in range(10):
        stage.turn(100 * MS)
    assert kinds(stage) == "place"


def test_caps() -> None:
    assert cap_ticks(5, 10, 60_000) == 5
    assert cap_ticks(500, 10, 60_000) == 60
    assert crossing_price(Scene(), 1, 2) == 1013
    assert crossing_price(Scene(), -1, 2) == 1008


def test_a_rejection_reason_is_kept() -> None:
    stage = Stage()
    stage.enter()
    order = stage.order("entry")
    assert stage.desk.blotter[order].acknowledged
    stage.venue._tell(report.CANCELED, order, reason=report.SELF_TRADE)
    stage.turn()
    assert stage.desk.blotter[order].reason == report.SELF_TRADE


@pytest.mark.parametrize("side", [1, -1])
def test_no_price_is_worse_than_the_limit(side: int) -> None:
    """A crossing order stops at the limit; a joining one rests there while the best is beyond."""
    near, far = (1010, 1011) if side > 0 else (1011, 1010)
    cross = Placement(policy=Policy.CROSS, cap_ticks=9, limit=far + 2 * side)
    stage = Stage()
    stage.enter(side=side, placement=cross)
    assert stage.sent[0]["price"] == far + 2 * side
    join = Placement(
        policy=Policy.JOIN, wait_ns=9 * SECOND, repeg_ns=200 * MS, chase_ticks=9,
        limit=near - 3 * side,
    )  # fmt: skip
    stage = Stage()
    stage.enter(side=side, placement=join)
    assert stage.sent[0]["price"] == near - 3 * side
    stage.market.bid += 2 * side
    stage.market.ask += 2 * side
    stage.turn(SECOND)
    assert kinds(stage) == "place"


def test_what_came_back_from_a_crossing_order_may_be_worked_in_another_way() -> None:
    stage = Stage()
    stage.venue.on_place = lambda order: order.tif != command.IOC
    cross = Placement(policy=Policy.CROSS, cap_ticks=1)
    stage.desk.decide([entry(side=1, placement=cross)], stage.market)
    stage.desk.work(stage.market)
    stage.venue.take(stage.desk.drain(), stage.market)
    stage.hear()
    stage.want(Action.REPLACE, placement=JOIN)
    assert stage.working() == [("entry", 1, 10, 1010)]
