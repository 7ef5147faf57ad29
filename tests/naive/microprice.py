"""The micro-price from a plain list of tops: mirror images written out, exact fractions."""

from collections import defaultdict
from fractions import Fraction
from itertools import pairwise

from tests.naive.pressure import Top

State = tuple[int, int]  # imbalance bucket, spread bucket
Weights = defaultdict[tuple[State, int, State], Fraction]


def states_of(top: Top, buckets: int, spreads: int) -> list[tuple[State, Fraction]]:
    """Return the states of a top with their weights: two halves where the queues are equal."""
    share = Fraction(top.bid_lots, top.bid_lots + top.ask_lots)
    spread = min(top.ask - top.bid, spreads) - 1
    at = share * buckets
    if at.denominator > 1:
        return [((int(at), spread), Fraction(1))]
    if share == Fraction(1, 2):
        return [((int(at) - 1, spread), Fraction(1, 2)), ((int(at), spread), Fraction(1, 2))]
    # An edge belongs to the bucket nearer the middle.
    return [((int(at) if share < Fraction(1, 2) else int(at) - 1, spread), Fraction(1))]


def observations(tops: list[Top | None], buckets: int, spreads: int) -> Weights:
    """Return the weights of (state, clipped jump in half ticks, next state), mirrors included."""
    found: Weights = defaultdict(Fraction)
    for before, after in pairwise(tops):
        if before is None or after is None or before == after:
            continue
        jump = max(-2, min(2, after.bid + after.ask - before.bid - before.ask))
        for (i, s), weight in states_of(before, buckets, spreads):
            for (j, z), other in states_of(after, buckets, spreads):
                found[(i, s), jump, (j, z)] += weight * other
                mirrored = (buckets - 1 - i, s), -jump, (buckets - 1 - j, z)
                found[mirrored] += weight * other
    return found


def adjustments(found: Weights, rounds: int) -> dict[State, float]:
    """Return G* by walking the chain: the expected mid change over `rounds` observations."""
    total: defaultdict[State, float] = defaultdict(float)
    for (x, _, _), weight in found.items():
        total[x] += float(weight)
    steps: defaultdict[State, list[tuple[float, float, State]]] = defaultdict(list)
    for (x, jump, y), weight in found.items():
        steps[x].append((float(weight) / total[x], jump / 2, y))
    value = dict.fromkeys(total, 0.0)
    for _ in range(rounds):
        value = {x: sum(p * (jump + value.get(y, 0.0)) for p, jump, y in steps[x]) for x in total}
    return value
