"""What a run did, as plain values: totals, trades with the evidence of R7.4, costs (R8.1-R8.3).

Money is exact decimal strings. Of several instruments each has its own summary: orders, fills and
money of a lane are those of its reports.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from aggressor.account.books import Heading
from aggressor.engine.ports import Strategy
from aggressor.engine.reading import count_signals
from aggressor.run.assemble import Assembly
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument, money_text
from aggressor.strategies.evidence import Decision, EvidenceBook, TradeRecord
from aggressor.strategies.own import OwnStrategy
from aggressor.study.tca import FillCost, OrderCost, fill_cost, order_cost, times_of
from aggressor.study.tops import interval_of, mid2_of, rows_at


def summary(assembly: Assembly, instrument: Instrument, lane: int) -> dict[str, Any]:
    """Return what a run did on one instrument."""
    engine = assembly.engine
    journal, desk, books = engine.journal, engine.desk, engine.desk.books
    currency = books.currency(lane)
    trades, decisions = records(assembly.strategies, lane)
    earned = (Heading.REALISED, Heading.ROUNDING, Heading.FEES, Heading.FUNDING)
    booked = -sum(books.balance(currency, heading, lane) for heading in earned)
    refusals = [one for one in desk.refusals if one.instrument == lane]
    alone = len(engine.instruments) == 1
    return {
        "strategy": ", ".join(sorted({_name(one) for one in assembly.strategies})),
        "orders": journal.placed_by[lane],
        "fills": journal.fills_by[lane],
        "fills_maker": journal.maker_fills_by[lane],
        "trades": sum(1 for one in trades if one.entered_lots),
        "pnl": money_text(booked + desk.open_profit(lane)),
        "fees": money_text(books.balance(currency, Heading.FEES, lane)),
        "funding": money_text(books.balance(currency, Heading.FUNDING, lane)),
        "currency": currency or "settlement currency",
        "position_left": instrument.size_text(desk.position(lane).lots),
        "slippage_bp": arrival_slippage_bp(trades),
        "setups": len(decisions),
        "refused_by": refused_by(decisions),
        "refused": desk.refused_total if alone else len(refusals),
        "refusals": dict(Counter(one.reason for one in refusals)),
        "would_refuse": would_refuse(decisions),
        "decisions": engine.decisions,
        "signals": count_signals(journal.said),
        "undecided": int(engine.pipeline.exhaustion.head["undecided"].sum()),
        "digest": journal.digest,
        "trade_list": [trade_document(one, instrument) for one in trades],
    }


def _name(strategy: Any) -> str:
    """Return what a strategy is called: that of the class, of one of your own yours."""
    return strategy.name if isinstance(strategy, OwnStrategy) else type(strategy).__name__


def costs_of(
    assembly: Assembly, instrument: Instrument, lane: int, batches: Iterator[Events]
) -> tuple[list[OrderCost], list[FillCost]]:
    """Return the costs of every order worked on a lane, and of the fills that closed it again.

    `batches` is the tape of that lane once more, for the mids at fills and behind them.
    """
    accounts = [a for a in assembly.engine.desk.accounts if a.instrument == lane]
    if not accounts:
        return [], []
    rows = rows_at(batches, times_of(accounts))

    def mids(ts_ns: int) -> int | None:
        return mid2_of(rows[ts_ns], ts_ns)

    trades, _ = records(assembly.strategies, lane)
    known = {one.decision.parent: one.decision for one in trades}
    costs = []
    for done in accounts:
        decision = known.get(done.parent)
        setup = decision.setup if decision else ""
        regime = str(decision.regime.get("liquidity") or "") if decision else ""
        meanwhile = interval_of(rows[done.decided_ns], rows.get(done.ended_ns or 0))
        costs.append(
            order_cost(done, instrument, mids, strategy=setup, regime=regime, meanwhile=meanwhile)
        )
    exits = [fill_cost(f, -a.side, instrument, mids) for a in accounts for f in a.exits]
    return costs, exits


def records(strategies: Sequence[Strategy], lane: int) -> tuple[list[TradeRecord], list[Decision]]:
    """Return trades and decisions on a lane of the strategies that keep evidence."""
    trades: list[TradeRecord] = []
    decisions: list[Decision] = []
    for one in strategies:
        book = getattr(one, "evidence_by", {}).get(lane)
        if isinstance(book, EvidenceBook):
            trades.extend(book.trades)
            decisions.extend(book.decisions)
    return trades, decisions


def arrival_slippage_bp(trades: Sequence[TradeRecord]) -> float | None:
    """Return the mean arrival slippage of entries against the mid at the decision (R8.1), by lots.

    In basis points, positive is worse than the mid; None without fills.
    """
    cost, lots = Fraction(0), 0
    for one in trades:
        if one.entry_price is None:
            continue
        seen = one.decision.snapshot
        bid, ask = seen["bid"], seen["ask"]
        assert isinstance(bid, int)
        assert isinstance(ask, int)
        mid = Fraction(bid + ask, 2)
        away = one.decision.side * (Fraction(one.entry_price) - mid) / mid
        cost += away * one.entered_lots
        lots += one.entered_lots
    return float(cost / lots * 10_000) if lots else None


def refused_by(decisions: Sequence[Decision]) -> dict[str, int]:
    """Count, per gate, the decisions that it refused."""
    counts: Counter[str] = Counter()
    for one in decisions:
        counts.update(one.verdict.refused)
    return dict(counts.most_common())


def would_refuse(decisions: Sequence[Decision]) -> dict[str, int]:
    """Count, per gate, the decisions that it did not pass."""
    counts: Counter[str] = Counter()
    for one in decisions:
        counts.update(_not_passed(one))
    return dict(counts.most_common())


def _not_passed(decision: Decision) -> list[str]:
    return [*decision.verdict.refused, *decision.verdict.would_refuse]


def trade_document(one: TradeRecord, instrument: Instrument) -> dict[str, Any]:
    """Return one trade with the evidence of R7.4 as a JSON document."""
    decision = one.decision
    return {
        "setup": decision.setup,
        "params": f"{decision.params:016x}",
        "side": "buy" if decision.side > 0 else "sell",
        "size": instrument.size_text(one.entered_lots or decision.lots),
        "signal_ns": decision.ts_signal,
        "decided_ns": decision.ts_decided,
        "began_ns": one.began_ns,
        "ended_ns": one.ended_ns,
        "intended": _meant(decision.intended_price, instrument),
        "entry": _price_text(one.entry_price, instrument),
        "exit": _price_text(one.exit_price, instrument),
        "entry_slippage_ticks": one.entry_slippage_ticks,
        "net": money_text(one.realised - one.fees),
        "fees": money_text(one.fees),
        "mae_ticks": one.mae_ticks,
        "mfe_ticks": one.mfe_ticks,
        "markouts_ticks": {f"{seconds}s": value for seconds, value in one.markouts.items()},
        "decided_to_ack_ns": one.decided_to_ack_ns,
        "ack_to_fill_ns": one.ack_to_fill_ns,
        "reprices": one.reprices,
        "exit_reason": one.exit_reason,
        "would_refuse": _not_passed(decision),
        "gates": [gate._asdict() for gate in decision.gates],
        "snapshot": dict(decision.snapshot),
        "regime": dict(decision.regime),
    }


def _meant(ticks: float, instrument: Instrument) -> str | None:
    """Return a price that was meant: a whole tick, or the average expected of a sweep."""
    return (
        instrument.price_text(int(ticks)) if ticks == int(ticks) else _price_text(ticks, instrument)
    )


def _price_text(ticks: float | None, instrument: Instrument) -> str | None:
    """Return an average price with two decimals more than the tick."""
    if ticks is None:
        return None
    digits = instrument.price_grid.digits + 2
    return f"{ticks * float(instrument.tick):.{digits}f}"
