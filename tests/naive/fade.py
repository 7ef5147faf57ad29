"""Delta fade over plain lists of samples, one verdict per sample and side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    ts: int
    delta: int
    prices: tuple[int, ...]  # trades since the sample before


@dataclass(frozen=True)
class Rule:
    window: int
    peak: int
    fresh: int
    ratio: tuple[int, int]
    near: int
    tick: int


def verdicts(samples: Sequence[Sample], rule: Rule, threshold: int | None) -> list[tuple[str, str]]:
    """Return "yes", "no" or "unknown" for both sides; threshold None is an unknown baseline."""
    return [
        (
            _verdict(samples[: i + 1], rule, threshold, 1),
            _verdict(samples[: i + 1], rule, threshold, -1),
        )
        for i in range(len(samples))
    ]


def _verdict(samples: Sequence[Sample], rule: Rule, threshold: int | None, sign: int) -> str:
    now = samples[-1]
    recent = [one for one in samples if one.ts > now.ts - rule.peak]
    peak = max(sign * one.delta for one in recent)
    peak_ts = max(one.ts for one in recent if sign * one.delta == peak)
    prices = [sign * price for one in recent for price in one.prices]
    last = [sign * price for one in samples for price in one.prices][-1:]
    numerator, denominator = rule.ratio
    holds = (
        peak > 0
        and sign * now.delta * denominator <= numerator * peak
        and now.ts - peak_ts <= rule.fresh
        and bool(prices)
        and max(prices) - last[0] <= rule.near * rule.tick
    )
    if not holds:
        return "no"
    if threshold is None:
        return "unknown"
    return "yes" if peak >= threshold else "no"


def nearest_rank(values: Sequence[int], alpha: float) -> int:
    return sorted(values)[max(math.ceil(alpha * len(values)), 1) - 1]
