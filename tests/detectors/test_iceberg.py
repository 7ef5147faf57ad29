"""Icebergs: the worked example, what is none, the tape behind the book, ends, and the twin."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggressor.detectors.iceberg import CONDITIONS, EVIDENCE
from aggressor.detectors.iceberg_records import IcebergState
from aggressor.detectors.iceberg_row import is_usual
from aggressor.features.baseline import add_sample
from aggressor.kernel import kernel
from aggressor.schema.signal import (
    BEFORE_TOLERANCE,
    CONFIRMED,
    EXPIRED,
    FIRM,
    ICEBERG,
    PHASE_NAMES,
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
from tests.naive import iceberg as naive
from tests.searching import examples

MINUTE = 60_000_000_000


@kernel
def _is_usual(state: IcebergState, now: int) -> bool:
    return is_usual(state, 0, 0, 0, now)


@kernel
def _display(state: IcebergState, now: int, count: int, lots: int) -> None:
    for _ in range(count):
        add_sample(state.shown, 0, now - 600_000_000_000, lots)


def book(lots: int = 10) -> Tape:
    bids = {1000: lots} | {1000 - i: 7 for i in range(1, 8)}
    return Tape().snapshot(bids, {1001 + i: 7 for i in range(8)}).at(150)


def eat_and_refill(tape: Tape, times: int, lots: int = 10) -> Tape:
    for _ in range(times):
        tape.trade(-1, 1000, lots).later(5).level((1, 1000, 0))
        tape.later(35).level((1, 1000, lots)).later(200)
    return tape


def price_runs_away(tape: Tape) -> Tape:
    gone = [(-1, 1001, 0), (-1, 1002, 0), (-1, 1003, 0)]
    return tape.level(*gone, (1, 1002, 5)).later(200)


def known(**scene: Any) -> Bench:
    """A bench without a yardstick for volumes that does not mind."""
    b = bench(**scene)
    b.iceberg.parameters["volumes_min"] = 0
    return b


def found(tape: Tape, mirror: bool = False, cuts: tuple[int, ...] = (), **scene: Any) -> Any:
    return of_kind(run(tape.events(mirror), known(**scene), cuts), ICEBERG)


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def told(row: Any) -> tuple[int, str]:
    return int(row["phase"]), CONDITIONS[row["failed"]]


def test_t5_3_confirmed_at_the_third_refill() -> None:
    rows = found(price_runs_away(eat_and_refill(book(), 4)))
    assert [told(row) for row in rows] == [(CONFIRMED, ""), (EXPIRED, "touch near the level")]
    first, last = seen(rows[0]), seen(rows[1])
    assert rows["episode"].tolist() == [1, 1]
    assert rows[0]["ts_known"] == START_NS + (150 + 2 * 240 + 40) * MS
    assert (first["traded"], first["refills"], first["traded_per_max"]) == (30, 3, 3.0)
    assert (last["traded"], last["added"], last["max_lots"]) == (40, 40, 10)
    assert (last["traded_per_max"], last["refills"]) == (4.0, 4)
    assert (last["hidden_executed"], last["cancelled"], last["cancelled_share"]) == (30, 0, 0)
    assert (last["peak_estimate"], last["refill_latency_seconds"]) == (10, 0.035)
    assert [last[f"refill_{n}_lots"] for n in (1, 2, 3, 4)] == [10, 10, 10, 10]
    assert [first[f"refill_{n}_age_seconds"] for n in (1, 2, 3)] == [0, 0.24, 0.48]
    assert rows[0]["score"] == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert rows["provisional"].tolist() == [FIRM, FIRM]
    assert rows["side"].tolist() == rows["direction"].tolist() == [1, 1]
    assert (rows[0]["low"], rows[0]["high"]) == (1000, 1000)


def test_two_refills_are_a_near_miss() -> None:
    tape = eat_and_refill(book(), 2).trade(-1, 1000, 10).later(5).level((1, 1000, 0)).later(2000)
    (row,) = found(tape)
    assert told(row) == (EXPIRED, "refills")
    assert seen(row)["traded"] == 30


def test_refills_without_enough_volume_are_a_near_miss() -> None:
    tape = book()
    for _ in range(3):
        tape.trade(-1, 1000, 5).later(5).level((1, 1000, 5)).later(35).level((1, 1000, 10))
        tape.later(200)
    tape.level((1, 1000, 0)).later(2000)
    (row,) = found(tape)
    assert told(row) == (EXPIRED, "traded over displayed")


def test_no_more_than_what_is_usually_traded_at_a_refilled_level_is_a_near_miss() -> None:
    tape = eat_and_refill(book(40), 2, 40).level((1, 1000, 10)).later(70_000)
    eat_and_refill(tape, 3).trade(-1, 1000, 10).later(5).level((1, 1000, 0)).later(2000)
    b = bench()
    rows = of_kind(run(tape.events(), b), ICEBERG)
    assert [told(row) for row in rows[:2]] == [(EXPIRED, "refills"), (CONFIRMED, "")]
    b = bench()
    b.iceberg.parameters["volumes_min"] = 1
    rows = of_kind(run(tape.events(), b), ICEBERG)
    assert [told(row)[1] for row in rows] == ["refills", "more than usual"]


def test_what_is_usual_grows_with_the_rate_of_chance() -> None:
    b = bench()
    b.iceberg.parameters["volumes_min"] = 1
    level = b.iceberg.levels[0, 0, 0]
    now = 60 * MINUTE

    def usual(others: list[int], met: int) -> int:
        for series in (0, 1):
            b.iceberg.volumes.counts[series] = 0
            b.iceberg.volumes.groups[series] = 0
        b.iceberg.volumes.head["since_slice"], b.iceberg.volumes.head["stop_slice"] = 0, 60
        for value in others:
            b.iceberg.volumes.counts[0, value] += 1
            b.iceberg.volumes.groups[0, value // 64] += 1
        b.iceberg.volumes.head["samples"] = (len(others), met)
        for traded in range(1000):
            level["traded"] = traded
            if not _is_usual(b.iceberg, now):
                return traded
        return -1

    hundred = list(range(1, 101))  # Q.5 is 50, Q.9 is 90: scale 40 / ln 5
    assert usual(hundred, 1) == 125  # 90 + scale x ln(1 / 0.25)
    assert usual(hundred, 8) == 177  # 90 + scale x ln(8 / 0.25)
    assert usual([], 8) == 0  # no yardstick


def test_a_refill_between_two_rows_is_inferred_from_the_tape() -> None:
    tape = book()
    for _ in range(4):
        tape.trade(-1, 1000, 9).later(40).level((1, 1000, 9)).later(200)
        tape.trade(-1, 1000, 9).later(40).level((1, 1000, 10)).later(200)
    rows = found(tape)
    assert [told(row) for row in rows] == [(CONFIRMED, "")]
    assert (seen(rows[0])["refills"], seen(rows[0])["traded"]) == (3, 36)


def test_a_refill_that_was_eaten_again_between_two_rows_is_inferred_from_the_tape() -> None:
    tape = book()
    for _ in range(3):  # 10 stand, 9 of them are bought, then 10 that nobody has seen
        tape.trade(-1, 1000, 9).later(5).trade(-1, 1000, 10).later(5).level((1, 1000, 1))
        tape.later(40).level((1, 1000, 10)).later(200)
    (row,) = found(tape)
    assert told(row) == (CONFIRMED, "")
    assert seen(row)["refills"] == 3  # an unseen one, a seen one, an unseen one
    assert seen(row)["traded"] == 38


def test_the_episode_begins_where_its_refills_begin() -> None:
    tape = book(40).trade(-1, 1000, 5).later(5).level((1, 1000, 35)).later(100)
    for _ in range(4):  # others rest 30 there and take them away again
        tape.level((1, 1000, 5)).later(100).level((1, 1000, 35)).later(100)
    tape.level((1, 1000, 10)).later(400)
    rows = found(price_runs_away(eat_and_refill(tape, 5)))
    assert told(rows[0]) == (CONFIRMED, "")
    first = seen(rows[0])
    assert (first["start_lots"], first["max_lots"], first["cancelled"]) == (10, 10, 0)


def test_a_level_that_holds_next_to_nothing_hides_nothing() -> None:
    tape, plain = eat_and_refill(book(), 4), bench()
    assert told(of_kind(run(tape.events(), plain), ICEBERG)[0]) == (CONFIRMED, "")
    strict = bench()
    _display(strict.iceberg, START_NS, 200, 40)
    (row,) = of_kind(run(price_runs_away(tape).events(), strict), ICEBERG)
    assert told(row) == (EXPIRED, "touch near the level")  # 40 traded, as levels display
    few = bench()
    _display(few.iceberg, START_NS, 199, 40)
    assert told(of_kind(run(tape.events(), few), ICEBERG)[0]) == (CONFIRMED, "")


def test_cancels_are_no_iceberg() -> None:
    tape = book()
    for _ in range(6):
        tape.trade(-1, 1000, 1).later(5).level((1, 1000, 0)).later(35).level((1, 1000, 10))
        tape.later(200)
    assert found(tape.later(2000)).size == 0


def test_refills_that_come_late_do_not_count() -> None:
    tape = book()
    for _ in range(6):
        tape.trade(-1, 1000, 10).later(5).level((1, 1000, 0)).later(301).level((1, 1000, 10))
        tape.later(200)
    assert found(tape).size == 0


def test_others_who_quote_when_price_returns_are_no_iceberg() -> None:
    tape = book()
    for _ in range(6):
        tape.trade(-1, 1000, 10).later(5).level((1, 1000, 0), (1, 999, 0)).later(400)
        tape.level((1, 1000, 10), (1, 999, 7)).later(200)
    for _ in range(4):
        tape.trade(-1, 1000, 10).later(5).level((1, 1000, 10)).later(5)
        price_runs_away(tape).level((1, 1002, 0), *[(-1, 1001 + i, 7) for i in range(3)]).later(200)
    assert found(tape).size == 0


def test_the_tape_may_come_after_the_book() -> None:
    tape = book()
    for _ in range(4):  # the first is over before the level is followed
        tape.level((1, 1000, 0)).later(20).level((1, 1000, 10)).later(20)
        tape.trade(-1, 1000, 10).later(200)
    (row,) = found(tape)
    assert told(row) == (CONFIRMED, "")
    got = seen(row)
    assert (got["refills"], got["traded"], got["cancelled"]) == (3, 40, 0)
    assert got["start_lots"] == 10


def test_what_trades_after_a_refill_did_not_cause_the_fall_before_it() -> None:
    tape = book()
    tape.trade(-1, 1000, 9).later(5).level((1, 1000, 1)).later(10).level((1, 1000, 10)).later(60)
    tape.level((1, 1000, 6)).later(70)  # four are cancelled
    tape.trade(-1, 1000, 5).later(5).level((1, 1000, 1)).later(10).level((1, 1000, 10)).later(60)
    tape.trade(-1, 1000, 9).later(5).level((1, 1000, 1)).later(2000)
    assert found(tape).size == 0  # one refill; with the last trade 14 of 18 would be enough
    tape = book()
    tape.trade(-1, 1000, 9).later(5).level((1, 1000, 1)).later(10).level((1, 1000, 10)).later(60)
    tape.level((1, 1000, 1)).later(10).level((1, 1000, 10)).later(10)
    tape.trade(-1, 1000, 9).later(2000)  # the print of that fall comes behind the refill
    tape.trade(-1, 1000, 10).later(5).level((1, 1000, 0)).later(2000)
    (row,) = found(tape)
    assert (seen(row)["refills"], seen(row)["traded"]) == (2, 28)


def test_a_trade_that_no_row_has_shown_yet_makes_it_provisional() -> None:
    tape = eat_and_refill(book(), 2)
    tape.trade(-1, 1000, 10).later(5).level((1, 1000, 0)).later(5).level((1, 1000, 6))
    tape.trade(-1, 1000, 2).later(5).level((1, 1000, 10)).later(20)
    rows = found(tape)
    assert rows["provisional"].tolist() == [FIRM]
    tape = eat_and_refill(book(), 2)
    tape.trade(-1, 1000, 5).later(5).level((1, 1000, 0)).later(10).level((1, 1000, 10))
    tape.later(1).trade(-1, 1000, 8)
    rows = found(tape.later(10))
    assert rows["provisional"].tolist() == [BEFORE_TOLERANCE]


def test_a_young_scene_is_provisional_and_an_unknown_tick_is_no_answer() -> None:
    tape = eat_and_refill(book(), 3)
    assert found(tape, young=1)["provisional"].tolist() == [YOUNG_BASELINE]
    b = bench(e=0)
    assert of_kind(run(tape.events(), b), ICEBERG).size == 0
    assert b.iceberg.head[0]["undecided"] == 3


def test_a_lost_book_rejects_and_nothing_is_followed_after_it() -> None:
    b = bench()
    rows = of_kind(run(eat_and_refill(book(), 3).lose().later(300).events(), b), ICEBERG)
    assert [told(row) for row in rows] == [(CONFIRMED, ""), (REJECTED, "valid book")]
    assert b.iceberg.head[0]["live"] == 0
    assert not (b.watch.marks & 1).any()


def test_a_level_whose_slot_was_given_away_is_known_again() -> None:
    tape = book()
    for n in range(4):
        tape.trade(-1, 1000, 10).later(5).level((1, 1000, 0)).later(120)
        tape.level((-1, 1050 + n, 5)).later(60).level((1, 1000, 10)).later(200)
    rows = found(tape)
    assert [told(row) for row in rows] == [(CONFIRMED, "")]
    assert seen(rows[0])["refill_latency_seconds"] == 0.18


def test_mirror_split_and_causality() -> None:
    tape = price_runs_away(eat_and_refill(book(), 4))
    rows = found(tape)
    assert_mirrored(rows, found(tape, mirror=True), ())
    np.testing.assert_array_equal(rows, found(tape, cuts=(3, 20, 21, 30)))
    events = tape.events()
    cut = int(np.searchsorted(events["ts_recv"], rows[0]["ts_known"], "right"))
    later = events.copy()
    later["size"][cut:] += 3
    others = of_kind(run(later, known()), ICEBERG)
    np.testing.assert_array_equal(others[:1], rows[:1])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["eat", "eat", "eat", "nibble", "cancel", "grow"]),
        st.sampled_from([10, 40, 150, 290, 310, 700, 1600]),
        st.integers(1, 12),
    ),
    max_size=14,
)


@examples(100)
@given(STEPS)
@example([("eat", 10, 8), ("cancel", 10, 2), ("eat", 10, 7), ("eat", 10, 1)])
@example([("eat", 10, 6), ("eat", 10, 3), ("cancel", 10, 2), *[("eat", 10, n) for n in (5, 4, 1)]])
def test_twin(plan: list[tuple[str, int, int]]) -> None:
    tape, shown = book(), 10
    steps: list[tuple[int, str, int]] = []

    def show(lots: int) -> None:
        nonlocal shown
        shown = lots
        tape.level((1, 1000, lots))
        steps.append((tape.now, "show", lots))

    for what, wait, lots in plan:
        if what in ("eat", "nibble") and shown > 1:  # never to 0: the level keeps its slot
            taken = shown - 1 if what == "eat" else min(lots, shown - 1)
            tape.trade(-1, 1000, taken)
            steps.append((tape.now, "trade", taken))
            tape.later(7)
            show(shown - taken)
        elif what == "cancel":
            show(max(shown - lots, 1))
        tape.later(wait)
        if what in ("eat", "grow"):
            show(max(shown, lots))
        tape.later(60)
    tape.later(2000)
    rows = found(tape)
    expected = naive.icebergs(steps, 10, tape.now)
    got = [
        naive.Row(
            (int(row["ts_known"]) - START_NS) // MS,
            PHASE_NAMES[int(row["phase"])],
            CONDITIONS[row["failed"]],
            int(row["evidence"][0]),
            int(row["evidence"][4]),
            int(row["evidence"][9]),
        )
        for row in rows
    ]
    assert got == expected
