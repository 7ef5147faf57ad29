"""Live markets that are recorded as they are used: what a run that trades stands on.

    lines (as in `record`) -> segments on the disk -> backlog -> LiveFeed

One process at a time uses a store. Segments are closed and compacted by a process of its own while
the run goes on; what the last one left, and what this one wrote, is compacted too.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aggressor.engine.ports import Feed
from aggressor.run.imports.compaction import compact_segments
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.compactor import compactor
from aggressor.run.lines.line import Line, Wires
from aggressor.run.lines.live_feed import LiveFeed
from aggressor.run.lines.record import open_lines, rotate
from aggressor.run.stopping import end_tasks, wait_within
from aggressor.schema.errors import AggressorError
from aggressor.schema.instrument import Instrument
from aggressor.store.files import locked
from aggressor.store.layout import Layout
from aggressor.store.segments import RUN_BEGAN
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Rest

SEGMENT_S = 600.0
_WAIT_S = 0.02  # at most, for rows: other work is due though nothing comes
_END_S = 10.0  # of the tasks beside the loop

Notice = Callable[[str], None]


class RecordedMarket:
    """The markets of one run; `feed` has their rows."""

    def __init__(
        self, lines: Sequence[Line], wires: Wires, backlog: Backlog, began_ns: int
    ) -> None:
        self.began_ns = began_ns  # before anything is recorded: where the run before ends
        self.lines = lines
        self.wires = wires
        self.clock = wires.clock
        self.backlog = backlog
        self._rows = LiveFeed(backlog, wires.clock)
        self.feed: Feed = self._rows
        self.instruments: list[Instrument] = [one for line in lines for one in line.instruments]
        self.compacted = 0  # segments, known behind the end
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Say that there is something to do."""
        self._woken.set()

    async def rows(self) -> None:
        """Wait for rows, the next TIMER or a wake, but not for long."""
        wait_s = _WAIT_S
        if due_ns := self._rows.due_ns:
            wait_s = min(wait_s, max(0, due_ns - self.clock.now()) / 1e9)
        await wait_within(self._woken, wait_s)
        self._woken.clear()

    def beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the lines, as long as they."""
        self._tasks.append(asyncio.get_running_loop().create_task(work))
        return self._tasks[-1]

    def look_for_trouble(self) -> None:
        """Raise what one of the tasks has failed with."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                trouble = task.exception()
                if isinstance(trouble, BaseExceptionGroup):
                    inner = [one for one in trouble.exceptions if isinstance(one, AggressorError)]
                    trouble = inner[0] if inner else trouble
                if trouble is not None:
                    raise trouble

    async def stop(self) -> None:
        """End all tasks."""
        await end_tasks(self._tasks, _END_S, self.wires.notice)

    def health(self) -> list[dict[str, Any]]:
        """Return how each line does."""
        return [_health(line) for line in self.lines]


@asynccontextmanager
async def recorded_market(
    names: Sequence[str], folder: Path, at: str, notice: Notice
) -> AsyncIterator[RecordedMarket]:
    """Yield the markets of these names, recorded into a store; raise as `open_lines` does."""
    loop = asyncio.get_running_loop()
    market: RecordedMarket | None = None
    with locked(Layout(folder).live / "lock"), compactor() as pool:
        async with Rest() as rest:
            wires = Wires(rest, Clock(), notice, at)
            began_ns = wires.clock.now()
            backlog = Backlog(woken=lambda: market.wake() if market is not None else None)
            lines, writers = await open_lines(names, wires, backlog, folder, RUN_BEGAN)
            market = RecordedMarket(lines, wires, backlog, began_ns)
            old = loop.run_in_executor(
                pool, compact_segments, folder, [writer.path for writer in writers]
            )
            try:
                market.beside(rotate(writers, pool, folder, wires.clock, SEGMENT_S, notice))
                for line in lines:
                    market.beside(line.run())
                yield market
            except asyncio.CancelledError:
                pool.abandon()
                raise
            finally:
                await market.stop()
                await _ended(old, notice)
                for writer in writers:
                    writer.close()
        try:
            done = await loop.run_in_executor(pool, compact_segments, folder)
        except BrokenProcessPool:
            done = compact_segments(folder)
        market.compacted = done["segments"]


async def _ended(old: "asyncio.Future[Any]", notice: Notice) -> None:
    """Wait for the compaction of what an earlier run left; what it could not do is done later."""
    await asyncio.wait([old])
    trouble = None if old.cancelled() else old.exception()
    if isinstance(trouble, AggressorError):
        notice(f"{trouble} What an earlier run left is kept as it is.")


def _health(line: Line) -> dict[str, Any]:
    counts, offset = line.counts, line.clock.offset
    return {
        "venue": line.venue.name,
        "links": [link.state.name.lower().replace("_", " ") for link in line.links],
        "aligned": not line.decoder.wanted(),
        "rows": counts.rows,
        "lag_ms": counts.lag_ns / 1e6 if counts.messages else None,
        "clock_offset_ms": None if offset is None else offset.offset_ns / 1e6,
        "gaps": int(line.decoder.counts.get("gaps", 0)),
        "losses": counts.losses,
        "bad_messages": counts.bad,
    }
