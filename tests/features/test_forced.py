"""Forced and organic flow: worked sums, publication limits, the twin, bars, mirror, splits."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import footprint as footprints
from aggressor.features import forced as module
from aggressor.features.bars import bar_spec
from aggressor.features.forced import (
    COLUMNS,
    COMPLETE,
    FORCED_DELTA,
    LONG,
    ONE_PER_SECOND,
    ORGANIC_DELTA,
    SESSION,
    SHORT,
    UNKNOWN,
    UNPUBLISHED,
    ForcedParameters,
    ForcedState,
    forced_state,
)
from aggressor.features.series import BarSeries, FootprintState, footprint_state
from aggressor.kernel import kernel
from aggressor.schema.event import (
    LAST,
    LIQUIDATION,
    TIMER,
    TRADE,
    Events,
    empty_events,
)
from tests.detectors.scene import CONTRACT
from tests.naive import forced as naive
from tests.naive.forced import Flow

S = 1_000_000_000
MIDNIGHT = 1_700_006_400 * S
START = MIDNIGHT - 5 * S
STEP = S // 10


@kernel
def run_forced(
    events: Events, start: int, stop: int, forced: ForcedState, footprint: FootprintState
) -> int:
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        if kind == TIMER:
            module.sample(forced, 0, event["ts_recv"])
            continue
        if kind == LIQUIDATION:
            module.on_liquidation(forced, 0, event)
            footprints.on_clock(footprint, 0, event)
        elif kind == TRADE:
            footprints.on_trade(footprint, 0, event)
            module.on_trade(forced, 0, event)
        module.close_bars(forced, footprint, 0)
    return stop


def events_of(flows: list[Flow], timers: list[int]) -> Events:
    """Trades and forced orders in order, a TIMER behind what came up to it."""
    rows = [(one.ts_recv, 0, one) for one in flows] + [(ts, 1, None) for ts in timers]
    rows.sort(key=lambda row: row[:2])
    events = empty_events(len(rows))
    events["flags"] = LAST
    for event, (ts, _, one) in zip(events, rows, strict=True):
        event["ts_recv"] = event["ts_venue"] = ts
        event["kind"] = TIMER
        if one is not None:
            event["kind"] = LIQUIDATION if one.forced else TRADE
            event["ts_venue"], event["price"] = one.ts_venue, one.price
            event["size"], event["side"] = one.lots, one.side
    return events


def state_of(publication: int = COMPLETE, short_ns: int = 10 * S) -> ForcedState:
    return forced_state(1, ForcedParameters(short_ns=short_ns), publication, series=1)


def run(events: Events, forced: ForcedState, cuts: tuple[int, ...] = ()) -> FootprintState:
    footprint = footprint_state([BarSeries(0, bar_spec("1s", CONTRACT))])
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_forced(events, start, stop, forced, footprint) == stop
    return footprint


def trade(second: float, lots: int, side: int, price: int = 1000) -> Flow:
    ts = START + int(second * S)
    return Flow(False, ts, ts, price, lots, side)


def order(second: float, lots: int, side: int, late: float = 0.0) -> Flow:
    ts = START + int(second * S)
    return Flow(True, ts + int(late * S), ts, 1000, lots, side)


FLOWS = [
    trade(0.15, 50, -1),
    order(0.15, 30, -1),
    trade(0.35, 20, 1),
    trade(6.5, 40, 1),
    order(6.5, 10, 1),
    trade(11.5, 7, -1),
]
TIMERS = [START + n * STEP for n in range(125)]


def test_delta_is_split_into_organic_and_forced() -> None:
    forced = state_of()
    run(events_of(FLOWS, TIMERS), forced)
    # at 12.4 s: the last 10 s, the last 60 s, and since midnight (5 s)
    assert forced.split[0, SHORT].tolist() == [10, 33 - 10]
    assert forced.split[0, LONG].tolist() == [10 - 30, 3 + 20]
    assert forced.split[0, SESSION].tolist() == [10, 33 - 10]
    named = dict(zip(COLUMNS, forced.sums[0, LONG].tolist(), strict=True))
    assert named == {
        "volume": 117, "delta": 3, "value": 117_000, "bought": 10, "sold": 30,
        "value_bought": 10_000, "value_sold": 30_000, "orders": 2,
    }  # fmt: skip
    assert forced.since_ns[0, SHORT] == TIMERS[-1] - 10 * S
    assert forced.since_ns[0, LONG] == START  # the tape is younger than a minute


@pytest.mark.parametrize("publication", [UNPUBLISHED, COMPLETE, ONE_PER_SECOND])
def test_what_is_not_published_stays_unknown(publication: int) -> None:
    flows = [one for one in FLOWS if publication != UNPUBLISHED or not one.forced]
    forced = state_of(publication)
    footprint = run(events_of(flows, TIMERS), forced)
    known = publication != UNPUBLISHED
    assert (forced.split[0, :, FORCED_DELTA] != UNKNOWN).all() == known
    assert (forced.split[0, :, ORGANIC_DELTA] != UNKNOWN).all() == known
    bars = forced.bars[0, : int(footprint.head[0]["closed"])]
    assert (bars["publication"] == publication).all()
    assert (bars["organic_delta"] != UNKNOWN).all() == known
    assert (bars["forced_delta"] != UNKNOWN).all() == known


def test_a_bar_holds_the_orders_of_its_own_time_and_names_late_ones() -> None:
    flows = [trade(n, 5, 1) for n in range(8)]
    flows += [order(2.5, 9, -1), order(3.5, 4, 1, late=1.0)]
    forced = state_of()
    footprint = run(events_of(flows, TIMERS), forced)
    bars = forced.bars[0, : int(footprint.head[0]["closed"])]
    by_second = {int((bar["open_ns"] - START) // S): bar for bar in bars}
    assert (by_second[2]["sold"], by_second[2]["forced_delta"]) == (9, -9)
    assert by_second[2]["organic_delta"] == 5 + 9
    assert (by_second[3]["bought"], by_second[4]["late_bought"]) == (0, 4)
    assert by_second[4]["organic_delta"] == 5


flows_of = st.lists(
    st.tuples(
        st.booleans(), st.integers(0, 120), st.integers(0, 8), st.integers(995, 1005),
        st.integers(1, 99), st.sampled_from((1, -1)),
    ),
    max_size=60,
)  # fmt: skip


def made(rows: list[Any]) -> list[Flow]:
    """Flow in order of receive time; forced orders may be published late."""
    flows = [
        Flow(kind, START + tenth * STEP + 1 + i, START + (tenth - late * kind) * STEP, *rest)
        for i, (kind, tenth, late, *rest) in enumerate(rows)
    ]
    return sorted(flows, key=lambda one: one.ts_recv)


@settings(max_examples=60, deadline=None)
@given(flows_of)
def test_sums_and_bars_are_those_of_the_twin(rows: list[Any]) -> None:
    flows, forced = made(rows), state_of(short_ns=3 * S)
    footprint = run(events_of(flows, TIMERS), forced)
    now = TIMERS[-1]
    seen = [one for one in flows if one.ts_recv <= now]
    for w, span in ((SHORT, 3 * S), (LONG, 60 * S)):
        recent = [one for one in seen if one.ts_recv > now - span]
        assert tuple(forced.sums[0, w].tolist()) == naive.sums(recent)
    assert tuple(forced.sums[0, SESSION].tolist()) == naive.sums(naive.session(seen))
    closed = int(footprint.head[0]["closed"])
    bars = footprint.bars[0, :closed]
    spans = [(int(bar["open_ns"]), int(bar["close_ns"]), int(bar["known_ns"])) for bar in bars]
    found = [
        tuple(int(row[name]) for name in ("bought", "sold", "late_bought", "late_sold"))
        for row in forced.bars[0, :closed]
    ]
    assert found == naive.by_bar(flows, spans)
    for row, bar in zip(forced.bars[0, :closed], bars, strict=True):
        assert row["open_ns"] == bar["open_ns"]
        assert row["organic_delta"] + row["forced_delta"] == bar["delta"]


@settings(max_examples=30, deadline=None)
@given(flows_of, st.lists(st.integers(0, 400), max_size=5))
def test_where_the_batches_are_cut_changes_nothing(rows: list[Any], cuts: list[int]) -> None:
    events = events_of(made(rows), TIMERS)
    one, other = state_of(), state_of()
    run(events, one)
    run(events, other, tuple(cuts))
    for name in ("head", "totals", "sums", "split", "since_ns", "marks", "bars"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


@settings(max_examples=30, deadline=None)
@given(flows_of)
def test_a_mirrored_tape_has_mirrored_flow(rows: list[Any]) -> None:
    events = events_of(made(rows), TIMERS)
    turned = events.copy()
    turned["price"] *= -1
    turned["side"] *= -1
    one, other = state_of(), state_of()
    run(events, one)
    run(turned, other)
    np.testing.assert_array_equal(one.split, -other.split)
    np.testing.assert_array_equal(one.sums[0, :, 0], other.sums[0, :, 0])
    np.testing.assert_array_equal(one.sums[0, :, 3], other.sums[0, :, 4])
    np.testing.assert_array_equal(one.sums[0, :, 5], other.sums[0, :, 6])
