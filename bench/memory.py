"""Peak memory of a backtest over days: a store of DAYS is made and run through, each in a process.

    python -m bench.memory [DAYS ...]

Every day holds twelve stretches of a made market, five minutes each, with TIMERs between them.
Prints the rows of each store, events used, seconds and the peak of the process in MiB.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from aggressor.run.assemble import Settings
from aggressor.run.backtests.backtest import run_backtest
from aggressor.schema.event import EVENT
from aggressor.sim.synthetic.presets import demo_market
from aggressor.store.layout import Layout
from aggressor.store.making import enter_made
from aggressor.store.writer import PartitionWriter

STRETCHES = 12
MINUTES = 5.0
_STRETCH_NS = 86_400_000_000_000 // STRETCHES
_SOURCE = "0" * 16


def make(root: Path, days: int) -> int:
    """Write a store of so many days; return its rows."""
    instrument, events, _ = demo_market(1, MINUTES)
    layout = Layout(root)
    writer = PartitionWriter(layout, _SOURCE, {0: instrument})
    rows = np.zeros(events.size, EVENT)
    rows[:] = events
    for _ in range(days * STRETCHES):
        writer.add(rows)
        rows["ts_recv"] += _STRETCH_NS
        rows["ts_venue"] += _STRETCH_NS
    written = writer.finish()
    writer.publish()
    return enter_made(layout, _SOURCE, "made", written)


def run(root: Path) -> dict[str, float]:
    """Run the backtest; return what it used."""
    began = time.perf_counter()
    result = run_backtest(root, "synthetic:MICRO", Settings(profile="micro", equity=1e6))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - began
    return {"events": result["events"], "seconds": seconds, "peak_mib": peak}


def main() -> None:
    """Measure."""
    if sys.argv[1:2] == ["run"]:
        print(json.dumps(run(Path(sys.argv[2]))))
        return
    for days in [int(text) for text in sys.argv[1:]] or [1, 2, 4]:
        with tempfile.TemporaryDirectory() as folder:
            rows = make(Path(folder), days)
            command = [sys.executable, "-m", "bench.memory", "run", folder]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            print(json.dumps({"days": days, "rows": rows} | json.loads(answer.stdout)), flush=True)


if __name__ == "__main__":
    main()
