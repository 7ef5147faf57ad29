"""Withdrawals and consumptions of the background, on logs and quotes made by hand."""

import numpy as np

from aggressor.schema.event import QUOTE, empty_events
from aggressor.schema.signal import CONFIRMED, PULL, empty_signals
from aggressor.sim.synthetic.book import ADD, BACKGROUND, CANCEL, FILL, L3_ROW, SCENARIO_OWNER
from aggressor.sim.synthetic.labels import came_about
from aggressor.sim.synthetic.large_orders import CONSUMPTION, WITHDRAWAL, LargeOrders
from aggressor.sim.synthetic.scoring import score_signals

S = 1_000_000_000
TYPICAL = 10.0
WHOLE = [(1, ADD, 100), (9, CANCEL, 100)]
COMES = [(0, 1000), (5, 997), (8, 998)]  # the best bid


def quotes(path):
    events = empty_events(len(path))
    for row, (second, price) in zip(events, path, strict=True):
        row["kind"], row["side"], row["price"], row["ts_venue"] = QUOTE, 1, price, int(second * S)
    return events


def log(rows, owner=BACKGROUND):
    made = np.zeros(len(rows), L3_ROW)
    for row, (second, action, lots) in zip(made, rows, strict=True):
        row["ts_venue"], row["action"], row["lots"] = int(second * S), action, lots
        row["order"], row["side"], row["price"] = 7, 1, 995
        row["owner"] = owner
    return made


def found(rows=WHOLE, path=COMES, owner=BACKGROUND):
    seen = LargeOrders()
    seen.take(quotes(path), log(rows, owner), TYPICAL)
    return seen.labels()


def test_a_large_order_that_price_came_to_and_that_was_cancelled_is_one():
    (label,) = found()
    assert (label.kind, label.side, label.direction, label.low, label.high) == (
        WITHDRAWAL,
        1,
        -1,
        995,
        995,
    )
    assert (label.start_ns, label.stop_ns, label.key_ns) == (9 * S, 9 * S, 0)
    assert (label.peak_lots, label.traded_lots, label.cancelled_lots, label.count) == (
        100,
        0,
        100,
        2,
    )
    assert not came_about(label)


def test_price_may_have_gone_away_before_it_came():
    assert len(found(path=[(0, 997), (3, 1000), (5, 997)])) == 1
    assert found(path=[(0, 997), (3, 999), (5, 997)]) == []  # two nearer
    assert found(path=[(0, 1002), (5, 999)]) == []  # three nearer, but four away


def test_what_is_small_or_hit_or_a_scenario_s_is_none():
    assert found([(1, ADD, 49), (9, CANCEL, 49)]) == []
    assert len(found([(1, ADD, 100), (8, FILL, 5), (9, CANCEL, 95)])) == 1
    assert found([(1, ADD, 100), (8, FILL, 6), (9, CANCEL, 94)]) == []
    assert found(owner=SCENARIO_OWNER) == []


def test_what_it_was_two_seconds_before_is_another_wall_s_affair():
    (label,) = found([(1, ADD, 300), (3, FILL, 60), (4, CANCEL, 140), (9, CANCEL, 100)])
    assert (label.peak_lots, label.traded_lots, label.cancelled_lots) == (100, 0, 100)


def test_a_wall_of_less_than_two_seconds_is_none():
    assert found([(7, ADD, 100), (9, CANCEL, 100)], [(0, 1000), (8, 997)]) != []
    assert found([(8, ADD, 100), (9, CANCEL, 100)], [(0, 1000), (8, 1000), (8.5, 997)]) == []


def test_it_is_the_same_wall_while_it_shows_half_of_its_peak():
    grown = [(5, ADD, 45), (7.5, ADD, 40), (9, CANCEL, 85)]
    path = [(0, 1000), (8, 997)]
    assert len(found(grown, path)) == 1
    assert found([(5, ADD, 40), (7.5, ADD, 45), (9, CANCEL, 85)], path) == []  # of 1.5 seconds
    assert found([(5, ADD, 24), (6, ADD, 25), (9, CANCEL, 49)], path) == []  # never large


def test_it_may_leave_in_steps_within_two_seconds():
    steps = [(1, ADD, 100), (7.5, CANCEL, 40), (9, CANCEL, 50)]
    assert [label.cancelled_lots for label in found(steps)] == [90]
    assert found([(1, ADD, 100), (6.5, CANCEL, 55), (9, CANCEL, 40)]) == []


def test_one_that_is_eaten_in_a_second_is_a_consumption():
    (label,) = found([(1, ADD, 100), (6, FILL, 30), (9, FILL, 40), (9, FILL, 30)])
    assert (label.kind, label.direction, label.stop_ns) == (CONSUMPTION, -1, 9 * S)
    assert (label.traded_lots, label.cancelled_lots, label.count) == (100, 0, 70)
    assert found([(1, ADD, 100), (7.5, FILL, 40), (9, FILL, 60)]) == []
    assert found([(1, ADD, 49), (9, FILL, 49)]) == []


def test_a_level_is_eaten_whoever_rested_there():
    (label,) = found([(1, ADD, 30), (2, ADD, 30), (9, FILL, 30), (9, CANCEL, 5), (9, FILL, 20)])
    assert (label.kind, label.peak_lots, label.traded_lots, label.count) == (
        CONSUMPTION,
        60,
        50,
        50,
    )
    assert found([(1, ADD, 60), (9, FILL, 40), (9, CANCEL, 20)]) == []
    assert found([(1, ADD, 60), (9, FILL, 60)], owner=SCENARIO_OWNER) == []


def test_it_does_not_matter_where_the_tape_was_cut():
    seen = LargeOrders()
    for second in range(10):
        rows = [one for one in WHOLE if one[0] == second]
        path = [one for one in COMES if one[0] == second]
        seen.take(quotes(path), log(rows), TYPICAL)
    assert seen.labels() == found()
    assert LargeOrders().labels() == []


def test_it_explains_a_pull_for_three_seconds():
    rows = empty_signals(2)
    rows["kind"], rows["phase"], rows["side"], rows["direction"] = PULL, CONFIRMED, 1, -1
    rows["low"] = rows["high"] = 995
    rows["episode"] = [1, 2]
    rows["ts_confirmed"] = rows["ts_known"] = [10 * S, 13 * S]
    one = score_signals(rows, found())[PULL]
    assert (one.injected, one.found, one.explained, one.false) == (0, 0, 1, 1)
