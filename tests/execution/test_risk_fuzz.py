"""R11.J 8: no sequence of requests, fills, rejects and lost acknowledgements breaks a limit.

Ten thousand short lives of a desk with a venue that answers when and how it likes (as many as
AGGRESSOR_FUZZ_LIVES says, where it is set). Trades of every placement and orders worked by
themselves; fills, rejects, lost acknowledgements, unknown books, jumps of the clock, maintenance.
The oracle is the venue's own truth and a few lines of arithmetic, not the checks under test. A
failure names its seed.
"""

import os
from random import Random
from typing import Any

import msgspec
import pytest

from aggressor.execution.bracket import BracketRule
from aggressor.execution.fill_chance import FEATURES, FillModel
from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import (
    Action,
    Choice,
    Intent,
    Placement,
    Policy,
    Slicing,
    Target,
)
from aggressor.execution.limits import Limits
from aggressor.execution.losses import LossRule
from aggressor.execution.outside import Outside
from aggressor.execution.pace import PaceRule
from aggressor.schema import command, report
from tests.execution.stage import MS, SECOND, Resting, Stage, entry

POSITION_MAX = 12
ORDER_MAX = 10
MESSAGES_MAX = 60
COLLAR_BP = 100
LIMITS = Limits(
    collar_bp=COLLAR_BP,
    cross_bp_max=30,
    exit_cross_bp_max=2000,
    order_lots_max=ORDER_MAX,
    position_lots_max=POSITION_MAX,
)
SEQUENCES = int(os.environ.get("AGGRESSOR_FUZZ_LIVES", "10000")) // 4
ZERO = (0.0,) * len(FEATURES)
MODEL = FillModel(beta=(-1.0, *ZERO[1:]), covariance=(ZERO,) * len(FEATURES), drift_bp=2.0)
STEPS = 26


class Life:
    """One desk, one careless strategy, one moody venue."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.stage = Stage(
            default=LIMITS,
            bracket=BracketRule(exit_cap_ticks=5),
            losses=LossRule(
                day_bp=10_000, drawdown_bp=10_000, consecutive_max=10**6, stops_max=10**6
            ),
            pace=PaceRule(messages_max=MESSAGES_MAX),
        )  # fmt: skip
        self.venue = self.stage.venue
        self.venue.on_place = lambda order: self.random.random() > 0.05
        self.pending: list[Any] = []  # commands on their way
        self.heard: list[Any] = []
        self.messages: list[int] = []
        self.placed: set[int] = set()
        self.parents = 0
        self.asked: dict[int, tuple[int, int]] = {}  # of orders by themselves: lots, limit

    def step(self) -> None:
        self.random.choice(
            (self.time, self.market, self.enter, self.work_alone, self.want, self.outside,
             self.arrive, self.arrive, self.arrive,
             self.trade, self.trade, self.trade, self.hear, self.hear, self.hear, self.repeat)
        )()  # fmt: skip
        self.work()
        assert abs(self.venue.position) <= POSITION_MAX
        assert self.stage.desk.books.identity("USD")

    def work(self) -> None:
        desk, market = self.stage.desk, self.stage.market
        desk.work(market)
        for row in desk.drain():
            self.check(row)
            self.pending.append(row)

    def check(self, row: Any) -> None:
        """Hold one command against the truth."""
        desk, market = self.stage.desk, self.stage.market
        now, kind = market.now_ns, int(row["kind"])
        self.messages = [t for t in self.messages if t > now - 10 * SECOND] + [now]
        assert len(self.messages) <= MESSAGES_MAX
        if kind == command.CANCEL:
            return
        assert row["size"] > 0
        assert row["type"] in (command.LIMIT, command.STOP_MARKET)
        if kind == command.PLACE:
            assert row["order"] not in self.placed
            self.placed.add(int(row["order"]))
        self.bounds(row)
        if row["flags"] & report.REDUCE_ONLY:
            return
        assert not desk.outside.maintenance
        assert desk.halt.level is HaltLevel.OPEN
        assert row["type"] == command.LIMIT
        assert market.valid
        assert market.book_age_ns <= LIMITS.book_age_ns_max
        assert row["size"] <= ORDER_MAX
        mid2 = market.bid + market.ask
        assert abs(2 * row["price"] - mid2) * 10_000 <= COLLAR_BP * mid2
        side, order = int(row["side"]), int(row["order"])
        worst = side * self.venue.position + self.resting(side, order) + int(row["size"])
        if (
            kind == command.AMEND
        ):  # of the whole size the venue knows what is filled; gone is refused
            there = self.venue.orders.get(order)
            worst -= there.filled if there else int(row["size"])
        assert worst <= POSITION_MAX
        assert len(self.venue.orders) + len(self.pending) <= 2 * LIMITS.open_orders_max

    def bounds(self, row: Any) -> None:
        """Hold an order of a parent by itself against what was asked for."""
        if int(row["parent"]) not in self.asked:
            return
        lots, limit = self.asked[int(row["parent"])]
        assert int(row["side"]) * (int(row["price"]) - limit) <= 0
        parent = self.stage.desk.parent(0)
        assert parent is not None
        before = 0 if row["kind"] == command.PLACE else self.stage.desk.blotter[row["order"]].filled
        assert int(row["size"]) - before <= lots - parent.entry.filled

    def resting(self, side: int, other_than: int) -> int:
        at_venue = [o for o in self.venue.orders.values() if not o.reduce_only]
        on_the_way = [
            int(r["size"]) for r in self.pending
            if r["kind"] == command.PLACE and not r["flags"] and r["side"] == side
            and r["order"] != other_than
        ]  # fmt: skip
        resting = sum(o.leaves for o in at_venue if o.side == side and o.id != other_than)
        return resting + sum(on_the_way)

    # what may happen

    def time(self) -> None:
        self.stage.market.now_ns += self.random.choice(
            (MS, 50 * MS, 150 * MS, 700 * MS, 3 * SECOND)
        )

    def market(self) -> None:
        market = self.stage.market
        market.bid += self.random.randint(-2, 2)
        market.ask = market.bid + self.random.randint(1, 2)
        market.last_price = self.random.choice((market.bid, market.ask, None))
        market.valid = self.random.random() > 0.05
        bought, sold = market.traded_lots
        market.traded_lots = (bought + self.random.randint(0, 9), sold + self.random.randint(0, 9))
        market.bid_lots, market.ask_lots = self.random.randint(1, 60), self.random.randint(1, 60)
        market.book_age_ns = self.random.choice((0,) * 8 + (5 * SECOND, 61 * SECOND))

    def enter(self) -> None:
        self.parents += 1
        random, side = self.random, self.random.choice((1, -1))
        policy = random.choice((Policy.JOIN, Policy.CROSS))
        intent = entry(
            parent=self.parents,
            side=side,
            lots=random.choice((0, 1, 4, 7, ORDER_MAX, ORDER_MAX, ORDER_MAX + 1)),
            placement=Placement(
                policy=policy,
                cap_ticks=random.choice((0, 1, 2, 50)),
                wait_ns=random.choice((SECOND, 5 * SECOND)),
                repeg_ns=200 * MS,
                chase_ticks=3,
            ),
            targets=random.choice(((Target(1005),), (Target(1014), Target(1016, 2)), ())),
        )
        self.stage.desk.decide([intent], self.stage.market)

    def work_alone(self) -> None:
        self.parents += 1
        random, market, side = self.random, self.stage.market, self.random.choice((1, -1))
        lots = random.choice((1, 4, 7, ORDER_MAX))
        limit = market.ask + random.choice((-1, 0, 2, 5))
        if side < 0:
            limit = market.bid - random.choice((-1, 0, 2, 5))
        placement = Placement(
            policy=random.choice(list(Policy)),
            cap_ticks=random.choice((0, 1, 2)),
            wait_ns=random.choice((SECOND, 5 * SECOND)),
            repeg_ns=random.choice((50 * MS, 200 * MS)),
            chase_ticks=3,
            limit=limit,
            cross_at_end=random.random() < 0.5,
            places_max=50,
            answer_ns=random.choice((0, SECOND)),
            stale_ns=random.choice((0, 200 * MS)),
            seed=self.parents,
            slicing=Slicing(slices=4, show_lots=random.choice((0, 2))),
            choice=Choice(model=MODEL, maker_bp=2.0, taker_bp=5.0),
        )
        intent = Intent(
            action=Action.WORK, instrument=0, strategy=2, parent=self.parents, side=side,
            lots=lots, placement=placement, reduce_only=random.random() < 0.2,
        )  # fmt: skip
        self.asked[self.parents] = (lots, limit)
        self.stage.desk.decide([intent], market)

    def outside(self) -> None:
        note = "soon" if self.random.random() < 0.1 else ""
        offset = self.random.choice((None, 0, 50 * MS, 200 * MS))
        self.stage.desk.outside = Outside(maintenance=note, clock_offset_ns=offset)

    def want(self) -> None:
        action = self.random.choice((Action.EXIT, Action.CANCEL, Action.REPLACE))
        placement = Placement(policy=Policy.CROSS, cap_ticks=1)
        if self.parents in self.asked:
            placement = msgspec.structs.replace(placement, limit=self.asked[self.parents][1])
        intent = Intent(
            action=action, instrument=0, strategy=1, parent=self.parents, placement=placement,
            reason="fuzz",
        )  # fmt: skip
        self.stage.desk.decide([intent], self.stage.market)

    def arrive(self) -> None:
        count = self.random.choice((self.random.randint(0, len(self.pending)), len(self.pending)))
        self.venue.take(self.pending[:count], self.stage.market)
        del self.pending[:count]
        self.empty_reduce_only()

    def empty_reduce_only(self) -> None:
        """Some venues drop reduce-only orders when nothing is left to reduce."""
        if self.venue.position == 0 and self.random.random() < 0.5:
            gone = [o.id for o in self.venue.orders.values() if o.reduce_only]
            for order in gone:
                del self.venue.orders[order]
                self.venue._tell(report.CANCELED, order, reason=report.REDUCE_ONLY_EMPTY)

    def trade(self) -> None:
        if self.venue.orders:
            order: Resting = self.random.choice(list(self.venue.orders.values()))
            if order.type == command.STOP_MARKET and self.random.random() < 0.5:
                self.venue._tell(report.TRIGGERED, order.id, leaves=order.leaves)
            price = order.trigger if order.type == command.STOP_MARKET else order.price
            self.venue.fill(order.id, self.random.randint(1, order.leaves), price)

    def hear(self) -> None:
        for _ in range(
            self.random.choice((len(self.venue.out), self.random.randint(0, len(self.venue.out))))
        ):
            row = self.venue.out.popleft()
            if row["kind"] == report.ACK and self.random.random() < 0.05:
                continue  # lost
            row["ts_recv"] = self.stage.market.now_ns
            self.heard.append(row)
            self.stage.desk.report(row, self.stage.market)

    def repeat(self) -> None:
        fills = [r for r in self.heard if r["kind"] == report.FILL]
        if fills:
            self.stage.desk.report(self.random.choice(fills), self.stage.market)

    def settle(self) -> None:
        """Let a calm venue answer everything; whatever was held must have been closed."""
        stage = self.stage
        stage.market.valid, stage.market.book_age_ns = True, 0
        stage.desk.outside = Outside()
        self.venue.on_place = lambda order: True
        for _ in range(60):
            self.want_exit()
            stage.market.now_ns += 500 * MS
            self.venue.take(self.pending, stage.market)
            self.pending.clear()
            stage.hear()
            assert stage.desk.books.identity("USD")
            self.work()
            idle = stage.desk.trade(0) is None and stage.desk.parent(0) is None
            if idle and stage.desk.position(0).lots:  # of a parent: nothing else closes it
                stage.desk.halt.pull(HaltLevel.FLATTEN, "the end", 0)
            elif idle and not self.pending and not self.venue.out:
                break
        assert stage.desk.trade(0) is None
        assert stage.desk.parent(0) is None
        self.accounts()
        assert stage.desk.position(0).lots == self.venue.position == 0
        assert self.venue.orders == {}
        assert list(stage.desk.blotter.open_orders()) == []

    def accounts(self) -> None:
        """Every parent accounts for all it did: fills, fees, the reason of its end."""
        for parent in self.stage.desk.worked(0):
            done = parent.account()
            orders = [self.stage.desk.blotter[o] for o in parent.entry.orders]
            assert done.filled == sum(f.lots for f in done.fills) == sum(o.filled for o in orders)
            assert done.filled <= done.lots or parent.intent.reduce_only
            assert done.reason
            assert all(o.ended for o in orders)

    def want_exit(self) -> None:
        trade = self.stage.desk.trade(0) or self.stage.desk.parent(0)
        if trade is not None:
            trade.close("the end")


@pytest.mark.parametrize("block", range(4))
def test_no_sequence_breaks_a_limit(block: int) -> None:
    for seed in range(block * SEQUENCES, (block + 1) * SEQUENCES):
        life = Life(seed)
        try:
            for _ in range(STEPS):
                life.step()
            if seed % 2:
                life.stage.desk.halt.pull(HaltLevel.FLATTEN, "half of them", 0)
            life.settle()
        except Exception as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure
