"""Liquidity trap: sell when the bid that lured buyers is pulled; and its mirror image (R7.3).

    signal   PULL confirmed on a bid wall at L, its first row: at the message that took it away
    bait     it appeared 1 .. 10 e below the best and lived; then buyers came (share of taker
             volume, or the mid drifted), then sellers hit the bid near it
    entry    at once, one marketable limit no worse than the best bid - 2 e
    stop     best ask before the pull + 2 e
    target   the next bid wall, edge of a high volume node, or far end of the gap that was left,
             whichever is nearest; 2 R where there is none
    leave    the bid is back within 250 ms; the detector takes its word back; absorption below;
             a cascade against us; time

The detector is stricter than R7.3 (it wants V / peak <= 5 %), so not every wall that R7.3 would
trade is heard. "The best ask before the pull" is that of the last TIMER (at most 100 ms before):
its mid and the spread of now; never below the ask of now. Both windows of flow are cut to the life
of the wall.

R7.3 counts the signal's age from the venue's time. Clocks of venue and host differ by an offset
that is not known here, so the age is the larger of what has passed on either clock since; the way
from venue to host is not in it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf, isnan, nan
from typing import ClassVar, Self

from aggressor.execution.intent import Placement, Policy
from aggressor.execution.trade import Trade
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import ABSORPTION, CONFIRMED, PULL, REJECTED
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import (
    NO_HISTORY,
    Answer,
    Gate,
    HitRecord,
    at_least,
    at_most,
    less_than,
    trusted,
)
from aggressor.strategies.needs import PULL_EVIDENCE, Signal, StrategyView
from aggressor.strategies.plan import (
    Plan,
    crossing_entry,
    down_to_tick,
    lots_for,
    nearest_beyond,
    round_trip,
    up_to_tick,
)
from aggressor.strategies.setup import Setup
from aggressor.strategies.setup_strategy import Description, SetupStrategy, invented_fields
from aggressor.strategies.trap_rule import PERPETUAL, TrapRule

_HEARD = 64  # episodes remembered, so that a second row of one is not a second setup


@dataclass(slots=True, kw_only=True)
class Bait(Setup):
    """A bid wall that was pulled, in the frame; times of receive but for `venue_ns`."""

    level: int
    peak: float  # lots
    listed_ns: int  # when it appeared
    venue_ns: int  # of the pull
    ask_before: int | None = None

    def moved(self, ticks: int, now_ns: int) -> Self:
        """Return the same pull elsewhere, at this moment."""
        later = now_ns - self.ts_known
        return replace(
            self,
            ts_known=now_ns,
            level=self.level + ticks,
            listed_ns=self.listed_ns + later,
            venue_ns=self.venue_ns + later,
            ask_before=None,
        )


def bait_of(signal: Signal, fallback_e: float) -> Bait | None:
    """Return the bait whose pull a PULL row confirms, None for any other row."""
    if signal.kind != PULL or signal.phase != CONFIRMED or signal.side not in (1, -1):
        return None
    seen = {name: signal.evidence.get(name, nan) for name in PULL_EVIDENCE}
    if isnan(seen["peak"]) or isnan(seen["lifetime_seconds"]):
        return None
    up = signal.side
    return Bait(
        up=up,
        episode=signal.episode,
        ts_known=signal.ts_known,
        provisional=signal.provisional,
        e=fallback_e if isnan(seen["effective_tick"]) else seen["effective_tick"],
        seen=seen,
        level=up * signal.low,
        peak=seen["peak"],
        listed_ns=signal.ts_known - round(seen["lifetime_seconds"] * 1e9),
        venue_ns=signal.ts_confirmed,
    )


class LiquidityTrap(SetupStrategy[Bait, TrapRule]):
    """R7.3 on one instrument."""

    name = "liquidity_trap"
    toward = -1
    reason = "the bait was pulled"
    against = 0  # the bias halves the size, it does not forbid the trade
    at_once = True
    description: ClassVar[Description] = Description(
        trades="against those whom a large order lured in, when it is taken away",
        source="R7.3",
        needs=("PULL and ABSORPTION signals", "tape and mids over the wall's life", "near depth"),
        entry="marketable limit no worse than the best - 2 e, at once",
        stop="best price ahead before the pull + 2 e",
        targets="next wall, edge of a high volume node, or far end of the gap; else 2 R",
        exits=(
            "the bait is back",
            "the pull was none",
            "absorbed below",
            "cascade against",
            "time",
        ),
        gates={
            "bait distance": "it appeared 1 .. 10 e from the touch",
            "bait life": "it lived 1 s / 5 s",
            "attract": "then buyers took 55 % of volume, or the mid drifted 1 e",
            "test": "before the pull sellers took 60 %",
            "reach": "the best price came within 3 e of it",
            "pulled": "cancelled at least 80 % of peak",
            "traded of it": "at most 20 % of peak",
            "others gone": "fewer than three other walls went with it",
            "not back": "no level as good shows 70 % of its peak",
            "depth": "less than 0.8 of its median is left on that side",
        },
    )

    def __init__(
        self,
        instrument: Instrument,
        index: int = 0,
        rule: TrapRule = PERPETUAL,
        code: int = 3,
        history: HitRecord = NO_HISTORY,
    ) -> None:
        super().__init__(instrument, index, rule, code, history)
        self._heard: deque[int] = deque(maxlen=_HEARD)

    def hear(self, signal: Signal, view: StrategyView) -> Bait | None:
        """Return the bait of a pull, at the first row of its episode."""
        bait = bait_of(signal, view.effective_tick.value or 1.0)
        if bait is None or bait.episode in self._heard:
            return None
        self._heard.append(bait.episode)
        return bait

    def invent(self, facing: Facing) -> Bait:
        """Return a pull as far below the best as a bait may come."""
        fields, view = invented_fields(facing), facing.view
        return Bait(
            **fields,
            level=facing.bid - up_to_tick(self.rule.reach_effective * fields["e"]),
            peak=inf,
            listed_ns=view.now_ns,
            venue_ns=view.venue_now_ns,
        )

    def age_ns(self, setup: Bait, view: StrategyView) -> int:
        """Return how old the pull is, on whichever clock says more."""
        return max(view.now_ns - setup.ts_known, view.venue_now_ns - setup.venue_ns)

    def follow(self, setup: Bait, facing: Facing) -> None:
        """Note the best ask before the pull, at the first sight of it."""
        if setup.ask_before is None:
            before = facing.mid_at(setup.ts_known - 1)
            setup.ask_before = facing.ask
            if before is not None:
                was = up_to_tick(before + facing.view.spread_ticks / 2)
                setup.ask_before = max(facing.ask, was)

    def plan_of(self, setup: Bait, facing: Facing) -> Plan:
        """Return the plan of an entry that crosses now."""
        rule, view, e = self.rule, facing.view, setup.e
        assert setup.ask_before is not None
        limit = facing.bid - up_to_tick(rule.cap_effective * e)
        stop = setup.ask_before + up_to_tick(rule.stop_effective * e)
        whole = facing.bias != 1
        sized = lots_for(
            facing,
            rule,
            self._instrument,
            toward=-1,
            worst=limit,
            stop=stop,
            fee_bp=2 * view.taker_bp,
            e=e,
            share=Fraction(1) if whole else Fraction(rule.bias_share_bp, 10_000),
        )
        entry = crossing_entry(facing, -1, sized.lots, limit)
        target = self._target(setup, facing, entry)
        if target is None:
            target = down_to_tick(entry - rule.target_multiple * (stop - entry))
        return Plan(
            entry=entry,
            limit=limit,
            stop=stop,
            targets=(target,),
            stop_ticks=stop - entry,
            target_ticks=entry - target,
            cost_ticks=round_trip(facing, -1, sized.lots, crosses=True),
            sized=sized,
        )

    def own_gates(self, setup: Bait, facing: Facing, plan: Plan) -> Sequence[Gate]:
        """Return BAIT, ATTRACT, TEST, TRIGGER and INVALIDATE of R7.3."""
        rule, e = self.rule, setup.e
        seen = {name: setup.seen.get(name, nan) for name in PULL_EVIDENCE}
        pulled_ns = setup.ts_known
        flow = facing.flow(max(setup.listed_ns, pulled_ns - rule.test_ns), pulled_ns)
        sold = None if flow is None else _share(flow.sold, flow.bought)
        distance = seen["start_distance_ticks"] / e
        far = at_most("bait distance", distance, rule.far_effective)
        near = at_least("bait distance", distance, rule.near_effective)
        depth = trusted(facing.depth_share(1), young_too=rule.trade_young)
        back = facing.largest_level(1, setup.level)
        return (
            far if near.answer is Answer.PASS else near,
            at_least("bait life", seen["lifetime_seconds"], rule.life_ns / 1e9),
            self._attract(setup, facing),
            at_least("test", sold, rule.test_share),
            at_most("reach", seen["min_distance_ticks"] / e, rule.reach_effective),
            at_least("pulled", seen["cancelled_share"], rule.pulled_share),
            at_most("traded of it", seen["fill_ratio"], rule.traded_share),
            less_than("others gone", seen["others_gone"], rule.others_max),
            less_than("not back", back, rule.back_share * setup.peak),
            less_than("depth", depth, rule.depth_share),
        )

    def placement(self, setup: Bait, facing: Facing, plan: Plan) -> Placement:
        """Take at once, no worse than the limit."""
        cap = facing.bid - plan.limit
        return Placement(policy=Policy.CROSS, cap_ticks=cap, limit=facing.price(plan.limit))

    def leave(self, setup: Bait, facing: Facing, trade: Trade) -> str:
        """Return why what is held must go now."""
        rule, view = self.rule, facing.view
        if self._is_back(setup, facing):
            return "the bait is back"
        for signal in view.signals:
            if signal.kind == PULL and signal.phase == REJECTED and not self.deaf:
                if signal.episode == setup.episode:
                    return f"the pull was none: {signal.failed}"
            if signal.kind == ABSORPTION and signal.phase == CONFIRMED:
                below = trade.entry_price is None or (
                    facing.zone(signal)[1] < facing.up * trade.entry_price
                )
                if facing.faces(signal.side) > 0 and below:
                    return "absorbed below"
        if view.cascade == "cascade" and facing.cascade_side > 0:
            return "cascade against"
        if trade.entered_ns is not None and view.now_ns - trade.entered_ns >= rule.time_ns:
            return "time"
        return ""

    def invalid(self, setup: Bait, facing: Facing) -> str:
        """Return why what is unfilled must go now."""
        if self._is_back(setup, facing):
            return "the bait is back"
        cascade = facing.view.cascade
        return f"cascade: {cascade}" if cascade in self.cascades else ""

    def _is_back(self, setup: Bait, facing: Facing) -> bool:
        rule = self.rule
        if facing.view.now_ns - setup.ts_known > rule.back_ns:
            return False
        return facing.largest_level(1, setup.level) >= rule.back_share * setup.peak

    def _attract(self, setup: Bait, facing: Facing) -> Gate:
        """Return whether buyers came: by their share of what traded, or by where the mid went."""
        rule, start = self.rule, setup.listed_ns
        stop = min(start + rule.attract_ns, setup.ts_known)
        flow = facing.flow(start, stop)
        share = None if flow is None else _share(flow.bought, flow.sold)
        by_share = at_least("attract", share, rule.attract_share)
        before, after = facing.mid_at(start), facing.mid_at(stop)
        drift = None if before is None or after is None else after - before
        by_drift = at_least("attract", drift, rule.attract_effective * setup.e)
        if by_share.answer is Answer.PASS or by_drift.answer is Answer.REFUSE:
            return by_share
        return by_drift

    def _target(self, setup: Bait, facing: Facing, entry: float) -> int | None:
        """Return the nearest thing below that may stop the fall; None: there is none."""
        walls = [wall.price for wall in facing.walls(1)]
        edges = [edge for both in facing.node_edges for edge in both]
        gap = facing.gap_ticks(1)
        ends = []
        if gap is not None and gap >= self.rule.gap_effective * setup.e:
            ends.append(facing.bid - gap)
        return nearest_beyond(entry, -1, (*walls, *edges, *ends))


def _share(one: int, other: int) -> float | None:
    """Return the share of one side in what traded; None where nothing did."""
    return one / (one + other) if one + other else None
