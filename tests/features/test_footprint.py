"""Bars, footprint cells, value area and VWAP: worked examples, twins and laws."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.bars import (
    DELTA,
    DOLLAR,
    EMPTY_MAX,
    GAP_AT_EDGE,
    IMBALANCE_TICKS,
    IMBALANCE_VOLUME,
    RANGE,
    RENKO,
    RUN_TICKS,
    RUN_VOLUME,
    TICKS,
    TIME,
    VOLUME,
    BarSpec,
    bar_spec,
)
from aggressor.features.footprint import has_room, make_room_for, on_event
from aggressor.features.footprint_batch import feed
from aggressor.features.series import BarSeries, drain, footprint_state, open_bar
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import (
    BAD_CLOCK,
    GAP,
    LAST,
    LEVEL,
    NOT_FLOW,
    STALE,
    TRADE,
    empty_events,
)
from aggressor.schema.instrument import ContractKind, Instrument
from tests.naive.footprint import NaiveSeries, naive_value_area

SECOND = 10**9
MIDNIGHT = 1_723_161_600 * SECOND  # 2024-08-09 00:00 UTC

LINEAR = Instrument(
    venue="binance-usdm",
    symbol="BTCUSDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.10"),
    lot=Decimal("0.001"),
)
INVERSE = Instrument(
    venue="binance-coinm",
    symbol="BTCUSD_PERP",
    kind=ContractKind.INVERSE,
    tick=Decimal("0.1"),
    lot=Decimal(1),
    multiplier=Decimal(100),
)
F1 = {105: (0, 12), 104: (4, 30), 103: (9, 45), 102: (20, 60), 101: (25, 24), 100: (40, 10)} | {
    99: (15, 3)
}


def trades(rows, start_ns=MIDNIGHT + 10 * SECOND):
    """Make TRADE events of (price, size, side[, ns after start[, flags]])."""
    events = empty_events(len(rows))
    for event, row in zip(events, rows, strict=True):
        price, size, side, *rest = row
        event["ts_venue"] = event["ts_recv"] = start_ns + (rest[0] if rest else 0)
        event["price"], event["size"], event["side"] = price, size, side
        event["kind"], event["flags"] = TRADE, LAST | (rest[1] if len(rest) > 1 else 0)
    return events


def run(events, spec, row_ticks=1, cuts=(), small=False):
    """Return (bars, cells of each bar) with the open bar last, feeding the events in pieces."""
    sizes = {"rows": 4, "bars": 2, "cells": 4} if small else {"rows": 64, "bars": 16, "cells": 256}
    state = footprint_state([BarSeries(0, spec, row_ticks)], **sizes)
    taken = []
    edges = [0, *sorted(cuts), events.size]
    for first, stop in pairwise(edges):
        state, closed = feed(state, 0, events[first:stop])
        taken.extend(closed)
    taken.append(drain(state, 0))
    taken.append(open_bar(state, 0, 0))
    bars, cells = [], []
    for closed in taken:
        for bar in closed.bars:
            at = int(bar["first_cell"])
            bars.append(bar)
            cells.append(closed.cells[at : at + int(bar["cells"])])
    return bars, cells


def naive(events, spec, row_ticks=1):
    sign, fade = Fraction(str(spec.sign)), Fraction(str(spec.fade))
    series = NaiveSeries(spec.kind, spec.limit, row_ticks, sign=sign, fade=fade)
    for event in events:
        series.use(event)
    last = series.unfinished()
    return series.bars + ([last] if last else [])


def assert_same(bars, cells, expected):
    assert len(bars) == len(expected)
    for bar, own, twin in zip(bars, cells, expected, strict=True):
        for name, value in twin.items():
            if name in bar.dtype.names and name not in ("cells", "vwap"):
                assert int(bar[name]) == value, name
        assert [tuple(int(x) for x in cell) for cell in own] == twin["cells"]
        if twin["volume"]:
            assert math.isclose(bar["vwap"], float(twin["vwap"]), rel_tol=1e-12)
            sigma = math.sqrt(twin["variance"])
            assert math.isclose(bar["sigma"], sigma, rel_tol=1e-6, abs_tol=1e-6)


def f1_events():
    rows = [
        (p, lots, side) for p, two in F1.items() for lots, side in zip(two, (-1, 1), strict=True)
    ]
    return trades([row for row in rows if row[1]])


MINUTE = BarSpec(TIME, 60 * SECOND, "1m")


def test_t3_1_delta_starts_at_zero_and_keeps_its_extremes():
    events = trades([(100, 5, 1), (100, 3, 1), (100, 10, -1), (100, 4, 1), (100, 1, -1)])
    bars, _ = run(events, MINUTE)
    assert (bars[0]["delta"], bars[0]["delta_max"], bars[0]["delta_min"]) == (1, 8, -2)


def test_t4_2_t4_5a_t4_7_example_f1():
    bars, cells = run(f1_events(), MINUTE)
    bar = bars[0]
    assert (bar["volume"], bar["delta"]) == (297, 71)
    assert {int(c["price"]): (int(c["sold"]), int(c["bought"])) for c in cells[0]} == F1
    assert (bar["poc"], bar["val"], bar["vah"]) == (102, 100, 104)
    assert bar["vwap"] == pytest.approx(101.848485, abs=5e-7)
    assert bar["sigma"] == pytest.approx(1.537611, abs=5e-7)


def test_bar_spec_reads_every_unit_and_says_what_is_wrong():
    assert bar_spec("1m", LINEAR)[:2] == (TIME, 60 * SECOND)
    assert bar_spec("250ms", LINEAR)[:2] == (TIME, SECOND // 4)
    assert bar_spec("1.5s", LINEAR)[:2] == (TIME, 3 * SECOND // 2)
    assert bar_spec("4h", LINEAR)[:2] == (TIME, 4 * 3600 * SECOND)
    assert bar_spec("500t", LINEAR)[:2] == (TICKS, 500)
    assert bar_spec("50v", LINEAR)[:2] == (VOLUME, 50_000)
    assert bar_spec("0.005v", LINEAR)[:2] == (VOLUME, 5)
    assert bar_spec("1000000d", LINEAR)[:2] == (DOLLAR, 10**10)
    assert bar_spec("1000050d", INVERSE)[:2] == (VOLUME, 10_001)
    wrong = ("", "m", "1", "1x", "0m", "-1m", "1.5t", "0.0001v", "1..2s", "1e30v", "m1", "1,5s")
    for text in wrong:
        with pytest.raises(ConfigError, match="cannot be used"):
            bar_spec(text, LINEAR)


def test_a_volume_bar_closes_at_exactly_v_and_splits_the_print():
    spec = BarSpec(VOLUME, 10, "10v")
    bars, cells = run(trades([(100, 7, 1), (101, 26, -1), (102, 1, 1)]), spec, small=True)
    assert [int(bar["volume"]) for bar in bars] == [10, 10, 10, 4]
    assert [int(bar["delta"]) for bar in bars] == [4, -10, -10, -2]
    assert [int(bar["cvd"]) for bar in bars] == [4, -6, -16, -18]
    assert [int(bar["quality"]) for bar in bars] == [0, 0, 0, 2]
    assert len(cells[0]) == 2


def test_a_dollar_bar_closes_on_the_first_whole_lot_that_reaches_it():
    spec = BarSpec(DOLLAR, 1000, "d")
    bars, _ = run(trades([(300, 1, 1), (300, 10, 1)]), spec)
    assert [int(bar["volume"]) for bar in bars] == [4, 4, 3]


def test_empty_time_bars_carry_the_last_close_and_are_written():
    bars, cells = run(trades([(100, 1, 1), (105, 1, 1, 185 * SECOND)]), MINUTE)
    assert [int(bar["volume"]) for bar in bars] == [1, 0, 0, 1]
    assert [int(bar["open"]) for bar in bars] == [100, 100, 100, 105]
    assert len(cells[1]) == 0
    assert [(int(bar["open_ns"]) - MIDNIGHT) // SECOND for bar in bars] == [0, 60, 120, 180]


def test_a_silence_of_too_many_empty_bars_is_a_hole():
    spec = BarSpec(TIME, 1_000_000, "1ms")
    rows = [(100, 1, 1), (101, 1, 1, 150 * SECOND), (102, 1, 1, 150 * SECOND + 1_000_000)]
    bars, _ = run(trades(rows), spec)
    assert len(bars) == 1 + EMPTY_MAX + 2
    assert bars[-2]["open_ns"] == MIDNIGHT + 160 * SECOND
    assert bars[-2]["reasons"] & GAP_AT_EDGE
    assert bars[-2]["cvd"] == 2
    assert sum(int(bar["volume"]) for bar in bars) == 3


def test_other_events_close_a_time_bar_after_its_grace_and_a_late_trade_marks_the_next():
    events = trades([(100, 1, 1), (0, 1, 1, 50 * SECOND), (0, 1, 1, 51 * SECOND)] * 1)
    events["kind"][1:] = LEVEL
    state = footprint_state([BarSeries(0, MINUTE)])
    state, (closed,) = feed(state, 0, events[:2])
    assert closed.bars.size == 0
    state, (closed,) = feed(state, 0, events[2:])
    assert list(closed.bars["known_ns"]) == [MIDNIGHT + 61 * SECOND]
    late = trades([(101, 3, 1, 49 * SECOND), (102, 1, 1, 52 * SECOND)])
    late["ts_recv"] = MIDNIGHT + 62 * SECOND
    state, (closed,) = feed(state, 0, late)
    assert closed.bars.size == 0
    bar = open_bar(state, 0, 0).bars[0]
    assert (bar["volume"], bar["trades"]) == (4, 2)
    assert bar["reasons"] & 32


def test_rows_inside_a_book_message_are_passed_over():
    events = trades([(100, 1, 1), *((0, 1, 1, 59 * SECOND + n) for n in range(3)), (101, 2, 1)])
    events["kind"][1:4] = LEVEL
    events["ts_venue"][1:4] += 3 * SECOND  # past the end of the bar and its grace
    events["flags"][1:3] = 0
    state = footprint_state([BarSeries(0, MINUTE)])
    state, (closed,) = feed(state, 0, events[:3])
    assert closed.bars.size == 0
    state, (closed,) = feed(state, 0, events[3:4])
    assert list(closed.bars["volume"]) == [1]


def test_cvd_is_anchored_at_midnight():
    events = trades(
        [(100, 5, 1), (100, 3, -1, 30 * SECOND), (100, 2, 1, 91 * SECOND)], MIDNIGHT - 30 * SECOND
    )
    bars, _ = run(events, MINUTE)
    assert [int(bar["cvd"]) for bar in bars] == [5, -3, -1]
    bars, _ = run(events, BarSpec(TICKS, 3, "3t"))
    assert [(int(bar["delta"]), int(bar["cvd"])) for bar in bars] == [(4, -1)]


def test_quality_names_its_worst_reason():
    seen = trades([(100, 1, 1, 0)], MIDNIGHT - SECOND)
    seen["kind"] = LEVEL
    whole = np.concatenate([seen, trades([(100, 1, 1), (100, 1, 1, 60 * SECOND)])])
    assert [int(bar["quality"]) for bar in run(whole, MINUTE)[0]] == [0, 2]
    unknown = whole.copy()
    unknown["side"][1] = 0
    assert run(unknown, MINUTE)[0][0]["quality"] == 1
    hole = whole.copy()
    hole["flags"][2] |= GAP
    assert [int(bar["reasons"]) for bar in run(hole, MINUTE)[0]] == [8, 8 | 2]
    silent = whole.copy()
    silent["ts_recv"][2] += 60 * SECOND
    assert [int(bar["quality"]) for bar in run(silent, MINUTE)[0]] == [3, 3]


def test_a_bar_out_of_all_bounds_is_refused_with_advice():
    events = trades([(100, 1, 1), (2_000_000_000, 1, 1)])
    with pytest.raises(ConfigError, match="taller"):
        run(events, MINUTE)
    with pytest.raises(ConfigError, match="larger bars"):
        run(trades([(100, 10**12, 1)]), BarSpec(VOLUME, 1, "1v"))


FLAGS = st.sampled_from([0, 0, 0, 0, 0, GAP, STALE, BAD_CLOCK, NOT_FLOW, GAP | BAD_CLOCK])
STEPS = st.sampled_from([0, 0, 1, 10**8, 7 * 10**8, 3 * SECOND, 40 * SECOND, 130 * SECOND])
SPECS = st.sampled_from(
    [
        BarSpec(TIME, 5 * SECOND, "5s"),
        MINUTE,
        BarSpec(TIME, 7 * 60 * SECOND, "7m"),
        BarSpec(TICKS, 1, "1t"),
        BarSpec(TICKS, 4, "4t"),
        BarSpec(VOLUME, 5, "5v"),
        BarSpec(VOLUME, 23, "23v"),
        BarSpec(DOLLAR, 2500, "d"),
        BarSpec(RANGE, 3, "range:3"),
        BarSpec(RENKO, 1, "renko:1"),
        BarSpec(RENKO, 4, "renko:4"),
        BarSpec(DELTA, 20, "delta:20"),
        BarSpec(IMBALANCE_TICKS, 5, "imbalance:5", 0.4, 0.2),
        BarSpec(IMBALANCE_VOLUME, 40, "imbalance:40v", 0.3, 0.5),
        BarSpec(RUN_TICKS, 5, "run:5", 0.4, 0.2),
        BarSpec(RUN_VOLUME, 60, "run:60v", 0.1, 0.5),
    ]
)


@st.composite
def tapes(draw, plain=False):
    count = draw(st.integers(1, 40))
    events = empty_events(count)
    now = MIDNIGHT - draw(st.sampled_from([1, 30, 200])) * SECOND
    price = 100
    for event in events:
        now += draw(STEPS)
        price += draw(st.integers(-3, 3)) if plain else draw(st.sampled_from([-9, -1, 0, 1, 2, 40]))
        event["ts_recv"] = now + 5
        event["ts_venue"] = now if plain else now - draw(st.sampled_from([0, 0, 0, 1, 2 * SECOND]))
        event["price"] = price
        event["size"] = draw(st.integers(1, 30))
        event["side"] = draw(st.sampled_from([1, -1] if plain else [1, -1, 1, -1, 0]))
        event["kind"] = TRADE if plain else draw(st.sampled_from([TRADE, TRADE, TRADE, LEVEL]))
        event["flags"] = LAST | (0 if plain else draw(FLAGS))
        event["instrument"] = 0 if plain else draw(st.sampled_from([0, 0, 0, 1]))
    return events


@settings(max_examples=60, deadline=None)
@given(tapes(), SPECS, st.sampled_from([1, 3, 10]), st.lists(st.integers(0, 40), max_size=4))
def test_kernel_is_its_twin_however_the_batches_are_cut(events, spec, row_ticks, cuts):
    cuts = [cut for cut in cuts if cut <= events.size]
    bars, cells = run(events, spec, row_ticks, cuts, small=True)
    assert_same(bars, cells, naive(events, spec, row_ticks))
    again, same = run(events, spec, row_ticks)
    assert_same(again, same, naive(events, spec, row_ticks))


@settings(max_examples=30, deadline=None)
@given(tapes(), SPECS, st.sampled_from([1, 3]))
def test_one_event_at_a_time_gives_the_same_bars(events, spec, row_ticks):
    state = footprint_state([BarSeries(0, spec, row_ticks)], rows=4, bars=2, cells=4)
    taken = []
    for event in events:
        if not has_room(state, 0, event):
            taken.append(drain(state, 0))
            state = make_room_for(state, 0, event)
        assert has_room(state, 0, event)
        on_event(state, 0, event)
    taken += [drain(state, 0), open_bar(state, 0, 0)]
    batch, _ = run(events, spec, row_ticks)
    single = [bar for closed in taken for bar in closed.bars]
    names = [name for name in batch[0].dtype.names if name != "first_cell"] if batch else []
    assert [bar[names].tolist() for bar in single] == [bar[names].tolist() for bar in batch]


@settings(max_examples=40, deadline=None)
@given(tapes(plain=True), SPECS)
def test_conservation_and_bounds(events, spec):
    bars, cells = run(events, spec)
    side = events["side"].astype(np.int64)
    assert sum(int(bar["volume"]) for bar in bars) == events["size"].sum()
    assert sum(int(bar["delta"]) for bar in bars) == (events["size"] * side).sum()
    for bar, own in zip(bars, cells, strict=True):
        assert (own["sold"] + own["bought"] + own["unknown"]).sum() == bar["volume"]
        assert (own["bought"] - own["sold"]).sum() == bar["delta"]
        assert bar["delta_min"] <= bar["delta"] <= bar["delta_max"]
        if bar["volume"] == 0:
            continue
        assert bar["low"] <= bar["val"] <= bar["poc"] <= bar["vah"] <= bar["high"]
        volume = {int(c["price"]): int(c["sold"] + c["bought"] + c["unknown"]) for c in own}
        low, high, before, held = naive_value_area(volume, 0.7)
        assert (low, high) == (bar["val"], bar["vah"])
        assert 10 * held >= 7 * bar["volume"] > 10 * before


@settings(max_examples=30, deadline=None)
@given(tapes(), SPECS)
def test_mirror(events, spec):
    mirrored = events.copy()
    mirrored["price"] = -events["price"]
    mirrored["side"] = -events["side"]
    bars, cells = run(events, spec)
    others, reflected = run(mirrored, spec)
    assert len(bars) == len(others)
    for bar, other, own, their in zip(bars, others, cells, reflected, strict=True):
        assert (bar["volume"], bar["trades"]) == (other["volume"], other["trades"])
        assert (bar["delta"], bar["cvd"]) == (-other["delta"], -other["cvd"])
        assert (bar["delta_min"], bar["delta_max"]) == (-other["delta_max"], -other["delta_min"])
        assert [int(x) for x in own["sold"]] == [int(x) for x in their["bought"]][::-1]
        assert [int(x) for x in own["price"]] == [-int(x) for x in their["price"]][::-1]
        assert bar["quality"] == other["quality"]
