"""Sigma, true ranges and the effective tick from a list of samples of the mid."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MINUTE = 60_000_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Sample:
    ts: int
    mid2: int | None  # None: the top is not known
    spread: int = 1


def changes(samples: Sequence[Sample]) -> list[int]:
    """Return one-second changes: from the first sample of a second to the first of the next."""
    out: list[int] = []
    held: Sample | None = None
    for one in samples:
        if one.mid2 is None:
            held = None
            continue
        if held is not None:
            seconds = one.ts // SECOND - held.ts // SECOND
            if seconds == 0:
                continue
            if seconds == 1:
                assert held.mid2 is not None
                out.append(one.mid2 - held.mid2)
        held = one
    return out


def sigma2(values: Sequence[int]) -> float:
    centre = statistics.median(values)
    return 1.4826 * statistics.median(abs(value - centre) for value in values)


def true_ranges(samples: Sequence[Sample]) -> list[int]:
    """Return the true range of each closed minute seen from its beginning."""
    minutes: dict[int, list[int]] = {}
    for one in samples:
        minutes.setdefault(one.ts // MINUTE, [])
        if one.mid2 is not None:
            minutes[one.ts // MINUTE].append(one.mid2)
    keys = sorted(minutes)
    out = []
    for key in keys[1:-1]:
        if key - 1 not in minutes or not minutes[key]:
            continue
        before = minutes[key - 1][-1:]
        out.append(max(minutes[key] + before) - min(minutes[key] + before))
    return out


def effective_tick(median_spread: int | None, sigma_half_ticks: float | None) -> int:
    tick = 1
    if median_spread is not None:
        tick = max(tick, math.ceil(median_spread / 2))
    if sigma_half_ticks is not None:
        tick = max(tick, math.ceil(sigma_half_ticks / 4))
    return tick
