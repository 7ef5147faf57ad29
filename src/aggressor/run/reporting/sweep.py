"""The same strategies on the same market with orders that travel longer: what is latency worth?

A sweep runs a backtest once for each of SWEEP_MS, as order and as response latency, with the feed's
own; its runs stand side by side in one journal. Runs of a journal that differ in nothing but their
latency are a sweep, however they came there.

Profit of two runs is compared step by step of one grid of time, marked at the mid: steps share
their market, so their difference has a block bootstrap interval where the two sums alone would have
none. A difference whose interval holds zero is "not shown".
"""

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aggressor.run.assemble import Settings, assemble
from aggressor.run.backtests.backtest import play
from aggressor.run.backtests.kept_run import BACKTEST, KeptRun
from aggressor.run.backtests.market_source import Source
from aggressor.run.progress import Step, silent
from aggressor.run.reporting.look import Look, settle
from aggressor.run.reporting.run_market import RunMarket
from aggressor.store.journal_reader import JournalReader, Run
from aggressor.strategies.gates import Mode
from aggressor.study.estimates import Estimate, Floats, bootstrap, not_shown
from aggressor.study.judgement import mean_of
from aggressor.study.tca import mean_of as cost_of

SWEEP_MS = (0, 50, 100, 250, 500)
STEPS_MIN = 20  # steps of the grid in which two runs differ: fewer have no interval


def sweep(
    source: Source, settings: Settings, journal: Path | None = None, step: Step = silent
) -> dict[str, Any]:
    """Run strategies once for each latency; return the sweep's document. Raises ConfigError."""
    feed, _, _, *work = settings.latency_ms.split(",")
    aside = tempfile.TemporaryDirectory() if journal is None else nullcontext(str(journal))
    with aside as folder:
        runs: list[int] = []
        for number, delay in enumerate(SWEEP_MS):
            step(f"latency {delay} ms", number / len(SWEEP_MS))
            latency = ",".join([feed, str(delay), str(delay), *work])
            own = msgspec.structs.replace(settings, latency_ms=latency)
            runs.append(_kept(Path(folder), source, own))
        step("latency", 1.0)
        reader = JournalReader(Path(folder) / BACKTEST)
        try:
            chosen = [one for one in reader.runs() if one.run in runs]
            looks = [Look(reader, [one]) for one in chosen]
            settle(looks, RunMarket(reader.path, chosen, source=source))
            return sweep_document(looks)
        finally:
            reader.close()


def _kept(folder: Path, source: Source, settings: Settings) -> int:
    kept = KeptRun(folder, source, settings)
    assembly = assemble(source.instruments, settings, Mode.BACKTEST, journal=kept.journal)
    source.begin(assembly)
    exchange = play(assembly, source.feed(), source.instruments, kept=kept)
    kept.close(assembly.engine.desk, exchange.handed_out)
    return kept.journal.run


def siblings(runs: Sequence[Run], chosen: Run) -> list[Run]:
    """Return the runs that differ from a chosen backtest in their latency alone, by latency.

    Of several with one latency the newest; empty where there are no two.
    """
    if chosen.mode != Mode.BACKTEST:
        return []
    wanted = _without_latency(chosen)
    found = {
        one.config["settings"]["latency_ms"]: one
        for one in runs
        if one.ended is not None and _without_latency(one) == wanted
    }
    found[chosen.config["settings"]["latency_ms"]] = chosen
    if len(found) < 2:
        return []
    return sorted(found.values(), key=lambda one: _delay(one.config["settings"]["latency_ms"]))


def _without_latency(run: Run) -> dict[str, Any]:
    return {**run.config, "settings": {**run.config["settings"], "latency_ms": ""}}


def _delay(latency_ms: str) -> float:
    return float(latency_ms.split(",")[1])


def sweep_document(looks: Sequence[Look]) -> dict[str, Any]:
    """Return one row a latency, each compared with the shortest; `looks` in order of latency."""
    courses = [look.course() for look in looks]
    rows: list[dict[str, Any]] = []
    for look, course in zip(looks, courses, strict=True):
        costs, _ = look.costs()
        results = look.results()
        asked = sum(cost.account.lots for cost in costs)
        filled = sum(cost.account.filled for cost in costs)
        latency = look.config["settings"]["latency_ms"]
        rows.append(
            {
                "run": look.runs[-1].run,
                "latency_ms": latency,
                "delay_ms": _delay(latency),
                "orders": len(costs),
                "filled_share": filled / asked if asked else None,
                "trades": len(results),
                "net_bp": msgspec.to_builtins(mean_of(np.array([r.net_bp for r in results]))),
                "slippage_bp": cost_of([cost.slippage_bp for cost in costs]),
                "money": [
                    {
                        "currency": name,
                        "pnl": _last(course.profit[name]),
                        "less_than_shortest": msgspec.to_builtins(
                            _difference(course.profit[name], courses[0].profit[name])
                        )
                        if course is not courses[0]
                        else None,
                    }
                    for name in course.profit
                ],
            }
        )
    return {"unit": "ms of order and of response latency; the feed's stays", "rows": rows}


def _last(profit: Floats) -> float | None:
    known = profit[np.isfinite(profit)]
    return float(known[-1]) if known.size else None


def _difference(one: Floats, first: Floats) -> Estimate:
    """Return profit less that of the first, with its interval over steps of the grid."""
    if one.size != first.size:
        return not_shown("the runs cover different spans")
    steps = np.diff(one) - np.diff(first)
    steps = steps[np.isfinite(steps)]
    total = float(steps.sum())
    if np.count_nonzero(steps) < STEPS_MIN:
        why = f"they differ in fewer than {STEPS_MIN} steps: no interval"
        return Estimate(value=total, n=int(steps.size), why=why)
    return bootstrap(steps[:, None], lambda sums: sums)[0]
