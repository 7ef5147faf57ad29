"""The simulator's twin: one happening at a time in global time order, dicts and lists, nothing
clever.

It knows the whole tape from the start, takes the earliest of {funding stamp, market row at the
venue, arrival of a command, its match, market row known locally, report known locally}, in this
order at equal times, and asks `decide` at each local one. With `margin` (deposit, maintenance rate)
the account is liquidated where equity, in exact cash flows, is down to the maintenance margin:
linear contracts of tick 1 and lot 1, no fees.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from aggressor.schema import command as c
from aggressor.schema import event as e
from aggressor.schema import report as r

INFINITY = 2**62
MONEY = 10**8
WALK = 1024
WAITING = (c.STOP_MARKET, c.TAKE_PROFIT_MARKET)
FIELDS = ("ts_recv", "ts_venue", "order", "size", "leaves", "fee", "price", "reason")
KEYS = (*FIELDS, "kind", "side", "flags", "instrument")


def behind(model: str, n: float, b: float, f: float) -> float:
    if model == "risk-averse" or b + f <= 0:
        return 1.0
    if model == "front-cancel":
        return 0.0
    if model == "power":
        return b**n / (b**n + f**n)
    if model == "log":
        return math.log1p(b) / (math.log1p(b) + math.log1p(f))
    if model == "power-share":
        return (b / (b + f)) ** n
    if model == "log-total":
        return math.log1p(b) / math.log1p(b + f)
    return 1.0 - (f / (f + b)) ** n


def advance(model: str, n: float, f: float, before: int, after: int, traded: int) -> float:
    change = before - after - traded
    if change > 0:
        b = max(before - traded - f, 0.0)
        p = behind(model, n, b, f)
        f = f - (1.0 - p) * change + min(b - p * change, 0.0)
    return max(min(f, float(after)), 0.0)


class Book:
    def __init__(self) -> None:
        self.sides: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.quote: dict[int, tuple[int, int] | None] = {1: None, -1: None}
        self.top: dict[int, tuple[int, int] | None] = {1: None, -1: None}
        self.synced = self.valid = False

    def depth_top(self, side: int) -> tuple[int, int] | None:
        level = self.sides[side]
        if not level:
            return None
        price = max(level) if side > 0 else min(level)
        return price, level[price]

    def apply(self, row: Any) -> None:
        kind, side, flags = row["kind"], row["side"], row["flags"]
        if flags & e.STALE:
            return
        if kind == e.LEVEL:
            self.sides[side][row["price"]] = row["size"]
            if row["size"] == 0:
                del self.sides[side][row["price"]]
        elif kind == e.CLEAR:
            self.__init__()
        elif kind == e.QUOTE:
            self.quote[side] = (row["price"], row["size"])
        if flags & e.GAP:
            self.synced = self.valid = False
        if flags & e.LAST:
            if kind != e.QUOTE:
                self.synced = self.synced or bool(flags & e.SNAPSHOT)
                self.quote = {1: None, -1: None}
            self.judge()

    def judge(self) -> None:
        for side in (1, -1):
            quote = self.quote[side]
            self.top[side] = self.depth_top(side) if quote is None else quote if quote[1] else None
        both = self.top[1] and self.top[-1] and self.depth_top(1) and self.depth_top(-1)
        self.valid = bool(
            both
            and self.top[1][0] < self.top[-1][0]
            and self.depth_top(1)[0] < self.depth_top(-1)[0]
            and self.synced
        )

    def walk(self, side: int, bound: int | None) -> list[tuple[int, int]]:
        top = self.top[side]
        found = []
        start = top[0]
        if bound is not None and (start - bound) * side > 0:
            start = bound
        else:
            found.append(top)
            start = top[0] - side
        for price in sorted(self.sides[side], reverse=side > 0):
            if (start - price) * side >= 0:
                found.append((price, self.sides[side][price]))
        return found


@dataclass
class Order:
    order: int
    side: int
    size: int
    price: int
    trigger: int
    type: int
    tif: int
    flags: int
    k: int
    filled: int = 0
    front: float = 0.0
    shown: int | None = None
    traded: int = 0
    state: str = "resting"
    bound: int | None = None

    @property
    def leaves(self) -> int:
        return self.size - self.filled

    @property
    def heading(self) -> int:
        return -self.side if self.type == c.TAKE_PROFIT_MARKET else self.side


@dataclass
class Lane:
    book: Book = field(default_factory=Book)
    position: int = 0
    last: int | None = None
    mark: int = 0
    mark_ticks: int = 0
    rate: int = 0
    stamp: int = INFINITY
    settled: int = -INFINITY
    taken: dict[tuple[int, int], list[int]] = field(default_factory=dict)


class Twin:
    def __init__(
        self,
        events,
        lanes,
        latency,
        model,
        power,
        decide: Callable,
        trips=(),
        capacity: int = 256,
        margin: tuple[int, Fraction] | None = None,
    ) -> None:
        self.rows = [{name: int(row[name]) for name in row.dtype.names} for row in events]
        self.lanes = [Lane() for _ in range(lanes)]
        self.latency, self.model, self.power = latency, model, power
        self.decide, self.trips, self.capacity = decide, trips, capacity
        self.orders: list[Order] = []
        self.flying: list[tuple[int, dict]] = []
        self.under_way: list[dict] = []
        self.delivered: list[dict] = []
        self.sent = self.due = -INFINITY
        self.venue_times = self.see()
        self.pending: int | None = None
        self.busy = -INFINITY
        self.waiting: list[tuple[int, dict]] = []  # at the venue, to be matched
        self.margin, self.flows, self.broke = margin, 0, False

    def see(self) -> list[int]:
        times, latest = [], -INFINITY
        for row in self.rows:
            seen = row["ts_recv"] - self.latency.feed_ns
            if self.latency.recorded:
                if row["kind"] != e.TIMER and not row["flags"] & e.BAD_CLOCK:
                    seen = row["ts_venue"] + self.latency.offset_ns
                seen = min(max(seen, latest), row["ts_recv"])
                latest = seen
            times.append(seen)
        return times

    def delay(self, name: str, now: int) -> int:
        if len(self.trips) == 0:
            return getattr(self.latency, name + "_ns")
        times = [int(t["ts"]) for t in self.trips]
        values = [int(t[name]) for t in self.trips]
        if now <= times[0]:
            return values[0]
        for i in range(len(times) - 1):
            if now < times[i + 1]:
                share = float(now - times[i]) / float(times[i + 1] - times[i])
                return values[i] + int(share * float(values[i + 1] - values[i]))
        return values[-1]

    # -- the order of things --------------------------------------------------------------------
    def run(self) -> list[dict]:
        venue, local = 0, 0
        while True:
            row_at = self.venue_times[venue] if venue < len(self.rows) else INFINITY
            if self.pending is not None:
                k, at = self.pending
                row = self.rows[venue] if venue < len(self.rows) else None
                restated = row and row["kind"] == e.QUOTE and row["instrument"] == k
                if not (restated and row_at == at):
                    self.pending = None
                    self.judge(k, at)
                    self.watch(at)
                    continue
            stamp = min(lane.stamp for lane in self.lanes) if venue < len(self.rows) else INFINITY
            times = (
                stamp,
                row_at,
                self.flying[0][0] if self.flying else INFINITY,
                self.waiting[0][0] if self.waiting else INFINITY,
                self.rows[local]["ts_recv"] if local < len(self.rows) else INFINITY,
                self.under_way[0]["ts_recv"] if self.under_way else INFINITY,
            )
            now = min(times)
            if now == INFINITY:
                return self.delivered
            kind = times.index(now)
            if kind == 0:
                self.settle(now)
                self.watch(now)
            elif kind == 1:
                self.market(self.rows[venue], now)
                self.watch(now)
                venue += 1
            elif kind == 2:
                self.waiting.append((max(now, self.busy), self.flying.pop(0)[1]))
            elif kind == 3:
                self.command(self.waiting.pop(0)[1], now)
                self.watch(now)
            elif kind == 4:
                row = self.rows[local]
                local += 1
                self.send(self.decide(row, None), now)
            else:
                line = self.under_way.pop(0)
                self.delivered.append(line)
                self.send(self.decide(None, line), now)

    def send(self, commands: list[dict], now: int) -> None:
        for command in commands:
            self.sent = max(now + self.delay("order", now), self.sent)
            self.flying.append((self.sent, command))

    def report(self, order, kind, now, price, size, leaves, reason=0, extra=0, fee=0) -> None:
        self.due = max(max(now, self.busy) + self.delay("response", now), self.due)
        if kind in (r.FILL, r.LIQUIDATED):
            self.flows -= order.side * price * size * MONEY
        elif kind == r.FUNDED:
            self.flows -= math.ceil(Fraction(order.side * size * leaves * fee, MONEY))
        self.under_way.append(
            {
                "ts_recv": self.due,
                "ts_venue": now - self.latency.offset_ns,
                "order": order.order,
                "size": size,
                "leaves": leaves,
                "fee": fee,
                "price": price,
                "reason": reason,
                "kind": kind,
                "side": order.side,
                "flags": order.flags | extra,
                "instrument": order.k,
            }
        )

    # -- market rows ----------------------------------------------------------------------------
    def market(self, row: dict, now: int) -> None:
        k, kind, flags = row["instrument"], row["kind"], row["flags"]
        if k >= len(self.lanes):
            return
        lane = self.lanes[k]
        if kind in (e.LEVEL, e.CLEAR, e.QUOTE, e.TRADE) and self.latency.work_ns:
            self.busy = max(self.busy, now) + self.latency.work_ns
        if kind in (e.LEVEL, e.CLEAR, e.QUOTE):
            lane.book.apply(row)
            if kind == e.LEVEL and not flags & e.STALE:
                self.level(lane, k, row)
            if kind == e.CLEAR:
                for order in self.orders:
                    if order.k == k:
                        order.shown, order.traded = None, 0
            if flags & e.LAST and self.mine(k):
                self.pending = (k, now)
        elif kind == e.TRADE:
            if not flags & (e.RPI | e.NOT_FLOW | e.STALE):
                self.printed(lane, k, row, now)
        elif kind == e.MARK:
            lane.mark, lane.mark_ticks = row["size"], row["price"]
        elif kind == e.FUNDING:
            stamp = row["price"] * 60_000_000_000 + self.latency.offset_ns
            if stamp > now and stamp > lane.settled:
                lane.stamp, lane.rate = stamp, row["size"]

    def mine(self, k: int) -> list[Order]:
        return [order for order in self.orders if order.k == k and order.state == "resting"]

    def level(self, lane: Lane, k: int, row: dict) -> None:
        side, price, size = row["side"], row["price"], row["size"]
        for order in self.mine(k):
            if order.side == side and order.price == price:
                if order.shown is None:
                    order.front = min(order.front, float(size))
                else:
                    order.front = advance(
                        self.model, self.power, order.front, order.shown, size, order.traded
                    )
                order.shown, order.traded = size, 0
        used = lane.taken.get((side, price))
        if used is not None:
            if size > used[1] or size == 0:
                del lane.taken[side, price]
            else:
                used[1] = size

    def printed(self, lane: Lane, k: int, row: dict, now: int) -> None:
        price, left = row["price"], row["size"]
        lane.last = price
        for order in self.mine(k):
            if (order.price - price) * order.side > 0:
                self.passive(order, order.leaves, now)
            elif order.price == price and row["side"] == -order.side:
                front = order.front - left
                order.traded += row["size"]
                order.front = max(front, 0.0)
                lots = min(math.floor(-front + 1e-9), order.leaves) if front < 0 else 0
                left -= lots
                if lots:
                    self.passive(order, lots, now)
        fired = [o for o in self.orders if o.k == k and o.state == "stopped"]
        fired = [o for o in fired if (price - o.trigger) * o.heading >= 0]
        for order in fired:
            order.bound = price
            self.report(order, r.TRIGGERED, now, order.trigger, order.size, order.size)
        self.watch(now)
        for order in fired:
            if order in self.orders:
                self.take_stop(order, now)
                self.watch(now)

    def judge(self, k: int, now: int) -> None:
        book = self.lanes[k].book
        if not book.valid:
            return
        for order in self.mine(k):
            best, against = book.top[order.side], book.top[-order.side]
            crossed = (order.price - against[0]) * order.side >= 0
            if crossed and self.reachable(k, -order.side, order.price):
                self.passive(order, order.leaves, now)
            elif order.price == best[0]:
                order.front = min(order.front, float(best[1]))
            elif (order.price - best[0]) * order.side > 0:
                order.front = 0.0

    def passive(self, order: Order, lots: int, now: int) -> None:
        lots = min(lots, self.reducible(order))
        if lots > 0:
            order.filled += lots
            self.lanes[order.k].position += lots * order.side
            self.report(order, r.FILL, now, order.price, lots, order.leaves, extra=r.MAKER)
        if order.leaves == 0:
            self.orders.remove(order)
        elif self.reducible(order) == 0:
            self.orders.remove(order)
            self.report(order, r.CANCELED, now, order.price, order.leaves, 0, r.REDUCE_ONLY_EMPTY)

    def reducible(self, order: Order) -> int:
        if not order.flags & r.REDUCE_ONLY:
            return order.leaves
        return max(min(order.leaves, -self.lanes[order.k].position * order.side), 0)

    def settle(self, now: int) -> None:
        for k, lane in enumerate(self.lanes):
            if lane.stamp != now:
                continue
            if lane.position and lane.mark > 0:
                side = 1 if lane.position > 0 else -1
                order = Order(0, side, 0, 0, 0, 0, 0, 0, k)
                lots = abs(lane.position)
                self.report(order, r.FUNDED, now, lane.mark_ticks, lots, lane.mark, fee=lane.rate)
            lane.settled, lane.stamp = now, INFINITY

    # -- margin ---------------------------------------------------------------------------------
    def watch(self, now: int) -> None:
        held = [k for k, lane in enumerate(self.lanes) if lane.position]
        while self.margin and held and all(self.lanes[k].mark for k in held):
            deposit, rate = self.margin
            worth = {k: self.lanes[k].position * self.lanes[k].mark for k in held}
            needed = {k: abs(worth[k]) * rate for k in held}
            if deposit + self.flows + sum(worth.values()) > sum(needed.values()):
                return
            k = max(held, key=lambda k: (needed[k], -k))
            for lane in range(len(self.lanes)):
                for order in [one for one in self.orders if one.k == lane]:
                    self.orders.remove(order)
                    left = order.leaves
                    self.report(order, r.CANCELED, now, order.price, left, 0, r.NO_MARGIN)
            self.close(k, deposit + self.flows + sum(worth.values()) - worth[k], now)
            held.remove(k)

    def close(self, k: int, wallet: int, now: int) -> None:
        position = self.lanes[k].position
        price = Fraction(-wallet, position * MONEY)
        bound = max(1, math.ceil(price) if position > 0 else math.floor(price))
        side = -1 if position > 0 else 1
        order = Order(0, side, abs(position), 0, 0, c.STOP_MARKET, 0, 0, k)
        book = self.lanes[k].book
        levels = book.walk(-side, None)[:WALK] if book.valid else []
        for at, shown in levels:
            lots = min(order.leaves, self.left(k, -side, at, shown))
            if lots > 0 and (bound - at) * side >= 0:
                used = self.lanes[k].taken.setdefault((-side, at), [0, shown])
                used[0], used[1] = used[0] + lots, shown
                order.filled += lots
                self.report(order, r.LIQUIDATED, now, at, lots, order.leaves)
        left = order.leaves
        if left:
            self.report(order, r.LIQUIDATED, now, bound, left, 0)
        self.lanes[k].position, self.broke = 0, True

    # -- taking ---------------------------------------------------------------------------------
    def left(self, k: int, side: int, price: int, shown: int) -> int:
        used = self.lanes[k].taken.get((side, price))
        return max(shown - used[0], 0) if used else shown

    def reachable(self, k: int, side: int, limit: int) -> bool:
        levels = self.lanes[k].book.walk(side, None)
        return any((p - limit) * side >= 0 and self.left(k, side, p, q) > 0 for p, q in levels)

    def trade(self, order: Order, now: int) -> bool:
        k, side = order.k, order.side
        market = order.type != c.LIMIT
        limit = (INFINITY * side) if market else order.price
        own = [o.price for o in self.mine(k) if o.side == -side]
        nearest = (min(own) if side > 0 else max(own)) if own else None
        blocked = nearest is not None and (limit - nearest) * side >= 0
        if blocked:
            limit = nearest - side
        reason = r.SELF_TRADE if blocked else r.NO_LIQUIDITY
        levels = self.lanes[k].book.walk(-side, order.bound)[:WALK]
        levels = [(p, q) for p, q in levels if (limit - p) * side >= 0]
        if order.tif == c.FOK:
            found = sum(self.left(k, -side, p, q) for p, q in levels)
            if found < self.reducible(order):
                self.report(order, r.EXPIRED, now, order.price, order.leaves, 0, reason)
                return False
        for price, shown in levels:
            lots = min(self.reducible(order), self.left(k, -side, price, shown))
            if lots > 0:
                used = self.lanes[k].taken.setdefault((-side, price), [0, shown])
                used[0] += lots
                used[1] = shown
                order.filled += lots
                self.lanes[k].position += lots * side
                self.report(order, r.FILL, now, price, lots, order.leaves)
        if order.leaves == 0:
            return False
        if self.reducible(order) == 0:
            reason = r.REDUCE_ONLY_EMPTY
        elif not blocked and not market and order.tif in (c.GTC, c.POST_ONLY):
            if not self.reachable(k, -side, limit):
                return True
        self.report(order, r.EXPIRED, now, order.price, order.leaves, 0, reason)
        return False

    def join(self, order: Order) -> None:
        book = self.lanes[order.k].book
        best = book.top[order.side]
        order.shown = book.sides[order.side].get(order.price, 0)
        order.traded = 0
        if order.price == best[0]:
            order.front = float(best[1])
        elif (order.price - best[0]) * order.side > 0:
            order.front = 0.0
        else:
            order.front = float(order.shown)
        self.orders.append(order)

    def take_stop(self, order: Order, now: int) -> None:
        if order in self.orders:
            self.orders.remove(order)
        if self.lanes[order.k].book.valid:
            self.trade(order, now)
        else:
            self.report(order, r.EXPIRED, now, order.price, order.size, 0, r.NO_BOOK)

    # -- commands -------------------------------------------------------------------------------
    def command(self, x: dict, now: int) -> None:
        flags = x["flags"] & r.REDUCE_ONLY
        side, k = x["side"], x["instrument"]
        new = Order(
            x["order"], side, x["size"], x["price"], x["trigger"], x["type"], x["tif"], flags, k
        )
        if x["kind"] == c.PLACE:
            self.place(new, now)
        elif x["kind"] == c.AMEND:
            self.amend(new, now)
        elif x["kind"] == c.CANCEL_ALL:
            for order in list(self.orders):
                if k in (order.k, e.NO_INSTRUMENT):
                    self.cancel(order, now)
        else:
            order = self.find(new.order)
            if order:
                self.cancel(order, now)
            else:
                self.refuse(new, r.CANCEL_REJECTED, r.UNKNOWN_ORDER, now)

    def find(self, number: int) -> Order | None:
        return next((o for o in self.orders if o.order == number), None)

    def refuse(self, order: Order, kind: int, reason: int, now: int) -> None:
        self.report(order, kind, now, order.price, order.size, 0, reason)

    def cancel(self, order: Order, now: int) -> None:
        self.orders.remove(order)
        self.report(order, r.CANCELED, now, order.price, order.leaves, 0)

    def refusal(self, order: Order) -> int:
        lane = self.lanes[order.k]
        if order.type not in WAITING and not lane.book.valid:
            return r.NO_BOOK
        if self.reducible(order) == 0:
            return r.REDUCE_ONLY_EMPTY
        if self.broke and not order.flags & r.REDUCE_ONLY:
            return r.NO_MARGIN
        if order.tif == c.POST_ONLY:
            if (order.price - lane.book.top[-order.side][0]) * order.side >= 0:
                return r.WOULD_CROSS
            own = [o for o in self.mine(order.k) if o.side == -order.side]
            if any((order.price - o.price) * order.side >= 0 for o in own):
                return r.SELF_TRADE
        return 0

    def place(self, order: Order, now: int) -> None:
        stop, limit = order.type in WAITING, order.type == c.LIMIT
        stays = stop or (limit and order.tif in (c.GTC, c.POST_ONLY))
        if (
            order.k >= len(self.lanes)
            or order.size <= 0
            or order.side not in (1, -1)
            or order.tif not in (c.GTC, c.IOC, c.FOK, c.POST_ONLY)
            or order.type not in (c.LIMIT, c.MARKET, *WAITING)
            or (limit and order.price == e.NO_PRICE)
            or (order.tif == c.POST_ONLY and not limit)
            or (stop and order.trigger == e.NO_PRICE)
            or self.find(order.order)
        ):
            reason = r.BAD_FIELD
        elif stays and len(self.orders) >= self.capacity:
            reason = r.TOO_MANY_ORDERS
        else:
            reason = self.refusal(order)
        if reason:
            self.refuse(order, r.REJECTED, reason, now)
            return
        self.report(order, r.ACK, now, order.price, order.size, order.size)
        self.settle_in(order, now)

    def settle_in(self, order: Order, now: int) -> None:
        if order.type in WAITING:
            last = self.lanes[order.k].last
            order.state = "stopped"
            if last is not None and (last - order.trigger) * order.heading >= 0:
                self.report(order, r.TRIGGERED, now, order.trigger, order.size, order.size)
                self.take_stop(order, now)
            else:
                self.orders.append(order)
        elif self.trade(order, now):
            self.join(order)

    def amend(self, new: Order, now: int) -> None:
        order = self.find(new.order)
        if order is None:
            self.refuse(new, r.AMEND_REJECTED, r.UNKNOWN_ORDER, now)
            return
        stop = order.type in WAITING
        if new.size <= 0 or (new.trigger if stop else new.price) == e.NO_PRICE:
            self.refuse(new, r.AMEND_REJECTED, r.BAD_FIELD, now)
        elif new.size <= order.filled:
            self.cancel(order, now)
        elif not stop and new.price == order.price and new.size <= order.size:
            order.size = new.size
            self.report(order, r.AMENDED, now, order.price, order.size, order.leaves)
        else:
            price = order.price if stop else new.price
            trigger = new.trigger if stop else order.trigger
            moved = replace(order, size=new.size, price=price, trigger=trigger, bound=None)
            reason = 0 if stop else self.refusal(moved)
            if reason:
                self.refuse(moved, r.AMEND_REJECTED, reason, now)
                return
            self.orders.remove(order)
            self.report(moved, r.AMENDED, now, price, moved.size, moved.leaves)
            self.settle_in(moved, now)
