"""Each policy of R8.4 on a market made by hand, through the desk and its checks."""

from typing import Any

import pytest

from aggressor.account.lifecycle import State
from aggressor.execution.choosing import Choose
from aggressor.execution.fill_chance import FEATURES, FillModel
from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Action, Choice, Intent, Placement, Policy, Slicing
from aggressor.execution.limits import Limits
from aggressor.execution.parent import Account, Parent
from aggressor.execution.plans import jitter, spread_around
from aggressor.execution.slicing import Scheduled
from aggressor.schema import command, report
from tests.execution.stage import MS, SECOND, Stage

P = Policy


def work(stage: Stage, policy: Policy, lots: int = 10, side: int = 1, **fields: Any) -> Parent:
    defaults: dict[str, Any] = {
        "wait_ns": 10 * SECOND, "repeg_ns": 200 * MS, "chase_ticks": 3, "cap_ticks": 1,
        "answer_ns": 2 * SECOND, "stale_ns": SECOND, "places_max": 500,
    }  # fmt: skip
    placement = Placement(policy=policy, **{**defaults, **fields})
    intent = Intent(
        action=Action.WORK, instrument=0, strategy=1, parent=1, side=side, lots=lots,
        placement=placement, reason="asked",
    )  # fmt: skip
    stage.desk.decide([intent], stage.market)
    stage.turn()
    found = stage.desk.parent(0) or (stage.desk.worked(0) or [None])[-1]
    assert found is not None
    return found


def rests(stage: Stage) -> list[tuple[int, int]]:
    """Return (price, lots) of what rests."""
    return [(o.price, o.leaves) for o in stage.venue.orders.values()]


def account(stage: Stage) -> Account:
    (parent,) = stage.desk.worked(0)
    return parent.account()


def shift(stage: Stage, ticks: int) -> None:
    stage.market.bid += ticks
    stage.market.ask += ticks


def nobody_sells(stage: Stage) -> Any:
    """Let nothing fill; return how to let it again."""
    fill = stage.venue.fill
    stage.venue.fill = lambda *_, **__: None
    return fill


# capped


@pytest.mark.parametrize(("side", "price"), [(1, 1012), (-1, 1009)])
def test_capped_comes_back_for_the_rest_at_the_prices_of_then(side: int, price: int) -> None:
    stage = Stage()
    fill = nobody_sells(stage)
    work(stage, P.CAPPED, side=side)
    assert [int(r["price"]) for r in stage.sent] == [price]
    stage.turn(100 * MS)
    assert len(stage.sent) == 1
    shift(stage, 2)
    stage.venue.fill = fill
    stage.turn(100 * MS)
    assert [int(r["price"]) for r in stage.sent] == [price, price + 2]
    assert {int(r["tif"]) for r in stage.sent} == {command.IOC}
    done = account(stage)
    assert (done.filled, done.reason, stage.venue.position) == (10, "filled", 10 * side)


def test_capped_gives_up_when_its_time_is_over() -> None:
    stage = Stage()
    nobody_sells(stage)
    work(stage, P.CAPPED, wait_ns=SECOND)
    for _ in range(12):
        stage.turn(100 * MS)
    done = account(stage)
    assert (done.filled, done.reason) == (0, "not filled within the cap")
    assert done.counts.orders == 5


def test_no_crossing_order_goes_beyond_the_limit() -> None:
    stage = Stage()
    work(stage, P.CAPPED, limit=1010, wait_ns=SECOND)
    assert not stage.sent  # the ask is 1011
    shift(stage, -1)
    stage.turn(300 * MS)
    assert [int(r["price"]) for r in stage.sent] == [1010]
    assert account(stage).filled == 10


# peg


@pytest.mark.parametrize("side", [1, -1])
def test_a_peg_that_ran_away_crosses_what_is_left(side: int) -> None:
    stage = Stage()
    work(stage, P.PEG, side=side, cross_at_end=True)
    assert rests(stage) == [(1010 if side > 0 else 1011, 10)]
    stage.venue.fill(next(iter(stage.venue.orders)), 3)
    shift(stage, 4 * side)
    stage.turn(600 * MS)
    assert [int(r["kind"]) for r in stage.sent] == [command.PLACE, command.CANCEL, command.PLACE]
    assert (int(stage.sent[-1]["tif"]), int(stage.sent[-1]["size"])) == (command.IOC, 7)
    done = account(stage)
    assert (done.filled, done.maker_lots, done.reason) == (10, 3, "filled")


def test_a_peg_that_may_not_cross_is_cancelled_in_time() -> None:
    stage = Stage()
    work(stage, P.PEG, wait_ns=SECOND)
    stage.turn(SECOND)
    assert rests(stage) == []
    assert account(stage).reason == "not filled in time"
    assert account(stage).counts.cancels == 1


def test_a_peg_crosses_at_the_end_of_its_time_and_not_for_ever() -> None:
    stage = Stage()
    work(stage, P.PEG, wait_ns=SECOND, cross_at_end=True)
    nobody_sells(stage)
    for _ in range(40):
        stage.turn(100 * MS)
    done = account(stage)
    assert (done.filled, done.reason) == (0, "not filled in time")
    assert [int(r["tif"]) for r in stage.sent if r["kind"] == command.PLACE].count(
        command.IOC
    ) == done.counts.orders - 1
    assert 5 <= done.counts.orders <= 12


def test_a_peg_rests_at_its_limit_when_the_best_is_beyond() -> None:
    stage = Stage()
    work(stage, P.PEG, limit=1009)
    assert rests(stage) == [(1009, 10)]
    shift(stage, -2)
    stage.turn(300 * MS)
    assert rests(stage) == [(1009, 10)]  # better than the best


# lost answers and unknown books


def test_a_lost_acknowledgement_is_cancelled_after_a_while() -> None:
    stage = Stage()
    stage.venue.out.clear()
    stage.venue._tell = lambda *_, **__: None
    work(stage, P.PEG)
    assert [int(r["kind"]) for r in stage.sent] == [command.PLACE]
    stage.turn(1900 * MS)
    assert len(stage.sent) == 1
    stage.turn(100 * MS)
    assert [int(r["kind"]) for r in stage.sent] == [command.PLACE, command.CANCEL]
    stage.turn(9 * SECOND)
    assert len(stage.sent) == 2  # the venue's word on the cancel is awaited
    parent = stage.desk.parent(0)
    assert parent is not None
    assert parent.account().counts.lost == 1
    assert stage.desk.blotter[1].state is State.PENDING_CANCEL
    stage.venue.out.append(_told(report.CANCELED, 1))
    stage.turn()
    assert account(stage).reason == "not filled in time"


def _told(kind: int, order: int) -> Any:
    from tests.account.rows import told

    return told(kind, order)


def test_a_lost_amend_is_cancelled_and_placed_again() -> None:
    stage = Stage()
    work(stage, P.PEG)
    tell = stage.venue._tell
    stage.venue._tell = lambda *_, **__: None
    shift(stage, 1)
    stage.turn(300 * MS)
    assert [int(r["kind"]) for r in stage.sent] == [command.PLACE, command.AMEND]
    stage.venue._tell = tell
    stage.turn(2 * SECOND)
    stage.turn(300 * MS)
    kinds = [int(r["kind"]) for r in stage.sent]
    assert kinds == [command.PLACE, command.AMEND, command.CANCEL, command.PLACE]
    assert rests(stage) == [(1011, 10)]


def test_a_fill_that_races_the_cancel_is_not_bought_twice() -> None:
    stage = Stage()
    work(stage, P.PEG, cross_at_end=True)
    shift(stage, 4)
    stage.market.now_ns += 600 * MS
    stage.desk.work(stage.market)
    commands = stage.desk.drain()
    assert [int(r["kind"]) for r in commands] == [command.CANCEL]
    stage.venue.fill(1, 4)  # before the cancel arrives
    stage.venue.take(commands, stage.market)
    stage.turn()
    assert stage.venue.position == 10
    assert account(stage).filled == 10


def test_what_rests_is_cancelled_when_the_book_is_not_known() -> None:
    stage = Stage()
    work(stage, P.PEG)
    stage.market.valid = False
    stage.turn(900 * MS)
    assert rests(stage) == [(1010, 10)]
    stage.turn(100 * MS)
    assert rests(stage) == []
    stage.turn(SECOND)
    assert stage.desk.parent(0) is not None
    stage.market.valid = True
    stage.turn(300 * MS)
    assert rests(stage) == [(1010, 10)]


def test_a_refusal_that_passes_is_tried_again_and_another_ends_it() -> None:
    stage = Stage()
    stage.market.book_age_ns = 61 * SECOND
    work(stage, P.PEG)
    assert not stage.sent
    stage.market.book_age_ns = 0
    stage.turn(200 * MS)
    assert rests(stage) == [(1010, 10)]
    stage = Stage(default=Limits(order_lots_max=5, collar_bp=500, cross_bp_max=500))
    work(stage, P.PEG)
    stage.turn()
    done = account(stage)
    assert done.reason.startswith("refused: 10 lots are more than 5")
    assert (done.counts.refused, done.filled) == (1, 0)


def test_rejections_are_counted_and_end_it_at_last() -> None:
    stage = Stage()
    stage.venue.on_place = lambda order: False
    work(stage, P.PEG, places_max=4)
    for _ in range(10):
        stage.turn(200 * MS)
    done = account(stage)
    assert (done.reason, done.counts.rejected) == ("rejected too often", 4)


# iceberg


def test_an_iceberg_shows_a_part_and_waits_before_the_next() -> None:
    stage = Stage()
    work(stage, P.ICEBERG, lots=30, slicing=Slicing(show_lots=10), seed=3)
    ((price, shown),) = rests(stage)
    assert price == 1010
    assert 8 <= shown <= 12
    stage.venue.fill(next(iter(stage.venue.orders)), shown)
    stage.turn()
    assert rests(stage) == []
    stage.turn(99 * MS)
    assert rests(stage) == []
    for _ in range(5):
        stage.turn(100 * MS)
    ((_, second),) = rests(stage)
    assert 8 <= second <= 12
    assert second != shown
    while stage.desk.parent(0) is not None:
        for order in list(stage.venue.orders):
            stage.venue.fill(order, 100)
        stage.turn(100 * MS)
    assert account(stage).filled == stage.venue.position == 30


def test_an_iceberg_shows_a_share_of_the_level() -> None:
    stage = Stage()
    stage.market.bid_lots = 200
    work(stage, P.ICEBERG, lots=100)
    ((_, shown),) = rests(stage)
    assert 12 <= shown <= 18  # 7.5 % of 200, less or more by a fifth


def test_a_part_of_an_iceberg_is_refilled_only_when_whole() -> None:
    stage = Stage()
    work(stage, P.ICEBERG, lots=30, slicing=Slicing(show_lots=10, jitter_bp=0))
    stage.venue.fill(next(iter(stage.venue.orders)), 4)
    stage.turn(SECOND)
    assert rests(stage) == [(1010, 6)]
    shift(stage, 1)
    stage.turn(SECOND)
    assert rests(stage) == [(1011, 6)]


# TWAP and POV


def test_twap_rests_what_is_due_and_crosses_what_is_late() -> None:
    stage = Stage()
    plain = Slicing(slices=10, jitter_bp=0)
    work(stage, P.TWAP, lots=100, slicing=plain)
    assert rests(stage) == [(1010, 10)]
    stage.turn(SECOND)  # ten are late, which is the band: the second slice joins them
    assert rests(stage) == [(1010, 20)]
    stage.turn(SECOND)  # twenty are late: ten beyond the band
    stage.turn(300 * MS)
    assert stage.venue.position == 10
    assert rests(stage) == [(1010, 20)]


@pytest.mark.parametrize("seed", range(5))
def test_the_slices_of_twap_vary_and_add_up(seed: int) -> None:
    stage = Stage()
    parent = work(stage, P.TWAP, lots=1000, seed=seed)
    plan = parent.entry.plan
    assert isinstance(plan, Scheduled)
    times, due = plan._times, plan._due
    assert due[-1] == 1000
    assert due == sorted(due)
    parts = [b - a for a, b in zip([0, *due], due, strict=False)]
    assert all(66 <= part <= 150 for part in parts)  # 1 -+ 0.2, over their mean
    assert times[0] == 0
    for i, at in enumerate(times):
        assert i * SECOND <= at <= i * SECOND + SECOND // 5
    assert len(set(parts)) > 3


def test_twap_ends_whole_when_it_may_cross() -> None:
    stage = Stage()
    work(stage, P.TWAP, lots=100, cross_at_end=True)
    for _ in range(120):
        stage.turn(100 * MS)
        assert stage.venue.position <= 100
    assert account(stage).filled == 100
    assert account(stage).reason == "filled"


def test_t8_4_pov_is_due_a_share_of_what_others_trade() -> None:
    stage = Stage()
    parent = work(stage, P.POV, lots=1000, slicing=Slicing(rate_bp=1000))
    plan = parent.entry.plan
    assert isinstance(plan, Scheduled)
    due = []
    for volume in (40, 60, 100):
        bought, sold = stage.market.traded_lots
        stage.market.traded_lots = (bought + volume // 4, sold + volume - volume // 4)
        due.append(plan.due(parent.entry, stage.market)[0])
    assert due == [4, 10, 20]  # 4, 6 and 10 more


def test_pov_leaves_its_own_fills_out_where_they_are_on_the_tape() -> None:
    stage = Stage()
    parent = work(stage, P.POV, lots=1000, slicing=Slicing(rate_bp=1000, own_on_tape=True))
    stage.market.traded_lots = (100, 0)
    stage.turn(300 * MS)
    assert rests(stage) == [(1010, 10)]
    stage.venue.fill(next(iter(stage.venue.orders)), 10)
    stage.market.traded_lots = (100, 10)
    stage.turn(300 * MS)
    assert parent.entry.filled == 10
    assert rests(stage) == []


def test_pov_never_takes_more_than_its_largest_share() -> None:
    stage = Stage()
    cut = Slicing(rate_bp=1000, rate_max_bp=1000, band_bp=0)
    parent = work(stage, P.POV, lots=1000, slicing=cut, wait_ns=60 * SECOND)
    for i in range(100):
        stage.market.traded_lots = (17 * i, 23 * i)
        stage.turn(100 * MS)
        assert parent.entry.filled <= sum(stage.market.traded_lots) // 10
    assert parent.entry.filled > 300


# cross or wait


def model(level: float, **fields: Any) -> FillModel:
    size = len(FEATURES)
    zero = (0.0,) * size
    return FillModel(beta=(level, *zero[1:]), covariance=(zero,) * size, **fields)


def choice(level: float, **fields: Any) -> Choice:
    costs = {"adverse_bp": fields.pop("adverse_bp", 0.0), "drift_bp": fields.pop("drift_bp", 0.0)}
    defaults = {"maker_bp": 2.0, "taker_bp": 5.0}
    return Choice(model=model(level, **costs), **{**defaults, **fields})


def test_it_waits_where_a_fill_is_likely_and_crosses_where_waiting_costs_more() -> None:
    stage = Stage()
    work(stage, P.CHOOSE, choice=choice(3.0))
    assert rests(stage) == [(1010, 10)]
    stage = Stage()
    work(stage, P.CHOOSE, choice=choice(-9.0, drift_bp=1.0))
    assert stage.venue.position == 10
    assert account(stage).expected_bp == pytest.approx(5.0 + 0.5 / 1010.5 * 1e4)


def test_what_it_is_unsure_of_it_counts_against_waiting() -> None:
    size = len(FEATURES)
    wide = tuple(tuple(4.0 if i == j == 0 else 0.0 for j in range(size)) for i in range(size))
    sure = model(-3.0, drift_bp=4.0)
    unsure = FillModel(beta=sure.beta, covariance=wide, drift_bp=4.0)
    weighed = []
    for one in (sure, unsure):
        stage = Stage()
        parent = work(stage, P.CHOOSE, choice=Choice(model=one, maker_bp=2.0, taker_bp=5.0))
        assert isinstance(parent.entry.plan, Choose)
        weighed.append(parent.entry.plan.first)
    certain, doubtful = weighed
    assert certain is not None
    assert doubtful is not None
    assert certain.fill == doubtful.fill == certain.fill_low
    assert doubtful.fill_low < certain.fill_low
    assert doubtful.costs.wait > certain.costs.wait


def test_it_changes_its_mind_when_its_time_runs_out() -> None:
    """With little time left a fill becomes unlikely, and running away costs."""
    stage = Stage()
    work(stage, P.CHOOSE, choice=choice(0.0, drift_bp=3.0), wait_ns=5 * SECOND)
    assert rests(stage) == [(1010, 10)]
    while stage.desk.parent(0) is not None:
        stage.turn(100 * MS)
    assert stage.venue.position == 10
    done = account(stage)
    assert done.reason == "filled"
    ended = done.ended_ns
    assert ended is not None
    assert ended - done.decided_ns < 5 * SECOND


def test_without_a_model_it_is_refused() -> None:
    stage = Stage()
    placement = Placement(policy=P.CHOOSE, wait_ns=SECOND)
    intent = Intent(
        action=Action.WORK, instrument=0, strategy=1, parent=1, side=1, lots=1, placement=placement
    )
    stage.desk.decide([intent], stage.market)
    assert stage.desk.parent(0) is None
    assert [r.check for r in stage.desk.refusals] == [2]


# the desk


def test_one_parent_at_a_time_and_its_account_is_whole() -> None:
    stage = Stage()
    work(stage, P.PEG)
    second = Intent(
        action=Action.WORK, instrument=0, strategy=1, parent=2, side=1, lots=1,
        placement=Placement(policy=P.CROSS),
    )  # fmt: skip
    stage.desk.decide([second], stage.market)
    assert [r.check for r in stage.desk.refusals] == [6]
    stage.venue.fill(next(iter(stage.venue.orders)), 10)
    stage.turn(100 * MS)
    done = account(stage)
    assert (done.decision_mid2, done.arrival_mid2, done.arrival_spread) == (2021, 2021, 1)
    assert (done.filled, done.maker_lots, len(done.fills), done.volume) == (10, 10, 1, 0)
    assert done.send_to_ack_ns == (0,)
    assert done.ack_to_fill_ns == (100 * MS,)
    assert stage.desk.unclaimed_lots == 0


def test_a_strategy_may_cancel_and_re_place_it() -> None:
    stage = Stage()
    work(stage, P.PEG)
    stage.want(Action.REPLACE, placement=Placement(policy=P.CROSS, cap_ticks=1))
    assert account(stage).filled == 10
    stage = Stage()
    work(stage, P.PEG)
    stage.want(Action.CANCEL, reason="no more")
    assert account(stage).reason == "no more"


def test_a_halt_cancels_it_and_flattens_what_it_bought() -> None:
    stage = Stage()
    work(stage, P.PEG)
    stage.venue.fill(next(iter(stage.venue.orders)), 4)
    stage.turn()
    stage.desk.halt.pull(HaltLevel.CANCEL, "a person", stage.market.now_ns)
    stage.turn()
    assert (stage.venue.position, rests(stage)) == (4, [])
    fill = nobody_sells(stage)
    stage.desk.halt.pull(HaltLevel.FLATTEN, "a person", stage.market.now_ns)
    sent = len(stage.sent)
    for _ in range(3):
        stage.turn(200 * MS)
    closing = [r for r in stage.sent[sent:] if r["kind"] == command.PLACE]
    assert [int(r["price"]) for r in closing] == [1010 - 10 * n for n in (1, 2, 3)]
    assert all(r["flags"] & report.REDUCE_ONLY for r in closing)
    stage.venue.fill = fill
    stage.turn(200 * MS)
    assert stage.venue.position == stage.desk.position(0).lots == 0
    sent = len(stage.sent)
    stage.turn(SECOND)
    assert len(stage.sent) == sent


def test_chance_that_is_none() -> None:
    drawn = [jitter(1, i) for i in range(2000)]
    assert drawn == [jitter(1, i) for i in range(2000)]
    assert all(0.0 <= x < 1.0 for x in drawn)
    assert abs(sum(drawn) / 2000 - 0.5) < 0.02
    assert jitter(2, 0) != drawn[0]
    assert all(0.8 <= spread_around(1, i, 2000) < 1.2 for i in range(200))


# fixed


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("better", [-20, -3, 0, 3])
def test_a_fixed_order_rests_at_its_price_wherever_the_market_goes(side: int, better: int) -> None:
    stage = Stage()
    shift(stage, 0 if side > 0 else -10)
    stage.market.ask += 10  # a spread to rest inside
    best = stage.market.bid if side > 0 else stage.market.ask
    price = best + side * better
    work(stage, P.JOIN, side=side, limit=price, fixed=True, chase_ticks=2**31, wait_ns=600 * SECOND)
    assert rests(stage) == [(price, 10)]
    for ticks in (side, side, side * 5):
        shift(stage, ticks)
        stage.turn(SECOND)
        assert rests(stage) == [(price, 10)]
    stage.desk.parent(0).entry.stop("enough")  # type: ignore[union-attr]
    stage.turn(SECOND)
    stage.turn(SECOND)
    assert account(stage).counts.reprices == 0
