"""Trapped traders over plain lists: one verdict per failed break that took unusually much."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Failed:
    direction: int
    level: int
    extreme: int
    lots: int
    failed: bool


@dataclass(frozen=True)
class Look:
    """What is seen at one timer: breaks that ended, the mid, the delta of the last w."""

    ts: int
    breaks: tuple[Failed, ...]
    mid2: int
    delta: int


def nearest_rank(values: Sequence[int], share: Fraction) -> int:
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def verdicts(
    looks: Sequence[Look], usual_delta: int, tick: int, patience: int, refractory: int, needed: int
) -> list[tuple[int, int, str]]:
    """Return (ts, direction of the break, verdict) in order."""
    told: list[tuple[int, int, str]] = []
    before: list[int] = []
    armed: dict[int, tuple[int, Failed] | None] = {1: None, -1: None}
    quiet = {1: -1, -1: -1}
    for look in looks:
        for one in look.breaks:
            d = one.direction
            if one.failed and one.lots > 0 and len(before) >= needed:
                unusual = one.lots >= nearest_rank(before, Fraction(9, 10))
                if unusual and armed[d] is None and look.ts >= quiet[d]:
                    armed[d] = (look.ts, one)
            before.append(one.lots)
        for d in (1, -1):
            if (entry := armed[d]) is None:
                continue
            since, one = entry
            beyond = Fraction(d * look.mid2, 2) - d * one.level
            against = -d * look.delta
            verdict = ""
            if (against > 0 and against >= usual_delta) or beyond < -3 * tick:
                verdict = "confirmed"
                quiet[d] = look.ts + refractory
            elif beyond > d * (one.extreme - one.level):
                verdict = "freed"
            elif look.ts - since > patience:
                verdict = "expired"
            if verdict:
                told.append((look.ts, d, verdict))
                armed[d] = None
    return told
