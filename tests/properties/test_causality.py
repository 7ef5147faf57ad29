"""Causality (invariant b of ARCHITECTURE): later events never change what was said before."""

from collections.abc import Callable

import numpy as np
import pytest

from aggressor.detectors.outbox import drain
from aggressor.engine.journal import Journal
from aggressor.schema.event import LEVEL, QUOTE, TRADE, Events
from tests.engine.course import driven, engine_of, stepped
from tests.engine.trader import Trader
from tests.properties.tapes import SEEDS, instruments, market

Change = Callable[[Events, int], Events]


def another_market(events: Events, seed: int) -> Events:
    """The same seconds of another market."""
    other = market(seed + 10)
    start = int(np.searchsorted(other["ts_recv"], int(events["ts_recv"][0]), side="left"))
    return other[start:]


def noise(events: Events, seed: int) -> Events:
    """The same times, other prices, sizes and sides."""
    random = np.random.default_rng(seed)
    other = events.copy()
    rows = np.isin(other["kind"], (TRADE, LEVEL, QUOTE))
    count = int(rows.sum())
    other["price"][rows] += random.integers(-40, 41, count).astype(np.int32)
    other["size"][rows] = random.integers(0, 500, count)
    other["side"][rows] = random.choice([1, -1], count)
    return other


def nothing_more(events: Events, seed: int) -> Events:
    """One last event, and the tape is over."""
    return events[:1]


def run(events: Events, seed: int, step: bool) -> Journal:
    engine = engine_of(instruments(), [Trader(seed)])
    stepped(engine, [events], 1000) if step else driven(engine, [events])
    engine.journal.note_signals(drain(engine.pipeline.outbox))  # what waited for a decision
    return engine.journal


@pytest.mark.parametrize("change", [another_market, noise, nothing_more])
@pytest.mark.parametrize("seed", SEEDS)
def test_later_events_change_nothing_earlier(seed: int, change: Change) -> None:
    events = market(seed)
    whole = run(events, seed, step=False)
    random = np.random.default_rng(seed)
    for share in random.uniform(0.3, 0.95, 2):
        cut_ns = int(events["ts_recv"][int(share * events.size)])
        keep = int(np.searchsorted(events["ts_recv"], cut_ns, side="right"))
        other = np.concatenate((events[:keep], change(events[keep:], seed)))
        assert (np.diff(other["ts_recv"]) >= 0).all()
        for step in (False, True) if seed == 1 else (False,):
            found = run(other, seed, step)
            for rows, name in (
                ("commands", "ts_send"),
                ("signals", "ts_known"),
                ("reports", "ts_recv"),
            ):
                mine, theirs = getattr(found, rows), getattr(whole, rows)
                before = theirs[theirs[name] <= cut_ns]
                assert mine[mine[name] <= cut_ns].tobytes() == before.tobytes(), (rows, share)
        assert (whole.commands["ts_send"] <= cut_ns).sum() > 20
