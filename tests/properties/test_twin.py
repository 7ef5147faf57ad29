"""Twin and books (invariant e, g of ARCHITECTURE): what a View said is what the events say, and
money adds up.

A watcher notes what it sees at decision points of a trading engine; a few lines of plain Python
then read the same from the events up to that point.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from aggressor.account.books import Heading
from aggressor.engine.engine import Engine
from aggressor.engine.view import View
from aggressor.execution.intent import Intent
from aggressor.features.parameters import MICRO
from aggressor.features.wall_records import WALL_PROFILES
from aggressor.schema.event import NOT_FLOW, TIMER, TRADE, Events
from aggressor.schema.instrument import ContractKind, Instrument, money_round
from aggressor.schema.report import ACK, FILL
from aggressor.store.replay import replay_of
from tests.engine.course import DEPOSIT, driven, engine_of
from tests.engine.trader import Trader
from tests.naive import walls as naive_walls
from tests.naive.book import NaiveBook
from tests.properties.tapes import SEEDS, instruments, market

W_NS = 10_000_000_000  # the delta window of the micro profile
MINUTE_NS = 60_000_000_000


class Seen(NamedTuple):
    """What a View said when so many events had been used."""

    events: int
    now_ns: int
    top: tuple[bool, int, int, int, int]
    delta: int
    taker: tuple[int, int]
    minute: int | None
    last: int | None
    walls: tuple[tuple[int, int, int], ...]
    looked_ns: int  # when walls were last looked for


class Watching(Trader):
    """Trades, and notes what it saw."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seen: list[Seen] = []

    def decide(self, view: View) -> Sequence[Intent]:
        top = (view.valid, view.bid, view.ask, view.bid_lots, view.ask_lots)
        self.seen.append(
            Seen(
                int(view.pipeline.head[0]["events"]), view.now_ns, top, view.delta_now,
                view.taker_lots_now, view.volume_1m, view.last_price,
                tuple(sorted((w.side, w.price, w.size) for w in view.walls)),
                int(view.pipeline.walls.head[0]["looked_ns"]),
            )
        )  # fmt: skip
        return super().decide(view)


def with_timers(events: Events) -> Events:
    return replay_of([events]).poll(2 * events.size + 10_000)


def in_window(prints: Any, now: int, window_ns: int) -> Any:
    return prints[(prints["ts_recv"] > now - window_ns) & (prints["ts_recv"] <= now)]


def trade_up_to(seed: int) -> tuple[Watching, Engine]:
    watching = Watching(seed)
    engine = engine_of([unround()], [watching])
    driven(engine, [market(seed)])
    return watching, engine


def unround() -> Instrument:
    """The demo's instrument with a tick of which no round price is a multiple."""
    (one,) = instruments()
    return Instrument(
        venue=one.venue, symbol=one.symbol, kind=ContractKind.LINEAR, tick=one.tick * 7 / 5,
        lot=one.lot, base=one.base, quote=one.quote, settle=one.settle,
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_the_view_says_what_the_events_say(seed: int) -> None:
    watching, _ = trade_up_to(seed)
    events = with_timers(market(seed))
    random = np.random.default_rng(seed)
    chosen = sorted(random.choice(len(watching.seen), 80, replace=False).tolist())
    book, at, start_ns = NaiveBook(), 0, int(events["ts_recv"][0])
    for seen in (watching.seen[n] for n in chosen):
        for row in events[at : seen.events]:
            book.on_event(row)
        at = seen.events
        bid, ask = book.fused[1], book.fused[-1]
        assert seen.top == (book.valid, bid[0], ask[0], bid[1], ask[1])
        known = events[:at]
        flow = known[(known["kind"] == TRADE) & (known["flags"] & NOT_FLOW == 0)]
        own = in_window(flow, seen.now_ns, W_NS)
        signed = own["size"] * own["side"].astype(np.int64)
        assert seen.delta == int(signed.sum())
        assert seen.taker == (
            int(own["size"][own["side"] > 0].sum()),
            int(own["size"][own["side"] < 0].sum()),
        )
        if seen.now_ns - start_ns < MINUTE_NS:
            assert seen.minute is None
        else:
            assert seen.minute == int(in_window(flow, seen.now_ns, MINUTE_NS)["size"].sum())
        assert seen.last == (int(flow["price"][-1]) if flow.size else None)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_minutes_walls_are_those_of_plain_rules(seed: int) -> None:
    """Until the baseline of sizes is known, and the effective tick is one tick."""
    watching, _ = trade_up_to(seed)
    events = with_timers(market(seed))
    rule = WALL_PROFILES[MICRO]
    book, at, looked, found = NaiveBook(), 0, 0, 0
    start_ns = int(events["ts_recv"][0])
    for seen in watching.seen:
        for row in events[at : seen.events]:
            book.on_event(row)
        at = seen.events
        late = seen.now_ns - start_ns > MINUTE_NS - 1_000_000_000
        if late or events[at - 1]["kind"] != TIMER or not book.valid:
            continue
        if seen.looked_ns != seen.now_ns:
            continue  # between two looks nothing new is listed
        expected = []
        for side in (1, -1):
            levels = book.depth[side]
            own = naive_walls.walls(levels, side, rule.reach, rule.z_min, rule.ratio_min)
            expected += [(side, price, levels[price]) for price in own]
        assert seen.walls == tuple(sorted(expected))
        looked += 1
        found += len(expected)
    assert looked > 20
    assert found > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_books_balance_and_hold_what_the_reports_say(seed: int) -> None:
    _, engine = trade_up_to(seed)
    desk, reports = engine.desk, engine.journal.reports
    assert desk.books.identity("USD")
    assert desk.books.total("USD") == 0
    fills = reports[reports["kind"] == FILL]
    assert fills.size == engine.journal.fills > 20
    held = int((fills["size"] * fills["side"].astype(np.int64)).sum())
    assert desk.position(0).lots == held
    fees = int(fills["fee"].sum())
    assert desk.books.balance("USD", Heading.FEES) == fees > 0
    assert desk.books.balance("USD", Heading.CAPITAL) == -DEPOSIT
    instrument = unround()
    spent = sum(
        (instrument.notional(int(f["price"]), int(f["side"]) * int(f["size"])) for f in fills),
        Fraction(0),
    )
    marked = Fraction(desk._mids2[0], 2)
    funding = desk.books.balance("USD", Heading.FUNDING)
    worth = DEPOSIT - spent + instrument.notional(marked, held) - fees - funding
    assert abs(desk.equity(0) - money_round(worth)) <= fills.size
    assert (reports["kind"] == ACK).sum() > 20
    sent = set(engine.journal.commands["order"].tolist())
    assert set(fills["order"].tolist()) <= sent
