"""Backtest: `SimExchange(Replay)` under an engine, and what came of it.

The whole path of live trading but for the wire: the same pipeline, strategies, checks and reports,
on one instrument or several. What was known only later is never used; what is not known is recorded
as such. The result states what it rests on.
"""

import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aggressor.engine.asked import asked_names
from aggressor.engine.ports import Feed
from aggressor.run.assemble import Assembly, Settings, assemble
from aggressor.run.backtests.kept_run import KeptRun
from aggressor.run.backtests.market_source import Source, stored
from aggressor.run.backtests.trade_records import costs_of, summary
from aggressor.run.progress import Step, silent
from aggressor.schema.instrument import Instrument, money_text
from aggressor.sim.exchange import ENDED, NEEDS_ROOM, SimExchange
from aggressor.strategies.gates import Mode
from aggressor.study.tca import tca_document

CAVEATS = (
    "Context of higher time frames (without --candles), open interest, liquidations and other "
    "venues is not known here; gates that ask for it let the trade pass and are listed with it.",
    "The replayed market does not react to our orders; queue places are estimates.",
)


def run_backtest(
    store: Path,
    instruments: str | Sequence[str],
    settings: Settings,
    *,
    start: str | None = None,
    stop: str | None = None,
    candles: Sequence[Path] = (),
    progress: Step = silent,
) -> dict[str, Any]:
    """Run strategies on instruments of a store; return the document of the command.

    `candles` are files of closed hours before the span (run/studies/candles): the past of the bias.
    """
    source = stored(store, instruments, start=start, stop=stop, candles=candles)
    return backtest_of(source, settings, {"from": start, "to": stop}, progress)


def backtest_of(
    source: Source,
    settings: Settings,
    span: dict[str, Any],
    progress: Step = silent,
    journal: Path | None = None,
) -> dict[str, Any]:
    """Run strategies on a market; return the document of the command.

    `journal`: a folder that keeps the run, for `aggressor report`.
    """
    began = time.perf_counter()
    instruments = source.instruments
    kept = None if journal is None else KeptRun(journal, source, settings)
    assembly = assemble(
        instruments, settings, Mode.BACKTEST, journal=kept.journal if kept else None
    )
    seeded = source.begin(assembly)
    exchange = play(assembly, source.feed(), instruments, progress, source.rows, kept)
    if kept is not None:
        kept.close(assembly.engine.desk, exchange.handed_out)
    seconds = time.perf_counter() - began
    costs = [costs_of(assembly, one, k, source.batches(k)) for k, one in enumerate(instruments)]
    found = {
        **_totals(assembly, instruments),
        "tca": tca_document(
            [cost for one in costs for cost in one[0]], [fill for one in costs for fill in one[1]]
        ),
        "instrument": ", ".join(one.id for one in instruments),
        "events": exchange.handed_out,
        "seconds": seconds,
        "events_per_second": exchange.handed_out / seconds,
        "parameters": {
            **{name: getattr(settings, name) for name in settings.__struct_fields__},
            **span,
            **_grid(instruments[0]),
            **seeded,
        },
        "computed": list(asked_names(int(assembly.engine.pipeline.head["asked"][0]))),
        "caveats": caveats_of(assembly, exchange),
    }
    if kept is not None:
        found |= {"journal": str(kept.journal.path), "run": kept.journal.run}
    return found


def caveats_of(assembly: Assembly, exchange: SimExchange) -> list[str]:
    """Return what a result is to be read with; a liquidation is the first of it (R9.5)."""
    told: list[str] = list(CAVEATS)
    if assembly.margin is None:
        told.append("The venue does not watch margin (--maintenance-bp): nothing is liquidated.")
    elif not np.all(exchange.sim.head["mark"] > 0):
        told.append("The market has no mark price: margin could not be watched everywhere.")
    if assembly.engine.journal.liquidations_by:
        told.insert(0, "FAILED: the venue liquidated the account; from there on it opened nothing.")
    return told


def _grid(one: Instrument) -> dict[str, Any]:
    return {
        "tick": str(one.tick),
        "lot": str(one.lot),
        "multiplier": str(one.multiplier),
        "inferred_grid": one.inferred,
    }


def _totals(assembly: Assembly, instruments: Sequence[Instrument]) -> dict[str, Any]:
    """Return the summary of one instrument; of several their sum, and each of them beside it.

    Money of several is by currency, under `money`.
    """
    each = [summary(assembly, one, k) for k, one in enumerate(instruments)]
    if len(each) == 1:
        return each[0]
    engine = assembly.engine
    desk = engine.desk
    lanes = {desk.books.currency(k): k for k in range(len(instruments))}
    names = ("orders", "fills", "fills_maker", "trades", "setups")
    return {
        "strategy": each[0]["strategy"],
        **{name: sum(one[name] for one in each) for name in names},
        "refused": desk.refused_total,
        **{name: each[0][name] for name in ("decisions", "signals", "undecided", "digest")},
        "money": [
            {"currency": name, "pnl": money_text(desk.equity(k) - assembly.deposit)}
            for name, k in lanes.items()
        ],
        "instruments": [
            {"instrument": one.id, **_grid(one), **told}
            for one, told in zip(instruments, each, strict=True)
        ],
    }


def play(
    assembly: Assembly,
    feed: Feed,
    instruments: Sequence[Instrument],
    progress: Step = silent,
    rows: int = 0,
    kept: KeptRun | None = None,
) -> SimExchange:
    """Run an engine on a feed to its end; return the exchange it traded on."""
    engine = assembly.engine
    exchange = SimExchange(
        feed,
        instruments,
        latency=assembly.latency,
        queue=assembly.queue,
        costs=assembly.costs,
        margin=assembly.margin,
    )
    if kept is not None:
        engine.desk.witness = kept.journal
    engine.rouse()
    progress("backtest", 0.0)
    gc.freeze()  # what stands before the run is not walked again at each collection in it
    try:
        while True:
            turn = exchange.drive(engine.pipeline)
            if turn.reason == ENDED:
                break
            if turn.reason == NEEDS_ROOM:
                engine.make_room(turn.event)
                continue
            exchange.take(engine.decide(turn.reports))
            if kept is not None:
                kept.keep(engine.desk, len(turn.reports))
            if rows:
                progress("backtest", min(1.0, exchange.handed_out / rows))
    finally:
        gc.unfreeze()
    engine.finish()
    progress("backtest", 1.0)
    return exchange
