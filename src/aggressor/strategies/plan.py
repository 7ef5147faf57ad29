"""Where an exhaustion scalp goes in and out, and at what cost (R7.1, R7.0); in the run's frame.

    entry   the best ask, where we rest
    stop    P1 + max(2 e, run / 4), rounded away from the entry
    first   half at P1 - 0.382 run; second: half at the one-minute VWAP or P1 - run / 2, whichever
            is nearer; both rounded away from the entry (harder to reach, never flattering)

Cost of a round trip in ticks: fees of a passive entry and an aggressive exit, and what a sweep of
our size costs beyond the touch on either side. The exit is taken as aggressive although targets are
passive: the pessimistic reading.
"""

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from aggressor.execution.sizing import Sized, size_of
from aggressor.schema.instrument import Instrument
from aggressor.strategies.facing import Facing
from aggressor.strategies.scalp_rule import ScalpRule
from aggressor.strategies.stall import Run


class Plan(NamedTuple):
    """Prices of the frame; `target_ticks` is the mean way to both, `cost_ticks` None: not known."""

    entry: int
    stop: int
    first: int
    second: int
    stop_ticks: int
    target_ticks: float
    cost_ticks: float | None
    sized: Sized


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


def cost_ticks(facing: Facing, lots: int) -> float | None:
    """Return the expected cost of a round trip of `lots` (at least one); None: not known."""
    view = facing.view
    out = view.cost_to_trade(1, max(1, lots))
    back = view.cost_to_trade(-1, max(1, lots))
    if out is None or back is None:
        return None
    fees = (view.maker_bp + view.taker_bp) * abs(view.mid2) / 2 / 10_000
    return fees + out + back


def plan_of(run: Run, facing: Facing, rule: ScalpRule, instrument: Instrument) -> Plan:
    """Return the plan as it stands now; its size may be 0."""
    view = facing.view
    entry = facing.ask
    stop = stop_price(run, rule)
    first, second = target_prices(run, rule, entry, facing.vwap)
    stop_ticks = stop - entry
    share = Fraction(rule.thin_share_bp, 10_000) if view.liquidity_regime == "thin" else Fraction(1)
    sized = Sized(0, "stop", ())
    if stop_ticks > 0:
        fees = Fraction(view.maker_bp + view.taker_bp).limit_denominator(10**6)
        sized = size_of(
            rule.sizing,
            instrument,
            side=-facing.up,
            entry=facing.price(entry),
            stop_ticks=stop_ticks,
            slip_ticks=ceil(rule.slip_effective * run.e),
            fee_bp=fees,
            equity=view.equity,
            exit_depth=facing.exit_depth,
            volume_1m=view.volume_1m,
            share=share,
        )
    return Plan(
        entry=entry,
        stop=stop,
        first=first,
        second=second,
        stop_ticks=stop_ticks,
        target_ticks=entry - (first + second) / 2,
        cost_ticks=cost_ticks(facing, sized.lots),
        sized=sized,
    )
