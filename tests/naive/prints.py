"""Taker orders from a list of prints, merged by comparing each print with the order before it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class Print:
    ts: int
    price: int
    lots: int
    side: int
    flags: int = 0


@dataclass
class Order:
    prints: list[Print] = field(default_factory=list)

    @property
    def side(self) -> int:
        return self.prints[0].side

    @property
    def lots(self) -> int:
        return sum(one.lots for one in self.prints)

    @property
    def vwap(self) -> Fraction:
        return Fraction(sum(one.price * one.lots for one in self.prints), self.lots)

    @property
    def levels(self) -> int:
        return abs(self.prints[-1].price - self.prints[0].price) + 1


def taker_orders(prints: Sequence[Print], gap_ns: int) -> list[Order]:
    orders: list[Order] = []
    for one in prints:
        if orders and belongs(orders[-1], one, gap_ns):
            orders[-1].prints.append(one)
        else:
            orders.append(Order([one]))
    return orders


def belongs(order: Order, one: Print, gap_ns: int) -> bool:
    return (
        one.side != 0
        and one.side == order.side
        and 0 <= one.ts - order.prints[0].ts <= gap_ns
        and one.side * (one.price - order.prints[-1].price) >= 0
    )


def nearest_rank(values: Sequence[int], share: Fraction) -> int:
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
