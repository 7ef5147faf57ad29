"""Walls and stacks: the worked example, age, endings, round prices, the twin, mirror and scale."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import walls as module
from aggressor.features.baseline import UNKNOWN, YOUNG
from aggressor.features.parameters import MILLISECOND_NS, SECOND_NS
from aggressor.features.wall_records import (
    BOOK_LOST,
    HUNDREDS,
    LEVEL_GONE,
    PLAIN,
    SIZE_FELL,
    STACKS,
    TENS,
    WALL_PROFILES,
    WALLS,
    WallParameters,
    WallsState,
    walls_state,
)
from aggressor.kernel import kernel
from aggressor.market.state import MarketState, market_state, run_market
from aggressor.schema.event import CLEAR, GAP, LAST, LEVEL, empty_events
from tests.features.books import B0_ASKS, START_NS, snapshot_events
from tests.naive import walls as naive

T1_6 = {1000: 30, 999: 20, 998: 200, 997: 15, 996: 10}
MICRO = WALL_PROFILES["micro"]

Levels = dict[int, int]


@kernel
def _sample(walls: WallsState, market: MarketState, now: int, tick: int) -> None:
    module.sample(walls, market.book, market.ledger, 0, now, tick)


@kernel
def _within(walls: WallsState, s: int, near: int, far: int, listed_ns: int) -> int:
    return module.wall_within(walls, 0, s, near, far, listed_ns)


def market_of(bids: Levels, asks: Levels, ts: int = START_NS) -> MarketState:
    market = market_state(1, window=64, levels=1024)
    events = snapshot_events(bids, asks, ts)
    assert run_market(events, 0, events.size, market) == events.size
    return market


def change(market: MarketState, side: int, price: int, lots: int, ts: int) -> None:
    events = empty_events(1)
    events["kind"], events["flags"], events["side"] = LEVEL, LAST, side
    events["price"], events["size"], events["ts_recv"], events["ts_venue"] = price, lots, ts, ts
    assert run_market(events, 0, 1, market) == 1


def seen(
    bids: Levels, asks: Levels, parameters: WallParameters = MICRO, tick: int = 1
) -> WallsState:
    walls = walls_state(1, parameters)
    _sample(walls, market_of(bids, asks), START_NS, tick)
    return walls


def listed(walls: WallsState, s: int) -> dict[int, Any]:
    return {int(wall["price"]): wall for wall in walls.walls[0, s] if wall["live"]}


def test_t1_6_wall_at_index_2() -> None:
    walls = seen(T1_6, B0_ASKS)
    ((price, wall),) = listed(walls, 0).items()
    assert price == 998
    assert wall["z"] == pytest.approx(12.1408, abs=5e-5)
    assert wall["ratio"] == 10
    assert (wall["lots"], wall["peak"], wall["distance"], wall["side"]) == (200, 200, 2, 1)
    assert wall["maturity"] == UNKNOWN
    assert listed(walls, 1) == {}


def test_a_wall_ages_by_the_ledger_and_age_0_counts_where_asked() -> None:
    market, walls = market_of({**T1_6, 998: 20}, B0_ASKS), walls_state(1, MICRO)
    _sample(walls, market, START_NS, 1)
    born = START_NS + SECOND_NS
    change(market, 1, 998, 0, born - 1000 * MILLISECOND_NS)
    change(market, 1, 998, 200, born)
    now = born + 50 * MILLISECOND_NS
    _sample(walls, market, now, 1)
    wall = listed(walls, 0)[998]
    assert wall["listed_ns"] == now
    assert not wall["aged"]
    assert _within(walls, 0, 1, 5, now) >= 0
    assert _within(walls, 0, 1, 5, now + 1) == -1
    assert _within(walls, 0, 3, 5, START_NS) == -1
    _sample(walls, market, int(wall["first_seen_ns"]) + MICRO.age_ns, 1)
    assert listed(walls, 0)[998]["aged"]


@pytest.mark.parametrize(
    ("lots", "end", "left"),
    [(150, 0, [998]), (100, 0, [998]), (99, SIZE_FELL, []), (0, LEVEL_GONE, [])],
)
def test_a_wall_ends_below_half_of_its_peak(lots: int, end: int, left: list[int]) -> None:
    strict = WallParameters(reach=10, z_min=5.0, ratio_min=6.0)
    market, walls = market_of(T1_6, B0_ASKS), walls_state(1, strict)
    _sample(walls, market, START_NS, 1)
    change(market, 1, 998, lots, START_NS + 10)
    _sample(walls, market, START_NS + 100, 1)
    assert list(listed(walls, 0)) == left
    assert walls.head[0]["ended"] == (end != 0)
    if end:
        gone = walls.ended[0, 0]
        assert (gone["end"], gone["peak"], gone["ended_ns"]) == (end, 200, START_NS + 100)


def test_a_level_that_came_back_is_another_wall() -> None:
    market, walls = market_of(T1_6, B0_ASKS), walls_state(1, MICRO)
    _sample(walls, market, START_NS, 1)
    change(market, 1, 998, 0, START_NS + 10)
    change(market, 1, 998, 210, START_NS + SECOND_NS)
    _sample(walls, market, START_NS + SECOND_NS, 1)
    assert walls.ended[0, 0]["end"] == LEVEL_GONE
    assert listed(walls, 0)[998]["listed_ns"] == START_NS + SECOND_NS


def test_a_lost_book_ends_all_walls() -> None:
    market, walls = market_of(T1_6, B0_ASKS), walls_state(1, MICRO)
    _sample(walls, market, START_NS, 1)
    events = empty_events(1)
    events["kind"], events["flags"], events["ts_recv"] = CLEAR, GAP | LAST, START_NS + 5
    run_market(events, 0, 1, market)
    _sample(walls, market, START_NS + 10, 1)
    assert listed(walls, 0) == {}
    assert walls.ended[0, 0]["end"] == BOOK_LOST
    assert walls.head[0]["known"] == 0


def test_a_wall_below_the_quantile_of_its_distance_is_none() -> None:
    usual = {**T1_6, 998: 1000}
    market, walls = market_of(usual, B0_ASKS), walls_state(1, MICRO)
    ts = START_NS
    for _ in range(260):
        _sample(walls, market, ts, 1)
        ts += SECOND_NS
    assert listed(walls, 0)[998]["maturity"] == YOUNG
    assert listed(walls, 0)[998]["standing"]
    change(market, 1, 998, 0, ts)
    change(market, 1, 995, 12, ts)
    change(market, 1, 998, 200, ts + SECOND_NS)
    _sample(walls, market, ts + SECOND_NS, 1)
    assert listed(walls, 0) == {}


def test_round_prices_are_held_against_their_own_kind() -> None:
    rounds = WallParameters(reach=10, z_min=5.0, ratio_min=4.0, tens_ticks=10, hundreds_ticks=100)
    bids = {1001: 20, **T1_6, 1000: 300, 998: 25, 990: 200}
    walls = seen(bids, {1002: 5}, rounds)
    wall = listed(walls, 0)[1000]
    assert (wall["kind"], wall["maturity"]) == (HUNDREDS, UNKNOWN)
    assert (TENS, PLAIN) == (1, 0)
    market, ts = market_of(bids, {1002: 5}), START_NS
    for _ in range(260):
        _sample(walls, market, ts, 1)
        ts += SECOND_NS
    assert not listed(walls, 0)[1000]["standing"]
    assert walls.rounds[0, HUNDREDS - 1]["median"] == 300


def test_stacks_are_runs_of_large_neighbours() -> None:
    bids = {1000: 10, 999: 60, 998: 50, 997: 70, 996: 10, 995: 10, 994: 10, 993: 9, 992: 50}
    walls = seen(bids, B0_ASKS)
    assert walls.head[0]["stacks"].tolist() == [1, 0]
    stack = walls.stacks[0, 0, 0]
    assert (stack["near"], stack["far"], stack["lots"], stack["levels"]) == (999, 997, 180, 3)
    assert stack["ratio"] == 18


def test_too_few_levels_have_no_walls() -> None:
    assert listed(seen({1000: 1, 999: 1, 998: 500}, {1001: 1}), 0) == {}


sides = st.dictionaries(
    st.integers(0, 40), st.one_of(st.integers(1, 30), st.integers(1, 5000)), min_size=1, max_size=25
)


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.integers(1, 4))
def test_twin(below: Levels, above: Levels, tick: int) -> None:
    bids = {1000 - distance: lots for distance, lots in below.items()}
    asks = {1001 + distance: lots for distance, lots in above.items()}
    walls = seen(bids, asks, tick=tick)
    for s, (side, levels) in enumerate(((1, bids), (-1, asks))):
        reach = MICRO.reach * tick
        expected = naive.walls(levels, side, reach, MICRO.z_min, MICRO.ratio_min)
        found = {price: (wall["z"], wall["ratio"]) for price, wall in listed(walls, s).items()}
        assert len(found) == min(len(expected), WALLS)
        for price, measures in found.items():
            assert measures == pytest.approx(expected[price])
        stacks = naive.stacks(levels, side, reach, MICRO.ratio_min, tick)
        count = int(walls.head[0]["stacks"][s])
        kept = walls.stacks[0, s, :count]
        rows = [(int(k["near"]), int(k["far"]), int(k["lots"]), int(k["levels"])) for k in kept]
        assert rows == stacks[:STACKS]


@settings(max_examples=30, deadline=None)
@given(sides, sides, st.integers(20, 30))
def test_mirror_and_scale(below: Levels, above: Levels, scale: int) -> None:
    bids = {1000 - distance: 20 * lots for distance, lots in below.items()}
    asks = {1001 + distance: 20 * lots for distance, lots in above.items()}
    walls = seen(bids, asks)
    mirrored = seen({-p: q for p, q in asks.items()}, {-p: q for p, q in bids.items()})
    scaled = seen({p: q * scale for p, q in bids.items()}, {p: q * scale for p, q in asks.items()})
    for s in (0, 1):
        here = {-price: wall["z"] for price, wall in listed(walls, s).items()}
        assert {p: wall["z"] for p, wall in listed(mirrored, 1 - s).items()} == here
        others = {-price: wall["z"] for price, wall in listed(scaled, s).items()}
        assert others == pytest.approx(here)
    np.testing.assert_array_equal(walls.head["stacks"], mirrored.head["stacks"][:, ::-1])
