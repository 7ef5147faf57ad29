"""The touch and its order-flow imbalance from a plain list of tops."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise


@dataclass(frozen=True)
class Top:
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int

    @property
    def weighted_mid(self) -> Fraction:
        total = self.bid_lots + self.ask_lots
        return Fraction(self.ask * self.bid_lots + self.bid * self.ask_lots, total)


def flow(before: Top, after: Top) -> int:
    """Return e_n of Cont, Kukanov and Stoikov."""
    e = 0
    if after.bid >= before.bid:
        e += after.bid_lots
    if after.bid <= before.bid:
        e -= before.bid_lots
    if after.ask <= before.ask:
        e -= after.ask_lots
    if after.ask >= before.ask:
        e += before.ask_lots
    return e


def window(tops: list[Top | None]) -> tuple[int, int, int]:
    """Return OFI, the sum of queues and the count of changes; None is an unknown top."""
    ofi = queues = changes = 0
    for before, after in pairwise(tops):
        if before is not None and after is not None and before != after:
            ofi += flow(before, after)
            queues += after.bid_lots + after.ask_lots
            changes += 1
    return ofi, queues, changes
