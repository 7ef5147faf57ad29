"""Many instruments of all venues in one process, fed over real sockets by local venues.

    python bench/load.py [--venues binance-usdm bybit-linear bingx weex mexc] [--instruments 20]
                         [--seconds 60] [--speed 1] [--without-pipeline]

Each venue is a process of its own that serves `--instruments` made markets. This process holds a
line to each of them and carries all rows through one pipeline of every measure and detector, as
`aggressor watch` does for one. Prints one line of JSON:

    messages_per_s        frames of the market streams
    rows_per_s            EVENT rows
    wire_to_view_ms       from the stamp of a frame to when the pipeline has used its rows and a
                          View would show them: p50, p99, p99.9, largest; of every frame that had
                          rows. The wait for the loop's next turn and for TIMERs is in it
    cpu_share             CPU seconds of this process for each second
    memory_mb             at a third of the time and at the end: flat is what a soak must show
    gaps, losses, bad     of all lines; dropped: rows of the backlog
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

VENUES = ("binance-usdm", "bybit-linear", "bingx", "weex", "mexc")
POLL_ROWS = 65_536
WARM_S = 8.0  # not counted: alignment, first pictures


def serve(name: str, count: int, speed: float) -> None:
    """Be one venue with `count` made markets; say where on standard output."""
    from aggressor.run.local_venue import SYNTHETIC_LEAD_S, synthetic_feed
    from aggressor.run.venue_server import VenueServer
    from aggressor.venues.dialects import dialect_named

    dialect = dialect_named(name)
    one = dialect.example
    traded = [
        msgspec.structs.replace(
            one, symbol=one.symbol.replace("BTC", f"C{n:02d}"), base=f"C{n:02d}"
        )
        for n in range(count)
    ]
    feeds = [synthetic_feed(each, seed=n + 1) for n, each in enumerate(traded)]

    async def run() -> None:
        server = VenueServer(
            dialect, traded, feeds, speed=speed, lead_s=SYNTHETIC_LEAD_S, deposit=10**13
        )
        await server.start(0, None)
        told = {"rest": server.document["rest"], "symbols": [each.symbol for each in traded]}
        print(json.dumps(told), flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


class Meter:
    """What came of the rows."""

    def __init__(self) -> None:
        self.waits_ns: list[np.ndarray[Any, Any]] = []
        self.rows = 0

    def took(self, events: Any, now_ns: int) -> None:
        """Note how long the frames of these rows waited until now."""
        stamps = np.unique(events["ts_recv"][events["ts_recv"] != events["ts_venue"]])
        self.waits_ns.append(now_ns - stamps)
        self.rows += events.size


def memory_mb() -> float:
    """Return what this process holds of memory that is its own."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous"):
            return int(line.split()[1]) / 1024
    return float("nan")


async def hold(places: dict[str, dict[str, Any]], seconds: float, whole: bool) -> dict[str, Any]:
    """Follow all instruments of all venues; return the figures."""
    from aggressor.engine.pipeline import NEEDS_ROOM, advance, make_room
    from aggressor.run.assemble import pipeline_of
    from aggressor.run.backlog import Backlog
    from aggressor.run.line import Line, Wires, chosen, definitions_of
    from aggressor.run.live_feed import LiveFeed
    from aggressor.run.studying import drain_bars
    from aggressor.venues.table import venue_named
    from aggressor.wire.clock import Clock
    from aggressor.wire.rest import Limits, Rest

    clock, woken = Clock(), asyncio.Event()
    backlog = Backlog(woken=woken.set)
    notices: list[str] = []
    async with Rest() as rest:
        lines: list[Any] = []
        instruments: list[Any] = []
        for name, place in places.items():
            venue, wires = venue_named(name), Wires(rest, clock, notices.append, place["rest"])
            listed = await definitions_of(venue, wires, Limits({"rest": venue.rest_limit}))
            own = chosen(listed, venue, place["symbols"])
            numbered = [(one, len(instruments) + n) for n, one in enumerate(own)]
            lines.append(Line(venue, numbered, wires, backlog))
            instruments += own
        pipe = pipeline_of(instruments, "micro") if whole else None
        feed, meter = LiveFeed(backlog, clock), Meter()
        tasks = [asyncio.create_task(line.run()) for line in lines]
        began = time.monotonic()
        counted: tuple[float, float, int] | None = None
        early = 0.0
        while time.monotonic() - began < WARM_S + seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), 0.02)
            woken.clear()
            events = feed.poll(POLL_ROWS)
            at = 0
            while pipe is not None and at < events.size:
                at, reason = advance(events, at, events.size, pipe)
                drain_bars(pipe)
                pipe.outbox.head[0]["read"] = pipe.outbox.head[0]["written"]
                if reason == NEEDS_ROOM:
                    pipe = make_room(pipe, events[at])
            now_s = time.monotonic() - began
            if now_s > WARM_S:
                if counted is None:
                    done = sum(line.counts.messages for line in lines)
                    counted = (time.monotonic(), time.process_time(), done)
                    meter = Meter()
                meter.took(events, clock.now())
                if not early and now_s > WARM_S + seconds / 3:
                    early = memory_mb()
        assert counted is not None
        wall, cpu = time.monotonic() - counted[0], time.process_time() - counted[1]
        messages = sum(line.counts.messages for line in lines) - counted[2]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    waits = np.concatenate(meter.waits_ns) / 1e6
    return {
        "venues": len(places),
        "instruments": len(instruments),
        "pipeline": whole,
        "seconds": round(wall, 1),
        "messages_per_s": round(messages / wall),
        "rows_per_s": round(meter.rows / wall),
        "wire_to_view_ms": {
            name: round(float(np.percentile(waits, share)), 3)
            for name, share in (("p50", 50), ("p99", 99), ("p99.9", 99.9), ("max", 100))
        },
        "cpu_share": round(cpu / wall, 3),
        "memory_mb": [round(early), round(memory_mb())],
        "gaps": sum(int(line.decoder.counts.get("gaps", 0)) for line in lines),
        "losses": sum(line.counts.losses for line in lines),
        "bad": sum(line.counts.bad for line in lines),
        "dropped": backlog.dropped,
        "notices": notices[:5],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold many instruments of all venues.")
    parser.add_argument("--venues", nargs="+", choices=VENUES, default=VENUES)
    parser.add_argument("--instruments", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--without-pipeline", action="store_true")
    parser.add_argument("--serve", choices=VENUES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve, asked.instruments, asked.speed)
        return
    running = [
        subprocess.Popen(
            [
                *(sys.executable, __file__, "--serve", venue),
                *("--instruments", str(asked.instruments), "--speed", str(asked.speed)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        for venue in asked.venues
    ]
    try:
        places = {}
        for venue, process in zip(asked.venues, running, strict=True):
            assert process.stdout is not None
            places[venue] = json.loads(process.stdout.readline())
        found = asyncio.run(hold(places, asked.seconds, not asked.without_pipeline))
        print(json.dumps(found), flush=True)
    finally:
        for process in running:
            process.terminate()


if __name__ == "__main__":
    main()
