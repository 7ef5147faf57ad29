"""Random but plausible tapes and commands on a few prices and a few nanoseconds, so that everything
meets."""

from typing import Any

import numpy as np

from aggressor.schema import command as c
from aggressor.schema import event as e
from aggressor.schema.report import FILL, REDUCE_ONLY, REJECTED

START_NS = 29_000_000 * 60_000_000_000 - 60  # just before a funding stamp
LOW, HIGH = 95, 106


class Tape:
    """Builds one random tape."""

    def __init__(self, seed: int, lanes: int, messages: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows: list[tuple[int, ...]] = []
        self.now = START_NS
        self.mid = [100] * lanes
        for k in range(lanes):
            self.snapshot(k)
        for _ in range(messages):
            self.now += int(self.rng.choice([0, 1, 2, 5, 9, 40]))
            self.message(int(self.rng.integers(lanes)))

    def add(self, kind: int, k: int, price: int, size: int, side: int, flags: int) -> None:
        venue = self.now - int(self.rng.integers(0, 8)) if kind != e.TIMER else self.now
        self.rows.append((self.now, venue, size, price, kind, side, flags, k))

    def pick(self, k: int, side: int) -> int:
        return int(self.mid[k] - side * self.rng.integers(-1 if self.rng.random() < 0.1 else 1, 5))

    def snapshot(self, k: int) -> None:
        self.add(e.CLEAR, k, e.NO_PRICE, 0, 0, 0)
        for side in (1, -1):
            for d in range(1, 5):
                size = int(self.rng.integers(1, 30))
                self.add(e.LEVEL, k, self.mid[k] - side * d, size, side, e.SNAPSHOT)
        self.rows[-1] = (*self.rows[-1][:6], e.SNAPSHOT | e.LAST, k)

    def message(self, k: int) -> None:
        kind = self.rng.choice(
            ["depth", "trade", "quote", "both", "move", "gap", "timer", "money"],
            p=[0.34, 0.34, 0.08, 0.05, 0.08, 0.03, 0.04, 0.04],
        )
        getattr(self, str(kind))(k)

    def depth(self, k: int) -> None:
        stale = e.STALE if self.rng.random() < 0.02 else 0  # a message is stale as a whole
        for i in reversed(range(int(self.rng.integers(1, 4)))):
            side = int(self.rng.choice([1, -1]))
            size = int(self.rng.choice([0, *self.rng.integers(1, 30, 3)]))
            flags = (0 if i else e.LAST) | stale
            self.add(e.LEVEL, k, self.pick(k, side), size, side, flags)

    def trade(self, k: int) -> None:
        side = int(self.rng.choice([1, -1, 0], p=[0.48, 0.48, 0.04]))
        price = self.mid[k] + int(self.rng.integers(-2, 3))
        flags = e.LAST | int(
            self.rng.choice([0, e.BATCHED, e.RPI, e.NOT_FLOW], p=[0.5, 0.4, 0.05, 0.05])
        )
        self.add(e.TRADE, k, price, int(self.rng.integers(1, 25)), side, flags)

    def quote(self, k: int) -> None:
        lots = self.rng.integers(0, 30, 2)
        self.add(e.QUOTE, k, self.pick(k, 1), int(lots[0]), 1, 0)
        self.add(e.QUOTE, k, self.pick(k, -1), int(lots[1]), -1, e.LAST)

    def both(self, k: int) -> None:
        self.depth(k)
        self.quote(k)

    def move(self, k: int) -> None:
        step = int(self.rng.choice([-2, -1, 1, 2]))
        self.mid[k] = min(max(self.mid[k] + step, LOW), HIGH)
        for price in range(LOW - 6, HIGH + 7):
            side = 1 if price > self.mid[k] else -1  # what now stands on the wrong side goes
            self.add(e.LEVEL, k, price, 0, side, 0)
        for side in (1, -1):
            size = int(self.rng.integers(1, 30))
            self.add(e.LEVEL, k, self.mid[k] - side, size, side, 0 if side > 0 else e.LAST)

    def gap(self, k: int) -> None:
        self.add(e.CLEAR, k, e.NO_PRICE, 0, 0, e.GAP | e.LAST)
        self.now += int(self.rng.integers(0, 20))
        self.snapshot(k)

    def timer(self, k: int) -> None:
        self.add(e.TIMER, e.NO_INSTRUMENT, e.NO_PRICE, 10, 0, e.LAST)

    def money(self, k: int) -> None:
        minute = (START_NS + 60) // 60_000_000_000 + int(self.rng.integers(0, 2))
        self.add(e.MARK, k, self.mid[k], self.mid[k] * 100_000_000, 0, 0)
        self.add(e.FUNDING, k, minute, int(self.rng.integers(-10_000, 20_000)), 0, e.LAST)

    def events(self) -> Any:
        return np.array(self.rows, e.EVENT)


class Trader:
    """Decides at random, but always the same for the same seed and the same local course of
    things."""

    def __init__(self, seed: int, lanes: int, rate: float = 0.25) -> None:
        self.rng = np.random.default_rng(seed + 1)
        self.lanes, self.rate = lanes, rate
        self.number = 0
        self.mid = 100

    def decide(self, row: Any, line: Any) -> list[dict[str, int]]:
        if row is not None:
            if row["kind"] == e.TRADE:
                self.mid = int(row["price"])
            if self.rng.random() < self.rate:
                return [self.command(int(row["ts_recv"])) for _ in range(self.rng.integers(1, 3))]
        elif line["kind"] in (FILL, REJECTED) and self.rng.random() < 0.5:
            return [self.command(int(line["ts_recv"]))]
        return []

    def command(self, now: int) -> dict[str, int]:
        rng = self.rng
        side = int(rng.choice([1, -1]))
        kind = int(
            rng.choice([c.PLACE, c.AMEND, c.CANCEL, c.CANCEL_ALL], p=[0.7, 0.16, 0.12, 0.02])
        )
        kinds = [c.LIMIT, c.MARKET, c.STOP_MARKET, c.TAKE_PROFIT_MARKET]
        kind_of = int(rng.choice(kinds, p=[0.7, 0.1, 0.1, 0.1]))
        tif = int(rng.choice([c.GTC, c.IOC, c.FOK, c.POST_ONLY], p=[0.5, 0.12, 0.12, 0.26]))
        heading = -side if kind_of == c.TAKE_PROFIT_MARKET else side
        if kind_of != c.LIMIT and rng.random() < 0.9:
            tif = c.IOC
        self.number += kind == c.PLACE and rng.random() < 0.97
        order = self.number if kind == c.PLACE else int(max(self.number - rng.integers(0, 5), 0))
        return {
            "ts_send": now,
            "order": order,
            "parent": 0,
            "size": int(rng.integers(0 if rng.random() < 0.05 else 1, 40)),
            "price": self.mid - side * int(rng.integers(-2, 5))
            if rng.random() < 0.98
            else e.NO_PRICE,
            "trigger": self.mid + heading * int(rng.integers(-1, 4)),
            "kind": kind,
            "type": kind_of,
            "tif": tif,
            "side": side,
            "flags": REDUCE_ONLY if rng.random() < 0.2 else 0,
            "instrument": int(rng.integers(self.lanes)) if rng.random() < 0.98 else self.lanes,
            "strategy": 0,
        }


def as_commands(commands: list[dict[str, int]]) -> Any:
    out = c.empty_commands(len(commands))
    for line, command in zip(out, commands, strict=True):
        for name, value in command.items():
            line[name] = value
    return out
