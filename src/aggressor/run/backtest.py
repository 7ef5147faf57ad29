"""Backtest: `SimExchange(Replay)` under an engine, and what came of it.

The whole path of live trading but for the wire: the same pipeline, strategy, checks and reports.
What was known only later is never used; what is not known is recorded as such. The result states
what it rests on.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from aggressor.account.books import Heading
from aggressor.engine.ports import Feed
from aggressor.engine.reading import count_signals
from aggressor.reports.moments import moment_ns
from aggressor.run.assemble import Assembly, Settings, assemble
from aggressor.run.candles import seed
from aggressor.run.progress import Step, silent
from aggressor.schema.event import NO_TIME, Events
from aggressor.schema.instrument import Instrument, money_text
from aggressor.sim.exchange import ENDED, NEEDS_ROOM, SimExchange
from aggressor.store.reader import Store
from aggressor.strategies.evidence import Decision, EvidenceBook, TradeRecord
from aggressor.strategies.gates import Mode
from aggressor.strategies.own import OwnStrategy
from aggressor.study.tca import tca_document, times_of
from aggressor.study.tops import mids_at

NEVER_NS = 2**63 - 1
_ROWS = 1 << 18
CAVEATS = (
    "Context of higher time frames (without --candles), open interest, liquidations and other "
    "venues is not known here; gates that ask for it let the trade pass and are listed with it.",
    "The replayed market does not react to our orders; queue places are estimates.",
)


class Source(NamedTuple):
    """A market of one instrument that can be played again and again."""

    instrument: Instrument
    feed: Callable[[], Feed]
    rows: int
    first_ns: int  # of receive time
    last_ns: int
    candles: Sequence[Path] = ()  # files of closed hours before it (run/candles): the bias's past

    def begin(self, assembly: Assembly) -> dict[str, Any]:
        """Give an engine that has seen nothing the past; return what a report says of it."""
        if not self.candles:
            return {}
        bias = assembly.engine.pipeline.bias
        used = seed(bias, 0, self.candles, self.instrument, self.first_ns)
        return {"candles": used.document(self.candles)}


def stored(
    store: Path,
    instrument: str,
    *,
    start: str | None = None,
    stop: str | None = None,
    candles: Sequence[Path] = (),
) -> Source:
    """Return a span of a store. Raises StoreError for what it does not hold."""
    opened = Store(store)
    start_ns, stop_ns = moment_ns(start), moment_ns(stop)
    span = (
        NO_TIME if start_ns is None else start_ns,
        NEVER_NS if stop_ns is None else stop_ns,
    )
    definition = opened.definition(instrument, *span)
    parts = opened.parts(instrument, *span)
    return Source(
        definition,
        lambda: opened.replay([instrument], *span),
        sum(part.quality.events for part in parts),
        max(span[0], min((part.first_ns for part in parts), default=span[0])),
        min(span[1], max((part.last_ns for part in parts), default=span[1])),
        candles if parts else (),
    )


def run_backtest(
    store: Path,
    instrument: str,
    settings: Settings,
    *,
    start: str | None = None,
    stop: str | None = None,
    candles: Sequence[Path] = (),
    progress: Step = silent,
) -> dict[str, Any]:
    """Run a strategy on one instrument of a store; return the document of the command.

    `candles` are files of closed hours before the span (run/candles): the past of the bias.
    """
    return backtest_of(
        stored(store, instrument, start=start, stop=stop, candles=candles),
        settings,
        {"from": start, "to": stop},
        progress,
    )


def backtest_of(
    source: Source, settings: Settings, span: dict[str, Any], progress: Step = silent
) -> dict[str, Any]:
    """Run a strategy on a market; return the document of the command."""
    began = time.perf_counter()
    definition = source.instrument
    assembly = assemble([definition], settings, Mode.BACKTEST)
    seeded = source.begin(assembly)
    exchange = play(assembly, source.feed(), [definition], progress, source.rows)
    seconds = time.perf_counter() - began
    feed = source.feed()
    tca = costs_of(assembly, definition, 0, _batches(feed))
    return {
        **summary(assembly, definition, 0),
        "tca": tca,
        "instrument": definition.id,
        "events": exchange.handed_out,
        "seconds": seconds,
        "events_per_second": exchange.handed_out / seconds,
        "parameters": {
            **{name: getattr(settings, name) for name in settings.__struct_fields__},
            **span,
            "tick": str(definition.tick),
            "lot": str(definition.lot),
            "multiplier": str(definition.multiplier),
            "inferred_grid": definition.inferred,
            **seeded,
        },
        "caveats": list(CAVEATS),
    }


def play(
    assembly: Assembly,
    feed: Feed,
    instruments: Sequence[Instrument],
    progress: Step = silent,
    rows: int = 0,
) -> SimExchange:
    """Run an engine on a feed to its end; return the exchange it traded on."""
    engine = assembly.engine
    exchange = SimExchange(
        feed,
        instruments,
        latency=assembly.latency,
        queue=assembly.queue,
        costs=assembly.costs,
    )
    engine.rouse()
    progress("backtest", 0.0)
    while True:
        turn = exchange.drive(engine.pipeline)
        if turn.reason == ENDED:
            break
        if turn.reason == NEEDS_ROOM:
            engine.make_room(turn.event)
            continue
        exchange.take(engine.decide(turn.reports))
        if rows:
            progress("backtest", min(1.0, exchange.handed_out / rows))
    engine.finish()
    progress("backtest", 1.0)
    return exchange


def summary(assembly: Assembly, instrument: Instrument, lane: int) -> dict[str, Any]:
    """Return what a run did on one instrument, money as exact decimal strings."""
    engine = assembly.engine
    books = engine.desk.books
    currency = books.currency(lane)
    trades, decisions = _records(assembly.strategies)
    return {
        "strategy": ", ".join(sorted({_name(one) for one in assembly.strategies})),
        "orders": engine.journal.placed,
        "fills": engine.journal.fills,
        "fills_maker": engine.journal.maker_fills,
        "trades": sum(1 for one in trades if one.entered_lots),
        "pnl": money_text(engine.desk.equity(lane) - assembly.deposit),
        "fees": money_text(books.balance(currency, Heading.FEES, lane)),
        "funding": money_text(books.balance(currency, Heading.FUNDING, lane)),
        "currency": currency or "settlement currency",
        "position_left": instrument.size_text(engine.desk.position(lane).lots),
        "slippage_bp": arrival_slippage_bp(trades),
        "setups": len(decisions),
        "refused_by": refused_by(decisions),
        "refused": engine.desk.refused_total,
        "refusals": dict(Counter(one.reason for one in engine.desk.refusals)),
        "would_refuse": would_refuse(decisions),
        "decisions": engine.decisions,
        "signals": count_signals(engine.journal.said),
        "undecided": int(engine.pipeline.exhaustion.head["undecided"].sum()),
        "digest": engine.journal.digest,
        "trade_list": [trade_document(one, instrument) for one in trades],
    }


def _name(strategy: Any) -> str:
    """Return what a strategy is called: that of the class, of one of your own yours."""
    return strategy.name if isinstance(strategy, OwnStrategy) else type(strategy).__name__


def _batches(feed: Feed) -> Iterator[Events]:
    while (events := feed.poll(_ROWS)).size:
        yield events


def costs_of(
    assembly: Assembly, instrument: Instrument, lane: int, batches: Iterator[Events]
) -> dict[str, Any]:
    """Return the costs of every order worked on a lane (R8.1-R8.3).

    `batches` is the tape once more, for the mids at fills and behind them.
    """
    accounts = [a for a in assembly.engine.desk.accounts if a.instrument == lane]
    mids: dict[int, int | None] = {}
    if accounts:
        mids = mids_at(batches, times_of(accounts))
    trades, _ = _records(assembly.strategies)
    return tca_document(
        accounts,
        instrument,
        mids.get,
        strategies={one.decision.parent: one.decision.setup for one in trades},
        regimes={
            one.decision.parent: str(one.decision.regime.get("liquidity") or "") for one in trades
        },
    )


def _records(strategies: Sequence[Any]) -> tuple[list[TradeRecord], list[Decision]]:
    """Return trades and decisions of the strategies that keep evidence."""
    trades: list[TradeRecord] = []
    decisions: list[Decision] = []
    for one in strategies:
        evidence = getattr(one, "evidence", None)
        if isinstance(evidence, EvidenceBook):
            trades.extend(evidence.trades)
            decisions.extend(evidence.decisions)
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
