"""VPIN from lists: every lot is poured by itself."""

import statistics
from collections.abc import Sequence
from itertools import pairwise

Bucket = list[float]  # bought less sold of every lot in it


def buckets(flow: Sequence[tuple[int, float]], size: int) -> tuple[list[Bucket], Bucket]:
    """Cut (lots, net per lot) into buckets of `size` lots; return the closed and the open one."""
    lots = [net for count, net in flow for _ in range(count)]
    whole = len(lots) // size * size
    return [lots[i : i + size] for i in range(0, whole, size)], lots[whole:]


def vpin(closed: Sequence[Bucket], count: int) -> float:
    last = closed[-count:]
    return sum(abs(sum(one)) for one in last) / sum(len(one) for one in last)


def bulk_flow(bars: Sequence[tuple[int, int]], window: int, least: int) -> list[tuple[int, float]]:
    """Return (lots, net per lot) of bars (lots, close) whose deviation is known."""
    changes = [after[1] - before[1] for before, after in pairwise(bars)]
    flow = []
    for i in range(1, len(bars)):
        past = changes[: i - 1][-window:]
        if len(past) >= least:
            deviation = statistics.stdev(past)
            change = changes[i - 1]
            if deviation == 0:
                net = float((change > 0) - (change < 0))
            else:
                net = 2 * statistics.NormalDist().cdf(change / deviation) - 1
            flow.append((bars[i][0], net))
    return flow
