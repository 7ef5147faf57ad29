"""The engine on small scenes: what a View says, when it decides, and that growing loses nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from aggressor.engine.engine import NO_REPORTS, Engine
from aggressor.engine.pipeline import new_pipeline
from aggressor.engine.reading import Bar, Ripeness
from aggressor.engine.view import Fees, View
from aggressor.execution.desk import Desk
from aggressor.execution.intent import Intent
from aggressor.features.bars import bar_spec
from aggressor.features.delta import window_state
from aggressor.features.series import BarSeries, ClosedBars, footprint_state
from aggressor.market.state import market_state
from aggressor.schema.event import FUNDING, LAST, NO_TIME, TIMER, empty_events
from aggressor.schema.signal import WALL
from tests.detectors.scene import ASK, BID, CONTRACT, MS, START_NS, STEP_NS, Scene
from tests.engine.course import driven, engine_of, outcome
from tests.engine.trader import FREE, Trader
from tests.properties.tapes import instruments, market

Look = Callable[[View], Any]


class Watcher:
    """Looks at every decision point, wants nothing."""

    def __init__(self, look: Look, waiting: bool = True) -> None:
        self.look = look
        self.waiting = waiting
        self.seen: list[Any] = []

    def decide(self, view: View) -> Sequence[Intent]:
        self.seen.append(self.look(view))
        return []


def watching(watcher: Watcher, bars: Sequence[str] = ("1m",)) -> Engine:
    series = [BarSeries(0, bar_spec(text, CONTRACT)) for text in bars]
    pipeline = new_pipeline([CONTRACT], series)
    desk = Desk([CONTRACT], FREE)
    desk.books.deposit("USD", 500 * 10**8)
    return Engine([CONTRACT], pipeline, [(0, watcher)], desk, Fees(2.0, 5.0))


def watched(scene: Scene, look: Look, bars: Sequence[str] = ("1m",)) -> list[Any]:
    """Return what `look` saw at each decision point of a scene."""
    watcher = Watcher(look)
    engine = watching(watcher, bars)
    events = scene.events()
    engine.pipeline.head[0]["timers_decide"] = 1
    while events.size:
        events = events[engine.step(events).events :]
    return watcher.seen


def first_look(scene: Scene, look: Look) -> Any:
    scene.tick(2)
    return watched(scene, look)[-1]


def test_top_of_book() -> None:
    scene = Scene()
    scene.level(1, BID, 7)
    view = first_look(
        scene,
        lambda v: (v.valid, v.bid, v.ask, v.bid_lots, v.ask_lots, v.mid2, v.spread_ticks),
    )
    assert view == (True, BID, ASK, 7, 20, BID + ASK, 1)
    assert first_look(scene, lambda v: v.weighted_mid) == pytest.approx((BID * 20 + ASK * 7) / 27)


def test_times() -> None:
    scene = Scene()
    now, venue_now, age = first_look(scene, lambda v: (v.now_ns, v.venue_now_ns, v.book_age_ns))
    assert now == START_NS + 2 * STEP_NS
    assert venue_now == START_NS + STEP_NS - 5 * MS
    assert age == STEP_NS + MS


def test_prints() -> None:
    scene = Scene()
    scene.trade(ASK, 5, 1)
    scene.trade(BID, 2, -1)
    scene.tick(2)
    scene.trade(ASK + 2, 3, 1)
    seen = watched(
        scene_with_ticks(scene, 12),
        lambda v: (v.delta_now, v.taker_lots_now, v.high_traded, v.low_traded, v.last_price),
    )
    assert seen[0] == (3, (5, 2), ASK, BID, BID)
    assert seen[1] == (3, (5, 2), None, None, BID)
    assert seen[2] == (6, (8, 2), ASK + 2, ASK + 2, ASK + 2)
    assert seen[-1] == (0, (0, 0), None, None, ASK + 2)


def scene_with_ticks(scene: Scene, steps: int) -> Scene:
    scene.tick(steps)
    return scene


def test_costs_and_depth() -> None:
    scene = Scene()
    scene.level(-1, ASK + 1, 0)
    assert first_look(scene, lambda v: v.cost_to_trade(1, 20)) == 0.0
    assert first_look(scene, lambda v: v.cost_to_trade(1, 30)) == pytest.approx(20 / 30)
    assert first_look(scene, lambda v: v.cost_to_trade(-1, 40)) == pytest.approx(0.5)
    assert first_look(scene, lambda v: v.cost_to_trade(1, 10**6)) is None
    assert first_look(scene, lambda v: v.top_depth) == (60, 40)


def test_walls_nearest_first() -> None:
    scene = Scene()
    scene.level(1, BID - 5, 400)
    scene.level(-1, ASK + 2, 300)
    scene.tick(8)
    walls = watched(scene, lambda v: v.walls)[-1]
    assert [(w.price, w.size, w.side) for w in walls] == [(ASK + 2, 300, -1), (BID - 5, 400, 1)]
    assert all(w.age_ns >= 7 * STEP_NS for w in walls)


def test_signals_are_those_of_the_decision() -> None:
    scene = Scene()
    scene.level(1, BID - 14, 400)
    scene.tick(20)
    told = [one for one in watched(scene, lambda v: list(v.signals)) if one]
    assert [len(one) for one in told] == [1]
    assert (told[0][0].kind, told[0][0].low) == (WALL, BID - 14)


def test_what_is_not_known_is_none() -> None:
    scene = Scene()
    seen = first_look(
        scene,
        lambda v: (
            v.volume_1m, v.vwap_1m, v.last_price, v.high_traded, v.low_traded, v.funding_ns,
            v.funding_in_ns, v.reference_valid, v.liquidity_regime, v.cascade, v.bias, v.trade,
        ),
    )  # fmt: skip
    assert seen == (None,) * 12
    for measure in first_look(scene, lambda v: (v.effective_tick, v.median_spread, v.atr_1m_ticks)):
        assert measure == (None, Ripeness.UNKNOWN)


def test_measures_ripen() -> None:
    scene = Scene()
    scene.warm(seconds=300)
    seen = watched(scene, lambda v: (v.effective_tick, v.median_spread, v.volume_1m))
    assert seen[-1][:2] == ((1.0, Ripeness.YOUNG), (1.0, Ripeness.YOUNG))
    assert seen[-1][2] == 600 * 3
    assert seen[500][2] is None


def test_vwap_of_the_minute_and_of_the_one_before() -> None:
    scene = Scene()
    scene.trade(ASK, 3, 1)
    scene.trade(BID, 1, -1)
    scene.tick(601)
    scene.level(1, BID, 21)  # venue time has passed the minute: the bar closes
    scene.tick(5)
    seen = watched(scene, lambda v: v.vwap_1m)
    assert seen[0] == seen[-1] == pytest.approx(BID + 0.75)


def test_a_lost_book_is_not_valid() -> None:
    scene = Scene()
    scene.tick()
    scene.lose_book()
    scene.tick()
    scene.snapshot()
    scene.tick()
    assert watched(scene, lambda v: v.valid) == [True, False, True]


def test_a_stale_book_is_not_valid() -> None:
    scene = Scene(beats=False)
    scene.tick(900)
    seen = watched(scene, lambda v: v.valid)
    assert seen[0]
    assert not seen[-1]


def test_funding_is_told_by_the_venue() -> None:
    scene = Scene()
    events = scene.events()
    row = empty_events(1)
    row["kind"], row["flags"] = FUNDING, LAST
    row["size"], row["price"] = 10_000, 28_333_440
    row["ts_recv"] = row["ts_venue"] = events["ts_recv"][-1]
    timer = empty_events(1)
    timer["kind"], timer["instrument"] = TIMER, 255
    timer["ts_recv"] = timer["ts_venue"] = START_NS + STEP_NS
    watcher = Watcher(lambda v: (v.funding_ns, v.funding_in_ns))
    engine = watching(watcher)
    engine.pipeline.head[0]["timers_decide"] = 1
    engine.step(np.concatenate((events, row, timer)))
    settles = 28_333_440 * 60_000_000_000
    assert watcher.seen == [(settles, settles - int(row["ts_venue"][0]))]


def test_equity_and_position_are_the_desks() -> None:
    seen = first_look(Scene(), lambda v: (v.equity, v.position, v.open_orders, v.closed_trades))
    assert seen == (500 * 10**8, 0, (), ())


def test_a_step_stops_at_the_first_decision_point() -> None:
    scene = Scene()
    scene.tick(3)
    events = scene.events()
    watcher = Watcher(lambda v: v.now_ns, waiting=False)
    engine = watching(watcher)
    assert engine.now_ns == NO_TIME
    step = engine.step(events)
    assert (step.events, step.reports, watcher.seen) == (events.size, 0, [])  # nothing at stake
    watcher.waiting = True
    engine = watching(watcher)
    engine.pipeline.head[0]["timers_decide"] = 1
    step = engine.step(events)
    assert events[step.events - 1]["kind"] == TIMER
    assert step.events == events.size - 2
    assert watcher.seen == [engine.now_ns] == [START_NS + STEP_NS]


def test_timers_decide_only_while_something_is_at_stake() -> None:
    scene = Scene()
    scene.level(1, BID - 14, 400)
    scene.tick(40)
    events = scene.events()
    watcher = Watcher(lambda v: v.now_ns, waiting=False)
    engine = watching(watcher)
    while events.size:
        events = events[engine.step(events).events :]
    assert watcher.seen == []  # a wall waits for the next decision, and no TIMER is one
    assert engine.pipeline.outbox.head[0]["written"] == 1
    engine.decide(NO_REPORTS)
    assert engine.journal.signal_count == 1


TOLERANCE_NS = 250_000_000  # of `new_pipeline`


class Reader(Trader):
    """Trades, and keeps the bars it was shown."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.bars: list[Bar] = []

    def decide(self, view: View) -> Sequence[Intent]:
        self.bars.extend(view.bars)
        return super().decide(view)


def bars_seen(tiny: bool) -> tuple[list[Bar], Any]:
    (instrument,) = instruments()
    bars = ("1m", "5t", "100v")
    trader = Reader(4)
    engine = engine_of([instrument], [trader], bars)
    if tiny:
        series = [BarSeries(0, bar_spec(text, instrument)) for text in bars]
        windows = [int(row["window_ns"]) for row in engine.pipeline.window.head]
        engine.pipeline = engine.pipeline.replace(
            footprint=footprint_state(series, rows=2, bars=2, cells=2),
            market=market_state(1, levels=64, tolerance_ns=TOLERANCE_NS),
            window=window_state(windows, 2),
        )
    exchange = driven(engine, [market(4)])
    return trader.bars, outcome(engine, exchange)


def test_growing_loses_no_bar_and_changes_no_decision() -> None:
    seen, result = bars_seen(tiny=True)
    expected, whole = bars_seen(tiny=False)
    assert len(expected) > 100
    assert {bar.period_ns for bar in expected} == {0, 60_000_000_000}
    assert seen == expected
    assert result == whole


class Ear:
    """Hears what a watcher of the engine is told."""

    def __init__(self) -> None:
        self.bars: list[ClosedBars] = []
        self.told: list[list[Any]] = [[], [], []]

    def closed(self, series: int, bars: ClosedBars) -> None:
        assert series == 0
        self.bars.append(bars)

    def decided(self, signals: Any, reports: Any, commands: Any) -> None:
        for told, rows in zip(self.told, (signals, reports, commands), strict=True):
            told.append(rows)


def test_a_watcher_is_told_everything_and_changes_nothing() -> None:
    (instrument,) = instruments()
    outcomes = []
    for ear in (None, Ear()):
        engine = engine_of([instrument], [Reader(4)], ("1m",))
        engine.watcher = ear
        exchange = driven(engine, [market(4)])
        outcomes.append(outcome(engine, exchange))
        if ear is None:
            continue
        journal = engine.journal
        for rows, kept in zip(
            ear.told, (journal.signals, journal.reports, journal.commands), strict=True
        ):
            assert kept.size
            assert np.concatenate(rows).tobytes() == kept[: np.concatenate(rows).size].tobytes()
        closed = [bar for one in ear.bars for bar in one.bars]
        assert [int(bar["volume"]) for bar in closed] == [
            sum(int(cell["sold"] + cell["bought"] + cell["unknown"]) for cell in one.cells)
            for one in ear.bars
        ]
    assert outcomes[0] == outcomes[1]
