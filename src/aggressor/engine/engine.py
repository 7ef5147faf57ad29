"""The engine: a plain function from events and reports to commands.

No clock, no socket, no disk, no thread, no chance. `step` uses a prefix of what it is given, up to
and including the first decision point, and answers with what to send. At equal times market events
come before reports. What is decided at one point, in this order:

    1. the desk books the reports
    2. the strategy looks at the view and says what it wants
    3. the desk checks, places, protects; what it refuses is kept as a value
    4. the journal takes signals, reports and commands

TIMERs are decision points only while something of ours is at stake (an order, a trade) or a signal
is armed, so a quiet market costs no Python. That rule reads only what was known, so it never
depends on where batches were cut.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from aggressor.detectors.outbox import drain
from aggressor.engine import pipeline as pipelines
from aggressor.engine.journal import Journal
from aggressor.engine.parts import Pipeline
from aggressor.engine.pipeline import NEEDS_ROOM, RAN_OUT, advance
from aggressor.engine.ports import Strategy
from aggressor.engine.reading import Bar, Columns, Signal, read_signals
from aggressor.engine.view import Fees, View
from aggressor.execution.desk import Desk
from aggressor.execution.intent import Intent
from aggressor.features import series as bar_series
from aggressor.features.bars import TIME
from aggressor.features.series import ClosedBars
from aggressor.schema.command import Commands, empty_commands
from aggressor.schema.event import NO_TIME, Events
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import Reports, empty_reports
from aggressor.schema.signal import ARMED, SIGNAL, Signals

NO_REPORTS = empty_reports(0)
NO_COMMANDS = empty_commands(0)
_NO_SIGNALS: Signals = np.zeros(0, SIGNAL)
_REPORT_FIELDS = NO_REPORTS.dtype.names or ()


class Step(NamedTuple):
    """What a step used, and what it wants sent."""

    events: int
    reports: int
    commands: Commands


class Watcher(Protocol):
    """Who looks on: told as it happens, reads what it likes, changes nothing."""

    def closed(self, series: int, bars: ClosedBars) -> None:
        """Bars of a series have closed."""
        ...

    def decided(self, signals: Signals, reports: Reports, commands: Commands) -> None:
        """A decision was made on these, and led to those."""
        ...


class Engine:
    """See the module text."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        pipeline: Pipeline,
        strategies: Sequence[tuple[int, Strategy]],
        desk: Desk,
        fees: Fees,
        journal: Journal | None = None,
    ) -> None:
        self.instruments = tuple(instruments)
        self.pipeline = pipeline
        self.strategies = tuple(strategies)  # (lane, strategy), asked in this order
        self.desk = desk
        lanes = {lane for lane, _ in self.strategies}
        self._unasked = [k for k in range(len(self.instruments)) if k not in lanes]
        self.journal = journal or Journal()
        self.views = [View(one, k, desk, fees) for k, one in enumerate(instruments)]
        for view in self.views:
            view.peers = self.views
        self.watcher: Watcher | None = None
        self.decisions = 0
        self._wanted: list[Intent] = []  # from outside, for the next decision
        self._early_bars: dict[int, list[Bar]] = {}  # drained to make room before a decision
        self._armed: set[tuple[int, int, int]] = set()
        self._head = Columns(pipeline.head)  # growing never moves these two
        self._outbox = Columns(pipeline.outbox.head)
        self._closed_read = 0  # bars that had closed at the last decision

    @property
    def now_ns(self) -> int:
        """Receive time of the last event used; NO_TIME before the first."""
        return self._head.now(0) if self._head.events(0) else NO_TIME

    def step(self, events: Events, reports: Reports = NO_REPORTS) -> Step:
        """Use events and reports up to and including the first decision point."""
        used, reason = self.advance(events, reports)
        if reason != RAN_OUT:
            return Step(used, 0, self.decide(NO_REPORTS))
        if reports.size:
            due = int(np.searchsorted(reports["ts_recv"], reports[0]["ts_recv"], side="right"))
            return Step(used, due, self.decide(reports[:due]))
        return Step(used, 0, NO_COMMANDS)

    def advance(self, events: Events, reports: Reports = NO_REPORTS) -> tuple[int, int]:
        """Use events up to the first decision point or report; return (how many, why)."""
        stop = events.size
        if reports.size:
            stop = int(np.searchsorted(events["ts_recv"], reports[0]["ts_recv"], side="right"))
        start = 0
        while True:
            start, reason = advance(events, start, stop, self.pipeline)
            if reason != NEEDS_ROOM:
                return int(start), reason
            self.make_room(events[start])

    def make_room(self, event: Any) -> None:
        """Grow whatever has no room for `event`, after its closed bars were drained."""
        for view in self.views:
            self._early_bars[view.instrument] = self._closed_bars(view.instrument)
        self.pipeline = pipelines.make_room(self.pipeline, event)

    def decide(self, reports: Reports) -> Commands:
        """Decide at the point the pipeline stands at; return the commands to send."""
        now = self.now_ns
        if reports.size:
            now = max(now, int(reports[-1]["ts_recv"]))
        self.decisions += 1
        rows, signals = self._read_signals()
        bars = self._bars_by_lane()
        for view in self.views:
            own = [one for one in signals if one.instrument == view.instrument] if signals else ()
            view.move(self.pipeline, now, own, bars.get(view.instrument, ()))
        for fields in reports.tolist() if reports.size else ():
            row = dict(zip(_REPORT_FIELDS, fields, strict=True))  # read many times over
            self.desk.report(row, self.views[row["instrument"]])
        for lane, strategy in self.strategies:
            self._ask(lane, strategy)
        for lane in self._unasked:
            self.desk.decide((), self.views[lane])
        wanted, self._wanted = self._wanted, []
        for one in wanted:
            self.desk.decide((one,), self.views[one.instrument])
        for view in self.views:
            self.desk.work(view)
            self.desk.forget_closed(view.instrument)
        commands = self.desk.drain()
        if rows.size:
            self.journal.note_signals(rows)
        if reports.size:
            self.journal.note_reports(reports)
        if commands.size:
            self.journal.note_commands(commands)
        if self.watcher is not None:
            self.watcher.decided(rows, reports, commands)
        self._watch_timers(signals)
        return commands

    def _ask(self, lane: int, strategy: Strategy) -> None:
        """Let a strategy decide; what it wants on another instrument is for that one's market."""
        wanted = strategy.decide(self.views[lane])
        own = [one for one in wanted if one.instrument == lane] if wanted else ()
        self.desk.decide(own, self.views[lane])
        for one in wanted:
            if one.instrument != lane:
                self.desk.decide((one,), self.views[one.instrument])

    def dismiss(self) -> None:
        """Ask no strategy any more; the desk goes on with what is under way."""
        self.strategies = ()
        self._unasked = list(range(len(self.instruments)))

    def want(self, intents: Sequence[Intent]) -> None:
        """Take what a person wants: the desk has it at the next decision, the next TIMER's latest.

        It comes behind what the strategies want there.
        """
        self._wanted += intents
        self._watch_timers(())

    def rouse(self) -> None:
        """Make TIMERs decision points if something is at stake before the first decision."""
        self._watch_timers(())

    def finish(self) -> None:
        """Take the signals that no decision has read, at the end of a run."""
        self.journal.note_signals(drain(self.pipeline.outbox))

    def _watch_timers(self, signals: Sequence[Signal]) -> None:
        """Make TIMERs decision points while something is at stake or armed."""
        for one in signals:
            episode = (one.instrument, one.kind, one.episode)
            if one.phase == ARMED:
                self._armed.add(episode)
            else:
                self._armed.discard(episode)
        at_stake = bool(self._armed) or bool(self._wanted) or self._any_at_stake()
        if self._head.timers_decide(0) != at_stake:
            self.pipeline.head[0]["timers_decide"] = 1 if at_stake else 0

    def _any_at_stake(self) -> bool:
        """Return whether a trade, an order or a position is there, or a strategy waits."""
        desk = self.desk
        for view in self.views:
            k = view.instrument
            if desk.trade(k) is not None or desk.parent(k) is not None:
                return True
            if desk.blotter.open_orders(k) or desk.position(k).lots:
                return True
        return any(strategy.waiting for _, strategy in self.strategies)

    def _read_signals(self) -> tuple[Signals, Sequence[Signal]]:
        """Return the signals since the last decision, as rows and as they are read."""
        if self._outbox.written(0) == self._outbox.read(0):
            return _NO_SIGNALS, ()
        rows = drain(self.pipeline.outbox)
        return rows, read_signals(rows)

    def _bars_by_lane(self) -> dict[int, list[Bar]]:
        """Return the bars that closed since the last decision, of lanes where any did."""
        closed = self._head.closed_bars(0)
        if closed == self._closed_read and not self._early_bars:
            return {}
        self._closed_read = closed
        return {view.instrument: self._closed_bars(view.instrument) for view in self.views}

    def _closed_bars(self, lane: int) -> list[Bar]:
        """Return the bars of a lane that closed since the last decision."""
        per_lane = int(self.pipeline.head[0]["bars_per_lane"])
        early = self._early_bars.pop(lane, [])
        return early + [
            bar
            for series in range(lane * per_lane, (lane + 1) * per_lane)
            for bar in self._bars_waiting(series)
        ]

    def _bars_waiting(self, series: int) -> list[Bar]:
        """Drain the closed bars of a series."""
        footprint = self.pipeline.footprint
        head = footprint.head[series]
        if head["closed"] == head["drained"]:
            return []
        closed = bar_series.drain(footprint, series)
        if self.watcher is not None:
            self.watcher.closed(series, closed)
        period = int(head["span_ns"]) if head["kind"] == TIME else 0
        return [
            Bar(
                period_ns=period,
                open_ns=int(row["open_ns"]),
                open=int(row["open"]),
                high=int(row["high"]),
                low=int(row["low"]),
                close=int(row["close"]),
                volume=int(row["volume"]),
                delta=int(row["delta"]),
            )
            for row in closed.bars
        ]
