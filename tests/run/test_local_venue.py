"""Our own client against the local venue over real sockets: what it hears is the truth."""

import asyncio

import numpy as np
import pytest

from aggressor.market.align import SKIPPING
from aggressor.run.local.faults import FaultPlan
from aggressor.schema.event import FUNDING, GAP, INTEREST, MARK, QUOTE, TRADE
from aggressor.venues.dialects import DIALECTS
from tests.run.venue_stage import hearing, same_book, serving, until

KINDS = {  # what a venue tells us beside books and prints, where it is not everything
    "bingx": (MARK, FUNDING),
    "mexc": (MARK, FUNDING, INTEREST),  # its best quotes have no sizes
    "weex": (MARK, FUNDING, INTEREST),
}


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_line_hears_the_books_and_prints_of_the_venue(name: str) -> None:
    async def play() -> None:
        async with serving(name, speed=10.0) as server, hearing(server) as ear:
            await until(lambda: ear.line.live)
            await until(lambda: ear.line.decoder.counts["trades"] >= 20, 60.0)
            await same_book(server, ear)
            rows = ear.rows
            assert ear.line.counts.bad == 0, ear.line.counts.example
            assert ear.line.decoder.counts_of(server.dialect.example.symbol)["gaps"] == 0
            told = [
                (one.price, one.lots, one.side) for one in server.exchange.board.lanes[0].trades
            ]
            prints = rows[rows["kind"] == TRADE]
            heard = [(int(p), int(s), int(a)) for p, s, a in prints[["price", "size", "side"]]]
            many = len(heard)
            assert many >= 20
            assert any(heard == told[i : i + many] for i in range(len(told) - many + 1))
            for kind in KINDS.get(name, (QUOTE, MARK, FUNDING, INTEREST)):
                assert np.any(rows["kind"] == kind), kind

    asyncio.run(play())


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_books_come_right_after_everything_that_may_happen_to_them(name: str) -> None:
    share = 0.02 if DIALECTS[name].paced is None else 0.06  # books at intervals have fewer frames
    plan = FaultPlan(
        seed=5, gap=share, duplicate=share, reorder=share, disconnect=0.4, silent=0.2, silent_s=0.5
    )

    async def play() -> None:
        async with serving(name, speed=10.0, faults=plan) as server, hearing(server) as ear:
            await until(lambda: ear.line.live)
            await asyncio.sleep(5.0)
            counts = server.faults.counts
            await until(lambda: min(counts[x] for x in ("gap", "duplicate", "reorder")) >= 3, 60.0)
            await until(lambda: counts["disconnect"] >= 1, 60.0)
            if ear.line.venue.chain == SKIPPING:  # its ids do not tell that a change was lost
                for client in list(server.clients):
                    client.cut()
            await same_book(server, ear, 30.0)
            assert np.any(ear.rows["flags"] & GAP)
            assert ear.line.counts.bad == 0, ear.line.counts.example

    asyncio.run(play())
