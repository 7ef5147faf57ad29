"""Restarts and clocks that jump: what a client sees of them, and that it comes right again."""

import asyncio

import numpy as np
import pytest

from aggressor.run.local.faults import FaultPlan, Faults
from aggressor.schema.event import GAP
from aggressor.venues.dialects import DIALECTS
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Verdict
from aggressor.wire.rest import Rest
from tests.run.venue_stage import Trader, hearing, same_book, serving, trading, until

VENUES = sorted(DIALECTS)
WINDOW_NS = 15_000_000_000  # beyond what any of the venues takes


@pytest.mark.parametrize("name", VENUES)
def test_books_come_right_after_restarts_and_whatever_the_clock_says(name: str) -> None:
    plan = FaultPlan(seed=3, restart=0.6, restart_s=0.4, skew=3.0, skew_ms=400)

    async def play() -> None:
        async with serving(name, speed=5.0, faults=plan) as server, hearing(server) as ear:
            await until(lambda: ear.line.live)
            await until(lambda: server.faults.counts["restart"] >= 3, 60.0)
            assert server.faults.counts["skew"] >= 3
            opened, losses = server.opened, ear.line.counts.losses
            assert losses >= 1
            assert opened > len(server.clients)  # they came again
            await same_book(server, ear, 60.0)
            assert np.any(ear.rows["flags"] & GAP)
            assert ear.line.counts.bad == 0, ear.line.counts.example

    asyncio.run(play())


@pytest.mark.parametrize("name", VENUES)
def test_orders_outlive_a_restart_that_refuses_everything_meanwhile(name: str) -> None:
    async def play() -> None:
        async with serving(name) as server, trading(server) as trader:
            bid, _ = trader.best
            answer, line = await trader.place(price=bid - 500, size=200)
            assert answer.verdict is Verdict.ACCEPTED, answer
            server.faults = Faults(FaultPlan(restart=1000.0, restart_s=1.0))
            await until(lambda: server.faults.counts["restart"] > 0 and not server.clients)
            refused, _ = await trader.place(price=bid - 600, size=200)
            assert refused.verdict in (Verdict.UNKNOWN, Verdict.THROTTLED, Verdict.REFUSED)
            server.faults = Faults(FaultPlan())
            await asyncio.sleep(1.2)
            assert await trader.living() == {trader.side.client_id(int(line["order"]))}
            assert len(server.exchange.living) == 1
            await trader.listen()  # a new login hears what happens from now on
            assert (await trader.cancel(line)).verdict is Verdict.ACCEPTED
            await until(lambda: bool(trader.of(line)))

    asyncio.run(play())


async def venue_ms(trader: Trader) -> int:
    """Return the venue's time as it tells it."""
    venue = venue_named(trader.server.dialect.venue)
    assert venue.clock_request is not None
    request = venue.clock_request()
    path = request.url.split("/", 3)[3]
    async with Rest() as rest:
        answer = await rest.ask("GET", f"{trader.server.document['rest']}/{path}")
    assert venue.read_clock is not None
    return venue.read_clock(answer.body) // 1_000_000


@pytest.mark.parametrize("name", VENUES)
def test_a_clock_that_is_wrong_refuses_until_it_is_asked_for(name: str) -> None:
    async def play() -> None:
        async with serving(name) as server, trading(server) as trader:
            bid, _ = trader.best
            true_ms = server.house.now_ms
            server.faults = Faults(FaultPlan(seed=2, skew=1000.0, skew_ms=120_000))
            await until(lambda: abs(server.house.skew_ns) > WINDOW_NS)
            server.faults = Faults(FaultPlan())
            line = trader.order(price=bid - 500, size=200)
            call = trader.side.place(line, trader.instrument, trader.terms)
            answer, _ = await trader.ask(call, now_ms=true_ms)
            assert answer.verdict is Verdict.BAD_CLOCK, answer
            assert not server.exchange.living
            answer, _ = await trader.ask(call, now_ms=await venue_ms(trader))
            assert answer.verdict is Verdict.ACCEPTED, answer
            assert len(server.exchange.living) == 1

    asyncio.run(play())
