"""Split (invariant a of ARCHITECTURE): the result never depends on where batches were cut, nor on
who holds the cursors: `SimExchange.poll` with `Engine.step` equals `SimExchange.drive`, bit for
bit.
"""

import numpy as np
import pytest

from aggressor.engine.engine import Engine
from aggressor.schema.command import AMEND, CANCEL, PLACE
from aggressor.schema.report import ACK, CANCELED, FILL, MAKER, TRIGGERED
from aggressor.sim.latency import Latency
from tests.engine.course import LATENCY, MS, Outcome, driven, engine_of, kinds, outcome, stepped
from tests.engine.trader import Trader
from tests.properties.tapes import SEEDS, instruments, market, within

LIMITS = (1, 7, 1000, 10**6)
LATENCIES = {
    "none": Latency(feed_ns=0, order_ns=0, response_ns=0),
    "usual": LATENCY,
    "slow answer": Latency(feed_ns=1 * MS, order_ns=1 * MS, response_ns=350 * MS),
    "slow order": Latency(feed_ns=80 * MS, order_ns=400 * MS, response_ns=0),
    "recorded": Latency(order_ns=20 * MS, response_ns=20 * MS, recorded=True),
}


def trading(seed: int, lanes: int = 1) -> Engine:
    return engine_of(instruments(lanes), [Trader(seed, k) for k in range(lanes)])


def by_drive(seed: int, latency: Latency = LATENCY, chunk: int = 8192) -> tuple[Engine, Outcome]:
    engine = trading(seed)
    return engine, outcome(engine, driven(engine, [market(seed)], latency, chunk))


@pytest.mark.parametrize("seed", SEEDS)
def test_poll_and_step_equal_drive(seed: int) -> None:
    _, whole = by_drive(seed)
    for limit in LIMITS:
        engine = trading(seed)
        assert outcome(engine, stepped(engine, [market(seed)], limit)) == whole


@pytest.mark.parametrize("name", list(LATENCIES))
def test_with_any_latency(name: str) -> None:
    latency = LATENCIES[name]
    engine, whole = by_drive(1, latency)
    assert engine.journal.fills > 10
    for limit in (7, 10**6):
        engine = trading(1)
        assert outcome(engine, stepped(engine, [market(1)], limit, latency)) == whole


@pytest.mark.parametrize("chunk", [1, 37, 10**6])
def test_however_the_feed_hands_it_out(chunk: int) -> None:
    _, whole = by_drive(2)
    events = market(2) if chunk > 1 else within(market(2), 60.0)
    engine = trading(2)
    result = outcome(engine, driven(engine, [events], LATENCY, chunk))
    if chunk == 1:
        engine = trading(2)
        whole = outcome(engine, driven(engine, [events]))
    assert result == whole
    engine = trading(2)
    assert outcome(engine, stepped(engine, [events], 1000, LATENCY, chunk)) == whole


def test_with_two_instruments() -> None:
    tapes = [market(1), market(2)]
    engine = trading(5, 2)
    whole = outcome(engine, driven(engine, tapes))
    traded = np.unique(engine.journal.reports["instrument"][engine.journal.reports["kind"] == FILL])
    assert traded.tolist() == [0, 1]
    for limit in (7, 1000):
        engine = trading(5, 2)
        assert outcome(engine, stepped(engine, tapes, limit)) == whole


def test_a_second_run_is_the_same() -> None:
    assert by_drive(3)[1] == by_drive(3)[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_there_was_something_to_see(seed: int) -> None:
    engine, _ = by_drive(seed)
    commands, reports = kinds(engine.journal.commands), kinds(engine.journal.reports)
    assert min(commands[PLACE], reports[ACK]) > 50
    assert min(commands[CANCEL], reports[CANCELED], reports[FILL]) > 20
    assert min(commands[AMEND], reports[TRIGGERED]) > 0
    fills = engine.journal.reports[engine.journal.reports["kind"] == FILL]
    assert 0 < (fills["flags"] & MAKER != 0).sum() < fills.size
    assert engine.journal.signal_count > 20
    assert engine.desk.refused_total > 0
