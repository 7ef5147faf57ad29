"""Multi-level flow from plain pictures of the book: ranks as sorted lists, fractions."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tests.naive.depth import Levels, best_first

Picture = tuple[Levels, Levels]  # bids, asks


@dataclass
class Flow:
    lots: list[int]
    depth: int = 0
    changes: int = 0
    thin: int = 0

    def normalised(self) -> list[Fraction]:
        size = Fraction(self.depth, 2 * len(self.lots) * self.changes)
        return [e / size for e in self.lots]


def ranks(levels: Levels, side: int, count: int) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = list(best_first(levels, side)[:count])
    return found + [None] * (count - len(found))


def side_flow(before: tuple[int, int] | None, after: tuple[int, int] | None, side: int) -> int:
    """Return what one rank gained: the whole new queue when it moved nearer the other side."""
    if before is None or after is None:
        return (after[1] if after else 0) - (before[1] if before else 0)
    nearer = side * (after[0] - before[0])
    return (after[1] if nearer >= 0 else 0) - (before[1] if nearer <= 0 else 0)


def window(pictures: list[Picture | None], count: int) -> Flow:
    """Return the flow over pictures; None is an unknown book, nothing is counted across it."""
    flow = Flow([0] * count)
    for before, after in pairwise(pictures):
        if before is None or after is None:
            continue
        old = [ranks(levels, side, count) for levels, side in zip(before, (1, -1), strict=True)]
        new = [ranks(levels, side, count) for levels, side in zip(after, (1, -1), strict=True)]
        if old == new:
            continue
        for m in range(count):
            bid, ask = (side_flow(old[s][m], new[s][m], 1 - 2 * s) for s in (0, 1))
            flow.lots[m] += bid - ask
        flow.depth += sum(level[1] for one in new for level in one if level)
        flow.changes += 1
        flow.thin += any(one[-1] is None for one in new)
    return flow
