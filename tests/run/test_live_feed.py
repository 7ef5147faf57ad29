"""TIMERs of a live market: where a replay has them, and taken when they are due."""

import asyncio
from typing import Any

import numpy as np
import pytest

from aggressor.run.lines import recorded_market
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.line import Wires
from aggressor.run.lines.live_feed import LiveFeed
from aggressor.run.lines.recorded_market import RecordedMarket
from aggressor.schema.event import EVENT, QUOTE, TIMER, Events
from aggressor.store.replay import TIMER_NS
from aggressor.wire.clock import Clock

MS = 1_000_000
GRID = 17 * TIMER_NS


class Set(Clock):
    """A clock that stands where it is set."""

    def __init__(self, ns: int) -> None:
        super().__init__()
        self.ns = ns

    def now(self) -> int:
        return self.ns


def quote(ts_ns: int) -> Events:
    row = np.zeros(1, EVENT)
    row["ts_recv"] = row["ts_venue"] = ts_ns
    row["kind"] = QUOTE
    return row


def test_the_next_timer_is_known_from_the_first_row_on() -> None:
    clock, backlog = Set(GRID + 3 * MS), Backlog()
    feed = LiveFeed(backlog, clock)
    assert (feed.poll(9).size, feed.due_ns) == (0, 0)
    backlog.put(quote(GRID + 2 * MS))
    feed.poll(9)
    assert feed.due_ns == GRID + TIMER_NS
    clock.ns = feed.due_ns
    assert feed.poll(9)["kind"].tolist() == [TIMER]
    assert feed.due_ns == GRID + 2 * TIMER_NS


@pytest.mark.parametrize(
    ("before_ns", "waited_s"),
    [(50 * MS, 0.02), (20 * MS, 0.02), (4 * MS, 0.004), (0, 0.0), (-7 * MS, 0.0)],
)
def test_rows_are_waited_for_until_the_next_timer_is_due(
    monkeypatch: pytest.MonkeyPatch, before_ns: int, waited_s: float
) -> None:
    waits: list[float] = []

    async def waiting(_: Any, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(recorded_market, "wait_within", waiting)

    async def play() -> None:
        clock, backlog = Set(GRID), Backlog()
        nobody: Any = None  # no request is made
        market = RecordedMarket([], Wires(nobody, clock, print), backlog, GRID)
        await market.rows()
        backlog.put(quote(GRID))
        market.feed.poll(9)
        clock.ns = GRID + TIMER_NS - before_ns
        await market.rows()

    asyncio.run(play())
    assert waits == [0.02, pytest.approx(waited_s)]
