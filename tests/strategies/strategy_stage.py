"""A strategy with a desk and a venue behind it, one decision point at a time."""

from dataclasses import replace
from typing import Any, Generic, TypeVar

from aggressor.execution.desk import Desk, DeskRule
from aggressor.execution.intent import Intent
from aggressor.execution.limits import Limits
from aggressor.schema.event import NO_PRICE
from aggressor.strategies.exhaustion_scalp import ExhaustionScalp
from aggressor.strategies.gates import Mode
from aggressor.strategies.scalp_rule import PERPETUAL, ScalpRule
from aggressor.strategies.setup_strategy import SetupStrategy
from tests.execution.stage import CONTRACT, Venue
from tests.strategies.fake_view import MS, FakeView

T = TypeVar("T", bound=SetupStrategy[Any, Any])

LIMITS = Limits(
    collar_bp=500, cross_bp_max=500, exit_cross_bp_max=2000, price_min=-(10**6)
)  # wide, and negative prices are prices: the mirror image must pass


class StrategyStage(Generic[T]):
    """`up` = -1 plays everything in the mirror: the caller always speaks as the rule does."""

    def __init__(self, strategy: T, view: FakeView, up: int = 1) -> None:
        self.up = up
        self.view = view
        self.strategy = strategy
        self.desk = Desk([CONTRACT], DeskRule(default=LIMITS))
        self.desk.books.deposit("USD", 10_000 * 10**8)
        self.venue = Venue()
        self.sent: list[Any] = []
        self.intents: list[Intent] = []

    def shown(self) -> FakeView:
        view = self.view if self.up > 0 else self.view.mirrored()
        return replace(
            view,
            trade=self.desk.trade(0),
            closed_trades=tuple(self.desk.closed(0)),
            position=self.desk.position(0).lots,
            open_orders=tuple(self.desk.blotter.open_orders(0)),
            equity=self.desk.equity(0),
        )

    def tick(self, after_ns: int = 100 * MS, **fields: Any) -> None:
        """One decision point later; the venue answers before the next one."""
        fields.setdefault("signals", ())
        self.view = replace(self.view, **fields, now_ns=self.view.now_ns + after_ns)
        self.view.venue_now_ns = self.view.now_ns
        while self.venue.out:
            row = self.venue.out.popleft()
            row["ts_recv"] = self.view.now_ns
            self.desk.report(row, self.shown())
        shown = self.shown()
        intents = self.strategy.decide(shown)
        self.intents.extend(intents)
        self.desk.decide(intents, shown)
        self.desk.work(self.shown())
        self.desk.forget_closed(0)
        commands = self.desk.drain()
        self.sent.extend(commands)
        self.venue.take(commands, self.shown())

    def fill(self, leg: str, lots: int) -> None:
        """Fill a leg of the trade at its own price, heard at the next tick."""
        trade = self.desk.trade(0)
        if trade is None:
            return
        legs = {"entry": trade.entry.orders, "stop": trade.bracket.stop.orders}
        legs.update({t.name: t.orders for t in trade.bracket.targets})
        orders = [o for o in legs[leg] if o in self.venue.orders]
        if orders:
            order = self.venue.orders[orders[-1]]
            price = order.trigger if leg == "stop" else order.price
            self.venue.fill(order.id, lots, price)

    def told(self) -> list[tuple[str, str]]:
        return [(i.action.value, i.reason) for i in self.intents]

    def was_refused_by(self, gate: str) -> bool:
        """Nothing was asked for, and the one decision names the gate."""
        (decision,) = self.strategy.evidence.decisions
        return not self.intents and not decision.parent and gate in decision.verdict.refused

    def did_not_know(self, gate: str, mode: Mode) -> bool:
        """What a gate did not know passed and is recorded in backtest and paper, refused live."""
        (decision,) = self.strategy.evidence.decisions
        if mode is Mode.LIVE:
            return not self.intents and gate in decision.verdict.refused
        return bool(self.intents) and gate in decision.verdict.would_refuse


class ScalpStage(StrategyStage[ExhaustionScalp]):
    """The exhaustion scalp after the run of T7.1."""

    def __init__(self, rule: ScalpRule = PERPETUAL, up: int = 1) -> None:
        super().__init__(ExhaustionScalp(CONTRACT, rule=rule), FakeView(), up)

    def signal(self, **evidence: float) -> None:
        """The run of T7.1 is told to be exhausted."""
        at = replace(self.view, now_ns=self.view.now_ns + 100 * MS)
        self.tick(signals=at.with_signal(**evidence).signals)


def turned(price: int) -> int:
    """Return a price of the mirrored market in the plain one."""
    return price if price == NO_PRICE else -price


def same_but_mirrored(plain: StrategyStage, mirror: StrategyStage) -> None:
    """R11.J 1: with prices negated and sides swapped every command is mirrored, field by field."""
    assert len(plain.sent) == len(mirror.sent)
    for ours, theirs in zip(plain.sent, mirror.sent, strict=True):
        back = theirs.copy()
        back["side"] = -theirs["side"]
        back["price"], back["trigger"] = turned(theirs["price"]), turned(theirs["trigger"])
        assert back == ours
    assert plain.told() == mirror.told()
    assert plain.strategy.counts == mirror.strategy.counts
    assert plain.desk.equity(0) == mirror.desk.equity(0)
