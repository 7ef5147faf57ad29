"""The whole market layer: on a recording, without the JIT, and with strangers among the events."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aggressor.market.state import MarketState, advance, grow_market, market_state, run_market
from aggressor.schema.event import FUNDING, LAST, LEVEL, NO_INSTRUMENT, TIMER, TRADE, empty_events
from tests.market.looks import book_look, ledger_look, naive_ledger_look, naive_look
from tests.market.streams import events_of, random_events, recorded_events, snapshot
from tests.naive.ledger import NaiveLedger
from tests.recordings import recording


def digest(state: MarketState) -> str:
    """Return a hash of every byte of a market."""
    sha = hashlib.sha256()
    for part in state:
        for array in part:
            sha.update(array.tobytes())
    return sha.hexdigest()


def story() -> MarketState:
    events = random_events(11, 600)
    timers = empty_events(40)
    timers["kind"], timers["instrument"], timers["size"] = TIMER, NO_INSTRUMENT, 5_000_000
    timers["ts_recv"] = np.arange(40) * 5_000_000
    events = np.concatenate([events, timers])
    events = events[np.argsort(events["ts_recv"], kind="stable")]
    return advance(events, market_state(2, 64, 16, ring=8))


def test_the_same_bytes_without_the_jit() -> None:
    code = "from tests.market.test_state import digest, story; print(digest(story()))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest(story())


def test_unknown_kinds_and_instruments_change_nothing() -> None:
    state = advance(events_of(snapshot(0, {100: 5}, {101: 5})), market_state(1, 64, 64))
    before = digest(state)
    rows = [(1, LEVEL, 1, 100, 9, LAST), (1, TRADE, 1, 101, 9, LAST)]
    advance(events_of(rows, instrument=1), state)
    advance(events_of([(1, FUNDING, 0, 7, 9, LAST)]), state)
    assert digest(state) == before


def test_growing_what_is_not_exhausted_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="nothing is exhausted"):
        grow_market(market_state(1, 64, 64))


@pytest.mark.recording
def test_recording() -> None:
    events, checks = recorded_events(recording("binance-usdm/btcusdt_20240808.gz"))
    assert len(checks) > 400
    state = market_state(1)
    done = 0
    for row, bid, ask in checks:
        while (done := run_market(events, done, row, state)) < row:
            state = grow_market(state)
        head, slots = state.book.head[0], state.ledger.slots
        assert (head["bid"], head["ask"], head["valid"]) == (bid, ask, 1)
        kept = slots["start_lots"] + slots["added"] - slots["pulled"] - slots["traded"]
        assert (slots["lots"] == kept).all()
    state = advance(events[done:], state)
    assert state.book.head[0]["crossings"] == 0
    assert state.book.sides["far_levels"].min() > 0
    assert state.health.head[0]["faults"] == 0
    assert state.health.head[0]["bad_clocks"] == 0
    twin = NaiveLedger(50_000_000)
    for event in events[:60_000]:
        twin.on_event(event)
    state = advance(events[:60_000], market_state(1, 1024))
    assert ledger_look(state.book, state.ledger) == naive_ledger_look(twin)
    assert book_look(state.book) == naive_look(twin.book)
