"""Tape speed: the worked example, silence, the quantile of z; the twin, splits and causality."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.baseline import READY, UNKNOWN, YOUNG
from aggressor.features.parameters import MINUTE_NS, SECOND_NS
from aggressor.features.prints import PrintsParameters, prints_state
from aggressor.features.speed import (
    LONG,
    SHORT,
    SLICE_NS,
    SPEED_PROFILES,
    UNDECIDED,
    SpeedParameters,
    SpeedState,
    run_speed,
    speed_state,
)
from aggressor.schema.event import LAST, TIMER, TRADE, Events, empty_events
from tests.naive import speed as naive

START_NS = 1_700_000_000_000_000_000
PERP = SPEED_PROFILES["perp"]
EAGER = SpeedParameters(orders_min=1, unknown_ns=0, young_ns=0)
EACH = PrintsParameters(gap_ns=0)


def tape(times: list[int], stop_ns: int, timer_ns: int = SLICE_NS) -> Events:
    """Trades of alternating sides, so that each closes the one before, and timers to `stop_ns`."""
    grid = np.arange(START_NS, stop_ns + 1, timer_ns)
    events = empty_events(len(times) + grid.size)
    events["ts_recv"] = events["ts_venue"] = [*times, *grid]
    events["kind"] = [TRADE] * len(times) + [TIMER] * grid.size
    events["side"][: len(times)] = [1 - 2 * (i % 2) for i in range(len(times))]
    events["size"], events["price"], events["flags"] = 1, 100, LAST
    order = np.lexsort((events["kind"] != TIMER, events["ts_recv"]))
    return events[order]


def run(
    events: Events, parameters: SpeedParameters = PERP, cuts: tuple[int, ...] = ()
) -> SpeedState:
    prints, speed = prints_state(1, EACH), speed_state(1, parameters)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_speed(events, start, stop, prints, speed) == stop
    return speed


def steady(seconds: int, a_second: int = 20) -> list[int]:
    gap = SECOND_NS // a_second
    return [START_NS + gap // 2 + i * gap for i in range(seconds * a_second)]


def test_t2_4_ratio_and_poisson_z() -> None:
    quiet = steady(120)  # each closes 50 ms later, with the next: 2 in every slice
    end = START_NS + 120 * SECOND_NS
    busy = [end + 10_000_000 * (2 * i + 1) for i in range(51)]  # the last is still open
    one = run(tape(quiet + busy, end)).series[0, SHORT]
    assert one["rate"] == pytest.approx(20.0, rel=1e-3)
    events = tape(quiet + [ts for ts in busy if ts < end + SECOND_NS], end + SECOND_NS)
    one = run(events).series[0, SHORT]
    assert one["orders"] == 50
    assert one["rate"] == pytest.approx(20.0, rel=1e-3)
    assert one["ratio"] == pytest.approx(2.5, rel=1e-3)
    assert one["z"] == pytest.approx(6.7082, rel=2e-3)
    assert naive.score(50, 20.0) == pytest.approx((2.5, 6.7082), abs=5e-5)


def test_unknown_before_a_minute_then_young_then_ready() -> None:
    for seconds, maturity in ((50, UNKNOWN), (400, YOUNG), (720, READY)):
        speed = run(tape(steady(seconds, 5), START_NS + seconds * SECOND_NS))
        for window in (SHORT, LONG):
            one = speed.series[0, window]
            assert one["maturity"] == maturity
            assert (one["fast"] == UNDECIDED) == (maturity == UNKNOWN)
            assert np.isnan(one["z"]) == (maturity == UNKNOWN)


def test_a_burst_is_fast_and_the_steady_tape_is_not() -> None:
    end = START_NS + 720 * SECOND_NS
    rng = np.random.default_rng(3)
    times = np.sort(rng.integers(START_NS, end, 720 * 5)).tolist()
    calm = run(tape(times, end)).series[0]
    burst = [end - SECOND_NS // 2 + i * 10_000_000 for i in range(45)]
    fast = run(tape(sorted(times + burst), end)).series[0]
    assert calm["fast"].tolist() == [0, 0]
    assert fast["fast"].tolist() == [1, 1]
    assert 1.0 < calm[SHORT]["z_high"] < 6.0  # a Poisson tape: Q.99 of z is near 2.5


def test_the_rate_fades_by_half_in_a_half_life_of_silence() -> None:
    seconds = 600
    before = run(tape(steady(seconds), START_NS + seconds * SECOND_NS)).series[0, SHORT]
    silent = START_NS + seconds * SECOND_NS + PERP.half_life_ns
    after = run(tape(steady(seconds), silent)).series[0, SHORT]
    assert after["weighted"] == pytest.approx(before["weighted"] / 2, rel=0.01)
    assert after["orders"] == 0
    assert after["ratio"] == 0.0


times_strategy = st.lists(
    st.sampled_from([1, 3_000_000, SLICE_NS, SECOND_NS // 3, SECOND_NS, 9 * SECOND_NS]),
    min_size=2,
    max_size=60,
).map(lambda gaps: [START_NS + 1 + int(at) for at in np.cumsum(gaps)])


@settings(max_examples=40)
@given(times_strategy, st.integers(0, 40))
def test_twin(times: list[int], extra: int) -> None:
    stop = (times[-1] // SLICE_NS + 4 + extra) * SLICE_NS
    speed = run(tape(times, stop), EAGER)
    # An order closes with the next print, or at the first timer past the patience.
    patient = [((ts + EACH.patience_ns) // SLICE_NS + 1) * SLICE_NS for ts in times]
    known = list(map(min, patient, [*times[1:], patient[-1]]))
    known = [ts for ts in known if ts <= stop]
    first = naive.slice_of(START_NS)
    for window, kept in ((SHORT, 10), (LONG, 100)):
        one = speed.series[0, window]
        assert one["orders"] == naive.window_count(known, stop, kept)
        past = sum(first < naive.slice_of(ts) <= naive.slice_of(stop) - kept for ts in known)
        assert one["past_orders"] == past
        if past:
            usual = naive.usual_count(known, first, stop, kept, EAGER.half_life_ns)
            expected = naive.score(int(one["orders"]), usual)
            assert (one["ratio"], one["z"]) == pytest.approx(expected, rel=1e-9)
        else:
            assert np.isnan(one["z"])


@settings(max_examples=30)
@given(times_strategy, st.lists(st.integers(0, 200), max_size=5), st.integers(0, 59))
def test_split_and_causality(times: list[int], cuts: list[int], changed: int) -> None:
    stop = times[-1] + SECOND_NS
    events = tape(times, stop)
    whole = run(events, EAGER)
    assert whole.series.tobytes() == run(events, EAGER, tuple(cuts)).series.tobytes()
    at = changed % len(times)
    until = times[at] // SLICE_NS * SLICE_NS
    later = [*times[:at], *(ts + MINUTE_NS for ts in times[at:])]
    one, other = (tape(some, stop + MINUTE_NS) for some in (times, later))
    one, other = (some[some["ts_recv"] <= until] for some in (one, other))
    assert run(one, EAGER).series.tobytes() == run(other, EAGER).series.tobytes()


def test_a_long_silence_is_one_step_and_equals_many() -> None:
    times = steady(30)
    end = START_NS + 30 * SECOND_NS
    stop = end + 10 * MINUTE_NS
    often = run(tape(times, stop), EAGER).series[0]
    events = tape(times, end + SECOND_NS)
    rare = run(np.concatenate([events, tape([], stop, stop - START_NS)[-1:]]), EAGER).series[0]
    for name in ("orders", "past_orders", "past_slices", "weighted", "weight", "rate"):
        np.testing.assert_allclose(rare[name], often[name], rtol=1e-9)
