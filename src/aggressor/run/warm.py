"""Compile every kernel now, with progress, so that no later command waits for it.

Kernels compile on their first call for the types they are called with. Each part here runs one of
the ways on a small market of its own; together they call every kernel that a command calls.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aggressor.engine.columns import empty_row, read_columns
from aggressor.engine.flows import FlowReader
from aggressor.engine.levels import book_levels
from aggressor.engine.market_view import (
    read_cost,
    read_depth,
    read_levels,
    read_weighted_mid,
    read_window,
)
from aggressor.engine.parts import Pipeline, new_parts
from aggressor.engine.pipeline import run
from aggressor.engine.timers import on_timer
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.features.table import footprint_bars
from aggressor.linking import address_of
from aggressor.run.imports.importing import import_files
from aggressor.run.progress import Step
from aggressor.schema.command import empty_commands
from aggressor.schema.event import (
    CLEAR,
    LAST,
    LEVEL,
    SNAPSHOT,
    TRADE,
    Events,
    empty_events,
)
from aggressor.sim.drive import drive
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import Latency
from aggressor.sim.loop import submit
from aggressor.sim.queue import Queue
from aggressor.sim.state import sim_state
from aggressor.sim.synthetic.market import record
from aggressor.sim.synthetic.presets import demo_config, demo_instrument
from aggressor.store.replay import replay_of
from aggressor.study.depth_rows import depth_rows
from aggressor.study.readings import read_all

_START_MS = 1_700_000_000_000
_SECONDS = 20


def warm_kernels(progress: Step, workers: int | None = None) -> dict[str, Any]:
    """Compile what is not in the cache; return how many parts there are and the seconds it took.

    Parts share no kernel that Python calls, so they are compiled by `workers` processes side by
    side: as many as there are processors where it is not given, none beside this one where it is 1.
    """
    began = time.perf_counter()
    workers = min(workers or os.cpu_count() or 1, len(PARTS))
    progress("compiling", 0.0)
    for done, name in enumerate(_compiled(workers), 1):
        progress(f"compiled {name}", done / len(PARTS))
    return {"kernels": len(PARTS), "seconds": time.perf_counter() - began}


def _compiled(workers: int) -> Iterator[str]:
    """Compile every part; yield the name of each when it is ready."""
    if workers == 1:
        for name in PARTS:
            yield compile_part(name)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for part in as_completed([pool.submit(compile_part, name) for name in PARTS]):
            yield part.result()


def compile_part(name: str) -> str:
    """Compile one part of PARTS in this process; return its name."""
    PARTS[name]()
    return name


def _events() -> Events:
    """Return a book of two levels a side that trades and moves for some seconds."""
    rows: list[tuple[int, int, int, int, int]] = [(CLEAR, 0, 0, 0, 0)]
    rows += [(LEVEL, side, 100 - side * n, 5, SNAPSHOT) for side in (1, -1) for n in (1, 2)]
    rows[-1] = (*rows[-1][:4], SNAPSHOT | LAST)
    for second in range(1, _SECONDS):
        rows.append((TRADE, 1 - 2 * (second & 1), 101 - 2 * (second & 1), 1, LAST))
        rows.append((LEVEL, 1, 99, 5 + second, LAST))
    events = empty_events(len(rows))
    for name, column in zip(
        ("kind", "side", "price", "size", "flags"), zip(*rows, strict=True), strict=True
    ):
        events[name] = column
    events["ts_recv"] = events["ts_venue"] = _START_MS * 1_000_000 + np.linspace(
        0, _SECONDS * 1e9, len(rows)
    ).astype(np.int64)
    return events


def _market() -> None:
    record(msgspec.structs.replace(demo_config(0), burn_in_s=1.0, warmup_s=1.0), 2.0)


def _footprint() -> None:
    series = BarSeries(0, bar_spec("1s", demo_instrument()))
    assert list(footprint_bars([_events()], series)), "a market of some seconds has bars of one"


def _readings() -> None:
    readings = read_all([_events()])
    assert readings.rows.size == 0, "a tape without TIMERs has no reading"


def _parts() -> Pipeline:
    """Return a pipeline that is not linked yet, so that parts compile apart."""
    instrument = demo_instrument()
    series = BarSeries(0, bar_spec("1m", instrument))
    return new_parts([instrument], [series], profile="micro")


def _timers() -> None:
    address_of(on_timer, _parts(), 0)


def _events_path() -> None:
    address_of(run, empty_events(0), 0, 0, _parts())


def _venue() -> None:
    sim = sim_state(1, Latency(), Queue())
    address_of(drive, empty_events(0), 0, 0, sim, _parts(), 0)
    exchange = SimExchange(replay_of([_events()]), [demo_instrument()])
    exchange.poll(64)
    submit(exchange.sim, empty_commands(1)[0])


def _reads() -> None:
    pipe = _parts()
    read_weighted_mid(pipe, 0)
    read_window(pipe, 0, 0)
    read_cost(pipe, 0, 1, 1, False)
    read_depth(pipe, 0, 10)
    read_levels(pipe, 0, 1, 1000)
    read_columns(pipe, 0, 0, empty_row())
    book_levels(pipe, 0, 1)
    FlowReader(0).look(pipe, 0, 1)
    depth_rows(pipe.market.book, 0, 0, 1, np.zeros(4))


def _import() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder, "recording")
        recording.write_bytes(b"".join(_lines()))
        import_files([recording], "binance-usdm", Path(folder, "store"), tick="0.1", lot="0.001")


def _lines() -> list[bytes]:
    """Return a recording of one quote, trade, depth message and snapshot."""
    times = {"E": _START_MS, "T": _START_MS, "s": "BTCUSDT"}
    sides = {"b": [["99.9", "1"]], "a": [["100.1", "1"]]}
    quote = {"e": "bookTicker", "u": 1, **times, "b": "99.9", "B": "1", "a": "100.1", "A": "1"}
    trade = {"e": "aggTrade", **times, "a": 1, "p": "100.1", "q": "1", "f": 1, "l": 1, "m": False}
    first = {"e": "depthUpdate", **times, "U": 1, "u": 2, "pu": 0, **sides}
    second = {"e": "depthUpdate", **times, "U": 3, "u": 4, "pu": 2, **sides}
    snapshot = {
        **{"lastUpdateId": 2, "E": _START_MS, "T": _START_MS},
        **{"bids": sides["b"], "asks": sides["a"]},
    }
    streams = (
        ("btcusdt@bookTicker", quote),
        ("btcusdt@aggTrade", trade),
        ("btcusdt@depth@100ms", first),
    )
    messages = [{"stream": name, "data": payload} for name, payload in streams]
    messages += [snapshot, {"stream": "btcusdt@depth@100ms", "data": second}]
    return [
        f"{(_START_MS + i) * 1_000_000} {json.dumps(one, separators=(',', ':'))}\n".encode()
        for i, one in enumerate(messages)
    ]


# The longest first, so that it does not wait for a free processor.
PARTS: dict[str, Callable[[], None]] = {
    "what happens at timers": _timers,
    "what happens at events": _events_path,
    "the import": _import,
    "the synthetic market": _market,
    "the simulated venue": _venue,
    "what is read": _reads,
    "footprint bars": _footprint,
    "readings of a study": _readings,
}
