"""Many instruments of all venues in one process, fed over real sockets by local venues.

    python bench/load.py [--venues binance-usdm bybit-linear bingx weex mexc] [--instruments 20]
                         [--seconds 60] [--speed 1] [--every 0] [--without-pipeline]

Each venue is a process of its own that serves `--instruments` made markets. This process holds a
line to each of them and carries all rows through one pipeline of every measure and detector, as
`aggressor watch` does for one. Prints one line of JSON:

    messages_per_s        frames of the market streams
    rows_per_s            EVENT rows
    wire_to_view_ms       from the stamp of a frame to when the pipeline has used its rows and a
                          View would show them: p50, p99, p99.9, largest; of every frame that had
                          rows. A frame's rows are used in the turn in which it was decoded; the
                          TIMERs that fall due in front of them are in it. What a frame waits in
                          the socket while others are used is not: no stamp tells when it came
    cpu_share             CPU seconds of this process for each second
    memory_mb             at a third of the time and at the end: flat is what a soak must show
    --every S             a line each S seconds with the memory: 60 minutes of a market at 20x are
                          `--instruments 1 --speed 20 --seconds 180 --every 15`
    gaps, losses, bad     of all lines; dropped: rows of the backlog
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

VENUES = ("binance-usdm", "bybit-linear", "bingx", "weex", "mexc")
POLL_ROWS = 65_536
PER_E = 100  # classes of waits for each factor of e
TIMER_S = 0.02
WARM_S = 8.0  # not counted: alignment, first pictures


def serve(name: str, count: int, speed: float) -> None:
    """Be one venue with `count` made markets; say where on standard output."""
    from aggressor.run.local.local_venue import SYNTHETIC_LEAD_S, synthetic_feed
    from aggressor.run.local.venue_server import VenueServer
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
        self.waits = np.zeros(27 * PER_E, np.int64)  # by the logarithm of ns
        self.rows = 0

    def took(self, events: Any, now_ns: int) -> None:
        """Note how long the frames of these rows waited until now."""
        first = int(events["ts_recv"][0])
        if first == int(events["ts_recv"][-1]):  # one frame, as nearly always
            if first != int(events["ts_venue"][0]):
                self._note(now_ns - first)
        else:
            for stamp in np.unique(events["ts_recv"][events["ts_recv"] != events["ts_venue"]]):
                self._note(now_ns - int(stamp))
        self.rows += events.size

    def _note(self, wait_ns: int) -> None:
        """Count a wait by tenths of microseconds, ever coarser: a soak must not grow by this."""
        self.waits[min(int(np.log(max(wait_ns, 1)) * PER_E), self.waits.size - 1)] += 1

    def share_ms(self, share: float) -> float:
        """Return the wait that so many percent of the frames did not exceed, ms, within 1 %."""
        at = np.searchsorted(np.cumsum(self.waits), share / 100 * self.waits.sum())
        return float(np.exp((min(at, self.waits.size - 1) + 1) / PER_E)) / 1e6


def memory_mb() -> float:
    """Return what this process holds of memory that is its own."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous"):
            return int(line.split()[1]) / 1024
    return float("nan")


class Consumer:
    """Carries rows through the pipeline, in the very turn in which a frame was decoded.

    A frame so never waits until all the others that arrived with it have been decoded.
    """

    def __init__(self, feed: Any, pipe: Any, now: Any) -> None:
        self.meter = Meter()
        self._feed = feed
        self._pipe = pipe
        self._now = now

    def turn(self) -> None:
        """Use what is there."""
        from aggressor.engine.pipeline import NEEDS_ROOM, advance, make_room
        from aggressor.run.studies.studying import drain_bars

        events, at, pipe = self._feed.poll(POLL_ROWS), 0, self._pipe
        if not events.size:
            return
        while pipe is not None and at < events.size:
            at, reason = advance(events, at, events.size, pipe)
            drain_bars(pipe)
            pipe.outbox.head[0]["read"] = pipe.outbox.head[0]["written"]
            if reason == NEEDS_ROOM:
                pipe = self._pipe = make_room(pipe, events[at])
        self.meter.took(events, self._now())


def look(at_s: float, consumer: Consumer, lines: list[Any]) -> dict[str, Any]:
    """Return how things stand in a soak."""
    return {
        "at_s": round(at_s),
        "memory_mb": round(memory_mb()),
        "rows": consumer.meter.rows,
        "messages": sum(line.counts.messages for line in lines),
        "gaps": sum(int(line.decoder.counts.get("gaps", 0)) for line in lines),
        "losses": sum(line.counts.losses for line in lines),
    }


async def hold(
    places: dict[str, dict[str, Any]], seconds: float, whole: bool, every_s: float = 0.0
) -> dict[str, Any]:
    """Follow all instruments of all venues; return the figures."""
    from aggressor.run.assemble import pipeline_of
    from aggressor.run.lines.backlog import Backlog
    from aggressor.run.lines.line import Line, Wires, chosen, definitions_of
    from aggressor.run.lines.live_feed import LiveFeed
    from aggressor.venues.table import venue_named
    from aggressor.wire.clock import Clock
    from aggressor.wire.rest import Limits, Rest

    clock, backlog = Clock(), Backlog()
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
        feed = LiveFeed(backlog, clock)
        consumer = Consumer(feed, pipe, clock.now)
        backlog.woken = consumer.turn
        tasks = [asyncio.create_task(line.run()) for line in lines]
        began, told = time.monotonic(), time.monotonic()
        counted: tuple[float, float, int] | None = None
        early = 0.0
        while (now_s := time.monotonic() - began) < WARM_S + seconds:
            await asyncio.sleep(TIMER_S)
            consumer.turn()
            if now_s <= WARM_S:
                continue
            if counted is None:
                done = sum(line.counts.messages for line in lines)
                counted = (time.monotonic(), time.process_time(), done)
                consumer.meter = Meter()
            if not early and now_s > WARM_S + seconds / 3:
                early = memory_mb()
            if every_s and time.monotonic() - told >= every_s:
                told = time.monotonic()
                print(json.dumps(look(now_s - WARM_S, consumer, lines)), flush=True)
        meter = consumer.meter
        assert counted is not None
        wall, cpu = time.monotonic() - counted[0], time.process_time() - counted[1]
        messages = sum(line.counts.messages for line in lines) - counted[2]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "venues": len(places),
        "instruments": len(instruments),
        "pipeline": whole,
        "seconds": round(wall, 1),
        "messages_per_s": round(messages / wall),
        "rows_per_s": round(meter.rows / wall),
        "wire_to_view_ms": {
            name: round(meter.share_ms(share), 3)
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
    parser.add_argument("--every", type=float, default=0.0, help="print a line each so many s")
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
        found = asyncio.run(hold(places, asked.seconds, not asked.without_pipeline, asked.every))
        print(json.dumps(found), flush=True)
    finally:
        for process in running:
            process.terminate()


if __name__ == "__main__":
    main()
