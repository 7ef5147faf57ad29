"""`aggressor execute`: one parent order worked alone, on any exchange, to its end.

The engine, desk, checks and policies of every other run; the strategy is `OneOrder`. `work_on`
takes anything that is an `Exchange`: a replayed market here, a paper or a live one elsewhere. What
comes of it is the order's account and costs; while it works `progress` hears how far it is. On
paper and live it is the errand of such a run (`accounts/execute_now`).
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from aggressor.engine.engine import Engine
from aggressor.engine.ports import Exchange
from aggressor.engine.view import Fees
from aggressor.execution.desk import Desk, DeskRule
from aggressor.execution.parent import Account
from aggressor.reports.moments import moment_ns
from aggressor.run.asked_order import execution_document, order_of
from aggressor.run.assemble import latency_of, pipeline_of
from aggressor.run.backtests.market_source import NEVER_NS
from aggressor.run.progress import Step, silent
from aggressor.schema.event import NO_TIME
from aggressor.schema.instrument import Instrument
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import ENDED, NEEDS_ROOM, SimExchange
from aggressor.sim.queue import queue_of
from aggressor.store.reader import Store
from aggressor.strategies.one_order import OneOrder

_POLL = 4096
REPLAYED = "A replayed market does not react to the order; queue places are estimates."


def engine_for(
    one: Instrument, order: OneOrder, fees: Fees, rule: DeskRule | None = None, equity: int = 0
) -> Engine:
    """Return an engine that works one order on one instrument.

    `equity` in 1e-8 of settlement is put into the books; 0: it is not known.
    """
    desk = Desk([one], rule)
    if equity:
        desk.books.deposit(desk.books.currency(0), equity)
    engine = Engine([one], pipeline_of([one], "perp"), [(0, order)], desk, fees)
    engine.pipeline.head[0]["timers_decide"] = 1  # it waits for a book to begin with
    return engine


def work_on(
    exchange: Exchange,
    engine: Engine,
    order: OneOrder,
    *,
    tell: Callable[[Account | None], None],
    wait: Callable[[], bool],
) -> None:
    """Work an order on an exchange until it is over.

    `tell` hears the account after every decision that sent something; `wait` is called when nothing
    has arrived, and says whether to go on.
    """
    while not order.over:
        events, reports = exchange.poll(_POLL)
        if not events.size and not reports.size:
            if not wait():
                return
            continue
        while events.size or reports.size:
            step = engine.step(events, reports)
            events, reports = events[step.events :], reports[step.reports :]
            if step.commands.size:
                exchange.take(step.commands)
                tell(order.account)


def replay_on(
    exchange: SimExchange,
    engine: Engine,
    order: OneOrder,
    tell: Callable[[Account | None], None],
) -> None:
    """Work an order on a replayed market, by the compiled loop."""
    while not order.over:
        turn = exchange.drive(engine.pipeline)
        if turn.reason == ENDED:
            return
        if turn.reason == NEEDS_ROOM:
            engine.make_room(turn.event)
            continue
        commands = engine.decide(turn.reports)
        exchange.take(commands)
        if commands.size:
            tell(order.account)


def execute_replay(
    store: Path,
    instrument: str,
    side: str,
    size: str,
    *,
    policy: str = "peg",
    max_slippage_bp: float | None = None,
    wait_s: float = 60.0,
    cross_at_end: bool = True,
    fill_model: Path | None = None,
    start: str | None = None,
    latency_ms: str = "50,100,100",
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    equity: float = 0.0,
    seed: int = 1,
    progress: Step = silent,
) -> dict[str, Any]:
    """Work an order on a recording; return the document of the command. Raises ConfigError."""
    opened = Store(store)
    start_ns = moment_ns(start)
    span = (NO_TIME if start_ns is None else start_ns, NEVER_NS)
    one = opened.definition(instrument, *span)
    order = OneOrder(
        order_of(
            one,
            side,
            size,
            policy=policy,
            max_slippage_bp=max_slippage_bp,
            wait_s=wait_s,
            cross_at_end=cross_at_end,
            fill_model=fill_model,
            maker_bp=maker_bp,
            taker_bp=taker_bp,
            seed=seed,
        )
    )
    engine = engine_for(one, order, Fees(maker_bp, taker_bp), equity=round(equity * 10**8))
    exchange = SimExchange(
        opened.replay([instrument], *span),
        [one],
        latency=latency_of(latency_ms),
        queue=queue_of(queue),
        costs=Costs(maker_bp=Decimal(str(maker_bp)), taker_bp=Decimal(str(taker_bp))),
    )
    replay_on(exchange, engine, order, lambda account: _tell(account, one, progress))
    return {
        **execution_document(order, engine, one),
        "parameters": {
            "policy": policy,
            "max_slippage_bp": max_slippage_bp,
            "wait_s": wait_s,
            "cross_at_end": cross_at_end,
            "latency_ms": latency_ms,
            "queue": queue,
            "maker_bp": maker_bp,
            "taker_bp": taker_bp,
            "seed": seed,
        },
        "caveats": [REPLAYED],
    }


def _tell(account: Account | None, one: Instrument, progress: Step) -> None:
    if account is None:
        return
    word = "bought" if account.side > 0 else "sold"
    text = f"{word} {one.size_text(account.filled)} of {one.size_text(account.lots)}"
    progress(text, account.filled / account.lots)
