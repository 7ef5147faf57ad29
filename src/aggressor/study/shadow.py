"""Shadow orders: what would have become of one lot at the own best, again and again (R8.5).

At every `every_ns` a post-only order of one lot joins the own best and is left there, never moved,
until it fills or `watched_ns` are over. They stand at one simulated venue together: one lot each,
they take nothing from each other that would matter, and each has its own place in the queue. The
features are those known at the decision; the clock starts with the venue's acceptance.

Rejected ones (the market came to meet them on the way) are left out: a policy learns of that by a
report and asks again.
"""

from typing import Any, NamedTuple

import numpy as np

from aggressor.execution.fill_chance import features
from aggressor.schema.command import CANCEL, LIMIT, PLACE, POST_ONLY, empty_commands
from aggressor.schema.event import NO_PRICE
from aggressor.schema.report import ACK, FILL, REJECTED
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import Latency
from aggressor.sim.queue import Queue
from aggressor.study.alone import SliceFeed, Tape, TopMarket
from aggressor.study.fill_model import Waits

EVERY_NS = 500_000_000
WATCHED_NS = 30_000_000_000
MARKOUT_NS = 5_000_000_000
DRIFT_NS = 10_000_000_000  # of those not filled by then: the horizon of one wait
LEAD_NS = 10_000_000_000  # of tape before the first


class _Shadow(NamedTuple):
    sent_ns: int
    price: int
    x: tuple[float, ...]


class Fate(NamedTuple):
    """What became of one shadow order. Times ns, None: it did not happen."""

    sent_ns: int
    price: int
    acked_ns: int | None  # None: rejected
    filled_ns: int | None


def shadow_orders(
    tape: Tape,
    side: int,
    *,
    latency: Latency,
    queue: Queue,
    every_ns: int = EVERY_NS,
    watched_ns: int = WATCHED_NS,
) -> Waits:
    """Return what became of shadow orders of one side over a tape, with their features."""
    return _followed(tape, side, latency, queue, every_ns, watched_ns).waits()


def shadow_fates(
    tape: Tape,
    side: int,
    *,
    latency: Latency,
    queue: Queue,
    every_ns: int = EVERY_NS,
    watched_ns: int = WATCHED_NS,
) -> list[Fate]:
    """Return what became of shadow orders of one side over a tape, in order of time."""
    return _followed(tape, side, latency, queue, every_ns, watched_ns).fates()


def _followed(
    tape: Tape, side: int, latency: Latency, queue: Queue, every_ns: int, watched_ns: int
) -> "_Shadows":
    """Let shadow orders of one side stand on a tape, one every `every_ns`."""
    exchange = SimExchange(
        SliceFeed(tape.events),
        [tape.instrument],
        latency=latency,
        queue=queue,
        costs=Costs(),
        orders=int(watched_ns // every_ns) + 64,
    )
    found = _Shadows(tape, side, every_ns, watched_ns)
    times = tape.events["ts_recv"]
    cursor = 0
    while True:
        events, reports = exchange.poll(1 << 20)
        if not events.size and not reports.size:
            break
        last = cursor + events.size
        found.hear(reports)
        nth = int(np.searchsorted(tape.timers, cursor))
        cursor_next = last
        while nth < tape.timers.size and int(tape.timers[nth]) < last:
            row = int(tape.timers[nth])
            commands = found.decide(int(times[row]))
            nth += 1
            if commands.size:
                exchange.unread(last - row - 1)
                exchange.take(commands)
                cursor_next = row + 1
                break
        cursor = cursor_next
    return found


class _Shadows:
    """The orders of one side, and what was heard of them."""

    def __init__(self, tape: Tape, side: int, every_ns: int, watched_ns: int) -> None:
        self._tape, self._side = tape, side
        self._every_ns, self._watched_ns = every_ns, watched_ns
        self._market = TopMarket(tape.tops)
        self._sent: dict[int, _Shadow] = {}
        self._acked: dict[int, int] = {}
        self._filled: dict[int, int] = {}
        self._rejected: set[int] = set()
        self._next_ns = tape.span_ns[0] + LEAD_NS
        self._due: list[tuple[int, int]] = []  # (when, order) to cancel, in order of time
        self._cancelled = 0

    def decide(self, now_ns: int) -> Any:
        rows = []
        while self._cancelled < len(self._due) and self._due[self._cancelled][0] <= now_ns:
            order = self._due[self._cancelled][1]
            self._cancelled += 1
            if order not in self._filled and order not in self._rejected:
                rows.append(self._row(now_ns, CANCEL, order, NO_PRICE))
        if now_ns >= self._next_ns:
            self._market.move(now_ns, timer=True)
            self._next_ns = now_ns + self._every_ns
            if self._market.valid:
                rows.append(self._place(now_ns))
        commands = empty_commands(len(rows))
        for i, row in enumerate(rows):
            commands[i] = row
        return commands

    def _place(self, now_ns: int) -> Any:
        market, side = self._market, self._side
        own, other = market.bid_lots, market.ask_lots
        if side < 0:
            own, other = other, own
        price = market.bid if side > 0 else market.ask
        rate = market.taker_rates[1 if side > 0 else 0]
        x = features(own, market.mean_print, own, other, market.ask - market.bid, rate)
        order = len(self._sent) + 1
        self._sent[order] = _Shadow(now_ns, price, x)
        self._due.append((now_ns + self._watched_ns, order))
        return self._row(now_ns, PLACE, order, price)

    def _row(self, now_ns: int, kind: int, order: int, price: int) -> Any:
        row = empty_commands(1)[0]
        row["ts_send"], row["kind"], row["order"], row["side"] = now_ns, kind, order, self._side
        row["price"], row["trigger"], row["size"] = price, NO_PRICE, 1
        row["type"], row["tif"] = LIMIT, POST_ONLY
        return row

    def hear(self, reports: Any) -> None:
        for row in reports:
            order, kind, at = int(row["order"]), int(row["kind"]), int(row["ts_recv"])
            if kind == ACK:
                self._acked[order] = at
            elif kind == FILL:
                self._filled[order] = at
            elif kind == REJECTED:
                self._rejected.add(order)

    def fates(self) -> list[Fate]:
        """Return every order that was sent."""
        return [
            Fate(sent.sent_ns, sent.price, self._acked.get(order), self._filled.get(order))
            for order, sent in self._sent.items()
        ]

    def waits(self) -> Waits:
        """Return what became of those the venue accepted, in order of time."""
        end_ns = self._tape.span_ns[1]
        rows = [o for o in self._sent if o in self._acked and o not in self._rejected]
        x, seconds, filled, adverse, drift = [], [], [], [], []
        for order in rows:
            acked = self._acked[order]
            until = min(self._sent[order].sent_ns + self._watched_ns, end_ns)
            done = self._filled.get(order)
            x.append(self._sent[order].x)
            seconds.append(max(0, (done if done is not None else until) - acked) / 1e9)
            filled.append(done is not None)
            adverse.append(self._moved(done, MARKOUT_NS) if done is not None else np.nan)
            late = done is None or done - acked > DRIFT_NS
            drift.append(self._moved(acked, DRIFT_NS, -1) if late else np.nan)
        return Waits(
            np.array(x, np.float64).reshape(len(rows), -1),
            np.array(seconds, np.float64),
            np.array(filled, np.bool_),
            np.array(adverse, np.float64),
            np.array(drift, np.float64),
        )

    def _moved(self, start_ns: int, later_ns: int, sign: int = 1) -> float:
        """Return how far the mid went against a holder of this side (-1: away from a buyer)."""
        before, after = self._tape.tops.mid2(start_ns), self._tape.tops.mid2(start_ns + later_ns)
        if before is None or after is None:
            return float("nan")
        return -sign * self._side * (after - before) / before * 1e4


def join_waits(parts: list[Waits]) -> Waits:
    """Return several as one."""
    return Waits(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
