"""What trading cost, and beside what (R8.1, R8.2, R8.3).

Per order worked (`OrderCost`), exactly and in money, + is paid:

    delay        D (Pa - Pd) X           the mid from decision to the first send
    trading      sum of D (p - Pa) q     the fills against the mid at the first send
    opportunity  D (Pe - Pd) (Q - X)     what was not filled, at the mid of the end
    fees

with side D, decision price Pd, arrival mid Pa, filled X of Q, end mid Pe. For inverse contracts the
differences are those of 1 / price (`Instrument.profit`). In basis points: of Q at Pd. Arrival
slippage is D (average - Pa) / Pa.

Per fill (`FillCost`), in basis points of the mid M at the fill: effective spread 2 D (p - M),
realised spread 2 D (p - M_h), impact 2 D (M_h - M), and the markout D (M_h - p) at each horizon.

Means are never shown alone: n, median, and a 95 % interval from a circular block bootstrap over
orders in order of time (blocks of n^(1/3), at least 5), since neighbours share a market.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import floor, log10
from typing import Any

import msgspec
import numpy as np

from aggressor.execution.parent import Account, PartFill
from aggressor.execution.working import Counts
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.study.estimates import Estimate, bootstrap, not_shown
from aggressor.study.tops import Interval

HORIZONS_S = (1, 5, 60)
HOUR_NS = 3_600_000_000_000
MIN_ORDERS = 5  # below, an interval says nothing
Mids = Callable[[int], int | None]  # bid + ask in ticks at a time


class FillCost(msgspec.Struct, frozen=True, kw_only=True):
    """One fill; basis points of the mid at the fill, None where a mid is not known."""

    ts_recv: int
    price: int
    lots: int
    maker: bool
    fee_bp: float
    effective_bp: float | None
    realised_bp: dict[int, float | None]  # by horizon, seconds
    impact_bp: dict[int, float | None]
    markout_bp: dict[int, float | None]


class OrderCost(msgspec.Struct, frozen=True, kw_only=True):
    """One order worked. Money 1e-8 of settlement, exact; None where a mid is not known."""

    account: Account
    instrument: Instrument
    strategy: str
    regime: str
    average: float | None  # ticks
    delay: Fraction | None
    trading: Fraction | None
    opportunity: Fraction | None
    fees: int
    total: Fraction | None
    total_bp: float | None  # of Q at Pd
    slippage_bp: float | None  # of the fills against arrival, without fees
    fees_bp: float | None  # of the fills' value
    participation: float | None  # of what others traded meanwhile
    error_bp: float | None  # what it cost less what the policy expected
    meanwhile: Interval | None  # what the market did between decision and end
    fills: tuple[FillCost, ...]


def fill_cost(fill: PartFill, side: int, one: Instrument, mids: Mids) -> FillCost:
    """Return what one fill cost (R8.2); T8.2."""
    now = mids(fill.ts_recv)
    value = abs(one.notional(fill.price, fill.lots))
    effective = None if now is None else _bp(2 * side * (2 * fill.price - now), now)
    realised: dict[int, float | None] = {}
    impact: dict[int, float | None] = {}
    markout: dict[int, float | None] = {}
    for horizon in HORIZONS_S:
        later = mids(fill.ts_recv + horizon * 1_000_000_000)
        realised[horizon] = impact[horizon] = markout[horizon] = None
        if now is not None and later is not None:
            realised[horizon] = _bp(2 * side * (2 * fill.price - later), now)
            impact[horizon] = _bp(2 * side * (later - now), now)
            markout[horizon] = _bp(side * (later - 2 * fill.price), now)
    return FillCost(
        ts_recv=fill.ts_recv,
        price=fill.price,
        lots=fill.lots,
        maker=fill.maker,
        fee_bp=float(fill.fee / value * 10_000),
        effective_bp=effective,
        realised_bp=realised,
        impact_bp=impact,
        markout_bp=markout,
    )


def _bp(half_ticks: int, mid2: int | None) -> float | None:
    """Return a difference in half ticks as basis points of a mid."""
    return half_ticks / mid2 * 1e4 if mid2 else None


def order_cost(
    done: Account,
    one: Instrument,
    mids: Mids,
    *,
    strategy: str = "",
    regime: str = "",
    end_ns: int | None = None,
    meanwhile: Interval | None = None,
) -> OrderCost:
    """Return what an order cost (R8.1); T8.1. The end is that of the order, or `end_ns`."""
    side, filled = done.side, done.filled
    end = end_ns if end_ns is not None else done.ended_ns
    decided, arrived = _half(done.decision_mid2), _half(done.arrival_mid2)
    ended = _half(mids(end)) if end is not None else None
    if filled < done.lots and ended is None:
        opportunity = None
    elif filled == done.lots:
        opportunity = Fraction(0)
    else:
        opportunity = _paid(one, side * (done.lots - filled), decided, ended)
    delay = _paid(one, side * filled, decided, arrived) if filled else Fraction(0)
    trading = Fraction(0)
    if filled:
        parts = [_paid(one, side * f.lots, arrived, Fraction(f.price)) for f in done.fills]
        trading = None if None in parts else sum((p for p in parts if p is not None), Fraction(0))
    pieces = (delay, trading, opportunity)
    known = [p for p in pieces if p is not None]
    total = sum(known, Fraction(done.fees)) if len(known) == len(pieces) else None
    whole = abs(one.notional(decided, done.lots)) if decided else None
    average = Fraction(sum(f.price * f.lots for f in done.fills), filled) if filled else None
    slip = float(side * (average - arrived) / arrived * 10_000) if average and arrived else None
    value = sum((abs(one.notional(f.price, f.lots)) for f in done.fills), Fraction(0))
    fees_bp = float(done.fees / value * 10_000) if value else None
    expected = done.expected_bp
    missed = None
    if expected is not None and slip is not None and fees_bp is not None:
        missed = slip + fees_bp - expected
    return OrderCost(
        account=done,
        instrument=one,
        strategy=strategy or str(done.strategy),
        regime=regime,
        average=float(average) if average is not None else None,
        delay=delay,
        trading=trading,
        opportunity=opportunity,
        fees=done.fees,
        total=total,
        total_bp=float(total / whole * 10_000) if total is not None and whole else None,
        slippage_bp=slip,
        fees_bp=fees_bp,
        participation=filled / done.volume if done.volume > 0 else None,
        error_bp=missed,
        meanwhile=meanwhile,
        fills=tuple(fill_cost(f, side, one, mids) for f in done.fills),
    )


def _half(mid2: int | None) -> Fraction | None:
    return None if mid2 is None else Fraction(mid2, 2)


def _paid(
    one: Instrument, lots: int, before: Fraction | None, after: Fraction | None
) -> Fraction | None:
    """Return what `lots` (+ bought) cost more at one price than at another, 1e-8."""
    if before is None or after is None:
        return None
    return one.profit(lots, before, after)


def times_of(accounts: Iterable[Account]) -> set[int]:
    """Return every moment whose mid the costs of these orders need."""
    wanted: set[int] = set()
    for done in accounts:
        wanted.add(done.decided_ns)
        if done.ended_ns is not None:
            wanted.add(done.ended_ns)
        for fill in (*done.fills, *done.exits):
            wanted.update(fill.ts_recv + h * 1_000_000_000 for h in (0, *HORIZONS_S))
    return wanted


def _size(cost: OrderCost) -> str:
    """Return the decade of an order's value in its settlement currency."""
    one, mid2 = cost.instrument, cost.account.decision_mid2
    if not mid2:
        return "not known"
    value = abs(one.notional(Fraction(mid2, 2), cost.account.lots)) / 10**8
    decade = floor(log10(value)) if value else 0
    unit = one.settle or (one.base if one.kind is ContractKind.INVERSE else one.quote)
    return f"{10.0**decade:,.9g} to {10.0 ** (decade + 1):,.9g} {unit}"


KEYS: Mapping[str, Callable[[OrderCost], str]] = {
    "all": lambda _: "all",
    "strategy": lambda cost: cost.strategy.partition("/")[0],
    "policy": lambda cost: cost.account.policy,
    "venue": lambda cost: cost.instrument.venue,
    "instrument": lambda cost: cost.instrument.id,
    "side": lambda cost: "buy" if cost.account.side > 0 else "sell",
    "size": _size,
    "hour": lambda cost: f"{cost.account.decided_ns // HOUR_NS % 24:02d} UTC",
    "regime": lambda cost: cost.regime or "not known",
}


def aggregate(costs: Sequence[OrderCost]) -> list[dict[str, Any]]:
    """Return costs by each of KEYS: n, fill rate, and estimates of every figure of R8.3.

    `costs` in order of time.
    """
    out: list[dict[str, Any]] = []
    for by, key in KEYS.items():
        groups: dict[str, list[OrderCost]] = {}
        for cost in costs:
            groups.setdefault(key(cost), []).append(cost)
        out += [{"by": by, "group": name, **_figures(groups[name])} for name in sorted(groups)]
    return out


def _figures(costs: Sequence[OrderCost]) -> dict[str, Any]:
    asked = sum(c.account.lots for c in costs)
    filled = sum(c.account.filled for c in costs)
    fills = [f for c in costs for f in c.fills]
    return {
        "orders": len(costs),
        "filled_share": filled / asked if asked else None,
        "maker_share": sum(c.account.maker_lots for c in costs) / filled if filled else None,
        "fills": len(fills),
        "counts": {
            name: sum(getattr(c.account.counts, name) for c in costs) for name in Counts._fields
        },
        "slippage_bp": mean_of([c.slippage_bp for c in costs]),
        "fees_bp": mean_of([c.fees_bp for c in costs]),
        "shortfall_bp": mean_of([c.total_bp for c in costs]),
        "effective_bp": mean_of([f.effective_bp for f in fills]),
        "markout_bp": {f"{h}s": mean_of([f.markout_bp[h] for f in fills]) for h in HORIZONS_S},
        "expected_error_bp": mean_of([c.error_bp for c in costs]),
    }


def mean_of(values: Sequence[float | None]) -> dict[str, Any]:
    """Return n, mean, median and the interval of the mean of what is known."""
    known = np.array([v for v in values if v is not None], np.float64)
    found = interval(known)
    return {
        "n": int(known.size),
        "mean": float(known.mean()) if known.size else None,
        "median": float(np.median(known)) if known.size else None,
        "low": found.low,
        "high": found.high,
        "why": found.why,
    }


def interval(known: Any) -> Estimate:
    """Return the mean of values in order of time with its interval, or why there is none."""
    if known.size < MIN_ORDERS:
        return not_shown(f"fewer than {MIN_ORDERS}", int(known.size))
    rows = np.column_stack([known, np.ones(known.size)])
    return bootstrap(rows, lambda sums: sums[:, :1] / sums[:, 1:])[0]


def cost_document(cost: OrderCost, one: Instrument) -> dict[str, Any]:
    """Return one order's costs as a JSON document; money as exact decimal strings of 1e-8."""
    done = cost.account

    def money(amount: Fraction | None) -> float | None:
        return None if amount is None else float(amount) / 1e8

    return {
        "instrument": one.id,
        "parent": done.parent,
        "strategy": cost.strategy,
        "policy": done.policy,
        "side": "buy" if done.side > 0 else "sell",
        "size": one.size_text(done.lots),
        "filled": one.size_text(done.filled),
        "maker_share": done.maker_lots / done.filled if done.filled else None,
        "reason": done.reason,
        "decided_ns": done.decided_ns,
        "sent_ns": done.sent_ns,
        "ended_ns": done.ended_ns,
        "arrival_mid2_ticks": done.arrival_mid2,
        "arrival_spread_ticks": done.arrival_spread,
        "arrival_depth_lots": done.arrival_depth,
        "average_ticks": cost.average,
        "slippage_bp": cost.slippage_bp,
        "fees_bp": cost.fees_bp,
        "delay": money(cost.delay),
        "trading": money(cost.trading),
        "opportunity": money(cost.opportunity),
        "fees": money(Fraction(cost.fees)),
        "shortfall": money(cost.total),
        "shortfall_bp": cost.total_bp,
        "participation": cost.participation,
        "vwap_ticks": cost.meanwhile.vwap if cost.meanwhile else None,
        "twap_ticks": cost.meanwhile.twap if cost.meanwhile else None,
        "regime": cost.regime or None,
        "expected_bp": done.expected_bp,
        "expected_error_bp": cost.error_bp,
        "counts": done.counts._asdict(),
        "send_to_ack_ns": quantiles(done.send_to_ack_ns),
        "ack_to_fill_ns": quantiles(done.ack_to_fill_ns),
        "fills": [msgspec.to_builtins(f, str_keys=True) for f in cost.fills],
    }


def quantiles(values: Sequence[int]) -> dict[str, int] | None:
    """Return p50, p95 and p99, nearest rank; None without values."""
    if not values:
        return None
    ranked = sorted(values)
    return {f"p{q}": ranked[-(-q * len(ranked) // 100) - 1] for q in (50, 95, 99)}


def tca_document(costs: Sequence[OrderCost], exits: Sequence[FillCost]) -> dict[str, Any]:
    """Return the `tca` object of a run: every order in order of time, and the aggregates.

    `exits`: the fills that closed what the orders had opened.
    """
    ordered = sorted(costs, key=lambda cost: cost.account.decided_ns)
    return {
        "unit": "basis points; + is paid",
        "orders": [cost_document(cost, cost.instrument) for cost in ordered],
        "groups": aggregate(ordered),
        "exits": _of_fills(sorted(exits, key=lambda fill: fill.ts_recv)),
    }


def _of_fills(fills: Sequence[FillCost]) -> dict[str, Any]:
    """Return figures of fills by themselves."""
    return {
        "fills": len(fills),
        "effective_bp": mean_of([f.effective_bp for f in fills]),
        "fees_bp": mean_of([f.fee_bp for f in fills]),
        "markout_bp": {f"{h}s": mean_of([f.markout_bp[h] for f in fills]) for h in HORIZONS_S},
    }
