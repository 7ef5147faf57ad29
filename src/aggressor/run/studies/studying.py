"""Study: instruments of a store through the whole pipeline, with nobody trading.

A span is asked for; what is known in it rests on what came before. So reading begins earlier: at
00:00 UTC of the span's day (where CVD has its anchor) or an hour before it (the length of the
baselines), whichever is earlier, and from there back to the snapshot that the book was last built
from. Where the recording begins later, the beginning is the earliest that can be known. A span's
signals, columns and books are therefore those of the whole recording.

`Study.moments` hands out the pipeline at chosen points. Memory is one chunk of events, the
pipeline, and the signals since the last point; a moment's pipeline is only valid until the next.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np

from aggressor.detectors.outbox import drain
from aggressor.detectors.thresholds import UNCHANGED, Changes, thresholds_of
from aggressor.engine.parts import Pipeline
from aggressor.engine.pipeline import DECIDE_TIMER, NEEDS_ROOM, advance, make_room
from aggressor.features import series as bar_series
from aggressor.features.parameters import PERP
from aggressor.run.assemble import pipeline_of
from aggressor.run.progress import Step, silent
from aggressor.run.studies.candles import Seeded, seed
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import CLEAR, GAP, NO_TIME, Events
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import Signals, empty_signals
from aggressor.store.catalog import Part
from aggressor.store.layout import DAY_NS
from aggressor.store.reader import Store, decoded
from aggressor.store.replay import TIMER_NS, Replay

NEVER_NS = 2**63 - 1
BASELINE_NS = 3_600_000_000_000
CLOCK_MARGIN_NS = 3_600_000_000_000  # receive times may be off by the host's clock
CHUNK_ROWS = 65_536
_SCANNED_ROWS = 1 << 20


class Asked(TypedDict, total=False):
    """What of an instrument a study is of; every question to a store takes these."""

    start_ns: int | None  # of receive time; None: the beginning
    stop_ns: int | None  # before it; None: the end
    profile: str
    thresholds: Changes  # of the detectors, on top of the profile
    candles: Sequence[Path]  # files of closed hours before it: the past of the bias


class Moment(NamedTuple):
    """Where a study stands."""

    pipe: Pipeline
    now_ns: int  # ts_recv of the last event used; a point of the grid where one was asked for
    signals: Signals  # known since the moment before, all phases, oldest first
    last: bool  # the span is over


class Study:
    """See the module text. The instrument is lane 0 of its pipeline, those beside it follow."""

    lane = 0

    def __init__(
        self,
        store: Path | str,
        instrument: str,
        *,
        beside: Sequence[str] = (),
        start_ns: int | None = None,
        stop_ns: int | None = None,
        profile: str = PERP,
        thresholds: Changes = UNCHANGED,
        candles: Sequence[Path] = (),
    ) -> None:
        """Open a store. Raises StoreError for what it does not hold, ConfigError for a profile or a
        threshold that there is not.

        `candles` are files of closed hours before it (run/studies/candles): the past of the bias.
        """
        thresholds_of(profile, thresholds)
        self.store = Store(Path(store))
        self.profile = profile
        self.thresholds = thresholds
        self.start_ns = NO_TIME if start_ns is None else start_ns
        self.stop_ns = NEVER_NS if stop_ns is None else stop_ns
        if self.start_ns >= self.stop_ns:
            raise ConfigError("The span is empty: --from must lie before --to.")
        self.definitions: list[Instrument] = [
            self.store.definition(one, self.start_ns, self.stop_ns) for one in (instrument, *beside)
        ]
        self.parts = [
            part
            for one in self.definitions
            for part in self.store.parts(one.id, self.start_ns, self.stop_ns)
        ]
        self.read_from_ns = min(self._lead_in(one) for one in self.definitions)
        self.candles = tuple(candles)
        self.seeded: Seeded | None = None  # what was used of them

    @property
    def definition(self) -> Instrument:
        """The instrument asked for."""
        return self.definitions[0]

    @property
    def covered_ns(self) -> tuple[int, int] | None:
        """First and last receive time of the rows in the span; None where there are none."""
        if not self.parts:
            return None
        first = max(self.start_ns, min(part.first_ns for part in self.parts))
        last = min(self.stop_ns - 1, max(part.last_ns for part in self.parts))
        return (first, last) if first <= last else None

    def replay(self) -> Replay:
        """Return the events from the lead-in to the end of the span, with TIMERs."""
        every = [one.id for one in self.definitions]
        return self.store.replay(every, self.read_from_ns, self.stop_ns)

    def pipeline(self) -> Pipeline:
        """Return a pipeline for these instruments that has seen nothing but the candles."""
        pipe = pipeline_of(self.definitions, self.profile, self.thresholds)
        if self.candles and self.parts:
            first_ns = self._first_read_ns()
            self.seeded = seed(pipe.bias, self.lane, self.candles, self.definition, first_ns)
        return pipe

    def _first_read_ns(self) -> int:
        """Return a receive time that no row to be read is before."""
        every = self.store.parts(self.definition.id, self.read_from_ns, self.stop_ns)
        return max(self.read_from_ns, every[0].first_ns)

    def moments(self, every_ns: int = 0, progress: Step = silent) -> Iterator[Moment]:
        """Run to the end of the span; yield whenever signals wait, and once at the end.

        With `every_ns`, a whole number of TIMERs, yield instead at every point of that grid inside
        the span. Raises ConfigError for another period.
        """
        if every_ns < 0 or every_ns % TIMER_NS:
            raise ConfigError(
                f"Measures are sampled at TIMERs: choose a multiple of {TIMER_NS // 10**6} ms."
            )
        return self._run(every_ns, progress)

    def _run(self, every_ns: int, progress: Step) -> Iterator[Moment]:
        pipe, feed = self.pipeline(), self.replay()
        waiting: list[Signals] = []
        now = NO_TIME
        progress("reading", 0.0)
        while (events := feed.poll(CHUNK_ROWS)).size:
            inside = int(events[-1]["ts_recv"]) >= self.start_ns
            pipe.head[0]["timers_decide"] = 1 if every_ns and inside else 0
            at = 0
            while at < events.size:
                at, reason = advance(events, at, events.size, pipe)
                drain_bars(pipe)
                if reason == NEEDS_ROOM:
                    pipe = make_room(pipe, events[at])
                    continue
                now = int(pipe.head[0]["now"])
                self._take(pipe, waiting)
                sampled = reason & DECIDE_TIMER and every_ns and now % every_ns == 0
                if (sampled and now >= self.start_ns) or (waiting and not every_ns):
                    yield Moment(pipe, now, _joined(waiting), False)
                    waiting.clear()
            progress("reading", self._share(now))
        self._take(pipe, waiting)
        progress("reading", 1.0)
        yield Moment(pipe, now, _joined(waiting), True)

    def _take(self, pipe: Pipeline, waiting: list[Signals]) -> None:
        """Drain the signals that were known inside the span."""
        head = pipe.outbox.head[0]
        if head["written"] != head["read"]:
            rows = drain(pipe.outbox)
            rows = rows[rows["ts_known"] >= self.start_ns]
            if rows.size:
                waiting.append(rows)

    def _share(self, now: int) -> float | None:
        if self.covered_ns is None:
            return None
        first = max(self.read_from_ns, min(part.first_ns for part in self.parts))
        return min(1.0, max(0.0, (now - first) / max(1, self.covered_ns[1] - first)))

    def _lead_in(self, definition: Instrument) -> int:
        """Return the receive time to read from: see the module text."""
        if self.start_ns == NO_TIME:
            return NO_TIME
        midnight = self.start_ns // DAY_NS * DAY_NS - CLOCK_MARGIN_NS
        wanted = min(midnight, self.start_ns - BASELINE_NS)
        earlier = self._parts_before(definition)
        if not earlier or earlier[0].first_ns >= wanted:
            return earlier[0].first_ns if earlier else NO_TIME
        for part in reversed(earlier):
            if part.first_ns < wanted:
                found = _last_snapshot(self.store.layout.root / part.path, wanted)
                if found is not None:
                    return found
        return earlier[0].first_ns

    def _parts_before(self, definition: Instrument) -> list[Part]:
        """Return the parts of one instrument up to the span that share its grid."""
        every = self.store.parts(definition.id, NO_TIME, self.stop_ns)
        inside = self.store.parts(definition.id, self.start_ns, self.stop_ns)
        numbers = {part.definition for part in inside or every}
        foreign = [part.last_ns for part in every if part.definition not in numbers]
        return [part for part in every if not foreign or part.first_ns > max(foreign)]


def candles_of(study: Study) -> dict[str, Any]:
    """Return what a report says of the candles a study was given; nothing where it got none."""
    if study.seeded is None:
        return {}
    return {"candles": study.seeded.document(study.candles)}


def drain_bars(pipe: Pipeline) -> None:
    """Forget the bars that have closed, so that their rings never fill."""
    heads = pipe.footprint.head
    for series in np.flatnonzero(heads["closed"] != heads["drained"]):
        bar_series.drain(pipe.footprint, int(series))


def _joined(waiting: list[Signals]) -> Signals:
    return np.concatenate(waiting) if waiting else empty_signals(0)


def _last_snapshot(path: Path, before_ns: int) -> int | None:
    """Return when the last snapshot of a part at or before a time began; None if it has none."""
    rows = decoded(path)
    if rows is None:
        return None
    stop = bisect_right(range(len(rows)), before_ns, key=lambda i: int(rows[i]["ts_recv"]))
    for last in range(stop, 0, -_SCANNED_ROWS):
        block: Events = rows[max(0, last - _SCANNED_ROWS) : last]
        starts = np.flatnonzero((block["kind"] == CLEAR) & ((block["flags"] & GAP) == 0))
        if starts.size:
            return int(block[starts[-1]]["ts_recv"])
    return None
