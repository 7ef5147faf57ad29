"""Walls and stacks of one side from a dict of levels, without history."""

import statistics

Levels = dict[int, int]


def near_levels(levels: Levels, side: int, reach: int) -> list[tuple[int, int]]:
    """Return (price, lots) best first, less than `reach` ticks behind the best."""
    ordered = sorted(levels.items(), key=lambda level: -side * level[0])
    return [(p, q) for p, q in ordered if side * (ordered[0][0] - p) < reach]


def measures(sizes: list[int], x: int) -> tuple[float, float]:
    """Return robust z and ratio of a size among sizes (itself included)."""
    median = statistics.median(sizes)
    deviation = statistics.median(abs(size - median) for size in sizes)
    return (x - median) / (1.4826 * max(deviation, 1.0, 0.05 * median)), x / median


def walls(
    levels: Levels, side: int, reach: int, z_min: float, ratio_min: float
) -> dict[int, tuple[float, float]]:
    near = near_levels(levels, side, reach)
    sizes = [q for _, q in near]
    if len(sizes) < 5:
        return {}
    found = {p: measures(sizes, q) for p, q in near}
    return {p: (z, r) for p, (z, r) in found.items() if z >= z_min and r >= ratio_min}


def stacks(
    levels: Levels, side: int, reach: int, ratio_min: float, tick: int
) -> list[tuple[int, int, int, int]]:
    """Return (near price, far price, lots, levels) of each run."""
    near = near_levels(levels, side, reach)
    if len(near) < 5:
        return []
    median = statistics.median(q for _, q in near)
    runs: list[list[tuple[int, int]]] = []
    for price, lots in near:
        if lots < 2 * median:
            runs.append([])
        elif runs and runs[-1] and abs(runs[-1][-1][0] - price) <= tick:
            runs[-1].append((price, lots))
        else:
            runs.append([(price, lots)])
    return [
        (run[0][0], run[-1][0], sum(q for _, q in run), len(run))
        for run in runs
        if len(run) >= 3 and sum(q for _, q in run) >= 3 * ratio_min * median
    ]
