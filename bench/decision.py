"""From the wire to a command: how long a decision takes in paper, over loopback.

    python -m bench.decision [SECONDS] [SPEED]

A local venue runs in a process of its own and a strategy that trades all the time in this one. A
row is stamped when its bytes are read off the socket; the time ends when the command has been
handed to the exchange. In between: decoding, the pipeline, the strategy, the desk's checks, and the
journal, flushed to the disk. The flush is told apart, for it is the disk's. Decisions at TIMERs are
told apart too: those are late by as much as the loop sleeps, at most 20 ms.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.run.paper_stage import BUSY, FREE, SETTINGS, Busy, KnownBusy

from aggressor.run.accounts.paper import PaperPlan, paper
from aggressor.run.accounts.trading import Trading
from aggressor.schema.command import Commands
from aggressor.schema.event import TIMER, Events
from aggressor.schema.report import Reports
from aggressor.strategies import table

Sample = tuple[int, int, bool]  # whole ns, of it the journal, at a TIMER


def measured(seconds: float, speed: float) -> list[Sample]:
    """Trade on paper for a while; return a sample for every decision that sent something."""
    samples: list[Sample] = []
    _watch(samples)
    table.STRATEGIES[BUSY] = KnownBusy(Busy, {})
    venue = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "aggressor",
            "venue",
            "binance-usdm",
            "--speed",
            str(speed),
            "--json",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert venue.stdout is not None
        at = json.loads(venue.stdout.readline())["rest"]
        with tempfile.TemporaryDirectory() as folder:
            plan = PaperPlan(["binance-usdm:BTCUSDT"], SETTINGS, FREE, Path(folder), seconds, at)
            asyncio.run(paper(plan, show=lambda _: None, notice=lambda _: None))
    finally:
        venue.terminate()
        venue.wait()
    return samples


def _watch(samples: list[Sample]) -> None:
    """Note what every sending takes, in the loop itself."""
    use, send = Trading.use, Trading._send
    seen: dict[str, Any] = {"journal": 0, "rows": None}

    def using(self: Trading, market: Events, reports: Reports) -> int:
        seen["rows"] = market
        if "keeper" not in seen:
            seen["keeper"] = seal = self.keeper.seal

            def sealing(desk: Any, events: int = 0) -> None:
                began = time.perf_counter_ns()
                seal(desk, events)
                seen["journal"] = time.perf_counter_ns() - began

            self.keeper.seal = sealing  # type: ignore[method-assign]
        return use(self, market, reports)

    def sending(self: Trading, commands: Commands) -> None:
        send(self, commands)
        rows, last = seen["rows"], self.last_ns
        kinds = rows["kind"][rows["ts_recv"] == last]
        timer = not kinds.size or int(kinds[0]) == TIMER
        if self._now is not None:
            samples.append((self._now() - int(commands["ts_send"].max()), seen["journal"], timer))

    Trading.use = using  # type: ignore[method-assign]
    Trading._send = sending  # type: ignore[method-assign]


def _say(name: str, times: list[int]) -> None:
    if not times:
        print(f"{name}: none")
        return
    times.sort()
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, 99 * len(times) // 100)]
    print(f"{name}: {len(times)}, p50 {p50 / 1e3:,.0f} us, p99 {p99 / 1e3:,.0f} us")


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    speed = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0
    samples = measured(seconds, speed)
    rows = [one for one in samples if not one[2]]
    _say("row to command", [whole for whole, _, _ in rows])
    _say("  without the journal", [whole - journal for whole, journal, _ in rows])
    _say("  the journal alone", [journal for _, journal, _ in rows])
    _say("TIMER to command", [whole for whole, _, timer in samples if timer])


if __name__ == "__main__":
    main()
