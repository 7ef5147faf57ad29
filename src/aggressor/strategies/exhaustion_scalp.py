"""Exhaustion scalp: sell what has run up and stands still; and its mirror image (R7.1).

    signal   EXHAUSTION confirmed -> the run, in its own frame (`facing`): one implementation, two
             directions
    wait     until STALL holds, at most `signal_age_ns`; then the setup is dropped and counted
    gates    R7.0, R7.1, each answered and recorded whether admitted or not
    entry    post-only at the best ask while STALL holds; when the weighted mid turns (it stands in
             for the micro-price until one is fitted), once, a marketable limit for the rest
    leave    resident stop, two half targets, time stop, early exit when the run's delta comes back
             or price is accepted beyond P1 (a PUSH_THROUGH signal, or the best bid an effective
             tick beyond it)

The strategy decides at decision points from the View alone and keeps only what a View cannot know:
the setup it follows, and the record of what became of it. Working, protecting and checking are
execution's.
"""

from collections import Counter
from collections.abc import Sequence
from math import ceil

from aggressor.execution.intent import (
    Action,
    Intent,
    Placement,
    Policy,
    Protection,
    Target,
)
from aggressor.execution.trade import Trade
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import CONFIRMED, EXHAUSTION, PUSH_THROUGH
from aggressor.strategies.evidence import Decision, EvidenceBook, parameter_hash
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import (
    NO_HISTORY,
    Gate,
    HitRecord,
    Verdict,
    at_least,
    at_most,
    cost_gate,
    holds,
    is_not,
    times,
    trusted,
    verdict,
)
from aggressor.strategies.needs import ScalpView
from aggressor.strategies.plan import Plan, plan_of
from aggressor.strategies.scalp_rule import PERPETUAL, ScalpRule
from aggressor.strategies.stall import Run, Stall, follow, run_of, stall_of

NAME = "exhaustion_scalp"


class ExhaustionScalp:
    """One instrument; `decide` is called at every decision point."""

    def __init__(
        self,
        instrument: Instrument,
        index: int = 0,
        rule: ScalpRule = PERPETUAL,
        code: int = 1,
        history: HitRecord = NO_HISTORY,
    ) -> None:
        self.rule = rule
        self.params = parameter_hash(rule)
        self.history = history
        self.evidence = EvidenceBook()
        self.counts: Counter[str] = Counter()
        self._cascades = ("cascade",) if rule.trade_in_watch else ("watch", "cascade")
        self._instrument = instrument
        self._index = index
        self._code = code
        self._made = 0
        self._run: Run | None = None  # waits for STALL, or is in the market
        self._faded = False
        self._crossed = False

    @property
    def waiting(self) -> bool:
        """True while time alone can change its mind or its record: it wants to see TIMERs."""
        return self._run is not None or self.evidence.watching

    def decide(self, view: ScalpView) -> Sequence[Intent]:
        """Return what is wanted now; nothing on an instrument that is not ours."""
        if view.instrument != self._index:
            return ()
        for trade in view.closed_trades:
            if trade.strategy == self._code:
                self._closed(trade)
        if view.valid:
            self.evidence.see(view.now_ns, view.mid2, view.trade)
        trade = view.trade
        if trade is not None:
            return self._manage(view, trade) if trade.strategy == self._code else ()
        self._listen(view)
        return self._consider(view)

    def _listen(self, view: ScalpView) -> None:
        """Take up the newest confirmed exhaustion."""
        for signal in view.signals:
            if signal.kind != EXHAUSTION or signal.phase != CONFIRMED:
                continue
            run = run_of(signal, view.effective_tick.value or 1.0)
            self.counts["signals" if run else "signals without a run"] += 1
            if run is not None:
                self._run, self._faded, self._crossed = run, False, False

    def _consider(self, view: ScalpView) -> Sequence[Intent]:
        run, rule = self._run, self.rule
        if run is None:
            return ()
        if view.now_ns - run.ts_known > rule.signal_age_ns:
            self.counts["too old"] += 1
            self._run = None
            return ()
        if not view.valid:
            return ()
        facing = Facing(view, run.up)
        follow(run, facing, rule)
        stall = stall_of(run, facing, rule, faded=self._faded)
        self._faded = self._faded or stall.a
        if not stall.holds(rule.mode):
            return ()
        plan = plan_of(run, facing, rule, self._instrument)
        gates = self._gates(run, facing, plan)
        answer = verdict(gates, rule.mode, rule.unknown)
        if not answer.admitted:
            self.counts["refused"] += 1
            self._run = None
            self._take_down(run, facing, plan, gates, answer, stall, 0)
            return ()
        self.counts["entered"] += 1
        self._made += 1
        parent = (self._code << 40) + self._made
        decision = self._take_down(run, facing, plan, gates, answer, stall, parent)
        return (self._enter(run, plan, decision),)

    def _gates(self, run: Run, facing: Facing, plan: Plan) -> tuple[Gate, ...]:
        view, rule = facing.view, self.rule
        young = rule.trade_young
        spread = trusted(view.median_spread, young_too=young)
        atr = trusted(view.atr_1m_ticks, young_too=young)
        cost = plan.cost_ticks
        until = None if view.funding_ns is None else view.funding_ns - view.venue_now_ns
        near = None if until is None else not 0 <= until <= rule.funding_ns
        firm = True if young or not run.provisional else None
        caps = None if plan.sized.unknown else True
        return (
            holds("data", view.valid, "book valid"),
            holds("reference venue", view.reference_valid, "one agrees"),
            is_not("liquidity", view.liquidity_regime, ("vacuum",)),
            is_not("cascade", view.cascade, self._cascades),
            at_most("spread", view.spread_ticks, times(rule.spread_multiple, spread)),
            holds("funding", near, "not within a minute before"),
            at_most("signal age", view.now_ns - run.ts_known, rule.signal_age_ns),
            holds("signal firm", firm, "not provisional"),
            is_not("bias", facing.bias, (1,)),
            at_least("run", run.ticks, rule.run_effective * run.e),
            at_least("run atr", run.ticks, times(rule.run_atr, atr)),
            at_least("run costs", run.ticks, times(rule.run_costs, cost)),
            at_least("run delta", run.delta, run.usual_delta),
            at_least("run delta share", run.delta_share, rule.run_delta_share),
            at_least("stop side", plan.stop_ticks, 1),
            at_least("target side", plan.target_ticks, 1),
            at_least("size", plan.sized.lots, 1),
            holds("size caps", caps, "depth and volume known"),
            self._cost(plan),
        )

    def _cost(self, plan: Plan) -> Gate:
        if plan.stop_ticks + plan.target_ticks <= 0:
            return at_least("cost", plan.target_ticks, 1)
        return cost_gate(
            plan.target_ticks,
            plan.stop_ticks,
            plan.cost_ticks,
            self.history,
            self.rule.outcomes_min,
        )

    def _enter(self, run: Run, plan: Plan, decision: Decision) -> Intent:
        rule, up = self.rule, run.up
        return Intent(
            action=Action.ENTER,
            instrument=self._index,
            strategy=self._code,
            parent=decision.parent,
            side=-up,
            lots=plan.sized.lots,
            placement=Placement(
                policy=Policy.JOIN,
                wait_ns=rule.wait_ns,
                repeg_ns=rule.repeg_ns,
                chase_ticks=ceil(rule.chase_effective * run.e),
            ),
            protection=Protection(
                stop=up * plan.stop,
                targets=(Target(up * plan.first), Target(up * plan.second)),
            ),
            reason="stall",
            evidence=decision.snapshot,
            ts_decided=decision.ts_decided,
        )

    def _manage(self, view: ScalpView, trade: Trade) -> Sequence[Intent]:
        run = self._run
        if run is None or not view.valid:
            return ()
        facing = Facing(view, run.up)
        follow(run, facing, self.rule)
        if trade.held and not trade.bracket.closing:
            reason = self._leave(facing, run, trade)
            if reason:
                return (self._ask(trade, Action.EXIT, reason),)
        if trade.entry.ended or trade.entry.stop_reason:
            return ()
        reason = self._invalid(facing, run)
        if reason:
            return (self._ask(trade, Action.CANCEL, reason),)
        turned = facing.weighted_mid <= facing.mid - self.rule.turn_spreads * view.spread_ticks
        if turned and not self._crossed:
            self._crossed = True
            cap = ceil(self.rule.cap_effective * run.e)
            placement = Placement(policy=Policy.CROSS, cap_ticks=cap)
            return (self._ask(trade, Action.REPLACE, "the price turns", placement),)
        return ()

    def _leave(self, facing: Facing, run: Run, trade: Trade) -> str:
        rule, view = self.rule, facing.view
        if trade.entered_ns is not None and view.now_ns - trade.entered_ns >= rule.time_ns:
            return "time"
        if facing.delta >= rule.early_share * run.delta_peak:
            return "the run's delta is back"
        through = any(
            s.kind == PUSH_THROUGH and s.phase == CONFIRMED and facing.faces(s.direction) > 0
            for s in view.signals
        )
        if through or facing.bid >= run.p1 + rule.beyond_effective * run.e:
            return "pushed through the extreme"
        return ""

    def _invalid(self, facing: Facing, run: Run) -> str:
        rule, view = self.rule, facing.view
        high = facing.high_traded
        if high is not None and high >= run.p1 + rule.beyond_effective * run.e:
            return "a new extreme"
        if facing.delta >= rule.revive * run.delta_peak:
            return "the run's delta is back"
        if view.cascade in self._cascades:
            return f"cascade: {view.cascade}"
        if facing.bias == 1:
            return "the bias goes with the run"
        if self._crossed or stall_of(run, facing, rule, faded=True).holds(rule.mode):
            return ""
        return "the stall is over"

    def _ask(
        self, trade: Trade, action: Action, reason: str, placement: Placement | None = None
    ) -> Intent:
        self.counts[f"{action.value}: {reason}"] += 1
        return Intent(
            action=action,
            instrument=self._index,
            strategy=self._code,
            parent=trade.parent,
            placement=placement,
            reason=reason,
        )

    def _closed(self, trade: Trade) -> None:
        record = self.evidence.closed(trade)
        self._run = None
        if record.entered_lots:
            self.history = self.history.with_one(record.realised > 0)

    def _take_down(
        self,
        run: Run,
        facing: Facing,
        plan: Plan,
        gates: tuple[Gate, ...],
        answer: Verdict,
        stall: Stall,
        parent: int,
    ) -> Decision:
        view, up = facing.view, run.up
        snapshot: dict[str, float | str | None] = {
            **run.seen,
            **{f"stall_{name}": float(met) for name, met in stall._asdict().items()},
            "bid": view.bid,
            "ask": view.ask,
            "bid_lots": view.bid_lots,
            "ask_lots": view.ask_lots,
            "weighted_mid": view.weighted_mid,
            "delta_now": view.delta_now,
            "stop": up * plan.stop,
            "target_1": up * plan.first,
            "target_2": up * plan.second,
            "stop_ticks": plan.stop_ticks,
            "target_ticks": plan.target_ticks,
            "cost_ticks": plan.cost_ticks,
            "size_bound": plan.sized.bound,
        }
        decision = Decision(
            setup=f"{NAME}/{self._instrument.id}/{run.episode}",
            params=self.params,
            parent=parent,
            side=-up,
            ts_signal=run.ts_known,
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
