"""Taker orders and large prints: worked examples, the twin, splits, mirror and conservation."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import prints as module
from aggressor.features.baseline import UNKNOWN, YOUNG
from aggressor.features.parameters import MILLISECOND_NS, MINUTE_NS, SECOND_NS
from aggressor.features.prints import (
    PRINTS_PROFILES,
    SIZE_HUGE,
    SIZE_LARGE,
    SIZE_ORDINARY,
    SIZE_UNKNOWN,
    PrintsParameters,
    PrintsState,
    prints_state,
    run_prints,
)
from aggressor.kernel import kernel
from aggressor.schema.event import BATCHED, LAST, NOT_FLOW, RPI, TIMER, TRADE, Events, empty_events
from tests.naive import prints as naive
from tests.naive.prints import Print

START_NS = 1_700_000_000_000_000_000
PERP = PRINTS_PROFILES["perp"]
EAGER = PrintsParameters(gap_ns=MILLISECOND_NS, orders_min=1, unknown_ns=0, young_ns=0)


@kernel
def _tick_lots(order: Any) -> int:
    return module.tick_lots(order[0])


@kernel
def _levels(order: Any) -> int:
    return module.levels(order[0])


@kernel
def _size_class(prints: PrintsState, lots: int, value: int) -> int:
    return module.size_class(prints, 0, lots, value)


def trades(prints: list[Print]) -> Events:
    events = empty_events(len(prints))
    events["kind"] = TRADE
    for event, one in zip(events, prints, strict=True):
        event["ts_venue"], event["ts_recv"] = one.ts, one.ts + 7
        event["price"], event["size"], event["side"] = one.price, one.lots, one.side
        event["flags"] = one.flags | LAST
    return events


def timer(ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["ts_recv"], events["ts_venue"] = TIMER, ts, ts
    return events


def run(
    events: Events, parameters: PrintsParameters = PERP, cuts: tuple[int, ...] = ()
) -> PrintsState:
    state = prints_state(1, parameters)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_prints(events, start, stop, state) == stop
    return state


def orders_of(state: PrintsState) -> list[Any]:
    """Closed orders, then the open one."""
    closed = int(state.head[0]["orders"])
    opened = int(state.orders[0, closed]["open"])
    return [state.orders[0, i : i + 1] for i in range(closed + opened)]


def test_t2_2_sweeps() -> None:
    ms = [(0, 101, 5, 1), (0, 102, 7, 1), (0, 103, 2, 1), (0.4, 103, 1, 1), (0.4, 100, 3, -1)]
    rows = [Print(START_NS + int(t * 1e6), p, q, s) for t, p, q, s in [*ms, (7, 104, 2, 1)]]
    orders = orders_of(run(trades(rows)))
    seen = [
        (int(o[0]["side"] * o[0]["lots"]), int(o[0]["prints"]), int(o[0]["first"]), _levels(o))
        for o in orders
    ]
    assert seen == [(15, 4, 101, 3), (-3, 1, 100, 1), (2, 1, 104, 1)]
    assert _tick_lots(orders[0]) / 15 == pytest.approx(101.866667, abs=5e-7)


@pytest.mark.parametrize(("count", "expected"), [(100, 99), (200, 198)])
def test_t2_3_large_prints(count: int, expected: int) -> None:
    gap = 10 * MILLISECOND_NS
    rows = [Print(START_NS + i * gap, 100, i + 1, 1) for i in range(count)]
    state = run(np.concatenate([trades(rows), timer(rows[-1].ts + SECOND_NS)]), EAGER)
    assert state.head[0]["large_above"] == expected
    assert _size_class(state, expected, 0) == SIZE_ORDINARY
    assert _size_class(state, expected + 1, 0) in (SIZE_LARGE, SIZE_HUGE)


def test_huge_is_above_the_last_thousandth_and_the_floor_holds_for_both() -> None:
    gap = 10 * MILLISECOND_NS
    rows = [Print(START_NS + i * gap, 100, i + 1, 1) for i in range(2000)]
    events = np.concatenate([trades(rows), timer(rows[-1].ts + SECOND_NS)])
    state = run(events, EAGER)
    sizes = [_size_class(state, lots, 100 * lots) for lots in (1980, 1981, 1998, 1999)]
    assert sizes == [SIZE_ORDINARY, SIZE_LARGE, SIZE_LARGE, SIZE_HUGE]
    floored = PrintsParameters(orders_min=1, unknown_ns=0, young_ns=0, floor_tick_lots=199_950)
    state = run(events, floored)
    assert [_size_class(state, lots, 100 * lots) for lots in (1999, 2000)] == [
        SIZE_ORDINARY,
        SIZE_HUGE,
    ]


def test_a_size_is_unknown_before_the_baseline_is_and_young_before_ten_minutes() -> None:
    step = SECOND_NS // 2
    rows = [Print(START_NS + i * step, 100, 1, 1) for i in range(400)]
    early = run(np.concatenate([trades(rows[:100]), timer(rows[99].ts + SECOND_NS)]))
    assert early.head[0]["maturity"] == UNKNOWN
    assert _size_class(early, 10**6, 0) == SIZE_UNKNOWN
    later = run(np.concatenate([trades(rows), timer(rows[-1].ts + SECOND_NS)]))
    assert later.head[0]["maturity"] == YOUNG
    assert _size_class(later, 10**6, 0) == SIZE_HUGE


def test_silence_closes_the_open_order_and_flags_are_kept() -> None:
    row = Print(START_NS, 100, 5, 1, BATCHED)
    rest = Print(START_NS, 100, 2, 1, BATCHED | RPI)
    early = run(np.concatenate([trades([row, rest]), timer(START_NS + 100)]))
    assert early.orders[0, 0]["open"] == 1
    late = run(np.concatenate([trades([row, rest]), timer(START_NS + MINUTE_NS)]))
    assert late.head[0]["orders"] == 1
    (order,) = orders_of(late)
    assert (order[0]["lots"], order[0]["flags"]) == (7, BATCHED | RPI)


def test_nobody_chose_to_trade_not_flow() -> None:
    rows = [Print(START_NS, 100, 5, 1), Print(START_NS, 100, 9, 1, NOT_FLOW)]
    state = run(trades([*rows, Print(START_NS, 101, 3, 1)]))
    assert [int(o[0]["lots"]) for o in orders_of(state)] == [8]


def prints_strategy() -> st.SearchStrategy[list[Print]]:
    steps = st.tuples(
        st.sampled_from([0, 0, 300_000, 900_000, 5_000_000, -200_000]),
        st.integers(95, 105),
        st.integers(1, 10**6),
        st.sampled_from([1, 1, 1, -1, -1, -1, 0]),
        st.sampled_from([0, BATCHED]),
    )

    def build(rows: list[tuple[int, int, int, int, int]]) -> list[Print]:
        ts, prints = START_NS, []
        for gap, price, lots, side, flags in rows:
            ts += gap
            prints.append(Print(ts, price, lots, side, flags))
        return prints

    return st.lists(steps, max_size=60).map(build)


@settings(max_examples=60, deadline=None)
@given(prints_strategy())
def test_twin_and_conservation(rows: list[Print]) -> None:
    orders = orders_of(run(trades(rows)))
    expected = naive.taker_orders(rows, PERP.gap_ns)
    assert len(orders) == len(expected)
    for order, other in zip(orders, expected, strict=True):
        assert (order[0]["side"], order[0]["lots"]) == (other.side, other.lots)
        assert order[0]["prints"] == len(other.prints)
        if other.side:
            assert Fraction(int(_tick_lots(order)), other.lots) == other.vwap
            assert _levels(order) == other.levels
        batched = any(one.flags & BATCHED for one in other.prints)
        assert bool(order[0]["flags"] & BATCHED) is batched
    assert sum(int(o[0]["lots"]) for o in orders) == sum(one.lots for one in rows)
    signed = sum(int(o[0]["side"]) * int(o[0]["lots"]) for o in orders)
    assert signed == sum(one.side * one.lots for one in rows)


@settings(max_examples=40, deadline=None)
@given(prints_strategy(), st.lists(st.integers(0, 100), max_size=6))
def test_split_and_mirror(rows: list[Print], cuts: list[int]) -> None:
    events = np.concatenate([trades(rows), timer(START_NS + MINUTE_NS)])
    whole, cut = run(events), run(events, cuts=tuple(cuts))
    for a, b in zip([*list(whole)[:3], *whole.sizes], [*list(cut)[:3], *cut.sizes], strict=True):
        np.testing.assert_array_equal(a, b)
    mirrored = [Print(one.ts, -one.price, one.lots, -one.side, one.flags) for one in rows]
    others = orders_of(run(np.concatenate([trades(mirrored), timer(START_NS + MINUTE_NS)])))
    for order, other in zip(orders_of(whole), others, strict=True):
        assert _tick_lots(order) == -_tick_lots(other)
        assert (order[0]["side"], order[0]["lots"]) == (-other[0]["side"], other[0]["lots"])
        assert order[0]["first"] == -other[0]["first"]
