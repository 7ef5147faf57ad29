"""The liquidity regime from sorted lists."""

from collections.abc import Sequence

SAMPLES_MIN = 200


def nearest_rank(values: Sequence[int], percent: int) -> int:
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]


def regime(values: Sequence[int], past: Sequence[Sequence[int]]) -> str:
    """Depth (bad when low), spread and cost against their own past."""
    if len(past[0]) < SAMPLES_MIN:
        return "unknown"
    depth, *dear = values
    beyond = [depth < nearest_rank(past[0], 10)]
    far = [depth < nearest_rank(past[0], 2)]
    for value, column in zip(dear, past[1:], strict=True):
        beyond.append(value > nearest_rank(column, 90))
        far.append(value > nearest_rank(column, 98))
    if sum(far) >= 2:
        return "vacuum"
    return "thin" if any(beyond) else "normal"
