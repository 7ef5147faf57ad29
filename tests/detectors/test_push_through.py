"""Push-through: the worked examples, its near-misses, what becomes of it, mirror and splits."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggressor.detectors import push_through
from aggressor.detectors.push_through import CONDITIONS, EVIDENCE
from aggressor.schema.signal import (
    BEFORE_TOLERANCE,
    CONFIRMED,
    EXPIRED,
    FIRM,
    PHASE_NAMES,
    PUSH_THROUGH,
    REJECTED,
    YOUNG_BASELINE,
)
from tests.detectors.break_stage import (
    START_NS,
    STEP_NS,
    Stage,
    Tape,
    assert_same,
    mirror_rows,
    signals_of,
    stage,
)
from tests.naive import push_through as naive
from tests.searching import examples

WALL = 1010
PRICES = ("level", "behind_early", "behind_last")


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def at_the_wall(lots: int = 100, quiet: int = 320, usual: int = 10) -> Tape:
    """An aged ask wall of 100 at 1010, the best ask; taker orders so far were of 1 to 5 lots.

    `usual` lots stood at the best ask for three seconds.
    """
    tape = Tape(lots=10)
    for n in range(quiet):
        if n in (100, 130):
            tape.level(-1, 1001, usual if n == 100 else 10)
        tape.trade(1000, 1 + n % 5, -1)
        tape.tick()
    tape.move_touch(1009, 1010, 1000, 1001, lots=10)
    tape.level(-1, WALL, lots)
    tape.tick(8)
    return tape


def attacked(quiet: int = 320, usual: int = 10) -> Tape:
    """T5.6: 30 and 40 are taken, then one order of 45 prints 30 at the wall and 15 beyond."""
    tape = at_the_wall(quiet=quiet, usual=usual)
    tape.trade(WALL, 30, 1)
    tape.level(-1, WALL, 70)
    tape.tick(3)
    tape.trade(WALL, 40, 1)
    tape.level(-1, WALL, 30)
    tape.tick(5)
    tape.trade(WALL, 30, 1)
    tape.rows[-1] = (*tape.rows[-1][:6], 1, 0)
    tape.part -= 1
    tape.trade(WALL + 1, 15, 1)
    tape.level(-1, WALL, 0)
    tape.level(-1, WALL + 1, 5)
    tape.tick()
    return tape


def followed(bid: int, steps: int = 650) -> Tape:
    """After T5.6 the bid goes to a price and stays."""
    tape = attacked()
    if bid > 1009:
        tape.move_touch(bid, bid + 1, 1009, WALL + 1, lots=10)
    tape.tick(steps)
    return tape


def fell_back() -> Tape:
    """It holds, and half a minute later the bid is below the wall by more than e."""
    tape = followed(1012, steps=300)
    tape.move_touch(1006, 1007, 1012, 1013, lots=10)
    tape.tick(10)
    return tape


def put_back() -> Tape:
    tape = attacked()
    tape.tick(3)
    tape.level(-1, WALL, 60)
    tape.tick(30)
    return tape


def pulled_half() -> Tape:
    """T5.6, second part: 40 are taken, the other 60 vanish."""
    tape = at_the_wall()
    tape.trade(WALL, 40, 1)
    tape.level(-1, WALL, 60)
    tape.tick(3)
    tape.level(-1, WALL, 0)
    tape.tick(20)
    return tape


def simply_pulled() -> Tape:
    tape = at_the_wall()
    tape.trade(WALL, 10, 1)
    tape.level(-1, WALL, 90)
    tape.tick(3)
    tape.level(-1, WALL, 0)
    tape.move_touch(1010, 1011, 1009, 1011, lots=10)
    tape.tick(30)
    return tape


def book_before_tape() -> Tape:
    """The last 30 leave the book 120 ms before their prints arrive."""
    tape = at_the_wall()
    tape.trade(WALL, 60, 1)
    tape.level(-1, WALL, 40)
    tape.tick(5)
    tape.level(-1, WALL, 0)
    tape.tick()
    tape.trade(WALL, 40, 1)
    tape.tick(4)
    return tape


def run(tape: Tape, mirror: bool = False, **options: Any) -> Any:
    return signals_of(tape.events(mirror), stage(**options), PUSH_THROUGH)


def test_t5_6_a_wall_bought_away_is_a_push_through() -> None:
    (row,) = run(attacked())
    assert (row["phase"], row["failed"], row["side"], row["direction"]) == (CONFIRMED, 0, 1, 1)
    assert (row["low"], row["high"]) == (WALL, WALL)
    found = seen(row)
    assert (found["traded_share"], found["cancelled_share"]) == (1.0, 0.0)
    assert (found["peak"], found["start_lots"], found["traded"]) == (100, 100, 100)
    assert (found["burst_lots"], found["order_lots"], found["stroke_lots"]) == (45, 45, 30)
    assert found["burst_quantile"] <= 45
    assert found["stage"] == push_through.STAGE_CLEAR
    assert found["beyond_lots"] == 15
    assert found["consume_seconds"] == pytest.approx(0.5)
    assert found["size_quantile"] == 10
    # shares 1 of 0.7 and 0 of 0.3; ten times what levels hold; an order is at least as telling
    stroke = max(45 / found["burst_quantile"], 45 / found["order_quantile"])
    assert row["score"] == pytest.approx((1 / 1.4 + 1 + min(1, stroke / 2) + 1) / 4)
    assert row["ts_armed"] < row["ts_confirmed"] <= row["ts_known"]


def test_t5_6_a_wall_that_vanishes_after_40_is_none() -> None:
    (row,) = run(pulled_half())
    assert row["phase"] == REJECTED
    assert CONDITIONS[row["failed"]] == "traded share"
    found = seen(row)
    assert found["traded_share"] == pytest.approx(0.4)
    assert found["cancelled_share"] == pytest.approx(0.6)


def test_a_wall_that_is_simply_pulled_says_nothing_here() -> None:
    assert run(simply_pulled()).size == 0


def test_what_left_the_book_before_its_prints_counts_once_they_come() -> None:
    (row,) = run(book_before_tape())
    assert (row["phase"], seen(row)["traded_share"]) == (CONFIRMED, 1.0)


def part_vanished(quiet: int = 320) -> Tape:
    """Of a wall of 100, 80 are bought and 20 vanish with them."""
    tape = at_the_wall(quiet=quiet)
    tape.trade(WALL, 80, 1)
    tape.level(-1, WALL, 0)
    tape.tick(4)
    return tape


def ripe() -> Stage:
    """A stage whose baselines need not be old."""
    state = stage()
    for name, value in (("unknown_ns", 0), ("young_ns", 0), ("samples_min", 1)):
        state.walls.sizes.head[name] = value
        state.push.bursts.head[name] = value
    state.prints.parameters["young_ns"] = 1
    return state


def test_a_clear_that_may_be_relabelled_is_provisional() -> None:
    (row,) = run(part_vanished())
    assert (row["phase"], row["provisional"]) == (CONFIRMED, YOUNG_BASELINE)
    assert seen(row)["cancelled_share"] == pytest.approx(0.2)
    (row,) = signals_of(part_vanished(400).events(), ripe(), PUSH_THROUGH)
    assert row["provisional"] == BEFORE_TOLERANCE
    (row,) = signals_of(attacked(400).events(), ripe(), PUSH_THROUGH)
    assert row["provisional"] == FIRM


ENDS: dict[str, tuple[Callable[[], Tape], list[tuple[int, str, int]]]] = {
    "held": (lambda: followed(1012), [(CONFIRMED, "", 1), (CONFIRMED, "", 2)]),
    "not reached": (
        lambda: followed(1009),
        [(CONFIRMED, "", 1), (EXPIRED, "best price reached the level", 1)],
    ),
    "put back": (put_back, [(CONFIRMED, "", 1), (EXPIRED, "no wall put back", 1)]),
    "fell back": (
        fell_back,
        [(CONFIRMED, "", 1), (CONFIRMED, "", 2), (REJECTED, "price held", 3)],
    ),
}


@pytest.mark.parametrize("name", list(ENDS))
def test_what_became_of_it_is_told_under_the_same_number(name: str) -> None:
    make, expected = ENDS[name]
    rows = run(make())
    told = [(int(row["phase"]), CONDITIONS[row["failed"]], int(seen(row)["stage"])) for row in rows]
    assert told == expected
    assert len({int(row["episode"]) for row in rows}) == 1


def test_a_failed_one_is_handed_on_with_what_was_bought_beyond() -> None:
    state = stage()
    signals_of(fell_back().events(), state)
    (broken,) = state.breaks.ring[0, : int(state.breaks.head[0]["written"])]
    assert (broken["failed"], broken["direction"], broken["level"]) == (1, 1, WALL)
    assert (broken["lots"], broken["away_tick_lots"], broken["extreme"]) == (15, 15, WALL + 1)


def test_touches_are_told_at_250_ms_and_at_the_end_of_the_hold() -> None:
    *_, held = run(followed(1012))
    found = seen(held)
    assert (found["behind_early"], found["behind_last"]) == (1012, 1012)
    assert found["clear_age_seconds"] == pytest.approx(2.0)


def small_burst() -> Tape:
    """The wall is nibbled away in ones."""
    tape = at_the_wall()
    for left in range(99, -1, -1):
        tape.trade(WALL, 1, 1)
        tape.level(-1, WALL, left)
        tape.tick(4)
    tape.tick(5)
    return tape


def still_inside() -> Tape:
    """A wall away from the touch is taken out, but cheaper asks stand."""
    tape = at_the_wall()
    tape.trade(WALL, 100, 1)
    tape.level(1, 1009, 0)
    tape.level(-1, 1009, 5)
    tape.level(-1, WALL, 0)
    tape.tick(6)
    return tape


def refilled() -> Tape:
    """As much is put back as was there: it resisted."""
    tape = at_the_wall()
    for _ in range(4):
        tape.trade(WALL, 50, 1)
        tape.level(-1, WALL, 100)
        tape.tick(4)
    tape.trade(WALL, 100, 1)
    tape.level(-1, WALL, 0)
    tape.tick(6)
    return tape


def left_alone() -> Tape:
    """Half eaten, then price goes away."""
    tape = at_the_wall()
    tape.trade(WALL, 60, 1)
    tape.level(-1, WALL, 60)
    tape.level(-1, WALL, 55)
    tape.tick(2)
    tape.move_touch(1000, 1001, 1009, WALL, lots=10)
    tape.tick(6)
    return tape


def book_lost() -> Tape:
    tape = at_the_wall()
    tape.trade(WALL, 60, 1)
    tape.level(-1, WALL, 40)
    tape.tick(2)
    tape.lose_book()
    tape.tick(3)
    return tape


def usual_size() -> Tape:
    """T5.6, where levels of twice the wall's size have been seen."""
    tape = attacked(usual=200)
    tape.tick(4)
    return tape


def spent_before() -> Tape:
    """All but a tenth is bought in threes over seconds; a large order takes what is left."""
    tape = at_the_wall()
    for left in range(97, 9, -3):
        tape.trade(WALL, 3, 1)
        tape.level(-1, WALL, left)
        tape.tick(4)
    tape.trade(WALL, 10, 1)
    tape.level(-1, WALL, 0)
    tape.tick(5)
    return tape


MISSES = {
    "traded share": pulled_half,
    "clearing burst": small_burst,
    "clearing burst ": spent_before,
    "best price beyond the level": still_inside,
    "refill ratio": refilled,
    "level gone in time": left_alone,
    "eaten more than levels hold": usual_size,
    "valid book": book_lost,
}


@pytest.mark.parametrize("condition", list(MISSES))
def test_a_near_miss_names_what_was_missing(condition: str) -> None:
    rows = run(MISSES[condition]())
    assert [CONDITIONS[row["failed"]] for row in rows] == [condition.strip()]
    assert rows[0]["phase"] in (REJECTED, EXPIRED)


def test_without_a_baseline_of_orders_nothing_is_judged() -> None:
    state = stage(orders_min=10_000)
    tape = attacked()
    tape.tick(5)
    assert signals_of(tape.events(), state, PUSH_THROUGH).size == 0
    assert state.push.head[0]["undecided"] == 1


MAKERS = [attacked, fell_back, put_back, pulled_half, book_before_tape, *MISSES.values()]


@pytest.mark.parametrize("make", MAKERS)
def test_a_mirrored_tape_gives_mirrored_signals(make: Callable[[], Tape]) -> None:
    tape = make()
    assert_same(mirror_rows(run(tape, mirror=True), PRICES, (), EVIDENCE), run(tape))


def test_where_the_batches_are_cut_changes_nothing() -> None:
    events = fell_back().events()
    whole = signals_of(events, stage())
    assert_same(signals_of(events, stage(), cuts=tuple(range(0, events.size, 7))), whole)


def test_what_comes_later_changes_nothing_earlier() -> None:
    first, other = fell_back().events(), followed(1009).events()
    shared = attacked().events().size
    np.testing.assert_array_equal(first[:shared], other[:shared])
    known = int(first[shared - 1]["ts_recv"])
    rows = [signals_of(events, stage(), PUSH_THROUGH) for events in (first, other)]
    early = [one[one["ts_known"] <= known] for one in rows]
    assert early[0].size == 1
    assert_same(early[0], early[1])


def test_what_others_put_up_and_take_away_again_is_not_of_the_wall() -> None:
    tape = at_the_wall()
    for _ in range(6):
        tape.trade(WALL, 10, 1)
        tape.level(-1, WALL, 90)
        tape.tick(2)
        tape.level(-1, WALL, 120)
        tape.tick(2)
        tape.level(-1, WALL, 90)
        tape.tick(2)
        tape.level(-1, WALL, 100)
        tape.tick(2)
    tape.trade(WALL, 100, 1)
    tape.level(-1, WALL, 0)
    tape.tick()
    (row,) = run(tape)
    found = seen(row)
    assert row["phase"] == CONFIRMED
    assert (found["traded_share"], found["cancelled_share"]) == (1.0, 0.0)
    assert found["refill_ratio"] == pytest.approx(60 / 160)


ACTS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4, 7]),
        st.sampled_from(["buy", "buy", "buy", "add", "cancel"]),
        st.integers(1, 60),
    ),
    max_size=12,
)


@examples(40)
@given(ACTS, st.sampled_from(["buy", "buy", "cancel"]))
@example([(1, "add", 1), (1, "cancel", 1)], "buy")  # a print takes what has just been cancelled
@example([(1, "cancel", 1), (1, "add", 1), (1, "buy", 1)], "buy")
@example([(1, "buy", 15), (1, "buy", 60), (1, "add", 25), (1, "cancel", 25)], "buy")
def test_twin(plan: list[tuple[int, str, int]], last: str) -> None:
    tape, shown, acts = at_the_wall(), 100, []
    began = tape.step
    for steps, what, wanted in [*plan, (2, last, 10**6)]:
        lots = wanted if what == "add" else min(wanted, shown)
        shown += lots if what == "add" else -lots
        acts.append(naive.Act(steps, what, lots))
        tape.tick(steps)
        if what == "buy":
            tape.trade(WALL, lots, 1)
        tape.level(-1, WALL, shown)
        if shown == 0:
            break
    tape.tick(6)
    rows = run(tape)
    usual = naive.Usual(5, 12, 10)
    if rows.size:
        found = seen(rows[0])
        names = ("order_quantile", "burst_quantile", "size_quantile")
        usual = naive.Usual(*(int(found[name]) for name in names))
    expected = naive.verdict(100, acts, usual)
    got = [
        naive.Verdict(
            (int(row["ts_known"]) - START_NS) // STEP_NS - began,
            PHASE_NAMES[int(row["phase"])],
            CONDITIONS[row["failed"]],
            Fraction(seen(row)["traded_share"]).limit_denominator(10**6),
            Fraction(seen(row)["cancelled_share"]).limit_denominator(10**6),
            *(int(seen(row)[name]) for name in ("burst_lots", "order_lots", "stroke_lots")),
        )
        for row in rows
    ]
    assert got == ([] if expected is None else [expected])
