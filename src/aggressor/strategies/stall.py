"""RUN and STALL of R7.1: what was a run, and whether it still stands still.

All in the frame of the run (`facing`): it goes up from P0 to P1. STALL needs (a), the fade of
delta, and one more of

    b  passive shift: a new bid wall 1-5 e beneath the best while lifting is at most half the run's
       rate
    c  absorption or iceberg on the ask side within 2 e of P1
    d  no new high for 2 s / 20 s
    e  weighted mid below the mid by a tenth of the spread (a swing divergence of delta joins with
       its detector)

(b) may mean the opposite of what it is taken for (R12.1): it is logged by itself, and live it is
never the only second condition. Once faded, (a) holds until d(t) is back at `revive` of its peak,
so that one print does not end it.
"""

from dataclasses import dataclass, replace
from math import isnan, nan
from typing import NamedTuple, Self

from aggressor.schema.signal import ABSORPTION, CONFIRMED, ICEBERG
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import Mode
from aggressor.strategies.needs import RUN_EVIDENCE, Signal
from aggressor.strategies.scalp_rule import ScalpRule
from aggressor.strategies.setup import Setup

_SECOND_NS = 1_000_000_000


@dataclass(slots=True, kw_only=True)
class Run(Setup):
    """An exhausted run, from the signal that told of it; prices and sides of the frame."""

    p0: int
    p1: int
    seconds: float
    delta: float  # lots, + in the run's direction
    volume: float
    usual_delta: float  # lots: Q0.99 of |delta| over as long; NaN: no baseline yet
    delta_peak: float
    last_high_ns: int
    held: bool = False  # (c) was seen

    def moved(self, ticks: int, now_ns: int) -> Self:
        """Return the same run elsewhere, told of now."""
        later = now_ns - self.ts_known
        return replace(
            self,
            ts_known=now_ns,
            p0=self.p0 + ticks,
            p1=self.p1 + ticks,
            last_high_ns=self.last_high_ns + later,
        )

    @property
    def ticks(self) -> int:
        """Length of the run."""
        return self.p1 - self.p0

    @property
    def delta_share(self) -> float:
        """Run delta over run volume; NaN without volume."""
        return self.delta / self.volume if self.volume > 0 else nan

    @property
    def lift_rate(self) -> float:
        """Lots per second that aggressors took in the run's direction; NaN where not known."""
        return (self.volume + self.delta) / 2 / self.seconds if self.seconds > 0 else nan


def run_of(signal: Signal, fallback_e: float) -> Run | None:
    """Return the run an EXHAUSTION signal speaks of, or None when its evidence has no run."""
    seen = {name: signal.evidence.get(name, nan) for name in RUN_EVIDENCE}
    up = -signal.direction
    if up not in (1, -1) or isnan(seen["p0"]) or isnan(seen["p1"]) or isnan(seen["delta_peak"]):
        return None
    p0, p1 = up * round(seen["p0"]), up * round(seen["p1"])
    if p1 <= p0:
        return None
    still_s = 0.0 if isnan(seen["extreme_age_seconds"]) else seen["extreme_age_seconds"]
    return Run(
        up=up,
        episode=signal.episode,
        ts_known=signal.ts_known,
        provisional=signal.provisional,
        p0=p0,
        p1=p1,
        seconds=seen["run_seconds"],
        delta=up * seen["run_delta"],
        volume=seen["run_volume"],
        usual_delta=seen["run_delta_quantile"],
        delta_peak=seen["delta_peak"],
        e=fallback_e if isnan(seen["effective_tick"]) else seen["effective_tick"],
        last_high_ns=signal.ts_known - round(still_s * _SECOND_NS),
        seen=seen,
    )


class Stall(NamedTuple):
    """The five conditions at this moment."""

    a: bool
    b: bool
    c: bool
    d: bool
    e: bool

    def holds(self, mode: Mode) -> bool:
        """Return whether (a) and enough of the others hold; live, (b) alone is not enough."""
        second = self.c or self.d or self.e
        if mode is not Mode.LIVE:
            second = second or self.b
        return self.a and second


def follow(run: Run, facing: Facing, rule: ScalpRule) -> None:
    """Bring a run up to this moment: its last new high, and the passive side seen holding it."""
    high = facing.high_traded
    if high is not None and high > run.p1:
        run.last_high_ns = facing.view.now_ns
    for signal in facing.view.signals:
        if signal.kind not in (ABSORPTION, ICEBERG) or signal.phase != CONFIRMED:
            continue
        low, top = facing.zone(signal)
        near = rule.held_effective * run.e
        if facing.faces(signal.side) < 0 and top >= run.p1 - near and low <= run.p1 + near:
            run.held = True


def stall_of(run: Run, facing: Facing, rule: ScalpRule, *, faded: bool) -> Stall:
    """Return the conditions now; `faded`: (a) was already met, so it holds until it revives."""
    spread = facing.ask - facing.bid
    limit = rule.revive if faded else rule.fade
    delta = facing.delta
    peak = run.delta_peak
    return Stall(
        a=delta < limit * peak if faded else delta <= limit * peak,
        b=_passive_shift(run, facing, rule),
        c=run.held,
        d=facing.view.now_ns - run.last_high_ns >= rule.still_ns,
        e=facing.weighted_mid <= facing.mid - rule.lean_spreads * spread,
    )


def _passive_shift(run: Run, facing: Facing, rule: ScalpRule) -> bool:
    rate = facing.lifted * _SECOND_NS / rule.fade_window_ns
    if isnan(run.lift_rate) or rate > rule.lift_share * run.lift_rate:
        return False
    near, far = rule.wall_near_effective * run.e, rule.wall_far_effective * run.e
    return any(
        near <= facing.bid - wall.price <= far and wall.age_ns <= rule.wall_new_ns
        for wall in facing.walls(1)
    )
