"""Many instruments of all venues in one process, fed over real sockets by local venues.

    python bench/load.py [--venues binance-usdm bybit-linear bingx weex mexc] [--instruments 20]
                         [--seconds 60] [--speed 1] [--every 0] [--without-pipeline]

Each venue is a process of its own that serves `--instruments` made markets. This process holds a
line to each of them and carries all rows through one pipeline of every measure and detector, as
`aggressor watch` does for one. At `--speed X` the clocks of all of them run X times as fast, so
that whatever is kept for a time of the market is kept for as long as it would be; the waits below
are real ones. Prints one line of JSON:

    messages_per_s        frames of the market streams
    rows_per_s            EVENT rows
    wire_to_view_ms       from the stamp of a frame to when the pipeline has used its rows and a
                          View would show them: p50, p99, p99.9, largest; of every frame that had
                          rows. A frame's rows are used in the turn in which it was decoded; the
                          TIMERs that fall due in front of them are in it. What a frame waits in
                          the socket while others are used is not: no stamp tells when it came
    own_ms                the same in CPU time of this process: what others on the machine take
                          is not in it; of the frames with a TIMER in front (`timer`) and of those
                          without (`plain`), and how many of a hundred had one
    cpu_share             CPU seconds of this process for each second
    memory_mb             of this process, at a third of the time and at the end
    rest_mb               the same without the pipeline's arrays: flat is what a soak must show
    arrays_mb             of the pipeline's arrays: what has been touched, and the whole, which it
                          cannot exceed unless a lane is given more room
    venues_mb             of each venue's process at the end
    --every S             a line each S seconds with the memory: 200 minutes of a market are
                          `--instruments 1 --speed 20 --seconds 600 --every 30`
    gaps, losses, bad     of all lines; dropped: rows of the backlog
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aggressor.schema.event import TIMER
from aggressor.state import State
from aggressor.wire.clock import Clock

VENUES = ("binance-usdm", "bybit-linear", "bingx", "weex", "mexc")
POLL_ROWS = 65_536
PER_E = 100  # classes of waits for each factor of e
TIMER_S = 0.02
WARM_S = 8.0  # not counted: alignment, first pictures
PAGE = os.sysconf("SC_PAGESIZE")


class FastClock(Clock):
    """A clock that runs `speed` times as fast from `began_ns` on, in every process alike."""

    def __init__(self, began_ns: int, speed: float) -> None:
        super().__init__()
        self._began = began_ns
        self._speed = speed

    def now(self) -> int:
        """Return its time in ns."""
        passed = int((super().now() - self._began) * self._speed)
        return self._began + passed


def serve(name: str, count: int, clock: Clock) -> None:
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
            dialect, traded, feeds, lead_s=SYNTHETIC_LEAD_S, deposit=10**13, clock=clock
        )
        await server.start(0, None)
        told = {"rest": server.document["rest"], "symbols": [each.symbol for each in traded]}
        print(json.dumps(told), flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


class Waits:
    """How often something took how long, by tenths of microseconds and ever coarser.

    A soak must not grow by this.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(27 * PER_E, np.int64)  # by the logarithm of ns

    def note(self, wait_ns: float) -> None:
        """Count one."""
        place = int(np.log(max(wait_ns, 1.0)) * PER_E)
        self.counts[min(place, self.counts.size - 1)] += 1

    def ms(self, share: float) -> float:
        """Return what so many percent did not exceed, ms, within 1 %."""
        at = np.searchsorted(np.cumsum(self.counts), share / 100 * self.counts.sum())
        return float(np.exp((min(at, self.counts.size - 1) + 1) / PER_E)) / 1e6

    def shares(self) -> dict[str, float]:
        """Return the usual ones."""
        named = (("p50", 50), ("p99", 99), ("p99.9", 99.9), ("max", 100))
        return {name: round(self.ms(share), 3) for name, share in named}


class Meter:
    """What came of the rows."""

    def __init__(self, speed: float) -> None:
        self.waits = Waits()
        self.own = {"plain": Waits(), "timer": Waits()}
        self.rows = 0
        self._speed = speed  # of the clock that stamps

    def took(self, events: Any, now_ns: int, own_ns: int) -> None:
        """Note how long the frames of these rows waited until now."""
        if own_ns:
            self.own["timer" if (events["kind"] == TIMER).any() else "plain"].note(own_ns)
        first = int(events["ts_recv"][0])
        if first == int(events["ts_recv"][-1]):  # one frame, as nearly always
            if first != int(events["ts_venue"][0]):
                self._note(now_ns - first)
        else:
            for stamp in np.unique(events["ts_recv"][events["ts_recv"] != events["ts_venue"]]):
                self._note(now_ns - int(stamp))
        self.rows += events.size

    def _note(self, wait_ns: int) -> None:
        self.waits.note(wait_ns / self._speed)

    def own_ms(self) -> dict[str, Any]:
        """Return what frames cost of the processor, with a TIMER in front of them and without."""
        counts = {name: int(one.counts.sum()) for name, one in self.own.items()}
        share = 100 * counts["timer"] / max(sum(counts.values()), 1)
        return {name: one.shares() for name, one in self.own.items()} | {
            "timer_percent": round(share, 2)
        }


def memory_mb(process: str = "self") -> float:
    """Return what a process holds of memory that is its own."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous"):
            return int(line.split()[1]) / 1024
    return float("nan")


def arrays_of(state: State) -> Iterator[Any]:
    """Yield every array of a state and of the states within."""
    for field in state:
        if isinstance(field, State):
            yield from arrays_of(field)
        else:
            yield field


def arrays_mb(state: State | None) -> tuple[float, float]:
    """Return what has been touched of a state's arrays, and the whole of them."""
    touched = whole = 0
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pages:
        for one in arrays_of(state) if state is not None else ():
            first, last = one.ctypes.data // PAGE, (one.ctypes.data + one.nbytes - 1) // PAGE
            pages.seek(first * 8)
            present = np.frombuffer(pages.read((last + 1 - first) * 8), np.uint64) >> np.uint64(63)
            touched += min(int(present.sum()) * PAGE, one.nbytes)
            whole += one.nbytes
    return touched / 2**20, whole / 2**20


class Consumer:
    """Carries rows through the pipeline, in the very turn in which a frame was decoded.

    A frame so never waits until all the others that arrived with it have been decoded.
    """

    def __init__(self, feed: Any, pipe: Any, now: Any, speed: float) -> None:
        self.meter = Meter(speed)
        self.pipe = pipe
        self.began_ns = 0  # CPU time at which the frame in hand came; 0 none did
        self._feed = feed
        self._now = now

    def turn(self) -> None:
        """Use what is there."""
        from aggressor.engine.pipeline import NEEDS_ROOM, advance, make_room
        from aggressor.run.studies.studying import drain_bars

        events, at, pipe = self._feed.poll(POLL_ROWS), 0, self.pipe
        if not events.size:
            return
        while pipe is not None and at < events.size:
            at, reason = advance(events, at, events.size, pipe)
            drain_bars(pipe)
            pipe.outbox.head[0]["read"] = pipe.outbox.head[0]["written"]
            if reason == NEEDS_ROOM:
                pipe = self.pipe = make_room(pipe, events[at])
        own_ns = time.thread_time_ns() - self.began_ns if self.began_ns else 0
        self.began_ns = 0
        self.meter.took(events, self._now(), own_ns)


def look(
    at_s: float, consumer: Consumer, lines: list[Any], venues: dict[str, Any]
) -> dict[str, Any]:
    """Return how things stand in a soak."""
    memory, (touched, whole) = memory_mb(), arrays_mb(consumer.pipe)
    return {
        "at_s": round(at_s),
        "memory_mb": round(memory, 1),
        "rest_mb": round(memory - touched, 1),
        "arrays_mb": [round(touched, 1), round(whole, 1)],
        "venues_mb": [round(memory_mb(str(one["process"])), 1) for one in venues.values()],
        "rows": consumer.meter.rows,
        "messages": sum(line.counts.messages for line in lines),
        "gaps": sum(int(line.decoder.counts.get("gaps", 0)) for line in lines),
        "losses": sum(line.counts.losses for line in lines),
    }


async def hold(
    places: dict[str, dict[str, Any]],
    seconds: float,
    whole: bool,
    clock: Clock,
    speed: float = 1.0,
    every_s: float = 0.0,
) -> dict[str, Any]:
    """Follow all instruments of all venues; return the figures."""
    from aggressor.run.assemble import pipeline_of
    from aggressor.run.lines.backlog import Backlog
    from aggressor.run.lines.line import Line, Wires, chosen, definitions_of
    from aggressor.run.lines.live_feed import LiveFeed
    from aggressor.venues.table import venue_named
    from aggressor.wire.rest import Limits, Rest

    class TimedLine(Line):
        """A line that says at which CPU time a frame came."""

        def received(self, link: Any, frame: bytes, ts_recv: int) -> None:
            consumer.began_ns = time.thread_time_ns()
            super().received(link, frame, ts_recv)
            consumer.began_ns = 0

    backlog = Backlog()
    notices: list[str] = []
    async with Rest() as rest:
        lines: list[Any] = []
        instruments: list[Any] = []
        for name, place in places.items():
            venue, wires = venue_named(name), Wires(rest, clock, notices.append, place["rest"])
            listed = await definitions_of(venue, wires, Limits({"rest": venue.rest_limit}))
            own = chosen(listed, venue, place["symbols"])
            numbered = [(one, len(instruments) + n) for n, one in enumerate(own)]
            lines.append(TimedLine(venue, numbered, wires, backlog))
            instruments += own
        pipe = pipeline_of(instruments, "micro") if whole else None
        feed = LiveFeed(backlog, clock)
        consumer = Consumer(feed, pipe, clock.now, speed)
        backlog.woken = consumer.turn
        tasks = [asyncio.create_task(line.run()) for line in lines]
        began, told = time.monotonic(), time.monotonic()
        counted: tuple[float, float, int] | None = None
        early: dict[str, Any] = {}
        while (now_s := time.monotonic() - began) < WARM_S + seconds:
            await asyncio.sleep(TIMER_S)
            consumer.turn()
            if not all(line.counts.messages for line in lines):
                began = time.monotonic()  # connecting may take long on a busy machine
            if now_s <= WARM_S:
                continue
            if counted is None:
                done = sum(line.counts.messages for line in lines)
                counted = (time.monotonic(), time.process_time(), done)
                consumer.meter = Meter(speed)
            if not early and now_s > WARM_S + seconds / 3:
                early = look(now_s - WARM_S, consumer, lines, places)
            if every_s and time.monotonic() - told >= every_s:
                told = time.monotonic()
                print(json.dumps(look(now_s - WARM_S, consumer, lines, places)), flush=True)
        meter, late = consumer.meter, look(now_s - WARM_S, consumer, lines, places)
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
        "wire_to_view_ms": meter.waits.shares(),
        "own_ms": meter.own_ms(),
        "cpu_share": round(cpu / wall, 3),
        "memory_mb": [early["memory_mb"], late["memory_mb"]],
        "rest_mb": [early["rest_mb"], late["rest_mb"]],
        "arrays_mb": [early["arrays_mb"], late["arrays_mb"]],
        "venues_mb": [early["venues_mb"], late["venues_mb"]],
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
    parser.add_argument("--began", type=int, default=time.time_ns(), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    clock = FastClock(asked.began, asked.speed)
    if asked.serve:
        serve(asked.serve, asked.instruments, clock)
        return
    running = [
        subprocess.Popen(
            [
                *(sys.executable, __file__, "--serve", venue),
                *("--instruments", str(asked.instruments), "--speed", str(asked.speed)),
                *("--began", str(asked.began)),
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
            places[venue] = json.loads(process.stdout.readline()) | {"process": process.pid}
        whole = not asked.without_pipeline
        found = asyncio.run(hold(places, asked.seconds, whole, clock, asked.speed, asked.every))
        print(json.dumps(found), flush=True)
    finally:
        for process in running:
            process.terminate()


if __name__ == "__main__":
    main()
