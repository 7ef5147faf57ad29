"""Detectors held against synthetic truth: precision, recall and delay by difficulty, false alarms.

Each difficulty has tapes of its own, so that a false alarm belongs to one. Every tape begins with a
warm-up in which nothing is injected and nothing is counted; `hours` are those after it. Kinds are
parted by what they do to baselines: those that must stand out from an hour (its largest delta, zone
volume or move, its largest levels and least depths, the volume of its breaks and refilled levels,
the delta of its bars) would not where one comes every few minutes, so they are SINGLE, each in a
market of its own that counts from its first scenario and ends soon after one has come about; the
others come one after the other in FAMILIES. The nulls hold no scenario: whatever is confirmed there
is a false alarm, but for the lively one, the background of all scenarios: its metaorders and heavy
tails hold patterns that nobody made. On the martingale null the few scenarios that leave its mid
alone are scored too, in a table of their own, with what any detector says beside them.

No trading: the pipeline runs over the events, and its outbox is read. A detector that writes
nothing on any tape, not even a near-miss, is "not built".
"""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from aggressor.detectors.outbox import drain
from aggressor.detectors.thresholds import UNCHANGED, Changes, thresholds_of
from aggressor.engine.pipeline import NEEDS_ROOM, RAN_OUT, advance, make_room
from aggressor.features import series as bar_series
from aggressor.run.assemble import pipeline_of
from aggressor.run.progress import Step, silent
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import Signals, empty_signals
from aggressor.sim.synthetic.config import DIFFICULTIES, MarketConfig
from aggressor.sim.synthetic.labels import Label, came_about
from aggressor.sim.synthetic.large_orders import LargeOrders
from aggressor.sim.synthetic.market import SyntheticFeed
from aggressor.sim.synthetic.martingale import MartingaleConfig, MartingaleFeed
from aggressor.sim.synthetic.martingale_acts import MARTINGALE_KINDS
from aggressor.sim.synthetic.presets import (
    NULLS,
    SCORED_GAP_S,
    SCORED_WARMUP_S,
    demo_instrument,
    labelled_config,
)
from aggressor.sim.synthetic.scoring import (
    DETECTOR_OF,
    Score,
    detector_name,
    score_signals,
    wilson,
)
from aggressor.sim.synthetic.spent_runs import SpentRuns
from aggressor.store.replay import Replay

PROFILE = "micro"  # the scenarios are made for its windows
FAMILIES: dict[str, tuple[str, ...]] = {
    "rows": ("stacking",),
}
SINGLE = {  # seconds after the warm-up within which the scenario must have come about
    "absorption": 150.0,
    "exhaustion": 150.0,
    "cascade": 150.0,
    "iceberg": 150.0,
    "wall_pull": 150.0,
    "push_through": 150.0,
    "vacuum": 150.0,
    "stop_run": 1800.0,  # it waits for a swing within reach
    "trapped": 1800.0,
    "divergence": 1600.0,
}
LONGER = {"trapped": 10}  # warm-ups: breaks are rare, and some must be known
SINGLES_AN_HOUR = 8
HINDSIGHT_S = 180.0  # the background goes on behind a single market, unjudged: what became of a run
AFTER_S = 35.0  # of a single market after its scenario: confirmed by then, and no other has begun
NULL_MARKETS = ("poisson", "martingale", "lively")
_CHUNK_ROWS = 1 << 16
_NS = 1_000_000_000


class Tape(NamedTuple):
    """One synthetic market to be judged."""

    name: str
    config: MarketConfig | MartingaleConfig
    seconds: float  # of it, after the warm-up
    single: bool = False  # it ends AFTER_S behind the first scenario that came about


class Judged(NamedTuple):
    """What the detectors wrote on one tape, and what was in it."""

    signals: Signals
    labels: Sequence[Label]
    since_ns: int  # end of the warm-up; of a single tape the start of its first scenario


class _Source:
    """A synthetic feed as an EventSource; follows the large orders and runs of its background.

    A single one ends behind its scenario.
    """

    def __init__(
        self, feed: SyntheticFeed | MartingaleFeed, single: bool, stop_ns: int = 2**62
    ) -> None:
        self._feed = feed
        self._single = single
        self._stop_ns = stop_ns
        self._large = LargeOrders()
        self._spent = SpentRuns()

    def read(self, limit: int) -> Events:
        return empty_events(0) if self._is_over() else self._poll(limit)

    def look_on(self) -> None:
        """Let the background go on alone, to learn what became of its runs."""
        if not self._single or not isinstance(self._feed, SyntheticFeed):
            return
        self._feed.retire()
        stop_ns = self._feed.now_ns + int(HINDSIGHT_S * _NS)
        while self._feed.now_ns < stop_ns and self._poll(_CHUNK_ROWS).size:
            pass

    def _poll(self, limit: int) -> Events:
        events = self._feed.poll(limit)
        if isinstance(self._feed, SyntheticFeed):
            self._large.take(events, self._feed.drain_log(), self._feed.typical_lots)
            self._spent.take(events)
        return events

    @property
    def labels(self) -> list[Label]:
        return [*self._feed.labels, *self._large.labels(), *self._spent.labels()]

    def _is_over(self) -> bool:
        if not self._single or not isinstance(self._feed, SyntheticFeed):
            return False
        return self._feed.now_ns > min(_single_end(self._feed.labels), self._stop_ns)


def signals_over(
    instrument: Instrument,
    chunks: Iterable[Events],
    profile: str = PROFILE,
    thresholds: Changes = UNCHANGED,
) -> Signals:
    """Run a fresh pipeline over events of one instrument, with TIMERs; return all SIGNAL rows."""
    pipe = pipeline_of([instrument], profile, thresholds)
    rows = [empty_signals(0)]
    for events in chunks:
        start = 0
        while start < events.size:
            start, reason = advance(events, start, events.size, pipe)
            if reason == RAN_OUT:
                break
            rows.append(drain(pipe.outbox))
            for series in range(pipe.footprint.head.size):
                bar_series.drain(pipe.footprint, series)
            if reason == NEEDS_ROOM:
                pipe = make_room(pipe, events[start])
    rows.append(drain(pipe.outbox))
    return np.concatenate(rows)


def score(
    seed: int, hours: float, progress: Step = silent, *, thresholds: Changes = UNCHANGED
) -> dict[str, Any]:
    """Score every detector on `hours` of each market; return the document of the command.

    Raises ConfigError when `hours` is not above 0, or for a threshold that there is not.
    """
    thresholds_of(PROFILE, thresholds)
    if not 0 < hours < float("inf"):
        raise ConfigError(f"hours must be above 0, not {hours}.")
    began = time.perf_counter()
    plan = list(_plan(seed, hours))
    totals: dict[tuple[str, str], dict[int, Score]] = {}
    nulls: dict[str, dict[int, Score]] = {}
    written: set[int] = set()
    for number, (market, difficulty, tape) in enumerate(plan):
        progress(f"scoring on {tape.name}", number / len(plan))
        judged = _judge(tape, thresholds)
        written |= {int(kind) for kind in np.unique(judged.signals["kind"])}
        scores = score_signals(judged.signals, judged.labels, since_ns=judged.since_ns)
        if difficulty == "":
            nulls[market] = scores
            continue
        before = totals.setdefault((market, difficulty), {kind: Score() for kind in scores})
        totals[market, difficulty] = {kind: before[kind].plus(scores[kind]) for kind in scores}
    progress("scoring", 1.0)
    return {
        "seed": seed,
        "hours": hours,
        "detectors": _rows(totals, "lively", DETECTOR_OF.values(), written),
        "null": [
            {
                "detector": detector_name(kind),
                "market": market,
                "alarms_per_hour": nulls[market][kind].false / hours,
                "explained_per_hour": nulls[market][kind].explained / hours,
                **_status(kind, written),
            }
            for kind in DETECTOR_OF.values()
            for market in NULL_MARKETS
        ],
        "martingale": _rows(totals, "martingale", DETECTOR_OF.values(), written),
        "seconds": time.perf_counter() - began,
    }


def _plan(seed: int, hours: float) -> Iterator[tuple[str, str, Tape]]:
    """Yield (market, difficulty or "" for a null, tape) of everything there is to judge."""
    for difficulty in DIFFICULTIES:
        for family, kinds in FAMILIES.items():
            config = labelled_config(_seed(seed, difficulty, family), kinds, difficulty)
            yield "lively", difficulty, Tape(f"{difficulty} {family}", config, 3600 * hours)
        for kind, number in itertools.product(SINGLE, range(ceil(SINGLES_AN_HOUR * hours))):
            chosen = _seed(seed, difficulty, kind, str(number))
            config = labelled_config(chosen, (kind,), difficulty)
            longer = config.warmup_s * LONGER.get(kind, 1)
            config = replace(config, warmup_s=longer)
            yield "lively", difficulty, Tape(f"{difficulty} {kind}", config, SINGLE[kind], True)
        config = MartingaleConfig(
            seed=_seed(seed, difficulty, "martingale"),
            scenarios=MARTINGALE_KINDS,
            difficulties=(difficulty,),
            warmup_s=SCORED_WARMUP_S,
            gap_s=SCORED_GAP_S,
        )
        yield "martingale", difficulty, Tape(f"{difficulty} martingale", config, 3600 * hours)
    for market in NULL_MARKETS:
        config = NULLS[market](_seed(seed, "null", market)).config
        yield market, "", Tape(f"{market} null", config, 3600 * hours)


def _seed(seed: int, *names: str) -> int:
    """Return a seed of its own for one tape, the same whatever other tapes there are."""
    words = [seed, *(int.from_bytes(name.encode(), "little") for name in names)]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _chunks(replay: Replay) -> Iterator[Events]:
    while (events := replay.poll(_CHUNK_ROWS)).size:
        yield events


def _judge(tape: Tape, thresholds: Changes = UNCHANGED) -> Judged:
    """Run the pipeline over one tape."""
    feed: SyntheticFeed | MartingaleFeed
    warmup_s = SCORED_WARMUP_S
    if isinstance(tape.config, MartingaleConfig):
        feed = MartingaleFeed(tape.config, warmup_s + tape.seconds)
    else:
        warmup_s = tape.config.warmup_s if tape.config.scenarios else warmup_s
        more_s = HINDSIGHT_S if tape.single else 0.0
        feed = SyntheticFeed(replace(tape.config, log=True), warmup_s + tape.seconds + more_s)
    stop_ns = tape.config.start_ns + int((warmup_s + tape.seconds) * _NS)
    source = _Source(feed, tape.single, stop_ns)
    signals = signals_over(demo_instrument(), _chunks(Replay([source])), PROFILE, thresholds)
    since_ns = tape.config.start_ns + int(warmup_s * _NS)
    if tape.single:
        since_ns = max(since_ns, min((one.start_ns for one in feed.labels), default=2**62))
        signals = signals[signals["ts_known"] < min(_single_end(feed.labels), stop_ns)]
        source.look_on()
    return Judged(signals, source.labels, since_ns)


def _single_end(labels: Sequence[Label]) -> int:
    """Return when a single market ends: AFTER_S behind the first scenario that came about."""
    stops = [one.stop_ns for one in labels if came_about(one)]
    return min(stops, default=2**62) + int(AFTER_S * _NS)


def _rows(
    totals: dict[tuple[str, str], dict[int, Score]],
    market: str,
    kinds: Iterable[int],
    written: set[int],
) -> list[dict[str, Any]]:
    """Return one row per detector and difficulty."""
    return [
        _row(kind, difficulty, totals[market, difficulty][kind], written)
        for kind in kinds
        for difficulty in DIFFICULTIES
    ]


def _row(kind: int, difficulty: str, one: Score, written: set[int]) -> dict[str, Any]:
    said = one.found + one.false
    return {
        "detector": detector_name(kind),
        "difficulty": difficulty,
        "injected": one.injected,
        "found": one.found,
        "false": one.false,
        "precision": one.precision,
        "recall": one.recall,
        "delay_ms_p50": one.delay_ms_p50,
        "precision_interval": wilson(one.found, said),
        "recall_interval": wilson(one.found, one.injected),
        "repeats": one.repeats,
        "explained": one.explained,
        **_status(kind, written),
    }


def _status(kind: int, written: set[int]) -> dict[str, str]:
    """Name a detector that is not there; nothing where it is."""
    return {} if kind in written else {"status": "not built"}
