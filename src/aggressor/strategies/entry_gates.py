"""The gates of R7.0, the same for every strategy, around those of its own."""

from collections.abc import Sequence

from aggressor.schema.signal import BEFORE_TOLERANCE, FIRM
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import (
    Gate,
    HitRecord,
    at_least,
    at_most,
    cost_gate,
    holds,
    is_not,
    times,
    trusted,
)
from aggressor.strategies.plan import Plan
from aggressor.strategies.rule import StrategyRule
from aggressor.strategies.setup import Setup

MARKET_GATES = {
    "data": "the book is whole, not crossed, not stale",
    "reference venue": "at least one other venue agrees",
    "liquidity": "R6.3 is not VACUUM",
    "cascade": "R5.8 is none (exhaustion scalp), not CASCADE (the others)",
    "spread": "at most so many medians of the last hour",
    "funding": "not within a minute before it",
    "signal age": "the signal is fresh",
    "signal firm": "its baselines are ripe and no data is missing",
    "bias": "the higher time frames are not against it (R6.6)",
}
PLAN_GATES = {
    "stop side": "the stop is a tick or more behind the entry",
    "target side": "the targets are a tick or more before it",
    "size": "one lot or more",
    "size caps": "depth and volume, which cap the size, are known",
    "cost": "p* = (S + C) / (T + S) is at most the lower 90 % Wilson bound of the hit rate",
}


def market_gates(
    setup: Setup,
    facing: Facing,
    rule: StrategyRule,
    *,
    age_ns: int,
    cascades: tuple[str, ...],
    against: int,
    at_once: bool,
) -> list[Gate]:
    """Return the gates that look at the market and the signal.

    `against` is the bias of the frame that forbids the trade, 0: none does. `at_once`: the rule
    enters before the ledger's tolerance has passed, so that attribution may still be provisional.
    """
    view, young = facing.view, rule.trade_young
    spread = trusted(view.median_spread, young_too=young)
    until = None if view.funding_ns is None else view.funding_ns - view.venue_now_ns
    near = None if until is None else not 0 <= until <= rule.funding_ns
    enough = (FIRM, BEFORE_TOLERANCE) if at_once else (FIRM,)
    firm = True if young or setup.provisional in enough else None
    gates = [
        holds("data", view.valid, "book valid"),
        holds("reference venue", view.reference_valid, "one agrees"),
        is_not("liquidity", view.liquidity_regime, ("vacuum",)),
        is_not("cascade", view.cascade, cascades),
        at_most("spread", view.spread_ticks, times(rule.spread_multiple, spread)),
        holds("funding", near, "not within a minute before"),
        at_most("signal age", age_ns, rule.signal_age_ns),
        holds("signal firm", firm, "not provisional"),
    ]
    if against:
        gates.append(is_not("bias", facing.bias, (against,)))
    return gates


def plan_gates(plan: Plan, record: HitRecord, rule: StrategyRule) -> Sequence[Gate]:
    """Return the gates that look at the plan."""
    caps = None if plan.sized.unknown else True
    return (
        at_least("stop side", plan.stop_ticks, 1),
        at_least("target side", plan.target_ticks, 1),
        at_least("size", plan.sized.lots, 1),
        holds("size caps", caps, "depth and volume known"),
        _cost(plan, record, rule),
    )


def _cost(plan: Plan, record: HitRecord, rule: StrategyRule) -> Gate:
    if plan.stop_ticks + plan.target_ticks <= 0:
        return at_least("cost", plan.target_ticks, 1)
    return cost_gate(plan.target_ticks, plan.stop_ticks, plan.cost_ticks, record, rule.outcomes_min)
