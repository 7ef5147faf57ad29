"""Exhaustion scalp: sell what has run up and stands still; and its mirror image (R7.1).

signal   EXHAUSTION confirmed -> the run, in its own frame (`facing`)
wait     until STALL holds
entry    post-only at the best ask while STALL holds; when the weighted mid turns (it stands in
         for the micro-price until one is fitted), once, a marketable limit for the rest
leave    resident stop, two half targets, time stop, early exit when the run's delta comes back
         or price is accepted beyond P1 (a PUSH_THROUGH signal, or the best bid an effective
         tick beyond it)
"""

from collections.abc import Mapping, Sequence
from math import ceil, inf, nan
from typing import ClassVar

from aggressor.execution.intent import Action, Intent, Placement, Policy
from aggressor.execution.trade import Trade
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import CONFIRMED, EXHAUSTION, PUSH_THROUGH
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import NO_HISTORY, Gate, HitRecord, at_least, times, trusted
from aggressor.strategies.needs import Signal, StrategyView
from aggressor.strategies.plan import Plan
from aggressor.strategies.scalp_plan import plan_of
from aggressor.strategies.scalp_rule import PERPETUAL, ScalpRule
from aggressor.strategies.setup_strategy import Description, SetupStrategy, invented_fields
from aggressor.strategies.stall import Run, follow, run_of, stall_of


class ExhaustionScalp(SetupStrategy[Run, ScalpRule]):
    """R7.1 on one instrument."""

    name = "exhaustion_scalp"
    toward = -1
    reason = "stall"
    against = 1
    at_once = False
    description: ClassVar[Description] = Description(
        trades="against a run on extreme delta that has stalled, back towards where it came from",
        source="R7.1",
        needs=("EXHAUSTION, ABSORPTION, ICEBERG, PUSH_THROUGH signals", "walls", "d(t)"),
        entry="post-only at the best price ahead of the run; crosses once when the price turns",
        stop="P1 + max(2 e, run / 4)",
        targets="half at 0.382 of the run, half at the one-minute VWAP or half of the run",
        exits=(
            "time",
            "the run's delta is back",
            "pushed through the extreme",
        ),
        gates={
            "run": "at least 10 e",
            "run atr": "at least one ATR of a minute",
            "run costs": "at least three round trips",
            "run delta": "at least Q.99 of |delta| over as long",
            "run delta share": "at least 0.30 of its volume",
        },
    )

    def __init__(
        self,
        instrument: Instrument,
        index: int = 0,
        rule: ScalpRule = PERPETUAL,
        code: int = 1,
        history: HitRecord = NO_HISTORY,
    ) -> None:
        super().__init__(instrument, index, rule, code, history)
        self._faded = False
        self._crossed = False

    @property
    def cascades(self) -> tuple[str, ...]:
        """States of R5.8 that forbid an entry."""
        return ("cascade",) if self.rule.trade_in_watch else ("watch", "cascade")

    def hear(self, signal: Signal, view: StrategyView) -> Run | None:
        """Return the run of a confirmed exhaustion."""
        if signal.kind != EXHAUSTION or signal.phase != CONFIRMED:
            return None
        run = run_of(signal, view.effective_tick.value or 1.0)
        if run is None:
            self.counts["signals without a run"] += 1
        return run

    def invent(self, facing: Facing) -> Run:
        """Return a run of the least length that ends at the best price ahead."""
        fields = invented_fields(facing)
        return Run(
            **fields,
            p0=facing.ask - ceil(self.rule.run_effective * fields["e"]),
            p1=facing.ask,
            seconds=nan,
            delta=nan,
            volume=nan,
            usual_delta=nan,
            delta_peak=inf,
            last_high_ns=facing.view.now_ns,
        )

    def begin(self, setup: Run) -> None:
        """Take up a new run."""
        self._faded = self._crossed = False

    def follow(self, setup: Run, facing: Facing) -> None:
        """Note new extremes, and the passive side seen holding them."""
        follow(setup, facing, self.rule)

    def is_ready(self, setup: Run, facing: Facing) -> Mapping[str, float] | None:
        """Return the conditions of the stall where it holds."""
        stall = stall_of(setup, facing, self.rule, faded=self._faded)
        self._faded = self._faded or stall.a
        if not stall.holds(self.rule.mode):
            return None
        return {f"stall_{name}": float(met) for name, met in stall._asdict().items()}

    def plan_of(self, setup: Run, facing: Facing) -> Plan:
        """Return the plan as it stands now."""
        return plan_of(setup, facing, self.rule, self._instrument)

    def own_gates(self, setup: Run, facing: Facing, plan: Plan) -> Sequence[Gate]:
        """Return the gates of RUN."""
        rule = self.rule
        atr = trusted(facing.view.atr_1m_ticks, young_too=rule.trade_young)
        return (
            at_least("run", setup.ticks, rule.run_effective * setup.e),
            at_least("run atr", setup.ticks, times(rule.run_atr, atr)),
            at_least("run costs", setup.ticks, times(rule.run_costs, plan.cost_ticks)),
            at_least("run delta", setup.delta, setup.usual_delta),
            at_least("run delta share", setup.delta_share, rule.run_delta_share),
        )

    def placement(self, setup: Run, facing: Facing, plan: Plan) -> Placement:
        """Rest at the best."""
        return Placement(
            policy=Policy.JOIN,
            wait_ns=self.rule.wait_ns,
            repeg_ns=self.rule.repeg_ns,
            chase_ticks=ceil(self.rule.chase_effective * setup.e),
        )

    def adjust(self, setup: Run, facing: Facing, trade: Trade) -> Intent | None:
        """Cross, once, when the weighted mid turns."""
        spread = facing.view.spread_ticks
        turned = facing.weighted_mid <= facing.mid - self.rule.turn_spreads * spread
        if not turned or self._crossed:
            return None
        self._crossed = True
        cap = ceil(self.rule.cap_effective * setup.e)
        placement = Placement(policy=Policy.CROSS, cap_ticks=cap)
        return self.ask(trade, Action.REPLACE, "the price turns", placement)

    def leave(self, setup: Run, facing: Facing, trade: Trade) -> str:
        """Return why what is held must go now."""
        rule, view = self.rule, facing.view
        if trade.entered_ns is not None and view.now_ns - trade.entered_ns >= rule.time_ns:
            return "time"
        if facing.delta >= rule.early_share * setup.delta_peak:
            return "the run's delta is back"
        through = any(
            s.kind == PUSH_THROUGH and s.phase == CONFIRMED and facing.faces(s.direction) > 0
            for s in view.signals
        )
        if through or facing.bid >= setup.p1 + rule.beyond_effective * setup.e:
            return "pushed through the extreme"
        return ""

    def invalid(self, setup: Run, facing: Facing) -> str:
        """Return why what is unfilled must go now."""
        rule, view = self.rule, facing.view
        high = facing.high_traded
        if high is not None and high >= setup.p1 + rule.beyond_effective * setup.e:
            return "a new extreme"
        if facing.delta >= rule.revive * setup.delta_peak:
            return "the run's delta is back"
        if view.cascade in self.cascades:
            return f"cascade: {view.cascade}"
        if facing.bias == 1:
            return "the bias goes with the run"
        if self.deaf or self._crossed:
            return ""
        holding = stall_of(setup, facing, rule, faded=True).holds(rule.mode)
        return "" if holding else "the stall is over"
