"""`aggressor report`: what a run did and what it cost, from its journal and its market.

The journal tells what was asked, told and wanted; the recording tells the mids. Nothing is
replayed, so a live run, whose venue cannot be, and one that was killed are reported alike. What no
recording covers is "not known"; a difference whose interval holds zero is "not shown".
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aggressor._version import VERSION
from aggressor.execution.halt import HaltLevel
from aggressor.run.assignment import Assigned, assigned, short_name
from aggressor.run.progress import Step, silent
from aggressor.run.reporting.look import CURVE_S, Look, settle
from aggressor.run.reporting.run_market import RunMarket, journal_of
from aggressor.run.reporting.sweep import siblings, sweep_document
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import money_text
from aggressor.store.journal_reader import JournalReader, Run
from aggressor.strategies.gates import Mode
from aggressor.study.equity import EARNED, held_share
from aggressor.study.estimates import Floats
from aggressor.study.results import results_document
from aggressor.study.tca import OrderCost, mean_of, quantiles, tca_document

LISTED_MAX = 200
REPLAYED = "The market did not react to these orders; queue places are estimates."
GRID = "Drawdown is between points of the equity's grid: a lower bound."


class Reported:
    """A run with its market at hand: the document, and what the pictures are drawn from."""

    def __init__(self, path: Path, run: int | None = None, step: Step = silent) -> None:
        """Read a journal and its market once; raise StoreError, ConfigError."""
        journal = journal_of(path)
        reader = JournalReader(journal)
        try:
            chosen = _chosen(reader.runs(), run)
            others = siblings(reader.runs(), chosen[-1])
            self.look = Look(reader, chosen)
            looks = [self.look if one == chosen[-1] else Look(reader, [one]) for one in others]
        finally:
            reader.close()
        step("the market", None)
        self.journal = journal
        self.market = RunMarket(journal, chosen, step)
        settle([self.look, *(one for one in looks if one is not self.look)], self.market)
        step("costs", None)
        self.course = self.look.course()
        self.costs, self.exits = self.look.costs()
        self.sweep = sweep_document(looks) if looks else None

    def document(self) -> dict[str, Any]:
        """Return the document of the command."""
        look, chosen = self.look, self.look.runs[-1]
        first_ns, last_ns = look.span()
        return {
            "journal": str(self.journal),
            "version": VERSION,
            "mode": chosen.mode,
            "runs": [_run(one) for one in look.runs],
            "strategy": ", ".join(dict.fromkeys(one.name for one in _running(look))),
            "first_ns": first_ns,
            "last_ns": last_ns,
            "market": self.market.why or "known",
            "money": [self._money(name) for name in self.course.profit],
            "instruments": [self._holding(k) for k in range(len(look.instruments))],
            "trades": results_document(look.results()),
            "tca": tca_document(self.costs, self.exits),
            "markouts": markout_curve(look),
            "latency_ns": _latencies(self.costs),
            "sweep": self.sweep,
            "refusals": _refusals(look),
            "halts": [
                {"ts_ns": ts, "level": HaltLevel(level).name.lower(), "reason": reason}
                for ts, level, reason in look.halts
            ],
            "corrections": [one._asdict() for one in look.corrections],
            "signals": look.signals,
            "parameters": look.config["settings"],
            "caveats": [GRID] if chosen.mode == Mode.LIVE else [GRID, REPLAYED],
        }

    def _money(self, name: str) -> dict[str, Any]:
        course = self.course
        profit, gross = course.profit[name], course.gross[name]
        fall = course.drawdown(name)
        deepest = int(np.nanargmax(fall)) if np.isfinite(fall).any() else None
        books = course.books
        return {
            "currency": name or "settlement currency",
            "pnl": _last(profit),
            "closed": money_text(-sum(books.balance(name, heading) for heading in EARNED)),
            "drawdown": None if deepest is None else float(fall[deepest]),
            "drawdown_ns": None if deepest is None else int(course.times[deepest]),
            "exposure_max": _of(gross, np.max),
            "exposure_mean": _of(gross, np.mean),
            "unknown_share": float(np.isnan(profit).mean()),
        }

    def _holding(self, k: int) -> dict[str, Any]:
        one, held = self.look.instruments[k], self.course.held[k]
        fills = [fill for lane, _, fill, _ in self.look.fills() if lane == k]
        return {
            "instrument": one.id,
            "fills": len(fills),
            "maker_fills": sum(fill.maker for fill in fills),
            "held_share": held_share(held, int(self.course.times[-1])),
            "largest": one.size_text(max((abs(h.lots) for h in held), default=0)),
            "position_left": one.size_text(held[-1].lots if held else 0),
        }


def _chosen(runs: Sequence[Run], number: int | None) -> list[Run]:
    """Return the runs a report is of: the account's whole life, or one; of backtests the last."""
    if not runs:
        raise ConfigError("The journal has no run yet.")
    if number is None:
        return [runs[-1]] if runs[-1].mode == Mode.BACKTEST else list(runs)
    found = [one for one in runs if one.run == number]
    if not found:
        raise ConfigError(
            f"The journal has no run {number}; it has {', '.join(str(one.run) for one in runs)}."
        )
    return found


def _running(look: Look) -> list[Assigned]:
    settings = look.config["settings"]
    found = assigned(settings["strategy"], settings["rule"], look.instruments)
    return [one._replace(name=short_name(one.name)) for one in found]


def _run(one: Run) -> dict[str, Any]:
    names = ("run", "mode", "began_ns", "ended_ns", "ended", "config_hash", "events", "reports")
    return {name: getattr(one, name) for name in names}


def _last(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known[-1]) if known.size else None


def _of(values: Floats, how: Any) -> float | None:
    known = values[np.isfinite(values)]
    return float(how(known)) if known.size else None


def markout_curve(look: Look) -> list[dict[str, Any]]:
    """Return mean markouts of fills in basis points by horizon: all, as maker, as taker."""
    fills = look.fills()
    kinds = {"all": (True, False), "maker": (True,), "taker": (False,)}
    curve: list[dict[str, Any]] = []
    for seconds in CURVE_S:
        row: dict[str, Any] = {"horizon_s": seconds}
        for name, makers in kinds.items():
            values: list[float | None] = []
            for lane, side, fill, _ in fills:
                if fill.maker not in makers:
                    continue
                later = look.mid2(lane, fill.ts_recv + round(seconds * 1e9))
                price2 = 2 * fill.price
                known = None if later is None else side * (later - price2) / price2 * 1e4
                values.append(known)
            row[name] = mean_of(values)
        curve.append(row)
    return curve


def _latencies(costs: Sequence[OrderCost]) -> dict[str, Any]:
    return {
        "send_to_ack": quantiles([ns for one in costs for ns in one.account.send_to_ack_ns]),
        "ack_to_fill": quantiles([ns for one in costs for ns in one.account.ack_to_fill_ns]),
    }


def _refusals(look: Look) -> list[dict[str, Any]]:
    counts: dict[tuple[int, str], int] = {}
    for _, _, number, reason, times in look.refusals:
        counts[number, reason] = counts.get((number, reason), 0) + times
    ranked = sorted(counts.items(), key=lambda one: -one[1])
    return [{"check": key[0], "reason": key[1], "times": n} for key, n in ranked[:LISTED_MAX]]
