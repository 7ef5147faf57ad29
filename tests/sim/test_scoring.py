"""Rules of scoring, on signals and labels made by hand."""

import msgspec
import pytest

from aggressor.schema.signal import (
    ABSORPTION,
    CONFIRMED,
    EXHAUSTION,
    EXPIRED,
    ICEBERG,
    PULL,
    PUSH_THROUGH,
    REJECTED,
    STACKING,
    empty_signals,
)
from aggressor.sim.synthetic.config import SCENARIO_KINDS
from aggressor.sim.synthetic.labels import Label, came_about
from aggressor.sim.synthetic.scoring import (
    DETECTOR_OF,
    Score,
    alarms,
    argued,
    first_confirmed,
    score_signals,
    wilson,
)

S = 1_000_000_000
ICEBERG_LABEL = Label(
    kind="iceberg",
    side=1,
    direction=1,
    difficulty="easy",
    start_ns=100 * S,
    stop_ns=120 * S,
    key_ns=110 * S,
    low=1000,
    high=1000,
    peak_lots=10,
    traded_lots=60,
    cancelled_lots=0,
    injected_lots=60,
    count=6,
)


def labelled(**changes):
    return msgspec.structs.replace(ICEBERG_LABEL, **changes)


def signals(*rows):
    """Rows of (kind, seconds, price) with any further fields by name."""
    made = empty_signals(len(rows))
    for n, ((kind, at, price, *more), row) in enumerate(zip(rows, made, strict=True)):
        row["kind"], row["phase"], row["episode"] = kind, CONFIRMED, n
        row["ts_confirmed"] = at * S
        row["ts_known"] = at * S + 5_000_000
        row["low"] = row["high"] = price
        row["side"] = row["direction"] = 1
        for name, value in (more[0] if more else {}).items():
            row[name] = value
    return made


def test_a_signal_finds_its_label_and_the_delay_is_from_its_key_time():
    score = score_signals(signals((ICEBERG, 112, 1000)), [ICEBERG_LABEL])[ICEBERG]
    assert (score.injected, score.found, score.false) == (1, 1, 0)
    assert score.delay_ms_p50 == 2005.0
    assert score.precision == score.recall == 1.0


@pytest.mark.parametrize(
    "row",
    [
        (ICEBERG, 99, 1000),  # before it began
        (ICEBERG, 151, 1000),  # after the grace
        (ICEBERG, 112, 1004),  # another price
        (ICEBERG, 112, 996),
        (ICEBERG, 112, 1000, {"direction": -1}),
        (ICEBERG, 112, 1000, {"direction": 0, "side": -1}),
        (PULL, 112, 1000),  # another kind
    ],
)
def test_what_does_not_meet_a_label_is_false(row):
    scores = score_signals(signals(row), [ICEBERG_LABEL])
    assert scores[ICEBERG].found == 0
    assert scores[row[0]].false == 1
    assert sum(one.false for one in scores.values()) == 1


@pytest.mark.parametrize(
    "row",
    [
        (ICEBERG, 100, 1000),
        (ICEBERG, 150, 1000),
        (ICEBERG, 112, 1003),
        (ICEBERG, 112, 990, {"high": 997}),
        (ICEBERG, 112, 1000, {"direction": 0}),
    ],
)
def test_the_edges_of_time_and_zone_belong_to_it(row):
    assert score_signals(signals(row), [ICEBERG_LABEL])[ICEBERG].found == 1


def test_a_label_is_found_once_and_a_repeat_is_not_false():
    rows = signals((ICEBERG, 112, 1000), (ICEBERG, 118, 1000), (ICEBERG, 119, 1001))
    score = score_signals(rows, [ICEBERG_LABEL])[ICEBERG]
    assert (score.found, score.repeats, score.false) == (1, 2, 0)
    other = labelled(start_ns=117 * S, stop_ns=130 * S, key_ns=118 * S)
    score = score_signals(rows, [ICEBERG_LABEL, other])[ICEBERG]
    assert (score.found, score.repeats, score.false) == (2, 1, 0)


def test_what_a_scenario_holds_by_construction_is_explained_not_false():
    rows = signals((ABSORPTION, 115, 1000), (PUSH_THROUGH, 115, 1000), (ABSORPTION, 300, 1000))
    scores = score_signals(rows, [ICEBERG_LABEL])
    assert (scores[ABSORPTION].explained, scores[ABSORPTION].false) == (1, 1)
    assert (scores[PUSH_THROUGH].explained, scores[PUSH_THROUGH].false) == (0, 1)


def test_a_row_that_is_bought_up_for_a_minute_is_filled_up_again_and_again():
    rows = labelled(kind="stacking", side=0)
    score = score_signals(signals((ICEBERG, 112, 1000)), [rows])[ICEBERG]
    assert (score.explained, score.false) == (1, 0)


@pytest.mark.parametrize(("side", "explained"), [(1, 0), (-1, 1)])
def test_the_run_to_a_wall_that_is_pulled_is_one_that_ends(side, explained):
    wall = labelled(kind="wall_pull", side=1, direction=-1)
    row = (EXHAUSTION, 125, 1001, {"side": side, "direction": -side})
    one = score_signals(signals(row), [wall])[EXHAUSTION]
    assert (one.explained, one.false) == (explained, 1 - explained)


def test_a_signal_over_two_labels_of_other_kinds_is_false_once():
    labels = [labelled(kind="wall_pull", count=2), labelled(kind="vacuum")]
    scores = score_signals(signals((ICEBERG, 112, 1000)), labels)
    assert sum(one.false for one in scores.values()) == 1


def test_a_scenario_that_did_not_come_about_asks_for_nothing():
    failed = labelled(count=1)
    assert not came_about(failed)
    score = score_signals(signals((ICEBERG, 112, 1000)), [failed])[ICEBERG]
    assert (score.injected, score.found, score.false, score.explained) == (0, 0, 0, 1)


def test_a_scenario_given_up_on_the_way_asks_for_nothing_and_explains_its_own_kind():
    given_up = labelled(key_ns=0)
    assert came_about(labelled())
    assert not came_about(given_up)
    score = score_signals(signals((ICEBERG, 112, 1000)), [given_up])[ICEBERG]
    assert (score.injected, score.found, score.false, score.explained) == (0, 0, 0, 1)


def test_where_a_scenario_leads_the_price_time_explains_enough():
    led = labelled(kind="trapped", side=0)
    far, late = (ICEBERG, 112, 1200), (ICEBERG, 151, 1000)
    assert score_signals(signals(far), [led])[ICEBERG].explained == 1
    assert score_signals(signals(late), [led])[ICEBERG].false == 1
    assert score_signals(signals(far), [labelled(kind="absorption")])[ICEBERG].false == 1


def test_only_the_first_confirmation_of_an_episode_counts():
    rows = signals(
        (ICEBERG, 112, 1000, {"episode": 7}),
        (ICEBERG, 114, 1000, {"episode": 7}),
        (ICEBERG, 115, 1000, {"episode": 8, "phase": EXPIRED}),
        (ICEBERG, 116, 1000, {"episode": 9, "phase": REJECTED}),
        (PULL, 117, 1000, {"episode": 7}),
        (ICEBERG, 118, 1000, {"episode": 7, "instrument": 1}),
    )
    kept = first_confirmed(rows, 0)
    assert kept["ts_confirmed"].tolist() == [112 * S, 117 * S, 118 * S]
    assert first_confirmed(rows, 113 * S)["ts_confirmed"].tolist() == [117 * S, 118 * S]
    assert first_confirmed(empty_signals(0), 0).size == 0
    assert alarms(rows, 0)[ICEBERG] == 2


def test_runs_are_argued_against():
    run = labelled(kind="exhaustion", side=0, direction=1)
    assert argued(run) == -1
    down = {"direction": -1, "side": 1}
    assert score_signals(signals((EXHAUSTION, 112, 1000, down)), [run])[EXHAUSTION].found == 1
    assert score_signals(signals((EXHAUSTION, 112, 1000)), [run])[EXHAUSTION].found == 0
    plain = {"direction": 0, "side": 1}
    assert score_signals(signals((EXHAUSTION, 112, 1000, plain)), [run])[EXHAUSTION].found == 1


def test_every_kind_of_scenario_has_its_detector():
    assert set(DETECTOR_OF) == set(SCENARIO_KINDS)
    assert len(set(DETECTOR_OF.values())) == len(SCENARIO_KINDS)


def test_t10_2_wilson_intervals():
    assert wilson(60, 100) == pytest.approx((0.502003, 0.690599), abs=1e-6)
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    assert wilson(0, 5) == pytest.approx((0.0, 0.434482), abs=1e-6)
    assert wilson(0, 0) is None


def test_scores_add_up_and_nothing_is_not_zero():
    assert Score().precision is None
    assert Score().recall is None
    assert Score().delay_ms_p50 is None
    one = Score(injected=3, found=1, false=1, repeats=2, explained=1, delays_ns=(5_000_000,))
    both = one.plus(Score(injected=1, found=1, delays_ns=(9_000_000,)))
    assert (both.injected, both.found, both.false, both.repeats) == (4, 2, 1, 2)
    assert both.delay_ms_p50 == 7.0
    assert both.precision == pytest.approx(2 / 3)
    assert both.recall == 0.5


def test_rows_of_which_nothing_rested_explain_no_iceberg():
    rows = signals((ICEBERG, 112, 1000), (STACKING, 112, 1000, {"direction": -1}))
    rested = labelled(kind="stacking", side=0, peak_lots=100)
    scores = score_signals(rows, [rested])
    assert (scores[ICEBERG].explained, scores[ICEBERG].false) == (1, 0)
    bare = labelled(kind="stacking", side=0, peak_lots=100, traded_lots=0)
    scores = score_signals(rows, [bare])
    assert (scores[ICEBERG].explained, scores[ICEBERG].false) == (0, 1)


@pytest.mark.parametrize(("traded", "came"), [(0, True), (27, True), (28, False)])
def test_a_vacuum_that_was_eaten_did_not_come_about(traded, came):
    label = labelled(kind="vacuum", direction=-1, peak_lots=100, count=10, traded_lots=traded)
    assert came_about(label) is came
