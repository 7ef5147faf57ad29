"""How much: lots whose loss at the stop is a fixed share of equity, and caps on them (R7.0, R8.9).

    q = floor( equity x f / loss of one lot ),  loss of one lot = (stop + slip) as money + both fees

Everything is exact (Fractions over integers of 1e-8); linear and inverse differ only in what the
instrument says a move is worth. The caps are: a share of the depth one must leave through, a share
of a minute's volume, and margin: the liquidation price stays at least `stop_multiple` stop
distances away. That last bound is the R8.9 formula solved for size, with isolated wallet = equity:

    linear    q <= W / (m E + k (1 - D m))          inverse   N <= (E - D k) W / (m + k / E)

W wallet, m maintenance rate, E entry, D side, k wanted distance, in price units; N face value.
"""

from fractions import Fraction
from typing import Annotated, NamedTuple

import msgspec

from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.schema.settings import about


class SizingRule(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are exact: numerator over 10_000."""

    risk_bp: Annotated[int, about("of equity, lost when the stop is hit", "bp")] = 25
    depth_bp: Annotated[int, about("of the top-3 depth on the exit side", "bp")] = 500
    volume_bp: Annotated[int, about("of one minute's volume", "bp")] = 1000
    stop_multiple: Annotated[int, about("liquidation at least so far", "stop distances")] = 3
    maintenance_bp: Annotated[
        int, about("maintenance margin rate where the venue's is not known", "bp")
    ] = 100
    lots_max: Annotated[int, about("never more", "lots")] = 10**12


class Sized(NamedTuple):
    """The size, the bound that decided it, and the caps that could not be evaluated."""

    lots: int
    bound: str
    unknown: tuple[str, ...]


def loss_per_lot(
    instrument: Instrument,
    side: int,
    entry: int | Fraction,
    stop_ticks: int,
    slip_ticks: int | Fraction,
    fee_bp: Fraction,
) -> Fraction:
    """Return what one lot loses from `entry` to beyond the stop, with fees of both legs, in 1e-8.

    `fee_bp` is the sum of both legs' rates, charged on the value at entry.
    """
    exit_ticks = entry - side * (stop_ticks + slip_ticks)
    fees = abs(instrument.notional(entry, 1)) * fee_bp / 10_000
    return -instrument.profit(side, entry, exit_ticks) + fees


def risk_size(equity: int, risk_bp: int, loss: Fraction) -> int:
    """Return floor(equity x f / loss), at least 0; `loss` of one lot in 1e-8."""
    assert loss > 0, "a stop that loses nothing is not a stop"
    return max(0, int(Fraction(equity) * risk_bp / 10_000 // loss))


def margin_size(
    instrument: Instrument, side: int, entry: int, distance_ticks: int, wallet: int, m: Fraction
) -> int:
    """Return the most lots whose liquidation price is `distance_ticks` or more away (R8.9)."""
    tick, unit = (
        Fraction(instrument.tick),
        Fraction(instrument.lot) * Fraction(instrument.multiplier),
    )
    money = Fraction(wallet, 10**8)
    price, distance = entry * tick, distance_ticks * tick
    if instrument.kind is ContractKind.INVERSE:
        face = (price - side * distance) * money / (m + distance / price)
        return max(0, int(face // unit))
    size = money / (m * abs(price) + distance * (1 - side * m))
    return max(0, int(size // unit))


def size_of(
    rule: SizingRule,
    instrument: Instrument,
    *,
    side: int,
    entry: int,
    stop_ticks: int,
    slip_ticks: int | Fraction,
    fee_bp: Fraction,
    equity: int,
    exit_depth: int | None,
    volume_1m: int | None,
    share: Fraction = Fraction(1),
) -> Sized:
    """Return the size by R7.0, the smallest of all bounds, times `share` (of the liquidity regime).

    `equity` 1e-8; `exit_depth` and `volume_1m` lots, None where not known (then that cap is
    unknown, and the caller decides what an unknown cap means).
    """
    loss = loss_per_lot(instrument, side, entry, stop_ticks, slip_ticks, fee_bp)
    risked = int(risk_size(equity, rule.risk_bp, loss) * share)
    distance = rule.stop_multiple * stop_ticks
    m = Fraction(rule.maintenance_bp, 10_000)
    bounds = {
        "risk": risked,
        "margin": margin_size(instrument, side, entry, distance, equity, m),
        "lots_max": rule.lots_max,
    }
    unknown: list[str] = []
    for name, seen, part in (
        ("depth", exit_depth, rule.depth_bp),
        ("volume", volume_1m, rule.volume_bp),
    ):
        if seen is None:
            unknown.append(name)
        else:
            bounds[name] = seen * part // 10_000
    bound = min(bounds, key=lambda name: bounds[name])
    return Sized(max(0, bounds[bound]), bound, tuple(unknown))
