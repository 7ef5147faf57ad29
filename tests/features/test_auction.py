"""Unfinished auctions: the worked example, resolution, three answers, twin and mirror."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.features import auction as module
from aggressor.features.auction import (
    AUCTIONS,
    AuctionParameters,
    AuctionState,
    auction_state,
    read_bar,
    unfinished,
)
from aggressor.features.bars import BAR, PARTIAL
from aggressor.kernel import Int, kernel
from aggressor.schema.event import NO_PRICE, PRICE_MAX
from tests.features.test_diagonal import cells_of, mirrored
from tests.features.test_footprint import F1
from tests.naive.diagonal import NaiveAuctions


@kernel
def _trade(state: AuctionState, price: Int, ts: Int) -> None:
    module.on_trade(state, 0, price, ts)


def give(state, rows, row_ticks=1, effective_tick=1, quality=0):
    """Hand a closed bar to lane 0, its cells somewhere in a ring."""
    cells = cells_of(rows)
    ring = np.zeros(64, cells.dtype)
    first = 60
    ring[(first + np.arange(cells.size)) % 64] = cells
    bar = np.zeros(1, BAR)[0]
    bar["volume"] = sum(map(sum, rows.values()))
    bar["high"], bar["low"] = max(rows) + row_ticks - 1, min(rows)
    bar["first_cell"], bar["cells"], bar["quality"] = first, cells.size, quality
    read_bar(state, 0, bar, ring, row_ticks, effective_tick)


def still_open(state, k=0):
    rows = state.auctions[k][state.auctions[k]["open"] == 1]
    return sorted((int(row["side"]), int(row["price"])) for row in rows)


def exact(lanes=1):
    return auction_state(lanes, AuctionParameters())


def test_t4_4_the_high_of_f1_is_finished_its_low_is_not():
    assert unfinished(cells_of(F1)) == (False, True)
    assert unfinished(cells_of(mirrored(F1))) == (True, False)
    state = exact()
    give(state, F1)
    assert still_open(state) == [(-1, 99)]
    low = state.auctions[0, 1, 0]
    assert (low["sold"], low["bought"]) == (15, 3)


def test_it_is_resolved_when_price_trades_beyond():
    state = exact()
    give(state, F1)
    for price in (200, 99, 100):
        _trade(state, price, 5)
        assert still_open(state) == [(-1, 99)]
    _trade(state, 98, 7)
    assert still_open(state) == []
    assert state.auctions[0, 1, 0]["resolved_ns"] == 7
    assert (state.head[0]["above"], state.head[0]["below"]) == (PRICE_MAX + 1, NO_PRICE - 1)


def test_one_price_may_resolve_some_and_only_reach_others():
    state = exact()
    for high in (12, 15, 17):
        give(state, {10: (1, 0), high: (1, 1)})
    _trade(state, 15, 1)
    assert still_open(state) == [(1, 15), (1, 17)]
    _trade(state, 16, 2)
    assert still_open(state) == [(1, 17)]
    assert state.head[0]["resolved"] == 2


def test_what_cannot_be_known_is_not_said():
    assert unfinished(cells_of({10: (3, 3), 11: (0, 5, 2)})) == (None, True)
    assert unfinished(cells_of({10: (3, 3), 11: (1, 5, 2)})) == (True, True)
    state = exact()
    give(state, {10: (0, 0, 4), 11: (1, 5, 2)})
    assert state.head[0]["undecided"] == 1
    give(state, F1, quality=PARTIAL)
    assert state.head[0]["undecided"] == 3
    tall = auction_state(1, AuctionParameters(row_effective_ticks=1.0))
    give(tall, F1, effective_tick=0)
    assert (tall.head[0]["undecided"], still_open(tall)) == (2, [])
    give(tall, F1, effective_tick=2)
    assert still_open(tall) == [(-1, 99), (1, 105)]  # 104 and 105 together saw sells


def test_a_place_taken_while_open_is_counted():
    state = exact()
    for i in range(AUCTIONS + 2):
        give(state, {i: (1, 1), i + 1: (0, 1)})
    assert state.head[0]["dropped"] == 2
    assert len(still_open(state)) == AUCTIONS
    assert state.head[0]["below"] == AUCTIONS + 1


LOTS = st.sampled_from([0, 0, 1, 4])
BARS = st.dictionaries(
    st.integers(-9, 9), st.tuples(LOTS, LOTS, st.sampled_from([0, 0, 0, 2])), min_size=1, max_size=6
).filter(lambda rows: all(sum(lots) for lots in rows.values()))
STEPS: Any = st.lists(st.one_of(BARS, st.integers(-12, 12)), max_size=30)


@pytest.mark.parametrize("mirror", [False, True])
@given(STEPS, st.sampled_from([1, 2, 4]))
def test_kernel_is_its_twin(mirror, steps, height):
    parameters = AuctionParameters(row_effective_ticks=1.0)
    state, twin = auction_state(1, parameters), NaiveAuctions(height)
    sign = -1 if mirror else 1
    for step in steps:
        if isinstance(step, int):
            twin.trade(step)
            _trade(state, sign * step, 1)
        else:
            twin.bar(step, max(step), min(step))
            give(state, mirrored(step) if mirror else step, effective_tick=height)
        expected = sorted((sign * side, sign * price) for side, price, _, _ in twin.open)
        assert still_open(state) == expected
    assert state.head[0]["undecided"] == twin.undecided
    assert state.head[0]["resolved"] == len(twin.resolved)
