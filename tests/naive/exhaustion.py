"""Exhaustions from lists: every sample and print is kept, every run sought among all pairs."""

from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

from tests.naive.run import Print, Sample, count_rows, find_run, samples_of

MINUTE = 60_000_000_000


class Step(NamedTuple):
    """One TIMER: what traded since the one before, and what it finds. Up first, then down."""

    ts: int
    prints: tuple[Print, ...]
    valid: bool
    fading: tuple[bool, bool]
    current: tuple[int, int]  # d(t) in the direction
    peak: tuple[int, int]


@dataclass(frozen=True)
class Rule:
    """Times in ns, lengths in ticks; `quantiles` of absolute delta, one for each length."""

    lengths: tuple[int, ...]  # shortest first
    quantiles: tuple[int, ...]
    least: float  # R whatever the time of the run
    chance: float  # ticks in a minute
    share: float
    fresh: int
    still: int
    auction: int
    strong: float
    top_row: float
    refractory: int
    patience: int
    row_ticks: int


class Row(NamedTuple):
    ts: int
    direction: int
    phase: str
    failed: str
    start: int
    extreme: int
    delta: int
    volume: int


@dataclass
class Episode:
    start: int
    start_ts: int
    extreme: int
    extreme_ts: int
    delta: int
    volume: int
    faded: bool = False


@dataclass
class Side:
    direction: int
    rule: Rule
    episode: Episode | None = None
    quiet_until: int = 0
    rows: list[Row] = field(default_factory=list)

    def needed(self, seconds_ns: int) -> float:
        return max(self.rule.least, self.rule.chance * sqrt(seconds_ns / MINUTE))

    def tell(self, ts: int, phase: str, failed: str = "") -> None:
        one = self.episode
        assert one is not None
        what = one.start, one.extreme, one.delta, one.volume
        self.rows.append(Row(ts, self.direction, phase, failed, *what))
        if phase == "armed":
            return
        self.episode = None
        if failed not in ("no new extreme with strong delta", "fast one-sided run"):
            self.quiet_until = ts + self.rule.refractory

    def look(self, samples: list[Sample], now: int) -> None:
        rule = self.rule
        for length, quantile in zip(rule.lengths, rule.quantiles, strict=True):
            run = find_run(samples, self.direction, now, length)
            if run is None or now - run.extreme_ts > rule.fresh:
                continue
            ticks = self.direction * (run.extreme - run.start)
            if ticks < self.needed(run.extreme_ts - run.start_ts):
                continue
            if run.delta >= max(rule.share * run.volume, quantile):
                self.episode = Episode(
                    run.start, run.start_ts, run.extreme, run.extreme_ts, run.delta, run.volume
                )
                self.tell(now, "armed")
                return

    def follow(self, samples: list[Sample], prints: list[Print], step: Step) -> None:
        one, rule, now = self.episode, self.rule, step.ts
        assert one is not None
        which = 0 if self.direction > 0 else 1
        if not step.valid:
            self.tell(now, "rejected", "valid book")
            return
        last = samples[-1]
        reached = last.high if self.direction > 0 else last.low
        if reached is not None and self.direction * (reached - one.extreme) > 0:
            if one.faded and step.current[which] >= rule.strong * step.peak[which]:
                self.tell(now, "rejected", "no new extreme with strong delta")
                return
            begun = next(sample for sample in samples if sample.ts == one.start_ts)
            one.extreme, one.extreme_ts = reached, now
            one.delta = self.direction * (last.delta - begun.delta)
            one.volume = last.volume - begun.volume
            took = now - one.start_ts
            slow = self.direction * (reached - one.start) < self.needed(took)
            usual = min(
                (q for n, q in zip(rule.lengths, rule.quantiles, strict=True) if n >= took),
                default=0,
            )
            small = one.delta < max(rule.share * one.volume, usual)
            if slow or took > rule.lengths[-1] or small:
                self.tell(now, "expired", "fast one-sided run")
                return
        if step.fading[which]:
            one.faded = True
            if self.is_dead(prints, now):
                self.tell(now, "confirmed")
                return
        if now - one.extreme_ts > rule.patience:
            second = "thinning rows, stillness or finished auction"
            self.tell(now, "expired", second if one.faded else "delta fade")

    def is_dead(self, prints: list[Print], now: int) -> bool:
        """The second condition: still, or finished, or thinning towards the extreme."""
        one, rule = self.episode, self.rule
        assert one is not None
        age = now - one.extreme_ts
        rows = count_rows(prints, self.direction, one.start_ts, one.extreme, rule.row_ticks)
        finished = rows.against == 0
        first, second, third = rows.top
        thinning = first < second < third and first <= rule.top_row * rows.largest
        return age >= rule.still or (age >= rule.auction and (finished or thinning))


def exhaustions(steps: list[Step], rule: Rule) -> list[Row]:
    """Return every row, in order of the TIMERs, up before down."""
    rows: list[Row] = []
    sides = Side(1, rule, rows=rows), Side(-1, rule, rows=rows)
    for n, step in enumerate(steps):
        prints = [one for before in steps[: n + 1] for one in before.prints]
        samples = samples_of(prints, [one.ts for one in steps[: n + 1]])
        for side in sides:
            if side.episode is not None:
                side.follow(samples, prints, step)
            elif step.valid and step.ts >= side.quiet_until:
                side.look(samples, step.ts)
    return rows
