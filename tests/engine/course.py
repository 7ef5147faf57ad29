"""One engine through one tape in the two ways there are: step by step, and driven."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from aggressor.engine.engine import Engine
from aggressor.engine.pipeline import new_pipeline
from aggressor.engine.ports import Strategy
from aggressor.engine.view import Fees
from aggressor.execution.desk import Desk
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import ENDED, NEEDS_ROOM, SimExchange
from aggressor.sim.latency import Latency
from aggressor.store.replay import replay_of
from tests.engine.trader import FREE

MS = 1_000_000
DEPOSIT = 10**8 * 10**8
LATENCY = Latency(feed_ns=5 * MS, order_ns=20 * MS, response_ns=20 * MS)
CHUNK = 8192


class Outcome(NamedTuple):
    """Everything that must not depend on how a tape was cut."""

    digest: str
    commands: bytes
    signals: bytes
    reports: bytes
    decisions: int
    refused: int
    equity: int
    events: int


def engine_of(
    instruments: Sequence[Instrument],
    strategies: Sequence[Strategy],
    bars: Sequence[str] = ("1m", "50t"),
    profile: str = "micro",
) -> Engine:
    desk = Desk(instruments, FREE)
    for currency in {desk.books.currency(k) for k in range(len(instruments))}:
        desk.books.deposit(currency, DEPOSIT)
    series = [
        BarSeries(k, bar_spec(text, one)) for k, one in enumerate(instruments) for text in bars
    ]
    pipeline = new_pipeline(instruments, series, profile=profile)
    return Engine(instruments, pipeline, list(enumerate(strategies)), desk, Fees(2.0, 5.0))


def exchange_of(
    engine: Engine, events: Sequence[Events], latency: Latency = LATENCY, chunk: int = CHUNK
) -> SimExchange:
    costs = Costs(maker_bp=Decimal(2), taker_bp=Decimal(5))
    return SimExchange(
        replay_of(events), engine.instruments, latency=latency, costs=costs, chunk=chunk
    )


def driven(
    engine: Engine, events: Sequence[Events], latency: Latency = LATENCY, chunk: int = CHUNK
) -> SimExchange:
    """Run through `SimExchange.drive`, as a backtest does."""
    exchange = exchange_of(engine, events, latency, chunk)
    while True:
        turn = exchange.drive(engine.pipeline)
        if turn.reason == ENDED:
            return exchange
        if turn.reason == NEEDS_ROOM:
            engine.make_room(turn.event)
            continue
        exchange.take(engine.decide(turn.reports))


def stepped(
    engine: Engine,
    events: Sequence[Events],
    limit: int,
    latency: Latency = LATENCY,
    chunk: int = CHUNK,
) -> SimExchange:
    """Run through `SimExchange.poll` and `Engine.step`, as a live loop does."""
    exchange = exchange_of(engine, events, latency, chunk)
    while True:
        market, reports = exchange.poll(limit)
        if market.size + reports.size == 0:
            return exchange
        while market.size + reports.size:
            step = engine.step(market, reports)
            market, reports = market[step.events :], reports[step.reports :]
            if step.commands.size:
                if reports.size == 0:
                    exchange.unread(market.size)
                    market = market[:0]
                exchange.take(step.commands)


def outcome(engine: Engine, exchange: SimExchange) -> Outcome:
    journal = engine.journal
    return Outcome(
        digest=journal.digest,
        commands=journal.commands.tobytes(),
        signals=journal.signals.tobytes(),
        reports=journal.reports.tobytes(),
        decisions=engine.decisions,
        refused=engine.desk.refused_total,
        equity=engine.desk.equity(0),
        events=exchange.handed_out,
    )


def kinds(rows: Any) -> dict[int, int]:
    """Count rows by kind."""
    return {
        int(kind): int(count)
        for kind, count in zip(*np.unique(rows["kind"], return_counts=True), strict=True)
    }
