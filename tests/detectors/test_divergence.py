"""Divergence at a location: T3.3, near-misses, negative controls, mirror, split and twin."""

from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors.divergence import (
    CONDITIONS,
    EVIDENCE,
    PROFILES,
    DivergenceState,
    divergence_state,
    run_divergence,
)
from aggressor.detectors.outbox import drain, new_outbox
from aggressor.detectors.scene import new_scenes
from aggressor.features.bars import PARTIAL
from aggressor.features.locations import (
    HVN_EDGE,
    HVN_PEAK,
    NAKED_POC,
    NEVER_NS,
    VALUE_EDGE,
    WALL_LOCATION,
    locations_state,
)
from aggressor.features.swings import swings_state
from aggressor.features.wall_records import WALL_PROFILES, walls_state
from aggressor.schema.signal import (
    CONFIRMED,
    DATA_GAP,
    DIVERGENCE,
    EVIDENCE_MAX,
    FIRM,
    REJECTED,
    YOUNG_BASELINE,
)
from tests.features.test_swings import bars_of, t3_3
from tests.naive.swings import naive_divergences
from tests.searching import examples

AT_SWING = [(107, 107, VALUE_EDGE)]
PERP = PROFILES["perp"]
RULE = msgspec.structs.replace(PERP, chance_ppm=0)  # R3.3 alone


class Case:
    """What stands around a tape of bars; `run` gives the signals."""

    def __init__(self, locations: list[tuple[int, int, int]] = AT_SWING, *, tick: int = 1) -> None:
        self.locations = locations_state(1)
        for i, location in enumerate(locations):
            self.locations.locations[0, i] = location
        self.locations.head[0]["locations"] = len(locations)
        self.walls = walls_state(1, WALL_PROFILES["perp"])
        self.scenes = new_scenes(1)
        self.scenes["effective_tick"], self.scenes["valid"] = tick, 1
        self.state: DivergenceState = divergence_state(1, RULE)

    def run(self, bars: Any, order: int = 2, cuts: tuple[int, ...] = ()) -> Any:
        outbox, swings = new_outbox(), swings_state([order])
        rows = []
        for start, stop in pairwise([0, *sorted(cut % (bars.size + 1) for cut in cuts), bars.size]):
            run_divergence(
                bars, start, stop, self.state, outbox, swings, self.locations, self.walls,
                self.scenes, 0, 0,
            )  # fmt: skip
            rows.append(drain(outbox))
        return np.concatenate(rows)


def seen(signal: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, signal["evidence"].tolist(), strict=False))


def test_t3_3_bearish_divergence_known_at_bar_9() -> None:
    assert len(EVIDENCE) <= EVIDENCE_MAX
    bars = t3_3()
    case = Case()
    (signal,) = case.run(bars)
    assert (signal["kind"], signal["phase"], signal["failed"]) == (DIVERGENCE, CONFIRMED, 0)
    assert (signal["side"], signal["direction"]) == (1, -1)
    assert (signal["low"], signal["high"], signal["episode"]) == (105, 107, 1)
    assert signal["ts_armed"] == bars["close_ns"][7]
    assert signal["ts_confirmed"] == bars["close_ns"][9]
    assert signal["ts_known"] == bars["known_ns"][9]
    assert signal["provisional"] == FIRM
    assert signal["params"] == case.state.head[0]["hash"] != 0
    evidence = seen(signal)
    assert (evidence["price_before"], evidence["price"], evidence["price_change"]) == (105, 107, 2)
    assert (evidence["cvd_before"], evidence["cvd"], evidence["cvd_change"]) == (60, 48, -12)
    assert (evidence["turnover"], evidence["cvd_needed"]) == (32, pytest.approx(1.6))
    assert (evidence["bars_apart"], evidence["seconds_apart"], evidence["order"]) == (5, 300, 2)
    assert (evidence["hidden"], evidence["effective_tick"]) == (0, 1)
    assert evidence["location_kind"] == VALUE_EDGE
    assert (evidence["location_ticks"], evidence["location_ticks_max"]) == (0, 3)
    assert signal["score"] == 1.0  # twice every threshold
    assert case.run(bars[:9]).size == 0


def test_the_score_is_a_half_at_the_thresholds() -> None:
    bars = bars_of([0, 1, 5, 1, 1, 1, 1, 6, 1, 1], [0, 0, 0, 19, -21, 0, 0, 0, 0, 0])
    (signal,) = Case([(9, 9, VALUE_EDGE)]).run(bars)
    evidence = seen(signal)
    assert (evidence["cvd_change"], evidence["cvd_needed"]) == (-2, 2)
    assert signal["score"] == 0.5


def test_hidden_divergence_argues_for_the_trend() -> None:
    bars = t3_3()
    bars["high"][7] = 104
    bars["high"][[6, 8]] = 103
    bars["delta"][5:8] = 30
    (signal,) = Case([(104, 104, HVN_EDGE)]).run(bars)
    evidence = seen(signal)
    assert (signal["phase"], signal["direction"], evidence["hidden"]) == (CONFIRMED, -1, 1)
    assert (evidence["price_change"], evidence["cvd_change"]) == (-1, 70)
    assert evidence["location_kind"] == HVN_EDGE


def test_a_divergence_away_from_every_location_is_a_near_miss() -> None:
    (signal,) = Case([(100, 103, VALUE_EDGE), (107, 107, HVN_PEAK)]).run(t3_3())
    assert (signal["phase"], CONDITIONS[signal["failed"]]) == (REJECTED, "location")
    assert seen(signal)["location_ticks"] == 4
    (signal,) = Case([(100, 104, VALUE_EDGE)]).run(t3_3())
    assert (signal["phase"], seen(signal)["location_ticks"]) == (CONFIRMED, 3)


def test_a_book_that_is_not_valid() -> None:
    case = Case()
    case.scenes["valid"] = 0
    (signal,) = case.run(t3_3())
    assert (signal["phase"], CONDITIONS[signal["failed"]]) == (REJECTED, "valid book")


def test_not_enough_known_is_a_third_answer() -> None:
    for case in (Case(tick=0), Case([])):
        assert case.run(t3_3()).size == 0
        assert case.state.head[0]["undecided"] == 1


def test_negative_controls() -> None:
    agreeing = t3_3()
    agreeing["delta"][6] += 20  # the CVD makes a higher high too
    small = t3_3()
    small["delta"][6] += 11  # CVD falls by 1, 5 % of the turnover are more
    near = np.delete(t3_3(), 5)  # four bars apart
    quiet = t3_3()
    quiet["delta"] = 0
    for bars in (agreeing, small, near, quiet):
        case = Case()
        assert case.run(bars).size == 0
        assert case.state.head[0]["undecided"] == 0
    assert Case(tick=3).run(t3_3()).size == 0  # price rose by less than one effective tick


def test_swings_too_far_apart() -> None:
    flat = [100] * 60
    for extra, count in ((55, 1), (56, 0)):
        middle = flat[:extra]
        highs = [100, 102, 105, 103, *middle, 101, 102, 104, 107, 104, 102]
        deltas = [0] * 3 + [-5] * (len(highs) - 3)
        signals = Case().run(bars_of(highs, deltas))
        assert len(signals) == count
        assert all(seen(one)["bars_apart"] == 60 for one in signals)


def test_a_wall_is_a_location() -> None:
    case = Case()
    case.locations.locations[0, 0]["low"] = case.locations.locations[0, 0]["high"] = 110
    wall = case.walls.walls[0, 1, 2]
    wall["price"], wall["live"] = 109, 1
    (signal,) = case.run(t3_3())
    evidence = seen(signal)
    assert (evidence["location_kind"], evidence["location_low"]) == (WALL_LOCATION, 109)
    assert evidence["location_ticks"] == 2


@pytest.mark.parametrize(("late", "count"), [(0, 1), (-1, 0)])
def test_a_wall_that_stood_until_after_the_swing_counts(late: int, count: int) -> None:
    bars = t3_3()
    case = Case([])
    case.walls.head["ended"] = 1
    case.walls.ended[0, 0]["price"] = 107
    case.walls.ended[0, 0]["ended_ns"] = bars["known_ns"][7] + late
    assert case.run(bars).size == count


@pytest.mark.parametrize(("late", "count"), [(0, 1), (-1, 0)])
def test_a_poc_that_the_swing_itself_touched_counts(late: int, count: int) -> None:
    bars = t3_3()
    case = Case([])
    case.locations.head["sessions"] = 1
    naked = case.locations.naked[0, 0]
    naked["low"] = naked["high"] = 106
    naked["killed_ns"] = bars["open_ns"][7] + late
    signals = case.run(bars)
    assert signals.size == count
    assert all(seen(one)["location_kind"] == NAKED_POC for one in signals)


def test_why_it_is_provisional() -> None:
    case = Case()
    case.scenes["young"] = 1
    assert case.run(t3_3())["provisional"].tolist() == [YOUNG_BASELINE]
    bars = t3_3()
    bars["quality"][4] = PARTIAL
    (signal,) = Case().run(bars)
    assert (signal["provisional"], seen(signal)["doubtful_bars"]) == (DATA_GAP, 1)


def test_it_rests_after_it_was_confirmed() -> None:
    twice = np.concatenate([t3_3(), t3_3()])
    twice["high"][10:] += 3
    twice["known_ns"] = np.arange(20) * 10**9
    twice["delta"][10:] = -3
    anywhere = [(0, 200, VALUE_EDGE)]
    assert [seen(one)["price"] for one in Case(anywhere).run(twice)] == [107, 108, 110]
    patient = Case(anywhere)
    slow = msgspec.structs.replace(RULE, refractory_ns=60 * 10**9)
    patient.state = divergence_state(1, slow)
    assert [seen(one)["price"] for one in patient.run(twice)] == [107]


level = st.integers(-6, 6)
tapes = st.lists(st.tuples(level, st.integers(0, 3), st.integers(-9, 9)), min_size=20, max_size=120)
PLACES = [(-3, -3, HVN_EDGE), (3, 4, VALUE_EDGE)]


def bars_from(rows: list[Any]) -> Any:
    low, height, delta = np.array(rows).T
    return bars_of((low + height).tolist(), delta.tolist(), low.tolist())


@examples(80)
@given(tapes, st.sampled_from([1, 2]), st.sampled_from([1, 2]))
def test_twin(rows: list[Any], order: int, tick: int) -> None:
    bars = bars_from(rows)
    case = Case(PLACES, tick=tick)
    signals = case.run(bars, order)
    for sign, name in ((1, "high"), (-1, "low")):
        twin = naive_divergences(
            (sign * bars[name].astype(int)).tolist(), (sign * bars["delta"]).tolist(), order, tick
        )
        found = signals[signals["side"] == sign]
        expected = []
        for before, after, form in twin:
            price = int(bars[name][after])
            away = min(max(low - price, price - high, 0) for low, high, _ in PLACES)
            phase = CONFIRMED if away <= 3 * tick else REJECTED
            armed, confirmed = bars["close_ns"][after], bars["close_ns"][after + order]
            expected.append((phase, armed, confirmed, int(form == "hidden"), after - before))
        assert [
            (s["phase"], s["ts_armed"], s["ts_confirmed"], e["hidden"], e["bars_apart"])
            for s, e in ((one, seen(one)) for one in found)
        ] == expected


@examples(40)
@given(tapes, st.lists(st.integers(0, 200), max_size=5))
def test_split(rows: list[Any], cuts: list[int]) -> None:
    bars = bars_from(rows)
    np.testing.assert_array_equal(Case(PLACES).run(bars), Case(PLACES).run(bars, cuts=tuple(cuts)))


@examples(40)
@given(tapes, st.integers(0, 120))
def test_causality(rows: list[Any], keep: int) -> None:
    bars = bars_from(rows)
    later = bars.copy()
    later["delta"][keep:] += 7
    later["high"][keep:] += 5
    one, other = Case(PLACES).run(bars), Case(PLACES).run(later)
    limit = bars["known_ns"][min(keep, bars.size - 1)]
    np.testing.assert_array_equal(one[one["ts_known"] < limit], other[other["ts_known"] < limit])


@examples(40)
@given(tapes)
def test_mirror(rows: list[Any]) -> None:
    bars = bars_from(rows)
    mirrored = bars.copy()
    mirrored["high"], mirrored["low"] = -bars["low"], -bars["high"]
    mirrored["delta"], mirrored["cvd"] = -bars["delta"], -bars["cvd"]
    one = Case(PLACES).run(bars)
    other = Case([(-high, -low, kind) for low, high, kind in PLACES]).run(mirrored)
    here = sorted((int(s["ts_known"]), int(s["side"])) for s in one)
    there = sorted((int(s["ts_known"]), -int(s["side"])) for s in other)
    assert here == there
    for signal in one:
        (twin,) = other[
            (other["ts_known"] == signal["ts_known"]) & (other["side"] == -signal["side"])
        ]
        assert (twin["low"], twin["high"]) == (-signal["high"], -signal["low"])
        assert (twin["phase"], twin["score"]) == (signal["phase"], signal["score"])
        assert twin["direction"] == -signal["direction"]
        a, b = seen(signal), seen(twin)
        for name in ("price", "cvd", "price_before", "cvd_before", "price_change", "cvd_change"):
            assert a[name] == -b[name]
        for name in ("location_kind", "location_ticks", "hidden", "turnover", "bars_apart"):
            assert a[name] == b[name]
        assert a["location_low"] == -b["location_high"]


def after_quiet(lots: int, quiet: int = 40) -> Any:
    """T3.3 behind bars without swings whose deltas are of `lots`, one way and the other."""
    highs = [90 - i for i in range(quiet)] + [100, 102, 105, 103, 101, 102, 104, 107, 104, 102]
    deltas = [lots if i % 2 else -lots for i in range(quiet)] + t3_3()["delta"].tolist()
    return bars_of(highs, deltas)


def asked(bars: Any) -> tuple[Any, DivergenceState]:
    """What is said of bars where chance is asked for."""
    case = Case()
    case.state = divergence_state(1, PERP)
    return case.run(bars), case.state


def test_a_delta_that_chance_would_lead_as_far_is_a_near_miss() -> None:
    (signal,), _ = asked(after_quiet(4))
    found = seen(signal)
    assert (signal["phase"], signal["provisional"]) == (CONFIRMED, FIRM)
    assert found["cvd_needed"] == found["delta_usual"] == pytest.approx(4 * 5**0.5)
    (signal,), _ = asked(after_quiet(6))
    assert (signal["phase"], CONDITIONS[signal["failed"]]) == (REJECTED, "delta beyond chance")


def test_chance_leads_further_where_more_is_traded() -> None:
    bars = after_quiet(4)
    bars["volume"][-5:] = 900  # between the swings, and behind
    (signal,), _ = asked(bars)
    assert seen(signal)["cvd_needed"] == pytest.approx(4 * (3 * 9 + 2) ** 0.5)
    assert CONDITIONS[signal["failed"]] == "delta beyond chance"
    bars = after_quiet(12)
    bars["volume"][:40] = 900  # the quiet bars were busy: their deltas are small for that
    (signal,), _ = asked(bars)
    assert seen(signal)["cvd_needed"] == pytest.approx(4 * 5**0.5)


def test_chance_is_not_known_from_few_bars() -> None:
    signals, state = asked(after_quiet(1, quiet=6))
    assert (signals.size, state.head[0]["undecided"]) == (0, 1)
    signals, state = asked(after_quiet(1, quiet=12))
    assert set(signals["provisional"].tolist()) <= {YOUNG_BASELINE}


def test_a_naked_poc_still_naked() -> None:
    case = Case([])
    case.locations.head["sessions"] = 1
    case.locations.naked[0, 0] = (105, 105, 0, NEVER_NS, 1)
    (signal,) = case.run(t3_3())
    assert (signal["phase"], seen(signal)["location_low"]) == (CONFIRMED, 105)
