"""The whole pipeline on a tape: ns per event, one message at a time, and what every part costs.

    python parts.py SCRATCH [UPDATES]

Copies of `engine.timers` and `engine.pipeline` are written to SCRATCH in which the processor's
clock is looked at behind every statement that calls a part (`cycles`), so that all parts have the
caches as the run leaves them. A part is one module of measures or detectors; what it does at
TIMERs, at trades, and at other rows and ends of messages is told apart and added up. What a look
costs, measured alone, is taken off.

The parts must agree with the whole: their sum stands beside the CPU time of the same events through
the pipeline as it is, in this process, of both the fastest run. Cycles are of wall time; a stretch
in which another process ran is left out of the parts and told (`lost`).

A message is what one frame of a venue brings: the TIMERs that are due before it and its rows. Each
is carried by itself, and of each the best of all passes counts, which leaves out what the machine
did meanwhile. So is the whole, in pieces of some milliseconds: where others use the machine, the
sum of the best pieces over the best time of the C floor is the ratio to compare trees by.
"""

import ast
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from cycles import ENGINE, LOOK, LOST, PARTS, look_around
from generated import INSTRUMENT, market_events, peers
from measuring import REPEATS, cpu_of, emit, figure, in_turn
from numpy.typing import NDArray

from aggressor.detectors.outbox import drain as drain_signals
from aggressor.engine import pipeline as pipelines
from aggressor.engine import timers
from aggressor.engine.parts import Pipeline, new_parts
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries, drain
from aggressor.schema.event import LAST, TIMER, Events
from aggressor.store.replay import replay_of

_TIMERS, _TRADES, _OTHERS = "at TIMERs", "at trades", "at other rows"
_TIMED = {
    "_sample": _TIMERS,
    "_judge": _TIMERS,
    "on_timer": _TIMERS,
    "on_order": _TRADES,
    "_on_trade": _TRADES,
    "_on_watched": _OTHERS,
    "_on_message": _OTHERS,
    "_on_touch": _OTHERS,
}
_MARKET = "markets.on_event("
PIECE = 1600  # events carried between two looks at the clock


class Clocked(Pipeline, frozen=True):
    """The pipeline, and the laps of its parts."""

    laps: NDArray[np.int64]


def new_clocked(module: Any, laps: NDArray[np.int64]) -> Pipeline:
    """Return a pipeline of the generated instrument that looks at the clock."""
    pipe = _parts()
    fields = {name: getattr(pipe, name) for name in pipe.__struct_fields__}
    return module.linked(Clocked(**fields, laps=laps))


def _parts() -> Pipeline:
    bars = [BarSeries(0, bar_spec("1m", INSTRUMENT))]
    return new_parts([INSTRUMENT], bars, cost_ticks=1.0)


def with_timers(events: Events) -> Events:
    """Return these events with a TIMER every 100 ms, as a replay gives them."""
    feed, chunks = replay_of([events]), []
    while (chunk := feed.poll(1 << 16)).size:
        chunks.append(chunk.copy())
    return np.concatenate(chunks)


def carry(events: Events, pipe: Pipeline, module: Any, start: int = 0) -> Pipeline:
    """Carry events[start:] through the pipeline as an engine does, without deciding."""
    while start < events.size:
        start, why = module.advance(events, start, events.size, pipe)
        if why & (pipelines.DECIDE_BAR | pipelines.NEEDS_ROOM):
            drain(pipe.footprint, 0)
        if why == pipelines.NEEDS_ROOM:
            pipe = module.make_room(pipe, events[start])
        elif why != pipelines.RAN_OUT:
            drain_signals(pipe.outbox)
    return pipe


class _Looks(ast.NodeTransformer):
    """Put a look at the clock behind every statement that calls a part."""

    def __init__(self, original: ModuleType, names: list[tuple[str, str]]) -> None:
        self._original = original
        self._names = names
        self._when = _OTHERS

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Rewrite a function that calls parts; of any other, the call of the market layer."""
        if node.name not in _TIMED:
            return self.generic_visit(node)
        self._when = _TIMED[node.name]
        node.body = [node.body[0], _look(ENGINE), *self._looked_at(node.body[1:])]
        return ast.fix_missing_locations(node)

    def _looked_at(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return the statements with a look behind each; those of a group asked for one by one."""
        body: list[ast.stmt] = []
        for statement in statements:
            body.append(statement)
            if isinstance(statement, ast.If) and "asked" in ast.unparse(statement.test):
                statement.body = self._looked_at(statement.body)
            elif not isinstance(statement, ast.Return):
                body.append(_look(self._part_of(statement)))
        return body

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        """Look before and behind the market layer."""
        if _MARKET not in ast.unparse(node):
            return node
        self._when = _OTHERS
        return [_look(ENGINE), node, _look(self._number("market.state"))]

    def _part_of(self, statement: ast.stmt) -> int:
        """Return the number of the part that a statement calls: the module of its outer call."""
        for one in ast.walk(statement):
            called = ast.unparse(one.func).split(".")[0] if isinstance(one, ast.Call) else ""
            found: Any = getattr(self._original, called, None)
            if found is None or called == "np":
                continue
            name = found.__name__ if isinstance(found, ModuleType) else found.__module__
            name = name.removeprefix("aggressor.")
            if not name.startswith(("engine.", "linking")):
                return self._number(name)
        return ENGINE

    def _number(self, name: str) -> int:
        key = name, self._when
        if key not in self._names:
            self._names.append(key)
        return self._names.index(key)


def _look(part: int) -> ast.stmt:
    return ast.parse(f"look(pipe.laps, {part})").body[0]


def clocked(scratch: Path) -> tuple[ModuleType, list[tuple[str, str]]]:
    """Return a copy of the pipeline that looks at the clock, and its parts: name, and when."""
    names = [("", ""), ("lost", ""), ("look", ""), ("engine", _OTHERS)]
    for original in (timers, pipelines):
        path = Path(str(original.__file__))
        tree = _Looks(original, names).visit(ast.parse(path.read_text(encoding="utf-8")))
        text = ast.unparse(ast.fix_missing_locations(tree))
        text = text.replace("aggressor.engine.timers", "clocked_timers")
        first = text.index("\nfrom ")
        text = f"{text[:first]}\nfrom cycles import look{text[first:]}\n"
        (scratch / f"clocked_{path.stem}.py").write_text(text, encoding="utf-8")
    sys.path.insert(0, str(scratch))
    return import_module("clocked_pipeline"), names


def measure(events: Events, scratch: Path, floor: Any) -> None:
    """Print the whole beside the C floor of the book alone, every part, and their sum."""
    module, names = clocked(scratch)
    laps = np.zeros(2 * PARTS, np.int64)
    a_look = _cost_of_a_look(laps)
    cycle_ns = _cycle_ns(laps)
    carry(events, new_clocked(module, laps), module)

    def whole() -> float:
        pipe = pipelines.linked(_parts())
        return cpu_of(lambda: carry(events, pipe, pipelines))

    whole()
    runs, wholes = [], []
    for _ in range(REPEATS):
        wholes.append(whole())
        laps[:] = 0
        pipe = new_clocked(module, laps)
        look_around(laps, 1)
        laps[1:] = 0
        carry(events, pipe, module)
        runs.append(laps.copy())
    pair = in_turn(whole, floor)
    fastest_ns = min(pair.fastest, *wholes) * 1e9 / events.size
    what = f"whole pipeline, {events.size:,} events"
    figure(what, pair, events.size, "ns/event", "C book alone", 100)
    counts = np.array([run[:PARTS] - a_look * run[PARTS:] for run in runs])
    fastest = int(np.argmin(counts[:, ENGINE:].sum(axis=1)))
    costs = np.maximum(counts[fastest], 0.0) * cycle_ns / events.size
    total = float(costs[ENGINE:].sum())
    parts = {name: np.zeros(3) for name, _ in names[ENGINE:]}
    for at, (name, when) in enumerate(names[ENGINE:], ENGINE):
        parts[name][(_TIMERS, _TRADES, _OTHERS).index(when)] += costs[at]
    for name, cost in sorted(parts.items(), key=lambda one: -one[1].sum()):
        emit(
            what=f"part: {name}",
            unit="ns/event",
            ours=round(float(cost.sum()), 2),
            share=round(float(cost.sum()) / total, 4),
            at_timers=round(float(cost[0]), 2),
            at_trades=round(float(cost[1]), 2),
            at_other_rows=round(float(cost[2]), 2),
        )
    emit(
        what="all parts",
        unit="ns/event",
        ours=round(total, 1),
        reference="the pipeline as it is, fastest",
        reference_value=round(fastest_ns, 1),
        ratio=round(total / fastest_ns, 3),
        lost=round(float(costs[LOST]), 2),
        a_look_cycles=round(a_look, 1),
        timers=int(np.count_nonzero(events["kind"] == TIMER)),
        count=events.size,
    )


def measure_pieces(events: Events, floor: Any) -> None:
    """Print the whole by the best pass of each piece of it, beside the best of the C floor."""
    cuts = [*range(PIECE, events.size, PIECE), events.size]
    best, floors = np.full(len(cuts), np.iinfo(np.int64).max), []
    for _ in range(max(2 * REPEATS, 10)):
        pipe, start = pipelines.linked(_parts()), 0
        for at, end in enumerate(cuts):
            begin = time.perf_counter_ns()
            pipe = carry(events[:end], pipe, pipelines, start)
            best[at] = min(best[at], time.perf_counter_ns() - begin)
            start = end
        floors += [cpu_of(floor) * 1e9 for _ in range(5)]
    emit(
        what="whole pipeline, best pass of each piece",
        unit="ns/event, wall",
        ours=round(float(best.sum()) / events.size, 1),
        reference="C book alone, best pass",
        reference_value=round(min(floors) / events.size, 2),
        ratio=round(float(best.sum()) / min(floors), 2),
        target=100,
        count=events.size,
    )


def measure_messages(events: Events) -> None:
    """Print p50, p99 and p99.9 over messages, in us of wall time, of each message's best pass."""
    done = (events["flags"] & LAST != 0) & (events["kind"] != TIMER)
    ends = np.flatnonzero(done) + 1
    best = np.full(ends.size, np.iinfo(np.int64).max)
    for _ in range(max(REPEATS, 3)):
        pipe, start = pipelines.linked(_parts()), 0
        for at, end in enumerate(ends.tolist()):
            begin = time.perf_counter_ns()
            pipe = carry(events[:end], pipe, pipelines, start)
            best[at] = min(best[at], time.perf_counter_ns() - begin)
            start = end
    for label, share in (("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)):
        emit(
            what=f"one message through the whole pipeline, {label}",
            unit="us wall, best pass",
            ours=round(float(np.percentile(best, share)) / 1e3, 2),
            target=25 if label == "p99" else None,
            count=ends.size,
        )


def _cost_of_a_look(laps: NDArray[np.int64]) -> float:
    """Return the cycles between two looks with nothing between them, of the fastest hundred."""
    costs = []
    for _ in range(5000):
        look_around(laps, 1)
        laps[1:] = 0
        look_around(laps, 100)
        costs.append(float(laps[LOOK]) / 100)
    return min(costs)


def _cycle_ns(laps: NDArray[np.int64]) -> float:
    """Return how long a cycle of the counter takes."""
    look_around(laps, 1)
    first, begin = int(laps[0]), time.perf_counter_ns()
    time.sleep(0.2)
    look_around(laps, 1)
    return (time.perf_counter_ns() - begin) / (int(laps[0]) - first)


def main() -> None:
    """Measure on the generated tape, with the TIMERs of a replay."""
    scratch = Path(sys.argv[1])
    scratch.mkdir(parents=True, exist_ok=True)
    updates = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    common = peers()
    columns = common.book(updates)
    events = with_timers(market_events(columns))
    measure(events, scratch, common.Floor(columns).book)
    measure_pieces(events, common.Floor(columns).book)
    if updates <= 1_000_000:
        measure_messages(events)


if __name__ == "__main__":
    main()
