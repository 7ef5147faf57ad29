"""Vacuum: the worked example, its controls, late trades, the end, and the twin."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors.vacuum import CONDITIONS, EVIDENCE
from aggressor.features.baseline import READY, BaselineState, run_samples
from aggressor.schema.signal import (
    BEFORE_TOLERANCE,
    CONFIRMED,
    EXPIRED,
    FIRM,
    PHASE_NAMES,
    REJECTED,
    VACUUM,
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
from tests.naive import vacuum as naive
from tests.searching import examples

PRICES = [1000 - i for i in range(10)]
FULL = [10] * 10
THIN = [3, 0, 0, 5, 0, 5, 0, 5, 0, 0]  # 18 lots, three ticks to the second level


def known(least: int = 100, **scene: Any) -> Bench:
    """A bench whose medians, and quantiles of depth, are given and stand still."""
    b = bench(**scene)
    head = b.near.head
    head["usual"], head["maturity"] = 100, READY
    b.near.parameters["every_ns"] = b.vacuum.parameters["every_ns"] = 10**18
    head["joined_ns"] = b.vacuum.head["joined_ns"] = START_NS
    for n in range(2):
        usually(b.vacuum.depths, n, least)
    return b


def usually(base: BaselineState, n: int, value: int) -> None:
    """Let the last hour of a series be one value."""
    base.head["samples_min"], base.head["unknown_ns"], base.head["young_ns"] = 1, 0, 0
    run_samples(START_NS - np.arange(400, 0, -1) * 1000 * MS, np.full(400, value), base, n)


def show(tape: Tape, sizes: list[int], before: list[int]) -> Tape:
    changed = [(1, p, q) for p, q, old in zip(PRICES, sizes, before, strict=True) if q != old]
    return tape.level(*changed)


def book() -> Tape:
    return Tape().snapshot(dict(zip(PRICES, FULL, strict=True)), {1001 + i: 10 for i in range(10)})


def t5_5() -> Tape:
    """100 lots become 18: 5 are traded, 77 are taken away."""
    tape = book().at(1050).trade(-1, 1000, 5).later(10)
    return show(tape, THIN, FULL).later(800)


def found(tape: Tape, mirror: bool = False, cuts: tuple[int, ...] = (), **scene: Any) -> Any:
    return of_kind(run(tape.events(mirror), known(**scene), cuts), VACUUM)


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def told(rows: Any) -> list[tuple[int, str]]:
    return [(int(row["phase"]), CONDITIONS[row["failed"]]) for row in rows]


def test_t5_5() -> None:
    rows = found(t5_5())
    assert told(rows) == [(CONFIRMED, ""), (CONFIRMED, "")]
    assert rows["provisional"].tolist() == [BEFORE_TOLERANCE, FIRM]
    assert rows["episode"].tolist() == [1, 1]
    got = seen(rows[0])
    assert (got["depth_ratio"], got["depth_before"], got["depth"]) == (0.18, 100, 18)
    assert (got["loss"], got["traded"], got["cancelled"]) == (82, 5, 77)
    assert got["cancelled_share"] == pytest.approx(0.939, abs=5e-4)
    assert (got["gap_ticks"], got["spread_ticks"], got["left"]) == (3, 1, 82)
    assert got["other_ratio"] == 1.0
    assert rows["side"].tolist() == [1, 1]
    assert rows["direction"].tolist() == [-1, -1]
    assert rows[0]["score"] == pytest.approx((0.5 * 0.2 / 0.18 + 0.5 * 77 / 82 / 0.7 + 0.5) / 3)


def test_depth_that_was_traded_is_no_vacuum() -> None:
    tape = book().at(1050)
    for i in range(8):
        tape.trade(-1, 1000 - i, 10)
    tape.later(10).level(*[(1, 1000 - i, 0) for i in range(8)]).later(3000)
    assert told(found(tape)) == [(EXPIRED, "cancelled share of the loss")]


def test_a_narrow_touch_is_no_vacuum() -> None:
    tape = show(book().at(1050), [9, 9, 0, 0, 0, 0, 0, 0, 0, 0], FULL).later(3000)
    (row,) = found(tape)
    assert told([row]) == [(EXPIRED, "wide spread or gap")]
    assert seen(row)["age_seconds"] == 1.0


def test_a_slow_fall_is_no_vacuum() -> None:
    tape, before = book().at(1050), FULL
    for lots in (8, 6, 5, 4, 3, 2, 1):
        sizes = [lots] * 10 if lots > 1 else THIN
        tape = show(tape, sizes, before).later(700)
        before = sizes
    assert found(tape.later(2000)).size == 0


def test_a_touch_that_runs_ahead_of_its_book_is_no_vacuum() -> None:
    tape = book().at(1050)
    ahead = [(-1, 1001 + i, 0) for i in range(9)]
    rows = found(tape.level(*ahead, (1, 1009, 3)).later(3000))
    ours = rows[rows["side"] == 1]
    assert told(ours) == [(EXPIRED, "cancelled share of the loss")]
    assert (seen(ours[0])["left"], seen(ours[0])["loss"]) == (0, 87)


def test_more_than_usual_may_go_though_the_rest_is_taken() -> None:
    """A wall of 200 leaves, then 50 of the usual 100 are taken: that was no withdrawal."""
    fat = [10, 10, 210, *[10] * 7]
    tape = show(book().at(50), fat, FULL).at(1050)
    tape.trade(-1, 1000, 50).later(10)
    (row,) = found(show(tape, THIN, fat).later(1500))
    assert told([row]) == [(EXPIRED, "cancelled share of the loss")]
    assert [seen(row)[name] for name in ("depth_before", "loss", "left")] == [300, 82, 82]


def test_a_side_whose_old_prices_still_hold_is_no_vacuum() -> None:
    """The touch moves eight ticks ahead, and what stood behind it thins out to 35 of 100."""
    tape = book().at(1050).level(*[(-1, 1001 + i, 0) for i in range(8)], (1, 1008, 3))
    thinner = [(1, p, 0 if i % 2 else 7) for i, p in enumerate(PRICES)]
    rows = found(tape.level(*thinner).later(3000))
    ours = rows[rows["side"] == 1]
    assert told(ours) == [(EXPIRED, "gone from where it stood")]
    got = seen(ours[0])
    assert (got["left"], got["loss"], got["standing_ratio"]) == (65, 90, 0.35)


def test_thin_for_a_moment_is_not_thin_for_a_while() -> None:
    b = known()
    b.vacuum.parameters["hold_ns"] = 300 * MS
    tape = book().at(1050)
    show(show(tape, THIN, FULL).later(200), FULL, THIN).later(3000)
    (row,) = of_kind(run(tape.events(), b), VACUUM)
    assert told([row]) == [(EXPIRED, "thin depth")]  # all was put back
    b = known()
    b.vacuum.parameters["hold_ns"] = 300 * MS
    rows = of_kind(run(t5_5().events(), b), VACUUM)
    assert told(rows) == [(CONFIRMED, "")] * 2
    assert rows[0]["ts_known"] == START_NS + 1400 * MS


def test_a_gap_that_is_the_rule_is_none() -> None:
    thin = [3, 0, 0, 0, 0, 5, 0, 5, 0, 5]
    for usual, phase in ((5, EXPIRED), (4, CONFIRMED)):
        b = known()
        for n in range(2):
            usually(b.vacuum.gaps, n, usual)
        tape = show(book().at(1050), thin, FULL).later(2000)
        rows = of_kind(run(tape.events(), b), VACUUM)
        assert int(rows[0]["phase"]) == phase
        assert seen(rows[0])["gap_usual_ticks"] == usual


def test_a_side_must_be_thinner_than_it_usually_gets() -> None:
    b = known(least=18)
    (row,) = of_kind(run(t5_5().later(1000).events(), b), VACUUM)
    assert told([row]) == [(EXPIRED, "thinner than usual")]
    assert seen(row)["depth_usual"] == 18
    b = known()
    b.vacuum.depths.head["unknown_ns"] = 10**18
    assert of_kind(run(t5_5().later(1000).events(), b), VACUUM).size == 0
    assert b.vacuum.head[0]["undecided"] == 1


def test_what_is_put_up_again_elsewhere_has_not_left() -> None:
    tape = book().at(1050)
    show(tape, THIN, FULL).later(20)
    show(tape, [3, 0, 0, 5, 30, 5, 0, 5, 0, 0], THIN).later(3000)
    assert found(tape).size == 0


def test_a_sweep_whose_depth_came_back_does_not_hide_the_withdrawal_after_it() -> None:
    tape = book().at(1050).trade(-1, 1000, 82).later(10)
    show(tape, THIN, FULL).later(150)
    show(tape, FULL, THIN).later(150)
    rows = found(show(tape, THIN, FULL).later(800))  # all within one window
    assert told(rows[:2]) == [(EXPIRED, "cancelled share of the loss"), (CONFIRMED, "")]
    assert rows["episode"].tolist()[:2] == [1, 2]
    assert seen(rows[1])["traded"] == 0


def test_what_trades_after_the_lowest_depth_is_no_part_of_the_loss() -> None:
    b = known()
    b.vacuum.parameters["hold_ns"] = 300 * MS
    tape = book().at(1050)
    show(tape, THIN, FULL).later(60)
    for _ in range(3):  # a maker comes back, and is hit at once
        tape.level((1, 1000, 13)).later(10).trade(-1, 1000, 10).later(10).level((1, 1000, 3))
        tape.later(80)
    rows = of_kind(run(tape.later(500).events(), b), VACUUM)
    assert told(rows) == [(CONFIRMED, "")] * 2
    assert (seen(rows[0])["loss"], seen(rows[0])["traded"]) == (82, 0)


def test_trades_that_come_late_reject_it() -> None:
    tape = book().at(1050)
    show(tape, THIN, FULL).at(1110)
    for price, lots in zip(PRICES, THIN, strict=True):
        if lots < 10:
            tape.trade(-1, price, 10 - lots, 70)
    rows = found(tape.later(500))
    assert told(rows) == [(CONFIRMED, ""), (REJECTED, "cancelled share of the loss")]
    assert seen(rows[1])["traded"] == 82


def test_trades_after_the_fall_do_not_unsay_it() -> None:
    tape = book().at(1050)
    show(tape, THIN, FULL).at(1110)
    for price, lots in zip(PRICES, THIN, strict=True):
        if lots > 0:
            tape.trade(-1, price, lots)
    assert told(found(tape.later(500))) == [(CONFIRMED, ""), (CONFIRMED, "")]


def test_it_ends_when_the_depth_has_been_back_for_two_seconds() -> None:
    tape = t5_5()
    show(tape, FULL, THIN).later(1500)
    show(tape, THIN, FULL).later(300)
    show(tape, FULL, THIN)
    back = tape.now
    rows = found(tape.later(3000))
    assert told(rows)[2:] == [(EXPIRED, "thin depth")]
    assert rows[2]["ts_known"] == START_NS + (back // 100 + 1 + 20) * 100 * MS
    assert seen(rows[2])["lowest_ratio"] == 0.18


def test_both_sides_thin_have_no_direction() -> None:
    tape = book().at(1050)
    bids = [(1, p, q) for p, q in zip(PRICES, THIN, strict=True)]
    asks = [(-1, 2001 - p, q) for p, q in zip(PRICES, THIN, strict=True)]
    rows = found(tape.level(*bids, *asks).later(300))
    assert rows["direction"].tolist() == [0, 0, 0, 0]
    assert sorted(rows["side"].tolist()) == [-1, -1, 1, 1]


def test_a_lost_book_rejects() -> None:
    tape = t5_5().lose().later(300)
    assert told(found(tape))[2:] == [(REJECTED, "valid book")]


def test_unknown_medians_are_no_answer() -> None:
    tape = show(book().at(1050), [0, 0, *THIN[:8]], FULL).later(300)
    b = bench()
    assert of_kind(run(tape.events(), b), VACUUM).size == 0
    assert b.vacuum.head[0]["undecided"] == 6  # both sides: the spread alone is wide
    assert found(t5_5(), young=1)["provisional"].tolist() == [YOUNG_BASELINE] * 2


def test_mirror_split_and_causality() -> None:
    tape = t5_5()
    show(tape, FULL, THIN).later(3000)
    rows = found(tape)
    assert rows.size == 3
    assert_mirrored(rows, found(tape, mirror=True), ())
    np.testing.assert_array_equal(rows, found(tape, cuts=(2, 25, 33, 40, 41)))
    events = tape.events()
    cut = int(np.searchsorted(events["ts_recv"], rows[0]["ts_known"], "right"))
    events["size"][cut:] += 3
    np.testing.assert_array_equal(of_kind(run(events, known()), VACUUM)[:1], rows[:1])


SIZES = st.sampled_from(
    [FULL, [30] * 10, THIN, [9, 9] + [0] * 8, [7] * 10, [2, 0, 0, 0, 2] + [3] * 5]
)
STEPS = st.lists(st.tuples(SIZES, st.integers(1, 25), st.integers(0, 60)), max_size=12)


@examples(40)
@given(STEPS)
def test_twin(plan: list[tuple[list[int], int, int]]) -> None:
    tape = book().at(1050)
    shown, depths, trades = FULL, [(0, FULL)], []
    for sizes, steps, traded in plan:
        for price, was, now in zip(PRICES, shown, sizes, strict=True):
            taken = min(traded, max(was - now, 0))
            if taken > 0:
                tape.trade(-1, price, taken)
                trades.append((tape.now, taken))
        tape.later(10)
        if sizes != shown:
            show(tape, sizes, shown)
        depths.append((tape.now, sizes))
        shown = sizes
        tape.later(steps * 100 - 10)
    got = [
        naive.Row(
            (int(row["ts_known"]) - START_NS) // MS,
            PHASE_NAMES[int(row["phase"])],
            CONDITIONS[row["failed"]],
            int(row["evidence"][4]),
            int(row["evidence"][5]),
        )
        for row in found(tape)
    ]
    assert got == naive.vacuums(depths, trades, 100, tape.now)
