"""The run: kernel = naive twin, mirror, and the baseline it is held against."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors import run as module
from aggressor.detectors.run import LENGTHS, RunState, run_state
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    YOUNG,
    BaselineSpec,
    baseline_state,
    read_baseline,
    run_samples,
)
from aggressor.kernel import Int, kernel
from tests.naive import run as naive
from tests.searching import examples

STEP_NS = 100
WINDOW_NS = 8 * STEP_NS
PRINTS = 64


@kernel
def _feed(state: RunState, rows: Any, timer: Int) -> None:
    """Take prints (ts, price, lots, side), then close the sample at `timer`."""
    for i in range(rows.shape[0]):
        module.add_run_print(state, 0, rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3])
    module.close_sample(state, 0, timer)


@kernel
def _find(state: RunState, direction: Int, now: Int, window_ns: Int) -> None:
    module.find_run(state, 0, direction, now, window_ns)


@kernel
def _range(state: RunState, now: Int) -> Int:
    return module.window_range(state, 0, now)


@kernel
def _rows(
    state: RunState, direction: Int, since: Int, extreme: Int, ticks: Int
) -> tuple[Int, Int, Int, Int, Int, bool]:
    return module.count_rows(state, 0, direction, since, extreme, ticks)


@kernel
def _needed(state: RunState, now: Int, n: Int) -> tuple[Int, Int]:
    return module.delta_quantile(state, 0, now, n)


Tape = tuple[list[naive.Print], list[int]]


@st.composite
def tapes(draw: st.DrawFn) -> Tape:
    """Prints on few prices between TIMERs, some of which are missing."""
    prints: list[naive.Print] = []
    timers: list[int] = []
    for step in range(draw(st.integers(1, 24))):
        start = step * STEP_NS
        times = sorted(draw(st.lists(st.integers(1, STEP_NS), max_size=5)))
        for offset in times:
            price, lots = draw(st.integers(-6, 6)), draw(st.integers(1, 9))
            prints.append((start + offset, price, lots, draw(st.sampled_from((1, -1)))))
        if draw(st.integers(0, 9)):
            timers.append(start + STEP_NS)
    if not timers or timers[-1] < 24 * STEP_NS:
        timers.append(24 * STEP_NS)
    return prints, timers


def fed(tape: Tape) -> RunState:
    prints, timers = tape
    state = run_state(1, WINDOW_NS, STEP_NS, prints=PRINTS)
    before = -(2**62)
    for timer in timers:
        rows = [p for p in prints if before < p[0] <= timer]
        _feed(state, np.array(rows, np.int64).reshape(-1, 4), timer)
        before = timer
    return state


def found(state: RunState, direction: int, now: int, window_ns: int) -> naive.Run | None:
    _find(state, direction, now, window_ns)
    row = state.found[0, 0 if direction > 0 else 1]
    return naive.Run(*(int(row[n]) for n in naive.Run._fields)) if row["found"] else None


@examples(50)
@given(tapes(), st.sampled_from((1, -1)), st.integers(0, LENGTHS - 1))
def test_a_run_is_the_largest_move_between_two_samples(
    tape: Tape, direction: int, length: int
) -> None:
    state = fed(tape)
    now = tape[1][-1]
    kept = state.samples.shape[1]
    window_ns = WINDOW_NS >> (LENGTHS - 1 - length)
    expected = naive.find_run(naive.samples_of(*tape)[-kept:], direction, now, window_ns)
    assert found(state, direction, now, window_ns) == expected
    if expected is not None:
        start = next(s for s in naive.samples_of(*tape) if s.ts == expected.start_ts)
        row = state.found[0, 0 if direction > 0 else 1]
        assert (row["start_delta"], row["start_volume"]) == (start.delta, start.volume)


@examples(50)
@given(tapes())
def test_the_sample_a_length_ago_is_followed(tape: Tape) -> None:
    state = fed(tape)
    now, kept = tape[1][-1], state.samples.shape[1]
    for j in range(LENGTHS):
        ts = now - (WINDOW_NS >> (LENGTHS - 1 - j))
        expected = naive.sample_before(naive.samples_of(*tape), ts, kept)
        behind = int(state.head[0]["behind"][j])
        assert (behind > max(0, len(tape[1]) - kept)) is (expected is not None)
        if expected is not None:
            row = state.samples[0, (behind - 1) & (kept - 1)]
            found = tuple(int(row[name]) for name in ("ts", "delta", "volume"))
            assert found == (expected.ts, expected.delta, expected.volume)


@examples(50)
@given(tapes(), st.integers(0, 30 * STEP_NS))
def test_the_range_of_the_window(tape: Tape, later: int) -> None:
    state = fed(tape)
    now, kept = tape[1][-1] + later, state.samples.shape[1]
    inside = [s for s in naive.samples_of(*tape)[-kept:] if now - s.ts <= WINDOW_NS]
    highs = [s.high for s in inside if s.high is not None]
    lows = [s.low for s in inside if s.low is not None]
    expected = max(highs) - min(lows) if highs else 0
    assert _range(state, now) == expected
    assert _range(state, now) == expected, "asking changes nothing"


@examples(50)
@given(
    tapes(),
    st.sampled_from((1, -1)),
    st.integers(-1, 24 * STEP_NS),
    st.integers(-6, 6),
    st.integers(1, 3),
)
def test_rows_are_counted_from_the_extreme_inwards(
    tape: Tape, direction: int, since: int, extreme: int, ticks: int
) -> None:
    state = fed(tape)
    *counted, truncated = _rows(state, direction, since, extreme, ticks)
    row_1, row_2, row_3, largest, against = (int(lots) for lots in counted)
    prints = [p for p in tape[0] if p[0] <= tape[1][-1]]
    overwritten = prints[: max(0, len(prints) - PRINTS)]
    lost = bool(overwritten) and prints[-PRINTS][0] > since
    assert truncated is lost
    expected = naive.count_rows(prints[-PRINTS:], direction, since, extreme, ticks)
    assert naive.Rows((row_1, row_2, row_3), largest, against) == expected


@examples(50)
@given(tapes(), st.integers(1, 3))
def test_a_mirrored_tape_has_the_mirrored_run(tape: Tape, ticks: int) -> None:
    other = ([(ts, -price, lots, -side) for ts, price, lots, side in tape[0]], tape[1])
    state, mirror = fed(tape), fed(other)
    now = tape[1][-1]
    up, down = found(state, 1, now, WINDOW_NS), found(mirror, -1, now, WINDOW_NS)
    if up is None or down is None:
        assert up is down
        return
    assert down == up._replace(start=-up.start, extreme=-up.extreme)
    assert _rows(state, 1, up.start_ts, up.extreme, ticks) == _rows(
        mirror, -1, down.start_ts, down.extreme, ticks
    )


def test_the_quantile_of_like_length_ripens_and_leaves_out_the_window_under_test() -> None:
    second = 1_000_000_000
    state = run_state(1, 8 * second, second)
    quiet = np.zeros((0, 4), np.int64)
    ripeness = []
    now = 0
    for step in range(1, 700):
        now = step * second
        rows = quiet if step < 690 else np.array([[now, 100, 500, 1]], np.int64)
        _feed(state, np.array([[now, 100, 5, 1]], np.int64) if step < 690 else rows, now)
        ripeness.append(_needed(state, now, 3)[1])
    assert ripeness[:60] == [UNKNOWN] * 60
    assert YOUNG in ripeness
    assert ripeness[-1] == READY
    assert ripeness == sorted(ripeness)
    needed, _ = _needed(state, now, 3)
    assert needed == 40  # eight seconds of five lots: the burst is under test, not yet usual


@kernel
def _extreme(base: Any, windows: Int) -> Int:
    return module.extreme_of(base, 0, windows)


@examples(50)
@given(
    st.lists(st.integers(-120, 120), min_size=1, max_size=60), st.sampled_from((0, 99, 100, 5000))
)
def test_the_tail_of_few_windows_is_drawn(values: list[int], windows: int) -> None:
    base = baseline_state([BaselineSpec(10_000)])
    run_samples(np.arange(1, len(values) + 1), np.array(values), base, 0)
    read_baseline(base, 0, 5_000, 500_000)  # a slice that is over counts
    assert _extreme(base, windows) == int(naive.extreme([abs(v) for v in values], windows))


def test_an_hour_of_long_windows_holds_few_of_them() -> None:
    """Each minute trades 60 or 600 lots one way: of ten minutes the largest is no Q0.99."""
    second = 1_000_000_000
    state = run_state(1, 64 * second, second)
    for step in range(1, 700):
        lots = 10 if step // 60 == 5 else 1
        _feed(state, np.array([[step * second, 100, lots, 1]], np.int64), step * second)
    few, _ = _needed(state, 699 * second, 3)  # ten windows of 64 s
    many, _ = _needed(state, 699 * second, 0)  # more than eighty of 8 s
    assert few > 600
    assert many >= 80
