"""Drives a SimExchange as the run loop does, one happening at a time, with batches cut anywhere."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from aggressor.schema.event import Events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import SimExchange
from tests.sim.streams import as_commands

FREE = Costs(maker_bp=Decimal(0), taker_bp=Decimal(0))


def instrument(number: int = 0) -> Instrument:
    return Instrument(
        venue="test",
        symbol=f"COIN{number}",
        kind=ContractKind.LINEAR,
        tick=Decimal(1),
        lot=Decimal(1),
    )


class ChunkFeed:
    def __init__(self, events: Events, chunk: int) -> None:
        self.events, self.chunk, self.at = events, chunk, 0

    def poll(self, limit: int) -> Events:
        stop = self.at + min(limit, self.chunk)
        batch = self.events[self.at : stop]
        self.at += batch.size
        return batch


def drive(
    exchange: SimExchange, decide: Callable[[Any, Any], list[Any]], limits: Any
) -> list[dict[str, int]]:
    """Return all reports in the order they were known; `limits` yields the poll sizes."""
    delivered: list[dict[str, int]] = []
    last = None
    while True:
        events, reports = exchange.poll(int(next(limits)))
        if events.size + reports.size == 0:
            return delivered
        i = j = 0
        while i < events.size or j < reports.size:
            event_next = j == reports.size or (
                i < events.size and events[i]["ts_recv"] <= reports[j]["ts_recv"]
            )
            if event_next:
                row, line = events[i], None
                i += 1
            else:
                row, line = None, reports[j]
                delivered.append({n: int(line[n]) for n in line.dtype.names if n != "reserved"})
                j += 1
            now = int((row if line is None else line)["ts_recv"])
            assert last is None or last <= now
            last = now
            commands = decide(row, line)
            if commands:
                if j == reports.size:
                    exchange.unread(events.size - i)
                    i = events.size
                exchange.take(as_commands(commands))


def sizes(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    while True:
        yield rng.choice([1, 2, 7, 1000])
