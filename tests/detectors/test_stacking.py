"""Stacking: the worked example as an episode, negative controls, twin, mirror, cuts, causality."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors import stacking as module
from aggressor.detectors.outbox import Outbox, drain, new_outbox
from aggressor.detectors.scene import new_scenes
from aggressor.detectors.stacking import CONDITIONS, EVIDENCE, StackingState, stacking_state
from aggressor.features.bars import TICKS, TIME, VOLUME, BarSpec
from aggressor.features.diagonal import DiagonalParameters
from aggressor.features.footprint import has_room, make_room_for, on_event
from aggressor.features.series import BarSeries, FootprintState, footprint_state
from aggressor.features.series import drain as drain_bars
from aggressor.features.zones import ZONES, ZonesState, zones_state
from aggressor.kernel import Int, kernel
from aggressor.schema.event import GAP, TRADE
from aggressor.schema.signal import (
    CONFIRMED,
    DATA_GAP,
    EXPIRED,
    FIRM,
    REJECTED,
    STACKING,
    YOUNG_BASELINE,
)
from tests.features.test_diagonal import T4_3B
from tests.features.test_footprint import MIDNIGHT, SECOND, trades
from tests.naive.baseline import nearest_rank
from tests.naive.diagonal import NaiveZones
from tests.naive.footprint import NaiveSeries
from tests.searching import examples

FIXED = DiagonalParameters(minimum_lots=10, row_effective_ticks=0.0, refractory_ns=0)
LOTS = sum(sold + bought for sold, bought in T4_3B.values())


@kernel
def _run(
    events: Any,
    start: Int,
    stop: Int,
    footprint: FootprintState,
    zones: ZonesState,
    state: StackingState,
    outbox: Outbox,
    scenes: Any,
) -> Int:
    for i in range(start, stop):
        event = events[i]
        if not has_room(footprint, 0, event):
            return i
        on_event(footprint, 0, event)
        if footprint.head[0]["closed"] != state.head[0]["bars_read"]:
            module.on_bars(state, zones, footprint, outbox, scenes, 0, 0)
        if event["kind"] == TRADE:
            module.on_trade(state, zones, outbox, 0, event)
        if outbox.head[0]["written"] - outbox.head[0]["read"] >= 100:
            return i + 1
    return stop


class Detector:
    """The detector over bars of one lane."""

    def __init__(self, spec: BarSpec, rule: DiagonalParameters = FIXED, tick: int = 1) -> None:
        self.footprint = footprint_state([BarSeries(0, spec)], rows=64, bars=16, cells=256)
        self.zones = zones_state(1, rule)
        self.state = stacking_state([rule])
        self.outbox, self.scenes = new_outbox(), new_scenes(1)
        self.scenes["effective_tick"] = tick

    def feed(self, events: Any) -> list[Any]:
        """Use events; return the SIGNAL rows they made."""
        rows, at = [], 0
        while at < events.size:
            parts = (self.footprint, self.zones, self.state, self.outbox, self.scenes)
            at = int(_run(events, at, events.size, *parts))
            rows.extend(drain(self.outbox))
            drain_bars(self.footprint, 0)
            if at < events.size:
                self.footprint = make_room_for(self.footprint, 0, events[at])
        return rows


def prints(rows: dict[int, tuple[int, int]]) -> list[tuple[int, ...]]:
    """{price: (sold, bought)} as prints, lowest price first."""
    return [
        (price, lots, side)
        for price in sorted(rows)
        for lots, side in zip(rows[price], (-1, 1), strict=True)
        if lots
    ]


def mirror(rows: Any) -> list[tuple[int, ...]]:
    return [(-row[0], row[1], -row[2], *row[3:]) for row in rows]


def seen(row: Any) -> dict[str, float]:
    return {name: float(row["evidence"][j]) for j, name in enumerate(EVIDENCE)}


def brief(row: Any) -> tuple[int, ...]:
    names = ("phase", "failed", "side", "direction", "low", "high", "episode")
    return tuple(int(row[name]) for name in names)


STACK = BarSpec(VOLUME, LOTS, "v")
AFTER = [(206, 1, 1), (204, 1, -1), (203, 1, -1), (202, 1, -1), (206, LOTS - 4, 1)]
BREAK = [(206, LOTS - 1, 1), (200, 1, -1)]


@pytest.mark.parametrize("sign", [1, -1])
def test_t4_3b_a_stack_its_retest_and_its_break(sign: int) -> None:
    tape = prints(T4_3B) + AFTER + BREAK
    rows = Detector(STACK).feed(trades(tape if sign > 0 else mirror(tape)))
    assert all(int(row["kind"]) == STACKING for row in rows)
    low, high = sorted((sign * 201, sign * 203))
    episode = rows[0]["episode"]
    formed, retested, broken = (row for row in rows if row["episode"] == episode)
    assert brief(formed) == (CONFIRMED, 0, sign, sign, low, high, episode)
    assert brief(retested) == (CONFIRMED, 0, sign, sign, low, high, episode)
    failed = CONDITIONS.index("no bar closes beyond the zone")
    assert brief(broken) == (EXPIRED, failed, sign, -sign, low, high, episode)
    assert [seen(row)["state"] for row in (formed, retested, broken)] == [1, 2, 0]
    assert [seen(row)["price"] for row in (formed, retested, broken)] == [
        sign * 204,
        sign * 203,
        sign * 200,
    ]
    evidence = seen(formed)
    assert (evidence["rows"], evidence["lots"], evidence["opposite_lots"]) == (3, 111, 30)
    assert (evidence["difference_min"], evidence["minimum_lots"]) == (22, 10)
    assert (evidence["unopposed_rows"], evidence["row_ticks"], evidence["bar"]) == (0, 1, 0)
    assert (evidence["bar_volume"], evidence["bar_delta"]) == (LOTS, sign * (113 - 71))
    assert formed["score"] == pytest.approx((0.5 + 0.6 + 1.0) / 3)
    assert formed["provisional"] == FIRM
    assert formed["ts_armed"] == formed["ts_confirmed"] == formed["ts_known"]


def test_controls_say_what_was_missing() -> None:
    def told(rows: dict[int, tuple[int, int]], last: tuple[int, int, int]) -> list[Any]:
        tape = [*prints(rows), last]
        spec = BarSpec(TICKS, len(tape), "t")
        return [(int(row["phase"]), CONDITIONS[row["failed"]]) for row in run_of(spec, tape)]

    def run_of(spec: BarSpec, tape: Any) -> list[Any]:
        return [row for row in Detector(spec).feed(trades(tape)) if row["side"] > 0]

    assert told(T4_3B, (204, 1, 1)) == [(CONFIRMED, "")]
    two = {**T4_3B, 202: (8, 20)}
    assert told(two, (204, 1, 1)) == []  # one row here, one there
    two = {**T4_3B, 203: (40, 23)}
    assert told(two, (204, 1, 1)) == [(REJECTED, "enough adjacent rows")]
    small = {200: (3, 1), 201: (3, 12), 202: (2, 11), 203: (1, 12), 204: (1, 1)}
    assert told(small, (204, 1, 1)) == [(REJECTED, "difference at least the minimum")]
    assert told(T4_3B, (200, 1, -1)) == [(REJECTED, "bar closes on the right side of its stack")]
    even: dict[int, tuple[int, int]] = dict.fromkeys(T4_3B, (20, 20))
    assert told(even, (204, 1, 1)) == []


def test_a_zone_is_not_retested_before_price_has_left_it() -> None:
    bar = [*prints(T4_3B), (202, 2, 1)]
    spec = BarSpec(TICKS, len(bar), "t")
    detector = Detector(spec)
    (formed,) = (row for row in detector.feed(trades(bar)) if row["phase"] == CONFIRMED)
    assert seen(formed)["bar_close"] == 202
    assert detector.feed(trades([(201, 1, 1), (203, 1, -1), (204, 1, 1)])) == []
    (retested,) = detector.feed(trades([(203, 1, -1)]))
    assert seen(retested)["state"] == 2
    assert detector.feed(trades([(204, 1, 1), (203, 1, -1)])) == []  # told once
    assert detector.zones.zones[0]["state"].tolist().count(2) == 1


def test_a_zone_price_has_not_left_waits_while_another_is_left() -> None:
    """Buys are stacked at 201 to 203, sells at 203 to 205, and the bar closes at 203."""
    both = {200: (12, 1), 201: (10, 45), 202: (40, 40), 203: (60, 130), 204: (50, 2)}
    both |= {205: (50, 2), 206: (1, 1)}
    bar = [*prints(both), (203, 1, 1)]
    detector = Detector(BarSpec(TICKS, len(bar), "t"))
    rows = [brief(row)[:6] for row in detector.feed(trades(bar))]
    assert rows == [(CONFIRMED, 0, 1, 1, 201, 203), (CONFIRMED, 0, -1, -1, 203, 205)]
    assert detector.feed(trades([(204, 1, 1)])) == []  # inside the zone of sells all the time
    (retested,) = detector.feed(trades([(203, 1, -1)]))
    assert brief(retested)[2:6] == (1, 1, 201, 203)


def test_the_minimum_is_what_the_rows_before_it_say() -> None:
    rule = DiagonalParameters(row_effective_ticks=0.0)
    spec = BarSpec(TIME, SECOND, "1s")
    detector = Detector(spec, rule)
    random = np.random.default_rng(3)
    volumes: list[tuple[int, int]] = []  # (when known, lots of a row)
    rows = []
    for second in range(700):
        start = MIDNIGHT + second * SECOND
        lots = random.integers(1, 40, 4)
        tape = [(100 + i, int(lots[i]), 1, 1 + i) for i in range(4)]
        rows += detector.feed(trades(tape, start))
        # known with the first trade of the next second; each row is read once for either side
        volumes += [(start + SECOND + 1, int(one)) for one in lots for _ in range(2)]
    assert detector.zones.head[0]["undecided"] == pytest.approx(75, abs=16)  # 60 s, whole slices
    told = [row for row in rows if seen(row)["minimum_lots"] > 0]
    assert {int(row["provisional"]) for row in told} == {YOUNG_BASELINE, FIRM}
    for row in told[:: len(told) // 20]:
        grid = 15 * SECOND
        edge = int(row["ts_known"]) // grid * grid
        before = [lots for known, lots in volumes if known <= edge]
        assert seen(row)["minimum_lots"] == nearest_rank(before, 750_000)


def test_without_an_effective_tick_or_a_whole_bar_nothing_is_said() -> None:
    tape = prints(T4_3B)
    rule = DiagonalParameters(minimum_lots=10)
    blind = Detector(STACK, rule, tick=0)
    assert blind.feed(trades(tape)) == []
    assert blind.zones.head[0]["undecided"] == 1
    later = [(*row, SECOND) for row in tape]
    holed = [*later[:3], (*later[3], GAP), *later[4:]]
    spec = BarSpec(TIME, 5 * SECOND, "5s")
    first = [(200, 1, 1), (200, 1, 1, 6 * SECOND)]
    detector = Detector(spec)
    early = [(price, lots, side, 6 * SECOND) for price, lots, side in tape]
    rows = detector.feed(trades([*first[:1], *later, *early, (204, 1, 1, 11 * SECOND)]))
    assert detector.zones.head[0]["undecided"] == 1  # the recording began inside the first
    assert [int(row["provisional"]) for row in rows if row["phase"] == CONFIRMED] == [FIRM]
    spec = BarSpec(VOLUME, LOTS, "v")
    rows = Detector(spec).feed(trades(holed))
    assert [int(row["provisional"]) for row in rows if row["phase"] == CONFIRMED] == [DATA_GAP]


def test_newer_zones_take_the_place_of_the_oldest_and_repeats_wait() -> None:
    tape: list[tuple[int, ...]] = []
    for i in range(ZONES + 1):
        tape += [(price + 10 * i, lots, side) for price, lots, side in prints(T4_3B)]
    detector = Detector(STACK)
    rows = [row for row in detector.feed(trades(tape)) if row["side"] > 0]
    out = [row for row in rows if row["phase"] == EXPIRED]
    assert [(CONDITIONS[row["failed"]], int(row["low"])) for row in out] == [
        ("among the newest zones", 201)
    ]
    assert detector.zones.head[0]["formed"] == ZONES + 1
    waiting = Detector(STACK, DiagonalParameters(minimum_lots=10, refractory_ns=SECOND))
    twice = prints(T4_3B) + [(*row, SECOND - 1) for row in prints(T4_3B)]
    rows = waiting.feed(trades(twice))
    assert waiting.zones.head[0]["repeated"] == 1
    assert [int(row["phase"]) for row in rows if row["side"] > 0] == [CONFIRMED, CONFIRMED]
    assert [seen(row)["state"] for row in rows if row["side"] > 0] == [1, 2]


SPECS = st.sampled_from([BarSpec(TICKS, 9, "9t"), BarSpec(VOLUME, 40, "40v")])
RULES = st.builds(
    DiagonalParameters,
    ratio=st.sampled_from([1.5, 2.0]),
    minimum_lots=st.sampled_from([1, 3]),
    rows_min=st.sampled_from([2, 3]),
    row_effective_ticks=st.sampled_from([0.0, 1.0]),
    refractory_ns=st.sampled_from([0, 20]),
)
TAPES = st.lists(
    st.tuples(st.integers(-2, 2), st.sampled_from([1, 2, 6, 9]), st.sampled_from([1, 1, -1])),
    min_size=1,
    max_size=120,
)


def tape_of(steps: Any) -> list[tuple[int, ...]]:
    """(price step, lots, side) -> prints one nanosecond apart."""
    price, tape = 0, []
    for i, (step, lots, side) in enumerate(steps):
        price += step
        tape.append((price, lots, side, i))
    return tape


@examples(50)
@given(TAPES, SPECS, RULES, st.sampled_from([1, 2]), st.lists(st.integers(0, 120), max_size=3))
def test_kernel_is_its_twin_however_it_is_cut(
    steps: Any, spec: BarSpec, rule: DiagonalParameters, tick: int, cuts: list[int]
) -> None:
    events = trades(tape_of(steps))
    detector = Detector(spec, rule, tick)
    edges = [0, *sorted(cut for cut in cuts if cut < events.size), events.size]
    rows = [
        row for first, stop in pairwise(edges) for row in detector.feed(events[first:stop].copy())
    ]
    height = tick if rule.row_effective_ticks else 1
    twin = NaiveZones(rule, rule.minimum_lots, height)
    series = NaiveSeries(spec.kind, spec.limit)
    for event in events:
        before = len(series.bars)
        series.use(event)
        for bar in series.bars[before:]:
            cells = {price: lots for price, _, *lots in bar["cells"]}
            twin.bar(cells, bar["close"], bar["known_ns"])
        twin.trade(int(event["price"]))
    states = {"formed": 1, "retested": 2}
    failed = ("too few", "too small", "wrong close", "broken")
    expected = [
        (states.get(what, 0), failed.index(what) + 1 if what in failed else 0, *rest)
        for what, *rest in twin.told
    ]
    names = ("rows", "lots", "opposite_lots", "unopposed_rows")
    assert [
        (
            *(int(seen(row)["state"]), int(row["failed"]), int(row["side"])),
            *(int(row["low"]), int(row["high"]), *(int(seen(row)[name]) for name in names)),
        )
        for row in rows
    ] == expected


@examples(50)
@given(TAPES, SPECS, RULES, st.sampled_from([1, 3]))
def test_mirror(steps: Any, spec: BarSpec, rule: DiagonalParameters, tick: int) -> None:
    tape = tape_of(steps)

    def told(rows: list[Any], sign: int) -> list[Any]:
        kept = []
        for row in rows:
            evidence = seen(row)
            for name in ("price", "bar_close", "bar_delta"):
                evidence[name] *= sign
            ends = sorted((sign * int(row["low"]), sign * int(row["high"])))
            kept.append(
                (
                    *(int(row["ts_known"]), sign * int(row["side"]), *ends, int(row["phase"])),
                    *(int(row["failed"]), sign * int(row["direction"]), float(row["score"])),
                    *evidence.values(),
                )
            )
        return sorted(kept)

    rows = Detector(spec, rule, tick).feed(trades(tape))
    others = Detector(spec, rule, tick).feed(trades(mirror(tape)))
    assert told(rows, 1) == told(others, -1)


@examples(50)
@given(TAPES, SPECS, RULES, st.integers(0, 120))
def test_later_trades_change_nothing_earlier(
    steps: Any, spec: BarSpec, rule: DiagonalParameters, cut: int
) -> None:
    tape = tape_of(steps)
    cut = min(cut, len(tape))
    other = tape[:cut] + [(price + 40, 7, -side, ts) for price, _, side, ts in tape[cut:]]
    known = MIDNIGHT + 10 * SECOND + (tape[cut][3] if cut < len(tape) else len(tape))
    mine = [
        row.tobytes() for row in Detector(spec, rule).feed(trades(tape)) if row["ts_known"] < known
    ]
    theirs = [
        row.tobytes() for row in Detector(spec, rule).feed(trades(other)) if row["ts_known"] < known
    ]
    assert mine == theirs
