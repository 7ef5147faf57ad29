"""Paper equals backtest for every strategy of the table, each of which sends something.

A market that comes in pieces, handed out as it arrives, and one event at a time, leads to the
COMMANDs of the compiled loop over the whole of it (R9.1, R >= F); so does what paper recorded of a
market that came over a real socket. The three are asked with their gates.
"""

import asyncio
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aggressor.engine.ports import Numbered
from aggressor.run.accounts.paper import JOURNAL, PaperPlan, paper
from aggressor.run.accounts.parity import assembly_of, parity
from aggressor.run.accounts.trading import Trading
from aggressor.run.assemble import Assembly, assemble
from aggressor.run.backtests.backtest import play
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema.command import Commands
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.sim.exchange import SimExchange
from aggressor.store.journal_reader import JournalReader
from aggressor.store.reader import Store
from aggressor.store.replay import Lasting, Replay, replay_of
from aggressor.strategies.gates import Mode
from aggressor.strategies.table import STRATEGIES
from aggressor.venues.dialects import dialect_named
from tests.run.paper_stage import FREE
from tests.run.traded_markets import (
    BTC,
    ETH,
    MARKET_S,
    VENUE,
    feed_of,
    market_of,
    settings_of,
    warp,
)
from tests.run.venue_stage import KEY, MONEY

SIZES = (1, 977, 40, 2_000)
NAMES = tuple(STRATEGIES)
BOTH = [BTC, ETH]
WARP = 8  # the market's minutes to ours
SETTLE_NS = 200_000_000  # of the last commands a backtest may know more: it saw the next event


class Pieces:
    """A live feed: what has arrived since the last poll, which may be nothing."""

    def __init__(self, feed: Replay, sizes: tuple[int, ...]) -> None:
        self._feed = feed
        self._sizes = sizes
        self._polls = 0

    def poll(self, limit: int) -> Events:
        self._polls += 1
        return self._feed.poll(min(limit, self._sizes[self._polls % len(self._sizes)]) or 1)


def assembled(strategy: str, one: Instrument) -> Assembly:
    return assemble([one], settings_of(strategy), Mode.PAPER)


@cache
def whole(strategy: str, symbol: str) -> Commands:
    one = BTC if symbol == BTC.symbol else ETH
    assembly = assembled(strategy, one)
    play(assembly, replay_of([market_of(symbol)]), [one])
    return assembly.engine.journal.commands


@pytest.mark.parametrize("one", BOTH, ids=lambda one: one.symbol)
@pytest.mark.parametrize("strategy", NAMES)
@pytest.mark.parametrize("sizes", [SIZES, (1,)], ids=["pieces", "one by one"])
def test_pieces_lead_to_the_same_commands(
    strategy: str, one: Instrument, sizes: tuple[int, ...]
) -> None:
    assembly = assembled(strategy, one)
    exchange = SimExchange(
        Pieces(replay_of([market_of(one.symbol)]), sizes),
        [one],
        latency=assembly.latency,
        queue=assembly.queue,
        costs=assembly.costs,
        live=True,
        chunk=4096,
    )
    assembly.engine.rouse()
    trading = Trading(assembly.engine, exchange)
    idle = 0
    while idle < 3:
        idle = 0 if trading.turn() else idle + 1
    commands = assembly.engine.journal.commands
    expected = whole(strategy, one.symbol)
    sure = int((expected["ts_send"] < trading.last_ns).sum())
    assert sure > 1
    assert commands[:sure].tobytes() == expected[:sure].tobytes()
    assert commands.size <= expected.size


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the store of a paper run of all three on both markets, over a socket, and its end."""
    store = tmp_path_factory.mktemp("socket")
    with pytest.MonkeyPatch.context() as patch:
        warp(patch, WARP)
        yield store, asyncio.run(_papered(store))


async def _papered(store: Path) -> dict[str, Any]:
    server = VenueServer(
        dialect_named(VENUE),
        BOTH,
        [feed_of(one) for one in BOTH],
        credentials=KEY,
        deposit=MONEY,
        lead_s=5.0,
    )
    await server.start()
    try:
        names = [one.id for one in BOTH]
        at, seconds = server.document["rest"], MARKET_S / WARP
        plan = PaperPlan(names, settings_of(*NAMES), FREE, store, seconds, at)
        return await paper(plan, show=lambda _: None, notice=lambda _: None)
    finally:
        await server.stop()


def sent_over_the_socket(store: Path) -> Commands:
    reader = JournalReader(store / JOURNAL)
    commands = reader.commands(1)
    reader.close()
    return commands


def test_each_strategy_sent_something_over_the_socket(ran: Any) -> None:
    store, result = ran
    commands = sent_over_the_socket(store)
    by = Counter(zip(commands["strategy"].tolist(), commands["instrument"].tolist(), strict=True))
    made = assemble([BTC], settings_of(*NAMES), Mode.PAPER).strategies
    codes = {one.code for one in made if isinstance(one, Numbered)}
    assert len(codes) == len(NAMES)
    assert {(code, lane) for code in codes for lane in (0, 1)} <= set(by), (by, result["refused"])


@pytest.mark.parametrize("limit", [1, 65_536])
def test_the_recording_of_the_socket_replays(ran: Any, limit: int) -> None:
    store, result = ran
    found = parity(store, limit=limit)
    assert found["first_difference"] is None
    assert found["same"]
    assert found["complete"]
    assert found["commands"] == sent_over_the_socket(store).size
    assert found["events"] == result["events"]


def test_the_compiled_loop_sends_the_same_on_the_recording(ran: Any) -> None:
    store, _ = ran
    sent = sent_over_the_socket(store)
    reader = JournalReader(store / JOURNAL)
    (run,) = reader.runs()
    (stop,) = reader.acts(run.run)
    assembly = assembly_of(run, reader)
    reader.close()
    assert run.first_ns is not None
    assert run.last_ns is not None
    instruments = list(assembly.engine.instruments)
    feed = Store(store).replay([one.id for one in instruments], run.first_ns, 2**63 - 1)
    play(assembly, Lasting(feed, run.last_ns), instruments)
    sure = int((sent["ts_send"] < stop.ts_ns - SETTLE_NS).sum())
    assert sure > 0
    assert assembly.engine.journal.commands[:sure].tobytes() == sent[:sure].tobytes()
