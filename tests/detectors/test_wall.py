"""Walls as signals: confirmed when of age, ended with the reason, the twin, mirrored."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors.outbox import Outbox, drain, new_outbox
from aggressor.detectors.wall import CONDITIONS, EVIDENCE, WallSignals, announce, wall_signals
from aggressor.engine.reading import Signal, read_signals
from aggressor.features.wall_records import WALL_PROFILES, WallsState, walls_state
from aggressor.features.walls import sample
from aggressor.kernel import kernel
from aggressor.market.ledger import TOLERANCE_NS
from aggressor.market.state import MarketState, market_state, on_event
from aggressor.schema.event import TIMER
from aggressor.schema.signal import (
    CONFIRMED,
    EXPIRED,
    FIRM,
    PHASE_NAMES,
    SIGNAL,
    WALL,
    YOUNG_BASELINE,
)
from tests.detectors import ledger_bench
from tests.detectors.scene import (
    ASK,
    BID,
    FEED_NS,
    MS,
    START_NS,
    STEP_NS,
    Scene,
    pipeline_of,
    signals_of,
)
from tests.naive import wall_signals as naive
from tests.searching import examples

PERP = WALL_PROFILES["perp"]
LOTS = 400
DEEP = 14  # ticks behind the best, where nothing stood before


def walls(scene: Scene, mirror: bool = False) -> list[Signal]:
    rows = signals_of(scene.events(mirror), pipeline_of())
    return read_signals(rows[rows["kind"] == WALL])


def standing(steps: int = 10) -> Scene:
    """A bid wall seen in the second step."""
    scene = Scene()
    scene.trade(ASK, 1, 1)
    scene.tick()
    scene.level(1, BID - DEEP, LOTS)
    scene.tick(steps)
    return scene


def test_a_wall_is_confirmed_when_it_is_of_age() -> None:
    (wall,) = walls(standing())
    assert (wall.phase, wall.side, wall.direction) == (CONFIRMED, 1, 0)
    assert (wall.low, wall.high, wall.failed) == (BID - DEEP, BID - DEEP, "")
    seen = wall.evidence
    assert (seen["price"], seen["lots"], seen["peak"]) == (BID - DEEP, LOTS, LOTS)
    assert seen["distance_ticks"] == DEEP
    assert seen["ratio"] == LOTS / 20
    assert seen["z"] == pytest.approx((LOTS - 20) / 1.4826)
    listed = START_NS + 2 * STEP_NS  # the first TIMER behind its message
    first_seen = listed - MS
    of_age = first_seen + PERP.age_ns
    assert wall.ts_known == -(-of_age // STEP_NS) * STEP_NS
    assert seen["age_seconds"] == (wall.ts_known - first_seen) / 1e9 >= PERP.age_ns / 1e9
    assert wall.score == 1.0  # twice both thresholds and more
    assert wall.provisional == YOUNG_BASELINE


def test_a_wall_that_does_not_last_is_not_told() -> None:
    scene = standing(steps=4)
    scene.level(1, BID - DEEP, 20)
    scene.tick(10)
    assert walls(scene) == []


def test_a_level_that_is_not_far_larger_is_no_wall() -> None:
    scene = Scene()
    scene.level(1, BID - DEEP, 20 * int(PERP.ratio_min) - 1)
    scene.tick(20)
    assert walls(scene) == []


def shrunk() -> Scene:
    scene = standing()
    scene.level(1, BID - DEEP, 20 * int(PERP.ratio_min) - 1)
    scene.tick(3)
    return scene


def gone() -> Scene:
    scene = standing()
    scene.level(1, BID - DEEP, 0)
    scene.tick(3)
    return scene


def lost() -> Scene:
    scene = standing()
    scene.lose_book()
    scene.tick(3)
    return scene


ENDS = {
    "size fell below half of its peak": shrunk,
    "level gone": gone,
    "book lost": lost,
}


@pytest.mark.parametrize("reason", list(ENDS))
def test_the_end_says_why(reason: str) -> None:
    confirmed, ended = walls(ENDS[reason]())
    assert (confirmed.phase, ended.phase) == (CONFIRMED, EXPIRED)
    assert ended.failed == reason
    assert ended.episode == confirmed.episode == 1
    listed_ns = START_NS + 2 * STEP_NS - MS - FEED_NS
    assert ended.ts_armed == confirmed.ts_armed == listed_ns  # venue time
    assert ended.ts_known == START_NS + 12 * STEP_NS
    assert ended.evidence["peak"] == LOTS


def test_one_that_comes_back_is_another_episode() -> None:
    scene = gone()
    scene.level(1, BID - DEEP, LOTS)
    scene.tick(10)
    found = walls(scene)
    assert [(one.phase, one.episode) for one in found] == [
        (CONFIRMED, 1), (EXPIRED, 1), (CONFIRMED, 2)
    ]  # fmt: skip


def test_half_of_its_size_still_stands() -> None:
    scene = standing()
    scene.level(1, BID - DEEP, LOTS // 2)
    scene.tick(5)
    assert [one.phase for one in walls(scene)] == [CONFIRMED]


def test_two_sides_are_two_walls() -> None:
    scene = standing()
    scene.level(-1, ASK + 5, LOTS)
    scene.tick(10)
    found = walls(scene)
    assert [(one.side, one.low, one.episode) for one in found] == [
        (1, BID - DEEP, 1),
        (-1, ASK + 5, 2),
    ]


def test_on_old_baselines_a_wall_is_firm() -> None:
    scene = Scene()
    scene.tick(6300)  # ten minutes and the last slice
    scene.level(1, BID - DEEP, LOTS)
    scene.tick(10)
    (wall,) = walls(scene)
    assert wall.provisional == FIRM


@pytest.mark.parametrize("make", [standing, shrunk, gone, lost])
def test_a_mirrored_tape_gives_mirrored_signals(make: Callable[[], Scene]) -> None:
    scene = make()
    rows = signals_of(scene.events(), pipeline_of())
    other = signals_of(scene.events(mirror=True), pipeline_of())
    assert rows.size > 0
    turned = other.copy()
    turned["side"] *= -1
    turned["low"], turned["high"] = -other["high"], -other["low"]
    turned["evidence"][:, 0] *= -1
    for field in SIGNAL.names or ():
        np.testing.assert_array_equal(turned[field], rows[field], field)


TOLERANCE_MS = TOLERANCE_NS // MS
CHANGES = st.lists(
    st.tuples(
        st.sampled_from((1, -1)),
        st.integers(0, 9),  # ticks behind 1000 and 1001
        st.sampled_from((0, 0, 4, 10, 10, 30, 60, 120, 400)),
        st.sampled_from((0, 20, 130, 480, 700)),  # ms until then
    ),
    max_size=30,
)


@kernel
def _tell(
    events: Any, market: MarketState, seen: WallsState, state: WallSignals, outbox: Outbox
) -> None:
    for i in range(events.size):
        on_event(market, events[i])
        if events[i]["kind"] == TIMER:
            sample(seen, market.book, market.ledger, 0, events[i]["ts_recv"], 1)
            announce(state, seen, outbox, 0, events[i]["ts_recv"], events[i]["ts_venue"])


@examples(40)
@given(CHANGES, st.sampled_from((0, 200)))
def test_rows_are_those_of_the_twin(plan: list[tuple[int, int, int, int]], look_ms: int) -> None:
    levels = {1: {1000 - n: 10 for n in range(7)}, -1: {1001 + n: 10 for n in range(7)}}
    since = {side: dict.fromkeys(shown, 0) for side, shown in levels.items()}
    tape = ledger_bench.Tape().snapshot(levels[1], levels[-1])
    looks: list[naive.Look] = []
    emptied: dict[int, int] = {}

    def see(until: int) -> None:
        """Look at every TIMER up to a time: it comes before the rows of its own time."""
        first = 100 * (len(looks) + 1)
        for ms in range(first, until + 1, 100):
            shown = {side: dict(one) for side, one in levels.items()}
            looks.append(naive.Look(ms, shown, {side: dict(one) for side, one in since.items()}))

    for side, behind, lots, wait in plan:
        tape.later(wait)
        see(tape.now)
        price = 1000 - behind if side > 0 else 1001 + behind
        tape.level((side, price, lots))
        if lots == 0:
            if levels[side].pop(price, None) is not None:
                emptied[price] = tape.now
            continue
        is_same = tape.now - emptied.get(price, -TOLERANCE_MS - 1) <= TOLERANCE_MS  # R1.11
        if price not in levels[side] and not is_same:
            since[side][price] = tape.now
        levels[side][price] = lots
    tape.later(1500)
    see(tape.now)
    rule = naive.Rule(PERP.reach, PERP.z_min, PERP.ratio_min, PERP.age_ns // MS, look_ms)
    market, seen = market_state(1, window=1024, levels=1024), walls_state(1, PERP)
    seen.parameters["look_ns"] = look_ms * MS
    state, outbox = wall_signals([PERP]), new_outbox()
    _tell(tape.events(), market, seen, state, outbox)
    at = EVIDENCE.index("lots"), EVIDENCE.index("peak")
    found = [
        naive.Row(
            (int(row["ts_known"]) - ledger_bench.START_NS) // MS,
            int(row["side"]),
            int(row["low"]),
            PHASE_NAMES[int(row["phase"])],
            CONDITIONS[row["failed"]],
            *(int(row["evidence"][place]) for place in at),
        )
        for row in drain(outbox)
    ]
    assert sorted(found) == sorted(naive.signals(looks, rule))
