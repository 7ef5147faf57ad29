"""Recording live markets: raw as received, crash-safe, and Parquet beside it.

Every venue has a line (`line`) whose frames go to a segment (`store/segments`) before they are
decoded. Segments are closed from time to time and compacted by a process of its own, so that
nothing slows the lines down. What a killed recorder left behind is compacted by the next one, or by
`compact`. A status line says what comes, how late, and what is missing.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from aggressor.run.imports.compaction import compact_segments
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.compactor import compactor
from aggressor.run.lines.line import Line, Wires, chosen, definitions_of
from aggressor.run.stopping import Stop, end_tasks, told_to_stop
from aggressor.schema.errors import AggressorError, ConfigError, MessageError, StoreError
from aggressor.schema.event import INSTRUMENTS_MAX, KIND_NAMES
from aggressor.schema.instrument import Instrument
from aggressor.store.files import locked
from aggressor.store.layout import Layout, split_id
from aggressor.store.segments import SegmentWriter
from aggressor.venues.table import venue_named
from aggressor.venues.venue import Venue
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Limits, Rest

SEGMENT_S = 600.0
SEGMENT_BYTES = 256 << 20
_STATUS_S = 1.0
_DRAIN_S = 0.05
_DRAIN_ROWS = 200_000
_END_S = 10.0  # of the lines

Notice = Callable[[str], None]
Status = Callable[[list[dict[str, Any]]], None]


def by_venue(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the symbols of each venue; raise StoreError or ConfigError for what is no name."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        venue, symbol = split_id(name)
        venue_named(venue)
        found.setdefault(venue, []).append(symbol)
    if not found:
        raise ConfigError("Name what to record, as venue:SYMBOL, for example bybit-linear:BTCUSDT.")
    if sum(map(len, found.values())) >= INSTRUMENTS_MAX:
        raise ConfigError(f"One process records at most {INSTRUMENTS_MAX - 1} symbols: use two.")
    return found


async def open_lines(
    names: Sequence[str],
    wires: Wires,
    backlog: Backlog,
    store: Path | None = None,
    began: str = "the recorder started",
) -> tuple[list[Line], list[SegmentWriter]]:
    """Return a line for every venue named, in order of the names; with `store`, each recorded.

    `began` says there why nothing comes before.
    Raises ConfigError (a symbol that the venue does not trade), MessageError or OSError (the venue
    does not answer), StoreError.
    """
    lines: list[Line] = []
    writers: list[SegmentWriter] = []
    number = 0
    for name, symbols in by_venue(names).items():
        venue, own = venue_named(name), wires.to(name)
        instruments = await _definitions(venue, symbols, own)
        numbered = [(one, number + place) for place, one in enumerate(instruments)]
        number += len(numbered)
        writer = None
        if store is not None:
            writer = SegmentWriter(Layout(store).live, name, instruments)
            writer.begin(wires.clock.now())
            writer.lost(wires.clock.now(), began)
            writers.append(writer)
        lines.append(Line(venue, numbered, own, backlog, writer))
    return lines, writers


async def _definitions(venue: Venue, symbols: Sequence[str], wires: Wires) -> list[Instrument]:
    limits = Limits({"rest": venue.rest_limit})
    try:
        found = await definitions_of(venue, wires, limits)
    except (OSError, TimeoutError) as trouble:
        why = str(trouble) or "no answer in time"
        raise MessageError(
            f"{venue.name} cannot be reached ({why}): check the network and whether it serves your "
            "region; `aggressor doctor` looks closer."
        ) from None
    return chosen(found, venue, symbols)


class Tally:
    """What came for each instrument, for people."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._names = [(line, one) for line in lines for one in line.instruments]
        self.kinds = np.zeros((len(self._names), 16), np.int64)
        self._before = self.kinds.copy()

    def add(self, rows: np.ndarray[Any, Any]) -> None:
        """Count rows."""
        np.add.at(self.kinds, (rows["instrument"], rows["kind"]), 1)

    def status(self, seconds: float) -> list[dict[str, Any]]:
        """Return a line of figures per instrument: totals, and rates since the last call."""
        rates = (self.kinds - self._before) / max(seconds, 1e-9)
        self._before = self.kinds.copy()
        found = []
        for k, (line, one) in enumerate(self._names):
            counts = line.decoder.counts_of(one.symbol)
            offset = line.clock.offset
            found.append(
                {
                    "instrument": one.id,
                    "rows": int(self.kinds[k].sum()),
                    "rows_per_second": float(rates[k].sum()),
                    "by_kind": {
                        KIND_NAMES[kind]: int(count)
                        for kind, count in enumerate(self.kinds[k])
                        if count
                    },
                    "gaps": int(counts.get("gaps", 0)),
                    "trade_gaps": int(counts.get("trade_gaps", 0)),
                    "trades_late": int(counts.get("trades_late", 0)),
                    "trades_doubled": int(counts.get("trades_doubled", 0)),
                    "lag_ms": line.counts.lag_ns / 1e6,
                    "clock_offset_ms": None if offset is None else offset.offset_ns / 1e6,
                    "aligned": one.symbol not in line.decoder.wanted(),
                    "losses": line.counts.losses,
                    "bad_messages": line.counts.bad,
                    "messages": line.counts.messages,
                }
            )
        return found


async def record(
    names: Sequence[str],
    store: Path,
    *,
    seconds: float | None = None,
    at: str = "",
    notice: Notice,
    status: Status,
    segment_s: float = SEGMENT_S,
) -> dict[str, Any]:
    """Record until `seconds` have passed or the process is told to stop; return the report."""
    by_venue(names)
    async with told_to_stop(patient=False) as stop:
        with locked(Layout(store).live / "lock"), compactor() as pool:
            return await _record(names, store, seconds, at, notice, status, segment_s, stop, pool)


async def _record(
    names: Sequence[str],
    store: Path,
    seconds: float | None,
    at: str,
    notice: Notice,
    status: Status,
    segment_s: float,
    stop: Stop,
    pool: Executor,
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(pool, compact_segments, store)
    except StoreError as trouble:  # recording now is worth more than what was recorded then
        notice(f"{trouble} What an earlier run left is kept as it is.")
    clock, backlog = Clock(), Backlog()
    async with Rest() as rest:
        lines, writers = await open_lines(names, Wires(rest, clock, notice, at), backlog, store)
        tally = Tally(lines)
        tasks = [loop.create_task(line.run()) for line in lines]
        tasks.append(loop.create_task(_drain(backlog, tally, status)))
        tasks.append(loop.create_task(rotate(writers, pool, store, clock, segment_s, notice)))
        stop.patient = True
        try:
            trouble = await _until(stop, tasks, seconds)
        finally:
            await end_tasks(tasks, _END_S, notice)
            for writer in writers:
                writer.close()
    tally.add(backlog.take(backlog.rows))
    try:
        compacted = await loop.run_in_executor(pool, compact_segments, store)
    except BrokenProcessPool:  # it was killed: do its work here
        compacted = compact_segments(store)
    if trouble is not None:
        raise trouble
    return {
        "store": str(store),
        "instruments": tally.status(1.0),
        "dropped_rows": backlog.dropped,
        "compacted": compacted["segments"],
    }


async def _until(
    stop: asyncio.Event, tasks: list[asyncio.Task[None]], seconds: float | None
) -> BaseException | None:
    """Wait for the end; return the trouble if a task failed first."""
    ending = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait(
        [ending, *tasks], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
    )
    ending.cancel()
    for task in done - {ending}:
        trouble = task.exception()
        if isinstance(trouble, BaseExceptionGroup):
            inner = [one for one in trouble.exceptions if isinstance(one, AggressorError)]
            trouble = inner[0] if inner else trouble
        if trouble is not None:
            return trouble
    return None


async def _drain(backlog: Backlog, tally: Tally, status: Status) -> None:
    """Take the rows, count them, and say once a second what came."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    while True:
        await asyncio.sleep(_DRAIN_S)
        tally.add(backlog.take(_DRAIN_ROWS))
        if (seconds := loop.time() - since) >= _STATUS_S:
            since += seconds
            status(tally.status(seconds))


async def rotate(
    writers: Sequence[SegmentWriter],
    pool: Executor,
    store: Path,
    clock: Clock,
    segment_s: float,
    notice: Notice,
) -> None:
    """Close segments from time to time and have them compacted."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    while True:
        await asyncio.sleep(0.5)
        large = any(writer.bytes > SEGMENT_BYTES for writer in writers)
        if not large and loop.time() - since < segment_s:
            continue
        since = loop.time()
        for writer in writers:
            await asyncio.to_thread(writer.rotate, clock.now())
        open_now = [writer.path for writer in writers]
        try:
            await loop.run_in_executor(pool, compact_segments, store, open_now)
        except StoreError as trouble:
            notice(f"{trouble} What was recorded is kept as it is; the next turn tries again.")
