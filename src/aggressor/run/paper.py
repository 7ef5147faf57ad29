"""Paper trading: the live market, a simulated venue over it, and the engine of every other run.

    lines (as in `record`) -> backlog -> LiveFeed -> SimExchange -> Trading -> journal

The market is recorded as it is used, so that the run can be replayed (`parity`). The account lives
in the journal of the store: a run goes on where the last one ended, stopped or killed; the market
was not watched in between, so orders that stood then stand again behind everything displayed, and a
stop waits for the next print at or beyond its trigger.

A clean stop takes no new risk, gives up unfilled entries, waits for the venue's word and leaves
what is held protected.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from aggressor.execution.halt import HaltLevel
from aggressor.run.account import Account
from aggressor.run.alerts import Alerts, Kind
from aggressor.run.assemble import Settings
from aggressor.run.backlog import Backlog
from aggressor.run.compaction import compact_segments
from aggressor.run.line import Line, Wires
from aggressor.run.live_feed import LiveFeed
from aggressor.run.record import by_venue, compactor, open_lines, rotate, stop_event
from aggressor.run.rules import DEFAULT_RULES, Rules
from aggressor.run.trading import STOP
from aggressor.schema.errors import AggressorError, ConfigError
from aggressor.sim.exchange import SimExchange
from aggressor.store.files import locked
from aggressor.store.layout import Layout
from aggressor.store.segments import SegmentWriter
from aggressor.strategies.gates import Mode
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Rest

JOURNAL = "paper.sqlite"
SEGMENT_S = 600.0
_FEED_ROWS = 4_096
_WAIT_S = 0.02  # at most, for rows: TIMERs are due though nothing comes
_LOOK_S = 0.25
_RECONCILE_S = 60.0
_STOP_S = 5.0


class PaperPlan(NamedTuple):
    """What a paper run is to do."""

    names: Sequence[str]
    settings: Settings
    rules: Rules = DEFAULT_RULES
    store: Path | None = None
    seconds: float | None = None
    at: str = ""


Show = Callable[[dict[str, Any]], None]
Notice = Callable[[str], None]


def paper_folder(store: Path | None) -> Path:
    """Return where a paper account lives."""
    return store if store is not None else platformdirs.user_data_path("aggressor") / "paper"


async def paper(
    plan: PaperPlan, *, show: Show, notice: Notice, alerts: Alerts | None = None
) -> dict[str, Any]:
    """Trade on paper until told to stop; return what came of it.

    Raises ConfigError, MessageError, StoreError.
    """
    by_venue(plan.names)
    if plan.settings.latency_ms:
        _in_time(plan.settings)
    folder = paper_folder(plan.store)
    loop = asyncio.get_running_loop()
    stop = stop_event(loop)
    clock, woken = Clock(), asyncio.Event()
    backlog = Backlog(woken=woken.set)
    with locked(Layout(folder).live / "lock"), compactor() as pool:
        async with Rest() as rest:
            wires = Wires(rest, clock, notice, plan.at)
            lines, writers = await open_lines(plan.names, wires, backlog, folder)
            desk = _PaperDesk(plan, folder, lines, LiveFeed(backlog, clock), clock, alerts)
            desk.begin(notice)
            rotation = rotate(writers, pool, folder, clock, SEGMENT_S, notice)
            tasks = [loop.create_task(line.run()) for line in lines]
            tasks.append(loop.create_task(rotation))
            if alerts is not None:
                tasks.append(loop.create_task(alerts.run(notice)))
            old = loop.run_in_executor(
                pool, compact_segments, folder, [writer.path for writer in writers]
            )
            try:
                await _run(desk, stop, tasks, woken, plan.seconds, show)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await asyncio.wait([old])
                _close(writers)
            if alerts is not None:
                await alerts.flush(notice)
            result = desk.document()
        try:
            done = await loop.run_in_executor(pool, compact_segments, folder)
        except BrokenProcessPool:
            done = compact_segments(folder)
    return result | {"compacted": done["segments"], "dropped_rows": backlog.dropped}


def _in_time(settings: Settings) -> None:
    feed, _, response = (float(part) for part in settings.latency_ms.split(","))
    if response < feed:
        raise ConfigError(
            f"A response of {response} ms is faster than the feed of {feed} ms: on a live market "
            "reports would come too late. Give at least as much as the feed, as 5,20,20."
        )


def _close(writers: Sequence[SegmentWriter]) -> None:
    for writer in writers:
        writer.close()


class _PaperDesk:
    """The account of a paper run with its simulated venue, and what is shown of it."""

    def __init__(
        self,
        plan: PaperPlan,
        folder: Path,
        lines: Sequence[Line],
        feed: LiveFeed,
        clock: Clock,
        alerts: Alerts | None,
    ) -> None:
        self.lines = lines
        self.clock = clock
        instruments = [one for line in lines for one in line.instruments]
        rule = plan.rules.desk(instruments)
        self.account = Account(
            folder / JOURNAL, instruments, plan.settings, rule, Mode.PAPER, clock.now(), alerts
        )
        assembly = self.account.assembly
        self.exchange = SimExchange(
            feed,
            instruments,
            latency=assembly.latency,
            queue=assembly.queue,
            costs=assembly.costs,
            live=True,
            chunk=_FEED_ROWS,
        )
        self._losses = 0

    def begin(self, notice: Notice) -> None:
        """Go on where the account stood, and compile what the loop needs."""
        account, desk = self.account, self.account.assembly.engine.desk
        account.settle_by_default(self.clock.now())
        lanes = range(len(account.instruments))
        positions = [desk.position(k).lots for k in lanes]
        self.exchange.reinstate(desk.blotter.open_orders(), positions)
        account.begin(self.exchange, self.clock.now)
        account.trading.turn()
        for words in account.greetings():
            notice(words)

    def serve(self) -> None:
        """Do what is due now and then: wishes of a person, health of the lines."""
        account = self.account
        account.fulfil(self.clock.now())
        account.watch_latency(self.clock.now())
        losses = sum(line.counts.losses for line in self.lines)
        if losses > self._losses:
            account.tell(Kind.DATA, f"{losses - self._losses} connections were lost")
        self._losses = losses
        for line in self.lines:
            offset = line.clock.offset
            if offset is not None:
                account.watch_clock(offset, self.clock.now())

    def compare(self) -> None:
        """Hold our record against the venue's, unless something is on its way."""
        if not self.exchange.under_way:
            positions, orders = self.exchange.truth()
            self.account.compare(positions, orders, self.clock.now())

    def document(self) -> dict[str, Any]:
        """Return where everything stands."""
        return self.account.document() | {"data": [_health(line) for line in self.lines]}


async def _run(
    desk: _PaperDesk,
    stop: asyncio.Event,
    tasks: Sequence[asyncio.Task[None]],
    woken: asyncio.Event,
    seconds: float | None,
    show: Show,
) -> None:
    """Turn until stopped, out of time, disconnected by the kill switch, or failed."""
    loop, account = asyncio.get_running_loop(), desk.account
    ends = None if seconds is None else loop.time() + seconds
    looked, compared = 0.0, loop.time()
    try:
        while True:
            await _rows(woken)
            account.trading.turn()
            now = loop.time()
            if now - looked >= _LOOK_S:
                looked = now
                desk.serve()
                show(desk.document())
            if now - compared >= _RECONCILE_S:
                compared = now
                desk.compare()
            over = ends is not None and now >= ends
            if over or stop.is_set() or account.halt.level >= HaltLevel.DISCONNECT:
                break
            _look_for_trouble(tasks)
        reason = account.halt.reason or "stopped"
        await _wind_down(desk, woken, "the time is over" if over else reason)
    except AggressorError as trouble:
        account.close(f"failed: {trouble}", desk.clock.now())
        raise
    except Exception as trouble:
        account.fail(trouble, desk.clock.now())
        raise


async def _rows(woken: asyncio.Event) -> None:
    """Wait for rows, but not for long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(woken.wait(), _WAIT_S)
    woken.clear()


def _look_for_trouble(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled():
            trouble = task.exception()
            if isinstance(trouble, BaseExceptionGroup):
                inner = [one for one in trouble.exceptions if isinstance(one, AggressorError)]
                trouble = inner[0] if inner else trouble
            if trouble is not None:
                raise trouble


async def _wind_down(desk: _PaperDesk, woken: asyncio.Event, why: str) -> None:
    """Take no new risk, give up entries, and wait for the venue's word."""
    loop, account = asyncio.get_running_loop(), desk.account
    account.trading.act(STOP, f"stop: {why}", desk.clock.now())
    until = loop.time() + _STOP_S
    while loop.time() < until and (desk.exchange.under_way or account.entries_open):
        await _rows(woken)
        account.trading.turn()
    desk.compare()
    account.close(why, desk.clock.now())


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
