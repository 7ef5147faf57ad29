"""Absorption: the worked example, slides and quiet tapes, a push through, a bounce, the twin."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors.absorption import CONDITIONS, EVIDENCE
from aggressor.features.baseline import READY
from aggressor.schema.signal import (
    ABSORPTION,
    CONFIRMED,
    EXPIRED,
    FIRM,
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
from tests.naive import absorption as naive
from tests.searching import examples

USUAL = 100
ATR = 16.0  # ticks a minute: 6.5 in ten seconds, which 130 lots should move it at 0.05


def known(**scene: Any) -> Bench:
    """A bench whose usual zone volume is given and stands still."""
    b = bench(**scene)
    head = b.absorption.head
    head["quantile"], head["maturity"], head["baseline_ns"] = USUAL, READY, START_NS
    b.absorption.parameters["every_ns"] = 10**18
    return b


def book(lots: int = 30, ask: int = 1001) -> Tape:
    bids = {1000: lots} | {1000 - i: 30 for i in range(1, 12)}
    return Tape().snapshot(bids, {ask + i: 30 for i in range(12)}).at(150)


def sell(tape: Tape, times: int, lots: int = 20, every: int = 100) -> Tape:
    for _ in range(times):
        tape.trade(-1, 1000, lots).later(5).level((1, 1000, 30)).later(every - 5)
    return tape


def found(tape: Tape, mirror: bool = False, cuts: tuple[int, ...] = (), **scene: Any) -> Any:
    return of_kind(run(tape.events(mirror), known(**scene), cuts), ABSORPTION)


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def told(rows: Any) -> list[tuple[int, str]]:
    return [(int(row["phase"]), CONDITIONS[row["failed"]]) for row in rows]


def test_t5_1_a_twentieth_of_the_expected_move_is_absorption() -> None:
    tape = sell(book(ask=1003), 20).level((-1, 1001, 30))  # the mid ends a tick lower
    rows = found(tape.later(2000))
    assert told(rows) == [(CONFIRMED, "")]
    got = seen(rows[0])
    assert (got["hit"], got["mid_move_ticks"], got["expected_ticks"]) == (400, -1.0, 20.0)
    assert got["impact_ratio"] == 0.05
    assert (got["impact"], got["start_lots"], got["lots"]) == (0.05, 30, 30)
    assert (got["added"], got["delta"], got["hit_quantile"]) == (400, -400, USUAL)
    assert got["threshold_lots"] == 100
    assert (rows[0]["side"], rows[0]["direction"]) == (1, 1)
    assert (rows[0]["low"], rows[0]["high"]) == (1000, 1000)
    assert rows[0]["provisional"] == FIRM
    assert got["rate_ratio"] <= 0.5


def test_the_score_is_the_mean_over_the_conditions() -> None:
    (row,) = found(sell(book(), 8).later(3000))
    got = seen(row)
    assert got["impact_ratio"] == 0
    expected = (min(1.0, 0.5 * 160 / 100) + 1.0 + min(1.0, 0.25 / got["rate_ratio"])) / 3
    assert row["score"] == pytest.approx(expected)


def test_sells_that_push_price_down_are_rejected() -> None:
    tape = sell(book(), 8).level((1, 1000, 0)).later(600)
    rows = found(tape)
    assert told(rows) == [(REJECTED, "best price held")]


def test_a_dip_of_less_than_a_quarter_second_is_held() -> None:
    tape = sell(book(), 8).level((1, 1000, 0)).later(240).level((1, 1000, 30)).later(3000)
    assert told(found(tape)) == [(CONFIRMED, "")]
    tape = sell(book(), 8).level((1, 1000, 0)).later(260).level((1, 1000, 30)).later(3000)
    assert told(found(tape)) == [(REJECTED, "best price held")]


def test_a_slide_is_no_absorption() -> None:
    tape = book()
    for i in range(10):  # 20 lots a tick: what lambda implies
        for _ in range(2):
            tape.trade(-1, 1000 - i, 10).later(150)
        tape.level((1, 1000 - i, 0), (-1, 1000 - i, 30)).later(100)
    assert found(tape.later(3000)).size == 0


def test_the_same_volume_with_its_impact_is_no_absorption() -> None:
    tape = sell(book(ask=1007), 8).level((-1, 1001, 30)).later(6000)
    (row,) = found(tape)
    assert told([row]) == [(EXPIRED, "impact ratio")]
    assert seen(row)["impact_ratio"] == pytest.approx(3 / (0.05 * 160))


def test_low_volume_at_a_standing_price_is_nothing() -> None:
    assert found(sell(book(), 50, lots=1, every=300).later(3000)).size == 0
    assert found(sell(book(60), 5).level((1, 1000, 60)).later(3000)).size == 0  # displayed more


def test_sells_that_go_on_expire_unless_price_bounces() -> None:
    tape = sell(book(), 60)
    (row,) = found(tape)
    assert told([row]) == [(EXPIRED, "slower flow or bounce")]
    tape = sell(book(), 10).trade(1, 1002, 1).later(100)
    (row,) = found(tape)
    assert told([row]) == [(CONFIRMED, "")]
    assert seen(row)["bounce_ticks"] == 2


def test_flow_that_buyers_answer_lot_for_lot_presses_on_nobody() -> None:
    tape = book()
    for _ in range(8):
        tape.trade(-1, 1000, 20).trade(1, 1001, 20).later(5)
        tape.level((1, 1000, 30), (-1, 1001, 30)).later(95)
    assert found(tape.later(3000)).size == 0
    tape = book()
    for _ in range(8):
        tape.trade(-1, 1000, 20).trade(1, 1001, 5).later(5)
        tape.level((1, 1000, 30), (-1, 1001, 30)).later(95)
    rows = found(tape.later(3000))
    assert (CONFIRMED, "") in told(rows)
    got = seen(rows[0])
    assert (got["hit"], got["pressed"], got["expected_ticks"]) == (160, 120, 6.0)


def test_a_stand_that_chance_would_explain_is_nothing() -> None:
    tape = sell(book(), 8).later(3000)  # 160 lots: 8 ticks expected
    (row,) = found(tape, atr_ticks=39.0)
    assert seen(row)["range_ticks"] == pytest.approx(39 * (2.5 / 60) ** 0.5)  # a quarter of w
    assert found(tape, atr_ticks=40.0).size == 0
    tape = sell(book(), 8, every=1000).later(3000)  # the same in eight seconds
    assert found(tape, atr_ticks=24.0).size == 0
    (row,) = found(tape, atr_ticks=22.0)
    assert seen(row)["range_ticks"] == pytest.approx(22 * (7.15 / 60) ** 0.5, rel=0.02)


def test_a_trade_at_the_other_touch_is_no_bounce_from_a_wide_zone() -> None:
    for price, phase in ((1001, EXPIRED), (1002, CONFIRMED)):
        b = known()
        b.absorption.parameters["zone_ticks"] = 2  # 999 and 1000
        b.absorption.parameters["rate_ratio"] = -1.0
        tape = sell(book(60), 10).trade(1, price, 1).later(6000)
        rows = of_kind(run(tape.events(), b), ABSORPTION)
        assert [int(row["phase"]) for row in rows[:1]] == [phase]


def test_only_a_confirmed_side_rests() -> None:
    tape = sell(book(), 8).level((1, 1000, 0)).later(600).level((1, 1000, 30)).later(1200)
    rows = found(sell(tape, 8).later(3000))
    assert told(rows) == [(REJECTED, "best price held"), (CONFIRMED, "")]
    tape = sell(sell(book(), 8).later(3000), 8).later(1000)
    assert told(found(tape)) == [(CONFIRMED, "")]


def test_a_zone_starts_anew_where_the_best_price_lives() -> None:
    tape = sell(book(), 4)
    tape.level((-1, 1001, 0), (1, 1001, 30)).later(1300)
    for _ in range(8):
        tape.trade(-1, 1001, 20).later(5).level((1, 1001, 30)).later(95)
    (row,) = found(tape.later(3000))
    assert (row["low"], row["high"], seen(row)["hit"]) == (1001, 1001, 160)


def test_a_lost_book_rejects_and_what_is_unknown_is_no_answer() -> None:
    assert told(found(sell(book(), 6).lose().later(200))) == [(REJECTED, "valid book")]
    assert found(sell(book(), 8).later(3000), young=1)["provisional"].tolist() == [YOUNG_BASELINE]
    for scene in ({"impact": -1.0}, {"e": 0}, {"atr_ticks": -1.0}):
        b = known(**scene)
        assert of_kind(run(sell(book(), 8).later(3000).events(), b), ABSORPTION).size == 0
        assert b.absorption.head[0]["undecided"] > 0


def test_the_baseline_is_of_zone_volumes_of_the_past() -> None:
    b = bench()
    run(sell(book(), 900, lots=2).later(100).events(), b)
    head = b.absorption.head[0]
    assert head["maturity"] == 0
    assert b.absorption.volumes.head[0]["samples"] == 2 * 75  # a second's, less 15 s


def test_mirror_split_and_causality() -> None:
    tape = sell(book(), 8).later(3000)
    rows = found(tape)
    assert rows.size == 1
    delta = EVIDENCE.index("delta"), EVIDENCE.index("mid_move_ticks")
    assert_mirrored(rows, found(tape, mirror=True), delta)
    np.testing.assert_array_equal(rows, found(tape, cuts=(3, 30, 31, 47)))
    events = tape.events()
    cut = int(np.searchsorted(events["ts_recv"], rows[0]["ts_known"], "right"))
    events["size"][cut:] += 3
    np.testing.assert_array_equal(of_kind(run(events, known()), ABSORPTION)[:1], rows)


STEPS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 25), st.integers(0, 4), st.integers(1, 60)),
    max_size=25,
)


@examples(40)
@given(STEPS)
def test_twin(plan: list[tuple[int, int, int, int]]) -> None:
    tape, ask = book(), 1001
    sells: list[tuple[int, int]] = []
    mids, displayed = [(0, 2001)], [(0, 30)]
    for steps, lots, move, shown in plan:
        for _ in range(steps % 7):
            if lots > 0:
                tape.trade(-1, 1000, lots)
                sells.append((tape.now, lots))
            tape.later(100)
        tape.later(10)
        levels = [(1, 1000, shown)]
        if 1001 + move > ask:
            levels += [(-1, price, 0) for price in range(ask, 1001 + move)]
        elif 1001 + move < ask:
            levels += [(-1, 1001 + move, 30)]
        for price in range(1001 + move, 1006):
            levels += [(-1, price, 30)]
        ask = 1001 + move
        tape.level(*levels)
        mids.append((tape.now, 1000 + ask))
        displayed.append((tape.now, shown))
        tape.later(steps * 100 - 10)
    rows = found(tape, atr_ticks=ATR)
    got = [
        naive.Row(
            (int(row["ts_known"]) - START_NS) // MS,
            PHASE_NAMES[int(row["phase"])],
            CONDITIONS[row["failed"]],
            int(row["evidence"][0]),
            int(-2 * row["evidence"][8]),
        )
        for row in rows
        if row["side"] == 1
    ]
    assert got == naive.absorptions(sells, mids, displayed, USUAL, 0.05, ATR, tape.now)
