"""Where a trade goes in and out, how large it is, and what it costs (R7.0); in the setup's frame.

`toward` is the side of the trade in the frame: +1 goes with the setup, -1 against it. Size is that
of the worst price an entry may get (`limit`), so that no fill risks more than was meant; distances
are from the price it is expected to get (`entry`).

Cost of a round trip C, in ticks: fees of both legs, and what sweeps of our size cost beyond the
touch. Where the entry crosses, its own sweep is in `entry` already and is not counted again. Exits
are taken as aggressive although targets are passive: the pessimistic reading.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from aggressor.execution.sizing import Sized, size_of
from aggressor.schema.instrument import Instrument
from aggressor.strategies.facing import Facing
from aggressor.strategies.rule import StrategyRule

_EPS = 1e-9  # of a tick: what averages of prices lose to rounding
NO_SIZE = Sized(0, "stop", ())


class Plan(NamedTuple):
    """Prices of the frame; `target_ticks` is the mean way to all targets."""

    entry: float  # expected average
    limit: int  # no worse than this
    stop: int
    targets: tuple[int, ...]
    stop_ticks: float
    target_ticks: float
    cost_ticks: float | None  # None: not known
    sized: Sized

    @property
    def possible(self) -> bool:
        """Whether it is a trade at all: a size, a stop behind and a target before it."""
        return self.sized.lots > 0 and self.stop_ticks >= 1 and self.target_ticks >= 1


def up_to_tick(price: float) -> int:
    """Return a price rounded up to a whole tick."""
    return ceil(price - _EPS)


def down_to_tick(price: float) -> int:
    """Return a price rounded down to a whole tick."""
    return floor(price + _EPS)


def lots_for(
    facing: Facing,
    rule: StrategyRule,
    instrument: Instrument,
    *,
    toward: int,
    worst: int,
    stop: int,
    fee_bp: float,
    e: float,
    share: Fraction = Fraction(1),
) -> Sized:
    """Return the size by R7.0 at the worst entry, halved in a thin market, times `share`."""
    view = facing.view
    stop_ticks = toward * (worst - stop)
    if stop_ticks <= 0:
        return NO_SIZE
    if view.liquidity_regime == "thin":
        share *= Fraction(rule.thin_share_bp, 10_000)
    return size_of(
        rule.sizing,
        instrument,
        side=toward * facing.up,
        entry=facing.price(worst),
        stop_ticks=stop_ticks,
        slip_ticks=ceil(rule.slip_effective * e),
        fee_bp=Fraction(fee_bp).limit_denominator(10**6),
        equity=view.equity,
        exit_depth=facing.exit_depth(toward),
        volume_1m=view.volume_1m,
        share=share,
    )


def crossing_entry(facing: Facing, toward: int, lots: int, limit: int) -> float:
    """Return the average price of taking `lots` (at least one) now, no worse than `limit`."""
    touch = facing.ask if toward > 0 else facing.bid
    away = facing.cost_to_trade(toward, max(1, lots))
    worst = toward * limit
    return toward * min(toward * touch + away, worst) if away is not None else float(limit)


def round_trip(facing: Facing, toward: int, lots: int, *, crosses: bool) -> float | None:
    """Return C of `lots` (at least one) in ticks; None: not known."""
    view = facing.view
    lots = max(1, lots)
    out = 0.0 if crosses else facing.cost_to_trade(toward, lots)
    back = facing.cost_to_trade(-toward, lots)
    if out is None or back is None:
        return None
    first_bp = view.taker_bp if crosses else view.maker_bp
    return (first_bp + view.taker_bp) * abs(view.mid2) / 2 / 10_000 + out + back


def nearest_beyond(entry: float, toward: int, prices: Iterable[int]) -> int | None:
    """Return the price nearest to the entry on the way of the trade; None: there is none."""
    beyond = [price for price in prices if toward * (price - entry) > 0]
    return min(beyond, key=lambda price: toward * price) if beyond else None
