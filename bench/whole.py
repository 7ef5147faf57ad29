"""Whole commands: import, and a backtest from a fresh process, with time and peak memory.

    python whole.py SCRATCH [CAPTURE.gz] [UPDATES ...]    no UPDATES: the import alone

The import is timed in this process, warm, in turn with reading the same file through gzip. A
backtest is `aggressor backtest STORE --json` as a user starts it: the process begins, finds its
kernels and its decoded events in the caches that an untimed first run left, and ends. SCRATCH gets
the stores and the caches of decoded events.
"""

import gzip
import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from generated import INSTRUMENT, market_events, peers
from measuring import REPEATS, cpu_of, emit, figure, in_turn, run_process

from aggressor.run.imports.importing import import_files
from aggressor.schema.event import Events
from aggressor.store.making import make_store


def measure_import(capture: Path, scratch: Path) -> None:
    """Import one capture into a new store, CPU of all threads per line."""
    with gzip.open(capture) as file:
        lines = sum(1 for _ in file)
    runs = iter(range(1000))

    def ours() -> float:
        store = scratch / f"import-{next(runs)}"
        seconds = cpu_of(lambda: import_files([capture], "binance-usdm", store))
        shutil.rmtree(store)
        return seconds

    def floor() -> None:
        with gzip.open(capture) as file:
            for _ in file:
                pass

    figure(
        f"import, {lines:,} lines of {capture.name}",
        in_turn(ours, floor),
        lines,
        "us/line",
        "Python gzip, lines alone",
        5,
        1e6,
    )


def measure_backtest(scratch: Path, events: Events, repeats: int) -> dict[str, Any]:
    """Run the backtest command on these events; return its medians."""
    store = make_store(scratch / f"store-{len(events)}", {INSTRUMENT: events})
    command = [
        Path(sys.executable).with_name("aggressor"),
        "backtest",
        store,
        "--instrument",
        INSTRUMENT.id,
        "--json",
    ]
    cache = {"AGGRESSOR_CACHE": str(scratch / "decoded")}
    run_process(command, **cache)
    runs = [run_process(command, **cache) for _ in range(repeats)]
    result = json.loads(runs[-1].output)
    assert result["events"] >= len(events)
    shutil.rmtree(store)
    return {
        "wall_s": statistics.median(run.wall_s for run in runs),
        "cpu_s": statistics.median(run.cpu_s for run in runs),
        "peak_mb": statistics.median(run.peak_mb for run in runs),
        "anonymous_mb": statistics.median(run.anonymous_mb for run in runs),
        "result_s": result["seconds"],
        "orders": result["orders"],
        "digest": result["digest"],
    }


def main() -> None:
    scratch = Path(sys.argv[1])
    captures = [Path(one) for one in sys.argv[2:] if not one.isdigit()]
    if captures:
        measure_import(captures[0], scratch)
    sizes = [int(one) for one in sys.argv[2:] if one.isdigit()]
    if not sizes:
        return
    common = peers()
    bare = statistics.median(
        run_process([sys.executable, "-c", "import numpy, numba"]).cpu_s for _ in range(3)
    )
    peaks: list[tuple[int, float]] = []
    for updates in sizes:
        events = market_events(common.book(updates))
        count = len(events)
        done = measure_backtest(scratch, events, REPEATS if updates <= 1_000_000 else 1)
        emit(
            what=f"fresh process to the result of a backtest, {count:,} events, warm",
            unit="s of CPU",
            ours=round(done["cpu_s"], 3),
            reference="import numpy, numba",
            reference_value=round(bare, 3),
            ratio=round(done["cpu_s"] / bare, 2),
            target=1.5 if updates <= 1_000_000 else None,
            count=count,
            wall_s=round(done["wall_s"], 3),
            inside_s=round(done["result_s"], 3),
            orders=done["orders"],
            digest=done["digest"],
        )
        peaks.append((count, done["anonymous_mb"]))
        emit(what=f"peak memory of it, {count:,} events", unit="MB", ours=round(done["peak_mb"], 1))
        emit(
            what="of that, not mapped files",
            unit="MB",
            ours=round(done["anonymous_mb"], 1),
            reference="the events themselves",
            reference_value=round(events.nbytes / 2**20, 1),
        )
        del events
    if len(peaks) > 1:
        (few, low), (many, high) = peaks[0], peaks[-1]
        emit(
            what=f"growth of it, mapped files left out, from {few:,} to {many:,} events",
            unit="bytes/event",
            ours=round((high - low) * 2**20 / (many - few), 2),
            target=0,
        )


if __name__ == "__main__":
    main()
