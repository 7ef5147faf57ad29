"""Paper equals backtest for every strategy of the table: a market that comes in pieces, handed out
as it arrives, leads to the COMMANDs of the compiled loop over the whole of it (R9.1, R >= F)."""

from functools import cache

import pytest

from aggressor.run.accounts.trading import Trading
from aggressor.run.assemble import Assembly, Settings, assemble
from aggressor.run.backtests.backtest import play
from aggressor.schema.command import Commands
from aggressor.schema.event import Events
from aggressor.sim.exchange import SimExchange
from aggressor.sim.synthetic.presets import demo_instrument
from aggressor.store.replay import Replay, replay_of
from aggressor.strategies.gates import Mode
from aggressor.strategies.table import STRATEGIES
from tests.properties.tapes import TRADED, market

MINUTES = 14.0
SIZES = (1, 977, 40, 2_000)


class Pieces:
    """A live feed: what has arrived since the last poll, which may be nothing."""

    def __init__(self, feed: Replay, sizes: tuple[int, ...]) -> None:
        self._feed = feed
        self._sizes = sizes
        self._polls = 0

    def poll(self, limit: int) -> Events:
        self._polls += 1
        return self._feed.poll(min(limit, self._sizes[self._polls % len(self._sizes)]) or 1)


def assembled(strategy: str) -> Assembly:
    # the rules of the demo: without them the dense scenarios of a made market admit no trade
    rule = {"trade_in_watch": True} if strategy == "exhaustion_scalp" else {}
    settings = Settings(
        strategy=strategy, profile="micro", maker_bp=0.5, taker_bp=2.0, equity=100_000.0, rule=rule
    )
    return assemble([demo_instrument()], settings, Mode.PAPER)


@cache
def whole(strategy: str) -> Commands:
    assembly = assembled(strategy)
    play(assembly, replay_of([market(TRADED, MINUTES)]), [demo_instrument()])
    return assembly.engine.journal.commands


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_pieces_lead_to_the_same_commands(strategy: str) -> None:
    assembly = assembled(strategy)
    exchange = SimExchange(
        Pieces(replay_of([market(TRADED, MINUTES)]), SIZES),
        [demo_instrument()],
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
    expected = whole(strategy)
    sure = int((expected["ts_send"] < trading.last_ns).sum())
    assert commands[:sure].tobytes() == expected[:sure].tobytes()
    assert commands.size <= expected.size


def test_there_was_something_to_compare() -> None:
    assert whole("exhaustion_scalp").size > 4
