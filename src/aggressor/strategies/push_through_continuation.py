"""Push-through continuation: buy with those who ate an ask wall; and its mirror image (R7.2).

    signal   PUSH_THROUGH confirmed at CLEAR: the wall at L was consumed, one stroke finished it
    entry    at once, one marketable limit no worse than L + 2 e; if nothing filled, once, a bid at
             L for the retest, then given up
    stop     L - 2 e; moved to the entry when the best bid is one R above it
    target   2 R, or the next ask wall or edge of a high volume node where that is nearer
    leave    the best bid falls below L again within the hold window, or never reached it; half of
             the wall's peak is offered at L or below; below one R at the time stop; the range of
             10 s has shrunk to 0.3 of the widest since CLEAR ("consolidates above")

R is the way from the entry expected to the stop. The best bid is below L at CLEAR by the nature of
a sweep, so "best bid < L within 2 s" is read as R5.6 reads HOLD: it must get there, and stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isnan, nan
from typing import ClassVar, Self

from aggressor.execution.intent import Action, Intent, Placement, Policy, Protection
from aggressor.execution.trade import Trade
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import CONFIRMED, PUSH_THROUGH
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import (
    NO_HISTORY,
    Gate,
    HitRecord,
    at_least,
    at_most,
    holds,
    less_than,
    times,
    trusted,
)
from aggressor.strategies.needs import BREAK_EVIDENCE, Signal, StrategyView
from aggressor.strategies.plan import (
    Plan,
    crossing_entry,
    down_to_tick,
    lots_for,
    nearest_beyond,
    round_trip,
    up_to_tick,
)
from aggressor.strategies.push_rule import PERPETUAL, PushRule
from aggressor.strategies.setup import Setup
from aggressor.strategies.setup_strategy import (
    Description,
    SetupStrategy,
    invented_fields,
    protection_of,
)

_CLEAR = 1  # stage of a PUSH_THROUGH row


@dataclass(slots=True, kw_only=True)
class Break(Setup):
    """An ask wall that was eaten, in the frame; times of receive."""

    level: int
    peak: float  # lots
    test_ns: int  # when its test began
    clear_ns: int
    reached: bool = False  # the best bid has been at L or above
    widest: int = 0  # ticks: largest range since CLEAR
    retested: bool = False

    def moved(self, ticks: int, now_ns: int) -> Self:
        """Return the same break elsewhere, at this moment."""
        later = now_ns - self.clear_ns
        return replace(
            self,
            ts_known=now_ns,
            level=self.level + ticks,
            test_ns=self.test_ns + later,
            clear_ns=now_ns,
            reached=False,
            widest=0,
            retested=False,
        )


def break_of(signal: Signal, fallback_e: float) -> Break | None:
    """Return the break that a PUSH_THROUGH row at CLEAR tells of, None for any other."""
    if signal.kind != PUSH_THROUGH or signal.phase != CONFIRMED:
        return None
    seen = {name: signal.evidence.get(name, nan) for name in BREAK_EVIDENCE}
    up = signal.direction
    if seen["stage"] != _CLEAR or up not in (1, -1) or isnan(seen["level"]) or isnan(seen["peak"]):
        return None
    age_s = 0.0 if isnan(seen["clear_age_seconds"]) else seen["clear_age_seconds"]
    return Break(
        up=up,
        episode=signal.episode,
        ts_known=signal.ts_known,
        provisional=signal.provisional,
        e=fallback_e if isnan(seen["effective_tick"]) else seen["effective_tick"],
        seen=seen,
        level=up * round(seen["level"]),
        peak=seen["peak"],
        test_ns=signal.ts_known - (signal.ts_confirmed - signal.ts_armed),
        clear_ns=signal.ts_known - round(age_s * 1e9),
    )


class PushThroughContinuation(SetupStrategy[Break, PushRule]):
    """R7.2 on one instrument."""

    name = "push_through_continuation"
    toward = 1
    reason = "the wall was eaten"
    against = -1
    at_once = True
    description: ClassVar[Description] = Description(
        trades="with those who ate a wall of the book, as long as price holds beyond it",
        source="R7.2",
        needs=("PUSH_THROUGH signals", "walls, ended ones too", "tape of the test", "HVN edges"),
        entry="marketable limit no worse than L + 2 e, at once; else one order at L for the retest",
        stop="L - 2 e; to the entry at one R",
        targets="2 R, or the next wall or edge of a high volume node where nearer",
        exits=(
            "fell back beneath the level",
            "the level was not held",
            "a wall was put back",
            "time: less than one R",
            "consolidates",
        ),
        gates={
            "wall age": "the wall stood 2 s / 20 s",
            "traded share": "f_T at least 0.5",
            "cancelled share": "f_C at most 0.3",
            "test delta": "bought more than sold since the test began",
            "clearing stroke": "an order or burst of Q.99 or more finished it",
            "next wall": "none within 4 e beyond",
            "cost to trade": "from the mid, at most a third of the target",
            "velocity": "below 8 sigma over the last second",
            "reward": "target at least 1.2 R",
        },
    )

    def __init__(
        self,
        instrument: Instrument,
        index: int = 0,
        rule: PushRule = PERPETUAL,
        code: int = 2,
        history: HitRecord = NO_HISTORY,
    ) -> None:
        super().__init__(instrument, index, rule, code, history)

    def hear(self, signal: Signal, view: StrategyView) -> Break | None:
        """Return the break of a push-through at CLEAR."""
        return break_of(signal, view.effective_tick.value or 1.0)

    def invent(self, facing: Facing) -> Break:
        """Return a break of the price before the best ask."""
        now = facing.view.now_ns
        return Break(
            **invented_fields(facing), level=facing.ask - 1, peak=inf, test_ns=now, clear_ns=now
        )

    def follow(self, setup: Break, facing: Facing) -> None:
        """Note whether the level was reached, and the widest range since CLEAR."""
        setup.reached = setup.reached or facing.bid >= setup.level
        seen = _range(facing, self.rule.range_ns)
        if seen is not None:
            setup.widest = max(setup.widest, seen)

    def plan_of(self, setup: Break, facing: Facing) -> Plan:
        """Return the plan of an entry that crosses now."""
        return self._plan(setup, facing, crosses=True)

    def own_gates(self, setup: Break, facing: Facing, plan: Plan) -> Sequence[Gate]:
        """Return SETUP, TRIGGER and REJECT of R7.2."""
        rule, e = self.rule, setup.e
        seen = {name: setup.seen.get(name, nan) for name in BREAK_EVIDENCE}
        flow = facing.flow(setup.test_ns)
        ahead = [wall.price - setup.level for wall in facing.walls(-1)]
        blocked = any(0 < away <= rule.next_wall_effective * e for away in ahead)
        cost = facing.cost_to_trade(1, max(1, plan.sized.lots))
        from_mid = None if cost is None else cost + facing.view.spread_ticks / 2
        sigma = trusted(facing.view.sigma_second, young_too=rule.trade_young)
        before = facing.mid_at(facing.view.now_ns - rule.late_ns)
        velocity = None if before is None else facing.mid - before
        stroke = max(
            _ratio(seen["order_lots"], seen["order_quantile"]),
            _ratio(seen["burst_lots"], seen["burst_quantile"]),
        )
        words = f"none within {rule.next_wall_effective:g} e"
        age = facing.wall_age(-1, setup.level, setup.test_ns)
        return (
            at_least("wall age", age, rule.wall_age_ns),
            at_least("traded share", seen["traded_share"], rule.traded_share),
            at_most("cancelled share", seen["cancelled_share"], rule.cancelled_share),
            at_least("test delta", None if flow is None else flow.delta, 1),
            at_least("clearing stroke", stroke, 1.0),
            holds("next wall", not blocked, words),
            at_most("cost to trade", from_mid, rule.cost_share * plan.target_ticks),
            less_than("velocity", velocity, times(rule.late_sigmas, sigma)),
            at_least("reward", plan.target_ticks, rule.reward * plan.stop_ticks),
        )

    def placement(self, setup: Break, facing: Facing, plan: Plan) -> Placement:
        """Take at once, no worse than the limit."""
        cap = max(0, plan.limit - facing.ask)
        return Placement(policy=Policy.CROSS, cap_ticks=cap, limit=facing.price(plan.limit))

    def adjust(self, setup: Break, facing: Facing, trade: Trade) -> Intent | None:
        """Rest at L, once, when the crossing order came back with nothing or could never fill."""
        sent = trade.entry.orders
        working = any(order.id in sent for order in facing.view.open_orders)
        if setup.retested or working or trade.bracket.entered:
            return None
        if not sent and facing.ask <= facing.price(trade.entry.placement.limit):
            return None
        setup.retested = True
        rule = self.rule
        placement = Placement(
            policy=Policy.JOIN,
            wait_ns=rule.retest_ns,
            repeg_ns=rule.repeg_ns,
            chase_ticks=up_to_tick(rule.stop_effective * setup.e),
            limit=facing.price(setup.level),
        )
        protection = protection_of(facing, self._plan(setup, facing, crosses=False))
        return self.ask(trade, Action.REPLACE, "waits for the retest", placement, protection)

    def secure(self, setup: Break, facing: Facing, trade: Trade) -> Intent | None:
        """Bring the stop to the entry at one R."""
        entry, stop = _entry_and_stop(facing, trade)
        at_entry = down_to_tick(entry)
        if stop >= at_entry or facing.bid - entry < self.rule.secure_multiple * (entry - stop):
            return None
        now = trade.bracket.protection
        nearer = Protection(stop=facing.price(at_entry), targets=now.targets)
        return self.ask(trade, Action.PROTECT, "the stop goes to the entry", protection=nearer)

    def leave(self, setup: Break, facing: Facing, trade: Trade) -> str:
        """Return why what is held must go now."""
        rule, now = self.rule, facing.view.now_ns
        since = now - setup.clear_ns
        if setup.reached and since <= rule.hold_ns and facing.bid < setup.level:
            return "fell back beneath the level"
        if not setup.reached and since >= rule.hold_ns:
            return "the level was not held"
        if self._put_back(setup, facing):
            return "a wall was put back"
        assert trade.entered_ns is not None
        held = now - trade.entered_ns
        entry, stop = _entry_and_stop(facing, trade)
        if held >= rule.time_ns and stop < down_to_tick(entry):
            if facing.bid - entry < rule.secure_multiple * (entry - stop):
                return "time: less than one R"
        seen = _range(facing, rule.range_ns)
        if held >= rule.range_ns and seen is not None and seen <= rule.range_share * setup.widest:
            return "consolidates"
        return ""

    def invalid(self, setup: Break, facing: Facing) -> str:
        """Return why what is unfilled must go now."""
        view = facing.view
        if view.cascade in self.cascades:
            return f"cascade: {view.cascade}"
        if facing.bias == self.against:
            return "the bias goes against it"
        if setup.retested and self._put_back(setup, facing):
            return "a wall was put back"
        return ""

    def _put_back(self, setup: Break, facing: Facing) -> bool:
        largest = facing.largest_level(-1, setup.level)
        return largest >= self.rule.put_back_share * setup.peak

    def _plan(self, setup: Break, facing: Facing, *, crosses: bool) -> Plan:
        rule, view, e = self.rule, facing.view, setup.e
        limit = setup.level + (up_to_tick(rule.cap_effective * e) if crosses else 0)
        stop = setup.level - up_to_tick(rule.stop_effective * e)
        first_bp = view.taker_bp if crosses else view.maker_bp
        sized = lots_for(
            facing,
            rule,
            self._instrument,
            toward=1,
            worst=limit,
            stop=stop,
            fee_bp=first_bp + view.taker_bp,
            e=e,
        )
        entry = crossing_entry(facing, 1, sized.lots, limit) if crosses else float(limit)
        target = up_to_tick(entry + rule.target_multiple * (entry - stop))
        walls = (wall.price for wall in facing.walls(-1))
        edges = (edge for both in facing.node_edges for edge in both)
        nearer = nearest_beyond(entry, 1, (*walls, *edges))
        target = target if nearer is None else min(target, nearer)
        return Plan(
            entry=entry,
            limit=limit,
            stop=stop,
            targets=(target,),
            stop_ticks=entry - stop,
            target_ticks=target - entry,
            cost_ticks=round_trip(facing, 1, sized.lots, crosses=crosses),
            sized=sized,
        )


def _entry_and_stop(facing: Facing, trade: Trade) -> tuple[float, int]:
    """Return the average entry and the stop as it stands, in the frame."""
    assert trade.entry_price is not None
    return float(facing.up * trade.entry_price), facing.price(trade.bracket.protection.stop)


def _range(facing: Facing, span_ns: int) -> int | None:
    """Return the range of what traded lately, 0 where nothing did; None: not kept so far back."""
    flow = facing.flow(facing.view.now_ns - span_ns)
    if flow is None:
        return None
    return 0 if flow.high is None or flow.low is None else flow.high - flow.low


def _ratio(value: float, bound: float) -> float:
    """Return value / bound, at most which an order or burst is usual; not known counts as none."""
    return value / max(bound, 1.0) if not isnan(value) and not isnan(bound) else 0.0
