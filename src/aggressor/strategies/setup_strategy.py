"""What the strategies of R7 share: hear a signal, wait, ask the gates, enter, follow, record.

A strategy decides at decision points from the View alone and keeps only what a View cannot know:
the setup it follows, and the record of what became of it. Working, protecting and checking are
execution's. Whatever is written here is written in the setup's frame once, so the mirror image of
a trade is the same code (R7.0).

    signal   `hear`      a setup, the newest counts; older than `signal_age_ns` it is dropped
    wait     `is_ready`  the rule's own moment; None: not yet
    gates    R7.0 around `own_gates`, each answered and recorded whether admitted or not
    entry    `placement` of the `plan_of` this moment, `toward` +1 with the frame, -1 against it
    follow   `adjust` and `invalid` while unfilled, `leave` and `secure` while held

With `ungated` (backtests) every setup is entered that makes a trade at all, and what would have
refused is in the record: so a rule's edge can be measured where costs forbid it.
"""

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec

from aggressor.execution.intent import Action, Intent, Placement, Protection, Target
from aggressor.execution.trade import Trade
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import FIRM
from aggressor.strategies.entry_gates import market_gates, plan_gates
from aggressor.strategies.evidence import (
    DECISIONS_KEPT,
    Decision,
    EvidenceBook,
    noted,
    parameter_hash,
)
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import NO_HISTORY, Gate, HitRecord, Verdict, verdict
from aggressor.strategies.needs import Signal, StrategyView
from aggressor.strategies.plan import Plan
from aggressor.strategies.rule import StrategyRule
from aggressor.strategies.setup import Setup

S = TypeVar("S", bound=Setup)
R = TypeVar("R", bound=StrategyRule)


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should know of a strategy before using it."""

    trades: str
    source: str
    needs: tuple[str, ...]
    entry: str
    stop: str
    targets: str
    exits: tuple[str, ...]
    gates: Mapping[str, str]  # its own, beside those of R7.0


class Taken(NamedTuple):
    """A setup as it was when it was decided on, entered or not."""

    ts_ns: int
    mid2: int  # of the market
    setup: Setup


class SetupStrategy(ABC, Generic[S, R]):
    """One strategy on one instrument; `decide` is called at every decision point."""

    name: ClassVar[str]
    toward: ClassVar[int]
    reason: ClassVar[str]  # of its entries
    against: ClassVar[int]  # bias of the frame that forbids the trade; 0: none does
    at_once: ClassVar[bool]  # it enters before the ledger's tolerance has passed
    description: ClassVar[Description]

    def __init__(
        self,
        instrument: Instrument,
        index: int,
        rule: R,
        code: int = 1,
        history: HitRecord = NO_HISTORY,
    ) -> None:
        self.rule = rule
        self.params = parameter_hash(rule)
        self.history = history
        self.evidence = EvidenceBook()
        self.counts: Counter[str] = Counter()
        self.taken: deque[Taken] = deque(maxlen=DECISIONS_KEPT)
        self.deaf = False  # setups come from `adopt` alone, and no gate is asked
        self._instrument = instrument
        self._index = index
        self.code = code
        self._made = 0
        self._setup: S | None = None  # waits for its moment, or is in the market
        self._asked = False  # for an entry on it

    def count_from(self, made: int) -> None:
        """Number the next trade `made` + 1: no number of an earlier process is used again."""
        self._made = made

    @property
    def evidence_by(self) -> dict[int, EvidenceBook]:
        """Its evidence by the instrument it trades."""
        return {self._index: self.evidence}

    @abstractmethod
    def hear(self, signal: Signal, view: StrategyView) -> S | None:
        """Return the setup that a signal tells of; None: it tells of none."""

    @abstractmethod
    def invent(self, facing: Facing) -> S:
        """Return a setup that nothing told of, around the touch of this moment (a placebo's).

        What an exit of its own would be held against (the run's delta, the wall's peak) is
        infinite: such exits never come about.
        """

    @abstractmethod
    def plan_of(self, setup: S, facing: Facing) -> Plan:
        """Return the plan as it stands now."""

    @abstractmethod
    def own_gates(self, setup: S, facing: Facing, plan: Plan) -> Sequence[Gate]:
        """Return the strategy's own gates, answered."""

    @abstractmethod
    def placement(self, setup: S, facing: Facing, plan: Plan) -> Placement:
        """Return how the entry meets the market."""

    @abstractmethod
    def leave(self, setup: S, facing: Facing, trade: Trade) -> str:
        """Return why what is held must go now; empty: it stays."""

    @abstractmethod
    def invalid(self, setup: S, facing: Facing) -> str:
        """Return why what is unfilled must go now; empty: it stays."""

    def is_ready(self, setup: S, facing: Facing) -> Mapping[str, float] | None:
        """Return what is to be noted of this moment; None: it is not yet the rule's."""
        return {}

    def begin(self, setup: S) -> None:
        """Take up a new setup."""

    def follow(self, setup: S, facing: Facing) -> None:
        """Bring a setup up to this moment."""

    def secure(self, setup: S, facing: Facing, trade: Trade) -> Intent | None:
        """Return a better protection of what is held."""
        return None

    def adjust(self, setup: S, facing: Facing, trade: Trade) -> Intent | None:
        """Return another placement of what is unfilled."""
        return None

    @property
    def cascades(self) -> tuple[str, ...]:
        """States of R5.8 that forbid an entry."""
        return ("cascade",)

    @property
    def waiting(self) -> bool:
        """True while time alone can change its mind or its record: it wants to see TIMERs."""
        return self._setup is not None or self.evidence.watching

    def age_ns(self, setup: S, view: StrategyView) -> int:
        """Return how old the signal is."""
        return view.now_ns - setup.ts_known

    def decide(self, view: StrategyView) -> Sequence[Intent]:
        """Return what is wanted now; nothing on an instrument that is not ours."""
        if view.instrument != self._index:
            return ()
        for trade in view.closed_trades:
            if trade.strategy == self.code:
                self._closed(trade)
        if view.valid:
            self.evidence.see(view.now_ns, view.mid2, view.trade)
        trade = view.trade
        if trade is not None:
            return self._manage(view, trade) if trade.strategy == self.code else ()
        if not self.deaf:
            self._listen(view)
        return self._consider(view)

    def adopt(self, setup: S) -> None:
        """Follow this setup from now on."""
        self._setup, self._asked = setup, False
        self.begin(setup)

    def _listen(self, view: StrategyView) -> None:
        """Take up the newest setup."""
        for signal in view.signals:
            setup = self.hear(signal, view)
            if setup is not None:
                self.counts["signals"] += 1
                self.adopt(setup)

    def _consider(self, view: StrategyView) -> Sequence[Intent]:
        setup, rule = self._setup, self.rule
        if setup is None:
            return ()
        if self._asked:  # no trade came of it
            self.counts["refused by the desk"] += 1
            self._setup = None
            return ()
        if self.age_ns(setup, view) > rule.signal_age_ns:
            self.counts["too old"] += 1
            self._setup = None
            return ()
        if not view.valid:
            return ()
        facing = Facing(view, setup.up)
        self.follow(setup, facing)
        noted = self.is_ready(setup, facing)
        if noted is None and not self.deaf:
            return ()
        plan = self.plan_of(setup, facing)
        gates = self._gates(setup, facing, plan)
        answer = verdict(gates, rule.mode, rule.unknown)
        self.taken.append(Taken(view.now_ns, view.mid2, replace(setup)))
        anyway = (rule.ungated or self.deaf) and plan.possible
        if not answer.admitted:
            self.counts["refused"] += 1
            if not anyway:
                self._setup = None
                self._take_down(setup, facing, plan, gates, answer, noted, 0)
                return ()
        self.counts["entered"] += 1
        self._made += 1
        self._asked = True
        parent = (self.code << 40) + self._made
        decision = self._take_down(setup, facing, plan, gates, answer, noted, parent)
        return (self._enter(setup, facing, plan, decision),)

    def _gates(self, setup: S, facing: Facing, plan: Plan) -> tuple[Gate, ...]:
        market = market_gates(
            setup,
            facing,
            self.rule,
            age_ns=self.age_ns(setup, facing.view),
            cascades=self.cascades,
            against=self.against,
            at_once=self.at_once,
        )
        own = self.own_gates(setup, facing, plan)
        return (*market, *own, *plan_gates(plan, self.history, self.rule))

    def _enter(self, setup: S, facing: Facing, plan: Plan, decision: Decision) -> Intent:
        return Intent(
            action=Action.ENTER,
            instrument=self._index,
            strategy=self.code,
            parent=decision.parent,
            side=decision.side,
            lots=plan.sized.lots,
            placement=self.placement(setup, facing, plan),
            protection=protection_of(facing, plan),
            reason=self.reason,
            evidence=noted(decision),
            ts_decided=decision.ts_decided,
        )

    def _manage(self, view: StrategyView, trade: Trade) -> Sequence[Intent]:
        setup = self._setup
        if setup is None or not view.valid:
            return ()
        facing = Facing(view, setup.up)
        self.follow(setup, facing)
        if trade.held and not trade.bracket.closing:
            reason = self.leave(setup, facing, trade)
            if reason:
                return (self.ask(trade, Action.EXIT, reason),)
            better = self.secure(setup, facing, trade)
            if better is not None:
                return (better,)
        if trade.entry.ended or trade.entry.stop_reason:
            return ()
        reason = self.invalid(setup, facing)
        if reason:
            return (self.ask(trade, Action.CANCEL, reason),)
        other = self.adjust(setup, facing, trade)
        return () if other is None else (other,)

    def ask(
        self,
        trade: Trade,
        action: Action,
        reason: str,
        placement: Placement | None = None,
        protection: Protection | None = None,
    ) -> Intent:
        """Return an intent about the trade under way, and count it."""
        self.counts[f"{action.value}: {reason}"] += 1
        return Intent(
            action=action,
            instrument=self._index,
            strategy=self.code,
            parent=trade.parent,
            placement=placement,
            protection=protection,
            reason=reason,
        )

    def _closed(self, trade: Trade) -> None:
        record = self.evidence.closed(trade)
        self._setup = None
        if record.entered_lots:
            self.history = self.history.with_one(record.realised > 0)

    def _take_down(
        self,
        setup: S,
        facing: Facing,
        plan: Plan,
        gates: tuple[Gate, ...],
        answer: Verdict,
        noted: Mapping[str, float] | None,
        parent: int,
    ) -> Decision:
        view, up = facing.view, setup.up
        snapshot: dict[str, Any] = {
            **setup.seen,
            **(noted or {}),
            **_market_of(view),
            "stop": up * plan.stop,
            **{f"target_{i}": up * one for i, one in enumerate(plan.targets, 1)},
            "stop_ticks": plan.stop_ticks,
            "target_ticks": plan.target_ticks,
            "cost_ticks": plan.cost_ticks,
            "size_bound": plan.sized.bound,
        }
        decision = Decision(
            setup=f"{self.name}/{self._instrument.id}/{setup.episode}",
            params=self.params,
            parent=parent,
            side=self.toward * up,
            ts_signal=setup.ts_known,
            ts_decided=view.now_ns,
            intended_price=up * plan.entry,
            lots=plan.sized.lots,
            gates=gates,
            verdict=answer,
            snapshot=snapshot,
            regime={
                "liquidity": view.liquidity_regime,
                "cascade": view.cascade,
                "bias": None if view.bias is None else str(view.bias),
            },
        )
        self.evidence.decided(decision)
        return decision


def invented_fields(facing: Facing) -> dict[str, Any]:
    """Return what every invented setup has."""
    return {
        "up": facing.up,
        "episode": 0,
        "ts_known": facing.view.now_ns,
        "provisional": FIRM,
        "e": facing.view.effective_tick.value or 1.0,
        "seen": {},
    }


def _market_of(view: StrategyView) -> dict[str, float]:
    return {
        "bid": view.bid,
        "ask": view.ask,
        "bid_lots": view.bid_lots,
        "ask_lots": view.ask_lots,
        "weighted_mid": view.weighted_mid,
        "delta_now": view.delta_now,
    }


def protection_of(facing: Facing, plan: Plan) -> Protection:
    """Return stop and targets of a plan in prices of the market."""
    targets = tuple(Target(facing.price(one)) for one in plan.targets)
    return Protection(stop=facing.price(plan.stop), targets=targets)
