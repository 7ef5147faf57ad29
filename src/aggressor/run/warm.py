"""Compile every kernel now, with progress, so that no later command waits for it.

Kernels compile on their first call for the types they are called with. This runs the whole path
once on a few seconds of the synthetic market, and the parts that only other commands use, each
under its own name.
"""

import json
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from aggressor.engine.view import read_cost, read_depth, read_weighted_mid, read_window
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.features.table import footprint_bars
from aggressor.run.assemble import Settings, assemble
from aggressor.run.backtest import play
from aggressor.run.importing import import_files
from aggressor.run.progress import Step
from aggressor.schema.command import empty_commands
from aggressor.schema.event import Events
from aggressor.sim.loop import submit
from aggressor.sim.synthetic.market import record
from aggressor.sim.synthetic.presets import demo_config, demo_instrument
from aggressor.store.replay import replay_of
from aggressor.strategies.gates import Mode

_START_MS = 1_700_000_000_000
_SECONDS = 5.0


def warm_kernels(progress: Step) -> dict[str, Any]:
    """Compile what is not in the cache; return how many parts there are and the seconds it took."""
    began = time.perf_counter()
    for number, (name, compile_part) in enumerate(_PARTS):
        progress(f"compiling {name}", number / len(_PARTS))
        compile_part()
    progress("compiling", 1.0)
    return {"kernels": len(_PARTS), "seconds": time.perf_counter() - began}


@cache
def _market() -> Events:
    config = msgspec.structs.replace(demo_config(0), burn_in_s=1.0, warmup_s=1.0)
    return record(config, _SECONDS).events


def _footprint() -> None:
    series = BarSeries(0, bar_spec("1s", demo_instrument()))
    assert list(footprint_bars([_market()], series)), "a market of some seconds has bars of one"


def _backtest() -> None:
    instrument = demo_instrument()
    assembly = assemble([instrument], Settings(profile="micro"), Mode.BACKTEST)
    exchange = play(assembly, replay_of([_market()]), [instrument])
    pipeline = assembly.engine.pipeline
    read_weighted_mid(pipeline, 0)
    read_window(pipeline, 0, assembly.engine.now_ns)
    read_cost(pipeline, 0, 1, 1, False)
    read_depth(pipeline, 0, 10)
    submit(exchange.sim, empty_commands(1)[0])


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


_PARTS: tuple[tuple[str, Callable[[], object]], ...] = (
    ("the synthetic market", _market),
    ("footprint bars", _footprint),
    ("pipeline and venue", _backtest),
    ("the import", _import),
)
