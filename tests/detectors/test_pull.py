"""Spoof-like pulls: the worked example, what is none, the last word, repetition, the twin."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggressor.detectors.pull import CONDITIONS, EVIDENCE
from aggressor.schema.signal import (
    BEFORE_TOLERANCE,
    CONFIRMED,
    FIRM,
    PHASE_NAMES,
    PULL,
    REJECTED,
    YOUNG_BASELINE,
)
from tests.detectors.ledger_bench import (
    MS,
    START_NS,
    Bench,
    Tape,
    assert_mirrored,
    bench,
    of_kind,
    run,
)
from tests.naive import pull as naive
from tests.searching import examples

WARM_MS = 32_050  # two slices of the walls' baseline
WALL = 998


def known(**scene: Any) -> Bench:
    """A bench whose walls are held against a baseline that is soon ripe."""
    b = bench(**scene)
    head = b.walls.sizes.head
    head["samples_min"], head["unknown_ns"], head["young_ns"] = 1, 0, 0
    b.walls.parameters["look_ns"] = 0  # a wall is listed at the TIMER after it appeared
    b.pull.parameters["approach_ticks"] = b.pull.parameters["learn_min_ns"] = 0
    b.pull.parameters["chance"] = 0.5  # of a tape of seconds little is known
    return b


def book() -> Tape:
    return Tape().snapshot({1000 - i: 10 for i in range(12)}, {1001 + i: 10 for i in range(12)})


def wall(price: int = WALL, lots: int = 200) -> Tape:
    return book().at(WARM_MS).level((1, price, lots))


def found(tape: Tape, mirror: bool = False, cuts: tuple[int, ...] = (), **scene: Any) -> Any:
    return of_kind(run(tape.events(mirror), known(**scene), cuts), PULL)


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def told(rows: Any) -> list[tuple[int, str]]:
    return [(int(row["phase"]), CONDITIONS[row["failed"]]) for row in rows]


def t5_4() -> Tape:
    tape = wall().later(4000).trade(-1, WALL, 4).later(5).level((1, WALL, 196)).later(3995)
    return tape.trade(1, 1001, 30).later(50).level((1, WALL, 6))


def test_t5_4() -> None:
    tape = t5_4()
    fell = tape.now
    rows = found(tape.later(3000))
    assert told(rows) == [(CONFIRMED, ""), (CONFIRMED, "")]
    assert rows["provisional"].tolist() == [BEFORE_TOLERANCE, FIRM]
    assert rows["episode"].tolist() == [1, 1]
    assert rows[0]["ts_known"] == START_NS + fell * MS
    assert rows[1]["ts_known"] == START_NS + (fell // 100 + 20) * 100 * MS
    got = seen(rows[1])
    assert (got["peak"], got["traded"], got["cancelled"]) == (200, 4, 190)
    assert (got["fill_ratio"], got["cancelled_share"]) == (0.02, 0.95)
    assert (got["min_distance_ticks"], got["start_distance_ticks"]) == (2, 2)
    assert got["lifetime_seconds"] == pytest.approx(8.0)
    assert (got["pull_seconds"], got["repeats"], got["layers"]) == (0, 1, 1)
    assert (got["opposite_before"], got["opposite_after"]) == (30, 0)
    assert (got["others_gone"], got["depth_loss_share"]) == (0, 0)
    assert got["z"] > 100
    assert got["ratio"] == 19.6
    score = (0.5 * 0.95 / 0.8 + 1.0 + 0.75) / 3
    assert rows[1]["score"] == pytest.approx(score + 0.1 * (1 - score))
    assert rows["side"].tolist() == [1, 1]
    assert rows["direction"].tolist() == [-1, -1]
    assert (rows[1]["low"], rows[1]["high"]) == (WALL, WALL)


def test_t5_4_a_wall_that_was_mostly_hit_is_no_pull() -> None:
    tape = wall(lots=100).later(4000).trade(-1, WALL, 40).later(5).level((1, WALL, 60))
    tape.later(2000).level((1, WALL, 0)).later(3000)
    rows = found(tape)
    assert told(rows) == [(REJECTED, "cancelled share")]
    assert (seen(rows[0])["cancelled_share"], seen(rows[0])["fill_ratio"]) == (0.6, 0.4)


def test_a_wall_that_was_eaten_says_nothing() -> None:
    tape = wall().later(4000).trade(-1, WALL, 200).later(5).level((1, WALL, 0)).later(3000)
    assert found(tape).size == 0


def test_a_slow_withdrawal_is_no_pull() -> None:
    tape = wall().later(4000)
    for lots in (170, 140, 110, 80, 50, 30):
        tape.level((1, WALL, lots)).later(400)
    assert found(tape.later(3000)).size == 0


def test_a_withdrawal_in_steps_within_half_a_second_is_one() -> None:
    tape = wall().later(4000).level((1, WALL, 150)).later(150).level((1, WALL, 90)).later(150)
    rows = found(tape.level((1, WALL, 5)).later(3000))
    assert told(rows) == [(CONFIRMED, ""), (CONFIRMED, "")]
    assert (seen(rows[1])["cancelled"], seen(rows[1])["pull_seconds"]) == (195, 0.3)


def test_trades_that_come_late_unsay_it() -> None:
    tape = wall().later(4000).level((1, WALL, 0)).later(20).trade(-1, WALL, 200, 30).later(3000)
    rows = found(tape)
    assert told(rows) == [(CONFIRMED, ""), (REJECTED, "cancelled share")]
    assert (seen(rows[1])["traded"], seen(rows[1])["cancelled"]) == (200, 0)


@pytest.mark.parametrize("later_ms", [0, 200])
def test_a_re_peg_is_no_pull(later_ms: int) -> None:
    tape = wall().later(4000)
    if later_ms == 0:
        tape.level((1, WALL, 10), (1, WALL + 1, 180))
    else:
        tape.level((1, WALL, 10)).later(later_ms).level((1, WALL + 1, 180))
    rows = found(tape.later(3000))
    assert told(rows)[-1] == (REJECTED, "no re-peg")
    assert rows.size == (1 if later_ms == 0 else 2)


def test_one_that_stands_again_later_or_further_off_is_a_pull() -> None:
    tape = wall().later(4000).level((1, WALL, 10)).later(260).level((1, WALL + 1, 180)).later(3000)
    assert told(found(tape))[:2] == [(CONFIRMED, ""), (CONFIRMED, "")]
    tape = wall().later(4000).level((1, WALL, 10), (1, WALL - 2, 180)).later(3000)
    assert told(found(tape))[:2] == [(CONFIRMED, ""), (CONFIRMED, "")]


def test_a_book_that_withdraws_is_no_pull() -> None:
    gone = [(1, 1000 - i, 1) for i in range(8)] + [(-1, 1001 + i, 1) for i in range(8)]
    tape = wall().later(4000).level(*gone).later(3000)
    rows = found(tape)
    assert told(rows) == [(CONFIRMED, ""), (REJECTED, "no book-wide pull")]
    assert seen(rows[1])["depth_loss_share"] >= 0.5


def test_three_other_walls_gone_are_book_wide_two_are_layers() -> None:
    walls = [(1, WALL, 200), (1, 996, 150), (1, 994, 160), (-1, 1005, 180)]
    for count, last in ((4, (REJECTED, "no book-wide pull")), (3, (CONFIRMED, ""))):
        tape = book().at(WARM_MS).level(*walls[:count]).later(4000)
        tape.level(*[(side, price, 10) for side, price, _ in walls[:count]])
        rows = found(tape.later(3000))
        ours = rows[rows["low"] == WALL]
        assert told(ours)[-1] == last
        if count == 3:
            assert seen(ours[-1])["layers"] == 3


def test_far_from_the_touch_only_the_second_of_its_kind_counts() -> None:
    tape = wall(991).later(4000).level((1, 991, 10)).later(3000)
    rows = found(tape)
    assert told(rows) == [(REJECTED, "approach or repetition")]
    tape.level((1, 992, 190)).later(4000).level((1, 992, 10)).later(3000)
    rows = found(tape)
    assert told(rows)[1:] == [(CONFIRMED, "")] * 2
    assert seen(rows[2])["repeats"] == 2


def test_a_wall_that_price_never_came_nearer_to_was_not_approached() -> None:
    b = known()
    b.pull.parameters["approach_ticks"] = 2
    rows = of_kind(run(t5_4().later(3000).events(), b), PULL)
    assert told(rows) == [(REJECTED, "approach or repetition")]
    b = known()
    b.pull.parameters["approach_ticks"] = 2
    tape = wall(996).later(2000).level((1, 1000, 0), (1, 999, 0)).later(2000)
    rows = of_kind(run(tape.level((1, 996, 10)).later(3000).events(), b), PULL)
    assert told(rows) == [(CONFIRMED, "")] * 2
    assert seen(rows[0])["min_distance_ticks"] == 2


def test_price_that_has_gone_again_was_no_approach() -> None:
    for waits, last in ((100, (CONFIRMED, "")), (900, (REJECTED, "approach or repetition"))):
        b = known()
        b.pull.parameters["approach_ticks"] = 2
        tape = wall(996).later(2000).level((1, 1000, 0), (1, 999, 0)).later(2000)
        tape.level((1, 1000, 10), (1, 999, 10)).later(waits).level((1, 996, 10)).later(3000)
        assert told(of_kind(run(tape.events(), b), PULL))[-1] == last


def approached(between: Tape) -> Any:
    """What is told of a wall at 996 after price was led to it, at least 2 ticks nearer."""
    b = known()
    b.pull.parameters["approach_ticks"] = 2
    return told(of_kind(run(between.later(3000).events(), b), PULL))


def test_price_that_came_near_between_two_timers_has_come() -> None:
    tape = wall(996).later(2010).level((1, 1000, 0), (1, 999, 0)).later(20)
    tape.level((1, 1000, 10), (1, 999, 10)).later(100).level((1, 996, 10))
    assert approached(tape) == [(CONFIRMED, "")] * 2


def test_price_that_comes_as_the_wall_goes_was_no_approach() -> None:
    tape = wall(996).later(2010).level((1, 1000, 0), (1, 999, 0), (1, 996, 10))
    assert approached(tape) == [(REJECTED, "approach or repetition")]
    tape = wall(996).later(2010).quote(998, 1001).later(20).level((1, 999, 10), (1, 996, 10))
    assert approached(tape) == [(REJECTED, "approach or repetition")]
    tape = wall(996).later(2010).quote(998, 1001).later(20).level((1, 980, 10))  # it still stands
    assert approached(tape.later(20).level((1, 996, 10))) == [(CONFIRMED, "")] * 2


def test_a_wall_that_grew_out_of_a_smaller_one_begins_its_life_then() -> None:
    tape = wall(lots=90).later(4000).level((1, WALL, 200)).later(300).level((1, WALL, 10))
    rows = found(tape.later(3000))
    assert told(rows) == [(REJECTED, "lifetime")]
    assert seen(rows[0])["lifetime_seconds"] == pytest.approx(0.3)
    tape = wall(lots=110).later(4000).level((1, WALL, 200)).later(300).level((1, WALL, 10))
    assert told(found(tape.later(3000))) == [(CONFIRMED, "")] * 2


def twice(elsewhere: list[int]) -> Tape:
    """A wall at 993 is pulled twice; before that walls of its size elsewhere, one by one."""
    tape = book().at(WARM_MS)
    if elsewhere:
        tape.level(*[(1, price, 200) for price in elsewhere])
    tape.later(1000)
    for price in elsewhere:
        tape.level((1, price, 0)).later(600)
    for _ in range(2):
        tape.level((1, 993, 200)).later(900).level((1, 993, 0)).later(2200)
    return tape


def test_repetition_is_none_where_chance_would_bring_it() -> None:
    cases = (([], 1 - np.exp(-0.5), (CONFIRMED, "")), ([989, 987, 985], 1 - np.exp(-3.5), None))
    for elsewhere, chance, last in cases:
        rows = found(twice(elsewhere))
        ours = rows[rows["low"] == 993]
        assert told(ours)[-1] == (last or (REJECTED, "approach or repetition"))
        assert seen(ours[-1])["repeats"] == 2
        assert seen(ours[-1])["repeats_by_chance"] == pytest.approx(chance)
    b = known()
    b.pull.parameters["learn_min_ns"] = 10**15
    rows = of_kind(run(twice([]).events(), b), PULL)
    assert told(rows)[-1] == (REJECTED, "approach or repetition")
    assert seen(rows[-1])["repeats_by_chance"] == 1.0


def test_a_size_that_is_usual_there_is_no_pull() -> None:
    tape = wall().later(40_000).level((1, WALL, 10)).later(3000)
    tape.level((1, 997, 200)).later(4000).level((1, 997, 10)).later(3000)
    rows = found(tape)
    assert told(rows) == [*[(CONFIRMED, "")] * 2, (REJECTED, "larger than usual")]
    assert seen(rows[2])["usual_size"] == pytest.approx(200, rel=1 / 64)


def test_a_short_life_is_a_near_miss_and_one_at_the_touch_is_none() -> None:
    tape = wall().later(300).level((1, WALL, 10)).later(3000)
    assert told(found(tape)) == [(REJECTED, "lifetime")]
    tape = wall(1000).later(4000).level((1, 1000, 10)).later(3000)
    assert found(tape).size == 0


def test_flow_after_the_wall_appeared_is_held_against_the_flow_before() -> None:
    tape = book().at(WARM_MS - 3000).trade(1, 1001, 4).at(WARM_MS).level((1, WALL, 200))
    tape.later(1000).trade(1, 1001, 50).later(1500).trade(-1, 1000, 10).later(2500)
    rows = found(tape.level((1, WALL, 10)).later(3000))
    assert seen(rows[1])["induced_delta"] == pytest.approx(40 - 4, abs=0.1)


def test_a_lost_book_rejects_what_waits_for_its_last_word() -> None:
    tape = t5_4().later(300).lose().later(3000)
    assert told(found(tape)) == [(CONFIRMED, ""), (REJECTED, "valid book")]


def test_unknown_and_young_baselines() -> None:
    b = bench()
    b.walls.sizes.head["unknown_ns"] = 10**18
    assert of_kind(run(t5_4().later(3000).events(), b), PULL).size == 0
    assert b.pull.head[0]["undecided"] == 1
    assert found(t5_4().later(3000), young=1)["provisional"].tolist() == [YOUNG_BASELINE] * 2


def test_mirror_split_and_causality() -> None:
    tape = t5_4().later(3000)
    rows = found(tape)
    assert_mirrored(rows, found(tape, mirror=True), ())
    size = tape.events().size
    np.testing.assert_array_equal(rows, found(tape, cuts=(30, size - 31, size - 30, size - 7)))
    events = tape.events()
    cut = int(np.searchsorted(events["ts_recv"], rows[0]["ts_known"], "right"))
    events["size"][cut:] += 3
    np.testing.assert_array_equal(of_kind(run(events, known()), PULL)[:1], rows[:1])


STEPS = st.lists(
    st.tuples(
        st.sampled_from([20, 60, 140, 330, 470, 520, 900]),
        st.sampled_from([0, 5, 20, 30, 120, 150, 180, 200, 450]),
        st.sampled_from([0, 0, 0, 3, 9, 60]),
    ),
    min_size=1,
    max_size=8,
)


@examples(25)
@given(STEPS)
@example([(20, 150, 60), (20, 0, 3)])  # listed between a trade and the row that shows it
@example([(20, 120, 3), (20, 0, 3)])  # a trade that what left before takes
@example([(20, 120, 0), (20, 450, 0), (20, 120, 0), (520, 0, 0)])  # the rest is a wall
@example([(20, 450, 0), (470, 120, 0), (470, 0, 0)])  # price is near while it goes in two steps
@example([(900, 450, 0), (330, 0, 0)])  # what is pulled is more than stood a moment ago
def test_twin(plan: list[tuple[int, int, int]]) -> None:
    tape = wall()
    changes, trades = [(tape.now, 200)], []
    for wait, lots, traded in plan:
        tape.later(wait)
        taken = min(traded, changes[-1][1])
        if taken > 0:
            tape.trade(-1, WALL, taken)
            trades.append((tape.now, taken))
            tape.later(5)
        tape.level((1, WALL, lots))
        changes.append((tape.now, lots))
        if lots <= 0.2 * max(size for _, size in changes):
            break
    tape.later(3000)
    got = [
        naive.Row(
            (int(row["ts_known"]) - START_NS) // MS,
            PHASE_NAMES[int(row["phase"])],
            CONDITIONS[row["failed"]],
            int(row["evidence"][7]),
            int(row["evidence"][8]),
        )
        for row in found(tape)
    ]
    assert got == naive.pulls(changes, trades)
