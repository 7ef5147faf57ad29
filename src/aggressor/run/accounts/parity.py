"""Parity: does the market that was recorded lead to the commands that were sent?

A run of the journal is replayed from the store it recorded: the same configuration, the desk as the
runs before it left it, the same acts of a person at the same places. On paper the venue is
simulated anew; live its reports are those of the journal (`retelling`). The COMMANDs must be the
same byte for byte, however the market came in. Where they are not, the first that differs is shown,
with what the replay made of it.

Up to the last event that the run used everything is compared; commands of that very moment may be
missing in the run, whose venue waited for the next event. A run that was killed loses what had not
reached the disk, up to half a second, of each venue by itself: it is compared up to the last row
that was recorded of the venue whose recording ends first. Rows behind that are the next run's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aggressor.engine.asked import asked_of
from aggressor.engine.ports import Feed
from aggressor.execution.desk import DeskRule
from aggressor.run.accounts.account import LIVE_JOURNAL, PAPER_JOURNAL
from aggressor.run.accounts.resume import hear, resume
from aggressor.run.accounts.retelling import Deaf, retell, until_dismissed
from aggressor.run.accounts.trading import TURN_EVENTS, Trading
from aggressor.run.asked_order import ONE_ORDER
from aggressor.run.assemble import Assembly, Settings, assemble
from aggressor.run.imports.compaction import compact_segments
from aggressor.run.progress import Step, silent
from aggressor.schema.command import COMMAND_NAMES, Commands
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import NO_PRICE, NO_TIME, Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import Reports, empty_reports
from aggressor.sim.exchange import SimExchange
from aggressor.store.files import locked
from aggressor.store.journal import Act
from aggressor.store.journal_reader import JournalReader, Run
from aggressor.store.layout import Layout
from aggressor.store.reader import Store
from aggressor.store.replay import Lasting
from aggressor.strategies.gates import Mode
from aggressor.venues.margin import MarginTier

_FIELDS = (
    "ts_send", "kind", "order", "parent", "instrument", "strategy", "side", "type", "tif", "price",
    "trigger", "size", "flags",
)  # fmt: skip


def parity(
    store: Path, *, run: int | None = None, limit: int = TURN_EVENTS, step: Step = silent
) -> dict[str, Any]:
    """Replay a run (None: the last) and compare; raise StoreError, ConfigError.

    `limit`: events used at a time; the answer must not depend on it.
    """
    reader = JournalReader(journal_of(store))
    try:
        with locked(Layout(store).live / "lock"):
            compact_segments(store, step=step)
        chosen = _chosen(reader, run)
        if chosen.config["settings"]["strategy"] == ONE_ORDER:
            raise ConfigError(
                f"Run {chosen.run} worked one order by itself and has no strategy that could be "
                f"asked again: `aggressor report {store}` tells what it did and cost."
            )
        replayed, trading, complete, whole_ns = _replay(store, reader, chosen, limit, step)
        sent = reader.commands(chosen.run)
    finally:
        reader.close()
    instruments = _instruments(chosen)
    ours, theirs = _comparable(sent, replayed, trading.last_ns if complete else whole_ns, complete)
    place = first_difference(ours, theirs)
    return {
        "store": str(store),
        "run": chosen.run,
        "config": chosen.config_hash,
        "mode": chosen.mode,
        "ended": chosen.ended,
        "events": trading.events,
        "events_of_run": chosen.events,
        "complete": complete,
        "commands": int(ours.size),
        "commands_replayed": int(theirs.size),
        "beyond": int(sent.size - ours.size),
        "same": place is None,
        "first_difference": None
        if place is None
        else {
            "number": place,
            "sent": _words(ours, place, instruments),
            "replayed": _words(theirs, place, instruments),
        },
    }


def journal_of(store: Path) -> Path:
    """Return the journal of an account: that of paper, of live, or of both the newer."""
    there = [one for one in (store / PAPER_JOURNAL, store / LIVE_JOURNAL) if one.exists()]
    return max(there, key=lambda one: one.stat().st_mtime_ns, default=store / PAPER_JOURNAL)


def _chosen(reader: JournalReader, run: int | None) -> Run:
    runs = reader.runs()
    for one in reversed(runs):
        if run in (None, one.run):
            return one
    raise ConfigError(
        f"The journal has no run {run}; it has {', '.join(str(r.run) for r in runs)}."
    )


def _instruments(run: Run) -> list[Instrument]:
    return msgspec.convert(run.config["instruments"], list[Instrument], strict=False)


def assembly_of(run: Run, reader: JournalReader) -> Assembly:
    """Return an engine that stands where a run began, before it heard what it had missed."""
    config = run.config
    mode = Mode(config["mode"])
    tiers = msgspec.convert(config.get("tiers", {}), dict[int, list[MarginTier]], strict=False)
    assembly = assemble(
        _instruments(run),
        msgspec.convert(config["settings"], Settings),
        mode,
        rule=msgspec.convert(config["rule"], DeskRule, strict=False),
        first_id=config["first_id"],
        deposit=config.get("deposit", mode is not Mode.LIVE),
        asked=asked_of(config["computed"]) if "computed" in config else None,
        tiers=tiers,
    )
    desk = assembly.engine.desk
    resume(desk, assembly.strategies, reader, run.run, mode)
    if mode is not Mode.LIVE:
        hear(desk, reader.reports(run.run, corrected=True))
    return assembly


def _replay(
    store: Path, reader: JournalReader, run: Run, limit: int, step: Step
) -> tuple[Commands, Trading, bool, int]:
    """Replay a run; return its commands, the loop, whether the recording covers the run, and up to
    when it has no holes."""
    assembly = assembly_of(run, reader)
    desk, instruments = assembly.engine.desk, _instruments(run)
    opened = Store(store)
    names = [one.id for one in instruments]
    missing = [name for name in names if name not in opened.instruments]
    if missing or run.first_ns is None or run.first_ns < 0:
        raise StoreError(f"Nothing of run {run.run} was recorded in {store}: there is no replay.")
    recorded = _Recorded(opened.replay(names, run.first_ns, _behind(reader, run)), instruments)
    feed: Feed = recorded
    if run.ended is not None and run.last_ns is not None:
        feed = Lasting(feed, run.last_ns)
    if run.mode == Mode.LIVE:
        return _retold(reader, run, assembly, feed, recorded, limit, step)
    exchange = SimExchange(
        feed,
        instruments,
        latency=assembly.latency,
        queue=assembly.queue,
        costs=assembly.costs,
        margin=assembly.margin,
    )
    positions = [desk.position(k).lots for k in range(len(instruments))]
    exchange.reinstate(desk.blotter.open_orders(), positions, desk.books)
    assembly.engine.rouse()
    trading = Trading(assembly.engine, exchange)
    end = (run.events, run.reports) if run.ended is not None else (2**62, 2**62)
    play_with_acts(trading, exchange, reader.acts(run.run), end, limit, step)
    complete = run.ended is not None and trading.events == run.events
    return assembly.engine.journal.commands, trading, complete, recorded.whole_ns


def _retold(
    reader: JournalReader,
    run: Run,
    assembly: Assembly,
    feed: Feed,
    recorded: "_Recorded",
    limit: int,
    step: Step,
) -> tuple[Commands, Trading, bool, int]:
    """Replay a live run, with the reports of its journal."""
    happened, failed = until_dismissed(reader.happened(run.run))
    engine = assembly.engine
    trading = Trading(engine, Deaf())
    engine.rouse()
    end = failed.events if failed else run.events if run.ended is not None else 2**62
    retell(trading, feed, happened, end, limit, step)
    if failed is not None:
        return engine.journal.commands, trading, False, min(failed.ts_ns, recorded.whole_ns + 1)
    complete = run.ended is not None and trading.events == run.events
    return engine.journal.commands, trading, complete, recorded.whole_ns


class _Recorded:
    """A feed that knows when the last row of each venue came."""

    def __init__(self, feed: Feed, instruments: Sequence[Instrument]) -> None:
        self._feed = feed
        self._venues = [one.venue for one in instruments]
        self._last = dict.fromkeys(self._venues, NO_TIME)

    @property
    def whole_ns(self) -> int:
        """Until when something is known to have been recorded of every venue."""
        return min(self._last.values())

    def poll(self, limit: int) -> Events:
        """Return up to `limit` next rows."""
        rows = self._feed.poll(limit)
        for k, venue in enumerate(self._venues):
            own = np.flatnonzero(rows["instrument"] == k)
            if own.size:
                self._last[venue] = max(self._last[venue], int(rows["ts_recv"][own[-1]]))
        return rows


def _behind(reader: JournalReader, run: Run) -> int:
    """Return the time behind which nothing was recorded for a run: there the next one began."""
    later = [one.began_ns for one in reader.runs() if one.run > run.run]
    return later[0] if later else 2**63 - 1


def play_with_acts(
    trading: Trading,
    exchange: SimExchange,
    acts: Sequence[Act],
    end: tuple[int, int],
    limit: int,
    step: Step = silent,
) -> None:
    """Run a loop to `end` (events, reports), doing each act at its place."""
    waiting = list(acts)
    held = empty_reports(0)
    step("replay", 0.0)
    while True:
        events, reports = (waiting[0].events, waiting[0].reports) if waiting else end
        if trading.events >= events:
            if not waiting:
                return
            trading.perform(waiting.pop(0))
            held = _hear_before(trading, held, waiting[0][1:3] if waiting else end)
            continue
        market, news = exchange.poll(min(limit, events - trading.events))
        if market.size + news.size == 0:
            return
        if trading.events + market.size == events:  # what comes behind the place waits
            room = max(0, reports - trading.reports)
            news = np.concatenate((held, news))
            news, held = news[:room], news[room:]
        trading.use(market, news)
        step("replay", min(1.0, trading.events / end[0]))


def _hear_before(trading: Trading, held: Reports, place: tuple[int, int]) -> Reports:
    """Use the reports that come before a place; return the others."""
    room = held.size
    if place[0] == trading.events:
        room = max(0, place[1] - trading.reports)
    if held[:room].size:
        trading.use(empty_events(0), held[:room])
    return held[room:]


def _comparable(
    sent: Commands, replayed: Commands, until_ns: int, complete: bool
) -> tuple[Commands, Commands]:
    """Return what of both must be the same."""
    if complete:
        sure = int((replayed["ts_send"] < until_ns).sum())
        return sent, replayed[: max(sure, sent.size)]
    reached = sent[sent["ts_send"] < until_ns]
    return reached, replayed[: reached.size]  # when it was killed nobody knows: it did not do more


def first_difference(ours: Commands, theirs: Commands) -> int | None:
    """Return the number of the first command in which two journals differ, None: they do not."""
    both = min(ours.size, theirs.size)
    apart = np.flatnonzero(ours[:both] != theirs[:both])
    if apart.size:
        return int(apart[0])
    return None if ours.size == theirs.size else both


def _words(
    commands: Commands, place: int, instruments: Sequence[Instrument]
) -> dict[str, Any] | None:
    if place >= commands.size:
        return None
    row = commands[place]
    found: dict[str, Any] = {name: int(row[name]) for name in _FIELDS}
    found["kind"] = COMMAND_NAMES[found["kind"]]
    found["instrument"] = instruments[found["instrument"]].id
    for name in ("price", "trigger"):
        found[name] = None if found[name] == NO_PRICE else found[name]
    return found
