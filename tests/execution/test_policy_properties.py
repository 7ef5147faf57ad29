"""Whatever the market does: never more than asked, never beyond the cap or the limit, all of it
accounted for, and the mirror image of it for the other side."""

from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.execution.fill_chance import FEATURES, FillModel
from aggressor.execution.intent import Action, Choice, Intent, Placement, Policy, Slicing
from aggressor.execution.pace import PaceRule
from aggressor.schema import command
from tests.execution.stage import MS, SECOND, Stage

MIRROR = 2021  # bid + ask of the stage: p <-> MIRROR - p
ZERO = (0.0,) * len(FEATURES)
MODEL = FillModel(beta=(-2.0, -0.3, -0.5, 0.0, 0.3), covariance=(ZERO,) * 5, drift_bp=3.0)
CAP = 2
POLICIES = list(Policy)


class Tick(NamedTuple):
    """What the market does in one step."""

    move: int
    spread: int
    valid: bool
    bought: int
    sold: int
    fill: int  # lots offered to what rests
    rejects: bool


def ticks(seed: int, count: int = 130) -> list[Tick]:
    random = Random(seed)
    return [
        Tick(
            random.choice((-2, -1, 0, 0, 0, 0, 1, 2)),
            random.choice((1, 1, 1, 2, 3)),
            random.random() > 0.03,
            random.randint(0, 30),
            random.randint(0, 30),
            random.choice((0, 0, 0, 1, 5, 100)),
            random.random() < 0.1,
        )
        for _ in range(count)
    ]


def placement(policy: Policy, seed: int, limit: int) -> Placement:
    return Placement(
        policy=policy, cap_ticks=CAP, wait_ns=10 * SECOND, repeg_ns=200 * MS, chase_ticks=5,
        limit=limit, cross_at_end=seed % 2 == 0, places_max=500, answer_ns=2 * SECOND,
        stale_ns=300 * MS, seed=seed, slicing=Slicing(slices=7, show_lots=seed % 3 * 4),
        choice=Choice(model=MODEL, maker_bp=2.0, taker_bp=5.0, horizon_ns=SECOND),
    )  # fmt: skip


def run(policy: Policy, side: int, seed: int, lots: int, room: int) -> tuple[list[Any], Stage]:
    """Run a tape for a buyer, or its mirror image for a seller; return what was sent."""
    stage = Stage(pace=PaceRule(messages_max=10**6, ratio_max=10**6))
    stage.market.bid_lots, stage.market.ask_lots = 40, 40
    limit = stage.market.ask + room if side > 0 else stage.market.bid - room
    intent = Intent(
        action=Action.WORK, instrument=0, strategy=1, parent=1, side=side, lots=lots,
        placement=placement(policy, seed, limit),
    )  # fmt: skip
    stage.desk.decide([intent], stage.market)
    centre = 0
    for tick in ticks(seed):
        centre += tick.move
        bid, ask = 1010 + centre, 1010 + centre + tick.spread
        sums = stage.market.traded_lots
        if side > 0:
            stage.market.bid, stage.market.ask = bid, ask
            stage.market.traded_lots = (sums[0] + tick.bought, sums[1] + tick.sold)
        else:
            stage.market.bid, stage.market.ask = MIRROR - ask, MIRROR - bid
            stage.market.traded_lots = (sums[0] + tick.sold, sums[1] + tick.bought)
        stage.market.valid = tick.valid
        stage.venue.on_place = lambda order, no=tick.rejects: not no
        for order in list(stage.venue.orders.values()):
            crossed = order.side * (
                order.price - (stage.market.ask if side > 0 else stage.market.bid)
            )
            if tick.fill or crossed >= 0:
                stage.venue.fill(order.id, 100 if crossed >= 0 else tick.fill)
        before = len(stage.sent)
        stage.turn(100 * MS)
        for row in stage.sent[before:]:
            assert_bounds(row, stage, side, limit)
        assert side * stage.venue.position <= lots
    stage.market.valid = True
    parent = stage.desk.parent(0)
    if parent is not None:
        parent.close("the tape is over")
    stage.turn(100 * MS)
    return stage.sent, stage


def assert_bounds(row: Any, stage: Stage, side: int, limit: int) -> None:
    if row["kind"] == command.CANCEL:
        return
    assert row["side"] == side
    assert side * (int(row["price"]) - limit) <= 0
    opposite = stage.market.ask if side > 0 else stage.market.bid
    beyond = side * (int(row["price"]) - opposite)
    if row["tif"] == command.IOC:
        assert 0 <= beyond <= CAP
    else:
        assert row["tif"] == command.POST_ONLY
        assert beyond < 0


def plain(row: Any, side: int) -> tuple[int, ...]:
    price = int(row["price"])
    if row["kind"] != command.CANCEL and side < 0:
        price = MIRROR - price
    return (
        int(row["ts_send"]), int(row["kind"]), int(row["order"]), int(row["side"]) * side,
        price, int(row["size"]), int(row["tif"]),
    )  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), lots=st.integers(1, 60), room=st.integers(0, 6))
def test_bounds_account_and_mirror(policy: Policy, seed: int, lots: int, room: int) -> None:
    sent, stage = run(policy, 1, seed, lots, room)
    other, mirrored = run(policy, -1, seed, lots, room)
    assert [plain(r, 1) for r in sent] == [plain(r, -1) for r in other]
    assert stage.venue.position == -mirrored.venue.position == stage.desk.position(0).lots
    (parent,) = stage.desk.worked(0)
    done = parent.account()
    assert done.filled == sum(f.lots for f in done.fills) == stage.venue.position <= lots
    assert done.reason
    assert stage.venue.orders == {}
    assert done.counts.orders == sum(1 for r in sent if r["kind"] == command.PLACE)
    assert done.counts.reprices == sum(1 for r in sent if r["kind"] == command.AMEND)
    assert done.counts.cancels == sum(1 for r in sent if r["kind"] == command.CANCEL)
    assert done.counts.refused == stage.desk.refused_total
    assert msgspec.json.encode(done)


def test_the_same_tape_gives_the_same_orders() -> None:
    for policy in POLICIES:
        first, _ = run(policy, 1, 5, 30, 4)
        second, _ = run(policy, 1, 5, 30, 4)
        assert [plain(r, 1) for r in first] == [plain(r, 1) for r in second]
        assert first
