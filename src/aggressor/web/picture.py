"""The picture: what an engine knows, as frames, made when it changes and given to the hub.

    timer(now)       behind a TIMER: heat columns, prints, curves
    moment(wall)     now and then by a wall clock: ladders, open bars, states, the account
    closed, decided  told by the engine as it happens (`engine.Watcher`): bars, signals, reports

It draws nothing and changes nothing: an engine that is looked at does the same as one that is not.
A label of a synthetic market is told when the market's time comes to its beginning, and again with
what became of it at its end.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from aggressor.detectors.outbox import OUTBOX_SIZE
from aggressor.engine.engine import Engine
from aggressor.engine.reading import Signal, read_signals
from aggressor.engine.view import Fees, View
from aggressor.features.diagonal import DIAGONAL_PROFILES
from aggressor.features.parameters import profile_of
from aggressor.features.series import ClosedBars
from aggressor.schema.command import Commands
from aggressor.schema.event import NO_TIME
from aggressor.schema.report import Reports
from aggressor.schema.signal import Signals
from aggressor.web.curves import Curves
from aggressor.web.footprints import Footprints
from aggressor.web.heat import Heat, book_frame, profile_frame
from aggressor.web.hub import Hub
from aggressor.web.looks import Looks
from aggressor.web.money import (
    Queue,
    account_document,
    ended_document,
    refusal_document,
    report_documents,
)
from aggressor.web.prints import Prints
from aggressor.web.protocol import WHOLE_DESK, Kind, json_frame
from aggressor.web.thresholds import parameters_of
from aggressor.web.words import signal_document

BOOK_S = 1 / 30
BAR_S = 0.25
STATE_S = 0.2
ACCOUNT_S = 0.1
PROFILE_S = 1.0
SIGNALS_KEPT = 2_000
More = Callable[[], dict[str, Any]]  # what else ACCOUNT says: clock, lines


class Lane:
    """What is kept of one instrument to tell what is new."""

    def __init__(self, k: int, profile: str) -> None:
        self.heat = Heat(k)
        self.prints = Prints(k)
        self.curves = Curves(k)
        self.bars = Footprints(k, profile_of(DIAGONAL_PROFILES, profile))
        self.looks = Looks(k)
        self.signals: list[Signal] = []  # the last ones, for seeking
        self.signal_count = 0
        self.messages = -1  # of the book when it was last sent


class Picture:
    """See the module text."""

    def __init__(
        self,
        engine: Engine,
        hub: Hub,
        *,
        profile: str,
        ahead: Queue,
        more: More,
        strategy: str | None,
    ) -> None:
        self.hub = hub
        self.lanes = [Lane(k, profile) for k in range(len(engine.instruments))]
        self.events = 0  # used so far, set by who runs
        self._engine = engine
        self._views = [
            View(one, k, engine.desk, Fees(0.0, 0.0)) for k, one in enumerate(engine.instruments)
        ]
        for view in self._views:
            view.peers = self._views
        self._ahead = ahead
        self.more = more
        self._strategy = strategy
        self._refused = engine.desk.refused_total
        self._ended = len(engine.desk.accounts)
        self._said = int(engine.pipeline.outbox.head[0]["written"])
        self._due: dict[tuple[str, int], float] = {}
        engine.watcher = self

    def forget_columns(self) -> None:
        """Begin the heatmap anew with the next column."""
        for k, lane in enumerate(self.lanes):
            lane.heat = Heat(k)

    def signal_ns(self, lane: int, number: int) -> int | None:
        """Return when a signal became known; None where it is not kept any more."""
        one = self.lanes[lane]
        place = number - (one.signal_count - len(one.signals))
        return one.signals[place].ts_known if 0 <= place < len(one.signals) else None

    # -- told by the engine ----------------------------------------------------------------------

    def closed(self, series: int, bars: ClosedBars) -> None:
        """Take bars that have closed; only the first series of a lane is shown."""
        pipe = self._engine.pipeline
        per_lane = int(pipe.head[0]["bars_per_lane"])
        if series % per_lane == 0:
            for made in self.lanes[series // per_lane].bars.closed(pipe, series, bars):
                self.hub.publish(made)

    def decided(self, signals: Signals, reports: Reports, commands: Commands) -> None:
        """Take what a decision was made on, and what was refused there."""
        self._tell_signals()
        told = report_documents(self._engine, reports) if reports.size else []
        desk = self._engine.desk
        fresh = min(desk.refused_total - self._refused, len(desk.refusals))
        self._refused = desk.refused_total
        told += [refusal_document(one) for one in list(desk.refusals)[len(desk.refusals) - fresh :]]
        told += [ended_document(one, self._engine.now_ns) for one in desk.accounts[self._ended :]]
        self._ended = len(desk.accounts)
        if told:
            now = self._engine.now_ns
            self.hub.publish(json_frame(Kind.REPORT, WHOLE_DESK, now, told))
            self._due[("account", WHOLE_DESK)] = 0.0

    def _tell_signals(self) -> None:
        """Tell what detectors have said since the last look, whether a decision has read it or not.

        Walls and near-misses wait for the next decision, which in a quiet market is far.
        """
        box = self._engine.pipeline.outbox
        written = int(box.head[0]["written"])
        if written == self._said:
            return
        first = max(self._said, written - OUTBOX_SIZE)
        self._said = written
        rows = box.ring[np.arange(first, written) % OUTBOX_SIZE]
        told: dict[int, list[dict[str, Any]]] = {}
        for one in read_signals(rows):
            lane = self.lanes[one.instrument]
            parameters = parameters_of(self._engine.pipeline, one.kind, one.instrument)
            made = signal_document(one, lane.signal_count, parameters)
            told.setdefault(one.instrument, []).append(made)
            lane.signals.append(one)
            lane.signal_count += 1
            del lane.signals[:-SIGNALS_KEPT]
        for k, documents in told.items():
            self.hub.publish(json_frame(Kind.SIGNAL, k, int(rows[-1]["ts_known"]), documents))

    # -- looked at -------------------------------------------------------------------------------

    def timer(self, now_ns: int, *, columns: bool = True) -> None:
        """Look behind a TIMER; without `columns` only what is needed later is kept up."""
        pipe = self._engine.pipeline
        self.hub.now_ns = now_ns
        self._tell_signals()
        for lane in self.lanes:
            made = [lane.heat.column(pipe, now_ns)] if columns else []
            made += [*lane.prints.frames(pipe, now_ns), lane.curves.row(pipe, now_ns)]
            for one in made:
                if one is not None:
                    self.hub.publish(one)

    def moment(self, wall_s: float, *, always: bool = False) -> None:
        """Look at what changes faster than TIMERs or slower, each at its own pace."""
        engine = self._engine
        if engine.now_ns == NO_TIME:
            return
        self._tell_signals()
        for k, lane in enumerate(self.lanes):
            self._ladder(k, lane, wall_s, always)
            if self._is_due("bar", k, wall_s, BAR_S, always):
                per_lane = int(engine.pipeline.head[0]["bars_per_lane"])
                made = lane.bars.open(engine.pipeline, k * per_lane, engine.now_ns)
                if made is not None:
                    self.hub.publish(made, number=lane.bars.bars)
            if self._is_due("state", k, wall_s, STATE_S, always):
                for view in self._views:
                    view.move(engine.pipeline, engine.now_ns, (), ())
                self.hub.publish(lane.looks.frame(self._views[k], self.events, wall_s))
            if self._is_due("profile", k, wall_s, PROFILE_S, always):
                made = profile_frame(engine.pipeline, k, engine.now_ns)
                if made is not None:
                    self.hub.publish(made)
        self.account(wall_s, always=always)

    def account(self, wall_s: float, *, always: bool = False) -> None:
        """Tell clock, money and orders where it is time."""
        if not self._is_due("account", WHOLE_DESK, wall_s, ACCOUNT_S, always):
            return
        content = account_document(self._engine, self._ahead, self._strategy)
        content |= self.more() | {"readers": len(self.hub.readers)}
        made = json_frame(Kind.ACCOUNT, WHOLE_DESK, self._engine.now_ns, content)
        self.hub.publish(made)

    def _ladder(self, k: int, lane: Lane, wall_s: float, always: bool) -> None:
        """Send the ladder where book or tape have changed since it was last sent."""
        pipe = self._engine.pipeline
        messages = int(pipe.market.book.head[k]["messages"]) + int(
            pipe.market.tape.head[k]["prints"]
        )
        if messages == lane.messages and not always:
            return
        if self._is_due("book", k, wall_s, BOOK_S, always):
            lane.messages = messages
            self.hub.publish(book_frame(pipe, k, self._engine.now_ns))

    def _is_due(self, what: str, lane: int, wall_s: float, every_s: float, always: bool) -> bool:
        if not always and wall_s < self._due.get((what, lane), 0.0):
            return False
        self._due[(what, lane)] = wall_s + every_s
        return True
