"""Flows by price against the ledger's own sums, over markets with losses and snapshots."""

from typing import Any

import numpy as np
import pytest

from aggressor.detectors.outbox import drain
from aggressor.engine.flows import FLOW_NAMES, FlowReader
from aggressor.engine.parts import Pipeline
from aggressor.engine.pipeline import NEEDS_ROOM, advance, make_room, new_pipeline
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.market.book import lots_at
from aggressor.run.studies.studying import drain_bars
from aggressor.schema.event import ASK, BID, CLEAR, TIMER, Events
from aggressor.sim.synthetic.presets import demo_instrument
from aggressor.store.replay import replay_of
from tests.made import made

TRADED = FLOW_NAMES.index("traded")


class Dense:
    """What a reader said, put together by price."""

    def __init__(self, low: int, high: int) -> None:
        self.reader = FlowReader(0)
        self.low, self.high = low, high
        self.lots = np.zeros(high - low + 1)
        self.flows = np.zeros((2, 4, high - low + 1), np.int64)

    def look(self, pipe: Pipeline, *, whole: bool = False) -> None:
        self.reader.look(pipe, self.low, self.high, whole=whole)
        if whole:
            self.lots[:] = 0
        self.lots[self.reader.prices - self.low] = self.reader.lots
        self.flows[:] = 0
        rows = self.reader.flows
        for row in rows:
            for n, name in enumerate(FLOW_NAMES):
                self.flows[int(row["side"] < 0), n, int(row["price"]) - self.low] += int(row[name])


def looks(events: Events, minutes: float) -> Any:
    """Yield (pipeline, row) behind every TIMER of a market."""
    one = demo_instrument()
    pipe = new_pipeline([one], [BarSeries(0, bar_spec("1m", one))], profile="micro")
    feed = replay_of([events])
    until = int(events[0]["ts_recv"]) + int(minutes * 60e9)
    while (rows := feed.poll(1 << 16)).size:
        cuts = [*(np.flatnonzero(rows["kind"] == TIMER) + 1).tolist(), rows.size]
        at = 0
        for cut in cuts:
            while at < cut:
                at, reason = advance(rows, at, cut, pipe)
                drain_bars(pipe)
                drain(pipe.outbox)
                if reason == NEEDS_ROOM:
                    pipe = make_room(pipe, rows[at])
            if rows[cut - 1]["kind"] == TIMER:
                yield pipe, rows[cut - 1]
                if rows[cut - 1]["ts_recv"] > until:
                    return


def sums(pipe: Pipeline) -> np.ndarray[Any, Any]:
    """Return the ledger's totals of both sides, traded with what waits."""
    ledger, levels = pipe.market.ledger, pipe.market.book.levels
    found = np.zeros((2, 4), np.int64)
    for s, side in enumerate((BID, ASK)):
        for what, name in enumerate(FLOW_NAMES):
            found[s, what] = ledger.sides[s][name]
        here = (levels["place"] != 0) & (levels["side"] == side) & (ledger.slots["open"] != 0)
        found[s, TRADED] += ledger.slots["pend"][here].sum()
        found[s, TRADED] += ledger.sides[s]["unresolved"]
    return found


@pytest.fixture(scope="module")
def tape() -> Events:
    return made().events


def test_flows_sum_to_the_ledger_to_the_lot(tape: Events):
    reader = Dense(1, 40_000)
    total = np.zeros((2, 4), np.int64)
    start: Any = None
    count = 0
    for pipe, _ in looks(tape, 4):
        reader.look(pipe)
        if start is None:
            start = sums(pipe)
            continue
        total += reader.flows.sum(axis=2)
        count += 1
        np.testing.assert_array_equal(total, sums(pipe) - start)
    assert count > 1000
    assert (total.sum(axis=0) > 0).all(), "a market in which everything happens"


def test_lots_put_together_are_those_of_the_book(tape: Events):
    checked = 0
    reader: Dense | None = None
    for n, (pipe, _) in enumerate(looks(tape, 1)):
        book = pipe.market.book
        if reader is None:
            middle = int(book.head[0]["bid"])
            reader = Dense(middle - 60, middle + 60)
        reader.look(pipe, whole=n % 17 == 0)
        if n % 25:
            continue
        for price in range(reader.low, reader.high + 1):
            wanted = int(lots_at(book, 0, BID, price)) - int(lots_at(book, 0, ASK, price))
            assert reader.lots[price - reader.low] == wanted
            checked += wanted != 0
    assert checked > 600


def test_a_range_shows_no_more_than_its_own_prices(tape: Events):
    whole, part = Dense(1, 40_000), FlowReader(0)
    for n, (pipe, _) in enumerate(looks(tape, 1)):
        whole.look(pipe)
        middle = int(pipe.market.book.head[0]["bid"])
        low, high = middle - 5, middle + 5
        part.look(pipe, low, high, whole=True)
        held = whole.lots[low - 1 : high]
        assert part.prices.tolist() == (np.flatnonzero(held) + low).tolist()
        assert part.lots.tolist() == held[held != 0].tolist()
        if n:
            flows = whole.flows[:, :, low - 1 : high]
            for m, name in enumerate(FLOW_NAMES):
                assert part.flows[name].sum() == flows[:, m].sum()


def test_a_look_names_only_what_changed(tape: Events):
    reader = FlowReader(0)
    held: dict[int, float] = {}
    named, n = 0, 0
    for n, (pipe, _) in enumerate(looks(tape, 1)):
        reader.look(pipe, 11_000, 13_000)
        said = dict(zip(reader.prices.tolist(), reader.lots.tolist(), strict=True))
        if n:
            assert all(held.get(price, 0.0) != lots for price, lots in said.items())
            named += len(said)
        held |= said
    assert 0 < named < 20 * n


def test_a_cleared_book_leaves_nothing_behind(tape: Events):
    first = tape[: tape.size // 4]
    again = tape[: tape.size // 8].copy()
    later = first["ts_recv"][-1] - again["ts_recv"][0] + 1
    again["ts_recv"] += later
    again["ts_venue"] += later
    assert again[0]["kind"] == CLEAR
    reader = Dense(1, 40_000)
    after = 0
    for pipe, _ in looks(np.concatenate([first, again]), 60):
        reader.look(pipe)
        if int(pipe.market.book.head[0]["clears"]) < 2:
            continue
        standing = np.flatnonzero(reader.lots) + 1
        side = np.sign(reader.lots[standing - 1]).astype(int)
        book = pipe.market.book
        assert [lots_at(book, 0, s, p) for s, p in zip(side, standing, strict=True)] == np.abs(
            reader.lots[standing - 1]
        ).tolist()
        assert standing.size == int(book.head[0]["bid_levels"] + book.head[0]["ask_levels"])
        after += 1
    assert after > 50
