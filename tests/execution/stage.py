"""A market and a venue of a few lines, to play scenes with a desk."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aggressor.execution.bracket import BracketRule
from aggressor.execution.desk import Desk, DeskRule
from aggressor.execution.intent import Action, Intent, Placement, Policy, Protection, Target
from aggressor.execution.limits import Limits
from aggressor.execution.losses import LossRule
from aggressor.schema import command, report
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import ContractKind, Instrument
from tests.account.rows import fill, told

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_700_000_000 * SECOND
CONTRACT = Instrument(
    venue="v", symbol="X", kind=ContractKind.LINEAR, tick=Decimal(1), lot=Decimal(1),
    base="X", quote="USD", settle="USD",
)  # fmt: skip
WIDE = Limits(collar_bp=500, cross_bp_max=500, exit_cross_bp_max=2000)


@dataclass
class Scene:
    """A market one sets by hand."""

    bid: int = 1010
    ask: int = 1011
    instrument: int = 0
    now_ns: int = START
    valid: bool = True
    book_age_ns: int = 0
    last_price: int | None = 1010
    bid_lots: int = 100
    ask_lots: int = 100
    traded_lots: tuple[int, int] = (0, 0)
    taker_rates: tuple[float, float] = (0.0, 0.0)
    mean_print: float = 1.0
    funding_in_ns: int | None = None


@dataclass
class Resting:
    """An order as the venue has it."""

    id: int
    side: int
    type: int
    tif: int
    price: int
    trigger: int
    leaves: int
    filled: int
    reduce_only: bool


@dataclass
class Venue:
    """Answers each command at once and truly; fills only what the test says."""

    orders: dict[int, Resting] = field(default_factory=dict)
    position: int = 0
    clock: int = START
    out: deque[Any] = field(default_factory=deque)
    on_place: Callable[[Resting], bool] = lambda order: True

    def take(self, commands: Any, market: Any) -> None:
        for row in commands:
            kind, order = int(row["kind"]), int(row["order"])
            if kind == command.PLACE:
                self._place(row, market)
            elif order not in self.orders:
                refusal = (
                    report.CANCEL_REJECTED if kind == command.CANCEL else report.AMEND_REJECTED
                )
                self._tell(refusal, order, reason=report.UNKNOWN_ORDER)
            elif kind == command.CANCEL:
                del self.orders[order]
                self._tell(report.CANCELED, order)
            else:
                self._amend(self.orders[order], row)

    def fill(self, order: int, lots: int, price: int | None = None, maker: bool = True) -> None:
        at = self.orders[order]
        lots = min(lots, at.leaves)
        if at.reduce_only:
            lots = min(lots, max(0, -at.side * self.position))
        if not lots:
            return
        at.leaves -= lots
        at.filled += lots
        self.position += at.side * lots
        if not at.leaves:
            del self.orders[order]
        self.clock += 1
        paid = price if price is not None else at.price
        flags = report.MAKER if maker else 0
        self.out.append(fill(order, lots, at.leaves, paid, ts_venue=self.clock, flags=flags))

    def _place(self, row: Any, market: Any) -> None:
        order = Resting(
            id=int(row["order"]), side=int(row["side"]), type=int(row["type"]),
            tif=int(row["tif"]), price=int(row["price"]), trigger=int(row["trigger"]),
            leaves=int(row["size"]), filled=0, reduce_only=bool(row["flags"]),
        )  # fmt: skip
        opposite = market.ask if order.side > 0 else market.bid
        crosses = order.type == command.LIMIT and order.side * (order.price - opposite) >= 0
        if not self.on_place(order):
            self._tell(report.REJECTED, order.id, reason=report.BAD_FIELD)
        elif order.tif == command.POST_ONLY and crosses:
            self._tell(report.REJECTED, order.id, reason=report.WOULD_CROSS)
        else:
            self.orders[order.id] = order
            self._tell(report.ACK, order.id, size=order.leaves, leaves=order.leaves)
            if order.tif == command.IOC:
                if crosses:
                    self.fill(order.id, order.leaves, opposite, maker=False)
                if order.id in self.orders:
                    del self.orders[order.id]
                    self._tell(report.EXPIRED, order.id)

    def _amend(self, order: Resting, row: Any) -> None:
        price = int(row["price"])
        order.leaves = int(row["size"]) - order.filled
        if order.leaves <= 0:  # it filled on the way: nothing is left to work
            del self.orders[order.id]
            self._tell(report.CANCELED, order.id)
            return
        if order.type == command.STOP_MARKET:
            order.trigger = int(row["trigger"])
        if price != NO_PRICE:
            order.price = price
        self._tell(report.AMENDED, order.id, leaves=order.leaves, price=order.price)

    def _tell(self, kind: int, order: int, **fields: int) -> None:
        self.out.append(told(kind, order, **fields))


class Stage:
    """A desk, its venue and its market; `turn` lets everything be said that is to be said."""

    def __init__(self, **rule: Any) -> None:
        rule.setdefault("default", WIDE)
        rule.setdefault("losses", LossRule(day_bp=10_000, drawdown_bp=10_000))
        rule.setdefault("bracket", BracketRule())
        self.desk = Desk([CONTRACT], DeskRule(**rule))
        self.desk.books.deposit("USD", 10**6 * 10**8)
        self.market = Scene()
        self.venue = Venue()
        self.sent: list[Any] = []

    def turn(self, after_ns: int = 0, answer: bool = True) -> None:
        self.market.now_ns += after_ns
        for _ in range(30):
            self.hear()
            self.desk.work(self.market)
            commands = self.desk.drain()
            self.sent.extend(commands)
            if not len(commands) and not self.venue.out:
                return
            self.venue.take(commands, self.market)
            if not answer:
                return
        raise AssertionError("the desk does not come to rest")

    def hear(self) -> None:
        while self.venue.out:
            row = self.venue.out.popleft()
            row["ts_recv"] = self.market.now_ns
            self.desk.report(row, self.market)

    def enter(self, **fields: Any) -> None:
        self.desk.decide([entry(**fields)], self.market)
        self.turn()

    def want(self, action: Action, **fields: Any) -> None:
        fields.setdefault("parent", 1)
        fields.setdefault("reason", "because")
        intent = Intent(action=action, instrument=0, strategy=1, **fields)
        self.desk.decide([intent], self.market)
        self.turn()

    def working(self) -> list[tuple[str, int, int, int]]:
        """Return what rests at the venue: (leg, side, lots, price or trigger)."""
        trade = self.desk.trade(0)
        out = []
        for order in self.venue.orders.values():
            leg = "?"
            if trade is not None:
                legs = {o: x.name for x in trade.bracket.legs for o in x.orders}
                leg = legs.get(order.id, "entry")
            stop = order.type == command.STOP_MARKET
            out.append((leg, order.side, order.leaves, order.trigger if stop else order.price))
        return sorted(out)

    def order(self, leg: str) -> int:
        """Return the id of the resting order of a leg."""
        trade = self.desk.trade(0)
        assert trade is not None
        if leg == "entry":
            return trade.entry.orders[-1]
        return next(x.orders[-1] for x in trade.bracket.legs if x.name == leg)


def entry(**fields: Any) -> Intent:
    side = fields.pop("side", -1)
    stop = fields.pop("stop", 1010 - side * 5)
    targets = fields.pop("targets", (Target(1010 + side * 4),))
    defaults: dict[str, Any] = {
        "action": Action.ENTER, "instrument": 0, "strategy": 1, "parent": 1, "lots": 10,
        "placement": Placement(
            policy=Policy.JOIN, wait_ns=3 * SECOND, repeg_ns=200 * MS, chase_ticks=3
        ),
    }  # fmt: skip
    protection = Protection(stop=stop, targets=targets)
    return Intent(**{**defaults, "side": side, "protection": protection, **fields})
