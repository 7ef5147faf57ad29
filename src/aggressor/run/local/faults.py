"""What a venue does wrong, on purpose: seeded, each kind switchable, each counted.

Written as `gap=0.01,disconnect=0.1,seed=7` or as a file of JSON with the same names. Of frames and
requests a number is a share, of happenings it is how many a second on average:

    gap, duplicate, reorder     of the frames of books (duplicate: of every market frame)
    disconnect, silent, restart per second: one socket is cut, one socket's books stay away for
                                `silent_s`, everything is away for `restart_s`
    slow, lost                  of requests: answered after `slow_s`; done, and never answered
    too_many, banned, outage    of requests: 429, 418, 503: not done
    unknown                     of requests: 503, done all the same
    skew                        per second: the venue's clock jumps to within `skew_ms` of the truth
"""

import random
from collections import Counter
from pathlib import Path

import msgspec

from aggressor.schema.errors import ConfigError


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often what goes wrong."""

    seed: int = 1
    after_s: float = 0.0  # nothing goes wrong before
    gap: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    disconnect: float = 0.0
    silent: float = 0.0
    silent_s: float = 3.0
    restart: float = 0.0
    restart_s: float = 1.0
    slow: float = 0.0
    slow_s: float = 1.0
    lost: float = 0.0
    too_many: float = 0.0
    banned: float = 0.0
    outage: float = 0.0
    unknown: float = 0.0
    skew: float = 0.0
    skew_ms: float = 500.0


def fault_plan(text: str) -> FaultPlan:
    """Read a plan: a file of JSON, or names and numbers; raise ConfigError."""
    if not text:
        return FaultPlan()
    names = ", ".join(FaultPlan.__struct_fields__)
    try:
        if Path(text).is_file():
            return msgspec.json.decode(Path(text).read_bytes(), type=FaultPlan)
        parts = dict(part.split("=", 1) for part in text.split(",") if part)
        return msgspec.convert(parts, FaultPlan, strict=False)
    except (ValueError, msgspec.MsgspecError, OSError) as trouble:
        raise ConfigError(
            f"The faults cannot be read ({trouble}) - write gap=0.01,seed=7, of {names}."
        ) from None


class Faults:
    """Chance, by a plan."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self.began_s = 0.0  # set by whoever has a clock
        self.now_s = 0.0
        self._chance = random.Random(plan.seed)

    def of(self, kind: str) -> bool:
        """Say whether this frame or request meets a fault, and count it."""
        return self._meets(kind, getattr(self.plan, kind))

    def within(self, kind: str, seconds: float) -> bool:
        """Say whether a happening falls into these seconds, and count it."""
        return self._meets(kind, getattr(self.plan, kind) * seconds)

    def choose(self, many: int) -> int:
        """Return one of so many."""
        return self._chance.randrange(many)

    def skew_ns(self) -> int:
        """Return by how much the venue's clock is wrong now."""
        return int(self._chance.uniform(-1, 1) * self.plan.skew_ms * 1e6)

    def _meets(self, kind: str, share: float) -> bool:
        if share <= 0 or self.now_s - self.began_s < self.plan.after_s:
            return False
        if self._chance.random() >= share:
            return False
        self.counts[kind] += 1
        return True
