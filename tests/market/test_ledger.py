"""The ledger against R1.11's numbers, its list-keeping twin, its identity, cuts and first sizes."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import NO_SLOT, find_slot
from aggressor.market.state import MarketState, advance, market_state, run_market
from aggressor.schema.event import (
    ASK,
    BID,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NOT_FLOW,
    RPI,
    TIMER,
    TRADE,
    Events,
)
from tests.market.looks import ledger_look, naive_ledger_look
from tests.market.streams import MS, Row, events_of, mirrored, random_events, snapshot, streams
from tests.naive.ledger import NaiveLedger

START = snapshot(0, {100: 50}, {110: 9})


def market(**sizes: int) -> MarketState:
    return market_state(1, **({"window": 64, "levels": 256, "ring": 128} | sizes))


def identity(state: MarketState) -> None:
    """Assert R1.11's invariant for every slot, and that no amount is negative."""
    slots = state.ledger.slots
    kept = slots["start_lots"] + slots["added"] - slots["pulled"] - slots["traded"]
    assert (slots["lots"] == kept).all()
    assert (slots["hidden"] + slots["refilled"] <= slots["added"]).all()
    assert (slots["ghost"] <= slots["pulled"]).all()
    for name in ("added", "pulled", "traded", "ghost", "pend", "hidden", "refilled", "waiting"):
        assert (slots[name] >= 0).all(), name


def level(state: MarketState, price: int = 100, side: int = BID) -> dict[str, int]:
    slot = find_slot(state.book, 0, side, price)
    assert slot != NO_SLOT
    here = state.ledger.slots[slot]
    return {name: int(here[name]) for name in here.dtype.names or () if name != "spare"}


def after(rows: list[Row], state: MarketState) -> dict[str, int]:
    state = advance(events_of(rows), state)
    identity(state)
    return level(state)


def test_t1_11() -> None:
    state = advance(events_of(START), market())
    here = after([(10, TRADE, -1, 100, 20, LAST), (12, LEVEL, BID, 100, 40, LAST)], state)
    assert (here["traded"], here["added"]) == (20, 10)
    here = after([(30, LEVEL, BID, 100, 25, LAST)], state)
    assert (here["ghost"], here["pulled"]) == (15, 15)
    here = after([(32, TRADE, -1, 100, 15, LAST)], state)
    assert (here["traded"], here["pulled"], here["ghost"]) == (35, 0, 0)
    here = after([(60, TRADE, -1, 100, 5, LAST), (120, TIMER, 0, 0, 100, 0)], state)
    assert (here["traded"], here["added"], here["refilled"]) == (40, 15, 5)
    assert here["hidden"] == 0
    here = after([(200, LEVEL, BID, 100, 0, LAST)], state)
    assert (here["ghost"], here["pulled"], here["traded"]) == (25, 25, 40)
    slot = find_slot(state.book, 0, BID, 100)
    run_market(events_of([(300, TIMER, 0, 0, 100, 0)]), 0, 1, state)
    assert find_slot(state.book, 0, BID, 100) == NO_SLOT
    last = state.ledger.slots[slot]
    assert (last["start_lots"], last["added"], last["pulled"], last["traded"]) == (50, 15, 25, 40)
    assert last["ghost"] == 0
    identity(state)


def test_the_tolerance_is_inclusive() -> None:
    state = advance(events_of(START), market())
    rows = [(30, LEVEL, BID, 100, 35, LAST), (80, TRADE, -1, 100, 15, LAST)]
    assert after(rows, state)["traded"] == 15
    state = advance(events_of(START), market())
    rows[1] = (81, TRADE, -1, 100, 15, LAST)
    here = after(rows, state)
    assert (here["traded"], here["pulled"], here["pend"]) == (0, 15, 15)


def test_a_trade_where_nothing_is_displayed_is_hidden() -> None:
    state = advance(events_of([*START, (10, TRADE, -1, 99, 7, LAST)]), market())
    assert level(state, 99)["pend"] == 7
    totals = state.ledger.sides[0]
    run_market(events_of([(61, TIMER, 0, 0, 100, 0)]), 0, 1, state)
    assert (totals["hidden"], totals["traded"], totals["added"], totals["refilled"]) == (7, 7, 7, 0)
    assert find_slot(state.book, 0, BID, 99) == NO_SLOT


def test_more_traded_than_displayed_is_hidden() -> None:
    state = advance(events_of(START), market())
    here = after([(10, TRADE, -1, 100, 70, LAST), (12, LEVEL, BID, 100, 30, LAST)], state)
    assert (here["traded"], here["added"], here["hidden"], here["refilled"]) == (70, 50, 20, 0)


def test_consumed_and_refilled_within_the_tolerance_is_one_episode() -> None:
    state = advance(events_of(START), market())
    first = level(state)["episode"]
    rows = [(10, TRADE, -1, 100, 50, LAST), (11, LEVEL, BID, 100, 0, LAST)]
    here = after([*rows, (30, LEVEL, BID, 100, 50, LAST)], state)
    assert (here["episode"], here["traded"], here["added"], here["pulled"]) == (first, 50, 50, 0)
    here = after([(40, LEVEL, BID, 100, 0, LAST), (100, LEVEL, BID, 100, 8, LAST)], state)
    assert (here["start_lots"], here["added"], here["traded"], here["peak"]) == (0, 8, 0, 8)


@pytest.mark.parametrize(("side", "flags"), [(-1, RPI), (-1, NOT_FLOW), (0, 0)])
def test_trades_that_met_no_displayed_order_are_not_attributed(side: int, flags: int) -> None:
    state = advance(events_of([*START, (10, TRADE, side, 100, 20, LAST | flags)]), market())
    assert level(state)["pend"] == 0
    assert state.ledger.head[0]["unattributed"] == 20


def test_a_gap_ends_every_ledger_and_snapshots_begin_them() -> None:
    rows = [
        *START,
        (10, TRADE, -1, 100, 20, LAST),
        (11, CLEAR, 0, 0, 0, GAP | LAST),
        (12, TRADE, -1, 100, 6, LAST),
    ]
    state = advance(events_of(rows), market())
    assert state.ledger.sides[0]["unresolved"] == 20
    assert state.ledger.head[0]["unattributed"] == 6
    here = after(snapshot(13, {100: 31}, {110: 9}), state)
    assert (here["start_lots"], here["added"], here["pulled"], here["lots"]) == (31, 0, 0, 31)
    assert after([(90, TIMER, 0, 0, 100, 0)], state)["traded"] == 0


def test_leaving_and_entering_a_full_view_is_neither_pulled_nor_added() -> None:
    state = market()
    state.ledger.head["view_levels"] = 2
    state = advance(events_of(snapshot(0, {100: 5, 99: 6}, {110: 9})), state)
    advance(events_of([(1, LEVEL, BID, 101, 3, 0), (1, LEVEL, BID, 99, 0, LAST)]), state)
    totals = state.ledger.sides[0]
    assert (totals["added"], totals["pulled"]) == (3, 0)
    advance(events_of([(2, LEVEL, BID, 101, 0, 0), (2, LEVEL, BID, 99, 4, LAST)]), state)
    assert (totals["added"], totals["pulled"]) == (3, 3)
    here = level(state, 99)
    assert (here["start_lots"], here["added"], here["lots"]) == (4, 0, 4)
    identity(state)


@settings(max_examples=60, deadline=None)
@given(streams())
def test_equals_the_twin_after_every_event(events: Events) -> None:
    state, twin = market(), NaiveLedger(50 * MS)
    for i in range(events.size):
        assert run_market(events, i, i + 1, state) == i + 1
        twin.on_event(events[i])
        assert ledger_look(state.book, state.ledger) == naive_ledger_look(twin)
        identity(state)


@settings(max_examples=30, deadline=None)
@given(streams(synced=False))
def test_every_traded_lot_is_somewhere(events: Events) -> None:
    state = advance(events, market())
    trades = events[events["kind"] == TRADE]
    sides = state.ledger.sides
    found = sides["traded"].sum() + sides["unresolved"].sum() + state.ledger.slots["pend"].sum()
    assert found + state.ledger.head[0]["unattributed"] == trades["size"].sum()
    assert state.tape.head[0]["prints"] == trades.size


@settings(max_examples=20, deadline=None)
@given(streams())
def test_mirror(events: Events) -> None:
    look = ledger_look(*list(advance(events, market()))[:2])
    mirror = ledger_look(*list(advance(mirrored(events), market()))[:2])
    swapped = {(-at[0], -at[1]): value for at, value in look.items() if isinstance(at, tuple)}
    swapped |= {"unattributed": look["unattributed"], "unresolved": look["unresolved"][::-1]}
    assert mirror == swapped


@settings(max_examples=20, deadline=None)
@given(streams(), st.lists(st.integers(0, 100), max_size=5))
def test_any_cut_of_the_batch_gives_the_same_bytes(events: Events, cuts: list[int]) -> None:
    whole, parts = market(), market()
    run_market(events, 0, events.size, whole)
    edges = [0, *sorted(min(cut, events.size) for cut in cuts), events.size]
    for start, stop in itertools.pairwise(edges):
        assert run_market(events, start, stop, parts) == stop
    for one, other in zip(whole, parts, strict=True):
        for array, same in zip(one, other, strict=True):
            assert array.tobytes() == same.tobytes()


def test_first_sizes_change_nothing() -> None:
    events = random_events(5, 4000)
    twins = NaiveLedger(50 * MS), NaiveLedger(50 * MS)
    for event in events:
        twins[event["instrument"]].on_event(event)
    for sizes in ({"window": 64, "levels": 2, "ring": 1}, {"window": 4096}):
        state = advance(events, market_state(2, **sizes))
        identity(state)
        for k, twin in enumerate(twins):
            assert ledger_look(state.book, state.ledger, k) == naive_ledger_look(twin)


def test_lots_beyond_32_bits() -> None:
    large = 5 * 2**40
    state = advance(events_of(snapshot(0, {100: large}, {110: 9})), market())
    here = after([(1, LEVEL, BID, 100, large // 5, LAST), (2, LEVEL, ASK, 110, 9, LAST)], state)
    assert here["ghost"] == large - large // 5
    assert np.abs(state.ledger.sides["pulled"]).sum() == here["pulled"]
