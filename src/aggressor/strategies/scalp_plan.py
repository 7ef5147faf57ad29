"""Where an exhaustion scalp goes in and out (R7.1); in the run's frame.

entry   the best ask, where we rest
stop    P1 + max(2 e, run / 4), rounded away from the entry
first   half at P1 - 0.382 run; second: half at the one-minute VWAP or P1 - run / 2, whichever
        is nearer; both rounded away from the entry (harder to reach, never flattering)
"""

from math import ceil, floor

from aggressor.schema.instrument import Instrument
from aggressor.strategies.facing import Facing
from aggressor.strategies.plan import Plan, lots_for, round_trip
from aggressor.strategies.scalp_rule import ScalpRule
from aggressor.strategies.stall import Run


def stop_price(run: Run, rule: ScalpRule) -> int:
    """Return P1 + max(2 e, run / 4)."""
    return run.p1 + ceil(max(rule.stop_effective * run.e, rule.stop_run * run.ticks))


def target_prices(run: Run, rule: ScalpRule, entry: int, vwap: float | None) -> tuple[int, int]:
    """Return both targets; a VWAP that is not beyond the entry is no target."""
    first = floor(run.p1 - rule.first_target_run * run.ticks)
    second = floor(run.p1 - rule.second_target_run * run.ticks)
    if vwap is not None and floor(vwap) < entry:
        second = max(second, floor(vwap))
    return first, second


def plan_of(run: Run, facing: Facing, rule: ScalpRule, instrument: Instrument) -> Plan:
    """Return the plan as it stands now; its size may be 0."""
    view, entry = facing.view, facing.ask
    stop = stop_price(run, rule)
    targets = target_prices(run, rule, entry, facing.vwap)
    sized = lots_for(
        facing,
        rule,
        instrument,
        toward=-1,
        worst=entry,
        stop=stop,
        fee_bp=view.maker_bp + view.taker_bp,
        e=run.e,
    )
    return Plan(
        entry=entry,
        limit=entry,
        stop=stop,
        targets=targets,
        stop_ticks=stop - entry,
        target_ticks=entry - sum(targets) / 2,
        cost_ticks=round_trip(facing, -1, sized.lots, crosses=False),
        sized=sized,
    )
