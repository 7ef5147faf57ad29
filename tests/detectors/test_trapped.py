"""Trapped traders: the worked example, its near-misses, the twin, mirror and splits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors import trapped as module
from aggressor.detectors.breaks import BREAK, FROM_STOP_RUN, BreaksState, add_break, breaks_state
from aggressor.detectors.outbox import drain, new_outbox
from aggressor.detectors.scene import new_scenes
from aggressor.detectors.stop_run import SWING_HIGH, SWING_LOW
from aggressor.detectors.trapped import CONDITIONS, EVIDENCE, TrappedParameters, trapped_state
from aggressor.features.baseline import READY
from aggressor.features.fade import FADE_PROFILES, fade_state
from aggressor.kernel import kernel
from aggressor.schema.signal import CONFIRMED, EXPIRED, REJECTED, TRAPPED, YOUNG_BASELINE
from tests.detectors.break_stage import (
    ASK,
    BID,
    START_NS,
    STEP_NS,
    Stage,
    Tape,
    assert_same,
    mirror_rows,
    signals_of,
    stage,
)
from tests.naive import trapped as naive
from tests.searching import examples

X = 1010
PRICES = ("level", "extreme", "average_price", "mid")


@kernel
def _end(breaks: BreaksState, broken: Any, i: int) -> None:
    add_break(breaks, 0, FROM_STOP_RUN, 1, START_NS, broken[i])


def known(usual: int = 10, mirror: bool = False) -> Stage:
    """A swing high at 1010, and thirty breaks before that took `usual` lots each."""
    level = (-X, SWING_LOW) if mirror else (X, SWING_HIGH)
    state = stage(levels=[level])
    state.breaks.ring[0, :30]["lots"] = usual
    state.breaks.head[0]["written"] = 30
    return state


def failed_break(wait: int = 20, back: bool = True) -> Tape:
    """Buyers pay 1013 and 1015 above 1010; price is back at 1009 after `wait` steps."""
    tape = Tape()
    for n in range(1000):
        tape.trade(ASK if n % 2 else BID, 1 + n % 3, 1 if n % 2 else -1)
        tape.tick()
    tape.trade(1013, 120, 1)
    tape.tick()
    tape.trade(1015, 80, 1)
    tape.move_touch(1008, 1010, BID, ASK)
    tape.tick(wait)
    if back:
        tape.trade(1009, 1, -1)
    tape.tick(max(1, 33 - wait))  # the burst of a stop run is over then
    return tape


def sold_out() -> Tape:
    tape = failed_break()
    tape.trade(1009, 40, -1)
    tape.tick(3)
    return tape


def well_inside() -> Tape:
    tape = failed_break()
    tape.move_touch(1005, 1006, 1008, 1010)
    tape.tick(3)
    return tape


def freed() -> Tape:
    tape = failed_break()
    tape.move_touch(1015, 1017, 1008, 1010)
    tape.tick(3)
    return tape


def waited() -> Tape:
    tape = failed_break()
    tape.tick(610)
    return tape


def lost() -> Tape:
    tape = failed_break()
    tape.lose_book()
    tape.tick(2)
    return tape


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def run(tape: Tape, state: Stage | None = None, mirror: bool = False) -> Any:
    return signals_of(tape.events(mirror), state or known(mirror=mirror), TRAPPED)


def test_t5_9_buyers_above_a_failed_break() -> None:
    (row,) = run(sold_out())
    assert (row["phase"], row["side"], row["direction"]) == (CONFIRMED, 1, -1)
    assert (row["low"], row["high"]) == (X, 1015)
    found = seen(row)
    assert (found["level"], found["source"]) == (X, FROM_STOP_RUN)
    assert (found["trapped_lots"], found["trapped_quantile"]) == (200, 10)
    assert found["average_price"] == pytest.approx(1013.8)
    assert found["mid"] == 1009
    assert found["pain_lot_ticks"] == pytest.approx(960)
    assert found["delta_against"] >= found["delta_quantile"] > 0
    assert found["reentry_seconds"] == pytest.approx(2.1)
    assert row["provisional"] == YOUNG_BASELINE  # thirty breaks are few
    assert row["score"] == 1.0


ENDS = {
    "sold": (sold_out, CONFIRMED, ""),
    "inside": (well_inside, CONFIRMED, ""),
    "freed": (freed, REJECTED, "price inside the break"),
    "waited": (waited, EXPIRED, "aggression against them, or price well inside"),
    "lost": (lost, REJECTED, "valid book"),
}


@pytest.mark.parametrize("name", list(ENDS))
def test_an_episode_ends(name: str) -> None:
    make, phase, failed = ENDS[name]
    (row,) = run(make())
    assert (row["phase"], CONDITIONS[row["failed"]]) == (phase, failed)


def test_a_break_that_took_no_more_than_usual_traps_nobody() -> None:
    state = known(usual=201)
    assert run(well_inside(), state).size == 0
    assert state.trapped.head[0]["episodes"] == 0


def test_what_a_long_break_took_counts_for_the_time_of_a_burst() -> None:
    tape = failed_break(wait=60)  # 200 lots in 6.1 s are 98 in the 3 s of a burst
    tape.move_touch(1005, 1006, 1008, 1010)
    tape.tick(3)
    told = []
    for usual, ratio in ((98, 1), (99, 1), (98, 2)):
        state = known(usual=usual)
        state.trapped.params["usual_ratio"] = ratio  # of 60 lots, what trades in such a time
        told.append(run(tape, state).size)
    assert told == [1, 0, 0]


def test_a_break_that_nobody_measured_is_held_against_what_is_usual_now() -> None:
    breaks, broken = breaks_state(1), np.zeros(2, BREAK)
    breaks.head[0]["usual_lots"] = 70
    broken[1]["usual_lots"] = 50
    for i in range(2):
        _end(breaks, broken, i)
    assert breaks.ring[0, :2]["usual_lots"].tolist() == [70, 50]


def test_a_break_that_held_traps_nobody() -> None:
    tape = failed_break(back=False)
    tape.tick(700)
    state = known()
    assert run(tape, state).size == 0
    assert state.breaks.head[0]["written"] == 31
    assert state.breaks.ring[0, 30]["failed"] == 0


def test_few_breaks_are_no_baseline() -> None:
    state = stage(levels=[(X, SWING_HIGH)])
    assert run(well_inside(), state).size == 0
    assert state.trapped.head[0]["undecided"] == 1


@pytest.mark.parametrize("name", list(ENDS))
def test_a_mirrored_tape_gives_mirrored_signals(name: str) -> None:
    tape = ENDS[name][0]()
    assert_same(mirror_rows(run(tape, mirror=True), PRICES, (), EVIDENCE), run(tape))


def test_where_the_batches_are_cut_changes_nothing() -> None:
    events = sold_out().events()
    whole = signals_of(events, known())
    assert_same(signals_of(events, known(), cuts=tuple(range(0, events.size, 13))), whole)


def test_what_comes_later_changes_nothing_earlier() -> None:
    tape, other = sold_out(), sold_out()
    other.move_touch(1020, 1021, 1008, 1010)
    other.tick(30)
    rows = run(other)
    assert_same(rows[rows["ts_known"] <= tape.rows[-1][0]], run(tape))


breaks = st.builds(
    naive.Failed,
    st.sampled_from((1, -1)),
    st.integers(-3, 3),
    st.just(0),
    st.integers(0, 12),
    st.booleans(),
).map(
    lambda one: naive.Failed(
        one.direction, one.level, one.level + 4 * one.direction, one.lots, one.failed
    )
)
looks = st.lists(
    st.tuples(st.lists(breaks, max_size=2).map(tuple), st.integers(-12, 20), st.integers(-95, 120)),
    min_size=8,
    max_size=40,
).map(lambda found: [((naive.Failed(1, 0, 4, 5, False),) * 3, 0, 0), *found])


@examples(60)
@given(looks)
def test_verdicts_are_those_of_the_twin(stream: list[tuple[Any, int, int]]) -> None:
    parameters = TrappedParameters(breaks_min=3, patience_ns=5 * STEP_NS, refractory_ns=3 * STEP_NS)
    state, scenes, outbox = trapped_state(1, parameters), new_scenes(1), new_outbox()
    ring, fade = breaks_state(1), fade_state(1, FADE_PROFILES["perp"])
    scenes["effective_tick"], scenes["valid"] = 1, 1
    fade.head["maturity"] = READY
    fade.baseline.counts[0, :100] = 1  # |d| of 0 to 99 once each: Q.9 is 89
    fade.baseline.groups[0, 0], fade.baseline.groups[0, 1] = 64, 36
    fade.baseline.head[0]["samples"] = 100
    plain, rows = [], []
    for n, (ended, mid2, delta) in enumerate(stream):
        now = START_NS + n * STEP_NS
        for one in ended:
            record = np.zeros((), BREAK)
            record["direction"], record["level"], record["extreme"] = (
                one.direction, one.level, one.extreme
            )  # fmt: skip
            record["lots"], record["failed"], record["effective_tick"] = one.lots, one.failed, 1
            record["back_ns"] = record["start_ns"] = now
            ring.ring[0, int(ring.head[0]["written"]) % 64] = record
            ring.head[0]["written"] += 1
        scenes["now"], scenes["mid2"] = now, mid2
        fade.sides[0, 0]["current"], fade.sides[0, 1]["current"] = delta, -delta
        module.judge(state, scenes, fade, ring, outbox, 0)
        rows += list(drain(outbox))
        plain.append(naive.Look(now, ended, mid2, delta))
    names = {"": "confirmed", "price inside the break": "freed"}
    found = [
        (int(row["ts_known"]), int(row["side"]), names.get(CONDITIONS[row["failed"]], "expired"))
        for row in rows
    ]
    assert found == naive.verdicts(plain, 89, 1, 5 * STEP_NS, 3 * STEP_NS, 3)
