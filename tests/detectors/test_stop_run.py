"""Stop run: the worked example, its near-misses, the twin of its breaks, mirror, splits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors.breaks import FROM_STOP_RUN
from aggressor.detectors.stop_run import (
    CONDITIONS,
    EVIDENCE,
    ROUND_NUMBER,
    SWING_HIGH,
    SWING_LOW,
    usual_share,
)
from aggressor.schema.signal import CONFIRMED, REJECTED, STOP_RUN, YOUNG_BASELINE
from tests.detectors.break_stage import (
    ASK,
    BID,
    MS,
    Stage,
    Tape,
    assert_same,
    mirror_rows,
    signals_of,
    stage,
)
from tests.naive import breaks as naive
from tests.searching import examples

X = 1010
PRICES, SIGNED = ("level", "extreme"), ("burst_delta",)
WARM = 1260
SIZES = (1, 4, 1, 3, 1, 4, 1, 4, 1, 4, 1, 3, 1, 4, 1, 4, 1, 3, 4, 4)  # 50 lots, 9 of 20 small


def armed(mirror: bool = False) -> Stage:
    """The stage of T5.7: a swing high at 1010; small is what 40 % of orders are."""
    kind, price = (SWING_LOW, -X) if mirror else (SWING_HIGH, X)
    state = stage(levels=[(price, kind)])
    state.stop.params["small_ppm"] = 400_000
    return state


def warm(steps: int = WARM) -> Tape:
    """Twenty orders and 50 lots in every 3 s."""
    tape = Tape()
    tape.interest(100_000)
    count = 0
    for step in range(steps):
        if step % 3 != 2:
            tape.trade(ASK if count % 2 else BID, SIZES[count % 20], 1 if count % 2 else -1)
            count += 1
        tape.tick()
    return tape


def broken(
    small: int = 18, large: tuple[int, ...] = (25, 25, 25, 25, 24, 24, 24), side: int = 1,
    high: int = 1013, quiet: int = 90, back: bool = True,
) -> Tape:  # fmt: skip
    """Price breaks X, 25 orders of 190 lots within 3 s, and it is back after 12 s."""
    tape = warm()
    sizes = [1] * small + list(large)
    for n, lots in enumerate(sizes):
        tape.trade(X + 1 if n != 10 else high, lots, side if n else 1)
        tape.tick()
    tape.interest(99_900)
    tape.tick(120 - len(sizes))
    if back:
        tape.trade(1009, 1, -1)
    tape.tick(5 + quiet * 10 * (not back))
    return tape


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def run(tape: Tape, state: Stage | None = None, mirror: bool = False) -> Any:
    return signals_of(tape.events(mirror), state or armed(mirror), STOP_RUN)


def test_t5_7_stops_above_a_swing_high() -> None:
    (row,) = run(broken())
    assert (row["phase"], row["side"], row["direction"]) == (CONFIRMED, 1, -1)
    assert (row["low"], row["high"]) == (X, 1013)
    found = seen(row)
    assert (found["level"], found["level_kind"], found["extreme"]) == (X, SWING_HIGH, 1013)
    assert (found["overshoot_ticks"], found["overshoot_limit_ticks"]) == (3, 5)
    assert (found["burst_volume"], found["burst_median"]) == (190, 50)
    assert found["burst_ratio"] == pytest.approx(3.8)
    assert found["burst_delta"] == 190
    assert found["small_share"] == pytest.approx(0.72)
    assert found["small_share_usual"] == pytest.approx(0.45, abs=0.002)
    assert found["small_share_ratio"] == pytest.approx(1.6, abs=0.01)
    assert found["return_seconds"] == pytest.approx(12.0)
    assert found["interest_change"] == pytest.approx(-0.001)
    assert row["provisional"] == YOUNG_BASELINE
    usual = found["small_share_usual"]
    parts = 5 / 3 / 2, 3.8 / 3 / 2, 0.72 / (1.5 * usual) / 2, 1.0
    assert row["score"] == pytest.approx(sum(parts) / 4)


MISSES: dict[str, Callable[[], Tape]] = {
    "overshoot within reach": lambda: broken(high=1016),
    "burst volume": lambda: broken(large=(18,) * 7),
    "delta in break direction": lambda: broken(side=-1),
    "small-order share": lambda: broken(small=11, large=(25,) * 8),
    "back inside in time": lambda: broken(back=False),
}


@pytest.mark.parametrize("condition", list(MISSES))
def test_a_near_miss_names_what_was_missing(condition: str) -> None:
    (row,) = run(MISSES[condition]())
    assert (row["phase"], CONDITIONS[row["failed"]]) == (REJECTED, condition)
    if condition == "back inside in time":
        assert np.isnan(seen(row)["return_seconds"])


def test_a_lost_book_ends_it() -> None:
    tape = warm()
    tape.trade(X + 2, 5, 1)
    tape.tick()
    tape.lose_book()
    tape.tick(3)
    (row,) = run(tape)
    assert (row["phase"], CONDITIONS[row["failed"]]) == (REJECTED, "valid book")


def test_levels_behind_one_another_are_followed_side_by_side() -> None:
    state = armed()
    state.stop.levels[0, 1] = (X - 1, SWING_HIGH, state.stop.levels[0, 0]["since_ns"])
    tape = broken()
    tape.trade(X - 2, 1, -1)
    tape.tick(2)
    (row,) = run(tape, state)
    assert (row["phase"], seen(row)["level"]) == (CONFIRMED, X)
    assert state.stop.head[0]["repeats"] == 1  # the other confirms in a zone that has been said
    assert state.breaks.head[0]["written"] == 2


def test_a_level_is_broken_once() -> None:
    tape = broken()
    for _ in range(30):
        tape.trade(X + 2, 9, 1)
        tape.tick()
    tape.trade(1009, 1, -1)
    tape.tick(60)
    state = armed()
    assert run(tape, state).size == 1
    assert state.stop.head[0]["episodes"] == 1


def test_a_break_that_went_too_far_may_still_fail() -> None:
    state = armed()
    (row,) = run(broken(high=1030), state)
    assert (row["phase"], CONDITIONS[row["failed"]]) == (REJECTED, "overshoot within reach")
    record = state.breaks.ring[0, 0]
    assert (record["failed"], record["extreme"]) == (1, 1030)


def test_a_few_minutes_of_small_orders_do_not_change_what_is_usual() -> None:
    state = armed()
    head = state.stop.head[0]
    head["minute"], head["orders"], head["small"] = 60, 1000, 900
    state.stop.minutes[0, :60] = (100, 40)
    state.stop.minutes[0, 7:20] = (400, 390)
    assert usual_share(state.stop, 0) == pytest.approx(0.4)
    state.stop.minutes[0, 4:60] = (9, 0)  # too few orders to have a share
    assert usual_share(state.stop, 0) == pytest.approx(0.9)


def test_a_touch_of_the_level_is_no_break() -> None:
    tape = warm()
    tape.trade(X, 50, 1)
    tape.tick(100)
    assert run(tape).size == 0


def test_without_baselines_it_is_not_judged_but_the_break_is_kept() -> None:
    tape = warm(20)
    tape.trade(X + 2, 50, 1)
    tape.tick(40)
    tape.trade(1009, 1, -1)
    tape.tick(3)
    state = armed()
    assert run(tape, state).size == 0
    assert state.stop.head[0]["undecided"] == 1
    record = state.breaks.ring[0, 0]
    assert (record["source"], record["failed"], record["lots"]) == (FROM_STOP_RUN, 1, 50)
    assert record["away_tick_lots"] == 100


def test_a_level_counts_from_the_moment_it_is_known() -> None:
    tape = warm(20)
    tape.trade(X + 2, 50, 1)
    tape.tick(3)
    state = armed()
    state.stop.levels["since_ns"] = tape.rows[-1][0] + 1
    run(tape, state)
    assert state.stop.head[0]["episodes"] == 0


def test_an_unknown_effective_tick_watches_nothing() -> None:
    tape = warm(20)
    tape.trade(X + 2, 50, 1)
    tape.tick(3)
    state = stage(tick=0, levels=[(X, SWING_HIGH)])
    run(tape, state)
    assert state.stop.head[0]["episodes"] == 0


@pytest.mark.parametrize("name", ["T5.7", *MISSES])
def test_a_mirrored_tape_gives_mirrored_signals(name: str) -> None:
    tape = broken() if name == "T5.7" else MISSES[name]()
    rows, other = run(tape), run(tape, mirror=True)
    turned = mirror_rows(other, PRICES, SIGNED, EVIDENCE)
    kind = EVIDENCE.index("level_kind")
    turned["evidence"][:, kind] = rows["evidence"][:, kind]
    assert_same(turned, rows)


def test_where_the_batches_are_cut_changes_nothing() -> None:
    events = broken().events()
    whole = signals_of(events, armed())
    assert_same(signals_of(events, armed(), cuts=tuple(range(0, events.size, 11))), whole)


def test_what_comes_later_changes_nothing_earlier() -> None:
    tape, other = broken(), broken()
    for _ in range(50):
        other.trade(X + 9, 99, 1)
        other.tick()
    known = tape.rows[-1][0]
    rows = run(other)
    assert_same(rows[rows["ts_known"] <= known], run(tape))


LEVELS = [(1004, SWING_HIGH), (1007, ROUND_NUMBER), (997, SWING_LOW), (995, ROUND_NUMBER)]
steps = st.lists(
    st.lists(
        st.tuples(st.integers(990, 1012), st.integers(1, 9), st.sampled_from((1, -1))), max_size=3
    ),
    min_size=1,
    max_size=60,
)


@examples(40)
@given(steps)
def test_breaks_are_those_of_the_twin(stream: list[list[tuple[int, int, int]]]) -> None:
    state = stage(levels=LEVELS)
    rule = naive.Rule(
        tick=1, burst=300 * MS, settle=100 * MS, window=1_500 * MS, refractory=400 * MS
    )
    for name, value in (
        ("burst_ns", rule.burst), ("settle_ns", rule.settle), ("return_ns", rule.window),
        ("refractory_ns", rule.refractory),
    ):  # fmt: skip
        state.stop.params[name] = value
    tape = Tape()
    for trades in stream:
        for price, lots, side in trades:
            tape.trade(price, lots, side)
        tape.tick()
    tape.tick(30)
    events = tape.events()
    signals_of(events, state)
    plain: list[naive.Trade | naive.Timer] = []
    for event in events:
        ts = int(event["ts_recv"])
        if event["kind"] == 1:
            plain.append(
                naive.Trade(ts, int(event["price"]), int(event["size"]), int(event["side"]))
            )
        elif event["kind"] == 10:
            plain.append(naive.Timer(ts))
    names = ("direction", "level", "extreme", "lots", "away_tick_lots", "failed")
    found = [
        tuple(int(one[name]) for name in names)
        for one in state.breaks.ring[0, : int(state.breaks.head[0]["written"])]
    ]
    assert sorted(found) == sorted(naive.ended_breaks(plain, LEVELS, rule))
