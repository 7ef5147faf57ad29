"""What the trades of a run earned, beside what: n, mean with interval, hits with theirs.

A trade here is one parent order that was filled and closed again by its own exits. Its profit is
exact (`Instrument.profit` of the average entry against each exit), net of the fees of all its
fills, in money and in basis points of its value at entry. Funding is the account's, not a trade's.
A mean without an interval that excludes zero is "not shown" to differ from nothing (R10).
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from aggressor.execution.parent import Account
from aggressor.schema.instrument import ContractKind, Instrument, money_text
from aggressor.strategies.gates import wilson
from aggressor.study.estimates import NORMAL
from aggressor.study.judgement import mean_of

HOUR_NS = 3_600_000_000_000


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One trade that is over. Money 1e-8 of settlement."""

    account: Account
    instrument: Instrument
    strategy: str
    regime: str
    currency: str
    ended_ns: int
    gross: Fraction
    fees: int
    net_bp: float
    gross_bp: float


def result_of(
    done: Account, one: Instrument, currency: str, strategy: str, regime: str
) -> Result | None:
    """Return what a trade earned; None while it is open, was never filled, or has no exits."""
    out = sum(fill.lots for fill in done.exits)
    if not done.filled or out != done.filled:
        return None
    entry = average_entry(done, one)
    gross = sum(
        (one.profit(done.side * fill.lots, entry, fill.price) for fill in done.exits), Fraction(0)
    )
    fees = done.fees + sum(fill.fee for fill in done.exits)
    value = abs(one.notional(entry, done.filled))
    return Result(
        account=done,
        instrument=one,
        strategy=strategy,
        regime=regime,
        currency=currency,
        ended_ns=max(fill.ts_recv for fill in done.exits),
        gross=gross,
        fees=fees,
        net_bp=float((gross - fees) / value * 10_000),
        gross_bp=float(gross / value * 10_000),
    )


def average_entry(done: Account, one: Instrument) -> Fraction:
    """Return the average entry: harmonic for inverse contracts (R1.8)."""
    if one.kind is ContractKind.INVERSE:
        value = sum((Fraction(fill.lots, fill.price) for fill in done.fills), Fraction(0))
        return done.filled / value
    return Fraction(sum(fill.price * fill.lots for fill in done.fills), done.filled)


KEYS: Mapping[str, Callable[[Result], str]] = {
    "all": lambda _: "all",
    "strategy": lambda one: one.strategy or "not known",
    "venue": lambda one: one.instrument.venue,
    "instrument": lambda one: one.instrument.id,
    "side": lambda one: "long" if one.account.side > 0 else "short",
    "hour": lambda one: f"{one.account.decided_ns // HOUR_NS % 24:02d} UTC",
    "regime": lambda one: one.regime or "not known",
}


def results_document(results: Sequence[Result]) -> dict[str, Any]:
    """Return groups by each of KEYS and every trade, in order of time."""
    ordered = sorted(results, key=lambda one: one.account.decided_ns)
    groups: list[dict[str, Any]] = []
    for by, key in KEYS.items():
        found: dict[str, list[Result]] = {}
        for one in ordered:
            found.setdefault(key(one), []).append(one)
        groups += [{"by": by, "group": name, **_figures(found[name])} for name in sorted(found)]
    return {"groups": groups, "list": [_document(one) for one in ordered]}


def _figures(results: Sequence[Result]) -> dict[str, Any]:
    hits = sum(one.net_bp > 0 for one in results)
    low, high = wilson(hits, len(results), NORMAL)
    money: dict[str, int] = {}
    for one in results:
        money[one.currency] = money.get(one.currency, 0) + round(one.gross) - one.fees
    net = mean_of(np.array([one.net_bp for one in results]))
    return {
        "trades": len(results),
        "net": {name: money_text(amount) for name, amount in money.items()},
        "net_bp": msgspec.to_builtins(net),
        "gross_bp": msgspec.to_builtins(mean_of(np.array([one.gross_bp for one in results]))),
        "hits": {"n": hits, "share": hits / len(results), "low": low, "high": high},
        "differs_from_zero": {1: "above", -1: "below"}.get(net.side, "not shown"),
    }


def _document(one: Result) -> dict[str, Any]:
    done = one.account
    exits = sum(fill.price * fill.lots for fill in done.exits)
    return {
        "instrument": one.instrument.id,
        "strategy": one.strategy,
        "parent": done.parent,
        "side": "long" if done.side > 0 else "short",
        "size": one.instrument.size_text(done.filled),
        "decided_ns": done.decided_ns,
        "ended_ns": one.ended_ns,
        "entry_ticks": float(average_entry(done, one.instrument)),
        "exit_ticks": exits / done.filled,
        "entry": _price(float(average_entry(done, one.instrument)), one.instrument),
        "exit": _price(exits / done.filled, one.instrument),
        "net": money_text(round(one.gross) - one.fees),
        "fees": money_text(one.fees),
        "currency": one.currency,
        "net_bp": one.net_bp,
        "regime": one.regime or None,
    }


def _price(ticks: float, one: Instrument) -> str:
    """Return an average price with two decimals more than the tick."""
    return f"{ticks * float(one.tick):.{one.price_grid.digits + 2}f}"
